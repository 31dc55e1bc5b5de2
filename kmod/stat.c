// SPDX-License-Identifier: GPL-2.0-only
/*
 * What others may know of the objects: one fill function per kind, used by dm status, netlink and
 * events alike. Short spin locks; the group's walks its members under ctl_mutex.
 */
#define DM_MSG_PREFIX "replica"

#include "clone.h"
#include "epoch.h"
#include "snap.h"
#include "space.h"
#include "store.h"

void rpl_store_stat_get(struct rpl_store *s, struct rpl_store_stat *out)
{
	unsigned long flags;

	memset(out, 0, sizeof(*out));
	strscpy(out->name, s->name, sizeof(out->name));
	out->devt = s->devt;
	memcpy(out->uuid, s->uuid, RPL_UUID_LEN);
	out->generation = READ_ONCE(s->generation);
	out->flags = READ_ONCE(s->flags);
	out->chunk_bytes = s->chunk_sectors << SECTOR_SHIFT;
	out->nr_volumes = READ_ONCE(s->nr_volumes);
	out->nr_clones = READ_ONCE(s->nr_clones);
	out->nr_groups = READ_ONCE(s->nr_groups);
	out->max_volumes = s->max_volumes;
	out->seq = READ_ONCE(s->notify.seq);
	out->overflow = READ_ONCE(s->overflow) ?: RPL_OVERFLOW_INVALIDATE;
	out->queue_timeout_ms = READ_ONCE(s->queue_timeout_ms);
	out->waiting_writes = READ_ONCE(s->nr_starved);
	if (s->space) {
		if (READ_ONCE(s->space->low))
			out->flags |= RPL_STORE_FLAG_LOW_SPACE;
		out->low_water_bytes = READ_ONCE(s->space->low_mark) * out->chunk_bytes;
		spin_lock_irqsave(&s->space->lock, flags);
		out->data_bytes = (s->space->nr_chunks - s->space->nr_reserved) * out->chunk_bytes;
		out->used_bytes = (s->space->nr_used - s->space->nr_reserved) * out->chunk_bytes;
		spin_unlock_irqrestore(&s->space->lock, flags);
	}
	spin_lock_irqsave(&s->lock, flags);
	out->mode = s->mode;
	strscpy(out->reason, s->reason, sizeof(out->reason));
	spin_unlock_irqrestore(&s->lock, flags);
}

void rpl_source_stat_get(struct rpl_volume *vol, struct rpl_source_stat *out)
{
	struct rpl_epoch *e;
	unsigned long flags;
	u32 slot, i;

	memset(out, 0, sizeof(*out));
	out->id = vol->id;
	spin_lock_irqsave(&vol->lock, flags);
	out->nr_sectors = vol->nr_sectors;
	out->bound = vol->dev;
	spin_unlock_irqrestore(&vol->lock, flags);

	rcu_read_lock();
	e = rcu_dereference(vol->store->cur);
	slot = READ_ONCE(vol->slot);
	if (e && slot < e->nr_views && e->view[slot]) {
		struct rpl_view *v = e->view[slot];

		out->epoch = v->epoch;
		out->deps = v->nr_clones;
		for (i = 0; i < v->nr_clones; i++)
			out->armed += READ_ONCE(v->clone[i]->preserving);
		out->armed += v->arm && READ_ONCE(v->arm->preserving);
	}
	rcu_read_unlock();

	out->first_writes = atomic64_read(&vol->first_writes);
	out->preserved_bytes = atomic64_read(&vol->preserved_bytes);
	out->held_writes = atomic64_read(&vol->held_writes);
	out->held_max_ns = atomic64_read(&vol->held_max_ns);
	out->wait_max_ns = atomic64_read(&vol->wait_max_ns);
	out->nr_snapshots = atomic_read(&vol->nr_snapshots);
	out->stored_bytes = (u64)atomic64_read(&vol->stored_chunks)
			    << (vol->store->chunk_shift + SECTOR_SHIFT);
}

/* Complete is what is durable and said so; until then a byte is missing (I6). */
static void clone_bytes(struct rpl_clone *c, struct rpl_clone_stat *out)
{
	/* no size yet, whatever an attempt that failed has left to it */
	if (c->state == RPL_STATE_PREPARED)
		return;
	out->total_bytes = c->nr_sectors << SECTOR_SHIFT;
	if (c->kind == RPL_KIND_SNAPSHOT) {
		/* there is nothing to be copied in advance */
		rpl_snap_truth(c, &out->state, &out->error, out->reason);
		out->copied_bytes = out->state == RPL_STATE_SYNCHRONIZED ? out->total_bytes : 0;
		out->read_only = c->read_only;
		out->written_bytes = (u64)atomic64_read(&c->own_chunks)
				     << (c->store->chunk_shift + SECTOR_SHIFT);
		return;
	}
	if (c->whole && c->announced) {
		out->copied_bytes = out->total_bytes;
		return;
	}
	out->copied_bytes = c->copied_sectors << SECTOR_SHIFT;
	if (out->copied_bytes && out->copied_bytes == out->total_bytes)
		out->copied_bytes -= SECTOR_SIZE;
	if (c->state == RPL_STATE_SYNCHRONIZED)
		out->state = RPL_STATE_COPYING;
}

void rpl_clone_stat_get(struct rpl_clone *c, struct rpl_clone_stat *out)
{
	unsigned long flags;

	memset(out, 0, sizeof(*out));
	out->id = c->id;
	out->kind = c->kind;
	out->volume_id = c->vol->id;
	out->seq = READ_ONCE(c->notify.seq);
	spin_lock_irqsave(&c->lock, flags);
	memcpy(out->uuid, c->uuid, RPL_UUID_LEN);
	if (c->group)
		memcpy(out->group_uuid, c->group->uuid, RPL_UUID_LEN);
	out->state = c->state;
	out->error = c->error;
	strscpy(out->reason, c->reason, sizeof(out->reason));
	out->bound = c->dev;
	clone_bytes(c, out);
	out->bad_bytes = c->bad_sectors << SECTOR_SHIFT;
	out->min_bytes_s = c->min_bytes_s;
	out->max_bytes_s = c->max_bytes_s;
	out->eta_s = U32_MAX;
	if (out->state == RPL_STATE_COPYING) {
		rpl_progress_feed(&c->progress, ktime_get_ns(), c->copied_sectors << SECTOR_SHIFT);
		out->rate_bytes_s = c->progress.rate_bytes_s;
		out->eta_s = rpl_progress_eta_s(&c->progress, out->total_bytes - out->copied_bytes);
	} else if (c->whole || out->copied_bytes == out->total_bytes) {
		out->eta_s = 0;
	}
	spin_unlock_irqrestore(&c->lock, flags);
}

void rpl_group_stat_get_locked(struct rpl_group *g, struct rpl_group_stat *out)
{
	struct rpl_clone_stat one;
	struct rpl_clone *c;

	lockdep_assert_held(&g->store->ctl_mutex);
	memset(out, 0, sizeof(*out));
	memcpy(out->uuid, g->uuid, RPL_UUID_LEN);
	list_for_each_entry(c, &g->clones, group_list) {
		rpl_clone_stat_get(c, &one);
		out->nr_relations++;
		out->nr_state[one.state]++;
		out->total_bytes += one.total_bytes;
		out->copied_bytes += one.copied_bytes;
	}
	out->time_ns = g->time_ns;
	out->publish_ns = g->publish_ns;
	out->drain_ns = g->drain_ns;
	out->held_max_ns = atomic64_read(&g->held_max_ns);
	out->held_writes = atomic64_read(&g->held_writes);
	out->seq = READ_ONCE(g->notify.seq);
}

void rpl_group_stat_get(struct rpl_group *g, struct rpl_group_stat *out)
{
	mutex_lock(&g->store->ctl_mutex);
	rpl_group_stat_get_locked(g, out);
	mutex_unlock(&g->store->ctl_mutex);
}

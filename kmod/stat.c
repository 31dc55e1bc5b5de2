// SPDX-License-Identifier: GPL-2.0-only
/*
 * What others may know of the objects: one fill function per kind, used by dm status, netlink and
 * events alike. Short spin locks; the group's walks its members under ctl_mutex.
 */
#define DM_MSG_PREFIX "replica"

#include "clone.h"
#include "epoch.h"
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
	}
	rcu_read_unlock();

	out->first_writes = atomic64_read(&vol->first_writes);
	out->preserved_bytes = atomic64_read(&vol->preserved_bytes);
	out->held_writes = atomic64_read(&vol->held_writes);
	out->held_max_ns = atomic64_read(&vol->held_max_ns);
	out->wait_max_ns = atomic64_read(&vol->wait_max_ns);
}

/* Complete is what is durable and said so; until then a byte is missing (I6). */
static void clone_bytes(struct rpl_clone *c, struct rpl_clone_stat *out)
{
	out->total_bytes = c->nr_sectors << SECTOR_SHIFT;
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
	} else if (c->whole) {
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

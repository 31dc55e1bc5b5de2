// SPDX-License-Identifier: GPL-2.0-only
/*
 * Snapshots, see snap.h. Relations of kind snapshot share lists, records and events with clones;
 * what is theirs alone is here. Commands run under store->cmd_mutex.
 *
 * A deletion: record without it durable -> newest lowered in a published view, or disarmed -> reply
 * -> scan (R20). While a table names a snapshot it is not deleted: so no reader is in a chunk that
 * a deletion frees, and an entry that serves a live snapshot is no garbage.
 */
#define DM_MSG_PREFIX "replica"

#include <linux/mm.h>
#include <linux/slab.h>

#include "clone.h"
#include "control.h"
#include "epoch.h"
#include "format.h"
#include "op.h"
#include "snap.h"
#include "space.h"
#include "store.h"
#include "trace.h"

/* ---- creation ---- */

int rpl_snap_check(struct rpl_store *s, const struct rpl_member_spec *m, struct rpl_why *why)
{
	struct rpl_volume *vol = rpl_store_volume_by_id(s, m->volume_id);
	struct rpl_clone *c = rpl_store_clone_by_id(s, m->clone_id);

	if (!s->space) {
		rpl_why(why, m->clone_id, "store %s was formatted without room for snapshots",
			s->name);
		return -EOPNOTSUPP;
	}
	if (c) {
		rpl_why(why, c->id, "id %u is in use by a %s of source volume %u", c->id,
			rpl_kind_name(c->kind), c->vol->id);
		return -EEXIST;
	}
	if (rpl_store_volume_by_id(s, m->clone_id)) {
		rpl_why(why, m->clone_id, "id %u is in use by a source volume", m->clone_id);
		return -EEXIST;
	}
	if (!vol)
		return 0; /* check_source() says so */
	if (atomic_read(&vol->nr_snapshots) >= RPL_SNAPSHOTS_MAX) {
		rpl_why(why, vol->id, "source volume %u has %u snapshots, delete one first",
			vol->id, RPL_SNAPSHOTS_MAX);
		return -ENOSPC;
	}
	if (vol->arm && !rpl_arm_alive(vol->arm)) {
		rpl_why(why, vol->id,
			"source volume %u: the loss of its snapshots is being recorded, try again",
			vol->id);
		return -EBUSY;
	}
	if (s->epoch >= RPL_TAG_MAX) {
		rpl_why(why, 0, "store %s has used up its numbers, format it anew", s->name);
		return -EOVERFLOW;
	}
	return 0;
}

struct rpl_clone *rpl_snap_new(struct rpl_store *s, u32 id, struct rpl_volume *vol)
{
	struct rpl_clone *c = rpl_clone_new(s, id, vol);

	if (!c)
		return NULL;
	c->kind = RPL_KIND_SNAPSHOT;
	rpl_waker_init(&c->waker, rpl_snap_wake_work);
	rpl_clone_link(s, c);
	atomic_inc(&vol->nr_snapshots);
	return c;
}

void rpl_snap_truth(struct rpl_clone *c, enum rpl_state *state, int *error, char *reason)
{
	struct rpl_arm *a = c->arm;

	lockdep_assert_held(&c->lock);
	*state = c->state;
	*error = c->error;
	strscpy(reason, c->reason, RPL_REASON_LEN);
	if (c->state != RPL_STATE_SYNCHRONIZED || !a || rpl_arm_keeps(a, c->point))
		return;
	/* under its lock: "failing" is set before the reason is complete */
	spin_lock(&a->lock);
	*state = RPL_STATE_FAILED;
	*error = a->error;
	strscpy(reason, a->reason, RPL_REASON_LEN);
	spin_unlock(&a->lock);
}

/* ---- bookkeeping of a volume ---- */

/* Has the volume a snapshot that its next view keeps old content for? ctl_mutex held. */
static bool has_snapshot_in_view(struct rpl_volume *vol)
{
	struct rpl_clone *c;

	list_for_each_entry(c, &vol->clones, vol_list)
		if (c->kind == RPL_KIND_SNAPSHOT && c->in_view)
			return true;
	return false;
}

struct rpl_arm *rpl_volume_disarm(struct rpl_volume *vol)
{
	struct rpl_store *s = vol->store;
	struct rpl_bits *bits = NULL;
	struct rpl_arm *arm = NULL;

	lockdep_assert_held(&s->publish_mutex);
	mutex_lock(&s->ctl_mutex);
	if (vol->arm && !has_snapshot_in_view(vol)) {
		arm = vol->arm;
		bits = vol->bits;
		vol->arm = NULL;
		vol->bits = NULL;
	}
	mutex_unlock(&s->ctl_mutex);
	rpl_bits_put(bits);
	return arm;
}

void rpl_volume_forget_past(struct rpl_volume *vol)
{
	rpl_arm_put(vol->arm);
	rpl_bits_put(vol->bits);
	vol->arm = NULL;
	vol->bits = NULL;
}

/* ---- deletion: cmd_mutex held ---- */

/* From here on no table can come to it, and its record goes with the next commit. */
static int take_away(struct rpl_store *s, struct rpl_clone *c, struct rpl_why *why)
{
	int r = 0;

	mutex_lock(&s->ctl_mutex);
	spin_lock_irq(&c->lock);
	if (READ_ONCE(s->mode) != RPL_STORE_MODE_OPEN) {
		rpl_why(why, 0, "store %s is %s", s->name, rpl_store_mode_name(READ_ONCE(s->mode)));
		r = -EIO;
	} else if (c->kind != RPL_KIND_SNAPSHOT ||
		   (c->state != RPL_STATE_SYNCHRONIZED && c->state != RPL_STATE_FAILED)) {
		rpl_why(why, c->id, "%s %u is %s, it cannot be deleted", rpl_kind_name(c->kind),
			c->id, rpl_state_name(c->state));
		r = -EINVAL;
	} else if (c->nr_tables) {
		rpl_why(why, c->id, "snapshot %u has a device, remove that first", c->id);
		r = -EBUSY;
	} else {
		trace_rpl_clone_state(s->devt, c->id, c->state, RPL_STATE_DETACHED);
		WRITE_ONCE(c->state, RPL_STATE_DETACHED);
	}
	spin_unlock_irq(&c->lock);
	mutex_unlock(&s->ctl_mutex);
	return r;
}

/* The store failed over it: the snapshot is lost in any case. */
static int not_recorded(struct rpl_clone *c, int r, struct rpl_why *why)
{
	spin_lock_irq(&c->lock);
	WRITE_ONCE(c->state, RPL_STATE_FAILED);
	c->error = EIO;
	strscpy(c->reason, "its deletion could not be recorded in the store", sizeof(c->reason));
	spin_unlock_irq(&c->lock);
	rpl_event_clone(c, RPL_EVENT_STATE);
	rpl_why(why, c->id, "snapshot %u: the store could not record its deletion", c->id);
	return r;
}

/* It is deleted on disk: let source writes know, then everybody. */
static void forget(struct rpl_store *s, struct rpl_clone *c)
{
	struct rpl_volume *vol = c->vol;
	struct rpl_arm *arm = NULL;

	mutex_lock(&s->publish_mutex);
	if (c->in_view) {
		c->in_view = false;
		arm = rpl_volume_disarm(vol);
		/* until it is published the view's tag is a dead one, which serves the others */
		if (vol->slot != U32_MAX)
			rpl_epoch_refresh(s, &vol, 1);
	}
	mutex_unlock(&s->publish_mutex);
	if (arm) {
		rpl_arm_release_writes(arm);
		rpl_arm_put(arm);
	}
	rpl_clone_get(c);
	rpl_clone_unlink(c);
	rpl_volume_drop_unused(s, vol);
	rpl_event_clone(c, RPL_EVENT_REMOVED);
	if (c->group)
		rpl_event_group(c->group, RPL_EVENT_STATE);
	rpl_clone_put(c);
}

int rpl_snap_delete(struct rpl_store *s, struct rpl_clone *c, struct rpl_why *why)
{
	int r;

	mutex_lock(&s->cmd_mutex);
	r = take_away(s, c, why);
	if (!r) {
		/* in both superblocks: should one be lost, the other must not bring it back */
		r = rpl_store_commit(s) ?: rpl_store_commit_again(s);
		if (r)
			r = not_recorded(c, r, why);
		else
			forget(s, c);
	}
	mutex_unlock(&s->cmd_mutex);
	if (!r)
		rpl_scan_kick(s);
	return r;
}

/* ---- loss ---- */

/* ctl_mutex held. */
static void lose_all_of(struct rpl_arm *a)
{
	struct rpl_clone *c;

	list_for_each_entry(c, &a->vol->clones, vol_list) {
		if (c->kind != RPL_KIND_SNAPSHOT || c->arm != a)
			continue;
		c->in_view = false;
		spin_lock_irq(&c->lock);
		if (c->state == RPL_STATE_SYNCHRONIZED) {
			trace_rpl_clone_state(a->vol->store->devt, c->id, c->state,
					      RPL_STATE_FAILED);
			WRITE_ONCE(c->state, RPL_STATE_FAILED);
			c->error = a->error;
			strscpy(c->reason, a->reason, sizeof(c->reason));
		}
		spin_unlock_irq(&c->lock);
		rpl_event_clone(c, RPL_EVENT_STATE);
		if (c->group)
			rpl_event_group(c->group, RPL_EVENT_STATE);
	}
}

void rpl_snaps_settle_lost(struct rpl_arm *a)
{
	struct rpl_volume *vol = a->vol;
	struct rpl_store *s = vol->store;
	struct rpl_arm *gone;

	mutex_lock(&s->cmd_mutex);
	mutex_lock(&s->publish_mutex);
	mutex_lock(&s->ctl_mutex);
	lose_all_of(a);
	mutex_unlock(&s->ctl_mutex);
	gone = vol->arm == a ? rpl_volume_disarm(vol) : NULL;
	if (gone && vol->slot != U32_MAX)
		rpl_epoch_refresh(s, &vol, 1);
	mutex_unlock(&s->publish_mutex);
	rpl_arm_put(gone);
	rpl_store_commit(s);
	mutex_unlock(&s->cmd_mutex);
	rpl_scan_kick(s);
}

void rpl_snaps_fail_all(struct rpl_store *s)
{
	struct rpl_volume *vol;

	lockdep_assert_held(&s->ctl_mutex);
	list_for_each_entry(vol, &s->volumes, list)
		if (vol->arm)
			rpl_arm_fail(vol->arm, EIO, "their store failed: %s", s->reason);
}

/* ---- the map ---- */

int rpl_store_file(struct rpl_store *s, struct rpl_map_entry *e)
{
	unsigned long fresh = 0;
	u32 missing = 0;
	int r;

	for (;;) {
		write_lock_irq(&s->map_lock);
		if (fresh && !s->map.pages[missing]) {
			WRITE_ONCE(s->map.pages[missing], (void *)fresh);
			fresh = 0;
		}
		r = rpl_map_insert(&s->map, e, &missing);
		write_unlock_irq(&s->map_lock);
		if (r != -EAGAIN)
			break;
		if (!fresh)
			fresh = rpl_reserve_page(&s->reserve);
		if (!fresh)
			return -ENOMEM;
	}
	free_page(fresh);
	return r;
}

/* ---- load: the constructor of the store, no locks ---- */

struct load {
	struct rpl_store *s;
	struct rpl_volume **by_id;
	struct rpl_clone **snap_by_id;
	bool contradiction;
};

/* The volume's arm and bits, if it has valid snapshots. */
static int load_volume(struct rpl_store *s, struct rpl_volume *vol)
{
	struct rpl_clone *c, *newest = NULL;

	list_for_each_entry(c, &vol->clones, vol_list)
		if (c->kind == RPL_KIND_SNAPSHOT && c->state == RPL_STATE_SYNCHRONIZED &&
		    (!newest || c->point > newest->point))
			newest = c;
	if (!newest)
		return 0;
	vol->arm = rpl_arm_new(vol);
	vol->bits = rpl_bits_new(rpl_nr_regions(newest->nr_sectors, s->chunk_sectors));
	if (!vol->arm || !vol->bits)
		return -ENOMEM;
	vol->arm->newest = newest->point;
	list_for_each_entry(c, &vol->clones, vol_list) {
		if (c->kind != RPL_KIND_SNAPSHOT || c->state != RPL_STATE_SYNCHRONIZED)
			continue;
		c->arm = rpl_arm_get(vol->arm);
		c->in_view = true;
	}
	return 0;
}

/* What is not of a snapshot that is there is left from a deleted one: the scan's. */
static void load_own(struct load *ld, const struct rpl_map_entry *e)
{
	struct rpl_clone *c = ld->snap_by_id[e->volume & ~RPL_MAP_OWN];

	if (c && c->point == e->tag)
		atomic64_inc(&c->own_chunks);
}

static void load_entry(struct load *ld, const struct rpl_map_entry *e)
{
	struct rpl_volume *vol;

	if (e->loc != RPL_LOC_BAD && rpl_space_claim(ld->s->space, e->loc))
		ld->contradiction = true;
	ld->s->epoch = max_t(u64, ld->s->epoch, e->tag);
	if (e->volume & RPL_MAP_OWN) {
		load_own(ld, e);
		return;
	}
	vol = ld->by_id[e->volume];
	if (!vol)
		return; /* left from deleted ones: the scan's */
	if (e->loc != RPL_LOC_BAD)
		atomic64_inc(&vol->stored_chunks);
	if (vol->arm && e->tag >= vol->arm->newest && e->chunk < vol->bits->nr)
		__set_bit(e->chunk, vol->bits->map);
}

static void load_entries(struct load *ld)
{
	struct rpl_store *s = ld->s;
	struct rpl_map_entry e;
	u32 page, nr;

	for (page = 0; page < s->map.nr_pages; page++) {
		if (!s->map.pages[page])
			continue;
		for (nr = 0; nr < RPL_MAP_ENTRIES; nr++)
			if (rpl_map_entry(&s->map, page, nr, &e))
				load_entry(ld, &e);
		cond_resched();
	}
}

/* What the map says cannot be: no snapshot can be trusted, nothing of it is needed. */
static void lose_loaded(struct rpl_store *s)
{
	struct rpl_volume *vol;
	struct rpl_clone *c;
	u32 page;

	DMERR("store %s: its map contradicts itself, its snapshots are lost", s->name);
	list_for_each_entry(c, &s->clones, list) {
		if (c->kind != RPL_KIND_SNAPSHOT || c->state != RPL_STATE_SYNCHRONIZED)
			continue;
		c->state = RPL_STATE_FAILED;
		c->error = EUCLEAN;
		strscpy(c->reason, "the store's map contradicts itself", sizeof(c->reason));
		c->in_view = false;
		rpl_arm_put(c->arm);
		c->arm = NULL;
		atomic64_set(&c->own_chunks, 0);
	}
	list_for_each_entry(vol, &s->volumes, list) {
		rpl_volume_forget_past(vol);
		atomic64_set(&vol->stored_chunks, 0);
	}
	for (page = 0; page < s->map.nr_pages; page++) {
		if (!s->map.pages[page])
			continue;
		clear_page(s->map.pages[page]);
		__set_bit(page, s->map.dirty);
	}
	rpl_space_forget(s->space);
}

int rpl_snaps_load(struct rpl_store *s)
{
	struct load ld = { .s = s };
	struct rpl_volume *vol;
	struct rpl_clone *c;
	int r = 0;

	if (!s->space)
		return 0;
	ld.by_id = kvcalloc(RPL_ID_MAX + 1, sizeof(*ld.by_id), GFP_KERNEL);
	ld.snap_by_id = kvcalloc(RPL_ID_MAX + 1, sizeof(*ld.snap_by_id), GFP_KERNEL);
	if (!ld.by_id || !ld.snap_by_id) {
		r = -ENOMEM;
		goto out;
	}
	list_for_each_entry(c, &s->clones, list)
		if (c->kind == RPL_KIND_SNAPSHOT)
			ld.snap_by_id[c->id] = c;
	list_for_each_entry(vol, &s->volumes, list) {
		ld.by_id[vol->id] = vol;
		r = r ?: load_volume(s, vol);
	}
	if (!r)
		load_entries(&ld);
	if (!r && ld.contradiction)
		lose_loaded(s);
out:
	kvfree(ld.by_id);
	kvfree(ld.snap_by_id);
	return r;
}

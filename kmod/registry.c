// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registry of a store's volumes, clones and groups: references, lookups, births, and how tables
 * come by their objects. store->ctl_mutex guards the lists. Called by constructors and destructors
 * of sources and clones, by persist.c while a store is opened, and by everybody for lookups.
 */
#define DM_MSG_PREFIX "replica"

#include <linux/slab.h>

#include "clone.h"
#include "control.h"
#include "epoch.h"
#include "op.h"
#include "snap.h"
#include "store.h"

/* ---- references ---- */

static void volume_release(struct kref *kref)
{
	struct rpl_volume *vol = container_of(kref, struct rpl_volume, kref);

	rpl_store_put(vol->store);
	kfree(vol);
}

struct rpl_volume *rpl_volume_get(struct rpl_volume *vol)
{
	kref_get(&vol->kref);
	return vol;
}

void rpl_volume_put(struct rpl_volume *vol)
{
	kref_put(&vol->kref, volume_release);
}

static void clone_release(struct kref *kref)
{
	struct rpl_clone *c = container_of(kref, struct rpl_clone, kref);

	if (c->group)
		rpl_group_put(c->group);
	rpl_volume_put(c->vol);
	rpl_arm_put(c->arm);
	kvfree(c->copied);
	kvfree(c->durable);
	kvfree(c->dirty);
	rpl_store_put(c->store);
	kfree(c);
}

struct rpl_clone *rpl_clone_get(struct rpl_clone *c)
{
	kref_get(&c->kref);
	return c;
}

void rpl_clone_put(struct rpl_clone *c)
{
	kref_put(&c->kref, clone_release);
}

static void group_release(struct kref *kref)
{
	struct rpl_group *g = container_of(kref, struct rpl_group, kref);

	rpl_store_put(g->store);
	kfree(g);
}

struct rpl_group *rpl_group_get(struct rpl_group *g)
{
	kref_get(&g->kref);
	return g;
}

void rpl_group_put(struct rpl_group *g)
{
	kref_put(&g->kref, group_release);
}

/* ---- lookups ---- */

struct rpl_volume *rpl_store_volume_by_id(struct rpl_store *s, u32 id)
{
	struct rpl_volume *vol;

	lockdep_assert_held(&s->ctl_mutex);
	list_for_each_entry(vol, &s->volumes, list)
		if (vol->id == id)
			return vol;
	return NULL;
}

struct rpl_volume *rpl_store_next_volume(struct rpl_store *s, u32 after)
{
	struct rpl_volume *vol;

	lockdep_assert_held(&s->ctl_mutex);
	list_for_each_entry(vol, &s->volumes, list)
		if (vol->id > after)
			return vol;
	return NULL;
}

struct rpl_clone *rpl_store_clone_by_id(struct rpl_store *s, u32 id)
{
	struct rpl_clone *c;

	lockdep_assert_held(&s->ctl_mutex);
	list_for_each_entry(c, &s->clones, list)
		if (c->id == id)
			return c;
	return NULL;
}

struct rpl_clone *rpl_store_next_clone(struct rpl_store *s, u32 after)
{
	struct rpl_clone *c;

	lockdep_assert_held(&s->ctl_mutex);
	list_for_each_entry(c, &s->clones, list)
		if (c->id > after)
			return c;
	return NULL;
}

struct rpl_group *rpl_store_group_by_uuid(struct rpl_store *s, const u8 *uuid)
{
	struct rpl_group *g;

	lockdep_assert_held(&s->ctl_mutex);
	list_for_each_entry(g, &s->groups, list)
		if (!memcmp(g->uuid, uuid, RPL_UUID_LEN))
			return g;
	return NULL;
}

struct rpl_group *rpl_store_next_group(struct rpl_store *s, struct rpl_group *after)
{
	lockdep_assert_held(&s->ctl_mutex);
	if (!after)
		return list_first_entry_or_null(&s->groups, struct rpl_group, list);
	if (list_empty(&after->list) || list_is_last(&after->list, &s->groups))
		return NULL;
	return list_next_entry(after, list);
}

/* ---- births; ctl_mutex held ---- */

static struct rpl_volume *volume_new(struct rpl_store *s, u32 id)
{
	struct rpl_volume *vol = kzalloc(sizeof(*vol), GFP_KERNEL), *after;
	struct list_head *before = &s->volumes;

	if (!vol)
		return ERR_PTR(-ENOMEM);
	kref_init(&vol->kref);
	vol->store = rpl_store_get(s);
	vol->id = id;
	vol->slot = U32_MAX;
	spin_lock_init(&vol->lock);
	INIT_LIST_HEAD(&vol->clones);
	rpl_waker_init(&vol->waker, rpl_source_wake_work);
	after = rpl_store_next_volume(s, id);
	if (after)
		before = &after->list;
	list_add_tail(&vol->list, before);
	s->nr_volumes++;
	return vol;
}

static struct rpl_volume *volume_find_or_new(struct rpl_store *s, u32 id, struct rpl_why *why)
{
	struct rpl_volume *vol = rpl_store_volume_by_id(s, id);

	if (vol)
		return vol;
	if (s->nr_volumes >= s->max_volumes) {
		rpl_why(why, id, "store %s has its %u volumes already", s->name, s->max_volumes);
		return ERR_PTR(-ENOSPC);
	}
	vol = volume_new(s, id);
	if (IS_ERR(vol))
		rpl_why(why, id, "not enough memory for volume %u", id);
	return vol;
}

/* The registry takes the caller's ref. */
void rpl_clone_link(struct rpl_store *s, struct rpl_clone *c)
{
	struct rpl_clone *after = rpl_store_next_clone(s, c->id);

	list_add_tail(&c->list, after ? &after->list : &s->clones);
	list_add_tail(&c->vol_list, &c->vol->clones);
	s->nr_clones++;
}

/* Nobody has come to it, and it has no view yet: it goes as it came. */
static void volume_unborn(struct rpl_store *s, struct rpl_volume *vol)
{
	if (vol->nr_tables || !list_empty(&vol->clones) || READ_ONCE(vol->slot) != U32_MAX)
		return;
	list_del_init(&vol->list);
	s->nr_volumes--;
	rpl_volume_put(vol);
}

/* A prepared clone, and its volume if that is not there yet: both or none. */
static struct rpl_clone *clone_born(struct rpl_store *s, u32 id, u32 volume_id, struct rpl_why *why)
{
	struct rpl_volume *vol = volume_find_or_new(s, volume_id, why);
	struct rpl_clone *c;

	if (IS_ERR(vol))
		return ERR_CAST(vol);
	c = rpl_clone_new(s, id, vol);
	if (!c) {
		rpl_why(why, id, "not enough memory for clone %u", id);
		volume_unborn(s, vol);
		return ERR_PTR(-ENOMEM);
	}
	rpl_clone_link(s, c);
	return c;
}

struct rpl_group *rpl_group_new(struct rpl_store *s, const u8 *uuid)
{
	struct rpl_group *g = kzalloc(sizeof(*g), GFP_KERNEL);

	if (!g)
		return NULL;
	kref_init(&g->kref);
	g->store = rpl_store_get(s);
	memcpy(g->uuid, uuid, RPL_UUID_LEN);
	INIT_LIST_HEAD(&g->list);
	INIT_LIST_HEAD(&g->clones);
	return g;
}

/* ---- what a store holds when it is opened (persist.c) ---- */

struct rpl_volume *rpl_store_add_loaded_volume(struct rpl_store *s, u32 id, u64 nr_sectors)
{
	struct rpl_volume *vol = ERR_PTR(-EEXIST);

	mutex_lock(&s->ctl_mutex);
	if (!rpl_store_volume_by_id(s, id))
		vol = volume_new(s, id);
	if (!IS_ERR(vol))
		vol->nr_sectors = nr_sectors;
	mutex_unlock(&s->ctl_mutex);
	return vol;
}

struct rpl_group *rpl_store_add_loaded_group(struct rpl_store *s, const u8 *uuid)
{
	struct rpl_group *g = ERR_PTR(-EEXIST);

	mutex_lock(&s->ctl_mutex);
	if (!rpl_store_group_by_uuid(s, uuid)) {
		g = rpl_group_new(s, uuid) ?: ERR_PTR(-ENOMEM);
		if (!IS_ERR(g)) {
			list_add_tail(&g->list, &s->groups);
			s->nr_groups++;
		}
	}
	mutex_unlock(&s->ctl_mutex);
	return g;
}

/* What its record says of a relation that is loaded. ctl_mutex held. */
static void loaded_join(struct rpl_clone *c, struct rpl_group *g, const u8 *uuid,
			enum rpl_state state)
{
	memcpy(c->uuid, uuid, RPL_UUID_LEN);
	c->state = state;
	c->group = rpl_group_get(g);
	c->point = g->epoch;
	list_add_tail(&c->group_list, &g->clones);
	g->nr_clones++;
}

struct rpl_clone *rpl_store_add_loaded_clone(struct rpl_store *s, u32 id, u32 volume_id,
					     const u8 *uuid, const u8 *group_uuid,
					     enum rpl_state state, u64 nr_sectors)
{
	struct rpl_clone *c = ERR_PTR(-EINVAL);
	struct rpl_volume *vol;
	struct rpl_group *g;

	mutex_lock(&s->ctl_mutex);
	vol = rpl_store_volume_by_id(s, volume_id);
	g = rpl_store_group_by_uuid(s, group_uuid);
	if (!vol || !g || rpl_store_clone_by_id(s, id) || !nr_sectors)
		goto out;
	c = rpl_clone_new(s, id, vol);
	if (!c || rpl_clone_set_size(c, nr_sectors)) {
		if (c)
			rpl_clone_put(c);
		c = ERR_PTR(-ENOMEM);
		goto out;
	}
	loaded_join(c, g, uuid, state);
	rpl_clone_link(s, c);
out:
	mutex_unlock(&s->ctl_mutex);
	return c;
}

struct rpl_clone *rpl_store_add_loaded_snapshot(struct rpl_store *s, u32 id, u32 volume_id,
						const u8 *uuid, const u8 *group_uuid,
						enum rpl_state state, u64 nr_sectors)
{
	struct rpl_clone *c = ERR_PTR(-EINVAL);
	struct rpl_volume *vol;
	struct rpl_group *g;

	mutex_lock(&s->ctl_mutex);
	vol = rpl_store_volume_by_id(s, volume_id);
	g = rpl_store_group_by_uuid(s, group_uuid);
	if (!vol || !g || rpl_store_clone_by_id(s, id) || rpl_store_volume_by_id(s, id) ||
	    !g->epoch || g->epoch > RPL_TAG_MAX)
		goto out;
	c = rpl_snap_new(s, id, vol);
	if (!c) {
		c = ERR_PTR(-ENOMEM);
		goto out;
	}
	loaded_join(c, g, uuid, state);
	c->nr_sectors = nr_sectors;
out:
	mutex_unlock(&s->ctl_mutex);
	return c;
}

/* ---- objects for tables ---- */

struct rpl_volume *rpl_volume_table_get(struct rpl_store *s, u32 id, struct rpl_why *why)
{
	struct rpl_volume *vol;
	int r = 0;

	mutex_lock(&s->publish_mutex);
	mutex_lock(&s->ctl_mutex);
	vol = volume_find_or_new(s, id, why);
	if (!IS_ERR(vol)) {
		vol->nr_tables++;
		rpl_volume_get(vol);
	}
	mutex_unlock(&s->ctl_mutex);
	/* a write finds its view by the slot: the slot is there before the table can be resumed */
	if (!IS_ERR(vol) && vol->slot == U32_MAX)
		r = rpl_epoch_publish(s, &vol, 1, NULL);
	mutex_unlock(&s->publish_mutex);
	if (!r)
		return vol;
	rpl_why(why, id, "not enough memory for volume %u", id);
	rpl_volume_table_put(vol);
	return ERR_PTR(r);
}

void rpl_volume_drop_unused(struct rpl_store *s, struct rpl_volume *vol)
{
	bool drop;

	mutex_lock(&s->publish_mutex);
	mutex_lock(&s->ctl_mutex);
	drop = !vol->nr_tables && list_empty(&vol->clones) && !list_empty(&vol->list);
	if (drop) {
		list_del_init(&vol->list);
		s->nr_volumes--;
	}
	mutex_unlock(&s->ctl_mutex);
	if (drop) {
		rpl_epoch_drop(s, vol);
		rpl_volume_put(vol);
	}
	mutex_unlock(&s->publish_mutex);
}

void rpl_volume_table_put(struct rpl_volume *vol)
{
	struct rpl_store *s = vol->store;

	mutex_lock(&s->ctl_mutex);
	vol->nr_tables--;
	mutex_unlock(&s->ctl_mutex);
	rpl_volume_drop_unused(s, vol);
	rpl_volume_put(vol);
}

struct rpl_clone *rpl_clone_table_get(struct rpl_store *s, u32 id, u32 volume_id,
				      struct rpl_why *why)
{
	struct rpl_clone *c;

	mutex_lock(&s->ctl_mutex);
	c = rpl_store_clone_by_id(s, id);
	if (c && c->kind != RPL_KIND_CLONE) {
		rpl_why(why, id, "id %u is in use by a snapshot of source volume %u", id,
			c->vol->id);
		c = ERR_PTR(-EEXIST);
	} else if (c && c->vol->id != volume_id) {
		rpl_why(why, id, "clone %u belongs to source volume %u, not %u", id, c->vol->id,
			volume_id);
		c = ERR_PTR(-EINVAL);
	} else if (!c) {
		c = clone_born(s, id, volume_id, why);
	}
	if (!IS_ERR(c)) {
		c->nr_tables++;
		rpl_clone_get(c);
	}
	mutex_unlock(&s->ctl_mutex);
	return c;
}

struct rpl_clone *rpl_snap_table_get(struct rpl_store *s, u32 id, u32 volume_id,
				     struct rpl_why *why)
{
	struct rpl_clone *c;

	mutex_lock(&s->ctl_mutex);
	c = rpl_store_clone_by_id(s, id);
	if (!c || c->kind != RPL_KIND_SNAPSHOT || !READ_ONCE(c->readable) ||
	    READ_ONCE(c->state) == RPL_STATE_DETACHED) {
		rpl_why(why, id, "there is no snapshot %u in store %s", id, s->name);
		c = ERR_PTR(-ENOENT);
	} else if (c->vol->id != volume_id) {
		rpl_why(why, id, "snapshot %u belongs to source volume %u, not %u", id, c->vol->id,
			volume_id);
		c = ERR_PTR(-EINVAL);
	} else {
		c->nr_tables++;
		rpl_clone_get(c);
	}
	mutex_unlock(&s->ctl_mutex);
	return c;
}

void rpl_clone_table_put(struct rpl_clone *c)
{
	struct rpl_store *s = c->store;
	struct rpl_volume *vol = rpl_volume_get(c->vol);
	bool drop, free;

	mutex_lock(&s->ctl_mutex);
	drop = --c->nr_tables == 0 && READ_ONCE(c->state) == RPL_STATE_PREPARED &&
	       !READ_ONCE(c->preserving);
	free = !c->nr_tables && c->kind == RPL_KIND_SNAPSHOT &&
	       READ_ONCE(c->state) == RPL_STATE_FAILED;
	mutex_unlock(&s->ctl_mutex);
	if (drop)
		rpl_clone_unlink(c);
	/* a lost snapshot that nobody can be reading any more */
	if (free)
		rpl_scan_kick(s);
	rpl_clone_put(c);
	rpl_volume_drop_unused(s, vol);
	rpl_volume_put(vol);
}

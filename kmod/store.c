// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of stores: found or opened by a table's constructor, failed, closed cleanly or abandoned
 * with its last table, freed with its last reference. rpl_stores_lock guards the list of stores and
 * the counts of their tables. Called by target-store.c, and by the tables of sources and clones.
 */
#define DM_MSG_PREFIX "replica"

#include <linux/slab.h>
#include <linux/suspend.h>
#include <linux/wait.h>

#include "clone.h"
#include "commit.h"
#include "control.h"
#include "copy.h"
#include "epoch.h"
#include "op.h"
#include "snap.h"
#include "space.h"
#include "store.h"

DEFINE_MUTEX(rpl_stores_lock); /* stores, and their counts of tables */
static LIST_HEAD(stores); /* by devt */
static atomic_t nr_stores = ATOMIC_INIT(0); /* objects, listed or not */
static DECLARE_WAIT_QUEUE_HEAD(stores_gone);
static struct workqueue_struct *end_wq; /* ends of stores: not on their own queues */

/* A store that is not to be trusted, although it does not say so itself. */
struct lost_store {
	struct list_head list;
	u8 uuid[RPL_UUID_LEN];
};

static DEFINE_SPINLOCK(lost_lock);
static LIST_HEAD(lost_stores); /* lost_lock */

void rpl_store_lost(struct rpl_store *s)
{
	struct lost_store *lost;
	unsigned long flags;

	spin_lock_irqsave(&lost_lock, flags);
	lost = s->lost;
	s->lost = NULL;
	if (lost) {
		memcpy(lost->uuid, s->uuid, sizeof(lost->uuid));
		list_add(&lost->list, &lost_stores);
	}
	spin_unlock_irqrestore(&lost_lock, flags);
}

bool rpl_store_was_lost(const u8 *uuid)
{
	struct lost_store *lost;
	bool found = false;

	spin_lock_irq(&lost_lock);
	list_for_each_entry(lost, &lost_stores, list)
		found |= !memcmp(lost->uuid, uuid, sizeof(lost->uuid));
	spin_unlock_irq(&lost_lock);
	return found;
}

/* uuid NULL: all of them. */
void rpl_store_not_lost(const u8 *uuid)
{
	struct lost_store *lost, *next;

	spin_lock_irq(&lost_lock);
	list_for_each_entry_safe(lost, next, &lost_stores, list) {
		if (uuid && memcmp(lost->uuid, uuid, sizeof(lost->uuid)))
			continue;
		list_del(&lost->list);
		kfree(lost);
	}
	spin_unlock_irq(&lost_lock);
}

/* On end_wq: a store's queues cannot be destroyed by their own work. */
static void store_free_work(struct work_struct *work)
{
	struct rpl_store *s = container_of(work, struct rpl_store, free_work);

	cancel_delayed_work_sync(&s->pace_work);
	cancel_delayed_work_sync(&s->scan_work);
	cancel_delayed_work_sync(&s->refresh_work);
	rpl_commit_exit(s);
	rpl_reserve_exit(&s->reserve);
	rpl_ops_exit(s);
	rpl_copy_exit(s);
	destroy_workqueue(s->bg_wq);
	destroy_workqueue(s->ctl_wq);
	destroy_workqueue(s->io_wq);
	rpl_epoch_exit(s);
	rpl_persist_abandon(s);
	rpl_persist_map_free(s);
	if (s->space)
		rpl_space_exit(s->space);
	kfree(s->space);
	percpu_ref_exit(&s->data_users);
	kfree(s->lost);
	kfree(s);
	if (atomic_dec_and_test(&nr_stores))
		wake_up_all(&stores_gone);
}

static void store_release(struct kref *kref)
{
	struct rpl_store *s = container_of(kref, struct rpl_store, kref);

	queue_work(end_wq, &s->free_work);
}

struct rpl_store *rpl_store_get(struct rpl_store *s)
{
	kref_get(&s->kref);
	return s;
}

void rpl_store_put(struct rpl_store *s)
{
	kref_put(&s->kref, store_release);
}

struct rpl_store *rpl_store_find(dev_t devt)
{
	struct rpl_store *s, *found = NULL;

	mutex_lock(&rpl_stores_lock);
	list_for_each_entry(s, &stores, list) {
		if (s->devt == devt && s->mode != RPL_STORE_MODE_CLOSED) {
			found = rpl_store_get(s);
			break;
		}
	}
	mutex_unlock(&rpl_stores_lock);
	return found;
}

struct rpl_store *rpl_store_next(dev_t after)
{
	struct rpl_store *s, *found = NULL;

	mutex_lock(&rpl_stores_lock);
	list_for_each_entry(s, &stores, list) {
		if (s->devt > after && s->mode != RPL_STORE_MODE_CLOSED) {
			found = rpl_store_get(s);
			break;
		}
	}
	mutex_unlock(&rpl_stores_lock);
	return found;
}

/* ---- life of a store ---- */

static void fail_work(struct work_struct *work)
{
	struct rpl_store *s = container_of(work, struct rpl_store, fail_work);
	struct rpl_clone *c;

	mutex_lock(&s->ctl_mutex);
	list_for_each_entry(c, &s->clones, list)
		rpl_clone_fail(c, EIO, "its store failed: %s", s->reason);
	rpl_snaps_fail_all(s);
	mutex_unlock(&s->ctl_mutex);
	rpl_commit_kick(s);
	rpl_event_store(s, RPL_EVENT_STATE);
	rpl_store_put(s);
}

void rpl_store_fail(struct rpl_store *s, const char *reason)
{
	unsigned long flags;

	spin_lock_irqsave(&s->lock, flags);
	if (s->mode == RPL_STORE_MODE_OPEN) {
		strscpy(s->reason, reason, sizeof(s->reason));
		WRITE_ONCE(s->mode, RPL_STORE_MODE_FAILED);
		rpl_store_get(s);
		if (!queue_work(s->io_wq, &s->fail_work))
			rpl_store_put(s);
		DMERR("store %s failed: %s", s->name, reason);
	}
	spin_unlock_irqrestore(&s->lock, flags);
	wake_up_all(&s->commit.wait);
}

static int store_make_queues(struct rpl_store *s)
{
	unsigned int nr = MINOR(s->devt);

	s->io_wq = alloc_workqueue("rpl_io/%u", WQ_MEM_RECLAIM | WQ_UNBOUND | WQ_HIGHPRI, 0, nr);
	s->bg_wq = alloc_workqueue("rpl_bg/%u", WQ_MEM_RECLAIM | WQ_UNBOUND, 0, nr);
	s->ctl_wq = alloc_ordered_workqueue("rpl_ctl/%u", WQ_MEM_RECLAIM, nr);
	if (s->io_wq && s->bg_wq && s->ctl_wq)
		return 0;
	if (s->io_wq)
		destroy_workqueue(s->io_wq);
	if (s->bg_wq)
		destroy_workqueue(s->bg_wq);
	if (s->ctl_wq)
		destroy_workqueue(s->ctl_wq);
	return -ENOMEM;
}

static void data_released(struct percpu_ref *ref)
{
	complete(&container_of(ref, struct rpl_store, data_users)->data_idle);
}

/* No I/O to the chunks of the store begins any more, and none runs. Sleeps; once. */
static void data_stop(struct rpl_store *s)
{
	percpu_ref_kill(&s->data_users);
	wait_for_completion(&s->data_idle);
}

static struct rpl_store *store_new(struct mapped_device *md, const struct rpl_store_args *args)
{
	struct rpl_store *s = kzalloc(sizeof(*s), GFP_KERNEL);
	int r = -ENOMEM;

	if (!s)
		return ERR_PTR(-ENOMEM);
	kref_init(&s->kref);
	INIT_LIST_HEAD(&s->list);
	s->md = md;
	s->devt = disk_devt(dm_disk(md));
	s->mode = RPL_STORE_MODE_CLOSED;
	s->bdev = args->bdev;
	s->bdev_start = args->start;
	s->block_bytes = bdev_logical_block_size(args->bdev);
	s->chunk_sectors = args->chunk_sectors;
	s->chunk_shift = ilog2(args->chunk_sectors);
	s->max_volumes = args->max_volumes;
	mutex_init(&s->cmd_mutex);
	mutex_init(&s->publish_mutex);
	mutex_init(&s->persist_mutex);
	mutex_init(&s->ctl_mutex);
	mutex_init(&s->bind_lock);
	spin_lock_init(&s->lock);
	INIT_LIST_HEAD(&s->volumes);
	INIT_LIST_HEAD(&s->clones);
	INIT_LIST_HEAD(&s->groups);
	INIT_WORK(&s->fail_work, fail_work);
	INIT_WORK(&s->free_work, store_free_work);
	INIT_DELAYED_WORK(&s->pace_work, rpl_pace_work);
	INIT_DELAYED_WORK(&s->scan_work, rpl_scan_work);
	INIT_DELAYED_WORK(&s->refresh_work, rpl_epoch_refresh_work);
	rwlock_init(&s->map_lock);
	init_completion(&s->data_idle);
	dm_copy_name_and_uuid(md, s->name, NULL);

	s->lost = kzalloc(sizeof(*s->lost), GFP_KERNEL);
	if (!s->lost)
		goto out_free;
	r = percpu_ref_init(&s->data_users, data_released, 0, GFP_KERNEL);
	if (r)
		goto out_free;
	r = store_make_queues(s);
	if (r)
		goto out_data;
	rpl_reserve_init(&s->reserve, s->bg_wq);
	r = rpl_epoch_init(s);
	if (r)
		goto out_queues;
	r = rpl_ops_init(s);
	if (r)
		goto out_epoch;
	r = rpl_copy_init(s);
	if (r)
		goto out_ops;
	r = rpl_commit_init(s);
	if (r)
		goto out_copy;
	atomic_inc(&nr_stores);
	return s;

out_copy:
	rpl_copy_exit(s);
out_ops:
	rpl_ops_exit(s);
out_epoch:
	rpl_epoch_exit(s);
out_queues:
	destroy_workqueue(s->bg_wq);
	destroy_workqueue(s->ctl_wq);
	destroy_workqueue(s->io_wq);
out_data:
	percpu_ref_exit(&s->data_users);
out_free:
	kfree(s->lost);
	kfree(s);
	return ERR_PTR(r);
}

/* Take everything out of the registry: no table refers to it any more. */
static void store_purge(struct rpl_store *s)
{
	struct rpl_volume *vol;
	struct rpl_group *g;
	struct rpl_clone *c;

	for (;;) {
		mutex_lock(&s->ctl_mutex);
		c = list_first_entry_or_null(&s->clones, struct rpl_clone, list);
		if (c)
			rpl_clone_get(c);
		mutex_unlock(&s->ctl_mutex);
		if (!c)
			break;
		rpl_clone_unlink(c);
		rpl_clone_put(c);
	}
	mutex_lock(&s->publish_mutex);
	mutex_lock(&s->ctl_mutex);
	while ((vol = list_first_entry_or_null(&s->volumes, struct rpl_volume, list))) {
		list_del_init(&vol->list);
		s->nr_volumes--;
		rpl_volume_forget_past(vol);
		rpl_epoch_drop(s, vol);
		rpl_volume_put(vol);
	}
	while ((g = list_first_entry_or_null(&s->groups, struct rpl_group, list))) {
		list_del_init(&g->list);
		s->nr_groups--;
		rpl_group_put(g);
	}
	mutex_unlock(&s->ctl_mutex);
	mutex_unlock(&s->publish_mutex);
}

/* After persist.c has filled them: count bits, arm what is unfinished. Nothing else runs yet. */
static void store_loaded(struct rpl_store *s)
{
	struct rpl_clone *c;
	u64 region;

	list_for_each_entry(c, &s->clones, list) {
		c->readable = true;
		if (c->kind == RPL_KIND_SNAPSHOT)
			continue; /* rpl_snaps_load() has armed it */
		if (c->state == RPL_STATE_SYNCHRONIZED) {
			c->whole = true;
			c->announced = true;
			c->copied_sectors = c->nr_sectors;
			c->durable_sectors = c->nr_sectors;
			/* nobody looks at the bits of what is whole */
			kvfree(c->copied);
			kvfree(c->durable);
			c->copied = NULL;
			c->durable = NULL;
			continue;
		}
		for (region = find_first_bit(c->copied, c->nr_regions); region < c->nr_regions;
		     region = find_next_bit(c->copied, c->nr_regions, region + 1)) {
			__set_bit(region, c->durable);
			c->copied_sectors += rpl_run_sectors((struct rpl_run) { region, 1 },
							     c->nr_sectors, s->chunk_shift);
		}
		c->durable_sectors = c->copied_sectors;
		c->preserving = rpl_state_unfinished(c->state);
		c->in_view = c->preserving;
	}
}

static int store_open(struct rpl_store *s, const struct rpl_store_args *args, struct rpl_why *why)
{
	struct rpl_open_opts opts = {
		.start = args->start,
		.dev_bytes = args->len << SECTOR_SHIFT,
		.chunk_sectors = args->chunk_sectors,
		.max_volumes = args->max_volumes,
		.format = args->format,
		.distrust = args->distrust,
	};
	int r = rpl_persist_open(s, args->bdev, &opts, why);

	if (r)
		return r;
	store_loaded(s);
	WRITE_ONCE(s->mode, RPL_STORE_MODE_OPEN);
	/* what the last life did not come to */
	rpl_scan_kick(s);
	rpl_event_store(s, RPL_EVENT_CREATED);
	return 0;
}

/* rpl_stores_lock held. */
static struct rpl_store *store_by_md(struct mapped_device *md)
{
	struct rpl_store *s;

	list_for_each_entry(s, &stores, list)
		if (s->md == md)
			return s;
	return NULL;
}

static void store_link(struct rpl_store *s)
{
	struct rpl_store *other;

	list_for_each_entry(other, &stores, list) {
		if (other->devt > s->devt)
			break;
	}
	/* before it, or at the end */
	list_add_tail(&s->list, &other->list);
}

/* Does a second table of the same device agree with the store? rpl_stores_lock held. */
static int store_agrees(struct rpl_store *s, const struct rpl_store_args *args, struct rpl_why *why)
{
	if (s->mode == RPL_STORE_MODE_CLOSED) {
		rpl_why(why, 0, "store %s is being opened or closed", s->name);
		return -EBUSY;
	}
	if (s->bdev->bd_dev != args->bdev->bd_dev || s->chunk_sectors != args->chunk_sectors) {
		rpl_why(why, 0, "store %s is open on another device or with another chunk size",
			s->name);
		return -EINVAL;
	}
	if (args->len < s->dev_bytes >> SECTOR_SHIFT) {
		rpl_why(why, 0, "store %s needs %llu sectors and cannot shrink to %llu", s->name,
			READ_ONCE(s->dev_bytes) >> SECTOR_SHIFT, (u64)args->len);
		return -ENOSPC;
	}
	return 0;
}

static int device_is_large_enough(const struct rpl_store_args *args, struct rpl_why *why)
{
	u64 have = bdev_nr_sectors(args->bdev);

	if (args->start <= have && args->len <= have - args->start)
		return 0;
	rpl_why(why, 0, "the store's device has %llu sectors, the table line %llu", have,
		(u64)args->len);
	return -EINVAL;
}

/* Is no other store on the device? rpl_stores_lock held. */
static int device_is_free(const struct rpl_store_args *args, struct rpl_why *why)
{
	struct rpl_store *s;

	list_for_each_entry(s, &stores, list) {
		if (s->nr_tables && s->bdev->bd_dev == args->bdev->bd_dev) {
			rpl_why(why, 0, "the device is in use by store %s", s->name);
			return -EBUSY;
		}
	}
	return 0;
}

struct rpl_store *rpl_store_table_get(struct mapped_device *md, const struct rpl_store_args *args,
				      struct rpl_why *why)
{
	struct rpl_store *s;
	int r = device_is_large_enough(args, why);

	if (r)
		return ERR_PTR(r);
	mutex_lock(&rpl_stores_lock);
	s = store_by_md(md);
	if (s) {
		r = store_agrees(s, args, why);
		if (!r)
			s->nr_tables++;
		mutex_unlock(&rpl_stores_lock);
		return r ? ERR_PTR(r) : s;
	}
	r = device_is_free(args, why);
	if (r) {
		mutex_unlock(&rpl_stores_lock);
		return ERR_PTR(r);
	}
	s = store_new(md, args);
	if (!IS_ERR(s)) {
		s->nr_tables = 1;
		store_link(s);
	}
	mutex_unlock(&rpl_stores_lock);
	if (IS_ERR(s)) {
		rpl_why(why, 0, "not enough memory for a store");
		return s;
	}
	r = store_open(s, args, why);
	if (!r)
		return s;
	mutex_lock(&rpl_stores_lock);
	list_del_init(&s->list);
	mutex_unlock(&rpl_stores_lock);
	store_purge(s);
	rpl_store_put(s);
	return ERR_PTR(r);
}

/* The device is about to go away below users that remain: they must not need it (F18). */
static void store_abandon(struct rpl_store *s)
{
	struct rpl_clone *c;

	rpl_store_fail(s, "its device was removed");
	flush_work(&s->fail_work);
	mutex_lock(&s->cmd_mutex);
	mutex_lock(&s->ctl_mutex);
	list_for_each_entry(c, &s->clones, list)
		rpl_clone_fail(c, EIO, "its store was removed");
	rpl_snaps_fail_all(s);
	mutex_unlock(&s->ctl_mutex);
	/* while there is a device to say it on */
	rpl_commit_wait_failed(s);
	data_stop(s);
	rpl_persist_abandon(s);
	mutex_unlock(&s->cmd_mutex);
}

static void store_close(struct rpl_store *s)
{
	int r;

	/* the last batch may not be through with its bookkeeping */
	flush_work(&s->commit.work);
	data_stop(s);
	mutex_lock(&s->cmd_mutex);
	r = rpl_persist_close(s);
	if (r)
		DMERR("store %s was not closed cleanly (error %d)", s->name, r);
	mutex_unlock(&s->cmd_mutex);
}

void rpl_store_table_put(struct rpl_store *s)
{
	bool last, used;

	mutex_lock(&rpl_stores_lock);
	last = --s->nr_tables == 0;
	used = s->nr_users;
	if (last && !used && s->mode == RPL_STORE_MODE_OPEN)
		WRITE_ONCE(s->mode, RPL_STORE_MODE_CLOSED); /* no user can come any more */
	mutex_unlock(&rpl_stores_lock);
	if (!last)
		return;

	flush_workqueue(s->ctl_wq);
	if (used)
		store_abandon(s);
	else
		store_close(s);
	rpl_event_store(s, RPL_EVENT_REMOVED);

	mutex_lock(&rpl_stores_lock);
	list_del_init(&s->list);
	used = s->nr_users;
	s->md = NULL;
	mutex_unlock(&rpl_stores_lock);
	if (!used)
		store_purge(s);
	rpl_store_put(s);
}

struct rpl_store *rpl_store_user_get(struct block_device *bdev, struct rpl_why *why)
{
	struct mapped_device *md = dm_get_md(bdev->bd_dev);
	struct rpl_store *s;

	mutex_lock(&rpl_stores_lock);
	s = md ? store_by_md(md) : NULL;
	if (s && s->mode == RPL_STORE_MODE_OPEN) {
		s->nr_users++;
		rpl_store_get(s);
	} else if (s) {
		rpl_why(why, 0, "store %s is %s", s->name, rpl_store_mode_name(s->mode));
		s = ERR_PTR(-EIO);
	} else {
		rpl_why(why, 0, "the first argument is not a replica-store device");
		s = ERR_PTR(-ENXIO);
	}
	mutex_unlock(&rpl_stores_lock);
	/* at once: a kept reference makes the removal of the store's device spin (F17) */
	if (md)
		dm_put(md);
	return s;
}

void rpl_store_user_put(struct rpl_store *s)
{
	bool purge;

	mutex_lock(&rpl_stores_lock);
	s->nr_users--;
	purge = !s->nr_users && list_empty(&s->list);
	mutex_unlock(&rpl_stores_lock);
	if (purge)
		store_purge(s);
	rpl_store_put(s);
}

/* ---- module life ---- */

/*
 * The image of a hibernated system would come back with an older state of its stores than the disk
 * has (F34).
 */
static int pm_event(struct notifier_block *nb, unsigned long event, void *data)
{
	if (event != PM_HIBERNATION_PREPARE || !atomic_read(&nr_stores))
		return NOTIFY_DONE;
	DMERR("no hibernation while a store is open");
	return NOTIFY_BAD;
}

static struct notifier_block pm_notifier = { .notifier_call = pm_event };

int __init rpl_stores_init(void)
{
	int r;

	end_wq = alloc_workqueue("rpl_end", WQ_UNBOUND, 0);
	if (!end_wq)
		return -ENOMEM;
	r = register_pm_notifier(&pm_notifier);
	if (r)
		destroy_workqueue(end_wq);
	return r;
}

void rpl_stores_exit(void)
{
	unregister_pm_notifier(&pm_notifier);
	rpl_store_not_lost(NULL);
	/* no table is left; what events, commands and RCU callbacks still hold ends by itself */
	wait_event(stores_gone, !atomic_read(&nr_stores));
	destroy_workqueue(end_wq);
}

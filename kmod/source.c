// SPDX-License-Identifier: GPL-2.0-only
/*
 * Target replica-source: a volume as its users see it. Linear, but for writes to regions that an
 * unfinished clone or a snapshot still needs: those wait until the old content is kept. No lock on
 * the path of a write that nothing needs, two per-CPU operations for its view.
 *
 * Table line: <store dev> <volume id> <lower dev> <offset>
 */
#define DM_MSG_PREFIX "replica-source"

#include <linux/module.h>
#include <linux/slab.h>

#include "clone.h"
#include "control.h"
#include "epoch.h"
#include "op.h"
#include "snap.h"
#include "store.h"
#include "trace.h"

struct rpl_source {
	struct rpl_binding dev;
	struct rpl_store *store;
	struct rpl_volume *vol;
	struct dm_dev *store_dev, *lower;
	u32 id;
	bool moving; /* it is counted in vol->nr_moving; ctl_mutex */
};

/* ---- path of a bio ---- */

static int go_down(struct rpl_binding *dev, struct bio *bio)
{
	bio_set_dev(bio, dev->bdev);
	bio->bi_iter.bi_sector += dev->start;
	return DM_MAPIO_REMAPPED;
}

static int end_now(struct rpl_view *v, struct bio *bio, blk_status_t status)
{
	rpl_view_put(v);
	bio->bi_status = status;
	bio_endio(bio);
	return DM_MAPIO_SUBMITTED;
}

static struct rpl_run bio_run(struct rpl_volume *vol, struct bio *bio)
{
	return rpl_region_touched(bio->bi_iter.bi_sector, bio_sectors(bio),
				  vol->store->chunk_shift);
}

/* A write whose view has clones or snapshots. RPL_GO: with its ref; else the ref is dropped. */
static enum rpl_held armed_write(struct rpl_view *v, struct bio *bio, bool fresh)
{
	sector_t rest = rpl_window_rest(bio->bi_iter.bi_sector, RPL_WINDOW_SHIFT);

	if (!rpl_view_missing(v, bio_run(v->vol, bio)))
		return RPL_GO;
	/* an op never crosses a window, so a bio that waits for one does not either (F11) */
	if (fresh && bio_sectors(bio) > rest)
		dm_accept_partial_bio(bio, rest);
	if (bio_op(bio) == REQ_OP_WRITE || bio_op(bio) == REQ_OP_WRITE_ZEROES)
		return rpl_op_hold_source_write(v, bio);
	if (bio_op(bio) == REQ_OP_DISCARD && !rpl_view_missing(v, bio_run(v->vol, bio)))
		return RPL_GO;
	/* what a clone needs is not discarded: a discard may do nothing, an erasure must not */
	end_now(v, bio, bio_op(bio) == REQ_OP_DISCARD ? BLK_STS_OK : BLK_STS_NOTSUPP);
	return RPL_HELD;
}

/* fresh: called by map(), so the bio may be cut and returned. */
static int source_write(struct rpl_binding *dev, struct bio *bio, bool fresh)
{
	struct rpl_bio *rb = rpl_bio(bio);
	struct rpl_view *v;

	for (;;) {
		v = rpl_view_get(dev->vol);
		if (unlikely(v->nr_clones || v->arm)) {
			switch (armed_write(v, bio, fresh)) {
			case RPL_GO:
				break;
			case RPL_HELD:
				return DM_MAPIO_SUBMITTED;
			case RPL_AGAIN:
				continue;
			case RPL_PUSH_BACK:
				return DM_MAPIO_REQUEUE;
			}
		}
		/* held until the device has completed the write (R1) */
		rb->view = v;
		return go_down(dev, bio);
	}
}

static int source_map(struct dm_target *ti, struct bio *bio)
{
	struct rpl_source *src = ti->private;
	struct rpl_bio *rb = rpl_bio(bio);

	rb->view = NULL;
	if (!op_is_write(bio_op(bio)) || !bio_sectors(bio))
		return go_down(&src->dev, bio);
	rb->dev = &src->dev;
	rb->waker = &src->vol->waker;
	rb->parked.ns = 0;
	return source_write(&src->dev, bio, true);
}

static int source_end_io(struct dm_target *ti, struct bio *bio, blk_status_t *error)
{
	struct rpl_bio *rb = rpl_bio(bio);

	if (rb->view) {
		rpl_view_put(rb->view);
		rb->view = NULL;
	}
	return DM_ENDIO_DONE;
}

void rpl_source_wake_work(struct work_struct *work)
{
	struct rpl_volume *vol = container_of(work, struct rpl_volume, waker.work);
	struct bio_list bios;
	struct bio *bio;

	rpl_waker_take(&vol->waker, &bios);
	while ((bio = bio_list_pop(&bios))) {
		struct rpl_bio *rb = rpl_bio(bio);
		u64 parked_ns = rb->parked.ns, waited_ns;
		sector_t sector = bio->bi_iter.bi_sector;

		switch (source_write(rb->dev, bio, false)) {
		case DM_MAPIO_REMAPPED:
			waited_ns = ktime_get_ns() - parked_ns;
			rpl_max64(&vol->wait_max_ns, waited_ns);
			trace_rpl_write_go(vol->store->devt, vol->id, sector, waited_ns);
			dm_submit_bio_remap(bio, NULL);
			break;
		case DM_MAPIO_REQUEUE:
			trace_rpl_write_go(vol->store->devt, vol->id, sector,
					   ktime_get_ns() - parked_ns);
			bio->bi_status = BLK_STS_DM_REQUEUE;
			bio_endio(bio);
			break;
		}
	}
}

/* ---- construction ---- */

/* Do unfinished clones allow this lower device and length? ctl_mutex held. */
static int check_clones(struct rpl_source *src, struct dm_target *ti, struct rpl_why *why)
{
	struct rpl_volume *vol = src->vol;
	struct rpl_clone *c = rpl_store_clone_by_id(src->store, src->id);
	struct block_device *bdev = src->lower->bdev;

	if (c && c->kind == RPL_KIND_SNAPSHOT) {
		rpl_why(why, src->id, "id %u is in use by a snapshot of source volume %u", src->id,
			c->vol->id);
		return -EBUSY;
	}
	if (c && rpl_state_unfinished(READ_ONCE(c->state))) {
		rpl_why(why, src->id, "volume %u is the target of an unfinished clone", src->id);
		return -EBUSY;
	}
	list_for_each_entry(c, &vol->clones, vol_list) {
		if (!READ_ONCE(c->preserving) && !rpl_snap_valid(c))
			continue;
		if (ti->len < c->nr_sectors) {
			rpl_why(why, src->id, "source volume %u is smaller than %s %u needs",
				src->id, rpl_kind_name(c->kind), c->id);
			return -EINVAL;
		}
		if (vol->lower_devt &&
		    (vol->lower_devt != bdev->bd_dev || vol->lower_start != src->dev.start)) {
			rpl_why(why, src->id, "source volume %u: %s %u needs its present device",
				src->id, rpl_kind_name(c->kind), c->id);
			return -EBUSY;
		}
	}
	return 0;
}

/*
 * A table that would give the volume another device, or a shorter one, once it is resumed. Until
 * then, or until it is gone, there is no new point in time, as it could not keep one. ctl_mutex
 * held.
 */
static int count_move(struct rpl_source *src, struct dm_target *ti, struct rpl_why *why)
{
	struct rpl_volume *vol = src->vol;

	if (!vol->lower_devt || (vol->lower_devt == src->dev.bdev->bd_dev &&
				 vol->lower_start == src->dev.start && ti->len >= vol->nr_sectors))
		return 0;
	if (vol->in_creation) {
		rpl_why(why, src->id, "source volume %u: a point in time of it is being made",
			src->id);
		return -EBUSY;
	}
	src->moving = true;
	vol->nr_moving++;
	return 0;
}

static void moved(struct rpl_source *src)
{
	mutex_lock(&src->store->ctl_mutex);
	if (src->moving)
		src->vol->nr_moving--;
	src->moving = false;
	mutex_unlock(&src->store->ctl_mutex);
}

static int check_volume(struct rpl_source *src, struct dm_target *ti, struct rpl_why *why)
{
	struct rpl_volume *vol = src->vol;
	struct rpl_binding *dev;
	bool other;
	int r;

	spin_lock_irq(&vol->lock);
	dev = vol->dev;
	other = dev && dm_table_get_md(dev->ti->table) != dm_table_get_md(ti->table);
	spin_unlock_irq(&vol->lock);
	if (other) {
		rpl_why(why, src->id, "volume %u is active on another device", src->id);
		return -EBUSY;
	}
	if (src->store->block_bytes > bdev_logical_block_size(src->lower->bdev)) {
		rpl_why(why, src->id,
			"the store's logical blocks are larger than those of volume %u", src->id);
		return -EINVAL;
	}
	mutex_lock(&src->store->ctl_mutex);
	r = check_clones(src, ti, why) ?: count_move(src, ti, why);
	mutex_unlock(&src->store->ctl_mutex);
	return r;
}

static void set_features(struct rpl_source *src, struct dm_target *ti)
{
	ti->num_flush_bios = 1;
	ti->num_write_zeroes_bios = 1;
	ti->num_secure_erase_bios = 1;
	ti->num_discard_bios = bdev_max_discard_sectors(src->lower->bdev) ? 1 : 0;
	ti->per_io_data_size = sizeof(struct rpl_bio);
	ti->accounts_remapped_io = true;
	ti->limit_swap_bios = true;
	ti->private = src;
}

static int source_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct rpl_source *src;
	struct rpl_why why = {};
	int r;

	if (argc != 4) {
		ti->error = "Arguments: <store dev> <volume id> <lower dev> <offset>";
		return -EINVAL;
	}
	src = kzalloc(sizeof(*src), GFP_KERNEL);
	if (!src) {
		ti->error = "Not enough memory";
		return -ENOMEM;
	}
	rpl_binding_init(&src->dev, ti);
	r = rpl_parse_id(ti, argv[1], &src->id);
	if (r)
		goto out_free;
	r = rpl_parse_dev(ti, argv[2], argv[3], &src->lower, &src->dev.start);
	if (r)
		goto out_free;
	src->dev.bdev = src->lower->bdev;
	r = dm_get_device(ti, argv[0], dm_table_get_mode(ti->table), &src->store_dev);
	if (r) {
		ti->error = "The store's device could not be opened";
		goto out_lower;
	}
	src->store = rpl_store_user_get(src->store_dev->bdev, &why);
	if (IS_ERR(src->store)) {
		r = PTR_ERR(src->store);
		goto out_why_store_dev;
	}
	src->vol = rpl_volume_table_get(src->store, src->id, &why);
	if (IS_ERR(src->vol)) {
		r = PTR_ERR(src->vol);
		goto out_store;
	}
	src->dev.vol = src->vol;
	r = check_volume(src, ti, &why);
	if (r)
		goto out_volume;
	set_features(src, ti);
	return 0;

out_volume:
	rpl_volume_table_put(src->vol);
out_store:
	rpl_store_user_put(src->store);
out_why_store_dev:
	ti->error = rpl_ti_error(&why);
	dm_put_device(ti, src->store_dev);
out_lower:
	dm_put_device(ti, src->lower);
out_free:
	kfree(src);
	return r;
}

static void source_dtr(struct dm_target *ti)
{
	struct rpl_source *src = ti->private;

	rpl_binding_unbind(&src->vol->dev, &src->vol->lock, &src->dev);
	moved(src);
	rpl_volume_table_put(src->vol);
	rpl_store_user_put(src->store);
	dm_put_device(ti, src->store_dev);
	dm_put_device(ti, src->lower);
	kfree(src);
}

/* ---- life of the table ---- */

/* Cannot fail: the old table is gone already (F20). */
static int source_preresume(struct dm_target *ti)
{
	struct rpl_source *src = ti->private;
	struct rpl_volume *vol = src->vol;

	WRITE_ONCE(src->dev.leaving, false);
	rpl_binding_bind(&vol->dev, &vol->lock, &src->dev);
	spin_lock_irq(&vol->lock);
	vol->nr_sectors = ti->len;
	vol->lower_devt = src->dev.bdev->bd_dev;
	vol->lower_start = src->dev.start;
	spin_unlock_irq(&vol->lock);
	moved(src);
	return 0;
}

static void source_presuspend(struct dm_target *ti)
{
	struct rpl_source *src = ti->private;

	/* else the waits end as always: by a copy, or by the clone's failure */
	if (dm_noflush_suspending(ti)) {
		rpl_ops_push_back(src->store, &src->dev);
		return;
	}
	/* but those for space end now: dm waits for what it sent us (F9) */
	WRITE_ONCE(src->dev.leaving, true);
	/* pairs with rpl_starved_add() */
	smp_mb();
	rpl_starved_kick(src->store);
}

static void source_presuspend_undo(struct dm_target *ti)
{
	struct rpl_source *src = ti->private;

	WRITE_ONCE(src->dev.leaving, false);
}

static void source_status(struct dm_target *ti, status_type_t type, unsigned int flags,
			  char *result, unsigned int maxlen)
{
	struct rpl_source *src = ti->private;
	struct rpl_source_stat st;
	unsigned int sz = 0;

	switch (type) {
	case STATUSTYPE_INFO:
		rpl_source_stat_get(src->vol, &st);
		DMEMIT("%llu %llu %llu %u %u %llu %llu", st.epoch,
		       st.preserved_bytes >> SECTOR_SHIFT, st.first_writes, st.deps, st.armed,
		       st.held_max_ns, st.wait_max_ns);
		break;
	case STATUSTYPE_TABLE:
		DMEMIT("%s %u %s %llu", src->store_dev->name, src->id, src->lower->name,
		       (unsigned long long)src->dev.start);
		break;
	case STATUSTYPE_IMA:
		DMEMIT_TARGET_NAME_VERSION(ti->type);
		DMEMIT(",store=%s,volume_id=%u,lower=%s,start=%llu;", src->store_dev->name, src->id,
		       src->lower->name, (unsigned long long)src->dev.start);
		break;
	}
}

/* The lower device only: the store's limits must not change the volume's (F16). */
static int source_iterate_devices(struct dm_target *ti, iterate_devices_callout_fn fn, void *data)
{
	struct rpl_source *src = ti->private;

	return fn(ti, src->lower, src->dev.start, ti->len, data);
}

static struct target_type source_target = {
	.name = "replica-source",
	.version = { 1, 0, 0 },
	.features = DM_TARGET_SINGLETON | DM_TARGET_NOWAIT,
	.module = THIS_MODULE,
	.ctr = source_ctr,
	.dtr = source_dtr,
	.map = source_map,
	.end_io = source_end_io,
	.preresume = source_preresume,
	.presuspend = source_presuspend,
	.presuspend_undo = source_presuspend_undo,
	.status = source_status,
	.iterate_devices = source_iterate_devices,
};

int __init rpl_source_init(void)
{
	BUILD_BUG_ON(sizeof("replica-source") > DM_MAX_TYPE_NAME);
	return dm_register_target(&source_target);
}

void rpl_source_exit(void)
{
	dm_unregister_target(&source_target);
}

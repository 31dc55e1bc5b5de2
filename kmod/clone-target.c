// SPDX-License-Identifier: GPL-2.0-only
/*
 * Target replica-clone: the clone as its users see it, readable and writable while it is copied. A
 * region that is not copied yet is read from the source's lower device, and looked at twice (R17);
 * a write to part of it is preceded by its copy, a write to all of it claims it (R33).
 *
 * The relation has the source's length at its point in time; what the target has beyond that is
 * passed straight to the target once the relation exists.
 *
 * Table line:
 *	<store dev> <clone id> <target dev> <offset> <volume id> <source's lower dev> <offset>
 */
#define DM_MSG_PREFIX "replica-clone"

#include <linux/module.h>
#include <linux/slab.h>

#include "clone.h"
#include "commit.h"
#include "control.h"
#include "copy.h"
#include "op.h"
#include "store.h"

struct rpl_clone_table {
	struct rpl_binding dev;
	struct rpl_store *store;
	struct rpl_clone *clone;
	struct dm_dev *store_dev, *target, *lower;
	u32 id, volume_id;
};

/* What to do with a bio; the DM_MAPIO_* values, and: map it from the start. */
#define MAP_AGAIN 100

/* ---- path of a bio ---- */

static int to_target(struct rpl_binding *dev, struct bio *bio)
{
	struct rpl_clone *c = dev->clone;
	struct rpl_bio *rb = rpl_bio(bio);

	/* what it promises is more than the target's own, as long as the region has no record */
	rb->fua = (bio->bi_opf & REQ_FUA) && op_is_write(bio_op(bio)) && bio_sectors(bio) &&
		  !READ_ONCE(c->whole) && bio->bi_iter.bi_sector < c->nr_sectors;
	if (rb->fua)
		rb->iter = bio->bi_iter;
	bio_set_dev(bio, dev->bdev);
	bio->bi_iter.bi_sector += dev->start;
	return DM_MAPIO_REMAPPED;
}

static int to_source(struct rpl_binding *dev, struct bio *bio)
{
	struct rpl_bio *rb = rpl_bio(bio);

	rb->look_again = true;
	rb->iter = bio->bi_iter;
	bio_set_dev(bio, dev->src_bdev);
	bio->bi_iter.bi_sector += dev->src_start;
	return DM_MAPIO_REMAPPED;
}

static int end_now(struct bio *bio, blk_status_t status)
{
	rpl_wait_end(bio, bio->bi_iter.bi_sector);
	bio->bi_status = status;
	bio_endio(bio);
	return DM_MAPIO_SUBMITTED;
}

static struct rpl_run bio_run(struct rpl_clone *c, struct bio *bio)
{
	return rpl_region_touched(bio->bi_iter.bi_sector, bio_sectors(bio), c->store->chunk_shift);
}

/* Cut the bio to end before this sector, if map() may still do so. */
static void cut_at(struct bio *bio, u64 end, bool fresh)
{
	u64 nr = end - bio->bi_iter.bi_sector;

	if (fresh && nr < bio_sectors(bio))
		dm_accept_partial_bio(bio, nr);
}

/* Can what is not copied be had at all? A clone without its own device cannot copy. */
static bool can_copy(struct rpl_clone *c)
{
	return rpl_clone_alive(c) && READ_ONCE(c->dev);
}

static int held(enum rpl_held held)
{
	switch (held) {
	case RPL_HELD:
		return DM_MAPIO_SUBMITTED;
	case RPL_PUSH_BACK:
		return DM_MAPIO_REQUEUE;
	default:
		return MAP_AGAIN;
	}
}

static int clone_read(struct rpl_binding *dev, struct bio *bio, bool fresh)
{
	struct rpl_clone *c = dev->clone;
	u32 shift = c->store->chunk_shift;
	u64 sector = bio->bi_iter.bi_sector;
	struct rpl_run run = bio_run(c, bio);
	u64 clear = rpl_run_next_clear(c->copied, c->nr_regions, run);

	if (clear == run.first + run.nr)
		return to_target(dev, bio);
	if (fresh && clear > run.first) {
		cut_at(bio, clear << shift, true);
		return to_target(dev, bio);
	}
	if (!READ_ONCE(c->preserving))
		return end_now(bio, BLK_STS_IOERR);
	if (fresh) {
		/* inside a window, so that one wait for ops is enough if it is looked at again */
		cut_at(bio, (run.first + rpl_run_same(c->copied, run)) << shift, true);
		cut_at(bio, sector + rpl_window_rest(sector, RPL_WINDOW_SHIFT), true);
		return to_source(dev, bio);
	}
	/* part of it was copied while it was read: the rest is copied now, then it is read again */
	if (!can_copy(c))
		return end_now(bio, BLK_STS_IOERR);
	return held(rpl_op_hold_for_copy(c, run, bio));
}

/* A write to regions of which the first is not copied. */
static int write_uncopied(struct rpl_binding *dev, struct bio *bio, struct rpl_run run, bool fresh)
{
	struct rpl_clone *c = dev->clone;
	u32 shift = c->store->chunk_shift;
	u64 sector = bio->bi_iter.bi_sector;
	struct rpl_run whole = rpl_region_covered(sector, bio_sectors(bio), c->nr_sectors, shift);
	int r;

	if (!whole.nr || whole.first != run.first) {
		/* part of a region: what the user does not write is copied first */
		cut_at(bio, (run.first + 1) << shift, fresh);
		if (bio_op(bio) == REQ_OP_DISCARD)
			return end_now(bio, BLK_STS_OK);
		if (bio_op(bio) == REQ_OP_SECURE_ERASE)
			return end_now(bio, BLK_STS_NOTSUPP);
		run.nr = 1;
		return held(rpl_op_hold_for_copy(c, run, bio));
	}
	cut_at(bio, sector + rpl_window_rest(sector, RPL_WINDOW_SHIFT), fresh);
	whole = rpl_region_covered(sector, bio_sectors(bio), c->nr_sectors, shift);
	cut_at(bio, sector + rpl_run_sectors(whole, c->nr_sectors, shift), fresh);
	r = held(rpl_op_claim(c, whole, bio));
	return r == MAP_AGAIN && rpl_bio(bio)->op ? to_target(dev, bio) : r;
}

static int clone_write(struct rpl_binding *dev, struct bio *bio, bool fresh)
{
	struct rpl_clone *c = dev->clone;
	struct rpl_run run = bio_run(c, bio);
	u64 clear = rpl_run_next_clear(c->copied, c->nr_regions, run);

	if (clear == run.first + run.nr)
		return to_target(dev, bio);
	if (fresh && clear > run.first) {
		cut_at(bio, clear << c->store->chunk_shift, true);
		return to_target(dev, bio);
	}
	if (!can_copy(c))
		return end_now(bio, BLK_STS_IOERR);
	return write_uncopied(dev, bio, run, fresh);
}

/*
 * A flush promises that completed writes last, and to a region without a record they would not: the
 * region would be copied again. So the records come first (R35).
 */
static int clone_flush(struct rpl_binding *dev, struct bio *bio)
{
	struct rpl_clone *c = dev->clone;

	if (READ_ONCE(c->whole) || !READ_ONCE(c->readable))
		return to_target(dev, bio);
	if (READ_ONCE(c->failing))
		return end_now(bio, BLK_STS_IOERR);
	return rpl_bio(bio)->recorded ? to_target(dev, bio) : held(rpl_commit_hold(c, bio));
}

/* Map it, or put it where it waits. fresh: called by map(), so it may be cut and returned. */
static int clone_bio(struct rpl_binding *dev, struct bio *bio, bool fresh)
{
	struct rpl_clone *c = dev->clone;
	int r;

	if (!bio_sectors(bio)) {
		r = clone_flush(dev, bio);
		return r == MAP_AGAIN ? to_target(dev, bio) : r;
	}
	do {
		if (READ_ONCE(c->whole))
			return to_target(dev, bio);
		if (!READ_ONCE(c->readable))
			return end_now(bio, BLK_STS_IOERR);
		if (bio->bi_iter.bi_sector >= c->nr_sectors)
			return to_target(dev, bio);
		cut_at(bio, c->nr_sectors, fresh);
		r = op_is_write(bio_op(bio)) ? clone_write(dev, bio, fresh)
					     : clone_read(dev, bio, fresh);
	} while (r == MAP_AGAIN);
	return r;
}

static int clone_map(struct dm_target *ti, struct bio *bio)
{
	struct rpl_clone_table *ct = ti->private;
	struct rpl_bio *rb = rpl_bio(bio);

	rb->dev = &ct->dev;
	rb->waker = &ct->clone->waker;
	rb->op = NULL;
	rb->parked.ns = 0;
	rb->look_again = false;
	rb->recorded = false;
	return clone_bio(&ct->dev, bio, true);
}

/* A read that fell through: was any of it copied meanwhile, so may it be too new? (R17, R19) */
static int look_again(struct rpl_bio *rb, struct bio *bio, blk_status_t *error)
{
	struct rpl_clone *c = rb->dev->clone;
	u64 nr_sectors = rb->iter.bi_size >> SECTOR_SHIFT;
	struct rpl_run run =
		rpl_region_touched(rb->iter.bi_sector, nr_sectors, c->store->chunk_shift);

	rb->look_again = false;
	/* after the data has arrived; a source write was issued only after its bit was set */
	smp_rmb();
	if (find_next_bit(c->copied, run.first + run.nr, run.first) < run.first + run.nr) {
		rpl_bio_rewind(bio, rb->iter);
		rpl_waker_add(c->store, &c->waker, bio);
		return DM_ENDIO_INCOMPLETE;
	}
	if (!READ_ONCE(c->preserving))
		*error = BLK_STS_IOERR;
	return DM_ENDIO_DONE;
}

/*
 * A FUA write has ended in the target: it may be told when all its regions have their record. It is
 * then written once more: a bio that has ended cannot just end again.
 */
static int fua_ended(struct rpl_bio *rb, struct bio *bio, blk_status_t *error)
{
	struct rpl_clone *c = rb->dev->clone;
	u64 sectors = rb->iter.bi_size >> SECTOR_SHIFT;
	struct rpl_run run = rpl_region_touched(rb->iter.bi_sector, sectors, c->store->chunk_shift);

	rb->fua = false;
	if (READ_ONCE(c->whole) ||
	    rpl_run_next_clear(c->durable, c->nr_regions, run) == run.first + run.nr)
		return DM_ENDIO_DONE;
	if (!rpl_clone_alive(c)) {
		*error = BLK_STS_IOERR;
		return DM_ENDIO_DONE;
	}
	rpl_bio_rewind(bio, rb->iter);
	switch (rpl_commit_hold(c, bio)) {
	case RPL_HELD:
		return DM_ENDIO_INCOMPLETE;
	case RPL_PUSH_BACK:
		return DM_ENDIO_REQUEUE;
	default:
		/* recorded, or dead, just now */
		if (rpl_run_next_clear(c->durable, c->nr_regions, run) != run.first + run.nr)
			*error = BLK_STS_IOERR;
		return DM_ENDIO_DONE;
	}
}

static int clone_end_io(struct dm_target *ti, struct bio *bio, blk_status_t *error)
{
	struct rpl_bio *rb = rpl_bio(bio);
	struct rpl_op *op = rb->op;

	if (op) {
		/* the bits after the data, and before the user hears of it (R34) */
		rb->op = NULL;
		rpl_op_claim_end(op, *error);
	}
	if (rb->look_again)
		return look_again(rb, bio, error);
	if (rb->fua && !*error)
		return fua_ended(rb, bio, error);
	return DM_ENDIO_DONE;
}

void rpl_clone_wake_work(struct work_struct *work)
{
	struct rpl_clone *c = container_of(work, struct rpl_clone, waker.work);
	struct bio_list bios;
	struct bio *bio;

	rpl_waker_take(&c->waker, &bios);
	while ((bio = bio_list_pop(&bios))) {
		sector_t sector = bio->bi_iter.bi_sector;

		switch (clone_bio(rpl_bio(bio)->dev, bio, false)) {
		case DM_MAPIO_REMAPPED:
			rpl_wait_end(bio, sector);
			dm_submit_bio_remap(bio, NULL);
			break;
		case DM_MAPIO_REQUEUE:
			end_now(bio, BLK_STS_DM_REQUEUE);
			break;
		}
	}
}

/* ---- construction ---- */

static int check_clone(struct rpl_clone_table *ct, struct dm_target *ti, struct rpl_why *why)
{
	struct rpl_clone *c = ct->clone;
	struct rpl_volume *vol = c->vol;
	struct rpl_binding *dev;
	bool other, moved;
	int r = -EINVAL;

	spin_lock_irq(&c->lock);
	dev = c->dev;
	other = dev && dm_table_get_md(dev->ti->table) != dm_table_get_md(ti->table);
	moved = dev && rpl_state_related(c->state) &&
		(dev->bdev->bd_dev != ct->dev.bdev->bd_dev || dev->start != ct->dev.start);
	spin_unlock_irq(&c->lock);
	if (other) {
		rpl_why(why, ct->id, "clone %u is active on another device", ct->id);
		return -EBUSY;
	}
	if (bdev_logical_block_size(ct->target->bdev) > bdev_logical_block_size(ct->lower->bdev))
		rpl_why(why, ct->id,
			"clone %u: target's logical blocks are larger than the source's", ct->id);
	else if (ct->target->bdev->bd_dev == ct->lower->bdev->bd_dev &&
		 ct->dev.start == ct->dev.src_start)
		rpl_why(why, ct->id, "clone %u: target and source are the same device", ct->id);
	else if (vol->lower_devt && (vol->lower_devt != ct->lower->bdev->bd_dev ||
				     vol->lower_start != ct->dev.src_start))
		rpl_why(why, ct->id, "clone %u: source volume %u has another lower device", ct->id,
			vol->id);
	else if (ti->len < c->nr_sectors)
		rpl_why(why, ct->id,
			"clone %u: target is smaller than its point in time (%llu < %llu sectors)",
			ct->id, (unsigned long long)ti->len, c->nr_sectors);
	else if (moved)
		rpl_why(why, ct->id, "clone %u: its data is on its present target device", ct->id);
	else
		r = 0;
	return r;
}

static void set_features(struct rpl_clone_table *ct, struct dm_target *ti)
{
	ti->num_flush_bios = 1;
	ti->flush_supported = true; /* fsync must reach us whatever the target's cache (F14) */
	ti->num_write_zeroes_bios = 1;
	ti->num_secure_erase_bios = 1;
	if (bdev_max_discard_sectors(ct->target->bdev)) {
		ti->num_discard_bios = 1;
		ti->discards_supported = true; /* though the source's device may have none */
	}
	ti->per_io_data_size = sizeof(struct rpl_bio);
	ti->accounts_remapped_io = true;
	ti->limit_swap_bios = true;
	ti->private = ct;
}

static int get_devices(struct rpl_clone_table *ct, struct dm_target *ti, char **argv)
{
	int r;

	r = rpl_parse_dev(ti, argv[2], argv[3], &ct->target, &ct->dev.start);
	if (r)
		return r;
	r = rpl_parse_dev(ti, argv[5], argv[6], &ct->lower, &ct->dev.src_start);
	if (r)
		goto out_target;
	r = dm_get_device(ti, argv[0], dm_table_get_mode(ti->table), &ct->store_dev);
	if (r) {
		ti->error = "The store's device could not be opened";
		goto out_lower;
	}
	ct->dev.bdev = ct->target->bdev;
	ct->dev.src_bdev = ct->lower->bdev;
	return 0;

out_lower:
	dm_put_device(ti, ct->lower);
out_target:
	dm_put_device(ti, ct->target);
	return r;
}

static void put_devices(struct rpl_clone_table *ct, struct dm_target *ti)
{
	dm_put_device(ti, ct->store_dev);
	dm_put_device(ti, ct->lower);
	dm_put_device(ti, ct->target);
}

static int clone_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct rpl_clone_table *ct;
	struct rpl_why why = {};
	int r;

	if (argc != 7) {
		ti->error =
			"Arguments: <store> <id> <target> <offset> <volume id> <lower> <offset>";
		return -EINVAL;
	}
	ct = kzalloc(sizeof(*ct), GFP_KERNEL);
	if (!ct) {
		ti->error = "Not enough memory";
		return -ENOMEM;
	}
	rpl_binding_init(&ct->dev, ti);
	r = rpl_parse_id(ti, argv[1], &ct->id) ?: rpl_parse_id(ti, argv[4], &ct->volume_id);
	if (!r && ct->id == ct->volume_id) {
		ti->error = "A volume cannot be a clone of itself";
		r = -EINVAL;
	}
	if (r)
		goto out_free;
	r = get_devices(ct, ti, argv);
	if (r)
		goto out_free;
	ct->store = rpl_store_user_get(ct->store_dev->bdev, &why);
	if (IS_ERR(ct->store)) {
		r = PTR_ERR(ct->store);
		goto out_devices;
	}
	ct->clone = rpl_clone_table_get(ct->store, ct->id, ct->volume_id, &why);
	if (IS_ERR(ct->clone)) {
		r = PTR_ERR(ct->clone);
		goto out_store;
	}
	ct->dev.clone = ct->clone;
	ct->dev.vol = ct->clone->vol;
	r = check_clone(ct, ti, &why);
	if (r)
		goto out_clone;
	set_features(ct, ti);
	return 0;

out_clone:
	rpl_clone_table_put(ct->clone);
out_store:
	rpl_store_user_put(ct->store);
out_devices:
	ti->error = rpl_ti_error(&why);
	put_devices(ct, ti);
out_free:
	kfree(ct);
	return r;
}

/* ---- life of the table ---- */

static void set_resumed(struct rpl_clone *c, bool resumed)
{
	spin_lock_irq(&c->lock);
	c->resumed = resumed;
	spin_unlock_irq(&c->lock);
	rpl_copier_update(c);
}

static void clone_dtr(struct dm_target *ti)
{
	struct rpl_clone_table *ct = ti->private;
	struct rpl_clone *c = ct->clone;
	bool bound = READ_ONCE(c->dev) == &ct->dev;
	int r;

	if (bound) {
		/* postsuspend has done so, unless the table was never suspended */
		set_resumed(c, false);
		rpl_copier_quiesce(c);
	}
	rpl_binding_unbind(&c->dev, &c->lock, &ct->dev);
	if (bound && READ_ONCE(c->preserving)) {
		/* the bitmap of what is in the target is saved when the store is closed */
		r = blkdev_issue_flush(ct->dev.bdev);
		if (r)
			rpl_clone_fail(c, -r, "its target could not be flushed (error %d)", r);
		WRITE_ONCE(c->flushed, !r);
		rpl_clone_recheck(c);
	}
	rpl_clone_table_put(c);
	rpl_store_user_put(ct->store);
	put_devices(ct, ti);
	kfree(ct);
}

/* Cannot fail: the old table is gone already (F20). */
static int clone_preresume(struct dm_target *ti)
{
	struct rpl_clone_table *ct = ti->private;

	WRITE_ONCE(ct->clone->flushed, false);
	rpl_binding_bind(&ct->clone->dev, &ct->clone->lock, &ct->dev);
	return 0;
}

static void clone_resume(struct dm_target *ti)
{
	struct rpl_clone_table *ct = ti->private;

	set_resumed(ct->clone, true);
	/* it may have been complete when it was closed */
	rpl_clone_recheck(ct->clone);
}

static void clone_presuspend(struct dm_target *ti)
{
	struct rpl_clone_table *ct = ti->private;

	if (dm_noflush_suspending(ti))
		rpl_ops_push_back(ct->store, &ct->dev);
}

static void clone_postsuspend(struct dm_target *ti)
{
	struct rpl_clone_table *ct = ti->private;

	if (READ_ONCE(ct->clone->dev) != &ct->dev)
		return;
	set_resumed(ct->clone, false);
	rpl_copier_quiesce(ct->clone);
}

static void clone_status(struct dm_target *ti, status_type_t type, unsigned int flags, char *result,
			 unsigned int maxlen)
{
	struct rpl_clone_table *ct = ti->private;
	struct rpl_clone_stat st;
	unsigned int sz = 0;

	switch (type) {
	case STATUSTYPE_INFO:
		rpl_clone_stat_get(ct->clone, &st);
		DMEMIT("%s %llu/%llu 0 %llu %llu ", rpl_state_name(st.state),
		       st.copied_bytes >> SECTOR_SHIFT, st.total_bytes >> SECTOR_SHIFT,
		       st.bad_bytes >> SECTOR_SHIFT, st.rate_bytes_s >> 10);
		if (st.eta_s == U32_MAX)
			DMEMIT("-");
		else
			DMEMIT("%u", st.eta_s);
		DMEMIT(" %d", st.error);
		break;
	case STATUSTYPE_TABLE:
		DMEMIT("%s %u %s %llu %u %s %llu", ct->store_dev->name, ct->id, ct->target->name,
		       (unsigned long long)ct->dev.start, ct->volume_id, ct->lower->name,
		       (unsigned long long)ct->dev.src_start);
		break;
	case STATUSTYPE_IMA:
		DMEMIT_TARGET_NAME_VERSION(ti->type);
		DMEMIT(",store=%s,clone_id=%u,target=%s,start=%llu", ct->store_dev->name, ct->id,
		       ct->target->name, (unsigned long long)ct->dev.start);
		DMEMIT(",volume_id=%u,lower=%s,lower_start=%llu;", ct->volume_id, ct->lower->name,
		       (unsigned long long)ct->dev.src_start);
		break;
	}
}

static int clone_iterate_devices(struct dm_target *ti, iterate_devices_callout_fn fn, void *data)
{
	struct rpl_clone_table *ct = ti->private;
	sector_t lower_len = bdev_nr_sectors(ct->lower->bdev);
	int r;

	r = fn(ti, ct->target, ct->dev.start, ti->len, data);
	if (r)
		return r;
	/* the source may be shorter than the target */
	lower_len = lower_len > ct->dev.src_start ? lower_len - ct->dev.src_start : 0;
	return fn(ti, ct->lower, ct->dev.src_start, min_t(sector_t, ti->len, lower_len), data);
}

static struct target_type clone_target = {
	.name = "replica-clone",
	.version = { 1, 0, 0 },
	.features = DM_TARGET_SINGLETON | DM_TARGET_NOWAIT,
	.module = THIS_MODULE,
	.ctr = clone_ctr,
	.dtr = clone_dtr,
	.map = clone_map,
	.end_io = clone_end_io,
	.preresume = clone_preresume,
	.resume = clone_resume,
	.presuspend = clone_presuspend,
	.postsuspend = clone_postsuspend,
	.status = clone_status,
	.iterate_devices = clone_iterate_devices,
};

int __init rpl_target_clone_init(void)
{
	BUILD_BUG_ON(sizeof("replica-clone") > DM_MAX_TYPE_NAME);
	return dm_register_target(&clone_target);
}

void rpl_target_clone_exit(void)
{
	dm_unregister_target(&clone_target);
}

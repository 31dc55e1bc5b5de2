// SPDX-License-Identifier: GPL-2.0-only
/*
 * Target replica-snap: a snapshot as its users see it, to be read, or to be written too, as the
 * table's mode says. A chunk that is the snapshot's own, or whose old content the store has, is
 * read there; any other from the source's lower device, and looked at once more when
 * the data has arrived: a copy that was made meanwhile says that the source may have been
 * overwritten, so that part is read again, from the store (R17). The entry that serves a snapshot
 * never changes (R12), so once is enough.
 *
 * A write goes to a chunk of the snapshot's own, which it gets first (copy-up.c). A flush is the
 * store's: nothing is written before the record of its chunk is durable.
 *
 * While the table exists the snapshot is not deleted, so none of its chunks is used for anything
 * else. If it is lost, what was read in that moment is not told (R19).
 *
 * Table line: <store dev> <snapshot id> <volume id> <source's lower dev> <offset>
 */
#define DM_MSG_PREFIX "replica-snap"

#include <linux/module.h>
#include <linux/slab.h>

#include "compat.h"
#include "control.h"
#include "format.h"
#include "op.h"
#include "snap.h"
#include "space.h"
#include "state.h"
#include "store.h"

#define PIECES_RESERVED 64

struct rpl_snap_table {
	struct rpl_binding dev; /* ->bdev: the source's lower device */
	struct rpl_store *store;
	struct rpl_clone *snap;
	struct dm_dev *store_dev, *lower;
	u32 id, volume_id;
	bool writable; /* the table's mode */
};

/* Chunks that lie together. */
struct stretch {
	u32 loc; /* of the first; NONE: in the source; BAD: lost */
	u64 nr;
};

static struct bio_set pieces; /* parts of reads that are done once more */

/* ---- where is it ---- */

/* map_lock held. */
static u32 loc_of(struct rpl_clone *c, u64 chunk)
{
	u32 own = rpl_snap_own(c, chunk);
	struct rpl_map_entry e;

	if (own != RPL_LOC_NONE)
		return own;
	return rpl_map_lookup(&c->store->map, c->vol->id, chunk, c->point, &e) ? RPL_LOC_NONE
									       : e.loc;
}

static bool follows(u32 first, u64 nr, u32 loc)
{
	return first == RPL_LOC_NONE || first == RPL_LOC_BAD ? loc == first : loc == first + nr;
}

/* The stretch that begins with the run, no longer than it. Any context. */
static struct stretch find_stretch(struct rpl_clone *c, struct rpl_run run)
{
	struct stretch st = { .nr = 1 };
	unsigned long flags;

	read_lock_irqsave(&c->store->map_lock, flags);
	st.loc = loc_of(c, run.first);
	while (st.nr < run.nr && follows(st.loc, st.nr, loc_of(c, run.first + st.nr)))
		st.nr++;
	read_unlock_irqrestore(&c->store->map_lock, flags);
	return st;
}

static sector_t store_sector(struct rpl_store *s, u32 loc, sector_t sector)
{
	return s->space->start + ((sector_t)(loc - 1) << s->chunk_shift) +
	       (sector & (s->chunk_sectors - 1));
}

/* ---- path of a bio ---- */

static int end_now(struct bio *bio, blk_status_t status)
{
	rpl_wait_end(bio, bio->bi_iter.bi_sector);
	bio->bi_status = status;
	bio_endio(bio);
	return DM_MAPIO_SUBMITTED;
}

/*
 * dm asks the source's device alone (F16) whether it takes I/O that must not wait (F6), and whether
 * it can be polled (F7): where the store's cannot, a polled read would fail there.
 */
static void set_store(struct rpl_store *s, struct bio *bio)
{
	bio_set_dev(bio, s->bdev);
	bio_clear_polled(bio);
	if (!bdev_nowait(s->bdev))
		bio->bi_opf &= ~REQ_NOWAIT;
}

static int to_store(struct rpl_clone *c, struct bio *bio, u32 loc)
{
	struct rpl_store *s = c->store;

	if (!rpl_data_get(s))
		return end_now(bio, BLK_STS_IOERR);
	rpl_bio(bio)->data = true;
	set_store(s, bio);
	bio->bi_iter.bi_sector = store_sector(s, loc, bio->bi_iter.bi_sector);
	return DM_MAPIO_REMAPPED;
}

static int to_source(struct rpl_binding *dev, struct bio *bio)
{
	struct rpl_bio *rb = rpl_bio(bio);

	rb->look_again = true;
	rb->iter = bio->bi_iter;
	bio_set_dev(bio, dev->bdev);
	bio->bi_iter.bi_sector += dev->start;
	return DM_MAPIO_REMAPPED;
}

static struct rpl_run bio_run(struct rpl_clone *c, struct bio *bio)
{
	return rpl_region_touched(bio->bi_iter.bi_sector, bio_sectors(bio), c->store->chunk_shift);
}

static void cut_at(struct bio *bio, sector_t end)
{
	if (bio_end_sector(bio) > end)
		dm_accept_partial_bio(bio, end - bio->bi_iter.bi_sector);
}

static int snap_read(struct rpl_binding *dev, struct bio *bio)
{
	struct rpl_clone *c = dev->clone;
	struct rpl_run run = bio_run(c, bio);
	struct stretch s = find_stretch(c, run);

	cut_at(bio, (run.first + s.nr) << c->store->chunk_shift);
	if (s.loc == RPL_LOC_BAD)
		return end_now(bio, BLK_STS_MEDIUM);
	return s.loc == RPL_LOC_NONE ? to_source(dev, bio) : to_store(c, bio, s.loc);
}

/* What is not the snapshot's own keeps its content, as a discard may. */
static int snap_discard(struct rpl_clone *c, struct bio *bio)
{
	struct rpl_run run = bio_run(c, bio);
	struct rpl_own own;
	bool found = rpl_copy_up_done(c, run, &own);

	cut_at(bio, (run.first + (found ? own.nr : 1)) << c->store->chunk_shift);
	return found ? to_store(c, bio, own.loc) : end_now(bio, BLK_STS_OK);
}

/* fresh: called by map(), so the bio may be cut and returned; else it lies in one chunk. */
static int snap_write(struct rpl_binding *dev, struct bio *bio, bool fresh)
{
	struct rpl_clone *c = dev->clone;
	struct rpl_run run = bio_run(c, bio);
	struct rpl_own own;

	switch (rpl_copy_up_hold(dev, bio, run, fresh, &own)) {
	case RPL_HELD:
		return DM_MAPIO_SUBMITTED;
	case RPL_PUSH_BACK:
		return DM_MAPIO_REQUEUE;
	default:
		if (!own.nr)
			return end_now(bio, own.status);
		if (fresh)
			cut_at(bio, (run.first + own.nr) << c->store->chunk_shift);
		return to_store(c, bio, own.loc);
	}
}

/* Of what was written: all of that is in the store. */
static int snap_flush(struct rpl_clone *c, struct bio *bio)
{
	if (!rpl_data_get(c->store))
		return end_now(bio, BLK_STS_IOERR);
	rpl_bio(bio)->data = true;
	set_store(c->store, bio);
	return DM_MAPIO_REMAPPED;
}

static int snap_map(struct dm_target *ti, struct bio *bio)
{
	struct rpl_snap_table *st = ti->private;
	struct rpl_clone *c = st->snap;
	struct rpl_bio *rb = rpl_bio(bio);
	sector_t sector = bio->bi_iter.bi_sector;

	rb->dev = &st->dev;
	rb->waker = &c->waker;
	rb->parked.ns = 0;
	rb->look_again = false;
	rb->data = false;
	rb->status = BLK_STS_OK;
	if (op_is_write(bio_op(bio)) && !st->writable)
		return DM_MAPIO_KILL;
	if (!rpl_snap_valid(c))
		return end_now(bio, BLK_STS_IOERR);
	if (!bio_sectors(bio))
		return snap_flush(c, bio);
	cut_at(bio, sector + rpl_window_rest(sector, RPL_WINDOW_SHIFT));
	if (bio_op(bio) == REQ_OP_DISCARD)
		return snap_discard(c, bio);
	return op_is_write(bio_op(bio)) ? snap_write(&st->dev, bio, true)
					: snap_read(&st->dev, bio);
}

static struct rpl_run iter_run(struct rpl_clone *c, const struct bvec_iter *iter)
{
	return rpl_region_touched(iter->bi_sector, iter->bi_size >> SECTOR_SHIFT,
				  c->store->chunk_shift);
}

/* A read that fell through: was any of it kept meanwhile, so may it be too new? (R17) */
static int look_again(struct rpl_clone *c, struct bio *bio, blk_status_t *error)
{
	struct rpl_bio *rb = rpl_bio(bio);
	struct rpl_run run = iter_run(c, &rb->iter);
	struct stretch s;

	rb->look_again = false;
	/* after the data has arrived; a source write was issued only after its entry was filed */
	smp_rmb();
	s = find_stretch(c, run);
	if (s.loc == RPL_LOC_NONE && s.nr == run.nr)
		return DM_ENDIO_DONE;
	rb->status = *error;
	rpl_bio_rewind(bio, rb->iter);
	rpl_waker_add(c->store, &c->waker, bio);
	return DM_ENDIO_INCOMPLETE;
}

static int snap_end_io(struct dm_target *ti, struct bio *bio, blk_status_t *error)
{
	struct rpl_snap_table *st = ti->private;
	struct rpl_bio *rb = rpl_bio(bio);
	int r = DM_ENDIO_DONE;

	if (rb->data)
		rpl_data_put(st->store);
	rb->data = false;
	if (rb->look_again)
		r = look_again(st->snap, bio, error);
	if (r == DM_ENDIO_DONE && !*error && !rpl_snap_valid(st->snap))
		*error = BLK_STS_IOERR;
	return r;
}

/* ---- once more, from the store ---- */

static void pieces_put(struct bio *bio)
{
	struct rpl_bio *rb = rpl_bio(bio);

	if (atomic_dec_and_test(&rb->pieces))
		end_now(bio, READ_ONCE(rb->status));
}

static void piece_end(struct bio *piece)
{
	struct bio *bio = piece->bi_private;

	if (piece->bi_status)
		WRITE_ONCE(rpl_bio(bio)->status, piece->bi_status);
	rpl_data_put(rpl_bio(bio)->dev->clone->store);
	bio_put(piece);
	pieces_put(bio);
}

/* Sectors `from` to `end` of the snapshot, a part of the bio, from chunk loc of the store. */
static void piece_read(struct rpl_clone *c, struct bio *bio, sector_t from, sector_t end, u32 loc)
{
	struct rpl_bio *rb = rpl_bio(bio);
	struct rpl_store *s = c->store;
	struct bio *piece;

	if (!rpl_data_get(s)) {
		WRITE_ONCE(rb->status, BLK_STS_IOERR);
		return;
	}
	piece = bio_alloc_clone(s->bdev, bio, GFP_NOIO, &pieces);
	bio_advance(piece, (from - rb->iter.bi_sector) << SECTOR_SHIFT);
	piece->bi_iter.bi_size = (end - from) << SECTOR_SHIFT;
	piece->bi_iter.bi_sector = store_sector(s, loc, from);
	piece->bi_private = bio;
	piece->bi_end_io = piece_end;
	atomic_inc(&rb->pieces);
	submit_bio_noacct(piece);
}

/* What the store has by now. The rest is as the source had it when nothing was kept yet. */
static void read_pieces(struct rpl_clone *c, struct bio *bio)
{
	struct rpl_bio *rb = rpl_bio(bio);
	struct rpl_run run = iter_run(c, &rb->iter);
	sector_t sector = rb->iter.bi_sector;
	sector_t last = sector + (rb->iter.bi_size >> SECTOR_SHIFT);
	blk_status_t of_source = rb->status;

	rb->status = BLK_STS_OK;
	atomic_set(&rb->pieces, 1);
	while (run.nr) {
		struct stretch st = find_stretch(c, run);
		sector_t end = min_t(sector_t, last, (run.first + st.nr) << c->store->chunk_shift);

		if (st.loc == RPL_LOC_BAD)
			WRITE_ONCE(rb->status, BLK_STS_MEDIUM);
		else if (st.loc != RPL_LOC_NONE)
			piece_read(c, bio, sector, end, st.loc);
		else if (of_source)
			WRITE_ONCE(rb->status, of_source);
		sector = end;
		run.first += st.nr;
		run.nr -= st.nr;
	}
	pieces_put(bio);
}

/* A write that waited. */
static void write_again(struct rpl_clone *c, struct bio *bio)
{
	struct rpl_bio *rb = rpl_bio(bio);
	sector_t sector = bio->bi_iter.bi_sector;
	blk_status_t status = rb->status;

	if (!status && !rpl_snap_valid(c))
		status = BLK_STS_IOERR;
	if (status) {
		end_now(bio, status);
		return;
	}
	switch (snap_write(rb->dev, bio, false)) {
	case DM_MAPIO_REMAPPED:
		rpl_wait_end(bio, sector);
		dm_submit_bio_remap(bio, NULL);
		break;
	case DM_MAPIO_REQUEUE:
		end_now(bio, BLK_STS_DM_REQUEUE);
		break;
	}
}

void rpl_snap_wake_work(struct work_struct *work)
{
	struct rpl_clone *c = container_of(work, struct rpl_clone, waker.work);
	struct bio_list bios;
	struct bio *bio;

	rpl_waker_take(&c->waker, &bios);
	while ((bio = bio_list_pop(&bios))) {
		if (op_is_write(bio_op(bio)))
			write_again(c, bio);
		else
			read_pieces(c, bio);
	}
}

/* ---- construction ---- */

static int check_snap(struct rpl_snap_table *st, struct dm_target *ti, struct rpl_why *why)
{
	struct rpl_clone *c = st->snap;
	struct rpl_volume *vol = c->vol;
	struct rpl_binding *dev;
	bool other;

	if (st->writable && c->read_only) {
		rpl_why(why, c->id,
			"snapshot %u was made read-only: create its device with --readonly", c->id);
		return -EROFS;
	}
	spin_lock_irq(&c->lock);
	dev = c->dev;
	other = dev && dm_table_get_md(dev->ti->table) != dm_table_get_md(ti->table);
	spin_unlock_irq(&c->lock);
	if (other) {
		rpl_why(why, c->id, "snapshot %u is active on another device", c->id);
		return -EBUSY;
	}
	if (ti->len != c->nr_sectors) {
		rpl_why(why, c->id, "snapshot %u has %llu sectors, the table line says %llu", c->id,
			c->nr_sectors, (u64)ti->len);
		return -EINVAL;
	}
	if (vol->lower_devt &&
	    (vol->lower_devt != st->lower->bdev->bd_dev || vol->lower_start != st->dev.start)) {
		rpl_why(why, c->id, "snapshot %u: source volume %u has another lower device", c->id,
			vol->id);
		return -EINVAL;
	}
	return 0;
}

static int get_devices(struct rpl_snap_table *st, struct dm_target *ti, char **argv)
{
	int r = rpl_parse_dev(ti, argv[3], argv[4], &st->lower, &st->dev.start);

	if (r)
		return r;
	st->dev.bdev = st->lower->bdev;
	r = dm_get_device(ti, argv[0], dm_table_get_mode(ti->table), &st->store_dev);
	if (r) {
		ti->error = "The store's device could not be opened";
		dm_put_device(ti, st->lower);
	}
	return r;
}

static int get_objects(struct rpl_snap_table *st, struct dm_target *ti, struct rpl_why *why)
{
	int r;

	st->store = rpl_store_user_get(st->store_dev->bdev, why);
	if (IS_ERR(st->store))
		return PTR_ERR(st->store);
	st->snap = rpl_snap_table_get(st->store, st->id, st->volume_id, why);
	if (IS_ERR(st->snap)) {
		r = PTR_ERR(st->snap);
		goto out_store;
	}
	st->dev.clone = st->snap;
	st->dev.vol = st->snap->vol;
	r = check_snap(st, ti, why);
	if (!r && st->writable) {
		r = rpl_persist_allow(st->store, RPL_INCOMPAT_WRITABLE);
		if (r)
			rpl_why(why, st->id,
				"snapshot %u: store %s cannot record that it may be written (%d)",
				st->id, st->store->name, r);
	}
	if (!r)
		return 0;
	rpl_clone_table_put(st->snap);
out_store:
	rpl_store_user_put(st->store);
	return r;
}

static void set_features(struct rpl_snap_table *st, struct dm_target *ti)
{
	ti->per_io_data_size = sizeof(struct rpl_bio);
	ti->accounts_remapped_io = true;
	ti->private = st;
	if (!st->writable)
		return;
	ti->num_flush_bios = 1;
	ti->flush_supported = true; /* whatever the source's cache: the store has what is written */
	ti->num_write_zeroes_bios = 1;
	ti->limit_swap_bios = true;
	if (bdev_max_discard_sectors(st->store->bdev)) {
		ti->num_discard_bios = 1;
		ti->discards_supported = true; /* though the source's device may have none */
	}
}

static int snap_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct rpl_snap_table *st;
	struct rpl_why why = {};
	int r;

	if (argc != 5) {
		ti->error = "Arguments: <store> <snapshot id> <volume id> <lower> <offset>";
		return -EINVAL;
	}
	st = kzalloc(sizeof(*st), GFP_KERNEL);
	if (!st) {
		ti->error = "Not enough memory";
		return -ENOMEM;
	}
	rpl_binding_init(&st->dev, ti);
	st->writable = rpl_table_writeable(ti->table);
	r = rpl_parse_id(ti, argv[1], &st->id) ?: rpl_parse_id(ti, argv[2], &st->volume_id);
	if (r)
		goto out_free;
	r = get_devices(st, ti, argv);
	if (r)
		goto out_free;
	r = get_objects(st, ti, &why);
	if (r)
		goto out_devices;
	set_features(st, ti);
	return 0;

out_devices:
	ti->error = rpl_ti_error(&why);
	dm_put_device(ti, st->store_dev);
	dm_put_device(ti, st->lower);
out_free:
	kfree(st);
	return r;
}

/* ---- life of the table ---- */

static void snap_dtr(struct dm_target *ti)
{
	struct rpl_snap_table *st = ti->private;

	rpl_binding_unbind(&st->snap->dev, &st->snap->lock, &st->dev);
	rpl_clone_table_put(st->snap);
	rpl_store_user_put(st->store);
	dm_put_device(ti, st->store_dev);
	dm_put_device(ti, st->lower);
	kfree(st);
}

static int snap_preresume(struct dm_target *ti)
{
	struct rpl_snap_table *st = ti->private;

	rpl_binding_bind(&st->snap->dev, &st->snap->lock, &st->dev);
	return 0;
}

static void snap_presuspend(struct dm_target *ti)
{
	struct rpl_snap_table *st = ti->private;

	/* else the waits end as always, by a copy or an error */
	if (dm_noflush_suspending(ti))
		rpl_ops_push_back(st->store, &st->dev);
}

static void snap_status(struct dm_target *ti, status_type_t type, unsigned int flags, char *result,
			unsigned int maxlen)
{
	struct rpl_snap_table *st = ti->private;
	struct rpl_clone_stat stat;
	unsigned int sz = 0;

	switch (type) {
	case STATUSTYPE_INFO:
		rpl_clone_stat_get(st->snap, &stat);
		DMEMIT("%s %llu %llu %s %llu %s", rpl_state_name(stat.state), st->snap->nr_sectors,
		       st->snap->point, st->writable ? "rw" : "ro",
		       stat.written_bytes >> SECTOR_SHIFT, stat.reason[0] ? stat.reason : "-");
		break;
	case STATUSTYPE_TABLE:
		DMEMIT("%s %u %u %s %llu", st->store_dev->name, st->id, st->volume_id,
		       st->lower->name, (u64)st->dev.start);
		break;
	case STATUSTYPE_IMA:
		DMEMIT_TARGET_NAME_VERSION(ti->type);
		DMEMIT(",store=%s,snapshot_id=%u,volume_id=%u,lower=%s,start=%llu;",
		       st->store_dev->name, st->id, st->volume_id, st->lower->name,
		       (u64)st->dev.start);
		break;
	}
}

static int snap_iterate_devices(struct dm_target *ti, iterate_devices_callout_fn fn, void *data)
{
	struct rpl_snap_table *st = ti->private;

	return fn(ti, st->lower, st->dev.start, ti->len, data);
}

/* Discards are the store's, of which dm asks nothing (F16). They may be of any length: map cuts. */
static void snap_io_hints(struct dm_target *ti, struct queue_limits *limits)
{
	struct rpl_snap_table *st = ti->private;

	if (!ti->num_discard_bios)
		return;
	limits->discard_granularity = st->store->chunk_sectors << SECTOR_SHIFT;
	limits->max_discard_sectors = UINT_MAX >> SECTOR_SHIFT;
	limits->max_hw_discard_sectors = UINT_MAX >> SECTOR_SHIFT;
}

static struct target_type snap_target = {
	.name = "replica-snap",
	.version = { 1, 1, 0 },
	.features = DM_TARGET_SINGLETON | DM_TARGET_NOWAIT,
	.module = THIS_MODULE,
	.ctr = snap_ctr,
	.dtr = snap_dtr,
	.map = snap_map,
	.end_io = snap_end_io,
	.preresume = snap_preresume,
	.presuspend = snap_presuspend,
	.status = snap_status,
	.iterate_devices = snap_iterate_devices,
	.io_hints = snap_io_hints,
};

int __init rpl_target_snap_init(void)
{
	int r = bioset_init(&pieces, PIECES_RESERVED, 0, 0);

	BUILD_BUG_ON(sizeof("replica-snap") > DM_MAX_TYPE_NAME);
	if (r)
		return r;
	r = dm_register_target(&snap_target);
	if (r)
		bioset_exit(&pieces);
	return r;
}

void rpl_target_snap_exit(void)
{
	dm_unregister_target(&snap_target);
	bioset_exit(&pieces);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copy-up: before the user of a snapshot changes a chunk for the first time, the chunk gets a place
 * of its own in the store, with what the snapshot has there; from then on it is written in place.
 *
 *	a chunk of the store is taken -> copy from the entry that serves the snapshot, or from the
 *	source and then look whether there is an entry by now (R17) -> entry and record, in the
 *	next batch -> the write goes on
 *
 * The op is known by snapshot and chunk: it has nothing to do with what the source's writes keep at
 * the same time of the same chunk, for all snapshots, this one too (R47). Nothing is written in
 * place before the record is durable, so a flush of the snapshot is a flush of the store.
 *
 * What cannot be done costs the write, with an error, and nothing else. Called by snap-target.c,
 * op.c and commit.c; bucket->lock as said.
 */
#define DM_MSG_PREFIX "replica"

#include "commit.h"
#include "journal-format.h"
#include "op.h"
#include "snap.h"
#include "space.h"

/* ---- a write that comes ---- */

/* bucket->lock held. NULL: no op is to be had now; ERR_PTR: -ENOSPC, -EIO. */
static struct rpl_op *copy_up_new(struct rpl_bucket *b, struct rpl_binding *dev, u64 chunk)
{
	const struct rpl_run run = { .first = chunk, .nr = 1 };
	struct rpl_clone *c = dev->clone;
	struct rpl_store *s = c->store;
	struct rpl_op *op = rpl_op_new(b, c->vol, RPL_OP_COPY_UP, run);
	u32 got;
	int r;

	if (!op)
		return NULL;
	op->snap = rpl_clone_get(c);
	op->sectors = rpl_run_sectors(run, c->nr_sectors, s->chunk_shift);
	op->src_dev = rpl_binding_use(dev);
	op->src_bdev = dev->bdev;
	op->src_start = dev->start;
	op->data_used = rpl_data_get(s);
	r = op->data_used ? -ENOSPC : -EIO;
	if (op->data_used)
		op->loc = rpl_space_take(s->space, 1, &got);
	if (op->loc != RPL_LOC_NONE)
		return op;
	rpl_op_discard(op);
	return ERR_PTR(r);
}

/* The stretch of own chunks at its beginning that no op owns. bucket->lock held. */
static void find_own(struct rpl_bucket *b, struct rpl_clone *c, struct rpl_run run,
		     struct rpl_own *own)
{
	struct rpl_op *op = rpl_op_find(b, c->vol, c, run);

	own->nr = 0;
	if (op)
		run.nr = op->run.first - run.first;
	if (!run.nr)
		return;
	read_lock(&c->store->map_lock);
	own->loc = rpl_snap_own(c, run.first);
	if (own->loc != RPL_LOC_NONE)
		for (own->nr = 1; own->nr < run.nr; own->nr++)
			if (rpl_snap_own(c, run.first + own->nr) != own->loc + own->nr)
				break;
	read_unlock(&c->store->map_lock);
}

bool rpl_copy_up_done(struct rpl_clone *c, struct rpl_run run, struct rpl_own *own)
{
	struct rpl_bucket *b = rpl_op_bucket(c->vol, run.first);
	unsigned long flags;

	spin_lock_irqsave(&b->lock, flags);
	find_own(b, c, run, own);
	spin_unlock_irqrestore(&b->lock, flags);
	return own->nr;
}

enum rpl_held rpl_copy_up_hold(struct rpl_binding *dev, struct bio *bio, struct rpl_run run,
			       bool fresh, struct rpl_own *own)
{
	struct rpl_clone *c = dev->clone;
	struct rpl_store *s = c->store;
	struct rpl_bucket *b = rpl_op_bucket(c->vol, run.first);
	bool may_sleep = !(bio->bi_opf & REQ_NOWAIT), wait = false, start = false;
	u64 end = (run.first + 1) << s->chunk_shift;
	enum rpl_held r = RPL_GO;
	struct rpl_op *op;
	unsigned long flags;

	own->status = BLK_STS_OK;
	spin_lock_irqsave(&b->lock, flags);
	find_own(b, c, run, own);
	if (own->nr)
		goto out;
	op = rpl_op_find(b, c->vol, c, (struct rpl_run) { run.first, 1 });
	if (!op) {
		op = copy_up_new(b, dev, run.first);
		start = !IS_ERR_OR_NULL(op);
	}
	if (IS_ERR(op)) {
		wait = PTR_ERR(op) == -ENOSPC && rpl_space_coming(s->space);
		if (!wait) {
			own->status = errno_to_blk_status(PTR_ERR(op));
			goto out;
		}
		queue_work(s->bg_wq, &s->commit.checkpoint);
		op = NULL;
	}
	/* who waits, waits for one chunk */
	if (fresh && bio_end_sector(bio) > end)
		dm_accept_partial_bio(bio, end - bio->bi_iter.bi_sector);
	r = rpl_op_park(s, op, bio, wait);
out:
	spin_unlock_irqrestore(&b->lock, flags);
	if (start && may_sleep)
		rpl_op_start(op);
	else if (start)
		rpl_op_start_later(op);
	return r;
}

/* ---- the copy ---- */

static u32 entry_of(struct rpl_op *op)
{
	struct rpl_store *s = op->vol->store;
	struct rpl_map_entry e;
	unsigned long flags;
	int r;

	read_lock_irqsave(&s->map_lock, flags);
	r = rpl_map_lookup(&s->map, op->vol->id, op->run.first, op->snap->point, &e);
	read_unlock_irqrestore(&s->map_lock, flags);
	return r ? RPL_LOC_NONE : e.loc;
}

static void give_up(struct rpl_op *op, blk_status_t status)
{
	op->status = status;
	rpl_op_end(op);
}

bool rpl_copy_up_begin(struct rpl_op *op)
{
	op->from = entry_of(op);
	if (op->from != RPL_LOC_BAD)
		return true;
	give_up(op, BLK_STS_MEDIUM);
	return false;
}

/* Its data is complete: the next batch ends it. */
static void hand_over(struct rpl_op *op)
{
	struct rpl_store *s = op->vol->store;
	struct rpl_bucket *b = op->bucket;
	unsigned long flags;

	rpl_keep_data_put(op);
	spin_lock_irqsave(&b->lock, flags);
	op->complete = true;
	/* it may be gone as soon as the lock is */
	rpl_commit_add(op, false);
	spin_unlock_irqrestore(&b->lock, flags);
	rpl_commit_kick(s);
}

void rpl_copy_up_copied(struct rpl_op *op, bool read_failed, bool write_failed)
{
	/* after the data has arrived; a source write was issued only after its entry was filed */
	smp_rmb();
	if (op->from == RPL_LOC_NONE && entry_of(op) != RPL_LOC_NONE)
		rpl_op_start_later(op); /* once more, from there (R17) */
	else if (read_failed || write_failed || !rpl_snap_valid(op->snap))
		give_up(op, BLK_STS_IOERR);
	else
		hand_over(op);
}

/* ---- the record ---- */

bool rpl_copy_up_file(struct rpl_op *op, struct rpl_fact *fact)
{
	struct rpl_map_entry e = {
		.volume = RPL_MAP_OWN | op->snap->id,
		.chunk = op->run.first,
		.tag = op->snap->point,
		.loc = op->loc,
	};
	int r = rpl_snap_valid(op->snap) ? rpl_store_file(op->vol->store, &e) : -EIO;

	if (r) {
		op->status = errno_to_blk_status(r);
		return false;
	}
	op->loc = RPL_LOC_NONE; /* the map's from here on */
	atomic64_inc(&op->snap->own_chunks);
	*fact = (struct rpl_fact) {
		.kind = RPL_FACT_OWN,
		.clone_id = op->snap->id,
		.point = e.tag,
		.first = e.chunk,
		.nr = 1,
		.loc = e.loc,
	};
	return true;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The store as a destination of an op, for the snapshots of its volume: space, what becomes of the
 * copy, and whether there is one already. The record is commit.c's. Called by op.c; bucket->lock as
 * said.
 */
#define DM_MSG_PREFIX "replica"

#include "clone.h"
#include "epoch.h"
#include "op.h"
#include "shortage.h"
#include "snap.h"
#include "space.h"

#define WRITE_ERRORS_MAX 3 /* a store that does not take what is written is not worked around */

/* It has no business with the store's device any more. */
void rpl_keep_data_put(struct rpl_op *op)
{
	if (op->data_used)
		rpl_data_put(op->vol->store);
	op->data_used = false;
}

/*
 * Make the store a destination, for as much of the run as there is space for in one piece.
 * bucket->lock held. 0, or the snapshots are lost, or about to wait for space: -ENOSPC, -EIO.
 */
static int add_store(struct rpl_op *op, struct rpl_view *v)
{
	struct rpl_store *s = op->vol->store;
	u32 got;

	if (!rpl_data_get(s)) {
		rpl_arm_fail(v->arm, EIO, "their store was removed");
		return -EIO;
	}
	op->data_used = true;
	op->loc = rpl_space_take(s->space, op->run.nr, &got);
	if (op->loc == RPL_LOC_NONE) {
		rpl_keep_data_put(op);
		return -ENOSPC;
	}
	op->arm = rpl_arm_get(v->arm);
	op->run.nr = got;
	return 0;
}

/* The tag of the newest copy that a chunk of the run has, the smallest of them; 0: one has none. */
static u32 prev_tag(struct rpl_volume *vol, struct rpl_run run)
{
	struct rpl_store *s = vol->store;
	u32 prev = U32_MAX;
	unsigned long flags;
	u64 chunk;

	read_lock_irqsave(&s->map_lock, flags);
	for (chunk = run.first; chunk < run.first + run.nr; chunk++)
		prev = min(prev, rpl_map_prev_tag(&s->map, vol->id, chunk, U32_MAX));
	read_unlock_irqrestore(&s->map_lock, flags);
	return prev;
}

void rpl_keep_lose(struct rpl_op *op, int error, const char *reason)
{
	rpl_arm_lose(op->arm, op->run.first, prev_tag(op->vol, op->run), READ_ONCE(op->arm->newest),
		     error, reason);
}

/* May the write wait for space? There is none. */
static bool may_wait(struct rpl_store *s, struct bio *bio)
{
	struct rpl_since *since = &rpl_bio(bio)->parked;
	u32 wait_ms = rpl_space_wait_ms(rpl_may_queue(s, bio), READ_ONCE(s->queue_timeout_ms),
					rpl_space_coming(s->space), rpl_clone_timeout_ms);

	return wait_ms && (!since->ns || !rpl_waited(s, since, wait_ms));
}

/*
 * Space for the op's run in the store; less of it shortens the run. False: there is none now, and
 * *wait says whether the write may wait for some. bucket->lock held.
 */
bool rpl_keep_in_store(struct rpl_op *op, struct rpl_view *v, struct bio *bio, bool *wait)
{
	struct rpl_store *s = v->vol->store;
	struct rpl_run run = op->run;
	int r = add_store(op, v);

	if (!r) {
		if (op->run.nr < run.nr)
			op->sectors = rpl_run_sectors(op->run, v->kept_sectors, s->chunk_shift);
		return true;
	}
	if (r == -ENOSPC) {
		*wait = may_wait(s, bio);
		if (rpl_space_coming(s->space))
			queue_work(s->bg_wq, &s->commit.checkpoint);
		if (!*wait)
			rpl_arm_lose(v->arm, run.first,
				     prev_tag(v->vol, (struct rpl_run) { run.first, 1 }), v->newest,
				     ENOSPC, "the store is full");
	}
	return false;
}

/*
 * The store's part of a copy that has ended. True: it goes on. A source that cannot be read costs
 * the chunk that cannot, so the run is read chunk by chunk (F25); a store that cannot be written
 * has no space.
 */
bool rpl_keep_goes_on(struct rpl_op *op, bool read_failed, unsigned long write_failed)
{
	struct rpl_store *s = op->vol->store;

	if (!op->arm || !rpl_arm_alive(op->arm))
		return false;
	if (!read_failed && (write_failed & BIT(op->at ? 0 : op->nr_dests))) {
		op->unkept = true;
		if (atomic_inc_return(&s->write_errors) >= WRITE_ERRORS_MAX)
			rpl_store_fail(s, "its chunks could not be written");
		rpl_keep_lose(op, EIO, "the store could not be written");
		return false;
	}
	if (!op->at && !read_failed)
		return false;
	if (op->at && read_failed)
		__set_bit(op->at - 1, op->lost);
	if (!op->at && op->run.nr == 1) {
		__set_bit(0, op->lost);
		return false;
	}
	if (op->at == op->run.nr)
		return false;
	op->at++;
	rpl_op_start_later(op);
	return true;
}

/* The store has the old content, durably: nothing is to be kept of these chunks any more. */
void rpl_keep_mark(struct rpl_op *op)
{
	u64 chunk;

	if (!op->bits)
		return;
	/* after the entries: who sees a bit and lets a write go must have filed them (R15) */
	smp_mb__before_atomic();
	for (chunk = op->run.first; chunk < op->run.first + op->run.nr; chunk++)
		if (chunk < op->bits->nr)
			set_bit(chunk, op->bits->map);
}

/*
 * Has the chunk a copy that serves the newest snapshot? Then there is nothing to keep (R11): the
 * bit had been lost with the bitmap of a younger snapshot. It is durable, as no op owns the chunk.
 */
bool rpl_keep_has(struct rpl_view *v, u64 region)
{
	struct rpl_store *s = v->vol->store;
	struct rpl_map_entry e;
	bool found;

	read_lock(&s->map_lock);
	found = !rpl_map_lookup(&s->map, v->vol->id, region, v->newest, &e);
	read_unlock(&s->map_lock);
	if (found)
		set_bit(region, v->bits->map);
	return found;
}

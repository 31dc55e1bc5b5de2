/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ops: the one owner of a run of regions of a source while it is copied, or while a clone's user
 * overwrites it (R33). Bios that need such a region wait in the op and are mapped from the start
 * when it ends (R7, R16).
 *
 * An op lies in one window of 1 MiB, and all ops of a window in one bucket, so one lock covers
 * "which regions are missing, who copies them, wait". It is made by op.c, started when its volume
 * is drained, complete with the callback of the copy or the end of the user's write, and ended by
 * commit.c when its record is durable. Clones' bios wait for the first of the two, source writes
 * for the second.
 */
#ifndef RPL_OP_H
#define RPL_OP_H

#include "core.h"
#include "past.h"
#include "region.h"

enum rpl_op_kind {
	RPL_OP_PRESERVE, /* a write needs the old content in the clones first */
	RPL_OP_COPY, /* background copier */
	RPL_OP_CLAIM, /* a clone's user overwrites whole regions: no copy needed */
	RPL_OP_COPY_UP, /* a snapshot's user writes to a chunk for the first time: copy-up.c */
};

struct rpl_bucket {
	spinlock_t lock; /* ops, and their waiters */
	struct hlist_head ops;
} ____cacheline_aligned_in_smp;

/* When something began to wait. */
struct rpl_since {
	u64 ns; /* of the monotonic clock, 0 = it does not wait */
	u32 look; /* store->watch_looks then */
};

struct rpl_op {
	struct hlist_node hash; /* bucket->lock */
	struct rpl_bucket *bucket;
	struct rpl_volume *vol; /* with a ref: a source's table may go before its ops end (F21) */
	struct rpl_run run;
	u64 sectors;
	u8 kind; /* enum rpl_op_kind */
	u8 nr_dests;
	bool dead; /* no longer counted: all its clones are dead; bucket->lock */
	bool complete; /* its data is there, it waits for its record; bucket->lock */
	bool lazy; /* and nobody waits for that so far; bucket->lock */
	struct rpl_clone *dest[RPL_CLONES_MAX]; /* with refs */
	struct rpl_binding *dest_dev[RPL_CLONES_MAX]; /* used */
	u32 gen[RPL_CLONES_MAX]; /* of the clones' bits when the op was made (R39) */
	struct rpl_binding *src_dev; /* used; NULL for a claim */
	struct block_device *src_bdev;
	sector_t src_start;
	unsigned long bad; /* bit i: dest[i] does not have the data */
	/* the store as one more destination, for the volume's snapshots */
	struct rpl_arm *arm; /* with a ref; NULL: it is none */
	u32 loc; /* first of run.nr chunks of the store that are ours until they are filed */
	bool data_used; /* rpl_data_get() */
	bool unkept; /* the store does not have it: nothing to file */
	u16 at; /* chunk that is read alone, after the run could not be; + 1, 0 = the run */
	struct rpl_bits *bits; /* where to say that it is kept, with a ref; commit.c */
	DECLARE_BITMAP(lost, RPL_WINDOW_CHUNKS_MAX); /* chunks of the run that cannot be read */
	struct rpl_clone *snap; /* copy-up: for it alone, with a ref; NULL: about the source */
	u32 from; /* copy-up: chunk of the store that it is copied from, NONE: the source */
	blk_status_t status; /* copy-up: what it failed with, for those that wait */
	struct bio_list waiters; /* bucket->lock */
	struct rpl_since since; /* its first source write waits; bucket->lock */
	bool held; /* not begun, its view is not drained: that is no delay of ours; bucket->lock */
	struct list_head wait_list; /* view->waiting, until drained; commit->ops, when complete */
	struct llist_node start_list; /* store->start_list */
};

/* Per-bio data of sources, clones and snapshots. */
struct rpl_bio {
	struct rpl_binding *dev; /* the table that it came through */
	struct rpl_waker *waker;
	struct rpl_view *view; /* source write below us: its ref (R1) */
	struct rpl_op *op; /* clone write below us that claimed regions */
	struct rpl_since parked; /* first time */
	u64 ticket; /* clone's flush: ops that were complete when it came */
	struct bvec_iter iter; /* read that fell through: to look twice (R17); clone's FUA write */
	atomic_t pieces; /* snapshot read: parts that are being read from the store, + 1 */
	blk_status_t status; /* of the whole; snapshot write: that what it waited for failed */
	bool data; /* snapshot bio below us in the store: rpl_data_get() */
	u8 look_again;
	bool fua; /* clone write below us that must not end before its record (R35) */
	bool recorded; /* clone's flush: what was copied when it came has its record */
};

static inline struct rpl_bio *rpl_bio(struct bio *bio)
{
	return dm_per_bio_data(bio, sizeof(struct rpl_bio));
}

/* What became of a bio that asked the op table. */
enum rpl_held {
	RPL_GO, /* nothing to wait for; the bio is the caller's */
	RPL_HELD, /* parked: never touch it again */
	RPL_AGAIN, /* its view is no longer current (R4): map again from the start */
	RPL_PUSH_BACK, /* a noflush suspend runs: return it to dm (F9) */
};

int rpl_ops_init(struct rpl_store *s);
void rpl_ops_exit(struct rpl_store *s);

/*
 * A source write (not a discard) to sectors inside one window, with a ref of view v. RPL_GO: every
 * clone of the view has what the write destroys. RPL_HELD: ops run for all that is missing; the ref
 * was dropped.
 */
enum rpl_held rpl_op_hold_source_write(struct rpl_view *v, struct bio *bio);

/* ---- the table, for what makes ops itself: bucket->lock held ---- */

struct rpl_bucket *rpl_op_bucket(struct rpl_volume *vol, u64 region);
/* The op that overlaps the run; about the source, or of one snapshot's own chunks. */
struct rpl_op *rpl_op_find(struct rpl_bucket *b, struct rpl_volume *vol, struct rpl_clone *snap,
			   struct rpl_run run);
/* NULL: the bio goes to the FIFO. */
struct rpl_op *rpl_op_new(struct rpl_bucket *b, struct rpl_volume *vol, enum rpl_op_kind kind,
			  struct rpl_run run);
/* One that was not started. */
void rpl_op_discard(struct rpl_op *op);
/* A bio that is no source write waits for the op; NULL: in the FIFO, or for space. */
enum rpl_held rpl_op_park(struct rpl_store *s, struct rpl_op *op, struct bio *bio, bool starved);

/* ---- */

/* Does the view miss anything of these regions? Lockless. */
bool rpl_view_missing(struct rpl_view *v, struct rpl_run run);

/*
 * A clone's bio that needs regions of a run (inside one window) copied first. RPL_GO: they are.
 */
enum rpl_held rpl_op_hold_for_copy(struct rpl_clone *c, struct rpl_run run, struct bio *bio);

/*
 * A clone's write that covers whole regions, of which at least one is not copied: claim them.
 * RPL_GO: rpl_bio(bio)->op owns them; or, with no op, all have been copied meanwhile.
 */
enum rpl_held rpl_op_claim(struct rpl_clone *c, struct rpl_run run, struct bio *bio);

/* The user's write has ended. Any context. */
void rpl_op_claim_end(struct rpl_op *op, blk_status_t status);

/*
 * Background copy of the run, which is inside a window and not copied. 0: *run was cut to what is
 * copied now; -EBUSY: the first region has an op, *run is cut to the stretch that has; -ENOMEM;
 * -ENODEV: the clone is not bound.
 */
int rpl_op_copy(struct rpl_clone *c, struct rpl_run *run);

/* The volume is drained: start the copy. Process context or map(). */
void rpl_op_start(struct rpl_op *op);

/* How long did its bios wait so far. */
void rpl_op_hold_end(struct rpl_op *op, u64 *held_max_ns, u32 *writes);

/*
 * Each 250 ms while there are ops, or bios wait: those that source writes wait for too long. From
 * rpl_watch() on, which any context may call.
 */
void rpl_watch_work(struct work_struct *work);
void rpl_watch(struct rpl_store *s);

/* From now on, and has that taken the limit? Not if the machine stood still. Any context. */
struct rpl_since rpl_since_now(struct rpl_store *s);
bool rpl_waited(struct rpl_store *s, const struct rpl_since *since, u32 limit_ms);

/* Wake what waits for ops of this clone (it is failed): their bios will not need it any more. */
void rpl_ops_release(struct rpl_clone *c);
void rpl_ops_release_arm(struct rpl_arm *a);

/* A noflush suspend of this table has begun: return its waiting bios to dm (F9). */
void rpl_ops_push_back(struct rpl_store *s, struct rpl_binding *dev);

/* Likewise, by start_work: where that would sleep or recurse. */
void rpl_op_start_later(struct rpl_op *op);

/* ---- keep.c: the store as a destination ---- */

/*
 * Space for the op's run in the store; less of it shortens the run. False: there is none now, and
 * *wait says whether the source write may wait for some; else snapshots are being lost.
 * bucket->lock held.
 */
bool rpl_keep_in_store(struct rpl_op *op, struct rpl_view *v, struct bio *bio, bool *wait);
/* What the op was to keep cannot be kept: those snapshots that need it are lost. Any context. */
void rpl_keep_lose(struct rpl_op *op, int error, const char *reason);
/*
 * The store's part of a copy that has ended. True: it goes on, and rpl_op_copied() is called once
 * more.
 */
bool rpl_keep_goes_on(struct rpl_op *op, bool read_failed, unsigned long write_failed);
/* The record is durable: the bits of what it kept, or nothing if there was no record. */
void rpl_keep_mark(struct rpl_op *op);
/* Its I/O to the store has ended. */
void rpl_keep_data_put(struct rpl_op *op);
/*
 * Has the chunk a copy that serves the view's newest snapshot? Then its bit is set. bucket->lock
 * held, and no op owns the chunk.
 */
bool rpl_keep_has(struct rpl_view *v, u64 region);

/* ---- copy-up.c: chunks of a snapshot's own ---- */

/* What a snapshot's write finds of its run. */
struct rpl_own {
	u32 loc; /* of the first chunk, the others follow */
	u64 nr; /* 0: the first chunk is not its own yet */
	blk_status_t status; /* nr 0: it cannot be */
};

/* The own chunks that the run, inside a window, begins with. False: the first one is none. */
bool rpl_copy_up_done(struct rpl_clone *c, struct rpl_run run, struct rpl_own *own);
/*
 * A write of a snapshot's user. RPL_GO: *own says how much of the run may be written, and where; or
 * that it cannot be. RPL_HELD: for its first chunk, if the bio is fresh and could be cut.
 */
enum rpl_held rpl_copy_up_hold(struct rpl_binding *dev, struct bio *bio, struct rpl_run run,
			       bool fresh, struct rpl_own *own);
/* Where to copy from: op->from. False: it cannot be had, the op has ended. */
bool rpl_copy_up_begin(struct rpl_op *op);
void rpl_copy_up_copied(struct rpl_op *op, bool read_failed, bool write_failed);
/* The batch: the entry, and what to record. False: it failed, there is nothing to say. */
struct rpl_fact;
bool rpl_copy_up_file(struct rpl_op *op, struct rpl_fact *fact);

/* copy.c: start the op's copy; rpl_op_copied() is called when it has ended. */
void rpl_copy(struct rpl_op *op);
void rpl_op_copied(struct rpl_op *op, bool read_failed, unsigned long write_failed);

/* commit.c: the op's record is durable, or there will be none: bits, wake, free. */
void rpl_op_end(struct rpl_op *op);

/* Does any clone still need what it copies? Once no, always no. bucket->lock held, or its maker. */
bool rpl_op_live(struct rpl_op *op);

/* ---- wait.c ---- */

void rpl_waker_init(struct rpl_waker *w, work_func_t fn);
void rpl_waker_add(struct rpl_store *s, struct rpl_waker *w, struct bio *bio);
void rpl_wake_all(struct rpl_store *s, struct bio_list *bios);
/* Bios that found no op wait in order, and are woken a few at a time as ops end (R7). */
void rpl_fifo_add(struct rpl_store *s, struct bio *bio);
void rpl_fifo_kick(struct rpl_store *s);
/*
 * Source writes that wait for space; _kick: each looks again whether there is some, and whether it
 * may wait.
 */
void rpl_starved_add(struct rpl_store *s, struct bio *bio);
void rpl_starved_kick(struct rpl_store *s);
/* Chunks of the store have become free, whatever the cause. Any context. */
void rpl_space_appeared(struct rpl_store *s);
/* May the write wait in the queue of a full store? If not, it does not wait longer than others. */
bool rpl_may_queue(struct rpl_store *s, struct bio *bio);
/* Move the bios of one table from list to *out. The list's lock is held. */
void rpl_take_bios(struct bio_list *list, struct rpl_binding *dev, struct bio_list *out);
/* All bios so far, in order. For the work function. */
void rpl_waker_take(struct rpl_waker *w, struct bio_list *bios);
/*
 * A bio begins to wait, unless it has been waiting since it was mapped; and one of a clone's or
 * snapshot's device, which was of `sector` there, goes on or ends. Any context. What goes to a list
 * begins before it is there: who takes it from there may end it at once.
 */
void rpl_wait_begin(struct rpl_store *s, struct bio *bio);
void rpl_wait_end(struct bio *bio, sector_t sector);

/* ---- bindings ---- */

/* The device of obj->dev for an op; the caller holds the object's lock. NULL: not bound. */
static inline struct rpl_binding *rpl_binding_use(struct rpl_binding *dev)
{
	if (dev)
		atomic_inc(&dev->users);
	return dev;
}

static inline void rpl_binding_put(struct rpl_binding *dev)
{
	if (dev && atomic_dec_and_test(&dev->users))
		complete(&dev->idle);
}

/* Make a bio that has ended fit to be submitted again (F8). bio_set_dev() must follow. */
static inline void rpl_bio_rewind(struct bio *bio, struct bvec_iter iter)
{
	bio->bi_iter = iter;
	bio->bi_status = 0;
	atomic_set(&bio->__bi_remaining, 1);
	bio->bi_opf &= ~REQ_NOWAIT;
	bio_clear_polled(bio);
}

static inline void rpl_max64(atomic64_t *max, u64 value)
{
	s64 old = atomic64_read(max);

	while ((u64)old < value)
		if (atomic64_try_cmpxchg(max, &old, value))
			break;
}

#endif /* RPL_OP_H */

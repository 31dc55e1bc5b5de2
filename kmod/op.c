// SPDX-License-Identifier: GPL-2.0-only
/*
 * The op table: who owns which run of regions, which bios wait, and the wake-ups. bucket->lock
 * guards the ops of its windows and their waiters. Called by source.c and clone-target.c from map()
 * and wake works, by copier.c, and by the callbacks of copies. Nothing here sleeps, but for
 * rpl_op_start() of a bio that may sleep.
 */
#define DM_MSG_PREFIX "replica"

#include <linux/hash.h>
#include <linux/slab.h>

#include "clone.h"
#include "commit.h"
#include "epoch.h"
#include "op.h"
#include "snap.h"
#include "space.h"
#include "store.h"
#include "trace.h"

static struct kmem_cache *op_cache;

int __init rpl_op_cache_init(void)
{
	op_cache = KMEM_CACHE(rpl_op, 0);
	return op_cache ? 0 : -ENOMEM;
}

void rpl_op_cache_exit(void)
{
	kmem_cache_destroy(op_cache);
}

/* ---- ops ---- */

struct rpl_bucket *rpl_op_bucket(struct rpl_volume *vol, u64 region)
{
	struct rpl_store *s = vol->store;
	u64 window = region >> (RPL_WINDOW_SHIFT - s->chunk_shift);

	return &s->buckets[hash_64(window * 4099 + vol->id, ilog2(RPL_BUCKETS))];
}

bool rpl_op_live(struct rpl_op *op)
{
	unsigned int i;

	for (i = 0; i < op->nr_dests; i++)
		if (rpl_clone_alive(op->dest[i]) && READ_ONCE(op->dest[i]->gen) == op->gen[i])
			return true;
	if (op->snap)
		return rpl_snap_valid(op->snap);
	return op->arm && rpl_arm_alive(op->arm);
}

/*
 * The op that overlaps the run, if any: the one with the least first region. One whose destinations
 * are all dead owns nothing: it may hang with its target, and what it copies counts no more.
 */
struct rpl_op *rpl_op_find(struct rpl_bucket *b, struct rpl_volume *vol, struct rpl_clone *snap,
			   struct rpl_run run)
{
	struct rpl_op *op, *best = NULL;

	hlist_for_each_entry(op, &b->ops, hash) {
		if (op->vol != vol || op->snap != snap || op->run.first >= run.first + run.nr ||
		    run.first >= op->run.first + op->run.nr || !rpl_op_live(op))
			continue;
		if (!best || op->run.first < best->run.first)
			best = op;
	}
	return best;
}

struct rpl_op *rpl_op_new(struct rpl_bucket *b, struct rpl_volume *vol, enum rpl_op_kind kind,
			  struct rpl_run run)
{
	bool yields = kind == RPL_OP_COPY || kind == RPL_OP_COPY_UP;
	struct rpl_store *s = vol->store;
	struct rpl_op *op;

	/* the copier and users of snapshots leave room for source writes */
	if (atomic_read(&s->nr_ops) >= (yields ? RPL_OPS_MAX / 2 : RPL_OPS_MAX))
		return NULL;
	op = mempool_alloc(&s->op_pool, GFP_NOWAIT | __GFP_NOWARN);
	if (!op)
		return NULL;
	memset(op, 0, sizeof(*op));
	atomic_inc(&s->nr_ops);
	op->bucket = b;
	op->vol = rpl_volume_get(vol);
	op->kind = kind;
	op->run = run;
	bio_list_init(&op->waiters);
	INIT_LIST_HEAD(&op->wait_list);
	hlist_add_head(&op->hash, &b->ops);
	rpl_watch(s);
	return op;
}

/* Add a clone as destination. False: it has no device, or it is dead already. bucket->lock held. */
static bool op_add_dest(struct rpl_op *op, struct rpl_clone *c)
{
	struct rpl_binding *dev;
	u32 gen;

	spin_lock(&c->lock);
	dev = rpl_clone_alive(c) ? rpl_binding_use(c->dev) : NULL;
	gen = c->gen;
	spin_unlock(&c->lock);
	if (!dev)
		return false;
	op->dest[op->nr_dests] = rpl_clone_get(c);
	op->dest_dev[op->nr_dests] = dev;
	op->gen[op->nr_dests] = gen;
	op->nr_dests++;
	return true;
}

static void op_set_source(struct rpl_op *op, struct rpl_binding *dev, bool is_clone)
{
	op->src_dev = rpl_binding_use(dev);
	op->src_bdev = is_clone ? dev->src_bdev : dev->bdev;
	op->src_start = is_clone ? dev->src_start : dev->start;
}

/* Not in the table any more, nothing refers to it. Process context, or the end of a claim. */
static void op_free(struct rpl_op *op)
{
	struct rpl_volume *vol = op->vol;
	struct rpl_store *s = rpl_store_get(vol->store);
	unsigned int i;

	for (i = 0; i < op->nr_dests; i++) {
		rpl_binding_put(op->dest_dev[i]);
		rpl_clone_put(op->dest[i]);
	}
	rpl_binding_put(op->src_dev);
	rpl_keep_data_put(op);
	/* what was not filed: nobody knows of it */
	if (op->loc != RPL_LOC_NONE)
		rpl_space_give(s->space, op->loc, op->run.nr);
	rpl_bits_put(op->bits);
	rpl_arm_put(op->arm);
	if (op->snap)
		rpl_clone_put(op->snap);
	if (!op->dead)
		atomic_dec(&s->nr_ops);
	mempool_free(op, &s->op_pool);
	smp_mb(); /* see rpl_fifo_add() */
	if (!bio_list_empty(&s->fifo.bios))
		rpl_fifo_kick(s);
	rpl_volume_put(vol);
	rpl_store_put(s);
}

/* bucket->lock held. */
static void op_forget(struct rpl_op *op)
{
	hlist_del_init(&op->hash);
}

void rpl_op_discard(struct rpl_op *op)
{
	op_forget(op);
	op_free(op);
}

/* Bits, then out of the table and wake in one locked step (R15, R16). */
void rpl_op_end(struct rpl_op *op)
{
	bool own = op->kind == RPL_OP_COPY && !op->complete;
	struct rpl_store *s = op->vol->store;
	struct bio_list waiters;
	unsigned long flags;
	struct bio *bio;
	unsigned int i;

	for (i = 0; i < op->nr_dests; i++)
		if (!(op->bad & BIT(i)))
			rpl_clone_mark_durable(op->dest[i], op->run, op->gen[i]);
	rpl_keep_mark(op);
	if (op->kind == RPL_OP_PRESERVE && !op->bad)
		atomic64_add(op->sectors << SECTOR_SHIFT, &op->vol->preserved_bytes);

	if (op->kind != RPL_OP_CLAIM)
		trace_rpl_copy_end(op);
	spin_lock_irqsave(&op->bucket->lock, flags);
	op_forget(op);
	waiters = op->waiters;
	bio_list_init(&op->waiters);
	spin_unlock_irqrestore(&op->bucket->lock, flags);
	if (op->status)
		bio_list_for_each(bio, &waiters)
			rpl_bio(bio)->status = op->status;
	rpl_wake_all(s, &waiters);

	for (i = 0; i < op->nr_dests; i++)
		rpl_copier_op_ended(op->dest[i], own);
	op_free(op);
}

/* Those that wait for the data only: the clone's own users. bucket->lock held. */
static void take_clone_bios(struct bio_list *waiters, struct bio_list *out)
{
	struct bio_list all = *waiters;
	struct bio *bio;

	bio_list_init(waiters);
	while ((bio = bio_list_pop(&all)))
		bio_list_add(rpl_bio(bio)->dev->clone ? out : waiters, bio);
}

/* Its data is complete, as far as op->bad does not say otherwise: the next batch ends it. */
static void op_commit(struct rpl_op *op)
{
	struct rpl_bucket *b = op->bucket;
	struct rpl_store *s = op->vol->store;
	struct bio_list woken = BIO_EMPTY_LIST;
	unsigned long flags;
	unsigned int i;

	rpl_keep_data_put(op);
	spin_lock_irqsave(&b->lock, flags);
	op->complete = true;
	op->lazy = !op->since.ns;
	take_clone_bios(&op->waiters, &woken);
	if (op->kind == RPL_OP_COPY)
		for (i = 0; i < op->nr_dests; i++)
			rpl_copier_op_ended(op->dest[i], true);
	/* it may be gone as soon as the lock is */
	rpl_commit_add(op, !op->lazy);
	spin_unlock_irqrestore(&b->lock, flags);
	rpl_wake_all(s, &woken);
}

void rpl_op_start(struct rpl_op *op)
{
	if (!op->at) /* not once more, for each chunk of a run that cannot be read */
		trace_rpl_copy_begin(op);
	if (rpl_op_live(op)) {
		rpl_copy(op);
		return;
	}
	op->bad = ~0UL;
	op->status = BLK_STS_IOERR;
	rpl_op_end(op);
}

void rpl_op_start_later(struct rpl_op *op)
{
	struct rpl_store *s = op->vol->store;

	llist_add(&op->start_list, &s->start_list);
	queue_work(s->io_wq, &s->start_work);
}

static void start_work(struct work_struct *work)
{
	struct rpl_store *s = container_of(work, struct rpl_store, start_work);
	struct llist_node *list = llist_reverse_order(llist_del_all(&s->start_list));
	struct rpl_op *op, *next;

	llist_for_each_entry_safe(op, next, list, start_list)
		rpl_op_start(op);
}

/* Start what was made under the bucket lock; in map() of a bio that must not sleep, elsewhere. */
static void ops_start(struct rpl_store *s, struct list_head *ops, bool may_sleep)
{
	struct rpl_op *op, *next;

	list_for_each_entry_safe(op, next, ops, wait_list) {
		list_del_init(&op->wait_list);
		if (may_sleep)
			rpl_op_start(op);
		else
			rpl_op_start_later(op);
	}
}

void rpl_op_copied(struct rpl_op *op, bool read_failed, unsigned long write_failed)
{
	unsigned int i;

	if (op->snap) {
		rpl_copy_up_copied(op, read_failed, write_failed);
		return;
	}
	if (op->at) {
		/* only the store is left; what became of the clones is known */
		if (!rpl_keep_goes_on(op, read_failed, write_failed))
			op_commit(op);
		return;
	}

	/* a failed read says nothing about the destinations: none has the data (F25) */
	op->bad = read_failed ? ~0UL : write_failed;
	for (i = 0; i < op->nr_dests; i++) {
		if (read_failed)
			rpl_clone_fail(op->dest[i], EIO,
				       "source volume %u could not be read at sector %llu",
				       op->vol->id, op->run.first << op->vol->store->chunk_shift);
		else if (write_failed & BIT(i))
			rpl_clone_fail(op->dest[i], EIO,
				       "its target could not be written at sector %llu",
				       op->run.first << op->vol->store->chunk_shift);
	}
	if (!rpl_keep_goes_on(op, read_failed, write_failed))
		op_commit(op);
}

void rpl_op_claim_end(struct rpl_op *op, blk_status_t status)
{
	op->bad = status ? ~0UL : 0;
	op_commit(op);
}

void rpl_op_hold_end(struct rpl_op *op, u64 *held_max_ns, u32 *writes)
{
	unsigned long flags;
	struct bio *bio;
	u64 now_ns;

	spin_lock_irqsave(&op->bucket->lock, flags);
	/* under the lock: a bio that came before it is not parked later than now */
	now_ns = ktime_get_ns();
	bio_list_for_each(bio, &op->waiters) {
		*held_max_ns = max(*held_max_ns, now_ns - rpl_bio(bio)->parked.ns);
		(*writes)++;
	}
	op->held = false;
	if (op->since.ns)
		op->since = rpl_since_now(op->vol->store);
	spin_unlock_irqrestore(&op->bucket->lock, flags);
}

/* ---- parking ---- */

#define NEED_STORE BIT(RPL_CLONES_MAX) /* beside the bits of a view's clones */

static void bio_may_wait(struct bio *bio)
{
	/* a later -EAGAIN or a poll of the lower queue would reach nobody (F6, F7) */
	bio->bi_opf &= ~REQ_NOWAIT;
	bio_clear_polled(bio);
}

/*
 * op NULL: the FIFO, or the list of those that wait for space. bucket->lock held, which orders us
 * with rpl_ops_push_back().
 */
static enum rpl_held park(struct rpl_store *s, struct rpl_op *op, struct bio *bio, bool of_source,
			  bool starved)
{
	struct rpl_bio *rb = rpl_bio(bio);

	if (unlikely(dm_noflush_suspending(rb->dev->ti)))
		return RPL_PUSH_BACK;
	rpl_wait_begin(s, bio);
	bio_may_wait(bio);
	if (!op) {
		if (starved)
			rpl_starved_add(s, bio);
		else
			rpl_fifo_add(s, bio);
		return RPL_HELD;
	}
	if (of_source && !op->since.ns)
		op->since = rpl_since_now(s);
	bio_list_add(&op->waiters, bio);
	if (op->lazy) {
		op->lazy = false;
		if (of_source)
			rpl_commit_hurry(s);
		else
			rpl_commit_kick(s);
	}
	return RPL_HELD;
}

enum rpl_held rpl_op_park(struct rpl_store *s, struct rpl_op *op, struct bio *bio, bool starved)
{
	return park(s, op, bio, false, starved);
}

/* For snapshots, see park_failing(). */
static enum rpl_held park_failing_arm(struct rpl_view *v, struct bio *bio)
{
	struct rpl_arm *a = rpl_arm_get(v->arm);
	enum rpl_held r = RPL_AGAIN;

	rpl_view_put(v);
	spin_lock(&a->lock);
	if (a->preserving && (a->failing || a->losing)) {
		rpl_wait_begin(a->vol->store, bio);
		bio_list_add(&a->held, bio);
		r = RPL_HELD;
	}
	spin_unlock(&a->lock);
	rpl_arm_put(a);
	return r;
}

/*
 * A source write that would destroy what a clone or the snapshots of `need` lack, which have failed
 * without a record so far: it waits for that. RPL_GO: none has. bucket->lock held; unless RPL_GO or
 * RPL_PUSH_BACK, the ref of the view is dropped.
 */
static enum rpl_held park_failing(struct rpl_view *v, u32 need, struct bio *bio)
{
	struct rpl_bio *rb = rpl_bio(bio);
	enum rpl_held r = RPL_AGAIN;
	struct rpl_clone *c = NULL;
	u32 i;

	for (i = 0; i < v->nr_clones && !c; i++)
		if ((need & BIT(i)) && READ_ONCE(v->clone[i]->failing))
			c = v->clone[i];
	if (!c && !((need & NEED_STORE) && rpl_arm_loses(v->arm)))
		return RPL_GO;
	if (unlikely(dm_noflush_suspending(rb->dev->ti)))
		return RPL_PUSH_BACK;
	bio_may_wait(bio);
	if (!c)
		return park_failing_arm(v, bio);
	rpl_clone_get(c);
	/* the ref goes before the bio can be woken (R7) */
	rpl_view_put(v);
	spin_lock(&c->lock);
	if (c->preserving && c->failing) {
		rpl_wait_begin(c->store, bio);
		bio_list_add(&c->held, bio);
		r = RPL_HELD;
	}
	spin_unlock(&c->lock);
	rpl_clone_put(c);
	return r;
}

/* ---- source writes ---- */

/* Which clones of the view lack a region: bit i = view's clone i; NEED_STORE: its snapshots do. */
static u32 view_need(struct rpl_view *v, u64 region)
{
	u32 i, need = 0;

	for (i = 0; i < v->nr_clones; i++) {
		struct rpl_clone *c = v->clone[i];

		if (READ_ONCE(c->preserving) && region < c->nr_regions &&
		    !test_bit(region, c->durable))
			need |= BIT(i);
	}
	if (v->arm && READ_ONCE(v->arm->preserving) && region < v->kept_chunks &&
	    !test_bit(region, v->bits->map))
		need |= NEED_STORE;
	return need;
}

bool rpl_view_missing(struct rpl_view *v, struct rpl_run run)
{
	u32 i;

	for (i = 0; i < v->nr_clones; i++) {
		struct rpl_clone *c = v->clone[i];

		if (READ_ONCE(c->preserving) &&
		    rpl_run_next_clear(c->durable, c->nr_regions, run) < run.first + run.nr)
			return true;
	}
	return v->arm && READ_ONCE(v->arm->preserving) &&
	       rpl_run_next_clear(v->bits->map, v->kept_chunks, run) < run.first + run.nr;
}

/*
 * Sectors of a region in what `need` names: of that with another length (the source has grown
 * between the points in time) the bit is taken out; the write finds them missing when it is
 * mapped again. kcopyd has one length for all destinations (F23).
 */
static u64 need_sectors(struct rpl_view *v, u64 region, u32 *need)
{
	struct rpl_run one = { .first = region, .nr = 1 };
	u64 sectors = 0;
	u32 i;

	for (i = 0; i < v->nr_clones; i++) {
		u64 n;

		if (!(*need & BIT(i)))
			continue;
		n = rpl_run_sectors(one, v->clone[i]->nr_sectors, v->vol->store->chunk_shift);
		if (!sectors)
			sectors = n;
		else if (n != sectors)
			*need &= ~BIT(i);
	}
	if (*need & NEED_STORE) {
		u64 n = rpl_run_sectors(one, v->kept_sectors, v->vol->store->chunk_shift);

		if (!sectors)
			sectors = n;
		else if (n != sectors)
			*need &= ~NEED_STORE;
	}
	return sectors;
}

/*
 * An op for the missing stretch that begins at run.first, no longer than run. NULL: the bio goes to
 * the FIFO; -EAGAIN: look at what is missing again; -ENOSPC: wait for space. bucket->lock held.
 */
static struct rpl_op *preserve_new(struct rpl_bucket *b, struct rpl_view *v, struct rpl_run run,
				   struct bio *bio)
{
	u32 i, need = view_need(v, run.first);
	u64 region, sectors = need_sectors(v, run.first, &need);
	bool wait = false;
	struct rpl_op *op;

	op = rpl_op_new(b, v->vol, RPL_OP_PRESERVE,
			(struct rpl_run) { .first = run.first, .nr = 1 });
	if (!op)
		return NULL;
	op->sectors = sectors;
	for (region = run.first + 1; region < run.first + run.nr; region++) {
		u32 same = view_need(v, region);
		u64 n = need_sectors(v, region, &same);

		if (same != need || rpl_op_find(b, v->vol, NULL, (struct rpl_run) { region, 1 }) ||
		    ((need & NEED_STORE) && rpl_keep_has(v, region)))
			break;
		op->run.nr++;
		op->sectors += n;
	}
	if ((need & NEED_STORE) && !rpl_keep_in_store(op, v, bio, &wait)) {
		rpl_op_discard(op);
		return ERR_PTR(wait ? -ENOSPC : -EAGAIN);
	}
	op_set_source(op, rpl_bio(bio)->dev, false);
	for (i = 0; i < v->nr_clones; i++) {
		struct rpl_clone *c = v->clone[i];

		if ((need & BIT(i)) && !op_add_dest(op, c))
			rpl_clone_fail(c, ENODEV,
				       "its device was not there when source volume %u was written",
				       v->vol->id);
	}
	return op;
}

/*
 * Starts when the view's volume is drained (R5): into *start now, or the view's list. bucket->lock
 * held.
 */
static void op_when_ready(struct rpl_view *v, struct rpl_op *op, struct list_head *start)
{
	spin_lock(&v->lock);
	op->held = !v->ready;
	list_add_tail(&op->wait_list, v->ready ? start : &v->waiting);
	spin_unlock(&v->lock);
}

enum rpl_held rpl_op_hold_source_write(struct rpl_view *v, struct bio *bio)
{
	struct rpl_store *s = v->vol->store;
	struct rpl_run run =
		rpl_region_touched(bio->bi_iter.bi_sector, bio_sectors(bio), s->chunk_shift);
	struct rpl_bucket *b = rpl_op_bucket(v->vol, run.first);
	bool may_sleep = !(bio->bi_opf & REQ_NOWAIT);
	struct rpl_op *op, *first = NULL;
	u64 end = run.first + run.nr;
	bool no_op = false, starved = false;
	enum rpl_held r;
	u32 need;
	LIST_HEAD(start);
	unsigned long flags;

	spin_lock_irqsave(&b->lock, flags);
	if (!rpl_view_current(v)) {
		spin_unlock_irqrestore(&b->lock, flags);
		rpl_view_put(v);
		return RPL_AGAIN;
	}
	/* all that is missing starts now; the bio waits for the first of them and looks again */
	while (run.first < end) {
		run.nr = end - run.first;
		need = view_need(v, run.first);
		if (!need) {
			run.first++;
			continue;
		}
		r = first ? RPL_GO : park_failing(v, need, bio);
		if (r != RPL_GO) {
			spin_unlock_irqrestore(&b->lock, flags);
			if (r == RPL_PUSH_BACK)
				rpl_view_put(v);
			return r;
		}
		op = rpl_op_find(b, v->vol, NULL, (struct rpl_run) { run.first, 1 });
		if (!op && (need & NEED_STORE) && rpl_keep_has(v, run.first))
			continue;
		if (!op) {
			op = preserve_new(b, v, run, bio);
			if (!op) {
				no_op = true;
				break;
			}
			if (IS_ERR(op)) {
				starved = PTR_ERR(op) == -ENOSPC;
				if (first || starved)
					break;
				continue;
			}
			op_when_ready(v, op, &start);
		}
		if (!first)
			first = op;
		run.first = op->run.first + op->run.nr;
	}
	if (!first && !no_op && !starved) {
		spin_unlock_irqrestore(&b->lock, flags);
		return RPL_GO;
	}
	/* the ref goes before the bio can be woken (R7) */
	rpl_view_put(v);
	r = park(s, first, bio, true, starved);
	spin_unlock_irqrestore(&b->lock, flags);
	ops_start(s, &start, may_sleep);
	return r;
}

/* ---- clones ---- */

/* An op that copies a stretch of uncopied, unowned regions into one clone. bucket->lock held. */
static struct rpl_op *copy_new(struct rpl_bucket *b, struct rpl_clone *c, enum rpl_op_kind kind,
			       struct rpl_run run)
{
	struct rpl_op *op;
	u64 nr;

	for (nr = 1; nr < run.nr; nr++)
		if (test_bit(run.first + nr, c->copied) ||
		    rpl_op_find(b, c->vol, NULL, (struct rpl_run) { run.first + nr, 1 }))
			break;
	run.nr = nr;
	op = rpl_op_new(b, c->vol, kind, run);
	if (!op)
		return NULL;
	op->sectors = rpl_run_sectors(run, c->nr_sectors, c->store->chunk_shift);
	if (op_add_dest(op, c)) {
		op_set_source(op, op->dest_dev[0], true);
		return op;
	}
	rpl_op_discard(op);
	return ERR_PTR(-ENODEV);
}

enum rpl_held rpl_op_hold_for_copy(struct rpl_clone *c, struct rpl_run run, struct bio *bio)
{
	struct rpl_bucket *b = rpl_op_bucket(c->vol, run.first);
	bool may_sleep = !(bio->bi_opf & REQ_NOWAIT);
	struct rpl_op *op, *first = NULL;
	u64 end = run.first + run.nr;
	bool no_op = false;
	enum rpl_held r = RPL_GO;
	LIST_HEAD(start);
	unsigned long flags;

	spin_lock_irqsave(&b->lock, flags);
	while (run.first < end) {
		run.nr = end - run.first;
		if (test_bit(run.first, c->copied)) {
			run.first++;
			continue;
		}
		op = rpl_op_find(b, c->vol, NULL, (struct rpl_run) { run.first, 1 });
		if (!op) {
			op = copy_new(b, c, RPL_OP_PRESERVE, run);
			no_op = !op;
			if (IS_ERR_OR_NULL(op))
				break;
			list_add_tail(&op->wait_list, &start);
		}
		if (!first)
			first = op;
		run.first = op->run.first + op->run.nr;
	}
	if (first || no_op)
		r = park(c->store, first, bio, false, false);
	spin_unlock_irqrestore(&b->lock, flags);
	ops_start(c->store, &start, may_sleep);
	return r;
}

enum rpl_held rpl_op_claim(struct rpl_clone *c, struct rpl_run run, struct bio *bio)
{
	struct rpl_bucket *b = rpl_op_bucket(c->vol, run.first);
	enum rpl_held r = RPL_GO;
	struct rpl_op *op;
	unsigned long flags;

	spin_lock_irqsave(&b->lock, flags);
	if (rpl_run_next_clear(c->copied, c->nr_regions, run) == run.first + run.nr)
		goto out;
	op = rpl_op_find(b, c->vol, NULL, run);
	if (op) {
		r = park(c->store, op, bio, false, false);
		goto out;
	}
	op = rpl_op_new(b, c->vol, RPL_OP_CLAIM, run);
	if (!op) {
		r = park(c->store, NULL, bio, false, false);
		goto out;
	}
	/* a dead clone: the caller looks at its state and fails the write */
	if (op_add_dest(op, c))
		rpl_bio(bio)->op = op;
	else
		rpl_op_discard(op);
out:
	spin_unlock_irqrestore(&b->lock, flags);
	return r;
}

int rpl_op_copy(struct rpl_clone *c, struct rpl_run *run)
{
	struct rpl_bucket *b = rpl_op_bucket(c->vol, run->first);
	struct rpl_op *op;

	spin_lock_irq(&b->lock);
	op = rpl_op_find(b, c->vol, NULL, (struct rpl_run) { run->first, 1 });
	if (op) {
		run->nr = min(run->nr, op->run.first + op->run.nr - run->first);
		spin_unlock_irq(&b->lock);
		return -EBUSY;
	}
	if (test_bit(run->first, c->copied)) {
		run->nr = 1;
		spin_unlock_irq(&b->lock);
		return -EBUSY;
	}
	op = copy_new(b, c, RPL_OP_COPY, *run);
	if (!IS_ERR_OR_NULL(op))
		*run = op->run;
	spin_unlock_irq(&b->lock);
	if (!op)
		return -ENOMEM;
	if (IS_ERR(op))
		return PTR_ERR(op);
	rpl_op_start(op);
	return 0;
}

int rpl_ops_init(struct rpl_store *s)
{
	unsigned int i;
	int r;

	rpl_waker_init(&s->fifo, NULL);
	rpl_waker_init(&s->starved, NULL);
	init_llist_head(&s->start_list);
	INIT_WORK(&s->start_work, start_work);
	INIT_DELAYED_WORK(&s->watch_work, rpl_watch_work);
	s->buckets = kvcalloc(RPL_BUCKETS, sizeof(*s->buckets), GFP_KERNEL);
	if (!s->buckets)
		return -ENOMEM;
	for (i = 0; i < RPL_BUCKETS; i++)
		spin_lock_init(&s->buckets[i].lock);
	r = mempool_init_slab_pool(&s->op_pool, RPL_OPS_RESERVED, op_cache);
	if (r)
		kvfree(s->buckets);
	return r;
}

void rpl_ops_exit(struct rpl_store *s)
{
	cancel_delayed_work_sync(&s->watch_work);
	mempool_exit(&s->op_pool);
	kvfree(s->buckets);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bios that wait: wakers, the FIFO for those that found no op, and what ends waits that an op does
 * not end: the failure of a clone, a noflush suspend, a copy that takes too long (I4, R7, F9).
 * Locks: waker->lock, and bucket->lock for the waiters of ops. Called by op.c, clone.c and the
 * targets.
 */
#define DM_MSG_PREFIX "replica"

#include "clone.h"
#include "commit.h"
#include "control.h"
#include "op.h"
#include "past.h"
#include "shortage.h"
#include "space.h"
#include "store.h"
#include "trace.h"

/* ---- wakers ---- */

void rpl_waker_init(struct rpl_waker *w, work_func_t fn)
{
	spin_lock_init(&w->lock);
	bio_list_init(&w->bios);
	INIT_WORK(&w->work, fn);
}

void rpl_waker_add(struct rpl_store *s, struct rpl_waker *w, struct bio *bio)
{
	unsigned long flags;

	spin_lock_irqsave(&w->lock, flags);
	bio_list_add(&w->bios, bio);
	spin_unlock_irqrestore(&w->lock, flags);
	queue_work(s->io_wq, &w->work);
}

void rpl_waker_take(struct rpl_waker *w, struct bio_list *bios)
{
	spin_lock_irq(&w->lock);
	*bios = w->bios;
	bio_list_init(&w->bios);
	spin_unlock_irq(&w->lock);
}

void rpl_wake_all(struct rpl_store *s, struct bio_list *bios)
{
	struct bio *bio;

	while ((bio = bio_list_pop(bios)))
		rpl_waker_add(s, rpl_bio(bio)->waker, bio);
}

#define WATCH_MS 250

void rpl_watch(struct rpl_store *s)
{
	if (!delayed_work_pending(&s->watch_work))
		queue_delayed_work(s->io_wq, &s->watch_work, msecs_to_jiffies(WATCH_MS));
}

struct rpl_since rpl_since_now(struct rpl_store *s)
{
	return (struct rpl_since) { .ns = ktime_get_ns(), .look = READ_ONCE(s->watch_looks) };
}

/*
 * The watch must have looked often enough, too, an eighth of its interval being late each time: a
 * standstill is one look more (standstill.h).
 */
bool rpl_waited(struct rpl_store *s, const struct rpl_since *since, u32 limit_ms)
{
	u32 looks = max(2U, limit_ms / (WATCH_MS + WATCH_MS / 8));

	return ktime_get_ns() - since->ns >= (u64)limit_ms * NSEC_PER_MSEC &&
	       READ_ONCE(s->watch_looks) - since->look >= looks;
}

void rpl_wait_begin(struct rpl_store *s, struct bio *bio)
{
	struct rpl_bio *rb = rpl_bio(bio);
	struct rpl_clone *c = rb->dev->clone;

	if (rb->parked.ns)
		return;
	rb->parked = rpl_since_now(s);
	if (c) {
		trace_rpl_replica_wait(s->devt, c->id, bio->bi_iter.bi_sector, bio_sectors(bio));
		return;
	}
	atomic64_inc(&rb->dev->vol->first_writes);
	trace_rpl_write_wait(s->devt, rb->dev->vol->id, bio->bi_iter.bi_sector, bio_sectors(bio));
}

void rpl_wait_end(struct bio *bio, sector_t sector)
{
	struct rpl_bio *rb = rpl_bio(bio);
	struct rpl_clone *c = rb->dev->clone;

	if (rb->parked.ns && trace_rpl_replica_go_enabled())
		trace_rpl_replica_go(c->store->devt, c->id, sector, ktime_get_ns() - rb->parked.ns);
	rb->parked.ns = 0;
}

/* ---- the FIFO of bios that found no op (R7) ---- */

#define FIFO_BATCH 16

void rpl_fifo_kick(struct rpl_store *s)
{
	struct bio_list some = BIO_EMPTY_LIST;
	unsigned long flags;
	int i;

	spin_lock_irqsave(&s->fifo.lock, flags);
	for (i = 0; i < FIFO_BATCH && !bio_list_empty(&s->fifo.bios); i++)
		bio_list_add(&some, bio_list_pop(&s->fifo.bios));
	spin_unlock_irqrestore(&s->fifo.lock, flags);
	rpl_wake_all(s, &some);
}

void rpl_fifo_add(struct rpl_store *s, struct bio *bio)
{
	unsigned long flags;

	spin_lock_irqsave(&s->fifo.lock, flags);
	bio_list_add(&s->fifo.bios, bio);
	spin_unlock_irqrestore(&s->fifo.lock, flags);
	/*
	 * Pairs with the one in op_free(), op.c: either it sees the bio, or we see its op gone.
	 * Below the reserve an op can be had for certain: nobody else needs to wake the bio.
	 */
	smp_mb();
	if (atomic_read(&s->nr_ops) < RPL_OPS_RESERVED)
		rpl_fifo_kick(s);
	/* ops that wait for company are in its way */
	rpl_commit_hurry(s);
}

/* ---- those that wait for space ---- */

void rpl_starved_kick(struct rpl_store *s)
{
	struct bio_list all;
	unsigned long flags;

	spin_lock_irqsave(&s->starved.lock, flags);
	all = s->starved.bios;
	bio_list_init(&s->starved.bios);
	WRITE_ONCE(s->nr_starved, 0);
	spin_unlock_irqrestore(&s->starved.lock, flags);
	rpl_wake_all(s, &all);
}

void rpl_space_appeared(struct rpl_store *s)
{
	/* pairs with rpl_starved_add() */
	smp_mb();
	if (READ_ONCE(s->nr_starved))
		rpl_starved_kick(s);
}

/* The policy is for writes to sources; one to a snapshot fails. */
bool rpl_may_queue(struct rpl_store *s, struct bio *bio)
{
	struct rpl_binding *dev = rpl_bio(bio)->dev;

	return READ_ONCE(s->overflow) == RPL_OVERFLOW_QUEUE && !dev->clone &&
	       !READ_ONCE(dev->leaving);
}

void rpl_starved_add(struct rpl_store *s, struct bio *bio)
{
	bool queue = rpl_may_queue(s, bio);
	unsigned long flags;

	spin_lock_irqsave(&s->starved.lock, flags);
	bio_list_add(&s->starved.bios, bio);
	WRITE_ONCE(s->nr_starved, s->nr_starved + 1);
	spin_unlock_irqrestore(&s->starved.lock, flags);
	/*
	 * Pairs with the end of a checkpoint, rpl_space_appeared() and the end of queueing: either
	 * they see the bio, or we see what they did. From here on it may be gone.
	 */
	smp_mb();
	if (rpl_space_any(s->space) || (!rpl_space_coming(s->space) && !queue)) {
		rpl_starved_kick(s);
		return;
	}
	if (queue && !xchg(&s->starving, true)) {
		DMWARN("store %s is full: writes to its sources wait for space", s->name);
		rpl_event_store(s, RPL_EVENT_STATE);
	}
	rpl_watch(s);
}

/* ---- failure and suspend: all buckets ---- */

/* The clone, or the snapshots of the arm. */
static bool op_serves(struct rpl_op *op, struct rpl_clone *c, struct rpl_arm *a)
{
	unsigned int i;

	for (i = 0; i < op->nr_dests; i++)
		if (op->dest[i] == c)
			return true;
	return a && (op->arm == a || (op->snap && op->snap->arm == a));
}

static void ops_release(struct rpl_volume *vol, struct rpl_clone *c, struct rpl_arm *a)
{
	struct rpl_store *s = vol->store;
	struct bio_list woken = BIO_EMPTY_LIST;
	struct rpl_op *op;
	unsigned int i;

	for (i = 0; i < RPL_BUCKETS; i++) {
		struct rpl_bucket *b = &s->buckets[i];

		spin_lock_irq(&b->lock);
		hlist_for_each_entry(op, &b->ops, hash) {
			if (op->vol != vol || !op_serves(op, c, a))
				continue;
			bio_list_merge(&woken, &op->waiters);
			bio_list_init(&op->waiters);
			op->since.ns = 0;
			if (!op->dead && !rpl_op_live(op)) {
				/* it may hang for long: it must not count against the cap */
				op->dead = true;
				atomic_dec(&s->nr_ops);
			}
		}
		spin_unlock_irq(&b->lock);
	}
	rpl_wake_all(s, &woken);
}

void rpl_ops_release(struct rpl_clone *c)
{
	ops_release(c->vol, c, NULL);
}

void rpl_ops_release_arm(struct rpl_arm *a)
{
	ops_release(a->vol, NULL, a);
}

void rpl_take_bios(struct bio_list *list, struct rpl_binding *dev, struct bio_list *out)
{
	struct bio_list all = *list;
	struct bio *bio;

	bio_list_init(list);
	while ((bio = bio_list_pop(&all)))
		bio_list_add(rpl_bio(bio)->dev == dev ? out : list, bio);
}

/* The op's waiters that came through this table; what is not delayed any more is not late. */
static void push_back(struct rpl_op *op, struct rpl_binding *dev, struct bio_list *back)
{
	struct bio *bio;

	rpl_take_bios(&op->waiters, dev, back);
	bio_list_for_each(bio, &op->waiters)
		if (!rpl_bio(bio)->dev->clone)
			return;
	op->since.ns = 0;
}

void rpl_ops_push_back(struct rpl_store *s, struct rpl_binding *dev)
{
	struct bio_list back = BIO_EMPTY_LIST;
	struct rpl_volume *vol;
	struct rpl_clone *c;
	struct rpl_op *op;
	struct bio *bio;
	unsigned int i;

	for (i = 0; i < RPL_BUCKETS; i++) {
		struct rpl_bucket *b = &s->buckets[i];

		spin_lock_irq(&b->lock);
		hlist_for_each_entry(op, &b->ops, hash)
			push_back(op, dev, &back);
		spin_unlock_irq(&b->lock);
	}
	spin_lock_irq(&s->fifo.lock);
	rpl_take_bios(&s->fifo.bios, dev, &back);
	spin_unlock_irq(&s->fifo.lock);
	spin_lock_irq(&s->starved.lock);
	rpl_take_bios(&s->starved.bios, dev, &back);
	WRITE_ONCE(s->nr_starved, bio_list_size(&s->starved.bios));
	spin_unlock_irq(&s->starved.lock);
	rpl_commit_take_bios(s, dev, &back);
	mutex_lock(&s->ctl_mutex);
	list_for_each_entry(c, &s->clones, list) {
		spin_lock_irq(&c->lock);
		rpl_take_bios(&c->held, dev, &back);
		spin_unlock_irq(&c->lock);
	}
	list_for_each_entry(vol, &s->volumes, list) {
		if (!vol->arm)
			continue;
		spin_lock_irq(&vol->arm->lock);
		rpl_take_bios(&vol->arm->held, dev, &back);
		spin_unlock_irq(&vol->arm->lock);
	}
	mutex_unlock(&s->ctl_mutex);

	while ((bio = bio_list_pop(&back))) {
		bio->bi_status = BLK_STS_DM_REQUEUE;
		bio_endio(bio);
	}
}

/*
 * A drain is the source's own slowness, which a point in time may add to its writes up to its own
 * limit; the clones and snapshots that are there already answer for their copies alone.
 */
static u32 patience_ms(bool held)
{
	return held ? max(rpl_flush_timeout_ms, rpl_clone_timeout_ms) : rpl_clone_timeout_ms;
}

/* A source write waits too long for this op: what it serves fails (I4). bucket->lock held. */
static void op_give_up(struct rpl_op *op)
{
	unsigned int i;

	op->since.ns = 0;
	for (i = 0; i < op->nr_dests; i++)
		rpl_clone_fail(op->dest[i], ETIMEDOUT,
			       "a copy that writes to source volume %u wait for took over %u ms",
			       op->vol->id, rpl_clone_timeout_ms);
	if (op->arm)
		rpl_arm_fail(op->arm, ETIMEDOUT,
			     "a copy that writes to source volume %u wait for took over %u ms",
			     op->vol->id, rpl_clone_timeout_ms);
}

/* The volume whose source write waits in this list for longer, with a ref, or NULL. */
static struct rpl_volume *overdue(struct rpl_store *s, struct rpl_waker *list, u32 limit_ms)
{
	struct rpl_volume *vol = NULL;
	struct rpl_bio *rb;
	struct bio *bio;

	spin_lock_irq(&list->lock);
	bio_list_for_each(bio, &list->bios) {
		rb = rpl_bio(bio);
		if (rb->dev->clone)
			continue; /* may wait as long as it takes; not so those behind it */
		if (rpl_waited(s, &rb->parked, limit_ms))
			vol = rpl_volume_get(rb->dev->vol);
		break;
	}
	spin_unlock_irq(&list->lock);
	return vol;
}

/* Too many ops for too long: what that volume's writes wait for, fails. */
static void fifo_give_up(struct rpl_volume *vol)
{
	struct rpl_clone *c;

	mutex_lock(&vol->store->ctl_mutex);
	list_for_each_entry(c, &vol->clones, vol_list)
		rpl_clone_fail(c, ETIMEDOUT,
			       "writes to source volume %u waited over %u ms for their turn",
			       vol->id, rpl_clone_timeout_ms);
	if (vol->arm)
		rpl_arm_fail(vol->arm, ETIMEDOUT,
			     "writes to source volume %u waited over %u ms for their turn", vol->id,
			     rpl_clone_timeout_ms);
	mutex_unlock(&vol->store->ctl_mutex);
	rpl_volume_put(vol);
}

/* Who waits for space too long looks again, and finds that it may not. */
static void starved_watch(struct rpl_store *s)
{
	bool queue = READ_ONCE(s->overflow) == RPL_OVERFLOW_QUEUE;
	u32 wait_ms = rpl_space_wait_ms(queue, READ_ONCE(s->queue_timeout_ms), true,
					rpl_clone_timeout_ms);
	bool late = false, any = false;
	struct bio *bio;

	spin_lock_irq(&s->starved.lock);
	bio_list_for_each(bio, &s->starved.bios) {
		any = true;
		late |= rpl_waited(s, &rpl_bio(bio)->parked, wait_ms);
	}
	spin_unlock_irq(&s->starved.lock);
	if (late)
		rpl_starved_kick(s);
	if (!any && xchg(&s->starving, false))
		rpl_event_store(s, RPL_EVENT_STATE);
}

void rpl_watch_work(struct work_struct *work)
{
	struct rpl_store *s = container_of(to_delayed_work(work), struct rpl_store, watch_work);
	struct rpl_volume *vol;
	struct rpl_op *op;
	bool held = false;
	unsigned int i;

	WRITE_ONCE(s->watch_looks, s->watch_looks + 1);
	for (i = 0; i < RPL_BUCKETS; i++) {
		struct rpl_bucket *b = &s->buckets[i];

		if (hlist_empty(&b->ops))
			continue;
		spin_lock_irq(&b->lock);
		hlist_for_each_entry(op, &b->ops, hash) {
			if (op->since.ns && rpl_waited(s, &op->since, patience_ms(op->held)))
				op_give_up(op);
			held |= op->held;
		}
		spin_unlock_irq(&b->lock);
	}
	vol = overdue(s, &s->fifo, patience_ms(held));
	if (vol)
		fifo_give_up(vol);
	starved_watch(s);
	if (!bio_list_empty(&s->fifo.bios))
		rpl_fifo_kick(s);
	if (atomic_read(&s->nr_ops) || !bio_list_empty(&s->fifo.bios) ||
	    !bio_list_empty(&s->starved.bios) || READ_ONCE(s->starving))
		rpl_watch(s);
}

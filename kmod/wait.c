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
#include "op.h"
#include "store.h"

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

/* ---- failure and suspend: all buckets ---- */

static bool op_serves(struct rpl_op *op, struct rpl_clone *c)
{
	unsigned int i;

	for (i = 0; i < op->nr_dests; i++)
		if (op->dest[i] == c)
			return true;
	return false;
}

void rpl_ops_release(struct rpl_clone *c)
{
	struct rpl_store *s = c->store;
	struct bio_list woken = BIO_EMPTY_LIST;
	struct rpl_op *op;
	unsigned int i;

	for (i = 0; i < RPL_BUCKETS; i++) {
		struct rpl_bucket *b = &s->buckets[i];

		spin_lock_irq(&b->lock);
		hlist_for_each_entry(op, &b->ops, hash) {
			if (op->vol != c->vol || !op_serves(op, c))
				continue;
			bio_list_merge(&woken, &op->waiters);
			bio_list_init(&op->waiters);
			op->since = 0;
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

void rpl_take_bios(struct bio_list *list, struct rpl_binding *dev, struct bio_list *out)
{
	struct bio_list all = *list;
	struct bio *bio;

	bio_list_init(list);
	while ((bio = bio_list_pop(&all)))
		bio_list_add(rpl_bio(bio)->dev == dev ? out : list, bio);
}

void rpl_ops_push_back(struct rpl_store *s, struct rpl_binding *dev)
{
	struct bio_list back = BIO_EMPTY_LIST;
	struct rpl_clone *c;
	struct rpl_op *op;
	struct bio *bio;
	unsigned int i;

	for (i = 0; i < RPL_BUCKETS; i++) {
		struct rpl_bucket *b = &s->buckets[i];

		spin_lock_irq(&b->lock);
		hlist_for_each_entry(op, &b->ops, hash)
			rpl_take_bios(&op->waiters, dev, &back);
		spin_unlock_irq(&b->lock);
	}
	spin_lock_irq(&s->fifo.lock);
	rpl_take_bios(&s->fifo.bios, dev, &back);
	spin_unlock_irq(&s->fifo.lock);
	rpl_commit_take_bios(s, dev, &back);
	mutex_lock(&s->ctl_mutex);
	list_for_each_entry(c, &s->clones, list) {
		spin_lock_irq(&c->lock);
		rpl_take_bios(&c->held, dev, &back);
		spin_unlock_irq(&c->lock);
	}
	mutex_unlock(&s->ctl_mutex);

	while ((bio = bio_list_pop(&back))) {
		bio->bi_status = BLK_STS_DM_REQUEUE;
		bio_endio(bio);
	}
}

/* A source write waits too long for this op: its clones fail (I4). bucket->lock held. */
static void op_give_up(struct rpl_op *op)
{
	unsigned int i;

	op->since = 0;
	for (i = 0; i < op->nr_dests; i++)
		rpl_clone_fail(op->dest[i], ETIMEDOUT,
			       "a copy that writes to source volume %u wait for took over %u ms",
			       op->vol->id, rpl_clone_timeout_ms);
}

/* The volume whose source write waits in the FIFO for too long, with a ref, or NULL. */
static struct rpl_volume *fifo_overdue(struct rpl_store *s)
{
	u64 limit_ns = (u64)rpl_clone_timeout_ms * NSEC_PER_MSEC;
	struct rpl_volume *vol = NULL;
	struct rpl_bio *rb;
	struct bio *bio;

	spin_lock_irq(&s->fifo.lock);
	bio = bio_list_peek(&s->fifo.bios);
	if (bio) {
		rb = rpl_bio(bio);
		if (!rb->dev->clone && ktime_get_ns() - rb->parked_ns > limit_ns)
			vol = rpl_volume_get(rb->dev->vol);
	}
	spin_unlock_irq(&s->fifo.lock);
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
	mutex_unlock(&vol->store->ctl_mutex);
	rpl_volume_put(vol);
}

void rpl_watch_work(struct work_struct *work)
{
	struct rpl_store *s = container_of(to_delayed_work(work), struct rpl_store, watch_work);
	unsigned long limit = msecs_to_jiffies(rpl_clone_timeout_ms);
	struct rpl_volume *vol;
	struct rpl_op *op;
	unsigned int i;

	for (i = 0; i < RPL_BUCKETS; i++) {
		struct rpl_bucket *b = &s->buckets[i];

		if (hlist_empty(&b->ops))
			continue;
		spin_lock_irq(&b->lock);
		hlist_for_each_entry(op, &b->ops, hash)
			if (op->since && time_after(jiffies, op->since + limit))
				op_give_up(op);
		spin_unlock_irq(&b->lock);
	}
	vol = fifo_overdue(s);
	if (vol)
		fifo_give_up(vol);
	if (!bio_list_empty(&s->fifo.bios))
		rpl_fifo_kick(s);
	if (atomic_read(&s->nr_ops) || !bio_list_empty(&s->fifo.bios))
		queue_delayed_work(s->io_wq, &s->watch_work, HZ);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Group commit, see commit.h. One work makes one batch after the other; commit->lock guards what
 * waits for the next one. Called by op.c, clone.c, clone-target.c and the life of a store.
 */
#define DM_MSG_PREFIX "replica"

#include <linux/sched/mm.h>

#include "clone.h"
#include "commit.h"
#include "control.h"
#include "epoch.h"
#include "journal.h"
#include "snap.h"
#include "space.h"
#include "standstill.h"
#include "store.h"

#define BATCH_FACTS  (RPL_BATCH_BLOCKS * RPL_FACTS_PER_BLOCK)
#define BATCH_FAILED 16 /* clones that fail in one batch: the next one is not far */
#define LAZY_OPS     32U /* that much company is enough */
#define LAZY_WAIT    HZ

/* A clone that has failed, as it was then. */
struct failed_one {
	struct rpl_clone *c; /* with a ref */
	u64 point;
	u32 gen, error;
	bool stale; /* it has its bits anew since: what failed is no more */
};

struct batch {
	struct list_head ops;
	struct failed_one failed[BATCH_FAILED];
	u32 nr_failed;
	struct list_head arms; /* arm->failed_list, with refs: their snapshots are lost */
	bool stored; /* the store has data that a record speaks of */
	bool urgent; /* a source write waits for it */
};

/* ---- what waits ---- */

void rpl_commit_kick(struct rpl_store *s)
{
	queue_work(s->commit.wq, &s->commit.work);
}

void rpl_commit_hurry(struct rpl_store *s)
{
	/* the batch that runs may be what it waits for, or what is before it */
	WRITE_ONCE(s->commit.urgent, true);
	wake_up(&s->commit.wait);
	rpl_commit_kick(s);
}

static void lazy_work(struct work_struct *work)
{
	rpl_commit_kick(container_of(to_delayed_work(work), struct rpl_store, commit.lazy));
}

void rpl_commit_add(struct rpl_op *op, bool urgent)
{
	struct rpl_store *s = op->vol->store;
	struct rpl_commit *cm = &s->commit;
	bool kick = false;
	unsigned int i;

	lockdep_assert_held(&op->bucket->lock);
	/* in one section, so that who saw the bit comes behind the op (rpl_commit_hold) */
	spin_lock(&cm->lock);
	for (i = 0; i < op->nr_dests; i++)
		if (!(op->bad & BIT(i)))
			kick |= rpl_clone_mark_copied(op->dest[i], op->run, op->gen[i]);
	list_add_tail(&op->wait_list, &cm->ops);
	cm->added++;
	kick |= ++cm->nr_ops >= LAZY_OPS;
	spin_unlock(&cm->lock);
	if (urgent)
		rpl_commit_hurry(s);
	else if (kick)
		rpl_commit_kick(s);
	else
		queue_delayed_work(cm->wq, &cm->lazy, LAZY_WAIT);
}

void rpl_commit_failed(struct rpl_clone *c)
{
	struct rpl_commit *cm = &c->store->commit;
	unsigned long flags;

	spin_lock_irqsave(&cm->lock, flags);
	if (list_empty(&c->failed_list)) {
		rpl_clone_get(c);
		list_add_tail(&c->failed_list, &cm->failed);
	}
	spin_unlock_irqrestore(&cm->lock, flags);
	rpl_commit_hurry(c->store);
}

void rpl_commit_arm_failed(struct rpl_arm *a)
{
	struct rpl_store *s = a->vol->store;
	unsigned long flags;

	spin_lock_irqsave(&s->commit.lock, flags);
	if (list_empty(&a->failed_list)) {
		rpl_arm_get(a);
		list_add_tail(&a->failed_list, &s->commit.failed_arms);
	}
	spin_unlock_irqrestore(&s->commit.lock, flags);
	rpl_commit_hurry(s);
}

enum rpl_held rpl_commit_hold(struct rpl_clone *c, struct bio *bio)
{
	struct rpl_commit *cm = &c->store->commit;
	enum rpl_held r = RPL_HELD;
	unsigned long flags;

	spin_lock_irqsave(&cm->lock, flags);
	spin_lock(&c->lock);
	if (!rpl_clone_alive(c) || c->copied_sectors == c->durable_sectors)
		r = RPL_GO;
	spin_unlock(&c->lock);
	if (r == RPL_HELD && unlikely(dm_noflush_suspending(rpl_bio(bio)->dev->ti)))
		r = RPL_PUSH_BACK;
	if (r == RPL_HELD) {
		rpl_wait_begin(c->store, bio);
		bio->bi_opf &= ~REQ_NOWAIT;
		bio_clear_polled(bio);
		rpl_bio(bio)->ticket = cm->added;
		bio_list_add(&cm->flushes, bio);
	}
	spin_unlock_irqrestore(&cm->lock, flags);
	if (r == RPL_HELD)
		rpl_commit_kick(c->store);
	return r;
}

void rpl_commit_take_bios(struct rpl_store *s, struct rpl_binding *dev, struct bio_list *back)
{
	spin_lock_irq(&s->commit.lock);
	rpl_take_bios(&s->commit.flushes, dev, back);
	rpl_take_bios(&s->commit.flushing, dev, back);
	spin_unlock_irq(&s->commit.lock);
}

/* ---- a batch: what is in it ---- */

static void take_failed(struct rpl_commit *cm, struct batch *b)
{
	struct failed_one *f;
	struct rpl_clone *c;
	u32 nr_arms = 0;

	while (b->nr_failed < BATCH_FAILED && !list_empty(&cm->failed)) {
		c = list_first_entry(&cm->failed, struct rpl_clone, failed_list);
		list_del_init(&c->failed_list);
		f = &b->failed[b->nr_failed++];
		f->c = c;
		spin_lock(&c->lock);
		f->gen = c->failed_gen;
		f->stale = c->gen != c->failed_gen;
		f->point = c->point;
		f->error = c->error;
		spin_unlock(&c->lock);
	}
	while (nr_arms++ < BATCH_FAILED && !list_empty(&cm->failed_arms))
		list_move_tail(cm->failed_arms.next, &b->arms);
}

/* Facts that an op can have at most. */
static u32 op_facts(const struct rpl_op *op)
{
	return op->nr_dests + (op->arm || op->snap ? op->run.nr : 0);
}

/* Everything that waits, as far as it fits. False: there is nothing. */
static bool batch_take(struct rpl_commit *cm, struct batch *b)
{
	u32 facts = 2 * BATCH_FAILED;
	struct rpl_op *op;
	struct bio *bio;
	bool any;

	INIT_LIST_HEAD(&b->ops);
	INIT_LIST_HEAD(&b->arms);
	b->nr_failed = 0;
	b->stored = false;
	b->urgent = xchg(&cm->urgent, false);
	spin_lock_irq(&cm->lock);
	while ((op = list_first_entry_or_null(&cm->ops, struct rpl_op, wait_list)) &&
	       facts + op_facts(op) <= BATCH_FACTS) {
		list_move_tail(&op->wait_list, &b->ops);
		facts += op_facts(op);
		cm->nr_ops--;
		cm->taken++;
	}
	while ((bio = bio_list_peek(&cm->flushes)) && rpl_bio(bio)->ticket <= cm->taken)
		bio_list_add(&cm->flushing, bio_list_pop(&cm->flushes));
	take_failed(cm, b);
	any = !list_empty(&b->ops) || b->nr_failed || !list_empty(&b->arms) ||
	      !bio_list_empty(&cm->flushing);
	spin_unlock_irq(&cm->lock);
	return any;
}

/* Does the op have to say something about its destination i? */
static bool dest_counts(struct rpl_op *op, unsigned int i)
{
	struct rpl_clone *c = op->dest[i];

	return !(op->bad & BIT(i)) && rpl_clone_alive(c) && READ_ONCE(c->gen) == op->gen[i];
}

/* ---- a batch: the targets ---- */

/* Its flush is under way; what it left is seen when this says no. */
static bool flush_busy(struct rpl_clone *c)
{
	/* pairs with target_flushed() */
	return smp_load_acquire(&c->flush.busy);
}

static void target_flushed(struct bio *bio)
{
	struct rpl_clone *c = bio->bi_private;
	struct rpl_binding *dev = c->flush.dev;

	c->flush.error = blk_status_to_errno(bio->bi_status);
	bio_uninit(bio);
	/* the next batch may use it from here on */
	smp_store_release(&c->flush.busy, false);
	wake_up(&c->store->commit.wait);
	rpl_binding_put(dev);
	rpl_clone_put(c);
}

/* The op has the device in use. */
static void target_flush(struct rpl_clone *c, struct rpl_binding *dev)
{
	c->flush.busy = true;
	c->flush.error = 0;
	c->flush.dev = rpl_binding_use(dev);
	rpl_clone_get(c);
	bio_init(&c->flush.bio, dev->bdev, NULL, 0, REQ_OP_WRITE | REQ_PREFLUSH | REQ_SYNC);
	c->flush.bio.bi_private = c;
	c->flush.bio.bi_end_io = target_flushed;
	submit_bio(&c->flush.bio);
}

static bool all_flushed(struct list_head *clones)
{
	struct rpl_clone *c;

	list_for_each_entry(c, clones, flush.list)
		if (flush_busy(c))
			return false;
	return true;
}

/*
 * Wait for the flushes. As long as nobody waits for us they may take what a flush may take; from
 * when a source write does, half of what it may wait for a clone.
 */
static void wait_flushed(struct rpl_commit *cm, struct batch *b, struct list_head *clones)
{
	unsigned long left = msecs_to_jiffies(rpl_flush_timeout_ms);

	if (!b->urgent)
		rpl_wait_event(cm->wait, all_flushed(clones) || READ_ONCE(cm->urgent), &left);
	left = msecs_to_jiffies(rpl_clone_timeout_ms / 2);
	if (!all_flushed(clones))
		rpl_wait_event(cm->wait, all_flushed(clones), &left);
}

/* Each target once. What does not succeed in time fails its clone. */
static void batch_flush(struct rpl_store *s, struct batch *b)
{
	struct rpl_commit *cm = &s->commit;
	struct rpl_clone *c, *next;
	struct rpl_op *op;
	LIST_HEAD(clones);
	unsigned int i;

	list_for_each_entry(op, &b->ops, wait_list) {
		for (i = 0; i < op->nr_dests; i++) {
			c = op->dest[i];
			if (!dest_counts(op, i) || c->flush.batch == cm->batch)
				continue;
			c->flush.batch = cm->batch;
			if (flush_busy(c)) {
				rpl_clone_fail(c, ETIMEDOUT, "a flush of its target does not end");
				continue;
			}
			list_add_tail(&c->flush.list, &clones);
			target_flush(c, op->dest_dev[i]);
		}
	}
	wait_flushed(cm, b, &clones);
	list_for_each_entry_safe(c, next, &clones, flush.list) {
		list_del(&c->flush.list);
		if (flush_busy(c))
			rpl_clone_fail(c, ETIMEDOUT, "the flush of its target took too long");
		else if (c->flush.error)
			rpl_clone_fail(c, EIO, "its target could not be flushed (error %d)",
				       c->flush.error);
	}
}

/* ---- a batch: the journal ---- */

static int make_room(struct rpl_store *s)
{
	struct rpl_commit *cm = &s->commit;
	bool room;
	int r;

	for (;;) {
		mutex_lock(&cm->journal_mutex);
		room = cm->journal && rpl_journal_has_room(cm->journal);
		r = cm->journal ? 0 : -EIO;
		mutex_unlock(&cm->journal_mutex);
		if (room || r)
			return r;
		/* here and not in its work: it must not depend on a worker that may not come */
		r = rpl_persist_checkpoint(s);
		if (r)
			return r;
	}
}

/*
 * Is the op's last chunk whole for the view's newest snapshot? One that was made while the op ran
 * may be longer: what the op has ends where the older one does.
 */
static bool covers(struct rpl_op *op, struct rpl_view *v)
{
	u32 shift = op->vol->store->chunk_shift;

	return op->sectors >= rpl_run_sectors(op->run, v->kept_sectors, shift);
}

/* The tag of what the op keeps, or 0: its snapshots are no more, or longer (R10, R13). */
static u32 choose_tag(struct rpl_op *op)
{
	struct rpl_volume *vol = op->vol;
	struct rpl_view *v = NULL;
	struct rpl_epoch *e;
	u32 slot, tag = 0;

	rcu_read_lock();
	e = rcu_dereference(vol->store->cur);
	slot = READ_ONCE(vol->slot);
	if (slot < e->nr_views)
		v = READ_ONCE(e->view[slot]);
	if (v && v->arm == op->arm && rpl_arm_alive(op->arm) && covers(op, v)) {
		tag = v->newest;
		op->bits = rpl_bits_get(v->bits);
	}
	rcu_read_unlock();
	return tag;
}

/* An entry for chunk i of the op's run. 0, -EEXIST: nothing to say, else the snapshots are lost. */
static int file_chunk(struct rpl_op *op, u32 i, u32 tag, u32 loc)
{
	struct rpl_store *s = op->vol->store;
	struct rpl_map_entry e;
	int r;

	/* nobody but us files entries: what is not there now does not come */
	read_lock_irq(&s->map_lock);
	r = rpl_map_lookup(&s->map, op->vol->id, op->run.first + i, tag, &e);
	read_unlock_irq(&s->map_lock);
	if (!r)
		return -EEXIST;
	e = (struct rpl_map_entry) {
		.volume = op->vol->id,
		.chunk = op->run.first + i,
		.tag = tag,
		.loc = loc,
	};
	r = rpl_store_file(s, &e);
	if (!r && loc != RPL_LOC_BAD)
		atomic64_inc(&op->vol->stored_chunks);
	return r;
}

/* What the op has kept in the store: into the map, and into the batch. */
static void file_op(struct rpl_journal *j, struct batch *b, struct rpl_op *op)
{
	struct rpl_store *s = op->vol->store;
	u32 i, first = op->loc, tag = choose_tag(op);
	struct rpl_fact fact = {
		.kind = RPL_FACT_PRESERVED,
		.clone_id = op->vol->id,
		.point = tag,
		.nr = 1,
	};
	int r, error = 0;

	if (!tag || op->unkept)
		return;
	op->loc = RPL_LOC_NONE; /* from here on its chunks are the map's, or given back */
	for (i = 0; i < op->run.nr; i++) {
		fact.first = op->run.first + i;
		fact.loc = test_bit(i, op->lost) ? RPL_LOC_BAD : first + i;
		r = error ?: file_chunk(op, i, tag, fact.loc);
		if (r || fact.loc == RPL_LOC_BAD)
			rpl_space_give(s->space, first + i, 1);
		if (r && r != -EEXIST)
			error = r;
		if (r)
			continue;
		WARN_ON_ONCE(!rpl_journal_add(j, &fact));
		b->stored = true;
	}
	if (!error)
		return;
	rpl_bits_put(op->bits);
	op->bits = NULL;
	rpl_keep_lose(op, -error,
		      error == -ENOMEM ? "no memory for the store's map"
				       : "the store's map has no room");
}

/* Snapshots that are lost: all that the arm had, or some. */
static void file_arms(struct rpl_journal *j, struct batch *b)
{
	struct rpl_fact fact = { .kind = RPL_FACT_LOST };
	struct rpl_loss loss = {};
	struct rpl_arm *a;
	int error;

	list_for_each_entry(a, &b->arms, failed_list) {
		if (!rpl_arm_filed(a, &loss, &error))
			continue;
		fact.clone_id = a->vol->id;
		fact.first = loss.above;
		fact.point = loss.to;
		fact.nr = error;
		WARN_ON_ONCE(!rpl_journal_add(j, &fact));
	}
}

/* Put it together. What its targets do not have by now is left out, for good. */
static void batch_facts(struct rpl_journal *j, struct batch *b)
{
	struct rpl_fact fact = {};
	struct rpl_op *op;
	unsigned int i;

	rpl_journal_begin(j);
	list_for_each_entry(op, &b->ops, wait_list) {
		if (op->arm)
			file_op(j, b, op);
		if (op->snap && rpl_copy_up_file(op, &fact)) {
			WARN_ON_ONCE(!rpl_journal_add(j, &fact));
			b->stored = true;
		}
		for (i = 0; i < op->nr_dests; i++) {
			if (!dest_counts(op, i)) {
				op->bad |= BIT(i);
				continue;
			}
			fact.kind = RPL_FACT_COPIED;
			fact.clone_id = op->dest[i]->id;
			fact.point = op->dest[i]->point;
			fact.first = op->run.first;
			fact.nr = op->run.nr;
			if (WARN_ON_ONCE(!rpl_journal_add(j, &fact)))
				op->bad |= BIT(i);
		}
	}
	for (i = 0; i < b->nr_failed; i++) {
		if (b->failed[i].stale)
			continue;
		fact.kind = RPL_FACT_FAILED;
		fact.clone_id = b->failed[i].c->id;
		fact.point = b->failed[i].point;
		fact.first = 0;
		fact.nr = b->failed[i].error ?: EIO;
		WARN_ON_ONCE(!rpl_journal_add(j, &fact));
	}
	file_arms(j, b);
}

static int batch_record(struct rpl_store *s, struct batch *b)
{
	struct rpl_commit *cm = &s->commit;
	int r = make_room(s);

	if (r)
		return r;
	mutex_lock(&cm->journal_mutex);
	if (cm->journal && READ_ONCE(s->mode) != RPL_STORE_MODE_FAILED) {
		batch_facts(cm->journal, b);
		r = rpl_journal_write(cm->journal, b->stored);
	} else {
		r = -EIO;
	}
	mutex_unlock(&cm->journal_mutex);
	return r;
}

/* ---- a batch: its end ---- */

/* Without a record nothing of it counts. */
static void op_lost(struct rpl_op *op)
{
	unsigned int i;

	op->bad = ~0UL;
	op->status = BLK_STS_IOERR;
	rpl_bits_put(op->bits);
	op->bits = NULL;
	if (op->arm)
		rpl_arm_fail(op->arm, EIO, "the store could not record what was kept");
	for (i = 0; i < op->nr_dests; i++)
		if (READ_ONCE(op->dest[i]->gen) == op->gen[i])
			rpl_clone_fail(op->dest[i], EIO,
				       "the store could not record what was copied");
}

static void batch_end_ops(struct rpl_store *s, struct batch *b, bool recorded)
{
	struct rpl_commit *cm = &s->commit;
	struct rpl_op *op, *next;

	list_for_each_entry_safe(op, next, &b->ops, wait_list) {
		list_del_init(&op->wait_list);
		if (!recorded)
			op_lost(op);
		rpl_op_end(op);
	}
	if (!recorded)
		return;
	mutex_lock(&cm->journal_mutex);
	if (cm->journal) {
		rpl_journal_applied(cm->journal);
		if (rpl_journal_half_full(cm->journal))
			queue_work(s->bg_wq, &cm->checkpoint);
	}
	mutex_unlock(&cm->journal_mutex);
}

static void batch_end_flushes(struct rpl_store *s)
{
	struct bio_list bios;
	struct bio *bio;

	spin_lock_irq(&s->commit.lock);
	bios = s->commit.flushing;
	bio_list_init(&s->commit.flushing);
	spin_unlock_irq(&s->commit.lock);
	bio_list_for_each(bio, &bios)
		rpl_bio(bio)->recorded = true;
	rpl_wake_all(s, &bios);
}

/* Say in the superblocks that the store has failed, or remember it at least. */
static void mark_failed(struct rpl_store *s)
{
	if (READ_ONCE(s->mode) != RPL_STORE_MODE_FAILED || s->commit.marked_failed)
		return;
	s->commit.marked_failed = true;
	if (rpl_persist_mark_failed(s))
		rpl_store_lost(s);
}

static void batch_end_arms(struct batch *b, bool recorded)
{
	struct rpl_arm *a, *next;

	list_for_each_entry_safe(a, next, &b->arms, failed_list) {
		list_del_init(&a->failed_list);
		rpl_arm_recorded(a, recorded);
		rpl_arm_put(a);
	}
}

static void commit_batch(struct rpl_store *s, struct batch *b)
{
	bool recorded = false;
	u32 i;

	WRITE_ONCE(s->commit.batch, s->commit.batch + 1);
	batch_flush(s, b);
	if (!list_empty(&b->ops) || b->nr_failed || !list_empty(&b->arms))
		recorded = !batch_record(s, b);
	else
		recorded = true;
	if (!recorded)
		rpl_store_fail(s, "its journal could not be written");
	batch_end_ops(s, b, recorded);
	mark_failed(s);
	for (i = 0; i < b->nr_failed; i++) {
		rpl_clone_failed_durably(b->failed[i].c, b->failed[i].gen);
		rpl_clone_put(b->failed[i].c);
	}
	batch_end_arms(b, recorded);
	batch_end_flushes(s);
	/* pairs with rpl_commit_wait_batch() */
	smp_store_release(&s->commit.ended, s->commit.batch);
	wake_up_all(&s->commit.wait);
}

static void commit_work(struct work_struct *work)
{
	struct rpl_store *s = container_of(work, struct rpl_store, commit.work);
	/* a source that waits for us may be what memory is to be written to */
	unsigned int flags = memalloc_noio_save();
	struct batch b;

	mark_failed(s);
	while (batch_take(&s->commit, &b)) {
		commit_batch(s, &b);
		cond_resched();
	}
	memalloc_noio_restore(flags);
}

static void checkpoint_work(struct work_struct *work)
{
	struct rpl_store *s = container_of(work, struct rpl_store, commit.checkpoint);
	unsigned int flags = memalloc_noio_save();

	rpl_persist_checkpoint(s);
	memalloc_noio_restore(flags);
}

/* ---- life ---- */

void rpl_commit_wait_failed(struct rpl_store *s)
{
	flush_work(&s->fail_work);
	rpl_commit_kick(s);
	flush_work(&s->commit.work);
}

void rpl_commit_wait_batch(struct rpl_store *s)
{
	struct rpl_commit *cm = &s->commit;
	u64 batch = READ_ONCE(cm->batch);

	/* pairs with commit_batch() */
	wait_event(cm->wait, smp_load_acquire(&cm->ended) >= batch);
}

void rpl_commit_drop_journal(struct rpl_store *s)
{
	struct rpl_journal *j;

	lockdep_assert_held(&s->persist_mutex);
	mutex_lock(&s->commit.journal_mutex);
	j = s->commit.journal;
	s->commit.journal = NULL;
	mutex_unlock(&s->commit.journal_mutex);
	rpl_journal_free(j);
}

int rpl_commit_init(struct rpl_store *s)
{
	struct rpl_commit *cm = &s->commit;

	spin_lock_init(&cm->lock);
	mutex_init(&cm->journal_mutex);
	INIT_LIST_HEAD(&cm->ops);
	INIT_LIST_HEAD(&cm->failed);
	INIT_LIST_HEAD(&cm->failed_arms);
	bio_list_init(&cm->flushes);
	bio_list_init(&cm->flushing);
	init_waitqueue_head(&cm->wait);
	INIT_WORK(&cm->work, commit_work);
	INIT_WORK(&cm->checkpoint, checkpoint_work);
	INIT_DELAYED_WORK(&cm->lazy, lazy_work);
	/* one work: ordered without being so, and its own rescuer */
	cm->wq = alloc_workqueue("rpl_commit/%u", WQ_MEM_RECLAIM | WQ_UNBOUND | WQ_HIGHPRI, 0,
				 MINOR(s->devt));
	return cm->wq ? 0 : -ENOMEM;
}

void rpl_commit_exit(struct rpl_store *s)
{
	cancel_delayed_work_sync(&s->commit.lazy);
	cancel_work_sync(&s->commit.checkpoint);
	destroy_workqueue(s->commit.wq);
}

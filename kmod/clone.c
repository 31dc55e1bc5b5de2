// SPDX-License-Identifier: GPL-2.0-only
/*
 * A relation: its bits, its states, and the commands on one of them. clone->lock guards state,
 * reason, counters and the setting of bits; commands and settling run under store->cmd_mutex, on
 * ctl_wq or from a destructor.
 */
#define DM_MSG_PREFIX "replica"

#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "clone.h"
#include "commit.h"
#include "control.h"
#include "copy.h"
#include "epoch.h"
#include "format.h"
#include "op.h"
#include "standstill.h"
#include "store.h"
#include "trace.h"

static int timeout_set(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, RPL_TIMEOUT_MIN_MS, RPL_TIMEOUT_MAX_MS);
}

static const struct kernel_param_ops timeout_ops = {
	.set = timeout_set,
	.get = param_get_uint,
};

unsigned int rpl_clone_timeout_ms = 5000;
module_param_cb(clone_timeout_ms, &timeout_ops, &rpl_clone_timeout_ms, 0644);
__MODULE_PARM_TYPE(clone_timeout_ms, "uint");
MODULE_PARM_DESC(clone_timeout_ms,
		 "Longest time that a clone may delay a write to its source; then the clone fails");

unsigned int rpl_flush_timeout_ms = 60000;
module_param_cb(flush_timeout_ms, &timeout_ops, &rpl_flush_timeout_ms, 0644);
__MODULE_PARM_TYPE(flush_timeout_ms, "uint");
MODULE_PARM_DESC(flush_timeout_ms,
		 "Longest time for a flush, and for writes in flight to end at a point in time");

/* ---- bits ---- */

bool rpl_clone_fits(struct rpl_clone *c, u64 nr_sectors)
{
	bool fits;

	spin_lock_irq(&c->lock);
	fits = !c->dev || c->dev->ti->len >= nr_sectors;
	spin_unlock_irq(&c->lock);
	return fits;
}

int rpl_clone_set_size(struct rpl_clone *c, u64 nr_sectors)
{
	u64 nr_regions = rpl_region_count(nr_sectors, c->store->chunk_shift);
	u64 nr_pages = rpl_bitmap_pages(nr_regions);
	unsigned long *copied, *durable, *dirty;

	copied = kvcalloc(BITS_TO_LONGS(nr_regions), sizeof(long), GFP_KERNEL);
	durable = kvcalloc(BITS_TO_LONGS(nr_regions), sizeof(long), GFP_KERNEL);
	dirty = kvcalloc(BITS_TO_LONGS(nr_pages), sizeof(long), GFP_KERNEL);
	if (!copied || !durable || !dirty) {
		kvfree(copied);
		kvfree(durable);
		kvfree(dirty);
		return -ENOMEM;
	}
	spin_lock_irq(&c->lock);
	swap(c->copied, copied);
	swap(c->durable, durable);
	swap(c->dirty, dirty);
	c->nr_sectors = nr_sectors;
	c->nr_regions = nr_regions;
	c->copied_sectors = 0;
	c->durable_sectors = 0;
	c->gen++;
	spin_unlock_irq(&c->lock);
	kvfree(copied);
	kvfree(durable);
	kvfree(dirty);
	return 0;
}

/* Set clear bits of a run, count their sectors. clone->lock held. */
static void set_bits(struct rpl_clone *c, unsigned long *bits, u64 *sectors, struct rpl_run run)
{
	u32 shift = c->store->chunk_shift;
	u64 region;

	for (region = run.first; region < run.first + run.nr; region++) {
		if (test_bit(region, bits))
			continue;
		*sectors += rpl_run_sectors((struct rpl_run) { region, 1 }, c->nr_sectors, shift);
		set_bit(region, bits);
	}
}

static void queue_settle(struct rpl_clone *c)
{
	rpl_clone_get(c);
	if (!queue_work(c->store->ctl_wq, &c->settle_work))
		rpl_clone_put(c);
}

/* clone->lock held. */
static void settle_if_complete(struct rpl_clone *c)
{
	if (!rpl_clone_alive(c) || !c->readable || c->durable_sectors != c->nr_sectors)
		return;
	c->settling = true;
	queue_settle(c);
}

bool rpl_clone_mark_copied(struct rpl_clone *c, struct rpl_run run, u32 gen)
{
	unsigned long flags;
	bool last = false;

	spin_lock_irqsave(&c->lock, flags);
	if (!rpl_clone_alive(c) || c->gen != gen) {
		spin_unlock_irqrestore(&c->lock, flags);
		return false;
	}
	set_bits(c, c->copied, &c->copied_sectors, run);
	last = c->copied_sectors == c->nr_sectors;
	spin_unlock_irqrestore(&c->lock, flags);
	rpl_event_clone(c, RPL_EVENT_PROGRESS);
	return last;
}

void rpl_clone_mark_durable(struct rpl_clone *c, struct rpl_run run, u32 gen)
{
	unsigned long flags;
	u64 page;

	spin_lock_irqsave(&c->lock, flags);
	if (!rpl_clone_alive(c) || c->gen != gen) {
		spin_unlock_irqrestore(&c->lock, flags);
		return;
	}
	set_bits(c, c->durable, &c->durable_sectors, run);
	/* after the bits: a checkpoint clears this first, and then looks at them */
	smp_mb__before_atomic();
	for (page = div_u64(run.first, RPL_BITS_PER_PAGE);
	     page <= div_u64(run.first + run.nr - 1, RPL_BITS_PER_PAGE); page++)
		set_bit(page, c->dirty);
	if (!c->settling)
		settle_if_complete(c);
	spin_unlock_irqrestore(&c->lock, flags);
}

void rpl_clone_recheck(struct rpl_clone *c)
{
	spin_lock_irq(&c->lock);
	settle_if_complete(c);
	spin_unlock_irq(&c->lock);
}

/* clone->lock held. */
static void set_state(struct rpl_clone *c, enum rpl_state to)
{
	trace_rpl_clone_state(c->store->devt, c->id, c->state, to);
	WRITE_ONCE(c->state, to);
}

/* ---- failure ---- */

/* With a ref, which it has if this says true. clone->lock held. */
static bool start_grave(struct rpl_clone *c)
{
	return rpl_slice_queue(c->store->io_wq, &c->grave_work, &c->grave_left);
}

void rpl_clone_fail(struct rpl_clone *c, int error, const char *fmt, ...)
{
	unsigned long flags;
	va_list args;

	spin_lock_irqsave(&c->lock, flags);
	if (!rpl_clone_alive(c)) {
		spin_unlock_irqrestore(&c->lock, flags);
		return;
	}
	/* no later copy counts from here on (R39); source writes go on when that is recorded */
	WRITE_ONCE(c->failing, true);
	c->failed_gen = c->gen;
	if (rpl_state_may(c->state, RPL_STATE_FAILED))
		set_state(c, RPL_STATE_FAILED);
	c->error = error;
	va_start(args, fmt);
	vscnprintf(c->reason, sizeof(c->reason), fmt, args);
	va_end(args);
	c->grave_left = msecs_to_jiffies(max(rpl_clone_timeout_ms, RPL_GRACE_MIN_MS));
	rpl_clone_get(c);
	if (!start_grave(c))
		rpl_clone_put(c);
	spin_unlock_irqrestore(&c->lock, flags);
	rpl_commit_failed(c);
	DMWARN_LIMIT("clone %u of store %s failed: %s", c->id, c->store->name, c->reason);
}

void rpl_clone_release_writes(struct rpl_clone *c)
{
	struct bio_list held;

	spin_lock_irq(&c->lock);
	WRITE_ONCE(c->preserving, false);
	held = c->held;
	bio_list_init(&c->held);
	spin_unlock_irq(&c->lock);
	if (cancel_delayed_work(&c->grave_work))
		rpl_clone_put(c);
	rpl_ops_release(c);
	rpl_wake_all(c->store, &held);
	rpl_copier_update(c);
}

/* Of this generation, and not let go yet? */
static bool is_failing(struct rpl_clone *c, u32 gen)
{
	bool failing;

	spin_lock_irq(&c->lock);
	failing = c->failing && c->preserving && c->gen == gen && c->failed_gen == gen;
	spin_unlock_irq(&c->lock);
	return failing;
}

void rpl_clone_failed_durably(struct rpl_clone *c, u32 gen)
{
	if (!is_failing(c, gen))
		return;
	rpl_clone_release_writes(c);
	queue_settle(c);
}

/*
 * The store did not take the record in time, and the source must not wait any longer (I4). A power
 * cut now would bring the clone back; until the machine is off the store is not trusted again.
 */
static void grave_work(struct work_struct *work)
{
	struct rpl_clone *c = container_of(to_delayed_work(work), struct rpl_clone, grave_work);
	u32 gen = READ_ONCE(c->failed_gen);
	bool goes_on, started;

	spin_lock_irq(&c->lock);
	goes_on = c->failing && c->preserving && c->grave_left;
	started = goes_on && start_grave(c);
	spin_unlock_irq(&c->lock);
	if (goes_on) {
		/* else it has been started anew meanwhile, with a ref */
		if (!started)
			rpl_clone_put(c);
		return;
	}
	if (is_failing(c, gen)) {
		rpl_store_lost(c->store);
		rpl_store_fail(c->store, "it did not record the failure of a clone in time");
		rpl_clone_failed_durably(c, gen);
	}
	rpl_clone_put(c);
}

/* ---- settling ---- */

static int commit_locked(struct rpl_store *s, bool always)
{
	int r = -EIO;

	lockdep_assert_held(&s->cmd_mutex);
	if (READ_ONCE(s->mode) == RPL_STORE_MODE_OPEN && s->persist)
		r = rpl_persist_commit(s, always);
	if (r && READ_ONCE(s->mode) == RPL_STORE_MODE_OPEN)
		rpl_store_fail(s, "its metadata could not be written");
	return r;
}

int rpl_store_commit_locked(struct rpl_store *s)
{
	return commit_locked(s, false);
}

int rpl_store_commit(struct rpl_store *s)
{
	int r;

	mutex_lock(&s->persist_mutex);
	r = commit_locked(s, false);
	mutex_unlock(&s->persist_mutex);
	return r;
}

int rpl_store_commit_again(struct rpl_store *s)
{
	int r;

	mutex_lock(&s->persist_mutex);
	r = commit_locked(s, true);
	mutex_unlock(&s->persist_mutex);
	return r;
}

void rpl_clone_disarm(struct rpl_clone *c)
{
	struct rpl_store *s = c->store;
	struct rpl_volume *vol = c->vol;

	mutex_lock(&s->publish_mutex);
	if (c->in_view) {
		c->in_view = false;
		if (vol->slot != U32_MAX)
			rpl_epoch_refresh(s, &vol, 1);
	}
	mutex_unlock(&s->publish_mutex);
}

int rpl_clone_flush_target(struct rpl_clone *c)
{
	struct rpl_binding *dev;
	unsigned int failed;

	spin_lock_irq(&c->lock);
	dev = rpl_binding_use(c->dev);
	spin_unlock_irq(&c->lock);
	if (!dev)
		return -ENODEV;
	return rpl_flush(&dev, 1, rpl_flush_timeout_ms, &failed);
}

/* Every region is in the target: make it last, then say so (I6). */
static void settle_complete(struct rpl_clone *c)
{
	int r = rpl_clone_flush_target(c);

	/* its device went just now: its destructor flushes, or the next resume comes back */
	if (r == -ENODEV && !READ_ONCE(c->flushed))
		return;
	if (r && r != -ENODEV) {
		rpl_clone_fail(c, -r, "its target could not be flushed (error %d)", r);
		return;
	}
	spin_lock_irq(&c->lock);
	if (rpl_clone_alive(c) && rpl_state_may(c->state, RPL_STATE_SYNCHRONIZED)) {
		set_state(c, RPL_STATE_SYNCHRONIZED);
		WRITE_ONCE(c->whole, true);
		c->prior_state = 0;
	} else {
		r = -ECANCELED;
	}
	spin_unlock_irq(&c->lock);
	if (r)
		return;
	rpl_copier_update(c);
	r = rpl_store_commit(c->store);
	spin_lock_irq(&c->lock);
	if (r) {
		/* the copy is complete, but nobody will know after a restart */
		set_state(c, RPL_STATE_FAILED);
		c->error = EIO;
		strscpy(c->reason, "its completion could not be recorded in the store",
			sizeof(c->reason));
	} else {
		c->announced = true;
	}
	WRITE_ONCE(c->preserving, false);
	spin_unlock_irq(&c->lock);
	rpl_clone_disarm(c);
	rpl_event_clone(c, RPL_EVENT_STATE);
	rpl_event_group(c->group, RPL_EVENT_STATE);
}

static void settle_failed(struct rpl_clone *c)
{
	rpl_copier_update(c);
	rpl_clone_disarm(c);
	rpl_store_commit(c->store);
	rpl_event_clone(c, RPL_EVENT_STATE);
	if (c->group)
		rpl_event_group(c->group, RPL_EVENT_STATE);
}

void rpl_clone_settle(struct rpl_clone *c)
{
	bool complete, failed;

	spin_lock_irq(&c->lock);
	complete = c->settling && rpl_clone_alive(c);
	spin_unlock_irq(&c->lock);
	if (complete)
		settle_complete(c);
	spin_lock_irq(&c->lock);
	failed = c->state == RPL_STATE_FAILED && c->in_view && !c->preserving;
	spin_unlock_irq(&c->lock);
	if (failed)
		settle_failed(c);
}

static void settle_work(struct work_struct *work)
{
	struct rpl_clone *c = container_of(work, struct rpl_clone, settle_work);
	/* a source that waits for us may be what memory is to be written to */
	unsigned int flags = memalloc_noio_save();

	mutex_lock(&c->store->cmd_mutex);
	rpl_clone_settle(c);
	mutex_unlock(&c->store->cmd_mutex);
	memalloc_noio_restore(flags);
	rpl_clone_put(c);
}

struct rpl_clone *rpl_clone_new(struct rpl_store *s, u32 id, struct rpl_volume *vol)
{
	struct rpl_clone *c = kzalloc(sizeof(*c), GFP_KERNEL);

	if (!c)
		return NULL;
	kref_init(&c->kref);
	c->store = rpl_store_get(s);
	c->vol = rpl_volume_get(vol);
	c->id = id;
	c->kind = RPL_KIND_CLONE;
	c->state = RPL_STATE_PREPARED;
	INIT_LIST_HEAD(&c->list);
	INIT_LIST_HEAD(&c->group_list);
	INIT_LIST_HEAD(&c->vol_list);
	spin_lock_init(&c->lock);
	rpl_waker_init(&c->waker, rpl_clone_wake_work);
	INIT_WORK(&c->copy_work, rpl_copier_work);
	INIT_WORK(&c->settle_work, settle_work);
	INIT_DELAYED_WORK(&c->grave_work, grave_work);
	INIT_LIST_HEAD(&c->failed_list);
	bio_list_init(&c->held);
	init_waitqueue_head(&c->quiet);
	rpl_pace_init(&c->pace, 0, 0);
	rpl_progress_init(&c->progress);
	return c;
}

/* ---- commands ---- */

/* One step of a state, refused with a sentence if the table does not have it. cmd_mutex held. */
static int change_state(struct rpl_clone *c, enum rpl_state to, const char *verb,
			struct rpl_why *why)
{
	enum rpl_state from;
	int r = 0;

	spin_lock_irq(&c->lock);
	from = c->state;
	if (!rpl_state_may(from, to) || (c->settling && to == RPL_STATE_SUSPENDED)) {
		r = -EINVAL;
	} else {
		c->prior_state = to == RPL_STATE_SUSPENDED ? from : 0;
		set_state(c, to);
	}
	spin_unlock_irq(&c->lock);
	if (r)
		rpl_why(why, c->id, "clone %u is %s and cannot be %s", c->id, rpl_state_name(from),
			verb);
	return r;
}

/*
 * Record what change_state() and unlinking did, then let go of what does not need it any more:
 * source writes preserve until the end is durable (R20). If it cannot be recorded the store has
 * failed, and they are let go by the way of failures.
 */
static int record_change(struct rpl_clone *c, struct rpl_why *why)
{
	int r = rpl_store_commit(c->store);

	/* in both superblocks: should one be lost, the other must not bring it back */
	if (!r && READ_ONCE(c->preserving) && !rpl_state_unfinished(READ_ONCE(c->state)))
		r = rpl_store_commit_again(c->store);
	if (r) {
		rpl_why(why, c->id, "clone %u: the store could not record the change", c->id);
		rpl_clone_fail(c, EIO, "the store could not record a change of it");
	} else if (!rpl_state_unfinished(READ_ONCE(c->state))) {
		rpl_clone_release_writes(c);
		rpl_clone_disarm(c);
	}
	return r;
}

/* After change_state(): copier, commit, disarming, events. */
static int finish_change(struct rpl_clone *c, struct rpl_why *why)
{
	int r;

	rpl_copier_update(c);
	r = record_change(c, why);
	rpl_event_clone(c, RPL_EVENT_STATE);
	if (c->group)
		rpl_event_group(c->group, RPL_EVENT_STATE);
	return r;
}

static int check_open(struct rpl_store *s, struct rpl_why *why)
{
	if (READ_ONCE(s->mode) == RPL_STORE_MODE_OPEN)
		return 0;
	rpl_why(why, 0, "store %s is %s", s->name, rpl_store_mode_name(READ_ONCE(s->mode)));
	return -EIO;
}

static int simple_change(struct rpl_store *s, struct rpl_clone *c, enum rpl_state to,
			 const char *verb, struct rpl_why *why)
{
	int r;

	mutex_lock(&s->cmd_mutex);
	r = check_open(s, why);
	if (!r)
		r = change_state(c, to, verb, why);
	if (!r)
		r = finish_change(c, why);
	mutex_unlock(&s->cmd_mutex);
	return r;
}

int rpl_clone_suspend(struct rpl_store *s, struct rpl_clone *c, struct rpl_why *why)
{
	return simple_change(s, c, RPL_STATE_SUSPENDED, "suspended", why);
}

int rpl_clone_resume(struct rpl_store *s, struct rpl_clone *c, struct rpl_why *why)
{
	enum rpl_state to = READ_ONCE(c->prior_state) ?: RPL_STATE_COPYING;

	/* no state may go to prepared: refused with its name */
	if (READ_ONCE(c->state) != RPL_STATE_SUSPENDED)
		to = RPL_STATE_PREPARED;
	return simple_change(s, c, to, "resumed", why);
}

int rpl_clone_abort(struct rpl_store *s, struct rpl_clone *c, struct rpl_why *why)
{
	return simple_change(s, c, RPL_STATE_ABORTED, "aborted", why);
}

/* Out of the lists; its refs go. ctl_mutex held. True: the group is empty now. */
static bool unlink_clone(struct rpl_clone *c, struct rpl_group *g)
{
	list_del_init(&c->list);
	c->store->nr_clones--;
	list_del_init(&c->vol_list);
	if (c->kind == RPL_KIND_SNAPSHOT)
		atomic_dec(&c->vol->nr_snapshots);
	if (!g)
		return false;
	list_del_init(&c->group_list);
	if (--g->nr_clones)
		return false;
	list_del_init(&g->list);
	c->store->nr_groups--;
	return true;
}

void rpl_clone_unlink(struct rpl_clone *c)
{
	struct rpl_store *s = c->store;
	struct rpl_group *g = NULL;
	bool last = false, linked;

	mutex_lock(&s->ctl_mutex);
	linked = !list_empty(&c->list);
	if (linked) {
		g = c->group;
		last = unlink_clone(c, g);
	}
	mutex_unlock(&s->ctl_mutex);
	if (last) {
		rpl_event_group(g, RPL_EVENT_REMOVED);
		rpl_group_put(g); /* the registry's; the clone keeps its own */
	}
	if (linked)
		rpl_clone_put(c);
}

int rpl_clone_detach(struct rpl_store *s, struct rpl_clone *c, bool force, struct rpl_why *why)
{
	enum rpl_state state;
	bool settling;
	int r;

	mutex_lock(&s->cmd_mutex);
	r = check_open(s, why);
	if (r)
		goto out;
	spin_lock_irq(&c->lock);
	state = c->state;
	settling = c->settling && c->preserving;
	spin_unlock_irq(&c->lock);
	if (settling) {
		/* complete, but the work that says so has not run yet */
		rpl_clone_settle(c);
		state = READ_ONCE(c->state);
	}
	if (rpl_state_unfinished(state) && !force) {
		rpl_why(why, c->id, "clone %u is %s: abort it first, or detach it with force",
			c->id, rpl_state_name(state));
		r = -EBUSY;
		goto out;
	}
	r = change_state(c, RPL_STATE_DETACHED, "detached", why);
	if (r)
		goto out;
	rpl_copier_update(c);
	rpl_clone_get(c);
	rpl_clone_unlink(c);
	r = record_change(c, why);
	rpl_volume_drop_unused(s, c->vol);
	rpl_event_clone(c, RPL_EVENT_REMOVED);
	rpl_clone_put(c);
out:
	mutex_unlock(&s->cmd_mutex);
	return r;
}

int rpl_clone_set_rate(struct rpl_store *s, struct rpl_clone *c, u64 min_bytes_s, u64 max_bytes_s,
		       struct rpl_why *why)
{
	int r;

	if (max_bytes_s && min_bytes_s > max_bytes_s) {
		rpl_why(why, c->id, "clone %u: the least rate is above the greatest", c->id);
		return -EINVAL;
	}
	mutex_lock(&s->cmd_mutex);
	r = check_open(s, why);
	if (!r) {
		spin_lock_irq(&c->lock);
		c->min_bytes_s = min_bytes_s;
		c->max_bytes_s = max_bytes_s;
		rpl_pace_limits(&c->pace, min_bytes_s, max_bytes_s);
		spin_unlock_irq(&c->lock);
		r = rpl_store_commit(s);
		if (r)
			rpl_why(why, c->id, "clone %u: the store could not record the change",
				c->id);
		rpl_event_clone(c, RPL_EVENT_STATE);
	}
	mutex_unlock(&s->cmd_mutex);
	return r;
}

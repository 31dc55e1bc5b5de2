// SPDX-License-Identifier: GPL-2.0-only
/*
 * The background copier: one work per clone on store->bg_wq, started by the end of a job or of an
 * op, and by the pacing tick of the store. clone->lock guards its cursor, jobs in flight and
 * tokens. It copies only what no op owns, and it has a floor that no foreground takes away (R50).
 */
#define DM_MSG_PREFIX "replica"

#include "clone.h"
#include "commit.h"
#include "compat.h"
#include "op.h"
#include "store.h"

#define JOB_SECTORS_FAST (SZ_1M >> SECTOR_SHIFT)
#define JOB_SECTORS_SLOW (SZ_256K >> SECTOR_SHIFT) /* a write that meets it waits less */
#define FAST_BYTES_S	 (64ULL << 20)

/* The next uncopied stretch from the cursor on, inside a window. .nr 0: none. clone->lock held. */
static struct rpl_run next_run(struct rpl_clone *c)
{
	u32 shift = c->store->chunk_shift;
	u64 most = (c->pace.rate_bytes_s >= FAST_BYTES_S ? JOB_SECTORS_FAST : JOB_SECTORS_SLOW) >>
		   shift;
	struct rpl_run run = { .first = c->cursor };
	u64 rest;

	run.first = find_next_zero_bit(c->copied, c->nr_regions, c->cursor);
	if (run.first >= c->nr_regions)
		return run;
	rest = rpl_window_rest(run.first << shift, RPL_WINDOW_SHIFT) >> shift;
	run.nr = min3(max(most, 1ULL), max(rest, 1ULL), c->nr_regions - run.first);
	run.nr = rpl_run_same(c->copied, run);
	return run;
}

/* One job, or one step past what has an owner. False: nothing more to do for now. */
static bool copy_one(struct rpl_clone *c, bool *wrapped)
{
	struct rpl_run run;
	u64 bytes;
	int r;

	spin_lock_irq(&c->lock);
	if (!c->copier_on)
		goto stop;
	run = next_run(c);
	if (!run.nr) {
		if (*wrapped)
			goto stop;
		*wrapped = true;
		c->cursor = 0;
		spin_unlock_irq(&c->lock);
		return true;
	}
	bytes = rpl_run_sectors(run, c->nr_sectors, c->store->chunk_shift) << SECTOR_SHIFT;
	if (!rpl_pace_take(&c->pace, c->inflight, bytes))
		goto stop;
	c->inflight++;
	c->cursor = run.first + run.nr;
	spin_unlock_irq(&c->lock);

	r = rpl_op_copy(c, &run);
	if (!r)
		return true;
	spin_lock_irq(&c->lock);
	rpl_pace_give_back(&c->pace, bytes);
	c->cursor = r == -EBUSY ? run.first + run.nr : run.first;
	if (!--c->inflight)
		wake_up_all(&c->quiet);
	spin_unlock_irq(&c->lock);
	return r == -EBUSY;

stop:
	spin_unlock_irq(&c->lock);
	return false;
}

void rpl_copier_work(struct work_struct *work)
{
	struct rpl_clone *c = container_of(work, struct rpl_clone, copy_work);
	bool wrapped = false;

	while (copy_one(c, &wrapped))
		cond_resched();
}

void rpl_copier_op_ended(struct rpl_clone *c, bool own)
{
	unsigned long flags;

	spin_lock_irqsave(&c->lock, flags);
	if (c->copier_on)
		queue_work(c->store->bg_wq, &c->copy_work);
	if (own && !--c->inflight)
		wake_up_all(&c->quiet);
	spin_unlock_irqrestore(&c->lock, flags);
}

/* clone->lock held: may the copier run now? */
static bool may_run(struct rpl_clone *c)
{
	return c->dev && c->resumed && rpl_clone_alive(c) && c->readable &&
	       c->state == RPL_STATE_COPYING;
}

void rpl_copier_update(struct rpl_clone *c)
{
	unsigned long flags;

	spin_lock_irqsave(&c->lock, flags);
	if (may_run(c) && !c->copier_on) {
		c->copier_on = true;
		c->cursor = 0;
		rpl_pace_restart(&c->pace, c->min_bytes_s, c->max_bytes_s);
		rpl_progress_init(&c->progress);
		queue_work(c->store->bg_wq, &c->copy_work);
		mod_delayed_work(c->store->bg_wq, &c->store->pace_work, 0);
	} else if (c->copier_on && !may_run(c)) {
		c->copier_on = false;
	}
	spin_unlock_irqrestore(&c->lock, flags);
}

void rpl_copier_quiesce(struct rpl_clone *c)
{
	/* after ->resumed or ->state forbids new jobs: what runs, ends; nothing new is started */
	cancel_work_sync(&c->copy_work);
	wait_event(c->quiet, !READ_ONCE(c->inflight));
	/* what is copied is recorded soon: who takes the device away waits for it */
	rpl_commit_kick(c->store);
}

/* ---- pacing ---- */

/* Requests that the users of a table's device have in flight. -1: not counted. */
static int foreground(struct rpl_binding *dev)
{
	return rpl_disk_inflight(dm_disk(dm_table_get_md(dev->ti->table)));
}

static bool pace_clone(struct rpl_clone *c, u64 dt_ns, u64 now_ns)
{
	struct rpl_volume *vol = c->vol;
	int own = 0, source = 0;
	bool on;

	spin_lock_irq(&vol->lock);
	if (vol->dev)
		source = foreground(vol->dev);
	spin_unlock_irq(&vol->lock);

	spin_lock_irq(&c->lock);
	on = c->copier_on;
	if (on) {
		own = foreground(c->dev);
		rpl_pace_tick(&c->pace, dt_ns, max(own, 0) + max(source, 0),
			      own >= 0 && source >= 0);
		rpl_progress_feed(&c->progress, now_ns, c->copied_sectors << SECTOR_SHIFT);
		queue_work(c->store->bg_wq, &c->copy_work);
	}
	spin_unlock_irq(&c->lock);
	return on;
}

/* Runs while any clone copies, and only then. */
void rpl_pace_work(struct work_struct *work)
{
	struct rpl_store *s = container_of(to_delayed_work(work), struct rpl_store, pace_work);
	u64 now_ns = ktime_get_ns();
	u64 dt_ns = now_ns - s->pace_ns;
	struct rpl_clone *c;
	bool any = false;

	s->pace_ns = now_ns;
	mutex_lock(&s->ctl_mutex);
	list_for_each_entry(c, &s->clones, list)
		any |= pace_clone(c, dt_ns, now_ns);
	mutex_unlock(&s->ctl_mutex);
	if (any)
		queue_delayed_work(s->bg_wq, &s->pace_work, msecs_to_jiffies(RPL_PACE_TICK_MS));
}

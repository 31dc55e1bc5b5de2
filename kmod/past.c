// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arms and bits, see past.h. An arm's failure goes the way of a clone's: nothing more is kept at
 * once, but the source writes that would destroy what its snapshots lack go on waiting until the
 * loss is recorded; a store that does not take the record delays them by clone_timeout_ms once
 * more, not longer (I4).
 */
#define DM_MSG_PREFIX "replica"

#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "clone.h"
#include "commit.h"
#include "op.h"
#include "past.h"
#include "snap.h"
#include "standstill.h"
#include "store.h"

struct rpl_bits *rpl_bits_new(u64 nr_chunks)
{
	struct rpl_bits *b;

	b = kvzalloc(struct_size(b, map, BITS_TO_LONGS(nr_chunks)), GFP_KERNEL);
	if (!b)
		return NULL;
	kref_init(&b->kref);
	b->nr = nr_chunks;
	return b;
}

struct rpl_bits *rpl_bits_get(struct rpl_bits *b)
{
	kref_get(&b->kref);
	return b;
}

static void bits_release(struct kref *kref)
{
	kvfree(container_of(kref, struct rpl_bits, kref));
}

void rpl_bits_put(struct rpl_bits *b)
{
	if (b)
		kref_put(&b->kref, bits_release);
}

struct rpl_arm *rpl_arm_get(struct rpl_arm *a)
{
	kref_get(&a->kref);
	return a;
}

static void arm_release(struct kref *kref)
{
	struct rpl_arm *a = container_of(kref, struct rpl_arm, kref);

	rpl_volume_put(a->vol);
	kfree(a);
}

void rpl_arm_put(struct rpl_arm *a)
{
	if (a)
		kref_put(&a->kref, arm_release);
}

/* With a ref, which it has if this says true. arm->lock held. */
static bool start_grave(struct rpl_arm *a)
{
	return rpl_slice_queue(a->vol->store->io_wq, &a->grave_work, &a->grave_left);
}

void rpl_arm_start_grave(struct rpl_arm *a)
{
	lockdep_assert_held(&a->lock);
	a->grave_left = msecs_to_jiffies(max(rpl_clone_timeout_ms, RPL_GRACE_MIN_MS));
	rpl_arm_get(a);
	if (!start_grave(a))
		rpl_arm_put(a);
}

void rpl_arm_fail(struct rpl_arm *a, int error, const char *fmt, ...)
{
	struct rpl_store *s = a->vol->store;
	unsigned long flags;
	va_list args;

	spin_lock_irqsave(&a->lock, flags);
	if (!rpl_arm_alive(a)) {
		spin_unlock_irqrestore(&a->lock, flags);
		return;
	}
	WRITE_ONCE(a->failing, true);
	a->error = error;
	va_start(args, fmt);
	vscnprintf(a->reason, sizeof(a->reason), fmt, args);
	va_end(args);
	/* writes that wait for a loss do not wait for this one as long again */
	if (!a->losing)
		rpl_arm_start_grave(a);
	spin_unlock_irqrestore(&a->lock, flags);
	rpl_commit_arm_failed(a);
	rpl_starved_kick(s);
	DMWARN_LIMIT("snapshots of volume %u of store %s are lost: %s", a->vol->id, s->name,
		     a->reason);
}

void rpl_arm_release_writes(struct rpl_arm *a)
{
	struct rpl_store *s = a->vol->store;
	struct bio_list held;

	spin_lock_irq(&a->lock);
	/* before any write goes: a read that saw it do so must see this (R19) */
	WRITE_ONCE(a->preserving, false);
	held = a->held;
	bio_list_init(&a->held);
	spin_unlock_irq(&a->lock);
	if (cancel_delayed_work(&a->grave_work))
		rpl_arm_put(a);
	rpl_ops_release_arm(a);
	rpl_wake_all(s, &held);
}

static bool is_failing(struct rpl_arm *a)
{
	bool failing;

	spin_lock_irq(&a->lock);
	failing = a->failing && a->preserving;
	spin_unlock_irq(&a->lock);
	return failing;
}

void rpl_arm_failed_durably(struct rpl_arm *a)
{
	if (!is_failing(a))
		return;
	rpl_arm_release_writes(a);
	rpl_arm_get(a);
	if (!queue_work(a->vol->store->ctl_wq, &a->settle_work))
		rpl_arm_put(a);
}

/*
 * The store did not take the record in time, and the source must not wait any longer (I4). A power
 * cut now would bring the snapshots back; until the machine is off the store is not trusted again.
 */
static void grave_work(struct work_struct *work)
{
	struct rpl_arm *a = container_of(to_delayed_work(work), struct rpl_arm, grave_work);
	bool late, goes_on, started;

	spin_lock_irq(&a->lock);
	late = a->preserving && (a->losing || a->failing);
	goes_on = late && a->grave_left;
	started = goes_on && start_grave(a);
	spin_unlock_irq(&a->lock);
	if (goes_on) {
		/* else it has been started anew meanwhile, with a ref */
		if (!started)
			rpl_arm_put(a);
		return;
	}
	if (late) {
		rpl_store_lost(a->vol->store);
		rpl_store_fail(a->vol->store, "it did not record the loss of snapshots in time");
		rpl_arm_fail(a, EIO, "their loss could not be recorded in time");
		rpl_arm_failed_durably(a);
	}
	rpl_arm_put(a);
}

static void settle_work(struct work_struct *work)
{
	struct rpl_arm *a = container_of(work, struct rpl_arm, settle_work);
	unsigned int flags = memalloc_noio_save();

	rpl_snaps_settle_lost(a);
	memalloc_noio_restore(flags);
	rpl_arm_put(a);
}

struct rpl_arm *rpl_arm_new(struct rpl_volume *vol)
{
	struct rpl_arm *a = kzalloc(sizeof(*a), GFP_KERNEL);

	if (!a)
		return NULL;
	kref_init(&a->kref);
	a->vol = rpl_volume_get(vol);
	spin_lock_init(&a->lock);
	a->preserving = true;
	bio_list_init(&a->held);
	INIT_LIST_HEAD(&a->failed_list);
	INIT_DELAYED_WORK(&a->grave_work, grave_work);
	INIT_WORK(&a->settle_work, settle_work);
	rpl_arm_init_loss(a);
	return a;
}

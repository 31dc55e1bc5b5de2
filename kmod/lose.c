// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loss of those snapshots of a volume that need a chunk which cannot be kept, and of no others
 * (shortage.h): the store is full, could not be written, or its map has no room. All of an arm's
 * snapshots fail the way of past.c.
 *
 * rpl_arm_lose() -> choose_work(): which -> record durable (commit.c) -> lost_work(): they are
 * failed, the newest is lowered in a published view -> source writes are mapped again. Until then
 * they wait in arm->held. It is as if the lost ones had been deleted (R20): what was filed stays
 * (R21), and the bits stay, too (R14). One loss of an arm at a time; what needs another one asks
 * again after it, so writes wait for as many records as the volume has snapshots, at worst.
 *
 * No command waits for us, nor we for any: publish_mutex and ctl_mutex are taken, cmd_mutex is not.
 */
#define DM_MSG_PREFIX "replica"

#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "clone.h"
#include "commit.h"
#include "control.h"
#include "epoch.h"
#include "op.h"
#include "past.h"
#include "snap.h"
#include "trace.h"

/* ---- asking ---- */

void rpl_arm_lose(struct rpl_arm *a, u64 chunk, u32 prev, u32 newest, int error, const char *reason)
{
	struct rpl_store *s = a->vol->store;
	unsigned long flags;

	spin_lock_irqsave(&a->lock, flags);
	if (!rpl_arm_alive(a) || a->losing) {
		spin_unlock_irqrestore(&a->lock, flags);
		return;
	}
	WRITE_ONCE(a->losing, true);
	a->chosen = false;
	a->loss = (struct rpl_loss) { .above = prev, .to = newest };
	a->lost_chunk = chunk;
	a->error = error;
	strscpy(a->reason, reason, sizeof(a->reason));
	rpl_arm_start_grave(a);
	rpl_arm_get(a);
	if (!queue_work(s->io_wq, &a->choose_work))
		rpl_arm_put(a);
	spin_unlock_irqrestore(&a->lock, flags);
}

bool rpl_arm_keeps(struct rpl_arm *a, u64 point)
{
	unsigned long flags;
	bool keeps;

	spin_lock_irqsave(&a->lock, flags);
	keeps = rpl_arm_alive(a) && !(a->losing && a->chosen && rpl_loss_has(&a->loss, point));
	spin_unlock_irqrestore(&a->lock, flags);
	return keeps;
}

/* ---- which ---- */

static int cmp_tag(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

static bool is_of(const struct rpl_arm *a, const struct rpl_clone *c)
{
	return c->kind == RPL_KIND_SNAPSHOT && c->arm == a && c->in_view;
}

/* A volume that has grown has older snapshots that end before the chunk: they do not need it. */
static bool ends_before(const struct rpl_clone *c, u64 chunk)
{
	return rpl_region_count(c->nr_sectors, c->store->chunk_shift) <= chunk;
}

/* They are older than the first one that does. ctl_mutex held. */
static void spare_shorter(struct rpl_arm *a, const struct rpl_clone *first, struct rpl_loss *need)
{
	struct rpl_clone *c;

	list_for_each_entry(c, &a->vol->clones, vol_list)
		if (is_of(a, c) && ends_before(c, a->lost_chunk) && c->point < first->point)
			need->above = max_t(u32, need->above, c->point);
}

/*
 * Tags of the arm's snapshots that are not lost and have the chunk, those in creation too,
 * increasing; of them *need it. *oldest: the first one that does, with a reference, if nobody reads
 * it. tags NULL: there is no memory for them, what is needed is found all the same.
 */
static u32 tags_of(struct rpl_arm *a, struct rpl_loss *need, u32 *tags, struct rpl_clone **oldest)
{
	struct rpl_store *s = a->vol->store;
	struct rpl_clone *c, *first = NULL;
	u32 nr = 0;

	mutex_lock(&s->ctl_mutex);
	list_for_each_entry(c, &a->vol->clones, vol_list) {
		if (!is_of(a, c) || ends_before(c, a->lost_chunk) || nr == RPL_SNAPSHOTS_MAX)
			continue;
		if (tags)
			tags[nr++] = c->point;
		if (rpl_loss_has(need, c->point) && (!first || c->point < first->point))
			first = c;
	}
	if (first)
		spare_shorter(a, first, need);
	if (first && rpl_snap_valid(first) && !first->nr_tables)
		*oldest = rpl_clone_get(first);
	mutex_unlock(&s->ctl_mutex);
	sort(tags, nr, sizeof(*tags), cmp_tag, NULL);
	return nr;
}

/*
 * Without memory for the list: all that need it, though of a full store the oldest alone might do.
 * False: nobody needs it any more.
 */
static bool choose(struct rpl_arm *a, struct rpl_loss *loss)
{
	struct rpl_store *s = a->vol->store;
	u32 *tags = kmalloc_array(RPL_SNAPSHOTS_MAX, sizeof(*tags), GFP_NOIO | __GFP_NOWARN);
	struct rpl_loss need = a->loss;
	struct rpl_clone *oldest = NULL;
	bool frees = false, any = true;
	u32 nr;

	nr = tags_of(a, &need, tags, &oldest);
	*loss = need;
	if (!tags)
		goto out;
	/* more than half of what a source write may wait is not spent on looking */
	if (oldest && a->error == ENOSPC)
		frees = rpl_scan_frees(s, oldest,
				       jiffies + msecs_to_jiffies(rpl_clone_timeout_ms / 2));
	any = rpl_loss_choose(tags, nr, need.above, need.to, frees, loss);
out:
	if (oldest)
		rpl_clone_put(oldest);
	kfree(tags);
	return any;
}

static void choose_work(struct work_struct *work)
{
	struct rpl_arm *a = container_of(work, struct rpl_arm, choose_work);
	unsigned int flags = memalloc_noio_save();
	struct rpl_loss loss;
	bool any = choose(a, &loss) && loss.above < loss.to;

	spin_lock_irq(&a->lock);
	/* nobody needs it: the view is of before, or could not be published then */
	a->partly = any && loss.to != a->loss.to;
	a->loss = any ? loss : (struct rpl_loss) {};
	a->chosen = true;
	spin_unlock_irq(&a->lock);
	rpl_commit_arm_failed(a);
	memalloc_noio_restore(flags);
	rpl_arm_put(a);
}

/* ---- the record: commit.c ---- */

bool rpl_arm_filed(struct rpl_arm *a, struct rpl_loss *loss, int *error)
{
	spin_lock_irq(&a->lock);
	a->filed = RPL_FILED_NONE;
	*error = a->error ?: EIO;
	if (a->failing) {
		a->filed = RPL_FILED_ALL;
		*loss = (struct rpl_loss) { .above = 0, .to = READ_ONCE(a->newest) };
	} else if (a->losing && a->chosen) {
		a->filed = RPL_FILED_SOME;
		*loss = a->loss;
	}
	spin_unlock_irq(&a->lock);
	return a->filed != RPL_FILED_NONE && loss->to;
}

void rpl_arm_recorded(struct rpl_arm *a, bool recorded)
{
	if (!recorded) {
		/* the store has failed, and says so if it can */
		rpl_arm_fail(a, EIO, "the store could not record a loss");
		rpl_arm_failed_durably(a);
		return;
	}
	if (a->filed == RPL_FILED_ALL) {
		rpl_arm_failed_durably(a);
		return;
	}
	if (a->filed == RPL_FILED_SOME) {
		rpl_arm_get(a);
		if (!queue_work(a->vol->store->io_wq, &a->lost_work))
			rpl_arm_put(a);
	}
	/* while the batch had it in its list it could not come into the next one's */
	if (!rpl_arm_alive(a))
		rpl_commit_arm_failed(a);
}

/* ---- its end ---- */

/* ctl_mutex and publish_mutex held. */
static void mark_lost(struct rpl_arm *a)
{
	struct rpl_store *s = a->vol->store;
	struct rpl_clone *c;

	list_for_each_entry(c, &a->vol->clones, vol_list) {
		if (c->kind != RPL_KIND_SNAPSHOT || c->arm != a ||
		    !rpl_loss_has(&a->loss, c->point))
			continue;
		c->in_view = false;
		spin_lock_irq(&c->lock);
		/* one in creation: its command sees that */
		WRITE_ONCE(c->failing, true);
		c->error = a->error;
		strscpy(c->reason, a->reason, sizeof(c->reason));
		if (c->state == RPL_STATE_SYNCHRONIZED) {
			trace_rpl_clone_state(s->devt, c->id, c->state, RPL_STATE_FAILED);
			/* before any write goes: a read that saw it do so must see this (R19) */
			WRITE_ONCE(c->state, RPL_STATE_FAILED);
			DMWARN_LIMIT("snapshot %u of volume %u of store %s is lost: %s", c->id,
				     a->vol->id, s->name, c->reason);
		}
		spin_unlock_irq(&c->lock);
		rpl_event_clone(c, RPL_EVENT_STATE);
		if (c->group)
			rpl_event_group(c->group, RPL_EVENT_STATE);
	}
}

/* Source writes go on, unless all the others are lost meanwhile: then that lets them go. */
static void let_go(struct rpl_arm *a)
{
	struct bio_list held = BIO_EMPTY_LIST;
	bool cancelled = false;

	spin_lock_irq(&a->lock);
	WRITE_ONCE(a->losing, false);
	if (!a->failing) {
		cancelled = cancel_delayed_work(&a->grave_work);
		held = a->held;
		bio_list_init(&a->held);
	}
	spin_unlock_irq(&a->lock);
	if (cancelled)
		rpl_arm_put(a);
	rpl_wake_all(a->vol->store, &held);
}

/* Recorded. The writes still wait, for space: as long again, should the store hang there (I4). */
static void recorded(struct rpl_arm *a)
{
	spin_lock_irq(&a->lock);
	if (!a->failing)
		rpl_arm_start_grave(a);
	spin_unlock_irq(&a->lock);
}

/*
 * A view that does not name the lost ones. Without memory for it all the others would be lost, too:
 * so it is tried again, for as long as a source write may wait for a record.
 */
static int publish(struct rpl_volume *vol)
{
	unsigned long end = jiffies + msecs_to_jiffies(rpl_clone_timeout_ms);
	struct rpl_store *s = vol->store;
	int r;

	for (;;) {
		r = vol->slot == U32_MAX ? 0 : rpl_epoch_publish(s, &vol, 1, NULL);
		if (r != -ENOMEM || time_after(jiffies, end))
			return r;
		mutex_unlock(&s->publish_mutex);
		memalloc_retry_wait(GFP_NOIO);
		mutex_lock(&s->publish_mutex);
	}
}

static void settle(struct rpl_arm *a)
{
	struct rpl_volume *vol = a->vol;
	struct rpl_store *s = vol->store;
	struct rpl_arm *gone = NULL;
	int r;

	mutex_lock(&s->publish_mutex);
	mutex_lock(&s->ctl_mutex);
	mark_lost(a);
	mutex_unlock(&s->ctl_mutex);
	if (vol->arm == a)
		gone = rpl_volume_disarm(vol);
	r = publish(vol);
	mutex_unlock(&s->publish_mutex);
	if (gone) {
		/* a failure leaves a view with an arm that preserves nothing: harmless */
		rpl_arm_release_writes(gone);
		rpl_arm_put(gone);
	} else if (r) {
		rpl_arm_fail(a, -r, "no memory to go on without a lost snapshot");
	}
}

static void lost_work(struct work_struct *work)
{
	struct rpl_arm *a = container_of(work, struct rpl_arm, lost_work);
	struct rpl_store *s = a->vol->store;
	unsigned int flags = memalloc_noio_save();

	recorded(a);
	settle(a);
	/* the oldest one went for the sake of its space: writes find it there */
	if (a->partly)
		rpl_scan_for_space(s, jiffies + msecs_to_jiffies(rpl_clone_timeout_ms / 2));
	let_go(a);
	rpl_scan_kick(s);
	memalloc_noio_restore(flags);
	rpl_arm_put(a);
}

void rpl_arm_init_loss(struct rpl_arm *a)
{
	INIT_WORK(&a->choose_work, choose_work);
	INIT_WORK(&a->lost_work, lost_work);
}

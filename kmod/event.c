// SPDX-License-Identifier: GPL-2.0-only
/*
 * Telling what changed. The data plane calls rpl_event_*() from any context; one work turns that
 * into netlink messages and dm events. Progress is told at most four times a second for each
 * object and shows the latest counters. Everything else is told always, and a clone's states each
 * with a message of its own, in order, even if several passed before the work ran.
 *
 * Lock: notify_lock (irq safe, innermost) guards the queue and all rpl_notify. A queued object has
 * one reference for its place in the queue.
 */
#include <linux/bitops.h>
#include <linux/spinlock.h>
#include <linux/ktime.h>
#include "control.h"
#include "control-int.h"

#define PROGRESS_INTERVAL (HZ / 4)
#define ONLY_PROGRESS	  BIT(RPL_EVENT_PROGRESS)

enum notify_kind {
	KIND_STORE = 1,
	KIND_CLONE,
	KIND_GROUP
};

static void notify_run(struct work_struct *work);

static DEFINE_SPINLOCK(notify_lock);
static LIST_HEAD(notify_queue);
static DECLARE_DELAYED_WORK(notify_work, notify_run);
static struct workqueue_struct *notify_wq;
static atomic_t changes = ATOMIC_INIT(1);
static u64 last_seq; /* of all changes; notify_lock */
static bool closed; /* the module ends: what is queued is due, nothing new is; notify_lock */

unsigned int rpl_event_changes(void)
{
	unsigned int n = atomic_read(&changes);

	return n ?: 1; /* 0 means "not consistent at all" to netlink */
}

/*
 * Put n in the queue; true if it was not there, and the caller's reference went to the queue. The
 * work is armed under the lock, so that nothing arms it once `closed` is set.
 */
static bool notify(struct rpl_notify *n, enum notify_kind kind, enum rpl_event what, u8 state)
{
	unsigned long due, flags;
	bool fresh = false;

	if (what != RPL_EVENT_PROGRESS)
		atomic_inc(&changes);
	spin_lock_irqsave(&notify_lock, flags);
	n->seq = ++last_seq;
	if (closed)
		goto out;
	fresh = !n->what;
	n->what |= BIT(what);
	n->kind = kind;
	if (state && (!n->nr_states || n->states[n->nr_states - 1] != state)) {
		/* More states than fit, in a few milliseconds: the middle ones go. */
		if (n->nr_states == ARRAY_SIZE(n->states))
			n->nr_states--;
		n->state_seqs[n->nr_states] = n->seq;
		n->states[n->nr_states++] = state;
	}
	if (fresh)
		list_add_tail(&n->link, &notify_queue);
	due = n->sent_jiffies + PROGRESS_INTERVAL;
	if (n->what != ONLY_PROGRESS || !time_before(jiffies, due))
		mod_delayed_work(notify_wq, &notify_work, 0);
	else if (fresh)
		queue_delayed_work(notify_wq, &notify_work, due - jiffies);
out:
	spin_unlock_irqrestore(&notify_lock, flags);
	return fresh;
}

void rpl_event_store(struct rpl_store *s, enum rpl_event what)
{
	rpl_store_get(s);
	if (!notify(&s->notify, KIND_STORE, what, 0))
		rpl_store_put(s);
}

void rpl_event_clone(struct rpl_clone *c, enum rpl_event what)
{
	u8 state = what == RPL_EVENT_PROGRESS ? 0 : READ_ONCE(c->state);

	rpl_clone_get(c);
	if (!notify(&c->notify, KIND_CLONE, what, state))
		rpl_clone_put(c);
}

void rpl_event_group(struct rpl_group *g, enum rpl_event what)
{
	rpl_group_get(g);
	if (!notify(&g->notify, KIND_GROUP, what, 0))
		rpl_group_put(g);
}

/* Waiters at the store's dm device (dmsetup wait). */
static void wake_waiters(struct rpl_store *s)
{
	mutex_lock(&s->bind_lock);
	if (s->ti)
		dm_table_event(s->ti->table);
	mutex_unlock(&s->bind_lock);
}

/* The one word for what happened; a removal is told last, whatever else happened. */
static enum rpl_event strongest(unsigned long what)
{
	if (what & BIT(RPL_EVENT_REMOVED))
		return RPL_EVENT_REMOVED;
	if (what & BIT(RPL_EVENT_CREATED))
		return RPL_EVENT_CREATED;
	return what & BIT(RPL_EVENT_STATE) ? RPL_EVENT_STATE : RPL_EVENT_PROGRESS;
}

/*
 * Each state with the sequence number of its own, so that a reader who drops what is not newer
 * drops none of them. The last one comes with all that is true now, but never with a number that
 * was given after n was taken from the queue: the next message has that one.
 */
static void tell_clone(struct rpl_clone *c, const struct rpl_notify *n)
{
	enum rpl_event what, last = strongest(n->what);
	u8 i;

	for (i = 0; i + 1 < n->nr_states; i++) {
		what = RPL_EVENT_STATE;
		if (i == 0 && (n->what & BIT(RPL_EVENT_CREATED)))
			what = RPL_EVENT_CREATED;
		rpl_nl_send_clone(c, what, n->states[i], n->state_seqs[i]);
	}
	if (n->nr_states > 1 && last == RPL_EVENT_CREATED)
		last = RPL_EVENT_STATE; /* created has been told */
	rpl_nl_send_clone(c, last, n->nr_states ? n->states[n->nr_states - 1] : 0, n->seq);
}

/* Tell what is in n (a copy made under the lock) and give the queue's reference back. */
static void tell(struct rpl_notify *of, const struct rpl_notify *n)
{
	bool lasting = n->what != ONLY_PROGRESS;

	if (n->kind == KIND_STORE) {
		struct rpl_store *s = container_of(of, struct rpl_store, notify);

		rpl_nl_send_store(s, strongest(n->what), n->seq);
		if (lasting)
			wake_waiters(s);
		rpl_store_put(s);
	} else if (n->kind == KIND_CLONE) {
		struct rpl_clone *c = container_of(of, struct rpl_clone, notify);

		tell_clone(c, n);
		if (lasting)
			wake_waiters(c->store);
		rpl_clone_put(c);
	} else {
		struct rpl_group *g = container_of(of, struct rpl_group, notify);

		rpl_nl_send_group(g, strongest(n->what), n->seq);
		rpl_group_put(g);
	}
}

/* The next one that is due, taken from the queue with a copy of what to tell; else NULL. */
static struct rpl_notify *take_due(struct rpl_notify *copy, unsigned long *delay)
{
	struct rpl_notify *n;
	unsigned long flags;

	*delay = PROGRESS_INTERVAL;
	spin_lock_irqsave(&notify_lock, flags);
	list_for_each_entry(n, &notify_queue, link) {
		unsigned long due = n->sent_jiffies + PROGRESS_INTERVAL;

		if (n->what == ONLY_PROGRESS && time_before(jiffies, due) && !closed) {
			*delay = min(*delay, due - jiffies);
			continue;
		}
		list_del(&n->link);
		*copy = *n;
		n->what = 0;
		n->nr_states = 0;
		n->sent_jiffies = jiffies;
		spin_unlock_irqrestore(&notify_lock, flags);
		return n;
	}
	if (list_empty(&notify_queue) || closed)
		*delay = 0;
	spin_unlock_irqrestore(&notify_lock, flags);
	return NULL;
}

static void notify_run(struct work_struct *work)
{
	struct rpl_notify *n, copy;
	unsigned long delay;

	while ((n = take_due(&copy, &delay)))
		tell(n, &copy);
	if (delay)
		queue_delayed_work(notify_wq, &notify_work, delay);
}

int rpl_event_init(void)
{
	/* Above all numbers of an earlier load of the module, unless the clock was set back. */
	last_seq = (u64)ktime_get_real_seconds() << 24;
	notify_wq = alloc_ordered_workqueue("rpl_events", 0);
	return notify_wq ? 0 : -ENOMEM;
}

/*
 * What is queued is told at once, so that the queue's references go; the family went already, so
 * nobody hears it. Works of the data plane may still come by, for nothing.
 */
void rpl_event_exit(void)
{
	spin_lock_irq(&notify_lock);
	closed = true;
	mod_delayed_work(notify_wq, &notify_work, 0);
	spin_unlock_irq(&notify_lock);
	flush_delayed_work(&notify_work);
	cancel_delayed_work_sync(&notify_work);
	destroy_workqueue(notify_wq);
}

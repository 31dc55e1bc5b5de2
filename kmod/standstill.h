/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Limits of time that a standstill of the machine does not use up. A guest that its host stops, or
 * a processor that is taken away, finds its clocks far ahead when it goes on, before anything that
 * was under way could end: by the clock alone each target, store and drain would be too late at
 * once, and clones and snapshots be lost that nothing is wrong with. So a limit is waited for in
 * slices, and each of them costs no more than itself, however long it took.
 */
#ifndef RPL_STANDSTILL_H
#define RPL_STANDSTILL_H

#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#define RPL_SLICE_JIFFIES (HZ / 4)

/* The next slice of what is left of a limit, in jiffies; it is taken from it. */
static inline unsigned long rpl_slice(unsigned long *left)
{
	unsigned long slice = min_t(unsigned long, *left, RPL_SLICE_JIFFIES);

	*left -= slice;
	return slice;
}

/*
 * Queue the work for the next slice of *left: the work does so again while some is left. False: it
 * is queued already, and nothing was taken. Any context; *left is the caller's to guard.
 */
static inline bool rpl_slice_queue(struct workqueue_struct *wq, struct delayed_work *work,
				   unsigned long *left)
{
	unsigned long rest = *left;

	if (!queue_delayed_work(wq, work, rpl_slice(&rest)))
		return false;
	*left = rest;
	return true;
}

/* Wait until it is done, true, or *left jiffies are over. *left is what is left then. Sleeps. */
static inline bool rpl_wait_done(struct completion *done, unsigned long *left)
{
	unsigned long rest;

	while (*left) {
		rest = wait_for_completion_timeout(done, rpl_slice(left));
		*left += rest;
		if (rest)
			return true;
	}
	return try_wait_for_completion(done);
}

/* The same for a condition and the queue on which it is told. */
#define rpl_wait_event(wq, condition, left)                                         \
	do {                                                                        \
		unsigned long *left_ = (left), slice_;                              \
		do {                                                                \
			/* wait_event_timeout() evaluates what it is given twice */ \
			slice_ = rpl_slice(left_);                                  \
		} while (!wait_event_timeout(wq, condition, slice_) && *left_);     \
	} while (0)

#endif

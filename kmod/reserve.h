/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages for the map that are there when memory is short: what a source write waits for may not wait
 * for memory that only writes can free, and snapshots are not lost because there was none for a
 * moment. Taken by the commit work, filled again in the background.
 *
 * One spin lock inside, irq safe.
 */
#ifndef RPL_RESERVE_H
#define RPL_RESERVE_H

#include <linux/spinlock.h>
#include <linux/workqueue.h>

/* 1 MiB: for as many first writes, all with entries in pages that are not there yet. */
#define RPL_RESERVE_PAGES 256U

struct rpl_reserve {
	spinlock_t lock; /* nr, page */
	struct workqueue_struct *wq;
	struct delayed_work work; /* fills it */
	unsigned int nr;
	unsigned long page[RPL_RESERVE_PAGES];
};

/* An empty one, which gives nothing until it was filled. wq: where it is filled again. */
void rpl_reserve_init(struct rpl_reserve *rs, struct workqueue_struct *wq);

/* Fill it. May sleep. 0 or -ENOMEM. */
int rpl_reserve_fill(struct rpl_reserve *rs);

/* Nobody takes pages any more. May sleep; before wq goes. */
void rpl_reserve_exit(struct rpl_reserve *rs);

/* A zeroed page, the caller's; 0: neither memory nor reserve. Does not wait for I/O. */
unsigned long rpl_reserve_page(struct rpl_reserve *rs);

#endif /* RPL_RESERVE_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages for the map when memory is short, see reserve.h.
 */
#include <linux/gfp.h>

#include "reserve.h"

#define RETRY_JIFFIES (HZ / 10)
#define GFP_AT_ONCE   (GFP_NOIO | __GFP_NOWARN | __GFP_NORETRY)

/* False: it is full, the page stays the caller's. */
static bool put_in(struct rpl_reserve *rs, unsigned long page)
{
	unsigned long flags;
	bool room;

	spin_lock_irqsave(&rs->lock, flags);
	room = rs->nr < RPL_RESERVE_PAGES;
	if (room)
		rs->page[rs->nr++] = page;
	spin_unlock_irqrestore(&rs->lock, flags);
	return room;
}

static unsigned long take_out(struct rpl_reserve *rs)
{
	unsigned long flags, page = 0;

	spin_lock_irqsave(&rs->lock, flags);
	if (rs->nr)
		page = rs->page[--rs->nr];
	spin_unlock_irqrestore(&rs->lock, flags);
	return page;
}

static int fill(struct rpl_reserve *rs, gfp_t gfp)
{
	unsigned long page;

	do {
		page = get_zeroed_page(gfp);
		if (!page)
			return -ENOMEM;
	} while (put_in(rs, page));
	free_page(page);
	return 0;
}

/* Not as hard as it could: a checkpoint may be next on the same queue, and it frees memory. */
static void fill_work(struct work_struct *work)
{
	struct rpl_reserve *rs = container_of(to_delayed_work(work), struct rpl_reserve, work);

	if (fill(rs, GFP_AT_ONCE))
		queue_delayed_work(rs->wq, &rs->work, RETRY_JIFFIES);
}

void rpl_reserve_init(struct rpl_reserve *rs, struct workqueue_struct *wq)
{
	spin_lock_init(&rs->lock);
	rs->wq = wq;
	rs->nr = 0;
	INIT_DELAYED_WORK(&rs->work, fill_work);
}

int rpl_reserve_fill(struct rpl_reserve *rs)
{
	return fill(rs, GFP_KERNEL);
}

void rpl_reserve_exit(struct rpl_reserve *rs)
{
	unsigned long page;

	cancel_delayed_work_sync(&rs->work);
	while ((page = take_out(rs)))
		free_page(page);
}

unsigned long rpl_reserve_page(struct rpl_reserve *rs)
{
	unsigned long page = get_zeroed_page(GFP_AT_ONCE);

	if (page)
		return page;
	page = take_out(rs);
	if (page)
		queue_delayed_work(rs->wq, &rs->work, RETRY_JIFFIES);
	return page;
}

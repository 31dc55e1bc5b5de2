// SPDX-License-Identifier: GPL-2.0-only
/*
 * Space of the store, see space.h. Chunks are given out next-fit: those of writes that come
 * together lie together, and what a checkpoint freed is not used again at once.
 */
#define DM_MSG_PREFIX "replica"

#include <linux/mm.h>
#include <linux/slab.h>

#include "control.h"
#include "op.h"
#include "shortage.h"
#include "space.h"

/* ---- the low-water mark ---- */

/* The number of used chunks is another one. True: the mark was crossed. sp->lock held. */
static bool note_used(struct rpl_space *sp, u64 nr_used)
{
	bool low;

	WRITE_ONCE(sp->nr_used, nr_used);
	low = rpl_low_water(sp->low, sp->nr_chunks - nr_used, sp->low_mark, rpl_space_usable(sp));
	if (low == sp->low)
		return false;
	WRITE_ONCE(sp->low, low);
	return true;
}

/*
 * Once for each crossing, whatever goes up and down at the mark. Any context, bucket->lock held or
 * not: the event is sent by a work. Not under sp->lock, the console may be slow.
 */
static void tell_crossed(struct rpl_space *sp)
{
	if (READ_ONCE(sp->low))
		DMWARN("store %s is low on space", sp->store->name);
	else
		DMINFO("store %s has space again", sp->store->name);
	rpl_event_store(sp->store, RPL_EVENT_STATE);
}

void rpl_space_set_mark(struct rpl_space *sp, u64 nr_chunks)
{
	bool crossed;

	spin_lock_irq(&sp->lock);
	WRITE_ONCE(sp->low_mark, nr_chunks);
	crossed = note_used(sp, sp->nr_used);
	spin_unlock_irq(&sp->lock);
	if (crossed)
		tell_crossed(sp);
}

/* ---- life ---- */

int rpl_space_init(struct rpl_space *sp, struct rpl_store *s, u64 nr_chunks, sector_t start)
{
	memset(sp, 0, sizeof(*sp));
	spin_lock_init(&sp->lock);
	sp->store = s;
	sp->nr_chunks = nr_chunks;
	sp->start = start;
	sp->used = kvcalloc(BITS_TO_LONGS(nr_chunks), sizeof(long), GFP_KERNEL);
	sp->cleared = kvcalloc(BITS_TO_LONGS(nr_chunks), sizeof(long), GFP_KERNEL);
	sp->clearing = kvcalloc(BITS_TO_LONGS(nr_chunks), sizeof(long), GFP_KERNEL);
	if (sp->used && sp->cleared && sp->clearing)
		return 0;
	rpl_space_exit(sp);
	return -ENOMEM;
}

void rpl_space_exit(struct rpl_space *sp)
{
	kvfree(sp->used);
	kvfree(sp->cleared);
	kvfree(sp->clearing);
}

/* ---- chunks ---- */

u32 rpl_space_take(struct rpl_space *sp, u32 want, u32 *got)
{
	u32 loc = RPL_LOC_NONE, nr;
	bool crossed = false;
	unsigned long flags;
	u64 at;

	spin_lock_irqsave(&sp->lock, flags);
	if (sp->nr_used == sp->nr_chunks)
		goto out;
	at = find_next_zero_bit(sp->used, sp->nr_chunks, sp->cursor);
	if (at >= sp->nr_chunks)
		at = find_first_zero_bit(sp->used, sp->nr_chunks);
	for (nr = 0; nr < want && at + nr < sp->nr_chunks && !test_bit(at + nr, sp->used); nr++)
		__set_bit(at + nr, sp->used);
	crossed = note_used(sp, sp->nr_used + nr);
	sp->cursor = at + nr;
	loc = at + 1;
	*got = nr;
out:
	spin_unlock_irqrestore(&sp->lock, flags);
	if (crossed)
		tell_crossed(sp);
	return loc;
}

void rpl_space_give(struct rpl_space *sp, u32 loc, u32 nr)
{
	unsigned long flags;
	bool crossed;
	u32 i, n = 0;

	if (loc == RPL_LOC_NONE || loc == RPL_LOC_BAD)
		return;
	spin_lock_irqsave(&sp->lock, flags);
	for (i = 0; i < nr; i++)
		if (!WARN_ON_ONCE(!__test_and_clear_bit(loc - 1 + i, sp->used)))
			n++;
	crossed = note_used(sp, sp->nr_used - n);
	spin_unlock_irqrestore(&sp->lock, flags);
	if (crossed)
		tell_crossed(sp);
	rpl_space_appeared(sp->store);
}

void rpl_space_clear(struct rpl_space *sp, u32 loc)
{
	unsigned long flags;

	if (loc == RPL_LOC_NONE || loc == RPL_LOC_BAD)
		return;
	spin_lock_irqsave(&sp->lock, flags);
	if (!WARN_ON_ONCE(__test_and_set_bit(loc - 1, sp->cleared)))
		WRITE_ONCE(sp->nr_cleared, sp->nr_cleared + 1);
	spin_unlock_irqrestore(&sp->lock, flags);
}

int rpl_space_claim(struct rpl_space *sp, u32 loc)
{
	if (!loc || loc > sp->nr_chunks)
		return -ERANGE;
	if (__test_and_set_bit(loc - 1, sp->used))
		return -EEXIST;
	sp->nr_used++;
	return 0;
}

void rpl_space_checkpoint_begin(struct rpl_space *sp)
{
	unsigned long flags;
	unsigned long i;

	spin_lock_irqsave(&sp->lock, flags);
	if (!sp->nr_clearing) {
		swap(sp->cleared, sp->clearing);
	} else {
		/* the last one was not written: both wait for this one */
		for_each_set_bit(i, sp->cleared, sp->nr_chunks)
			__set_bit(i, sp->clearing);
		bitmap_zero(sp->cleared, sp->nr_chunks);
	}
	WRITE_ONCE(sp->nr_clearing, sp->nr_clearing + sp->nr_cleared);
	WRITE_ONCE(sp->nr_cleared, 0);
	spin_unlock_irqrestore(&sp->lock, flags);
}

void rpl_space_checkpoint_end(struct rpl_space *sp, bool durable)
{
	unsigned long flags;
	bool crossed;

	if (!durable || !sp->nr_clearing)
		return;
	spin_lock_irqsave(&sp->lock, flags);
	bitmap_andnot(sp->used, sp->used, sp->clearing, sp->nr_chunks);
	bitmap_zero(sp->clearing, sp->nr_chunks);
	crossed = note_used(sp, sp->nr_used - sp->nr_clearing);
	WRITE_ONCE(sp->nr_clearing, 0);
	spin_unlock_irqrestore(&sp->lock, flags);
	if (crossed)
		tell_crossed(sp);
	rpl_space_appeared(sp->store);
}

/* ---- chunks of metadata ---- */

/* sp->lock held. */
static void reserve(struct rpl_space *sp, u32 loc, u32 nr)
{
	if (WARN_ON_ONCE(sp->nr_ranges == RPL_MAP_PARTS))
		return;
	sp->range[sp->nr_ranges].loc = loc;
	sp->range[sp->nr_ranges++].nr = nr;
	bitmap_set(sp->used, loc - 1, nr);
	WRITE_ONCE(sp->nr_used, sp->nr_used + nr);
	WRITE_ONCE(sp->nr_reserved, sp->nr_reserved + nr);
}

void rpl_space_forget(struct rpl_space *sp)
{
	u32 i;

	bitmap_zero(sp->used, sp->nr_chunks);
	for (i = 0; i < sp->nr_ranges; i++)
		bitmap_set(sp->used, sp->range[i].loc - 1, sp->range[i].nr);
	sp->nr_used = sp->nr_reserved;
}

void rpl_space_reserve(struct rpl_space *sp, u32 loc, u32 nr)
{
	unsigned long flags;

	spin_lock_irqsave(&sp->lock, flags);
	reserve(sp, loc, nr);
	spin_unlock_irqrestore(&sp->lock, flags);
}

/* ---- growth ---- */

int rpl_space_more_alloc(struct rpl_space_more *more, u64 nr_chunks)
{
	more->nr_chunks = nr_chunks;
	more->used = kvcalloc(BITS_TO_LONGS(nr_chunks), sizeof(long), GFP_KERNEL);
	more->cleared = kvcalloc(BITS_TO_LONGS(nr_chunks), sizeof(long), GFP_KERNEL);
	more->clearing = kvcalloc(BITS_TO_LONGS(nr_chunks), sizeof(long), GFP_KERNEL);
	return more->used && more->cleared && more->clearing ? 0 : -ENOMEM;
}

void rpl_space_more_free(struct rpl_space_more *more)
{
	kvfree(more->used);
	kvfree(more->cleared);
	kvfree(more->clearing);
}

void rpl_space_add(struct rpl_space *sp, struct rpl_space_more *more, u32 loc, u32 nr)
{
	unsigned long flags;
	bool crossed;

	spin_lock_irqsave(&sp->lock, flags);
	bitmap_copy(more->used, sp->used, sp->nr_chunks);
	/* most of the time there are none, and the lock is held as long as it takes */
	if (sp->nr_cleared)
		bitmap_copy(more->cleared, sp->cleared, sp->nr_chunks);
	if (sp->nr_clearing)
		bitmap_copy(more->clearing, sp->clearing, sp->nr_chunks);
	swap(sp->used, more->used);
	swap(sp->cleared, more->cleared);
	swap(sp->clearing, more->clearing);
	sp->cursor = sp->nr_chunks;
	WRITE_ONCE(sp->nr_chunks, more->nr_chunks);
	if (nr)
		reserve(sp, loc, nr);
	crossed = note_used(sp, sp->nr_used);
	spin_unlock_irqrestore(&sp->lock, flags);
	if (crossed)
		tell_crossed(sp);
}

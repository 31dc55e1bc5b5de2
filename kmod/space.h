/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Space of the store: which of its chunks are in use. In memory alone, made at load from what the
 * map names. A chunk that the map named and does not name any more is free again only after a
 * checkpoint that began later is durable (R23): until then a power cut could bring the old entry
 * back.
 *
 * One spin lock inside, irq safe, innermost. Any context unless said otherwise.
 */
#ifndef RPL_SPACE_H
#define RPL_SPACE_H

#include "core.h"

/* loc: 1 .. nr_chunks; RPL_LOC_NONE and RPL_LOC_BAD are ignored where chunks are given back. */
struct rpl_space {
	spinlock_t lock; /* everything */
	struct rpl_store *store; /* told of the low-water mark */
	u64 nr_chunks, nr_used; /* used: those that are cleared, and reserved ones, too */
	/* metadata lies there, for good */
	u64 nr_reserved;
	u32 nr_ranges;
	struct {
		u32 loc, nr;
	} range[RPL_MAP_PARTS];
	u64 cursor;
	unsigned long *used;
	unsigned long *cleared; /* since the last checkpoint began */
	unsigned long *clearing; /* what the running checkpoint makes durable */
	u64 nr_cleared, nr_clearing;
	sector_t start; /* of chunk 1, on the store's device */
	u64 low_mark; /* so few free chunks, or fewer, are few; 0: no mark */
	bool low;
};

/* -ENOMEM. nr_chunks 0: a store without space. Sleeps; likewise exit. */
int rpl_space_init(struct rpl_space *sp, struct rpl_store *s, u64 nr_chunks, sector_t start);
void rpl_space_exit(struct rpl_space *sp);

/* Up to `want` chunks next to each other: the first one's loc, RPL_LOC_NONE if all are in use. */
u32 rpl_space_take(struct rpl_space *sp, u32 want, u32 *got);

/* Chunks that no entry on disk can name: free at once. */
void rpl_space_give(struct rpl_space *sp, u32 loc, u32 nr);

/* The map does not name it any more. */
void rpl_space_clear(struct rpl_space *sp, u32 loc);

/* Load: an entry names it. -EEXIST if another one does, or it is reserved, -ERANGE. */
int rpl_space_claim(struct rpl_space *sp, u32 loc);

/* Load: metadata lies in these chunks. */
void rpl_space_reserve(struct rpl_space *sp, u32 loc, u32 nr);

/* Load: no entry counts after all. */
void rpl_space_forget(struct rpl_space *sp);

/*
 * Growth: first the memory, then, when the superblock that says so is durable, the chunks; they can
 * be taken when they are added, but for those that `add` reserves with `reserve`. `more` is zeroed;
 * free it in any case.
 */
struct rpl_space_more {
	u64 nr_chunks;
	unsigned long *used, *cleared, *clearing;
};

int rpl_space_more_alloc(struct rpl_space_more *more, u64 nr_chunks);
void rpl_space_more_free(struct rpl_space_more *more);
void rpl_space_add(struct rpl_space *sp, struct rpl_space_more *more, u32 reserve, u32 nr_reserve);

/*
 * Around a checkpoint: begin before the first page of the map is copied, end when its superblock is
 * durable (or not: what was cleared waits for the next one). One at a time (persist_mutex).
 */
/* Are there chunks that a checkpoint will free? Lockless. */
static inline bool rpl_space_coming(struct rpl_space *sp)
{
	return READ_ONCE(sp->nr_cleared) || READ_ONCE(sp->nr_clearing);
}

/* Chunks that are not reserved. Lockless: while it grows it may be off by what comes. */
static inline u64 rpl_space_usable(struct rpl_space *sp)
{
	return READ_ONCE(sp->nr_chunks) - READ_ONCE(sp->nr_reserved);
}

/* Is a chunk free? Lockless. */
static inline bool rpl_space_any(struct rpl_space *sp)
{
	return READ_ONCE(sp->nr_used) < READ_ONCE(sp->nr_chunks);
}

/* From how few free chunks on the store is low on space; each crossing is an event. */
void rpl_space_set_mark(struct rpl_space *sp, u64 nr_chunks);

void rpl_space_checkpoint_begin(struct rpl_space *sp);
void rpl_space_checkpoint_end(struct rpl_space *sp, bool durable);

#endif /* RPL_SPACE_H */

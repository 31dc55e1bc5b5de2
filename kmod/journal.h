/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The journal of an open store: a ring of blocks (journal-format.h) on its device. One writer,
 * commit.c, under commit->journal_mutex; checkpoints (persist.c) move the tail.
 */
#ifndef RPL_JOURNAL_H
#define RPL_JOURNAL_H

#include "journal-format.h"
#include "persist.h"

struct rpl_journal {
	struct rpl_persist *p; /* for its device alone */
	struct rpl_sb sb; /* as it was: uuid and areas */
	u64 incarnation;
	u32 nr_blocks;
	u64 head; /* number of the next block; the writer's */
	u64 applied; /* facts below it are in the bits: a checkpoint may pass them (R29) */
	u64 tail; /* journal_tail of the durable superblock */
	u32 nr; /* blocks of the batch that is put together */
	void *buf; /* RPL_BATCH_BLOCKS */
};

/* A journal that begins with block `first`. NULL: no memory. The caller frees it (NULL is fine). */
struct rpl_journal *rpl_journal_new(struct rpl_persist *p, u64 incarnation, u64 first);
void rpl_journal_free(struct rpl_journal *j);

/* Put a batch together: begin, add facts. False: the batch is full. */
void rpl_journal_begin(struct rpl_journal *j);
bool rpl_journal_add(struct rpl_journal *j, const struct rpl_fact *fact);

/* Is there room for another batch, and is it time for a checkpoint? */
bool rpl_journal_has_room(struct rpl_journal *j);
bool rpl_journal_half_full(struct rpl_journal *j);

/*
 * Write the batch; 0: it is durable. Else the store must fail. There is room. flush_store: what its
 * facts speak of was written to the store's own device, and must be durable first.
 */
int rpl_journal_write(struct rpl_journal *j, bool flush_store);

/* All facts that were written are in the bits. */
static inline void rpl_journal_applied(struct rpl_journal *j)
{
	/* pairs with rpl_journal_safe_tail() */
	smp_store_release(&j->applied, j->head);
}

/* What the next superblock may say is the tail: read before the bits are. */
static inline u64 rpl_journal_safe_tail(struct rpl_journal *j)
{
	/* pairs with rpl_journal_applied() */
	return smp_load_acquire(&j->applied);
}

#endif /* RPL_JOURNAL_H */

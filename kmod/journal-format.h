/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The journal of a store on disk: blocks of facts in a ring, and what of a ring counts when a store
 * is opened. Pure: encoding, decoding and the rules of replay; journal.c writes, persist-replay.c
 * reads, nothing else knows the layout. All numbers on disk are little endian.
 *
 * A block has a sequence number that grows by one; block `seq` stands at place seq % blocks of the
 * area. A batch is one or more blocks that are written together; the next batch is not begun before
 * this one is durable. The superblock's journal_tail is the first block that counts, its
 * incarnation the one that blocks must carry. An opening has an incarnation of its own and goes on
 * with numbers above all of the earlier ones, so that no block of an earlier life is ever taken.
 *
 * A fact is absolute: "these regions of this clone have their data, durably", "this clone has
 * failed", "these chunks of this volume, as of this tag, are in the store, there", "the snapshots
 * of this volume up to this tag are lost", "these chunks of this snapshot are its own, there".
 * Facts are true in any order and any number of times, so any prefix of the ring is right as long
 * as nobody has relied on what is behind it. Replay files a chunk without asking whose tag it is
 * (R30): chunks of the store are not used anew before the journal has passed what named them (R23).
 */
#ifndef RPL_JOURNAL_FORMAT_H
#define RPL_JOURNAL_FORMAT_H

#include "format.h"
#include "map.h"

#define RPL_JBLOCK_MAGIC       0x6e6a6c52U /* "Rljn" */
#define RPL_FACTS_PER_BLOCK    168U
#define RPL_BATCH_BLOCKS       8U /* at most in one batch */
#define RPL_JOURNAL_BLOCKS_MIN (4U * RPL_BATCH_BLOCKS)

enum rpl_fact_kind {
	RPL_FACT_NONE,
	RPL_FACT_COPIED, /* regions first .. first + nr - 1 */
	RPL_FACT_FAILED, /* first = 0, nr = positive errno */
	RPL_FACT_PRESERVED, /* chunks first .. first + nr - 1 of a volume are in the store */
	/* a volume's snapshots with tags above `first` up to `point`; nr = positive errno */
	RPL_FACT_LOST,
	RPL_FACT_OWN, /* chunks first .. first + nr - 1 of a snapshot have a place of their own */
};

/*
 * A fact of the clone that had its point in time in epoch `point`: an id is used again after a
 * detach, an epoch never within what the journal holds.
 */
struct rpl_fact {
	u32 kind; /* enum rpl_fact_kind */
	u32 clone_id; /* PRESERVED, LOST: of a volume */
	u64 point; /* PRESERVED, LOST: tag; OWN: number of the snapshot */
	u64 first;
	u32 nr;
	/* PRESERVED, OWN: chunk of the store of the first one; PRESERVED, RPL_LOC_BAD: of none */
	u32 loc;
};

struct rpl_jblock {
	u64 incarnation;
	u64 seq;
	u64 durable; /* all blocks below it were durable when this one was written */
	u32 nr; /* facts */
};

/* ---- blocks ---- */

/* Empty a block. */
void rpl_jblock_begin(void *block);

/* Append a fact, or make the last one longer. False: the block is full. */
bool rpl_jblock_add(void *block, const struct rpl_fact *fact);

/* Header and checksum of a block whose facts are in place. */
void rpl_jblock_seal(void *block, const struct rpl_sb *sb, u64 incarnation, u64 seq, u64 durable);

/* Is it a block of this store's journal? 0 and *head, or -ENODATA (zero) or -EILSEQ. */
int rpl_jblock_check(const void *block, const struct rpl_sb *sb, struct rpl_jblock *head);

/* Fact i < head.nr of a checked block. -EILSEQ: impossible values. */
int rpl_jblock_fact(const void *block, u32 i, struct rpl_fact *fact);

/* ---- the ring ---- */

/* Blocks of the area: 0 if it is missing or too small to be used. */
u32 rpl_journal_blocks(const struct rpl_sb *sb);

/* Byte offset of a block in the store. */
u64 rpl_journal_offset(const struct rpl_sb *sb, u64 seq);

/* ---- replay ---- */

enum rpl_replay_verdict {
	RPL_REPLAY_APPLY, /* its facts count */
	RPL_REPLAY_SKIP, /* it is behind the end */
	RPL_REPLAY_LOST, /* facts that somebody relied on are not there any more */
};

struct rpl_replay {
	const struct rpl_sb *sb;
	u64 next; /* number of the next block that would count */
	bool ended;
	bool lost;
};

/*
 * Give it every place of the ring once, in order, beginning with that of journal_tail (.next);
 * NULL = could not be read. The journal ends with the first block that is not the next one. It is
 * damaged, not ended, if a later block says that the missing one had been durable, or if nobody can
 * know, as it cannot be read.
 */
void rpl_replay_begin(struct rpl_replay *r, const struct rpl_sb *sb);
enum rpl_replay_verdict rpl_replay_block(struct rpl_replay *r, const void *block,
					 struct rpl_jblock *head);

#endif /* RPL_JOURNAL_FORMAT_H */

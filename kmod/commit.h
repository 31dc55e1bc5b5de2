/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Group commit: what has been copied becomes durable, many ops at a time. One batch after the other
 * on a work queue of its own:
 *
 *	data of the ops is complete -> flush of all their targets, in parallel -> facts in the
 *	journal, FUA, after a flush of the store if it has data -> bits -> source writes go on
 *	(R15, R32)
 *
 * For snapshots the tag is chosen, and the entry filed in the map, when the batch is put together
 * (R10, R11). A lookup may find the entry before the record is durable: the data is there. What
 * lets a source write go is the bit, or an entry while no op owns the chunk.
 *
 * What arrives while a batch runs is the next one; nothing waits for time, except ops that nobody
 * waits for (the copier's, a clone's user's): those wait for company, a second at most.
 *
 * Of the same batch: the failures of clones, which are recorded before the writes that they let go;
 * and flushes and FUA writes of clones' users, which end when everything that was copied when they
 * came has its record (R35).
 *
 * A target whose flush fails, or takes longer than half of clone_timeout_ms while a source write
 * waits for it, fails its clones. If the journal cannot be written the store fails, and with it all
 * that is unfinished. All memory is there before it is needed.
 */
#ifndef RPL_COMMIT_H
#define RPL_COMMIT_H

#include "op.h"

int rpl_commit_init(struct rpl_store *s);
void rpl_commit_exit(struct rpl_store *s);

/*
 * The op's data is complete: mark its regions as copied and give it to the next batch, which ends
 * it. urgent: a source write waits for it. bucket->lock held; the op is commit.c's from here on.
 */
void rpl_commit_add(struct rpl_op *op, bool urgent);

/* Somebody waits for what is lazy; _hurry: a source write does. Any context. */
void rpl_commit_kick(struct rpl_store *s);
void rpl_commit_hurry(struct rpl_store *s);

/* The clone has failed (clone.c). Any context, no clone->lock held. */
void rpl_commit_failed(struct rpl_clone *c);
/* Likewise the snapshots of an arm (past.c). */
void rpl_commit_arm_failed(struct rpl_arm *a);

/*
 * A flush or FUA write of a clone's user that is to go on when all that is copied by now is
 * recorded: it is then mapped again, with ->recorded set. RPL_GO: it is already.
 */
enum rpl_held rpl_commit_hold(struct rpl_clone *c, struct bio *bio);

/* A noflush suspend: what of this table's waits here goes to *back. */
void rpl_commit_take_bios(struct rpl_store *s, struct rpl_binding *dev, struct bio_list *back);

/*
 * The store has failed: wait until that is in its superblocks, or cannot be. What was released
 * without it is remembered until the module goes, see rpl_store_lost().
 */
void rpl_commit_wait_failed(struct rpl_store *s);

/* Wait until the batch that runs, if any, is in force. Later ones may have begun. Sleeps. */
void rpl_commit_wait_batch(struct rpl_store *s);

/* Let go of the journal; no batch uses it any more after this. NULL is fine. Sleeps. */
void rpl_commit_drop_journal(struct rpl_store *s);

#endif /* RPL_COMMIT_H */

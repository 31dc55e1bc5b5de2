/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One relation's life inside the data plane: bits, failure, settling (what has to be done in
 * process context after a failure or at completion), and its copier.
 */
#ifndef RPL_CLONE_H
#define RPL_CLONE_H

#include "core.h"
#include "region.h"
#include "state.h"

/* Bound of what a replica can delay a source write by (I4). */
extern unsigned int rpl_clone_timeout_ms;
/* Bound of what delays commands only: flushes, and drains. */
extern unsigned int rpl_flush_timeout_ms;

#define RPL_TIMEOUT_MIN_MS 100U
#define RPL_TIMEOUT_MAX_MS 3600000U
#define RPL_GRACE_MIN_MS   1000U /* for the record of a failure, whatever clone_timeout_ms is */

/* ---- clone.c ---- */

/* A fresh object, state prepared, in no list. Its ref is the caller's. */
struct rpl_clone *rpl_clone_new(struct rpl_store *s, u32 id, struct rpl_volume *vol);

/* Bitmaps for nr_sectors, all clear, in place of those of an earlier attempt; nobody reads them. */
int rpl_clone_set_size(struct rpl_clone *c, u64 nr_sectors);

/* Is its target as long? The source may have grown after the two were compared. */
bool rpl_clone_fits(struct rpl_clone *c, u64 nr_sectors);

/* Can it still become complete? Once no, always no, for one generation of its bits. */
static inline bool rpl_clone_alive(const struct rpl_clone *c)
{
	return READ_ONCE(c->preserving) && !READ_ONCE(c->failing);
}

/*
 * The regions of a run have the data of the point in time, or newer data of the clone's own user;
 * _durable: and a record of it. Ignored if the clone's bits are not those of generation gen, or it
 * is dead (R39). Any context. _copied: true if that was the last one.
 */
bool rpl_clone_mark_copied(struct rpl_clone *c, struct rpl_run run, u32 gen);
void rpl_clone_mark_durable(struct rpl_clone *c, struct rpl_run run, u32 gen);

/* Complete, but not settled yet? Then see to it. After any change that settling may wait for. */
void rpl_clone_recheck(struct rpl_clone *c);

/*
 * The clone can not become complete: state failed with the reason. Source writes that wait for it
 * are released when that is recorded, or cannot be; disarming and commit follow on ctl_wq. Nothing
 * if it is not unfinished. Any context, under bucket->lock too. error: positive errno.
 */
__printf(3, 4) void rpl_clone_fail(struct rpl_clone *c, int error, const char *fmt, ...);

/* Its failure is recorded (commit.c), unless it has bits of another generation by now. Sleeps. */
void rpl_clone_failed_durably(struct rpl_clone *c, u32 gen);

/*
 * No source write needs it any more: what waits is let go. Only when a power cut cannot bring it
 * back as unfinished. Process context.
 */
void rpl_clone_release_writes(struct rpl_clone *c);

/* Settle now: cmd_mutex held. Disarm, commit, tell. */
void rpl_clone_settle(struct rpl_clone *c);

/* Publish its volume's view without clones that are not ->in_view. cmd_mutex held. */
void rpl_clone_disarm(struct rpl_clone *c);

/*
 * Commit; on failure the store is failed. cmd_mutex held; _locked: and persist_mutex. _again: even
 * if nothing differs, so that the other superblock says the same.
 */
int rpl_store_commit(struct rpl_store *s);
int rpl_store_commit_again(struct rpl_store *s);
int rpl_store_commit_locked(struct rpl_store *s);

/* Flush the target if the clone is bound. 0, -ENODEV, -ETIMEDOUT or the device's error. */
int rpl_clone_flush_target(struct rpl_clone *c);

/* ---- copier.c ---- */

void rpl_copier_work(struct work_struct *work);
void rpl_pace_work(struct work_struct *work);
/* A copy has ended, or what had an owner has none. own: it was a job of the copier. */
void rpl_copier_op_ended(struct rpl_clone *c, bool own);
/* After any change of dev, resumed, state, preserving, readable: start or stop. */
void rpl_copier_update(struct rpl_clone *c);
/* Wait for jobs in flight. The caller has stopped it by rpl_copier_update(). Sleeps. */
void rpl_copier_quiesce(struct rpl_clone *c);

#endif /* RPL_CLONE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What source writes keep for the snapshots of a volume, as part of its views.
 *
 * An arm object lives from the first snapshot of a volume until its last one is gone, deleted or
 * lost (R13: it is the "arm count"; a new object is a new count). Bits belong to the newest
 * snapshot at the time when they were made: bit set = nothing to keep for this chunk any more; they
 * only grow, and stay when the newest snapshot is deleted (R14).
 */
#ifndef RPL_PAST_H
#define RPL_PAST_H

#include "core.h"
#include "shortage.h"

struct rpl_bits {
	struct kref kref;
	u64 nr;
	unsigned long map[];
};

/* What of an arm's snapshots the batch that runs says to be lost. */
enum rpl_filed {
	RPL_FILED_NONE,
	RPL_FILED_SOME,
	RPL_FILED_ALL,
};

struct rpl_arm {
	struct kref kref;
	struct rpl_volume *vol; /* with a ref */
	spinlock_t lock; /* failing, preserving, held; irq; inside bucket->lock */
	bool preserving; /* source writes keep old content in the store */
	bool failing; /* the snapshots are lost, but that is not recorded yet */
	u32 newest; /* highest tag of its snapshots, as long as it lives; publish_mutex to write */
	int error; /* positive errno, and why; lock */
	char reason[RPL_REASON_LEN];
	bool losing; /* some of them are, see lose.c */
	bool chosen; /* which: loss; until then it is what the chunk needs; lock */
	bool partly; /* not all that need the chunk: there will be space for it */
	struct rpl_loss loss; /* lock */
	u64 lost_chunk; /* that cannot be kept; lock */
	enum rpl_filed filed; /* commit.c's work alone */
	struct bio_list held; /* source writes that wait for the record; lock */
	struct list_head failed_list; /* store->commit.failed_arms */
	struct delayed_work grave_work;
	unsigned long grave_left; /* jiffies until the record is late; lock */
	struct work_struct settle_work, choose_work, lost_work;
};

/* Bits of a volume of nr_chunks, all clear. NULL: no memory. */
struct rpl_bits *rpl_bits_new(u64 nr_chunks);
struct rpl_bits *rpl_bits_get(struct rpl_bits *b);
void rpl_bits_put(struct rpl_bits *b); /* NULL is fine */

struct rpl_arm *rpl_arm_new(struct rpl_volume *vol);
struct rpl_arm *rpl_arm_get(struct rpl_arm *a);
void rpl_arm_put(struct rpl_arm *a); /* NULL is fine */

/* Do source writes still have to keep something for it? Once no, always no. */
static inline bool rpl_arm_alive(const struct rpl_arm *a)
{
	return READ_ONCE(a->preserving) && !READ_ONCE(a->failing);
}

/* Are some of its snapshots, or all, being lost? Then source writes that they need wait. */
static inline bool rpl_arm_loses(const struct rpl_arm *a)
{
	return READ_ONCE(a->failing) || READ_ONCE(a->losing);
}

/*
 * What the snapshots of this arm need cannot be kept: they are lost. Source writes wait until that
 * is recorded, or cannot be. Any context, bucket->lock held or not.
 */
__printf(3, 4) void rpl_arm_fail(struct rpl_arm *a, int error, const char *fmt, ...);

/* All are lost, and that is recorded, or cannot be. Sleeps. */
void rpl_arm_failed_durably(struct rpl_arm *a);

/* If nothing is recorded in time, source writes go on all the same (I4). a->lock held. */
void rpl_arm_start_grave(struct rpl_arm *a);

/* ---- lose.c ---- */

/*
 * A chunk cannot be kept whose newest copy has the tag `prev` (0: it has none): those snapshots up
 * to `newest` that need it are lost, at once or the oldest first. If others are being lost this
 * does nothing: source writes wait for that, and ask again. Any context, bucket->lock held or not.
 */
void rpl_arm_lose(struct rpl_arm *a, u64 chunk, u32 prev, u32 newest, int error,
		  const char *reason);

/* Is what the snapshot of this tag needs being kept? Any context, clone->lock held or not. */
bool rpl_arm_keeps(struct rpl_arm *a, u64 point);

/* commit.c: what to say of it, false: nothing; and then that it is recorded, or cannot be. */
bool rpl_arm_filed(struct rpl_arm *a, struct rpl_loss *loss, int *error);
void rpl_arm_recorded(struct rpl_arm *a, bool recorded);

void rpl_arm_init_loss(struct rpl_arm *a);

/* No source write needs it any more: what waits is let go. Process context. */
void rpl_arm_release_writes(struct rpl_arm *a);

#endif /* RPL_PAST_H */

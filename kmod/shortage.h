/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is done when a store runs out of space, as rules without a store: when to warn, how long a
 * source write may wait, and which snapshots are lost for a chunk that cannot be kept. Pure;
 * nothing here locks.
 */
#ifndef RPL_SHORTAGE_H
#define RPL_SHORTAGE_H

#include "pure.h"

#define RPL_LOW_WATER_HYSTERESIS 20 /* the twentieth part of the store: 5 % */
#define RPL_LOW_WATER_DEFAULT	 10 /* the tenth part of the store */

/* Snapshots of a volume with tags above `above`, up to `to`. */
struct rpl_loss {
	u32 above, to;
};

/*
 * Is the store low on space, of `total` chunks `free` ones being left? It is from `mark` free ones
 * on, until there are 5 % of the store more: what goes up and down at the mark is told once. mark
 * 0: never.
 */
bool rpl_low_water(bool was_low, u64 free, u64 mark, u64 total);

/*
 * How long may a source write wait for space? As long as the queue allows, if there is one; without
 * it as long as a checkpoint that frees space may take.
 */
u32 rpl_space_wait_ms(bool queue, u32 queue_ms, bool coming, u32 limit_ms);

/*
 * The snapshots that need a chunk which cannot be kept: the live ones above `prev`, the tag of the
 * newest copy that the chunk has, up to `newest`. If the oldest of them alone has something that
 * its loss would free, `oldest_frees`, that one is enough. live: tags in increasing order. False:
 * there is none.
 */
bool rpl_loss_choose(const u32 *live, u32 nr_live, u32 prev, u32 newest, bool oldest_frees,
		     struct rpl_loss *loss);

/* Of the loss's range? */
static inline bool rpl_loss_has(const struct rpl_loss *loss, u64 tag)
{
	return tag > loss->above && tag <= loss->to;
}

#endif /* RPL_SHORTAGE_H */

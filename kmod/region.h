/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Regions of a volume: a region is one chunk of the store, the last one may be shorter. Pure
 * arithmetic on sectors of 512 bytes; also what a range means to a bitmap with one bit per region.
 * Callers own the bitmaps; bits are read without locks and only ever get set.
 */
#ifndef RPL_REGION_H
#define RPL_REGION_H

#include "pure.h"

#define RPL_CHUNK_SECTORS_MIN 8U
#define RPL_CHUNK_SECTORS_MAX 2048U /* a window */

/* Regions first .. first + nr - 1. */
struct rpl_run {
	u64 first;
	u64 nr;
};

/* Number of regions of a volume. */
u64 rpl_region_count(u64 nr_sectors, u32 shift);

/* Regions that [sector, sector + nr) touches. nr > 0. */
struct rpl_run rpl_region_touched(u64 sector, u64 nr, u32 shift);

/*
 * Regions that [sector, sector + nr) covers entirely, .nr == 0 if none. The last region of a volume
 * of nr_sectors is covered by what reaches the volume's end.
 */
struct rpl_run rpl_region_covered(u64 sector, u64 nr, u64 nr_sectors, u32 shift);

/* Sectors of a run, the last region counted with its true length. */
u64 rpl_run_sectors(struct rpl_run run, u64 nr_sectors, u32 shift);

/* Sectors from here to the end of this window of 1 << window_shift sectors. */
u64 rpl_window_rest(u64 sector, u32 window_shift);

/* The first clear bit of a run, else first + nr. Bits from nr_regions on count as set. */
u64 rpl_run_next_clear(const unsigned long *bits, u64 nr_regions, struct rpl_run run);

/* Length of the stretch of a run that begins at its start and has the bit of its first region. */
u64 rpl_run_same(const unsigned long *bits, struct rpl_run run);

#endif /* RPL_REGION_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic of regions and runs. Pure: the same file is property-tested in user space.
 */
#include "region.h"

u64 rpl_region_count(u64 nr_sectors, u32 shift)
{
	return (nr_sectors + (1ULL << shift) - 1) >> shift;
}

struct rpl_run rpl_region_touched(u64 sector, u64 nr, u32 shift)
{
	u64 first = sector >> shift;
	u64 last = (sector + nr - 1) >> shift;

	return (struct rpl_run) { .first = first, .nr = last - first + 1 };
}

struct rpl_run rpl_region_covered(u64 sector, u64 nr, u64 nr_sectors, u32 shift)
{
	u64 end = sector + nr;
	u64 first = (sector + (1ULL << shift) - 1) >> shift;
	u64 stop = end >= nr_sectors ? rpl_region_count(nr_sectors, shift) : end >> shift;

	return (struct rpl_run) { .first = first, .nr = stop > first ? stop - first : 0 };
}

u64 rpl_run_sectors(struct rpl_run run, u64 nr_sectors, u32 shift)
{
	u64 start = run.first << shift;
	u64 end = (run.first + run.nr) << shift;

	if (!run.nr || start >= nr_sectors)
		return 0;
	return min(end, nr_sectors) - start;
}

u64 rpl_window_rest(u64 sector, u32 window_shift)
{
	return (1ULL << window_shift) - (sector & ((1ULL << window_shift) - 1));
}

u64 rpl_run_next_clear(const unsigned long *bits, u64 nr_regions, struct rpl_run run)
{
	u64 end = min(run.first + run.nr, nr_regions);
	u64 at;

	if (run.first >= end)
		return run.first + run.nr;
	at = find_next_zero_bit(bits, end, run.first);
	return at < end ? at : run.first + run.nr;
}

u64 rpl_run_same(const unsigned long *bits, struct rpl_run run)
{
	u64 end = run.first + run.nr;
	u64 at;

	if (test_bit(run.first, bits))
		at = find_next_zero_bit(bits, end, run.first);
	else
		at = find_next_bit(bits, end, run.first);
	return min(at, end) - run.first;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules for a store that runs out of space, see shortage.h. Pure code: the kernel and the tests in
 * user space compile this same file.
 */
#include "shortage.h"

bool rpl_low_water(bool was_low, u64 free, u64 mark, u64 total)
{
	if (!mark)
		return false;
	if (free <= mark)
		return true;
	return was_low && free - mark < div_u64(total, RPL_LOW_WATER_HYSTERESIS);
}

u32 rpl_space_wait_ms(bool queue, u32 queue_ms, bool coming, u32 limit_ms)
{
	u32 wait_ms = coming ? limit_ms : 0;

	return queue ? max(queue_ms, wait_ms) : wait_ms;
}

bool rpl_loss_choose(const u32 *live, u32 nr_live, u32 prev, u32 newest, bool oldest_frees,
		     struct rpl_loss *loss)
{
	u32 first = 0, end;

	while (first < nr_live && live[first] <= prev)
		first++;
	for (end = first; end < nr_live && live[end] <= newest;)
		end++;
	if (first == end)
		return false;
	*loss = (struct rpl_loss) { .above = prev, .to = newest };
	if (oldest_frees && end - first > 1)
		loss->to = live[first];
	return true;
}

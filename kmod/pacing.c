// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pacing of background copies. Pure: the same file is property-tested in user space.
 */
#include "pacing.h"

#define NS_PER_S 1000000000ULL
#define DT_MAX	 (NS_PER_S / 4) /* a late tick gives no more than this much at once */

void rpl_pace_limits(struct rpl_pace *pace, u64 min_bytes_s, u64 max_bytes_s)
{
	u64 top = max_bytes_s ? min_t(u64, max_bytes_s, RPL_PACE_TOP) : RPL_PACE_TOP;
	u64 floor = min_bytes_s ? min_bytes_s : RPL_PACE_FLOOR;

	pace->max_bytes_s = top;
	pace->min_bytes_s = min(floor, top);
	pace->rate_bytes_s = clamp_t(u64, pace->rate_bytes_s, pace->min_bytes_s, top);
}

void rpl_pace_init(struct rpl_pace *pace, u64 min_bytes_s, u64 max_bytes_s)
{
	pace->tokens = 0;
	pace->jobs = 1;
	pace->rate_bytes_s = 0;
	rpl_pace_limits(pace, min_bytes_s, max_bytes_s);
}

void rpl_pace_restart(struct rpl_pace *pace, u64 min_bytes_s, u64 max_bytes_s)
{
	s64 owed = min_t(s64, pace->tokens, 0);

	rpl_pace_init(pace, min_bytes_s, max_bytes_s);
	pace->tokens = owed;
}

void rpl_pace_tick(struct rpl_pace *pace, u64 dt_ns, u32 inflight, bool known)
{
	u64 dt = min_t(u64, dt_ns, DT_MAX);
	u64 rate = pace->rate_bytes_s;
	u64 gain, cap;

	if (!known) {
		rate = pace->min_bytes_s;
		pace->jobs = 1;
	} else if (inflight <= RPL_PACE_QUIET) {
		/* Fourfold per tick of quiet, so that an idle copy is at full speed in a blink. */
		rate += max_t(u64, 3 * rate, RPL_PACE_STEP_MIN * dt / NS_PER_S);
		pace->jobs = min_t(u32, 2 * pace->jobs, RPL_PACE_JOBS_MAX);
	} else {
		rate /= 2;
		pace->jobs = max_t(u32, pace->jobs / 2, 1);
	}
	pace->rate_bytes_s = clamp_t(u64, rate, pace->min_bytes_s, pace->max_bytes_s);

	/* rate * dt in two parts: 64 GiB/s times 0.25 s in ns does not fit 64 bits */
	gain = (pace->rate_bytes_s >> 10) * dt / (NS_PER_S >> 10);
	/* Unused tokens are kept for two ticks or one job, not for bursts later. */
	cap = max_t(u64, 2 * gain, SZ_1M);
	pace->tokens = min_t(s64, pace->tokens + (s64)gain, (s64)cap);
}

bool rpl_pace_take(struct rpl_pace *pace, u32 running, u64 bytes)
{
	if (running >= pace->jobs || pace->tokens <= 0)
		return false;
	pace->tokens -= (s64)bytes;
	return true;
}

void rpl_pace_give_back(struct rpl_pace *pace, u64 bytes)
{
	pace->tokens += (s64)bytes;
}

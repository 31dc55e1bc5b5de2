// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rate and remaining time. Pure: the same file is property-tested in user space.
 */
#include "progress.h"

#define NS_PER_MS 1000000ULL
#define SMOOTH	  4 /* weight of the new sample: 1/4 */

void rpl_progress_init(struct rpl_progress *p)
{
	memset(p, 0, sizeof(*p));
}

void rpl_progress_feed(struct rpl_progress *p, u64 now_ns, u64 copied_bytes)
{
	u64 dt_ms, rate;

	if (!p->started || copied_bytes < p->last_bytes) {
		p->started = true;
		p->last_ns = now_ns;
		p->last_bytes = copied_bytes;
		return;
	}
	if (now_ns < p->last_ns + RPL_PROGRESS_SAMPLE_MS * NS_PER_MS)
		return;
	dt_ms = div64_u64(now_ns - p->last_ns, NS_PER_MS);
	rate = div64_u64((copied_bytes - p->last_bytes) * 1000, dt_ms);
	if (p->rate_bytes_s)
		rate = p->rate_bytes_s - p->rate_bytes_s / SMOOTH + rate / SMOOTH;
	p->rate_bytes_s = rate;
	p->last_ns = now_ns;
	p->last_bytes = copied_bytes;
}

u32 rpl_progress_eta_s(const struct rpl_progress *p, u64 left_bytes)
{
	u64 eta;

	if (!left_bytes)
		return 0;
	if (!p->rate_bytes_s)
		return U32_MAX;
	eta = div64_u64(left_bytes + p->rate_bytes_s - 1, p->rate_bytes_s);
	return min_t(u64, eta, U32_MAX - 1);
}

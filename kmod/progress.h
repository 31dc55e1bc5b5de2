/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rate and remaining time of a copy, from the bytes that are really copied. Pure; the caller holds
 * clone->lock. Fed now and then (whenever somebody looks, or at each pacing tick).
 */
#ifndef RPL_PROGRESS_H
#define RPL_PROGRESS_H

#include "pure.h"

struct rpl_progress {
	u64 last_ns, last_bytes;
	u64 rate_bytes_s; /* smoothed over about eight samples of RPL_PROGRESS_SAMPLE_MS */
	bool started;
};

#define RPL_PROGRESS_SAMPLE_MS 250U

void rpl_progress_init(struct rpl_progress *p);

/* At now_ns, copied_bytes were copied. Samples closer than RPL_PROGRESS_SAMPLE_MS are ignored. */
void rpl_progress_feed(struct rpl_progress *p, u64 now_ns, u64 copied_bytes);

/* Seconds that left_bytes take at this rate, U32_MAX if that is not known. */
u32 rpl_progress_eta_s(const struct rpl_progress *p, u64 left_bytes);

#endif /* RPL_PROGRESS_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How fast a background copy may go. Pure; the caller holds clone->lock.
 *
 * A floor that no foreground load takes away (R50); above it only while the foreground is all but
 * idle: the rate grows while at most RPL_PACE_QUIET requests are in flight, and halves per tick
 * otherwise. Tokens are bytes; a tick adds what the rate gives for the time that has passed.
 */
#ifndef RPL_PACING_H
#define RPL_PACING_H

#include "pure.h"

#define RPL_PACE_TICK_MS  20U
#define RPL_PACE_QUIET	  1U
#define RPL_PACE_JOBS_MAX 8U /* jobs of one clone in flight */
#define RPL_PACE_FLOOR	  (4ULL << 20) /* default least rate, bytes/s */
#define RPL_PACE_TOP	  (64ULL << 30) /* "no limit", bytes/s */
#define RPL_PACE_STEP_MIN (64ULL << 20) /* least growth of the rate per second of quiet, bytes/s */

struct rpl_pace {
	u64 min_bytes_s, max_bytes_s; /* limits in force: 0 < min <= max */
	u64 rate_bytes_s;
	s64 tokens; /* bytes; goes below zero by at most one job */
	u32 jobs; /* jobs that may be in flight now, 1 .. RPL_PACE_JOBS_MAX */
};

/* Set limits: 0 = default floor / no limit; a floor above the limit is lowered to it. */
void rpl_pace_init(struct rpl_pace *pace, u64 min_bytes_s, u64 max_bytes_s);
void rpl_pace_limits(struct rpl_pace *pace, u64 min_bytes_s, u64 max_bytes_s);

/*
 * A copy that was stopped goes on: as after init, but what it has taken in advance it still owes.
 * Else one that is stopped and started again and again would have a job for nothing each time.
 */
void rpl_pace_restart(struct rpl_pace *pace, u64 min_bytes_s, u64 max_bytes_s);

/*
 * dt_ns passed; `inflight` foreground requests were seen at its end. `known` false: the kernel does
 * not count them (iostats off), then the floor is kept.
 */
void rpl_pace_tick(struct rpl_pace *pace, u64 dt_ns, u32 inflight, bool known);

/* May one more job start with `running` in flight? Take its bytes if so. */
bool rpl_pace_take(struct rpl_pace *pace, u32 running, u64 bytes);

/* A job that was taken did not start. */
void rpl_pace_give_back(struct rpl_pace *pace, u64 bytes);

#endif /* RPL_PACING_H */

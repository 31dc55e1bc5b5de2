// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-pacing.c - kmod/pacing.c and progress.c as the kernel compiles them: a floor that no load
 * takes away, a limit that is never passed, an idle copy that is at full speed soon, a rate and an
 * ETA that say "unknown" before they guess.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include "../../kmod/pacing.c"
#undef NS_PER_S
#include "../../kmod/progress.c"
#include "rng.h"

#define TICK_NS (RPL_PACE_TICK_MS * 1000000ULL)
#define JOB	(256ULL << 10)
#define MIB	(1ULL << 20)

/* All that the pacing lets through in `ticks`, if every job ends within its tick. */
static u64 run(struct rpl_pace *p, unsigned int ticks, u32 foreground)
{
	u64 bytes = 0;

	while (ticks--) {
		rpl_pace_tick(p, TICK_NS, foreground, true);
		while (rpl_pace_take(p, 0, JOB))
			bytes += JOB;
	}
	return bytes;
}

static void floor_holds_under_any_load(void **state)
{
	(void)state;
	for (int i = 0; i < 300; i++) {
		u64 floor = MIB * (1 + below(64)), bytes;
		struct rpl_pace p;

		rpl_pace_init(&p, floor, 0);
		run(&p, 50, 1000); /* whatever it had gained before is gone */
		bytes = run(&p, 500, 1 + RPL_PACE_QUIET + (u32)below(1000)); /* 10 s */
		assert_in_range(bytes, 10 * floor - 2 * MIB, 10 * floor + 2 * MIB);
	}
}

static void limit_is_never_passed(void **state)
{
	(void)state;
	for (int i = 0; i < 300; i++) {
		u64 limit = MIB * (1 + below(512)), bytes;
		struct rpl_pace p;

		rpl_pace_init(&p, 0, limit);
		run(&p, 50, 0);
		bytes = run(&p, 500, 0);
		assert_in_range(bytes, 10 * limit - limit / 10 - 2 * MIB,
				10 * limit + limit / 10 + 2 * MIB);
	}
}

/* However often it is stopped and started again meanwhile. */
static void limit_holds_over_restarts(void **state)
{
	(void)state;
	for (int i = 0; i < 300; i++) {
		u64 limit = 1024 * (1 + below(64 * 1024)), bytes = 0;
		struct rpl_pace p;

		rpl_pace_init(&p, 0, limit);
		for (int n = 0; n < 500; n++) { /* 10 s */
			rpl_pace_restart(&p, 0, limit);
			bytes += run(&p, 1, 0);
		}
		assert_in_range(bytes, 0, 10 * limit + 2 * MIB);
	}
}

static void limit_lowers_the_floor(void **state)
{
	struct rpl_pace p;

	(void)state;
	rpl_pace_init(&p, 100 * MIB, 10 * MIB);
	assert_int_equal(p.min_bytes_s, 10 * MIB);
	assert_int_equal(p.max_bytes_s, 10 * MIB);
}

/* A tenth of a second without load, and the disk is what limits a copy. */
static void idle_copy_is_at_full_speed_soon(void **state)
{
	struct rpl_pace p;

	(void)state;
	rpl_pace_init(&p, 0, 0);
	run(&p, 5, 0);
	assert_true(p.rate_bytes_s >= 1024 * MIB);
	assert_int_equal(p.jobs, RPL_PACE_JOBS_MAX);
}

/* The foreground comes back: within five ticks the copy is at its floor again. */
static void copy_yields_soon(void **state)
{
	struct rpl_pace p;

	(void)state;
	rpl_pace_init(&p, 0, 0);
	run(&p, 5, 0);
	for (int i = 0; i < 20; i++)
		rpl_pace_tick(&p, TICK_NS, 8, true);
	assert_int_equal(p.rate_bytes_s, RPL_PACE_FLOOR);
	assert_int_equal(p.jobs, 1);
}

static void uncounted_foreground_means_the_floor(void **state)
{
	struct rpl_pace p;

	(void)state;
	rpl_pace_init(&p, 0, 0);
	run(&p, 5, 0);
	rpl_pace_tick(&p, TICK_NS, 0, false);
	assert_int_equal(p.rate_bytes_s, RPL_PACE_FLOOR);
}

/* Whatever is done to it, its members stay in their ranges and a copy can always go on. */
static void random_walk_stays_in_range(void **state)
{
	struct rpl_pace p;

	(void)state;
	rpl_pace_init(&p, 0, 0);
	for (int i = 0; i < 200000; i++) {
		switch (below(8)) {
		case 0:
			rpl_pace_limits(&p, below(4) * below(1ULL << 40),
					below(4) * below(1ULL << 40));
			break;
		case 1:
			if (rpl_pace_take(&p, (u32)below(9), JOB) && !below(3))
				rpl_pace_give_back(&p, JOB);
			break;
		default:
			rpl_pace_tick(&p, below(4ULL * 1000000000), (u32)below(4), below(50));
		}
		assert_in_range(p.rate_bytes_s, p.min_bytes_s, p.max_bytes_s);
		assert_in_range(p.jobs, 1, RPL_PACE_JOBS_MAX);
		assert_true(p.tokens >= -(s64)JOB);
		assert_true(p.min_bytes_s > 0);
	}
}

static void steady_copy_has_its_rate_and_eta(void **state)
{
	struct rpl_progress p;
	u64 rate = 50 * MIB;

	(void)state;
	rpl_progress_init(&p);
	assert_int_equal(rpl_progress_eta_s(&p, 1), U32_MAX);
	for (u64 ms = 0; ms <= 10000; ms += 20)
		rpl_progress_feed(&p, ms * 1000000, rate / 1000 * ms);
	assert_in_range(p.rate_bytes_s, rate * 99 / 100, rate * 101 / 100);
	assert_in_range(rpl_progress_eta_s(&p, 100 * rate), 99, 102);
	assert_int_equal(rpl_progress_eta_s(&p, 0), 0);
}

static void stalled_copy_s_rate_fades(void **state)
{
	struct rpl_progress p;
	u64 ns = 0, bytes = 0;

	(void)state;
	rpl_progress_init(&p);
	for (int i = 0; i < 40; i++) {
		rpl_progress_feed(&p, ns, bytes);
		ns += 250000000;
		bytes += 10 * MIB;
	}
	for (int i = 0; i < 200; i++) {
		rpl_progress_feed(&p, ns, bytes);
		ns += 250000000;
	}
	assert_true(p.rate_bytes_s < 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(floor_holds_under_any_load),
		cmocka_unit_test(limit_is_never_passed),
		cmocka_unit_test(limit_holds_over_restarts),
		cmocka_unit_test(limit_lowers_the_floor),
		cmocka_unit_test(idle_copy_is_at_full_speed_soon),
		cmocka_unit_test(copy_yields_soon),
		cmocka_unit_test(uncounted_foreground_means_the_floor),
		cmocka_unit_test(random_walk_stays_in_range),
		cmocka_unit_test(steady_copy_has_its_rate_and_eta),
		cmocka_unit_test(stalled_copy_s_rate_fades),
	};

	return cmocka_run_group_tests_name("pacing", tests, NULL, NULL);
}

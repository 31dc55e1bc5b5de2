// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-shortage.c - kmod/shortage.c as the kernel compiles it: a warning for each crossing of the
 * mark and no other, the wait that each policy allows, and for a chunk that cannot be kept the loss
 * of those snapshots that a naive model says to need it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include "../../kmod/shortage.c"
#include "rng.h"

#define ROUNDS 100000

/* ---- the low-water mark ---- */

static void at_the_mark_and_five_percent_above(void **state)
{
	(void)state;
	assert_false(rpl_low_water(false, 101, 100, 1000));
	assert_true(rpl_low_water(false, 100, 100, 1000));
	assert_true(rpl_low_water(false, 0, 100, 1000));
	assert_true(rpl_low_water(true, 101, 100, 1000));
	assert_true(rpl_low_water(true, 149, 100, 1000));
	assert_false(rpl_low_water(true, 150, 100, 1000));
	assert_false(rpl_low_water(false, 149, 100, 1000));
}

static void without_a_mark_never(void **state)
{
	(void)state;
	assert_false(rpl_low_water(false, 0, 0, 1000));
	assert_false(rpl_low_water(true, 0, 0, 1000));
}

/* However the free space goes, between two warnings it was 5 % above the mark. */
static void one_warning_for_a_crossing(void **state)
{
	u64 total = 4000, mark = 400, free = total, most = total;
	bool low = false;

	(void)state;
	for (u32 i = 0; i < ROUNDS; i++) {
		bool was = low;

		free += below(40);
		free = free > 20 ? min_t(u64, free - 20, total) : 0;
		low = rpl_low_water(was, free, mark, total);
		if (free <= mark)
			assert_true(low);
		most = max(most, free);
		if (low && !was) {
			assert_true(most >= mark + total / 20);
			most = 0;
		}
	}
}

/* ---- waiting ---- */

static void waits_by_policy(void **state)
{
	(void)state;
	assert_int_equal(rpl_space_wait_ms(false, 60000, false, 5000), 0);
	assert_int_equal(rpl_space_wait_ms(false, 60000, true, 5000), 5000);
	assert_int_equal(rpl_space_wait_ms(true, 60000, false, 5000), 60000);
	assert_int_equal(rpl_space_wait_ms(true, 60000, true, 5000), 60000);
	assert_int_equal(rpl_space_wait_ms(true, 100, true, 5000), 5000);
}

/* ---- losses ---- */

/* A snapshot needs what cannot be kept if the smallest tag of the chunk from its own on is none. */
static bool needs(u32 snapshot, const u32 *copies, u32 nr_copies)
{
	for (u32 i = 0; i < nr_copies; i++)
		if (copies[i] >= snapshot)
			return false;
	return true;
}

static u32 increasing(u32 *out, u32 max, u32 last)
{
	u32 nr = 0;

	for (u32 tag = 1; tag <= last && nr < max; tag++)
		if (below(3) == 0)
			out[nr++] = tag;
	return nr;
}

static void exactly_those_that_need_it(void **state)
{
	(void)state;
	for (u32 round = 0; round < ROUNDS; round++) {
		u32 live[20], copies[20], nr_live, nr_copies, newest, prev, lost = 0, first = 0;
		struct rpl_loss loss = { 0 };
		bool frees = below(2), any;

		nr_live = increasing(live, 20, 40);
		newest = nr_live ? live[nr_live - 1] : 40;
		nr_copies = increasing(copies, 20, newest - 1);
		prev = nr_copies ? copies[nr_copies - 1] : 0;
		any = rpl_loss_choose(live, nr_live, prev, newest, frees, &loss);
		for (u32 i = 0; i < nr_live; i++) {
			bool need = needs(live[i], copies, nr_copies);

			if (need && !first)
				first = live[i];
			if (!any) {
				assert_false(need);
				continue;
			}
			if (frees)
				assert_int_equal(rpl_loss_has(&loss, live[i]), live[i] == first);
			else
				assert_int_equal(rpl_loss_has(&loss, live[i]), need);
			lost += rpl_loss_has(&loss, live[i]);
		}
		assert_int_equal(any, lost > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_the_mark_and_five_percent_above),
		cmocka_unit_test(without_a_mark_never),
		cmocka_unit_test(one_warning_for_a_crossing),
		cmocka_unit_test(waits_by_policy),
		cmocka_unit_test(exactly_those_that_need_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

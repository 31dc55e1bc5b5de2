// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-state.c - kmod/state.c as the kernel compiles it: properties of the table of a relation's
 * states that hold whatever states are added.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include "../../kmod/state.c"

static void for_each_pair(void (*check)(enum rpl_state from, enum rpl_state to))
{
	for (u32 from = 0; from <= RPL_STATE_MAX + 1; from++)
		for (u32 to = 0; to <= RPL_STATE_MAX + 1; to++)
			check(from, to);
}

/* Nothing comes back to prepared, nothing leaves detached, no number out of range goes anywhere. */
static void check_ends(enum rpl_state from, enum rpl_state to)
{
	if (!rpl_state_may(from, to))
		return;
	assert_in_range(from, 1, RPL_STATE_MAX);
	assert_in_range(to, 1, RPL_STATE_MAX);
	assert_int_not_equal(to, RPL_STATE_PREPARED);
	assert_int_not_equal(from, RPL_STATE_DETACHED);
	assert_int_not_equal(from, to);
}

/* 100 % cannot be taken back: a complete clone never fails or aborts (I6). */
static void check_complete(enum rpl_state from, enum rpl_state to)
{
	if (from == RPL_STATE_SYNCHRONIZED && rpl_state_may(from, to))
		assert_false(to == RPL_STATE_FAILED || to == RPL_STATE_ABORTED ||
			     to == RPL_STATE_COPYING || to == RPL_STATE_SUSPENDED);
}

/* What ended without success is complete again only through a new copy of what differs. */
static void check_ended(enum rpl_state from, enum rpl_state to)
{
	if ((from == RPL_STATE_ABORTED || from == RPL_STATE_FAILED) && rpl_state_may(from, to))
		assert_true(to == RPL_STATE_RESYNCING || to == RPL_STATE_DETACHED);
}

static void ends(void **state)
{
	(void)state;
	for_each_pair(check_ends);
}

static void complete_stays_complete(void **state)
{
	(void)state;
	for_each_pair(check_complete);
}

static void ended_stays_ended(void **state)
{
	(void)state;
	for_each_pair(check_ended);
}

/* Every unfinished relation can fail, be aborted and complete: no operator is ever stuck with it. */
static void unfinished_can_end_every_way(void **state)
{
	(void)state;
	for (u32 s = 1; s <= RPL_STATE_MAX; s++) {
		if (!rpl_state_unfinished(s))
			continue;
		assert_true(rpl_state_related(s));
		assert_true(rpl_state_may(s, RPL_STATE_FAILED));
		assert_true(rpl_state_may(s, RPL_STATE_ABORTED));
		assert_true(rpl_state_may(s, RPL_STATE_SYNCHRONIZED));
	}
}

/* From every related state detached can be reached. */
static void everything_can_be_detached(void **state)
{
	u32 reach = 1U << RPL_STATE_DETACHED, before;

	(void)state;
	do {
		before = reach;
		for (u32 from = 1; from <= RPL_STATE_MAX; from++)
			for (u32 to = 1; to <= RPL_STATE_MAX; to++)
				if ((reach & (1U << to)) && rpl_state_may(from, to))
					reach |= 1U << from;
	} while (reach != before);
	for (u32 s = 1; s <= RPL_STATE_MAX; s++)
		assert_true(reach & (1U << s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends),
		cmocka_unit_test(complete_stays_complete),
		cmocka_unit_test(ended_stays_ended),
		cmocka_unit_test(unfinished_can_end_every_way),
		cmocka_unit_test(everything_can_be_detached),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}

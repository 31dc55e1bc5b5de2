// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of a relation's states. Pure: the same file is tested in user space.
 */
#include "state.h"

#define S(state) (1U << RPL_STATE_##state)

static const u32 next_states[RPL_STATE_MAX + 1] = {
	[RPL_STATE_PREPARED] = S(COPYING) | S(FAILED),
	[RPL_STATE_COPYING] = S(SUSPENDED) | S(SYNCHRONIZED) | S(ABORTED) | S(FAILED) | S(DETACHED),
	[RPL_STATE_RESYNCING] = S(SUSPENDED) | S(SYNCHRONIZED) | S(ABORTED) | S(FAILED) |
				S(DETACHED),
	[RPL_STATE_RESTORING] = S(SYNCHRONIZED) | S(FAILED),
	/* a write by the user may complete a clone whose copier is paused */
	[RPL_STATE_SUSPENDED] = S(COPYING) | S(RESYNCING) | S(SYNCHRONIZED) | S(ABORTED) |
				S(FAILED) | S(DETACHED),
	[RPL_STATE_SYNCHRONIZED] = S(RESYNCING) | S(RESTORING) | S(DETACHED),
	[RPL_STATE_ABORTED] = S(RESYNCING) | S(DETACHED),
	[RPL_STATE_FAILED] = S(RESYNCING) | S(DETACHED),
	[RPL_STATE_DETACHED] = 0,
};

bool rpl_state_may(enum rpl_state from, enum rpl_state to)
{
	if ((u32)from > RPL_STATE_MAX || (u32)to > RPL_STATE_MAX)
		return false;
	return next_states[from] & (1U << to);
}

bool rpl_state_unfinished(enum rpl_state state)
{
	return state == RPL_STATE_COPYING || state == RPL_STATE_RESYNCING ||
	       state == RPL_STATE_SUSPENDED;
}

bool rpl_state_related(enum rpl_state state)
{
	return state != RPL_STATE_PREPARED && state != RPL_STATE_DETACHED;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The states of a relation and the ways between them: one table. Pure. The caller holds
 * clone->lock when it changes a state by what this says.
 */
#ifndef RPL_STATE_H
#define RPL_STATE_H

#include "pure.h"

/* May a relation go from one state to another? */
bool rpl_state_may(enum rpl_state from, enum rpl_state to);

/* Does it still need its source: unfinished, and its point in time is being kept. */
bool rpl_state_unfinished(enum rpl_state state);

/* Has it a point in time at all (it is in the registry of relations and on disk). */
bool rpl_state_related(enum rpl_state state);

#endif /* RPL_STATE_H */

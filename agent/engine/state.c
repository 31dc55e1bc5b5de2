// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * state.c - one vocabulary: the kernel's relation states in CIM's words. Pure.
 *
 * The table is the one of doc/design.md; a face never translates states by itself.
 */
#include "engine/engine.h"

static const struct {
	const char *word;
	uint16_t copy_state, progress_status, sync_state;
} states[ENGINE_NR_STATES] = {
	[ENGINE_PREPARED] = { "prepared", 2, 3, 2 },
	[ENGINE_COPYING] = { "copying", 3, 6, 5 },
	[ENGINE_RESYNCING] = { "resyncing", 3, 7, 5 },
	[ENGINE_RESTORING] = { "restoring", 4, 8, 10 },
	[ENGINE_SUSPENDED] = { "paused", 9, 3, 8 },
	[ENGINE_SYNCHRONIZED] = { "synchronized", 4, 2, 14 },
	[ENGINE_ABORTED] = { "aborted", 12, 2, 12 },
	[ENGINE_RELATION_FAILED] = { "failed", 5, 15, 12 },
	[ENGINE_DETACHED] = { "detached", 15, 15, 0 },
};

static unsigned int in_range(enum engine_state s)
{
	return s >= ENGINE_PREPARED && s < ENGINE_NR_STATES ? s : ENGINE_RELATION_FAILED;
}

const char *engine_state_word(enum engine_state s)
{
	return states[in_range(s)].word;
}

uint16_t engine_state_copy_state(enum engine_state s)
{
	return states[in_range(s)].copy_state;
}

uint16_t engine_state_progress_status(enum engine_state s)
{
	return states[in_range(s)].progress_status;
}

uint16_t engine_state_sync_state(enum engine_state s)
{
	return states[in_range(s)].sync_state;
}

uint16_t engine_relation_sync_state(const struct engine_relation *r)
{
	const uint16_t idle = 11;

	if (r->sync_type == ENGINE_SYNC_SNAPSHOT && r->state == ENGINE_SYNCHRONIZED)
		return idle;
	return engine_state_sync_state(r->state);
}

uint16_t engine_relation_percent(const struct engine_relation *r)
{
	if (r->state == ENGINE_SYNCHRONIZED || r->when_synchronized_us)
		return 100;
	if (!r->total_bytes)
		return 0;
	/* 100 is said only when the kernel says that all is there */
	if (r->copied_bytes >= r->total_bytes)
		return 99;
	return (uint16_t)((long double)r->copied_bytes * 100 / r->total_bytes);
}

uint32_t engine_rc_method(enum engine_rc rc)
{
	switch (rc) {
	case ENGINE_NOT_FOUND:
	case ENGINE_EXISTS:
		return ENGINE_INVALID_PARAMETER;
	case ENGINE_NO_SPACE:
	case ENGINE_UNAVAILABLE:
		return ENGINE_FAILED;
	default:
		return rc;
	}
}

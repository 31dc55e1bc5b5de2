// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * repl-ops.c - the table of operations on relationships.
 */
#include "providers/repl-ops.h"

#define S(name) (1u << CIM_Synchronized_CopyState_##name)

static const struct op {
	uint16_t op, engine, sync_type;
	uint32_t in, with_force; /* CopyStates in which it is possible */
	uint32_t waits; /* accepted WaitForCopyState; what is gone counts as Not Applicable */
} table[] = {
	{ REPL_OP_ABORT, ENGINE_OP_ABORT, ENGINE_SYNC_CLONE,
	  S(Initialized) | S(Unsynchronized) | S(Suspended) | S(Mixed), 0,
	  S(Aborted) | S(Not_Applicable) },
	{ REPL_OP_DETACH, ENGINE_OP_DETACH, ENGINE_SYNC_CLONE,
	  S(Synchronized) | S(Aborted) | S(Broken),
	  S(Initialized) | S(Unsynchronized) | S(Suspended) | S(Mixed), S(Not_Applicable) },
	{ REPL_OP_DISSOLVE, ENGINE_OP_DETACH, ENGINE_SYNC_CLONE,
	  S(Synchronized) | S(Aborted) | S(Broken),
	  S(Initialized) | S(Unsynchronized) | S(Suspended) | S(Mixed), S(Not_Applicable) },
	{ REPL_OP_RESUME, ENGINE_OP_RESUME, ENGINE_SYNC_CLONE, S(Suspended) | S(Mixed), 0,
	  S(Unsynchronized) | S(Synchronized) },
	{ REPL_OP_RETURN, ENGINE_OP_RETURN, ENGINE_SYNC_SNAPSHOT,
	  S(Synchronized) | S(Broken) | S(Mixed), 0, S(Not_Applicable) },
	{ REPL_OP_SUSPEND, ENGINE_OP_SUSPEND, ENGINE_SYNC_CLONE, S(Unsynchronized) | S(Mixed), 0,
	  S(Suspended) },
};

uint16_t repl_op_engine(uint16_t op)
{
	size_t k;

	for (k = 0; k < ARRAY_LEN(table); k++)
		if (table[k].op == op)
			return table[k].engine;
	return 0;
}

bool repl_op_legal(uint16_t sync_type, uint16_t op, uint16_t copy_state, bool *force)
{
	uint32_t bit = copy_state < 32 ? 1u << copy_state : 0;
	size_t k;

	for (k = 0; k < ARRAY_LEN(table); k++) {
		if (table[k].op != op || table[k].sync_type != sync_type)
			continue;
		*force = table[k].with_force & bit;
		return !copy_state || ((table[k].in | table[k].with_force) & bit);
	}
	return false;
}

size_t repl_ops(uint16_t sync_type, uint16_t copy_state, uint16_t ops[REPL_MAX_OPS],
		bool force[REPL_MAX_OPS])
{
	size_t k, n = 0;

	for (k = 0; k < ARRAY_LEN(table); k++) {
		ops[n] = table[k].op;
		n += repl_op_legal(sync_type, table[k].op, copy_state, &force[n]);
	}
	return n;
}

size_t repl_op_waits(uint16_t sync_type, uint16_t op, uint16_t states[REPL_MAX_STATES])
{
	uint32_t bits = 0;
	uint16_t s;
	size_t k, n = 0;

	for (k = 0; k < ARRAY_LEN(table); k++)
		if ((!op || table[k].op == op) && (!sync_type || table[k].sync_type == sync_type))
			bits |= table[k].waits;
	for (s = 1; s < 32 && n < REPL_MAX_STATES; s++)
		if (bits & (1u << s))
			states[n++] = s;
	return n;
}

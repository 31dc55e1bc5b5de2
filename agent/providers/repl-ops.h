// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * repl-ops.h - what may be asked of a relationship in which CopyState. ModifyReplicaSynchronization
 * and the capability queries read the same table.
 */
#ifndef PROVIDERS_REPL_OPS_H
#define PROVIDERS_REPL_OPS_H

#include "providers/prov.h"

#define REPL_MAX_OPS	8
#define REPL_MAX_STATES 8

#define REPL_OP(name) CIM_ReplicationService_ModifyReplicaSynchronization_Operation_##name

/* Operations that are supported. */
enum {
	REPL_OP_ABORT = REPL_OP(Abort),
	REPL_OP_DETACH = REPL_OP(Detach),
	REPL_OP_DISSOLVE = REPL_OP(Dissolve),
	REPL_OP_RESUME = REPL_OP(Resume),
	REPL_OP_RETURN = REPL_OP(Return_To_ResourcePool),
	REPL_OP_SUSPEND = REPL_OP(Suspend),
};

/* The operation of the engine, 0: not supported. Dissolving a clone is detaching it. */
uint16_t repl_op_engine(uint16_t op);
/* Has such a relationship the operation in that CopyState (0: any)? @force: only with Force. */
bool repl_op_legal(uint16_t sync_type, uint16_t op, uint16_t copy_state, bool *force);
/* All of them that it has. Returns how many. */
size_t repl_ops(uint16_t sync_type, uint16_t copy_state, uint16_t ops[REPL_MAX_OPS],
		bool force[REPL_MAX_OPS]);
/* The values of WaitForCopyState for the operation (0: for any, of any SyncType). How many. */
size_t repl_op_waits(uint16_t sync_type, uint16_t op, uint16_t states[REPL_MAX_STATES]);

#endif

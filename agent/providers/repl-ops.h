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

/* Operations that are supported. */
enum {
	REPL_OP_ABORT = CIM_ReplicationService_ModifyReplicaSynchronization_Operation_Abort,
	REPL_OP_DETACH = CIM_ReplicationService_ModifyReplicaSynchronization_Operation_Detach,
	REPL_OP_DISSOLVE = CIM_ReplicationService_ModifyReplicaSynchronization_Operation_Dissolve,
	REPL_OP_RESUME = CIM_ReplicationService_ModifyReplicaSynchronization_Operation_Resume,
	REPL_OP_SUSPEND = CIM_ReplicationService_ModifyReplicaSynchronization_Operation_Suspend,
};

/* The operation of the engine, 0: not supported. Dissolving a clone is detaching it. */
uint16_t repl_op_engine(uint16_t op);
/* Is the operation possible in that CopyState (0: any)? Then @force tells if it needs Force. */
bool repl_op_legal(uint16_t op, uint16_t copy_state, bool *force);
/* All of them that do. Returns how many. */
size_t repl_ops(uint16_t copy_state, uint16_t ops[REPL_MAX_OPS], bool force[REPL_MAX_OPS]);
/* The values of WaitForCopyState for the operation (0: for any). Returns how many. */
size_t repl_op_waits(uint16_t op, uint16_t states[REPL_MAX_STATES]);

#endif

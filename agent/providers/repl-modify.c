// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * repl-modify.c - ModifyReplicaSynchronization, on a pair or on a group relation with all its
 * pairs, and ModifyListSynchronization.
 *
 * The operations end in the call. Only Resume with WaitForCopyState Synchronized answers with the
 * job of the copy, which goes on.
 */
#include <stdlib.h>
#include <string.h>

#include "providers/repl-ops.h"
#include "providers/repl.h"

#define OP(name) CIM_ReplicationService_ModifyReplicaSynchronization_Operation_##name

struct modifying {
	struct cim_hold *hold;
	struct engine *engine;
	char job[ENGINE_UUID_LEN]; /* to be given back while it runs; "" */
};

static void done(const struct engine_result *r, void *arg)
{
	struct modifying *m = arg;
	struct cim_call *c = cim_resume(m->hold);
	const struct engine_job *j = *m->job ? engine_job_by_id(m->engine, m->job) : NULL;

	if (c) {
		if (r->rc != ENGINE_OK) {
			prov_refuse_result(c, r);
		} else if (j && !engine_job_state_final(j->state)) {
			cim_out_ref(c, "Job", prov_job_path(c, j));
			cim_return(c, ENGINE_JOB_STARTED);
		} else {
			cim_return(c, 0);
		}
		cim_call_done(c, 0);
	}
	free(m);
}

struct request {
	uint16_t op; /* of the engine */
	uint16_t wait;
	bool force;
};

/* Operation, WaitForCopyState, Force, ReplicationSettingData. 0, or -1: answered. */
static int common_args(struct cim_call *c, struct request *q)
{
	uint16_t op = 0, waits[REPL_MAX_STATES];
	size_t n, k;

	cim_arg_u16(c, "Operation", &op);
	cim_arg_bool(c, "Force", &q->force);
	if (op < OP(Abort) || op > OP(Reset_Replica))
		return cim_refuse(c, ENGINE_INVALID_PARAMETER, "Operation %u is unknown", op), -1;
	q->op = repl_op_engine(op);
	if (!q->op)
		return cim_refuse(c, ENGINE_NOT_SUPPORTED,
				  "Operation %u is not supported: a clone can be aborted (2), "
				  "detached (8, 9), resumed (16) or suspended (22), a snapshot "
				  "returned to the pool (19)",
				  op),
		       -1;
	if (repl_settings_refused(c, 0, REPL_TARGETS_ANY))
		return -1;
	if (!cim_arg_u16(c, "WaitForCopyState", &q->wait))
		return 0;
	n = repl_op_waits(0, op, waits);
	for (k = 0; k < n; k++)
		if (waits[k] == q->wait)
			return 0;
	cim_refuse(c, ENGINE_INVALID_PARAMETER,
		   "WaitForCopyState %u is not reached by operation %u", q->wait, op);
	return -1;
}

static int start(struct cim_call *c, const struct request *q, const char *set_uuid,
		 const char *const *uuids, size_t n, const char *job_id)
{
	struct modifying *m = new0(struct modifying);

	m->engine = cim_engine(c);
	m->hold = cim_hold(c);
	if (job_id && q->op == ENGINE_OP_RESUME &&
	    q->wait == CIM_Synchronized_CopyState_Synchronized)
		memcpy(m->job, job_id, strnlen(job_id, ENGINE_UUID_LEN - 1) + 1);
	engine_relation_op(m->engine, q->op, set_uuid, uuids, n, q->force, done, m);
	return CIM_PENDING;
}

/* The job of the whole call that a relation comes from; NULL: none. */
static const char *whole_job(struct cim_call *c, const struct engine_relation *r)
{
	const struct engine_job *j = *r->job_id ? engine_job_by_id(cim_engine(c), r->job_id) : NULL;

	return j ? (j->parent ? j->parent->id : j->id) : NULL;
}

int repl_modify_one(struct cim_call *c)
{
	static const char *const none[] = { "SyncPair", NULL };
	const struct cim_path *path = cim_arg_ref(c, "Synchronization");
	const struct engine_relation *r = prov_relation(c, path);
	const struct engine_set *s = prov_set(c, path);
	struct request q = { 0 };

	if (common_args(c, &q) || prov_refuse_given(c, none))
		return 0;
	if (s)
		return start(c, &q, s->uuid, NULL, 0,
			     s->nr_relations ? whole_job(c, s->relations[0]) : NULL);
	if (r) {
		const char *uuid = r->uuid;

		return start(c, &q, NULL, &uuid, 1, r->job_id);
	}
	return cim_refuse(c, ENGINE_INVALID_PARAMETER,
			  "Synchronization: there is no relationship %s", prov_print(c, path));
}

/* Collects the pairs; they must be alike. 0, or -1: answered. */
static int list_args(struct cim_call *c, const struct cim_value *list, const char **uuids)
{
	const struct engine_relation *first = NULL;
	size_t k, i;

	for (k = 0; k < list->n; k++) {
		const struct cim_path *path = list->v[k].ref;
		const struct engine_relation *r = prov_relation(c, path);

		if (!r)
			return cim_refuse(
				       c, ENGINE_INVALID_PARAMETER,
				       "Synchronization[%zu]: there is no relation of volumes %s",
				       k, prov_print(c, path)),
			       -1;
		first = first ? first : r;
		if (r->sync_type != first->sync_type || r->mode != first->mode)
			return cim_refuse(c, ENGINE_INVALID_PARAMETER,
					  "Synchronization[%zu]: SyncType or Mode unlike the first",
					  k),
			       -1;
		for (i = 0; i < k; i++)
			if (!strcmp(uuids[i], r->uuid))
				return cim_refuse(c, ENGINE_INVALID_PARAMETER,
						  "Synchronization[%zu]: %s to %s is listed twice",
						  k, r->source->name, r->target->name),
				       -1;
		uuids[k] = arena_strdup(cim_arena(c), r->uuid);
	}
	return 0;
}

int repl_modify_list(struct cim_call *c)
{
	const struct cim_value *list = cim_arg(c, "Synchronization");
	const struct engine_relation *first;
	const char **uuids;
	struct request q = { 0 };

	if (common_args(c, &q))
		return 0;
	if (!list || !list->n)
		return cim_refuse(c, ENGINE_INVALID_PARAMETER, "Synchronization is empty");
	uuids = arena_array(cim_arena(c), list->n, sizeof(*uuids));
	if (list_args(c, list, uuids))
		return 0;
	first = prov_relation(c, list->v[0].ref);
	return start(c, &q, NULL, uuids, list->n, whole_job(c, first));
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * repl-query.c - the query methods of RPL_ReplicationService. None of them needs a job.
 */
#include "base/vec.h"
#include "providers/relation.h"
#include "providers/repl.h"

#define LOCALITY_REMOTE CIM_ReplicationService_GetReplicationRelationships_Locality_Remote_only
#define TYPE_STORAGE	CIM_ReplicationService_GetReplicationRelationships_Type_StorageSynchronized
#define TYPE_GROUP	CIM_ReplicationService_GetReplicationRelationships_Type_GroupSynchronized

/* ------------------------------------------------------ available targets */

/* Is the volume in one of the pools? NULL: any will do. */
static bool in_pools(struct cim_call *c, const struct engine_volume *v,
		     const struct cim_value *pools)
{
	size_t k;

	for (k = 0; pools && k < pools->n; k++)
		if (prov_pool(c, pools->v[k].ref) == v->pool)
			return true;
	return !pools;
}

static int check_pools(struct cim_call *c, const struct cim_value *pools)
{
	size_t k;

	for (k = 0; pools && k < pools->n; k++) {
		if (prov_pool(c, pools->v[k].ref))
			continue;
		cim_refuse(c, ENGINE_INVALID_PARAMETER, "TargetPools[%zu]: there is no pool %s", k,
			   prov_print(c, pools->v[k].ref));
		return -1;
	}
	return 0;
}

static int check_kind(struct cim_call *c, uint16_t *sync_type)
{
	uint16_t mode = 0;

	cim_arg_u16(c, "SyncType", sync_type);
	cim_arg_u16(c, "Mode", &mode);
	if (*sync_type != ENGINE_SYNC_CLONE && *sync_type != ENGINE_SYNC_SNAPSHOT)
		return cim_refuse(c, ENGINE_NOT_SUPPORTED,
				  "SyncType %u is not supported: this node makes snapshots (7) and "
				  "clones (8)",
				  *sync_type),
		       -1;
	if (mode && mode != ENGINE_MODE_SYNC &&
	    (mode != ENGINE_MODE_ASYNC || *sync_type == ENGINE_SYNC_SNAPSHOT))
		return cim_refuse(c, ENGINE_NOT_SUPPORTED, "Mode %u is not supported", mode), -1;
	return 0;
}

int repl_available_targets(struct cim_call *c)
{
	static const char *const none[] = { "TargetAccessPoint", NULL };
	const struct engine_volume *source = prov_volume(c, cim_arg_ref(c, "SourceElement"));
	const struct cim_path *goal = cim_arg_ref(c, "TargetSettingGoal");
	const struct cim_value *pools = cim_arg(c, "TargetPools");
	VEC(const struct cim_path *) list = VEC_INIT;
	const struct engine_volume *v = NULL;
	uint16_t max = UINT16_MAX, sync_type = 0;
	char why[256];

	if (check_kind(c, &sync_type) || prov_refuse_given(c, none) ||
	    repl_settings_refused(c, 0, REPL_TARGETS_ANY) || check_pools(c, pools))
		return 0;
	if (!source)
		return cim_refuse(c, ENGINE_INVALID_PARAMETER,
				  "SourceElement: %s is no volume here",
				  prov_print(c, cim_arg_ref(c, "SourceElement")));
	if (goal && !prov_setting_pool(c, goal))
		return cim_refuse(c, ENGINE_INVALID_PARAMETER,
				  "TargetSettingGoal: there is no setting %s", prov_print(c, goal));
	cim_arg_u16(c, "MaxElementCount", &max);
	if (sync_type == ENGINE_SYNC_SNAPSHOT)
		max = 0; /* no volume becomes a snapshot */
	vec_push(&list, NULL); /* an empty list is not NULL */
	list.n = 0;
	while (list.n < max && (v = engine_volume_next(cim_engine(c), v)))
		if (!v->in_use && in_pools(c, v, pools) &&
		    engine_target_fits(cim_engine(c), source, v, why, sizeof(why)))
			vec_push(&list, prov_volume_path(c, v));
	cim_out_refs(c, "Candidates", list.v, list.n);
	vec_done(&list);
	return cim_return(c, 0);
}

/* ---------------------------------------------------------- relationships */

struct filter {
	uint16_t type, sync_type, mode, locality, copy_state; /* 0: any */
};

static void get_filter(struct cim_call *c, struct filter *f)
{
	cim_arg_u16(c, "Type", &f->type);
	cim_arg_u16(c, "SyncType", &f->sync_type);
	cim_arg_u16(c, "Mode", &f->mode);
	cim_arg_u16(c, "Locality", &f->locality);
	cim_arg_u16(c, "CopyState", &f->copy_state);
}

static bool passes(const struct filter *f, uint16_t type, uint16_t sync_type, uint16_t mode,
		   uint16_t copy_state)
{
	return (!f->type || f->type == type) && (!f->sync_type || f->sync_type == sync_type) &&
	       (!f->mode || f->mode == mode) && f->locality != LOCALITY_REMOTE &&
	       (!f->copy_state || f->copy_state == copy_state);
}

typedef void (*found_fn)(struct cim_call *c, const struct engine_relation *r,
			 const struct engine_set *s, void *arg);

static void find(struct cim_call *c, found_fn found, void *arg)
{
	const struct engine_relation *r = NULL;
	const struct engine_set *s = NULL;
	struct filter f = { 0 };

	get_filter(c, &f);
	while ((r = engine_relation_next(cim_engine(c), r)))
		if (passes(&f, TYPE_STORAGE, r->sync_type, r->mode,
			   engine_state_copy_state(r->state)))
			found(c, r, NULL, arg);
	while ((s = engine_set_next(cim_engine(c), s)))
		if (prov_set_is_group(s) &&
		    passes(&f, TYPE_GROUP, s->sync_type, s->mode, s->copy_state))
			found(c, NULL, s, arg);
}

typedef VEC(const struct cim_path *) path_vec;
typedef VEC(const struct cim_inst *) inst_vec;

static void add_path(struct cim_call *c, const struct engine_relation *r,
		     const struct engine_set *s, void *arg)
{
	path_vec *list = arg;

	vec_push(list, r ? prov_relation_path(c, r) : prov_set_path(c, s));
}

static void add_inst(struct cim_call *c, const struct engine_relation *r,
		     const struct engine_set *s, void *arg)
{
	struct cim_inst *i =
		cim_inst_new(c, r ? "RPL_StorageSynchronized" : "RPL_GroupSynchronized");
	inst_vec *list = arg;

	if (r)
		relation_fill(c, r, i);
	else
		group_relation_fill(c, s, i);
	vec_push(list, i);
}

int repl_relationships(struct cim_call *c)
{
	path_vec list = VEC_INIT;

	if (repl_settings_refused(c, 0, REPL_TARGETS_ANY))
		return 0;
	vec_push(&list, NULL);
	list.n = 0;
	find(c, add_path, &list);
	cim_out_refs(c, "Synchronizations", list.v, list.n);
	vec_done(&list);
	return cim_return(c, 0);
}

int repl_relationship_instances(struct cim_call *c)
{
	inst_vec list = VEC_INIT;

	if (repl_settings_refused(c, 0, REPL_TARGETS_ANY))
		return 0;
	vec_push(&list, NULL);
	list.n = 0;
	find(c, add_inst, &list);
	cim_out_insts(c, "Synchronizations", list.v, list.n);
	vec_done(&list);
	return cim_return(c, 0);
}

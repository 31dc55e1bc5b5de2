// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * repl-create.c - CreateElementReplica, CreateGroupReplica, CreateListReplica and
 * CreateGroupReplicaFromElements: arguments to one engine_replica_spec, its result back.
 *
 * `Job` is the job of the whole call, `Jobs` those of the pairs; the same for `Synchronization`
 * (with groups the group relation) and `Synchronizations`. What a request may ask for is decided
 * by engine/replica-check.c; here is only what the engine knows nothing of.
 */
#include <stdlib.h>
#include <string.h>

#include "providers/params.h"
#include "providers/repl.h"

#define WHY_SIZE 256

enum kind {
	ELEMENT,
	GROUP,
	LIST,
	FROM_ELEMENTS
};

/* A call that waits for the engine. Outlives the client, so it is not in the arena. */
struct waiting {
	struct cim_hold *hold;
	struct engine *engine;
	enum kind kind;
	/* FROM_ELEMENTS: groups made for this call; they go if it is refused. "": none */
	char made[2][ENGINE_UUID_LEN];
	char source_group[ENGINE_UUID_LEN];
};

/* ----------------------------------------------------------------- results */

static void out_targets(struct cim_call *c, const struct engine_result *r, const char *name,
			bool array)
{
	const struct cim_path **paths;
	size_t k;

	if (!r->nr_targets)
		return;
	paths = arena_array(cim_arena(c), r->nr_targets, sizeof(*paths));
	for (k = 0; k < r->nr_targets; k++)
		paths[k] = prov_volume_path(c, r->targets[k]);
	if (array)
		cim_out_refs(c, name, paths, r->nr_targets);
	else
		cim_out_ref(c, name, paths[0]);
}

static void out_jobs(struct cim_call *c, const struct engine_result *r)
{
	const struct cim_path **paths = arena_array(cim_arena(c), r->nr_jobs + 1, sizeof(*paths));
	size_t k;

	for (k = 0; k < r->nr_jobs; k++)
		paths[k] = prov_job_path(c, r->jobs[k]);
	if (r->nr_jobs)
		cim_out_refs(c, "Jobs", paths, r->nr_jobs);
}

static void out_relations(struct cim_call *c, const struct engine_result *r)
{
	const struct cim_path **paths =
		arena_array(cim_arena(c), r->nr_relations + 1, sizeof(*paths));
	size_t k;

	for (k = 0; k < r->nr_relations; k++)
		paths[k] = prov_relation_path(c, r->relations[k]);
	if (r->nr_relations)
		cim_out_refs(c, "Synchronizations", paths, r->nr_relations);
}

static void out_groups(struct cim_call *c, const struct engine_result *r, const struct waiting *w)
{
	const struct engine_group *source = engine_group_by_id(w->engine, w->source_group);

	if (prov_set_is_group(r->set))
		cim_out_ref(c, "Synchronization", prov_set_path(c, r->set));
	if (r->target_group)
		cim_out_ref(c, "TargetGroup", prov_group_path(c, r->target_group));
	if (w->kind != FROM_ELEMENTS)
		return;
	if (source) {
		cim_out_ref(c, "SourceGroup", prov_group_path(c, source));
		cim_out_str(c, "SourceGroupName", source->name);
	}
	if (r->target_group)
		cim_out_str(c, "TargetGroupName", r->target_group->name);
}

static void out_result(struct cim_call *c, const struct engine_result *r, const struct waiting *w)
{
	if (r->job)
		cim_out_ref(c, "Job", prov_job_path(c, r->job));
	switch (w->kind) {
	case ELEMENT:
		out_targets(c, r, "TargetElement", false);
		if (r->nr_relations)
			cim_out_ref(c, "Synchronization", prov_relation_path(c, r->relations[0]));
		break;
	case LIST:
		out_targets(c, r, "TargetElements", true);
		out_jobs(c, r);
		out_relations(c, r);
		break;
	case GROUP:
	case FROM_ELEMENTS:
		out_groups(c, r, w);
		out_jobs(c, r);
		out_relations(c, r);
		break;
	}
	cim_return(c, r->rc);
}

static void undo_groups(const struct waiting *w)
{
	char why[WHY_SIZE];
	size_t k;

	for (k = 0; k < ARRAY_LEN(w->made); k++)
		if (*w->made[k])
			engine_group_delete(w->engine, w->made[k], true, why, sizeof(why));
}

static void done(const struct engine_result *r, void *arg)
{
	struct waiting *w = arg;
	struct cim_call *c = cim_resume(w->hold);
	bool ok = r->rc == ENGINE_OK || r->rc == ENGINE_JOB_STARTED;

	if (c && ok)
		out_result(c, r, w);
	else if (c)
		prov_refuse_result(c, r);
	if (!ok)
		undo_groups(w); /* r is not valid from here on */
	free(w);
	if (c)
		cim_call_done(c, 0);
}

static int start(struct cim_call *c, struct engine_replica_spec *spec, struct waiting *w,
		 enum kind kind)
{
	w->kind = kind;
	w->engine = cim_engine(c);
	w->hold = cim_hold(c);
	spec->owner = cim_user(c);
	spec->params = params_save(c, spec->method);
	engine_replica_create(w->engine, spec, done, w);
	return CIM_PENDING;
}

/* --------------------------------------------------------------- arguments */

/* Everything that the four methods have in common. 0, or 1: the call is answered. */
static int common_args(struct cim_call *c, struct engine_replica_spec *spec,
		       enum repl_targets targets)
{
	static const char *const none[] = { "SourceAccessPoint", "TargetAccessPoint",
					    "ConnectivityCollection", "Collections", NULL };
	static const char *const with_targets[] = { "TargetSettingGoal", "TargetPool", NULL };
	const struct cim_path *pool_path = cim_arg_ref(c, "TargetPool");
	const struct cim_path *goal = cim_arg_ref(c, "TargetSettingGoal");
	const struct engine_pool *pool = prov_pool(c, pool_path);

	cim_arg_u16(c, "SyncType", &spec->sync_type);
	if (cim_arg_u16(c, "Mode", &spec->mode) && !spec->mode)
		return cim_refuse(c, ENGINE_INVALID_PARAMETER, "Mode 0 is unknown"), 1;
	if (cim_arg_u16(c, "WaitForCopyState", &spec->wait_copy_state) && !spec->wait_copy_state)
		return cim_refuse(c, ENGINE_INVALID_PARAMETER, "WaitForCopyState 0 is unknown"), 1;
	if (prov_refuse_given(c, none) || repl_settings_refused(c, spec->sync_type, targets))
		return 1;
	spec->read_only = repl_settings_read_only(c);
	if (targets == REPL_TARGETS_GIVEN && (pool_path || goal)) {
		prov_refuse_given(c, with_targets);
		return 1;
	}
	if (goal && !prov_setting_pool(c, goal))
		return cim_refuse(c, ENGINE_INVALID_PARAMETER,
				  "TargetSettingGoal: there is no setting %s", prov_print(c, goal)),
		       1;
	if (pool_path && !pool)
		return cim_refuse(c, ENGINE_INVALID_PARAMETER, "TargetPool: there is no pool %s",
				  prov_print(c, pool_path)),
		       1;
	if (pool)
		spec->pool_uuid = arena_strdup(cim_arena(c), pool->uuid);
	return 0;
}

static int consistency_arg(struct cim_call *c)
{
	uint16_t v;

	if (!cim_arg_u16(c, "Consistency", &v) ||
	    v == CIM_ReplicationService_CreateGroupReplica_Consistency_No_Consistency ||
	    v == CIM_ReplicationService_CreateGroupReplica_Consistency_Sequential_Consistency)
		return 0;
	cim_refuse(c, ENGINE_INVALID_PARAMETER, "Consistency %u is unknown", v);
	return 1;
}

static const struct engine_group *group_arg(struct cim_call *c, const char *name, int *ret)
{
	const struct cim_path *path = cim_arg_ref(c, name);
	const struct engine_group *g = prov_group(c, path);

	*ret = 0;
	if (path && !g) {
		cim_refuse(c, ENGINE_INVALID_PARAMETER, "%s: %s is no group here", name,
			   prov_print(c, path));
		*ret = 1;
	}
	return g;
}

/* A name that goes with an existing target has to be the one that it has. 1: answered. */
static int name_fits(struct cim_call *c, const char *param, const char *name,
		     const char *target_uuid)
{
	const struct engine_volume *v = engine_volume_by_uuid(cim_engine(c), target_uuid);

	if (!name || !*name || (v && !strcmp(v->name, name)))
		return 0;
	cim_refuse(c, ENGINE_INVALID_PARAMETER,
		   "%s: the target exists and is named %s, not %s; only new targets can be named",
		   param, v ? v->name : "", name);
	return 1;
}

/* ----------------------------------------------------------------- methods */

int repl_create_element_replica(struct cim_call *c)
{
	struct engine_pair_spec pair = { .target_name = cim_arg_str(c, "ElementName") };
	struct engine_replica_spec spec = { .method = "CreateElementReplica",
					    .pairs = &pair,
					    .nr_pairs = 1 };
	const struct engine_volume *source, *target;
	int ret = prov_arg_volume(c, "SourceElement", &source);

	if (!ret)
		ret = prov_arg_volume(c, "TargetElement", &target);
	if (ret)
		return prov_end(ret);
	if (common_args(c, &spec, target ? REPL_TARGETS_GIVEN : REPL_TARGETS_NEW))
		return 0;
	pair.source_uuid = source->uuid;
	if (target) {
		pair.target_uuid = target->uuid;
		if (name_fits(c, "ElementName", pair.target_name, pair.target_uuid))
			return 0;
		pair.target_name = NULL;
	}
	return start(c, &spec, new0(struct waiting), ELEMENT);
}

int repl_create_group_replica(struct cim_call *c)
{
	static const char *const none[] = { "SourceElement", "TargetElementCount", NULL };
	struct engine_replica_spec spec = { .method = "CreateGroupReplica" };
	const struct engine_group *source, *target;
	struct waiting *w;
	int ret;

	source = group_arg(c, "SourceGroup", &ret);
	if (ret || prov_refuse_given(c, none) || consistency_arg(c))
		return 0;
	if (!source)
		return cim_refuse(c, ENGINE_INVALID_PARAMETER, "SourceGroup is missing");
	target = group_arg(c, "TargetGroup", &ret);
	if (ret ||
	    common_args(c, &spec,
			target && target->nr_members ? REPL_TARGETS_GIVEN : REPL_TARGETS_NEW))
		return 0;
	spec.relationship_name = cim_arg_str(c, "RelationshipName");
	spec.source_group_id = source->id;
	spec.target_group_id = target ? target->id : NULL;
	w = new0(struct waiting);
	memcpy(w->source_group, source->id, sizeof(w->source_group));
	return start(c, &spec, w, GROUP);
}

/* Index-matched names; NULL and "" mean that the engine names it. 1: answered. */
static int list_names(struct cim_call *c, struct engine_pair_spec *pairs, size_t n)
{
	const struct cim_value *names = cim_arg(c, "ElementNames");
	size_t k;

	if (names && names->n > n)
		return cim_refuse(c, ENGINE_INVALID_PARAMETER,
				  "ElementNames has %zu entries for %zu sources", names->n, n),
		       1;
	for (k = 0; names && k < names->n; k++) {
		const char *name = names->v[k].null ? NULL : names->v[k].str;

		if (!name || !*name)
			continue;
		if (!pairs[k].target_uuid)
			pairs[k].target_name = name;
		else if (name_fits(c, "ElementNames", name, pairs[k].target_uuid))
			return 1;
	}
	return 0;
}

int repl_create_list_replica(struct cim_call *c)
{
	struct engine_replica_spec spec = { .method = "CreateListReplica" };
	const char *const *sources, *const *targets;
	struct engine_pair_spec *pairs;
	size_t n, nr_targets, k;
	int ret = prov_arg_volumes(c, "SourceElements", &sources, &n);

	if (!ret)
		ret = prov_arg_volumes(c, "TargetElements", &targets, &nr_targets);
	if (ret)
		return prov_end(ret);
	if (consistency_arg(c) ||
	    common_args(c, &spec, nr_targets ? REPL_TARGETS_GIVEN : REPL_TARGETS_NEW))
		return 0;
	if (!n)
		return cim_refuse(c, ENGINE_INVALID_PARAMETER, "SourceElements is empty");
	if (nr_targets && nr_targets != n)
		return cim_refuse(c, ENGINE_INVALID_PARAMETER,
				  "TargetElements has %zu entries for %zu sources", nr_targets, n);
	pairs = arena_array(cim_arena(c), n, sizeof(*pairs));
	for (k = 0; k < n; k++) {
		pairs[k].source_uuid = sources[k];
		pairs[k].target_uuid = nr_targets ? targets[k] : NULL;
	}
	if (list_names(c, pairs, n))
		return 0;
	spec.pairs = pairs;
	spec.nr_pairs = n;
	return start(c, &spec, new0(struct waiting), LIST);
}

/* ------------------------------------------ CreateGroupReplicaFromElements */

/* A group of these volumes under that name, NULL: made up. 1: answered. */
static int make_group(struct cim_call *c, const char *name, const char *const *uuids, size_t n,
		      char made[ENGINE_UUID_LEN])
{
	const struct engine_group *g;
	char why[WHY_SIZE] = "";
	enum engine_rc rc;

	rc = engine_group_create(cim_engine(c), name, NULL, uuids, n, &g, why, sizeof(why));
	if (rc != ENGINE_OK) {
		prov_refuse_rc(c, rc, why);
		return 1;
	}
	memcpy(made, g->id, ENGINE_UUID_LEN);
	return 0;
}

/* An existing source group must consist of just these. */
static bool group_is(const struct engine_group *g, const char *const *uuids, size_t n)
{
	size_t k;

	if (g->nr_members != n)
		return false;
	for (k = 0; k < n; k++)
		if (strcmp(g->members[k]->uuid, uuids[k]))
			return false;
	return true;
}

/* 1: answered. */
static int source_side(struct cim_call *c, struct waiting *w)
{
	const char *name = cim_arg_str(c, "SourceGroupName");
	const struct engine_group *g;
	const char *const *uuids;
	size_t n;
	int ret;

	ret = prov_arg_volumes(c, "SourceElements", &uuids, &n);
	if (ret)
		return ret;
	if (!n)
		return cim_refuse(c, ENGINE_INVALID_PARAMETER, "SourceElements is empty"), 1;
	g = group_arg(c, "SourceGroup", &ret);
	if (ret)
		return ret;
	if (g && name && strcmp(name, g->name))
		return cim_refuse(c, ENGINE_INVALID_PARAMETER,
				  "SourceGroupName: SourceGroup is given and named %s", g->name),
		       1;
	if (g && !group_is(g, uuids, n))
		return cim_refuse(c, ENGINE_INVALID_PARAMETER,
				  "SourceGroup %s does not consist of SourceElements", g->name),
		       1;
	if (!g && make_group(c, name, uuids, n, w->made[0]))
		return 1;
	memcpy(w->source_group, g ? g->id : w->made[0], sizeof(w->source_group));
	return 0;
}

/* Makes the target group if it has a name or members. *id "": the engine makes it. 1: answered. */
static int target_side(struct cim_call *c, struct waiting *w, char id[ENGINE_UUID_LEN])
{
	const char *name = cim_arg_str(c, "TargetGroupName");
	const struct engine_group *g;
	const char *const *uuids;
	size_t n;
	int ret;

	g = group_arg(c, "TargetGroup", &ret);
	if (!ret)
		ret = prov_arg_volumes(c, "TargetElements", &uuids, &n);
	if (ret)
		return ret;
	if (g && (uuids || (name && strcmp(name, g->name))))
		return cim_refuse(c, ENGINE_INVALID_PARAMETER,
				  "TargetGroup %s excludes TargetElements and TargetGroupName",
				  g->name),
		       1;
	if (g) {
		memcpy(id, g->id, ENGINE_UUID_LEN);
	} else if (n || name) {
		if (make_group(c, name, uuids, n, w->made[1]))
			return 1;
		memcpy(id, w->made[1], ENGINE_UUID_LEN);
	}
	return 0;
}

int repl_create_from_elements(struct cim_call *c)
{
	static const char *const none[] = { "TargetElementNames", "TargetPools", NULL };
	struct engine_replica_spec spec = { .method = "CreateGroupReplicaFromElements" };
	const struct engine_group *g = prov_group(c, cim_arg_ref(c, "TargetGroup"));
	const struct cim_value *given = cim_arg(c, "TargetElements");
	char target[ENGINE_UUID_LEN] = "";
	struct waiting *w;
	int ret;

	if (prov_refuse_given(c, none) || consistency_arg(c) ||
	    common_args(c, &spec,
			(given && given->n) || (g && g->nr_members) ? REPL_TARGETS_GIVEN
								    : REPL_TARGETS_NEW))
		return 0;
	w = new0(struct waiting);
	w->engine = cim_engine(c);
	ret = source_side(c, w);
	if (!ret)
		ret = target_side(c, w, target);
	if (ret) {
		undo_groups(w);
		free(w);
		return prov_end(ret);
	}
	spec.relationship_name = cim_arg_str(c, "RelationshipName");
	spec.source_group_id = w->source_group;
	spec.target_group_id = *target ? target : NULL;
	return start(c, &spec, w, FROM_ELEMENTS);
}

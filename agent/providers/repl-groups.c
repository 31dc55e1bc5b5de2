// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * repl-groups.c - the group methods of RPL_ReplicationService. None of them needs a job.
 */
#include <stdio.h>

#include "providers/repl.h"

#define WHY_SIZE 256

/* DeleteGroup: One or more elements in a replication relationship */
#define GROUP_IN_RELATION 7

static bool refuse_flag(struct cim_call *c, const char *name, bool wanted)
{
	bool v;

	if (!cim_arg_bool(c, name, &v) || v == wanted)
		return false;
	cim_refuse(c, ENGINE_INVALID_PARAMETER, "%s: only %s is supported", name,
		   wanted ? "TRUE" : "FALSE");
	return true;
}

int repl_create_group(struct cim_call *c)
{
	static const char *const none[] = { "ServiceAccessPoint", NULL };
	const char *name = cim_arg_str(c, "GroupName");
	const struct engine_group *g = NULL;
	const char *const *uuids;
	char why[WHY_SIZE] = "";
	uint16_t reserved = CIM_ReplicationService_CreateGroup_ReservedAs_Source_or_Target;
	enum engine_rc rc;
	size_t n;
	int ret;

	if (prov_refuse_given(c, none) || refuse_flag(c, "Persistent", true) ||
	    refuse_flag(c, "DeleteOnEmptyElement", false) ||
	    refuse_flag(c, "DeleteOnUnassociated", false))
		return 0;
	cim_arg_u16(c, "ReservedAs", &reserved);
	if (reserved != CIM_ReplicationService_CreateGroup_ReservedAs_Source_or_Target)
		return cim_refuse(
			c, ENGINE_INVALID_PARAMETER,
			"ReservedAs: a group cannot be reserved, only NULL or 4 is supported");
	if (!name || !*name)
		return cim_refuse(c, ENGINE_INVALID_PARAMETER, "GroupName is missing");
	ret = prov_arg_volumes(c, "Members", &uuids, &n);
	if (ret)
		return prov_end(ret);
	rc = engine_group_create(cim_engine(c), name, NULL, uuids, n, &g, why, sizeof(why));
	if (rc != ENGINE_OK)
		return prov_refuse_rc(c, rc, why);
	cim_out_ref(c, "ReplicationGroup", prov_group_path(c, g));
	return cim_return(c, 0);
}

/* The group of the call; NULL: answered already, with @missing. */
static const struct engine_group *group_arg(struct cim_call *c, uint32_t missing)
{
	static const char *const none[] = { "ServiceAccessPoint", NULL };
	const struct cim_path *path = cim_arg_ref(c, "ReplicationGroup");
	const struct engine_group *g = prov_group(c, path);

	if (prov_refuse_given(c, none))
		return NULL;
	if (!g)
		cim_refuse(c, missing, "ReplicationGroup: there is no group %s",
			   prov_print(c, path));
	return g;
}

int repl_delete_group(struct cim_call *c)
{
	const struct engine_group *g = group_arg(c, ENGINE_INVALID_PARAMETER);
	bool remove = false, in_relation;
	char why[WHY_SIZE] = "";
	enum engine_rc rc;

	if (!g)
		return 0;
	in_relation = g->nr_sets_source || g->nr_sets_target;
	cim_arg_bool(c, "RemoveElements", &remove);
	rc = engine_group_delete(cim_engine(c), g->id, remove, why, sizeof(why));
	if (rc == ENGINE_IN_USE && in_relation)
		return cim_refuse(c, GROUP_IN_RELATION, "%s", why);
	return rc == ENGINE_OK ? cim_return(c, 0) : prov_refuse_rc(c, rc, why);
}

int repl_add_members(struct cim_call *c)
{
	const struct engine_group *g =
		group_arg(c, CIM_ReplicationService_AddMembers_Group_does_not_exist);
	const char *const *uuids;
	char why[WHY_SIZE] = "";
	enum engine_rc rc;
	size_t n;
	int ret;

	if (!g)
		return 0;
	ret = prov_arg_volumes(c, "Members", &uuids, &n);
	if (ret)
		return prov_end(ret);
	if (!n)
		return cim_refuse(c, ENGINE_INVALID_PARAMETER, "Members is empty");
	rc = engine_group_add(cim_engine(c), g->id, uuids, n, why, sizeof(why));
	return rc == ENGINE_OK ? cim_return(c, 0) : prov_refuse_rc(c, rc, why);
}

static bool is_member(const struct engine_group *g, const struct engine_volume *v)
{
	size_t k;

	for (k = 0; k < g->nr_members; k++)
		if (g->members[k] == v)
			return true;
	return false;
}

int repl_remove_members(struct cim_call *c)
{
	const struct engine_group *g =
		group_arg(c, CIM_ReplicationService_RemoveMembers_Group_does_not_exist);
	const char *const *uuids;
	char why[WHY_SIZE] = "";
	enum engine_rc rc;
	size_t n, k;
	int ret;

	if (!g || refuse_flag(c, "DeleteOnEmptyElement", false))
		return 0;
	ret = prov_arg_volumes(c, "Members", &uuids, &n);
	if (ret)
		return prov_end(ret);
	if (!n)
		return cim_refuse(c, ENGINE_INVALID_PARAMETER, "Members is empty");
	for (k = 0; k < n; k++) {
		const struct engine_volume *v = engine_volume_by_uuid(cim_engine(c), uuids[k]);

		if (v && !is_member(g, v))
			return cim_refuse(
				c, CIM_ReplicationService_RemoveMembers_Member_not_in_group,
				"Members: volume %s is not in group %s", v->name, g->name);
	}
	rc = engine_group_remove(cim_engine(c), g->id, uuids, n, why, sizeof(why));
	return rc == ENGINE_OK ? cim_return(c, 0) : prov_refuse_rc(c, rc, why);
}

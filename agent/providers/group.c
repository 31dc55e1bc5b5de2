// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * group.c - RPL_ReplicationGroup, with its members (RPL_OrderedMemberOfCollection), its node
 * (RPL_HostedCollection) and its service (RPL_ServiceAffectsElement).
 *
 * Owns nothing. Groups are made and filled by the methods in repl-groups.c.
 */
#include "providers/prov.h"
#include "providers/table.h"

static int fill(struct cim_call *c, const struct engine_group *g, struct cim_inst *i)
{
	cim_set_str(i, "InstanceID", prov_id(c, "Group", g->id));
	cim_set_str(i, "ElementName", g->name);
	cim_set_str(i, "Caption", g->name);
	prov_set_description(i, g->description);
	cim_set_bool(i, "Persistent", g->persistent);
	cim_set_bool(i, "DeleteOnEmptyElement", g->delete_on_empty);
	cim_set_bool(i, "DeleteOnUnassociated", g->delete_on_unassociated);
	cim_set_bool(i, "ConsistentPointInTime", true);
	cim_set_u16v(i, "SupportedSyncTypes", CIM_ReplicationGroup_SupportedSyncTypes_Clone);
	return cim_status(i);
}

static int enumerate(struct cim_call *c)
{
	const struct engine_group *g = NULL;

	while ((g = engine_group_next(cim_engine(c), g)))
		fill(c, g, cim_emit(c));
	return 0;
}

static int get(struct cim_call *c)
{
	const struct engine_group *g = prov_group(c, cim_target(c));

	return g ? fill(c, g, cim_emit(c)) : -CIM_ERR_NOT_FOUND;
}

static int modify(struct cim_call *c, const struct cim_inst *changes)
{
	static const char *const allowed[] = { "ElementName", "Description", NULL };
	const struct engine_group *g = prov_group(c, cim_target(c));
	struct cim_inst *now = cim_inst_new(c, "RPL_ReplicationGroup");
	const char *name, *description;
	char why[256] = "";
	enum engine_rc rc;
	int ret;

	if (!g)
		return -CIM_ERR_NOT_FOUND;
	fill(c, g, now);
	ret = prov_unchanged(c, changes, now, allowed);
	if (!ret)
		ret = prov_new_texts(c, changes, &name, &description);
	if (ret)
		return ret;
	rc = engine_group_modify(cim_engine(c), g->id, name, description, why, sizeof(why));
	return prov_error_rc(c, rc, why);
}

static int hosted_enumerate(struct cim_call *c)
{
	const struct cim_path *system = prov_system_path(c);
	const struct engine_group *g = NULL;

	while ((g = engine_group_next(cim_engine(c), g)))
		cim_emit_assoc(c, system, prov_group_path(c, g));
	return 0;
}

static int hosted_from_end(struct cim_call *c, int end, const struct cim_path *from)
{
	const struct engine_group *g;

	if (end == 0)
		return prov_same_keys(from, prov_system_path(c)) ? hosted_enumerate(c) : 0;
	g = prov_group(c, from);
	if (g)
		cim_emit_assoc(c, prov_system_path(c), prov_group_path(c, g));
	return 0;
}

/* v NULL: all members */
static void emit_members(struct cim_call *c, const struct engine_group *g,
			 const struct engine_volume *v)
{
	const struct cim_path *group = prov_group_path(c, g);
	size_t k;

	for (k = 0; k < g->nr_members; k++) {
		struct cim_inst *i;

		if (v && g->members[k] != v)
			continue;
		i = cim_emit_assoc(c, group, prov_volume_path(c, g->members[k]));
		cim_set_u64(i, "AssignedSequence", k + 1);
	}
}

static int member_enumerate(struct cim_call *c)
{
	const struct engine_group *g = NULL;

	while ((g = engine_group_next(cim_engine(c), g)))
		emit_members(c, g, NULL);
	return 0;
}

static int member_from_end(struct cim_call *c, int end, const struct cim_path *from)
{
	const struct engine_group *g = NULL;
	const struct engine_volume *v;

	if (end == 0) {
		g = prov_group(c, from);
		if (g)
			emit_members(c, g, NULL);
		return 0;
	}
	v = prov_volume(c, from);
	while (v && (g = engine_group_next(cim_engine(c), g)))
		emit_members(c, g, v);
	return 0;
}

static void emit_affected(struct cim_call *c, const struct engine_group *g)
{
	struct cim_inst *i =
		cim_emit_assoc(c, prov_group_path(c, g), prov_service_path(c, PROV_REPL_SERVICE));

	cim_set_u16v(i, "ElementEffects", CIM_ServiceAffectsElement_ElementEffects_Manages);
}

static int affects_enumerate(struct cim_call *c)
{
	const struct engine_group *g = NULL;

	while ((g = engine_group_next(cim_engine(c), g)))
		emit_affected(c, g);
	return 0;
}

static int affects_from_end(struct cim_call *c, int end, const struct cim_path *from)
{
	const struct engine_group *g;

	if (end == 1)
		return prov_same_keys(from, prov_service_path(c, PROV_REPL_SERVICE))
			       ? affects_enumerate(c)
			       : 0;
	g = prov_group(c, from);
	if (g)
		emit_affected(c, g);
	return 0;
}

static const struct cim_assoc hosted = {
	.role = { "Antecedent", "Dependent" },
	.end_class = { "RPL_ComputerSystem", "RPL_ReplicationGroup" },
	.from_end = hosted_from_end,
};

static const struct cim_assoc member = {
	.role = { "Collection", "Member" },
	.end_class = { "RPL_ReplicationGroup", "RPL_StorageVolume" },
	.from_end = member_from_end,
};

static const struct cim_assoc affects = {
	.role = { "AffectedElement", "AffectingElement" },
	.end_class = { "RPL_ReplicationGroup", "RPL_ReplicationService" },
	.from_end = affects_from_end,
};

const struct cim_provider prov_replication_group = {
	.class = "RPL_ReplicationGroup",
	.enumerate = enumerate,
	.get = get,
	.modify = modify,
};

const struct cim_provider prov_hosted_collection = {
	.class = "RPL_HostedCollection",
	.enumerate = hosted_enumerate,
	.assoc = &hosted,
};

const struct cim_provider prov_group_member = {
	.class = "RPL_OrderedMemberOfCollection",
	.enumerate = member_enumerate,
	.assoc = &member,
};

const struct cim_provider prov_service_affects = {
	.class = "RPL_ServiceAffectsElement",
	.enumerate = affects_enumerate,
	.assoc = &affects,
};

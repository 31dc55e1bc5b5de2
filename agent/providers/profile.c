// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * profile.c - what the server claims to implement: RPL_RegisteredProfile, RPL_ReferencedProfile,
 * RPL_ElementConformsToProfile. Only profiles that work are listed: clients switch features on by
 * them. Interop namespace; ElementConformsToProfile is seen from both sides.
 *
 * SNIA's direction of ReferencedProfile: Antecedent is the profile that the other one belongs to.
 */
#include "base/vec.h"
#include "providers/advertise.h"
#include "providers/prov.h"
#include "providers/table.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What conforms to a profile. */
enum central {
	CENTRAL_PROFILES,
	CENTRAL_MANAGER,
	CENTRAL_SYSTEM,
	CENTRAL_REPL,
	CENTRAL_POOLS,
	CENTRAL_JOBS
};

static const struct profile {
	const char *name, *version, *what;
	int parent; /* index of the profile that it belongs to, -1: none */
	enum central central;
} profiles[] = {
	{ "SMI-S", "1.5.0", "Storage Management Initiative Specification", -1, CENTRAL_PROFILES },
	{ "Server", "1.5.0", "The management server", -1, CENTRAL_MANAGER },
	{ "Array", "1.5.0", "A storage node", -1, CENTRAL_SYSTEM },
	{ "Block Services", "1.5.0", "Pools and volumes", 2, CENTRAL_POOLS },
	{ "Replication Services", "1.5.0", "Clones of volumes and groups", 2, CENTRAL_REPL },
	{ "Job Control", "1.5.0", "Jobs of the replication service", 4, CENTRAL_JOBS },
};

static bool advertised;

void prov_set_advertised(void)
{
	advertised = true;
}

/* A component is named after the profile that it belongs to in the end. */
bool prov_profile_name(size_t nr, char *text, size_t size)
{
	const struct profile *top;

	if (nr >= ARRAY_LEN(profiles))
		return false;
	top = &profiles[nr];
	while (top->parent >= 0)
		top = &profiles[top->parent];
	if (top == &profiles[nr])
		snprintf(text, size, "SNIA:%s", top->name);
	else
		snprintf(text, size, "SNIA:%s:%s", top->name, profiles[nr].name);
	return true;
}

static const char *profile_id(struct cim_call *c, const struct profile *p)
{
	return arena_printf(cim_arena(c), "SNIA:%s", p->name);
}

static struct cim_path *profile_path(struct cim_call *c, const struct profile *p)
{
	return cim_path_make(cim_arena(c), "RPL_RegisteredProfile", "InstanceID", profile_id(c, p),
			     NULL);
}

static int enumerate(struct cim_call *c)
{
	size_t k;

	for (k = 0; k < ARRAY_LEN(profiles); k++) {
		struct cim_inst *i = cim_emit(c);

		cim_set_str(i, "InstanceID", profile_id(c, &profiles[k]));
		cim_set_str(i, "ElementName", profiles[k].name);
		cim_set_str(i, "Description", profiles[k].what);
		cim_set_str(i, "RegisteredName", profiles[k].name);
		cim_set_str(i, "RegisteredVersion", profiles[k].version);
		cim_set_u16(i, "RegisteredOrganization",
			    CIM_RegisteredSpecification_RegisteredOrganization_SNIA);
		cim_set_u16(i, "SpecificationType",
			    CIM_RegisteredProfile_SpecificationType_Profile);
		cim_set_u16v(i, "AdvertiseTypes",
			     advertised
				     ? CIM_RegisteredSpecification_AdvertiseTypes_SLP
				     : CIM_RegisteredSpecification_AdvertiseTypes_Not_Advertised);
		cim_set_strs(i, "ImplementedFeatures", (const char *[]) { NULL }, 0);
	}
	return 0;
}

static int referenced_enumerate(struct cim_call *c)
{
	size_t k;

	for (k = 0; k < ARRAY_LEN(profiles); k++)
		if (profiles[k].parent >= 0)
			cim_emit_assoc(c, profile_path(c, &profiles[profiles[k].parent]),
				       profile_path(c, &profiles[k]));
	return 0;
}

static int referenced_from_end(struct cim_call *c, int end, const struct cim_path *from)
{
	size_t k;

	for (k = 0; k < ARRAY_LEN(profiles); k++)
		if (profiles[k].parent >= 0)
			prov_emit_at(c, end, from, profile_path(c, &profiles[profiles[k].parent]),
				     profile_path(c, &profiles[k]));
	return 0;
}

typedef VEC(const struct cim_path *) path_vec;

static void central_paths(struct cim_call *c, const struct profile *p, path_vec *out)
{
	const struct engine_pool *pool = NULL;
	const struct engine_job *job = NULL;

	switch (p->central) {
	case CENTRAL_PROFILES:
		vec_push(out, profile_path(c, &profiles[1]));
		vec_push(out, profile_path(c, &profiles[2]));
		break;
	case CENTRAL_MANAGER:
		vec_push(out, prov_object_manager_path(c));
		break;
	case CENTRAL_SYSTEM:
		vec_push(out, prov_system_path(c));
		break;
	case CENTRAL_REPL:
		vec_push(out, prov_service_path(c, PROV_REPL_SERVICE));
		break;
	case CENTRAL_POOLS:
		while ((pool = engine_pool_next(cim_engine(c), pool)))
			vec_push(out, prov_pool_path(c, pool));
		break;
	case CENTRAL_JOBS:
		while ((job = engine_job_next(cim_engine(c), job)))
			vec_push(out, prov_job_path(c, job));
		break;
	}
}

/* only NULL: all that conform to the profile */
static void emit_conforming(struct cim_call *c, const struct profile *p,
			    const struct cim_path *only)
{
	const struct cim_path *profile = profile_path(c, p);
	path_vec paths = VEC_INIT;

	central_paths(c, p, &paths);
	for (size_t n = 0; n < paths.n; n++)
		if (!only || prov_same_keys(only, paths.v[n]))
			cim_emit_assoc(c, profile, paths.v[n]);
	vec_done(&paths);
}

static int conforms_enumerate(struct cim_call *c)
{
	for (size_t k = 0; k < ARRAY_LEN(profiles); k++)
		emit_conforming(c, &profiles[k], NULL);
	return 0;
}

/* What an element conforms to, without a look at all others of its kind. */
static void emit_element(struct cim_call *c, const struct profile *p, const struct cim_path *from)
{
	const struct engine_pool *pool;
	const struct engine_job *job;

	if (p->central == CENTRAL_POOLS) {
		pool = prov_pool(c, from);
		if (pool)
			cim_emit_assoc(c, profile_path(c, p), prov_pool_path(c, pool));
	} else if (p->central == CENTRAL_JOBS) {
		job = prov_job(c, from);
		if (job)
			cim_emit_assoc(c, profile_path(c, p), prov_job_path(c, job));
	} else {
		emit_conforming(c, p, from);
	}
}

/* A profile can be at either end. */
static int conforms_from_end(struct cim_call *c, int end, const struct cim_path *from)
{
	static const char *const classes[] = {
		[CENTRAL_PROFILES] = "RPL_RegisteredProfile",
		[CENTRAL_MANAGER] = "RPL_ObjectManager",
		[CENTRAL_SYSTEM] = "RPL_ComputerSystem",
		[CENTRAL_REPL] = "RPL_ReplicationService",
		[CENTRAL_POOLS] = "RPL_StoragePool",
		[CENTRAL_JOBS] = "RPL_ConcreteJob",
	};

	for (size_t k = 0; k < ARRAY_LEN(profiles); k++) {
		const struct profile *p = &profiles[k];

		if (end == 1 && !strcasecmp(from->class, classes[p->central]))
			emit_element(c, p, from);
		else if (end == 0 && prov_same_keys(from, profile_path(c, p)))
			emit_conforming(c, p, NULL);
	}
	return 0;
}

static int central_instances(struct cim_call *c)
{
	const char *id = cim_key(c, "InstanceID");
	path_vec paths = VEC_INIT;
	size_t k;

	for (k = 0; k < ARRAY_LEN(profiles); k++)
		if (!strcmp(profile_id(c, &profiles[k]), id))
			break;
	if (k == ARRAY_LEN(profiles))
		return cim_error(c, CIM_ERR_NOT_FOUND, "There is no profile %s", id);
	central_paths(c, &profiles[k], &paths);
	cim_out_refs(c, "CentralInstances", paths.v, paths.n);
	vec_done(&paths);
	return cim_return(c, 0);
}

static const struct cim_method methods[] = {
	{ "GetCentralInstances", central_instances, CIM_METHOD_READ },
	{ "OpenConformantInstances", prov_not_supported, CIM_METHOD_READ },
	{ "PullConformantInstances", prov_not_supported, CIM_METHOD_READ },
	{ "CloseConformantInstances", prov_not_supported, CIM_METHOD_READ },
	{ NULL, NULL, 0 },
};

static const struct cim_assoc referenced = {
	.role = { "Antecedent", "Dependent" },
	.end_class = { "RPL_RegisteredProfile", "RPL_RegisteredProfile" },
	.from_end = referenced_from_end,
};

static const struct cim_assoc conforms = {
	.role = { "ConformantStandard", "ManagedElement" },
	.end_class = { "RPL_RegisteredProfile", NULL },
	.from_end = conforms_from_end,
};

const struct cim_provider prov_registered_profile = {
	.class = "RPL_RegisteredProfile",
	.ns = CIM_NS_INTEROP,
	.enumerate = enumerate,
	.methods = methods,
};

const struct cim_provider prov_referenced_profile = {
	.class = "RPL_ReferencedProfile",
	.ns = CIM_NS_INTEROP,
	.enumerate = referenced_enumerate,
	.assoc = &referenced,
};

const struct cim_provider prov_element_conforms = {
	.class = "RPL_ElementConformsToProfile",
	.ns = CIM_NS_IMPL | CIM_NS_INTEROP,
	.enumerate = conforms_enumerate,
	.assoc = &conforms,
};

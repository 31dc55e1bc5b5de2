// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config-service.c - RPL_StorageConfigurationService: makes, grows, renames and deletes volumes.
 *
 * Translates arguments for the engine and its result back; all checks of substance are there.
 */
#include <stdlib.h>
#include <string.h>

#include "providers/prov.h"
#include "providers/table.h"

#define TYPE(name) \
	CIM_StorageConfigurationService_CreateOrModifyElementFromStoragePool_ElementType_##name

static int enumerate(struct cim_call *c)
{
	const struct engine_system *s = engine_system(cim_engine(c));
	struct cim_inst *i = cim_emit(c);

	prov_set_system_keys(c, i, "RPL_StorageConfigurationService");
	cim_set_str(i, "Name", PROV_CONFIG_SERVICE);
	cim_set_str(i, "ElementName", "Storage configuration");
	cim_set_bool(i, "Started", s->priv_ready);
	cim_set_u16(i, "EnabledState", CIM_EnabledLogicalElement_EnabledState_Enabled);
	cim_set_u16(i, "RequestedState", CIM_EnabledLogicalElement_RequestedState_Not_Applicable);
	if (s->priv_ready)
		prov_set_status(i, CIM_ManagedSystemElement_OperationalStatus_OK, "OK",
				CIM_ManagedSystemElement_HealthState_OK);
	else
		prov_set_status(i, CIM_ManagedSystemElement_OperationalStatus_Error, s->trouble,
				CIM_ManagedSystemElement_HealthState_Critical_failure);
	return cim_status(i);
}

/* Result of an action on one volume. */
static void volume_done(const struct engine_result *r, void *arg)
{
	struct cim_call *c = cim_resume(arg);

	if (!c)
		return;
	if (r->size_bytes)
		cim_out_u64(c, "Size", r->size_bytes);
	if (r->rc != ENGINE_OK && r->rc != ENGINE_JOB_STARTED) {
		prov_refuse_result(c, r);
	} else {
		if (r->job)
			cim_out_ref(c, "Job", prov_job_path(c, r->job));
		if (r->volume)
			cim_out_ref(c, "TheElement", prov_volume_path(c, r->volume));
		cim_return(c, r->rc);
	}
	cim_call_done(c, 0);
}

static void volume_deleted(const struct engine_result *r, void *arg)
{
	struct cim_call *c = cim_resume(arg);

	if (!c)
		return;
	if (r->job)
		cim_out_ref(c, "Job", prov_job_path(c, r->job));
	if (r->rc == ENGINE_OK || r->rc == ENGINE_JOB_STARTED)
		cim_return(c, r->rc);
	else
		prov_refuse_result(c, r);
	cim_call_done(c, 0);
}

static int create(struct cim_call *c, uint16_t type)
{
	const struct cim_path *pool_path = cim_arg_ref(c, "InPool");
	struct engine_volume_spec spec = { .name = cim_arg_str(c, "ElementName") };
	const struct engine_pool *pool;

	if (type == TYPE(ThinlyProvisionedStorageVolume))
		return cim_refuse(c, ENGINE_NOT_SUPPORTED,
				  "ElementType 5: thin volumes are not supported, use 2");
	if (!cim_arg_u64(c, "Size", &spec.size_bytes) || !spec.size_bytes)
		return cim_refuse(c, ENGINE_INVALID_PARAMETER,
				  "Size is needed to create a volume and must not be 0");
	if (pool_path) {
		pool = prov_pool(c, pool_path);
		if (!pool)
			return cim_refuse(c, ENGINE_INVALID_PARAMETER,
					  "InPool: there is no pool %s", prov_print(c, pool_path));
		if (pool->primordial)
			return cim_refuse(c, ENGINE_INVALID_PARAMETER,
					  "InPool: volumes are not made from the primordial pool");
		spec.pool_uuid = pool->uuid;
	}
	engine_volume_create(cim_engine(c), &spec, volume_done, cim_hold(c));
	return CIM_PENDING;
}

static int modify(struct cim_call *c, const struct engine_volume *v)
{
	const struct cim_path *pool_path = cim_arg_ref(c, "InPool");
	const char *name = cim_arg_str(c, "ElementName");
	uint64_t size = 0;

	if (pool_path && (!v->pool || prov_pool(c, pool_path) != v->pool))
		return cim_refuse(c, ENGINE_INVALID_PARAMETER,
				  "InPool: volume %s is not in pool %s and cannot be moved there",
				  v->name, prov_print(c, pool_path));
	if (cim_arg_u64(c, "Size", &size) && !size)
		return cim_refuse(c, ENGINE_INVALID_PARAMETER, "Size must not be 0");
	if (!name && !size)
		return cim_refuse(c, ENGINE_INVALID_PARAMETER,
				  "Neither ElementName nor Size says what to change in volume %s",
				  v->name);
	engine_volume_modify(cim_engine(c), v->uuid, name, NULL, size, volume_done, cim_hold(c));
	return CIM_PENDING;
}

static int create_or_modify(struct cim_call *c)
{
	const struct engine_volume *element;
	const struct cim_path *goal = cim_arg_ref(c, "Goal");
	uint16_t type = TYPE(StorageVolume);
	int ret = prov_arg_volume(c, "TheElement", &element);

	if (ret)
		return prov_end(ret);
	cim_arg_u16(c, "ElementType", &type);
	switch (type) {
	case TYPE(StorageVolume):
	case TYPE(FullyProvisionedStorageVolume):
	case TYPE(ThinlyProvisionedStorageVolume):
		break;
	case TYPE(StorageExtent):
	case TYPE(LogicalDisk):
	case TYPE(ThinlyProvisionedLogicalDisk):
	case TYPE(FullyProvisionedLogicalDisk):
		return cim_refuse(c, ENGINE_NOT_SUPPORTED, "ElementType %u: only volumes (2)",
				  type);
	default:
		return cim_refuse(c, ENGINE_INVALID_PARAMETER, "ElementType %u is unknown", type);
	}
	if (goal && !prov_setting_pool(c, goal))
		return cim_refuse(c, ENGINE_INVALID_PARAMETER, "Goal: there is no setting %s",
				  prov_print(c, goal));
	return element ? modify(c, element) : create(c, type);
}

static int return_one(struct cim_call *c)
{
	const struct engine_volume *v;
	int ret = prov_arg_volume(c, "TheElement", &v);

	if (ret)
		return prov_end(ret);
	if (!v)
		return cim_refuse(c, ENGINE_INVALID_PARAMETER, "TheElement is missing");
	engine_volume_delete(cim_engine(c), v->uuid, volume_deleted, cim_hold(c));
	return CIM_PENDING;
}

/* ReturnElementsToStoragePool: one after the other. Outlives the call: not in the arena. */
struct return_many {
	struct engine *engine;
	struct cim_hold *hold;
	char (*uuids)[ENGINE_UUID_LEN];
	size_t n, next;
};

static void return_next(struct return_many *m);

static void return_finish(struct return_many *m, const struct engine_result *r)
{
	struct cim_call *c = cim_resume(m->hold);

	if (c) {
		if (r && r->rc != ENGINE_OK)
			prov_refuse_result(c, r);
		else
			cim_return(c, 0);
		cim_call_done(c, 0);
	}
	free(m->uuids);
	free(m);
}

static void returned(const struct engine_result *r, void *arg)
{
	struct return_many *m = arg;

	if (r->rc != ENGINE_OK || ++m->next == m->n)
		return_finish(m, r);
	else
		return_next(m);
}

static void return_next(struct return_many *m)
{
	engine_volume_delete(m->engine, m->uuids[m->next], returned, m);
}

/* 0, or the call is answered: -1. */
static int return_check(struct cim_call *c, const struct return_many *m,
			const struct engine_volume *v)
{
	size_t k;

	for (k = 0; k < m->n; k++) {
		if (strcmp(m->uuids[k], v->uuid))
			continue;
		cim_refuse(c, ENGINE_INVALID_PARAMETER, "TheElements: volume %s is listed twice",
			   v->name);
		return -1;
	}
	if (v->nr_as_source || (v->nr_as_target && !v->is_snapshot) || v->in_use) {
		cim_refuse(c, ENGINE_IN_USE, "TheElements: volume %s is %s", v->name,
			   v->in_use ? "in use" : "in a replication relationship");
		return -1;
	}
	return 0;
}

static int return_many(struct cim_call *c)
{
	const struct cim_value *list = cim_arg(c, "TheElements");
	uint16_t options = 3;
	struct return_many *m;
	size_t k;

	cim_arg_u16(c, "Options", &options);
	if (options != 2 && options != 3)
		return cim_refuse(c, ENGINE_INVALID_PARAMETER, "Options %u is unknown", options);
	if (!list || !list->n)
		return cim_refuse(c, ENGINE_INVALID_PARAMETER, "TheElements is empty");
	m = new0(struct return_many);
	m->engine = cim_engine(c);
	m->uuids = xcalloc(list->n, sizeof(*m->uuids));
	for (k = 0; k < list->n; k++) {
		const struct engine_volume *v = prov_volume(c, list->v[k].ref);

		if (!v && options == 2)
			continue;
		if (!v)
			cim_refuse(c, ENGINE_INVALID_PARAMETER,
				   "TheElements[%zu]: there is no volume %s", k,
				   prov_print(c, list->v[k].ref));
		if (!v || return_check(c, m, v)) {
			free(m->uuids);
			free(m);
			return 0;
		}
		memcpy(m->uuids[m->n++], v->uuid, sizeof(v->uuid));
	}
	m->hold = cim_hold(c);
	if (m->n)
		return_next(m);
	else
		return_finish(m, NULL);
	return CIM_PENDING;
}

static const struct cim_method methods[] = {
	{ "CreateOrModifyElementFromStoragePool", create_or_modify, 0 },
	{ "ReturnToStoragePool", return_one, 0 },
	{ "ReturnElementsToStoragePool", return_many, 0 },
	{ "CreateOrModifyStoragePool", prov_not_supported, 0 },
	{ "DeleteStoragePool", prov_not_supported, 0 },
	{ "CreateReplica", prov_not_supported, 0 },
	{ "ModifySynchronization", prov_not_supported, 0 },
	{ "AttachReplica", prov_not_supported, 0 },
	{ "AttachOrModifyReplica", prov_not_supported, 0 },
	{ "CreateOrModifyElementFromElements", prov_not_supported, 0 },
	{ "GetAvailableTargetElements", prov_not_supported, CIM_METHOD_READ },
	{ "GetElementsBasedOnUsage", prov_not_supported, CIM_METHOD_READ },
	{ "RequestUsageChange", prov_not_supported, 0 },
	{ "CreateElementsFromStoragePools", prov_not_supported, 0 },
	{ "AssignStorageResourceAffinity", prov_not_supported, 0 },
	{ "RequestStateChange", prov_not_supported, 0 },
	{ "StartService", prov_not_supported, 0 },
	{ "StopService", prov_not_supported, 0 },
	{ "ChangeAffectedElementsAssignedSequence", prov_not_supported, 0 },
	{ NULL, NULL, 0 },
};

const struct cim_provider prov_config_service = {
	.class = "RPL_StorageConfigurationService",
	.enumerate = enumerate,
	.methods = methods,
};

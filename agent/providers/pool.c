// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pool.c - RPL_StoragePool: the primordial pool and one pool for each volume group, with
 * RPL_HostedStoragePool and RPL_AllocatedFromStoragePool.
 *
 * Owns nothing; reads the engine's pools and volumes.
 */
#include "providers/prov.h"
#include "providers/table.h"

/* Element types of GetSupportedSizes: 3 volume, 2 pool, 4.. not made here. */
#define SIZES_VOLUME CIM_StoragePool_GetSupportedSizeRange_ElementType_Storage_Volume

static int fill(struct cim_call *c, const struct engine_pool *p, struct cim_inst *i)
{
	cim_set_str(i, "InstanceID", prov_id(c, "Pool", p->uuid));
	cim_set_str(i, "PoolID", p->name);
	cim_set_str(i, "ElementName", p->name);
	cim_set_str(i, "Name", p->name);
	cim_set_str(i, "Description", p->primordial ? "All volume groups" : "Volume group");
	cim_set_bool(i, "Primordial", p->primordial);
	cim_set_u64(i, "TotalManagedSpace", p->total_bytes);
	cim_set_u64(i, "RemainingManagedSpace", p->remaining_bytes);
	cim_set_u64(i, "Capacity", p->total_bytes);
	cim_set_u64(i, "CurrentlyConsumedResource", p->total_bytes - p->remaining_bytes);
	cim_set_str(i, "AllocationUnits", "byte");
	cim_set_str(i, "ConsumedResourceUnits", "byte");
	cim_set_u16(i, "ResourceType", CIM_ResourcePool_ResourceType_Storage_Extent);
	cim_set_bool(i, "ElementsShareSpace", false);
	cim_set_u64(i, "SpaceLimit", 0);
	cim_set_u16(i, "Usage", CIM_StoragePool_Usage_Unrestricted);
	prov_set_none(i, "ClientSettableUsage");
	if (p->online)
		prov_set_status(i, CIM_ManagedSystemElement_OperationalStatus_OK, "OK",
				CIM_ManagedSystemElement_HealthState_OK);
	else
		prov_set_status(i, CIM_ManagedSystemElement_OperationalStatus_Error,
				"The volume group is not there",
				CIM_ManagedSystemElement_HealthState_Critical_failure);
	return cim_status(i);
}

static int enumerate(struct cim_call *c)
{
	const struct engine_pool *p = NULL;

	while ((p = engine_pool_next(cim_engine(c), p)))
		fill(c, p, cim_emit(c));
	return 0;
}

static int get(struct cim_call *c)
{
	const struct engine_pool *p = prov_pool(c, cim_target(c));

	return p ? fill(c, p, cim_emit(c)) : -CIM_ERR_NOT_FOUND;
}

/* NULL: the call is answered already. */
static const struct engine_pool *sizes_pool(struct cim_call *c, int *ret)
{
	const struct engine_pool *p = prov_pool(c, cim_target(c));
	const struct cim_path *goal = cim_arg_ref(c, "Goal");
	uint16_t type = SIZES_VOLUME;

	*ret = 0;
	if (!p) {
		*ret = cim_error(c, CIM_ERR_NOT_FOUND, "There is no such pool");
		return NULL;
	}
	cim_arg_u16(c, "ElementType", &type);
	if (type != SIZES_VOLUME) {
		*ret = cim_refuse(c, CIM_StoragePool_GetSupportedSizeRange_Invalid_Element_Type,
				  "ElementType %u: only volumes (%u) are made from pool %s", type,
				  SIZES_VOLUME, p->name);
		return NULL;
	}
	if (goal && !prov_setting_pool(c, goal)) {
		*ret = cim_refuse(c, CIM_StoragePool_GetSupportedSizeRange_Method_not_supported,
				  "Goal: there is no setting %s", prov_print(c, goal));
		return NULL;
	}
	return p;
}

static int size_range(struct cim_call *c)
{
	uint64_t min, max, step;
	int ret;
	const struct engine_pool *p = sizes_pool(c, &ret);

	if (!p)
		return ret;
	if (p->primordial)
		return cim_refuse(c, CIM_StoragePool_GetSupportedSizeRange_Method_not_supported,
				  "Volumes are not made from the primordial pool");
	engine_pool_size_range(cim_engine(c), p, &min, &max, &step);
	cim_out_u64(c, "MinimumVolumeSize", min);
	cim_out_u64(c, "MaximumVolumeSize", max);
	cim_out_u64(c, "VolumeSizeDivisor", step);
	return cim_return(c, CIM_StoragePool_GetSupportedSizeRange_Method_completed_OK);
}

static int sizes(struct cim_call *c)
{
	int ret;

	if (!sizes_pool(c, &ret))
		return ret;
	return cim_return(c, CIM_StoragePool_GetSupportedSizes_Use_GetSupportedSizeRange_instead);
}

static int hosted_enumerate(struct cim_call *c)
{
	const struct cim_path *system = prov_system_path(c);
	const struct engine_pool *p = NULL;

	while ((p = engine_pool_next(cim_engine(c), p)))
		cim_emit_assoc(c, system, prov_pool_path(c, p));
	return 0;
}

static int hosted_from_end(struct cim_call *c, int end, const struct cim_path *from)
{
	const struct engine_pool *p;

	if (end == 0)
		return prov_same_keys(from, prov_system_path(c)) ? hosted_enumerate(c) : 0;
	p = prov_pool(c, from);
	if (p)
		cim_emit_assoc(c, prov_system_path(c), prov_pool_path(c, p));
	return 0;
}

static void emit_volume(struct cim_call *c, const struct engine_volume *v)
{
	struct cim_inst *i;

	if (!v->pool)
		return;
	i = cim_emit_assoc(c, prov_pool_path(c, v->pool), prov_volume_path(c, v));
	cim_set_u64(i, "SpaceConsumed", v->is_snapshot ? v->kept_bytes : v->size_bytes);
	cim_set_u64(i, "SpaceLimit", 0);
}

/* Only the primordial pool has pools; it is always the first. */
static void emit_pool(struct cim_call *c, const struct engine_pool *p)
{
	struct cim_inst *i;

	if (p->primordial)
		return;
	i = cim_emit_assoc(c, prov_pool_path(c, engine_pool_next(cim_engine(c), NULL)),
			   prov_pool_path(c, p));
	cim_set_u64(i, "SpaceConsumed", p->total_bytes);
	cim_set_u64(i, "SpaceLimit", 0);
}

static void allocated_from(struct cim_call *c, const struct engine_pool *pool)
{
	const struct engine_volume *v = NULL;
	const struct engine_pool *p = NULL;

	if (!pool || pool->primordial)
		while ((p = engine_pool_next(cim_engine(c), p)))
			emit_pool(c, p);
	while ((v = engine_volume_next(cim_engine(c), v)))
		if (!pool || v->pool == pool)
			emit_volume(c, v);
}

static int allocated_enumerate(struct cim_call *c)
{
	allocated_from(c, NULL);
	return 0;
}

static int allocated_from_end(struct cim_call *c, int end, const struct cim_path *from)
{
	const struct engine_pool *p = prov_pool(c, from);
	const struct engine_volume *v;

	if (p && end == 0) {
		allocated_from(c, p);
	} else if (p) {
		emit_pool(c, p);
	} else if (end == 1) {
		v = prov_volume(c, from);
		if (v)
			emit_volume(c, v);
	}
	return 0;
}

static const struct cim_method methods[] = {
	{ "GetSupportedSizes", sizes, CIM_METHOD_READ },
	{ "GetSupportedSizeRange", size_range, CIM_METHOD_READ },
	{ "GetAvailableExtents", prov_not_supported, CIM_METHOD_READ },
	{ NULL, NULL, 0 },
};

static const struct cim_assoc hosted = {
	.role = { "GroupComponent", "PartComponent" },
	.end_class = { "RPL_ComputerSystem", "RPL_StoragePool" },
	.from_end = hosted_from_end,
};

static const struct cim_assoc allocated = {
	.role = { "Antecedent", "Dependent" },
	.end_class = { "RPL_StoragePool", "CIM_LogicalElement" },
	.from_end = allocated_from_end,
};

const struct cim_provider prov_hosted_pool = {
	.class = "RPL_HostedStoragePool",
	.enumerate = hosted_enumerate,
	.assoc = &hosted,
};

const struct cim_provider prov_allocated_from_pool = {
	.class = "RPL_AllocatedFromStoragePool",
	.enumerate = allocated_enumerate,
	.assoc = &allocated,
};

const struct cim_provider prov_storage_pool = {
	.class = "RPL_StoragePool",
	.enumerate = enumerate,
	.get = get,
	.methods = methods,
};

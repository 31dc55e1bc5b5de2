// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * volume.c - RPL_StorageVolume and RPL_SystemDevice.
 *
 * Owns nothing; reads the engine's volumes. Volumes are made and deleted by config-service.c.
 */
#include <ctype.h>

#include "providers/prov.h"
#include "providers/table.h"

static const struct {
	uint16_t status, health;
	const char *text;
} states[] = {
	[ENGINE_VOLUME_OK] = { 2, 5, "OK" },
	[ENGINE_VOLUME_CREATING] = { 8, 5, "Being created" },
	[ENGINE_VOLUME_DELETING] = { 9, 5, "Being deleted" },
	[ENGINE_VOLUME_MISSING] = { 12, 25, "The logical volume is not there" },
	[ENGINE_VOLUME_ERROR] = { 6, 25, "The volume is there, its device is not" },
	[ENGINE_VOLUME_LOST] = { 6, 30, "The snapshot is lost" },
};

static uint16_t usage(const struct engine_volume *v)
{
	if (v->is_snapshot)
		return CIM_StorageVolume_Usage_Delta_Replica_Target;
	if (v->nr_as_source && v->nr_as_target)
		return CIM_StorageVolume_Usage_Local_Replica_Source_or_Target;
	if (v->nr_as_target)
		return CIM_StorageVolume_Usage_Local_Replica_Target;
	if (v->nr_as_source)
		return CIM_StorageVolume_Usage_Local_Replica_Source;
	return CIM_StorageVolume_Usage_Unrestricted;
}

/* NAA names are upper-case hexadecimal without separators. */
static const char *naa(struct cim_call *c, const struct engine_volume *v)
{
	char *s = arena_strdup(cim_arena(c), v->naa), *p;

	for (p = s; *p; p++)
		*p = toupper((unsigned char)*p);
	return s;
}

static void fill_names(struct cim_call *c, const struct engine_volume *v, struct cim_inst *i)
{
	const char *name = naa(c, v);
	const char *const info[] = { name, v->uuid, v->device };
	const char *const what[] = { "NAA;VPD83Type3", "RPL:UUID", "OS Device Name" };

	cim_set_str(i, "ElementName", v->name);
	cim_set_str(i, "Caption", v->name);
	prov_set_description(i, v->description);
	cim_set_str(i, "Name", name);
	cim_set_u16(i, "NameFormat", CIM_StorageVolume_NameFormat_NAA);
	cim_set_u16(i, "NameNamespace", CIM_StorageVolume_NameNamespace_VPD83Type3);
	cim_set_strs(i, "OtherIdentifyingInfo", info, ARRAY_LEN(info));
	cim_set_strs(i, "IdentifyingDescriptions", what, ARRAY_LEN(what));
	prov_set_time(i, "InstallDate", v->created_us);
}

static void fill_extent(const struct engine_volume *v, struct cim_inst *i)
{
	cim_set_u64(i, "BlockSize", PROV_BLOCK_BYTES);
	cim_set_u64(i, "NumberOfBlocks", v->size_bytes / PROV_BLOCK_BYTES);
	cim_set_u64(i, "ConsumableBlocks", v->size_bytes / PROV_BLOCK_BYTES);
	cim_set_u16(i, "DataOrganization", CIM_StorageExtent_DataOrganization_Fixed_Block);
	cim_set_u16(i, "Access",
		    v->read_only ? CIM_StorageExtent_Access_Readable
				 : CIM_StorageExtent_Access_Read_Write_Supported);
	cim_set_bool(i, "Primordial", false);
	cim_set_bool(i, "SequentialAccess", false);
	cim_set_bool(i, "IsBasedOnUnderlyingRedundancy", false);
	cim_set_bool(i, "NoSinglePointOfFailure", false);
	cim_set_u16(i, "DataRedundancy", 1);
	cim_set_u16(i, "PackageRedundancy", 0);
	cim_set_u8(i, "DeltaReservation", 0);
	cim_set_bool(i, "IsComposite", false);
	cim_set_bool(i, "IsCompressed", false);
	cim_set_bool(i, "ThinlyProvisioned", v->is_snapshot);
	cim_set_u16(i, "Usage", usage(v));
	prov_set_none(i, "ClientSettableUsage");
	cim_set_bool(i, "CanDelete",
		     !v->nr_as_source && (v->is_snapshot || !v->nr_as_target) && !v->in_use);
	cim_set_u16v(i, "ExtentStatus",
		     v->status == ENGINE_VOLUME_OK
			     ? CIM_StorageExtent_ExtentStatus_None_Not_Applicable
			     : CIM_StorageExtent_ExtentStatus_Broken);
}

static int fill(struct cim_call *c, const struct engine_volume *v, struct cim_inst *i)
{
	bool usable = v->status == ENGINE_VOLUME_OK;
	const char *text;

	prov_set_system_keys(c, i, "RPL_StorageVolume");
	cim_set_str(i, "DeviceID", v->uuid);
	if (cim_keys_only(c))
		return cim_status(i);
	fill_names(c, v, i);
	fill_extent(v, i);
	text = states[v->status].text;
	if (*v->lost)
		text = arena_printf(cim_arena(c), "%s: %s", text, v->lost);
	prov_set_status(i, states[v->status].status, text, states[v->status].health);
	cim_set_u16(i, "PrimaryStatus",
		    states[v->status].health == CIM_ManagedSystemElement_HealthState_OK
			    ? CIM_ManagedSystemElement_PrimaryStatus_OK
			    : CIM_ManagedSystemElement_PrimaryStatus_Error);
	cim_set_u16(i, "EnabledState",
		    usable ? CIM_EnabledLogicalElement_EnabledState_Enabled
			   : CIM_EnabledLogicalElement_EnabledState_Enabled_but_Offline);
	cim_set_u16(i, "RequestedState", CIM_EnabledLogicalElement_RequestedState_Not_Applicable);
	return cim_status(i);
}

static int enumerate(struct cim_call *c)
{
	const struct engine_volume *v = NULL;

	while ((v = engine_volume_next(cim_engine(c), v)))
		fill(c, v, cim_emit(c));
	return 0;
}

static int get(struct cim_call *c)
{
	const struct engine_volume *v = prov_volume(c, cim_target(c));

	return v ? fill(c, v, cim_emit(c)) : -CIM_ERR_NOT_FOUND;
}

static void modified(const struct engine_result *r, void *arg)
{
	struct cim_call *c = cim_resume(arg);

	if (c)
		cim_call_done(c, prov_error_rc(c, r->rc, r->why));
}

static int modify(struct cim_call *c, const struct cim_inst *changes)
{
	static const char *const allowed[] = { "ElementName", "Description", NULL };
	const struct engine_volume *v = prov_volume(c, cim_target(c));
	struct cim_inst *now = cim_inst_new(c, "RPL_StorageVolume");
	const char *name, *description;
	int ret;

	if (!v)
		return -CIM_ERR_NOT_FOUND;
	fill(c, v, now);
	ret = prov_unchanged(c, changes, now, allowed);
	if (!ret)
		ret = prov_new_texts(c, changes, &name, &description);
	if (ret)
		return ret;
	engine_volume_modify(cim_engine(c), v->uuid, name, description, 0, modified, cim_hold(c));
	return CIM_PENDING;
}

static int device_enumerate(struct cim_call *c)
{
	const struct cim_path *system = prov_system_path(c);
	const struct engine_volume *v = NULL;

	while ((v = engine_volume_next(cim_engine(c), v)))
		cim_emit_assoc(c, system, prov_volume_path(c, v));
	return 0;
}

static int device_from_end(struct cim_call *c, int end, const struct cim_path *from)
{
	const struct engine_volume *v;

	if (end == 0)
		return prov_same_keys(from, prov_system_path(c)) ? device_enumerate(c) : 0;
	v = prov_volume(c, from);
	if (v)
		cim_emit_assoc(c, prov_system_path(c), prov_volume_path(c, v));
	return 0;
}

static const struct cim_method methods[] = {
	{ "RequestStateChange", prov_not_supported, 0 },
	{ "SetPowerState", prov_not_supported, 0 },
	{ "Reset", prov_not_supported, 0 },
	{ "EnableDevice", prov_not_supported, 0 },
	{ "OnlineDevice", prov_not_supported, 0 },
	{ "QuiesceDevice", prov_not_supported, 0 },
	{ "SaveProperties", prov_not_supported, 0 },
	{ "RestoreProperties", prov_not_supported, 0 },
	{ NULL, NULL, 0 },
};

static const struct cim_assoc device = {
	.role = { "GroupComponent", "PartComponent" },
	.end_class = { "RPL_ComputerSystem", "RPL_StorageVolume" },
	.from_end = device_from_end,
};

const struct cim_provider prov_storage_volume = {
	.class = "RPL_StorageVolume",
	.enumerate = enumerate,
	.get = get,
	.modify = modify,
	.methods = methods,
};

const struct cim_provider prov_system_device = {
	.class = "RPL_SystemDevice",
	.enumerate = device_enumerate,
	.assoc = &device,
};

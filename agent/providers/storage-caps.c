// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * storage-caps.c - the quality of storage: RPL_StorageCapabilities and the one RPL_StorageSetting
 * of each pool, with RPL_ElementSettingData and RPL_StorageSettingsAssociatedToCapabilities.
 *
 * A linear logical volume leaves nothing to choose, so all volumes of a pool share its setting,
 * which cannot be changed, and CreateSetting gives that one.
 */
#include "providers/prov.h"
#include "providers/table.h"

static const struct engine_pool *caps_pool(struct cim_call *c, const struct cim_path *p)
{
	const char *uuid = prov_local_id(p, "StorageCapabilities");

	return uuid ? engine_pool_by_uuid(cim_engine(c), uuid) : NULL;
}

static int fill_caps(struct cim_call *c, const struct engine_pool *p, struct cim_inst *i)
{
	cim_set_str(i, "InstanceID", prov_id(c, "StorageCapabilities", p->uuid));
	cim_set_strf(i, "ElementName", "Capabilities of pool %s", p->name);
	cim_set_u16(i, "ElementType", CIM_StorageCapabilities_ElementType_StoragePool);
	cim_set_bool(i, "NoSinglePointOfFailure", false);
	cim_set_bool(i, "NoSinglePointOfFailureDefault", false);
	cim_set_u16(i, "DataRedundancyMin", 1);
	cim_set_u16(i, "DataRedundancyMax", 1);
	cim_set_u16(i, "DataRedundancyDefault", 1);
	cim_set_u16(i, "PackageRedundancyMin", 0);
	cim_set_u16(i, "PackageRedundancyMax", 0);
	cim_set_u16(i, "PackageRedundancyDefault", 0);
	cim_set_u16(i, "DeltaReservationMin", 0);
	cim_set_u16(i, "DeltaReservationMax", 0);
	cim_set_u16(i, "DeltaReservationDefault", 0);
	cim_set_u16(i, "ExtentStripeLengthDefault", 1);
	cim_set_u16v(i, "SupportedDataOrganizations",
		     CIM_StorageCapabilities_SupportedDataOrganizations_Fixed_Block);
	cim_set_u16v(i, "SupportedCompressionRates",
		     CIM_StorageCapabilities_SupportedCompressionRates_None);
	cim_set_u16(i, "Encryption", CIM_StorageCapabilities_Encryption_Not_Supported);
	return cim_status(i);
}

static int fill_setting(struct cim_call *c, const struct engine_pool *p, struct cim_inst *i)
{
	cim_set_str(i, "InstanceID", prov_id(c, "StorageSetting", p->uuid));
	cim_set_strf(i, "ElementName", "Setting of pool %s", p->name);
	cim_set_u16(i, "ChangeableType", CIM_StorageSetting_ChangeableType_Fixed_Not_Changeable);
	cim_set_bool(i, "NoSinglePointOfFailure", false);
	cim_set_u16(i, "DataRedundancyMin", 1);
	cim_set_u16(i, "DataRedundancyMax", 1);
	cim_set_u16(i, "DataRedundancyGoal", 1);
	cim_set_u16(i, "PackageRedundancyMin", 0);
	cim_set_u16(i, "PackageRedundancyMax", 0);
	cim_set_u16(i, "PackageRedundancyGoal", 0);
	cim_set_u8(i, "DeltaReservationMin", 0);
	cim_set_u8(i, "DeltaReservationMax", 0);
	cim_set_u8(i, "DeltaReservationGoal", 0);
	cim_set_u16(i, "ExtentStripeLength", 1);
	cim_set_u16(i, "ExtentStripeLengthMin", 1);
	cim_set_u16(i, "ExtentStripeLengthMax", 1);
	cim_set_bool(i, "CompressedElement", false);
	cim_set_u16(i, "CompressionRate", CIM_StorageSetting_CompressionRate_None);
	cim_set_u16(i, "DataOrganization", CIM_StorageSetting_DataOrganization_Fixed_Block);
	return cim_status(i);
}

static int caps_enumerate(struct cim_call *c)
{
	const struct engine_pool *p = NULL;

	while ((p = engine_pool_next(cim_engine(c), p)))
		fill_caps(c, p, cim_emit(c));
	return 0;
}

static int caps_get(struct cim_call *c)
{
	const struct engine_pool *p = caps_pool(c, cim_target(c));

	return p ? fill_caps(c, p, cim_emit(c)) : -CIM_ERR_NOT_FOUND;
}

static int setting_enumerate(struct cim_call *c)
{
	const struct engine_pool *p = NULL;

	while ((p = engine_pool_next(cim_engine(c), p)))
		fill_setting(c, p, cim_emit(c));
	return 0;
}

static int setting_get(struct cim_call *c)
{
	const struct engine_pool *p = prov_setting_pool(c, cim_target(c));

	return p ? fill_setting(c, p, cim_emit(c)) : -CIM_ERR_NOT_FOUND;
}

static int create_setting(struct cim_call *c)
{
	const struct engine_pool *p = caps_pool(c, cim_target(c));
	uint16_t type;

	if (!p)
		return cim_error(c, CIM_ERR_NOT_FOUND, "There are no such capabilities");
	if (!cim_arg_u16(c, "SettingType", &type) ||
	    (type != CIM_StorageCapabilities_CreateSetting_SettingType_Default &&
	     type != CIM_StorageCapabilities_CreateSetting_SettingType_Goal))
		return cim_refuse(c, ENGINE_INVALID_PARAMETER,
				  "SettingType must be 2 (Default) or 3 (Goal)");
	cim_out_ref(c, "NewSetting", prov_setting_path(c, p));
	return cim_return(c, CIM_StorageCapabilities_CreateSetting_Success);
}

static void emit_setting(struct cim_call *c, const struct engine_volume *v)
{
	struct cim_inst *i;

	if (!v->pool)
		return;
	i = cim_emit_assoc(c, prov_volume_path(c, v), prov_setting_path(c, v->pool));
	cim_set_u16(i, "IsDefault", CIM_ElementSettingData_IsDefault_Is_Default);
	cim_set_u16(i, "IsCurrent", CIM_ElementSettingData_IsCurrent_Is_Current);
}

static int element_setting_enumerate(struct cim_call *c)
{
	const struct engine_volume *v = NULL;

	while ((v = engine_volume_next(cim_engine(c), v)))
		emit_setting(c, v);
	return 0;
}

static int element_setting_from_end(struct cim_call *c, int end, const struct cim_path *from)
{
	const struct engine_pool *p = prov_setting_pool(c, from);
	const struct engine_volume *v = NULL;

	if (end == 0) {
		v = prov_volume(c, from);
		if (v)
			emit_setting(c, v);
		return 0;
	}
	while (p && (v = engine_volume_next(cim_engine(c), v)))
		if (v->pool == p)
			emit_setting(c, v);
	return 0;
}

static int setting_of_caps_enumerate(struct cim_call *c)
{
	const struct engine_pool *p = NULL;

	while ((p = engine_pool_next(cim_engine(c), p)))
		cim_emit_assoc(c, prov_pool_caps_path(c, p), prov_setting_path(c, p));
	return 0;
}

static int setting_of_caps_from_end(struct cim_call *c, int end, const struct cim_path *from)
{
	const struct engine_pool *p = end ? prov_setting_pool(c, from) : caps_pool(c, from);

	if (p)
		cim_emit_assoc(c, prov_pool_caps_path(c, p), prov_setting_path(c, p));
	return 0;
}

static const struct cim_method caps_methods[] = {
	{ "CreateSetting", create_setting, 0 },
	{ "CreateGoalSettings", prov_not_supported, CIM_METHOD_READ },
	{ "GetSupportedParityLayouts", prov_not_supported, CIM_METHOD_READ },
	{ "GetSupportedStripeDepthRange", prov_not_supported, CIM_METHOD_READ },
	{ "GetSupportedStripeDepths", prov_not_supported, CIM_METHOD_READ },
	{ "GetSupportedStripeLengthRange", prov_not_supported, CIM_METHOD_READ },
	{ "GetSupportedStripeLengths", prov_not_supported, CIM_METHOD_READ },
	{ NULL, NULL, 0 },
};

static const struct cim_assoc element_setting = {
	.role = { "ManagedElement", "SettingData" },
	.end_class = { "RPL_StorageVolume", "RPL_StorageSetting" },
	.from_end = element_setting_from_end,
};

static const struct cim_assoc setting_of_caps = {
	.role = { "Antecedent", "Dependent" },
	.end_class = { "RPL_StorageCapabilities", "RPL_StorageSetting" },
	.from_end = setting_of_caps_from_end,
};

const struct cim_provider prov_storage_caps = {
	.class = "RPL_StorageCapabilities",
	.enumerate = caps_enumerate,
	.get = caps_get,
	.methods = caps_methods,
};

const struct cim_provider prov_storage_setting = {
	.class = "RPL_StorageSetting",
	.enumerate = setting_enumerate,
	.get = setting_get,
};

const struct cim_provider prov_element_setting = {
	.class = "RPL_ElementSettingData",
	.enumerate = element_setting_enumerate,
	.assoc = &element_setting,
};

const struct cim_provider prov_setting_of_caps = {
	.class = "RPL_StorageSettingsAssociatedToCapabilities",
	.enumerate = setting_of_caps_enumerate,
	.assoc = &setting_of_caps,
};

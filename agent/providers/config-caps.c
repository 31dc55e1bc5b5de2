// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config-caps.c - RPL_StorageConfigurationCapabilities, one for the service and one for each
 * pool, and RPL_ElementCapabilities for everything that has capabilities.
 *
 * Array properties are never NULL: clients look for members in them without a test.
 */
#include <string.h>

#include "providers/prov.h"
#include "providers/table.h"

/* Name lengths of the engine are in bytes; this many characters always fit. */
#define NAME_MAX_CHARS (ENGINE_NAME_MAX / 4)

/* ElementType StorageVolume of GetElementNameCapabilities */
#define NAME_OF_VOLUME 2

/* p NULL: of the service. Nothing is made from the primordial pool. */
static int fill(struct cim_call *c, const struct engine_pool *p, struct cim_inst *i)
{
	cim_set_str(i, "InstanceID", prov_id(c, PROV_CONFIG_CAPS, p ? p->uuid : "Service"));
	cim_set_strf(i, "ElementName", "Configuration of %s", p ? p->name : "the node");
	prov_set_none(i, "SupportedAsynchronousActions");
	prov_set_none(i, "SupportedStoragePoolFeatures");
	prov_set_none(i, "SupportedCopyTypes");
	prov_set_none(i, "ClientSettableElementUsage");
	prov_set_none(i, "ClientSettablePoolUsage");
	prov_set_none(i, "MultipleElementCreateFeatures");
	cim_set_u16v(i, "MultipleElementDeleteFeatures", 2, 3); /* both Options */
	cim_set_u16v(i, "SupportedStoragePoolUsage",
		     CIM_StorageConfigurationCapabilities_SupportedStoragePoolUsage_Unrestricted);
	cim_set_bool(i, "AutomaticPoolSelectionAllowed", true);
	cim_set_bool(i, "ThinProvisionedClientSettableReserve", false);
	cim_set_u64(i, "MaximumElementCreateCount", 1);
	cim_set_u64(i, "MaximumElementDeleteCount", 0);
	if (p && p->primordial) {
		prov_set_none(i, "SupportedSynchronousActions");
		prov_set_none(i, "SupportedStorageElementTypes");
		prov_set_none(i, "SupportedStorageElementFeatures");
		prov_set_none(i, "SupportedStorageElementUsage");
		return cim_status(i);
	}
	/* 5 creation, 6 return, 7 modification, 23 return of several */
	cim_set_u16v(i, "SupportedSynchronousActions", 5, 6, 7, 23);
	cim_set_u16v(
		i, "SupportedStorageElementTypes",
		CIM_StorageConfigurationCapabilities_SupportedStorageElementTypes_StorageVolume);
	/* 3 creation, 5 modification, 6 from one pool, 12 growth */
	cim_set_u16v(i, "SupportedStorageElementFeatures", 3, 5, 6, 12);
	/* unrestricted, source, target, both, snapshot: see volume.c */
	cim_set_u16v(i, "SupportedStorageElementUsage", 2, 6, 8, 10, 12);
	return cim_status(i);
}

static int enumerate(struct cim_call *c)
{
	const struct engine_pool *p = NULL;

	fill(c, NULL, cim_emit(c));
	while ((p = engine_pool_next(cim_engine(c), p)))
		fill(c, p, cim_emit(c));
	return 0;
}

static int get(struct cim_call *c)
{
	const char *id = prov_local_id(cim_target(c), PROV_CONFIG_CAPS);
	const struct engine_pool *p;

	if (!id)
		return -CIM_ERR_NOT_FOUND;
	if (!strcmp(id, "Service"))
		return fill(c, NULL, cim_emit(c));
	p = engine_pool_by_uuid(cim_engine(c), id);
	return p ? fill(c, p, cim_emit(c)) : -CIM_ERR_NOT_FOUND;
}

static int name_caps(struct cim_call *c)
{
	uint16_t type;

	if (!cim_arg_u16(c, "ElementType", &type))
		return cim_refuse(c, ENGINE_INVALID_PARAMETER, "ElementType is missing");
	if (type != NAME_OF_VOLUME)
		return cim_refuse(c, ENGINE_NOT_SUPPORTED, "ElementType %u: only volumes (2)",
				  type);
	cim_out_u16s(c, "SupportedFeatures", (const uint16_t[]) { 2, 3, 4 }, 3);
	cim_out_u16(c, "MaxElementNameLen", NAME_MAX_CHARS);
	return cim_return(c, 0);
}

static const struct cim_path *config_caps_path(struct cim_call *c)
{
	return prov_id_path(c, "RPL_StorageConfigurationCapabilities", PROV_CONFIG_CAPS, "Service");
}

static const struct cim_path *repl_caps_path(struct cim_call *c)
{
	return prov_id_path(c, "RPL_ReplicationServiceCapabilities", PROV_REPL_CAPS, "Service");
}

static int element_enumerate(struct cim_call *c)
{
	const struct engine_pool *p = NULL;

	cim_emit_assoc(c, prov_service_path(c, PROV_CONFIG_SERVICE), config_caps_path(c));
	cim_emit_assoc(c, prov_service_path(c, PROV_REPL_SERVICE), repl_caps_path(c));
	while ((p = engine_pool_next(cim_engine(c), p))) {
		cim_emit_assoc(c, prov_pool_path(c, p), prov_pool_caps_path(c, p));
		cim_emit_assoc(c, prov_pool_path(c, p), prov_pool_config_caps_path(c, p));
	}
	return 0;
}

/* Anything at all may be asked for what it can do; only services and pools know. */
static int element_from_end(struct cim_call *c, int end, const struct cim_path *from)
{
	const struct engine_pool *p = end == 0 ? prov_pool(c, from) : NULL;

	if (p) {
		cim_emit_assoc(c, prov_pool_path(c, p), prov_pool_caps_path(c, p));
		cim_emit_assoc(c, prov_pool_path(c, p), prov_pool_config_caps_path(c, p));
		return 0;
	}
	if (end == 0 && !cim_path_get(from, "Name"))
		return 0;
	prov_emit_at(c, end, from, prov_service_path(c, PROV_CONFIG_SERVICE), config_caps_path(c));
	prov_emit_at(c, end, from, prov_service_path(c, PROV_REPL_SERVICE), repl_caps_path(c));
	while (end == 1 && (p = engine_pool_next(cim_engine(c), p))) {
		const struct cim_path *pool = prov_pool_path(c, p);

		prov_emit_at(c, end, from, pool, prov_pool_caps_path(c, p));
		prov_emit_at(c, end, from, pool, prov_pool_config_caps_path(c, p));
	}
	return 0;
}

static const struct cim_method methods[] = {
	{ "GetElementNameCapabilities", name_caps, CIM_METHOD_READ },
	{ "CreateGoalSettings", prov_not_supported, CIM_METHOD_READ },
	{ NULL, NULL, 0 },
};

static const struct cim_assoc element = {
	.role = { "ManagedElement", "Capabilities" },
	.end_class = { NULL, NULL },
	.from_end = element_from_end,
};

const struct cim_provider prov_config_caps = {
	.class = "RPL_StorageConfigurationCapabilities",
	.enumerate = enumerate,
	.get = get,
	.methods = methods,
};

const struct cim_provider prov_element_caps = {
	.class = "RPL_ElementCapabilities",
	.enumerate = element_enumerate,
	.assoc = &element,
};

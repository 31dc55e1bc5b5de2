// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * system.c - RPL_ComputerSystem, the node, and RPL_HostedService, what runs on it.
 *
 * Owns nothing; reads engine_system().
 */
#include "providers/prov.h"
#include "providers/table.h"

static int fill(struct cim_call *c, struct cim_inst *i)
{
	const struct engine_system *s = engine_system(cim_engine(c));
	const char *const info[] = { s->host_name, s->version };
	const char *const what[] = { "Host Name", "SMISD:Version" };
	bool ok = s->kernel_ready && s->priv_ready;

	cim_set_str(i, "CreationClassName", "RPL_ComputerSystem");
	cim_set_str(i, "Name", s->name);
	cim_set_str(i, "NameFormat", "Other");
	cim_set_str(i, "ElementName", s->host_name);
	cim_set_str(i, "Caption", "dm-replica storage node");
	cim_set_strf(i, "Description", "Storage node %s, smisd %s", s->host_name, s->version);
	cim_set_strs(i, "OtherIdentifyingInfo", info, ARRAY_LEN(info));
	cim_set_strs(i, "IdentifyingDescriptions", what, ARRAY_LEN(what));
	cim_set_u16v(i, "Dedicated", CIM_ComputerSystem_Dedicated_Block_Server,
		     CIM_ComputerSystem_Dedicated_Storage);
	cim_set_u16(i, "ResetCapability", CIM_ComputerSystem_ResetCapability_Not_Implemented);
	cim_set_u16(i, "EnabledState", CIM_EnabledLogicalElement_EnabledState_Enabled);
	cim_set_u16(i, "RequestedState", CIM_EnabledLogicalElement_RequestedState_Not_Applicable);
	if (ok)
		prov_set_status(i, CIM_ManagedSystemElement_OperationalStatus_OK, "OK",
				CIM_ManagedSystemElement_HealthState_OK);
	else
		prov_set_status(i, CIM_ManagedSystemElement_OperationalStatus_Degraded, s->trouble,
				CIM_ManagedSystemElement_HealthState_Degraded_Warning);
	cim_set_u16(i, "PrimaryStatus",
		    ok ? CIM_ManagedSystemElement_PrimaryStatus_OK
		       : CIM_ManagedSystemElement_PrimaryStatus_Degraded);
	return cim_status(i);
}

static int enumerate(struct cim_call *c)
{
	return fill(c, cim_emit(c));
}

static int hosted_enumerate(struct cim_call *c)
{
	const struct cim_path *system = prov_system_path(c);

	cim_emit_assoc(c, system, prov_service_path(c, PROV_CONFIG_SERVICE));
	cim_emit_assoc(c, system, prov_service_path(c, PROV_REPL_SERVICE));
	cim_emit_assoc(c, system, prov_object_manager_path(c));
	cim_emit_assoc(c, system, prov_wbem_server_path(c));
	return 0;
}

static int hosted_from_end(struct cim_call *c, int end, const struct cim_path *from)
{
	const struct cim_path *system = prov_system_path(c);

	prov_emit_at(c, end, from, system, prov_service_path(c, PROV_CONFIG_SERVICE));
	prov_emit_at(c, end, from, system, prov_service_path(c, PROV_REPL_SERVICE));
	prov_emit_at(c, end, from, system, prov_object_manager_path(c));
	prov_emit_at(c, end, from, system, prov_wbem_server_path(c));
	return 0;
}

static const struct cim_method methods[] = {
	{ "RequestStateChange", prov_not_supported, 0 },
	{ "SetPowerState", prov_not_supported, 0 },
	{ NULL, NULL, 0 },
};

static const struct cim_assoc hosted = {
	.role = { "Antecedent", "Dependent" },
	.end_class = { "RPL_ComputerSystem", "CIM_Service" },
	.from_end = hosted_from_end,
};

const struct cim_provider prov_system = {
	.class = "RPL_ComputerSystem",
	.enumerate = enumerate,
	.methods = methods,
};

const struct cim_provider prov_hosted_service = {
	.class = "RPL_HostedService",
	.ns = CIM_NS_IMPL | CIM_NS_INTEROP,
	.enumerate = hosted_enumerate,
	.assoc = &hosted,
};

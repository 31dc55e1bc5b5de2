// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * server.c - the management server describes itself: RPL_ObjectManager, RPL_Namespace,
 * RPL_CIMXMLCommunicationMechanism and the associations between them; and again as newer clients
 * know it, RPL_WBEMServer and RPL_WBEMServerNamespace. Interop namespace.
 *
 * Owns nothing. One object manager, one entry for each namespace that the broker serves.
 */
#include <string.h>

#include "providers/prov.h"
#include "providers/table.h"

static const struct {
	const char *name, *what;
} namespaces[] = {
	{ "interop", "Profiles and the management server" },
	{ "root/interop", "The same as interop" },
	{ "root/dmreplica", "The storage node, classes RPL_..." },
	{ "root/tpd", "The storage node for clients of HP 3PAR, classes TPD_..." },
};

/* What both ways of seeing the server have. */
static void fill_server(struct cim_call *c, struct cim_inst *i, const char *class)
{
	const struct engine_system *s = engine_system(cim_engine(c));

	prov_set_system_keys(c, i, class);
	cim_set_str(i, "Name", s->name);
	cim_set_str(i, "ElementName", "smisd");
	cim_set_strf(i, "Description", "dm-replica smisd version %s on %s", s->version,
		     s->host_name);
	cim_set_bool(i, "Started", true);
	cim_set_u16(i, "EnabledState", CIM_EnabledLogicalElement_EnabledState_Enabled);
	prov_set_time(i, "TimeOfLastStateChange", s->started_us);
	prov_set_status(i, CIM_ManagedSystemElement_OperationalStatus_OK, "OK",
			CIM_ManagedSystemElement_HealthState_OK);
}

static int manager_enumerate(struct cim_call *c)
{
	struct cim_inst *i = cim_emit(c);

	fill_server(c, i, "RPL_ObjectManager");
	cim_set_bool(i, "GatherStatisticalData", false);
	return cim_status(i);
}

static int wbem_server_enumerate(struct cim_call *c)
{
	struct cim_inst *i = cim_emit(c);

	fill_server(c, i, "RPL_WBEMServer");
	return cim_status(i);
}

static struct cim_path *namespace_path(struct cim_call *c, const char *name)
{
	return cim_path_make(cim_arena(c), "RPL_Namespace", "SystemCreationClassName",
			     "RPL_ComputerSystem", "SystemName", prov_system_name(c),
			     "ObjectManagerCreationClassName", "RPL_ObjectManager",
			     "ObjectManagerName", prov_system_name(c), "CreationClassName",
			     "RPL_Namespace", "Name", name, NULL);
}

static int namespace_enumerate(struct cim_call *c)
{
	size_t k;

	for (k = 0; k < ARRAY_LEN(namespaces); k++) {
		struct cim_inst *i = cim_emit(c);

		prov_set_system_keys(c, i, "RPL_Namespace");
		cim_set_str(i, "ObjectManagerCreationClassName", "RPL_ObjectManager");
		cim_set_str(i, "ObjectManagerName", prov_system_name(c));
		cim_set_str(i, "Name", namespaces[k].name);
		cim_set_str(i, "ElementName", namespaces[k].name);
		cim_set_str(i, "Description", namespaces[k].what);
		cim_set_u16(i, "ClassInfo", CIM_Namespace_ClassInfo_Other);
		cim_set_str(i, "DescriptionOfClassInfo", "CIM 2.49");
		cim_set_u16(i, "ClassType", CIM_Namespace_ClassType_CIM);
		cim_set_str(i, "ClassTypeVersion", "2.49.0");
	}
	return 0;
}

static struct cim_path *wbem_namespace_path(struct cim_call *c, const char *name)
{
	return prov_id_path(c, "RPL_WBEMServerNamespace", "Namespace", name);
}

static const struct cim_inst *schema_of(struct cim_call *c, const char *name, const char *version,
					const char *owner, const char *what)
{
	struct cim_inst *i = cim_inst_new(c, "CIM_SchemaInformationStructure");

	cim_set_str(i, "Name", name);
	cim_set_str(i, "Version", version);
	cim_set_str(i, "OwningOrganization", owner);
	cim_set_str(i, "Description", what);
	cim_set_u32(i, "Status", CIM_SchemaInformationStructure_Status_Final);
	return i;
}

/* The classes of CIM, and ours with the prefix of the namespace. */
static void set_schemas(struct cim_call *c, struct cim_inst *i, const char *ns)
{
	const struct cim_inst *schemas[] = {
		schema_of(c, "CIM", "2.49.0", "DMTF", "Common Information Model"),
		schema_of(c, !strcmp(ns, "root/tpd") ? "TPD" : "RPL", "1.0.0", "dm-replica",
			  "Classes of this implementation"),
	};

	cim_set_insts(i, "SchemaInformation", schemas, ARRAY_LEN(schemas));
}

static int wbem_namespace_enumerate(struct cim_call *c)
{
	for (size_t k = 0; k < ARRAY_LEN(namespaces); k++) {
		struct cim_inst *i = cim_emit(c);

		cim_set_str(i, "InstanceID", prov_id(c, "Namespace", namespaces[k].name));
		cim_set_str(i, "Name", namespaces[k].name);
		set_schemas(c, i, namespaces[k].name);
		cim_set_str(i, "ElementName", namespaces[k].name);
		cim_set_str(i, "Description", namespaces[k].what);
	}
	return 0;
}

static struct cim_path *mechanism_path(struct cim_call *c)
{
	return cim_path_make(cim_arena(c), "RPL_CIMXMLCommunicationMechanism",
			     "SystemCreationClassName", "RPL_ComputerSystem", "SystemName",
			     prov_system_name(c), "CreationClassName",
			     "RPL_CIMXMLCommunicationMechanism", "Name", "CIM-XML", NULL);
}

static int mechanism_enumerate(struct cim_call *c)
{
	struct cim_inst *i = cim_emit(c);

	prov_set_system_keys(c, i, "RPL_CIMXMLCommunicationMechanism");
	cim_set_str(i, "Name", "CIM-XML");
	cim_set_str(i, "ElementName", "CIM-XML over HTTP and HTTPS");
	cim_set_u16(i, "CommunicationMechanism",
		    CIM_CIMXMLCommunicationMechanism_CommunicationMechanism_CIM_XML);
	cim_set_u16v(i, "FunctionalProfilesSupported", 2 /* Basic Read */, 3 /* Basic Write */,
		     6 /* Association Traversal */, 7 /* Query Execution */, 10 /* Pulled Read */,
		     11 /* Pulled Read Count */, 12 /* Pulled Query Execution */);
	cim_set_bool(i, "PulledEnumerationClosureOnExceedingServerLimitsSupported", false);
	cim_set_bool(i, "PulledEnumerationContinuationOnErrorSupported", false);
	cim_set_u32(i, "PulledEnumerationMaximumOperationTimeout", cim_limits(c)->max_timeout_s);
	cim_set_u32(i, "PulledEnumerationMinimumOperationTimeout", 1);
	cim_set_bool(i, "PulledEnumerationNoOperationTimeoutSupported", cim_limits(c)->no_timeout);
	cim_set_bool(i, "MultipleOperationsSupported", false);
	cim_set_u16v(
		i, "AuthenticationMechanismsSupported",
		CIM_ObjectManagerCommunicationMechanism_AuthenticationMechanismsSupported_Basic);
	cim_set_str(i, "Version", "1.4");
	cim_set_u16v(i, "AdvertiseTypes",
		     CIM_ObjectManagerCommunicationMechanism_AdvertiseTypes_Not_Advertised);
	cim_set_u16(i, "CIMXMLProtocolVersion",
		    CIM_CIMXMLCommunicationMechanism_CIMXMLProtocolVersion_1_0);
	cim_set_bool(i, "CIMValidated", false);
	cim_set_u16(i, "EnabledState", CIM_EnabledLogicalElement_EnabledState_Enabled);
	prov_set_status(i, CIM_ManagedSystemElement_OperationalStatus_OK, "OK",
			CIM_ManagedSystemElement_HealthState_OK);
	return cim_status(i);
}

static int mechanism_for_enumerate(struct cim_call *c)
{
	cim_emit_assoc(c, prov_object_manager_path(c), mechanism_path(c));
	return 0;
}

static int mechanism_for_from_end(struct cim_call *c, int end, const struct cim_path *from)
{
	prov_emit_at(c, end, from, prov_object_manager_path(c), mechanism_path(c));
	return 0;
}

static int in_manager_enumerate(struct cim_call *c)
{
	const struct cim_path *manager = prov_object_manager_path(c);
	size_t k;

	for (k = 0; k < ARRAY_LEN(namespaces); k++)
		cim_emit_assoc(c, manager, namespace_path(c, namespaces[k].name));
	return 0;
}

static int in_manager_from_end(struct cim_call *c, int end, const struct cim_path *from)
{
	const struct cim_path *manager = prov_object_manager_path(c);

	for (size_t k = 0; k < ARRAY_LEN(namespaces); k++)
		prov_emit_at(c, end, from, manager, namespace_path(c, namespaces[k].name));
	return 0;
}

static int of_server_enumerate(struct cim_call *c)
{
	const struct cim_path *server = prov_wbem_server_path(c);

	for (size_t k = 0; k < ARRAY_LEN(namespaces); k++)
		cim_emit_assoc(c, server, wbem_namespace_path(c, namespaces[k].name));
	return 0;
}

static int of_server_from_end(struct cim_call *c, int end, const struct cim_path *from)
{
	const struct cim_path *server = prov_wbem_server_path(c);

	for (size_t k = 0; k < ARRAY_LEN(namespaces); k++)
		prov_emit_at(c, end, from, server, wbem_namespace_path(c, namespaces[k].name));
	return 0;
}

static int access_point_enumerate(struct cim_call *c)
{
	cim_emit_assoc(c, prov_system_path(c), mechanism_path(c));
	return 0;
}

static int access_point_from_end(struct cim_call *c, int end, const struct cim_path *from)
{
	prov_emit_at(c, end, from, prov_system_path(c), mechanism_path(c));
	return 0;
}

static const struct cim_assoc mechanism_for = {
	.role = { "Antecedent", "Dependent" },
	.end_class = { "RPL_ObjectManager", "RPL_CIMXMLCommunicationMechanism" },
	.from_end = mechanism_for_from_end,
};

static const struct cim_assoc in_manager = {
	.role = { "Antecedent", "Dependent" },
	.end_class = { "RPL_ObjectManager", "RPL_Namespace" },
	.from_end = in_manager_from_end,
};

static const struct cim_assoc of_server = {
	.role = { "Antecedent", "Dependent" },
	.end_class = { "RPL_WBEMServer", "RPL_WBEMServerNamespace" },
	.from_end = of_server_from_end,
};

static const struct cim_assoc access_point = {
	.role = { "Antecedent", "Dependent" },
	.end_class = { "RPL_ComputerSystem", "RPL_CIMXMLCommunicationMechanism" },
	.from_end = access_point_from_end,
};

static const struct cim_method methods[] = {
	{ "RequestStateChange", prov_not_supported, 0 },
	{ NULL, NULL, 0 },
};

static const struct cim_method service_methods[] = {
	{ "RequestStateChange", prov_not_supported, 0 },
	{ "StartService", prov_not_supported, 0 },
	{ "StopService", prov_not_supported, 0 },
	{ "ChangeAffectedElementsAssignedSequence", prov_not_supported, 0 },
	{ NULL, NULL, 0 },
};

const struct cim_provider prov_object_manager = {
	.class = "RPL_ObjectManager",
	.ns = CIM_NS_INTEROP,
	.enumerate = manager_enumerate,
	.methods = service_methods,
};

const struct cim_provider prov_namespace = {
	.class = "RPL_Namespace",
	.ns = CIM_NS_INTEROP,
	.enumerate = namespace_enumerate,
};

const struct cim_provider prov_comm_mechanism = {
	.class = "RPL_CIMXMLCommunicationMechanism",
	.ns = CIM_NS_INTEROP,
	.enumerate = mechanism_enumerate,
	.methods = methods,
};

const struct cim_provider prov_comm_mechanism_for_manager = {
	.class = "RPL_CommMechanismForManager",
	.ns = CIM_NS_INTEROP,
	.enumerate = mechanism_for_enumerate,
	.assoc = &mechanism_for,
};

const struct cim_provider prov_namespace_in_manager = {
	.class = "RPL_NamespaceInManager",
	.ns = CIM_NS_INTEROP,
	.enumerate = in_manager_enumerate,
	.assoc = &in_manager,
};

const struct cim_provider prov_wbem_server = {
	.class = "RPL_WBEMServer",
	.ns = CIM_NS_INTEROP,
	.enumerate = wbem_server_enumerate,
	.methods = service_methods,
};

const struct cim_provider prov_wbem_server_namespace = {
	.class = "RPL_WBEMServerNamespace",
	.ns = CIM_NS_INTEROP,
	.enumerate = wbem_namespace_enumerate,
};

const struct cim_provider prov_namespace_of_server = {
	.class = "RPL_HostedDependency",
	.ns = CIM_NS_INTEROP,
	.enumerate = of_server_enumerate,
	.assoc = &of_server,
};

const struct cim_provider prov_hosted_access_point = {
	.class = "RPL_HostedAccessPoint",
	.ns = CIM_NS_INTEROP,
	.enumerate = access_point_enumerate,
	.assoc = &access_point,
};

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * repl-service.c - RPL_ReplicationService: the instance and the table of its methods. Methods of
 * the class that make no sense here (remote copies, point-in-time images without target) answer
 * 1 Not Supported.
 */
#include "providers/repl.h"
#include "providers/table.h"

static int enumerate(struct cim_call *c)
{
	const struct engine_system *s = engine_system(cim_engine(c));
	bool ok = s->kernel_ready && s->priv_ready;
	struct cim_inst *i = cim_emit(c);

	prov_set_system_keys(c, i, "RPL_ReplicationService");
	cim_set_str(i, "Name", PROV_REPL_SERVICE);
	cim_set_str(i, "ElementName", "Replication");
	cim_set_str(i, "Description",
		    "Clones of volumes and of groups of volumes at one point in time");
	cim_set_bool(i, "Started", ok);
	cim_set_u16(i, "EnabledState", CIM_EnabledLogicalElement_EnabledState_Enabled);
	cim_set_u16(i, "RequestedState", CIM_EnabledLogicalElement_RequestedState_Not_Applicable);
	if (ok)
		prov_set_status(i, CIM_ManagedSystemElement_OperationalStatus_OK, "OK",
				CIM_ManagedSystemElement_HealthState_OK);
	else
		prov_set_status(i, CIM_ManagedSystemElement_OperationalStatus_Error, s->trouble,
				CIM_ManagedSystemElement_HealthState_Critical_failure);
	return cim_status(i);
}

static const struct cim_method methods[] = {
	{ "CreateGroup", repl_create_group, 0 },
	{ "DeleteGroup", repl_delete_group, 0 },
	{ "AddMembers", repl_add_members, 0 },
	{ "RemoveMembers", repl_remove_members, 0 },
	{ "CreateElementReplica", repl_create_element_replica, 0 },
	{ "CreateGroupReplica", repl_create_group_replica, 0 },
	{ "CreateListReplica", repl_create_list_replica, 0 },
	{ "CreateGroupReplicaFromElements", repl_create_from_elements, 0 },
	{ "ModifyReplicaSynchronization", repl_modify_one, 0 },
	{ "ModifyListSynchronization", repl_modify_list, 0 },
	{ "GetAvailableTargetElements", repl_available_targets, CIM_METHOD_READ },
	{ "GetReplicationRelationships", repl_relationships, CIM_METHOD_READ },
	{ "GetReplicationRelationshipInstances", repl_relationship_instances, CIM_METHOD_READ },
	{ "CreateSynchronizationAspect", prov_not_supported, 0 },
	{ "CreateListSynchronizationAspect", prov_not_supported, 0 },
	{ "CreateGroupReplicaFromElementSynchronizations", prov_not_supported, 0 },
	{ "AddElementsToGroupSynchronized", prov_not_supported, 0 },
	{ "ModifySettingsDefineState", prov_not_supported, 0 },
	{ "ModifyListSettingsDefineState", prov_not_supported, 0 },
	{ "GetSynchronizationAspects", prov_not_supported, CIM_METHOD_READ },
	{ "GetSynchronizationAspectInstances", prov_not_supported, CIM_METHOD_READ },
	{ "GetPeerSystems", prov_not_supported, CIM_METHOD_READ },
	{ "GetServiceAccessPoints", prov_not_supported, CIM_METHOD_READ },
	{ "AddReplicationEntity", prov_not_supported, 0 },
	{ "AddServiceAccessPoint", prov_not_supported, 0 },
	{ "AddSharedSecret", prov_not_supported, 0 },
	{ "CreateRemoteReplicationCollection", prov_not_supported, 0 },
	{ "AddToRemoteReplicationCollection", prov_not_supported, 0 },
	{ "RemoveFromRemoteReplicationCollection", prov_not_supported, 0 },
	{ "ConfirmTargetData", prov_not_supported, 0 },
	{ "RequestStateChange", prov_not_supported, 0 },
	{ "StartService", prov_not_supported, 0 },
	{ "StopService", prov_not_supported, 0 },
	{ "ChangeAffectedElementsAssignedSequence", prov_not_supported, 0 },
	{ NULL, NULL, 0 },
};

const struct cim_provider prov_repl_service = {
	.class = "RPL_ReplicationService",
	.enumerate = enumerate,
	.methods = methods,
};

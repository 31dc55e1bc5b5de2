// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * repl-caps.c - RPL_ReplicationServiceCapabilities: what is supported, as properties and as
 * queries. The answers are true of this implementation: clones within a pool, attached or not,
 * readable and writable while they are copied, and snapshots; alone, in lists and in groups.
 *
 * A replication type that is not supported gets 1 Not Supported from every query.
 */
#include <string.h>

#include "providers/repl-ops.h"
#include "providers/repl.h"
#include "providers/table.h"

#define TYPE_SYNC \
	CIM_ReplicationServiceCapabilities_SupportedReplicationTypes_Synchronous_Clone_Local
#define TYPE_ASYNC \
	CIM_ReplicationServiceCapabilities_SupportedReplicationTypes_Asynchronous_Clone_Local

#define TYPE_SNAPSHOT \
	CIM_ReplicationServiceCapabilities_SupportedReplicationTypes_Synchronous_Snapshot_Local

#define LOCAL 2

/* GetSupportedReplicationSettingData and ...DateTime */
#define PROPERTY_NOT_SUPPORTED 7

#define STATE(name) CIM_Synchronized_CopyState_##name

/* Volumes are numbered 1..4096 in the kernel; half of them can be targets of the other half. */
#define MAX_VOLUMES 4096
/* Of a source, and of a store of the greatest size: the kernel's. */
#define MAX_SNAPSHOTS	  256
#define MAX_SNAPSHOTS_ALL (4 * MAX_VOLUMES)
/* Pairs of one request: engine/backend.h. */
#define MAX_GROUP 1024

static int enumerate(struct cim_call *c)
{
	struct cim_inst *i = cim_emit(c);

	cim_set_str(i, "InstanceID", prov_id(c, PROV_REPL_CAPS, "Service"));
	cim_set_str(i, "ElementName", "Replication capabilities");
	cim_set_u16v(i, "SupportedReplicationTypes", TYPE_SNAPSHOT, TYPE_SYNC, TYPE_ASYNC);
	cim_set_u16v(i, "SupportedStorageObjects",
		     CIM_ReplicationServiceCapabilities_SupportedStorageObjects_StorageVolume);
	/* Create{Element,Group,List}Replica, ...FromElements, Modify... */
	cim_set_u16v(i, "SupportedAsynchronousActions", 2, 3, 5, 6, 19, 20);
	/* the same for snapshots, GetAvailableTargetElements, GetReplicationRelationships, group
	 * maintenance, GetReplicationRelationshipInstances
	 */
	cim_set_u16v(i, "SupportedSynchronousActions", 2, 3, 5, 6, 8, 10, 12, 13, 14, 15, 19, 20,
		     21);
	return cim_status(i);
}

/* The parameter ReplicationType. 0: not supported, and the call is answered. */
static uint16_t type_arg(struct cim_call *c)
{
	uint16_t type = 0;

	cim_arg_u16(c, "ReplicationType", &type);
	if (type == TYPE_SYNC || type == TYPE_ASYNC || type == TYPE_SNAPSHOT)
		return type;
	cim_refuse(c, ENGINE_NOT_SUPPORTED,
		   "ReplicationType %u: only 6 (local snapshots), 10 and 11 (local clones) are "
		   "supported",
		   type);
	return 0;
}

static uint16_t sync_type_of(uint16_t type)
{
	return type == TYPE_SNAPSHOT ? ENGINE_SYNC_SNAPSHOT : ENGINE_SYNC_CLONE;
}

/* Answers with a list that does not depend on the type. */
#define ANSWER_LIST(c, name, ...)                                       \
	do {                                                            \
		static const uint16_t list_[] = { __VA_ARGS__ };        \
		if (type_arg(c)) {                                      \
			cim_out_u16s(c, name, list_, ARRAY_LEN(list_)); \
			cim_return(c, 0);                               \
		}                                                       \
		return 0;                                               \
	} while (0)

static int to_type(struct cim_call *c)
{
	uint16_t sync_type = 0, mode = 0, where = LOCAL, type;

	cim_arg_u16(c, "SyncType", &sync_type);
	cim_arg_u16(c, "Mode", &mode);
	cim_arg_u16(c, "LocalOrRemote", &where);
	if (where == LOCAL && sync_type == ENGINE_SYNC_SNAPSHOT && mode == ENGINE_MODE_SYNC)
		type = TYPE_SNAPSHOT;
	else if (where == LOCAL && sync_type == ENGINE_SYNC_CLONE && mode == ENGINE_MODE_SYNC)
		type = TYPE_SYNC;
	else if (where == LOCAL && sync_type == ENGINE_SYNC_CLONE && mode == ENGINE_MODE_ASYNC)
		type = TYPE_ASYNC;
	else
		return cim_refuse(c, ENGINE_NOT_SUPPORTED,
				  "SyncType %u, Mode %u, LocalOrRemote %u is not supported",
				  sync_type, mode, where);
	cim_out_u16(c, "SupportedReplicationTypes", type);
	return cim_return(c, 0);
}

static int from_type(struct cim_call *c)
{
	uint16_t type = type_arg(c);

	if (!type)
		return 0;
	cim_out_u16(c, "SyncType", sync_type_of(type));
	cim_out_u16(c, "Mode", type == TYPE_ASYNC ? ENGINE_MODE_ASYNC : ENGINE_MODE_SYNC);
	cim_out_u16(c, "LocalOrRemote", LOCAL);
	return cim_return(c, 0);
}

/*
 * Hosts may read and write a clone from its point in time on, and read a snapshot; not one that
 * failed.
 */
static int copy_states(struct cim_call *c)
{
	static const uint16_t snapshot[] = { STATE(Synchronized), STATE(Broken) };
	static const bool readable[] = { true, false };
	static const uint16_t states[] = { STATE(Initialized),	STATE(Unsynchronized),
					   STATE(Synchronized), STATE(Broken),
					   STATE(Suspended),	STATE(Aborted) };
	static const bool host[] = { false, true, true, false, true, false };

	uint16_t type = type_arg(c);

	if (!type)
		return 0;
	if (type == TYPE_SNAPSHOT) {
		cim_out_u16s(c, "SupportedCopyStates", snapshot, ARRAY_LEN(snapshot));
		cim_out_bools(c, "HostAccessible", readable, ARRAY_LEN(readable));
	} else {
		cim_out_u16s(c, "SupportedCopyStates", states, ARRAY_LEN(states));
		cim_out_bools(c, "HostAccessible", host, ARRAY_LEN(host));
	}
	return cim_return(c, 0);
}

static int group_copy_states(struct cim_call *c)
{
	static const uint16_t snapshot[] = { STATE(Synchronized), STATE(Broken), STATE(Mixed) };
	static const uint16_t clone[] = { STATE(Initialized),  STATE(Unsynchronized),
					  STATE(Synchronized), STATE(Broken),
					  STATE(Suspended),    STATE(Aborted),
					  STATE(Mixed) };
	uint16_t type = type_arg(c);

	if (!type)
		return 0;
	if (type == TYPE_SNAPSHOT)
		cim_out_u16s(c, "SupportedCopyStates", snapshot, ARRAY_LEN(snapshot));
	else
		cim_out_u16s(c, "SupportedCopyStates", clone, ARRAY_LEN(clone));
	return cim_return(c, 0);
}

static int wait_states(struct cim_call *c)
{
	uint16_t method = 0, op = 0, states[REPL_MAX_STATES] = { 0 }, type = type_arg(c);
	size_t n = 0;

	if (!type)
		return 0;
	cim_arg_u16(c, "MethodName", &method);
	cim_arg_u16(c, "Operation", &op);
	switch (method) {
	case 2: /* CreateElementReplica */
	case 3: /* CreateGroupReplica */
	case 7: /* CreateListReplica */
	case 8: /* CreateGroupReplicaFromElements */
		if (type != TYPE_SNAPSHOT)
			states[n++] = STATE(Unsynchronized);
		states[n++] = STATE(Synchronized);
		if (type == TYPE_ASYNC)
			states[n++] = STATE(Inactive);
		break;
	case 4: /* ModifyReplicaSynchronization */
	case 5: /* ModifyListSynchronization */
		n = repl_op_waits(sync_type_of(type), op, states);
		break;
	default:
		return cim_refuse(c, ENGINE_NOT_SUPPORTED, "MethodName %u is not supported",
				  method);
	}
	cim_out_u16s(c, "SupportedCopyStates", states, n);
	return cim_return(c, 0);
}

/* 2 groups, 16 target stays associated, 18 detaches by itself, 39 target is never given, 44 targets
 * from the source's pool, 51 target can be named
 */
static int features(struct cim_call *c)
{
	static const uint16_t snapshot[] = { 2, 16, 39, 44, 51 };
	static const uint16_t sync[] = { 2, 18, 44, 51 }, async[] = { 2, 44, 51 };
	uint16_t type = type_arg(c);

	if (type == TYPE_SYNC)
		cim_out_u16s(c, "Features", sync, ARRAY_LEN(sync));
	else if (type == TYPE_SNAPSHOT)
		cim_out_u16s(c, "Features", snapshot, ARRAY_LEN(snapshot));
	else if (type)
		cim_out_u16s(c, "Features", async, ARRAY_LEN(async));
	return type ? cim_return(c, 0) : 0;
}

/* 3 many to many, 4 always consistent, 5 may be empty, 11 and 12 members can leave, 14 nameable,
 * 16 detaches by itself, 23 members of several groups, 38 target group can be made here,
 * 42 only empty target groups, 56 RelationshipName can be given
 */
static int group_features(struct cim_call *c)
{
	static const uint16_t sync[] = { 3, 4, 5, 11, 12, 14, 16, 23, 38, 56 };
	static const uint16_t async[] = { 3, 4, 5, 11, 12, 14, 23, 38, 56 };
	static const uint16_t snapshot[] = { 3, 4, 5, 11, 14, 23, 38, 42, 56 };
	uint16_t type = type_arg(c);

	if (type == TYPE_SYNC)
		cim_out_u16s(c, "GroupFeatures", sync, ARRAY_LEN(sync));
	else if (type == TYPE_SNAPSHOT)
		cim_out_u16s(c, "GroupFeatures", snapshot, ARRAY_LEN(snapshot));
	else if (type)
		cim_out_u16s(c, "GroupFeatures", async, ARRAY_LEN(async));
	return type ? cim_return(c, 0) : 0;
}

/* 2 lists are supported, 3 sequential consistency */
static int list_features(struct cim_call *c)
{
	ANSWER_LIST(c, "GroupFeatures", 2, 3);
}

static int consistency(struct cim_call *c)
{
	ANSWER_LIST(c, "SupportedConsistency", 2);
}

static int default_consistency(struct cim_call *c)
{
	if (!type_arg(c))
		return 0;
	cim_out_u16(c, "DefaultConsistency", 2);
	return cim_return(c, 0);
}

static int default_persistency(struct cim_call *c)
{
	cim_out_u16(c, "DefaultGroupPersistency", 2);
	return cim_return(c, 0);
}

/* 1 thin provisioning is not supported; of snapshots, which are always thin, there is nothing */
static int thin_features(struct cim_call *c)
{
	static const uint16_t list[] = { 1 };
	uint16_t type = type_arg(c);

	if (!type)
		return 0;
	cim_out_u16s(c, "SupportedThinProvisioningFeatures", list, type != TYPE_SNAPSHOT);
	return cim_return(c, 0);
}

/* 1 compression is not supported */
static int compression_features(struct cim_call *c)
{
	ANSWER_LIST(c, "SupportedStorageCompressionFeatures", 1);
}

static int out_operations(struct cim_call *c, const char *name, uint16_t sync_type,
			  uint16_t copy_state)
{
	uint16_t ops[REPL_MAX_OPS], control[REPL_MAX_OPS];
	bool force[REPL_MAX_OPS], updates[REPL_MAX_OPS] = { false };
	size_t n = repl_ops(sync_type, copy_state, ops, force), k;

	for (k = 0; k < n; k++)
		control[k] = 4; /* source or target: it is the same service */
	cim_out_u16s(c, name, ops, n);
	cim_out_u16s(c, "ServiceControlling", control, n);
	cim_out_bools(c, "RequiresForce", force, n);
	cim_out_bools(c, "UpdatesSynchronizedPath", updates, n);
	return cim_return(c, 0);
}

static int operations_for_state(struct cim_call *c, const char *name)
{
	uint16_t state = 0, type = type_arg(c);

	cim_arg_u16(c, "CopyState", &state);
	return type ? out_operations(c, name, sync_type_of(type), state) : 0;
}

static int operations(struct cim_call *c)
{
	return operations_for_state(c, "SupportedOperations");
}

static int group_operations(struct cim_call *c)
{
	return operations_for_state(c, "SupportedGroupOperations");
}

static int list_operations(struct cim_call *c)
{
	uint16_t kind = 2;

	cim_arg_u16(c, "SynchronizationType", &kind);
	if (kind != 2)
		return cim_refuse(c, ENGINE_NOT_SUPPORTED,
				  "SynchronizationType %u: lists are of StorageSynchronized (2)",
				  kind);
	return operations_for_state(c, "SupportedListOperations");
}

static int operations_for(struct cim_call *c)
{
	const struct cim_path *path = cim_arg_ref(c, "Synchronization");
	const struct engine_relation *r = prov_relation(c, path);
	const struct engine_set *s = prov_set(c, path);

	if (!r && !s)
		return cim_refuse(c, ENGINE_INVALID_PARAMETER,
				  "Synchronization: there is no relationship %s",
				  prov_print(c, path));
	return out_operations(c, "SupportedOperations", s ? s->sync_type : r->sync_type,
			      s ? s->copy_state : engine_state_copy_state(r->state));
}

static int maximum(struct cim_call *c)
{
	uint16_t what = 0, type = type_arg(c);
	bool snapshot = type == TYPE_SNAPSHOT;
	uint64_t max;

	if (!type)
		return 0;
	cim_arg_u16(c, "Component", &what);
	switch (what) {
	case 2: /* groups */
		max = 0;
		break;
	case 3: /* elements of a source group */
	case 4: /* elements of a target group */
		max = MAX_GROUP;
		break;
	case 5: /* targets of a source */
		max = snapshot ? MAX_SNAPSHOTS : MAX_VOLUMES - 1;
		break;
	case 6: /* sources */
		max = snapshot ? MAX_VOLUMES : MAX_VOLUMES - 1;
		break;
	case 7: /* targets */
		max = snapshot ? MAX_SNAPSHOTS_ALL : MAX_VOLUMES - 1;
		break;
	case 9: /* hops */
		max = 1;
		break;
	default:
		return cim_refuse(c, ENGINE_NOT_SUPPORTED, "Component %u is not supported", what);
	}
	cim_out_u64(c, "MaxValue", max);
	return cim_return(c, 0);
}

static int setting_values(struct cim_call *c)
{
	uint16_t property = 0, type = type_arg(c);
	const uint64_t *values;
	size_t n = 0;

	if (!type)
		return 0;
	cim_arg_u16(c, "PropertyName", &property);
	values = repl_settings_values(sync_type_of(type), property, &n);
	if (!values || !n)
		return cim_refuse(c, PROPERTY_NOT_SUPPORTED, "PropertyName %u is not supported",
				  property);
	cim_out_u64s(c, "SupportedValues", values, n);
	return cim_return(c, 0);
}

static int setting_times(struct cim_call *c)
{
	if (!type_arg(c))
		return 0;
	return cim_refuse(c, PROPERTY_NOT_SUPPORTED, "No datetime property is supported");
}

static int default_setting(struct cim_call *c)
{
	uint16_t type = type_arg(c);

	if (!type)
		return 0;
	cim_out_inst(c, "DefaultInstance", repl_settings_default(c, sync_type_of(type)));
	return cim_return(c, 0);
}

/* Which of two volumes can be the source of a clone on the other. */
static int between(struct cim_call *c)
{
	static const char *const none[] = { "OtherElementAccessPoint", NULL };
	const struct engine_volume *a = prov_volume(c, cim_arg_ref(c, "LocalElement"));
	const struct engine_volume *b = prov_volume(c, cim_arg_ref(c, "OtherElement"));
	uint16_t types[4], modes[4], roles[4];
	uint16_t role;
	size_t n = 0;
	char why[256];

	if (prov_refuse_given(c, none) ||
	    repl_settings_refused(c, ENGINE_SYNC_CLONE, REPL_TARGETS_GIVEN))
		return 0;
	if (!a || !b)
		return cim_refuse(c, ENGINE_INVALID_PARAMETER,
				  "LocalElement and OtherElement must be volumes of this node");
	for (role = 2; role <= 3; role++) { /* 2 SystemElement, 3 SyncedElement */
		uint16_t mode;

		if (!engine_target_fits(cim_engine(c), role == 2 ? a : b, role == 2 ? b : a, why,
					sizeof(why)))
			continue;
		for (mode = ENGINE_MODE_SYNC; mode <= ENGINE_MODE_ASYNC; mode++) {
			types[n] = ENGINE_SYNC_CLONE;
			modes[n] = mode;
			roles[n++] = role;
		}
	}
	cim_out_u16s(c, "SyncTypes", types, n);
	cim_out_u16s(c, "Modes", modes, n);
	cim_out_u16s(c, "LocalElementRole", roles, n);
	return cim_return(c, 0);
}

static int name_caps(struct cim_call *c)
{
	uint16_t type = 0;

	cim_arg_u16(c, "ElementType", &type);
	if (type == 2) /* ReplicationGroup: at creation, by ModifyInstance */
		cim_out_u16s(c, "SupportedFeatures", (const uint16_t[]) { 2, 4 }, 2);
	else if (type == 4) /* GroupSynchronized: at creation */
		cim_out_u16s(c, "SupportedFeatures", (const uint16_t[]) { 2 }, 1);
	else
		return cim_refuse(c, ENGINE_NOT_SUPPORTED, "ElementType %u has no name to set",
				  type);
	cim_out_u16(c, "MaxElementNameLen", ENGINE_NAME_MAX / 4);
	return cim_return(c, 0);
}

static int types_for_system(struct cim_call *c)
{
	static const uint16_t types[] = { TYPE_SNAPSHOT, TYPE_SYNC, TYPE_ASYNC };
	const struct cim_path *system = cim_arg_ref(c, "System");

	if (!prov_same_keys(system, prov_system_path(c)))
		return cim_refuse(c, ENGINE_INVALID_PARAMETER, "System: %s is not this node",
				  prov_print(c, system));
	cim_out_u16s(c, "SupportedReplicationTypes", types, ARRAY_LEN(types));
	return cim_return(c, 0);
}

static const struct cim_method methods[] = {
	{ "ConvertSyncTypeToReplicationType", to_type, CIM_METHOD_READ },
	{ "ConvertReplicationTypeToSyncType", from_type, CIM_METHOD_READ },
	{ "GetSupportedCopyStates", copy_states, CIM_METHOD_READ },
	{ "GetSupportedGroupCopyStates", group_copy_states, CIM_METHOD_READ },
	{ "GetSupportedWaitForCopyStates", wait_states, CIM_METHOD_READ },
	{ "GetSupportedFeatures", features, CIM_METHOD_READ },
	{ "GetSupportedGroupFeatures", group_features, CIM_METHOD_READ },
	{ "GetSupportedListFeatures", list_features, CIM_METHOD_READ },
	{ "GetSupportedConsistency", consistency, CIM_METHOD_READ },
	{ "GetSupportedOperations", operations, CIM_METHOD_READ },
	{ "GetSupportedGroupOperations", group_operations, CIM_METHOD_READ },
	{ "GetSupportedListOperations", list_operations, CIM_METHOD_READ },
	{ "GetSupportedOperationsForSynchronization", operations_for, CIM_METHOD_READ },
	{ "GetSupportedSettingsDefineStateOperations", prov_not_supported, CIM_METHOD_READ },
	{ "GetSupportedThinProvisioningFeatures", thin_features, CIM_METHOD_READ },
	{ "GetSupportedStorageCompressionFeatures", compression_features, CIM_METHOD_READ },
	{ "GetSupportedMaximum", maximum, CIM_METHOD_READ },
	{ "GetDefaultConsistency", default_consistency, CIM_METHOD_READ },
	{ "GetDefaultGroupPersistency", default_persistency, CIM_METHOD_READ },
	{ "GetSupportedReplicationSettingData", setting_values, CIM_METHOD_READ },
	{ "GetSupportedReplicationSettingDataDateTime", setting_times, CIM_METHOD_READ },
	{ "GetDefaultReplicationSettingData", default_setting, CIM_METHOD_READ },
	{ "GetSynchronizationSupported", between, CIM_METHOD_READ },
	{ "GetElementNameCapabilities", name_caps, CIM_METHOD_READ },
	{ "GetSupportedReplicationTypesForSystem", types_for_system, CIM_METHOD_READ },
	{ "GetSupportedConnectionFeatures", prov_not_supported, CIM_METHOD_READ },
	{ "GetSupportedTokenizedReplicationType", prov_not_supported, CIM_METHOD_READ },
	{ "CreateGoalSettings", prov_not_supported, CIM_METHOD_READ },
	{ NULL, NULL, 0 },
};

const struct cim_provider prov_repl_caps = {
	.class = "RPL_ReplicationServiceCapabilities",
	.enumerate = enumerate,
	.methods = methods,
};

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * relation.c - RPL_StorageSynchronized, one for each source and target, and RPL_GroupSynchronized,
 * one for each pair of groups that were copied by one call.
 *
 * Owns nothing; reads the engine's relations and sets. Both views of the state are filled, that
 * of Replication Services (CopyState, ProgressStatus) and that of Copy Services (SyncState).
 */
#include "providers/relation.h"
#include "providers/table.h"

static void fill_common(struct cim_inst *i, uint16_t sync_type, uint16_t mode)
{
	cim_set_u16(i, "SyncType", sync_type);
	cim_set_u16(i, "Mode", mode);
	cim_set_bool(i, "SyncMaintained", false);
	cim_set_bool(i, "FailedCopyStopsHostIO", false);
	cim_set_u16(i, "CopyRecoveryMode", CIM_Synchronized_CopyRecoveryMode_Automatic);
}

static void fill_kind(const struct engine_relation *r, struct cim_inst *i)
{
	if (r->sync_type != ENGINE_SYNC_SNAPSHOT) {
		cim_set_u16(i, "PercentSynced", engine_relation_percent(r));
		cim_set_u16(i, "CopyType",
			    r->mode == ENGINE_MODE_ASYNC
				    ? CIM_StorageSynchronized_CopyType_UnSyncAssoc
				    : CIM_StorageSynchronized_CopyType_UnSyncUnAssoc);
		cim_set_u16(i, "ReplicaType", CIM_StorageSynchronized_ReplicaType_Full_Copy);
		cim_set_u16(i, "CopyMethodology",
			    CIM_StorageSynchronized_CopyMethodology_Full_Copy);
		return;
	}
	if (r->state == ENGINE_SYNCHRONIZED) /* nothing is left of one that is lost */
		cim_set_u16(i, "PercentSynced", 100);
	cim_set_u16(i, "CopyType", CIM_StorageSynchronized_CopyType_UnSyncAssoc);
	cim_set_u16(i, "ReplicaType", CIM_StorageSynchronized_ReplicaType_After_Delta);
	cim_set_u16(i, "CopyMethodology", CIM_StorageSynchronized_CopyMethodology_Copy_On_Write);
	if (r->read_only)
		cim_set_u16(i, "ReadOnly", CIM_StorageSynchronized_ReadOnly_SyncedElement);
}

int relation_fill(struct cim_call *c, const struct engine_relation *r, struct cim_inst *i)
{
	cim_set_ref(i, "SystemElement", prov_volume_path(c, r->source));
	cim_set_ref(i, "SyncedElement", prov_volume_path(c, r->target));
	fill_common(i, r->sync_type, r->mode);
	cim_set_u16(i, "CopyState", engine_state_copy_state(r->state));
	cim_set_u16(i, "ProgressStatus", engine_state_progress_status(r->state));
	cim_set_u16(i, "SyncState", engine_relation_sync_state(r));
	cim_set_u16(i, "RequestedCopyState", r->requested_copy_state);
	fill_kind(r, i);
	cim_set_u16(i, "CopyPriority", CIM_StorageSynchronized_CopyPriority_Not_Managed);
	/* The point in time that the target holds, once it holds all of it. */
	if (r->when_synchronized_us)
		prov_set_time(i, "WhenSynced", r->when_activated_us);
	prov_set_time(i, "WhenEstablished", r->when_established_us);
	prov_set_time(i, "WhenActivated", r->when_activated_us);
	prov_set_time(i, "WhenSuspended", r->when_suspended_us);
	prov_set_time(i, "WhenSynchronized", r->when_synchronized_us);
	return cim_status(i);
}

/* Rounded down: 100 is said only of complete copies. */
static uint16_t set_percent(const struct engine_set *s)
{
	return s->copied_bytes < s->total_bytes ? s->copied_bytes * 100 / s->total_bytes : 100;
}

int group_relation_fill(struct cim_call *c, const struct engine_set *s, struct cim_inst *i)
{
	bool broken = s->copy_state == CIM_Synchronized_CopyState_Broken ||
		      s->copy_state == CIM_Synchronized_CopyState_Aborted;

	cim_set_ref(i, "SystemElement", prov_group_path(c, s->source_group));
	cim_set_ref(i, "SyncedElement", prov_group_path(c, s->target_group));
	fill_common(i, s->sync_type, s->mode);
	cim_set_str(i, "RelationshipName", s->name);
	cim_set_u16(i, "CopyState", s->copy_state);
	cim_set_u16(i, "ProgressStatus", s->progress_status);
	cim_set_u16(i, "RequestedCopyState", CIM_Synchronized_RequestedCopyState_Not_Applicable);
	cim_set_u16(i, "PercentSynced", set_percent(s));
	cim_set_bool(i, "ConsistencyEnabled", true);
	cim_set_u16(i, "ConsistencyType",
		    CIM_GroupSynchronized_ConsistencyType_Sequentially_Consistent);
	cim_set_u16(i, "ConsistencyState",
		    broken ? CIM_GroupSynchronized_ConsistencyState_Inconsistent
			   : CIM_GroupSynchronized_ConsistencyState_Consistent);
	cim_set_u16(i, "ConsistencyStatus",
		    broken ? CIM_GroupSynchronized_ConsistencyStatus_Consistency_error
			   : CIM_GroupSynchronized_ConsistencyStatus_Completed);
	if (s->when_synchronized_us)
		prov_set_time(i, "WhenSynced", s->when_activated_us);
	prov_set_time(i, "WhenEstablished", s->when_established_us);
	prov_set_time(i, "WhenActivated", s->when_activated_us);
	prov_set_time(i, "WhenSynchronized", s->when_synchronized_us);
	return cim_status(i);
}

static void emit_relation(struct cim_call *c, const struct engine_relation *r)
{
	relation_fill(
		c, r,
		cim_emit_assoc(c, prov_volume_path(c, r->source), prov_volume_path(c, r->target)));
}

static int enumerate(struct cim_call *c)
{
	const struct engine_relation *r = NULL;

	while ((r = engine_relation_next(cim_engine(c), r)))
		emit_relation(c, r);
	return 0;
}

static int from_end(struct cim_call *c, int end, const struct cim_path *from)
{
	const struct engine_volume *v = prov_volume(c, from);
	const struct engine_relation *r = NULL;

	if (!v || !(end == 0 ? v->nr_as_source : v->nr_as_target))
		return 0;
	while ((r = engine_relation_next(cim_engine(c), r)))
		if ((end == 0 ? r->source : r->target) == v)
			emit_relation(c, r);
	return 0;
}

static int get(struct cim_call *c)
{
	const struct engine_relation *r = prov_relation(c, cim_target(c));

	if (!r)
		return -CIM_ERR_NOT_FOUND;
	emit_relation(c, r);
	return 0;
}

static void emit_set(struct cim_call *c, const struct engine_set *s)
{
	group_relation_fill(c, s,
			    cim_emit_assoc(c, prov_group_path(c, s->source_group),
					   prov_group_path(c, s->target_group)));
}

static int group_enumerate(struct cim_call *c)
{
	const struct engine_set *s = NULL;

	while ((s = engine_set_next(cim_engine(c), s)))
		if (prov_set_is_group(s))
			emit_set(c, s);
	return 0;
}

static int group_from_end(struct cim_call *c, int end, const struct cim_path *from)
{
	const struct engine_group *g = prov_group(c, from);
	const struct engine_set *s = NULL;

	while (g && (s = engine_set_next(cim_engine(c), s)))
		if (prov_set_is_group(s) && (end == 0 ? s->source_group : s->target_group) == g)
			emit_set(c, s);
	return 0;
}

static int group_get(struct cim_call *c)
{
	const struct engine_set *s = prov_set(c, cim_target(c));

	if (!s)
		return -CIM_ERR_NOT_FOUND;
	emit_set(c, s);
	return 0;
}

static const struct cim_assoc elements = {
	.role = { "SystemElement", "SyncedElement" },
	.end_class = { "RPL_StorageVolume", "RPL_StorageVolume" },
	.from_end = from_end,
};

static const struct cim_assoc groups = {
	.role = { "SystemElement", "SyncedElement" },
	.end_class = { "RPL_ReplicationGroup", "RPL_ReplicationGroup" },
	.from_end = group_from_end,
};

const struct cim_provider prov_storage_synchronized = {
	.class = "RPL_StorageSynchronized",
	.enumerate = enumerate,
	.get = get,
	.assoc = &elements,
};

const struct cim_provider prov_group_synchronized = {
	.class = "RPL_GroupSynchronized",
	.enumerate = group_enumerate,
	.get = group_get,
	.assoc = &groups,
};

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * repl-settings.c - ReplicationSettingData: one table says which wishes are granted for clones, and
 * another what is different for snapshots. From them come the refusals, the default instance and
 * the answers of GetSupportedReplicationSettingData.
 */
#include <strings.h>

#include "providers/repl.h"

#define MAX_VALUES 5
#define READ_ONLY  15

/* Booleans are written 2 (FALSE) and 3 (TRUE), as GetSupportedReplicationSettingData has them.
 * number: PropertyName of that method, 0: none. Properties without values must not be set.
 */
static const struct wish {
	const char *name;
	uint16_t number;
	bool boolean;
	size_t n;
	uint64_t values[MAX_VALUES]; /* the first is the default */
} wishes[] = {
	{ "ConsistentPointInTime", 2, true, 2, { 3, 2 } }, /* granted whether asked or not */
	{ "DesiredCopyMethodology", 3, false, 3, { 3, 2, 9 } }, /* full copy */
	{ "Multihop", 4, false, 1, { 1 } },
	{ "OnGroupOrListError", 5, false, 1, { 3 } }, /* stop */
	{ "UnequalGroupsAction", 6, false, 1, { 2 } }, /* error */
	{ "TargetElementSupplier", 7, false, 5, { 4, 1, 2, 3, 5 } },
	{ "ThinProvisioningPolicy", 8, false, 4, { 7, 3, 5, 6 } }, /* all is thick */
	{ "Pairing", 9, false, 2, { 3, 2 } }, /* exact order */
	{ "FailedCopyStopsHostIO", 10, true, 1, { 2 } },
	{ "CopyRecoveryMode", 11, false, 2, { 2, 4 } }, /* goes on by itself */
	{ "UnequalListsAction", 12, false, 1, { 2 } },
	{ "DeltaUpdateInterval", 13, false, 0, { 0 } },
	{ "DeltaUpdateBlocks", 14, false, 0, { 0 } },
	{ "ReadOnly", READ_ONLY, false, 0, { 0 } },
	{ "StorageCompressionPolicy", 16, false, 3, { 7, 5, 6 } },
	{ "TargetElementResourcePool", 17, false, 2, { 3, 2 } }, /* the source's */
	{ "TargetElementGoal", 18, false, 2, { 3, 2 } },
	{ "RRCSoftwareCompressionEnabled", 19, true, 1, { 2 } },
	{ "RRCHardwareCompressionEnabled", 20, true, 1, { 2 } },
	{ "AutoDelete", 21, true, 1, { 2 } },
	{ "TimeBeforeRemoval", 23, false, 0, { 0 } },
	{ "ConsistencyExempt", 24, true, 1, { 2 } },
	{ "ConsistentAsyncCopy", 25, true, 1, { 2 } },
	{ "DesiredRPO", 26, false, 0, { 0 } },
	{ "MaximumSkew", 27, false, 0, { 0 } },
	{ "CopyPriority", 0, false, 2, { 0, 2 } }, /* not managed, same as others */
};

static const struct wish of_snapshots[] = {
	{ "DesiredCopyMethodology", 3, false, 2, { 6, 2 } }, /* copy on write */
	{ "TargetElementSupplier", 7, false, 3, { 4, 2, 3 } },
	{ "ThinProvisioningPolicy", 8, false, 2, { 7, 4 } }, /* the target is thin */
	{ "ReadOnly", READ_ONLY, false, 1, { 3 } }, /* the target; no default: it can be written */
};

/* The table is long, the wishes of a request are few. */
static const struct wish *for_type(uint16_t sync_type, const struct wish *w)
{
	size_t k;

	for (k = 0; sync_type == ENGINE_SYNC_SNAPSHOT && k < ARRAY_LEN(of_snapshots); k++)
		if (of_snapshots[k].number == w->number)
			return &of_snapshots[k];
	return w;
}

static const struct wish *wish_of(uint16_t sync_type, const char *name)
{
	size_t k;

	for (k = 0; k < ARRAY_LEN(wishes); k++)
		if (!strcasecmp(wishes[k].name, name))
			return for_type(sync_type, &wishes[k]);
	return NULL;
}

static bool granted(const struct wish *w, const struct cim_value *v)
{
	uint64_t value = w->boolean ? (v->d.b ? 3 : 2) : v->d.u;
	size_t k;

	if (v->array || (v->type != CIM_BOOLEAN && !cim_type_is_uint(v->type)))
		return false;
	for (k = 0; k < w->n; k++)
		if (w->values[k] == value)
			return true;
	return false;
}

/* Who supplies the targets has to agree with the parameters that do. */
static bool supplier_fits(const struct cim_inst *s, enum repl_targets targets)
{
	uint16_t v = CIM_ReplicationSettingData_TargetElementSupplier_Instrumentation_decides;

	cim_get_u16(s, "TargetElementSupplier", &v);
	switch (v) {
	case CIM_ReplicationSettingData_TargetElementSupplier_Use_existing:
	case CIM_ReplicationSettingData_TargetElementSupplier_Client_must_supply:
		return targets != REPL_TARGETS_NEW;
	case CIM_ReplicationSettingData_TargetElementSupplier_Create_new:
		return targets != REPL_TARGETS_GIVEN;
	default:
		return true;
	}
}

bool repl_settings_refused(struct cim_call *c, uint16_t sync_type, enum repl_targets targets)
{
	const struct cim_inst *s = cim_arg_inst(c, "ReplicationSettingData");
	size_t k;

	for (k = 0; s && k < s->n_props; k++) {
		const struct cim_prop *p = &s->props[k];
		const struct wish *w = wish_of(sync_type, p->name);

		if (!w || p->val.null || granted(w, &p->val))
			continue;
		if (w->n)
			cim_refuse(c, ENGINE_INVALID_PARAMETER,
				   "ReplicationSettingData.%s: this value is not supported",
				   p->name);
		else
			cim_refuse(c, ENGINE_INVALID_PARAMETER,
				   "ReplicationSettingData.%s is not supported and must be NULL",
				   p->name);
		return true;
	}
	if (s && !supplier_fits(s, targets)) {
		cim_refuse(c, ENGINE_INVALID_PARAMETER,
			   "ReplicationSettingData.TargetElementSupplier does not agree with the "
			   "parameters: targets are %s",
			   targets == REPL_TARGETS_GIVEN ? "given" : "not given");
		return true;
	}
	return false;
}

bool repl_settings_read_only(struct cim_call *c)
{
	const struct cim_inst *s = cim_arg_inst(c, "ReplicationSettingData");
	uint16_t v;

	return s && cim_get_u16(s, "ReadOnly", &v);
}

const struct cim_inst *repl_settings_default(struct cim_call *c, uint16_t sync_type)
{
	struct cim_inst *i = cim_inst_new(c, "RPL_ReplicationSettingData");
	size_t k;

	cim_set_str(i, "InstanceID", prov_id(c, "ReplicationSettingData", "Default"));
	cim_set_str(i, "ElementName", "Default");
	cim_set_u16(i, "ChangeableType", CIM_SettingData_ChangeableType_Changeable_Transient);
	for (k = 0; k < ARRAY_LEN(wishes); k++) {
		const struct wish *w = for_type(sync_type, &wishes[k]);

		if (w->number == READ_ONLY)
			continue;
		if (w->n && w->boolean)
			cim_set_bool(i, w->name, w->values[0] == 3);
		else if (w->n)
			cim_set_u16(i, w->name, w->values[0]);
	}
	return i;
}

const uint64_t *repl_settings_values(uint16_t sync_type, uint16_t property, size_t *n)
{
	size_t k;

	for (k = 0; k < ARRAY_LEN(wishes); k++) {
		if (!property || wishes[k].number != property)
			continue;
		*n = for_type(sync_type, &wishes[k])->n;
		return for_type(sync_type, &wishes[k])->values;
	}
	return NULL;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * job-assoc.c - what belongs to a job: the service that started it (RPL_OwningJobElement), what
 * it affects (RPL_AffectedJobElement) and the call that started it (RPL_MethodResult with
 * RPL_AssociatedJobMethodResult).
 *
 * Clients find what a job made as the first RPL_StorageVolume that it affects, so targets come
 * before sources.
 */
#include <string.h>

#include "providers/params.h"
#include "providers/prov.h"
#include "providers/table.h"

static const struct cim_path *owner_path(struct cim_call *c, const struct engine_job *j)
{
	bool replica = strstr(j->method, "Replica") || strstr(j->method, "Synchronization");

	return prov_service_path(c, replica ? PROV_REPL_SERVICE : PROV_CONFIG_SERVICE);
}

static int owning_enumerate(struct cim_call *c)
{
	const struct engine_job *j = NULL;

	while ((j = engine_job_next(cim_engine(c), j)))
		cim_emit_assoc(c, owner_path(c, j), prov_job_path(c, j));
	return 0;
}

static int owning_from_end(struct cim_call *c, int end, const struct cim_path *from)
{
	const struct engine_job *j = NULL;

	if (end == 1) {
		j = prov_job(c, from);
		if (j)
			cim_emit_assoc(c, owner_path(c, j), prov_job_path(c, j));
		return 0;
	}
	while ((j = engine_job_next(cim_engine(c), j)))
		prov_emit_at(c, end, from, owner_path(c, j), prov_job_path(c, j));
	return 0;
}

static void emit_affected(struct cim_call *c, const struct engine_job *j,
			  const struct cim_path *element, bool made)
{
	struct cim_inst *i = cim_emit_assoc(c, element, prov_job_path(c, j));

	if (made)
		cim_set_u16v(i, "ElementEffects", CIM_AffectedJobElement_ElementEffects_Create,
			     CIM_AffectedJobElement_ElementEffects_Exclusive_Use);
	else
		cim_set_u16v(i, "ElementEffects",
			     CIM_AffectedJobElement_ElementEffects_Performance_Impact);
}

/* Only what still exists. affected_uuids: source, target, source, target, ... */
static void affected(struct cim_call *c, const struct engine_job *j)
{
	struct engine *e = cim_engine(c);
	size_t k, half;

	for (half = 0; half < 2; half++) {
		const struct engine_group *g;

		for (k = 1 - half; k < j->nr_affected; k += 2) {
			const struct engine_volume *v =
				engine_volume_by_uuid(e, j->affected_uuids[k]);

			if (v)
				emit_affected(c, j, prov_volume_path(c, v), !half);
		}
		g = *j->group_ids[1 - half] ? engine_group_by_id(e, j->group_ids[1 - half]) : NULL;
		if (g)
			emit_affected(c, j, prov_group_path(c, g), !half);
	}
}

static void affecting_volume(struct cim_call *c, const struct engine_volume *v)
{
	for (size_t k = 0; k < v->nr_effects; k++)
		emit_affected(c, v->effects[k].job, prov_volume_path(c, v), v->effects[k].target);
}

static void affecting_group(struct cim_call *c, const struct engine_group *g)
{
	const struct engine_job *j = NULL;

	while ((j = engine_job_next(cim_engine(c), j)))
		for (size_t half = 0; half < 2; half++)
			if (!strcmp(j->group_ids[1 - half], g->id))
				emit_affected(c, j, prov_group_path(c, g), !half);
}

static int affected_enumerate(struct cim_call *c)
{
	const struct engine_job *j = NULL;

	while ((j = engine_job_next(cim_engine(c), j)))
		affected(c, j);
	return 0;
}

static int affected_from_end(struct cim_call *c, int end, const struct cim_path *from)
{
	const struct engine_volume *v = NULL;
	const struct engine_group *g = NULL;

	if (end == 1) {
		const struct engine_job *j = prov_job(c, from);

		if (j)
			affected(c, j);
		return 0;
	}
	v = prov_volume(c, from);
	if (!v)
		g = prov_group(c, from);
	if (v)
		affecting_volume(c, v);
	else if (g)
		affecting_group(c, g);
	return 0;
}

static struct cim_path *result_path(struct cim_call *c, const struct engine_job *j)
{
	return prov_id_path(c, "RPL_MethodResult", "Job", j->id);
}

static const struct cim_inst *call(struct cim_call *c, const struct engine_job *j, bool pre)
{
	struct cim_inst *i = cim_inst_new(c, "CIM_InstMethodCall");

	cim_set_str(i, "MethodName", j->method);
	cim_set_bool(i, "PreCall", pre);
	cim_set_inst(i, "SourceInstance", params_service(c, owner_path(c, j)));
	cim_set_inst(i, "MethodParameters", params_inst(c, j, !pre));
	if (!pre)
		cim_set_strf(i, "ReturnValue", "%u", ENGINE_JOB_STARTED);
	return i;
}

static int fill_result(struct cim_call *c, const struct engine_job *j, struct cim_inst *i)
{
	cim_set_str(i, "InstanceID", prov_id(c, "Job", j->id));
	cim_set_str(i, "ElementName", j->method);
	cim_set_strf(i, "Caption", "%s by %s", j->method, *j->owner ? j->owner : "somebody");
	cim_set_inst(i, "PreCallIndication", call(c, j, true));
	cim_set_inst(i, "PostCallIndication", call(c, j, false));
	return cim_status(i);
}

static int result_enumerate(struct cim_call *c)
{
	const struct engine_job *j = NULL;

	while ((j = engine_job_next(cim_engine(c), j)))
		fill_result(c, j, cim_emit(c));
	return 0;
}

static int result_get(struct cim_call *c)
{
	const struct engine_job *j = prov_job(c, cim_target(c));

	return j ? fill_result(c, j, cim_emit(c)) : -CIM_ERR_NOT_FOUND;
}

static int of_job_enumerate(struct cim_call *c)
{
	const struct engine_job *j = NULL;

	while ((j = engine_job_next(cim_engine(c), j)))
		cim_emit_assoc(c, prov_job_path(c, j), result_path(c, j));
	return 0;
}

static int of_job_from_end(struct cim_call *c, int end, const struct cim_path *from)
{
	/* job and result have the same InstanceID */
	const struct engine_job *j = prov_job(c, from);

	(void)end;
	if (j)
		cim_emit_assoc(c, prov_job_path(c, j), result_path(c, j));
	return 0;
}

static const struct cim_assoc owning = {
	.role = { "OwningElement", "OwnedElement" },
	.end_class = { "CIM_Service", "RPL_ConcreteJob" },
	.from_end = owning_from_end,
};

static const struct cim_assoc affecting = {
	.role = { "AffectedElement", "AffectingElement" },
	.end_class = { NULL, "RPL_ConcreteJob" },
	.from_end = affected_from_end,
};

static const struct cim_assoc of_job = {
	.role = { "Job", "JobParameters" },
	.end_class = { "RPL_ConcreteJob", "RPL_MethodResult" },
	.from_end = of_job_from_end,
};

const struct cim_provider prov_owning_job = {
	.class = "RPL_OwningJobElement",
	.enumerate = owning_enumerate,
	.assoc = &owning,
};

const struct cim_provider prov_affected_job = {
	.class = "RPL_AffectedJobElement",
	.enumerate = affected_enumerate,
	.assoc = &affecting,
};

const struct cim_provider prov_method_result = {
	.class = "RPL_MethodResult",
	.enumerate = result_enumerate,
	.get = result_get,
};

const struct cim_provider prov_job_result = {
	.class = "RPL_AssociatedJobMethodResult",
	.enumerate = of_job_enumerate,
	.assoc = &of_job,
};

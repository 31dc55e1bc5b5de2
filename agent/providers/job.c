// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * job.c - RPL_ConcreteJob: state, progress and errors of the engine's jobs, and the few things a
 * client may do with one.
 *
 * Owns nothing. The job of a whole call and the jobs of its pairs are instances alike.
 */
#include <errno.h>
#include <time.h>

#include "providers/params.h"
#include "providers/prov.h"
#include "providers/table.h"

/* Clients poll for the result of a job for that long. */
#define KEEP_MIN_US 300000000

#define REQUEST(name) CIM_ConcreteJob_RequestStateChange_RequestedState_##name

/* OperationalStatus and its words. Clients test for {17, 2} and {17, 6}. */
static const struct {
	size_t n;
	uint16_t v[2];
	const char *text[2];
	uint16_t health;
} status[] = {
	[ENGINE_JOB_NEW] = { 1, { 15 }, { "Dormant" }, 5 },
	[ENGINE_JOB_STARTING] = { 1, { 8 }, { "Starting" }, 5 },
	[ENGINE_JOB_RUNNING] = { 1, { 2 }, { "OK" }, 5 },
	[ENGINE_JOB_SUSPENDED] = { 1, { 2 }, { "OK" }, 5 },
	[ENGINE_JOB_SHUTTING_DOWN] = { 1, { 9 }, { "Stopping" }, 5 },
	[ENGINE_JOB_COMPLETED] = { 2, { 17, 2 }, { "Completed", "OK" }, 5 },
	[ENGINE_JOB_TERMINATED] = { 1, { 10 }, { "Stopped" }, 10 },
	[ENGINE_JOB_KILLED] = { 1, { 10 }, { "Stopped" }, 10 },
	[ENGINE_JOB_EXCEPTION] = { 2, { 17, 6 }, { "Completed", "Error" }, 20 },
};

static uint64_t elapsed_us(const struct engine_job *j)
{
	struct timespec now;
	uint64_t end = j->ended_us;

	if (!j->started_us)
		return 0;
	if (!end) {
		clock_gettime(CLOCK_REALTIME, &now);
		end = now.tv_sec * UINT64_C(1000000) + now.tv_nsec / 1000;
	}
	return end > j->started_us ? end - j->started_us : 0;
}

static void fill_times(const struct engine_job *j, struct cim_inst *i)
{
	prov_set_time(i, "InstallDate", j->created_us);
	prov_set_time(i, "TimeSubmitted", j->created_us);
	prov_set_time(i, "StartTime", j->started_us);
	prov_set_time(i, "TimeOfLastStateChange", j->changed_us);
	cim_set_interval(i, "ElapsedTime", elapsed_us(j));
	cim_set_interval(i, "TimeBeforeRemoval", j->time_before_removal_us);
	cim_set_bool(i, "DeleteOnCompletion", j->delete_on_completion);
	cim_set_u16(i, "LocalOrUtcTime", CIM_Job_LocalOrUtcTime_UTC_Time);
	cim_set_u32(i, "JobRunTimes", 1);
}

static int fill(struct cim_call *c, const struct engine_job *j, struct cim_inst *i)
{
	cim_set_str(i, "InstanceID", prov_id(c, "Job", j->id));
	cim_set_str(i, "Name", j->name);
	cim_set_str(i, "ElementName", j->name);
	cim_set_str(i, "Caption", j->method);
	cim_set_str(i, "Description", j->name);
	cim_set_u16(i, "JobState", j->state);
	cim_set_str(i, "JobStatus", j->status);
	cim_set_u16s(i, "OperationalStatus", status[j->state].v, status[j->state].n);
	cim_set_strs(i, "StatusDescriptions", status[j->state].text, status[j->state].n);
	cim_set_u16(i, "HealthState", status[j->state].health);
	cim_set_u16(i, "PercentComplete", j->percent);
	cim_set_str(i, "Owner", j->owner);
	/* 0 and NULL for good jobs: clients take the code as the result */
	cim_set_u16(i, "ErrorCode",
		    j->state == ENGINE_JOB_EXCEPTION ? (j->error ? j->error : EIO) : 0);
	if (j->state == ENGINE_JOB_EXCEPTION || j->state == ENGINE_JOB_TERMINATED)
		cim_set_str(i, "ErrorDescription", j->reason);
	cim_set_u16(i, "RecoveryAction",
		    j->state == ENGINE_JOB_EXCEPTION ? CIM_Job_RecoveryAction_Do_Not_Continue
						     : CIM_Job_RecoveryAction_Unknown);
	fill_times(j, i);
	if (cim_wants(c, "JobInParameters"))
		cim_set_inst(i, "JobInParameters", params_inst(c, j, false));
	if (cim_wants(c, "JobOutParameters") && engine_job_state_final(j->state))
		cim_set_inst(i, "JobOutParameters", params_inst(c, j, true));
	return cim_status(i);
}

static int enumerate(struct cim_call *c)
{
	const struct engine_job *j = NULL;

	while ((j = engine_job_next(cim_engine(c), j)))
		fill(c, j, cim_emit(c));
	return 0;
}

static int get(struct cim_call *c)
{
	const struct engine_job *j = prov_job(c, cim_target(c));

	return j ? fill(c, j, cim_emit(c)) : -CIM_ERR_NOT_FOUND;
}

static int modify(struct cim_call *c, const struct cim_inst *changes)
{
	static const char *const allowed[] = { "DeleteOnCompletion", "TimeBeforeRemoval", NULL };
	const struct engine_job *j = prov_job(c, cim_target(c));
	struct cim_inst *now = cim_inst_new(c, "RPL_ConcreteJob");
	uint64_t keep = UINT64_MAX;
	struct cim_datetime dt;
	char why[256] = "";
	enum engine_rc rc;
	bool remove;
	int ret;

	if (!j)
		return -CIM_ERR_NOT_FOUND;
	fill(c, j, now);
	ret = prov_unchanged(c, changes, now, allowed);
	if (!ret)
		ret = prov_not_null(c, changes, allowed);
	if (ret)
		return ret;
	if (cim_get_dt(changes, "TimeBeforeRemoval", &dt)) {
		if (!dt.interval || dt.usec < KEEP_MIN_US)
			return cim_error(
				c, CIM_ERR_INVALID_PARAMETER,
				"TimeBeforeRemoval must be an interval of 5 minutes or more");
		keep = dt.usec;
	}
	rc = engine_job_modify(cim_engine(c), j->id,
			       cim_get_bool(changes, "DeleteOnCompletion", &remove) ? &remove
										    : NULL,
			       keep, why, sizeof(why));
	return prov_error_rc(c, rc, why);
}

static int delete_instance(struct cim_call *c)
{
	const struct engine_job *j = prov_job(c, cim_target(c));
	char why[256] = "";

	if (!j)
		return -CIM_ERR_NOT_FOUND;
	return prov_error_rc(c, engine_job_delete(cim_engine(c), j->id, why, sizeof(why)), why);
}

static void changed(const struct engine_result *r, void *arg)
{
	struct cim_call *c = cim_resume(arg);

	if (!c)
		return;
	if (r->rc == ENGINE_OK || r->rc == ENGINE_JOB_STARTED)
		cim_return(c, r->rc);
	else
		prov_refuse_result(c, r);
	cim_call_done(c, 0);
}

static bool transition_ok(const struct engine_job *j, uint16_t state)
{
	if (engine_job_state_final(j->state))
		return false;
	if (state == REQUEST(Start))
		return j->state == ENGINE_JOB_SUSPENDED;
	if (state == REQUEST(Suspend))
		return j->state != ENGINE_JOB_SUSPENDED;
	return true;
}

static int request_state(struct cim_call *c)
{
	const struct engine_job *j = prov_job(c, cim_target(c));
	uint16_t state;

	if (!j)
		return cim_error(c, CIM_ERR_NOT_FOUND, "There is no job %s",
				 prov_print(c, cim_target(c)));
	if (cim_arg(c, "TimeoutPeriod"))
		return cim_refuse(
			c,
			CIM_ConcreteJob_RequestStateChange_Use_of_Timeout_Parameter_Not_Supported,
			"TimeoutPeriod is not supported and must be NULL");
	if (!cim_arg_u16(c, "RequestedState", &state))
		return cim_refuse(c, ENGINE_INVALID_PARAMETER, "RequestedState is missing");
	if (state == REQUEST(Kill) || state == REQUEST(Service))
		return cim_refuse(c, ENGINE_NOT_SUPPORTED,
				  "RequestedState %u: only 2 Start, 3 Suspend and 4 Terminate",
				  state);
	if (state < REQUEST(Start) || state > REQUEST(Service))
		return cim_refuse(c, ENGINE_INVALID_PARAMETER, "RequestedState %u is unknown",
				  state);
	if (!transition_ok(j, state))
		return cim_refuse(c, CIM_ConcreteJob_RequestStateChange_Invalid_State_Transition,
				  "Job %s is %s", j->name, j->status);
	engine_job_change(cim_engine(c), j->id, state, changed, cim_hold(c));
	return CIM_PENDING;
}

/* What to say about an errno of the kernel. */
static const struct {
	int error;
	uint16_t type, cause;
} causes[] = {
	{ ENOSPC, CIM_Error_ErrorType_Oversubscription_Error, 31 /* Material Supply Exhausted */ },
	{ EIO, CIM_Error_ErrorType_Hardware_Error, 24 /* I/O Device Error */ },
	{ ENODEV, CIM_Error_ErrorType_Unavailable_Resource_Error, 24 },
	{ ENXIO, CIM_Error_ErrorType_Unavailable_Resource_Error, 24 },
	{ EBUSY, CIM_Error_ErrorType_Unavailable_Resource_Error, 8 /* Configuration */ },
	{ EINVAL, CIM_Error_ErrorType_Software_Error, 8 },
	{ 0, CIM_Error_ErrorType_Software_Error, 3 /* Application Subsystem Failure */ },
};

/* NULL unless the job failed by itself. */
static const struct cim_inst *job_error(struct cim_call *c, const struct engine_job *j)
{
	const char *const args[] = { j->name, j->reason };
	struct cim_inst *e;
	size_t k = 0;

	if (j->state != ENGINE_JOB_EXCEPTION)
		return NULL;
	while (causes[k].error && causes[k].error != j->error)
		k++;
	e = cim_inst_new(c, "CIM_Error");
	cim_set_u16(e, "ErrorType", causes[k].type);
	cim_set_str(e, "OwningEntity", "dm-replica");
	cim_set_strf(e, "MessageID", "RPL%d", j->error ? j->error : EIO);
	cim_set_strf(e, "Message", "%s: %s", j->name, j->reason);
	cim_set_strs(e, "MessageArguments", args, ARRAY_LEN(args));
	cim_set_u16(e, "PerceivedSeverity", CIM_Error_PerceivedSeverity_Major);
	cim_set_u16(e, "ProbableCause", causes[k].cause);
	cim_set_str(e, "ErrorSource", prov_id(c, "Job", j->id));
	cim_set_u16(e, "ErrorSourceFormat", CIM_Error_ErrorSourceFormat_Other);
	cim_set_str(e, "OtherErrorSourceFormat", "InstanceID of the job");
	cim_set_u32(e, "CIMStatusCode", CIM_ERR_FAILED);
	cim_set_str(e, "CIMStatusCodeDescription", "CIM_ERR_FAILED");
	return e;
}

static int get_error(struct cim_call *c)
{
	const struct engine_job *j = prov_job(c, cim_target(c));
	const struct cim_inst *e;

	if (!j)
		return -CIM_ERR_NOT_FOUND;
	e = job_error(c, j);
	if (e)
		cim_out_inst(c, "Error", e);
	return cim_return(c, 0);
}

static int get_errors(struct cim_call *c)
{
	const struct engine_job *j = prov_job(c, cim_target(c));
	const struct cim_inst *e;

	if (!j)
		return -CIM_ERR_NOT_FOUND;
	e = job_error(c, j);
	if (e)
		cim_out_insts(c, "Errors", &e, 1);
	return cim_return(c, 0);
}

static const struct cim_method methods[] = {
	{ "RequestStateChange", request_state, 0 },
	{ "GetError", get_error, CIM_METHOD_READ },
	{ "GetErrors", get_errors, CIM_METHOD_READ },
	{ "KillJob", prov_not_supported, 0 },
	{ NULL, NULL, 0 },
};

const struct cim_provider prov_concrete_job = {
	.class = "RPL_ConcreteJob",
	.enumerate = enumerate,
	.get = get,
	.modify = modify,
	.remove = delete_instance,
	.methods = methods,
};

// SPDX-License-Identifier: GPL-2.0-or-later
/* faults.c - the sections [fault NAME] of a simulated node: the first that fits happens. */
#include <errno.h>
#include <fnmatch.h>

#include "engine/model.h"
#include "sim/storage.h"

static const struct {
	const char *name;
	int error;
	const char *reason;
} errors[] = {
	{ "EIO", EIO, "input or output error" },
	{ "ENOSPC", ENOSPC, "no space is left" },
	{ "EBUSY", EBUSY, "the device is in use" },
	{ "ENOENT", ENOENT, "it is not there" },
	{ "EINVAL", EINVAL, "it cannot be done so" },
	{ "ENOMEM", ENOMEM, "no memory is left" },
	{ "ENOTCONN", ENOTCONN, "smisd-priv does not answer" },
};

static size_t error_named(const char *name)
{
	size_t i = 0;

	while (i < ARRAY_LEN(errors) && strcmp(errors[i].name, name))
		i++;
	return i;
}

static bool operation_known(const char *name)
{
	for (enum backend_op op = 0; op < BACKEND_NR_OPS; op++)
		if (!strcmp(backend_op_name(op), name))
			return true;
	return false;
}

bool sim_faults_ok(const struct smisd_config *cfg, char *why, size_t why_size)
{
	for (size_t i = 0; i < cfg->nr_faults; i++) {
		const struct config_fault *f = &cfg->faults[i];

		if (*f->operation && !operation_known(f->operation))
			refused(why, why_size, "[fault %s] operation = %s: there is none", f->name,
				f->operation);
		else if (*f->error && error_named(f->error) == ARRAY_LEN(errors))
			refused(why, why_size, "[fault %s] error = %s: not one of the known",
				f->name, f->error);
		else
			continue;
		return false;
	}
	return true;
}

/* Counts it when it happens. */
static bool happens(struct sim_storage *s, size_t i)
{
	if (s->cfg->faults[i].times && s->fault_times[i] >= s->cfg->faults[i].times)
		return false;
	s->fault_times[i]++;
	return true;
}

void sim_faults_relation(struct sim_storage *s, struct sim_relation *r, const char *source_name,
			 const char *target_name)
{
	r->rate_bytes_s = s->cfg->sim.rate_bytes_s;
	r->fail_at_bytes = UINT64_MAX;
	for (size_t i = 0; i < s->cfg->nr_faults; i++) {
		const struct config_fault *f = &s->cfg->faults[i];

		if (*f->operation || fnmatch(f->source, source_name, 0) ||
		    fnmatch(f->target, target_name, 0) || !happens(s, i))
			continue;
		if (f->rate_bytes_s)
			r->rate_bytes_s = f->rate_bytes_s;
		if (f->at_percent != CONFIG_NEVER) {
			r->fail_at_bytes = r->total_bytes / 100 * f->at_percent;
			if (*f->reason)
				snprintf(r->reason, sizeof(r->reason), "%s", f->reason);
			else
				snprintf(r->reason, sizeof(r->reason),
					 r->is_snapshot ? "snapshot %u: the store is full"
							: "clone %u: write error of the target",
					 r->target_id);
		}
		return;
	}
}

static bool fits(const struct sim_storage *s, const struct config_fault *f,
		 const struct backend_request *req)
{
	const struct sim_volume *v = sim_volume(&s->table, req->uuid);
	const char *name = v ? v->name : req->name ? req->name : "";

	return !strcmp(f->operation, backend_op_name(req->op)) && !fnmatch(f->volume, name, 0);
}

uint32_t sim_faults_delay_ms(const struct sim_storage *s, const struct backend_request *req)
{
	for (size_t i = 0; s->fail_operations && i < s->cfg->nr_faults; i++)
		if (s->cfg->faults[i].delay_ms && fits(s, &s->cfg->faults[i], req))
			return s->cfg->faults[i].delay_ms;
	return 0;
}

int sim_faults_operation(struct sim_storage *s, const struct backend_request *req,
			 struct sim_answer *a)
{
	for (size_t i = 0; s->fail_operations && i < s->cfg->nr_faults; i++) {
		const struct config_fault *f = &s->cfg->faults[i];
		size_t e = *f->error ? error_named(f->error) : 0;

		if ((f->delay_ms && !*f->error) || !fits(s, f, req) || !happens(s, i))
			continue;
		return sim_refuse(a, -errors[e].error, "%s",
				  *f->reason ? f->reason : errors[e].reason);
	}
	return 0;
}

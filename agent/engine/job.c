// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * job.c - jobs: what became of each accepted request (I7).
 *
 * While a job runs, its state and percent are those of its relation (or of its pair jobs), which
 * are the kernel's. The end is written once, in the same transaction as what ended it, and never
 * changes again. A call of one pair has one job; of N pairs one and N pair jobs below it.
 */
#include "engine/model.h"

#include <errno.h>

#define JOB_KEEP_MIN_US (300 * 1000000ull)
#define JOBS_MAX	10000

static void set_state(struct job *j, enum engine_job_state state)
{
	if (j->pub.state == state)
		return;
	j->pub.state = state;
	j->pub.changed_us = now_us();
	if (!j->pub.started_us && state >= ENGINE_JOB_RUNNING)
		j->pub.started_us = j->pub.changed_us;
	if (engine_job_state_final(state))
		j->pub.ended_us = j->pub.changed_us;
}

static void set_bytes(struct job *j, uint64_t total, uint64_t copied, bool complete)
{
	j->pub.total_bytes = total;
	j->pub.copied_bytes = copied;
	if (complete)
		j->pub.percent = 100;
	else
		j->pub.percent = total ? (uint16_t)((long double)copied * 100 / total) : 0;
	if (!complete && j->pub.percent > 99)
		j->pub.percent = 99;
}

static void leaf_status(struct job *j, const struct relation *r)
{
	if (engine_job_state_final(j->pub.state))
		snprintf(j->status, sizeof(j->status), "%s",
			 j->pub.state == ENGINE_JOB_COMPLETED	 ? "completed"
			 : j->pub.state == ENGINE_JOB_TERMINATED ? "terminated"
								 : "failed");
	else if (!r || r->phase == RELATION_PLANNED)
		snprintf(j->status, sizeof(j->status), "preparing the targets");
	else if (r->phase == RELATION_DETACHING)
		snprintf(j->status, sizeof(j->status), "detaching");
	else
		snprintf(j->status, sizeof(j->status), "%s", engine_state_word(r->pub.state));
}

static enum engine_job_state state_of_relation(const struct relation *r)
{
	if (r->phase == RELATION_PLANNED)
		return ENGINE_JOB_STARTING;
	switch (r->pub.state) {
	case ENGINE_PREPARED:
		return ENGINE_JOB_STARTING;
	case ENGINE_SUSPENDED:
		return ENGINE_JOB_SUSPENDED;
	default:
		return ENGINE_JOB_RUNNING; /* the ends come through job_end */
	}
}

static void refresh_leaf(struct job *j)
{
	const struct relation *r = j->relation;

	if (r && !engine_job_state_final(j->pub.state)) {
		set_bytes(j, r->pub.total_bytes, r->pub.copied_bytes, r->pub.when_synchronized_us);
		j->pub.rate_bytes_s = r->pub.rate_bytes_s;
		j->pub.eta_s = r->pub.eta_s;
		set_state(j, state_of_relation(r));
	}
	leaf_status(j, r);
}

struct sum {
	size_t nr, final, completed, terminated, suspended, running;
	uint64_t total, copied, rate;
	uint32_t eta;
	bool complete;
	const struct job *bad; /* the first that ended in an exception */
};

static struct sum sum_children(const struct job *j)
{
	struct sum s = { .nr = j->children.n, .complete = true };

	for (size_t i = 0; i < s.nr; i++) {
		const struct job *c = j->children.v[i];

		s.total += c->pub.total_bytes;
		s.copied += c->pub.copied_bytes;
		s.complete = s.complete && c->pub.percent == 100;
		s.final += engine_job_state_final(c->pub.state);
		s.completed += c->pub.state == ENGINE_JOB_COMPLETED;
		s.terminated += c->pub.state == ENGINE_JOB_TERMINATED;
		s.suspended += c->pub.state == ENGINE_JOB_SUSPENDED;
		s.running += c->pub.state == ENGINE_JOB_RUNNING;
		if (c->pub.state == ENGINE_JOB_EXCEPTION && !s.bad)
			s.bad = c;
		if (engine_job_state_final(c->pub.state))
			continue;
		s.rate += c->pub.rate_bytes_s;
		if (c->pub.eta_s > s.eta)
			s.eta = c->pub.eta_s;
	}
	return s;
}

static void end_parent(struct job *j, const struct sum *s)
{
	char reason[WHY_LEN];

	if (s->bad) {
		snprintf(reason, sizeof(reason), "%zu of %zu pairs completed: %s", s->completed,
			 s->nr, s->bad->pub.reason);
		set_str(&j->pub.reason, reason);
		j->pub.error = s->bad->pub.error;
		set_state(j, ENGINE_JOB_EXCEPTION);
	} else if (s->terminated) {
		snprintf(reason, sizeof(reason), "%zu of %zu pairs completed, %zu were ended",
			 s->completed, s->nr, s->terminated);
		set_str(&j->pub.reason, reason);
		set_state(j, ENGINE_JOB_TERMINATED);
	} else {
		set_state(j, ENGINE_JOB_COMPLETED);
	}
}

static void refresh_parent(struct job *j)
{
	struct sum s;

	if (engine_job_state_final(j->pub.state))
		return;
	s = sum_children(j);
	set_bytes(j, s.total, s.copied, s.complete);
	j->pub.rate_bytes_s = s.rate;
	j->pub.eta_s = s.final == s.nr ? 0 : s.eta;
	if (s.final == s.nr)
		end_parent(j, &s);
	else if (s.running || (s.final && !s.suspended))
		set_state(j, ENGINE_JOB_RUNNING);
	else if (s.suspended)
		set_state(j, ENGINE_JOB_SUSPENDED);
	else
		set_state(j, ENGINE_JOB_STARTING);
	snprintf(j->status, sizeof(j->status), "%zu of %zu copied", s.completed, s.nr);
}

static void tell(struct engine *e, struct job *j, enum engine_job_state before)
{
	notify(e, ENGINE_OBJ_JOB, j->pub.state == before ? ENGINE_PROGRESS : ENGINE_CHANGED,
	       &j->pub);
}

void job_refresh(struct engine *e, struct job *j)
{
	enum engine_job_state before = j->pub.state;

	j->stale = false;
	if (j->children.n)
		refresh_parent(j);
	else
		refresh_leaf(j);
	tell(e, j, before);
	if (!j->parent)
		return;
	if (j->pub.state == before)
		progress_of_job(e, j->parent);
	else
		job_refresh(e, j->parent);
}

void job_end(struct engine *e, struct job *j, enum engine_job_state state, int error,
	     const char *reason)
{
	struct job *parent = j->parent;
	enum engine_job_state before = j->pub.state;

	if (engine_job_state_final(before))
		return;
	if (j->relation)
		set_bytes(j, j->relation->pub.total_bytes, j->relation->pub.copied_bytes,
			  j->relation->pub.when_synchronized_us);
	if (state == ENGINE_JOB_COMPLETED) {
		j->pub.percent = 100;
		j->pub.copied_bytes = j->pub.total_bytes;
	}
	j->pub.error = error < 0 ? -error : error;
	set_str(&j->pub.reason, reason);
	j->pub.rate_bytes_s = 0;
	j->pub.eta_s = state == ENGINE_JOB_COMPLETED ? 0 : ENGINE_ETA_UNKNOWN;
	set_state(j, state);
	leaf_status(j, j->relation);
	db_save_job(e, j);
	tell(e, j, before);
	if (!parent)
		return;
	before = parent->pub.state;
	parent->stale = false;
	refresh_parent(parent);
	if (engine_job_state_final(parent->pub.state) && !engine_job_state_final(before))
		db_save_job(e, parent);
	tell(e, parent, before);
}

/* ---- what clients do with jobs */

static void collect(struct job *j, void (*add)(struct job *, void *), void *arg)
{
	if (!j->children.n)
		add(j, arg);
	for (size_t i = 0; i < j->children.n; i++)
		add(j->children.v[i], arg);
}

struct change {
	uint16_t op;
	VEC(const char *) uuids;
	bool preparing;
};

static void add_relation(struct job *j, void *arg)
{
	struct change *c = arg;
	struct relation *r = j->relation;

	if (engine_job_state_final(j->pub.state))
		return;
	if (!r || r->phase == RELATION_PLANNED) {
		c->preparing = true;
		return;
	}
	/* complete ones are only being detached: nothing is left to stop */
	if (r->phase == RELATION_ACTIVE && r->pub.state != ENGINE_SYNCHRONIZED)
		vec_push(&c->uuids, r->pub.uuid);
}

void engine_job_change(struct engine *e, const char *id, uint16_t requested_state,
		       engine_done_fn done, void *arg)
{
	struct job *j = id ? strmap_get(&e->job_by_id, id) : NULL;
	struct change c = {
		.op = requested_state == 2   ? ENGINE_OP_RESUME
		      : requested_state == 3 ? ENGINE_OP_SUSPEND
		      : requested_state == 4 ? ENGINE_OP_ABORT
					     : 0,
		.uuids = VEC_INIT,
	};

	if (engine_not_ready(e))
		return reply_later(e, done, arg, ENGINE_UNAVAILABLE, "%s", engine_not_ready(e));
	if (!j)
		return reply_later(e, done, arg, ENGINE_NOT_FOUND, "there is no job %s", id);
	if (!c.op)
		return reply_later(e, done, arg, ENGINE_NOT_SUPPORTED,
				   "a job can be started (2), suspended (3) or terminated (4)");
	if (engine_job_state_final(j->pub.state))
		return reply_later(e, done, arg, ENGINE_FAILED, "job %s has ended", j->pub.id);
	collect(j, add_relation, &c);
	if (c.preparing)
		reply_later(e, done, arg, ENGINE_IN_USE,
			    "job %s is still preparing its targets: try again in a moment",
			    j->pub.id);
	else if (!c.uuids.n)
		reply_later(e, done, arg, ENGINE_FAILED, "job %s is about to complete", j->pub.id);
	else
		engine_relation_op(e, c.op, NULL, c.uuids.v, c.uuids.n, false, done, arg);
	vec_done(&c.uuids);
}

enum engine_rc engine_job_modify(struct engine *e, const char *id, const bool *delete_on_completion,
				 uint64_t time_before_removal_us, char *why, size_t why_size)
{
	struct job *j = id ? strmap_get(&e->job_by_id, id) : NULL;
	uint64_t keep_before;
	bool delete_before;

	if (!j) {
		refused(why, why_size, "there is no job %s", id);
		return ENGINE_NOT_FOUND;
	}
	delete_before = j->pub.delete_on_completion;
	keep_before = j->pub.time_before_removal_us;
	if (delete_on_completion)
		j->pub.delete_on_completion = *delete_on_completion;
	if (time_before_removal_us != UINT64_MAX)
		j->pub.time_before_removal_us = time_before_removal_us < JOB_KEEP_MIN_US
							? JOB_KEEP_MIN_US
							: time_before_removal_us;
	db_begin(e);
	db_save_job(e, j);
	if (db_commit(e)) {
		j->pub.delete_on_completion = delete_before;
		j->pub.time_before_removal_us = keep_before;
		refused(why, why_size, "the database cannot be written");
		return ENGINE_FAILED;
	}
	notify(e, ENGINE_OBJ_JOB, ENGINE_CHANGED, &j->pub);
	return ENGINE_OK;
}

static void remove_job(struct engine *e, struct job *j)
{
	for (size_t i = 0; i < j->children.n; i++)
		notify(e, ENGINE_OBJ_JOB, ENGINE_DELETED, &j->children.v[i]->pub);
	notify(e, ENGINE_OBJ_JOB, ENGINE_DELETED, &j->pub);
	job_free(e, j);
}

enum engine_rc engine_job_delete(struct engine *e, const char *id, char *why, size_t why_size)
{
	struct job *j = id ? strmap_get(&e->job_by_id, id) : NULL;

	if (!j) {
		refused(why, why_size, "there is no job %s", id);
		return ENGINE_NOT_FOUND;
	}
	if (!engine_job_state_final(j->pub.state)) {
		refused(why, why_size, "job %s has not ended: terminate it first", j->pub.id);
		return ENGINE_IN_USE;
	}
	if (j->parent && !engine_job_state_final(j->parent->pub.state)) {
		refused(why, why_size, "job %s counts in job %s, which has not ended", j->pub.id,
			j->parent->pub.id);
		return ENGINE_IN_USE;
	}
	db_begin(e);
	db_delete_job(e, j);
	if (db_commit(e)) {
		refused(why, why_size, "the database cannot be written");
		return ENGINE_FAILED;
	}
	remove_job(e, j);
	return ENGINE_OK;
}

static bool expired(const struct job *j, uint64_t now)
{
	uint64_t keep = j->pub.time_before_removal_us;

	if (keep < JOB_KEEP_MIN_US)
		keep = JOB_KEEP_MIN_US;
	return j->pub.delete_on_completion && now > j->pub.ended_us &&
	       now - j->pub.ended_us >= keep;
}

void job_tick(struct engine *e)
{
	struct job *j, *next;
	uint64_t now = now_us();
	size_t nr = 0;

	TAILQ_FOREACH(j, &e->jobs, link)
	nr++;
	for (j = TAILQ_FIRST(&e->jobs); j; j = next) {
		size_t children = j->children.n;

		next = TAILQ_NEXT(j, link);
		while (next && next->parent == j)
			next = TAILQ_NEXT(next, link);
		if (j->parent || !engine_job_state_final(j->pub.state))
			continue;
		if (!expired(j, now) && nr <= JOBS_MAX)
			continue;
		db_begin(e);
		db_delete_job(e, j);
		if (db_commit(e))
			return;
		remove_job(e, j);
		nr -= children + 1;
	}
}

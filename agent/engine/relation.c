// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * relation.c - relations that exist: what the kernel says of them, operations, and their end.
 *
 * An end has three steps: the row says DETACHING (durable), the kernel forgets the relation, the
 * target becomes an ordinary volume again; then row, association and job end in one transaction.
 * Each step may be repeated, so a crash between any two is finished by the next reconciliation.
 */
#include "engine/model.h"

#include <errno.h>

#define RELEASE_TRIES	 5
#define RELEASE_PAUSE_US (2 * 1000000ull)

/* ---- the kernel's word */

static void end_job(struct engine *e, struct relation *r, enum engine_job_state state, int error,
		    const char *reason)
{
	if (!r->job || engine_job_state_final(r->job->pub.state))
		return;
	db_begin(e);
	db_save_relation(e, r);
	job_end(e, r->job, state, error, reason);
	db_commit(e);
}

static void save(struct engine *e, struct relation *r)
{
	db_begin(e);
	db_save_relation(e, r);
	if (r->set->pub.when_synchronized_us)
		db_save_set(e, r->set);
	db_commit(e);
}

void relation_settle(struct engine *e, struct relation *r)
{
	char reason[WHY_LEN];

	if (r->phase != RELATION_ACTIVE)
		return;
	switch (r->pub.state) {
	case ENGINE_SYNCHRONIZED:
		if (!r->pub.when_synchronized_us) {
			r->pub.when_synchronized_us = relation_is_snapshot(r) &&
								      r->pub.when_activated_us
							      ? r->pub.when_activated_us
							      : now_us();
			r->pub.copied_bytes = r->pub.total_bytes;
			set_update(r->set);
			save(e, r);
		}
		if (r->pub.mode == ENGINE_MODE_SYNC && !relation_is_snapshot(r))
			relation_release(e, r, true, NULL, NULL);
		else
			end_job(e, r, ENGINE_JOB_COMPLETED, 0, "");
		break;
	case ENGINE_ABORTED:
		end_job(e, r, ENGINE_JOB_TERMINATED, 0, "the copy was aborted");
		break;
	case ENGINE_RELATION_FAILED:
		snprintf(reason, sizeof(reason), "copying %s to %s failed: %s", r->source->pub.name,
			 r->target->pub.name,
			 *r->pub.reason ? r->pub.reason : strerror(r->pub.error));
		end_job(e, r, ENGINE_JOB_EXCEPTION, r->pub.error ? r->pub.error : EIO, reason);
		break;
	case ENGINE_DETACHED:
		relation_release(e, r, false, NULL, NULL);
		break;
	default:
		break;
	}
}

void relation_update(struct engine *e, struct relation *r, const struct backend_relation *br)
{
	enum engine_state before = r->pub.state;

	if (r->phase == RELATION_CLEANING || r->phase == RELATION_DETACHING)
		return;
	r->pub.state = br->state;
	r->pub.error = br->error < 0 ? -br->error : br->error;
	set_str(&r->pub.reason, br->reason);
	if (br->total_bytes)
		r->pub.total_bytes = br->total_bytes;
	if (br->state != ENGINE_DETACHED)
		r->pub.copied_bytes = br->copied_bytes;
	if (br->state == ENGINE_SYNCHRONIZED)
		r->pub.copied_bytes = r->pub.total_bytes;
	r->pub.rate_bytes_s = br->rate_bytes_s;
	r->pub.eta_s = br->eta_s;
	if (before != br->state) {
		r->pub.requested_copy_state = 15;
		if (br->state == ENGINE_SUSPENDED)
			r->pub.when_suspended_us = now_us();
	}
	if (before == br->state)
		progress_of_set(e, r->set);
	else
		set_update(r->set);
	snapshot_judge(e, r);
	if (relation_visible(r))
		notify(e, ENGINE_OBJ_RELATION,
		       before == br->state ? ENGINE_PROGRESS : ENGINE_CHANGED, &r->pub);
	if (r->job)
		job_refresh(e, r->job);
	relation_settle(e, r);
}

void relation_event(const struct backend_relation *br, void *arg)
{
	struct engine *e = arg;
	struct relation *r = strmap_get(&e->relation_by_uuid, br->uuid);

	if (r)
		relation_update(e, r, br);
	else if (e->is_ready && br->state != ENGINE_DETACHED)
		reconcile(e); /* made by somebody else */
}

/* ---- the end of a relation */

struct release {
	struct engine *e;
	char uuid[ENGINE_UUID_LEN];
	unsigned int tries;
	bool clean; /* never came to be: its target may have to go too */
	sd_event_source *pause;
	engine_done_fn done;
	void *arg;
};

static void release_finish(struct release *rl, enum engine_rc rc, const char *why)
{
	struct relation *r = strmap_get(&rl->e->relation_by_uuid, rl->uuid);

	if (r) {
		r->releasing = false;
		r->target->busy = false;
		if (r->phase == RELATION_CLEANING || r->phase == RELATION_DETACHING)
			reconcile_leftover(rl->e);
	} else {
		rl->e->leftover_us = 0;
	}
	reply_now(rl->done, rl->arg, rc, why);
	sd_event_source_disable_unref(rl->pause);
	free(rl);
}

static enum engine_job_state end_state(const struct relation *r)
{
	if (r->pub.when_synchronized_us)
		return ENGINE_JOB_COMPLETED;
	return r->pub.state == ENGINE_DETACHED ? ENGINE_JOB_EXCEPTION : ENGINE_JOB_TERMINATED;
}

static void forget(struct engine *e, struct relation *r)
{
	struct rset *s = r->set;
	bool last = s->nr_all == 1, visible = relation_visible(r);
	enum engine_job_state state = end_state(r);

	db_begin(e);
	db_delete_relation(e, r);
	if (r->job)
		job_end(e, r->job, state, state == ENGINE_JOB_EXCEPTION ? EIO : 0,
			state == ENGINE_JOB_COMPLETED ? ""
			: state == ENGINE_JOB_EXCEPTION
				? "the kernel does not know the relation any more"
				: "detached before the copy was complete");
	if (db_commit(e))
		log_err("relation %s is gone, but its row could not be removed", r->pub.uuid);
	if (visible)
		notify(e, ENGINE_OBJ_RELATION, ENGINE_DELETED, &r->pub);
	if (last && visible)
		notify(e, ENGINE_OBJ_SET, ENGINE_DELETED, &s->pub);
	relation_free(e, r);
}

/* The snapshot goes with its relation. */
static void forget_snapshot(struct engine *e, struct relation *r)
{
	struct rset *s = r->set;
	struct volume *v = r->target;

	db_begin(e);
	db_delete_relation(e, r);
	notify(e, ENGINE_OBJ_RELATION, ENGINE_DELETED, &r->pub);
	if (s->nr_all == 1)
		notify(e, ENGINE_OBJ_SET, ENGINE_DELETED, &s->pub);
	relation_free(e, r);
	volume_drop(e, v);
	if (db_commit(e))
		log_err("a snapshot is gone, but its rows could not be removed");
}

static void forget_clean(struct engine *e, struct relation *r)
{
	struct volume *target = r->created_target ? r->target : NULL;

	db_begin(e);
	db_delete_relation(e, r);
	relation_free(e, r);
	if (target)
		volume_drop(e, target);
	if (db_commit(e))
		log_err("a relation that failed is gone, but its row could not be removed");
}

static void target_deleted(const struct backend_reply *reply, void *arg)
{
	struct release *rl = arg;
	struct relation *r = strmap_get(&rl->e->relation_by_uuid, rl->uuid);

	if (!reply->error || reply->error == -ENOENT) {
		if (!reply->error)
			pool_account(rl->e, r->target, -(int64_t)r->target->pub.size_bytes);
		if (!rl->e->stopping)
			forget_clean(rl->e, r);
	} else {
		log_warn("volume %s, made for a copy that failed, cannot be deleted now: %s",
			 r->target->pub.name, reply->reason);
	}
	release_finish(rl, rc_of_errno(reply->error), reply->reason);
}

static void released(const struct backend_reply *reply, void *arg);

static int release_again(sd_event_source *src, uint64_t usec, void *arg)
{
	struct release *rl = arg;
	struct backend_request req;
	struct relation *r = strmap_get(&rl->e->relation_by_uuid, rl->uuid);

	(void)usec;
	sd_event_source_disable_unref(src);
	rl->pause = NULL;
	r->paused = NULL;
	backend_req(&req, BACKEND_CLONE_RELEASE, r->target->pub.uuid);
	backend_call(rl->e, &req, released, rl);
	return 0;
}

/* The target cannot be released: pause and try again, then leave it to the next reconciliation. */
static void release_failed(struct release *rl, struct relation *r, const char *why)
{
	uint64_t now;

	if (++rl->tries < RELEASE_TRIES && !rl->e->stopping) {
		sd_event_now(rl->e->loop, CLOCK_MONOTONIC, &now);
		if (sd_event_add_time(rl->e->loop, &rl->pause, CLOCK_MONOTONIC,
				      now + RELEASE_PAUSE_US, 0, release_again, rl) >= 0) {
			r->paused = rl;
			return;
		}
	}
	log_err("target %s cannot become an ordinary volume again: %s", r->target->pub.name, why);
	if (!rl->clean)
		end_job(rl->e, r, ENGINE_JOB_EXCEPTION, EBUSY, why);
	release_finish(rl, ENGINE_FAILED, why);
}

static void released(const struct backend_reply *reply, void *arg)
{
	struct release *rl = arg;
	struct engine *e = rl->e;
	struct relation *r = strmap_get(&e->relation_by_uuid, rl->uuid);
	struct backend_request req;

	if (reply->error == -ENOTCONN || e->stopping)
		return release_finish(rl, ENGINE_UNAVAILABLE, reply->reason);
	if (reply->error && reply->error != -ENOENT)
		return release_failed(rl, r, reply->reason);
	if (rl->clean && r->created_target) {
		backend_req(&req, BACKEND_VOLUME_DELETE, r->target->pub.uuid);
		backend_call(e, &req, target_deleted, rl);
		return;
	}
	r->target->busy = false;
	*r->target->clone_of = '\0';
	if (rl->clean)
		forget_clean(e, r);
	else
		forget(e, r);
	release_finish(rl, ENGINE_OK, "");
}

/* The kernel refuses to detach: the relation stays, and is said to be as the kernel has it. */
static void detach_refused(struct release *rl, struct relation *r, enum engine_rc rc,
			   const char *why)
{
	struct engine *e = rl->e;

	relation_set_phase(r, RELATION_ACTIVE);
	save(e, r);
	if (!rl->done)
		end_job(e, r, ENGINE_JOB_EXCEPTION, EIO, why);
	notify(e, ENGINE_OBJ_RELATION, ENGINE_CHANGED, &r->pub);
	release_finish(rl, rc, why);
}

static void detached(const struct backend_reply *reply, void *arg)
{
	struct release *rl = arg;
	struct relation *r = strmap_get(&rl->e->relation_by_uuid, rl->uuid);
	struct backend_request req;

	if (reply->error == -ENOTCONN || rl->e->stopping)
		return release_finish(rl, ENGINE_UNAVAILABLE, reply->reason);
	if (reply->error && reply->error != -ENOENT && !rl->clean)
		return detach_refused(rl, r, ENGINE_FAILED, reply->reason);
	backend_req(&req, BACKEND_CLONE_RELEASE, r->target->pub.uuid);
	backend_call(rl->e, &req, released, rl);
}

static void snapshot_deleted(const struct backend_reply *reply, void *arg)
{
	struct release *rl = arg;
	struct engine *e = rl->e;
	struct relation *r = strmap_get(&e->relation_by_uuid, rl->uuid);

	if (reply->error == -ENOTCONN || e->stopping)
		return release_finish(rl, ENGINE_UNAVAILABLE, reply->reason);
	if (reply->error && !rl->clean)
		return detach_refused(rl, r, rc_of_errno(reply->error), reply->reason);
	if (reply->error) {
		log_warn("snapshot %s, which is not wanted, cannot be deleted now: %s",
			 r->target->pub.name, reply->reason);
		return release_finish(rl, rc_of_errno(reply->error), reply->reason);
	}
	if (rl->clean)
		forget_clean(e, r);
	else
		forget_snapshot(e, r);
	release_finish(rl, ENGINE_OK, "");
	snapshot_spaces(e);
}

static void start_delete(struct release *rl, struct relation *r)
{
	struct backend_request req;

	backend_req(&req, BACKEND_SNAPSHOT_DELETE, r->target->pub.uuid);
	backend_call(rl->e, &req, snapshot_deleted, rl);
}

void relations_stop(struct engine *e)
{
	struct relation *r;

	TAILQ_FOREACH(r, &e->relations, link)
	if (r->paused)
		release_finish(TAKE(r->paused), ENGINE_UNAVAILABLE, "the service is stopping");
}

static struct release *release_new(struct engine *e, struct relation *r, bool clean)
{
	struct release *rl = new0(struct release);

	rl->e = e;
	rl->clean = clean;
	snprintf(rl->uuid, sizeof(rl->uuid), "%s", r->pub.uuid);
	r->releasing = true;
	r->target->busy = true;
	return rl;
}

static void start_detach(struct release *rl, struct relation *r)
{
	struct backend_request req;

	if (relation_is_snapshot(r))
		return start_delete(rl, r);
	backend_req(&req, BACKEND_RELATION_MODIFY, r->target->pub.uuid);
	snprintf(req.other, sizeof(req.other), "%s", r->pub.uuid);
	req.verb = BACKEND_DETACH;
	req.force = true;
	backend_call(rl->e, &req, detached, rl);
}

void relation_release(struct engine *e, struct relation *r, bool detach, engine_done_fn done,
		      void *arg)
{
	struct release *rl;
	struct backend_request req;

	if (r->releasing)
		return reply_later(e, done, arg, ENGINE_IN_USE, "%s is being detached already",
				   r->target->pub.name);
	relation_set_phase(r, RELATION_DETACHING);
	db_begin(e);
	db_save_relation(e, r);
	if (db_commit(e)) {
		relation_set_phase(r, RELATION_ACTIVE);
		return reply_later(e, done, arg, ENGINE_FAILED, "the database cannot be written");
	}
	rl = release_new(e, r, false);
	rl->done = done;
	rl->arg = arg;
	if (r->job)
		job_refresh(e, r->job);
	if (detach || relation_is_snapshot(r)) {
		start_detach(rl, r);
		return;
	}
	backend_req(&req, BACKEND_CLONE_RELEASE, r->target->pub.uuid);
	backend_call(e, &req, released, rl);
}

void relation_clean(struct engine *e, struct relation *r)
{
	if (!r->releasing)
		start_detach(release_new(e, r, true), r);
}

/* ---- operations */

struct op {
	struct engine *e;
	uint16_t op;
	bool force;
	VEC(char *) uuids;
	size_t next;
	engine_done_fn done;
	void *arg;
};

static const struct {
	uint16_t op;
	const char *word;
	enum backend_verb verb;
	enum engine_state becomes;
	uint16_t requested_copy_state;
} ops[] = {
	{ ENGINE_OP_ABORT, "aborted", BACKEND_ABORT, ENGINE_ABORTED, 12 },
	{ ENGINE_OP_DETACH, "detached", BACKEND_DETACH, ENGINE_DETACHED, 15 },
	{ ENGINE_OP_RESUME, "resumed", BACKEND_RESUME, ENGINE_COPYING, 3 },
	{ ENGINE_OP_RETURN, "returned to the pool", BACKEND_DETACH, ENGINE_DETACHED, 15 },
	{ ENGINE_OP_SUSPEND, "suspended", BACKEND_SUSPEND, ENGINE_SUSPENDED, 9 },
};

static size_t op_index(uint16_t op)
{
	size_t i = 0;

	while (i < ARRAY_LEN(ops) && ops[i].op != op)
		i++;
	return i;
}

static bool legal(uint16_t op, enum engine_state s, bool force)
{
	switch (op) {
	case ENGINE_OP_RETURN:
		return true;
	case ENGINE_OP_ABORT:
		return s == ENGINE_PREPARED || s == ENGINE_COPYING || s == ENGINE_SUSPENDED ||
		       s == ENGINE_ABORTED;
	case ENGINE_OP_DETACH:
		return force || s == ENGINE_SYNCHRONIZED || s == ENGINE_ABORTED ||
		       s == ENGINE_RELATION_FAILED || s == ENGINE_DETACHED;
	default: /* suspend, resume */
		return s == ENGINE_COPYING || s == ENGINE_SUSPENDED;
	}
}

static enum engine_rc check_op(struct engine *e, uint16_t op, const char *uuid, bool force,
			       char *why, size_t why_size)
{
	struct relation *r = strmap_get(&e->relation_by_uuid, uuid);

	if (!r || !relation_visible(r)) {
		refused(why, why_size, "there is no relation %s", uuid);
		return ENGINE_NOT_FOUND;
	}
	if (relation_is_snapshot(r) != (op == ENGINE_OP_RETURN)) {
		refused(why, why_size,
			relation_is_snapshot(r)
				? "snapshot %s needs its source %s: it can only be returned to the "
				  "pool (19)"
				: "%s is a clone of %s: detach it (8), then it is an ordinary "
				  "volume",
			r->target->pub.name, r->source->pub.name);
		return ENGINE_NOT_SUPPORTED;
	}
	if (r->phase == RELATION_DETACHING) {
		refused(why, why_size, "the copy %s to %s is being %s", r->source->pub.name,
			r->target->pub.name,
			relation_is_snapshot(r) ? "returned to the pool" : "detached");
		return ENGINE_IN_USE;
	}
	if (legal(op, r->pub.state, force))
		return ENGINE_OK;
	if (op == ENGINE_OP_DETACH)
		refused(why, why_size,
			"the copy %s to %s is %s, %u %% done: abort it first, or use Force to "
			"detach what is there",
			r->source->pub.name, r->target->pub.name, engine_state_word(r->pub.state),
			engine_relation_percent(&r->pub));
	else
		refused(why, why_size, "the copy %s to %s is %s: it cannot be %s",
			r->source->pub.name, r->target->pub.name, engine_state_word(r->pub.state),
			ops[op_index(op)].word);
	return ENGINE_FAILED;
}

static void op_end(struct op *o, enum engine_rc rc, const char *why)
{
	reply_now(o->done, o->arg, rc, why);
	for (size_t i = 0; i < o->uuids.n; i++)
		free(o->uuids.v[i]);
	vec_done(&o->uuids);
	free(o);
}

static void op_next(struct op *o);

static void modified(const struct backend_reply *reply, void *arg)
{
	struct op *o = arg;
	struct engine *e = o->e;
	struct relation *r = strmap_get(&e->relation_by_uuid, o->uuids.v[o->next]);
	size_t i = op_index(o->op);

	if (reply->error) {
		if (r)
			r->pub.requested_copy_state = 15;
		op_end(o, rc_of_errno(reply->error), reply->reason);
		return;
	}
	/* The event may still be on its way: the next look must show what was answered. */
	if (r && r->phase == RELATION_ACTIVE && legal(o->op, r->pub.state, false)) {
		struct backend_relation br = {
			.state = ops[i].becomes,
			.total_bytes = r->pub.total_bytes,
			.copied_bytes = r->pub.copied_bytes,
			.eta_s = ENGINE_ETA_UNKNOWN,
		};

		relation_update(e, r, &br);
	}
	o->next++;
	op_next(o);
}

static void op_detached(const struct engine_result *res, void *arg)
{
	struct op *o = arg;

	if (res->rc != ENGINE_OK) {
		op_end(o, res->rc, res->why);
		return;
	}
	o->next++;
	op_next(o);
}

static void op_next(struct op *o)
{
	struct engine *e = o->e;
	struct backend_request req;
	struct relation *r;
	size_t i = op_index(o->op);
	char why[WHY_LEN];
	enum engine_rc rc;

	if (o->next == o->uuids.n)
		return op_end(o, ENGINE_OK, "");
	rc = check_op(e, o->op, o->uuids.v[o->next], o->force, why, sizeof(why));
	if (rc != ENGINE_OK)
		return op_end(o, rc, why);
	r = strmap_get(&e->relation_by_uuid, o->uuids.v[o->next]);
	if (o->op == ENGINE_OP_DETACH || o->op == ENGINE_OP_RETURN)
		return relation_release(e, r, true, op_detached, o);
	r->pub.requested_copy_state = ops[i].requested_copy_state;
	backend_req(&req, BACKEND_RELATION_MODIFY, r->target->pub.uuid);
	snprintf(req.other, sizeof(req.other), "%s", r->pub.uuid);
	req.verb = ops[i].verb;
	backend_call(e, &req, modified, o);
}

/* Of several snapshots none goes while one of them is open. */
static void op_looked(const struct backend_reply *reply, void *arg)
{
	struct op *o = arg;
	char why[WHY_LEN];

	if (reply->error)
		return op_end(o, rc_of_errno(reply->error), reply->reason);
	for (size_t i = 0; i < o->uuids.n; i++) {
		struct relation *r = strmap_get(&o->e->relation_by_uuid, o->uuids.v[i]);

		for (size_t k = 0; r && k < reply->nr_volumes; k++) {
			if (strcmp(reply->volumes[k].uuid, r->target->pub.uuid))
				continue;
			r->target->pub.in_use = reply->volumes[k].is_open;
			if (!r->target->pub.in_use)
				break;
			refused(why, sizeof(why),
				"snapshot %s is in use: mounted, opened or part of another device",
				r->target->pub.name);
			return op_end(o, ENGINE_IN_USE, why);
		}
	}
	op_next(o);
}

static void op_start(struct op *o)
{
	struct backend_request req;

	if (o->op != ENGINE_OP_RETURN || o->uuids.n < 2)
		return op_next(o);
	backend_req(&req, BACKEND_INVENTORY, NULL);
	backend_call(o->e, &req, op_looked, o);
}

/* Of a set, pause, resume and abort concern the copies that run; an end concerns all. */
static bool wanted(uint16_t op, const struct engine_relation *r)
{
	return op == ENGINE_OP_DETACH || r->sync_type == ENGINE_SYNC_SNAPSHOT ||
	       legal(op, r->state, false);
}

void engine_relation_op(struct engine *e, uint16_t op, const char *set_uuid,
			const char *const *uuids, size_t nr, bool force, engine_done_fn done,
			void *arg)
{
	struct rset *s = set_uuid ? set_find(e, set_uuid) : NULL;
	char why[WHY_LEN] = "";
	size_t applies = 0;
	struct op *o;

	if (engine_not_ready(e))
		return reply_later(e, done, arg, ENGINE_UNAVAILABLE, "%s", engine_not_ready(e));
	if (op_index(op) == ARRAY_LEN(ops))
		return reply_later(e, done, arg, ENGINE_NOT_SUPPORTED,
				   "operation %u is not supported: a clone can be aborted (2), "
				   "detached (8), resumed (16) or suspended (22), a snapshot "
				   "returned to the pool (19)",
				   op);
	if (set_uuid && (!s || !s->relations.n))
		return reply_later(e, done, arg, ENGINE_NOT_FOUND, "there is no group relation %s",
				   set_uuid);
	if (!s && !nr)
		return reply_later(e, done, arg, ENGINE_INVALID_PARAMETER, "no relation is named");
	for (size_t i = 0; i < (s ? s->relations.n : nr); i++) {
		enum engine_rc rc;

		if (s && !wanted(op, s->relations.v[i]))
			continue;
		applies++;
		rc = check_op(e, op, s ? s->relations.v[i]->uuid : uuids[i], force, why,
			      sizeof(why));
		if (rc != ENGINE_OK)
			return reply_later(e, done, arg, rc, "%s", why);
	}
	if (!applies)
		return reply_later(e, done, arg, ENGINE_FAILED,
				   "no copy of %s runs: nothing can be %s", s->pub.name,
				   ops[op_index(op)].word);
	o = new0(struct op);
	o->e = e;
	o->op = op;
	o->force = force;
	o->done = done;
	o->arg = arg;
	for (size_t i = 0; i < (s ? s->relations.n : nr); i++)
		if (!s || wanted(op, s->relations.v[i]))
			vec_push(&o->uuids, xstrdup(s ? s->relations.v[i]->uuid : uuids[i]));
	op_start(o);
}

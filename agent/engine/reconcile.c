// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * reconcile.c - SQLite, LVM and the kernel joined: at start, and whenever something was lost.
 *
 * The kernel is right about relations and progress, LVM about volumes, the database about what was
 * asked. A request that was accepted ends in exactly one way (I7): the kernel has its point in
 * time, then it goes on; the kernel has not, then what was half made is taken back and its job ends
 * in an exception. One reconciliation runs at a time; a wish during it makes another one follow.
 */
#include "engine/model.h"

#include <errno.h>

#define RETRY_US	(3 * 1000000ull)
#define LEFTOVER_US	(2 * 1000000ull) /* doubles while nothing gets better */
#define LEFTOVER_MAX_US (64 * 1000000ull)

static void on_hello(const struct backend_reply *reply, void *arg);
static void on_activated(const struct backend_reply *reply, void *arg);
static void on_inventory(const struct backend_reply *reply, void *arg);
static void on_relations(const struct backend_reply *reply, void *arg);

static void ask(struct engine *e, enum backend_op op, backend_done_fn done)
{
	struct backend_request req;

	backend_req(&req, op, NULL);
	backend_call(e, &req, done, e);
}

static int on_retry(sd_event_source *src, uint64_t usec, void *arg)
{
	struct engine *e = arg;

	(void)src;
	(void)usec;
	e->retry = sd_event_source_disable_unref(e->retry);
	reconcile(e);
	return 0;
}

void reconcile(struct engine *e)
{
	if (e->stopping)
		return;
	if (e->reconciling) {
		e->reconcile_again = true;
		return;
	}
	e->reconciling = true;
	e->reconcile_again = false;
	ask(e, BACKEND_HELLO, on_hello);
}

static void retry_later(struct engine *e, uint64_t us)
{
	uint64_t now;

	if (!e->retry && sd_event_now(e->loop, CLOCK_MONOTONIC, &now) >= 0)
		sd_event_add_time(e->loop, &e->retry, CLOCK_MONOTONIC, now + us, 0, on_retry, e);
}

void reconcile_leftover(struct engine *e)
{
	if (e->stopping)
		return;
	retry_later(e, e->leftover_us ? e->leftover_us : LEFTOVER_US);
	e->leftover_us = e->leftover_us ? 2 * e->leftover_us : 2 * LEFTOVER_US;
	if (e->leftover_us > LEFTOVER_MAX_US)
		e->leftover_us = LEFTOVER_MAX_US;
}

static void tell_ready(struct engine *e, enum engine_rc rc, const char *why)
{
	engine_done_fn ready = e->ready;

	e->ready = NULL;
	reply_now(ready, e->ready_arg, rc, why);
}

/* True: the step failed; it was said, and will be tried again. */
static bool failed(struct engine *e, const struct backend_reply *reply)
{
	if (!reply->error)
		return false;
	e->reconciling = false;
	if (e->stopping)
		return true;
	log_warn("not ready: %s", reply->reason);
	free(e->trouble);
	e->trouble = xstrdup(reply->reason);
	e->system.trouble = e->trouble;
	tell_ready(e, ENGINE_UNAVAILABLE, reply->reason);
	retry_later(e, RETRY_US);
	return true;
}

static void on_hello(const struct backend_reply *reply, void *arg)
{
	if (!failed(arg, reply))
		ask(arg, BACKEND_ACTIVATE, on_activated);
}

static void on_activated(const struct backend_reply *reply, void *arg)
{
	if (!failed(arg, reply))
		ask(arg, BACKEND_INVENTORY, on_inventory);
}

/* ---- volumes */

static bool has_relation(struct engine *e, const struct volume *v)
{
	(void)e;
	return v->pub.nr_as_source || v->pub.nr_as_target;
}

static void volume_unseen(struct engine *e, struct volume *v)
{
	if (v->busy)
		return;
	if (v->pub.is_snapshot && has_relation(e, v)) {
		v->pub.status = ENGINE_VOLUME_MISSING; /* the kernel's list says what that means */
	} else if (v->phase == VOLUME_PRESENT && !v->pub.is_snapshot) {
		if (v->pub.status != ENGINE_VOLUME_MISSING || !e->is_ready)
			log_warn("volume %s: its logical volume is missing", v->pub.name);
		v->pub.status = ENGINE_VOLUME_MISSING;
		notify(e, ENGINE_OBJ_VOLUME, ENGINE_CHANGED, &v->pub);
	} else if (!has_relation(e, v)) {
		volume_drop(e, v);
	}
}

static void on_inventory(const struct backend_reply *reply, void *arg)
{
	struct engine *e = arg;
	struct volume *v, *next;

	if (failed(e, reply))
		return;
	TAILQ_FOREACH(v, &e->volumes, link)
	v->seen = false;
	db_begin(e);
	pools_seen(e, reply);
	for (size_t i = 0; i < reply->nr_volumes; i++)
		volume_seen(e, &reply->volumes[i]);
	for (v = TAILQ_FIRST(&e->volumes); v; v = next) {
		next = TAILQ_NEXT(v, link);
		if (!v->seen)
			volume_unseen(e, v);
	}
	if (db_commit(e))
		log_err("the inventory could not be stored");
	ask(e, BACKEND_RELATION_LIST, on_relations);
}

/* Volumes whose making or deleting was cut off, and targets that no relation needs any more. */
static void finish_volumes(struct engine *e)
{
	struct backend_request req;
	struct volume *v;

	TAILQ_FOREACH(v, &e->volumes, link)
	{
		/* a snapshot without a relation went, or came, while we looked */
		if (v->busy || !v->seen || v->pub.is_snapshot || has_relation(e, v))
			continue;
		if (v->phase != VOLUME_PRESENT) {
			log_notice("volume %s: %s was cut off, deleting it", v->pub.name,
				   v->phase == VOLUME_CREATING ? "making it" : "deleting it");
			v->phase = VOLUME_DELETING;
			db_begin(e);
			db_save_volume(e, v);
			db_commit(e);
			volume_retry_delete(e, v);
		} else if (*v->clone_of) {
			log_notice("volume %s is prepared as a target, but in no relation",
				   v->pub.name);
			*v->clone_of = '\0';
			backend_req(&req, BACKEND_CLONE_RELEASE, v->pub.uuid);
			e->ops->call(e->backend, &req, NULL, NULL);
		}
	}
}

/* ---- relations */

static struct rset *adopt_set(struct engine *e, const struct backend_relation *br,
			      const struct backend_reply *reply)
{
	struct rset *s = set_find(e, br->group);

	if (s)
		return s;
	s = set_new(e, br->group);
	s->pub.sync_type = br->is_snapshot ? ENGINE_SYNC_SNAPSHOT : ENGINE_SYNC_CLONE;
	s->pub.mode = br->is_snapshot ? ENGINE_MODE_SYNC : ENGINE_MODE_ASYNC;
	for (size_t i = 0; i < reply->nr_groups; i++)
		if (!strcmp(reply->groups[i].uuid, br->group))
			s->pub.when_established_us = s->pub.when_activated_us =
				reply->groups[i].when_us;
	return s;
}

/* The kernel has a relation that the database does not know: shown, attached, without a job. */
static void adopt(struct engine *e, const struct backend_relation *br,
		  const struct backend_reply *reply)
{
	struct volume *source = volume_of_id(e, br->source_id);
	struct volume *target = br->is_snapshot ? volume_find(e, br->uuid)
						: volume_of_id(e, br->target_id);
	struct rset *s;
	struct relation *r;

	if (!source || !target || source == target || relation_of_target(e, target) ||
	    target->pub.is_snapshot != br->is_snapshot) {
		log_warn("relation %s of the kernel has no volumes here", br->uuid);
		return;
	}
	s = adopt_set(e, br, reply);
	r = relation_new(e, br->uuid, s, source, target);
	/* one point in time may have both kinds */
	r->pub.mode = br->is_snapshot ? ENGINE_MODE_SYNC : ENGINE_MODE_ASYNC;
	relation_set_type(r, br->is_snapshot ? ENGINE_SYNC_SNAPSHOT : ENGINE_SYNC_CLONE);
	relation_set_read_only(r, br->read_only);
	r->created_target = br->is_snapshot;
	r->pub.when_established_us = s->pub.when_established_us;
	r->pub.when_activated_us = s->pub.when_activated_us;
	r->pub.state = br->state;
	if (br->state == ENGINE_SYNCHRONIZED && !br->is_snapshot)
		r->pub.when_synchronized_us = now_us();
	relation_set_phase(r, RELATION_ACTIVE);
	r->seen = true;
	log_notice("relation %s to %s is not in the database: taken over", source->pub.name,
		   target->pub.name);
	db_begin(e);
	db_save_set(e, s);
	db_save_relation(e, r);
	db_commit(e);
	/* made after the devices were: it gets its own in another round */
	if (br->is_snapshot && target->pub.status == ENGINE_VOLUME_ERROR)
		e->reconcile_again = true;
	notify(e, ENGINE_OBJ_RELATION, ENGINE_CREATED, &r->pub);
	relation_update(e, r, br);
}

/* An earlier version did not store it: the kernel knows. */
static void take_read_only(struct engine *e, struct relation *r, bool read_only)
{
	if (r->pub.read_only == read_only)
		return;
	relation_set_read_only(r, read_only);
	db_begin(e);
	db_save_relation(e, r);
	if (db_commit(e))
		log_err("whether %s is read-only could not be stored", r->target->pub.name);
	if (!relation_visible(r))
		return;
	notify(e, ENGINE_OBJ_RELATION, ENGINE_CHANGED, &r->pub);
	notify(e, ENGINE_OBJ_VOLUME, ENGINE_CHANGED, &r->target->pub);
}

/* What the kernel says first goes into the objects, so that decisions see all of it. */
static void take_facts(struct engine *e, const struct backend_reply *reply)
{
	for (size_t i = 0; i < reply->nr_groups; i++) {
		struct rset *s = set_find(e, reply->groups[i].uuid);

		if (!s)
			continue;
		if (reply->groups[i].held_max_ns)
			s->pub.held_max_ns = reply->groups[i].held_max_ns;
		if (!s->pub.when_activated_us)
			s->pub.when_activated_us = reply->groups[i].when_us;
	}
	for (size_t i = 0; i < reply->nr_relations; i++) {
		const struct backend_relation *br = &reply->relations[i];
		struct relation *r = strmap_get(&e->relation_by_uuid, br->uuid);

		if (!r) {
			adopt(e, br, reply);
			continue;
		}
		r->seen = true;
		r->pub.state = br->state;
		if (br->total_bytes)
			r->pub.total_bytes = br->total_bytes;
		r->pub.copied_bytes = br->copied_bytes;
		take_read_only(e, r, br->read_only);
	}
}

static void decide_known(struct engine *e, struct relation *r)
{
	switch (r->phase) {
	case RELATION_PLANNED:
		replica_activated(e, r->set);
		if (relation_is_snapshot(r))
			snapshot_link(e, r->target, NULL, NULL);
		break;
	case RELATION_DETACHING:
		relation_release(e, r, true, NULL, NULL);
		break;
	case RELATION_CLEANING:
		relation_clean(e, r);
		break;
	default:
		break;
	}
}

/* Its pool or its device is not there now: nobody can say what became of it. */
static bool volume_undecidable(const struct volume *v)
{
	return v->phase == VOLUME_PRESENT &&
	       (v->pub.status == ENGINE_VOLUME_ERROR || v->pub.status == ENGINE_VOLUME_MISSING);
}

/* A snapshot is where its source is, and nowhere else. */
static bool undecidable(const struct relation *r)
{
	return volume_undecidable(r->source) ||
	       (!relation_is_snapshot(r) && volume_undecidable(r->target));
}

static void decide_unknown(struct engine *e, struct relation *r)
{
	struct backend_relation gone = { .state = ENGINE_DETACHED };

	if (undecidable(r)) {
		log_warn("relation %s to %s: a device is missing, left as it is",
			 r->source->pub.name, r->target->pub.name);
		reconcile_leftover(e);
		return;
	}
	switch (r->phase) {
	case RELATION_PLANNED:
		replica_failed(e, r->set, -EINTR,
			       "the service was interrupted before the point in time was taken");
		break;
	case RELATION_DETACHING:
		relation_release(e, r, false, NULL, NULL);
		break;
	case RELATION_CLEANING:
		relation_clean(e, r);
		break;
	case RELATION_ACTIVE:
		relation_update(e, r, &gone);
		break;
	}
}

static void apply_states(struct engine *e, const struct backend_reply *reply)
{
	for (size_t i = 0; i < reply->nr_relations; i++) {
		struct relation *r = strmap_get(&e->relation_by_uuid, reply->relations[i].uuid);

		if (r && r->phase == RELATION_ACTIVE)
			relation_update(e, r, &reply->relations[i]);
	}
}

/* A job without anything left that could end it: its rows were damaged. */
static void end_orphans(struct engine *e)
{
	struct job *j;

	TAILQ_FOREACH(j, &e->jobs, link)
	{
		if (engine_job_state_final(j->pub.state) || j->children.n || j->relation)
			continue;
		db_begin(e);
		job_end(e, j, ENGINE_JOB_EXCEPTION, EIO, "what the job worked on is gone");
		db_commit(e);
	}
}

static void free_empty_sets(struct engine *e)
{
	struct rset *s, *next;

	for (s = TAILQ_FIRST(&e->sets); s; s = next) {
		next = TAILQ_NEXT(s, link);
		if (s->nr_all)
			continue;
		db_begin(e);
		db_delete_set(e, s);
		db_commit(e);
		set_free(e, s);
	}
}

/* /dev forgets over a reboot what only the database knows: the names of volumes. */
static void link_names(struct engine *e)
{
	struct backend_request req;
	struct volume *v;

	TAILQ_FOREACH(v, &e->volumes, link)
	{
		if (v->busy || v->pub.status != ENGINE_VOLUME_OK)
			continue;
		backend_req(&req, BACKEND_VOLUME_LINK, v->pub.uuid);
		req.name = v->pub.name;
		e->ops->call(e->backend, &req, NULL, NULL);
	}
}

static void on_relations(const struct backend_reply *reply, void *arg)
{
	struct engine *e = arg;
	struct relation *r;

	if (failed(e, reply))
		return;
	TAILQ_FOREACH(r, &e->relations, link)
	r->seen = r->set->creating || r->releasing;
	/* From here on nothing is freed before control returns to the loop. */
	TAILQ_FOREACH(r, &e->relations, link)
	r->settled = r->seen;
	take_facts(e, reply);
	TAILQ_FOREACH(r, &e->relations, link)
	{
		if (r->settled)
			continue;
		r->settled = true;
		if (r->seen)
			decide_known(e, r);
		else
			decide_unknown(e, r);
	}
	apply_states(e, reply);
	end_orphans(e);
	free_empty_sets(e);
	finish_volumes(e);
	progress_now(e);
	e->reconciling = false;
	if (!e->is_ready) {
		link_names(e);
		log_info("ready");
	}
	e->is_ready = true;
	free(e->trouble);
	e->trouble = xstrdup("");
	e->system.trouble = e->trouble;
	tell_ready(e, ENGINE_OK, "");
	snapshot_spaces(e);
	if (e->reconcile_again)
		reconcile(e);
}

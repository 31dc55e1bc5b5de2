// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * replica.c - making relations: one call, many pairs, one point in time.
 *
 * The way of a request: checks in memory; checks against a fresh inventory (still nothing
 * changed); acceptance, one transaction with the set, its relations, the jobs and the rows of
 * targets to be made; targets made and prepared one after the other; one group command to the
 * kernel. A failure after acceptance ends the jobs in an exception and takes back what was made.
 * Checks are in replica-check.c. Loop thread only.
 */
#include "engine/replica.h"

#include <errno.h>
#include <inttypes.h>

/* ---- the request */

static void create_free(struct create *c)
{
	for (size_t i = 0; i < c->pairs.n; i++) {
		struct pair *p = &c->pairs.v[i];

		if (p->pinned) {
			p->source->pins--;
			if (p->target)
				p->target->busy = false;
		}
		free(p->name);
	}
	vec_done(&c->pairs);
	free(c->steps);
	sd_event_source_disable_unref(c->deadline);
	free(c->method);
	free(c->owner);
	free(c->params);
	free(c->name);
	free(c);
}

static void unpin(struct create *c)
{
	for (size_t i = 0; i < c->pairs.n; i++) {
		struct pair *p = &c->pairs.v[i];

		if (!p->pinned)
			continue;
		p->pinned = false;
		p->source->pins--;
		if (p->target)
			p->target->busy = false;
	}
}

static void refuse(struct create *c, enum engine_rc rc, const char *why)
{
	engine_done_fn done = c->done;
	void *arg = c->arg;

	create_free(c);
	reply_now(done, arg, rc, why);
}

static void answer(struct create *c)
{
	VEC(const struct engine_job *) jobs = VEC_INIT;
	VEC(const struct engine_volume *) targets = VEC_INIT;
	struct engine_result res = { .rc = c->rc, .why = c->why };
	bool good = c->rc == ENGINE_OK || c->rc == ENGINE_JOB_STARTED;
	struct job *j = strmap_get(&c->e->job_by_id, c->job_id);
	struct rset *s = good ? set_find(c->e, c->set_uuid) : NULL;

	if (!c->done)
		return;
	if (j) {
		res.job = &j->pub;
		res.why = j->pub.reason;
		for (size_t i = 0; i < j->children.n; i++)
			vec_push(&jobs, &j->children.v[i]->pub);
		if (!j->children.n)
			vec_push(&jobs, &j->pub);
	}
	if (s && s->relations.n) {
		for (size_t i = 0; i < s->relations.n; i++)
			vec_push(&targets, s->relations.v[i]->target);
		res.relations = s->relations.v;
		res.nr_relations = s->relations.n;
		res.target_group = s->pub.target_group;
		if (s->pub.source_group && s->pub.target_group)
			res.set = &s->pub;
	}
	res.jobs = jobs.v;
	res.nr_jobs = jobs.n;
	res.targets = targets.v;
	res.nr_targets = targets.n;
	c->done(&res, c->arg);
	c->done = NULL;
	vec_done(&jobs);
	vec_done(&targets);
}

static void linked(const struct backend_reply *reply, void *arg)
{
	struct create *c = arg;

	(void)reply;
	answer(c);
	create_free(c);
}

/*
 * Snapshots are answered for when they have their links; what was asked for is there already, so
 * links that cannot be made are no failure. From here on any of the relations may go.
 */
static void finish_snapshots(struct create *c)
{
	struct engine *e = c->e;
	size_t nr = c->relations;

	if (c->rc != ENGINE_OK || e->stopping) {
		answer(c);
		create_free(c);
		return;
	}
	for (size_t i = 0; i < nr; i++)
		relation_settle(e, c->steps[i]);
	snapshot_spaces(e);
	for (size_t i = 0; i < nr; i++)
		snapshot_link(e, c->steps[i]->target, i + 1 == nr ? linked : NULL, c);
}

/* The set may be gone only later: what takes it back is asynchronous. */
static void finish(struct create *c)
{
	struct engine *e = c->e;
	struct rset *s = set_find(e, c->set_uuid);

	s->creating = false;
	for (size_t i = 0; i < c->relations; i++)
		if (!c->steps[i]->releasing)
			c->steps[i]->target->busy = false;
	if (create_is_snapshot(c))
		return finish_snapshots(c);
	answer(c);
	/* a small copy may be complete already: its state has its effect now that it is answered */
	for (size_t i = 0; i < c->relations; i++)
		if (!e->stopping)
			relation_settle(e, c->steps[i]);
	create_free(c);
}

static int on_deadline(sd_event_source *src, uint64_t usec, void *arg)
{
	struct create *c = arg;

	(void)src;
	(void)usec;
	answer(c);
	return 0;
}

/* ---- after acceptance: targets, then the point in time */

void replica_failed(struct engine *e, struct rset *s, int error, const char *reason)
{
	VEC(struct relation *) all = VEC_INIT;
	struct relation *r;

	TAILQ_FOREACH(r, &e->relations, link)
	if (r->set == s && r->phase == RELATION_PLANNED)
		vec_push(&all, r);
	db_begin(e);
	for (size_t i = 0; i < all.n; i++) {
		relation_set_phase(all.v[i], RELATION_CLEANING);
		db_save_relation(e, all.v[i]);
		if (all.v[i]->job)
			job_end(e, all.v[i]->job, ENGINE_JOB_EXCEPTION, error, reason);
	}
	if (db_commit(e))
		log_err("the end of a replica request could not be stored");
	for (size_t i = 0; i < all.n; i++)
		relation_clean(e, all.v[i]);
	vec_done(&all);
}

static void step(struct create *c);

static void step_done(const struct backend_reply *reply, void *arg)
{
	struct create *c = arg;
	struct engine *e = c->e;
	struct rset *s = set_find(e, c->set_uuid);
	struct relation *r = c->next < c->relations ? c->steps[c->next] : NULL;

	if (reply->error == -ENOTCONN || e->stopping)
		return finish(c); /* outcome unknown: the next reconciliation decides */
	if (reply->error) {
		replica_failed(e, s, reply->error, reply->reason);
		return finish(c);
	}
	if (r && r->created_target) {
		r->target->pub.size_bytes = reply->size_bytes;
		pool_account(e, r->target, (int64_t)reply->size_bytes);
	}
	c->next++;
	step(c);
}

/* Made and prepared in one operation. */
static void make_target(struct create *c, struct relation *r)
{
	struct backend_request req;

	backend_req(&req, BACKEND_VOLUME_CREATE, r->target->pub.uuid);
	snprintf(req.pool, sizeof(req.pool), "%s", r->target->pool_uuid);
	snprintf(req.other, sizeof(req.other), "%s", r->source->pub.uuid);
	req.id = r->target->pub.id;
	req.size_bytes = r->target->pub.size_bytes;
	req.name = r->target->pub.name;
	backend_call(c->e, &req, step_done, c);
}

static void group_created(const struct backend_reply *reply, void *arg)
{
	struct create *c = arg;
	struct engine *e = c->e;
	struct rset *s = set_find(e, c->set_uuid);

	if (reply->error && create_is_snapshot(c)) {
		c->rc = reply->error == -ENOTCONN ? ENGINE_UNAVAILABLE : rc_of_errno(reply->error);
		snprintf(c->why, sizeof(c->why), "%s", reply->reason);
	}
	if (reply->error == -ENOTCONN || e->stopping)
		return finish(c);
	if (reply->error) {
		replica_failed(e, s, reply->error, reply->reason);
		return finish(c);
	}
	if (reply->nr_groups) {
		s->pub.when_activated_us = reply->groups[0].when_us;
		s->pub.held_max_ns = reply->groups[0].held_max_ns;
	}
	replica_activated(e, s);
	finish(c);
}

static void create_group(struct create *c)
{
	VEC(struct backend_pair) pairs = VEC_INIT;
	struct backend_request req;

	for (size_t i = 0; i < c->relations; i++) {
		const struct relation *r = c->steps[i];
		struct backend_pair p = { 0 };

		snprintf(p.relation, sizeof(p.relation), "%s", r->pub.uuid);
		snprintf(p.source, sizeof(p.source), "%s", r->source->pub.uuid);
		if (relation_is_snapshot(r))
			p.snapshot_id = r->target->pub.id;
		else
			snprintf(p.target, sizeof(p.target), "%s", r->target->pub.uuid);
		p.read_only = r->pub.read_only;
		vec_push(&pairs, p);
	}
	backend_req(&req, BACKEND_GROUP_CREATE, c->set_uuid);
	req.pairs = pairs.v;
	req.nr_pairs = pairs.n;
	backend_call(c->e, &req, group_created, c);
	vec_done(&pairs);
}

/* One privileged operation at a time; c->next is the pair that it is about. */
static void step(struct create *c)
{
	struct backend_request req;
	struct relation *r;

	fault_point("replica:step");
	if (c->next == c->relations || create_is_snapshot(c))
		return create_group(c);
	r = c->steps[c->next];
	if (r->created_target)
		return make_target(c, r);
	backend_req(&req, BACKEND_CLONE_PREPARE, r->target->pub.uuid);
	snprintf(req.other, sizeof(req.other), "%s", r->source->pub.uuid);
	backend_call(c->e, &req, step_done, c);
}

/* The group of the targets: the empty one that was named, or a new one. */
static void fill_target_group(struct engine *e, struct rset *s, struct relation **all, size_t nr)
{
	struct group *g = to_group(s->pub.target_group);
	struct job *j;
	char id[ENGINE_UUID_LEN], name[ENGINE_NAME_MAX + 1];
	bool new = !g;

	if (!s->pub.source_group || (g && g->members.n))
		return;
	if (new) {
		unsigned int n = 1;

		snprintf(name, sizeof(name), "%s", s->pub.name);
		while (engine_group_by_name(e, name))
			snprintf(name, sizeof(name), "%.100s-%u", s->pub.name, ++n);
		uuid_make(id);
		g = group_new(e, id, name);
		g->pub.created_us = now_us();
		set_link_groups(s, NULL, g);
		TAILQ_FOREACH(j, &e->jobs, link)
		if (!strcmp(j->set_uuid, s->pub.uuid)) {
			snprintf(j->group_id[1], sizeof(j->group_id[1]), "%s", id);
			db_save_job(e, j);
		}
	}
	for (size_t i = 0; i < nr; i++)
		vec_push(&g->members, &all[i]->target->pub);
	group_members_changed(g);
	db_save_group(e, g);
	notify(e, ENGINE_OBJ_GROUP, new ? ENGINE_CREATED : ENGINE_CHANGED, &g->pub);
}

static int by_idx(const void *a, const void *b)
{
	const struct relation *x = *(struct relation *const *)a, *y = *(struct relation *const *)b;

	return (x->idx > y->idx) - (x->idx < y->idx);
}

static void activate_one(struct engine *e, struct rset *s, struct relation *r)
{
	struct volume *t = r->target;

	r->pub.when_activated_us = s->pub.when_activated_us;
	if (r->pub.state == ENGINE_PREPARED)
		r->pub.state = relation_is_snapshot(r) ? ENGINE_SYNCHRONIZED : ENGINE_COPYING;
	relation_set_phase(r, RELATION_ACTIVE);
	db_save_relation(e, r);
	if (t->phase == VOLUME_CREATING) {
		t->phase = VOLUME_PRESENT;
		t->pub.status = ENGINE_VOLUME_OK;
		db_save_volume(e, t);
		notify(e, ENGINE_OBJ_VOLUME, ENGINE_CREATED, &t->pub);
	}
	t->busy = false;
}

void replica_activated(struct engine *e, struct rset *s)
{
	VEC(struct relation *) all = VEC_INIT;
	struct relation *r;

	TAILQ_FOREACH(r, &e->relations, link)
	if (r->set == s && r->phase == RELATION_PLANNED)
		vec_push(&all, r);
	if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), by_idx);
	if (!s->pub.when_activated_us)
		s->pub.when_activated_us = now_us();
	db_begin(e);
	for (size_t i = 0; i < all.n; i++)
		activate_one(e, s, all.v[i]);
	fill_target_group(e, s, all.v, all.n);
	db_save_set(e, s);
	if (db_commit(e))
		log_err("a point in time exists, but its rows could not be written");
	for (size_t i = 0; i < all.n; i++)
		notify(e, ENGINE_OBJ_RELATION, ENGINE_CREATED, &all.v[i]->pub);
	notify(e, ENGINE_OBJ_SET, ENGINE_CREATED, &s->pub);
	for (size_t i = 0; i < all.n; i++)
		if (all.v[i]->job)
			job_refresh(e, all.v[i]->job);
	vec_done(&all);
}

/* ---- acceptance */

static struct job *new_job(struct create *c, struct job *parent, const char *title)
{
	char id[ENGINE_UUID_LEN];
	struct job *j;

	uuid_make(id);
	j = job_new(c->e, id, parent);
	set_str(&j->pub.method, c->method);
	set_str(&j->pub.name, title);
	set_str(&j->pub.owner, c->owner);
	set_str(&j->pub.params, parent ? "" : c->params);
	j->pub.created_us = j->pub.changed_us = now_us();
	j->pub.state = ENGINE_JOB_STARTING;
	j->pub.delete_on_completion = !c->keep_job;
	j->pub.time_before_removal_us = (uint64_t)c->e->cfg->limits.job_keep_s * 1000000;
	snprintf(j->set_uuid, sizeof(j->set_uuid), "%s", c->set_uuid);
	snprintf(j->group_id[0], sizeof(j->group_id[0]), "%s", c->source_group);
	snprintf(j->group_id[1], sizeof(j->group_id[1]), "%s", c->target_group);
	return j;
}

static void affect(struct engine *e, struct job *j, const struct relation *r)
{
	job_affects(e, j, r->source->pub.uuid);
	job_affects(e, j, r->target->pub.uuid);
}

static struct relation *plan_pair(struct create *c, struct rset *s, struct pair *p, char *why,
				  size_t why_size)
{
	struct engine *e = c->e;
	struct volume *target = p->target;
	char uuid[ENGINE_UUID_LEN];
	struct relation *r;

	uuid_make(uuid);
	if (create_is_snapshot(c))
		target = snapshot_plan(e, uuid, p->name, p->source, why, why_size);
	else if (!target)
		target = volume_plan(e, p->name, p->pool, p->size_bytes, why, why_size);
	if (!target)
		return NULL;
	r = relation_new(e, uuid, s, p->source, target);
	r->created_target = !p->target;
	relation_set_read_only(r, c->read_only);
	r->pub.state = ENGINE_PREPARED;
	r->pub.when_established_us = s->pub.when_established_us;
	target->busy = true;
	return r;
}

static void take_back(struct create *c, struct rset *s, struct job *top)
{
	struct engine *e = c->e;
	size_t nr = c->relations;

	for (size_t i = 0; i < nr; i++) {
		struct volume *t = c->steps[i]->target;
		bool created = c->steps[i]->created_target;

		t->busy = false;
		relation_free(e, c->steps[i]);
		if (created)
			volume_free(e, t);
	}
	if (!nr)
		set_free(e, s);
	if (top)
		job_free(e, top);
}

static void save_all(struct create *c, struct rset *s, struct job *top)
{
	struct engine *e = c->e;

	db_begin(e);
	db_save_set(e, s);
	if (top)
		db_save_job(e, top);
	for (size_t i = 0; top && i < top->children.n; i++)
		db_save_job(e, top->children.v[i]);
	for (size_t i = 0; i < c->relations; i++) {
		if (c->steps[i]->created_target)
			db_save_volume(e, c->steps[i]->target);
		db_save_relation(e, c->steps[i]);
	}
}

static void plan_job(struct create *c, struct relation *r, struct job *top)
{
	char title[2 * ENGINE_NAME_MAX + 32];
	struct job *j = top;

	if (c->pairs.n > 1) {
		snprintf(title, sizeof(title), "clone of %s to %s", r->source->pub.name,
			 r->target->pub.name);
		j = new_job(c, top, title);
		j->pub.pair = r->idx;
		affect(c->e, j, r);
	}
	affect(c->e, top, r);
	j->relation = r;
	r->job = j;
	r->pub.job_id = j->pub.id;
}

/* The job of the whole call; snapshots are there at once and need none. */
static struct job *plan_top(struct create *c, const struct group *source)
{
	char title[2 * ENGINE_NAME_MAX + 32];
	struct job *top;

	if (create_is_snapshot(c))
		return NULL;
	snprintf(title, sizeof(title), "clone of %s%s", source ? "group " : "",
		 source ? source->pub.name : c->pairs.v[0].source->pub.name);
	top = new_job(c, NULL, title);
	snprintf(c->job_id, sizeof(c->job_id), "%s", top->pub.id);
	return top;
}

/* Makes objects, jobs and rows of the whole request. False: refused, nothing is left of it. */
static bool plan(struct create *c, char *why, size_t why_size)
{
	struct engine *e = c->e;
	struct rset *s = set_new(e, c->set_uuid);
	struct group *source = group_find(e, c->source_group);
	struct job *top;

	set_str(&s->pub.name, c->name);
	s->pub.sync_type = c->sync_type;
	s->pub.mode = c->mode;
	s->pub.when_established_us = now_us();
	s->creating = true;
	set_link_groups(s, source, group_find(e, c->target_group));
	top = plan_top(c, source);
	c->steps = xcalloc(c->pairs.n, sizeof(*c->steps));
	for (size_t i = 0; i < c->pairs.n; i++) {
		struct relation *r = plan_pair(c, s, &c->pairs.v[i], why, why_size);

		if (!r) {
			take_back(c, s, top);
			return false;
		}
		c->steps[c->relations++] = r;
		if (top)
			plan_job(c, r, top);
	}
	save_all(c, s, top);
	if (db_commit(e)) {
		refused(why, why_size, "the database cannot be written");
		take_back(c, s, top);
		return false;
	}
	return true;
}

static void tell_jobs(struct create *c)
{
	struct engine *e = c->e;
	struct job *top = strmap_get(&e->job_by_id, c->job_id);
	uint64_t now;

	for (size_t i = 0; i < c->relations; i++)
		job_refresh(e, c->steps[i]->job);
	progress_now(e);
	notify(e, ENGINE_OBJ_JOB, ENGINE_CREATED, &top->pub);
	for (size_t i = 0; i < top->children.n; i++)
		notify(e, ENGINE_OBJ_JOB, ENGINE_CREATED, &top->children.v[i]->pub);
	log_info("job %s: %s, %zu pairs", top->pub.id, top->pub.name, c->relations);
	sd_event_now(e->loop, CLOCK_MONOTONIC, &now);
	sd_event_add_time(e->loop, &c->deadline, CLOCK_MONOTONIC,
			  now + (uint64_t)e->cfg->limits.reply_deadline_ms * 1000, 0, on_deadline,
			  c);
}

static void accept_request(struct create *c)
{
	char why[WHY_LEN] = "";

	unpin(c);
	if (!plan(c, why, sizeof(why)))
		return refuse(c, ENGINE_FAILED, why);
	c->rc = create_is_snapshot(c) ? ENGINE_OK : ENGINE_JOB_STARTED;
	if (create_is_snapshot(c))
		log_info("snapshots of %s, %zu of them, the first of %s",
			 *c->name ? c->name : "single volumes", c->relations,
			 c->steps[0]->source->pub.name);
	else
		tell_jobs(c);
	step(c);
}

static void on_inventory(const struct backend_reply *reply, void *arg)
{
	struct create *c = arg;
	struct engine *e = c->e;
	char why[WHY_LEN] = "";
	enum engine_rc rc;

	if (reply->error)
		return refuse(c, rc_of_errno(reply->error), reply->reason);
	if (engine_not_ready(e))
		return refuse(c, ENGINE_UNAVAILABLE, engine_not_ready(e));
	rc = replica_check_fresh(c, reply, why, sizeof(why));
	if (rc != ENGINE_OK)
		return refuse(c, rc, why);
	accept_request(c);
}

void engine_replica_create(struct engine *e, const struct engine_replica_spec *spec,
			   engine_done_fn done, void *arg)
{
	struct create *c;
	struct backend_request req;
	char why[WHY_LEN] = "";
	enum engine_rc rc;

	if (engine_not_ready(e))
		return reply_later(e, done, arg, ENGINE_UNAVAILABLE, "%s", engine_not_ready(e));
	c = new0(struct create);
	c->e = e;
	c->done = done;
	c->arg = arg;
	uuid_make(c->set_uuid);
	rc = replica_check(c, spec, why, sizeof(why));
	if (rc != ENGINE_OK) {
		create_free(c);
		return reply_later(e, done, arg, rc, "%s", why);
	}
	for (size_t i = 0; i < c->pairs.n; i++) {
		struct pair *p = &c->pairs.v[i];

		p->pinned = true;
		p->source->pins++;
		if (p->target)
			p->target->busy = true;
	}
	backend_req(&req, BACKEND_INVENTORY, NULL);
	backend_call(e, &req, on_inventory, c);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * model.c - objects of the engine and the links between them.
 *
 * Only memory: nothing here is durable and nobody is notified. Each _free undoes its _new and
 * takes the object out of whatever points to it. Loop thread only.
 */
#include "engine/model.h"

#include <inttypes.h>

void set_str(const char **slot, const char *value)
{
	char *old = (char *)(uintptr_t)*slot;

	*slot = xstrdup(value ? value : "");
	free(old);
}

static void free_str(const char *s)
{
	free((char *)(uintptr_t)s);
}

/* ---- pools */

struct pool *pool_new(struct engine *e, const char *uuid, const char *name)
{
	struct pool *p = new0(struct pool);

	set_str(&p->pub.uuid, uuid);
	set_str(&p->pub.name, name);
	p->pub.unit_bytes = 1;
	TAILQ_INSERT_TAIL(&e->pools, p, link);
	return p;
}

static void pool_free(struct engine *e, struct pool *p)
{
	TAILQ_REMOVE(&e->pools, p, link);
	free_str(p->pub.uuid);
	free_str(p->pub.name);
	free(p);
}

/* ---- volumes */

/* NAA type 3 (locally assigned): the digit 3 and 60 bits of the uuid's random part. */
static void make_naa(struct volume *v)
{
	size_t n = 1;

	v->pub.naa[0] = '3';
	for (const char *s = v->pub.uuid; *s && n < 16; s++)
		if (*s != '-')
			v->pub.naa[n++] = *s;
	v->pub.naa[n] = '\0';
}

static void forget_name(struct engine *e, const struct volume *v)
{
	if (strmap_get(&e->volume_by_name, v->pub.name) == v)
		strmap_del(&e->volume_by_name, v->pub.name);
}

void volume_set_name(struct engine *e, struct volume *v, const char *name)
{
	if (v->pub.name)
		forget_name(e, v);
	set_str(&v->pub.name, name);
	strmap_set(&e->volume_by_name, v->pub.name, v);
}

struct volume *volume_new(struct engine *e, const char *uuid, uint32_t id, const char *name)
{
	struct volume *v = new0(struct volume);

	snprintf(v->pub.uuid, sizeof(v->pub.uuid), "%s", uuid);
	snprintf(v->pub.device, sizeof(v->pub.device), "/dev/mapper/RPL-%s", v->pub.uuid);
	make_naa(v);
	volume_set_name(e, v, name);
	set_str(&v->pub.description, "");
	set_str(&v->pub.lost, "");
	volume_set_id(e, v, id);
	TAILQ_INSERT_TAIL(&e->volumes, v, link);
	strmap_set(&e->volume_by_uuid, v->pub.uuid, v);
	return v;
}

void volume_free(struct engine *e, struct volume *v)
{
	TAILQ_REMOVE(&e->volumes, v, link);
	strmap_del(&e->volume_by_uuid, v->pub.uuid);
	volume_set_id(e, v, 0);
	forget_name(e, v);
	free_str(v->pub.name);
	free_str(v->pub.description);
	free_str(v->pub.lost);
	vec_done(&v->effects);
	free(v);
}

void volume_set_pool(struct engine *e, struct volume *v, const char *pool_uuid)
{
	struct pool *p = pool_find(e, pool_uuid);

	if (pool_uuid != v->pool_uuid)
		snprintf(v->pool_uuid, sizeof(v->pool_uuid), "%s", pool_uuid);
	v->pub.pool = p ? &p->pub : NULL;
}

/* False: the id is another volume's, and @v keeps what it had. */
bool volume_set_id(struct engine *e, struct volume *v, uint32_t id)
{
	if (id > e->ops->max_snapshot_id || (id && e->volume_by_id[id] && e->volume_by_id[id] != v))
		return false;
	if (v->pub.id && e->volume_by_id[v->pub.id] == v)
		e->volume_by_id[v->pub.id] = NULL;
	if (v->pub.id && v->pub.id < e->unused_id)
		e->unused_id = v->pub.id;
	v->pub.id = id;
	if (id)
		e->volume_by_id[id] = v;
	return true;
}

uint32_t volume_unused_id(struct engine *e)
{
	for (; e->unused_id <= e->ops->max_volume_id; e->unused_id++)
		if (!e->volume_by_id[e->unused_id])
			return e->unused_id;
	return 0;
}

/* In turns: the kernel may still be giving up the space of one that was deleted. */
uint32_t snapshot_unused_id(struct engine *e)
{
	uint32_t first = e->ops->max_volume_id + 1, last = e->ops->max_snapshot_id;
	uint32_t id = e->last_snapshot_id;

	for (uint32_t i = first; i <= last; i++) {
		id = id < first || id == last ? first : id + 1;
		if (!e->volume_by_id[id])
			return e->last_snapshot_id = id;
	}
	return 0;
}

struct volume *volume_of_id(struct engine *e, uint32_t id)
{
	return id <= e->ops->max_snapshot_id ? e->volume_by_id[id] : NULL;
}

struct volume *volume_find(struct engine *e, const char *uuid)
{
	return uuid ? strmap_get(&e->volume_by_uuid, uuid) : NULL;
}

/* ---- groups */

struct group *group_new(struct engine *e, const char *id, const char *name)
{
	struct group *g = new0(struct group);

	snprintf(g->pub.id, sizeof(g->pub.id), "%s", id);
	set_str(&g->pub.name, name);
	set_str(&g->pub.description, "");
	g->pub.persistent = true;
	TAILQ_INSERT_TAIL(&e->groups, g, link);
	return g;
}

void group_free(struct engine *e, struct group *g)
{
	TAILQ_REMOVE(&e->groups, g, link);
	vec_done(&g->members);
	free_str(g->pub.name);
	free_str(g->pub.description);
	free(g);
}

void group_members_changed(struct group *g)
{
	g->pub.members = g->members.v;
	g->pub.nr_members = g->members.n;
}

struct group *group_find(struct engine *e, const char *id)
{
	struct group *g;

	if (!id)
		return NULL;
	TAILQ_FOREACH(g, &e->groups, link)
	if (!strcmp(g->pub.id, id))
		return g;
	return NULL;
}

/* ---- sets */

struct rset *set_new(struct engine *e, const char *uuid)
{
	struct rset *s = new0(struct rset);

	snprintf(s->pub.uuid, sizeof(s->pub.uuid), "%s", uuid);
	set_str(&s->pub.name, "");
	s->pub.copy_state = engine_state_copy_state(ENGINE_PREPARED);
	s->pub.progress_status = engine_state_progress_status(ENGINE_PREPARED);
	TAILQ_INSERT_TAIL(&e->sets, s, link);
	return s;
}

void set_free(struct engine *e, struct rset *s)
{
	if (s->pub.source_group)
		to_group(s->pub.source_group)->pub.nr_sets_source--;
	if (s->pub.target_group)
		to_group(s->pub.target_group)->pub.nr_sets_target--;
	TAILQ_REMOVE(&e->sets, s, link);
	vec_done(&s->relations);
	free_str(s->pub.name);
	free(s);
}

void set_link_groups(struct rset *s, struct group *source, struct group *target)
{
	if (source && !s->pub.source_group) {
		s->pub.source_group = &source->pub;
		source->pub.nr_sets_source++;
	}
	if (target && !s->pub.target_group) {
		s->pub.target_group = &target->pub;
		target->pub.nr_sets_target++;
	}
}

struct rset *set_find(struct engine *e, const char *uuid)
{
	struct rset *s;

	TAILQ_FOREACH(s, &e->sets, link)
	if (!strcmp(s->pub.uuid, uuid))
		return s;
	return NULL;
}

void set_update(struct rset *s)
{
	const uint16_t mixed = 14;
	uint64_t synchronized_us = 0;
	bool all_synchronized = true;

	s->stale = false;
	s->pub.relations = s->relations.v;
	s->pub.nr_relations = s->relations.n;
	s->pub.total_bytes = s->pub.copied_bytes = 0;
	for (size_t i = 0; i < s->relations.n; i++) {
		const struct engine_relation *r = s->relations.v[i];
		uint16_t cs = engine_state_copy_state(r->state);
		uint16_t ps = engine_state_progress_status(r->state);

		s->pub.total_bytes += r->total_bytes;
		s->pub.copied_bytes += r->copied_bytes;
		if (!r->when_synchronized_us)
			all_synchronized = false;
		else if (r->when_synchronized_us > synchronized_us)
			synchronized_us = r->when_synchronized_us;
		s->pub.copy_state = !i || s->pub.copy_state == cs ? cs : mixed;
		s->pub.progress_status = !i || s->pub.progress_status == ps ? ps : mixed;
	}
	if (s->relations.n && all_synchronized)
		s->pub.when_synchronized_us = synchronized_us;
}

/* ---- relations */

bool relation_visible(const struct relation *r)
{
	return r->phase == RELATION_ACTIVE || r->phase == RELATION_DETACHING;
}

/* Puts it into the visible list of its set, in order of idx, or takes it out. */
static void set_list_relation(struct relation *r, bool visible)
{
	struct rset *s = r->set;
	size_t at = 0;

	for (size_t i = 0; i < s->relations.n; i++)
		if (s->relations.v[i] == &r->pub) {
			if (!visible)
				vec_remove(&s->relations, i);
			set_update(s);
			return;
		}
	if (!visible)
		return;
	while (at < s->relations.n && to_relation(s->relations.v[at])->idx < r->idx)
		at++;
	vec_push(&s->relations, &r->pub);
	memmove(&s->relations.v[at + 1], &s->relations.v[at],
		(s->relations.n - 1 - at) * sizeof(*s->relations.v));
	s->relations.v[at] = &r->pub;
	set_update(s);
}

struct relation *relation_new(struct engine *e, const char *uuid, struct rset *s,
			      struct volume *source, struct volume *target)
{
	struct relation *r = new0(struct relation);

	snprintf(r->pub.uuid, sizeof(r->pub.uuid), "%s", uuid);
	r->source = source;
	r->target = target;
	r->set = s;
	r->idx = s->nr_all++;
	r->phase = RELATION_PLANNED;
	r->pub.source = &source->pub;
	r->pub.target = &target->pub;
	r->pub.set = &s->pub;
	r->pub.job_id = "";
	r->pub.mode = s->pub.mode;
	r->pub.total_bytes = source->pub.size_bytes;
	r->pub.eta_s = ENGINE_ETA_UNKNOWN;
	r->pub.requested_copy_state = 15;
	set_str(&r->pub.reason, "");
	source->pub.nr_as_source++;
	target->pub.nr_as_target++;
	TAILQ_INSERT_TAIL(&e->relations, r, link);
	strmap_set(&e->relation_by_uuid, r->pub.uuid, r);
	relation_set_type(r, s->pub.sync_type);
	return r;
}

void relation_set_type(struct relation *r, uint16_t sync_type)
{
	r->pub.sync_type = sync_type;
	if (relation_is_snapshot(r))
		r->pub.mode = ENGINE_MODE_SYNC;
	r->target->pub.is_snapshot = relation_is_snapshot(r);
}

void relation_set_read_only(struct relation *r, bool read_only)
{
	r->pub.read_only = r->target->pub.read_only = read_only;
}

void relation_set_phase(struct relation *r, enum relation_phase phase)
{
	r->phase = phase;
	set_list_relation(r, relation_visible(r));
}

void relation_free(struct engine *e, struct relation *r)
{
	struct rset *s = r->set;

	set_list_relation(r, false);
	if (r->job && r->job->relation == r)
		r->job->relation = NULL;
	r->source->pub.nr_as_source--;
	r->target->pub.nr_as_target--;
	TAILQ_REMOVE(&e->relations, r, link);
	strmap_del(&e->relation_by_uuid, r->pub.uuid);
	free_str(r->pub.reason);
	free(r);
	if (!--s->nr_all)
		set_free(e, s);
}

struct relation *relation_of_target(struct engine *e, const struct volume *target)
{
	struct relation *r;

	if (!target->pub.nr_as_target)
		return NULL;
	TAILQ_FOREACH(r, &e->relations, link)
	if (r->target == target)
		return r;
	return NULL;
}

/* ---- jobs */

struct job *job_new(struct engine *e, const char *id, struct job *parent)
{
	struct job *j = new0(struct job);

	snprintf(j->pub.id, sizeof(j->pub.id), "%s", id);
	set_str(&j->pub.method, "");
	set_str(&j->pub.name, "");
	set_str(&j->pub.owner, "");
	set_str(&j->pub.reason, "");
	set_str(&j->pub.params, "");
	j->pub.status = j->status;
	j->pub.state = ENGINE_JOB_NEW;
	j->pub.eta_s = ENGINE_ETA_UNKNOWN;
	j->pub.group_ids[0] = j->group_id[0];
	j->pub.group_ids[1] = j->group_id[1];
	j->pub.delete_on_completion = true;
	j->parent = parent;
	if (parent) {
		j->pub.parent = &parent->pub;
		vec_push(&parent->children, j);
	}
	TAILQ_INSERT_TAIL(&e->jobs, j, link);
	strmap_set(&e->job_by_id, j->pub.id, j);
	return j;
}

/* at: in engine_job.affected_uuids, where the target of a pair is every second one. */
static void add_effect(struct volume *v, const struct job *j, size_t at)
{
	const struct engine_effect effect = { .job = &j->pub, .target = at % 2 };

	vec_push(&v->effects, effect);
	v->pub.effects = v->effects.v;
	v->pub.nr_effects = v->effects.n;
}

void job_affects(struct engine *e, struct job *j, const char *volume_uuid)
{
	struct volume *v = volume_find(e, volume_uuid);

	if (v)
		add_effect(v, j, j->affected.n);
	vec_push(&j->affected, xstrdup(volume_uuid));
	j->pub.affected_uuids = j->affected.v;
	j->pub.nr_affected = j->affected.n;
}

void jobs_affecting(struct engine *e, struct volume *v)
{
	const struct job *j;

	TAILQ_FOREACH(j, &e->jobs, link)
	for (size_t i = 0; i < j->affected.n; i++)
		if (!strcmp(j->affected.v[i], v->pub.uuid))
			add_effect(v, j, i);
}

static void forget_effects(struct volume *v, const struct job *j)
{
	size_t n = 0;

	for (size_t i = 0; i < v->effects.n; i++)
		if (v->effects.v[i].job != &j->pub)
			v->effects.v[n++] = v->effects.v[i];
	v->effects.n = v->pub.nr_effects = n;
}

void job_free(struct engine *e, struct job *j)
{
	struct relation *r;

	while (j->children.n)
		job_free(e, j->children.v[j->children.n - 1]);
	if (j->parent)
		for (size_t i = 0; i < j->parent->children.n; i++)
			if (j->parent->children.v[i] == j)
				vec_remove(&j->parent->children, i);
	TAILQ_FOREACH(r, &e->relations, link)
	if (r->job == j) {
		r->job = NULL;
		r->pub.job_id = "";
	}
	TAILQ_REMOVE(&e->jobs, j, link);
	strmap_del(&e->job_by_id, j->pub.id);
	for (size_t i = 0; i < j->affected.n; i++) {
		struct volume *v = volume_find(e, j->affected.v[i]);

		if (v)
			forget_effects(v, j);
		free_str(j->affected.v[i]);
	}
	vec_done(&j->affected);
	vec_done(&j->children);
	free_str(j->pub.method);
	free_str(j->pub.name);
	free_str(j->pub.owner);
	free_str(j->pub.reason);
	free_str(j->pub.params);
	free(j);
}

void model_free(struct engine *e)
{
	while (!TAILQ_EMPTY(&e->jobs))
		job_free(e, TAILQ_FIRST(&e->jobs));
	while (!TAILQ_EMPTY(&e->relations))
		relation_free(e, TAILQ_FIRST(&e->relations));
	while (!TAILQ_EMPTY(&e->sets))
		set_free(e, TAILQ_FIRST(&e->sets));
	while (!TAILQ_EMPTY(&e->groups))
		group_free(e, TAILQ_FIRST(&e->groups));
	while (!TAILQ_EMPTY(&e->volumes))
		volume_free(e, TAILQ_FIRST(&e->volumes));
	while (!TAILQ_EMPTY(&e->pools))
		pool_free(e, TAILQ_FIRST(&e->pools));
	strmap_done(&e->volume_by_uuid);
	strmap_done(&e->volume_by_name);
	strmap_done(&e->relation_by_uuid);
	strmap_done(&e->job_by_id);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * replica-check.c - what a replica request may ask for. Every refusal names the object and says
 * why; nothing here changes anything.
 */
#include "engine/replica.h"

#include <inttypes.h>

static const char *name_of(struct volume *v)
{
	return v->pub.name;
}

/* ---- mode and waiting */

static enum engine_rc check_snapshot(const struct engine_replica_spec *spec, uint16_t *mode,
				     char *why, size_t why_size)
{
	*mode = spec->mode ? spec->mode : ENGINE_MODE_SYNC;
	if (*mode != ENGINE_MODE_SYNC) {
		refused(why, why_size,
			"Mode %u is not supported: a snapshot is there at once, which is 2", *mode);
		return ENGINE_NOT_SUPPORTED;
	}
	if (spec->wait_copy_state && spec->wait_copy_state != 4) {
		refused(why, why_size,
			"WaitForCopyState %u cannot be waited for: a snapshot is synchronized (4) "
			"at once",
			spec->wait_copy_state);
		return ENGINE_INVALID_PARAMETER;
	}
	return ENGINE_OK;
}

static enum engine_rc check_wait(const struct engine_replica_spec *spec, uint16_t *mode, char *why,
				 size_t why_size)
{
	uint16_t wait = spec->wait_copy_state;

	if (spec->sync_type == ENGINE_SYNC_SNAPSHOT)
		return check_snapshot(spec, mode, why, why_size);
	*mode = spec->mode;
	if (!*mode)
		*mode = wait == 8 ? ENGINE_MODE_ASYNC : ENGINE_MODE_SYNC;
	if (*mode != ENGINE_MODE_SYNC && *mode != ENGINE_MODE_ASYNC) {
		refused(why, why_size,
			"Mode %u is not supported: a clone is 2 (independent) or 3 (attached)",
			*mode);
		return ENGINE_NOT_SUPPORTED;
	}
	if (wait && wait != 3 && wait != 4 && wait != 8) {
		refused(why, why_size,
			"WaitForCopyState %u cannot be waited for: a copy starts at its point in "
			"time; use 3 (copying), 4 (synchronized) or 8 (attached and complete)",
			wait);
		return ENGINE_INVALID_PARAMETER;
	}
	if (wait == 8 && *mode == ENGINE_MODE_SYNC) {
		refused(why, why_size,
			"WaitForCopyState 8 is for attached clones (Mode 3): one of Mode 2 "
			"detaches itself when it is complete");
		return ENGINE_INVALID_PARAMETER;
	}
	return ENGINE_OK;
}

static enum engine_rc check_kind(const struct engine_replica_spec *spec, char *why, size_t why_size)
{
	if (spec->sync_type == ENGINE_SYNC_CLONE && spec->read_only) {
		refused(why, why_size, "a clone cannot be made read-only, only a snapshot can");
		return ENGINE_INVALID_PARAMETER;
	}
	if (spec->sync_type == ENGINE_SYNC_CLONE || spec->sync_type == ENGINE_SYNC_SNAPSHOT)
		return ENGINE_OK;
	refused(why, why_size,
		"SyncType %u is not supported: this node makes snapshots (7) and clones (8)",
		spec->sync_type);
	return spec->sync_type == ENGINE_SYNC_MIRROR ? ENGINE_NOT_SUPPORTED
						     : ENGINE_INVALID_PARAMETER;
}

/* ---- which pairs */

static enum engine_rc add_pair(struct create *c, const char *source_uuid, const char *target_uuid,
			       const char *name, char *why, size_t why_size)
{
	struct pair p = { .source = volume_find(c->e, source_uuid),
			  .target = volume_find(c->e, target_uuid) };

	if (!p.source || (target_uuid && !p.target)) {
		refused(why, why_size, "there is no volume %s",
			p.source      ? target_uuid
			: source_uuid ? source_uuid
				      : "(none)");
		return ENGINE_NOT_FOUND;
	}
	if (p.target && create_is_snapshot(c)) {
		refused(why, why_size,
			"volume %s cannot be the target of a snapshot: a snapshot is made, none is "
			"given",
			name_of(p.target));
		return ENGINE_INVALID_PARAMETER;
	}
	if (name && p.target) {
		refused(why, why_size, "a name (%s) is given for volume %s, which exists", name,
			name_of(p.target));
		return ENGINE_INVALID_PARAMETER;
	}
	p.name = name ? xstrdup(name) : NULL;
	vec_push(&c->pairs, p);
	return ENGINE_OK;
}

static enum engine_rc pairs_of_groups(struct create *c, const struct group *source,
				      const struct group *target, char *why, size_t why_size)
{
	enum engine_rc rc = ENGINE_OK;

	if (!source->members.n) {
		refused(why, why_size, "group %s is empty", source->pub.name);
		return ENGINE_INVALID_PARAMETER;
	}
	if (target == source) {
		refused(why, why_size, "group %s cannot be its own target", source->pub.name);
		return ENGINE_INVALID_PARAMETER;
	}
	if (target && target->members.n && target->members.n != source->members.n) {
		refused(why, why_size,
			"group %s has %zu members, group %s has %zu: the numbers "
			"must be equal",
			source->pub.name, source->members.n, target->pub.name, target->members.n);
		return ENGINE_INVALID_PARAMETER;
	}
	for (size_t i = 0; i < source->members.n && rc == ENGINE_OK; i++)
		rc = add_pair(c, source->members.v[i]->uuid,
			      target && target->members.n ? target->members.v[i]->uuid : NULL, NULL,
			      why, why_size);
	return rc;
}

static enum engine_rc collect_pairs(struct create *c, const struct engine_replica_spec *spec,
				    char *why, size_t why_size)
{
	struct group *source = group_find(c->e, spec->source_group_id);
	struct group *target = group_find(c->e, spec->target_group_id);
	enum engine_rc rc = ENGINE_OK;

	if ((spec->source_group_id && !source) || (spec->target_group_id && !target)) {
		refused(why, why_size, "there is no group %s",
			spec->source_group_id && !source ? spec->source_group_id
							 : spec->target_group_id);
		return ENGINE_NOT_FOUND;
	}
	if (!!source == !!spec->nr_pairs || (target && !source)) {
		refused(why, why_size, "either a source group or source volumes must be named");
		return ENGINE_INVALID_PARAMETER;
	}
	if (spec->nr_pairs > BACKEND_MAX_PAIRS ||
	    (source && source->members.n > BACKEND_MAX_PAIRS)) {
		refused(why, why_size, "more than %d pairs in one request", BACKEND_MAX_PAIRS);
		return ENGINE_INVALID_PARAMETER;
	}
	if (source) {
		snprintf(c->source_group, sizeof(c->source_group), "%s", source->pub.id);
		if (target)
			snprintf(c->target_group, sizeof(c->target_group), "%s", target->pub.id);
		if (target && engine_set_by_groups(c->e, source->pub.id, target->pub.id)) {
			refused(why, why_size, "groups %s and %s are in a relation already",
				source->pub.name, target->pub.name);
			return ENGINE_IN_USE;
		}
		return pairs_of_groups(c, source, target, why, why_size);
	}
	for (size_t i = 0; i < spec->nr_pairs && rc == ENGINE_OK; i++)
		rc = add_pair(c, spec->pairs[i].source_uuid, spec->pairs[i].target_uuid,
			      spec->pairs[i].target_name, why, why_size);
	return rc;
}

/* ---- one volume, one pair */

static enum engine_rc check_source(struct volume *v, char *why, size_t why_size)
{
	if (v->phase != VOLUME_PRESENT || v->pub.status == ENGINE_VOLUME_MISSING ||
	    v->pub.status == ENGINE_VOLUME_ERROR || v->busy) {
		refused(why, why_size, "source volume %s is %s", name_of(v),
			v->pub.status == ENGINE_VOLUME_MISSING ? "missing"
			: v->pub.status == ENGINE_VOLUME_ERROR
				? "without its device"
				: "being changed by another request");
		return v->pub.status == ENGINE_VOLUME_MISSING ||
				       v->pub.status == ENGINE_VOLUME_ERROR
			       ? ENGINE_FAILED
			       : ENGINE_IN_USE;
	}
	if (v->pub.is_snapshot) {
		refused(why, why_size, "%s is a snapshot: copies are made of its source only",
			name_of(v));
		return ENGINE_NOT_SUPPORTED;
	}
	if (v->pub.nr_as_target) {
		refused(why, why_size,
			"source volume %s is the target of a relation: detach that first",
			name_of(v));
		return ENGINE_IN_USE;
	}
	return ENGINE_OK;
}

static enum engine_rc check_target(struct volume *source, struct volume *v, char *why,
				   size_t why_size)
{
	if (v == source) {
		refused(why, why_size, "volume %s cannot be its own target", name_of(v));
		return ENGINE_INVALID_PARAMETER;
	}
	if (v->phase != VOLUME_PRESENT || v->pub.status != ENGINE_VOLUME_OK) {
		refused(why, why_size, "target volume %s is not there, or not ready", name_of(v));
		return ENGINE_FAILED;
	}
	if (v->pub.nr_as_target || v->pub.nr_as_source) {
		refused(why, why_size, "target volume %s is the %s of another relation", name_of(v),
			v->pub.nr_as_target ? "target" : "source");
		return ENGINE_IN_USE;
	}
	if (v->busy || v->pins) {
		refused(why, why_size, "target volume %s is being used by another request",
			name_of(v));
		return ENGINE_IN_USE;
	}
	if (strcmp(v->pool_uuid, source->pool_uuid)) {
		refused(why, why_size,
			"target volume %s is in pool %s, source volume %s in pool %s: they must "
			"share a pool",
			name_of(v), v->pub.pool ? v->pub.pool->name : "(none)", name_of(source),
			source->pub.pool ? source->pub.pool->name : "(none)");
		return ENGINE_INVALID_PARAMETER;
	}
	if (v->pub.size_bytes < source->pub.size_bytes) {
		refused(why, why_size,
			"target volume %s is smaller than source volume %s (%" PRIu64
			" bytes < %" PRIu64 ")",
			name_of(v), name_of(source), v->pub.size_bytes, source->pub.size_bytes);
		return ENGINE_INVALID_PARAMETER;
	}
	return ENGINE_OK;
}

static enum engine_rc check_twice(const struct create *c, char *why, size_t why_size)
{
	const struct pair *p = c->pairs.v;

	for (size_t i = 0; i < c->pairs.n; i++)
		for (size_t k = 0; k < c->pairs.n; k++) {
			if (k > i && p[i].source == p[k].source)
				refused(why, why_size, "source volume %s is listed twice",
					name_of(p[i].source));
			else if (k > i && p[i].target && p[i].target == p[k].target)
				refused(why, why_size, "target volume %s is listed twice",
					name_of(p[i].target));
			else if (k != i && p[i].target && p[i].target == p[k].source)
				refused(why, why_size, "volume %s is a target and a source",
					name_of(p[i].target));
			else
				continue;
			return ENGINE_INVALID_PARAMETER;
		}
	return ENGINE_OK;
}

static enum engine_rc check_pairs(struct create *c, char *why, size_t why_size)
{
	enum engine_rc rc = check_twice(c, why, why_size);

	for (size_t i = 0; i < c->pairs.n && rc == ENGINE_OK; i++) {
		struct pair *p = &c->pairs.v[i];

		rc = check_source(p->source, why, why_size);
		if (rc == ENGINE_OK &&
		    strcmp(p->source->pool_uuid, c->pairs.v[0].source->pool_uuid)) {
			refused(why, why_size,
				"source volumes %s and %s are in different pools: "
				"one point in time needs one pool",
				name_of(c->pairs.v[0].source), name_of(p->source));
			rc = ENGINE_INVALID_PARAMETER;
		}
		if (rc == ENGINE_OK && p->target)
			rc = check_target(p->source, p->target, why, why_size);
	}
	return rc;
}

/* ---- targets to be made */

static bool planned_name_taken(struct create *c, const char *name, size_t before)
{
	if (name_taken(c->e, name, NULL))
		return true;
	for (size_t i = 0; i < c->pairs.n; i++)
		if (i != before && c->pairs.v[i].name && !strcmp(c->pairs.v[i].name, name))
			return true;
	return false;
}

static enum engine_rc name_target(struct create *c, size_t i, bool from_relationship, char *why,
				  size_t why_size)
{
	struct pair *p = &c->pairs.v[i];

	if (!p->name && from_relationship)
		p->name = xasprintf("%.100s_%zu", c->name, i + 1);
	for (unsigned int n = 1; !p->name; n++) {
		char *name = xasprintf("%.100s_%s%u", name_of(p->source),
				       create_is_snapshot(c) ? "snap" : "copy", n);

		if (planned_name_taken(c, name, i))
			free(name);
		else
			p->name = name;
	}
	if (!name_ok(p->name, why, why_size))
		return ENGINE_INVALID_PARAMETER;
	if (planned_name_taken(c, p->name, i)) {
		refused(why, why_size, "there is a volume %s already", p->name);
		return ENGINE_EXISTS;
	}
	return ENGINE_OK;
}

static enum engine_rc place_target(struct create *c, struct pair *p, const char *pool_uuid,
				   char *why, size_t why_size)
{
	struct pool *pool = pool_find(c->e, pool_uuid ? pool_uuid : p->source->pool_uuid);

	if (!pool || pool->pub.primordial || !pool->pub.online) {
		refused(why, why_size, "%s is not a pool that targets can be made in",
			pool	    ? pool->pub.name
			: pool_uuid ? pool_uuid
				    : "(none)");
		return pool ? ENGINE_INVALID_PARAMETER : ENGINE_NOT_FOUND;
	}
	if (strcmp(pool->pub.uuid, p->source->pool_uuid)) {
		refused(why, why_size,
			"TargetPool %s is not the pool of source volume %s (%s): they must be one",
			pool->pub.name, name_of(p->source),
			p->source->pub.pool ? p->source->pub.pool->name : "none");
		return ENGINE_INVALID_PARAMETER;
	}
	p->pool = pool;
	p->size_bytes = round_up_to(p->source->pub.size_bytes, pool->pub.unit_bytes);
	return ENGINE_OK;
}

static enum engine_rc check_space(struct create *c, char *why, size_t why_size)
{
	uint64_t need = 0;
	struct pool *pool = NULL;

	for (size_t i = 0; i < c->pairs.n; i++)
		if (!c->pairs.v[i].target && !create_is_snapshot(c)) {
			need += c->pairs.v[i].size_bytes;
			pool = c->pairs.v[i].pool;
		}
	if (!pool || need <= pool->pub.remaining_bytes)
		return ENGINE_OK;
	refused(why, why_size, "pool %s has %" PRIu64 " bytes left, the targets need %" PRIu64,
		pool->pub.name, pool->pub.remaining_bytes, need);
	return ENGINE_NO_SPACE;
}

static enum engine_rc check_new_targets(struct create *c, const struct engine_replica_spec *spec,
					char *why, size_t why_size)
{
	enum engine_rc rc = ENGINE_OK;
	bool any = false;

	for (size_t i = 0; i < c->pairs.n && rc == ENGINE_OK; i++) {
		if (c->pairs.v[i].target)
			continue;
		any = true;
		rc = place_target(c, &c->pairs.v[i], spec->pool_uuid, why, why_size);
		if (rc == ENGINE_OK)
			rc = name_target(c, i, spec->relationship_name || *c->source_group, why,
					 why_size);
	}
	if (rc == ENGINE_OK && spec->pool_uuid && !any) {
		refused(why, why_size, "a TargetPool is given, but all targets exist");
		rc = ENGINE_INVALID_PARAMETER;
	}
	return rc == ENGINE_OK ? check_space(c, why, why_size) : rc;
}

/* ---- the whole */

static enum engine_rc name_relationship(struct create *c, const struct engine_replica_spec *spec,
					char *why, size_t why_size)
{
	struct group *g = group_find(c->e, c->source_group);

	if (spec->relationship_name && !name_ok(spec->relationship_name, why, why_size))
		return ENGINE_INVALID_PARAMETER;
	if (spec->relationship_name)
		c->name = xstrdup(spec->relationship_name);
	else if (g)
		c->name = xasprintf("%.100s-%.8s", g->pub.name, c->set_uuid);
	else
		c->name = xstrdup("");
	return ENGINE_OK;
}

enum engine_rc replica_check(struct create *c, const struct engine_replica_spec *spec, char *why,
			     size_t why_size)
{
	enum engine_rc rc = check_kind(spec, why, why_size);

	c->sync_type = spec->sync_type;
	c->read_only = spec->read_only;
	if (rc == ENGINE_OK)
		rc = check_wait(spec, &c->mode, why, why_size);
	if (rc == ENGINE_OK)
		rc = collect_pairs(c, spec, why, why_size);
	if (rc == ENGINE_OK)
		rc = name_relationship(c, spec, why, why_size);
	if (rc == ENGINE_OK)
		rc = check_pairs(c, why, why_size);
	if (rc == ENGINE_OK)
		rc = check_new_targets(c, spec, why, why_size);
	c->method = xstrdup(spec->method ? spec->method : "");
	c->owner = xstrdup(spec->owner ? spec->owner : "");
	c->params = xstrdup(spec->params ? spec->params : "");
	c->keep_job = spec->keep_job;
	return rc;
}

static const struct backend_volume *fresh(const struct backend_reply *inventory,
					  const struct volume *v)
{
	for (size_t i = 0; i < inventory->nr_volumes; i++)
		if (!strcmp(inventory->volumes[i].uuid, v->pub.uuid))
			return &inventory->volumes[i];
	return NULL;
}

static enum engine_rc check_fresh_pair(struct create *c, struct pair *p,
				       const struct backend_reply *inventory, char *why,
				       size_t why_size)
{
	const struct backend_volume *s = fresh(inventory, p->source);
	const struct backend_volume *t = p->target ? fresh(inventory, p->target) : NULL;

	(void)c;
	if (!s || (p->target && !t)) {
		refused(why, why_size, "volume %s is missing: its logical volume is not there",
			name_of(s ? p->target : p->source));
		return ENGINE_FAILED;
	}
	p->source->pub.size_bytes = s->size_bytes;
	if (!t)
		return ENGINE_OK;
	p->target->pub.in_use = t->is_open;
	p->target->pub.size_bytes = t->size_bytes;
	if (t->is_open) {
		refused(why, why_size,
			"target volume %s is in use: mounted, opened or part of another device",
			name_of(p->target));
		return ENGINE_IN_USE;
	}
	if (t->size_bytes < s->size_bytes) {
		refused(why, why_size,
			"target volume %s is smaller than source volume %s (%" PRIu64
			" bytes < %" PRIu64 ")",
			name_of(p->target), name_of(p->source), t->size_bytes, s->size_bytes);
		return ENGINE_INVALID_PARAMETER;
	}
	return ENGINE_OK;
}

enum engine_rc replica_check_fresh(struct create *c, const struct backend_reply *inventory,
				   char *why, size_t why_size)
{
	const char *const groups[] = { c->source_group, c->target_group };
	enum engine_rc rc = ENGINE_OK;

	pools_seen(c->e, inventory);
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		if (*groups[i] && !group_find(c->e, groups[i])) {
			refused(why, why_size, "group %s was deleted meanwhile", groups[i]);
			return ENGINE_NOT_FOUND;
		}
	for (size_t i = 0; i < c->pairs.n && rc == ENGINE_OK; i++) {
		struct pair *p = &c->pairs.v[i];

		rc = check_fresh_pair(c, p, inventory, why, why_size);
		if (rc == ENGINE_OK && p->source->pub.nr_as_target) {
			refused(why, why_size, "source volume %s became a target meanwhile",
				name_of(p->source));
			rc = ENGINE_IN_USE;
		}
		if (rc == ENGINE_OK && p->name && name_taken(c->e, p->name, NULL)) {
			refused(why, why_size, "there is a volume %s already", p->name);
			rc = ENGINE_EXISTS;
		}
	}
	return rc == ENGINE_OK ? check_space(c, why, why_size) : rc;
}

bool engine_target_fits(struct engine *e, const struct engine_volume *source,
			const struct engine_volume *target, char *why, size_t why_size)
{
	struct volume *s = to_volume(source), *t = to_volume(target);

	(void)e;
	return check_source(s, why, why_size) == ENGINE_OK &&
	       check_target(s, t, why, why_size) == ENGINE_OK;
}

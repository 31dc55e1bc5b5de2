// SPDX-License-Identifier: GPL-2.0-or-later
/* storage.c - see storage.h. */
#include "sim/storage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>

#include "engine/model.h"

int sim_refuse(struct sim_answer *a, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(a->reason, sizeof(a->reason), fmt, ap);
	va_end(ap);
	return error;
}

/* ---- pools */

static void pool_uuid_of(size_t i, char out[BACKEND_POOL_LEN])
{
	snprintf(out, BACKEND_POOL_LEN, "simpol-0000-0000-0000-0000-0000-%06zu", i);
}

/* cfg->nr_pools when it is none. */
static uint32_t pool_of_uuid(const struct sim_storage *s, const char *uuid)
{
	char have[BACKEND_POOL_LEN];
	uint32_t i = 0;

	for (; i < s->cfg->nr_pools; i++) {
		pool_uuid_of(i, have);
		if (!strcmp(have, uuid))
			break;
	}
	return i;
}

static uint64_t pool_size(const struct sim_storage *s, uint32_t pool)
{
	uint64_t own = pool < s->cfg->nr_pools ? s->cfg->pools[pool].size_bytes : 0;

	return own ? own : s->cfg->sim.pool_bytes;
}

static uint64_t pool_free(const struct sim_storage *s, uint32_t pool)
{
	uint64_t size = pool_size(s, pool);
	uint64_t used = pool < CONFIG_MAX_POOLS ? s->table.used_bytes[pool] : 0;

	return used < size ? size - used : 0;
}

/* ---- the kernel's part */

static void describe(const struct sim_relation *r, struct backend_relation *out)
{
	bool copying = r->state == ENGINE_COPYING, failed = r->state == ENGINE_RELATION_FAILED;

	*out = (struct backend_relation) {
		.target_id = r->target_id,
		.source_id = r->source_id,
		.is_snapshot = r->is_snapshot,
		.read_only = r->read_only,
		.state = r->state,
		.error = r->error,
		.total_bytes = r->total_bytes,
		.copied_bytes = r->is_snapshot ? r->total_bytes : r->copied_bytes,
		.rate_bytes_s = copying ? r->rate_bytes_s : 0,
		.eta_s = copying ? (uint32_t)((r->total_bytes - r->copied_bytes) / r->rate_bytes_s)
				 : ENGINE_ETA_UNKNOWN,
	};
	memcpy(out->uuid, r->uuid, sizeof(out->uuid));
	memcpy(out->group, r->group, sizeof(out->group));
	if (failed)
		memcpy(out->reason, r->reason, sizeof(out->reason));
}

static void tell(struct sim_storage *s, const struct sim_relation *r)
{
	struct backend_relation br;

	describe(r, &br);
	s->changed(&br, s->arg);
}

static void set_state(struct sim_storage *s, struct sim_relation *r, enum engine_state state)
{
	s->nr_copying += state == ENGINE_COPYING;
	s->nr_copying -= r->state == ENGINE_COPYING;
	r->state = state;
}

void sim_relation_fail(struct sim_storage *s, struct sim_relation *r, const char *reason)
{
	r->error = EIO;
	if (reason != r->reason)
		snprintf(r->reason, sizeof(r->reason), "%s", reason);
	set_state(s, r, ENGINE_RELATION_FAILED);
	tell(s, r);
}

void sim_relation_drop(struct sim_storage *s, struct sim_relation *r)
{
	set_state(s, r, ENGINE_DETACHED);
	if (r->is_snapshot) {
		s->nr_snapshots--;
		sim_volume_remove(&s->table, sim_volume(&s->table, r->target));
	}
	sim_relation_remove(&s->table, r);
	tell(s, r);
}

static void copy_one(struct sim_storage *s, struct sim_relation *r, uint64_t us)
{
	uint64_t left = r->total_bytes - r->copied_bytes;
	long double bytes = (long double)r->rate_bytes_s * us / 1000000;

	r->copied_bytes += bytes >= left ? left : (uint64_t)bytes;
	if (r->copied_bytes >= r->fail_at_bytes) {
		r->copied_bytes = r->fail_at_bytes;
		sim_relation_fail(s, r, r->reason);
		return;
	}
	if (r->copied_bytes == r->total_bytes)
		set_state(s, r, ENGINE_SYNCHRONIZED);
	tell(s, r);
}

void sim_copy(struct sim_storage *s, uint64_t us)
{
	s->table.f->clock_us += us;
	sim_snapshots_keep(s, us);
	for (struct sim_relation *r = NULL; s->nr_copying && (r = sim_next_relation(&s->table, r));)
		if (r->state == ENGINE_COPYING)
			copy_one(s, r, us);
}

static int check_pair(struct sim_storage *s, const struct backend_pair *p, struct sim_answer *a)
{
	const struct sim_volume *src = sim_volume(&s->table, p->source);
	const struct sim_volume *dst = sim_volume(&s->table, p->target);

	if (!*p->target)
		return sim_snapshot_check(s, p, a);
	if (!src || !dst)
		return sim_refuse(a, -ENOENT, "volume %s is not there",
				  src ? p->target : p->source);
	if (strcmp(dst->clone_of, src->uuid))
		return sim_refuse(a, -EINVAL, "clone %u is not prepared for volume %u", dst->id,
				  src->id);
	if (sim_relation_to(&s->table, p->target))
		return sim_refuse(a, -EBUSY, "clone %u is in a relation", dst->id);
	if (dst->size_bytes < src->size_bytes)
		return sim_refuse(a, -EINVAL, "clone %u: target is smaller than source volume %u",
				  dst->id, src->id);
	return 0;
}

static void add_group(struct sim_answer *a, const char *uuid, uint64_t when_us)
{
	struct backend_group g = { .held_max_ns = 120000, .when_us = when_us };

	for (size_t i = a->groups.n; i--;)
		if (!strcmp(a->groups.v[i].uuid, uuid))
			return;
	snprintf(g.uuid, sizeof(g.uuid), "%s", uuid);
	vec_push(&a->groups, g);
}

static bool start_copy(struct sim_storage *s, const struct backend_request *req,
		       const struct backend_pair *p, uint64_t when_us)
{
	const struct sim_volume *src = sim_volume(&s->table, p->source);
	const struct sim_volume *dst = sim_volume(&s->table, p->target);
	struct sim_relation r = { .when_us = when_us };
	struct sim_relation *added;

	if (!dst)
		return sim_snapshot_add(s, req->uuid, p, when_us);
	r.target_id = dst->id;
	r.source_id = src->id;
	r.total_bytes = src->size_bytes;
	memcpy(r.uuid, p->relation, sizeof(r.uuid));
	memcpy(r.group, req->uuid, sizeof(r.group));
	memcpy(r.source, src->uuid, sizeof(r.source));
	memcpy(r.target, dst->uuid, sizeof(r.target));
	sim_faults_relation(s, &r, src->name, dst->name);
	added = sim_relation_add(&s->table, &r);
	if (added)
		set_state(s, added, ENGINE_COPYING);
	return added;
}

static int group_create(struct sim_storage *s, const struct backend_request *req,
			struct sim_answer *a)
{
	uint64_t when = now_us();
	int ret;

	for (size_t i = 0; i < req->nr_pairs; i++) {
		const struct backend_pair *p = &req->pairs[i];
		const struct sim_relation *r =
			sim_relation_to(&s->table, *p->target ? p->target : p->relation);

		if (!r || strcmp(r->group, req->uuid))
			continue;
		add_group(a, req->uuid, r->when_us);
		return 0; /* done before: the answer was lost */
	}
	for (size_t i = 0; i < req->nr_pairs; i++) {
		ret = check_pair(s, &req->pairs[i], a);
		if (ret)
			return ret;
	}
	for (size_t i = 0; i < req->nr_pairs; i++)
		if (!start_copy(s, req, &req->pairs[i], when))
			return sim_refuse(a, -ENOSPC, "too many relations");
	add_group(a, req->uuid, when);
	return 0;
}

static int relation_modify(struct sim_storage *s, const struct backend_request *req,
			   struct sim_answer *a)
{
	struct sim_relation *r = sim_relation_to(&s->table, req->uuid);
	bool copying, suspended;
	enum engine_state want;

	if (!r || (*req->other && strcmp(r->uuid, req->other)))
		return req->verb == BACKEND_DETACH ? 0 : sim_refuse(a, -ENOENT, "no such relation");
	copying = r->state == ENGINE_COPYING;
	suspended = r->state == ENGINE_SUSPENDED;
	want = r->state;
	switch (req->verb) {
	case BACKEND_SUSPEND:
		want = copying ? ENGINE_SUSPENDED : want;
		break;
	case BACKEND_RESUME:
		want = suspended ? ENGINE_COPYING : want;
		break;
	case BACKEND_ABORT:
		want = copying || suspended ? ENGINE_ABORTED : want;
		break;
	case BACKEND_DETACH:
		if (!req->force && (copying || suspended))
			return sim_refuse(a, -EBUSY, "clone %u is not complete", r->target_id);
		sim_relation_drop(s, r);
		return 0;
	}
	if (want == r->state)
		return 0;
	set_state(s, r, want);
	tell(s, r);
	return 0;
}

static int relation_list(struct sim_storage *s, struct sim_answer *a)
{
	struct backend_relation br;

	for (struct sim_relation *r = NULL; !s->hidden && (r = sim_next_relation(&s->table, r));) {
		describe(r, &br);
		vec_push(&a->relations, br);
		add_group(a, r->group, r->when_us);
	}
	return 0;
}

/* ---- LVM's part */

static int inventory(struct sim_storage *s, struct sim_answer *a)
{
	for (uint32_t i = 0; i < s->cfg->nr_pools && !s->hidden; i++) {
		struct backend_pool p = { .total_bytes = pool_size(s, i),
					  .free_bytes = pool_free(s, i),
					  .unit_bytes = SIM_UNIT };

		pool_uuid_of(i, p.uuid);
		snprintf(p.name, sizeof(p.name), "%s", s->cfg->pools[i].name);
		vec_push(&a->pools, p);
	}
	for (struct sim_volume *v = NULL; !s->hidden && (v = sim_next_volume(&s->table, v));) {
		struct backend_volume bv = { .id = v->id,
					     .size_bytes = v->size_bytes,
					     .has_device = true,
					     .is_open = v->open };

		memcpy(bv.uuid, v->uuid, sizeof(bv.uuid));
		memcpy(bv.clone_of, v->clone_of, sizeof(bv.clone_of));
		memcpy(bv.snapshot_of, v->snapshot_of, sizeof(bv.snapshot_of));
		pool_uuid_of(v->pool, bv.pool);
		vec_push(&a->volumes, bv);
	}
	return 0;
}

static int volume_create(struct sim_storage *s, const struct backend_request *req,
			 struct sim_answer *a)
{
	uint32_t pool = pool_of_uuid(s, req->pool);
	struct sim_volume v = { .id = req->id,
				.pool = pool,
				.size_bytes = round_up_to(req->size_bytes, SIM_UNIT) };

	a->reply.size_bytes = v.size_bytes;
	if (sim_volume(&s->table, req->uuid))
		return 0;
	if (pool == s->cfg->nr_pools)
		return sim_refuse(a, -ENOENT, "pool %s is not there", req->pool);
	if (v.size_bytes > pool_free(s, pool))
		return sim_refuse(a, -ENOSPC,
				  "the pool has %" PRIu64 " bytes left, %" PRIu64 " are needed",
				  pool_free(s, pool), v.size_bytes);
	memcpy(v.uuid, req->uuid, sizeof(v.uuid));
	memcpy(v.clone_of, req->other, sizeof(v.clone_of));
	snprintf(v.name, sizeof(v.name), "%s", req->name ? req->name : "");
	return sim_volume_add(&s->table, &v) ? 0 : sim_refuse(a, -ENOSPC, "too many volumes");
}

static int volume_grow(struct sim_storage *s, struct sim_volume *v, uint64_t size,
		       struct sim_answer *a)
{
	a->reply.size_bytes = round_up_to(size, SIM_UNIT);
	if (a->reply.size_bytes > v->size_bytes &&
	    a->reply.size_bytes - v->size_bytes > pool_free(s, v->pool))
		return sim_refuse(a, -ENOSPC, "the pool is full");
	sim_volume_resize(&s->table, v, a->reply.size_bytes);
	return 0;
}

static int volume_change(struct sim_storage *s, const struct backend_request *req,
			 struct sim_answer *a)
{
	struct sim_volume *v = sim_volume(&s->table, req->uuid);

	if (!v)
		return sim_refuse(a, -ENOENT, "volume %s is not there", req->uuid);
	switch (req->op) {
	case BACKEND_VOLUME_DELETE:
		if (v->open || sim_relation_to(&s->table, v->uuid) || sim_has_snapshots(s, v))
			return sim_refuse(a, -EBUSY, "volume %s is in use", v->uuid);
		sim_volume_remove(&s->table, v);
		return 0;
	case BACKEND_VOLUME_GROW:
		return volume_grow(s, v, req->size_bytes, a);
	case BACKEND_VOLUME_LINK:
		snprintf(v->name, sizeof(v->name), "%s", req->name);
		return 0;
	case BACKEND_CLONE_PREPARE:
		if (v->open)
			return sim_refuse(a, -EBUSY, "target volume %s is in use", v->uuid);
		if (!sim_volume(&s->table, req->other))
			return sim_refuse(a, -ENOENT, "volume %s is not there", req->other);
		memcpy(v->clone_of, req->other, sizeof(v->clone_of));
		return 0;
	case BACKEND_CLONE_RELEASE:
		if (sim_relation_to(&s->table, v->uuid))
			return sim_refuse(a, -EBUSY, "clone %u is in a relation", v->id);
		v->clone_of[0] = '\0';
		return 0;
	default:
		return 0;
	}
}

static int authenticate(const struct sim_storage *s, const struct backend_request *req,
			struct sim_answer *a)
{
	bool ok = !strcmp(req->user, s->cfg->sim.user) &&
		  !strcmp(req->password, s->cfg->sim.password);

	a->reply.password_ok = a->reply.role_read = a->reply.role_write = ok;
	return 0;
}

/* ---- the seam */

static int dispatch(struct sim_storage *s, const struct backend_request *req, struct sim_answer *a)
{
	switch (req->op) {
	case BACKEND_AUTHENTICATE:
		return authenticate(s, req, a);
	case BACKEND_INVENTORY:
		return inventory(s, a);
	case BACKEND_VOLUME_CREATE:
		return volume_create(s, req, a);
	case BACKEND_VOLUME_DELETE:
	case BACKEND_VOLUME_GROW:
	case BACKEND_VOLUME_LINK:
	case BACKEND_CLONE_PREPARE:
	case BACKEND_CLONE_RELEASE:
		return volume_change(s, req, a);
	case BACKEND_GROUP_CREATE:
		return group_create(s, req, a);
	case BACKEND_RELATION_MODIFY:
		return relation_modify(s, req, a);
	case BACKEND_SNAPSHOT_DELETE:
		return sim_snapshot_delete(s, req->uuid, a);
	case BACKEND_RELATION_LIST:
		return relation_list(s, a);
	case BACKEND_SPACE_LIST:
		return sim_space_list(s, a);
	default:
		return 0;
	}
}

int sim_carry_out(struct sim_storage *s, const struct backend_request *req, struct sim_answer *a)
{
	int ret = sim_faults_operation(s, req, a);

	return ret ? ret : dispatch(s, req, a);
}

void sim_answer_done(struct sim_answer *a)
{
	vec_done(&a->pools);
	vec_done(&a->volumes);
	vec_done(&a->relations);
	vec_done(&a->groups);
	vec_done(&a->spaces);
}

int sim_storage_open(struct sim_storage *s, const struct smisd_config *cfg, char *why,
		     size_t why_size)
{
	int ret;

	s->cfg = cfg;
	if (!sim_faults_ok(cfg, why, why_size))
		return -EINVAL;
	ret = sim_table_open(&s->table, cfg->engine.path, why, why_size);
	if (ret)
		return ret;
	s->fault_times = xcalloc(cfg->nr_faults + 1, sizeof(*s->fault_times));
	for (struct sim_relation *r = NULL; (r = sim_next_relation(&s->table, r));) {
		s->nr_copying += r->state == ENGINE_COPYING;
		s->nr_snapshots += r->is_snapshot;
	}
	return 0;
}

void sim_storage_close(struct sim_storage *s)
{
	sim_table_close(&s->table);
	free(s->fault_times);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * backend-fake.c - volumes and copies that exist in a table only: the kernel's state machine, byte
 * progress by the clock, failures on demand.
 *
 * The table is a shared mapping of a file when [fake] state is set, so that it outlives a killed
 * process as kernel and LVM do. Loop thread only; one instance.
 */
#include "engine/backend-fake.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <sys/mman.h>

#include "engine/model.h"

#define FAKE_VOLUMES   1024
#define FAKE_RELATIONS 1024
#define FAKE_MAGIC     0x314b4146u
#define FAKE_UNIT      (4ull << 20)
#define TICK_US	       (100 * 1000ull)

struct fake_volume {
	char uuid[ENGINE_UUID_LEN], pool[BACKEND_POOL_LEN], clone_of[ENGINE_UUID_LEN];
	uint32_t id;
	uint64_t size_bytes;
	bool used, open;
};

struct fake_relation {
	char uuid[ENGINE_UUID_LEN], group[ENGINE_UUID_LEN];
	char source[ENGINE_UUID_LEN], target[ENGINE_UUID_LEN], reason[BACKEND_REASON_LEN];
	uint32_t target_id, source_id;
	enum engine_state state;
	int error;
	uint64_t total_bytes, copied_bytes, when_us;
	bool used;
};

struct fake_state {
	uint32_t magic, size;
	uint64_t clock_us; /* up to where copies have gone on */
	struct fake_volume volumes[FAKE_VOLUMES];
	struct fake_relation relations[FAKE_RELATIONS];
};

struct call {
	TAILQ_ENTRY(call) link;
	struct backend_request *req;
	backend_done_fn done;
	void *arg;
};

struct backend {
	sd_event *loop;
	const struct smisd_config *cfg;
	struct backend_events events;
	struct fake_state *st;
	TAILQ_HEAD(, call) queue;
	sd_event_source *run, *tick;
};

struct answer {
	struct backend_reply reply;
	char reason[BACKEND_REASON_LEN];
	VEC(struct backend_pool) pools;
	VEC(struct backend_volume) volumes;
	VEC(struct backend_relation) relations;
	VEC(struct backend_group) groups;
};

static struct backend *the; /* for the handles of tests */
static bool manual_clock, disconnected, hidden;
static struct {
	unsigned int in;
	int error;
	char reason[BACKEND_REASON_LEN];
} fates[BACKEND_NR_OPS];

/* ---- finding */

static struct fake_volume *volume_of(struct backend *b, const char *uuid)
{
	for (size_t i = 0; i < FAKE_VOLUMES; i++)
		if (b->st->volumes[i].used && !strcmp(b->st->volumes[i].uuid, uuid))
			return &b->st->volumes[i];
	return NULL;
}

static struct fake_relation *relation_to(struct backend *b, const char *target)
{
	for (size_t i = 0; i < FAKE_RELATIONS; i++)
		if (b->st->relations[i].used && !strcmp(b->st->relations[i].target, target))
			return &b->st->relations[i];
	return NULL;
}

static void pool_uuid_of(size_t i, char out[BACKEND_POOL_LEN])
{
	snprintf(out, BACKEND_POOL_LEN, "fakepl-0000-0000-0000-0000-0000-%06zu", i);
}

static uint64_t pool_used(struct backend *b, const char *pool)
{
	uint64_t used = 0;

	for (size_t i = 0; i < FAKE_VOLUMES; i++)
		if (b->st->volumes[i].used && !strcmp(b->st->volumes[i].pool, pool))
			used += b->st->volumes[i].size_bytes;
	return used;
}

static uint64_t pool_free(struct backend *b, const char *pool)
{
	uint64_t used = pool_used(b, pool), size = b->cfg->fake.pool_bytes;

	return used < size ? size - used : 0;
}

static int fail(struct answer *a, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct answer *a, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(a->reason, sizeof(a->reason), fmt, ap);
	va_end(ap);
	return error;
}

/* ---- the kernel's part */

static void describe(const struct backend *b, const struct fake_relation *r,
		     struct backend_relation *out)
{
	uint64_t rate = r->state == ENGINE_COPYING ? b->cfg->fake.rate_bytes_s : 0;

	*out = (struct backend_relation) {
		.target_id = r->target_id,
		.source_id = r->source_id,
		.state = r->state,
		.error = r->error,
		.total_bytes = r->total_bytes,
		.copied_bytes = r->copied_bytes,
		.rate_bytes_s = rate,
		.eta_s = rate ? (uint32_t)((r->total_bytes - r->copied_bytes) / rate)
			      : ENGINE_ETA_UNKNOWN,
	};
	memcpy(out->uuid, r->uuid, sizeof(out->uuid));
	memcpy(out->group, r->group, sizeof(out->group));
	memcpy(out->reason, r->reason, sizeof(out->reason));
}

static void emit(struct backend *b, const struct fake_relation *r)
{
	struct backend_relation br;

	describe(b, r, &br);
	if (b->events.relation && !disconnected)
		b->events.relation(&br, b->events.arg);
}

static void advance(struct backend *b, uint64_t us)
{
	b->st->clock_us += us;
	for (size_t i = 0; i < FAKE_RELATIONS; i++) {
		struct fake_relation *r = &b->st->relations[i];
		uint64_t left = r->total_bytes - r->copied_bytes;
		long double bytes = (long double)b->cfg->fake.rate_bytes_s * us / 1000000;

		if (!r->used || r->state != ENGINE_COPYING)
			continue;
		r->copied_bytes += bytes >= left ? left : (uint64_t)bytes;
		if (r->copied_bytes == r->total_bytes)
			r->state = ENGINE_SYNCHRONIZED;
		emit(b, r);
	}
}

static int check_pair(struct backend *b, const struct backend_pair *p, struct answer *a)
{
	struct fake_volume *s = volume_of(b, p->source), *t = volume_of(b, p->target);

	if (!s || !t)
		return fail(a, -ENOENT, "volume %s is not there", s ? p->target : p->source);
	if (strcmp(t->clone_of, s->uuid))
		return fail(a, -EINVAL, "clone %u is not prepared for volume %u", t->id, s->id);
	if (relation_to(b, p->target))
		return fail(a, -EBUSY, "clone %u is in a relation", t->id);
	if (t->size_bytes < s->size_bytes)
		return fail(a, -EINVAL, "clone %u: target is smaller than source volume %u", t->id,
			    s->id);
	return 0;
}

static struct fake_relation *unused_relation(struct backend *b)
{
	for (size_t i = 0; i < FAKE_RELATIONS; i++)
		if (!b->st->relations[i].used)
			return &b->st->relations[i];
	return NULL;
}

static void add_group(struct answer *a, const char *uuid, uint64_t when_us)
{
	struct backend_group g = { .held_max_ns = 120000, .when_us = when_us };

	for (size_t i = 0; i < a->groups.n; i++)
		if (!strcmp(a->groups.v[i].uuid, uuid))
			return;
	snprintf(g.uuid, sizeof(g.uuid), "%s", uuid);
	vec_push(&a->groups, g);
}

static int group_create(struct backend *b, const struct backend_request *req, struct answer *a)
{
	uint64_t when = now_us();
	int ret;

	for (size_t i = 0; i < FAKE_RELATIONS; i++)
		if (b->st->relations[i].used && !strcmp(b->st->relations[i].group, req->uuid)) {
			add_group(a, req->uuid, b->st->relations[i].when_us);
			return 0; /* done before: the answer was lost */
		}
	for (size_t i = 0; i < req->nr_pairs; i++) {
		ret = check_pair(b, &req->pairs[i], a);
		if (ret)
			return ret;
	}
	for (size_t i = 0; i < req->nr_pairs; i++) {
		struct fake_relation *r = unused_relation(b);
		const struct fake_volume *s = volume_of(b, req->pairs[i].source);
		const struct fake_volume *t = volume_of(b, req->pairs[i].target);

		if (!r)
			return fail(a, -ENOSPC, "too many relations");
		*r = (struct fake_relation) { .used = true,
					      .target_id = t->id,
					      .source_id = s->id,
					      .state = ENGINE_COPYING,
					      .when_us = when,
					      .total_bytes = s->size_bytes };
		memcpy(r->uuid, req->pairs[i].relation, sizeof(r->uuid));
		memcpy(r->group, req->uuid, sizeof(r->group));
		memcpy(r->source, s->uuid, sizeof(r->source));
		memcpy(r->target, t->uuid, sizeof(r->target));
	}
	add_group(a, req->uuid, when);
	return 0;
}

static int relation_modify(struct backend *b, const struct backend_request *req, struct answer *a)
{
	struct fake_relation *r = relation_to(b, req->uuid);
	enum engine_state want = ENGINE_DETACHED;

	if (!r || (*req->other && strcmp(r->uuid, req->other)))
		return req->verb == BACKEND_DETACH ? 0 : fail(a, -ENOENT, "no such relation");
	switch (req->verb) {
	case BACKEND_SUSPEND:
		want = r->state == ENGINE_COPYING ? ENGINE_SUSPENDED : r->state;
		break;
	case BACKEND_RESUME:
		want = r->state == ENGINE_SUSPENDED ? ENGINE_COPYING : r->state;
		break;
	case BACKEND_ABORT:
		want = r->state == ENGINE_COPYING || r->state == ENGINE_SUSPENDED ? ENGINE_ABORTED
										  : r->state;
		break;
	case BACKEND_DETACH:
		if (!req->force && (r->state == ENGINE_COPYING || r->state == ENGINE_SUSPENDED))
			return fail(a, -EBUSY, "clone %u is not complete", r->target_id);
		r->used = false;
		r->state = ENGINE_DETACHED;
		emit(b, r);
		return 0;
	}
	if (want == r->state)
		return 0;
	r->state = want;
	emit(b, r);
	return 0;
}

static int relation_list(struct backend *b, struct answer *a)
{
	for (size_t i = 0; i < FAKE_RELATIONS; i++) {
		const struct fake_relation *r = &b->st->relations[i];
		struct backend_relation br;

		if (!r->used || hidden)
			continue;
		describe(b, r, &br);
		vec_push(&a->relations, br);
		add_group(a, r->group, r->when_us);
	}
	return 0;
}

/* ---- LVM's part */

static int inventory(struct backend *b, struct answer *a)
{
	for (size_t i = 0; i < b->cfg->nr_pools && !hidden; i++) {
		struct backend_pool p = { .total_bytes = b->cfg->fake.pool_bytes,
					  .unit_bytes = FAKE_UNIT };

		pool_uuid_of(i, p.uuid);
		snprintf(p.name, sizeof(p.name), "%s", b->cfg->pools[i].name);
		p.free_bytes = pool_free(b, p.uuid);
		vec_push(&a->pools, p);
	}
	for (size_t i = 0; i < FAKE_VOLUMES; i++) {
		const struct fake_volume *v = &b->st->volumes[i];
		struct backend_volume bv = { .id = v->id,
					     .size_bytes = v->size_bytes,
					     .has_device = true,
					     .is_open = v->open };

		if (!v->used || hidden)
			continue;
		memcpy(bv.uuid, v->uuid, sizeof(bv.uuid));
		memcpy(bv.pool, v->pool, sizeof(bv.pool));
		memcpy(bv.clone_of, v->clone_of, sizeof(bv.clone_of));
		vec_push(&a->volumes, bv);
	}
	return 0;
}

static int volume_create(struct backend *b, const struct backend_request *req, struct answer *a)
{
	struct fake_volume *v = volume_of(b, req->uuid);
	uint64_t size = round_up_to(req->size_bytes, FAKE_UNIT);

	a->reply.size_bytes = size;
	if (v)
		return 0;
	if (size > pool_free(b, req->pool))
		return fail(a, -ENOSPC,
			    "the pool has %" PRIu64 " bytes left, %" PRIu64 " are needed",
			    pool_free(b, req->pool), size);
	for (size_t i = 0; i < FAKE_VOLUMES; i++) {
		v = &b->st->volumes[i];
		if (v->used)
			continue;
		*v = (struct fake_volume) { .id = req->id, .size_bytes = size };
		memcpy(v->uuid, req->uuid, sizeof(v->uuid));
		memcpy(v->pool, req->pool, sizeof(v->pool));
		memcpy(v->clone_of, req->other, sizeof(v->clone_of));
		v->used = true;
		return 0;
	}
	return fail(a, -ENOSPC, "too many volumes");
}

static int volume_change(struct backend *b, const struct backend_request *req, struct answer *a)
{
	struct fake_volume *v = volume_of(b, req->uuid);

	if (!v)
		return fail(a, -ENOENT, "volume %s is not there", req->uuid);
	switch (req->op) {
	case BACKEND_VOLUME_DELETE:
		if (v->open || relation_to(b, v->uuid))
			return fail(a, -EBUSY, "volume %s is in use", v->uuid);
		v->used = false;
		return 0;
	case BACKEND_VOLUME_GROW:
		a->reply.size_bytes = round_up_to(req->size_bytes, FAKE_UNIT);
		if (a->reply.size_bytes > v->size_bytes &&
		    a->reply.size_bytes - v->size_bytes > pool_free(b, v->pool))
			return fail(a, -ENOSPC, "the pool is full");
		v->size_bytes = a->reply.size_bytes;
		return 0;
	case BACKEND_CLONE_PREPARE:
		if (v->open)
			return fail(a, -EBUSY, "target volume %s is in use", v->uuid);
		if (!volume_of(b, req->other))
			return fail(a, -ENOENT, "volume %s is not there", req->other);
		memcpy(v->clone_of, req->other, sizeof(v->clone_of));
		return 0;
	case BACKEND_CLONE_RELEASE:
		if (relation_to(b, v->uuid))
			return fail(a, -EBUSY, "clone %u is in a relation", v->id);
		v->clone_of[0] = '\0';
		return 0;
	default:
		return 0;
	}
}

static int authenticate(struct backend *b, const struct backend_request *req, struct answer *a)
{
	a->reply.password_ok = !strcmp(req->user, b->cfg->fake.user) &&
			       !strcmp(req->password, b->cfg->fake.password);
	a->reply.role_read = a->reply.role_write = a->reply.password_ok;
	return 0;
}

/* ---- the queue */

static int carry_out(struct backend *b, const struct backend_request *req, struct answer *a)
{
	if (fates[req->op].in && !--fates[req->op].in)
		return fail(a, fates[req->op].error, "%s", fates[req->op].reason);
	switch (req->op) {
	case BACKEND_AUTHENTICATE:
		return authenticate(b, req, a);
	case BACKEND_INVENTORY:
		return inventory(b, a);
	case BACKEND_VOLUME_CREATE:
		return volume_create(b, req, a);
	case BACKEND_VOLUME_DELETE:
	case BACKEND_VOLUME_GROW:
	case BACKEND_VOLUME_LINK:
	case BACKEND_CLONE_PREPARE:
	case BACKEND_CLONE_RELEASE:
		return volume_change(b, req, a);
	case BACKEND_GROUP_CREATE:
		return group_create(b, req, a);
	case BACKEND_RELATION_MODIFY:
		return relation_modify(b, req, a);
	case BACKEND_RELATION_LIST:
		return relation_list(b, a);
	default:
		return 0;
	}
}

static void complete(struct call *c, struct answer *a)
{
	a->reply.reason = a->reason;
	a->reply.pools = a->pools.v;
	a->reply.nr_pools = a->pools.n;
	a->reply.volumes = a->volumes.v;
	a->reply.nr_volumes = a->volumes.n;
	a->reply.relations = a->relations.v;
	a->reply.nr_relations = a->relations.n;
	a->reply.groups = a->groups.v;
	a->reply.nr_groups = a->groups.n;
	if (c->done)
		c->done(&a->reply, c->arg);
	vec_done(&a->pools);
	vec_done(&a->volumes);
	vec_done(&a->relations);
	vec_done(&a->groups);
	backend_request_free(c->req);
	free(c);
}

static void arm(struct backend *b);

static int run_one(sd_event_source *src, uint64_t usec, void *arg)
{
	struct backend *b = arg;
	struct call *c = TAILQ_FIRST(&b->queue);
	struct answer a = { 0 };

	(void)src;
	(void)usec;
	b->run = sd_event_source_disable_unref(b->run);
	TAILQ_REMOVE(&b->queue, c, link);
	fault_point("fake:before");
	a.reply.error = carry_out(b, c->req, &a);
	fault_point("fake:after");
	if (disconnected)
		a.reply.error = fail(&a, -ENOTCONN, "smisd-priv does not answer");
	complete(c, &a);
	arm(b);
	return 0;
}

static void arm(struct backend *b)
{
	uint64_t now;

	if (b->run || TAILQ_EMPTY(&b->queue))
		return;
	sd_event_now(b->loop, CLOCK_MONOTONIC, &now);
	if (sd_event_add_time(b->loop, &b->run, CLOCK_MONOTONIC,
			      now + (uint64_t)b->cfg->fake.op_delay_ms * 1000, 1, run_one, b) < 0)
		abort();
}

static void fake_call(struct backend *b, const struct backend_request *req, backend_done_fn done,
		      void *arg)
{
	struct call *c = new0(struct call);

	c->req = backend_request_dup(req);
	c->done = done;
	c->arg = arg;
	TAILQ_INSERT_TAIL(&b->queue, c, link);
	arm(b);
}

static int on_tick(sd_event_source *src, uint64_t usec, void *arg)
{
	struct backend *b = arg;
	uint64_t now = now_us();

	if (now > b->st->clock_us)
		advance(b, now - b->st->clock_us);
	sd_event_source_set_time(src, usec + TICK_US);
	sd_event_source_set_enabled(src, SD_EVENT_ONESHOT);
	return 0;
}

static int map_state(struct backend *b, char *why, size_t why_size)
{
	const char *path = b->cfg->fake.state;
	CLEANUP_CLOSE int fd = -1;
	int flags = MAP_SHARED;

	if (*path) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0 || ftruncate(fd, sizeof(*b->st))) {
			refused(why, why_size, "%s: %s", path, strerror(errno));
			return -EIO;
		}
	} else {
		flags = MAP_PRIVATE | MAP_ANONYMOUS;
	}
	b->st = mmap(NULL, sizeof(*b->st), PROT_READ | PROT_WRITE, flags, fd, 0);
	if (b->st == MAP_FAILED)
		return -ENOMEM;
	if (b->st->magic != FAKE_MAGIC || b->st->size != sizeof(*b->st)) {
		memset(b->st, 0, sizeof(*b->st));
		b->st->magic = FAKE_MAGIC;
		b->st->size = sizeof(*b->st);
	}
	if (!b->st->clock_us)
		b->st->clock_us = now_us();
	return 0;
}

static int fake_start(struct backend **out, sd_event *loop, const struct smisd_config *cfg,
		      const struct backend_events *events, char *why, size_t why_size)
{
	struct backend *b = new0(struct backend);
	uint64_t now;
	int ret;

	b->loop = loop;
	b->cfg = cfg;
	b->events = *events;
	TAILQ_INIT(&b->queue);
	ret = map_state(b, why, why_size);
	if (ret) {
		free(b);
		return ret;
	}
	sd_event_now(loop, CLOCK_MONOTONIC, &now);
	if (!manual_clock)
		sd_event_add_time(loop, &b->tick, CLOCK_MONOTONIC, now + TICK_US, TICK_US / 10,
				  on_tick, b);
	the = *out = b;
	b->events.status(true, true, "", b->events.arg);
	return 0;
}

static void fake_stop(struct backend *b)
{
	struct call *c;

	sd_event_source_disable_unref(b->run);
	sd_event_source_disable_unref(b->tick);
	while ((c = TAILQ_FIRST(&b->queue))) {
		struct answer a = { .reply.error = -ENOTCONN, .reason = "the service is stopping" };

		TAILQ_REMOVE(&b->queue, c, link);
		complete(c, &a);
	}
	munmap(b->st, sizeof(*b->st));
	if (the == b)
		the = NULL;
	free(b);
}

const struct backend_ops backend_fake = {
	.name = "fake",
	.start = fake_start,
	.call = fake_call,
	.stop = fake_stop,
};

/* ---- the handles of tests */

void fake_manual_clock(bool manual)
{
	manual_clock = manual;
}

void fake_advance(uint64_t us)
{
	advance(the, us);
}

void fake_fail(enum backend_op op, unsigned int nth, int error, const char *reason)
{
	fates[op].in = nth;
	fates[op].error = error;
	snprintf(fates[op].reason, sizeof(fates[op].reason), "%s", reason);
}

void fake_disconnected(bool on)
{
	bool was = disconnected;

	disconnected = on;
	if (was && !on && the)
		the->events.resync(the->events.arg);
}

void fake_hide(bool on)
{
	hidden = on;
}

void fake_set_open(const char *uuid, bool open)
{
	volume_of(the, uuid)->open = open;
}

void fake_lose_volume(const char *uuid)
{
	volume_of(the, uuid)->used = false;
}

void fake_fail_relation(const char *target_uuid, const char *reason)
{
	struct fake_relation *r = relation_to(the, target_uuid);

	r->state = ENGINE_RELATION_FAILED;
	r->error = EIO;
	snprintf(r->reason, sizeof(r->reason), "%s", reason);
	emit(the, r);
}

void fake_drop_relation(const char *target_uuid)
{
	struct fake_relation *r = relation_to(the, target_uuid);

	r->used = false;
	r->state = ENGINE_DETACHED;
	emit(the, r);
}

const char *fake_table(const char *uuid)
{
	const struct fake_volume *v = volume_of(the, uuid);

	return !v ? "" : *v->clone_of ? "clone" : "source";
}

size_t fake_nr_relations(void)
{
	size_t n = 0;

	for (size_t i = 0; i < FAKE_RELATIONS; i++)
		n += the->st->relations[i].used;
	return n;
}

size_t fake_nr_volumes(void)
{
	size_t n = 0;

	for (size_t i = 0; i < FAKE_VOLUMES; i++)
		n += the->st->volumes[i].used;
	return n;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * engine.c - start and stop, identity, iteration, notification, and how actions answer.
 *
 * Loop thread only. Nothing here knows a rule about volumes or relations.
 */
#include "engine/model.h"

#include <errno.h>
#include <stdarg.h>
#include <systemd/sd-id128.h>
#include <time.h>
#include <uuid/uuid.h>

#ifndef SMISD_VERSION
#define SMISD_VERSION "0.1.0"
#endif

#define TICK_US (10 * 1000000ull)

/* ---- small help */

uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void uuid_make(char out[ENGINE_UUID_LEN])
{
	uuid_t u;

	uuid_generate_random(u);
	uuid_unparse_lower(u, out);
}

void refused(char *why, size_t why_size, const char *fmt, ...)
{
	va_list ap;

	if (!why || !why_size)
		return;
	va_start(ap, fmt);
	vsnprintf(why, why_size, fmt, ap);
	va_end(ap);
}

/* UTF-8 without overlong forms, surrogates and control characters. */
static bool utf8_ok(const unsigned char *s)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };

	while (*s) {
		unsigned int more = *s >= 0xf0 ? 3 : *s >= 0xe0 ? 2 : *s >= 0xc0 ? 1 : 0;
		uint32_t c = more == 3 ? *s & 7 : more == 2 ? *s & 15 : more == 1 ? *s & 31 : *s;

		if (*s >= 0xf8 || (!more && *s >= 0x80) || c == 0x7f || (!more && c < 0x20))
			return false;
		s++;
		for (unsigned int i = 0; i < more; i++, s++) {
			if ((*s & 0xc0) != 0x80)
				return false;
			c = c << 6 | (*s & 0x3f);
		}
		if (more && (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ||
			     (c >= 0x80 && c < 0xa0)))
			return false;
	}
	return true;
}

bool name_ok(const char *name, char *why, size_t why_size)
{
	uuid_t u;

	if (!*name)
		refused(why, why_size, "a name must not be empty");
	else if (strlen(name) > ENGINE_NAME_MAX)
		refused(why, why_size, "a name has at most %d bytes, this one has %zu",
			ENGINE_NAME_MAX, strlen(name));
	else if (!utf8_ok((const unsigned char *)name))
		refused(why, why_size, "a name is UTF-8 without control characters");
	else if (strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		refused(why, why_size, "\"%s\" cannot be a name: it holds a path", name);
	else if (!uuid_parse(name, u))
		refused(why, why_size, "\"%s\" cannot be a name: it looks like a uuid", name);
	else
		return true;
	return false;
}

bool name_taken(struct engine *e, const char *name, const struct volume *but)
{
	const struct engine_volume *v = engine_volume_by_name(e, name);

	return v && (!but || v != &but->pub);
}

enum engine_rc rc_of_errno(int error)
{
	switch (-error) {
	case 0:
		return ENGINE_OK;
	case EBUSY:
		return ENGINE_IN_USE;
	case ENOSPC:
		return ENGINE_NO_SPACE;
	case ENOENT:
	case ENODEV:
		return ENGINE_NOT_FOUND;
	case EINVAL:
	case ERANGE:
		return ENGINE_INVALID_PARAMETER;
	case ENOTCONN:
		return ENGINE_UNAVAILABLE;
	default:
		return ENGINE_FAILED;
	}
}

const char *engine_not_ready(struct engine *e)
{
	if (e->stopping)
		return "the service is stopping";
	if (!e->is_ready)
		return *e->trouble ? e->trouble : "the service is starting, try again in a moment";
	return NULL;
}

/* ---- answers */

struct later {
	TAILQ_ENTRY(later) link;
	struct engine *e;
	sd_event_source *src;
	engine_done_fn done;
	void *arg;
	enum engine_rc rc;
	char why[WHY_LEN];
};

void reply_now(engine_done_fn done, void *arg, enum engine_rc rc, const char *why)
{
	struct engine_result res = { .rc = rc, .why = why };

	if (done)
		done(&res, arg);
}

static int run_later(sd_event_source *src, void *arg)
{
	struct later *l = arg;

	(void)src;
	TAILQ_REMOVE(&l->e->later, l, link);
	reply_now(l->done, l->arg, l->rc, l->why);
	sd_event_source_disable_unref(l->src);
	free(l);
	return 0;
}

void reply_later(struct engine *e, engine_done_fn done, void *arg, enum engine_rc rc,
		 const char *fmt, ...)
{
	struct later *l;
	va_list ap;

	if (!done)
		return;
	l = new0(struct later);
	l->e = e;
	TAILQ_INSERT_TAIL(&e->later, l, link);
	l->done = done;
	l->arg = arg;
	l->rc = rc;
	va_start(ap, fmt);
	vsnprintf(l->why, sizeof(l->why), fmt, ap);
	va_end(ap);
	if (sd_event_add_defer(e->loop, &l->src, run_later, l) < 0)
		abort();
}

void backend_req(struct backend_request *req, enum backend_op op, const char *uuid)
{
	*req = (struct backend_request) { .op = op };
	if (uuid)
		snprintf(req->uuid, sizeof(req->uuid), "%s", uuid);
}

void backend_call(struct engine *e, const struct backend_request *req, backend_done_fn done,
		  void *arg)
{
	e->ops->call(e->backend, req, done, arg);
}

/* ---- notification */

int engine_notify_add(struct engine *e, engine_notify_fn fn, void *arg)
{
	struct notify n = { fn, arg };

	vec_push(&e->notify, n);
	return 0;
}

void engine_notify_remove(struct engine *e, engine_notify_fn fn, void *arg)
{
	for (size_t i = 0; i < e->notify.n; i++)
		if (e->notify.v[i].fn == fn && e->notify.v[i].arg == arg) {
			vec_remove(&e->notify, i);
			return;
		}
}

void notify(struct engine *e, enum engine_object what, enum engine_change how, const void *obj)
{
	for (size_t i = 0; i < e->notify.n; i++)
		e->notify.v[i].fn(e, what, how, obj, e->notify.v[i].arg);
}

/* ---- iteration and lookup */

#define DEFINE_NEXT(type, list)                                                            \
	const struct engine_##type *engine_##type##_next(struct engine *e,                 \
							 const struct engine_##type *prev) \
	{                                                                                  \
		struct type *o = prev ? TAILQ_NEXT((struct type *)(uintptr_t)prev, link)   \
				      : TAILQ_FIRST(&e->list);                             \
		return o ? &o->pub : NULL;                                                 \
	}

DEFINE_NEXT(pool, pools)
DEFINE_NEXT(volume, volumes)
DEFINE_NEXT(group, groups)
DEFINE_NEXT(job, jobs)

const struct engine_relation *engine_relation_next(struct engine *e,
						   const struct engine_relation *prev)
{
	struct relation *r = prev ? TAILQ_NEXT(to_relation(prev), link)
				  : TAILQ_FIRST(&e->relations);

	while (r && !relation_visible(r))
		r = TAILQ_NEXT(r, link);
	return r ? &r->pub : NULL;
}

const struct engine_set *engine_set_next(struct engine *e, const struct engine_set *prev)
{
	struct rset *s = prev ? TAILQ_NEXT(to_set(prev), link) : TAILQ_FIRST(&e->sets);

	while (s && !s->relations.n)
		s = TAILQ_NEXT(s, link);
	return s ? &s->pub : NULL;
}

const struct engine_pool *engine_pool_by_uuid(struct engine *e, const char *uuid)
{
	struct pool *p = pool_find(e, uuid);

	return p ? &p->pub : NULL;
}

const struct engine_volume *engine_volume_by_uuid(struct engine *e, const char *uuid)
{
	struct volume *v = volume_find(e, uuid);

	return v ? &v->pub : NULL;
}

const struct engine_volume *engine_volume_by_name(struct engine *e, const char *name)
{
	struct volume *v = strmap_get(&e->volume_by_name, name);

	return v ? &v->pub : NULL;
}

const struct engine_group *engine_group_by_id(struct engine *e, const char *id)
{
	struct group *g = group_find(e, id);

	return g ? &g->pub : NULL;
}

const struct engine_group *engine_group_by_name(struct engine *e, const char *name)
{
	struct group *g;

	TAILQ_FOREACH(g, &e->groups, link)
	if (!strcmp(g->pub.name, name))
		return &g->pub;
	return NULL;
}

const struct engine_relation *engine_relation_by_ends(struct engine *e, const char *source_uuid,
						      const char *target_uuid)
{
	struct volume *t = volume_find(e, target_uuid);
	struct relation *r = t ? relation_of_target(e, t) : NULL;

	return r && relation_visible(r) && !strcmp(r->source->pub.uuid, source_uuid) ? &r->pub
										     : NULL;
}

const struct engine_set *engine_set_by_groups(struct engine *e, const char *source_group_id,
					      const char *target_group_id)
{
	struct rset *s;

	TAILQ_FOREACH(s, &e->sets, link)
	if (s->relations.n && s->pub.source_group && s->pub.target_group &&
	    !strcmp(s->pub.source_group->id, source_group_id) &&
	    !strcmp(s->pub.target_group->id, target_group_id))
		return &s->pub;
	return NULL;
}

const struct engine_job *engine_job_by_id(struct engine *e, const char *id)
{
	struct job *j = id ? strmap_get(&e->job_by_id, id) : NULL;

	return j ? &j->pub : NULL;
}

const struct engine_system *engine_system(struct engine *e)
{
	return &e->system;
}

/* ---- authentication: an op of smisd-priv */

struct auth {
	engine_done_fn done;
	void *arg;
};

static void auth_done(const struct backend_reply *reply, void *arg)
{
	CLEANUP_FREE struct auth *a = arg;
	struct engine_result res = {
		.rc = rc_of_errno(reply->error),
		.why = reply->reason,
		.has_password_ok = !reply->error && reply->password_ok,
		.role_read = !reply->error && reply->password_ok && reply->role_read,
		.role_write = !reply->error && reply->password_ok && reply->role_write,
	};

	a->done(&res, a->arg);
}

void engine_authenticate(struct engine *e, const char *user, const char *password,
			 engine_done_fn done, void *arg)
{
	struct backend_request req;
	struct auth *a;

	if (e->stopping) {
		reply_later(e, done, arg, ENGINE_UNAVAILABLE, "the service is stopping");
		return;
	}
	a = new0(struct auth);
	a->done = done;
	a->arg = arg;
	backend_req(&req, BACKEND_AUTHENTICATE, NULL);
	req.user = user;
	req.password = password;
	backend_call(e, &req, auth_done, a);
}

/* ---- life cycle */

/* Other software on the host never learns the machine id itself: the name is derived from it. */
static char *make_system_name(struct engine *e)
{
	static const sd_id128_t app =
		SD_ID128_MAKE(6f, 3b, 1d, 52, 90, 1c, 4b, 7e, a5, c2, 0d, 77, 3e, 18, f4, 09);
	char *name;
	sd_id128_t id;

	if (*e->cfg->server.system_name)
		return xstrdup(e->cfg->server.system_name);
	name = db_meta_get(e, "system-name");
	if (name)
		return name;
	if (sd_id128_get_machine_app_specific(app, &id) < 0 && sd_id128_randomize(&id) < 0)
		return xstrdup("dm-replica");
	name = xmalloc(SD_ID128_STRING_MAX + 4);
	snprintf(name, SD_ID128_STRING_MAX + 4, "RPL-" SD_ID128_FORMAT_STR,
		 SD_ID128_FORMAT_VAL(id));
	db_begin(e);
	db_meta_set(e, "system-name", name);
	db_commit(e);
	return name;
}

static void set_trouble(struct engine *e, const char *why)
{
	free(e->trouble);
	e->trouble = xstrdup(why);
	e->system.trouble = e->trouble;
}

static void on_status(bool kernel_ready, bool priv_ready, const char *why, void *arg)
{
	struct engine *e = arg;

	if (e->system.kernel_ready == kernel_ready && e->system.priv_ready == priv_ready &&
	    !strcmp(e->trouble, why))
		return;
	if (*why && strcmp(e->trouble, why))
		log_warn("%s", why);
	e->system.kernel_ready = kernel_ready;
	e->system.priv_ready = priv_ready;
	set_trouble(e, why);
	notify(e, ENGINE_OBJ_SYSTEM, ENGINE_CHANGED, &e->system);
}

static void on_resync(void *arg)
{
	reconcile(arg);
}

static int on_tick(sd_event_source *src, uint64_t usec, void *arg)
{
	struct engine *e = arg;

	job_tick(e);
	snapshot_spaces(e);
	sd_event_source_set_time(src, usec + TICK_US);
	sd_event_source_set_enabled(src, SD_EVENT_ONESHOT);
	return 0;
}

static void set_identity(struct engine *e)
{
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	e->system_name = make_system_name(e);
	e->host_name = xstrdup(host);
	e->system.name = e->system_name;
	e->system.host_name = e->host_name;
	e->system.version = SMISD_VERSION;
	e->system.started_us = now_us();
}

static void engine_free(struct engine *e)
{
	sd_event_source_disable_unref(e->tick);
	sd_event_source_disable_unref(e->retry);
	if (e->backend)
		e->ops->stop(e->backend);
	relations_stop(e);
	while (!TAILQ_EMPTY(&e->later))
		run_later(NULL, TAILQ_FIRST(&e->later));
	progress_stop(e);
	model_free(e);
	if (e->db)
		db_close(e);
	vec_done(&e->notify);
	free(e->system_name);
	free(e->host_name);
	free(e->trouble);
	free(e->volume_by_id);
	sd_event_unref(e->loop);
	free(e);
}

static int start_parts(struct engine *e, char *why, size_t why_size)
{
	const struct backend_events events = {
		.relation = relation_event,
		.resync = on_resync,
		.status = on_status,
		.arg = e,
	};
	uint64_t now;
	int ret = db_open(e, why, why_size);

	if (ret)
		return ret;
	pool_new(e, "primordial", "Primordial")->pub.primordial = true;
	ret = db_load(e);
	if (ret) {
		refused(why, why_size, "the database cannot be read");
		return ret;
	}
	set_identity(e);
	ret = progress_start(e);
	if (ret < 0)
		return ret;
	ret = e->ops->start(&e->backend, e->loop, e->cfg, &events, why, why_size);
	if (ret)
		return ret;
	sd_event_now(e->loop, CLOCK_MONOTONIC, &now);
	return sd_event_add_time(e->loop, &e->tick, CLOCK_MONOTONIC, now + TICK_US, TICK_US / 10,
				 on_tick, e);
}

int engine_start(sd_event *loop, const struct smisd_config *cfg, engine_done_fn ready, void *arg,
		 struct engine **out, char *why, size_t why_size)
{
	struct engine *e = new0(struct engine);
	int ret;

	e->loop = sd_event_ref(loop);
	e->cfg = cfg;
	e->ops = !strcmp(cfg->engine.backend, "sim") ? &backend_sim : &backend_real;
	e->volume_by_id = xcalloc(e->ops->max_snapshot_id + 1, sizeof(*e->volume_by_id));
	e->unused_id = 1;
	e->ready = ready;
	e->ready_arg = arg;
	e->trouble = xstrdup("");
	e->system.trouble = e->trouble;
	TAILQ_INIT(&e->pools);
	TAILQ_INIT(&e->volumes);
	TAILQ_INIT(&e->groups);
	TAILQ_INIT(&e->relations);
	TAILQ_INIT(&e->sets);
	TAILQ_INIT(&e->jobs);
	TAILQ_INIT(&e->later);
	ret = start_parts(e, why, why_size);
	if (ret) {
		engine_free(e);
		return ret;
	}
	reconcile(e);
	*out = e;
	return 0;
}

void engine_stop(struct engine *e)
{
	if (!e)
		return;
	e->stopping = true;
	engine_free(e);
}

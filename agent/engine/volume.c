// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * volume.c - volumes: create, rename, grow, delete.
 *
 * A row in the database goes first (phase), LVM follows, then the row says that it is done: after
 * a crash reconcile.c finds by the phase what to finish. Loop thread only.
 */
#include "engine/model.h"

#include <errno.h>
#include <inttypes.h>

struct volume_call {
	struct engine *e;
	char uuid[ENGINE_UUID_LEN];
	uint64_t size_bytes;
	char *name, *description;
	engine_done_fn done;
	void *arg;
};

static struct volume_call *call_new(struct engine *e, struct volume *v, engine_done_fn done,
				    void *arg)
{
	struct volume_call *c = new0(struct volume_call);

	c->e = e;
	snprintf(c->uuid, sizeof(c->uuid), "%s", v->pub.uuid);
	c->done = done;
	c->arg = arg;
	return c;
}

static void call_free(struct volume_call **pc)
{
	free((*pc)->name);
	free((*pc)->description);
	free(*pc);
}

static void reply_volume(struct volume_call *c, struct volume *v)
{
	struct engine_result res = {
		.rc = ENGINE_OK, .why = "", .volume = &v->pub, .size_bytes = v->pub.size_bytes
	};

	if (c->done)
		c->done(&res, c->arg);
}

void volume_drop(struct engine *e, struct volume *v)
{
	struct group *g;

	TAILQ_FOREACH(g, &e->groups, link)
	for (size_t i = 0; i < g->members.n; i++)
		if (g->members.v[i] == &v->pub) {
			vec_remove(&g->members, i);
			group_members_changed(g);
			db_save_group(e, g);
			notify(e, ENGINE_OBJ_GROUP, ENGINE_CHANGED, &g->pub);
			break;
		}
	db_delete_volume(e, v);
	notify(e, ENGINE_OBJ_VOLUME, ENGINE_DELETED, &v->pub);
	volume_free(e, v);
}

/* ---- create */

struct volume *volume_plan(struct engine *e, const char *name, struct pool *p, uint64_t size_bytes,
			   char *why, size_t why_size)
{
	uint32_t id = volume_unused_id(e);
	char uuid[ENGINE_UUID_LEN];
	struct volume *v;

	if (!id) {
		refused(why, why_size, "the node has %u volumes, which is all it can have",
			e->ops->max_volume_id);
		return NULL;
	}
	uuid_make(uuid);
	v = volume_new(e, uuid, id, name);
	v->phase = VOLUME_CREATING;
	v->pub.status = ENGINE_VOLUME_CREATING;
	v->pub.size_bytes = size_bytes;
	v->pub.created_us = now_us();
	v->busy = true;
	volume_set_pool(e, v, p->pub.uuid);
	return v;
}

static void create_done(const struct backend_reply *reply, void *arg)
{
	CLEANUP(call_free) struct volume_call *c = arg;
	struct engine *e = c->e;
	struct volume *v = volume_find(e, c->uuid);

	if (reply->error) {
		/* -ENOTCONN: reconcile finds the row and removes what was made */
		v->busy = false;
		if (reply->error != -ENOTCONN && !e->stopping) {
			db_begin(e);
			volume_drop(e, v);
			db_commit(e);
		}
		reply_now(c->done, c->arg, rc_of_errno(reply->error), reply->reason);
		return;
	}
	v->busy = false;
	v->phase = VOLUME_PRESENT;
	v->pub.status = ENGINE_VOLUME_OK;
	v->pub.size_bytes = reply->size_bytes;
	db_begin(e);
	db_save_volume(e, v);
	if (db_commit(e))
		log_err("volume %s exists, but its row could not be written", v->pub.name);
	pool_account(e, v, (int64_t)v->pub.size_bytes);
	notify(e, ENGINE_OBJ_VOLUME, ENGINE_CREATED, &v->pub);
	reply_volume(c, v);
}

static struct pool *roomiest_pool(struct engine *e)
{
	struct pool *p, *best = NULL;

	TAILQ_FOREACH(p, &e->pools, link)
	if (!p->pub.primordial && p->pub.online &&
	    (!best || p->pub.remaining_bytes > best->pub.remaining_bytes))
		best = p;
	return best;
}

static void auto_name(struct engine *e, char *out, size_t size)
{
	unsigned int n = 0;

	do
		snprintf(out, size, "volume-%u", ++n);
	while (name_taken(e, out, NULL));
}

static void reply_size(struct engine *e, const struct pool *p, uint64_t bytes, engine_done_fn done,
		       void *arg)
{
	if (p->pub.remaining_bytes < p->pub.unit_bytes)
		reply_later(e, done, arg, ENGINE_NO_SPACE, "pool %s is full", p->pub.name);
	else
		reply_later(e, done, arg, ENGINE_SIZE_NOT_SUPPORTED,
			    "pool %s has %" PRIu64 " bytes left, %" PRIu64 " were asked for",
			    p->pub.name, p->pub.remaining_bytes, bytes);
}

void engine_volume_create(struct engine *e, const struct engine_volume_spec *spec,
			  engine_done_fn done, void *arg)
{
	struct pool *p = spec->pool_uuid ? pool_find(e, spec->pool_uuid) : roomiest_pool(e);
	struct backend_request req;
	char name[ENGINE_NAME_MAX + 1], why[WHY_LEN] = "";
	struct volume_call *c;
	struct volume *v;
	uint64_t size;

	if (engine_not_ready(e))
		return reply_later(e, done, arg, ENGINE_UNAVAILABLE, "%s", engine_not_ready(e));
	if (!p || p->pub.primordial || !p->pub.online)
		return reply_later(e, done, arg, p ? ENGINE_INVALID_PARAMETER : ENGINE_NOT_FOUND,
				   "%s is not a pool that volumes can be made from",
				   p		     ? p->pub.name
				   : spec->pool_uuid ? spec->pool_uuid
						     : "(none)");
	if (!spec->size_bytes)
		return reply_later(e, done, arg, ENGINE_INVALID_PARAMETER, "a volume needs a size");
	if (spec->name && !name_ok(spec->name, why, sizeof(why)))
		return reply_later(e, done, arg, ENGINE_INVALID_PARAMETER, "%s", why);
	if (spec->name && name_taken(e, spec->name, NULL))
		return reply_later(e, done, arg, ENGINE_EXISTS, "there is a volume %s already",
				   spec->name);
	size = round_up_to(spec->size_bytes, p->pub.unit_bytes);
	if (size > p->pub.remaining_bytes)
		return reply_size(e, p, size, done, arg);
	if (spec->name)
		snprintf(name, sizeof(name), "%s", spec->name);
	else
		auto_name(e, name, sizeof(name));
	v = volume_plan(e, name, p, size, why, sizeof(why));
	if (!v)
		return reply_later(e, done, arg, ENGINE_NO_SPACE, "%s", why);
	set_str(&v->pub.description, spec->description);
	db_begin(e);
	db_save_volume(e, v);
	if (db_commit(e)) {
		volume_free(e, v);
		return reply_later(e, done, arg, ENGINE_FAILED, "the database cannot be written");
	}
	c = call_new(e, v, done, arg);
	backend_req(&req, BACKEND_VOLUME_CREATE, v->pub.uuid);
	snprintf(req.pool, sizeof(req.pool), "%s", v->pool_uuid);
	req.id = v->pub.id;
	req.size_bytes = size;
	req.name = v->pub.name;
	backend_call(e, &req, create_done, c);
}

/* ---- modify */

static void store_names(struct volume_call *c, struct volume *v)
{
	struct engine *e = c->e;

	if (c->name)
		volume_set_name(e, v, c->name);
	if (c->description)
		set_str(&v->pub.description, c->description);
	db_begin(e);
	db_save_volume(e, v);
	if (db_commit(e)) {
		reply_now(c->done, c->arg, ENGINE_FAILED, "the database cannot be written");
		return;
	}
	notify(e, ENGINE_OBJ_VOLUME, ENGINE_CHANGED, &v->pub);
	reply_volume(c, v);
}

static void link_done(const struct backend_reply *reply, void *arg)
{
	CLEANUP(call_free) struct volume_call *c = arg;
	struct volume *v = volume_find(c->e, c->uuid);

	v->busy = false;
	if (reply->error)
		reply_now(c->done, c->arg, rc_of_errno(reply->error), reply->reason);
	else
		store_names(c, v);
}

static void rename_volume(struct volume_call *c, struct volume *v)
{
	struct backend_request req;

	if (!c->name || !strcmp(c->name, v->pub.name)) {
		v->busy = false;
		store_names(c, v);
		call_free(&c);
		return;
	}
	backend_req(&req, BACKEND_VOLUME_LINK, v->pub.uuid);
	req.name = c->name;
	backend_call(c->e, &req, link_done, c);
}

static void grow_done(const struct backend_reply *reply, void *arg)
{
	struct volume_call *c = arg;
	struct volume *v = volume_find(c->e, c->uuid);

	if (reply->error) {
		v->busy = false;
		reply_now(c->done, c->arg, rc_of_errno(reply->error), reply->reason);
		call_free(&c);
		return;
	}
	pool_account(c->e, v, (int64_t)(reply->size_bytes - v->pub.size_bytes));
	v->pub.size_bytes = reply->size_bytes;
	rename_volume(c, v);
}

/* True when the answer was given: the size asked for is refused. */
static bool size_refused(struct engine *e, struct volume *v, uint64_t *size, engine_done_fn done,
			 void *arg)
{
	struct pool *p = pool_find(e, v->pool_uuid);
	uint64_t asked = *size;

	*size = round_up_to(asked, p ? p->pub.unit_bytes : 1);
	if (!asked || *size == v->pub.size_bytes) {
		*size = 0;
		return false;
	}
	if (asked < v->pub.size_bytes)
		reply_later(e, done, arg, ENGINE_NOT_SUPPORTED,
			    "volume %s cannot shrink from %" PRIu64 " to %" PRIu64 " bytes",
			    v->pub.name, v->pub.size_bytes, asked);
	else if (v->pub.nr_as_source || v->pub.nr_as_target || v->pins)
		reply_later(e, done, arg, ENGINE_IN_USE,
			    "volume %s cannot grow while it is an end of a relation", v->pub.name);
	else if (p && *size - v->pub.size_bytes > p->pub.remaining_bytes)
		reply_size(e, p, *size - v->pub.size_bytes, done, arg);
	else
		return false;
	return true;
}

void engine_volume_modify(struct engine *e, const char *uuid, const char *name,
			  const char *description, uint64_t size_bytes, engine_done_fn done,
			  void *arg)
{
	struct volume *v = volume_find(e, uuid);
	struct backend_request req;
	char why[WHY_LEN] = "";
	struct volume_call *c;

	if (engine_not_ready(e))
		return reply_later(e, done, arg, ENGINE_UNAVAILABLE, "%s", engine_not_ready(e));
	if (!v)
		return reply_later(e, done, arg, ENGINE_NOT_FOUND, "there is no volume %s", uuid);
	if (v->busy || v->phase != VOLUME_PRESENT)
		return reply_later(e, done, arg, ENGINE_IN_USE,
				   "volume %s is being changed by another request", v->pub.name);
	if (name && !name_ok(name, why, sizeof(why)))
		return reply_later(e, done, arg, ENGINE_INVALID_PARAMETER, "%s", why);
	if (name && name_taken(e, name, v))
		return reply_later(e, done, arg, ENGINE_EXISTS, "there is a volume %s already",
				   name);
	if (size_refused(e, v, &size_bytes, done, arg))
		return;
	c = call_new(e, v, done, arg);
	c->name = name ? xstrdup(name) : NULL;
	c->description = description ? xstrdup(description) : NULL;
	v->busy = true;
	if (!size_bytes && (!name || !strcmp(name, v->pub.name))) {
		/* nothing but the database: still answered from the loop */
		backend_req(&req, BACKEND_VOLUME_LINK, v->pub.uuid);
		req.name = v->pub.name;
		backend_call(e, &req, link_done, c);
	} else if (size_bytes) {
		backend_req(&req, BACKEND_VOLUME_GROW, v->pub.uuid);
		req.size_bytes = size_bytes;
		backend_call(e, &req, grow_done, c);
	} else {
		rename_volume(c, v);
	}
}

/* ---- delete */

static void delete_done(const struct backend_reply *reply, void *arg)
{
	CLEANUP(call_free) struct volume_call *c = arg;
	struct engine *e = c->e;
	struct volume *v = volume_find(e, c->uuid);

	v->busy = false;
	if (reply->error == -ENOTCONN || e->stopping) {
		reply_now(c->done, c->arg, ENGINE_UNAVAILABLE, reply->reason);
		return; /* the row says DELETING: reconcile finishes it */
	}
	db_begin(e);
	if (!reply->error) {
		pool_account(e, v, -(int64_t)v->pub.size_bytes);
		volume_drop(e, v);
	} else {
		v->phase = VOLUME_PRESENT;
		v->pub.status = ENGINE_VOLUME_OK;
		db_save_volume(e, v);
		notify(e, ENGINE_OBJ_VOLUME, ENGINE_CHANGED, &v->pub);
	}
	db_commit(e);
	reply_now(c->done, c->arg, rc_of_errno(reply->error), reply->error ? reply->reason : "");
}

static void start_delete(struct engine *e, struct volume *v, engine_done_fn done, void *arg)
{
	struct volume_call *c = call_new(e, v, done, arg);
	struct backend_request req;

	v->busy = true;
	backend_req(&req, BACKEND_VOLUME_DELETE, v->pub.uuid);
	backend_call(e, &req, delete_done, c);
}

void volume_retry_delete(struct engine *e, struct volume *v)
{
	start_delete(e, v, NULL, NULL);
}

void engine_volume_delete(struct engine *e, const char *uuid, engine_done_fn done, void *arg)
{
	struct volume *v = volume_find(e, uuid);
	enum volume_phase before;
	struct relation *r;

	if (engine_not_ready(e))
		return reply_later(e, done, arg, ENGINE_UNAVAILABLE, "%s", engine_not_ready(e));
	if (!v)
		return reply_later(e, done, arg, ENGINE_NOT_FOUND, "there is no volume %s", uuid);
	if (v->busy || v->pins)
		return reply_later(e, done, arg, ENGINE_IN_USE,
				   "volume %s is being changed by another request", v->pub.name);
	r = v->pub.is_snapshot ? relation_of_target(e, v) : NULL;
	if (r) {
		const char *snapshot = r->pub.uuid;

		return engine_relation_op(e, ENGINE_OP_RETURN, NULL, &snapshot, 1, false, done,
					  arg);
	}
	if (snapshots_of(e, v))
		return reply_later(e, done, arg, ENGINE_IN_USE,
				   "volume %s has snapshots (%u): return them to the pool first",
				   v->pub.name, snapshots_of(e, v));
	if (v->pub.nr_as_source || v->pub.nr_as_target)
		return reply_later(e, done, arg, ENGINE_IN_USE,
				   "volume %s is the %s of a relation: detach it first",
				   v->pub.name, v->pub.nr_as_target ? "target" : "source");
	before = v->phase;
	v->phase = VOLUME_DELETING;
	db_begin(e);
	db_save_volume(e, v);
	if (db_commit(e)) {
		v->phase = before;
		return reply_later(e, done, arg, ENGINE_FAILED, "the database cannot be written");
	}
	v->pub.status = ENGINE_VOLUME_DELETING;
	start_delete(e, v, done, arg);
}

/* ---- inventory */

void volume_seen(struct engine *e, const struct backend_volume *bv)
{
	struct volume *v = volume_find(e, bv->uuid);
	const char *kind = *bv->snapshot_of ? "snapshot" : "volume";
	char name[ENGINE_NAME_MAX + 1];
	bool new = !v;

	if (new) {
		snprintf(name, sizeof(name), "%s-%.8s", kind, bv->uuid);
		if (name_taken(e, name, NULL))
			snprintf(name, sizeof(name), "%s-%.23s", kind, bv->uuid);
		v = volume_new(e, bv->uuid, 0, name);
		v->phase = VOLUME_PRESENT;
		v->pub.created_us = now_us();
		jobs_affecting(e, v);
		log_notice("%s %s (%s) is not in the database: taken over", kind, name, bv->uuid);
	}
	v->seen = true;
	if (v->busy && !new)
		return;
	if (v->pub.id != bv->id && !volume_set_id(e, v, bv->id))
		log_err("volume %s: its id %u is another volume's", v->pub.name, bv->id);
	v->pub.size_bytes = bv->size_bytes;
	v->pub.in_use = bv->is_open;
	volume_set_pool(e, v, bv->pool);
	snprintf(v->clone_of, sizeof(v->clone_of), "%s", bv->clone_of);
	v->pub.is_snapshot = *bv->snapshot_of;
	if (v->phase == VOLUME_PRESENT && *v->pub.lost)
		v->pub.status = ENGINE_VOLUME_LOST;
	else if (v->phase == VOLUME_PRESENT)
		v->pub.status = bv->has_device ? ENGINE_VOLUME_OK : ENGINE_VOLUME_ERROR;
	db_save_volume(e, v);
	notify(e, ENGINE_OBJ_VOLUME, new ? ENGINE_CREATED : ENGINE_CHANGED, &v->pub);
}

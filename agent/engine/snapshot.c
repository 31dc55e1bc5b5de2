// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * snapshot.c - what is different about volumes that are snapshots.
 *
 * A snapshot has no logical volume: the kernel's store has all of it, its uuid is that of its
 * relation, and its device is a table over store and source. So the kernel is the truth about which
 * there are; one that somebody else made is shown like ours. Loop thread only.
 */
#include "engine/model.h"

struct volume *snapshot_plan(struct engine *e, const char *uuid, const char *name,
			     const struct volume *source, char *why, size_t why_size)
{
	uint32_t id = snapshot_unused_id(e);
	struct volume *v;

	if (!id) {
		refused(why, why_size, "the node has %u snapshots, which is all it can have",
			e->ops->max_snapshot_id - e->ops->max_volume_id);
		return NULL;
	}
	v = volume_new(e, uuid, id, name);
	v->phase = VOLUME_CREATING;
	v->pub.status = ENGINE_VOLUME_CREATING;
	v->pub.size_bytes = source->pub.size_bytes;
	v->pub.created_us = now_us();
	volume_set_pool(e, v, source->pool_uuid);
	return v;
}

void snapshot_link(struct engine *e, const struct volume *v, backend_done_fn done, void *arg)
{
	struct backend_request req;

	backend_req(&req, BACKEND_VOLUME_LINK, v->pub.uuid);
	req.name = v->pub.name;
	e->ops->call(e->backend, &req, done, arg);
}

unsigned int snapshots_of(struct engine *e, const struct volume *source)
{
	unsigned int n = 0;
	struct relation *r;

	TAILQ_FOREACH(r, &e->relations, link)
	n += r->source == source && relation_is_snapshot(r);
	return n;
}

void snapshot_judge(struct engine *e, struct relation *r)
{
	struct volume *v = r->target;
	bool lost = r->pub.state == ENGINE_RELATION_FAILED;

	if (!relation_is_snapshot(r) || v->phase != VOLUME_PRESENT || lost == !!*v->pub.lost)
		return;
	set_str(&v->pub.lost, !lost ? "" : *r->pub.reason ? r->pub.reason : strerror(r->pub.error));
	v->pub.status = lost ? ENGINE_VOLUME_LOST : ENGINE_VOLUME_OK;
	if (lost)
		log_warn("snapshot %s of %s is lost: %s", v->pub.name, r->source->pub.name,
			 v->pub.lost);
	notify(e, ENGINE_OBJ_VOLUME, ENGINE_CHANGED, &v->pub);
}

/* ---- space */

static uint64_t space_of(const struct backend_reply *reply, uint32_t id)
{
	for (size_t i = 0; i < reply->nr_spaces; i++)
		if (reply->spaces[i].id == id)
			return reply->spaces[i].kept_bytes;
	return 0;
}

/* Of what all share, and what was written to it. */
static uint64_t part_of(struct engine *e, const struct backend_reply *reply,
			const struct relation *r)
{
	return space_of(reply, r->source->pub.id) / snapshots_of(e, r->source) +
	       space_of(reply, r->target->pub.id);
}

static void on_spaces(const struct backend_reply *reply, void *arg)
{
	struct engine *e = arg;
	struct relation *r;

	if (reply->error || e->stopping)
		return;
	TAILQ_FOREACH(r, &e->relations, link)
	{
		uint64_t part;

		if (!relation_is_snapshot(r))
			continue;
		part = part_of(e, reply, r);
		if (part == r->target->pub.kept_bytes)
			continue;
		r->target->pub.kept_bytes = part;
		notify(e, ENGINE_OBJ_VOLUME, ENGINE_PROGRESS, &r->target->pub);
	}
}

void snapshot_spaces(struct engine *e)
{
	struct backend_request req;
	struct relation *r;

	if (e->stopping || !e->is_ready)
		return;
	TAILQ_FOREACH(r, &e->relations, link)
	if (relation_is_snapshot(r))
		break;
	if (!r)
		return;
	backend_req(&req, BACKEND_SPACE_LIST, NULL);
	backend_call(e, &req, on_spaces, e);
}

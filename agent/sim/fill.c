// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fill.c - see sim.h. One step at a time, each begun when the one before has been answered.
 */
#include "sim/sim.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/vec.h"

#define NAME_LEN (ENGINE_NAME_MAX + 16)

enum stage {
	STAGE_UNNAMED, /* [sim] volumes */
	STAGE_VOLUMES,
	STAGE_GROUPS,
	STAGE_REPLICAS,
	STAGE_OVER
};

struct uuids {
	const char **v;
	size_t n, cap;
};

struct fill {
	struct engine *e;
	const struct smisd_config *cfg;
	sim_done_fn done;
	void *arg;
	enum stage stage;
	size_t item; /* of the stage */
	uint32_t nr; /* of the volumes of an item that are made */
	char where[NAME_LEN + 16]; /* the section */
};

static void next(struct fill *f);

static void over(struct fill *f, int error, const char *why)
{
	char text[512];

	snprintf(text, sizeof(text), "%s: %s", f->where, why);
	f->done(error, error ? text : "", f->arg);
	free(f);
}

static void on_step(const struct engine_result *res, void *arg)
{
	struct fill *f = arg;

	if (res->rc == ENGINE_OK || res->rc == ENGINE_JOB_STARTED)
		next(f);
	else
		over(f, -EINVAL, res->why);
}

/* ---- volumes */

static const char *pool_uuid(struct engine *e, const char *name)
{
	for (const struct engine_pool *p = NULL; (p = engine_pool_next(e, p));)
		if (!strcmp(p->name, name))
			return p->uuid;
	return name; /* which will be refused by that name */
}

static void make_volume(struct fill *f, const char *name, uint64_t size, const char *pool)
{
	struct engine_volume_spec spec = {
		.name = name,
		.size_bytes = size ? size : f->cfg->sim.volume_bytes,
		.pool_uuid = *pool ? pool_uuid(f->e, pool) : NULL,
	};

	engine_volume_create(f->e, &spec, on_step, f);
}

static bool unnamed_volume(struct fill *f)
{
	char name[NAME_LEN];

	if (f->nr == f->cfg->sim.volumes)
		return false;
	snprintf(f->where, sizeof(f->where), "[sim] volumes");
	snprintf(name, sizeof(name), "vol%05u", ++f->nr);
	make_volume(f, name, 0, "");
	return true;
}

static bool named_volume(struct fill *f)
{
	const struct config_volume *v;
	char name[NAME_LEN];

	if (f->item == f->cfg->nr_volumes)
		return false;
	v = &f->cfg->volumes[f->item];
	snprintf(f->where, sizeof(f->where), "[volume %s]", v->name);
	f->nr++;
	if (v->count == 1)
		snprintf(name, sizeof(name), "%s", v->name);
	else
		snprintf(name, sizeof(name), "%s%u", v->name, f->nr);
	if (f->nr == v->count) {
		f->nr = 0;
		f->item++;
	}
	make_volume(f, name, v->size_bytes, v->pool);
	return true;
}

/* ---- groups */

/* False: a word of the list names no volume. */
static bool find_members(struct fill *f, const char *word, struct uuids *found)
{
	size_t before = found->n;

	for (const struct engine_volume *v = NULL; (v = engine_volume_next(f->e, v));)
		if (!fnmatch(word, v->name, 0))
			vec_push(found, v->uuid);
	return found->n > before;
}

static bool group(struct fill *f)
{
	const struct engine_group *made;
	const struct config_group *g;
	struct uuids found = VEC_INIT;
	char *list, *at, why[384] = "", *word;
	enum engine_rc rc = ENGINE_OK;

	if (f->item == f->cfg->nr_groups)
		return false;
	g = &f->cfg->groups[f->item++];
	snprintf(f->where, sizeof(f->where), "[group %s]", g->name);
	list = at = xstrdup(g->members);
	while (rc == ENGINE_OK && (word = strsep(&at, " \t,")))
		if (*word && !find_members(f, word, &found)) {
			snprintf(why, sizeof(why), "no volume is called %s", word);
			rc = ENGINE_NOT_FOUND;
		}
	if (rc == ENGINE_OK)
		rc = engine_group_create(f->e, g->name, NULL, (const char *const *)found.v, found.n,
					 &made, why, sizeof(why));
	vec_done(&found);
	free(list);
	if (rc == ENGINE_OK)
		next(f);
	else
		over(f, -EINVAL, why);
	return true;
}

/* ---- replicas */

static bool replica(struct fill *f)
{
	const struct config_replica *r;
	const struct engine_group *g;
	const struct engine_volume *v;
	struct engine_pair_spec pair = { 0 };
	struct engine_replica_spec spec = { .sync_type = ENGINE_SYNC_CLONE };

	if (f->item == f->cfg->nr_replicas)
		return false;
	r = &f->cfg->replicas[f->item++];
	snprintf(f->where, sizeof(f->where), "[replica %s]", r->name);
	g = *r->group ? engine_group_by_name(f->e, r->group) : NULL;
	v = *r->volume ? engine_volume_by_name(f->e, r->volume) : NULL;
	if (!g && !v) {
		over(f, -EINVAL, "its source is not there");
		return true;
	}
	spec.method = g ? "CreateGroupReplica" : "CreateElementReplica";
	spec.read_only = !strcmp(r->mode, "read-only-snapshot");
	if (spec.read_only || !strcmp(r->mode, "snapshot"))
		spec.sync_type = ENGINE_SYNC_SNAPSHOT;
	spec.mode = strcmp(r->mode, "attached") ? ENGINE_MODE_SYNC : ENGINE_MODE_ASYNC;
	spec.relationship_name = r->name;
	if (g) {
		spec.source_group_id = g->id;
	} else {
		pair.source_uuid = v->uuid;
		spec.pairs = &pair;
		spec.nr_pairs = 1;
	}
	engine_replica_create(f->e, &spec, on_step, f);
	return true;
}

static void next(struct fill *f)
{
	static bool (*const stages[])(struct fill *) = {
		[STAGE_UNNAMED] = unnamed_volume,
		[STAGE_VOLUMES] = named_volume,
		[STAGE_GROUPS] = group,
		[STAGE_REPLICAS] = replica,
	};

	for (; f->stage < STAGE_OVER; f->stage++, f->item = 0, f->nr = 0)
		if (stages[f->stage](f))
			return;
	over(f, 0, "");
}

void sim_fill(struct engine *e, const struct smisd_config *cfg, sim_done_fn done, void *arg)
{
	struct fill *f = new0(struct fill);

	f->e = e;
	f->cfg = cfg;
	f->done = done;
	f->arg = arg;
	if (engine_volume_next(e, NULL) || engine_group_next(e, NULL) || engine_job_next(e, NULL))
		f->stage = STAGE_OVER;
	next(f);
}

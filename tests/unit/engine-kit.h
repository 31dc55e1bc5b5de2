// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * engine-kit.h - what the engine's unit tests share: an engine on a simulated node in a
 * directory of its own, and calls that run the loop until they are answered.
 *
 * Included by one .c per program; its clock stands still but for kit_copy().
 */
#ifndef TESTS_UNIT_ENGINE_KIT_H
#define TESTS_UNIT_ENGINE_KIT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/vec.h"
#include "sim/fate.h"
#include "engine/config.h"
#include "engine/engine.h"

#define MIB	   (1ull << 20)
#define DEADLINE_S 20

struct kit {
	char dir[64];
	struct smisd_config cfg;
	sd_event *loop;
	struct engine *e;
	enum engine_rc ready_rc;
	bool ready;
};

/* A result, copied so that it outlives its callback. */
struct got {
	bool done;
	enum engine_rc rc;
	char why[512], volume[40], job[40], set[40], target_group[40];
	char jobs[8][40], relations[8][40], targets[8][40];
	size_t nr_jobs, nr_relations, nr_targets;
	uint64_t size_bytes;
	bool password_ok, role_write;
};

static void kit_keep(char out[40], const char *id)
{
	snprintf(out, 40, "%s", id);
}

static void kit_done(const struct engine_result *res, void *arg)
{
	struct got *g = arg;

	assert_false(g->done);
	g->done = true;
	g->rc = res->rc;
	snprintf(g->why, sizeof(g->why), "%s", res->why);
	g->size_bytes = res->size_bytes;
	g->password_ok = res->has_password_ok;
	g->role_write = res->role_write;
	if (res->volume)
		kit_keep(g->volume, res->volume->uuid);
	if (res->job)
		kit_keep(g->job, res->job->id);
	if (res->set)
		kit_keep(g->set, res->set->uuid);
	if (res->target_group)
		kit_keep(g->target_group, res->target_group->id);
	g->nr_jobs = res->nr_jobs;
	for (size_t i = 0; i < res->nr_jobs && i < 8; i++)
		kit_keep(g->jobs[i], res->jobs[i]->id);
	g->nr_relations = res->nr_relations;
	for (size_t i = 0; i < res->nr_relations && i < 8; i++)
		kit_keep(g->relations[i], res->relations[i]->uuid);
	g->nr_targets = res->nr_targets;
	for (size_t i = 0; i < res->nr_targets && i < 8; i++)
		kit_keep(g->targets[i], res->targets[i]->uuid);
}

/* Runs the loop until *flag; fails the test after the deadline. */
static void kit_until(struct kit *k, const bool *flag)
{
	time_t end = time(NULL) + DEADLINE_S;

	while (!*flag) {
		assert_true(time(NULL) < end);
		assert_true(sd_event_run(k->loop, 100000) >= 0);
	}
}

/* Lets everything that is queued happen. */
static void kit_settle(struct kit *k)
{
	for (unsigned int idle = 0; idle < 3;)
		idle = sd_event_run(k->loop, 2000) > 0 ? 0 : idle + 1;
}

static void kit_on_ready(const struct engine_result *res, void *arg)
{
	struct kit *k = arg;

	k->ready = true;
	k->ready_rc = res->rc;
}

static void kit_start(struct kit *k)
{
	char why[512] = "";

	k->ready = false;
	assert_true(sd_event_new(&k->loop) >= 0);
	if (engine_start(k->loop, &k->cfg, kit_on_ready, k, &k->e, why, sizeof(why)))
		fail_msg("engine_start: %s", why);
	kit_until(k, &k->ready);
	assert_int_equal(k->ready_rc, ENGINE_OK);
}

static void kit_stop(struct kit *k)
{
	engine_stop(k->e);
	k->e = NULL;
	k->loop = sd_event_unref(k->loop);
}

static void kit_config(struct kit *k, const char *extra)
{
	char path[96], why[512] = "";
	FILE *f;

	snprintf(k->dir, sizeof(k->dir), "%s/engine-test.XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	assert_non_null(mkdtemp(k->dir));
	snprintf(path, sizeof(path), "%s/smisd.conf", k->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f,
		"[server]\nsystem-name = test\n[engine]\nbackend = sim\nstate-dir = %s\n"
		"[sim]\npool-size = 1G\nrate = 64M\n%s\n"
		"[pool fast]\nvg = vg0\n[pool bulk]\nvg = vg1\n",
		k->dir, extra);
	fclose(f);
	if (config_load(&k->cfg, path, why, sizeof(why)))
		fail_msg("config: %s", why);
}

static void kit_remove(struct kit *k)
{
	char cmd[128];

	config_free(&k->cfg);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", k->dir);
	assert_int_equal(system(cmd), 0);
}

__attribute__((unused)) static int kit_setup(void **state)
{
	struct kit *k = calloc(1, sizeof(*k));

	log_init("test", LOG_CRIT);
	sim_manual_clock(true);
	sim_disconnected(false);
	for (int op = 0; op < BACKEND_NR_OPS; op++)
		sim_fail(op, 0, 0, "");
	kit_config(k, "");
	kit_start(k);
	*state = k;
	return 0;
}

__attribute__((unused)) static int kit_teardown(void **state)
{
	struct kit *k = *state;

	kit_stop(k);
	kit_remove(k);
	free(k);
	return 0;
}

__attribute__((unused)) static void kit_restart(struct kit *k)
{
	kit_stop(k);
	kit_start(k);
}

/* Copies go on for so many milliseconds; then all that follows happens. */
__attribute__((unused)) static void kit_copy(struct kit *k, uint64_t ms)
{
	sim_advance(ms * 1000);
	kit_settle(k);
}

__attribute__((unused)) static struct got kit_volume_in(struct kit *k, const char *name,
							uint64_t size, const char *pool)
{
	struct engine_volume_spec spec = { .name = name, .size_bytes = size, .pool_uuid = pool };
	struct got g = { 0 };

	engine_volume_create(k->e, &spec, kit_done, &g);
	kit_until(k, &g.done);
	return g;
}

__attribute__((unused)) static const char *kit_pool(struct kit *k, unsigned int n)
{
	const struct engine_pool *p = engine_pool_next(k->e, NULL); /* primordial */

	for (unsigned int i = 0; i <= n; i++)
		p = engine_pool_next(k->e, p);
	return p->uuid;
}

/* In pool "fast"; must succeed. The uuid is the caller's to free. */
__attribute__((unused)) static char *kit_volume(struct kit *k, const char *name, uint64_t size)
{
	struct got g = kit_volume_in(k, name, size, kit_pool(k, 0));

	if (g.rc != ENGINE_OK)
		fail_msg("volume %s: %s", name, g.why);
	return strdup(g.volume);
}

__attribute__((unused)) static struct got kit_delete(struct kit *k, const char *uuid)
{
	struct got g = { 0 };

	engine_volume_delete(k->e, uuid, kit_done, &g);
	kit_until(k, &g.done);
	return g;
}

__attribute__((unused)) static const struct engine_group *
kit_group(struct kit *k, const char *name, const char *const *uuids, size_t nr)
{
	const struct engine_group *g = NULL;
	char why[512] = "";

	if (engine_group_create(k->e, name, NULL, uuids, nr, &g, why, sizeof(why)) != ENGINE_OK)
		fail_msg("group %s: %s", name, why);
	return g;
}

__attribute__((unused)) static struct got kit_replica(struct kit *k,
						      const struct engine_replica_spec *spec)
{
	struct got g = { 0 };

	engine_replica_create(k->e, spec, kit_done, &g);
	kit_until(k, &g.done);
	return g;
}

__attribute__((unused)) static struct got kit_clone(struct kit *k, const char *source,
						    const char *target, uint16_t mode)
{
	struct engine_pair_spec pair = { .source_uuid = source, .target_uuid = target };
	struct engine_replica_spec spec = { .method = "CreateElementReplica",
					    .pairs = &pair,
					    .nr_pairs = 1,
					    .sync_type = 8,
					    .mode = mode };

	return kit_replica(k, &spec);
}

__attribute__((unused)) static struct got kit_op(struct kit *k, uint16_t op, const char *relation,
						 bool force)
{
	struct got g = { 0 };

	engine_relation_op(k->e, op, NULL, &relation, 1, force, kit_done, &g);
	kit_until(k, &g.done);
	return g;
}

__attribute__((unused)) static struct got kit_job_change(struct kit *k, const char *id,
							 uint16_t state)
{
	struct got g = { 0 };

	engine_job_change(k->e, id, state, kit_done, &g);
	kit_until(k, &g.done);
	return g;
}

#endif

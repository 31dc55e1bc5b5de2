// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-engine.c - the engine on a simulated node: volumes, groups, clones, jobs, restarts.
 * Refusals are in test-engine-refuse.c, kills in test-engine-crash.c.
 */
#include "engine-kit.h"

#include <errno.h>
#include <sqlite3.h>
#include <unistd.h>

static const struct engine_job *job(struct kit *k, const char *id)
{
	const struct engine_job *j = engine_job_by_id(k->e, id);

	assert_non_null(j);
	return j;
}

static void test_volume_life(void **state)
{
	struct kit *k = *state;
	char *u = kit_volume(k, "data one", 5 * MIB);
	const struct engine_volume *v = engine_volume_by_uuid(k->e, u);
	const struct engine_pool *p = v->pool;
	struct got g = { 0 };

	assert_string_equal(v->name, "data one");
	assert_int_equal(v->size_bytes, 8 * MIB); /* a multiple of the unit */
	assert_int_equal(v->status, ENGINE_VOLUME_OK);
	assert_int_equal(strlen(v->naa), 16);
	assert_string_equal(p->name, "fast");
	assert_int_equal(p->remaining_bytes, 1024 * MIB - 8 * MIB);

	engine_volume_modify(k->e, u, "data two", "a text", 20 * MIB, kit_done, &g);
	kit_until(k, &g.done);
	assert_int_equal(g.rc, ENGINE_OK);
	assert_int_equal(g.size_bytes, 20 * MIB);
	kit_restart(k);
	v = engine_volume_by_uuid(k->e, u);
	assert_string_equal(v->name, "data two");
	assert_string_equal(v->description, "a text");
	assert_int_equal(v->size_bytes, 20 * MIB);
	assert_int_equal(v->pool->remaining_bytes, 1024 * MIB - 20 * MIB);

	g = kit_delete(k, u);
	assert_int_equal(g.rc, ENGINE_OK);
	assert_null(engine_volume_by_uuid(k->e, u));
	assert_int_equal(sim_nr_volumes(), 0);
	free(u);
}

static void test_group_life(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 4 * MIB), *b = kit_volume(k, "b", 4 * MIB);
	const char *two[] = { b, a };
	const struct engine_group *g = kit_group(k, "set", two, 2);
	char id[40], why[512];

	kit_keep(id, g->id);
	assert_int_equal(g->nr_members, 2);
	assert_int_equal(engine_group_add(k->e, id, two, 1, why, sizeof(why)),
			 ENGINE_INVALID_PARAMETER);
	assert_non_null(strstr(why, "b is listed twice"));
	kit_restart(k);
	g = engine_group_by_name(k->e, "set");
	assert_string_equal(g->id, id);
	assert_string_equal(g->members[0]->uuid, b);
	assert_string_equal(g->members[1]->uuid, a);
	assert_int_equal(engine_group_remove(k->e, id, two, 1, why, sizeof(why)), ENGINE_OK);
	assert_int_equal(engine_group_delete(k->e, id, false, why, sizeof(why)), ENGINE_IN_USE);
	assert_int_equal(kit_delete(k, a).rc, ENGINE_OK); /* leaves the group */
	assert_int_equal(engine_group_by_id(k->e, id)->nr_members, 0);
	assert_int_equal(engine_group_delete(k->e, id, false, why, sizeof(why)), ENGINE_OK);
	kit_restart(k);
	assert_null(engine_group_by_id(k->e, id));
	free(a);
	free(b);
}

static void test_clone_independent(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 64 * MIB), *b = kit_volume(k, "b", 64 * MIB);
	struct got g = kit_clone(k, a, b, 0);
	const struct engine_relation *r;

	assert_int_equal(g.rc, ENGINE_JOB_STARTED);
	assert_int_equal(g.nr_jobs, 1);
	assert_string_equal(g.jobs[0], g.job);
	assert_int_equal(g.nr_relations, 1);
	r = engine_relation_by_ends(k->e, a, b);
	assert_non_null(r);
	assert_int_equal(r->mode, ENGINE_MODE_SYNC);
	assert_int_equal(r->state, ENGINE_COPYING);
	assert_int_equal(job(k, g.job)->state, ENGINE_JOB_RUNNING);
	assert_string_equal(sim_dm_table(b), "clone");
	kit_copy(k, 500);
	assert_int_equal(job(k, g.job)->percent, 50);
	assert_int_equal(engine_relation_percent(engine_relation_by_ends(k->e, a, b)), 50);
	assert_int_equal(job(k, g.job)->nr_affected, 2);
	kit_copy(k, 500);
	/* detached by itself: the association is gone, both are ordinary volumes */
	assert_null(engine_relation_by_ends(k->e, a, b));
	assert_null(engine_set_next(k->e, NULL));
	assert_int_equal(job(k, g.job)->state, ENGINE_JOB_COMPLETED);
	assert_int_equal(job(k, g.job)->percent, 100);
	assert_string_equal(sim_dm_table(b), "source");
	assert_int_equal(sim_nr_relations(), 0);
	kit_restart(k);
	assert_int_equal(job(k, g.job)->state, ENGINE_JOB_COMPLETED);
	assert_int_equal(job(k, g.job)->percent, 100);
	assert_int_equal(kit_delete(k, b).rc, ENGINE_OK);
	free(a);
	free(b);
}

static void test_clone_attached(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 64 * MIB), *b = kit_volume(k, "b", 64 * MIB);
	struct engine_pair_spec pair = { .source_uuid = a, .target_uuid = b };
	struct engine_replica_spec spec = {
		.pairs = &pair, .nr_pairs = 1, .sync_type = 8, .wait_copy_state = 8
	};
	struct got g = kit_replica(k, &spec);
	const struct engine_relation *r;

	kit_copy(k, 1500);
	r = engine_relation_by_ends(k->e, a, b);
	assert_non_null(r);
	assert_int_equal(r->mode, ENGINE_MODE_ASYNC);
	assert_int_equal(r->state, ENGINE_SYNCHRONIZED);
	assert_int_not_equal(r->when_synchronized_us, 0);
	assert_int_equal(engine_state_copy_state(r->state), 4);
	assert_int_equal(engine_state_sync_state(r->state), 14);
	assert_int_equal(job(k, g.job)->state, ENGINE_JOB_COMPLETED);
	assert_int_equal(kit_delete(k, b).rc, ENGINE_IN_USE);
	assert_int_equal(kit_delete(k, a).rc, ENGINE_IN_USE);
	kit_restart(k);
	assert_non_null(engine_relation_by_ends(k->e, a, b));
	g = kit_op(k, ENGINE_OP_DETACH, g.relations[0], false);
	assert_int_equal(g.rc, ENGINE_OK);
	assert_null(engine_relation_by_ends(k->e, a, b));
	assert_string_equal(sim_dm_table(b), "source");
	assert_int_equal(kit_delete(k, b).rc, ENGINE_OK);
	free(a);
	free(b);
}

static void test_group_replica_makes_targets(void **state)
{
	struct kit *k = *state;
	char *v[3] = { kit_volume(k, "a", 32 * MIB), kit_volume(k, "b", 64 * MIB),
		       kit_volume(k, "c", 128 * MIB) };
	const struct engine_group *sg = kit_group(k, "src", (const char *const *)v, 3), *tg;
	struct engine_replica_spec spec = { .method = "CreateGroupReplica",
					    .source_group_id = sg->id,
					    .sync_type = 8,
					    .mode = 3,
					    .relationship_name = "nightly" };
	struct got g = kit_replica(k, &spec);
	const struct engine_set *s;

	assert_int_equal(g.rc, ENGINE_JOB_STARTED);
	assert_int_equal(g.nr_jobs, 3);
	assert_int_equal(g.nr_relations, 3);
	assert_int_equal(g.nr_targets, 3);
	tg = engine_group_by_id(k->e, g.target_group);
	assert_string_equal(tg->name, "nightly");
	assert_string_equal(tg->members[1]->name, "nightly_2");
	assert_int_equal(tg->members[1]->size_bytes, 64 * MIB);
	s = engine_set_by_groups(k->e, sg->id, tg->id);
	assert_non_null(s);
	assert_int_equal(s->nr_relations, 3);
	assert_string_equal(s->relations[2]->source->name, "c");
	assert_int_equal(s->copy_state, 3);

	kit_copy(k, 1000); /* a and b are complete, c is half way */
	s = engine_set_by_groups(k->e, sg->id, tg->id);
	assert_int_equal(s->copy_state, 14);
	assert_int_equal(s->copied_bytes, 160 * MIB);
	assert_int_equal(job(k, g.job)->percent, 160 * 100 / 224);
	assert_int_equal(job(k, g.job)->state, ENGINE_JOB_RUNNING);
	assert_int_equal(job(k, g.jobs[0])->state, ENGINE_JOB_COMPLETED);
	assert_int_equal(job(k, g.jobs[2])->percent, 50);
	assert_ptr_equal(job(k, g.jobs[2])->parent, job(k, g.job));
	kit_copy(k, 1000);
	s = engine_set_by_groups(k->e, sg->id, tg->id);
	assert_int_equal(s->copy_state, 4);
	assert_int_equal(job(k, g.job)->state, ENGINE_JOB_COMPLETED);
	assert_int_equal(job(k, g.job)->percent, 100);
	{
		char why[512], group[40];
		struct got d = { 0 };

		kit_keep(group, g.target_group);
		assert_int_equal(engine_group_delete(k->e, group, true, why, sizeof(why)),
				 ENGINE_IN_USE);
		engine_relation_op(k->e, ENGINE_OP_DETACH, g.set, NULL, 0, false, kit_done, &d);
		kit_until(k, &d.done);
		assert_int_equal(d.rc, ENGINE_OK);
		assert_null(engine_set_next(k->e, NULL));
		assert_null(engine_relation_next(k->e, NULL));
		assert_int_equal(engine_group_delete(k->e, group, true, why, sizeof(why)),
				 ENGINE_OK);
	}
	for (int i = 0; i < 3; i++)
		free(v[i]);
}

static void test_empty_target_group_is_filled(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 32 * MIB);
	const struct engine_group *sg = kit_group(k, "src", (const char *const *)&a, 1);
	const struct engine_group *tg = kit_group(k, "dst", NULL, 0);
	struct engine_replica_spec spec = { .source_group_id = sg->id,
					    .target_group_id = tg->id,
					    .sync_type = 8,
					    .wait_copy_state = 4 };
	struct got g = kit_replica(k, &spec);

	assert_int_equal(g.rc, ENGINE_JOB_STARTED);
	assert_string_equal(g.target_group, tg->id);
	assert_int_equal(engine_group_by_name(k->e, "dst")->nr_members, 1);
	kit_copy(k, 1000);
	assert_int_equal(job(k, g.job)->state, ENGINE_JOB_COMPLETED);
	assert_null(engine_set_next(k->e, NULL));
	kit_restart(k);
	assert_int_equal(engine_group_by_name(k->e, "dst")->nr_members, 1);
	free(a);
}

static void test_suspend_resume_abort(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 64 * MIB), *b = kit_volume(k, "b", 64 * MIB);
	struct got g = kit_clone(k, a, b, 0), r;

	kit_copy(k, 250);
	assert_int_equal(kit_job_change(k, g.job, 3).rc, ENGINE_OK);
	assert_int_equal(job(k, g.job)->state, ENGINE_JOB_SUSPENDED);
	assert_int_equal(engine_relation_by_ends(k->e, a, b)->state, ENGINE_SUSPENDED);
	kit_copy(k, 1000);
	assert_int_equal(job(k, g.job)->percent, 25);
	kit_restart(k);
	assert_int_equal(job(k, g.job)->state, ENGINE_JOB_SUSPENDED);
	assert_int_equal(job(k, g.job)->percent, 25);
	assert_int_equal(kit_op(k, ENGINE_OP_RESUME, g.relations[0], false).rc, ENGINE_OK);
	assert_int_equal(job(k, g.job)->state, ENGINE_JOB_RUNNING);
	r = kit_op(k, ENGINE_OP_DETACH, g.relations[0], false);
	assert_int_equal(r.rc, ENGINE_FAILED); /* unfinished, without Force */
	assert_non_null(strstr(r.why, "Force"));
	assert_int_equal(kit_job_change(k, g.job, 4).rc, ENGINE_OK);
	assert_int_equal(job(k, g.job)->state, ENGINE_JOB_TERMINATED);
	assert_int_equal(engine_relation_by_ends(k->e, a, b)->state, ENGINE_ABORTED);
	assert_int_equal(kit_job_change(k, g.job, 2).rc, ENGINE_FAILED); /* it has ended */
	assert_int_equal(kit_op(k, ENGINE_OP_DETACH, g.relations[0], false).rc, ENGINE_OK);
	assert_int_equal(job(k, g.job)->state, ENGINE_JOB_TERMINATED);
	assert_string_equal(sim_dm_table(b), "source");
	free(a);
	free(b);
}

static void test_forced_detach(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 64 * MIB), *b = kit_volume(k, "b", 64 * MIB);
	struct got g = kit_clone(k, a, b, 0);

	kit_copy(k, 250);
	assert_int_equal(kit_op(k, ENGINE_OP_DETACH, g.relations[0], true).rc, ENGINE_OK);
	assert_int_equal(job(k, g.job)->state, ENGINE_JOB_TERMINATED);
	assert_int_equal(job(k, g.job)->percent, 25);
	assert_null(engine_relation_next(k->e, NULL));
	free(a);
	free(b);
}

static void test_copy_failure(void **state)
{
	struct kit *k = *state;
	char *v[2] = { kit_volume(k, "a", 64 * MIB), kit_volume(k, "b", 64 * MIB) };
	struct engine_pair_spec pairs[2] = { { .source_uuid = v[0] }, { .source_uuid = v[1] } };
	struct engine_replica_spec spec = { .pairs = pairs, .nr_pairs = 2, .sync_type = 8 };
	struct got g = kit_replica(k, &spec);

	assert_int_equal(g.nr_jobs, 2);
	sim_fail_relation(g.targets[1], "read error of the source at 12");
	kit_copy(k, 1000);
	assert_int_equal(job(k, g.jobs[0])->state, ENGINE_JOB_COMPLETED);
	assert_int_equal(job(k, g.jobs[1])->state, ENGINE_JOB_EXCEPTION);
	assert_non_null(strstr(job(k, g.jobs[1])->reason, "read error of the source at 12"));
	assert_int_equal(job(k, g.job)->state, ENGINE_JOB_EXCEPTION);
	assert_non_null(strstr(job(k, g.job)->reason, "1 of 2"));
	/* the broken relation stays to be seen, until it is detached */
	assert_int_equal(engine_relation_by_ends(k->e, v[1], g.targets[1])->state,
			 ENGINE_RELATION_FAILED);
	kit_restart(k);
	assert_int_equal(kit_op(k, ENGINE_OP_DETACH, g.relations[1], false).rc, ENGINE_OK);
	assert_int_equal(job(k, g.jobs[1])->state, ENGINE_JOB_EXCEPTION);
	free(v[0]);
	free(v[1]);
}

static void check_taken_back(struct kit *k, enum backend_op op, unsigned int nth, size_t volumes)
{
	struct got g;
	const struct engine_group *sg = engine_group_by_name(k->e, "src");
	struct engine_replica_spec spec = { .source_group_id = sg->id, .sync_type = 8 };

	sim_fail(op, nth, -EIO, "the disk said no");
	g = kit_replica(k, &spec);
	assert_int_equal(g.rc, ENGINE_JOB_STARTED);
	assert_int_equal(g.nr_relations, 0);
	assert_int_equal(job(k, g.job)->state, ENGINE_JOB_EXCEPTION);
	assert_non_null(strstr(job(k, g.job)->reason, "the disk said no"));
	for (size_t i = 0; i < g.nr_jobs; i++)
		assert_int_equal(job(k, g.jobs[i])->state, ENGINE_JOB_EXCEPTION);
	kit_settle(k);
	assert_int_equal(sim_nr_volumes(), volumes);
	assert_int_equal(sim_nr_relations(), 0);
	assert_null(engine_relation_next(k->e, NULL));
	assert_int_equal(kit_pool(k, 0) ? engine_pool_by_uuid(k->e, kit_pool(k, 0))->remaining_bytes
					: 0,
			 1024 * MIB - 3 * 32 * MIB);
}

static void test_failure_takes_back(void **state)
{
	struct kit *k = *state;
	char *v[3] = { kit_volume(k, "a", 32 * MIB), kit_volume(k, "b", 32 * MIB),
		       kit_volume(k, "c", 32 * MIB) };

	kit_group(k, "src", (const char *const *)v, 3);
	for (unsigned int nth = 1; nth <= 3; nth++)
		check_taken_back(k, BACKEND_VOLUME_CREATE, nth, 3);
	check_taken_back(k, BACKEND_GROUP_CREATE, 1, 3);
	kit_restart(k);
	assert_int_equal(sim_nr_volumes(), 3);
	for (int i = 0; i < 3; i++)
		free(v[i]);
}

/* What cannot be taken back at once, say because it is open, is taken back without a restart. */
static void test_failure_takes_back_later(void **state)
{
	struct kit *k = *state;
	char *v = kit_volume(k, "a", 32 * MIB);
	struct engine_pair_spec p = { .source_uuid = v };
	struct engine_replica_spec s = { .pairs = &p, .nr_pairs = 1, .sync_type = 8 };
	time_t end = time(NULL) + DEADLINE_S;

	sim_fail(BACKEND_GROUP_CREATE, 1, -EIO, "no");
	sim_fail(BACKEND_VOLUME_DELETE, 1, -EBUSY, "somebody has it open");
	assert_int_equal(job(k, kit_replica(k, &s).job)->state, ENGINE_JOB_EXCEPTION);
	kit_settle(k);
	assert_int_equal(sim_nr_volumes(), 2);
	while (sim_nr_volumes() > 1 || engine_volume_by_uuid(k->e, v)->nr_as_source) {
		assert_true(time(NULL) < end);
		assert_true(sd_event_run(k->loop, 100000) >= 0);
	}
	free(v);
}

static void test_failure_releases_targets(void **state)
{
	struct kit *k = *state;
	char *v[4];
	struct engine_pair_spec p[2];
	struct engine_replica_spec s = { .pairs = p, .nr_pairs = 2, .sync_type = 8 };
	struct got g;

	for (int i = 0; i < 4; i++)
		v[i] = kit_volume(k, (const char *[]) { "a", "b", "c", "d" }[i], 32 * MIB);
	memset(p, 0, sizeof(p));
	for (int i = 0; i < 2; i++) {
		p[i].source_uuid = v[i];
		p[i].target_uuid = v[i + 2];
	}
	for (unsigned int nth = 1; nth <= 2; nth++) {
		sim_fail(BACKEND_CLONE_PREPARE, nth, -EIO, "no");
		g = kit_replica(k, &s);
		assert_int_equal(job(k, g.job)->state, ENGINE_JOB_EXCEPTION);
		kit_settle(k);
		for (int i = 0; i < 4; i++)
			assert_string_equal(sim_dm_table(v[i]), "source");
	}
	assert_int_equal(kit_replica(k, &s).nr_relations, 2);
	for (int i = 0; i < 4; i++)
		free(v[i]);
}

static void test_restart_keeps_percent(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 64 * MIB), *b = kit_volume(k, "b", 64 * MIB);
	struct got g = kit_clone(k, a, b, 0);
	char why[512];

	kit_copy(k, 375);
	kit_restart(k);
	assert_int_equal(job(k, g.job)->state, ENGINE_JOB_RUNNING);
	assert_int_equal(job(k, g.job)->percent, 37);
	/* complete before the engine looks at it again */
	kit_stop(k);
	k->ready = false;
	assert_true(sd_event_new(&k->loop) >= 0);
	assert_int_equal(engine_start(k->loop, &k->cfg, kit_on_ready, k, &k->e, why, sizeof(why)),
			 0);
	sim_advance(2000000);
	kit_until(k, &k->ready);
	kit_settle(k);
	assert_int_equal(job(k, g.job)->state, ENGINE_JOB_COMPLETED);
	assert_null(engine_relation_next(k->e, NULL));
	free(a);
	free(b);
}

static void test_lost_answers(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 64 * MIB), *b = kit_volume(k, "b", 64 * MIB);
	struct engine_pair_spec pair = { .source_uuid = a, .target_uuid = b };
	struct engine_replica_spec spec = { .pairs = &pair, .nr_pairs = 1, .sync_type = 8 };
	struct got g = { 0 };

	/* the inventory is answered, then smisd-priv is gone */
	engine_replica_create(k->e, &spec, kit_done, &g);
	while (!engine_job_next(k->e, NULL))
		assert_true(sd_event_run(k->loop, 100000) >= 0);
	sim_disconnected(true);
	kit_until(k, &g.done);
	assert_int_equal(g.rc, ENGINE_JOB_STARTED);
	assert_false(engine_job_state_final(job(k, g.job)->state));
	sim_disconnected(false);
	kit_settle(k);
	/* no point in time was taken: the job has ended, once, with the reason */
	assert_int_equal(job(k, g.job)->state, ENGINE_JOB_EXCEPTION);
	assert_string_equal(sim_dm_table(b), "source");
	g = kit_clone(k, a, b, 0);
	assert_int_equal(g.rc, ENGINE_JOB_STARTED);
	free(a);
	free(b);
}

static void test_detached_behind_our_back(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 64 * MIB), *b = kit_volume(k, "b", 64 * MIB);
	struct got g = kit_clone(k, a, b, 0);

	sim_drop_relation(b);
	kit_settle(k);
	assert_int_equal(job(k, g.job)->state, ENGINE_JOB_EXCEPTION);
	assert_null(engine_relation_next(k->e, NULL));
	assert_string_equal(sim_dm_table(b), "source");
	free(a);
	free(b);
}

static void test_lost_database(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 64 * MIB), *b = kit_volume(k, "b", 64 * MIB);
	char path[128];

	kit_clone(k, a, b, 3);
	kit_stop(k);
	snprintf(path, sizeof(path), "%s/smisd.db", k->dir);
	assert_int_equal(unlink(path), 0);
	kit_start(k);
	/* names are lost, volumes and relation are not, and no job is invented */
	assert_non_null(engine_volume_by_uuid(k->e, a));
	assert_non_null(engine_relation_by_ends(k->e, a, b));
	assert_null(engine_job_next(k->e, NULL));
	kit_copy(k, 1500);
	assert_int_equal(engine_relation_by_ends(k->e, a, b)->state, ENGINE_SYNCHRONIZED);
	free(a);
	free(b);
}

static void test_disks_come_late(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 64 * MIB), *b = kit_volume(k, "b", 64 * MIB);
	struct got g = kit_clone(k, a, b, 0);

	kit_copy(k, 250);
	kit_stop(k);
	sim_hide(true);
	kit_start(k);
	/* nobody can say what became of the copy: it is not given up */
	assert_int_equal(engine_volume_by_uuid(k->e, a)->status, ENGINE_VOLUME_MISSING);
	assert_false(engine_job_state_final(job(k, g.job)->state));
	assert_non_null(engine_relation_by_ends(k->e, a, b));
	kit_stop(k);
	sim_hide(false);
	kit_start(k);
	kit_copy(k, 250);
	assert_int_equal(job(k, g.job)->percent, 50);
	kit_copy(k, 1000);
	assert_int_equal(job(k, g.job)->state, ENGINE_JOB_COMPLETED);
	free(a);
	free(b);
}

static void test_lost_volume(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 64 * MIB);
	struct got g;

	sim_lose_volume(a);
	g = kit_clone(k, a, NULL, 0);
	assert_int_equal(g.rc, ENGINE_FAILED);
	assert_non_null(strstr(g.why, "volume a is missing"));
	kit_restart(k);
	assert_int_equal(engine_volume_by_uuid(k->e, a)->status, ENGINE_VOLUME_MISSING);
	free(a);
}

static void test_jobs_are_kept_and_deleted(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 32 * MIB), *b = kit_volume(k, "b", 32 * MIB);
	struct engine_pair_spec pairs[2] = { { .source_uuid = a }, { .source_uuid = b } };
	struct engine_replica_spec spec = {
		.pairs = pairs, .nr_pairs = 2, .sync_type = 8, .params = "<P/>", .owner = "joe"
	};
	struct got g = kit_replica(k, &spec);
	char why[512];
	bool keep = false;

	assert_int_equal(engine_job_delete(k->e, g.job, why, sizeof(why)), ENGINE_IN_USE);
	kit_copy(k, 1000);
	assert_int_equal(job(k, g.job)->state, ENGINE_JOB_COMPLETED);
	assert_true(job(k, g.job)->delete_on_completion);
	assert_int_equal(job(k, g.job)->time_before_removal_us, 86400ull * 1000000);
	assert_int_equal(engine_job_modify(k->e, g.job, &keep, 1, why, sizeof(why)), ENGINE_OK);
	kit_restart(k);
	assert_false(job(k, g.job)->delete_on_completion);
	assert_int_equal(job(k, g.job)->time_before_removal_us, 300ull * 1000000);
	assert_string_equal(job(k, g.job)->params, "<P/>");
	assert_string_equal(job(k, g.job)->owner, "joe");
	assert_int_equal(job(k, g.job)->nr_affected, 4);
	assert_int_equal(engine_job_delete(k->e, g.job, why, sizeof(why)), ENGINE_OK);
	assert_null(engine_job_next(k->e, NULL));
	kit_restart(k);
	assert_null(engine_job_next(k->e, NULL));
	free(a);
	free(b);
}

/* Of each kind of job: told of so often. */
struct told {
	unsigned int whole, pairs;
};

static void count_jobs(struct engine *e, enum engine_object what, enum engine_change how,
		       const void *object, void *arg)
{
	const struct engine_job *j = object;
	struct told *t = arg;

	(void)e;
	if (what == ENGINE_OBJ_JOB && how == ENGINE_PROGRESS)
		*(j->parent ? &t->pairs : &t->whole) += 1;
}

/* Progress of all pairs at the same time: what is theirs together is summed once for it. */
static void test_progress_of_many(void **state)
{
	enum {
		PAIRS = 8,
		STEPS = 5
	};
	struct kit *k = *state;
	struct engine_pair_spec pairs[PAIRS] = { 0 };
	struct engine_replica_spec spec = { .pairs = pairs, .nr_pairs = PAIRS, .sync_type = 8 };
	struct told told = { 0 };
	struct got g;

	for (int i = 0; i < PAIRS; i++) {
		char name[8];

		snprintf(name, sizeof(name), "v%d", i);
		pairs[i].source_uuid = kit_volume(k, name, 32 * MIB);
	}
	g = kit_replica(k, &spec);
	kit_settle(k);
	engine_notify_add(k->e, count_jobs, &told);
	for (int i = 1; i <= STEPS; i++) {
		uint64_t copied = 0;

		kit_copy(k, 10);
		for (int p = 0; p < PAIRS; p++)
			copied += job(k, g.jobs[p])->copied_bytes;
		assert_true(copied > 0);
		assert_int_equal(job(k, g.job)->copied_bytes, copied);
		assert_int_equal(engine_set_next(k->e, NULL)->copied_bytes, copied);
		assert_int_equal(told.pairs, i * PAIRS);
		assert_int_equal(told.whole, i);
	}
	kit_copy(k, 60000);
	assert_int_equal(job(k, g.job)->state, ENGINE_JOB_COMPLETED);
	for (int i = 0; i < PAIRS; i++)
		free((char *)pairs[i].source_uuid);
}

static const struct engine_volume *affected_by(struct kit *k, const char *uuid, const char *pair,
					       const char *whole, bool target)
{
	const struct engine_volume *v = engine_volume_by_uuid(k->e, uuid);

	assert_non_null(v);
	assert_int_equal(v->nr_effects, 2);
	for (size_t i = 0; i < 2; i++) {
		const char *id = v->effects[i].job->id;

		assert_true(!strcmp(id, pair) || !strcmp(id, whole));
		assert_int_equal(v->effects[i].target, target);
	}
	assert_ptr_not_equal(v->effects[0].job, v->effects[1].job);
	return v;
}

static void forget_volume(struct kit *k, const char *uuid)
{
	char path[128], sql[128];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/smisd.db", k->dir);
	snprintf(sql, sizeof(sql), "DELETE FROM volume WHERE uuid = '%s'", uuid);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_changes(db), 1);
	sqlite3_close(db);
}

/* Each volume knows the jobs that affect it, for as long as these are there. */
static void test_jobs_of_a_volume(void **state)
{
	struct kit *k = *state;
	char *v[2] = { kit_volume(k, "a", 32 * MIB), kit_volume(k, "b", 32 * MIB) };
	struct engine_pair_spec pairs[2] = { { .source_uuid = v[0] }, { .source_uuid = v[1] } };
	struct engine_replica_spec spec = { .pairs = pairs, .nr_pairs = 2, .sync_type = 8 };
	struct got g = kit_replica(k, &spec);
	char why[512];

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 2; i++) {
			affected_by(k, v[i], g.jobs[i], g.job, false);
			affected_by(k, g.targets[i], g.jobs[i], g.job, true);
		}
		kit_restart(k);
	}
	kit_copy(k, 60000);
	assert_int_equal(job(k, g.job)->state, ENGINE_JOB_COMPLETED);
	/* one that the database does not know is found, and is that of the jobs */
	kit_stop(k);
	forget_volume(k, v[0]);
	kit_start(k);
	affected_by(k, v[0], g.jobs[0], g.job, false);
	assert_int_equal(kit_delete(k, g.targets[1]).rc, ENGINE_OK);
	affected_by(k, v[1], g.jobs[1], g.job, false);
	assert_int_equal(engine_job_delete(k->e, g.job, why, sizeof(why)), ENGINE_OK);
	assert_int_equal(engine_volume_by_uuid(k->e, v[0])->nr_effects, 0);
	assert_int_equal(engine_volume_by_uuid(k->e, g.targets[0])->nr_effects, 0);
	free(v[0]);
	free(v[1]);
}

static void test_authenticate(void **state)
{
	struct kit *k = *state;
	struct got g = { 0 }, bad = { 0 };

	engine_authenticate(k->e, "admin", "admin", kit_done, &g);
	engine_authenticate(k->e, "admin", "no", kit_done, &bad);
	kit_until(k, &g.done);
	kit_until(k, &bad.done);
	assert_true(g.password_ok && g.role_write);
	assert_false(bad.password_ok || bad.role_write);
}

static void test_stop_with_calls_in_flight(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 32 * MIB);
	struct engine_pair_spec pair = { .source_uuid = a };
	struct engine_replica_spec spec = { .pairs = &pair, .nr_pairs = 1, .sync_type = 8 };
	struct engine_volume_spec vol = { .name = "b", .size_bytes = MIB };
	struct got g = { 0 }, v = { 0 }, d = { 0 };

	engine_replica_create(k->e, &spec, kit_done, &g);
	engine_volume_create(k->e, &vol, kit_done, &v);
	engine_volume_delete(k->e, "none", kit_done, &d);
	kit_stop(k);
	assert_true(g.done && v.done && d.done);
	assert_int_equal(g.rc, ENGINE_UNAVAILABLE);
	kit_start(k);
	kit_settle(k);
	assert_null(engine_volume_by_name(k->e, "b"));
	free(a);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
	const struct CMUnitTest tests[] = {
		T(test_volume_life),
		T(test_group_life),
		T(test_clone_independent),
		T(test_clone_attached),
		T(test_group_replica_makes_targets),
		T(test_empty_target_group_is_filled),
		T(test_suspend_resume_abort),
		T(test_forced_detach),
		T(test_copy_failure),
		T(test_failure_takes_back),
		T(test_failure_takes_back_later),
		T(test_failure_releases_targets),
		T(test_restart_keeps_percent),
		T(test_lost_answers),
		T(test_detached_behind_our_back),
		T(test_lost_database),
		T(test_lost_volume),
		T(test_disks_come_late),
		T(test_jobs_are_kept_and_deleted),
		T(test_progress_of_many),
		T(test_jobs_of_a_volume),
		T(test_authenticate),
		T(test_stop_with_calls_in_flight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

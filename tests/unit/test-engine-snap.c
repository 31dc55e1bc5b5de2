// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-engine-snap.c - snapshots in the engine on a simulated node: made, returned, lost, made by
 * somebody else, refused. Kills are in test-engine-crash.c.
 */
#include "engine-kit.h"

#include <errno.h>

#include "engine/model.h"

static struct engine_replica_spec of_one(struct engine_pair_spec *pair, const char *source)
{
	*pair = (struct engine_pair_spec) { .source_uuid = source };
	return (struct engine_replica_spec) {
		.method = "CreateElementReplica", .pairs = pair, .nr_pairs = 1, .sync_type = 7
	};
}

static struct got snap(struct kit *k, const char *source)
{
	struct engine_pair_spec pair;
	struct engine_replica_spec spec = of_one(&pair, source);

	return kit_replica(k, &spec);
}

static struct got snap_group(struct kit *k, const char *group_id, const char *name)
{
	struct engine_replica_spec spec = { .method = "CreateGroupReplica",
					    .source_group_id = group_id,
					    .sync_type = 7,
					    .wait_copy_state = 4,
					    .relationship_name = name };

	return kit_replica(k, &spec);
}

static struct got snap_read_only(struct kit *k, const char *source)
{
	struct engine_pair_spec pair;
	struct engine_replica_spec spec = of_one(&pair, source);

	spec.read_only = true;
	return kit_replica(k, &spec);
}

static struct got op_set(struct kit *k, uint16_t op, const char *set)
{
	struct got g = { 0 };

	engine_relation_op(k->e, op, set, NULL, 0, false, kit_done, &g);
	kit_until(k, &g.done);
	return g;
}

static void assert_why(const struct got *g, enum engine_rc rc, const char *part)
{
	if (g->rc != rc || !strstr(g->why, part))
		fail_msg("rc %d, '%s'; not rc %d, '%s'", g->rc, g->why, rc, part);
}

static size_t jobs(struct kit *k)
{
	size_t n = 0;

	for (const struct engine_job *j = NULL; (j = engine_job_next(k->e, j));)
		n++;
	return n;
}

static void assert_at_rest(const struct engine_relation *r)
{
	assert_non_null(r);
	assert_int_equal(r->sync_type, 7);
	assert_int_equal(r->mode, 2);
	assert_int_equal(r->state, ENGINE_SYNCHRONIZED);
	assert_int_equal(engine_state_copy_state(r->state), 4);
	assert_int_equal(engine_relation_sync_state(r), 11);
	assert_int_equal(engine_relation_percent(r), 100);
	assert_int_not_equal(r->when_activated_us, 0);
	assert_true(r->when_synchronized_us == r->when_activated_us);
	assert_string_equal(r->job_id, "");
}

static void test_snapshot_life(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 64 * MIB);
	const struct engine_volume *v;
	struct got g = snap(k, a), d;

	assert_int_equal(g.rc, ENGINE_OK);
	assert_int_equal(g.nr_jobs, 0);
	assert_string_equal(g.job, "");
	assert_int_equal(jobs(k), 0);
	assert_int_equal(g.nr_targets, 1);
	assert_at_rest(engine_relation_by_ends(k->e, a, g.targets[0]));
	v = engine_volume_by_uuid(k->e, g.targets[0]);
	assert_string_equal(v->name, "a_snap1");
	assert_true(v->is_snapshot);
	assert_int_equal(v->status, ENGINE_VOLUME_OK);
	assert_int_equal(v->size_bytes, 64 * MIB);
	assert_string_equal(sim_dm_table(v->uuid), "snap");
	/* it takes nothing of the pool */
	assert_int_equal(v->pool->remaining_bytes, (1024 - 64) * MIB);
	kit_restart(k);
	assert_at_rest(engine_relation_by_ends(k->e, a, g.targets[0]));
	v = engine_volume_by_uuid(k->e, g.targets[0]);
	assert_true(v->is_snapshot);
	assert_string_equal(v->name, "a_snap1");
	assert_int_equal(v->pool->remaining_bytes, (1024 - 64) * MIB);

	d = kit_delete(k, a);
	assert_why(&d, ENGINE_IN_USE, "volume a has snapshots (1): return them to the pool first");
	d = kit_op(k, ENGINE_OP_RETURN, g.relations[0], false);
	assert_int_equal(d.rc, ENGINE_OK);
	assert_null(engine_volume_by_uuid(k->e, g.targets[0]));
	assert_null(engine_set_next(k->e, NULL));
	assert_int_equal(sim_nr_relations(), 0);
	assert_int_equal(sim_nr_volumes(), 1);
	kit_restart(k);
	assert_null(engine_volume_by_uuid(k->e, g.targets[0]));
	assert_int_equal(kit_delete(k, a).rc, ENGINE_OK);
	free(a);
}

/* libstoragemgmt deletes a snapshot as any volume. */
static void test_snapshot_deleted_as_volume(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 64 * MIB);
	struct got g = snap(k, a), h = snap(k, a);

	assert_string_equal(engine_volume_by_uuid(k->e, h.targets[0])->name, "a_snap2");
	assert_int_equal(kit_delete(k, g.targets[0]).rc, ENGINE_OK);
	assert_null(engine_volume_by_uuid(k->e, g.targets[0]));
	assert_at_rest(engine_relation_by_ends(k->e, a, h.targets[0]));
	free(a);
}

static void test_group_snapshot(void **state)
{
	struct kit *k = *state;
	char *v[2] = { kit_volume(k, "a", 32 * MIB), kit_volume(k, "b", 64 * MIB) };
	const struct engine_group *sg = kit_group(k, "src", (const char *const *)v, 2), *tg;
	const struct engine_set *s;
	struct got g = snap_group(k, sg->id, "noon"), d;
	char why[512], id[40];

	assert_int_equal(g.rc, ENGINE_OK);
	assert_int_equal(g.nr_relations, 2);
	assert_int_equal(jobs(k), 0);
	tg = engine_group_by_id(k->e, g.target_group);
	assert_string_equal(tg->name, "noon");
	assert_string_equal(tg->members[1]->name, "noon_2");
	kit_restart(k);
	s = engine_set_by_groups(k->e, engine_group_by_name(k->e, "src")->id, g.target_group);
	assert_non_null(s);
	assert_int_equal(s->sync_type, 7);
	assert_int_equal(s->copy_state, 4);
	assert_int_equal(s->progress_status, 2);
	assert_int_equal(s->copied_bytes, s->total_bytes);
	assert_at_rest(s->relations[0]);
	assert_true(s->relations[0]->when_activated_us == s->relations[1]->when_activated_us);
	kit_keep(id, engine_group_by_name(k->e, "src")->id);
	assert_int_equal(engine_group_delete(k->e, id, true, why, sizeof(why)), ENGINE_IN_USE);

	/* none of them goes while one is mounted */
	sim_set_open(g.targets[1], true);
	d = op_set(k, ENGINE_OP_RETURN, g.set);
	assert_why(&d, ENGINE_IN_USE, "snapshot noon_2 is in use");
	assert_int_equal(sim_nr_relations(), 2);
	sim_set_open(g.targets[1], false);
	assert_int_equal(op_set(k, ENGINE_OP_RETURN, g.set).rc, ENGINE_OK);
	assert_null(engine_set_next(k->e, NULL));
	assert_int_equal(engine_group_by_id(k->e, g.target_group)->nr_members, 0);
	assert_int_equal(engine_group_delete(k->e, g.target_group, false, why, sizeof(why)),
			 ENGINE_OK);
	assert_int_equal(engine_group_delete(k->e, id, true, why, sizeof(why)), ENGINE_OK);
	free(v[0]);
	free(v[1]);
}

/* A clone that runs and snapshots of the same group do not disturb each other. */
static void test_snapshots_beside_clones(void **state)
{
	struct kit *k = *state;
	char *v[2] = { kit_volume(k, "a", 64 * MIB), kit_volume(k, "b", 64 * MIB) };
	const struct engine_group *sg = kit_group(k, "src", (const char *const *)v, 2);
	struct engine_replica_spec spec = { .method = "CreateGroupReplica",
					    .source_group_id = sg->id,
					    .sync_type = 8,
					    .mode = 3,
					    .relationship_name = "copy" };
	char src[40];
	struct got c, s;

	kit_keep(src, sg->id);
	c = kit_replica(k, &spec);
	kit_copy(k, 500);
	s = snap_group(k, src, "noon");
	assert_int_equal(s.rc, ENGINE_OK);
	kit_copy(k, 1000);
	assert_int_equal(engine_job_by_id(k->e, c.job)->state, ENGINE_JOB_COMPLETED);
	assert_int_equal(engine_set_by_groups(k->e, src, s.target_group)->copy_state, 4);
	assert_int_equal(op_set(k, ENGINE_OP_DETACH, s.set).rc, ENGINE_NOT_SUPPORTED);
	assert_int_equal(op_set(k, ENGINE_OP_RETURN, c.set).rc, ENGINE_NOT_SUPPORTED);
	assert_int_equal(op_set(k, ENGINE_OP_RETURN, s.set).rc, ENGINE_OK);
	assert_int_equal(op_set(k, ENGINE_OP_DETACH, c.set).rc, ENGINE_OK);
	assert_null(engine_relation_next(k->e, NULL));
	free(v[0]);
	free(v[1]);
}

static void assert_writable(struct kit *k, const char *uuid, bool writable)
{
	const struct engine_relation *r = NULL;

	while ((r = engine_relation_next(k->e, r)) && strcmp(r->target->uuid, uuid))
		;
	assert_non_null(r);
	assert_int_equal(r->read_only, !writable);
	assert_int_equal(r->target->read_only, !writable);
	assert_false(r->source->read_only);
	assert_string_equal(sim_dm_table(uuid), writable ? "snap" : "snap ro");
}

/* As it was asked for: beside each other, over restarts, and while only the database knows. */
static void test_read_only(void **state)
{
	struct kit *k = *state;
	char *v[2] = { kit_volume(k, "a", 32 * MIB), kit_volume(k, "b", 64 * MIB) };
	const struct engine_group *sg = kit_group(k, "src", (const char *const *)v, 2);
	struct engine_replica_spec spec = { .method = "CreateGroupReplica",
					    .source_group_id = sg->id,
					    .sync_type = 7,
					    .read_only = true,
					    .relationship_name = "noon" };
	struct got g = kit_replica(k, &spec), w = snap(k, v[0]), ro = snap_read_only(k, v[0]);

	assert_int_equal(g.rc, ENGINE_OK);
	for (int i = 0; i < 3; i++) {
		assert_writable(k, g.targets[0], false);
		assert_writable(k, g.targets[1], false);
		assert_writable(k, w.targets[0], true);
		assert_writable(k, ro.targets[0], false);
		sim_hide(i == 1);
		kit_restart(k);
	}
	assert_int_equal(kit_op(k, ENGINE_OP_RETURN, ro.relations[0], false).rc, ENGINE_OK);
	assert_int_equal(op_set(k, ENGINE_OP_RETURN, g.set).rc, ENGINE_OK);
	assert_writable(k, w.targets[0], true);
	free(v[0]);
	free(v[1]);
}

static void query(const char *dir, const char *sql)
{
	char path[300];
	sqlite3 *db = NULL;

	snprintf(path, sizeof(path), "%s/smisd.db", dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* A database from before: the kernel tells, and what it told stays known without it. */
static void test_read_only_migrated(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 64 * MIB);
	struct got ro = snap_read_only(k, a), w = snap(k, a);

	kit_stop(k);
	query(k->dir, "ALTER TABLE relation DROP COLUMN read_only; PRAGMA user_version=2");
	kit_start(k);
	for (int i = 0; i < 2; i++) {
		kit_settle(k);
		assert_at_rest(engine_relation_by_ends(k->e, a, ro.targets[0]));
		assert_writable(k, ro.targets[0], false);
		assert_writable(k, w.targets[0], true);
		sim_hide(true);
		kit_restart(k);
	}
	sim_hide(false);
	free(a);
}

/* What overwrites keep is shared by the snapshots of a source. */
static void test_space(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 64 * MIB);
	struct got g = snap(k, a), h;

	kit_copy(k, 10000);
	h = snap(k, a);
	kit_settle(k);
	assert_int_equal(engine_volume_by_uuid(k->e, g.targets[0])->kept_bytes, 5 * MIB);
	assert_int_equal(engine_volume_by_uuid(k->e, h.targets[0])->kept_bytes, 5 * MIB);
	kit_op(k, ENGINE_OP_RETURN, g.relations[0], false);
	kit_copy(k, 2000);
	kit_restart(k);
	kit_settle(k);
	assert_int_equal(engine_volume_by_uuid(k->e, h.targets[0])->kept_bytes, 2 * MIB);
	free(a);
}

static void test_lost(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 64 * MIB);
	struct got g = snap(k, a);
	const struct engine_relation *r;
	const struct engine_volume *v;

	sim_fail_relation(g.targets[0], "snapshot 1: the store is full");
	for (int i = 0; i < 2; i++, kit_restart(k)) {
		kit_settle(k);
		r = engine_relation_by_ends(k->e, a, g.targets[0]);
		assert_int_equal(r->state, ENGINE_RELATION_FAILED);
		assert_int_equal(engine_state_copy_state(r->state), 5);
		assert_int_equal(engine_state_progress_status(r->state), 15);
		assert_int_equal(engine_relation_sync_state(r), 12);
		v = engine_volume_by_uuid(k->e, g.targets[0]);
		assert_int_equal(v->status, ENGINE_VOLUME_LOST);
		assert_string_equal(v->lost, "snapshot 1: the store is full");
		/* the source and new snapshots are as well as ever */
		assert_int_equal(engine_volume_by_uuid(k->e, a)->status, ENGINE_VOLUME_OK);
	}
	assert_int_equal(snap(k, a).rc, ENGINE_OK);
	assert_int_equal(kit_op(k, ENGINE_OP_RETURN, g.relations[0], false).rc, ENGINE_OK);
	assert_null(engine_volume_by_uuid(k->e, g.targets[0]));
	free(a);
}

/* By rplctl, say: it is shown like ours, and keeps its source from being deleted. */
static void test_made_by_somebody_else(void **state)
{
	static const char uuid[] = "6f0f7a52-0c65-4c11-8a53-0e5a42f1b001";
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 64 * MIB);
	struct got d;

	sim_make_snapshot(a, uuid, 70000, false);
	/* the engine does not know it yet; the node does */
	d = kit_delete(k, a);
	assert_int_equal(d.rc, ENGINE_IN_USE);
	kit_restart(k);
	assert_at_rest(engine_relation_by_ends(k->e, a, uuid));
	assert_string_equal(engine_volume_by_uuid(k->e, uuid)->name, "snapshot-6f0f7a52");
	d = kit_delete(k, a);
	assert_why(&d, ENGINE_IN_USE, "volume a has snapshots (1)");
	kit_restart(k);
	assert_at_rest(engine_relation_by_ends(k->e, a, uuid));
	assert_writable(k, uuid, true);
	/* and by somebody else it goes */
	sim_drop_relation(uuid);
	kit_settle(k);
	assert_null(engine_volume_by_uuid(k->e, uuid));
	assert_null(engine_relation_next(k->e, NULL));
	sim_make_snapshot(a, uuid, 70001, true);
	for (int i = 0; i < 2; i++) {
		kit_restart(k);
		assert_writable(k, uuid, false);
	}
	sim_drop_relation(uuid);
	kit_settle(k);
	assert_int_equal(kit_delete(k, a).rc, ENGINE_OK);
	free(a);
}

/* Deleted while nobody looked. */
static void test_gone_at_start(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 64 * MIB);
	struct got g = snap(k, a);

	sim_disconnected(true); /* the event is lost */
	sim_drop_relation(g.targets[0]);
	sim_disconnected(false);
	kit_settle(k);
	assert_null(engine_volume_by_uuid(k->e, g.targets[0]));
	assert_int_equal(kit_delete(k, a).rc, ENGINE_OK);
	free(a);
}

/* While the disks are away nobody knows; then all is as it was. */
static void test_disks_away(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 64 * MIB);
	struct got g = snap(k, a);

	sim_hide(true);
	kit_restart(k);
	kit_settle(k);
	assert_non_null(engine_relation_by_ends(k->e, a, g.targets[0]));
	assert_int_equal(engine_volume_by_uuid(k->e, g.targets[0])->status, ENGINE_VOLUME_MISSING);
	sim_hide(false);
	kit_restart(k);
	assert_at_rest(engine_relation_by_ends(k->e, a, g.targets[0]));
	assert_int_equal(engine_volume_by_uuid(k->e, g.targets[0])->status, ENGINE_VOLUME_OK);
	free(a);
}

static void test_failed_request_leaves_nothing(void **state)
{
	struct kit *k = *state;
	char *v[2] = { kit_volume(k, "a", 32 * MIB), kit_volume(k, "b", 64 * MIB) };
	const struct engine_group *sg = kit_group(k, "src", (const char *const *)v, 2);
	struct got g;
	char src[40];

	kit_keep(src, sg->id);
	sim_fail(BACKEND_GROUP_CREATE, 1, -ENOSPC, "the store has room for no more snapshots");
	g = snap_group(k, src, "noon");
	assert_why(&g, ENGINE_NO_SPACE, "the store has room for no more snapshots");
	assert_int_equal(g.nr_relations, 0);
	kit_settle(k);
	assert_null(engine_relation_next(k->e, NULL));
	assert_null(engine_set_next(k->e, NULL));
	assert_null(engine_volume_by_name(k->e, "noon_1"));
	assert_null(engine_group_by_name(k->e, "noon"));
	assert_int_equal(sim_nr_volumes(), 2);
	assert_int_equal(snap_group(k, src, "noon").rc, ENGINE_OK);
	free(v[0]);
	free(v[1]);
}

static void lose_after_effect(const char *where)
{
	if (!strcmp(where, "sim:after") && sim_nr_relations())
		sim_disconnected(true);
}

/* The answer is lost: the caller is told so, and what was made is found. */
static void test_answer_lost(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 32 * MIB);
	struct engine_pair_spec pair;
	struct engine_replica_spec spec = of_one(&pair, a);
	struct got g;

	fault_hook = lose_after_effect;
	g = kit_replica(k, &spec);
	fault_hook = NULL;
	assert_why(&g, ENGINE_UNAVAILABLE, "smisd-priv does not answer");
	assert_int_equal(sim_nr_relations(), 1);
	sim_disconnected(false);
	kit_settle(k);
	assert_at_rest(
		engine_relation_by_ends(k->e, a, engine_volume_by_name(k->e, "a_snap1")->uuid));
	free(a);
}

static void test_refusals(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 64 * MIB), *b = kit_volume(k, "b", 64 * MIB);
	const char *one[] = { b };
	const struct engine_group *sg = kit_group(k, "src", (const char *[]) { a }, 1);
	const struct engine_group *tg = kit_group(k, "dst", one, 1);
	struct engine_pair_spec pair;
	struct engine_replica_spec spec = of_one(&pair, a);
	struct got g;
	char snapshot[40], relation[40];

	spec.mode = 3;
	g = kit_replica(k, &spec);
	assert_why(&g, ENGINE_NOT_SUPPORTED, "Mode 3");
	spec.mode = 2;
	for (uint16_t wait = 2; wait <= 15; wait++) {
		spec.wait_copy_state = wait;
		if (wait == 4)
			continue;
		g = kit_replica(k, &spec);
		assert_why(&g, ENGINE_INVALID_PARAMETER, "WaitForCopyState");
	}
	spec.wait_copy_state = 4;
	pair.target_uuid = b;
	g = kit_replica(k, &spec);
	assert_why(&g, ENGINE_INVALID_PARAMETER, "volume b cannot be the target of a snapshot");
	pair.target_uuid = NULL;
	spec.pool_uuid = kit_pool(k, 1);
	g = kit_replica(k, &spec);
	assert_why(&g, ENGINE_INVALID_PARAMETER, "is not the pool of source volume a");
	spec.pool_uuid = kit_pool(k, 0);
	pair.target_name = "b";
	g = kit_replica(k, &spec);
	assert_why(&g, ENGINE_EXISTS, "there is a volume b already");
	spec.sync_type = 8;
	spec.read_only = true;
	pair.target_name = NULL;
	g = kit_replica(k, &spec);
	assert_why(&g, ENGINE_INVALID_PARAMETER, "a clone cannot be made read-only");
	spec.sync_type = 7;
	spec.read_only = false;
	pair.target_name = "s";
	{
		struct engine_replica_spec groups = { .source_group_id = sg->id,
						      .target_group_id = tg->id,
						      .sync_type = 7 };

		g = kit_replica(k, &groups);
		assert_why(&g, ENGINE_INVALID_PARAMETER, "volume b cannot be the target");
	}
	assert_int_equal(sim_nr_relations(), 0);
	g = kit_replica(k, &spec);
	assert_int_equal(g.rc, ENGINE_OK);
	kit_keep(snapshot, g.targets[0]);
	kit_keep(relation, g.relations[0]);

	g = snap(k, snapshot);
	assert_why(&g, ENGINE_NOT_SUPPORTED, "s is a snapshot");
	g = kit_clone(k, snapshot, b, 0);
	assert_why(&g, ENGINE_NOT_SUPPORTED, "s is a snapshot");
	g = kit_clone(k, b, snapshot, 0);
	assert_why(&g, ENGINE_IN_USE, "volume s");
	g = kit_op(k, ENGINE_OP_DETACH, relation, true);
	assert_why(&g, ENGINE_NOT_SUPPORTED, "snapshot s needs its source a");
	g = kit_op(k, ENGINE_OP_SUSPEND, relation, false);
	assert_why(&g, ENGINE_NOT_SUPPORTED, "returned to the pool (19)");
	sim_set_open(snapshot, true);
	g = kit_op(k, ENGINE_OP_RETURN, relation, false);
	assert_why(&g, ENGINE_IN_USE, "in use");
	assert_at_rest(engine_relation_by_ends(k->e, a, snapshot));
	sim_set_open(snapshot, false);
	{
		struct got m = { 0 };

		engine_volume_modify(k->e, snapshot, "renamed", NULL, 0, kit_done, &m);
		kit_until(k, &m.done);
		assert_int_equal(m.rc, ENGINE_OK);
		m.done = false;
		engine_volume_modify(k->e, snapshot, NULL, NULL, 128 * MIB, kit_done, &m);
		kit_until(k, &m.done);
		assert_int_equal(m.rc, ENGINE_IN_USE);
	}
	assert_int_equal(kit_op(k, ENGINE_OP_RETURN, relation, false).rc, ENGINE_OK);
	g = kit_op(k, ENGINE_OP_RETURN, relation, false);
	assert_int_equal(g.rc, ENGINE_NOT_FOUND);
	free(a);
	free(b);
}

static void test_256(void **state)
{
	struct kit *k = *state;
	char *a = kit_volume(k, "a", 4 * MIB);
	struct got g;

	for (int i = 0; i < 256; i++)
		assert_int_equal(snap(k, a).rc, ENGINE_OK);
	g = snap(k, a);
	assert_why(&g, ENGINE_NO_SPACE, "256 snapshots");
	kit_settle(k);
	assert_int_equal(sim_nr_relations(), 256);
	kit_restart(k);
	assert_int_equal(sim_nr_relations(), 256);
	free(a);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)
	const struct CMUnitTest tests[] = {
		T(test_snapshot_life),
		T(test_snapshot_deleted_as_volume),
		T(test_group_snapshot),
		T(test_snapshots_beside_clones),
		T(test_read_only),
		T(test_read_only_migrated),
		T(test_space),
		T(test_lost),
		T(test_made_by_somebody_else),
		T(test_gone_at_start),
		T(test_disks_away),
		T(test_failed_request_leaves_nothing),
		T(test_answer_lost),
		T(test_refusals),
		T(test_256),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-engine-crash.c - I7: each accepted request ends in exactly one terminal job state, wherever
 * smisd is killed, and wherever the answers of smisd-priv are lost.
 *
 * A scenario runs in a child on a simulated node, whose state (the kernel's and LVM's) outlives
 * it in a file. The child ends itself at the n-th fault point: around every commit and every
 * effect. Another child opens what is left, lets the copies go on, and judges. This is done for
 * every n until the scenario gets through, and for kills during the recovery as well.
 */
#include "engine-kit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "engine/model.h"

#define KILLED	     99
#define MAX_FAULTS   2000
#define MAX_ACCEPTED 16

static bool judge_all_or_none; /* of the snapshots of a request */
static unsigned int faults_left; /* 0: no fault */
static int report_fd = -1;

static void die_at(const char *where)
{
	(void)where;
	if (faults_left && !--faults_left)
		_exit(KILLED);
}

static void lose_at(const char *where)
{
	if (!strcmp(where, "sim:after") && faults_left && !--faults_left)
		sim_disconnected(true);
}

/* What the outside was told before the kill. */
static void report(const char *what, const char *id, int state)
{
	char line[80];
	int n = snprintf(line, sizeof(line), "%s %s %d\n", what, id, state);

	if (report_fd >= 0 && write(report_fd, line, (size_t)n) != n)
		abort();
}

static void on_notify(struct engine *e, enum engine_object what, enum engine_change how,
		      const void *object, void *arg)
{
	const struct engine_job *j = object;

	(void)e;
	(void)arg;
	if (what == ENGINE_OBJ_JOB && how == ENGINE_CHANGED && engine_job_state_final(j->state))
		report("final", j->id, j->state);
}

/* ---- scenarios; nothing in them may fail on its own */

static void accepted(const struct got *g)
{
	if (g->rc == ENGINE_JOB_STARTED)
		report("accepted", g->job, 0);
}

static char *named(struct kit *k, const char *name)
{
	const struct engine_volume *v = engine_volume_by_name(k->e, name);

	return v ? strdup(v->uuid) : NULL;
}

static void scenario_group(struct kit *k)
{
	const struct engine_group *g = engine_group_by_name(k->e, "src");
	struct engine_replica_spec s = { .method = "CreateGroupReplica",
					 .source_group_id = g->id,
					 .sync_type = 8,
					 .relationship_name = "rep" };
	struct got r = kit_replica(k, &s);

	accepted(&r);
	kit_copy(k, 250);
	kit_copy(k, 1000);
}

static void scenario_attached(struct kit *k)
{
	char *a = named(k, "a"), *t = named(k, "t");
	struct got g = kit_clone(k, a, t, 3);

	accepted(&g);
	kit_copy(k, 100);
	kit_op(k, ENGINE_OP_SUSPEND, g.relations[0], false);
	kit_op(k, ENGINE_OP_RESUME, g.relations[0], false);
	kit_copy(k, 1000);
	kit_op(k, ENGINE_OP_DETACH, g.relations[0], false);
	free(a);
	free(t);
}

static void scenario_abort(struct kit *k)
{
	char *a = named(k, "a"), *t = named(k, "t");
	struct got g = kit_clone(k, a, t, 2);

	accepted(&g);
	kit_copy(k, 100);
	kit_job_change(k, g.job, 4);
	kit_op(k, ENGINE_OP_DETACH, g.relations[0], false);
	free(a);
	free(t);
}

static void scenario_failure(struct kit *k)
{
	const struct engine_group *g = engine_group_by_name(k->e, "src");
	struct engine_replica_spec s = { .source_group_id = g->id, .sync_type = 8 };
	struct got r;

	sim_fail(BACKEND_VOLUME_CREATE, 2, -EIO, "no");
	r = kit_replica(k, &s);
	accepted(&r);
	kit_settle(k);
}

static void scenario_volumes(struct kit *k)
{
	struct got g = kit_volume_in(k, "new", 8 * MIB, kit_pool(k, 0)), m = { 0 };

	engine_volume_modify(k->e, g.volume, "renamed", NULL, 16 * MIB, kit_done, &m);
	kit_until(k, &m.done);
	kit_delete(k, g.volume);
}

static struct got snap_group(struct kit *k)
{
	const struct engine_group *g = engine_group_by_name(k->e, "src");
	struct engine_replica_spec s = { .method = "CreateGroupReplica",
					 .source_group_id = g->id,
					 .sync_type = 7,
					 .read_only = true,
					 .relationship_name = "rep" };
	struct got r = kit_replica(k, &s);

	if (r.rc == ENGINE_OK)
		report("made", r.set, 0);
	return r;
}

static void scenario_snapshots(struct kit *k)
{
	snap_group(k);
}

static void scenario_return(struct kit *k)
{
	struct got r = snap_group(k), d = { 0 };

	if (r.rc != ENGINE_OK)
		return;
	engine_relation_op(k->e, ENGINE_OP_RETURN, r.set, NULL, 0, false, kit_done, &d);
	kit_until(k, &d.done);
	if (d.rc == ENGINE_OK)
		report("returned", r.set, 0);
}

/* ---- the judge */

static void finish_detached(struct kit *k)
{
	const struct engine_relation *r;

	/* what stays attached, broken or aborted by its nature is detached as a client would */
	while ((r = engine_relation_next(k->e, NULL))) {
		char uuid[40];

		kit_keep(uuid, r->uuid);
		assert_int_equal(kit_op(k, r->sync_type == 7 ? ENGINE_OP_RETURN : ENGINE_OP_DETACH,
					uuid, true)
					 .rc,
				 ENGINE_OK);
	}
}

static void judge_volumes(struct kit *k)
{
	const struct engine_volume *v = NULL;
	uint64_t used = 0;
	size_t n = 0;

	while ((v = engine_volume_next(k->e, v))) {
		n++;
		assert_int_equal(v->status, ENGINE_VOLUME_OK);
		assert_string_equal(sim_dm_table(v->uuid), "source");
		assert_int_equal(v->nr_as_source + v->nr_as_target, 0);
		if (!strcmp(v->pool->name, "fast"))
			used += v->size_bytes;
	}
	assert_int_equal(n, sim_nr_volumes());
	assert_int_equal(sim_nr_relations(), 0);
	kit_restart(k); /* what is stored is what was seen */
	v = engine_volume_by_name(k->e, "a");
	assert_int_equal(v->pool->remaining_bytes, 1024 * MIB - used);
}

static void judge_jobs(struct kit *k, const char *told, size_t requests)
{
	const struct engine_job *j = NULL;
	char copy[4096], *save = NULL;
	size_t tops = 0;

	while ((j = engine_job_next(k->e, j))) {
		assert_true(engine_job_state_final(j->state));
		tops += !j->parent;
		if (j->state == ENGINE_JOB_COMPLETED)
			assert_int_equal(j->percent, 100);
		if (j->state == ENGINE_JOB_EXCEPTION)
			assert_string_not_equal(j->reason, "");
	}
	assert_true(tops <= requests); /* none invented */
	snprintf(copy, sizeof(copy), "%s", told);
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char what[16], id[40];
		int state;

		assert_int_equal(sscanf(line, "%15s %39s %d", what, id, &state), 3);
		j = engine_job_by_id(k->e, id);
		assert_non_null(j); /* none lost */
		if (!strcmp(what, "final"))
			assert_int_equal(j->state, state); /* an end is an end */
	}
}

/* The targets that a group replica made are all there, or none of them is. */
static void judge_targets(struct kit *k)
{
	const struct engine_volume *one = engine_volume_by_name(k->e, "rep_1");
	const struct engine_volume *two = engine_volume_by_name(k->e, "rep_2");
	const struct engine_job *j = NULL;
	const struct engine_group *g = engine_group_by_name(k->e, "rep");

	assert_int_equal(!one, !two);
	assert_int_equal(!one, !g);
	while ((j = engine_job_next(k->e, j)))
		if (!strcmp(j->method, "CreateGroupReplica") && !j->parent)
			assert_int_equal(j->state,
					 one ? ENGINE_JOB_COMPLETED : ENGINE_JOB_EXCEPTION);
	if (g)
		assert_int_equal(g->nr_members, 2);
}

static void judge(struct kit *k, const char *told)
{
	kit_settle(k);
	kit_copy(k, 10000);
	finish_detached(k);
	kit_settle(k);
	judge_jobs(k, told, 1);
	judge_volumes(k);
	judge_jobs(k, told, 1);
	judge_targets(k);
}

/* Each snapshot is there with its volume and its relation, or not at all. */
static size_t judge_each_snapshot(struct kit *k)
{
	const struct engine_relation *r = NULL;
	size_t n = 0;

	while ((r = engine_relation_next(k->e, r))) {
		n++;
		assert_int_equal(r->sync_type, 7);
		assert_int_equal(r->state, ENGINE_SYNCHRONIZED);
		assert_int_equal(r->target->status, ENGINE_VOLUME_OK);
		assert_true(r->read_only);
		assert_string_equal(sim_dm_table(r->target->uuid), "snap ro");
	}
	assert_int_equal(n, sim_nr_relations());
	assert_int_equal(n + 3, sim_nr_volumes());
	assert_int_equal(
		!!engine_volume_by_name(k->e, "rep_1") + !!engine_volume_by_name(k->e, "rep_2"), n);
	return n;
}

static void judge_snapshots(struct kit *k, const char *told)
{
	bool made = strstr(told, "made"), returned = strstr(told, "returned");
	const struct engine_group *g;
	size_t n;

	kit_settle(k);
	n = judge_each_snapshot(k);
	assert_null(engine_job_next(k->e, NULL));
	g = engine_group_by_name(k->e, "rep");
	if (judge_all_or_none)
		assert_int_equal(n, made || g ? 2 : 0);
	if (returned)
		assert_int_equal(n, 0);
	if (g)
		assert_int_equal(g->nr_members, n);
	assert_true(g || !n);
	kit_restart(k);
	assert_int_equal(judge_each_snapshot(k), n);
	finish_detached(k);
	kit_settle(k);
	judge_volumes(k);
}

/* ---- running it */

static void prepare(struct kit *k)
{
	char *a, *b, *t;

	memset(k, 0, sizeof(*k));
	log_init("test", LOG_EMERG);
	sim_manual_clock(true);
	kit_config(k, "");
	kit_start(k);
	a = kit_volume(k, "a", 32 * MIB);
	b = kit_volume(k, "b", 32 * MIB);
	t = kit_volume(k, "t", 32 * MIB);
	kit_group(k, "src", (const char *[]) { a, b }, 2);
	free(a);
	free(b);
	free(t);
	kit_stop(k);
}

/* In a child: @run on the engine, killed at fault @n. What it told goes to @told. */
static int in_child(struct kit *k, void (*run)(struct kit *), unsigned int n, char *told,
		    size_t size)
{
	size_t have = strlen(told);
	int fds[2], status;
	ssize_t r;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failed assertion ends the child */
		report_fd = fds[1];
		fault_hook = die_at;
		faults_left = n;
		kit_start(k);
		engine_notify_add(k->e, on_notify, NULL);
		run(k);
		fault_hook = NULL;
		_exit(0);
	}
	close(fds[1]);
	while ((r = read(fds[0], told + have, size - 1 - have)) > 0)
		have += (size_t)r;
	told[have] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static char judge_told[4096];
static void (*judging)(struct kit *k, const char *told) = judge;

static void run_judge(struct kit *k)
{
	fault_hook = NULL;
	judging(k, judge_told);
}

static void run_nothing(struct kit *k)
{
	kit_settle(k);
	kit_copy(k, 100);
}

static void check(struct kit *k, const char *told, unsigned int n, unsigned int m)
{
	char unused[4096] = "";
	int rc;

	snprintf(judge_told, sizeof(judge_told), "%s", told);
	rc = in_child(k, run_judge, 0, unused, sizeof(unused));
	if (rc)
		fail_msg("killed at fault %u, then %u: the judge ended with %d; told:\n%s", n, m,
			 rc, told);
}

static void kill_everywhere(void (*scenario)(struct kit *), unsigned int stride)
{
	unsigned int n = 1;
	int rc = KILLED;

	for (; rc == KILLED && n < MAX_FAULTS; n++) {
		char told[4096] = "";
		struct kit k;

		prepare(&k);
		rc = in_child(&k, scenario, n, told, sizeof(told));
		assert_true(rc == 0 || rc == KILLED);
		/* a second kill, during the recovery */
		if (rc == KILLED && stride && n % stride == 0)
			in_child(&k, run_nothing, 1 + n / stride, told, sizeof(told));
		check(&k, told, n, stride);
		kit_remove(&k);
	}
	assert_int_equal(rc, 0);
	print_message("# killed at %u points\n", n - 2);
	assert_true(n > 20);
}

/* The answers of smisd-priv are lost from its n-th operation on, for a while. */
static void lose_everywhere(void (*scenario)(struct kit *))
{
	unsigned int n = 1;
	bool hit = true;

	for (; hit && n < MAX_FAULTS; n++) {
		char told[4096] = "";
		struct kit k;
		int fds[2], status;
		ssize_t r;

		prepare(&k);
		assert_int_equal(pipe(fds), 0);
		fflush(NULL);
		if (!fork()) {
			setenv("CMOCKA_TEST_ABORT", "1", 1);
			report_fd = fds[1];
			kit_start(&k);
			engine_notify_add(k.e, on_notify, NULL);
			faults_left = n;
			fault_hook = lose_at;
			scenario(&k);
			fault_hook = NULL;
			hit = !faults_left;
			kit_settle(&k);
			sim_disconnected(false);
			kit_settle(&k);
			_exit(hit ? KILLED : 0);
		}
		close(fds[1]);
		r = read(fds[0], told, sizeof(told) - 1);
		while (r > 0 && strlen(told) < sizeof(told) - 1)
			r = read(fds[0], told + strlen(told), sizeof(told) - 1 - strlen(told));
		close(fds[0]);
		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status));
		hit = WEXITSTATUS(status) == KILLED;
		assert_true(hit || !WEXITSTATUS(status));
		check(&k, told, n, 0);
		kit_remove(&k);
	}
	assert_false(hit);
	print_message("# answers lost from %u operations on\n", n - 2);
}

static void test_I7_killed_group_replica(void **state)
{
	(void)state;
	kill_everywhere(scenario_group, 3);
}

static void test_I7_killed_attached(void **state)
{
	(void)state;
	kill_everywhere(scenario_attached, 5);
}

static void test_I7_killed_abort(void **state)
{
	(void)state;
	kill_everywhere(scenario_abort, 0);
}

static void test_I7_killed_failure(void **state)
{
	(void)state;
	kill_everywhere(scenario_failure, 4);
}

static void test_killed_volumes(void **state)
{
	(void)state;
	kill_everywhere(scenario_volumes, 4);
}

static void test_I7_lost_group_replica(void **state)
{
	(void)state;
	lose_everywhere(scenario_group);
}

static void test_I7_killed_snapshots(void **state)
{
	(void)state;
	judging = judge_snapshots;
	judge_all_or_none = true;
	kill_everywhere(scenario_snapshots, 3);
}

static void test_I7_killed_return(void **state)
{
	(void)state;
	judge_all_or_none = false;
	kill_everywhere(scenario_return, 4);
}

static void test_I7_lost_snapshots(void **state)
{
	(void)state;
	lose_everywhere(scenario_return);
	judging = judge;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_I7_killed_group_replica),
		cmocka_unit_test(test_I7_killed_attached),
		cmocka_unit_test(test_I7_killed_abort),
		cmocka_unit_test(test_I7_killed_failure),
		cmocka_unit_test(test_killed_volumes),
		cmocka_unit_test(test_I7_lost_group_replica),
		cmocka_unit_test(test_I7_killed_snapshots),
		cmocka_unit_test(test_I7_killed_return),
		cmocka_unit_test(test_I7_lost_snapshots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

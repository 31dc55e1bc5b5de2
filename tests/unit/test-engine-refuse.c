// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-engine-refuse.c - what the engine refuses: each with a sentence that names the object, and
 * without a trace of it left. The state is compared before and after every refusal.
 */
#include "engine-kit.h"

#include <errno.h>

struct world {
	struct kit *k;
	char *a, *b, *c, *small, *big, *far;
	char src[40], dst[40], empty[40];
};

/* All that a refusal must not change, in one text. */
static void picture(struct kit *k, char *out, size_t size)
{
	const struct engine_volume *v = NULL;
	const struct engine_group *g = NULL;
	const struct engine_relation *r = NULL;
	const struct engine_job *j = NULL;
	const struct engine_pool *p = NULL;
	size_t n = 0;

	while ((p = engine_pool_next(k->e, p)))
		n += (size_t)snprintf(out + n, size - n, "p %s %ju\n", p->name,
				      (uintmax_t)p->remaining_bytes);
	while ((v = engine_volume_next(k->e, v)))
		n += (size_t)snprintf(out + n, size - n, "v %s %s %ju %d %s\n", v->uuid, v->name,
				      (uintmax_t)v->size_bytes, v->status, sim_dm_table(v->uuid));
	while ((g = engine_group_next(k->e, g)))
		n += (size_t)snprintf(out + n, size - n, "g %s %zu\n", g->name, g->nr_members);
	while ((r = engine_relation_next(k->e, r)))
		n += (size_t)snprintf(out + n, size - n, "r %s %d\n", r->uuid, r->state);
	while ((j = engine_job_next(k->e, j)))
		n += (size_t)snprintf(out + n, size - n, "j %s %d\n", j->id, j->state);
	snprintf(out + n, size - n, "%zu %zu\n", sim_nr_volumes(), sim_nr_relations());
}

static void unchanged(struct kit *k, const char *before)
{
	char after[8192];

	kit_settle(k);
	picture(k, after, sizeof(after));
	assert_string_equal(before, after);
}

static void refuse(struct kit *k, const struct engine_replica_spec *spec, enum engine_rc rc,
		   const char *text)
{
	char before[8192];
	struct got g;

	picture(k, before, sizeof(before));
	g = kit_replica(k, spec);
	if (g.rc != rc || !strstr(g.why, text))
		fail_msg("rc %d, \"%s\"; expected rc %d, \"%s\"", g.rc, g.why, rc, text);
	unchanged(k, before);
}

static void refuse_pair(struct kit *k, const char *source, const char *target, enum engine_rc rc,
			const char *text)
{
	struct engine_pair_spec p = { .source_uuid = source, .target_uuid = target };
	struct engine_replica_spec s = { .pairs = &p, .nr_pairs = 1, .sync_type = 8 };

	refuse(k, &s, rc, text);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct kit *k;

	kit_setup((void **)&w->k);
	k = w->k;
	w->a = kit_volume(k, "a", 32 * MIB);
	w->b = kit_volume(k, "b", 32 * MIB);
	w->c = kit_volume(k, "c", 32 * MIB);
	w->small = kit_volume(k, "small", 16 * MIB);
	w->big = kit_volume(k, "big", 600 * MIB);
	w->far = strdup(kit_volume_in(k, "far", 32 * MIB, kit_pool(k, 1)).volume);
	kit_keep(w->src, kit_group(k, "src", (const char *[]) { w->a, w->b }, 2)->id);
	kit_keep(w->dst, kit_group(k, "dst", (const char *[]) { w->c }, 1)->id);
	kit_keep(w->empty, kit_group(k, "empty", NULL, 0)->id);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	kit_teardown((void **)&w->k);
	free(w->a);
	free(w->b);
	free(w->c);
	free(w->small);
	free(w->big);
	free(w->far);
	free(w);
	return 0;
}

static void test_pairs(void **state)
{
	struct world *w = *state;
	struct kit *k = w->k;
	struct engine_pair_spec twice[] = { { .source_uuid = w->a }, { .source_uuid = w->a } };
	struct engine_pair_spec same[] = { { .source_uuid = w->a, .target_uuid = w->c },
					   { .source_uuid = w->b, .target_uuid = w->c } };
	struct engine_pair_spec cross[] = { { .source_uuid = w->a, .target_uuid = w->b },
					    { .source_uuid = w->b, .target_uuid = w->c } };
	struct engine_pair_spec pools[] = { { .source_uuid = w->a }, { .source_uuid = w->far } };
	struct engine_replica_spec s = { .pairs = twice, .nr_pairs = 2, .sync_type = 8 };

	refuse(k, &s, ENGINE_INVALID_PARAMETER, "source volume a is listed twice");
	s.pairs = same;
	refuse(k, &s, ENGINE_INVALID_PARAMETER, "target volume c is listed twice");
	s.pairs = cross;
	refuse(k, &s, ENGINE_INVALID_PARAMETER, "volume b is a target and a source");
	s.pairs = pools;
	refuse(k, &s, ENGINE_INVALID_PARAMETER, "different pools");
	s.nr_pairs = 0;
	refuse(k, &s, ENGINE_INVALID_PARAMETER, "must be named");
	refuse_pair(k, w->a, w->a, ENGINE_INVALID_PARAMETER, "a cannot be its own target");
	refuse_pair(k, w->a, w->small, ENGINE_INVALID_PARAMETER,
		    "target volume small is smaller than source volume a");
	refuse_pair(k, w->a, w->far, ENGINE_INVALID_PARAMETER, "far is in pool bulk");
	refuse_pair(k, "11111111-2222-3333-4444-555555555555", NULL, ENGINE_NOT_FOUND,
		    "no volume 11111111");
	refuse_pair(k, w->a, "nothing", ENGINE_NOT_FOUND, "no volume nothing");
}

static void test_parameters(void **state)
{
	struct world *w = *state;
	struct kit *k = w->k;
	struct engine_pair_spec p = { .source_uuid = w->a };
	struct engine_replica_spec s = { .pairs = &p, .nr_pairs = 1, .sync_type = 6 };

	refuse(k, &s, ENGINE_NOT_SUPPORTED, "SyncType 6");
	s.sync_type = 99;
	refuse(k, &s, ENGINE_INVALID_PARAMETER, "SyncType 99");
	s.sync_type = 8;
	s.mode = 4;
	refuse(k, &s, ENGINE_NOT_SUPPORTED, "Mode 4");
	s.mode = 2;
	s.wait_copy_state = 8;
	refuse(k, &s, ENGINE_INVALID_PARAMETER, "WaitForCopyState 8");
	s.wait_copy_state = 2;
	refuse(k, &s, ENGINE_INVALID_PARAMETER, "WaitForCopyState 2");
	s.wait_copy_state = 0;
	s.pool_uuid = "nope";
	refuse(k, &s, ENGINE_NOT_FOUND, "nope");
	s.pool_uuid = kit_pool(k, 1);
	refuse(k, &s, ENGINE_INVALID_PARAMETER, "TargetPool bulk");
	s.pool_uuid = "primordial";
	refuse(k, &s, ENGINE_INVALID_PARAMETER, "Primordial");
	s.pool_uuid = kit_pool(k, 0);
	p.target_uuid = w->b;
	refuse(k, &s, ENGINE_INVALID_PARAMETER, "all targets exist");
	s.pool_uuid = NULL;
	p.target_name = "x";
	refuse(k, &s, ENGINE_INVALID_PARAMETER, "b, which exists");
	p.target_uuid = NULL;
	p.target_name = "c";
	refuse(k, &s, ENGINE_EXISTS, "a volume c already");
	p.target_name = "../x";
	refuse(k, &s, ENGINE_INVALID_PARAMETER, "path");
	p.target_name = "";
	refuse(k, &s, ENGINE_INVALID_PARAMETER, "empty");
	p.target_name = "\xff";
	refuse(k, &s, ENGINE_INVALID_PARAMETER, "UTF-8");
	p.target_name = NULL;
	p.source_uuid = w->big; /* 600 MiB more do not fit */
	refuse(k, &s, ENGINE_NO_SPACE, "pool fast has");
}

static void test_groups(void **state)
{
	struct world *w = *state;
	struct kit *k = w->k;
	struct engine_replica_spec s = { .source_group_id = w->src,
					 .target_group_id = w->dst,
					 .sync_type = 8 };
	const char *two[] = { w->a, w->a };
	char why[512], before[8192];

	refuse(k, &s, ENGINE_INVALID_PARAMETER, "group src has 2 members, group dst has 1");
	s.target_group_id = w->src;
	refuse(k, &s, ENGINE_INVALID_PARAMETER, "src cannot be its own target");
	s.target_group_id = "none";
	refuse(k, &s, ENGINE_NOT_FOUND, "no group none");
	s.target_group_id = NULL;
	s.source_group_id = w->empty;
	refuse(k, &s, ENGINE_INVALID_PARAMETER, "group empty is empty");
	s.source_group_id = w->src;
	s.relationship_name = "a"; /* a_1 and a_2 are free */
	assert_int_equal(kit_volume_in(k, "a_2", 4 * MIB, kit_pool(k, 0)).rc, ENGINE_OK);
	refuse(k, &s, ENGINE_EXISTS, "a volume a_2 already");
	picture(k, before, sizeof(before));
	assert_int_equal(engine_group_create(k->e, "g", NULL, two, 2, NULL, why, sizeof(why)),
			 ENGINE_INVALID_PARAMETER);
	assert_non_null(strstr(why, "a is listed twice"));
	assert_int_equal(engine_group_create(k->e, "src", NULL, NULL, 0, NULL, why, sizeof(why)),
			 ENGINE_EXISTS);
	assert_int_equal(engine_group_remove(k->e, w->dst, two, 1, why, sizeof(why)),
			 ENGINE_INVALID_PARAMETER);
	assert_non_null(strstr(why, "a is not a member of group dst"));
	assert_int_equal(engine_group_delete(k->e, "none", true, why, sizeof(why)),
			 ENGINE_NOT_FOUND);
	unchanged(k, before);
}

static void test_in_use(void **state)
{
	struct world *w = *state;
	struct kit *k = w->k;
	struct got g;

	sim_set_open(w->b, true);
	{
		struct engine_pair_spec p = { .source_uuid = w->a, .target_uuid = w->b };
		struct engine_replica_spec s = { .pairs = &p, .nr_pairs = 1, .sync_type = 8 };
		struct got r = kit_replica(k, &s);

		assert_int_equal(r.rc, ENGINE_IN_USE);
		assert_non_null(strstr(r.why, "target volume b is in use"));
		assert_null(engine_job_next(k->e, NULL));
		assert_string_equal(sim_dm_table(w->b), "source");
	}
	assert_int_equal(kit_delete(k, w->b).rc, ENGINE_IN_USE);
	assert_int_equal(engine_volume_by_uuid(k->e, w->b)->status, ENGINE_VOLUME_OK);
	sim_set_open(w->b, false);

	g = kit_clone(k, w->a, w->b, 3);
	assert_int_equal(g.rc, ENGINE_JOB_STARTED);
	refuse_pair(k, w->c, w->b, ENGINE_IN_USE, "b is the target of another relation");
	refuse_pair(k, w->c, w->a, ENGINE_IN_USE, "a is the source of another relation");
	refuse_pair(k, w->b, w->c, ENGINE_IN_USE, "b is the target of a relation");
	assert_int_equal(kit_delete(k, w->a).rc, ENGINE_IN_USE);
	assert_int_equal(kit_delete(k, w->b).rc, ENGINE_IN_USE);
}

static void test_one_target_for_two_requests(void **state)
{
	struct world *w = *state;
	struct kit *k = w->k;
	struct engine_pair_spec p = { .source_uuid = w->a, .target_uuid = w->c },
				q = { .source_uuid = w->b, .target_uuid = w->c };
	struct engine_replica_spec s = { .pairs = &p, .nr_pairs = 1, .sync_type = 8 },
				   t = { .pairs = &q, .nr_pairs = 1, .sync_type = 8 };
	struct got g = { 0 }, h = { 0 }, d = { 0 };

	engine_replica_create(k->e, &s, kit_done, &g);
	engine_replica_create(k->e, &t, kit_done, &h);
	engine_volume_delete(k->e, w->a, kit_done, &d); /* its source, meanwhile */
	kit_until(k, &g.done);
	kit_until(k, &h.done);
	kit_until(k, &d.done);
	assert_int_equal(g.rc, ENGINE_JOB_STARTED);
	assert_int_equal(h.rc, ENGINE_IN_USE);
	assert_int_equal(d.rc, ENGINE_IN_USE);
}

static void test_volumes(void **state)
{
	struct world *w = *state;
	struct kit *k = w->k;
	char before[8192];
	struct got g;

	picture(k, before, sizeof(before));
	assert_int_equal(kit_volume_in(k, "a", MIB, NULL).rc, ENGINE_EXISTS);
	assert_int_equal(kit_volume_in(k, "n", 0, NULL).rc, ENGINE_INVALID_PARAMETER);
	assert_int_equal(kit_volume_in(k, "n", MIB, "none").rc, ENGINE_NOT_FOUND);
	assert_int_equal(kit_volume_in(k, "n", MIB, "primordial").rc, ENGINE_INVALID_PARAMETER);
	assert_int_equal(kit_volume_in(k, w->a, MIB, NULL).rc, ENGINE_INVALID_PARAMETER);
	g = kit_volume_in(k, "n", 1ull << 50, kit_pool(k, 0));
	assert_int_equal(g.rc, ENGINE_SIZE_NOT_SUPPORTED);
	assert_non_null(strstr(g.why, "pool fast has"));
	g = kit_volume_in(k, "n", UINT64_MAX, kit_pool(k, 0));
	assert_int_equal(g.rc, ENGINE_SIZE_NOT_SUPPORTED);
	g = (struct got) { 0 };
	engine_volume_modify(k->e, w->a, NULL, NULL, MIB, kit_done, &g);
	kit_until(k, &g.done);
	assert_int_equal(g.rc, ENGINE_NOT_SUPPORTED);
	assert_non_null(strstr(g.why, "a cannot shrink"));
	g = (struct got) { 0 };
	engine_volume_modify(k->e, w->a, "b", NULL, 0, kit_done, &g);
	kit_until(k, &g.done);
	assert_int_equal(g.rc, ENGINE_EXISTS);
	assert_int_equal(kit_delete(k, "none").rc, ENGINE_NOT_FOUND);
	/* a failure of LVM leaves nothing behind either */
	sim_fail(BACKEND_VOLUME_CREATE, 1, -EIO, "vg on fire");
	g = kit_volume_in(k, "n", MIB, NULL);
	assert_int_equal(g.rc, ENGINE_FAILED);
	assert_string_equal(g.why, "vg on fire");
	sim_fail(BACKEND_VOLUME_DELETE, 1, -EIO, "vg on fire");
	assert_int_equal(kit_delete(k, w->c).rc, ENGINE_FAILED);
	unchanged(k, before);
}

static void test_operations(void **state)
{
	struct world *w = *state;
	struct kit *k = w->k;
	struct got g = kit_clone(k, w->a, w->b, 3);
	char r[40];

	kit_keep(r, g.relations[0]);
	assert_int_equal(kit_op(k, 14, r, false).rc, ENGINE_NOT_SUPPORTED);
	assert_int_equal(kit_op(k, ENGINE_OP_SUSPEND, "none", false).rc, ENGINE_NOT_FOUND);
	sim_fail(BACKEND_RELATION_MODIFY, 1, -EIO, "clone 2: the store could not record it");
	g = kit_op(k, ENGINE_OP_SUSPEND, r, false);
	assert_int_equal(g.rc, ENGINE_FAILED);
	assert_non_null(strstr(g.why, "could not record"));
	assert_int_equal(engine_relation_by_ends(k->e, w->a, w->b)->state, ENGINE_COPYING);
	kit_copy(k, 1000);
	assert_int_equal(kit_op(k, ENGINE_OP_SUSPEND, r, false).rc, ENGINE_FAILED);
	assert_int_equal(kit_op(k, ENGINE_OP_ABORT, r, false).rc, ENGINE_FAILED);
	/* the kernel refuses to detach: the relation stays and can be detached later */
	sim_fail(BACKEND_RELATION_MODIFY, 1, -EIO, "store failed");
	assert_int_equal(kit_op(k, ENGINE_OP_DETACH, r, false).rc, ENGINE_FAILED);
	assert_non_null(engine_relation_by_ends(k->e, w->a, w->b));
	assert_int_equal(kit_op(k, ENGINE_OP_DETACH, r, false).rc, ENGINE_OK);
	assert_int_equal(kit_job_change(k, "none", 4).rc, ENGINE_NOT_FOUND);
	assert_int_equal(kit_job_change(k, engine_job_next(k->e, NULL)->id, 5).rc,
			 ENGINE_NOT_SUPPORTED);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_pairs),	    T(test_parameters), T(test_groups),
		T(test_in_use),	    T(test_volumes),	T(test_one_target_for_two_requests),
		T(test_operations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

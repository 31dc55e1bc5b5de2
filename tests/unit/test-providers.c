// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-providers.c - the providers against the schema: an engine on a simulated node with
 * volumes, groups, copies and jobs in every state, the real broker, and a sink that looks at what
 * comes out. Sequences of clients are in tests/cim/.
 */
#include "engine-kit.h"

#include "base/arena.h"
#include "broker/request.h"
#include "cim/schema.h"

struct fixture {
	struct kit *kit;
	struct repo *repo;
	struct broker *broker;
};

struct seen {
	struct cim_sink sink;
	struct arena *arena;
	bool done;
	int code;
	char why[256];
	size_t n_insts, n_paths;
	VEC(struct cim_path *) paths;
	VEC(size_t) set; /* properties that were set, of each instance */
	uint32_t rc;
	const struct cim_value *out; /* the last output parameter */
};

static void on_inst(struct cim_sink *sink, const struct cim_inst *i, const bool *mask,
		    const struct cim_ns *ns)
{
	struct seen *s = (struct seen *)sink;
	size_t k, n = 0;

	(void)mask;
	(void)ns;
	assert_int_equal(i->error, 0);
	for (k = 0; k < i->n_props; k++)
		n += !i->props[k].val.null;
	vec_push(&s->set, n);
	vec_push(&s->paths, i->path ? cim_path_dup(s->arena, i->path) : NULL);
	s->n_insts++;
}

static void on_path(struct cim_sink *sink, const struct cim_path *path)
{
	struct seen *s = (struct seen *)sink;

	vec_push(&s->paths, cim_path_dup(s->arena, path));
	s->n_paths++;
}

static void on_returned(struct cim_sink *sink, enum cim_type type, uint32_t value)
{
	(void)type;
	((struct seen *)sink)->rc = value;
}

static void on_out(struct cim_sink *sink, const char *name, const struct cim_value *v)
{
	struct seen *s = (struct seen *)sink;
	struct cim_value *copy = arena_alloc(s->arena, sizeof(*copy));

	(void)name;
	*copy = *v;
	s->out = copy;
}

static void on_done(struct cim_sink *sink, int code, const char *why)
{
	struct seen *s = (struct seen *)sink;

	s->done = true;
	s->code = code;
	snprintf(s->why, sizeof(s->why), "%s", why ? why : "");
}

static void run(struct fixture *f, struct cim_request *q, struct seen *s)
{
	memset(s, 0, sizeof(*s));
	s->sink = (struct cim_sink) { .inst = on_inst,
				      .path = on_path,
				      .returned = on_returned,
				      .out = on_out,
				      .done = on_done };
	s->arena = q->arena;
	q->user = "test";
	q->may_read = q->may_write = true;
	broker_submit(f->broker, q, &s->sink);
	kit_until(f->kit, &s->done);
}

static void seen_done(struct seen *s)
{
	vec_done(&s->paths);
	vec_done(&s->set);
}

/* A source group of two with an attached copy half way, a finished one, one that was stopped. */
static void populate(struct kit *k)
{
	char *v[8];
	char name[16];
	const char *pair[2];
	struct engine_replica_spec spec = { .method = "CreateGroupReplica",
					    .params = "{\"SyncType\":8,\"Mode\":3}",
					    .sync_type = 8,
					    .mode = 3,
					    .relationship_name = "rel" };
	struct got g;
	size_t n;

	for (n = 0; n < 8; n++) {
		snprintf(name, sizeof(name), "vol%zu", n);
		v[n] = kit_volume(k, name, 64 * MIB);
	}
	assert_int_equal(kit_clone(k, v[4], v[5], 3).rc, ENGINE_JOB_STARTED);
	kit_copy(k, 10000);
	g = kit_clone(k, v[6], v[7], 3);
	assert_int_equal(kit_job_change(k, g.job, 4).rc, ENGINE_OK);
	kit_settle(k);
	pair[0] = v[0];
	pair[1] = v[1];
	spec.source_group_id = kit_group(k, "source", pair, 2)->id;
	g = kit_replica(k, &spec);
	if (g.rc != ENGINE_JOB_STARTED)
		fail_msg("replica: %s", g.why);
	kit_copy(k, 300);
	for (n = 0; n < 8; n++)
		free(v[n]);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char *why = NULL;
	void *kit;

	kit_setup(&kit);
	f->kit = kit;
	f->repo = repo_new(&cim_schema, cim_providers, &why);
	if (!f->repo)
		fail_msg("repo: %s", why);
	f->broker = broker_new(f->repo, f->kit->e);
	populate(f->kit);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *kit = f->kit;

	broker_free(f->broker);
	repo_free(f->repo);
	kit_teardown(&kit);
	free(f);
	return 0;
}

static const char *home(const struct cim_provider *p)
{
	return p->ns == CIM_NS_INTEROP ? "interop" : "root/dmreplica";
}

/* Every class enumerates: each property that a provider sets is in the schema with that type
 * (else the instance carries an error), and each class has instances in this fixture.
 */
static void test_every_class(void **state)
{
	struct fixture *f = *state;
	size_t k, i;

	for (k = 0; cim_providers[k]; k++) {
		struct arena a = ARENA_INIT;
		struct cim_request q = { .arena = &a,
					 .op = CIM_OP_ENUMERATE_INSTANCES,
					 .name = "EnumerateInstances",
					 .ns = home(cim_providers[k]),
					 .class = cim_providers[k]->class,
					 .deep = true };
		struct seen s;

		run(f, &q, &s);
		if (s.code)
			fail_msg("%s: %d %s", q.class, s.code, s.why);
		if (!s.n_insts)
			fail_msg("%s has no instance", q.class);
		for (i = 0; i < s.n_insts; i++)
			if (s.set.v[i] < 1)
				fail_msg("%s: an instance without properties", q.class);
		seen_done(&s);
		arena_done(&a);
	}
}

/* What is around one object is found from that object, however many others there are. */
static void test_from_ends(void **state)
{
	(void)state;
	for (size_t k = 0; cim_providers[k]; k++)
		if (cim_providers[k]->assoc && !cim_providers[k]->assoc->from_end)
			fail_msg("%s is walked whole for each object", cim_providers[k]->class);
}

/* Each instance is found under the path that names it, once. */
static void test_every_instance(void **state)
{
	struct fixture *f = *state;
	size_t k, i;

	for (k = 0; cim_providers[k]; k++) {
		struct arena a = ARENA_INIT;
		struct cim_request q = { .arena = &a,
					 .op = CIM_OP_ENUMERATE_INSTANCE_NAMES,
					 .name = "EnumerateInstanceNames",
					 .ns = home(cim_providers[k]),
					 .class = cim_providers[k]->class };
		struct seen names;

		run(f, &q, &names);
		assert_int_equal(names.code, 0);
		for (i = 0; i < names.n_paths; i++) {
			struct cim_request g = { .arena = &a,
						 .op = CIM_OP_GET_INSTANCE,
						 .name = "GetInstance",
						 .ns = q.ns,
						 .path = cim_path_dup(&a, names.paths.v[i]) };
			struct seen one;

			g.class = g.path->class;
			run(f, &g, &one);
			if (one.code || one.n_insts != 1)
				fail_msg("%s: %zu instances, %d %s",
					 cim_path_print(&a, names.paths.v[i]), one.n_insts,
					 one.code, one.why);
			assert_true(cim_path_equal(one.paths.v[0], names.paths.v[i]));
			seen_done(&one);
		}
		seen_done(&names);
		arena_done(&a);
	}
}

/* Nothing of the engine's objects is lost on the way. */
static void test_counts(void **state)
{
	static const struct {
		const char *class;
		size_t n;
	} wanted[] = {
		{ "CIM_StorageVolume", 10 }, /* 8 and the two targets that were made */
		{ "CIM_StoragePool", 3 },
		{ "CIM_ReplicationGroup", 2 },
		{ "CIM_StorageSynchronized", 4 },
		{ "CIM_GroupSynchronized", 1 },
		{ "CIM_ConcreteJob", 5 }, /* two single ones, one of a group with two pairs */
		{ "CIM_OrderedMemberOfCollection", 4 },
		{ "CIM_MethodResult", 5 },
		{ "CIM_ReplicationService", 1 },
	};
	struct fixture *f = *state;
	size_t k;

	for (k = 0; k < sizeof(wanted) / sizeof(wanted[0]); k++) {
		struct arena a = ARENA_INIT;
		struct cim_request q = { .arena = &a,
					 .op = CIM_OP_ENUMERATE_INSTANCE_NAMES,
					 .name = "EnumerateInstanceNames",
					 .ns = "root/tpd",
					 .class = wanted[k].class };
		struct seen s;

		run(f, &q, &s);
		assert_int_equal(s.code, 0);
		if (s.n_paths != wanted[k].n)
			fail_msg("%s: %zu, not %zu", wanted[k].class, s.n_paths, wanted[k].n);
		seen_done(&s);
		arena_done(&a);
	}
}

static struct seen invoke(struct fixture *f, struct arena *a, const char *method, const char *class,
			  const char *id)
{
	struct cim_request q = { .arena = a,
				 .op = CIM_OP_INVOKE,
				 .name = method,
				 .ns = "root/dmreplica",
				 .class = class,
				 .path = cim_path_make(a, class, "InstanceID", id, NULL) };
	struct seen s;

	run(f, &q, &s);
	if (s.code)
		fail_msg("%s: %d %s", method, s.code, s.why);
	seen_done(&s);
	return s;
}

/* A copy that fails: what its job and its relation say, and the CIM_Error. A good job has none. */
static void test_failed_job(void **state)
{
	static const char reason[] = "read error of the source at sector 12";
	struct fixture *f = *state;
	struct arena a = ARENA_INIT;
	char *source = kit_volume(f->kit, "bad", 128 * MIB);
	struct got g = kit_clone(f->kit, source, NULL, 3);
	const struct cim_inst *e;
	const struct engine_job *j;
	struct seen s;
	const char *id;
	uint16_t v;

	free(source);
	assert_int_equal(g.rc, ENGINE_JOB_STARTED);
	id = arena_printf(&a, "RPL:Job:%s", g.job);
	s = invoke(f, &a, "GetErrors", "RPL_ConcreteJob", id);
	assert_int_equal(s.rc, 0);
	assert_null(s.out);
	sim_fail_relation(g.targets[0], reason);
	kit_settle(f->kit);
	j = engine_job_by_id(f->kit->e, g.job);
	assert_int_equal(j->state, ENGINE_JOB_EXCEPTION);
	s = invoke(f, &a, "GetErrors", "RPL_ConcreteJob", id);
	assert_int_equal(s.rc, 0);
	assert_non_null(s.out);
	assert_int_equal(s.out->n, 1);
	e = s.out->v[0].inst;
	assert_string_equal(e->class, "CIM_Error");
	assert_non_null(strstr(cim_get_str(e, "Message"), reason));
	assert_string_equal(cim_get_str(e, "OwningEntity"), "dm-replica");
	assert_string_equal(cim_get_str(e, "ErrorSource"), id);
	assert_true(cim_get_u16(e, "PerceivedSeverity", &v));
	s = invoke(f, &a, "GetError", "RPL_ConcreteJob", id);
	assert_string_equal(cim_get_str(s.out->d.inst, "Message"), cim_get_str(e, "Message"));
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_class, setup, teardown),
		cmocka_unit_test(test_from_ends),
		cmocka_unit_test_setup_teardown(test_every_instance, setup, teardown),
		cmocka_unit_test_setup_teardown(test_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failed_job, setup, teardown),
	};

	return cmocka_run_group_tests_name("providers", tests, NULL, NULL);
}

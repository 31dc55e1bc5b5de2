// SPDX-License-Identifier: GPL-2.0-or-later
/* test-cursor.c - open enumerations: whose they are, what they hold, when they end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <time.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/log.h"
#include "broker/cursor.h"
#include "class-kit.h"

#define TIMEOUT_S 1

static const struct broker_limits limits = {
	.max_enumerations = 3, .max_bytes = 256 * 1024, .timeout_s = TIMEOUT_S, .max_timeout_s = 10
};
static const struct cim_ns here = { "here", 1, 0 }, there = { "there", 1, 0 };

struct kit {
	sd_event *loop;
	struct cursors *all;
	struct arena arena;
};

static struct cursor *with_paths(struct kit *k, unsigned int nr, uint32_t timeout_s)
{
	struct cursor *cur = cursor_new(k->all, CURSOR_PATHS, &here, "ann", false, timeout_s);

	assert_non_null(cur);
	for (unsigned int i = 0; i < nr; i++) {
		struct cim_path *p = cim_path_new(&k->arena, "C");

		cim_path_u64(p, "N", i);
		assert_true(cursor_add_path(cur, p));
	}
	return cur;
}

static const char *id_of(struct cursor *cur)
{
	static char id[64];

	return strcpy(id, cursor_id(cur));
}

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* ---- whose ---- */

static void found_by_its_owner(void **state)
{
	struct kit *k = *state;
	struct cursor *cur = with_paths(k, 2, 0);
	const char *id;

	assert_null(cursor_find(k->all, "", &here, "ann"));
	cursor_open(cur, 5);
	id = id_of(cur);
	assert_int_equal(strlen(id), 32);
	assert_ptr_equal(cursor_find(k->all, id, &here, "ann"), cur);
	assert_null(cursor_find(k->all, id, &there, "ann"));
	assert_null(cursor_find(k->all, id, &here, "bob"));
	assert_null(cursor_find(k->all, id, &here, NULL));
	assert_null(cursor_find(k->all, id + 1, &here, "ann"));
	assert_int_equal(cursor_total(cur), 7);
	assert_int_equal(cursor_left(cur), 2);
	cursor_close(cur);
	assert_null(cursor_find(k->all, id, &here, "ann"));
}

static void ids_differ(void **state)
{
	struct kit *k = *state;
	char ids[100][40];

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct cursor *cur = with_paths(k, 0, 0);

		cursor_open(cur, 0);
		strcpy(ids[i], cursor_id(cur));
		cursor_close(cur);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(ids[i], ids[j]);
	}
}

/* ---- what ---- */

struct got {
	struct cim_sink sink; /* first */
	const struct cim_inst *inst;
	const bool *mask;
	uint64_t n;
};

static void take_path(struct cim_sink *s, const struct cim_path *p)
{
	struct got *g = (struct got *)s;

	assert_int_equal(cim_path_get(p, "n")->d.u, g->n);
	g->n++;
}

static void take_inst(struct cim_sink *s, const struct cim_inst *i, const bool *mask,
		      const struct cim_ns *ns)
{
	struct got *g = (struct got *)s;

	assert_ptr_equal(ns, &there);
	g->inst = i;
	g->mask = mask;
}

static void paths_in_order(void **state)
{
	struct kit *k = *state;
	struct got g = { .sink = { .path = take_path } };
	struct cursor *cur = with_paths(k, 100, 0);

	cursor_open(cur, 0);
	while (cursor_left(cur))
		cursor_send(cur, &g.sink);
	assert_int_equal(g.n, 100);
	cursor_close(cur);
}

static const struct cim_prop_decl prop_decls[] = {
	{ .name = "Words", .type = CIM_STRING, .array = true },
	{ .name = "Secret", .type = CIM_STRING },
	{ .name = "Part", .type = CIM_STRING, .embedded = "C" },
	{ .name = "To", .type = CIM_REFERENCE, .ref_class = "C" },
};
static const struct cim_class_decl class_decl = { .name = "C", .props = prop_decls, .n_props = 4 };

/* The originals are overwritten and freed before the copies are looked at. */
static void copies_live_on(void **state)
{
	struct kit *k = *state;
	struct class_kit cls;
	bool mask[] = { true, false, true, true };
	struct got g = { .sink = { .inst = take_inst } };
	struct cursor *cur = cursor_new(k->all, CURSOR_WITH_PATH, &here, "ann", true, 0);
	struct arena scratch = ARENA_INIT;
	struct cim_inst *i, *part;
	char text[] = "some text";

	class_kit(&cls, &class_decl, NULL);
	i = cim_inst_of(&scratch, &cls.cls);
	part = cim_inst_of(&scratch, &cls.cls);
	cim_set_strs(part, "Words", (const char *const[]) { text, NULL }, 2);
	cim_set_strs(i, "Words", (const char *const[]) { text, "b" }, 2);
	cim_set_str(i, "Secret", "x");
	cim_set_inst(i, "Part", part);
	cim_set_ref(i, "To", cim_path_make(&scratch, "C", "K", text, NULL));
	i->path = cim_path_make(&scratch, "C", "K", "v", NULL);
	assert_int_equal(cim_status(i), 0);
	assert_true(cursor_add_inst(cur, i, mask, &there));
	memset(text, '?', sizeof(text) - 1);
	memset(mask, 0, sizeof(mask));
	arena_done(&scratch);

	cursor_open(cur, 0);
	assert_true(cursor_class_origin(cur));
	assert_int_equal(cursor_kind(cur), CURSOR_WITH_PATH);
	cursor_send(cur, &g.sink);
	assert_true(g.mask[0] && !g.mask[1] && g.mask[2] && g.mask[3]);
	assert_string_equal(cim_get(g.inst, "words")->v[0].str, "some text");
	assert_string_equal(cim_get(g.inst, "words")->v[1].str, "b");
	assert_null(cim_get(g.inst, "Secret"));
	assert_string_equal(cim_path_key(cim_get_ref(g.inst, "To"), "K"), "some text");
	assert_string_equal(cim_path_key(g.inst->path, "K"), "v");
	part = (struct cim_inst *)cim_get(g.inst, "Part")->d.inst;
	assert_true(cim_get(part, "Words")->v[1].null);
	cursor_close(cur);
}

/* ---- limits ---- */

static void limited(void **state)
{
	struct kit *k = *state;
	struct cursor *cur[3], *big;
	char *text = xcalloc(1, 100001);
	unsigned int n = 0;
	size_t before;

	for (size_t i = 0; i < ARRAY_LEN(cur); i++)
		cur[i] = with_paths(k, 1, 0);
	assert_null(cursor_new(k->all, CURSOR_PATHS, &here, "ann", false, 0));
	cursor_close(cur[2]);
	before = cursors_bytes(k->all);
	assert_true(before > 0);
	memset(text, 'x', 100000);
	big = with_paths(k, 0, 0);
	while (cursor_add_path(big, cim_path_make(&k->arena, "C", "K", text, NULL)))
		assert_true(++n < 10);
	assert_true(n >= 1);
	cursor_close(big);
	assert_int_equal(cursors_bytes(k->all), before);
	cursor_close(cur[0]);
	cursor_close(cur[1]);
	assert_int_equal(cursors_bytes(k->all), 0);
	free(text);
}

/* ---- time ---- */

static void ends_by_itself(void **state)
{
	struct kit *k = *state;
	struct cursor *cur = with_paths(k, 1, TIMEOUT_S), *endless = with_paths(k, 1, 0);
	uint64_t end = now_us() + 30 * 1000000ull;
	char id[64];

	cursor_open(cur, 0);
	cursor_open(endless, 0);
	strcpy(id, cursor_id(cur));
	while (cursor_find(k->all, id, &here, "ann")) {
		assert_true(now_us() < end);
		assert_true(sd_event_run(k->loop, 100000) >= 0);
	}
	assert_ptr_equal(cursor_find(k->all, cursor_id(endless), &here, "ann"), endless);
	cursor_close(endless);
}

/* The client comes back again and again, for longer than the timeout. */
static void touched(void **state)
{
	struct kit *k = *state;
	struct cursor *cur = with_paths(k, 1, TIMEOUT_S);
	uint64_t end;
	char id[64];

	cursor_open(cur, 0);
	strcpy(id, cursor_id(cur));
	end = now_us() + 3 * TIMEOUT_S * 500000ull;
	while (now_us() < end) {
		uint64_t at = now_us();

		cursor_touch(cur);
		assert_true(sd_event_run(k->loop, 10000) >= 0);
		if (cursor_find(k->all, id, &here, "ann"))
			continue;
		/* only a machine that stood still between the two lines above explains it */
		assert_true(now_us() - at >= TIMEOUT_S * 1000000ull);
		return;
	}
	cursor_close(cur);
}

static void freed_while_open(void **state)
{
	struct kit *k = *state;

	cursor_open(with_paths(k, 10, TIMEOUT_S), 0);
	with_paths(k, 10, 0);
	/* teardown frees; the sanitizers look */
}

static int setup(void **state)
{
	struct kit *k = new0(struct kit);

	log_init("test", LOG_CRIT);
	*state = k;
	if (sd_event_new(&k->loop) < 0)
		return -1;
	k->all = cursors_new(&limits, k->loop);
	return 0;
}

static int teardown(void **state)
{
	struct kit *k = *state;

	cursors_free(k->all);
	sd_event_unref(k->loop);
	arena_done(&k->arena);
	free(k);
	return 0;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(found_by_its_owner),
		TEST(ids_differ),
		TEST(paths_in_order),
		TEST(copies_live_on),
		TEST(limited),
		TEST(ends_by_itself),
		TEST(touched),
		TEST(freed_while_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

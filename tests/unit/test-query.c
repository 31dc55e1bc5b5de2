// SPDX-License-Identifier: GPL-2.0-or-later
/* test-query.c - the query languages: what is in the result, and what is no query. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "class-kit.h"
#include "query/query.h"

static const struct cim_prop_decl props[] = {
	{ .name = "Name", .type = CIM_STRING },
	{ .name = "Size", .type = CIM_UINT64 },
	{ .name = "Offset", .type = CIM_SINT64 },
	{ .name = "Ratio", .type = CIM_REAL64 },
	{ .name = "Ready", .type = CIM_BOOLEAN },
	{ .name = "Since", .type = CIM_DATETIME },
	{ .name = "Status", .type = CIM_UINT16, .array = true },
	{ .name = "Part", .type = CIM_STRING, .embedded = "T_Thing" },
	{ .name = "Pool", .type = CIM_REFERENCE, .ref_class = "T_Thing" },
	{ .name = "Nothing", .type = CIM_STRING },
};
static const struct cim_prop_decl extra[] = { { .name = "Extra", .type = CIM_UINT8 } };
static const struct cim_class_decl thing_decl = { .name = "T_Thing",
						  .props = props,
						  .n_props = ARRAY_LEN(props) };
static const struct cim_class_decl sub_decl = { .name = "T_Sub", .props = props, .n_props = 10 };
static const struct cim_class_decl other_decl = { .name = "T_Other", .props = extra, .n_props = 1 };

static struct class_kit thing, sub, other;
static struct arena arena;
static struct cim_inst *inst;

static const struct cim_class *find(void *arg, const char *name)
{
	struct class_kit *all[] = { &thing, &sub, &other };

	(void)arg;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (!strcasecmp(all[i]->cls.decl->name, name))
			return &all[i]->cls;
	return NULL;
}

static const struct query_classes classes = { find, NULL };

/* NULL: error. */
static struct query *make(enum query_language lang, const char *text, struct query_error *e)
{
	struct query *q = query_parse(&arena, lang, text, e);
	const struct cim_class *from = NULL;

	if (!q)
		return NULL;
	if (query_from(q)) {
		from = find(NULL, query_from(q));
		assert_non_null(from);
	}
	return query_bind(q, from, &classes, e) ? NULL : q;
}

static bool matches(const struct query *q)
{
	uint64_t steps = 100000000;
	bool yes = query_matches(q, inst, &steps);

	assert_true(steps);
	return yes;
}

static void is(enum query_language lang, const char *condition, bool want)
{
	char text[512];
	struct query_error e;
	struct query *q;

	snprintf(text, sizeof(text), "%s%s",
		 lang == QUERY_FQL ? "" : "SELECT * FROM T_Thing WHERE ", condition);
	q = make(lang, text, &e);
	if (!q)
		fail_msg("%s: %d %s", text, e.code, e.why);
	if (matches(q) != want)
		fail_msg("%s: not %d", text, want);
}

static void in_all(const char *condition, bool want)
{
	is(QUERY_WQL, condition, want);
	is(QUERY_CQL, condition, want);
	is(QUERY_FQL, condition, want);
}

static void refused(enum query_language lang, const char *text, int code, const char *why)
{
	struct query_error e;

	if (make(lang, text, &e))
		fail_msg("%s: accepted", text);
	if (e.code != code || !strstr(e.why, why))
		fail_msg("%s: %d %s", text, e.code, e.why);
}

/* ---- conditions ---- */

static void comparisons(void **state)
{
	static const char *const yes[] = {
		"Name = 'a b'",
		"name <> \"x\"",
		"NAME > 'a'",
		"Name >= 'a b'",
		"Name < 'b'",
		"'a b' = Name",
		"5 < Size",
		"Size = 18446744073709551615",
		"Size > 9223372036854775807",
		"Size <> -1",
		"Size > -1",
		"Offset = -5",
		"Offset < 0",
		"Offset > -5.5",
		"Offset <= -5",
		"Ratio = 1.5",
		"Ratio > 1",
		"Ratio < 1.6e0",
		"Ratio <> 2",
		"Size >= 0xffffffffffffffff",
		"Ready = TRUE",
		"Ready <> false",
		"Ready",
		"NOT NOT Ready",
		"Since = '20231114221320.123456+000'",
		"Since < '20231114231320.123456+000'",
		"Since > '20231114221320.123455+000'",
		"Since = '20231114231320.123456+060'",
		"Pool = 'T_Thing.Name=\"p\"'",
		"Pool <> 'T_Thing.Name=\"q\"'",
		"Offset < Ratio",
		"Size > Offset",
		"Name = Name",
	};
	static const char *const no[] = {
		"Name = 'A B'",
		"Name = 'a b '",
		"Size < 5",
		"Offset > 0",
		"Offset > 18446744073709551615",
		"Ratio = 1.50001",
		"Ready = FALSE",
		"NOT Ready",
		"Pool = 'T_Sub.Name=\"p\"'",
		"Name <> Name",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		in_all(yes[i], true);
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		in_all(no[i], false);
}

static void nulls(void **state)
{
	(void)state;
	in_all("Nothing IS NULL", true);
	in_all("Nothing IS NOT NULL", false);
	in_all("Nothing = NULL", true);
	in_all("Name <> NULL", true);
	in_all("NULL = Name", false);
	in_all("Part.Name IS NULL", true);
	/* neither true nor false */
	in_all("Nothing = 'x'", false);
	in_all("NOT Nothing = 'x'", false);
	in_all("Nothing <> 'x'", false);
	in_all("Nothing = 'x' OR Ready", true);
	in_all("Nothing = 'x' AND Ready", false);
	in_all("NOT (Nothing = 'x' AND NOT Ready)", true);
	in_all("Nothing LIKE 'x'", false);
	in_all("Nothing NOT LIKE 'x'", false);
}

static void logic(void **state)
{
	(void)state;
	/* AND binds closer than OR, NOT closer than AND */
	in_all("Ready OR Ready AND NOT Ready", true);
	in_all("(Ready OR Ready) AND NOT Ready", false);
	in_all("NOT Ready OR Ready", true);
	in_all("not (Ready or Ready)", false);
	in_all("Size=1 OR Size=2 OR Size=18446744073709551615 AND Name='a b'", true);
	in_all("((((Ready))))", true);
}

static void like(void **state)
{
	(void)state;
	is(QUERY_WQL, "Name LIKE 'a%'", true);
	is(QUERY_WQL, "Name LIKE '_ _'", true);
	is(QUERY_WQL, "Name LIKE 'a'", false);
	is(QUERY_WQL, "Name LIKE '%b'", true);
	is(QUERY_WQL, "Name LIKE '%%%'", true);
	is(QUERY_WQL, "Name LIKE '[^b-z]%[abc]'", true);
	is(QUERY_WQL, "Name LIKE 'a.b'", false);
	is(QUERY_WQL, "Name NOT LIKE 'b%'", true);
	is(QUERY_CQL, "Name LIKE 'a.b'", true);
	is(QUERY_CQL, "Name LIKE 'a.*'", true);
	is(QUERY_CQL, "Name LIKE '^a +b$'", true);
	is(QUERY_CQL, "Name LIKE 'a c?b'", true);
	is(QUERY_CQL, "Name LIKE 'ax*'", false);
	is(QUERY_CQL, "Name LIKE 'a%'", false);
	is(QUERY_FQL, "Name LIKE '[a-c][ ][^x]'", true);
	is(QUERY_FQL, "Name LIKE 'a\\\\ b'", true);
	is(QUERY_FQL, "Name LIKE 'a\\\\.b'", false);
	is(QUERY_FQL, "Part.Nothing LIKE '.\xc3\xa4.'", true);
	is(QUERY_FQL, "Part.Nothing LIKE '...'", true);
	is(QUERY_WQL, "Part.Nothing LIKE '___'", true);
	refused(QUERY_FQL, "Name LIKE '(a|b)'", 29, "(");
	refused(QUERY_FQL, "Name LIKE '*a'", 15, "repeat");
	refused(QUERY_FQL, "Name LIKE '[a'", 15, "[");
	refused(QUERY_FQL, "Name LIKE 'a\\\\'", 15, "\\");
	refused(QUERY_WQL, "SELECT * FROM T_Thing WHERE Name LIKE '[z-a]'", 15, "range");
}

static uint64_t cost(const char *condition)
{
	uint64_t steps = UINT64_MAX;
	struct query_error e;
	struct query *q = make(QUERY_FQL, condition, &e);

	if (!q)
		fail_msg("%d %s", e.code, e.why);
	assert_false(query_matches(q, inst, &steps));
	return UINT64_MAX - steps;
}

static const char *many(const char *what, size_t nr, const char *end)
{
	static char text[QUERY_MAX_BYTES + 1];

	strcpy(text, "Name LIKE '");
	while (nr--)
		strcat(text, what);
	return strcat(strcat(text, end), "'");
}

/* Patterns on which backtracking would take for ever. */
static void like_is_fast(void **state)
{
	char text[2001];
	struct query_error e;
	struct query *q;

	(void)state;
	memset(text, 'a', 2000);
	text[2000] = '\0';
	cim_set_str(inst, "Name", text);
	q = make(QUERY_FQL, many("a*", 250, "b"), &e);
	assert_non_null(q);
	assert_false(matches(q));
	text[1999] = 'b';
	cim_set_str(inst, "Name", text);
	assert_true(matches(q));
}

/* A pattern costs no more than its limit, and what any characters are is not asked twice. */
static void like_costs(void **state)
{
	char text[1001];

	(void)state;
	memset(text, 'a', 1000);
	text[1000] = '\0';
	cim_set_str(inst, "Name", text);
	assert_true(cost(many(".*", 8000, "x")) < 10000);
	assert_true(cost("Name LIKE 'x.*'") < 100);
	assert_true(cost(many("a?", 250, "x")) < 300000);
	assert_true(cost(many("[abcdefgh]?", 31, "x")) < 300000);
	refused(QUERY_FQL, many("a", 300, ""), 27, "256");
	refused(QUERY_FQL, many("a*", 300, "x"), 27, "256");
	refused(QUERY_FQL, many("[abcdefgh]?", 33, "x"), 27, "256");
	is(QUERY_FQL, many(".*", 200, "a.*"), true);
}

/* An evaluation ends when its steps are used up. */
static void steps_end(void **state)
{
	char text[QUERY_MAX_BYTES] = "Name = 'x'";
	uint64_t steps = 1000;
	struct query_error e;
	struct query *q;

	(void)state;
	while (strlen(text) < QUERY_MAX_BYTES - 40)
		strcat(text, " OR Name LIKE '.*x'");
	q = make(QUERY_FQL, text, &e);
	assert_non_null(q);
	assert_false(query_matches(q, inst, &steps));
	assert_int_equal(steps, 0);
	cim_set_str(inst, "Name", "x");
	steps = 1000;
	assert_true(query_matches(q, inst, &steps));
	assert_true(steps);
}

static void arrays(void **state)
{
	(void)state;
	in_all("ANY Status = 17", true);
	in_all("ANY Status[*] = 17", true);
	in_all("ANY Status = 18", false);
	in_all("EVERY Status > 1", true);
	in_all("EVERY Status > 2", false);
	in_all("Status[1] = 17", true);
	in_all("Status[2] = 17", false);
	in_all("Status[2] IS NULL", true);
	in_all("Status IS NOT NULL", true);
	refused(QUERY_WQL, "SELECT * FROM T_Thing WHERE Status = 2", 15, "array");
	refused(QUERY_WQL, "SELECT * FROM T_Thing WHERE ANY Size = 2", 15, "no array");
	refused(QUERY_WQL, "SELECT * FROM T_Thing WHERE Size[0] = 2", 15, "no array");
	/* without a class nothing is known before */
	is(QUERY_FQL, "Status = 2", false);
	is(QUERY_FQL, "ANY Size = 2", false);
}

static void classes_and_parts(void **state)
{
	(void)state;
	in_all("Part ISA T_Sub", true);
	in_all("Part ISA T_Thing", true);
	in_all("Part ISA 'T_Other'", false);
	in_all("Part NOT ISA T_Other", true);
	in_all("Part.Size = 7", true);
	in_all("Part.T_Sub::Size = 7", true);
	in_all("Part.Part.Size = 7", false);
	in_all("__CLASS = 'T_Thing'", true);
	in_all("T_Thing::Size > 5", true);
	in_all("T_Sub::Size > 5", false); /* it is none */
	is(QUERY_CQL, "T_Thing ISA T_Thing", true);
	is(QUERY_CQL, "T_Thing ISA T_Sub", false);
	is(QUERY_CQL, "T_Thing.Size > 5 AND t_thing.Part.Size = 7", true);
	refused(QUERY_FQL, "Part ISA T_None", 15, "T_None");
	refused(QUERY_FQL, "T_None::Size = 5", 15, "T_None");
	refused(QUERY_CQL, "SELECT * FROM T_Thing WHERE Part.T_Other::Size = 5", 15, "no property");
	refused(QUERY_CQL, "SELECT * FROM T_Thing WHERE Name.Size = 5", 15, "embedded");
	refused(QUERY_CQL, "SELECT * FROM T_Thing WHERE T_Thing = 5", 15, "no property");
}

/* ---- statements ---- */

static void selects(enum query_language lang, const char *text, size_t n, const char *last)
{
	struct query_error e;
	struct query *q = make(lang, text, &e);
	const char **names;
	size_t got;

	if (!q)
		fail_msg("%s: %d %s", text, e.code, e.why);
	assert_int_equal(query_selected(q, &names, &got), n != 0);
	if (!n)
		return;
	assert_int_equal(got, n);
	assert_string_equal(names[n - 1], last);
}

static void statements(void **state)
{
	(void)state;
	selects(QUERY_WQL, "select * from T_Thing", 0, NULL);
	selects(QUERY_WQL, " SELECT\tName ,\nSize FROM t_thing\r\n", 2, "Size");
	selects(QUERY_CQL, "SELECT T_Thing.Name, T_Thing.Size FROM T_Thing", 2, "Size");
	selects(QUERY_CQL, "SELECT t.Name FROM T_Thing AS t WHERE t.Size > 5", 1, "Name");
	selects(QUERY_CQL, "SELECT t.Name FROM T_Thing t WHERE t.Size > 5", 1, "Name");
	selects(QUERY_CQL, "SELECT T_Thing.* FROM T_Thing", 0, NULL);
	selects(QUERY_CQL, "SELECT T_Thing::Name FROM T_Thing", 1, "Name");
	selects(QUERY_WQL, "SELECT * FROM T_Thing WHERE Name = 'WHERE \\'x\\''", 0, NULL);
}

static void no_queries(void **state)
{
	static const struct {
		const char *text, *why;
		int code;
	} bad[] = {
		{ "", "SELECT", 15 },
		{ "DELETE FROM T_Thing", "SELECT", 15 },
		{ "SELECT", "a property", 15 },
		{ "SELECT * T_Thing", "FROM", 15 },
		{ "SELECT * FROM", "class", 15 },
		{ "SELECT *, FROM T_Thing", "FROM", 15 },
		{ "SELECT * FROM T_Thing WHERE", "value", 15 },
		{ "SELECT * FROM T_Thing WHERE Name", "no condition", 15 },
		{ "SELECT * FROM T_Thing WHERE Name =", "value", 15 },
		{ "SELECT * FROM T_Thing WHERE (Ready", ")", 15 },
		{ "SELECT * FROM T_Thing WHERE Ready)", "end", 15 },
		{ "SELECT * FROM T_Thing WHERE Name = 'x", "does not end", 15 },
		{ "SELECT * FROM T_Thing WHERE Name = '\\q'", "\\", 15 },
		{ "SELECT * FROM T_Thing WHERE Size = 99999999999999999999", "too large", 15 },
		{ "SELECT * FROM T_Thing WHERE Size = 5x", "no number", 15 },
		{ "SELECT * FROM T_Thing WHERE Size = 'x'", "uint64", 15 },
		{ "SELECT * FROM T_Thing WHERE Name = 5", "string", 15 },
		{ "SELECT * FROM T_Thing WHERE Since = 'x'", "datetime", 15 },
		{ "SELECT * FROM T_Thing WHERE Ready > TRUE", "boolean", 15 },
		{ "SELECT * FROM T_Thing WHERE Part = 'x'", "embedded", 15 },
		{ "SELECT * FROM T_Thing WHERE Size LIKE 'x'", "LIKE", 15 },
		{ "SELECT * FROM T_Thing WHERE Name > NULL", "order", 15 },
		{ "SELECT * FROM T_Thing WHERE 5 = 5", "no property", 15 },
		{ "SELECT * FROM T_Thing WHERE Color = 5", "Color", 15 },
		{ "SELECT Color FROM T_Thing", "Color", 15 },
		{ "SELECT * FROM T_Thing WHERE Size ; 5", "character", 15 },
		{ "SELECT * FROM T_Thing, T_Sub", "more than one class", 29 },
		{ "SELECT DISTINCT Name FROM T_Thing", "DISTINCT", 29 },
		{ "SELECT * FROM T_Thing ORDER BY Name", "ORDER", 29 },
		{ "SELECT * FROM T_Thing WHERE UPPERCASE(Name) = 'X'", "function", 29 },
		{ "SELECT COUNT(*) FROM T_Thing", "function", 29 },
		{ "SELECT Part.Name FROM T_Thing", "selecting", 29 },
		{ "SELECT Name AS n FROM T_Thing", "name for", 29 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		refused(QUERY_WQL, bad[i].text, bad[i].code, bad[i].why);
		refused(QUERY_CQL, bad[i].text, bad[i].code, bad[i].why);
	}
	refused(QUERY_FQL, "SELECT * FROM T_Thing", 15, "the end");
}

static void limits(void **state)
{
	char *text = xcalloc(1, QUERY_MAX_BYTES + 100);
	struct query_error e;
	struct query *q;

	(void)state;
	memset(text, '(', 10000);
	refused(QUERY_FQL, text, 15, "nested");
	for (size_t i = 0; i < 10000; i += 4)
		memcpy(text + i, "NOT ", 4);
	refused(QUERY_FQL, text, 15, "nested");
	/* a long row is no nesting */
	strcpy(text, "Ready");
	while (strlen(text) < QUERY_MAX_BYTES - 20)
		strcat(text, " AND Ready");
	q = make(QUERY_FQL, text, &e);
	assert_non_null(q);
	assert_true(matches(q));
	memset(text, ' ', QUERY_MAX_BYTES + 1);
	refused(QUERY_FQL, text, 15, "longer");
	free(text);
}

/* Whatever bytes: no crash, and an error has a sentence. */
static void garbage(void **state)
{
	static const char *const words[] = { "SELECT ", "* ",	"FROM ", "T_Thing ", "WHERE ",
					     "Name ",	"= ",	"'x' ",	 "( ",	     ") ",
					     "AND ",	"NOT ", "ISA ",	 "LIKE ",    "[ ",
					     "5 ",	"ANY ", ". ",	 ":: ",	     "IS ",
					     "NULL ",	"\xff", "\"",	 "\\" };
	unsigned int seed = 12345;

	(void)state;
	for (int n = 0; n < 20000; n++) {
		char text[400] = "";
		struct query_error e;
		struct query *q;

		if (n & 1)
			strcpy(text, "SELECT * FROM T_Thing WHERE ");
		for (int k = rand_r(&seed) % 12; k >= 0; k--)
			strcat(text, words[(size_t)rand_r(&seed) % ARRAY_LEN(words)]);
		q = query_parse(&arena, (enum query_language)(n % 3), text, &e);
		if (!q)
			assert_true(e.code && *e.why);
		else if (!query_bind(q, NULL, &classes, &e))
			(void)matches(q);
	}
}

static int setup(void **state)
{
	struct cim_inst *part;

	(void)state;
	class_kit(&thing, &thing_decl, NULL);
	class_kit(&sub, &sub_decl, &thing.cls);
	class_kit(&other, &other_decl, NULL);
	inst = cim_inst_of(&arena, &thing.cls);
	part = cim_inst_of(&arena, &sub.cls);
	cim_set_u64(part, "Size", 7);
	cim_set_str(part, "Nothing", "x\xc3\xa4y");
	cim_set_str(inst, "Name", "a b");
	cim_set_u64(inst, "Size", UINT64_MAX);
	cim_set_s64(inst, "Offset", -5);
	inst->props[3].val.null = false;
	inst->props[3].val.d.r = 1.5;
	cim_set_bool(inst, "Ready", true);
	cim_set_time(inst, "Since", UINT64_C(1700000000123456));
	cim_set_u16v(inst, "Status", 2, 17);
	cim_set_inst(inst, "Part", part);
	cim_set_ref(inst, "Pool", cim_path_make(&arena, "T_Thing", "Name", "p", NULL));
	return cim_status(inst);
}

static int teardown(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(comparisons),	 TEST(nulls),	   TEST(logic),	     TEST(like),
		TEST(like_is_fast),	 TEST(like_costs), TEST(steps_end),  TEST(arrays),
		TEST(classes_and_parts), TEST(statements), TEST(no_queries), TEST(limits),
		TEST(garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

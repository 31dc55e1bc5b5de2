// SPDX-License-Identifier: GPL-2.0-or-later
/* test-cim.c - datetime, scalar values, object paths. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "cim/cim.h"

static struct arena arena;

static int done(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

/* ---- datetime ---- */

static void round_trip(const char *s, bool interval, int64_t usec)
{
	struct cim_datetime dt;
	char out[CIM_DATETIME_LEN + 1];

	assert_int_equal(cim_datetime_parse(s, &dt), 0);
	assert_int_equal(dt.interval, interval);
	assert_true(dt.usec == usec);
	cim_datetime_print(&dt, out);
	assert_string_equal(out, s);
}

static void datetime_round_trips(void **state)
{
	(void)state;
	round_trip("19700101000000.000000+000", false, 0);
	round_trip("20260131120000.000000+060", false, INT64_C(1769857200000000));
	round_trip("20240229235959.123456-300", false, INT64_C(1709269199123456));
	round_trip("00000000000000.000000:000", true, 0);
	round_trip("00000001020304.000005:000", true, INT64_C(93784000005));
	round_trip("99999999235959.999999:000", true, INT64_C(8639999999999999999));
}

static void datetime_refuses(void **state)
{
	static const char *const bad[] = {
		"",
		"20260131120000.000000+06",
		"20260131120000.000000+0600",
		"20261331120000.000000+000", /* month 13 */
		"20260231120000.000000+000", /* 31 February */
		"20260131250000.000000+000", /* hour 25 */
		"20260131126000.000000+000",
		"2026013112000a.000000+000",
		"20260131120000,000000+000",
		"20260131120000.000000 000",
		"00000000240000.000000:000",
		"00000000000000.000000:001",
		"2026**31120000.000000+000", /* digits after asterisks */
	};
	struct cim_datetime dt;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(cim_datetime_parse(bad[i], &dt), -EINVAL);
}

static void datetime_asterisks(void **state)
{
	struct cim_datetime dt;

	(void)state;
	assert_int_equal(cim_datetime_parse("20260131******.******+000", &dt), 0);
	assert_true(dt.usec == INT64_C(1769817600000000));
	assert_int_equal(cim_datetime_parse("2026**********.******+000", &dt), 0);
	assert_int_equal(cim_datetime_parse("00000001******.******:000", &dt), 0);
	assert_true(dt.usec == INT64_C(86400000000));
}

static void datetime_prints_anything(void **state)
{
	static const int64_t usec[] = { INT64_MAX, INT64_MIN, -1, 1 };
	char out[CIM_DATETIME_LEN + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(usec) / sizeof(usec[0]); i++) {
		struct cim_datetime dt = { .usec = usec[i] };

		cim_datetime_print(&dt, out);
		assert_int_equal(strlen(out), CIM_DATETIME_LEN);
		dt.interval = true;
		cim_datetime_print(&dt, out);
		assert_int_equal(strlen(out), CIM_DATETIME_LEN);
	}
}

/* ---- values ---- */

static void parses(enum cim_type t, const char *in, const char *want)
{
	CLEANUP(strbuf_done) struct strbuf b = STRBUF_INIT;
	struct cim_datum d;

	assert_int_equal(cim_datum_parse(&arena, t, in, &d), 0);
	cim_datum_print(&b, t, &d);
	assert_string_equal(strbuf_str(&b), want);
}

static void fails(enum cim_type t, const char *in, int error)
{
	struct cim_datum d;

	assert_int_equal(cim_datum_parse(&arena, t, in, &d), error);
}

static void values_parse(void **state)
{
	(void)state;
	parses(CIM_BOOLEAN, "TRUE", "TRUE");
	parses(CIM_BOOLEAN, " false\n", "FALSE");
	parses(CIM_UINT8, "255", "255");
	parses(CIM_UINT16, "0xFFFF", "65535");
	parses(CIM_UINT64, "18446744073709551615", "18446744073709551615");
	parses(CIM_UINT32, "-0", "0");
	parses(CIM_SINT8, "-128", "-128");
	parses(CIM_SINT64, "-9223372036854775808", "-9223372036854775808");
	parses(CIM_SINT64, "+7", "7");
	parses(CIM_REAL64, "1.5e3", "1500");
	parses(CIM_CHAR16, "\xe2\x82\xac", "\xe2\x82\xac");
	parses(CIM_STRING, " kept ", " kept ");
	parses(CIM_DATETIME, "20260131120000.000000+000", "20260131120000.000000+000");
}

static void values_refuse(void **state)
{
	(void)state;
	fails(CIM_BOOLEAN, "1", -EINVAL);
	fails(CIM_BOOLEAN, "", -EINVAL);
	fails(CIM_UINT8, "256", -ERANGE);
	fails(CIM_UINT8, "-1", -ERANGE);
	fails(CIM_UINT16, "12a", -EINVAL);
	fails(CIM_UINT16, "", -EINVAL);
	fails(CIM_UINT16, "0x", -EINVAL);
	fails(CIM_UINT16, "1 2", -EINVAL);
	fails(CIM_UINT64, "18446744073709551616", -ERANGE);
	fails(CIM_UINT64, "99999999999999999999999999999999", -ERANGE);
	fails(CIM_SINT8, "128", -ERANGE);
	fails(CIM_SINT64, "9223372036854775808", -ERANGE);
	fails(CIM_REAL64, "1.5x", -EINVAL);
	fails(CIM_CHAR16, "ab", -EINVAL);
	fails(CIM_DATETIME, "yesterday", -EINVAL);
	fails(CIM_CHAR16, "\xc0\x40", -EINVAL); /* no continuation */
	fails(CIM_CHAR16, "\xe0\x80\x80", -EINVAL); /* not the shortest form */
	fails(CIM_CHAR16, "\xed\xa0\x80", -EINVAL); /* half of a surrogate pair */
	fails(CIM_CHAR16, "\xf0\x9f\x98\x80", -EINVAL); /* beyond the basic plane */
}

/* ---- paths ---- */

static void path_round_trip(const char *text)
{
	struct cim_path *p = cim_path_parse(&arena, text);

	assert_non_null(p);
	assert_string_equal(cim_path_print(&arena, p), text);
	assert_true(cim_path_equal(p, cim_path_dup(&arena, p)));
}

static void paths_round_trip(void **state)
{
	(void)state;
	path_round_trip("CIM_X");
	path_round_trip("root/x:CIM_X.a=\"b\"");
	path_round_trip("//host:5989/root/x:CIM_X.a=\"b\",n=5,t=TRUE,neg=-3");
	path_round_trip("root/x:CIM_X.a=\"q\\\"uo\\\\te\"");
	path_round_trip("root/x:A.r=\"root/y:B.k=\\\"v\\\"\"");
	path_round_trip("root/x:A.k=\"with.dot,and=sign:colon\"");
}

static void paths_refuse(void **state)
{
	static const char *const bad[] = {
		"",
		".",
		"1CIM.a=\"b\"",
		"CIM_X.",
		"CIM_X.a",
		"CIM_X.a=",
		"CIM_X.a=b",
		"CIM_X.a=\"b",
		"CIM_X.a=\"b\"x",
		"CIM_X.a=\"b\",",
		"CIM_X.a=\"b\",a=\"c\"",
		"CIM_X,a=\"b\"",
		"CIM_X.a=\"b\\",
		"//host",
		"root/x:",
		"CIM_X.=\"b\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_null(cim_path_parse(&arena, bad[i]));
}

static void path_equality(void **state)
{
	struct cim_path *a = cim_path_make(&arena, "RPL_X", "A", "1", "B", "x", NULL);
	struct cim_path *b = cim_path_make(&arena, "rpl_x", "b", "x", "a", "1", NULL);
	struct cim_path *n = cim_path_new(&arena, "RPL_X");
	struct cim_path *ra = cim_path_new(&arena, "R"), *rb = cim_path_new(&arena, "R");

	(void)state;
	assert_true(cim_path_equal(a, b));
	cim_path_u64(n, "A", 1);
	assert_false(cim_path_equal(a, n)); /* a key is missing */
	cim_path_str(n, "B", "x");
	assert_true(cim_path_equal(a, n)); /* 1 is "1" */
	assert_false(cim_path_equal(a, cim_path_make(&arena, "RPL_X", "A", "1", "B", "X", NULL)));
	assert_false(cim_path_equal(a, cim_path_make(&arena, "RPL_Y", "A", "1", "B", "x", NULL)));
	cim_path_ref(ra, "r", a);
	cim_path_ref(rb, "r", b);
	assert_true(cim_path_equal(ra, rb));
	assert_ptr_equal(cim_path_key(ra, "r"), NULL);
	assert_non_null(cim_path_key_ref(ra, "R"));
}

/* One can be changed without the other: keys, names of classes, references, and room for more. */
static void shared_path(void **state)
{
	struct cim_path *p = cim_path_make(&arena, "RPL_X", "A", "1", "B", "x", NULL);
	struct cim_path *r = cim_path_new(&arena, "R"), *of_r;
	struct arena shorter = ARENA_INIT;
	struct cim_path *q;

	(void)state;
	assert_null(cim_path_share(&shorter, NULL));
	cim_path_ref(r, "r", p);
	for (unsigned int keys = 2; keys < 9; keys++) {
		char name[8];

		q = cim_path_share(&shorter, p);
		assert_true(cim_path_equal(p, q));
		q->class = "RPL_Y";
		q->keys[0].val.d.str = "2";
		cim_path_str(q, "more", "m");
		assert_string_equal(p->class, "RPL_X");
		assert_string_equal(cim_path_key(p, "A"), "1");
		assert_int_equal(p->n_keys, keys);
		assert_null(cim_path_get(p, "more"));
		snprintf(name, sizeof(name), "k%u", keys);
		cim_path_str(p, name, "v");
	}
	of_r = cim_path_share(&shorter, r);
	((struct cim_path *)cim_path_key_ref(of_r, "r"))->class = "RPL_Y";
	assert_string_equal(cim_path_key_ref(r, "r")->class, "RPL_X");
	arena_done(&shorter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datetime_round_trips), cmocka_unit_test(datetime_refuses),
		cmocka_unit_test(datetime_asterisks),	cmocka_unit_test(datetime_prints_anything),
		cmocka_unit_test(values_parse),		cmocka_unit_test(values_refuse),
		cmocka_unit_test(shared_path),		cmocka_unit_test(paths_round_trip),
		cmocka_unit_test(paths_refuse),		cmocka_unit_test(path_equality),
	};

	return cmocka_run_group_tests(tests, NULL, done);
}

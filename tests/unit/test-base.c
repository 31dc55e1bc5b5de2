// SPDX-License-Identifier: GPL-2.0-or-later
/* test-base.c - strbuf, strmap, vec, arena. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/strmap.h"
#include "base/vec.h"

static void strbuf_grows(void **state)
{
	CLEANUP(strbuf_done) struct strbuf b = STRBUF_INIT;

	(void)state;
	assert_string_equal(strbuf_str(&b), "");
	for (int i = 0; i < 10000; i++)
		strbuf_puts(&b, "abc");
	assert_int_equal(b.len, 30000);
	assert_int_equal(strlen(b.buf), 30000);
	strbuf_reset(&b);
	assert_string_equal(strbuf_str(&b), "");
	strbuf_printf(&b, "%d-%s", 42, "x");
	strbuf_putc(&b, '!');
	assert_string_equal(strbuf_str(&b), "42-x!");
}

static void strbuf_numbers(void **state)
{
	CLEANUP(strbuf_done) struct strbuf b = STRBUF_INIT;

	(void)state;
	strbuf_u64(&b, 0);
	strbuf_putc(&b, ' ');
	strbuf_u64(&b, UINT64_MAX);
	assert_string_equal(strbuf_str(&b), "0 18446744073709551615");
}

static void strbuf_take_empties(void **state)
{
	struct strbuf b = STRBUF_INIT;
	CLEANUP_FREE char *s = NULL, *t = NULL;

	(void)state;
	strbuf_puts(&b, "x");
	s = strbuf_take(&b);
	t = strbuf_take(&b);
	assert_string_equal(s, "x");
	assert_string_equal(t, "");
}

static void escaped(const char *in, const char *want)
{
	CLEANUP(strbuf_done) struct strbuf b = STRBUF_INIT;

	strbuf_xml(&b, in);
	assert_string_equal(strbuf_str(&b), want);
}

static void strbuf_xml_escapes(void **state)
{
	(void)state;
	escaped("", "");
	escaped("plain", "plain");
	escaped("a<b>&\"c'", "a&lt;b&gt;&amp;&quot;c'");
	escaped("l1\nl2\tx\r", "l1&#10;l2&#9;x&#13;");
	escaped("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
}

#define BAD "\xef\xbf\xbd"

/* What XML cannot carry must not come out, whatever is in a volume's name. */
static void strbuf_xml_replaces(void **state)
{
	(void)state;
	escaped("a\x01z", "a" BAD "z");
	escaped("\x80", BAD);
	escaped("\xc3", BAD); /* cut off */
	escaped("\xc0\xaf", BAD BAD); /* overlong */
	escaped("\xe0\x80\x80", BAD BAD BAD);
	escaped("\xed\xa0\x80", BAD BAD BAD); /* surrogate */
	escaped("\xef\xbf\xbe", BAD BAD BAD); /* U+FFFE */
	escaped("\xf5\x80\x80\x80", BAD BAD BAD BAD);
	escaped("\xf4\x90\x80\x80", BAD BAD BAD BAD);
}

/* It looks at many bytes at once: each byte at each place comes out as it does alone. */
static void strbuf_xml_places(void **state)
{
	(void)state;
	for (int byte = 1; byte < 256; byte++) {
		const char alone[] = { (char)byte, '\0' };

		for (size_t before = 0; before < 40; before++) {
			CLEANUP(strbuf_done) struct strbuf in = STRBUF_INIT, want = STRBUF_INIT;

			for (size_t i = 0; i < before; i++)
				strbuf_putc(&in, 'x');
			strbuf_puts(&want, strbuf_str(&in));
			strbuf_putc(&in, (char)byte);
			strbuf_puts(&in, "0123456789abcdef~");
			strbuf_xml(&want, alone);
			strbuf_puts(&want, "0123456789abcdef~");
			escaped(strbuf_str(&in), strbuf_str(&want));
		}
	}
}

static void strmap_many(void **state)
{
	CLEANUP(strmap_done) struct strmap m = STRMAP_INIT;
	static int values[2000];
	char key[20];
	size_t n = 0;

	(void)state;
	assert_null(strmap_get(&m, "x"));
	assert_null(strmap_del(&m, "x"));
	for (int i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_null(strmap_set(&m, key, &values[i]));
	}
	for (int i = 0; i < 2000; i += 2) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_ptr_equal(strmap_del(&m, key), &values[i]);
	}
	for (int i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_ptr_equal(strmap_get(&m, key), i % 2 ? &values[i] : NULL);
	}
	for (struct strmap_slot *s = strmap_first(&m); s; s = strmap_next(&m, s))
		n++;
	assert_int_equal(n, 1000);
}

static void strmap_case(void **state)
{
	CLEANUP(strmap_done) struct strmap m = STRMAP_NOCASE_INIT;
	int a, b;

	(void)state;
	strmap_set(&m, "CIM_Pool", &a);
	assert_ptr_equal(strmap_get(&m, "cim_POOL"), &a);
	assert_ptr_equal(strmap_set(&m, "cim_pool", &b), &a);
	assert_int_equal(m.n, 1);
	/* nothing but letters has two cases: of these, one is the other with that bit */
	strmap_set(&m, "12345678@[", &a);
	assert_null(strmap_get(&m, "12345678`{"));
	assert_null(strmap_get(&m, "12345678@"));
	assert_ptr_equal(strmap_get(&m, "12345678@["), &a);
}

/* How far names are from where they belong, on the average. */
static double distance(const char *fmt)
{
	CLEANUP(strmap_done) struct strmap m = STRMAP_INIT;
	size_t sum = 0;
	char key[32];
	int value;

	for (int i = 0; i < 3000; i++) {
		snprintf(key, sizeof(key), fmt, i);
		strmap_set(&m, key, &value);
	}
	for (struct strmap_slot *s = strmap_first(&m); s; s = strmap_next(&m, s))
		sum += ((size_t)(s - m.slots) - s->hash) & (m.cap - 1);
	return (double)sum / 3000;
}

/* Names that differ at their end only, of every length. */
static void strmap_spreads(void **state)
{
	static const char *const fmt[] = {
		"%04d",	    "v%04d",	    "vo%04d",		"vol%04d",     "v%07d",
		"vol%06d",  "volum%06d",    "volume-%07d",	"volume-%09d", "volume-%013d",
		"v%04d...", "v%04d.......", "v%04d-1234567890",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fmt); i++)
		if (distance(fmt[i]) > 2)
			fail_msg("%s: %g slots from home", fmt[i], distance(fmt[i]));
}

static void vec_keeps_order(void **state)
{
	VEC(int) v = VEC_INIT;

	(void)state;
	for (int i = 0; i < 100; i++)
		vec_push(&v, i);
	vec_remove(&v, 50);
	assert_int_equal(v.n, 99);
	assert_int_equal(v.v[49], 49);
	assert_int_equal(v.v[50], 51);
	vec_done(&v);
}

static void arena_is_zeroed_and_reused(void **state)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT;
	unsigned char *p;

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t len = 1; len < 3000; len += 7) {
			p = arena_alloc(&a, len);
			assert_int_equal((uintptr_t)p % 16, 0);
			for (size_t i = 0; i < len; i++)
				assert_int_equal(p[i], 0);
			memset(p, 0xff, len);
		}
		arena_reset(&a);
		assert_true(a.total_bytes <= 256 * 1024);
	}
	assert_string_equal(arena_printf(&a, "%s-%d", "x", 7), "x-7");
	assert_null(arena_strdup(&a, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strbuf_grows),
		cmocka_unit_test(strbuf_numbers),
		cmocka_unit_test(strbuf_take_empties),
		cmocka_unit_test(strbuf_xml_escapes),
		cmocka_unit_test(strbuf_xml_replaces),
		cmocka_unit_test(strbuf_xml_places),
		cmocka_unit_test(strmap_many),
		cmocka_unit_test(strmap_case),
		cmocka_unit_test(strmap_spreads),
		cmocka_unit_test(vec_keeps_order),
		cmocka_unit_test(arena_is_zeroed_and_reused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

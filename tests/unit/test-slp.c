// SPDX-License-Identifier: GPL-2.0-or-later
/* test-slp.c - requests of SLPv2 and what they are answered, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "slp/message.h"

static const struct slp_service service = {
	.urls = { "https://10.0.0.1:5989", "http://10.0.0.1:5988" },
	.attributes = "(template-type=wbem)",
	.address = "10.0.0.1",
	.lifetime_s = 10800,
};
static uint8_t out[SLP_MAX_BYTES];
static uint8_t in[SLP_MAX_BYTES];
static size_t len;

static void u16(size_t v)
{
	in[len++] = (uint8_t)(v >> 8);
	in[len++] = (uint8_t)v;
}

static void str(const char *s)
{
	u16(strlen(s));
	memcpy(in + len, s, strlen(s));
	len += strlen(s);
}

/* XID 0x1234, language "en" */
static void head(unsigned int function)
{
	static const uint8_t fixed[] = { 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34 };

	memcpy(in, fixed, sizeof(fixed));
	in[1] = (uint8_t)function;
	len = sizeof(fixed);
	str("en");
}

static void srv_rqst(const char *previous, const char *type, const char *scopes)
{
	head(1);
	str(previous);
	str(type);
	str(scopes);
	str("");
	str("");
}

static size_t ask(bool multicast)
{
	size_t n = slp_answer(&service, in, len, multicast, out);

	if (n) {
		assert_int_equal(out[0], 2);
		assert_int_equal(out[3] << 8 | out[4], n);
		assert_memory_equal(out + 10, "\x12\x34\0\2en", 6);
	}
	return n;
}

static void one_url(const char *type, const char *url)
{
	size_t n;

	srv_rqst("", type, "DEFAULT");
	n = ask(true);
	assert_int_equal(out[1], 2);
	assert_int_equal(n, 16 + 4 + 6 + strlen(url));
	assert_memory_equal(out + 16, "\0\0\0\1\0\x2a\x30", 7);
	assert_memory_equal(out + 25, url, strlen(url));
}

static void services(void **state)
{
	(void)state;
	srv_rqst("10.0.0.2,10.0.0.3", "service:wbem", "others, default");
	assert_int_equal(ask(true), 16 + 4 + 2 * 6 + 34 + 33);
	assert_memory_equal(out + 16, "\0\0\0\2", 4);
	one_url("service:wbem:https", "service:wbem:https://10.0.0.1:5989");
	one_url("SERVICE:WBEM:http", "service:wbem:http://10.0.0.1:5988");
}

/* What is not ours: silence for many, an empty answer or an error for who asks alone. */
static void others(void **state)
{
	(void)state;
	srv_rqst("10.0.0.1", "service:wbem", "default");
	assert_int_equal(ask(true), 0);
	srv_rqst("", "service:printer", "default");
	assert_int_equal(ask(true), 0);
	assert_int_equal(ask(false), 20);
	assert_memory_equal(out + 16, "\0\0\0\0", 4);
	srv_rqst("", "service:wbem", "other");
	assert_int_equal(ask(true), 0);
	assert_int_equal(ask(false), 20);
	assert_memory_equal(out + 16, "\0\4\0\0", 4);
	head(3); /* a registration */
	assert_int_equal(ask(false), 0);
	srv_rqst("", "service:wbem", "default");
	in[0] = 1;
	assert_int_equal(slp_answer(&service, in, len, true, out), 0);
}

static void attributes(void **state)
{
	static const char *const urls[] = { "service:wbem", "service:wbem:https://10.0.0.1:5989" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		head(6);
		str("");
		str(urls[i]);
		str("default");
		str("");
		str("");
		assert_int_equal(ask(true), 16 + 4 + 20 + 1);
		assert_int_equal(out[1], 7);
		assert_memory_equal(out + 18, "\0\x14(template-type=wbem)", 22);
	}
}

static void some_attributes(void **state)
{
	static const struct {
		const char *tags, *found;
	} cases[] = {
		{ "b", "(b=2)" },
		{ "B , a", "(a=1),(b=2)" },
		{ "service*", "(service-id=x)" },
		{ "*-id,none", "(service-id=x)" },
		{ "none", "" },
		{ "*", "(a=1),(b=2),(service-id=x)" },
	};
	struct slp_service s = service;

	(void)state;
	s.attributes = "(a=1),(b=2),(service-id=x)";
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n, found = strlen(cases[i].found);

		head(6);
		str("");
		str("service:wbem");
		str("default");
		str(cases[i].tags);
		str("");
		n = slp_answer(&s, in, len, false, out);
		assert_int_equal(n, 16 + 2 + 2 + found + 1);
		assert_int_equal(out[18] << 8 | out[19], found);
		assert_memory_equal(out + 20, cases[i].found, found);
	}
}

/* RFC 2608, 8.1; what is '?' is no predicate. */
static void predicates(void **state)
{
	static const struct {
		const char *predicate;
		char holds;
	} cases[] = {
		{ "", 'y' },
		{ "(Profile=SNIA:Array)", 'y' },
		{ "( profile = snia:array )", 'y' },
		{ "(profile=snia:server)", 'y' },
		{ "(profile=SNIA:Arra)", 'n' },
		{ "(profile=SNIA:*)", 'y' },
		{ "(profile=*array)", 'y' },
		{ "(profile=*I*:*Y)", 'y' },
		{ "(profile=*arrays*)", 'n' },
		{ "(profile=a*)", 'n' },
		{ "(profile=*)", 'y' },
		{ "(none=*)", 'n' },
		{ "(!(none=*))", 'y' },
		{ "(none=x)", 'n' },
		{ "(version>=9)", 'y' },
		{ "(version<=9)", 'n' },
		{ "(version<=10)", 'y' },
		{ "(name>=b)", 'n' },
		{ "(name~=A  node)", 'y' },
		{ "(name=a\\20node)", 'y' },
		{ "(star=\\2a)", 'y' },
		{ "(name=\\2a)", 'n' },
		{ "(comma=1\\2c2)", 'y' },
		{ "(&(profile=SNIA:Array)(version>=10))", 'y' },
		{ "(&(profile=SNIA:Array)(version>=11))", 'n' },
		{ "(|(none=1)(version=10))", 'y' },
		{ "(|(none=1)(!(version=10)))", 'n' },
		{ "(& (| (none=1) (name=a node) ) (! (version=1)) )", 'y' },
		{ "profile=SNIA:Array", '?' },
		{ "(profile)", '?' },
		{ "(=x)", '?' },
		{ "(profile=x", '?' },
		{ "(profile=x))", '?' },
		{ "(&)", '?' },
		{ "(!(a=1)(b=2))", '?' },
		{ "(|(none=1)(profile)(name=*))", '?' },
		{ "((a=1))", '?' },
		{ "(!(!(!(!(!(!(!(!(!(!(!(!(!(!(!(!(!(a=1))))))))))))))))))", '?' },
	};
	struct slp_service s = service;

	(void)state;
	s.attributes = "(profile=SNIA:Server,SNIA:Array),(version=10),(name=A node),"
		       "(star=\\2a),(comma=1\\2c2)";
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n;

		head(1);
		str("");
		str("service:wbem:http");
		str("default");
		str(cases[i].predicate);
		str("");
		n = slp_answer(&s, in, len, false, out);
		if (cases[i].holds == 'y'   ? out[19] != 1 || out[17]
		    : cases[i].holds == 'n' ? out[19] || out[17]
					    : out[17] != 2)
			fail_msg("%s: not %c", cases[i].predicate, cases[i].holds);
		assert_true(n >= 20);
		assert_int_equal(!!slp_answer(&s, in, len, true, out), cases[i].holds == 'y');
	}
}

static void types(void **state)
{
	(void)state;
	head(9);
	str("");
	u16(0xffff);
	str("default");
	assert_int_equal(ask(true), 16 + 4 + 12);
	assert_int_equal(out[1], 10);
	assert_memory_equal(out + 20, "service:wbem", 12);
}

static void agents(void **state)
{
	(void)state;
	srv_rqst("", "service:service-agent", "");
	assert_true(ask(true));
	assert_int_equal(out[1], 11);
	assert_memory_equal(out + 18, "service:service-agent://10.0.0.1", 32);
}

/* Every part of a request, and every byte of it changed, in memory that ends where it ends. */
static void broken(void **state)
{
	(void)state;
	srv_rqst("", "service:wbem", "default");
	for (size_t n = 0; n <= len; n++) {
		uint8_t *copy = malloc(n + 1);

		for (size_t at = 0; at < n; at++) {
			memcpy(copy, in, n);
			for (int v = 0; v < 256; v += 51) {
				copy[at] = (uint8_t)v;
				assert_true(slp_answer(&service, copy, n, v & 1, out) <=
					    SLP_MAX_BYTES);
			}
		}
		free(copy);
	}
	assert_int_equal(slp_answer(&service, in, len - 1, true, out), 0);
	assert_int_equal(slp_answer(&service, in, len - 1, false, out), 20);
	assert_memory_equal(out + 16, "\0\2\0\0", 4);
}

static void too_long(void **state)
{
	char *text = calloc(1, 2000);
	struct slp_service big = service;

	(void)state;
	memset(text, 'x', 1999);
	memcpy(text, "(x=", 3);
	text[1998] = ')';
	big.attributes = text;
	head(6);
	str("");
	str("service:wbem");
	str("default");
	str("");
	str("");
	assert_int_equal(slp_answer(&big, in, len, false, out), 20);
	assert_int_equal(out[5], 0x80);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(services),   cmocka_unit_test(others),
		cmocka_unit_test(attributes), cmocka_unit_test(types),
		cmocka_unit_test(agents),     cmocka_unit_test(broken),
		cmocka_unit_test(too_long),   cmocka_unit_test(some_attributes),
		cmocka_unit_test(predicates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-priv.c - the pure parts under smisd-priv: the protocol's decoder against everything that
 * is not a request, lvm's reports, names of links, the configuration.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "dm/dm.h"
#include "engine/config.h"
#include "engine/proto.h"
#include "lvm/lvm.h"

#define U1 "11111111-2222-3333-4444-555555555555"
#define U2 "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"

static int decode(const char *text, size_t len, struct backend_request **out)
{
	char why[160] = "";
	uint64_t id;
	int ret = proto_get_request(text, len, &id, out, why, sizeof(why));

	if (ret) {
		assert_int_equal(ret, -EINVAL);
		assert_null(*out);
		assert_true(*why);
	}
	return ret;
}

static void good(const char *text, struct backend_request **out)
{
	if (decode(text, strlen(text), out))
		fail_msg("refused: %s", text);
}

static void bad(const char *text)
{
	struct backend_request *r;

	if (!decode(text, strlen(text), &r))
		fail_msg("accepted: %s", text);
}

static const char *const requests[] = {
	"{\"id\":1,\"op\":\"hello\"}",
	"{\"id\":2,\"op\":\"volume-create\",\"uuid\":\"" U1 "\",\"volume\":7,\"size\":4194304,"
	"\"pool\":\"AbC-dEf\",\"name\":\"data \\u00e4\\\" one\",\"source\":\"\"}",
	"{\"id\":2,\"op\":\"volume-create\",\"uuid\":\"" U1 "\",\"volume\":7,\"size\":4194304,"
	"\"pool\":\"AbC-dEf\",\"name\":\"n\",\"source\":\"" U2 "\"}",
	"{\"id\":3,\"op\":\"volume-delete\",\"uuid\":\"" U1 "\"}",
	"{\"id\":4,\"op\":\"clone-prepare\",\"uuid\":\"" U1 "\",\"other\":\"" U2 "\"}",
	"{\"id\":5,\"op\":\"group-create\",\"uuid\":\"" U1 "\",\"pairs\":[[\"" U1 "\",\"" U2
	"\",\"" U1 "\"]]}",
	"{\"id\":6,\"op\":\"relation-modify\",\"uuid\":\"" U1 "\",\"other\":\"" U2
	"\",\"verb\":\"detach\",\"force\":true}",
	"{\"id\":7,\"op\":\"authenticate\",\"user\":\"joe\",\"password\":\"s3cret\"}",
	"{\"id\":8,\"op\":\"volume-grow\",\"uuid\":\"" U1 "\",\"size\":1}",
	"{\"id\":9,\"op\":\"group-create\",\"uuid\":\"" U1 "\",\"pairs\":[[\"" U1 "\",\"" U2
	"\",4097,false],[\"" U1 "\",\"" U2 "\",\"" U1 "\"],[\"" U2 "\",\"" U2 "\",32767,true]]}",
	"{\"id\":10,\"op\":\"snapshot-delete\",\"uuid\":\"" U1 "\"}",
	"{\"id\":11,\"op\":\"store-distrust\",\"uuid\":\"" U1 "\"}",
};

static void test_requests_round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		CLEANUP(strbuf_done) struct strbuf one = STRBUF_INIT, two = STRBUF_INIT;
		struct backend_request *r, *again;

		good(requests[i], &r);
		proto_put_request(&one, 9, r);
		assert_int_equal(decode(one.buf, one.len, &again), 0);
		proto_put_request(&two, 9, again);
		assert_string_equal(one.buf, two.buf);
		backend_request_free(r);
		backend_request_free(again);
	}
}

static void test_wrong_requests(void **state)
{
	static const char *const wrong[] = {
		"",
		"null",
		"[]",
		"{}",
		"{\"id\":1}",
		"{\"id\":0,\"op\":\"hello\"}",
		"{\"id\":-1,\"op\":\"hello\"}",
		"{\"id\":\"1\",\"op\":\"hello\"}",
		"{\"id\":1,\"op\":\"rm -rf /\"}",
		"{\"id\":1,\"op\":\"hello\"} x",
		"{\"id\":1,\"op\":\"hello\",\"path\":\"/etc/shadow\"}",
		"{\"id\":1,\"op\":\"hello\"}{\"id\":2,\"op\":\"hello\"}",
		"{\"id\":1,\"op\":\"volume-delete\"}",
		"{\"id\":1,\"op\":\"volume-delete\",\"uuid\":null}",
		"{\"id\":1,\"op\":\"volume-delete\",\"uuid\":\"../../../../../../../../../../etc/pas\"}",
		"{\"id\":1,\"op\":\"volume-delete\",\"uuid\":\"" U1 "x\"}",
		"{\"id\":1,\"op\":\"volume-delete\",\"uuid\":\"" U1 "\\u0000\"}",
		"{\"id\":1,\"op\":\"volume-delete\",\"uuid\":\"11111111-2222-3333-4444-55555555555A\"}",
		"{\"id\":1,\"op\":\"volume-delete\",\"uuid\":\"" U1 "\",\"force\":true}",
		"{\"id\":1,\"op\":\"volume-grow\",\"uuid\":\"" U1 "\",\"size\":0}",
		"{\"id\":1,\"op\":\"volume-grow\",\"uuid\":\"" U1 "\",\"size\":-5}",
		"{\"id\":1,\"op\":\"volume-grow\",\"uuid\":\"" U1 "\",\"size\":1.5}",
		"{\"id\":1,\"op\":\"volume-grow\",\"uuid\":\"" U1
		"\",\"size\":99999999999999999999}",
		"{\"id\":1,\"op\":\"volume-link\",\"uuid\":\"" U1 "\",\"name\":\"a/b\"}",
		"{\"id\":1,\"op\":\"volume-link\",\"uuid\":\"" U1 "\",\"name\":\"..\"}",
		"{\"id\":1,\"op\":\"volume-link\",\"uuid\":\"" U1 "\",\"name\":\"\"}",
		"{\"id\":1,\"op\":\"volume-link\",\"uuid\":\"" U1 "\",\"name\":\"a\\nb\"}",
		"{\"id\":1,\"op\":\"volume-link\",\"uuid\":\"" U1 "\",\"name\":\"" U2 "\"}",
		"{\"id\":1,\"op\":\"group-create\",\"uuid\":\"" U1 "\",\"pairs\":[]}",
		"{\"id\":1,\"op\":\"group-create\",\"uuid\":\"" U1 "\",\"pairs\":[[]]}",
		"{\"id\":1,\"op\":\"group-create\",\"uuid\":\"" U1 "\",\"pairs\":[[\"" U1 "\"]]}",
		"{\"id\":1,\"op\":\"group-create\",\"uuid\":\"" U1 "\",\"pairs\":{\"a\":1}}",
#define PAIR(last)                                                                           \
	"{\"id\":1,\"op\":\"group-create\",\"uuid\":\"" U1 "\",\"pairs\":[[\"" U1 "\",\"" U2 \
	"\"," last "]]}"
		PAIR("0,false"),
		PAIR("4096,false"),
		PAIR("32768,false"),
		PAIR("-1,false"),
		PAIR("4294971392,false"),
		PAIR("4097.0,false"),
		PAIR("true,false"),
		PAIR("\"4097\",false"),
		PAIR("\"\""),
		PAIR("4097"),
		PAIR("4097,1"),
		PAIR("4097,null"),
		PAIR("4097,\"true\""),
		PAIR("4097,[true]"),
		PAIR("4097,true,true"),
		PAIR("\"" U1 "\",true"),
		"{\"id\":1,\"op\":\"snapshot-delete\",\"uuid\":\"" U1 "\",\"force\":true}",
		"{\"id\":1,\"op\":\"store-distrust\"}",
		"{\"id\":1,\"op\":\"store-distrust\",\"uuid\":\"../../etc/passwd\"}",
		"{\"id\":1,\"op\":\"store-distrust\",\"uuid\":\"" U1 "\",\"name\":\"x\"}",
		"{\"id\":1,\"op\":\"relation-modify\",\"uuid\":\"" U1 "\",\"other\":\"" U2
		"\",\"verb\":\"explode\",\"force\":false}",
		"{\"id\":1,\"op\":\"volume-create\",\"uuid\":\"" U1
		"\",\"volume\":4097,\"size\":1,\"pool\":\"a\",\"name\":\"n\",\"source\":\"\"}",
		"{\"id\":1,\"op\":\"volume-create\",\"uuid\":\"" U1
		"\",\"volume\":1,\"size\":1,\"pool\":\"-o x;y\",\"name\":\"n\",\"source\":\"\"}",
		"{\"id\":1,\"op\":\"hello\",\"x\":[[[[[[[[[[[[1]]]]]]]]]]]]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		bad(wrong[i]);
}

static unsigned int seed = 12345;

static unsigned int rnd(unsigned int n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 8) % n;
}

/* Bytes changed, cut, doubled: never a crash, never a leak; what is accepted is well-formed. */
static void test_fuzzed_requests(void **state)
{
	static const char bytes[] = "{}[]\",:\\0129-+.eEtrufalsn/\x01\xff\x80 ";
	const unsigned int rounds =
		getenv("FUZZ_ROUNDS") ? (unsigned int)atoi(getenv("FUZZ_ROUNDS")) : 60000;

	(void)state;
	for (unsigned int i = 0; i < rounds; i++) {
		const char *from = requests[rnd(ARRAY_LEN(requests))];
		size_t len = strlen(from), n = 1 + rnd(4);
		char *buf = xmalloc(2 * len);
		struct backend_request *r = NULL;

		memcpy(buf, from, len);
		while (n--) {
			size_t at = rnd((unsigned int)len);

			if (rnd(4)) {
				buf[at] = bytes[rnd(sizeof(bytes))];
			} else if (rnd(2)) {
				len = at + 1;
			} else {
				memmove(buf + at / 2, buf + at, len - at);
				len -= at - at / 2;
			}
			if (!len)
				len = 1;
		}
		buf = xreallocarray(buf, len, 1); /* reads beyond the end are seen */
		if (!decode(buf, len, &r)) {
			CLEANUP(strbuf_done) struct strbuf b = STRBUF_INIT;

			proto_put_request(&b, 1, r);
			if (r->name)
				assert_null(strchr(r->name, '/'));
		}
		backend_request_free(r);
		free(buf);
	}
}

static void test_replies_in_pages(void **state)
{
	struct backend_pool pool = { .uuid = "p", .name = "fast", .total_bytes = 5 };
	struct backend_volume *v = xcalloc(1000, sizeof(*v));
	struct backend_reply reply = { .error = -EBUSY,
				       .reason = "a \"reason\"\n",
				       .pools = &pool,
				       .nr_pools = 1,
				       .volumes = v,
				       .nr_volumes = 1000,
				       .size_bytes = 77,
				       .role_read = true };
	struct proto_reply got = { 0 };
	size_t next = 0, packets = 0;
	bool more = true;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		snprintf(v[i].uuid, sizeof(v[i].uuid), U1);
		v[i].id = i;
		v[i].is_open = i & 1;
	}
	while (more) {
		CLEANUP(strbuf_done) struct strbuf b = STRBUF_INIT;
		uint64_t id;

		more = proto_put_reply(&b, 42, &reply, &next);
		assert_true(b.len < PROTO_REPLY_MAX);
		assert_int_equal(proto_peek_id(b.buf, b.len), 42);
		assert_int_equal(proto_get_reply(b.buf, b.len, &id, &got), !more);
		assert_int_equal(id, 42);
		packets++;
	}
	assert_int_equal(packets, 8);
	assert_int_equal(got.reply.error, -EBUSY);
	assert_string_equal(got.reply.reason, "a \"reason\"\n");
	assert_int_equal(got.reply.nr_volumes, 1000);
	assert_int_equal(got.reply.volumes[999].id, 999);
	assert_true(got.reply.volumes[999].is_open);
	assert_int_equal(got.reply.nr_pools, 1);
	assert_true(got.reply.role_read && !got.reply.role_write);
	proto_reply_done(&got);
	free(v);
}

/* ---- lvm */

static struct smisd_config two_pools(void)
{
	struct smisd_config c = { .nr_pools = 2 };

	c.pools[0].name = (char *)(uintptr_t) "fast";
	c.pools[0].vg = (char *)(uintptr_t) "vg0";
	c.pools[1].name = (char *)(uintptr_t) "bulk";
	c.pools[1].vg = (char *)(uintptr_t) "vg1";
	return c;
}

#define VG                                                                               \
	"\"vg_name\":\"vg0\",\"vg_uuid\":\"u0\",\"vg_size\":\"100\",\"vg_free\":\"40\"," \
	"\"vg_extent_size\":\"4\""
#define LV(name, tags)                                                           \
	"{" VG ",\"lv_name\":\"" name "\",\"lv_size\":\"8\",\"lv_tags\":\"" tags \
	"\",\"lv_active\":\"active\",\"lv_kernel_major\":\"252\",\"lv_kernel_minor\":\"3\"}"

static void test_lvm_report(void **state)
{
	static const char report[] =
		"{\"report\":[{\"lv\":[" LV("rpl-store", "rpl,rpl.uuid=" U2) "," LV(
			"rpl-" U1,
			"rpl,rpl.id=7,rpl.src=" U2) "," LV("rpl-" U2,
							   "rpl.id=8") "," /* without the tag: not ours */
		LV("rpl-" U2, "rpl,rpl.id=0") "," /* an impossible id */
		LV("rpl-nonsense", "rpl,rpl.id=9") "," LV("root", "") "]}]}";
	static const char vgs[] =
		"{\"report\":[{\"vg\":[{\"vg_name\":\"vg1\",\"vg_uuid\":\"u1\",\"vg_size\":\"9\","
		"\"vg_free\":\"9\",\"vg_extent_size\":\"4\"},{\"vg_name\":\"alien\"}]}]}";
	struct smisd_config cfg = two_pools();
	struct lvm_view v = { 0 };
	char why[LVM_WHY];

	(void)state;
	assert_int_equal(lvm_parse(&v, &cfg, report, why), 0);
	assert_int_equal(lvm_parse(&v, &cfg, vgs, why), 0);
	assert_int_equal(v.nr_pools, 2);
	assert_string_equal(v.pools[0].pub.name, "fast");
	assert_int_equal(v.pools[0].pub.free_bytes, 40);
	assert_true(v.pools[0].has_store && v.pools[0].store_active);
	assert_string_equal(v.pools[0].store_uuid, U2);
	assert_false(v.pools[1].has_store);
	assert_int_equal(v.nr_volumes, 1);
	assert_int_equal(v.volumes[0].pub.id, 7);
	assert_string_equal(v.volumes[0].pub.clone_of, U2);
	assert_ptr_equal(lvm_find(&v, U1), &v.volumes[0]);
	assert_null(lvm_find(&v, U2));
	assert_int_equal(lvm_parse(&v, &cfg, "", why), -EPROTO);
	assert_int_equal(lvm_parse(&v, &cfg, "{\"report\":7}", why), -EPROTO);
	lvm_view_done(&v);
}

static void test_link_names(void **state)
{
	char out[256], long_name[128];

	(void)state;
	assert_true(dm_link_name("plain-Name_1.0", out, sizeof(out)));
	assert_string_equal(out, "plain-Name_1.0");
	assert_true(dm_link_name("a b/c", out, sizeof(out)));
	assert_string_equal(out, "a\\x20b\\x2fc");
	assert_true(dm_link_name("..", out, sizeof(out)));
	assert_string_equal(out, "\\x2e.");
	memset(long_name, ' ', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_false(dm_link_name(long_name, out, sizeof(out)));
}

/* ---- configuration */

static int load(const char *text, struct smisd_config *cfg, char *why, size_t size)
{
	char path[] = "/tmp/config-test.XXXXXX";
	int fd = mkstemp(path), ret;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	ret = config_load(cfg, path, why, size);
	unlink(path);
	return ret;
}

static void test_config(void **state)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{ "[server]\nhttp-port = 5988\n", "no pool" },
		{ "[server]\nhttp-prot = 1\n", ":2: [server] http-prot" },
		{ "[server]\nhttp-port = 70000\n", "bad value" },
		{ "[server]\nhttp-port = x\n", "bad value" },
		{ "[limits]\njob-keep = 10\n", "bad value" },
		{ "[limits]\nendless-enumerations = 1\n", "bad value" },
		{ "[pool a]\nvg = v\n[limits]\nmax-enumeration-timeout = 29\n", "above max" },
		{ "[nonsense]\na = b\n", "unknown section" },
		{ "[server]\nlisten = ::1\n\n[empty]\n", ":4: [empty]: unknown section" },
		{ "[pool a]\n", "needs vg" },
		{ "[pool a]\nvg = v\nsize = 1T\n", "simulated node only" },
		{ "[pool a]\nvg = v\n[volume x]\n", "simulated node only" },
		{ "[pool a]\nvg = v\n[engine]\nstate-dir =\n", "state-dir is empty" },
		{ "[pool a]\nvg = ../etc\n", "not the name of a volume group" },
		{ "[pool a]\nvg = -rf\n", "not the name of a volume group" },
		{ "[pool a]\nvg = v\n[pool b]\nvg = v\n", "two pools" },
		{ "[pool a]\nvg = v\n[store]\nchunk-kib = 65\n", "power of two" },
		{ "[pool a]\nvg = v\n[engine]\nbackend = x\n", "backend" },
	};
	struct smisd_config c;
	char why[512] = "";

	(void)state;
	assert_int_equal(load("[pool a]\nvg = v\n[store]\nsize = 2G\n"
			      "[limits]\nendless-enumerations = yes\n",
			      &c, why, sizeof(why)),
			 0);
	assert_true(c.limits.endless_enumerations);
	assert_int_equal(c.limits.enumeration_bytes, 64 << 20);
	assert_int_equal(c.store.size_bytes, 2ull << 30);
	assert_int_equal(c.server.http_port, 5988);
	assert_int_equal(c.limits.job_keep_s, 86400);
	assert_string_equal(c.pools[0].vg, "v");
	config_free(&c);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		*why = '\0';
		assert_true(load(wrong[i].text, &c, why, sizeof(why)) < 0);
		if (!strstr(why, wrong[i].why))
			fail_msg("%s\nsays: %s", wrong[i].text, why);
	}
	assert_int_equal(config_load(&c, "/nonexistent/x", why, sizeof(why)), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests_round_trip),
		cmocka_unit_test(test_wrong_requests),
		cmocka_unit_test(test_fuzzed_requests),
		cmocka_unit_test(test_replies_in_pages),
		cmocka_unit_test(test_lvm_report),
		cmocka_unit_test(test_link_names),
		cmocka_unit_test(test_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

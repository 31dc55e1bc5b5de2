// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-nl-codec.c - agent/kernel/nl-gen.c: requests are what the schema says, answers come back,
 * and whatever bytes stand in a message, decoding neither reads outside of it nor crashes (the
 * sanitizers watch).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include "../../agent/kernel/names-gen.h"
#include "../../agent/kernel/nl-gen.h"
#include "rng.h"

#define ROUNDS 50000

static struct nl_msg *message(uint8_t cmd)
{
	struct nl_msg *msg = nlmsg_alloc_size(65536);

	assert_non_null(genlmsg_put(msg, 0, 1, 0x20, 0, 0, cmd, RPL_GENL_VERSION));
	return msg;
}

static struct nl_msg *a_relation(void)
{
	static const uint8_t uuid[RPL_UUID_LEN] = { 1, 2, 3 };
	struct nl_msg *msg = message(RPL_CMD_RELATION_NTF);

	nla_put_u32(msg, RPL_A_RELATION_STORE, 253 << 20 | 7);
	nla_put_u32(msg, RPL_A_RELATION_ID, 101);
	nla_put(msg, RPL_A_RELATION_UUID, sizeof(uuid), uuid);
	nla_put_u32(msg, RPL_A_RELATION_STATE, RPL_STATE_FAILED);
	nla_put_u64(msg, RPL_A_RELATION_TOTAL_BYTES, 1ULL << 40);
	nla_put_string(msg, RPL_A_RELATION_REASON, "the target's device is gone");
	nla_put_u32(msg, RPL_A_RELATION_EVENT, RPL_EVENT_STATE);
	return msg;
}

static void answers_come_back(void **state)
{
	struct nl_msg *msg = a_relation();
	struct rpl_msg_relation r;

	(void)state;
	assert_int_equal(rpl_decode_relation(nlmsg_hdr(msg), &r), 0);
	assert_int_equal(r.id, 101);
	assert_int_equal(r.uuid[2], 3);
	assert_int_equal(r.state, RPL_STATE_FAILED);
	assert_int_equal(r.total_bytes, 1ULL << 40);
	assert_string_equal(r.reason, "the target's device is gone");
	assert_true(RPL_HAS(&r, RPL_A_RELATION_EVENT));
	assert_false(RPL_HAS(&r, RPL_A_RELATION_ETA));
	nlmsg_free(msg);
}

static void nested_answers_come_back(void **state)
{
	struct nl_msg *msg = message(RPL_CMD_GROUP_GET);
	struct rpl_msg_group g;

	(void)state;
	for (uint32_t i = 1; i <= 3; i++) {
		struct nlattr *nest = nla_nest_start(msg, RPL_A_GROUP_STATES);

		nla_put_u32(msg, RPL_A_STATE_COUNT_STATE, i);
		nla_put_u32(msg, RPL_A_STATE_COUNT_COUNT, 10 * i);
		nla_nest_end(msg, nest);
	}
	assert_int_equal(rpl_decode_group(nlmsg_hdr(msg), &g), 0);
	assert_int_equal(g.nr_states, 3);
	assert_int_equal(g.states[2].state, 3);
	assert_int_equal(g.states[2].count, 30);
	nlmsg_free(msg);
}

static void unknown_attributes_are_skipped(void **state)
{
	struct nl_msg *msg = a_relation();
	struct rpl_msg_relation r;

	(void)state;
	nla_put_u32(msg, RPL_A_RELATION_MAX + 1, 7);
	nla_put_string(msg, 60, "from the future");
	nla_put_u32(msg, 4000, 7);
	assert_int_equal(rpl_decode_relation(nlmsg_hdr(msg), &r), 0);
	assert_int_equal(r.id, 101);
	nlmsg_free(msg);
}

static void wrong_lengths_are_refused(void **state)
{
	struct rpl_msg_relation r;
	struct rpl_msg_group g;
	struct nl_msg *msg;

	(void)state;
	msg = message(RPL_CMD_RELATION_NTF);
	nla_put_u64(msg, RPL_A_RELATION_ID, 1);
	assert_int_equal(rpl_decode_relation(nlmsg_hdr(msg), &r), -EBADMSG);
	nlmsg_free(msg);
	msg = message(RPL_CMD_RELATION_NTF);
	nla_put(msg, RPL_A_RELATION_UUID, 15, "123456789012345");
	assert_int_equal(rpl_decode_relation(nlmsg_hdr(msg), &r), -EBADMSG);
	nlmsg_free(msg);
	msg = message(RPL_CMD_GROUP_GET);
	for (int i = 0; i < 17; i++)
		nla_put(msg, RPL_A_GROUP_STATES | NLA_F_NESTED, 0, NULL);
	assert_int_equal(rpl_decode_group(nlmsg_hdr(msg), &g), -EBADMSG);
	nlmsg_free(msg);
}

static void a_reason_without_end_gets_one(void **state)
{
	char text[RPL_REASON_LEN + 50];
	struct rpl_msg_relation r;
	struct nl_msg *msg = message(RPL_CMD_RELATION_NTF);

	(void)state;
	memset(text, 'x', sizeof(text));
	nla_put(msg, RPL_A_RELATION_REASON, sizeof(text), text);
	assert_int_equal(rpl_decode_relation(nlmsg_hdr(msg), &r), 0);
	assert_int_equal(strlen(r.reason), RPL_REASON_LEN);
	nlmsg_free(msg);
}

static void requests_are_as_the_schema_says(void **state)
{
	struct rpl_req_member m[3];
	struct rpl_req_group_create req = { .nr_member = 3, .member = m, .min_rate = 5 };
	struct nl_msg *msg = message(RPL_CMD_GROUP_CREATE);
	struct nlattr *a, *tb[RPL_A_MEMBER_MAX + 1];
	unsigned int members = 0, others = 0;
	int left;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		memset(&m[i], 0, sizeof(m[i]));
		m[i].id = 100 + i;
		m[i].volume_id = i + 1;
		RPL_SET(&m[i], RPL_A_MEMBER_ID);
		RPL_SET(&m[i], RPL_A_MEMBER_VOLUME_ID);
		RPL_SET(&m[i], RPL_A_MEMBER_UUID);
	}
	RPL_SET(&req, RPL_A_COMMAND_MIN_RATE);
	assert_int_equal(rpl_encode_group_create(msg, &req), 0);
	nla_for_each_attr(a, genlmsg_attrdata(nlmsg_data(nlmsg_hdr(msg)), 0),
			  genlmsg_attrlen(nlmsg_data(nlmsg_hdr(msg)), 0), left) {
		if (nla_type(a) != RPL_A_COMMAND_MEMBER) {
			assert_int_equal(nla_type(a), RPL_A_COMMAND_MIN_RATE);
			assert_int_equal(nla_get_u64(a), 5);
			others++;
			continue;
		}
		assert_true(a->nla_type & NLA_F_NESTED);
		assert_int_equal(nla_parse_nested(tb, RPL_A_MEMBER_MAX, a, NULL), 0);
		assert_int_equal(nla_get_u32(tb[RPL_A_MEMBER_ID]), 100 + members);
		assert_int_equal(nla_len(tb[RPL_A_MEMBER_UUID]), RPL_UUID_LEN);
		members++;
	}
	assert_int_equal(members, 3);
	assert_int_equal(others, 1);
	nlmsg_free(msg);
}

static void a_request_that_does_not_fit_is_an_error(void **state)
{
	struct rpl_req_member m = { .has = ~0ULL };
	struct rpl_req_member many[64];
	struct rpl_req_group_create req = { .nr_member = 64, .member = many };
	struct nl_msg *msg = nlmsg_alloc_size(512);

	(void)state;
	for (int i = 0; i < 64; i++)
		many[i] = m;
	assert_non_null(genlmsg_put(msg, 0, 1, 0x20, 0, 0, RPL_CMD_GROUP_CREATE, 1));
	assert_int_equal(rpl_encode_group_create(msg, &req), -EMSGSIZE);
	nlmsg_free(msg);
}

/* A copy of exactly the message's length, so that a read beyond it is seen. */
static void decode_all(const void *bytes, size_t len)
{
	struct nlmsghdr *nlh = malloc(len);
	union {
		struct rpl_msg_store store;
		struct rpl_msg_source source;
		struct rpl_msg_relation relation;
		struct rpl_msg_group group;
		struct rpl_msg_command command;
	} m;

	memcpy(nlh, bytes, len);
	nlh->nlmsg_len = (uint32_t)len;
	rpl_decode_store(nlh, &m.store);
	rpl_decode_source(nlh, &m.source);
	rpl_decode_relation(nlh, &m.relation);
	rpl_decode_group(nlh, &m.group);
	rpl_decode_command(nlh, &m.command);
	free(nlh);
}

static void nothing_crashes_the_decoder(void **state)
{
	struct nl_msg *msg = a_relation();
	const struct nlmsghdr *nlh = nlmsg_hdr(msg);
	size_t len = nlh->nlmsg_len;
	uint8_t *bytes = malloc(len);

	(void)state;
	for (size_t cut = sizeof(*nlh); cut <= len; cut++)
		decode_all(nlh, cut);
	for (int i = 0; i < ROUNDS; i++) {
		memcpy(bytes, nlh, len);
		for (uint64_t n = 1 + rnd() % 6; n; n--)
			bytes[sizeof(*nlh) + rnd() % (len - sizeof(*nlh))] = (uint8_t)rnd();
		decode_all(bytes, sizeof(*nlh) + rnd() % (len - sizeof(*nlh) + 1));
	}
	free(bytes);
	nlmsg_free(msg);
}

static void words_and_values_agree(void **state)
{
	(void)state;
	for (int s = 1; s <= RPL_STATE_MAX; s++)
		assert_int_equal(rpl_state_by_name(rpl_state_name((unsigned int)s)), s);
	assert_string_equal(rpl_state_name(RPL_STATE_SYNCHRONIZED), "synchronized");
	assert_string_equal(rpl_state_name(0), "unknown");
	assert_string_equal(rpl_state_name(RPL_STATE_MAX + 1), "unknown");
	assert_int_equal(rpl_state_by_name("no such"), -1);
	assert_int_equal(rpl_action_by_name("set-rate"), RPL_ACTION_SET_RATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_come_back),
		cmocka_unit_test(nested_answers_come_back),
		cmocka_unit_test(unknown_attributes_are_skipped),
		cmocka_unit_test(wrong_lengths_are_refused),
		cmocka_unit_test(a_reason_without_end_gets_one),
		cmocka_unit_test(requests_are_as_the_schema_says),
		cmocka_unit_test(a_request_that_does_not_fit_is_an_error),
		cmocka_unit_test(nothing_crashes_the_decoder),
		cmocka_unit_test(words_and_values_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

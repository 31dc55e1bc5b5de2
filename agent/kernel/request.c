// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * request.c - questions and commands to the kernel module, see client.h.
 *
 * The request socket is read with a deadline: the module answers at once, so silence means that
 * something is wrong with the machine, and the caller's loop must not hang on it.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "client-int.h"

#define ANSWER_MS  10000 /* longest silence of the kernel on the request socket */
#define DUMP_TRIES 10 /* a dump that was interrupted by changes */

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int fail_absent(struct rpl_client *c)
{
	return rpl_client_fail(c, -ENOENT, "the kernel module dm-replica is not loaded");
}

static const struct nlattr *next_attr(const struct nlattr *a, size_t *left)
{
	size_t step = NLA_ALIGN(a->nla_len);

	*left = *left > step ? *left - step : 0;
	return (const struct nlattr *)((const char *)a + step);
}

/* The kernel's sentence behind `head` bytes of an error or of the end of a dump, or NULL. */
static const char *extack_text(const struct nlmsghdr *nlh, size_t head)
{
	const struct nlattr *a;
	size_t left;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || nlh->nlmsg_len < NLMSG_HDRLEN + head)
		return NULL;
	left = nlh->nlmsg_len - NLMSG_HDRLEN - head;
	a = (const struct nlattr *)((const char *)NLMSG_DATA(nlh) + head);
	for (; left >= NLA_HDRLEN && a->nla_len >= NLA_HDRLEN && a->nla_len <= left;
	     a = next_attr(a, &left)) {
		const char *text = (const char *)a + NLA_HDRLEN;

		if ((a->nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG && a->nla_len > NLA_HDRLEN &&
		    !text[a->nla_len - NLA_HDRLEN - 1])
			return text;
	}
	return NULL;
}

/* Bytes in front of the attributes of an error message. */
static size_t error_head(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = NLMSG_DATA(nlh);

	if (nlh->nlmsg_flags & NLM_F_CAPPED)
		return sizeof(*err);
	return sizeof(*err) + NLMSG_ALIGN(err->msg.nlmsg_len) - sizeof(err->msg);
}

/* ---- one request ---- */

/* Called for each message of an answer; nonzero ends the reading with that result. */
typedef int (*answer_fn)(void *arg, struct nlmsghdr *nlh);

static struct nl_msg *request_new(struct rpl_client *c, uint8_t cmd, int flags, size_t bytes)
{
	struct nl_msg *msg;

	if (!rpl_client_present(c)) {
		fail_absent(c);
		return NULL;
	}
	msg = nlmsg_alloc_size(bytes);
	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, ++c->seq, c->family, 0, NLM_F_REQUEST | flags,
				 cmd, RPL_GENL_VERSION)) {
		rpl_client_fail(c, -ENOMEM, NULL);
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* One message of the answer to the last request: 1 = the end, 0 = go on, negative errno. */
static int got_answer(struct rpl_client *c, struct nlmsghdr *nlh, answer_fn fn, void *arg)
{
	const struct nlmsgerr *err = NLMSG_DATA(nlh);
	int r;

	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		return rpl_client_fail(c, -EAGAIN, "the objects changed while they were listed");
	if (nlh->nlmsg_type == NLMSG_DONE) {
		int error = nlmsg_datalen(nlh) >= (int)sizeof(int) ? *(int *)nlmsg_data(nlh) : 0;

		return error < 0 ? rpl_client_fail(c, error, extack_text(nlh, sizeof(int))) : 1;
	}
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		if (nlmsg_datalen(nlh) < (int)sizeof(*err))
			return rpl_client_fail(c, -EBADMSG, NULL);
		return err->error
			       ? rpl_client_fail(c, err->error, extack_text(nlh, error_head(nlh)))
			       : 1;
	}
	if (!fn || nlh->nlmsg_type != c->family)
		return 0;
	r = fn(arg, nlh);
	return r < 0 ? rpl_client_fail(c, r, NULL) : 0;
}

/* Read until the answer to the last request is complete. */
static int read_answer(struct rpl_client *c, answer_fn fn, void *arg)
{
	int64_t deadline = now_ms() + ANSWER_MS;
	char *buf = c->buf[SOCK_REQUEST];

	for (;;) {
		struct pollfd p = { .fd = rpl_client_fd(c, SOCK_REQUEST), .events = POLLIN };
		int64_t wait = deadline - now_ms();
		ssize_t bytes;
		int left;

		if (wait <= 0 || (poll(&p, 1, (int)wait) < 0 && errno != EINTR))
			return rpl_client_fail(c, -ETIMEDOUT, "the kernel module does not answer");
		bytes = rpl_client_receive(c, SOCK_REQUEST, buf);
		if (bytes == -ENOBUFS) {
			/* Ours may be among the lost ones. */
			c->lost = true;
			return rpl_client_fail(c, -EAGAIN, "an answer was lost");
		}
		if (bytes < 0)
			return rpl_client_fail(c, (int)bytes, NULL);
		left = (int)bytes;
		for (struct nlmsghdr *nlh = (void *)buf; nlmsg_ok(nlh, left);
		     nlh = nlmsg_next(nlh, &left)) {
			int r;

			/* The rest of an answer given up, or a result, which the group gets too. */
			if (nlh->nlmsg_seq != c->seq)
				continue;
			r = got_answer(c, nlh, fn, arg);
			if (r)
				return r < 0 ? r : 0;
		}
	}
}

/* Send and read the answer; frees msg. A family number may be from before the module's reload. */
static int request(struct rpl_client *c, struct nl_msg *msg, answer_fn fn, void *arg)
{
	int r = nl_send_auto(c->sock[SOCK_REQUEST], msg);

	nlmsg_free(msg);
	if (r < 0)
		return rpl_client_fail(c, r == -NLE_NOMEM ? -ENOMEM : -EIO, nl_geterror(r));
	return read_answer(c, fn, arg);
}

/* ---- get ---- */

struct one {
	int (*decode)(struct nlmsghdr *nlh, void *out);
	void *out;
	bool got;
};

static int one_answer(void *arg, struct nlmsghdr *nlh)
{
	struct one *one = arg;

	one->got = true;
	return one->decode(nlh, one->out);
}

/* Send msg, which is encoded already, and decode the one answer. */
static int get_one(struct rpl_client *c, struct nl_msg *msg,
		   int (*decode)(struct nlmsghdr *nlh, void *out), void *out)
{
	struct one one = { .decode = decode, .out = out };
	int r = request(c, msg, one_answer, &one);

	if (!r && !one.got)
		return rpl_client_fail(c, -EBADMSG, "the kernel module gave no answer");
	return r;
}

#define DECODER(kind)                                             \
	static int decode_##kind(struct nlmsghdr *nlh, void *out) \
	{                                                         \
		return rpl_decode_##kind(nlh, out);               \
	}
DECODER(store)
DECODER(source)
DECODER(relation)
DECODER(group)
DECODER(command)

#define GET(kind, KIND, DEV, fill)                                                          \
	do {                                                                                \
		struct rpl_req_##kind##_get req = { .has = 0 };                             \
		struct nl_msg *msg = request_new(c, RPL_CMD_##KIND##_GET, NLM_F_ACK, 4096); \
                                                                                            \
		if (!msg)                                                                   \
			return rpl_client_error(c);                                         \
		if (dev) {                                                                  \
			req.store = dev;                                                    \
			RPL_SET(&req, DEV);                                                 \
		}                                                                           \
		fill;                                                                       \
		rpl_encode_##kind##_get(msg, &req);                                         \
		return get_one(c, msg, decode_##kind, out);                                 \
	} while (0)

/* After request_new() failed: no module, or no memory. */
static int rpl_client_error(const struct rpl_client *c)
{
	return c->family ? -ENOMEM : -ENOENT;
}

int rpl_client_get_store(struct rpl_client *c, uint32_t dev, struct rpl_msg_store *out)
{
	GET(store, STORE, RPL_A_STORE_STORE, (void)0);
}

int rpl_client_get_source(struct rpl_client *c, uint32_t dev, uint32_t id,
			  struct rpl_msg_source *out)
{
	GET(source, SOURCE, RPL_A_SOURCE_STORE, req.id = id; RPL_SET(&req, RPL_A_SOURCE_ID));
}

int rpl_client_get_relation(struct rpl_client *c, uint32_t dev, uint32_t id,
			    struct rpl_msg_relation *out)
{
	GET(relation, RELATION, RPL_A_RELATION_STORE, req.id = id;
	    RPL_SET(&req, RPL_A_RELATION_ID));
}

int rpl_client_get_group(struct rpl_client *c, uint32_t dev, const uint8_t uuid[RPL_UUID_LEN],
			 struct rpl_msg_group *out)
{
	GET(group, GROUP, RPL_A_GROUP_STORE, memcpy(req.uuid, uuid, sizeof(req.uuid));
	    RPL_SET(&req, RPL_A_GROUP_UUID));
}

int rpl_client_command_get(struct rpl_client *c, uint64_t cookie, struct rpl_msg_command *out)
{
	struct rpl_req_command_get req = { .cookie = cookie };
	struct nl_msg *msg = request_new(c, RPL_CMD_COMMAND_GET, NLM_F_ACK, 4096);

	if (!msg)
		return rpl_client_error(c);
	RPL_SET(&req, RPL_A_COMMAND_COOKIE);
	rpl_encode_command_get(msg, &req);
	return get_one(c, msg, decode_command, out);
}

/* ---- dump ---- */

struct collect {
	int (*decode)(struct nlmsghdr *nlh, void *out);
	char *items;
	size_t size, nr, room;
};

static int collect_answer(void *arg, struct nlmsghdr *nlh)
{
	struct collect *col = arg;

	if (col->nr == col->room) {
		size_t room = col->room ? 2 * col->room : 64;
		char *items = reallocarray(col->items, room, col->size);

		if (!items)
			return -ENOMEM;
		col->items = items;
		col->room = room;
	}
	return col->decode(nlh, col->items + col->size * col->nr++);
}

/* A dump with a request that `encode` fills, tried until it is consistent. */
static int dump(struct rpl_client *c, uint8_t cmd, int store_attr, uint32_t dev,
		struct collect *col)
{
	int r = -EAGAIN;

	for (int i = 0; i < DUMP_TRIES && r == -EAGAIN; i++) {
		struct nl_msg *msg = request_new(c, cmd, NLM_F_DUMP, 4096);

		if (!msg)
			return rpl_client_error(c);
		if (dev && nla_put_u32(msg, store_attr, dev) < 0) {
			nlmsg_free(msg);
			return rpl_client_fail(c, -ENOMEM, NULL);
		}
		col->nr = 0;
		r = request(c, msg, collect_answer, col);
	}
	return r;
}

#define DUMP(kind, KIND, DEV)                                                                      \
	do {                                                                                       \
		struct collect col = { decode_##kind, NULL, sizeof(struct rpl_msg_##kind), 0, 0 }; \
		int r = dump(c, RPL_CMD_##KIND##_GET, DEV, dev, &col);                             \
                                                                                                   \
		for (size_t i = 0; !r && i < col.nr; i++)                                          \
			r = cb(arg, (struct rpl_msg_##kind *)(void *)(col.items + col.size * i));  \
		free(col.items);                                                                   \
		return r;                                                                          \
	} while (0)

int rpl_client_dump_stores(struct rpl_client *c,
			   int (*cb)(void *arg, const struct rpl_msg_store *msg), void *arg)
{
	uint32_t dev = 0;

	DUMP(store, STORE, RPL_A_STORE_STORE);
}

int rpl_client_dump_sources(struct rpl_client *c, uint32_t dev,
			    int (*cb)(void *arg, const struct rpl_msg_source *msg), void *arg)
{
	DUMP(source, SOURCE, RPL_A_SOURCE_STORE);
}

int rpl_client_dump_relations(struct rpl_client *c, uint32_t dev,
			      int (*cb)(void *arg, const struct rpl_msg_relation *msg), void *arg)
{
	DUMP(relation, RELATION, RPL_A_RELATION_STORE);
}

int rpl_client_dump_groups(struct rpl_client *c, uint32_t dev,
			   int (*cb)(void *arg, const struct rpl_msg_group *msg), void *arg)
{
	DUMP(group, GROUP, RPL_A_GROUP_STORE);
}

/* ---- commands ---- */

static int command(struct rpl_client *c, struct nl_msg *msg, uint64_t *cookie)
{
	struct rpl_msg_command answer;
	int r = get_one(c, msg, decode_command, &answer);

	*cookie = r ? 0 : answer.cookie;
	if (!r)
		rpl_client_await(c, answer.cookie);
	return r;
}

int rpl_client_group_create(struct rpl_client *c, uint32_t dev, const uint8_t uuid[RPL_UUID_LEN],
			    const struct rpl_req_member *members, unsigned int nr,
			    uint64_t min_bytes_s, uint64_t max_bytes_s, uint64_t *cookie)
{
	struct rpl_req_group_create req = { .nr_member = nr, .member = members };
	struct nl_msg *msg;

	*cookie = 0;
	if (nr > RPL_MEMBERS_MAX)
		return rpl_client_fail(c, -E2BIG, "the group has too many members");
	msg = request_new(c, RPL_CMD_GROUP_CREATE, NLM_F_ACK, 4096 + 64 * (size_t)nr);
	if (!msg)
		return rpl_client_error(c);
	memcpy(req.group_uuid, uuid, sizeof(req.group_uuid));
	RPL_SET(&req, RPL_A_COMMAND_GROUP_UUID);
	if (dev) {
		req.store = dev;
		RPL_SET(&req, RPL_A_COMMAND_STORE);
	}
	if (min_bytes_s) {
		req.min_rate = min_bytes_s;
		RPL_SET(&req, RPL_A_COMMAND_MIN_RATE);
	}
	if (max_bytes_s) {
		req.max_rate = max_bytes_s;
		RPL_SET(&req, RPL_A_COMMAND_MAX_RATE);
	}
	if (rpl_encode_group_create(msg, &req) < 0) {
		nlmsg_free(msg);
		return rpl_client_fail(c, -EMSGSIZE, NULL);
	}
	return command(c, msg, cookie);
}

int rpl_client_relation_modify(struct rpl_client *c, const struct rpl_req_relation_modify *req,
			       uint64_t *cookie)
{
	struct nl_msg *msg = request_new(c, RPL_CMD_RELATION_MODIFY, NLM_F_ACK, 4096);

	*cookie = 0;
	if (!msg)
		return rpl_client_error(c);
	if (rpl_encode_relation_modify(msg, req) < 0) {
		nlmsg_free(msg);
		return rpl_client_fail(c, -EMSGSIZE, NULL);
	}
	return command(c, msg, cookie);
}

int rpl_client_store_modify(struct rpl_client *c, const struct rpl_req_store_modify *req,
			    struct rpl_msg_store *out)
{
	struct nl_msg *msg = request_new(c, RPL_CMD_STORE_MODIFY, NLM_F_ACK, 4096);

	if (!msg)
		return rpl_client_error(c);
	if (rpl_encode_store_modify(msg, req) < 0) {
		nlmsg_free(msg);
		return rpl_client_fail(c, -EMSGSIZE, NULL);
	}
	return get_one(c, msg, decode_store, out);
}

/* While waiting, both sockets are served; command-get is asked now and then, for a lost result. */
int rpl_client_wait(struct rpl_client *c, uint64_t cookie, int timeout_ms,
		    struct rpl_msg_command *out)
{
	int64_t deadline = now_ms() + timeout_ms;

	for (;;) {
		struct pollfd p[SOCKS] = {
			{ .fd = rpl_client_fd(c, SOCK_REQUEST), .events = POLLIN },
			{ .fd = rpl_client_fd(c, SOCK_EVENTS), .events = POLLIN },
		};
		int64_t left;
		int r = rpl_client_command_get(c, cookie, out);

		if (r)
			return r;
		if (out->status == RPL_COMMAND_STATUS_DONE) {
			rpl_client_done(c, out);
			return 0;
		}
		left = deadline - now_ms();
		if (left <= 0)
			return rpl_client_fail(c, -ETIMEDOUT, "the command is not done yet");
		poll(p, SOCKS, (int)(left < 500 ? left : 500));
		r = rpl_client_dispatch(c);
		if (r)
			return r;
	}
}

void rpl_member_set(struct rpl_req_member *m, uint32_t id, uint32_t volume_id,
		    const uint8_t uuid[RPL_UUID_LEN])
{
	memset(m, 0, sizeof(*m));
	m->id = id;
	m->volume_id = volume_id;
	memcpy(m->uuid, uuid, sizeof(m->uuid));
	RPL_SET(m, RPL_A_MEMBER_ID);
	RPL_SET(m, RPL_A_MEMBER_VOLUME_ID);
	RPL_SET(m, RPL_A_MEMBER_UUID);
}

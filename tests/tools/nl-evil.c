// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nl-evil.c - requests to the module that must be refused, made of raw bytes: wrong types and
 * lengths, cut off, unknown, missing, too many, without the privilege. Each case states the error
 * and a part of the sentence (extack). After each one, a dump of everything must be as before.
 *
 * usage: nl-evil CLONE VOLUME [ROUNDS]
 *   CLONE is a prepared clone of the source VOLUME, in the only store, where nothing else happens.
 *   ROUNDS of random requests come last (default 20000). Prints TAP; exit status 1 if a case failed.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../uapi/linux/dm-replica.h"

#define BYTES (1 << 18)

static int sock;
static uint16_t family;
static uint32_t seq = 1000;
static unsigned int nr_cases, nr_failed;
static uint32_t clone_id, volume_id;

/* ---- building ---- */

static struct {
	char buf[BYTES];
	size_t len;
} m;

static void begin(uint8_t cmd, uint16_t flags)
{
	struct nlmsghdr *n = (void *)m.buf;
	struct genlmsghdr *g = NLMSG_DATA(n);

	memset(m.buf, 0, NLMSG_HDRLEN + GENL_HDRLEN);
	n->nlmsg_type = family;
	n->nlmsg_flags = NLM_F_REQUEST | flags;
	n->nlmsg_seq = ++seq;
	g->cmd = cmd;
	g->version = RPL_GENL_VERSION;
	m.len = NLMSG_HDRLEN + GENL_HDRLEN;
}

static struct nlattr *put(int type, const void *data, size_t bytes)
{
	struct nlattr *a = (void *)(m.buf + m.len);

	a->nla_type = (uint16_t)type;
	a->nla_len = (uint16_t)(NLA_HDRLEN + bytes);
	if (bytes)
		memcpy((char *)a + NLA_HDRLEN, data, bytes);
	memset((char *)a + a->nla_len, 0, NLA_ALIGN(a->nla_len) - a->nla_len);
	m.len += NLA_ALIGN(a->nla_len);
	return a;
}

static void u32(int type, uint32_t v)
{
	put(type, &v, sizeof(v));
}

static void u64(int type, uint64_t v)
{
	put(type, &v, sizeof(v));
}

static void uuid(int type, uint8_t first)
{
	uint8_t v[RPL_UUID_LEN] = { first, 0xaa, 0xbb };

	put(type, v, sizeof(v));
}

static struct nlattr *nest(int type)
{
	return put(type | NLA_F_NESTED, NULL, 0);
}

static void nest_end(struct nlattr *a)
{
	a->nla_len = (uint16_t)(m.buf + m.len - (char *)a);
}

static void member(uint32_t id, uint32_t volume, uint8_t id_byte)
{
	struct nlattr *a = nest(RPL_A_COMMAND_MEMBER);

	u32(RPL_A_MEMBER_ID, id);
	u32(RPL_A_MEMBER_VOLUME_ID, volume);
	uuid(RPL_A_MEMBER_UUID, id_byte);
	nest_end(a);
}

/* A group-create that would be accepted. */
static void good_create(void)
{
	begin(RPL_CMD_GROUP_CREATE, NLM_F_ACK);
	uuid(RPL_A_COMMAND_GROUP_UUID, 1);
	member(clone_id, volume_id, 2);
}

static void modify(uint32_t action)
{
	begin(RPL_CMD_RELATION_MODIFY, NLM_F_ACK);
	u32(RPL_A_COMMAND_ACTION, action);
}

/* ---- sending ---- */

static int open_socket(void)
{
	int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC), on = 1, big = BYTES;

	if (s < 0)
		return s;
	setsockopt(s, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(s, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(s, SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
	return s;
}

static char answer[BYTES];

/* Next datagram, or -1 after two seconds of silence. */
static ssize_t receive(int s)
{
	struct pollfd p = { .fd = s, .events = POLLIN };

	return poll(&p, 1, 2000) == 1 ? recv(s, answer, sizeof(answer), 0) : -1;
}

/* The sentence behind `head` bytes of an error or of the end of a dump. */
static const char *extack(const struct nlmsghdr *n, size_t head)
{
	size_t left = n->nlmsg_len - NLMSG_HDRLEN - head;
	const struct nlattr *a = (void *)((char *)NLMSG_DATA(n) + head);

	if (!(n->nlmsg_flags & NLM_F_ACK_TLVS))
		return "";
	while (left >= NLA_HDRLEN && a->nla_len >= NLA_HDRLEN && a->nla_len <= left) {
		if (a->nla_type == NLMSGERR_ATTR_MSG)
			return (const char *)a + NLA_HDRLEN;
		left -= (size_t)NLA_ALIGN(a->nla_len) < left ? (size_t)NLA_ALIGN(a->nla_len) : left;
		a = (const void *)((const char *)a + NLA_ALIGN(a->nla_len));
	}
	return "";
}

/* Send the message; its error (0 = accepted) and sentence. -ETIMEDOUT: no answer. */
static int send_it(int s, const char **why)
{
	struct nlmsghdr *n = (void *)m.buf;

	*why = "";
	n->nlmsg_len = (uint32_t)m.len;
	if (send(s, m.buf, m.len, 0) < 0)
		return -errno;
	for (;;) {
		ssize_t bytes = receive(s);

		if (bytes < (ssize_t)NLMSG_HDRLEN)
			return -ETIMEDOUT;
		for (n = (void *)answer; NLMSG_OK(n, (size_t)bytes); n = NLMSG_NEXT(n, bytes)) {
			if (n->nlmsg_seq != seq)
				continue;
			if (n->nlmsg_type == NLMSG_ERROR) {
				*why = extack(n, sizeof(struct nlmsgerr));
				return ((struct nlmsgerr *)NLMSG_DATA(n))->error;
			}
			if (n->nlmsg_type == NLMSG_DONE) {
				*why = extack(n, sizeof(int));
				return *(int *)NLMSG_DATA(n);
			}
		}
	}
}

/* A sum over what a dump of everything says, or 0 if it fails. */
static uint64_t world(void)
{
	static const uint8_t cmds[] = { RPL_CMD_STORE_GET, RPL_CMD_SOURCE_GET, RPL_CMD_RELATION_GET,
					RPL_CMD_GROUP_GET };
	uint64_t sum = 14695981039346656037ULL;

	for (unsigned int i = 0; i < sizeof(cmds); i++) {
		bool done = false;

		begin(cmds[i], NLM_F_DUMP);
		((struct nlmsghdr *)m.buf)->nlmsg_len = (uint32_t)m.len;
		if (send(sock, m.buf, m.len, 0) < 0)
			return 0;
		while (!done) {
			ssize_t bytes = receive(sock);
			struct nlmsghdr *n = (void *)answer;

			if (bytes <= 0)
				return 0;
			for (; NLMSG_OK(n, (size_t)bytes); n = NLMSG_NEXT(n, bytes)) {
				if (n->nlmsg_seq != seq)
					continue;
				if (n->nlmsg_type == NLMSG_ERROR)
					return 0;
				done |= n->nlmsg_type == NLMSG_DONE;
				for (uint32_t b = NLMSG_HDRLEN; !done && b < n->nlmsg_len; b++)
					sum = (sum ^ ((uint8_t *)n)[b]) * 1099511628211ULL;
			}
		}
	}
	return sum;
}

/* ---- cases ---- */

static uint64_t before;

static void result(bool ok, const char *what)
{
	nr_failed += !ok;
	printf("%sok %u - netlink: %s\n", ok ? "" : "not ", ++nr_cases, what);
	fflush(stdout);
}

/* The message that was built must be refused just so, and change nothing. */
static void refused(const char *what, int error, const char *sentence)
{
	const char *why;
	int r = send_it(sock, &why);
	char text[256];
	bool same;

	snprintf(text, sizeof(text), "%s", why);
	same = world() == before;
	if (r != error || !strstr(text, sentence) || !same)
		printf("# got %s \"%s\", want %s \"%s\"%s\n", strerrorname_np(-r), text,
		       strerrorname_np(-error), sentence, same ? "" : ", and something changed");
	result(r == error && strstr(text, sentence) && same, what);
}

static void lengths_and_types(void)
{
	struct nlattr *a;

	begin(RPL_CMD_STORE_GET, NLM_F_ACK);
	u64(RPL_A_STORE_STORE, 1);
	refused("a u32 of eight bytes", -EINVAL, "invalid attribute length");
	begin(RPL_CMD_RELATION_GET, NLM_F_ACK);
	put(RPL_A_RELATION_ID, "ab", 2);
	refused("a u32 of two bytes", -EINVAL, "invalid attribute length");
	begin(RPL_CMD_GROUP_GET, NLM_F_ACK);
	put(RPL_A_GROUP_UUID, "123456789012345", 15);
	refused("a uuid of 15 bytes", -ERANGE, "");
	begin(RPL_CMD_GROUP_GET, NLM_F_ACK);
	put(RPL_A_GROUP_UUID, "12345678901234567", 17);
	refused("a uuid of 17 bytes", -ERANGE, "");
	begin(RPL_CMD_RELATION_GET, NLM_F_ACK);
	u32(RPL_A_RELATION_ID, 0);
	refused("id 0", -ERANGE, "out of range");
	begin(RPL_CMD_RELATION_GET, NLM_F_ACK);
	u32(RPL_A_RELATION_ID, RPL_ID_MAX + 1);
	refused("an id too large", -ERANGE, "out of range");
	begin(RPL_CMD_RELATION_GET, NLM_F_ACK);
	u32(RPL_A_RELATION_ID | NLA_F_NESTED, 1);
	refused("a number that says it is a nest", -EINVAL, "");
	good_create();
	put(RPL_A_COMMAND_MEMBER, NULL, 0);
	refused("a member that does not say it is a nest", -EINVAL, "NLA_F_NESTED");
	good_create();
	put(RPL_A_COMMAND_MEMBER | NLA_F_NESTED, "abc", 3);
	refused("a member of three bytes", -ERANGE, "policy");
	good_create();
	a = nest(RPL_A_COMMAND_MEMBER);
	u64(RPL_A_MEMBER_ID, 5);
	nest_end(a);
	refused("a member with an id of eight bytes", -EINVAL, "invalid attribute length");
	good_create();
	put(RPL_A_COMMAND_FORCE, "x", 1);
	refused("a flag with a value, where it does not belong", -EINVAL, "");
	modify(RPL_ACTION_DETACH);
	u32(RPL_A_COMMAND_ID, clone_id);
	put(RPL_A_COMMAND_FORCE, "x", 1);
	refused("a flag with a value", -ERANGE, "policy");
	begin(RPL_CMD_COMMAND_GET, NLM_F_ACK);
	u32(RPL_A_COMMAND_COOKIE, 1);
	refused("a u64 of four bytes", -EINVAL, "invalid attribute length");
}

static void cut_off(void)
{
	struct nlattr *a;

	good_create();
	m.len -= 4;
	refused("a message cut off within its last attribute", -EINVAL, "");
	good_create();
	a = put(RPL_A_COMMAND_MIN_RATE, "12345678", 8);
	a->nla_len = 200;
	refused("an attribute longer than the message", -EINVAL, "");
	good_create();
	a = put(RPL_A_COMMAND_MIN_RATE, "12345678", 8);
	a->nla_len = 2;
	refused("an attribute shorter than its head", -EINVAL, "");
	good_create();
	memcpy(m.buf + m.len, "ab", 2);
	m.len += 2;
	refused("two bytes behind the last attribute", -EINVAL, "");
	good_create();
	a = nest(RPL_A_COMMAND_MEMBER);
	put(RPL_A_MEMBER_ID, "1234", 4)->nla_len = 100;
	nest_end(a);
	refused("a member whose attribute is longer than the member", -EINVAL, "");
	begin(RPL_CMD_STORE_GET, NLM_F_ACK);
	m.len = NLMSG_HDRLEN + 2;
	refused("half a generic netlink head", -EINVAL, "");
	begin(RPL_CMD_STORE_GET, NLM_F_ACK);
	((struct genlmsghdr *)NLMSG_DATA((struct nlmsghdr *)m.buf))->reserved = 1;
	refused("reserved bits in the head", -EINVAL, "");
}

static void unknown(void)
{
	begin(0, NLM_F_ACK);
	refused("operation 0", -EOPNOTSUPP, "");
	begin(RPL_CMD_MAX + 1, NLM_F_ACK);
	refused("an operation of the future", -EOPNOTSUPP, "");
	begin(RPL_CMD_RELATION_NTF, NLM_F_ACK);
	refused("a notification as a request", -EOPNOTSUPP, "");
	begin(RPL_CMD_GROUP_CREATE, NLM_F_DUMP);
	refused("a dump of a command", -EOPNOTSUPP, "");
	begin(RPL_CMD_STORE_GET, NLM_F_ACK);
	u32(RPL_A_STORE_MAX + 1, 1);
	refused("an attribute of the future", -EINVAL, "Unknown attribute");
	begin(RPL_CMD_RELATION_GET, NLM_F_ACK);
	u32(RPL_A_RELATION_ID, clone_id);
	u32(RPL_A_RELATION_VOLUME_ID, 1);
	refused("an attribute of the answer in a request", -EINVAL, "nknown attribute");
	good_create();
	u32(RPL_A_COMMAND_ACTION, RPL_ACTION_ABORT);
	refused("an attribute of another command", -EINVAL, "");
	good_create();
	struct nlattr *a = nest(RPL_A_COMMAND_MEMBER);
	u32(RPL_A_MEMBER_MAX + 1, 1);
	nest_end(a);
	refused("an unknown attribute in a member", -EINVAL, "Unknown attribute");
	modify(99);
	u32(RPL_A_COMMAND_ID, clone_id);
	refused("an unknown action", -ERANGE, "out of range");
	begin(RPL_CMD_RELATION_GET, NLM_F_DUMP);
	u32(RPL_A_RELATION_ID, clone_id);
	refused("a dump of one relation", -EINVAL, "(dump)");
}

static void missing(void)
{
	struct nlattr *a;

	begin(RPL_CMD_RELATION_GET, NLM_F_ACK);
	refused("a get without id", -EINVAL, "missing");
	begin(RPL_CMD_SOURCE_GET, NLM_F_ACK);
	refused("a get of a source without id", -EINVAL, "missing");
	begin(RPL_CMD_GROUP_GET, NLM_F_ACK);
	refused("a get of a group without uuid", -EINVAL, "missing");
	begin(RPL_CMD_COMMAND_GET, NLM_F_ACK);
	refused("a get of a command without cookie", -EINVAL, "missing");
	begin(RPL_CMD_GROUP_CREATE, NLM_F_ACK);
	member(clone_id, volume_id, 2);
	refused("a group without uuid", -EINVAL, "uuid is missing");
	begin(RPL_CMD_GROUP_CREATE, NLM_F_ACK);
	uuid(RPL_A_COMMAND_GROUP_UUID, 1);
	refused("a group without members", -EINVAL, "no member");
	for (int without = RPL_A_MEMBER_ID; without <= RPL_A_MEMBER_UUID; without++) {
		begin(RPL_CMD_GROUP_CREATE, NLM_F_ACK);
		uuid(RPL_A_COMMAND_GROUP_UUID, 1);
		a = nest(RPL_A_COMMAND_MEMBER);
		if (without != RPL_A_MEMBER_ID)
			u32(RPL_A_MEMBER_ID, clone_id);
		if (without != RPL_A_MEMBER_VOLUME_ID)
			u32(RPL_A_MEMBER_VOLUME_ID, volume_id);
		if (without != RPL_A_MEMBER_UUID)
			uuid(RPL_A_MEMBER_UUID, 2);
		nest_end(a);
		refused("a member without one of its attributes", -EINVAL, "a member needs");
	}
	begin(RPL_CMD_RELATION_MODIFY, NLM_F_ACK);
	u32(RPL_A_COMMAND_ID, clone_id);
	refused("a modify without action", -EINVAL, "action is missing");
	modify(RPL_ACTION_SUSPEND);
	refused("a modify of nothing", -EINVAL, "either");
	modify(RPL_ACTION_SUSPEND);
	u32(RPL_A_COMMAND_ID, clone_id);
	uuid(RPL_A_COMMAND_GROUP_UUID, 1);
	refused("a modify of a relation and a group", -EINVAL, "either");
	modify(RPL_ACTION_SET_RATE);
	u32(RPL_A_COMMAND_ID, clone_id);
	refused("set-rate without a rate", -EINVAL, "rate");
	modify(RPL_ACTION_SUSPEND);
	u32(RPL_A_COMMAND_ID, clone_id);
	u64(RPL_A_COMMAND_MAX_RATE, 1);
	refused("a rate where none belongs", -EINVAL, "set-rate");
	modify(RPL_ACTION_ABORT);
	u32(RPL_A_COMMAND_ID, clone_id);
	put(RPL_A_COMMAND_FORCE, NULL, 0);
	refused("force where it does not belong", -EINVAL, "detach");
}

static void objects(void)
{
	char text[64];

	begin(RPL_CMD_STORE_GET, NLM_F_ACK);
	u32(RPL_A_STORE_STORE, 7 << 20 | 77);
	refused("a store that is not there", -ENODEV, "no store");
	begin(RPL_CMD_RELATION_GET, NLM_F_ACK);
	u32(RPL_A_RELATION_ID, RPL_ID_MAX);
	refused("a relation that is not there", -ENOENT, "no relation");
	begin(RPL_CMD_GROUP_GET, NLM_F_ACK);
	uuid(RPL_A_GROUP_UUID, 99);
	refused("a group that is not there", -ENOENT, "no group");
	begin(RPL_CMD_COMMAND_GET, NLM_F_ACK);
	u64(RPL_A_COMMAND_COOKIE, 1);
	refused("a command that never was", -ENOENT, "no command");
	good_create();
	member(clone_id, volume_id, 3);
	snprintf(text, sizeof(text), "clone %u", clone_id);
	refused("a clone twice", -EINVAL, text);
	good_create();
	member(RPL_ID_MAX, volume_id, 3);
	refused("one clone of two is not there", -ENOENT, "clone 32767");
	begin(RPL_CMD_GROUP_CREATE, NLM_F_ACK);
	uuid(RPL_A_COMMAND_GROUP_UUID, 1);
	member(clone_id, RPL_ID_MAX, 2);
	refused("a source that is not there", -EINVAL, "clone");
	begin(RPL_CMD_GROUP_CREATE, NLM_F_ACK);
	uuid(RPL_A_COMMAND_GROUP_UUID, 1);
	member(clone_id, clone_id, 2);
	refused("a clone of itself", -EINVAL, "source and a target");
	begin(RPL_CMD_GROUP_CREATE, NLM_F_ACK);
	put(RPL_A_COMMAND_GROUP_UUID, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", RPL_UUID_LEN);
	member(clone_id, volume_id, 2);
	refused("a uuid of zeroes", -EINVAL, "zero");
	good_create();
	u64(RPL_A_COMMAND_MIN_RATE, 1000);
	u64(RPL_A_COMMAND_MAX_RATE, 10);
	refused("rates the wrong way round", -EINVAL, "rate");
	good_create();
	u32(RPL_A_COMMAND_STORE, 7 << 20 | 77);
	refused("a group in a store that is not there", -ENODEV, "no store");
	modify(RPL_ACTION_SUSPEND);
	u32(RPL_A_COMMAND_ID, clone_id);
	refused("suspend of a clone without point in time", -EINVAL, "prepared");
	modify(RPL_ACTION_DETACH);
	uuid(RPL_A_COMMAND_GROUP_UUID, 99);
	refused("detach of a group that is not there", -ENOENT, "no group");
	modify(RPL_ACTION_DELETE);
	u32(RPL_A_COMMAND_ID, RPL_ID_MAX);
	refused("deletion of an id that is not there", -ENOENT, "32767");
	modify(RPL_ACTION_DELETE);
	u32(RPL_A_COMMAND_ID, 0);
	refused("deletion of id 0", -ERANGE, "out of range");
	begin(RPL_CMD_GROUP_CREATE, NLM_F_ACK);
	uuid(RPL_A_COMMAND_GROUP_UUID, 1);
	for (unsigned int i = 0; i <= RPL_MEMBERS_MAX; i++)
		member(1 + i % RPL_ID_MAX, volume_id, 2);
	refused("1025 members", -E2BIG, "1024");
}

/* A group of one member, with the id of the clone and these bytes as its kind. */
static void kind_of_bytes(const void *kind, size_t bytes)
{
	struct nlattr *a;

	begin(RPL_CMD_GROUP_CREATE, NLM_F_ACK);
	uuid(RPL_A_COMMAND_GROUP_UUID, 1);
	a = nest(RPL_A_COMMAND_MEMBER);
	u32(RPL_A_MEMBER_ID, clone_id);
	u32(RPL_A_MEMBER_VOLUME_ID, volume_id);
	uuid(RPL_A_MEMBER_UUID, 2);
	put(RPL_A_MEMBER_KIND, kind, bytes);
	nest_end(a);
}

static void kind_of_clone(uint32_t kind)
{
	kind_of_bytes(&kind, sizeof(kind));
}

static void kinds(void)
{
	const uint64_t wide = RPL_KIND_CLONE;

	for (size_t bytes = 0; bytes <= sizeof(wide); bytes++) {
		if (bytes == sizeof(uint32_t))
			continue;
		kind_of_bytes(&wide, bytes);
		refused("a kind of a wrong length", -EINVAL, "invalid attribute length");
	}
	kind_of_clone(0);
	refused("a kind of zero", -ERANGE, "out of range");
	kind_of_clone(RPL_KIND_MAX + 1);
	refused("a kind that there is not", -ERANGE, "out of range");
	kind_of_clone(RPL_KIND_SNAPSHOT);
	refused("a snapshot with the id of a clone", -EEXIST, "in use by a clone");
	modify(RPL_ACTION_DELETE);
	u32(RPL_A_COMMAND_ID, clone_id);
	refused("deletion of a clone", -EINVAL, "cannot be told to delete");
}

/* ---- privileges ---- */

static void set_caps(uint64_t caps)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = {
		{ (uint32_t)caps, (uint32_t)caps, 0 },
		{ (uint32_t)(caps >> 32), (uint32_t)(caps >> 32), 0 },
	};

	if (syscall(SYS_capset, &h, d))
		_exit(3);
}

static int ask(int s, const char *sentence)
{
	const char *why;
	int r;

	good_create();
	r = send_it(s, &why);
	return r == -EPERM && strstr(why, sentence) ? 0 : 1;
}

static int with_net_admin_only(void)
{
	set_caps(1ULL << CAP_NET_ADMIN);
	return ask(open_socket(), "CAP_SYS_ADMIN");
}

static int with_nothing(void)
{
	const char *why;
	int s;

	set_caps(0);
	s = open_socket();
	if (ask(s, ""))
		return 1;
	/* But it may read and listen. */
	begin(RPL_CMD_STORE_GET, NLM_F_ACK);
	if (send_it(s, &why))
		return 1;
	begin(RPL_CMD_RELATION_GET, NLM_F_DUMP);
	return send_it(s, &why) ? 1 : 0;
}

/* A socket that root opened does not lend its privilege. */
static int with_inherited_socket(void)
{
	int s = open_socket();

	set_caps(0);
	return ask(s, "");
}

static int in_user_namespace(void)
{
	if (unshare(CLONE_NEWUSER))
		return 77;
	return ask(open_socket(), "");
}

static int in_net_namespace(void)
{
	const char *why;

	if (unshare(CLONE_NEWNET))
		return 77;
	good_create();
	return send_it(open_socket(), &why) == -ENOENT ? 0 : 1;
}

/* In a process of its own; what it did must have changed nothing. */
static void privilege(const char *what, int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(fn());
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		printf("ok %u - netlink: %s # SKIP no such namespaces here\n", ++nr_cases, what);
		return;
	}
	result(WIFEXITED(status) && !WEXITSTATUS(status) && world() == before, what);
}

/* ---- random ---- */

static uint64_t rng_state = 88172645463325252ULL;

static uint64_t rnd(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

static void random_attrs(int depth)
{
	for (uint64_t n = rnd() % 6; n; n--) {
		int type = (int)(rnd() % (RPL_A_RELATION_MAX + 3));
		size_t bytes = (size_t[]) { 0, 1, 4, 4, 4, 8, 16, rnd() % 64 }[rnd() % 8];
		uint8_t data[64];

		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = rnd() % 3 ? 0 : (uint8_t)rnd();
		if (depth < 2 && rnd() % 4 == 0) {
			struct nlattr *a = nest(type);

			random_attrs(depth + 1);
			nest_end(a);
			continue;
		}
		struct nlattr *a = put(type, data, bytes);

		if (rnd() % 16 == 0)
			a->nla_len = (uint16_t)rnd();
		if (rnd() % 16 == 0)
			a->nla_type |= (uint16_t)(rnd() & 0xc000);
	}
}

/* Anything, but it can change nothing: no random uuid, id and action name something to change. */
static void random_requests(unsigned long rounds)
{
	unsigned long silent = 0;

	for (unsigned long i = 0; i < rounds; i++) {
		const char *why;
		uint8_t cmd = (uint8_t)(rnd() % (RPL_CMD_MAX + 3));

		if (rnd() % 4 == 0)
			good_create();
		else
			begin(cmd, rnd() % 5 ? NLM_F_ACK : NLM_F_DUMP);
		random_attrs(0);
		/* One attribute that spoils whatever came before. */
		put(RPL_A_RELATION_MAX + 40, NULL, 0);
		if (rnd() % 8 == 0)
			m.len -= rnd() % 8 ? 0 : 1 + rnd() % 3;
		silent += send_it(sock, &why) == -ETIMEDOUT;
	}
	printf("# %lu requests, %lu without an answer\n", rounds, silent);
	result(!silent && world() == before, "random requests are all answered and change nothing");
}

/* ---- */

static bool find_family(void)
{
	const char name[] = RPL_GENL_NAME;
	struct nlmsghdr *n = (void *)answer;
	ssize_t bytes;

	family = GENL_ID_CTRL;
	begin(CTRL_CMD_GETFAMILY, 0);
	put(CTRL_ATTR_FAMILY_NAME, name, sizeof(name));
	((struct nlmsghdr *)m.buf)->nlmsg_len = (uint32_t)m.len;
	if (send(sock, m.buf, m.len, 0) < 0)
		return false;
	bytes = receive(sock);
	if (bytes <= 0 || !NLMSG_OK(n, (size_t)bytes) || n->nlmsg_type != GENL_ID_CTRL)
		return false;
	for (char *at = (char *)NLMSG_DATA(n) + GENL_HDRLEN; at < answer + n->nlmsg_len;
	     at += NLA_ALIGN(((struct nlattr *)at)->nla_len))
		if (((struct nlattr *)at)->nla_type == CTRL_ATTR_FAMILY_ID)
			memcpy(&family, at + NLA_HDRLEN, sizeof(family));
	return family != GENL_ID_CTRL;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: nl-evil CLONE VOLUME [ROUNDS]\n");
		return 2;
	}
	clone_id = (uint32_t)strtoul(argv[1], NULL, 10);
	volume_id = (uint32_t)strtoul(argv[2], NULL, 10);
	sock = open_socket();
	if (sock < 0 || !find_family()) {
		puts("1..0 # SKIP the module is not loaded");
		return 4;
	}
	before = world();
	result(before && world() == before, "a dump of what does not change does not change");
	lengths_and_types();
	cut_off();
	unknown();
	missing();
	objects();
	kinds();
	privilege("a command with CAP_NET_ADMIN only is refused", with_net_admin_only);
	privilege("without capabilities: no command, but get and dump", with_nothing);
	privilege("a socket of root's in other hands gives no privilege", with_inherited_socket);
	privilege("root of a user namespace is refused", in_user_namespace);
	privilege("another network namespace has no such family", in_net_namespace);
	random_requests(argc > 3 ? strtoul(argv[3], NULL, 10) : 20000);
	printf("1..%u\n", nr_cases);
	return nr_failed ? 1 : 0;
}

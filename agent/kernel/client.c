// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * client.c - a client's life, its two netlink sockets, and what comes by itself. See client.h;
 * questions and commands are in request.c.
 *
 * Results of commands come to the request socket and to the group, both are handed to the same
 * callback; `done` remembers the last cookies, so that each is reported once. Ours that are still
 * awaited when events were lost are asked for.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include "client-int.h"

#define RCVBUF_BYTES (4 << 20)
#define DISPATCH_MAX 256 /* messages for one call of rpl_client_dispatch() */

/* ---- errors ---- */

int rpl_client_fail(struct rpl_client *c, int error, const char *text)
{
	snprintf(c->why, sizeof(c->why), "%s", text ? text : strerror(-error));
	return error;
}

const char *rpl_client_why(const struct rpl_client *c)
{
	return c->why;
}

/* ---- sockets ---- */

int rpl_client_fd(const struct rpl_client *c, int which)
{
	return nl_socket_get_fd(c->sock[which]);
}

static int open_socket(struct rpl_client *c, int which)
{
	struct nl_sock *sock = nl_socket_alloc();
	int on = 1, bytes = RCVBUF_BYTES;

	if (!sock)
		return rpl_client_fail(c, -ENOMEM, NULL);
	c->sock[which] = sock;
	nl_socket_disable_auto_ack(sock);
	nl_socket_disable_seq_check(sock);
	if (nl_connect(sock, NETLINK_GENERIC) < 0)
		return rpl_client_fail(c, -EPROTONOSUPPORT,
				       "no generic netlink socket can be opened");
	/* _FORCE is for the privileged; what the others get is what rmem_max allows. */
	if (setsockopt(rpl_client_fd(c, which), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) <
	    0)
		setsockopt(rpl_client_fd(c, which), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	setsockopt(rpl_client_fd(c, which), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	setsockopt(rpl_client_fd(c, which), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(rpl_client_fd(c, which), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return 0;
}

ssize_t rpl_client_receive(struct rpl_client *c, int which, char *buf)
{
	struct sockaddr_nl from;
	struct iovec iov = { .iov_base = buf, .iov_len = RECV_BYTES };
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	ssize_t n = recvmsg(rpl_client_fd(c, which), &msg, MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n > RECV_BYTES)
		return -ENOBUFS;
	/* Only the kernel is believed. */
	return from.nl_pid ? 0 : n;
}

/* ---- what comes by itself ---- */

static bool take_own(struct rpl_client *c, uint64_t cookie)
{
	for (unsigned int i = 0; i < DONE_MAX; i++) {
		if (c->own[i] == cookie) {
			c->own[i] = 0;
			return true;
		}
	}
	return false;
}

void rpl_client_await(struct rpl_client *c, uint64_t cookie)
{
	for (unsigned int i = 0; i < DONE_MAX; i++) {
		if (!c->own[i]) {
			c->own[i] = cookie;
			return;
		}
	}
	/* More in flight than remembered: the oldest is reported as somebody else's. */
	memmove(c->own, c->own + 1, sizeof(c->own) - sizeof(c->own[0]));
	c->own[DONE_MAX - 1] = cookie;
}

void rpl_client_done(struct rpl_client *c, const struct rpl_msg_command *msg)
{
	for (unsigned int i = 0; i < DONE_MAX; i++)
		if (c->done[i] == msg->cookie)
			return;
	c->done[c->next_done++ % DONE_MAX] = msg->cookie;
	if (c->ops->command_done)
		c->ops->command_done(c->arg, msg, take_own(c, msg->cookie));
	else
		take_own(c, msg->cookie);
}

static void leave_group(struct rpl_client *c)
{
	if (c->group)
		nl_socket_drop_membership(c->sock[SOCK_EVENTS], c->group);
	c->group = 0;
}

/* Ask nlctrl for the family and its group. Returns whether it is there. */
static bool resolve(struct rpl_client *c)
{
	struct nl_sock *sock = nl_socket_alloc();
	int family = -1, group = -1;

	if (!sock)
		return false;
	if (genl_connect(sock) >= 0) {
		family = genl_ctrl_resolve(sock, RPL_GENL_NAME);
		group = genl_ctrl_resolve_grp(sock, RPL_GENL_NAME, RPL_MCGRP_EVENTS);
	}
	nl_socket_free(sock);
	if (family <= 0 || group <= 0)
		return false;
	leave_group(c);
	if (nl_socket_add_membership(c->sock[SOCK_EVENTS], group) < 0)
		return false;
	c->family = family;
	c->group = group;
	return true;
}

bool rpl_client_present(struct rpl_client *c)
{
	if (c->family)
		return true;
	if (resolve(c))
		c->family_news = true;
	return c->family;
}

/* News of nlctrl: families come and go. */
static void got_family(struct rpl_client *c, struct nlmsghdr *nlh)
{
	struct nlattr *tb[CTRL_ATTR_MAX + 1];
	struct genlmsghdr *genl = nlmsg_data(nlh);

	if (!genlmsg_valid_hdr(nlh, 0) || genlmsg_parse(nlh, 0, tb, CTRL_ATTR_MAX, NULL) < 0 ||
	    !tb[CTRL_ATTR_FAMILY_NAME] ||
	    nla_len(tb[CTRL_ATTR_FAMILY_NAME]) < (int)sizeof(RPL_GENL_NAME) ||
	    memcmp(nla_data(tb[CTRL_ATTR_FAMILY_NAME]), RPL_GENL_NAME, sizeof(RPL_GENL_NAME)))
		return;
	if (genl->cmd == CTRL_CMD_DELFAMILY) {
		c->family_news |= c->family != 0;
		c->family = 0;
		leave_group(c);
	} else if (genl->cmd == CTRL_CMD_NEWFAMILY) {
		c->family_news |= resolve(c);
	}
}

/* A message that is no answer to a request. */
static void got_event(struct rpl_client *c, struct nlmsghdr *nlh)
{
	const struct rpl_client_ops *ops = c->ops;
	union {
		struct rpl_msg_store store;
		struct rpl_msg_relation relation;
		struct rpl_msg_group group;
		struct rpl_msg_command command;
	} m;

	if (nlh->nlmsg_type == GENL_ID_CTRL) {
		got_family(c, nlh);
		return;
	}
	if (!c->family || nlh->nlmsg_type != c->family || !genlmsg_valid_hdr(nlh, 0))
		return;
	switch (((struct genlmsghdr *)nlmsg_data(nlh))->cmd) {
	case RPL_CMD_STORE_NTF:
		if (!rpl_decode_store(nlh, &m.store) && ops->store)
			ops->store(c->arg, &m.store);
		break;
	case RPL_CMD_RELATION_NTF:
		if (!rpl_decode_relation(nlh, &m.relation) && ops->relation)
			ops->relation(c->arg, &m.relation);
		break;
	case RPL_CMD_GROUP_NTF:
		if (!rpl_decode_group(nlh, &m.group) && ops->group)
			ops->group(c->arg, &m.group);
		break;
	case RPL_CMD_COMMAND_DONE:
		if (!rpl_decode_command(nlh, &m.command))
			rpl_client_done(c, &m.command);
		break;
	}
}

/* Events were lost: the results of our own commands may be among them, so ask. */
static void recover_done(struct rpl_client *c)
{
	struct rpl_msg_command msg;

	for (unsigned int i = 0; i < DONE_MAX; i++)
		if (c->own[i] && !rpl_client_command_get(c, c->own[i], &msg) &&
		    msg.status == RPL_COMMAND_STATUS_DONE)
			rpl_client_done(c, &msg);
}

/* News of families may be among what was lost. */
static void check_family(struct rpl_client *c)
{
	int before = c->family;

	c->family = 0;
	if (!resolve(c))
		leave_group(c);
	c->family_news |= c->family != before;
}

/* Callbacks for what was noticed while something else was read. */
static void tell_news(struct rpl_client *c)
{
	if (c->lost)
		check_family(c);
	if (c->family_news) {
		c->family_news = false;
		if (c->ops->family)
			c->ops->family(c->arg, c->family != 0);
	}
	if (c->lost) {
		c->lost = false;
		recover_done(c);
		if (c->ops->lost)
			c->ops->lost(c->arg);
	}
}

static int dispatch_socket(struct rpl_client *c, int which)
{
	for (unsigned int n = 0; n < DISPATCH_MAX; n++) {
		char *buf = c->buf[SOCK_EVENTS];
		ssize_t bytes = rpl_client_receive(c, which, buf);
		int left = (int)bytes;

		if (!bytes)
			break;
		if (bytes == -ENOBUFS) {
			c->lost = true;
			continue;
		}
		if (bytes < 0)
			return rpl_client_fail(c, (int)bytes, NULL);
		for (struct nlmsghdr *nlh = (void *)buf; nlmsg_ok(nlh, left);
		     nlh = nlmsg_next(nlh, &left))
			got_event(c, nlh);
	}
	return 0;
}

int rpl_client_dispatch(struct rpl_client *c)
{
	int r = dispatch_socket(c, SOCK_EVENTS);

	if (!r)
		r = dispatch_socket(c, SOCK_REQUEST);
	tell_news(c);
	return r ? -EIO : 0;
}

int rpl_client_event_fd(const struct rpl_client *c)
{
	return rpl_client_fd(c, SOCK_EVENTS);
}

int rpl_client_request_fd(const struct rpl_client *c)
{
	return rpl_client_fd(c, SOCK_REQUEST);
}

/* ---- life ---- */

int rpl_client_open(struct rpl_client **out, const struct rpl_client_ops *ops, void *arg)
{
	struct rpl_client *c = calloc(1, sizeof(*c));
	int r, notify;

	*out = NULL;
	if (!c)
		return -ENOMEM;
	c->ops = ops;
	c->arg = arg;
	c->seq = (uint32_t)time(NULL);
	r = open_socket(c, SOCK_REQUEST);
	if (!r)
		r = open_socket(c, SOCK_EVENTS);
	if (r) {
		rpl_client_close(c);
		return r;
	}
	/* Before the first look, so that no coming or going is missed. */
	notify = genl_ctrl_resolve_grp(c->sock[SOCK_REQUEST], "nlctrl", "notify");
	if (notify > 0)
		nl_socket_add_membership(c->sock[SOCK_EVENTS], notify);
	resolve(c);
	*out = c;
	return 0;
}

void rpl_client_close(struct rpl_client *c)
{
	if (!c)
		return;
	for (int i = 0; i < SOCKS; i++)
		nl_socket_free(c->sock[i]);
	free(c);
}

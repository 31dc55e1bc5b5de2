/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client-int.h - what client.c (sockets, events) and request.c (questions, commands) share.
 */
#ifndef RPL_KERNEL_CLIENT_INT_H
#define RPL_KERNEL_CLIENT_INT_H

#include <netlink/netlink.h>
#include <sys/types.h>
#include "client.h"

#define DONE_MAX   64 /* cookies remembered */
#define RECV_BYTES 65536

enum {
	SOCK_REQUEST,
	SOCK_EVENTS,
	SOCKS
};

struct rpl_client {
	const struct rpl_client_ops *ops;
	void *arg;
	struct nl_sock *sock[SOCKS];
	int family; /* 0 = the module is not there */
	int group; /* joined on the event socket, 0 = none */
	uint32_t seq; /* of the last request */
	uint64_t own[DONE_MAX]; /* cookies of our commands that are not done, 0 = free */
	uint64_t done[DONE_MAX]; /* ring of those that are */
	unsigned int next_done;
	bool lost; /* to be told at the next dispatch */
	bool family_news; /* likewise */
	char why[256];
	/* Callbacks may send requests: their answers must not overwrite what is dispatched. */
	char buf[SOCKS][RECV_BYTES];
};

/* Keep why a call failed, text or that of the errno; returns error. */
int rpl_client_fail(struct rpl_client *c, int error, const char *text);

int rpl_client_fd(const struct rpl_client *c, int which);

/*
 * One datagram into buf, of RECV_BYTES. > 0 bytes, 0 nothing there, -ENOBUFS messages were lost, or
 * negative errno. Never blocks.
 */
ssize_t rpl_client_receive(struct rpl_client *c, int which, char *buf);

/* The result of this command is awaited by us; a command's result has come. */
void rpl_client_await(struct rpl_client *c, uint64_t cookie);
void rpl_client_done(struct rpl_client *c, const struct rpl_msg_command *msg);

#endif /* RPL_KERNEL_CLIENT_INT_H */

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * listen.c - see listen.h. Used at start only.
 */
#include "http/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

#define BACKLOG 128

static int open_one(const struct addrinfo *ai)
{
	CLEANUP_CLOSE int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
				      ai->ai_protocol);
	int one = 1, zero = 0, out;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) || listen(fd, BACKLOG))
		return -errno;
	out = fd;
	fd = -1;
	return out;
}

int listen_open(const char *address, uint16_t port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	char text[8];
	int r;

	snprintf(text, sizeof(text), "%u", port);
	if (getaddrinfo(address, text, &hints, &list))
		return -EINVAL;
	r = open_one(list);
	freeaddrinfo(list);
	/* a host without IPv6 */
	if (r == -EAFNOSUPPORT && !strcmp(address, "::"))
		return listen_open("0.0.0.0", port);
	return r;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len))
		return 0;
	if (ss.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&ss)->sin6_port);
	return ss.ss_family == AF_INET ? ntohs(((struct sockaddr_in *)&ss)->sin_port) : 0;
}

int listen_from_systemd(uint16_t https_port, int *http_fd, int *https_fd, int *slp_fd)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names), used = 0;

	*http_fd = *https_fd = *slp_fd = -1;
	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;
		bool https = names && (!strcmp(names[i], "https") ||
				       (strcmp(names[i], "http") && port_of(fd) == https_port));
		bool slp = sd_is_socket(fd, AF_INET, SOCK_DGRAM, -1) > 0;
		int *slot = slp ? slp_fd : https ? https_fd : http_fd;

		if (*slot >= 0 || (!slp && sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0)) {
			log_warn("socket %d of systemd is not used", fd);
			close(fd);
			continue;
		}
		*slot = fd;
		used++;
	}
	for (int i = 0; names && i < n; i++)
		free(names[i]);
	free(names);
	return used;
}

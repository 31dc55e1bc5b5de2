// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * agent.c - see agent.h. Datagrams can come from whoever they say: what is answered in a second has
 * a limit, so that nobody is flooded by way of this host.
 */
#include "slp/agent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "slp/message.h"

#define GROUP		 "239.255.255.253"
#define LIFETIME_S	 10800
#define ANSWERS_A_SECOND 50
#define BURST		 32 /* datagrams read in one turn of the loop */

struct slp_agent {
	int fd;
	sd_event *loop;
	sd_event_source *io;
	struct slp_config cfg;
	char *attributes;
	uint64_t second; /* of the clock */
	unsigned int answers; /* in it */
};

int slp_open(const char *address, uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };
	CLEANUP_CLOSE int fd = -1;
	int one = 1, out;

	/* an IPv6 address that is not "all" has no counterpart */
	if (strcmp(address, "::") && inet_pton(AF_INET, address, &sa.sin_addr) != 1)
		return -EAFNOSUPPORT;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)))
		return -errno;
	out = fd;
	fd = -1;
	return out;
}

/* ---- one request ---- */

struct datagram {
	uint8_t bytes[SLP_MAX_BYTES];
	size_t len;
	struct sockaddr_in from;
	struct in_addr here; /* our address on the way to the peer */
	bool multicast;
};

static bool receive(int fd, struct datagram *d)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in_pktinfo))];
	struct iovec iov = { d->bytes, sizeof(d->bytes) };
	struct msghdr msg = { .msg_name = &d->from,
			      .msg_namelen = sizeof(d->from),
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	/* a socket of systemd waits, if it is let */
	ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT);
	struct in_pktinfo info = { 0 };

	if (n < 0)
		return false;
	d->len = msg.msg_flags & MSG_TRUNC ? 0 : (size_t)n;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
			memcpy(&info, CMSG_DATA(c), sizeof(info));
	d->here = info.ipi_spec_dst;
	d->multicast = IN_MULTICAST(ntohl(info.ipi_addr.s_addr)) ||
		       info.ipi_addr.s_addr == htonl(INADDR_BROADCAST);
	return true;
}

static bool too_many(struct slp_agent *a)
{
	uint64_t now;

	sd_event_now(a->loop, CLOCK_MONOTONIC, &now);
	if (now / 1000000 != a->second) {
		a->second = now / 1000000;
		a->answers = 0;
	}
	return ++a->answers > ANSWERS_A_SECOND;
}

static void answer(struct slp_agent *a, const struct datagram *d)
{
	char here[INET_ADDRSTRLEN], http[64], https[64];
	struct slp_service s = { .address = here, .lifetime_s = LIFETIME_S };
	CLEANUP_FREE char *attributes = NULL;
	uint8_t out[SLP_MAX_BYTES];
	size_t len;

	inet_ntop(AF_INET, &d->here, here, sizeof(here));
	snprintf(http, sizeof(http), "http://%s:%u", here, a->cfg.http_port);
	snprintf(https, sizeof(https), "https://%s:%u", here, a->cfg.https_port);
	s.urls[0] = a->cfg.https_port ? https : NULL;
	s.urls[1] = a->cfg.http_port ? http : NULL;
	attributes =
		xasprintf("(template-url-syntax=%s),%s", s.urls[0] ? https : http, a->attributes);
	s.attributes = attributes;
	len = slp_answer(&s, d->bytes, d->len, d->multicast, out);
	if (len && !too_many(a))
		sendto(a->fd, out, len, MSG_DONTWAIT | MSG_NOSIGNAL, (void *)&d->from,
		       sizeof(d->from));
}

static int on_datagram(sd_event_source *src, int fd, uint32_t events, void *arg)
{
	struct datagram d = { .len = 0 };

	(void)src, (void)events;
	for (int i = 0; i < BURST && receive(fd, &d); i++)
		answer(arg, &d);
	return 0;
}

/* ---- life ---- */

/* On the interface of the default route; on a host that has none, whoever asks it alone. */
static void join(int fd)
{
	struct ip_mreqn group = { 0 };

	inet_pton(AF_INET, GROUP, &group.imr_multiaddr);
	if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)))
		log_notice("SLP: requests by multicast are not heard: %s", strerror(errno));
}

struct slp_agent *slp_agent_new(sd_event *loop, int fd, const struct slp_config *cfg)
{
	struct slp_agent *a = new0(struct slp_agent);
	int one = 1;

	a->fd = fd;
	a->loop = loop;
	a->cfg = *cfg;
	a->attributes = xstrdup(cfg->attributes);
	join(fd);
	if (!setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one)) &&
	    sd_event_add_io(loop, &a->io, fd, EPOLLIN, on_datagram, a) >= 0)
		return a;
	slp_agent_free(a);
	return NULL;
}

void slp_agent_free(struct slp_agent *a)
{
	if (!a)
		return;
	sd_event_source_disable_unref(a->io);
	close(a->fd);
	free(a->attributes);
	free(a);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * agent.h - an SLPv2 service agent (RFC 2608) for the CIM server, IPv4 over UDP: who looks for
 * service:wbem by multicast, or asks this host, gets its URLs and attributes. Loop thread only.
 */
#ifndef SLP_AGENT_H
#define SLP_AGENT_H

#include <stdint.h>
#include <systemd/sd-event.h>

struct slp_agent;

struct slp_config {
	uint16_t http_port, https_port; /* 0: not served */
	const char *attributes; /* without template-url-syntax */
};

/* A datagram socket on an IPv4 address ("::": all) and port; negative errno. */
int slp_open(const char *address, uint16_t port);
/* Serves @fd, which it owns from now on (also on failure). NULL: it cannot be served. */
struct slp_agent *slp_agent_new(sd_event *loop, int fd, const struct slp_config *cfg);
/* NULL is fine. */
void slp_agent_free(struct slp_agent *a);

#endif

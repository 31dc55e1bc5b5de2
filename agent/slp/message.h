// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * message.h - the messages of SLPv2 (RFC 2608) that a service agent answers. Pure: bytes to bytes.
 */
#ifndef SLP_MESSAGE_H
#define SLP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLP_PORT      427
#define SLP_MAX_BYTES 1400 /* of a datagram, either way */

/* What is offered: WBEM at one or two URLs with the same attributes (DSP0206). */
struct slp_service {
	const char *urls[2]; /* "https://10.0.0.1:5989"; NULL: none */
	const char *attributes; /* "(name=value),(name=value)" */
	const char *address; /* of this host, as the peer sees it */
	uint16_t lifetime_s;
};

/*
 * The answer to the request @in, which came by multicast or to this host alone. Its length, at most
 * SLP_MAX_BYTES; 0: the request is not answered.
 */
size_t slp_answer(const struct slp_service *s, const uint8_t *in, size_t len, bool multicast,
		  uint8_t out[SLP_MAX_BYTES]);

#endif

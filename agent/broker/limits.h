// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * limits.h - what clients may have open at a time, enumerations that they pull from, and what one
 * request may cost.
 */
#ifndef BROKER_LIMITS_H
#define BROKER_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct broker_limits {
	uint32_t max_enumerations; /* open ones, of all clients; 0: what does not fit is refused */
	size_t max_bytes; /* of what they hold, all together */
	uint32_t timeout_s; /* between two operations, when the client does not say */
	uint32_t max_timeout_s; /* the longest that a client may ask for */
	bool no_timeout; /* may a client ask for an enumeration that never ends? */
	uint32_t operation_ms; /* processor time until there is something of an answer; 0: any */
};

#define BROKER_LIMITS_DEFAULT                                                           \
	{                                                                               \
		.max_enumerations = 64, .max_bytes = (size_t)64 << 20, .timeout_s = 30, \
		.max_timeout_s = 600, .no_timeout = false, .operation_ms = 1000         \
	}

#endif

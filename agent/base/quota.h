// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * quota.h - an amount that several share: each owner says how much it has, and hears whether all
 * together are within the limit. Not shared between threads.
 */
#ifndef BASE_QUOTA_H
#define BASE_QUOTA_H

#include <stdbool.h>
#include <stddef.h>

struct quota {
	size_t max, used;
};

/* *mine, 0 at first, becomes @now. False: it has grown, and all together are over the limit. */
static inline bool quota_set(struct quota *q, size_t *mine, size_t now)
{
	bool grows = now > *mine;

	q->used += now - *mine;
	*mine = now;
	return !grows || q->used <= q->max;
}

#endif

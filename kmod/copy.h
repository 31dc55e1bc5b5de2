/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The seam to kcopyd: two clients per store, one for copies that writes wait for, one for the
 * background (F24); and flushes of several devices at once, with a time limit.
 */
#ifndef RPL_COPY_H
#define RPL_COPY_H

#include "core.h"

int rpl_copy_init(struct rpl_store *s);
void rpl_copy_exit(struct rpl_store *s);

/*
 * Flush the devices of nr bindings in parallel and wait at most timeout_ms. The caller has used
 * each binding once (rpl_binding_use) and gives that use away: a flush that hangs keeps it. 0, or
 * the first error with *failed the index of its device: -ETIMEDOUT, the device's, or, if they are
 * several, -ENOMEM.
 */
int rpl_flush(struct rpl_binding **devs, unsigned int nr, unsigned int timeout_ms,
	      unsigned int *failed);

#endif /* RPL_COPY_H */

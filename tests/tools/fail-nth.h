/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FAIL_NTH_H
#define FAIL_NTH_H

#include <stdbool.h>

/*
 * The nth allocation between begin and end is to fail, in a kernel with fault injection. who is
 * "self", this task, or "workers", each worker of the kernel's that serves unbound queues. Once.
 * -1: this kernel does not offer it.
 */
int fail_nth_arm(const char *who, unsigned int n);

/* Of what was armed last; without that both do nothing. */
void fail_nth_begin(void);
void fail_nth_end(void);

/* Prints " HIT", 0 or 1: has one failed? Nothing if none was armed. Disarms. */
void fail_nth_tell(void);

#endif

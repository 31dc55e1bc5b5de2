// SPDX-License-Identifier: GPL-2.0-or-later
/* testprov.h - providers of the test schema (tests/unit/data/test.mof), for the broker's tests. */
#ifndef TESTS_CIM_TESTPROV_H
#define TESTS_CIM_TESTPROV_H

#include <systemd/sd-event.h>

#include "broker/provider.h"

extern const struct cim_provider *const test_providers[];
/* Loop for methods that finish later; NULL: they never do until test_wait_finish(). */
extern sd_event *test_loop;
/* So many volumes more, for answers that are large; the one that cannot be got, 0: none. */
extern unsigned int test_many, test_broken;
/* How often Notes were set to NULL. */
extern unsigned int test_notes_nulled;
extern struct cim_hold *test_held;
extern int test_cancelled;

/* The volumes are as they were at first. */
void test_reset(void);
void test_wait_finish(struct cim_hold *h);

#endif

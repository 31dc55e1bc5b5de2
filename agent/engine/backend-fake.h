// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * backend-fake.h - the handles by which tests and the simulator play fate with backend-fake.c.
 *
 * One fake per process at a time. Loop thread only. Uuids name volumes; a relation is named by
 * its target.
 */
#ifndef AGENT_ENGINE_BACKEND_FAKE_H
#define AGENT_ENGINE_BACKEND_FAKE_H

#include "engine/backend.h"

/* The clock stands still but for fake_advance; set before the engine starts. */
void fake_manual_clock(bool manual);
/* Copies go on for this long; events are delivered before it returns. */
void fake_advance(uint64_t us);
/* The @nth next operation of this kind (1 = the next) fails, its effect does not happen. */
void fake_fail(enum backend_op op, unsigned int nth, int error, const char *reason);
/* Answers get lost: operations have their effect, but come back as -ENOTCONN. */
void fake_disconnected(bool on);
/* As if the disks were not there: no pools, no volumes, no relations to be seen. */
void fake_hide(bool on);
void fake_set_open(const char *uuid, bool open);
void fake_lose_volume(const char *uuid);
void fake_fail_relation(const char *target_uuid, const char *reason);
/* Somebody detaches it behind our back. */
void fake_drop_relation(const char *target_uuid);
/* "source", "clone", "" when there is no such volume: its device-mapper table. */
const char *fake_table(const char *uuid);
size_t fake_nr_relations(void);
size_t fake_nr_volumes(void);

#endif

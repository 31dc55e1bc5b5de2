// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fate.h - the handles by which tests play fate with a simulated node.
 *
 * One simulated node per process at a time. Loop thread only. Uuids name volumes; a relation is
 * named by its target.
 */
#ifndef AGENT_SIM_FATE_H
#define AGENT_SIM_FATE_H

#include "engine/backend.h"

/* The clock stands still but for sim_advance; set before the engine starts. */
void sim_manual_clock(bool manual);
/* Copies go on for this long; events are delivered before it returns. */
void sim_advance(uint64_t us);
/* The @nth next operation of this kind (1 = the next) fails, its effect does not happen. */
void sim_fail(enum backend_op op, unsigned int nth, int error, const char *reason);
/* Answers get lost: operations have their effect, but come back as -ENOTCONN. */
void sim_disconnected(bool on);
/* As if the disks were not there: no pools, no volumes, no relations to be seen. */
void sim_hide(bool on);
void sim_set_open(const char *uuid, bool open);
void sim_lose_volume(const char *uuid);
void sim_fail_relation(const char *target_uuid, const char *reason);
/* Somebody detaches it, or deletes the snapshot, behind our back. */
void sim_drop_relation(const char *target_uuid);
/* Somebody makes a snapshot behind our back, and its event is lost. */
void sim_make_snapshot(const char *source_uuid, const char *uuid, uint32_t id, bool read_only);
/* "source", "clone", "snap", "snap ro"; "" when there is no such volume: its dm table. */
const char *sim_dm_table(const char *uuid);
size_t sim_nr_relations(void);
size_t sim_nr_volumes(void);

#endif

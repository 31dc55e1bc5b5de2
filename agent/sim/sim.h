// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sim.h - making a simulated node what its configuration describes. Loop thread only.
 *
 * It goes through the engine as a client's requests do: volumes, groups, then replicas.
 */
#ifndef AGENT_SIM_SIM_H
#define AGENT_SIM_SIM_H

#include "engine/config.h"
#include "engine/engine.h"

/* @error 0, or a negative errno with a sentence that names the section. */
typedef void (*sim_done_fn)(int error, const char *why, void *arg);

/*
 * Only a node that has nothing is filled; another one was filled before and keeps what clients
 * made of it. @done is called once, possibly before this returns.
 */
void sim_fill(struct engine *e, const struct smisd_config *cfg, sim_done_fn done, void *arg);

/* From now on operations fail as the sections [fault NAME] say. */
void sim_fail_operations(void);

#endif

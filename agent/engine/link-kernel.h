// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * link-kernel.h - the kernel module's dumps and events in the backend's terms. Needs no privilege.
 *
 * Loop thread only. Callbacks come from the loop, never from inside these functions.
 */
#ifndef AGENT_ENGINE_LINK_KERNEL_H
#define AGENT_ENGINE_LINK_KERNEL_H

#include "engine/backend.h"

struct link_kernel;

/* A store by the kernel's uuid of it. */
struct link_store {
	char uuid[ENGINE_UUID_LEN];
};

struct link_list {
	struct backend_relation *relations; /* free() */
	struct backend_group *groups; /* free() */
	struct backend_space *spaces; /* free() */
	struct link_store *failed; /* free(); stores that failed */
	size_t nr_relations, nr_groups, nr_spaces, nr_failed;
};

/*
 * @failed: a store has, perhaps not for the first time. @changed: the module came or went, or
 * events were lost: take a new list.
 */
int link_kernel_start(struct link_kernel **out, sd_event *loop,
		      void (*relation)(const struct backend_relation *r, void *arg),
		      void (*failed)(const char *store, void *arg), void (*changed)(void *arg),
		      void *arg);
void link_kernel_stop(struct link_kernel *k);
bool link_kernel_ready(struct link_kernel *k);
/* What the snapshots of each source that has some keep. */
int link_kernel_spaces(struct link_kernel *k, struct link_list *out, char *why, size_t why_size);
/* What is related now. Clones that wait for their point in time are not relations. */
int link_kernel_list(struct link_kernel *k, struct link_list *out, char *why, size_t why_size);

#endif

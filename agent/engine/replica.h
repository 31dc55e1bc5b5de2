// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * replica.h - one replica request under way; shared by replica.c (its course) and
 * replica-check.c (what is refused, and why).
 */
#ifndef AGENT_ENGINE_REPLICA_H
#define AGENT_ENGINE_REPLICA_H

#include "engine/model.h"

struct pair {
	struct volume *source;
	struct volume *target; /* NULL: to be made */
	char *name; /* of the target to be made */
	struct pool *pool; /* of the target to be made */
	uint64_t size_bytes;
	bool pinned;
};

struct create {
	struct engine *e;
	engine_done_fn done; /* NULL once answered */
	void *arg;
	sd_event_source *deadline;
	char *method, *owner, *params;
	char *name; /* RelationshipName, never NULL after the checks */
	char source_group[ENGINE_UUID_LEN], target_group[ENGINE_UUID_LEN]; /* "" */
	char set_uuid[ENGINE_UUID_LEN], job_id[ENGINE_UUID_LEN];
	uint16_t sync_type, mode;
	bool keep_job;
	bool read_only; /* the snapshots */
	VEC(struct pair) pairs;
	/* after acceptance */
	struct relation **steps;
	size_t relations, next;
	enum engine_rc rc; /* of the answer, with its sentence */
	char why[WHY_LEN];
};

static inline bool create_is_snapshot(const struct create *c)
{
	return c->sync_type == ENGINE_SYNC_SNAPSHOT;
}

/*
 * Fills @c from @spec and refuses what is wrong with it. Nothing is changed.
 */
enum engine_rc replica_check(struct create *c, const struct engine_replica_spec *spec, char *why,
			     size_t why_size);
/*
 * Again, with what LVM and device-mapper say now: sizes, open devices, space, and that all the
 * objects are still there.
 */
enum engine_rc replica_check_fresh(struct create *c, const struct backend_reply *inventory,
				   char *why, size_t why_size);

#endif

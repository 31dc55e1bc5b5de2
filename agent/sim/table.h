// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * table.h - what a simulated node has instead of disks and a kernel: volumes and relations.
 *
 * In memory, or a shared mapping of a file, so that it outlives a killed process as kernel and LVM
 * do. Entries keep their place while they are used. Loop thread only.
 */
#ifndef AGENT_SIM_TABLE_H
#define AGENT_SIM_TABLE_H

#include "base/strmap.h"
#include "engine/backend.h"
#include "engine/config.h"

#define SIM_MAX	 65536 /* volumes, relations; ids of each */
#define SIM_UNIT (4ull << 20)

struct sim_volume {
	char uuid[ENGINE_UUID_LEN], clone_of[ENGINE_UUID_LEN];
	char snapshot_of[ENGINE_UUID_LEN]; /* such a one takes no space of the pool */
	char name[ENGINE_NAME_MAX + 1];
	uint32_t id, pool; /* pool: its place in the configuration */
	uint64_t size_bytes;
	bool used, open;
};

struct sim_relation {
	char uuid[ENGINE_UUID_LEN], group[ENGINE_UUID_LEN];
	char source[ENGINE_UUID_LEN], target[ENGINE_UUID_LEN], reason[BACKEND_REASON_LEN];
	uint32_t target_id, source_id;
	enum engine_state state;
	int error;
	uint64_t total_bytes, rate_bytes_s, when_us;
	uint64_t copied_bytes; /* of a snapshot: what is kept for it */
	uint64_t fail_at_bytes; /* UINT64_MAX: never; then with reason */
	bool used, is_snapshot, read_only;
};

struct sim_file {
	uint32_t magic, size;
	uint64_t clock_us; /* up to where copies have gone on */
	uint32_t nr_volumes, nr_relations; /* entries that were ever used: the others are zero */
	struct sim_volume volumes[SIM_MAX];
	struct sim_relation relations[SIM_MAX];
};

struct sim_table {
	struct sim_file *f;
	struct strmap volumes, relations; /* by uuid; by the uuid of the target */
	uint64_t used_bytes[CONFIG_MAX_POOLS];
	uint32_t unused_volume, unused_relation; /* no unused entry is before these */
};

/* @dir "": in memory. 0, or a negative errno with a sentence in @why. */
int sim_table_open(struct sim_table *t, const char *dir, char *why, size_t why_size);
void sim_table_close(struct sim_table *t);

/* NULL when there is none. */
struct sim_volume *sim_volume(const struct sim_table *t, const char *uuid);
struct sim_relation *sim_relation_to(const struct sim_table *t, const char *target_uuid);

/* Copies @v or @r into the table; NULL when it is full. */
struct sim_volume *sim_volume_add(struct sim_table *t, const struct sim_volume *v);
struct sim_relation *sim_relation_add(struct sim_table *t, const struct sim_relation *r);
void sim_volume_remove(struct sim_table *t, struct sim_volume *v);
void sim_relation_remove(struct sim_table *t, struct sim_relation *r);
void sim_volume_resize(struct sim_table *t, struct sim_volume *v, uint64_t size_bytes);

/* for (struct sim_volume *v = NULL; (v = sim_next_volume(t, v));), order of the table */
struct sim_volume *sim_next_volume(const struct sim_table *t, const struct sim_volume *prev);
struct sim_relation *sim_next_relation(const struct sim_table *t, const struct sim_relation *prev);

#endif

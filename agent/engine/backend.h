// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * backend.h - the seam under the engine: what changes volumes and copies bytes.
 *
 * Two implementations: backend-real.c (smisd-priv and the kernel's netlink family) and
 * sim/backend.c (a simulated node). Everything above this header is the same code for both.
 *
 * Context: loop thread only. A call never completes inside call(); its done runs exactly once,
 * later; stop() answers what is left with -ENOTCONN. Calls are carried out in the order given
 * (AUTHENTICATE, STORE_DISTRUST and the lists from the kernel may overtake). All operations may be
 * repeated: done twice they have the effect of once and succeed. That is what makes restarts
 * simple.
 */
#ifndef AGENT_ENGINE_BACKEND_H
#define AGENT_ENGINE_BACKEND_H

#include "engine/engine.h"

#define BACKEND_POOL_LEN   64
#define BACKEND_REASON_LEN 256
#define BACKEND_MAX_PAIRS  1024

enum backend_op {
	BACKEND_HELLO, /* answers after everything that an earlier client had asked is over */
	BACKEND_AUTHENTICATE, /* user, password */
	BACKEND_ACTIVATE, /* stores if need be; then store, clones, sources, snapshots of each */
	BACKEND_INVENTORY, /* pools, volumes and snapshots, with open counts */
	BACKEND_VOLUME_CREATE, /* uuid, id, size, pool, name; other: prepared as its clone, or "" */
	BACKEND_VOLUME_DELETE, /* uuid */
	BACKEND_VOLUME_GROW, /* uuid, size */
	BACKEND_VOLUME_LINK, /* uuid, name: /dev/rpl/<name> */
	BACKEND_CLONE_PREPARE, /* uuid (target), other (source) */
	BACKEND_CLONE_RELEASE, /* uuid (target): an ordinary volume again */
	BACKEND_GROUP_CREATE, /* uuid (group), pairs: one point in time */
	BACKEND_RELATION_MODIFY, /* uuid (target), verb, force */
	BACKEND_SNAPSHOT_DELETE, /* uuid: device and snapshot; one that is gone is a success */
	BACKEND_STORE_DISTRUST, /* uuid, as the kernel has it, of a store that failed: noted */
	BACKEND_RELATION_LIST, /* relations and groups, from the kernel */
	BACKEND_SPACE_LIST, /* what snapshots of a source keep, and each alone; from the kernel */
	BACKEND_NR_OPS,
};

enum backend_verb {
	BACKEND_SUSPEND,
	BACKEND_RESUME,
	BACKEND_ABORT,
	BACKEND_DETACH, /* a relation that is not there any more is a success */
};

/* A snapshot has the uuid of its relation: the kernel keeps that, so nothing else has to. */
struct backend_pair {
	char relation[ENGINE_UUID_LEN], source[ENGINE_UUID_LEN];
	char target[ENGINE_UUID_LEN]; /* of a clone; "": a snapshot is to be made */
	uint32_t snapshot_id; /* of a snapshot */
	bool read_only; /* a snapshot that nobody can write, for ever */
};

struct backend_request {
	enum backend_op op;
	char uuid[ENGINE_UUID_LEN], other[ENGINE_UUID_LEN];
	char pool[BACKEND_POOL_LEN];
	uint32_t id;
	uint64_t size_bytes;
	enum backend_verb verb;
	bool force;
	const char *name; /* copied by call(), like the next four */
	const char *user, *password;
	const struct backend_pair *pairs;
	size_t nr_pairs;
};

struct backend_pool {
	char uuid[BACKEND_POOL_LEN], name[128];
	uint64_t total_bytes, free_bytes, unit_bytes;
};

struct backend_volume {
	char uuid[ENGINE_UUID_LEN], pool[BACKEND_POOL_LEN];
	uint32_t id;
	uint64_t size_bytes;
	bool has_device; /* its dm device is there */
	bool is_open; /* opened, mounted, or something is stacked on it */
	char clone_of[ENGINE_UUID_LEN]; /* prepared as the target of this source; "" */
	char snapshot_of[ENGINE_UUID_LEN]; /* a snapshot of this source; "": a volume of its own */
};

struct backend_relation {
	char uuid[ENGINE_UUID_LEN], group[ENGINE_UUID_LEN];
	uint32_t target_id, source_id;
	bool is_snapshot, read_only;
	enum engine_state state;
	int error;
	char reason[BACKEND_REASON_LEN];
	uint64_t total_bytes, copied_bytes, rate_bytes_s;
	uint32_t eta_s;
};

struct backend_group {
	char uuid[ENGINE_UUID_LEN];
	uint64_t held_max_ns;
	uint64_t when_us; /* its point in time; 0 unknown */
};

struct backend_space {
	uint32_t id; /* of a source, or of a snapshot that was written */
	uint64_t kept_bytes; /* shared by all snapshots of the source; the snapshot's own */
};

/* Arrays and strings are valid inside the callback only. */
struct backend_reply {
	int error; /* 0 or a negative errno: -EBUSY in use, -ENOSPC, -ENOTCONN outcome unknown... */
	const char *reason; /* never NULL */
	uint64_t size_bytes; /* VOLUME_CREATE, VOLUME_GROW: as it became */
	const struct backend_pool *pools;
	const struct backend_volume *volumes;
	const struct backend_relation *relations;
	const struct backend_group *groups;
	const struct backend_space *spaces;
	size_t nr_pools, nr_volumes, nr_relations, nr_groups, nr_spaces;
	bool password_ok, role_read, role_write;
};

typedef void (*backend_done_fn)(const struct backend_reply *reply, void *arg);

/* What the backend tells by itself. */
struct backend_events {
	/* State or progress of one relation; state DETACHED: it is gone. */
	void (*relation)(const struct backend_relation *r, void *arg);
	/* Events were lost, or one side came back: take new lists. */
	void (*resync)(void *arg);
	void (*status)(bool kernel_ready, bool priv_ready, const char *why, void *arg);
	void *arg;
};

struct backend;

struct backend_ops {
	const char *name;
	uint32_t max_volume_id; /* volumes have the ids 1 to this, */
	uint32_t max_snapshot_id; /* snapshots those from there to this */
	int (*start)(struct backend **out, sd_event *loop, const struct smisd_config *cfg,
		     const struct backend_events *events, char *why, size_t why_size);
	void (*call)(struct backend *b, const struct backend_request *req, backend_done_fn done,
		     void *arg);
	void (*stop)(struct backend *b);
};

extern const struct backend_ops backend_sim, backend_real;

/*
 * Names an operation in messages and JSON: "volume-create". NULL out of range.
 */
const char *backend_op_name(enum backend_op op);
const char *backend_verb_name(enum backend_verb verb);

/* An owned deep copy of @req, one free() away; passwords are wiped by backend_request_free. */
struct backend_request *backend_request_dup(const struct backend_request *req);
void backend_request_free(struct backend_request *req);

#endif

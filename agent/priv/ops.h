// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ops.h - the fixed list of what smisd-priv does for smisd. Each runs in a worker process of its
 * own, one at a time (but STORE_DISTRUST beside them), and may block; each checks by itself that
 * what it touches is ours.
 */
#ifndef AGENT_PRIV_OPS_H
#define AGENT_PRIV_OPS_H

#include "base/vec.h"
#include "engine/backend.h"
#include "engine/config.h"

struct answer {
	int error; /* negative errno */
	char reason[BACKEND_REASON_LEN];
	uint64_t size_bytes;
	bool password_ok, role_read, role_write;
	VEC(struct backend_pool) pools;
	VEC(struct backend_volume) volumes;
	VEC(struct backend_group) groups;
};

/* All operations but AUTHENTICATE and HELLO. */
void ops_run(const struct smisd_config *cfg, const struct backend_request *req, struct answer *a);
/* PAM and the groups; blocks as long as PAM does. */
void auth_run(const struct smisd_config *cfg, const struct backend_request *req, struct answer *a);
void answer_reply(const struct answer *a, struct backend_reply *out);
void answer_done(struct answer *a);
/* Sets error and reason; returns error. */
int answer_fail(struct answer *a, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* kernel.c: commands to the module, waited for. */
struct group_member {
	uint32_t target_id, source_id;
	bool is_snapshot, read_only;
	char relation[ENGINE_UUID_LEN];
};
/* @dev: rpl_dev() of the store's device. */
int kernel_group_create(uint32_t dev, const char *group, const struct group_member *m, size_t nr,
			struct answer *a);
int kernel_relation_modify(uint32_t dev, uint32_t target_id, const char *relation,
			   enum backend_verb verb, bool force, struct answer *a);
/* A snapshot that the module has in some store. */
struct kernel_snapshot {
	char uuid[ENGINE_UUID_LEN];
	uint32_t dev, id, source_id;
	uint64_t size_bytes;
	bool read_only; /* made so: it cannot have a device that writes */
};
struct kernel_snapshots {
	struct kernel_snapshot *v; /* free() */
	size_t n, cap;
};
/* Those of store @dev; 0: of all. */
int kernel_snapshots(uint32_t dev, struct kernel_snapshots *out, struct answer *a);
int kernel_snapshot_delete(uint32_t dev, uint32_t id, struct answer *a);

/* Stores with the kernel's uuid @uuid: there are several when one was copied below LVM. */
struct kernel_store {
	uint32_t dev;
	bool failed;
	char reason[BACKEND_REASON_LEN];
};
struct kernel_stores {
	struct kernel_store *v; /* free() */
	size_t n, cap;
};
int kernel_stores(const char *uuid, struct kernel_stores *out, struct answer *a);
bool kernel_store_is_open(uint32_t dev);

/* 1: the kernel has a relation with this id, 0: it has not, negative errno: it cannot be asked. */
int kernel_has_relation(uint32_t dev, uint32_t target_id, struct answer *a);

#endif

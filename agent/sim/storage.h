// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * storage.h - how a simulated node carries out what the engine asks for: LVM's part and the
 * kernel's state machine, over the table.
 */
#ifndef AGENT_SIM_STORAGE_H
#define AGENT_SIM_STORAGE_H

#include "base/vec.h"
#include "sim/table.h"

struct sim_storage {
	struct sim_table table;
	const struct smisd_config *cfg;
	/* State or progress of a relation; state DETACHED: it is gone, @r is valid in the call. */
	void (*changed)(const struct backend_relation *r, void *arg);
	void *arg;
	uint32_t *fault_times; /* how often each fault of the configuration happened */
	bool fail_operations; /* operations fail as configured; off while the node is made */
	bool hidden; /* nothing is to be seen */
	size_t nr_copying, nr_snapshots;
};

/* Zero-initialised; its arrays are the storage of reply. */
struct sim_answer {
	struct backend_reply reply;
	char reason[BACKEND_REASON_LEN];
	VEC(struct backend_pool) pools;
	VEC(struct backend_volume) volumes;
	VEC(struct backend_relation) relations;
	VEC(struct backend_group) groups;
	VEC(struct backend_space) spaces;
};

int sim_storage_open(struct sim_storage *s, const struct smisd_config *cfg, char *why,
		     size_t why_size);
void sim_storage_close(struct sim_storage *s);

/* The whole answer to @req, but for the pointers of reply; done by sim_answer_done. */
int sim_carry_out(struct sim_storage *s, const struct backend_request *req, struct sim_answer *a);
void sim_answer_done(struct sim_answer *a);
int sim_refuse(struct sim_answer *a, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Copies go on for @us. */
void sim_copy(struct sim_storage *s, uint64_t us);
/* The kernel gives the copy up. */
void sim_relation_fail(struct sim_storage *s, struct sim_relation *r, const char *reason);
/* It is detached. */
void sim_relation_drop(struct sim_storage *s, struct sim_relation *r);

/* ---- snapshots.c: the kernel's part of snapshots */
int sim_snapshot_check(struct sim_storage *s, const struct backend_pair *p, struct sim_answer *a);
bool sim_snapshot_add(struct sim_storage *s, const char *group, const struct backend_pair *p,
		      uint64_t when_us);
int sim_snapshot_delete(struct sim_storage *s, const char *uuid, struct sim_answer *a);
/* Hosts write for @us: what they overwrite is kept. */
void sim_snapshots_keep(struct sim_storage *s, uint64_t us);
int sim_space_list(struct sim_storage *s, struct sim_answer *a);
bool sim_has_snapshots(const struct sim_storage *s, const struct sim_volume *v);

/* ---- faults.c: what the configuration says about failures */

/* Speed and failure of a new relation. */
void sim_faults_relation(struct sim_storage *s, struct sim_relation *r, const char *source_name,
			 const char *target_name);
/* 0, or the negative errno with which the operation is to fail now, with its reason in @a. */
int sim_faults_operation(struct sim_storage *s, const struct backend_request *req,
			 struct sim_answer *a);
/* How long the operation takes, 0 if no fault says so. */
uint32_t sim_faults_delay_ms(const struct sim_storage *s, const struct backend_request *req);
/* False: a fault of the configuration has an unknown operation or error; with a sentence. */
bool sim_faults_ok(const struct smisd_config *cfg, char *why, size_t why_size);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * engine.h - what the node manages, and how it is changed.
 *
 * The one API under every face of the daemon (CIM providers today). It owns pools, volumes,
 * groups, relations, relation sets and jobs in memory, joined from three truths: the kernel
 * (data and progress), LVM (volumes) and SQLite (names, groups, jobs and their results).
 *
 * Context: every function and every callback runs on the loop thread, and none of them blocks.
 * Lifetime: pointers to objects stay valid until control returns to the event loop or until an
 * action of this header is called, whichever comes first; keep ids (uuid, id strings), not
 * pointers. Strings inside objects belong to the objects; none is NULL unless its comment says so.
 * Times: microseconds since 1970 UTC; 0 = never/unknown. Sizes: bytes.
 */
#ifndef AGENT_ENGINE_ENGINE_H
#define AGENT_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#define ENGINE_UUID_LEN 37 /* 36 characters and the NUL */
#define ENGINE_NAME_MAX 127 /* bytes of a volume, group or relationship name */

struct engine;
struct smisd_config;

/* ------------------------------------------------------------------ results */

/* 0..6, 4096 and 4097 are the return values of the CIM methods; the others have no number there. */
enum engine_rc {
	ENGINE_OK = 0,
	ENGINE_NOT_SUPPORTED = 1,
	ENGINE_UNKNOWN = 2,
	ENGINE_TIMEOUT = 3,
	ENGINE_FAILED = 4,
	ENGINE_INVALID_PARAMETER = 5,
	ENGINE_IN_USE = 6,
	ENGINE_JOB_STARTED = 4096,
	ENGINE_SIZE_NOT_SUPPORTED = 4097,
	ENGINE_NOT_FOUND = 0x10000, /* an object named by the caller does not exist */
	ENGINE_EXISTS, /* a name is taken */
	ENGINE_NO_SPACE, /* the pool, or the table of volumes, is full */
	ENGINE_UNAVAILABLE, /* smisd-priv or the kernel module cannot be reached */
};

/* The method return value for @rc: NOT_FOUND and EXISTS are 5, NO_SPACE and UNAVAILABLE are 4. */
uint32_t engine_rc_method(enum engine_rc rc);

/*
 * What an action came to. Given to its done callback, valid only inside the callback. The
 * object pointers obey the lifetime rule above; pointers are NULL and counts 0 where the action
 * has nothing to name.
 */
struct engine_result {
	enum engine_rc rc;
	const char *why; /* a sentence naming the object and the reason; "" when rc is a success */
	const struct engine_volume *volume; /* created or changed */
	const struct engine_group *group; /* created or changed */
	const struct engine_job *job; /* with JOB_STARTED: the job of the whole call */
	/* replica actions, in the order of the pairs of the request */
	const struct engine_job *const *jobs; /* one per pair; jobs[0] == job for a single pair */
	const struct engine_relation *const *relations; /* may be gone already: then 0 of them */
	size_t nr_jobs, nr_relations;
	const struct engine_volume *const *targets;
	size_t nr_targets;
	const struct engine_set *set; /* the group relation, NULL if gone or not a group call */
	const struct engine_group *target_group; /* the group of the targets, NULL if none */
	uint64_t size_bytes; /* volume create/grow: the size that it got (or would get: 4097) */
	bool has_password_ok; /* authenticate: user and password are right */
	bool role_read, role_write; /* authenticate */
};

/* Called exactly once, always later than the call that was given it, on the loop thread. */
typedef void (*engine_done_fn)(const struct engine_result *res, void *arg);

/* ------------------------------------------------------------------ objects */

struct engine_system {
	const char *name; /* globally unique, stable over reboots; SystemName everywhere */
	const char *host_name;
	const char *version; /* of smisd */
	uint64_t started_us; /* of this smisd */
	bool kernel_ready; /* module and store answer */
	bool priv_ready; /* smisd-priv answers */
	const char *trouble; /* "" or why one of them is not ready */
};

struct engine_pool {
	const char *uuid; /* of the volume group; "primordial" for the primordial pool */
	const char *name;
	uint64_t total_bytes, remaining_bytes;
	uint64_t unit_bytes; /* allocation unit (LVM extent) */
	bool primordial;
	bool online;
};

enum engine_volume_status {
	ENGINE_VOLUME_OK = 0,
	ENGINE_VOLUME_CREATING,
	ENGINE_VOLUME_DELETING,
	ENGINE_VOLUME_MISSING, /* the logical volume is not there */
	ENGINE_VOLUME_ERROR, /* there, but without its device */
	ENGINE_VOLUME_LOST, /* a snapshot that the kernel had to give up */
};

struct engine_volume {
	char uuid[ENGINE_UUID_LEN]; /* DeviceID */
	uint32_t id; /* the kernel's id, from 1, stable */
	const char *name; /* ElementName, unique */
	const char *description; /* "" */
	char naa[17]; /* NAA type 3 name, 16 hex digits: NameFormat 9, NameNamespace 2 */
	uint64_t size_bytes;
	const struct engine_pool *pool; /* NULL only while MISSING and never seen */
	char device[64]; /* /dev/mapper/RPL-<uuid> */
	enum engine_volume_status status;
	bool in_use; /* opened, mounted or stacked on in the host, as last seen */
	unsigned int nr_as_source, nr_as_target; /* relations that it is an end of */
	uint64_t created_us;
	/*
	 * A snapshot is the target of one relation, and lives and dies with it. Old data is kept
	 * once for all snapshots of a source: its part is an equal one, and what was written to
	 * it is its own, as last seen.
	 */
	bool is_snapshot;
	bool read_only; /* a snapshot that was made so; its device takes no writes */
	uint64_t kept_bytes; /* of a snapshot */
	const char *lost; /* why it is LOST; "" */
	const struct engine_effect *effects; /* of jobs, in their order */
	size_t nr_effects;
};

/* A job affects a volume, as the source or the target of a pair. */
struct engine_effect {
	const struct engine_job *job;
	bool target;
};

struct engine_group {
	char id[ENGINE_UUID_LEN];
	const char *name; /* unique */
	const char *description; /* "" */
	const struct engine_volume *const *members; /* in order */
	size_t nr_members;
	unsigned int nr_sets_source, nr_sets_target; /* group relations that it is an end of */
	uint64_t created_us;
	/* As the client asked at creation; only these values are granted. */
	bool persistent; /* true */
	bool delete_on_empty, delete_on_unassociated; /* false */
};

/* The kernel's words, same numbers as the uapi enum rpl_state. */
enum engine_state {
	ENGINE_PREPARED = 1,
	ENGINE_COPYING,
	ENGINE_RESYNCING,
	ENGINE_RESTORING,
	ENGINE_SUSPENDED,
	ENGINE_SYNCHRONIZED,
	ENGINE_ABORTED,
	ENGINE_RELATION_FAILED,
	ENGINE_DETACHED,
	ENGINE_NR_STATES,
};

const char *engine_state_word(enum engine_state s); /* "copying" */
uint16_t engine_state_copy_state(enum engine_state s); /* CIM CopyState */
uint16_t engine_state_progress_status(enum engine_state s); /* CIM ProgressStatus */
uint16_t engine_state_sync_state(enum engine_state s); /* CIM SyncState, for a clone */

#define ENGINE_SYNC_MIRROR   6
#define ENGINE_SYNC_SNAPSHOT 7
#define ENGINE_SYNC_CLONE    8
#define ENGINE_MODE_SYNC     2 /* independent: detaches itself when the copy is complete */
#define ENGINE_MODE_ASYNC    3 /* attached: stays related */

#define ENGINE_ETA_UNKNOWN UINT32_MAX

/* One source-target pair (StorageSynchronized). */
struct engine_relation {
	char uuid[ENGINE_UUID_LEN];
	const struct engine_volume *source, *target;
	const struct engine_set *set; /* never NULL: each relation belongs to one set */
	const char *job_id; /* of the pair's job; "" for snapshots, and adopted from the kernel */
	uint16_t sync_type, mode;
	bool read_only; /* the target is, for ever; of a snapshot */
	enum engine_state state;
	int error; /* errno of a failed relation, else 0 */
	const char *reason; /* the kernel's sentence; "" */
	uint64_t total_bytes, copied_bytes;
	uint64_t rate_bytes_s; /* smoothed */
	uint32_t eta_s; /* ENGINE_ETA_UNKNOWN */
	uint16_t requested_copy_state; /* CIM RequestedCopyState, 15 when nothing is under way */
	uint64_t when_established_us; /* accepted */
	uint64_t when_activated_us; /* the point in time */
	uint64_t when_suspended_us; /* last, 0 if never */
	uint64_t when_synchronized_us; /* 0 until the copy is complete */
};

uint16_t engine_relation_percent(const struct engine_relation *r); /* 0..100; 100 = complete */
uint16_t engine_relation_sync_state(const struct engine_relation *r); /* CIM SyncState */

/*
 * The relations that one call made at one point in time. It is a group relation
 * (GroupSynchronized) when both groups are there; a list or a single pair has none.
 */
struct engine_set {
	char uuid[ENGINE_UUID_LEN]; /* the kernel's group uuid */
	const char *name; /* RelationshipName; "" */
	const struct engine_group *source_group,
		*target_group; /* NULL for lists and single pairs */
	const struct engine_relation *const *relations;
	size_t nr_relations;
	uint16_t sync_type, mode;
	uint16_t copy_state, progress_status; /* common value of the relations, else 14 Mixed */
	uint64_t total_bytes, copied_bytes; /* of the relations that are left */
	uint64_t when_established_us, when_activated_us, when_synchronized_us;
	uint64_t held_max_ns; /* longest wait of a source write at the point in time; 0 unknown */
};

/* CIM JobState */
enum engine_job_state {
	ENGINE_JOB_NEW = 2,
	ENGINE_JOB_STARTING = 3,
	ENGINE_JOB_RUNNING = 4,
	ENGINE_JOB_SUSPENDED = 5,
	ENGINE_JOB_SHUTTING_DOWN = 6,
	ENGINE_JOB_COMPLETED = 7,
	ENGINE_JOB_TERMINATED = 8,
	ENGINE_JOB_KILLED = 9,
	ENGINE_JOB_EXCEPTION = 10,
};

static inline bool engine_job_state_final(enum engine_job_state s)
{
	return s >= ENGINE_JOB_COMPLETED;
}

struct engine_job {
	char id[ENGINE_UUID_LEN];
	const char *method; /* "CreateGroupReplica": the caller's method_name */
	const char *name; /* a title for people */
	const char *owner; /* user that asked; "" */
	const struct engine_job *parent; /* the job of the whole call; NULL if this is it */
	unsigned int pair; /* child: index of its pair, from 0 */
	enum engine_job_state state;
	uint16_t percent; /* from the kernel's bytes; 100 only when all are copied */
	uint64_t total_bytes, copied_bytes;
	uint64_t rate_bytes_s;
	uint32_t eta_s; /* ENGINE_ETA_UNKNOWN */
	int error; /* errno; 0 */
	const char *reason; /* why it ended without success; "" */
	const char *status; /* one line for people: "copying", "3 of 4 copied", the reason */
	uint64_t created_us, started_us, ended_us, changed_us; /* changed: TimeOfLastStateChange */
	bool delete_on_completion; /* removed time_before_removal_us after its end; else kept */
	uint64_t time_before_removal_us;
	/* volumes that it affects (source, target of each pair); ids, for they may be gone later */
	const char *const *affected_uuids;
	size_t nr_affected;
	const char *group_ids[2]; /* source and target group; "" */
	const char *params; /* method parameters as the face gave them (opaque text); "" */
};

/* ---------------------------------------------------------- iteration, lookup */

/*
 * @prev NULL gives the first, the last gives NULL. Order of creation; the primordial pool is
 * the first of the pools.
 */
const struct engine_pool *engine_pool_next(struct engine *e, const struct engine_pool *prev);
const struct engine_volume *engine_volume_next(struct engine *e, const struct engine_volume *prev);
const struct engine_group *engine_group_next(struct engine *e, const struct engine_group *prev);
const struct engine_relation *engine_relation_next(struct engine *e,
						   const struct engine_relation *prev);
const struct engine_set *engine_set_next(struct engine *e, const struct engine_set *prev);
const struct engine_job *engine_job_next(struct engine *e, const struct engine_job *prev);

/* NULL when there is none. */
const struct engine_pool *engine_pool_by_uuid(struct engine *e, const char *uuid);
const struct engine_volume *engine_volume_by_uuid(struct engine *e, const char *uuid);
const struct engine_volume *engine_volume_by_name(struct engine *e, const char *name);
const struct engine_group *engine_group_by_id(struct engine *e, const char *id);
const struct engine_group *engine_group_by_name(struct engine *e, const char *name);
const struct engine_relation *engine_relation_by_ends(struct engine *e, const char *source_uuid,
						      const char *target_uuid);
const struct engine_set *engine_set_by_groups(struct engine *e, const char *source_group_id,
					      const char *target_group_id);
const struct engine_job *engine_job_by_id(struct engine *e, const char *id);

const struct engine_system *engine_system(struct engine *e);

/* The size range in which a volume can be made from @p now, and the step between sizes. */
void engine_pool_size_range(struct engine *e, const struct engine_pool *p, uint64_t *min_bytes,
			    uint64_t *max_bytes, uint64_t *step_bytes);

/*
 * Whether @target may be the target of a clone of @source now; @why gets the sentence if not.
 * The checks of engine_replica_create for one pair, without the host's open count.
 */
bool engine_target_fits(struct engine *e, const struct engine_volume *source,
			const struct engine_volume *target, char *why, size_t why_size);

/* ------------------------------------------------------------------- actions
 *
 * All of them copy what they are given. All checks come before the first change; a refusal
 * changes nothing and its sentence names the object. @done may be NULL.
 */

struct engine_volume_spec {
	const char *name; /* NULL: made up */
	const char *description; /* NULL: none */
	const char *pool_uuid; /* NULL: the concrete pool with the most space */
	uint64_t size_bytes; /* rounded up to the pool's unit */
};

void engine_volume_create(struct engine *e, const struct engine_volume_spec *spec,
			  engine_done_fn done, void *arg);
/* @name, @description NULL and @size_bytes 0: leave as it is. Shrinking is refused. */
void engine_volume_modify(struct engine *e, const char *uuid, const char *name,
			  const char *description, uint64_t size_bytes, engine_done_fn done,
			  void *arg);
/*
 * IN_USE while it is an end of a relation, or open in the host. Leaves its groups by itself. Of a
 * snapshot it is ENGINE_OP_RETURN on its relation.
 */
void engine_volume_delete(struct engine *e, const char *uuid, engine_done_fn done, void *arg);

/* Group maintenance is immediate: durable when it returns. @why_size bytes of sentence. */
enum engine_rc engine_group_create(struct engine *e, const char *name, const char *description,
				   const char *const *member_uuids, size_t nr_members,
				   const struct engine_group **out, char *why, size_t why_size);
enum engine_rc engine_group_modify(struct engine *e, const char *id, const char *name,
				   const char *description, char *why, size_t why_size);
/* New members go to the end; a volume that is a member already is refused (INVALID_PARAMETER). */
enum engine_rc engine_group_add(struct engine *e, const char *id, const char *const *uuids,
				size_t nr, char *why, size_t why_size);
/* IN_USE while a member is in a group relation of this group. */
enum engine_rc engine_group_remove(struct engine *e, const char *id, const char *const *uuids,
				   size_t nr, char *why, size_t why_size);
/* @remove_elements: also when not empty. IN_USE while a group relation ends at it. */
enum engine_rc engine_group_delete(struct engine *e, const char *id, bool remove_elements,
				   char *why, size_t why_size);

struct engine_pair_spec {
	const char *source_uuid;
	const char *target_uuid; /* NULL: create the target */
	const char *target_name; /* NULL: made up (relationship name + "_n", or the source's) */
};

struct engine_replica_spec {
	const char *method; /* "CreateGroupReplica": becomes engine_job.method */
	const char *owner; /* user, NULL */
	const char *params; /* kept in the job as it is, NULL */
	/*
	 * Either @source_group_id (its members, in order, are the sources) or @pairs. With
	 * @target_group_id its members are the targets, in order; an empty or NULL target group
	 * gets targets created: an empty group is filled, with NULL a group is created when
	 * @source_group_id is given.
	 */
	const char *source_group_id; /* NULL */
	const char *target_group_id; /* NULL */
	const struct engine_pair_spec *pairs;
	size_t nr_pairs;
	const char *relationship_name; /* NULL */
	const char *pool_uuid; /* pool of created targets; NULL: the pool of each source */
	uint16_t sync_type; /* 7 snapshot, 8 clone; others NOT_SUPPORTED */
	uint16_t mode; /* 0 = NULL */
	uint16_t wait_copy_state; /* 0 = NULL; clones 3, 4, 8; snapshots 4 */
	bool read_only; /* the snapshots cannot be written; clones: INVALID_PARAMETER */
	bool keep_job; /* DeleteOnCompletion FALSE: the job stays until a client deletes it */
};

/*
 * Starts the copies, all at one point in time. JOB_STARTED comes once the relations are in
 * force, or after the reply deadline (config, [limits] reply-deadline) if making the targets takes
 * longer: then relations, set and targets may be missing from the result. A failure after
 * acceptance is JOB_STARTED too, with a job in state Exception: the job carries the reason.
 *
 * Snapshots need no job: OK comes when they are there, with relations, set and targets; anything
 * else means that there are none of them, but for UNAVAILABLE: then nobody knows yet.
 */
void engine_replica_create(struct engine *e, const struct engine_replica_spec *spec,
			   engine_done_fn done, void *arg);

enum engine_relation_op { /* CIM Operation */
	ENGINE_OP_ABORT = 2,
	ENGINE_OP_DETACH = 8,
	ENGINE_OP_RESUME = 16,
	ENGINE_OP_RETURN = 19, /* to the pool: the snapshot is deleted; all others are for clones */
	ENGINE_OP_SUSPEND = 22,
};

/*
 * On one relation, a list, or (with @set_uuid, @uuids NULL) all of a set. Other operations are
 * NOT_SUPPORTED. Detaching an unfinished copy needs @force. OK when all are done; the
 * first failure ends the list and is the result. No snapshot is returned while one of them is open.
 */
void engine_relation_op(struct engine *e, uint16_t op, const char *set_uuid,
			const char *const *uuids, size_t nr, bool force, engine_done_fn done,
			void *arg);

/* RequestStateChange: 2 start (resume), 3 suspend, 4 terminate. Others NOT_SUPPORTED. */
void engine_job_change(struct engine *e, const char *id, uint16_t requested_state,
		       engine_done_fn done, void *arg);
/* Properties that a client may set; @time_before_removal_us UINT64_MAX = leave; min. 5 minutes. */
enum engine_rc engine_job_modify(struct engine *e, const char *id, const bool *delete_on_completion,
				 uint64_t time_before_removal_us, char *why, size_t why_size);
/* IN_USE while it is not final. Deleting a whole call's job deletes its pair jobs too. */
enum engine_rc engine_job_delete(struct engine *e, const char *id, char *why, size_t why_size);

/* Through smisd-priv and PAM. rc OK: look at has_password_ok and the roles. */
void engine_authenticate(struct engine *e, const char *user, const char *password,
			 engine_done_fn done, void *arg);

/* ------------------------------------------------------------- notifications */

enum engine_object {
	ENGINE_OBJ_POOL,
	ENGINE_OBJ_VOLUME,
	ENGINE_OBJ_GROUP,
	ENGINE_OBJ_RELATION,
	ENGINE_OBJ_SET,
	ENGINE_OBJ_JOB,
	ENGINE_OBJ_SYSTEM,
};

enum engine_change {
	ENGINE_CREATED,
	ENGINE_CHANGED,
	ENGINE_PROGRESS,
	ENGINE_DELETED
};

/*
 * After the change (before it, for DELETED: the object is still readable). Must not call an
 * action or engine_group_*. Any number of hooks, called in order of registration.
 */
typedef void (*engine_notify_fn)(struct engine *e, enum engine_object what, enum engine_change how,
				 const void *object, void *arg);
int engine_notify_add(struct engine *e, engine_notify_fn fn, void *arg);
void engine_notify_remove(struct engine *e, engine_notify_fn fn, void *arg);

/* ------------------------------------------------------------------ life cycle */

/*
 * Opens the database, starts the backend, and reconciles; @ready is called once with rc OK
 * (or UNAVAILABLE while kernel or smisd-priv are missing: the engine serves what SQLite knows
 * and goes on trying). Actions before @ready answer UNAVAILABLE.
 * Returns 0 or a negative errno with a sentence in @why. @cfg must outlive the engine.
 */
int engine_start(sd_event *loop, const struct smisd_config *cfg, engine_done_fn ready, void *arg,
		 struct engine **out, char *why, size_t why_size);

/* Calls in flight are answered UNAVAILABLE; work already accepted goes on at the next start. */
void engine_stop(struct engine *e);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * model.h - the engine's inside: objects with their private halves, shared by engine/ only.
 *
 * Each object embeds its public struct (engine.h) as its first member `pub`. The strings and
 * arrays that pub points to are owned here. Everything is touched on the loop thread only.
 *
 * Who changes what: model.c makes and frees objects and keeps the links between them; volume.c,
 * group.c, replica.c, relation.c, job.c hold the rules; db.c stores; reconcile.c joins.
 */
#ifndef AGENT_ENGINE_MODEL_H
#define AGENT_ENGINE_MODEL_H

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/strmap.h"
#include "base/vec.h"
#include "engine/backend.h"
#include "engine/config.h"
#include "engine/engine.h"

#define WHY_LEN 384

#define to_volume(p)   ((struct volume *)(uintptr_t)(p))
#define to_group(p)    ((struct group *)(uintptr_t)(p))
#define to_relation(p) ((struct relation *)(uintptr_t)(p))
#define to_set(p)      ((struct rset *)(uintptr_t)(p))
#define to_job(p)      ((struct job *)(uintptr_t)(p))

struct pool {
	struct engine_pool pub;
	TAILQ_ENTRY(pool) link;
};

/* Durable: what was begun with a volume. Numbers are in the database. */
enum volume_phase {
	VOLUME_CREATING = 1,
	VOLUME_PRESENT = 2,
	VOLUME_DELETING = 3
};

struct volume {
	struct engine_volume pub;
	TAILQ_ENTRY(volume) link;
	enum volume_phase phase;
	char pool_uuid[BACKEND_POOL_LEN];
	char clone_of[ENGINE_UUID_LEN]; /* as the last inventory said; "" */
	bool busy; /* an action on it is under way: nothing else may begin */
	unsigned int pins; /* requests being checked that want it as their source */
	bool seen; /* by the reconciliation that is running */
	VEC(struct engine_effect) effects;
};

struct group {
	struct engine_group pub;
	TAILQ_ENTRY(group) link;
	VEC(const struct engine_volume *) members;
};

/* Durable: how far a relation is. Numbers are in the database. */
enum relation_phase {
	RELATION_PLANNED = 1, /* accepted; the kernel may or may not know it yet */
	RELATION_ACTIVE = 2, /* the kernel knows it */
	RELATION_DETACHING = 3, /* to be detached, its target to be released */
	RELATION_CLEANING = 4, /* never came to be: its target to be released or deleted */
};

struct relation {
	struct engine_relation pub;
	TAILQ_ENTRY(relation) link;
	struct volume *source, *target;
	struct rset *set;
	struct job *job; /* NULL when adopted, or when the job was deleted */
	enum relation_phase phase;
	unsigned int idx;
	bool created_target;
	bool releasing; /* a release of this process is under way */
	struct release *paused; /* it waits for its next try */
	bool seen, settled; /* reconcile.c */
};

struct rset {
	struct engine_set pub;
	TAILQ_ENTRY(rset) link;
	VEC(const struct engine_relation *) relations; /* in order of idx; visible ones */
	unsigned int nr_all; /* relations that point here, whatever their phase */
	bool creating; /* a replica_create of this process works on it */
	bool stale; /* set_update() is due, progress.c */
};

struct job {
	struct engine_job pub;
	TAILQ_ENTRY(job) link;
	struct job *parent;
	VEC(struct job *) children;
	VEC(const char *) affected;
	struct relation *relation; /* pair job, or job of a single pair; NULL once it is gone */
	char set_uuid[ENGINE_UUID_LEN];
	char group_id[2][ENGINE_UUID_LEN];
	char status[64];
	bool stale; /* job_refresh() is due, progress.c */
};

struct notify {
	engine_notify_fn fn;
	void *arg;
};

struct engine {
	sd_event *loop;
	const struct smisd_config *cfg;
	const struct backend_ops *ops;
	struct backend *backend;
	sqlite3 *db;
	struct engine_system system;
	char *system_name, *host_name, *trouble;
	TAILQ_HEAD(, pool) pools;
	TAILQ_HEAD(, volume) volumes;
	TAILQ_HEAD(, group) groups;
	TAILQ_HEAD(, relation) relations;
	TAILQ_HEAD(, rset) sets;
	TAILQ_HEAD(, job) jobs;
	TAILQ_HEAD(, later) later; /* answers that wait for the loop */
	struct strmap volume_by_uuid, volume_by_name, relation_by_uuid, job_by_id;
	struct volume **volume_by_id; /* up to ops->max_snapshot_id */
	uint32_t unused_id; /* none below it is unused */
	uint32_t last_snapshot_id; /* given to a snapshot by this process; 0: none yet */
	VEC(struct notify) notify;
	sd_event_source *tick, *retry, *stale;
	engine_done_fn ready;
	void *ready_arg;
	bool is_ready; /* reconciled at least once: actions are accepted */
	bool reconciling, reconcile_again, stopping;
	uint64_t leftover_us; /* until the next look at what could not be ended; 0: the first */
};

/* ---- model.c: objects and links; no durable effect, no notification */
struct pool *pool_new(struct engine *e, const char *uuid, const char *name);
struct volume *volume_new(struct engine *e, const char *uuid, uint32_t id, const char *name);
void volume_free(struct engine *e, struct volume *v);
void volume_set_name(struct engine *e, struct volume *v, const char *name);
void volume_set_pool(struct engine *e, struct volume *v, const char *pool_uuid);
bool volume_set_id(struct engine *e, struct volume *v, uint32_t id);
uint32_t volume_unused_id(struct engine *e); /* 0: none left */
uint32_t snapshot_unused_id(struct engine *e); /* the same for snapshots; not one just given up */
struct volume *volume_of_id(struct engine *e, uint32_t id); /* NULL: none */
struct group *group_new(struct engine *e, const char *id, const char *name);
void group_free(struct engine *e, struct group *g);
void group_members_changed(struct group *g);
struct rset *set_new(struct engine *e, const char *uuid);
void set_free(struct engine *e, struct rset *s);
void set_link_groups(struct rset *s, struct group *source, struct group *target); /* NULL: keep */
void set_update(struct rset *s); /* sums and common states from the relations */
struct relation *relation_new(struct engine *e, const char *uuid, struct rset *s,
			      struct volume *source, struct volume *target);
/* It is made with that of its set. The target of a snapshot's relation becomes a snapshot. */
void relation_set_type(struct relation *r, uint16_t sync_type);
void relation_set_read_only(struct relation *r, bool read_only); /* its target too */
static inline bool relation_is_snapshot(const struct relation *r)
{
	return r->pub.sync_type == ENGINE_SYNC_SNAPSHOT;
}
void relation_free(struct engine *e, struct relation *r); /* the set is freed with its last */
bool relation_visible(const struct relation *r);
void relation_set_phase(struct relation *r, enum relation_phase phase);
struct job *job_new(struct engine *e, const char *id, struct job *parent);
void job_affects(struct engine *e, struct job *j, const char *volume_uuid);
void jobs_affecting(struct engine *e, struct volume *v); /* one that was known, and comes back */
void job_free(struct engine *e, struct job *j); /* children first */
void model_free(struct engine *e);
struct group *group_find(struct engine *e, const char *id);
struct volume *volume_find(struct engine *e, const char *uuid);
struct rset *set_find(struct engine *e, const char *uuid);
struct relation *relation_of_target(struct engine *e, const struct volume *target);
void set_str(const char **slot, const char *value); /* frees the old, copies the new */

/* ---- engine.c */
uint64_t now_us(void);
void uuid_make(char out[ENGINE_UUID_LEN]);
void notify(struct engine *e, enum engine_object what, enum engine_change how, const void *obj);
/* Answers @done from the loop with @rc and a formatted sentence; @done may be NULL. */
void reply_later(struct engine *e, engine_done_fn done, void *arg, enum engine_rc rc,
		 const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void reply_now(engine_done_fn done, void *arg, enum engine_rc rc, const char *why);
enum engine_rc rc_of_errno(int error);
/* NULL, or why actions cannot be accepted now. */
const char *engine_not_ready(struct engine *e);
bool name_ok(const char *name, char *why, size_t why_size);
bool name_taken(struct engine *e, const char *name, const struct volume *but);
void backend_call(struct engine *e, const struct backend_request *req, backend_done_fn done,
		  void *arg);
void backend_req(struct backend_request *req, enum backend_op op, const char *uuid);
void refused(char *why, size_t why_size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- db.c: 0 or a negative errno, logged. Writers are called between begin and commit. */
int db_open(struct engine *e, char *why, size_t why_size);
void db_close(struct engine *e);
int db_load(struct engine *e); /* everything into the model */
void db_begin(struct engine *e);
/* Any write that failed since begin makes it roll back and return the error. */
int db_commit(struct engine *e);
void db_save_volume(struct engine *e, const struct volume *v);
void db_delete_volume(struct engine *e, const struct volume *v);
void db_save_group(struct engine *e, const struct group *g); /* with its members */
void db_delete_group(struct engine *e, const struct group *g);
void db_save_set(struct engine *e, const struct rset *s);
void db_delete_set(struct engine *e, const struct rset *s);
void db_save_relation(struct engine *e, const struct relation *r);
void db_delete_relation(struct engine *e, const struct relation *r);
void db_save_job(struct engine *e, const struct job *j);
void db_delete_job(struct engine *e, const struct job *j);
char *db_meta_get(struct engine *e, const char *key); /* NULL or owned */
void db_meta_set(struct engine *e, const char *key, const char *value);

/* ---- volume.c */
void volume_seen(struct engine *e, const struct backend_volume *bv);
void volume_drop(struct engine *e, struct volume *v); /* notify, out of its groups, free */
void volume_retry_delete(struct engine *e, struct volume *v);
/* Makes a volume in phase CREATING; the caller saves it. NULL with @why when no id is left. */
struct volume *volume_plan(struct engine *e, const char *name, struct pool *p, uint64_t size_bytes,
			   char *why, size_t why_size);
uint64_t round_up_to(uint64_t bytes, uint64_t unit); /* UINT64_MAX on overflow */

/* ---- pool.c */
void pools_seen(struct engine *e, const struct backend_reply *reply);
void pool_account(struct engine *e, struct volume *v, int64_t delta_bytes);
struct pool *pool_find(struct engine *e, const char *uuid);

/* ---- relation.c */
/* The kernel's word on a relation; state DETACHED: it does not know it any more. */
void relation_update(struct engine *e, struct relation *r, const struct backend_relation *br);
/* What follows from the state that the relation is in now. */
void relation_settle(struct engine *e, struct relation *r);
/* Detach (if @detach), release the target, forget it, end its job. @done may be NULL. */
void relation_release(struct engine *e, struct relation *r, bool detach, engine_done_fn done,
		      void *arg);
/* A pair that never came to be: release or delete its target, forget it. */
void relation_clean(struct engine *e, struct relation *r);
void relations_stop(struct engine *e); /* ends what waits for a next try */
void relation_event(const struct backend_relation *br, void *arg);

/* ---- snapshot.c */
/* Plans the snapshot that relation @uuid makes, in phase CREATING; NULL with @why: no id left. */
struct volume *snapshot_plan(struct engine *e, const char *uuid, const char *name,
			     const struct volume *source, char *why, size_t why_size);
/* Makes its link by name. @done may be NULL. */
void snapshot_link(struct engine *e, const struct volume *v, backend_done_fn done, void *arg);
unsigned int snapshots_of(struct engine *e, const struct volume *source);
/* What the kernel says of it: the volume is lost, or not. */
void snapshot_judge(struct engine *e, struct relation *r);
/* Asks what the snapshots keep, if there are any. */
void snapshot_spaces(struct engine *e);

/* ---- progress.c: sums that are made before the loop waits again */
int progress_start(struct engine *e);
void progress_stop(struct engine *e);
void progress_of_set(struct engine *e, struct rset *s);
void progress_of_job(struct engine *e, struct job *j);
void progress_now(struct engine *e); /* before somebody looks who was not told by the loop */

/* ---- job.c */
/* From its relation or its children. The job that has it as a child follows: now, if it is in a new
 * state, else with the others.
 */
void job_refresh(struct engine *e, struct job *j);
void job_end(struct engine *e, struct job *j, enum engine_job_state state, int error,
	     const char *reason); /* inside begin/commit; final states stay */
void job_tick(struct engine *e); /* removes what has been kept long enough */

/* ---- replica.c */
void replica_activated(struct engine *e, struct rset *s); /* the point in time is there */
void replica_failed(struct engine *e, struct rset *s, int error, const char *reason);

/* ---- reconcile.c */
void reconcile(struct engine *e);
/* Something could not be ended now: another look later, at growing distance. */
void reconcile_leftover(struct engine *e);

/* ---- fault.c: tests kill the process here; NULL otherwise */
extern void (*fault_hook)(const char *where);
static inline void fault_point(const char *where)
{
	if (fault_hook)
		fault_hook(where);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-replica's objects and the functions of the data plane. Private to kmod/; the control plane's
 * side of the seam is control.h. Rules named R.. and F.. are those of doc/design.md.
 *
 * Locks, outer to inner
 *	rpl_stores_lock		mutex: the list of stores. Never held across I/O.
 *	store->cmd_mutex	mutex: one command (create, abort, settle, close) and its commit at
 *				a time. Held across I/O, drains and grace periods. Never taken by a
 *				netlink doit/dumpit nor by anything a bio waits for.
 *	store->publish_mutex	mutex: one publication of an epoch. Held across a grace period,
 *				never across I/O.
 *	store->persist_mutex	mutex: the store's metadata on disk but for the journal, ->persist
 *				itself. Held across I/O to the store, and nothing else is waited
 *				for under it.
 *	store->ctl_mutex	mutex: membership of the lists of volumes, clones and groups. Short:
 *				never held across I/O or a grace period, so doit and dump may take
 *				it (F30).
 *	store->bind_lock	mutex: store->ti, so that dm_table_event() has a living table.
 *	bucket->lock		spin, irq: ops of its windows, the bios that wait for them.
 *	store->map_lock		rw, irq: the store map (map.h), for the time of one lookup or page.
 *	commit->lock		spin, irq: what waits for its record (commit.h).
 *	view->lock		spin, irq: ops that wait for the view's volume to be drained.
 *	vol->lock, clone->lock	spin, irq: binding; state, reason, bits being set, counters.
 *	arm->lock		spin, irq: loss of a volume's snapshots (past.h), bios held for it.
 *	space->lock		spin, irq: chunks of the store (space.h). Innermost.
 *	waker->lock		spin, irq: bios to be mapped again.
 * Bits, clone->preserving and ->readable are read without a lock. map() and end_io() take spin
 * locks only, and never sleep or allocate with more than GFP_NOWAIT.
 *
 * Life of a source write: map() takes a ref of the volume's current view (R1), then looks at what
 * that view must preserve. Nothing: remapped, the ref goes at end_io. A missing region: the bio is
 * cut at the window of 1 MiB, ops are started for every missing run, the ref is dropped, the bio is
 * linked to one op (R7) and mapped from the start when that op ends. Ops copy source -> clones and
 * store once the view's predecessors have all drained (R5, R6), set `copied`, commit (commit.h),
 * then set `durable` and the snapshots' bits (past.h), then wake (R15).
 *
 * Failure of a clone: rpl_clone_fail() ends all copying for it at once, but writes that would
 * destroy what it lacks go on waiting until a record says that it has failed: else a power cut
 * would bring it back, to copy what they wrote. A store that does not take the record delays them
 * by clone_timeout_ms once more, not longer (I4).
 *
 * Life of a group's creation (one command, cmd_mutex held): check under ctl_mutex -> bitmaps ->
 * publish one epoch whose views name the clones (R3) -> wait until all members are drained -> flush
 * the sources -> rpl_persist_commit() -> clones readable, copier starts, reply (R9, R26).
 *
 * References: objects are kref'd. A store is held by its tables, volumes, clones, groups, ops and
 * queued works; a clone by its tables, the registry, views, ops; a volume likewise.
 */
#ifndef RPL_CORE_H
#define RPL_CORE_H

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/device-mapper.h>
#include <linux/dm-kcopyd.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mempool.h>
#include <linux/mutex.h>
#include <linux/percpu-refcount.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "pure.h"
#include "map.h"
#include "pacing.h"
#include "progress.h"
#include "reserve.h"

#define RPL_CLONES_MAX	      7 /* unfinished clones of one volume: destinations of one op */
#define RPL_BUCKETS	      1024
#define RPL_WINDOW_SHIFT      11 /* sectors: an op never crosses 1 MiB of its source (F11) */
#define RPL_WINDOW_CHUNKS_MAX 256 /* of 4 KiB, in a window */
#define RPL_OPS_MAX	      4096 /* ops of one store; bios that need more wait in the FIFO */
#define RPL_OPS_RESERVED      512
#define RPL_CHUNK_SECTORS     128 /* default chunk */

struct rpl_persist; /* persist.c */
struct rpl_journal; /* journal.c */
struct rpl_store;
struct rpl_volume;
struct rpl_clone;
struct rpl_group;
struct rpl_view;
struct rpl_op;
struct rpl_arm; /* past.h */
struct rpl_bits;
struct rpl_space; /* space.h */

/*
 * What event.c remembers of an object; nobody else touches it. ->seq is the number of its last
 * change, among all changes that there were, so that a reader can order what it saw.
 */
struct rpl_notify {
	struct list_head link;
	unsigned long what; /* bits of enum rpl_event, 0 = not queued */
	unsigned long sent_jiffies;
	u64 seq;
	u8 kind;
	u8 nr_states; /* of a clone: states it went through that were not told yet */
	u8 states[6];
	u64 state_seqs[6]; /* ->seq when it went into each */
};

/* Bios to be mapped again from the start, in the order in which they were woken. */
struct rpl_waker {
	spinlock_t lock; /* bios */
	struct bio_list bios;
	struct work_struct work;
};

/*
 * A bound table: what ops use while it lives. Embedded in the target's context. The table's
 * dtr (or the next preresume) takes it away from its object, then waits until users is zero.
 */
struct rpl_binding {
	struct dm_target *ti;
	struct block_device *bdev; /* source: lower device; clone: target device */
	sector_t start;
	struct block_device *src_bdev; /* clone: lower device of its source */
	sector_t src_start;
	struct rpl_volume *vol; /* source: its volume; clone: its source's volume */
	struct rpl_clone *clone; /* NULL for a source */
	atomic_t users; /* ops that do I/O on these devices, + 1 while bound */
	bool was_bound;
	bool leaving; /* source: a suspend waits for its bios: none waits for space any more */
	struct completion idle;
};

/* What waits for a record in the journal: commit.c, see commit.h. */
struct rpl_commit {
	spinlock_t lock; /* the lists */
	struct list_head ops; /* op->wait_list: data complete, in order */
	u32 nr_ops;
	u64 added, taken; /* ops so far, by batches */
	bool urgent; /* a source write waits, from after the batch that runs was taken */
	struct bio_list flushes; /* clones' flushes and FUA writes, for the next batch */
	struct bio_list flushing; /* of the batch that runs */
	struct list_head failed; /* clone->failed_list, with refs */
	struct list_head failed_arms; /* arm->failed_list, with refs */
	struct workqueue_struct *wq;
	struct work_struct work; /* one batch after the other */
	struct delayed_work lazy; /* what nobody waits for */
	struct work_struct checkpoint; /* on bg_wq: in time, so that batches do not wait for it */
	wait_queue_head_t wait; /* flushes of targets; room in the journal */
	struct mutex journal_mutex; /* ->journal and its writes; inside persist_mutex */
	struct rpl_journal *journal;
	u64 batch; /* number of the batch that runs; ->work alone writes it */
	u64 ended; /* of the last one that has ended; likewise */
	bool marked_failed; /* the failure is in the superblocks, or never will be; ->work alone */
};

/* How a store behaves, as far as it was said: 0 and false are defaults. settings.c. */
struct rpl_settings {
	bool has_low_water;
	u64 low_water_sectors; /* warn from so little free space on; 0: never */
	u8 overflow; /* enum rpl_overflow: what source writes do when it is full */
	u32 queue_timeout_ms;
};

/* ---- objects ---- */

struct rpl_store {
	/* one location: the instant of a group's point in time (R3) */
	struct rpl_epoch __rcu *cur ____cacheline_aligned_in_smp;

	struct kref kref ____cacheline_aligned_in_smp;
	struct list_head list; /* rpl_stores, rpl_stores_lock */
	struct mapped_device *md; /* identity only: compared, never dereferenced */
	dev_t devt; /* of the store's dm device */
	char name[DM_NAME_LEN];
	u8 uuid[RPL_UUID_LEN];
	u32 chunk_sectors, chunk_shift;
	u32 max_volumes;
	u64 generation; /* persist.c */
	u64 incarnation;
	u64 epoch; /* highest used; persist.c saves and restores it */
	enum rpl_store_mode mode; /* written under cmd_mutex, read with READ_ONCE */
	u32 flags; /* enum rpl_store_flag */
	char reason[RPL_REASON_LEN]; /* why FAILED; lock */
	struct lost_store *lost; /* store.c alone */
	struct rpl_persist *persist; /* persist_mutex; to change it, ctl_mutex too */
	struct block_device *bdev; /* below the store; valid while bound or opened */
	sector_t bdev_start;
	u32 block_bytes; /* logical block of bdev */
	u64 dev_bytes; /* that are laid out; persist_mutex to write */

	struct mutex cmd_mutex, publish_mutex, persist_mutex, ctl_mutex, bind_lock;
	struct dm_target *ti; /* bound table, bind_lock */
	u32 nr_tables; /* replica-store tables of this store, rpl_stores_lock */
	u32 nr_users; /* tables of sources and clones that name this store, rpl_stores_lock */
	spinlock_t lock; /* mode's reason */
	struct work_struct fail_work; /* what rpl_store_fail() leaves to be done */
	struct work_struct free_work;
	struct workqueue_struct *ctl_wq; /* ordered: commands, settling of clones */

	struct list_head volumes, clones, groups; /* ctl_mutex; by id, by id, by creation */
	u32 nr_volumes, nr_clones, nr_groups; /* ctl_mutex */
	u32 nr_slots; /* publish_mutex */
	struct rpl_notify notify;

	/* data plane, epoch.c op.c copy.c copier.c */
	struct workqueue_struct *io_wq; /* wakes, starts of ops, drains; MEM_RECLAIM, unbound */
	struct workqueue_struct *bg_wq; /* copier */
	struct rpl_bucket *buckets;
	mempool_t op_pool;
	atomic_t nr_ops; /* that some clone still needs */
	struct rpl_waker fifo; /* bios that found no op (R7); ->work unused */
	struct rpl_waker starved; /* source writes that wait for a checkpoint (R23); likewise */
	struct llist_head start_list; /* ops to be started outside map() */
	struct work_struct start_work;
	struct delayed_work watch_work; /* ops whose source writes wait too long (I4) */
	u32 watch_looks; /* how often it ran; it alone writes */
	struct delayed_work pace_work;
	u64 pace_ns;
	struct dm_kcopyd_client *kc_cow, *kc_bg;
	struct rpl_commit commit;

	/* old content for snapshots: map.h, space.h, scan.c */
	rwlock_t map_lock; /* map; irq; inside bucket->lock */
	struct rpl_map map; /* nr_pages 0: formatted without room for snapshots */
	struct rpl_reserve reserve; /* for its pages; empty without room for snapshots */
	struct rpl_space *space; /* NULL likewise */
	struct delayed_work scan_work; /* on bg_wq: clears garbage */
	struct delayed_work refresh_work; /* on bg_wq: views that there was no memory for */
	struct percpu_ref data_users; /* I/O to the store's chunks; killed before bdev goes */
	struct completion data_idle;
	atomic_t write_errors; /* of the store's chunks */

	/* settings.c; without a lock */
	struct rpl_settings settings; /* as given; ctl_mutex */
	u8 overflow; /* enum rpl_overflow */
	u32 queue_timeout_ms;
	u32 nr_starved; /* in ->starved */
	bool starving; /* it was told that writes wait */
};

/* A volume that is, or was, the source of a relation or has a replica-source table. */
struct rpl_volume {
	struct kref kref;
	struct rpl_store *store;
	struct list_head list; /* store->volumes, ctl_mutex */
	u32 id;
	u32 slot; /* in rpl_epoch.view[], U32_MAX before its first publication; publish_mutex */
	bool stale; /* its view names what has ended: another one follows; publish_mutex */
	u64 nr_sectors; /* of the bound table, or as loaded; 0 = not known */
	spinlock_t lock;
	struct rpl_binding *dev; /* bound replica-source table or NULL; lock */
	u32 record; /* persist.c alone */
	dev_t lower_devt; /* of the table bound last, 0 = none yet */
	u32 nr_moving; /* loaded tables with another device, or a shorter one; ctl_mutex */
	bool in_creation; /* a point in time of it is being made; ctl_mutex */
	sector_t lower_start;
	struct list_head clones; /* clone->vol_list of every relation of this source, ctl_mutex */
	/*
	 * Of the next view, if the volume has snapshots to keep old content for. To change it
	 * publish_mutex and ctl_mutex, either to look.
	 */
	struct rpl_arm *arm;
	struct rpl_bits *bits; /* likewise */
	atomic_t nr_snapshots; /* relations of that kind in ->clones */
	atomic64_t stored_chunks; /* entries of the map that have a chunk of the store */
	struct rpl_waker waker;
	u32 nr_tables; /* replica-source tables that name it, live or not; ctl_mutex */
	/* statistics, slow paths only */
	atomic64_t first_writes; /* writes that waited for a copy */
	atomic64_t preserved_bytes;
	atomic64_t held_writes; /* writes that waited for a point in time */
	atomic64_t held_max_ns;
	atomic64_t wait_max_ns; /* longest wait of a first write, all causes */
};

/*
 * One relation: a source volume and a clone or snapshot of it. Of a snapshot only what is not said
 * to be a clone's is used; it is SYNCHRONIZED (valid) or FAILED (lost) once its point in time
 * exists, and needs no device to exist.
 */
struct rpl_clone {
	struct kref kref;
	struct rpl_store *store;
	struct list_head list; /* store->clones, ctl_mutex */
	struct list_head group_list; /* group->clones, ctl_mutex */
	struct list_head vol_list; /* vol->clones, ctl_mutex */
	u32 id;
	u8 kind; /* enum rpl_kind, fixed */
	u8 uuid[RPL_UUID_LEN]; /* zero while prepared */
	struct rpl_group *group; /* NULL while prepared; ctl_mutex */
	u32 nr_tables; /* replica-clone tables that name it, live or not; ctl_mutex */
	struct rpl_volume *vol; /* source; set at the first table or at load, then fixed */
	spinlock_t lock;
	enum rpl_state state; /* lock */
	enum rpl_state prior_state; /* what resume goes back to, while suspended; else 0 */
	int error; /* positive errno of failed; lock */
	char reason[RPL_REASON_LEN]; /* lock */
	bool preserving; /* source writes keep the point in time in it */
	bool failing; /* it will not be copied any more, but that is not recorded yet; lock */
	bool readable; /* its point in time is acknowledged (R9) */
	bool in_view; /* named by its volume's next views; publish_mutex */
	bool announced; /* synchronized is durable and may be told (I6); lock */
	bool settling; /* complete: flush, commit and disarm are on their way; lock */
	bool whole; /* every region is copied, for good: the bits need no look */

	u64 nr_sectors; /* of the point in time: the source's length then; 0 while prepared */
	u64 nr_regions;
	unsigned long *copied; /* data is in the target: clone reads and writes look here (R31) */
	unsigned long *durable; /* and survives as promised: source writes look here (R31) */
	unsigned long *dirty; /* pages of its bitmap on disk that are older than ->durable */
	u64 copied_sectors, durable_sectors, bad_sectors; /* exact, last region too; lock */
	u64 point; /* epoch of its point in time: with the id, its name in the journal; its tag */

	struct rpl_arm *arm; /* snapshot: that its volume had at its point in time, with a ref */
	bool read_only; /* snapshot: it is given no device that writes; fixed */
	atomic64_t own_chunks; /* snapshot: entries of the map that are its own */
	struct rpl_binding *dev; /* bound table or NULL; lock */
	struct rpl_waker waker;

	u64 min_bytes_s, max_bytes_s; /* 0 = default, 0 = no limit; lock */
	struct rpl_pace pace; /* pacing.c; lock */
	struct rpl_progress progress; /* progress.c; lock */
	u64 cursor; /* copier: next region to look at; lock */
	u32 inflight; /* copier: jobs of its own that run; lock */
	bool resumed; /* its table is not suspended; lock */
	bool flushed; /* its last table flushed the target; written while none is bound */
	bool copier_on; /* bound, resumed and copying; lock */
	struct work_struct copy_work;
	struct work_struct settle_work; /* on ctl_wq: what a failure or completion leaves to do */
	struct delayed_work grave_work; /* on io_wq: its failure could not be recorded in time */
	unsigned long grave_left; /* of that time, jiffies; lock */
	struct list_head failed_list; /* store->commit.failed */
	u32 failed_gen; /* ->gen that has failed; lock */
	struct bio_list held; /* source writes that wait for the record of its failure; lock */
	struct {
		struct bio bio;
		struct rpl_binding *dev; /* used */
		struct list_head list; /* clones of the batch; commit.c */
		u64 batch; /* the last one that flushed it */
		int error;
		bool busy; /* not ended; the clone has a ref for it */
	} flush; /* of its target, for a batch */
	wait_queue_head_t quiet; /* inflight became zero */
	u32 gen; /* of its bits: ops of an older generation set none (R39); lock */
	struct {
		u32 page, pages;
		u32 promised, promised_pages; /* place by rpl_persist_room(); no pages: none */
		u64 generation; /* of its first page */
		bool fresh; /* both slots of all pages are to be written */
	} saved; /* place of its bitmap on disk: persist.c alone */
	u32 record; /* persist.c alone */
	struct rpl_notify notify;
};

/* Clones that share one point in time. */
struct rpl_group {
	struct kref kref;
	struct rpl_store *store;
	struct list_head list; /* store->groups, ctl_mutex */
	u8 uuid[RPL_UUID_LEN];
	struct list_head clones; /* clone->group_list, ctl_mutex */
	u32 nr_clones; /* ctl_mutex */
	u32 record; /* persist.c alone */
	u64 epoch, time_ns; /* number of its epoch; wall clock of its point in time */
	u64 publish_ns, drain_ns; /* publication to last kill; kill to last member drained */
	atomic64_t held_max_ns, held_writes; /* source writes that waited for the drain */
	struct rpl_notify notify;
};

/* ---- what others may read: one fill function per kind, for dm status, netlink and events ---- */

struct rpl_store_stat {
	char name[DM_NAME_LEN];
	dev_t devt;
	u8 uuid[RPL_UUID_LEN];
	u64 generation;
	enum rpl_store_mode mode;
	u32 flags; /* enum rpl_store_flag */
	u32 chunk_bytes;
	u32 nr_volumes, nr_clones, nr_groups, max_volumes;
	char reason[RPL_REASON_LEN];
	u64 data_bytes, used_bytes, low_water_bytes;
	enum rpl_overflow overflow;
	u32 queue_timeout_ms, waiting_writes;
	u64 seq;
};

struct rpl_source_stat {
	u32 id;
	u64 nr_sectors;
	u64 epoch; /* of its view */
	u32 deps; /* relations of this source */
	u32 armed; /* clones that its writes preserve for now */
	bool bound;
	u64 first_writes, preserved_bytes, held_writes, held_max_ns, wait_max_ns;
	u32 nr_snapshots; /* lost ones, too */
	u64 stored_bytes;
};

struct rpl_clone_stat {
	u32 id;
	u8 kind; /* enum rpl_kind */
	u8 uuid[RPL_UUID_LEN], group_uuid[RPL_UUID_LEN];
	u32 volume_id;
	enum rpl_state state;
	int error;
	char reason[RPL_REASON_LEN];
	bool bound;
	u64 total_bytes, copied_bytes, bad_bytes;
	u64 rate_bytes_s;
	u32 eta_s; /* U32_MAX = unknown */
	u64 min_bytes_s, max_bytes_s;
	bool read_only;
	u64 written_bytes; /* own chunks of a snapshot */
	u64 seq;
};

struct rpl_group_stat {
	u8 uuid[RPL_UUID_LEN];
	u32 nr_relations;
	u32 nr_state[RPL_STATE_MAX + 1];
	u64 total_bytes, copied_bytes;
	u64 time_ns, publish_ns, drain_ns, held_max_ns, held_writes;
	u64 seq;
};

/* Any process context; short spin locks (the group's takes ctl_mutex, or asserts it: _locked). */
void rpl_store_stat_get(struct rpl_store *s, struct rpl_store_stat *out);
void rpl_source_stat_get(struct rpl_volume *vol, struct rpl_source_stat *out);
void rpl_clone_stat_get(struct rpl_clone *c, struct rpl_clone_stat *out);
void rpl_group_stat_get(struct rpl_group *g, struct rpl_group_stat *out);
void rpl_group_stat_get_locked(struct rpl_group *g, struct rpl_group_stat *out);

/* ---- store.c: registry ---- */

extern struct mutex rpl_stores_lock;

/* A store by its dm device, or the next one above `after` (0 = first). NULL or a ref. */
struct rpl_store *rpl_store_find(dev_t devt);
struct rpl_store *rpl_store_next(dev_t after);
struct rpl_store *rpl_store_get(struct rpl_store *s);
void rpl_store_put(struct rpl_store *s);

/* ctl_mutex held; no ref is taken. _next_: the first with an id above `after` (0 = first). */
struct rpl_volume *rpl_store_volume_by_id(struct rpl_store *s, u32 id);
struct rpl_volume *rpl_store_next_volume(struct rpl_store *s, u32 after);
struct rpl_clone *rpl_store_clone_by_id(struct rpl_store *s, u32 id);
struct rpl_clone *rpl_store_next_clone(struct rpl_store *s, u32 after);
struct rpl_group *rpl_store_group_by_uuid(struct rpl_store *s, const u8 *uuid);
struct rpl_group *rpl_store_next_group(struct rpl_store *s, struct rpl_group *after);

struct rpl_volume *rpl_volume_get(struct rpl_volume *vol);
void rpl_volume_put(struct rpl_volume *vol);
struct rpl_clone *rpl_clone_get(struct rpl_clone *c);
void rpl_clone_put(struct rpl_clone *c);
struct rpl_group *rpl_group_get(struct rpl_group *g);
void rpl_group_put(struct rpl_group *g);

/*
 * For rpl_persist_open() only (ctor of the store, nothing else runs yet): make the objects that the
 * store holds. ERR_PTR on failure. The clone comes with its bitmaps allocated and clear:
 * persist.c sets bits of ->copied (and only those); the data plane counts them, copies them to
 * ->durable.
 */
struct rpl_volume *rpl_store_add_loaded_volume(struct rpl_store *s, u32 id, u64 nr_sectors);
struct rpl_group *rpl_store_add_loaded_group(struct rpl_store *s, const u8 *uuid);
struct rpl_clone *rpl_store_add_loaded_clone(struct rpl_store *s, u32 id, u32 volume_id,
					     const u8 *uuid, const u8 *group_uuid,
					     enum rpl_state state, u64 nr_sectors);
struct rpl_clone *rpl_store_add_loaded_snapshot(struct rpl_store *s, u32 id, u32 volume_id,
						const u8 *uuid, const u8 *group_uuid,
						enum rpl_state state, u64 nr_sectors);

/*
 * The store's own device or metadata cannot be trusted any more: mode FAILED, unfinished clones
 * failed, their source writes released. Takes no mutex; any process context.
 */
void rpl_store_fail(struct rpl_store *s, const char *reason);

/* ---- commands: sleep, run on ctl_wq; take cmd_mutex and ctl_mutex themselves ---- */

struct rpl_member_spec {
	u32 clone_id, volume_id;
	u8 kind; /* enum rpl_kind */
	bool read_only; /* a snapshot alone */
	u8 uuid[RPL_UUID_LEN]; /* of the relation */
	u64 min_bytes_s, max_bytes_s; /* 0, 0 = default */
};

struct rpl_group_spec {
	u8 uuid[RPL_UUID_LEN];
	u32 nr;
	struct rpl_member_spec member[];
};

/* Would it be refused? Takes ctl_mutex, no I/O. 0 or -errno with *why naming the object. */
int rpl_group_check(struct rpl_store *s, const struct rpl_group_spec *spec, struct rpl_why *why);
/* 0: the point in time exists and is durable. Else nothing has changed. */
int rpl_group_create(struct rpl_store *s, const struct rpl_group_spec *spec, struct rpl_why *why);

/* 0, or -errno with *why. They return after the change is durable. The caller holds a clone ref. */
int rpl_clone_suspend(struct rpl_store *s, struct rpl_clone *c, struct rpl_why *why);
int rpl_clone_resume(struct rpl_store *s, struct rpl_clone *c, struct rpl_why *why);
int rpl_clone_abort(struct rpl_store *s, struct rpl_clone *c, struct rpl_why *why);
int rpl_clone_detach(struct rpl_store *s, struct rpl_clone *c, bool force, struct rpl_why *why);
int rpl_clone_set_rate(struct rpl_store *s, struct rpl_clone *c, u64 min_bytes_s, u64 max_bytes_s,
		       struct rpl_why *why);
/* A snapshot that no table names. Its space comes back later. */
int rpl_snap_delete(struct rpl_store *s, struct rpl_clone *c, struct rpl_why *why);

/*
 * Needed of the control plane (control.h):
 *	rpl_persist_open(s, bdev, opts, &error)		ctor, no locks
 *	rpl_persist_commit(s, always)	persist_mutex held, ctl_mutex NOT held (it does I/O): takes
 *					ctl_mutex while it encodes. Prepared clones are not written.
 *	rpl_persist_close(s)		cmd_mutex held; targets are flushed already
 *	rpl_persist_abandon(s)		frees, without any I/O: the store is gone or failed
 *	rpl_event_clone/group/store(obj, enum rpl_event)	any context, irq too
 */

#endif /* RPL_CORE_H */

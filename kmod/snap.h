/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Snapshots: births, deletion, loss, and what of them is found when a store is opened. The copies
 * that they share belong to their volume: past.h, map.h. Their device is snap-target.c's.
 */
#ifndef RPL_SNAP_H
#define RPL_SNAP_H

#include "core.h"
#include "past.h"

/* Can it be read? Once no, always no. */
static inline bool rpl_snap_valid(const struct rpl_clone *c)
{
	return READ_ONCE(c->state) == RPL_STATE_SYNCHRONIZED && c->arm &&
	       READ_ONCE(c->arm->preserving);
}

/* The chunk of the store that it has of its own, or NONE. map_lock held. */
static inline u32 rpl_snap_own(struct rpl_clone *c, u64 chunk)
{
	return atomic64_read(&c->own_chunks) ? rpl_map_own(&c->store->map, c->id, chunk, c->point)
					     : RPL_LOC_NONE;
}

/*
 * What is true of it by now: what an arm loses is lost, though the state follows only when that is
 * settled. reason has RPL_REASON_LEN bytes. c->lock held.
 */
void rpl_snap_truth(struct rpl_clone *c, enum rpl_state *state, int *error, char *reason);

/* ---- creation: group.c ---- */

/* May this one be created? ctl_mutex held. 0 or -errno with *why. */
int rpl_snap_check(struct rpl_store *s, const struct rpl_member_spec *m, struct rpl_why *why);

/* A fresh one, PREPARED, in the lists. ctl_mutex held. NULL: no memory. The ref is the lists'. */
struct rpl_clone *rpl_snap_new(struct rpl_store *s, u32 id, struct rpl_volume *vol);

/* ---- loss and load ---- */

/* On ctl_wq, once: the snapshots of an arm whose loss is recorded. */
void rpl_snaps_settle_lost(struct rpl_arm *a);

/* Every volume's snapshots are lost, as the store has failed. ctl_mutex held. */
void rpl_snaps_fail_all(struct rpl_store *s);

/*
 * Constructor of the store, when map and relations are loaded: space, bits, arms. What contradicts
 * itself costs the snapshots. 0 or -ENOMEM.
 */
int rpl_snaps_load(struct rpl_store *s);

/*
 * The volume has no snapshot in its next view any more: its arm, with the volume's ref, or NULL.
 * publish_mutex held; a publication follows.
 */
struct rpl_arm *rpl_volume_disarm(struct rpl_volume *vol);

/* The volume leaves the registry: its arm and bits go. publish_mutex held. */
void rpl_volume_forget_past(struct rpl_volume *vol);

/* ---- the store's chunks ---- */

/* Room for an entry and the entry; 0, -EEXIST, -ENOSPC, -ENOMEM. Process context. */
int rpl_store_file(struct rpl_store *s, struct rpl_map_entry *e);

/* scan.c: clear garbage of the map, in the background. Any context. */
void rpl_scan_kick(struct rpl_store *s);
void rpl_scan_work(struct work_struct *work);
/* Has the store anything that only this snapshot reads? Looks until then (jiffies). Sleeps. */
bool rpl_scan_frees(struct rpl_store *s, struct rpl_clone *c, unsigned long until);
/* Some space of what is garbage now, soon, with its checkpoint. The rest is rpl_scan_kick()'s. */
void rpl_scan_for_space(struct rpl_store *s, unsigned long until);

/* Before I/O to the store's chunks, and after. False: its device is going. Any context. */
static inline bool rpl_data_get(struct rpl_store *s)
{
	return percpu_ref_tryget_live(&s->data_users);
}

static inline void rpl_data_put(struct rpl_store *s)
{
	percpu_ref_put(&s->data_users);
}

/* ---- for the table of a replica-snap ---- */

/* The snapshot with this id, which must exist. ERR_PTR with *why. */
struct rpl_clone *rpl_snap_table_get(struct rpl_store *s, u32 id, u32 volume_id,
				     struct rpl_why *why);

#endif /* RPL_SNAP_H */

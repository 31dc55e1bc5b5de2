/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Views and epochs. A view is what the writes of one volume act by; an epoch object is the array of
 * all volumes' views, published through one pointer: one instant for many volumes (R3, F3).
 *
 * A view is current, then replaced: its ref is killed. Drained means that this view *and all
 * earlier ones* of the volume are killed and without refs (R6): a view holds one ref of its
 * successor until it is drained itself. When a view drains, its successor is ready: ops that wait
 * in the successor may read the source (R5).
 */
#ifndef RPL_EPOCH_H
#define RPL_EPOCH_H

#include "core.h"
#include "past.h"

struct rpl_view {
	struct percpu_ref writes; /* source writes that act by it, + 1 of a predecessor */
	struct rpl_volume *vol; /* with a ref */
	struct rpl_group *group; /* whose point in time began with this view, with a ref, or NULL */
	u64 epoch;
	u32 nr_clones;
	struct rpl_clone *clone[RPL_CLONES_MAX]; /* with refs */
	/* of the volume's snapshots, with refs; NULL, NULL if there are none */
	struct rpl_arm *arm;
	struct rpl_bits *bits;
	u32 newest; /* the tag of what is kept: that of the newest snapshot */
	u64 kept_sectors, kept_chunks; /* its length: nothing is kept of what lies behind it */

	bool ready; /* all earlier views are drained; lock to set, any time to read */
	spinlock_t lock;
	struct list_head waiting; /* op->wait_list until ready; lock */
	struct completion drained; /* done when ready */
	struct rpl_view *next; /* successor, NULL if the volume was dropped */
	u64 published_ns;
	struct rpl_switch *sw; /* while a publication waits for the switch to atomic mode */
	struct work_struct drain_work;
	struct rcu_work free_work;
};

struct rpl_epoch {
	u64 nr;
	struct rcu_head rcu;
	u32 nr_views;
	struct rpl_view *view[]; /* by volume slot */
};

/*
 * The volume's current view, with a ref that the caller drops with rpl_view_put() when the write
 * has completed (R1). Any context. Never fails: a killed view has a published successor (R2).
 */
static inline struct rpl_view *rpl_view_get(struct rpl_volume *vol)
{
	struct rpl_view *v;

	rcu_read_lock();
	do {
		v = rcu_dereference(vol->store->cur)->view[vol->slot];
	} while (!percpu_ref_tryget_live_rcu(&v->writes));
	rcu_read_unlock();
	return v;
}

static inline void rpl_view_put(struct rpl_view *v)
{
	percpu_ref_put(&v->writes);
}

/* Is it still the current one (R4)? The answer is final if it is no. */
static inline bool rpl_view_current(struct rpl_view *v)
{
	bool current_one;

	rcu_read_lock();
	current_one = rcu_dereference(v->vol->store->cur)->view[v->vol->slot] == v;
	rcu_read_unlock();
	return current_one;
}

/*
 * Publish one epoch in which the listed volumes have new views, made of their clones and snapshots
 * with ->in_view set. Volumes without a slot get one. publish_mutex held, ctl_mutex not. Sleeps for
 * one grace period, does no I/O and waits for none. 0 or -ENOMEM/-ENOSPC, then nothing has changed.
 * If group is given, its epoch, time and publish_ns are filled.
 */
int rpl_epoch_publish(struct rpl_store *s, struct rpl_volume **vols, unsigned int nr,
		      struct rpl_group *group);

/*
 * The same after something that the views name has ended: without memory they go on naming it,
 * which preserves nothing, until there is some. publish_mutex held, ctl_mutex not.
 */
void rpl_epoch_refresh(struct rpl_store *s, struct rpl_volume **vols, unsigned int nr);
void rpl_epoch_refresh_work(struct work_struct *work);

/*
 * No view of these names what has ended: before a relation that has may begin anew. publish_mutex
 * held, ctl_mutex not. 0 or -ENOMEM.
 */
int rpl_epoch_make_fresh(struct rpl_store *s, struct rpl_volume **vols, unsigned int nr,
			 struct rpl_why *why);

/*
 * Take the volume's view away, its slot is free. No write of it may come any more. publish_mutex
 * held. Cannot fail.
 */
void rpl_epoch_drop(struct rpl_store *s, struct rpl_volume *vol);

/*
 * Wait until all earlier views of a volume are drained. cmd_mutex held: none of a later point in
 * time comes. 0, or -ETIMEDOUT when *left jiffies are over; what is left of them stays there.
 */
int rpl_epoch_wait_drained(struct rpl_volume *vol, unsigned long *left);

/* The epoch object of a fresh store, and the end of a store's last one. */
int rpl_epoch_init(struct rpl_store *s);
void rpl_epoch_exit(struct rpl_store *s);

#endif /* RPL_EPOCH_H */

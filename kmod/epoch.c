// SPDX-License-Identifier: GPL-2.0-only
/*
 * Views and epochs: publication, kill, drain. Publications are made one at a time under
 * store->publish_mutex; drains run on store->io_wq. Called by commands (group.c, clone.c), by the
 * constructors of sources and by store.c.
 */
#define DM_MSG_PREFIX "replica"

#include <linux/ktime.h>
#include <linux/sched/mm.h>

#include "epoch.h"
#include "op.h"
#include "standstill.h"
#include "store.h"
#include "trace.h"

#define REFRESH_JIFFIES (HZ / 10)

/* One publication waits for all its refs to be in atomic mode: one grace period, not one each. */
struct rpl_switch {
	atomic_t left;
	struct completion done;
};

static void view_free_work(struct work_struct *work)
{
	struct rpl_view *v = container_of(to_rcu_work(work), struct rpl_view, free_work);
	unsigned int i;

	for (i = 0; i < v->nr_clones; i++)
		rpl_clone_put(v->clone[i]);
	rpl_arm_put(v->arm);
	rpl_bits_put(v->bits);
	if (v->group)
		rpl_group_put(v->group);
	percpu_ref_exit(&v->writes);
	rpl_volume_put(v->vol);
	kfree(v);
}

/* The longest that any write waited for the drain: ops have not started, so their waiters are. */
static void note_held(struct rpl_view *v, struct list_head *ops)
{
	struct rpl_op *op;
	u64 held_ns = 0;
	u32 writes = 0;

	list_for_each_entry(op, ops, wait_list)
		rpl_op_hold_end(op, &held_ns, &writes);
	trace_rpl_hold_end(v->vol->store->devt, v->vol->id, v->epoch, writes, held_ns);
	if (!writes)
		return;
	atomic64_add(writes, &v->vol->held_writes);
	rpl_max64(&v->vol->held_max_ns, held_ns);
	if (!v->group)
		return;
	atomic64_add(writes, &v->group->held_writes);
	rpl_max64(&v->group->held_max_ns, held_ns);
}

static void view_ready(struct rpl_view *v)
{
	struct rpl_op *op, *next;
	LIST_HEAD(ops);

	spin_lock_irq(&v->lock);
	WRITE_ONCE(v->ready, true);
	list_splice_init(&v->waiting, &ops);
	spin_unlock_irq(&v->lock);

	note_held(v, &ops);
	list_for_each_entry_safe(op, next, &ops, wait_list) {
		list_del_init(&op->wait_list);
		rpl_op_start(op);
	}
	complete_all(&v->drained);
}

/* This view and all before it are drained. */
static void view_drain_work(struct work_struct *work)
{
	struct rpl_view *v = container_of(work, struct rpl_view, drain_work);
	struct rpl_store *s = v->vol->store;

	if (v->next) {
		view_ready(v->next);
		rpl_view_put(v->next);
	}
	/* late readers of an old epoch object may still try to get it (F4e) */
	queue_rcu_work(s->io_wq, &v->free_work);
}

/* May run in hard irq context or an RCU callback (F4d). */
static void view_release(struct percpu_ref *ref)
{
	struct rpl_view *v = container_of(ref, struct rpl_view, writes);

	queue_work(v->vol->store->io_wq, &v->drain_work);
}

static void view_switched(struct percpu_ref *ref)
{
	struct rpl_view *v = container_of(ref, struct rpl_view, writes);

	if (atomic_dec_and_test(&v->sw->left))
		complete(&v->sw->done);
}

/* The newest snapshot is what first writes keep old content for. ctl_mutex held. */
static void view_name_past(struct rpl_view *v)
{
	struct rpl_volume *vol = v->vol;
	struct rpl_clone *c, *newest = NULL;

	list_for_each_entry(c, &vol->clones, vol_list)
		if (c->kind == RPL_KIND_SNAPSHOT && c->in_view &&
		    (!newest || c->point > newest->point))
			newest = c;
	if (!newest || WARN_ON_ONCE(!vol->arm || !vol->bits))
		return;
	v->arm = rpl_arm_get(vol->arm);
	v->bits = rpl_bits_get(vol->bits);
	v->newest = newest->point;
	v->kept_sectors = newest->nr_sectors;
	v->kept_chunks =
		min(vol->bits->nr, rpl_region_count(newest->nr_sectors, vol->store->chunk_shift));
}

/* ctl_mutex held. */
static int view_name_clones(struct rpl_view *v)
{
	struct rpl_clone *c;

	view_name_past(v);
	list_for_each_entry(c, &v->vol->clones, vol_list) {
		if (!c->in_view || c->kind != RPL_KIND_CLONE)
			continue;
		if (v->nr_clones == RPL_CLONES_MAX)
			return -ENOSPC;
		v->clone[v->nr_clones++] = rpl_clone_get(c);
	}
	return 0;
}

static struct rpl_view *view_new(struct rpl_volume *vol, struct rpl_group *group)
{
	struct rpl_view *v = kzalloc(sizeof(*v), GFP_KERNEL);

	if (!v)
		return NULL;
	/* reinit allowed: else the counters are freed at the switch and cannot come back (F4a) */
	if (percpu_ref_init(&v->writes, view_release, PERCPU_REF_ALLOW_REINIT, GFP_KERNEL)) {
		kfree(v);
		return NULL;
	}
	v->vol = rpl_volume_get(vol);
	if (group)
		v->group = rpl_group_get(group);
	spin_lock_init(&v->lock);
	INIT_LIST_HEAD(&v->waiting);
	init_completion(&v->drained);
	INIT_WORK(&v->drain_work, view_drain_work);
	INIT_RCU_WORK(&v->free_work, view_free_work);
	return v;
}

/* A view that was never published: nobody else has seen it. */
static void view_discard(struct rpl_view *v)
{
	if (v)
		view_free_work(&v->free_work.work);
}

/* publish_mutex held: nobody else replaces it. */
static struct rpl_epoch *epoch_cur(struct rpl_store *s)
{
	return rcu_dereference_protected(s->cur, lockdep_is_held(&s->publish_mutex));
}

static struct rpl_epoch *epoch_copy(struct rpl_store *s, u32 nr_views)
{
	struct rpl_epoch *old = epoch_cur(s);
	struct rpl_epoch *e;

	e = kvzalloc(struct_size(e, view, nr_views), GFP_KERNEL);
	if (!e)
		return NULL;
	e->nr_views = nr_views;
	if (old)
		memcpy(e->view, old->view, min(old->nr_views, nr_views) * sizeof(e->view[0]));
	return e;
}

/* A slot for a volume that has none: a free one, or a new one at the end. */
static u32 slot_find(struct rpl_epoch *e, u32 *nr_slots)
{
	u32 i;

	for (i = 0; i < *nr_slots; i++)
		if (!e->view[i])
			return i;
	return (*nr_slots)++;
}

/* All old views to atomic mode, so that zero is seen at once after the kill (F4b). */
static void switch_to_atomic(struct rpl_view **old, unsigned int nr)
{
	struct rpl_switch sw;
	unsigned int i;

	init_completion(&sw.done);
	atomic_set(&sw.left, 1);
	for (i = 0; i < nr; i++) {
		if (!old[i])
			continue;
		old[i]->sw = &sw;
		atomic_inc(&sw.left);
		percpu_ref_switch_to_atomic(&old[i]->writes, view_switched);
	}
	if (!atomic_dec_and_test(&sw.left))
		wait_for_completion(&sw.done);
}

/* The instant. old[i] is followed by new[i]; either may be NULL. */
static void epoch_switch(struct rpl_store *s, struct rpl_epoch *e, struct rpl_view **old,
			 struct rpl_view **new, unsigned int nr, struct rpl_group *group)
{
	struct rpl_epoch *was = epoch_cur(s);
	u64 begin_ns, end_ns;
	unsigned int i;

	e->nr = ++s->epoch;
	for (i = 0; i < nr; i++) {
		if (new[i])
			new[i]->epoch = e->nr;
		if (new[i] && old[i]) {
			/* dropped when old[i] is drained (R6) */
			percpu_ref_get(&new[i]->writes);
			old[i]->next = new[i];
			trace_rpl_hold_begin(s->devt, new[i]->vol->id, e->nr);
		} else if (new[i]) {
			new[i]->ready = true;
			complete_all(&new[i]->drained);
		}
	}
	if (group) {
		group->epoch = e->nr;
		group->time_ns = ktime_get_real_ns();
	}
	begin_ns = ktime_get_ns();
	rcu_assign_pointer(s->cur, e);
	/* publish, then kill, and only then believe in a drain (R2) */
	for (i = 0; i < nr; i++)
		if (old[i])
			percpu_ref_kill(&old[i]->writes);
	end_ns = ktime_get_ns();
	if (group)
		group->publish_ns = end_ns - begin_ns;
	if (was)
		kvfree_rcu(was, rcu);
}

int rpl_epoch_publish(struct rpl_store *s, struct rpl_volume **vols, unsigned int nr,
		      struct rpl_group *group)
{
	struct rpl_view **new, **old;
	struct rpl_epoch *e;
	u32 nr_slots = s->nr_slots;
	unsigned int i;
	int r = -ENOMEM;

	lockdep_assert_held(&s->publish_mutex);
	new = kvcalloc(nr, 2 * sizeof(*new), GFP_KERNEL);
	if (!new)
		return -ENOMEM;
	old = new + nr;
	e = epoch_copy(s, nr_slots + nr);
	if (!e)
		goto out_free;
	for (i = 0; i < nr; i++) {
		new[i] = view_new(vols[i], group);
		if (!new[i])
			goto out_discard;
	}
	mutex_lock(&s->ctl_mutex);
	for (i = 0, r = 0; i < nr && !r; i++)
		r = view_name_clones(new[i]);
	mutex_unlock(&s->ctl_mutex);
	if (r)
		goto out_discard;

	for (i = 0; i < nr; i++) {
		u32 slot = vols[i]->slot;

		if (slot == U32_MAX)
			slot = slot_find(e, &nr_slots);
		else
			old[i] = e->view[slot];
		e->view[slot] = new[i];
		WRITE_ONCE(vols[i]->slot, slot);
		vols[i]->stale = false;
	}
	e->nr_views = nr_slots;
	s->nr_slots = nr_slots;
	switch_to_atomic(old, nr);
	epoch_switch(s, e, old, new, nr, group);
	kvfree(new);
	return 0;

out_discard:
	for (i = 0; i < nr; i++)
		view_discard(new[i]);
	kvfree(e);
out_free:
	kvfree(new);
	return r;
}

void rpl_epoch_refresh(struct rpl_store *s, struct rpl_volume **vols, unsigned int nr)
{
	/* who writes memory out may wait for publish_mutex; and it is tried again */
	unsigned int flags = memalloc_noio_save(), i;
	int r = rpl_epoch_publish(s, vols, nr, NULL);

	memalloc_noio_restore(flags);
	if (!r)
		return;
	for (i = 0; i < nr; i++)
		vols[i]->stale = true;
	queue_delayed_work(s->bg_wq, &s->refresh_work, REFRESH_JIFFIES);
}

int rpl_epoch_make_fresh(struct rpl_store *s, struct rpl_volume **vols, unsigned int nr,
			 struct rpl_why *why)
{
	unsigned int i;
	int r = 0;

	lockdep_assert_held(&s->publish_mutex);
	for (i = 0; i < nr && !r; i++)
		if (vols[i]->stale)
			r = rpl_epoch_publish(s, &vols[i], 1, NULL);
	if (r)
		rpl_why(why, vols[i - 1]->id, "no memory for a view of source volume %u",
			vols[i - 1]->id);
	return r;
}

static struct rpl_volume *first_stale(struct rpl_store *s)
{
	struct rpl_volume *vol, *found = NULL;

	mutex_lock(&s->ctl_mutex);
	list_for_each_entry(vol, &s->volumes, list) {
		if (vol->stale) {
			found = vol;
			break;
		}
	}
	mutex_unlock(&s->ctl_mutex);
	return found;
}

void rpl_epoch_refresh_work(struct work_struct *work)
{
	struct rpl_store *s = container_of(to_delayed_work(work), struct rpl_store, refresh_work);
	/* a source that waits for publish_mutex may be what memory is to be written to */
	unsigned int flags = memalloc_noio_save();
	struct rpl_volume *vol;
	int r = 0;

	mutex_lock(&s->publish_mutex);
	/* none of them goes as long as we hold it */
	while (!r && (vol = first_stale(s)))
		r = rpl_epoch_publish(s, &vol, 1, NULL);
	mutex_unlock(&s->publish_mutex);
	if (r)
		queue_delayed_work(s->bg_wq, &s->refresh_work, REFRESH_JIFFIES);
	memalloc_noio_restore(flags);
}

void rpl_epoch_drop(struct rpl_store *s, struct rpl_volume *vol)
{
	struct rpl_epoch *e = epoch_cur(s);
	struct rpl_view *old;

	if (vol->slot == U32_MAX)
		return;
	/* in place: nobody but this volume's writes reads the slot, and there are none */
	old = e->view[vol->slot];
	WRITE_ONCE(e->view[vol->slot], NULL);
	WRITE_ONCE(vol->slot, U32_MAX);
	percpu_ref_kill(&old->writes);
}

int rpl_epoch_wait_drained(struct rpl_volume *vol, unsigned long *left)
{
	struct rpl_view *v;
	int r;

	lockdep_assert_held(&vol->store->cmd_mutex);
	mutex_lock(&vol->store->publish_mutex);
	v = epoch_cur(vol->store)->view[vol->slot];
	/* the loss of a snapshot may replace it meanwhile; its successors wait for what we do */
	percpu_ref_get(&v->writes);
	mutex_unlock(&vol->store->publish_mutex);
	r = rpl_wait_done(&v->drained, left) ? 0 : -ETIMEDOUT;
	rpl_view_put(v);
	return r;
}

int rpl_epoch_init(struct rpl_store *s)
{
	struct rpl_epoch *e = kvzalloc(sizeof(*e), GFP_KERNEL);

	if (!e)
		return -ENOMEM;
	RCU_INIT_POINTER(s->cur, e);
	return 0;
}

/* No volume has a view any more, no bio can come: store.c, last put. */
void rpl_epoch_exit(struct rpl_store *s)
{
	struct rpl_epoch *e = rcu_dereference_protected(s->cur, true);

	RCU_INIT_POINTER(s->cur, NULL);
	kvfree(e);
}

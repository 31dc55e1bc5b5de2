// SPDX-License-Identifier: GPL-2.0-only
/*
 * Creation of a group of clones and snapshots: one point in time over all sources. One command at a
 * time (cmd_mutex); lists and checks under ctl_mutex. Order: checks, bitmaps, publish, drain, flush
 * of the sources, commit, and only then the clones may be read (R3, R5, R9, R26). Whatever fails on
 * the way, the clones are prepared again, and the snapshots gone, as if nothing had been asked.
 */
#define DM_MSG_PREFIX "replica"

#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "clone.h"
#include "commit.h"
#include "control.h"
#include "copy.h"
#include "epoch.h"
#include "op.h"
#include "snap.h"
#include "store.h"
#include "trace.h"

/* A volume of it, and what it needs for its snapshot. */
struct creation_past {
	u64 nr_sectors; /* for all its relations the same, whatever grows meanwhile */
	bool wanted; /* it gets one */
	struct rpl_arm *arm; /* a fresh one, should it have none */
	struct rpl_bits *bits; /* of the new newest snapshot */
};

/* Everything that one creation needs; made before anything changes. */
struct creation {
	struct rpl_store *store;
	const struct rpl_group_spec *spec;
	struct rpl_group *group;
	u32 nr;
	struct rpl_clone **clones; /* with refs */
	struct rpl_volume **vols; /* each source once, with refs */
	u32 nr_vols;
	struct rpl_binding **devs; /* of vols, for the flush */
	struct creation_past *pasts; /* of vols */
};

/* ---- checks: ctl_mutex held ---- */

/* Do two places on devices overlap? */
static bool overlap(struct block_device *a, u64 a_start, u64 a_len, struct block_device *b,
		    u64 b_start, u64 b_len)
{
	return a->bd_dev == b->bd_dev && a_start < b_start + b_len && b_start < a_start + a_len;
}

/* The target must not be what another table of this store writes to. */
static int check_target_free(struct rpl_store *s, struct rpl_clone *c, struct rpl_binding *dev,
			     struct rpl_why *why)
{
	struct rpl_volume *vol;
	struct rpl_clone *other;
	int r = 0;

	list_for_each_entry(vol, &s->volumes, list) {
		spin_lock_irq(&vol->lock);
		if (vol->dev && overlap(dev->bdev, dev->start, dev->ti->len, vol->dev->bdev,
					vol->dev->start, vol->dev->ti->len))
			r = -EBUSY;
		spin_unlock_irq(&vol->lock);
		if (r) {
			rpl_why(why, c->id,
				"clone %u: its target device is in use as source volume %u", c->id,
				vol->id);
			return r;
		}
	}
	list_for_each_entry(other, &s->clones, list) {
		/* a snapshot's device writes to nothing */
		if (other == c || other->kind != RPL_KIND_CLONE)
			continue;
		spin_lock_irq(&other->lock);
		if (other->dev && overlap(dev->bdev, dev->start, dev->ti->len, other->dev->bdev,
					  other->dev->start, other->dev->ti->len))
			r = -EBUSY;
		spin_unlock_irq(&other->lock);
		if (r) {
			rpl_why(why, c->id, "clone %u: its target device is in use by clone %u",
				c->id, other->id);
			return r;
		}
	}
	return 0;
}

static int check_source(struct rpl_store *s, const struct rpl_member_spec *m, u64 *nr_sectors,
			struct rpl_why *why)
{
	struct rpl_volume *vol = rpl_store_volume_by_id(s, m->volume_id);
	struct rpl_clone *c;
	u32 armed = 0;
	bool bound;

	if (!vol) {
		rpl_why(why, m->volume_id, "source volume %u is not known to store %s",
			m->volume_id, s->name);
		return -ENOENT;
	}
	spin_lock_irq(&vol->lock);
	bound = vol->dev;
	*nr_sectors = vol->nr_sectors;
	spin_unlock_irq(&vol->lock);
	if (!bound) {
		rpl_why(why, m->volume_id, "source volume %u has no active replica-source device",
			m->volume_id);
		return -ENODEV;
	}
	if (vol->nr_moving) {
		rpl_why(why, vol->id, "volume %u: a table of another device is loaded", vol->id);
		return -EBUSY;
	}
	list_for_each_entry(c, &vol->clones, vol_list)
		armed += rpl_state_unfinished(READ_ONCE(c->state));
	if (m->kind == RPL_KIND_CLONE && armed >= RPL_CLONES_MAX) {
		rpl_why(why, m->volume_id, "source volume %u has %u unfinished clones already",
			m->volume_id, armed);
		return -EBUSY;
	}
	return 0;
}

static int check_clone(struct rpl_store *s, const struct rpl_member_spec *m, struct rpl_clone **out,
		       struct rpl_why *why)
{
	struct rpl_clone *c = rpl_store_clone_by_id(s, m->clone_id);
	struct rpl_volume *as_source = rpl_store_volume_by_id(s, m->clone_id);
	enum rpl_state state;

	if (!c) {
		rpl_why(why, m->clone_id, "clone %u has no replica-clone device in store %s",
			m->clone_id, s->name);
		return -ENOENT;
	}
	state = READ_ONCE(c->state);
	if (state != RPL_STATE_PREPARED || c->kind != RPL_KIND_CLONE) {
		rpl_why(why, c->id, "%s %u is %s already", rpl_kind_name(c->kind), c->id,
			rpl_state_name(state));
		return -EEXIST;
	}
	if (c->vol->id != m->volume_id) {
		rpl_why(why, c->id, "clone %u: its device is made for source volume %u, not %u",
			c->id, c->vol->id, m->volume_id);
		return -EINVAL;
	}
	if (as_source && READ_ONCE(as_source->dev)) {
		rpl_why(why, c->id, "clone %u: volume %u is active as a source", c->id, c->id);
		return -EBUSY;
	}
	if (m->max_bytes_s && m->min_bytes_s > m->max_bytes_s) {
		rpl_why(why, c->id, "clone %u: the least rate is above the greatest", c->id);
		return -EINVAL;
	}
	*out = c;
	return 0;
}

/* Its table against its source. */
static int check_devices(struct rpl_store *s, struct rpl_clone *c, u64 nr_sectors,
			 struct rpl_why *why)
{
	struct rpl_binding *dev;
	u64 target_sectors = 0;
	bool same = false;
	int r;

	spin_lock_irq(&c->lock);
	dev = rpl_binding_use(c->dev);
	spin_unlock_irq(&c->lock);
	if (!dev) {
		rpl_why(why, c->id, "clone %u: its device is not active", c->id);
		return -ENODEV;
	}
	target_sectors = dev->ti->len;
	same = dev->src_bdev->bd_dev == c->vol->lower_devt && dev->src_start == c->vol->lower_start;
	r = -EINVAL;
	if (!same)
		rpl_why(why, c->id,
			"clone %u: its table names another device below source volume %u", c->id,
			c->vol->id);
	else if (target_sectors < nr_sectors)
		rpl_why(why, c->id,
			"clone %u: target is smaller than source volume %u (%llu < %llu sectors)",
			c->id, c->vol->id, target_sectors, nr_sectors);
	else
		r = check_target_free(s, c, dev, why);
	rpl_binding_put(dev);
	return r;
}

static int check_duplicates(const struct rpl_group_spec *spec, u32 i, struct rpl_why *why)
{
	const struct rpl_member_spec *m = &spec->member[i];
	u32 k, most, same_source = 0;

	for (k = 0; k < spec->nr; k++) {
		const struct rpl_member_spec *o = &spec->member[k];

		same_source += o->volume_id == m->volume_id && o->kind == m->kind;
		if (k < i && o->clone_id == m->clone_id) {
			rpl_why(why, m->clone_id, "%s %u is listed twice", rpl_kind_name(m->kind),
				m->clone_id);
			return -EINVAL;
		}
		if (k < i && !memcmp(o->uuid, m->uuid, RPL_UUID_LEN)) {
			rpl_why(why, m->clone_id, "%ss %u and %u have the same uuid",
				rpl_kind_name(m->kind), o->clone_id, m->clone_id);
			return -EINVAL;
		}
		if (o->clone_id == m->volume_id) {
			rpl_why(why, m->volume_id,
				"volume %u is a source and a target of the group", m->volume_id);
			return -EINVAL;
		}
	}
	most = m->kind == RPL_KIND_CLONE ? RPL_CLONES_MAX : 1;
	if (same_source > most) {
		rpl_why(why, m->volume_id,
			"source volume %u is listed %u times for a %s, at most %u is possible",
			m->volume_id, same_source, rpl_kind_name(m->kind), most);
		return -EINVAL;
	}
	return 0;
}

static int check_member(struct rpl_store *s, const struct rpl_group_spec *spec, u32 i,
			struct rpl_why *why)
{
	const struct rpl_member_spec *m = &spec->member[i];
	bool snapshot = m->kind == RPL_KIND_SNAPSHOT;
	struct rpl_clone *c, *other;
	u64 nr_sectors;
	int r;

	r = check_duplicates(spec, i, why);
	if (!r && m->read_only && !snapshot) {
		rpl_why(why, m->clone_id, "clone %u: only a snapshot can be read-only",
			m->clone_id);
		r = -EINVAL;
	}
	if (!r)
		r = snapshot ? rpl_snap_check(s, m, why) : check_clone(s, m, &c, why);
	if (!r)
		r = check_source(s, m, &nr_sectors, why);
	if (!r && !snapshot)
		r = check_devices(s, c, nr_sectors, why);
	if (r)
		return r;
	list_for_each_entry(other, &s->clones, list) {
		if (rpl_state_related(READ_ONCE(other->state)) &&
		    !memcmp(other->uuid, m->uuid, RPL_UUID_LEN)) {
			rpl_why(why, m->clone_id, "%s %u: its uuid is that of %s %u",
				rpl_kind_name(m->kind), m->clone_id, rpl_kind_name(other->kind),
				other->id);
			return -EEXIST;
		}
	}
	return 0;
}

static int check_locked(struct rpl_store *s, const struct rpl_group_spec *spec, struct rpl_why *why)
{
	u32 i;
	int r = 0;

	if (READ_ONCE(s->mode) != RPL_STORE_MODE_OPEN) {
		rpl_why(why, 0, "store %s is %s", s->name, rpl_store_mode_name(READ_ONCE(s->mode)));
		return -EIO;
	}
	if (!spec->nr || spec->nr > RPL_MEMBERS_MAX) {
		rpl_why(why, 0, "a group has 1 to %u members, not %u", RPL_MEMBERS_MAX, spec->nr);
		return -EINVAL;
	}
	if (rpl_store_group_by_uuid(s, spec->uuid)) {
		rpl_why(why, 0, "store %s has a group with this uuid already", s->name);
		return -EEXIST;
	}
	for (i = 0; i < spec->nr && !r; i++)
		r = check_member(s, spec, i, why);
	return r;
}

int rpl_group_check(struct rpl_store *s, const struct rpl_group_spec *spec, struct rpl_why *why)
{
	int r;

	mutex_lock(&s->ctl_mutex);
	r = check_locked(s, spec, why);
	mutex_unlock(&s->ctl_mutex);
	return r;
}

/* ---- creation ---- */

static void creation_free(struct creation *cr)
{
	u32 i;

	mutex_lock(&cr->store->ctl_mutex);
	for (i = 0; i < cr->nr_vols; i++)
		cr->vols[i]->in_creation = false;
	mutex_unlock(&cr->store->ctl_mutex);
	for (i = 0; cr->clones && i < cr->nr; i++)
		if (cr->clones[i])
			rpl_clone_put(cr->clones[i]);
	for (i = 0; i < cr->nr_vols; i++) {
		rpl_arm_put(cr->pasts[i].arm);
		rpl_bits_put(cr->pasts[i].bits);
		rpl_volume_put(cr->vols[i]);
	}
	kvfree(cr->pasts);
	if (cr->group)
		rpl_group_put(cr->group);
	kvfree(cr->clones);
	kvfree(cr->vols);
	kvfree(cr->devs);
}

/* The clone of a member, or a new snapshot. ctl_mutex held, checked. */
static struct rpl_clone *creation_member(struct creation *cr, const struct rpl_member_spec *m)
{
	if (m->kind == RPL_KIND_SNAPSHOT)
		return rpl_snap_new(cr->store, m->clone_id,
				    rpl_store_volume_by_id(cr->store, m->volume_id));
	return rpl_store_clone_by_id(cr->store, m->clone_id);
}

/* The place of a volume among those of it, or where it goes. */
static u32 creation_place(const struct creation *cr, const struct rpl_volume *vol)
{
	u32 k = 0;

	while (k < cr->nr_vols && cr->vols[k] != vol)
		k++;
	return k;
}

/* The objects by their numbers; each volume once. ctl_mutex held, checked. 0 or -ENOMEM. */
static int creation_find(struct creation *cr, struct rpl_why *why)
{
	u32 i, k;

	for (i = 0; i < cr->nr; i++) {
		struct rpl_clone *c = creation_member(cr, &cr->spec->member[i]);

		if (!c) {
			rpl_why(why, 0, "not enough memory for a group of %u members", cr->nr);
			return -ENOMEM;
		}
		cr->clones[i] = rpl_clone_get(c);
		k = creation_place(cr, c->vol);
		if (k == cr->nr_vols) {
			cr->vols[cr->nr_vols++] = rpl_volume_get(c->vol);
			c->vol->in_creation = true;
			cr->pasts[k].nr_sectors = READ_ONCE(c->vol->nr_sectors);
		}
		cr->pasts[k].wanted |= c->kind == RPL_KIND_SNAPSHOT;
	}
	return 0;
}

/* Snapshots of an attempt that has failed: no view names them. */
static void creation_unlink_snapshots(struct creation *cr)
{
	u32 i;

	for (i = 0; i < cr->nr; i++)
		if (cr->clones[i] && cr->clones[i]->kind == RPL_KIND_SNAPSHOT)
			rpl_clone_unlink(cr->clones[i]);
}

static int creation_prepare(struct creation *cr, struct rpl_why *why)
{
	int r;

	cr->clones = kvcalloc(cr->nr, sizeof(*cr->clones), GFP_KERNEL);
	cr->vols = kvcalloc(cr->nr, sizeof(*cr->vols), GFP_KERNEL);
	cr->devs = kvcalloc(cr->nr, sizeof(*cr->devs), GFP_KERNEL);
	cr->pasts = kvcalloc(cr->nr, sizeof(*cr->pasts), GFP_KERNEL);
	cr->group = rpl_group_new(cr->store, cr->spec->uuid);
	if (!cr->clones || !cr->vols || !cr->devs || !cr->pasts || !cr->group) {
		rpl_why(why, 0, "not enough memory for a group of %u members", cr->nr);
		return -ENOMEM;
	}
	mutex_lock(&cr->store->ctl_mutex);
	r = check_locked(cr->store, cr->spec, why) ?: creation_find(cr, why);
	mutex_unlock(&cr->store->ctl_mutex);
	return r;
}

/* What the volumes' new snapshots need. */
static int creation_size_pasts(struct creation *cr, struct rpl_why *why)
{
	struct rpl_store *s = cr->store;
	u32 i;

	for (i = 0; i < cr->nr_vols; i++) {
		struct rpl_volume *vol = cr->vols[i];
		struct creation_past *p = &cr->pasts[i];

		if (!p->wanted)
			continue;
		p->arm = rpl_arm_new(vol);
		p->bits = rpl_bits_new(rpl_region_count(p->nr_sectors, s->chunk_shift));
		if (!p->arm || !p->bits) {
			rpl_why(why, vol->id, "source volume %u: not enough memory for a bitmap",
				vol->id);
			return -ENOMEM;
		}
	}
	return 0;
}

/* Bitmaps of the length of the point in time. An earlier attempt's must have no reader left. */
static int creation_size(struct creation *cr, struct rpl_why *why)
{
	u32 i;
	int r;

	for (i = 0; i < cr->nr; i++) {
		struct rpl_clone *c = cr->clones[i];
		u64 nr_sectors = cr->pasts[creation_place(cr, c->vol)].nr_sectors;
		unsigned long left = HZ;

		if (c->kind == RPL_KIND_SNAPSHOT) {
			c->nr_sectors = nr_sectors;
			continue;
		}
		if (!rpl_clone_fits(c, nr_sectors)) {
			rpl_why(why, c->id, "clone %u: source volume %u has just become larger",
				c->id, c->vol->id);
			return -EINVAL;
		}
		if (c->copied && rpl_epoch_wait_drained(c->vol, &left)) {
			rpl_why(why, c->vol->id,
				"source volume %u: writes of long ago have not ended", c->vol->id);
			return -EBUSY;
		}
		r = rpl_clone_set_size(c, nr_sectors);
		if (r) {
			rpl_why(why, c->id, "clone %u: not enough memory for its bitmaps", c->id);
			return r;
		}
	}
	return creation_size_pasts(cr, why);
}

/*
 * From the instant of the publication on, first writes are kept for the new snapshots: bits of
 * their own, and an arm if the volume has none. publish_mutex held.
 */
static int creation_arm_pasts(struct creation *cr, struct rpl_why *why)
{
	u32 i;
	int r = 0;

	mutex_lock(&cr->store->ctl_mutex);
	for (i = 0; i < cr->nr_vols && !r; i++) {
		struct rpl_volume *vol = cr->vols[i];

		if (cr->pasts[i].wanted && vol->arm && !rpl_arm_alive(vol->arm)) {
			rpl_why(why, vol->id,
				"source volume %u: the loss of its snapshots is being recorded",
				vol->id);
			r = -EBUSY;
		}
	}
	for (i = 0; i < cr->nr_vols && !r; i++) {
		struct rpl_volume *vol = cr->vols[i];
		struct creation_past *p = &cr->pasts[i];

		if (!p->wanted)
			continue;
		swap(vol->bits, p->bits);
		if (!vol->arm)
			swap(vol->arm, p->arm);
		WRITE_ONCE(vol->arm->newest, cr->store->epoch + 1);
	}
	mutex_unlock(&cr->store->ctl_mutex);
	return r;
}

static void creation_arm_snapshot(struct creation *cr, struct rpl_clone *c,
				  const struct rpl_member_spec *m)
{
	c->arm = rpl_arm_get(c->vol->arm);
	c->in_view = true;
	c->read_only = m->read_only;
	memcpy(c->uuid, m->uuid, RPL_UUID_LEN);
	c->point = cr->store->epoch + 1;
}

/* From the instant of the publication on, source writes preserve. publish_mutex held. */
static void creation_arm(struct creation *cr)
{
	u32 i;

	for (i = 0; i < cr->nr; i++) {
		const struct rpl_member_spec *m = &cr->spec->member[i];
		struct rpl_clone *c = cr->clones[i];

		if (c->kind == RPL_KIND_SNAPSHOT) {
			creation_arm_snapshot(cr, c, m);
			continue;
		}
		c->in_view = true;
		spin_lock_irq(&c->lock);
		memcpy(c->uuid, m->uuid, RPL_UUID_LEN);
		/* what set_rate gave the prepared clone stands if the request says nothing */
		if (m->min_bytes_s || m->max_bytes_s) {
			c->min_bytes_s = m->min_bytes_s;
			c->max_bytes_s = m->max_bytes_s;
		}
		c->error = 0;
		c->reason[0] = 0;
		c->settling = false;
		c->announced = false;
		c->point = cr->store->epoch + 1; /* that of the publication */
		WRITE_ONCE(c->failing, false);
		WRITE_ONCE(c->preserving, true);
		spin_unlock_irq(&c->lock);
	}
}

/* Volumes that have no snapshot again: their writes keep nothing any more. */
static void creation_disarm_pasts(struct creation *cr)
{
	u32 i;

	for (i = 0; i < cr->nr_vols; i++) {
		struct rpl_arm *arm = cr->pasts[i].arm;

		/* it was never published, or its place has another's */
		cr->pasts[i].arm = cr->pasts[i].wanted ? rpl_volume_disarm(cr->vols[i]) : NULL;
		rpl_arm_put(arm);
	}
}

/* Back to prepared. Bits and ops of this attempt are of a generation that no longer counts. */
static void creation_roll_back(struct creation *cr)
{
	u32 i;

	/* a commit that failed may be on disk nevertheless: the store must say that it failed */
	if (READ_ONCE(cr->store->mode) == RPL_STORE_MODE_FAILED)
		rpl_commit_wait_failed(cr->store);
	for (i = 0; i < cr->nr; i++)
		if (cr->clones[i]->kind == RPL_KIND_CLONE)
			rpl_clone_release_writes(cr->clones[i]);
	for (i = 0; i < cr->nr; i++) {
		struct rpl_clone *c = cr->clones[i];

		spin_lock_irq(&c->lock);
		WRITE_ONCE(c->state, RPL_STATE_PREPARED);
		memset(c->uuid, 0, RPL_UUID_LEN);
		c->error = 0;
		c->reason[0] = 0;
		c->gen++;
		spin_unlock_irq(&c->lock);
	}
	mutex_lock(&cr->store->publish_mutex);
	for (i = 0; i < cr->nr; i++)
		cr->clones[i]->in_view = false;
	creation_disarm_pasts(cr);
	rpl_epoch_refresh(cr->store, cr->vols, cr->nr_vols);
	mutex_unlock(&cr->store->publish_mutex);
	for (i = 0; i < cr->nr_vols; i++)
		if (cr->pasts[i].arm)
			rpl_arm_release_writes(cr->pasts[i].arm);
	creation_unlink_snapshots(cr);
	rpl_scan_kick(cr->store);
}

static int creation_publish(struct creation *cr, struct rpl_why *why)
{
	int r;

	mutex_lock(&cr->store->publish_mutex);
	/* a view that names one of the clones already would preserve for it before the instant */
	r = rpl_epoch_make_fresh(cr->store, cr->vols, cr->nr_vols, why);
	if (!r)
		r = creation_arm_pasts(cr, why);
	if (!r) {
		creation_arm(cr);
		r = rpl_epoch_publish(cr->store, cr->vols, cr->nr_vols, cr->group);
		if (r)
			rpl_why(why, 0, "the group's point in time could not be published (%d)", r);
	}
	mutex_unlock(&cr->store->publish_mutex);
	return r;
}

/* Every write of before the instant has ended (R2, R6). */
static int creation_drain(struct creation *cr, u64 begin_ns, struct rpl_why *why)
{
	unsigned long left = msecs_to_jiffies(rpl_flush_timeout_ms);
	u32 i;

	for (i = 0; i < cr->nr_vols; i++) {
		if (rpl_epoch_wait_drained(cr->vols[i], &left)) {
			rpl_why(why, cr->vols[i]->id,
				"source volume %u: its writes in flight did not end in %u ms",
				cr->vols[i]->id, rpl_flush_timeout_ms);
			return -ETIMEDOUT;
		}
	}
	cr->group->drain_ns = ktime_get_ns() - begin_ns;
	return 0;
}

/* What those writes wrote must survive with the record that says it is there (R26). */
static int creation_flush(struct creation *cr, struct rpl_why *why)
{
	unsigned int failed;
	u32 i;
	int r;

	for (i = 0; i < cr->nr_vols; i++) {
		struct rpl_volume *vol = cr->vols[i];

		spin_lock_irq(&vol->lock);
		cr->devs[i] = rpl_binding_use(vol->dev);
		spin_unlock_irq(&vol->lock);
		if (!cr->devs[i]) {
			while (i--)
				rpl_binding_put(cr->devs[i]);
			rpl_why(why, vol->id, "source volume %u: its device is gone", vol->id);
			return -ENODEV;
		}
	}
	r = rpl_flush(cr->devs, cr->nr_vols, rpl_flush_timeout_ms, &failed);
	if (r)
		rpl_why(why, cr->vols[failed]->id,
			"source volume %u could not be flushed (error %d)", cr->vols[failed]->id,
			r);
	return r;
}

static bool member_alive(struct rpl_clone *c)
{
	if (c->kind == RPL_KIND_SNAPSHOT)
		return rpl_arm_keeps(c->arm, c->point) && !READ_ONCE(c->failing);
	return rpl_clone_alive(c);
}

/* Has one of them failed meanwhile? Then the group has. */
static int creation_alive(struct creation *cr, struct rpl_why *why)
{
	u32 i;
	int r = 0;

	for (i = 0; i < cr->nr && !r; i++) {
		struct rpl_clone *c = cr->clones[i];

		if (c->kind == RPL_KIND_SNAPSHOT) {
			if (member_alive(c))
				continue;
			rpl_why(why, c->id, "snapshot %u: %s", c->id, c->arm->reason);
			return -(c->arm->error ?: EIO);
		}
		spin_lock_irq(&c->lock);
		if (!rpl_clone_alive(c)) {
			rpl_why(why, c->id, "clone %u: %s", c->id, c->reason);
			r = -(c->error ?: EIO);
		}
		spin_unlock_irq(&c->lock);
	}
	return r;
}

static void creation_link(struct creation *cr)
{
	struct rpl_store *s = cr->store;
	u32 i;

	mutex_lock(&s->ctl_mutex);
	list_add_tail(&rpl_group_get(cr->group)->list, &s->groups);
	s->nr_groups++;
	for (i = 0; i < cr->nr; i++) {
		struct rpl_clone *c = cr->clones[i];

		c->group = rpl_group_get(cr->group);
		list_add_tail(&c->group_list, &cr->group->clones);
		cr->group->nr_clones++;
		spin_lock_irq(&c->lock);
		if (member_alive(c)) {
			enum rpl_state to = c->kind == RPL_KIND_SNAPSHOT ? RPL_STATE_SYNCHRONIZED
									 : RPL_STATE_COPYING;

			trace_rpl_clone_state(s->devt, c->id, c->state, to);
			WRITE_ONCE(c->state, to);
		}
		spin_unlock_irq(&c->lock);
	}
	mutex_unlock(&s->ctl_mutex);
}

static void creation_unlink(struct creation *cr)
{
	struct rpl_store *s = cr->store;
	u32 i;

	mutex_lock(&s->ctl_mutex);
	for (i = 0; i < cr->nr; i++) {
		struct rpl_clone *c = cr->clones[i];

		list_del_init(&c->group_list);
		cr->group->nr_clones--;
		c->group = NULL;
		rpl_group_put(cr->group);
	}
	list_del_init(&cr->group->list);
	s->nr_groups--;
	rpl_group_put(cr->group);
	mutex_unlock(&s->ctl_mutex);
}

static int creation_commit(struct creation *cr, struct rpl_why *why)
{
	int r;

	/* no checkpoint may see what is not complete */
	mutex_lock(&cr->store->persist_mutex);
	creation_link(cr);
	r = creation_alive(cr, why);
	if (!r) {
		r = rpl_store_commit_locked(cr->store);
		if (r)
			rpl_why(why, 0, "the group could not be recorded in the store (error %d)",
				r);
	}
	if (r)
		creation_unlink(cr);
	mutex_unlock(&cr->store->persist_mutex);
	return r;
}

/* The point in time is acknowledged: read, write, copy (R9). */
static void creation_open(struct creation *cr)
{
	u32 i;

	for (i = 0; i < cr->nr; i++) {
		struct rpl_clone *c = cr->clones[i];

		spin_lock_irq(&c->lock);
		WRITE_ONCE(c->readable, true);
		spin_unlock_irq(&c->lock);
		rpl_event_clone(c, RPL_EVENT_CREATED);
		if (c->kind == RPL_KIND_SNAPSHOT)
			continue;
		/* a tiny volume may be complete by now: its settling was left to us */
		rpl_clone_recheck(c);
		rpl_copier_update(c);
	}
	rpl_event_group(cr->group, RPL_EVENT_CREATED);
}

static int create(struct creation *cr, struct rpl_why *why)
{
	u64 begin_ns;
	int r;

	r = creation_prepare(cr, why) ?: creation_size(cr, why);
	if (r) {
		if (cr->clones)
			creation_unlink_snapshots(cr);
		return r;
	}
	r = creation_publish(cr, why);
	begin_ns = ktime_get_ns();
	r = r ?: creation_drain(cr, begin_ns, why) ?: creation_flush(cr, why) ?:
	    creation_commit(cr, why);
	if (r)
		creation_roll_back(cr);
	else
		creation_open(cr);
	return r;
}

int rpl_group_create(struct rpl_store *s, const struct rpl_group_spec *spec, struct rpl_why *why)
{
	struct creation cr = { .store = s, .spec = spec, .nr = spec->nr };
	/* writes of the sources wait for the commit's end at worst: no reclaim through them */
	unsigned int flags = memalloc_noio_save();
	int r;

	mutex_lock(&s->cmd_mutex);
	r = create(&cr, why);
	creation_free(&cr);
	mutex_unlock(&s->cmd_mutex);
	memalloc_noio_restore(flags);
	return r;
}

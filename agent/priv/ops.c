// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ops.c - volumes, targets and stores: what root does for smisd, one operation per call.
 *
 * Each operation looks at LVM and device-mapper afresh, checks, and may be repeated: what is done
 * already is left alone. The tag rpl.src on a target's logical volume says whose clone it is; it is
 * set before the table is swapped and removed after it is swapped back, so that activation after a
 * reboot knows which table to load.
 */
#include "priv/op.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "kernel/client.h"

#define BLANK_BYTES (1u << 20) /* both superblocks of a store are in here */
#define OPEN_TRIES  20
#define OPEN_PAUSE  50000000 /* ns */

/* ---- answers */

int answer_fail(struct answer *a, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(a->reason, sizeof(a->reason), fmt, ap);
	va_end(ap);
	a->error = error;
	return error;
}

void answer_reply(const struct answer *a, struct backend_reply *out)
{
	*out = (struct backend_reply) {
		.error = a->error,
		.reason = a->reason,
		.size_bytes = a->size_bytes,
		.password_ok = a->password_ok,
		.role_read = a->role_read,
		.role_write = a->role_write,
		.pools = a->pools.v,
		.nr_pools = a->pools.n,
		.volumes = a->volumes.v,
		.nr_volumes = a->volumes.n,
		.groups = a->groups.v,
		.nr_groups = a->groups.n,
	};
}

void answer_done(struct answer *a)
{
	vec_done(&a->pools);
	vec_done(&a->volumes);
	vec_done(&a->groups);
}

static int reload(struct op *o)
{
	lvm_view_done(&o->view);
	return pass(o, lvm_view_load(&o->view, o->cfg, o->why));
}

static int need(struct op *o, const char *uuid, struct lvm_volume **out)
{
	*out = lvm_find(&o->view, uuid);
	return *out ? 0
		    : answer_fail(o->a, -ENOENT, "volume %s: its logical volume is not there",
				  uuid);
}

/* ---- devices and tables */

static int store_dev(struct op *o, size_t pool, struct dm_state *out)
{
	const struct lvm_pool *p = &o->view.pools[pool];
	struct dm_device d = dm_store(p->store_uuid);
	int ret = pass(o, dm_look(&d, out, o->why));

	if (!ret && !out->exists)
		ret = answer_fail(o->a, -ENODEV, "pool %s: its store is not active", p->pub.name);
	return ret;
}

static int source_table(struct op *o, const struct lvm_volume *lv, char out[DM_TABLE_LEN])
{
	struct dm_state store;
	int ret = store_dev(o, lv->pool, &store);

	if (!ret)
		snprintf(out, DM_TABLE_LEN, "%u:%u %u %u:%u 0", store.major, store.minor,
			 lv->pub.id, lv->major, lv->minor);
	return ret;
}

static int clone_table(struct op *o, const struct lvm_volume *t, const struct lvm_volume *s,
		       char out[DM_TABLE_LEN])
{
	struct dm_state store;
	int ret = store_dev(o, t->pool, &store);

	if (!ret)
		snprintf(out, DM_TABLE_LEN, "%u:%u %u %u:%u 0 %u %u:%u 0", store.major, store.minor,
			 t->pub.id, t->major, t->minor, s->pub.id, s->major, s->minor);
	return ret;
}

/* Makes the device, or swaps its table if it is another one. */
static int put_device(struct op *o, const struct lvm_volume *lv, const char *target,
		      const char *params)
{
	struct dm_device d = dm_volume(lv->pub.uuid, !strcmp(target, "replica-clone"));
	uint64_t sectors = lv->pub.size_bytes / SECTOR;
	struct dm_numbers have;
	struct dm_state st;
	int ret = pass(o, dm_look(&d, &st, o->why));

	if (ret)
		return ret;
	if (!st.exists)
		return pass(o, dm_make(&d, target, sectors, params, o->why));
	if (op_in_use(&st)) {
		ret = op_device(o, lv->pub.uuid, &have);
		if (!ret && have.is_snapshot)
			ret = answer_fail(o->a, -EEXIST, "volume %s is a snapshot", lv->pub.uuid);
	}
	if (ret)
		return ret;
	if (!strcmp(st.target, target) && st.sectors == sectors && !st.suspended)
		return 0;
	return pass(o, dm_swap(&d, target, sectors, params, o->why));
}

static int put_source(struct op *o, const struct lvm_volume *lv)
{
	char params[DM_TABLE_LEN];
	int ret = source_table(o, lv, params);

	return ret ? ret : put_device(o, lv, "replica-source", params);
}

static int put_clone(struct op *o, const struct lvm_volume *t, const struct lvm_volume *s)
{
	char params[DM_TABLE_LEN];
	int ret = clone_table(o, t, s, params);

	return ret ? ret : put_device(o, t, "replica-clone", params);
}

int op_must_be_closed(struct op *o, const char *uuid)
{
	struct dm_device d = dm_volume(uuid, false);
	struct dm_state st;

	for (int i = 0; i < OPEN_TRIES; i++) {
		int ret = pass(o, dm_look(&d, &st, o->why));

		if (ret || st.open_count <= 0)
			return ret;
		nanosleep(&(struct timespec) { .tv_nsec = OPEN_PAUSE }, NULL);
	}
	return answer_fail(o->a, -EBUSY,
			   "volume %s is in use: mounted, opened or part of another device", uuid);
}

/* ---- stores and activation */

/* No superblock of a store that was here before may be found by the kernel. */
static int blank(struct op *o, const struct lvm_pool *p)
{
	static const char zero[BLANK_BYTES];
	dev_t dev = makedev(p->store_major, p->store_minor);
	const char *node = "/run/smisd/.store";
	CLEANUP_CLOSE int fd = -1;
	int ret = 0;

	unlink(node);
	if (mknod(node, S_IFBLK | 0600, dev))
		return answer_fail(o->a, -errno, "%s: %s", node, strerror(errno));
	fd = open(node, O_WRONLY | O_EXCL | O_CLOEXEC);
	unlink(node);
	if (fd < 0 || write(fd, zero, sizeof(zero)) != (ssize_t)sizeof(zero) || fsync(fd))
		ret = answer_fail(o->a, errno ? -errno : -EIO,
				  "pool %s: the store cannot be emptied: %s", p->pub.name,
				  strerror(errno));
	return ret;
}

/* Made, emptied, and only then marked as a store: what a crash left unmarked is emptied again. */
static int ensure_store_volume(struct op *o, size_t pool)
{
	struct lvm_pool *p = &o->view.pools[pool];
	struct dm_state lv;
	uuid_t u;
	int ret = 0;

	if (p->has_store && *p->store_uuid)
		return 0;
	if (!p->has_store)
		ret = pass(o, lvm_create_store(p, o->cfg->store.size_bytes, o->why));
	else if (!p->store_active)
		ret = pass(o, lvm_activate(&o->view, pool, o->why));
	if (!ret)
		ret = pass(o, dm_look_lv(p->vg, LVM_STORE_NAME, &lv, o->why));
	if (!ret && !lv.exists)
		ret = answer_fail(o->a, -ENODEV,
				  "pool %s: the store's logical volume is not active", p->pub.name);
	if (ret)
		return ret;
	p->has_store = p->store_active = true;
	p->store_major = lv.major;
	p->store_minor = lv.minor;
	p->store_bytes = lv.sectors * SECTOR;
	ret = blank(o, p);
	if (ret)
		return ret;
	uuid_generate_random(u);
	uuid_unparse_lower(u, p->store_uuid);
	ret = pass(o, lvm_tag_store(p, p->store_uuid, o->why));
	if (!ret)
		lvm_keep_hints(&o->view);
	return ret;
}

static int ensure_store_device(struct op *o, size_t pool)
{
	const struct lvm_pool *p = &o->view.pools[pool];
	struct dm_device d = dm_store(p->store_uuid);
	bool distrust = distrust_wanted(p->store_uuid);
	char params[DM_TABLE_LEN];
	struct dm_state st;
	int ret = pass(o, dm_look(&d, &st, o->why));

	if (!ret && st.exists)
		distrust_settle(o, p->store_uuid);
	if (ret || st.exists)
		return ret;
	if (!p->store_active)
		return answer_fail(o->a, -ENODEV,
				   "pool %s: the store's logical volume is not active",
				   p->pub.name);
	if (distrust)
		log_warn("pool %s: its store had failed: what was unfinished in it fails",
			 p->pub.name);
	snprintf(params, sizeof(params), "%u:%u %u %d format%s max_volumes %u", p->store_major,
		 p->store_minor, o->cfg->store.chunk_kib * 2, 3 + distrust,
		 distrust ? " distrust" : "", o->cfg->store.max_volumes);
	ret = pass(o, dm_make(&d, "replica-store", p->store_bytes / SECTOR, params, o->why));
	if (!ret && distrust)
		distrust_settle(o, p->store_uuid);
	return ret;
}

static bool all_active(const struct lvm_view *v, size_t pool)
{
	for (size_t i = 0; i < v->nr_volumes; i++)
		if (v->volumes[i].pool == pool && !v->volumes[i].active)
			return false;
	return v->pools[pool].store_active;
}

/*
 * Store, clones, sources: a source must not take a write before the clones that it owes data to
 * are there. What is owed to snapshots goes to the store, so their devices come last. One volume
 * that cannot be activated does not keep the others from it.
 */
static int activate_pool(struct op *o, size_t pool)
{
	int ret = ensure_store_volume(o, pool), failed = 0;
	const struct lvm_volume *v, *s;

	if (!ret && !all_active(&o->view, pool)) {
		/* what stayed inactive is seen below, volume by volume */
		if (lvm_activate(&o->view, pool, o->why))
			log_err("pool %s: %s", o->view.pools[pool].pub.name, o->why);
		ret = reload(o);
	}
	if (!ret)
		ret = ensure_store_device(o, pool);
	for (int clones = 1; clones >= 0 && !ret; clones--)
		for (size_t i = 0; i < o->view.nr_volumes; i++) {
			v = &o->view.volumes[i];
			s = lvm_find(&o->view, v->pub.clone_of);
			if (v->pool != pool || (*v->pub.clone_of && s) != clones)
				continue;
			if (v->active && !(clones ? put_clone(o, v, s) : put_source(o, v)))
				continue;
			failed++;
			log_err("volume %s cannot be activated: %s", v->pub.uuid,
				v->active ? o->a->reason : "its logical volume is not active");
		}
	if (!ret)
		ret = snapshots_open(o, pool);
	if (failed)
		log_err("pool %s: %d volumes are not active", o->view.pools[pool].pub.name, failed);
	if (!ret) {
		o->a->error = 0;
		*o->a->reason = '\0';
	}
	return ret;
}

/* A pool that cannot be activated does not keep the others from it; an error when none can. */
static int do_activate(struct op *o)
{
	size_t nr = o->view.nr_pools, good = 0;
	int ret = nr ? 0 : answer_fail(o->a, -ENODEV, "none of the configured pools is there");

	for (size_t i = 0; i < nr; i++) {
		int one = activate_pool(o, i);

		if (one)
			log_err("a pool is not active: %s", o->a->reason);
		else
			good++;
		ret = one ? one : ret;
	}
	if (!good)
		return ret;
	o->a->error = 0;
	*o->a->reason = '\0';
	return 0;
}

/* ---- volumes */

static int do_inventory(struct op *o)
{
	for (size_t i = 0; i < o->view.nr_pools; i++)
		vec_push(&o->a->pools, o->view.pools[i].pub);
	for (size_t i = 0; i < o->view.nr_volumes; i++) {
		struct backend_volume v = o->view.volumes[i].pub;
		struct dm_device d = dm_volume(v.uuid, false);
		struct dm_state st;
		int ret = pass(o, dm_look(&d, &st, o->why));

		if (ret)
			return ret;
		v.has_device = st.exists;
		v.is_open = st.exists && st.open_count > 0;
		vec_push(&o->a->volumes, v);
	}
	for (size_t i = 0; i < o->view.nr_pools; i++) {
		int ret = snapshots_list(o, i);

		if (ret)
			return ret;
	}
	return 0;
}

static int make_volume(struct op *o, size_t pool, struct lvm_volume **out)
{
	const struct backend_request *r = o->req;
	const struct lvm_pool *p = &o->view.pools[pool];
	struct dm_device d = dm_volume(r->uuid, false);
	char name[64];
	struct dm_state st;
	int ret = pass(o, dm_look(&d, &st, o->why));

	if (!ret && op_in_use(&st))
		ret = answer_fail(o->a, -EEXIST, "there is a device RPL-%s already", r->uuid);
	if (ret)
		return ret;
	for (size_t i = 0; i < o->view.nr_volumes; i++)
		if (o->view.volumes[i].pub.id == r->id)
			return answer_fail(o->a, -EEXIST, "volume id %u is taken by %s", r->id,
					   o->view.volumes[i].pub.uuid);
	ret = pass(o, lvm_create(p->vg, r->uuid, r->id, r->size_bytes, r->other, o->why));
	snprintf(name, sizeof(name), "rpl-%s", r->uuid);
	if (!ret)
		ret = pass(o, dm_look_lv(p->vg, name, &st, o->why));
	if (!ret && !st.exists)
		ret = answer_fail(o->a, -EIO, "volume %s was made, but is not active", r->uuid);
	if (ret)
		return ret;
	*out = lvm_add(&o->view, pool, r->uuid, r->id, st.sectors * SECTOR, st.major, st.minor);
	memcpy((*out)->pub.clone_of, r->other, sizeof((*out)->pub.clone_of));
	return 0;
}

/* The table of a volume that was just made: its own, or that of the clone that it is for. */
static int put_new(struct op *o, const struct dm_state *store, const struct dm_state *lower)
{
	const struct backend_request *r = o->req;
	struct dm_device d = dm_volume(r->uuid, *r->other);
	char params[DM_TABLE_LEN];
	struct dm_numbers s;
	int ret;

	if (!*r->other) {
		snprintf(params, sizeof(params), "%u:%u %u %u:%u 0", store->major, store->minor,
			 r->id, lower->major, lower->minor);
		return pass(o, dm_make(&d, "replica-source", lower->sectors, params, o->why));
	}
	ret = op_device(o, r->other, &s);
	if (!ret && (s.is_clone || s.is_snapshot || s.store_major != store->major ||
		     s.store_minor != store->minor || s.sectors > lower->sectors))
		ret = answer_fail(o->a, -EINVAL, "volumes %s and %s cannot be a pair", r->other,
				  r->uuid);
	if (ret)
		return ret;
	snprintf(params, sizeof(params), "%u:%u %u %u:%u 0 %u %u:%u 0", store->major, store->minor,
		 r->id, lower->major, lower->minor, s.id, s.lower_major, s.lower_minor);
	return pass(o, dm_make(&d, "replica-clone", lower->sectors, params, o->why));
}

/*
 * The usual case with one start of lvm: pool and store are known, nothing is there yet. False:
 * it is not that case, or something is wrong: the long way finds out what.
 */
static bool create_quickly(struct op *o)
{
	const struct backend_request *r = o->req;
	struct dm_device d = dm_volume(r->uuid, false), sd;
	char vg[128], store_uuid[ENGINE_UUID_LEN], lv[64];
	struct dm_state there, store, lower;
	struct dm_numbers source;
	bool taken;

	snprintf(lv, sizeof(lv), "rpl-%s", r->uuid);
	if (*r->other && (op_device(o, r->other, &source) || source.is_clone ||
			  source.is_snapshot || source.sectors * SECTOR > r->size_bytes))
		return false;
	if (!lvm_hint(r->pool, vg, store_uuid) || !op_vg_is_ours(o, vg) ||
	    dm_look(&d, &there, o->why) || there.exists || dm_look_lv(vg, lv, &lower, o->why) ||
	    lower.exists || dm_id_taken(r->id, &taken, o->why) || taken)
		return false;
	sd = dm_store(store_uuid);
	if (dm_look(&sd, &store, o->why) || !store.exists ||
	    lvm_create(vg, r->uuid, r->id, r->size_bytes, r->other, o->why) ||
	    dm_look_lv(vg, lv, &lower, o->why) || !lower.exists || put_new(o, &store, &lower) ||
	    dm_link(r->uuid, r->name, o->why))
		return false;
	o->a->size_bytes = lower.sectors * SECTOR;
	return true;
}

/* Checks before anything is made that the source can be one of the volume to be made. */
static int source_of_new(struct op *o, size_t pool)
{
	struct lvm_volume *s;
	int ret = need(o, o->req->other, &s);

	if (!ret && (s->pool != pool || *s->pub.clone_of || s->pub.size_bytes > o->req->size_bytes))
		ret = answer_fail(o->a, -EINVAL, "volumes %s and %s cannot be a pair", s->pub.uuid,
				  o->req->uuid);
	return ret;
}

static int finish_create(struct op *o, struct lvm_volume *lv)
{
	const struct lvm_volume *s = lvm_find(&o->view, o->req->other);
	int ret = 0;

	if (s)
		ret = pass(o, lvm_tag_source(&o->view, lv, o->req->other, o->why));
	if (!ret)
		ret = s ? put_clone(o, lv, s) : put_source(o, lv);
	if (!ret)
		ret = pass(o, dm_link(lv->pub.uuid, o->req->name, o->why));
	if (!ret)
		o->a->size_bytes = lv->pub.size_bytes;
	return ret;
}

static int do_volume_create(struct op *o)
{
	struct lvm_volume *lv;
	size_t pool = 0;
	int ret;

	if (create_quickly(o))
		return 0;
	o->a->error = 0;
	*o->a->reason = '\0';
	ret = reload(o);
	if (ret)
		return ret;
	lv = lvm_find(&o->view, o->req->uuid);
	while (pool < o->view.nr_pools && strcmp(o->view.pools[pool].pub.uuid, o->req->pool))
		pool++;
	if (pool == o->view.nr_pools)
		return answer_fail(o->a, -ENOENT, "there is no pool %s", o->req->pool);
	if (*o->req->other)
		ret = source_of_new(o, pool);
	if (!ret && !lv)
		ret = make_volume(o, pool, &lv);
	if (!ret && lv->pub.id != o->req->id)
		ret = answer_fail(o->a, -EEXIST, "volume %s has the id %u", lv->pub.uuid,
				  lv->pub.id);
	if (!ret && !lv->active) {
		ret = pass(o, lvm_activate(&o->view, pool, o->why));
		ret = ret ? ret : reload(o);
		ret = ret ? ret : need(o, o->req->uuid, &lv);
	}
	return ret ? ret : finish_create(o, lv);
}

static int not_a_source(struct op *o, const struct lvm_volume *lv)
{
	for (size_t i = 0; i < o->view.nr_volumes; i++)
		if (!strcmp(o->view.volumes[i].pub.clone_of, lv->pub.uuid))
			return answer_fail(o->a, -EBUSY, "volume %s is the source of volume %s",
					   lv->pub.uuid, o->view.volumes[i].pub.uuid);
	return 0;
}

/* Its logical volume is not listed any more: what is left above it goes too. */
static int delete_left(struct op *o)
{
	struct dm_device d = dm_volume(o->req->uuid, false);
	struct dm_numbers n;
	struct dm_state st;
	int ret = pass(o, dm_look(&d, &st, o->why));

	if (!ret && op_in_use(&st)) {
		ret = op_device(o, o->req->uuid, &n);
		if (!ret && n.is_snapshot)
			ret = answer_fail(o->a, -EINVAL, "volume %s is a snapshot", o->req->uuid);
	}
	if (!ret && st.exists)
		ret = pass(o, dm_unmake(&d, o->why));
	if (!ret)
		dm_unlink(o->req->uuid);
	return ret;
}

static int do_volume_delete(struct op *o)
{
	struct lvm_volume *lv = lvm_find(&o->view, o->req->uuid);
	struct dm_device d = dm_volume(o->req->uuid, false);
	int ret;

	if (!lv)
		return delete_left(o);
	if (*lv->pub.clone_of)
		return answer_fail(o->a, -EBUSY, "volume %s is the target of a relation",
				   lv->pub.uuid);
	ret = not_a_source(o, lv);
	if (!ret)
		ret = snapshots_none(o, lv);
	if (!ret)
		ret = op_must_be_closed(o, lv->pub.uuid);
	if (!ret)
		ret = pass(o, dm_unmake(&d, o->why));
	if (!ret)
		ret = pass(o, lvm_remove(&o->view, lv, o->why));
	if (!ret)
		dm_unlink(lv->pub.uuid);
	return ret;
}

static int do_volume_grow(struct op *o)
{
	struct lvm_volume *lv;
	int ret = need(o, o->req->uuid, &lv);

	if (!ret && *lv->pub.clone_of)
		ret = answer_fail(o->a, -EBUSY, "volume %s is the target of a relation",
				  lv->pub.uuid);
	if (!ret)
		ret = not_a_source(o, lv);
	if (!ret && lv->pub.size_bytes < o->req->size_bytes) {
		ret = pass(o, lvm_extend(&o->view, lv, o->req->size_bytes, o->why));
		ret = ret ? ret : reload(o);
		ret = ret ? ret : need(o, o->req->uuid, &lv);
	}
	if (!ret)
		ret = put_source(o, lv);
	if (!ret)
		o->a->size_bytes = lv->pub.size_bytes;
	return ret;
}

static int do_volume_link(struct op *o)
{
	struct dm_numbers n;
	int ret = op_device(o, o->req->uuid, &n);

	return ret ? ret : pass(o, dm_link(o->req->uuid, o->req->name, o->why));
}

/* ---- targets */

static int do_clone_prepare(struct op *o)
{
	struct lvm_volume *t, *s;
	int ret = need(o, o->req->uuid, &t);

	if (!ret)
		ret = need(o, o->req->other, &s);
	if (ret)
		return ret;
	if (t == s || t->pool != s->pool)
		return answer_fail(o->a, -EINVAL, "volumes %s and %s cannot be a pair", s->pub.uuid,
				   t->pub.uuid);
	if (t->pub.size_bytes < s->pub.size_bytes)
		return answer_fail(o->a, -EINVAL,
				   "target %s is smaller than source %s (%" PRIu64 " < %" PRIu64
				   " bytes)",
				   t->pub.uuid, s->pub.uuid, t->pub.size_bytes, s->pub.size_bytes);
	if (*s->pub.clone_of)
		return answer_fail(o->a, -EBUSY, "source %s is a target itself", s->pub.uuid);
	if (*t->pub.clone_of && strcmp(t->pub.clone_of, s->pub.uuid))
		return answer_fail(o->a, -EBUSY, "target %s is prepared for source %s", t->pub.uuid,
				   t->pub.clone_of);
	ret = not_a_source(o, t);
	if (!ret)
		ret = snapshots_none(o, t);
	if (!ret)
		ret = op_must_be_closed(o, t->pub.uuid);
	if (!ret)
		ret = pass(o, lvm_tag_source(&o->view, t, s->pub.uuid, o->why));
	return ret ? ret : put_clone(o, t, s);
}

int op_store_number(struct op *o, size_t pool, uint32_t *dev)
{
	struct dm_state st;
	int ret = store_dev(o, pool, &st);

	if (!ret)
		*dev = rpl_dev(st.major, st.minor);
	return ret;
}

static int do_clone_release(struct op *o)
{
	struct lvm_volume *t;
	uint32_t dev;
	int ret = need(o, o->req->uuid, &t);

	if (!ret)
		ret = op_store_number(o, t->pool, &dev);
	if (!ret)
		ret = kernel_has_relation(dev, t->pub.id, o->a);
	if (ret > 0)
		ret = answer_fail(o->a, -EBUSY, "volume %s is in a relation", t->pub.uuid);
	if (!ret)
		ret = put_source(o, t);
	return ret ? ret : pass(o, lvm_tag_source(&o->view, t, NULL, o->why));
}

/* ---- the kernel's commands */

/* The pair as the devices' tables have it; no lvm is needed for it. */
static int pair_numbers(struct op *o, const struct backend_pair *p, struct dm_numbers *t)
{
	struct dm_numbers s;
	int ret = op_device(o, p->source, &s);

	if (!ret && !*p->target) {
		*t = s;
		t->id = p->snapshot_id;
		t->source_id = s.id;
		return s.is_clone || s.is_snapshot
			       ? answer_fail(o->a, -EINVAL, "volume %s is no source", p->source)
			       : 0;
	}
	if (!ret)
		ret = op_device(o, p->target, t);
	if (!ret && (!t->is_clone || s.is_clone || s.is_snapshot || t->source_id != s.id ||
		     t->store_major != s.store_major || t->store_minor != s.store_minor))
		ret = answer_fail(o->a, -EINVAL, "target %s is not prepared for source %s",
				  p->target, p->source);
	return ret;
}

static int do_group_create(struct op *o)
{
	const struct backend_request *r = o->req;
	struct group_member *m = xcalloc(r->nr_pairs, sizeof(*m));
	struct dm_numbers t = { 0 };
	uint32_t dev = 0;
	int ret = 0;

	for (size_t i = 0; i < r->nr_pairs && !ret; i++) {
		ret = pair_numbers(o, &r->pairs[i], &t);
		if (!ret && i && dev != rpl_dev(t.store_major, t.store_minor))
			ret = answer_fail(o->a, -EINVAL, "volume %s has another store",
					  r->pairs[i].source);
		dev = rpl_dev(t.store_major, t.store_minor);
		m[i].target_id = t.id;
		m[i].source_id = t.source_id;
		m[i].is_snapshot = !*r->pairs[i].target;
		m[i].read_only = r->pairs[i].read_only;
		memcpy(m[i].relation, r->pairs[i].relation, sizeof(m[i].relation));
	}
	if (!ret)
		ret = kernel_group_create(dev, r->uuid, m, r->nr_pairs, o->a);
	for (size_t i = 0; i < r->nr_pairs && !ret; i++)
		if (m[i].is_snapshot)
			ret = snapshot_open_new(o, &r->pairs[i]);
	free(m);
	return ret;
}

static int do_relation_modify(struct op *o)
{
	struct dm_numbers t;
	int ret = op_device(o, o->req->uuid, &t);

	/* an ordinary volume is the end of no relation: detached before */
	if (o->req->verb == BACKEND_DETACH && (ret == -ENODEV || (!ret && !t.is_clone))) {
		o->a->error = 0;
		*o->a->reason = '\0';
		return 0;
	}
	if (!ret && !t.is_clone)
		ret = answer_fail(o->a, -ENOENT, "volume %s is in no relation", o->req->uuid);
	return ret ? ret
		   : kernel_relation_modify(rpl_dev(t.store_major, t.store_minor), t.id,
					    o->req->other, o->req->verb, o->req->force, o->a);
}

static bool needs_lvm(enum backend_op op)
{
	return op != BACKEND_GROUP_CREATE && op != BACKEND_RELATION_MODIFY &&
	       op != BACKEND_VOLUME_LINK && op != BACKEND_VOLUME_CREATE &&
	       op != BACKEND_SNAPSHOT_DELETE && op != BACKEND_STORE_DISTRUST;
}

static int (*const table[BACKEND_NR_OPS])(struct op *) = {
	[BACKEND_ACTIVATE] = do_activate,
	[BACKEND_INVENTORY] = do_inventory,
	[BACKEND_VOLUME_CREATE] = do_volume_create,
	[BACKEND_VOLUME_DELETE] = do_volume_delete,
	[BACKEND_VOLUME_GROW] = do_volume_grow,
	[BACKEND_VOLUME_LINK] = do_volume_link,
	[BACKEND_CLONE_PREPARE] = do_clone_prepare,
	[BACKEND_CLONE_RELEASE] = do_clone_release,
	[BACKEND_GROUP_CREATE] = do_group_create,
	[BACKEND_RELATION_MODIFY] = do_relation_modify,
	[BACKEND_SNAPSHOT_DELETE] = snapshot_delete,
	[BACKEND_STORE_DISTRUST] = distrust_note,
};

void ops_run(const struct smisd_config *cfg, const struct backend_request *req, struct answer *a)
{
	struct op o = { .cfg = cfg, .req = req, .a = a };

	if (!table[req->op]) {
		answer_fail(a, -EOPNOTSUPP, "smisd-priv does not do %s", backend_op_name(req->op));
		return;
	}
	dm_setup();
	if (!needs_lvm(req->op) || !reload(&o))
		a->error = table[req->op](&o);
	lvm_view_done(&o.view);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * snapshots.c - devices of snapshots: a table over the store and the source's logical volume, under
 * the snapshot's uuid, which the kernel keeps, like whether it was made read-only: then its device
 * is. All snapshots of our volumes get one, whoever made them.
 */
#include "priv/op.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kernel/client.h"

static int open_one(struct op *o, const char *uuid, const struct dm_numbers *n, bool read_only)
{
	struct dm_device d = dm_snapshot(uuid, read_only);
	char params[DM_TABLE_LEN];
	struct dm_state st;
	struct dm_numbers have;
	int ret = pass(o, dm_look(&d, &st, o->why));

	if (!ret && op_in_use(&st)) {
		ret = op_device(o, uuid, &have);
		if (!ret && !have.is_snapshot)
			ret = answer_fail(o->a, -EEXIST, "volume %s is no snapshot", uuid);
	}
	if (ret || st.exists)
		return ret;
	snprintf(params, sizeof(params), "%u:%u %u %u %u:%u 0", n->store_major, n->store_minor,
		 n->id, n->source_id, n->lower_major, n->lower_minor);
	return pass(o, dm_make(&d, "replica-snap", n->sectors, params, o->why));
}

static const struct lvm_volume *source_of(const struct op *o, size_t pool,
					  const struct kernel_snapshot *s)
{
	for (size_t i = 0; i < o->view.nr_volumes; i++)
		if (o->view.volumes[i].pool == pool && o->view.volumes[i].pub.id == s->source_id)
			return &o->view.volumes[i];
	return NULL;
}

/* Those of the pool's store; a store that is not active has none that could be seen. */
static int of_pool(struct op *o, size_t pool, struct kernel_snapshots *all)
{
	struct dm_device d = dm_store(o->view.pools[pool].store_uuid);
	struct dm_state st;
	int ret;

	memset(all, 0, sizeof(*all));
	if (!*o->view.pools[pool].store_uuid)
		return 0;
	ret = pass(o, dm_look(&d, &st, o->why));
	if (ret || !st.exists)
		return ret;
	return kernel_snapshots(rpl_dev(st.major, st.minor), all, o->a);
}

int snapshots_open(struct op *o, size_t pool)
{
	struct kernel_snapshots all;
	int ret = of_pool(o, pool, &all);

	for (size_t i = 0; i < all.n && !ret; i++) {
		const struct kernel_snapshot *s = &all.v[i];
		const struct lvm_volume *lv = source_of(o, pool, s);
		struct dm_numbers n = { .store_major = rpl_dev_major(s->dev),
					.store_minor = rpl_dev_minor(s->dev),
					.id = s->id,
					.source_id = s->source_id,
					.sectors = s->size_bytes / SECTOR };

		if (!lv || !lv->active) {
			log_err("snapshot %s: its source volume %u is not active", s->uuid,
				s->source_id);
			continue;
		}
		n.lower_major = lv->major;
		n.lower_minor = lv->minor;
		if (open_one(o, s->uuid, &n, s->read_only))
			log_err("snapshot %s has no device: %s", s->uuid, o->a->reason);
	}
	free(all.v);
	return ret;
}

int snapshot_open_new(struct op *o, const struct backend_pair *p)
{
	struct dm_numbers n;
	int ret = op_device(o, p->source, &n);

	n.source_id = n.id;
	n.id = p->snapshot_id;
	return ret ? ret : open_one(o, p->relation, &n, p->read_only);
}

int snapshots_list(struct op *o, size_t pool)
{
	struct kernel_snapshots all;
	int ret = of_pool(o, pool, &all);

	for (size_t i = 0; i < all.n && !ret; i++) {
		const struct kernel_snapshot *s = &all.v[i];
		const struct lvm_volume *lv = source_of(o, pool, s);
		struct backend_volume v = { .id = s->id, .size_bytes = s->size_bytes };
		struct dm_device d = dm_snapshot(s->uuid, s->read_only);
		struct dm_state st;

		ret = lv ? pass(o, dm_look(&d, &st, o->why)) : 0;
		if (ret || !lv)
			continue;
		memcpy(v.uuid, s->uuid, sizeof(v.uuid));
		memcpy(v.snapshot_of, lv->pub.uuid, sizeof(v.snapshot_of));
		memcpy(v.pool, o->view.pools[pool].pub.uuid, sizeof(v.pool));
		v.has_device = st.exists;
		v.is_open = st.exists && st.open_count > 0;
		vec_push(&o->a->volumes, v);
	}
	free(all.v);
	return ret;
}

int snapshots_none(struct op *o, const struct lvm_volume *lv)
{
	struct kernel_snapshots all = { 0 };
	unsigned int nr = 0;
	uint32_t dev;
	int ret = op_store_number(o, lv->pool, &dev);

	if (!ret)
		ret = kernel_snapshots(dev, &all, o->a);
	for (size_t i = 0; i < all.n && !ret; i++)
		nr += all.v[i].source_id == lv->pub.id;
	free(all.v);
	if (nr)
		ret = answer_fail(o->a, -EBUSY, "volume %s has snapshots (%u)", lv->pub.uuid, nr);
	return ret;
}

/* The kernel's part. What is gone is gone: asked again after a lost answer this is a success. */
static int forget(struct op *o)
{
	struct kernel_snapshots all = { 0 };
	int ret = kernel_snapshots(0, &all, o->a);

	for (size_t i = 0; i < all.n && !ret; i++)
		if (!strcmp(all.v[i].uuid, o->req->uuid) && op_store_is_ours(o, all.v[i].dev))
			ret = kernel_snapshot_delete(all.v[i].dev, all.v[i].id, o->a);
	free(all.v);
	return ret;
}

int snapshot_delete(struct op *o)
{
	struct dm_device d = dm_volume(o->req->uuid, true);
	struct dm_numbers n;
	struct dm_state st;
	int ret = pass(o, dm_look(&d, &st, o->why));

	if (ret)
		return ret;
	if (!st.exists) {
		dm_unlink(o->req->uuid);
		return forget(o);
	}
	ret = op_device(o, o->req->uuid, &n);
	if (!ret && !n.is_snapshot)
		ret = answer_fail(o->a, -EINVAL, "volume %s is no snapshot", o->req->uuid);
	if (!ret)
		ret = op_must_be_closed(o, o->req->uuid);
	if (!ret)
		ret = pass(o, dm_unmake(&d, o->why));
	if (ret)
		return ret;
	ret = forget(o);
	if (!ret) {
		dm_unlink(o->req->uuid);
	} else {
		struct answer why = *o->a;

		/* it stays, so it is to be reached as before */
		if (open_one(o, o->req->uuid, &n, st.is_read_only))
			log_err("snapshot %s has no device: %s", o->req->uuid, o->a->reason);
		*o->a = why;
	}
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies by kcopyd, and flushes. Called by op.c (map(), works), group.c, clone.c and
 * clone-target.c. The callback of a copy runs in kcopyd's thread and must not wait.
 */
#define DM_MSG_PREFIX "replica"

#include <linux/slab.h>

#include "copy.h"
#include "op.h"
#include "space.h"
#include "standstill.h"

int rpl_copy_init(struct rpl_store *s)
{
	s->kc_cow = dm_kcopyd_client_create(NULL);
	if (IS_ERR(s->kc_cow))
		return PTR_ERR(s->kc_cow);
	s->kc_bg = dm_kcopyd_client_create(NULL);
	if (IS_ERR(s->kc_bg)) {
		dm_kcopyd_client_destroy(s->kc_cow);
		return PTR_ERR(s->kc_bg);
	}
	return 0;
}

void rpl_copy_exit(struct rpl_store *s)
{
	dm_kcopyd_client_destroy(s->kc_bg);
	dm_kcopyd_client_destroy(s->kc_cow);
}

static void copied(int read_err, unsigned long write_err, void *context)
{
	/* write_err: bit i is destination i, all of them if the job was not even started (F25) */
	rpl_op_copied(context, read_err, write_err);
}

static void to_store(struct rpl_op *op, u32 loc, sector_t count, struct dm_io_region *to)
{
	struct rpl_store *s = op->vol->store;

	to->bdev = s->bdev;
	to->sector = s->space->start + ((sector_t)(loc - 1) << s->chunk_shift);
	to->count = count;
}

/* Chunk op->at - 1 of the run alone, to the store alone. */
static void copy_one_chunk(struct rpl_op *op)
{
	struct rpl_store *s = op->vol->store;
	u32 nr = op->at - 1;
	sector_t from_start = (sector_t)nr << s->chunk_shift;
	sector_t count = min_t(sector_t, s->chunk_sectors, op->sectors - from_start);
	struct dm_io_region from, to;

	from.bdev = op->src_bdev;
	from.sector = op->src_start + (op->run.first << s->chunk_shift) + from_start;
	from.count = count;
	to_store(op, op->loc + nr, count, &to);
	dm_kcopyd_copy(s->kc_cow, &from, 1, &to, BIT(DM_KCOPYD_IGNORE_ERROR), copied, op);
}

/* What a snapshot has, to a chunk of its own. */
static void copy_up(struct rpl_op *op)
{
	struct rpl_store *s = op->vol->store;
	struct dm_io_region from, to;

	if (!rpl_copy_up_begin(op))
		return;
	if (op->from == RPL_LOC_NONE) {
		from.bdev = op->src_bdev;
		from.sector = op->src_start + (op->run.first << s->chunk_shift);
		from.count = op->sectors;
	} else {
		to_store(op, op->from, op->sectors, &from);
	}
	to_store(op, op->loc, op->sectors, &to);
	dm_kcopyd_copy(s->kc_cow, &from, 1, &to, 0, copied, op);
}

void rpl_copy(struct rpl_op *op)
{
	struct rpl_store *s = op->vol->store;
	sector_t sector = op->run.first << s->chunk_shift;
	struct dm_io_region from, to[RPL_CLONES_MAX + 1];
	unsigned int i;

	if (op->snap) {
		copy_up(op);
		return;
	}
	if (op->at) {
		copy_one_chunk(op);
		return;
	}

	from.bdev = op->src_bdev;
	from.sector = op->src_start + sector;
	from.count = op->sectors;
	for (i = 0; i < op->nr_dests; i++) {
		to[i].bdev = op->dest_dev[i]->bdev;
		to[i].sector = op->dest_dev[i]->start + sector;
		to[i].count = op->sectors;
	}
	if (op->arm)
		to_store(op, op->loc, op->sectors, &to[i++]);
	/* without IGNORE_ERROR one destination's error would leave the others half written */
	dm_kcopyd_copy(op->kind == RPL_OP_COPY ? s->kc_bg : s->kc_cow, &from, i, to,
		       BIT(DM_KCOPYD_IGNORE_ERROR), copied, op);
}

/* ---- flushes ---- */

struct flush_one {
	struct flush_set *set;
	struct rpl_binding *dev;
	int error; /* -EINPROGRESS until it has ended */
	struct bio bio;
};

/* All flushes of one call. Freed by the caller or, if that gave up, by the last flush to end. */
struct flush_set {
	struct kref kref;
	atomic_t left;
	struct completion done;
	struct flush_one *one;
	struct flush_one only; /* if there is one */
};

static void flush_set_free(struct kref *kref)
{
	struct flush_set *set = container_of(kref, struct flush_set, kref);

	if (set->one != &set->only)
		kvfree(set->one);
	kfree(set);
}

static void flush_ended(struct bio *bio)
{
	struct flush_one *one = bio->bi_private;
	struct flush_set *set = one->set;

	WRITE_ONCE(one->error, blk_status_to_errno(bio->bi_status));
	bio_uninit(bio);
	rpl_binding_put(one->dev);
	if (atomic_dec_and_test(&set->left))
		complete(&set->done);
	kref_put(&set->kref, flush_set_free);
}

static void flush_submit(struct flush_set *set, unsigned int i, struct rpl_binding *dev)
{
	struct flush_one *one = &set->one[i];

	kref_get(&set->kref);
	atomic_inc(&set->left);
	one->set = set;
	one->dev = dev;
	one->error = -EINPROGRESS;
	bio_init(&one->bio, dev->bdev, NULL, 0, REQ_OP_WRITE | REQ_PREFLUSH);
	one->bio.bi_private = one;
	one->bio.bi_end_io = flush_ended;
	submit_bio(&one->bio);
}

int rpl_flush(struct rpl_binding **devs, unsigned int nr, unsigned int timeout_ms,
	      unsigned int *failed)
{
	unsigned long left = msecs_to_jiffies(timeout_ms);
	struct flush_set *set;
	unsigned int i;
	int r = 0;

	*failed = 0;
	/* a clone that is complete must not fail for want of this */
	set = kzalloc(sizeof(*set), nr == 1 ? GFP_NOIO | __GFP_NOFAIL : GFP_NOIO);
	if (set)
		set->one = nr == 1 ? &set->only : kvcalloc(nr, sizeof(*set->one), GFP_NOIO);
	if (!set || !set->one) {
		for (i = 0; i < nr; i++)
			rpl_binding_put(devs[i]);
		kfree(set);
		return -ENOMEM;
	}
	kref_init(&set->kref);
	atomic_set(&set->left, 1);
	init_completion(&set->done);
	for (i = 0; i < nr; i++)
		flush_submit(set, i, devs[i]);
	if (!atomic_dec_and_test(&set->left))
		rpl_wait_done(&set->done, &left);
	for (i = 0; i < nr && !r; i++) {
		r = READ_ONCE(set->one[i].error);
		*failed = i;
	}
	kref_put(&set->kref, flush_set_free);
	return r == -EINPROGRESS ? -ETIMEDOUT : r;
}

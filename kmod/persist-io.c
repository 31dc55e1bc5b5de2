// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks of a store's metadata, to and from its device. Callers as persist.h says; GFP_NOIO, as the
 * device may be below something that waits for us.
 */
#include <linux/bitmap.h>
#include <linux/blkdev.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include "persist.h"

static void io_end(struct bio *bio)
{
	struct rpl_io_wait *wait = bio->bi_private;

	if (bio->bi_status)
		WRITE_ONCE(wait->error, blk_status_to_errno(bio->bi_status));
	bio_put(bio);
	if (atomic_dec_and_test(&wait->left))
		complete(&wait->done);
}

void rpl_pio_begin(struct rpl_io_wait *wait)
{
	atomic_set(&wait->left, 1);
	wait->error = 0;
	init_completion(&wait->done);
}

int rpl_pio_finish(struct rpl_io_wait *wait)
{
	if (!atomic_dec_and_test(&wait->left))
		wait_for_completion_io(&wait->done);
	return wait->error;
}

void rpl_pio_start(struct rpl_persist *p, struct rpl_io_wait *wait, blk_opf_t opf, u64 offset,
		   void *data, unsigned int bytes)
{
	unsigned int nr = DIV_ROUND_UP(bytes, PAGE_SIZE);
	/* SYNC and IDLE: writeback throttling must not take it for background writeback (F26). */
	struct bio *bio = bio_alloc(p->bdev, nr, opf | REQ_SYNC | REQ_IDLE | REQ_META, GFP_NOIO);

	bio->bi_iter.bi_sector = p->start + (offset >> SECTOR_SHIFT);
	bio->bi_private = wait;
	bio->bi_end_io = io_end;
	while (bytes) {
		unsigned int part = min_t(unsigned int, bytes, PAGE_SIZE - offset_in_page(data));

		/* There is a vec for each page, so it takes all of it. */
		__bio_add_page(bio, virt_to_page(data), part, offset_in_page(data));
		data += part;
		bytes -= part;
	}
	atomic_inc(&wait->left);
	submit_bio(bio);
}

int rpl_pio(struct rpl_persist *p, blk_opf_t opf, u64 offset, void *data, unsigned int bytes)
{
	struct rpl_io_wait wait;

	rpl_pio_begin(&wait);
	rpl_pio_start(p, &wait, opf, offset, data, bytes);
	return rpl_pio_finish(&wait);
}

int rpl_persist_write_sb(struct rpl_persist *p, struct rpl_sb *sb)
{
	unsigned int copy = 1 - p->copy;
	int r;

	sb->write_time_s = ktime_get_real_seconds();
	rpl_sb_encode(p->block, sb, copy);
	r = rpl_pio(p, REQ_OP_WRITE | REQ_PREFLUSH | REQ_FUA, copy ? RPL_SB_B_OFFSET : 0, p->block,
		    RPL_BLOCK_BYTES);
	if (r)
		return r;
	p->sb = *sb;
	p->copy = copy;
	return 0;
}

int rpl_persist_write_failed(struct rpl_persist *p)
{
	struct rpl_sb sb = p->sb;
	unsigned int i;
	int r[RPL_SB_COPIES];

	sb.flags |= RPL_SB_FAILED;
	sb.write_time_s = ktime_get_real_seconds();
	/* the present one last, so that one of them is whole at any time */
	for (i = 0; i < RPL_SB_COPIES; i++) {
		unsigned int copy = i ? p->copy : 1 - p->copy;

		rpl_sb_encode(p->block, &sb, copy);
		r[i] = rpl_pio(p, REQ_OP_WRITE | REQ_PREFLUSH | REQ_FUA, copy ? RPL_SB_B_OFFSET : 0,
			       p->block, RPL_BLOCK_BYTES);
	}
	p->sb = sb;
	/* the other place may hold a newer one whose write seemed to fail: it must be gone */
	return r[0];
}

void rpl_persist_free(struct rpl_persist *p)
{
	u32 i;

	if (!p)
		return;
	for (i = 0; p->pages && i < p->nr_pages; i++) {
		free_page((unsigned long)p->pages[i].now);
		free_page((unsigned long)p->pages[i].next);
	}
	kvfree(p->pages);
	bitmap_free(p->records);
	bitmap_free(p->extents);
	bitmap_free(p->written);
	if (p->batch)
		free_pages_exact(p->batch, RPL_BITMAP_BATCH * RPL_BLOCK_BYTES);
	bitmap_free(p->summed);
	kvfree(p->map_written);
	kvfree(p->map_slot);
	kvfree(p->map_generation);
	kvfree(p->map_index);
	kvfree(p->bitmap_slot);
	kvfree(p->bitmap_generation);
	free_page((unsigned long)p->block);
	kfree(p);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The journal of an open store: putting batches together and writing them. The layout is
 * journal-format.c's, the order of things commit.c's.
 */
#include <linux/gfp.h>
#include <linux/slab.h>
#include "journal.h"

#define BATCH_BYTES (RPL_BATCH_BLOCKS * RPL_BLOCK_BYTES)

struct rpl_journal *rpl_journal_new(struct rpl_persist *p, u64 incarnation, u64 first)
{
	struct rpl_journal *j = kzalloc(sizeof(*j), GFP_KERNEL);

	if (!j)
		return NULL;
	j->buf = alloc_pages_exact(BATCH_BYTES, GFP_KERNEL);
	if (!j->buf) {
		kfree(j);
		return NULL;
	}
	j->p = p;
	j->sb = p->sb;
	j->incarnation = incarnation;
	j->nr_blocks = rpl_journal_blocks(&p->sb);
	j->head = first;
	j->applied = first;
	j->tail = first;
	return j;
}

void rpl_journal_free(struct rpl_journal *j)
{
	if (!j)
		return;
	free_pages_exact(j->buf, BATCH_BYTES);
	kfree(j);
}

void rpl_journal_begin(struct rpl_journal *j)
{
	j->nr = 0;
}

static void *block_of(struct rpl_journal *j, u32 i)
{
	return j->buf + (size_t)i * RPL_BLOCK_BYTES;
}

bool rpl_journal_add(struct rpl_journal *j, const struct rpl_fact *fact)
{
	if (j->nr && rpl_jblock_add(block_of(j, j->nr - 1), fact))
		return true;
	if (j->nr == RPL_BATCH_BLOCKS)
		return false;
	rpl_jblock_begin(block_of(j, j->nr));
	return rpl_jblock_add(block_of(j, j->nr++), fact);
}

bool rpl_journal_has_room(struct rpl_journal *j)
{
	return j->head + RPL_BATCH_BLOCKS - READ_ONCE(j->tail) <= j->nr_blocks;
}

bool rpl_journal_half_full(struct rpl_journal *j)
{
	return j->head - READ_ONCE(j->tail) >= j->nr_blocks / 2;
}

int rpl_journal_write(struct rpl_journal *j, bool flush_store)
{
	blk_opf_t opf = REQ_OP_WRITE | REQ_FUA | (flush_store ? REQ_PREFLUSH : 0);
	u64 place = rpl_journal_offset(&j->sb, j->head);
	u64 end = rpl_journal_offset(&j->sb, 0) + (u64)j->nr_blocks * RPL_BLOCK_BYTES;
	struct rpl_io_wait wait;
	u32 i, before;
	int r;

	if (!j->nr)
		return 0;
	for (i = 0; i < j->nr; i++)
		rpl_jblock_seal(block_of(j, i), &j->sb, j->incarnation, j->head + i, j->head);
	before = min_t(u64, j->nr, (end - place) / RPL_BLOCK_BYTES);
	rpl_pio_begin(&wait);
	rpl_pio_start(j->p, &wait, opf, place, block_of(j, 0), before * RPL_BLOCK_BYTES);
	if (before < j->nr)
		rpl_pio_start(j->p, &wait, opf, rpl_journal_offset(&j->sb, 0), block_of(j, before),
			      (j->nr - before) * RPL_BLOCK_BYTES);
	r = rpl_pio_finish(&wait);
	if (r)
		return r;
	j->head += j->nr;
	j->nr = 0;
	return 0;
}

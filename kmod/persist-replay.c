// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replay: what the journal of a store that was not closed says of its clones. The whole ring is
 * read, so that an end that is none is seen (journal-format.h). Constructor of the store: nothing
 * else runs, no locks.
 */
#define DM_MSG_PREFIX "replica-store"

#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include "journal.h"
#include "snap.h"

#define READ_BLOCKS 64U

struct replay {
	struct rpl_store *s;
	struct rpl_persist *p;
	struct rpl_replay state;
	u64 facts;
	int error; /* no memory */
};

static struct rpl_clone *clone_of(struct rpl_store *s, const struct rpl_fact *f)
{
	struct rpl_clone *c;

	list_for_each_entry(c, &s->clones, list)
		if (c->id == f->clone_id)
			return c->point == f->point && rpl_rec_unfinished(c->state) ? c : NULL;
	return NULL;
}

/* Chunks of the store: into the map, whosever they are by now (R30). */
static void apply_chunks(struct replay *re, const struct rpl_fact *f)
{
	u32 i;

	re->facts++;
	if (!re->s->space) {
		re->state.lost = true;
		return;
	}
	for (i = 0; i < f->nr && !re->error; i++) {
		struct rpl_map_entry e = {
			.volume = f->kind == RPL_FACT_OWN ? RPL_MAP_OWN | f->clone_id : f->clone_id,
			.chunk = f->first + i,
			.tag = f->point,
			.loc = f->loc == RPL_LOC_BAD ? RPL_LOC_BAD : f->loc + i,
		};
		u32 loc = e.loc;
		int r = rpl_store_file(re->s, &e);

		if (r == -ENOMEM)
			re->error = r;
		else if ((r && r != -EEXIST) || e.loc != loc)
			re->state.lost = true;
	}
}

/* Facts of clones that are complete, or were detached, are no news. */
static void apply(struct replay *re, const struct rpl_fact *f)
{
	struct rpl_clone *c;

	if (f->kind == RPL_FACT_PRESERVED || f->kind == RPL_FACT_OWN) {
		apply_chunks(re, f);
		return;
	}
	if (f->kind == RPL_FACT_LOST) {
		re->facts++;
		rpl_loaded_snapshots_lose(re->s, f->clone_id, f->first, f->point, f->nr,
					  "it was lost just before the store was cut off");
		return;
	}
	c = clone_of(re->s, f);
	if (!c)
		return;
	re->facts++;
	if (f->kind == RPL_FACT_FAILED)
		rpl_loaded_clone_fail(c, f->nr, "it failed just before the store was cut off");
	else if (f->first + f->nr > c->nr_regions)
		rpl_loaded_clone_fail(c, EUCLEAN, "the journal has an impossible record of it");
	else
		bitmap_set(c->copied, f->first, f->nr);
}

static void one_block(struct replay *re, const void *block)
{
	struct rpl_jblock head;
	struct rpl_fact fact;
	u32 i;

	if (rpl_replay_block(&re->state, block, &head) != RPL_REPLAY_APPLY)
		return;
	for (i = 0; i < head.nr; i++) {
		if (rpl_jblock_fact(block, i, &fact)) {
			re->state.lost = true;
			return;
		}
		apply(re, &fact);
	}
}

/* Blocks from `seq` on that lie next to each other, nr of them, to buf. Bad ones one by one. */
static void some_blocks(struct replay *re, u64 seq, u32 nr, void *buf)
{
	u64 place = rpl_journal_offset(&re->p->sb, seq);
	bool bad = rpl_pio(re->p, REQ_OP_READ, place, buf, nr * RPL_BLOCK_BYTES);
	u32 i;

	for (i = 0; i < nr; i++) {
		void *block = buf + (size_t)i * RPL_BLOCK_BYTES;
		u64 at = place + (u64)i * RPL_BLOCK_BYTES;
		bool lost = bad && rpl_pio(re->p, REQ_OP_READ, at, block, RPL_BLOCK_BYTES);

		one_block(re, lost ? NULL : block);
	}
}

int rpl_persist_replay(struct rpl_store *s, struct rpl_persist *p, u64 *next)
{
	u32 left = rpl_journal_blocks(&p->sb);
	struct replay re = { .s = s, .p = p };
	u64 end = rpl_journal_offset(&p->sb, 0) + (u64)left * RPL_BLOCK_BYTES;
	u64 seq = p->sb.journal_tail;
	void *buf = alloc_pages_exact(READ_BLOCKS * RPL_BLOCK_BYTES, GFP_KERNEL);

	if (!buf)
		return -ENOMEM;
	rpl_replay_begin(&re.state, &p->sb);
	while (left) {
		u64 to_end = (end - rpl_journal_offset(&p->sb, seq)) / RPL_BLOCK_BYTES;
		u32 nr = min_t(u64, min(left, READ_BLOCKS), to_end);

		some_blocks(&re, seq, nr, buf);
		seq += nr;
		left -= nr;
		cond_resched();
	}
	free_pages_exact(buf, READ_BLOCKS * RPL_BLOCK_BYTES);
	if (re.error)
		return re.error;
	if (re.state.lost) {
		rpl_loaded_unfinished_fail(s, "the store's journal is damaged");
		rpl_loaded_snapshots_lose(s, 0, 0, U64_MAX, EUCLEAN,
					  "the store's journal is damaged");
	}
	*next = re.state.next;
	DMINFO("store %s was not closed cleanly: %llu blocks of its journal, %llu facts%s", s->name,
	       re.state.next - p->sb.journal_tail, re.facts,
	       re.state.lost ? ", and it is damaged" : "");
	return 0;
}

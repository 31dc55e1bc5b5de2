// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of the store map, to and from disk: read when a store is opened, written by checkpoints.
 * Each has two slots, as pages of bitmaps have; one that was never written has none that counts.
 *
 * Locks: persist_mutex, or the constructor. map_lock is taken while a page is copied.
 */
#define DM_MSG_PREFIX "replica-store"

#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "persist.h"
#include "snap.h"
#include "space.h"

#define RUNS_AT_ONCE 8 /* that are being read, each by one bio: 1 MiB */
#define RUN_BYTES    (2 * RPL_MAP_RUN * RPL_BLOCK_BYTES) /* of both slots */

/* ---- checkpoint ---- */

/*
 * To the slot that does not hold the page of the last checkpoint. A change of the page after it was
 * copied sets its bit again: the next checkpoint's.
 */
static void write_page(struct rpl_store *s, u32 index, u64 generation, struct rpl_io_wait *wait,
		       void *block)
{
	struct rpl_persist *p = s->persist;
	struct rpl_page_id id = {
		.kind = RPL_PAGE_MAP,
		.index = index,
		.generation = generation,
	};

	write_lock_irq(&s->map_lock);
	__clear_bit(index, s->map.dirty);
	memcpy(block, s->map.pages[index], RPL_BLOCK_BYTES);
	write_unlock_irq(&s->map_lock);
	rpl_page_seal(block, &p->sb, &id);
	rpl_pio_start(p, wait, REQ_OP_WRITE,
		      rpl_sb_map_offset(&p->sb, index, 1 - p->map_slot[index]), block,
		      RPL_BLOCK_BYTES);
	__set_bit(index, p->map_written);
}

int rpl_persist_write_map(struct rpl_store *s, u64 generation, bool *any)
{
	struct rpl_persist *p = s->persist;
	struct rpl_io_wait wait;
	unsigned int nr = 0;
	unsigned long i;
	int r = 0;

	r = rpl_index_add(p, &s->map, s->incarnation);
	if (r)
		return r;
	rpl_pio_begin(&wait);
	for_each_set_bit(i, s->map.dirty, s->map.nr_pages) {
		/* dirty only since then: the next checkpoint's */
		if (!rpl_index_has(p, i))
			continue;
		write_page(s, i, generation, &wait, p->batch + (size_t)nr * RPL_BLOCK_BYTES);
		*any = true;
		if (++nr < RPL_BITMAP_BATCH)
			continue;
		r = rpl_pio_finish(&wait);
		if (r)
			return r;
		rpl_pio_begin(&wait);
		nr = 0;
		cond_resched();
	}
	return rpl_pio_finish(&wait);
}

u64 rpl_persist_sum_map(struct rpl_store *s, const struct rpl_sb *sb)
{
	struct rpl_persist *p = s->persist;
	u64 sum = 0;
	u32 i;

	for (i = 0; i < s->map.nr_pages; i++) {
		if (test_bit(i, p->map_written))
			sum += rpl_page_mark(i, sb->generation);
		else if (p->map_generation[i])
			sum += rpl_page_mark(i, p->map_generation[i]);
	}
	return sum;
}

void rpl_persist_flip_map(struct rpl_store *s)
{
	struct rpl_persist *p = s->persist;
	unsigned long i;

	for_each_set_bit(i, p->map_written, s->map.nr_pages) {
		p->map_slot[i] ^= 1;
		p->map_generation[i] = p->sb.generation;
	}
	if (s->map.nr_pages)
		bitmap_zero(p->map_written, s->map.nr_pages);
}

/* ---- opening ---- */

/* Which chunks the map's own pages lie in. */
static void reserve_parts(struct rpl_store *s, struct rpl_persist *p)
{
	u32 loc = 1, nr;

	while ((loc = rpl_sb_reserved(&p->sb, loc, &nr)) != RPL_LOC_NONE) {
		rpl_space_reserve(s->space, loc, nr);
		loc += nr;
	}
}

/* Space and an empty map, if the store has room for snapshots. 0 or -ENOMEM. */
static int make_map(struct rpl_store *s, struct rpl_persist *p)
{
	const struct rpl_area *data = rpl_sb_area(&p->sb, RPL_AREA_DATA);
	u64 chunks = rpl_data_chunks(&p->sb);
	struct rpl_map_more more = {};

	if (!chunks)
		return 0;
	s->space = kzalloc(sizeof(*s->space), GFP_KERNEL);
	if (!s->space)
		return -ENOMEM;
	if (rpl_space_init(s->space, s, chunks, p->start + (data->offset_bytes >> SECTOR_SHIFT))) {
		kfree(s->space);
		s->space = NULL;
		return -ENOMEM;
	}
	reserve_parts(s, p);
	if (rpl_map_more_alloc(&more, &p->sb)) {
		rpl_map_more_free(&more);
		return -ENOMEM;
	}
	rpl_map_add(s, p, &more);
	rpl_map_more_free(&more);
	return rpl_reserve_fill(&s->reserve);
}

void rpl_persist_map_free(struct rpl_store *s)
{
	u32 i;

	for (i = 0; i < s->map.nr_pages; i++)
		free_page((unsigned long)s->map.pages[i]);
	kvfree(s->map.pages);
	kvfree(s->map.dirty);
	memset(&s->map, 0, sizeof(s->map));
}

/* Both slots of a page, NULL: not readable. */
static int load_page(struct rpl_store *s, struct rpl_persist *p, u32 index, void *const slots[2],
		     u64 *sum, bool *damaged)
{
	struct rpl_page_id id;
	bool stale;
	int slot = rpl_page_choose(slots[0], slots[1], &p->sb, RPL_PAGE_MAP, index, &id, &p->seen,
				   &stale);

	if (slot < 0 && !stale)
		return 0;
	s->map.pages[index] = (void *)get_zeroed_page(GFP_KERNEL);
	if (!s->map.pages[index])
		return -ENOMEM;
	/* a slot that a change left which was cut off is written anew before it can count */
	if (stale)
		__set_bit(index, s->map.dirty);
	if (slot < 0)
		return 0;
	p->map_slot[index] = slot;
	p->map_generation[index] = id.generation;
	*sum += rpl_page_mark(index, id.generation);
	memcpy(s->map.pages[index], slots[slot], RPL_BLOCK_BYTES);
	if (!rpl_map_page_sane(&s->map, s->map.pages[index], index, s->space->nr_chunks))
		*damaged = true;
	return 0;
}

/* Pages that are read together: one run of the index, or what a part of the map has of it. */
struct run {
	u32 index, nr;
	void *buf; /* RUN_BYTES */
	struct rpl_io_wait wait;
};

struct load {
	struct rpl_store *s;
	struct rpl_persist *p;
	struct run runs[RUNS_AT_ONCE];
	u64 sum;
	bool damaged;
};

static int load_new(struct load *l)
{
	u32 i;

	for (i = 0; i < RUNS_AT_ONCE; i++) {
		l->runs[i].buf = alloc_pages_exact(RUN_BYTES, GFP_KERNEL);
		if (!l->runs[i].buf)
			return -ENOMEM;
	}
	return rpl_index_load(l->p, l->s->map.nr_pages);
}

static void load_end(struct load *l)
{
	u32 i;

	for (i = 0; i < RUNS_AT_ONCE; i++)
		if (l->runs[i].buf)
			free_pages_exact(l->runs[i].buf, RUN_BYTES);
}

static void start_run(struct load *l, struct run *run, u32 index, u32 nr)
{
	run->index = index;
	run->nr = nr;
	rpl_pio_begin(&run->wait);
	rpl_pio_start(l->p, &run->wait, REQ_OP_READ, rpl_sb_map_offset(&l->p->sb, index, 0),
		      run->buf, 2 * nr * RPL_BLOCK_BYTES);
}

/* What was read, slot by slot if it could not be read in one piece. */
static int finish_run(struct load *l, struct run *run)
{
	u64 at = rpl_sb_map_offset(&l->p->sb, run->index, 0);
	bool bad = rpl_pio_finish(&run->wait);
	u32 i, slot;
	int r = 0;

	for (i = 0; i < run->nr && !r; i++) {
		void *slots[2];

		for (slot = 0; slot < 2; slot++) {
			u64 offset = (2ULL * i + slot) * RPL_BLOCK_BYTES;

			slots[slot] = run->buf + offset;
			if (bad &&
			    rpl_pio(l->p, REQ_OP_READ, at + offset, slots[slot], RPL_BLOCK_BYTES))
				slots[slot] = NULL;
		}
		r = load_page(l->s, l->p, run->index + i, slots, &l->sum, &l->damaged);
	}
	return r;
}

/* The pages that the index has, or those that it has not. */
static int load_pages(struct load *l, bool in_index)
{
	const struct rpl_map *m = &l->s->map;
	u32 i = 0, n, k, end;
	int r = 0;

	while (i < m->nr_pages && !r) {
		for (n = 0; n < RUNS_AT_ONCE && i < m->nr_pages; i = end) {
			end = min(round_down(i, RPL_MAP_RUN) + RPL_MAP_RUN, rpl_map_part_end(m, i));
			if (rpl_index_has(l->p, i) == in_index)
				start_run(l, &l->runs[n++], i, end - i);
		}
		for (k = 0; k < n; k++) {
			int error = finish_run(l, &l->runs[k]);

			r = r ?: error;
		}
		cond_resched();
	}
	return r;
}

/* Nothing of it is needed, as no snapshot can be read any more. */
static void empty_map(struct rpl_store *s)
{
	u32 i;

	for (i = 0; i < s->map.nr_pages; i++) {
		if (!s->map.pages[i])
			continue;
		clear_page(s->map.pages[i]);
		__set_bit(i, s->map.dirty);
	}
}

/* The pages are of one checkpoint, but not of one moment. 0 or -ENOMEM. */
static int mend_map(struct rpl_store *s)
{
	u32 i, missing;

	for (i = 0; i < s->map.nr_pages; i++) {
		while (rpl_map_mend(&s->map, i, &missing)) {
			s->map.pages[missing] = (void *)get_zeroed_page(GFP_KERNEL);
			if (!s->map.pages[missing])
				return -ENOMEM;
		}
		cond_resched();
	}
	return 0;
}

/* 0 or -ENOMEM. What is there is read; whether that is all, l->sum tells. */
static int load_all(struct load *l)
{
	int r = load_new(l) ?: load_pages(l, true);

	/* an index that says too little would be a defect of ours, but it must not cost the map */
	if (!r && l->sum != l->p->sb.map_sum)
		r = load_pages(l, false);
	return r;
}

int rpl_persist_load_map(struct rpl_store *s, struct rpl_persist *p)
{
	struct load *l;
	bool damaged, lost;
	int r = make_map(s, p);

	if (r)
		return r;
	if (!s->map.nr_pages) {
		/* records of some, in a store that cannot have them */
		rpl_loaded_snapshots_lose(s, 0, 0, U64_MAX, EUCLEAN, "the store has no map");
		return 0;
	}
	l = kzalloc(sizeof(*l), GFP_KERNEL);
	if (!l)
		return -ENOMEM;
	l->s = s;
	l->p = p;
	r = load_all(l);
	damaged = l->damaged;
	lost = l->sum != p->sb.map_sum;
	load_end(l);
	kfree(l);
	if (r)
		return r;
	if (!damaged && !lost)
		return mend_map(s);
	rpl_loaded_snapshots_lose(s, 0, 0, U64_MAX, EUCLEAN,
				  damaged ? "a page of the store's map is damaged"
					  : "a page of the store's map is lost");
	empty_map(s);
	return 0;
}

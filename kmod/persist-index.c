// SPDX-License-Identifier: GPL-2.0-only
/*
 * The index of the map: which runs of its pages were ever written. An opening reads those alone, so
 * it takes the longer the more of a store was used, not the larger the store is.
 *
 * It may say too much, never too little: a run is in it, durably, before the first of its pages is
 * written, and it never leaves it again. It counts only for the life of the store that its
 * incarnation names (a version that does not know it may have had the store since), and if it is
 * whole; else all pages are read. Cut off in the middle of a write it is not whole: that costs the
 * next opening time and nothing else.
 *
 * Locks: persist_mutex, or the constructor.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "persist.h"

static u32 nr_blocks(const struct rpl_sb *sb)
{
	const struct rpl_area *area = rpl_sb_area(sb, RPL_AREA_MAP_INDEX);

	return area ? (u32)(area->length_bytes / RPL_BLOCK_BYTES) : 0;
}

/* Runs that it has bits for; the pages behind them are read at any opening. */
static unsigned long nr_bits(const struct rpl_sb *sb)
{
	return (unsigned long)nr_blocks(sb) * RPL_BITS_PER_PAGE;
}

/* Blocks that say anything of a map of so many pages. */
static u32 blocks_for(const struct rpl_persist *p, u32 nr_pages)
{
	return min_t(u32, nr_blocks(&p->sb),
		     DIV_ROUND_UP(nr_pages, RPL_MAP_RUN * RPL_BITS_PER_PAGE));
}

static u64 block_offset(const struct rpl_persist *p, u32 nr)
{
	return rpl_sb_area(&p->sb, RPL_AREA_MAP_INDEX)->offset_bytes + (u64)nr * RPL_BLOCK_BYTES;
}

static bool load_block(struct rpl_persist *p, u32 nr)
{
	struct rpl_page_id id;

	if (rpl_pio(p, REQ_OP_READ, block_offset(p, nr), p->block, RPL_BLOCK_BYTES) ||
	    rpl_page_check(p->block, &p->sb, RPL_PAGE_MAP_INDEX, nr, &id) ||
	    id.generation != p->sb.incarnation)
		return false;
	rpl_bitmap_decode(p->block, nr, p->map_index, nr_bits(&p->sb));
	return true;
}

static int write_block(struct rpl_persist *p, u32 nr, u64 incarnation)
{
	struct rpl_page_id id = {
		.kind = RPL_PAGE_MAP_INDEX,
		.index = nr,
		.generation = incarnation,
	};

	memset(p->block, 0, RPL_BLOCK_BYTES);
	rpl_bitmap_encode(p->block, nr, p->map_index, nr_bits(&p->sb));
	rpl_page_seal(p->block, &p->sb, &id);
	return rpl_pio(p, REQ_OP_WRITE | REQ_FUA, block_offset(p, nr), p->block, RPL_BLOCK_BYTES);
}

int rpl_index_load(struct rpl_persist *p, u32 nr_pages)
{
	u32 i;

	if (!nr_blocks(&p->sb))
		return 0;
	p->map_index = kvcalloc(BITS_TO_LONGS(nr_bits(&p->sb)), sizeof(long), GFP_KERNEL);
	if (!p->map_index)
		return -ENOMEM;
	for (i = 0; i < blocks_for(p, nr_pages); i++)
		if (!load_block(p, i))
			bitmap_set(p->map_index, i * RPL_BITS_PER_PAGE, RPL_BITS_PER_PAGE);
	return 0;
}

bool rpl_index_has(const struct rpl_persist *p, u32 page)
{
	u32 run = page / RPL_MAP_RUN;

	return !p->map_index || run >= nr_bits(&p->sb) || test_bit(run, p->map_index);
}

int rpl_index_begin(struct rpl_persist *p, const struct rpl_map *map, u64 incarnation)
{
	unsigned long bits = nr_bits(&p->sb);
	u32 i;
	int r = 0;

	if (!p->map_index)
		return 0;
	bitmap_zero(p->map_index, bits);
	for (i = 0; i < map->nr_pages && i / RPL_MAP_RUN < bits; i++)
		if (map->pages[i])
			__set_bit(i / RPL_MAP_RUN, p->map_index);
	for (i = 0; i < blocks_for(p, map->nr_pages) && !r; i++)
		r = write_block(p, i, incarnation);
	return r;
}

int rpl_index_add(struct rpl_persist *p, const struct rpl_map *map, u64 incarnation)
{
	unsigned long page;
	u32 todo = U32_MAX; /* the block that has a new bit */
	int r = 0;

	for_each_set_bit(page, map->dirty, map->nr_pages) {
		u32 run = (u32)page / RPL_MAP_RUN;

		if (rpl_index_has(p, (u32)page))
			continue;
		if (todo != U32_MAX && todo != run / RPL_BITS_PER_PAGE)
			r = r ?: write_block(p, todo, incarnation);
		todo = run / RPL_BITS_PER_PAGE;
		__set_bit(run, p->map_index);
	}
	if (todo != U32_MAX)
		r = r ?: write_block(p, todo, incarnation);
	return r;
}

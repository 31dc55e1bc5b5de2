// SPDX-License-Identifier: GPL-2.0-only
/*
 * Growth of a store whose device has become larger, while it is in use: more chunks, and a part of
 * the map for them, in chunks of their own. Nothing that is there moves, and no page is written:
 * pages of the new part are, as all pages, when they first differ.
 *
 * Order: memory -> the superblock that lays out the larger device, in both places (should one be
 * lost, the other must know the chunks that the journal names by then) -> the chunks may be taken.
 * So a power cut finds the old layout or the new one, and nothing in the new part before that is
 * durable.
 *
 * Locks: persist_mutex. map_lock and space->lock for as long as it takes to copy an array.
 */
#define DM_MSG_PREFIX "replica-store"

#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "op.h"
#include "persist.h"
#include "snap.h"
#include "space.h"

static unsigned long max_map_memory; /* 0: an eighth of the memory */
module_param_named(max_map_memory_bytes, max_map_memory, ulong, 0644);
MODULE_PARM_DESC(max_map_memory_bytes,
		 "Most memory that the map of a store may take; 0 for an eighth of all");

/* ---- the map ---- */

u32 rpl_map_pages_max(void)
{
	const u64 bytes = READ_ONCE(max_map_memory) ?: (u64)totalram_pages() * PAGE_SIZE / 8;

	return (u32)min_t(u64, bytes / RPL_BLOCK_BYTES, U32_MAX / 2);
}

int rpl_map_more_alloc(struct rpl_map_more *more, const struct rpl_sb *sb)
{
	struct rpl_map *m = &more->map;

	rpl_map_layout(m, sb);
	m->pages = kvcalloc(m->nr_pages, sizeof(*m->pages), GFP_KERNEL);
	m->dirty = kvcalloc(BITS_TO_LONGS(m->nr_pages), sizeof(long), GFP_KERNEL);
	more->written = kvcalloc(BITS_TO_LONGS(m->nr_pages), sizeof(long), GFP_KERNEL);
	more->slot = kvzalloc(m->nr_pages, GFP_KERNEL);
	more->generation = kvcalloc(m->nr_pages, sizeof(u64), GFP_KERNEL);
	if (m->pages && m->dirty && more->written && more->slot && more->generation)
		return 0;
	return -ENOMEM;
}

void rpl_map_more_free(struct rpl_map_more *more)
{
	kvfree(more->map.pages);
	kvfree(more->map.dirty);
	kvfree(more->written);
	kvfree(more->slot);
	kvfree(more->generation);
}

void rpl_map_add(struct rpl_store *s, struct rpl_persist *p, struct rpl_map_more *more)
{
	u32 nr = s->map.nr_pages;

	/* nobody but us: persist_mutex */
	if (nr) {
		bitmap_copy(more->written, p->map_written, nr);
		memcpy(more->slot, p->map_slot, nr);
		memcpy(more->generation, p->map_generation, nr * sizeof(u64));
	}
	swap(p->map_written, more->written);
	swap(p->map_slot, more->slot);
	swap(p->map_generation, more->generation);
	write_lock_irq(&s->map_lock);
	if (nr) {
		memcpy(more->map.pages, s->map.pages, nr * sizeof(*s->map.pages));
		bitmap_copy(more->map.dirty, s->map.dirty, nr);
	}
	swap(s->map, more->map);
	write_unlock_irq(&s->map_lock);
}

/* ---- the store ---- */

struct growth {
	struct rpl_sb sb;
	struct rpl_space_more space;
	struct rpl_map_more map;
};

/* All that can fail for want of memory. */
static int prepare(struct growth *g, struct rpl_why *why)
{
	int r = rpl_space_more_alloc(&g->space, rpl_data_chunks(&g->sb));

	r = r ?: rpl_map_more_alloc(&g->map, &g->sb);
	if (r)
		rpl_why(why, 0, "not enough memory for %llu more chunks", rpl_data_chunks(&g->sb));
	return r;
}

static int write_layout(struct rpl_store *s, struct growth *g, struct rpl_why *why)
{
	const struct rpl_sb *sb = &s->persist->sb;
	struct rpl_change change = {
		.flags = sb->flags,
		.incarnation = sb->incarnation,
		.tail = sb->journal_tail,
		.always = true,
		.grown = &g->sb,
	};
	int r = rpl_persist_write(s, &change) ?: rpl_persist_write(s, &change);

	if (!r)
		return 0;
	rpl_why(why, 0, "its superblock could not be written (error %d)", r);
	rpl_store_fail(s, "its growth could not be written");
	return r;
}

/* The new chunks, and of them those that the map has taken. */
static void add(struct rpl_store *s, struct growth *g)
{
	u32 nr = 0, loc = rpl_sb_reserved(&g->sb, (u32)s->space->nr_chunks + 1, &nr);

	rpl_map_add(s, s->persist, &g->map);
	rpl_space_add(s->space, &g->space, loc, nr);
	WRITE_ONCE(s->dev_bytes, g->sb.dev_bytes);
}

static int grow(struct rpl_store *s, u64 dev_bytes, struct growth *g, struct rpl_why *why)
{
	int r;

	if (!s->persist || READ_ONCE(s->mode) != RPL_STORE_MODE_OPEN) {
		rpl_why(why, 0, "it is %s", rpl_store_mode_name(READ_ONCE(s->mode)));
		return -EIO;
	}
	g->sb = s->persist->sb;
	r = rpl_sb_grow(&g->sb, dev_bytes, rpl_map_pages_max(), why);
	if (r || g->sb.dev_bytes == s->persist->sb.dev_bytes)
		return r;
	r = prepare(g, why) ?: write_layout(s, g, why);
	if (!r)
		add(s, g);
	return r;
}

int rpl_persist_grow(struct rpl_store *s, u64 dev_bytes, struct rpl_why *why)
{
	struct growth *g = kzalloc(sizeof(*g), GFP_KERNEL);
	u64 before = READ_ONCE(s->dev_bytes), now;
	int r;

	if (!g) {
		rpl_why(why, 0, "not enough memory");
		return -ENOMEM;
	}
	mutex_lock(&s->persist_mutex);
	r = grow(s, dev_bytes, g, why);
	now = READ_ONCE(s->dev_bytes);
	mutex_unlock(&s->persist_mutex);
	rpl_space_more_free(&g->space);
	rpl_map_more_free(&g->map);
	kfree(g);
	if (r || now == before)
		return r;
	DMINFO("store %s has grown from %llu to %llu bytes", s->name, before, now);
	rpl_settings_grown(s);
	rpl_space_appeared(s);
	rpl_event_store(s, RPL_EVENT_STATE);
	return 0;
}

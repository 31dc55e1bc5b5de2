// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening a store: superblock, object table and bitmaps are read, checked and made into objects; a
 * blank device is formatted if the table line asks for it. Runs in the constructor of the store,
 * before anybody else can see it. What is damaged, newer or does not fit is refused with a
 * sentence.
 */
#include <linux/bitmap.h>
#include <linux/blkdev.h>
#include <linux/gfp.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uuid.h>
#include "journal.h"
#include "persist.h"
#include "snap.h"
#include "store.h"

#define DEFAULT_MAX_VOLUMES 1024
#define READ_BLOCKS	    64U /* blocks read by one bio while opening */

#define UNCLEAN_REASON "the store was not closed cleanly before the copy was complete"
#define FAILED_REASON  "the store failed before the copy was complete"

static void *page_new(void)
{
	return (void *)get_zeroed_page(GFP_KERNEL);
}

static struct rpl_persist *persist_new(struct block_device *bdev, sector_t start)
{
	struct rpl_persist *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return NULL;
	p->bdev = bdev;
	p->start = start;
	p->block = page_new();
	if (!p->block) {
		kfree(p);
		return NULL;
	}
	return p;
}

/* Room for the object table that p->sb speaks of. */
static int persist_alloc_table(struct rpl_persist *p)
{
	u32 i;

	p->objects = rpl_sb_area(&p->sb, RPL_AREA_OBJECTS);
	p->bitmaps = rpl_sb_area(&p->sb, RPL_AREA_BITMAPS);
	p->nr_pages = rpl_area_pages(p->objects);
	p->pages = kvcalloc(p->nr_pages, sizeof(*p->pages), GFP_KERNEL);
	p->records = bitmap_zalloc(p->nr_pages * RPL_RECORDS_PER_PAGE, GFP_KERNEL);
	p->extents = bitmap_zalloc(rpl_area_pages(p->bitmaps), GFP_KERNEL);
	p->written = bitmap_zalloc(rpl_area_pages(p->bitmaps), GFP_KERNEL);
	p->batch = alloc_pages_exact(RPL_BITMAP_BATCH * RPL_BLOCK_BYTES, GFP_KERNEL);
	p->summed = bitmap_zalloc(rpl_area_pages(p->bitmaps), GFP_KERNEL);
	p->bitmap_slot = kvzalloc(rpl_area_pages(p->bitmaps), GFP_KERNEL);
	p->bitmap_generation = kvcalloc(rpl_area_pages(p->bitmaps), sizeof(u64), GFP_KERNEL);
	if (!p->pages || !p->records || !p->extents || !p->written || !p->batch || !p->summed ||
	    !p->bitmap_slot || !p->bitmap_generation)
		return -ENOMEM;
	for (i = 0; i < p->nr_pages; i++) {
		p->pages[i].now = page_new();
		p->pages[i].next = page_new();
		if (!p->pages[i].now || !p->pages[i].next)
			return -ENOMEM;
	}
	return 0;
}

/* A blank device becomes an empty store: table first, then both superblocks. */
static int format(struct rpl_persist *p, const struct rpl_open_opts *opts, struct rpl_why *why)
{
	struct rpl_page_id id = { .kind = RPL_PAGE_OBJECTS, .generation = 1 };
	const struct rpl_area *objects;
	struct rpl_sb sb;
	u32 i;
	int r;

	r = rpl_sb_plan(&sb, opts->dev_bytes, opts->chunk_sectors,
			opts->max_volumes ?: DEFAULT_MAX_VOLUMES, why);
	r = r ?: rpl_sb_map_fits(&sb, rpl_map_pages_max(), why);
	if (r)
		return r;
	generate_random_uuid(sb.uuid);
	sb.format_time_s = ktime_get_real_seconds();
	objects = rpl_sb_area(&sb, RPL_AREA_OBJECTS);
	memset(p->block, 0, RPL_BLOCK_BYTES);
	for (i = 0; i < rpl_area_pages(objects) && !r; i++) {
		id.index = i;
		rpl_page_seal(p->block, &sb, &id);
		r = rpl_pio(p, REQ_OP_WRITE, rpl_page_offset(objects, i, 0), p->block,
			    RPL_BLOCK_BYTES);
	}
	p->copy = 0;
	r = r ?: rpl_persist_write_sb(p, &sb); /* B */
	sb.generation++;
	r = r ?: rpl_persist_write_sb(p, &sb); /* A */
	if (r)
		rpl_why(why, 0, "the new store cannot be written (%d)", r);
	return r;
}

/* Find the superblock that counts. *formatted: there was none and now there is. */
static int open_sb(struct rpl_persist *p, const struct rpl_open_opts *opts, bool *formatted,
		   struct rpl_why *why)
{
	void *other = page_new();
	int err_a, err_b, r;

	if (!other) {
		rpl_why(why, 0, "no memory for the store's superblock");
		return -ENOMEM;
	}
	err_a = rpl_pio(p, REQ_OP_READ, 0, p->block, RPL_BLOCK_BYTES);
	err_b = rpl_pio(p, REQ_OP_READ, RPL_SB_B_OFFSET, other, RPL_BLOCK_BYTES);
	r = rpl_sb_choose(err_a ? NULL : p->block, err_b ? NULL : other, &p->sb, &p->copy, why);
	free_page((unsigned long)other);
	if (r == -ENODATA && opts->format) {
		*formatted = true;
		r = format(p, opts, why);
	}
	r = r ?: rpl_sb_fits(&p->sb, opts->dev_bytes, opts->chunk_sectors, why);
	/* twice: what was made or has grown opens on a host with less memory, too */
	return r ?: rpl_sb_map_fits(&p->sb, 2 * rpl_map_pages_max(), why);
}

/* Read `nr` blocks at `offset` to buf; those that cannot be read get their bit in bad. */
static void read_blocks(struct rpl_persist *p, u64 offset, void *buf, unsigned int nr,
			unsigned long *bad)
{
	unsigned int i;

	bitmap_zero(bad, READ_BLOCKS);
	if (!rpl_pio(p, REQ_OP_READ, offset, buf, nr * RPL_BLOCK_BYTES))
		return;
	for (i = 0; i < nr; i++) {
		u64 at = (u64)i * RPL_BLOCK_BYTES;

		if (rpl_pio(p, REQ_OP_READ, offset + at, buf + at, RPL_BLOCK_BYTES))
			__set_bit(i, bad);
	}
}

/* Both slots of one page of the table, as read: keep the one that counts. */
static int load_page(struct rpl_persist *p, u32 index, void *const slots[2], struct rpl_why *why)
{
	struct table_page *page = &p->pages[index];
	struct rpl_page_id id, other;
	int slot = rpl_page_choose(slots[0], slots[1], &p->sb, RPL_PAGE_OBJECTS, index, &id,
				   &p->seen, &page->stale);

	if (slot < 0) {
		rpl_why(why, 0, "both copies of page %u of the store's object table are damaged",
			index);
		return slot;
	}
	memcpy(page->now, slots[slot], RPL_BLOCK_BYTES);
	memcpy(page->next, slots[slot], RPL_BLOCK_BYTES);
	page->slot = slot;
	page->generation = id.generation;
	p->table_sum += rpl_page_mark(index, id.generation);
	/* mend what was lost; a page that was never changed has no other copy */
	if (id.generation > 1 &&
	    (!slots[1 - slot] ||
	     rpl_page_check(slots[1 - slot], &p->sb, RPL_PAGE_OBJECTS, index, &other)))
		page->stale = true;
	if (page->stale)
		p->used_pages = max(p->used_pages, index + 1);
	return 0;
}

static bool has_sums(const struct rpl_sb *sb)
{
	return sb->incompat & RPL_INCOMPAT_JOURNAL;
}

static int load_table(struct rpl_persist *p, struct rpl_why *why)
{
	DECLARE_BITMAP(bad, READ_BLOCKS);
	void *buf = alloc_pages_exact(READ_BLOCKS * RPL_BLOCK_BYTES, GFP_KERNEL);
	u32 index, i;
	int r = 0;

	if (!buf) {
		rpl_why(why, 0, "no memory to read the store's object table");
		return -ENOMEM;
	}
	p->seen = p->sb.generation;
	for (index = 0; index < p->nr_pages && !r; index += READ_BLOCKS / 2) {
		u32 nr = min_t(u32, READ_BLOCKS / 2, p->nr_pages - index);

		read_blocks(p, rpl_page_offset(p->objects, index, 0), buf, 2 * nr, bad);
		for (i = 0; i < nr && !r; i++) {
			void *at = buf + 2ULL * i * RPL_BLOCK_BYTES;
			void *const slots[2] = {
				test_bit(2 * i, bad) ? NULL : at,
				test_bit(2 * i + 1, bad) ? NULL : at + RPL_BLOCK_BYTES,
			};

			r = load_page(p, index + i, slots, why);
		}
	}
	free_pages_exact(buf, READ_BLOCKS * RPL_BLOCK_BYTES);
	if (!r && has_sums(&p->sb) && p->table_sum != p->sb.table_sum) {
		rpl_why(why, 0, "the newer copy of a page of the store's object table is damaged");
		r = -EILSEQ;
	}
	return r;
}

/* The bitmap of a clone as of the superblock. -EILSEQ: it cannot be trusted. */
static int load_bitmap(struct rpl_persist *p, const struct rpl_rec_clone *rec, struct rpl_clone *c)
{
	void *pages[2] = { p->batch, p->batch + RPL_BLOCK_BYTES };
	u32 nr;

	for (nr = 0; nr < rec->bitmap_pages; nr++) {
		u32 index = rec->bitmap_page + nr;
		DECLARE_BITMAP(bad, READ_BLOCKS);
		u64 generation;
		int slot;

		read_blocks(p, rpl_page_offset(p->bitmaps, index, 0), p->batch, 2, bad);
		slot = rpl_bitmap_choose(test_bit(0, bad) ? NULL : pages[0],
					 test_bit(1, bad) ? NULL : pages[1], &p->sb, index, rec->id,
					 rec->bitmap_generation, &generation, &p->seen);
		if (slot < 0)
			return slot;
		p->bitmap_slot[index] = slot;
		p->bitmap_generation[index] = generation;
		p->bitmap_sum += rpl_page_mark(index, generation);
		rpl_bitmap_decode(pages[slot], nr, c->copied, c->nr_regions);
	}
	return 0;
}

static bool bitmap_place_sane(struct rpl_persist *p, const struct rpl_rec_clone *rec)
{
	u64 regions = rpl_nr_regions(rec->nr_sectors, p->sb.chunk_sectors);
	u32 all = rpl_area_pages(p->bitmaps);

	return rec->bitmap_pages == rpl_bitmap_pages(regions) && rec->bitmap_pages <= all &&
	       rec->bitmap_page <= all - rec->bitmap_pages;
}

/* Why unfinished clones of this store cannot go on, or NULL. */
static const char *why_not_on(const struct rpl_sb *sb)
{
	if (sb->flags & RPL_SB_FAILED)
		return FAILED_REASON;
	/* an early version had it open: what happened then is written nowhere */
	if ((sb->flags & RPL_SB_OPEN) && (sb->flags & RPL_SB_VOLATILE))
		return UNCLEAN_REASON;
	return NULL;
}

void rpl_loaded_clone_fail(struct rpl_clone *c, int error, const char *reason)
{
	c->state = RPL_STATE_FAILED;
	c->prior_state = 0;
	c->error = error;
	strscpy(c->reason, reason, sizeof(c->reason));
	bitmap_zero(c->copied, c->nr_regions);
}

void rpl_loaded_unfinished_fail(struct rpl_store *s, const char *reason)
{
	struct rpl_clone *c;

	list_for_each_entry(c, &s->clones, list)
		if (rpl_rec_unfinished(c->state))
			rpl_loaded_clone_fail(c, EUCLEAN, reason);
}

void rpl_loaded_snapshots_lose(struct rpl_store *s, u32 volume_id, u64 above, u64 tag, int error,
			       const char *reason)
{
	struct rpl_clone *c;

	list_for_each_entry(c, &s->clones, list) {
		if (c->kind != RPL_KIND_SNAPSHOT || c->state != RPL_STATE_SYNCHRONIZED ||
		    (volume_id && c->vol->id != volume_id) || c->point <= above || c->point > tag)
			continue;
		c->state = RPL_STATE_FAILED;
		c->error = error;
		strscpy(c->reason, reason, sizeof(c->reason));
	}
}

static int add_snapshot(struct rpl_store *s, struct rpl_persist *p, u32 record,
			const struct rpl_rec_snapshot *rec, struct rpl_why *why)
{
	struct rpl_clone *c;

	if (rpl_nr_regions(rec->nr_sectors, p->sb.chunk_sectors) > U32_MAX) {
		rpl_why(why, rec->id, "snapshot %u: its record in the store is damaged", rec->id);
		return -EILSEQ;
	}
	c = rpl_store_add_loaded_snapshot(s, rec->id, rec->volume_id, rec->uuid, rec->group_uuid,
					  rec->state, rec->nr_sectors);
	if (IS_ERR(c)) {
		rpl_why(why, rec->id, "snapshot %u: its record in the store cannot be used (%ld)",
			rec->id, PTR_ERR(c));
		return PTR_ERR(c);
	}
	c->record = record + 1;
	c->read_only = rec->read_only;
	c->error = rec->error;
	strscpy(c->reason, rec->reason, sizeof(c->reason));
	return 0;
}

static int add_clone(struct rpl_store *s, struct rpl_persist *p, u32 record,
		     struct rpl_rec_clone *rec, struct rpl_why *why)
{
	bool unfinished = rpl_rec_unfinished(rec->state);
	const char *reason = why_not_on(&p->sb);
	struct rpl_clone *c;

	if (unfinished && reason) {
		rec->state = RPL_STATE_FAILED;
		rec->prior_state = 0;
		rec->error = EUCLEAN;
		strscpy(rec->reason, reason, sizeof(rec->reason));
		unfinished = false;
	}
	/* 2^32 regions are more than bitmaps can be made for. */
	if (rpl_nr_regions(rec->nr_sectors, p->sb.chunk_sectors) > U32_MAX ||
	    (unfinished && !bitmap_place_sane(p, rec))) {
		rpl_why(why, rec->id, "clone %u: its record in the store is damaged", rec->id);
		return -EILSEQ;
	}
	c = rpl_store_add_loaded_clone(s, rec->id, rec->volume_id, rec->uuid, rec->group_uuid,
				       rec->state, rec->nr_sectors);
	if (IS_ERR(c)) {
		rpl_why(why, rec->id, "clone %u: its record in the store cannot be used (%ld)",
			rec->id, PTR_ERR(c));
		return PTR_ERR(c);
	}
	c->record = record + 1;
	c->prior_state = rec->prior_state;
	c->error = rec->error;
	strscpy(c->reason, rec->reason, sizeof(c->reason));
	c->bad_sectors = rec->bad_bytes >> SECTOR_SHIFT;
	c->min_bytes_s = rec->min_bytes_s;
	c->max_bytes_s = rec->max_bytes_s;
	if (!unfinished)
		return 0;
	c->saved.page = rec->bitmap_page;
	c->saved.pages = rec->bitmap_pages;
	c->saved.generation = rec->bitmap_generation;
	if (load_bitmap(p, rec, c))
		rpl_loaded_clone_fail(c, EUCLEAN, "its saved copy bitmap is damaged");
	return 0;
}

static int add_object(struct rpl_store *s, struct rpl_persist *p, u32 record,
		      struct rpl_record *rec, struct rpl_why *why)
{
	struct rpl_volume *vol;
	struct rpl_group *g;

	switch (rec->kind) {
	case RPL_RECORD_VOLUME:
		vol = rpl_store_add_loaded_volume(s, rec->volume.id, rec->volume.nr_sectors);
		if (IS_ERR(vol)) {
			rpl_why(why, rec->volume.id, "volume %u: its record cannot be used (%ld)",
				rec->volume.id, PTR_ERR(vol));
			return PTR_ERR(vol);
		}
		vol->record = record + 1;
		return 0;
	case RPL_RECORD_GROUP:
		g = rpl_store_add_loaded_group(s, rec->group.uuid);
		if (IS_ERR(g)) {
			rpl_why(why, 0, "group %pU: its record cannot be used (%ld)",
				rec->group.uuid, PTR_ERR(g));
			return PTR_ERR(g);
		}
		g->record = record + 1;
		g->epoch = rec->group.epoch;
		g->time_ns = rec->group.time_ns;
		g->publish_ns = rec->group.publish_ns;
		g->drain_ns = rec->group.drain_ns;
		atomic64_set(&g->held_max_ns, rec->group.held_max_ns);
		atomic64_set(&g->held_writes, rec->group.held_writes);
		return 0;
	case RPL_RECORD_CLONE:
		return add_clone(s, p, record, &rec->clone, why);
	case RPL_RECORD_SNAPSHOT:
		return add_snapshot(s, p, record, &rec->snapshot, why);
	case RPL_RECORD_NONE:
		break;
	}
	return 0;
}

/* Make the objects of one kind; the kinds that others point to come first. */
static int add_objects(struct rpl_store *s, struct rpl_persist *p, enum rpl_record_kind kind,
		       struct rpl_why *why)
{
	u32 nr;
	int r;

	for (nr = 0; nr < p->nr_pages * RPL_RECORDS_PER_PAGE; nr++) {
		u32 page = nr / RPL_RECORDS_PER_PAGE;
		struct rpl_record rec;

		if (rpl_record_decode(p->pages[page].now, nr % RPL_RECORDS_PER_PAGE, &rec)) {
			rpl_why(why, 0, "record %u of the store's object table is damaged", nr);
			return -EILSEQ;
		}
		if (rec.kind == RPL_RECORD_NONE)
			continue;
		p->used_pages = max(p->used_pages, page + 1);
		if (rec.kind != kind)
			continue;
		r = add_object(s, p, nr, &rec, why);
		if (r)
			return r;
	}
	return 0;
}

static void adopt(struct rpl_store *s, struct rpl_persist *p, const struct rpl_open_opts *opts,
		  bool formatted)
{
	memcpy(s->uuid, p->sb.uuid, sizeof(s->uuid));
	s->max_volumes = p->sb.max_volumes;
	s->dev_bytes = p->sb.dev_bytes;
	s->epoch = p->sb.epoch;
	s->generation = p->sb.generation;
	s->flags = formatted ? RPL_STORE_FLAG_FORMATTED : 0;
	/* it failed and could not say so on its device: we remember, or the table's author knows */
	if (rpl_store_was_lost(s->uuid) || (opts->distrust && !formatted))
		p->sb.flags |= RPL_SB_FAILED;
	if (p->sb.flags & (RPL_SB_OPEN | RPL_SB_FAILED))
		s->flags |= RPL_STORE_FLAG_UNCLEAN_OPEN;
}

/* What the journal adds to the clones, and their bits for the first write. */
static int load_facts(struct rpl_store *s, struct rpl_persist *p, u64 *next, struct rpl_why *why)
{
	struct rpl_clone *c;
	int r = 0;

	*next = p->sb.journal_tail;
	/* what was written to sources since is written nowhere */
	if (why_not_on(&p->sb))
		rpl_loaded_snapshots_lose(s, 0, 0, U64_MAX, EUCLEAN,
					  "the store failed, or was lost, while it was in use");
	r = rpl_persist_load_map(s, p);
	if (r) {
		rpl_why(why, 0, "store %s: no memory for its map", s->name);
		return r;
	}
	/* what an older page does not have may not be in the journal any more */
	if (has_sums(&p->sb) && !why_not_on(&p->sb) && p->bitmap_sum != p->sb.bitmap_sum)
		rpl_loaded_unfinished_fail(s, "a page of the store's copy bitmaps is lost");
	if ((p->sb.flags & RPL_SB_OPEN) && (p->sb.incompat & RPL_INCOMPAT_JOURNAL) &&
	    !why_not_on(&p->sb))
		r = rpl_persist_replay(s, p, next);
	r = r ?: rpl_snaps_load(s);
	if (r) {
		rpl_why(why, 0, "store %s: no memory to read its journal", s->name);
		return r;
	}
	list_for_each_entry(c, &s->clones, list) {
		if (!c->saved.pages)
			continue;
		bitmap_copy(c->durable, c->copied, c->nr_regions);
		bitmap_set(c->dirty, 0, c->saved.pages);
	}
	return 0;
}

/*
 * Take the store in use: what was found becomes what its metadata says, under an incarnation and
 * block numbers that nothing in the ring has. Twice, so that no superblock of the life before is
 * left: with that alone, should the other be lost, the journal of this one would not be seen.
 */
static int begin_life(struct rpl_store *s, struct rpl_persist *p, u64 next, struct rpl_why *why)
{
	struct rpl_change change = {
		.flags = RPL_SB_OPEN,
		.bitmaps = true,
		.always = true,
	};
	int r;

	s->incarnation = get_random_u64();
	change.incarnation = s->incarnation;
	change.tail = next + 2ULL * rpl_journal_blocks(&p->sb);
	s->commit.journal = rpl_journal_new(p, s->incarnation, change.tail);
	if (!s->commit.journal) {
		rpl_why(why, 0, "store %s: no memory for its journal", s->name);
		return -ENOMEM;
	}
	s->persist = p;
	r = rpl_index_begin(p, &s->map, s->incarnation) ?: rpl_persist_write(s, &change) ?:
	    rpl_persist_write(s, &change);
	if (!r) {
		rpl_store_not_lost(s->uuid);
		return 0;
	}
	rpl_why(why, 0, "store %s: cannot be marked as open (%d)", s->name, r);
	s->persist = NULL;
	rpl_journal_free(s->commit.journal);
	s->commit.journal = NULL;
	return r;
}

static int check_device(struct rpl_store *s, struct block_device *bdev,
			const struct rpl_open_opts *opts, struct rpl_why *why)
{
	if (bdev_logical_block_size(bdev) > RPL_BLOCK_BYTES) {
		rpl_why(why, 0, "store %s: the device's logical blocks of %u bytes are too large",
			s->name, bdev_logical_block_size(bdev));
		return -EINVAL;
	}
	if (opts->start % (RPL_BLOCK_BYTES >> SECTOR_SHIFT)) {
		rpl_why(why, 0, "store %s: its offset of %llu sectors is not a multiple of 8",
			s->name, (unsigned long long)opts->start);
		return -EINVAL;
	}
	if (opts->chunk_sectors < RPL_CHUNK_SECTORS_MIN ||
	    opts->chunk_sectors > RPL_CHUNK_SECTORS_MAX || !is_power_of_2(opts->chunk_sectors)) {
		rpl_why(why, 0, "store %s: the chunk must be a power of two from %u to %u sectors",
			s->name, RPL_CHUNK_SECTORS_MIN, RPL_CHUNK_SECTORS_MAX);
		return -EINVAL;
	}
	if (opts->max_volumes > RPL_VOLUMES_MAX) {
		rpl_why(why, 0, "store %s: max_volumes is at most %u", s->name, RPL_VOLUMES_MAX);
		return -EINVAL;
	}
	if (opts->dev_bytes < RPL_MIN_STORE_BYTES) {
		rpl_why(why, 0, "store %s: %llu bytes are too small, at least %llu are needed",
			s->name, opts->dev_bytes, RPL_MIN_STORE_BYTES);
		return -ENOSPC;
	}
	return 0;
}

int rpl_persist_open(struct rpl_store *s, struct block_device *bdev,
		     const struct rpl_open_opts *opts, struct rpl_why *why)
{
	struct rpl_persist *p;
	bool formatted = false;
	u64 next;
	int r;

	r = check_device(s, bdev, opts, why);
	if (r)
		return r;
	p = persist_new(bdev, opts->start);
	if (!p) {
		rpl_why(why, 0, "store %s: no memory", s->name);
		return -ENOMEM;
	}
	r = open_sb(p, opts, &formatted, why);
	if (r)
		goto err;
	r = persist_alloc_table(p);
	if (r) {
		rpl_why(why, 0, "store %s: no memory for its object table", s->name);
		goto err;
	}
	if (!rpl_journal_blocks(&p->sb)) {
		rpl_why(why, 0, "store %s: it has no journal", s->name);
		r = -EILSEQ;
		goto err;
	}
	r = load_table(p, why);
	if (r)
		goto err;
	adopt(s, p, opts, formatted);
	r = add_objects(s, p, RPL_RECORD_VOLUME, why) ?:
	    add_objects(s, p, RPL_RECORD_GROUP, why) ?:
	    add_objects(s, p, RPL_RECORD_CLONE, why) ?:
	    add_objects(s, p, RPL_RECORD_SNAPSHOT, why);
	r = r ?: load_facts(s, p, &next, why) ?: begin_life(s, p, next, why);
	if (!r)
		return 0;

err:
	rpl_persist_free(p);
	return r;
}

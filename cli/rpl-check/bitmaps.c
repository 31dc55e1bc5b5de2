// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bitmaps.c - the copy bitmaps of unfinished clones: every page that a clone's record names must be
 * there, in one slot or the other, not older than the record says, and all together with the
 * generations that the superblock has summed up.
 *
 * Without a journal (early stores) they are of the very generation of the record, and count after a
 * clean close only. Slots and pages that no record names may hold anything.
 */
#include "check.h"

#include <json-c/json.h>

#include "base/alloc.h"

static const struct rpl_area *area_of(const struct check *ck)
{
	return rpl_sb_area(&ck->sb, RPL_AREA_BITMAPS);
}

/* Is its bitmap saved, as the module will see it? */
static bool is_saved(const struct check *ck, const struct object *o)
{
	return o->rec.kind == RPL_RECORD_CLONE && clone_unfinished(&o->rec.clone) &&
	       store_goes_on(ck);
}

static bool place_sane(const struct check *ck, const struct rpl_rec_clone *c)
{
	u64 regions = rpl_nr_regions(c->nr_sectors, ck->sb.chunk_sectors);
	u32 all = rpl_area_pages(area_of(ck));

	return regions <= U32_MAX && c->bitmap_pages == rpl_bitmap_pages(regions) &&
	       c->bitmap_pages <= all && c->bitmap_page <= all - c->bitmap_pages;
}

/* What a slot of a clone's page holds. */
struct seen {
	int error; /* of the read or of rpl_page_check() */
	struct rpl_page_id id;
	bool counts;
};

static void look(struct check *ck, const struct rpl_rec_clone *c, u32 nr, int slot, u8 *block,
		 struct seen *seen)
{
	u32 index = c->bitmap_page + nr;
	u64 at = rpl_page_offset(area_of(ck), index, (unsigned int)slot);

	memset(seen, 0, sizeof(*seen));
	if (image_read(&ck->image, at, block))
		seen->error = -EIO;
	else
		seen->error = rpl_page_check(block, &ck->sb, RPL_PAGE_BITMAP, index, &seen->id);
	seen->counts = !seen->error && seen->id.owner == c->id;
	if (store_has_sums(ck))
		seen->counts = seen->counts && seen->id.generation >= c->bitmap_generation &&
			       seen->id.generation <= ck->sb.generation;
	else
		seen->counts = seen->counts && seen->id.generation == c->bitmap_generation;
}

/* The slot of page nr that counts with its block, or -1; seen[] of those that were looked at. */
static int find_slot(struct check *ck, const struct rpl_rec_clone *c, u32 nr, u8 *block,
		     struct seen *seen)
{
	u8 other[RPL_BLOCK_BYTES];

	look(ck, c, nr, 0, block, &seen[0]);
	look(ck, c, nr, 1, other, &seen[1]);
	if (!seen[1].counts || (seen[0].counts && seen[0].id.generation >= seen[1].id.generation))
		return seen[0].counts ? 0 : -1;
	memcpy(block, other, RPL_BLOCK_BYTES);
	return 1;
}

static void say_seen(char *to, size_t bytes, const struct seen *s, const struct rpl_rec_clone *c)
{
	if (s->error == -EIO)
		snprintf(to, bytes, "cannot be read");
	else if (s->error == -ENODATA)
		snprintf(to, bytes, "is blank");
	else if (s->error)
		snprintf(to, bytes, "is damaged");
	else if (s->id.owner != c->id)
		snprintf(to, bytes, "is of clone %u", s->id.owner);
	else
		snprintf(to, bytes, "is of generation %llu", (unsigned long long)s->id.generation);
}

/* *sum: of the pages that count. False: one is not there. */
static bool check_pages(struct check *ck, const struct object *o, u64 *sum)
{
	const struct rpl_rec_clone *c = &o->rec.clone;
	struct subject s = object_subject(o);
	u8 block[RPL_BLOCK_BYTES];
	bool whole = true;
	u32 nr;

	for (nr = 0; nr < c->bitmap_pages; nr++) {
		struct seen seen[2];
		struct place place = NOWHERE;
		char a[64], b[64];
		int slot = find_slot(ck, c, nr, block, seen);

		if (slot >= 0) {
			*sum += rpl_page_mark(c->bitmap_page + nr, seen[slot].id.generation);
			continue;
		}
		whole = false;
		place.area = "bitmaps";
		place.page = c->bitmap_page + nr;
		place.offset_bytes = (s64)rpl_page_offset(area_of(ck), c->bitmap_page + nr, 0);
		say_seen(a, sizeof(a), &seen[0], c);
		say_seen(b, sizeof(b), &seen[1], c);
		found(ck, FOUND_BITMAP_PAGE, &place, &s,
		      "page %u of the bitmap of clone %u is not there with generation %llu: "
		      "copy A %s, copy B %s",
		      nr, c->id, (unsigned long long)c->bitmap_generation, a, b);
	}
	return whole;
}

/* Do two saved bitmaps use the same pages? */
static void check_shared(struct check *ck, const struct object *o)
{
	const struct rpl_rec_clone *c = &o->rec.clone;
	const struct object *other;
	struct subject s = object_subject(o);

	for (other = ck->object; other < o; other++) {
		const struct rpl_rec_clone *d = &other->rec.clone;

		if (!is_saved(ck, other) || !place_sane(ck, d) ||
		    c->bitmap_page >= d->bitmap_page + d->bitmap_pages ||
		    d->bitmap_page >= c->bitmap_page + c->bitmap_pages)
			continue;
		found(ck, FOUND_BITMAP_SHARED, &o->place, &s,
		      "the bitmaps of clones %u and %u are in the same place", d->id, c->id);
	}
}

static void check_bitmaps(struct check *ck)
{
	struct place place = NOWHERE;
	bool whole = true;
	u64 sum = 0;
	u32 i;

	for (i = 0; i < ck->nr_objects; i++) {
		const struct object *o = &ck->object[i];
		const struct rpl_rec_clone *c = &o->rec.clone;
		struct subject s = object_subject(o);

		if (!is_saved(ck, o))
			continue;
		if (!place_sane(ck, c)) {
			found(ck, FOUND_BITMAP_PLACE, &o->place, &s,
			      "clone %u: its bitmap cannot be at page %u with %u pages", c->id,
			      c->bitmap_page, c->bitmap_pages);
			whole = false;
			continue;
		}
		check_shared(ck, o);
		if (!c->bitmap_generation && !store_has_sums(ck))
			found(ck, FOUND_BITMAP_NONE, &o->place, &s,
			      "clone %u is %s in a store that was closed, but no bitmap of it was "
			      "saved",
			      c->id, "unfinished");
		else
			whole = check_pages(ck, o, &sum) && whole;
	}
	place.area = "bitmaps";
	if (store_has_sums(ck) && store_goes_on(ck) && whole && sum != ck->sb.bitmap_sum)
		found(ck, FOUND_BITMAP_OLDER, &place, NULL,
		      "the bitmaps are not those of generation %llu: the newer copy of a page is "
		      "lost",
		      (unsigned long long)ck->sb.generation);
}

/* ---- as a tree ---- */

/* Runs of copied regions, put together as they come. */
struct runs {
	struct json_object *list; /* [first, last] each */
	u64 from, to; /* of the open one, empty: from == to */
	u64 copied;
};

static void run_close(struct runs *r)
{
	struct json_object *one;

	if (r->from == r->to)
		return;
	one = json_object_new_array();
	json_object_array_add(one, json_object_new_uint64(r->from));
	json_object_array_add(one, json_object_new_uint64(r->to - 1));
	json_object_array_add(r->list, one);
	r->copied += r->to - r->from;
	r->from = r->to;
}

/* The bits of one page; `first` is the region of its first bit, `count` how many there are. */
static void run_add(struct runs *r, const void *block, u64 first, u64 count)
{
	unsigned long bits[BITS_TO_LONGS(RPL_BITS_PER_PAGE)] = { 0 };
	u64 at = 0;

	/* A page alone is a bitmap of its own. */
	rpl_bitmap_decode(block, 0, bits, count);
	while (at < count) {
		u64 from = find_next_bit(bits, count, at);
		u64 to = find_next_zero_bit(bits, count, from);

		if (from < count) {
			if (first + from != r->to) {
				run_close(r);
				r->from = first + from;
			}
			r->to = first + to;
		}
		at = to;
	}
}

static struct json_object *bitmap_tree(struct check *ck, const struct rpl_rec_clone *c)
{
	u64 regions = rpl_nr_regions(c->nr_sectors, ck->sb.chunk_sectors);
	struct json_object *o = json_object_new_object();
	struct json_object *pages = json_object_new_array();
	struct runs runs = { .list = json_object_new_array() };
	u32 nr;

	for (nr = 0; nr < c->bitmap_pages; nr++) {
		u64 first = (u64)nr * RPL_BITS_PER_PAGE;
		struct json_object *page = json_object_new_object();
		u32 index = c->bitmap_page + nr;
		u8 block[RPL_BLOCK_BYTES];
		struct seen seen[2];
		int slot = find_slot(ck, c, nr, block, seen);

		tree_u64(page, "page", index);
		tree_str(page, "slot", slot < 0 ? "none" : slot_name(slot));
		tree_u64(page, "offset_bytes", rpl_page_offset(area_of(ck), index, slot > 0));
		json_object_array_add(pages, page);
		if (slot >= 0)
			run_add(&runs, block, first,
				min_t(u64, RPL_BITS_PER_PAGE, regions - first));
	}
	run_close(&runs);
	tree_u64(o, "clone", c->id);
	tree_u64(o, "generation", c->bitmap_generation);
	tree_u64(o, "regions", regions);
	tree_u64(o, "copied", runs.copied);
	json_object_object_add(o, "copied_regions", runs.list);
	json_object_object_add(o, "pages", pages);
	return o;
}

static void dump_bitmaps(struct check *ck, struct json_object *root)
{
	struct json_object *all = json_object_new_array();
	u32 i;

	for (i = 0; i < ck->nr_objects; i++)
		if (is_saved(ck, &ck->object[i]) && place_sane(ck, &ck->object[i].rec.clone))
			json_object_array_add(all, bitmap_tree(ck, &ck->object[i].rec.clone));
	json_object_object_add(root, "bitmaps", all);
}

const struct section section_bitmaps = {
	.name = "bitmaps",
	.check = check_bitmaps,
	.dump = dump_bitmaps,
};

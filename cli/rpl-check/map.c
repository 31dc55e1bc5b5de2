// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * map.c - the store map: every page that was ever written must be there with the generation that
 * the superblock has summed up, every entry must make sense, and no chunk of the store may have two
 * owners. Of a store that was not closed the journal's facts are filed first, as an opening does.
 */
#include "check.h"

#include <json-c/json.h>
#include <stdlib.h>

#include "../../kmod/journal-format.h"
#include "base/alloc.h"

static struct place page_place(const struct check *ck, u32 page, int slot)
{
	struct place p = NOWHERE;

	p.area = "map";
	p.page = page;
	p.slot = slot;
	p.offset_bytes = (s64)rpl_sb_map_offset(&ck->sb, page, slot > 0);
	return p;
}

/* ---- reading ---- */

static u8 *page_new(void)
{
	return xcalloc(1, RPL_BLOCK_BYTES);
}

/* Both slots; what counts goes into the map. */
static void read_page(struct check *ck, u32 index)
{
	u8 slots[2][RPL_BLOCK_BYTES];
	bool bad[2], stale;
	struct rpl_page_id id;
	struct place place;
	u64 seen = 0;
	int i, slot;

	for (i = 0; i < 2; i++)
		bad[i] = image_read(&ck->image, rpl_sb_map_offset(&ck->sb, index, (unsigned)i),
				    slots[i]);
	slot = rpl_page_choose(bad[0] ? NULL : slots[0], bad[1] ? NULL : slots[1], &ck->sb,
			       RPL_PAGE_MAP, index, &id, &seen, &stale);
	if (slot < 0)
		return;
	ck->map_sum += rpl_page_mark(index, id.generation);
	place = page_place(ck, index, slot);
	if (!rpl_map_page_sane(&ck->map, slots[slot], index, rpl_data_chunks(&ck->sb))) {
		found(ck, FOUND_MAP_PAGE, &place, NULL,
		      "page %u of the map has entries that cannot be", index);
		return;
	}
	ck->map.pages[index] = page_new();
	memcpy(ck->map.pages[index], slots[slot], RPL_BLOCK_BYTES);
}

/* A fact of the journal, as the module files it. */
static void file_fact(struct check *ck, const struct rpl_fact *f)
{
	bool own = f->kind == RPL_FACT_OWN;
	u32 i;

	for (i = 0; (own || f->kind == RPL_FACT_PRESERVED) && i < f->nr; i++) {
		struct rpl_map_entry e = {
			.volume = own ? RPL_MAP_OWN | f->clone_id : f->clone_id,
			.chunk = f->first + i,
			.tag = (u32)f->point,
			.loc = f->loc == RPL_LOC_BAD ? RPL_LOC_BAD : f->loc + i,
		};
		u32 loc = e.loc, missing;
		int r;

		while ((r = rpl_map_insert(&ck->map, &e, &missing)) == -EAGAIN)
			ck->map.pages[missing] = page_new();
		if (r == -ENOSPC || e.loc != loc)
			found(ck, FOUND_MAP_SHARED, NULL, NULL,
			      "the journal has chunk %llu of %s %u in chunk %u of the store, "
			      "which the map does not allow",
			      (unsigned long long)e.chunk, own ? "snapshot" : "volume", f->clone_id,
			      loc);
	}
}

/* ---- owners ---- */

static const char *owner_kind(const struct rpl_map_entry *e)
{
	return e->volume & RPL_MAP_OWN ? "snapshot" : "volume";
}

static u32 owner_id(const struct rpl_map_entry *e)
{
	return e->volume & ~RPL_MAP_OWN;
}

/* A version that does not know of snapshots that are written takes such a store, and loses them. */
static void check_own(struct check *ck, const struct rpl_map_entry *e, const struct place *place)
{
	if (!(e->volume & RPL_MAP_OWN))
		return;
	ck->map_own++;
	if (!(ck->sb.incompat & RPL_INCOMPAT_WRITABLE))
		found(ck, FOUND_MAP_OWN, place, NULL,
		      "chunk %llu of snapshot %u is its own, but the superblock does not say that "
		      "there may be such",
		      (unsigned long long)e->chunk, owner_id(e));
}

static void check_owners(struct check *ck)
{
	u64 chunks = rpl_data_chunks(&ck->sb);
	unsigned long *owned = xcalloc(BITS_TO_LONGS(chunks + 1), sizeof(long));
	struct rpl_map_entry e;
	u32 page, loc, nr;

	/* the map's own pages, of growths */
	for (loc = 1; (loc = rpl_sb_reserved(&ck->sb, loc, &nr)) != RPL_LOC_NONE; loc += nr) {
		ck->map_reserved += nr;
		for (page = 0; page < nr; page++)
			__set_bit(loc + page, owned);
	}
	for (page = 0; page < ck->map.nr_pages; page++) {
		struct place place = page_place(ck, page, -1);

		for (nr = 0; nr < RPL_MAP_ENTRIES; nr++) {
			if (!rpl_map_entry(&ck->map, page, nr, &e))
				continue;
			ck->map_entries++;
			check_own(ck, &e, &place);
			if (e.loc == RPL_LOC_BAD || e.loc > chunks)
				continue;
			if (test_bit(e.loc, owned))
				found(ck, FOUND_MAP_SHARED, &place, NULL,
				      "chunk %u of the store has two owners, one is chunk %llu of "
				      "%s %u",
				      e.loc, (unsigned long long)e.chunk, owner_kind(&e),
				      owner_id(&e));
			else
				ck->map_chunks++;
			__set_bit(e.loc, owned);
		}
	}
	free(owned);
}

static void check_map(struct check *ck)
{
	u64 chunks = rpl_data_chunks(&ck->sb);
	struct place place = NOWHERE;
	u32 i, missing;

	if (!chunks)
		return;
	rpl_map_layout(&ck->map, &ck->sb);
	ck->map.pages = xcalloc(ck->map.nr_pages, sizeof(*ck->map.pages));
	ck->map.dirty = xcalloc(BITS_TO_LONGS(ck->map.nr_pages), sizeof(long));
	for (i = 0; i < ck->map.nr_pages; i++)
		read_page(ck, i);
	place.area = "map";
	if (ck->map_sum != ck->sb.map_sum)
		found(ck, FOUND_MAP_OLDER, &place, NULL,
		      "the map is not the one of generation %llu: a page, or its newer copy, is "
		      "lost",
		      (unsigned long long)ck->sb.generation);
	for (i = 0; i < ck->map.nr_pages; i++)
		while (rpl_map_mend(&ck->map, i, &missing))
			ck->map.pages[missing] = page_new();
	journal_facts(ck, file_fact);
	check_owners(ck);
}

void map_free(struct check *ck)
{
	u32 i;

	for (i = 0; ck->map.pages && i < ck->map.nr_pages; i++)
		free(ck->map.pages[i]);
	free(ck->map.pages);
	free(ck->map.dirty);
}

/* ---- as a tree ---- */

static void dump_map(struct check *ck, struct json_object *root)
{
	struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();
	struct rpl_map_entry e;
	u32 page, nr;

	tree_u64(o, "pages", ck->map.nr_pages);
	tree_u64(o, "chunks", rpl_data_chunks(&ck->sb) - ck->map_reserved);
	tree_u64(o, "entries", ck->map_entries);
	tree_u64(o, "chunks_in_use", ck->map_chunks);
	tree_u64(o, "entries_of_snapshots", ck->map_own);
	for (page = 0; page < ck->map.nr_pages; page++) {
		for (nr = 0; nr < RPL_MAP_ENTRIES; nr++) {
			struct json_object *one;

			if (!rpl_map_entry(&ck->map, page, nr, &e))
				continue;
			one = json_object_new_object();
			tree_u64(one, e.volume & RPL_MAP_OWN ? "snapshot_id" : "volume_id",
				 owner_id(&e));
			tree_u64(one, "chunk", e.chunk);
			tree_u64(one, "tag", e.tag);
			if (e.loc == RPL_LOC_BAD)
				tree_str(one, "at", "lost");
			else
				tree_u64(one, "at", e.loc);
			json_object_array_add(list, one);
		}
	}
	json_object_object_add(o, "list", list);
	json_object_object_add(root, "map", o);
}

const struct section section_map = {
	.name = "map",
	.check = check_map,
	.dump = dump_map,
};

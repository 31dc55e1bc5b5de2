// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz-store.c - superblock, pages, records, map and bitmaps of a store, kmod/format.c and kmod/map.c
 * as the kernel compiles them. The input is what differs from valid blocks: the first byte chooses
 * the kind of block and whether its checksum is made right again (else it would hide all the
 * rest), then three bytes each: place and value. What is accepted is written and read back the same,
 * and everything that the kernel derives from it stays within the store.
 */
#include "../../kmod/format.c"
#include "../../kmod/layout.c"
#include "../../kmod/map.c"
#include "fuzz.h"

static struct rpl_sb store;
static u8 valid[6][RPL_BLOCK_BYTES]; /* by kind of block; 0: superblock, 1 ... objects, bitmap, map */

static void make_objects(void *page)
{
	struct rpl_record rec = { .kind = RPL_RECORD_VOLUME };

	rec.volume = (struct rpl_rec_volume) { .id = 1, .nr_sectors = 1 << 20 };
	rpl_record_encode(page, 0, &rec);
	rec = (struct rpl_record) { .kind = RPL_RECORD_GROUP };
	rec.group = (struct rpl_rec_group) { .uuid = { 1 }, .epoch = 5, .time_ns = 1 };
	rpl_record_encode(page, 1, &rec);
	rec = (struct rpl_record) { .kind = RPL_RECORD_CLONE };
	rec.clone = (struct rpl_rec_clone) { .id = 2,
					     .volume_id = 1,
					     .uuid = { 2 },
					     .group_uuid = { 1 },
					     .state = RPL_STATE_COPYING,
					     .nr_sectors = 1 << 20,
					     .bitmap_pages = 1,
					     .reason = "why" };
	rpl_record_encode(page, 2, &rec);
	rec = (struct rpl_record) { .kind = RPL_RECORD_SNAPSHOT };
	rec.snapshot = (struct rpl_rec_snapshot) { .id = 3,
						   .volume_id = 1,
						   .uuid = { 3 },
						   .group_uuid = { 1 },
						   .state = RPL_STATE_SYNCHRONIZED,
						   .nr_sectors = 1 << 20 };
	rpl_record_encode(page, 3, &rec);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct rpl_page_id id = { .index = 0, .generation = 3 };
	void *pages[1] = { valid[RPL_PAGE_MAP] };
	struct rpl_map map = { .nr_pages = 1, .pages = pages };
	unsigned long dirty = 0, bits[16] = { 0x55 };
	struct rpl_why why;

	(void)argc, (void)argv;
	must(!rpl_sb_plan(&store, 1ULL << 30, 128, 64, &why), "no store can be planned");
	store.uuid[0] = 9;
	store.generation = 7;
	rpl_sb_encode(valid[0], &store, 0);
	make_objects(valid[RPL_PAGE_OBJECTS]);
	rpl_bitmap_encode(valid[RPL_PAGE_BITMAP], 0, bits, 1000);
	map.dirty = &dirty;
	for (u32 i = 0; i < 30; i++) {
		struct rpl_map_entry e = { .volume = 1, .chunk = i, .tag = 4, .loc = i + 1 };
		u32 missing;

		must(!rpl_map_insert(&map, &e, &missing), "the map takes no entry");
	}
	for (id.kind = RPL_PAGE_OBJECTS; id.kind <= RPL_PAGE_MAP; id.kind++)
		rpl_page_seal(valid[id.kind], &store, &id);
	return 0;
}

static void superblock(const u8 *block)
{
	u8 again[RPL_BLOCK_BYTES];
	struct rpl_sb sb, back;
	struct rpl_map all;
	struct rpl_why why = { .text = "" };
	unsigned int copy;
	int r = rpl_sb_decode(block, 0, &sb, &why);

	must(!r || *why.text, "a superblock is refused without a reason");
	must(!rpl_sb_choose(block, NULL, &back, &copy, &why) == !r, "two verdicts on a superblock");
	if (r)
		return;
	rpl_sb_encode(again, &sb, 0);
	must(!rpl_sb_decode(again, 0, &back, &why), "a superblock that was written cannot be read");
	must(!memcmp(&sb, &back, sizeof(sb)), "a superblock comes back as another");
	(void)rpl_sb_fits(&sb, sb.dev_bytes, sb.chunk_sectors, &why);
	for (unsigned int k = 1; k <= RPL_AREA_DATA; k++) {
		const struct rpl_area *area = rpl_sb_area(&sb, (enum rpl_area_kind)k);
		u32 pages = area ? rpl_area_pages(area) : 0;

		if (pages && k != RPL_AREA_DATA && k != RPL_AREA_JOURNAL)
			must(rpl_page_offset(area, pages - 1, 1) + RPL_BLOCK_BYTES <= sb.dev_bytes,
			     "a page is outside of the device");
	}
	must(rpl_data_chunks(&sb) < U32_MAX, "more chunks than numbers");
	rpl_map_layout(&all, &sb);
	must(!all.nr_pages ||
		     rpl_sb_map_offset(&sb, all.nr_pages - 1, 1) + RPL_BLOCK_BYTES <= sb.dev_bytes,
	     "a page of the map outside of the device");
}

/* What stands behind the end of a reason does not count. */
static void cut_reason(struct rpl_record *rec)
{
	char *reason = rec->kind == RPL_RECORD_CLONE	  ? rec->clone.reason
		       : rec->kind == RPL_RECORD_SNAPSHOT ? rec->snapshot.reason
							  : NULL;
	size_t len = reason ? strnlen(reason, RPL_RECORD_REASON) : 0;

	must(len < RPL_RECORD_REASON, "a reason has no end");
	if (reason)
		memset(reason + len, 0, RPL_RECORD_REASON - len);
}

static void records(const u8 *page)
{
	u8 again[RPL_BLOCK_BYTES];

	for (unsigned int i = 0; i < RPL_RECORDS_PER_PAGE; i++) {
		struct rpl_record rec, back;

		memset(&rec, 0, sizeof(rec));
		memset(&back, 0, sizeof(back));
		if (rpl_record_decode(page, i, &rec))
			continue;
		cut_reason(&rec);
		memset(again, 0, sizeof(again));
		rpl_record_encode(again, i, &rec);
		must(!rpl_record_decode(again, i, &back),
		     "a record that was written cannot be read");
		must(!memcmp(&rec, &back, sizeof(rec)), "a record comes back as another");
	}
}

static void map_page(u8 *page)
{
	void *pages[1] = { page };
	unsigned long dirty = 0;
	struct rpl_map map = { .nr_pages = 1, .pages = pages, .dirty = &dirty };
	struct rpl_map_entry e, found;
	u32 missing;

	if (!rpl_map_page_sane(&map, page, 0, 1000))
		return;
	for (u32 i = 0; i < RPL_MAP_ENTRIES; i++) {
		if (!rpl_map_entry(&map, 0, i, &e))
			continue;
		must(e.loc == RPL_LOC_BAD || (e.loc && e.loc <= 1000),
		     "a chunk outside of the store");
		/* that a chain of other pages leads here is believed: an only page has none */
		if (home(&map, 0, e.volume, e.chunk).bucket <= i / BUCKET_ENTRIES)
			must(!rpl_map_lookup(&map, e.volume, e.chunk, e.tag, &found) &&
				     found.tag == e.tag,
			     "an entry is not found");
		must(rpl_map_prev_tag(&map, e.volume, e.chunk, e.tag) < e.tag, "tags go backwards");
	}
	e = (struct rpl_map_entry) { .volume = 2, .chunk = 77, .tag = 9, .loc = 5 };
	if (!rpl_map_insert(&map, &e, &missing))
		must(rpl_map_page_sane(&map, page, 0, 1000), "an insert damages the page");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	unsigned long bits[BITS_TO_LONGS(1000)] = { 0 };
	u8 block[RPL_BLOCK_BYTES];
	struct rpl_page_id id;
	unsigned int kind;
	u64 seen = 0;
	bool stale;

	if (!len)
		return 0;
	kind = data[0] & 3;
	memcpy(block, valid[kind], sizeof(block));
	for (size_t i = 1; i + 3 <= len; i += 3)
		block[(data[i] | data[i + 1] << 8) % RPL_BLOCK_BYTES] = data[i + 2];
	if (!(data[0] & 4)) {
		__le32 crc = cpu_to_le32(block_crc(block));

		memcpy(block, &crc, sizeof(crc)); /* superblock and pages begin with it */
	}
	if (!kind)
		superblock(block);
	else if (!rpl_page_check(block, &store, kind, 0, &id)) {
		(void)rpl_page_choose(block, valid[kind], &store, kind, 0, &id, &seen, &stale);
		if (kind == RPL_PAGE_OBJECTS)
			records(block);
		else if (kind == RPL_PAGE_BITMAP)
			rpl_bitmap_decode(block, 0, bits, 1000);
		else
			map_page(block);
	}
	return 0;
}

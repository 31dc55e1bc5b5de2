// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the areas of a store are, see format.h: of a fresh one, of one that grows, and whether a
 * superblock can be believed. Pure code: the kernel and the tests in user space compile this file.
 */
#include "format.h"
#include "map.h"

/* ---- areas ---- */

static bool overlap(const struct rpl_area *a, const struct rpl_area *b)
{
	return a->offset_bytes < b->offset_bytes + b->length_bytes &&
	       b->offset_bytes < a->offset_bytes + a->length_bytes;
}

/* A part of the map that a growth has put among the chunks of the data. */
static bool lies_in(const struct rpl_area *part, const struct rpl_area *data)
{
	return part->kind == RPL_AREA_MAP && data->kind == RPL_AREA_DATA &&
	       part->offset_bytes >= data->offset_bytes &&
	       part->offset_bytes + part->length_bytes <= data->offset_bytes + data->length_bytes;
}

u64 rpl_sb_map_offset(const struct rpl_sb *sb, u32 index, unsigned int slot)
{
	u32 i;

	for (i = 0; i < RPL_AREAS; i++) {
		const struct rpl_area *a = &sb->area[i];

		if (a->kind != RPL_AREA_MAP)
			continue;
		if (index < rpl_area_pages(a))
			return rpl_page_offset(a, index, slot);
		index -= rpl_area_pages(a);
	}
	return 0;
}

u32 rpl_sb_reserved(const struct rpl_sb *sb, u32 loc, u32 *nr)
{
	const struct rpl_area *data = rpl_sb_area(sb, RPL_AREA_DATA);
	const u32 chunk_bytes = sb->chunk_sectors << 9;
	u32 i, best = RPL_LOC_NONE;

	for (i = 0; data && i < RPL_AREAS; i++) {
		const struct rpl_area *a = &sb->area[i];
		u32 first, last;

		if (!lies_in(a, data) || !a->length_bytes)
			continue;
		first = (u32)div_u64(a->offset_bytes - data->offset_bytes, chunk_bytes) + 1;
		last = (u32)div_u64(a->offset_bytes + a->length_bytes - 1 - data->offset_bytes,
				    chunk_bytes) +
		       1;
		if (last < loc || (best != RPL_LOC_NONE && first >= best))
			continue;
		best = max(first, loc);
		*nr = last - best + 1;
	}
	return best;
}

const struct rpl_area *rpl_sb_area(const struct rpl_sb *sb, enum rpl_area_kind kind)
{
	unsigned int i;

	for (i = 0; i < RPL_AREAS; i++)
		if (sb->area[i].kind == kind)
			return &sb->area[i];
	return NULL;
}

u64 rpl_data_chunks(const struct rpl_sb *sb)
{
	const struct rpl_area *data = rpl_sb_area(sb, RPL_AREA_DATA);

	if (!(sb->incompat & RPL_INCOMPAT_SNAPSHOTS) || !data)
		return 0;
	return div_u64(data->length_bytes, sb->chunk_sectors << 9);
}

u64 rpl_page_offset(const struct rpl_area *area, u32 index, unsigned int slot)
{
	return area->offset_bytes + ((u64)index * 2 + slot) * RPL_BLOCK_BYTES;
}

u32 rpl_area_pages(const struct rpl_area *area)
{
	return (u32)(area->length_bytes / (2 * RPL_BLOCK_BYTES));
}

/* ---- a fresh store ---- */

/* Append an area behind the ones that are there; *end moves to its end. */
static void plan_area(struct rpl_sb *sb, unsigned int nr, enum rpl_area_kind kind, u64 length,
		      u64 *end)
{
	sb->area[nr].kind = kind;
	sb->area[nr].flags = 0;
	sb->area[nr].offset_bytes = *end;
	sb->area[nr].length_bytes = length;
	*end += length;
}

/* Volumes, clones and their groups; snapshots, each with a group of its own at worst. */
static u32 records_wanted(const struct rpl_sb *sb)
{
	return 3 * sb->max_volumes + 2 * sb->max_snapshots;
}

/* Room for records of snapshots: less of it on a device on which it would be much. */
static u32 plan_snapshots(u64 dev_bytes, u32 max_volumes)
{
	const u64 record_bytes = 2ULL * RPL_BLOCK_BYTES / RPL_RECORDS_PER_PAGE;
	u64 room = dev_bytes / 32 / (2 * record_bytes);
	u64 most = min_t(u64, RPL_SNAPSHOTS_PER_VOLUME * max_volumes, RPL_SNAPSHOTS_ALL_MAX);

	return (u32)max_t(u64, RPL_SNAPSHOTS_ALL_MIN, min_t(u64, most, room));
}

/* What is left from `end` on: chunks for old content, and a map for as many of them. */
static void plan_data(struct rpl_sb *sb, u64 end)
{
	const u64 pair = 2ULL * RPL_BLOCK_BYTES;
	const u64 chunk_bytes = (u64)sb->chunk_sectors << 9;
	u64 chunks = (sb->dev_bytes - min_t(u64, end, sb->dev_bytes)) / chunk_bytes;
	u64 map_bytes, data;

	chunks = min_t(u64, chunks, U32_MAX - 1);
	map_bytes = rpl_map_pages(chunks) * pair;
	data = round_up(end + map_bytes, chunk_bytes);
	chunks = data < sb->dev_bytes ? (sb->dev_bytes - data) / chunk_bytes : 0;
	chunks = min_t(u64, chunks, U32_MAX - 1);
	plan_area(sb, 3, RPL_AREA_MAP, map_bytes, &end);
	end = data;
	plan_area(sb, 4, RPL_AREA_DATA, chunks * chunk_bytes, &end);
	end = RPL_SB_B_OFFSET + RPL_BLOCK_BYTES;
	plan_area(sb, 5, RPL_AREA_MAP_INDEX, RPL_MAP_INDEX_BYTES, &end);
}

int rpl_sb_plan(struct rpl_sb *sb, u64 dev_bytes, u32 chunk_sectors, u32 max_volumes,
		struct rpl_why *why)
{
	const u64 pair = 2ULL * RPL_BLOCK_BYTES;
	u64 end = 2ULL * RPL_SB_B_OFFSET;
	u64 pages;

	dev_bytes = round_down(dev_bytes, (u64)RPL_BLOCK_BYTES);
	if (dev_bytes < RPL_MIN_STORE_BYTES) {
		rpl_why(why, 0,
			"the store's device is too small: %llu bytes, at least %llu are needed",
			(unsigned long long)dev_bytes, (unsigned long long)RPL_MIN_STORE_BYTES);
		return -ENOSPC;
	}
	memset(sb, 0, sizeof(*sb));
	sb->generation = 1;
	sb->chunk_sectors = chunk_sectors;
	sb->max_volumes = max_volumes;
	sb->max_snapshots = plan_snapshots(dev_bytes, max_volumes);
	sb->incompat = RPL_INCOMPAT_SNAPSHOTS;
	sb->dev_bytes = dev_bytes;
	pages = DIV_ROUND_UP(records_wanted(sb), RPL_RECORDS_PER_PAGE);
	plan_area(sb, 0, RPL_AREA_OBJECTS, pages * pair, &end);
	plan_area(sb, 1, RPL_AREA_BITMAPS,
		  round_down(clamp_t(u64, dev_bytes / 32, 4ULL << 20, 1ULL << 30), pair), &end);
	plan_area(sb, 2, RPL_AREA_JOURNAL,
		  round_down(clamp_t(u64, dev_bytes / 16, 1ULL << 20, 64ULL << 20), pair), &end);
	plan_data(sb, end);
	return 0;
}

/* ---- sanity ---- */

static bool may_be_twice(const struct rpl_sb *sb, u32 kind)
{
	return kind == RPL_AREA_MAP && (sb->incompat & RPL_INCOMPAT_GROWN);
}

static bool pair_sane(const struct rpl_sb *sb, const struct rpl_area *a, const struct rpl_area *b)
{
	if (a->kind == RPL_AREA_NONE || b->kind == RPL_AREA_NONE)
		return true;
	if (a->kind == b->kind && !may_be_twice(sb, a->kind))
		return false;
	if (!overlap(a, b))
		return true;
	return (sb->incompat & RPL_INCOMPAT_GROWN) && (lies_in(a, b) || lies_in(b, a));
}

/* Inside the device, behind the superblocks, in whole blocks, apart from each other. */
static bool areas_sane(const struct rpl_sb *sb)
{
	unsigned int i, k;

	for (i = 0; i < RPL_AREAS; i++) {
		const struct rpl_area *a = &sb->area[i];

		if (a->kind == RPL_AREA_NONE)
			continue;
		if (a->offset_bytes % RPL_BLOCK_BYTES || a->length_bytes % RPL_BLOCK_BYTES ||
		    a->offset_bytes < RPL_SB_B_OFFSET + RPL_BLOCK_BYTES ||
		    a->offset_bytes > sb->dev_bytes ||
		    a->length_bytes > sb->dev_bytes - a->offset_bytes)
			return false;
		for (k = 0; k < i; k++)
			if (!pair_sane(sb, a, &sb->area[k]))
				return false;
	}
	return true;
}

/* Has each part of the map a page, and all together as many as are wanted? */
static bool map_parts_sane(const struct rpl_sb *sb, u32 wanted)
{
	u64 pages = 0;
	u32 i;

	for (i = 0; i < RPL_AREAS; i++) {
		if (sb->area[i].kind != RPL_AREA_MAP)
			continue;
		if (sb->area[i].length_bytes < 2 * RPL_BLOCK_BYTES)
			return false;
		pages += sb->area[i].length_bytes / (2 * RPL_BLOCK_BYTES);
	}
	return pages >= wanted && pages <= U32_MAX;
}

static bool snapshots_sane(const struct rpl_sb *sb)
{
	const struct rpl_area *index = rpl_sb_area(sb, RPL_AREA_MAP_INDEX);
	const struct rpl_area *map = rpl_sb_area(sb, RPL_AREA_MAP);
	const struct rpl_area *data = rpl_sb_area(sb, RPL_AREA_DATA);
	u64 chunk_bytes = (u64)sb->chunk_sectors << 9;

	if (!(sb->incompat & RPL_INCOMPAT_SNAPSHOTS))
		return !sb->max_snapshots && !(sb->incompat & RPL_INCOMPAT_GROWN);
	return sb->max_snapshots && sb->max_snapshots <= RPL_SNAPSHOTS_ALL_MAX && map && data &&
	       data->offset_bytes % chunk_bytes == 0 && data->length_bytes % chunk_bytes == 0 &&
	       data->length_bytes / chunk_bytes < U32_MAX &&
	       (!index || index->length_bytes <= RPL_MAP_INDEX_BYTES) &&
	       map_parts_sane(sb, rpl_map_pages(data->length_bytes / chunk_bytes));
}

bool rpl_sb_sane(const struct rpl_sb *sb)
{
	const struct rpl_area *objects = rpl_sb_area(sb, RPL_AREA_OBJECTS);
	const struct rpl_area *bitmaps = rpl_sb_area(sb, RPL_AREA_BITMAPS);

	return sb->generation && sb->generation <= RPL_GENERATION_MAX &&
	       !(sb->flags & ~RPL_SB_FLAGS) && is_power_of_2(sb->chunk_sectors) &&
	       sb->chunk_sectors >= RPL_CHUNK_SECTORS_MIN &&
	       sb->chunk_sectors <= RPL_CHUNK_SECTORS_MAX && sb->max_volumes &&
	       sb->max_volumes <= RPL_VOLUMES_MAX && sb->dev_bytes >= RPL_MIN_STORE_BYTES &&
	       sb->dev_bytes <= (u64)S64_MAX && areas_sane(sb) && objects && bitmaps &&
	       objects->length_bytes <= RPL_OBJECTS_BYTES_MAX &&
	       bitmaps->length_bytes <= RPL_BITMAPS_BYTES_MAX &&
	       rpl_area_pages(objects) * RPL_RECORDS_PER_PAGE >= records_wanted(sb) &&
	       snapshots_sane(sb);
}

int rpl_sb_fits(const struct rpl_sb *sb, u64 dev_bytes, u32 chunk_sectors, struct rpl_why *why)
{
	if (sb->chunk_sectors != chunk_sectors) {
		rpl_why(why, 0, "the store has chunks of %u sectors, the table line says %u",
			sb->chunk_sectors, chunk_sectors);
		return -EINVAL;
	}
	if (dev_bytes < sb->dev_bytes) {
		rpl_why(why, 0, "the store needs %llu bytes, its device has only %llu",
			(unsigned long long)sb->dev_bytes, (unsigned long long)dev_bytes);
		return -ENOSPC;
	}
	return 0;
}

/* ---- the map's memory ---- */

static int map_too_large(u64 pages, u32 max_pages, struct rpl_why *why)
{
	rpl_why(why, 0,
		"its map may take %llu KiB of memory, %llu are allowed, see max_map_memory_bytes",
		(unsigned long long)(pages * (RPL_BLOCK_BYTES >> 10)),
		(unsigned long long)max_pages * (RPL_BLOCK_BYTES >> 10));
	return -ENOMEM;
}

int rpl_sb_map_fits(const struct rpl_sb *sb, u32 max_pages, struct rpl_why *why)
{
	struct rpl_map m;

	rpl_map_layout(&m, sb);
	return m.nr_pages <= max_pages ? 0 : map_too_large(m.nr_pages, max_pages, why);
}

/* ---- growth ---- */

void rpl_map_layout(struct rpl_map *m, const struct rpl_sb *sb)
{
	u32 i, parts = 0;

	memset(m, 0, sizeof(*m));
	if (!(sb->incompat & RPL_INCOMPAT_GROWN)) {
		if (rpl_data_chunks(sb))
			m->nr_pages = rpl_map_pages(rpl_data_chunks(sb));
		return;
	}
	for (i = 0; i < RPL_AREAS; i++) {
		if (sb->area[i].kind != RPL_AREA_MAP)
			continue;
		if (parts++)
			m->added[m->nr_added++] = m->nr_pages;
		m->nr_pages += rpl_area_pages(&sb->area[i]);
	}
}

/* The map as it is: its first area had room for more pages than it has. */
static u32 fix_map(struct rpl_sb *sb)
{
	struct rpl_map m;
	u32 i;

	rpl_map_layout(&m, sb);
	for (i = 0; !(sb->incompat & RPL_INCOMPAT_GROWN) && i < RPL_AREAS; i++)
		if (sb->area[i].kind == RPL_AREA_MAP)
			sb->area[i].length_bytes = 2ULL * RPL_BLOCK_BYTES * m.nr_pages;
	sb->incompat |= RPL_INCOMPAT_GROWN;
	return m.nr_pages;
}

/*
 * Pages for a new part of the map, of which `least` are needed for the chunks that come. More make
 * the next growths do without a part: for four times as many chunks, or an eighth of the space, or
 * what memory there may be for it.
 */
static u32 part_pages(u64 least, u64 best, u64 most, u64 added_bytes)
{
	const u64 pair = 2ULL * RPL_BLOCK_BYTES;

	best = min_t(u64, best, div_u64(added_bytes, 8 * (u32)pair));
	return (u32)max_t(u64, least, min_t(u64, best, most));
}

/* Room in the map for so many chunks; a new part begins at `at`. Bytes of it, or -errno. */
static s64 grow_map(struct rpl_sb *sb, u64 chunks, u64 at, u64 added_bytes, u32 max_pages,
		    struct rpl_why *why)
{
	u32 have = fix_map(sb), need = rpl_map_pages(chunks), i;
	struct rpl_area *a = NULL;

	if (need <= have)
		return 0;
	for (i = 0; i < RPL_AREAS && !a; i++)
		if (sb->area[i].kind == RPL_AREA_NONE)
			a = &sb->area[i];
	if (!a) {
		rpl_why(why, 0, "the store has grown too often: its superblock has no room left");
		return -ENOSPC;
	}
	if (need > max_pages)
		return map_too_large(need, max_pages, why);
	a->kind = RPL_AREA_MAP;
	a->flags = 0;
	a->offset_bytes = at;
	a->length_bytes = 2ULL * RPL_BLOCK_BYTES *
			  part_pages(need - have, 4ULL * need, max_pages - have, added_bytes);
	return (s64)a->length_bytes;
}

int rpl_sb_grow(struct rpl_sb *sb, u64 dev_bytes, u32 max_pages, struct rpl_why *why)
{
	const u64 chunk_bytes = (u64)sb->chunk_sectors << 9;
	struct rpl_sb grown = *sb;
	struct rpl_area *data = NULL;
	u64 chunks, added, end;
	s64 part;
	u32 i;

	dev_bytes = round_down(dev_bytes, (u64)RPL_BLOCK_BYTES);
	if (dev_bytes < sb->dev_bytes) {
		rpl_why(why, 0, "the store needs %llu bytes, its device has only %llu",
			(unsigned long long)sb->dev_bytes, (unsigned long long)dev_bytes);
		return -ENOSPC;
	}
	for (i = 0; i < RPL_AREAS && !data; i++)
		if (grown.area[i].kind == RPL_AREA_DATA)
			data = &grown.area[i];
	if (!rpl_data_chunks(sb) || !data)
		return 0;
	chunks = div_u64(dev_bytes - data->offset_bytes, (u32)chunk_bytes);
	chunks = min_t(u64, chunks, U32_MAX - 1);
	if (chunks <= rpl_data_chunks(sb))
		return 0;
	added = (chunks - rpl_data_chunks(sb)) * chunk_bytes;
	end = data->offset_bytes + data->length_bytes;
	part = grow_map(&grown, chunks, end, added, max_pages, why);
	if (part < 0)
		return (int)part;
	if ((u64)part + chunk_bytes > added)
		return 0;
	data->length_bytes = chunks * chunk_bytes;
	grown.dev_bytes = dev_bytes;
	*sb = grown;
	return 0;
}

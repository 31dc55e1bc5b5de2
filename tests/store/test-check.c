// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-check.c - rpl-check on images of stores: a whole one has no findings, and each damage is
 * named with its page, slot, offset and object.
 */
#include "kit.h"

#include <json-c/json.h>
#include <unistd.h>

#define ANY -2 /* of a place: not looked at */

/* ---- looking ---- */

/* One finding that is about this place; slot may be ANY. */
static const struct finding *the(struct check *ck, enum finding_code code, const char *area,
				 s64 page, s64 slot, s64 offset)
{
	for (u32 i = 0; i < ck->nr_findings; i++) {
		const struct finding *f = &ck->finding[i];

		if (f->code == code && !strcmp(f->place.area ? f->place.area : "", area) &&
		    f->place.page == page && (slot == ANY || f->place.slot == slot) &&
		    (offset == ANY || f->place.offset_bytes == offset)) {
			assert_true(strlen(f->text) > 10);
			return f;
		}
	}
	show(ck);
	fail_msg("no %s at %s page %lld slot %lld offset %lld", finding_name(code), area,
		 (long long)page, (long long)slot, (long long)offset);
	return NULL;
}

static void about(const struct finding *f, const char *kind, u32 id, const u8 *uuid)
{
	assert_string_equal(f->subject.kind, kind);
	assert_int_equal(f->subject.id, id);
	assert_int_equal(f->has_uuid, uuid != NULL);
	if (uuid)
		assert_memory_equal(f->uuid, uuid, RPL_UUID_LEN);
}

static void nr_findings(struct check *ck, u32 nr, enum level level)
{
	if (ck->nr_findings != nr || check_level(ck) != level)
		show(ck);
	assert_int_equal(ck->nr_findings, nr);
	assert_int_equal(check_level(ck), level);
}

/* Member `key` of element nr of the list `list`. */
static struct json_object *element(struct json_object *root, const char *list, size_t nr,
				   const char *key)
{
	struct json_object *a = member(root, list);

	assert_true(nr < json_object_array_length(a));
	return member(json_object_array_get_idx(a, nr), key);
}

/* ---- whole stores ---- */

static void a_fresh_store_is_clean(void **state)
{
	/* Slot B of the object table still holds what was there before. */
	const int before[] = { 0, 0xe5, 0xff };

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(before); i++) {
		struct store s;
		struct check ck;

		store_format(&s, BYTES, VOLUMES, before[i]);
		ck = look(&s);
		nr_findings(&ck, 0, LEVEL_NOTE);
		assert_int_equal(ck.nr_objects, 0);
		assert_int_equal(ck.nr_pages, 12);
		check_free(&ck);
		store_free(&s);
	}
}

static void a_closed_store_is_clean_and_shown_whole(void **state)
{
	struct json_object *root, *bitmap;
	struct store s;
	struct check ck;

	(void)state;
	store_closed(&s);
	ck = look(&s);
	nr_findings(&ck, 0, LEVEL_NOTE);
	assert_int_equal(ck.nr_objects, 5);
	root = check_tree(&ck);
	assert_int_equal(json_object_get_int64(member(member(root, "store"), "generation")),
			 s.sb.generation);
	assert_int_equal(json_object_array_length(member(root, "superblocks")), 2);
	assert_int_equal(json_object_array_length(element(root, "superblocks", 0, "areas")), 6);
	assert_int_equal(json_object_array_length(member(root, "object_pages")), 12);
	assert_int_equal(json_object_array_length(member(root, "volumes")), 1);
	assert_int_equal(json_object_array_length(member(root, "groups")), 1);
	assert_int_equal(json_object_array_length(member(root, "clones")), 3);
	assert_string_equal(json_object_get_string(element(root, "clones", 2, "state")), "copying");
	assert_string_equal(json_object_get_string(element(root, "clones", 2, "uuid")),
			    "03030300-0000-0000-0000-000000000000");
	bitmap = member(root, "bitmaps");
	assert_int_equal(json_object_array_length(bitmap), 2);
	assert_int_equal(json_object_get_int64(element(root, "bitmaps", 1, "regions")), 80000);
	assert_int_equal(json_object_get_int64(element(root, "bitmaps", 1, "copied")), 26700);
	assert_int_equal(json_object_array_length(element(root, "bitmaps", 1, "copied_regions")),
			 267);
	assert_int_equal(json_object_get_int(member(root, "exit_status")), 0);
	json_object_put(root);
	check_free(&ck);
	store_free(&s);
}

/* Opened, worked with and closed again and again: every slot has been written. */
static void a_store_with_a_long_life_is_clean(void **state)
{
	struct store s;

	(void)state;
	store_used(&s);
	for (u32 i = 0; i < 20; i++) {
		struct check ck;

		s.rec[0].volume.nr_sectors++;
		s.rec[RPL_RECORDS_PER_PAGE].clone.bad_bytes++;
		store_commit(&s, RPL_SB_OPEN | RPL_SB_VOLATILE);
		ck = look(&s);
		nr_findings(&ck, 3, LEVEL_MENDED);
		check_free(&ck);
		store_close(&s);
		ck = look(&s);
		nr_findings(&ck, 0, LEVEL_NOTE);
		check_free(&ck);
	}
	store_free(&s);
}

static void a_store_that_was_never_closed_says_what_is_lost(void **state)
{
	struct store s;
	struct check ck;

	(void)state;
	store_used(&s);
	ck = look(&s);
	nr_findings(&ck, 3, LEVEL_MENDED);
	the(&ck, FOUND_NOT_CLOSED, "superblocks", -1, s.copy, s.copy ? RPL_SB_B_OFFSET : 0);
	about(the(&ck, FOUND_CLONE_UNFINISHED, "objects", 0, ANY, ANY), "clone", SUSPENDED,
	      clone_uuid[0]);
	about(the(&ck, FOUND_CLONE_UNFINISHED, "objects", 1, ANY, ANY), "clone", COPYING,
	      clone_uuid[2]);
	check_free(&ck);
	s.rec[2].clone.state = RPL_STATE_ABORTED;
	s.rec[RPL_RECORDS_PER_PAGE].clone.state = RPL_STATE_FAILED;
	store_commit(&s, RPL_SB_OPEN | RPL_SB_FAILED);
	ck = look(&s);
	nr_findings(&ck, 2, LEVEL_MENDED);
	the(&ck, FOUND_STORE_FAILED, "superblocks", -1, ANY, ANY);
	check_free(&ck);
	store_free(&s);
}

/* ---- every block of metadata, flipped ---- */

static void a_flipped_superblock_is_named(void **state)
{
	struct store s;
	struct check ck;

	(void)state;
	store_closed(&s);
	for (u32 copy = 0; copy < RPL_SB_COPIES; copy++) {
		u64 start = copy ? RPL_SB_B_OFFSET : 0;

		for (u32 at = 0; at < RPL_BLOCK_BYTES; at += at < 640 ? 7 : 511) {
			store_flip(&s, start + at);
			ck = look(&s);
			the(&ck, FOUND_SUPERBLOCK_LOST, "superblocks", -1, copy, (s64)start);
			/* It may have said "open": what is unfinished will not be trusted. */
			the(&ck, FOUND_CLONE_UNFINISHED, "objects", 0, ANY, ANY);
			assert_int_equal(check_level(&ck),
					 copy == s.copy ? check_level(&ck) : LEVEL_MENDED);
			check_free(&ck);
			store_flip(&s, start + at);
		}
	}
	store_flip(&s, 100);
	store_flip(&s, RPL_SB_B_OFFSET + 100);
	ck = look(&s);
	nr_findings(&ck, 1, LEVEL_DAMAGE);
	the(&ck, FOUND_SUPERBLOCKS_DAMAGED, "superblocks", -1, -1, -1);
	check_free(&ck);
	store_free(&s);
}

static void a_flipped_object_page_is_named(void **state)
{
	struct store s;
	struct check ck;

	(void)state;
	store_closed(&s);
	for (u32 page = 0; page < 2; page++) {
		u64 at[2];

		for (u32 slot = 0; slot < 2; slot++) {
			at[slot] = store_page_offset(&s, RPL_AREA_OBJECTS, page, slot);
			store_flip(&s, at[slot] + 700);
			ck = look(&s);
			the(&ck, FOUND_PAGE_SLOT, "objects", page, slot, (s64)at[slot]);
			/* The older copy has no saved bitmaps. */
			if (slot == s.slot[page])
				the(&ck, FOUND_BITMAP_NONE, "objects", page, 1 - slot, ANY);
			else
				nr_findings(&ck, 1, LEVEL_MENDED);
			check_free(&ck);
			store_flip(&s, at[slot] + 700);
		}
		store_flip(&s, at[0] + 4000);
		store_flip(&s, at[1]);
		ck = look(&s);
		the(&ck, FOUND_PAGE_LOST, "objects", page, -1, (s64)at[0]);
		assert_int_equal(check_level(&ck), LEVEL_DAMAGE);
		check_free(&ck);
		store_flip(&s, at[0] + 4000);
		store_flip(&s, at[1]);
	}
	/* A page that was never used: slot A is all there is. */
	store_flip(&s, store_page_offset(&s, RPL_AREA_OBJECTS, 3, 0) + 12);
	ck = look(&s);
	nr_findings(&ck, 1, LEVEL_DAMAGE);
	the(&ck, FOUND_PAGE_LOST, "objects", 3, -1, ANY);
	check_free(&ck);
	store_free(&s);
}

static void a_flipped_bitmap_page_is_named(void **state)
{
	struct store s;
	struct check ck;

	(void)state;
	store_closed(&s);
	for (u32 page = 0; page < 4; page++) {
		u64 at = store_page_offset(&s, RPL_AREA_BITMAPS, page, s.bitmap_slot[page]);
		u64 place = store_page_offset(&s, RPL_AREA_BITMAPS, page, 0);

		for (u32 byte = 0; byte < RPL_BLOCK_BYTES; byte += 97) {
			const struct finding *f;

			store_flip(&s, at + byte);
			ck = look(&s);
			nr_findings(&ck, 1, LEVEL_DAMAGE);
			f = the(&ck, FOUND_BITMAP_PAGE, "bitmaps", page, -1, (s64)place);
			about(f, "clone", page ? COPYING : SUSPENDED, clone_uuid[page ? 2 : 0]);
			check_free(&ck);
			store_flip(&s, at + byte);
		}
		/* The other slot counts for nobody. */
		store_flip(&s,
			   store_page_offset(&s, RPL_AREA_BITMAPS, page, 1 - s.bitmap_slot[page]));
	}
	ck = look(&s);
	nr_findings(&ck, 0, LEVEL_NOTE);
	check_free(&ck);
	store_free(&s);
}

/* ---- cut, exchanged, put back ---- */

static void a_truncated_image_is_never_clean(void **state)
{
	struct store s, cut;
	struct check ck;

	(void)state;
	store_closed(&s);
	store_copy(&cut, &s);
	for (u64 bytes = BYTES - 512; bytes >= RPL_BLOCK_BYTES;
	     bytes = bytes > (2 << 20) ? bytes - 987654 : bytes - min(bytes, 6144ULL)) {
		assert_int_equal(ftruncate(cut.fd, (off_t)bytes), 0);
		ck = look(&cut);
		if (s.copy == 1 && bytes < RPL_SB_B_OFFSET + RPL_BLOCK_BYTES)
			the(&ck, FOUND_SUPERBLOCK_LOST, "superblocks", -1, 1, RPL_SB_B_OFFSET);
		the(&ck, FOUND_DEVICE_SHORT, "", -1, -1, -1);
		assert_int_equal(check_level(&ck), LEVEL_DAMAGE);
		check_free(&ck);
	}
	assert_int_equal(ftruncate(cut.fd, 0), 0);
	ck = look(&cut);
	nr_findings(&ck, 1, LEVEL_UNKNOWN);
	the(&ck, FOUND_UNREADABLE, "superblocks", -1, -1, -1);
	check_free(&ck);
	store_free(&cut);
	store_free(&s);
}

static void exchanged_blocks_are_named(void **state)
{
	struct store s;
	struct check ck;
	u64 a, b;

	(void)state;
	store_closed(&s);
	store_swap(&s, 0, RPL_SB_B_OFFSET);
	ck = look(&s);
	nr_findings(&ck, 1, LEVEL_DAMAGE);
	the(&ck, FOUND_SUPERBLOCKS_DAMAGED, "superblocks", -1, -1, -1);
	check_free(&ck);
	store_swap(&s, 0, RPL_SB_B_OFFSET);

	for (u32 slot = 0; slot < 2; slot++)
		store_swap(&s, store_page_offset(&s, RPL_AREA_OBJECTS, 0, slot),
			   store_page_offset(&s, RPL_AREA_OBJECTS, 1, slot));
	ck = look(&s);
	the(&ck, FOUND_PAGE_LOST, "objects", 0, -1, ANY);
	the(&ck, FOUND_PAGE_LOST, "objects", 1, -1, ANY);
	check_free(&ck);
	for (u32 slot = 0; slot < 2; slot++)
		store_swap(&s, store_page_offset(&s, RPL_AREA_OBJECTS, 0, slot),
			   store_page_offset(&s, RPL_AREA_OBJECTS, 1, slot));

	/* Two slots of one page: the generation tells, and nothing is lost. */
	store_swap(&s, store_page_offset(&s, RPL_AREA_OBJECTS, 0, 0),
		   store_page_offset(&s, RPL_AREA_OBJECTS, 0, 1));
	ck = look(&s);
	nr_findings(&ck, 0, LEVEL_NOTE);
	check_free(&ck);

	a = store_page_offset(&s, RPL_AREA_BITMAPS, 1, s.bitmap_slot[1]);
	b = store_page_offset(&s, RPL_AREA_BITMAPS, 2, s.bitmap_slot[2]);
	store_swap(&s, a, b);
	ck = look(&s);
	nr_findings(&ck, 2, LEVEL_DAMAGE);
	the(&ck, FOUND_BITMAP_PAGE, "bitmaps", 1, -1, ANY);
	the(&ck, FOUND_BITMAP_PAGE, "bitmaps", 2, -1, ANY);
	check_free(&ck);
	store_free(&s);
}

/* A block as it was some generations ago. */
static void replayed_blocks_are_named(void **state)
{
	u8 old[2][RPL_BLOCK_BYTES], bitmap[RPL_BLOCK_BYTES];
	struct store first, s;
	struct check ck;

	(void)state;
	store_closed(&first);
	store_copy(&s, &first);
	for (u32 i = 0; i < 2; i++) {
		s.rec[0].volume.nr_sectors++;
		s.rec[RPL_RECORDS_PER_PAGE].clone.bad_bytes++;
		store_commit(&s, RPL_SB_OPEN | RPL_SB_VOLATILE);
		store_close(&s);
	}
	store_read(&first, 0, old[0]);
	store_read(&first, RPL_SB_B_OFFSET, old[1]);

	/* One superblock: the newer one counts. Both: the pages are of a time that they do not know. */
	store_write(&s, s.copy ? 0 : RPL_SB_B_OFFSET, old[1 - s.copy]);
	ck = look(&s);
	nr_findings(&ck, 0, LEVEL_NOTE);
	check_free(&ck);
	store_write(&s, 0, old[0]);
	store_write(&s, RPL_SB_B_OFFSET, old[1]);
	ck = look(&s);
	the(&ck, FOUND_PAGE_AHEAD, "objects", 0, -1, ANY);
	the(&ck, FOUND_PAGE_AHEAD, "objects", 1, -1, ANY);
	check_free(&ck);

	/* A bitmap page of an earlier close. */
	store_free(&s);
	store_copy(&s, &first);
	store_read(&s, store_page_offset(&s, RPL_AREA_BITMAPS, 2, s.bitmap_slot[2]), bitmap);
	store_close(&s);
	store_close(&s);
	store_write(&s, store_page_offset(&s, RPL_AREA_BITMAPS, 2, s.bitmap_slot[2]), bitmap);
	ck = look(&s);
	nr_findings(&ck, 1, LEVEL_DAMAGE);
	about(the(&ck, FOUND_BITMAP_PAGE, "bitmaps", 2, -1, ANY), "clone", COPYING, clone_uuid[2]);
	assert_non_null(strstr(ck.finding[0].text, "is of generation"));
	check_free(&ck);
	store_free(&s);
	store_free(&first);
}

/* A change that was cut off before its superblock, after one of its pages. */
static void a_change_that_was_cut_off_is_told(void **state)
{
	u8 sb[2][RPL_BLOCK_BYTES];
	struct store s;
	struct check ck;

	(void)state;
	store_closed(&s);
	store_read(&s, 0, sb[0]);
	store_read(&s, RPL_SB_B_OFFSET, sb[1]);
	s.rec[0].volume.nr_sectors++;
	store_commit(&s, RPL_SB_OPEN);
	store_write(&s, 0, sb[0]);
	store_write(&s, RPL_SB_B_OFFSET, sb[1]);
	ck = look(&s);
	nr_findings(&ck, 1, LEVEL_MENDED);
	the(&ck, FOUND_PAGE_LEFT_OVER, "objects", 0, s.slot[0],
	    (s64)store_page_offset(&s, RPL_AREA_OBJECTS, 0, s.slot[0]));
	check_free(&ck);
	store_free(&s);
}

/* ---- with right checksums ---- */

/* The closed store with one record replaced. */
static struct check forged(u32 nr, struct rpl_record rec)
{
	struct store s;
	struct check ck;

	store_closed(&s);
	if (rec.kind == RPL_RECORD_CLONE && rec.clone.bitmap_pages && !rec.clone.bitmap_generation)
		rec.clone.bitmap_generation = s.sb.generation;
	store_forge(&s, nr, &rec);
	ck = look(&s);
	store_free(&s);
	return ck;
}

static void impossible_records_are_named(void **state)
{
	const u8 other[RPL_UUID_LEN] = { 7 };
	struct rpl_record rec, copying;
	struct store s;
	struct check ck;

	(void)state;
	store_closed(&s);
	copying = s.rec[RPL_RECORDS_PER_PAGE];
	rec = s.rec[2];

	rec.clone.volume_id = 77;
	ck = forged(2, rec);
	about(the(&ck, FOUND_CLONE_VOLUME, "objects", 0, ANY, ANY), "clone", SUSPENDED,
	      clone_uuid[0]);
	check_free(&ck);
	rec = s.rec[2];
	memcpy(rec.clone.group_uuid, other, RPL_UUID_LEN);
	ck = forged(2, rec);
	the(&ck, FOUND_CLONE_GROUP, "objects", 0, ANY, ANY);
	check_free(&ck);
	rec = s.rec[2];
	rec.clone.state = RPL_STATE_DETACHED;
	ck = forged(2, rec);
	assert_int_equal(the(&ck, FOUND_RECORD_DAMAGED, "objects", 0, ANY, ANY)->place.record, 2);
	check_free(&ck);
	ck = forged(5, s.rec[2]);
	assert_int_equal(the(&ck, FOUND_RECORD_TWICE, "objects", 0, ANY, ANY)->place.record, 5);
	the(&ck, FOUND_BITMAP_SHARED, "objects", 0, ANY, ANY);
	check_free(&ck);
	ck = forged(5, a_volume(9));
	nr_findings(&ck, 1, LEVEL_MENDED);
	about(the(&ck, FOUND_VOLUME_UNUSED, "objects", 0, ANY, ANY), "volume", 9, NULL);
	check_free(&ck);
	rec = a_group(other);
	rec.group.epoch = 2;
	ck = forged(5, rec);
	about(the(&ck, FOUND_GROUP_EPOCH, "objects", 0, ANY, ANY), "group", 0, other);
	check_free(&ck);
	rec.group.epoch = 1;
	ck = forged(5, rec);
	nr_findings(&ck, 1, LEVEL_MENDED);
	the(&ck, FOUND_GROUP_EMPTY, "objects", 0, ANY, ANY);
	check_free(&ck);

	rec = copying;
	rec.clone.bitmap_page = U32_MAX;
	ck = forged(RPL_RECORDS_PER_PAGE, rec);
	the(&ck, FOUND_BITMAP_PLACE, "objects", 1, ANY, ANY);
	check_free(&ck);
	rec.clone.bitmap_page = 0;
	ck = forged(RPL_RECORDS_PER_PAGE, rec);
	the(&ck, FOUND_BITMAP_SHARED, "objects", 1, ANY, ANY);
	check_free(&ck);
	rec = copying;
	rec.clone.nr_sectors = RPL_VOLUME_SECTORS_MAX;
	ck = forged(RPL_RECORDS_PER_PAGE, rec);
	the(&ck, FOUND_CLONE_SIZE, "objects", 1, ANY, ANY);
	check_free(&ck);
	store_free(&s);
}

static struct rpl_record a_snapshot(u32 id)
{
	struct rpl_record rec = { .kind = RPL_RECORD_SNAPSHOT };

	rec.snapshot.id = id;
	rec.snapshot.volume_id = 1;
	rec.snapshot.state = RPL_STATE_SYNCHRONIZED;
	rec.snapshot.nr_sectors = 1 << 20;
	rec.snapshot.uuid[0] = 5;
	memcpy(rec.snapshot.group_uuid, group_uuid, RPL_UUID_LEN);
	return rec;
}

/* With a snapshot, and a map that names four chunks of the store. */
static void store_snapped(struct store *s)
{
	struct rpl_map_entry e[4];

	store_used(s);
	s->rec[5] = a_snapshot(201);
	for (u32 i = 0; i < ARRAY_SIZE(e); i++)
		e[i] = (struct rpl_map_entry) { 1, i, 1, i == 3 ? RPL_LOC_BAD : i + 1 };
	store_map_page(s, 0, e, ARRAY_SIZE(e));
	store_close(s);
}

/* What was written to a snapshot: only in a store that says that there may be such. */
static void a_written_snapshot_is_checked(void **state)
{
	struct rpl_map_entry e[2] = { { 1, 0, 1, 1 }, { RPL_MAP_OWN | 201, 0, 1, 2 } };
	struct json_object *tree, *list;
	struct store s;
	struct check ck;

	(void)state;
	store_snapped(&s);
	store_map_page(&s, 0, e, 2);
	store_commit(&s, 0);
	ck = look(&s);
	nr_findings(&ck, 1, LEVEL_MENDED);
	the(&ck, FOUND_MAP_OWN, "map", 0, ANY, ANY);
	check_free(&ck);

	s.sb.incompat |= RPL_INCOMPAT_WRITABLE;
	store_map_page(&s, 0, e, 2);
	store_commit(&s, 0);
	ck = look(&s);
	nr_findings(&ck, 0, LEVEL_NOTE);
	tree = check_tree(&ck);
	list = member(member(tree, "map"), "list");
	assert_int_equal(json_object_array_length(list), 2);
	assert_int_equal(json_object_get_int64(member(member(tree, "map"), "entries_of_snapshots")),
			 1);
	json_object_put(tree);
	check_free(&ck);

	/* a snapshot and a volume, one chunk */
	e[1].loc = 1;
	store_map_page(&s, 0, e, 2);
	store_commit(&s, 0);
	ck = look(&s);
	nr_findings(&ck, 1, LEVEL_DAMAGE);
	the(&ck, FOUND_MAP_SHARED, "map", 0, ANY, ANY);
	check_free(&ck);
	store_free(&s);
}

static void the_map_of_snapshots_is_checked(void **state)
{
	struct rpl_map_entry twice[2] = { { 1, 0, 1, 7 }, { 1, 1, 1, 7 } };
	struct json_object *tree, *list;
	u8 block[RPL_BLOCK_BYTES];
	struct store s;
	struct check ck;

	(void)state;
	store_snapped(&s);
	ck = look(&s);
	nr_findings(&ck, 0, LEVEL_NOTE);
	tree = check_tree(&ck);
	list = member(member(tree, "map"), "list");
	assert_int_equal(json_object_array_length(list), 4);
	assert_int_equal(json_object_get_int64(member(member(tree, "map"), "chunks_in_use")), 3);
	assert_int_equal(json_object_array_length(member(tree, "snapshots")), 1);
	json_object_put(tree);
	check_free(&ck);

	/* the only page, lost: nothing but the sum tells */
	store_flip(&s, store_page_offset(&s, RPL_AREA_MAP, 0, s.map_slot[0]) + 300);
	ck = look(&s);
	nr_findings(&ck, 1, LEVEL_DAMAGE);
	the(&ck, FOUND_MAP_OLDER, "map", -1, -1, -1);
	check_free(&ck);
	store_flip(&s, store_page_offset(&s, RPL_AREA_MAP, 0, s.map_slot[0]) + 300);

	/* one chunk, two owners */
	store_map_page(&s, 0, twice, 2);
	store_commit(&s, 0);
	ck = look(&s);
	nr_findings(&ck, 1, LEVEL_DAMAGE);
	the(&ck, FOUND_MAP_SHARED, "map", 0, ANY, ANY);
	check_free(&ck);

	/* what nobody would write, under a right checksum */
	twice[1].loc = RPL_LOC_BAD - 1;
	store_map_page(&s, 0, twice, 2);
	store_commit(&s, 0);
	ck = look(&s);
	nr_findings(&ck, 1, LEVEL_DAMAGE);
	the(&ck, FOUND_MAP_PAGE, "map", 0, ANY, ANY);
	check_free(&ck);
	store_read(&s, 0, block);
	store_free(&s);
}

static void impossible_snapshots_are_named(void **state)
{
	struct rpl_record rec;
	struct store s;
	struct check ck;

	(void)state;
	store_snapped(&s);
	rec = a_snapshot(201);
	rec.snapshot.volume_id = 9;
	store_forge(&s, 5, &rec);
	ck = look(&s);
	nr_findings(&ck, 1, LEVEL_DAMAGE);
	about(the(&ck, FOUND_CLONE_VOLUME, "objects", 0, ANY, ANY), "snapshot", 201,
	      rec.snapshot.uuid);
	check_free(&ck);
	rec = a_snapshot(201);
	rec.snapshot.group_uuid[0] ^= 1;
	store_forge(&s, 5, &rec);
	ck = look(&s);
	nr_findings(&ck, 1, LEVEL_DAMAGE);
	the(&ck, FOUND_CLONE_GROUP, "objects", 0, ANY, ANY);
	check_free(&ck);
	store_free(&s);
}

/* Write the superblocks anew, changed. */
static void resuperblock(struct store *s, void (*change)(struct rpl_sb *sb, unsigned int copy))
{
	for (unsigned int copy = 0; copy < RPL_SB_COPIES; copy++) {
		struct rpl_sb sb = s->sb;
		u8 block[RPL_BLOCK_BYTES];

		change(&sb, copy);
		rpl_sb_encode(block, &sb, copy);
		store_write(s, copy ? RPL_SB_B_OFFSET : 0, block);
	}
}

static void newer(struct rpl_sb *sb, unsigned int copy)
{
	(void)copy;
	sb->incompat = 1ULL << 60;
}

static void another(struct rpl_sb *sb, unsigned int copy)
{
	sb->uuid[3] ^= copy;
}

static void what_is_no_store_is_told_apart(void **state)
{
	u8 block[RPL_BLOCK_BYTES] = { 0 };
	struct store s;
	struct check ck;

	(void)state;
	store_closed(&s);
	resuperblock(&s, newer);
	ck = look(&s);
	nr_findings(&ck, 1, LEVEL_UNKNOWN);
	the(&ck, FOUND_NEWER_FORMAT, "superblocks", -1, -1, -1);
	check_free(&ck);
	resuperblock(&s, another);
	ck = look(&s);
	nr_findings(&ck, 1, LEVEL_DAMAGE);
	the(&ck, FOUND_SUPERBLOCKS_MIXED, "superblocks", -1, -1, -1);
	check_free(&ck);
	store_write(&s, 0, block);
	store_write(&s, RPL_SB_B_OFFSET, block);
	ck = look(&s);
	nr_findings(&ck, 1, LEVEL_UNKNOWN);
	the(&ck, FOUND_NO_STORE, "superblocks", -1, -1, -1);
	check_free(&ck);
	store_flip(&s, 1080);
	ck = look(&s);
	nr_findings(&ck, 1, LEVEL_UNKNOWN);
	the(&ck, FOUND_OTHER_CONTENT, "superblocks", -1, -1, -1);
	check_free(&ck);
	store_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fresh_store_is_clean),
		cmocka_unit_test(a_closed_store_is_clean_and_shown_whole),
		cmocka_unit_test(a_store_with_a_long_life_is_clean),
		cmocka_unit_test(a_store_that_was_never_closed_says_what_is_lost),
		cmocka_unit_test(a_flipped_superblock_is_named),
		cmocka_unit_test(a_flipped_object_page_is_named),
		cmocka_unit_test(a_flipped_bitmap_page_is_named),
		cmocka_unit_test(a_truncated_image_is_never_clean),
		cmocka_unit_test(exchanged_blocks_are_named),
		cmocka_unit_test(replayed_blocks_are_named),
		cmocka_unit_test(a_change_that_was_cut_off_is_told),
		cmocka_unit_test(impossible_records_are_named),
		cmocka_unit_test(the_map_of_snapshots_is_checked),
		cmocka_unit_test(a_written_snapshot_is_checked),
		cmocka_unit_test(impossible_snapshots_are_named),
		cmocka_unit_test(what_is_no_store_is_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

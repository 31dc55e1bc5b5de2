// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-format.c - the store's format on disk, kmod/format.c as the kernel compiles it: what is
 * written is read back, what is damaged is refused, nothing crashes (the sanitizers watch), and a
 * change of many pages is seen whole or not at all wherever it was cut off.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include "../../kmod/format.c"
#include "../../kmod/layout.c"
#include "../../kmod/map.c"
#include "rng.h"

#define PAGES  8
#define ROUNDS 20000

static void fill_random(void *to, size_t bytes)
{
	u8 *p = to;

	while (bytes--)
		*p++ = (u8)rnd();
}

static struct rpl_sb a_store(u64 dev_bytes)
{
	struct rpl_why why;
	struct rpl_sb sb;

	assert_int_equal(rpl_sb_plan(&sb, dev_bytes, 128, 1024, &why), 0);
	fill_random(sb.uuid, sizeof(sb.uuid));
	return sb;
}

/* ---- superblock ---- */

static void plan_is_sane_for_every_size(void **state)
{
	(void)state;
	for (int i = 0; i < 2000; i++) {
		u64 bytes = RPL_MIN_STORE_BYTES + below(1ULL << (24 + below(30)));
		u32 chunk = 8U << below(9);
		u32 volumes = 1 + (u32)below(RPL_VOLUMES_MAX);
		struct rpl_sb sb, back;
		struct rpl_why why;
		u8 block[RPL_BLOCK_BYTES];

		assert_int_equal(rpl_sb_plan(&sb, bytes, chunk, volumes, &why), 0);
		assert_true(rpl_sb_sane(&sb));
		for (unsigned int k = 1; k <= RPL_AREA_MAP_INDEX; k++)
			assert_non_null(rpl_sb_area(&sb, (enum rpl_area_kind)k));
		assert_true(rpl_sb_area(&sb, RPL_AREA_DATA)->length_bytes >= chunk * 512ULL);
		assert_int_equal(rpl_sb_area(&sb, RPL_AREA_DATA)->offset_bytes % (chunk * 512ULL),
				 0);
		assert_true(rpl_data_chunks(&sb) && rpl_data_chunks(&sb) < U32_MAX);
		assert_true(rpl_area_pages(rpl_sb_area(&sb, RPL_AREA_MAP)) >=
			    rpl_map_pages(rpl_data_chunks(&sb)));
		/* a map for all chunks, and not for many more */
		assert_true(rpl_map_pages(rpl_data_chunks(&sb)) * 9ULL / 8 + 2 >=
			    rpl_area_pages(rpl_sb_area(&sb, RPL_AREA_MAP)));
		rpl_sb_encode(block, &sb, i & 1);
		assert_int_equal(rpl_sb_decode(block, i & 1, &back, &why), 0);
		assert_memory_equal(&sb, &back, sizeof(sb));
	}
}

static void plan_refuses_what_is_too_small(void **state)
{
	struct rpl_why why = { .text = "" };
	struct rpl_sb sb;

	(void)state;
	assert_int_equal(rpl_sb_plan(&sb, RPL_MIN_STORE_BYTES - 1, 128, 8, &why), -ENOSPC);
	assert_non_null(strstr(why.text, "too small"));
	assert_int_equal(rpl_sb_plan(&sb, 0, 128, 8, &why), -ENOSPC);
}

static void every_flipped_bit_is_noticed(void **state)
{
	struct rpl_sb sb = a_store(64 << 20), back;
	u8 block[RPL_BLOCK_BYTES];
	struct rpl_why why;

	(void)state;
	rpl_sb_encode(block, &sb, 0);
	for (unsigned int bit = 0; bit < RPL_BLOCK_BYTES * 8; bit++) {
		int r;

		block[bit / 8] ^= 1 << (bit % 8);
		why.text[0] = 0;
		r = rpl_sb_decode(block, 0, &back, &why);
		assert_true(r == -EILSEQ || r == -EMEDIUMTYPE);
		assert_true(why.text[0]);
		block[bit / 8] ^= 1 << (bit % 8);
	}
	assert_int_equal(rpl_sb_decode(block, 0, &back, &why), 0);
}

/* Damage that comes with a right checksum: every value is checked for itself. */
static void hostile_superblocks_are_refused_or_sane(void **state)
{
	unsigned int taken = 0;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct rpl_sb sb = a_store(64 << 20), back;
		struct sb_disk d;
		struct rpl_why why;
		u8 *bytes = (u8 *)&d;

		rpl_sb_encode(&d, &sb, 0);
		for (u64 n = 1 + below(3); n; n--) {
			size_t at = offsetof(struct sb_disk, generation) +
				    below(offsetof(struct sb_disk, zero) -
					  offsetof(struct sb_disk, generation));

			bytes[at] = below(2) ? (u8)rnd() : below(2) ? 0xff : 0;
		}
		d.crc = cpu_to_le32(block_crc(&d));
		if (rpl_sb_decode(&d, 0, &back, &why))
			continue;
		taken++;
		assert_true(rpl_sb_sane(&back));
		for (unsigned int k = 0; k < RPL_AREAS; k++)
			assert_true(back.area[k].kind == RPL_AREA_NONE ||
				    back.area[k].offset_bytes + back.area[k].length_bytes <=
					    back.dev_bytes);
	}
	assert_true(taken > 0); /* the reserved bytes, times, epoch… are free to change */
}

static void overlapping_areas_are_refused(void **state)
{
	struct rpl_sb sb = a_store(64 << 20), back;
	u8 block[RPL_BLOCK_BYTES];
	struct rpl_why why;

	(void)state;
	sb.area[1].offset_bytes = sb.area[0].offset_bytes + RPL_BLOCK_BYTES;
	rpl_sb_encode(block, &sb, 0);
	assert_int_equal(rpl_sb_decode(block, 0, &back, &why), -EILSEQ);
	sb = a_store(64 << 20);
	sb.area[0].offset_bytes = RPL_SB_B_OFFSET;
	rpl_sb_encode(block, &sb, 0);
	assert_int_equal(rpl_sb_decode(block, 0, &back, &why), -EILSEQ);
	sb = a_store(64 << 20);
	sb.area[4].length_bytes = 0ULL - RPL_BLOCK_BYTES;
	rpl_sb_encode(block, &sb, 0);
	assert_int_equal(rpl_sb_decode(block, 0, &back, &why), -EILSEQ);
}

static int choose(const void *a, const void *b, struct rpl_sb *sb, struct rpl_why *why)
{
	unsigned int copy;

	return rpl_sb_choose(a, b, sb, &copy, why);
}

static void newer_formats_are_refused(void **state)
{
	struct rpl_sb sb = a_store(64 << 20), back;
	u8 a[RPL_BLOCK_BYTES], b[RPL_BLOCK_BYTES];
	struct rpl_why why;

	(void)state;
	rpl_sb_encode(b, &sb, 1);
	sb.generation++;
	sb.incompat = 1ULL << 63;
	rpl_sb_encode(a, &sb, 0);
	/* Even beside an older copy that we could read. */
	assert_int_equal(choose(a, b, &back, &why), -EOPNOTSUPP);
	assert_non_null(strstr(why.text, "newer module"));
	sb.incompat = RPL_INCOMPAT_SNAPSHOTS;
	sb.ro_compat = 1;
	rpl_sb_encode(a, &sb, 0);
	assert_int_equal(choose(a, b, &back, &why), -EOPNOTSUPP);
	sb.ro_compat = 0;
	sb.compat = ~0ULL;
	rpl_sb_encode(a, &sb, 0);
	assert_int_equal(choose(a, b, &back, &why), 0);
	assert_int_equal(back.compat, ~0ULL);
}

static void the_newer_copy_counts(void **state)
{
	struct rpl_sb sb = a_store(64 << 20), back;
	u8 a[RPL_BLOCK_BYTES], b[RPL_BLOCK_BYTES], zero[RPL_BLOCK_BYTES] = { 0 };
	u8 other[RPL_BLOCK_BYTES];
	struct rpl_why why;
	unsigned int copy;

	(void)state;
	memset(other, 0x5a, sizeof(other));
	sb.generation = 7;
	rpl_sb_encode(a, &sb, 0);
	sb.generation = 8;
	rpl_sb_encode(b, &sb, 1);
	assert_int_equal(rpl_sb_choose(a, b, &back, &copy, &why), 0);
	assert_int_equal(back.generation, 8);
	assert_int_equal(copy, 1);
	assert_int_equal(back.flags, 0);
	/* One lost copy: the other one serves, but nothing is clean any more. */
	for (int i = 0; i < 3; i++) {
		const u8 *lost[] = { zero, other, NULL };

		assert_int_equal(rpl_sb_choose(a, lost[i], &back, &copy, &why), 0);
		assert_int_equal(back.generation, 7);
		assert_int_equal(copy, 0);
		assert_true(back.flags & RPL_SB_OPEN);
		assert_int_equal(rpl_sb_choose(lost[i], b, &back, &copy, &why), 0);
		assert_int_equal(copy, 1);
		assert_true(back.flags & RPL_SB_OPEN);
	}
	/* A copy in the other's place, copies of two stores. */
	assert_int_equal(choose(b, a, &back, &why), -EILSEQ);
	sb.uuid[0] ^= 1;
	rpl_sb_encode(b, &sb, 1);
	assert_int_equal(choose(a, b, &back, &why), -EILSEQ);
	assert_non_null(strstr(why.text, "different stores"));
}

/* Only a blank device may be formatted. */
static void only_blank_is_blank(void **state)
{
	struct rpl_sb sb = a_store(64 << 20), back;
	u8 a[RPL_BLOCK_BYTES], zero[RPL_BLOCK_BYTES] = { 0 }, other[RPL_BLOCK_BYTES] = { 0 };
	struct rpl_why why;

	(void)state;
	assert_int_equal(choose(zero, zero, &back, &why), -ENODATA);
	for (unsigned int i = 0; i < RPL_BLOCK_BYTES; i++) {
		other[i] = 1;
		assert_int_equal(choose(other, zero, &back, &why), -EMEDIUMTYPE);
		assert_int_equal(choose(zero, other, &back, &why), -EMEDIUMTYPE);
		other[i] = 0;
	}
	rpl_sb_encode(a, &sb, 0);
	a[100] ^= 1;
	assert_int_equal(choose(a, zero, &back, &why), -EILSEQ);
	assert_int_equal(choose(zero, NULL, &back, &why), -EIO);
	assert_int_equal(choose(NULL, NULL, &back, &why), -EIO);
}

static void what_does_not_fit_is_refused(void **state)
{
	struct rpl_sb sb = a_store(64 << 20);
	struct rpl_why why;

	(void)state;
	assert_int_equal(rpl_sb_fits(&sb, 64 << 20, 128, &why), 0);
	assert_int_equal(rpl_sb_fits(&sb, 65 << 20, 128, &why), 0);
	assert_int_equal(rpl_sb_fits(&sb, (64 << 20) - 4096, 128, &why), -ENOSPC);
	assert_int_equal(rpl_sb_fits(&sb, 64 << 20, 64, &why), -EINVAL);
	assert_non_null(strstr(why.text, "128"));
}

/* ---- records ---- */

static struct rpl_record random_record(void)
{
	struct rpl_record rec;

	memset(&rec, 0, sizeof(rec));
	rec.kind = (enum rpl_record_kind)below(5);
	switch (rec.kind) {
	case RPL_RECORD_NONE:
		break;
	case RPL_RECORD_VOLUME:
		rec.volume.id = 1 + (u32)below(RPL_ID_MAX);
		rec.volume.nr_sectors = 1 + below(RPL_VOLUME_SECTORS_MAX);
		break;
	case RPL_RECORD_GROUP:
		fill_random(&rec.group, sizeof(rec.group));
		break;
	case RPL_RECORD_CLONE:
		rec.clone.id = 1 + (u32)below(RPL_ID_MAX - 1);
		rec.clone.volume_id = rec.clone.id + 1;
		fill_random(rec.clone.uuid, sizeof(rec.clone.uuid));
		fill_random(rec.clone.group_uuid, sizeof(rec.clone.group_uuid));
		rec.clone.state = RPL_STATE_COPYING + (u32)below(7);
		rec.clone.prior_state = below(2) ? 0 : RPL_STATE_COPYING;
		rec.clone.error = (u32)below(200);
		rec.clone.nr_sectors = 1 + below(RPL_VOLUME_SECTORS_MAX);
		rec.clone.bad_bytes = rnd();
		rec.clone.min_bytes_s = rnd();
		rec.clone.max_bytes_s = rnd();
		rec.clone.bitmap_page = (u32)rnd();
		rec.clone.bitmap_pages = (u32)rnd();
		rec.clone.bitmap_generation = rnd();
		snprintf(rec.clone.reason, sizeof(rec.clone.reason), "reason %u", (u32)rnd());
		break;
	case RPL_RECORD_SNAPSHOT:
		rec.snapshot.id = 1 + (u32)below(RPL_ID_MAX - 1);
		rec.snapshot.volume_id = rec.snapshot.id + 1;
		fill_random(rec.snapshot.uuid, sizeof(rec.snapshot.uuid));
		fill_random(rec.snapshot.group_uuid, sizeof(rec.snapshot.group_uuid));
		rec.snapshot.state = below(2) ? RPL_STATE_SYNCHRONIZED : RPL_STATE_FAILED;
		rec.snapshot.error = (u32)below(200);
		rec.snapshot.read_only = below(2);
		rec.snapshot.nr_sectors = 1 + below(RPL_VOLUME_SECTORS_MAX);
		snprintf(rec.snapshot.reason, sizeof(rec.snapshot.reason), "reason %u", (u32)rnd());
		break;
	}
	return rec;
}

static void records_come_back(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ROUNDS / RPL_RECORDS_PER_PAGE; i++) {
		struct rpl_record in[RPL_RECORDS_PER_PAGE], out;
		u8 page[RPL_BLOCK_BYTES];

		fill_random(page, sizeof(page));
		for (unsigned int n = 0; n < RPL_RECORDS_PER_PAGE; n++) {
			in[n] = random_record();
			rpl_record_encode(page, n, &in[n]);
		}
		for (unsigned int n = 0; n < RPL_RECORDS_PER_PAGE; n++) {
			assert_int_equal(rpl_record_decode(page, n, &out), 0);
			assert_memory_equal(&in[n], &out, sizeof(out));
		}
	}
}

static void a_long_reason_is_cut_with_its_end(void **state)
{
	struct rpl_record in = { .kind = RPL_RECORD_CLONE }, out;
	u8 page[RPL_BLOCK_BYTES] = { 0 };

	(void)state;
	in.clone.id = 1;
	in.clone.volume_id = 2;
	in.clone.state = RPL_STATE_FAILED;
	in.clone.nr_sectors = 8;
	memset(in.clone.reason, 'x', sizeof(in.clone.reason) - 1);
	rpl_record_encode(page, 14, &in);
	assert_int_equal(rpl_record_decode(page, 14, &out), 0);
	assert_string_equal(in.clone.reason, out.clone.reason);
	/* On disk without an end. */
	memset(((struct object_page *)page)->record[14].clone.reason, 'y', RPL_RECORD_REASON);
	assert_int_equal(rpl_record_decode(page, 14, &out), 0);
	assert_int_equal(strlen(out.clone.reason), RPL_RECORD_REASON - 1);
}

static void hostile_records_are_refused_or_sane(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS * 5; i++) {
		struct rpl_record rec = random_record(), out;
		u8 page[RPL_BLOCK_BYTES];
		u8 *at = page + RPL_RECORD_BYTES;

		memset(page, 0, sizeof(page));
		rpl_record_encode(page, 0, &rec);
		for (u64 n = 1 + below(4); n; n--)
			at[below(2) ? below(40) : below(RPL_RECORD_BYTES)] = (u8)rnd();
		if (rpl_record_decode(page, 0, &out))
			continue;
		if (out.kind == RPL_RECORD_VOLUME)
			assert_true(out.volume.id && out.volume.id <= RPL_ID_MAX &&
				    out.volume.nr_sectors &&
				    out.volume.nr_sectors <= RPL_VOLUME_SECTORS_MAX);
		if (out.kind == RPL_RECORD_SNAPSHOT)
			assert_true(out.snapshot.id && out.snapshot.id <= RPL_ID_MAX &&
				    out.snapshot.volume_id &&
				    out.snapshot.volume_id <= RPL_ID_MAX &&
				    out.snapshot.volume_id != out.snapshot.id &&
				    (out.snapshot.state == RPL_STATE_SYNCHRONIZED ||
				     out.snapshot.state == RPL_STATE_FAILED) &&
				    out.snapshot.nr_sectors &&
				    out.snapshot.nr_sectors <= RPL_VOLUME_SECTORS_MAX &&
				    strlen(out.snapshot.reason) < RPL_RECORD_REASON);
		if (out.kind == RPL_RECORD_CLONE)
			assert_true(out.clone.id && out.clone.id <= RPL_ID_MAX &&
				    out.clone.volume_id && out.clone.volume_id <= RPL_ID_MAX &&
				    out.clone.volume_id != out.clone.id &&
				    out.clone.state > RPL_STATE_PREPARED &&
				    out.clone.state < RPL_STATE_DETACHED && out.clone.nr_sectors &&
				    out.clone.nr_sectors <= RPL_VOLUME_SECTORS_MAX &&
				    strlen(out.clone.reason) < RPL_RECORD_REASON);
	}
}

/* ---- pages ---- */

static void pages_are_told_apart(void **state)
{
	struct rpl_sb sb = a_store(64 << 20), stranger = a_store(64 << 20);
	struct rpl_page_id id = { .kind = RPL_PAGE_OBJECTS, .index = 3, .generation = 1 }, got;
	u8 page[RPL_BLOCK_BYTES], zero[RPL_BLOCK_BYTES] = { 0 };

	(void)state;
	fill_random(page, sizeof(page));
	assert_int_equal(rpl_page_check(page, &sb, RPL_PAGE_OBJECTS, 3, &got), -EILSEQ);
	rpl_page_seal(page, &sb, &id);
	assert_int_equal(rpl_page_check(page, &sb, RPL_PAGE_OBJECTS, 3, &got), 0);
	assert_memory_equal(&id, &got, sizeof(id));
	assert_int_equal(rpl_page_check(page, &sb, RPL_PAGE_OBJECTS, 4, &got), -EILSEQ);
	assert_int_equal(rpl_page_check(page, &sb, RPL_PAGE_BITMAP, 3, &got), -EILSEQ);
	assert_int_equal(rpl_page_check(page, &stranger, RPL_PAGE_OBJECTS, 3, &got), -EILSEQ);
	assert_int_equal(rpl_page_check(zero, &sb, RPL_PAGE_OBJECTS, 3, &got), -ENODATA);
	for (unsigned int bit = 0; bit < RPL_BLOCK_BYTES * 8; bit++) {
		page[bit / 8] ^= 1 << (bit % 8);
		assert_int_equal(rpl_page_check(page, &sb, RPL_PAGE_OBJECTS, 3, &got), -EILSEQ);
		page[bit / 8] ^= 1 << (bit % 8);
	}
}

static void slots_do_not_overlap(void **state)
{
	struct rpl_sb sb = a_store(1ULL << 30);
	const struct rpl_area *a = rpl_sb_area(&sb, RPL_AREA_BITMAPS);
	u32 last = rpl_area_pages(a) - 1;

	(void)state;
	assert_int_equal(rpl_page_offset(a, 0, 0), a->offset_bytes);
	assert_int_equal(rpl_page_offset(a, 1, 0) - rpl_page_offset(a, 0, 1), RPL_BLOCK_BYTES);
	assert_true(rpl_page_offset(a, last, 1) + RPL_BLOCK_BYTES <=
		    a->offset_bytes + a->length_bytes);
}

/*
 * A disk that loses power: changes of random sets of pages are written as persist.c does; each may
 * be cut off after any block, the last block torn. What is loaded must be exactly the last
 * acknowledged state, or, if the superblock had been written, the one after it.
 */
struct disk {
	u8 sb[2][RPL_BLOCK_BYTES];
	u8 slot[PAGES][2][RPL_BLOCK_BYTES];
};

struct loaded {
	struct rpl_sb sb;
	unsigned int copy;
	unsigned int at[PAGES]; /* slot that counts */
	bool stale[PAGES];
	u32 value[PAGES];
	u64 seen;
};

static void put_value(u8 *page, u32 value)
{
	struct rpl_record rec = { .kind = RPL_RECORD_VOLUME };

	memset(page, 0, RPL_BLOCK_BYTES);
	rec.volume.id = 1;
	rec.volume.nr_sectors = value + 1ULL;
	rpl_record_encode(page, 0, &rec);
}

static void load(const struct disk *d, struct loaded *l)
{
	struct rpl_why why;

	assert_int_equal(rpl_sb_choose(d->sb[0], d->sb[1], &l->sb, &l->copy, &why), 0);
	l->seen = l->sb.generation;
	for (u32 i = 0; i < PAGES; i++) {
		struct rpl_page_id id;
		struct rpl_record rec;
		int slot = rpl_page_choose(d->slot[i][0], d->slot[i][1], &l->sb, RPL_PAGE_OBJECTS,
					   i, &id, &l->seen, &l->stale[i]);

		assert_true(slot >= 0);
		l->at[i] = (unsigned int)slot;
		assert_int_equal(rpl_record_decode(d->slot[i][slot], 0, &rec), 0);
		l->value[i] = (u32)(rec.volume.nr_sectors - 1);
	}
}

/* Write a block; if the power goes, only a random part of it. False: it went. */
static bool write_block(u8 *to, const u8 *from, unsigned int *power)
{
	if (!*power) {
		memcpy(to, from, below(RPL_BLOCK_BYTES + 1));
		return false;
	}
	--*power;
	memcpy(to, from, RPL_BLOCK_BYTES);
	return true;
}

/* One change as persist.c makes it. 0 not acknowledged, 1 acknowledged. */
static int change(struct disk *d, const struct loaded *l, const u32 *value, unsigned int power)
{
	struct rpl_page_id id = { .kind = RPL_PAGE_OBJECTS };
	struct rpl_sb sb = l->sb;
	u8 block[RPL_BLOCK_BYTES];

	sb.generation = max(l->seen, l->sb.generation) + 1;
	id.generation = sb.generation;
	for (u32 i = 0; i < PAGES; i++) {
		if (value[i] == l->value[i] && !l->stale[i])
			continue;
		put_value(block, value[i]);
		id.index = i;
		rpl_page_seal(block, &sb, &id);
		if (!write_block(d->slot[i][1 - l->at[i]], block, &power))
			return 0;
	}
	rpl_sb_encode(block, &sb, 1 - l->copy);
	return write_block(d->sb[1 - l->copy], block, &power);
}

static void a_change_is_whole_or_not_at_all(void **state)
{
	static struct disk d;
	struct loaded l, after;

	(void)state;
	memset(&d, 0, sizeof(d));
	l.sb = a_store(64 << 20);
	for (u32 i = 0; i < PAGES; i++) {
		struct rpl_page_id id = { .kind = RPL_PAGE_OBJECTS, .index = i, .generation = 1 };

		put_value(d.slot[i][0], 0);
		rpl_page_seal(d.slot[i][0], &l.sb, &id);
	}
	rpl_sb_encode(d.sb[1], &l.sb, 1);
	l.sb.generation = 2;
	rpl_sb_encode(d.sb[0], &l.sb, 0);
	load(&d, &l);
	for (int round = 0; round < ROUNDS; round++) {
		u32 value[PAGES];
		bool all_new = true, all_old = true;
		int acked;

		memcpy(value, l.value, sizeof(value));
		for (u64 n = below(PAGES + 1); n; n--)
			value[below(PAGES)] = (u32)rnd();
		acked = change(&d, &l, value, (unsigned int)below(PAGES + 3));
		load(&d, &after);
		for (int i = 0; i < PAGES; i++) {
			all_new &= after.value[i] == value[i];
			all_old &= after.value[i] == l.value[i];
		}
		assert_true(acked ? all_new : all_new || all_old);
		l = after;
	}
}

/* ---- bitmaps ---- */

static void bitmaps_come_back(void **state)
{
	const u64 sizes[] = { 1,
			      7,
			      64,
			      65,
			      RPL_BITS_PER_PAGE - 1,
			      RPL_BITS_PER_PAGE,
			      RPL_BITS_PER_PAGE + 1,
			      3 * RPL_BITS_PER_PAGE + 17 };

	(void)state;
	for (unsigned int s = 0; s < ARRAY_SIZE(sizes); s++) {
		u64 nr = sizes[s], longs = BITS_TO_LONGS(nr);
		unsigned long *in = calloc(longs, sizeof(long)), *out = calloc(longs, sizeof(long));
		u8 page[RPL_BLOCK_BYTES];

		for (u64 i = 0; i < nr; i++)
			if (rnd() & 1)
				__set_bit(i, in);
		assert_int_equal(rpl_bitmap_pages(nr), DIV_ROUND_UP(nr, RPL_BITS_PER_PAGE));
		for (u32 p = 0; p < rpl_bitmap_pages(nr); p++) {
			fill_random(page, sizeof(page));
			rpl_bitmap_encode(page, p, in, nr);
			/* Bits behind the end, from whoever wrote the page, are not taken over. */
			if (p + 1 == rpl_bitmap_pages(nr) && nr % RPL_BITS_PER_PAGE &&
			    nr % RPL_BITS_PER_PAGE <= RPL_BITS_PER_PAGE - 8)
				page[RPL_BLOCK_BYTES - 1] = 0xff;
			rpl_bitmap_decode(page, p, out, nr);
		}
		assert_memory_equal(in, out, longs * sizeof(long));
		free(in);
		free(out);
	}
}

/* ---- checksum ---- */

static void crc32c_is_the_known_one(void **state)
{
	(void)state;
	assert_int_equal(~rpl_crc32c(~0U, "123456789", 9), 0xe3069283);
}

/* Of two slots the newest that is the clone's, not older than its place, not newer than the store. */
static void bitmap_pages_of_others_do_not_count(void **state)
{
	struct rpl_sb sb = a_store(1ULL << 30);
	u8 slot[2][RPL_BLOCK_BYTES];

	(void)state;
	sb.generation = 8;
	for (int round = 0; round < ROUNDS; round++) {
		u64 since = 1 + below(8), seen = 0, want_gen = 0, most = 0, generation = 0;
		int want = -EILSEQ;

		for (int i = 0; i < 2; i++) {
			struct rpl_page_id id = {
				.kind = RPL_PAGE_BITMAP,
				.index = 3,
				.owner = 1 + (u32)below(2),
				.generation = 1 + below(10),
			};
			bool damaged = !below(5);

			memset(slot[i], 0, sizeof(slot[i]));
			rpl_page_seal(slot[i], &sb, &id);
			slot[i][100] ^= damaged;
			if (damaged)
				continue;
			most = max(most, id.generation);
			if (id.owner == 1 && id.generation >= since && id.generation <= 8 &&
			    id.generation > want_gen) {
				want = i;
				want_gen = id.generation;
			}
		}
		assert_int_equal(
			rpl_bitmap_choose(slot[0], slot[1], &sb, 3, 1, since, &generation, &seen),
			want);
		if (want >= 0)
			assert_int_equal(generation, want_gen);
		assert_int_equal(seen, most);
	}
	assert_int_equal(rpl_bitmap_choose(NULL, NULL, &sb, 3, 1, 1, &(u64) { 0 }, &(u64) { 0 }),
			 -EILSEQ);
}

/* A store that fails says so in both superblocks, of the generation that it has. */
static void failed_counts_in_either_superblock(void **state)
{
	struct rpl_sb sb = a_store(1ULL << 30), failed, out;
	u8 block[2][RPL_BLOCK_BYTES];
	struct rpl_why why;
	unsigned int copy;

	(void)state;
	sb.flags = RPL_SB_OPEN;
	failed = sb;
	failed.flags |= RPL_SB_FAILED;
	for (unsigned int n = 0; n < 2; n++) {
		rpl_sb_encode(block[n], &failed, n);
		rpl_sb_encode(block[1 - n], &sb, 1 - n);
		assert_int_equal(rpl_sb_choose(block[0], block[1], &out, &copy, &why), 0);
		assert_true(out.flags & RPL_SB_FAILED);
		sb.generation++; /* a newer one rules */
		rpl_sb_encode(block[1 - n], &sb, 1 - n);
		assert_int_equal(rpl_sb_choose(block[0], block[1], &out, &copy, &why), 0);
		assert_false(out.flags & RPL_SB_FAILED);
		failed.generation = sb.generation;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc32c_is_the_known_one),
		cmocka_unit_test(plan_is_sane_for_every_size),
		cmocka_unit_test(plan_refuses_what_is_too_small),
		cmocka_unit_test(every_flipped_bit_is_noticed),
		cmocka_unit_test(hostile_superblocks_are_refused_or_sane),
		cmocka_unit_test(overlapping_areas_are_refused),
		cmocka_unit_test(newer_formats_are_refused),
		cmocka_unit_test(the_newer_copy_counts),
		cmocka_unit_test(only_blank_is_blank),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(records_come_back),
		cmocka_unit_test(a_long_reason_is_cut_with_its_end),
		cmocka_unit_test(hostile_records_are_refused_or_sane),
		cmocka_unit_test(pages_are_told_apart),
		cmocka_unit_test(slots_do_not_overlap),
		cmocka_unit_test(a_change_is_whole_or_not_at_all),
		cmocka_unit_test(bitmaps_come_back),
		cmocka_unit_test(bitmap_pages_of_others_do_not_count),
		cmocka_unit_test(failed_counts_in_either_superblock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

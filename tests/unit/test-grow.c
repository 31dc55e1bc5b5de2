// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-grow.c - growth of a store as kmod/format.c lays it out: whatever the sizes, nothing that is
 * there moves, the map has room for all chunks, and the superblock is one that an opening takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include "../../kmod/format.c"
#include "../../kmod/layout.c"
#include "../../kmod/map.c"

static struct rpl_sb a_store(u64 dev_bytes)
{
	struct rpl_why why;
	struct rpl_sb sb;

	assert_int_equal(rpl_sb_plan(&sb, dev_bytes, 128, 1024, &why), 0);
	return sb;
}

/* What no growth may do. */
static void assert_only_more(const struct rpl_sb *old, const struct rpl_sb *sb)
{
	struct rpl_map a, b;
	u32 i;

	for (i = 0; i < RPL_AREAS; i++) {
		const struct rpl_area *o = &old->area[i], *n = &sb->area[i];

		if (!o->kind)
			continue;
		assert_true(n->kind == o->kind && n->offset_bytes == o->offset_bytes);
		assert_true(n->length_bytes >= o->length_bytes || o->kind == RPL_AREA_MAP);
	}
	/* pages of the map stay where they are, and in their part */
	rpl_map_layout(&a, old);
	rpl_map_layout(&b, sb);
	assert_true(b.nr_added >= a.nr_added && b.nr_pages >= a.nr_pages);
	assert_memory_equal(a.added, b.added, a.nr_added * sizeof(a.added[0]));
	for (i = 0; i < a.nr_pages; i += 1 + a.nr_pages / 50)
		assert_int_equal(rpl_sb_map_offset(old, i, 1), rpl_sb_map_offset(sb, i, 1));
	assert_int_equal(rpl_sb_map_offset(old, a.nr_pages - 1, 0),
			 rpl_sb_map_offset(sb, a.nr_pages - 1, 0));
	assert_true(b.nr_pages >= rpl_map_pages(rpl_data_chunks(sb)));
}

/* Chunks that are reserved are those that parts of the map lie in, no more. */
static void assert_reserved(const struct rpl_sb *sb)
{
	u64 start = rpl_sb_area(sb, RPL_AREA_DATA)->offset_bytes,
	    bytes = sb->chunk_sectors * 512ULL;
	u64 nr_reserved = 0, parts = 0;
	u32 loc, nr, i;

	for (loc = 1; (loc = rpl_sb_reserved(sb, loc, &nr)); loc += nr)
		nr_reserved += nr;
	for (i = 0; i < RPL_AREAS; i++) {
		const struct rpl_area *a = &sb->area[i];

		if (a->kind != RPL_AREA_MAP || a->offset_bytes < start)
			continue;
		parts += DIV_ROUND_UP_ULL(a->length_bytes, bytes);
		loc = (u32)((a->offset_bytes - start) / bytes) + 1;
		assert_int_equal(rpl_sb_reserved(sb, loc, &nr), loc);
	}
	assert_int_equal(nr_reserved, parts);
}

static void growths(void **state)
{
	const u32 chunk[] = { 8, 128, 2048 };
	u32 i, k;

	(void)state;
	for (i = 0; i < 2000; i++) {
		u64 bytes = RPL_MIN_STORE_BYTES << random() % 18;
		struct rpl_why why;
		struct rpl_sb sb, old, back;
		u8 block[RPL_BLOCK_BYTES];

		assert_int_equal(rpl_sb_plan(&sb, bytes, chunk[i % 3], 64, &why), 0);
		for (k = 0; k < 20; k++) {
			u64 more = 4096ULL * (u64)(random() % 1000) << random() % 20;

			old = sb;
			bytes = sb.dev_bytes + more;
			if (rpl_sb_grow(&sb, bytes, U32_MAX, &why)) {
				assert_int_equal(rpl_sb_grow(&sb, bytes, U32_MAX, &why), -ENOSPC);
				assert_true(why.text[0]);
				assert_memory_equal(&old, &sb, sizeof(sb));
				break;
			}
			if (sb.dev_bytes == old.dev_bytes) {
				assert_memory_equal(&old, &sb, sizeof(sb));
				continue;
			}
			assert_int_equal(sb.dev_bytes, bytes);
			assert_true(rpl_data_chunks(&sb) > rpl_data_chunks(&old));
			assert_true(sb.incompat & RPL_INCOMPAT_GROWN);
			assert_only_more(&old, &sb);
			assert_reserved(&sb);
			rpl_sb_encode(block, &sb, 0);
			assert_int_equal(rpl_sb_decode(block, 0, &back, &why), 0);
			assert_memory_equal(&back, &sb, sizeof(sb));
		}
	}
}

/* How often may a store grow, by how much? As often as people do. */
static void many_growths(void **state)
{
	const struct {
		u64 bytes, step;
		u32 often;
	} all[] = {
		{ 1ULL << 30, 1ULL << 30, 4096 },
		{ 64ULL << 30, 1ULL << 30, 4096 },
		{ 1ULL << 40, 1ULL << 30, 4096 },
		{ 1ULL << 40, 4ULL << 20, 4096 },
	};
	struct rpl_why why;
	struct rpl_sb sb;
	u32 i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		assert_int_equal(rpl_sb_plan(&sb, all[i].bytes, 128, 1024, &why), 0);
		for (k = 1; k <= all[i].often; k++)
			assert_int_equal(
				rpl_sb_grow(&sb, all[i].bytes + k * all[i].step, U32_MAX, &why), 0);
	}
}

/* F37: as many pages as there may be memory for; fewer are refused with what would do. */
static void map_within_memory(void **state)
{
	struct rpl_sb sb = a_store(1ULL << 40), old = sb, free;
	struct rpl_why why;
	struct rpl_map m;
	u32 pages, need;

	(void)state;
	rpl_map_layout(&m, &sb);
	pages = m.nr_pages;
	assert_int_equal(pages, rpl_map_pages(rpl_data_chunks(&sb)));
	/* 23 bytes for each chunk of 64 KiB: 364 MiB */
	assert_in_range(pages, 93000, 93206);
	assert_int_equal(rpl_sb_map_fits(&sb, pages, &why), 0);
	assert_int_equal(rpl_sb_map_fits(&sb, pages - 1, &why), -ENOMEM);
	assert_non_null(strstr(why.text, "max_map_memory_bytes"));

	free = sb;
	assert_int_equal(rpl_sb_grow(&free, 2ULL << 40, U32_MAX, &why), 0);
	need = rpl_map_pages(rpl_data_chunks(&free));
	assert_int_equal(rpl_sb_map_fits(&free, 2 * need, &why), -ENOMEM);
	assert_int_equal(rpl_sb_grow(&sb, 2ULL << 40, need - 1, &why), -ENOMEM);
	assert_non_null(strstr(why.text, "max_map_memory_bytes"));
	assert_memory_equal(&sb, &old, sizeof(sb));
	assert_int_equal(rpl_sb_grow(&sb, 2ULL << 40, need, &why), 0);
	assert_int_equal(rpl_data_chunks(&sb), rpl_data_chunks(&free));
	assert_int_equal(rpl_sb_map_fits(&sb, need, &why), 0);
	assert_int_equal(rpl_sb_map_fits(&sb, need - 1, &why), -ENOMEM);
	assert_true(rpl_sb_sane(&sb));
}

static void shrinking_is_refused(void **state)
{
	struct rpl_sb sb = a_store(64ULL << 20), old = sb;
	struct rpl_why why;

	(void)state;
	assert_int_equal(rpl_sb_grow(&sb, (64ULL << 20) - 4096, U32_MAX, &why), -ENOSPC);
	assert_string_equal(why.text,
			    "the store needs 67108864 bytes, its device has only 67104768");
	assert_memory_equal(&sb, &old, sizeof(sb));
}

/* Parts of the map among the chunks are of stores that say so; nothing else may lie there. */
static void impossible_parts(void **state)
{
	struct rpl_sb sb = a_store(64ULL << 20), bad, back;
	struct rpl_why why;
	u8 block[RPL_BLOCK_BYTES];
	u32 part = 6, i;

	(void)state;
	assert_int_equal(rpl_sb_grow(&sb, 128ULL << 20, U32_MAX, &why), 0);
	assert_int_equal(sb.area[part].kind, RPL_AREA_MAP);
	for (i = 0; i < 6; i++) {
		bad = sb;
		switch (i) {
		case 0:
			bad.incompat &= ~RPL_INCOMPAT_GROWN;
			break;
		case 1:
			bad.area[part].kind = RPL_AREA_BITMAPS;
			break;
		case 2:
			bad.area[part].length_bytes = 0;
			break;
		case 3: /* beyond the end of the data */
			bad.area[part].offset_bytes = bad.dev_bytes - RPL_BLOCK_BYTES;
			break;
		case 4: /* another area's place */
			bad.area[part].offset_bytes = sb.area[1].offset_bytes;
			break;
		case 5: /* fewer pages than chunks need */
			bad.area[part].kind = RPL_AREA_NONE;
			break;
		}
		rpl_sb_encode(block, &bad, 0);
		assert_int_equal(rpl_sb_decode(block, 0, &back, &why), -EILSEQ);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(growths),	     cmocka_unit_test(many_growths),
		cmocka_unit_test(map_within_memory), cmocka_unit_test(shrinking_is_refused),
		cmocka_unit_test(impossible_parts),
	};

	return cmocka_run_group_tests_name("grow", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-map-pages.c - pages of the map of a store: where entries stand, full ones, damaged ones,
 * those of two moments, and parts that growths have added. What it is for: test-map.c.
 */
#include "map-kit.h"

/* 256 tags of one chunk need more than a page has buckets' room for. */
static void many_tags_of_one_chunk(void **state)
{
	struct pages *p = malloc(sizeof(*p));
	struct rpl_map_entry e;
	u32 tag;

	(void)state;
	pages_init(p);
	for (tag = 10; tag <= 10 * 600; tag += 10) {
		e = (struct rpl_map_entry) { .volume = 7, .chunk = 14, .tag = tag, .loc = tag };
		assert_int_equal(file(p, &e), 0);
	}
	for (tag = 1; tag <= 6000; tag++) {
		assert_int_equal(rpl_map_lookup(&p->m, 7, 14, tag, &e), 0);
		assert_int_equal(e.tag, (tag + 9) / 10 * 10);
		assert_int_equal(e.loc, e.tag);
		assert_int_equal(rpl_map_prev_tag(&p->m, 7, 14, tag), (tag - 1) / 10 * 10);
	}
	assert_int_equal(rpl_map_lookup(&p->m, 7, 14, 6001, &e), -ENOENT);
	assert_int_equal(rpl_map_lookup(&p->m, 7, 13, 1, &e), -ENOENT);
	assert_int_equal(rpl_map_lookup(&p->m, 8, 14, 1, &e), -ENOENT);
	free(p);
}

/* Each part takes what it can: a map that has grown is full when all of it is. */
static void all_parts_are_filled(void **state)
{
	struct pages *p = malloc(sizeof(*p));
	struct rpl_map_entry e;
	u32 i, part, nr = 0, in[3] = { 0 };

	(void)state;
	pages_init(p);
	/* half of the first part, then a growth by two more */
	for (i = 0; i < PAGES * RPL_MAP_ENTRIES / 2; i++) {
		e = (struct rpl_map_entry) { .volume = 1, .chunk = i, .tag = 1, .loc = i + 1 };
		nr += !file(p, &e);
	}
	while (pages_grow(p))
		;
	for (; i < 3 * PAGES_MAX * RPL_MAP_ENTRIES; i++) {
		e = (struct rpl_map_entry) { .volume = 1, .chunk = i, .tag = 1, .loc = i + 1 };
		nr += !file(p, &e);
		if (i != PAGES_MAX * RPL_MAP_ENTRIES / 2)
			continue;
		/* emptier parts first: by now all are as full as each other */
		for (u32 page = 0; page < PAGES_MAX; page++)
			for (u32 k = 0; k < RPL_MAP_ENTRIES; k++)
				in[part_of(&p->m, page)] += rpl_map_entry(&p->m, page, k, &e);
		for (part = 0; part < 3; part++) {
			u32 pages = part ? part + 1 : PAGES;

			assert_in_range(in[part] * 100 / (pages * RPL_MAP_ENTRIES), 35, 65);
		}
	}
	assert_int_equal(nr, PAGES_MAX * RPL_MAP_ENTRIES);
	for (i = 0; i < PAGES_MAX; i++)
		assert_true(rpl_map_page_sane(&p->m, p->blocks[i], i, 1 << 20));
	/* what was filed before the growth is where it was */
	for (i = 0; i < PAGES * RPL_MAP_ENTRIES / 2; i++) {
		assert_int_equal(rpl_map_lookup(&p->m, 1, i, 1, &e), 0);
		assert_int_equal(e.loc, i + 1);
	}
	e = (struct rpl_map_entry) { .volume = 1, .chunk = 3, .tag = 1, .loc = 9 };
	assert_int_equal(file(p, &e), -EEXIST);
	assert_int_equal(e.loc, 4);
	free(p);
}

/* A chain stays in its part: those of a full one when there are more, and in those that come. */
static void parts_go_on_alone(void **state)
{
	struct pages *p = malloc(sizeof(*p));
	struct rpl_map_entry e;
	u8 early[RPL_BLOCK_BYTES];
	struct walk w;
	u32 i, tag;

	(void)state;
	pages_init(p);
	for (i = 0; i < PAGES * RPL_MAP_ENTRIES; i++) {
		e = (struct rpl_map_entry) { .volume = 1, .chunk = i, .tag = 1, .loc = i + 1 };
		assert_int_equal(file(p, &e), 0);
	}
	while (pages_grow(p))
		;
	for (i = 0; i < PAGES * RPL_MAP_ENTRIES; i++) {
		assert_int_equal(rpl_map_lookup(&p->m, 1, i, 1, &e), 0);
		assert_int_equal(e.loc, i + 1);
	}
	/* 16 in each of the two other homes, and one more: its home's page was copied before it */
	w = home(&p->m, 2, 7, 14);
	for (tag = 1; tag <= 33; tag++) {
		if (tag == 33)
			memcpy(early, p->blocks[w.page], sizeof(early));
		e = (struct rpl_map_entry) { .volume = 7, .chunk = 14, .tag = tag, .loc = tag };
		assert_int_equal(file(p, &e), 0);
	}
	memcpy(p->blocks[w.page], early, sizeof(early));
	memset(p->dirty, 0, sizeof(p->dirty));
	assert_int_equal(rpl_map_lookup(&p->m, 7, 14, 33, &e), -ENOENT);
	mend(p);
	assert_int_equal(rpl_map_lookup(&p->m, 7, 14, 33, &e), 0);
	assert_int_equal(p->dirty[0], BIT(w.page));
	free(p);
}

static void a_full_map_says_so(void **state)
{
	struct pages *p = malloc(sizeof(*p));
	struct rpl_map_entry e;
	u32 i, missing, nr = 0;

	(void)state;
	pages_init(p);
	for (i = 0; i < 2 * PAGES * RPL_MAP_ENTRIES; i++) {
		e = (struct rpl_map_entry) { .volume = 1, .chunk = i, .tag = 1, .loc = i + 1 };
		nr += !file(p, &e);
	}
	assert_int_equal(nr, PAGES * RPL_MAP_ENTRIES);
	assert_int_equal(rpl_map_insert(&p->m, &e, &missing), -ENOSPC);
	for (i = 0; i < PAGES; i++)
		assert_true(rpl_map_page_sane(&p->m, p->blocks[i], i, 1 << 20));
	e = (struct rpl_map_entry) { .volume = 1, .chunk = 3, .tag = 1, .loc = 9 };
	assert_int_equal(rpl_map_insert(&p->m, &e, &missing), -EEXIST);
	assert_int_equal(e.loc, 4);
	free(p);
}

/*
 * A checkpoint copied the entry's home when it was not full yet, and the page that it overflowed to
 * afterwards: the journal has it, too, and must not file it a second time.
 */
static void pages_of_two_moments(void **state)
{
	struct pages *p = malloc(sizeof(*p));
	struct rpl_map_entry e, last;
	struct walk w;
	u8 early[RPL_BLOCK_BYTES];
	u32 tag, page, nr, copies = 0;

	(void)state;
	pages_init(p);
	for (tag = 1; tag <= 17; tag++) {
		last = (struct rpl_map_entry) { .volume = 7, .chunk = 14, .tag = tag, .loc = tag };
		w = home(&p->m, 0, 7, 14);
		if (tag == 16)
			memcpy(early, p->blocks[w.page], sizeof(early));
		assert_int_equal(file(p, &last), 0);
	}
	memcpy(p->blocks[w.page], early, sizeof(early));
	memset(p->dirty, 0, sizeof(p->dirty));
	assert_int_equal(rpl_map_lookup(&p->m, 7, 14, 17, &e), -ENOENT);
	mend(p);
	assert_true(test_bit(w.page, p->dirty));
	assert_int_equal(rpl_map_lookup(&p->m, 7, 14, 17, &e), 0);
	e = (struct rpl_map_entry) { .volume = 7, .chunk = 14, .tag = 16, .loc = 16 };
	assert_int_equal(file(p, &e), 0);
	assert_int_equal(file(p, &last), -EEXIST);

	/* the home was never written at all */
	p->pages[w.page] = NULL;
	memset(p->blocks[w.page], 0, RPL_BLOCK_BYTES);
	mend(p);
	for (tag = 1; tag <= 17; tag++) {
		e = (struct rpl_map_entry) { .volume = 7, .chunk = 14, .tag = tag, .loc = tag };
		assert_int_equal(file(p, &e), tag == 17 ? -EEXIST : 0);
	}
	for (page = 0; page < PAGES; page++)
		for (nr = 0; nr < RPL_MAP_ENTRIES; nr++)
			copies += rpl_map_entry(&p->m, page, nr, &e);
	assert_int_equal(copies, 17);
	free(p);
}

/* On disk, so for ever. The places were computed from the description, not with map.c. */
static void entries_have_their_place(void **state)
{
	static const struct {
		u32 volume, pages, page, bucket;
		u64 chunk;
	} known[] = {
		{ 1, 1000, 202, 0, 0ULL },
		{ 1, 1000, 202, 14, 14ULL },
		{ 1, 1000, 764, 0, 15ULL },
		{ 2, 1000, 985, 0, 0ULL },
		{ 32767, 1000, 46, 0, 68719476735ULL },
		{ 7, 4294967, 4288375, 9, 123456789ULL },
	};
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(known); i++) {
		struct rpl_map m = { .nr_pages = known[i].pages };
		struct walk w = home(&m, 0, known[i].volume, known[i].chunk);

		assert_int_equal(w.page, known[i].page);
		assert_int_equal(w.bucket, known[i].bucket);
	}
}

static bool every_entry_is_found(struct pages *p)
{
	struct rpl_map_entry e, found;
	u32 page, nr;

	for (page = 0; page < PAGES; page++)
		for (nr = 0; nr < RPL_MAP_ENTRIES; nr++)
			if (rpl_map_entry(&p->m, page, nr, &e) &&
			    (rpl_map_lookup(&p->m, e.volume, e.chunk, e.tag, &found) ||
			     found.tag != e.tag || !(e.volume & ~RPL_MAP_OWN) ||
			     (e.volume & ~RPL_MAP_OWN) > RPL_ID_MAX || !e.tag ||
			     e.tag > RPL_TAG_MAX || (e.loc > LOCS && e.loc != RPL_LOC_BAD)))
				return false;
	return true;
}

/* A page that passes has nothing that cannot be, and nothing that no lookup comes by. */
static void flipped_bits(void **state)
{
	struct pages *p = malloc(sizeof(*p)), *q = malloc(sizeof(*q));
	struct rpl_map_entry e;
	u32 i, round, passed = 0;

	(void)state;
	rng_state = 99;
	pages_init(p);
	for (i = 0; i < LOCS; i++) {
		e = (struct rpl_map_entry) { 1 + i % 5, i % 35, 1 + i, 1 + i };
		assert_int_equal(file(p, &e), 0);
	}
	assert_true(every_entry_is_found(p));
	for (round = 0; round < 4000; round++) {
		u32 page = (u32)below(PAGES), bit = (u32)below(8 * RPL_BLOCK_BYTES);

		*q = *p;
		q->m.pages = q->pages;
		q->m.dirty = q->dirty;
		for (i = 0; i < PAGES; i++)
			q->pages[i] = p->pages[i] ? q->blocks[i] : NULL;
		if (!q->pages[page])
			continue;
		q->blocks[page][bit / 8] ^= 1 << bit % 8;
		if (!rpl_map_page_sane(&q->m, q->blocks[page], page, LOCS))
			continue;
		passed++;
		mend(q);
		assert_true(every_entry_is_found(q));
	}
	assert_in_range(passed, 1, 3999);
	free(p);
	free(q);
}

static bool sane_with(const struct map_page *p, u32 index, struct rpl_map_entry e)
{
	struct rpl_map m = { .nr_pages = PAGES };
	struct map_page other = *p;

	other.entry[0].key = cpu_to_le64(key_of(e.volume, e.chunk));
	other.entry[0].tag = cpu_to_le32(e.tag);
	other.entry[0].loc = cpu_to_le32(e.loc);
	return rpl_map_page_sane(&m, &other, index, LOCS);
}

static void sane_to_the_limits(void **state)
{
	struct pages *p = malloc(sizeof(*p));
	struct rpl_map_entry e;
	struct map_page *page;
	u32 i, index;

	(void)state;
	pages_init(p);
	index = home(&p->m, 0, 7, 0).page;
	/* a chain of three buckets */
	for (i = 1; i <= 40; i++) {
		e = (struct rpl_map_entry) { 7, 0, i, i };
		assert_int_equal(file(p, &e), 0);
	}
	page = (struct map_page *)p->blocks[index];
	assert_true(sane_with(page, index, (struct rpl_map_entry) { 7, 0, 1, LOCS }));
	assert_true(sane_with(page, index, (struct rpl_map_entry) { 7, 0, 1, RPL_LOC_BAD }));
	assert_true(sane_with(page, index, (struct rpl_map_entry) { 7, 0, RPL_TAG_MAX, 1 }));
	assert_false(sane_with(page, index, (struct rpl_map_entry) { 7, 0, 1, LOCS + 1 }));
	assert_false(sane_with(page, index, (struct rpl_map_entry) { 7, 0, 1, RPL_LOC_BAD - 1 }));
	assert_false(sane_with(page, index, (struct rpl_map_entry) { 7, 0, 0, 1 }));
	assert_false(sane_with(page, index, (struct rpl_map_entry) { 7, 0, RPL_TAG_MAX + 1, 1 }));
	assert_false(sane_with(page, index, (struct rpl_map_entry) { 0, 0, 1, 1 }));
	assert_false(sane_with(page, index, (struct rpl_map_entry) { RPL_ID_MAX + 1, 0, 1, 1 }));
	/* no lookup would go on to the second bucket, or the third; there is no sixteenth */
	for (i = 0; i < 16; i++) {
		page->overflow ^= cpu_to_le16(BIT(i));
		assert_int_equal(rpl_map_page_sane(&p->m, page, index, LOCS), i >= 2 && i < 15);
		page->overflow ^= cpu_to_le16(BIT(i));
	}
	free(p);
}

static void garbage_agrees_with_a_walk(void **state)
{
	u32 round, i, live[6], nr;

	(void)state;
	rng_state = 5;
	for (round = 0; round < 200000; round++) {
		u32 prev = (u32)below(20), tag = prev + 1 + (u32)below(10);
		bool needed = false;

		for (nr = 0, i = 1; i < 30 && nr < 6; i++)
			if (!below(6))
				live[nr++] = i;
		for (i = 0; i < nr; i++)
			needed |= prev < live[i] && live[i] <= tag;
		assert_int_equal(rpl_map_is_garbage(live, nr, prev, tag), !needed);
	}
}

/* Whatever stands in the pages, everything ends. */
static void rubbish(void **state)
{
	struct pages *p = malloc(sizeof(*p));
	struct rpl_map_entry e;
	u32 round, i, missing, insane = 0;

	(void)state;
	rng_state = 77;
	for (round = 0; round < 300; round++) {
		pages_init(p);
		for (i = 0; i < sizeof(p->blocks); i++)
			((u8 *)p->blocks)[i] = (u8)below(256);
		for (i = 0; i < PAGES; i++) {
			p->pages[i] = below(5) ? p->blocks[i] : NULL;
			insane += !rpl_map_page_sane(&p->m, p->blocks[i], i, LOCS);
		}
		for (i = 0; i < 50; i++) {
			u32 volume = 1 + (u32)below(RPL_ID_MAX), tag = 1 + (u32)below(1000);
			u64 chunk = below(1ULL << 40);

			rpl_map_lookup(&p->m, volume, chunk, tag, &e);
			rpl_map_prev_tag(&p->m, volume, chunk, tag);
			e = (struct rpl_map_entry) { volume, chunk, tag, 1 };
			rpl_map_insert(&p->m, &e, &missing);
			rpl_map_clear(&p->m, (u32)below(PAGES + 1), (u32)below(300));
			rpl_map_entry(&p->m, (u32)below(PAGES + 1), (u32)below(300), &e);
		}
		mend(p);
	}
	assert_int_equal(insane, 300 * PAGES);
	free(p);
}

static void garbage_by_hand(void **state)
{
	static const u32 live[] = { 10, 20, 30 };

	(void)state;
	assert_true(rpl_map_is_garbage(NULL, 0, 0, 5));
	assert_true(rpl_map_is_garbage(live, 3, 0, 9));
	assert_false(rpl_map_is_garbage(live, 3, 0, 10));
	assert_false(rpl_map_is_garbage(live, 3, 9, 10));
	assert_true(rpl_map_is_garbage(live, 3, 10, 19));
	assert_false(rpl_map_is_garbage(live, 3, 10, 25));
	assert_true(rpl_map_is_garbage(live, 3, 30, 99));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(garbage_by_hand),
		cmocka_unit_test(garbage_agrees_with_a_walk),
		cmocka_unit_test(entries_have_their_place),
		cmocka_unit_test(pages_of_two_moments),
		cmocka_unit_test(flipped_bits),
		cmocka_unit_test(sane_to_the_limits),
		cmocka_unit_test(many_tags_of_one_chunk),
		cmocka_unit_test(all_parts_are_filled),
		cmocka_unit_test(parts_go_on_alone),
		cmocka_unit_test(a_full_map_says_so),
		cmocka_unit_test(rubbish),
	};

	return cmocka_run_group_tests_name("map pages", tests, NULL, NULL);
}

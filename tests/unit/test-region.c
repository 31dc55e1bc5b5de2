// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-region.c - kmod/region.c as the kernel compiles it, against a naive model that walks sector
 * by sector: volumes of every size around a chunk, partial last regions, windows, bitmaps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include "../../kmod/region.c"
#include "rng.h"

#define ROUNDS	    200000
#define MAX_REGIONS 96

struct volume {
	u64 nr_sectors;
	u64 nr_regions;
	u32 shift;
};

/* Small enough to walk, of any length: most have a partial last region. */
static struct volume a_volume(void)
{
	struct volume v = { .shift = 3 + (u32)below(4) };

	v.nr_sectors = 1 + below((MAX_REGIONS - 1) << v.shift);
	v.nr_regions = rpl_region_count(v.nr_sectors, v.shift);
	return v;
}

static u64 region_of(const struct volume *v, u64 sector)
{
	return sector / (1ULL << v->shift);
}

static void count_is_the_last_sector_s_region(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct volume v = a_volume();

		assert_int_equal(v.nr_regions, region_of(&v, v.nr_sectors - 1) + 1);
	}
}

static void touched_and_covered_agree_with_a_walk(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS / 10; i++) {
		struct volume v = a_volume();
		u64 sector = below(v.nr_sectors);
		u64 nr = 1 + below(v.nr_sectors - sector);
		struct rpl_run touched = rpl_region_touched(sector, nr, v.shift);
		struct rpl_run covered = rpl_region_covered(sector, nr, v.nr_sectors, v.shift);
		u64 in[MAX_REGIONS] = { 0 }, all[MAX_REGIONS] = { 0 };

		for (u64 s = 0; s < v.nr_sectors; s++) {
			all[region_of(&v, s)]++;
			if (s >= sector && s < sector + nr)
				in[region_of(&v, s)]++;
		}
		for (u64 r = 0; r < v.nr_regions; r++) {
			bool t = r >= touched.first && r < touched.first + touched.nr;
			bool c = r >= covered.first && r < covered.first + covered.nr;

			assert_int_equal(t, in[r] > 0);
			assert_int_equal(c, in[r] == all[r]);
		}
	}
}

static void sectors_of_runs_add_up(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct volume v = a_volume();
		u64 cut = below(v.nr_regions + 1);
		struct rpl_run low = { 0, cut }, high = { cut, v.nr_regions - cut };
		struct rpl_run behind = { v.nr_regions, 1 + below(8) };

		assert_int_equal(rpl_run_sectors(low, v.nr_sectors, v.shift) +
					 rpl_run_sectors(high, v.nr_sectors, v.shift),
				 v.nr_sectors);
		assert_int_equal(rpl_run_sectors(behind, v.nr_sectors, v.shift), 0);
	}
}

/* Cutting a range at its windows leaves pieces that are whole and never cross a boundary. */
static void windows_cut_without_loss(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS / 10; i++) {
		u32 shift = 3 + (u32)below(9);
		u64 sector = below(1ULL << 40), nr = 1 + below(1ULL << 14), done = 0;

		while (done < nr) {
			u64 piece = min(rpl_window_rest(sector + done, shift), nr - done);

			assert_true(piece > 0);
			assert_int_equal((sector + done) >> shift,
					 (sector + done + piece - 1) >> shift);
			done += piece;
		}
		assert_int_equal(done, nr);
	}
}

static void bits_agree_with_a_walk(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS / 10; i++) {
		unsigned long bits[2] = { 0 };
		u64 nr_regions = 1 + below(MAX_REGIONS), density = 1 + below(8);
		struct rpl_run run = { .first = below(nr_regions) };
		u64 clear, same;

		run.nr = 1 + below(nr_regions - run.first);
		for (u64 r = 0; r < nr_regions; r++)
			if (below(density))
				bits[r / 64] |= 1UL << (r % 64);
		for (clear = run.first; clear < run.first + run.nr; clear++)
			if (!(bits[clear / 64] >> (clear % 64) & 1))
				break;
		assert_int_equal(rpl_run_next_clear(bits, nr_regions, run), clear);
		for (same = 1; same < run.nr; same++)
			if ((bits[(run.first + same) / 64] >> ((run.first + same) % 64) & 1) !=
			    (bits[run.first / 64] >> (run.first % 64) & 1))
				break;
		assert_int_equal(rpl_run_same(bits, run), same);
		/* what lies behind the volume needs nothing */
		run = (struct rpl_run) { nr_regions, 1 + below(9) };
		assert_int_equal(rpl_run_next_clear(bits, nr_regions, run), run.first + run.nr);
	}
}

/* The whole path of a bitmap: runs marked in any order count every sector once. */
static void marking_counts_every_sector_once(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS / 100; i++) {
		struct volume v = a_volume();
		unsigned long bits[2] = { 0 };
		struct rpl_run all = { 0, v.nr_regions };
		u64 counted = 0, at;

		while ((at = rpl_run_next_clear(bits, v.nr_regions, all)) < v.nr_regions) {
			struct rpl_run run = { at, v.nr_regions - at };

			run.nr = 1 + below(rpl_run_same(bits, run));
			counted += rpl_run_sectors(run, v.nr_sectors, v.shift);
			for (u64 r = run.first; r < run.first + run.nr; r++)
				bits[r / 64] |= 1UL << (r % 64);
		}
		assert_int_equal(counted, v.nr_sectors);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(count_is_the_last_sector_s_region),
		cmocka_unit_test(touched_and_covered_agree_with_a_walk),
		cmocka_unit_test(sectors_of_runs_add_up),
		cmocka_unit_test(windows_cut_without_loss),
		cmocka_unit_test(bits_agree_with_a_walk),
		cmocka_unit_test(marking_counts_every_sector_once),
	};

	return cmocka_run_group_tests_name("region", tests, NULL, NULL);
}

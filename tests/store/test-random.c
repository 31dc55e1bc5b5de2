// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-random.c - rpl-check as a program, and on images with random damage: what counts is always
 * found, and nothing crashes whatever stands there (the sanitizers watch).
 */
#include "kit.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 1000

/* ---- random damage ---- */

static u64 rng_state;

static u64 rnd(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

static u64 number(const char *name, u64 otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

/* A place that counts: a superblock, a used page's current slot, a saved bitmap page. */
static u64 somewhere_that_counts(const struct store *s)
{
	u32 nr = (u32)(rnd() % 4);

	switch (rnd() % 3) {
	case 0:
		return nr % 2 ? RPL_SB_B_OFFSET : 0;
	case 1:
		return store_page_offset(s, RPL_AREA_OBJECTS, nr, s->slot[nr]);
	default:
		return store_page_offset(s, RPL_AREA_BITMAPS, nr, s->bitmap_slot[nr]);
	}
}

static void put_back(struct store *s, const struct store *whole, u64 offset)
{
	u8 block[RPL_BLOCK_BYTES];

	store_read(whole, offset, block);
	store_write(s, offset, block);
}

/* One flipped byte in what counts is always found; anything else never crashes. */
static void random_damage_is_found(void **state)
{
	u64 seed = number("SEED", (u64)time(NULL)), rounds = number("ROUNDS", ROUNDS);
	u64 end;
	struct store whole, s;

	(void)state;
	print_message("# SEED=%llu ROUNDS=%llu\n", (unsigned long long)seed,
		      (unsigned long long)rounds);
	rng_state = seed * 0x9e3779b97f4a7c15ULL + 1;
	store_closed(&whole);
	store_copy(&s, &whole);
	end = rpl_sb_area(&s.sb, RPL_AREA_BITMAPS)->offset_bytes + 16 * RPL_BLOCK_BYTES;
	for (u64 round = 0; round < rounds; round++) {
		u64 hit[8], nr = 1 + rnd() % 7, i;
		struct json_object *tree;
		struct check ck;

		for (i = 0; i < nr; i++) {
			hit[i] = i ? rnd() % (end / RPL_BLOCK_BYTES) * RPL_BLOCK_BYTES
				   : somewhere_that_counts(&s);
			store_flip(&s, hit[i] + rnd() % RPL_BLOCK_BYTES);
			if (!i) {
				ck = look(&s);
				assert_true(check_level(&ck) >= LEVEL_MENDED);
				check_free(&ck);
			}
		}
		ck = look(&s);
		tree = check_tree(&ck);
		assert_non_null(json_object_to_json_string(tree));
		json_object_put(tree);
		check_free(&ck);
		for (i = 0; i < nr; i++)
			put_back(&s, &whole, hit[i]);
	}
	store_free(&s);
	store_free(&whole);
}

/* Random values under right checksums: superblocks and records. */
static void hostile_values_do_no_harm(void **state)
{
	u64 rounds = number("ROUNDS", ROUNDS);
	struct store whole, s;

	(void)state;
	store_closed(&whole);
	store_copy(&s, &whole);
	for (u64 round = 0; round < rounds; round++) {
		u32 nr = (u32)(rnd() % (2 * RPL_RECORDS_PER_PAGE)),
		    page = nr / RPL_RECORDS_PER_PAGE;
		struct rpl_record rec = whole.rec[rnd() % 2 ? 2 : RPL_RECORDS_PER_PAGE];
		struct rpl_sb sb = whole.sb;
		struct json_object *tree;
		struct check ck;
		u8 block[RPL_BLOCK_BYTES];

		((u8 *)&rec.clone)[rnd() % sizeof(rec.clone)] = (u8)rnd();
		((u8 *)&rec.clone)[rnd() % 24] = (u8)(rnd() % 3);
		store_forge(&s, nr, &rec);
		if (rnd() % 2)
			((u8 *)&sb)[rnd() % sizeof(sb)] = (u8)rnd();
		rpl_sb_encode(block, &sb, s.copy);
		store_write(&s, s.copy ? RPL_SB_B_OFFSET : 0, block);
		ck = look(&s);
		tree = check_tree(&ck);
		json_object_put(tree);
		check_free(&ck);
		put_back(&s, &whole, store_page_offset(&s, RPL_AREA_OBJECTS, page, s.slot[page]));
	}
	store_free(&s);
	store_free(&whole);
}

/* ---- the program ---- */

/* Run rpl-check with these words; what it prints, the caller frees. */
static char *program(int *status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static char *program(int *status, const char *fmt, ...)
{
	const char *rpl_check = getenv("RPL_CHECK");
	char command[512], *out = calloc(1, 4 << 20);
	size_t at, n = 0, got;
	va_list args;
	FILE *f;

	at = (size_t)snprintf(command, sizeof(command), "%s ", rpl_check ? rpl_check : "rpl-check");
	va_start(args, fmt);
	vsnprintf(command + at, sizeof(command) - at, fmt, args);
	va_end(args);
	f = popen(command, "r");
	assert_non_null(f);
	while ((got = fread(out + n, 1, (4 << 20) - 1 - n, f)))
		n += got;
	*status = WEXITSTATUS(pclose(f));
	return out;
}

static void has(int status, int want, char *out, const char *text)
{
	if (status != want || !strstr(out, text))
		fail_msg("status %d, '%s' wanted in: %.2000s", status, text, out);
	free(out);
}

static void the_program_says_it(void **state)
{
	struct json_object *tree;
	struct store s;
	int status;
	char *out;

	(void)state;
	store_closed(&s);
	out = program(&status, "%s", s.path);
	has(status, 0, out, ": clean\n");
	out = program(&status, "--quiet %s", s.path);
	assert_string_equal(out, "");
	has(status, 0, out, "");
	out = program(&status, "--dump %s", s.path);
	has(status, 0, out, "(10 empty pages)");
	out = program(&status, "--json %s", s.path);
	tree = json_tokener_parse(out);
	assert_non_null(tree);
	assert_int_equal(json_object_array_length(member(tree, "clones")), 3);
	json_object_put(tree);
	has(status, 0, out, "a0a1a2a3-a4a5-a6a7-a8a9-aaabacadaeaf");
	store_flip(&s, 50);
	out = program(&status, "%s", s.path);
	has(status, 1, out,
	    "mended: superblock-lost: superblock A has a wrong checksum (offset 0)");
	store_flip(&s, RPL_SB_B_OFFSET + 50);
	out = program(&status, "%s", s.path);
	has(status, 2, out, "damage: superblocks-damaged: ");
	store_free(&s);
}

static void a_store_may_begin_later(void **state)
{
	struct store s;
	u8 block[RPL_BLOCK_BYTES];
	int status;
	char *out;

	(void)state;
	store_closed(&s);
	assert_int_equal(ftruncate(s.fd, BYTES + 65536), 0);
	for (u64 at = BYTES; at; at -= RPL_BLOCK_BYTES) {
		store_read(&s, at - RPL_BLOCK_BYTES, block);
		store_write(&s, at - RPL_BLOCK_BYTES + 65536, block);
	}
	out = program(&status, "--start 128 %s", s.path);
	has(status, 0, out, ": clean\n");
	out = program(&status, "--start 136 %s", s.path);
	has(status, 3, out, "nothing can be said");
	store_free(&s);
}

static void wrong_usage_is_no_verdict(void **state)
{
	int status;
	char *out;

	(void)state;
	out = program(&status, "2>&1");
	has(status, 3, out, "name one device");
	out = program(&status, "/no/such/device 2>&1");
	has(status, 3, out, "No such file");
	out = program(&status, "/ 2>&1");
	has(status, 3, out, "neither a block device nor a file");
	out = program(&status, "/dev/null /dev/null 2>&1");
	has(status, 3, out, "name one device");
	out = program(&status, "--start 5 x 2>&1");
	has(status, 3, out, "not a number of sectors");
	out = program(&status, "--start -8 x 2>&1");
	has(status, 3, out, "not a number of sectors");
	out = program(&status, "--frob 2>&1");
	has(status, 3, out, "--help");
	out = program(&status, "--help");
	has(status, 0, out, "usage: rpl-check");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_damage_is_found),
		cmocka_unit_test(hostile_values_do_no_harm),
		cmocka_unit_test(the_program_says_it),
		cmocka_unit_test(a_store_may_begin_later),
		cmocka_unit_test(wrong_usage_is_no_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-journal.c - the journal on disk, kmod/journal-format.c as the kernel compiles it: blocks say
 * what was put into them, damaged ones say nothing, and a ring that is cut off anywhere gives back
 * every fact that somebody could rely on and none that was never written, over many lives of a store.
 *
 * The seed is printed; RPL_SEED= takes another one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include "../../kmod/format.c"
#include "../../kmod/layout.c"
#include "../../kmod/map.c"
#include "../../kmod/journal-format.c"
#include "rng.h"

#define RING	RPL_JOURNAL_BLOCKS_MIN
#define REGIONS 512U
#define LIVES	400
#define CLONES	3U

static int seed(void **state)
{
	const char *given = getenv("RPL_SEED");

	(void)state;
	rng_state = given ? strtoull(given, NULL, 0) : 0x9e3779b97f4a7c15ULL;
	printf("# RPL_SEED=0x%llx\n", (unsigned long long)rng_state);
	return 0;
}

static void fill_random(void *to, size_t bytes)
{
	u8 *p = to;

	while (bytes--)
		*p++ = (u8)below(256);
}

static struct rpl_sb a_store(void)
{
	struct rpl_why why;
	struct rpl_sb sb;
	int i;

	assert_int_equal(rpl_sb_plan(&sb, RPL_MIN_STORE_BYTES, 128, 64, &why), 0);
	fill_random(sb.uuid, sizeof(sb.uuid));
	for (i = 0; i < RPL_AREAS; i++)
		if (sb.area[i].kind == RPL_AREA_JOURNAL)
			sb.area[i].length_bytes = RING * RPL_BLOCK_BYTES;
	return sb;
}

/* ---- blocks ---- */

static struct rpl_fact a_fact(void)
{
	struct rpl_fact f = { .kind = RPL_FACT_COPIED };

	f.clone_id = 1 + (u32)below(CLONES);
	f.point = 7 + below(2);
	f.nr = 1 + (u32)below(16);
	f.first = below(REGIONS - f.nr);
	if (!below(20)) {
		f.kind = RPL_FACT_FAILED;
		f.first = 0;
		f.nr = 1 + (u32)below(RPL_ERRNO_MAX);
	}
	return f;
}

static void mark(u8 *bits, const struct rpl_fact *f)
{
	u8 *of = bits + ((f->clone_id - 1) * 2 + (f->point - 7)) * (REGIONS + 1);
	u32 i;

	if (f->kind == RPL_FACT_FAILED)
		of[REGIONS] = 1;
	else
		for (i = 0; i < f->nr; i++)
			of[f->first + i] = 1;
}

static void block_says_what_was_put_in(void **state)
{
	static u8 want[CLONES * 2 * (REGIONS + 1)], got[sizeof(want)];
	struct rpl_sb sb = a_store();
	u8 block[RPL_BLOCK_BYTES];

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct rpl_jblock head;
		struct rpl_fact f;
		u32 added = 0;

		memset(want, 0, sizeof(want));
		memset(got, 0, sizeof(got));
		rpl_jblock_begin(block);
		for (u32 n = (u32)below(400); n; n--) {
			f = a_fact();
			if (n & 1) /* one that goes on where the last one ended */
				f.first = f.kind == RPL_FACT_COPIED && added + f.nr < REGIONS
						  ? added
						  : f.first;
			if (!rpl_jblock_add(block, &f))
				break;
			added = f.kind == RPL_FACT_COPIED ? (u32)f.first + f.nr : 0;
			mark(want, &f);
		}
		rpl_jblock_seal(block, &sb, 5, 9, 9);
		assert_int_equal(rpl_jblock_check(block, &sb, &head), 0);
		assert_int_equal(head.incarnation, 5);
		assert_int_equal(head.seq, 9);
		assert_true(head.nr <= RPL_FACTS_PER_BLOCK);
		for (u32 i = 0; i < head.nr; i++) {
			assert_int_equal(rpl_jblock_fact(block, i, &f), 0);
			mark(got, &f);
		}
		assert_memory_equal(want, got, sizeof(want));
	}
}

static void neighbours_share_a_fact(void **state)
{
	struct rpl_fact f = { .kind = RPL_FACT_COPIED, .clone_id = 1, .point = 1, .nr = 16 };
	struct rpl_sb sb = a_store();
	u8 block[RPL_BLOCK_BYTES];
	struct rpl_jblock head;

	(void)state;
	rpl_jblock_begin(block);
	for (int i = 0; i < 100000; i++, f.first += 16)
		assert_true(rpl_jblock_add(block, &f));
	rpl_jblock_seal(block, &sb, 1, 1, 1);
	assert_int_equal(rpl_jblock_check(block, &sb, &head), 0);
	assert_int_equal(head.nr, 1);
	assert_int_equal(rpl_jblock_fact(block, 0, &f), 0);
	assert_int_equal(f.nr, 1600000);
}

/* Chunks of the store: a fact may grow only over neighbours on both sides, of one tag. */
static void kept_chunks_come_back(void **state)
{
	struct rpl_sb sb = a_store();
	struct rpl_fact in[600], f;
	u8 block[RPL_BLOCK_BYTES];
	struct rpl_jblock head;

	(void)state;
	for (int round = 0; round < 300; round++) {
		u32 nr = 0, at = 0;

		rpl_jblock_begin(block);
		while (nr < ARRAY_SIZE(in)) {
			f = (struct rpl_fact) { .kind = below(2) ? RPL_FACT_PRESERVED
								 : RPL_FACT_OWN,
						.clone_id = 1 + (u32)below(2),
						.point = 1 + below(2),
						.first = below(4),
						.nr = 1,
						.loc = below(3) ? 1 + (u32)below(4) : RPL_LOC_BAD };
			if (nr && below(3)) {
				f = in[nr - 1];
				f.first++;
				if (f.loc != RPL_LOC_BAD)
					f.loc++;
				if (!below(8))
					f.loc = RPL_LOC_BAD;
			}
			if (f.loc == RPL_LOC_BAD)
				f.kind = RPL_FACT_PRESERVED;
			if (!rpl_jblock_add(block, &f))
				break;
			in[nr++] = f;
		}
		rpl_jblock_seal(block, &sb, 5, 9, 9);
		assert_int_equal(rpl_jblock_check(block, &sb, &head), 0);
		for (u32 i = 0; i < head.nr; i++) {
			assert_int_equal(rpl_jblock_fact(block, i, &f), 0);
			for (u32 k = 0; k < f.nr; k++, at++) {
				assert_true(at < nr && in[at].kind == f.kind &&
					    in[at].clone_id == f.clone_id &&
					    in[at].point == f.point && in[at].first == f.first + k);
				assert_int_equal(in[at].loc,
						 f.loc == RPL_LOC_BAD ? f.loc : f.loc + k);
			}
		}
		assert_int_equal(at, nr);
	}
}

static void any_damage_is_seen(void **state)
{
	struct rpl_sb sb = a_store();
	u8 block[RPL_BLOCK_BYTES];
	struct rpl_jblock head;
	struct rpl_fact f;

	(void)state;
	rpl_jblock_begin(block);
	for (int i = 0; i < 50; i++) {
		f = a_fact();
		rpl_jblock_add(block, &f);
	}
	rpl_jblock_seal(block, &sb, 5, 9, 9);
	for (int i = 0; i < 20000; i++) {
		u64 at = below(RPL_BLOCK_BYTES);
		u8 was = block[at];

		block[at] ^= (u8)(1 + below(255));
		assert_int_equal(rpl_jblock_check(block, &sb, &head), -EILSEQ);
		block[at] = was;
	}
	sb.uuid[3] ^= 1; /* another store's */
	assert_int_equal(rpl_jblock_check(block, &sb, &head), -EILSEQ);
	memset(block, 0, sizeof(block));
	assert_int_equal(rpl_jblock_check(block, &sb, &head), -ENODATA);
}

static void hostile_facts_are_refused(void **state)
{
	struct rpl_sb sb = a_store();
	u8 block[RPL_BLOCK_BYTES];
	struct rpl_jblock head;
	struct rpl_fact f;
	u32 good = 0;

	(void)state;
	for (int round = 0; round < 300; round++) {
		fill_random(block, sizeof(block));
		for (u32 i = 0; i < RPL_FACTS_PER_BLOCK; i++) {
			u8 *raw = block + 64 + 24 * i;

			raw[0] = (u8)below(7);
			if (below(2)) /* numbers that may be good */
				raw[3] = raw[6] = raw[7] = raw[21] = raw[22] = raw[23] = 0;
		}
		((struct jblock_head *)block)->nr = cpu_to_le32((u32)below(200));
		rpl_jblock_seal(block, &sb, 5, 9, 9);
		if (rpl_jblock_check(block, &sb, &head))
			continue;
		for (u32 i = 0; i < head.nr; i++) {
			if (rpl_jblock_fact(block, i, &f))
				continue;
			good++;
			assert_true(f.clone_id && f.clone_id <= RPL_ID_MAX && f.nr);
			assert_true(f.first <= RPL_VOLUME_SECTORS_MAX);
			if (f.kind != RPL_FACT_PRESERVED && f.kind != RPL_FACT_OWN)
				continue;
			assert_true(f.kind == RPL_FACT_PRESERVED || f.loc != RPL_LOC_BAD);
			assert_true(f.point && f.point <= RPL_TAG_MAX && f.loc);
			assert_true(f.loc == RPL_LOC_BAD || (u64)f.loc + f.nr <= RPL_LOC_BAD);
		}
	}
	assert_true(good);
}

/* ---- the ring, over many lives ---- */

/* A disk of a ring and two superblocks, and what a naive model knows about it. */
struct world {
	u8 ring[RING][RPL_BLOCK_BYTES];
	bool unreadable[RING];
	struct rpl_sb sb[2]; /* both good, .generation tells which is newer */
	u64 head, applied;
	u32 facts; /* numbered by all lives; fact n is region n of a clone with point n */
	u32 relied; /* facts below it may have been relied on */
	u32 at_tail[2]; /* facts below it are in the pages of that superblock */
};

static u32 place(struct world *w, u64 seq)
{
	const struct rpl_area *a = rpl_sb_area(&w->sb[0], RPL_AREA_JOURNAL);

	return (u32)((rpl_journal_offset(&w->sb[0], seq) - a->offset_bytes) / RPL_BLOCK_BYTES);
}

static unsigned int newer(struct world *w)
{
	return w->sb[1].generation > w->sb[0].generation;
}

static void write_sb(struct world *w, u64 incarnation, u64 tail, u32 facts)
{
	unsigned int n = newer(w);

	w->sb[1 - n] = w->sb[n];
	w->sb[1 - n].generation++;
	w->sb[1 - n].incarnation = incarnation;
	w->sb[1 - n].journal_tail = tail;
	w->at_tail[1 - n] = facts;
}

/* One batch; cut: the power goes, some of its blocks are there, some not, some half. */
static void write_batch(struct world *w, bool cut)
{
	struct rpl_sb *sb = &w->sb[newer(w)];
	u32 nr = 1 + (u32)below(RPL_BATCH_BLOCKS);

	if (w->head + nr - sb->journal_tail > RING)
		return; /* no room: the kernel makes a checkpoint first */
	for (u32 i = 0; i < nr; i++) {
		u8 block[RPL_BLOCK_BYTES];
		u8 *to = w->ring[place(w, w->head + i)];
		struct rpl_fact f = { .kind = RPL_FACT_COPIED, .clone_id = 1, .nr = 1 };

		rpl_jblock_begin(block);
		for (u64 n = 1 + below(3); n; n--) {
			f.point = w->facts;
			f.first = w->facts++;
			assert_true(rpl_jblock_add(block, &f));
		}
		rpl_jblock_seal(block, sb, sb->incarnation, w->head + i, w->head);
		if (!cut || below(2))
			memcpy(to, block, sizeof(block));
		else if (below(2))
			memcpy(to, block, 512 * below(8));
	}
	if (cut)
		return;
	w->head += nr;
	w->relied = w->facts;
	w->applied = w->head;
}

static void checkpoint(struct world *w)
{
	write_sb(w, w->sb[newer(w)].incarnation, w->applied, w->relied);
}

/* Read it as the kernel does: the facts of a superblock, or lost. */
static bool open_it(struct world *w, unsigned int n, u32 *from, u32 *to, u64 *next)
{
	struct rpl_replay r;
	struct rpl_jblock head;
	struct rpl_fact f;

	*from = *to = w->at_tail[n];
	rpl_replay_begin(&r, &w->sb[n]);
	for (u32 i = 0; i < RING; i++) {
		u32 at = place(w, w->sb[n].journal_tail + i);
		u8 *block = w->unreadable[at] ? NULL : w->ring[at];

		if (rpl_replay_block(&r, block, &head) != RPL_REPLAY_APPLY)
			continue;
		for (u32 k = 0; k < head.nr; k++) {
			assert_int_equal(rpl_jblock_fact(block, k, &f), 0);
			/* in order, without a hole, each once: facts of another life would not be */
			assert_int_equal(f.first, *to);
			assert_int_equal(f.nr, 1);
			(*to)++;
		}
	}
	*next = r.next;
	return !r.lost;
}

static void life(struct world *w, bool may_damage, u32 *lost)
{
	unsigned int n;
	u32 from, to, steps = (u32)below(60);
	u64 next;
	bool good;

	while (steps--) {
		if (below(5))
			write_batch(w, false);
		else
			checkpoint(w);
	}
	if (below(2))
		write_batch(w, true);
	n = newer(w);
	if (may_damage) {
		if (!below(3))
			n = 1 - n; /* the newer superblock is lost */
		if (!below(3))
			w->unreadable[below(RING)] = true;
		if (!below(3))
			fill_random(w->ring[below(RING)], 64);
	}
	good = open_it(w, n, &from, &to, &next);
	if (!may_damage)
		assert_true(good);
	/* facts are numbered without holes: what was relied on is below w->relied */
	if (!may_damage)
		assert_true(to >= w->relied);
	if (good)
		assert_true(to <= w->facts);
	*lost += !good;
	memset(w->unreadable, 0, sizeof(w->unreadable));
	/* the next life: what was replayed is in the pages, what was not is forgotten */
	w->facts = w->facts > to ? w->facts : to;
	w->relied = w->facts;
	w->sb[newer(w)].generation += 2;
	w->head = w->applied = next + 2 * RING;
	n = below(2) ? 0x1234 : (unsigned int)below(3); /* incarnations may even be the same */
	write_sb(w, n, w->head, w->facts);
	write_sb(w, n, w->head, w->facts);
}

static struct world *a_world(void)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->sb[0] = w->sb[1] = a_store();
	w->sb[1].generation = 2;
	return w;
}

static void no_cut_loses_a_fact(void **state)
{
	struct world *w = a_world();
	u32 lost = 0;

	(void)state;
	for (int i = 0; i < LIVES; i++)
		life(w, false, &lost);
	assert_int_equal(lost, 0);
	assert_true(w->facts > LIVES);
	free(w);
}

/*
 * The older superblock alone: all its facts and all since, or "lost". Never less without a word:
 * blocks that were used again say so.
 */
static void older_superblock_is_right_or_says_so(void **state)
{
	u32 good = 0, lost = 0;

	(void)state;
	for (int i = 0; i < LIVES; i++) {
		struct world *w = a_world();
		u32 from, to, dummy = 0;
		u64 next;

		life(w, false, &dummy);
		for (u64 n = below(120); n; n--) {
			if (below(8))
				write_batch(w, false);
			else
				checkpoint(w);
		}
		if (open_it(w, 1 - newer(w), &from, &to, &next)) {
			assert_int_equal(to, w->relied);
			good++;
		} else {
			lost++;
		}
		free(w);
	}
	assert_true(good);
	assert_true(lost);
}

/* A block that counts, and is not of the last batch, is damaged or cannot be read: lost, always. */
static void a_damaged_middle_is_no_end(void **state)
{
	(void)state;
	for (int i = 0; i < LIVES; i++) {
		struct world *w = a_world();
		u32 from, to, dummy = 0, at;
		u64 next, last;

		life(w, false, &dummy);
		for (int n = 0; n < 2; n++)
			write_batch(w, false);
		last = w->head;
		write_batch(w, false);
		at = place(w, w->sb[newer(w)].journal_tail +
				      below(last - w->sb[newer(w)].journal_tail));
		if (below(2))
			w->unreadable[at] = true;
		else
			w->ring[at][below(RPL_BLOCK_BYTES)] ^= 0x10;
		assert_false(open_it(w, newer(w), &from, &to, &next));
		free(w);
	}
}

/* Whatever happens to it, the reader neither crashes nor makes facts up. */
static void damage_never_makes_facts(void **state)
{
	struct world *w = a_world();
	u32 lost = 0;

	(void)state;
	for (int i = 0; i < LIVES; i++)
		life(w, true, &lost);
	assert_true(lost);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(block_says_what_was_put_in),
		cmocka_unit_test(neighbours_share_a_fact),
		cmocka_unit_test(kept_chunks_come_back),
		cmocka_unit_test(any_damage_is_seen),
		cmocka_unit_test(hostile_facts_are_refused),
		cmocka_unit_test(no_cut_loses_a_fact),
		cmocka_unit_test(older_superblock_is_right_or_says_so),
		cmocka_unit_test(a_damaged_middle_is_no_end),
		cmocka_unit_test(damage_never_makes_facts),
	};

	return cmocka_run_group_tests(tests, seed, NULL);
}

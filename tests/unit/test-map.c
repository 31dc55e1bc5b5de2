// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-map.c - kmod/map.c as the kernel compiles it. A store with snapshots is played through, by
 * the rules that commit.c, snap.c and scan.c follow, against a naive model that keeps a full copy of
 * every volume for every snapshot: first writes, points in time, writes to snapshots, deletions in
 * any order with ids given again at once, scans, checkpoints, power cuts, volumes that become longer
 * and shorter, a store that grows, and one that is full, which costs those snapshots that need the
 * chunk. OPS and SEED in the environment: how many operations, and which.
 */
#include "map-kit.h"
#include "../../kmod/shortage.c"

#define VOLUMES	   4
#define CHUNKS	   40 /* of a volume, at most: three pages of the hash */
#define CHUNKS_MIN 20
#define SNAPSHOTS  12 /* of a volume at a time */
#define OPS	   1000000

/* ---- the store, by the rules ---- */

struct snapshot {
	u32 id, tag;
	u32 nr_chunks; /* that it has */
	u32 content[CHUNKS]; /* the model: a full copy, with what was written to it */
};

struct volume {
	u32 now[CHUNKS];
	u32 nr_chunks;
	u32 nr_live;
	struct snapshot live[SNAPSHOTS]; /* by tag */
	bool kept[CHUNKS]; /* bits of the newest view */
};

struct store {
	struct pages map, disk; /* in memory, as of the last checkpoint */
	struct rpl_map_entry journal[4096];
	u32 nr_journal;
	struct volume vol[VOLUMES];
	u32 content[LOCS + 1]; /* of the store's chunks */
	u8 used[LOCS + 1], cleared[LOCS + 1];
	u32 epoch, version;
	bool in_checkpoint;
	u64 lost,
		spared; /* the store was full: snapshots that needed the chunk; that end before it */
	u64 own, refused; /* writes to snapshots: that needed a chunk; that found the store full */
};

static u32 newest(const struct volume *v)
{
	return v->nr_live ? v->live[v->nr_live - 1].tag : 0;
}

/* Chunks that the store has by now. */
static u32 nr_locs(const struct store *s)
{
	return LOCS - 200 * (2 - s->map.m.nr_added);
}

static u32 take(struct store *s)
{
	u32 nr = nr_locs(s), from = (u32)below(nr), i;

	for (i = 0; i < nr; i++) {
		u32 loc = 1 + (from + i) % nr;

		if (!s->used[loc])
			return loc;
	}
	return 0;
}

static u32 read_snapshot(struct store *s, u32 nr, const struct snapshot *n, u32 chunk)
{
	u32 own = rpl_map_own(&s->map.m, n->id, chunk, n->tag);
	struct rpl_map_entry e;

	if (own)
		return s->content[own];
	if (rpl_map_lookup(&s->map.m, nr + 1, chunk, n->tag, &e))
		return s->vol[nr].now[chunk];
	assert_true(e.volume == nr + 1 && e.chunk == chunk && e.tag >= n->tag);
	return s->content[e.loc];
}

static void check_snapshot(struct store *s, u32 nr, const struct snapshot *n)
{
	u32 k;

	for (k = 0; k < n->nr_chunks; k++)
		assert_int_equal(read_snapshot(s, nr, n, k), n->content[k]);
}

static void check_all(struct store *s)
{
	u32 v, i;

	for (v = 0; v < VOLUMES; v++)
		for (i = 0; i < s->vol[v].nr_live; i++)
			check_snapshot(s, v, &s->vol[v].live[i]);
}

static void write_chunk(struct store *s);
static void scan(struct store *s);

/* Pages are copied one by one, while entries are filed and cleared: each is of another moment. */
static void checkpoint(struct store *s)
{
	u32 i, tail = s->nr_journal;
	u8 clearing[LOCS + 1];

	memcpy(clearing, s->cleared, sizeof(clearing));
	memset(s->cleared, 0, sizeof(s->cleared));
	s->in_checkpoint = true;
	for (i = 0; i < s->map.m.nr_pages; i++) {
		u32 meanwhile = (u32)below(20);

		if (!below(8))
			scan(s);
		while (meanwhile--)
			write_chunk(s);
		if (!test_bit(i, s->map.dirty))
			continue;
		__clear_bit(i, s->map.dirty);
		memcpy(s->disk.blocks[i], s->map.blocks[i], RPL_BLOCK_BYTES);
		s->disk.pages[i] = s->disk.blocks[i];
	}
	s->in_checkpoint = false;
	s->nr_journal -= tail;
	memmove(s->journal, s->journal + tail, s->nr_journal * sizeof(s->journal[0]));
	/* what was cleared before it began is free now (R23) */
	for (i = 1; i <= LOCS; i++)
		if (clearing[i])
			s->used[i] = 0;
}

/* The journal does not get full. */
static void make_room(struct store *s)
{
	if (s->nr_journal > ARRAY_SIZE(s->journal) / 2 && !s->in_checkpoint)
		checkpoint(s);
	assert_true(s->nr_journal < ARRAY_SIZE(s->journal));
}

/* A first write keeps what it destroys. False: the store is full. */
static bool keep(struct store *s, u32 nr, u32 chunk)
{
	struct volume *v = &s->vol[nr];
	struct rpl_map_entry e = { .volume = nr + 1, .chunk = chunk, .tag = newest(v) }, found;
	u32 prev;

	if (!rpl_map_lookup(&s->map.m, e.volume, chunk, e.tag, &found))
		return true;
	e.loc = take(s);
	if (!e.loc)
		return false;
	/* filed in increasing order, over all time (R12) */
	prev = rpl_map_prev_tag(&s->map.m, e.volume, chunk, RPL_TAG_MAX);
	assert_true(prev < e.tag);
	if (file(&s->map, &e))
		return false;
	s->used[e.loc] = 1;
	s->content[e.loc] = v->now[chunk];
	s->journal[s->nr_journal++] = e;
	return true;
}

/* Has the newest one the chunk, and not its copy? Nothing is kept behind its end. */
static bool must_keep(const struct volume *v, u32 chunk)
{
	return v->nr_live && chunk < v->live[v->nr_live - 1].nr_chunks && !v->kept[chunk];
}

/* What of those that need the chunk are lost (lose.c): the oldest, or all. */
static struct rpl_loss choose_loss(struct store *s, u32 nr, u32 chunk)
{
	u32 above = rpl_map_prev_tag(&s->map.m, nr + 1, chunk, RPL_TAG_MAX), live[SNAPSHOTS], i,
	    n = 0;
	const struct volume *v = &s->vol[nr];
	struct rpl_loss loss;

	for (i = 0; i < v->nr_live; i++)
		if (v->live[i].nr_chunks > chunk)
			live[n++] = v->live[i].tag;
	for (i = 0; i < v->nr_live && v->live[i].nr_chunks <= chunk; i++)
		above = max(above, v->live[i].tag);
	assert_true(rpl_loss_choose(live, n, above, newest(v), below(2), &loss));
	return loss;
}

/* There is no chunk for it. Nobody is lost who does not need it. */
static void lose(struct store *s, u32 nr, u32 chunk)
{
	struct rpl_loss loss = choose_loss(s, nr, chunk);
	struct volume *v = &s->vol[nr];
	struct rpl_map_entry e;
	u32 i, n = 0;

	for (i = 0; i < v->nr_live; i++) {
		if (!rpl_loss_has(&loss, v->live[i].tag)) {
			s->spared += v->live[i].nr_chunks <= chunk;
			v->live[n++] = v->live[i];
			continue;
		}
		assert_true(v->live[i].nr_chunks > chunk);
		assert_int_equal(rpl_map_lookup(&s->map.m, nr + 1, chunk, v->live[i].tag, &e),
				 -ENOENT);
		s->lost++;
	}
	assert_true(n < v->nr_live);
	v->nr_live = n;
}

static void write_chunk(struct store *s)
{
	u32 nr = (u32)below(VOLUMES), chunk;
	struct volume *v = &s->vol[nr];

	make_room(s);
	chunk = (u32)below(v->nr_chunks);
	while (must_keep(v, chunk)) {
		if (keep(s, nr, chunk))
			v->kept[chunk] = true;
		else
			lose(s, nr, chunk);
	}
	v->now[chunk] = ++s->version;
}

/* Never shorter than a snapshot of it; what comes anew at its end is no old content of any. */
static void resize(struct store *s)
{
	struct volume *v = &s->vol[below(VOLUMES)];
	u32 least = CHUNKS_MIN, i, nr;

	for (i = 0; i < v->nr_live; i++)
		least = max(least, v->live[i].nr_chunks);
	nr = least + (u32)below(CHUNKS - least + 1);
	for (i = v->nr_chunks; i < nr; i++)
		v->now[i] = ++s->version;
	v->nr_chunks = nr;
}

/* A chunk of the snapshot's own, with what it has there (copy-up.c). 0: the store is full. */
static u32 copy_up(struct store *s, u32 nr, const struct snapshot *n, u32 chunk)
{
	struct rpl_map_entry e = {
		.volume = RPL_MAP_OWN | n->id,
		.chunk = chunk,
		.tag = n->tag,
	};

	e.loc = take(s);
	if (!e.loc)
		return 0;
	s->content[e.loc] = read_snapshot(s, nr, n, chunk);
	if (file(&s->map, &e))
		return 0;
	s->used[e.loc] = 1;
	s->journal[s->nr_journal++] = e;
	s->own++;
	return e.loc;
}

/* In place, once the record of its chunk is durable; now and then the cut comes before it. */
static void write_snapshot(struct store *s)
{
	u32 nr = (u32)below(VOLUMES), chunk, own;
	struct volume *v = &s->vol[nr];
	struct snapshot *n;

	make_room(s);
	if (!v->nr_live)
		return;
	n = &v->live[below(v->nr_live)];
	chunk = (u32)below(n->nr_chunks);
	own = rpl_map_own(&s->map.m, n->id, chunk, n->tag);
	if (!own)
		own = copy_up(s, nr, n, chunk);
	if (!own)
		s->refused++;
	else if (below(8))
		s->content[own] = n->content[chunk] = ++s->version;
}

/* The smallest that is free, of all volumes: the one that was deleted last, often. */
static u32 free_id(const struct store *s)
{
	bool taken[VOLUMES * SNAPSHOTS + 2] = {};
	u32 v, i;

	for (v = 0; v < VOLUMES; v++)
		for (i = 0; i < s->vol[v].nr_live; i++)
			taken[s->vol[v].live[i].id] = true;
	for (i = 1; taken[i]; i++)
		;
	return i;
}

static bool is_live(const struct store *s, u32 id, u32 tag)
{
	u32 v, i;

	for (v = 0; v < VOLUMES; v++)
		for (i = 0; i < s->vol[v].nr_live; i++)
			if (s->vol[v].live[i].id == id && s->vol[v].live[i].tag == tag)
				return true;
	return false;
}

static void snapshot(struct store *s)
{
	struct volume *v = &s->vol[below(VOLUMES)];
	struct snapshot *n;
	u32 id = free_id(s);

	if (v->nr_live == SNAPSHOTS)
		return;
	n = &v->live[v->nr_live++];
	n->id = id;
	n->tag = ++s->epoch;
	n->nr_chunks = v->nr_chunks;
	memcpy(n->content, v->now, sizeof(n->content));
	memset(v->kept, 0, sizeof(v->kept));
}

static void delete (struct store *s)
{
	struct volume *v = &s->vol[below(VOLUMES)];
	u32 i;

	if (!v->nr_live)
		return;
	/* bits stay: they mean "nothing to keep", and only grow (R14) */
	i = (u32)below(v->nr_live);
	memmove(&v->live[i], &v->live[i + 1], (--v->nr_live - i) * sizeof(v->live[0]));
}

/* As scan.c: also what only shorter ones could read. */
static bool is_garbage(struct store *s, const struct rpl_map_entry *e)
{
	u32 i, live[SNAPSHOTS], longest = 0;
	struct volume *v;

	if (e->volume & RPL_MAP_OWN)
		return !is_live(s, e->volume & ~RPL_MAP_OWN, e->tag);
	v = &s->vol[e->volume - 1];
	for (i = 0; i < v->nr_live; i++) {
		live[i] = v->live[i].tag;
		if (live[i] <= e->tag)
			longest = max(longest, v->live[i].nr_chunks);
	}
	return rpl_map_is_garbage(live, v->nr_live,
				  rpl_map_prev_tag(&s->map.m, e->volume, e->chunk, e->tag),
				  e->tag) ||
	       longest <= e->chunk;
}

static void scan(struct store *s)
{
	struct rpl_map_entry e;
	u32 page, nr;

	for (page = 0; page < s->map.m.nr_pages; page++) {
		for (nr = 0; nr < RPL_MAP_ENTRIES; nr++) {
			if (!rpl_map_entry(&s->map.m, page, nr, &e) || !is_garbage(s, &e))
				continue;
			rpl_map_clear(&s->map.m, page, nr);
			assert_true(s->used[e.loc] && !s->cleared[e.loc]);
			s->cleared[e.loc] = 1;
		}
	}
}

/* Everything in memory is gone; pages of the last checkpoint, and the journal in order. */
static void power_cut(struct store *s)
{
	struct rpl_map_entry e;
	u32 i, page, nr;

	pages_init(&s->map);
	while (s->map.m.nr_pages < s->disk.m.nr_pages)
		pages_grow(&s->map);
	for (i = 0; i < s->map.m.nr_pages; i++) {
		if (!s->disk.pages[i])
			continue;
		assert_true(rpl_map_page_sane(&s->map.m, s->disk.blocks[i], i, nr_locs(s)));
		memcpy(s->map.blocks[i], s->disk.blocks[i], RPL_BLOCK_BYTES);
		s->map.pages[i] = s->map.blocks[i];
	}
	mend(&s->map);
	for (i = 0; i < s->nr_journal; i++) {
		int r;

		e = s->journal[i];
		r = file(&s->map, &e);
		assert_true(!r || r == -EEXIST);
		assert_int_equal(e.loc, s->journal[i].loc);
	}
	memset(s->used, 0, sizeof(s->used));
	memset(s->cleared, 0, sizeof(s->cleared));
	for (i = 0; i < VOLUMES; i++)
		memset(s->vol[i].kept, 0, sizeof(s->vol[i].kept));
	for (page = 0; page < s->map.m.nr_pages; page++) {
		for (nr = 0; nr < RPL_MAP_ENTRIES; nr++) {
			if (!rpl_map_entry(&s->map.m, page, nr, &e))
				continue;
			/* one owner of each chunk, always */
			assert_false(s->used[e.loc]);
			s->used[e.loc] = 1;
			if (e.volume & RPL_MAP_OWN)
				continue;
			if (newest(&s->vol[e.volume - 1]) && e.tag >= newest(&s->vol[e.volume - 1]))
				s->vol[e.volume - 1].kept[e.chunk] = true;
		}
	}
	/* an opening writes what it found */
	for (i = 0; i < s->map.m.nr_pages; i++)
		if (s->map.pages[i])
			__set_bit(i, s->map.dirty);
	checkpoint(s);
}

static u64 number_of(const char *name, u64 otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

/* At one instant, that of the superblock; after a while it begins anew, so that all sizes come. */
static void grow(struct store *s)
{
	u32 v;

	if (pages_grow(&s->map)) {
		pages_grow(&s->disk);
		return;
	}
	if (below(4))
		return;
	pages_init(&s->map);
	pages_init(&s->disk);
	s->nr_journal = 0;
	memset(s->used, 0, sizeof(s->used));
	memset(s->cleared, 0, sizeof(s->cleared));
	for (v = 0; v < VOLUMES; v++)
		s->vol[v].nr_live = 0;
}

static void snapshots_keep_their_content(void **state)
{
	u64 ops = number_of("OPS", OPS), seed = number_of("SEED", (u64)random() + 1), i, cuts = 0;
	struct store *s = calloc(1, sizeof(*s));

	(void)state;
	print_message("seed %llu, %llu operations\n", (unsigned long long)seed,
		      (unsigned long long)ops);
	rng_state = seed * 0x9e3779b97f4a7c15ULL + 1;
	pages_init(&s->map);
	pages_init(&s->disk);
	for (i = 0; i < VOLUMES; i++)
		s->vol[i].nr_chunks = CHUNKS_MIN;
	for (i = 0; i < ops; i++) {
		u64 what = below(1000);
		u32 nr = (u32)below(VOLUMES);

		if (what < 700)
			write_chunk(s);
		else if (what < 900)
			write_snapshot(s);
		else if (what < 945)
			snapshot(s);
		else if (what < 978)
			delete (s);
		else if (what < 985)
			resize(s);
		else if (what == 985)
			grow(s);
		else if (what < 992)
			scan(s);
		else if (what < 998)
			checkpoint(s);
		else
			power_cut(s), cuts++;
		if (s->vol[nr].nr_live)
			check_snapshot(s, nr, &s->vol[nr].live[below(s->vol[nr].nr_live)]);
		if (what >= 985)
			check_all(s);
	}
	print_message(
		"%u points in time, %llu power cuts, %llu snapshots lost, %llu shorter ones not; "
		"%llu chunks of snapshots' own, %llu refused\n",
		s->epoch, (unsigned long long)cuts, (unsigned long long)s->lost,
		(unsigned long long)s->spared, (unsigned long long)s->own,
		(unsigned long long)s->refused);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snapshots_keep_their_content),
	};
	struct {
		unsigned int sec, usec;
	} now = { 0 };
	FILE *f = fopen("/dev/urandom", "r");

	if (f && fread(&now, sizeof(now), 1, f) == 1)
		srandom(now.sec);
	if (f)
		fclose(f);
	return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}

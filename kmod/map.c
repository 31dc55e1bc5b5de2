// SPDX-License-Identifier: GPL-2.0-only
/*
 * The store map, see map.h. Pure code: the kernel and the tests in user space compile this same
 * file. Whatever stands in a page, no function here crashes or runs for ever.
 */
#include "map.h"

#define BUCKET_ENTRIES 16U
#define CHUNK_BITS     48U

struct entry_disk {
	__le64 key; /* volume << 48 | chunk */
	__le32 tag;
	__le32 loc; /* 0: free */
} __packed;

struct map_page {
	u8 head[64]; /* format.c's */
	__le16 overflow; /* bit a bucket: look in the next one, too */
	u8 reserved[190];
	struct entry_disk entry[RPL_MAP_ENTRIES];
} __packed;

static_assert(sizeof(struct entry_disk) == 16);
static_assert(sizeof(struct map_page) == RPL_BLOCK_BYTES);
static_assert(!(RPL_ID_MAX & RPL_MAP_OWN) && (RPL_ID_MAX | RPL_MAP_OWN) <= U16_MAX);

u32 rpl_map_pages(u64 nr_chunks)
{
	/* three quarters of the entries, one entry a chunk */
	return (u32)min_t(u64, div_u64(nr_chunks, RPL_MAP_ENTRIES / 4 * 3) + 1, U32_MAX);
}

/* ---- where ---- */

/* A walk over the buckets of a part that may have entries of one chunk. */
struct walk {
	u32 page, bucket;
	u32 first, end; /* pages of the part */
	u64 left; /* buckets, this one included */
};

static u64 key_of(u32 volume, u64 chunk)
{
	return (u64)volume << CHUNK_BITS | chunk;
}

/* Fixed for ever: where an entry stands on disk. (The finalizer of SplitMix64.) */
static u64 mix(u64 x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/* Chunks that follow each other share a page, so that a copy of 1 MiB changes one or two. */
static struct walk home(const struct rpl_map *m, u32 part, u32 volume, u64 chunk)
{
	u64 page_of_volume = div_u64(chunk, RPL_MAP_BUCKETS);
	struct walk w = {
		.first = part ? m->added[part - 1] : 0,
		.end = part < m->nr_added ? m->added[part] : m->nr_pages,
	};
	u32 nr = w.end - w.first;

	w.left = (u64)nr * RPL_MAP_BUCKETS;
	w.bucket = (u32)(chunk - page_of_volume * RPL_MAP_BUCKETS);
	w.page = w.first;
	w.page += (u32)(((mix(key_of(volume, page_of_volume)) >> 32) * nr) >> 32);
	return w;
}

/* The part that a page belongs to. */
static u32 part_of(const struct rpl_map *m, u32 page)
{
	u32 part = m->nr_added;

	while (part && page < m->added[part - 1])
		part--;
	return part;
}

u32 rpl_map_part_end(const struct rpl_map *m, u32 page)
{
	u32 part = part_of(m, page);

	return part < m->nr_added ? m->added[part] : m->nr_pages;
}

static struct map_page *page_of(const struct rpl_map *m, const struct walk *w)
{
	return READ_ONCE(m->pages[w->page]);
}

static bool overflows(const struct map_page *p, u32 bucket)
{
	return p && le16_to_cpu(p->overflow) & BIT(bucket);
}

static void mark_overflow(struct rpl_map *m, struct map_page *p, const struct walk *w)
{
	if (overflows(p, w->bucket))
		return;
	p->overflow |= cpu_to_le16(BIT(w->bucket));
	__set_bit(w->page, m->dirty);
}

/* To the next bucket of the chain. False: there is none. */
static bool next(const struct rpl_map *m, struct walk *w)
{
	if (!overflows(page_of(m, w), w->bucket) || w->left <= 1)
		return false;
	w->left--;
	if (++w->bucket == RPL_MAP_BUCKETS) {
		w->bucket = 0;
		w->page = w->page + 1 == w->end ? w->first : w->page + 1;
	}
	return true;
}

static struct entry_disk *bucket_of(struct map_page *p, u32 bucket)
{
	return &p->entry[bucket * BUCKET_ENTRIES];
}

/* ---- looking ---- */

static void decode(const struct entry_disk *d, struct rpl_map_entry *e)
{
	u64 key = le64_to_cpu(d->key);

	e->volume = (u32)(key >> CHUNK_BITS);
	e->chunk = key & (BIT_ULL(CHUNK_BITS) - 1);
	e->tag = le32_to_cpu(d->tag);
	e->loc = le32_to_cpu(d->loc);
}

/* The best so far, or a better one of this part. */
static const struct entry_disk *look_in(const struct rpl_map *m, struct walk w, __le64 key, u32 tag,
					const struct entry_disk *best)
{
	u32 i;

	do {
		struct map_page *p = page_of(m, &w);
		const struct entry_disk *d;

		if (!p)
			break;
		for (i = 0, d = bucket_of(p, w.bucket); i < BUCKET_ENTRIES; i++, d++)
			if (d->loc && d->key == key && le32_to_cpu(d->tag) >= tag &&
			    (!best || le32_to_cpu(d->tag) < le32_to_cpu(best->tag)))
				best = d;
	} while (next(m, &w));
	return best;
}

int rpl_map_lookup(const struct rpl_map *m, u32 volume, u64 chunk, u32 tag, struct rpl_map_entry *e)
{
	const __le64 key = cpu_to_le64(key_of(volume, chunk));
	const struct entry_disk *best = NULL;
	u32 part;

	for (part = 0; m->nr_pages && part <= m->nr_added; part++)
		best = look_in(m, home(m, part, volume, chunk), key, tag, best);
	if (!best)
		return -ENOENT;
	decode(best, e);
	return 0;
}

u32 rpl_map_own(const struct rpl_map *m, u32 id, u64 chunk, u32 tag)
{
	struct rpl_map_entry e;

	if (rpl_map_lookup(m, RPL_MAP_OWN | id, chunk, tag, &e) || e.tag != tag)
		return RPL_LOC_NONE;
	return e.loc;
}

static u32 prev_tag_in(const struct rpl_map *m, struct walk w, __le64 key, u32 tag)
{
	u32 i, prev = 0;

	do {
		struct map_page *p = page_of(m, &w);
		const struct entry_disk *d;

		if (!p)
			break;
		for (i = 0, d = bucket_of(p, w.bucket); i < BUCKET_ENTRIES; i++, d++)
			if (d->loc && d->key == key && le32_to_cpu(d->tag) < tag)
				prev = max(prev, le32_to_cpu(d->tag));
	} while (next(m, &w));
	return prev;
}

u32 rpl_map_prev_tag(const struct rpl_map *m, u32 volume, u64 chunk, u32 tag)
{
	const __le64 key = cpu_to_le64(key_of(volume, chunk));
	u32 part, prev = 0;

	for (part = 0; m->nr_pages && part <= m->nr_added; part++)
		prev = max(prev, prev_tag_in(m, home(m, part, volume, chunk), key, tag));
	return prev;
}

bool rpl_map_entry(const struct rpl_map *m, u32 page, u32 nr, struct rpl_map_entry *e)
{
	const struct map_page *p;

	if (page >= m->nr_pages || nr >= RPL_MAP_ENTRIES)
		return false;
	p = READ_ONCE(m->pages[page]);
	if (!p || !p->entry[nr].loc)
		return false;
	decode(&p->entry[nr], e);
	return true;
}

/* ---- changing ---- */

/* Is it there? And a free place, if the chain has one; where the chain ends otherwise. */
static struct entry_disk *find_place(struct rpl_map *m, u32 part, const struct rpl_map_entry *e,
				     struct entry_disk **same, struct walk *at)
{
	const __le64 key = cpu_to_le64(key_of(e->volume, e->chunk));
	struct walk w = home(m, part, e->volume, e->chunk);
	struct entry_disk *place = NULL;
	u32 i;

	*same = NULL;
	*at = w;
	do {
		struct map_page *p = page_of(m, &w);
		struct entry_disk *d;

		if (!place)
			*at = w;
		if (!p)
			break;
		for (i = 0, d = bucket_of(p, w.bucket); i < BUCKET_ENTRIES; i++, d++) {
			if (!d->loc && !place)
				place = d;
			else if (d->loc && d->key == key && le32_to_cpu(d->tag) == e->tag)
				*same = d;
		}
	} while (next(m, &w));
	return place;
}

/* Free places in its home of a part. */
static u32 free_at_home(const struct rpl_map *m, u32 part, const struct rpl_map_entry *e)
{
	struct walk w = home(m, part, e->volume, e->chunk);
	struct map_page *p = page_of(m, &w);
	u32 i, nr = 0;

	for (i = 0; p && i < BUCKET_ENTRIES; i++)
		nr += !bucket_of(p, w.bucket)[i].loc;
	return p ? nr : BUCKET_ENTRIES;
}

/* The part whose home of it is the emptiest: so all of them are filled alike. */
static u32 choose_part(const struct rpl_map *m, const struct rpl_map_entry *e)
{
	u32 part, best = m->nr_added, most = free_at_home(m, best, e);

	for (part = 0; part < m->nr_added; part++) {
		u32 nr = free_at_home(m, part, e);

		if (nr > most) {
			most = nr;
			best = part;
		}
	}
	return best;
}

/* Nowhere is one with its tag: file it in this part. 0, -EAGAIN or -ENOSPC. */
static int insert_in(struct rpl_map *m, u32 part, const struct rpl_map_entry *e, u32 *missing)
{
	struct entry_disk *same, *place;
	struct walk w;

	place = find_place(m, part, e, &same, &w);
	/* from the end of the chain on, until a bucket has room */
	while (!place) {
		struct map_page *p = page_of(m, &w);
		struct entry_disk *d;
		u32 i;

		if (!p) {
			*missing = w.page;
			return -EAGAIN;
		}
		for (i = 0, d = bucket_of(p, w.bucket); i < BUCKET_ENTRIES && !place; i++, d++)
			if (!d->loc)
				place = d;
		if (place)
			break;
		mark_overflow(m, p, &w);
		if (!next(m, &w))
			return -ENOSPC;
	}
	place->key = cpu_to_le64(key_of(e->volume, e->chunk));
	place->tag = cpu_to_le32(e->tag);
	place->loc = cpu_to_le32(e->loc);
	__set_bit(w.page, m->dirty);
	return 0;
}

int rpl_map_insert(struct rpl_map *m, struct rpl_map_entry *e, u32 *missing)
{
	struct entry_disk *same;
	struct walk w;
	u32 part, best;
	int r;

	if (!m->nr_pages)
		return -ENOSPC;
	for (part = 0; part <= m->nr_added; part++) {
		find_place(m, part, e, &same, &w);
		if (!same)
			continue;
		e->loc = le32_to_cpu(same->loc);
		return -EEXIST;
	}
	best = choose_part(m, e);
	r = insert_in(m, best, e, missing);
	for (part = 0; r == -ENOSPC && part <= m->nr_added; part++)
		if (part != best)
			r = insert_in(m, part, e, missing);
	return r;
}

void rpl_map_clear(struct rpl_map *m, u32 page, u32 nr)
{
	struct map_page *p = page < m->nr_pages ? m->pages[page] : NULL;

	if (!p || nr >= RPL_MAP_ENTRIES)
		return;
	memset(&p->entry[nr], 0, sizeof(p->entry[nr]));
	__set_bit(page, m->dirty);
}

int rpl_map_mend(struct rpl_map *m, u32 page, u32 *missing)
{
	struct rpl_map_entry e;
	u32 nr;

	for (nr = 0; nr < RPL_MAP_ENTRIES; nr++) {
		struct walk w;

		if (!rpl_map_entry(m, page, nr, &e))
			continue;
		w = home(m, part_of(m, page), e.volume, e.chunk);
		while (w.page != page || w.bucket != nr / BUCKET_ENTRIES) {
			struct map_page *p = page_of(m, &w);

			if (!p) {
				*missing = w.page;
				return -EAGAIN;
			}
			mark_overflow(m, p, &w);
			if (!next(m, &w))
				break;
		}
	}
	return 0;
}

bool rpl_map_is_garbage(const u32 *live, u32 nr_live, u32 prev, u32 tag)
{
	u32 low = 0, high = nr_live;

	/* the first live one above prev */
	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (live[mid] > prev)
			high = mid;
		else
			low = mid + 1;
	}
	return low == nr_live || live[low] > tag;
}

/* Does a lookup that begins at the entry's home come by? Buckets of other pages are believed. */
static bool reachable(const struct rpl_map *m, const struct map_page *p, u32 index, u32 bucket,
		      const struct rpl_map_entry *e)
{
	struct walk w = home(m, part_of(m, index), e->volume, e->chunk);
	u32 from = w.page == index && w.bucket <= bucket ? w.bucket : 0;

	for (; from < bucket; from++)
		if (!overflows(p, from))
			return false;
	return true;
}

bool rpl_map_page_sane(const struct rpl_map *m, const void *page, u32 index, u64 nr_chunks)
{
	const struct map_page *p = page;
	u32 nr;

	if (le16_to_cpu(p->overflow) >> RPL_MAP_BUCKETS)
		return false;
	for (nr = 0; nr < RPL_MAP_ENTRIES; nr++) {
		struct rpl_map_entry e;
		u32 owner;

		if (!p->entry[nr].loc)
			continue;
		decode(&p->entry[nr], &e);
		owner = e.volume & ~RPL_MAP_OWN;
		if (!owner || owner > RPL_ID_MAX || !e.tag || e.tag > RPL_TAG_MAX ||
		    (e.loc != RPL_LOC_BAD && e.loc > nr_chunks) ||
		    (owner != e.volume && e.loc == RPL_LOC_BAD) ||
		    !reachable(m, p, index, nr / BUCKET_ENTRIES, &e))
			return false;
	}
	return true;
}

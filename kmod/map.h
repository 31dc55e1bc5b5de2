/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The store map: which chunk of the store has the old content of which chunk of a volume. One hash
 * table for all volumes and all tags (F37). Pure; the page in memory is the page on disk, header
 * aside (format.h).
 *
 * An entry (volume, chunk, tag) -> loc: content of the chunk as it was until the end of epoch
 * `tag`. Snapshot n of a volume reads the entry with the smallest tag >= n; if there is none, it
 * reads the source. The tag's snapshot need not live any more. Tags of one chunk are filed in
 * increasing order (R12).
 *
 * What was written to a snapshot is its own: entries of owner RPL_MAP_OWN | id, with the snapshot's
 * number as tag. No other snapshot looks there (R47); as a number is never given again, an entry
 * that a deleted snapshot left is not taken for one of a younger snapshot with its id (R48).
 *
 * 15 buckets of 16 entries in a page. The volume and chunk / 15 choose the page, chunk % 15 the
 * bucket. A bucket without room says so in the page's header, and the next one is used, of the next
 * page of the part at the end of a page; it goes on saying so.
 *
 * Nothing here locks or allocates. Who calls has the map for itself: inserts, clears; or shares it
 * with others that only look: lookups, walks.
 */
#ifndef RPL_MAP_H
#define RPL_MAP_H

#include "format.h"

#define RPL_MAP_BUCKETS 15U /* of a page */
#define RPL_MAP_ENTRIES (RPL_MAP_BUCKETS * 16U) /* of a page */
#define RPL_LOC_NONE	0U
#define RPL_LOC_BAD	U32_MAX /* the old content could not be read: the chunk is lost */
#define RPL_TAG_MAX	(U32_MAX - 2)
#define RPL_MAP_OWN	0x8000U /* with the id of a snapshot: owner of what was written to it */

#define RPL_MAP_PARTS (RPL_AREAS - 1) /* that growths have added: an area each */

/*
 * A store that grows adds pages as a part of their own: where an entry stands in the others stays
 * as it is. An entry is in any part, by the hash of that part's number of pages.
 */
struct rpl_map {
	u32 nr_pages; /* of all parts */
	u32 nr_added; /* parts behind the first one, which begins with page 0 */
	u32 added[RPL_MAP_PARTS]; /* first page of each, increasing */
	void **pages; /* NULL: nothing was ever put there */
	unsigned long *dirty; /* bit a page: changed since its bit was cleared */
};

struct rpl_map_entry {
	u32 volume; /* 1 .. RPL_ID_MAX, or RPL_MAP_OWN | id of a snapshot */
	u64 chunk; /* below 2^48 */
	u32 tag; /* 1 .. RPL_TAG_MAX */
	u32 loc; /* RPL_LOC_BAD or 1 .. chunks of the store */
};

/* Pages for a store of that many chunks: three quarters full when all chunks are in use. */
u32 rpl_map_pages(u64 nr_chunks);

/* layout.c: pages and parts of the map that a sane superblock speaks of; no page is there. */
void rpl_map_layout(struct rpl_map *m, const struct rpl_sb *sb);

/* Where the part of a page ends: pages up to there lie next to each other on disk. */
u32 rpl_map_part_end(const struct rpl_map *m, u32 page);

/* The entry with the smallest tag >= `tag`: 0 and *e, or -ENOENT. */
int rpl_map_lookup(const struct rpl_map *m, u32 volume, u64 chunk, u32 tag,
		   struct rpl_map_entry *e);

/* The chunk of the store that snapshot `id`, whose number is `tag`, has of its own, or NONE. */
u32 rpl_map_own(const struct rpl_map *m, u32 id, u64 chunk, u32 tag);

/*
 * The largest tag below `tag` that the chunk has, 0 if none.
 */
u32 rpl_map_prev_tag(const struct rpl_map *m, u32 volume, u64 chunk, u32 tag);

/*
 * File an entry. 0; -EEXIST: one with this tag is there, *e has its loc now; -EAGAIN: page *missing
 * is needed and not there: set pages[*missing] to a page of zeroes and call again; -ENOSPC: no room
 * in the map.
 */
int rpl_map_insert(struct rpl_map *m, struct rpl_map_entry *e, u32 *missing);

/*
 * After all pages were read, before anything is filed, for each page. Checkpoints copy pages one by
 * one while entries are filed: a page may have an entry that overflowed from a page that was copied
 * before it was full. Says in the headers on the way that there is more, so that every entry is
 * found from its home: replay would file it a second time. 0, or -EAGAIN as rpl_map_insert().
 */
int rpl_map_mend(struct rpl_map *m, u32 page, u32 *missing);

/* Entry `nr` of a page. False: the place is free, or there is no such page. */
bool rpl_map_entry(const struct rpl_map *m, u32 page, u32 nr, struct rpl_map_entry *e);

/* Free the place of an entry. */
void rpl_map_clear(struct rpl_map *m, u32 page, u32 nr);

/*
 * Is entry (chunk's previous tag `prev`, `tag`) garbage: no live snapshot n of its volume has prev
 * < n <= tag (R22)? live: tags in increasing order.
 */
bool rpl_map_is_garbage(const u32 *live, u32 nr_live, u32 prev, u32 tag);

/*
 * Does a page that was read make sense: every entry within bounds, in a bucket that a lookup of it
 * comes by as far as this page can tell? The checksum is format.c's.
 */
bool rpl_map_page_sane(const struct rpl_map *m, const void *page, u32 index, u64 nr_chunks);

#endif /* RPL_MAP_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The format of a store on disk: superblock, object table, pages of clone bitmaps. Pure: encoding,
 * decoding and checking (format.c), and where its areas are (layout.c); the files of persist.h do
 * the I/O and are the only callers in the kernel. Nothing else knows the layout. All numbers on
 * disk are little endian.
 *
 * Places
 *	0 and 64 KiB	superblocks A and B, written in turn
 *	areas		a table in the superblock: objects, bitmaps, journal (journal-format.h),
 *			map (map.h), data (chunks of old content, one after the other)
 *
 * Every page of the areas "objects", "bitmaps" and "map" has two slots, next to each other. Header:
 * crc, magic, kind, index, generation and the store's uuid. A page belongs to the store's contents
 * if its generation is not newer than the superblock's; of two such the newer one counts. So a
 * change of many pages happens at one instant, when the superblock that names its generation is
 * durable: dirty pages to the slots that do not hold the current copies, flush, superblock, flush.
 * A generation is never used twice: an opening goes on above the highest one seen in any page. A
 * page that is newer than the superblock is left from a change that was cut off; the next
 * superblock would make it count, so its slot is written anew, with what does count, in the next
 * change.
 *
 * Changes of the format: a bit in one of three masks. A version that does not know a bit in
 * `incompat` must not open the store, in `ro_compat` must not change it, in `compat` may ignore it.
 */
#ifndef RPL_FORMAT_H
#define RPL_FORMAT_H

#include "pure.h"

#define RPL_BLOCK_BYTES	     4096U
#define RPL_SB_COPIES	     2
#define RPL_SB_B_OFFSET	     65536U
#define RPL_SB_MAGIC	     "rplstore"
#define RPL_PAGE_MAGIC	     0x70676c52U /* "Rlgp" */
#define RPL_RECORD_BYTES     256U
#define RPL_RECORDS_PER_PAGE 15U
#define RPL_BITS_PER_PAGE    ((RPL_BLOCK_BYTES - 64U) * 8U)
#define RPL_RECORD_REASON    124U /* a longer reason is cut, with its end */
#define RPL_MIN_STORE_BYTES  (16ULL << 20)
#define RPL_AREAS	     32

/* The index of the map has a bit for so many pages; all of it fits behind superblock B. */
#define RPL_MAP_RUN	    16U
#define RPL_MAP_INDEX_BYTES (RPL_SB_B_OFFSET - RPL_BLOCK_BYTES)

/* Bounds of what a store may say, so that no sum of them overflows. */
#define RPL_CHUNK_SECTORS_MIN  8U
#define RPL_CHUNK_SECTORS_MAX  2048U
#define RPL_OBJECTS_BYTES_MAX  (64ULL << 20)
#define RPL_BITMAPS_BYTES_MAX  (64ULL << 30)
#define RPL_VOLUME_SECTORS_MAX BIT_ULL(47)
#define RPL_ERRNO_MAX	       4095U
#define RPL_GENERATION_MAX     (U64_MAX - 1)

/* Masks of the features that this version knows. */
#define RPL_COMPAT_KNOWN    0ULL
#define RPL_RO_COMPAT_KNOWN 0ULL
#define RPL_INCOMPAT_KNOWN \
	(RPL_INCOMPAT_JOURNAL | RPL_INCOMPAT_SNAPSHOTS | RPL_INCOMPAT_GROWN | RPL_INCOMPAT_WRITABLE)

/*
 * Facts of unfinished clones are in the journal; each page of a bitmap has its own generation; the
 * superblock has sums of the pages' generations.
 */
#define RPL_INCOMPAT_JOURNAL 0x1ULL

/*
 * Formatted with room for snapshots: map and data are in use. A store without it is one of an early
 * version, whose areas of these names have other sizes.
 */
#define RPL_INCOMPAT_SNAPSHOTS	 0x2ULL
#define RPL_SNAPSHOTS_PER_VOLUME 4U /* that the object table has room for, on average */
#define RPL_SNAPSHOTS_ALL_MAX	 24576U
#define RPL_SNAPSHOTS_ALL_MIN	 16U

/*
 * The store has grown: there may be several areas "map", which are the parts of one, in the order
 * of the table; all but the first lie in chunks of "data", which hold nothing else.
 */
#define RPL_INCOMPAT_GROWN 0x4ULL

/*
 * A snapshot has, or had, a device that writes: map and journal may name chunks that are a
 * snapshot's own. Set, in both superblocks, before the first such device exists.
 */
#define RPL_INCOMPAT_WRITABLE 0x8ULL

/* State of a store on disk (superblock flags). */
#define RPL_SB_OPEN	0x1U /* in use, or not closed cleanly */
#define RPL_SB_VOLATILE 0x2U /* since opened, progress is not journalled (early versions) */
#define RPL_SB_FAILED	0x4U /* an error ended it */
#define RPL_SB_FLAGS	0x7U

enum rpl_area_kind {
	RPL_AREA_NONE,
	RPL_AREA_OBJECTS,
	RPL_AREA_BITMAPS,
	RPL_AREA_JOURNAL,
	RPL_AREA_MAP,
	RPL_AREA_DATA,
	RPL_AREA_MAP_INDEX,
};

struct rpl_area {
	u32 kind; /* enum rpl_area_kind; unknown ones are kept */
	u32 flags;
	u64 offset_bytes;
	u64 length_bytes;
};

/* A superblock, decoded. */
struct rpl_sb {
	u8 uuid[RPL_UUID_LEN];
	u64 generation;
	u64 compat, ro_compat, incompat;
	u32 flags; /* RPL_SB_* */
	u32 chunk_sectors;
	u32 max_volumes;
	u32 max_snapshots; /* of all volumes; 0 without RPL_INCOMPAT_SNAPSHOTS */
	u64 dev_bytes; /* size of the device that is laid out */
	u64 epoch; /* highest epoch number used */
	u64 format_time_s, write_time_s; /* seconds since 1970 */
	u64 incarnation; /* random, new at each opening */
	u64 journal_tail; /* number of the first block that counts, journal-format.h */
	/*
	 * sums of rpl_page_mark(): of the table's pages; of the bitmaps of what is unfinished; of
	 * the map's pages that were ever written
	 */
	u64 table_sum, bitmap_sum, map_sum;
	struct rpl_area area[RPL_AREAS];
};

enum rpl_record_kind {
	RPL_RECORD_NONE, /* free */
	RPL_RECORD_VOLUME,
	RPL_RECORD_GROUP,
	RPL_RECORD_CLONE,
	RPL_RECORD_SNAPSHOT,
};

struct rpl_rec_volume {
	u32 id;
	u64 nr_sectors;
};

struct rpl_rec_group {
	u8 uuid[RPL_UUID_LEN];
	u64 epoch; /* of its point in time */
	u64 time_ns; /* since 1970 */
	u64 publish_ns, drain_ns, held_max_ns, held_writes; /* measured at its point in time */
};

struct rpl_rec_clone {
	u32 id;
	u32 volume_id;
	u8 uuid[RPL_UUID_LEN];
	u8 group_uuid[RPL_UUID_LEN];
	u32 state; /* enum rpl_state, never prepared or detached */
	u32 prior_state; /* what resume goes back to, while suspended; else 0 */
	u32 error; /* positive errno */
	char reason[RPL_RECORD_REASON];
	u64 nr_sectors; /* of the point in time */
	u64 bad_bytes;
	u64 min_bytes_s, max_bytes_s;
	u32 bitmap_page; /* first page of its bitmap in the area */
	u32 bitmap_pages;
	u64 bitmap_generation; /* its pages are of this one or later; 0 = none is saved */
};

struct rpl_rec_snapshot {
	u32 id;
	u32 volume_id;
	u8 uuid[RPL_UUID_LEN];
	u8 group_uuid[RPL_UUID_LEN]; /* its tag is the group's epoch */
	u32 state; /* synchronized: valid, or failed: lost */
	u32 error; /* positive errno */
	bool read_only; /* it is given no device that writes */
	char reason[RPL_RECORD_REASON];
	u64 nr_sectors; /* of the point in time */
};

/* One record of the object table, decoded. */
struct rpl_record {
	enum rpl_record_kind kind;
	union {
		struct rpl_rec_volume volume;
		struct rpl_rec_group group;
		struct rpl_rec_clone clone;
		struct rpl_rec_snapshot snapshot;
	};
};

enum rpl_page_kind {
	RPL_PAGE_OBJECTS = 1,
	RPL_PAGE_BITMAP = 2,
	RPL_PAGE_MAP = 3,
	RPL_PAGE_MAP_INDEX = 4, /* has one slot, and an incarnation for a generation */
};

struct rpl_page_id {
	u32 kind; /* enum rpl_page_kind */
	u32 index; /* place in the area, in pages */
	u32 owner; /* bitmap: clone id, else 0 */
	u64 generation;
};

/*
 * Plan the areas of a fresh store and fill everything of *sb but the uuid, times and incarnation.
 * The two numbers are within bounds. -ENOSPC with *why if the device is too small.
 */
int rpl_sb_plan(struct rpl_sb *sb, u64 dev_bytes, u32 chunk_sectors, u32 max_volumes,
		struct rpl_why *why);

/* Are all values such that the rest of the module may count on them? */
bool rpl_sb_sane(const struct rpl_sb *sb);

/* Write *sb into one block, for copy 0 or 1. */
void rpl_sb_encode(void *block, const struct rpl_sb *sb, unsigned int copy);

/*
 * Read one block as copy 0 or 1. 0, or with *why:
 * -ENODATA	the block is all zero: no store
 * -EMEDIUMTYPE	other content: no store of ours
 * -EILSEQ	ours, but damaged (checksum or impossible values)
 * -EOPNOTSUPP	ours, of a format that this version must not open
 */
int rpl_sb_decode(const void *block, unsigned int copy, struct rpl_sb *sb, struct rpl_why *why);

/*
 * Choose among both copies (blocks as read; NULL = could not be read). 0 with *sb and the number of
 * the copy that it comes from, or the errors of rpl_sb_decode(), or -EIO. -ENODATA only if both
 * blocks are all zero: then it may be formatted. If one copy is lost, a store is never clean. A
 * store that fails says so in copies of the generation that it has: either of them counts.
 */
int rpl_sb_choose(const void *block_a, const void *block_b, struct rpl_sb *sb, unsigned int *copy,
		  struct rpl_why *why);

/* Does this device and table line fit the store? 0 or -EINVAL/-ENOSPC with *why. */
int rpl_sb_fits(const struct rpl_sb *sb, u64 dev_bytes, u32 chunk_sectors, struct rpl_why *why);

/* Has the map no more pages than that, all of which memory may come to hold? 0 or -ENOMEM, *why. */
int rpl_sb_map_fits(const struct rpl_sb *sb, u32 max_pages, struct rpl_why *why);

/*
 * Lay out a larger device: *sb becomes what the superblock shall say, nothing that it said before
 * moves. It is left as it is if the device is not larger, or not by so much that it is of use. 0,
 * or with *why: -ENOSPC, it is smaller, or the superblock has no room for one more area; -ENOMEM,
 * the map would get more than max_pages.
 */
int rpl_sb_grow(struct rpl_sb *sb, u64 dev_bytes, u32 max_pages, struct rpl_why *why);

/* The first area of a kind, NULL if there is none. */
const struct rpl_area *rpl_sb_area(const struct rpl_sb *sb, enum rpl_area_kind kind);

/* Byte offset of a slot of a page of the map, which must exist. */
u64 rpl_sb_map_offset(const struct rpl_sb *sb, u32 index, unsigned int slot);

/*
 * Chunks of the area "data" that other areas lie in, from `loc` on: the first run of them, whose
 * length is *nr; RPL_LOC_NONE if there is no more.
 */
u32 rpl_sb_reserved(const struct rpl_sb *sb, u32 loc, u32 *nr);

/* Byte offset of a slot (0 or 1) of a page of an area. */
u64 rpl_page_offset(const struct rpl_area *area, u32 index, unsigned int slot);
u32 rpl_area_pages(const struct rpl_area *area);

/* Header and checksum of a page whose body is in place. */
void rpl_page_seal(void *page, const struct rpl_sb *sb, const struct rpl_page_id *id);

/* Is this block page (kind, index) of the store? 0 and *id, or -ENODATA (zero), -EILSEQ. */
int rpl_page_check(const void *page, const struct rpl_sb *sb, u32 kind, u32 index,
		   struct rpl_page_id *id);

/*
 * Which of two slots holds the contents: 0, 1, or -EILSEQ if none does. slot_a and slot_b as read;
 * NULL = could not be read. Raises *seen to the highest generation of any valid slot. *stale: the
 * page must be part of the next change, see above.
 */
int rpl_page_choose(const void *slot_a, const void *slot_b, const struct rpl_sb *sb, u32 kind,
		    u32 index, struct rpl_page_id *id, u64 *seen, bool *stale);

/*
 * The same for a bitmap page of clone `owner` whose pages are of generation `since` or later: older
 * ones, and those of others, are left from a clone that had the place before. *generation: of the
 * one that is chosen.
 */
int rpl_bitmap_choose(const void *slot_a, const void *slot_b, const struct rpl_sb *sb, u32 index,
		      u32 owner, u64 since, u64 *generation, u64 *seen);

/* Chunks that the area "data" has for snapshots: 0 if the store has no room for them. */
u64 rpl_data_chunks(const struct rpl_sb *sb);

/*
 * What a page of this generation adds to a sum. A slot that was lost leaves the older one, which is
 * whole: only the superblock's sum tells that it is not the one that should count.
 */
u64 rpl_page_mark(u32 index, u64 generation);

/* Records in an object page, nr < RPL_RECORDS_PER_PAGE. Decoding checks every value: -EILSEQ. */
void rpl_record_encode(void *page, unsigned int nr, const struct rpl_record *rec);
int rpl_record_decode(const void *page, unsigned int nr, struct rpl_record *rec);

/* Pages for a bitmap of nr_regions bits. */
u32 rpl_bitmap_pages(u64 nr_regions);

/* Bits of bitmap page nr (of the clone) from or to a bitmap of nr_regions bits. */
void rpl_bitmap_encode(void *page, u32 nr, const unsigned long *bits, u64 nr_regions);
void rpl_bitmap_decode(const void *page, u32 nr, unsigned long *bits, u64 nr_regions);

static inline u64 rpl_nr_regions(u64 nr_sectors, u32 chunk_sectors)
{
	return DIV_ROUND_UP_ULL(nr_sectors, chunk_sectors);
}

#endif /* RPL_FORMAT_H */

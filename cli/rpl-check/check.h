/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check.h - what rpl-check knows of a store, and who finds it.
 *
 * A check reads one store, section by section, each in a file of its own: superblock.c, objects.c,
 * links.c, bitmaps.c, journal.c, map.c. A section reads its part with the kernel's own decoder
 * (kmod/format.c), adds what is wrong to the findings, and can show all of its part as a JSON tree;
 * the text of --dump is made out of that tree. A new area of the format is one more file and one
 * more line in check.c.
 *
 * Nothing here writes to the store. One thread.
 */
#ifndef RPL_CHECK_H
#define RPL_CHECK_H

#include "../../kmod/format.h"
#include "../../kmod/map.h"

struct json_object;

/* ---- findings: findings.c ---- */

/* What a finding means for the store; a check is as bad as its worst one. */
enum level {
	LEVEL_NOTE, /* a fact, nothing is wrong */
	LEVEL_MENDED, /* the module tolerates it, or mends it when the store is opened */
	LEVEL_DAMAGE, /* the store cannot be opened, or something in it is lost */
	LEVEL_UNKNOWN, /* nothing can be said */
};

/* In the order of the table in findings.c, which says level, name and advice. */
enum finding_code {
	FOUND_IN_USE,
	FOUND_NOT_CLOSED,
	FOUND_STORE_FAILED,
	FOUND_CLONE_UNFINISHED,
	FOUND_SUPERBLOCK_LOST,
	FOUND_PAGE_SLOT,
	FOUND_PAGE_LEFT_OVER,
	FOUND_GROUP_EMPTY,
	FOUND_VOLUME_UNUSED,
	FOUND_SUPERBLOCKS_DAMAGED,
	FOUND_SUPERBLOCKS_MIXED,
	FOUND_DEVICE_SHORT,
	FOUND_PAGE_LOST,
	FOUND_PAGE_AHEAD,
	FOUND_TABLE_OLDER,
	FOUND_RECORD_DAMAGED,
	FOUND_RECORD_TWICE,
	FOUND_GROUP_EPOCH,
	FOUND_CLONE_VOLUME,
	FOUND_CLONE_GROUP,
	FOUND_CLONE_SIZE,
	FOUND_BITMAP_PLACE,
	FOUND_BITMAP_SHARED,
	FOUND_BITMAP_NONE,
	FOUND_BITMAP_PAGE,
	FOUND_BITMAP_OLDER,
	FOUND_JOURNAL_DAMAGED,
	FOUND_MAP_PAGE,
	FOUND_MAP_OLDER,
	FOUND_MAP_SHARED,
	FOUND_MAP_OWN,
	FOUND_NO_STORE,
	FOUND_OTHER_CONTENT,
	FOUND_NEWER_FORMAT,
	FOUND_UNREADABLE,
	FOUND_CHANGING,
	NR_FOUND,
};

/* Where a finding is; -1 and NULL: it is not about that. */
struct place {
	const char *area; /* "superblocks", "objects", "bitmaps" */
	s64 page, slot, record; /* record: number in the whole table */
	s64 offset_bytes; /* on the device */
};

#define NOWHERE                     \
	((const struct place) {     \
		.area = NULL,       \
		.page = -1,         \
		.slot = -1,         \
		.record = -1,       \
		.offset_bytes = -1, \
	})

/* What a finding is about; kind NULL: no object. */
struct subject {
	const char *kind; /* "volume", "group", "clone", "snapshot" */
	u32 id; /* 0: it has none */
	const u8 *uuid; /* NULL: it has none; copied */
};

struct finding {
	enum finding_code code;
	struct place place;
	struct subject subject; /* its uuid is not kept, but below */
	bool has_uuid;
	u8 uuid[RPL_UUID_LEN];
	char *text; /* a sentence */
};

/* ---- the store as read ---- */

/* What stands in a superblock's place or in one slot of a page. */
enum block_state {
	BLOCK_CURRENT, /* valid, and what counts */
	BLOCK_PREVIOUS, /* valid, older than the one that counts */
	BLOCK_LEFT_OVER, /* valid, newer than the superblock: of a change that was cut off */
	BLOCK_BLANK,
	BLOCK_INVALID, /* damaged, or never written by this store */
	BLOCK_UNREADABLE, /* an I/O error, or behind the end of the device */
};

struct superblock {
	enum block_state state;
	struct rpl_sb sb; /* of CURRENT and PREVIOUS */
	struct rpl_why why; /* of the others */
	int error; /* of rpl_sb_decode() */
};

struct slot {
	enum block_state state;
	u64 generation; /* of a valid one */
};

struct object_page {
	struct slot slot[2];
	int counts; /* slot whose records count, or -1 */
	u8 *block; /* that one, NULL if there is none */
};

struct object {
	struct rpl_record rec;
	u32 record; /* number in the table */
	struct place place;
};

struct image {
	char *path;
	int fd;
	bool is_block;
	u64 start_bytes; /* of the store on the device */
	u64 bytes; /* of the device behind start */
	char *holder; /* what uses it, NULL: nothing does */
};

struct check {
	struct image image;
	struct superblock copy[RPL_SB_COPIES];
	bool open; /* there is a superblock that counts: the rest may look at sb */
	struct rpl_sb sb; /* as the module would take it */
	unsigned int sb_copy;
	u32 nr_pages;
	struct object_page *page; /* of the object table */
	u32 nr_objects;
	struct object *object; /* valid records that are not free, in the table's order */
	struct rpl_map map; /* journal included; nr_pages 0: no room for snapshots */
	/* of pages that count; in all; in use; of snapshots' own */
	u64 map_sum, map_entries, map_chunks, map_own;
	u64 map_reserved; /* chunks that the map's own pages lie in */
	u32 nr_findings, cap_findings;
	struct finding *finding;
};

/* ---- findings.c ---- */

/* Add one; text is a sentence without its full stop. */
void found(struct check *ck, enum finding_code code, const struct place *place,
	   const struct subject *subject, const char *fmt, ...) __printf(5, 6);
enum level finding_level(enum finding_code code);
const char *finding_name(enum finding_code code);
const char *finding_advice(enum finding_code code);
const char *level_name(enum level level);
/* The worst of all findings. */
enum level check_level(const struct check *ck);
u32 check_count(const struct check *ck, enum level level);
bool check_found(const struct check *ck, enum finding_code code);

/* ---- image.c ---- */

/*
 * Open a device or a file for reading; start_bytes: where the store begins in it. 0 or -errno. In
 * use means: something has the block device to itself, a table of device-mapper for example.
 */
int image_open(struct image *im, const char *path, u64 start_bytes);
void image_close(struct image *im);
/* One block at an offset of the store. 0, -ENODATA behind the end of the device, or -errno. */
int image_read(struct image *im, u64 offset_bytes, void *block);

/* ---- superblock.c, objects.c, links.c, bitmaps.c, journal.c, map.c ---- */

struct section {
	const char *name;
	bool always; /* even when no superblock counts */
	void (*check)(struct check *ck);
	void (*dump)(struct check *ck, struct json_object *root); /* NULL: nothing of its own */
};

extern const struct section section_superblocks, section_objects, section_links, section_bitmaps;
extern const struct section section_journal, section_map;

/* journal.c: each fact that an opening would take, in order. */
struct rpl_fact;
void journal_facts(struct check *ck, void (*fact)(struct check *ck, const struct rpl_fact *f));
/* map.c */
void map_free(struct check *ck);

/* superblock.c: the generation that counts now, on the device; 0 if there is none. */
u64 superblock_generation(struct check *ck);
/* Will an opening take the store for cleanly closed? */
bool store_clean(const struct check *ck);
/* Will it let unfinished clones go on? Then their bitmaps count, and the journal if not clean. */
bool store_goes_on(const struct check *ck);
/* Has the superblock sums of the generations of pages? */
bool store_has_sums(const struct check *ck);
/* Copying may go on from what is in it, as the module sees it. */
bool clone_unfinished(const struct rpl_rec_clone *c);
struct subject object_subject(const struct object *o);
/* objects.c: "A" or "B". */
const char *slot_name(int slot);
const char *block_state_name(enum block_state state);

/* ---- check.c ---- */

/* Everything of an opened image. Again from the start if the store changed meanwhile. */
void check_run(struct check *ck);
void check_free(struct check *ck); /* closes the image too */
/* All that is known, as a tree; the caller puts it. */
struct json_object *check_tree(struct check *ck);
int check_exit_status(const struct check *ck);

/* ---- report.c ---- */

/* The result for people: a line about the store, then each finding with its advice. */
void report_text(const struct check *ck);
/* A tree as indented text. */
void report_tree(struct json_object *tree);

/* Members of an object of a tree. */
void tree_u64(struct json_object *o, const char *key, u64 value);
void tree_str(struct json_object *o, const char *key, const char *value);
void tree_uuid(struct json_object *o, const char *key, const u8 *uuid);

#endif

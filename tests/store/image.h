/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * image.h - images of stores in memory, written with the kernel's own encoder in the order in which
 * kmod/persist.c and kmod/persist-open.c write: format, commits, a clean close. And the means to
 * break them.
 */
#ifndef TEST_STORE_IMAGE_H
#define TEST_STORE_IMAGE_H

#include "../../kmod/format.h"
#include "../../kmod/map.h"

#define IMAGE_PAGES 16 /* most pages of the object table */

struct store {
	int fd; /* a file without a name */
	char path[64]; /* under which anybody in this process can open it */
	struct rpl_sb sb; /* as on disk */
	unsigned int copy;
	u32 nr_pages;
	u8 now[IMAGE_PAGES][RPL_BLOCK_BYTES]; /* object pages as on disk */
	unsigned int slot[IMAGE_PAGES];
	unsigned int bitmap_slot[512];
	u64 map_generation[IMAGE_PAGES]; /* of the first pages of the map; 0: never written */
	unsigned int map_slot[IMAGE_PAGES];
	struct rpl_record rec[64];
	u32 nr_recs;
};

/* A fresh store on a device that is full of the byte `before`. */
void store_format(struct store *s, u64 bytes, u32 max_volumes, int before);
/* s->rec to disk: object pages that differ, then the superblock with these flags. */
void store_commit(struct store *s, u32 flags);
/*
 * Page `index` of the map, with these entries, for the next commit. An entry goes where it belongs,
 * so it must belong to that page.
 */
void store_map_page(struct store *s, u32 index, const struct rpl_map_entry *e, u32 nr);
/* Save the bitmap of every unfinished clone, a third of its regions copied, and close cleanly. */
void store_close(struct store *s);
void store_free(struct store *s);

void store_read(const struct store *s, u64 offset, void *block);
void store_write(struct store *s, u64 offset, const void *block);
/* Change one byte. */
void store_flip(struct store *s, u64 offset);
/* Change two blocks for each other. */
void store_swap(struct store *s, u64 a, u64 b);
/* A copy of the whole image, another file. */
void store_copy(struct store *to, const struct store *from);
u64 store_page_offset(const struct store *s, enum rpl_area_kind area, u32 index, unsigned int slot);
/* Write record `nr` of the table anew, in place, its page sealed again: what nobody would write. */
void store_forge(struct store *s, u32 nr, const struct rpl_record *rec);

#endif

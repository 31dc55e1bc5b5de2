// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * image.c - see image.h. Whatever goes wrong here is a broken test: it ends the program.
 */
#include "image.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../kmod/state.h"

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

void store_read(const struct store *s, u64 offset, void *block)
{
	need(pread(s->fd, block, RPL_BLOCK_BYTES, (off_t)offset) == RPL_BLOCK_BYTES, "read");
}

void store_write(struct store *s, u64 offset, const void *block)
{
	need(pwrite(s->fd, block, RPL_BLOCK_BYTES, (off_t)offset) == RPL_BLOCK_BYTES, "write");
}

void store_flip(struct store *s, u64 offset)
{
	u8 byte;

	need(pread(s->fd, &byte, 1, (off_t)offset) == 1, "read");
	byte ^= 0x10;
	need(pwrite(s->fd, &byte, 1, (off_t)offset) == 1, "write");
}

void store_swap(struct store *s, u64 a, u64 b)
{
	u8 one[RPL_BLOCK_BYTES], two[RPL_BLOCK_BYTES];

	store_read(s, a, one);
	store_read(s, b, two);
	store_write(s, a, two);
	store_write(s, b, one);
}

static void store_file(struct store *s, u64 bytes)
{
	s->fd = memfd_create("store", MFD_CLOEXEC);
	need(s->fd >= 0 && !ftruncate(s->fd, (off_t)bytes), "memfd");
	snprintf(s->path, sizeof(s->path), "/proc/%d/fd/%d", getpid(), s->fd);
}

u64 store_page_offset(const struct store *s, enum rpl_area_kind area, u32 index, unsigned int slot)
{
	return rpl_page_offset(rpl_sb_area(&s->sb, area), index, slot);
}

static void write_sb(struct store *s)
{
	u8 block[RPL_BLOCK_BYTES];

	s->copy = 1 - s->copy;
	rpl_sb_encode(block, &s->sb, s->copy);
	store_write(s, s->copy ? RPL_SB_B_OFFSET : 0, block);
}

static void write_page(struct store *s, enum rpl_area_kind area, unsigned int slot, void *page,
		       const struct rpl_page_id *id)
{
	rpl_page_seal(page, &s->sb, id);
	store_write(s, store_page_offset(s, area, id->index, slot), page);
}

void store_format(struct store *s, u64 bytes, u32 max_volumes, int before)
{
	struct rpl_page_id id = { .kind = RPL_PAGE_OBJECTS, .generation = 1 };
	struct rpl_why why;
	u64 end;

	memset(s, 0, sizeof(*s));
	store_file(s, bytes);
	need(!rpl_sb_plan(&s->sb, bytes, 128, max_volumes, &why), why.text);
	for (u32 i = 0; i < sizeof(s->sb.uuid); i++)
		s->sb.uuid[i] = (u8)(0xa0 + i);
	s->nr_pages = rpl_area_pages(rpl_sb_area(&s->sb, RPL_AREA_OBJECTS));
	need(s->nr_pages <= IMAGE_PAGES, "pages");
	/* As it was used before; the superblocks' places were wiped. */
	end = rpl_sb_area(&s->sb, RPL_AREA_DATA)->offset_bytes;
	for (u64 at = 2 * RPL_SB_B_OFFSET; at < end; at += RPL_BLOCK_BYTES) {
		u8 block[RPL_BLOCK_BYTES];

		memset(block, before, sizeof(block));
		store_write(s, at, block);
	}
	for (id.index = 0; id.index < s->nr_pages; id.index++)
		write_page(s, RPL_AREA_OBJECTS, 0, s->now[id.index], &id);
	write_sb(s);
	s->sb.generation = 2;
	write_sb(s);
}

void store_commit(struct store *s, u32 flags)
{
	u8 next[IMAGE_PAGES][RPL_BLOCK_BYTES] = { 0 };
	struct rpl_page_id id = { .kind = RPL_PAGE_OBJECTS };

	s->sb.generation++;
	s->sb.flags = flags;
	s->sb.map_sum = 0;
	for (u32 i = 0; i < IMAGE_PAGES; i++)
		if (s->map_generation[i])
			s->sb.map_sum += rpl_page_mark(i, s->map_generation[i]);
	id.generation = s->sb.generation;
	for (u32 i = 0; i < s->nr_recs; i++)
		rpl_record_encode(next[i / RPL_RECORDS_PER_PAGE], i % RPL_RECORDS_PER_PAGE,
				  &s->rec[i]);
	for (u32 i = 0; i < s->nr_pages; i++) {
		if (!memcmp(s->now[i] + RPL_RECORD_BYTES, next[i] + RPL_RECORD_BYTES,
			    RPL_BLOCK_BYTES - RPL_RECORD_BYTES))
			continue;
		id.index = i;
		s->slot[i] = 1 - s->slot[i];
		write_page(s, RPL_AREA_OBJECTS, s->slot[i], next[i], &id);
		memcpy(s->now[i], next[i], RPL_BLOCK_BYTES);
	}
	write_sb(s);
}

void store_map_page(struct store *s, u32 index, const struct rpl_map_entry *e, u32 nr)
{
	struct rpl_page_id id = {
		.kind = RPL_PAGE_MAP,
		.index = index,
		.generation = s->sb.generation + 1,
	};
	void *pages[IMAGE_PAGES] = { NULL };
	unsigned long dirty[1] = { 0 };
	struct rpl_map m = {
		.nr_pages = rpl_map_pages(rpl_data_chunks(&s->sb)),
		.pages = pages,
		.dirty = dirty,
	};
	u8 page[RPL_BLOCK_BYTES] = { 0 };
	u32 missing;

	need(m.nr_pages <= IMAGE_PAGES, "map pages");
	pages[index] = page;
	for (u32 i = 0; i < nr; i++) {
		struct rpl_map_entry one = e[i];

		need(!rpl_map_insert(&m, &one, &missing), "an entry of another page");
	}
	s->map_slot[index] ^= 1;
	s->map_generation[index] = id.generation;
	write_page(s, RPL_AREA_MAP, s->map_slot[index], page, &id);
}

/* As save_bitmap() of persist.c: to the slots that do not hold the last one. */
static void save_bitmap(struct store *s, struct rpl_rec_clone *c)
{
	u64 regions = rpl_nr_regions(c->nr_sectors, s->sb.chunk_sectors);
	unsigned long *bits = calloc(BITS_TO_LONGS(regions), sizeof(*bits));

	need(bits, "memory");
	for (u64 i = 0; i < regions; i++)
		if (i % 300 < 100)
			__set_bit(i, bits);
	c->bitmap_generation = s->sb.generation + 1;
	for (u32 nr = 0; nr < c->bitmap_pages; nr++) {
		struct rpl_page_id id = {
			.kind = RPL_PAGE_BITMAP,
			.index = c->bitmap_page + nr,
			.owner = c->id,
			.generation = c->bitmap_generation,
		};
		u8 page[RPL_BLOCK_BYTES];

		rpl_bitmap_encode(page, nr, bits, regions);
		s->bitmap_slot[id.index] ^= 1;
		write_page(s, RPL_AREA_BITMAPS, s->bitmap_slot[id.index], page, &id);
	}
	free(bits);
}

void store_close(struct store *s)
{
	for (u32 i = 0; i < s->nr_recs; i++)
		if (s->rec[i].kind == RPL_RECORD_CLONE &&
		    rpl_state_unfinished(s->rec[i].clone.state))
			save_bitmap(s, &s->rec[i].clone);
	store_commit(s, 0);
}

void store_copy(struct store *to, const struct store *from)
{
	off_t bytes = lseek(from->fd, 0, SEEK_END), at = 0;

	*to = *from;
	store_file(to, (u64)bytes);
	/* Only what is there: the rest is a hole. */
	while ((at = lseek(from->fd, at, SEEK_DATA)) >= 0 && at < bytes) {
		off_t end = lseek(from->fd, at, SEEK_HOLE);

		for (; at < end; at += RPL_BLOCK_BYTES) {
			u8 block[RPL_BLOCK_BYTES];

			store_read(from, (u64)at, block);
			store_write(to, (u64)at, block);
		}
	}
}

void store_forge(struct store *s, u32 nr, const struct rpl_record *rec)
{
	u32 page = nr / RPL_RECORDS_PER_PAGE;
	struct rpl_page_id id;
	u8 block[RPL_BLOCK_BYTES];

	store_read(s, store_page_offset(s, RPL_AREA_OBJECTS, page, s->slot[page]), block);
	need(!rpl_page_check(block, &s->sb, RPL_PAGE_OBJECTS, page, &id), "page");
	rpl_record_encode(block, nr % RPL_RECORDS_PER_PAGE, rec);
	write_page(s, RPL_AREA_OBJECTS, s->slot[page], block, &id);
}

void store_free(struct store *s)
{
	close(s->fd);
	s->fd = -1;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of a store's metadata share: persist.c (commit, checkpoint, close), persist-open.c
 * (format, load), persist-map.c (pages of the map), persist-index.c (which of them
 * were ever written), persist-grow.c (a larger device), persist-replay.c (journal, at load) and
 * persist-io.c (blocks). One caller at a time:
 * persist_mutex, or the constructor. journal.c uses the blocks on its own.
 */
#ifndef RPL_PERSIST_H
#define RPL_PERSIST_H

#include <linux/blk_types.h>
#include "control.h"
#include "format.h"

/* A page of the object table. */
struct table_page {
	void *now; /* as on disk, header aside */
	void *next; /* as it shall be; equal to *now between commits */
	u64 generation; /* of *now */
	u8 slot; /* that holds *now on disk */
	bool stale; /* the other slot must be written by the next change, see format.h */
};

struct rpl_persist {
	struct block_device *bdev;
	sector_t start;
	struct rpl_sb sb; /* as on disk */
	unsigned int copy; /* that holds it */
	u64 seen; /* highest generation that any block has, or may have */
	void *block; /* one block, for superblocks */
	const struct rpl_area *objects, *bitmaps; /* in sb */
	u32 nr_pages;
	u32 used_pages; /* behind these all records are free */
	struct table_page *pages;
	unsigned long *records; /* scratch: in use, one bit a record; ctl_mutex */
	unsigned long *extents; /* scratch: in use, one bit a bitmap page; ctl_mutex */
	unsigned long *written; /* bitmap pages of the change that is being written */
	void *batch; /* bitmap pages of it, RPL_BITMAP_BATCH blocks */
	unsigned long *summed; /* bitmap pages that the change's superblock sums up */
	u8 *bitmap_slot; /* of each bitmap page: holds the last one that counted */
	u64 *bitmap_generation; /* of that one */
	u64 table_sum, bitmap_sum; /* of what was loaded */
	/* pages of the map; NULL if the store has no room for snapshots */
	unsigned long *map_written; /* of the change that is being written */
	u8 *map_slot; /* holds the last one that counted */
	u64 *map_generation; /* of that one; 0: it was never written */
	unsigned long *map_index; /* a bit for each run of pages, persist-index.c; NULL: none */
};

#define RPL_BITMAP_BATCH 16U

/* What a change of the metadata is to say. */
struct rpl_change {
	u32 flags; /* RPL_SB_* */
	u64 incarnation;
	u64 tail; /* of the journal; facts before it must be in the bits of bitmaps */
	bool bitmaps; /* write the pages of bitmaps and of the map that differ, too */
	bool always; /* even if nothing differs */
	const struct rpl_sb *grown; /* areas and size of this one from now on; or NULL */
};

struct rpl_io_wait {
	atomic_t left;
	int error;
	struct completion done;
};

/* Copying may go on from what is in it: its bitmap is worth saving. */
static inline bool rpl_rec_unfinished(u32 state)
{
	return state == RPL_STATE_COPYING || state == RPL_STATE_RESYNCING ||
	       state == RPL_STATE_RESTORING || state == RPL_STATE_SUSPENDED;
}

/* ---- persist-io.c: all sleep ---- */

/* Several I/Os at once: begin, start each, finish, which gives 0 or the last error. */
void rpl_pio_begin(struct rpl_io_wait *wait);
/* Whole blocks at a byte offset of the store; `data` is made of pages. */
void rpl_pio_start(struct rpl_persist *p, struct rpl_io_wait *wait, blk_opf_t opf, u64 offset,
		   void *data, unsigned int bytes);
int rpl_pio_finish(struct rpl_io_wait *wait);
int rpl_pio(struct rpl_persist *p, blk_opf_t opf, u64 offset, void *data, unsigned int bytes);

/* Write *sb as the next copy. At 0, it and all that was written before is durable. */
int rpl_persist_write_sb(struct rpl_persist *p, struct rpl_sb *sb);

/*
 * Write the present superblock to both places, with the flag "failed" and the generation that it
 * has: no page that is on its way becomes part of the contents. 0: one of them is durable.
 */
int rpl_persist_write_failed(struct rpl_persist *p);

void rpl_persist_free(struct rpl_persist *p); /* NULL is fine */

/* ---- persist.c ---- */

/* One change: objects, bitmaps of clones that have a new place, and what else it asks for. */
int rpl_persist_write(struct rpl_store *s, const struct rpl_change *change);

/* ---- persist-map.c ---- */

/* Parts of a change: write pages that differ; what all will sum up to; they count now. */
int rpl_persist_write_map(struct rpl_store *s, u64 generation, bool *any);
u64 rpl_persist_sum_map(struct rpl_store *s, const struct rpl_sb *sb);
void rpl_persist_flip_map(struct rpl_store *s);

/*
 * Space and map of a store that is opened, its relations being there. If a page is lost or damaged
 * its snapshots are lost. 0 or -ENOMEM.
 */
int rpl_persist_load_map(struct rpl_store *s, struct rpl_persist *p);

/* ---- persist-index.c ---- */

/* What it says of a map of so many pages: all of them, if it does not count. 0 or -ENOMEM. */
int rpl_index_load(struct rpl_persist *p, u32 nr_pages);
/* May the page be on disk? */
bool rpl_index_has(const struct rpl_persist *p, u32 page);
/* A new life: exactly the pages that are there. 0 or -EIO, like the next. */
int rpl_index_begin(struct rpl_persist *p, const struct rpl_map *map, u64 incarnation);
/* Before pages are written: those that are dirty now are in it, durably. */
int rpl_index_add(struct rpl_persist *p, const struct rpl_map *map, u64 incarnation);

/* ---- persist-grow.c ---- */

/* So many pages the map of a new store may have, all of which may come to be in memory (F37). */
u32 rpl_map_pages_max(void);

/* Memory for a larger map: arrays of what is known of each page, none of which is there. */
struct rpl_map_more {
	struct rpl_map map;
	unsigned long *written;
	u8 *slot;
	u64 *generation;
};

/* `more` is zeroed; -ENOMEM. Free it in any case. */
int rpl_map_more_alloc(struct rpl_map_more *more, const struct rpl_sb *sb);
void rpl_map_more_free(struct rpl_map_more *more);

/* The map goes on in the new arrays; `more` has the old ones. Nothing can fail. */
void rpl_map_add(struct rpl_store *s, struct rpl_persist *p, struct rpl_map_more *more);

/* ---- persist-replay.c ---- */

/*
 * What the journal says of the loaded clones, which are all there: into ->copied and their states.
 * *next: number of the block behind it. If it is damaged, what is unfinished fails. Constructor of
 * the store; 0 or -ENOMEM.
 */
int rpl_persist_replay(struct rpl_store *s, struct rpl_persist *p, u64 *next);

/* A loaded clone that is unfinished cannot be gone on with. error: positive errno. */
void rpl_loaded_clone_fail(struct rpl_clone *c, int error, const char *reason);
/* All of them that are. */
void rpl_loaded_unfinished_fail(struct rpl_store *s, const char *reason);
/* Valid loaded snapshots of a volume (0: of all), tags above `above` up to `tag`, are lost. */
void rpl_loaded_snapshots_lose(struct rpl_store *s, u32 volume_id, u64 above, u64 tag, int error,
			       const char *reason);

#endif /* RPL_PERSIST_H */

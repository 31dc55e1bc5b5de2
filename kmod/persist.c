// SPDX-License-Identifier: GPL-2.0-only
/*
 * A store's metadata on disk: writing the object table when a command changed something, the
 * clones' bitmaps and the map at checkpoints. Reading is persist-open.c's, the layout format.c's.
 *
 * Locks: one caller at a time (persist_mutex, or the constructor). ctl_mutex is taken while records
 * are made out of objects and never held across I/O. Members `record` and `saved` of the objects
 * belong to these files, under ctl_mutex.
 *
 * Order of a change: pages to the slots that do not hold the current copies -> all written ->
 * superblock with PREFLUSH|FUA -> only then the slots are flipped in RAM. After any error the store
 * must fail: what is on disk is then either the old or the new state, and nobody may go on.
 *
 * A clone that gets its place on disk has its bitmap written there in the same change, to both
 * slots of each page: what the place held before is gone, and facts that the journal has passed
 * already are in it.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include "commit.h"
#include "journal.h"
#include "op.h"
#include "persist.h"
#include "snap.h"
#include "space.h"

#define DM_MSG_PREFIX "replica-store"

/* ---- from objects to the table: ctl_mutex held ---- */

static bool clone_has_record(struct rpl_clone *c)
{
	enum rpl_state state = READ_ONCE(c->state);

	return c->group && state > RPL_STATE_PREPARED && state < RPL_STATE_DETACHED;
}

/* Prepared clones alone are no reason to remember a volume. */
static bool volume_has_record(struct rpl_volume *vol)
{
	struct rpl_clone *c;

	list_for_each_entry(c, &vol->clones, vol_list)
		if (clone_has_record(c))
			return true;
	return false;
}

static void claim(struct rpl_persist *p, u32 *record, bool wanted)
{
	if (!wanted)
		*record = 0;
	else if (*record)
		__set_bit(*record - 1, p->records);
}

/* Mark which bitmap pages are in use. */
static void claim_extents(struct rpl_persist *p, struct rpl_store *s)
{
	struct rpl_clone *c;

	bitmap_zero(p->extents, rpl_area_pages(p->bitmaps));
	list_for_each_entry(c, &s->clones, list)
		if (c->saved.pages)
			bitmap_set(p->extents, c->saved.page, c->saved.pages);
}

/* Mark which records are in use by what keeps its record. Places of bitmaps likewise. */
static void claim_all(struct rpl_persist *p, struct rpl_store *s)
{
	struct rpl_volume *vol;
	struct rpl_group *g;
	struct rpl_clone *c;

	bitmap_zero(p->records, p->nr_pages * RPL_RECORDS_PER_PAGE);
	list_for_each_entry(vol, &s->volumes, list)
		claim(p, &vol->record, volume_has_record(vol));
	list_for_each_entry(g, &s->groups, list)
		claim(p, &g->record, true);
	list_for_each_entry(c, &s->clones, list) {
		claim(p, &c->record, clone_has_record(c));
		if (!clone_has_record(c) || !rpl_rec_unfinished(READ_ONCE(c->state)))
			c->saved.pages = 0;
	}
	claim_extents(p, s);
	list_for_each_entry(c, &s->clones, list)
		if (c->saved.promised_pages)
			bitmap_set(p->extents, c->saved.promised, c->saved.promised_pages);
}

/* A run of free bitmap pages, marked as used; its first page or -ENOSPC. */
static long take_extent(struct rpl_persist *p, u32 pages)
{
	u32 all = rpl_area_pages(p->bitmaps);
	unsigned long at = bitmap_find_next_zero_area(p->extents, all, 0, pages, 0);

	if (at >= all)
		return -ENOSPC;
	bitmap_set(p->extents, at, pages);
	return at;
}

/* The place that was promised to the clone; another one if it has become larger since. */
static long take_place(struct rpl_persist *p, struct rpl_clone *c, u32 pages)
{
	bool fits = c->saved.promised_pages == pages;

	c->saved.promised_pages = 0;
	return fits ? c->saved.promised : take_extent(p, pages);
}

static int put_record(struct rpl_persist *p, u32 *record, const struct rpl_record *rec)
{
	u32 nr_records = p->nr_pages * RPL_RECORDS_PER_PAGE;

	if (!*record) {
		unsigned long nr = find_first_zero_bit(p->records, nr_records);

		if (nr >= nr_records)
			return -ENOSPC;
		__set_bit(nr, p->records);
		*record = nr + 1;
	}
	rpl_record_encode(p->pages[(*record - 1) / RPL_RECORDS_PER_PAGE].next,
			  (*record - 1) % RPL_RECORDS_PER_PAGE, rec);
	return 0;
}

static void group_to_rec(struct rpl_group *g, struct rpl_rec_group *r)
{
	memcpy(r->uuid, g->uuid, sizeof(r->uuid));
	r->epoch = g->epoch;
	r->time_ns = g->time_ns;
	r->publish_ns = g->publish_ns;
	r->drain_ns = g->drain_ns;
	r->held_max_ns = atomic64_read(&g->held_max_ns);
	r->held_writes = atomic64_read(&g->held_writes);
}

static void clone_to_rec(struct rpl_clone *c, struct rpl_rec_clone *r)
{
	unsigned long flags;

	r->id = c->id;
	r->volume_id = c->vol->id;
	memcpy(r->uuid, c->uuid, sizeof(r->uuid));
	memcpy(r->group_uuid, c->group->uuid, sizeof(r->group_uuid));
	r->nr_sectors = c->nr_sectors;
	spin_lock_irqsave(&c->lock, flags);
	r->state = c->state;
	r->prior_state = c->prior_state;
	r->error = c->error;
	strscpy(r->reason, c->reason, sizeof(r->reason));
	r->bad_bytes = c->bad_sectors << SECTOR_SHIFT;
	r->min_bytes_s = c->min_bytes_s;
	r->max_bytes_s = c->max_bytes_s;
	spin_unlock_irqrestore(&c->lock, flags);
	r->bitmap_page = c->saved.page;
	r->bitmap_pages = c->saved.pages;
	r->bitmap_generation = c->saved.generation;
}

static int put_snapshot(struct rpl_persist *p, struct rpl_clone *c)
{
	struct rpl_record rec = { .kind = RPL_RECORD_SNAPSHOT };
	struct rpl_rec_snapshot *r = &rec.snapshot;
	char reason[RPL_REASON_LEN];
	enum rpl_state state;
	int error;

	r->id = c->id;
	r->volume_id = c->vol->id;
	memcpy(r->uuid, c->uuid, sizeof(r->uuid));
	memcpy(r->group_uuid, c->group->uuid, sizeof(r->group_uuid));
	r->nr_sectors = c->nr_sectors;
	r->read_only = c->read_only;
	/* the checkpoint may pass the fact that says that it is lost (R29) */
	spin_lock_irq(&c->lock);
	rpl_snap_truth(c, &state, &error, reason);
	spin_unlock_irq(&c->lock);
	r->state = state;
	r->error = error;
	strscpy(r->reason, reason, sizeof(r->reason));
	return put_record(p, &c->record, &rec);
}

static int put_clone(struct rpl_persist *p, struct rpl_clone *c, u64 generation)
{
	struct rpl_record rec = { .kind = RPL_RECORD_CLONE };

	if (c->kind == RPL_KIND_SNAPSHOT)
		return put_snapshot(p, c);
	clone_to_rec(c, &rec.clone);
	if (!rpl_rec_unfinished(rec.clone.state))
		return put_record(p, &c->record, &rec);
	if (!c->saved.pages) {
		u32 pages = rpl_bitmap_pages(c->nr_regions);
		long at = take_place(p, c, pages);

		if (at < 0)
			return at;
		c->saved.page = at;
		c->saved.pages = pages;
		c->saved.generation = generation;
		c->saved.fresh = true;
		rec.clone.bitmap_page = at;
		rec.clone.bitmap_pages = pages;
		rec.clone.bitmap_generation = generation;
	}
	bitmap_set(p->summed, c->saved.page, c->saved.pages);
	return put_record(p, &c->record, &rec);
}

/*
 * Make p->pages[].next out of all objects. *last: pages behind it are the same as before. The
 * volume of a clone comes with the clone, so what is recorded never names what is not.
 */
static int build_table(struct rpl_persist *p, struct rpl_store *s, u64 generation, u32 *last)
{
	struct rpl_volume *vol;
	struct rpl_group *g;
	struct rpl_clone *c;
	u32 i;
	int r = 0;

	claim_all(p, s);
	bitmap_zero(p->summed, rpl_area_pages(p->bitmaps));
	for (i = 0; i < p->used_pages; i++)
		clear_page(p->pages[i].next);
	list_for_each_entry(vol, &s->volumes, list) {
		struct rpl_record rec = { .kind = RPL_RECORD_VOLUME };

		if (r || !volume_has_record(vol))
			continue;
		rec.volume.id = vol->id;
		rec.volume.nr_sectors = vol->nr_sectors;
		r = put_record(p, &vol->record, &rec);
	}
	list_for_each_entry(g, &s->groups, list) {
		struct rpl_record rec = { .kind = RPL_RECORD_GROUP };

		group_to_rec(g, &rec.group);
		r = r ?: put_record(p, &g->record, &rec);
	}
	list_for_each_entry(c, &s->clones, list)
		if (clone_has_record(c))
			r = r ?: put_clone(p, c, generation);
	i = find_last_bit(p->records, p->nr_pages * RPL_RECORDS_PER_PAGE);
	i = i < p->nr_pages * RPL_RECORDS_PER_PAGE ? i / RPL_RECORDS_PER_PAGE + 1 : 0;
	*last = max(i, p->used_pages);
	return r;
}

/* To be written? The header is left out, it differs by generation in any case. */
static bool page_dirty(const struct table_page *page)
{
	const unsigned int head = RPL_RECORD_BYTES;

	return page->stale || memcmp(page->now + head, page->next + head, RPL_BLOCK_BYTES - head);
}

/*
 * What pages will count when sb is in force: those of `last` pages that differ have its generation.
 */
static u64 sum_table(struct rpl_persist *p, const struct rpl_sb *sb, u32 last)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < p->nr_pages; i++)
		sum += rpl_page_mark(i, i < last && page_dirty(&p->pages[i])
						? sb->generation
						: p->pages[i].generation);
	return sum;
}

/* Likewise bitmap pages. */
static u64 sum_bitmaps(struct rpl_persist *p, const struct rpl_sb *sb)
{
	u32 all = rpl_area_pages(p->bitmaps);
	unsigned long i;
	u64 sum = 0;

	for_each_set_bit(i, p->summed, all)
		sum += rpl_page_mark(i, test_bit(i, p->written) ? sb->generation
								: p->bitmap_generation[i]);
	return sum;
}

/*
 * Write the pages that differ and then the superblock, which is `sb`. Nothing is written if there
 * is nothing to say.
 */
static int write_table(struct rpl_store *s, struct rpl_sb *sb, u32 last, bool always)
{
	struct rpl_persist *p = s->persist;
	struct rpl_page_id id = { .kind = RPL_PAGE_OBJECTS };
	struct rpl_io_wait wait;
	u32 i;
	int r;

	id.generation = sb->generation;
	rpl_pio_begin(&wait);
	for (i = 0; i < last; i++) {
		struct table_page *page = &p->pages[i];

		if (!page_dirty(page))
			continue;
		always = true;
		id.index = i;
		rpl_page_seal(page->next, sb, &id);
		rpl_pio_start(p, &wait, REQ_OP_WRITE,
			      rpl_page_offset(p->objects, i, 1 - page->slot), page->next,
			      RPL_BLOCK_BYTES);
	}
	r = rpl_pio_finish(&wait);
	if (!always)
		return 0;
	p->seen = sb->generation;
	if (r)
		return r;
	sb->table_sum = sum_table(p, sb, last);
	sb->bitmap_sum = sum_bitmaps(p, sb);
	sb->map_sum = rpl_persist_sum_map(s, sb);
	r = rpl_persist_write_sb(p, sb);
	if (r)
		return r;
	for (i = 0; i < last; i++) {
		struct table_page *page = &p->pages[i];

		if (!page_dirty(page))
			continue;
		swap(page->now, page->next);
		page->slot = 1 - page->slot;
		page->generation = sb->generation;
		page->stale = false;
	}
	p->used_pages = last;
	return 0;
}

/* ---- bitmaps ---- */

/*
 * The first clone with an id above `after` that has a place, with a reference. That it was
 * unfinished when the table was made is what counts, not what it is by now.
 */
static struct rpl_clone *next_to_save(struct rpl_store *s, u32 after)
{
	struct rpl_clone *c;

	mutex_lock(&s->ctl_mutex);
	do {
		c = rpl_store_next_clone(s, after);
		after = c ? c->id : 0;
	} while (c && !c->saved.pages);
	if (c)
		rpl_clone_get(c);
	mutex_unlock(&s->ctl_mutex);
	return c;
}

/* I/Os of bitmap pages, several at a time. */
struct bitmap_batch {
	struct rpl_io_wait wait;
	unsigned int nr;
	int error;
};

static void batch_finish(struct bitmap_batch *b)
{
	int r = rpl_pio_finish(&b->wait);

	b->error = b->error ?: r;
	b->nr = 0;
	rpl_pio_begin(&b->wait);
}

/* Page nr of the clone's bitmap, to the slot that does not hold the present one, or to both. */
static void write_bitmap_page(struct rpl_persist *p, struct rpl_clone *c, u32 nr, u64 generation,
			      struct bitmap_batch *b)
{
	u32 index = c->saved.page + nr;
	void *block = p->batch + (size_t)b->nr * RPL_BLOCK_BYTES;
	unsigned int slot = 1 - p->bitmap_slot[index];
	struct rpl_page_id id = {
		.kind = RPL_PAGE_BITMAP,
		.index = index,
		.owner = c->id,
		.generation = generation,
	};

	rpl_bitmap_encode(block, nr, c->durable, c->nr_regions);
	rpl_page_seal(block, &p->sb, &id);
	rpl_pio_start(p, &b->wait, REQ_OP_WRITE, rpl_page_offset(p->bitmaps, index, slot), block,
		      RPL_BLOCK_BYTES);
	if (c->saved.fresh)
		rpl_pio_start(p, &b->wait, REQ_OP_WRITE,
			      rpl_page_offset(p->bitmaps, index, 1 - slot), block, RPL_BLOCK_BYTES);
	__set_bit(index, p->written);
	if (++b->nr == RPL_BITMAP_BATCH)
		batch_finish(b);
}

/* Those of fresh places, or all that differ. *any: something was written. */
static int write_bitmaps(struct rpl_store *s, u64 generation, bool all, bool *any)
{
	struct rpl_persist *p = s->persist;
	struct bitmap_batch b = {};
	struct rpl_clone *c;
	u32 after = 0, nr;

	rpl_pio_begin(&b.wait);
	while (!b.error && (c = next_to_save(s, after))) {
		for (nr = 0; nr < c->saved.pages && (all || c->saved.fresh) && !b.error; nr++) {
			/* before the bits are read: what is set later is written later (R29) */
			if (!test_and_clear_bit(nr, c->dirty) && !c->saved.fresh)
				continue;
			write_bitmap_page(p, c, nr, generation, &b);
			*any = true;
			cond_resched();
		}
		after = c->id;
		rpl_clone_put(c);
	}
	batch_finish(&b);
	return b.error;
}

/* The change is durable: what was written is what counts. */
static void flip_bitmaps(struct rpl_store *s)
{
	struct rpl_persist *p = s->persist;
	u32 all = rpl_area_pages(p->bitmaps);
	struct rpl_clone *c;
	unsigned long i;

	for_each_set_bit(i, p->written, all) {
		p->bitmap_slot[i] ^= 1;
		p->bitmap_generation[i] = p->sb.generation;
	}
	bitmap_zero(p->written, all);
	mutex_lock(&s->ctl_mutex);
	list_for_each_entry(c, &s->clones, list)
		c->saved.fresh = false;
	mutex_unlock(&s->ctl_mutex);
}

/* ---- changes ---- */

int rpl_persist_write(struct rpl_store *s, const struct rpl_change *change)
{
	struct rpl_persist *p = s->persist;
	bool always = change->always;
	struct rpl_sb sb = p->sb;
	u32 last;
	int r;

	sb.flags = change->flags;
	sb.incarnation = change->incarnation;
	sb.journal_tail = change->tail;
	sb.incompat |= RPL_INCOMPAT_JOURNAL;
	if (change->grown) {
		sb.dev_bytes = change->grown->dev_bytes;
		sb.incompat |= change->grown->incompat;
		memcpy(sb.area, change->grown->area, sizeof(sb.area));
	}
	sb.generation = max(p->seen, p->sb.generation) + 1;
	if (sb.generation > RPL_GENERATION_MAX)
		return -EOVERFLOW;
	mutex_lock(&s->ctl_mutex);
	sb.epoch = s->epoch;
	r = build_table(p, s, sb.generation, &last);
	mutex_unlock(&s->ctl_mutex);
	if (r)
		return r;
	r = write_bitmaps(s, sb.generation, change->bitmaps, &always);
	if (!r && change->bitmaps)
		r = rpl_persist_write_map(s, sb.generation, &always);
	if (always)
		p->seen = sb.generation;
	if (r)
		return r;
	r = write_table(s, &sb, last, always || sb.epoch != p->sb.epoch);
	if (r)
		return r;
	flip_bitmaps(s);
	rpl_persist_flip_map(s);
	WRITE_ONCE(s->generation, p->sb.generation);
	return 0;
}

/* As it is, for a change that asks for nothing else. */
static struct rpl_change no_change(struct rpl_persist *p)
{
	return (struct rpl_change) {
		.flags = p->sb.flags,
		.incarnation = p->sb.incarnation,
		.tail = p->sb.journal_tail,
	};
}

int rpl_persist_commit(struct rpl_store *s, bool always)
{
	struct rpl_change change;
	int r;

	lockdep_assert_held(&s->persist_mutex);
	if (!s->persist)
		return -EIO;
	change = no_change(s->persist);
	change.always = always;
	r = rpl_persist_write(s, &change);
	if (r)
		DMERR("%s: cannot write the store's object table (%d)", s->name, r);
	return r;
}

/* persist_mutex held: nobody else moves the tail, or takes the journal away. */
static int write_checkpoint(struct rpl_store *s, u32 flags, bool always)
{
	struct rpl_journal *j = s->commit.journal;
	struct rpl_change change = no_change(s->persist);
	int r;

	change.flags = flags;
	change.always = always;
	change.bitmaps = true;
	/* before the tail, so that this is behind the records of all that was cleared (R23) */
	if (s->space)
		rpl_space_checkpoint_begin(s->space);
	if (j)
		change.tail = rpl_journal_safe_tail(j);
	if (change.tail != s->persist->sb.journal_tail)
		change.always = true;
	r = rpl_persist_write(s, &change);
	/* a superblock was written, unless nothing was cleared */
	if (!r && s->space)
		rpl_space_checkpoint_end(s->space, true);
	if (!r && j) {
		WRITE_ONCE(j->tail, change.tail);
		wake_up_all(&s->commit.wait);
	}
	return r;
}

int rpl_persist_checkpoint(struct rpl_store *s)
{
	int r = -EIO;

	mutex_lock(&s->persist_mutex);
	if (READ_ONCE(s->mode) == RPL_STORE_MODE_OPEN && s->persist)
		r = write_checkpoint(s, s->persist->sb.flags, false);
	if (r && READ_ONCE(s->mode) == RPL_STORE_MODE_OPEN) {
		DMERR("%s: cannot write a checkpoint (%d)", s->name, r);
		rpl_store_fail(s, "its bitmaps could not be written");
	}
	mutex_unlock(&s->persist_mutex);
	rpl_starved_kick(s);
	return r;
}

int rpl_persist_allow(struct rpl_store *s, u64 incompat)
{
	struct rpl_persist *p;
	int r = 0;

	mutex_lock(&s->persist_mutex);
	p = s->persist;
	if (!p || READ_ONCE(s->mode) != RPL_STORE_MODE_OPEN) {
		r = -EIO;
	} else if (!(p->sb.incompat & incompat)) {
		p->sb.incompat |= incompat;
		/* in both: else a version that does not know it might take the other one */
		r = rpl_persist_commit(s, true) ?: rpl_persist_commit(s, true);
		if (r)
			p->sb.incompat &= ~incompat;
	}
	mutex_unlock(&s->persist_mutex);
	return r;
}

int rpl_persist_mark_failed(struct rpl_store *s)
{
	int r = -ENODEV;

	mutex_lock(&s->persist_mutex);
	if (s->persist)
		r = rpl_persist_write_failed(s->persist);
	mutex_unlock(&s->persist_mutex);
	return r;
}

/* Records for so many more of each kind? */
static int records_room(struct rpl_store *s, unsigned int nr_clones, unsigned int nr_snapshots,
			struct rpl_why *why)
{
	const struct rpl_sb *sb = &s->persist->sb;
	unsigned int clones = 0, snapshots = 0;
	struct rpl_clone *c;

	list_for_each_entry(c, &s->clones, list) {
		clones += c->kind == RPL_KIND_CLONE && clone_has_record(c);
		snapshots += c->kind == RPL_KIND_SNAPSHOT && clone_has_record(c);
	}
	if (nr_snapshots && snapshots + nr_snapshots > sb->max_snapshots) {
		rpl_why(why, 0,
			"store %s: it has room for %u snapshots, %u are there, %u are wanted",
			s->name, sb->max_snapshots, snapshots, nr_snapshots);
		return -ENOSPC;
	}
	if (clones + nr_clones > sb->max_volumes) {
		rpl_why(why, 0, "store %s: it has room for %u clones, %u are there, %u are wanted",
			s->name, sb->max_volumes, clones, nr_clones);
		return -ENOSPC;
	}
	return 0;
}

/* A member that needs a place for its bitmap. */
struct place_wanted {
	struct rpl_clone *clone;
	u32 pages;
};

static int larger_first(const void *a, const void *b)
{
	const struct place_wanted *x = a, *y = b;

	return (x->pages < y->pages) - (x->pages > y->pages);
}

/* Places for all of these, the large ones first: that order wastes the least. */
static int bitmaps_room(struct rpl_store *s, struct place_wanted *wanted, unsigned int nr,
			bool promise, struct rpl_why *why)
{
	struct rpl_persist *p = s->persist;
	struct rpl_clone *c;
	unsigned int i;

	if (promise)
		list_for_each_entry(c, &s->clones, list)
			c->saved.promised_pages = 0;
	sort(wanted, nr, sizeof(*wanted), larger_first, NULL);
	claim_extents(p, s);
	for (i = 0; i < nr; i++) {
		long at = take_extent(p, wanted[i].pages);

		c = wanted[i].clone;
		if (at < 0) {
			rpl_why(why, c->id,
				"store %s: no room for the bitmap of clone %u, detach another one",
				s->name, c->id);
			return -ENOSPC;
		}
		if (promise) {
			c->saved.promised = at;
			c->saved.promised_pages = wanted[i].pages;
		}
	}
	return 0;
}

int rpl_persist_room(struct rpl_store *s, const struct rpl_group_spec *spec, bool promise,
		     struct rpl_why *why)
{
	struct place_wanted *wanted;
	unsigned int nr = 0, i;
	int r;

	if (!s->persist) {
		rpl_why(why, 0, "store %s: its metadata is not open", s->name);
		return -EIO;
	}
	wanted = kvcalloc(spec->nr, sizeof(*wanted), GFP_KERNEL);
	if (!wanted) {
		rpl_why(why, 0, "store %s: no memory", s->name);
		return -ENOMEM;
	}
	for (i = 0; i < spec->nr; i++) {
		const struct rpl_member_spec *m = &spec->member[i];
		struct rpl_clone *c = rpl_store_clone_by_id(s, m->clone_id);
		struct rpl_volume *vol = rpl_store_volume_by_id(s, m->volume_id);

		if (m->kind != RPL_KIND_CLONE || !c || !vol)
			continue;
		/* a clone that is prepared has no size of its own yet */
		wanted[nr].clone = c;
		wanted[nr++].pages =
			rpl_bitmap_pages(rpl_nr_regions(vol->nr_sectors, s->chunk_sectors));
	}
	r = records_room(s, nr, spec->nr - nr, why) ?: bitmaps_room(s, wanted, nr, promise, why);
	kvfree(wanted);
	return r;
}

/* ---- closing ---- */

int rpl_persist_close(struct rpl_store *s)
{
	int r = 0;

	mutex_lock(&s->persist_mutex);
	if (s->persist) {
		if (READ_ONCE(s->mode) == RPL_STORE_MODE_FAILED)
			r = -EIO;
		r = r ?: write_checkpoint(s, 0, true);
		if (r)
			DMWARN("%s: not closed cleanly (%d)", s->name, r);
	}
	mutex_unlock(&s->persist_mutex);
	rpl_persist_abandon(s);
	return r;
}

void rpl_persist_abandon(struct rpl_store *s)
{
	struct rpl_persist *p;

	mutex_lock(&s->persist_mutex);
	rpl_commit_drop_journal(s);
	/* rpl_persist_room() looks at it under ctl_mutex alone. */
	mutex_lock(&s->ctl_mutex);
	p = s->persist;
	s->persist = NULL;
	mutex_unlock(&s->ctl_mutex);
	mutex_unlock(&s->persist_mutex);
	rpl_persist_free(p);
}

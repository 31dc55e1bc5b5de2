// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scan of the store map: entries that no snapshot reads any more are cleared, and their chunks
 * come back after the next checkpoint (R22, R23). Entries go one by one, without a record: garbage
 * stays garbage. On bg_wq; the map is held for one page at a time.
 */
#define DM_MSG_PREFIX "replica"

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "commit.h"
#include "control.h"
#include "snap.h"
#include "space.h"

#define RETRY_JIFFIES HZ /* without memory */

/*
 * The snapshots of one volume, durable ones and those that are being created. Lost ones, too, as
 * long as they have a device: reads of before may still be in their chunks.
 */
struct live_volume {
	struct rpl_volume *vol; /* with a ref */
	u32 first, nr; /* in live->tags, increasing */
};

struct live {
	u32 nr_volumes, nr_tags;
	struct live_volume *volumes;
	u32 *tags;
	u64 *chunks; /* that the longest snapshot of the volume up to this tag has */
	u16 *by_id; /* place in volumes + 1, by volume id */
	u32 *own; /* number of a snapshot, by its id: whose own chunks are not garbage */
	u64 limit; /* tags above it were given later: not ours to judge */
	const struct rpl_clone *without; /* as if this one was not there any more; or NULL */
};

static void live_free(struct live *lv)
{
	u32 i;

	for (i = 0; lv->volumes && i < lv->nr_volumes; i++)
		rpl_volume_put(lv->volumes[i].vol);
	kvfree(lv->volumes);
	kvfree(lv->tags);
	kvfree(lv->chunks);
	kvfree(lv->by_id);
	kvfree(lv->own);
}

static int cmp_tag(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

static bool is_live(const struct live *lv, const struct rpl_clone *c)
{
	if (c->kind != RPL_KIND_SNAPSHOT || !c->point || c == lv->without)
		return false;
	return c->nr_tables || READ_ONCE(c->state) != RPL_STATE_FAILED;
}

/* A volume that has grown has shorter snapshots and longer ones. ctl_mutex held. */
static void live_lengths(struct live *lv, struct live_volume *v)
{
	struct rpl_clone *c;
	u32 i;

	list_for_each_entry(c, &v->vol->clones, vol_list) {
		u64 chunks = rpl_region_count(c->nr_sectors, c->store->chunk_shift);

		if (!is_live(lv, c))
			continue;
		for (i = v->first; i < v->first + v->nr; i++)
			if (lv->tags[i] >= c->point)
				lv->chunks[i] = max(lv->chunks[i], chunks);
	}
}

/* publish_mutex and ctl_mutex held: who has a tag is in the lists. */
static void live_fill(struct live *lv, struct rpl_store *s)
{
	struct rpl_volume *vol;
	struct rpl_clone *c;

	lv->limit = s->epoch;
	list_for_each_entry(vol, &s->volumes, list) {
		struct live_volume *v = &lv->volumes[lv->nr_volumes];

		v->vol = rpl_volume_get(vol);
		v->first = lv->nr_tags;
		list_for_each_entry(c, &vol->clones, vol_list) {
			if (!is_live(lv, c))
				continue;
			lv->tags[lv->nr_tags++] = c->point;
			lv->own[c->id] = c->point;
		}
		v->nr = lv->nr_tags - v->first;
		sort(lv->tags + v->first, v->nr, sizeof(u32), cmp_tag, NULL);
		live_lengths(lv, v);
		lv->by_id[vol->id] = ++lv->nr_volumes;
	}
}

static int live_get(struct live *lv, struct rpl_store *s, const struct rpl_clone *without)
{
	u32 nr_volumes, nr_tags;
	bool fits;

	memset(lv, 0, sizeof(*lv));
	lv->without = without;
	lv->by_id = kvcalloc(RPL_ID_MAX + 1, sizeof(*lv->by_id), GFP_KERNEL);
	lv->own = kvcalloc(RPL_ID_MAX + 1, sizeof(*lv->own), GFP_KERNEL);
	if (!lv->by_id || !lv->own)
		return -ENOMEM;
	do {
		nr_volumes = READ_ONCE(s->nr_volumes) + 16;
		nr_tags = READ_ONCE(s->nr_clones) + 16;
		kvfree(lv->volumes);
		kvfree(lv->tags);
		kvfree(lv->chunks);
		lv->volumes = kvcalloc(nr_volumes, sizeof(*lv->volumes), GFP_KERNEL);
		lv->tags = kvcalloc(nr_tags, sizeof(*lv->tags), GFP_KERNEL);
		lv->chunks = kvcalloc(nr_tags, sizeof(*lv->chunks), GFP_KERNEL);
		if (!lv->volumes || !lv->tags || !lv->chunks)
			return -ENOMEM;
		mutex_lock(&s->publish_mutex);
		mutex_lock(&s->ctl_mutex);
		fits = s->nr_volumes <= nr_volumes && s->nr_clones <= nr_tags;
		if (fits)
			live_fill(lv, s);
		mutex_unlock(&s->ctl_mutex);
		mutex_unlock(&s->publish_mutex);
	} while (!fits);
	return 0;
}

/* Do all snapshots that could read the entry end before its chunk? */
static bool behind_all(const struct live *lv, const struct live_volume *v,
		       const struct rpl_map_entry *e)
{
	u32 i = v->first + v->nr;

	while (i > v->first && lv->tags[i - 1] > e->tag)
		i--;
	return i == v->first || lv->chunks[i - 1] <= e->chunk;
}

/* map_lock held. */
static bool is_garbage(struct rpl_store *s, struct live *lv, const struct rpl_map_entry *e)
{
	struct live_volume *v;
	u32 prev;
	u16 at;

	if (e->tag > lv->limit)
		return false;
	if (e->volume & RPL_MAP_OWN)
		return lv->own[e->volume & ~RPL_MAP_OWN] != e->tag;
	at = lv->by_id[e->volume];
	v = at ? &lv->volumes[at - 1] : NULL;
	if (!v || !v->nr)
		return true;
	prev = rpl_map_prev_tag(&s->map, e->volume, e->chunk, e->tag);
	return rpl_map_is_garbage(lv->tags + v->first, v->nr, prev, e->tag) || behind_all(lv, v, e);
}

static u32 scan_page(struct rpl_store *s, struct live *lv, u32 page)
{
	struct rpl_map_entry e;
	u32 nr, cleared = 0;

	write_lock_irq(&s->map_lock);
	/* a growth may replace the array: under the lock alone */
	for (nr = 0; s->map.pages[page] && nr < RPL_MAP_ENTRIES; nr++) {
		u16 at;

		if (!rpl_map_entry(&s->map, page, nr, &e) || !is_garbage(s, lv, &e))
			continue;
		rpl_map_clear(&s->map, page, nr);
		cleared++;
		if (e.loc == RPL_LOC_BAD)
			continue;
		rpl_space_clear(s->space, e.loc);
		at = e.volume & RPL_MAP_OWN ? 0 : lv->by_id[e.volume];
		if (at)
			atomic64_dec(&lv->volumes[at - 1].vol->stored_chunks);
	}
	write_unlock_irq(&s->map_lock);
	return cleared;
}

/* Until `enough` entries are cleared, or until it is late. 0 or -ENOMEM. */
static int scan(struct rpl_store *s, u64 enough, unsigned long until)
{
	struct live live;
	u64 cleared = 0;
	u32 page, nr_pages;
	int r = live_get(&live, s, NULL);

	if (r) {
		DMWARN_LIMIT("store %s: no memory to look for space of deleted snapshots", s->name);
		goto out;
	}
	/*
	 * A batch that runs may have chosen the tag of one that is not in `live` any more (R21,
	 * R24). What it files must be in force before it is cleared: a checkpoint whose tail is
	 * below its record would free the chunk, and replay file it again (R23, R29). Later
	 * batches do not.
	 */
	rpl_commit_wait_batch(s);
	/* what a growth adds meanwhile has nothing to be cleared */
	nr_pages = READ_ONCE(s->map.nr_pages);
	for (page = 0; page < nr_pages && cleared < enough; page++) {
		if (enough != U64_MAX && time_after(jiffies, until))
			break;
		cleared += scan_page(s, &live, page);
		cond_resched();
	}
	/* the space comes back when that is durable */
	if (cleared && READ_ONCE(s->mode) == RPL_STORE_MODE_OPEN)
		rpl_persist_checkpoint(s);
	if (cleared)
		rpl_event_store(s, RPL_EVENT_PROGRESS);
out:
	live_free(&live);
	return r;
}

void rpl_scan_work(struct work_struct *work)
{
	struct rpl_store *s = container_of(to_delayed_work(work), struct rpl_store, scan_work);

	/* nobody else would come for the space of what was deleted last */
	if (scan(s, U64_MAX, 0))
		queue_delayed_work(s->bg_wq, &s->scan_work, RETRY_JIFFIES);
}

void rpl_scan_for_space(struct rpl_store *s, unsigned long until)
{
	scan(s, RPL_MAP_ENTRIES, until);
}

/* Is there garbage of the snapshot or of its volume in this page? */
static bool page_has_garbage(struct rpl_store *s, struct live *lv, u32 page, struct rpl_clone *c)
{
	u16 own = RPL_MAP_OWN | c->id;
	struct rpl_map_entry e;
	bool found = false;
	u32 nr;

	read_lock_irq(&s->map_lock);
	for (nr = 0; s->map.pages[page] && nr < RPL_MAP_ENTRIES && !found; nr++)
		found = rpl_map_entry(&s->map, page, nr, &e) &&
			(e.volume == c->vol->id || e.volume == own) && e.loc != RPL_LOC_BAD &&
			is_garbage(s, lv, &e);
	read_unlock_irq(&s->map_lock);
	return found;
}

bool rpl_scan_frees(struct rpl_store *s, struct rpl_clone *c, unsigned long until)
{
	bool found = false;
	struct live live;
	u32 page, nr_pages;

	if (live_get(&live, s, c) || !live.by_id[c->vol->id])
		goto out;
	nr_pages = READ_ONCE(s->map.nr_pages);
	for (page = 0; page < nr_pages && !found; page++) {
		if (time_after(jiffies, until))
			break;
		found = page_has_garbage(s, &live, page, c);
		cond_resched();
	}
out:
	live_free(&live);
	return found;
}

void rpl_scan_kick(struct rpl_store *s)
{
	if (s->map.nr_pages)
		mod_delayed_work(s->bg_wq, &s->scan_work, 0);
}

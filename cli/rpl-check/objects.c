// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * objects.c - the object table: both slots of every page, the records of the one that counts.
 */
#include "check.h"

#include <json-c/json.h>
#include <stdlib.h>

#include "../../kmod/names-gen.h"
#include "base/alloc.h"

const char *slot_name(int slot)
{
	return slot ? "B" : "A";
}

const char *block_state_name(enum block_state state)
{
	static const char *const names[] = { "current", "previous", "left-over",
					     "blank",	"invalid",  "unreadable" };

	return names[state];
}

struct subject object_subject(const struct object *o)
{
	switch (o->rec.kind) {
	case RPL_RECORD_VOLUME:
		return (struct subject) { .kind = "volume", .id = o->rec.volume.id };
	case RPL_RECORD_GROUP:
		return (struct subject) { .kind = "group", .uuid = o->rec.group.uuid };
	case RPL_RECORD_CLONE:
		return (struct subject) { .kind = "clone",
					  .id = o->rec.clone.id,
					  .uuid = o->rec.clone.uuid };
	case RPL_RECORD_SNAPSHOT:
		return (struct subject) { .kind = "snapshot",
					  .id = o->rec.snapshot.id,
					  .uuid = o->rec.snapshot.uuid };
	case RPL_RECORD_NONE:
		break;
	}
	return (struct subject) { .kind = NULL };
}

static struct place page_place(struct check *ck, u32 page, int slot)
{
	const struct rpl_area *area = rpl_sb_area(&ck->sb, RPL_AREA_OBJECTS);
	struct place p = NOWHERE;

	p.area = "objects";
	p.page = page;
	p.slot = slot;
	p.offset_bytes = (s64)rpl_page_offset(area, page, slot > 0);
	return p;
}

/* ---- pages ---- */

static enum block_state slot_state(struct check *ck, const void *block, u32 page, u64 *generation)
{
	struct rpl_page_id id;

	if (!block)
		return BLOCK_UNREADABLE;
	switch (rpl_page_check(block, &ck->sb, RPL_PAGE_OBJECTS, page, &id)) {
	case 0:
		*generation = id.generation;
		return id.generation > ck->sb.generation ? BLOCK_LEFT_OVER : BLOCK_PREVIOUS;
	case -ENODATA:
		return BLOCK_BLANK;
	default:
		return BLOCK_INVALID;
	}
}

static void found_no_page(struct check *ck, u32 nr, const struct object_page *page)
{
	struct place place = page_place(ck, nr, -1);
	bool ahead = page->slot[0].state == BLOCK_LEFT_OVER ||
		     page->slot[1].state == BLOCK_LEFT_OVER;

	if (ahead)
		found(ck, FOUND_PAGE_AHEAD, &place, NULL,
		      "page %u of the object table has no copy as old as the superblock's "
		      "generation %llu: A is %s, B is %s",
		      nr, (unsigned long long)ck->sb.generation,
		      block_state_name(page->slot[0].state), block_state_name(page->slot[1].state));
	else
		found(ck, FOUND_PAGE_LOST, &place, NULL,
		      "both copies of page %u of the object table are lost: A is %s, B is %s", nr,
		      block_state_name(page->slot[0].state), block_state_name(page->slot[1].state));
}

/*
 * The slot that does not count. A page that was never changed since the store was made stands in
 * slot A with generation 1, and nobody wrote slot B: whatever is there is no finding.
 */
static void check_other_slot(struct check *ck, u32 nr, const struct object_page *page)
{
	int other = 1 - page->counts;
	struct place place = page_place(ck, nr, other);
	u64 generation = page->slot[page->counts].generation;

	switch (page->slot[other].state) {
	case BLOCK_CURRENT:
	case BLOCK_PREVIOUS:
		break;
	case BLOCK_LEFT_OVER:
		found(ck, FOUND_PAGE_LEFT_OVER, &place, NULL,
		      "copy %s of page %u of the object table is of generation %llu, the "
		      "superblock of %llu",
		      slot_name(other), nr, (unsigned long long)page->slot[other].generation,
		      (unsigned long long)ck->sb.generation);
		break;
	case BLOCK_UNREADABLE:
		found(ck, FOUND_PAGE_SLOT, &place, NULL,
		      "copy %s of page %u of the object table cannot be read", slot_name(other),
		      nr);
		break;
	case BLOCK_BLANK:
	case BLOCK_INVALID:
		if (generation > 1 || page->counts != 0)
			found(ck, FOUND_PAGE_SLOT, &place, NULL,
			      "copy %s of page %u of the object table is %s", slot_name(other), nr,
			      page->slot[other].state == BLOCK_BLANK ? "blank" : "damaged");
		break;
	}
}

static void check_page(struct check *ck, u32 nr)
{
	const struct rpl_area *area = rpl_sb_area(&ck->sb, RPL_AREA_OBJECTS);
	struct object_page *page = &ck->page[nr];
	u8 blocks[2][RPL_BLOCK_BYTES];
	const void *read[2];
	struct rpl_page_id id;
	u64 seen = 0;
	bool stale;
	int i;

	for (i = 0; i < 2; i++) {
		u64 at = rpl_page_offset(area, nr, (unsigned int)i);

		read[i] = image_read(&ck->image, at, blocks[i]) ? NULL : blocks[i];
		page->slot[i].state = slot_state(ck, read[i], nr, &page->slot[i].generation);
	}
	page->counts = rpl_page_choose(read[0], read[1], &ck->sb, RPL_PAGE_OBJECTS, nr, &id, &seen,
				       &stale);
	if (page->counts < 0) {
		page->counts = -1;
		found_no_page(ck, nr, page);
		return;
	}
	page->slot[page->counts].state = BLOCK_CURRENT;
	page->block = xmalloc(RPL_BLOCK_BYTES);
	memcpy(page->block, blocks[page->counts], RPL_BLOCK_BYTES);
	check_other_slot(ck, nr, page);
}

/* ---- records ---- */

static void check_records(struct check *ck, u32 nr)
{
	struct object_page *page = &ck->page[nr];
	unsigned int i;

	for (i = 0; page->block && i < RPL_RECORDS_PER_PAGE; i++) {
		struct object o = { .record = nr * RPL_RECORDS_PER_PAGE + i };

		o.place = page_place(ck, nr, page->counts);
		o.place.record = o.record;
		o.place.offset_bytes += (i + 1) * (s64)RPL_RECORD_BYTES;
		if (rpl_record_decode(page->block, i, &o.rec)) {
			struct subject s = object_subject(&o);

			found(ck, FOUND_RECORD_DAMAGED, &o.place, &s,
			      "record %u of the object table holds impossible values", o.record);
			continue;
		}
		if (o.rec.kind == RPL_RECORD_NONE)
			continue;
		ck->object = xreallocarray(ck->object, ck->nr_objects + 1, sizeof(o));
		ck->object[ck->nr_objects++] = o;
	}
}

/* Are the pages that count those of the superblock? Not if one that is lost was newer. */
static void check_sum(struct check *ck)
{
	struct place place = NOWHERE;
	u64 sum = 0;
	u32 i;

	if (!store_has_sums(ck))
		return;
	for (i = 0; i < ck->nr_pages; i++) {
		const struct object_page *page = &ck->page[i];

		if (page->counts < 0)
			return;
		sum += rpl_page_mark(i, page->slot[page->counts].generation);
	}
	place.area = "objects";
	if (sum != ck->sb.table_sum)
		found(ck, FOUND_TABLE_OLDER, &place, NULL,
		      "the object table is not the one of generation %llu: the newer copy of a "
		      "page is lost",
		      (unsigned long long)ck->sb.generation);
}

static void check_objects(struct check *ck)
{
	u32 i;

	ck->nr_pages = rpl_area_pages(rpl_sb_area(&ck->sb, RPL_AREA_OBJECTS));
	ck->page = xcalloc(ck->nr_pages, sizeof(*ck->page));
	for (i = 0; i < ck->nr_pages; i++) {
		check_page(ck, i);
		check_records(ck, i);
	}
	check_sum(ck);
}

/* ---- as a tree ---- */

static struct json_object *page_tree(struct check *ck, u32 nr)
{
	const struct object_page *page = &ck->page[nr];
	struct json_object *o = json_object_new_object();
	bool empty = page->block;
	u32 i;

	for (i = 0; i < ck->nr_objects; i++)
		empty = empty && ck->object[i].record / RPL_RECORDS_PER_PAGE != nr;
	for (i = 0; i < ck->nr_findings; i++)
		empty = empty && !(ck->finding[i].place.page == nr &&
				   !strcmp(ck->finding[i].place.area, "objects"));
	tree_u64(o, "page", nr);
	json_object_object_add(o, "empty", json_object_new_boolean(empty));
	for (i = 0; i < 2; i++) {
		char key[16];

		snprintf(key, sizeof(key), "%s", i ? "b" : "a");
		tree_str(o, key, block_state_name(page->slot[i].state));
		snprintf(key, sizeof(key), "%s_generation", i ? "b" : "a");
		tree_u64(o, key, page->slot[i].generation);
		snprintf(key, sizeof(key), "%s_offset", i ? "b" : "a");
		tree_u64(o, key, rpl_page_offset(rpl_sb_area(&ck->sb, RPL_AREA_OBJECTS), nr, i));
	}
	return o;
}

static void volume_tree(struct json_object *o, const struct rpl_rec_volume *v)
{
	tree_u64(o, "id", v->id);
	tree_u64(o, "nr_sectors", v->nr_sectors);
}

static void group_tree(struct json_object *o, const struct rpl_rec_group *g)
{
	tree_uuid(o, "uuid", g->uuid);
	tree_u64(o, "epoch", g->epoch);
	tree_u64(o, "time_ns", g->time_ns);
	tree_u64(o, "publish_ns", g->publish_ns);
	tree_u64(o, "drain_ns", g->drain_ns);
	tree_u64(o, "held_max_ns", g->held_max_ns);
	tree_u64(o, "held_writes", g->held_writes);
}

static void clone_tree(struct json_object *o, const struct rpl_rec_clone *c)
{
	tree_u64(o, "id", c->id);
	tree_uuid(o, "uuid", c->uuid);
	tree_u64(o, "volume_id", c->volume_id);
	tree_uuid(o, "group_uuid", c->group_uuid);
	tree_str(o, "state", rpl_state_name(c->state));
	tree_str(o, "prior_state", c->prior_state ? rpl_state_name(c->prior_state) : "");
	tree_u64(o, "error", c->error);
	tree_str(o, "reason", c->reason);
	tree_u64(o, "nr_sectors", c->nr_sectors);
	tree_u64(o, "bad_bytes", c->bad_bytes);
	tree_u64(o, "min_bytes_s", c->min_bytes_s);
	tree_u64(o, "max_bytes_s", c->max_bytes_s);
	tree_u64(o, "bitmap_page", c->bitmap_page);
	tree_u64(o, "bitmap_pages", c->bitmap_pages);
	tree_u64(o, "bitmap_generation", c->bitmap_generation);
}

static void snapshot_tree(struct json_object *o, const struct rpl_rec_snapshot *s)
{
	tree_u64(o, "id", s->id);
	tree_uuid(o, "uuid", s->uuid);
	tree_u64(o, "volume_id", s->volume_id);
	tree_uuid(o, "group_uuid", s->group_uuid);
	tree_str(o, "state", rpl_state_name(s->state));
	tree_u64(o, "error", s->error);
	tree_str(o, "reason", s->reason);
	tree_u64(o, "nr_sectors", s->nr_sectors);
	tree_u64(o, "read_only", s->read_only);
}

static void dump_objects(struct check *ck, struct json_object *root)
{
	static const char *const keys[] = { "object_pages", "volumes", "groups", "clones",
					    "snapshots" };
	struct json_object *all[ARRAY_SIZE(keys)];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		all[i] = json_object_new_array();
		json_object_object_add(root, keys[i], all[i]);
	}
	for (i = 0; i < ck->nr_pages; i++)
		json_object_array_add(all[0], page_tree(ck, i));
	for (i = 0; i < ck->nr_objects; i++) {
		const struct object *obj = &ck->object[i];
		struct json_object *o = json_object_new_object();

		tree_u64(o, "record", obj->record);
		tree_u64(o, "offset_bytes", (u64)obj->place.offset_bytes);
		if (obj->rec.kind == RPL_RECORD_VOLUME)
			volume_tree(o, &obj->rec.volume);
		else if (obj->rec.kind == RPL_RECORD_GROUP)
			group_tree(o, &obj->rec.group);
		else if (obj->rec.kind == RPL_RECORD_CLONE)
			clone_tree(o, &obj->rec.clone);
		else
			snapshot_tree(o, &obj->rec.snapshot);
		json_object_array_add(all[obj->rec.kind], o);
	}
}

const struct section section_objects = {
	.name = "objects",
	.check = check_objects,
	.dump = dump_objects,
};

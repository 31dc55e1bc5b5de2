// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * superblock.c - both superblocks: which one counts, what the store says of itself, does it fit
 * its device.
 */
#include "check.h"

#include <json-c/json.h>

static u64 copy_offset(unsigned int copy)
{
	return copy ? RPL_SB_B_OFFSET : 0;
}

static struct place copy_place(unsigned int copy)
{
	struct place p = NOWHERE;

	p.area = "superblocks";
	p.slot = copy;
	p.offset_bytes = (s64)copy_offset(copy);
	return p;
}

/* Read both; blocks[n] stays as it was where copy n cannot be read. */
static void read_copies(struct check *ck, u8 (*blocks)[RPL_BLOCK_BYTES], const void **read)
{
	unsigned int i;

	for (i = 0; i < RPL_SB_COPIES; i++) {
		struct superblock *c = &ck->copy[i];

		memset(c, 0, sizeof(*c));
		read[i] = NULL;
		c->error = image_read(&ck->image, copy_offset(i), blocks[i]);
		if (c->error) {
			c->state = BLOCK_UNREADABLE;
			rpl_why(&c->why, 0, "superblock %s cannot be read (%s)", slot_name((int)i),
				c->error == -ENODATA ? "the device ends before it"
						     : strerror(-c->error));
			c->error = -EIO;
			continue;
		}
		read[i] = blocks[i];
		c->error = rpl_sb_decode(blocks[i], i, &c->sb, &c->why);
		c->state = !c->error		  ? BLOCK_PREVIOUS
			   : c->error == -ENODATA ? BLOCK_BLANK
						  : BLOCK_INVALID;
	}
}

u64 superblock_generation(struct check *ck)
{
	u8 blocks[RPL_SB_COPIES][RPL_BLOCK_BYTES];
	const void *read[RPL_SB_COPIES];
	struct rpl_why why;
	unsigned int copy;
	struct rpl_sb sb;
	unsigned int i;

	for (i = 0; i < RPL_SB_COPIES; i++)
		read[i] = image_read(&ck->image, copy_offset(i), blocks[i]) ? NULL : blocks[i];
	return rpl_sb_choose(read[0], read[1], &sb, &copy, &why) ? 0 : sb.generation;
}

bool store_clean(const struct check *ck)
{
	return !(ck->sb.flags & (RPL_SB_OPEN | RPL_SB_FAILED));
}

bool store_goes_on(const struct check *ck)
{
	const u32 open = RPL_SB_OPEN | RPL_SB_VOLATILE;

	return !(ck->sb.flags & RPL_SB_FAILED) && (ck->sb.flags & open) != open;
}

bool store_has_sums(const struct check *ck)
{
	return ck->sb.incompat & RPL_INCOMPAT_JOURNAL;
}

/* No superblock counts. */
static void found_no_superblock(struct check *ck, int error, const struct rpl_why *why)
{
	enum finding_code code = FOUND_SUPERBLOCKS_DAMAGED;
	bool ours = ck->copy[0].error == -EILSEQ || ck->copy[1].error == -EILSEQ;
	struct place place = copy_place(0);

	place.slot = -1;
	place.offset_bytes = -1;
	if (!ck->copy[0].error && !ck->copy[1].error)
		code = FOUND_SUPERBLOCKS_MIXED;
	else if (error == -ENODATA)
		code = FOUND_NO_STORE;
	else if (error == -EOPNOTSUPP)
		code = FOUND_NEWER_FORMAT;
	else if (!ours && error == -EMEDIUMTYPE)
		code = FOUND_OTHER_CONTENT;
	else if (!ours && error == -EIO)
		code = FOUND_UNREADABLE;
	if (code == FOUND_SUPERBLOCKS_DAMAGED)
		found(ck, code, &place, NULL, "no superblock is whole: %s, and %s",
		      ck->copy[0].why.text, ck->copy[1].why.text);
	else
		found(ck, code, &place, NULL, "%s", why->text);
}

static void check_flags(struct check *ck)
{
	struct place place = copy_place(ck->sb_copy);
	/* As stored: a lost copy alone makes the module count the store as open. */
	u32 flags = ck->copy[ck->sb_copy].sb.flags;

	if (ck->image.holder)
		found(ck, FOUND_IN_USE, NULL, NULL, "the device is in use (%s)", ck->image.holder);
	if (flags & RPL_SB_OPEN && !ck->image.holder)
		found(ck, FOUND_NOT_CLOSED, &place, NULL, "the store was not closed cleanly");
	if (flags & RPL_SB_FAILED)
		found(ck, FOUND_STORE_FAILED, &place, NULL, "an error ended the store");
}

static void check_superblocks(struct check *ck)
{
	u8 blocks[RPL_SB_COPIES][RPL_BLOCK_BYTES];
	const void *read[RPL_SB_COPIES];
	struct rpl_why why = { .text = "" };
	unsigned int i;
	int r;

	read_copies(ck, blocks, read);
	r = rpl_sb_choose(read[0], read[1], &ck->sb, &ck->sb_copy, &why);
	if (r) {
		found_no_superblock(ck, r, &why);
		return;
	}
	ck->open = true;
	ck->copy[ck->sb_copy].state = BLOCK_CURRENT;
	for (i = 0; i < RPL_SB_COPIES; i++) {
		struct place place = copy_place(i);

		if (ck->copy[i].error)
			found(ck, FOUND_SUPERBLOCK_LOST, &place, NULL, "%s", ck->copy[i].why.text);
	}
	r = rpl_sb_fits(&ck->sb, ck->image.bytes, ck->sb.chunk_sectors, &why);
	if (r)
		found(ck, FOUND_DEVICE_SHORT, NULL, NULL, "%s", why.text);
	check_flags(ck);
}

/* ---- as a tree ---- */

static struct json_object *flags_tree(u32 flags)
{
	struct json_object *a = json_object_new_array();

	if (flags & RPL_SB_OPEN)
		json_object_array_add(a, json_object_new_string("open"));
	if (flags & RPL_SB_VOLATILE)
		json_object_array_add(a, json_object_new_string("volatile"));
	if (flags & RPL_SB_FAILED)
		json_object_array_add(a, json_object_new_string("failed"));
	return a;
}

static struct json_object *areas_tree(const struct rpl_sb *sb)
{
	static const char *const names[] = {
		[RPL_AREA_OBJECTS] = "objects", [RPL_AREA_BITMAPS] = "bitmaps",
		[RPL_AREA_JOURNAL] = "journal", [RPL_AREA_MAP] = "map",
		[RPL_AREA_DATA] = "data",	[RPL_AREA_MAP_INDEX] = "map index",
	};
	struct json_object *all = json_object_new_array();
	unsigned int i;

	for (i = 0; i < RPL_AREAS; i++) {
		const struct rpl_area *a = &sb->area[i];
		struct json_object *o;

		if (a->kind == RPL_AREA_NONE)
			continue;
		o = json_object_new_object();
		tree_str(o, "area", a->kind < ARRAY_SIZE(names) ? names[a->kind] : "unknown");
		tree_u64(o, "kind", a->kind);
		tree_u64(o, "flags", a->flags);
		tree_u64(o, "offset_bytes", a->offset_bytes);
		tree_u64(o, "length_bytes", a->length_bytes);
		json_object_array_add(all, o);
	}
	return all;
}

static struct json_object *copy_tree(const struct superblock *c, unsigned int copy)
{
	struct json_object *o = json_object_new_object();
	const struct rpl_sb *sb = &c->sb;

	tree_str(o, "slot", slot_name((int)copy));
	tree_u64(o, "offset_bytes", copy_offset(copy));
	tree_str(o, "state", block_state_name(c->state));
	if (c->error) {
		tree_str(o, "why", c->why.text);
		return o;
	}
	tree_uuid(o, "uuid", sb->uuid);
	tree_u64(o, "generation", sb->generation);
	json_object_object_add(o, "flags", flags_tree(sb->flags));
	tree_u64(o, "compat", sb->compat);
	tree_u64(o, "ro_compat", sb->ro_compat);
	tree_u64(o, "incompat", sb->incompat);
	tree_u64(o, "chunk_sectors", sb->chunk_sectors);
	tree_u64(o, "max_volumes", sb->max_volumes);
	tree_u64(o, "dev_bytes", sb->dev_bytes);
	tree_u64(o, "epoch", sb->epoch);
	tree_u64(o, "format_time_s", sb->format_time_s);
	tree_u64(o, "write_time_s", sb->write_time_s);
	tree_u64(o, "incarnation", sb->incarnation);
	tree_u64(o, "journal_tail", sb->journal_tail);
	json_object_object_add(o, "areas", areas_tree(sb));
	return o;
}

static void dump_superblocks(struct check *ck, struct json_object *root)
{
	struct json_object *all = json_object_new_array();
	unsigned int i;

	for (i = 0; i < RPL_SB_COPIES; i++)
		json_object_array_add(all, copy_tree(&ck->copy[i], i));
	json_object_object_add(root, "superblocks", all);
}

const struct section section_superblocks = {
	.name = "superblocks",
	.always = true,
	.check = check_superblocks,
	.dump = dump_superblocks,
};

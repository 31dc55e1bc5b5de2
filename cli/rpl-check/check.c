// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check.c - the sections in their order, and the tree of all that they know.
 */
#include "check.h"

#include <json-c/json.h>
#include <stdlib.h>

/* Each may use what those before it found. */
static const struct section *const sections[] = {
	&section_superblocks, &section_objects, &section_bitmaps,
	&section_journal,     &section_map,	&section_links,
};

#define TRIES 5

/* Forget what was read; the image stays open. */
static void forget(struct check *ck)
{
	struct image image = ck->image;
	u32 i;

	for (i = 0; i < ck->nr_pages; i++)
		free(ck->page[i].block);
	for (i = 0; i < ck->nr_findings; i++)
		free(ck->finding[i].text);
	map_free(ck);
	free(ck->page);
	free(ck->object);
	free(ck->finding);
	memset(ck, 0, sizeof(*ck));
	ck->image = image;
}

/* A store in use may be changed while it is read: true if this was no view of one moment. */
static bool run_once(struct check *ck)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sections); i++)
		if (ck->open || sections[i]->always)
			sections[i]->check(ck);
	return ck->open && superblock_generation(ck) != ck->sb.generation;
}

void check_run(struct check *ck)
{
	int tries = TRIES;

	while (run_once(ck)) {
		forget(ck);
		if (!--tries) {
			found(ck, FOUND_CHANGING, NULL, NULL,
			      "the store changed each time while it was read");
			return;
		}
	}
}

void check_free(struct check *ck)
{
	forget(ck);
	image_close(&ck->image);
}

int check_exit_status(const struct check *ck)
{
	static const int status[] = { 0, 1, 2, 3 };

	return status[check_level(ck)];
}

static struct json_object *device_tree(const struct check *ck)
{
	struct json_object *o = json_object_new_object();

	tree_str(o, "path", ck->image.path);
	tree_u64(o, "start_bytes", ck->image.start_bytes);
	tree_u64(o, "bytes", ck->image.bytes);
	json_object_object_add(o, "in_use", json_object_new_boolean(ck->image.holder != NULL));
	tree_str(o, "holder", ck->image.holder ? ck->image.holder : "");
	return o;
}

/* Of the superblock that counts; flags as the module takes them, a lost copy considered. */
static struct json_object *store_tree(const struct check *ck)
{
	struct json_object *o = json_object_new_object();

	tree_uuid(o, "uuid", ck->sb.uuid);
	tree_str(o, "superblock", slot_name((int)ck->sb_copy));
	tree_u64(o, "generation", ck->sb.generation);
	tree_u64(o, "epoch", ck->sb.epoch);
	json_object_object_add(o, "clean", json_object_new_boolean(store_clean(ck)));
	tree_u64(o, "chunk_sectors", ck->sb.chunk_sectors);
	tree_u64(o, "max_volumes", ck->sb.max_volumes);
	tree_u64(o, "max_snapshots", ck->sb.max_snapshots);
	tree_u64(o, "dev_bytes", ck->sb.dev_bytes);
	return o;
}

static void tree_place(struct json_object *o, const struct place *p)
{
	tree_str(o, "area", p->area ? p->area : "");
	if (p->page >= 0)
		tree_u64(o, "page", (u64)p->page);
	if (p->slot >= 0)
		tree_str(o, "slot", slot_name((int)p->slot));
	if (p->record >= 0)
		tree_u64(o, "record", (u64)p->record);
	if (p->offset_bytes >= 0)
		tree_u64(o, "offset_bytes", (u64)p->offset_bytes);
}

static struct json_object *finding_tree(const struct finding *f)
{
	struct json_object *o = json_object_new_object();

	tree_str(o, "finding", finding_name(f->code));
	tree_str(o, "level", level_name(finding_level(f->code)));
	tree_place(o, &f->place);
	if (f->subject.kind) {
		tree_str(o, "object", f->subject.kind);
		if (f->subject.id)
			tree_u64(o, "id", f->subject.id);
		if (f->has_uuid)
			tree_uuid(o, "uuid", f->uuid);
	}
	tree_str(o, "text", f->text);
	tree_str(o, "advice", finding_advice(f->code));
	return o;
}

struct json_object *check_tree(struct check *ck)
{
	struct json_object *root = json_object_new_object();
	struct json_object *findings = json_object_new_array();
	unsigned int i;

	tree_u64(root, "version", 1);
	json_object_object_add(root, "device", device_tree(ck));
	if (ck->open)
		json_object_object_add(root, "store", store_tree(ck));
	for (i = 0; i < ARRAY_SIZE(sections); i++)
		if (sections[i]->dump && (ck->open || sections[i]->always))
			sections[i]->dump(ck, root);
	for (i = 0; i < ck->nr_findings; i++)
		json_object_array_add(findings, finding_tree(&ck->finding[i]));
	json_object_object_add(root, "findings", findings);
	tree_str(root, "worst", level_name(check_level(ck)));
	tree_u64(root, "exit_status", (u64)check_exit_status(ck));
	return root;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * links.c - do the records fit each other: what the module asks for when it makes objects out of
 * them, and what it never writes.
 */
#include "check.h"

#include <uuid/uuid.h>

#include "../../kmod/names-gen.h"
#include "../../kmod/state.h"

/* persist.h's rpl_rec_unfinished(), which is not for user space. */
bool clone_unfinished(const struct rpl_rec_clone *c)
{
	return c->state == RPL_STATE_RESTORING || rpl_state_unfinished(c->state);
}

static bool same_object(const struct object *a, const struct object *b)
{
	if (a->rec.kind != b->rec.kind)
		return false;
	switch (a->rec.kind) {
	case RPL_RECORD_VOLUME:
		return a->rec.volume.id == b->rec.volume.id;
	case RPL_RECORD_GROUP:
		return !memcmp(a->rec.group.uuid, b->rec.group.uuid, RPL_UUID_LEN);
	case RPL_RECORD_CLONE:
		return a->rec.clone.id == b->rec.clone.id;
	case RPL_RECORD_SNAPSHOT:
		return a->rec.snapshot.id == b->rec.snapshot.id;
	case RPL_RECORD_NONE:
		break;
	}
	return false;
}

static void check_twice(struct check *ck, const struct object *o)
{
	const struct object *other;
	struct subject s = object_subject(o);

	for (other = ck->object; other < o; other++) {
		if (!same_object(o, other))
			continue;
		found(ck, FOUND_RECORD_TWICE, &o->place, &s,
		      "records %u and %u of the object table are the same %s", other->record,
		      o->record, s.kind);
		return;
	}
}

static const struct object *find_volume(const struct check *ck, u32 id)
{
	u32 i;

	for (i = 0; i < ck->nr_objects; i++)
		if (ck->object[i].rec.kind == RPL_RECORD_VOLUME &&
		    ck->object[i].rec.volume.id == id)
			return &ck->object[i];
	return NULL;
}

static const struct object *find_group(const struct check *ck, const u8 *uuid)
{
	u32 i;

	for (i = 0; i < ck->nr_objects; i++)
		if (ck->object[i].rec.kind == RPL_RECORD_GROUP &&
		    !memcmp(ck->object[i].rec.group.uuid, uuid, RPL_UUID_LEN))
			return &ck->object[i];
	return NULL;
}

static void check_clone(struct check *ck, const struct object *o)
{
	const struct rpl_rec_clone *c = &o->rec.clone;
	struct subject s = object_subject(o);
	char text[37];

	if (!find_volume(ck, c->volume_id))
		found(ck, FOUND_CLONE_VOLUME, &o->place, &s,
		      "clone %u is of volume %u, which has no record", c->id, c->volume_id);
	if (!find_group(ck, c->group_uuid)) {
		uuid_unparse_lower(c->group_uuid, text);
		found(ck, FOUND_CLONE_GROUP, &o->place, &s,
		      "clone %u is of group %s, which has no record", c->id, text);
	}
	if (rpl_nr_regions(c->nr_sectors, ck->sb.chunk_sectors) > U32_MAX)
		found(ck, FOUND_CLONE_SIZE, &o->place, &s,
		      "clone %u has %llu sectors, more than there can be chunks for", c->id,
		      (unsigned long long)c->nr_sectors);
	if (clone_unfinished(c) && !store_goes_on(ck) && !ck->image.holder)
		found(ck, FOUND_CLONE_UNFINISHED, &o->place, &s,
		      "clone %u was %s, and the store was not closed after that", c->id,
		      rpl_state_name(c->state));
}

/* Of a snapshot the module wants an id of its own, and a group whose epoch can be a tag. */
static void check_snapshot(struct check *ck, const struct object *o)
{
	const struct rpl_rec_snapshot *n = &o->rec.snapshot;
	const struct object *g = find_group(ck, n->group_uuid);
	struct subject s = object_subject(o);
	char text[37];

	uuid_unparse_lower(n->group_uuid, text);
	if (!find_volume(ck, n->volume_id))
		found(ck, FOUND_CLONE_VOLUME, &o->place, &s,
		      "snapshot %u is of volume %u, which has no record", n->id, n->volume_id);
	if (find_volume(ck, n->id))
		found(ck, FOUND_RECORD_TWICE, &o->place, &s,
		      "snapshot %u has the id of a source volume", n->id);
	if (!g)
		found(ck, FOUND_CLONE_GROUP, &o->place, &s,
		      "snapshot %u is of group %s, which has no record", n->id, text);
	else if (!g->rec.group.epoch || g->rec.group.epoch > RPL_TAG_MAX)
		found(ck, FOUND_GROUP_EPOCH, &o->place, &s,
		      "snapshot %u is of group %s, whose epoch %llu cannot be", n->id, text,
		      (unsigned long long)g->rec.group.epoch);
}

/* Is the volume or group of this relation? */
static bool belongs(const struct object *o, u32 volume_id, const u8 *group_uuid)
{
	if (o->rec.kind == RPL_RECORD_VOLUME)
		return volume_id == o->rec.volume.id;
	return !memcmp(group_uuid, o->rec.group.uuid, RPL_UUID_LEN);
}

static bool has_relation(const struct check *ck, const struct object *o)
{
	u32 i;

	for (i = 0; i < ck->nr_objects; i++) {
		const struct rpl_record *r = &ck->object[i].rec;

		if (r->kind == RPL_RECORD_CLONE &&
		    belongs(o, r->clone.volume_id, r->clone.group_uuid))
			return true;
		if (r->kind == RPL_RECORD_SNAPSHOT &&
		    belongs(o, r->snapshot.volume_id, r->snapshot.group_uuid))
			return true;
	}
	return false;
}

static void check_group(struct check *ck, const struct object *o)
{
	struct subject s = object_subject(o);
	char text[37];

	uuid_unparse_lower(o->rec.group.uuid, text);
	if (o->rec.group.epoch > ck->sb.epoch)
		found(ck, FOUND_GROUP_EPOCH, &o->place, &s,
		      "group %s is of epoch %llu, the store knows only %llu", text,
		      (unsigned long long)o->rec.group.epoch, (unsigned long long)ck->sb.epoch);
	/* A clone of it may be among the records that are lost. */
	if (!has_relation(ck, o) && check_level(ck) < LEVEL_DAMAGE)
		found(ck, FOUND_GROUP_EMPTY, &o->place, &s, "group %s has no members", text);
}

static void check_volume(struct check *ck, const struct object *o)
{
	struct subject s = object_subject(o);

	if (!has_relation(ck, o) && check_level(ck) < LEVEL_DAMAGE)
		found(ck, FOUND_VOLUME_UNUSED, &o->place, &s,
		      "volume %u has no clones and no snapshots", o->rec.volume.id);
}

static void check_links(struct check *ck)
{
	u32 i;

	for (i = 0; i < ck->nr_objects; i++) {
		const struct object *o = &ck->object[i];

		check_twice(ck, o);
		if (o->rec.kind == RPL_RECORD_VOLUME)
			check_volume(ck, o);
		else if (o->rec.kind == RPL_RECORD_GROUP)
			check_group(ck, o);
		else if (o->rec.kind == RPL_RECORD_CLONE)
			check_clone(ck, o);
		else
			check_snapshot(ck, o);
	}
}

const struct section section_links = {
	.name = "links",
	.check = check_links,
};

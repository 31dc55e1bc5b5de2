// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kit.c - see kit.h.
 */
#include "kit.h"

#include <json-c/json.h>
#include <stdlib.h>

const u8 clone_uuid[3][RPL_UUID_LEN] = { { 1, 1, 1 }, { 2, 2, 2 }, { 3, 3, 3 } };
const u8 group_uuid[RPL_UUID_LEN] = { 9, 9, 9 };

static void add(struct store *s, struct rpl_record rec)
{
	s->rec[s->nr_recs++] = rec;
}

struct rpl_record a_volume(u32 id)
{
	return (struct rpl_record) { .kind = RPL_RECORD_VOLUME,
				     .volume = { .id = id, .nr_sectors = 1 << 20 } };
}

struct rpl_record a_group(const u8 *uuid)
{
	struct rpl_record rec = { .kind = RPL_RECORD_GROUP, .group = { .epoch = 1 } };

	memcpy(rec.group.uuid, uuid, RPL_UUID_LEN);
	return rec;
}

static struct rpl_record a_clone(const struct store *s, u32 id, u32 state, u64 sectors, u32 page)
{
	struct rpl_record rec = { .kind = RPL_RECORD_CLONE };
	struct rpl_rec_clone *c = &rec.clone;

	c->id = id;
	c->volume_id = 1;
	c->state = state;
	c->prior_state = state == RPL_STATE_SUSPENDED ? RPL_STATE_COPYING : 0;
	c->nr_sectors = sectors;
	memcpy(c->uuid, clone_uuid[(id - SUSPENDED) % 3], RPL_UUID_LEN);
	memcpy(c->group_uuid, group_uuid, RPL_UUID_LEN);
	if (state != RPL_STATE_SYNCHRONIZED) {
		c->bitmap_page = page;
		c->bitmap_pages = rpl_bitmap_pages(rpl_nr_regions(sectors, s->sb.chunk_sectors));
	}
	return rec;
}

void store_used(struct store *s)
{
	store_format(s, BYTES, VOLUMES, 0xe5);
	s->sb.epoch = 1;
	store_commit(s, RPL_SB_OPEN | RPL_SB_VOLATILE);
	add(s, a_volume(1));
	add(s, a_group(group_uuid));
	add(s, a_clone(s, SUSPENDED, RPL_STATE_SUSPENDED, 1000000, 0));
	add(s, a_clone(s, COMPLETE, RPL_STATE_SYNCHRONIZED, 1000000, 0));
	/* The last one is on the second page of the table. */
	while (s->nr_recs < RPL_RECORDS_PER_PAGE)
		add(s, (struct rpl_record) { .kind = RPL_RECORD_NONE });
	add(s, a_clone(s, COPYING, RPL_STATE_COPYING, 80000 * 128, 1));
	store_commit(s, RPL_SB_OPEN | RPL_SB_VOLATILE);
}

void store_closed(struct store *s)
{
	store_used(s);
	store_close(s);
}

struct check look(struct store *s)
{
	struct check ck = { .open = false };

	assert_int_equal(image_open(&ck.image, s->path, 0), 0);
	check_run(&ck);
	return ck;
}

void show(struct check *ck)
{
	report_text(ck);
	fflush(stdout);
}

struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	if (!json_object_object_get_ex(o, key, &v))
		fail_msg("no member %s", key);
	return v;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * snapshots.c - the kernel's part of a simulated node's snapshots.
 *
 * Its hosts overwrite each volume from begin to end, once; what they overwrite is kept as long as
 * there are snapshots, for all of the volume's snapshots together: that of the oldest.
 */
#include <errno.h>

#include "engine/model.h"
#include "sim/storage.h"

#define WRITE_BYTES_S (1ull << 20) /* of the hosts, to each volume */
#define SNAPSHOTS_MAX 256 /* of a volume; the kernel's */

static unsigned int count(const struct sim_storage *s, const char *source)
{
	unsigned int n = 0;

	for (struct sim_relation *r = NULL;
	     s->nr_snapshots && (r = sim_next_relation(&s->table, r));)
		n += r->is_snapshot && !strcmp(r->source, source);
	return n;
}

bool sim_has_snapshots(const struct sim_storage *s, const struct sim_volume *v)
{
	return count(s, v->uuid);
}

int sim_snapshot_check(struct sim_storage *s, const struct backend_pair *p, struct sim_answer *a)
{
	const struct sim_volume *src = sim_volume(&s->table, p->source);

	if (!src || *src->snapshot_of)
		return sim_refuse(a, -ENOENT, "volume %s is not there", p->source);
	if (sim_volume(&s->table, p->relation))
		return sim_refuse(a, -EEXIST, "there is a volume %s already", p->relation);
	for (struct sim_volume *v = NULL; (v = sim_next_volume(&s->table, v));)
		if (v->id == p->snapshot_id)
			return sim_refuse(a, -EEXIST, "id %u is in use", v->id);
	if (count(s, src->uuid) >= SNAPSHOTS_MAX)
		return sim_refuse(a, -ENOSPC,
				  "source volume %u has %u snapshots, which is all it "
				  "can have",
				  src->id, SNAPSHOTS_MAX);
	return 0;
}

bool sim_snapshot_add(struct sim_storage *s, const char *group, const struct backend_pair *p,
		      uint64_t when_us)
{
	const struct sim_volume *src = sim_volume(&s->table, p->source);
	struct sim_volume v = { .id = p->snapshot_id,
				.pool = src->pool,
				.size_bytes = src->size_bytes };
	struct sim_relation r = { .target_id = p->snapshot_id,
				  .source_id = src->id,
				  .state = ENGINE_SYNCHRONIZED,
				  .total_bytes = src->size_bytes,
				  .when_us = when_us,
				  .is_snapshot = true,
				  .read_only = p->read_only };
	struct sim_volume *added;

	memcpy(v.uuid, p->relation, sizeof(v.uuid));
	memcpy(v.snapshot_of, src->uuid, sizeof(v.snapshot_of));
	memcpy(r.uuid, p->relation, sizeof(r.uuid));
	memcpy(r.target, p->relation, sizeof(r.target));
	memcpy(r.source, src->uuid, sizeof(r.source));
	snprintf(r.group, sizeof(r.group), "%s", group);
	sim_faults_relation(s, &r, src->name, v.name);
	added = sim_volume_add(&s->table, &v);
	if (!added)
		return false;
	if (!sim_relation_add(&s->table, &r)) {
		sim_volume_remove(&s->table, added);
		return false;
	}
	s->nr_snapshots++;
	return true;
}

int sim_snapshot_delete(struct sim_storage *s, const char *uuid, struct sim_answer *a)
{
	const struct sim_volume *v = sim_volume(&s->table, uuid);
	struct sim_relation *r = sim_relation_to(&s->table, uuid);

	if (!v && !r)
		return 0;
	if (!v || !r || !r->is_snapshot)
		return sim_refuse(a, -EINVAL, "volume %s is no snapshot", uuid);
	if (v->open)
		return sim_refuse(a, -EBUSY, "snapshot %s is in use", uuid);
	sim_relation_drop(s, r);
	return 0;
}

void sim_snapshots_keep(struct sim_storage *s, uint64_t us)
{
	uint64_t bytes = WRITE_BYTES_S * us / 1000000;

	for (struct sim_relation *r = NULL;
	     s->nr_snapshots && (r = sim_next_relation(&s->table, r));) {
		if (!r->is_snapshot || r->state != ENGINE_SYNCHRONIZED)
			continue;
		r->copied_bytes += bytes;
		if (r->copied_bytes > r->total_bytes)
			r->copied_bytes = r->total_bytes;
		if (r->copied_bytes < r->fail_at_bytes)
			continue;
		r->copied_bytes = 0;
		sim_relation_fail(s, r, r->reason);
	}
}

static struct backend_space *space_of(struct sim_answer *a, uint32_t source_id)
{
	struct backend_space new = { .id = source_id };

	for (size_t i = 0; i < a->spaces.n; i++)
		if (a->spaces.v[i].id == source_id)
			return &a->spaces.v[i];
	vec_push(&a->spaces, new);
	return &a->spaces.v[a->spaces.n - 1];
}

int sim_space_list(struct sim_storage *s, struct sim_answer *a)
{
	for (struct sim_relation *r = NULL;
	     !s->hidden && s->nr_snapshots && (r = sim_next_relation(&s->table, r));) {
		struct backend_space *sp;

		if (!r->is_snapshot)
			continue;
		sp = space_of(a, r->source_id);
		if (r->copied_bytes > sp->kept_bytes)
			sp->kept_bytes = r->copied_bytes;
	}
	return 0;
}

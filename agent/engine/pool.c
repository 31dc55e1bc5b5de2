// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pool.c - pools: volume groups named in the configuration, and the primordial pool over them.
 *
 * LVM is the truth; between inventories the space of our own actions is accounted here.
 */
#include "engine/model.h"

struct pool *pool_find(struct engine *e, const char *uuid)
{
	struct pool *p;

	if (!uuid)
		return NULL;
	TAILQ_FOREACH(p, &e->pools, link)
	if (!strcmp(p->pub.uuid, uuid))
		return p;
	return NULL;
}

static void sum_primordial(struct engine *e)
{
	struct pool *p, *sum = TAILQ_FIRST(&e->pools);

	sum->pub.total_bytes = sum->pub.remaining_bytes = 0;
	sum->pub.online = true;
	TAILQ_FOREACH(p, &e->pools, link)
	if (p != sum) {
		sum->pub.total_bytes += p->pub.total_bytes;
		sum->pub.remaining_bytes += p->pub.remaining_bytes;
	}
}

void pools_seen(struct engine *e, const struct backend_reply *reply)
{
	struct volume *v;
	struct pool *p;

	TAILQ_FOREACH(p, &e->pools, link)
	p->pub.online = false;
	for (size_t i = 0; i < reply->nr_pools; i++) {
		const struct backend_pool *bp = &reply->pools[i];
		bool new = !(p = pool_find(e, bp->uuid)), changed;

		if (new)
			p = pool_new(e, bp->uuid, bp->name);
		changed = p->pub.remaining_bytes != bp->free_bytes ||
			  p->pub.total_bytes != bp->total_bytes;
		p->pub.total_bytes = bp->total_bytes;
		p->pub.remaining_bytes = bp->free_bytes;
		p->pub.unit_bytes = bp->unit_bytes ? bp->unit_bytes : 512;
		p->pub.online = true;
		if (new || changed)
			notify(e, ENGINE_OBJ_POOL, new ? ENGINE_CREATED : ENGINE_CHANGED, &p->pub);
	}
	sum_primordial(e);
	TAILQ_FOREACH(v, &e->volumes, link)
	volume_set_pool(e, v, v->pool_uuid);
}

void pool_account(struct engine *e, struct volume *v, int64_t delta_bytes)
{
	struct pool *p = pool_find(e, v->pool_uuid);

	if (!p)
		return;
	if (delta_bytes > 0 && (uint64_t)delta_bytes > p->pub.remaining_bytes)
		p->pub.remaining_bytes = 0;
	else
		p->pub.remaining_bytes -= (uint64_t)delta_bytes;
	sum_primordial(e);
	notify(e, ENGINE_OBJ_POOL, ENGINE_CHANGED, &p->pub);
}

uint64_t round_up_to(uint64_t bytes, uint64_t unit)
{
	uint64_t rest = unit ? bytes % unit : 0;

	if (!rest)
		return bytes;
	return bytes > UINT64_MAX - (unit - rest) ? UINT64_MAX : bytes + (unit - rest);
}

void engine_pool_size_range(struct engine *e, const struct engine_pool *p, uint64_t *min_bytes,
			    uint64_t *max_bytes, uint64_t *step_bytes)
{
	(void)e;
	*step_bytes = p->unit_bytes;
	*min_bytes = p->unit_bytes;
	*max_bytes = p->primordial ? 0 : p->remaining_bytes;
}

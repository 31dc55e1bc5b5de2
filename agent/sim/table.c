// SPDX-License-Identifier: GPL-2.0-or-later
/* table.c - see table.h. The indexes are made anew at each start. */
#include "sim/table.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "engine/model.h"

#define SIM_MAGIC 0x334d4953u

/* A file of another version is begun again: what is in it is of no worth to anyone. */
static int map_file(struct sim_table *t, const char *dir, char *why, size_t why_size)
{
	CLEANUP_FREE char *path = xasprintf("%s/sim.state", dir);
	CLEANUP_CLOSE int fd = -1;
	struct stat st;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &st) || ((size_t)st.st_size != sizeof(*t->f) && ftruncate(fd, 0)) ||
	    ftruncate(fd, sizeof(*t->f))) {
		refused(why, why_size, "%s: %s", path, strerror(errno));
		return -EIO;
	}
	t->f = mmap(NULL, sizeof(*t->f), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (t->f != MAP_FAILED && t->f->magic && t->f->magic != SIM_MAGIC) {
		refused(why, why_size, "%s is not the state of a simulated node", path);
		munmap(t->f, sizeof(*t->f));
		t->f = NULL;
		return -EINVAL;
	}
	return t->f == MAP_FAILED ? -ENOMEM : 0;
}

static void index_volume(struct sim_table *t, struct sim_volume *v)
{
	strmap_set(&t->volumes, v->uuid, v);
	if (v->pool < CONFIG_MAX_POOLS && !*v->snapshot_of)
		t->used_bytes[v->pool] += v->size_bytes;
}

int sim_table_open(struct sim_table *t, const char *dir, char *why, size_t why_size)
{
	int ret = 0;

	*t = (struct sim_table) { 0 };
	if (*dir)
		ret = map_file(t, dir, why, why_size);
	else
		t->f = mmap(NULL, sizeof(*t->f), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!ret && t->f == MAP_FAILED)
		ret = -ENOMEM;
	if (ret)
		return ret;
	t->f->magic = SIM_MAGIC;
	t->f->size = sizeof(*t->f);
	if (!t->f->clock_us)
		t->f->clock_us = now_us();
	for (struct sim_volume *v = NULL; (v = sim_next_volume(t, v));)
		index_volume(t, v);
	for (struct sim_relation *r = NULL; (r = sim_next_relation(t, r));)
		strmap_set(&t->relations, r->target, r);
	return 0;
}

void sim_table_close(struct sim_table *t)
{
	if (t->f)
		munmap(t->f, sizeof(*t->f));
	strmap_done(&t->volumes);
	strmap_done(&t->relations);
	*t = (struct sim_table) { 0 };
}

struct sim_volume *sim_volume(const struct sim_table *t, const char *uuid)
{
	return strmap_get(&t->volumes, uuid);
}

struct sim_relation *sim_relation_to(const struct sim_table *t, const char *target_uuid)
{
	return strmap_get(&t->relations, target_uuid);
}

struct sim_volume *sim_next_volume(const struct sim_table *t, const struct sim_volume *prev)
{
	struct sim_volume *v = prev ? &t->f->volumes[prev - t->f->volumes + 1] : t->f->volumes;

	for (; v < &t->f->volumes[t->f->nr_volumes]; v++)
		if (v->used)
			return v;
	return NULL;
}

struct sim_relation *sim_next_relation(const struct sim_table *t, const struct sim_relation *prev)
{
	struct sim_relation *r = prev ? &t->f->relations[prev - t->f->relations + 1]
				      : t->f->relations;

	for (; r < &t->f->relations[t->f->nr_relations]; r++)
		if (r->used)
			return r;
	return NULL;
}

/* The entry counts from the moment that used is set: a process killed before has added nothing. */
struct sim_volume *sim_volume_add(struct sim_table *t, const struct sim_volume *v)
{
	uint32_t i = t->unused_volume;
	struct sim_volume *slot;

	while (i < t->f->nr_volumes && t->f->volumes[i].used)
		i++;
	t->unused_volume = i;
	if (i == SIM_MAX)
		return NULL;
	slot = &t->f->volumes[i];
	*slot = *v;
	if (i == t->f->nr_volumes)
		t->f->nr_volumes++;
	slot->used = true;
	index_volume(t, slot);
	return slot;
}

struct sim_relation *sim_relation_add(struct sim_table *t, const struct sim_relation *r)
{
	uint32_t i = t->unused_relation;
	struct sim_relation *slot;

	while (i < t->f->nr_relations && t->f->relations[i].used)
		i++;
	t->unused_relation = i;
	if (i == SIM_MAX)
		return NULL;
	slot = &t->f->relations[i];
	*slot = *r;
	if (i == t->f->nr_relations)
		t->f->nr_relations++;
	slot->used = true;
	strmap_set(&t->relations, slot->target, slot);
	return slot;
}

void sim_volume_resize(struct sim_table *t, struct sim_volume *v, uint64_t size_bytes)
{
	if (v->pool < CONFIG_MAX_POOLS && !*v->snapshot_of)
		t->used_bytes[v->pool] += size_bytes - v->size_bytes;
	v->size_bytes = size_bytes;
}

void sim_volume_remove(struct sim_table *t, struct sim_volume *v)
{
	uint32_t i = (uint32_t)(v - t->f->volumes);

	sim_volume_resize(t, v, 0);
	strmap_del(&t->volumes, v->uuid);
	v->used = false;
	if (i < t->unused_volume)
		t->unused_volume = i;
}

void sim_relation_remove(struct sim_table *t, struct sim_relation *r)
{
	uint32_t i = (uint32_t)(r - t->f->relations);

	strmap_del(&t->relations, r->target);
	r->used = false;
	if (i < t->unused_relation)
		t->unused_relation = i;
}

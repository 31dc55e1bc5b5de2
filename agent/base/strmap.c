// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * strmap.c - open addressing with linear probing and backward shift on removal. Owned by its
 * holder; not locked.
 */
#include "base/strmap.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/alloc.h"

static uint32_t seed(void)
{
	static uint32_t s;

	if (!s) {
		if (getrandom(&s, sizeof(s), GRND_NONBLOCK) != sizeof(s))
			s = 0x9e3779b9u ^ (uint32_t)(uintptr_t)&s;
		s |= 1;
	}
	return s;
}

/* Eight bytes at a time: FNV's step, and what it has moved up comes down again. */
static uint32_t hash_key(const struct strmap *m, const char *key)
{
	/* letters of both cases are alike by that bit; what else is, is told apart by same() */
	const uint64_t lower = m->nocase ? 0x2020202020202020u : 0;
	uint64_t h = 0xcbf29ce484222325u ^ seed(), w;

	for (size_t len = strlen(key); len; key += sizeof(w), len -= sizeof(w)) {
		w = 0;
		memcpy(&w, key, len < sizeof(w) ? len : sizeof(w));
		h = (h ^ (w | lower)) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
		if (len < sizeof(w))
			break;
	}
	/* the last bytes, too, must say which slot it is */
	return (uint32_t)((h * 0x9e3779b97f4a7c15u) >> 32);
}

static bool same(const struct strmap *m, const char *a, const char *b)
{
	return (m->nocase ? strcasecmp(a, b) : strcmp(a, b)) == 0;
}

/* The slot of key, or the empty one where it would go. cap > n always. */
static struct strmap_slot *find(const struct strmap *m, const char *key, uint32_t hash)
{
	size_t i = hash & (m->cap - 1);

	while (m->slots[i].key && (m->slots[i].hash != hash || !same(m, m->slots[i].key, key)))
		i = (i + 1) & (m->cap - 1);
	return &m->slots[i];
}

static void grow(struct strmap *m)
{
	struct strmap_slot *old = m->slots;
	size_t old_cap = m->cap;

	m->cap = old_cap ? old_cap * 2 : 16;
	m->slots = xcalloc(m->cap, sizeof(*m->slots));
	for (size_t i = 0; i < old_cap; i++)
		if (old[i].key)
			*find(m, old[i].key, old[i].hash) = old[i];
	free(old);
}

void strmap_done(struct strmap *m)
{
	for (size_t i = 0; i < m->cap; i++)
		free(m->slots[i].key);
	free(m->slots);
	m->slots = NULL;
	m->cap = m->n = 0;
}

void *strmap_get(const struct strmap *m, const char *key)
{
	return m->n ? find(m, key, hash_key(m, key))->value : NULL;
}

void *strmap_set(struct strmap *m, const char *key, void *value)
{
	uint32_t hash = hash_key(m, key);
	struct strmap_slot *s;
	void *old;

	if ((m->n + 1) * 4 > m->cap * 3)
		grow(m);
	s = find(m, key, hash);
	old = s->value;
	if (!s->key) {
		s->key = xstrdup(key);
		s->hash = hash;
		m->n++;
	}
	s->value = value;
	return old;
}

void *strmap_del(struct strmap *m, const char *key)
{
	struct strmap_slot *s;
	size_t hole, i;
	void *old;

	if (!m->n)
		return NULL;
	s = find(m, key, hash_key(m, key));
	if (!s->key)
		return NULL;
	old = s->value;
	free(s->key);
	hole = i = (size_t)(s - m->slots);
	for (;;) {
		size_t home;

		i = (i + 1) & (m->cap - 1);
		if (!m->slots[i].key)
			break;
		home = m->slots[i].hash & (m->cap - 1);
		/* stays when its home lies in (hole, i] */
		if (((i - home) & (m->cap - 1)) < ((i - hole) & (m->cap - 1)))
			continue;
		m->slots[hole] = m->slots[i];
		hole = i;
	}
	memset(&m->slots[hole], 0, sizeof(m->slots[hole]));
	m->n--;
	return old;
}

static struct strmap_slot *from(const struct strmap *m, size_t i)
{
	for (; i < m->cap; i++)
		if (m->slots[i].key)
			return &m->slots[i];
	return NULL;
}

struct strmap_slot *strmap_first(const struct strmap *m)
{
	return from(m, 0);
}

struct strmap_slot *strmap_next(const struct strmap *m, const struct strmap_slot *s)
{
	return from(m, (size_t)(s - m->slots) + 1);
}

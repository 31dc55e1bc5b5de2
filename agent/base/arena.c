// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * arena.c - bump allocation in chunks of growing size. Owned by whoever owns the struct arena;
 * not locked.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define CHUNK_MIN_BYTES ((size_t)8 * 1024)
#define CHUNK_MAX_BYTES ((size_t)256 * 1024)

struct arena_chunk {
	struct arena_chunk *next;
	size_t cap, used;
	alignas(max_align_t) unsigned char data[];
};

static struct arena_chunk *chunk_new(struct arena *a, size_t need)
{
	size_t cap = a->head ? a->head->cap * 2 : CHUNK_MIN_BYTES;
	struct arena_chunk *c;

	if (cap > CHUNK_MAX_BYTES)
		cap = CHUNK_MAX_BYTES;
	if (cap < need)
		cap = need;
	c = xmalloc(sizeof(*c) + cap);
	c->cap = cap;
	c->used = 0;
	c->next = a->head;
	a->head = c;
	a->total_bytes += cap;
	return c;
}

void *arena_raw(struct arena *a, size_t len_bytes)
{
	const size_t align = alignof(max_align_t);
	struct arena_chunk *c = a->head;
	size_t len;
	void *p;

	if (len_bytes > SIZE_MAX / 2)
		abort();
	len = (len_bytes + align - 1) & ~(align - 1);
	if (!c || c->cap - c->used < len)
		c = chunk_new(a, len);
	p = c->data + c->used;
	c->used += len;
	return p;
}

void *arena_alloc(struct arena *a, size_t len_bytes)
{
	return memset(arena_raw(a, len_bytes), 0, len_bytes);
}

void *arena_array(struct arena *a, size_t nr, size_t len_bytes)
{
	size_t total;

	if (__builtin_mul_overflow(nr, len_bytes, &total))
		abort();
	return arena_alloc(a, total);
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *p = arena_raw(a, len + 1);

	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	char *p;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len < 0)
		abort();
	if ((size_t)len < sizeof(text))
		return arena_strndup(a, text, (size_t)len);
	p = arena_raw(a, (size_t)len + 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)len + 1, fmt, ap);
	va_end(ap);
	return p;
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *c = a->head;

	if (!c)
		return;
	while (c->next) {
		struct arena_chunk *old = c->next;

		c->next = old->next;
		free(old);
	}
	c->used = 0;
	a->total_bytes = c->cap;
}

void arena_done(struct arena *a)
{
	arena_reset(a);
	free(a->head);
	a->head = NULL;
	a->total_bytes = 0;
}

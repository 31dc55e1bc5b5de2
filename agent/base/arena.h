// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * arena.h - memory that is freed all at once: everything of one CIM request.
 *
 * Not shared between threads. Memory is zeroed and aligned for any type.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *head; /* chunk being filled; older ones behind it */
	size_t total_bytes;
};

#define ARENA_INIT      \
	{               \
		NULL, 0 \
	}

void *arena_alloc(struct arena *a, size_t len_bytes) __attribute__((returns_nonnull));
/* The same, not zeroed. */
void *arena_raw(struct arena *a, size_t len_bytes) __attribute__((returns_nonnull));
/* Aborts when nr * len_bytes overflows. */
void *arena_array(struct arena *a, size_t nr, size_t len_bytes) __attribute__((returns_nonnull));
char *arena_strndup(struct arena *a, const char *s, size_t len);
/* NULL gives NULL. */
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Frees everything but one chunk, which the next allocations use again. */
void arena_reset(struct arena *a);
void arena_done(struct arena *a);

#endif

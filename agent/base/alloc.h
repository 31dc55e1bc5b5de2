// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * alloc.h - memory that is there or the process is not.
 *
 * A daemon that cannot get a few kilobytes can do nothing useful: it aborts, systemd starts it
 * again and every accepted request is found in the database. So nobody tests for NULL. What a
 * peer can make us allocate is capped where it enters (http, cimxml), not here.
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>

void *xmalloc(size_t len_bytes) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t nr, size_t len_bytes) __attribute__((malloc, returns_nonnull));
/* Aborts also when nr * len_bytes overflows. */
void *xreallocarray(void *p, size_t nr, size_t len_bytes) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull, nonnull));
char *xstrndup(const char *s, size_t len_bytes) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...) __attribute__((malloc, format(printf, 1, 2)));
/* Overwrites before freeing; for passwords. NULL is fine. */
void free_secret(char *s);

#define new0(type)   ((type *)xcalloc(1, sizeof(type)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif

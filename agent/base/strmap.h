// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * strmap.h - strings to pointers, open addressing.
 *
 * Keys are copied. Values belong to the caller. With STRMAP_NOCASE ASCII case of keys is ignored
 * (CIM names). Hashes are seeded per process, so peers cannot choose colliding keys.
 */
#ifndef BASE_STRMAP_H
#define BASE_STRMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strmap_slot {
	char *key; /* NULL: empty */
	uint32_t hash;
	void *value;
};

struct strmap {
	struct strmap_slot *slots;
	size_t cap, n;
	bool nocase;
};

#define STRMAP_INIT               \
	{                         \
		NULL, 0, 0, false \
	}
#define STRMAP_NOCASE_INIT       \
	{                        \
		NULL, 0, 0, true \
	}

/* Frees slots and keys, not the values. */
void strmap_done(struct strmap *m);
/* NULL when there is none. */
void *strmap_get(const struct strmap *m, const char *key);
/* Stores value (not NULL) under key, gives back the value that was there or NULL. */
void *strmap_set(struct strmap *m, const char *key, void *value);
/* Removes the key, gives back its value or NULL. */
void *strmap_del(struct strmap *m, const char *key);

/* for (struct strmap_slot *s = strmap_first(m); s; s = strmap_next(m, s)); order undefined,
 * the map must not change meanwhile.
 */
struct strmap_slot *strmap_first(const struct strmap *m);
struct strmap_slot *strmap_next(const struct strmap *m, const struct strmap_slot *s);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vec.h - a typed growable array.
 *
 *	VEC(struct pair) pairs = VEC_INIT;
 *	vec_push(&pairs, p);
 *	for (size_t i = 0; i < pairs.n; i++)
 *		use(pairs.v[i]);
 *	vec_done(&pairs);
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define VEC(type)              \
	struct {               \
		type *v;       \
		size_t n, cap; \
	}

#define VEC_INIT           \
	{                  \
		NULL, 0, 0 \
	}

#define vec_push(vec, item)                                                                \
	do {                                                                               \
		if ((vec)->n == (vec)->cap) {                                              \
			(vec)->cap = (vec)->cap ? (vec)->cap * 2 : 8;                      \
			(vec)->v = xreallocarray((vec)->v, (vec)->cap, sizeof(*(vec)->v)); \
		}                                                                          \
		(vec)->v[(vec)->n++] = (item);                                             \
	} while (0)

/* Removes element i, order kept. */
#define vec_remove(vec, i)                                            \
	do {                                                          \
		size_t vec_i_ = (i);                                  \
		memmove(&(vec)->v[vec_i_], &(vec)->v[vec_i_ + 1],     \
			((vec)->n - vec_i_ - 1) * sizeof(*(vec)->v)); \
		(vec)->n--;                                           \
	} while (0)

#define vec_done(vec)                      \
	do {                               \
		free((vec)->v);            \
		(vec)->v = NULL;           \
		(vec)->n = (vec)->cap = 0; \
	} while (0)

#endif

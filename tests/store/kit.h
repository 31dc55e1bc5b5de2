/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kit.h - what the tests of rpl-check share: stores with known objects, a check of one.
 */
#ifndef TEST_STORE_KIT_H
#define TEST_STORE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../../cli/rpl-check/check.h"
#include "image.h"

#define BYTES	  (16ULL << 20)
#define VOLUMES	  16 /* four pages of the object table */
#define SUSPENDED 101
#define COMPLETE  102
#define COPYING	  103

extern const u8 clone_uuid[3][RPL_UUID_LEN]; /* of those three */
extern const u8 group_uuid[RPL_UUID_LEN];

struct rpl_record a_volume(u32 id);
struct rpl_record a_group(const u8 *uuid);
/*
 * In use: record 2 is a suspended clone of one bitmap page, 3 a complete one, 15, the first on the
 * second page of the table, one that copies, of three pages.
 */
void store_used(struct store *s);
/* The same, closed cleanly. */
void store_closed(struct store *s);

/* Check it; the caller frees what he gets with check_free(). */
struct check look(struct store *s);
void show(struct check *ck);
/* A member of an object, which must be there. */
struct json_object *member(struct json_object *o, const char *key);

#endif

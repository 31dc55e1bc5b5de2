/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * map-kit.h - kmod/map.c as the kernel compiles it, with its pages; a map that can grow by two
 * parts. For the tests of the map.
 */
#ifndef MAP_KIT_H
#define MAP_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "../../kmod/map.c"
#include "rng.h"

#define LOCS	  1000 /* of the store, when it has grown as far as it does */
#define PAGES	  5 /* of the first part */
#define PAGES_MAX 10 /* of all parts */

/* ---- the map with its pages ---- */

struct pages {
	struct rpl_map m;
	void *pages[PAGES_MAX];
	u8 blocks[PAGES_MAX][RPL_BLOCK_BYTES];
	unsigned long dirty[1];
};

static void pages_init(struct pages *p)
{
	memset(p, 0, sizeof(*p));
	p->m = (struct rpl_map) { .nr_pages = PAGES, .pages = p->pages, .dirty = p->dirty };
}

/* One part more, of two pages, then of three. False: it has grown enough. */
static bool pages_grow(struct pages *p)
{
	if (p->m.nr_added == 2)
		return false;
	p->m.added[p->m.nr_added++] = p->m.nr_pages;
	p->m.nr_pages += 1 + p->m.nr_added;
	return true;
}

static int file(struct pages *p, struct rpl_map_entry *e)
{
	u32 missing;
	int r;

	while ((r = rpl_map_insert(&p->m, e, &missing)) == -EAGAIN) {
		assert_true(missing < p->m.nr_pages && !p->pages[missing]);
		p->pages[missing] = p->blocks[missing];
	}
	return r;
}

/* What a load does between its pages and its journal. */
static void mend(struct pages *p)
{
	u32 i, missing;

	for (i = 0; i < p->m.nr_pages; i++) {
		while (rpl_map_mend(&p->m, i, &missing)) {
			assert_true(missing < p->m.nr_pages && !p->pages[missing]);
			p->pages[missing] = p->blocks[missing];
		}
	}
}

#endif /* MAP_KIT_H */

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * journal.c - the journal of a store that was not closed: where it ends, and whether that is an end
 * or a damage, by the rules of replay (kmod/journal-format.c). What its facts change in the clones
 * is the module's to do; a store in use goes on writing while it is read, so that of one nothing is
 * said.
 */
#include "check.h"

#include <json-c/json.h>

#include "../../kmod/journal-format.h"

struct ring {
	u32 blocks; /* in all */
	u64 counting, facts;
	bool lost;
};

static bool has_news(const struct check *ck)
{
	return store_has_sums(ck) && store_goes_on(ck) && !store_clean(ck) && !ck->image.holder;
}

/* do_fact: what to do with each, or NULL. */
static void ring_read(struct check *ck, struct ring *r,
		      void (*do_fact)(struct check *ck, const struct rpl_fact *f))
{
	struct rpl_replay replay;
	u64 i;

	memset(r, 0, sizeof(*r));
	r->blocks = rpl_journal_blocks(&ck->sb);
	rpl_replay_begin(&replay, &ck->sb);
	for (i = 0; has_news(ck) && i < r->blocks; i++) {
		u8 block[RPL_BLOCK_BYTES];
		struct rpl_jblock head;
		u64 at = rpl_journal_offset(&ck->sb, ck->sb.journal_tail + i);
		bool bad = image_read(&ck->image, at, block);
		struct rpl_fact fact;
		u32 k;

		if (rpl_replay_block(&replay, bad ? NULL : block, &head) != RPL_REPLAY_APPLY)
			continue;
		r->counting++;
		r->facts += head.nr;
		for (k = 0; k < head.nr && !replay.lost; k++) {
			replay.lost = rpl_jblock_fact(block, k, &fact);
			if (!replay.lost && do_fact)
				do_fact(ck, &fact);
		}
	}
	r->lost = replay.lost;
}

void journal_facts(struct check *ck, void (*fact)(struct check *ck, const struct rpl_fact *f))
{
	struct ring r;

	ring_read(ck, &r, fact);
}

static void check_journal(struct check *ck)
{
	struct place place = NOWHERE;
	struct ring r;

	ring_read(ck, &r, NULL);
	place.area = "journal";
	if (r.lost)
		found(ck, FOUND_JOURNAL_DAMAGED, &place, NULL,
		      "the journal breaks off after %llu blocks, and there was more",
		      (unsigned long long)r.counting);
}

static void dump_journal(struct check *ck, struct json_object *root)
{
	struct json_object *o = json_object_new_object();
	struct ring r;

	ring_read(ck, &r, NULL);
	tree_u64(o, "blocks", r.blocks);
	tree_u64(o, "tail", ck->sb.journal_tail);
	tree_u64(o, "blocks_that_count", r.counting);
	tree_u64(o, "facts", r.facts);
	json_object_object_add(root, "journal", o);
}

const struct section section_journal = {
	.name = "journal",
	.check = check_journal,
	.dump = dump_journal,
};

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz-journal.c - the journal's blocks and the replay of a ring, kmod/journal-format.c as the kernel
 * compiles it. The input is what differs from a valid ring: a byte of flags, then four bytes
 * each: block, place (two) and value. Facts that are accepted can be written again; replay takes
 * blocks in order and never one behind the end.
 */
#include "../../kmod/format.c"
#include "../../kmod/layout.c"
#include "../../kmod/map.c"
#include "../../kmod/journal-format.c"
#include "fuzz.h"

#define RING 4U

static struct rpl_sb store;
static u8 valid[RING][RPL_BLOCK_BYTES];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct rpl_why why;

	(void)argc, (void)argv;
	must(!rpl_sb_plan(&store, 1ULL << 30, 128, 64, &why), "no store can be planned");
	store.incarnation = 77;
	store.journal_tail = 1;
	for (u32 b = 0; b < RING; b++) {
		const struct rpl_fact facts[] = {
			{ RPL_FACT_COPIED, 1, 5, 10 * b, 4, 0 },
			{ RPL_FACT_FAILED, 2, 5, 0, 5, 0 },
			{ RPL_FACT_PRESERVED, 3, 9, b, 3, 1 + b },
			{ RPL_FACT_LOST, 3, 9, 0, 28, 0 },
		};

		rpl_jblock_begin(valid[b]);
		for (u32 i = 0; i < ARRAY_SIZE(facts); i++)
			must(rpl_jblock_add(valid[b], &facts[i]), "a block takes no fact");
		rpl_jblock_seal(valid[b], &store, store.incarnation, 1 + b, 1 + (b & ~3U));
	}
	return 0;
}

static void facts_of(const u8 *block, const struct rpl_jblock *head)
{
	u8 again[RPL_BLOCK_BYTES];

	must(head->nr <= RPL_FACTS_PER_BLOCK, "more facts than there is room for");
	rpl_jblock_begin(again);
	for (u32 i = 0; i < head->nr; i++) {
		struct rpl_fact f;

		if (rpl_jblock_fact(block, i, &f))
			continue;
		must(f.nr && f.clone_id && f.clone_id <= RPL_ID_MAX, "an impossible fact");
		must(f.kind == RPL_FACT_FAILED || f.kind == RPL_FACT_LOST ||
			     f.first + f.nr > f.first,
		     "a fact that overflows");
		must(rpl_jblock_add(again, &f), "facts of one block do not fit into one");
	}
}

static void patch(u8 ring[RING][RPL_BLOCK_BYTES], const uint8_t *data, size_t len)
{
	unsigned int changed = 0;

	for (size_t i = 1; i + 4 <= len; i += 4) {
		ring[data[i] % RING][(data[i + 1] | data[i + 2] << 8) % RPL_BLOCK_BYTES] =
			data[i + 3];
		changed |= 1U << data[i] % RING;
	}
	for (u32 b = 0; !(data[0] & 1) && b < RING; b++) {
		__le32 crc;

		if (!(changed & 1U << b))
			continue;
		crc = cpu_to_le32(jblock_crc(ring[b]));
		memcpy(ring[b], &crc, sizeof(crc));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static u8 ring[RING][RPL_BLOCK_BYTES];
	u64 next = store.journal_tail;
	struct rpl_replay replay;
	struct rpl_jblock head;
	bool ended = false;

	if (!len)
		return 0;
	memcpy(ring, valid, sizeof(ring));
	patch(ring, data, len);
	rpl_replay_begin(&replay, &store);
	for (u32 b = 0; b < RING; b++) {
		bool lost = (data[0] >> 1) == b + 1;

		switch (rpl_replay_block(&replay, lost ? NULL : ring[b], &head)) {
		case RPL_REPLAY_APPLY:
			must(!ended && !lost, "a block behind the end counts");
			must(head.seq == next++, "blocks out of order");
			facts_of(ring[b], &head);
			break;
		case RPL_REPLAY_SKIP:
		case RPL_REPLAY_LOST:
			ended = true;
			break;
		}
	}
	return 0;
}

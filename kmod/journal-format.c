// SPDX-License-Identifier: GPL-2.0-only
/*
 * The journal on disk, see journal-format.h. Pure code: the kernel and the tests in user space
 * compile this same file. Whatever stands in a block, decoding it neither crashes nor yields values
 * outside of what the rest of the module counts on.
 */
#include "journal-format.h"

struct jblock_head {
	__le32 crc; /* crc32c of everything behind it */
	__le32 magic;
	u8 uuid[RPL_UUID_LEN];
	__le64 incarnation;
	__le64 seq;
	__le64 durable;
	__le32 nr;
	u8 reserved[12];
} __packed;

struct fact_disk {
	u8 kind;
	u8 reserved;
	__le16 clone_id;
	__le32 nr;
	__le64 point;
	__le64 first;
} __packed;

struct jblock_disk {
	struct jblock_head head;
	struct fact_disk fact[RPL_FACTS_PER_BLOCK];
} __packed;

static_assert(sizeof(struct jblock_head) == 64);
static_assert(sizeof(struct jblock_disk) == RPL_BLOCK_BYTES);
static_assert(RPL_ID_MAX <= U16_MAX);

/* ---- blocks ---- */

void rpl_jblock_begin(void *block)
{
	memset(block, 0, RPL_BLOCK_BYTES);
}

static bool names_chunks(u32 kind)
{
	return kind == RPL_FACT_PRESERVED || kind == RPL_FACT_OWN;
}

/* A tag and a chunk of the store have 32 bits each. */
static u64 point_encode(const struct rpl_fact *f)
{
	return names_chunks(f->kind) ? (u64)f->loc << 32 | (u32)f->point : f->point;
}

/* Where the chunk behind the last one of the fact would have to be. */
static u64 point_next(const struct fact_disk *d)
{
	u64 point = le64_to_cpu(d->point);

	if (!names_chunks(d->kind) || point >> 32 == RPL_LOC_BAD)
		return point;
	return point + ((u64)le32_to_cpu(d->nr) << 32);
}

/* Does the fact go on where the last one of the block ends? */
static bool extend(struct fact_disk *last, const struct rpl_fact *f)
{
	u64 nr = (u64)le32_to_cpu(last->nr) + f->nr;

	if ((f->kind != RPL_FACT_COPIED && !names_chunks(f->kind)) || last->kind != f->kind ||
	    le16_to_cpu(last->clone_id) != f->clone_id || point_next(last) != point_encode(f) ||
	    le64_to_cpu(last->first) + le32_to_cpu(last->nr) != f->first || nr > U32_MAX)
		return false;
	last->nr = cpu_to_le32((u32)nr);
	return true;
}

bool rpl_jblock_add(void *block, const struct rpl_fact *f)
{
	struct jblock_disk *d = block;
	u32 nr = le32_to_cpu(d->head.nr);
	struct fact_disk *to;

	if (nr && extend(&d->fact[nr - 1], f))
		return true;
	if (nr == RPL_FACTS_PER_BLOCK)
		return false;
	to = &d->fact[nr];
	to->kind = f->kind;
	to->clone_id = cpu_to_le16(f->clone_id);
	to->nr = cpu_to_le32(f->nr);
	to->point = cpu_to_le64(point_encode(f));
	to->first = cpu_to_le64(f->first);
	d->head.nr = cpu_to_le32(nr + 1);
	return true;
}

static u32 jblock_crc(const void *block)
{
	const u8 *bytes = block;

	return ~rpl_crc32c(~0U, bytes + sizeof(__le32), RPL_BLOCK_BYTES - sizeof(__le32));
}

void rpl_jblock_seal(void *block, const struct rpl_sb *sb, u64 incarnation, u64 seq, u64 durable)
{
	struct jblock_head *h = &((struct jblock_disk *)block)->head;

	h->magic = cpu_to_le32(RPL_JBLOCK_MAGIC);
	memcpy(h->uuid, sb->uuid, sizeof(h->uuid));
	h->incarnation = cpu_to_le64(incarnation);
	h->seq = cpu_to_le64(seq);
	h->durable = cpu_to_le64(durable);
	h->crc = cpu_to_le32(jblock_crc(block));
}

int rpl_jblock_check(const void *block, const struct rpl_sb *sb, struct rpl_jblock *head)
{
	const struct jblock_head *h = block;

	memset(head, 0, sizeof(*head));
	if (le32_to_cpu(h->magic) != RPL_JBLOCK_MAGIC)
		return h->magic || h->crc ? -EILSEQ : -ENODATA;
	if (le32_to_cpu(h->crc) != jblock_crc(block) ||
	    memcmp(h->uuid, sb->uuid, sizeof(h->uuid)) ||
	    le32_to_cpu(h->nr) > RPL_FACTS_PER_BLOCK ||
	    le64_to_cpu(h->durable) > le64_to_cpu(h->seq))
		return -EILSEQ;
	head->incarnation = le64_to_cpu(h->incarnation);
	head->seq = le64_to_cpu(h->seq);
	head->durable = le64_to_cpu(h->durable);
	head->nr = le32_to_cpu(h->nr);
	return 0;
}

static bool chunks_sane(const struct rpl_fact *f)
{
	return f->point && f->point <= RPL_TAG_MAX && f->loc &&
	       f->first <= RPL_VOLUME_SECTORS_MAX - f->nr &&
	       (f->loc == RPL_LOC_BAD ? f->kind == RPL_FACT_PRESERVED
				      : f->nr < RPL_LOC_BAD - f->loc);
}

int rpl_jblock_fact(const void *block, u32 i, struct rpl_fact *f)
{
	const struct fact_disk *d = &((const struct jblock_disk *)block)->fact[i];

	f->kind = d->kind;
	f->clone_id = le16_to_cpu(d->clone_id);
	f->point = le64_to_cpu(d->point);
	f->first = le64_to_cpu(d->first);
	f->nr = le32_to_cpu(d->nr);
	f->loc = RPL_LOC_NONE;
	if (names_chunks(f->kind)) {
		f->loc = (u32)(f->point >> 32);
		f->point = (u32)f->point;
	}
	if (!f->clone_id || f->clone_id > RPL_ID_MAX || !f->nr)
		return -EILSEQ;
	switch (f->kind) {
	case RPL_FACT_COPIED:
		return f->first > RPL_VOLUME_SECTORS_MAX ? -EILSEQ : 0;
	case RPL_FACT_FAILED:
		return f->nr > RPL_ERRNO_MAX ? -EILSEQ : 0;
	case RPL_FACT_LOST:
		return f->nr > RPL_ERRNO_MAX || f->first >= f->point ? -EILSEQ : 0;
	case RPL_FACT_PRESERVED:
	case RPL_FACT_OWN:
		return chunks_sane(f) ? 0 : -EILSEQ;
	default:
		return -EILSEQ;
	}
}

/* ---- the ring ---- */

u32 rpl_journal_blocks(const struct rpl_sb *sb)
{
	const struct rpl_area *area = rpl_sb_area(sb, RPL_AREA_JOURNAL);
	u64 blocks = area ? area->length_bytes / RPL_BLOCK_BYTES : 0;

	return blocks < RPL_JOURNAL_BLOCKS_MIN ? 0 : (u32)min_t(u64, blocks, U32_MAX);
}

u64 rpl_journal_offset(const struct rpl_sb *sb, u64 seq)
{
	const struct rpl_area *area = rpl_sb_area(sb, RPL_AREA_JOURNAL);
	u64 blocks = rpl_journal_blocks(sb);

	return area->offset_bytes + (seq - div64_u64(seq, blocks) * blocks) * RPL_BLOCK_BYTES;
}

/* ---- replay ---- */

void rpl_replay_begin(struct rpl_replay *r, const struct rpl_sb *sb)
{
	memset(r, 0, sizeof(*r));
	r->sb = sb;
	r->next = sb->journal_tail;
}

enum rpl_replay_verdict rpl_replay_block(struct rpl_replay *r, const void *block,
					 struct rpl_jblock *head)
{
	bool ours = block && !rpl_jblock_check(block, r->sb, head) &&
		    head->incarnation == r->sb->incarnation;

	if (r->lost)
		return RPL_REPLAY_LOST;
	if (!r->ended && ours && head->seq == r->next) {
		r->next++;
		return RPL_REPLAY_APPLY;
	}
	/* the first one that is not the next: unreadable, it may be the next nevertheless */
	r->lost = (!r->ended && !block) || (ours && head->durable > r->next);
	r->ended = true;
	return r->lost ? RPL_REPLAY_LOST : RPL_REPLAY_SKIP;
}

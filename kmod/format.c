// SPDX-License-Identifier: GPL-2.0-only
/*
 * The format of a store on disk, see format.h. Pure code: the kernel and the tests in user space
 * compile this same file.
 *
 * Whatever stands in a block, decoding it neither crashes nor yields values outside of what the
 * rest of the module counts on: every range is checked here and nowhere else.
 */
#include "format.h"
#include "map.h"

struct sb_area_disk {
	__le32 kind;
	__le32 flags;
	__le64 offset_bytes;
	__le64 length_bytes;
} __packed;

struct sb_disk {
	__le32 crc; /* crc32c of everything behind it */
	__le32 copy;
	u8 magic[8];
	u8 uuid[RPL_UUID_LEN];
	__le64 generation;
	__le64 compat;
	__le64 ro_compat;
	__le64 incompat;
	__le32 flags;
	__le32 block_bytes;
	__le32 chunk_sectors;
	__le32 max_volumes;
	__le64 dev_bytes;
	__le64 epoch;
	__le64 format_time_s;
	__le64 write_time_s;
	__le64 incarnation;
	__le64 journal_tail;
	__le64 table_sum;
	__le64 bitmap_sum;
	__le64 map_sum;
	__le32 max_snapshots;
	u8 reserved[100];
	struct sb_area_disk area[RPL_AREAS];
	u8 zero[RPL_BLOCK_BYTES - 256 - RPL_AREAS * sizeof(struct sb_area_disk)];
} __packed;

struct page_head {
	__le32 crc; /* crc32c of the rest of the page */
	__le32 magic;
	__le32 kind;
	__le32 index;
	__le64 generation;
	u8 uuid[RPL_UUID_LEN];
	__le32 owner;
	u8 reserved[20];
} __packed;

struct volume_disk {
	__le64 nr_sectors;
} __packed;

struct group_disk {
	u8 uuid[RPL_UUID_LEN];
	__le64 epoch;
	__le64 time_ns;
	__le64 publish_ns;
	__le64 drain_ns;
	__le64 held_max_ns;
	__le64 held_writes;
} __packed;

struct clone_disk {
	__le32 volume_id;
	__le32 state;
	__le32 prior_state;
	__le32 error;
	u8 uuid[RPL_UUID_LEN];
	u8 group_uuid[RPL_UUID_LEN];
	__le64 nr_sectors;
	__le64 bad_bytes;
	__le64 min_bytes_s;
	__le64 max_bytes_s;
	__le32 bitmap_page;
	__le32 bitmap_pages;
	__le64 bitmap_generation;
	char reason[RPL_RECORD_REASON];
} __packed;

#define SNAPSHOT_READ_ONLY 0x1U

struct snapshot_disk {
	__le32 volume_id;
	__le32 state;
	__le32 error;
	__le32 flags;
	u8 uuid[RPL_UUID_LEN];
	u8 group_uuid[RPL_UUID_LEN];
	__le64 nr_sectors;
	char reason[RPL_RECORD_REASON];
} __packed;

struct record_disk {
	__le32 kind;
	__le32 id;
	u8 reserved[8];
	union {
		struct volume_disk volume;
		struct group_disk group;
		struct clone_disk clone;
		struct snapshot_disk snapshot;
		u8 bytes[RPL_RECORD_BYTES - 16];
	};
} __packed;

struct object_page {
	struct page_head head;
	u8 reserved[RPL_RECORD_BYTES - sizeof(struct page_head)];
	struct record_disk record[RPL_RECORDS_PER_PAGE];
} __packed;

struct bitmap_page {
	struct page_head head;
	u8 bits[RPL_BITS_PER_PAGE / 8];
} __packed;

static_assert(sizeof(struct sb_disk) == RPL_BLOCK_BYTES);
static_assert(sizeof(struct page_head) == 64);
static_assert(sizeof(struct record_disk) == RPL_RECORD_BYTES);
static_assert(sizeof(struct object_page) == RPL_BLOCK_BYTES);
static_assert(sizeof(struct bitmap_page) == RPL_BLOCK_BYTES);

/* The checksum field stands first, so that it covers all that follows. */
static u32 block_crc(const void *block)
{
	const u8 *bytes = block;

	return ~rpl_crc32c(~0U, bytes + sizeof(__le32), RPL_BLOCK_BYTES - sizeof(__le32));
}

static bool block_is_zero(const void *block)
{
	const u8 *bytes = block;
	unsigned int i;

	for (i = 0; i < RPL_BLOCK_BYTES; i++)
		if (bytes[i])
			return false;
	return true;
}

static char copy_name(unsigned int copy)
{
	return 'A' + copy;
}

/* ---- superblock ---- */

void rpl_sb_encode(void *block, const struct rpl_sb *sb, unsigned int copy)
{
	struct sb_disk *d = block;
	unsigned int i;

	memset(d, 0, sizeof(*d));
	memcpy(d->magic, RPL_SB_MAGIC, sizeof(d->magic));
	memcpy(d->uuid, sb->uuid, sizeof(d->uuid));
	d->copy = cpu_to_le32(copy);
	d->generation = cpu_to_le64(sb->generation);
	d->compat = cpu_to_le64(sb->compat);
	d->ro_compat = cpu_to_le64(sb->ro_compat);
	d->incompat = cpu_to_le64(sb->incompat);
	d->flags = cpu_to_le32(sb->flags);
	d->block_bytes = cpu_to_le32(RPL_BLOCK_BYTES);
	d->chunk_sectors = cpu_to_le32(sb->chunk_sectors);
	d->max_volumes = cpu_to_le32(sb->max_volumes);
	d->dev_bytes = cpu_to_le64(sb->dev_bytes);
	d->epoch = cpu_to_le64(sb->epoch);
	d->format_time_s = cpu_to_le64(sb->format_time_s);
	d->write_time_s = cpu_to_le64(sb->write_time_s);
	d->incarnation = cpu_to_le64(sb->incarnation);
	d->journal_tail = cpu_to_le64(sb->journal_tail);
	d->table_sum = cpu_to_le64(sb->table_sum);
	d->bitmap_sum = cpu_to_le64(sb->bitmap_sum);
	d->map_sum = cpu_to_le64(sb->map_sum);
	d->max_snapshots = cpu_to_le32(sb->max_snapshots);
	for (i = 0; i < RPL_AREAS; i++) {
		d->area[i].kind = cpu_to_le32(sb->area[i].kind);
		d->area[i].flags = cpu_to_le32(sb->area[i].flags);
		d->area[i].offset_bytes = cpu_to_le64(sb->area[i].offset_bytes);
		d->area[i].length_bytes = cpu_to_le64(sb->area[i].length_bytes);
	}
	d->crc = cpu_to_le32(block_crc(d));
}

static void sb_read(const struct sb_disk *d, struct rpl_sb *sb)
{
	unsigned int i;

	memcpy(sb->uuid, d->uuid, sizeof(sb->uuid));
	sb->generation = le64_to_cpu(d->generation);
	sb->compat = le64_to_cpu(d->compat);
	sb->ro_compat = le64_to_cpu(d->ro_compat);
	sb->incompat = le64_to_cpu(d->incompat);
	sb->flags = le32_to_cpu(d->flags);
	sb->chunk_sectors = le32_to_cpu(d->chunk_sectors);
	sb->max_volumes = le32_to_cpu(d->max_volumes);
	sb->dev_bytes = le64_to_cpu(d->dev_bytes);
	sb->epoch = le64_to_cpu(d->epoch);
	sb->format_time_s = le64_to_cpu(d->format_time_s);
	sb->write_time_s = le64_to_cpu(d->write_time_s);
	sb->incarnation = le64_to_cpu(d->incarnation);
	sb->journal_tail = le64_to_cpu(d->journal_tail);
	sb->table_sum = le64_to_cpu(d->table_sum);
	sb->bitmap_sum = le64_to_cpu(d->bitmap_sum);
	sb->map_sum = le64_to_cpu(d->map_sum);
	sb->max_snapshots = le32_to_cpu(d->max_snapshots);
	for (i = 0; i < RPL_AREAS; i++) {
		sb->area[i].kind = le32_to_cpu(d->area[i].kind);
		sb->area[i].flags = le32_to_cpu(d->area[i].flags);
		sb->area[i].offset_bytes = le64_to_cpu(d->area[i].offset_bytes);
		sb->area[i].length_bytes = le64_to_cpu(d->area[i].length_bytes);
	}
}

int rpl_sb_decode(const void *block, unsigned int copy, struct rpl_sb *sb, struct rpl_why *why)
{
	const struct sb_disk *d = block;
	u64 unknown;

	memset(sb, 0, sizeof(*sb));
	if (block_is_zero(block)) {
		rpl_why(why, 0, "superblock %c is blank", copy_name(copy));
		return -ENODATA;
	}
	if (memcmp(d->magic, RPL_SB_MAGIC, sizeof(d->magic))) {
		rpl_why(why, 0, "there is something other than a store where superblock %c belongs",
			copy_name(copy));
		return -EMEDIUMTYPE;
	}
	if (le32_to_cpu(d->crc) != block_crc(d)) {
		rpl_why(why, 0, "superblock %c has a wrong checksum", copy_name(copy));
		return -EILSEQ;
	}
	sb_read(d, sb);
	unknown = (sb->incompat & ~RPL_INCOMPAT_KNOWN) | (sb->ro_compat & ~RPL_RO_COMPAT_KNOWN);
	if (unknown || le32_to_cpu(d->block_bytes) != RPL_BLOCK_BYTES) {
		rpl_why(why, 0,
			"a newer module is needed: unknown incompat 0x%llx, ro_compat 0x%llx",
			(unsigned long long)(sb->incompat & ~RPL_INCOMPAT_KNOWN),
			(unsigned long long)(sb->ro_compat & ~RPL_RO_COMPAT_KNOWN));
		return -EOPNOTSUPP;
	}
	if (le32_to_cpu(d->copy) != copy || !rpl_sb_sane(sb)) {
		rpl_why(why, 0, "superblock %c holds impossible values", copy_name(copy));
		return -EILSEQ;
	}
	return 0;
}

/* One copy; an unreadable one counts as damaged. */
static int sb_try(const void *block, unsigned int copy, struct rpl_sb *sb, struct rpl_why *why)
{
	if (block)
		return rpl_sb_decode(block, copy, sb, why);
	rpl_why(why, 0, "superblock %c cannot be read", copy_name(copy));
	return -EIO;
}

/* None is good. Other people's data and unknown formats are told first, blank means both. */
static int choose_error(int a, int b, const struct rpl_why *why_a, const struct rpl_why *why_b,
			struct rpl_why *why)
{
	static const int order[] = { -EOPNOTSUPP, -EMEDIUMTYPE, -EIO, -EILSEQ };
	unsigned int i;

	if (a == -ENODATA && b == -ENODATA) {
		rpl_why(why, 0, "there is no store on the device");
		return -ENODATA;
	}
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		if (a == order[i] || b == order[i]) {
			*why = a == order[i] ? *why_a : *why_b;
			return order[i];
		}
	}
	return -EILSEQ;
}

int rpl_sb_choose(const void *block_a, const void *block_b, struct rpl_sb *sb, unsigned int *copy,
		  struct rpl_why *why)
{
	struct rpl_sb b;
	struct rpl_why why_a, why_b;
	int err_a = sb_try(block_a, 0, sb, &why_a);
	int err_b = sb_try(block_b, 1, &b, &why_b);

	*copy = 0;
	/* A format that we do not know may rule the store even if the other copy is older. */
	if ((err_a && err_b) || err_a == -EOPNOTSUPP || err_b == -EOPNOTSUPP)
		return choose_error(err_a, err_b, &why_a, &why_b, why);
	if (!err_a && !err_b && memcmp(sb->uuid, b.uuid, sizeof(b.uuid))) {
		rpl_why(why, 0, "superblocks A and B belong to different stores");
		return -EILSEQ;
	}
	if (err_a || (!err_b && b.generation > sb->generation)) {
		*sb = b;
		*copy = 1;
	}
	if (!err_a && !err_b && b.generation == sb->generation)
		sb->flags |= b.flags & RPL_SB_FAILED;
	/*
	 * The lost copy may have been the newer one and have said "open": what the other one says
	 * about a clean close cannot be trusted. The journal can, from its tail on: if its blocks
	 * have been used again since, they say so.
	 */
	if (err_a || err_b)
		sb->flags |= RPL_SB_OPEN |
			     (sb->incompat & RPL_INCOMPAT_JOURNAL ? 0 : RPL_SB_VOLATILE);
	return 0;
}

/* ---- pages ---- */

void rpl_page_seal(void *page, const struct rpl_sb *sb, const struct rpl_page_id *id)
{
	struct page_head *h = page;

	memset(h, 0, sizeof(*h));
	h->magic = cpu_to_le32(RPL_PAGE_MAGIC);
	h->kind = cpu_to_le32(id->kind);
	h->index = cpu_to_le32(id->index);
	h->owner = cpu_to_le32(id->owner);
	h->generation = cpu_to_le64(id->generation);
	memcpy(h->uuid, sb->uuid, sizeof(h->uuid));
	h->crc = cpu_to_le32(block_crc(page));
}

int rpl_page_check(const void *page, const struct rpl_sb *sb, u32 kind, u32 index,
		   struct rpl_page_id *id)
{
	const struct page_head *h = page;

	memset(id, 0, sizeof(*id));
	if (le32_to_cpu(h->magic) != RPL_PAGE_MAGIC)
		return block_is_zero(page) ? -ENODATA : -EILSEQ;
	if (le32_to_cpu(h->crc) != block_crc(page) || memcmp(h->uuid, sb->uuid, sizeof(h->uuid)) ||
	    le32_to_cpu(h->kind) != kind || le32_to_cpu(h->index) != index ||
	    !le64_to_cpu(h->generation) || le64_to_cpu(h->generation) > RPL_GENERATION_MAX)
		return -EILSEQ;
	id->kind = kind;
	id->index = index;
	id->owner = le32_to_cpu(h->owner);
	id->generation = le64_to_cpu(h->generation);
	return 0;
}

int rpl_page_choose(const void *slot_a, const void *slot_b, const struct rpl_sb *sb, u32 kind,
		    u32 index, struct rpl_page_id *id, u64 *seen, bool *stale)
{
	const void *slots[2] = { slot_a, slot_b };
	int best = -EILSEQ;
	int i;

	memset(id, 0, sizeof(*id));
	*stale = false;
	for (i = 0; i < 2; i++) {
		struct rpl_page_id one;

		if (!slots[i] || rpl_page_check(slots[i], sb, kind, index, &one))
			continue;
		*seen = max(*seen, one.generation);
		/* Newer than the superblock: written by a change that never came to be. */
		if (one.generation > sb->generation) {
			*stale = true;
			continue;
		}
		if (best < 0 || one.generation > id->generation) {
			best = i;
			*id = one;
		}
	}
	return best;
}

int rpl_bitmap_choose(const void *slot_a, const void *slot_b, const struct rpl_sb *sb, u32 index,
		      u32 owner, u64 since, u64 *generation, u64 *seen)
{
	const void *slots[2] = { slot_a, slot_b };
	int best = -EILSEQ;
	int i;

	for (i = 0; i < 2; i++) {
		struct rpl_page_id one;

		if (!slots[i] || rpl_page_check(slots[i], sb, RPL_PAGE_BITMAP, index, &one))
			continue;
		*seen = max(*seen, one.generation);
		if (one.owner != owner || one.generation < since || one.generation > sb->generation)
			continue;
		if (best < 0 || one.generation > *generation) {
			best = i;
			*generation = one.generation;
		}
	}
	return best;
}

u64 rpl_page_mark(u32 index, u64 generation)
{
	/* two rounds of a multiplicative hash: sums of near numbers must not meet */
	u64 x = generation * 0x9e3779b97f4a7c15ULL + index;

	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ULL;
	return x ^ (x >> 32);
}

/* ---- records ---- */

static void clone_encode(struct clone_disk *d, const struct rpl_rec_clone *c)
{
	d->volume_id = cpu_to_le32(c->volume_id);
	d->state = cpu_to_le32(c->state);
	d->prior_state = cpu_to_le32(c->prior_state);
	d->error = cpu_to_le32(c->error);
	memcpy(d->uuid, c->uuid, sizeof(d->uuid));
	memcpy(d->group_uuid, c->group_uuid, sizeof(d->group_uuid));
	d->nr_sectors = cpu_to_le64(c->nr_sectors);
	d->bad_bytes = cpu_to_le64(c->bad_bytes);
	d->min_bytes_s = cpu_to_le64(c->min_bytes_s);
	d->max_bytes_s = cpu_to_le64(c->max_bytes_s);
	d->bitmap_page = cpu_to_le32(c->bitmap_page);
	d->bitmap_pages = cpu_to_le32(c->bitmap_pages);
	d->bitmap_generation = cpu_to_le64(c->bitmap_generation);
	strscpy(d->reason, c->reason, sizeof(d->reason));
}

static bool clone_state_stored(u32 state)
{
	return state > RPL_STATE_PREPARED && state < RPL_STATE_DETACHED;
}

static int clone_decode(const struct clone_disk *d, u32 id, struct rpl_rec_clone *c)
{
	c->id = id;
	c->volume_id = le32_to_cpu(d->volume_id);
	c->state = le32_to_cpu(d->state);
	c->prior_state = le32_to_cpu(d->prior_state);
	c->error = le32_to_cpu(d->error);
	memcpy(c->uuid, d->uuid, sizeof(c->uuid));
	memcpy(c->group_uuid, d->group_uuid, sizeof(c->group_uuid));
	c->nr_sectors = le64_to_cpu(d->nr_sectors);
	c->bad_bytes = le64_to_cpu(d->bad_bytes);
	c->min_bytes_s = le64_to_cpu(d->min_bytes_s);
	c->max_bytes_s = le64_to_cpu(d->max_bytes_s);
	c->bitmap_page = le32_to_cpu(d->bitmap_page);
	c->bitmap_pages = le32_to_cpu(d->bitmap_pages);
	c->bitmap_generation = le64_to_cpu(d->bitmap_generation);
	memcpy(c->reason, d->reason, sizeof(c->reason));
	c->reason[sizeof(c->reason) - 1] = 0;
	if (!id || id > RPL_ID_MAX || !c->volume_id || c->volume_id > RPL_ID_MAX ||
	    c->volume_id == id || !clone_state_stored(c->state) ||
	    (c->prior_state && !clone_state_stored(c->prior_state)) || c->error > RPL_ERRNO_MAX ||
	    !c->nr_sectors || c->nr_sectors > RPL_VOLUME_SECTORS_MAX)
		return -EILSEQ;
	return 0;
}

static void snapshot_encode(struct snapshot_disk *d, const struct rpl_rec_snapshot *s)
{
	d->volume_id = cpu_to_le32(s->volume_id);
	d->state = cpu_to_le32(s->state);
	d->error = cpu_to_le32(s->error);
	d->flags = cpu_to_le32(s->read_only ? SNAPSHOT_READ_ONLY : 0);
	memcpy(d->uuid, s->uuid, sizeof(d->uuid));
	memcpy(d->group_uuid, s->group_uuid, sizeof(d->group_uuid));
	d->nr_sectors = cpu_to_le64(s->nr_sectors);
	strscpy(d->reason, s->reason, sizeof(d->reason));
}

static int snapshot_decode(const struct snapshot_disk *d, u32 id, struct rpl_rec_snapshot *s)
{
	u32 flags = le32_to_cpu(d->flags);

	s->read_only = flags & SNAPSHOT_READ_ONLY;
	s->id = id;
	s->volume_id = le32_to_cpu(d->volume_id);
	s->state = le32_to_cpu(d->state);
	s->error = le32_to_cpu(d->error);
	memcpy(s->uuid, d->uuid, sizeof(s->uuid));
	memcpy(s->group_uuid, d->group_uuid, sizeof(s->group_uuid));
	s->nr_sectors = le64_to_cpu(d->nr_sectors);
	memcpy(s->reason, d->reason, sizeof(s->reason));
	s->reason[sizeof(s->reason) - 1] = 0;
	if (!id || id > RPL_ID_MAX || !s->volume_id || s->volume_id > RPL_ID_MAX ||
	    s->volume_id == id || (flags & ~SNAPSHOT_READ_ONLY) ||
	    (s->state != RPL_STATE_SYNCHRONIZED && s->state != RPL_STATE_FAILED) ||
	    s->error > RPL_ERRNO_MAX || !s->nr_sectors || s->nr_sectors > RPL_VOLUME_SECTORS_MAX)
		return -EILSEQ;
	return 0;
}

void rpl_record_encode(void *page, unsigned int nr, const struct rpl_record *rec)
{
	struct record_disk *d = &((struct object_page *)page)->record[nr];

	memset(d, 0, sizeof(*d));
	d->kind = cpu_to_le32(rec->kind);
	switch (rec->kind) {
	case RPL_RECORD_NONE:
		break;
	case RPL_RECORD_VOLUME:
		d->id = cpu_to_le32(rec->volume.id);
		d->volume.nr_sectors = cpu_to_le64(rec->volume.nr_sectors);
		break;
	case RPL_RECORD_GROUP:
		memcpy(d->group.uuid, rec->group.uuid, sizeof(d->group.uuid));
		d->group.epoch = cpu_to_le64(rec->group.epoch);
		d->group.time_ns = cpu_to_le64(rec->group.time_ns);
		d->group.publish_ns = cpu_to_le64(rec->group.publish_ns);
		d->group.drain_ns = cpu_to_le64(rec->group.drain_ns);
		d->group.held_max_ns = cpu_to_le64(rec->group.held_max_ns);
		d->group.held_writes = cpu_to_le64(rec->group.held_writes);
		break;
	case RPL_RECORD_CLONE:
		d->id = cpu_to_le32(rec->clone.id);
		clone_encode(&d->clone, &rec->clone);
		break;
	case RPL_RECORD_SNAPSHOT:
		d->id = cpu_to_le32(rec->snapshot.id);
		snapshot_encode(&d->snapshot, &rec->snapshot);
		break;
	}
}

int rpl_record_decode(const void *page, unsigned int nr, struct rpl_record *rec)
{
	const struct record_disk *d = &((const struct object_page *)page)->record[nr];
	u32 id = le32_to_cpu(d->id);

	memset(rec, 0, sizeof(*rec));
	switch (le32_to_cpu(d->kind)) {
	case RPL_RECORD_NONE:
		return 0;
	case RPL_RECORD_VOLUME:
		rec->kind = RPL_RECORD_VOLUME;
		rec->volume.id = id;
		rec->volume.nr_sectors = le64_to_cpu(d->volume.nr_sectors);
		if (!id || id > RPL_ID_MAX || !rec->volume.nr_sectors ||
		    rec->volume.nr_sectors > RPL_VOLUME_SECTORS_MAX)
			return -EILSEQ;
		return 0;
	case RPL_RECORD_GROUP:
		rec->kind = RPL_RECORD_GROUP;
		memcpy(rec->group.uuid, d->group.uuid, sizeof(rec->group.uuid));
		rec->group.epoch = le64_to_cpu(d->group.epoch);
		rec->group.time_ns = le64_to_cpu(d->group.time_ns);
		rec->group.publish_ns = le64_to_cpu(d->group.publish_ns);
		rec->group.drain_ns = le64_to_cpu(d->group.drain_ns);
		rec->group.held_max_ns = le64_to_cpu(d->group.held_max_ns);
		rec->group.held_writes = le64_to_cpu(d->group.held_writes);
		return 0;
	case RPL_RECORD_CLONE:
		rec->kind = RPL_RECORD_CLONE;
		return clone_decode(&d->clone, id, &rec->clone);
	case RPL_RECORD_SNAPSHOT:
		rec->kind = RPL_RECORD_SNAPSHOT;
		return snapshot_decode(&d->snapshot, id, &rec->snapshot);
	default:
		return -EILSEQ;
	}
}

/* ---- bitmaps ---- */

u32 rpl_bitmap_pages(u64 nr_regions)
{
	return (u32)DIV_ROUND_UP_ULL(nr_regions, RPL_BITS_PER_PAGE);
}

/* Bit k of page nr is region nr * RPL_BITS_PER_PAGE + k, in byte k / 8, lowest bit first. */
void rpl_bitmap_encode(void *page, u32 nr, const unsigned long *bits, u64 nr_regions)
{
	struct bitmap_page *p = page;
	u64 first = (u64)nr * RPL_BITS_PER_PAGE;
	u64 count = min_t(u64, RPL_BITS_PER_PAGE, nr_regions - first);
	u64 i;

	memset(p->bits, 0, sizeof(p->bits));
	for (i = 0; i < count; i++)
		if (test_bit(first + i, bits))
			p->bits[i / 8] |= 1U << (i % 8);
}

void rpl_bitmap_decode(const void *page, u32 nr, unsigned long *bits, u64 nr_regions)
{
	const struct bitmap_page *p = page;
	u64 first = (u64)nr * RPL_BITS_PER_PAGE;
	u64 count = min_t(u64, RPL_BITS_PER_PAGE, nr_regions - first);
	u64 i;

	for (i = 0; i < count; i++)
		if (p->bits[i / 8] & (1U << (i % 8)))
			__set_bit(first + i, bits);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stamp-check.c - `rpl-stamp check`: do these volumes together hold one point in time of the
 * logged run (I1)?
 *
 * The writes of a block are ordered (one writer, one at a time), so the stamp found in a block
 * says which of them are in the replica: all up to it. Let IN be the included writes of all
 * blocks and OUT the others. The set is one point in time exactly if no write in OUT was
 * acknowledged before a write in IN was issued, that is, if the smallest ack in OUT is after the
 * largest issue in IN. With a fill seed every other sector is checked too: the replica is then
 * byte for byte what replaying the log up to that point gives.
 */
#define _GNU_SOURCE
#include "stamp.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_TOLD 10

struct check {
	const struct stamp_opts *o;
	struct stamp_log log;
	struct stamp_record *sorted; /* by issue */
	uint64_t nr_records;
	struct stamp_dev *devs;
	uint64_t **found; /* [volume][block] issue tick, 0 = fill or not stamped */
	uint64_t bad, stamped, filled, foreign;
};

static uint64_t nr_blocks(const struct check *c, uint32_t vol)
{
	return (c->devs[vol].bytes + c->log.head->block_bytes - 1) / c->log.head->block_bytes;
}

static bool tell(struct check *c)
{
	if (c->bad++ == MAX_TOLD)
		printf("... more of the same\n");
	return c->bad <= MAX_TOLD;
}

static int by_issue(const void *a, const void *b)
{
	const struct stamp_record *x = a, *y = b;

	return x->issue < y->issue ? -1 : x->issue > y->issue;
}

static const struct stamp_record *lookup(const struct check *c, uint64_t issue)
{
	struct stamp_record key = { .issue = issue };

	return bsearch(&key, c->sorted, c->nr_records, sizeof(key), by_issue);
}

/*
 * Fill sectors carry the seed they were made from, so any sector but a run's own must be that one
 * exactly.
 */
static const char *unstamped(struct check *c, const struct stamp_id *id, int ret, uint32_t vol,
			     uint64_t lba)
{
	if (!c->o->have_fill) {
		if (ret == -EBADMSG)
			return "damaged stamp";
		c->foreign++;
		return NULL;
	}
	if (ret == -ENODATA)
		return "neither fill nor stamp";
	if (ret)
		return "damaged stamp";
	if (id->run != c->o->fill_seed || id->issue || id->writer != STAMP_FILL_WRITER)
		return "stamp of another run";
	if (id->volume != vol || id->lba != lba)
		return "fill of another place";
	c->filled++;
	return NULL;
}

static const char *stamped(struct check *c, const struct stamp_id *id, uint32_t vol, uint64_t lba,
			   uint64_t block, uint64_t *found)
{
	const struct stamp_record *rec = lookup(c, id->issue);

	if (id->volume != vol || id->lba != lba)
		return "stamp of another place";
	if (!rec || rec->volume != vol || rec->block != block || rec->writer != id->writer)
		return "stamp of a write that was never issued";
	c->stamped++;
	*found = id->issue;
	return NULL;
}

static void check_block(struct check *c, const char *buf, size_t len, uint32_t vol, uint64_t block)
{
	uint64_t lba0 = (c->devs[vol].start + block * c->log.head->block_bytes) / STAMP_SECTOR;
	uint64_t first = 0;

	for (size_t s = 0; s < len; s += STAMP_SECTOR) {
		struct stamp_id id = { 0 };
		uint64_t lba = lba0 + s / STAMP_SECTOR, found = 0;
		int ret = stamp_read(buf + s, &id);
		const char *why;

		if (!ret && id.run == c->log.head->run)
			why = stamped(c, &id, vol, lba, block, &found);
		else
			why = unstamped(c, &id, ret, vol, lba);
		if (!why && s && found != first)
			why = "torn block: its sectors are of different writes";
		if (!s)
			first = found;
		if (why && tell(c))
			printf("BAD %s sector %" PRIu64 " (writer %" PRIu32 ", tick %" PRIu64
			       "): %s\n",
			       c->devs[vol].path, lba, id.writer, id.issue, why);
	}
	c->found[vol][block] = first;
}

static int read_volume(struct check *c, uint32_t vol, char *buf)
{
	struct stamp_dev *d = &c->devs[vol];
	uint32_t bb = c->log.head->block_bytes;
	size_t chunk = STAMP_IO_BYTES / bb * bb;

	for (uint64_t off = 0; off < d->bytes; off += chunk) {
		size_t len = chunk < d->bytes - off ? chunk : (size_t)(d->bytes - off);
		ssize_t n = pread(d->fd, buf, len, (off_t)(d->start + off));

		if (n != (ssize_t)len) {
			fprintf(stderr, "rpl-stamp: read of %s at %" PRIu64 ": %s\n", d->path,
				d->start + off, n < 0 ? strerror(errno) : "short read");
			return -EIO;
		}
		for (size_t b = 0; b < len; b += bb)
			check_block(c, buf + b, bb < len - b ? bb : len - b, vol, (off + b) / bb);
	}
	return 0;
}

static bool included(const struct check *c, const struct stamp_record *r)
{
	return r->issue <= c->found[r->volume][r->block];
}

static void describe(const struct check *c, const char *what, const struct stamp_record *r)
{
	printf("  %s: writer %" PRIu32 ", volume %s, block %" PRIu64 ", issued %" PRIu64
	       ", acknowledged %" PRIu64 "\n",
	       what, r->writer, c->devs[r->volume].path, r->block, r->issue, r->ack);
}

static void check_marks(struct check *c, const struct stamp_record *in,
			const struct stamp_record *out)
{
	const struct stamp_log_head *h = c->log.head;
	int a = c->o->after_mark, b = c->o->before_mark;

	if ((a && (uint32_t)a > h->nr_marks) || (b && (uint32_t)b > h->nr_marks)) {
		printf("BAD the log has %" PRIu32 " marks only\n", h->nr_marks);
		c->bad++;
		return;
	}
	if (a && out && out->ack < h->marks[a - 1].clock && tell(c)) {
		printf("BAD the point in time is before mark %d (tick %" PRIu64 ")\n", a,
		       h->marks[a - 1].clock);
		describe(c, "missing", out);
	}
	if (b && in && in->issue > h->marks[b - 1].clock && tell(c)) {
		printf("BAD the point in time is after mark %d (tick %" PRIu64 ")\n", b,
		       h->marks[b - 1].clock);
		describe(c, "present", in);
	}
}

/* The largest issue in, the smallest ack out: any cut between the two is the point in time. */
static void check_order(struct check *c)
{
	const struct stamp_record *in = NULL, *out = NULL;
	uint64_t nr_in = 0, in_flight = 0;

	for (uint64_t i = 0; i < c->nr_records; i++) {
		const struct stamp_record *r = &c->sorted[i];

		if (included(c, r)) {
			nr_in++;
			in = r; /* sorted by issue */
		} else if (r->ack && (!out || r->ack < out->ack)) {
			out = r;
		}
	}
	if (in && out && out->ack < in->issue && tell(c)) {
		printf("BAD I1: the set holds a write but lacks one that ended before it\n");
		describe(c, "held", in);
		describe(c, "lacked", out);
	}
	check_marks(c, in, out);
	for (uint64_t i = 0; i < c->nr_records; i++) {
		const struct stamp_record *r = &c->sorted[i];

		if (in && r->issue < in->issue && (!r->ack || r->ack > in->issue))
			in_flight++;
	}
	printf("writes %" PRIu64 "\nincluded %" PRIu64 "\nin_flight %" PRIu64 "\n", c->nr_records,
	       nr_in, in_flight);
	printf("point_after %" PRIu64 "\npoint_before %" PRIu64 "\n", in ? in->issue : 0,
	       out ? out->ack : c->log.head->clock);
}

static int load(struct check *c)
{
	uint64_t n = c->log.head->nr_records, k = 0;

	c->sorted = calloc(n ? n : 1, sizeof(*c->sorted));
	if (!c->sorted)
		return -ENOMEM;
	for (uint64_t i = 0; i < n; i++) {
		const struct stamp_record *r = &c->log.records[i];

		if (!r->issue)
			continue;
		if (r->volume >= c->log.head->nr_volumes || r->block >= nr_blocks(c, r->volume))
			return -EBADMSG;
		c->sorted[k++] = *r;
	}
	c->nr_records = k;
	qsort(c->sorted, k, sizeof(*c->sorted), by_issue);
	return 0;
}

static int open_set(struct check *c, int nr, char **paths)
{
	const struct stamp_log_head *h = c->log.head;

	if ((uint32_t)nr != h->nr_volumes) {
		fprintf(stderr, "rpl-stamp: the log is of %" PRIu32 " volumes, %d given\n",
			h->nr_volumes, nr);
		return -EINVAL;
	}
	c->devs = calloc((size_t)nr, sizeof(*c->devs));
	c->found = calloc((size_t)nr, sizeof(*c->found));
	if (!c->devs || !c->found)
		return -ENOMEM;
	for (int i = 0; i < nr; i++) {
		int ret = stamp_dev_open(&c->devs[i], paths[i], O_RDONLY, h->offset_bytes,
					 h->length_bytes);

		if (ret)
			return ret;
		c->found[i] = calloc(nr_blocks(c, (uint32_t)i) + 1, sizeof(**c->found));
		if (!c->found[i])
			return -ENOMEM;
	}
	return 0;
}

static void unload(struct check *c, int nr)
{
	for (int i = 0; i < nr; i++) {
		close(c->devs[i].fd);
		free(c->found[i]);
	}
	free(c->found);
	free(c->devs);
	free(c->sorted);
	stamp_log_close(&c->log);
}

int stamp_cmd_check(const struct stamp_opts *o, int nr, char **paths)
{
	struct check c = { .o = o };
	char *buf = stamp_buffer(STAMP_IO_BYTES);
	int ret = stamp_log_open(&c.log, o->log);

	if (ret) {
		fprintf(stderr, "rpl-stamp: log %s: %s\n", o->log, strerror(-ret));
		return 2;
	}
	ret = open_set(&c, nr, paths);
	if (!ret)
		ret = load(&c);
	for (uint32_t v = 0; !ret && v < (uint32_t)nr; v++)
		ret = read_volume(&c, v, buf);
	if (ret) {
		fprintf(stderr, "rpl-stamp: check not done: %s\n", strerror(-ret));
		return 2;
	}
	check_order(&c);
	printf("stamped_sectors %" PRIu64 "\nfill_sectors %" PRIu64 "\nother_sectors %" PRIu64 "\n",
	       c.stamped, c.filled, c.foreign);
	printf("%s\n", c.bad ? "FAIL" : "OK");
	free(buf);
	ret = c.bad ? 1 : 0;
	unload(&c, nr);
	return ret;
}

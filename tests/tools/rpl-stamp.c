// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rpl-stamp - writes volumes so that any copy of them can be judged, and judges it. Used by the
 * kernel tests, the end-to-end tests and the demo. This file: options, fill, sum and compare; see
 * stamp-write.c, stamp-check.c and stamp-kept.c.
 */
#define _GNU_SOURCE
#include "stamp.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"usage: rpl-stamp fill    [-f SEED] [-o OFFSET] [-l LENGTH] VOLUME...\n"
	"       rpl-stamp write   [-w WRITERS] [-b BLOCK] [-S SEED] [-r WRITES_PER_S] [-n COUNT]\n"
	"                         [-t SECONDS] [-s STOPFILE] [-L LOG] [-m MAX_RECORDS] [-k] [-F]\n"
	"                         [-o OFFSET] [-l LENGTH] VOLUME...\n"
	"       rpl-stamp check   -L LOG [-f SEED] [-A MARK] [-B MARK] REPLICA...\n"
	"       rpl-stamp sum     [-o OFFSET] [-l LENGTH] VOLUME...\n"
	"       rpl-stamp kept    [-b CHUNK] SOURCE SNAPSHOT... [, SOURCE SNAPSHOT...]...\n"
	"       rpl-stamp compare [-o OFFSET] [-l LENGTH] A B\n"
	"Sizes are bytes, with an optional k, m or g (powers of 1024).\n"
	"Volumes of write and of check are in the same order.\n"
	"kept:  how many chunks must a store hold? The newest snapshot comes first.\n"
	"write: each writer has one write in flight; SIGUSR1 puts a mark into the log,\n"
	"       SIGTERM or SIGINT ends it. With -F, what it allocates in the kernel for a write\n"
	"       may be made to fail (fault injection), and nothing else of it.\n"
	"check: are the replicas together one point in time (I1)? With -f, every byte of the\n"
	"       range is checked; -A and -B: the point must be after, before that mark.\n"
	"Exit: 0 good, 1 violation, 2 could not check.\n";

static int fill_one(const struct stamp_opts *o, const char *path, uint32_t vol, char *buf)
{
	struct stamp_dev d;
	struct stamp_id id = { .run = o->fill_seed, .volume = vol, .writer = STAMP_FILL_WRITER };
	int ret = stamp_dev_open(&d, path, O_RDWR, o->offset, o->length);

	if (ret)
		return 2;
	for (uint64_t off = 0; off < d.bytes; off += STAMP_IO_BYTES) {
		size_t len = STAMP_IO_BYTES < d.bytes - off ? STAMP_IO_BYTES
							    : (size_t)(d.bytes - off);

		for (size_t s = 0; s < len; s += STAMP_SECTOR) {
			id.lba = (d.start + off + s) / STAMP_SECTOR;
			stamp_make(buf + s, &id);
		}
		if (pwrite(d.fd, buf, len, (off_t)(d.start + off)) != (ssize_t)len) {
			fprintf(stderr, "rpl-stamp: fill of %s at %" PRIu64 ": %s\n", path,
				d.start + off, strerror(errno));
			close(d.fd);
			return 2;
		}
	}
	ret = fsync(d.fd) ? 2 : 0;
	close(d.fd);
	return ret;
}

static int cmd_fill(const struct stamp_opts *o, int nr, char **paths)
{
	char *buf = stamp_buffer(STAMP_IO_BYTES);
	int ret = 0;

	for (int i = 0; !ret && i < nr; i++)
		ret = fill_one(o, paths[i], (uint32_t)i, buf);
	free(buf);
	return ret;
}

static int read_at(const struct stamp_dev *d, char *buf, size_t len, uint64_t off)
{
	ssize_t n = pread(d->fd, buf, len, (off_t)(d->start + off));

	if (n == (ssize_t)len)
		return 0;
	fprintf(stderr, "rpl-stamp: read of %s at %" PRIu64 ": %s\n", d->path, d->start + off,
		n < 0 ? strerror(errno) : "short read");
	return -EIO;
}

static int cmd_sum(const struct stamp_opts *o, int nr, char **paths)
{
	char *buf = stamp_buffer(STAMP_IO_BYTES);

	for (int i = 0; i < nr; i++) {
		uint64_t sum = 0, word;
		struct stamp_dev d;

		if (stamp_dev_open(&d, paths[i], O_RDONLY, o->offset, o->length))
			return 2;
		for (uint64_t off = 0; off < d.bytes; off += STAMP_IO_BYTES) {
			size_t len = STAMP_IO_BYTES < d.bytes - off ? STAMP_IO_BYTES
								    : (size_t)(d.bytes - off);

			if (read_at(&d, buf, len, off))
				return 2;
			for (size_t b = 0; b < len; b += sizeof(word)) {
				memcpy(&word, buf + b, sizeof(word));
				sum = (sum ^ stamp_mix(word)) * 0x9e3779b97f4a7c15ULL + 1;
			}
		}
		printf("%016" PRIx64 " %" PRIu64 " %s\n", stamp_mix(sum), d.bytes, paths[i]);
		close(d.fd);
	}
	free(buf);
	return 0;
}

static int compare_chunk(const struct stamp_dev *a, const char *x, const char *y, size_t len,
			 uint64_t off)
{
	size_t i = 0;

	if (!memcmp(x, y, len))
		return 0;
	while (x[i] == y[i])
		i++;
	printf("differ at byte %" PRIu64 " (sector %" PRIu64 ")\n", a->start + off + i,
	       (a->start + off + i) / STAMP_SECTOR);
	return 1;
}

static int cmd_compare(const struct stamp_opts *o, int nr, char **paths)
{
	char *x = stamp_buffer(STAMP_IO_BYTES), *y = stamp_buffer(STAMP_IO_BYTES);
	struct stamp_dev a, b;
	int ret = 0;

	if (nr != 2) {
		fputs(usage, stderr);
		return 2;
	}
	if (stamp_dev_open(&a, paths[0], O_RDONLY, o->offset, o->length) ||
	    stamp_dev_open(&b, paths[1], O_RDONLY, o->offset, o->length))
		return 2;
	if (a.bytes != b.bytes) {
		printf("sizes differ: %" PRIu64 " and %" PRIu64 " bytes\n", a.bytes, b.bytes);
		return 1;
	}
	for (uint64_t off = 0; !ret && off < a.bytes; off += STAMP_IO_BYTES) {
		size_t len = STAMP_IO_BYTES < a.bytes - off ? STAMP_IO_BYTES
							    : (size_t)(a.bytes - off);

		if (read_at(&a, x, len, off) || read_at(&b, y, len, off))
			return 2;
		ret = compare_chunk(&a, x, y, len, off);
	}
	if (!ret)
		printf("identical %" PRIu64 " bytes\n", a.bytes);
	free(x);
	free(y);
	return ret;
}

static uint64_t number(const char *s)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(s, &end, 0);
	if (errno || end == s || *s == '-')
		goto bad;
	if (*end == 'k' || *end == 'm' || *end == 'g') {
		int shift = *end == 'k' ? 10 : *end == 'm' ? 20 : 30;

		if (n > UINT64_MAX >> shift)
			goto bad;
		n <<= shift;
		end++;
	}
	if (!*end)
		return n;
bad:
	fprintf(stderr, "rpl-stamp: '%s' is not a number\n", s);
	exit(2);
}

static void parse(struct stamp_opts *o, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "w:b:S:r:n:t:s:L:m:kFo:l:f:A:B:")) != -1) {
		switch (c) {
		case 'w':
			o->writers = (uint32_t)number(optarg);
			break;
		case 'b':
			o->block = (uint32_t)number(optarg);
			break;
		case 'S':
			o->seed = number(optarg);
			break;
		case 'r':
			o->rate = number(optarg);
			break;
		case 'n':
			o->count = number(optarg);
			break;
		case 't':
			o->seconds = number(optarg);
			break;
		case 's':
			o->stop_file = optarg;
			break;
		case 'L':
			o->log = optarg;
			break;
		case 'm':
			o->max_records = number(optarg);
			break;
		case 'k':
			o->keep_going = true;
			break;
		case 'F':
			o->may_fail = true;
			break;
		case 'o':
			o->offset = number(optarg);
			break;
		case 'l':
			o->length = number(optarg);
			break;
		case 'f':
			o->fill_seed = number(optarg);
			o->have_fill = true;
			break;
		case 'A':
			o->after_mark = (int)number(optarg);
			break;
		case 'B':
			o->before_mark = (int)number(optarg);
			break;
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (!o->writers || o->writers > 256 || o->block < STAMP_SECTOR || o->block % STAMP_SECTOR ||
	    o->block > STAMP_MAX_BLOCK) {
		fputs("rpl-stamp: 1 to 256 writers; a block is 512 bytes to 1 MiB in sectors\n",
		      stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(const struct stamp_opts *o, int nr, char **paths);
	} commands[] = {
		{ "fill", cmd_fill }, { "write", stamp_cmd_write }, { "check", stamp_cmd_check },
		{ "sum", cmd_sum },   { "compare", cmd_compare },   { "kept", stamp_cmd_kept },
	};
	struct stamp_opts o = { .writers = 4, .block = 4096, .seed = 1, .max_records = 1 << 20 };
	int nr;

	if (argc < 3) {
		fputs(usage, stderr);
		return 2;
	}
	parse(&o, argc - 1, argv + 1);
	nr = argc - 1 - optind;
	if (nr < 1 || nr > STAMP_MAX_VOLUMES) {
		fputs(usage, stderr);
		return 2;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name)) {
			if (commands[i].run == stamp_cmd_check && !o.log)
				break;
			return commands[i].run(&o, nr, argv + 1 + optind);
		}
	fputs(usage, stderr);
	return 2;
}

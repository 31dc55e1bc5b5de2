// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stamp-kept.c - `rpl-stamp kept`: how many chunks must a store hold so that these snapshots can
 * be as they are? A chunk of a snapshot takes room if it is another than that of its
 * neighbour, the next younger snapshot or the source; if it is the same, the two share it.
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

/* Bytes of the chunk at @off; 0 behind the end. */
static size_t read_chunk(const struct stamp_dev *d, char *buf, uint64_t off, uint32_t chunk)
{
	size_t len = chunk;

	if (off >= d->bytes)
		return 0;
	if (len > d->bytes - off)
		len = (size_t)(d->bytes - off);
	if (pread(d->fd, buf, len, (off_t)(d->start + off)) == (ssize_t)len)
		return len;
	fprintf(stderr, "rpl-stamp: read of %s at %" PRIu64 ": %s\n", d->path, d->start + off,
		strerror(errno));
	exit(2);
}

static uint64_t kept_at(const struct stamp_dev *devs, int nr, char *bufs[2], uint64_t off,
			uint32_t chunk)
{
	size_t younger = read_chunk(&devs[0], bufs[0], off, chunk);
	uint64_t kept = 0;

	for (int i = 1; i < nr; i++) {
		size_t len = read_chunk(&devs[i], bufs[i & 1], off, chunk);

		if (len && (len > younger || memcmp(bufs[0], bufs[1], len)))
			kept++;
		younger = len;
	}
	return kept;
}

static uint64_t kept_of(const struct stamp_opts *o, int nr, char **paths, char *bufs[2])
{
	struct stamp_dev *devs = calloc((size_t)nr, sizeof(*devs));
	uint64_t kept = 0;

	if (!devs)
		exit(2);
	for (int i = 0; i < nr; i++)
		if (stamp_dev_open(&devs[i], paths[i], O_RDONLY, o->offset, o->length))
			exit(2);
	for (uint64_t off = 0; off < devs[0].bytes; off += o->block)
		kept += kept_at(devs, nr, bufs, off, o->block);
	for (int i = 0; i < nr; i++)
		close(devs[i].fd);
	free(devs);
	return kept;
}

/* A comma parts sources. */
int stamp_cmd_kept(const struct stamp_opts *o, int nr, char **paths)
{
	char *bufs[2] = { stamp_buffer(o->block), stamp_buffer(o->block) };
	uint64_t kept = 0;

	for (int first = 0, i = 0; i <= nr; i++)
		if (i == nr || !strcmp(paths[i], ",")) {
			if (i > first)
				kept += kept_of(o, i - first, paths + first, bufs);
			first = i + 1;
		}
	printf("kept %" PRIu64 "\n", kept);
	free(bufs[0]);
	free(bufs[1]);
	return 0;
}

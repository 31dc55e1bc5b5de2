// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rpl-same A B: how many bytes of the chunks (64 KiB) that A and B have in common are identical as
 * whole chunks. The length is B's; the last chunk may be shorter. Reads past the page cache where
 * the device allows it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 65536

static int open_direct(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);

	return fd < 0 && errno == EINVAL ? open(path, O_RDONLY | O_CLOEXEC) : fd;
}

static ssize_t read_whole(int fd, char *buf, off_t off)
{
	return pread(fd, buf, CHUNK, off);
}

int main(int argc, char **argv)
{
	char *a = aligned_alloc(4096, CHUNK), *b = aligned_alloc(4096, CHUNK);
	uint64_t same = 0;
	off_t off = 0;
	int fa, fb;

	if (argc != 3 || !a || !b)
		return 2;
	fa = open_direct(argv[1]);
	fb = open_direct(argv[2]);
	if (fa < 0 || fb < 0) {
		perror("rpl-same");
		return 2;
	}
	for (;; off += CHUNK) {
		ssize_t n = read_whole(fb, b, off);
		ssize_t m = read_whole(fa, a, off);

		if (n < 0 || m < 0) {
			perror("rpl-same");
			return 2;
		}
		if (n == 0)
			break;
		if (m >= n && !memcmp(a, b, (size_t)n))
			same += (uint64_t)n;
		if (n < CHUNK)
			break;
	}
	printf("%llu\n", (unsigned long long)same);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rpl-fsx - exercises a file system so that it, and any point in time of it, can be judged.
 *
 *   rpl-fsx run   [-S SEED] [-n OPS] -L LOG DIR   until OPS or SIGTERM
 *   rpl-fsx check [-S SEED] -c MIN -m MAX DIR     what commits are in DIR?
 *
 * run: DIR/ops is written, mapped, cut, punched and read back at random, against a copy in memory,
 * and now and then synced, dropped from the cache and read again. After every few of these there is
 * a commit: commit N replaces DIR/kept.(N % SLOTS), by a new file, fsync, rename and fsync of the
 * directory; when that is over, LOG (not in DIR) gets a line. check: with MIN lines in LOG before a
 * point in time and MAX - 1 after it, each of its files must be whole, none older than commit MIN
 * says, and none younger than MAX.
 * Exit: 0 good, 1 wrong content, 2 could not do it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILE_MAX       (256 * 1024)
#define IO_MAX	       (24 * 1024)
#define SLOTS	       8
#define KEPT_MAX       (48 * 1024)
#define OPS_PER_COMMIT 12

static volatile sig_atomic_t stopping;
static uint64_t state; /* of the choices of ops */
static uint64_t seed = 1;
static char model[FILE_MAX], buf[FILE_MAX];
static size_t size;
static int fd, dir;

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static size_t rnd(size_t below)
{
	return (size_t)(mix(state++) % below);
}

static void no(const char *what)
{
	fprintf(stderr, "rpl-fsx: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void fill(char *to, size_t len, uint64_t from)
{
	for (size_t i = 0; i < len; i += sizeof(from)) {
		uint64_t word = mix(from + i);

		memcpy(to + i, &word, len - i < sizeof(word) ? len - i : sizeof(word));
	}
}

static void same(const char *got, size_t off, size_t len, const char *op)
{
	size_t i = 0;

	if (!memcmp(got, model + off, len))
		return;
	while (got[i] == model[off + i])
		i++;
	printf("BAD ops: byte %zu of %zu is %02x, not %02x (%s)\n", off + i, size, got[i] & 0xff,
	       model[off + i] & 0xff, op);
	exit(1);
}

static void op_write(size_t off, size_t len)
{
	fill(model + off, len, mix(state++));
	if (off > size)
		memset(model + size, 0, off - size);
	if (pwrite(fd, model + off, len, (off_t)off) != (ssize_t)len)
		no("write");
	if (off + len > size)
		size = off + len;
}

/* In place only: a mapping does not make a file longer. */
static void op_map(size_t off, size_t len, bool change)
{
	char *map;

	if (off >= size)
		return;
	if (len > size - off)
		len = size - off;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		no("mmap");
	if (change) {
		fill(model + off, len, mix(state++));
		memcpy(map + off, model + off, len);
	} else {
		same(map + off, off, len, "mapped");
	}
	munmap(map, size);
}

static void op_cut(size_t to)
{
	if (ftruncate(fd, (off_t)to))
		no("truncate");
	if (to > size)
		memset(model + size, 0, to - size);
	size = to;
}

static void op_punch(size_t off, size_t len)
{
	if (off >= size)
		return;
	if (len > size - off)
		len = size - off;
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)off, (off_t)len)) {
		if (errno != EOPNOTSUPP)
			no("punch");
		return;
	}
	memset(model + off, 0, len);
}

static void op_read(size_t off, size_t len, const char *op)
{
	size_t want = off < size ? size - off : 0;
	ssize_t n = pread(fd, buf, len, (off_t)off);

	if (want > len)
		want = len;
	if (n < 0)
		no("read");
	if ((size_t)n != want) {
		printf("BAD ops: %zd bytes at %zu of %zu, not %zu (%s)\n", n, off, size, want, op);
		exit(1);
	}
	same(buf, off, want, op);
}

/* What is read now comes from the device. */
static void op_sync(void)
{
	if (fsync(fd))
		no("fsync");
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	op_read(0, FILE_MAX, "after fsync");
}

static void op(void)
{
	size_t off = rnd(FILE_MAX - IO_MAX), len = 1 + rnd(IO_MAX);

	switch (rnd(16)) {
	case 0 ... 4:
		op_write(off, len);
		break;
	case 5 ... 7:
		op_map(off, len, true);
		break;
	case 8 ... 9:
		op_map(off, len, false);
		break;
	case 10:
		op_cut(off);
		break;
	case 11 ... 12:
		op_punch(off, len);
		break;
	case 13 ... 14:
		op_read(off, len, "read");
		break;
	default:
		op_sync();
	}
}

/* The content of commit @nr: its number and what follows from it. Returns the length. */
static size_t content(uint64_t nr, char *to)
{
	size_t len = 4096 + mix(seed ^ (nr << 20)) % (KEPT_MAX - 4096);

	fill(to, len, mix(seed + nr) << 8);
	memcpy(to, &nr, sizeof(nr));
	return len;
}

static void kept_name(char *to, size_t room, uint64_t nr)
{
	snprintf(to, room, "kept.%d", (int)(nr % SLOTS));
}

static void commit(uint64_t nr, int log)
{
	size_t len = content(nr, buf);
	char name[32], line[32];
	int new = openat(dir, "new", O_WRONLY | O_CREAT | O_TRUNC, 0644);

	kept_name(name, sizeof(name), nr);
	if (new < 0 || write(new, buf, len) != (ssize_t)len || fsync(new) || close(new))
		no("new");
	if (renameat(dir, "new", dir, name) || fsync(dir))
		no(name);
	len = (size_t)snprintf(line, sizeof(line), "%llu\n", (unsigned long long)nr);
	if (write(log, line, len) != (ssize_t)len)
		no("log");
}

static void stop(int sig)
{
	(void)sig;
	stopping = 1;
}

static int run(uint64_t ops, const char *log_path)
{
	int log = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644);
	uint64_t done, commits = 0;

	fd = openat(dir, "ops", O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (log < 0 || fd < 0)
		no("open");
	signal(SIGTERM, stop);
	state = mix(seed);
	for (done = 0; !stopping && (!ops || done < ops); done++) {
		op();
		if (done % OPS_PER_COMMIT == OPS_PER_COMMIT - 1)
			commit(++commits, log);
	}
	op_sync();
	printf("ops %llu\ncommits %llu\n", (unsigned long long)done, (unsigned long long)commits);
	return 0;
}

/* Is there a whole file of the slot of commit @min, not older than that? 1: no. */
static int check_slot(uint64_t min, uint64_t max)
{
	char name[32], got[KEPT_MAX + 1];
	uint64_t nr = 0;
	ssize_t n = -1;
	int f;

	kept_name(name, sizeof(name), min);
	f = openat(dir, name, O_RDONLY);
	if (f < 0 && errno != ENOENT)
		no(name);
	if (f >= 0) {
		n = read(f, got, sizeof(got));
		if (n < 0)
			no(name);
		close(f);
	}
	if (n >= (ssize_t)sizeof(nr))
		memcpy(&nr, got, sizeof(nr));
	if (nr >= min && nr <= max && nr % SLOTS == min % SLOTS && content(nr, buf) == (size_t)n &&
	    !memcmp(buf, got, (size_t)n))
		return 0;
	printf("BAD %s: %zd bytes of commit %llu, want one of %llu to %llu, whole\n", name, n,
	       (unsigned long long)nr, (unsigned long long)min, (unsigned long long)max);
	return 1;
}

static int check(uint64_t min, uint64_t max)
{
	uint64_t first = min > SLOTS ? min - SLOTS + 1 : 1;
	int bad = 0;

	for (uint64_t nr = first; nr <= min; nr++)
		bad |= check_slot(nr, max);
	printf("%s\n", bad ? "FAIL" : "OK");
	return bad;
}

int main(int argc, char **argv)
{
	uint64_t ops = 0, min = 0, max = 0;
	const char *log = NULL;
	int c;

	while ((c = getopt(argc, argv, "S:n:L:c:m:")) != -1) {
		switch (c) {
		case 'S':
			seed = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			ops = strtoull(optarg, NULL, 10);
			break;
		case 'L':
			log = optarg;
			break;
		case 'c':
			min = strtoull(optarg, NULL, 10);
			break;
		case 'm':
			max = strtoull(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	if (argc != optind + 2)
		return 2;
	dir = open(argv[optind + 1], O_RDONLY | O_DIRECTORY);
	if (dir < 0)
		no(argv[optind + 1]);
	if (!strcmp(argv[optind], "run") && log)
		return run(ops, log);
	if (!strcmp(argv[optind], "check") && max)
		return check(min, max);
	return 2;
}

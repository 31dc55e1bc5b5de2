// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stamp.c - the sector format, the log file and opening of volumes, for rpl-stamp's commands.
 * No state of its own.
 */
#define _GNU_SOURCE
#include "stamp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC 0x504d4154534c5052ULL /* "RPLSTAMP" */

struct sector {
	uint64_t magic;
	struct stamp_id id;
	uint64_t body[(STAMP_SECTOR - 8 - sizeof(struct stamp_id) - 8) / 8];
	uint32_t zero;
	uint32_t crc;
};

_Static_assert(sizeof(struct sector) == STAMP_SECTOR, "a stamp is one sector");
_Static_assert(sizeof(struct stamp_log_head) <= STAMP_LOG_HEADER, "log header fits its page");

uint64_t stamp_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static uint32_t crc_table[256];

__attribute__((constructor)) static void crc_init(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int k = 0; k < 8; k++)
			c = (c & 1) ? (c >> 1) ^ 0x82f63b78U : c >> 1;
		crc_table[i] = c;
	}
}

static uint32_t crc_bytes(uint32_t crc, const uint8_t *p, size_t len)
{
	while (len--)
		crc = crc_table[(crc ^ *p++) & 0xff] ^ (crc >> 8);
	return crc;
}

#ifdef __x86_64__
/* Eight bytes an instruction: emulated processors are slow. */
__attribute__((target("sse4.2"))) static uint32_t crc_words(uint32_t crc, const uint8_t *p,
							    size_t n)
{
	uint64_t c = crc, word;

	for (; n; n--, p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		c = __builtin_ia32_crc32di(c, word);
	}
	return (uint32_t)c;
}
#endif

uint32_t stamp_crc32c(const void *buf, size_t len)
{
	const uint8_t *p = buf;
	uint32_t crc = ~0U;

#ifdef __x86_64__
	if (__builtin_cpu_supports("sse4.2")) {
		crc = crc_words(crc, p, len / 8);
		p += len / 8 * 8;
		len %= 8;
	}
#endif
	return ~crc_bytes(crc, p, len);
}

void stamp_make(void *buf, const struct stamp_id *id)
{
	struct sector s = { .magic = MAGIC, .id = *id };
	uint64_t x = stamp_mix(id->run ^ stamp_mix(id->issue ^ (id->lba << 20)));

	for (size_t i = 0; i < sizeof(s.body) / sizeof(s.body[0]); i++) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		s.body[i] = x;
	}
	s.crc = stamp_crc32c(&s, offsetof(struct sector, crc));
	memcpy(buf, &s, sizeof(s));
}

int stamp_read(const void *buf, struct stamp_id *id)
{
	struct sector s, want;

	memcpy(&s, buf, sizeof(s));
	if (s.magic != MAGIC)
		return -ENODATA;
	*id = s.id;
	stamp_make(&want, &s.id);
	return memcmp(&s, &want, sizeof(s)) ? -EBADMSG : 0;
}

static int log_map(struct stamp_log *log, int fd)
{
	log->head = mmap(NULL, log->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (log->head == MAP_FAILED)
		return -errno;
	log->records = (void *)((char *)log->head + STAMP_LOG_HEADER);
	return 0;
}

int stamp_log_create(struct stamp_log *log, const char *path, const struct stamp_log_head *head)
{
	int fd, ret;

	log->bytes = STAMP_LOG_HEADER + head->max_records * sizeof(struct stamp_record);
	fd = path ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)
		  : memfd_create("rpl-stamp-log", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)log->bytes)) {
		ret = -errno;
		goto out;
	}
	ret = log_map(log, fd);
	if (!ret)
		*log->head = *head;
out:
	if (fd >= 0)
		close(fd);
	return ret;
}

int stamp_log_open(struct stamp_log *log, const char *path)
{
	struct stat st;
	int fd, ret;

	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = fstat(fd, &st) ? -errno : 0;
	if (!ret && st.st_size < STAMP_LOG_HEADER)
		ret = -EBADMSG;
	if (!ret) {
		log->bytes = (size_t)st.st_size;
		ret = log_map(log, fd);
	}
	close(fd);
	if (ret)
		return ret;
	if (log->head->magic != STAMP_LOG_MAGIC || log->head->nr_records > log->head->max_records ||
	    log->bytes < STAMP_LOG_HEADER + log->head->max_records * sizeof(struct stamp_record)) {
		stamp_log_close(log);
		return -EBADMSG;
	}
	return 0;
}

void stamp_log_close(struct stamp_log *log)
{
	munmap(log->head, log->bytes);
	log->head = NULL;
}

void *stamp_buffer(size_t bytes)
{
	void *buf = NULL;

	if (posix_memalign(&buf, 4096, bytes)) {
		fputs("rpl-stamp: out of memory\n", stderr);
		exit(2);
	}
	return buf;
}

static int dev_size(int fd, uint64_t *bytes)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	*bytes = (uint64_t)st.st_size;
	if (S_ISBLK(st.st_mode) && ioctl(fd, BLKGETSIZE64, bytes))
		return -errno;
	return 0;
}

int stamp_dev_open(struct stamp_dev *dev, const char *path, int flags, uint64_t offset,
		   uint64_t length)
{
	uint64_t size;
	int ret;

	dev->path = path;
	dev->fd = open(path, flags | O_DIRECT | O_CLOEXEC);
	if (dev->fd < 0 && errno == EINVAL) /* a file system without O_DIRECT: a unit test's */
		dev->fd = open(path, flags | O_CLOEXEC);
	if (dev->fd < 0) {
		ret = -errno;
		fprintf(stderr, "rpl-stamp: cannot open %s: %s\n", path, strerror(-ret));
		return ret;
	}
	ret = dev_size(dev->fd, &size);
	if (ret) {
		fprintf(stderr, "rpl-stamp: cannot size %s: %s\n", path, strerror(-ret));
		return ret;
	}
	if (offset % STAMP_SECTOR || length % STAMP_SECTOR || offset > size ||
	    length > size - offset) {
		fprintf(stderr, "rpl-stamp: %s has %llu bytes, the range %llu+%llu does not fit\n",
			path, (unsigned long long)size, (unsigned long long)offset,
			(unsigned long long)length);
		return -EINVAL;
	}
	dev->start = offset;
	dev->bytes = length ? length : (size - offset) / STAMP_SECTOR * STAMP_SECTOR;
	return 0;
}

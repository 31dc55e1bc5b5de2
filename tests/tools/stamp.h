/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stamp.h - what rpl-stamp writes into a volume and into its log.
 *
 * Every sector that rpl-stamp writes says where it belongs (volume, lba), which write put it
 * there (the issue tick of one clock shared by all writers) and is otherwise filled with bytes
 * that follow from these, so that a sector can be regenerated and compared byte by byte. The
 * clock ticks when a write is issued and again when it is acknowledged: write A was over before
 * write B began exactly when A.ack < B.issue.
 *
 * Blocks are dealt to the writers (block % writers), so two writes of one block never overlap in
 * time.
 */
#ifndef RPL_STAMP_H
#define RPL_STAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STAMP_SECTOR	  512
#define STAMP_MAX_VOLUMES 1024
#define STAMP_MAX_BLOCK	  (1 << 20)
#define STAMP_FILL_WRITER UINT32_MAX
#define STAMP_IO_BYTES	  (1 << 20)

struct stamp_id {
	uint64_t run; /* the run (or fill seed) that wrote it */
	uint64_t issue; /* clock tick of the write; 0 for fill */
	uint64_t lba; /* 512-byte sector of the volume */
	uint32_t volume; /* index on the command line */
	uint32_t writer; /* STAMP_FILL_WRITER for fill */
};

/* Write the sector that @id describes to @buf (STAMP_SECTOR bytes). */
void stamp_make(void *buf, const struct stamp_id *id);

/*
 * Read a sector back. Returns 0 and fills @id if every byte is as stamp_make() made it, -ENODATA
 * if it is no stamp at all, -EBADMSG if it is a damaged one.
 */
int stamp_read(const void *buf, struct stamp_id *id);

uint32_t stamp_crc32c(const void *buf, size_t len);
uint64_t stamp_mix(uint64_t x);

/*
 * The log: a header page, then records. Mapped shared, so that it survives kill -9 of the writer.
 */
#define STAMP_LOG_MAGIC	 0x31474f4c54535052ULL /* "RPSTLOG1" */
#define STAMP_LOG_HEADER 4096
#define STAMP_MAX_MARKS	 64

struct stamp_mark {
	uint64_t clock;
	uint64_t realtime_ns;
};

struct stamp_log_head {
	uint64_t magic;
	uint64_t run;
	uint64_t offset_bytes; /* the stamped range of every volume */
	uint64_t length_bytes; /* 0: to the end */
	uint64_t max_records;
	_Atomic uint64_t nr_records;
	_Atomic uint64_t clock;
	uint32_t block_bytes;
	uint32_t nr_volumes;
	uint32_t nr_writers;
	_Atomic uint32_t nr_marks;
	struct stamp_mark marks[STAMP_MAX_MARKS];
};

struct stamp_record {
	uint64_t issue; /* 0: never issued */
	uint64_t ack; /* 0: not acknowledged (in flight or failed) */
	uint64_t block;
	uint32_t volume;
	uint32_t writer;
};

struct stamp_log {
	struct stamp_log_head *head;
	struct stamp_record *records;
	size_t bytes;
};

int stamp_log_create(struct stamp_log *log, const char *path, const struct stamp_log_head *head);
int stamp_log_open(struct stamp_log *log, const char *path);
void stamp_log_close(struct stamp_log *log);

/* A volume or the stamped range of it. */
struct stamp_dev {
	const char *path;
	int fd;
	uint64_t start; /* bytes */
	uint64_t bytes; /* of the range */
};

/* Open with O_DIRECT where the file takes it. length 0 = to the end. Prints its own error. */
int stamp_dev_open(struct stamp_dev *dev, const char *path, int flags, uint64_t offset,
		   uint64_t length);
void *stamp_buffer(size_t bytes);

struct stamp_opts {
	uint64_t seed, offset, length, count, rate, seconds, max_records;
	uint64_t fill_seed;
	uint32_t block, writers;
	int after_mark, before_mark; /* 0 = none, marks count from 1 */
	bool have_fill, keep_going, may_fail;
	const char *log, *stop_file;
};

int stamp_cmd_write(const struct stamp_opts *o, int nr, char **paths);
int stamp_cmd_check(const struct stamp_opts *o, int nr, char **paths);
int stamp_cmd_kept(const struct stamp_opts *o, int nr, char **paths);

#endif

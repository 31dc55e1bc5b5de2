// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * image.c - the device or file that holds a store: read only, block by block, past the page cache,
 * as the module writes past it.
 */
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"

/* The first line of a file of sysfs, NULL if there is none. */
static char *sysfs_line(const char *path)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buf[256];
	ssize_t n;

	if (fd < 0)
		return NULL;
	n = read(fd, buf, sizeof(buf) - 1);
	if (n <= 0)
		return NULL;
	buf[n] = 0;
	buf[strcspn(buf, "\n")] = 0;
	return xstrdup(buf);
}

/* Who holds a block device: the name of the dm device above it, or as much as is known. */
static char *holder_of(dev_t dev)
{
	CLEANUP_FREE char *dir = xasprintf("/sys/dev/block/%u:%u/holders", major(dev), minor(dev));
	DIR *d = opendir(dir);
	char *out = NULL;
	struct dirent *e;

	while (d && !out && (e = readdir(d))) {
		CLEANUP_FREE char *path = NULL;

		if (e->d_name[0] == '.')
			continue;
		path = xasprintf("%s/%s/dm/name", dir, e->d_name);
		out = sysfs_line(path);
		if (!out)
			out = xstrdup(e->d_name);
	}
	if (d)
		closedir(d);
	return out ? out : xstrdup("another user");
}

static int open_block(struct image *im)
{
	struct stat st;

	im->is_block = true;
	im->fd = open(im->path, O_RDONLY | O_EXCL | O_DIRECT | O_CLOEXEC);
	if (im->fd >= 0)
		return 0;
	if (errno != EBUSY)
		return -errno;
	im->fd = open(im->path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (im->fd < 0 || fstat(im->fd, &st))
		return -errno;
	im->holder = holder_of(st.st_rdev);
	return 0;
}

int image_open(struct image *im, const char *path, u64 start_bytes)
{
	u64 bytes = 0;
	struct stat st;
	int r;

	memset(im, 0, sizeof(*im));
	im->fd = -1;
	im->path = xstrdup(path);
	im->start_bytes = start_bytes;
	if (stat(path, &st))
		return -errno;
	if (S_ISBLK(st.st_mode)) {
		r = open_block(im);
		if (r)
			return r;
		if (ioctl(im->fd, BLKGETSIZE64, &bytes))
			return -errno;
	} else if (S_ISREG(st.st_mode)) {
		im->fd = open(path, O_RDONLY | O_CLOEXEC);
		if (im->fd < 0)
			return -errno;
		bytes = (u64)st.st_size;
	} else {
		return -EINVAL;
	}
	im->bytes = bytes > start_bytes ? bytes - start_bytes : 0;
	return 0;
}

void image_close(struct image *im)
{
	if (im->fd >= 0)
		close(im->fd);
	im->fd = -1;
	free(im->path);
	free(im->holder);
	im->path = NULL;
	im->holder = NULL;
}

int image_read(struct image *im, u64 offset_bytes, void *block)
{
	/* O_DIRECT wants an aligned buffer, callers have any. */
	static u8 aligned[RPL_BLOCK_BYTES] __attribute__((aligned(RPL_BLOCK_BYTES)));
	ssize_t n;

	if (offset_bytes > im->bytes || im->bytes - offset_bytes < RPL_BLOCK_BYTES)
		return -ENODATA;
	n = pread(im->fd, aligned, sizeof(aligned), (off_t)(im->start_bytes + offset_bytes));
	if (n < 0)
		return -errno;
	if (n < (ssize_t)sizeof(aligned))
		return -ENODATA;
	memcpy(block, aligned, sizeof(aligned));
	return 0;
}

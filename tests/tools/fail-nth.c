// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fail-nth - /proc/PID/fail-nth of this task or of the kernel's workers, for rpl-dm and rplctl. What
 * is left of n goes from one begin to the next: the count is that of the whole command.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "fail-nth.h"

#define TASKS_MAX 256

static struct {
	int fd;
	unsigned int left;
} task[TASKS_MAX];
static unsigned int nr_tasks, hits;

static void add(const char *path, unsigned int n)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 || nr_tasks == TASKS_MAX)
		return;
	task[nr_tasks].fd = fd;
	task[nr_tasks++].left = n;
}

static void add_workers(unsigned int n)
{
	char path[300], comm[32];
	struct dirent *e;
	DIR *d = opendir("/proc");

	while (d && (e = readdir(d))) {
		ssize_t got;
		int fd;

		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		got = read(fd, comm, sizeof(comm));
		close(fd);
		if (got < 9 || strncmp(comm, "kworker/u", 9))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/fail-nth", e->d_name);
		add(path, n);
	}
	if (d)
		closedir(d);
}

static void disarm(void)
{
	while (nr_tasks)
		close(task[--nr_tasks].fd);
	hits = 0;
}

int fail_nth_arm(const char *who, unsigned int n)
{
	disarm();
	if (!strcmp(who, "self"))
		add("/proc/thread-self/fail-nth", n);
	else
		add_workers(n);
	return nr_tasks ? 0 : -1;
}

void fail_nth_begin(void)
{
	char text[16];
	unsigned int i;
	int saved = errno;

	for (i = 0; i < nr_tasks; i++) {
		size_t n = (size_t)sprintf(text, "%u", task[i].left);

		if (task[i].left && pwrite(task[i].fd, text, n, 0) < 0)
			task[i].left = 0;
	}
	errno = saved;
}

void fail_nth_end(void)
{
	char text[16];
	unsigned int i;
	int saved = errno;

	for (i = 0; i < nr_tasks; i++) {
		ssize_t got;

		if (!task[i].left)
			continue;
		got = pread(task[i].fd, text, sizeof(text) - 1, 0);
		if (got <= 0 || pwrite(task[i].fd, "0", 1, 0) < 0) {
			task[i].left = 0; /* the worker is gone */
			continue;
		}
		text[got] = '\0';
		task[i].left = (unsigned int)strtoul(text, NULL, 10);
		hits += !task[i].left;
	}
	errno = saved;
}

void fail_nth_tell(void)
{
	if (nr_tasks)
		printf(" %d", hits > 0);
	disarm();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rpl-dm - the everyday part of dmsetup, static: in an emulated guest it starts ten times faster,
 * and a kernel suite calls it hundreds of times. What it does not know, it gives to dmsetup.
 *
 *   rpl-dm create [--readonly] NAME --table LINE | create --concise "NAME,,,rw|ro,LINE;..."
 *   rpl-dm load [--readonly] NAME --table LINE
 *   rpl-dm remove [--retry] NAME... | suspend [--noflush] [--nolockfs] NAME... | resume NAME...
 *   rpl-dm until STORE CLONE STATE: sleeps, by events of the store, until the clone has the state
 *   rpl-dm status NAME | table NAME | message NAME SECTOR WORD... | names ("NAME Active|Suspended")
 *   rpl-dm clear NAME
 *   rpl-dm serve: such commands from standard input, a line each, words parted by tabs; what one prints
 *   is followed by a line "= STATUS". Behind `fail self|workers N` the Nth allocation of the next
 *   command fails (fail-nth.h); its line is "= STATUS HIT".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "fail-nth.h"

#define BUFFER	  262144
#define RETRIES	  100
#define RETRY_US  50000
#define MAX_WORDS 64

static union {
	struct dm_ioctl h;
	char bytes[BUFFER];
} io;
static int control = -1;

static void *payload(void)
{
	return io.bytes + sizeof(io.h);
}

static void prepare(const char *name, unsigned int flags)
{
	memset(&io, 0, sizeof(io.h) + 512);
	io.h.version[0] = DM_VERSION_MAJOR;
	io.h.data_size = BUFFER;
	io.h.data_start = sizeof(io.h);
	io.h.flags = flags;
	if (name)
		snprintf(io.h.name, sizeof(io.h.name), "%s", name);
}

static int call(unsigned long cmd, const char *what, const char *name)
{
	int r;

	fail_nth_begin();
	r = ioctl(control, cmd, &io);
	fail_nth_end();
	if (!r)
		return 0;
	if (what)
		fprintf(stderr, "rpl-dm: %s %s: %s\n", what, name, strerror(errno));
	return -1;
}

static void node_path(char *path, size_t size, const char *name)
{
	snprintf(path, size, "/dev/mapper/%s", name);
}

static void node_make(const char *name, __u64 dev)
{
	char path[256];

	node_path(path, sizeof(path), name);
	unlink(path);
	/* the kernel's encoding of a device number in this interface */
	mknod(path, S_IFBLK | 0600,
	      makedev((dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00)));
}

static bool readonly; /* tables that are loaded */

static int load(const char *name, const char *line)
{
	unsigned long long start, length;
	struct dm_target_spec *spec = payload();
	char type[DM_MAX_TYPE_NAME * 4];
	int used = 0;

	if (sscanf(line, "%llu %llu %63s %n", &start, &length, type, &used) != 3) {
		fprintf(stderr, "rpl-dm: no table line: %s\n", line);
		return -1;
	}
	if (strlen(type) >= DM_MAX_TYPE_NAME) {
		fprintf(stderr, "rpl-dm: target name too long: %s\n", type);
		return -1;
	}
	prepare(name, readonly ? DM_READONLY_FLAG : 0);
	io.h.target_count = 1;
	memset(spec, 0, sizeof(*spec));
	spec->sector_start = start;
	spec->length = length;
	strcpy(spec->target_type, type);
	strcpy((char *)(spec + 1), line + used);
	spec->next = (sizeof(*spec) + strlen(line + used) + 8) & ~7U;
	return call(DM_TABLE_LOAD, "load", name);
}

static int resume(const char *name)
{
	prepare(name, 0);
	return call(DM_DEV_SUSPEND, "resume", name);
}

static int create(const char *name, const char *line)
{
	__u64 dev;

	prepare(name, 0);
	if (call(DM_DEV_CREATE, "create", name))
		return -1;
	dev = io.h.dev;
	if (load(name, line) || resume(name)) {
		prepare(name, 0);
		call(DM_DEV_REMOVE, NULL, name);
		return -1;
	}
	node_make(name, dev);
	return 0;
}

static int create_concise(char *all)
{
	char *save = NULL, *one, *field;

	for (one = strtok_r(all, ";", &save); one; one = strtok_r(NULL, ";", &save)) {
		const char *name = one;
		int i;

		for (i = 0, field = one; field && i < 4; i++) {
			if (i == 3)
				readonly = !strncmp(field, "ro,", 3);
			field = strchr(field, ',');
			if (field)
				*field++ = '\0';
		}
		if (!field || create(name, field))
			return -1;
	}
	return 0;
}

static int remove_one(const char *name, bool retry)
{
	char path[256];
	int i;

	for (i = 0;; i++) {
		prepare(name, 0);
		if (!call(DM_DEV_REMOVE, NULL, name))
			break;
		if (errno != EBUSY || !retry || i == RETRIES) {
			fprintf(stderr, "rpl-dm: remove %s: %s\n", name, strerror(errno));
			return -1;
		}
		usleep(RETRY_US);
	}
	node_path(path, sizeof(path), name);
	unlink(path);
	return 0;
}

static int show(const char *name, unsigned int flags)
{
	struct dm_target_spec *spec = payload();

	prepare(name, flags);
	if (call(DM_TABLE_STATUS, "status", name))
		return -1;
	if (io.h.target_count)
		printf("%llu %llu %s %s\n", (unsigned long long)spec->sector_start,
		       (unsigned long long)spec->length, spec->target_type, (char *)(spec + 1));
	return 0;
}

/* The event's number is read before the state: a change in between ends the wait at once. */
static int until(const char *store, const char *clone, const char *state)
{
	struct dm_target_spec *spec = payload();
	__u32 event_nr;

	for (;;) {
		prepare(store, 0);
		if (call(DM_DEV_STATUS, "until", store))
			return -1;
		event_nr = io.h.event_nr;
		prepare(clone, DM_NOFLUSH_FLAG);
		if (call(DM_TABLE_STATUS, "until", clone))
			return -1;
		if (io.h.target_count && !strncmp((char *)(spec + 1), state, strlen(state)))
			return 0;
		prepare(store, 0);
		io.h.event_nr = event_nr;
		if (call(DM_DEV_WAIT, "until", store))
			return -1;
	}
}

static int message(const char *name, const char *sector, char **words)
{
	struct dm_target_msg *msg = payload();
	size_t room = BUFFER - sizeof(io.h) - sizeof(*msg);
	char *to = msg->message;

	prepare(name, 0);
	msg->sector = strtoull(sector, NULL, 10);
	*to = '\0';
	for (; *words; words++) {
		int n = snprintf(to, room, "%s%s", to == msg->message ? "" : " ", *words);

		if ((size_t)n >= room)
			return -1;
		to += n;
		room -= (size_t)n;
	}
	if (call(DM_TARGET_MSG, "message", name))
		return -1;
	if (io.h.flags & DM_DATA_OUT_FLAG)
		puts(payload());
	return 0;
}

static int names(void)
{
	static char list[BUFFER];
	struct dm_name_list *n = (void *)list;

	prepare(NULL, 0);
	if (call(DM_LIST_DEVICES, "list", ""))
		return -1;
	memcpy(list, payload(), BUFFER - sizeof(io.h));
	while (n->dev) {
		prepare(n->name, 0);
		if (!call(DM_DEV_STATUS, NULL, n->name))
			printf("%s %s\n", n->name,
			       io.h.flags & DM_SUSPEND_FLAG ? "Suspended" : "Active");
		if (!n->next)
			break;
		n = (void *)((char *)n + n->next);
	}
	return 0;
}

/* 1: not for us. */
static int run(int argc, char **argv)
{
	unsigned int flags = 0;
	bool retry = false;
	int i = 2, r = 0;

	for (; i < argc && !strncmp(argv[i], "--", 2) && strcmp(argv[i], "--concise"); i++) {
		if (!strcmp(argv[i], "--retry"))
			retry = true;
		else if (!strcmp(argv[i], "--noflush"))
			flags |= DM_NOFLUSH_FLAG;
		else if (!strcmp(argv[i], "--nolockfs"))
			flags |= DM_SKIP_LOCKFS_FLAG;
		else if (!strcmp(argv[i], "--readonly"))
			readonly = true;
		else
			return 1;
	}
	if (!strcmp(argv[1], "names"))
		return names();
	if (!strcmp(argv[1], "create") && argc == 4 && !strcmp(argv[2], "--concise"))
		return create_concise(argv[3]);
	if (i >= argc)
		return 1;
	if (argc == i + 3 && !strcmp(argv[i + 1], "--table") && i == 2 + readonly) {
		if (!strcmp(argv[1], "create"))
			return create(argv[i], argv[i + 2]);
		if (!strcmp(argv[1], "load"))
			return load(argv[i], argv[i + 2]);
		return 1;
	}
	if (!strcmp(argv[1], "message") && argc > i + 1)
		return message(argv[i], argv[i + 1], argv + i + 2);
	if (!strcmp(argv[1], "until") && argc == i + 3)
		return until(argv[i], argv[i + 1], argv[i + 2]);
	if (!strcmp(argv[1], "status") && argc == i + 1)
		return show(argv[i], flags);
	if (!strcmp(argv[1], "table") && argc == i + 1)
		return show(argv[i], DM_STATUS_TABLE_FLAG);
	if (!strcmp(argv[1], "remove"))
		for (; i < argc; i++)
			r |= remove_one(argv[i], retry);
	else if (!strcmp(argv[1], "suspend"))
		for (; i < argc; i++) {
			prepare(argv[i], flags | DM_SUSPEND_FLAG);
			r |= call(DM_DEV_SUSPEND, "suspend", argv[i]);
		}
	else if (!strcmp(argv[1], "clear")) {
		prepare(argv[i], 0);
		r = call(DM_TABLE_CLEAR, "clear", argv[i]);
	} else if (!strcmp(argv[1], "resume"))
		for (; i < argc; i++)
			r |= resume(argv[i]);
	else
		return 1;
	return r;
}

/* For who has many commands and no time to start a program for each. */
static int serve(void)
{
	char *line = NULL, *words[MAX_WORDS + 1], *save;
	size_t size = 0;

	dup2(STDOUT_FILENO, STDERR_FILENO);
	setvbuf(stderr, NULL, _IONBF, 0);
	while (getline(&line, &size, stdin) > 0) {
		int n = 1;

		words[0] = NULL;
		line[strcspn(line, "\n")] = '\0';
		for (char *w = strtok_r(line, "\t", &save); w && n < MAX_WORDS;
		     w = strtok_r(NULL, "\t", &save))
			words[n++] = w;
		words[n] = NULL;
		readonly = false;
		if (n == 4 && !strcmp(words[1], "fail")) {
			printf("= %d\n", fail_nth_arm(words[2], (unsigned int)atoi(words[3])));
		} else {
			printf("= %d", n > 1 ? run(n, words) : 1);
			fail_nth_tell();
			putchar('\n');
		}
		fflush(stdout);
	}
	free(line);
	return 0;
}

int main(int argc, char **argv)
{
	int r = 1;

	control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	if (argc == 2 && control >= 0 && !strcmp(argv[1], "serve"))
		return serve();
	if (argc > 1 && control >= 0)
		r = run(argc, argv);
	if (r == 1) {
		argv[0] = "dmsetup";
		execvp("dmsetup", argv);
		perror("rpl-dm: dmsetup");
	}
	return r ? 1 : 0;
}

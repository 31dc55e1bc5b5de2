// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * distrust.c - notes about stores that failed: a store whose device was lost could not say so on
 * it, sources have gone on, and only the module knows, as long as it is loaded.
 *
 * A note is a file called like the store's tag, made when smisd hears of the failure. A store that
 * has one is opened with `distrust`; the note goes when that has happened. The notes lie beside the
 * configuration: they are needed before /var is mounted. Its holder alone makes and removes notes,
 * for distrust_note() runs beside the other operations: these may wait for the lost device.
 */
#include "priv/op.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "kernel/client.h"

#define NOTES_PARENT "/etc/smisd"
#define NOTES	     NOTES_PARENT "/distrust"

bool distrust_wanted(const char *store)
{
	char path[sizeof(NOTES) + ENGINE_UUID_LEN];

	snprintf(path, sizeof(path), NOTES "/%s", store);
	/* what cannot be looked for is taken for there: that costs replicas, but no wrong bytes */
	return !access(path, F_OK) || errno != ENOENT;
}

/* The locked directory, or -1 with errno. */
static int notes_open(void)
{
	int dir = open(NOTES, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	while (dir >= 0 && flock(dir, LOCK_EX))
		if (errno != EINTR) {
			close(dir);
			return -1;
		}
	return dir;
}

static int notes_sync(int dir)
{
	CLEANUP_CLOSE int parent = open(NOTES_PARENT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* also when it was there already: who made it may not have come to this */
	return parent < 0 || fsync(dir) || fsync(parent) ? -1 : 0;
}

static int write_note(const char *store, const char *reason)
{
	CLEANUP_CLOSE int dir = -1, fd = -1;

	if ((mkdir(NOTES_PARENT, 0755) && errno != EEXIST) ||
	    (mkdir(NOTES, 0700) && errno != EEXIST))
		return -1;
	dir = notes_open();
	if (dir < 0)
		return -1;
	fd = openat(dir, store, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	/* the reason is for people: the note counts without it */
	if (fd < 0 || dprintf(fd, "%s\n", reason) < 0 || fsync(fd))
		return -1;
	return notes_sync(dir);
}

static int note(struct op *o, const char *store, const char *reason)
{
	bool again = distrust_wanted(store);

	if (write_note(store, reason))
		return answer_fail(o->a, -errno, "store %s cannot be noted in " NOTES ": %s", store,
				   strerror(errno));
	if (!again)
		log_notice("store %s failed (%s): it is not trusted when it is opened again", store,
			   reason);
	return 0;
}

int distrust_note(struct op *o)
{
	struct kernel_stores all = { 0 };
	char name[ENGINE_UUID_LEN];
	size_t ours = 0, failed = 0;
	int ret = kernel_stores(o->req->uuid, &all, o->a);

	for (size_t i = 0; i < all.n && !ret; i++) {
		const struct kernel_store *s = &all.v[i];

		if (!op_store_is_ours(o, s->dev) ||
		    !dm_store_uuid(rpl_dev_major(s->dev), rpl_dev_minor(s->dev), name))
			continue;
		ours++;
		if (!s->failed)
			continue;
		failed++;
		ret = note(o, name, s->reason);
	}
	free(all.v);
	if (!ret && !failed)
		ret = answer_fail(o->a, ours ? -EINVAL : -ENOENT,
				  ours ? "store %s has not failed" : "store %s is none of ours",
				  o->req->uuid);
	return ret;
}

/*
 * What has to fail has failed when the table that says `distrust` is there. Only of an open store:
 * the note of one that has failed since is a new one.
 */
void distrust_settle(struct op *o, const char *store)
{
	struct dm_device d = dm_store(store);
	CLEANUP_CLOSE int dir = -1;
	struct dm_state st;

	if (!distrust_wanted(store))
		return;
	dir = notes_open();
	if (dir < 0 || dm_look(&d, &st, o->why) || strcmp(st.target, "replica-store") ||
	    !strstr(st.params, " distrust") || !kernel_store_is_open(rpl_dev(st.major, st.minor)))
		return;
	if (unlinkat(dir, store, 0) || notes_sync(dir))
		log_err("store %s: its note in " NOTES " stays, and counts again: %s", store,
			strerror(errno));
}

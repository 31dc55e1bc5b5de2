// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dm.c - device-mapper through libdevmapper. See dm.h for who may call.
 */
#include "dm/dm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libdevmapper.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "engine/proto.h"

#define UNMAKE_TRIES 50
#define UNMAKE_PAUSE 100000000 /* ns */
#define LINK_DIR     "/dev/rpl"
#define PROBE_NOTHING                                                             \
	(DM_UDEV_DISABLE_SUBSYSTEM_RULES_FLAG | DM_UDEV_DISABLE_DISK_RULES_FLAG | \
	 DM_UDEV_DISABLE_OTHER_RULES_FLAG | DM_UDEV_LOW_PRIORITY_FLAG)

static bool have_udev;
static char last_message[DM_WHY]; /* libdevmapper tells reasons by its log only */

static void on_log(int level, const char *file, int line, int dm_errno, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

static void on_log(int level, const char *file, int line, int dm_errno, const char *fmt, ...)
{
	va_list ap;

	(void)file;
	(void)line;
	(void)dm_errno;
	if ((level & 7) > 4)
		return;
	va_start(ap, fmt);
	vsnprintf(last_message, sizeof(last_message), fmt, ap);
	va_end(ap);
}

void dm_setup(void)
{
	have_udev = !access("/run/udev/control", F_OK);
	dm_log_with_errno_init(on_log);
	dm_udev_set_sync_support(have_udev);
	dm_udev_set_checking(0);
	mkdir(LINK_DIR, 0755);
}

struct dm_device dm_volume(const char *uuid, bool is_clone)
{
	struct dm_device d = { .is_clone = is_clone };

	snprintf(d.name, sizeof(d.name), "RPL-%s", uuid);
	return d;
}

struct dm_device dm_snapshot(const char *uuid, bool is_read_only)
{
	struct dm_device d = dm_volume(uuid, true);

	d.is_read_only = is_read_only;
	return d;
}

struct dm_device dm_store(const char *uuid)
{
	struct dm_device d = { .is_private = true };

	snprintf(d.name, sizeof(d.name), "RPL-private-%s-store", uuid);
	return d;
}

static uint16_t udev_flags(const struct dm_device *d)
{
	/* without udev the library makes the nodes: its fallback */
	uint16_t flags = have_udev ? DM_UDEV_DISABLE_LIBRARY_FALLBACK : 0;

	return d->is_private || d->is_clone ? flags | PROBE_NOTHING : flags;
}

static int task_errno(struct dm_task *t)
{
	int e = dm_task_get_errno(t);

	return e ? -e : -EIO;
}

static int explain(int ret, const char *what, const struct dm_device *d, char why[DM_WHY])
{
	snprintf(why, DM_WHY, "%s %s: %.120s", what, d->name,
		 *last_message ? last_message : strerror(-ret));
	return ret;
}

/* Runs a task that udev hears of, and waits until udev is done. */
static int run_noticed(struct dm_task *t, const struct dm_device *d)
{
	uint32_t cookie = 0;
	int ret = 0;

	*last_message = '\0';
	if (!dm_task_set_cookie(t, &cookie, udev_flags(d)))
		return -EIO;
	if (!dm_task_run(t))
		ret = task_errno(t);
	dm_udev_wait(cookie);
	dm_task_update_nodes();
	return ret;
}

/* ---- looking */

static int table_of(const char *name, struct dm_state *out)
{
	struct dm_task *t = dm_task_create(DM_DEVICE_TABLE);
	char *target = NULL, *params = NULL;
	uint64_t start, length;
	void *next = NULL;
	int ret = t ? 0 : -ENOMEM;

	if (!ret && (!dm_task_set_name(t, name) || !dm_task_run(t)))
		ret = task_errno(t);
	if (!ret) {
		next = dm_get_next_target(t, NULL, &start, &length, &target, &params);
		if (target) {
			snprintf(out->target, sizeof(out->target), "%s", target);
			snprintf(out->params, sizeof(out->params), "%s", params ? params : "");
			out->sectors = length;
		}
	}
	/* a logical volume in several pieces has a line for each */
	while (next) {
		next = dm_get_next_target(t, next, &start, &length, &target, &params);
		out->sectors += length;
	}
	if (t)
		dm_task_destroy(t);
	return ret;
}

static int look(const char *name, struct dm_state *out)
{
	struct dm_task *t = dm_task_create(DM_DEVICE_INFO);
	struct dm_info info;
	int ret = t ? 0 : -ENOMEM;

	memset(out, 0, sizeof(*out));
	*last_message = '\0';
	if (!ret && (!dm_task_set_name(t, name) || !dm_task_run(t) || !dm_task_get_info(t, &info)))
		ret = task_errno(t);
	if (t)
		dm_task_destroy(t);
	if (ret || !info.exists)
		return ret;
	out->exists = true;
	out->suspended = info.suspended;
	out->is_read_only = info.read_only;
	out->major = info.major;
	out->minor = info.minor;
	out->open_count = info.open_count;
	return table_of(name, out);
}

int dm_look(const struct dm_device *d, struct dm_state *out, char why[DM_WHY])
{
	int ret = look(d->name, out);

	return ret ? explain(ret, "looking at", d, why) : 0;
}

int dm_look_lv(const char *vg, const char *lv, struct dm_state *out, char why[DM_WHY])
{
	struct dm_pool *mem = dm_pool_create("lv", 256);
	char *name = mem ? dm_build_dm_name(mem, vg, lv, NULL) : NULL;
	int ret = name ? look(name, out) : -ENOMEM;

	if (ret)
		snprintf(why, DM_WHY, "looking at %s/%s: %s", vg, lv, strerror(-ret));
	if (mem)
		dm_pool_destroy(mem);
	return ret;
}

static struct dm_task *ask_by_number(int type, uint32_t major, uint32_t minor)
{
	struct dm_task *t = dm_task_create(type);

	if (t && dm_task_set_major(t, (int)major) && dm_task_set_minor(t, (int)minor) &&
	    dm_task_run(t))
		return t;
	if (t)
		dm_task_destroy(t);
	return NULL;
}

bool dm_lv_name(uint32_t major, uint32_t minor, char vg[DM_LV_BYTES], char lv[DM_LV_BYTES])
{
	struct dm_task *t = ask_by_number(DM_DEVICE_INFO, major, minor);
	struct dm_pool *mem = dm_pool_create("lv", 256);
	char *group = NULL, *name = NULL, *layer = NULL;
	struct dm_info info = { 0 };
	bool found = t && mem && dm_task_get_info(t, &info) && info.exists &&
		     !strncmp(dm_task_get_uuid(t), "LVM-", 4) &&
		     dm_split_lvm_name(mem, dm_task_get_name(t), &group, &name, &layer) &&
		     !*layer && strlen(group) < DM_LV_BYTES && strlen(name) < DM_LV_BYTES;

	if (found) {
		strcpy(vg, group);
		strcpy(lv, name);
	}
	if (mem)
		dm_pool_destroy(mem);
	if (t)
		dm_task_destroy(t);
	return found;
}

bool dm_store_lv_name(uint32_t maj, uint32_t min, char vg[DM_LV_BYTES], char lv[DM_LV_BYTES])
{
	struct dm_task *t = ask_by_number(DM_DEVICE_DEPS, maj, min);
	struct dm_deps *deps = t ? dm_task_get_deps(t) : NULL;
	bool found = deps && deps->count == 1 &&
		     dm_lv_name(major(deps->device[0]), minor(deps->device[0]), vg, lv);

	if (t)
		dm_task_destroy(t);
	return found;
}

bool dm_store_uuid(uint32_t major, uint32_t minor, char uuid[ENGINE_UUID_LEN])
{
	struct dm_task *t = ask_by_number(DM_DEVICE_INFO, major, minor);
	struct dm_info info = { 0 };
	struct dm_device d;
	bool found = t && dm_task_get_info(t, &info) && info.exists &&
		     sscanf(dm_task_get_name(t), "RPL-private-%36[0-9a-f-]", uuid) == 1 &&
		     proto_uuid_ok(uuid);

	if (found) {
		d = dm_store(uuid);
		found = !strcmp(dm_task_get_name(t), d.name);
	}
	if (t)
		dm_task_destroy(t);
	return found;
}

int dm_volume_numbers(const char *uuid, struct dm_numbers *out, char why[DM_WHY])
{
	struct dm_device d = dm_volume(uuid, false);
	struct dm_state st;
	int ret = dm_look(&d, &st, why);
	uint32_t skip;

	memset(out, 0, sizeof(*out));
	if (ret)
		return ret;
	out->sectors = st.sectors;
	if (!strcmp(st.target, "replica-clone") &&
	    sscanf(st.params, "%u:%u %u %u:%u %u %u", &out->store_major, &out->store_minor,
		   &out->id, &out->lower_major, &out->lower_minor, &skip, &out->source_id) == 7) {
		out->is_clone = true;
		return 0;
	}
	if (!strcmp(st.target, "replica-snap") &&
	    sscanf(st.params, "%u:%u %u %u %u:%u", &out->store_major, &out->store_minor, &out->id,
		   &out->source_id, &out->lower_major, &out->lower_minor) == 6) {
		out->is_snapshot = true;
		return 0;
	}
	if (!strcmp(st.target, "replica-source") &&
	    sscanf(st.params, "%u:%u %u %u:%u", &out->store_major, &out->store_minor, &out->id,
		   &out->lower_major, &out->lower_minor) == 5)
		return 0;
	snprintf(why, DM_WHY, "volume %s: its device is not there", uuid);
	return -ENODEV;
}

int dm_id_taken(uint32_t id, bool *taken, char why[DM_WHY])
{
	struct dm_task *t = dm_task_create(DM_DEVICE_LIST);
	struct dm_names *n = t && dm_task_run(t) ? dm_task_get_names(t) : NULL;
	struct dm_numbers have;
	uint32_t next = 0;

	*taken = false;
	if (!n) {
		snprintf(why, DM_WHY, "device-mapper's devices cannot be listed");
		if (t)
			dm_task_destroy(t);
		return -EIO;
	}
	if (n->dev)
		do {
			n = (struct dm_names *)(void *)((char *)n + next);
			if (!strncmp(n->name, "RPL-", 4) && strncmp(n->name, "RPL-private-", 12) &&
			    !dm_volume_numbers(n->name + 4, &have, why) && have.id == id)
				*taken = true;
			next = n->next;
		} while (next && !*taken);
	dm_task_destroy(t);
	return 0;
}

/* ---- links */

bool dm_link_name(const char *name, char *out, size_t size)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789#+-.:=@_";
	size_t n = 0;

	for (const char *s = name; *s; s++) {
		bool ok = strchr(plain, *s) && !(s == name && *s == '.');

		if (n + (ok ? 1 : 4) >= size)
			return false;
		if (ok)
			out[n++] = *s;
		else
			n += (size_t)snprintf(out + n, size - n, "\\x%02x", (unsigned char)*s);
	}
	out[n] = '\0';
	return n > 0;
}

static void target_of(const char *uuid, char out[96])
{
	snprintf(out, 96, "../mapper/RPL-%s", uuid);
}

/* Removes the links to this volume but those called @uuid or @keep; @keep NULL: all of them. */
static void sweep(const char *uuid, const char *keep)
{
	char want[96], have[96];
	DIR *dir = opendir(LINK_DIR);
	struct dirent *de;

	target_of(uuid, want);
	while (dir && (de = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), de->d_name, have, sizeof(have) - 1);

		if (n < 0)
			continue;
		have[n] = '\0';
		if (strcmp(have, want))
			continue;
		if (!keep || (strcmp(de->d_name, keep) && strcmp(de->d_name, uuid)))
			unlinkat(dirfd(dir), de->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

static int put_link(const char *file, const char *uuid, char why[DM_WHY])
{
	char path[320], tmp[320], want[96], have[96];
	ssize_t n;

	target_of(uuid, want);
	snprintf(path, sizeof(path), LINK_DIR "/%s", file);
	n = readlink(path, have, sizeof(have) - 1);
	if (n >= 0) {
		have[n] = '\0';
		if (!strcmp(have, want))
			return 0;
	}
	snprintf(tmp, sizeof(tmp), LINK_DIR "/.new-%s", uuid);
	unlink(tmp);
	if (symlink(want, tmp) || rename(tmp, path)) {
		int ret = -errno;

		snprintf(why, DM_WHY, "%.200s: %s", path, strerror(-ret));
		return ret;
	}
	return 0;
}

int dm_link(const char *uuid, const char *name, char why[DM_WHY])
{
	char file[256];
	int ret = put_link(uuid, uuid, why);

	if (ret || !dm_link_name(name, file, sizeof(file)))
		return ret;
	sweep(uuid, file);
	return put_link(file, uuid, why);
}

void dm_unlink(const char *uuid)
{
	sweep(uuid, NULL);
}

/* ---- why a table is refused: the kernel says it in its log only */

static int kmsg_mark(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* The last line of device-mapper since the mark becomes the message, without its prefix. */
static void kmsg_reason(int fd)
{
	static const char prefix[] = "device-mapper: table: ";
	char rec[2048], *text, *end;
	ssize_t n;

	while (fd >= 0 && (n = read(fd, rec, sizeof(rec) - 1)) > 0) {
		rec[n] = '\0';
		text = strstr(rec, prefix);
		if (!text)
			continue;
		text += strlen(prefix);
		end = strchr(text, '\n');
		if (end)
			*end = '\0';
		snprintf(last_message, sizeof(last_message), "%s", text);
	}
	if (fd >= 0)
		close(fd);
}

/* ---- changing */

int dm_make(const struct dm_device *d, const char *target, uint64_t sectors, const char *params,
	    char why[DM_WHY])
{
	struct dm_task *t = dm_task_create(DM_DEVICE_CREATE);
	int ret = t ? 0 : -ENOMEM, log = kmsg_mark();

	*last_message = '\0';
	if (!ret && (!dm_task_set_name(t, d->name) || !dm_task_set_uuid(t, d->name) ||
		     !dm_task_add_target(t, 0, sectors, target, params) ||
		     !dm_task_set_add_node(t, DM_ADD_NODE_ON_RESUME) ||
		     (d->is_read_only && !dm_task_set_ro(t))))
		ret = -EINVAL;
	if (!ret)
		ret = run_noticed(t, d);
	if (t)
		dm_task_destroy(t);
	if (ret)
		kmsg_reason(log);
	else if (log >= 0)
		close(log);
	if (!ret && !d->is_private)
		put_link(d->name + strlen("RPL-"), d->name + strlen("RPL-"), why);
	return ret ? explain(ret, "making", d, why) : 0;
}

static int load(const struct dm_device *d, const char *target, uint64_t sectors, const char *params)
{
	struct dm_task *t = dm_task_create(DM_DEVICE_RELOAD);
	int ret = t ? 0 : -ENOMEM, log = kmsg_mark();

	*last_message = '\0';
	if (!ret &&
	    (!dm_task_set_name(t, d->name) || !dm_task_add_target(t, 0, sectors, target, params)))
		ret = -EINVAL;
	if (!ret && !dm_task_run(t))
		ret = task_errno(t);
	if (t)
		dm_task_destroy(t);
	if (ret)
		kmsg_reason(log);
	else if (log >= 0)
		close(log);
	return ret;
}

static void clear(const struct dm_device *d)
{
	struct dm_task *t = dm_task_create(DM_DEVICE_CLEAR);

	if (t && dm_task_set_name(t, d->name))
		dm_task_run(t);
	if (t)
		dm_task_destroy(t);
}

int dm_swap(const struct dm_device *d, const char *target, uint64_t sectors, const char *params,
	    char why[DM_WHY])
{
	struct dm_task *t;
	int ret = load(d, target, sectors, params);

	if (ret)
		return explain(ret, "loading a table for", d, why);
	t = dm_task_create(DM_DEVICE_RESUME);
	ret = t && dm_task_set_name(t, d->name) ? 0 : -ENOMEM;
	if (!ret)
		ret = run_noticed(t, d);
	if (t)
		dm_task_destroy(t);
	if (ret) {
		clear(d);
		return explain(ret, "resuming", d, why);
	}
	return 0;
}

static int unmake_once(const struct dm_device *d)
{
	struct dm_task *t = dm_task_create(DM_DEVICE_REMOVE);
	int ret = t && dm_task_set_name(t, d->name) ? 0 : -ENOMEM;

	if (!ret)
		ret = run_noticed(t, d);
	if (t)
		dm_task_destroy(t);
	return ret;
}

int dm_unmake(const struct dm_device *d, char why[DM_WHY])
{
	int ret = -EBUSY;

	for (int i = 0; i < UNMAKE_TRIES && ret == -EBUSY; i++) {
		if (i)
			nanosleep(&(struct timespec) { .tv_nsec = UNMAKE_PAUSE }, NULL);
		ret = unmake_once(d);
	}
	if (ret == -ENXIO)
		return 0;
	return ret ? explain(ret, "removing", d, why) : 0;
}

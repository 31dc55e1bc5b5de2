// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dm.h - our device-mapper devices; the only file that calls libdevmapper.
 *
 * For smisd-priv's worker processes: everything blocks. Names and uuids of devices are made here
 * and nowhere else: RPL-<uuid> for volumes, RPL-private-<uuid>-store for stores. Udev cookies are
 * waited for when udev runs; without it nodes and /dev/rpl links are made here.
 * Functions return 0 or a negative errno with a sentence in @why.
 */
#ifndef AGENT_DM_DM_H
#define AGENT_DM_DM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"

#define DM_WHY	      256
#define DM_NAME_BYTES 64
#define DM_TABLE_LEN  256
#define DM_LV_BYTES   128 /* a name of LVM's */

struct dm_device {
	char name[DM_NAME_BYTES]; /* also its dm uuid */
	bool is_private; /* a store: not to be probed by udev */
	bool is_clone; /* or a snapshot: not to be probed, it has its source's labels (F22) */
	bool is_read_only; /* a snapshot that cannot be written */
};

struct dm_state {
	bool exists, suspended, is_read_only;
	uint32_t major, minor;
	int32_t open_count;
	uint64_t sectors;
	char target[32], params[DM_TABLE_LEN]; /* of the live table's first line; "" */
};

void dm_setup(void); /* once per process: logging, is udev there */
struct dm_device dm_volume(const char *uuid, bool is_clone);
struct dm_device dm_snapshot(const char *uuid, bool is_read_only);
struct dm_device dm_store(const char *uuid);

/* What the live table of a volume's device says. */
struct dm_numbers {
	bool is_clone, is_snapshot; /* else a source */
	uint32_t store_major, store_minor;
	uint32_t id, source_id; /* source_id: of a clone or snapshot */
	uint32_t lower_major, lower_minor; /* its logical volume; of a snapshot: its source's */
	uint64_t sectors;
};
/* -ENODEV when there is no such device, or it has the table of none of the three. */
int dm_volume_numbers(const char *uuid, struct dm_numbers *out, char why[DM_WHY]);
/* Is the id one of a device that is there? */
int dm_id_taken(uint32_t id, bool *taken, char why[DM_WHY]);
/* The device of an active logical volume; exists is false when it is not active. */
int dm_look_lv(const char *vg, const char *lv, struct dm_state *out, char why[DM_WHY]);

/*
 * Group and name of the logical volume that a device is; false: it is none. Of a store's device: of
 * the one under it.
 */
bool dm_lv_name(uint32_t major, uint32_t minor, char vg[DM_LV_BYTES], char lv[DM_LV_BYTES]);
bool dm_store_lv_name(uint32_t major, uint32_t minor, char vg[DM_LV_BYTES], char lv[DM_LV_BYTES]);

/* The uuid in the name of a store's device; false: it is called otherwise. */
bool dm_store_uuid(uint32_t major, uint32_t minor, char uuid[ENGINE_UUID_LEN]);

int dm_look(const struct dm_device *d, struct dm_state *out, char why[DM_WHY]);
int dm_make(const struct dm_device *d, const char *target, uint64_t sectors, const char *params,
	    char why[DM_WHY]);
/* Loads the table and swaps it in; I/O waits meanwhile, open devices stay open. */
int dm_swap(const struct dm_device *d, const char *target, uint64_t sectors, const char *params,
	    char why[DM_WHY]);
/* Tries for a few seconds while something (udev) holds it. */
int dm_unmake(const struct dm_device *d, char why[DM_WHY]);

/* /dev/rpl/<uuid> and /dev/rpl/<name, odd characters as \xNN>; older links of it go. */
int dm_link(const char *uuid, const char *name, char why[DM_WHY]);
void dm_unlink(const char *uuid);
/* Pure: the link's file name, or false when it would be too long. */
bool dm_link_name(const char *name, char *out, size_t size);

#endif

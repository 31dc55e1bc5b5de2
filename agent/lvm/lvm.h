// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * lvm.h - logical volumes; the only file that starts lvm.
 *
 * For smisd-priv's worker processes: everything blocks, with a deadline. lvm is started with a
 * fixed argument vector built here, no shell, an empty environment. Our volumes are those named
 * rpl-<uuid> with the tag rpl and an id tag; everything else is not seen and not touched.
 * Functions return 0 or a negative errno with lvm's sentence in @why.
 */
#ifndef AGENT_LVM_LVM_H
#define AGENT_LVM_LVM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/backend.h"

#define LVM_STORE_NAME "rpl-store"
#define LVM_WHY	       256

struct lvm_volume {
	struct backend_volume pub; /* has_device and is_open are not filled here */
	size_t pool; /* index in lvm_view.pools */
	bool active;
	uint32_t major, minor; /* when active */
};

struct lvm_pool {
	struct backend_pool pub;
	char vg[128];
	/* the store's logical volume */
	bool has_store, store_active;
	char store_uuid[ENGINE_UUID_LEN]; /* tag rpl.uuid=; "" while it is being made */
	uint64_t store_bytes;
	uint32_t store_major, store_minor;
};

struct lvm_view {
	struct lvm_pool *pools;
	struct lvm_volume *volumes;
	size_t nr_pools, nr_volumes;
};

struct smisd_config;

/* What is there, of the volume groups of the configuration; absent groups are left out. */
int lvm_view_load(struct lvm_view *v, const struct smisd_config *cfg, char why[LVM_WHY]);
void lvm_view_done(struct lvm_view *v);
/* Adds a volume that lvm_create() has made; pointers into @v->volumes become invalid. */
struct lvm_volume *lvm_add(struct lvm_view *v, size_t pool, const char *uuid, uint32_t id,
			   uint64_t size_bytes, uint32_t major, uint32_t minor);
struct lvm_volume *lvm_find(struct lvm_view *v, const char *uuid);
/* Pure: adds what one report (lvs with the fields of the groups, or vgs) says. */
int lvm_parse(struct lvm_view *v, const struct smisd_config *cfg, const char *report_json,
	      char why[LVM_WHY]);

/* @source: whose clone it is about to be; "" or NULL: nobody's. */
int lvm_create(const char *vg, const char *uuid, uint32_t id, uint64_t size_bytes,
	       const char *source, char why[LVM_WHY]);
/*
 * Group and store of a pool as the last view had them, without asking lvm (which costs more than
 * all the rest): a hint, good enough for commands that lvm checks by itself. False: not known.
 */
void lvm_keep_hints(const struct lvm_view *v);
bool lvm_hint(const char *pool_uuid, char vg[128], char store_uuid[ENGINE_UUID_LEN]);
/* Without its uuid tag: the caller empties it, then lvm_tag_store() says that it is a store. */
int lvm_create_store(const struct lvm_pool *p, uint64_t size_bytes, char why[LVM_WHY]);
int lvm_tag_store(const struct lvm_pool *p, const char *store_uuid, char why[LVM_WHY]);
int lvm_remove(const struct lvm_view *v, const struct lvm_volume *lv, char why[LVM_WHY]);
int lvm_extend(const struct lvm_view *v, const struct lvm_volume *lv, uint64_t size_bytes,
	       char why[LVM_WHY]);
/* The tag that says whose clone it is about to be; @source NULL takes it away. */
int lvm_tag_source(const struct lvm_view *v, struct lvm_volume *lv, const char *source,
		   char why[LVM_WHY]);
/* Activates the store and all of our volumes of the pool that are not active. */
int lvm_activate(const struct lvm_view *v, size_t pool, char why[LVM_WHY]);

#endif

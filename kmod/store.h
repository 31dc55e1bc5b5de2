/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The registry inside the data plane: stores, how tables find and hold objects, births of groups.
 */
#ifndef RPL_STORE_H
#define RPL_STORE_H

#include "core.h"

/* ---- module life ---- */
int rpl_op_cache_init(void);
void rpl_op_cache_exit(void);
int rpl_stores_init(void);
void rpl_stores_exit(void); /* waits for the last store's end; no table is left */
int rpl_target_store_init(void);
void rpl_target_store_exit(void);
int rpl_source_init(void);
void rpl_source_exit(void);
int rpl_target_clone_init(void);
void rpl_target_clone_exit(void);
int rpl_target_snap_init(void);
void rpl_target_snap_exit(void);

/* What the store's table says. */
struct rpl_store_args {
	struct block_device *bdev;
	sector_t start, len;
	u32 chunk_sectors;
	u32 max_volumes;
	bool format;
	bool distrust;
};

/*
 * The store of this dm device for one more replica-store table: the one that exists, if the line
 * agrees with it, else a new one, opened. ERR_PTR with *why. Sleeps, does I/O.
 */
struct rpl_store *rpl_store_table_get(struct mapped_device *md, const struct rpl_store_args *args,
				      struct rpl_why *why);
/*
 * The table is gone. If it was the last one, the store ends: closed cleanly without users, else
 * failed, and its users go on without it (F18).
 */
void rpl_store_table_put(struct rpl_store *s);

/* The store of a dm device, for a table of a source or clone. ERR_PTR(-ENXIO) and *why if none. */
struct rpl_store *rpl_store_user_get(struct block_device *bdev, struct rpl_why *why);
void rpl_store_user_put(struct rpl_store *s);

/* The volume with this id for a source's table, known and in the epoch. ERR_PTR with *why. */
struct rpl_volume *rpl_volume_table_get(struct rpl_store *s, u32 id, struct rpl_why *why);
void rpl_volume_table_put(struct rpl_volume *vol);

/* The clone with this id for a clone's table; made, in state prepared, if there is none. */
struct rpl_clone *rpl_clone_table_get(struct rpl_store *s, u32 id, u32 volume_id,
				      struct rpl_why *why);
void rpl_clone_table_put(struct rpl_clone *c); /* a snapshot's, too */

/* Out of the registry if no table and no relation names it. cmd_mutex not needed. Sleeps. */
void rpl_volume_drop_unused(struct rpl_store *s, struct rpl_volume *vol);

/* Into the registry, which takes the caller's ref. ctl_mutex held. */
void rpl_clone_link(struct rpl_store *s, struct rpl_clone *c);

/* Out of the registry (detach, end of a store); the registry's ref goes. */
void rpl_clone_unlink(struct rpl_clone *c);

struct rpl_group *rpl_group_new(struct rpl_store *s, const u8 *uuid);

/*
 * Source writes were let go for the failure of a clone that the store on disk does not know of: as
 * long as the module is loaded, an opening of the store takes it for failed. _not_: it has been
 * opened, and knows. Any context; any process context.
 */
void rpl_store_lost(struct rpl_store *s);
bool rpl_store_was_lost(const u8 *uuid);
void rpl_store_not_lost(const u8 *uuid);

/* Make *obj_dev (a volume's or clone's ->dev, under its lock) this table's; idempotent. */
void rpl_binding_init(struct rpl_binding *dev, struct dm_target *ti);
void rpl_binding_bind(struct rpl_binding **obj_dev, spinlock_t *lock, struct rpl_binding *dev);
/* Take it away if it is this one, and wait for the ops that use it. */
void rpl_binding_unbind(struct rpl_binding **obj_dev, spinlock_t *lock, struct rpl_binding *dev);

/* Work functions of wakers. */
void rpl_source_wake_work(struct work_struct *work);
void rpl_clone_wake_work(struct work_struct *work);
void rpl_snap_wake_work(struct work_struct *work);

/* Shared by the constructors: a device argument with its offset, checked. *error is a sentence. */
int rpl_parse_dev(struct dm_target *ti, const char *path, const char *offset, struct dm_dev **dev,
		  sector_t *start);
int rpl_parse_id(struct dm_target *ti, const char *arg, u32 *id);

#endif /* RPL_STORE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control plane, as the data plane sees it: persistence, commands, events, netlink. What it
 * needs of the data plane is in core.h, and its locks too.
 *
 * Netlink handlers stop all generic netlink of the machine while they wait (F30): they take
 * ctl_mutex and rpl_stores_lock, never cmd_mutex, and neither of the two is ever held across I/O, a
 * drain or a grace period. Commands run on store->ctl_wq.
 */
#ifndef RPL_CONTROL_H
#define RPL_CONTROL_H

#include <linux/types.h>
#include "core.h"
#include "names-gen.h"

struct sk_buff;

/* ---- module life (main.c), in this order; exit in the reverse ---- */

int rpl_control_init(void); /* before dm_register_target() */
int rpl_nl_init(void); /* after dm_register_target(): the family appears */
void rpl_nl_exit(void); /* before dm_unregister_target() */
void rpl_control_exit(void); /* after dm_unregister_target(), when no store is left */

/* ---- persist.c ---- */

struct rpl_open_opts {
	sector_t start; /* where the store begins on its device */
	u64 dev_bytes; /* ti->len: what of the device may be used */
	u32 chunk_sectors; /* as in the table line */
	u32 max_volumes; /* format only; 0 = default */
	bool format; /* write a fresh store if the device is blank */
	bool distrust; /* it was lost: as if it said itself that it has failed */
};

/*
 * Read and check the store on bdev; format a blank device if asked. Then make the objects that it
 * holds through rpl_store_add_loaded_volume/_group/_clone(), in this order, with everything the
 * records say in them: state, reason and rates, and for unfinished clones ->copied as it was saved,
 * with what the journal says beyond that if the store was not closed cleanly. Those of a store that
 * failed, is not to be trusted, or has a damaged journal come as failed, with the reason. Fills
 * s->uuid, generation, incarnation, epoch, chunk_sectors, max_volumes and flags. Last it makes
 * "open, unclean" durable, with a new generation.
 *
 * Constructor of the store: sleeps, does I/O, no locks held. 0 and s->persist is set, or an errno
 * with *why and nothing is written (but perhaps a format), s->persist is NULL; objects that were
 * added already are the caller's to drop.
 */
int rpl_persist_open(struct rpl_store *s, struct block_device *bdev,
		     const struct rpl_open_opts *opts, struct rpl_why *why);

/*
 * Make the present volumes, groups, clones and s->epoch durable, all of them at one instant.
 * Returns when they are durable (I5), or an errno: then the caller must rpl_store_fail(). Writes
 * nothing if nothing differs, unless `always`. persist_mutex held; ctl_mutex NOT held: it is taken
 * while records are made. Prepared and detached clones have no record; a volume has one if its size
 * is known.
 */
int rpl_persist_commit(struct rpl_store *s, bool always);

/*
 * Make all that the journal says durable elsewhere, so that its blocks can be used again. 0, or the
 * store has failed or is closed. Takes persist_mutex; sleeps, but for nothing other than the
 * store's device.
 */
int rpl_persist_checkpoint(struct rpl_store *s);

/*
 * The device may be used up to dev_bytes: lay out what is new of it, if it is enough to be of use.
 * 0: durable, and in use. Else nothing has changed, or the store has failed; *why is the end of a
 * sentence about the store. Takes persist_mutex, ctl_mutex; sleeps, but for nothing other than the
 * store's device.
 */
int rpl_persist_grow(struct rpl_store *s, u64 dev_bytes, struct rpl_why *why);

/*
 * From here on the store may have what this feature bit says: durable in both superblocks. Takes
 * persist_mutex, does I/O. 0 or -errno.
 */
int rpl_persist_allow(struct rpl_store *s, u64 incompat);

/*
 * Say in both superblocks that the store has failed: at 0 its unfinished clones are failed for
 * good, whatever the journal lacks. Takes persist_mutex.
 */
int rpl_persist_mark_failed(struct rpl_store *s);

/*
 * Clean close: a checkpoint whose superblock says "clean". Copying has stopped and the targets have
 * been flushed. If the store failed, or the close does, the store stays unclean on disk. Frees
 * s->persist in any case. cmd_mutex held.
 */
int rpl_persist_close(struct rpl_store *s);

/* Free s->persist without any I/O. On disk the store stays unclean. NULL is fine. */
void rpl_persist_abandon(struct rpl_store *s);

/*
 * Is there room on disk for these members, which are prepared? ctl_mutex held, no I/O. 0, or an
 * errno with *why. promise: the places found are theirs until the next promise; places that are
 * looked for later, one after the other, need not be enough. (command.c asks when a command is
 * taken, and when its turn has come, then for the promise.)
 */
int rpl_persist_room(struct rpl_store *s, const struct rpl_group_spec *spec, bool promise,
		     struct rpl_why *why);

/* The map in memory goes: no bio and no work comes to it any more. */
void rpl_persist_map_free(struct rpl_store *s);

/* ---- event.c: any context, irq too ---- */

/*
 * Something changed: it will be told to listeners (netlink) and waiters (dm_table_event), progress
 * at most four times a second for each object, everything else always. Renews ->notify.seq. The
 * object's notify must be zeroed at birth. A queued notice holds a reference of the object, so the
 * last put may come from event.c's work. `removed` is the last event of an object.
 */
void rpl_event_clone(struct rpl_clone *c, enum rpl_event what);
void rpl_event_group(struct rpl_group *g, enum rpl_event what);
void rpl_event_store(struct rpl_store *s, enum rpl_event what);

/* ---- settings.c: ctl_mutex is taken, no I/O ---- */

/* 0 or -EINVAL with *why. */
int rpl_settings_check(const struct rpl_settings *set, struct rpl_why *why);
/* What *set says, and what was said before of the rest. */
void rpl_settings_set(struct rpl_store *s, const struct rpl_settings *set);
void rpl_settings_get(struct rpl_store *s, struct rpl_settings *set);
/* A store with space has more of it: if nothing was said of the mark, it is another one. */
void rpl_settings_grown(struct rpl_store *s);

/* ---- message.c: the message method of replica-store ---- */

/* 1 with a line in result, 0, or an errno (the sentence is in the log). Waits killable. */
int rpl_message(struct rpl_store *s, unsigned int argc, char **argv, char *result,
		unsigned int maxlen);

/* A string for ti->error from a sentence made at run time. Good until the eighth later call. */
char *rpl_ti_error(const struct rpl_why *why);

/* ---- command.c ---- */

/* What relation-modify asks for: relation id, or the group if id is 0. */
struct rpl_modify_spec {
	u32 id;
	u8 group_uuid[RPL_UUID_LEN];
	enum rpl_action action;
	bool force; /* detach: unfinished ones too */
	bool has_min, has_max; /* set-rate: what is not given stays as it is */
	u64 min_bytes_s, max_bytes_s;
};

/* A command, and what became of it. Made by _new, owned by its maker until it is submitted. */
struct rpl_command {
	struct kref kref;
	struct work_struct work;
	struct list_head list; /* of the last ones, command.c's lock */
	struct rpl_store *store; /* with a reference, until it is done */
	dev_t devt;
	u64 cookie;
	enum rpl_command_kind kind;
	enum rpl_command_status status; /* command.c's lock */
	u32 portid; /* of the socket that asked, 0 = none */
	int error; /* positive errno of the result */
	struct rpl_why why;
	u8 group_uuid[RPL_UUID_LEN];
	struct completion done;
	struct rpl_group_spec *create; /* one of the two */
	struct rpl_modify_spec modify;
};

/* ERR_PTR(-ENOMEM). _create takes over spec (kvfree). */
struct rpl_command *rpl_command_new_create(struct rpl_store *s, struct rpl_group_spec *spec);
struct rpl_command *rpl_command_new_modify(struct rpl_store *s, const struct rpl_modify_spec *spec);

/* Would it be refused now? Takes ctl_mutex, no I/O. */
int rpl_command_check(struct rpl_command *cmd, struct rpl_why *why);

/* Queue it. It runs whatever becomes of the caller; the caller keeps its reference. */
void rpl_command_submit(struct rpl_command *cmd);

struct rpl_command *rpl_command_find(u64 cookie); /* with a reference, or NULL */
void rpl_command_put(struct rpl_command *cmd);

/* A consistent copy of what may be told about a command. */
struct rpl_command_stat {
	dev_t devt;
	u64 cookie;
	enum rpl_command_kind kind;
	enum rpl_command_status status;
	int error;
	struct rpl_why why;
	u8 group_uuid[RPL_UUID_LEN];
};

void rpl_command_stat_get(struct rpl_command *cmd, struct rpl_command_stat *out);

/* ---- nl.c, for event.c and command.c: process context, may sleep ---- */

/* seq and state 0: the present ones. */
void rpl_nl_send_store(struct rpl_store *s, enum rpl_event what, u64 seq);
void rpl_nl_send_clone(struct rpl_clone *c, enum rpl_event what, enum rpl_state state, u64 seq);
void rpl_nl_send_group(struct rpl_group *g, enum rpl_event what, u64 seq);
void rpl_nl_send_done(struct rpl_command *cmd);

/* Grows with every change of the lists of objects: dumps tell by it that they were interrupted. */
unsigned int rpl_event_changes(void);

#endif /* RPL_CONTROL_H */

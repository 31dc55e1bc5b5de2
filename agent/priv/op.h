// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * op.h - one operation under way; shared by ops.c, ours.c, snapshots.c and distrust.c.
 */
#ifndef AGENT_PRIV_OP_H
#define AGENT_PRIV_OP_H

#include <string.h>

#include "dm/dm.h"
#include "lvm/lvm.h"
#include "priv/ops.h"

#define SECTOR 512

struct op {
	const struct smisd_config *cfg;
	const struct backend_request *req;
	struct lvm_view view;
	struct answer *a;
	char why[LVM_WHY];
};

/* Passes on what lvm or device-mapper said. */
static inline int pass(struct op *o, int error)
{
	return error ? answer_fail(o->a, error, "%s", o->why) : 0;
}

/* ---- ours.c */
/* Has a table that may be somebody's; without one it is what is left of an attempt. */
static inline bool op_in_use(const struct dm_state *st)
{
	return st->exists && *st->target && strcmp(st->target, "error");
}
/* A group of the configuration? */
bool op_vg_is_ours(const struct op *o, const char *vg);
/* The numbers of a volume's device; -ENODEV: there is none, -EPERM: it is not ours. */
int op_device(struct op *o, const char *uuid, struct dm_numbers *out);
/* @dev: rpl_dev() of a store. */
bool op_store_is_ours(const struct op *o, uint32_t dev);

/* ---- ops.c */
/* rpl_dev() of the pool's store; -ENODEV when it is not active. */
int op_store_number(struct op *o, size_t pool, uint32_t *dev);
/* -EBUSY when somebody has it open; udev's short looks are waited for. */
int op_must_be_closed(struct op *o, const char *uuid);

/* ---- distrust.c */
int distrust_note(struct op *o);
/* Is the store to be opened with `distrust`? @store: its tag, as in the name of its device. */
bool distrust_wanted(const char *store);
/* Removes its note if that has happened. */
void distrust_settle(struct op *o, const char *store);

/* ---- snapshots.c: their devices; what they are is the kernel's to say */
/* Makes those of the pool that are missing; one that cannot be made does not keep the others. */
int snapshots_open(struct op *o, size_t pool);
/* Makes that of one that was just made, of a volume whose device is there. */
int snapshot_open_new(struct op *o, const struct backend_pair *p);
/* Adds those of the pool to the answer. */
int snapshots_list(struct op *o, size_t pool);
/* -EBUSY when the volume has some. */
int snapshots_none(struct op *o, const struct lvm_volume *lv);
int snapshot_delete(struct op *o);

#endif

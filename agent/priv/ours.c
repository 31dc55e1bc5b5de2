// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ours.c - is a device that a request names ours? Anybody's can be called RPL-<uuid>: one is ours
 * when the logical volume under it is rpl-<uuid> of a configured group, a store when that is
 * rpl-store. Device-mapper alone is asked, for operations that cannot wait for lvm.
 */
#include "priv/op.h"

#include <errno.h>
#include <string.h>

#include "engine/proto.h"
#include "kernel/client.h"

bool op_vg_is_ours(const struct op *o, const char *vg)
{
	for (size_t i = 0; i < o->cfg->nr_pools; i++)
		if (!strcmp(o->cfg->pools[i].vg, vg))
			return true;
	return false;
}

/* @uuid NULL: of any volume. */
static bool is_on_ours(const struct op *o, const struct dm_numbers *n, const char *uuid)
{
	char vg[DM_LV_BYTES], lv[DM_LV_BYTES];

	return dm_lv_name(n->lower_major, n->lower_minor, vg, lv) && op_vg_is_ours(o, vg) &&
	       !strncmp(lv, "rpl-", 4) && (uuid ? !strcmp(lv + 4, uuid) : proto_uuid_ok(lv + 4));
}

int op_device(struct op *o, const char *uuid, struct dm_numbers *out)
{
	int ret = pass(o, dm_volume_numbers(uuid, out, o->why));

	if (!ret && !is_on_ours(o, out, out->is_snapshot ? NULL : uuid))
		ret = answer_fail(o->a, -EPERM,
				  "device RPL-%s is on no logical volume of a configured pool",
				  uuid);
	return ret;
}

bool op_store_is_ours(const struct op *o, uint32_t dev)
{
	char vg[DM_LV_BYTES], lv[DM_LV_BYTES];

	return dm_store_lv_name(rpl_dev_major(dev), rpl_dev_minor(dev), vg, lv) &&
	       op_vg_is_ours(o, vg) && !strcmp(lv, LVM_STORE_NAME);
}

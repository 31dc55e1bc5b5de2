// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-replica: group-consistent snapshots and clones of block devices. This file is the map of the
 * module: each part is started in order, and ended in the reverse one.
 */
#define DM_MSG_PREFIX "replica"

#include <linux/module.h>
#include <linux/rcupdate.h>

#include "control.h"
#include "store.h"

static int __init rpl_init(void)
{
	int r;

	r = rpl_op_cache_init();
	if (r)
		return r;
	r = rpl_stores_init();
	if (r)
		goto out_ops;
	r = rpl_control_init();
	if (r)
		goto out_stores;
	r = rpl_target_store_init();
	if (r)
		goto out_control;
	r = rpl_source_init();
	if (r)
		goto out_target_store;
	r = rpl_target_clone_init();
	if (r)
		goto out_source;
	r = rpl_target_snap_init();
	if (r)
		goto out_target_clone;
	r = rpl_nl_init();
	if (r)
		goto out_target_snap;
	return 0;

out_target_snap:
	rpl_target_snap_exit();
out_target_clone:
	rpl_target_clone_exit();
out_source:
	rpl_source_exit();
out_target_store:
	rpl_target_store_exit();
out_control:
	rpl_control_exit();
out_stores:
	rpl_stores_exit();
out_ops:
	rpl_op_cache_exit();
	return r;
}

static void __exit rpl_exit(void)
{
	rpl_nl_exit();
	rpl_target_snap_exit();
	rpl_target_clone_exit();
	rpl_source_exit();
	rpl_target_store_exit();
	rpl_control_exit();
	/* views and epoch objects are freed by RCU callbacks, stores by the last of them */
	rcu_barrier();
	rpl_stores_exit();
	rcu_barrier();
	rpl_op_cache_exit();
}

module_init(rpl_init);
module_exit(rpl_exit);

MODULE_DESCRIPTION("device-mapper replication: group-consistent snapshots and clones");
MODULE_AUTHOR("The dm-replica authors");
MODULE_LICENSE("GPL");
MODULE_ALIAS("dm-replica-store");
MODULE_ALIAS("dm-replica-source");
MODULE_ALIAS("dm-replica-clone");
MODULE_ALIAS("dm-replica-snap");

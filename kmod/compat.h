/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every difference between the kernels that this module builds for (6.1, 6.12, 7.2). Nothing else
 * in kmod/ may look at a version or probe a feature.
 */
#ifndef RPL_COMPAT_H
#define RPL_COMPAT_H

#include <linux/blkdev.h>
#include <linux/device-mapper.h>
#include <linux/part_stat.h>
#include <net/genetlink.h>

/*
 * Requests in flight on a dm disk as a whole, as iostats count them (F43); -1: they are turned off.
 * 6.1's dm counts always, and its queues' flag says nothing; it follows the feature bit since there
 * is one.
 */
static inline int rpl_disk_inflight(struct gendisk *disk)
{
	long sum = 0;
	int cpu;

#ifdef BLK_FEAT_IO_STAT
	if (!blk_queue_io_stat(disk->queue))
		return -1;
#endif
	for_each_possible_cpu(cpu)
		sum += part_stat_local_read_cpu(disk->part0, in_flight[0], cpu) +
		       part_stat_local_read_cpu(disk->part0, in_flight[1], cpu);
	return sum < 0 ? 0 : sum;
}

/* May a table's device be written to? Modes of devices have a type of their own since 6.5. */
static inline bool rpl_table_writeable(struct dm_table *table)
{
#ifdef BLK_OPEN_WRITE
	return dm_table_get_mode(table) & BLK_OPEN_WRITE;
#else
	return dm_table_get_mode(table) & FMODE_WRITE;
#endif
}

/* Attributes of a dump request: in genl_dumpit_info itself until 6.5, in its genl_info since. */
static inline struct nlattr **rpl_dump_attrs(struct netlink_callback *cb)
{
#ifdef RPL_HAVE_GENL_INFO_DUMP /* Kbuild */
	return genl_dumpit_info(cb)->info.attrs;
#else
	return genl_dumpit_info(cb)->attrs;
#endif
}

#endif /* RPL_COMPAT_H */

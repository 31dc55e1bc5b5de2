// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the constructors of all targets share: arguments, and the binding of tables to objects.
 * Several tables may name one object (live and loaded): the constructor only finds it, preresume
 * binds, the destructor unbinds if it is the bound one (F18). Object locks guard the pointers.
 */
#define DM_MSG_PREFIX "replica"

#include "op.h"
#include "store.h"

void rpl_binding_init(struct rpl_binding *dev, struct dm_target *ti)
{
	dev->ti = ti;
	atomic_set(&dev->users, 0);
	init_completion(&dev->idle);
}

void rpl_binding_bind(struct rpl_binding **obj_dev, spinlock_t *lock, struct rpl_binding *dev)
{
	struct rpl_binding *old;

	spin_lock_irq(lock);
	old = *obj_dev;
	if (old != dev) {
		atomic_inc(&dev->users);
		WRITE_ONCE(*obj_dev, dev);
	}
	spin_unlock_irq(lock);
	/* ops of the old table may still run; its destructor waits for them */
	if (old && old != dev)
		rpl_binding_put(old);
	dev->was_bound = true;
}

void rpl_binding_unbind(struct rpl_binding **obj_dev, spinlock_t *lock, struct rpl_binding *dev)
{
	bool bound;

	if (!dev->was_bound)
		return;
	spin_lock_irq(lock);
	bound = *obj_dev == dev;
	if (bound)
		WRITE_ONCE(*obj_dev, NULL);
	spin_unlock_irq(lock);
	if (bound)
		rpl_binding_put(dev);
	wait_for_completion(&dev->idle);
}

int rpl_parse_id(struct dm_target *ti, const char *arg, u32 *id)
{
	if (kstrtou32(arg, 10, id) || !*id || *id > RPL_ID_MAX) {
		ti->error = "An id must be a number from 1 to 32767";
		return -EINVAL;
	}
	return 0;
}

static int check_dev(struct dm_target *ti, struct block_device *bdev)
{
	unsigned int bytes = bdev_logical_block_size(bdev);

	if (bdev_is_zoned(bdev)) {
		ti->error = "Zoned devices cannot be replicated";
		return -EINVAL;
	}
	if (bytes > SZ_4K) {
		ti->error = "Devices with logical blocks above 4096 bytes are not supported";
		return -EINVAL;
	}
	if (ti->len & ((bytes >> SECTOR_SHIFT) - 1)) {
		ti->error = "The length is not a multiple of the device's logical block size";
		return -EINVAL;
	}
	return 0;
}

int rpl_parse_dev(struct dm_target *ti, const char *path, const char *offset, struct dm_dev **dev,
		  sector_t *start)
{
	unsigned long long at;
	int r;

	if (kstrtoull(offset, 10, &at) || at != (sector_t)at) {
		ti->error = "An offset must be a number of sectors";
		return -EINVAL;
	}
	r = dm_get_device(ti, path, dm_table_get_mode(ti->table), dev);
	if (r) {
		ti->error = "A device of the table line could not be opened";
		return r;
	}
	*start = at;
	r = check_dev(ti, (*dev)->bdev);
	if (!r && (at & ((bdev_logical_block_size((*dev)->bdev) >> SECTOR_SHIFT) - 1))) {
		ti->error = "An offset is not a multiple of the device's logical block size";
		r = -EINVAL;
	}
	if (r)
		dm_put_device(ti, *dev);
	return r;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Target replica-store: the device by which a store is opened, named in other tables, and sent
 * messages. It maps no data: reads give zeroes, writes fail. The object behind it is store.c's and
 * outlives its tables (F18).
 *
 * Table line: <dev> <chunk sectors> [<#features> [format] [distrust] [max_volumes <n>]
 *	[low_water <sectors>] [overflow <invalidate|queue>] [queue_timeout <ms>]]
 */
#define DM_MSG_PREFIX "replica-store"

#include <linux/log2.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "control.h"
#include "format.h"
#include "region.h"
#include "store.h"

#define FEATURES                                                                          \
	"Features are: format, distrust, max_volumes <n>, low_water <sectors>, overflow " \
	"<invalidate|queue>, queue_timeout <ms>"

struct rpl_store_table {
	struct dm_target *ti;
	struct rpl_store *store;
	struct dm_dev *dev;
	struct rpl_store_args args;
	struct rpl_settings settings;
};

/* A feature with a value. */
static int parse_value(struct rpl_store_table *st, struct dm_target *ti, const char *word,
		       const char *value)
{
	struct rpl_settings *set = &st->settings;

	if (!strcasecmp(word, "max_volumes")) {
		if (!kstrtou32(value, 10, &st->args.max_volumes) && st->args.max_volumes &&
		    st->args.max_volumes <= RPL_VOLUMES_MAX)
			return 0;
		ti->error = "max_volumes must be 1 to 4096";
	} else if (!strcasecmp(word, "low_water")) {
		set->has_low_water = true;
		if (!kstrtou64(value, 10, &set->low_water_sectors))
			return 0;
		ti->error = "low_water must be a number of sectors";
	} else if (!strcasecmp(word, "overflow")) {
		int overflow = rpl_overflow_by_name(value);

		set->overflow = overflow > 0 ? overflow : 0;
		if (set->overflow)
			return 0;
		ti->error = "overflow must be invalidate or queue";
	} else if (!strcasecmp(word, "queue_timeout")) {
		if (!kstrtou32(value, 10, &set->queue_timeout_ms) && set->queue_timeout_ms &&
		    set->queue_timeout_ms <= RPL_QUEUE_TIMEOUT_MAX)
			return 0;
		ti->error = "queue_timeout must be 1 to 3600000 ms";
	} else {
		ti->error = FEATURES;
	}
	return -EINVAL;
}

static int parse_features(struct rpl_store_table *st, struct dm_target *ti, struct dm_arg_set *as)
{
	static const struct dm_arg args[] = {
		{ 0, 10, "Number of feature arguments must be 0 to 10" },
	};
	unsigned int nr;
	int r;

	if (!as->argc)
		return 0;
	r = dm_read_arg_group(args, as, &nr, &ti->error);
	if (r)
		return r;
	while (nr) {
		const char *word = dm_shift_arg(as);

		nr--;
		if (!strcasecmp(word, "format")) {
			st->args.format = true;
			continue;
		}
		if (!strcasecmp(word, "distrust")) {
			st->args.distrust = true;
			continue;
		}
		if (!nr) {
			ti->error = FEATURES;
			return -EINVAL;
		}
		nr--;
		r = parse_value(st, ti, word, dm_shift_arg(as));
		if (r)
			return r;
	}
	if (as->argc) {
		ti->error = "There are arguments after the features";
		return -EINVAL;
	}
	return 0;
}

static int parse(struct rpl_store_table *st, struct dm_target *ti, unsigned int argc, char **argv)
{
	struct dm_arg_set as = { .argc = argc - 2, .argv = argv + 2 };

	if (kstrtou32(argv[1], 10, &st->args.chunk_sectors) ||
	    !is_power_of_2(st->args.chunk_sectors) ||
	    st->args.chunk_sectors < RPL_CHUNK_SECTORS_MIN ||
	    st->args.chunk_sectors > RPL_CHUNK_SECTORS_MAX) {
		ti->error = "The chunk must be a power of two of 8 to 2048 sectors";
		return -EINVAL;
	}
	st->args.len = ti->len;
	return parse_features(st, ti, &as);
}

static int store_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct rpl_store_table *st;
	struct rpl_why why = {};
	int r;

	if (argc < 2) {
		ti->error = "Arguments: <dev> <chunk sectors> [<#features> <feature>...]";
		return -EINVAL;
	}
	st = kzalloc(sizeof(*st), GFP_KERNEL);
	if (!st) {
		ti->error = "Not enough memory";
		return -ENOMEM;
	}
	st->ti = ti;
	r = parse(st, ti, argc, argv);
	if (r)
		goto out_free;
	r = rpl_parse_dev(ti, argv[0], "0", &st->dev, &st->args.start);
	if (r)
		goto out_free;
	st->args.bdev = st->dev->bdev;
	/* whatever can fail, fails here, not in preresume (F20) */
	st->store = rpl_store_table_get(dm_table_get_md(ti->table), &st->args, &why);
	if (IS_ERR(st->store)) {
		r = PTR_ERR(st->store);
		ti->error = rpl_ti_error(&why);
		goto out_dev;
	}
	ti->private = st;
	return 0;

out_dev:
	dm_put_device(ti, st->dev);
out_free:
	kfree(st);
	return r;
}

static void store_dtr(struct dm_target *ti)
{
	struct rpl_store_table *st = ti->private;
	struct rpl_store *s = st->store;

	mutex_lock(&s->bind_lock);
	if (s->ti == ti)
		s->ti = NULL;
	mutex_unlock(&s->bind_lock);
	/* the device below goes away after this */
	rpl_store_table_put(s);
	dm_put_device(ti, st->dev);
	kfree(st);
}

static int store_preresume(struct dm_target *ti)
{
	struct rpl_store_table *st = ti->private;

	mutex_lock(&st->store->bind_lock);
	st->store->ti = ti;
	mutex_unlock(&st->store->bind_lock);
	rpl_settings_set(st->store, &st->settings);
	return 0;
}

/*
 * The table is in force: what it has more than the store, the store may use. Nothing is lost if it
 * cannot; another suspend and resume tries again.
 */
static void store_resume(struct dm_target *ti)
{
	struct rpl_store_table *st = ti->private;
	u64 dev_bytes = (u64)ti->len << SECTOR_SHIFT;
	struct rpl_why why = {};
	unsigned int flags;

	/* a resume that has nothing to do waits for no I/O */
	if (dev_bytes < READ_ONCE(st->store->dev_bytes) + RPL_BLOCK_BYTES)
		return;
	/* who gives memory back must not need us, and we are suspended */
	flags = memalloc_noio_save();
	if (rpl_persist_grow(st->store, dev_bytes, &why))
		DMWARN("store %s has not grown: %s", st->store->name, why.text);
	memalloc_noio_restore(flags);
}

static int store_map(struct dm_target *ti, struct bio *bio)
{
	/* every udev probe reads: errors would only fill the log (F21) */
	if (op_is_write(bio_op(bio)))
		return DM_MAPIO_KILL;
	zero_fill_bio(bio);
	bio_endio(bio);
	return DM_MAPIO_SUBMITTED;
}

static int store_message(struct dm_target *ti, unsigned int argc, char **argv, char *result,
			 unsigned int maxlen)
{
	struct rpl_store_table *st = ti->private;

	return rpl_message(st->store, argc, argv, result, maxlen);
}

static void store_status(struct dm_target *ti, status_type_t type, unsigned int flags, char *result,
			 unsigned int maxlen)
{
	struct rpl_store_table *st = ti->private;
	struct rpl_store_stat stat;
	struct rpl_settings set;
	unsigned int sz = 0, nr;

	switch (type) {
	case STATUSTYPE_INFO:
		rpl_store_stat_get(st->store, &stat);
		DMEMIT("%s %llu %llu %u %u %u %s %llu %llu %s %u", rpl_store_mode_name(stat.mode),
		       stat.generation, READ_ONCE(st->store->epoch), stat.nr_volumes,
		       stat.nr_clones, stat.nr_groups,
		       stat.flags & RPL_STORE_FLAG_UNCLEAN_OPEN ? "unclean" : "clean",
		       stat.used_bytes >> SECTOR_SHIFT, stat.data_bytes >> SECTOR_SHIFT,
		       stat.flags & RPL_STORE_FLAG_LOW_SPACE ? "low" : "enough",
		       stat.waiting_writes);
		break;
	case STATUSTYPE_TABLE:
		rpl_settings_get(st->store, &set);
		DMEMIT("%s %u", st->dev->name, st->args.chunk_sectors);
		nr = st->args.format + st->args.distrust + 2 * !!st->args.max_volumes +
		     2 * set.has_low_water + 2 * !!set.overflow + 2 * !!set.queue_timeout_ms;
		if (nr)
			DMEMIT(" %u", nr);
		if (st->args.format)
			DMEMIT(" format");
		if (st->args.distrust)
			DMEMIT(" distrust");
		if (st->args.max_volumes)
			DMEMIT(" max_volumes %u", st->args.max_volumes);
		if (set.has_low_water)
			DMEMIT(" low_water %llu", set.low_water_sectors);
		if (set.overflow)
			DMEMIT(" overflow %s", rpl_overflow_name(set.overflow));
		if (set.queue_timeout_ms)
			DMEMIT(" queue_timeout %u", set.queue_timeout_ms);
		break;
	case STATUSTYPE_IMA:
		DMEMIT_TARGET_NAME_VERSION(ti->type);
		DMEMIT(",dev=%s,chunk_sectors=%u;", st->dev->name, st->args.chunk_sectors);
		break;
	}
}

static struct target_type store_target = {
	.name = "replica-store",
	.version = { 1, 0, 0 },
	.features = DM_TARGET_SINGLETON | DM_TARGET_IMMUTABLE | DM_TARGET_ALWAYS_WRITEABLE,
	.module = THIS_MODULE,
	.ctr = store_ctr,
	.dtr = store_dtr,
	.map = store_map,
	.preresume = store_preresume,
	.resume = store_resume,
	.message = store_message,
	.status = store_status,
};

int __init rpl_target_store_init(void)
{
	BUILD_BUG_ON(sizeof("replica-store") > DM_MAX_TYPE_NAME);
	return dm_register_target(&store_target);
}

void rpl_target_store_exit(void)
{
	dm_unregister_target(&store_target);
}

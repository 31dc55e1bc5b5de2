// SPDX-License-Identifier: GPL-2.0-only
/*
 * Target replica-store: the device by which a store is opened, named in other tables, and sent
 * messages. It maps no data: reads give zeroes, writes fail. The object behind it is store.c's and
 * outlives its tables (F18).
 *
 * Table line: <dev> <chunk sectors> [<#features> [format] [max_volumes <n>]]
 */
#define DM_MSG_PREFIX "replica-store"

#include <linux/log2.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "control.h"
#include "region.h"
#include "store.h"

struct rpl_store_table {
	struct dm_target *ti;
	struct rpl_store *store;
	struct dm_dev *dev;
	struct rpl_store_args args;
};

static int parse_features(struct rpl_store_table *st, struct dm_target *ti, struct dm_arg_set *as)
{
	static const struct dm_arg args[] = {
		{ 0, 3, "Number of feature arguments must be 0 to 3" },
		{ 1, RPL_ID_MAX, "max_volumes must be 1 to 4095" },
	};
	unsigned int nr, max;
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
		} else if (!strcasecmp(word, "max_volumes") && nr) {
			r = dm_read_arg(args + 1, as, &max, &ti->error);
			if (r)
				return r;
			nr--;
			st->args.max_volumes = max;
		} else {
			ti->error = "Features are: format, max_volumes <n>";
			return -EINVAL;
		}
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
	return 0;
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
	unsigned int sz = 0;

	switch (type) {
	case STATUSTYPE_INFO:
		rpl_store_stat_get(st->store, &stat);
		DMEMIT("%s %llu %llu %u %u %u %s", rpl_store_mode_name(stat.mode), stat.generation,
		       READ_ONCE(st->store->epoch), stat.nr_volumes, stat.nr_clones, stat.nr_groups,
		       stat.flags & RPL_STORE_FLAG_UNCLEAN_OPEN ? "unclean" : "clean");
		break;
	case STATUSTYPE_TABLE:
		DMEMIT("%s %u", st->dev->name, st->args.chunk_sectors);
		if (st->args.format || st->args.max_volumes)
			DMEMIT(" %u", (st->args.format ? 1 : 0) + (st->args.max_volumes ? 2 : 0));
		if (st->args.format)
			DMEMIT(" format");
		if (st->args.max_volumes)
			DMEMIT(" max_volumes %u", st->args.max_volumes);
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
	.message = store_message,
	.status = store_status,
};

int __init rpl_target_store_init(void)
{
	BUILD_BUG_ON(sizeof("replica-store") > DM_MAX_TYPE_NAME);
	BUILD_BUG_ON(sizeof("replica-snap") > DM_MAX_TYPE_NAME);
	return dm_register_target(&store_target);
}

void rpl_target_store_exit(void)
{
	dm_unregister_target(&store_target);
}

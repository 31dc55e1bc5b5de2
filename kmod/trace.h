/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints, where a bio waits and why: /sys/kernel/tracing/events/dm_replica. Off they cost one
 * jump that is not taken. doc/dm-replica.rst describes each; a store is named by its device's
 * number, as block layer events do. trace.c makes the code out of this.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM dm_replica

#if !defined(RPL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define RPL_TRACE_H

#include <linux/kdev_t.h>
#include <linux/tracepoint.h>
#include <linux/types.h>

/* clang-format off */

#define RPL_TRACE_KINDS                                              \
	{ RPL_OP_PRESERVE, "preserve" }, { RPL_OP_COPY, "copy" },    \
	{ RPL_OP_CLAIM, "claim" }, { RPL_OP_COPY_UP, "copy-up" }

/* A volume's writes go to a new view: from here to rpl_hold_end those that need a copy wait. */
TRACE_EVENT(rpl_hold_begin,
	TP_PROTO(dev_t store, u32 volume, u64 epoch),
	TP_ARGS(store, volume, epoch),
	TP_STRUCT__entry(
		__field(dev_t, store)
		__field(u32, volume)
		__field(u64, epoch)
	),
	TP_fast_assign(
		__entry->store = store;
		__entry->volume = volume;
		__entry->epoch = epoch;
	),
	TP_printk("store=%u:%u volume=%u epoch=%llu", MAJOR(__entry->store),
		  MINOR(__entry->store), __entry->volume, __entry->epoch)
);

/* The writes of the views before have ended. */
TRACE_EVENT(rpl_hold_end,
	TP_PROTO(dev_t store, u32 volume, u64 epoch, u32 writes, u64 held_max_ns),
	TP_ARGS(store, volume, epoch, writes, held_max_ns),
	TP_STRUCT__entry(
		__field(dev_t, store)
		__field(u32, volume)
		__field(u64, epoch)
		__field(u32, writes)
		__field(u64, held_max_ns)
	),
	TP_fast_assign(
		__entry->store = store;
		__entry->volume = volume;
		__entry->epoch = epoch;
		__entry->writes = writes;
		__entry->held_max_ns = held_max_ns;
	),
	TP_printk("store=%u:%u volume=%u epoch=%llu writes=%u held_max_ns=%llu",
		  MAJOR(__entry->store), MINOR(__entry->store), __entry->volume,
		  __entry->epoch, __entry->writes, __entry->held_max_ns)
);

/* A write to a source waits, for the first time: until its old content is preserved. */
TRACE_EVENT(rpl_write_wait,
	TP_PROTO(dev_t store, u32 volume, u64 sector, u32 sectors),
	TP_ARGS(store, volume, sector, sectors),
	TP_STRUCT__entry(
		__field(dev_t, store)
		__field(u32, volume)
		__field(u64, sector)
		__field(u32, sectors)
	),
	TP_fast_assign(
		__entry->store = store;
		__entry->volume = volume;
		__entry->sector = sector;
		__entry->sectors = sectors;
	),
	TP_printk("store=%u:%u volume=%u sector=%llu sectors=%u", MAJOR(__entry->store),
		  MINOR(__entry->store), __entry->volume, __entry->sector, __entry->sectors)
);

/* It goes on, below or back to dm. */
TRACE_EVENT(rpl_write_go,
	TP_PROTO(dev_t store, u32 volume, u64 sector, u64 waited_ns),
	TP_ARGS(store, volume, sector, waited_ns),
	TP_STRUCT__entry(
		__field(dev_t, store)
		__field(u32, volume)
		__field(u64, sector)
		__field(u64, waited_ns)
	),
	TP_fast_assign(
		__entry->store = store;
		__entry->volume = volume;
		__entry->sector = sector;
		__entry->waited_ns = waited_ns;
	),
	TP_printk("store=%u:%u volume=%u sector=%llu waited_ns=%llu", MAJOR(__entry->store),
		  MINOR(__entry->store), __entry->volume, __entry->sector,
		  __entry->waited_ns)
);

/*
 * A read, write or flush (sectors=0) of a clone's or snapshot's device waits, for the first time:
 * for a copy, for space, or for the record of what it promises.
 */
TRACE_EVENT(rpl_replica_wait,
	TP_PROTO(dev_t store, u32 replica, u64 sector, u32 sectors),
	TP_ARGS(store, replica, sector, sectors),
	TP_STRUCT__entry(
		__field(dev_t, store)
		__field(u32, replica)
		__field(u64, sector)
		__field(u32, sectors)
	),
	TP_fast_assign(
		__entry->store = store;
		__entry->replica = replica;
		__entry->sector = sector;
		__entry->sectors = sectors;
	),
	TP_printk("store=%u:%u replica=%u sector=%llu sectors=%u", MAJOR(__entry->store),
		  MINOR(__entry->store), __entry->replica, __entry->sector, __entry->sectors)
);

/* It goes on, below or back to dm, or ends. */
TRACE_EVENT(rpl_replica_go,
	TP_PROTO(dev_t store, u32 replica, u64 sector, u64 waited_ns),
	TP_ARGS(store, replica, sector, waited_ns),
	TP_STRUCT__entry(
		__field(dev_t, store)
		__field(u32, replica)
		__field(u64, sector)
		__field(u64, waited_ns)
	),
	TP_fast_assign(
		__entry->store = store;
		__entry->replica = replica;
		__entry->sector = sector;
		__entry->waited_ns = waited_ns;
	),
	TP_printk("store=%u:%u replica=%u sector=%llu waited_ns=%llu", MAJOR(__entry->store),
		  MINOR(__entry->store), __entry->replica, __entry->sector,
		  __entry->waited_ns)
);

/* Regions of a volume begin to be copied into clones (the first one is named), and have been. */
DECLARE_EVENT_CLASS(rpl_copy,
	TP_PROTO(const struct rpl_op *op),
	TP_ARGS(op),
	TP_STRUCT__entry(
		__field(dev_t, store)
		__field(u32, volume)
		__field(u32, clone)
		__field(u32, clones)
		__field(u8, kind)
		__field(u64, region)
		__field(u64, nr)
		__field(unsigned long, bad)
	),
	TP_fast_assign(
		__entry->store = op->vol->store->devt;
		__entry->volume = op->vol->id;
		__entry->clone = op->snap ? op->snap->id : op->nr_dests ? op->dest[0]->id : 0;
		__entry->clones = op->nr_dests;
		__entry->kind = op->kind;
		__entry->region = op->run.first;
		__entry->nr = op->run.nr;
		__entry->bad = op->bad;
	),
	TP_printk("store=%u:%u volume=%u clone=%u clones=%u kind=%s region=%llu nr=%llu bad=%lu",
		  MAJOR(__entry->store), MINOR(__entry->store), __entry->volume, __entry->clone,
		  __entry->clones, __print_symbolic(__entry->kind, RPL_TRACE_KINDS),
		  __entry->region, __entry->nr, __entry->bad)
);

DEFINE_EVENT(rpl_copy, rpl_copy_begin,
	TP_PROTO(const struct rpl_op *op),
	TP_ARGS(op)
);

DEFINE_EVENT(rpl_copy, rpl_copy_end,
	TP_PROTO(const struct rpl_op *op),
	TP_ARGS(op)
);

#define RPL_TRACE_STATES                            \
	{ RPL_STATE_PREPARED, "prepared" },         \
	{ RPL_STATE_COPYING, "copying" },           \
	{ RPL_STATE_RESYNCING, "resyncing" },       \
	{ RPL_STATE_RESTORING, "restoring" },       \
	{ RPL_STATE_SUSPENDED, "suspended" },       \
	{ RPL_STATE_SYNCHRONIZED, "synchronized" }, \
	{ RPL_STATE_ABORTED, "aborted" },           \
	{ RPL_STATE_FAILED, "failed" },             \
	{ RPL_STATE_DETACHED, "detached" }

/* Before the change is durable; clone->lock held. */
TRACE_EVENT(rpl_clone_state,
	TP_PROTO(dev_t store, u32 clone, u32 from, u32 to),
	TP_ARGS(store, clone, from, to),
	TP_STRUCT__entry(
		__field(dev_t, store)
		__field(u32, clone)
		__field(u32, from)
		__field(u32, to)
	),
	TP_fast_assign(
		__entry->store = store;
		__entry->clone = clone;
		__entry->from = from;
		__entry->to = to;
	),
	TP_printk("store=%u:%u clone=%u from=%s to=%s", MAJOR(__entry->store),
		  MINOR(__entry->store), __entry->clone,
		  __print_symbolic(__entry->from, RPL_TRACE_STATES),
		  __print_symbolic(__entry->to, RPL_TRACE_STATES))
);

/* clang-format on */

#endif /* RPL_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>

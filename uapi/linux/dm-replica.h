/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Generated from uapi/dm-replica.yaml by gen/nlgen.py (make gen), do not edit.
 */
#ifndef _UAPI_LINUX_DM_REPLICA_H
#define _UAPI_LINUX_DM_REPLICA_H

#define RPL_GENL_NAME	"dm-replica"
#define RPL_GENL_VERSION	1

#define RPL_UUID_LEN	16
#define RPL_ID_MAX	32767
#define RPL_VOLUMES_MAX	4096
#define RPL_SNAPSHOTS_MAX	256
#define RPL_REASON_LEN	160
#define RPL_QUEUE_TIMEOUT_MAX	3600000
#define RPL_MEMBERS_MAX	1024

/**
 * enum rpl_kind - Kind of a relation.
 * @RPL_KIND_CLONE: A full copy in a volume of its own, made in the background.
 * @RPL_KIND_SNAPSHOT: Old data that writes to the source would destroy is kept in the store, once for all snapshots.
 */
enum rpl_kind {
	RPL_KIND_CLONE = 1,
	RPL_KIND_SNAPSHOT,

	/* private: */
	__RPL_KIND_MAX,
	RPL_KIND_MAX = (__RPL_KIND_MAX - 1)
};

/**
 * enum rpl_state - State of a relation.
 * @RPL_STATE_PREPARED: The clone's device is loaded, the point in time does not exist yet. I/O fails.
 * @RPL_STATE_COPYING: The point in time exists and the background copy runs.
 * @RPL_STATE_RESYNCING: Only what differs is being copied (reserved).
 * @RPL_STATE_RESTORING: The source is being rewritten from the clone (reserved).
 * @RPL_STATE_SUSPENDED: The background copy is paused. The clone stays readable and writable.
 * @RPL_STATE_SYNCHRONIZED: Every byte of the point in time is in the clone. It does not need its source.
 * @RPL_STATE_ABORTED: Ended by command before it was complete. What was not copied cannot be read.
 * @RPL_STATE_FAILED: Ended by an error or by an unclean stop, see the reason.
 * @RPL_STATE_DETACHED: The relation is gone. Seen in the last relation-ntf only.
 */
enum rpl_state {
	RPL_STATE_PREPARED = 1,
	RPL_STATE_COPYING,
	RPL_STATE_RESYNCING,
	RPL_STATE_RESTORING,
	RPL_STATE_SUSPENDED,
	RPL_STATE_SYNCHRONIZED,
	RPL_STATE_ABORTED,
	RPL_STATE_FAILED,
	RPL_STATE_DETACHED,

	/* private: */
	__RPL_STATE_MAX,
	RPL_STATE_MAX = (__RPL_STATE_MAX - 1)
};

/**
 * enum rpl_store_mode - What a store can do.
 * @RPL_STORE_MODE_CLOSED: No table is bound, the store's contents are not in use.
 * @RPL_STORE_MODE_OPEN: In use.
 * @RPL_STORE_MODE_FAILED: An error or the loss of its device ended it. Sources go on, unfinished clones failed.
 */
enum rpl_store_mode {
	RPL_STORE_MODE_CLOSED = 1,
	RPL_STORE_MODE_OPEN,
	RPL_STORE_MODE_FAILED,

	/* private: */
	__RPL_STORE_MODE_MAX,
	RPL_STORE_MODE_MAX = (__RPL_STORE_MODE_MAX - 1)
};

/**
 * enum rpl_store_flag - Facts about a store.
 * @RPL_STORE_FLAG_UNCLEAN_OPEN: It was not closed cleanly before it was last opened.
 * @RPL_STORE_FLAG_FORMATTED: It was formatted by this opening.
 * @RPL_STORE_FLAG_LOW_SPACE: Its free space was at the low-water mark, and not 5 % of the store above it since.
 */
enum rpl_store_flag {
	RPL_STORE_FLAG_UNCLEAN_OPEN = 1,
	RPL_STORE_FLAG_FORMATTED = 2,
	RPL_STORE_FLAG_LOW_SPACE = 4,
};

/**
 * enum rpl_overflow - What writes to sources do when a store has no space for what snapshots need.
 * @RPL_OVERFLOW_INVALIDATE: They go on, when the loss of the snapshots that need it is recorded.
 * @RPL_OVERFLOW_QUEUE: They wait for space, as long as queue-timeout; then as invalidate.
 */
enum rpl_overflow {
	RPL_OVERFLOW_INVALIDATE = 1,
	RPL_OVERFLOW_QUEUE,

	/* private: */
	__RPL_OVERFLOW_MAX,
	RPL_OVERFLOW_MAX = (__RPL_OVERFLOW_MAX - 1)
};

/**
 * enum rpl_action - What relation-modify does.
 * @RPL_ACTION_SUSPEND: Pause the background copy.
 * @RPL_ACTION_RESUME: Go on with the background copy.
 * @RPL_ACTION_ABORT: End an unfinished copy. Its source is no longer preserved for it.
 * @RPL_ACTION_DETACH: Forget a relation that is synchronized, aborted or failed (or any, with force).
 * @RPL_ACTION_SET_RATE: Set the least and the greatest rate of the background copy.
 * @RPL_ACTION_DELETE: Delete a snapshot. Its space comes back in the background. Its device must be gone.
 */
enum rpl_action {
	RPL_ACTION_SUSPEND = 1,
	RPL_ACTION_RESUME,
	RPL_ACTION_ABORT,
	RPL_ACTION_DETACH,
	RPL_ACTION_SET_RATE,
	RPL_ACTION_DELETE,

	/* private: */
	__RPL_ACTION_MAX,
	RPL_ACTION_MAX = (__RPL_ACTION_MAX - 1)
};

/**
 * enum rpl_command_kind - Kind of a queued command.
 */
enum rpl_command_kind {
	RPL_COMMAND_KIND_GROUP_CREATE = 1,
	RPL_COMMAND_KIND_RELATION_MODIFY,

	/* private: */
	__RPL_COMMAND_KIND_MAX,
	RPL_COMMAND_KIND_MAX = (__RPL_COMMAND_KIND_MAX - 1)
};

/**
 * enum rpl_command_status - How far a queued command is.
 */
enum rpl_command_status {
	RPL_COMMAND_STATUS_QUEUED = 1,
	RPL_COMMAND_STATUS_RUNNING,
	RPL_COMMAND_STATUS_DONE,

	/* private: */
	__RPL_COMMAND_STATUS_MAX,
	RPL_COMMAND_STATUS_MAX = (__RPL_COMMAND_STATUS_MAX - 1)
};

/**
 * enum rpl_event - Why a notification was sent.
 * @RPL_EVENT_CREATED: The object is new.
 * @RPL_EVENT_STATE: Its state or another lasting property changed.
 * @RPL_EVENT_PROGRESS: Counters moved. At most four a second for each object.
 * @RPL_EVENT_REMOVED: The object is gone. The message shows its last state.
 */
enum rpl_event {
	RPL_EVENT_CREATED = 1,
	RPL_EVENT_STATE,
	RPL_EVENT_PROGRESS,
	RPL_EVENT_REMOVED,

	/* private: */
	__RPL_EVENT_MAX,
	RPL_EVENT_MAX = (__RPL_EVENT_MAX - 1)
};

enum rpl_attr_store {
	RPL_A_STORE_STORE = 1,
	RPL_A_STORE_UUID,
	RPL_A_STORE_GENERATION,
	RPL_A_STORE_MODE,
	RPL_A_STORE_FLAGS,
	RPL_A_STORE_CHUNK_BYTES,
	RPL_A_STORE_NR_VOLUMES,
	RPL_A_STORE_NR_RELATIONS,
	RPL_A_STORE_NR_GROUPS,
	RPL_A_STORE_MAX_VOLUMES,
	RPL_A_STORE_REASON,
	RPL_A_STORE_EVENT,
	RPL_A_STORE_SEQ,
	RPL_A_STORE_DATA_BYTES,
	RPL_A_STORE_USED_BYTES,
	RPL_A_STORE_LOW_WATER,
	RPL_A_STORE_OVERFLOW,
	RPL_A_STORE_QUEUE_TIMEOUT,
	RPL_A_STORE_WAITING_WRITES,
	RPL_A_STORE_PAD,

	__RPL_A_STORE_MAX,
	RPL_A_STORE_MAX = (__RPL_A_STORE_MAX - 1)
};

enum rpl_attr_source {
	RPL_A_SOURCE_STORE = 1,
	RPL_A_SOURCE_ID,
	RPL_A_SOURCE_BYTES,
	RPL_A_SOURCE_NR_RELATIONS,
	RPL_A_SOURCE_ARMED,
	RPL_A_SOURCE_FIRST_WRITES,
	RPL_A_SOURCE_PRESERVED_BYTES,
	RPL_A_SOURCE_HELD_WRITES,
	RPL_A_SOURCE_HELD_MAX_NS,
	RPL_A_SOURCE_NR_SNAPSHOTS,
	RPL_A_SOURCE_STORED_BYTES,
	RPL_A_SOURCE_PAD,

	__RPL_A_SOURCE_MAX,
	RPL_A_SOURCE_MAX = (__RPL_A_SOURCE_MAX - 1)
};

enum rpl_attr_relation {
	RPL_A_RELATION_STORE = 1,
	RPL_A_RELATION_ID,
	RPL_A_RELATION_UUID,
	RPL_A_RELATION_GROUP_UUID,
	RPL_A_RELATION_VOLUME_ID,
	RPL_A_RELATION_STATE,
	RPL_A_RELATION_ERROR,
	RPL_A_RELATION_REASON,
	RPL_A_RELATION_TOTAL_BYTES,
	RPL_A_RELATION_COPIED_BYTES,
	RPL_A_RELATION_BAD_BYTES,
	RPL_A_RELATION_RATE,
	RPL_A_RELATION_ETA,
	RPL_A_RELATION_MIN_RATE,
	RPL_A_RELATION_MAX_RATE,
	RPL_A_RELATION_EVENT,
	RPL_A_RELATION_SEQ,
	RPL_A_RELATION_KIND,
	RPL_A_RELATION_READ_ONLY,
	RPL_A_RELATION_WRITTEN_BYTES,
	RPL_A_RELATION_PAD,

	__RPL_A_RELATION_MAX,
	RPL_A_RELATION_MAX = (__RPL_A_RELATION_MAX - 1)
};

enum rpl_attr_state_count {
	RPL_A_STATE_COUNT_STATE = 1,
	RPL_A_STATE_COUNT_COUNT,

	__RPL_A_STATE_COUNT_MAX,
	RPL_A_STATE_COUNT_MAX = (__RPL_A_STATE_COUNT_MAX - 1)
};

enum rpl_attr_group {
	RPL_A_GROUP_STORE = 1,
	RPL_A_GROUP_UUID,
	RPL_A_GROUP_NR_RELATIONS,
	RPL_A_GROUP_STATES,
	RPL_A_GROUP_TOTAL_BYTES,
	RPL_A_GROUP_COPIED_BYTES,
	RPL_A_GROUP_PUBLISH_NS,
	RPL_A_GROUP_DRAIN_NS,
	RPL_A_GROUP_HELD_MAX_NS,
	RPL_A_GROUP_HELD_WRITES,
	RPL_A_GROUP_TIME_NS,
	RPL_A_GROUP_EVENT,
	RPL_A_GROUP_SEQ,
	RPL_A_GROUP_PAD,

	__RPL_A_GROUP_MAX,
	RPL_A_GROUP_MAX = (__RPL_A_GROUP_MAX - 1)
};

enum rpl_attr_member {
	RPL_A_MEMBER_ID = 1,
	RPL_A_MEMBER_VOLUME_ID,
	RPL_A_MEMBER_UUID,
	RPL_A_MEMBER_KIND,
	RPL_A_MEMBER_READ_ONLY,

	__RPL_A_MEMBER_MAX,
	RPL_A_MEMBER_MAX = (__RPL_A_MEMBER_MAX - 1)
};

enum rpl_attr_command {
	RPL_A_COMMAND_STORE = 1,
	RPL_A_COMMAND_COOKIE,
	RPL_A_COMMAND_KIND,
	RPL_A_COMMAND_STATUS,
	RPL_A_COMMAND_ERROR,
	RPL_A_COMMAND_REASON,
	RPL_A_COMMAND_ID,
	RPL_A_COMMAND_GROUP_UUID,
	RPL_A_COMMAND_MEMBER,
	RPL_A_COMMAND_ACTION,
	RPL_A_COMMAND_FORCE,
	RPL_A_COMMAND_MIN_RATE,
	RPL_A_COMMAND_MAX_RATE,
	RPL_A_COMMAND_PAD,

	__RPL_A_COMMAND_MAX,
	RPL_A_COMMAND_MAX = (__RPL_A_COMMAND_MAX - 1)
};

enum rpl_cmd {
	RPL_CMD_STORE_GET = 1,
	RPL_CMD_STORE_NTF,
	RPL_CMD_SOURCE_GET,
	RPL_CMD_RELATION_GET,
	RPL_CMD_RELATION_NTF,
	RPL_CMD_GROUP_GET,
	RPL_CMD_GROUP_NTF,
	RPL_CMD_GROUP_CREATE,
	RPL_CMD_RELATION_MODIFY,
	RPL_CMD_COMMAND_GET,
	RPL_CMD_COMMAND_DONE,
	RPL_CMD_STORE_MODIFY,

	__RPL_CMD_MAX,
	RPL_CMD_MAX = (__RPL_CMD_MAX - 1)
};

#define RPL_MCGRP_EVENTS	"events"

#endif /* _UAPI_LINUX_DM_REPLICA_H */

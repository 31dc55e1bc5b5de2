// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Generated from uapi/dm-replica.yaml by gen/nlgen.py (make gen), do not edit.
 */
#include <string.h>
#include "names-gen.h"

static const char *name_of(const char *const *names, unsigned int nr, unsigned int value)
{
	return value < nr && names[value] ? names[value] : "unknown";
}

static int by_name(const char *const *names, unsigned int nr, const char *word)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (names[i] && !strcmp(names[i], word))
			return i;
	return -1;
}

static const char *const rpl_kind_names[RPL_KIND_MAX + 1] = {
	[RPL_KIND_CLONE] = "clone",
	[RPL_KIND_SNAPSHOT] = "snapshot",
};

const char *rpl_kind_name(unsigned int value)
{
	return name_of(rpl_kind_names, RPL_KIND_MAX + 1, value);
}

int rpl_kind_by_name(const char *word)
{
	return by_name(rpl_kind_names, RPL_KIND_MAX + 1, word);
}

static const char *const rpl_state_names[RPL_STATE_MAX + 1] = {
	[RPL_STATE_PREPARED] = "prepared",
	[RPL_STATE_COPYING] = "copying",
	[RPL_STATE_RESYNCING] = "resyncing",
	[RPL_STATE_RESTORING] = "restoring",
	[RPL_STATE_SUSPENDED] = "suspended",
	[RPL_STATE_SYNCHRONIZED] = "synchronized",
	[RPL_STATE_ABORTED] = "aborted",
	[RPL_STATE_FAILED] = "failed",
	[RPL_STATE_DETACHED] = "detached",
};

const char *rpl_state_name(unsigned int value)
{
	return name_of(rpl_state_names, RPL_STATE_MAX + 1, value);
}

int rpl_state_by_name(const char *word)
{
	return by_name(rpl_state_names, RPL_STATE_MAX + 1, word);
}

static const char *const rpl_store_mode_names[RPL_STORE_MODE_MAX + 1] = {
	[RPL_STORE_MODE_CLOSED] = "closed",
	[RPL_STORE_MODE_OPEN] = "open",
	[RPL_STORE_MODE_FAILED] = "failed",
};

const char *rpl_store_mode_name(unsigned int value)
{
	return name_of(rpl_store_mode_names, RPL_STORE_MODE_MAX + 1, value);
}

int rpl_store_mode_by_name(const char *word)
{
	return by_name(rpl_store_mode_names, RPL_STORE_MODE_MAX + 1, word);
}

static const char *const rpl_overflow_names[RPL_OVERFLOW_MAX + 1] = {
	[RPL_OVERFLOW_INVALIDATE] = "invalidate",
	[RPL_OVERFLOW_QUEUE] = "queue",
};

const char *rpl_overflow_name(unsigned int value)
{
	return name_of(rpl_overflow_names, RPL_OVERFLOW_MAX + 1, value);
}

int rpl_overflow_by_name(const char *word)
{
	return by_name(rpl_overflow_names, RPL_OVERFLOW_MAX + 1, word);
}

static const char *const rpl_action_names[RPL_ACTION_MAX + 1] = {
	[RPL_ACTION_SUSPEND] = "suspend",
	[RPL_ACTION_RESUME] = "resume",
	[RPL_ACTION_ABORT] = "abort",
	[RPL_ACTION_DETACH] = "detach",
	[RPL_ACTION_SET_RATE] = "set-rate",
	[RPL_ACTION_DELETE] = "delete",
};

const char *rpl_action_name(unsigned int value)
{
	return name_of(rpl_action_names, RPL_ACTION_MAX + 1, value);
}

int rpl_action_by_name(const char *word)
{
	return by_name(rpl_action_names, RPL_ACTION_MAX + 1, word);
}

static const char *const rpl_command_kind_names[RPL_COMMAND_KIND_MAX + 1] = {
	[RPL_COMMAND_KIND_GROUP_CREATE] = "group-create",
	[RPL_COMMAND_KIND_RELATION_MODIFY] = "relation-modify",
};

const char *rpl_command_kind_name(unsigned int value)
{
	return name_of(rpl_command_kind_names, RPL_COMMAND_KIND_MAX + 1, value);
}

int rpl_command_kind_by_name(const char *word)
{
	return by_name(rpl_command_kind_names, RPL_COMMAND_KIND_MAX + 1, word);
}

static const char *const rpl_command_status_names[RPL_COMMAND_STATUS_MAX + 1] = {
	[RPL_COMMAND_STATUS_QUEUED] = "queued",
	[RPL_COMMAND_STATUS_RUNNING] = "running",
	[RPL_COMMAND_STATUS_DONE] = "done",
};

const char *rpl_command_status_name(unsigned int value)
{
	return name_of(rpl_command_status_names, RPL_COMMAND_STATUS_MAX + 1, value);
}

int rpl_command_status_by_name(const char *word)
{
	return by_name(rpl_command_status_names, RPL_COMMAND_STATUS_MAX + 1, word);
}

static const char *const rpl_event_names[RPL_EVENT_MAX + 1] = {
	[RPL_EVENT_CREATED] = "created",
	[RPL_EVENT_STATE] = "state",
	[RPL_EVENT_PROGRESS] = "progress",
	[RPL_EVENT_REMOVED] = "removed",
};

const char *rpl_event_name(unsigned int value)
{
	return name_of(rpl_event_names, RPL_EVENT_MAX + 1, value);
}

int rpl_event_by_name(const char *word)
{
	return by_name(rpl_event_names, RPL_EVENT_MAX + 1, word);
}

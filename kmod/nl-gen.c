// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generated from uapi/dm-replica.yaml by gen/nlgen.py (make gen), do not edit.
 */
#include "nl-gen.h"

const struct nla_policy rpl_nl_member_policy[RPL_A_MEMBER_MAX + 1] = {
	[RPL_A_MEMBER_ID] = NLA_POLICY_RANGE(NLA_U32, 1, 32767),
	[RPL_A_MEMBER_VOLUME_ID] = NLA_POLICY_RANGE(NLA_U32, 1, 32767),
	[RPL_A_MEMBER_UUID] = NLA_POLICY_EXACT_LEN(RPL_UUID_LEN),
	[RPL_A_MEMBER_KIND] = NLA_POLICY_RANGE(NLA_U32, 1, 2),
	[RPL_A_MEMBER_READ_ONLY] = { .type = NLA_FLAG, },
};

static const struct nla_policy store_get_policy[RPL_A_STORE_STORE + 1] = {
	[RPL_A_STORE_STORE] = { .type = NLA_U32, },
};

static const struct nla_policy source_get_policy[RPL_A_SOURCE_ID + 1] = {
	[RPL_A_SOURCE_STORE] = { .type = NLA_U32, },
	[RPL_A_SOURCE_ID] = NLA_POLICY_RANGE(NLA_U32, 1, 32767),
};

static const struct nla_policy relation_get_policy[RPL_A_RELATION_ID + 1] = {
	[RPL_A_RELATION_STORE] = { .type = NLA_U32, },
	[RPL_A_RELATION_ID] = NLA_POLICY_RANGE(NLA_U32, 1, 32767),
};

static const struct nla_policy group_get_policy[RPL_A_GROUP_UUID + 1] = {
	[RPL_A_GROUP_STORE] = { .type = NLA_U32, },
	[RPL_A_GROUP_UUID] = NLA_POLICY_EXACT_LEN(RPL_UUID_LEN),
};

static const struct nla_policy group_create_policy[RPL_A_COMMAND_MAX_RATE + 1] = {
	[RPL_A_COMMAND_STORE] = { .type = NLA_U32, },
	[RPL_A_COMMAND_GROUP_UUID] = NLA_POLICY_EXACT_LEN(RPL_UUID_LEN),
	[RPL_A_COMMAND_MEMBER] = NLA_POLICY_NESTED(rpl_nl_member_policy),
	[RPL_A_COMMAND_MIN_RATE] = { .type = NLA_U64, },
	[RPL_A_COMMAND_MAX_RATE] = { .type = NLA_U64, },
};

static const struct nla_policy relation_modify_policy[RPL_A_COMMAND_MAX_RATE + 1] = {
	[RPL_A_COMMAND_STORE] = { .type = NLA_U32, },
	[RPL_A_COMMAND_ID] = NLA_POLICY_RANGE(NLA_U32, 1, 32767),
	[RPL_A_COMMAND_GROUP_UUID] = NLA_POLICY_EXACT_LEN(RPL_UUID_LEN),
	[RPL_A_COMMAND_ACTION] = NLA_POLICY_RANGE(NLA_U32, 1, 6),
	[RPL_A_COMMAND_FORCE] = { .type = NLA_FLAG, },
	[RPL_A_COMMAND_MIN_RATE] = { .type = NLA_U64, },
	[RPL_A_COMMAND_MAX_RATE] = { .type = NLA_U64, },
};

static const struct nla_policy command_get_policy[RPL_A_COMMAND_COOKIE + 1] = {
	[RPL_A_COMMAND_COOKIE] = { .type = NLA_U64, },
};

static const struct nla_policy store_modify_policy[RPL_A_STORE_QUEUE_TIMEOUT + 1] = {
	[RPL_A_STORE_STORE] = { .type = NLA_U32, },
	[RPL_A_STORE_LOW_WATER] = { .type = NLA_U64, },
	[RPL_A_STORE_OVERFLOW] = NLA_POLICY_RANGE(NLA_U32, 1, 2),
	[RPL_A_STORE_QUEUE_TIMEOUT] = { .type = NLA_U32, },
};

const struct genl_ops rpl_nl_ops[8] = {
	{
		.cmd = RPL_CMD_STORE_GET,
		.doit = rpl_nl_store_get_doit,
		.dumpit = rpl_nl_store_get_dumpit,
		.policy = store_get_policy,
		.maxattr = RPL_A_STORE_STORE,
	},
	{
		.cmd = RPL_CMD_SOURCE_GET,
		.doit = rpl_nl_source_get_doit,
		.dumpit = rpl_nl_source_get_dumpit,
		.policy = source_get_policy,
		.maxattr = RPL_A_SOURCE_ID,
	},
	{
		.cmd = RPL_CMD_RELATION_GET,
		.doit = rpl_nl_relation_get_doit,
		.dumpit = rpl_nl_relation_get_dumpit,
		.policy = relation_get_policy,
		.maxattr = RPL_A_RELATION_ID,
	},
	{
		.cmd = RPL_CMD_GROUP_GET,
		.doit = rpl_nl_group_get_doit,
		.dumpit = rpl_nl_group_get_dumpit,
		.policy = group_get_policy,
		.maxattr = RPL_A_GROUP_UUID,
	},
	{
		.cmd = RPL_CMD_GROUP_CREATE,
		.doit = rpl_nl_group_create_doit,
		.policy = group_create_policy,
		.maxattr = RPL_A_COMMAND_MAX_RATE,
		.flags = GENL_ADMIN_PERM,
	},
	{
		.cmd = RPL_CMD_RELATION_MODIFY,
		.doit = rpl_nl_relation_modify_doit,
		.policy = relation_modify_policy,
		.maxattr = RPL_A_COMMAND_MAX_RATE,
		.flags = GENL_ADMIN_PERM,
	},
	{
		.cmd = RPL_CMD_COMMAND_GET,
		.doit = rpl_nl_command_get_doit,
		.policy = command_get_policy,
		.maxattr = RPL_A_COMMAND_COOKIE,
	},
	{
		.cmd = RPL_CMD_STORE_MODIFY,
		.doit = rpl_nl_store_modify_doit,
		.policy = store_modify_policy,
		.maxattr = RPL_A_STORE_QUEUE_TIMEOUT,
		.flags = GENL_ADMIN_PERM,
	},
};

const struct genl_multicast_group rpl_nl_mcgrps[1] = {
	[RPL_NLGRP_EVENTS] = { .name = RPL_MCGRP_EVENTS, },
};

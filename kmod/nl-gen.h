/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Generated from uapi/dm-replica.yaml by gen/nlgen.py (make gen), do not edit.
 *
 * Policies and the table of operations. The handlers are in nl.c.
 */
#ifndef RPL_NL_GEN_H
#define RPL_NL_GEN_H

#include <net/genetlink.h>
#include <net/netlink.h>
#include <linux/dm-replica.h>

extern const struct nla_policy rpl_nl_member_policy[RPL_A_MEMBER_MAX + 1];

int rpl_nl_store_get_doit(struct sk_buff *skb, struct genl_info *info);
int rpl_nl_store_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int rpl_nl_source_get_doit(struct sk_buff *skb, struct genl_info *info);
int rpl_nl_source_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int rpl_nl_relation_get_doit(struct sk_buff *skb, struct genl_info *info);
int rpl_nl_relation_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int rpl_nl_group_get_doit(struct sk_buff *skb, struct genl_info *info);
int rpl_nl_group_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int rpl_nl_group_create_doit(struct sk_buff *skb, struct genl_info *info);
int rpl_nl_relation_modify_doit(struct sk_buff *skb, struct genl_info *info);
int rpl_nl_command_get_doit(struct sk_buff *skb, struct genl_info *info);
int rpl_nl_store_modify_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	RPL_NLGRP_EVENTS,
};

extern const struct genl_ops rpl_nl_ops[8];
extern const struct genl_multicast_group rpl_nl_mcgrps[1];

#endif /* RPL_NL_GEN_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Making netlink messages: nl-msg.c for the handlers of nl.c. Process context. All put functions
 * append one whole message to skb: 0, or -EMSGSIZE with nothing appended. what 0: no event; seq and
 * state 0: the present ones.
 */
#ifndef RPL_NL_MSG_H
#define RPL_NL_MSG_H

#include "control.h"

struct netlink_callback;

#define PUT_U64(skb, attr, value, pad) nla_put_u64_64bit(skb, attr, value, pad)

struct rpl_msg_head {
	u32 portid, seq;
	int flags;
	u8 cmd;
	struct netlink_callback *cb; /* of a dump */
};

/* For messages of other attributes: NULL without room; end with the result of putting them. */
void *rpl_msg_begin(struct sk_buff *skb, const struct rpl_msg_head *h);
int rpl_msg_end(struct sk_buff *skb, void *hdr, int r);

int rpl_msg_put_store(struct sk_buff *skb, const struct rpl_msg_head *h, struct rpl_store *s,
		      enum rpl_event what, u64 seq);
int rpl_msg_put_source(struct sk_buff *skb, const struct rpl_msg_head *h, struct rpl_volume *vol);
int rpl_msg_put_clone(struct sk_buff *skb, const struct rpl_msg_head *h, struct rpl_clone *c,
		      enum rpl_event what, enum rpl_state state, u64 seq);
/* locked: ctl_mutex is held. */
int rpl_msg_put_group(struct sk_buff *skb, const struct rpl_msg_head *h, struct rpl_group *g,
		      enum rpl_event what, u64 seq, bool locked);
int rpl_msg_put_command(struct sk_buff *skb, const struct rpl_msg_head *h, struct rpl_command *cmd);

#endif /* RPL_NL_MSG_H */

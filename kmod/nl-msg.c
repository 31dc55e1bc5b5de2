// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink family and every message of it: attributes out of the statistics that core.h's fill
 * functions give, the same for answers, dumps and events; and the sending of what nobody asked for.
 * Handlers are in nl.c.
 *
 * Lock: nl_sem. Works may have something to tell while the module is going; held for reading while
 * a message is made and sent, so that the family's numbers are not somebody else's by then.
 */
#include <linux/rwsem.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include "control.h"
#include "nl-gen.h"
#include "nl-msg.h"

static struct genl_family rpl_nl_family __ro_after_init = {
	.name = RPL_GENL_NAME,
	.version = RPL_GENL_VERSION,
	.netnsok = false,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = rpl_nl_ops,
	.n_ops = ARRAY_SIZE(rpl_nl_ops),
	.resv_start_op = RPL_CMD_STORE_GET,
	.mcgrps = rpl_nl_mcgrps,
	.n_mcgrps = ARRAY_SIZE(rpl_nl_mcgrps),
};

/* ---- attributes ---- */

static int put_store_attrs(struct sk_buff *skb, const struct rpl_store_stat *st,
			   enum rpl_event what)
{
	const int pad = RPL_A_STORE_PAD;

	if (nla_put_u32(skb, RPL_A_STORE_STORE, st->devt) ||
	    nla_put(skb, RPL_A_STORE_UUID, RPL_UUID_LEN, st->uuid) ||
	    PUT_U64(skb, RPL_A_STORE_GENERATION, st->generation, pad) ||
	    nla_put_u32(skb, RPL_A_STORE_MODE, st->mode) ||
	    nla_put_u32(skb, RPL_A_STORE_FLAGS, st->flags) ||
	    nla_put_u32(skb, RPL_A_STORE_CHUNK_BYTES, st->chunk_bytes) ||
	    nla_put_u32(skb, RPL_A_STORE_NR_VOLUMES, st->nr_volumes) ||
	    nla_put_u32(skb, RPL_A_STORE_NR_RELATIONS, st->nr_clones) ||
	    nla_put_u32(skb, RPL_A_STORE_NR_GROUPS, st->nr_groups) ||
	    nla_put_u32(skb, RPL_A_STORE_MAX_VOLUMES, st->max_volumes) ||
	    PUT_U64(skb, RPL_A_STORE_SEQ, st->seq, pad) ||
	    PUT_U64(skb, RPL_A_STORE_DATA_BYTES, st->data_bytes, pad) ||
	    PUT_U64(skb, RPL_A_STORE_USED_BYTES, st->used_bytes, pad) ||
	    PUT_U64(skb, RPL_A_STORE_LOW_WATER, st->low_water_bytes, pad) ||
	    nla_put_u32(skb, RPL_A_STORE_OVERFLOW, st->overflow) ||
	    nla_put_u32(skb, RPL_A_STORE_QUEUE_TIMEOUT, st->queue_timeout_ms) ||
	    nla_put_u32(skb, RPL_A_STORE_WAITING_WRITES, st->waiting_writes))
		return -EMSGSIZE;
	if (st->reason[0] && nla_put_string(skb, RPL_A_STORE_REASON, st->reason))
		return -EMSGSIZE;
	return what ? nla_put_u32(skb, RPL_A_STORE_EVENT, what) : 0;
}

static int put_source_attrs(struct sk_buff *skb, dev_t devt, const struct rpl_source_stat *st)
{
	const int pad = RPL_A_SOURCE_PAD;

	if (nla_put_u32(skb, RPL_A_SOURCE_STORE, devt) ||
	    nla_put_u32(skb, RPL_A_SOURCE_ID, st->id) ||
	    PUT_U64(skb, RPL_A_SOURCE_BYTES, st->nr_sectors << SECTOR_SHIFT, pad) ||
	    nla_put_u32(skb, RPL_A_SOURCE_NR_RELATIONS, st->deps) ||
	    nla_put_u32(skb, RPL_A_SOURCE_ARMED, st->armed ? 1 : 0) ||
	    PUT_U64(skb, RPL_A_SOURCE_FIRST_WRITES, st->first_writes, pad) ||
	    PUT_U64(skb, RPL_A_SOURCE_PRESERVED_BYTES, st->preserved_bytes, pad) ||
	    PUT_U64(skb, RPL_A_SOURCE_HELD_WRITES, st->held_writes, pad) ||
	    PUT_U64(skb, RPL_A_SOURCE_HELD_MAX_NS, st->held_max_ns, pad) ||
	    nla_put_u32(skb, RPL_A_SOURCE_NR_SNAPSHOTS, st->nr_snapshots) ||
	    PUT_U64(skb, RPL_A_SOURCE_STORED_BYTES, st->stored_bytes, pad))
		return -EMSGSIZE;
	return 0;
}

static int put_clone_attrs(struct sk_buff *skb, dev_t devt, const struct rpl_clone_stat *st,
			   enum rpl_event what)
{
	const int pad = RPL_A_RELATION_PAD;

	if (nla_put_u32(skb, RPL_A_RELATION_STORE, devt) ||
	    nla_put_u32(skb, RPL_A_RELATION_ID, st->id) ||
	    nla_put_u32(skb, RPL_A_RELATION_KIND, st->kind) ||
	    nla_put(skb, RPL_A_RELATION_UUID, RPL_UUID_LEN, st->uuid) ||
	    nla_put(skb, RPL_A_RELATION_GROUP_UUID, RPL_UUID_LEN, st->group_uuid) ||
	    nla_put_u32(skb, RPL_A_RELATION_VOLUME_ID, st->volume_id) ||
	    nla_put_u32(skb, RPL_A_RELATION_STATE, st->state) ||
	    nla_put_u32(skb, RPL_A_RELATION_ERROR, st->error) ||
	    PUT_U64(skb, RPL_A_RELATION_TOTAL_BYTES, st->total_bytes, pad) ||
	    PUT_U64(skb, RPL_A_RELATION_COPIED_BYTES, st->copied_bytes, pad) ||
	    PUT_U64(skb, RPL_A_RELATION_BAD_BYTES, st->bad_bytes, pad) ||
	    PUT_U64(skb, RPL_A_RELATION_RATE, st->rate_bytes_s, pad) ||
	    PUT_U64(skb, RPL_A_RELATION_MIN_RATE, st->min_bytes_s, pad) ||
	    PUT_U64(skb, RPL_A_RELATION_MAX_RATE, st->max_bytes_s, pad) ||
	    nla_put_u32(skb, RPL_A_RELATION_READ_ONLY, st->read_only) ||
	    PUT_U64(skb, RPL_A_RELATION_WRITTEN_BYTES, st->written_bytes, pad) ||
	    PUT_U64(skb, RPL_A_RELATION_SEQ, st->seq, pad))
		return -EMSGSIZE;
	if (st->reason[0] && nla_put_string(skb, RPL_A_RELATION_REASON, st->reason))
		return -EMSGSIZE;
	if (st->eta_s != U32_MAX && nla_put_u32(skb, RPL_A_RELATION_ETA, st->eta_s))
		return -EMSGSIZE;
	return what ? nla_put_u32(skb, RPL_A_RELATION_EVENT, what) : 0;
}

static int put_state_count(struct sk_buff *skb, u32 state, u32 count)
{
	struct nlattr *nest = nla_nest_start(skb, RPL_A_GROUP_STATES);

	if (!nest || nla_put_u32(skb, RPL_A_STATE_COUNT_STATE, state) ||
	    nla_put_u32(skb, RPL_A_STATE_COUNT_COUNT, count))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_group_attrs(struct sk_buff *skb, dev_t devt, const struct rpl_group_stat *st,
			   enum rpl_event what)
{
	const int pad = RPL_A_GROUP_PAD;
	u32 state;

	if (nla_put_u32(skb, RPL_A_GROUP_STORE, devt) ||
	    nla_put(skb, RPL_A_GROUP_UUID, RPL_UUID_LEN, st->uuid) ||
	    nla_put_u32(skb, RPL_A_GROUP_NR_RELATIONS, st->nr_relations) ||
	    PUT_U64(skb, RPL_A_GROUP_TOTAL_BYTES, st->total_bytes, pad) ||
	    PUT_U64(skb, RPL_A_GROUP_COPIED_BYTES, st->copied_bytes, pad) ||
	    PUT_U64(skb, RPL_A_GROUP_PUBLISH_NS, st->publish_ns, pad) ||
	    PUT_U64(skb, RPL_A_GROUP_DRAIN_NS, st->drain_ns, pad) ||
	    PUT_U64(skb, RPL_A_GROUP_HELD_MAX_NS, st->held_max_ns, pad) ||
	    PUT_U64(skb, RPL_A_GROUP_HELD_WRITES, st->held_writes, pad) ||
	    PUT_U64(skb, RPL_A_GROUP_TIME_NS, st->time_ns, pad) ||
	    PUT_U64(skb, RPL_A_GROUP_SEQ, st->seq, pad))
		return -EMSGSIZE;
	for (state = 1; state <= RPL_STATE_MAX; state++)
		if (st->nr_state[state] && put_state_count(skb, state, st->nr_state[state]))
			return -EMSGSIZE;
	return what ? nla_put_u32(skb, RPL_A_GROUP_EVENT, what) : 0;
}

static int put_command_attrs(struct sk_buff *skb, const struct rpl_command_stat *st)
{
	if (nla_put_u32(skb, RPL_A_COMMAND_STORE, st->devt) ||
	    PUT_U64(skb, RPL_A_COMMAND_COOKIE, st->cookie, RPL_A_COMMAND_PAD) ||
	    nla_put_u32(skb, RPL_A_COMMAND_KIND, st->kind) ||
	    nla_put_u32(skb, RPL_A_COMMAND_STATUS, st->status) ||
	    nla_put_u32(skb, RPL_A_COMMAND_ERROR, st->error))
		return -EMSGSIZE;
	if (st->error && nla_put_string(skb, RPL_A_COMMAND_REASON, st->why.text))
		return -EMSGSIZE;
	if (st->why.id && nla_put_u32(skb, RPL_A_COMMAND_ID, st->why.id))
		return -EMSGSIZE;
	if (memchr_inv(st->group_uuid, 0, RPL_UUID_LEN))
		return nla_put(skb, RPL_A_COMMAND_GROUP_UUID, RPL_UUID_LEN, st->group_uuid);
	return 0;
}

void *rpl_msg_begin(struct sk_buff *skb, const struct rpl_msg_head *h)
{
	void *hdr = genlmsg_put(skb, h->portid, h->seq, &rpl_nl_family, h->flags, h->cmd);

	if (hdr && h->cb)
		genl_dump_check_consistent(h->cb, hdr);
	return hdr;
}

/* End a message whose attributes were put with result r. */
int rpl_msg_end(struct sk_buff *skb, void *hdr, int r)
{
	if (r)
		genlmsg_cancel(skb, hdr);
	else
		genlmsg_end(skb, hdr);
	return r;
}

int rpl_msg_put_store(struct sk_buff *skb, const struct rpl_msg_head *h, struct rpl_store *s,
		      enum rpl_event what, u64 seq)
{
	void *hdr = rpl_msg_begin(skb, h);
	struct rpl_store_stat st;

	if (!hdr)
		return -EMSGSIZE;
	rpl_store_stat_get(s, &st);
	if (seq)
		st.seq = seq;
	return rpl_msg_end(skb, hdr, put_store_attrs(skb, &st, what));
}

int rpl_msg_put_source(struct sk_buff *skb, const struct rpl_msg_head *h, struct rpl_volume *vol)
{
	void *hdr = rpl_msg_begin(skb, h);
	struct rpl_source_stat st;

	if (!hdr)
		return -EMSGSIZE;
	rpl_source_stat_get(vol, &st);
	return rpl_msg_end(skb, hdr, put_source_attrs(skb, vol->store->devt, &st));
}

int rpl_msg_put_clone(struct sk_buff *skb, const struct rpl_msg_head *h, struct rpl_clone *c,
		      enum rpl_event what, enum rpl_state state, u64 seq)
{
	void *hdr = rpl_msg_begin(skb, h);
	struct rpl_clone_stat st;

	if (!hdr)
		return -EMSGSIZE;
	rpl_clone_stat_get(c, &st);
	if (state)
		st.state = state;
	if (seq)
		st.seq = seq;
	return rpl_msg_end(skb, hdr, put_clone_attrs(skb, c->store->devt, &st, what));
}

int rpl_msg_put_group(struct sk_buff *skb, const struct rpl_msg_head *h, struct rpl_group *g,
		      enum rpl_event what, u64 seq, bool locked)
{
	void *hdr = rpl_msg_begin(skb, h);
	struct rpl_group_stat st;

	if (!hdr)
		return -EMSGSIZE;
	if (locked)
		rpl_group_stat_get_locked(g, &st);
	else
		rpl_group_stat_get(g, &st);
	if (seq)
		st.seq = seq;
	return rpl_msg_end(skb, hdr, put_group_attrs(skb, g->store->devt, &st, what));
}

int rpl_msg_put_command(struct sk_buff *skb, const struct rpl_msg_head *h, struct rpl_command *cmd)
{
	void *hdr = rpl_msg_begin(skb, h);
	struct rpl_command_stat st;

	if (!hdr)
		return -EMSGSIZE;
	rpl_command_stat_get(cmd, &st);
	return rpl_msg_end(skb, hdr, put_command_attrs(skb, &st));
}

/* ---- messages that nobody asked for ---- */

static DECLARE_RWSEM(nl_sem);
static bool nl_up; /* the family is registered; nl_sem */

/*
 * A message for the group; NULL if nobody would get it, unless `always`. On success nl_sem is held
 * for reading, until event_send().
 */
static struct sk_buff *event_new(struct rpl_msg_head *h, u8 cmd, bool always)
{
	struct sk_buff *skb = NULL;

	*h = (struct rpl_msg_head) { .cmd = cmd };
	down_read(&nl_sem);
	if (nl_up && (always || genl_has_listeners(&rpl_nl_family, &init_net, RPL_NLGRP_EVENTS)))
		skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		up_read(&nl_sem);
	return skb;
}

/*
 * Send what was put with result r, to the group and to a socket if portid is not 0. What is lost is
 * made good by the reader's next dump.
 */
static void event_send(struct sk_buff *skb, int r, u32 portid)
{
	struct sk_buff *copy = r || !portid ? NULL : skb_clone(skb, GFP_KERNEL);

	if (r)
		nlmsg_free(skb);
	else
		genlmsg_multicast(&rpl_nl_family, skb, 0, RPL_NLGRP_EVENTS, GFP_KERNEL);
	if (copy)
		genlmsg_unicast(&init_net, copy, portid);
	up_read(&nl_sem);
}

void rpl_nl_send_store(struct rpl_store *s, enum rpl_event what, u64 seq)
{
	struct rpl_msg_head h;
	struct sk_buff *skb = event_new(&h, RPL_CMD_STORE_NTF, false);

	if (skb)
		event_send(skb, rpl_msg_put_store(skb, &h, s, what, seq), 0);
}

void rpl_nl_send_clone(struct rpl_clone *c, enum rpl_event what, enum rpl_state state, u64 seq)
{
	struct rpl_msg_head h;
	struct sk_buff *skb = event_new(&h, RPL_CMD_RELATION_NTF, false);

	if (skb)
		event_send(skb, rpl_msg_put_clone(skb, &h, c, what, state, seq), 0);
}

void rpl_nl_send_group(struct rpl_group *g, enum rpl_event what, u64 seq)
{
	struct rpl_msg_head h;
	struct sk_buff *skb = event_new(&h, RPL_CMD_GROUP_NTF, false);

	if (skb)
		event_send(skb, rpl_msg_put_group(skb, &h, g, what, seq, false), 0);
}

void rpl_nl_send_done(struct rpl_command *cmd)
{
	struct rpl_msg_head h;
	struct sk_buff *skb = event_new(&h, RPL_CMD_COMMAND_DONE, true);

	if (skb)
		event_send(skb, rpl_msg_put_command(skb, &h, cmd), cmd->portid);
}

int rpl_nl_init(void)
{
	int r = genl_register_family(&rpl_nl_family);

	nl_up = !r;
	return r;
}

void rpl_nl_exit(void)
{
	down_write(&nl_sem);
	nl_up = false;
	up_write(&nl_sem);
	genl_unregister_family(&rpl_nl_family);
}

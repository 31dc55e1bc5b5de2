// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Generated from uapi/dm-replica.yaml by gen/nlgen.py (make gen), do not edit.
 */
#include <errno.h>
#include <string.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/attr.h>
#include "nl-gen.h"

/* Scalars and uuids: the length must be exact, the bytes are the host's. */
static int get_bytes(struct nlattr *a, void *to, size_t bytes)
{
	if ((size_t)nla_len(a) != bytes)
		return -EBADMSG;
	memcpy(to, nla_data(a), bytes);
	return 0;
}

/* A string is cut if it does not fit, and always ended. */
static int get_string(struct nlattr *a, char *to, size_t bytes)
{
	size_t len = strnlen(nla_data(a), nla_len(a));

	if (len >= bytes)
		len = bytes - 1;
	memcpy(to, nla_data(a), len);
	to[len] = 0;
	return 0;
}

static int put_member(struct nl_msg *msg, int attr, const struct rpl_req_member *req)
{
	struct nlattr *nest = nla_nest_start(msg, attr | NLA_F_NESTED);

	if (!nest)
		return -EMSGSIZE;
	if (RPL_HAS(req, RPL_A_MEMBER_ID))
		NLA_PUT_U32(msg, RPL_A_MEMBER_ID, req->id);
	if (RPL_HAS(req, RPL_A_MEMBER_VOLUME_ID))
		NLA_PUT_U32(msg, RPL_A_MEMBER_VOLUME_ID, req->volume_id);
	if (RPL_HAS(req, RPL_A_MEMBER_UUID))
		NLA_PUT(msg, RPL_A_MEMBER_UUID, sizeof(req->uuid), req->uuid);
	if (RPL_HAS(req, RPL_A_MEMBER_KIND))
		NLA_PUT_U32(msg, RPL_A_MEMBER_KIND, req->kind);
	if (req->read_only)
		NLA_PUT_FLAG(msg, RPL_A_MEMBER_READ_ONLY);
	nla_nest_end(msg, nest);
	return 0;
nla_put_failure:
	nla_nest_cancel(msg, nest);
	return -EMSGSIZE;
}

int rpl_encode_store_get(struct nl_msg *msg, const struct rpl_req_store_get *req)
{
	if (RPL_HAS(req, RPL_A_STORE_STORE))
		NLA_PUT_U32(msg, RPL_A_STORE_STORE, req->store);
	return 0;
nla_put_failure:
	return -EMSGSIZE;
}

int rpl_encode_source_get(struct nl_msg *msg, const struct rpl_req_source_get *req)
{
	if (RPL_HAS(req, RPL_A_SOURCE_STORE))
		NLA_PUT_U32(msg, RPL_A_SOURCE_STORE, req->store);
	if (RPL_HAS(req, RPL_A_SOURCE_ID))
		NLA_PUT_U32(msg, RPL_A_SOURCE_ID, req->id);
	return 0;
nla_put_failure:
	return -EMSGSIZE;
}

int rpl_encode_relation_get(struct nl_msg *msg, const struct rpl_req_relation_get *req)
{
	if (RPL_HAS(req, RPL_A_RELATION_STORE))
		NLA_PUT_U32(msg, RPL_A_RELATION_STORE, req->store);
	if (RPL_HAS(req, RPL_A_RELATION_ID))
		NLA_PUT_U32(msg, RPL_A_RELATION_ID, req->id);
	return 0;
nla_put_failure:
	return -EMSGSIZE;
}

int rpl_encode_group_get(struct nl_msg *msg, const struct rpl_req_group_get *req)
{
	if (RPL_HAS(req, RPL_A_GROUP_STORE))
		NLA_PUT_U32(msg, RPL_A_GROUP_STORE, req->store);
	if (RPL_HAS(req, RPL_A_GROUP_UUID))
		NLA_PUT(msg, RPL_A_GROUP_UUID, sizeof(req->uuid), req->uuid);
	return 0;
nla_put_failure:
	return -EMSGSIZE;
}

int rpl_encode_group_create(struct nl_msg *msg, const struct rpl_req_group_create *req)
{
	if (RPL_HAS(req, RPL_A_COMMAND_STORE))
		NLA_PUT_U32(msg, RPL_A_COMMAND_STORE, req->store);
	if (RPL_HAS(req, RPL_A_COMMAND_GROUP_UUID))
		NLA_PUT(msg, RPL_A_COMMAND_GROUP_UUID, sizeof(req->group_uuid), req->group_uuid);
	for (unsigned int i = 0; i < req->nr_member; i++)
		if (put_member(msg, RPL_A_COMMAND_MEMBER, &req->member[i]) < 0)
			goto nla_put_failure;
	if (RPL_HAS(req, RPL_A_COMMAND_MIN_RATE))
		NLA_PUT_U64(msg, RPL_A_COMMAND_MIN_RATE, req->min_rate);
	if (RPL_HAS(req, RPL_A_COMMAND_MAX_RATE))
		NLA_PUT_U64(msg, RPL_A_COMMAND_MAX_RATE, req->max_rate);
	return 0;
nla_put_failure:
	return -EMSGSIZE;
}

int rpl_encode_relation_modify(struct nl_msg *msg, const struct rpl_req_relation_modify *req)
{
	if (RPL_HAS(req, RPL_A_COMMAND_STORE))
		NLA_PUT_U32(msg, RPL_A_COMMAND_STORE, req->store);
	if (RPL_HAS(req, RPL_A_COMMAND_ID))
		NLA_PUT_U32(msg, RPL_A_COMMAND_ID, req->id);
	if (RPL_HAS(req, RPL_A_COMMAND_GROUP_UUID))
		NLA_PUT(msg, RPL_A_COMMAND_GROUP_UUID, sizeof(req->group_uuid), req->group_uuid);
	if (RPL_HAS(req, RPL_A_COMMAND_ACTION))
		NLA_PUT_U32(msg, RPL_A_COMMAND_ACTION, req->action);
	if (req->force)
		NLA_PUT_FLAG(msg, RPL_A_COMMAND_FORCE);
	if (RPL_HAS(req, RPL_A_COMMAND_MIN_RATE))
		NLA_PUT_U64(msg, RPL_A_COMMAND_MIN_RATE, req->min_rate);
	if (RPL_HAS(req, RPL_A_COMMAND_MAX_RATE))
		NLA_PUT_U64(msg, RPL_A_COMMAND_MAX_RATE, req->max_rate);
	return 0;
nla_put_failure:
	return -EMSGSIZE;
}

int rpl_encode_command_get(struct nl_msg *msg, const struct rpl_req_command_get *req)
{
	if (RPL_HAS(req, RPL_A_COMMAND_COOKIE))
		NLA_PUT_U64(msg, RPL_A_COMMAND_COOKIE, req->cookie);
	return 0;
nla_put_failure:
	return -EMSGSIZE;
}

int rpl_encode_store_modify(struct nl_msg *msg, const struct rpl_req_store_modify *req)
{
	if (RPL_HAS(req, RPL_A_STORE_STORE))
		NLA_PUT_U32(msg, RPL_A_STORE_STORE, req->store);
	if (RPL_HAS(req, RPL_A_STORE_LOW_WATER))
		NLA_PUT_U64(msg, RPL_A_STORE_LOW_WATER, req->low_water);
	if (RPL_HAS(req, RPL_A_STORE_OVERFLOW))
		NLA_PUT_U32(msg, RPL_A_STORE_OVERFLOW, req->overflow);
	if (RPL_HAS(req, RPL_A_STORE_QUEUE_TIMEOUT))
		NLA_PUT_U32(msg, RPL_A_STORE_QUEUE_TIMEOUT, req->queue_timeout);
	return 0;
nla_put_failure:
	return -EMSGSIZE;
}

int rpl_decode_source(struct nlmsghdr *nlh, struct rpl_msg_source *out)
{
	struct nlattr *a;
	int left;

	memset(out, 0, sizeof(*out));
	if (!genlmsg_valid_hdr(nlh, 0))
		return -EBADMSG;
	nla_for_each_attr(a, genlmsg_attrdata(nlmsg_data(nlh), 0),
			  genlmsg_attrlen(nlmsg_data(nlh), 0), left) {
		switch (nla_type(a)) {
		case RPL_A_SOURCE_STORE:
			if (get_bytes(a, &out->store, sizeof(out->store)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_SOURCE_ID:
			if (get_bytes(a, &out->id, sizeof(out->id)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_SOURCE_BYTES:
			if (get_bytes(a, &out->bytes, sizeof(out->bytes)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_SOURCE_NR_RELATIONS:
			if (get_bytes(a, &out->nr_relations, sizeof(out->nr_relations)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_SOURCE_ARMED:
			if (get_bytes(a, &out->armed, sizeof(out->armed)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_SOURCE_FIRST_WRITES:
			if (get_bytes(a, &out->first_writes, sizeof(out->first_writes)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_SOURCE_PRESERVED_BYTES:
			if (get_bytes(a, &out->preserved_bytes, sizeof(out->preserved_bytes)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_SOURCE_HELD_WRITES:
			if (get_bytes(a, &out->held_writes, sizeof(out->held_writes)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_SOURCE_HELD_MAX_NS:
			if (get_bytes(a, &out->held_max_ns, sizeof(out->held_max_ns)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_SOURCE_NR_SNAPSHOTS:
			if (get_bytes(a, &out->nr_snapshots, sizeof(out->nr_snapshots)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_SOURCE_STORED_BYTES:
			if (get_bytes(a, &out->stored_bytes, sizeof(out->stored_bytes)) < 0)
				return -EBADMSG;
			break;
		default:
			continue;
		}
		out->has |= UINT64_C(1) << nla_type(a);
	}
	return 0;
}

int rpl_decode_relation(struct nlmsghdr *nlh, struct rpl_msg_relation *out)
{
	struct nlattr *a;
	int left;

	memset(out, 0, sizeof(*out));
	if (!genlmsg_valid_hdr(nlh, 0))
		return -EBADMSG;
	nla_for_each_attr(a, genlmsg_attrdata(nlmsg_data(nlh), 0),
			  genlmsg_attrlen(nlmsg_data(nlh), 0), left) {
		switch (nla_type(a)) {
		case RPL_A_RELATION_STORE:
			if (get_bytes(a, &out->store, sizeof(out->store)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_RELATION_ID:
			if (get_bytes(a, &out->id, sizeof(out->id)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_RELATION_UUID:
			if (get_bytes(a, out->uuid, sizeof(out->uuid)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_RELATION_GROUP_UUID:
			if (get_bytes(a, out->group_uuid, sizeof(out->group_uuid)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_RELATION_VOLUME_ID:
			if (get_bytes(a, &out->volume_id, sizeof(out->volume_id)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_RELATION_STATE:
			if (get_bytes(a, &out->state, sizeof(out->state)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_RELATION_ERROR:
			if (get_bytes(a, &out->error, sizeof(out->error)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_RELATION_REASON:
			if (get_string(a, out->reason, sizeof(out->reason)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_RELATION_TOTAL_BYTES:
			if (get_bytes(a, &out->total_bytes, sizeof(out->total_bytes)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_RELATION_COPIED_BYTES:
			if (get_bytes(a, &out->copied_bytes, sizeof(out->copied_bytes)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_RELATION_BAD_BYTES:
			if (get_bytes(a, &out->bad_bytes, sizeof(out->bad_bytes)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_RELATION_RATE:
			if (get_bytes(a, &out->rate, sizeof(out->rate)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_RELATION_ETA:
			if (get_bytes(a, &out->eta, sizeof(out->eta)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_RELATION_MIN_RATE:
			if (get_bytes(a, &out->min_rate, sizeof(out->min_rate)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_RELATION_MAX_RATE:
			if (get_bytes(a, &out->max_rate, sizeof(out->max_rate)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_RELATION_EVENT:
			if (get_bytes(a, &out->event, sizeof(out->event)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_RELATION_SEQ:
			if (get_bytes(a, &out->seq, sizeof(out->seq)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_RELATION_KIND:
			if (get_bytes(a, &out->kind, sizeof(out->kind)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_RELATION_READ_ONLY:
			if (get_bytes(a, &out->read_only, sizeof(out->read_only)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_RELATION_WRITTEN_BYTES:
			if (get_bytes(a, &out->written_bytes, sizeof(out->written_bytes)) < 0)
				return -EBADMSG;
			break;
		default:
			continue;
		}
		out->has |= UINT64_C(1) << nla_type(a);
	}
	return 0;
}

static int get_state_count(struct nlattr *nest, struct rpl_msg_state_count *out)
{
	struct nlattr *a;
	int left;

	memset(out, 0, sizeof(*out));
	nla_for_each_nested(a, nest, left) {
		switch (nla_type(a)) {
		case RPL_A_STATE_COUNT_STATE:
			if (get_bytes(a, &out->state, sizeof(out->state)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_STATE_COUNT_COUNT:
			if (get_bytes(a, &out->count, sizeof(out->count)) < 0)
				return -EBADMSG;
			break;
		default:
			continue;
		}
		out->has |= UINT64_C(1) << nla_type(a);
	}
	return 0;
}

int rpl_decode_group(struct nlmsghdr *nlh, struct rpl_msg_group *out)
{
	struct nlattr *a;
	int left;

	memset(out, 0, sizeof(*out));
	if (!genlmsg_valid_hdr(nlh, 0))
		return -EBADMSG;
	nla_for_each_attr(a, genlmsg_attrdata(nlmsg_data(nlh), 0),
			  genlmsg_attrlen(nlmsg_data(nlh), 0), left) {
		switch (nla_type(a)) {
		case RPL_A_GROUP_STORE:
			if (get_bytes(a, &out->store, sizeof(out->store)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_GROUP_UUID:
			if (get_bytes(a, out->uuid, sizeof(out->uuid)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_GROUP_NR_RELATIONS:
			if (get_bytes(a, &out->nr_relations, sizeof(out->nr_relations)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_GROUP_STATES:
			if (out->nr_states >= 16 ||
			    get_state_count(a, &out->states[out->nr_states++]) < 0)
				return -EBADMSG;
			break;
		case RPL_A_GROUP_TOTAL_BYTES:
			if (get_bytes(a, &out->total_bytes, sizeof(out->total_bytes)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_GROUP_COPIED_BYTES:
			if (get_bytes(a, &out->copied_bytes, sizeof(out->copied_bytes)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_GROUP_PUBLISH_NS:
			if (get_bytes(a, &out->publish_ns, sizeof(out->publish_ns)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_GROUP_DRAIN_NS:
			if (get_bytes(a, &out->drain_ns, sizeof(out->drain_ns)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_GROUP_HELD_MAX_NS:
			if (get_bytes(a, &out->held_max_ns, sizeof(out->held_max_ns)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_GROUP_HELD_WRITES:
			if (get_bytes(a, &out->held_writes, sizeof(out->held_writes)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_GROUP_TIME_NS:
			if (get_bytes(a, &out->time_ns, sizeof(out->time_ns)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_GROUP_EVENT:
			if (get_bytes(a, &out->event, sizeof(out->event)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_GROUP_SEQ:
			if (get_bytes(a, &out->seq, sizeof(out->seq)) < 0)
				return -EBADMSG;
			break;
		default:
			continue;
		}
		out->has |= UINT64_C(1) << nla_type(a);
	}
	return 0;
}

int rpl_decode_command(struct nlmsghdr *nlh, struct rpl_msg_command *out)
{
	struct nlattr *a;
	int left;

	memset(out, 0, sizeof(*out));
	if (!genlmsg_valid_hdr(nlh, 0))
		return -EBADMSG;
	nla_for_each_attr(a, genlmsg_attrdata(nlmsg_data(nlh), 0),
			  genlmsg_attrlen(nlmsg_data(nlh), 0), left) {
		switch (nla_type(a)) {
		case RPL_A_COMMAND_STORE:
			if (get_bytes(a, &out->store, sizeof(out->store)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_COMMAND_COOKIE:
			if (get_bytes(a, &out->cookie, sizeof(out->cookie)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_COMMAND_KIND:
			if (get_bytes(a, &out->kind, sizeof(out->kind)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_COMMAND_STATUS:
			if (get_bytes(a, &out->status, sizeof(out->status)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_COMMAND_ERROR:
			if (get_bytes(a, &out->error, sizeof(out->error)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_COMMAND_REASON:
			if (get_string(a, out->reason, sizeof(out->reason)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_COMMAND_ID:
			if (get_bytes(a, &out->id, sizeof(out->id)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_COMMAND_GROUP_UUID:
			if (get_bytes(a, out->group_uuid, sizeof(out->group_uuid)) < 0)
				return -EBADMSG;
			break;
		default:
			continue;
		}
		out->has |= UINT64_C(1) << nla_type(a);
	}
	return 0;
}

int rpl_decode_store(struct nlmsghdr *nlh, struct rpl_msg_store *out)
{
	struct nlattr *a;
	int left;

	memset(out, 0, sizeof(*out));
	if (!genlmsg_valid_hdr(nlh, 0))
		return -EBADMSG;
	nla_for_each_attr(a, genlmsg_attrdata(nlmsg_data(nlh), 0),
			  genlmsg_attrlen(nlmsg_data(nlh), 0), left) {
		switch (nla_type(a)) {
		case RPL_A_STORE_STORE:
			if (get_bytes(a, &out->store, sizeof(out->store)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_STORE_UUID:
			if (get_bytes(a, out->uuid, sizeof(out->uuid)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_STORE_GENERATION:
			if (get_bytes(a, &out->generation, sizeof(out->generation)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_STORE_MODE:
			if (get_bytes(a, &out->mode, sizeof(out->mode)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_STORE_FLAGS:
			if (get_bytes(a, &out->flags, sizeof(out->flags)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_STORE_CHUNK_BYTES:
			if (get_bytes(a, &out->chunk_bytes, sizeof(out->chunk_bytes)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_STORE_NR_VOLUMES:
			if (get_bytes(a, &out->nr_volumes, sizeof(out->nr_volumes)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_STORE_NR_RELATIONS:
			if (get_bytes(a, &out->nr_relations, sizeof(out->nr_relations)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_STORE_NR_GROUPS:
			if (get_bytes(a, &out->nr_groups, sizeof(out->nr_groups)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_STORE_MAX_VOLUMES:
			if (get_bytes(a, &out->max_volumes, sizeof(out->max_volumes)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_STORE_REASON:
			if (get_string(a, out->reason, sizeof(out->reason)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_STORE_EVENT:
			if (get_bytes(a, &out->event, sizeof(out->event)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_STORE_SEQ:
			if (get_bytes(a, &out->seq, sizeof(out->seq)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_STORE_DATA_BYTES:
			if (get_bytes(a, &out->data_bytes, sizeof(out->data_bytes)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_STORE_USED_BYTES:
			if (get_bytes(a, &out->used_bytes, sizeof(out->used_bytes)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_STORE_LOW_WATER:
			if (get_bytes(a, &out->low_water, sizeof(out->low_water)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_STORE_OVERFLOW:
			if (get_bytes(a, &out->overflow, sizeof(out->overflow)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_STORE_QUEUE_TIMEOUT:
			if (get_bytes(a, &out->queue_timeout, sizeof(out->queue_timeout)) < 0)
				return -EBADMSG;
			break;
		case RPL_A_STORE_WAITING_WRITES:
			if (get_bytes(a, &out->waiting_writes, sizeof(out->waiting_writes)) < 0)
				return -EBADMSG;
			break;
		default:
			continue;
		}
		out->has |= UINT64_C(1) << nla_type(a);
	}
	return 0;
}

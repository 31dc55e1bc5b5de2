/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generated from uapi/dm-replica.yaml by gen/nlgen.py (make gen), do not edit.
 *
 * What the kernel says (rpl_msg_*, decoded) and what is asked (rpl_req_*, encoded).
 * `has` is a bit mask: RPL_HAS(msg, RPL_A_RELATION_ETA). An attribute of a newer
 * kernel is ignored, a known one of the wrong length is -EBADMSG. In a request a
 * scalar or uuid is sent if its bit in `has` is set (RPL_SET).
 */
#ifndef RPL_NL_GEN_H
#define RPL_NL_GEN_H

#include <stdbool.h>
#include <stdint.h>
#include "../../uapi/linux/dm-replica.h"

struct nl_msg;
struct nlmsghdr;

#define RPL_HAS(msg, attr) (((msg)->has >> (attr)) & 1)
#define RPL_SET(req, attr) ((req)->has |= UINT64_C(1) << (attr))

struct rpl_msg_source {
	uint64_t has;
	uint32_t store;
	uint32_t id;
	uint64_t bytes;
	uint32_t nr_relations;
	uint32_t armed;
	uint64_t first_writes;
	uint64_t preserved_bytes;
	uint64_t held_writes;
	uint64_t held_max_ns;
	uint32_t nr_snapshots;
	uint64_t stored_bytes;
};

struct rpl_msg_relation {
	uint64_t has;
	uint32_t store;
	uint32_t id;
	uint8_t uuid[RPL_UUID_LEN];
	uint8_t group_uuid[RPL_UUID_LEN];
	uint32_t volume_id;
	uint32_t state;
	uint32_t error;
	char reason[RPL_REASON_LEN + 1];
	uint64_t total_bytes;
	uint64_t copied_bytes;
	uint64_t bad_bytes;
	uint64_t rate;
	uint32_t eta;
	uint64_t min_rate;
	uint64_t max_rate;
	uint32_t event;
	uint64_t seq;
	uint32_t kind;
	uint32_t read_only;
	uint64_t written_bytes;
};

struct rpl_msg_state_count {
	uint64_t has;
	uint32_t state;
	uint32_t count;
};

struct rpl_msg_group {
	uint64_t has;
	uint32_t store;
	uint8_t uuid[RPL_UUID_LEN];
	uint32_t nr_relations;
	unsigned int nr_states;
	struct rpl_msg_state_count states[16];
	uint64_t total_bytes;
	uint64_t copied_bytes;
	uint64_t publish_ns;
	uint64_t drain_ns;
	uint64_t held_max_ns;
	uint64_t held_writes;
	uint64_t time_ns;
	uint32_t event;
	uint64_t seq;
};

struct rpl_msg_command {
	uint64_t has;
	uint32_t store;
	uint64_t cookie;
	uint32_t kind;
	uint32_t status;
	uint32_t error;
	char reason[RPL_REASON_LEN + 1];
	uint32_t id;
	uint8_t group_uuid[RPL_UUID_LEN];
};

struct rpl_msg_store {
	uint64_t has;
	uint32_t store;
	uint8_t uuid[RPL_UUID_LEN];
	uint64_t generation;
	uint32_t mode;
	uint32_t flags;
	uint32_t chunk_bytes;
	uint32_t nr_volumes;
	uint32_t nr_relations;
	uint32_t nr_groups;
	uint32_t max_volumes;
	char reason[RPL_REASON_LEN + 1];
	uint32_t event;
	uint64_t seq;
	uint64_t data_bytes;
	uint64_t used_bytes;
	uint64_t low_water;
	uint32_t overflow;
	uint32_t queue_timeout;
	uint32_t waiting_writes;
};

struct rpl_req_member {
	uint64_t has;
	uint32_t id;
	uint32_t volume_id;
	uint8_t uuid[RPL_UUID_LEN];
	uint32_t kind;
	bool read_only;
};

struct rpl_req_store_get {
	uint64_t has;
	uint32_t store;
};

struct rpl_req_source_get {
	uint64_t has;
	uint32_t store;
	uint32_t id;
};

struct rpl_req_relation_get {
	uint64_t has;
	uint32_t store;
	uint32_t id;
};

struct rpl_req_group_get {
	uint64_t has;
	uint32_t store;
	uint8_t uuid[RPL_UUID_LEN];
};

struct rpl_req_group_create {
	uint64_t has;
	uint32_t store;
	uint8_t group_uuid[RPL_UUID_LEN];
	unsigned int nr_member;
	const struct rpl_req_member *member;
	uint64_t min_rate;
	uint64_t max_rate;
};

struct rpl_req_relation_modify {
	uint64_t has;
	uint32_t store;
	uint32_t id;
	uint8_t group_uuid[RPL_UUID_LEN];
	uint32_t action;
	bool force;
	uint64_t min_rate;
	uint64_t max_rate;
};

struct rpl_req_command_get {
	uint64_t has;
	uint64_t cookie;
};

struct rpl_req_store_modify {
	uint64_t has;
	uint32_t store;
	uint64_t low_water;
	uint32_t overflow;
	uint32_t queue_timeout;
};

/* 0 or -EMSGSIZE. The generic netlink header is already in the message. */
int rpl_encode_store_get(struct nl_msg *msg, const struct rpl_req_store_get *req);
int rpl_encode_source_get(struct nl_msg *msg, const struct rpl_req_source_get *req);
int rpl_encode_relation_get(struct nl_msg *msg, const struct rpl_req_relation_get *req);
int rpl_encode_group_get(struct nl_msg *msg, const struct rpl_req_group_get *req);
int rpl_encode_group_create(struct nl_msg *msg, const struct rpl_req_group_create *req);
int rpl_encode_relation_modify(struct nl_msg *msg, const struct rpl_req_relation_modify *req);
int rpl_encode_command_get(struct nl_msg *msg, const struct rpl_req_command_get *req);
int rpl_encode_store_modify(struct nl_msg *msg, const struct rpl_req_store_modify *req);

/* 0 or -EBADMSG. *out is written in any case. */
int rpl_decode_source(struct nlmsghdr *nlh, struct rpl_msg_source *out);
int rpl_decode_relation(struct nlmsghdr *nlh, struct rpl_msg_relation *out);
int rpl_decode_group(struct nlmsghdr *nlh, struct rpl_msg_group *out);
int rpl_decode_command(struct nlmsghdr *nlh, struct rpl_msg_command *out);
int rpl_decode_store(struct nlmsghdr *nlh, struct rpl_msg_store *out);

#endif /* RPL_NL_GEN_H */

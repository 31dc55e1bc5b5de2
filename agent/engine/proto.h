// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * proto.h - what smisd and smisd-priv say to each other: one JSON object per packet.
 *
 *	{"id":7,"op":"volume-create","uuid":"…","volume":3,"size":1048576,"pool":"…","name":"…"}
 *	{"id":7,"error":0,"reason":"","size":1048576}
 *
 * Decoding is strict: exactly the fields of the operation, right types, lengths and alphabets;
 * ids, uuids, sizes and names only, never paths or command lines. Pure functions.
 */
#ifndef AGENT_ENGINE_PROTO_H
#define AGENT_ENGINE_PROTO_H

#include "base/strbuf.h"
#include "engine/backend.h"

#define PROTO_REQUEST_MAX (256 * 1024) /* bytes of a packet */
#define PROTO_REPLY_MAX	  (128 * 1024)
#define PROTO_PAGE	  128 /* objects in one packet of a reply; "more" says that one follows */

void proto_put_request(struct strbuf *out, uint64_t id, const struct backend_request *req);
/*
 * 0 and an owned request (backend_request_free), or -EINVAL with a sentence in @why. @id is set
 * whenever it could be read, else 0.
 */
int proto_get_request(const char *buf, size_t len, uint64_t *id, struct backend_request **out,
		      char *why, size_t why_size);

/*
 * One packet of @reply, whose arrays are written from object *@next on, counted over all arrays;
 * *@next is advanced. True when another packet must follow.
 */
bool proto_put_reply(struct strbuf *out, uint64_t id, const struct backend_reply *reply,
		     size_t *next);

/* A reply being put together from its packets; zero-initialised, freed by proto_reply_done. */
struct proto_reply {
	struct backend_reply reply; /* arrays and reason are owned */
	size_t cap_pools, cap_volumes, cap_groups;
};

/* 1: complete; 0: more packets follow; -EPROTO: not a reply, @id may be 0. */
int proto_get_reply(const char *buf, size_t len, uint64_t *id, struct proto_reply *into);
/* Only the id of a packet; 0 if there is none. */
uint64_t proto_peek_id(const char *buf, size_t len);
void proto_reply_done(struct proto_reply *r);

bool proto_uuid_ok(const char *s);

#endif

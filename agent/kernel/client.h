/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client.h - the kernel module as seen from user space.
 *
 * A client has two netlink sockets: one for requests, whose answers are waited for (the module
 * answers within a millisecond, it queues what takes longer), and one for events, non-blocking, for
 * an event loop. smisd (no privileges) dumps, gets and listens; smisd-priv (CAP_SYS_ADMIN) sends
 * commands and learns their results. One thread at a time per client. Nothing here keeps state of
 * the kernel's objects: that is the engine's.
 *
 * A client can be opened before the module is loaded and outlives its reload: `family` tells.
 *
 * The truth after each of these is a new dump: rpl_client_open() with the family present,
 * family(true), lost(). An event whose `seq` is not greater than the dumped one of that object is
 * older than the dump and to be dropped.
 */
#ifndef RPL_KERNEL_CLIENT_H
#define RPL_KERNEL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "nl-gen.h" /* struct rpl_msg_*, struct rpl_req_*, RPL_HAS, RPL_SET, enums of the uapi */
#include "names-gen.h" /* rpl_state_name() … */

struct rpl_client;

/*
 * Callbacks from rpl_client_dispatch() and rpl_client_wait() only, each may be NULL. They may send
 * requests on the same client, but not dispatch, wait or close. msg->event: enum rpl_event.
 */
struct rpl_client_ops {
	void (*store)(void *arg, const struct rpl_msg_store *msg);
	void (*relation)(void *arg, const struct rpl_msg_relation *msg);
	void (*group)(void *arg, const struct rpl_msg_group *msg);
	/* Once for each command of anybody that ended. own: it was sent by this client. */
	void (*command_done)(void *arg, const struct rpl_msg_command *msg, bool own);
	/* Events were lost (the socket's buffer was full): dump again. */
	void (*lost)(void *arg);
	/* The module came or went. After it came: dump. After it went: no store is there. */
	void (*family)(void *arg, bool present);
};

/* ops and arg must outlive the client. 0 or negative errno. The module need not be loaded. */
int rpl_client_open(struct rpl_client **out, const struct rpl_client_ops *ops, void *arg);
void rpl_client_close(struct rpl_client *c); /* NULL is fine */

/* Is the module there? Asks again if it was not. */
bool rpl_client_present(struct rpl_client *c);

/*
 * For an event loop: when one of the two is readable (level-triggered, EPOLLIN), call
 * rpl_client_dispatch(). It never blocks, reads what there is (at most about 256 messages, then
 * returns so others get their turn) and calls back. 0 or negative errno (-EIO: close and open).
 */
int rpl_client_event_fd(const struct rpl_client *c);
int rpl_client_request_fd(const struct rpl_client *c);
int rpl_client_dispatch(struct rpl_client *c);

/*
 * Why the last call on this client failed: the kernel's own sentence (extack) where it gave one,
 * else that of the errno. Valid until the next call.
 */
const char *rpl_client_why(const struct rpl_client *c);

/*
 * Dumps. The callback gets each object of one consistent dump (collected first, repeated if it was
 * interrupted by a change); a callback's nonzero result ends the walk and is returned.
 * -ENOENT: the module is not loaded. dev: only of that store; 0 = all.
 */
int rpl_client_dump_stores(struct rpl_client *c,
			   int (*cb)(void *arg, const struct rpl_msg_store *msg), void *arg);
int rpl_client_dump_sources(struct rpl_client *c, uint32_t dev,
			    int (*cb)(void *arg, const struct rpl_msg_source *msg), void *arg);
int rpl_client_dump_relations(struct rpl_client *c, uint32_t dev,
			      int (*cb)(void *arg, const struct rpl_msg_relation *msg), void *arg);
int rpl_client_dump_groups(struct rpl_client *c, uint32_t dev,
			   int (*cb)(void *arg, const struct rpl_msg_group *msg), void *arg);

/* One object. 0, -ENOENT (no such object, or no module), or negative errno. */
int rpl_client_get_store(struct rpl_client *c, uint32_t dev, struct rpl_msg_store *out);
int rpl_client_get_source(struct rpl_client *c, uint32_t dev, uint32_t id,
			  struct rpl_msg_source *out);
int rpl_client_get_relation(struct rpl_client *c, uint32_t dev, uint32_t id,
			    struct rpl_msg_relation *out);
int rpl_client_get_group(struct rpl_client *c, uint32_t dev, const uint8_t uuid[RPL_UUID_LEN],
			 struct rpl_msg_group *out);

/*
 * Commands (CAP_SYS_ADMIN). 0 and *cookie: checked and queued; the result comes by command_done (or
 * _wait). Negative errno: refused, nothing changed, rpl_client_why() has the sentence.
 * dev 0 = the only store.
 */
int rpl_client_group_create(struct rpl_client *c, uint32_t dev, const uint8_t uuid[RPL_UUID_LEN],
			    const struct rpl_req_member *members, unsigned int nr,
			    uint64_t min_bytes_s, uint64_t max_bytes_s, uint64_t *cookie);
int rpl_client_relation_modify(struct rpl_client *c, const struct rpl_req_relation_modify *req,
			       uint64_t *cookie);

/* Settings of a store (CAP_SYS_ADMIN), which are in force when this returns 0. *out: what holds. */
int rpl_client_store_modify(struct rpl_client *c, const struct rpl_req_store_modify *req,
			    struct rpl_msg_store *out);

/* What became of a command: 0 and *out, or -ENOENT (unknown, or among the older than 256). */
int rpl_client_command_get(struct rpl_client *c, uint64_t cookie, struct rpl_msg_command *out);

/*
 * Wait for the end of a command, calling back for what else arrives. 0 and *out (whose `error` is
 * the command's own result, 0 or a positive errno), -ETIMEDOUT, or negative errno.
 */
int rpl_client_wait(struct rpl_client *c, uint64_t cookie, int timeout_ms,
		    struct rpl_msg_command *out);

/* Fill one member of a group-create. */
void rpl_member_set(struct rpl_req_member *m, uint32_t id, uint32_t volume_id,
		    const uint8_t uuid[RPL_UUID_LEN]);

/* The number of a store from major and minor, and back (major << 20 | minor). */
static inline uint32_t rpl_dev(unsigned int major, unsigned int minor)
{
	return major << 20 | minor;
}

static inline unsigned int rpl_dev_major(uint32_t dev)
{
	return dev >> 20;
}

static inline unsigned int rpl_dev_minor(uint32_t dev)
{
	return dev & 0xfffff;
}

#endif /* RPL_KERNEL_CLIENT_H */

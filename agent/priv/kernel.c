// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kernel.c - the commands of smisd-priv to the kernel module: sent, then waited for.
 *
 * A client is opened for each command: workers live for one operation only.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uuid/uuid.h>

#include "kernel/client.h"
#include "priv/ops.h"

#define COMMAND_MS 60000

static const struct rpl_client_ops no_events;

static int open_client(struct rpl_client **c, struct answer *a)
{
	int ret = rpl_client_open(c, &no_events, NULL);

	if (ret)
		return answer_fail(a, ret, "netlink: %s", strerror(-ret));
	if (rpl_client_present(*c))
		return 0;
	rpl_client_close(*c);
	return answer_fail(a, -ENODEV, "the kernel module dm-replica is not loaded");
}

/* The result of a command that was queued. */
static int await(struct rpl_client *c, uint64_t cookie, struct answer *a)
{
	struct rpl_msg_command m;
	int ret = rpl_client_wait(c, cookie, COMMAND_MS, &m);

	if (ret)
		return answer_fail(a, ret, "the kernel's answer: %s", rpl_client_why(c));
	if (m.error)
		return answer_fail(a, -(int)m.error, "%s",
				   *m.reason ? m.reason : strerror((int)m.error));
	return 0;
}

static void group_facts(struct rpl_client *c, uint32_t dev, const uuid_t group, const char *text,
			struct answer *a)
{
	struct rpl_msg_group m;
	struct backend_group g = { 0 };

	if (rpl_client_get_group(c, dev, group, &m))
		return;
	snprintf(g.uuid, sizeof(g.uuid), "%s", text);
	g.held_max_ns = m.held_max_ns;
	g.when_us = m.time_ns / 1000;
	vec_push(&a->groups, g);
}

int kernel_group_create(uint32_t dev, const char *group, const struct group_member *m, size_t nr,
			struct answer *a)
{
	struct rpl_req_member *members = xcalloc(nr, sizeof(*members));
	struct rpl_msg_group there;
	struct rpl_client *c;
	uint64_t cookie;
	uuid_t u, r;
	int ret = open_client(&c, a);

	if (ret)
		goto out;
	uuid_parse(group, u);
	for (size_t i = 0; i < nr; i++) {
		uuid_parse(m[i].relation, r);
		rpl_member_set(&members[i], m[i].target_id, m[i].source_id, r);
		if (!m[i].is_snapshot)
			continue;
		members[i].kind = RPL_KIND_SNAPSHOT;
		RPL_SET(&members[i], RPL_A_MEMBER_KIND);
		members[i].read_only = m[i].read_only;
	}
	/* done before, and the answer was lost? */
	if (rpl_client_get_group(c, dev, u, &there)) {
		ret = rpl_client_group_create(c, dev, u, members, (unsigned int)nr, 0, 0, &cookie);
		if (ret)
			answer_fail(a, ret, "%s", rpl_client_why(c));
		else
			ret = await(c, cookie, a);
	}
	if (!ret)
		group_facts(c, dev, u, group, a);
	rpl_client_close(c);
out:
	free(members);
	return ret;
}

static uint32_t action_of(enum backend_verb verb)
{
	switch (verb) {
	case BACKEND_SUSPEND:
		return RPL_ACTION_SUSPEND;
	case BACKEND_RESUME:
		return RPL_ACTION_RESUME;
	case BACKEND_ABORT:
		return RPL_ACTION_ABORT;
	default:
		return RPL_ACTION_DETACH;
	}
}

/* Nothing to do: it is as asked for already. Asked again after a lost answer this is a success. */
static bool is_so(enum backend_verb verb, uint32_t state)
{
	return (verb == BACKEND_SUSPEND && state == RPL_STATE_SUSPENDED) ||
	       (verb == BACKEND_RESUME && state == RPL_STATE_COPYING) ||
	       (verb == BACKEND_ABORT && state == RPL_STATE_ABORTED);
}

static bool is_relation(const struct rpl_msg_relation *m, const char *relation)
{
	uuid_t u;

	return m->state != RPL_STATE_PREPARED && !uuid_parse(relation, u) &&
	       !memcmp(u, m->uuid, sizeof(u));
}

/* One relation or snapshot, by store and id: the command, and what became of it. */
static int modify(struct rpl_client *c, struct rpl_req_relation_modify *req, struct answer *a)
{
	uint64_t cookie;
	int ret;

	RPL_SET(req, RPL_A_COMMAND_STORE);
	RPL_SET(req, RPL_A_COMMAND_ID);
	RPL_SET(req, RPL_A_COMMAND_ACTION);
	ret = rpl_client_relation_modify(c, req, &cookie);
	if (ret)
		return answer_fail(a, ret, "%s", rpl_client_why(c));
	return await(c, cookie, a);
}

int kernel_relation_modify(uint32_t dev, uint32_t target_id, const char *relation,
			   enum backend_verb verb, bool force, struct answer *a)
{
	struct rpl_req_relation_modify req = { 0 };
	struct rpl_msg_relation m;
	struct rpl_client *c;
	int ret = open_client(&c, a);

	if (ret)
		return ret;
	ret = rpl_client_get_relation(c, dev, target_id, &m);
	if (ret == -ENOENT || (!ret && !is_relation(&m, relation))) {
		ret = verb == BACKEND_DETACH ? 0 : answer_fail(a, -ENOENT, "no such relation");
	} else if (ret) {
		answer_fail(a, ret, "%s", rpl_client_why(c));
	} else if (!is_so(verb, m.state)) {
		req.store = dev;
		req.id = target_id;
		req.action = action_of(verb);
		req.force = force && verb == BACKEND_DETACH;
		ret = modify(c, &req, a);
	}
	rpl_client_close(c);
	return ret;
}

static int add_snapshot(void *arg, const struct rpl_msg_relation *m)
{
	struct kernel_snapshots *all = arg;
	struct kernel_snapshot s = { .dev = m->store,
				     .id = m->id,
				     .source_id = m->volume_id,
				     .size_bytes = m->total_bytes,
				     .read_only = m->read_only };

	uuid_unparse_lower(m->uuid, s.uuid);
	if (m->kind == RPL_KIND_SNAPSHOT && m->state != RPL_STATE_DETACHED)
		vec_push(all, s);
	return 0;
}

int kernel_snapshots(uint32_t dev, struct kernel_snapshots *out, struct answer *a)
{
	struct rpl_client *c;
	int ret = open_client(&c, a);

	if (ret)
		return ret;
	ret = rpl_client_dump_relations(c, dev, add_snapshot, out);
	if (ret)
		answer_fail(a, ret, "%s", rpl_client_why(c));
	rpl_client_close(c);
	return ret;
}

struct store_search {
	uuid_t uuid;
	struct kernel_stores *found;
};

static int add_store(void *arg, const struct rpl_msg_store *m)
{
	struct store_search *search = arg;
	struct kernel_store s = { .dev = m->store, .failed = m->mode == RPL_STORE_MODE_FAILED };

	snprintf(s.reason, sizeof(s.reason), "%s", m->reason);
	if (!memcmp(m->uuid, search->uuid, sizeof(search->uuid)))
		vec_push(search->found, s);
	return 0;
}

int kernel_stores(const char *uuid, struct kernel_stores *out, struct answer *a)
{
	struct store_search search = { .found = out };
	struct rpl_client *c;
	int ret = open_client(&c, a);

	if (ret)
		return ret;
	uuid_parse(uuid, search.uuid);
	ret = rpl_client_dump_stores(c, add_store, &search);
	if (ret)
		answer_fail(a, ret, "%s", rpl_client_why(c));
	rpl_client_close(c);
	return ret;
}

bool kernel_store_is_open(uint32_t dev)
{
	struct answer unsaid = { 0 };
	struct rpl_msg_store m;
	struct rpl_client *c;
	bool open;

	if (open_client(&c, &unsaid))
		return false;
	open = !rpl_client_get_store(c, dev, &m) && m.mode == RPL_STORE_MODE_OPEN;
	rpl_client_close(c);
	return open;
}

int kernel_snapshot_delete(uint32_t dev, uint32_t id, struct answer *a)
{
	struct rpl_req_relation_modify req = { .store = dev,
					       .id = id,
					       .action = RPL_ACTION_DELETE };
	struct rpl_client *c;
	int ret = open_client(&c, a);

	if (ret)
		return ret;
	ret = modify(c, &req, a);
	rpl_client_close(c);
	return ret;
}

int kernel_has_relation(uint32_t dev, uint32_t target_id, struct answer *a)
{
	struct rpl_msg_relation m;
	struct rpl_client *c;
	int ret = open_client(&c, a);

	if (ret)
		return ret;
	ret = rpl_client_get_relation(c, dev, target_id, &m);
	if (ret == -ENOENT)
		ret = 0;
	else if (ret)
		answer_fail(a, ret, "%s", rpl_client_why(c));
	else
		ret = m.state != RPL_STATE_PREPARED && m.state != RPL_STATE_DETACHED;
	rpl_client_close(c);
	return ret;
}

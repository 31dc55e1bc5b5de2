// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * link-kernel.c - netlink on the event loop. See link-kernel.h.
 *
 * Events older than the last list or than an event before are dropped by their sequence number.
 */
#include "engine/link-kernel.h"

#include <errno.h>
#include <uuid/uuid.h>

#include "engine/model.h"
#include "kernel/client.h"

_Static_assert((int)ENGINE_PREPARED == RPL_STATE_PREPARED, "states of engine.h are the kernel's");
_Static_assert((int)ENGINE_COPYING == RPL_STATE_COPYING, "states of engine.h are the kernel's");
_Static_assert((int)ENGINE_SUSPENDED == RPL_STATE_SUSPENDED, "states of engine.h are the kernel's");
_Static_assert((int)ENGINE_SYNCHRONIZED == RPL_STATE_SYNCHRONIZED, "states are the kernel's");
_Static_assert((int)ENGINE_ABORTED == RPL_STATE_ABORTED, "states of engine.h are the kernel's");
_Static_assert((int)ENGINE_RELATION_FAILED == RPL_STATE_FAILED, "states are the kernel's");
_Static_assert((int)ENGINE_DETACHED == RPL_STATE_DETACHED, "states of engine.h are the kernel's");

struct link_kernel {
	struct rpl_client *client;
	sd_event_source *event_io, *request_io;
	struct strmap seqs; /* relation's uuid -> uint64_t, the newest that was seen */
	void (*relation)(const struct backend_relation *r, void *arg);
	void (*failed)(const char *store, void *arg);
	void (*changed)(void *arg);
	void *arg;
};

static void convert(const struct rpl_msg_relation *m, struct backend_relation *out)
{
	*out = (struct backend_relation) {
		.target_id = m->id,
		.source_id = m->volume_id,
		.is_snapshot = m->kind == RPL_KIND_SNAPSHOT,
		.read_only = m->read_only,
		.state = (enum engine_state)m->state,
		.error = (int)m->error,
		.total_bytes = m->total_bytes,
		.copied_bytes = m->copied_bytes,
		.rate_bytes_s = m->rate,
		.eta_s = RPL_HAS(m, RPL_A_RELATION_ETA) ? m->eta : ENGINE_ETA_UNKNOWN,
	};
	uuid_unparse_lower(m->uuid, out->uuid);
	uuid_unparse_lower(m->group_uuid, out->group);
	snprintf(out->reason, sizeof(out->reason), "%s", m->reason);
}

/* True when nothing newer is known; remembers it. */
static bool is_news(struct link_kernel *k, const char *uuid, uint64_t seq)
{
	uint64_t *last = strmap_get(&k->seqs, uuid);

	if (last && seq <= *last)
		return false;
	if (!last) {
		last = new0(uint64_t);
		strmap_set(&k->seqs, uuid, last);
	}
	*last = seq;
	return true;
}

static void forget_seqs(struct link_kernel *k)
{
	for (struct strmap_slot *s = strmap_first(&k->seqs); s; s = strmap_next(&k->seqs, s))
		free(s->value);
	strmap_done(&k->seqs);
	k->seqs = (struct strmap)STRMAP_INIT;
}

/* ---- events */

/* It has its point in time. */
static bool is_ours(const struct rpl_msg_relation *m)
{
	return m->state != RPL_STATE_PREPARED && !uuid_is_null(m->uuid);
}

static void on_relation(void *arg, const struct rpl_msg_relation *m)
{
	struct link_kernel *k = arg;
	struct backend_relation r;

	if (!is_ours(m))
		return;
	convert(m, &r);
	if (!is_news(k, r.uuid, m->seq))
		return;
	if (m->state == RPL_STATE_DETACHED)
		free(strmap_del(&k->seqs, r.uuid));
	k->relation(&r, k->arg);
}

static void on_store(void *arg, const struct rpl_msg_store *m)
{
	struct link_kernel *k = arg;
	char uuid[ENGINE_UUID_LEN];

	uuid_unparse_lower(m->uuid, uuid);
	if (m->mode == RPL_STORE_MODE_FAILED && m->event != RPL_EVENT_REMOVED)
		k->failed(uuid, k->arg);
}

static void on_lost(void *arg)
{
	struct link_kernel *k = arg;

	k->changed(k->arg);
}

static void on_family(void *arg, bool present)
{
	struct link_kernel *k = arg;

	log_notice("the kernel module dm-replica %s", present ? "is there" : "has gone");
	forget_seqs(k); /* a module that was loaded again counts from the start */
	k->changed(k->arg);
}

static const struct rpl_client_ops client_ops = {
	.store = on_store,
	.relation = on_relation,
	.lost = on_lost,
	.family = on_family,
};

static int on_io(sd_event_source *src, int fd, uint32_t revents, void *arg)
{
	struct link_kernel *k = arg;
	int ret;

	(void)src;
	(void)fd;
	(void)revents;
	ret = rpl_client_dispatch(k->client);
	if (ret < 0)
		log_err("netlink: %s", rpl_client_why(k->client));
	return ret == -EIO ? ret : 0;
}

/* ---- lists */

struct collect {
	struct link_kernel *k;
	VEC(struct backend_relation) relations;
	VEC(struct backend_group) groups;
	VEC(struct backend_space) spaces;
	VEC(struct link_store) failed;
};

static int add_relation(void *arg, const struct rpl_msg_relation *m)
{
	struct collect *c = arg;
	struct backend_relation r;

	if (!is_ours(m) || m->state == RPL_STATE_DETACHED)
		return 0;
	convert(m, &r);
	is_news(c->k, r.uuid, m->seq);
	vec_push(&c->relations, r);
	return 0;
}

static int add_group(void *arg, const struct rpl_msg_group *m)
{
	struct collect *c = arg;
	struct backend_group g = { .held_max_ns = m->held_max_ns, .when_us = m->time_ns / 1000 };

	uuid_unparse_lower(m->uuid, g.uuid);
	vec_push(&c->groups, g);
	return 0;
}

static int add_failed(void *arg, const struct rpl_msg_store *m)
{
	struct collect *c = arg;
	struct link_store s;

	uuid_unparse_lower(m->uuid, s.uuid);
	if (m->mode == RPL_STORE_MODE_FAILED)
		vec_push(&c->failed, s);
	return 0;
}

int link_kernel_list(struct link_kernel *k, struct link_list *out, char *why, size_t why_size)
{
	struct collect c = { .k = k };
	int ret = rpl_client_dump_relations(k->client, 0, add_relation, &c);

	if (!ret)
		ret = rpl_client_dump_groups(k->client, 0, add_group, &c);
	if (!ret)
		ret = rpl_client_dump_stores(k->client, add_failed, &c);
	if (ret) {
		refused(why, why_size, "the kernel: %s", rpl_client_why(k->client));
		vec_done(&c.failed);
		vec_done(&c.relations);
		vec_done(&c.groups);
		return ret == -ENOENT ? -ENODEV : ret;
	}
	out->relations = c.relations.v;
	out->nr_relations = c.relations.n;
	out->groups = c.groups.v;
	out->nr_groups = c.groups.n;
	out->failed = c.failed.v;
	out->nr_failed = c.failed.n;
	return 0;
}

static int add_space(void *arg, const struct rpl_msg_source *m)
{
	struct collect *c = arg;
	struct backend_space s = { .id = m->id, .kept_bytes = m->stored_bytes };

	if (m->nr_snapshots)
		vec_push(&c->spaces, s);
	return 0;
}

static int add_own_space(void *arg, const struct rpl_msg_relation *m)
{
	struct collect *c = arg;
	struct backend_space s = { .id = m->id, .kept_bytes = m->written_bytes };

	if (m->kind == RPL_KIND_SNAPSHOT && m->written_bytes)
		vec_push(&c->spaces, s);
	return 0;
}

int link_kernel_spaces(struct link_kernel *k, struct link_list *out, char *why, size_t why_size)
{
	struct collect c = { .k = k };
	int ret = rpl_client_dump_sources(k->client, 0, add_space, &c);

	if (!ret)
		ret = rpl_client_dump_relations(k->client, 0, add_own_space, &c);
	if (ret) {
		refused(why, why_size, "the kernel: %s", rpl_client_why(k->client));
		vec_done(&c.spaces);
		return ret == -ENOENT ? -ENODEV : ret;
	}
	out->spaces = c.spaces.v;
	out->nr_spaces = c.spaces.n;
	return 0;
}

bool link_kernel_ready(struct link_kernel *k)
{
	return k && rpl_client_present(k->client);
}

/* ---- life */

int link_kernel_start(struct link_kernel **out, sd_event *loop,
		      void (*relation)(const struct backend_relation *r, void *arg),
		      void (*failed)(const char *store, void *arg), void (*changed)(void *arg),
		      void *arg)
{
	struct link_kernel *k = new0(struct link_kernel);
	int ret;

	k->relation = relation;
	k->failed = failed;
	k->changed = changed;
	k->arg = arg;
	ret = rpl_client_open(&k->client, &client_ops, k);
	if (ret >= 0)
		ret = sd_event_add_io(loop, &k->event_io, rpl_client_event_fd(k->client), EPOLLIN,
				      on_io, k);
	if (ret >= 0)
		ret = sd_event_add_io(loop, &k->request_io, rpl_client_request_fd(k->client),
				      EPOLLIN, on_io, k);
	if (ret < 0) {
		link_kernel_stop(k);
		return ret;
	}
	*out = k;
	return 0;
}

void link_kernel_stop(struct link_kernel *k)
{
	if (!k)
		return;
	sd_event_source_disable_unref(k->event_io);
	sd_event_source_disable_unref(k->request_io);
	rpl_client_close(k->client);
	forget_seqs(k);
	free(k);
}

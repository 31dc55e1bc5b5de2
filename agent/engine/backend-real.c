// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * backend-real.c - the backend of a node: changes by smisd-priv, facts from the kernel.
 *
 * Requests go to smisd-priv in order and are kept until they are answered: when the connection
 * breaks they are sent again on the next one (all operations may be repeated), and answered
 * -ENOTCONN only when none comes for LOST_US. Relations, their progress and their events come from
 * the kernel without privilege (link-kernel.c). Loop thread only.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <linux/dm-replica.h>

#include "engine/link-kernel.h"
#include "engine/model.h"
#include "engine/proto.h"

#define LOST_US	     (15 * 1000000ull)
#define RECONNECT_US (500 * 1000ull)
#define PACKET_MAX   (1u << 20)

struct call {
	TAILQ_ENTRY(call) link;
	struct backend_request *req;
	uint64_t id;
	bool sent;
	struct proto_reply reply;
	backend_done_fn done;
	void *arg;
};

struct backend {
	sd_event *loop;
	const struct smisd_config *cfg;
	struct backend_events events;
	struct link_kernel *kernel;
	TAILQ_HEAD(, call) calls; /* to smisd-priv, oldest first */
	TAILQ_HEAD(, call) lists; /* to the kernel */
	uint64_t next_id;
	int fd; /* -1: not connected */
	sd_event_source *io, *retry, *defer;
	uint64_t lost_since_us; /* 0: connected, or nobody waits */
	bool want_resync;
	char *buf;
};

static void call_free(struct call *c)
{
	proto_reply_done(&c->reply);
	backend_request_free(c->req);
	free(c);
}

static void complete(struct call *c, const struct backend_reply *reply)
{
	if (c->done)
		c->done(reply, c->arg);
	call_free(c);
}

static void complete_error(struct call *c, int error, const char *reason)
{
	const struct backend_reply r = { .error = error, .reason = reason };

	complete(c, &r);
}

static void tell_status(struct backend *b)
{
	bool kernel = link_kernel_ready(b->kernel);
	const char *why = "";

	if (!kernel)
		why = "the kernel module dm-replica is not loaded";
	else if (b->fd < 0)
		why = "smisd-priv does not answer";
	b->events.status(kernel, b->fd >= 0, why, b->events.arg);
}

/* ---- the connection to smisd-priv */

static void disconnect(struct backend *b)
{
	struct call *c;

	if (b->fd < 0)
		return;
	b->io = sd_event_source_disable_unref(b->io);
	close(b->fd);
	b->fd = -1;
	TAILQ_FOREACH(c, &b->calls, link)
	{
		c->sent = false;
		proto_reply_done(&c->reply);
	}
	tell_status(b);
}

/* False: not now; the socket tells when. */
static bool send_one(struct backend *b, struct call *c)
{
	CLEANUP(strbuf_done) struct strbuf p = STRBUF_INIT;
	ssize_t n;

	proto_put_request(&p, c->id, c->req);
	n = send(b->fd, p.buf, p.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (c->req->password)
		explicit_bzero(p.buf, p.len);
	if (n >= 0)
		c->sent = true;
	return n >= 0;
}

static void send_all(struct backend *b)
{
	struct call *c;
	bool full = false;

	TAILQ_FOREACH(c, &b->calls, link)
	{
		if (c->sent || b->fd < 0)
			continue;
		if (send_one(b, c))
			continue;
		if (errno == EAGAIN) {
			full = true;
			break;
		}
		disconnect(b);
		return;
	}
	if (b->io)
		sd_event_source_set_io_events(b->io, EPOLLIN | (full ? EPOLLOUT : 0));
}

static void take_packet(struct backend *b, size_t len)
{
	uint64_t id = proto_peek_id(b->buf, len);
	struct call *c;
	int ret;

	TAILQ_FOREACH(c, &b->calls, link)
	if (c->sent && c->id == id)
		break;
	if (!c) {
		log_warn("smisd-priv answered what was not asked");
		return;
	}
	ret = proto_get_reply(b->buf, len, &id, &c->reply);
	if (!ret)
		return;
	TAILQ_REMOVE(&b->calls, c, link);
	if (ret < 0)
		complete_error(c, -EPROTO, "smisd-priv's answer cannot be read");
	else
		complete(c, &c->reply.reply);
}

static void arm_retry(struct backend *b);
static void real_call(struct backend *b, const struct backend_request *req, backend_done_fn done,
		      void *arg);

static int on_socket(sd_event_source *src, int fd, uint32_t revents, void *arg)
{
	struct backend *b = arg;
	ssize_t n;

	(void)src;
	if (revents & EPOLLOUT)
		send_all(b);
	n = b->fd == fd ? recv(fd, b->buf, PACKET_MAX, MSG_DONTWAIT) : -1;
	if (n > 0) {
		take_packet(b, (size_t)n);
	} else if (b->fd == fd && (!n || (errno != EAGAIN && errno != EINTR))) {
		log_warn("smisd-priv closed the connection");
		disconnect(b);
		arm_retry(b);
	}
	return 0;
}

static bool try_connect(struct backend *b)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(b->cfg->engine.priv_socket) >= sizeof(sa.sun_path))
		return false;
	strcpy(sa.sun_path, b->cfg->engine.priv_socket);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) ||
	    sd_event_add_io(b->loop, &b->io, fd, EPOLLIN, on_socket, b) < 0) {
		close(fd);
		return false;
	}
	b->fd = fd;
	b->lost_since_us = 0;
	return true;
}

/* Nobody answered for too long: their outcome is unknown. */
static void give_up(struct backend *b)
{
	struct call *c;
	TAILQ_HEAD(, call) lost = TAILQ_HEAD_INITIALIZER(lost);

	while ((c = TAILQ_FIRST(&b->calls))) {
		TAILQ_REMOVE(&b->calls, c, link);
		TAILQ_INSERT_TAIL(&lost, c, link);
		b->want_resync = true;
	}
	b->lost_since_us = 0;
	while ((c = TAILQ_FIRST(&lost))) {
		TAILQ_REMOVE(&lost, c, link);
		complete_error(c, -ENOTCONN, "smisd-priv does not answer");
	}
}

static int on_retry(sd_event_source *src, uint64_t usec, void *arg)
{
	struct backend *b = arg;

	(void)src;
	b->retry = sd_event_source_disable_unref(b->retry);
	if (b->fd >= 0)
		return 0;
	if (!try_connect(b)) {
		if (b->lost_since_us && usec > b->lost_since_us + LOST_US)
			give_up(b);
		arm_retry(b);
		return 0;
	}
	tell_status(b);
	send_all(b);
	if (b->want_resync)
		b->events.resync(b->events.arg);
	b->want_resync = false;
	return 0;
}

static void arm_retry(struct backend *b)
{
	uint64_t now;

	sd_event_now(b->loop, CLOCK_MONOTONIC, &now);
	if (!b->lost_since_us && !TAILQ_EMPTY(&b->calls))
		b->lost_since_us = now;
	if (!b->retry)
		sd_event_add_time(b->loop, &b->retry, CLOCK_MONOTONIC, now + RECONNECT_US, 0,
				  on_retry, b);
}

/* ---- the kernel */

static void noted(const struct backend_reply *reply, void *arg)
{
	(void)arg;
	if (reply->error)
		log_err("a failed store is not noted: %s", reply->reason);
}

/*
 * It could perhaps not say so on its device, and sources have gone on: with a note it is not
 * trusted after a restart of the host. Asked again at each list.
 */
static void on_failed_store(const char *store, void *arg)
{
	struct backend_request req = { .op = BACKEND_STORE_DISTRUST };

	memcpy(req.uuid, store, sizeof(req.uuid));
	real_call(arg, &req, noted, NULL);
}

static void run_list(struct backend *b, struct call *c)
{
	char why[BACKEND_REASON_LEN] = "";
	struct backend_reply r = { .reason = why };
	struct link_list list = { 0 };

	r.error = c->req->op == BACKEND_SPACE_LIST
			  ? link_kernel_spaces(b->kernel, &list, why, sizeof(why))
			  : link_kernel_list(b->kernel, &list, why, sizeof(why));
	r.relations = list.relations;
	r.nr_relations = list.nr_relations;
	r.groups = list.groups;
	r.nr_groups = list.nr_groups;
	r.spaces = list.spaces;
	r.nr_spaces = list.nr_spaces;
	for (size_t i = 0; i < list.nr_failed; i++)
		on_failed_store(list.failed[i].uuid, b);
	complete(c, &r);
	free(list.failed);
	free(list.relations);
	free(list.groups);
	free(list.spaces);
}

static int on_defer(sd_event_source *src, void *arg)
{
	struct backend *b = arg;
	struct call *c = TAILQ_FIRST(&b->lists);

	(void)src;
	if (c) {
		TAILQ_REMOVE(&b->lists, c, link);
		run_list(b, c);
	}
	if (!TAILQ_EMPTY(&b->lists))
		sd_event_source_set_enabled(b->defer, SD_EVENT_ONESHOT);
	return 0;
}

static void on_relation(const struct backend_relation *r, void *arg)
{
	struct backend *b = arg;

	b->events.relation(r, b->events.arg);
}

static void on_kernel_change(void *arg)
{
	struct backend *b = arg;

	tell_status(b);
	b->events.resync(b->events.arg);
}

/* ---- the seam */

static void real_call(struct backend *b, const struct backend_request *req, backend_done_fn done,
		      void *arg)
{
	struct call *c = new0(struct call);

	c->req = backend_request_dup(req);
	c->done = done;
	c->arg = arg;
	c->id = ++b->next_id;
	if (req->op == BACKEND_RELATION_LIST || req->op == BACKEND_SPACE_LIST) {
		TAILQ_INSERT_TAIL(&b->lists, c, link);
		sd_event_source_set_enabled(b->defer, SD_EVENT_ONESHOT);
		return;
	}
	if (req->op == BACKEND_STORE_DISTRUST)
		TAILQ_INSERT_HEAD(&b->calls, c, link);
	else
		TAILQ_INSERT_TAIL(&b->calls, c, link);
	if (b->fd >= 0)
		send_all(b);
	if (b->fd < 0)
		arm_retry(b);
}

static void real_stop(struct backend *b)
{
	struct call *c;

	sd_event_source_disable_unref(b->retry);
	sd_event_source_disable_unref(b->defer);
	sd_event_source_disable_unref(b->io);
	if (b->fd >= 0)
		close(b->fd);
	while ((c = TAILQ_FIRST(&b->calls))) {
		TAILQ_REMOVE(&b->calls, c, link);
		complete_error(c, -ENOTCONN, "the service is stopping");
	}
	while ((c = TAILQ_FIRST(&b->lists))) {
		TAILQ_REMOVE(&b->lists, c, link);
		complete_error(c, -ENOTCONN, "the service is stopping");
	}
	link_kernel_stop(b->kernel);
	free(b->buf);
	free(b);
}

static int real_start(struct backend **out, sd_event *loop, const struct smisd_config *cfg,
		      const struct backend_events *events, char *why, size_t why_size)
{
	struct backend *b = new0(struct backend);
	int ret;

	b->loop = loop;
	b->cfg = cfg;
	b->events = *events;
	b->fd = -1;
	b->buf = xmalloc(PACKET_MAX);
	TAILQ_INIT(&b->calls);
	TAILQ_INIT(&b->lists);
	ret = sd_event_add_defer(loop, &b->defer, on_defer, b);
	if (ret >= 0)
		ret = sd_event_source_set_enabled(b->defer, SD_EVENT_OFF);
	if (ret >= 0)
		ret = link_kernel_start(&b->kernel, loop, on_relation, on_failed_store,
					on_kernel_change, b);
	if (ret < 0) {
		refused(why, why_size, "netlink: %s", strerror(-ret));
		real_stop(b);
		return ret;
	}
	if (!try_connect(b))
		arm_retry(b);
	tell_status(b);
	*out = b;
	return 0;
}

const struct backend_ops backend_real = {
	.name = "real",
	.max_volume_id = RPL_VOLUMES_MAX,
	.max_snapshot_id = RPL_ID_MAX,
	.start = real_start,
	.call = real_call,
	.stop = real_stop,
};

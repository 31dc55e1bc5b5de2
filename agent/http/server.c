// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * server.c - libmicrohttpd inside sd-event: each listener is a daemon with its own epoll fd, which
 * is one I/O source of the loop. Owns listeners and connections.
 *
 * Time limits: MHD ends connections without any progress; the sweep here ends those that make
 * some, but too little (a byte now and then). How much of an answer has come to the client, the
 * kernel knows: by what the peer has acknowledged. And it ends those whose client has gone: MHD 0.9
 * does not see an end that comes together with the last bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "http/internal.h"

#define SWEEP_PERIOD_US	  UINT64_C(2000000)
#define GONE_US		  UINT64_C(1000000)
#define PROGRESS_BYTES	  (16 * 1024) /* less within the time limit is none */
#define HEAD_MEMORY_BYTES ((size_t)32 * 1024) /* buffer of a connection: caps the headers */
#define STOP_GRACE_US	  UINT64_C(1000000)

uint64_t http_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* ---- the loop ---- */

void listener_kick(struct listener *l)
{
	sd_event_source_set_enabled(l->again, SD_EVENT_ONESHOT);
}

static void run(struct listener *l)
{
	uint64_t chunks = l->server->chunks;
	MHD_UNSIGNED_LONG_LONG ms;

	MHD_run(l->daemon);
	if (MHD_get_timeout(l->daemon, &ms) != MHD_YES) {
		sd_event_source_set_enabled(l->timer, SD_EVENT_OFF);
		return;
	}
	/*
	 * A timer is let be late: with one for each chunk, a large answer would take ten times as
	 * long. But MHD wants no time too where there is nothing to do, as in a handshake of TLS.
	 */
	if (!ms && l->server->chunks != chunks) {
		listener_kick(l);
		return;
	}
	sd_event_source_set_time(l->timer, http_now_us() + (uint64_t)ms * 1000);
	sd_event_source_set_enabled(l->timer, SD_EVENT_ONESHOT);
}

static int on_io(sd_event_source *src, int fd, uint32_t events, void *arg)
{
	(void)src, (void)fd, (void)events;
	run(arg);
	return 0;
}

static int on_timer(sd_event_source *src, uint64_t usec, void *arg)
{
	(void)src, (void)usec;
	run(arg);
	return 0;
}

static int on_again(sd_event_source *src, void *arg)
{
	(void)src;
	run(arg);
	return 0;
}

/* ---- connections ---- */

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct listener *l = cls;
	struct http_server *s = l->server;
	struct conn *c = *socket_context;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info =
			MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

		c = new0(struct conn);
		c->server = s;
		c->listener = l;
		l->nr_conns++;
		c->fd = info ? info->connect_fd : -1;
		info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
		c->peer_key = peer_key(info ? info->client_addr : NULL);
		peer_name(info ? info->client_addr : NULL, c->peer);
		c->since_us = http_now_us();
		c->next = s->conns;
		if (c->next)
			c->next->prev = c;
		s->conns = c;
		*socket_context = c;
	} else if (c) {
		if (c->prev)
			c->prev->next = c->next;
		else
			s->conns = c->next;
		if (c->next)
			c->next->prev = c->prev;
		l->nr_conns--;
		free(c);
		*socket_context = NULL;
		/* at the limit MHD takes the listening socket out of its epoll set, and puts it
		 * back in a later run only
		 */
		if (!s->stopping)
			listener_kick(l);
	}
}

static void listener_free(struct listener *l);

/* Not when their last connection ends: MHD is on the stack then. */
static void sweep_retired(struct http_server *s)
{
	for (size_t i = s->listeners.n; i--;) {
		struct listener *l = s->listeners.v[i];

		if (!l->retired || l->nr_conns)
			continue;
		vec_remove(&s->listeners, i);
		listener_free(l);
	}
}

static uint64_t acked_bytes(const struct conn *c)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	return getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) ? 0 : info.tcpi_bytes_acked;
}

void conn_sends(struct conn *c)
{
	c->sending = true;
	c->since_us = http_now_us();
	c->acked_bytes = 0; /* asked for when it takes long */
}

/* since_us 0: a request is being worked on. */
static bool too_slow(struct conn *c, uint64_t now)
{
	const struct http_config *cfg = &c->server->cfg;
	uint64_t acked;

	if (!c->since_us)
		return false;
	if (!c->sending)
		return now - c->since_us > (uint64_t)cfg->request_timeout_s * 1000000;
	acked = acked_bytes(c);
	if (!c->acked_bytes || acked - c->acked_bytes >= PROGRESS_BYTES) {
		if (c->acked_bytes)
			c->since_us = now;
		c->acked_bytes = acked;
	}
	return cfg->send_timeout_s && now - c->since_us > (uint64_t)cfg->send_timeout_s * 1000000;
}

/* Nothing more will come of what is waited for. */
static bool gone(const struct conn *c, uint64_t now)
{
	char byte;

	return c->since_us && !c->sending && now - c->since_us > GONE_US &&
	       !recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
}

static int on_sweep(sd_event_source *src, uint64_t usec, void *arg)
{
	struct http_server *s = arg;
	uint64_t now = http_now_us();

	(void)usec;
	for (struct conn *c = s->conns; c; c = c->next)
		if (too_slow(c, now) || gone(c, now))
			shutdown(c->fd, SHUT_RDWR);
	sweep_retired(s);
	sd_event_source_set_time(src, now + SWEEP_PERIOD_US);
	sd_event_source_set_enabled(src, SD_EVENT_ONESHOT);
	return 0;
}

/* ---- life cycle ---- */

static void take_limits(struct http_server *s, const struct http_config *from)
{
	s->cfg.max_connections = from->max_connections;
	s->cfg.max_connections_per_ip = from->max_connections_per_ip;
	s->cfg.max_body_bytes = from->max_body_bytes;
	s->cfg.max_xml_depth = from->max_xml_depth;
	s->cfg.request_timeout_s = from->request_timeout_s;
	s->cfg.send_timeout_s = from->send_timeout_s;
	s->cfg.answer_bytes = from->answer_bytes;
	s->memory.max = from->answer_bytes ? from->answer_bytes : SIZE_MAX;
}

struct http_server *http_server_new(const struct http_config *cfg)
{
	struct http_server *s = new0(struct http_server);

	s->cfg = *cfg;
	take_limits(s, cfg);
	s->auth = auth_cache_new(cfg->auth_cache_s);
	s->peers = peers_new();
	sd_event_add_time(cfg->loop, &s->sweep, CLOCK_MONOTONIC, http_now_us() + SWEEP_PERIOD_US,
			  100000, on_sweep, s);
	return s;
}

static void mhd_log(void *cls, const char *fmt, va_list ap)
{
	char line[256];

	(void)cls;
	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = '\0';
	log_debug("http: %s", line);
}

static struct MHD_Daemon *start_daemon(struct listener *l, int fd, const struct http_tls *tls)
{
	const struct http_config *cfg = &l->server->cfg;
	unsigned int flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	const char *wish = tls && tls->priority && *tls->priority ? tls->priority : "NORMAL";
	unsigned int idle_s = cfg->request_timeout_s > cfg->send_timeout_s ? cfg->request_timeout_s
									   : cfg->send_timeout_s;
	char prio[1024];
	struct MHD_OptionItem tls_options[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, tls ? (void *)(uintptr_t)tls->cert_pem : NULL },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, tls ? (void *)(uintptr_t)tls->key_pem : NULL },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, prio },
		{ tls && tls->client_ca_pem ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0,
		  tls ? (void *)(uintptr_t)tls->client_ca_pem : NULL },
		{ MHD_OPTION_END, 0, NULL },
	};

	/* whatever is wished for: old versions have no place */
	if (snprintf(prio, sizeof(prio), "%s:-VERS-SSL3.0:-VERS-TLS1.0:-VERS-TLS1.1", wish) >=
	    (int)sizeof(prio))
		return NULL;
	if (tls)
		flags |= MHD_USE_TLS;
	else
		tls_options[0].option = MHD_OPTION_END;
	return MHD_start_daemon(
		flags, 0, NULL, NULL, request_handler, l, MHD_OPTION_EXTERNAL_LOGGER, mhd_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, request_completed, l,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, l, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		HEAD_MEMORY_BYTES, MHD_OPTION_CONNECTION_LIMIT, (unsigned int)cfg->max_connections,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned int)cfg->max_connections_per_ip,
		MHD_OPTION_CONNECTION_TIMEOUT, idle_s, MHD_OPTION_ARRAY, tls_options,
		MHD_OPTION_END);
}

static void listener_free(struct listener *l)
{
	sd_event_source_disable_unref(l->io);
	sd_event_source_disable_unref(l->timer);
	sd_event_source_disable_unref(l->again);
	if (l->daemon)
		MHD_stop_daemon(l->daemon);
	if (l->fd >= 0)
		close(l->fd);
	free(l);
}

static int attach(struct listener *l)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	sd_event *loop = l->server->cfg.loop;
	int r;

	if (!info)
		return -EIO;
	r = sd_event_add_io(loop, &l->io, info->epoll_fd, EPOLLIN, on_io, l);
	if (r < 0)
		return r;
	r = sd_event_add_time(loop, &l->timer, CLOCK_MONOTONIC, 0, 1000, on_timer, l);
	if (r < 0)
		return r;
	r = sd_event_add_defer(loop, &l->again, on_again, l);
	return r < 0 ? r : 0;
}

/* Owns fd from now on. NULL: it cannot be served. */
static struct listener *listener_new(struct http_server *s, int fd, const struct http_tls *tls)
{
	struct listener *l = new0(struct listener);

	l->server = s;
	l->tls = tls;
	l->asks_certs = tls && tls->client_ca_pem;
	l->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	l->daemon = l->fd < 0 ? NULL : start_daemon(l, fd, tls);
	if (!l->daemon)
		close(fd);
	if (l->daemon && attach(l) >= 0)
		return l;
	listener_free(l);
	return NULL;
}

int http_server_add(struct http_server *s, int fd, const struct http_tls *tls)
{
	struct listener *l = listener_new(s, fd, tls);

	if (!l)
		return -EIO;
	vec_push(&s->listeners, l);
	return 0;
}

static void quiesce(struct listener *l)
{
	int fd = l->retired ? -1 : MHD_quiesce_daemon(l->daemon);

	if (fd >= 0)
		close(fd);
}

int http_server_change(struct http_server *s, const struct http_config *cfg,
		       const struct http_tls *tls)
{
	struct http_config was = s->cfg;
	size_t n = s->listeners.n;
	bool good = true;

	take_limits(s, cfg);
	for (size_t i = 0; good && i < n; i++) {
		struct listener *l = s->listeners.v[i], *now = NULL;
		int fd = l->retired || (l->tls && !tls) ? -1 : fcntl(l->fd, F_DUPFD_CLOEXEC, 3);

		if (fd < 0)
			continue;
		now = listener_new(s, fd, l->tls ? tls : NULL);
		good = now;
		if (good)
			vec_push(&s->listeners, now);
	}
	if (!good) {
		take_limits(s, &was);
		while (s->listeners.n > n)
			listener_free(s->listeners.v[--s->listeners.n]);
		return -EIO;
	}
	for (size_t i = 0; i < n; i++) {
		struct listener *l = s->listeners.v[i];

		if (l->tls && !tls)
			continue;
		quiesce(l);
		l->retired = true;
	}
	return 0;
}

/* ---- the end ---- */

static int on_drained(sd_event_source *src, uint64_t usec, void *arg)
{
	struct http_server *s = arg;

	(void)src, (void)usec;
	s->drain = sd_event_source_disable_unref(s->drain);
	s->drained(s->drained_arg);
	return 0;
}

void http_drain_check(struct http_server *s)
{
	/* from the loop: the answer has left MHD, but MHD is on the stack */
	if (s->drain && !s->nr_requests)
		sd_event_source_set_time(s->drain, 0);
}

void http_server_drain(struct http_server *s, uint64_t deadline_us, void (*done)(void *arg),
		       void *arg)
{
	if (s->draining)
		return;
	s->draining = true;
	s->drained = done;
	s->drained_arg = arg;
	if (sd_event_add_time(s->cfg.loop, &s->drain, CLOCK_MONOTONIC,
			      s->nr_requests ? http_now_us() + deadline_us : 0, 1, on_drained,
			      s) < 0)
		done(arg);
}

void http_server_stop(struct http_server *s)
{
	uint64_t until = http_now_us() + STOP_GRACE_US;

	if (!s)
		return;
	s->stopping = true;
	for (size_t i = 0; i < s->listeners.n; i++)
		quiesce(s->listeners.v[i]);
	for (struct request *r = s->waiting, *next; r; r = next) {
		next = r->next;
		request_abort(r);
	}
	/* let the answers out; clients that do not read them are cut off */
	for (bool busy = true; busy && http_now_us() < until;) {
		busy = false;
		for (size_t i = 0; i < s->listeners.n; i++)
			MHD_run(s->listeners.v[i]->daemon);
		for (struct conn *c = s->conns; c; c = c->next)
			busy |= c->sending;
		if (busy)
			usleep(1000);
	}
	for (size_t i = 0; i < s->listeners.n; i++)
		listener_free(s->listeners.v[i]);
	vec_done(&s->listeners);
	sd_event_source_disable_unref(s->sweep);
	sd_event_source_disable_unref(s->drain);
	auth_cache_free(s->auth);
	peers_free(s->peers);
	free(s);
}

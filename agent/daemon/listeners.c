// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * listeners.c - the HTTP server with its sockets and its certificate, and who may use it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "http/cert.h"
#include "http/listen.h"

#define AUTH_CACHE_S  30
#define AUTH_DELAY_MS 1000

/* ---- authentication: the engine's answer in the words of the HTTP server ---- */

struct auth_wait {
	void (*done)(const struct http_auth_result *r, void *done_arg);
	void *done_arg;
};

static void on_authenticated(const struct engine_result *res, void *arg)
{
	struct auth_wait *w = arg;
	struct http_auth_result r = {
		.ok = res->rc == ENGINE_OK && res->has_password_ok,
		.unavailable = res->rc != ENGINE_OK,
		.may_read = res->role_read || res->role_write,
		.may_write = res->role_write,
	};

	if (r.unavailable)
		log_warn("cannot authenticate: %s", res->why);
	w->done(&r, w->done_arg);
	free(w);
}

static void authenticate(const char *user, const char *password,
			 void (*done)(const struct http_auth_result *r, void *done_arg),
			 void *done_arg, void *arg)
{
	struct smisd *d = arg;
	struct auth_wait *w = new0(struct auth_wait);

	w->done = done;
	w->done_arg = done_arg;
	engine_authenticate(d->engine, user, password, on_authenticated, w);
}

/* Only a simulated node may let in who comes. */
static bool asks_nobody(const struct smisd *d)
{
	return !strcmp(d->cfg.engine.backend, "sim") && !*d->cfg.sim.user;
}

/* ---- sockets ---- */

static int open_port(struct smisd *d, uint16_t port, int *fd)
{
	if (*fd >= 0 || !port)
		return 0;
	*fd = listen_open(d->cfg.server.listen, port);
	if (*fd >= 0)
		return 0;
	log_err("cannot listen on %s port %u: %s", d->cfg.server.listen, port, strerror(-*fd));
	return *fd;
}

static int serve_https(struct smisd *d, int fd)
{
	struct http_tls tls = { .priority = d->cfg.server.tls_priority };
	CLEANUP_FREE char *cert = NULL;
	char *key = NULL, why[256];
	int r = cert_load(d->cfg.server.tls_cert, d->cfg.server.tls_key, d->cfg.engine.path,
			  engine_system(d->engine)->host_name, &cert, &key, why, sizeof(why));

	if (r) {
		log_err("%s", why);
		close(fd);
		return r;
	}
	tls.cert_pem = cert;
	tls.key_pem = key;
	r = http_server_add(d->http, fd, &tls);
	if (r)
		log_err("cannot serve HTTPS with this certificate and key");
	free_secret(key);
	return r;
}

static int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

int listeners_start(struct smisd *d)
{
	struct http_config cfg = {
		.loop = d->loop,
		.broker = d->broker,
		.host = engine_system(d->engine)->host_name,
		.authenticate = asks_nobody(d) ? NULL : authenticate,
		.auth_arg = d,
		.max_connections = d->cfg.limits.max_connections,
		.max_connections_per_ip = d->cfg.limits.max_connections_per_ip,
		.max_body_bytes = d->cfg.limits.max_body_kib * 1024,
		.request_timeout_s = d->cfg.limits.request_timeout_s,
		.auth_cache_s = AUTH_CACHE_S,
		.auth_delay_ms = AUTH_DELAY_MS,
	};
	int http_fd, https_fd, r;

	listen_from_systemd(d->cfg.server.https_port, &http_fd, &https_fd);
	d->http = http_server_new(&cfg);
	r = open_port(d, d->cfg.server.http_port, &http_fd);
	if (!r)
		r = open_port(d, d->cfg.server.https_port, &https_fd);
	if (!r && http_fd >= 0)
		r = http_server_add(d->http, take_fd(&http_fd), NULL);
	if (!r && https_fd >= 0)
		r = serve_https(d, take_fd(&https_fd));
	if (http_fd >= 0)
		close(http_fd);
	if (https_fd >= 0)
		close(https_fd);
	return r;
}

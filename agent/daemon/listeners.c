// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * listeners.c - the HTTP server with its sockets and its certificate, and who may use it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "http/cert.h"
#include "http/listen.h"
#include "slp/agent.h"

#define AUTH_CACHE_S  30
#define AUTH_DELAY_MS 1000
#define NR_TLS_FILES  3
#define CERT_LOOK_US  (5 * UINT64_C(1000000))

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

/* ---- certificate ---- */

/* The files that the certificate in use was read from, and what they were then. */
struct tls_files {
	char *cert, *key; /* contents; the key is wiped when it goes */
	char *client_ca; /* NULL: clients' certificates are not asked for */
	struct stat stamps[NR_TLS_FILES];
	sd_event_source *look;
};

static void tls_drop(struct tls_files *t)
{
	free(t->cert);
	free(t->client_ca);
	free_secret(t->key);
	t->cert = t->key = t->client_ca = NULL;
}

/* Reads them into @t, which must have none; checks that they fit. */
static int tls_read(struct smisd *d, struct tls_files *t, char *why, size_t why_size)
{
	int r = cert_load(d->cfg.server.tls_cert, d->cfg.server.tls_key, d->cfg.engine.path,
			  engine_system(d->engine)->host_name, &t->cert, &t->key, why, why_size);

	if (!r)
		r = cert_check(t->cert, t->key, why, why_size);
	if (!r && *d->cfg.server.tls_client_ca)
		r = cert_load_ca(d->cfg.server.tls_client_ca, &t->client_ca, why, why_size);
	if (r)
		tls_drop(t);
	return r;
}

static void stamp(const struct smisd *d, struct stat stamps[NR_TLS_FILES])
{
	const char *const files[NR_TLS_FILES] = { d->cfg.server.tls_cert, d->cfg.server.tls_key,
						  d->cfg.server.tls_client_ca };

	for (int i = 0; i < NR_TLS_FILES; i++)
		if (stat(files[i], &stamps[i]))
			memset(&stamps[i], 0, sizeof(stamps[i]));
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool changed(const struct stat *now, const struct stat *was)
{
	for (int i = 0; i < NR_TLS_FILES; i++)
		if (!same_file(&now[i], &was[i]))
			return true;
	return false;
}

/* The files are seldom written at one moment: one that does not fit waits for the other. */
static int on_look(sd_event_source *src, uint64_t usec, void *arg)
{
	struct smisd *d = arg;
	struct stat now[NR_TLS_FILES];
	char why[256];

	(void)usec;
	stamp(d, now);
	if (changed(now, d->tls->stamps)) {
		if (listeners_change(d, why, sizeof(why)))
			log_warn("the certificate in use stays: %s", why);
		else
			log_notice("certificate and key were read again");
		memcpy(d->tls->stamps, now, sizeof(now));
	}
	sd_event_source_set_time_relative(src, CERT_LOOK_US);
	sd_event_source_set_enabled(src, SD_EVENT_ONESHOT);
	return 0;
}

static struct http_tls tls_of(const struct smisd *d, const struct tls_files *t)
{
	return (struct http_tls) { .cert_pem = t->cert,
				   .key_pem = t->key,
				   .client_ca_pem = t->client_ca,
				   .priority = d->cfg.server.tls_priority };
}

static int serve_https(struct smisd *d, int fd)
{
	struct http_tls tls;
	char why[256];
	int r;

	d->tls = new0(struct tls_files);
	stamp(d, d->tls->stamps);
	r = tls_read(d, d->tls, why, sizeof(why));
	if (r) {
		log_err("%s", why);
		close(fd);
		return r;
	}
	tls = tls_of(d, d->tls);
	r = http_server_add(d->http, fd, &tls);
	if (r)
		log_err("cannot serve HTTPS with this certificate and key");
	tls_drop(d->tls);
	if (!r)
		r = sd_event_add_time_relative(d->loop, &d->tls->look, CLOCK_MONOTONIC,
					       CERT_LOOK_US, 1000000, on_look, d);
	return r < 0 ? r : 0;
}

static void set_limits(const struct smisd *d, struct http_config *cfg)
{
	cfg->max_connections = d->cfg.limits.max_connections;
	cfg->max_connections_per_ip = d->cfg.limits.max_connections_per_ip;
	cfg->max_body_bytes = d->cfg.limits.max_body_kib * 1024;
	cfg->max_xml_depth = d->cfg.limits.max_xml_depth;
	cfg->request_timeout_s = d->cfg.limits.request_timeout_s;
	cfg->send_timeout_s = d->cfg.limits.send_timeout_s;
	cfg->answer_bytes = d->cfg.limits.answer_bytes;
}

int listeners_change(struct smisd *d, char *why, size_t why_size)
{
	struct http_config cfg = { 0 };
	struct tls_files files = { 0 };
	struct http_tls tls;
	int r = d->tls ? tls_read(d, &files, why, why_size) : 0;

	if (r)
		return r;
	set_limits(d, &cfg);
	tls = tls_of(d, &files);
	r = http_server_change(d->http, &cfg, d->tls ? &tls : NULL);
	if (r)
		snprintf(why, why_size, "it cannot be served: %s", strerror(-r));
	tls_drop(&files);
	return r;
}

void listeners_free(struct smisd *d)
{
	slp_agent_free(d->slp);
	http_server_stop(d->http);
	if (!d->tls)
		return;
	sd_event_source_disable_unref(d->tls->look);
	tls_drop(d->tls);
	free(d->tls);
}

/* ---- start ---- */

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
		.client_role = clients_role,
		.auth_arg = d,
		.auth_cache_s = AUTH_CACHE_S,
		.auth_delay_ms = AUTH_DELAY_MS,
	};
	int http_fd, https_fd, slp_fd, r;

	set_limits(d, &cfg);
	listen_from_systemd(d->cfg.server.https_port, &http_fd, &https_fd, &slp_fd);
	d->http = http_server_new(&cfg);
	r = open_port(d, d->cfg.server.http_port, &http_fd);
	if (!r)
		r = open_port(d, d->cfg.server.https_port, &https_fd);
	if (!r && http_fd >= 0)
		r = http_server_add(d->http, take_fd(&http_fd), NULL);
	if (!r && https_fd >= 0)
		r = serve_https(d, take_fd(&https_fd));
	if (!r)
		r = discovery_start(d, take_fd(&slp_fd));
	if (slp_fd >= 0)
		close(slp_fd);
	if (http_fd >= 0)
		close(http_fd);
	if (https_fd >= 0)
		close(https_fd);
	return r;
}

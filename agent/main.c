// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - smisd: options, configuration, loop, start and stop.
 *
 * Started as user smisd, without privileges and always in the foreground. Order of the start:
 * configuration, classes, engine; when the engine is ready the listeners open and systemd is
 * told. The stop goes the other way; requests that wait then get HTTP 503, the work they began
 * goes on in the kernel and is found again.
 */
#include <errno.h>
#include <getopt.h>
#include <libxml/parser.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "broker/request.h"
#include "engine/config.h"
#include "engine/engine.h"
#include "http/cert.h"
#include "http/listen.h"
#include "http/server.h"

#define AUTH_CACHE_S  30
#define AUTH_DELAY_MS 1000

struct smisd {
	struct smisd_config cfg;
	sd_event *loop;
	struct repo *repo;
	struct broker *broker;
	struct engine *engine;
	struct http_server *http;
	int exit_status;
};

struct options {
	const char *config;
	bool check_only;
	int log_level;
};

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

/* ---- listeners ---- */

static int add_http(struct smisd *d, int fd)
{
	if (fd < 0 && d->cfg.server.http_port)
		fd = listen_open(d->cfg.server.listen, d->cfg.server.http_port);
	if (fd < 0 && d->cfg.server.http_port) {
		log_err("cannot listen on %s port %u: %s", d->cfg.server.listen,
			d->cfg.server.http_port, strerror(-fd));
		return fd;
	}
	return fd < 0 ? 0 : http_server_add(d->http, fd, NULL);
}

static int add_https(struct smisd *d, int fd)
{
	struct http_tls tls = { .priority = d->cfg.server.tls_priority };
	CLEANUP_FREE char *cert = NULL;
	char *key = NULL, why[256];
	int r;

	if (fd < 0 && !d->cfg.server.https_port)
		return 0;
	r = cert_load(d->cfg.server.tls_cert, d->cfg.server.tls_key, d->cfg.engine.path,
		      engine_system(d->engine)->host_name, &cert, &key, why, sizeof(why));
	if (r) {
		log_err("%s", why);
		if (fd >= 0)
			close(fd);
		return r;
	}
	if (fd < 0)
		fd = listen_open(d->cfg.server.listen, d->cfg.server.https_port);
	if (fd < 0) {
		log_err("cannot listen on %s port %u: %s", d->cfg.server.listen,
			d->cfg.server.https_port, strerror(-fd));
		r = fd;
	} else {
		tls.cert_pem = cert;
		tls.key_pem = key;
		r = http_server_add(d->http, fd, &tls);
		if (r)
			log_err("cannot serve HTTPS with this certificate and key");
	}
	free_secret(key);
	return r;
}

static int start_http(struct smisd *d)
{
	struct http_config cfg = {
		.loop = d->loop,
		.broker = d->broker,
		.host = engine_system(d->engine)->host_name,
		.authenticate = authenticate,
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
	r = add_http(d, http_fd);
	if (!r)
		r = add_https(d, https_fd);
	else if (https_fd >= 0)
		close(https_fd);
	return r;
}

/* ---- start and stop ---- */

static void on_ready(const struct engine_result *res, void *arg)
{
	struct smisd *d = arg;

	broker_set_engine(d->broker, d->engine);
	if (start_http(d)) {
		d->exit_status = EXIT_FAILURE;
		sd_event_exit(d->loop, 0);
		return;
	}
	if (res->rc != ENGINE_OK)
		log_warn("%s", res->why);
	log_notice("ready on http %u, https %u", d->cfg.server.http_port, d->cfg.server.https_port);
	sd_notifyf(0, "READY=1\nSTATUS=%s", res->rc == ENGINE_OK ? "serving" : res->why);
}

static int on_signal(sd_event_source *src, const struct signalfd_siginfo *info, void *arg)
{
	struct smisd *d = arg;

	(void)src;
	if (info->ssi_signo == SIGHUP) {
		log_notice("configuration is read at start only: restart to change it");
		return 0;
	}
	log_notice("stopping");
	sd_notify(0, "STOPPING=1\nSTATUS=stopping");
	return sd_event_exit(d->loop, 0);
}

static int start_loop(struct smisd *d)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	sigset_t set;
	int r;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r = sd_event_default(&d->loop);
	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(signals); i++)
		r = sd_event_add_signal(d->loop, NULL, signals[i], on_signal, d);
	if (r >= 0)
		r = sd_event_set_watchdog(d->loop, true);
	return r < 0 ? r : 0;
}

static void set_broker_limits(struct smisd *d)
{
	struct broker_limits l = {
		.max_enumerations = d->cfg.limits.max_enumerations,
		.max_bytes = d->cfg.limits.enumeration_bytes,
		.timeout_s = d->cfg.limits.enumeration_timeout_s,
		.max_timeout_s = d->cfg.limits.max_enumeration_timeout_s,
		.no_timeout = d->cfg.limits.endless_enumerations,
	};

	broker_set_limits(d->broker, &l, d->loop);
}

static int start(struct smisd *d)
{
	CLEANUP_FREE char *why = NULL;
	char text[512] = "";
	int r = start_loop(d);

	if (r) {
		log_err("cannot make the event loop: %s", strerror(-r));
		return r;
	}
	d->repo = repo_new(&cim_schema, cim_providers, &why);
	if (!d->repo) {
		log_err("schema and providers do not fit: %s", why);
		return -EINVAL;
	}
	d->broker = broker_new(d->repo, NULL);
	set_broker_limits(d);
	r = engine_start(d->loop, &d->cfg, on_ready, d, &d->engine, text, sizeof(text));
	if (r)
		log_err("%s", *text ? text : strerror(-r));
	return r;
}

static void stop(struct smisd *d)
{
	http_server_stop(d->http);
	if (d->engine)
		engine_stop(d->engine);
	broker_free(d->broker);
	repo_free(d->repo);
	sd_event_unref(d->loop);
	config_free(&d->cfg);
	xmlCleanupParser();
}

/* ---- options ---- */

static void usage(FILE *out)
{
	fputs("Usage: smisd [OPTION]...\n"
	      "CIM-XML server of dm-replica.\n\n"
	      "  -c, --config=FILE   configuration (default " CONFIG_PATH_DEFAULT ")\n"
	      "      --check-config  read the configuration, say what is wrong, and end\n"
	      "  -f, --foreground    accepted; smisd never goes to the background\n"
	      "  -v, --verbose       log refused requests and CIM errors too\n"
	      "      --version\n"
	      "  -h, --help\n",
	      out);
}

/* -1: go on; else the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
	enum {
		CHECK = 256,
		VERSION
	};
	static const struct option table[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check-config", no_argument, NULL, CHECK },
		{ "foreground", no_argument, NULL, 'f' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, VERSION },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};

	for (;;) {
		switch (getopt_long(argc, argv, "c:fvh", table, NULL)) {
		case -1:
			if (optind == argc)
				return -1;
			fprintf(stderr, "smisd: unexpected argument %s\n", argv[optind]);
			return EXIT_FAILURE;
		case 'c':
			o->config = optarg;
			break;
		case CHECK:
			o->check_only = true;
			break;
		case 'f':
			break;
		case 'v':
			o->log_level = LOG_DEBUG;
			break;
		case VERSION:
			puts("smisd " SMISD_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		default:
			usage(stderr);
			return EXIT_FAILURE;
		}
	}
}

int main(int argc, char **argv)
{
	struct options o = { .config = CONFIG_PATH_DEFAULT, .log_level = LOG_INFO };
	struct smisd d = { .exit_status = EXIT_SUCCESS };
	char why[512] = "";
	int r = parse_options(argc, argv, &o);

	if (r >= 0)
		return r;
	log_init("smisd", o.log_level);
	r = config_load(&d.cfg, o.config, why, sizeof(why));
	if (r) {
		fprintf(stderr, "smisd: %s\n", *why ? why : strerror(-r));
		return EXIT_FAILURE;
	}
	if (o.check_only) {
		printf("%s: no errors\n", o.config);
		config_free(&d.cfg);
		return EXIT_SUCCESS;
	}
	if (geteuid() == 0)
		log_warn("running as root; smisd needs no privileges, start it as its own user");
	if (start(&d))
		d.exit_status = EXIT_FAILURE;
	else
		sd_event_loop(d.loop);
	stop(&d);
	return d.exit_status;
}

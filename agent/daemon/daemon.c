// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * daemon.c - start and stop.
 *
 * Order of the start: configuration, classes, engine; when the engine is ready (and a simulated
 * node has been filled) the listeners open and systemd is told. The stop goes the other way:
 * requests that run are let finish for a while, new ones get 503; work that they began goes on in
 * the kernel and is found again.
 */
#include "daemon/daemon.h"

#include <errno.h>
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
#include "cimxml/cimxml.h"
#include "sim/sim.h"

/* ---- start ---- */

static void fail(struct smisd *d)
{
	d->exit_status = EXIT_FAILURE;
	sd_event_exit(d->loop, 0);
}

/* What somebody who starts a simulated node wants to type next. */
static void print_urls(const struct smisd *d)
{
	const char *user = d->cfg.sim.user, *password = d->cfg.sim.password;
	const char *host = strchr(d->cfg.server.listen, ':') ? "localhost" : d->cfg.server.listen;
	CLEANUP_FREE char *who = *user ? xasprintf("%s:%s@", user, password) : xstrdup("");
	CLEANUP_FREE char *creds = *user ? xasprintf("('%s', '%s')", user, password)
					 : xstrdup("None");
	unsigned int port = d->cfg.server.http_port;

	if (port)
		printf("http://%s:%u\n", host, port);
	if (d->cfg.server.https_port)
		printf("https://%s:%u (certificate made by itself)\n", host,
		       d->cfg.server.https_port);
	if (port)
		printf("wbemcli ei 'http://%s%s:%u/root/dmreplica:CIM_StorageVolume'\n"
		       "python3 -c \"import pywbem; print(pywbem.WBEMConnection("
		       "'http://%s:%u', %s, 'root/dmreplica')"
		       ".EnumerateInstanceNames('CIM_StorageVolume'))\"\n",
		       who, host, port, host, port, creds);
	fflush(stdout);
}

static void serve(struct smisd *d, const char *status)
{
	if (listeners_start(d)) {
		fail(d);
		return;
	}
	log_notice("ready on http %u, https %u", d->cfg.server.http_port, d->cfg.server.https_port);
	sd_notifyf(0, "READY=1\nSTATUS=%s", status);
	if (d->cfg.simulate)
		print_urls(d);
}

static void on_filled(int error, const char *why, void *arg)
{
	struct smisd *d = arg;

	if (d->stopping)
		return;
	if (error) {
		log_err("the simulated node cannot be made: %s", why);
		fail(d);
		return;
	}
	sim_fail_operations();
	serve(d, "simulating");
}

static void on_ready(const struct engine_result *res, void *arg)
{
	struct smisd *d = arg;

	broker_set_engine(d->broker, d->engine);
	if (res->rc != ENGINE_OK)
		log_warn("%s", res->why);
	if (!strcmp(d->cfg.engine.backend, "sim"))
		sim_fill(d->engine, &d->cfg, on_filled, d);
	else
		serve(d, res->rc == ENGINE_OK ? "serving" : res->why);
}

static void on_drained(void *arg)
{
	struct smisd *d = arg;

	sd_event_exit(d->loop, 0);
}

/* The second one does not wait. */
static int on_signal(sd_event_source *src, const struct signalfd_siginfo *info, void *arg)
{
	struct smisd *d = arg;

	(void)src;
	if (info->ssi_signo == SIGHUP) {
		if (!d->stopping)
			daemon_reload(d);
		return 0;
	}
	if (d->stopping || !d->http)
		return sd_event_exit(d->loop, 0);
	log_notice("stopping");
	sd_notify(0, "STOPPING=1\nSTATUS=stopping");
	d->stopping = true;
	http_server_drain(d->http, (uint64_t)d->cfg.limits.stop_timeout_s * 1000000, on_drained, d);
	return 0;
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

static struct broker_limits limits_of(const struct smisd *d)
{
	return (struct broker_limits) {
		.max_enumerations = d->cfg.limits.max_enumerations,
		.max_bytes = d->cfg.limits.enumeration_bytes,
		.timeout_s = d->cfg.limits.enumeration_timeout_s,
		.max_timeout_s = d->cfg.limits.max_enumeration_timeout_s,
		.no_timeout = d->cfg.limits.endless_enumerations,
		.operation_ms = d->cfg.limits.operation_ms,
	};
}

void daemon_change_limits(struct smisd *d)
{
	const struct broker_limits l = limits_of(d);

	broker_change_limits(d->broker, &l);
}

static int start(struct smisd *d)
{
	const struct broker_limits limits = limits_of(d);
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
	broker_set_limits(d->broker, &limits, d->loop);
	r = engine_start(d->loop, &d->cfg, on_ready, d, &d->engine, text, sizeof(text));
	if (r)
		log_err("%s", *text ? text : strerror(-r));
	return r;
}

/* ---- stop ---- */

static void stop(struct smisd *d)
{
	d->stopping = true;
	listeners_free(d);
	if (d->engine)
		engine_stop(d->engine);
	broker_free(d->broker);
	repo_free(d->repo);
	sd_event_unref(d->loop);
	config_free(&d->cfg);
	cimxml_cleanup();
}

int daemon_run(const struct config_source *source)
{
	struct smisd d = { .source = *source, .exit_status = EXIT_SUCCESS };
	char why[512] = "";
	int r = config_load_from(&d.cfg, source, why, sizeof(why));

	if (r) {
		fprintf(stderr, "smisd: %s\n", *why ? why : strerror(-r));
		return EXIT_FAILURE;
	}
	if (geteuid() == 0 && !d.cfg.simulate)
		log_warn("running as root; smisd needs no privileges, start it as its own user");
	if (start(&d))
		d.exit_status = EXIT_FAILURE;
	else
		sd_event_loop(d.loop);
	stop(&d);
	return d.exit_status;
}

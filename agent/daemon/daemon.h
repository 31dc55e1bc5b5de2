// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * daemon.h - smisd from the configuration to the end of the process: what lives between main()
 * and the parts. Everything runs on the loop thread.
 */
#ifndef AGENT_DAEMON_DAEMON_H
#define AGENT_DAEMON_DAEMON_H

#include "broker/request.h"
#include "engine/config.h"
#include "engine/engine.h"
#include "http/server.h"

struct smisd {
	struct config_source source; /* where the configuration is read again from */
	struct smisd_config cfg;
	sd_event *loop;
	struct repo *repo;
	struct broker *broker;
	struct engine *engine;
	struct http_server *http;
	struct tls_files *tls; /* NULL: no HTTPS */
	struct slp_agent *slp; /* NULL: not found by SLP */
	bool stopping;
	int exit_status;
};

/*
 * Reads @source, serves until a signal ends it, and returns the exit status. @source must live
 * so long.
 */
int daemon_run(const struct config_source *source);

/* The configuration has changed: the limits of the broker. */
void daemon_change_limits(struct smisd *d);

/* ---- listeners.c */

/* Opens what is configured, or takes it from systemd, and serves it. 0 or a negative errno. */
int listeners_start(struct smisd *d);
/*
 * The configuration has changed: limits, certificate. 0, or a negative errno with a sentence;
 * everything is then as it was.
 */
int listeners_change(struct smisd *d, char *why, size_t why_size);
void listeners_free(struct smisd *d);

/* ---- discovery.c */

/* The SLP service agent, if it is wanted, on @fd (-1: on one of its own); 0 or a negative errno. */
int discovery_start(struct smisd *d, int fd);

/* ---- clients.c */

/* The role of a certificate, as http_cert_fn; @arg: struct smisd. */
const char *clients_role(const struct client_cert *cert, struct http_auth_result *role, void *arg);

/* ---- reload.c */

/* Reads the configuration again; what is wrong with it is logged, and the old one stays. */
void daemon_reload(struct smisd *d);

#endif

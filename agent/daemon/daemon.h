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
	bool stopping;
	int exit_status;
};

/*
 * Reads @source, serves until a signal ends it, and returns the exit status. @source must live
 * so long.
 */
int daemon_run(const struct config_source *source);

/* ---- listeners.c */

/* Opens what is configured, or takes it from systemd, and serves it. 0 or a negative errno. */
int listeners_start(struct smisd *d);

#endif

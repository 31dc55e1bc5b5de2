// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * reload.c - SIGHUP: the configuration is read again. Limits and the certificate change at once;
 * what else differs is named, and waits for the next start.
 */
#include <inttypes.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/log.h"
#include "daemon/daemon.h"

static void change(struct smisd *d)
{
	struct smisd_config now;
	const char *other;
	char why[512] = "";
	int r = config_load_from(&now, &d->source, why, sizeof(why));

	if (r) {
		log_err("the configuration stays as it was: %s", *why ? why : strerror(-r));
		return;
	}
	other = config_take_live(&d->cfg, &now);
	r = d->http ? listeners_change(d, why, sizeof(why)) : 0;
	if (r) {
		config_take_live(&d->cfg, &now); /* back again */
		log_err("the configuration stays as it was: %s", why);
	} else {
		daemon_change_limits(d);
	}
	if (!r && other)
		log_warn("%s has changed too: it counts after a restart", other);
	if (!r)
		log_notice("the configuration was read again");
	config_free(&now);
}

void daemon_reload(struct smisd *d)
{
	uint64_t now;

	sd_event_now(d->loop, CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now);
	change(d);
	sd_notify(0, "READY=1");
}

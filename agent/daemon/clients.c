// SPDX-License-Identifier: GPL-2.0-or-later
/* clients.c - certificates of clients to roles: the sections [client NAME] of the configuration. */
#include <ctype.h>
#include <string.h>

#include "daemon/daemon.h"
#include "http/client-cert.h"

/* As people write them: "AB:CD:..." or "abcd...". */
static bool same_fingerprint(const char *written, const char *hex)
{
	for (; *written; written++) {
		if (*written == ':')
			continue;
		if (tolower((unsigned char)*written) != *hex++)
			return false;
	}
	return !*hex;
}

static bool is(const struct config_client *c, const struct client_cert *cert)
{
	return *c->subject ? !strcmp(c->subject, cert->subject)
			   : same_fingerprint(c->fingerprint, cert->fingerprint);
}

const char *clients_role(const struct client_cert *cert, struct http_auth_result *role, void *arg)
{
	const struct smisd *d = arg;

	for (size_t i = 0; i < d->cfg.nr_clients; i++) {
		const struct config_client *c = &d->cfg.clients[i];

		if (!is(c, cert))
			continue;
		role->ok = role->may_read = true;
		role->may_write = !strcmp(c->role, "admin");
		return c->name;
	}
	return NULL;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * discovery.c - the SLP service agent, when it is wanted: a socket of systemd called "slp", or
 * [server] slp-port. What it says about the server is DSP0206's.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "broker/repo.h"
#include "daemon/daemon.h"
#include "providers/advertise.h"
#include "slp/agent.h"

/* Of an attribute's value; some characters mean something in a list of attributes. */
static void value(struct strbuf *b, const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < ' ' || strchr("(),\\!<=>~*+;", *s))
			strbuf_printf(b, "\\%02X", (unsigned char)*s);
		else
			strbuf_putc(b, *s);
	}
}

static void attribute(struct strbuf *b, const char *name, const char *text)
{
	strbuf_printf(b, "%s(%s=", b->len ? "," : "", name);
	value(b, text);
	strbuf_putc(b, ')');
}

static void namespaces(struct strbuf *b)
{
	const struct cim_ns *ns = repo_namespaces();

	strbuf_puts(b, ",(Namespace=");
	for (int i = 0; ns[i].name; i++) {
		strbuf_puts(b, i ? "," : "");
		value(b, ns[i].name);
	}
	strbuf_putc(b, ')');
}

static void profiles(struct strbuf *b)
{
	char name[128];

	strbuf_puts(b, ",(RegisteredProfilesSupported=");
	for (size_t i = 0; prov_profile_name(i, name, sizeof(name)); i++) {
		strbuf_puts(b, i ? "," : "");
		value(b, name);
	}
	strbuf_putc(b, ')');
}

static void attributes(const struct smisd *d, struct strbuf *b)
{
	const struct engine_system *s = engine_system(d->engine);

	attribute(b, "template-type", "wbem");
	attribute(b, "template-version", "1.0");
	attribute(b, "template-description", "CIM-XML server");
	attribute(b, "service-hi-name", "smisd");
	attribute(b, "service-hi-description", s->host_name);
	attribute(b, "service-id", s->name);
	attribute(b, "CommunicationMechanism", "CIM-XML");
	attribute(b, "InteropSchemaNamespace", "interop");
	attribute(b, "ProtocolVersion", "1.4");
	strbuf_puts(b, ",(FunctionalProfilesSupported=Basic Read,Basic Write,Instance Manipulation,"
		       "Association Traversal,Query Execution,Qualifier Declaration)");
	attribute(b, "MultipleOperationsSupported", "false");
	attribute(b, "AuthenticationMechanismsSupported", "Basic");
	namespaces(b);
	profiles(b);
}

int discovery_start(struct smisd *d, int fd)
{
	CLEANUP(strbuf_done) struct strbuf text = STRBUF_INIT;
	struct slp_config cfg = { .http_port = d->cfg.server.http_port,
				  .https_port = d->cfg.server.https_port };

	if (fd < 0 && !d->cfg.server.slp_port)
		return 0;
	if (fd < 0)
		fd = slp_open(d->cfg.server.listen, d->cfg.server.slp_port);
	if (fd < 0) {
		log_err("cannot serve SLP on %s port %u: %s", d->cfg.server.listen,
			d->cfg.server.slp_port, strerror(-fd));
		return fd;
	}
	attributes(d, &text);
	cfg.attributes = strbuf_str(&text);
	d->slp = slp_agent_new(d->loop, fd, &cfg);
	if (!d->slp)
		return -EIO;
	prov_set_advertised();
	log_notice("found by SLP");
	return 0;
}

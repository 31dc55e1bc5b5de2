// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * testd.c - the HTTP and CIM-XML half of smisd over the test schema, for tests/cim.
 *
 *	testd HTTP-PORT [HTTPS-PORT STATE-DIR]
 *
 * Users: admin/admin (write), reader/reader (read), nobody/nobody (no role). Prints "ready" when
 * it listens; ends on SIGTERM.
 */
#include <gnutls/gnutls.h>
#include <libxml/parser.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "broker/request.h"
#include "http/cert.h"
#include "http/listen.h"
#include "http/server.h"
#include "testprov.h"

struct pending {
	void (*done)(const struct http_auth_result *, void *);
	void *arg;
	struct http_auth_result result;
};

static int answer(sd_event_source *src, void *arg)
{
	struct pending *p = arg;

	p->done(&p->result, p->arg);
	free(p);
	sd_event_source_unref(src);
	return 0;
}

/* Later, as PAM would. */
static void authenticate(const char *user, const char *password,
			 void (*done)(const struct http_auth_result *, void *), void *done_arg,
			 void *arg)
{
	struct pending *p = new0(struct pending);
	sd_event_source *src;

	p->done = done;
	p->arg = done_arg;
	p->result.ok =
		!strcmp(user, password) &&
		(!strcmp(user, "admin") || !strcmp(user, "reader") || !strcmp(user, "nobody"));
	p->result.may_write = !strcmp(user, "admin");
	p->result.may_read = p->result.may_write || !strcmp(user, "reader");
	sd_event_add_defer(arg, &src, answer, p);
}

/* Of the environment; 0: it is not there. */
static unsigned int number(const char *name)
{
	const char *s = getenv(name);

	return s ? (unsigned int)atoi(s) : 0;
}

int main(int argc, char **argv)
{
	struct http_config cfg = { .host = "testhost",
				   .authenticate = authenticate,
				   .max_connections = 128,
				   .max_connections_per_ip = 128,
				   .max_body_bytes = 1024 * 1024,
				   .request_timeout_s = 5,
				   .send_timeout_s = number("SEND_TIMEOUT"),
				   .answer_bytes = number("ANSWER_BYTES"),
				   .auth_cache_s = 10,
				   .auth_delay_ms = 300 };
	const char *max_bytes = getenv("ENUMERATION_BYTES");
	/* low enough to be reached by a test */
	const struct broker_limits limits = { .max_enumerations = 4,
					      .max_bytes = max_bytes ? (size_t)atol(max_bytes)
								     : 1024 * 1024,
					      .operation_ms = number("OPERATION_MS"),
					      .timeout_s = 30,
					      .max_timeout_s = 60 };
	struct http_server *server;
	struct repo *repo;
	char *why = NULL;
	sigset_t set;

	if (argc < 2)
		return 2;
	test_many = number("MANY");
	test_broken = number("BROKEN");
	log_init("testd", getenv("DEBUG") ? LOG_DEBUG : LOG_NOTICE);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sd_event_new(&cfg.loop);
	test_loop = cfg.loop;
	cfg.auth_arg = cfg.loop;
	sd_event_add_signal(cfg.loop, NULL, SIGTERM, NULL, NULL);
	repo = repo_new(&cim_schema, test_providers, &why);
	if (!repo) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	cfg.broker = broker_new(repo, NULL);
	broker_set_limits(cfg.broker, &limits, cfg.loop);
	server = http_server_new(&cfg);
	if (http_server_add(server, listen_open("127.0.0.1", (uint16_t)atoi(argv[1])), NULL))
		return 1;
	if (argc > 3) {
		struct http_tls tls = { 0 };
		char *cert, *key, text[200];

		if (cert_load("/nonexistent", "/nonexistent", argv[3], "localhost", &cert, &key,
			      text, sizeof(text))) {
			fprintf(stderr, "%s\n", text);
			return 1;
		}
		tls.cert_pem = cert;
		tls.key_pem = key;
		if (http_server_add(server, listen_open("127.0.0.1", (uint16_t)atoi(argv[2])),
				    &tls))
			return 1;
		free(cert);
		free_secret(key);
	}
	printf("ready\n");
	fflush(stdout);
	sd_event_loop(cfg.loop);
	http_server_stop(server);
	broker_free(cfg.broker);
	repo_free(repo);
	sd_event_unref(cfg.loop);
	xmlCleanupParser();
	return 0;
}

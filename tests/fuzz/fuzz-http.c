// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz-http.c - whatever a client sends over a connection, from the first byte: the HTTP server with
 * the broker and the providers of the test schema behind it, as in smisd. The client then sends no
 * more and reads to the end. What comes back, if anything, is HTTP, and the connection ends.
 */
#include <errno.h>
#include <libxml/parser.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../cim/testprov.h"
#include "base/log.h"
#include "broker/request.h"
#include "fuzz.h"
#include "http/server.h"

#define TURNS_MAX 20000 /* of the loop, for one connection */

static sd_event *loop;
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static socklen_t address_len;

/* At once, where smisd asks another process. */
static void authenticate(const char *user, const char *password,
			 void (*done)(const struct http_auth_result *r, void *done_arg),
			 void *done_arg, void *arg)
{
	struct http_auth_result r = { .ok = !strcmp(user, password) };

	(void)arg;
	r.may_read = r.ok && strcmp(user, "nobody");
	r.may_write = r.may_read && strcmp(user, "reader");
	done(&r, done_arg);
}

/* A socket that only this process knows. */
static int listen_here(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* without a path the kernel chooses an abstract name */
	must(!bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)), "bind");
	must(!listen(fd, 16), "listen");
	address_len = sizeof(address);
	must(!getsockname(fd, (struct sockaddr *)&address, &address_len), "getsockname");
	return fd;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct http_config cfg = { .host = "h",
				   .authenticate = authenticate,
				   .max_connections = 8,
				   .max_connections_per_ip = 8,
				   .max_body_bytes = 4096,
				   .request_timeout_s = 60,
				   .auth_cache_s = 1 };
	struct http_server *server;
	struct repo *repo;
	char *why = NULL;

	(void)argc, (void)argv;
	log_init("fuzz", LOG_EMERG);
	signal(SIGPIPE, SIG_IGN);
	must(sd_event_new(&loop) >= 0, "an event loop");
	test_loop = cfg.loop = loop;
	test_many = 101; /* an answer of them goes out in chunks */
	repo = repo_new(&cim_schema, test_providers, &why);
	must(repo, "schema and providers do not fit");
	cfg.broker = broker_new(repo, NULL);
	server = http_server_new(&cfg);
	must(!http_server_add(server, listen_here(), NULL), "the server listens");
	return 0;
}

/* Everything that can be done now is done. */
static void settle(void)
{
	for (int i = 0; i < TURNS_MAX; i++)
		if (sd_event_run(loop, 0) <= 0)
			return;
	must(false, "the loop never comes to rest");
}

/* What comes until the end; the first bytes of it in @head. */
static void read_to_the_end(int fd, char *head, size_t size)
{
	char buf[4096];
	size_t n = 0;

	for (int i = 0; i < TURNS_MAX; i++) {
		ssize_t got = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

		if (got > 0) {
			size_t take = (size_t)got < size - 1 - n ? (size_t)got : size - 1 - n;

			memcpy(head + n, buf, take);
			n += take;
		} else if (!got || errno == ECONNRESET) {
			head[n] = '\0';
			return;
		} else {
			/* some methods of the test schema take their time */
			sd_event_run(loop, i < 100 ? 0 : 1000);
		}
	}
	must(false, "the connection does not end");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char head[16] = "";

	must(!connect(fd, (struct sockaddr *)&address, address_len), "connect");
	/* all of it fits into the socket's buffer */
	if (len)
		must(send(fd, data, len, MSG_NOSIGNAL) == (ssize_t)len, "send");
	settle();
	shutdown(fd, SHUT_WR);
	read_to_the_end(fd, head, sizeof(head));
	must(!*head || !strncmp(head, "HTTP/1.", 7), "an answer that is no HTTP");
	close(fd);
	settle();
	return 0;
}

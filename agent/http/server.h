// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * server.h - the HTTP(S) face: listeners, limits, authentication, and CIM-XML requests on them.
 * Loop thread only.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct broker;
struct client_cert;
struct http_server;

struct http_auth_result {
	bool ok; /* user and password are right */
	bool may_read, may_write;
	bool unavailable; /* could not be asked */
};

/* Must call done exactly once, later or at once. */
typedef void (*http_auth_fn)(const char *user, const char *password,
			     void (*done)(const struct http_auth_result *r, void *done_arg),
			     void *done_arg, void *arg);

/* Whose certificate it is, and what he may do; NULL: nobody's that is known here. */
typedef const char *(*http_cert_fn)(const struct client_cert *cert, struct http_auth_result *role,
				    void *arg);

struct http_config {
	sd_event *loop;
	struct broker *broker;
	const char *host; /* name of this node in answers */
	http_auth_fn authenticate; /* NULL: nobody is asked, everybody may do everything */
	http_cert_fn client_role; /* asked when TLS has a client_ca_pem and there is no password */
	void *auth_arg;
	uint32_t max_connections, max_connections_per_ip;
	uint32_t max_body_bytes;
	uint32_t max_xml_depth; /* 0: CIMXML_MAX_DEPTH */
	uint32_t request_timeout_s; /* for a request to arrive; idle connections too */
	uint32_t send_timeout_s; /* for the client to read some more of its answer; 0: any */
	size_t answer_bytes; /* what all answers that are held may take; 0: no limit */
	uint32_t auth_cache_s; /* how long right credentials are remembered; 0 = not */
	uint32_t auth_delay_ms; /* before a wrong password is answered; see peers.h too */
};

struct http_tls {
	const char *cert_pem, *key_pem; /* contents */
	const char *priority; /* GnuTLS; NULL or "": default; below TLS 1.2 is never spoken */
	const char *client_ca_pem; /* issuers of clients' certificates; NULL: none are asked for */
};

struct http_server *http_server_new(const struct http_config *cfg);
/* Serves the listening socket fd, which it owns from now on (also on failure). tls NULL: plain
 * HTTP. 0 or negative errno.
 */
int http_server_add(struct http_server *s, int fd, const struct http_tls *tls);
/*
 * From now on new connections get this certificate (tls, NULL: as before, only the limits
 * change) and cfg's limits; those that are open keep theirs. On failure (negative errno) nothing
 * has changed. Of cfg only the limits are looked at.
 */
int http_server_change(struct http_server *s, const struct http_config *cfg,
		       const struct http_tls *tls);
/*
 * New requests get 503. When those that were begun before have been answered, or after the
 * deadline, done is called once from the loop.
 */
void http_server_drain(struct http_server *s, uint64_t deadline_us, void (*done)(void *arg),
		       void *arg);
/* Answers everything that waits with 503, closes all connections, frees. NULL is fine. */
void http_server_stop(struct http_server *s);

#endif

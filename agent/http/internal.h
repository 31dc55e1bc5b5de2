// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * internal.h - what server.c (connections, loop) and request.c (one request) share.
 */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include <microhttpd.h>

#include "base/quota.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "cimxml/cimxml.h"
#include "http/auth.h"
#include "http/peers.h"
#include "http/server.h"

struct listener {
	struct http_server *server;
	struct MHD_Daemon *daemon;
	sd_event_source *io, *timer, *again;
	int fd; /* a copy of the listening socket, for http_server_change() */
	bool tls;
	bool asks_certs; /* of its clients */
	bool retired; /* serves what is open, and goes away with it */
	size_t nr_conns;
};

/* A TCP connection; from MHD's notification to its end. */
struct conn {
	struct conn *next, *prev;
	struct http_server *server;
	struct listener *listener;
	int fd;
	char peer[PEER_NAME_LEN];
	uint64_t peer_key;
	uint64_t since_us; /* start of waiting for a request, or last progress of its answer */
	bool sending;
	uint64_t acked_bytes; /* at since_us, by the peer */
};

struct http_server {
	struct http_config cfg;
	VEC(struct listener *) listeners;
	struct conn *conns;
	struct request *waiting; /* suspended ones */
	struct auth_cache *auth;
	struct peers *peers;
	sd_event_source *sweep;
	struct quota memory; /* of answers */
	size_t nr_requests; /* begun before the drain, not ended */
	uint64_t chunks; /* of answers in pieces, made so far */
	sd_event_source *drain; /* its deadline */
	void (*drained)(void *arg);
	void *drained_arg;
	bool draining, stopping;
};

enum phase {
	PHASE_HEAD, /* nothing looked at yet */
	PHASE_AUTH, /* suspended until the credentials are known */
	PHASE_AUTH_DONE,
	PHASE_BODY, /* receiving */
	PHASE_RUN, /* suspended until the broker is done */
	PHASE_ANSWER, /* the answer is here */
	PHASE_SENT, /* it was queued */
};

struct request {
	struct request *next, *prev; /* in server->waiting while suspended */
	struct http_server *server;
	struct listener *listener;
	struct MHD_Connection *connection;
	struct conn *conn;
	enum phase phase;
	bool suspended;
	int status; /* != 0: refused, the body is read and dropped */
	const char *cimerror;
	char why[200];
	bool challenge; /* with WWW-Authenticate */
	bool close; /* the connection is of no use after the answer */
	bool mpost;
	char man_ns[8]; /* "NN-" of M-POST, else "" */
	char *user, *password; /* password only until it was checked */
	bool may_read, may_write;
	struct auth_ask *asking;
	struct strbuf body;
	size_t dropped_bytes;
	struct cimxml_call *call;
	sd_event_source *hangup, *delay;
	struct strbuf answer;
	struct cimxml_call *more; /* the answer is its beginning, this the rest; NULL: all */
	size_t held; /* of server->memory, for the answer */
	bool chunks; /* the client reads them */
	bool trailers; /* the client reads what comes after them */
	uint64_t started_us;
	bool counted; /* in nr_requests */
};

enum MHD_Result request_handler(void *cls, struct MHD_Connection *connection, const char *url,
				const char *method, const char *version, const char *upload,
				size_t *upload_len, void **con_cls);
void request_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
		       enum MHD_RequestTerminationCode why);
/* ---- stream.c */
/* What one takes besides its call. */
#define STREAM_BYTES ((size_t)160 * 1024)
/*
 * A response of @begin, which it takes, and the rest from @call, which it owns. @trailers: does the
 * client read what comes after chunks? NULL: no memory.
 */
struct MHD_Response *stream_response(struct http_server *s, struct cimxml_call *call,
				     struct strbuf *begin, bool trailers);

/* ---- server.c */
/* The answer of this connection begins to be sent. */
void conn_sends(struct conn *c);

/* ---- request.c */
/* The server stops: whatever it waits for, it gets 503. */
void request_abort(struct request *r);
/* Lets MHD run from the loop, now that something changed. */
void listener_kick(struct listener *l);
/* The last request that a drain waits for may have ended. */
void http_drain_check(struct http_server *s);
uint64_t http_now_us(void);

#endif

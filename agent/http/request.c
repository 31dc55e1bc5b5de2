// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * request.c - one HTTP request: head checked, credentials checked, body received, run, answered.
 *
 * Order matters: nothing of a body is kept before the credentials are known to be right, so
 * strangers cannot fill memory. A request that is refused still has its body read and dropped,
 * else the client would see a reset connection and not the answer; unless it waits for
 * "100 Continue", then it gets the answer instead.
 *
 * Waiting (for PAM, for a method) suspends the connection; meanwhile a source on its socket sees
 * the client going away.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

#include "base/alloc.h"
#include "base/log.h"
#include "http/client-cert.h"
#include "http/internal.h"

#define MAN_URI "http://www.dmtf.org/cim/mapping/http/v1.0"

/* An authentication under way: outlives the request when the client goes away. */
struct auth_ask {
	struct request *request; /* NULL: gone */
};

static void refuse(struct request *r, int status, const char *cimerror, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void refuse(struct request *r, int status, const char *cimerror, const char *fmt, ...)
{
	va_list ap;

	if (r->status)
		return;
	r->status = status;
	r->cimerror = cimerror;
	va_start(ap, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, ap);
	va_end(ap);
}

/* ---- headers ---- */

static const char *header(struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

/* With M-POST the CIM headers have a prefix. */
static const char *cim_header(struct request *r, const char *name)
{
	char full[64];

	if (!*r->man_ns)
		return header(r, name);
	snprintf(full, sizeof(full), "%s%s", r->man_ns, name);
	return header(r, full);
}

/* Percent-decoded in place of a copy; NULL stays NULL. */
static char *decoded(const char *s)
{
	char *copy = s ? xstrdup(s) : NULL;

	if (copy)
		MHD_http_unescape(copy);
	return copy;
}

static void check_mpost(struct request *r, const char *version)
{
	const char *man = header(r, "Man"), *ns;

	if (strcmp(version, "HTTP/1.1") || !man || !strstr(man, MAN_URI)) {
		refuse(r, 400, "header-mismatch", "M-POST without its Man header");
		return;
	}
	ns = strstr(man, "ns=");
	ns = ns ? ns + 3 : "";
	if (strspn(ns, "0123456789") != 2) {
		refuse(r, 400, "header-mismatch", "the Man header has no ns of two digits");
		return;
	}
	snprintf(r->man_ns, sizeof(r->man_ns), "%.2s-", ns);
}

/* Of a list "; name=value; name="value"": the value is utf-8, or the parameter is not there. */
static bool utf8_in(const char *params)
{
	const char *p = params + strspn(params, "; \t");
	bool quoted;

	for (; *p; p += strcspn(p, ";"), p += strspn(p, "; \t")) {
		if (strncasecmp(p, "charset=", 8))
			continue;
		quoted = p[8] == '"';
		p += 8 + quoted;
		if (strncasecmp(p, "utf-8", 5) || (quoted && p[5] != '"'))
			return false;
		p += 5 + quoted;
		if (*p && !strchr("; \t", *p))
			return false;
	}
	return true;
}

/* application/xml or text/xml; charset, if any, utf-8 in any case, quoted or not. */
static bool xml_type(const char *type)
{
	size_t len = strcspn(type, "; \t");

	return ((len == 15 && !strncasecmp(type, "application/xml", len)) ||
		(len == 8 && !strncasecmp(type, "text/xml", len))) &&
	       utf8_in(type + len);
}

static void check_content(struct request *r)
{
	const char *type = header(r, "Content-Type");
	const char *encoding = header(r, "Content-Encoding");
	const char *length = header(r, "Content-Length");
	const char *transfer = header(r, "Transfer-Encoding");

	if (!type || !xml_type(type))
		refuse(r, 415, NULL, "Content-Type is not XML in UTF-8");
	if (encoding && strcasecmp(encoding, "identity"))
		refuse(r, 415, NULL, "Content-Encoding %.40s is not supported", encoding);
	if (!length && !transfer)
		refuse(r, 411, NULL, "Content-Length is missing");
	if (length && strtoull(length, NULL, 10) > r->server->cfg.max_body_bytes)
		refuse(r, 413, NULL, "the request is larger than %u bytes",
		       r->server->cfg.max_body_bytes);
	if (length && !transfer && strtoull(length, NULL, 10) == 0)
		refuse(r, 400, "request-not-well-formed", "the body is empty");
}

static enum MHD_Result count_length(void *cls, enum MHD_ValueKind kind, const char *name,
				    const char *value)
{
	unsigned int *nr = cls;

	(void)kind, (void)value;
	*nr += !strcasecmp(name, "Content-Length");
	return MHD_YES;
}

/* Where the body ends is said once: a proxy may have believed the other one (RFC 9112, 6.3), so
 * nothing behind it on this connection is looked at.
 */
static void check_framing(struct request *r)
{
	unsigned int nr = 0;

	MHD_get_connection_values(r->connection, MHD_HEADER_KIND, count_length, &nr);
	r->close = nr > 1 || (nr && header(r, "Transfer-Encoding"));
	if (r->close)
		refuse(r, 400, NULL, "the length of the body is said more than once");
}

static void check_accept(struct request *r)
{
	const char *accept = header(r, "Accept");
	const char *charset = header(r, "Accept-Charset");

	if (accept && *accept && !strcasestr(accept, "xml") && !strstr(accept, "*/*") &&
	    !strcasestr(accept, "application/*") && !strcasestr(accept, "text/*"))
		refuse(r, 406, "header-mismatch", "Accept leaves no XML");
	if (charset && *charset && !strcasestr(charset, "utf-8") && !strchr(charset, '*'))
		refuse(r, 406, "header-mismatch", "Accept-Charset leaves no UTF-8");
	if (header(r, "Range"))
		refuse(r, 406, "header-mismatch", "Range is not allowed");
}

/* ---- answers ---- */

static void add(struct MHD_Response *resp, const char *name, const char *value)
{
	MHD_add_response_header(resp, name, value);
}

static void add_success_headers(struct request *r, struct MHD_Response *resp)
{
	char text[64], name[32];

	add(resp, "Content-Type", "application/xml; charset=\"utf-8\"");
	snprintf(name, sizeof(name), "%sCIMOperation", r->man_ns);
	add(resp, name, "MethodResponse");
	snprintf(text, sizeof(text), "%llu", (unsigned long long)(http_now_us() - r->started_us));
	add(resp, "WBEMServerResponseTime", text);
	if (r->mpost) {
		snprintf(text, sizeof(text), MAN_URI "; ns=%.2s", r->man_ns);
		add(resp, "Ext", " "); /* empty, but the library takes no empty value */
		add(resp, "Cache-Control", "no-cache");
		add(resp, "Man", text);
	}
}

static enum MHD_Result send_answer(struct request *r)
{
	struct MHD_Response *resp;
	enum MHD_Result ret;
	size_t len = r->status == 200 ? r->answer.len : 0;

	r->phase = PHASE_SENT;
	if (r->conn)
		conn_sends(r->conn);
	if (r->more)
		resp = stream_response(r->server, r->more, &r->answer, r->trailers);
	else if (r->status == 200)
		resp = MHD_create_response_from_buffer(len, strbuf_take(&r->answer),
						       MHD_RESPMEM_MUST_FREE);
	else
		resp = MHD_create_response_from_buffer(0, (void *)(uintptr_t) "",
						       MHD_RESPMEM_PERSISTENT);
	r->more = NULL;
	if (!resp)
		return MHD_NO;
	if (r->status == 200)
		add_success_headers(r, resp);
	else
		log_info("refused with HTTP %d: %s", r->status, r->why);
	if (r->cimerror)
		add(resp, "CIMError", r->cimerror);
	if (r->challenge)
		add(resp, "WWW-Authenticate", "Basic realm=\"smisd\", charset=\"UTF-8\"");
	if (r->status == 429)
		add(resp, "Retry-After", "10");
	if (r->status == 405)
		add(resp, "Allow", "POST, M-POST");
	if (r->close || r->server->draining || r->server->stopping)
		add(resp, "Connection", "close");
	ret = MHD_queue_response(r->connection, (unsigned int)r->status, resp);
	MHD_destroy_response(resp);
	return ret;
}

/* ---- waiting ---- */

static int on_hangup(sd_event_source *src, int fd, uint32_t events, void *arg);

static void suspend(struct request *r, enum phase phase)
{
	r->phase = phase;
	r->suspended = true;
	if (r->conn)
		r->conn->since_us = 0;
	r->prev = NULL;
	r->next = r->server->waiting;
	if (r->next)
		r->next->prev = r;
	r->server->waiting = r;
	MHD_suspend_connection(r->connection);
	if (r->conn)
		sd_event_add_io(r->server->cfg.loop, &r->hangup, r->conn->fd, EPOLLRDHUP, on_hangup,
				r);
}

static void stop_waiting(struct request *r)
{
	r->hangup = sd_event_source_disable_unref(r->hangup);
	r->delay = sd_event_source_disable_unref(r->delay);
	if (!r->suspended)
		return;
	r->suspended = false;
	if (r->prev)
		r->prev->next = r->next;
	else
		r->server->waiting = r->next;
	if (r->next)
		r->next->prev = r->prev;
}

static void resume(struct request *r, enum phase phase)
{
	r->phase = phase;
	if (!r->suspended)
		return;
	stop_waiting(r);
	if (r->conn)
		r->conn->since_us = http_now_us();
	MHD_resume_connection(r->connection);
	listener_kick(r->listener);
}

/* Nobody will read the result: let go of whatever is under way. */
static void let_go(struct request *r)
{
	if (r->call)
		cimxml_cancel(r->call);
	r->call = NULL;
	if (r->asking)
		r->asking->request = NULL;
	r->asking = NULL;
}

static void abandon(struct request *r, int status, const char *why)
{
	bool running = r->phase == PHASE_RUN;

	let_go(r);
	refuse(r, status, NULL, "%s", why);
	resume(r, running ? PHASE_ANSWER : PHASE_AUTH_DONE);
}

static int on_hangup(sd_event_source *src, int fd, uint32_t events, void *arg)
{
	(void)src, (void)fd, (void)events;
	abandon(arg, 503, "the client has gone");
	return 0;
}

void request_abort(struct request *r)
{
	abandon(r, 503, "the server is stopping");
}

/* ---- credentials ---- */

static void forget_password(struct request *r)
{
	free_secret(r->password);
	r->password = NULL;
}

static const char *peer_of(const struct request *r)
{
	return r->conn && *r->conn->peer ? r->conn->peer : "an unknown address";
}

static int on_delay(sd_event_source *src, uint64_t usec, void *arg)
{
	(void)src, (void)usec;
	resume(arg, PHASE_AUTH_DONE);
	return 0;
}

static void on_authenticated(const struct http_auth_result *res, void *arg)
{
	struct auth_ask *ask = arg;
	struct request *r = ask->request;
	uint32_t delay_ms = 0;

	free(ask);
	if (!r)
		return;
	r->asking = NULL;
	if (res->ok) {
		r->may_read = res->may_read;
		r->may_write = res->may_write;
		auth_cache_add(r->server->auth, r->user, r->password, res->may_read,
			       res->may_write);
	} else if (res->unavailable) {
		refuse(r, 503, NULL, "authentication is not available");
	} else {
		log_notice("user %s from %s failed to authenticate", r->user, peer_of(r));
		if (r->conn)
			peers_failed(r->server->peers, r->conn->peer_key, http_now_us(),
				     (uint64_t)r->server->cfg.auth_delay_ms * 1000);
		refuse(r, 401, NULL, "wrong user or password");
		r->challenge = true;
		delay_ms = r->server->cfg.auth_delay_ms;
	}
	forget_password(r);
	if (r->suspended && delay_ms &&
	    sd_event_add_time_relative(r->server->cfg.loop, &r->delay, CLOCK_MONOTONIC,
				       (uint64_t)delay_ms * 1000, 10000, on_delay, r) >= 0)
		return;
	resume(r, PHASE_AUTH_DONE);
}

static int ask_now(sd_event_source *src, uint64_t usec, void *arg)
{
	struct request *r = arg;
	struct auth_ask *ask = new0(struct auth_ask);

	(void)src, (void)usec;
	r->delay = sd_event_source_disable_unref(r->delay);
	ask->request = r;
	r->asking = ask;
	r->server->cfg.authenticate(r->user, r->password, on_authenticated, ask,
				    r->server->cfg.auth_arg);
	return 0;
}

/* At once, or when it is the turn of this peer, who had wrong passwords. */
static void ask_in_turn(struct request *r)
{
	uint64_t wait_us = 0;

	if (r->conn && !peers_wait(r->server->peers, r->conn->peer_key, http_now_us(), &wait_us)) {
		refuse(r, 429, NULL, "too many wrong passwords from %s", peer_of(r));
		forget_password(r);
		return;
	}
	suspend(r, PHASE_AUTH);
	if (wait_us && sd_event_add_time_relative(r->server->cfg.loop, &r->delay, CLOCK_MONOTONIC,
						  wait_us, 10000, ask_now, r) >= 0)
		return;
	ask_now(NULL, 0, r);
}

/* The client has shown a certificate that says who it is. */
static bool known_by_cert(struct request *r)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	struct http_auth_result role = { 0 };
	struct client_cert cert;
	const char *name;
	char why[200] = "";
	int err;

	if (!r->listener->asks_certs || !r->server->cfg.client_role || !info || !info->tls_session)
		return false;
	err = client_cert_get(info->tls_session, &cert, why, sizeof(why));
	if (err == -EACCES)
		log_notice("the certificate of a client from %s does not count: %s", peer_of(r),
			   why);
	if (err)
		return false;
	name = r->server->cfg.client_role(&cert, &role, r->server->cfg.auth_arg);
	if (!name) {
		log_notice("no [client ...] has the certificate %s, fingerprint %s, from %s",
			   cert.subject, cert.fingerprint, peer_of(r));
		return false;
	}
	r->user = xasprintf("certificate %s", name);
	r->may_read = role.may_read;
	r->may_write = role.may_write;
	return true;
}

/* Refuses, knows the user already, or suspends until it is known. */
static void authenticate(struct request *r)
{
	const char *h = header(r, "Authorization");

	if (!r->server->cfg.authenticate) {
		r->user = xstrdup("");
		r->may_read = r->may_write = true;
		return;
	}
	if (!h && known_by_cert(r))
		return;
	if (!h || !auth_parse_basic(h, &r->user, &r->password)) {
		refuse(r, 401, NULL, "no credentials");
		r->challenge = true;
		return;
	}
	if (auth_cache_find(r->server->auth, r->user, r->password, &r->may_read, &r->may_write)) {
		forget_password(r);
		return;
	}
	if (r->server->stopping) {
		refuse(r, 503, NULL, "the server is stopping");
		return;
	}
	ask_in_turn(r);
}

/* ---- running ---- */

static void on_answer(struct cimxml_out *out, void *arg)
{
	struct request *r = arg;

	r->call = NULL;
	if (out->http == 200) {
		r->status = 200;
		r->answer = out->body;
		r->more = out->more;
		out->body = (struct strbuf)STRBUF_INIT;
		quota_set(&r->server->memory, &r->held,
			  r->answer.cap + (r->more ? STREAM_BYTES : 0));
	} else {
		refuse(r, out->http, out->cimerror, "%s", out->why ? out->why : "");
	}
	resume(r, PHASE_ANSWER);
}

static enum MHD_Result start(struct request *r)
{
	char *method = decoded(cim_header(r, "CIMMethod"));
	char *object = decoded(cim_header(r, "CIMObject"));
	struct cimxml_in in = {
		.body = r->body.buf ? r->body.buf : "",
		.len = r->body.len,
		.operation = cim_header(r, "CIMOperation"),
		.method = method,
		.object = object,
		.version = cim_header(r, "CIMProtocolVersion"),
		.batch = cim_header(r, "CIMBatch"),
		.user_agent = header(r, "User-Agent"),
		.host = r->server->cfg.host,
		.user = r->user,
		.peer = peer_of(r),
		.may_read = r->may_read,
		.may_write = r->may_write,
		.takes_pieces = r->chunks,
		.memory = &r->server->memory,
		.max_depth = r->server->cfg.max_xml_depth,
	};

	r->phase = PHASE_RUN;
	r->call = cimxml_start(r->server->cfg.broker, &in, on_answer, r);
	free(method);
	free(object);
	if (r->phase == PHASE_ANSWER)
		return send_answer(r);
	strbuf_done(&r->body); /* everything was copied */
	suspend(r, PHASE_RUN);
	return MHD_YES;
}

/* ---- libmicrohttpd's callbacks ---- */

static struct request *request_new(struct listener *l, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct request *r = new0(struct request);

	r->server = l->server;
	r->listener = l;
	r->connection = connection;
	r->conn = info ? info->socket_context : NULL;
	r->started_us = http_now_us();
	r->counted = !r->server->draining;
	r->server->nr_requests += r->counted;
	if (r->conn) {
		r->conn->sending = false;
		r->conn->since_us = r->started_us;
	}
	return r;
}

static enum MHD_Result head(struct request *r, const char *method, const char *version)
{
	const char *expect = header(r, "Expect"), *te = header(r, "TE");

	r->chunks = !strcmp(version, "HTTP/1.1");
	r->trailers = r->chunks && te && strcasestr(te, "trailers");
	if (r->server->draining)
		refuse(r, 503, NULL, "the server is stopping");
	check_framing(r);
	if (!strcmp(version, "HTTP/1.1") && !header(r, "Host"))
		refuse(r, 400, NULL, "there is no Host header");
	r->mpost = !strcmp(method, "M-POST");
	if (!r->mpost && strcmp(method, "POST"))
		refuse(r, 405, NULL, "method %.20s", method);
	if (r->mpost)
		check_mpost(r, version);
	if (expect && strcasecmp(expect, "100-continue"))
		refuse(r, 417, NULL, "Expect is not 100-continue");
	check_content(r);
	check_accept(r);
	if (!r->status)
		authenticate(r);
	if (r->phase == PHASE_HEAD)
		r->phase = PHASE_AUTH_DONE;
	return MHD_YES;
}

/* As much of a refused request is read and dropped; more is cut off. */
static size_t drop_limit_bytes(const struct request *r)
{
	return (size_t)r->server->cfg.max_body_bytes * 4;
}

/* The client waits for "100 Continue", has no body, or one that will not be read. */
static bool refuse_at_once(struct request *r)
{
	const char *length = header(r, "Content-Length");

	if (!r->status)
		return false;
	if (header(r, "Expect") || (length && strtoull(length, NULL, 10) > drop_limit_bytes(r)))
		return true;
	return !header(r, "Transfer-Encoding") && (!length || !strcmp(length, "0"));
}

static enum MHD_Result receive(struct request *r, const char *data, size_t *len)
{
	if (!r->status && r->body.len + *len > r->server->cfg.max_body_bytes)
		refuse(r, 413, NULL, "the request is larger than %u bytes",
		       r->server->cfg.max_body_bytes);
	if (!r->status) {
		strbuf_add(&r->body, data, *len);
	} else {
		strbuf_done(&r->body);
		r->dropped_bytes += *len;
		if (r->dropped_bytes > drop_limit_bytes(r))
			return MHD_NO;
	}
	*len = 0;
	return MHD_YES;
}

enum MHD_Result request_handler(void *cls, struct MHD_Connection *connection, const char *url,
				const char *method, const char *version, const char *upload,
				size_t *upload_len, void **con_cls)
{
	struct request *r = *con_cls;

	(void)url;
	if (!r) {
		r = *con_cls = request_new(cls, connection);
		head(r, method, version);
		if (r->suspended)
			return MHD_YES;
		r->phase = PHASE_BODY;
		return refuse_at_once(r) ? send_answer(r) : MHD_YES;
	}
	if (r->phase == PHASE_AUTH_DONE) {
		/* called again after the wait for the credentials, still before the body */
		r->phase = PHASE_BODY;
		if (*upload_len == 0)
			return refuse_at_once(r) ? send_answer(r) : MHD_YES;
	}
	if (r->phase == PHASE_ANSWER)
		return send_answer(r);
	if (r->phase != PHASE_BODY)
		return MHD_YES;
	if (*upload_len)
		return receive(r, upload, upload_len);
	return r->status ? send_answer(r) : start(r);
}

void request_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
		       enum MHD_RequestTerminationCode why)
{
	struct request *r = *con_cls;

	(void)cls, (void)connection, (void)why;
	if (!r)
		return;
	let_go(r);
	stop_waiting(r);
	if (r->counted) {
		r->server->nr_requests--;
		http_drain_check(r->server);
	}
	if (r->conn) {
		r->conn->sending = false;
		r->conn->since_us = http_now_us();
	}
	strbuf_done(&r->body);
	strbuf_done(&r->answer);
	quota_set(&r->server->memory, &r->held, 0);
	if (r->more)
		cimxml_stream_end(r->more);
	free(r->user);
	forget_password(r);
	free(r);
	*con_cls = NULL;
}

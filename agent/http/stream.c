// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stream.c - an answer that goes out in chunks while it is made. It has begun with status 200
 * before its end is known: what goes wrong then is said in the trailer (DSP0200, chunked encoding),
 * or, when the client reads no trailers, by closing the connection before the last chunk.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "http/internal.h"

#define CHUNK_BYTES ((size_t)32 * 1024)

struct stream {
	struct http_server *server;
	struct cimxml_call *call;
	struct MHD_Response *resp;
	struct strbuf text; /* made, and sent up to at */
	size_t at;
	bool over;
	bool trailers;
	bool cut; /* broken off, and no other way to say so */
};

/* As in URIs, for a header is one line of ASCII. */
static void percent_encode(struct strbuf *b, const char *s)
{
	for (; *s; s++) {
		if (*s >= ' ' && *s < 0x7f && *s != '%')
			strbuf_putc(b, *s);
		else
			strbuf_printf(b, "%%%02X", (unsigned char)*s);
	}
}

static void add_trailer(struct stream *s, int code, const char *why)
{
	CLEANUP(strbuf_done) struct strbuf text = STRBUF_INIT;
	char number[16];

	snprintf(number, sizeof(number), "%d", code);
	percent_encode(&text, why);
	MHD_add_response_footer(s->resp, "CIMStatusCode", number);
	MHD_add_response_footer(s->resp, "CIMStatusCodeDescription", strbuf_str(&text));
}

static void make_more(struct stream *s)
{
	const char *why = NULL;
	int code = 0;

	strbuf_reset(&s->text);
	s->at = 0;
	s->over = !cimxml_stream_next(s->call, &s->text, CHUNK_BYTES, &code, &why);
	if (code)
		log_info("an answer broke off: CIM error %d, %s", code, why);
	if (code && s->trailers)
		add_trailer(s, code, why);
	s->cut = code && !s->trailers;
	/* still looking: a blank between two elements, and the loop serves others */
	if (!s->over && !s->text.len)
		strbuf_putc(&s->text, '\n');
}

static ssize_t read_chunk(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct stream *s = cls;
	size_t n;

	(void)pos;
	if (s->at == s->text.len && !s->over)
		make_more(s);
	if (s->cut)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	n = s->text.len - s->at < max ? s->text.len - s->at : max;
	if (!n)
		return MHD_CONTENT_READER_END_OF_STREAM;
	s->server->chunks++;
	memcpy(buf, s->text.buf + s->at, n);
	s->at += n;
	return (ssize_t)n;
}

static void stream_free(void *cls)
{
	struct stream *s = cls;

	cimxml_stream_end(s->call);
	strbuf_done(&s->text);
	free(s);
}

struct MHD_Response *stream_response(struct http_server *server, struct cimxml_call *call,
				     struct strbuf *begin, bool trailers)
{
	struct stream *s = new0(struct stream);

	s->server = server;
	s->call = call;
	s->trailers = trailers;
	s->text = *begin;
	*begin = (struct strbuf)STRBUF_INIT;
	s->resp = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, CHUNK_BYTES, read_chunk, s,
						    stream_free);
	if (!s->resp) {
		stream_free(s);
		return NULL;
	}
	if (trailers)
		MHD_add_response_header(s->resp, "Trailer",
					"CIMStatusCode, CIMStatusCodeDescription");
	return s->resp;
}

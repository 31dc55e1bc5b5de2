// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cimxml.h - one CIM-XML request from body to answer. Loop thread only.
 */
#ifndef CIMXML_CIMXML_H
#define CIMXML_CIMXML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"

struct broker;
struct cimxml_call;
struct quota;

struct cimxml_in {
	const char *body;
	size_t len;
	/* decoded values of the HTTP headers, NULL when not sent */
	const char *operation, *method, *object, *version, *batch;
	const char *user_agent;
	const char *host; /* for paths in answers */
	const char *user;
	const char *peer; /* address of the client, for the log */
	bool may_read, may_write;
	bool takes_pieces; /* the answer may have a .more */
	struct quota *memory; /* counts what the answer takes, and refuses large ones; NULL: none */
	unsigned int max_depth; /* of XML elements; 0: CIMXML_MAX_DEPTH */
};

struct cimxml_out {
	int http; /* status */
	const char *cimerror; /* CIMError header or NULL */
	const char *why; /* for status != 200: one line, may be logged and shown */
	struct strbuf body; /* empty unless 200; the callback takes it or leaves it */
	struct cimxml_call *more; /* body is the beginning, the callback takes this too */
};

/* @done is called exactly once, maybe before this returns, unless cancelled. `in` need not live
 * longer than this call, the body and host must live until done. NULL: done was called.
 */
struct cimxml_call *cimxml_start(struct broker *b, const struct cimxml_in *in,
				 void (*done)(struct cimxml_out *out, void *arg), void *arg);
void cimxml_cancel(struct cimxml_call *c);
/*
 * Of .more: adds about @bytes of the rest to @to, less or nothing when that takes too long. False:
 * that was the end; with a @code (a CIM status code, @why its sentence) it broke off there.
 */
bool cimxml_stream_next(struct cimxml_call *more, struct strbuf *to, size_t bytes, int *code,
			const char **why);
/* Frees it, whether it came to its end or not. */
void cimxml_stream_end(struct cimxml_call *more);
/* At the end of the process. */
void cimxml_cleanup(void);

#endif

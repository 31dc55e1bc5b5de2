// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cimxml.c - glue: checks the CIM headers against the body, hands the request to the broker and
 * collects its results as XML. Owns a cimxml_call from start to done or cancel.
 */
#include "cimxml/cimxml.h"

#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/quota.h"
#include "broker/request.h"
#include "cimxml/decode.h"
#include "cimxml/tree.h"
#include "cimxml/write.h"

/* An answer that takes no more is never refused. */
#define SMALL_BYTES ((size_t)64 * 1024)

/* Of a stream: so many objects at a time, and so long, then others have their turn. */
#define STREAM_OBJECTS	8
#define STREAM_SLICE_US 2000

struct cimxml_call {
	struct cim_sink sink; /* first */
	struct arena arena;
	struct cim_request req;
	const char *id;
	const char *host;
	struct strbuf xml;
	size_t results_at; /* where the results begin in xml */
	bool in_return_value; /* IRETURNVALUE is not ended yet */
	bool wbemcli; /* knows nothing of arrays of references and of embedded instances */
	struct cim_call *call;
	void (*done)(struct cimxml_out *out, void *arg);
	void *done_arg;
	bool finished;
	bool streams; /* in pieces: done was called with the beginning */
	int broken_off; /* then: CIM status code */
	const char *why_broken_off;
	struct quota *memory;
	size_t held; /* of memory */
};

static struct cimxml_call *of(struct cim_sink *s)
{
	return (struct cimxml_call *)s;
}

/* ---- memory ---- */

static bool room(const struct cim_request *req)
{
	struct cimxml_call *c =
		(struct cimxml_call *)((char *)(uintptr_t)req - offsetof(struct cimxml_call, req));
	size_t now = c->xml.cap + c->arena.total_bytes + req->kept_bytes;

	return !c->memory || quota_set(c->memory, &c->held, now) || now <= SMALL_BYTES;
}

/* ---- results ---- */

struct element {
	const char *begin, *end;
};

#define NO_ELEMENT     \
	{              \
		"", "" \
	}
#define ELEMENT(name)                       \
	{                                   \
		"<" name ">", "</" name ">" \
	}

/* The element around an instance and its path, what stands for the path in it, and the element
 * around a path alone. One line for each shape of answers in DSP0200.
 */
static const struct shape {
	struct element around_inst;
	void (*path)(struct strbuf *b, const struct cim_path *p, const char *host);
	struct element around_path;
} shapes[] = {
	{ NO_ELEMENT, NULL, NO_ELEMENT },
	{ ELEMENT("VALUE.NAMEDINSTANCE"), xml_instance_name_of, NO_ELEMENT },
	{ ELEMENT("VALUE.OBJECTWITHPATH"), xml_instance_path, ELEMENT("OBJECTPATH") },
	{ ELEMENT("VALUE.INSTANCEWITHPATH"), xml_instance_path, NO_ELEMENT },
};

static const struct shape *shape(const struct cimxml_call *c)
{
	switch (c->req.op) {
	case CIM_OP_ENUMERATE_INSTANCES:
	case CIM_OP_ENUMERATE_INSTANCE_NAMES:
	case CIM_OP_CREATE_INSTANCE:
		return &shapes[1];
	case CIM_OP_ASSOCIATORS:
	case CIM_OP_ASSOCIATOR_NAMES:
	case CIM_OP_REFERENCES:
	case CIM_OP_REFERENCE_NAMES:
	case CIM_OP_EXEC_QUERY:
		return &shapes[2];
	case CIM_OP_GET_INSTANCE:
	case CIM_OP_PULL_INSTANCES:
	case CIM_OP_OPEN_QUERY:
		return &shapes[0];
	default:
		return &shapes[3];
	}
}

/* Takes EmbeddedObject from the arrays behind from. What is embedded has &quot; for a quote. */
static void plain_arrays(struct strbuf *b, size_t from)
{
	static const char tag[] = "<PROPERTY.ARRAY ", attr[] = " EmbeddedObject=\"";
	char *to = b->buf + from, *at = to, *end = b->buf + b->len, *p;

	while ((p = strstr(at, tag))) {
		char *close = strchr(p, '>');
		char *drop = memmem(p, (size_t)(close - p), attr, sizeof(attr) - 1);
		size_t len = (size_t)((drop ? drop : close) - at);

		memmove(to, at, len);
		to += len;
		at = drop ? strchr(drop + sizeof(attr) - 1, '"') + 1 : close;
	}
	memmove(to, at, (size_t)(end - at));
	to += end - at;
	*to = '\0';
	b->len = (size_t)(to - b->buf);
}

static bool with_path(const struct cimxml_call *c)
{
	return c->req.op == CIM_OP_ASSOCIATORS || c->req.op == CIM_OP_REFERENCES;
}

static void sink_class(struct cim_sink *s, const struct cim_class *cls, const struct cim_ns *ns)
{
	struct cimxml_call *c = of(s);
	size_t from = c->xml.len;

	if (with_path(c)) {
		strbuf_puts(&c->xml, "<VALUE.OBJECTWITHPATH>");
		xml_class_path(&c->xml, repo_name(cls, ns), ns->name, c->host);
	}
	if (c->req.op == CIM_OP_GET_CLASS)
		xml_class_cached(&c->xml, cls, ns, &c->req);
	else
		xml_class(&c->xml, cls, ns, &c->req);
	if (with_path(c))
		strbuf_puts(&c->xml, "</VALUE.OBJECTWITHPATH>");
	if (c->wbemcli)
		plain_arrays(&c->xml, from);
}

static void sink_class_name(struct cim_sink *s, const struct cim_class *cls,
			    const struct cim_ns *ns)
{
	struct cimxml_call *c = of(s);

	if (c->req.op == CIM_OP_ENUMERATE_CLASS_NAMES) {
		strbuf_printf(&c->xml, "<CLASSNAME NAME=\"%s\"></CLASSNAME>", repo_name(cls, ns));
		return;
	}
	strbuf_puts(&c->xml, "<OBJECTPATH>");
	xml_class_path(&c->xml, repo_name(cls, ns), ns->name, c->host);
	strbuf_puts(&c->xml, "</OBJECTPATH>");
}

static void sink_inst(struct cim_sink *s, const struct cim_inst *i, const bool *mask,
		      const struct cim_ns *ns)
{
	struct cimxml_call *c = of(s);
	const struct cim_ns *origin = c->req.class_origin ? ns : NULL;
	const struct shape *how = shape(c);
	size_t from = c->xml.len;

	strbuf_puts(&c->xml, how->around_inst.begin);
	if (how->path)
		how->path(&c->xml, i->path, c->host);
	xml_instance(&c->xml, i, mask, origin);
	strbuf_puts(&c->xml, how->around_inst.end);
	if (c->wbemcli)
		plain_arrays(&c->xml, from);
}

static void sink_path(struct cim_sink *s, const struct cim_path *p)
{
	struct cimxml_call *c = of(s);
	const struct shape *how = shape(c);

	strbuf_puts(&c->xml, how->around_path.begin);
	how->path(&c->xml, p, c->host);
	strbuf_puts(&c->xml, how->around_path.end);
}

static void sink_qualtype(struct cim_sink *s, const struct cim_qualtype_decl *q)
{
	xml_qualtype(&of(s)->xml, q);
}

static void sink_value(struct cim_sink *s, const struct cim_value *v)
{
	xml_value(&of(s)->xml, v);
}

static void end_return_value(struct cimxml_call *c)
{
	if (c->in_return_value)
		strbuf_puts(&c->xml, "</IRETURNVALUE>");
	c->in_return_value = false;
}

static void sink_result_class(struct cim_sink *s, const struct cim_class *cls,
			      const struct cim_ns *ns)
{
	struct cimxml_call *c = of(s);

	end_return_value(c);
	strbuf_puts(&c->xml, "<PARAMVALUE NAME=\"QueryResultClass\">");
	xml_class(&c->xml, cls, ns, &c->req);
	strbuf_puts(&c->xml, "</PARAMVALUE>");
}

static void sink_sequence(struct cim_sink *s, bool end, const char *context)
{
	struct cimxml_call *c = of(s);

	end_return_value(c);
	strbuf_printf(&c->xml,
		      "<PARAMVALUE NAME=\"EndOfSequence\" PARAMTYPE=\"boolean\">"
		      "<VALUE>%s</VALUE></PARAMVALUE>",
		      end ? "TRUE" : "FALSE");
	if (!context)
		return;
	strbuf_puts(&c->xml,
		    "<PARAMVALUE NAME=\"EnumerationContext\" PARAMTYPE=\"string\"><VALUE>");
	strbuf_xml(&c->xml, context);
	strbuf_puts(&c->xml, "</VALUE></PARAMVALUE>");
}

static void sink_returned(struct cim_sink *s, enum cim_type type, uint32_t value)
{
	strbuf_printf(&of(s)->xml, "<RETURNVALUE PARAMTYPE=\"%s\"><VALUE>%u</VALUE></RETURNVALUE>",
		      cim_type_name(type), value);
}

static void sink_out(struct cim_sink *s, const char *name, const struct cim_value *v)
{
	struct strbuf *b = &of(s)->xml;

	if (v->array && v->type == CIM_REFERENCE && of(s)->wbemcli)
		return;
	strbuf_printf(b, "<PARAMVALUE NAME=\"%s\" PARAMTYPE=\"%s\"%s>", name,
		      cim_type_name(v->type),
		      v->type == CIM_INSTANCE ? " EmbeddedObject=\"instance\"" : "");
	xml_value(b, v);
	strbuf_puts(b, "</PARAMVALUE>");
}

/* ---- frame ---- */

/* Operations whose answer has an IRETURNVALUE even when it is empty. */
static bool has_return_value(const struct cimxml_call *c)
{
	switch (c->req.op) {
	case CIM_OP_INVOKE:
	case CIM_OP_MODIFY_INSTANCE:
	case CIM_OP_DELETE_INSTANCE:
	case CIM_OP_SET_PROPERTY:
	case CIM_OP_CLOSE_ENUMERATION:
		return false;
	default:
		return true;
	}
}

static const char *response_tag(const struct cimxml_call *c)
{
	return c->req.op == CIM_OP_INVOKE ? "METHODRESPONSE" : "IMETHODRESPONSE";
}

static void begin_results(struct cimxml_call *c)
{
	c->in_return_value = has_return_value(c);
	if (c->in_return_value)
		strbuf_puts(&c->xml, "<IRETURNVALUE>");
}

static void drop_results(struct cimxml_call *c)
{
	c->xml.len = c->results_at;
	if (c->xml.cap > SMALL_BYTES) {
		c->xml.cap = c->xml.len + 1;
		c->xml.buf = xreallocarray(c->xml.buf, c->xml.cap, 1);
	}
}

static void sink_restart(struct cim_sink *s)
{
	drop_results(of(s));
	begin_results(of(s));
}

static void open_response(struct cimxml_call *c)
{
	struct strbuf *b = &c->xml;

	strbuf_puts(b, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
		       "<CIM CIMVERSION=\"2.0\" DTDVERSION=\"2.0\"><MESSAGE ID=\"");
	strbuf_xml(b, c->id);
	strbuf_puts(b, "\" PROTOCOLVERSION=\"1.0\"><SIMPLERSP><");
	strbuf_puts(b, response_tag(c));
	strbuf_puts(b, " NAME=\"");
	strbuf_xml(b, c->req.name);
	strbuf_puts(b, "\">");
	c->results_at = b->len;
	begin_results(c);
}

static void call_free(struct cimxml_call *c)
{
	if (c->memory)
		quota_set(c->memory, &c->held, 0);
	strbuf_done(&c->xml);
	arena_done(&c->arena);
	free(c);
}

static void finish(struct cimxml_call *c, int http, const char *cimerror, const char *why)
{
	struct cimxml_out out = { .http = http, .cimerror = cimerror, .why = why };

	if (http == 200) {
		out.body = c->xml;
		c->xml = (struct strbuf)STRBUF_INIT;
	}
	c->done(&out, c->done_arg);
	strbuf_done(&out.body);
	c->finished = true;
}

static void close_response(struct cimxml_call *c)
{
	strbuf_puts(&c->xml, "</");
	strbuf_puts(&c->xml, response_tag(c));
	strbuf_puts(&c->xml, "></SIMPLERSP></MESSAGE></CIM>\n");
}

static void end_of_stream(struct cimxml_call *c, int code, const char *why)
{
	c->call = NULL;
	c->broken_off = code;
	c->why_broken_off = arena_strdup(&c->arena, why ? why : "");
	if (code)
		return;
	end_return_value(c);
	close_response(c);
}

static void sink_done(struct cim_sink *s, int code, const char *why)
{
	struct cimxml_call *c = of(s);
	struct strbuf *b = &c->xml;

	if (c->streams) {
		end_of_stream(c, code, why);
		return;
	}
	if (code) {
		drop_results(c); /* half a result is none */
		strbuf_printf(b, "<ERROR CODE=\"%d\" DESCRIPTION=\"", code);
		strbuf_xml(b, why ? why : "");
		strbuf_puts(b, "\"></ERROR>");
		log_debug("%s by %s in %s: CIM error %d, %s", c->req.name,
			  c->req.user ? c->req.user : "-", c->req.ns, code, why ? why : "");
	} else {
		end_return_value(c);
	}
	close_response(c);
	finish(c, 200, NULL, NULL);
	if (c->call)
		call_free(c); /* else cimxml_start() is on the stack and does it */
}

/* Of what there is so far. */
static void begin_stream(struct cimxml_call *c)
{
	struct cimxml_out out = { .http = 200, .body = c->xml, .more = c };

	c->streams = true;
	c->xml = (struct strbuf)STRBUF_INIT;
	c->done(&out, c->done_arg);
	strbuf_done(&out.body);
}

static void sink_streams(struct cim_sink *s)
{
	begin_stream(of(s));
}

/* ---- request ---- */

static bool check_headers(struct cimxml_call *c, const struct cimxml_in *in)
{
	if (in->version && !cimxml_version(in->version, "1.")) {
		finish(c, 501, "unsupported-protocol-version", "CIMProtocolVersion is not 1.x");
		return false;
	}
	if (in->batch) {
		finish(c, 501, "multiple-requests-unsupported", "CIMBatch is not supported");
		return false;
	}
	if (!in->operation || strcasecmp(in->operation, "MethodCall")) {
		finish(c, 400, "unsupported-operation", "CIMOperation is not MethodCall");
		return false;
	}
	if ((in->method && !*in->method) || (in->object && !*in->object)) {
		finish(c, 400, "header-mismatch", "CIMMethod or CIMObject is empty");
		return false;
	}
	return true;
}

static void decode_and_submit(struct cimxml_call *c, struct broker *b, const struct cimxml_in *in)
{
	struct cimxml_refusal refusal;

	c->req.arena = &c->arena;
	c->req.max_depth = in->max_depth;
	cimxml_decode(in->body, in->len, &c->req, &c->id, &refusal);
	if (refusal.http) {
		finish(c, refusal.http, refusal.cimerror, refusal.why);
		return;
	}
	if (in->method && strcasecmp(in->method, c->req.name)) {
		finish(c, 400, "header-mismatch", "CIMMethod and the body differ");
		return;
	}
	/*
	 * wbemcli 1.6.3 (MESSAGE ID 4711, no User-Agent) ends with a parse error when a method
	 * gives out an array of references, or an array has EmbeddedObject. Left out, it gets the
	 * rest: Job beside Jobs[], and embedded instances in an array as the texts that they are.
	 */
	c->wbemcli = !strcmp(c->id, "4711") && !in->user_agent;
	c->req.user = arena_strdup(&c->arena, in->user);
	c->req.peer = arena_strdup(&c->arena, in->peer);
	c->req.may_read = in->may_read;
	c->req.may_write = in->may_write;
	c->req.piecemeal = in->takes_pieces;
	c->req.room = room;
	c->memory = in->memory;
	open_response(c);
	c->call = broker_submit(b, &c->req, &c->sink);
	if (broker_streams(c->call))
		begin_stream(c);
}

struct cimxml_call *cimxml_start(struct broker *b, const struct cimxml_in *in,
				 void (*done)(struct cimxml_out *out, void *arg), void *arg)
{
	struct cimxml_call *c = new0(struct cimxml_call);

	c->sink = (struct cim_sink) {
		.class = sink_class,
		.class_name = sink_class_name,
		.inst = sink_inst,
		.path = sink_path,
		.qualtype = sink_qualtype,
		.value = sink_value,
		.result_class = sink_result_class,
		.sequence = sink_sequence,
		.returned = sink_returned,
		.out = sink_out,
		.restart = sink_restart,
		.streams = sink_streams,
		.done = sink_done,
	};
	c->host = in->host;
	c->done = done;
	c->done_arg = arg;
	if (check_headers(c, in))
		decode_and_submit(c, b, in);
	if (c->streams)
		return NULL;
	if (!c->finished)
		return c;
	call_free(c);
	return NULL;
}

bool cimxml_stream_next(struct cimxml_call *c, struct strbuf *to, size_t bytes, int *code,
			const char **why)
{
	uint64_t until = cim_clock_us() + STREAM_SLICE_US;
	struct strbuf own = c->xml;
	size_t was;

	c->xml = *to;
	/* as often as something comes of it */
	do
		was = c->xml.len;
	while (c->call && was < bytes && cim_clock_us() < until &&
	       broker_stream_next(c->call, STREAM_OBJECTS, until) && c->xml.len > was);
	*to = c->xml;
	c->xml = own;
	*code = c->broken_off;
	*why = c->why_broken_off;
	return c->call;
}

void cimxml_stream_end(struct cimxml_call *c)
{
	if (c->call)
		broker_cancel(c->call);
	call_free(c);
}

void cimxml_cancel(struct cimxml_call *c)
{
	broker_cancel(c->call);
	call_free(c);
}

void cimxml_cleanup(void)
{
	xml_cleanup();
	xml_class_cache_drop();
	xmlCleanupParser();
}

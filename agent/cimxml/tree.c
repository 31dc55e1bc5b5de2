// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tree.c - see tree.h. libxml2 parses and calls; what it calls makes the nodes. Its own tree
 * and reader take half as many instructions again.
 */
#include "cimxml/tree.h"

#include <libxml/SAX2.h>
#include <libxml/catalog.h>
#include <libxml/parser.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"

struct xml_doc {
	xmlParserCtxtPtr parser;
	size_t len; /* of the text */
	struct arena nodes;
	struct arena *strings;
	struct xml_limits limits;
	struct xml_node *root;
	struct xml_node *here; /* the element that is open */
	struct strbuf text; /* that it has had since the last tag */
	int depth;
	int nr_ns; /* declared so far */
	unsigned long behind_cr; /* where a piece of CDATA that ends with one ends */
	enum xml_fault fault;
	int line; /* of the fault */
};

/* A parser costs more to make than to use, so one is kept; not one that has become large. */
static struct xml_doc *spare;

#define SPARE_MAX_BYTES	     16384
#define SPARE_MAX_DICT_BYTES (256 * 1024)

/*
 * libxml2 compares each attribute of a tag with all others, each prefix with all namespaces, and
 * each name with many that it has seen: a few megabytes of them would take it minutes. So a tag is
 * only so long, and says only so much; no request needs more than a few hundred bytes.
 */
#define TAG_MAX_BYTES	      16384
#define TAG_MAX_ATTRS	      64
#define MAX_NS		      64
#define MAX_NAMES	      1024 /* that differ; DSP0203 has a hundred */
#define PIECE_BYTES	      4096
#define DECLARATION_MAX_BYTES 256

static int line_of(const struct xml_doc *d)
{
	return xmlSAX2GetLineNumber(d->parser);
}

static void fail(struct xml_doc *d, enum xml_fault fault)
{
	if (d->fault)
		return;
	d->fault = fault;
	d->line = line_of(d);
	xmlStopParser(d->parser);
}

static void check_names(struct xml_doc *d)
{
	if (xmlDictSize(d->parser->dict) > 2 * MAX_NAMES)
		fail(d, XML_FAULT_TAG);
}

static struct xml_node *add_node(struct xml_doc *d)
{
	struct xml_node *n;

	if (d->nodes.total_bytes + d->strings->total_bytes > d->limits.max_bytes)
		fail(d, XML_FAULT_TOO_LARGE);
	if (d->fault)
		return NULL;
	n = arena_alloc(&d->nodes, sizeof(*n));
	n->line = line_of(d);
	n->parent = d->here;
	if (!d->here)
		d->root = n;
	else if (d->here->last)
		d->here->last->next = n;
	else
		d->here->children = n;
	if (d->here)
		d->here->last = n;
	return n;
}

/* The parser gives a text in pieces, above all one with references to characters. */
static void end_text(struct xml_doc *d)
{
	struct xml_node *n;

	if (!d->text.len)
		return;
	n = add_node(d);
	if (n)
		n->text = arena_strndup(d->strings, strbuf_str(&d->text), d->text.len);
	strbuf_reset(&d->text);
}

/* ---- what the parser calls ---- */

/* Five pointers for each: name, prefix, URI, begin and end of the value. */
static void add_attrs(struct xml_doc *d, struct xml_node *n, int nr, const xmlChar **attrs)
{
	struct xml_attr **tail = &n->attrs;

	for (int i = 0; i < nr; i++, attrs += 5) {
		struct xml_attr *a;

		if (attrs[1])
			continue;
		a = arena_alloc(&d->nodes, sizeof(*a));
		a->name = (const char *)attrs[0];
		a->value = arena_strndup(d->strings, (const char *)attrs[3],
					 (size_t)(attrs[4] - attrs[3]));
		*tail = a;
		tail = &a->next;
	}
}

static void on_start(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
		     int nr_ns, const xmlChar **ns, int nr, int nr_default, const xmlChar **attrs)
{
	struct xml_doc *d = arg;
	struct xml_node *n;

	(void)uri, (void)ns, (void)nr_default;
	d->nr_ns += nr_ns;
	if (d->depth >= d->limits.max_depth)
		fail(d, XML_FAULT_TOO_DEEP);
	if (nr > TAG_MAX_ATTRS || d->nr_ns > MAX_NS)
		fail(d, XML_FAULT_TAG);
	check_names(d);
	end_text(d);
	n = add_node(d);
	if (!n)
		return;
	n->name = prefix ? arena_printf(d->strings, "%s:%s", prefix, name) : (const char *)name;
	add_attrs(d, n, nr, attrs);
	d->here = n;
	d->depth++;
}

static void on_end(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct xml_doc *d = arg;

	(void)name, (void)prefix, (void)uri;
	end_text(d);
	if (d->fault || !d->here)
		return;
	d->here = d->here->parent;
	d->depth--;
}

static void on_text(void *arg, const xmlChar *text, int len)
{
	struct xml_doc *d = arg;

	if (d->here)
		strbuf_add(&d->text, (const char *)text, (size_t)len);
}

/* The parser leaves its ends of lines to us, and gives long ones in pieces: a CR LF in two. */
static void on_cdata(void *arg, const xmlChar *data, int len)
{
	struct xml_doc *d = arg;
	const xmlParserInput *in = d->parser->input;
	const unsigned long at = in->consumed + (unsigned long)(in->cur - in->base);
	const char *s = (const char *)data, *end = s + len;

	if (s < end && at == d->behind_cr && *s == '\n')
		s++;
	while (s < end) {
		const char *cr = memchr(s, '\r', (size_t)(end - s));

		on_text(d, (const xmlChar *)s, (int)((cr ? cr : end) - s));
		if (!cr)
			return;
		on_text(d, (const xmlChar *)"\n", 1);
		s = cr + 1;
		if (s == end)
			d->behind_cr = at + (unsigned long)len;
		else if (*s == '\n')
			s++;
	}
}

static void on_doctype(void *arg, const xmlChar *name, const xmlChar *id, const xmlChar *uri)
{
	(void)name, (void)id, (void)uri;
	fail(arg, XML_FAULT_DOCTYPE);
}

static void on_reference(void *arg, const xmlChar *name)
{
	(void)name;
	fail(arg, XML_FAULT_DOCTYPE);
}

static void on_pi(void *arg, const xmlChar *target, const xmlChar *data)
{
	(void)target, (void)data;
	check_names(arg);
}

static const xmlSAXHandler handler = {
	.initialized = XML_SAX2_MAGIC,
	.startElementNs = on_start,
	.endElementNs = on_end,
	.characters = on_text,
	.ignorableWhitespace = on_text,
	.cdataBlock = on_cdata,
	.processingInstruction = on_pi,
	.internalSubset = on_doctype,
	.reference = on_reference,
};

/* ---- documents ---- */

static void doc_free(struct xml_doc *d)
{
	if (d->parser)
		xmlFreeParserCtxt(d->parser);
	arena_done(&d->nodes);
	strbuf_done(&d->text);
	free(d);
}

static void quiet(void *arg, const char *fmt, ...)
{
	(void)arg, (void)fmt;
}

static struct xml_doc *doc_new(void)
{
	struct xml_doc *d = spare;

	if (d) {
		spare = NULL;
		return d;
	}
	/* of what cannot be decoded it tells there only, options or not */
	xmlSetGenericErrorFunc(NULL, quiet);
	/* a processing instruction could name some, which a parser forgets and does not free */
	xmlCatalogSetDefaults(XML_CATA_ALLOW_NONE);
	d = xcalloc(1, sizeof(*d));
	d->parser = xmlNewParserCtxt();
	if (!d->parser) {
		doc_free(d);
		return NULL;
	}
	*d->parser->sax = handler;
	return d;
}

/* What the parser has not read yet: it waits for the end of it. */
static size_t pending(const struct xml_doc *d)
{
	const xmlParserInput *in = d->parser->input;

	return in ? (size_t)(in->end - in->cur) : 0;
}

static bool in_tag(const struct xml_doc *d)
{
	const xmlChar *cur = d->parser->input->cur;

	return d->parser->instate != XML_PARSER_CDATA_SECTION && cur[0] == '<' && cur[1] != '!' &&
	       cur[1] != '?';
}

/*
 * As long as what is pending at least: the parser looks through all of that for an end, each time.
 * A CR LF of UTF-16 is not taken apart: it would be two ends of lines.
 */
static size_t piece_bytes(const struct xml_doc *d, const char *xml, size_t len)
{
	size_t piece = pending(d);

	if (piece < PIECE_BYTES)
		piece = PIECE_BYTES;
	if (piece + 2 <= len && xml[piece - 2] == '\r' && !xml[piece - 1])
		piece += 2;
	return piece < len ? piece : len;
}

/* Of an encoding, by itself: then what is behind it is decoded as it says from its begin. */
static size_t declaration_bytes(const char *xml, size_t len)
{
	const char *end =
		memmem(xml, len < DECLARATION_MAX_BYTES ? len : DECLARATION_MAX_BYTES, "?>", 2);

	return end ? (size_t)(end - xml) + 2 : 0;
}

/* In pieces, so that a tag is not read before it is known to be too long. */
static void feed(struct xml_doc *d, const char *xml, size_t len)
{
	size_t piece = declaration_bytes(xml, len);

	/* what it returns tells of prefixes that nobody has declared, too, and then it goes on */
	for (; len && !d->fault && d->parser->wellFormed; piece = 0) {
		if (!piece)
			piece = piece_bytes(d, xml, len);
		xmlParseChunk(d->parser, xml, (int)piece, 0);
		if (pending(d) > TAG_MAX_BYTES && in_tag(d))
			fail(d, XML_FAULT_TAG);
		xml += piece;
		len -= piece;
	}
	if (!d->fault)
		xmlParseChunk(d->parser, NULL, 0, 1);
}

static void parse(struct xml_doc *d, const char *xml, size_t len)
{
	/* NOENT: &amp; in a value comes as what it stands for; nobody can declare others */
	const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
			    XML_PARSE_NOENT;
	const size_t first = len < 4 ? len : 4;

	d->root = d->here = NULL;
	d->depth = 0;
	d->nr_ns = 0;
	d->behind_cr = 0;
	d->line = 0;
	d->fault = XML_FAULT_NONE;
	d->parser->userData = d;
	/* by these it knows UTF-16, and what marks UTF-8 */
	if (xmlCtxtResetPush(d->parser, xml, (int)first, NULL, NULL)) {
		d->fault = XML_FAULT_NO_MEMORY;
		return;
	}
	xmlCtxtUseOptions(d->parser, options);
	feed(d, xml + first, len - first);
	if (!d->fault && (!d->parser->wellFormed || !d->root || d->here))
		fail(d, XML_FAULT_NOT_WELL_FORMED);
}

struct xml_doc *xml_open(const char *xml, size_t len, const struct xml_limits *limits,
			 struct arena *strings, enum xml_fault *fault, int *line)
{
	struct xml_doc *d = doc_new();

	*line = 0;
	*fault = XML_FAULT_NO_MEMORY;
	if (!d)
		return NULL;
	d->limits = *limits;
	d->strings = strings;
	d->len = len;
	parse(d, xml, len);
	*fault = d->fault;
	*line = d->line;
	if (!d->fault)
		return d;
	doc_free(d);
	return NULL;
}

const struct xml_node *xml_root(const struct xml_doc *doc)
{
	return doc->root;
}

void xml_close(struct xml_doc *d)
{
	if (!d)
		return;
	if (spare || d->len > SPARE_MAX_BYTES || xmlDictSize(d->parser->dict) > MAX_NAMES ||
	    xmlDictGetUsage(d->parser->dict) > SPARE_MAX_DICT_BYTES) {
		doc_free(d);
		return;
	}
	arena_reset(&d->nodes);
	d->root = d->here = NULL;
	spare = d;
}

void xml_cleanup(void)
{
	if (spare)
		doc_free(spare);
	spare = NULL;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tree.c - see tree.h. libxml2 parses and calls; what it calls makes the nodes. Its own trees and
 * readers would cost a request several times as much.
 */
#include "cimxml/tree.h"

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct xml_doc {
	xmlParserCtxtPtr parser;
	size_t len; /* of the text */
	struct arena nodes;
	struct arena *strings;
	struct xml_limits limits;
	struct xml_node *root;
	struct xml_node *here; /* the element that is open */
	int depth;
	int nr_ns; /* declared so far */
	unsigned long events;
	enum xml_fault fault;
	int line; /* of the fault */
};

/* A parser costs more to make than to use, so one is kept; not one that has become large. */
static struct xml_doc *spare;

#define SPARE_MAX_BYTES 16384

/*
 * libxml2 compares each attribute of a tag with all others, each prefix with all namespaces, and
 * each name with many that it has seen: a few megabytes of them would take it minutes. So a tag is
 * only so long, and says only so much; no request needs more than a few hundred bytes.
 */
#define TAG_MAX_BYTES 16384
#define TAG_MAX_ATTRS 64
#define MAX_NS	      64
#define MAX_NAMES     1024 /* that differ; DSP0203 has a hundred */
#define PIECE_BYTES   4096

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
	d->events++;
	d->nr_ns += nr_ns;
	if (d->depth >= d->limits.max_depth)
		fail(d, XML_FAULT_TOO_DEEP);
	if (nr > TAG_MAX_ATTRS || d->nr_ns > MAX_NS)
		fail(d, XML_FAULT_TAG);
	check_names(d);
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
	d->events++;
	if (d->fault || !d->here)
		return;
	d->here = d->here->parent;
	d->depth--;
}

static void on_text(void *arg, const xmlChar *text, int len)
{
	struct xml_doc *d = arg;
	struct xml_node *n;

	d->events++;
	if (!d->here)
		return;
	n = add_node(d);
	if (n)
		n->text = arena_strndup(d->strings, (const char *)text, (size_t)len);
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
	struct xml_doc *d = arg;

	(void)target, (void)data;
	d->events++;
	check_names(d);
}

static const xmlSAXHandler handler = {
	.initialized = XML_SAX2_MAGIC,
	.startElementNs = on_start,
	.endElementNs = on_end,
	.characters = on_text,
	.ignorableWhitespace = on_text,
	.cdataBlock = on_text,
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
	free(d);
}

static struct xml_doc *doc_new(void)
{
	struct xml_doc *d = spare;

	if (d) {
		spare = NULL;
		return d;
	}
	d = xcalloc(1, sizeof(*d));
	d->parser = xmlNewParserCtxt();
	if (!d->parser) {
		doc_free(d);
		return NULL;
	}
	*d->parser->sax = handler;
	return d;
}

/*
 * In pieces: what has been fed since the parser last told of something is one tag or comment, whose
 * end it looks for.
 */
static void feed(struct xml_doc *d, const char *xml, size_t len)
{
	size_t silent = 0;

	/* what it returns tells of prefixes that nobody has declared, too, and then it goes on */
	while (len && !d->fault && d->parser->wellFormed) {
		const size_t piece = len < PIECE_BYTES ? len : PIECE_BYTES;
		const unsigned long events = d->events;

		xmlParseChunk(d->parser, xml, (int)piece, 0);
		/* blanks behind the root are told of nowhere */
		silent = d->events == events && (d->here || !d->root) ? silent + piece : 0;
		if (silent > TAG_MAX_BYTES)
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

	d->root = d->here = NULL;
	d->depth = 0;
	d->nr_ns = 0;
	d->fault = XML_FAULT_NONE;
	d->parser->userData = d;
	if (xmlCtxtResetPush(d->parser, NULL, 0, NULL, NULL)) {
		d->fault = XML_FAULT_NO_MEMORY;
		return;
	}
	xmlCtxtUseOptions(d->parser, options);
	feed(d, xml, len);
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
	if (spare || d->len > SPARE_MAX_BYTES || xmlDictSize(d->parser->dict) > MAX_NAMES) {
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

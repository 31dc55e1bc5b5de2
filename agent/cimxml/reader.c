// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * reader.c - see reader.h. Over a body that is in memory; DOCTYPE and entity references are
 * refused, so nothing is ever fetched or expanded.
 */
#include "cimxml/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

/* libxml2 would write to stderr. */
static void no_error(void *arg, const char *msg, xmlParserSeverities sev,
		     xmlTextReaderLocatorPtr at)
{
	(void)arg, (void)msg, (void)sev, (void)at;
}

/*
 * A reader costs more to make than to use. One is kept, but not for ever: it remembers each name
 * that it has read. Loop thread only.
 */
static xmlTextReaderPtr spare;
static unsigned int spare_uses;

#define SPARE_MAX_USES	1000
#define SPARE_MAX_BYTES 16384

static xmlTextReaderPtr take_reader(const char *xml, size_t len)
{
	const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
			    XML_PARSE_COMPACT;
	xmlTextReaderPtr r = spare;

	if (!r || len > SPARE_MAX_BYTES)
		return xmlReaderForMemory(xml, (int)len, NULL, NULL, options);
	spare = NULL;
	if (!xmlReaderNewMemory(r, xml, (int)len, NULL, NULL, options))
		return r;
	xmlFreeTextReader(r);
	return xmlReaderForMemory(xml, (int)len, NULL, NULL, options);
}

static void give_reader(xmlTextReaderPtr r, size_t len, bool good)
{
	if (!good || spare || len > SPARE_MAX_BYTES || ++spare_uses >= SPARE_MAX_USES) {
		spare_uses = spare ? spare_uses : 0;
		xmlFreeTextReader(r);
		return;
	}
	xmlTextReaderClose(r);
	spare = r;
}

void dec_cleanup(void)
{
	if (spare)
		xmlFreeTextReader(spare);
	spare = NULL;
}

bool dec_open(struct dec *d, const char *xml, size_t len)
{
	d->len = len;
	d->r = take_reader(xml, len);
	if (!d->r) {
		dec_fail(d, 500, NULL, "no memory for the XML reader");
		return false;
	}
	xmlTextReaderSetErrorHandler(d->r, no_error, NULL);
	return true;
}

void dec_close(struct dec *d)
{
	if (d->r)
		give_reader(d->r, d->len, !dec_failed(d));
	d->r = NULL;
}

bool dec_failed(const struct dec *d)
{
	return d->refusal->http != 0;
}

void dec_fail(struct dec *d, int http, const char *cimerror, const char *fmt, ...)
{
	va_list ap;

	if (dec_failed(d))
		return;
	d->refusal->http = http;
	d->refusal->cimerror = cimerror;
	va_start(ap, fmt);
	vsnprintf(d->refusal->why, sizeof(d->refusal->why), fmt, ap);
	va_end(ap);
}

void dec_invalid(struct dec *d, const char *fmt, ...)
{
	char text[150];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	dec_fail(d, 400, "request-not-loosely-valid", "line %d: %s",
		 xmlTextReaderGetParserLineNumber(d->r), text);
}

static bool on_element(struct dec *d)
{
	if (xmlTextReaderDepth(d->r) >= d->max_depth) {
		dec_invalid(d, "elements are nested more than %d deep", d->max_depth);
		return false;
	}
	d->name = (const char *)xmlTextReaderConstName(d->r);
	return true;
}

/* To the next node; false at the end and on errors. */
static bool step(struct dec *d)
{
	int r;

	if (dec_failed(d))
		return false;
	r = xmlTextReaderRead(d->r);
	if (r < 0) {
		dec_fail(d, 400, "request-not-well-formed", "line %d: not well-formed XML",
			 xmlTextReaderGetParserLineNumber(d->r));
		return false;
	}
	if (r == 0)
		return false;
	d->type = xmlTextReaderNodeType(d->r);
	switch (d->type) {
	case XML_READER_TYPE_DOCUMENT_TYPE:
	case XML_READER_TYPE_ENTITY:
	case XML_READER_TYPE_ENTITY_REFERENCE:
		dec_fail(d, 400, "request-not-well-formed", "DOCTYPE and entities are refused");
		return false;
	case XML_READER_TYPE_ELEMENT:
		if (!on_element(d))
			return false;
		break;
	default:
		break;
	}
	if (d->a->total_bytes > CIMXML_MAX_ARENA_BYTES)
		dec_fail(d, 413, NULL, "the request is too large");
	return !dec_failed(d);
}

static bool is_blank_text(struct dec *d)
{
	const xmlChar *s = xmlTextReaderConstValue(d->r);

	return !s || !s[strspn((const char *)s, " \t\r\n")];
}

bool dec_root(struct dec *d)
{
	while (step(d))
		if (d->type == XML_READER_TYPE_ELEMENT)
			return true;
	dec_fail(d, 400, "request-not-well-formed", "there is no element");
	return false;
}

void dec_end(struct dec *d)
{
	while (step(d))
		;
}

struct el el_here(struct dec *d)
{
	return (struct el) {
		.depth = xmlTextReaderDepth(d->r),
		.empty = xmlTextReaderIsEmptyElement(d->r) == 1,
		.name = (const char *)xmlTextReaderConstLocalName(d->r),
	};
}

bool el_child(struct dec *d, const struct el *parent)
{
	if (parent->empty)
		return false;
	while (step(d)) {
		switch (d->type) {
		case XML_READER_TYPE_ELEMENT:
			return true;
		case XML_READER_TYPE_END_ELEMENT:
			if (xmlTextReaderDepth(d->r) == parent->depth)
				return false;
			break; /* of the child that was read */
		case XML_READER_TYPE_TEXT:
		case XML_READER_TYPE_CDATA:
			if (!is_blank_text(d))
				dec_invalid(d, "%s has text in it", parent->name);
			break;
		default:
			break;
		}
	}
	return false;
}

bool el_is(struct dec *d, const char *name)
{
	return !strcmp(d->name, name);
}

void el_unexpected(struct dec *d)
{
	dec_invalid(d, "element %.60s is not expected here", d->name);
}

static bool is_text(int type)
{
	return type == XML_READER_TYPE_TEXT || type == XML_READER_TYPE_CDATA ||
	       type == XML_READER_TYPE_SIGNIFICANT_WHITESPACE || type == XML_READER_TYPE_WHITESPACE;
}

const char *el_text(struct dec *d)
{
	CLEANUP(strbuf_done) struct strbuf more = STRBUF_INIT;
	struct el e = el_here(d);
	const char *text = NULL; /* the first piece, nearly always all of it */
	size_t len = 0;

	if (e.empty)
		return "";
	while (step(d)) {
		const char *piece;

		if (d->type == XML_READER_TYPE_END_ELEMENT)
			break;
		if (d->type == XML_READER_TYPE_ELEMENT)
			el_unexpected(d);
		if (!is_text(d->type))
			continue;
		piece = (const char *)xmlTextReaderConstValue(d->r);
		len += strlen(piece);
		if (len > CIMXML_MAX_TEXT_BYTES)
			dec_invalid(d, "the text of %s is too long", e.name);
		else if (!text)
			text = arena_strdup(d->a, piece);
		else
			strbuf_puts(&more, piece);
	}
	if (dec_failed(d) || !text)
		return "";
	return more.len ? arena_printf(d->a, "%s%s", text, strbuf_str(&more)) : text;
}

void el_skip(struct dec *d)
{
	struct el e = el_here(d);

	if (e.empty)
		return;
	while (step(d))
		if (d->type == XML_READER_TYPE_END_ELEMENT && xmlTextReaderDepth(d->r) == e.depth)
			return;
}

static char *value_of(struct dec *d, const xmlAttr *at)
{
	const xmlNode *text = at->children;
	xmlChar *joined;
	char *s;

	if (!text)
		return arena_strdup(d->a, "");
	if (text->type == XML_TEXT_NODE && !text->next && text->content)
		return arena_strdup(d->a, (const char *)text->content);
	joined = xmlNodeListGetString(at->doc, text, 1);
	s = arena_strdup(d->a, joined ? (const char *)joined : "");
	xmlFree(joined);
	return s;
}

/* Out of the reader's own node: the reader would make a copy of each first. */
const char *el_attr(struct dec *d, const char *name)
{
	const xmlNode *node = xmlTextReaderCurrentNode(d->r);

	for (const xmlAttr *at = node ? node->properties : NULL; at; at = at->next)
		if (!at->ns && !strcmp((const char *)at->name, name))
			return value_of(d, at);
	return NULL;
}

const char *el_need_attr(struct dec *d, const char *name)
{
	const char *s = el_attr(d, name);

	if (!s)
		dec_invalid(d, "%.60s has no attribute %s", d->name, name);
	return s ? s : "";
}

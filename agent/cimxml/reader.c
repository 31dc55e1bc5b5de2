// SPDX-License-Identifier: GPL-2.0-or-later
/* reader.c - see reader.h. */
#include "cimxml/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cimxml/tree.h"

static void open_failed(struct dec *d, enum xml_fault fault, int line)
{
	switch (fault) {
	case XML_FAULT_NONE:
		break;
	case XML_FAULT_NOT_WELL_FORMED:
		dec_fail(d, 400, "request-not-well-formed", "line %d: not well-formed XML", line);
		break;
	case XML_FAULT_DOCTYPE:
		dec_fail(d, 400, "request-not-well-formed", "DOCTYPE and entities are refused");
		break;
	case XML_FAULT_TOO_DEEP:
		dec_fail(d, 400, "request-not-loosely-valid",
			 "line %d: elements are nested more than %d deep", line, d->max_depth);
		break;
	case XML_FAULT_TAG:
		dec_fail(d, 400, "request-not-loosely-valid",
			 "line %d: a tag is too long, or says too much", line);
		break;
	case XML_FAULT_TOO_LARGE:
		dec_fail(d, 413, NULL, "the request is too large");
		break;
	case XML_FAULT_NO_MEMORY:
		dec_fail(d, 500, NULL, "no memory for the XML parser");
		break;
	}
}

bool dec_open(struct dec *d, const char *xml, size_t len)
{
	const struct xml_limits limits = { d->max_depth, CIMXML_MAX_ARENA_BYTES };
	enum xml_fault fault;
	int line;

	d->doc = xml_open(xml, len, &limits, d->a, &fault, &line);
	if (!d->doc) {
		open_failed(d, fault, line);
		return false;
	}
	d->at = xml_root(d->doc);
	return true;
}

void dec_close(struct dec *d)
{
	xml_close(d->doc);
	d->doc = NULL;
	d->at = NULL;
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
	dec_fail(d, 400, "request-not-loosely-valid", "line %d: %s", d->at->line, text);
}

struct el el_here(struct dec *d)
{
	return (struct el) { .node = d->at, .name = d->at->name, .next = d->at->children };
}

static bool is_blank(const char *s)
{
	return !s[strspn(s, " \t\r\n")];
}

bool el_child(struct dec *d, struct el *parent)
{
	d->at = parent->node;
	if (d->a->total_bytes > CIMXML_MAX_ARENA_BYTES)
		dec_fail(d, 413, NULL, "the request is too large");
	while (!dec_failed(d) && parent->next) {
		const struct xml_node *n = parent->next;

		parent->next = n->next;
		if (n->name) {
			d->at = n;
			return true;
		}
		if (!is_blank(n->text))
			dec_invalid(d, "%s has text in it", parent->name);
	}
	return false;
}

bool el_is(struct dec *d, const char *name)
{
	return !strcmp(d->at->name, name);
}

void el_unexpected(struct dec *d)
{
	dec_invalid(d, "element %.60s is not expected here", d->at->name);
}

const char *el_text(struct dec *d)
{
	const struct xml_node *text = d->at->children;

	for (const struct xml_node *n = text; n; n = n->next) {
		if (!n->name)
			continue;
		d->at = n;
		el_unexpected(d);
		return "";
	}
	if (!text)
		return "";
	if (strlen(text->text) > CIMXML_MAX_TEXT_BYTES)
		dec_invalid(d, "the text of %s is too long", d->at->name);
	return text->text;
}

const char *el_attr(struct dec *d, const char *name)
{
	for (const struct xml_attr *a = d->at->attrs; a; a = a->next)
		if (!strcmp(a->name, name))
			return a->value;
	return NULL;
}

const char *el_need_attr(struct dec *d, const char *name)
{
	const char *s = el_attr(d, name);

	if (!s)
		dec_invalid(d, "%.60s has no attribute %s", d->at->name, name);
	return s ? s : "";
}

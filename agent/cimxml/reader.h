// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * reader.h - walking the elements of a request with the caps of decode.h; used by decode*.c only.
 *
 *	struct el e = el_here(d);
 *	while (el_child(d, &e))
 *		if (el_is(d, "VALUE"))
 *			x = el_text(d);
 *		else
 *			el_unexpected(d);
 *
 * The first error sticks and makes el_child() return false everywhere, so nobody tests for it
 * before the end.
 */
#ifndef CIMXML_READER_H
#define CIMXML_READER_H

#include "cimxml/decode.h"

struct xml_doc;
struct xml_node;

struct dec {
	struct xml_doc *doc;
	const struct xml_node *at; /* the element that is being read */
	struct arena *a;
	struct cimxml_refusal *refusal;
	int max_depth; /* of elements */
	int embedding;
	const char *holder; /* name of the parameter or property whose value is being read */
	const char **bad_value; /* the first value that is none gets its sentence in here */
};

struct el {
	const struct xml_node *node;
	const struct xml_node *next; /* of what is in it */
	const char *name;
};

/* On the root element; false: refused. Close it in any case. */
bool dec_open(struct dec *d, const char *xml, size_t len);
void dec_close(struct dec *d);
bool dec_failed(const struct dec *d);
void dec_fail(struct dec *d, int http, const char *cimerror, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* A violation of the DTD. */
void dec_invalid(struct dec *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

struct el el_here(struct dec *d);
bool el_child(struct dec *d, struct el *parent);
bool el_is(struct dec *d, const char *name);
void el_unexpected(struct dec *d);
/* Text of an element without children. Never NULL. */
const char *el_text(struct dec *d);
/* NULL: not there. */
const char *el_attr(struct dec *d, const char *name);
/* A violation if not there; never NULL. */
const char *el_need_attr(struct dec *d, const char *name);

/* ---- decode-value.c: the elements that stand for values; the reader is on their start ---- */
/* INSTANCENAME LOCALINSTANCEPATH INSTANCEPATH CLASSNAME LOCALCLASSPATH CLASSPATH; never NULL, but
 * only good without error. Class forms have no keys.
 */
struct cim_path *dec_path(struct dec *d);
bool dec_is_path(struct dec *d);
const char *dec_namespace_path(struct dec *d); /* LOCALNAMESPACEPATH */
struct cim_inst *dec_instance(struct dec *d);
/* VALUE VALUE.ARRAY VALUE.REFERENCE VALUE.REFARRAY and, for embedded ones, INSTANCE. */
void dec_value(struct dec *d, bool embedded, struct cim_value *out);
bool dec_is_value(struct dec *d);

#endif

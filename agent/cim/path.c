// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * path.c - object paths: building, comparing, and the untyped text form. Everything is allocated
 * in the arena that the path belongs to.
 */
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "cim/cim.h"

#define MAX_KEYS  32
#define KEYS_STEP 4 /* there is room for so many at a time */

struct cim_path *cim_path_new(struct arena *a, const char *class)
{
	struct cim_path *p = arena_alloc(a, sizeof(*p));

	p->arena = a;
	p->class = arena_strdup(a, class);
	return p;
}

static struct cim_value *add_key(struct cim_path *p, const char *name, enum cim_type type)
{
	struct cim_key *k;

	if (p->n_keys % KEYS_STEP == 0) {
		k = arena_array(p->arena, p->n_keys + KEYS_STEP, sizeof(*k));
		if (p->n_keys)
			memcpy(k, p->keys, p->n_keys * sizeof(*k));
		p->keys = k;
	}
	k = &p->keys[p->n_keys++];
	k->name = arena_strdup(p->arena, name);
	k->val.type = type;
	return &k->val;
}

void cim_path_str(struct cim_path *p, const char *name, const char *value)
{
	add_key(p, name, CIM_STRING)->d.str = arena_strdup(p->arena, value ? value : "");
}

void cim_path_u64(struct cim_path *p, const char *name, uint64_t value)
{
	add_key(p, name, CIM_UINT64)->d.u = value;
}

void cim_path_bool(struct cim_path *p, const char *name, bool value)
{
	add_key(p, name, CIM_BOOLEAN)->d.b = value;
}

void cim_path_ref(struct cim_path *p, const char *name, const struct cim_path *value)
{
	add_key(p, name, CIM_REFERENCE)->d.ref = cim_path_dup(p->arena, value);
}

struct cim_path *cim_path_make(struct arena *a, const char *class, ...)
{
	struct cim_path *p = cim_path_new(a, class);
	const char *name;
	va_list ap;

	va_start(ap, class);
	while ((name = va_arg(ap, const char *)))
		cim_path_str(p, name, va_arg(ap, const char *));
	va_end(ap);
	return p;
}

const struct cim_value *cim_path_get(const struct cim_path *p, const char *name)
{
	for (size_t i = 0; i < p->n_keys; i++)
		if (!strcasecmp(p->keys[i].name, name))
			return &p->keys[i].val;
	return NULL;
}

const char *cim_path_key(const struct cim_path *p, const char *name)
{
	const struct cim_value *v = cim_path_get(p, name);

	return v && v->type == CIM_STRING ? v->d.str : NULL;
}

const struct cim_path *cim_path_key_ref(const struct cim_path *p, const char *name)
{
	const struct cim_value *v = cim_path_get(p, name);

	return v && v->type == CIM_REFERENCE ? v->d.ref : NULL;
}

static bool value_equal(const struct cim_value *a, const struct cim_value *b)
{
	CLEANUP(strbuf_done) struct strbuf x = STRBUF_INIT, y = STRBUF_INIT;

	if (a->type == CIM_REFERENCE || b->type == CIM_REFERENCE)
		return a->type == b->type && cim_path_equal(a->d.ref, b->d.ref);
	if (a->type == CIM_STRING && b->type == CIM_STRING)
		return !strcmp(a->d.str, b->d.str);
	cim_datum_print(&x, a->type, &a->d);
	cim_datum_print(&y, b->type, &b->d);
	return !strcmp(strbuf_str(&x), strbuf_str(&y));
}

bool cim_path_equal(const struct cim_path *a, const struct cim_path *b)
{
	if (a->n_keys != b->n_keys || strcasecmp(a->class, b->class))
		return false;
	for (size_t i = 0; i < a->n_keys; i++) {
		const struct cim_value *v;

		/* the same order is the usual case */
		if (!strcasecmp(a->keys[i].name, b->keys[i].name))
			v = &b->keys[i].val;
		else
			v = cim_path_get(b, a->keys[i].name);
		if (!v || !value_equal(&a->keys[i].val, v))
			return false;
	}
	return true;
}

struct cim_path *cim_path_dup(struct arena *a, const struct cim_path *p)
{
	struct cim_path *q;

	if (!p)
		return NULL;
	q = cim_path_new(a, p->class);
	q->host = arena_strdup(a, p->host);
	q->ns = arena_strdup(a, p->ns);
	for (size_t i = 0; i < p->n_keys; i++) {
		struct cim_value *v = add_key(q, p->keys[i].name, p->keys[i].val.type);

		*v = p->keys[i].val;
		if (v->type == CIM_STRING)
			v->d.str = arena_strdup(a, v->d.str);
		else if (v->type == CIM_REFERENCE)
			v->d.ref = cim_path_dup(a, v->d.ref);
	}
	return q;
}

struct cim_path *cim_path_share(struct arena *a, const struct cim_path *p)
{
	struct cim_path *q;

	if (!p)
		return NULL;
	q = arena_raw(a, sizeof(*q));
	*q = *p;
	q->arena = a;
	q->keys = arena_raw(a,
			    (p->n_keys + KEYS_STEP - 1) / KEYS_STEP * KEYS_STEP * sizeof(*q->keys));
	for (size_t i = 0; i < p->n_keys; i++) {
		struct cim_value *v = &q->keys[i].val;

		q->keys[i] = p->keys[i];
		if (v->type == CIM_REFERENCE)
			v->d.ref = cim_path_share(a, v->d.ref);
	}
	return q;
}

static void print_quoted(struct strbuf *b, const char *s)
{
	strbuf_putc(b, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			strbuf_putc(b, '\\');
		strbuf_putc(b, *s);
	}
	strbuf_putc(b, '"');
}

static void print_path(struct strbuf *b, const struct cim_path *p)
{
	if (p->host)
		strbuf_printf(b, "//%s/", p->host);
	if (p->ns)
		strbuf_printf(b, "%s:", p->ns);
	strbuf_puts(b, p->class);
	for (size_t i = 0; i < p->n_keys; i++) {
		const struct cim_value *v = &p->keys[i].val;

		strbuf_printf(b, "%c%s=", i ? ',' : '.', p->keys[i].name);
		if (v->type == CIM_REFERENCE) {
			CLEANUP(strbuf_done) struct strbuf inner = STRBUF_INIT;

			print_path(&inner, v->d.ref);
			print_quoted(b, strbuf_str(&inner));
		} else if (v->type == CIM_STRING || v->type == CIM_DATETIME ||
			   v->type == CIM_CHAR16) {
			CLEANUP(strbuf_done) struct strbuf inner = STRBUF_INIT;

			cim_datum_print(&inner, v->type, &v->d);
			print_quoted(b, strbuf_str(&inner));
		} else {
			cim_datum_print(b, v->type, &v->d);
		}
	}
}

const char *cim_path_print(struct arena *a, const struct cim_path *p)
{
	CLEANUP(strbuf_done) struct strbuf b = STRBUF_INIT;

	print_path(&b, p);
	return arena_strndup(a, strbuf_str(&b), b.len);
}

static bool is_name_char(char c, bool first)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
	       (!first && c >= '0' && c <= '9');
}

/* A CIM name at *s; moves *s behind it. NULL: there is none. */
static const char *take_name(struct arena *a, const char **s)
{
	const char *from = *s;

	if (!is_name_char(*from, true))
		return NULL;
	while (is_name_char(**s, false))
		(*s)++;
	return arena_strndup(a, from, (size_t)(*s - from));
}

/* A quoted string at *s (on the opening quote), unescaped. */
static const char *take_quoted(struct arena *a, const char **s)
{
	char *out = arena_alloc(a, strlen(*s) + 1);
	size_t n = 0;

	for ((*s)++; **s != '"'; (*s)++) {
		if (**s == '\\')
			(*s)++;
		if (!**s)
			return NULL;
		out[n++] = **s;
	}
	(*s)++;
	return out;
}

static bool take_key_value(struct cim_path *p, const char *name, const char **s)
{
	struct cim_datum d;
	const char *text;
	size_t len;

	if (**s == '"') {
		text = take_quoted(p->arena, s);
		if (!text)
			return false;
		cim_path_str(p, name, text);
		return true;
	}
	len = strcspn(*s, ",");
	text = arena_strndup(p->arena, *s, len);
	*s += len;
	if (!cim_datum_parse(p->arena, CIM_BOOLEAN, text, &d)) {
		cim_path_bool(p, name, d.b);
		return true;
	}
	if (!cim_datum_parse(p->arena, CIM_UINT64, text, &d)) {
		cim_path_u64(p, name, d.u);
		return true;
	}
	if (!cim_datum_parse(p->arena, CIM_SINT64, text, &d)) {
		add_key(p, name, CIM_SINT64)->d.i = d.i;
		return true;
	}
	return false;
}

/* [scheme:][//host/][ns:] at *s; leaves *s on the class name. A scheme is one only before a slash:
 * "http:C" is a class in the namespace http.
 */
static void take_model(struct arena *a, const char **s, const char **host, const char **ns)
{
	const char *end, *colon;

	if (!strncasecmp(*s, "http:/", 6))
		*s += 5;
	else if (!strncasecmp(*s, "https:/", 7))
		*s += 6;
	if (!strncmp(*s, "//", 2)) {
		*s += 2;
		end = *s + strcspn(*s, "/");
		*host = arena_strndup(a, *s, (size_t)(end - *s));
		*s = end;
	}
	if (**s == '/')
		(*s)++;
	end = *s + strcspn(*s, ".\"=");
	colon = memchr(*s, ':', (size_t)(end - *s));
	if (colon) {
		*ns = arena_strndup(a, *s, (size_t)(colon - *s));
		*s = colon + 1;
	}
}

struct cim_path *cim_path_parse(struct arena *a, const char *text)
{
	const char *host = NULL, *ns = NULL, *class, *s = text;
	struct cim_path *p;

	take_model(a, &s, &host, &ns);
	class = take_name(a, &s);
	if (!class)
		return NULL;
	p = cim_path_new(a, class);
	p->host = host;
	p->ns = ns;
	if (!*s)
		return p;
	for (char sep = '.'; *s; sep = ',') {
		const char *name;

		if (*s++ != sep || p->n_keys == MAX_KEYS)
			return NULL;
		name = take_name(a, &s);
		if (!name || *s++ != '=' || cim_path_get(p, name) || !take_key_value(p, name, &s))
			return NULL;
	}
	return p;
}

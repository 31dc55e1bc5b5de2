// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * decode-value.c - values, paths and instances of a request. Types are left as received: the
 * broker knows the schema.
 */
#include <string.h>
#include <strings.h>

#include "base/vec.h"
#include "cim/class.h"
#include "cimxml/reader.h"

/* ---- namespaces ---- */

const char *dec_namespace_path(struct dec *d)
{
	struct el e = el_here(d);
	const char *path = NULL;

	while (el_child(d, &e)) {
		if (el_is(d, "NAMESPACE")) {
			const char *name = el_need_attr(d, "NAME");

			path = path ? arena_printf(d->a, "%s/%s", path, name) : name;
			if (strlen(path) > 1024)
				dec_invalid(d, "the namespace is too long");
		} else {
			el_unexpected(d);
		}
	}
	if (!path)
		dec_invalid(d, "%s is empty", e.name);
	return path;
}

/* NAMESPACEPATH: host and namespace. */
static void namespace_path(struct dec *d, const char **host, const char **ns)
{
	struct el e = el_here(d);

	while (el_child(d, &e)) {
		if (el_is(d, "HOST"))
			*host = el_text(d);
		else if (el_is(d, "LOCALNAMESPACEPATH"))
			*ns = dec_namespace_path(d);
		else
			el_unexpected(d);
	}
}

/* ---- object paths ---- */

static struct cim_path *value_reference(struct dec *d)
{
	struct el e = el_here(d);
	struct cim_path *p = NULL;

	while (el_child(d, &e)) {
		if (!p && dec_is_path(d))
			p = dec_path(d);
		else
			el_unexpected(d);
	}
	if (!p) {
		dec_invalid(d, "VALUE.REFERENCE is empty");
		p = cim_path_new(d->a, "");
	}
	return p;
}

/* KEYVALUE or VALUE.REFERENCE under a name; the text is kept as a string. */
static void key_value(struct dec *d, struct cim_path *p, const char *name)
{
	if (p->n_keys >= CIMXML_MAX_KEYS)
		dec_invalid(d, "too many keys");
	else if (el_is(d, "KEYVALUE"))
		cim_path_str(p, name, el_text(d));
	else if (el_is(d, "VALUE.REFERENCE"))
		cim_path_ref(p, name, value_reference(d));
	else
		el_unexpected(d);
}

static void key_binding(struct dec *d, struct cim_path *p)
{
	const char *name = el_need_attr(d, "NAME");
	struct el e = el_here(d);
	size_t before = p->n_keys;

	while (el_child(d, &e))
		key_value(d, p, name);
	if (p->n_keys != before + 1)
		dec_invalid(d, "KEYBINDING %.60s has not one value", name);
}

static struct cim_path *instance_name(struct dec *d)
{
	struct cim_path *p = cim_path_new(d->a, el_need_attr(d, "CLASSNAME"));
	struct el e = el_here(d);

	while (el_child(d, &e)) {
		if (el_is(d, "KEYBINDING"))
			key_binding(d, p);
		else if (p->n_keys == 0)
			key_value(d, p, "");
		else
			el_unexpected(d);
	}
	return p;
}

static struct cim_path *class_name(struct dec *d)
{
	return cim_path_new(d->a, el_need_attr(d, "NAME"));
}

/* The forms with a namespace around a name. */
static struct cim_path *located_path(struct dec *d)
{
	const char *host = NULL, *ns = NULL;
	struct el e = el_here(d);
	struct cim_path *p = NULL;

	while (el_child(d, &e)) {
		if (el_is(d, "NAMESPACEPATH"))
			namespace_path(d, &host, &ns);
		else if (el_is(d, "LOCALNAMESPACEPATH"))
			ns = dec_namespace_path(d);
		else if (el_is(d, "INSTANCENAME"))
			p = instance_name(d);
		else if (el_is(d, "CLASSNAME"))
			p = class_name(d);
		else
			el_unexpected(d);
	}
	if (!p) {
		dec_invalid(d, "%s names no object", e.name);
		p = cim_path_new(d->a, "");
	}
	p->host = host;
	p->ns = ns;
	return p;
}

bool dec_is_path(struct dec *d)
{
	return el_is(d, "INSTANCENAME") || el_is(d, "LOCALINSTANCEPATH") ||
	       el_is(d, "INSTANCEPATH") || el_is(d, "CLASSNAME") || el_is(d, "LOCALCLASSPATH") ||
	       el_is(d, "CLASSPATH");
}

struct cim_path *dec_path(struct dec *d)
{
	if (el_is(d, "INSTANCENAME"))
		return instance_name(d);
	if (el_is(d, "CLASSNAME"))
		return class_name(d);
	return located_path(d);
}

/* ---- values ---- */

/* The request is well-formed all the same: its answer is a CIM error, unless a limit is reached. */
static void embedded_bad(struct dec *d, const struct cimxml_refusal *why)
{
	if (why->http != 400)
		dec_fail(d, why->http, why->cimerror, "%s", why->why);
	else if (!*d->bad_value)
		*d->bad_value = arena_printf(d->a, "%.100s is no instance: %s",
					     d->holder ? d->holder : "a value", why->why);
}

static struct cim_inst *embedded(struct dec *d, const char *xml)
{
	struct cimxml_refusal refusal = { 0 };
	struct dec inner = { .a = d->a,
			     .refusal = &refusal,
			     .max_depth = d->max_depth,
			     .embedding = d->embedding + 1,
			     .bad_value = d->bad_value };
	struct cim_inst *i = NULL;

	if (inner.embedding > CIMXML_MAX_EMBEDDING) {
		dec_fail(&inner, 400, NULL, "instances are embedded too deeply");
	} else if (dec_open(&inner, xml, strlen(xml))) {
		if (el_is(&inner, "INSTANCE"))
			i = dec_instance(&inner);
		else
			dec_invalid(&inner, "the embedded object is no INSTANCE");
	}
	dec_close(&inner);
	if (refusal.http)
		embedded_bad(d, &refusal);
	return i;
}

static void scalar(struct dec *d, bool is_embedded, struct cim_value *out, struct cim_datum *datum)
{
	if (el_is(d, "VALUE.REFERENCE")) {
		out->type = CIM_REFERENCE;
		datum->ref = value_reference(d);
	} else if (el_is(d, "INSTANCE")) {
		out->type = CIM_INSTANCE;
		datum->inst = dec_instance(d);
	} else if (el_is(d, "VALUE.NULL")) {
		datum->null = true;
	} else if (el_is(d, "VALUE")) {
		const char *text = el_text(d);

		out->type = is_embedded ? CIM_INSTANCE : CIM_STRING;
		if (is_embedded)
			datum->inst = dec_failed(d) ? NULL : embedded(d, text);
		else
			datum->str = text;
	} else {
		el_unexpected(d);
	}
}

static void array(struct dec *d, bool is_embedded, struct cim_value *out)
{
	VEC(struct cim_datum) items = VEC_INIT;
	struct el e = el_here(d);

	out->array = true;
	out->type = CIM_STRING;
	while (el_child(d, &e)) {
		struct cim_datum datum = { 0 };

		scalar(d, is_embedded, out, &datum);
		if (items.n >= CIMXML_MAX_LIST)
			dec_invalid(d, "too many elements in %s", e.name);
		else
			vec_push(&items, datum);
	}
	out->n = items.n;
	out->v = arena_array(d->a, items.n, sizeof(*out->v));
	if (items.n)
		memcpy(out->v, items.v, items.n * sizeof(*out->v));
	vec_done(&items);
}

bool dec_is_value(struct dec *d)
{
	return el_is(d, "VALUE") || el_is(d, "VALUE.ARRAY") || el_is(d, "VALUE.REFERENCE") ||
	       el_is(d, "VALUE.REFARRAY") || el_is(d, "INSTANCE");
}

void dec_value(struct dec *d, bool is_embedded, struct cim_value *out)
{
	memset(out, 0, sizeof(*out));
	if (el_is(d, "VALUE.REFARRAY") || el_is(d, "VALUE.ARRAY")) {
		array(d, is_embedded, out);
		return;
	}
	scalar(d, is_embedded, out, &out->d);
}

/* ---- instances ---- */

static void property(struct dec *d, struct cim_prop *out)
{
	bool is_embedded = el_attr(d, "EmbeddedObject") || el_attr(d, "EMBEDDEDOBJECT");
	const char *type = el_attr(d, "TYPE");
	bool is_array = el_is(d, "PROPERTY.ARRAY");
	struct el e = el_here(d);

	memset(out, 0, sizeof(*out));
	out->name = el_need_attr(d, "NAME");
	out->val.null = true;
	out->val.array = is_array;
	d->holder = out->name;
	while (el_child(d, &e)) {
		if (el_is(d, "QUALIFIER"))
			continue;
		if (out->val.null && dec_is_value(d))
			dec_value(d, is_embedded, &out->val);
		else
			el_unexpected(d);
	}
	out->val.claimed = type ? cim_type_parse(type) : CIM_NONE;
	if (type && out->val.claimed == CIM_NONE)
		dec_invalid(d, "TYPE %.60s of %.60s is no type", type, out->name);
}

struct cim_inst *dec_instance(struct dec *d)
{
	const char *class = el_need_attr(d, "CLASSNAME");
	VEC(struct cim_prop) props = VEC_INIT;
	struct el e = el_here(d);
	struct cim_inst *i;

	while (el_child(d, &e)) {
		struct cim_prop p;

		if (el_is(d, "QUALIFIER"))
			continue;
		if (el_is(d, "PROPERTY") || el_is(d, "PROPERTY.ARRAY") ||
		    el_is(d, "PROPERTY.REFERENCE")) {
			property(d, &p);
			vec_push(&props, p);
			if (props.n > CIMXML_MAX_LIST)
				dec_invalid(d, "too many properties");
		} else {
			el_unexpected(d);
		}
	}
	i = cim_inst_named(d->a, class, props.n);
	i->n_props = props.n;
	if (props.n)
		memcpy(i->props, props.v, props.n * sizeof(*i->props));
	vec_done(&props);
	return i;
}

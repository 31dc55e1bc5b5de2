// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * write.c - values, paths, instances. Each element in one function; tags are always written as
 * start and end, some clients know no empty ones.
 */
#include "cimxml/write.h"

#include <string.h>

#include "base/cleanup.h"

static inline void attr(struct strbuf *b, const char *name, const char *value)
{
	strbuf_putc(b, ' ');
	strbuf_puts(b, name);
	strbuf_puts(b, "=\"");
	strbuf_xml(b, value);
	strbuf_putc(b, '"');
}

/* ---- paths ---- */

static void value_reference(struct strbuf *b, const struct cim_path *p)
{
	strbuf_puts(b, "<VALUE.REFERENCE>");
	if (p->ns)
		xml_instance_path(b, p, p->host);
	else
		xml_instance_name(b, p);
	strbuf_puts(b, "</VALUE.REFERENCE>");
}

/* DSP0201 wants TYPE since 2.4; wbemcli 1.6.3 does not mind it. */
static void key_value_begin(struct strbuf *b, const char *kind, enum cim_type type)
{
	strbuf_puts(b, "<KEYVALUE VALUETYPE=\"");
	strbuf_puts(b, kind);
	strbuf_puts(b, "\" TYPE=\"");
	strbuf_puts(b, cim_type_name(type));
	strbuf_puts(b, "\">");
}

static void key_value(struct strbuf *b, const struct cim_value *v)
{
	if (v->type == CIM_REFERENCE) {
		value_reference(b, v->d.ref);
		return;
	}
	if (v->type == CIM_STRING) {
		strbuf_puts(b, "<KEYVALUE VALUETYPE=\"string\" TYPE=\"string\">");
		strbuf_xml(b, v->d.str ? v->d.str : "");
	} else {
		CLEANUP(strbuf_done) struct strbuf text = STRBUF_INIT;

		if (v->type == CIM_BOOLEAN)
			key_value_begin(b, "boolean", v->type);
		else if (v->type == CIM_NONE)
			key_value_begin(b, "string", CIM_STRING);
		else if (v->type == CIM_DATETIME || v->type == CIM_CHAR16)
			key_value_begin(b, "string", v->type);
		else
			key_value_begin(b, "numeric", v->type);
		cim_datum_print(&text, v->type, &v->d);
		strbuf_xml(b, strbuf_str(&text));
	}
	strbuf_puts(b, "</KEYVALUE>");
}

void xml_instance_name(struct strbuf *b, const struct cim_path *p)
{
	strbuf_puts(b, "<INSTANCENAME");
	attr(b, "CLASSNAME", p->class);
	strbuf_putc(b, '>');
	for (size_t i = 0; i < p->n_keys; i++) {
		strbuf_puts(b, "<KEYBINDING");
		attr(b, "NAME", p->keys[i].name);
		strbuf_putc(b, '>');
		key_value(b, &p->keys[i].val);
		strbuf_puts(b, "</KEYBINDING>");
	}
	strbuf_puts(b, "</INSTANCENAME>");
}

void xml_instance_name_of(struct strbuf *b, const struct cim_path *p, const char *host)
{
	(void)host;
	xml_instance_name(b, p);
}

static void local_namespace_path(struct strbuf *b, const char *ns)
{
	strbuf_puts(b, "<LOCALNAMESPACEPATH>");
	while (*ns) {
		size_t len = strcspn(ns, "/");

		/* our own namespaces: nothing to escape */
		strbuf_puts(b, "<NAMESPACE NAME=\"");
		strbuf_add(b, ns, len);
		strbuf_puts(b, "\"></NAMESPACE>");
		ns += len;
		if (*ns)
			ns++;
	}
	strbuf_puts(b, "</LOCALNAMESPACEPATH>");
}

static void namespace_path(struct strbuf *b, const char *ns, const char *host)
{
	strbuf_puts(b, "<NAMESPACEPATH><HOST>");
	strbuf_xml(b, host);
	strbuf_puts(b, "</HOST>");
	local_namespace_path(b, ns);
	strbuf_puts(b, "</NAMESPACEPATH>");
}

void xml_instance_path(struct strbuf *b, const struct cim_path *p, const char *host)
{
	strbuf_puts(b, host ? "<INSTANCEPATH>" : "<LOCALINSTANCEPATH>");
	if (host)
		namespace_path(b, p->ns, host);
	else
		local_namespace_path(b, p->ns);
	xml_instance_name(b, p);
	strbuf_puts(b, host ? "</INSTANCEPATH>" : "</LOCALINSTANCEPATH>");
}

void xml_class_path(struct strbuf *b, const char *class, const char *ns, const char *host)
{
	strbuf_puts(b, "<CLASSPATH>");
	namespace_path(b, ns, host);
	strbuf_puts(b, "<CLASSNAME");
	attr(b, "NAME", class);
	strbuf_puts(b, "></CLASSNAME></CLASSPATH>");
}

/* ---- values ---- */

static void small_uint(struct strbuf *b, uint64_t v)
{
	char text[] = "<VALUE>0</VALUE>";

	text[sizeof("<VALUE>") - 1] = (char)('0' + v);
	strbuf_add(b, text, sizeof(text) - 1);
}

/* What is written by way of another text: embedded instances twice escaped, and the like. */
static void scalar_inner(struct strbuf *b, enum cim_type t, const struct cim_datum *d)
{
	CLEANUP(strbuf_done) struct strbuf inner = STRBUF_INIT;

	if (t == CIM_INSTANCE)
		xml_instance(&inner, d->inst, NULL, NULL);
	else
		cim_datum_print(&inner, t, d);
	strbuf_xml(b, strbuf_str(&inner));
}

static void scalar(struct strbuf *b, enum cim_type t, const struct cim_datum *d)
{
	if (t == CIM_REFERENCE) {
		value_reference(b, d->ref);
		return;
	}
	/* half of all values */
	if (t == CIM_BOOLEAN) {
		strbuf_puts(b, d->b ? "<VALUE>TRUE</VALUE>" : "<VALUE>FALSE</VALUE>");
		return;
	}
	if (cim_type_is_uint(t) && d->u < 10) {
		small_uint(b, d->u);
		return;
	}
	strbuf_puts(b, "<VALUE>");
	if (t == CIM_STRING)
		strbuf_xml(b, d->str ? d->str : "");
	else if (t == CIM_INSTANCE || t == CIM_CHAR16)
		scalar_inner(b, t, d);
	else
		cim_datum_print(b, t, d);
	strbuf_puts(b, "</VALUE>");
}

void xml_value(struct strbuf *b, const struct cim_value *v)
{
	bool refs = v->type == CIM_REFERENCE;

	if (v->null)
		return;
	if (!v->array) {
		scalar(b, v->type, &v->d);
		return;
	}
	strbuf_puts(b, refs ? "<VALUE.REFARRAY>" : "<VALUE.ARRAY>");
	for (size_t i = 0; i < v->n; i++) {
		if (v->v[i].null)
			strbuf_puts(b, "<VALUE.NULL></VALUE.NULL>");
		else
			scalar(b, v->type, &v->v[i]);
	}
	strbuf_puts(b, refs ? "</VALUE.REFARRAY>" : "</VALUE.ARRAY>");
}

/* ---- instances ---- */

/* DSP0201 has no property that is an array of references (parameters of methods may be, and a
 * job's MethodParameters holds those): object paths as strings then.
 */
static void path_strings(struct strbuf *b, const struct cim_prop *p)
{
	struct arena a = ARENA_INIT;

	strbuf_puts(b, "<PROPERTY.ARRAY");
	attr(b, "NAME", p->name);
	attr(b, "TYPE", "string");
	strbuf_puts(b, p->val.null ? ">" : "><VALUE.ARRAY>");
	for (size_t i = 0; !p->val.null && i < p->val.n; i++) {
		strbuf_puts(b, "<VALUE>");
		if (!p->val.v[i].null)
			strbuf_xml(b, cim_path_print(&a, p->val.v[i].ref));
		strbuf_puts(b, "</VALUE>");
	}
	strbuf_puts(b, p->val.null ? "</PROPERTY.ARRAY>" : "</VALUE.ARRAY></PROPERTY.ARRAY>");
	arena_done(&a);
}

/* What is copied next of the text of a class: an instance is that text with values put in. */
struct run {
	const char *at;
	size_t len;
};

static inline void run_add(struct strbuf *b, struct run *r, const char *at, size_t len)
{
	if (r->at + r->len != at) {
		strbuf_add(b, r->at, r->len);
		*r = (struct run) { at, 0 };
	}
	r->len += len;
}

static inline void run_end(struct strbuf *b, struct run *r)
{
	strbuf_add(b, r->at, r->len);
	*r = (struct run) { r->at + r->len, 0 };
}

static inline void known_property(struct strbuf *b, const struct cim_prop *p,
				  const struct cim_class_prop *decl, const struct cim_ns *origin,
				  struct run *r)
{
	bool attrs = origin || p->val.type == CIM_INSTANCE;

	if (p->val.null && !attrs) {
		run_add(b, r, decl->element, decl->element_len);
		return;
	}
	run_add(b, r, decl->element, decl->open_len - attrs);
	run_end(b, r);
	if (origin)
		attr(b, "CLASSORIGIN", repo_name(decl->origin, origin));
	if (p->val.type == CIM_INSTANCE)
		attr(b, "EmbeddedObject", *decl->decl->embedded ? "instance" : "object");
	if (attrs)
		run_add(b, r, decl->element + decl->open_len - 1, 1);
	run_end(b, r);
	xml_value(b, &p->val);
	run_add(b, r, decl->element + decl->open_len, (size_t)(decl->element_len - decl->open_len));
}

static void property(struct strbuf *b, const struct cim_prop *p, const struct cim_class_prop *decl,
		     const struct cim_ns *origin)
{
	const char *tag = "PROPERTY";

	if (p->val.type == CIM_REFERENCE && p->val.array) {
		path_strings(b, p);
		return;
	}
	if (p->val.type == CIM_REFERENCE)
		tag = "PROPERTY.REFERENCE";
	else if (p->val.array)
		tag = "PROPERTY.ARRAY";
	strbuf_putc(b, '<');
	strbuf_puts(b, tag);
	attr(b, "NAME", p->name);
	if (p->val.type != CIM_REFERENCE)
		attr(b, "TYPE", cim_type_name(p->val.type));
	else if (!p->val.null)
		attr(b, "REFERENCECLASS", p->val.d.ref->class);
	if (origin && decl)
		attr(b, "CLASSORIGIN", repo_name(decl->origin, origin));
	if (p->val.type == CIM_INSTANCE)
		attr(b, "EmbeddedObject", "instance");
	strbuf_putc(b, '>');
	xml_value(b, &p->val);
	strbuf_puts(b, "</");
	strbuf_puts(b, tag);
	strbuf_putc(b, '>');
}

void xml_instance(struct strbuf *b, const struct cim_inst *i, const bool *mask,
		  const struct cim_ns *origin)
{
	struct run r = { "", 0 };

	strbuf_puts(b, "<INSTANCE");
	attr(b, "CLASSNAME", i->class);
	strbuf_putc(b, '>');
	for (size_t k = 0; k < i->n_props; k++) {
		const struct cim_class_prop *decl = i->cls ? &i->cls->props[k] : NULL;

		if (mask && !mask[k])
			continue;
		if (decl && decl->element) {
			known_property(b, &i->props[k], decl, origin, &r);
			continue;
		}
		run_end(b, &r);
		property(b, &i->props[k], decl, origin);
	}
	run_end(b, &r);
	strbuf_puts(b, "</INSTANCE>");
}

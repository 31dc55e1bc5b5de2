// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * write-class.c - class and qualifier declarations.
 */
#include <string.h>
#include <strings.h>

#include "cim/class.h"
#include "cimxml/write.h"

/* Names of the schema and of types have nothing to escape. */
static inline void attr(struct strbuf *b, const char *name, const char *value)
{
	strbuf_putc(b, ' ');
	strbuf_puts(b, name);
	strbuf_puts(b, "=\"");
	strbuf_puts(b, value);
	strbuf_putc(b, '"');
}

/* Class names in qualifier values and REFs have the prefix of the namespace. */
static void named(struct strbuf *b, const struct cim_ns *ns, const char *text)
{
	struct arena a = ARENA_INIT;

	if (!ns->prefix) {
		strbuf_xml(b, text);
		return;
	}
	strbuf_xml(b, repo_name_out(&a, ns, text));
	arena_done(&a);
}

static void ref_class(struct strbuf *b, const struct cim_ns *ns, const char *name)
{
	strbuf_puts(b, " REFERENCECLASS=\"");
	named(b, ns, name);
	strbuf_putc(b, '"');
}

/* By cim_qual_flavor: what the declaration says otherwise than the defaults of the DTD. */
static const char *const flavor_attrs[] = {
	"",
	" OVERRIDABLE=\"false\"",
	" TOSUBCLASS=\"false\"",
	" OVERRIDABLE=\"false\" TOSUBCLASS=\"false\"",
	" TRANSLATABLE=\"true\"",
	" OVERRIDABLE=\"false\" TRANSLATABLE=\"true\"",
	" TOSUBCLASS=\"false\" TRANSLATABLE=\"true\"",
	" OVERRIDABLE=\"false\" TOSUBCLASS=\"false\" TRANSLATABLE=\"true\"",
};

static void qualifier(struct strbuf *b, const struct cim_qual_decl *q, bool propagated,
		      const struct cim_ns *ns)
{
	strbuf_puts(b, "<QUALIFIER");
	attr(b, "NAME", q->name);
	attr(b, "TYPE", cim_type_name(q->type));
	if (propagated)
		attr(b, "PROPAGATED", "true");
	strbuf_puts(b, flavor_attrs[q->flavors]);
	strbuf_putc(b, '>');
	if (q->array)
		strbuf_puts(b, "<VALUE.ARRAY>");
	for (unsigned int i = 0; i < q->n; i++) {
		strbuf_puts(b, "<VALUE>");
		named(b, ns, q->vals[i] ? q->vals[i] : "");
		strbuf_puts(b, "</VALUE>");
	}
	if (q->array)
		strbuf_puts(b, "</VALUE.ARRAY>");
	strbuf_puts(b, "</QUALIFIER>");
}

/* With local_only those that were inherited are left out. */
static void qualifiers(struct strbuf *b, const struct cim_quals *q, const struct cim_ns *ns,
		       const struct cim_request *req)
{
	for (unsigned int i = 0; req->quals && i < q->n; i++)
		if (i < q->n_own || !req->local_only)
			qualifier(b, q->v[i], i >= q->n_own, ns);
}

static void param_qualifiers(struct strbuf *b, const struct cim_param_decl *p,
			     const struct cim_ns *ns, const struct cim_request *req)
{
	for (unsigned int i = 0; req->quals && i < p->n_quals; i++)
		qualifier(b, &p->quals[i], false, ns);
}

static void origin(struct strbuf *b, const struct cim_class *cls, bool own, const struct cim_ns *ns,
		   const struct cim_request *req)
{
	if (req->class_origin)
		attr(b, "CLASSORIGIN", repo_name(cls, ns));
	if (!own)
		attr(b, "PROPAGATED", "true");
}

static void dflt(struct strbuf *b, const struct cim_prop_decl *d)
{
	const char *s = d->dflt;

	if (!s)
		return;
	if (d->array)
		strbuf_puts(b, "<VALUE.ARRAY>");
	do {
		size_t len = d->array ? strcspn(s, "\n") : strlen(s);
		struct arena a = ARENA_INIT;

		if (len || !d->array) {
			strbuf_puts(b, "<VALUE>");
			strbuf_xml(b, arena_strndup(&a, s, len));
			strbuf_puts(b, "</VALUE>");
		}
		arena_done(&a);
		s += len;
	} while (*s++);
	if (d->array)
		strbuf_puts(b, "</VALUE.ARRAY>");
}

static void property(struct strbuf *b, const struct cim_class_prop *p, const struct cim_ns *ns,
		     const struct cim_request *req)
{
	const struct cim_prop_decl *d = p->decl;
	const char *tag = d->type == CIM_REFERENCE ? "PROPERTY.REFERENCE"
			  : d->array		   ? "PROPERTY.ARRAY"
						   : "PROPERTY";

	strbuf_putc(b, '<');
	strbuf_puts(b, tag);
	attr(b, "NAME", d->name);
	if (d->type == CIM_REFERENCE)
		ref_class(b, ns, d->ref_class);
	else
		attr(b, "TYPE", cim_type_name(d->type));
	origin(b, p->origin, p->own, ns, req);
	if (d->embedded)
		attr(b, "EmbeddedObject", *d->embedded ? "instance" : "object");
	strbuf_putc(b, '>');
	qualifiers(b, &p->quals, ns, req);
	dflt(b, d);
	strbuf_puts(b, "</");
	strbuf_puts(b, tag);
	strbuf_putc(b, '>');
}

static void parameter(struct strbuf *b, const struct cim_param_decl *p, const struct cim_ns *ns,
		      const struct cim_request *req)
{
	static const char *const tags[2][2] = {
		{ "PARAMETER", "PARAMETER.ARRAY" },
		{ "PARAMETER.REFERENCE", "PARAMETER.REFARRAY" },
	};
	const char *tag = tags[p->type == CIM_REFERENCE][p->array];

	strbuf_putc(b, '<');
	strbuf_puts(b, tag);
	attr(b, "NAME", p->name);
	if (p->type == CIM_REFERENCE)
		ref_class(b, ns, p->ref_class);
	else
		attr(b, "TYPE", cim_type_name(p->type));
	strbuf_putc(b, '>');
	param_qualifiers(b, p, ns, req);
	strbuf_puts(b, "</");
	strbuf_puts(b, tag);
	strbuf_putc(b, '>');
}

static void method(struct strbuf *b, const struct cim_class_method *m, const struct cim_ns *ns,
		   const struct cim_request *req)
{
	const struct cim_method_decl *d = m->decl;

	strbuf_puts(b, "<METHOD");
	attr(b, "NAME", d->name);
	attr(b, "TYPE", cim_type_name(d->type));
	origin(b, m->origin, m->own, ns, req);
	strbuf_putc(b, '>');
	qualifiers(b, &m->quals, ns, req);
	for (unsigned int i = 0; i < d->n_params; i++)
		parameter(b, &d->params[i], ns, req);
	strbuf_puts(b, "</METHOD>");
}

static bool wanted(const struct cim_request *req, const char *name)
{
	if (!req->has_props)
		return true;
	for (size_t i = 0; i < req->n_props; i++)
		if (!strcasecmp(req->props[i], name))
			return true;
	return false;
}

void xml_class(struct strbuf *b, const struct cim_class *cls, const struct cim_ns *ns,
	       const struct cim_request *req)
{
	strbuf_puts(b, "<CLASS");
	attr(b, "NAME", repo_name(cls, ns));
	if (cls->super)
		attr(b, "SUPERCLASS", repo_name(cls->super, ns));
	strbuf_putc(b, '>');
	qualifiers(b, &cls->quals, ns, req);
	for (unsigned int i = 0; i < cls->n_props; i++)
		if ((cls->props[i].own || !req->local_only) &&
		    wanted(req, cls->props[i].decl->name))
			property(b, &cls->props[i], ns, req);
	for (unsigned int i = 0; i < cls->n_methods; i++)
		if (cls->methods[i].own || !req->local_only)
			method(b, &cls->methods[i], ns, req);
	strbuf_puts(b, "</CLASS>");
}

void xml_qualtype(struct strbuf *b, const struct cim_qualtype_decl *q)
{
	char scopes[128], *save = NULL, *s;

	strbuf_puts(b, "<QUALIFIER.DECLARATION");
	attr(b, "NAME", q->name);
	attr(b, "TYPE", cim_type_name(q->type));
	attr(b, "ISARRAY", q->array ? "true" : "false");
	attr(b, "OVERRIDABLE", q->overridable ? "true" : "false");
	attr(b, "TOSUBCLASS", q->tosubclass ? "true" : "false");
	attr(b, "TRANSLATABLE", q->translatable ? "true" : "false");
	strbuf_puts(b, "><SCOPE");
	strncpy(scopes, q->scopes, sizeof(scopes) - 1);
	scopes[sizeof(scopes) - 1] = '\0';
	if (!strcmp(scopes, "ANY"))
		strcpy(scopes, "CLASS ASSOCIATION REFERENCE PROPERTY METHOD PARAMETER INDICATION");
	for (s = strtok_r(scopes, " ", &save); s; s = strtok_r(NULL, " ", &save))
		attr(b, s, "true");
	strbuf_puts(b, "></SCOPE>");
	if (q->dflt) {
		strbuf_puts(b, q->array ? "<VALUE.ARRAY><VALUE>" : "<VALUE>");
		strbuf_xml(b, q->dflt);
		strbuf_puts(b, q->array ? "</VALUE></VALUE.ARRAY>" : "</VALUE>");
	}
	strbuf_puts(b, "</QUALIFIER.DECLARATION>");
}

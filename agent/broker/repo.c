// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * repo.c - builds struct cim_class for each entry of the generated tables and decides which
 * class exists in which namespace. Everything lives in one arena until repo_free().
 *
 * A namespace has the classes that its providers serve, classes without a provider (abstract,
 * embedded) if they belong to the implementation or the schema says that they are in interop, and
 * whatever those are made of: superclasses, classes of references and embedded instances.
 */
#include "broker/repo.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/strmap.h"
#include "broker/internal.h"

static const char *const prefixes[CIM_NR_PREFIXES] = { "RPL_", "TPD_" };
#define PREFIX_LEN 4

static const struct cim_ns namespaces[] = {
	{ "root/dmreplica", CIM_NS_IMPL, 0 },
	{ "root/tpd", CIM_NS_IMPL, 1 },
	{ "interop", CIM_NS_INTEROP, 0 },
	{ "root/interop", CIM_NS_INTEROP, 0 },
	{ NULL, 0, 0 },
};

struct repo {
	struct arena arena;
	const struct cim_schema *schema;
	const struct cim_provider *const *providers;
	struct cim_class *classes; /* in the order of the schema */
	struct strmap by_name; /* internal name -> struct cim_class */
	const struct cim_class **roots;
	size_t n_roots;
	struct repo_assoc *assocs;
	size_t n_assocs;
};

/* ---- names and namespaces ---- */

const struct cim_ns *repo_namespaces(void)
{
	return namespaces;
}

const struct cim_ns *repo_ns(const char *name)
{
	size_t len;

	while (*name == '/')
		name++;
	len = strlen(name);
	while (len && name[len - 1] == '/')
		len--;
	for (const struct cim_ns *ns = namespaces; ns->name; ns++)
		if (strlen(ns->name) == len && !strncasecmp(ns->name, name, len))
			return ns;
	return NULL;
}

static const char *swap_prefix(struct arena *a, const char *name, const char *from, const char *to)
{
	if (from == to || strncasecmp(name, from, PREFIX_LEN))
		return name;
	return arena_printf(a, "%s%s", to, name + PREFIX_LEN);
}

const char *repo_name_out(struct arena *a, const struct cim_ns *ns, const char *name)
{
	return swap_prefix(a, name, prefixes[0], prefixes[ns->prefix]);
}

const char *repo_name_in(struct arena *a, const struct cim_ns *ns, const char *name)
{
	return swap_prefix(a, name, prefixes[ns->prefix], prefixes[0]);
}

const char *repo_name(const struct cim_class *cls, const struct cim_ns *ns)
{
	return cls->name[ns->prefix];
}

const struct cim_class *repo_class_internal(const struct repo *r, const char *name)
{
	return strmap_get(&r->by_name, name);
}

/* A class whose instances are in interop has their name, whatever the namespace's prefix is. */
static bool lives_in_interop(const struct cim_class *cls)
{
	return cls && cls->provider && cls->provider->ns == CIM_NS_INTEROP;
}

const struct cim_class *repo_class_anywhere(const struct repo *r, const struct cim_ns *ns,
					    const char *name)
{
	const struct cim_class *cls = repo_class_internal(r, name);
	char internal[256];

	if (lives_in_interop(cls))
		return cls;

	for (unsigned int i = 0; i < CIM_NR_PREFIXES; i++) {
		if (strncasecmp(name, prefixes[i], PREFIX_LEN))
			continue;
		if (i != ns->prefix || strlen(name) >= sizeof(internal))
			return NULL;
		strcpy(internal, prefixes[0]);
		strcpy(internal + PREFIX_LEN, name + PREFIX_LEN);
		return repo_class_internal(r, internal);
	}
	return cls;
}

const struct cim_class *repo_class(const struct repo *r, const struct cim_ns *ns, const char *name)
{
	const struct cim_class *cls = repo_class_anywhere(r, ns, name);

	return cls && cls->ns & ns->kind ? cls : NULL;
}

const struct cim_ns *repo_home(const struct cim_class *cls, const struct cim_ns *from)
{
	unsigned int kinds = cls->ns;

	/* a class may be known here for its references only; its instances are at the provider's */
	if (cls->provider)
		kinds = cls->provider->ns ? cls->provider->ns : CIM_NS_IMPL;
	if (kinds & from->kind)
		return from;
	return &namespaces[kinds & CIM_NS_IMPL ? 0 : 2];
}

const struct cim_class *const *repo_roots(const struct repo *r, size_t *n)
{
	*n = r->n_roots;
	return r->roots;
}

const struct cim_qualtype_decl *repo_qualtypes(const struct repo *r, size_t *n)
{
	*n = r->schema->n_qualtypes;
	return r->schema->qualtypes;
}

const struct cim_qualtype_decl *repo_qualtype(const struct repo *r, const char *name)
{
	for (unsigned int i = 0; i < r->schema->n_qualtypes; i++)
		if (!strcasecmp(r->schema->qualtypes[i].name, name))
			return &r->schema->qualtypes[i];
	return NULL;
}

const struct cim_provider *const *repo_providers(const struct repo *r)
{
	return r->providers;
}

const struct repo_assoc *repo_assocs(const struct repo *r, size_t *n)
{
	*n = r->n_assocs;
	return r->assocs;
}

/* ---- inheritance ---- */

static bool has_qual(const struct cim_quals *q, const char *name)
{
	for (unsigned int i = 0; i < q->n; i++)
		if (!strcasecmp(q->v[i]->name, name))
			return true;
	return false;
}

/* Own qualifiers, then those of the superclass that are not repeated and go to subclasses. */
static void merge_quals(struct repo *r, const struct cim_qual_decl *own, unsigned int n_own,
			const struct cim_quals *super, struct cim_quals *out)
{
	out->v = arena_array(&r->arena, n_own + (super ? super->n : 0), sizeof(*out->v));
	for (unsigned int i = 0; i < n_own; i++)
		out->v[out->n++] = &own[i];
	out->n_own = n_own;
	for (unsigned int i = 0; super && i < super->n; i++) {
		const struct cim_qual_decl *q = super->v[i];

		if (!(q->flavors & CIM_QUAL_RESTRICTED) && !has_qual(out, q->name))
			out->v[out->n++] = q;
	}
}

static int prop_at(const struct cim_class *cls, const char *name)
{
	for (unsigned int i = 0; i < cls->n_props; i++)
		if (!strcasecmp(cls->props[i].decl->name, name))
			return (int)i;
	return -1;
}

bool repo_holds_class_name(const char *prop)
{
	static const char suffix[] = "CreationClassName";
	size_t len = strlen(prop), tail = sizeof(suffix) - 1;

	return len >= tail && !strcasecmp(prop + len - tail, suffix);
}

/* What an overriding declaration does not say again still holds. */
static const struct cim_prop_decl *merge_prop(struct repo *r, const struct cim_prop_decl *own,
					      const struct cim_prop_decl *super)
{
	struct cim_prop_decl *d = arena_alloc(&r->arena, sizeof(*d));

	*d = *own;
	d->key |= super->key;
	d->required |= super->required;
	if (!d->embedded)
		d->embedded = super->embedded;
	if (!d->dflt)
		d->dflt = super->dflt;
	return d;
}

static void build_props(struct repo *r, struct cim_class *cls)
{
	const struct cim_class_decl *d = cls->decl;
	unsigned int n = cls->super ? cls->super->n_props : 0;

	cls->props = arena_array(&r->arena, n + d->n_props, sizeof(*cls->props));
	for (unsigned int i = 0; i < n; i++) {
		cls->props[i] = cls->super->props[i];
		cls->props[i].own = false;
		cls->props[i].quals.n_own = 0;
	}
	cls->n_props = n;
	for (unsigned int i = 0; i < d->n_props; i++) {
		int at = prop_at(cls, d->props[i].name);
		struct cim_class_prop *p = &cls->props[at < 0 ? (int)cls->n_props++ : at];
		struct cim_quals inherited = p->quals, merged = { 0 };

		merge_quals(r, d->props[i].quals, d->props[i].n_quals, at < 0 ? NULL : &inherited,
			    &merged);
		p->quals = merged;
		p->decl = at < 0 ? &d->props[i] : merge_prop(r, &d->props[i], p->decl);
		p->own = true;
		if (at < 0)
			p->origin = cls;
		p->holds_class_name = repo_holds_class_name(p->decl->name);
	}
}

static void build_prop_hash(struct repo *r, struct cim_class *cls)
{
	unsigned int size = 4;

	while (size < cls->n_props * 2)
		size *= 2;
	cls->prop_hash = arena_array(&r->arena, size, sizeof(*cls->prop_hash));
	cls->prop_hash_mask = size - 1;
	for (unsigned int k = 0; k < cls->n_props; k++) {
		unsigned int i = cim_name_hash(cls->props[k].decl->name) & cls->prop_hash_mask;

		while (cls->prop_hash[i])
			i = (i + 1) & cls->prop_hash_mask;
		cls->prop_hash[i] = (uint16_t)(k + 1);
	}
}

static void build_methods(struct repo *r, struct cim_class *cls)
{
	const struct cim_class_decl *d = cls->decl;
	unsigned int n = cls->super ? cls->super->n_methods : 0;

	cls->methods = arena_array(&r->arena, n + d->n_methods, sizeof(*cls->methods));
	for (unsigned int i = 0; i < n; i++) {
		cls->methods[i] = cls->super->methods[i];
		cls->methods[i].own = false;
		cls->methods[i].quals.n_own = 0;
	}
	cls->n_methods = n;
	for (unsigned int i = 0; i < d->n_methods; i++) {
		struct cim_class_method *m = NULL;
		struct cim_quals inherited = { 0 }, merged = { 0 };

		for (unsigned int k = 0; k < n && !m; k++)
			if (!strcasecmp(cls->methods[k].decl->name, d->methods[i].name))
				m = &cls->methods[k];
		if (m) {
			inherited = m->quals;
		} else {
			m = &cls->methods[cls->n_methods++];
			m->origin = cls;
		}
		merge_quals(r, d->methods[i].quals, d->methods[i].n_quals, &inherited, &merged);
		m->quals = merged;
		m->decl = &d->methods[i];
		m->own = true;
	}
}

/* Classes come superclass first. */
static int build_class(struct repo *r, unsigned int i, char **why)
{
	const struct cim_class_decl *d = &r->schema->classes[i];
	struct cim_class *cls = &r->classes[i], *super = NULL, **tail;

	cls->decl = d;
	for (unsigned int p = 0; p < CIM_NR_PREFIXES; p++)
		cls->name[p] = swap_prefix(&r->arena, d->name, prefixes[0], prefixes[p]);
	if (d->super) {
		super = strmap_get(&r->by_name, d->super);
		if (!super) {
			*why = xasprintf("class %s comes before its superclass", d->name);
			return -1;
		}
		tail = &super->children;
		while (*tail)
			tail = &(*tail)->sibling;
		*tail = cls;
		cls->super = super;
	} else {
		r->roots[r->n_roots++] = cls;
	}
	merge_quals(r, d->quals, d->n_quals, super ? &super->quals : NULL, &cls->quals);
	build_props(r, cls);
	build_prop_hash(r, cls);
	broker_shape_class(&r->arena, cls);
	build_methods(r, cls);
	strmap_set(&r->by_name, d->name, cls);
	return 0;
}

/* ---- providers ---- */

static int check_methods(const struct cim_class *cls, const struct cim_provider *p, char **why)
{
	for (const struct cim_method *m = p->methods; m && m->name; m++) {
		bool found = false;

		for (unsigned int k = 0; k < cls->n_methods && !found; k++)
			found = !strcasecmp(cls->methods[k].decl->name, m->name);
		if (!found) {
			*why = xasprintf("class %s has no method %s", p->class, m->name);
			return -1;
		}
	}
	return 0;
}

static int check_assoc(struct repo *r, const struct cim_class *cls, const struct cim_provider *p,
		       char **why)
{
	if (cls->decl->association != !!p->assoc) {
		*why = xasprintf("class %s is %san association, its provider says otherwise",
				 p->class, cls->decl->association ? "" : "not ");
		return -1;
	}
	for (int end = 0; p->assoc && end < 2; end++) {
		int at = p->assoc->role[end] ? cim_class_find_prop(cls, p->assoc->role[end]) : -1;
		const char *narrow = p->assoc->end_class[end];

		if (at < 0 || cls->props[at].decl->type != CIM_REFERENCE) {
			*why = xasprintf("association %s has no reference %s", p->class,
					 p->assoc->role[end] ? p->assoc->role[end] : "(null)");
			return -1;
		}
		if (narrow && !repo_class_internal(r, narrow)) {
			*why = xasprintf("association %s: class %s is unknown", p->class, narrow);
			return -1;
		}
	}
	return 0;
}

static void add_assoc(struct repo *r, const struct cim_class *cls, const struct cim_provider *p)
{
	struct repo_assoc *a = &r->assocs[r->n_assocs++];

	a->prov = p;
	a->cls = cls;
	a->kinds = p->ns ? p->ns : CIM_NS_IMPL;
	for (int end = 0; end < 2; end++) {
		int at = cim_class_find_prop(cls, p->assoc->role[end]);
		const char *narrow = p->assoc->end_class[end];

		a->end[end] =
			repo_class_internal(r, narrow ? narrow : cls->props[at].decl->ref_class);
	}
}

static int attach_providers(struct repo *r, char **why)
{
	r->assocs = arena_array(&r->arena, r->schema->n_classes, sizeof(*r->assocs));
	for (size_t i = 0; r->providers[i]; i++) {
		const struct cim_provider *p = r->providers[i];
		struct cim_class *cls = strmap_get(&r->by_name, p->class);

		if (!cls || cls->decl->abstract || cls->provider) {
			*why = xasprintf("provider for class %s: the class is %s", p->class,
					 !cls		 ? "unknown"
					 : cls->provider ? "served already"
							 : "abstract");
			return -1;
		}
		if (!p->enumerate) {
			*why = xasprintf("provider of %s cannot enumerate", p->class);
			return -1;
		}
		cls->provider = p;
		if (check_methods(cls, p, why) || check_assoc(r, cls, p, why))
			return -1;
		if (p->assoc)
			add_assoc(r, cls, p);
	}
	return 0;
}

/* ---- which class in which namespace ---- */

static void mark(struct repo *r, const char *name, unsigned int kind);

static void mark_class(struct repo *r, struct cim_class *cls, unsigned int kind)
{
	if (cls->ns & kind)
		return;
	cls->ns |= kind;
	if (cls->super)
		mark(r, cls->super->decl->name, kind);
	for (unsigned int i = 0; i < cls->n_props; i++) {
		mark(r, cls->props[i].decl->ref_class, kind);
		mark(r, cls->props[i].decl->embedded, kind);
	}
	for (unsigned int i = 0; i < cls->n_methods; i++)
		for (unsigned int k = 0; k < cls->methods[i].decl->n_params; k++) {
			mark(r, cls->methods[i].decl->params[k].ref_class, kind);
			mark(r, cls->methods[i].decl->params[k].embedded, kind);
		}
}

static void mark(struct repo *r, const char *name, unsigned int kind)
{
	struct cim_class *cls = name && *name ? strmap_get(&r->by_name, name) : NULL;

	if (cls)
		mark_class(r, cls, kind);
}

/* Is everything that is served below cls served in interop only? */
static bool interop_only(const struct cim_class *cls, bool *served)
{
	bool only = true;

	if (cls->provider) {
		*served = true;
		only = cls->provider->ns == CIM_NS_INTEROP;
	}
	for (const struct cim_class *c = cls->children; c; c = c->sibling)
		only &= interop_only(c, served);
	return only;
}

static void mark_namespaces(struct repo *r)
{
	for (unsigned int i = 0; i < r->schema->n_classes; i++) {
		struct cim_class *cls = &r->classes[i];
		bool served = false;

		if (!interop_only(cls, &served) || !served)
			mark_class(r, cls, CIM_NS_IMPL);
		if (cls->decl->interop || (cls->provider && cls->provider->ns & CIM_NS_INTEROP))
			mark_class(r, cls, CIM_NS_INTEROP);
	}
}

struct repo *repo_new(const struct cim_schema *schema, const struct cim_provider *const *providers,
		      char **why)
{
	struct repo *r = new0(struct repo);

	r->schema = schema;
	r->providers = providers;
	r->by_name = (struct strmap)STRMAP_NOCASE_INIT;
	r->classes = arena_array(&r->arena, schema->n_classes, sizeof(*r->classes));
	r->roots = arena_array(&r->arena, schema->n_classes, sizeof(*r->roots));
	for (unsigned int i = 0; i < schema->n_classes; i++)
		if (build_class(r, i, why))
			goto bad;
	if (attach_providers(r, why))
		goto bad;
	mark_namespaces(r);
	return r;
bad:
	repo_free(r);
	return NULL;
}

void repo_free(struct repo *r)
{
	if (!r)
		return;
	strmap_done(&r->by_name);
	arena_done(&r->arena);
	free(r);
}

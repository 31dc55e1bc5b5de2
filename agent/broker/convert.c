// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * convert.c - between what clients write (untyped keys, class names with the prefix of the
 * namespace, text of values) and what providers see. In: types are checked against the schema
 * and errors name the thing. Out: in place, in the arena of the call.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "broker/internal.h"

static const struct cim_ns *ns_in(struct cim_call *c, const struct cim_path *p)
{
	const struct cim_ns *ns = p->ns ? repo_ns(p->ns) : c->root->ns;

	/* wbemcli sends the root/dmreplica:X that it printed itself as host root */
	if (!ns && p->host)
		ns = repo_ns(arena_printf(c->req->arena, "%s/%s", p->host, p->ns));
	if (!ns)
		cim_error(c, CIM_ERR_INVALID_NAMESPACE, "namespace %s does not exist", p->ns);
	return ns;
}

int broker_path_here(struct cim_call *c, struct cim_path *p)
{
	const struct cim_ns *ns = p->ns ? repo_ns(p->ns) : c->ns;

	if (!ns || ns->kind != c->ns->kind || ns->prefix != c->ns->prefix)
		return cim_error(c, CIM_ERR_INVALID_PARAMETER,
				 "the object is in namespace %s, the request goes to %s", p->ns,
				 c->ns->name);
	p->ns = NULL;
	return 0;
}

/* The text of a value as received, whatever the decoder made of it. */
static const char *text_of(struct cim_call *c, const struct cim_value *v)
{
	CLEANUP(strbuf_done) struct strbuf b = STRBUF_INIT;

	if (v->type == CIM_STRING || v->type == CIM_NONE)
		return v->d.str ? v->d.str : "";
	cim_datum_print(&b, v->type, &v->d);
	return arena_strndup(c->req->arena, strbuf_str(&b), b.len);
}

static int ref_key_in(struct cim_call *c, const struct cim_prop_decl *d, struct cim_value *v)
{
	const struct cim_class *cls, *want = repo_class_internal(c->broker->repo, d->ref_class);
	struct cim_path *p = (struct cim_path *)v->d.ref;
	const struct cim_ns *ns;
	int r;

	if (v->type != CIM_REFERENCE)
		p = cim_path_parse(c->req->arena, text_of(c, v));
	if (!p)
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "key %s is not an object path",
				 d->name);
	r = broker_path_in(c, p, &cls, &ns);
	if (r)
		return r;
	if (want && !cim_class_is_a(cls, want))
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "key %s: class %s is not a %s",
				 d->name, repo_name(cls, ns), repo_name(want, ns));
	v->type = CIM_REFERENCE;
	v->d.ref = p;
	return 0;
}

static int key_in(struct cim_call *c, const struct cim_ns *ns, const struct cim_class_prop *prop,
		  struct cim_key *k)
{
	const struct cim_prop_decl *d = prop->decl;
	struct cim_datum datum;
	const char *text;

	k->name = d->name;
	if (d->type == CIM_REFERENCE)
		return ref_key_in(c, d, &k->val);
	if (k->val.type == CIM_REFERENCE)
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "key %s is no reference", d->name);
	text = text_of(c, &k->val);
	if (cim_datum_parse(c->req->arena, d->type, text, &datum))
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "key %s: \"%.100s\" is no %s",
				 d->name, text, cim_type_name(d->type));
	if (prop->holds_class_name)
		datum.str = repo_name_in(c->req->arena, ns, datum.str);
	k->val.type = d->type;
	k->val.d = datum;
	return 0;
}

/* A path with one key may leave out its name. */
static const char *only_key(const struct cim_class *cls)
{
	const char *name = NULL;

	for (unsigned int i = 0; i < cls->n_props; i++) {
		if (!cls->props[i].decl->key)
			continue;
		if (name)
			return NULL;
		name = cls->props[i].decl->name;
	}
	return name;
}

int broker_path_in(struct cim_call *c, struct cim_path *p, const struct cim_class **cls,
		   const struct cim_ns **ns)
{
	int r;

	*ns = ns_in(c, p);
	if (!*ns)
		return -CIM_ERR_INVALID_NAMESPACE;
	*cls = repo_class_anywhere(c->broker->repo, *ns, p->class);
	if (!*cls)
		return cim_error(c, CIM_ERR_INVALID_CLASS, "class %s does not exist in %s",
				 p->class, (*ns)->name);
	for (size_t i = 0; i < p->n_keys; i++) {
		struct cim_key *k = &p->keys[i];
		int at;

		if (!*k->name && p->n_keys == 1 && only_key(*cls))
			k->name = only_key(*cls);
		at = cim_class_find_prop(*cls, k->name);
		if (at < 0 || !(*cls)->props[at].decl->key)
			return cim_error(c, CIM_ERR_INVALID_PARAMETER, "class %s has no key %s",
					 p->class, k->name);
		for (size_t j = 0; j < i; j++)
			if (!strcasecmp(p->keys[j].name, k->name))
				return cim_error(c, CIM_ERR_INVALID_PARAMETER,
						 "key %s is there twice", k->name);
		r = key_in(c, *ns, &(*cls)->props[at], k);
		if (r)
			return r;
	}
	p->class = (*cls)->decl->name;
	p->ns = NULL;
	p->host = NULL;
	return 0;
}

/* ---- values of parameters and properties ---- */

static bool claim_fits(enum cim_type claimed, enum cim_type type)
{
	bool claimed_int = cim_type_is_uint(claimed) || cim_type_is_sint(claimed);
	bool want_int = cim_type_is_uint(type) || cim_type_is_sint(type);

	if (claimed == CIM_NONE || claimed == type || (claimed_int && want_int))
		return true;
	if (claimed == CIM_STRING)
		return type == CIM_INSTANCE || type == CIM_DATETIME;
	return (claimed == CIM_REAL32 || claimed == CIM_REAL64) &&
	       (type == CIM_REAL32 || type == CIM_REAL64);
}

static int ref_in(struct cim_call *c, const struct cim_value_spec *spec, const char *what,
		  struct cim_datum *d)
{
	const struct cim_class *cls, *want = NULL;
	const struct cim_ns *ns;
	int r = broker_path_in(c, (struct cim_path *)d->ref, &cls, &ns);

	if (r)
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "%s: %s", what, c->root->why);
	if (spec->ref_class)
		want = repo_class_internal(c->broker->repo, spec->ref_class);
	if (want && !cim_class_is_a(cls, want))
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "%s: class %s is not a %s", what,
				 repo_name(cls, ns), repo_name(want, ns));
	return 0;
}

int broker_props_in(struct cim_call *c, const struct cim_inst *raw, struct cim_inst *out,
		    const char *what)
{
	for (size_t i = 0; i < raw->n_props; i++) {
		int at = cim_class_find_prop(out->cls, raw->props[i].name), r;
		const struct cim_class_prop *p = at < 0 ? NULL : &out->cls->props[at];
		struct cim_value_spec spec;
		const char *name;

		if (!p)
			return cim_error(c, CIM_ERR_INVALID_PARAMETER, "%s: %s has no property %s",
					 what, raw->class, raw->props[i].name);
		if (raw->props[i].val.null)
			continue;
		spec = (struct cim_value_spec) { p->decl->type, p->decl->array, p->decl->ref_class,
						 p->decl->embedded };
		name = arena_printf(c->req->arena, "%s: property %s", what, p->decl->name);
		r = broker_value_in(c, &spec, name, raw->props[i].val.claimed, &raw->props[i].val,
				    &out->props[at].val);
		if (r)
			return r;
	}
	return 0;
}

static int inst_in(struct cim_call *c, const struct cim_value_spec *spec, const char *what,
		   enum cim_type raw_type, struct cim_datum *d)
{
	const struct cim_class *cls, *want = NULL;
	const struct cim_inst *raw = d->inst;
	struct cim_inst *out;
	const char *why = "it cannot be read";
	int r;

	if (raw_type != CIM_INSTANCE) {
		raw = c->req->parse_inst ? c->req->parse_inst(c->req, d->str, &why) : NULL;
		if (!raw)
			return cim_error(c, CIM_ERR_INVALID_PARAMETER, "%s is no instance: %s",
					 what, why);
	}
	cls = repo_class_anywhere(c->broker->repo, c->root->ns, raw->class);
	if (!cls)
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "%s: class %s does not exist", what,
				 raw->class);
	if (*spec->embedded)
		want = repo_class_internal(c->broker->repo, spec->embedded);
	if (want && !cim_class_is_a(cls, want))
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "%s: class %s is not a %s", what,
				 raw->class, repo_name(want, c->root->ns));
	out = cim_inst_of(c->req->arena, cls);
	r = broker_props_in(c, raw, out, what);
	d->inst = out;
	return r;
}

static int datum_in(struct cim_call *c, const struct cim_value_spec *spec, const char *what,
		    enum cim_type raw_type, const struct cim_datum *raw, struct cim_datum *out)
{
	enum cim_type type = cim_value_type(spec->type, spec->embedded);
	int r;

	if (raw->null)
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "%s has a NULL element", what);
	if (type == CIM_INSTANCE) {
		*out = *raw;
		if (raw_type == CIM_REFERENCE)
			return cim_error(c, CIM_ERR_INVALID_PARAMETER, "%s is no instance", what);
		return inst_in(c, spec, what, raw_type, out);
	}
	if ((type == CIM_REFERENCE) != (raw_type == CIM_REFERENCE) || raw_type == CIM_INSTANCE)
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "%s is of type %s, not %s", what,
				 cim_type_name(type), cim_type_name(raw_type));
	if (type == CIM_REFERENCE) {
		*out = *raw;
		return ref_in(c, spec, what, out);
	}
	r = cim_datum_parse(c->req->arena, type, raw->str, out);
	if (r)
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "%s: \"%.100s\" is %s %s", what,
				 raw->str, r == -ERANGE ? "out of range for" : "no",
				 cim_type_name(type));
	return 0;
}

int broker_value_in(struct cim_call *c, const struct cim_value_spec *spec, const char *what,
		    enum cim_type claimed, const struct cim_value *raw, struct cim_value *out)
{
	enum cim_type type = cim_value_type(spec->type, spec->embedded);

	*out = (struct cim_value) {
		.type = type, .array = spec->array, .null = raw->null, .given = out->given
	};
	if (raw->null)
		return 0;
	if (!claim_fits(claimed, type) || raw->array != spec->array)
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "%s is of type %s%s, not %s%s", what,
				 cim_type_name(type), spec->array ? "[]" : "",
				 cim_type_name(claimed ? claimed : raw->type),
				 raw->array ? "[]" : "");
	if (!raw->array)
		return datum_in(c, spec, what, raw->type, &raw->d, &out->d);
	out->n = raw->n;
	out->v = arena_array(c->req->arena, raw->n, sizeof(*out->v));
	for (size_t i = 0; i < raw->n; i++) {
		int r = datum_in(c, spec, what, raw->type, &raw->v[i], &out->v[i]);

		if (r)
			return r;
	}
	return 0;
}

/* ---- out ---- */

/* Keys in the order of the class: equal paths are then written alike. */
void broker_path_canon(const struct cim_class *cls, struct cim_path *p)
{
	struct cim_key *keys;
	size_t n = 0;

	/* as we make them ourselves */
	while (n < p->n_keys && n < cls->n_keys &&
	       p->keys[n].name == cls->props[cls->keys[n]].decl->name)
		n++;
	if (n == p->n_keys)
		return;
	keys = arena_array(p->arena, p->n_keys, sizeof(*keys));
	n = 0;
	for (unsigned int i = 0; i < cls->n_keys && n < p->n_keys; i++) {
		const char *name = cls->props[cls->keys[i]].decl->name;
		const struct cim_value *v = cim_path_get(p, name);

		if (!v)
			continue;
		keys[n].name = name;
		keys[n++].val = *v;
	}
	p->keys = keys;
	p->n_keys = n;
}

void broker_path_out(struct cim_call *c, const struct cim_path *path, const struct cim_ns *from)
{
	struct cim_path *p = (struct cim_path *)path; /* a copy of ours */
	const struct cim_class *cls = repo_class_internal(c->broker->repo, p->class);
	const struct cim_ns *home = from;

	if (cls) {
		broker_path_canon(cls, p);
		home = repo_home(cls, from);
		p->class = repo_name(cls, home);
	}
	if (!p->ns)
		p->ns = home->name;
	for (size_t i = 0; i < p->n_keys; i++) {
		struct cim_key *k = &p->keys[i];

		if (k->val.type == CIM_REFERENCE)
			broker_path_out(c, k->val.d.ref, home);
		else if (home->prefix && k->val.type == CIM_STRING &&
			 repo_holds_class_name(k->name))
			k->val.d.str = repo_name_out(p->arena, home, k->val.d.str);
	}
}

static void datum_out(struct cim_call *c, enum cim_type t, struct cim_datum *d,
		      const struct cim_ns *ns)
{
	if (d->null)
		return;
	if (t == CIM_REFERENCE)
		broker_path_out(c, d->ref, ns);
	else if (t == CIM_INSTANCE)
		broker_inst_out(c, (struct cim_inst *)d->inst, ns);
}

void broker_value_out(struct cim_call *c, struct cim_value *v, const struct cim_ns *ns)
{
	if (v->null || (v->type != CIM_REFERENCE && v->type != CIM_INSTANCE))
		return;
	if (!v->array)
		datum_out(c, v->type, &v->d, ns);
	for (size_t i = 0; v->array && i < v->n; i++)
		datum_out(c, v->type, &v->v[i], ns);
}

void broker_inst_out(struct cim_call *c, struct cim_inst *i, const struct cim_ns *ns)
{
	if (i->cls)
		i->class = repo_name(i->cls, ns);
	for (size_t k = 0; k < i->n_props; k++) {
		struct cim_value *v = &i->props[k].val;

		if (v->null)
			continue;
		if (v->type == CIM_REFERENCE || v->type == CIM_INSTANCE)
			broker_value_out(c, v, ns);
		else if (ns->prefix && i->cls && i->cls->props[k].holds_class_name &&
			 v->type == CIM_STRING && !v->array)
			v->d.str = repo_name_out(i->arena, ns, v->d.str);
	}
	if (i->path)
		broker_path_out(c, i->path, ns);
}

struct cim_path *broker_path_of(struct cim_inst *i)
{
	struct cim_path *p = cim_path_new(i->arena, i->class);

	p->keys = arena_array(i->arena, i->cls->n_keys, sizeof(*p->keys));
	for (unsigned int k = 0; k < i->cls->n_keys; k++) {
		const struct cim_prop *prop = &i->props[i->cls->keys[k]];
		struct cim_value v = prop->val;

		if (v.null)
			continue;
		if (v.type == CIM_REFERENCE)
			v.d.ref = cim_path_share(i->arena, v.d.ref);
		p->keys[p->n_keys].name = prop->name;
		p->keys[p->n_keys++].val = v;
	}
	return p;
}

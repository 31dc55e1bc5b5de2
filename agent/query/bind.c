// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bind.c - the names of a query against the classes. A name that means nothing, or a comparison
 * that can never be true because the types differ, is an error and not an empty result.
 */
#include <strings.h>

#include "query/internal.h"

struct bind {
	struct query *q;
	const struct cim_class *from; /* NULL: instances of several classes */
	const struct query_classes *classes;
	struct query_error *error;
};

static bool class_named(struct bind *b, const char *name, const struct cim_class **cls)
{
	*cls = b->classes->find(b->classes->arg, name);
	return *cls ? true
		    : query_fail(b->error, CIM_ERR_INVALID_QUERY, "class %s does not exist", name);
}

static const struct cim_prop_decl *property(const struct cim_class *cls, const char *name)
{
	int at = cim_class_find_prop(cls, name);

	return at < 0 ? NULL : cls->props[at].decl;
}

/*
 * *last: the declaration of the property that the path leads to, NULL where it cannot be known: in
 * an embedded instance of any class, or with no class to begin with.
 */
static bool bind_path(struct bind *b, struct path *p, const struct cim_prop_decl **last)
{
	const struct cim_class *cls = b->from;
	const char *spelled = b->q->from;

	*last = NULL;
	for (size_t i = 0; i < p->n; i++) {
		struct step *s = &p->steps[i];

		if (s->scope && !class_named(b, s->scope, &s->scope_cls))
			return false;
		if (s->scope) {
			cls = s->scope_cls;
			spelled = s->scope;
		}
		*last = NULL;
		if (!cls || !strcasecmp(s->name, "__CLASS")) {
			cls = NULL;
			continue;
		}
		*last = property(cls, s->name);
		if (!*last)
			return query_fail(b->error, CIM_ERR_INVALID_QUERY,
					  "class %s has no property %s", spelled, s->name);
		if (s->has_index && !(*last)->array)
			return query_fail(b->error, CIM_ERR_INVALID_QUERY,
					  "property %s is no array", s->name);
		if (i + 1 < p->n && !(*last)->embedded)
			return query_fail(b->error, CIM_ERR_INVALID_QUERY,
					  "property %s is no embedded instance", s->name);
		/* what is in it may be of a subclass: only a scope says more */
		cls = NULL;
	}
	return true;
}

/* Could a value of that type ever compare with the literal? */
static bool comparable(const struct cim_prop_decl *d, const struct literal *l, enum compare_op op)
{
	bool equality = op == OP_EQ || op == OP_NE;

	if (d->embedded)
		return false;
	switch (d->type) {
	case CIM_BOOLEAN:
		return l->kind == L_BOOLEAN && equality;
	case CIM_STRING:
	case CIM_CHAR16:
		return l->kind == L_STRING;
	case CIM_DATETIME:
		return l->kind == L_STRING && l->is_time;
	case CIM_REFERENCE:
		return l->kind == L_STRING && l->ref && equality;
	default:
		return l->kind == L_INTEGER || l->kind == L_REAL;
	}
}

static bool bind_quantified(struct bind *b, const struct expr *e, const struct cim_prop_decl *d)
{
	bool is_array;

	if (!d || e->kind == E_NULL)
		return true;
	is_array = d->array && !e->a.path.steps[e->a.path.n - 1].has_index;
	if (is_array && e->quantifier == Q_NONE)
		return query_fail(b->error, CIM_ERR_INVALID_QUERY,
				  "property %s is an array: ANY, EVERY or an index is missing",
				  d->name);
	if (!is_array && e->quantifier != Q_NONE)
		return query_fail(b->error, CIM_ERR_INVALID_QUERY, "property %s is no array",
				  d->name);
	return true;
}

static bool bind_expr(struct bind *b, struct expr *e);

static bool bind_comparison(struct bind *b, struct expr *e)
{
	const struct cim_prop_decl *da, *db;

	if (!bind_path(b, &e->a.path, &da) || !bind_quantified(b, e, da))
		return false;
	if (!e->a.path.n && e->kind != E_ISA)
		return query_fail(b->error, CIM_ERR_INVALID_QUERY,
				  "the comparison at character %zu has no property", e->at);
	switch (e->kind) {
	case E_ISA:
		return class_named(b, e->class, &e->cls);
	case E_LIKE:
		return !da || da->type == CIM_STRING
			       ? true
			       : query_fail(b->error, CIM_ERR_INVALID_QUERY,
					    "LIKE is for strings, %s is none", da->name);
	case E_TRUE:
		return !da || da->type == CIM_BOOLEAN
			       ? true
			       : query_fail(b->error, CIM_ERR_INVALID_QUERY,
					    "property %s alone is no condition", da->name);
	case E_COMPARE:
		if (e->b.is_path)
			return bind_path(b, &e->b.path, &db);
		if (da && !comparable(da, &e->b.lit, e->op))
			return query_fail(b->error, CIM_ERR_INVALID_QUERY,
					  "property %s cannot be compared so: it is %s%s", da->name,
					  da->embedded ? "an embedded instance" : "of type ",
					  da->embedded ? "" : cim_type_name(da->type));
		return true;
	default:
		return true;
	}
}

static bool bind_expr(struct bind *b, struct expr *e)
{
	/* rows lean to the left: only what the parser nested is recursion to the right */
	for (; e && (e->kind == E_AND || e->kind == E_OR); e = e->l)
		if (!bind_expr(b, e->r))
			return false;
	if (!e)
		return true;
	return e->kind == E_NOT ? bind_expr(b, e->l) : bind_comparison(b, e);
}

int query_bind(struct query *q, const struct cim_class *from, const struct query_classes *classes,
	       struct query_error *error)
{
	struct bind b = { q, from, classes, error };

	error->code = 0;
	for (size_t i = 0; from && i < q->n_names; i++)
		if (!property(from, q->names[i]))
			query_fail(error, CIM_ERR_INVALID_QUERY,
				   "class %s has no property %s (character %zu)", q->from,
				   q->names[i], q->names_at[i]);
	if (!error->code)
		bind_expr(&b, q->where);
	return error->code;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * eval.c - is an instance in the result? Three values: what is about NULL, or about values that
 * cannot be compared, is neither true nor false, and NOT leaves it so.
 */
#include <string.h>
#include <strings.h>

#include "query/internal.h"

enum truth {
	NO,
	YES,
	UNKNOWN
};

static enum truth truth(bool b)
{
	return b ? YES : NO;
}

/* One value, not an array. */
struct value {
	enum cim_type type; /* CIM_NONE: NULL */
	struct cim_datum d;
};

/* ---- where a path leads ---- */

/* True: *v is the value of the last property, maybe an array. False: there is none, or NULL. */
static bool property(const struct path *p, const struct cim_inst *i, struct cim_value *v)
{
	for (size_t k = 0; k < p->n; k++) {
		const struct step *s = &p->steps[k];
		const struct cim_value *found;

		if (s->scope_cls && (!i->cls || !cim_class_is_a(i->cls, s->scope_cls)))
			return false;
		if (!strcasecmp(s->name, "__CLASS")) {
			*v = (struct cim_value) { .type = CIM_STRING, .d = { .str = i->class } };
			return k + 1 == p->n;
		}
		found = cim_get(i, s->name);
		if (!found)
			return false;
		*v = *found;
		if (s->has_index) {
			if (!v->array || s->index >= v->n || v->v[s->index].null)
				return false;
			v->d = v->v[s->index];
			v->array = false;
		}
		if (k + 1 == p->n)
			return true;
		if (v->type != CIM_INSTANCE || v->array || !v->d.inst)
			return false;
		i = v->d.inst;
	}
	return false;
}

/* ---- comparing ---- */

static bool is_number(enum cim_type t)
{
	return cim_type_is_uint(t) || cim_type_is_sint(t) || t == CIM_REAL32 || t == CIM_REAL64;
}

static int order_of(bool less, bool more)
{
	return less ? -1 : more;
}

static int order_numbers(enum cim_type ta, const struct cim_datum *a, enum cim_type tb,
			 const struct cim_datum *b)
{
	bool real_a = ta == CIM_REAL32 || ta == CIM_REAL64;
	bool real_b = tb == CIM_REAL32 || tb == CIM_REAL64;
	__int128 ia = cim_type_is_uint(ta) ? (__int128)a->u : (__int128)a->i;
	__int128 ib = cim_type_is_uint(tb) ? (__int128)b->u : (__int128)b->i;
	long double ra, rb;

	if (!real_a && !real_b)
		return order_of(ia<ib, ia> ib);
	ra = real_a ? (long double)a->r : (long double)ia;
	rb = real_b ? (long double)b->r : (long double)ib;
	return order_of(ra<rb, ra> rb);
}

static enum truth decide(int order, enum compare_op op)
{
	switch (op) {
	case OP_EQ:
		return truth(!order);
	case OP_NE:
		return truth(order);
	case OP_LT:
		return truth(order < 0);
	case OP_LE:
		return truth(order <= 0);
	case OP_GT:
		return truth(order > 0);
	default:
		return truth(order >= 0);
	}
}

static enum truth compare_values(const struct value *a, const struct value *b, enum compare_op op)
{
	bool equality = op == OP_EQ || op == OP_NE;

	if (is_number(a->type) && is_number(b->type))
		return decide(order_numbers(a->type, &a->d, b->type, &b->d), op);
	if (a->type != b->type)
		return UNKNOWN;
	switch (a->type) {
	case CIM_STRING:
		return decide(strcmp(a->d.str ? a->d.str : "", b->d.str ? b->d.str : ""), op);
	case CIM_BOOLEAN:
		return equality ? decide(a->d.b != b->d.b, op) : UNKNOWN;
	case CIM_DATETIME:
		if (a->d.dt.interval != b->d.dt.interval)
			return UNKNOWN;
		return decide(order_of(a->d.dt.usec<b->d.dt.usec, a->d.dt.usec> b->d.dt.usec), op);
	case CIM_REFERENCE:
		return equality ? decide(!cim_path_equal(a->d.ref, b->d.ref), op) : UNKNOWN;
	default:
		return UNKNOWN;
	}
}

/* The literal, as what it is compared with. */
static struct value as_type(const struct literal *l, enum cim_type want)
{
	struct value v = { .type = CIM_NONE };

	if (l->kind == L_BOOLEAN) {
		v.type = CIM_BOOLEAN;
		v.d.b = l->b;
	} else if (l->kind == L_REAL) {
		v.type = CIM_REAL64;
		v.d.r = l->r;
	} else if (l->kind == L_INTEGER && l->i < INT64_MIN) {
		v.type = CIM_REAL64;
		v.d.r = (double)l->i;
	} else if (l->kind == L_INTEGER && l->i < 0) {
		v.type = CIM_SINT64;
		v.d.i = (int64_t)l->i;
	} else if (l->kind == L_INTEGER) {
		v.type = CIM_UINT64;
		v.d.u = (uint64_t)l->i;
	} else if (l->kind == L_STRING && want == CIM_DATETIME && l->is_time) {
		v.type = CIM_DATETIME;
		v.d.dt = l->dt;
	} else if (l->kind == L_STRING && want == CIM_REFERENCE && l->ref) {
		v.type = CIM_REFERENCE;
		v.d.ref = l->ref;
	} else if (l->kind == L_STRING) {
		v.type = CIM_STRING;
		v.d.str = l->str;
	}
	return v;
}

static enum truth compare_one(const struct expr *e, const struct cim_inst *i, const struct value *a,
			      uint64_t *steps)
{
	struct cim_value found;
	struct value b;

	if (e->kind == E_LIKE)
		return a->type == CIM_STRING
			       ? truth(like_matches(e->like, a->d.str ? a->d.str : "", steps))
			       : UNKNOWN;
	if (e->kind == E_TRUE)
		return a->type == CIM_BOOLEAN ? truth(a->d.b) : UNKNOWN;
	if (!e->b.is_path) {
		b = as_type(&e->b.lit, a->type);
	} else {
		if (!property(&e->b.path, i, &found) || found.array)
			return UNKNOWN;
		b = (struct value) { found.type, found.d };
	}
	return compare_values(a, &b, e->op);
}

/* ANY: is one true? EVERY: are all of them? */
static enum truth compare_array(const struct expr *e, const struct cim_inst *i,
				const struct cim_value *v, uint64_t *steps)
{
	enum truth decisive = e->quantifier == Q_ANY ? YES : NO;
	enum truth result = e->quantifier == Q_ANY ? NO : YES;

	if (e->quantifier == Q_NONE)
		return UNKNOWN;
	for (size_t k = 0; k < v->n && query_step(steps, 1); k++) {
		struct value one = { v->type, v->v[k] };
		enum truth t = v->v[k].null ? UNKNOWN : compare_one(e, i, &one, steps);

		if (t == decisive)
			return t;
		if (t == UNKNOWN)
			result = UNKNOWN;
	}
	return result;
}

static enum truth isa(const struct expr *e, const struct cim_inst *i)
{
	struct cim_value v;

	if (e->a.path.n) {
		if (!property(&e->a.path, i, &v))
			return UNKNOWN;
		if (v.type != CIM_INSTANCE || v.array)
			return NO;
		i = v.d.inst;
	}
	return truth(i->cls && cim_class_is_a(i->cls, e->cls));
}

/* Looking for a property costs more than comparing it. */
#define CONDITION_STEPS 20

static enum truth condition(const struct expr *e, const struct cim_inst *i, uint64_t *steps)
{
	struct cim_value v;
	struct value one;
	bool there;

	if (!query_step(steps, CONDITION_STEPS))
		return UNKNOWN;
	if (e->kind == E_ISA)
		return isa(e, i);
	there = property(&e->a.path, i, &v);
	if (e->kind == E_NULL)
		return truth(!there);
	if (!there)
		return UNKNOWN;
	if (v.array)
		return compare_array(e, i, &v, steps);
	one = (struct value) { v.type, v.d };
	return e->quantifier == Q_NONE ? compare_one(e, i, &one, steps) : UNKNOWN;
}

static enum truth eval(const struct expr *e, const struct cim_inst *i, uint64_t *steps)
{
	enum truth l, r, decisive;

	switch (e->kind) {
	case E_NOT:
		l = eval(e->l, i, steps);
		return l == UNKNOWN ? l : truth(l == NO);
	case E_AND:
	case E_OR:
		decisive = e->kind == E_AND ? NO : YES;
		l = eval(e->l, i, steps);
		if (l == decisive)
			return l;
		r = eval(e->r, i, steps);
		if (r == decisive)
			return r;
		return l == UNKNOWN || r == UNKNOWN ? UNKNOWN : r;
	default:
		return condition(e, i, steps);
	}
}

bool query_matches(const struct query *q, const struct cim_inst *i, uint64_t *steps)
{
	return !q->where || eval(q->where, i, steps) == YES;
}

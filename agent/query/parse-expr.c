// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * parse-expr.c - what stands after WHERE, by recursive descent.
 *
 *	expr       = and { OR and }          and = not { AND not }
 *	not        = NOT not | "(" expr ")" | comparison
 *	comparison = [ ANY | EVERY ] operand op operand | path [ NOT ] LIKE string
 *	           | path [ NOT ] ISA class | path IS [ NOT ] NULL | path
 *	path       = [ class "::" ] name [ "[" index "]" ] { "." [ class "::" ] name [ ... ] }
 *
 * "= NULL" and "<> NULL" are IS [NOT] NULL.
 */
#include <string.h>
#include <strings.h>

#include "base/vec.h"
#include "query/parser.h"

/* ---- paths ---- */

static bool index_of(struct parser *p, struct step *s)
{
	bool found;

	if (!parse_take_symbol(p, "[", &found))
		return false;
	if (!found)
		return true;
	if (!parse_take_symbol(p, "*", &found))
		return false;
	if (!found) {
		if (p->t.kind != T_INTEGER || p->t.negative)
			return parse_fail(p, "an index");
		s->has_index = true;
		s->index = p->t.magnitude;
		if (!parse_next(p))
			return false;
	}
	return parse_need_symbol(p, "]");
}

static bool step(struct parser *p, struct step *s)
{
	bool found;

	memset(s, 0, sizeof(*s));
	if (!parse_need_name(p, "a property", &s->name) || !parse_take_symbol(p, "::", &found))
		return false;
	if (found) {
		s->scope = s->name;
		if (!parse_need_name(p, "a property", &s->name))
			return false;
	}
	if (parse_is_symbol(p, "("))
		return parse_unsupported(p, "a function");
	return index_of(p, s);
}

bool parse_is_from(const struct parser *p, const struct step *s)
{
	const struct query *q = p->q;

	if (!q->from || s->scope || s->has_index)
		return false;
	return !strcasecmp(s->name, q->from) || (q->alias && !strcasecmp(s->name, q->alias));
}

bool parse_path(struct parser *p, struct path *out, bool *star)
{
	VEC(struct step) steps = VEC_INIT;
	bool more = true, ok = true;

	while (ok && more) {
		struct step s;

		ok = step(p, &s);
		if (ok)
			vec_push(&steps, s);
		ok = ok && parse_take_symbol(p, ".", &more);
		if (ok && more && star && parse_is_symbol(p, "*")) {
			*star = true;
			more = false;
			ok = parse_next(p);
		}
	}
	if (ok) {
		size_t skip = parse_is_from(p, &steps.v[0]);

		out->n = steps.n - skip;
		out->steps = arena_array(p->a, out->n, sizeof(*out->steps));
		if (out->n)
			memcpy(out->steps, steps.v + skip, out->n * sizeof(*out->steps));
	}
	vec_done(&steps);
	return ok;
}

/* ---- operands ---- */

static void string_literal(struct parser *p, struct literal *l)
{
	l->kind = L_STRING;
	l->str = p->t.text;
	l->is_time = strlen(l->str) == CIM_DATETIME_LEN && !cim_datetime_parse(l->str, &l->dt);
	if (strchr(l->str, '='))
		l->ref = cim_path_parse(p->a, l->str);
}

static bool operand(struct parser *p, struct operand *o)
{
	struct literal *l = &o->lit;

	memset(o, 0, sizeof(*o));
	if (p->t.kind == T_STRING) {
		string_literal(p, l);
	} else if (p->t.kind == T_INTEGER) {
		l->kind = L_INTEGER;
		l->i = p->t.negative ? -(__int128)p->t.magnitude : (__int128)p->t.magnitude;
	} else if (p->t.kind == T_REAL) {
		l->kind = L_REAL;
		l->r = p->t.real;
	} else if (parse_is_word(p, "TRUE") || parse_is_word(p, "FALSE")) {
		l->kind = L_BOOLEAN;
		l->b = parse_is_word(p, "TRUE");
	} else if (parse_is_word(p, "NULL")) {
		l->kind = L_NULL;
	} else if (p->t.kind == T_NAME) {
		o->is_path = true;
		return parse_path(p, &o->path, NULL);
	} else {
		return parse_fail(p, "a property or a value");
	}
	return parse_next(p);
}

/* ---- comparisons ---- */

static struct expr *expr_new(struct parser *p, enum expr_kind kind)
{
	struct expr *e = arena_alloc(p->a, sizeof(*e));

	e->kind = kind;
	e->at = p->t.at;
	return e;
}

static struct expr *negated(struct parser *p, struct expr *e)
{
	struct expr *not = expr_new(p, E_NOT);

	not ->l = e;
	return not ;
}

static bool comparison_op(const struct parser *p, enum compare_op *op)
{
	static const char *const texts[] = { [OP_EQ] = "=",  [OP_NE] = "<>", [OP_LT] = "<",
					     [OP_LE] = "<=", [OP_GT] = ">",  [OP_GE] = ">=" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (!parse_is_symbol(p, texts[i]))
			continue;
		*op = (enum compare_op)i;
		return true;
	}
	return false;
}

/* a op b; a is parsed. */
static bool compare(struct parser *p, struct expr *e, struct expr **out)
{
	static const enum compare_op turned[] = {
		[OP_EQ] = OP_EQ, [OP_NE] = OP_NE, [OP_LT] = OP_GT,
		[OP_LE] = OP_GE, [OP_GT] = OP_LT, [OP_GE] = OP_LE
	};
	struct operand swap;

	if (!parse_next(p) || !operand(p, &e->b))
		return false;
	if (!e->a.is_path) {
		if (!e->b.is_path)
			return query_fail(p->error, CIM_ERR_INVALID_QUERY,
					  "the comparison at character %zu has no property", e->at);
		swap = e->a;
		e->a = e->b;
		e->b = swap;
		e->op = turned[e->op];
	}
	if (e->b.is_path || e->b.lit.kind != L_NULL)
		return true;
	if (e->op != OP_EQ && e->op != OP_NE)
		return query_fail(p->error, CIM_ERR_INVALID_QUERY,
				  "the comparison at character %zu: NULL has no order", e->at);
	e->kind = E_NULL;
	if (e->op == OP_NE)
		*out = negated(p, e);
	return true;
}

static bool like(struct parser *p, struct expr *e)
{
	e->kind = E_LIKE;
	if (p->t.kind != T_STRING)
		return parse_fail(p, "a pattern");
	e->like = like_new(p->a, p->q->lang, p->t.text, p->error);
	return e->like && parse_next(p);
}

static bool isa(struct parser *p, struct expr *e)
{
	e->kind = E_ISA;
	if (p->t.kind != T_NAME && p->t.kind != T_STRING)
		return parse_fail(p, "a class");
	e->class = p->t.text;
	return parse_next(p);
}

/* What may follow a property that is not compared. */
static bool predicate(struct parser *p, struct expr *e, struct expr **out)
{
	bool found, not_;

	if (!parse_take_word(p, "NOT", &not_))
		return false;
	if (parse_is_word(p, "LIKE") || parse_is_word(p, "ISA")) {
		bool is_like = parse_is_word(p, "LIKE");

		if (!parse_next(p) || !(is_like ? like(p, e) : isa(p, e)))
			return false;
		if (not_)
			*out = negated(p, e);
		return true;
	}
	if (not_)
		return parse_fail(p, "LIKE or ISA");
	if (!parse_take_word(p, "IS", &found))
		return false;
	if (!found) {
		e->kind = E_TRUE;
		return true;
	}
	e->kind = E_NULL;
	if (!parse_take_word(p, "NOT", &not_))
		return false;
	if (!parse_is_word(p, "NULL"))
		return parse_fail(p, "NULL");
	if (not_)
		*out = negated(p, e);
	return parse_next(p);
}

static bool comparison(struct parser *p, struct expr **out)
{
	struct expr *e = expr_new(p, E_COMPARE);
	bool any, every = false;

	*out = e;
	if (!parse_take_word(p, "ANY", &any) || (!any && !parse_take_word(p, "EVERY", &every)))
		return false;
	e->quantifier = any ? Q_ANY : every ? Q_EVERY : Q_NONE;
	if (!operand(p, &e->a))
		return false;
	if (comparison_op(p, &e->op))
		return compare(p, e, out);
	if (!e->a.is_path)
		return parse_fail(p, "a comparison");
	return predicate(p, e, out);
}

/* ---- expressions ---- */

static bool factor(struct parser *p, struct expr **out)
{
	bool ok, found;

	if (++p->depth > QUERY_MAX_DEPTH)
		return query_fail(p->error, CIM_ERR_INVALID_QUERY,
				  "the query is nested too deeply");
	if (!parse_take_word(p, "NOT", &found))
		return false;
	if (found) {
		ok = factor(p, out);
		if (ok)
			*out = negated(p, *out);
	} else if (parse_is_symbol(p, "(")) {
		ok = parse_next(p) && parse_expression(p, out) && parse_need_symbol(p, ")");
	} else {
		ok = comparison(p, out);
	}
	p->depth--;
	return ok;
}

/* A row of operands between the same operator, as a tree that leans to the left. */
static bool row(struct parser *p, const char *word, enum expr_kind kind,
		bool (*part)(struct parser *p, struct expr **out), struct expr **out)
{
	bool more = true;

	if (!part(p, out))
		return false;
	while (parse_take_word(p, word, &more) && more) {
		struct expr *e = expr_new(p, kind);

		e->l = *out;
		if (!part(p, &e->r))
			return false;
		*out = e;
	}
	return !more;
}

static bool conjunction(struct parser *p, struct expr **out)
{
	return row(p, "AND", E_AND, factor, out);
}

bool parse_expression(struct parser *p, struct expr **out)
{
	return row(p, "OR", E_OR, conjunction, out);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * parse.c - statements, and the words they are made of.
 *
 *	query = SELECT ( "*" | item { "," item } ) FROM name [ [ AS ] name ] [ WHERE expr ]
 *	item  = path | name "." "*"
 *
 * FQL is the expr alone; see parse-expr.c.
 */
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "query/parser.h"

/* ---- tokens ---- */

bool parse_fail(struct parser *p, const char *wanted)
{
	return query_fail(p->error, CIM_ERR_INVALID_QUERY, "%s is wanted at character %zu, not %s",
			  wanted, p->t.at,
			  p->t.kind == T_END	  ? "the end"
			  : p->t.kind == T_STRING ? "a string"
			  : *p->t.text		  ? p->t.text
						  : "a number");
}

bool parse_unsupported(struct parser *p, const char *what)
{
	return query_fail(p->error, CIM_ERR_QUERY_FEATURE_NOT_SUPPORTED, "%s is not supported",
			  what);
}

bool parse_next(struct parser *p)
{
	return lex_next(&p->lex, &p->t);
}

bool parse_is_word(const struct parser *p, const char *word)
{
	return p->t.kind == T_NAME && !strcasecmp(p->t.text, word);
}

bool parse_is_symbol(const struct parser *p, const char *symbol)
{
	return p->t.kind == T_SYMBOL && !strcmp(p->t.text, symbol);
}

bool parse_take_word(struct parser *p, const char *word, bool *found)
{
	*found = parse_is_word(p, word);
	return *found ? parse_next(p) : true;
}

bool parse_take_symbol(struct parser *p, const char *symbol, bool *found)
{
	*found = parse_is_symbol(p, symbol);
	return *found ? parse_next(p) : true;
}

bool parse_need_symbol(struct parser *p, const char *symbol)
{
	return parse_is_symbol(p, symbol) ? parse_next(p) : parse_fail(p, symbol);
}

bool parse_need_name(struct parser *p, const char *what, const char **name)
{
	if (p->t.kind != T_NAME)
		return parse_fail(p, what);
	*name = p->t.text;
	return parse_next(p);
}

/* ---- SELECT ---- */

struct item {
	struct path path;
	bool star;
	size_t at;
};

typedef VEC(struct item) items_t;

static bool select_list(struct parser *p, items_t *items)
{
	bool more = true;

	if (parse_is_word(p, "DISTINCT") || parse_is_word(p, "FIRST"))
		return parse_unsupported(p, p->t.text);
	while (more) {
		struct item i = { .at = p->t.at };

		if (parse_is_symbol(p, "*")) {
			i.star = true;
			if (!parse_next(p))
				return false;
		} else if (!parse_path(p, &i.path, &i.star)) {
			return false;
		}
		if (parse_is_word(p, "AS"))
			return parse_unsupported(p, "a name for a selected property");
		vec_push(items, i);
		if (!parse_take_symbol(p, ",", &more))
			return false;
	}
	return true;
}

/* The list, now that FROM is known. */
static bool resolve_list(struct parser *p, const items_t *items)
{
	struct query *q = p->q;

	q->names = arena_array(p->a, items->n, sizeof(*q->names));
	q->names_at = arena_array(p->a, items->n, sizeof(*q->names_at));
	for (size_t i = 0; i < items->n; i++) {
		struct path path = items->v[i].path;

		if (path.n && parse_is_from(p, &path.steps[0])) {
			path.steps++;
			path.n--;
		}
		if (items->v[i].star && path.n)
			return parse_unsupported(p, "* of what is not the class after FROM");
		if (items->v[i].star) {
			q->all = true;
			continue;
		}
		if (path.n != 1 || path.steps[0].has_index)
			return parse_unsupported(p, "selecting what is no property of the class");
		q->names[q->n_names] = path.steps[0].name;
		q->names_at[q->n_names++] = items->v[i].at;
	}
	return true;
}

static bool from(struct parser *p)
{
	bool as;

	if (!parse_is_word(p, "FROM"))
		return parse_fail(p, "FROM");
	if (!parse_next(p) || !parse_need_name(p, "a class", &p->q->from) ||
	    !parse_take_word(p, "AS", &as))
		return false;
	if (as || (p->t.kind == T_NAME && !parse_is_word(p, "WHERE") && !parse_is_word(p, "ORDER")))
		if (!parse_need_name(p, "a name", &p->q->alias))
			return false;
	if (parse_is_symbol(p, ","))
		return parse_unsupported(p, "more than one class");
	return true;
}

static void items_done(items_t *items)
{
	vec_done(items);
}

static bool statement(struct parser *p)
{
	CLEANUP(items_done) items_t items = VEC_INIT;
	bool where;

	if (!parse_is_word(p, "SELECT"))
		return parse_fail(p, "SELECT");
	if (!parse_next(p) || !select_list(p, &items) || !from(p) || !resolve_list(p, &items) ||
	    !parse_take_word(p, "WHERE", &where))
		return false;
	if (where && !parse_expression(p, &p->q->where))
		return false;
	if (parse_is_word(p, "ORDER"))
		return parse_unsupported(p, "ORDER BY");
	return true;
}

/* ---- the query ---- */

struct query *query_parse(struct arena *a, enum query_language lang, const char *text,
			  struct query_error *error)
{
	struct parser p = { .lex = { a, text, text, error }, .error = error, .a = a };
	struct query *q = arena_alloc(a, sizeof(*q));

	memset(error, 0, sizeof(*error));
	q->lang = lang;
	q->a = a;
	p.q = q;
	if (strlen(text) > QUERY_MAX_BYTES) {
		query_fail(error, CIM_ERR_INVALID_QUERY, "the query is longer than %zu bytes",
			   QUERY_MAX_BYTES);
		return NULL;
	}
	q->all = lang == QUERY_FQL;
	if (!parse_next(&p) ||
	    !(lang == QUERY_FQL ? parse_expression(&p, &q->where) : statement(&p)))
		return NULL;
	if (p.t.kind != T_END) {
		parse_fail(&p, "the end");
		return NULL;
	}
	return q;
}

bool query_language(const char *name, enum query_language *lang)
{
	static const struct {
		const char *name;
		enum query_language lang;
	} names[] = { { "WQL", QUERY_WQL },
		      { "DMTF:CQL", QUERY_CQL },
		      { "CIM:CQL", QUERY_CQL },
		      { "DMTF:FQL", QUERY_FQL } };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcasecmp(names[i].name, name))
			continue;
		*lang = names[i].lang;
		return true;
	}
	return false;
}

const char *query_from(const struct query *q)
{
	return q->from;
}

bool query_selected(const struct query *q, const char ***names, size_t *n)
{
	*names = q->names;
	*n = q->n_names;
	return !q->all;
}

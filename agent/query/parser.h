// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * parser.h - what parse.c (statements, tokens) and parse-expr.c (what stands after WHERE) share.
 * Functions give false when *p->error says why.
 */
#ifndef QUERY_PARSER_H
#define QUERY_PARSER_H

#include "query/internal.h"

struct parser {
	struct lexer lex;
	struct token t; /* the next one */
	struct query *q;
	struct query_error *error;
	struct arena *a;
	int depth;
};

/* wanted: "a class"; always false. */
bool parse_fail(struct parser *p, const char *wanted);
bool parse_unsupported(struct parser *p, const char *what);
bool parse_next(struct parser *p);
bool parse_is_word(const struct parser *p, const char *word);
bool parse_is_symbol(const struct parser *p, const char *symbol);
/* *found: it was there and is read. */
bool parse_take_word(struct parser *p, const char *word, bool *found);
bool parse_take_symbol(struct parser *p, const char *symbol, bool *found);
bool parse_need_symbol(struct parser *p, const char *symbol);
bool parse_need_name(struct parser *p, const char *what, const char **name);

/* The class of FROM, or its alias, in front stands for the instance: it is no step. */
bool parse_is_from(const struct parser *p, const struct step *s);
/* *star: it ends in ".*", which only a select list may have; NULL: it must not. */
bool parse_path(struct parser *p, struct path *out, bool *star);
bool parse_expression(struct parser *p, struct expr **out);

#endif

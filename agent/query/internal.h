// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * internal.h - what the files of query/ share: tokens, the tree, patterns.
 */
#ifndef QUERY_INTERNAL_H
#define QUERY_INTERNAL_H

#include "query/query.h"

/* ---- lex.c ---- */

enum token_kind {
	T_END,
	T_NAME, /* keywords too: which they are depends on where they stand */
	T_STRING,
	T_INTEGER,
	T_REAL,
	T_SYMBOL /* text is one of ( ) [ ] , . * :: = <> < <= > >= */
};

struct token {
	enum token_kind kind;
	size_t at; /* in the text, for sentences */
	const char *text; /* strings without quotes and escapes */
	bool negative; /* T_INTEGER */
	uint64_t magnitude;
	double real;
};

struct lexer {
	struct arena *a;
	const char *start, *p;
	struct query_error *error;
};

/* False: *l->error says why. */
bool lex_next(struct lexer *l, struct token *t);

/* ---- like.c ---- */

struct like;

/* WQL: % _ [set]; the others: . * + ? [set] and \ before a character. NULL: error. */
struct like *like_new(struct arena *a, enum query_language lang, const char *pattern,
		      struct query_error *error);
/* The whole text. Costs at most the length of the text times that of the pattern, which is at most
 * some hundred; *steps as in query_matches().
 */
bool like_matches(const struct like *l, const char *text, uint64_t *steps);

/* False: there are not so many left, and now none. */
static inline bool query_step(uint64_t *steps, uint64_t nr)
{
	*steps = *steps > nr ? *steps - nr : 0;
	return *steps;
}

/* ---- the tree ---- */

struct step {
	const char *scope; /* Class:: before it, or NULL */
	const struct cim_class *scope_cls;
	const char *name;
	bool has_index;
	uint64_t index;
};

/* The instance itself (no steps), a property, a property of an embedded instance, ... */
struct path {
	struct step *steps;
	size_t n;
};

enum literal_kind {
	L_NULL,
	L_BOOLEAN,
	L_INTEGER,
	L_REAL,
	L_STRING
};

struct literal {
	enum literal_kind kind;
	bool b;
	__int128 i;
	double r;
	const char *str;
	bool is_time; /* the string is a datetime too */
	struct cim_datetime dt;
	const struct cim_path *ref; /* the string is an object path too; NULL: no */
};

struct operand {
	bool is_path;
	struct path path;
	struct literal lit;
};

enum compare_op {
	OP_EQ,
	OP_NE,
	OP_LT,
	OP_LE,
	OP_GT,
	OP_GE
};

enum expr_kind {
	E_AND,
	E_OR,
	E_NOT, /* l */
	E_COMPARE, /* a op b */
	E_LIKE, /* a, like */
	E_ISA, /* a, class */
	E_NULL, /* a */
	E_TRUE /* a is a boolean that is true */
};

enum quantifier {
	Q_NONE,
	Q_ANY,
	Q_EVERY
};

struct expr {
	enum expr_kind kind;
	struct expr *l, *r;
	enum quantifier quantifier; /* a is an array */
	enum compare_op op;
	struct operand a, b;
	const struct like *like;
	const char *class;
	const struct cim_class *cls;
	size_t at;
};

struct query {
	enum query_language lang;
	struct arena *a;
	const char *from, *alias;
	bool all; /* SELECT * */
	const char **names;
	size_t *names_at;
	size_t n_names;
	struct expr *where; /* NULL: all */
};

/* Sets *e unless something else is wrong already; returns false. */
bool query_fail(struct query_error *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif

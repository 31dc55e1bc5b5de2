// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * lex.c - the words of a query.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "query/internal.h"

bool query_fail(struct query_error *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (e->code)
		return false;
	e->code = code;
	va_start(ap, fmt);
	vsnprintf(e->why, sizeof(e->why), fmt, ap);
	va_end(ap);
	return false;
}

static bool fail(struct lexer *l, const char *what)
{
	return query_fail(l->error, CIM_ERR_INVALID_QUERY, "%s at character %zu", what,
			  (size_t)(l->p - l->start) + 1);
}

static bool in_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool name(struct lexer *l, struct token *t)
{
	const char *from = l->p;

	while (in_name(*l->p))
		l->p++;
	t->kind = T_NAME;
	t->text = arena_strndup(l->a, from, (size_t)(l->p - from));
	return true;
}

/* The character after a backslash; 0: not allowed there. */
static char unescaped(char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'r':
		return '\r';
	case '\\':
	case '\'':
	case '"':
		return c;
	default:
		return 0;
	}
}

static bool string(struct lexer *l, struct token *t)
{
	CLEANUP(strbuf_done) struct strbuf b = STRBUF_INIT;
	char quote = *l->p++;

	for (; *l->p != quote; l->p++) {
		if (!*l->p)
			return fail(l, "a string does not end");
		if (*l->p != '\\') {
			strbuf_putc(&b, *l->p);
			continue;
		}
		l->p++;
		if (!unescaped(*l->p))
			return fail(l, "\\ is before what needs none");
		strbuf_putc(&b, unescaped(*l->p));
	}
	l->p++;
	t->kind = T_STRING;
	t->text = arena_strdup(l->a, strbuf_str(&b));
	return true;
}

static bool number(struct lexer *l, struct token *t)
{
	const char *from = l->p, *digits;
	char *end;

	t->negative = *l->p == '-';
	if (*l->p == '-' || *l->p == '+')
		l->p++;
	digits = l->p;
	errno = 0;
	if (*digits == '0' && (digits[1] | 0x20) == 'x' && isxdigit((unsigned char)digits[2])) {
		t->magnitude = strtoull(digits, &end, 16);
		t->kind = T_INTEGER;
	} else {
		/* decimal, whatever strtod takes besides */
		size_t n = strspn(digits, "0123456789");
		bool point = digits[n] == '.' && isdigit((unsigned char)digits[n + 1]);

		if (point || (n && (digits[n] | 0x20) == 'e')) {
			t->real = strtod(from, &end);
			t->kind = T_REAL;
		} else {
			t->magnitude = strtoull(digits, &end, 10);
			t->kind = T_INTEGER;
		}
	}
	if (errno == ERANGE)
		return fail(l, "a number is too large");
	if (end == digits || in_name(*end))
		return fail(l, "this is no number");
	l->p = end;
	return true;
}

static bool symbol(struct lexer *l, struct token *t)
{
	static const struct {
		const char *text, *means;
	} symbols[] = {
		{ "<=", "<=" }, { ">=", ">=" }, { "<>", "<>" }, { "!=", "<>" },
		{ "::", "::" }, { "=", "=" },	{ "<", "<" },	{ ">", ">" },
		{ "(", "(" },	{ ")", ")" },	{ "[", "[" },	{ "]", "]" },
		{ ",", "," },	{ ".", "." },	{ "*", "*" },	{ NULL, NULL },
	};

	for (size_t i = 0; symbols[i].text; i++) {
		size_t n = strlen(symbols[i].text);

		if (strncmp(l->p, symbols[i].text, n))
			continue;
		l->p += n;
		t->kind = T_SYMBOL;
		t->text = symbols[i].means;
		return true;
	}
	return fail(l, "unexpected character");
}

bool lex_next(struct lexer *l, struct token *t)
{
	l->p += strspn(l->p, " \t\r\n");
	memset(t, 0, sizeof(*t));
	t->at = (size_t)(l->p - l->start) + 1;
	t->text = "";
	if (!*l->p)
		return true;
	if (*l->p == '\'' || *l->p == '"')
		return string(l, t);
	if (isdigit((unsigned char)*l->p) ||
	    ((*l->p == '-' || *l->p == '+') && isdigit((unsigned char)l->p[1])))
		return number(l, t);
	if (in_name(*l->p))
		return name(l, t);
	return symbol(l, t);
}

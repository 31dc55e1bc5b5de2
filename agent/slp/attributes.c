// SPDX-License-Identifier: GPL-2.0-or-later
/* attributes.c - see attributes.h. */
#include "slp/attributes.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX 16
#define VALUE_MAX 512 /* a longer one is equal to none */

/* ---- text ---- */

static struct slp_text part(const char *from, const char *to)
{
	return (struct slp_text) { from, (size_t)(to - from) };
}

static struct slp_text trim(struct slp_text t)
{
	while (t.len && isspace((unsigned char)t.s[0]))
		t = (struct slp_text) { t.s + 1, t.len - 1 };
	while (t.len && isspace((unsigned char)t.s[t.len - 1]))
		t.len--;
	return t;
}

/* Up to the next @c of @t, which moves behind it. */
static struct slp_text cut(struct slp_text *t, char c)
{
	const char *end = t->s + t->len, *at = memchr(t->s, c, t->len);
	struct slp_text one = part(t->s, at ? at : end);

	*t = at ? part(at + 1, end) : part(end, end);
	return one;
}

struct slp_text slp_next_item(struct slp_text *list)
{
	return trim(cut(list, ','));
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Small letters, "\2a" as what it means, one blank for many. False: too long. */
static bool fold(struct slp_text t, char out[VALUE_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < t.len; i++) {
		char c = t.s[i];

		if (c == '\\' && i + 2 < t.len && hex(t.s[i + 1]) >= 0 && hex(t.s[i + 2]) >= 0) {
			c = (char)(hex(t.s[i + 1]) << 4 | hex(t.s[i + 2]));
			i += 2;
		} else if (isspace((unsigned char)c)) {
			if (n && out[n - 1] == ' ')
				continue;
			c = ' ';
		}
		if (!c || n == VALUE_MAX - 1)
			return false;
		out[n++] = (char)tolower((unsigned char)c);
	}
	out[n] = '\0';
	return true;
}

/* @pattern has a "*" for anything. */
static bool like(struct slp_text pattern, struct slp_text text)
{
	char value[VALUE_MAX], piece[VALUE_MAX];
	const char *at = value;
	bool first = true;

	if (!fold(text, value))
		return false;
	for (;;) {
		bool last = !memchr(pattern.s, '*', pattern.len);
		struct slp_text p = cut(&pattern, '*');
		size_t len;

		if (!fold(p, piece))
			return false;
		len = strlen(piece);
		if (last && first)
			return !strcmp(at, piece);
		if (last)
			return strlen(at) >= len && !strcmp(at + strlen(at) - len, piece);
		if (first ? !!strncmp(at, piece, len) : !(at = strstr(at, piece)))
			return false;
		at += len;
		first = false;
	}
}

/* ---- attributes ---- */

bool slp_next_attribute(const char **list, struct slp_attribute *a)
{
	const char *begin = strchr(*list, '('), *end = begin ? strchr(begin, ')') : NULL;
	struct slp_text inner;

	if (!end)
		return false;
	a->whole = part(begin, end + 1);
	inner = part(begin + 1, end);
	a->tag = trim(cut(&inner, '='));
	a->values = inner;
	*list = end + 1;
	return true;
}

bool slp_tag_wanted(struct slp_text tags, struct slp_text tag)
{
	if (!trim(tags).len)
		return true;
	while (tags.len)
		if (like(slp_next_item(&tags), tag))
			return true;
	return false;
}

/* ---- predicates ---- */

struct filter {
	const char *at, *end;
	const char *attributes;
	unsigned int depth;
};

static bool number(const char *s, long *n)
{
	char *end;

	errno = 0;
	*n = strtol(s, &end, 10);
	return end != s && !*end && !errno;
}

/* op is '<' or '>', "or equal". */
static bool ordered(struct slp_text value, char op, struct slp_text wanted)
{
	char a[VALUE_MAX], b[VALUE_MAX];
	long m, n;
	int order;

	if (!fold(value, a) || !fold(wanted, b))
		return false;
	if (number(a, &m) && number(b, &n))
		order = m < n ? -1 : m > n;
	else
		order = strcmp(a, b);
	return op == '<' ? order <= 0 : order >= 0;
}

static bool one_holds(struct slp_attribute a, char op, struct slp_text wanted)
{
	if (op == '=' && wanted.len == 1 && *wanted.s == '*')
		return true;
	do {
		struct slp_text value = slp_next_item(&a.values);

		if (op == '=' ? like(wanted, value) : ordered(value, op, wanted))
			return true;
	} while (a.values.len);
	return false;
}

/* "tag=value", "tag~=value", "tag<=value" or "tag>=value" */
static enum slp_match item(struct filter *f, struct slp_text text)
{
	const char *equal = memchr(text.s, '=', text.len), *list = f->attributes;
	struct slp_text tag, wanted;
	struct slp_attribute a;
	char op = '=';

	if (!equal)
		return SLP_MATCH_BAD;
	wanted = trim(part(equal + 1, text.s + text.len));
	if (equal > text.s && memchr("<>~", equal[-1], 3)) {
		equal--;
		op = *equal == '~' ? '=' : *equal;
	}
	tag = trim(part(text.s, equal));
	if (!tag.len || memchr(text.s, '(', text.len))
		return SLP_MATCH_BAD;
	while (slp_next_attribute(&list, &a))
		if (a.tag.len == tag.len && !strncasecmp(a.tag.s, tag.s, tag.len) &&
		    one_holds(a, op, wanted))
			return SLP_MATCH_YES;
	return SLP_MATCH_NO;
}

static void skip_blanks(struct filter *f)
{
	while (f->at < f->end && isspace((unsigned char)*f->at))
		f->at++;
}

static bool take(struct filter *f, char c)
{
	skip_blanks(f);
	if (f->at == f->end || *f->at != c)
		return false;
	f->at++;
	return true;
}

static enum slp_match filter(struct filter *f);

/* Behind "(&", "(|" or "(!": all of them, as each must be well-formed. */
static enum slp_match several(struct filter *f, char op)
{
	bool all = true, any = false;
	unsigned int nr = 0;

	do {
		enum slp_match m = filter(f);

		if (m == SLP_MATCH_BAD)
			return m;
		all = all && m == SLP_MATCH_YES;
		any = any || m == SLP_MATCH_YES;
		nr++;
		skip_blanks(f);
	} while (f->at < f->end && *f->at == '(');
	if (op == '!')
		return nr > 1 ? SLP_MATCH_BAD : any ? SLP_MATCH_NO : SLP_MATCH_YES;
	return (op == '&' ? all : any) ? SLP_MATCH_YES : SLP_MATCH_NO;
}

static enum slp_match filter(struct filter *f)
{
	enum slp_match m;
	const char *end;

	if (f->depth == DEPTH_MAX || !take(f, '('))
		return SLP_MATCH_BAD;
	f->depth++;
	skip_blanks(f);
	if (f->at < f->end && memchr("&|!", *f->at, 3)) {
		char op = *f->at++;

		m = several(f, op);
	} else {
		end = memchr(f->at, ')', (size_t)(f->end - f->at));
		m = end ? item(f, part(f->at, end)) : SLP_MATCH_BAD;
		f->at = end ? end : f->end;
	}
	f->depth--;
	return take(f, ')') ? m : SLP_MATCH_BAD;
}

enum slp_match slp_predicate(struct slp_text predicate, const char *attributes)
{
	struct filter f = { .at = predicate.s,
			    .end = predicate.s + predicate.len,
			    .attributes = attributes };
	enum slp_match m;

	skip_blanks(&f);
	if (f.at == f.end)
		return SLP_MATCH_YES;
	m = filter(&f);
	skip_blanks(&f);
	return f.at == f.end ? m : SLP_MATCH_BAD;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * like.c - patterns of LIKE. A pattern is a row of items, each one character long and maybe
 * repeated; matching keeps the set of items that the text may have come to, so no pattern takes
 * more than the length of the text times its own, of which there is a limit.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "query/internal.h"

#define MAX_ITEMS  256
#define MAX_RANGES 256 /* of all sets together */

struct item {
	bool any; /* any character */
	bool set, negated; /* one of ranges */
	uint32_t c;
	size_t ranges, n_ranges; /* in like->ranges */
	bool optional, repeated; /* ? * +: both of them is * */
};

struct range {
	uint32_t from, to;
};

struct like {
	struct item *items;
	size_t n;
	struct range *ranges;
	size_t n_ranges;
};

struct compile {
	const char *p;
	bool sql; /* the pattern is of WQL */
	struct query_error *error;
	VEC(struct item) items;
	VEC(struct range) ranges;
};

/* One character of UTF-8; a byte that is none stands for itself. */
static uint32_t character(const char **p)
{
	const unsigned char *s = (const unsigned char *)*p;
	int more = s[0] >= 0xf0 ? 3 : s[0] >= 0xe0 ? 2 : s[0] >= 0xc0 ? 1 : 0;
	uint32_t c = more ? s[0] & (0x3fu >> more) : s[0];

	for (int i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80) {
			*p += 1;
			return s[0];
		}
		c = c << 6 | (s[i] & 0x3f);
	}
	*p += 1 + more;
	return c;
}

static bool fail(struct compile *c, const char *what)
{
	return query_fail(c->error, CIM_ERR_INVALID_QUERY, "pattern: %s", what);
}

static bool too_long(struct compile *c)
{
	return query_fail(c->error, CIM_ERR_SERVER_LIMITS_EXCEEDED,
			  "a pattern has more than %d characters, or %d in its sets", MAX_ITEMS,
			  MAX_RANGES);
}

/* After "[": [abc], [a-z], [^a]. */
static bool set(struct compile *c, struct item *i)
{
	i->set = true;
	i->ranges = c->ranges.n;
	if (*c->p == '^') {
		i->negated = true;
		c->p++;
	}
	while (*c->p != ']') {
		struct range r;

		if (!*c->p)
			return fail(c, "[ has no end");
		if (*c->p == '\\' && c->p[1])
			c->p++;
		r.from = r.to = character(&c->p);
		if (*c->p == '-' && c->p[1] && c->p[1] != ']') {
			c->p++;
			r.to = character(&c->p);
			if (r.to < r.from)
				return fail(c, "the end of a range is before its beginning");
		}
		if (c->ranges.n == MAX_RANGES)
			return too_long(c);
		vec_push(&c->ranges, r);
	}
	c->p++;
	i->n_ranges = c->ranges.n - i->ranges;
	return i->n_ranges ? true : fail(c, "[] is empty");
}

static bool repetition(struct compile *c, char what)
{
	struct item *last = c->items.n ? &c->items.v[c->items.n - 1] : NULL;

	if (!last || last->optional || last->repeated)
		return fail(c, "nothing to repeat");
	last->optional = what != '+';
	last->repeated = what != '?';
	return true;
}

static bool sql_item(struct compile *c, struct item *i)
{
	char here = *c->p;

	if (here == '%' || here == '_') {
		c->p++;
		i->any = true;
		i->optional = i->repeated = here == '%';
		return true;
	}
	if (here == '[') {
		c->p++;
		return set(c, i);
	}
	i->c = character(&c->p);
	return true;
}

static bool regex_item(struct compile *c, struct item *i)
{
	switch (*c->p) {
	case '(':
	case ')':
	case '|':
	case '{':
	case '}':
		return query_fail(c->error, CIM_ERR_QUERY_FEATURE_NOT_SUPPORTED,
				  "pattern: %c is not supported", *c->p);
	case '.':
		c->p++;
		i->any = true;
		return true;
	case '[':
		c->p++;
		return set(c, i);
	case '\\':
		c->p++;
		if (!*c->p)
			return fail(c, "\\ is at the end");
		break;
	default:
		break;
	}
	i->c = character(&c->p);
	return true;
}

static bool is_rest(const struct item *i)
{
	return i->any && i->optional && i->repeated;
}

/* Any characters twice are any characters: %% is %, .*.* is .* */
static void join_rests(struct compile *c)
{
	size_t n = c->items.n;

	if (n > 1 && is_rest(&c->items.v[n - 1]) && is_rest(&c->items.v[n - 2]))
		c->items.n--;
}

static bool compile(struct compile *c)
{
	if (!c->sql && *c->p == '^')
		c->p++;
	while (*c->p) {
		struct item i = { 0 };

		if (!c->sql && *c->p == '$' && !c->p[1]) {
			c->p++;
			break;
		}
		if (!c->sql && strchr("*+?", *c->p)) {
			if (!repetition(c, *c->p++))
				return false;
			join_rests(c);
			continue;
		}
		if (c->items.n == MAX_ITEMS)
			return too_long(c);
		if (!(c->sql ? sql_item(c, &i) : regex_item(c, &i)))
			return false;
		vec_push(&c->items, i);
		join_rests(c);
	}
	return true;
}

static void compile_done(struct compile *c)
{
	vec_done(&c->items);
	vec_done(&c->ranges);
}

struct like *like_new(struct arena *a, enum query_language lang, const char *pattern,
		      struct query_error *error)
{
	CLEANUP(compile_done)
	struct compile c = { .p = pattern, .sql = lang == QUERY_WQL, .error = error };
	struct like *l;

	if (!compile(&c))
		return NULL;
	l = arena_alloc(a, sizeof(*l));
	l->n = c.items.n;
	l->n_ranges = c.ranges.n;
	l->items = arena_array(a, c.items.n, sizeof(*l->items));
	l->ranges = arena_array(a, c.ranges.n, sizeof(*l->ranges));
	if (c.items.n)
		memcpy(l->items, c.items.v, c.items.n * sizeof(*l->items));
	if (c.ranges.n)
		memcpy(l->ranges, c.ranges.v, c.ranges.n * sizeof(*l->ranges));
	return l;
}

static bool fits(const struct like *l, const struct item *i, uint32_t c)
{
	bool in = false;

	if (i->any)
		return true;
	if (!i->set)
		return i->c == c;
	for (size_t k = 0; k < i->n_ranges && !in; k++)
		in = c >= l->ranges[i->ranges + k].from && c <= l->ranges[i->ranges + k].to;
	return in != i->negated;
}

/* State k: the items before k are matched. None is set outside of first to last. */
struct states {
	size_t first, last; /* first > last: none */
	bool set[MAX_ITEMS + 1];
};

static void clear(struct states *s, size_t n)
{
	memset(s->set, 0, n + 1);
	s->first = n + 1;
	s->last = 0;
}

/* With k, those that are reached without a character. */
static void reach(const struct like *l, struct states *s, size_t k)
{
	if (k < s->first)
		s->first = k;
	while (!s->set[k]) {
		s->set[k] = true;
		if (k > s->last)
			s->last = k;
		if (k == l->n || !l->items[k].optional)
			return;
		k++;
	}
}

/* From all states of now, by the character c. */
static void advance(const struct like *l, const struct states *now, struct states *next, uint32_t c)
{
	clear(next, l->n);
	for (size_t k = now->first; k <= now->last && k < l->n; k++) {
		if (!now->set[k] || !fits(l, &l->items[k], c))
			continue;
		if (l->items[k].repeated)
			reach(l, next, k); /* once is enough from here on, whether * or + */
		reach(l, next, k + 1);
	}
}

bool like_matches(const struct like *l, const char *text, uint64_t *steps)
{
	struct states both[2], *now = &both[0], *next = &both[1];

	clear(now, l->n);
	reach(l, now, 0);
	while (*text && now->first <= now->last) {
		struct states *swap = now;

		if (!query_step(steps, now->last - now->first + 1 + l->n_ranges))
			return false;
		advance(l, now, next, character(&text));
		now = next;
		next = swap;
	}
	return !*text && now->set[l->n];
}

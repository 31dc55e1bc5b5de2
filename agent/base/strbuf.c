// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * strbuf.c - see strbuf.h. Owned by its holder; not locked.
 */
#include "base/strbuf.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define MIN_BYTES 256

void strbuf_done(struct strbuf *b)
{
	free(b->buf);
	*b = (struct strbuf)STRBUF_INIT;
}

void strbuf_reset(struct strbuf *b)
{
	b->len = 0;
	if (b->buf)
		b->buf[0] = '\0';
}

void strbuf_reserve(struct strbuf *b, size_t len)
{
	size_t need, cap = b->cap ? b->cap : MIN_BYTES;

	if (__builtin_add_overflow(b->len, len, &need) || __builtin_add_overflow(need, 1, &need))
		abort();
	if (need <= b->cap)
		return;
	while (cap < need) {
		if (__builtin_mul_overflow(cap, 2, &cap))
			abort();
	}
	b->buf = xreallocarray(b->buf, cap, 1);
	b->cap = cap;
}

void strbuf_vprintf(struct strbuf *b, const char *fmt, va_list ap)
{
	va_list again;
	int len;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	if (len < 0)
		abort();
	strbuf_reserve(b, (size_t)len);
	vsnprintf(b->buf + b->len, (size_t)len + 1, fmt, again);
	va_end(again);
	b->len += (size_t)len;
}

void strbuf_printf(struct strbuf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_vprintf(b, fmt, ap);
	va_end(ap);
}

void strbuf_u64(struct strbuf *b, unsigned long long v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	strbuf_add(b, digits + at, sizeof(digits) - at);
}

const char *strbuf_str(const struct strbuf *b)
{
	return b->buf ? b->buf : "";
}

char *strbuf_take(struct strbuf *b)
{
	char *s = b->buf ? b->buf : xstrdup("");

	*b = (struct strbuf)STRBUF_INIT;
	return s;
}

/* Length of the well-formed UTF-8 character that XML 1.0 may carry at s, 0 if there is none. */
static size_t xml_char(const unsigned char *s)
{
	if (s[0] < 0x80)
		return s[0] >= 0x20 || s[0] == '\t' || s[0] == '\n' || s[0] == '\r';
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		return (s[1] & 0xc0) == 0x80 ? 2 : 0;
	if ((s[0] & 0xf0) == 0xe0) {
		if ((s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80)
			return 0;
		if (s[0] == 0xe0 && s[1] < 0xa0)
			return 0; /* overlong */
		if (s[0] == 0xed && s[1] > 0x9f)
			return 0; /* surrogates */
		if (s[0] == 0xef && s[1] == 0xbf && s[2] >= 0xbe)
			return 0; /* U+FFFE, U+FFFF */
		return 3;
	}
	if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		if ((s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80 || (s[3] & 0xc0) != 0x80)
			return 0;
		if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
			return 0;
		return 4;
	}
	return 0;
}

static const char *xml_entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\r':
		return "&#13;"; /* else turned into a newline by the reader */
	case '\n':
		return "&#10;"; /* else a blank inside attributes */
	case '\t':
		return "&#9;";
	default:
		return NULL;
	}
}

/* ASCII that is written as it is; 0 for the end, for what is escaped, and for what needs a look. */
static const unsigned char plain[256] = {
	[' ' ... '!'] = 1, ['#' ... '%'] = 1, ['\'' ... ';'] = 1, ['='] = 1, ['?' ... 0x7f] = 1,
};

typedef unsigned char block __attribute__((vector_size(16)));

/* All of the bytes at s are plain. */
static inline bool plain_block(const char *s)
{
	typedef unsigned long long half __attribute__((vector_size(16)));
	block v, bad;
	half h;

	memcpy(&v, s, sizeof(v));
	bad = (block)((v < ' ') | (v > 0x7f) | (v == '"') | (v == '&') | (v == '<') | (v == '>'));
	h = (half)bad;
	return !(h[0] | h[1]);
}

void strbuf_xml(struct strbuf *b, const char *s)
{
	const char *run = s, *end = s + strlen(s);

	for (;;) {
		size_t len;
		const char *ent;

		while ((size_t)(end - s) >= sizeof(block) && plain_block(s))
			s += sizeof(block);
		while (plain[(unsigned char)*s])
			s++;
		if (s == end)
			break;
		len = xml_char((const unsigned char *)s);
		ent = len == 1 ? xml_entity(*s) : NULL;
		if (len && !ent) {
			s += len;
			continue;
		}
		strbuf_add(b, run, (size_t)(s - run));
		strbuf_puts(b, len ? ent : "\xef\xbf\xbd"); /* U+FFFD */
		run = ++s;
	}
	strbuf_add(b, run, (size_t)(s - run));
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * strbuf.h - a growable byte string, always NUL terminated once something was added.
 *
 * All XML, JSON and text of the agent is built on it. Not shared between threads.
 */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

struct strbuf {
	char *buf; /* NULL until something is added */
	size_t len;
	size_t cap;
};

#define STRBUF_INIT        \
	{                  \
		NULL, 0, 0 \
	}

/* Frees the memory; the strbuf may be used again. */
void strbuf_done(struct strbuf *b);
/* Empties, keeps the memory. */
void strbuf_reset(struct strbuf *b);
/* Makes room for len more bytes and the NUL. */
void strbuf_reserve(struct strbuf *b, size_t len);

/* Inline, for an answer is made of some ten thousand small pieces, most of them literals. */
static inline void strbuf_add(struct strbuf *b, const void *data, size_t len)
{
	if (b->cap <= b->len || b->cap - b->len <= len)
		strbuf_reserve(b, len);
	if (len)
		memcpy(b->buf + b->len, data, len);
	b->len += len;
	b->buf[b->len] = '\0';
}

static inline void strbuf_puts(struct strbuf *b, const char *s)
{
	strbuf_add(b, s, strlen(s));
}

static inline void strbuf_putc(struct strbuf *b, char c)
{
	strbuf_add(b, &c, 1);
}

void strbuf_printf(struct strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vprintf(struct strbuf *b, const char *fmt, va_list ap);
void strbuf_u64(struct strbuf *b, unsigned long long v);
/* Never NULL; valid until the next change. */
const char *strbuf_str(const struct strbuf *b);
/* Hands the string to the caller, who frees it; the strbuf is empty afterwards. Never NULL. */
char *strbuf_take(struct strbuf *b);
/* XML text and attribute values: & < > " and control characters that XML cannot carry. */
void strbuf_xml(struct strbuf *b, const char *s);

#endif

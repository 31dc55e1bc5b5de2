// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * value.c - CIM types and the text form of scalar values. Pure functions.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "cim/cim.h"
#include "cim/class.h"

static const char *const type_names[] = {
	[CIM_NONE] = "string",	       [CIM_BOOLEAN] = "boolean", [CIM_UINT8] = "uint8",
	[CIM_UINT16] = "uint16",       [CIM_UINT32] = "uint32",	  [CIM_UINT64] = "uint64",
	[CIM_SINT8] = "sint8",	       [CIM_SINT16] = "sint16",	  [CIM_SINT32] = "sint32",
	[CIM_SINT64] = "sint64",       [CIM_REAL32] = "real32",	  [CIM_REAL64] = "real64",
	[CIM_CHAR16] = "char16",       [CIM_STRING] = "string",	  [CIM_DATETIME] = "datetime",
	[CIM_REFERENCE] = "reference", [CIM_INSTANCE] = "string",
};

const char *cim_type_name(enum cim_type t)
{
	return type_names[t];
}

enum cim_type cim_type_parse(const char *name)
{
	for (int t = CIM_BOOLEAN; t <= CIM_REFERENCE; t++)
		if (!strcasecmp(name, type_names[t]))
			return (enum cim_type)t;
	return CIM_NONE;
}

bool cim_type_is_uint(enum cim_type t)
{
	return t >= CIM_UINT8 && t <= CIM_UINT64;
}

bool cim_type_is_sint(enum cim_type t)
{
	return t >= CIM_SINT8 && t <= CIM_SINT64;
}

enum cim_type cim_value_type(enum cim_type declared, const char *embedded)
{
	return embedded ? CIM_INSTANCE : declared;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int parse_bool(const char *s, size_t len, struct cim_datum *out)
{
	if (len == 4 && !strncasecmp(s, "true", 4))
		out->b = true;
	else if (len == 5 && !strncasecmp(s, "false", 5))
		out->b = false;
	else
		return -EINVAL;
	return 0;
}

/* Sign, then decimal digits or 0x and hexadecimal ones; nothing else. */
static int parse_int(const char *s, size_t len, bool *neg, uint64_t *mag)
{
	unsigned int base = 10;
	size_t i = 0;

	*neg = false;
	*mag = 0;
	if (i < len && (s[i] == '+' || s[i] == '-'))
		*neg = s[i++] == '-';
	if (len - i > 2 && s[i] == '0' && (s[i + 1] | 0x20) == 'x') {
		base = 16;
		i += 2;
	}
	if (i == len)
		return -EINVAL;
	for (; i < len; i++) {
		char c = s[i];
		unsigned int digit;

		if (c >= '0' && c <= '9')
			digit = (unsigned int)(c - '0');
		else if (base == 16 && (c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (unsigned int)((c | 0x20) - 'a') + 10;
		else
			return -EINVAL;
		if (__builtin_mul_overflow(*mag, base, mag) ||
		    __builtin_add_overflow(*mag, digit, mag))
			return -ERANGE;
	}
	return 0;
}

static int parse_uint(enum cim_type t, const char *s, size_t len, struct cim_datum *out)
{
	static const uint64_t max[] = { UINT8_MAX, UINT16_MAX, UINT32_MAX, UINT64_MAX };
	uint64_t mag;
	bool neg;
	int r = parse_int(s, len, &neg, &mag);

	if (r)
		return r;
	if ((neg && mag) || mag > max[t - CIM_UINT8])
		return -ERANGE;
	out->u = mag;
	return 0;
}

static int parse_sint(enum cim_type t, const char *s, size_t len, struct cim_datum *out)
{
	static const int64_t max[] = { INT8_MAX, INT16_MAX, INT32_MAX, INT64_MAX };
	uint64_t mag, lim = (uint64_t)max[t - CIM_SINT8];
	bool neg;
	int r = parse_int(s, len, &neg, &mag);

	if (r)
		return r;
	if (mag > lim + (neg ? 1 : 0))
		return -ERANGE;
	out->i = neg ? (int64_t)(0 - mag) : (int64_t)mag;
	return 0;
}

static int parse_real(const char *s, size_t len, struct cim_datum *out)
{
	char text[64], *end;

	if (!len || len >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, len);
	text[len] = '\0';
	out->r = strtod(text, &end);
	return *end ? -EINVAL : 0;
}

static bool is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* One UTF-8 character of the basic plane, in its shortest form and no half of a surrogate pair
 * (RFC 3629 section 3): libxml2 has checked what comes as XML, but not the keys of a path's text.
 */
static int parse_char(const char *text, struct cim_datum *out)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t len = strlen(text);
	unsigned int c, least;

	if (len == 1 && s[0] < 0x80) {
		c = s[0];
		least = 0;
	} else if (len == 2 && (s[0] & 0xe0) == 0xc0 && is_continuation(s[1])) {
		c = (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
		least = 0x80;
	} else if (len == 3 && (s[0] & 0xf0) == 0xe0 && is_continuation(s[1]) &&
		   is_continuation(s[2])) {
		c = (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
		least = 0x800;
	} else {
		return -EINVAL;
	}
	if (c < least || (c >= 0xd800 && c <= 0xdfff))
		return -EINVAL;
	out->u = c;
	return 0;
}

int cim_datum_parse(struct arena *a, enum cim_type t, const char *text, struct cim_datum *out)
{
	const char *s = text;
	size_t len = strlen(text);

	memset(out, 0, sizeof(*out));
	if (t == CIM_STRING || t == CIM_NONE) {
		out->str = arena_strndup(a, text, len);
		return 0;
	}
	if (t == CIM_CHAR16)
		return parse_char(text, out);
	while (len && is_blank(*s))
		s++, len--;
	while (len && is_blank(s[len - 1]))
		len--;
	if (t == CIM_BOOLEAN)
		return parse_bool(s, len, out);
	if (cim_type_is_uint(t))
		return parse_uint(t, s, len, out);
	if (cim_type_is_sint(t))
		return parse_sint(t, s, len, out);
	if (t == CIM_REAL32 || t == CIM_REAL64)
		return parse_real(s, len, out);
	if (t == CIM_DATETIME)
		return cim_datetime_parse(arena_strndup(a, s, len), &out->dt);
	return -EINVAL;
}

static void print_char(struct strbuf *b, uint64_t u)
{
	if (u < 0x80) {
		strbuf_putc(b, (char)u);
	} else if (u < 0x800) {
		strbuf_putc(b, (char)(0xc0 | u >> 6));
		strbuf_putc(b, (char)(0x80 | (u & 0x3f)));
	} else {
		strbuf_putc(b, (char)(0xe0 | (u >> 12 & 0xf)));
		strbuf_putc(b, (char)(0x80 | (u >> 6 & 0x3f)));
		strbuf_putc(b, (char)(0x80 | (u & 0x3f)));
	}
}

void cim_datum_print(struct strbuf *b, enum cim_type t, const struct cim_datum *d)
{
	char dt[CIM_DATETIME_LEN + 1];

	switch (t) {
	case CIM_BOOLEAN:
		strbuf_puts(b, d->b ? "TRUE" : "FALSE");
		break;
	case CIM_UINT8:
	case CIM_UINT16:
	case CIM_UINT32:
	case CIM_UINT64:
		strbuf_u64(b, d->u);
		break;
	case CIM_SINT8:
	case CIM_SINT16:
	case CIM_SINT32:
	case CIM_SINT64:
		strbuf_printf(b, "%lld", (long long)d->i);
		break;
	case CIM_REAL32:
		strbuf_printf(b, "%.9g", d->r);
		break;
	case CIM_REAL64:
		strbuf_printf(b, "%.17g", d->r);
		break;
	case CIM_CHAR16:
		print_char(b, d->u);
		break;
	case CIM_STRING:
	case CIM_NONE:
		strbuf_puts(b, d->str ? d->str : "");
		break;
	case CIM_DATETIME:
		cim_datetime_print(&d->dt, dt);
		strbuf_puts(b, dt);
		break;
	case CIM_REFERENCE:
	case CIM_INSTANCE:
		break;
	}
}

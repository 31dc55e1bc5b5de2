// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * message.c - see message.h. A request that came by multicast is answered only when there is
 * something to say (RFC 2608, 7): errors are for those who asked this host alone.
 */
#include "slp/message.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "slp/attributes.h"

#define VERSION	      2
#define HEAD_BYTES    14 /* without the language */
#define FLAG_OVERFLOW 0x80
#define ANY_AUTHORITY 0xffff
#define SERVICE	      "service:wbem"
#define SCOPE	      "default"

enum function {
	SRV_RQST = 1,
	SRV_RPLY = 2,
	ATTR_RQST = 6,
	ATTR_RPLY = 7,
	SRV_TYPE_RQST = 9,
	SRV_TYPE_RPLY = 10,
	SA_ADVERT = 11,
};

enum error {
	ERROR_NONE = 0,
	ERROR_PARSE = 2,
	ERROR_SCOPE = 4,
	ERROR_VERSION = 9,
	ERROR_NOT_SUPPORTED = 14,
};

struct in {
	const uint8_t *at, *end;
	bool bad;
};

struct out {
	uint8_t *buf;
	size_t len;
	bool full;
};

/* ---- reading and writing ---- */

static unsigned int get_u16(struct in *i)
{
	unsigned int v;

	if (i->end - i->at < 2) {
		i->bad = true;
		return 0;
	}
	v = (unsigned int)i->at[0] << 8 | i->at[1];
	i->at += 2;
	return v;
}

static struct slp_text get_bytes(struct in *i, size_t len)
{
	struct slp_text s = { (const char *)i->at, len };

	if ((size_t)(i->end - i->at) < len) {
		i->bad = true;
		return (struct slp_text) { "", 0 };
	}
	i->at += len;
	return s;
}

static struct slp_text get_str(struct in *i)
{
	return get_bytes(i, get_u16(i));
}

static void put(struct out *o, const void *data, size_t len)
{
	if (SLP_MAX_BYTES - o->len < len) {
		o->full = true;
		return;
	}
	if (!len)
		return;
	memcpy(o->buf + o->len, data, len);
	o->len += len;
}

static void put_u16(struct out *o, size_t v)
{
	put(o, (const uint8_t[]) { (uint8_t)(v >> 8), (uint8_t)v }, 2);
}

static void put_str(struct out *o, const char *s)
{
	put_u16(o, strlen(s));
	put(o, s, strlen(s));
}

/* ---- comparing ---- */

static bool is(struct slp_text s, const char *text)
{
	return s.len == strlen(text) && !strncasecmp(s.s, text, s.len);
}

/* Is @text one of the list, which commas divide? */
static bool in_list(struct slp_text list, const char *text)
{
	while (list.len)
		if (is(slp_next_item(&list), text))
			return true;
	return false;
}

/* "service:wbem" and each kind of it, "service:wbem:https" */
static bool our_type(const struct slp_service *s, struct slp_text type)
{
	char kind[64];

	if (is(type, SERVICE))
		return true;
	for (int i = 0; i < 2; i++) {
		const char *url = s->urls[i];

		if (!url)
			continue;
		snprintf(kind, sizeof(kind), SERVICE ":%.*s", (int)strcspn(url, ":"), url);
		if (is(type, kind))
			return true;
	}
	return false;
}

static bool our_url(const struct slp_service *s, struct slp_text url)
{
	char full[256];

	for (int i = 0; i < 2; i++) {
		snprintf(full, sizeof(full), SERVICE ":%s", s->urls[i] ? s->urls[i] : "");
		if (s->urls[i] && is(url, full))
			return true;
	}
	return our_type(s, url);
}

/* ---- answers ---- */

struct request {
	unsigned int function, xid;
	struct slp_text language;
	bool multicast;
};

static void begin(struct out *o, const struct request *r, enum function function)
{
	put(o, (const uint8_t[]) { VERSION, (uint8_t)function, 0, 0, 0, 0, 0, 0, 0, 0 }, 10);
	put_u16(o, r->xid);
	put_u16(o, r->language.len);
	put(o, r->language.s, r->language.len);
}

/* What does not fit is left out whole, and said to be (RFC 2608, 7). */
static size_t end(struct out *o, size_t body_at)
{
	if (o->full) {
		o->buf[5] = FLAG_OVERFLOW;
		memset(o->buf + body_at, 0, 4);
		o->len = body_at + 4;
	}
	o->buf[3] = (uint8_t)(o->len >> 8);
	o->buf[4] = (uint8_t)o->len;
	return o->len;
}

static size_t only_error(struct out *o, const struct request *r, enum error error)
{
	static const uint8_t replies[] = {
		[SRV_RQST] = SRV_RPLY, [ATTR_RQST] = ATTR_RPLY, [SRV_TYPE_RQST] = SRV_TYPE_RPLY
	};
	size_t at;

	if (r->multicast || r->function >= sizeof(replies) || !replies[r->function])
		return 0;
	begin(o, r, replies[r->function]);
	at = o->len;
	put_u16(o, error);
	put_u16(o, 0);
	return end(o, at);
}

static size_t service_agent(struct out *o, const struct request *r, const struct slp_service *s)
{
	char url[128];
	size_t at;

	snprintf(url, sizeof(url), "service:service-agent://%s", s->address);
	begin(o, r, SA_ADVERT);
	at = o->len;
	put_str(o, url);
	put_str(o, SCOPE);
	put_str(o, "(service-type=" SERVICE ")");
	put(o, "", 1);
	return end(o, at);
}

static void put_url(struct out *o, const struct slp_service *s, const char *url)
{
	char full[256];

	snprintf(full, sizeof(full), SERVICE ":%s", url);
	put(o, "", 1);
	put_u16(o, s->lifetime_s);
	put_str(o, full);
	put(o, "", 1);
}

/* "service:wbem:https" wants the URLs of that kind only. */
static bool wanted(struct slp_text type, const char *url)
{
	size_t prefix = strlen(SERVICE ":"), n = type.len > prefix ? type.len - prefix : 0;

	return url && (!n || (!strncasecmp(type.s + prefix, url, n) && url[n] == ':'));
}

static size_t services(struct out *o, const struct request *r, const struct slp_service *s,
		       struct slp_text type)
{
	size_t at, nr = 0;

	for (int i = 0; i < 2; i++)
		nr += wanted(type, s->urls[i]);
	begin(o, r, SRV_RPLY);
	at = o->len;
	put_u16(o, ERROR_NONE);
	put_u16(o, nr);
	for (int i = 0; i < 2; i++)
		if (wanted(type, s->urls[i]))
			put_url(o, s, s->urls[i]);
	return end(o, at);
}

static bool our_scope(struct slp_text scopes)
{
	return in_list(scopes, SCOPE);
}

static size_t srv_rqst(struct in *in, struct out *o, const struct request *r,
		       const struct slp_service *s)
{
	struct slp_text previous = get_str(in), type = get_str(in), scopes = get_str(in);
	struct slp_text predicate = get_str(in);
	enum slp_match match;

	get_str(in); /* SPI: nothing is signed here */
	if (in->bad)
		return only_error(o, r, ERROR_PARSE);
	if (r->multicast && in_list(previous, s->address))
		return 0;
	if (is(type, "service:service-agent"))
		return scopes.len && !our_scope(scopes) ? 0 : service_agent(o, r, s);
	if (!our_scope(scopes))
		return only_error(o, r, ERROR_SCOPE);
	if (!our_type(s, type))
		return only_error(o, r, ERROR_NONE);
	match = slp_predicate(predicate, s->attributes);
	if (match == SLP_MATCH_YES)
		return services(o, r, s, type);
	return only_error(o, r, match == SLP_MATCH_BAD ? ERROR_PARSE : ERROR_NONE);
}

static void put_attributes(struct out *o, const char *list, struct slp_text tags)
{
	struct slp_attribute a;
	size_t at = o->len, len;

	put_u16(o, 0);
	while (slp_next_attribute(&list, &a)) {
		if (!slp_tag_wanted(tags, a.tag))
			continue;
		if (o->len > at + 2)
			put(o, ",", 1);
		put(o, a.whole.s, a.whole.len);
	}
	if (o->full)
		return;
	len = o->len - at - 2;
	o->buf[at] = (uint8_t)(len >> 8);
	o->buf[at + 1] = (uint8_t)len;
}

static size_t attr_rqst(struct in *in, struct out *o, const struct request *r,
			const struct slp_service *s)
{
	struct slp_text previous = get_str(in), url = get_str(in), scopes = get_str(in);
	struct slp_text tags = get_str(in);
	size_t at;

	get_str(in);
	if (in->bad)
		return only_error(o, r, ERROR_PARSE);
	if (r->multicast && in_list(previous, s->address))
		return 0;
	if (!our_scope(scopes))
		return only_error(o, r, ERROR_SCOPE);
	if (!our_url(s, url))
		return only_error(o, r, ERROR_NONE);
	begin(o, r, ATTR_RPLY);
	at = o->len;
	put_u16(o, ERROR_NONE);
	put_attributes(o, s->attributes, tags);
	put(o, "", 1);
	return end(o, at);
}

static size_t srv_type_rqst(struct in *in, struct out *o, const struct request *r,
			    const struct slp_service *s)
{
	struct slp_text previous = get_str(in), scopes;
	unsigned int authority = get_u16(in);
	size_t at;

	if (authority != ANY_AUTHORITY)
		get_bytes(in, authority);
	scopes = get_str(in);
	if (in->bad)
		return only_error(o, r, ERROR_PARSE);
	if (r->multicast && in_list(previous, s->address))
		return 0;
	if (!our_scope(scopes))
		return only_error(o, r, ERROR_SCOPE);
	/* a naming authority of one's own has no types here; that of IANA is the empty one */
	if (authority && authority != ANY_AUTHORITY)
		return only_error(o, r, ERROR_NONE);
	begin(o, r, SRV_TYPE_RPLY);
	at = o->len;
	put_u16(o, ERROR_NONE);
	put_str(o, SERVICE);
	return end(o, at);
}

size_t slp_answer(const struct slp_service *s, const uint8_t *data, size_t len, bool multicast,
		  uint8_t out[SLP_MAX_BYTES])
{
	struct in in = { .at = data, .end = data + len };
	struct out o = { .buf = out };
	struct request r = { .multicast = multicast };

	if (len < HEAD_BYTES)
		return 0;
	r.function = data[1];
	in.at += 10;
	r.xid = get_u16(&in);
	if (data[0] != VERSION)
		return only_error(&o, &r, ERROR_VERSION);
	r.language = get_str(&in);
	if (in.bad || r.language.len > 64) {
		r.language = (struct slp_text) { "", 0 };
		return only_error(&o, &r, ERROR_PARSE);
	}
	switch (r.function) {
	case SRV_RQST:
		return srv_rqst(&in, &o, &r, s);
	case ATTR_RQST:
		return attr_rqst(&in, &o, &r, s);
	case SRV_TYPE_RQST:
		return srv_type_rqst(&in, &o, &r, s);
	default:
		return only_error(&o, &r, ERROR_NOT_SUPPORTED);
	}
}

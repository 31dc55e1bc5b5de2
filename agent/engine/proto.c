// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * proto.c - the JSON between smisd and smisd-priv; json-c reads, a strbuf writes.
 *
 * The table `ops` says which fields an operation has: all of them must be there, no others may.
 */
#include "engine/proto.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <limits.h>
#include <linux/dm-replica.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define JSON_DEPTH 6

enum field {
	F_UUID = 1 << 0,
	F_OTHER = 1 << 1,
	F_POOL = 1 << 2,
	F_VOLUME = 1 << 3,
	F_SIZE = 1 << 4,
	F_NAME = 1 << 5,
	F_VERB = 1 << 6,
	F_FORCE = 1 << 7,
	F_PAIRS = 1 << 8,
	F_USER = 1 << 9,
	F_PASSWORD = 1 << 10,
	F_SOURCE = 1 << 11, /* as "other", or empty */
};

static const char *const field_names[] = {
	"uuid", "other", "pool",  "volume", "size",	"name",
	"verb", "force", "pairs", "user",   "password", "source"
};

static const unsigned int ops[BACKEND_NR_OPS] = {
	[BACKEND_HELLO] = 0,
	[BACKEND_AUTHENTICATE] = F_USER | F_PASSWORD,
	[BACKEND_ACTIVATE] = 0,
	[BACKEND_INVENTORY] = 0,
	[BACKEND_VOLUME_CREATE] = F_UUID | F_VOLUME | F_SIZE | F_POOL | F_NAME | F_SOURCE,
	[BACKEND_VOLUME_DELETE] = F_UUID,
	[BACKEND_VOLUME_GROW] = F_UUID | F_SIZE,
	[BACKEND_VOLUME_LINK] = F_UUID | F_NAME,
	[BACKEND_CLONE_PREPARE] = F_UUID | F_OTHER,
	[BACKEND_CLONE_RELEASE] = F_UUID,
	[BACKEND_GROUP_CREATE] = F_UUID | F_PAIRS,
	[BACKEND_RELATION_MODIFY] = F_UUID | F_OTHER | F_VERB | F_FORCE,
	[BACKEND_SNAPSHOT_DELETE] = F_UUID,
	[BACKEND_STORE_DISTRUST] = F_UUID,
	[BACKEND_RELATION_LIST] = 0,
	[BACKEND_SPACE_LIST] = 0,
};

/* ---- writing */

static void put_string(struct strbuf *b, const char *s)
{
	strbuf_putc(b, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			strbuf_putc(b, '\\');
		if ((unsigned char)*s < 0x20)
			strbuf_printf(b, "\\u%04x", (unsigned char)*s);
		else
			strbuf_putc(b, *s);
	}
	strbuf_putc(b, '"');
}

static void put_str(struct strbuf *b, const char *key, const char *value)
{
	strbuf_printf(b, ",\"%s\":", key);
	put_string(b, value ? value : "");
}

static void put_u64(struct strbuf *b, const char *key, uint64_t v)
{
	strbuf_printf(b, ",\"%s\":%" PRIu64, key, v);
}

static void put_bool(struct strbuf *b, const char *key, bool v)
{
	strbuf_printf(b, ",\"%s\":%s", key, v ? "true" : "false");
}

static void put_pairs(struct strbuf *b, const struct backend_request *req)
{
	strbuf_puts(b, ",\"pairs\":[");
	for (size_t i = 0; i < req->nr_pairs; i++) {
		const struct backend_pair *p = &req->pairs[i];

		strbuf_printf(b, "%s[\"%s\",\"%s\",", i ? "," : "", p->relation, p->source);
		if (*p->target)
			strbuf_printf(b, "\"%s\"]", p->target);
		else
			strbuf_printf(b, "%u,%s]", p->snapshot_id, p->read_only ? "true" : "false");
	}
	strbuf_putc(b, ']');
}

void proto_put_request(struct strbuf *out, uint64_t id, const struct backend_request *req)
{
	unsigned int f = ops[req->op];

	strbuf_printf(out, "{\"id\":%" PRIu64 ",\"op\":\"%s\"", id, backend_op_name(req->op));
	if (f & F_UUID)
		put_str(out, "uuid", req->uuid);
	if (f & F_OTHER)
		put_str(out, "other", req->other);
	if (f & F_SOURCE)
		put_str(out, "source", req->other);
	if (f & F_POOL)
		put_str(out, "pool", req->pool);
	if (f & F_VOLUME)
		put_u64(out, "volume", req->id);
	if (f & F_SIZE)
		put_u64(out, "size", req->size_bytes);
	if (f & F_NAME)
		put_str(out, "name", req->name);
	if (f & F_VERB)
		put_str(out, "verb", backend_verb_name(req->verb));
	if (f & F_FORCE)
		put_bool(out, "force", req->force);
	if (f & F_PAIRS)
		put_pairs(out, req);
	if (f & F_USER)
		put_str(out, "user", req->user);
	if (f & F_PASSWORD)
		put_str(out, "password", req->password);
	strbuf_putc(out, '}');
}

static void put_pool(struct strbuf *b, const struct backend_pool *p)
{
	strbuf_printf(b, "{\"free\":%" PRIu64, p->free_bytes);
	put_str(b, "uuid", p->uuid);
	put_str(b, "name", p->name);
	put_u64(b, "total", p->total_bytes);
	put_u64(b, "unit", p->unit_bytes);
	strbuf_putc(b, '}');
}

static void put_volume(struct strbuf *b, const struct backend_volume *v)
{
	strbuf_printf(b, "{\"volume\":%u", v->id);
	put_str(b, "uuid", v->uuid);
	put_str(b, "pool", v->pool);
	put_str(b, "clone-of", v->clone_of);
	put_str(b, "snapshot-of", v->snapshot_of);
	put_u64(b, "size", v->size_bytes);
	put_bool(b, "device", v->has_device);
	put_bool(b, "open", v->is_open);
	strbuf_putc(b, '}');
}

static void put_group(struct strbuf *b, const struct backend_group *g)
{
	strbuf_printf(b, "{\"held\":%" PRIu64, g->held_max_ns);
	put_str(b, "uuid", g->uuid);
	put_u64(b, "when", g->when_us);
	strbuf_putc(b, '}');
}

/* Opens, continues or leaves alone one array; *i is the index over all arrays. */
#define PUT_ARRAY(key, arr, nr, put)                                    \
	do {                                                            \
		bool any = false;                                       \
		for (size_t k = 0; k < (nr); k++, i++) {                \
			if (i < *next || written == PROTO_PAGE)         \
				continue;                               \
			strbuf_puts(out, any ? "," : ",\"" key "\":["); \
			put(out, &(arr)[k]);                            \
			any = true;                                     \
			written++;                                      \
		}                                                       \
		if (any)                                                \
			strbuf_putc(out, ']');                          \
	} while (0)

bool proto_put_reply(struct strbuf *out, uint64_t id, const struct backend_reply *reply,
		     size_t *next)
{
	size_t i = 0, written = 0, total = reply->nr_pools + reply->nr_volumes + reply->nr_groups;

	strbuf_printf(out, "{\"id\":%" PRIu64 ",\"error\":%d", id,
		      reply->error < 0 ? -reply->error : reply->error);
	put_str(out, "reason", reply->reason);
	put_u64(out, "size", reply->size_bytes);
	put_bool(out, "password-ok", reply->password_ok);
	put_bool(out, "read", reply->role_read);
	put_bool(out, "write", reply->role_write);
	PUT_ARRAY("pools", reply->pools, reply->nr_pools, put_pool);
	PUT_ARRAY("volumes", reply->volumes, reply->nr_volumes, put_volume);
	PUT_ARRAY("groups", reply->groups, reply->nr_groups, put_group);
	*next += written;
	put_bool(out, "more", *next < total);
	strbuf_putc(out, '}');
	return *next < total;
}

/* ---- reading */

struct reader {
	char *why;
	size_t why_size;
	bool bad;
};

static void bad(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void bad(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	if (r->bad)
		return;
	r->bad = true;
	va_start(ap, fmt);
	vsnprintf(r->why, r->why_size, fmt, ap);
	va_end(ap);
}

static struct json_object *parse(const char *buf, size_t len)
{
	struct json_tokener *tok;
	struct json_object *o = NULL;

	if (!len || len > INT_MAX)
		return NULL;
	tok = json_tokener_new_ex(JSON_DEPTH);
	if (!tok)
		return NULL;
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(tok, buf, (int)len);
	if (json_tokener_get_error(tok) != json_tokener_success ||
	    json_tokener_get_parse_end(tok) != len || !json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		o = NULL;
	}
	json_tokener_free(tok);
	return o;
}

static struct json_object *member(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *v = NULL;

	if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, type))
		return NULL;
	return v;
}

/* The string of a member, without a NUL inside; NULL if it is none. */
static const char *member_str(struct json_object *o, const char *key)
{
	struct json_object *v = member(o, key, json_type_string);
	const char *s = v ? json_object_get_string(v) : NULL;

	return s && strlen(s) == (size_t)json_object_get_string_len(v) ? s : NULL;
}

static bool member_u64(struct json_object *o, const char *key, uint64_t *out)
{
	struct json_object *v = member(o, key, json_type_int);

	if (!v || json_object_get_int64(v) < 0)
		return false;
	*out = json_object_get_uint64(v);
	return true;
}

static bool member_bool(struct json_object *o, const char *key, bool *out)
{
	struct json_object *v = member(o, key, json_type_boolean);

	*out = v && json_object_get_boolean(v);
	return v;
}

bool proto_uuid_ok(const char *s)
{
	for (size_t i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !s[i] || !strchr("0123456789abcdef", s[i]))
			return false;
	}
	return !s[36];
}

static void get_uuid(struct reader *r, struct json_object *o, const char *key,
		     char out[ENGINE_UUID_LEN])
{
	const char *s = member_str(o, key);

	if (!s || !proto_uuid_ok(s))
		bad(r, "%s is not a uuid", key);
	else
		memcpy(out, s, ENGINE_UUID_LEN);
}

static bool is_empty(struct json_object *o, const char *key)
{
	const char *s = member_str(o, key);

	return s && !*s;
}

static void get_pool(struct reader *r, struct json_object *o, char out[BACKEND_POOL_LEN])
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
	const char *s = member_str(o, "pool");

	if (!s || !*s || strlen(s) >= BACKEND_POOL_LEN || strspn(s, ok) != strlen(s))
		bad(r, "pool is not the uuid of a pool");
	else
		snprintf(out, BACKEND_POOL_LEN, "%s", s);
}

static const char *get_text(struct reader *r, struct json_object *o, const char *key, size_t max)
{
	const char *s = member_str(o, key);

	if (!s || strlen(s) > max) {
		bad(r, "%s is not a text of at most %zu bytes", key, max);
		return NULL;
	}
	return s;
}

static const char *get_name(struct reader *r, struct json_object *o)
{
	const char *s = get_text(r, o, "name", ENGINE_NAME_MAX);

	if (!s)
		return NULL;
	if (!*s || strchr(s, '/') || !strcmp(s, ".") || !strcmp(s, "..") || proto_uuid_ok(s))
		bad(r, "name is not one that a volume can have");
	for (const char *c = s; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			bad(r, "name holds a control character");
	return s;
}

static void get_verb(struct reader *r, struct json_object *o, enum backend_verb *out)
{
	const char *s = member_str(o, "verb");

	for (enum backend_verb v = BACKEND_SUSPEND; s && v <= BACKEND_DETACH; v++)
		if (!strcmp(s, backend_verb_name(v))) {
			*out = v;
			return;
		}
	bad(r, "verb is unknown");
}

static const char *text_at(struct json_object *arr, size_t i)
{
	struct json_object *v = json_object_array_get_idx(arr, i);

	return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";
}

/* The id of the snapshot, and whether it is read-only. */
static bool get_snapshot(struct json_object *a, struct backend_pair *out)
{
	struct json_object *id = json_object_array_get_idx(a, 2);
	struct json_object *read_only = json_object_array_get_idx(a, 3);

	if (!json_object_is_type(id, json_type_int) ||
	    !json_object_is_type(read_only, json_type_boolean) ||
	    json_object_get_int64(id) <= RPL_VOLUMES_MAX || json_object_get_int64(id) > RPL_ID_MAX)
		return false;
	out->snapshot_id = (uint32_t)json_object_get_int64(id);
	out->read_only = json_object_get_boolean(read_only);
	return true;
}

/* Two uuids, and that of the clone or what is said of the snapshot. */
static bool get_pair(struct json_object *a, struct backend_pair *out)
{
	size_t n = json_object_is_type(a, json_type_array) ? json_object_array_length(a) : 0;

	if (n < 3 || n > 4 || !proto_uuid_ok(text_at(a, 0)) || !proto_uuid_ok(text_at(a, 1)))
		return false;
	memcpy(out->relation, text_at(a, 0), ENGINE_UUID_LEN);
	memcpy(out->source, text_at(a, 1), ENGINE_UUID_LEN);
	if (n == 4)
		return get_snapshot(a, out);
	if (!proto_uuid_ok(text_at(a, 2)))
		return false;
	memcpy(out->target, text_at(a, 2), ENGINE_UUID_LEN);
	return true;
}

static struct backend_pair *get_pairs(struct reader *r, struct json_object *o, size_t *nr)
{
	struct json_object *arr = member(o, "pairs", json_type_array);
	size_t n = arr ? json_object_array_length(arr) : 0;
	struct backend_pair *pairs;

	if (!n || n > BACKEND_MAX_PAIRS) {
		bad(r, "pairs is not a list of 1 to %d pairs", BACKEND_MAX_PAIRS);
		return NULL;
	}
	pairs = xcalloc(n, sizeof(*pairs));
	for (size_t i = 0; i < n; i++) {
		if (get_pair(json_object_array_get_idx(arr, i), &pairs[i]))
			continue;
		bad(r,
		    "pair %zu is not three uuids, or two, the id of a snapshot and if it is "
		    "read-only",
		    i);
		break;
	}
	*nr = n;
	return pairs;
}

static bool known_field(const char *key, unsigned int fields)
{
	for (size_t i = 0; i < ARRAY_LEN(field_names); i++)
		if (!strcmp(key, field_names[i]))
			return fields & (1u << i);
	return !strcmp(key, "id") || !strcmp(key, "op");
}

static void get_fields(struct reader *r, struct json_object *o, unsigned int f,
		       struct backend_request *req)
{
	uint64_t v = 0;

	json_object_object_foreach(o, key, value) {
		(void)value;
		if (!known_field(key, f))
			bad(r, "a field that this operation does not have");
	}
	if (f & F_UUID)
		get_uuid(r, o, "uuid", req->uuid);
	if (f & F_OTHER)
		get_uuid(r, o, "other", req->other);
	if ((f & F_SOURCE) && !is_empty(o, "source"))
		get_uuid(r, o, "source", req->other);
	if (f & F_POOL)
		get_pool(r, o, req->pool);
	if (f & F_VOLUME) {
		if (!member_u64(o, "volume", &v) || !v || v > RPL_VOLUMES_MAX)
			bad(r, "volume is not a number from 1 to %d", RPL_VOLUMES_MAX);
		req->id = (uint32_t)v;
	}
	if ((f & F_SIZE) && (!member_u64(o, "size", &req->size_bytes) || !req->size_bytes ||
			     req->size_bytes > 1ull << 60))
		bad(r, "size is not a number of bytes");
	if (f & F_NAME)
		req->name = get_name(r, o);
	if (f & F_VERB)
		get_verb(r, o, &req->verb);
	if ((f & F_FORCE) && !member_bool(o, "force", &req->force))
		bad(r, "force is not true or false");
	if (f & F_USER)
		req->user = get_text(r, o, "user", 256);
	if (f & F_PASSWORD)
		req->password = get_text(r, o, "password", 1024);
	if (f & F_PAIRS)
		req->pairs = get_pairs(r, o, &req->nr_pairs);
}

int proto_get_request(const char *buf, size_t len, uint64_t *id, struct backend_request **out,
		      char *why, size_t why_size)
{
	struct reader r = { why, why_size, false };
	struct backend_request req = { 0 };
	struct json_object *o = parse(buf, len);
	const char *name = o ? member_str(o, "op") : NULL;
	enum backend_op op = 0;

	*id = 0;
	*out = NULL;
	if (!o)
		bad(&r, "not a JSON object");
	else if (!member_u64(o, "id", id) || !*id)
		bad(&r, "id is not a positive number");
	while (op < BACKEND_NR_OPS && (!name || strcmp(name, backend_op_name(op))))
		op++;
	if (op == BACKEND_NR_OPS)
		bad(&r, "op is unknown");
	req.op = op;
	if (!r.bad)
		get_fields(&r, o, ops[op], &req);
	if (!r.bad)
		*out = backend_request_dup(&req);
	free((void *)(uintptr_t)req.pairs);
	json_object_put(o);
	return r.bad ? -EINVAL : 0;
}

/* ---- reading replies: the peer is trusted to mean well, not to be free of errors */

static void *grow(const void *arr, size_t nr, size_t *cap, size_t size)
{
	void *p = (void *)(uintptr_t)arr;

	if (nr < *cap)
		return p;
	*cap = *cap ? *cap * 2 : 16;
	return xreallocarray(p, *cap, size);
}

static void copy_str(char *out, size_t size, struct json_object *o, const char *key)
{
	const char *s = member_str(o, key);

	snprintf(out, size, "%s", s ? s : "");
}

static void get_reply_pools(struct json_object *o, struct proto_reply *p)
{
	struct json_object *arr = member(o, "pools", json_type_array);

	for (size_t i = 0; arr && i < json_object_array_length(arr); i++) {
		struct json_object *x = json_object_array_get_idx(arr, i);
		struct backend_pool *a =
			grow(p->reply.pools, p->reply.nr_pools, &p->cap_pools, sizeof(*a));
		struct backend_pool *v = &a[p->reply.nr_pools++];

		p->reply.pools = a;
		memset(v, 0, sizeof(*v));
		copy_str(v->uuid, sizeof(v->uuid), x, "uuid");
		copy_str(v->name, sizeof(v->name), x, "name");
		member_u64(x, "total", &v->total_bytes);
		member_u64(x, "free", &v->free_bytes);
		member_u64(x, "unit", &v->unit_bytes);
	}
}

static void get_reply_volumes(struct json_object *o, struct proto_reply *p)
{
	struct json_object *arr = member(o, "volumes", json_type_array);

	for (size_t i = 0; arr && i < json_object_array_length(arr); i++) {
		struct json_object *x = json_object_array_get_idx(arr, i);
		struct backend_volume *a =
			grow(p->reply.volumes, p->reply.nr_volumes, &p->cap_volumes, sizeof(*a));
		struct backend_volume *v = &a[p->reply.nr_volumes++];
		uint64_t id = 0;

		p->reply.volumes = a;
		memset(v, 0, sizeof(*v));
		copy_str(v->uuid, sizeof(v->uuid), x, "uuid");
		copy_str(v->pool, sizeof(v->pool), x, "pool");
		copy_str(v->clone_of, sizeof(v->clone_of), x, "clone-of");
		copy_str(v->snapshot_of, sizeof(v->snapshot_of), x, "snapshot-of");
		member_u64(x, "volume", &id);
		v->id = (uint32_t)id;
		member_u64(x, "size", &v->size_bytes);
		member_bool(x, "device", &v->has_device);
		member_bool(x, "open", &v->is_open);
	}
}

static void get_reply_groups(struct json_object *o, struct proto_reply *p)
{
	struct json_object *arr = member(o, "groups", json_type_array);

	for (size_t i = 0; arr && i < json_object_array_length(arr); i++) {
		struct json_object *x = json_object_array_get_idx(arr, i);
		struct backend_group *a =
			grow(p->reply.groups, p->reply.nr_groups, &p->cap_groups, sizeof(*a));
		struct backend_group *v = &a[p->reply.nr_groups++];

		p->reply.groups = a;
		memset(v, 0, sizeof(*v));
		copy_str(v->uuid, sizeof(v->uuid), x, "uuid");
		member_u64(x, "held", &v->held_max_ns);
		member_u64(x, "when", &v->when_us);
	}
}

uint64_t proto_peek_id(const char *buf, size_t len)
{
	struct json_object *o = parse(buf, len);
	uint64_t id = 0;

	if (o)
		member_u64(o, "id", &id);
	json_object_put(o);
	return id;
}

int proto_get_reply(const char *buf, size_t len, uint64_t *id, struct proto_reply *into)
{
	struct json_object *o = parse(buf, len);
	const char *reason = o ? member_str(o, "reason") : NULL;
	uint64_t error = 0;
	bool more = false;

	*id = 0;
	if (!o || !member_u64(o, "id", id) || !member_u64(o, "error", &error) || error > 4095 ||
	    !reason) {
		json_object_put(o);
		return -EPROTO;
	}
	into->reply.error = -(int)error;
	free((void *)(uintptr_t)into->reply.reason);
	into->reply.reason = xstrdup(reason);
	member_u64(o, "size", &into->reply.size_bytes);
	member_bool(o, "password-ok", &into->reply.password_ok);
	member_bool(o, "read", &into->reply.role_read);
	member_bool(o, "write", &into->reply.role_write);
	member_bool(o, "more", &more);
	get_reply_pools(o, into);
	get_reply_volumes(o, into);
	get_reply_groups(o, into);
	json_object_put(o);
	return !more;
}

void proto_reply_done(struct proto_reply *r)
{
	free((void *)(uintptr_t)r->reply.reason);
	free((void *)(uintptr_t)r->reply.pools);
	free((void *)(uintptr_t)r->reply.volumes);
	free((void *)(uintptr_t)r->reply.groups);
	memset(r, 0, sizeof(*r));
}

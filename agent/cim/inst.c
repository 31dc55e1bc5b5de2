// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * inst.c - instances: setters that check against the class, and getters. An instance belongs to
 * the arena it was made in.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/log.h"
#include "cim/cim.h"
#include "cim/class.h"

uint32_t cim_name_hash(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;

		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
		h = (h ^ c) * 16777619u;
	}
	return h ^ (h >> 13);
}

/*
 * Providers set the same properties again and again, named by literals: where a name was found is
 * remembered by its address, and believed when the text is the same. Loop thread only.
 */
struct memo {
	const struct cim_class *cls;
	const char *name;
	unsigned int at;
};

static struct memo *memo_of(const struct cim_class *cls, const char *name)
{
	static struct memo memos[4096];
	uintptr_t h = (uintptr_t)name * 31 ^ (uintptr_t)cls >> 4;

	return &memos[(h ^ h >> 12) % ARRAY_LEN(memos)];
}

static int find_hashed(const struct cim_class *cls, const char *name)
{
	unsigned int i = cim_name_hash(name) & cls->prop_hash_mask;

	for (; cls->prop_hash[i]; i = (i + 1) & cls->prop_hash_mask) {
		int at = cls->prop_hash[i] - 1;

		if (!strcasecmp(cls->props[at].decl->name, name))
			return at;
	}
	return -1;
}

/* The linker keeps equal literals once, so it is seldom the text that has to be compared. */
static bool is_named(const struct cim_prop_decl *d, const char *name)
{
	return d->name == name || !strcmp(d->name, name);
}

int cim_class_find_prop(const struct cim_class *cls, const char *name)
{
	struct memo *m = memo_of(cls, name);
	int at;

	if (m->cls == cls && m->name == name && m->at < cls->n_props &&
	    is_named(cls->props[m->at].decl, name))
		return (int)m->at;
	at = find_hashed(cls, name);
	if (at >= 0)
		*m = (struct memo) { cls, name, (unsigned int)at };
	return at;
}

bool cim_class_is_a(const struct cim_class *cls, const struct cim_class *base)
{
	for (; cls; cls = cls->super)
		if (cls == base)
			return true;
	return false;
}

struct cim_inst *cim_inst_of(struct arena *a, const struct cim_class *cls)
{
	struct cim_inst *i = arena_alloc(a, sizeof(*i));

	i->arena = a;
	i->cls = cls;
	i->class = cls->decl->name;
	i->n_props = cls->n_props;
	i->props = arena_raw(a, cls->n_props * sizeof(*i->props));
	memcpy(i->props, cls->blank, cls->n_props * sizeof(*i->props));
	return i;
}

struct cim_inst *cim_inst_named(struct arena *a, const char *class, size_t max_props)
{
	struct cim_inst *i = arena_alloc(a, sizeof(*i));

	i->arena = a;
	i->class = arena_strdup(a, class);
	i->props = arena_array(a, max_props, sizeof(*i->props));
	return i;
}

struct cim_prop *cim_inst_add(struct cim_inst *i, const char *name)
{
	struct cim_prop *p = &i->props[i->n_props++];

	p->name = arena_strdup(i->arena, name);
	return p;
}

/* The value to fill, NULL (and the sticky error) when class and setter do not agree. */
static struct cim_value *slot(struct cim_inst *i, const char *name, enum cim_type type, bool array)
{
	int at;

	if (!i)
		return NULL;
	at = i->cls ? cim_class_find_prop(i->cls, name) : -1;
	if (at < 0) {
		log_err("bug: class %s has no property %s", i->class, name);
	} else if (i->props[at].val.type != type || i->props[at].val.array != array) {
		log_err("bug: %s.%s is %s%s, not %s%s", i->class, name,
			cim_type_name(i->props[at].val.type), i->props[at].val.array ? "[]" : "",
			cim_type_name(type), array ? "[]" : "");
	} else {
		i->props[at].val.null = false;
		return &i->props[at].val;
	}
	if (!i->error)
		i->error = -CIM_ERR_FAILED;
	return NULL;
}

static void set_u(struct cim_inst *i, const char *name, enum cim_type t, uint64_t v)
{
	struct cim_value *s = slot(i, name, t, false);

	if (s)
		s->d.u = v;
}

static void set_s(struct cim_inst *i, const char *name, enum cim_type t, int64_t v)
{
	struct cim_value *s = slot(i, name, t, false);

	if (s)
		s->d.i = v;
}

void cim_set_bool(struct cim_inst *i, const char *name, bool v)
{
	struct cim_value *s = slot(i, name, CIM_BOOLEAN, false);

	if (s)
		s->d.b = v;
}

void cim_set_u8(struct cim_inst *i, const char *name, uint8_t v)
{
	set_u(i, name, CIM_UINT8, v);
}

void cim_set_u16(struct cim_inst *i, const char *name, uint16_t v)
{
	set_u(i, name, CIM_UINT16, v);
}

void cim_set_u32(struct cim_inst *i, const char *name, uint32_t v)
{
	set_u(i, name, CIM_UINT32, v);
}

void cim_set_u64(struct cim_inst *i, const char *name, uint64_t v)
{
	set_u(i, name, CIM_UINT64, v);
}

void cim_set_s32(struct cim_inst *i, const char *name, int32_t v)
{
	set_s(i, name, CIM_SINT32, v);
}

void cim_set_s64(struct cim_inst *i, const char *name, int64_t v)
{
	set_s(i, name, CIM_SINT64, v);
}

void cim_set_str(struct cim_inst *i, const char *name, const char *v)
{
	struct cim_value *s = slot(i, name, CIM_STRING, false);

	if (!s)
		return;
	s->null = !v;
	s->d.str = arena_strdup(i->arena, v);
}

void cim_set_strf(struct cim_inst *i, const char *name, const char *fmt, ...)
{
	struct cim_value *s = slot(i, name, CIM_STRING, false);
	va_list ap, again;
	char *text;
	int len;

	if (!s)
		return;
	va_start(ap, fmt);
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	text = arena_alloc(i->arena, (size_t)(len < 0 ? 0 : len) + 1);
	vsnprintf(text, (size_t)(len < 0 ? 0 : len) + 1, fmt, again);
	va_end(again);
	s->d.str = text;
}

static void set_dt(struct cim_inst *i, const char *name, bool interval, uint64_t usec)
{
	struct cim_value *s = slot(i, name, CIM_DATETIME, false);

	if (!s)
		return;
	s->d.dt = (struct cim_datetime) { .interval = interval,
					  .usec = usec > INT64_MAX ? INT64_MAX : (int64_t)usec };
}

void cim_set_time(struct cim_inst *i, const char *name, uint64_t usec_since_1970)
{
	set_dt(i, name, false, usec_since_1970);
}

void cim_set_interval(struct cim_inst *i, const char *name, uint64_t usec)
{
	set_dt(i, name, true, usec);
}

static void set_ref(struct cim_inst *i, const char *name, const struct cim_path *own)
{
	struct cim_value *s = slot(i, name, CIM_REFERENCE, false);

	if (!s)
		return;
	s->null = !own;
	s->d.ref = own;
}

void cim_set_ref(struct cim_inst *i, const char *name, const struct cim_path *v)
{
	set_ref(i, name, cim_path_dup(i->arena, v));
}

void cim_share_ref(struct cim_inst *i, const char *name, const struct cim_path *v)
{
	set_ref(i, name, cim_path_share(i->arena, v));
}

void cim_set_inst(struct cim_inst *i, const char *name, const struct cim_inst *v)
{
	struct cim_value *s = slot(i, name, CIM_INSTANCE, false);

	if (!s)
		return;
	s->null = !v;
	s->d.inst = v;
}

void cim_set_null(struct cim_inst *i, const char *name)
{
	int at = i && i->cls ? cim_class_find_prop(i->cls, name) : -1;

	if (at >= 0)
		i->props[at].val.null = true;
}

/* An array of n elements to fill, NULL when there is nothing to do. */
static struct cim_datum *array(struct cim_inst *i, const char *name, enum cim_type t, const void *v,
			       size_t n)
{
	struct cim_value *s = slot(i, name, t, true);

	if (!s)
		return NULL;
	s->null = !v && n == 0;
	s->n = v ? n : 0;
	s->v = arena_array(i->arena, s->n, sizeof(*s->v));
	return s->n ? s->v : NULL;
}

void cim_set_bools(struct cim_inst *i, const char *name, const bool *v, size_t n)
{
	struct cim_datum *d = array(i, name, CIM_BOOLEAN, v, n);

	for (size_t k = 0; d && k < n; k++)
		d[k].b = v[k];
}

void cim_set_u8s(struct cim_inst *i, const char *name, const uint8_t *v, size_t n)
{
	struct cim_datum *d = array(i, name, CIM_UINT8, v, n);

	for (size_t k = 0; d && k < n; k++)
		d[k].u = v[k];
}

void cim_set_u16s(struct cim_inst *i, const char *name, const uint16_t *v, size_t n)
{
	struct cim_datum *d = array(i, name, CIM_UINT16, v, n);

	for (size_t k = 0; d && k < n; k++)
		d[k].u = v[k];
}

void cim_set_u32s(struct cim_inst *i, const char *name, const uint32_t *v, size_t n)
{
	struct cim_datum *d = array(i, name, CIM_UINT32, v, n);

	for (size_t k = 0; d && k < n; k++)
		d[k].u = v[k];
}

void cim_set_u64s(struct cim_inst *i, const char *name, const uint64_t *v, size_t n)
{
	struct cim_datum *d = array(i, name, CIM_UINT64, v, n);

	for (size_t k = 0; d && k < n; k++)
		d[k].u = v[k];
}

void cim_set_strs(struct cim_inst *i, const char *name, const char *const *v, size_t n)
{
	struct cim_datum *d = array(i, name, CIM_STRING, v, n);

	for (size_t k = 0; d && k < n; k++) {
		d[k].null = !v[k];
		d[k].str = arena_strdup(i->arena, v[k]);
	}
}

void cim_set_refs(struct cim_inst *i, const char *name, const struct cim_path *const *v, size_t n)
{
	struct cim_datum *d = array(i, name, CIM_REFERENCE, v, n);

	for (size_t k = 0; d && k < n; k++)
		d[k].ref = cim_path_dup(i->arena, v[k]);
}

void cim_set_insts(struct cim_inst *i, const char *name, const struct cim_inst *const *v, size_t n)
{
	struct cim_datum *d = array(i, name, CIM_INSTANCE, v, n);

	for (size_t k = 0; d && k < n; k++)
		d[k].inst = v[k];
}

int cim_status(const struct cim_inst *i)
{
	return i ? i->error : 0;
}

const struct cim_value *cim_get(const struct cim_inst *i, const char *name)
{
	if (i->cls) {
		int at = cim_class_find_prop(i->cls, name);

		return at < 0 || i->props[at].val.null ? NULL : &i->props[at].val;
	}
	for (size_t k = 0; k < i->n_props; k++)
		if (!strcasecmp(i->props[k].name, name))
			return i->props[k].val.null ? NULL : &i->props[k].val;
	return NULL;
}

bool cim_nulled(const struct cim_inst *i, const char *name)
{
	int at = cim_class_find_prop(i->cls, name);

	return at >= 0 && i->props[at].val.null && i->props[at].val.given;
}

static const struct cim_value *get(const struct cim_inst *i, const char *name, enum cim_type t)
{
	const struct cim_value *v = cim_get(i, name);

	return v && v->type == t && !v->array ? v : NULL;
}

bool cim_get_bool(const struct cim_inst *i, const char *name, bool *out)
{
	const struct cim_value *v = get(i, name, CIM_BOOLEAN);

	if (v)
		*out = v->d.b;
	return v;
}

bool cim_get_u16(const struct cim_inst *i, const char *name, uint16_t *out)
{
	const struct cim_value *v = get(i, name, CIM_UINT16);

	if (v)
		*out = (uint16_t)v->d.u;
	return v;
}

bool cim_get_u32(const struct cim_inst *i, const char *name, uint32_t *out)
{
	const struct cim_value *v = get(i, name, CIM_UINT32);

	if (v)
		*out = (uint32_t)v->d.u;
	return v;
}

bool cim_get_u64(const struct cim_inst *i, const char *name, uint64_t *out)
{
	const struct cim_value *v = get(i, name, CIM_UINT64);

	if (v)
		*out = v->d.u;
	return v;
}

bool cim_get_dt(const struct cim_inst *i, const char *name, struct cim_datetime *out)
{
	const struct cim_value *v = get(i, name, CIM_DATETIME);

	if (v)
		*out = v->d.dt;
	return v;
}

const char *cim_get_str(const struct cim_inst *i, const char *name)
{
	const struct cim_value *v = get(i, name, CIM_STRING);

	return v ? v->d.str : NULL;
}

const struct cim_path *cim_get_ref(const struct cim_inst *i, const char *name)
{
	const struct cim_value *v = get(i, name, CIM_REFERENCE);

	return v ? v->d.ref : NULL;
}

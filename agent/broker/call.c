// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * call.c - the provider's side of a call: emitting, arguments, results, errors, finishing later.
 * A root call is allocated by broker.c and freed there; nested ones are on the stack.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/log.h"
#include "broker/cursor.h"
#include "broker/internal.h"

/* After as many instances, what the call has cost is looked at. */
#define EMITS_COUNT 16

/* ---- about the call ---- */

struct engine *cim_engine(const struct cim_call *c)
{
	return c->broker->engine;
}

const struct broker_limits *cim_limits(const struct cim_call *c)
{
	return cursors_limits(c->broker->cursors);
}

struct arena *cim_arena(struct cim_call *c)
{
	return c->req->arena;
}

const char *cim_user(const struct cim_call *c)
{
	return c->req->user ? c->req->user : "";
}

const struct cim_path *cim_target(const struct cim_call *c)
{
	return c->target;
}

const char *cim_key(const struct cim_call *c, const char *name)
{
	const char *s = c->target ? cim_path_key(c->target, name) : NULL;

	return s ? s : "";
}

bool cim_keys_only(const struct cim_call *c)
{
	enum cim_op op = c->root->op;

	if (c->root->all_props)
		return false;
	return op == CIM_OP_ENUMERATE_INSTANCE_NAMES || op == CIM_OP_REFERENCE_NAMES ||
	       op == CIM_OP_ASSOCIATOR_NAMES;
}

bool cim_wants(const struct cim_call *c, const char *prop)
{
	const struct cim_request *req = c->req;

	if (cim_keys_only(c))
		return false;
	if (c->root->all_props || !req->has_props)
		return true;
	for (size_t i = 0; i < req->n_props; i++)
		if (!strcasecmp(req->props[i], prop))
			return true;
	return false;
}

/* ---- errors ---- */

const char *broker_status_text(int code)
{
	static const char *const text[] = {
		[CIM_ERR_FAILED] = "the operation failed",
		[CIM_ERR_ACCESS_DENIED] = "access denied",
		[CIM_ERR_INVALID_NAMESPACE] = "no such namespace",
		[CIM_ERR_INVALID_PARAMETER] = "a parameter is wrong",
		[CIM_ERR_INVALID_CLASS] = "no such class",
		[CIM_ERR_NOT_FOUND] = "no such object",
		[CIM_ERR_NOT_SUPPORTED] = "not supported",
		[CIM_ERR_ALREADY_EXISTS] = "it exists already",
		[CIM_ERR_NO_SUCH_PROPERTY] = "no such property",
		[CIM_ERR_TYPE_MISMATCH] = "the type is wrong",
		[CIM_ERR_INVALID_QUERY] = "the query is wrong",
		[CIM_ERR_METHOD_NOT_AVAILABLE] = "the method is not available",
		[CIM_ERR_METHOD_NOT_FOUND] = "no such method",
		[CIM_ERR_SERVER_LIMITS_EXCEEDED] = "a limit of the server is reached",
		[CIM_ERR_SERVER_IS_SHUTTING_DOWN] = "the server is stopping",
	};

	if (code > 0 && (size_t)code < ARRAY_LEN(text) && text[code])
		return text[code];
	return text[CIM_ERR_FAILED];
}

int broker_fail(struct cim_call *c, int status)
{
	struct cim_call *root = c->root;

	if (!root->code) {
		root->code = status < 0 ? -status : CIM_ERR_FAILED;
		if (!root->why)
			root->why = broker_status_text(root->code);
	}
	return -root->code;
}

int cim_error(struct cim_call *c, enum cim_status_code code, const char *fmt, ...)
{
	va_list ap;
	char text[1024];

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->root->why = arena_strdup(c->req->arena, text);
	return -(int)code;
}

/* ---- emitting ---- */

static void take_filling(struct cim_call *c)
{
	struct cim_inst *i = c->filling;

	c->filling = NULL;
	if (!i)
		return;
	if (i->error) {
		cim_error(c, CIM_ERR_FAILED, "the provider of %s is faulty, see the log", i->class);
		broker_fail(c, -CIM_ERR_FAILED);
	} else if (c->root->too_many) {
		/* it is begun again in another way */
	} else if (++c->root->n_emitted % EMITS_COUNT || broker_may_go_on(c->root)) {
		c->n_taken++;
		c->take(c, i, c->take_arg);
	}
	arena_reset(&c->scratch);
}

struct cim_inst *cim_emit(struct cim_call *c)
{
	take_filling(c);
	c->filling = cim_inst_of(&c->scratch, c->cls);
	return c->filling;
}

struct cim_inst *cim_emit_assoc(struct cim_call *c, const struct cim_path *end0,
				const struct cim_path *end1)
{
	struct cim_inst *i = cim_emit(c);

	cim_share_ref(i, c->prov->assoc->role[0], end0);
	cim_share_ref(i, c->prov->assoc->role[1], end1);
	return i;
}

void cim_emit_drop(struct cim_call *c)
{
	c->filling = NULL;
}

struct cim_inst *cim_inst_new(struct cim_call *c, const char *class)
{
	const struct cim_class *cls = repo_class_internal(c->broker->repo, class);

	if (!cls) {
		log_err("bug: class %s is unknown", class);
		return cim_inst_named(c->req->arena, class, 0);
	}
	return cim_inst_of(c->req->arena, cls);
}

void broker_sub_begin(struct cim_call *sub, struct cim_call *parent,
		      const struct cim_provider *prov, const struct cim_ns *ns,
		      void (*take)(struct cim_call *, struct cim_inst *, void *), void *arg)
{
	memset(sub, 0, sizeof(*sub));
	sub->broker = parent->broker;
	sub->req = parent->req;
	sub->root = parent->root;
	sub->ns = ns;
	sub->prov = prov;
	sub->cls = repo_class_internal(parent->broker->repo, prov->class);
	sub->take = take;
	sub->take_arg = arg;
}

int broker_sub_end(struct cim_call *sub, int r)
{
	if (!r)
		take_filling(sub);
	arena_done(&sub->scratch);
	if (r > 0) {
		log_err("bug: provider of %s wants to finish later", sub->prov->class);
		r = -CIM_ERR_FAILED;
	}
	if (!r && sub->root->code)
		r = -sub->root->code;
	return r;
}

/* ---- arguments ---- */

static int param_at(const struct cim_call *c, const char *name)
{
	const struct cim_method_decl *m = c->root->method ? c->root->method->decl : NULL;

	for (unsigned int i = 0; m && i < m->n_params; i++)
		if (!strcasecmp(m->params[i].name, name))
			return (int)i;
	log_err("bug: method %s has no parameter %s", m ? m->name : "?", name);
	return -1;
}

const struct cim_value *cim_arg(const struct cim_call *c, const char *name)
{
	int at = param_at(c, name);
	const struct cim_value *v = at < 0 ? NULL : &c->root->args[at];

	return v && v->type != CIM_NONE && !v->null ? v : NULL;
}

static const struct cim_value *arg(const struct cim_call *c, const char *name, enum cim_type t)
{
	const struct cim_value *v = cim_arg(c, name);

	if (v && (v->type != t || v->array)) {
		log_err("bug: parameter %s is %s%s, not %s", name, cim_type_name(v->type),
			v->array ? "[]" : "", cim_type_name(t));
		return NULL;
	}
	return v;
}

bool cim_arg_bool(const struct cim_call *c, const char *name, bool *v)
{
	const struct cim_value *a = arg(c, name, CIM_BOOLEAN);

	if (a)
		*v = a->d.b;
	return a;
}

bool cim_arg_u8(const struct cim_call *c, const char *name, uint8_t *v)
{
	const struct cim_value *a = arg(c, name, CIM_UINT8);

	if (a)
		*v = (uint8_t)a->d.u;
	return a;
}

bool cim_arg_u16(const struct cim_call *c, const char *name, uint16_t *v)
{
	const struct cim_value *a = arg(c, name, CIM_UINT16);

	if (a)
		*v = (uint16_t)a->d.u;
	return a;
}

bool cim_arg_u32(const struct cim_call *c, const char *name, uint32_t *v)
{
	const struct cim_value *a = arg(c, name, CIM_UINT32);

	if (a)
		*v = (uint32_t)a->d.u;
	return a;
}

bool cim_arg_u64(const struct cim_call *c, const char *name, uint64_t *v)
{
	const struct cim_value *a = arg(c, name, CIM_UINT64);

	if (a)
		*v = a->d.u;
	return a;
}

bool cim_arg_dt(const struct cim_call *c, const char *name, struct cim_datetime *v)
{
	const struct cim_value *a = arg(c, name, CIM_DATETIME);

	if (a)
		*v = a->d.dt;
	return a;
}

const char *cim_arg_str(const struct cim_call *c, const char *name)
{
	const struct cim_value *a = arg(c, name, CIM_STRING);

	return a ? a->d.str : NULL;
}

const struct cim_path *cim_arg_ref(const struct cim_call *c, const char *name)
{
	const struct cim_value *a = arg(c, name, CIM_REFERENCE);

	return a ? a->d.ref : NULL;
}

const struct cim_inst *cim_arg_inst(const struct cim_call *c, const char *name)
{
	const struct cim_value *a = arg(c, name, CIM_INSTANCE);

	return a ? a->d.inst : NULL;
}

/* ---- results ---- */

static struct cim_value *out(struct cim_call *c, const char *name, enum cim_type t, bool array)
{
	int at = param_at(c, name);
	const struct cim_param_decl *p;
	struct cim_value *v;

	if (at < 0)
		return NULL;
	p = &c->root->method->decl->params[at];
	if (!p->out || p->array != array || cim_value_type(p->type, p->embedded) != t) {
		log_err("bug: %s is no output parameter of type %s%s", name, cim_type_name(t),
			array ? "[]" : "");
		return NULL;
	}
	c->root->outs[at].name = p->name;
	v = &c->root->outs[at].val;
	memset(v, 0, sizeof(*v));
	v->type = t;
	v->array = array;
	return v;
}

void cim_out_bool(struct cim_call *c, const char *name, bool v)
{
	struct cim_value *o = out(c, name, CIM_BOOLEAN, false);

	if (o)
		o->d.b = v;
}

static void out_u(struct cim_call *c, const char *name, enum cim_type t, uint64_t v)
{
	struct cim_value *o = out(c, name, t, false);

	if (o)
		o->d.u = v;
}

void cim_out_u16(struct cim_call *c, const char *name, uint16_t v)
{
	out_u(c, name, CIM_UINT16, v);
}

void cim_out_u32(struct cim_call *c, const char *name, uint32_t v)
{
	out_u(c, name, CIM_UINT32, v);
}

void cim_out_u64(struct cim_call *c, const char *name, uint64_t v)
{
	out_u(c, name, CIM_UINT64, v);
}

void cim_out_str(struct cim_call *c, const char *name, const char *v)
{
	struct cim_value *o = out(c, name, CIM_STRING, false);

	if (!o)
		return;
	o->null = !v;
	o->d.str = arena_strdup(c->req->arena, v);
}

void cim_out_time(struct cim_call *c, const char *name, uint64_t usec_since_1970)
{
	struct cim_value *o = out(c, name, CIM_DATETIME, false);

	if (o)
		o->d.dt.usec = (int64_t)usec_since_1970;
}

void cim_out_ref(struct cim_call *c, const char *name, const struct cim_path *v)
{
	struct cim_value *o = out(c, name, CIM_REFERENCE, false);

	if (!o)
		return;
	o->null = !v;
	o->d.ref = cim_path_dup(c->req->arena, v);
}

void cim_out_inst(struct cim_call *c, const char *name, const struct cim_inst *v)
{
	struct cim_value *o = out(c, name, CIM_INSTANCE, false);

	if (!o)
		return;
	o->null = !v;
	o->d.inst = v;
}

static struct cim_datum *outs(struct cim_call *c, const char *name, enum cim_type t, const void *v,
			      size_t n)
{
	struct cim_value *o = out(c, name, t, true);

	if (!o)
		return NULL;
	o->null = !v && !n;
	o->n = v ? n : 0;
	o->v = arena_array(c->req->arena, o->n, sizeof(*o->v));
	return o->n ? o->v : NULL;
}

void cim_out_u16s(struct cim_call *c, const char *name, const uint16_t *v, size_t n)
{
	struct cim_datum *d = outs(c, name, CIM_UINT16, v, n);

	for (size_t i = 0; d && i < n; i++)
		d[i].u = v[i];
}

void cim_out_bools(struct cim_call *c, const char *name, const bool *v, size_t n)
{
	struct cim_datum *d = outs(c, name, CIM_BOOLEAN, v, n);

	for (size_t i = 0; d && i < n; i++)
		d[i].u = v[i];
}

void cim_out_u32s(struct cim_call *c, const char *name, const uint32_t *v, size_t n)
{
	struct cim_datum *d = outs(c, name, CIM_UINT32, v, n);

	for (size_t i = 0; d && i < n; i++)
		d[i].u = v[i];
}

void cim_out_u64s(struct cim_call *c, const char *name, const uint64_t *v, size_t n)
{
	struct cim_datum *d = outs(c, name, CIM_UINT64, v, n);

	for (size_t i = 0; d && i < n; i++)
		d[i].u = v[i];
}

void cim_out_strs(struct cim_call *c, const char *name, const char *const *v, size_t n)
{
	struct cim_datum *d = outs(c, name, CIM_STRING, v, n);

	for (size_t i = 0; d && i < n; i++) {
		d[i].null = !v[i];
		d[i].str = arena_strdup(c->req->arena, v[i]);
	}
}

void cim_out_refs(struct cim_call *c, const char *name, const struct cim_path *const *v, size_t n)
{
	struct cim_datum *d = outs(c, name, CIM_REFERENCE, v, n);

	for (size_t i = 0; d && i < n; i++)
		d[i].ref = cim_path_dup(c->req->arena, v[i]);
}

void cim_out_insts(struct cim_call *c, const char *name, const struct cim_inst *const *v, size_t n)
{
	struct cim_datum *d = outs(c, name, CIM_INSTANCE, v, n);

	for (size_t i = 0; d && i < n; i++)
		d[i].inst = v[i];
}

int cim_return(struct cim_call *c, uint32_t value)
{
	c->root->returned = true;
	c->root->return_value = value;
	return 0;
}

int cim_refuse(struct cim_call *c, uint32_t value, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_notice("%s by %s refused with %u: %s", c->root->req->name, cim_user(c), value, text);
	return cim_return(c, value);
}

/* ---- finishing later ---- */

struct cim_hold {
	struct cim_call *call; /* NULL once the call is gone */
};

struct cim_hold *cim_hold(struct cim_call *c)
{
	struct cim_hold *h = new0(struct cim_hold);

	if (c->root->hold) {
		log_err("bug: %s holds its call twice", c->req->name);
		abort();
	}
	h->call = c->root;
	c->root->hold = h;
	return h;
}

struct cim_call *cim_resume(struct cim_hold *h)
{
	struct cim_call *c = h->call;

	if (c)
		c->hold = NULL;
	free(h);
	return c;
}

void cim_on_cancel(struct cim_call *c, void (*fn)(void *arg), void *arg)
{
	c->root->on_cancel = fn;
	c->root->cancel_arg = arg;
}

void broker_hold_forget(struct cim_call *c)
{
	if (c->hold)
		c->hold->call = NULL;
	c->hold = NULL;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pull.c - Open..., Pull..., EnumerationCount and CloseEnumeration.
 *
 * Open runs the operation that gives all at once, with a sink that lets the first objects through
 * and puts the rest into a cursor, which nobody knows before that is done. Pull happens within one
 * turn of the loop: no operation ever meets another one on the same cursor, so
 * CIM_ERR_PULL_HAS_BEEN_ABANDONED and CIM_ERR_PULL_CANNOT_BE_ABANDONED have no occasion.
 */
#include <strings.h>

#include "broker/cursor.h"
#include "broker/internal.h"

struct opening {
	struct cim_sink sink; /* first */
	struct cim_call *call;
	struct cim_sink *to;
	enum cursor_kind kind;
	uint32_t timeout_s, room; /* how many objects the answer still takes */
	size_t given;
	struct cursor *cur; /* NULL: all went into the answer so far */
};

/* ---- collecting ---- */

static struct opening *of(struct cim_sink *s)
{
	return (struct opening *)s;
}

/* Does the next object go into the answer? */
static bool fits(struct opening *o)
{
	if (!o->room)
		return false;
	o->room--;
	o->given++;
	return true;
}

/* The cursor for what does not; NULL: there was an error, nothing is needed any more. */
static struct cursor *cursor_of(struct opening *o)
{
	struct cim_call *c = o->call;

	if (c->code)
		return NULL;
	if (!o->cur)
		o->cur = cursor_new(c->broker->cursors, o->kind, c->ns, c->req->user,
				    c->req->class_origin, o->timeout_s);
	if (!o->cur)
		broker_fail(c, cim_error(c, CIM_ERR_SERVER_LIMITS_EXCEEDED,
					 "there are %u open enumerations, no more are allowed",
					 cim_limits(c)->max_enumerations));
	return o->cur;
}

static void full(struct opening *o)
{
	struct cim_call *c = o->call;

	broker_fail(c, cim_error(c, CIM_ERR_SERVER_LIMITS_EXCEEDED,
				 "the open enumerations would hold more than %zu bytes",
				 cim_limits(c)->max_bytes));
	/* what it held may serve others, while this one comes to its end */
	cursor_close(o->cur);
	o->cur = NULL;
}

static void collect_path(struct cim_sink *s, const struct cim_path *p)
{
	struct opening *o = of(s);
	struct cursor *cur;

	if (fits(o)) {
		o->to->path(o->to, p);
		return;
	}
	cur = cursor_of(o);
	if (cur && !cursor_add_path(cur, p))
		full(o);
}

static void collect_inst(struct cim_sink *s, const struct cim_inst *i, const bool *mask,
			 const struct cim_ns *ns)
{
	struct opening *o = of(s);
	struct cursor *cur;

	if (o->kind == CURSOR_PATHS) {
		/* they were needed to be looked at */
		collect_path(s, i->path);
		return;
	}
	if (fits(o)) {
		o->to->inst(o->to, i, mask, ns);
		return;
	}
	cur = cursor_of(o);
	if (cur && !cursor_add_inst(cur, i, mask, ns))
		full(o);
}

/* ---- Open... ---- */

static const struct open {
	enum cim_op op; /* what gives all at once */
	enum cim_op filtered; /* the same with instances in place of paths */
	int (*run)(struct cim_call *c);
	enum cursor_kind kind;
	bool from_instance;
} opens[] = {
	[CIM_OP_OPEN_ENUMERATE_INSTANCES] = { CIM_OP_ENUMERATE_INSTANCES,
					      CIM_OP_ENUMERATE_INSTANCES,
					      broker_op_enumerate_instances, CURSOR_WITH_PATH,
					      false },
	[CIM_OP_OPEN_ENUMERATE_PATHS] = { CIM_OP_ENUMERATE_INSTANCE_NAMES,
					  CIM_OP_ENUMERATE_INSTANCES, broker_op_enumerate_instances,
					  CURSOR_PATHS, false },
	[CIM_OP_OPEN_ASSOCIATORS] = { CIM_OP_ASSOCIATORS, CIM_OP_ASSOCIATORS, broker_op_associate,
				      CURSOR_WITH_PATH, true },
	[CIM_OP_OPEN_ASSOCIATOR_PATHS] = { CIM_OP_ASSOCIATOR_NAMES, CIM_OP_ASSOCIATORS,
					   broker_op_associate, CURSOR_PATHS, true },
	[CIM_OP_OPEN_REFERENCES] = { CIM_OP_REFERENCES, CIM_OP_REFERENCES, broker_op_associate,
				     CURSOR_WITH_PATH, true },
	[CIM_OP_OPEN_REFERENCE_PATHS] = { CIM_OP_REFERENCE_NAMES, CIM_OP_REFERENCES,
					  broker_op_associate, CURSOR_PATHS, true },
	[CIM_OP_OPEN_QUERY] = { CIM_OP_ENUMERATE_INSTANCES, CIM_OP_ENUMERATE_INSTANCES,
				broker_op_enumerate_instances, CURSOR_INSTANCES, false },
};

static int timeout_of(struct cim_call *c, uint32_t *timeout_s)
{
	const struct broker_limits *l = cim_limits(c);
	const struct cim_opt_u32 *asked = &c->req->timeout_s;

	*timeout_s = asked->given ? asked->v : l->timeout_s;
	if (asked->given && !asked->v && !l->no_timeout)
		return cim_error(c, CIM_ERR_INVALID_OPERATION_TIMEOUT,
				 "OperationTimeout 0: an enumeration without end is not allowed");
	if (asked->given && asked->v > l->max_timeout_s)
		return cim_error(c, CIM_ERR_INVALID_OPERATION_TIMEOUT,
				 "OperationTimeout %u is longer than %u seconds", asked->v,
				 l->max_timeout_s);
	return 0;
}

static int check_open(struct cim_call *c, const struct open *how, uint32_t *timeout_s,
		      struct query **query)
{
	int r = timeout_of(c, timeout_s);

	if (!r && c->req->continue_on_error)
		r = cim_error(c, CIM_ERR_CONTINUATION_ON_ERROR_NOT_SUPPORTED,
			      "ContinueOnError is not supported");
	if (!r)
		r = c->req->op == CIM_OP_OPEN_QUERY ? broker_query(c, query)
						    : broker_filter(c, query);
	if (!r && how->from_instance && !c->req->path)
		r = cim_error(c, CIM_ERR_INVALID_PARAMETER, "InstanceName is missing");
	return r;
}

static int end_open(struct cim_call *c, int status, bool dropped)
{
	struct opening *o = c->end_arg;

	c->sink = o->to;
	if (status || c->code || dropped) {
		if (o->cur)
			cursor_close(o->cur);
		return status ? status : -c->code;
	}
	if (o->cur)
		cursor_open(o->cur, o->given);
	if (c->req->return_query_class)
		c->sink->result_class(c->sink, broker_class_of_request(c), c->ns);
	c->sink->sequence(c->sink, !o->cur, o->cur ? cursor_id(o->cur) : NULL);
	return 0;
}

int broker_op_open(struct cim_call *c)
{
	const struct open *how = &opens[c->req->op];
	struct opening *o = arena_alloc(c->req->arena, sizeof(*o));
	struct query *query = NULL;
	int r = check_open(c, how, &o->timeout_s, &query);

	if (r)
		return r;
	o->sink = (struct cim_sink) { .inst = collect_inst, .path = collect_path };
	o->call = c;
	o->to = c->sink;
	o->kind = how->kind;
	o->room = c->req->max_objects.given ? c->req->max_objects.v : 0;
	c->query = query;
	c->op = query ? how->filtered : how->op;
	c->sink = &o->sink;
	c->end_arg = o;
	c->at_end = end_open;
	return how->run(c);
}

/* ---- afterwards ---- */

static struct cursor *cursor_of_request(struct cim_call *c)
{
	const char *id = c->req->context;
	struct cursor *cur;

	if (!id) {
		broker_fail(c, cim_error(c, CIM_ERR_INVALID_PARAMETER,
					 "EnumerationContext is missing"));
		return NULL;
	}
	cur = cursor_find(c->broker->cursors, id, c->ns, c->req->user);
	if (!cur)
		broker_fail(c,
			    cim_error(c, CIM_ERR_INVALID_ENUMERATION_CONTEXT,
				      "there is no open enumeration %.64s in %s", id, c->ns->name));
	return cur;
}

static enum cursor_kind pulled_kind(enum cim_op op)
{
	if (op == CIM_OP_PULL_PATHS)
		return CURSOR_PATHS;
	return op == CIM_OP_PULL_WITH_PATH ? CURSOR_WITH_PATH : CURSOR_INSTANCES;
}

int broker_op_pull(struct cim_call *c)
{
	uint32_t max = c->req->max_objects.v;
	struct cursor *cur;

	if (!c->req->max_objects.given)
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "MaxObjectCount is missing");
	cur = cursor_of_request(c);
	if (!cur)
		return -c->code;
	if (cursor_kind(cur) != pulled_kind(c->req->op))
		return cim_error(c, CIM_ERR_INVALID_ENUMERATION_CONTEXT,
				 "%s does not go with the operation that opened the enumeration",
				 c->req->name);
	c->req->class_origin = cursor_class_origin(cur);
	/* fewer than were asked for are fine, and the rest stays */
	for (; max && cursor_left(cur); max--) {
		cursor_send(cur, c->sink);
		if (!(max % 16) && c->req->room && !c->req->room(c->req))
			break;
	}
	if (cursor_left(cur)) {
		cursor_touch(cur);
		c->sink->sequence(c->sink, false, cursor_id(cur));
	} else {
		c->sink->sequence(c->sink, true, NULL);
		cursor_close(cur);
	}
	return 0;
}

int broker_op_close_enumeration(struct cim_call *c)
{
	struct cursor *cur = cursor_of_request(c);

	if (!cur)
		return -c->code;
	cursor_close(cur);
	return 0;
}

int broker_op_enumeration_count(struct cim_call *c)
{
	struct cursor *cur = cursor_of_request(c);
	struct cim_value v = { .type = CIM_UINT64 };

	if (!cur)
		return -c->code;
	v.d.u = cursor_total(cur);
	c->sink->value(c->sink, &v);
	return 0;
}

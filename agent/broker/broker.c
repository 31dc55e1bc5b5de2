// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * broker.c - from a decoded request to its operation, and the end of it. Owns the root calls:
 * a call is freed when it was answered or cancelled.
 */
#include "base/alloc.h"
#include "base/log.h"
#include "broker/cursor.h"
#include "broker/internal.h"

#include <stdio.h>
#include <stdlib.h>

struct op {
	int (*run)(struct cim_call *c);
	bool write;
};

static const struct op ops[] = {
	[CIM_OP_GET_CLASS] = { broker_op_get_class, false },
	[CIM_OP_ENUMERATE_CLASSES] = { broker_op_enumerate_classes, false },
	[CIM_OP_ENUMERATE_CLASS_NAMES] = { broker_op_enumerate_classes, false },
	[CIM_OP_GET_INSTANCE] = { broker_op_get_instance, false },
	[CIM_OP_ENUMERATE_INSTANCES] = { broker_op_enumerate_instances, false },
	[CIM_OP_ENUMERATE_INSTANCE_NAMES] = { broker_op_enumerate_instances, false },
	[CIM_OP_ASSOCIATORS] = { broker_op_associate, false },
	[CIM_OP_ASSOCIATOR_NAMES] = { broker_op_associate, false },
	[CIM_OP_REFERENCES] = { broker_op_associate, false },
	[CIM_OP_REFERENCE_NAMES] = { broker_op_associate, false },
	[CIM_OP_GET_PROPERTY] = { broker_op_get_property, false },
	[CIM_OP_SET_PROPERTY] = { broker_op_set_property, true },
	[CIM_OP_CREATE_INSTANCE] = { broker_op_create_instance, true },
	[CIM_OP_MODIFY_INSTANCE] = { broker_op_modify_instance, true },
	[CIM_OP_DELETE_INSTANCE] = { broker_op_delete_instance, true },
	[CIM_OP_GET_QUALIFIER] = { broker_op_get_qualifier, false },
	[CIM_OP_ENUMERATE_QUALIFIERS] = { broker_op_enumerate_qualifiers, false },
	[CIM_OP_EXEC_QUERY] = { broker_op_exec_query, false },
	[CIM_OP_OPEN_QUERY] = { broker_op_open, false },
	[CIM_OP_OPEN_ENUMERATE_INSTANCES] = { broker_op_open, false },
	[CIM_OP_OPEN_ENUMERATE_PATHS] = { broker_op_open, false },
	[CIM_OP_OPEN_ASSOCIATORS] = { broker_op_open, false },
	[CIM_OP_OPEN_ASSOCIATOR_PATHS] = { broker_op_open, false },
	[CIM_OP_OPEN_REFERENCES] = { broker_op_open, false },
	[CIM_OP_OPEN_REFERENCE_PATHS] = { broker_op_open, false },
	[CIM_OP_PULL_WITH_PATH] = { broker_op_pull, false },
	[CIM_OP_PULL_PATHS] = { broker_op_pull, false },
	[CIM_OP_PULL_INSTANCES] = { broker_op_pull, false },
	[CIM_OP_CLOSE_ENUMERATION] = { broker_op_close_enumeration, false },
	[CIM_OP_ENUMERATION_COUNT] = { broker_op_enumeration_count, false },
	[CIM_OP_INVOKE] = { broker_op_invoke, false }, /* the method says which role it needs */
};

struct broker *broker_new(struct repo *repo, struct engine *engine)
{
	struct broker *b = new0(struct broker);

	b->repo = repo;
	b->engine = engine;
	b->cursors = cursors_new(&(struct broker_limits)BROKER_LIMITS_DEFAULT, NULL);
	return b;
}

void broker_free(struct broker *b)
{
	if (b) {
		broker_work_stop(b);
		cursors_free(b->cursors);
	}
	free(b);
}

void broker_set_limits(struct broker *b, const struct broker_limits *l, struct sd_event *loop)
{
	cursors_free(b->cursors);
	b->cursors = cursors_new(l, loop);
	broker_work_start(b, loop);
}

void broker_change_limits(struct broker *b, const struct broker_limits *l)
{
	cursors_change_limits(b->cursors, l);
}

struct repo *broker_repo(struct broker *b)
{
	return b->repo;
}

void broker_set_engine(struct broker *b, struct engine *engine)
{
	b->engine = engine;
}

static void call_free(struct cim_call *c)
{
	broker_hold_forget(c);
	broker_stream_free(c);
	arena_done(&c->scratch);
	free(c);
}

/*
 * One line for each change that was asked for, granted or not: who, from where, what, to which
 * object, and what became of it. No parameters: nobody knows what clients write into them.
 */
static void audit(const struct cim_call *c, const char *end)
{
	const struct cim_request *req = c->req;
	const struct cim_path *p = c->created ? c->created : req->path;
	const char *object = req->class ? req->class : req->inst ? req->inst->class : "-";

	if (!c->changes)
		return;
	if (p)
		object = cim_path_print(req->arena, p);
	log_notice("audit: user %s from %s: %s of %.400s in %s: %.400s",
		   req->user && *req->user ? req->user : "(not asked)",
		   req->peer ? req->peer : "(unknown)", req->name, object, req->ns ? req->ns : "-",
		   end);
}

static void audit_end(const struct cim_call *c)
{
	char text[512];

	if (!c->changes)
		return;
	if (c->code)
		snprintf(text, sizeof(text), "refused, CIM error %d, %s", c->code,
			 c->why ? c->why : "");
	else if (c->method)
		snprintf(text, sizeof(text), "returned %u", c->return_value);
	else
		snprintf(text, sizeof(text), "done");
	audit(c, text);
}

/* Of what was asked for; what was done is told whatever it takes. */
static int check_room(struct cim_call *c)
{
	if (c->changes || c->method || c->op == CIM_OP_PULL_INSTANCES ||
	    c->op == CIM_OP_PULL_WITH_PATH || c->op == CIM_OP_PULL_PATHS)
		return 0;
	return broker_may_go_on(c) ? 0 : -c->code;
}

static void finish(struct cim_call *c, int status)
{
	struct cim_sink *sink;

	if (c->at_end)
		status = c->at_end(c, status, false);
	if (c->stream) {
		/* before the sink frees the request; a sentence may be in what was made last */
		c->why = arena_strdup(c->req->arena, c->why);
		broker_stream_free(c);
	}
	sink = c->sink;
	if (!status && c->method)
		status = broker_send_method_result(c);
	else if (!status && !c->code && c->op == CIM_OP_CREATE_INSTANCE)
		status = broker_send_created(c);
	if (!status && !c->code)
		status = check_room(c);
	if (status || c->code)
		broker_fail(c, status);
	audit_end(c);
	sink->done(sink, c->code, c->why);
	call_free(c);
}

static int run(struct cim_call *c)
{
	const struct cim_request *req = c->req;

	c->ns = req->ns ? repo_ns(req->ns) : NULL;
	if (!c->ns)
		return cim_error(c, CIM_ERR_INVALID_NAMESPACE, "namespace %s does not exist",
				 req->ns ? req->ns : "(none)");
	c->changes = (size_t)req->op < ARRAY_LEN(ops) && ops[req->op].write;
	if (!req->may_read)
		return cim_error(c, CIM_ERR_ACCESS_DENIED, "user %s has no role here", cim_user(c));
	if (req->op == CIM_OP_UNSUPPORTED || req->op == CIM_OP_UNKNOWN ||
	    (size_t)req->op >= ARRAY_LEN(ops) || !ops[req->op].run)
		return cim_error(c, CIM_ERR_NOT_SUPPORTED, "operation %s is not supported",
				 req->name);
	if (ops[req->op].write && !req->may_write)
		return cim_error(c, CIM_ERR_ACCESS_DENIED, "%s needs the write role", req->name);
	if (req->error)
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "%s", req->error);
	return ops[req->op].run(c);
}

struct cim_call *broker_submit(struct broker *b, struct cim_request *req, struct cim_sink *sink)
{
	struct cim_call *c = new0(struct cim_call);
	int r;

	c->broker = b;
	c->req = req;
	c->sink = sink;
	c->op = req->op;
	c->root = c;
	c->running = true;
	broker_turn_begin(c);
	r = run(c);
	broker_turn_end(c);
	c->running = false;
	if (r == CIM_PENDING && !c->finished)
		return c;
	finish(c, r == CIM_PENDING ? c->finish_status : r);
	return NULL;
}

void cim_call_done(struct cim_call *c, int status)
{
	if (c->running) {
		c->finished = true;
		c->finish_status = status;
		return;
	}
	finish(c, status);
}

void broker_cancel(struct cim_call *c)
{
	audit(c, "the client has gone before the end");
	if (c->at_end)
		c->at_end(c, 0, true);
	if (c->on_cancel)
		c->on_cancel(c->cancel_arg);
	call_free(c);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * method.c - extrinsic methods: finding the method, checking the call against the schema, and
 * sending what came out.
 */
#include <strings.h>

#include "base/log.h"
#include "broker/internal.h"

static const struct cim_class_method *find_method(const struct cim_class *cls, const char *name)
{
	for (unsigned int i = 0; i < cls->n_methods; i++)
		if (!strcasecmp(cls->methods[i].decl->name, name))
			return &cls->methods[i];
	return NULL;
}

static const struct cim_method *provided(const struct cim_class *cls, const char *name)
{
	const struct cim_method *m = cls->provider ? cls->provider->methods : NULL;

	for (; m && m->name; m++)
		if (!strcasecmp(m->name, name))
			return m;
	return NULL;
}

static int target_in(struct cim_call *c, const struct cim_class **cls)
{
	const struct cim_ns *ns;
	int r;

	if (!c->req->path) {
		*cls = broker_class_of_request(c);
		return *cls ? 0 : -c->root->code;
	}
	c->req->path->ns = NULL;
	r = broker_path_in(c, c->req->path, cls, &ns);
	if (!r && !((*cls)->ns & c->ns->kind))
		r = cim_error(c, CIM_ERR_INVALID_CLASS, "class %s does not exist in %s",
			      repo_name(*cls, c->ns), c->ns->name);
	c->target = c->req->path;
	return r;
}

static int arg_in(struct cim_call *c, const struct cim_param_in *in)
{
	const struct cim_method_decl *m = c->method->decl;
	const struct cim_param_decl *p = NULL;
	struct cim_value_spec spec;
	unsigned int at;

	for (at = 0; at < m->n_params && !p; at++)
		if (!strcasecmp(m->params[at].name, in->name))
			p = &m->params[at];
	if (!p)
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "%s has no parameter %s", m->name,
				 in->name);
	at--;
	if (c->args[at].type != CIM_NONE)
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "parameter %s is there twice",
				 p->name);
	if (!p->in && !in->val.null)
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "parameter %s is output only",
				 p->name);
	spec = (struct cim_value_spec) { p->type, p->array, p->ref_class, p->embedded };
	return broker_value_in(c, &spec, arena_printf(c->req->arena, "parameter %s", p->name),
			       in->claimed, &in->val, &c->args[at]);
}

static int args_in(struct cim_call *c)
{
	const struct cim_method_decl *m = c->method->decl;

	c->args = arena_array(c->req->arena, m->n_params, sizeof(*c->args));
	c->outs = arena_array(c->req->arena, m->n_params, sizeof(*c->outs));
	for (size_t i = 0; i < c->req->n_params; i++) {
		int r = arg_in(c, &c->req->params[i]);

		if (r)
			return r;
	}
	for (unsigned int i = 0; i < m->n_params; i++)
		if (m->params[i].in && m->params[i].required &&
		    (c->args[i].type == CIM_NONE || c->args[i].null))
			return cim_error(c, CIM_ERR_INVALID_PARAMETER, "parameter %s is required",
					 m->params[i].name);
	return 0;
}

int broker_op_invoke(struct cim_call *c)
{
	const struct cim_class *cls;
	const struct cim_method *m;
	int r = target_in(c, &cls);

	if (r)
		return r;
	c->method = find_method(cls, c->req->name);
	if (!c->method)
		return cim_error(c, CIM_ERR_METHOD_NOT_FOUND, "class %s has no method %s",
				 repo_name(cls, c->ns), c->req->name);
	m = provided(cls, c->req->name);
	if (!m)
		return cim_error(c, CIM_ERR_METHOD_NOT_AVAILABLE, "method %s of %s is not provided",
				 c->method->decl->name, repo_name(cls, c->ns));
	c->changes = !(m->flags & CIM_METHOD_READ);
	if (c->changes && !c->req->may_write)
		return cim_error(c, CIM_ERR_ACCESS_DENIED, "%s needs the write role",
				 c->method->decl->name);
	if (c->target)
		r = broker_get(c, cls, c->target, c->ns, NULL, NULL);
	else if (!c->method->decl->is_static)
		return cim_error(c, CIM_ERR_INVALID_PARAMETER,
				 "%s is a method of instances, not of the class",
				 c->method->decl->name);
	if (r == -CIM_ERR_NOT_FOUND && !c->root->why)
		cim_error(c, CIM_ERR_NOT_FOUND, "there is no %s",
			  cim_path_print(c->req->arena, c->target));
	if (!r)
		r = args_in(c);
	if (r)
		return r;
	c->prov = cls->provider;
	c->cls = cls;
	return m->invoke(c);
}

int broker_send_method_result(struct cim_call *c)
{
	const struct cim_method_decl *m = c->method->decl;

	if (!c->returned) {
		log_err("bug: %s came to an end without return value", m->name);
		return cim_error(c, CIM_ERR_FAILED, "%s gave no return value, see the log",
				 m->name);
	}
	c->sink->returned(c->sink, m->type, c->return_value);
	for (unsigned int i = 0; i < m->n_params; i++) {
		/* NULL is said by leaving it out: some clients fail on an empty PARAMVALUE */
		if (!c->outs[i].name || c->outs[i].val.null)
			continue;
		broker_value_out(c, &c->outs[i].val, c->ns);
		c->sink->out(c->sink, c->outs[i].name, &c->outs[i].val);
	}
	return 0;
}

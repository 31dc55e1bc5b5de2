// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * classes.c - operations on classes and qualifier types: answered from the repository alone.
 */
#include "broker/internal.h"

static void send(struct cim_call *c, const struct cim_class *cls)
{
	if (c->req->op == CIM_OP_ENUMERATE_CLASS_NAMES)
		c->sink->class_name(c->sink, cls, c->ns);
	else
		c->sink->class(c->sink, cls, c->ns);
}

static void send_children(struct cim_call *c, const struct cim_class *cls);

static void send_tree(struct cim_call *c, const struct cim_class *cls)
{
	if (!(cls->ns & c->ns->kind))
		return;
	send(c, cls);
	if (c->req->deep)
		send_children(c, cls);
}

/* Superclasses come before their subclasses. */
static void send_children(struct cim_call *c, const struct cim_class *cls)
{
	for (const struct cim_class *k = cls->children; k; k = k->sibling)
		send_tree(c, k);
}

int broker_op_get_class(struct cim_call *c)
{
	const struct cim_class *cls = broker_class_of_request(c);

	if (!cls)
		return -c->code;
	c->sink->class(c->sink, cls, c->ns);
	return 0;
}

int broker_op_enumerate_classes(struct cim_call *c)
{
	const struct cim_class *cls;
	size_t n;

	if (c->req->class) {
		cls = broker_class_of_request(c);
		if (!cls)
			return -c->code;
		send_children(c, cls);
	} else {
		const struct cim_class *const *roots = repo_roots(c->broker->repo, &n);

		for (size_t i = 0; i < n; i++)
			send_tree(c, roots[i]);
	}
	return 0;
}

int broker_op_get_qualifier(struct cim_call *c)
{
	const struct cim_qualtype_decl *q;

	if (!c->req->qualifier)
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "QualifierName is missing");
	q = repo_qualtype(c->broker->repo, c->req->qualifier);
	if (!q)
		return cim_error(c, CIM_ERR_NOT_FOUND, "there is no qualifier %s",
				 c->req->qualifier);
	c->sink->qualtype(c->sink, q);
	return 0;
}

int broker_op_enumerate_qualifiers(struct cim_call *c)
{
	size_t n;
	const struct cim_qualtype_decl *q = repo_qualtypes(c->broker->repo, &n);

	for (size_t i = 0; i < n; i++)
		c->sink->qualtype(c->sink, &q[i]);
	return 0;
}

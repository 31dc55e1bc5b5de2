// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * inst.c - operations on instances, and the two ways in which the broker gets instances from a
 * provider: all of them, or the one with a path.
 */
#include <string.h>
#include <strings.h>

#include "broker/internal.h"

typedef void (*take_fn)(struct cim_call *, struct cim_inst *, void *);

/* ---- from the providers ---- */

int broker_enumerate(struct cim_call *parent, const struct cim_provider *prov,
		     const struct cim_ns *ns, take_fn take, void *arg)
{
	struct cim_call sub;

	broker_sub_begin(&sub, parent, prov, ns, take, arg);
	return broker_sub_end(&sub, prov->enumerate(&sub));
}

struct wanted {
	const struct cim_path *path;
	take_fn take;
	void *arg;
	bool found;
};

/* Whatever the provider found: the keys decide, all of them. */
static void take_wanted(struct cim_call *c, struct cim_inst *i, void *arg)
{
	struct wanted *w = arg;

	if (w->found || !cim_path_equal(broker_path_of(i), w->path))
		return;
	w->found = true;
	if (w->take)
		w->take(c, i, w->arg);
}

static int ask(struct cim_call *sub)
{
	const struct cim_provider *p = sub->prov;
	const struct cim_path *end;

	if (p->get)
		return p->get(sub);
	if (p->assoc && p->assoc->from_end) {
		end = cim_path_key_ref(sub->target, p->assoc->role[0]);
		if (end)
			return p->assoc->from_end(sub, 0, end);
	}
	return p->enumerate(sub);
}

int broker_get(struct cim_call *parent, const struct cim_class *cls, const struct cim_path *path,
	       const struct cim_ns *ns, take_fn take, void *arg)
{
	struct wanted w = { .path = path, .take = take, .arg = arg };
	struct cim_call sub;
	int r;

	if (!cls->provider || !((cls->provider->ns ? cls->provider->ns : CIM_NS_IMPL) & ns->kind))
		return -CIM_ERR_NOT_FOUND;
	broker_sub_begin(&sub, parent, cls->provider, ns, take_wanted, &w);
	sub.target = path;
	r = broker_sub_end(&sub, ask(&sub));
	if (r)
		return r;
	return w.found ? 0 : -CIM_ERR_NOT_FOUND;
}

/* ---- to the sink ---- */

static bool listed(const struct cim_request *req, const char *prop)
{
	if (!req->has_props)
		return true;
	for (size_t i = 0; i < req->n_props; i++)
		if (!strcasecmp(req->props[i], prop))
			return true;
	return false;
}

/* Which properties of cls the client wants; made once for each class. */
static const bool *mask_for(struct cim_call *root, const struct cim_class *cls)
{
	if (root->mask_cls == cls)
		return root->mask;
	root->mask = arena_array(root->req->arena, cls->n_props, sizeof(*root->mask));
	root->mask_cls = cls;
	for (unsigned int i = 0; i < cls->n_props; i++) {
		const char *name = cls->props[i].decl->name;

		root->mask[i] =
			listed(root->req, name) &&
			(!root->mask_base || cim_class_find_prop(root->mask_base, name) >= 0);
	}
	return root->mask;
}

void broker_send_inst(struct cim_call *c, struct cim_inst *i, const struct cim_ns *ns)
{
	struct cim_call *root = c->root;

	i->path = broker_path_of(i);
	broker_inst_out(c, i, ns);
	root->sink->inst(root->sink, i, mask_for(root, i->cls), ns);
}

void broker_send_path(struct cim_call *c, struct cim_inst *i, const struct cim_ns *ns)
{
	struct cim_path *p = broker_path_of(i);

	broker_path_out(c, p, ns);
	c->root->sink->path(c->root->sink, p);
}

static void take_send_inst(struct cim_call *c, struct cim_inst *i, void *arg)
{
	(void)arg;
	broker_send_inst(c, i, c->ns);
}

static void take_send_path(struct cim_call *c, struct cim_inst *i, void *arg)
{
	(void)arg;
	broker_send_path(c, i, c->ns);
}

/* ---- operations ---- */

const struct cim_class *broker_class_of_request(struct cim_call *c)
{
	const char *name = c->req->class;
	const struct cim_class *cls;

	if (!name) {
		broker_fail(c, cim_error(c, CIM_ERR_INVALID_PARAMETER, "ClassName is missing"));
		return NULL;
	}
	cls = repo_class(c->broker->repo, c->ns, name);
	if (!cls)
		broker_fail(c, cim_error(c, CIM_ERR_INVALID_CLASS, "class %s does not exist in %s",
					 name, c->ns->name));
	return cls;
}

/* InstanceName of the request, made internal. */
static const struct cim_class *target_of_request(struct cim_call *c)
{
	const struct cim_class *cls;
	const struct cim_ns *ns;
	int r;

	if (!c->req->path) {
		broker_fail(c, cim_error(c, CIM_ERR_INVALID_PARAMETER, "InstanceName is missing"));
		return NULL;
	}
	c->req->path->ns = NULL;
	r = broker_path_in(c, c->req->path, &cls, &ns);
	if (!r && !(cls->ns & c->ns->kind))
		r = cim_error(c, CIM_ERR_INVALID_CLASS, "class %s does not exist in %s",
			      repo_name(cls, c->ns), c->ns->name);
	if (r) {
		broker_fail(c, r);
		return NULL;
	}
	c->target = c->req->path;
	return cls;
}

static int not_found(struct cim_call *c, int r)
{
	if (r == -CIM_ERR_NOT_FOUND && !c->root->why)
		return cim_error(c, CIM_ERR_NOT_FOUND, "there is no %s",
				 cim_path_print(c->req->arena, c->target));
	return r;
}

int broker_op_get_instance(struct cim_call *c)
{
	const struct cim_class *cls = target_of_request(c);

	if (!cls)
		return -c->root->code;
	return not_found(c, broker_get(c, cls, c->target, c->ns, take_send_inst, NULL));
}

int broker_op_enumerate_instances(struct cim_call *c)
{
	const struct cim_provider *const *p = repo_providers(c->broker->repo);
	const struct cim_class *base = broker_class_of_request(c);
	bool names = c->op == CIM_OP_ENUMERATE_INSTANCE_NAMES;
	int r = 0;

	if (!base)
		return -c->root->code;
	if (!names && !c->req->deep)
		c->mask_base = base;
	for (; *p && !r; p++) {
		const struct cim_class *cls = repo_class_internal(c->broker->repo, (*p)->class);
		unsigned int kinds = (*p)->ns ? (*p)->ns : CIM_NS_IMPL;

		if (kinds & c->ns->kind && cim_class_is_a(cls, base))
			r = broker_enumerate(c, *p, c->ns, names ? take_send_path : take_send_inst,
					     NULL);
	}
	return r;
}

/* The properties of ModifiedInstance that may be written, converted. */
static int changes_in(struct cim_call *c, const struct cim_class *cls, struct cim_inst *changes)
{
	const struct cim_request *req = c->req;

	for (size_t i = 0; i < req->n_props; i++)
		if (cim_class_find_prop(cls, req->props[i]) < 0)
			return cim_error(c, CIM_ERR_NO_SUCH_PROPERTY, "%s has no property %s",
					 repo_name(cls, c->ns), req->props[i]);
	for (size_t i = 0; i < req->inst->n_props; i++) {
		const struct cim_prop *raw = &req->inst->props[i];
		int at = cim_class_find_prop(cls, raw->name), r;
		const struct cim_prop_decl *d;
		struct cim_value_spec spec;

		if (at < 0)
			return cim_error(c, CIM_ERR_NO_SUCH_PROPERTY, "%s has no property %s",
					 repo_name(cls, c->ns), raw->name);
		d = cls->props[at].decl;
		if (!listed(req, d->name) || d->key)
			continue;
		if (!d->write) {
			/* clients send whole instances back: only asked for by name is it wrong */
			if (req->has_props)
				return cim_error(c, CIM_ERR_INVALID_PARAMETER,
						 "property %s cannot be written", d->name);
			continue;
		}
		spec = (struct cim_value_spec) { d->type, d->array, d->ref_class, d->embedded };
		r = broker_value_in(c, &spec, d->name, CIM_NONE, &raw->val,
				    &changes->props[at].val);
		if (r)
			return r;
	}
	return 0;
}

int broker_op_modify_instance(struct cim_call *c)
{
	const struct cim_class *cls = target_of_request(c);
	struct cim_inst *changes;
	int r;

	if (!cls)
		return -c->root->code;
	if (!c->req->inst ||
	    strcasecmp(repo_name_in(c->req->arena, c->ns, c->req->inst->class), cls->decl->name))
		return cim_error(c, CIM_ERR_INVALID_PARAMETER,
				 "ModifiedInstance is missing or not of the class of its path");
	r = not_found(c, broker_get(c, cls, c->target, c->ns, NULL, NULL));
	if (r)
		return r;
	if (!cls->provider->modify)
		return cim_error(c, CIM_ERR_NOT_SUPPORTED, "instances of %s cannot be modified",
				 repo_name(cls, c->ns));
	changes = cim_inst_of(c->req->arena, cls);
	r = changes_in(c, cls, changes);
	if (r)
		return r;
	c->prov = cls->provider;
	c->cls = cls;
	return c->prov->modify(c, changes);
}

int broker_op_delete_instance(struct cim_call *c)
{
	const struct cim_class *cls = target_of_request(c);
	int r;

	if (!cls)
		return -c->root->code;
	r = not_found(c, broker_get(c, cls, c->target, c->ns, NULL, NULL));
	if (r)
		return r;
	if (!cls->provider->remove)
		return cim_error(c, CIM_ERR_NOT_SUPPORTED, "instances of %s cannot be deleted",
				 repo_name(cls, c->ns));
	c->prov = cls->provider;
	c->cls = cls;
	return c->prov->remove(c);
}

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

	if (w->found)
		return;
	i->path = broker_path_of(i);
	if (!cim_path_equal(i->path, w->path))
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

bool broker_served(const struct cim_class *cls, const struct cim_ns *ns)
{
	const struct cim_provider *p = cls->provider;

	return p && (p->ns ? p->ns : CIM_NS_IMPL) & ns->kind;
}

int broker_get(struct cim_call *parent, const struct cim_class *cls, const struct cim_path *path,
	       const struct cim_ns *ns, take_fn take, void *arg)
{
	struct wanted w = { .path = path, .take = take, .arg = arg };
	struct cim_call sub;
	int r;

	if (!broker_served(cls, ns))
		return -CIM_ERR_NOT_FOUND;
	broker_sub_begin(&sub, parent, cls->provider, ns, take_wanted, &w);
	sub.target = path;
	r = broker_sub_end(&sub, ask(&sub));
	if (r)
		return r;
	return w.found ? 0 : -CIM_ERR_NOT_FOUND;
}

/* ---- to the sink ---- */

bool broker_listed(const struct cim_request *req, const char *prop)
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
			broker_listed(root->req, name) &&
			(!root->mask_base || cim_class_find_prop(root->mask_base, name) >= 0);
	}
	return root->mask;
}

void broker_send_inst(struct cim_call *c, struct cim_inst *i, const struct cim_ns *ns)
{
	struct cim_call *root = c->root;

	if (!i->path)
		i->path = broker_path_of(i);
	broker_inst_out(c, i, ns);
	if (!broker_passes(root, i))
		return;
	root->too_many = root->send_max && root->n_sent >= root->send_max;
	if (root->too_many)
		return;
	root->n_sent++;
	root->sink->inst(root->sink, i, mask_for(root, i->cls), ns);
}

void broker_send_path(struct cim_call *c, struct cim_inst *i, const struct cim_ns *ns)
{
	struct cim_path *p = i->path ? i->path : broker_path_of(i);

	broker_path_out(c, p, ns);
	c->root->n_sent++;
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

/* ---- operations that read ---- */

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

const struct cim_class *broker_target_of_request(struct cim_call *c)
{
	const struct cim_class *cls;
	const struct cim_ns *ns;
	int r;

	if (!c->req->path) {
		broker_fail(c, cim_error(c, CIM_ERR_INVALID_PARAMETER, "InstanceName is missing"));
		return NULL;
	}
	r = broker_path_here(c, c->req->path);
	if (!r)
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

int broker_not_found(struct cim_call *c, int r)
{
	if (r == -CIM_ERR_NOT_FOUND && !c->root->why)
		return cim_error(c, CIM_ERR_NOT_FOUND, "there is no %s",
				 cim_path_print(c->req->arena, c->target));
	return r;
}

int broker_property_of_request(struct cim_call *c, const struct cim_class *cls)
{
	const char *name = c->req->property;
	int at;

	if (!name)
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "PropertyName is missing");
	at = cim_class_find_prop(cls, name);
	return at >= 0 ? at
		       : cim_error(c, CIM_ERR_NO_SUCH_PROPERTY, "%s has no property %s",
				   repo_name(cls, c->ns), name);
}

int broker_op_get_instance(struct cim_call *c)
{
	const struct cim_class *cls = broker_target_of_request(c);

	if (!cls)
		return -c->root->code;
	return broker_not_found(c, broker_get(c, cls, c->target, c->ns, take_send_inst, NULL));
}

static int enumerate_all(struct cim_call *c, const struct cim_class *base,
			 int (*one)(struct cim_call *c, const struct cim_provider *p))
{
	const struct cim_provider *const *p = repo_providers(c->broker->repo);
	int r = 0;

	for (; *p && !r && !c->too_many; p++) {
		const struct cim_class *cls = repo_class_internal(c->broker->repo, (*p)->class);

		if (broker_served(cls, c->ns) && cim_class_is_a(cls, base))
			r = one(c, *p);
	}
	return r;
}

static int send_all(struct cim_call *c, const struct cim_provider *p)
{
	bool names = c->op == CIM_OP_ENUMERATE_INSTANCE_NAMES;

	return broker_enumerate(c, p, c->ns, names ? take_send_path : take_send_inst, NULL);
}

int broker_op_enumerate_instances(struct cim_call *c)
{
	const struct cim_class *base = broker_class_of_request(c);
	int r;

	if (!base)
		return -c->root->code;
	if (c->op == CIM_OP_ENUMERATE_INSTANCE_NAMES)
		return enumerate_all(c, base, send_all);
	if (!c->req->deep)
		c->mask_base = base;
	/* few are had cheapest all at once, and they are what most answers have */
	if (!c->at_end && !c->query) {
		c->send_max = BROKER_MAX_WHOLE;
		r = enumerate_all(c, base, send_all);
		if (!c->too_many)
			return r;
		c->send_max = 0;
		c->too_many = false;
		c->sink->restart(c->sink);
	}
	broker_collect_begin(c);
	return broker_collected(c, enumerate_all(c, base, broker_collect));
}

static void take_property(struct cim_call *c, struct cim_inst *i, void *arg)
{
	const struct cim_value *v = &i->props[*(const int *)arg].val;

	broker_inst_out(c, i, c->ns);
	if (!v->null)
		c->root->sink->value(c->root->sink, v);
}

int broker_op_get_property(struct cim_call *c)
{
	const struct cim_class *cls = broker_target_of_request(c);
	int at;

	if (!cls)
		return -c->root->code;
	at = broker_property_of_request(c, cls);
	if (at < 0)
		return at;
	c->req->has_props = true;
	c->req->props = &c->req->property;
	c->req->n_props = 1;
	return broker_not_found(c, broker_get(c, cls, c->target, c->ns, take_property, &at));
}

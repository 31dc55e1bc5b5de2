// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * change.c - operations that change instances: what was given is checked against the schema, the
 * provider does the rest. Where a provider does not, the answer is CIM_ERR_NOT_SUPPORTED.
 */
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "broker/internal.h"

/* ---- CreateInstance ---- */

/* Class names in ...CreationClassName, as the code spells them. */
static void class_names_in(struct cim_call *c, struct cim_inst *i)
{
	for (unsigned int k = 0; k < i->cls->n_props; k++) {
		struct cim_value *v = &i->props[k].val;

		if (i->cls->props[k].holds_class_name && v->type == CIM_STRING && !v->array &&
		    !v->null)
			v->d.str = repo_name_in(c->req->arena, c->ns, v->d.str);
	}
}

int broker_op_create_instance(struct cim_call *c)
{
	const struct cim_inst *raw = c->req->inst;
	const struct cim_class *cls;
	struct cim_inst *inst;
	int r;

	if (!raw)
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "NewInstance is missing");
	cls = repo_class(c->broker->repo, c->ns, raw->class);
	if (!cls)
		return cim_error(c, CIM_ERR_INVALID_CLASS, "class %s does not exist in %s",
				 raw->class, c->ns->name);
	if (!broker_served(cls, c->ns) || !cls->provider->create)
		return cim_error(c, CIM_ERR_NOT_SUPPORTED, "instances of %s cannot be created",
				 repo_name(cls, c->ns));
	inst = cim_inst_of(c->req->arena, cls);
	r = broker_props_in(c, raw, inst, "NewInstance");
	if (r)
		return r;
	class_names_in(c, inst);
	c->prov = cls->provider;
	c->cls = cls;
	return c->prov->create(c, inst);
}

void cim_created(struct cim_call *c, const struct cim_path *path)
{
	c->root->created = cim_path_dup(c->req->arena, path);
}

/* After create has come to a good end. */
int broker_send_created(struct cim_call *c)
{
	if (!c->created) {
		log_err("bug: the provider of %s created nothing", c->cls->decl->name);
		return cim_error(c, CIM_ERR_FAILED, "the provider of %s is faulty, see the log",
				 repo_name(c->cls, c->ns));
	}
	broker_path_out(c, c->created, c->ns);
	c->sink->path(c->sink, c->created);
	return 0;
}

/* ---- ModifyInstance, DeleteInstance ---- */

static int no_such_property(struct cim_call *c, const struct cim_class *cls, const char *name)
{
	return cim_error(c, CIM_ERR_NO_SUCH_PROPERTY, "%s has no property %s",
			 repo_name(cls, c->ns), name);
}

/* The new value of a property; NULL is one too, but not where one is required. */
static int change_in(struct cim_call *c, const struct cim_prop_decl *d, const struct cim_value *raw,
		     struct cim_value *out)
{
	const struct cim_value_spec spec = { d->type, d->array, d->ref_class, d->embedded };
	const char *what = arena_printf(c->req->arena, "property %s", d->name);

	if (raw->null && d->required)
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "%s cannot be NULL", what);
	out->given = true;
	return broker_value_in(c, &spec, what, raw->claimed, raw, out);
}

/* Listed, but not in the instance: it gets its default, else NULL. */
static int default_in(struct cim_call *c, const struct cim_prop_decl *d, struct cim_value *out)
{
	struct cim_value raw = { .type = CIM_STRING, .array = d->array, .null = true };

	if (d->dflt && !d->array) {
		raw.null = false;
		raw.d.str = d->dflt;
	}
	return change_in(c, d, &raw, out);
}

/* Those that are listed and can be written must be changed, to a default if to nothing else. */
static int listed_in(struct cim_call *c, const struct cim_class *cls, struct cim_inst *changes)
{
	const struct cim_request *req = c->req;

	for (size_t i = 0; i < req->n_props; i++) {
		int at = cim_class_find_prop(cls, req->props[i]), r;
		const struct cim_prop_decl *d;

		if (at < 0)
			return no_such_property(c, cls, req->props[i]);
		d = cls->props[at].decl;
		if (d->key || changes->props[at].val.given)
			continue;
		if (!d->write)
			return cim_error(c, CIM_ERR_INVALID_PARAMETER,
					 "property %s cannot be written", d->name);
		r = default_in(c, d, &changes->props[at].val);
		if (r)
			return r;
	}
	return 0;
}

/*
 * The properties of ModifiedInstance that may be written, converted. Clients send whole instances
 * back: only what is asked for by name must be one that can be written.
 */
static int changes_in(struct cim_call *c, const struct cim_class *cls, struct cim_inst *changes)
{
	const struct cim_request *req = c->req;

	for (size_t i = 0; i < req->inst->n_props; i++) {
		const struct cim_prop *raw = &req->inst->props[i];
		int at = cim_class_find_prop(cls, raw->name), r;
		const struct cim_prop_decl *d;

		if (at < 0)
			return no_such_property(c, cls, raw->name);
		d = cls->props[at].decl;
		if (!broker_listed(req, d->name) || d->key || !d->write)
			continue;
		r = change_in(c, d, &raw->val, &changes->props[at].val);
		if (r)
			return r;
	}
	return listed_in(c, cls, changes);
}

int broker_op_modify_instance(struct cim_call *c)
{
	const struct cim_class *cls = broker_target_of_request(c);
	struct cim_inst *changes;
	int r;

	if (!cls)
		return -c->root->code;
	if (!c->req->inst ||
	    strcasecmp(repo_name_in(c->req->arena, c->ns, c->req->inst->class), cls->decl->name))
		return cim_error(c, CIM_ERR_INVALID_PARAMETER,
				 "ModifiedInstance is missing or not of the class of its path");
	r = broker_not_found(c, broker_get(c, cls, c->target, c->ns, NULL, NULL));
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
	const struct cim_class *cls = broker_target_of_request(c);
	int r;

	if (!cls)
		return -c->root->code;
	r = broker_not_found(c, broker_get(c, cls, c->target, c->ns, NULL, NULL));
	if (r)
		return r;
	if (!cls->provider->remove)
		return cim_error(c, CIM_ERR_NOT_SUPPORTED, "instances of %s cannot be deleted",
				 repo_name(cls, c->ns));
	c->prov = cls->provider;
	c->cls = cls;
	return c->prov->remove(c);
}

/* ---- SetProperty ---- */

int broker_op_set_property(struct cim_call *c)
{
	const struct cim_class *cls = broker_target_of_request(c);
	const struct cim_prop_decl *d;
	struct cim_inst *changes;
	int at, r;

	if (!cls)
		return -c->root->code;
	at = broker_property_of_request(c, cls);
	if (at < 0)
		return at;
	r = broker_not_found(c, broker_get(c, cls, c->target, c->ns, NULL, NULL));
	if (r)
		return r;
	d = cls->props[at].decl;
	if (d->key || !d->write || !cls->provider->modify)
		return cim_error(c, CIM_ERR_NOT_SUPPORTED, "property %s of %s cannot be written",
				 d->name, repo_name(cls, c->ns));
	changes = cim_inst_of(c->req->arena, cls);
	r = change_in(c, d, &c->req->new_value, &changes->props[at].val);
	if (r)
		return c->req->new_value.null ? r : -CIM_ERR_TYPE_MISMATCH;
	c->req->has_props = true;
	c->req->props = &c->req->property;
	c->req->n_props = 1;
	c->prov = cls->provider;
	c->cls = cls;
	return c->prov->modify(c, changes);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * params.c - the parameters of a call to JSON and back.
 *
 * JSON: {"SyncType":8,"SourceGroup":"RPL_ReplicationGroup.InstanceID=\"...\"",...}. The types come
 * from the schema, so they are not written. An embedded instance is {"class":"RPL_...","set":{...}}
 * with the properties that it has, as the parameters are.
 */
#include "providers/params.h"

#include <json-c/json.h>
#include <string.h>
#include <strings.h>

#include "base/vec.h"
#include "cim/class.h"

#define SERVICE_CLASS "RPL_ReplicationService"

/* Instances in instances in ...: as deep as requests go; json-c reads 32 levels, two for each. */
#define MAX_EMBEDDING 4

static const struct cim_class_decl *class_decl(const char *name)
{
	size_t k;

	for (k = 0; k < cim_schema.n_classes; k++)
		if (!strcasecmp(cim_schema.classes[k].name, name))
			return &cim_schema.classes[k];
	return NULL;
}

static const struct cim_method_decl *method_decl(const char *method)
{
	static const struct cim_method_decl *last; /* for most jobs are of the same method */
	const struct cim_class_decl *d = class_decl(SERVICE_CLASS);
	size_t k;

	if (last && !strcasecmp(last->name, method))
		return last;
	while (d) {
		for (k = 0; k < d->n_methods; k++)
			if (!strcasecmp(d->methods[k].name, method))
				return last = &d->methods[k];
		d = d->super ? class_decl(d->super) : NULL;
	}
	return NULL;
}

static struct json_object *value_json(struct cim_call *c, const struct cim_value *v, int depth);

static struct json_object *inst_json(struct cim_call *c, const struct cim_inst *i, int depth)
{
	struct json_object *o, *set;

	if (depth >= MAX_EMBEDDING)
		return NULL;
	o = json_object_new_object();
	set = json_object_new_object();
	json_object_object_add(o, "class", json_object_new_string(i->cls->decl->name));
	json_object_object_add(o, "set", set);
	for (size_t k = 0; k < i->n_props; k++)
		if (!i->props[k].val.null)
			json_object_object_add(set, i->props[k].name,
					       value_json(c, &i->props[k].val, depth + 1));
	return o;
}

static struct json_object *datum_json(struct cim_call *c, enum cim_type t,
				      const struct cim_datum *d, int depth)
{
	char text[CIM_DATETIME_LEN + 1];

	if (d->null)
		return NULL;
	if (t == CIM_BOOLEAN)
		return json_object_new_boolean(d->b);
	if (cim_type_is_uint(t) || t == CIM_CHAR16)
		return json_object_new_uint64(d->u);
	if (cim_type_is_sint(t))
		return json_object_new_int64(d->i);
	if (t == CIM_REAL32 || t == CIM_REAL64)
		return json_object_new_double(d->r);
	if (t == CIM_STRING)
		return json_object_new_string(d->str);
	if (t == CIM_REFERENCE)
		return json_object_new_string(prov_print(c, d->ref));
	if (t == CIM_INSTANCE)
		return inst_json(c, d->inst, depth);
	cim_datetime_print(&d->dt, text);
	return json_object_new_string(text);
}

static struct json_object *value_json(struct cim_call *c, const struct cim_value *v, int depth)
{
	struct json_object *list;
	size_t k;

	if (!v->array)
		return datum_json(c, v->type, &v->d, depth);
	list = json_object_new_array();
	for (k = 0; k < v->n; k++)
		json_object_array_add(list, datum_json(c, v->type, &v->v[k], depth));
	return list;
}

const char *params_save(struct cim_call *c, const char *method)
{
	const struct cim_method_decl *m = method_decl(method);
	struct json_object *o = json_object_new_object();
	const char *text;
	size_t k;

	for (k = 0; m && k < m->n_params; k++) {
		const struct cim_value *v = m->params[k].in ? cim_arg(c, m->params[k].name) : NULL;

		if (v)
			json_object_object_add(o, m->params[k].name, value_json(c, v, 0));
	}
	text = arena_strdup(cim_arena(c),
			    json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
	return text;
}

static void value_parse(struct cim_call *c, struct json_object *o, struct cim_value *v);

/* NULL: it is none, or of a class that we do not have any more. */
static const struct cim_inst *inst_parse(struct cim_call *c, struct json_object *o)
{
	struct json_object *class, *set, *val;
	struct cim_inst *i;

	if (!json_object_object_get_ex(o, "class", &class) ||
	    !json_object_object_get_ex(o, "set", &set) ||
	    !class_decl(json_object_get_string(class)))
		return NULL;
	i = cim_inst_new(c, json_object_get_string(class));
	for (size_t k = 0; k < i->n_props; k++)
		if (json_object_object_get_ex(set, i->props[k].name, &val))
			value_parse(c, val, &i->props[k].val);
	return i;
}

static void datum_parse(struct cim_call *c, enum cim_type t, struct json_object *o,
			struct cim_datum *d)
{
	struct arena *a = cim_arena(c);
	const char *s = json_object_get_string(o);

	if (!s) {
		d->null = true;
	} else if (t == CIM_BOOLEAN) {
		d->b = json_object_get_boolean(o);
	} else if (cim_type_is_uint(t) || t == CIM_CHAR16) {
		d->u = json_object_get_uint64(o);
	} else if (cim_type_is_sint(t)) {
		d->i = json_object_get_int64(o);
	} else if (t == CIM_REAL32 || t == CIM_REAL64) {
		d->r = json_object_get_double(o);
	} else if (t == CIM_INSTANCE) {
		d->inst = inst_parse(c, o);
		d->null = !d->inst;
	} else if (t == CIM_STRING) {
		d->str = arena_strdup(a, s);
	} else if (t == CIM_REFERENCE) {
		d->ref = cim_path_parse(a, s);
		d->null = !d->ref;
	} else {
		d->null = t != CIM_DATETIME || cim_datetime_parse(s, &d->dt);
	}
}

/* v has its type and array already. */
static void value_parse(struct cim_call *c, struct json_object *o, struct cim_value *v)
{
	size_t k;

	v->null = v->array != json_object_is_type(o, json_type_array);
	if (v->null)
		return;
	if (!v->array) {
		datum_parse(c, v->type, o, &v->d);
		v->null = v->d.null;
	} else {
		v->n = json_object_array_length(o);
		v->v = arena_array(cim_arena(c), v->n + 1, sizeof(*v->v));
		for (k = 0; k < v->n; k++)
			datum_parse(c, v->type, json_object_array_get_idx(o, k), &v->v[k]);
	}
}

static void add_in(struct cim_call *c, const struct cim_method_decl *m, const char *text,
		   struct cim_inst *i)
{
	struct json_object *o = json_tokener_parse(text), *val;
	size_t k;

	for (k = 0; o && k < m->n_params; k++) {
		const struct cim_param_decl *p = &m->params[k];
		struct cim_prop *prop = &i->props[i->n_props];

		if (!json_object_object_get_ex(o, p->name, &val))
			continue;
		prop->name = p->name;
		prop->val.type = cim_value_type(p->type, p->embedded);
		prop->val.array = p->array;
		value_parse(c, val, &prop->val);
		i->n_props++;
	}
	json_object_put(o);
}

/* Job is that of the whole call, Jobs those of its pairs. */
static void add_out(struct cim_call *c, const struct engine_job *j, bool many, struct cim_inst *i)
{
	const struct engine_job *whole = j->parent ? j->parent : j, *p = NULL;
	struct cim_prop *job = &i->props[i->n_props++], *jobs;
	VEC(struct cim_datum) list = VEC_INIT;

	job->name = "Job";
	job->val.type = CIM_REFERENCE;
	job->val.d.ref = prov_job_path(c, whole);
	if (!many)
		return;
	jobs = &i->props[i->n_props++];
	jobs->name = "Jobs";
	jobs->val.type = CIM_REFERENCE;
	jobs->val.array = true;
	while ((p = engine_job_next(cim_engine(c), p)))
		if (p->parent == whole)
			vec_push(&list, ((struct cim_datum) { .ref = prov_job_path(c, p) }));
	if (!list.n)
		vec_push(&list, ((struct cim_datum) { .ref = job->val.d.ref }));
	jobs->val.n = list.n;
	jobs->val.v = arena_array(cim_arena(c), list.n, sizeof(*list.v));
	memcpy(jobs->val.v, list.v, list.n * sizeof(*list.v));
	vec_done(&list);
}

const struct cim_inst *params_inst(struct cim_call *c, const struct engine_job *j, bool out)
{
	const char *params = j->parent ? j->parent->params : j->params;
	const struct cim_method_decl *m = method_decl(j->method);
	struct cim_inst *i;
	bool many = false;
	size_t k;

	if (!m || !*params)
		return NULL;
	for (k = 0; k < m->n_params; k++)
		many |= !strcmp(m->params[k].name, "Jobs");
	i = arena_alloc(cim_arena(c), sizeof(*i));
	i->class = "__MethodParameters";
	i->arena = cim_arena(c);
	i->props = arena_array(cim_arena(c), m->n_params + 2, sizeof(*i->props));
	add_in(c, m, params, i);
	if (out)
		add_out(c, j, many, i);
	return i;
}

const struct cim_inst *params_service(struct cim_call *c, const struct cim_path *service)
{
	struct cim_inst *i = cim_inst_new(c, service->class);

	prov_set_system_keys(c, i, service->class);
	cim_set_str(i, "Name", cim_path_key(service, "Name"));
	return i;
}

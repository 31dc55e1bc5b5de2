// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dup.c - copies that outlive the arena of the original. Only constant data of the class (names of
 * its properties) is shared.
 */
#include "cim/cim.h"
#include "cim/class.h"

static struct cim_datum datum_dup(struct arena *a, enum cim_type t, const struct cim_datum *d)
{
	struct cim_datum out = *d;

	if (d->null)
		return out;
	if (t == CIM_STRING || t == CIM_NONE)
		out.str = arena_strdup(a, d->str);
	else if (t == CIM_REFERENCE)
		out.ref = cim_path_dup(a, d->ref);
	else if (t == CIM_INSTANCE)
		out.inst = cim_inst_dup(a, d->inst, NULL);
	return out;
}

struct cim_value cim_value_dup(struct arena *a, const struct cim_value *v)
{
	struct cim_value out = *v;

	if (v->null)
		return out;
	if (!v->array) {
		out.d = datum_dup(a, v->type, &v->d);
		return out;
	}
	out.v = arena_array(a, v->n, sizeof(*out.v));
	for (size_t i = 0; i < v->n; i++)
		out.v[i] = datum_dup(a, v->type, &v->v[i]);
	return out;
}

struct cim_inst *cim_inst_dup(struct arena *a, const struct cim_inst *i, const bool *mask)
{
	struct cim_inst *out;

	if (!i)
		return NULL;
	out = arena_alloc(a, sizeof(*out));
	*out = *i;
	out->arena = a;
	out->class = arena_strdup(a, i->class);
	out->path = cim_path_dup(a, i->path);
	out->props = arena_array(a, i->n_props, sizeof(*out->props));
	for (size_t k = 0; k < i->n_props; k++) {
		const struct cim_prop *p = &i->props[k];

		out->props[k].name = i->cls ? p->name : arena_strdup(a, p->name);
		if (!mask || mask[k]) {
			out->props[k].val = cim_value_dup(a, &p->val);
			continue;
		}
		out->props[k].val.type = p->val.type;
		out->props[k].val.array = p->val.array;
		out->props[k].val.null = true;
	}
	return out;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shape.c - what is worked out once for each class, so that an instance costs little: which
 * properties are keys, an instance with nothing set, and each property as CIM-XML writes it.
 */
#include "base/strbuf.h"
#include "broker/internal.h"

/*
 * <PROPERTY NAME="n" TYPE="t"></PROPERTY>. References depend on the value, and names of the
 * schema need no escaping.
 */
static void shape_prop(struct arena *a, struct cim_class_prop *p)
{
	const char *tag = p->decl->array ? "PROPERTY.ARRAY" : "PROPERTY";
	enum cim_type type = cim_value_type(p->decl->type, p->decl->embedded);
	struct strbuf b = STRBUF_INIT;

	p->element = NULL;
	if (type == CIM_REFERENCE)
		return;
	strbuf_printf(&b, "<%s NAME=\"%s\" TYPE=\"%s\">", tag, p->decl->name, cim_type_name(type));
	p->open_len = (uint16_t)b.len;
	strbuf_printf(&b, "</%s>", tag);
	p->element_len = (uint16_t)b.len;
	p->element = arena_strndup(a, b.buf, b.len);
	strbuf_done(&b);
}

static void shape_keys(struct arena *a, struct cim_class *cls)
{
	cls->keys = arena_array(a, cls->n_props, sizeof(*cls->keys));
	for (unsigned int i = 0; i < cls->n_props; i++)
		if (cls->props[i].decl->key)
			cls->keys[cls->n_keys++] = (uint16_t)i;
}

void broker_shape_class(struct arena *a, struct cim_class *cls)
{
	struct cim_prop *blank = arena_array(a, cls->n_props, sizeof(*blank));

	for (unsigned int i = 0; i < cls->n_props; i++) {
		const struct cim_prop_decl *d = cls->props[i].decl;

		blank[i].name = d->name;
		blank[i].val.type = cim_value_type(d->type, d->embedded);
		blank[i].val.array = d->array;
		blank[i].val.null = true;
		if (cls->props[i].own)
			shape_prop(a, &cls->props[i]);
	}
	cls->blank = blank;
	shape_keys(a, cls);
}

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
static void shape_prop(struct strbuf *b, struct cim_class_prop *p)
{
	const char *tag = p->decl->array ? "PROPERTY.ARRAY" : "PROPERTY";
	enum cim_type type = cim_value_type(p->decl->type, p->decl->embedded);
	size_t from = b->len;

	p->open_len = p->element_len = 0;
	if (type == CIM_REFERENCE)
		return;
	strbuf_printf(b, "<%s NAME=\"%s\" TYPE=\"%s\">", tag, p->decl->name, cim_type_name(type));
	p->open_len = (uint16_t)(b->len - from);
	strbuf_printf(b, "</%s>", tag);
	p->element_len = (uint16_t)(b->len - from);
}

/* Side by side, so that a row of them is copied at once; an abstract class has no instances. */
static void shape_props(struct arena *a, struct cim_class *cls)
{
	struct strbuf b = STRBUF_INIT;
	const char *text;

	if (cls->decl->abstract)
		return;
	for (unsigned int i = 0; i < cls->n_props; i++)
		shape_prop(&b, &cls->props[i]);
	text = arena_strndup(a, strbuf_str(&b), b.len);
	for (unsigned int i = 0; i < cls->n_props; i++) {
		cls->props[i].element = cls->props[i].element_len ? text : NULL;
		text += cls->props[i].element_len;
	}
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
	}
	cls->blank = blank;
	shape_props(a, cls);
	shape_keys(a, cls);
}

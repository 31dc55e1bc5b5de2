// SPDX-License-Identifier: GPL-2.0-or-later
/* class-kit.h - a class made of a table of declarations, for tests without a repository. */
#ifndef TESTS_UNIT_CLASS_KIT_H
#define TESTS_UNIT_CLASS_KIT_H

#include "cim/class.h"

#define CLASS_KIT_HASH 64

struct class_kit {
	struct cim_class cls;
	struct cim_class_prop props[CLASS_KIT_HASH / 2];
	struct cim_prop blank[CLASS_KIT_HASH / 2];
	uint16_t hash[CLASS_KIT_HASH];
};

static inline const struct cim_class *class_kit(struct class_kit *k, const struct cim_class_decl *d,
						const struct cim_class *super)
{
	*k = (struct class_kit) { .cls = { .decl = d, .super = super, .n_props = d->n_props } };
	k->cls.props = k->props;
	k->cls.blank = k->blank;
	k->cls.prop_hash = k->hash;
	k->cls.prop_hash_mask = CLASS_KIT_HASH - 1;
	for (unsigned int i = 0; i < d->n_props; i++) {
		unsigned int at = cim_name_hash(d->props[i].name) % CLASS_KIT_HASH;

		while (k->hash[at])
			at = (at + 1) % CLASS_KIT_HASH;
		k->hash[at] = (uint16_t)(i + 1);
		k->props[i].decl = &d->props[i];
		k->blank[i].name = d->props[i].name;
		k->blank[i].val.type = cim_value_type(d->props[i].type, d->props[i].embedded);
		k->blank[i].val.array = d->props[i].array;
		k->blank[i].val.null = true;
	}
	return &k->cls;
}

#endif

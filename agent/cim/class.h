// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * class.h - a class with everything it inherits. Built once at start by broker/repo.c, constant
 * afterwards, so it is shared without locks.
 */
#ifndef CIM_CLASS_H
#define CIM_CLASS_H

#include "cim/schema.h"

struct cim_provider;

struct cim_quals {
	const struct cim_qual_decl **v; /* own ones first, then inherited */
	unsigned int n, n_own;
};

struct cim_class_prop {
	const struct cim_prop_decl *decl;
	const struct cim_class *origin; /* the class that introduced it */
	bool own; /* declared (or overridden) by this class */
	bool holds_class_name; /* ...CreationClassName */
	struct cim_quals quals;
	/* As CIM-XML writes it when it is NULL, that of the next one behind it; NULL for references
	 * and in abstract classes. open_len: the start tag.
	 */
	const char *element;
	uint16_t open_len, element_len;
};

struct cim_class_method {
	const struct cim_method_decl *decl;
	const struct cim_class *origin;
	bool own;
	struct cim_quals quals;
};

#define CIM_NR_PREFIXES 2 /* RPL_, TPD_ */

struct cim_class {
	const struct cim_class_decl *decl;
	const char *name[CIM_NR_PREFIXES]; /* decl->name with each prefix */
	const struct cim_class *super;
	struct cim_class *children, *sibling;
	struct cim_class_prop *props; /* inherited ones first */
	unsigned int n_props;
	struct cim_class_method *methods;
	unsigned int n_methods;
	struct cim_quals quals;
	uint16_t *prop_hash; /* index + 1 into props, 0 = empty */
	unsigned int prop_hash_mask;
	uint16_t *keys; /* indexes into props */
	unsigned int n_keys;
	const struct cim_prop *blank; /* the properties of an instance with nothing set */
	unsigned int ns; /* CIM_NS_*: where it exists */
	const struct cim_provider *provider; /* NULL: no instances of its own */
};

/* Index into props, -1 when there is none. */
int cim_class_find_prop(const struct cim_class *cls, const char *name);
/* Case-insensitive hash of a CIM name. */
uint32_t cim_name_hash(const char *name);
/* Is cls the same as, or a subclass of, base? */
bool cim_class_is_a(const struct cim_class *cls, const struct cim_class *base);
/* An instance of cls, all properties NULL. */
struct cim_inst *cim_inst_of(struct arena *a, const struct cim_class *cls);
/* An instance of a class that is only known by name, without properties. */
struct cim_inst *cim_inst_named(struct arena *a, const char *class, size_t max_props);
/* Adds a property to such an instance (room for max_props was made). */
struct cim_prop *cim_inst_add(struct cim_inst *i, const char *name);
/* The type that values of a property or parameter have: CIM_INSTANCE for embedded instances. */
enum cim_type cim_value_type(enum cim_type declared, const char *embedded);

#endif

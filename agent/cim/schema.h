// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * schema.h - shape of the tables that gen/mofgen.py makes from agent/schema/ *.mof.
 *
 * Constant data only; one entry is what one class declares itself. broker/repo.c adds what is
 * inherited and instantiates the prefix.
 */
#ifndef CIM_SCHEMA_H
#define CIM_SCHEMA_H

#include "cim/cim.h"

/* Flavors, each the opposite of what holds when none is said. */
enum cim_qual_flavor {
	CIM_QUAL_DISABLE_OVERRIDE = 1,
	CIM_QUAL_RESTRICTED = 2, /* subclasses do not inherit it */
	CIM_QUAL_TRANSLATABLE = 4,
};

struct cim_qual_decl {
	const char *name;
	enum cim_type type;
	bool array;
	const char *const *vals; /* text of the value(s), n of them */
	unsigned int n;
	unsigned int flavors; /* of its type */
};

struct cim_prop_decl {
	const char *name;
	enum cim_type type;
	bool array, key, required, write;
	const char *ref_class; /* of references */
	const char *embedded; /* class of embedded instances; "" = any object */
	const char *dflt; /* text of the default value or NULL */
	const struct cim_qual_decl *quals;
	unsigned int n_quals;
};

struct cim_param_decl {
	const char *name;
	enum cim_type type;
	bool array, in, out, required;
	const char *ref_class;
	const char *embedded;
	const struct cim_qual_decl *quals;
	unsigned int n_quals;
};

struct cim_method_decl {
	const char *name;
	enum cim_type type; /* of the return value */
	bool is_static;
	const struct cim_param_decl *params;
	unsigned int n_params;
	const struct cim_qual_decl *quals;
	unsigned int n_quals;
};

struct cim_class_decl {
	const char *name; /* CIM_... or RPL_... */
	const char *super; /* NULL: none */
	bool abstract, association;
	bool interop; /* is in interop, instances or not */
	const struct cim_prop_decl *props;
	unsigned int n_props;
	const struct cim_method_decl *methods;
	unsigned int n_methods;
	const struct cim_qual_decl *quals;
	unsigned int n_quals;
};

/* A qualifier type. */
struct cim_qualtype_decl {
	const char *name;
	enum cim_type type;
	bool array;
	const char *dflt; /* NULL: none */
	const char *scopes; /* space separated upper case: "PROPERTY METHOD"; "ANY" */
	bool overridable, tosubclass, translatable;
};

struct cim_schema {
	const struct cim_class_decl *classes; /* superclasses before subclasses */
	unsigned int n_classes;
	const struct cim_qualtype_decl *qualtypes;
	unsigned int n_qualtypes;
};

extern const struct cim_schema cim_schema; /* schema/schema-gen.c */

#endif

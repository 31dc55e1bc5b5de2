// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * repo.h - the class repository: what the generated tables say, with inheritance resolved, and
 * the namespaces. Constant after repo_new(), so any thread may read it.
 */
#ifndef BROKER_REPO_H
#define BROKER_REPO_H

#include "broker/provider.h"
#include "cim/class.h"

struct cim_ns {
	const char *name; /* canonical spelling */
	unsigned int kind; /* CIM_NS_IMPL or CIM_NS_INTEROP */
	unsigned int prefix; /* index into cim_class.name */
};

struct repo;

/* @providers is ended by NULL. NULL with a sentence in *why (caller frees) when schema and
 * providers do not fit together.
 */
struct repo *repo_new(const struct cim_schema *schema, const struct cim_provider *const *providers,
		      char **why);
void repo_free(struct repo *r);

/* Namespace by name, case ignored, surrounding slashes too. NULL: unknown. */
const struct cim_ns *repo_ns(const char *name);
/* All namespaces, ended by one with name NULL. */
const struct cim_ns *repo_namespaces(void);

/* The class with that name in the namespace; NULL: there is none. */
const struct cim_class *repo_class(const struct repo *r, const struct cim_ns *ns, const char *name);
/* The same, wherever the class lives, in the spelling of the namespace's prefix. */
const struct cim_class *repo_class_anywhere(const struct repo *r, const struct cim_ns *ns,
					    const char *name);
/* By the name in the code (RPL_...). */
const struct cim_class *repo_class_internal(const struct repo *r, const char *name);
/* The namespace in which an instance of cls is named when talked about from `from`. */
const struct cim_ns *repo_home(const struct cim_class *cls, const struct cim_ns *from);
/* Name of the class as seen in the namespace. */
const char *repo_name(const struct cim_class *cls, const struct cim_ns *ns);
/* "RPL_X" <-> "TPD_X" in class names inside of text; the result may be the argument itself. */
const char *repo_name_out(struct arena *a, const struct cim_ns *ns, const char *name);
const char *repo_name_in(struct arena *a, const struct cim_ns *ns, const char *name);

/* Are the values of a property of this name class names? */
bool repo_holds_class_name(const char *prop);

/* The classes without superclass. */
const struct cim_class *const *repo_roots(const struct repo *r, size_t *n);
const struct cim_qualtype_decl *repo_qualtypes(const struct repo *r, size_t *n);
const struct cim_qualtype_decl *repo_qualtype(const struct repo *r, const char *name);
const struct cim_provider *const *repo_providers(const struct repo *r);

/* An association provider with the classes that its names stand for. */
struct repo_assoc {
	const struct cim_provider *prov;
	const struct cim_class *cls;
	const struct cim_class *end[2]; /* as the provider, or else the schema, says */
	unsigned int kinds; /* CIM_NS_*: where it is served */
};
const struct repo_assoc *repo_assocs(const struct repo *r, size_t *n);

#endif

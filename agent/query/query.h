// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * query.h - the query languages: WQL and DMTF:CQL (SELECT ... FROM one class WHERE ...), and
 * DMTF:FQL, which is what stands after WHERE.
 *
 * One grammar serves all three; where they differ is said in parse.c and like.c. A query is parsed
 * into an arena, bound to its class, and then asked about instances. Pure: any thread, no state.
 */
#ifndef QUERY_QUERY_H
#define QUERY_QUERY_H

#include "cim/cim.h"
#include "cim/class.h"

enum query_language {
	QUERY_WQL,
	QUERY_CQL,
	QUERY_FQL
};

#define QUERY_MAX_BYTES ((size_t)16 * 1024)
#define QUERY_MAX_DEPTH 50 /* of parentheses and NOTs */

struct query;

/* What is wrong, and a sentence: CIM_ERR_INVALID_QUERY, CIM_ERR_QUERY_FEATURE_NOT_SUPPORTED, or
 * CIM_ERR_SERVER_LIMITS_EXCEEDED.
 */
struct query_error {
	int code;
	char why[256];
};

/* Language by the name that clients use; false: not one of ours. */
bool query_language(const char *name, enum query_language *lang);
/* NULL: error. The text need not live on. */
struct query *query_parse(struct arena *a, enum query_language lang, const char *text,
			  struct query_error *error);
/* The class after FROM, as written; NULL in FQL. */
const char *query_from(const struct query *q);
/* Names of the selected properties; false: all. */
bool query_selected(const struct query *q, const char ***names, size_t *n);

/* Looks up the classes that the query names, and, if from is not NULL, its properties. Must have
 * been called before query_matches(). 0 or the code of *error.
 */
struct query_classes {
	const struct cim_class *(*find)(void *arg, const char *name);
	void *arg;
};
int query_bind(struct query *q, const struct cim_class *from, const struct query_classes *classes,
	       struct query_error *error);
/* Is the instance in the result? Its class must be known; class names are those clients see. What
 * it costs is taken off *steps (some nanoseconds each): when none are left, the result means
 * nothing.
 */
bool query_matches(const struct query *q, const struct cim_inst *i, uint64_t *steps);

#endif

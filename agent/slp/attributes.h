// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * attributes.h - the attributes of a service as SLPv2 writes them (RFC 2608, 5), that is
 * "(tag=value,value),(tag=value)": choosing some by tags, asking predicates of them. Pure.
 */
#ifndef SLP_ATTRIBUTES_H
#define SLP_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>

struct slp_text {
	const char *s;
	size_t len;
};

struct slp_attribute {
	struct slp_text whole; /* with its parentheses */
	struct slp_text tag, values;
};

enum slp_match {
	SLP_MATCH_NO,
	SLP_MATCH_YES,
	SLP_MATCH_BAD
};

/* The first of @list, without the blanks around it; commas divide it, and it moves on. */
struct slp_text slp_next_item(struct slp_text *list);

/* The next of @list, which moves on; false: there is none. */
bool slp_next_attribute(const char **list, struct slp_attribute *a);

/* Is the tag among @tags, which commas divide? "*" stands for anything. All are in none. */
bool slp_tag_wanted(struct slp_text tags, struct slp_text tag);

/*
 * Does an LDAPv3 search filter (RFC 2254, in the form of RFC 2608, 8.1) hold for attributes? Every
 * service has the empty one. Strings compare without case and with one blank for many, numbers as
 * numbers; an attribute that is not there has no comparison that holds. SLP_MATCH_BAD: it is none.
 */
enum slp_match slp_predicate(struct slp_text predicate, const char *attributes);

#endif

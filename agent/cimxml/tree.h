// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tree.h - XML text that is in memory as a tree of elements and texts. DOCTYPE and entities of its
 * own are refused, so nothing is ever fetched or expanded. Loop thread only.
 */
#ifndef CIMXML_TREE_H
#define CIMXML_TREE_H

#include <stddef.h>

#include "base/arena.h"

struct xml_attr {
	const char *name, *value;
	struct xml_attr *next;
};

struct xml_node {
	const char *name; /* of an element, with its prefix; NULL: a text */
	union {
		struct xml_attr *attrs; /* without those that have a prefix */
		const char *text;
	};
	struct xml_node *children, *last; /* of an element */
	struct xml_node *parent, *next;
	int line;
};

enum xml_fault {
	XML_FAULT_NONE,
	XML_FAULT_NOT_WELL_FORMED,
	XML_FAULT_DOCTYPE, /* or a reference to an entity that it might declare */
	XML_FAULT_TOO_DEEP,
	XML_FAULT_TAG, /* too long, too many attributes, names or namespaces */
	XML_FAULT_TOO_LARGE,
	XML_FAULT_NO_MEMORY,
};

struct xml_limits {
	int max_depth; /* of elements */
	size_t max_bytes; /* of what it takes in memory */
};

struct xml_doc;

/*
 * A tree, which xml_close() frees; or NULL with *fault and the line. Values of attributes and texts
 * are in @strings: they stay.
 */
struct xml_doc *xml_open(const char *xml, size_t len, const struct xml_limits *limits,
			 struct arena *strings, enum xml_fault *fault, int *line);
const struct xml_node *xml_root(const struct xml_doc *doc);
void xml_close(struct xml_doc *doc);

/* At the end of the process. */
void xml_cleanup(void);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * write.h - CIM elements (DSP0201) to text. Pure functions over a strbuf; names are already those
 * of the namespace.
 */
#ifndef CIMXML_WRITE_H
#define CIMXML_WRITE_H

#include "base/strbuf.h"
#include "broker/request.h"

void xml_instance_name(struct strbuf *b, const struct cim_path *p);
/* The same, in the form of xml_instance_path. */
void xml_instance_name_of(struct strbuf *b, const struct cim_path *p, const char *host);
/* host NULL: LOCALINSTANCEPATH, else INSTANCEPATH. */
void xml_instance_path(struct strbuf *b, const struct cim_path *p, const char *host);
void xml_class_path(struct strbuf *b, const char *class, const char *ns, const char *host);
/* mask NULL: all properties. origin: with CLASSORIGIN as in that namespace; NULL: without. */
void xml_instance(struct strbuf *b, const struct cim_inst *i, const bool *mask,
		  const struct cim_ns *origin);
/* The VALUE... element; nothing for NULL. */
void xml_value(struct strbuf *b, const struct cim_value *v);
/* What of the class: the flags of the request. */
void xml_class(struct strbuf *b, const struct cim_class *cls, const struct cim_ns *ns,
	       const struct cim_request *req);
/* The same; what was asked for lately is remembered. */
void xml_class_cached(struct strbuf *b, const struct cim_class *cls, const struct cim_ns *ns,
		      const struct cim_request *req);
void xml_class_cache_drop(void);
void xml_qualtype(struct strbuf *b, const struct cim_qualtype_decl *q);

#endif

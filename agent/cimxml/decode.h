// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * decode.h - a CIM-XML request (DSP0201) to a struct cim_request. Loop thread only, tree.h.
 */
#ifndef CIMXML_DECODE_H
#define CIMXML_DECODE_H

#include <stddef.h>

#include "broker/request.h"

/* Why a body is no request: the HTTP status and the CIMError header that DSP0200 wants for it. */
struct cimxml_refusal {
	int http; /* 0: it is one */
	const char *cimerror;
	char why[200];
};

/* Limits against hostile bodies; the body itself is capped by the HTTP server. */
#define CIMXML_MAX_DEPTH       64 /* of elements, unless the request says otherwise */
#define CIMXML_MAX_TEXT_BYTES  (1024 * 1024)
#define CIMXML_MAX_KEYS	       32
#define CIMXML_MAX_LIST	       65536 /* elements of an array, parameters, properties */
#define CIMXML_MAX_EMBEDDING   4 /* instances in instances in ... */
#define CIMXML_MAX_ARENA_BYTES ((size_t)128 * 1024 * 1024)

/* Fills *req (zeroed, with its arena and maybe max_depth set) and *id, the MESSAGE ID. Everything
 * is in the arena.
 */
void cimxml_decode(const char *body, size_t len, struct cim_request *req, const char **id,
		   struct cimxml_refusal *refusal);

/* Is v a version N.N or N.N.N that begins with @major, "2."? */
bool cimxml_version(const char *v, const char *major);

/* One INSTANCE element, as it is inside the VALUE of an embedded instance of @req; NULL: @why. */
struct cim_inst *cimxml_decode_instance(const struct cim_request *req, const char *xml,
					const char **why);

#endif

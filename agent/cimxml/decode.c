// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * decode.c - the frame of a request: message, operation, its parameters. One table says which
 * intrinsic operation takes which parameters, another what those are.
 */
#include "cimxml/decode.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/vec.h"
#include "cimxml/reader.h"

enum {
	P_CLASS_NAME = 1 << 0,
	P_INSTANCE_NAME = 1 << 1,
	P_OBJECT_NAME = 1 << 2,
	P_LOCAL_ONLY = 1 << 3,
	P_DEEP = 1 << 4,
	P_QUALIFIERS = 1 << 5,
	P_ORIGIN = 1 << 6,
	P_PROPS = 1 << 7,
	P_ASSOC_CLASS = 1 << 8,
	P_RESULT_CLASS = 1 << 9,
	P_ROLE = 1 << 10,
	P_RESULT_ROLE = 1 << 11,
	P_QUALIFIER_NAME = 1 << 12,
	P_MODIFIED = 1 << 13,
	P_FILTER_LANGUAGE = 1 << 14,
	P_FILTER = 1 << 15,
	P_TIMEOUT = 1 << 16,
	P_CONTINUE = 1 << 17,
	P_MAX_OBJECTS = 1 << 18,
	P_CONTEXT = 1 << 19,
	P_NEW_INSTANCE = 1 << 20,
	P_PROPERTY_NAME = 1 << 21,
	P_NEW_VALUE = 1 << 22,
	P_QUERY_LANGUAGE = 1 << 23,
	P_QUERY = 1 << 24,
	P_RESULT_CLASS_TOO = 1 << 25,
};

enum kind {
	K_CLASS,
	K_INSTANCE_NAME,
	K_OBJECT,
	K_BOOL,
	K_STRING,
	K_U32,
	K_LIST,
	K_NAMED_INSTANCE,
	K_INSTANCE,
	K_VALUE
};

static const struct param {
	const char *name;
	unsigned int bit;
	enum kind kind;
	size_t at; /* in struct cim_request, for the simple kinds */
} params[] = {
	{ "ClassName", P_CLASS_NAME, K_CLASS, offsetof(struct cim_request, class) },
	{ "InstanceName", P_INSTANCE_NAME, K_INSTANCE_NAME, 0 },
	{ "ObjectName", P_OBJECT_NAME, K_OBJECT, 0 },
	{ "LocalOnly", P_LOCAL_ONLY, K_BOOL, offsetof(struct cim_request, local_only) },
	{ "DeepInheritance", P_DEEP, K_BOOL, offsetof(struct cim_request, deep) },
	{ "IncludeQualifiers", P_QUALIFIERS, K_BOOL, offsetof(struct cim_request, quals) },
	{ "IncludeClassOrigin", P_ORIGIN, K_BOOL, offsetof(struct cim_request, class_origin) },
	{ "PropertyList", P_PROPS, K_LIST, 0 },
	{ "AssocClass", P_ASSOC_CLASS, K_CLASS, offsetof(struct cim_request, assoc_class) },
	{ "ResultClass", P_RESULT_CLASS, K_CLASS, offsetof(struct cim_request, result_class) },
	{ "Role", P_ROLE, K_STRING, offsetof(struct cim_request, role) },
	{ "ResultRole", P_RESULT_ROLE, K_STRING, offsetof(struct cim_request, result_role) },
	{ "QualifierName", P_QUALIFIER_NAME, K_STRING, offsetof(struct cim_request, qualifier) },
	{ "ModifiedInstance", P_MODIFIED, K_NAMED_INSTANCE, 0 },
	{ "FilterQueryLanguage", P_FILTER_LANGUAGE, K_STRING,
	  offsetof(struct cim_request, filter_language) },
	{ "FilterQuery", P_FILTER, K_STRING, offsetof(struct cim_request, filter) },
	{ "OperationTimeout", P_TIMEOUT, K_U32, offsetof(struct cim_request, timeout_s) },
	{ "ContinueOnError", P_CONTINUE, K_BOOL, offsetof(struct cim_request, continue_on_error) },
	{ "MaxObjectCount", P_MAX_OBJECTS, K_U32, offsetof(struct cim_request, max_objects) },
	{ "QueryLanguage", P_QUERY_LANGUAGE, K_STRING,
	  offsetof(struct cim_request, filter_language) },
	{ "Query", P_QUERY, K_STRING, offsetof(struct cim_request, filter) },
	{ "ReturnQueryResultClass", P_RESULT_CLASS_TOO, K_BOOL,
	  offsetof(struct cim_request, return_query_class) },
	{ "NewInstance", P_NEW_INSTANCE, K_INSTANCE, 0 },
	{ "PropertyName", P_PROPERTY_NAME, K_STRING, offsetof(struct cim_request, property) },
	{ "NewValue", P_NEW_VALUE, K_VALUE, 0 },
	{ "EnumerationContext", P_CONTEXT, K_STRING, offsetof(struct cim_request, context) },
};

#define P_GET_COMMON  (P_LOCAL_ONLY | P_QUALIFIERS | P_ORIGIN | P_PROPS)
#define P_OPEN_COMMON (P_FILTER_LANGUAGE | P_FILTER | P_TIMEOUT | P_CONTINUE | P_MAX_OBJECTS)

static const struct operation {
	const char *name;
	enum cim_op op;
	unsigned int takes;
	bool local_only, deep, quals; /* defaults */
} operations[] = {
	{ "GetClass", CIM_OP_GET_CLASS, P_CLASS_NAME | P_GET_COMMON, true, false, true },
	{ "EnumerateClasses", CIM_OP_ENUMERATE_CLASSES,
	  P_CLASS_NAME | P_DEEP | P_LOCAL_ONLY | P_QUALIFIERS | P_ORIGIN, true, false, true },
	{ "EnumerateClassNames", CIM_OP_ENUMERATE_CLASS_NAMES, P_CLASS_NAME | P_DEEP, true, false,
	  false },
	{ "GetInstance", CIM_OP_GET_INSTANCE, P_INSTANCE_NAME | P_GET_COMMON, true, false, false },
	{ "EnumerateInstances", CIM_OP_ENUMERATE_INSTANCES, P_CLASS_NAME | P_DEEP | P_GET_COMMON,
	  true, true, false },
	{ "EnumerateInstanceNames", CIM_OP_ENUMERATE_INSTANCE_NAMES, P_CLASS_NAME, true, true,
	  false },
	{ "Associators", CIM_OP_ASSOCIATORS,
	  P_OBJECT_NAME | P_ASSOC_CLASS | P_RESULT_CLASS | P_ROLE | P_RESULT_ROLE | P_QUALIFIERS |
		  P_ORIGIN | P_PROPS,
	  false, true, false },
	{ "AssociatorNames", CIM_OP_ASSOCIATOR_NAMES,
	  P_OBJECT_NAME | P_ASSOC_CLASS | P_RESULT_CLASS | P_ROLE | P_RESULT_ROLE, false, true,
	  false },
	{ "References", CIM_OP_REFERENCES,
	  P_OBJECT_NAME | P_RESULT_CLASS | P_ROLE | P_QUALIFIERS | P_ORIGIN | P_PROPS, false, true,
	  false },
	{ "ReferenceNames", CIM_OP_REFERENCE_NAMES, P_OBJECT_NAME | P_RESULT_CLASS | P_ROLE, false,
	  true, false },
	{ "ModifyInstance", CIM_OP_MODIFY_INSTANCE, P_MODIFIED | P_QUALIFIERS | P_PROPS, false,
	  true, false },
	{ "CreateInstance", CIM_OP_CREATE_INSTANCE, P_NEW_INSTANCE, false, true, false },
	{ "GetProperty", CIM_OP_GET_PROPERTY, P_INSTANCE_NAME | P_PROPERTY_NAME, false, true,
	  false },
	{ "SetProperty", CIM_OP_SET_PROPERTY, P_INSTANCE_NAME | P_PROPERTY_NAME | P_NEW_VALUE,
	  false, true, false },
	{ "DeleteInstance", CIM_OP_DELETE_INSTANCE, P_INSTANCE_NAME, false, true, false },
	{ "GetQualifier", CIM_OP_GET_QUALIFIER, P_QUALIFIER_NAME, false, true, false },
	{ "EnumerateQualifiers", CIM_OP_ENUMERATE_QUALIFIERS, 0, false, true, false },
	{ "OpenEnumerateInstances", CIM_OP_OPEN_ENUMERATE_INSTANCES,
	  P_OPEN_COMMON | P_CLASS_NAME | P_DEEP | P_ORIGIN | P_PROPS, false, true, false },
	{ "OpenEnumerateInstancePaths", CIM_OP_OPEN_ENUMERATE_PATHS, P_OPEN_COMMON | P_CLASS_NAME,
	  false, true, false },
	{ "OpenAssociatorInstances", CIM_OP_OPEN_ASSOCIATORS,
	  P_OPEN_COMMON | P_INSTANCE_NAME | P_ASSOC_CLASS | P_RESULT_CLASS | P_ROLE |
		  P_RESULT_ROLE | P_ORIGIN | P_PROPS,
	  false, true, false },
	{ "OpenAssociatorInstancePaths", CIM_OP_OPEN_ASSOCIATOR_PATHS,
	  P_OPEN_COMMON | P_INSTANCE_NAME | P_ASSOC_CLASS | P_RESULT_CLASS | P_ROLE | P_RESULT_ROLE,
	  false, true, false },
	{ "OpenReferenceInstances", CIM_OP_OPEN_REFERENCES,
	  P_OPEN_COMMON | P_INSTANCE_NAME | P_RESULT_CLASS | P_ROLE | P_ORIGIN | P_PROPS, false,
	  true, false },
	{ "OpenReferenceInstancePaths", CIM_OP_OPEN_REFERENCE_PATHS,
	  P_OPEN_COMMON | P_INSTANCE_NAME | P_RESULT_CLASS | P_ROLE, false, true, false },
	{ "ExecQuery", CIM_OP_EXEC_QUERY, P_QUERY_LANGUAGE | P_QUERY, false, true, false },
	{ "OpenQueryInstances", CIM_OP_OPEN_QUERY, P_OPEN_COMMON | P_RESULT_CLASS_TOO, false, true,
	  false },
	{ "PullInstancesWithPath", CIM_OP_PULL_WITH_PATH, P_CONTEXT | P_MAX_OBJECTS, false, true,
	  false },
	{ "PullInstancePaths", CIM_OP_PULL_PATHS, P_CONTEXT | P_MAX_OBJECTS, false, true, false },
	{ "PullInstances", CIM_OP_PULL_INSTANCES, P_CONTEXT | P_MAX_OBJECTS, false, true, false },
	{ "CloseEnumeration", CIM_OP_CLOSE_ENUMERATION, P_CONTEXT, false, true, false },
	{ "EnumerationCount", CIM_OP_ENUMERATION_COUNT, P_CONTEXT, false, true, false },
};

/* ---- parameters of intrinsic operations ---- */

static void param_error(struct dec *d, struct cim_request *req, const char *name, const char *what)
{
	if (!req->error)
		req->error = arena_printf(d->a, "parameter %.100s %s", name, what);
}

static void set_list(struct dec *d, struct cim_request *req, const char *name,
		     const struct cim_value *v)
{
	if (!v->array || v->type != CIM_STRING) {
		param_error(d, req, name, "is no array of names");
		return;
	}
	req->has_props = true;
	req->n_props = 0;
	req->props = arena_array(d->a, v->n, sizeof(*req->props));
	for (size_t i = 0; i < v->n; i++)
		if (!v->v[i].null)
			req->props[req->n_props++] = v->v[i].str;
}

static void set_simple(struct dec *d, struct cim_request *req, const struct param *p)
{
	struct cim_datum datum;
	struct cim_value v;

	dec_value(d, false, &v);
	if (dec_failed(d))
		return;
	if (p->kind == K_LIST) {
		set_list(d, req, p->name, &v);
	} else if (v.array || v.type != CIM_STRING) {
		param_error(d, req, p->name, "is no simple value");
	} else if (p->kind == K_STRING) {
		*(const char **)((char *)req + p->at) = v.d.str;
	} else if (p->kind == K_U32) {
		struct cim_opt_u32 *u = (void *)((char *)req + p->at);

		if (cim_datum_parse(d->a, CIM_UINT32, v.d.str, &datum))
			param_error(d, req, p->name, "is no uint32");
		else
			*u = (struct cim_opt_u32) { true, (uint32_t)datum.u };
	} else if (cim_datum_parse(d->a, CIM_BOOLEAN, v.d.str, &datum)) {
		param_error(d, req, p->name, "is neither TRUE nor FALSE");
	} else {
		*(bool *)((char *)req + p->at) = datum.b;
	}
}

static void named_instance(struct dec *d, struct cim_request *req)
{
	struct el e = el_here(d);

	while (el_child(d, &e)) {
		if (el_is(d, "INSTANCENAME"))
			req->path = dec_path(d);
		else if (el_is(d, "INSTANCE"))
			req->inst = dec_instance(d);
		else
			el_unexpected(d);
	}
}

static void iparam_child(struct dec *d, struct cim_request *req, const struct param *p)
{
	if ((p->kind == K_CLASS || p->kind == K_OBJECT) && el_is(d, "CLASSNAME")) {
		const char *name = dec_path(d)->class;

		*(const char **)((char *)req + (p->kind == K_OBJECT
							? offsetof(struct cim_request, class)
							: p->at)) = name;
	} else if ((p->kind == K_INSTANCE_NAME || p->kind == K_OBJECT) && dec_is_path(d) &&
		   !el_is(d, "CLASSNAME")) {
		req->path = dec_path(d);
	} else if (p->kind == K_NAMED_INSTANCE && el_is(d, "VALUE.NAMEDINSTANCE")) {
		named_instance(d, req);
	} else if (p->kind == K_INSTANCE && el_is(d, "INSTANCE")) {
		req->inst = dec_instance(d);
	} else if (p->kind == K_VALUE && dec_is_value(d)) {
		dec_value(d, false, &req->new_value);
	} else if (p->kind >= K_BOOL && p->kind <= K_LIST && dec_is_value(d)) {
		set_simple(d, req, p);
	} else {
		param_error(d, req, p->name, "has a value of another kind");
	}
}

static void iparam(struct dec *d, struct cim_request *req, const struct operation *op,
		   unsigned int *given)
{
	const char *name = el_need_attr(d, "NAME");
	const struct param *p = NULL;
	struct el e = el_here(d);

	for (size_t i = 0; i < ARRAY_LEN(params) && !p; i++)
		if (!strcasecmp(params[i].name, name))
			p = &params[i];
	if (!p || !(op->takes & p->bit) || *given & p->bit) {
		param_error(d, req, name,
			    p && *given & p->bit ? "is there twice"
						 : "is not one of this operation");
		return;
	}
	*given |= p->bit;
	for (unsigned int nr = 0; el_child(d, &e); nr++) {
		if (nr)
			el_unexpected(d);
		else
			iparam_child(d, req, p);
	}
}

static void imethodcall(struct dec *d, struct cim_request *req)
{
	const struct operation *op = NULL;
	unsigned int given = 0;
	struct el e = el_here(d);

	req->name = el_need_attr(d, "NAME");
	for (size_t i = 0; i < ARRAY_LEN(operations) && !op; i++)
		if (!strcasecmp(operations[i].name, req->name))
			op = &operations[i];
	req->op = op ? op->op : CIM_OP_UNSUPPORTED;
	req->new_value.null = true;
	if (op) {
		req->local_only = op->local_only;
		req->deep = op->deep;
		req->quals = op->quals;
	}
	while (el_child(d, &e)) {
		if (el_is(d, "LOCALNAMESPACEPATH"))
			req->ns = dec_namespace_path(d);
		else if (!el_is(d, "IPARAMVALUE"))
			el_unexpected(d);
		else if (op)
			iparam(d, req, op, &given);
	}
	if (!req->ns)
		dec_invalid(d, "IMETHODCALL has no LOCALNAMESPACEPATH");
}

/* ---- extrinsic methods ---- */

static void paramvalue(struct dec *d, struct cim_param_in *out)
{
	const char *type = el_attr(d, "PARAMTYPE");
	bool embedded = el_attr(d, "EmbeddedObject") || el_attr(d, "EMBEDDEDOBJECT");
	struct el e = el_here(d);

	memset(out, 0, sizeof(*out));
	out->name = el_need_attr(d, "NAME");
	out->claimed = type ? cim_type_parse(type) : CIM_NONE;
	if (type && out->claimed == CIM_NONE)
		dec_invalid(d, "PARAMTYPE %.60s is no type", type);
	out->val.null = true;
	while (el_child(d, &e)) {
		if (!out->val.null) {
			el_unexpected(d);
		} else if (dec_is_value(d)) {
			d->holder = out->name;
			dec_value(d, embedded, &out->val);
		} else if (dec_is_path(d)) {
			out->val = (struct cim_value) { .type = CIM_REFERENCE };
			out->val.d.ref = dec_path(d);
		} else {
			el_unexpected(d);
		}
	}
}

static void method_target(struct dec *d, struct cim_request *req)
{
	bool is_class = el_is(d, "LOCALCLASSPATH");
	struct cim_path *p = dec_path(d);

	req->ns = p->ns;
	if (is_class)
		req->class = p->class;
	else
		req->path = p;
	if (!req->ns)
		dec_invalid(d, "the object of METHODCALL has no namespace");
}

static void methodcall(struct dec *d, struct cim_request *req)
{
	VEC(struct cim_param_in) in = VEC_INIT;
	struct el e = el_here(d);

	req->op = CIM_OP_INVOKE;
	req->name = el_need_attr(d, "NAME");
	while (el_child(d, &e)) {
		struct cim_param_in p;

		if (!req->ns && (el_is(d, "LOCALINSTANCEPATH") || el_is(d, "LOCALCLASSPATH"))) {
			method_target(d, req);
		} else if (el_is(d, "PARAMVALUE")) {
			paramvalue(d, &p);
			vec_push(&in, p);
			if (in.n > 256)
				dec_invalid(d, "too many parameters");
		} else {
			el_unexpected(d);
		}
	}
	if (!req->ns)
		dec_invalid(d, "METHODCALL names no object");
	req->params = arena_array(d->a, in.n, sizeof(*req->params));
	req->n_params = in.n;
	if (in.n)
		memcpy(req->params, in.v, in.n * sizeof(*req->params));
	vec_done(&in);
}

/* ---- frame ---- */

bool cimxml_version(const char *v, const char *major)
{
	size_t n;

	if (strncmp(v, major, strlen(major)))
		return false;
	for (v += strlen(major); (n = strspn(v, "0123456789")); v += n + 1)
		if (!v[n])
			return true;
		else if (v[n] != '.')
			return false;
	return false;
}

static void check_version(struct dec *d, const char *attr, const char *major, const char *cimerror)
{
	const char *v = el_need_attr(d, attr);

	if (!cimxml_version(v, major))
		dec_fail(d, 501, cimerror, "%s %.20s is not supported", attr, v);
}

static void simplereq(struct dec *d, struct cim_request *req)
{
	struct el e = el_here(d);

	while (el_child(d, &e)) {
		if (el_is(d, "CORRELATOR"))
			continue;
		if (!req->name && el_is(d, "IMETHODCALL"))
			imethodcall(d, req);
		else if (!req->name && el_is(d, "METHODCALL"))
			methodcall(d, req);
		else
			el_unexpected(d);
	}
	if (!req->name)
		dec_invalid(d, "SIMPLEREQ has no call");
}

static void message(struct dec *d, struct cim_request *req, const char **id)
{
	struct el e = el_here(d);

	*id = el_need_attr(d, "ID");
	check_version(d, "PROTOCOLVERSION", "1.", "unsupported-protocol-version");
	while (el_child(d, &e)) {
		if (!req->name && el_is(d, "SIMPLEREQ"))
			simplereq(d, req);
		else if (el_is(d, "MULTIREQ"))
			dec_fail(d, 501, "multiple-requests-unsupported",
				 "multiple requests are not supported");
		else
			el_unexpected(d);
	}
	if (!req->name)
		dec_invalid(d, "MESSAGE has no request");
}

static void cim(struct dec *d, struct cim_request *req, const char **id)
{
	struct el e = el_here(d);

	if (!el_is(d, "CIM")) {
		el_unexpected(d);
		return;
	}
	check_version(d, "CIMVERSION", "2.", "unsupported-cim-version");
	check_version(d, "DTDVERSION", "2.", "unsupported-dtd-version");
	while (el_child(d, &e)) {
		if (!*id && el_is(d, "MESSAGE"))
			message(d, req, id);
		else
			el_unexpected(d);
	}
	if (!*id)
		dec_invalid(d, "CIM has no MESSAGE");
}

static int max_depth(const struct cim_request *req)
{
	return req->max_depth ? (int)req->max_depth : CIMXML_MAX_DEPTH;
}

void cimxml_decode(const char *body, size_t len, struct cim_request *req, const char **id,
		   struct cimxml_refusal *refusal)
{
	struct dec d = { .a = req->arena,
			 .refusal = refusal,
			 .max_depth = max_depth(req),
			 .bad_value = &req->error };

	memset(refusal, 0, sizeof(*refusal));
	*id = NULL;
	if (dec_open(&d, body, len))
		cim(&d, req, id);
	dec_close(&d);
	req->parse_inst = cimxml_decode_instance;
}

struct cim_inst *cimxml_decode_instance(const struct cim_request *req, const char *xml,
					const char **why)
{
	struct cimxml_refusal refusal = { 0 };
	const char *bad_value = NULL;
	struct dec d = { .a = req->arena,
			 .refusal = &refusal,
			 .max_depth = max_depth(req),
			 .embedding = 1,
			 .bad_value = &bad_value };
	struct cim_inst *i = NULL;

	if (dec_open(&d, xml, strlen(xml))) {
		if (el_is(&d, "INSTANCE"))
			i = dec_instance(&d);
		else
			el_unexpected(&d);
	}
	dec_close(&d);
	if (!refusal.http && !bad_value)
		return i;
	*why = bad_value ? bad_value : arena_strdup(req->arena, refusal.why);
	return NULL;
}

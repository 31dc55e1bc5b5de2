// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * request.h - the seam between a protocol (cimxml) and the broker: a decoded request goes in,
 * results come out through a sink. Loop thread only.
 */
#ifndef BROKER_REQUEST_H
#define BROKER_REQUEST_H

#include "broker/limits.h"
#include "broker/repo.h"

struct sd_event;

enum cim_op {
	CIM_OP_UNKNOWN, /* an intrinsic name that DSP0200 does not have */
	CIM_OP_UNSUPPORTED, /* one that it has and we do not */
	CIM_OP_GET_CLASS,
	CIM_OP_ENUMERATE_CLASSES,
	CIM_OP_ENUMERATE_CLASS_NAMES,
	CIM_OP_GET_INSTANCE,
	CIM_OP_ENUMERATE_INSTANCES,
	CIM_OP_ENUMERATE_INSTANCE_NAMES,
	CIM_OP_ASSOCIATORS,
	CIM_OP_ASSOCIATOR_NAMES,
	CIM_OP_REFERENCES,
	CIM_OP_REFERENCE_NAMES,
	CIM_OP_GET_PROPERTY,
	CIM_OP_SET_PROPERTY,
	CIM_OP_CREATE_INSTANCE,
	CIM_OP_MODIFY_INSTANCE,
	CIM_OP_DELETE_INSTANCE,
	CIM_OP_GET_QUALIFIER,
	CIM_OP_ENUMERATE_QUALIFIERS,
	CIM_OP_EXEC_QUERY,
	CIM_OP_OPEN_QUERY,
	CIM_OP_OPEN_ENUMERATE_INSTANCES,
	CIM_OP_OPEN_ENUMERATE_PATHS,
	CIM_OP_OPEN_ASSOCIATORS,
	CIM_OP_OPEN_ASSOCIATOR_PATHS,
	CIM_OP_OPEN_REFERENCES,
	CIM_OP_OPEN_REFERENCE_PATHS,
	CIM_OP_PULL_WITH_PATH,
	CIM_OP_PULL_PATHS,
	CIM_OP_PULL_INSTANCES,
	CIM_OP_CLOSE_ENUMERATION,
	CIM_OP_ENUMERATION_COUNT,
	CIM_OP_INVOKE,
};

/* A number that a client need not give. */
struct cim_opt_u32 {
	bool given;
	uint32_t v;
};

struct cim_param_in {
	const char *name;
	enum cim_type claimed; /* CIM_NONE: the client did not say */
	/* As received: CIM_STRING with the text of any simple type, CIM_REFERENCE or CIM_INSTANCE.
	 * The broker converts it to what the schema says.
	 */
	struct cim_value val;
};

struct cim_request {
	struct arena *arena; /* of the request; the broker allocates results in it too */
	enum cim_op op;
	const char *name; /* of the operation or method, as sent */
	const char *ns;
	const char *class; /* ClassName, or ObjectName or method target that is a class */
	struct cim_path *path; /* InstanceName, ObjectName, method target; keys as received */
	bool local_only, deep, quals, class_origin;
	bool has_props; /* PropertyList was given: props */
	const char **props;
	size_t n_props;
	const char *assoc_class, *result_class, *role, *result_role; /* NULL: any */
	const char *qualifier;
	struct cim_inst *inst; /* NewInstance; ModifiedInstance, its path is path */
	const char *property; /* PropertyName */
	struct cim_value new_value; /* NewValue, as in struct cim_param_in; null: NULL */
	struct cim_param_in *params;
	size_t n_params;
	/* of Open..., Pull... */
	const char *context; /* EnumerationContext */
	const char *filter_language, *filter; /* of ExecQuery: QueryLanguage, Query */
	bool return_query_class; /* ReturnQueryResultClass */
	struct cim_opt_u32 timeout_s, max_objects;
	bool continue_on_error;
	bool piecemeal; /* who asks can take the answer in pieces, see broker_streams() */
	/* Asked now and then while the answer is made: is there memory for what it has come to?
	 * NULL: there is.
	 */
	bool (*room)(const struct cim_request *req);
	size_t kept_bytes; /* what the broker has for it beside the arena */
	const char *error; /* INVALID_PARAMETER found while decoding: the sentence */
	/* Text of an embedded instance to an instance as received; NULL with a sentence. */
	struct cim_inst *(*parse_inst)(const struct cim_request *req, const char *xml,
				       const char **why);
	unsigned int max_depth; /* of XML elements; 0: the protocol's default */
	const char *user;
	const char *peer; /* where the client is, for the log; NULL: not known */
	bool may_read, may_write;
};

/* Where results go. Nothing given to a callback is valid after it returned, except what is in the
 * arena of the request. All names are already those of the namespace.
 */
struct cim_sink {
	void (*class)(struct cim_sink *s, const struct cim_class *cls, const struct cim_ns *ns);
	void (*class_name)(struct cim_sink *s, const struct cim_class *cls,
			   const struct cim_ns *ns);
	/* @mask: which properties are in the answer, by index. inst->path is complete. */
	void (*inst)(struct cim_sink *s, const struct cim_inst *inst, const bool *mask,
		     const struct cim_ns *ns);
	void (*path)(struct cim_sink *s, const struct cim_path *path);
	void (*qualtype)(struct cim_sink *s, const struct cim_qualtype_decl *q);
	/* The one value that is the result of an intrinsic operation. */
	void (*value)(struct cim_sink *s, const struct cim_value *v);
	/* QueryResultClass: the class of the result, with the properties of the request; after all
	 * objects.
	 */
	void (*result_class)(struct cim_sink *s, const struct cim_class *cls,
			     const struct cim_ns *ns);
	/* After the objects of Open... and Pull...: is this all? If not, @context gets the rest. */
	void (*sequence)(struct cim_sink *s, bool end, const char *context);
	void (*returned)(struct cim_sink *s, enum cim_type type, uint32_t value);
	void (*out)(struct cim_sink *s, const char *name, const struct cim_value *v);
	/* What the sink got so far does not count. */
	void (*restart)(struct cim_sink *s);
	/* broker_streams() was false for the call, and is true from now on. */
	void (*streams)(struct cim_sink *s);
	/* Exactly once, the last one. @code 0 or a cim_status_code with a sentence. */
	void (*done)(struct cim_sink *s, int code, const char *why);
};

struct broker;

struct broker *broker_new(struct repo *repo, struct engine *engine);
void broker_free(struct broker *b);
struct repo *broker_repo(struct broker *b);
/* Providers get this from cim_engine(); NULL until the engine runs. */
void broker_set_engine(struct broker *b, struct engine *engine);
/* Before the first request. loop ends enumerations that nobody pulls from any more; without this
 * call they have the limits of BROKER_LIMITS_DEFAULT and no timeout.
 */
void broker_set_limits(struct broker *b, const struct broker_limits *l, struct sd_event *loop);

/* At any time: what is open stays, even when it is more than the new limits. */
void broker_change_limits(struct broker *b, const struct broker_limits *l);

/* Runs the request; sink->done may be called before this returns. Request and sink must live
 * until then. What comes back is for broker_cancel() while done was not called, else NULL.
 */
struct cim_call *broker_submit(struct broker *b, struct cim_request *req, struct cim_sink *sink);
/*
 * Comes the answer to that call in pieces? Then the sink gets nothing until broker_stream_next() is
 * called: some @nr objects for each call, fewer when it is @until_us (of cim_clock_us()), until
 * that gives false: done was called, and the call is gone.
 */
bool broker_streams(const struct cim_call *c);
bool broker_stream_next(struct cim_call *c, size_t nr, uint64_t until_us);
/* CLOCK_MONOTONIC */
uint64_t cim_clock_us(void);
/* The client has gone: nothing of the sink is called any more, accepted work goes on. */
void broker_cancel(struct cim_call *c);

#endif

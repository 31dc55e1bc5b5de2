// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * internal.h - what the files of the broker share; nobody else includes it. Loop thread only.
 */
#ifndef BROKER_INTERNAL_H
#define BROKER_INTERNAL_H

#include "broker/provider.h"
#include "broker/request.h"
#include "query/query.h"

struct cursors;
struct sd_event_source;

struct broker {
	struct repo *repo;
	struct engine *engine;
	struct cursors *cursors;
	struct sd_event_source *work; /* NULL: there is no event loop */
	struct cim_call *work_first, *work_last; /* whose turn it is next */
};

struct cim_out {
	const char *name;
	struct cim_value val;
};

/*
 * One activation of a provider. The root is the client's request; while it runs, the walker and
 * the enumerations make further ones (root != self) that live on the stack.
 */
struct cim_call {
	struct broker *broker;
	struct cim_request *req;
	struct cim_call *root;
	const struct cim_ns *ns;
	const struct cim_provider *prov;
	const struct cim_class *cls; /* of prov */
	const struct cim_path *target;

	/* emitting: one instance at a time is being filled, in scratch */
	struct arena scratch;
	struct cim_inst *filling;
	void (*take)(struct cim_call *c, struct cim_inst *inst, void *arg);
	void *take_arg;
	size_t n_taken;

	/* root only */
	struct cim_sink *sink;
	enum cim_op op; /* req->op, or what it stands on: EnumerateInstances for its Open... */
	bool all_props; /* providers fill everything in: a query looks at it */
	int code; /* first error: cim_status_code */
	const char *why;
	const struct cim_class_method *method;
	struct cim_value
		*args; /* converted, one for each parameter of the method; type NONE: absent */
	struct cim_out *outs; /* one for each parameter; name NULL: not set */
	bool changes; /* it is a change, or would be one: goes to the audit log */
	bool returned;
	uint32_t return_value;
	struct cim_path *created; /* by create, for its answer */
	struct stream *stream; /* NULL: not in pieces */
	bool streams; /* the client takes them */
	bool looks; /* it will, from the first instance on */
	const struct query *query; /* only instances that match; NULL: all */
	/* Before the end, or (@dropped) when there will be none; gives the new status. */
	int (*at_end)(struct cim_call *c, int status, bool dropped);
	void *end_arg;
	size_t n_emitted, n_sent;
	size_t send_max; /* more are not sent, but too_many is set; 0: any number */
	bool too_many;
	/* budget.c */
	uint64_t spent_us; /* when it was cpu_us of the one clock, looked_us of the other */
	uint64_t looked_us, cpu_us;
	size_t sent_before;
	bool in_turn;
	/* work.c */
	struct cim_call *work_next, *work_prev;
	bool working;
	struct cim_hold *hold;
	void (*on_cancel)(void *arg);
	void *cancel_arg;
	bool running; /* the callback has not returned yet */
	bool finished; /* cim_call_done() came while running */
	int finish_status;
	const struct cim_class *mask_cls; /* class that mask was made for */
	const struct cim_class *mask_base; /* with deep == false: only its properties */
	bool *mask;
};

/* ---- convert.c: what clients write <-> what the schema says ---- */
/* Makes a path from a client internal: namespace, class, keys with declared types. *cls gets the
 * class, *ns the namespace. 0 or a negated status with its sentence in the call.
 */
int broker_path_in(struct cim_call *c, struct cim_path *p, const struct cim_class **cls,
		   const struct cim_ns **ns);
/* The object of an operation: if it says a namespace, that of the request. 0 or a
 * negated status.
 */
int broker_path_here(struct cim_call *c, struct cim_path *p);
/* The value of a property or parameter from a client; what: "parameter Size" for sentences. */
struct cim_value_spec {
	enum cim_type type;
	bool array;
	const char *ref_class, *embedded;
};
int broker_value_in(struct cim_call *c, const struct cim_value_spec *spec, const char *what,
		    enum cim_type claimed, const struct cim_value *raw, struct cim_value *out);
/* keys, blank, element of a class that has its properties; in the arena of the repository. */
void broker_shape_class(struct arena *a, struct cim_class *cls);
void broker_path_canon(const struct cim_class *cls, struct cim_path *p);
/* The other direction, in place. */
void broker_path_out(struct cim_call *c, const struct cim_path *p, const struct cim_ns *from);
void broker_inst_out(struct cim_call *c, struct cim_inst *i, const struct cim_ns *ns);
void broker_value_out(struct cim_call *c, struct cim_value *v, const struct cim_ns *ns);
/* The properties of an instance as received into one of its class; 0 or a negated status. */
int broker_props_in(struct cim_call *c, const struct cim_inst *raw, struct cim_inst *out,
		    const char *what);
/* Path of an instance from its key properties, internal; a key that is NULL is left out. */
struct cim_path *broker_path_of(struct cim_inst *i);

/* ---- call.c ---- */
/* A further activation on the stack of the caller; ended by broker_sub_end(). */
void broker_sub_begin(struct cim_call *sub, struct cim_call *parent,
		      const struct cim_provider *prov, const struct cim_ns *ns,
		      void (*take)(struct cim_call *, struct cim_inst *, void *), void *arg);
/* Takes the last instance, frees; r is what the callback returned. Gives 0 or a negated status. */
int broker_sub_end(struct cim_call *sub, int r);
/* Records the first error of the request; NULL keeps or makes a sentence. Returns -code. */
int broker_fail(struct cim_call *c, int status);
const char *broker_status_text(int code);

/* The call is being freed: a later cim_resume() gives NULL. */
void broker_hold_forget(struct cim_call *c);

/* ---- inst.c ---- */
int broker_enumerate(struct cim_call *parent, const struct cim_provider *prov,
		     const struct cim_ns *ns,
		     void (*take)(struct cim_call *, struct cim_inst *, void *), void *arg);
/* The instance of an internal path; CIM_ERR_NOT_FOUND is returned, not recorded. */
int broker_get(struct cim_call *parent, const struct cim_class *cls, const struct cim_path *path,
	       const struct cim_ns *ns, void (*take)(struct cim_call *, struct cim_inst *, void *),
	       void *arg);
/* Sends to the sink: externalized, with the properties that were asked for. */
void broker_send_inst(struct cim_call *c, struct cim_inst *i, const struct cim_ns *ns);
void broker_send_path(struct cim_call *c, struct cim_inst *i, const struct cim_ns *ns);
/* Does a provider serve instances of the class in that namespace? */
bool broker_served(const struct cim_class *cls, const struct cim_ns *ns);
/* Does the PropertyList, if there is one, name the property? */
bool broker_listed(const struct cim_request *req, const char *prop);
/* ClassName of the request; NULL with the error recorded. */
const struct cim_class *broker_class_of_request(struct cim_call *c);
/* InstanceName of the request, made internal, becomes the target of the call; its class, or NULL
 * with the error recorded.
 */
const struct cim_class *broker_target_of_request(struct cim_call *c);
/* PropertyName of the request: its index, or a negated status. */
int broker_property_of_request(struct cim_call *c, const struct cim_class *cls);
/* r, with a sentence about the target for CIM_ERR_NOT_FOUND. */
int broker_not_found(struct cim_call *c, int r);

/* ---- stream.c ---- */
/*
 * Between begin and collected, what would be sent is kept: all instances of a provider, objects to
 * be got by their internal paths, instances. broker_collected() sends all of it, or gives
 * CIM_PENDING when it is much; r: what collecting gave.
 */
void broker_collect_begin(struct cim_call *c);
int broker_collect(struct cim_call *c, const struct cim_provider *prov);
void broker_keep_object(struct cim_call *root, const struct cim_path *p, const struct cim_ns *ns);
void broker_keep_inst(struct cim_call *root, const struct cim_inst *i, const struct cim_ns *ns);
int broker_collected(struct cim_call *c, int r);
/* So many instances are made in one go. */
#define BROKER_MAX_WHOLE 500
void broker_stream_free(struct cim_call *c);

/* ---- work.c ---- */
/* Lets the pieces of the call be made in turns. */
void broker_work_add(struct cim_call *c);
/* Not there: nothing happens. */
void broker_work_drop(struct cim_call *c);
/* loop NULL: there are no turns, all is made at once. */
void broker_work_start(struct broker *b, struct sd_event *loop);
void broker_work_stop(struct broker *b);

/* ---- budget.c ---- */
/* Around everything that works on the call in one turn of the loop. */
void broker_turn_begin(struct cim_call *root);
void broker_turn_end(struct cim_call *root);
/* False: it has cost too much, or failed before; the error is recorded. */
bool broker_may_go_on(struct cim_call *root);
/* Does the instance, as clients see it, match the query of the call, if there is one? */
bool broker_passes(struct cim_call *root, const struct cim_inst *i);

/* ---- query.c ---- */
/* The query of ExecQuery and OpenQueryInstances; the request becomes an enumeration of it. */
int broker_query(struct cim_call *c, struct query **query);
/* FilterQuery of the other Open... operations; without one *query is left as it is. */
int broker_filter(struct cim_call *c, struct query **query);

/* ---- operations: 0, negated status, or CIM_PENDING ---- */
int broker_op_get_class(struct cim_call *c);
int broker_op_enumerate_classes(struct cim_call *c);
int broker_op_get_qualifier(struct cim_call *c);
int broker_op_enumerate_qualifiers(struct cim_call *c);
int broker_op_get_instance(struct cim_call *c);
int broker_op_enumerate_instances(struct cim_call *c);
int broker_op_get_property(struct cim_call *c);
int broker_op_set_property(struct cim_call *c);
int broker_op_create_instance(struct cim_call *c);
int broker_op_modify_instance(struct cim_call *c);
int broker_op_delete_instance(struct cim_call *c);
int broker_op_associate(struct cim_call *c);
int broker_op_exec_query(struct cim_call *c);
int broker_op_open(struct cim_call *c);
int broker_op_pull(struct cim_call *c);
int broker_op_close_enumeration(struct cim_call *c);
int broker_op_enumeration_count(struct cim_call *c);
int broker_op_invoke(struct cim_call *c);
/* After the method, or the creation, of a call has finished with success. */
int broker_send_created(struct cim_call *c);
int broker_send_method_result(struct cim_call *c);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * provider.h - the contract between the broker and the CIM providers.
 *
 * A provider serves one concrete class: fill functions and a const table at the end of its file,
 * listed in providers/table.c. Everything runs on the loop thread. The broker has already done,
 * before a callback is called: namespace, class, key and parameter names and types, required
 * parameters, references (their class is known and fits), role of the user. It does afterwards:
 * property lists, filters, names, paths, class prefix (RPL_/TPD_), XML.
 *
 * Callbacks return 0 or a negated cim_status_code, best by `return cim_error(c, CIM_ERR_x, "...")`.
 * They never return an errno.
 *
 *	static int fill(const struct engine_job *j, struct cim_inst *i)
 *	{
 *		cim_set_str(i, "InstanceID", j->id);
 *		cim_set_u16(i, "JobState", CIM_ConcreteJob_JobState_Running);
 *		return cim_status(i);
 *	}
 *	static int enumerate(struct cim_call *c)
 *	{
 *		for (each job j)
 *			if (fill(j, cim_emit(c)))
 *				break;
 *		return 0;			(errors of emitted instances stick to the call)
 *	}
 *	static int get(struct cim_call *c)
 *	{
 *		const struct engine_job *j = engine_job(cim_engine(c), cim_key(c, "InstanceID"));
 *
 *		return j ? fill(j, cim_emit(c)) : -CIM_ERR_NOT_FOUND;
 *	}
 */
#ifndef BROKER_PROVIDER_H
#define BROKER_PROVIDER_H

#include "broker/limits.h"
#include "cim/cim.h"

struct cim_call; /* one request; opaque */
struct cim_hold;
struct engine;

/* Result of a method that finishes later. */
#define CIM_PENDING 1

/* Namespaces that a provider's class lives in. */
#define CIM_NS_IMPL    0x1 /* root/dmreplica and, as TPD_, root/tpd */
#define CIM_NS_INTEROP 0x2 /* interop, root/interop */

/* Method flags. Without CIM_METHOD_READ the caller needs the write role. */
#define CIM_METHOD_READ 0x1

struct cim_method {
	const char *name;
	/* Sets out parameters and the return value (cim_return), returns 0; or -CIM_ERR_x;
	 * or CIM_PENDING, and somebody calls cim_call_done() later.
	 */
	int (*invoke)(struct cim_call *c);
	unsigned int flags;
};

/* An association class: two reference properties. `enumerate` of the provider emits all
 * instances (cim_emit_assoc). The one walker in broker/assoc.c serves Associators, References,
 * their Names forms and GetInstance from these.
 */
struct cim_assoc {
	const char *role[2]; /* names of the reference properties */
	/* What can be at each end, as narrow as one class can say (a superclass is fine): an end
	 * outside of it is never asked for. NULL: what the schema says.
	 */
	const char *end_class[2];
	/* Optional: emits only the instances whose reference role[end] is `from`. `from` is of a
	 * class that fits, but need not exist. NULL: the broker enumerates and filters.
	 */
	int (*from_end)(struct cim_call *c, int end, const struct cim_path *from);
};

struct cim_provider {
	const char *class; /* "RPL_..." */
	unsigned int ns; /* CIM_NS_*; 0 means CIM_NS_IMPL */
	/* Emits every instance with all properties (the broker drops what was not asked for;
	 * cim_wants() tells for costly ones).
	 */
	int (*enumerate)(struct cim_call *c);
	/* Emits the instance of cim_target(c), or -CIM_ERR_NOT_FOUND. NULL: the broker enumerates
	 * and compares paths.
	 */
	int (*get)(struct cim_call *c);
	/* CreateInstance: `inst` has the properties that were given, keys too if the client
	 * chose some. Says what came into being by cim_created(). NULL: not supported. May be
	 * CIM_PENDING.
	 */
	int (*create)(struct cim_call *c, const struct cim_inst *inst);
	/* ModifyInstance: `changes` has only properties that may be written and were given, those
	 * that shall be NULL too: cim_nulled(). The instance exists. NULL: not supported. May be
	 * CIM_PENDING.
	 */
	int (*modify)(struct cim_call *c, const struct cim_inst *changes);
	/* DeleteInstance of cim_target(c). NULL: not supported. May be CIM_PENDING. */
	int (*remove)(struct cim_call *c);
	const struct cim_method *methods; /* ended by { } */
	const struct cim_assoc *assoc; /* association classes only */
};

/* providers/table.c; ended by NULL. */
extern const struct cim_provider *const cim_providers[];

/* ---- about the call ---- */
struct engine *cim_engine(const struct cim_call *c);
const struct broker_limits *cim_limits(const struct cim_call *c);
/* Where everything of this call is allocated. */
struct arena *cim_arena(struct cim_call *c);
const char *cim_user(const struct cim_call *c);
/* The object of get, modify, remove and of methods. Only the key names of the class occur; keys
 * the client left out are missing. NULL for static methods called on the class.
 */
const struct cim_path *cim_target(const struct cim_call *c);
/* String key of cim_target(); "" when missing, so it can go straight into a lookup. */
const char *cim_key(const struct cim_call *c, const char *name);
/* Is this property wanted in the answer? */
bool cim_wants(const struct cim_call *c, const char *prop);
/* Only paths are asked for: properties that are no keys need not be set. */
bool cim_keys_only(const struct cim_call *c);

/* ---- emitting ---- */
/* A new instance of the provider's class. The broker takes it over at the next cim_emit() or at
 * the return of the callback. Never NULL.
 */
struct cim_inst *cim_emit(struct cim_call *c);
/* The same for association providers: sets role[0] and role[1]; more properties may follow. The
 * strings of the ends are not copied: they are in cim_arena(), or constant.
 */
struct cim_inst *cim_emit_assoc(struct cim_call *c, const struct cim_path *end0,
				const struct cim_path *end1);
/* Forgets the instance of the last cim_emit(): it shall not be in the answer. */
void cim_emit_drop(struct cim_call *c);
/* In create: the path of the new instance, which is the answer. */
void cim_created(struct cim_call *c, const struct cim_path *path);
/* A free-standing instance of any class, for embedded instances. */
struct cim_inst *cim_inst_new(struct cim_call *c, const char *class);

/* ---- method parameters ---- true/non-NULL: given and not NULL. Types are right already. ---- */
const struct cim_value *cim_arg(const struct cim_call *c, const char *name);
bool cim_arg_bool(const struct cim_call *c, const char *name, bool *v);
bool cim_arg_u8(const struct cim_call *c, const char *name, uint8_t *v);
bool cim_arg_u16(const struct cim_call *c, const char *name, uint16_t *v);
bool cim_arg_u32(const struct cim_call *c, const char *name, uint32_t *v);
bool cim_arg_u64(const struct cim_call *c, const char *name, uint64_t *v);
bool cim_arg_dt(const struct cim_call *c, const char *name, struct cim_datetime *v);
const char *cim_arg_str(const struct cim_call *c, const char *name);
const struct cim_path *cim_arg_ref(const struct cim_call *c, const char *name);
const struct cim_inst *cim_arg_inst(const struct cim_call *c, const char *name);
/* Arrays: the elements are value->v[0 .. value->n - 1].ref/.str/.u/.inst, none of them NULL.
 * NULL: not given
 * (an empty array is given, with n == 0). cim_arg() does it.
 */

/* ---- results of methods ---- names and types are checked; a wrong one is a bug and logged ---- */
void cim_out_bool(struct cim_call *c, const char *name, bool v);
void cim_out_bools(struct cim_call *c, const char *name, const bool *v, size_t n);
void cim_out_u16(struct cim_call *c, const char *name, uint16_t v);
void cim_out_u32(struct cim_call *c, const char *name, uint32_t v);
void cim_out_u64(struct cim_call *c, const char *name, uint64_t v);
void cim_out_str(struct cim_call *c, const char *name, const char *v);
void cim_out_time(struct cim_call *c, const char *name, uint64_t usec_since_1970);
void cim_out_ref(struct cim_call *c, const char *name, const struct cim_path *v);
void cim_out_inst(struct cim_call *c, const char *name, const struct cim_inst *v);
void cim_out_u16s(struct cim_call *c, const char *name, const uint16_t *v, size_t n);
void cim_out_u32s(struct cim_call *c, const char *name, const uint32_t *v, size_t n);
void cim_out_u64s(struct cim_call *c, const char *name, const uint64_t *v, size_t n);
void cim_out_strs(struct cim_call *c, const char *name, const char *const *v, size_t n);
void cim_out_refs(struct cim_call *c, const char *name, const struct cim_path *const *v, size_t n);
void cim_out_insts(struct cim_call *c, const char *name, const struct cim_inst *const *v, size_t n);
/* Sets the return value; `return cim_return(c, rc);` */
int cim_return(struct cim_call *c, uint32_t value);
/* Text that goes with a bad return value: WBEM has no place for it, so it is logged with the
 * method and its user, and kept as the call's reason. Returns 0: `return cim_refuse(c, 5, "...")`.
 */
int cim_refuse(struct cim_call *c, uint32_t value, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- errors ---- keeps the sentence for the ERROR element and returns -code ---- */
int cim_error(struct cim_call *c, enum cim_status_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- finishing later ---- loop thread only ----
 *	static void created(const struct engine_result *r, void *arg)
 *	{
 *		struct cim_call *c = cim_resume(arg);
 *
 *		if (!c)
 *			return;			(client gone; the work goes on)
 *		cim_out_ref(c, "Job", job_path(c, r->job));
 *		cim_return(c, 4096);
 *		cim_call_done(c, 0);
 *	}
 *	invoke: engine_volume_create(..., created, cim_hold(c)); return CIM_PENDING;
 *
 * The callback may also come before invoke returns. If it then turns out that nothing was
 * started, drop the hold with cim_resume() and return the error as usual. Exactly one
 * cim_resume() for each cim_hold().
 */
struct cim_hold *cim_hold(struct cim_call *c);
/* Frees the hold. NULL when the client has gone or the server is stopping. */
struct cim_call *cim_resume(struct cim_hold *h);
/* Optional: fn is called on the loop thread if the client goes away first; the call is freed
 * right after. The hold still has to be resumed, then giving NULL.
 */
void cim_on_cancel(struct cim_call *c, void (*fn)(void *arg), void *arg);
/* status: 0 or negated cim_status_code. Do not touch c afterwards. */
void cim_call_done(struct cim_call *c, int status);

#endif

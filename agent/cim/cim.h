// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cim.h - CIM values, object paths and instances.
 *
 * OWNERSHIP: all of them live in a struct arena, the one of the request they belong to, and die
 * with it. Nobody frees anything. What setters are given (strings, arrays, paths) is copied into
 * the arena; what getters give back is valid until the call has been answered. Whoever wants to
 * keep a string longer copies it.
 *
 * NAMES of classes, properties and keys compare without regard to case. Our classes are written
 * with the prefix RPL_ everywhere in the code; in namespaces with another prefix (root/tpd: TPD_)
 * the broker translates class names, also in ...CreationClassName values, on the way in and out.
 */
#ifndef CIM_CIM_H
#define CIM_CIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum cim_type {
	CIM_NONE, /* unknown, for instance a KEYVALUE without TYPE */
	CIM_BOOLEAN,
	CIM_UINT8,
	CIM_UINT16,
	CIM_UINT32,
	CIM_UINT64,
	CIM_SINT8,
	CIM_SINT16,
	CIM_SINT32,
	CIM_SINT64,
	CIM_REAL32,
	CIM_REAL64,
	CIM_CHAR16,
	CIM_STRING,
	CIM_DATETIME,
	CIM_REFERENCE,
	CIM_INSTANCE, /* embedded instance; a string in the schema */
};

/* DSP0200 status codes. Provider callbacks return them negated, and never an errno. */
enum cim_status_code {
	CIM_OK = 0,
	CIM_ERR_FAILED = 1,
	CIM_ERR_ACCESS_DENIED = 2,
	CIM_ERR_INVALID_NAMESPACE = 3,
	CIM_ERR_INVALID_PARAMETER = 4,
	CIM_ERR_INVALID_CLASS = 5,
	CIM_ERR_NOT_FOUND = 6,
	CIM_ERR_NOT_SUPPORTED = 7,
	CIM_ERR_CLASS_HAS_CHILDREN = 8,
	CIM_ERR_CLASS_HAS_INSTANCES = 9,
	CIM_ERR_INVALID_SUPERCLASS = 10,
	CIM_ERR_ALREADY_EXISTS = 11,
	CIM_ERR_NO_SUCH_PROPERTY = 12,
	CIM_ERR_TYPE_MISMATCH = 13,
	CIM_ERR_QUERY_LANGUAGE_NOT_SUPPORTED = 14,
	CIM_ERR_INVALID_QUERY = 15,
	CIM_ERR_METHOD_NOT_AVAILABLE = 16,
	CIM_ERR_METHOD_NOT_FOUND = 17,
	CIM_ERR_NAMESPACE_NOT_EMPTY = 20,
	CIM_ERR_INVALID_ENUMERATION_CONTEXT = 21,
	CIM_ERR_INVALID_OPERATION_TIMEOUT = 22,
	CIM_ERR_PULL_HAS_BEEN_ABANDONED = 23,
	CIM_ERR_PULL_CANNOT_BE_ABANDONED = 24,
	CIM_ERR_FILTERED_ENUMERATION_NOT_SUPPORTED = 25,
	CIM_ERR_CONTINUATION_ON_ERROR_NOT_SUPPORTED = 26,
	CIM_ERR_SERVER_LIMITS_EXCEEDED = 27,
	CIM_ERR_SERVER_IS_SHUTTING_DOWN = 28,
	CIM_ERR_QUERY_FEATURE_NOT_SUPPORTED = 29,
};

struct cim_path;
struct cim_inst;
struct cim_class; /* broker/repo.h */

/* Microseconds since 1970 UTC, or an interval in microseconds. */
struct cim_datetime {
	bool interval;
	int16_t utc_offset_min; /* as written; usec is UTC already */
	int64_t usec;
};

#define CIM_DATETIME_LEN 25

/* One scalar. Which member counts says the type of the value it is in:
 * boolean b, uint* u, sint* i, real* r, char16 u, string str, datetime dt, reference ref,
 * instance inst.
 */
struct cim_datum {
	bool null; /* only inside arrays */
	union {
		bool b;
		uint64_t u;
		int64_t i;
		double r;
		const char *str;
		struct cim_datetime dt;
		const struct cim_path *ref;
		const struct cim_inst *inst;
	};
};

struct cim_value {
	enum cim_type type;
	bool array;
	bool null;
	bool given; /* of ModifyInstance: with null: NULL was asked for; else it stays as it is */
	uint8_t claimed; /* as received: the type that the client gave with it; CIM_NONE: none */
	size_t n; /* elements of an array; 0 with null == false is the empty array */
	struct cim_datum d; /* scalar */
	struct cim_datum *v; /* array */
};

struct cim_key {
	const char *name;
	struct cim_value val; /* scalar; integers of unknown width are UINT64 or SINT64 */
};

struct cim_path {
	const char *host; /* NULL: none */
	const char *ns; /* NULL: the namespace of the request, or where the class is at home */
	const char *class;
	struct cim_key *keys;
	size_t n_keys;
	struct arena *arena;
};

struct cim_prop {
	const char *name;
	struct cim_value val; /* val.null for properties that were not set */
};

struct cim_inst {
	const char *class;
	const struct cim_class *cls; /* NULL while the class was not looked up */
	struct cim_prop *props; /* with cls: one for each property of the class, in its order */
	size_t n_props;
	struct cim_path *path; /* NULL: none given; the broker makes it from the key properties */
	struct arena *arena;
	int error; /* sticky: first setter that failed, negated cim_status_code */
};

/* ---- datetime ---- */
/* Writes 25 characters and NUL. */
void cim_datetime_print(const struct cim_datetime *dt, char out[CIM_DATETIME_LEN + 1]);
/* Takes asterisks for insignificant digits as zero. 0 or -EINVAL. */
int cim_datetime_parse(const char *s, struct cim_datetime *dt);

/* ---- types ---- */
const char *cim_type_name(enum cim_type t); /* "uint16", "reference"; instance is "string" */
enum cim_type cim_type_parse(const char *name); /* CIM_NONE when unknown */
bool cim_type_is_uint(enum cim_type t);
bool cim_type_is_sint(enum cim_type t);
/* Text as in a VALUE element to a datum; strings are copied to the arena. 0 or -EINVAL/-ERANGE. */
int cim_datum_parse(struct arena *a, enum cim_type t, const char *text, struct cim_datum *out);

/* The text of a VALUE element, unescaped; not for references and instances. */
struct strbuf;
void cim_datum_print(struct strbuf *b, enum cim_type t, const struct cim_datum *d);

/* ---- object paths ---- */
struct cim_path *cim_path_new(struct arena *a, const char *class);
void cim_path_str(struct cim_path *p, const char *name, const char *value);
void cim_path_u64(struct cim_path *p, const char *name, uint64_t value);
void cim_path_bool(struct cim_path *p, const char *name, bool value);
void cim_path_ref(struct cim_path *p, const char *name, const struct cim_path *value);
/* All keys are strings: class, then pairs of name and value, ended by NULL. */
struct cim_path *cim_path_make(struct arena *a, const char *class, ...) __attribute__((sentinel));
const struct cim_value *cim_path_get(const struct cim_path *p, const char *name);
/* String value of a key, NULL when the key is missing or not a string. */
const char *cim_path_key(const struct cim_path *p, const char *name);
const struct cim_path *cim_path_key_ref(const struct cim_path *p, const char *name);
/* Same class and same keys whatever their order; host and namespace do not count. An integer key
 * equals a string of the same digits (clients send keys untyped).
 */
bool cim_path_equal(const struct cim_path *a, const struct cim_path *b);
struct cim_path *cim_path_dup(struct arena *a, const struct cim_path *p);
/* A copy that can be changed as one: its strings are p's, and it must not live longer. */
struct cim_path *cim_path_share(struct arena *a, const struct cim_path *p);
/* Untyped text form [//host/][ns:]Class.k="v",n=1 in both directions; NULL when malformed. */
const char *cim_path_print(struct arena *a, const struct cim_path *p);
struct cim_path *cim_path_parse(struct arena *a, const char *text);

/* ---- instances: setters (for providers) ----
 * The property must be in the class and have exactly that type, else the error sticks to the
 * instance and is logged: it is a bug. A NULL string, array or reference sets NULL.
 * inst == NULL is ignored by all.
 */
void cim_set_bool(struct cim_inst *i, const char *name, bool v);
void cim_set_u8(struct cim_inst *i, const char *name, uint8_t v);
void cim_set_u16(struct cim_inst *i, const char *name, uint16_t v);
void cim_set_u32(struct cim_inst *i, const char *name, uint32_t v);
void cim_set_u64(struct cim_inst *i, const char *name, uint64_t v);
void cim_set_s32(struct cim_inst *i, const char *name, int32_t v);
void cim_set_s64(struct cim_inst *i, const char *name, int64_t v);
void cim_set_str(struct cim_inst *i, const char *name, const char *v);
void cim_set_strf(struct cim_inst *i, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void cim_set_time(struct cim_inst *i, const char *name, uint64_t usec_since_1970);
void cim_set_interval(struct cim_inst *i, const char *name, uint64_t usec);
void cim_set_ref(struct cim_inst *i, const char *name, const struct cim_path *v);
/* The same by cim_path_share(): v's strings must live as long as i. */
void cim_share_ref(struct cim_inst *i, const char *name, const struct cim_path *v);
void cim_set_inst(struct cim_inst *i, const char *name, const struct cim_inst *v);
void cim_set_null(struct cim_inst *i, const char *name);
void cim_set_bools(struct cim_inst *i, const char *name, const bool *v, size_t n);
void cim_set_u8s(struct cim_inst *i, const char *name, const uint8_t *v, size_t n);
void cim_set_u16s(struct cim_inst *i, const char *name, const uint16_t *v, size_t n);
void cim_set_u32s(struct cim_inst *i, const char *name, const uint32_t *v, size_t n);
void cim_set_u64s(struct cim_inst *i, const char *name, const uint64_t *v, size_t n);
void cim_set_strs(struct cim_inst *i, const char *name, const char *const *v, size_t n);
void cim_set_refs(struct cim_inst *i, const char *name, const struct cim_path *const *v, size_t n);
void cim_set_insts(struct cim_inst *i, const char *name, const struct cim_inst *const *v, size_t n);
/* cim_set_u16s(i, "OperationalStatus", 2, 17) without a named array. */
#define cim_set_u16v(inst, name, ...)                                \
	cim_set_u16s(inst, name, (const uint16_t[]) { __VA_ARGS__ }, \
		     sizeof((const uint16_t[]) { __VA_ARGS__ }) / sizeof(uint16_t))
/* 0 or the sticky error: what a fill function returns. */
int cim_status(const struct cim_inst *i);
/* A deep copy in another arena; NULL gives NULL. mask: which properties, by index, the others
 * become NULL; mask NULL: all of them.
 */
struct cim_inst *cim_inst_dup(struct arena *a, const struct cim_inst *i, const bool *mask);
struct cim_value cim_value_dup(struct arena *a, const struct cim_value *v);

/* ---- instances: getters (embedded parameters, ModifyInstance) ----
 * false/NULL: the property was not given or is NULL.
 */
const struct cim_value *cim_get(const struct cim_inst *i, const char *name);
/* Of ModifyInstance's changes: it shall become NULL. */
bool cim_nulled(const struct cim_inst *i, const char *name);
bool cim_get_bool(const struct cim_inst *i, const char *name, bool *v);
bool cim_get_u16(const struct cim_inst *i, const char *name, uint16_t *v);
bool cim_get_u32(const struct cim_inst *i, const char *name, uint32_t *v);
bool cim_get_u64(const struct cim_inst *i, const char *name, uint64_t *v);
bool cim_get_dt(const struct cim_inst *i, const char *name, struct cim_datetime *v);
const char *cim_get_str(const struct cim_inst *i, const char *name);
const struct cim_path *cim_get_ref(const struct cim_inst *i, const char *name);

#endif

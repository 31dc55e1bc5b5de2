// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * prov.h - what the providers share: object paths of the engine's objects and back, refusals.
 *
 * Loop thread only. Paths and strings live in the arena of the call. A lookup from a path gives
 * NULL when no such object exists; the pointers obey the lifetime rule of engine/engine.h, so
 * keep ids when an action is called.
 *
 * InstanceIDs are "RPL:<kind>:<local>", local being the engine's id of the object.
 */
#ifndef PROVIDERS_PROV_H
#define PROVIDERS_PROV_H

#include "base/alloc.h"
#include "base/arena.h"
#include "broker/provider.h"
#include "engine/engine.h"
#include "schema/schema-gen.h"

#define PROV_BLOCK_BYTES 512

/* Names of the services; part of their keys. */
#define PROV_CONFIG_SERVICE "StorageConfigurationService"
#define PROV_REPL_SERVICE   "ReplicationService"
/* Local ids of the capabilities. */
#define PROV_CONFIG_CAPS "StorageConfigurationCapabilities"
#define PROV_REPL_CAPS	 "ReplicationServiceCapabilities"

/* ---- names and paths ---- */
const char *prov_system_name(struct cim_call *c);
const char *prov_id(struct cim_call *c, const char *kind, const char *local);
struct cim_path *prov_id_path(struct cim_call *c, const char *class, const char *kind,
			      const char *local);
struct cim_path *prov_system_path(struct cim_call *c);
/* name: PROV_CONFIG_SERVICE or PROV_REPL_SERVICE */
struct cim_path *prov_service_path(struct cim_call *c, const char *name);
struct cim_path *prov_object_manager_path(struct cim_call *c);
struct cim_path *prov_wbem_server_path(struct cim_call *c);
struct cim_path *prov_volume_path(struct cim_call *c, const struct engine_volume *v);
struct cim_path *prov_pool_path(struct cim_call *c, const struct engine_pool *p);
struct cim_path *prov_group_path(struct cim_call *c, const struct engine_group *g);
struct cim_path *prov_job_path(struct cim_call *c, const struct engine_job *j);
struct cim_path *prov_relation_path(struct cim_call *c, const struct engine_relation *r);
/* Only for sets that prov_set_is_group() calls group relations. */
struct cim_path *prov_set_path(struct cim_call *c, const struct engine_set *s);
bool prov_set_is_group(const struct engine_set *s);
/* Setting and capabilities that every volume of a pool has. */
struct cim_path *prov_setting_path(struct cim_call *c, const struct engine_pool *p);
struct cim_path *prov_pool_caps_path(struct cim_call *c, const struct engine_pool *p);
struct cim_path *prov_pool_config_caps_path(struct cim_call *c, const struct engine_pool *p);

/* ---- back from paths ---- NULL: there is no such object */
const struct engine_volume *prov_volume(struct cim_call *c, const struct cim_path *p);
const struct engine_pool *prov_pool(struct cim_call *c, const struct cim_path *p);
const struct engine_group *prov_group(struct cim_call *c, const struct cim_path *p);
const struct engine_job *prov_job(struct cim_call *c, const struct cim_path *p);
const struct engine_relation *prov_relation(struct cim_call *c, const struct cim_path *p);
const struct engine_set *prov_set(struct cim_call *c, const struct cim_path *p);
/* The pool whose setting it is. */
const struct engine_pool *prov_setting_pool(struct cim_call *c, const struct cim_path *p);
/* Local part of an InstanceID of this kind, NULL when it is none. */
const char *prov_local_id(const struct cim_path *p, const char *kind);
/* All keys of @ours are in @given with the same values, and no others. */
bool prov_same_keys(const struct cim_path *given, const struct cim_path *ours);
/* from_end of associations of few instances: emits this one if @from is at its end. */
void prov_emit_at(struct cim_call *c, int end, const struct cim_path *from,
		  const struct cim_path *end0, const struct cim_path *end1);
/* For messages. */
const char *prov_print(struct cim_call *c, const struct cim_path *p);

/* ---- filling ---- */
/* SystemCreationClassName, SystemName, CreationClassName */
void prov_set_system_keys(struct cim_call *c, struct cim_inst *i, const char *class);
/* OperationalStatus {status}, StatusDescriptions {text}, HealthState */
void prov_set_status(struct cim_inst *i, uint16_t status, const char *text, uint16_t health);
/* Times that may be unknown: 0 stays NULL. */
void prov_set_time(struct cim_inst *i, const char *name, uint64_t usec);
/* The empty array (not NULL: clients look for members in it without a test). */
#define prov_set_none(i, name) cim_set_u16s(i, name, (const uint16_t[]) { 0 }, 0)

/* ---- methods ----
 * Helpers that may end a call return 0 to go on, 1 when it is answered, or -CIM_ERR_x; their
 * callers then `return prov_end(ret)`.
 */
static inline int prov_end(int ret)
{
	return ret > 0 ? 0 : ret;
}
/* invoke of methods that are declared but not supported: answers 1. */
int prov_not_supported(struct cim_call *c);
/* TRUE: one of the parameters (names ended by NULL) was given and the call is refused with 5. */
bool prov_refuse_given(struct cim_call *c, const char *const *names);
/* Answers with the return value and the sentence of a result that is not a success. */
int prov_refuse_result(struct cim_call *c, const struct engine_result *r);
int prov_refuse_rc(struct cim_call *c, enum engine_rc rc, const char *why);
/* The CIM status for results of intrinsic operations; 0 for successes. */
int prov_error_rc(struct cim_call *c, enum engine_rc rc, const char *why);
/* The volume of a reference parameter; NULL with 0 when it was not given. Ends the call with 5 when
 * there is no such volume, and with an error when the reference is to something else.
 */
int prov_arg_volume(struct cim_call *c, const char *name, const struct engine_volume **v);
/* The same for arrays, as uuids in the arena. */
int prov_arg_volumes(struct cim_call *c, const char *name, const char *const **uuids, size_t *n);

/* ModifyInstance: refuses changes of properties that are not in @allowed (ended by NULL), unless
 * they have that value already in @now. 0 or -CIM_ERR_x.
 */
int prov_unchanged(struct cim_call *c, const struct cim_inst *changes, const struct cim_inst *now,
		   const char *const *allowed);
/* Refuses NULL for these (ended by NULL). 0 or -CIM_ERR_x. */
int prov_not_null(struct cim_call *c, const struct cim_inst *changes, const char *const *names);
/* New ElementName and Description, each NULL when it stays; NULL from the client is no name, and an
 * empty description. 0 or -CIM_ERR_x.
 */
int prov_new_texts(struct cim_call *c, const struct cim_inst *changes, const char **name,
		   const char **description);
/* A description; NULL when there is none. */
void prov_set_description(struct cim_inst *i, const char *text);

#endif

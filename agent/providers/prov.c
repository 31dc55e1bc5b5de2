// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * prov.c - object paths of the engine's objects and back, refusals, common properties.
 *
 * Owns nothing. Called by the providers on the loop thread.
 */
#include "providers/prov.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ------------------------------------------------------------------ paths */

const char *prov_system_name(struct cim_call *c)
{
	return engine_system(cim_engine(c))->name;
}

const char *prov_id(struct cim_call *c, const char *kind, const char *local)
{
	size_t kind_len = strlen(kind), local_len = strlen(local);
	char *id = arena_raw(cim_arena(c), 4 + kind_len + 1 + local_len + 1);

	memcpy(id, "RPL:", 4);
	memcpy(id + 4, kind, kind_len);
	id[4 + kind_len] = ':';
	memcpy(id + 4 + kind_len + 1, local, local_len + 1);
	return id;
}

struct cim_path *prov_id_path(struct cim_call *c, const char *class, const char *kind,
			      const char *local)
{
	return cim_path_make(cim_arena(c), class, "InstanceID", prov_id(c, kind, local), NULL);
}

struct cim_path *prov_system_path(struct cim_call *c)
{
	return cim_path_make(cim_arena(c), "RPL_ComputerSystem", "CreationClassName",
			     "RPL_ComputerSystem", "Name", prov_system_name(c), NULL);
}

static struct cim_path *scoped_path(struct cim_call *c, const char *class, const char *key,
				    const char *value)
{
	return cim_path_make(cim_arena(c), class, "SystemCreationClassName", "RPL_ComputerSystem",
			     "SystemName", prov_system_name(c), "CreationClassName", class, key,
			     value, NULL);
}

struct cim_path *prov_service_path(struct cim_call *c, const char *name)
{
	return scoped_path(c, arena_printf(cim_arena(c), "RPL_%s", name), "Name", name);
}

struct cim_path *prov_object_manager_path(struct cim_call *c)
{
	return scoped_path(c, "RPL_ObjectManager", "Name", prov_system_name(c));
}

struct cim_path *prov_wbem_server_path(struct cim_call *c)
{
	return scoped_path(c, "RPL_WBEMServer", "Name", prov_system_name(c));
}

struct cim_path *prov_volume_path(struct cim_call *c, const struct engine_volume *v)
{
	return scoped_path(c, "RPL_StorageVolume", "DeviceID", v->uuid);
}

struct cim_path *prov_pool_path(struct cim_call *c, const struct engine_pool *p)
{
	return prov_id_path(c, "RPL_StoragePool", "Pool", p->uuid);
}

struct cim_path *prov_group_path(struct cim_call *c, const struct engine_group *g)
{
	return prov_id_path(c, "RPL_ReplicationGroup", "Group", g->id);
}

struct cim_path *prov_job_path(struct cim_call *c, const struct engine_job *j)
{
	return prov_id_path(c, "RPL_ConcreteJob", "Job", j->id);
}

static struct cim_path *sync_path(struct cim_call *c, const char *class,
				  const struct cim_path *source, const struct cim_path *target)
{
	struct cim_path *p = cim_path_new(cim_arena(c), class);

	cim_path_ref(p, "SystemElement", source);
	cim_path_ref(p, "SyncedElement", target);
	return p;
}

struct cim_path *prov_relation_path(struct cim_call *c, const struct engine_relation *r)
{
	return sync_path(c, "RPL_StorageSynchronized", prov_volume_path(c, r->source),
			 prov_volume_path(c, r->target));
}

bool prov_set_is_group(const struct engine_set *s)
{
	return s && s->source_group && s->target_group;
}

struct cim_path *prov_set_path(struct cim_call *c, const struct engine_set *s)
{
	return sync_path(c, "RPL_GroupSynchronized", prov_group_path(c, s->source_group),
			 prov_group_path(c, s->target_group));
}

struct cim_path *prov_setting_path(struct cim_call *c, const struct engine_pool *p)
{
	return prov_id_path(c, "RPL_StorageSetting", "StorageSetting", p->uuid);
}

struct cim_path *prov_pool_caps_path(struct cim_call *c, const struct engine_pool *p)
{
	return prov_id_path(c, "RPL_StorageCapabilities", "StorageCapabilities", p->uuid);
}

struct cim_path *prov_pool_config_caps_path(struct cim_call *c, const struct engine_pool *p)
{
	return prov_id_path(c, "RPL_StorageConfigurationCapabilities", PROV_CONFIG_CAPS, p->uuid);
}

/* -------------------------------------------------------------- and back */

const char *prov_local_id(const struct cim_path *p, const char *kind)
{
	const char *id = p ? cim_path_key(p, "InstanceID") : NULL;
	size_t n = strlen(kind);

	if (!id || strncmp(id, "RPL:", 4) || strncmp(id + 4, kind, n) || id[4 + n] != ':')
		return NULL;
	return id + 4 + n + 1;
}

static bool same_value(const struct cim_value *a, const struct cim_value *b)
{
	if (!a || !b)
		return false;
	if (b->type == CIM_REFERENCE)
		return a->type == CIM_REFERENCE && prov_same_keys(a->d.ref, b->d.ref);
	return a->type == CIM_STRING && b->type == CIM_STRING && !strcmp(a->d.str, b->d.str);
}

bool prov_same_keys(const struct cim_path *given, const struct cim_path *ours)
{
	size_t k;

	if (!given || given->n_keys != ours->n_keys)
		return false;
	for (k = 0; k < ours->n_keys; k++)
		if (!same_value(cim_path_get(given, ours->keys[k].name), &ours->keys[k].val))
			return false;
	return true;
}

void prov_emit_at(struct cim_call *c, int end, const struct cim_path *from,
		  const struct cim_path *end0, const struct cim_path *end1)
{
	if (prov_same_keys(from, end ? end1 : end0))
		cim_emit_assoc(c, end0, end1);
}

static bool key_is(const struct cim_path *p, const char *name, const char *value)
{
	const char *s = cim_path_key(p, name);

	return s && !strcmp(s, value);
}

/* Without a path of ours to compare with: this is called for each volume of each walk. */
const struct engine_volume *prov_volume(struct cim_call *c, const struct cim_path *p)
{
	const char *uuid = p && p->n_keys == 4 ? cim_path_key(p, "DeviceID") : NULL;

	if (!uuid || !key_is(p, "SystemCreationClassName", "RPL_ComputerSystem") ||
	    !key_is(p, "SystemName", prov_system_name(c)) ||
	    !key_is(p, "CreationClassName", "RPL_StorageVolume"))
		return NULL;
	return engine_volume_by_uuid(cim_engine(c), uuid);
}

const struct engine_pool *prov_pool(struct cim_call *c, const struct cim_path *p)
{
	const char *uuid = prov_local_id(p, "Pool");

	return uuid ? engine_pool_by_uuid(cim_engine(c), uuid) : NULL;
}

const struct engine_group *prov_group(struct cim_call *c, const struct cim_path *p)
{
	const char *id = prov_local_id(p, "Group");

	return id ? engine_group_by_id(cim_engine(c), id) : NULL;
}

const struct engine_job *prov_job(struct cim_call *c, const struct cim_path *p)
{
	const char *id = prov_local_id(p, "Job");

	return id ? engine_job_by_id(cim_engine(c), id) : NULL;
}

const struct engine_relation *prov_relation(struct cim_call *c, const struct cim_path *p)
{
	const struct engine_volume *s, *t;

	if (!p || p->n_keys != 2)
		return NULL;
	s = prov_volume(c, cim_path_key_ref(p, "SystemElement"));
	t = prov_volume(c, cim_path_key_ref(p, "SyncedElement"));
	return s && t ? engine_relation_by_ends(cim_engine(c), s->uuid, t->uuid) : NULL;
}

const struct engine_set *prov_set(struct cim_call *c, const struct cim_path *p)
{
	const struct engine_group *s, *t;

	if (!p || p->n_keys != 2)
		return NULL;
	s = prov_group(c, cim_path_key_ref(p, "SystemElement"));
	t = prov_group(c, cim_path_key_ref(p, "SyncedElement"));
	return s && t ? engine_set_by_groups(cim_engine(c), s->id, t->id) : NULL;
}

const struct engine_pool *prov_setting_pool(struct cim_call *c, const struct cim_path *p)
{
	const char *uuid = prov_local_id(p, "StorageSetting");

	return uuid ? engine_pool_by_uuid(cim_engine(c), uuid) : NULL;
}

const char *prov_print(struct cim_call *c, const struct cim_path *p)
{
	return p ? cim_path_print(cim_arena(c), p) : "(none)";
}

/* ---------------------------------------------------------------- filling */

void prov_set_system_keys(struct cim_call *c, struct cim_inst *i, const char *class)
{
	cim_set_str(i, "SystemCreationClassName", "RPL_ComputerSystem");
	cim_set_str(i, "SystemName", prov_system_name(c));
	cim_set_str(i, "CreationClassName", class);
}

void prov_set_status(struct cim_inst *i, uint16_t status, const char *text, uint16_t health)
{
	cim_set_u16v(i, "OperationalStatus", status);
	cim_set_strs(i, "StatusDescriptions", &text, 1);
	cim_set_u16(i, "HealthState", health);
}

void prov_set_time(struct cim_inst *i, const char *name, uint64_t usec)
{
	if (usec)
		cim_set_time(i, name, usec);
}

void prov_set_description(struct cim_inst *i, const char *text)
{
	cim_set_str(i, "Description", *text ? text : NULL);
}

/* ---------------------------------------------------------------- methods */

int prov_not_supported(struct cim_call *c)
{
	return cim_refuse(c, ENGINE_NOT_SUPPORTED, "This method is not supported");
}

bool prov_refuse_given(struct cim_call *c, const char *const *names)
{
	for (; *names; names++) {
		if (!cim_arg(c, *names))
			continue;
		cim_refuse(c, ENGINE_INVALID_PARAMETER, "%s is not supported and must be NULL",
			   *names);
		return true;
	}
	return false;
}

int prov_refuse_rc(struct cim_call *c, enum engine_rc rc, const char *why)
{
	return cim_refuse(c, engine_rc_method(rc), "%s", why);
}

int prov_refuse_result(struct cim_call *c, const struct engine_result *r)
{
	return prov_refuse_rc(c, r->rc, r->why);
}

int prov_error_rc(struct cim_call *c, enum engine_rc rc, const char *why)
{
	switch (rc) {
	case ENGINE_OK:
	case ENGINE_JOB_STARTED:
		return 0;
	case ENGINE_NOT_SUPPORTED:
		return cim_error(c, CIM_ERR_NOT_SUPPORTED, "%s", why);
	case ENGINE_INVALID_PARAMETER:
	case ENGINE_SIZE_NOT_SUPPORTED:
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "%s", why);
	case ENGINE_NOT_FOUND:
		return cim_error(c, CIM_ERR_NOT_FOUND, "%s", why);
	case ENGINE_EXISTS:
		return cim_error(c, CIM_ERR_ALREADY_EXISTS, "%s", why);
	default:
		return cim_error(c, CIM_ERR_FAILED, "%s", why);
	}
}

static int volume_of(struct cim_call *c, const char *name, const struct cim_path *p,
		     const struct engine_volume **v)
{
	/* Superclasses are fine: the keys tell. */
	if (strcasecmp(p->class, "RPL_StorageVolume") && strncasecmp(p->class, "CIM_", 4))
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "%s: %s is no volume", name,
				 prov_print(c, p));
	*v = prov_volume(c, p);
	if (*v)
		return 0;
	cim_refuse(c, ENGINE_INVALID_PARAMETER, "%s: there is no volume %s", name,
		   prov_print(c, p));
	return 1;
}

int prov_arg_volume(struct cim_call *c, const char *name, const struct engine_volume **v)
{
	const struct cim_path *p = cim_arg_ref(c, name);

	*v = NULL;
	return p ? volume_of(c, name, p, v) : 0;
}

int prov_arg_volumes(struct cim_call *c, const char *name, const char *const **uuids, size_t *n)
{
	const struct cim_value *val = cim_arg(c, name);
	const struct engine_volume *v;
	const char **list;
	size_t k;

	*uuids = NULL;
	*n = 0;
	if (!val)
		return 0;
	list = arena_array(cim_arena(c), val->n + 1, sizeof(*list));
	for (k = 0; k < val->n; k++) {
		int ret = volume_of(c, arena_printf(cim_arena(c), "%s[%zu]", name, k),
				    val->v[k].ref, &v);

		if (ret)
			return ret;
		list[k] = arena_strdup(cim_arena(c), v->uuid);
	}
	*uuids = list;
	*n = val->n;
	return 0;
}

static bool same_scalar(const struct cim_value *a, const struct cim_value *b)
{
	if (a->null)
		return !b;
	if (!b || b->null || a->array || b->array || a->type != b->type)
		return false;
	switch (a->type) {
	case CIM_BOOLEAN:
		return a->d.b == b->d.b;
	case CIM_STRING:
		return !strcmp(a->d.str, b->d.str);
	case CIM_DATETIME:
		return a->d.dt.interval == b->d.dt.interval && a->d.dt.usec == b->d.dt.usec;
	default:
		return cim_type_is_uint(a->type) && a->d.u == b->d.u;
	}
}

int prov_unchanged(struct cim_call *c, const struct cim_inst *changes, const struct cim_inst *now,
		   const char *const *allowed)
{
	const char *const *a;
	size_t k;

	for (k = 0; k < changes->n_props; k++) {
		const struct cim_prop *p = &changes->props[k];

		if (!p->val.given)
			continue;
		for (a = allowed; *a && strcasecmp(*a, p->name); a++)
			;
		if (!*a && !same_scalar(&p->val, cim_get(now, p->name)))
			return cim_error(c, CIM_ERR_NOT_SUPPORTED, "%s cannot be changed", p->name);
	}
	return 0;
}

int prov_not_null(struct cim_call *c, const struct cim_inst *changes, const char *const *names)
{
	for (; *names; names++)
		if (cim_nulled(changes, *names))
			return cim_error(c, CIM_ERR_INVALID_PARAMETER, "%s cannot be NULL", *names);
	return 0;
}

int prov_new_texts(struct cim_call *c, const struct cim_inst *changes, const char **name,
		   const char **description)
{
	*name = cim_get_str(changes, "ElementName");
	*description = cim_get_str(changes, "Description");
	if (cim_nulled(changes, "Description"))
		*description = "";
	return prov_not_null(c, changes, (const char *const[]) { "ElementName", NULL });
}

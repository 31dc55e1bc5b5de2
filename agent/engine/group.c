// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * group.c - groups: ordered lists of volumes, known to the database only.
 *
 * Each call is durable when it returns. A change that cannot be stored is undone in memory.
 */
#include "engine/model.h"

static bool is_member(const struct group *g, const struct volume *v)
{
	for (size_t i = 0; i < g->members.n; i++)
		if (g->members.v[i] == &v->pub)
			return true;
	return false;
}

/* Appends all or none; looks at duplicates among the new ones too. */
static enum engine_rc append(struct engine *e, struct group *g, const char *const *uuids, size_t nr,
			     char *why, size_t why_size)
{
	size_t before = g->members.n;
	enum engine_rc rc = ENGINE_OK;

	for (size_t i = 0; i < nr && rc == ENGINE_OK; i++) {
		struct volume *v = volume_find(e, uuids[i]);

		if (!v) {
			refused(why, why_size, "there is no volume %s", uuids[i]);
			rc = ENGINE_NOT_FOUND;
		} else if (v->phase != VOLUME_PRESENT) {
			refused(why, why_size, "volume %s is being made or deleted", v->pub.name);
			rc = ENGINE_IN_USE;
		} else if (is_member(g, v)) {
			refused(why, why_size, "volume %s is listed twice in group %s", v->pub.name,
				g->pub.name);
			rc = ENGINE_INVALID_PARAMETER;
		} else {
			vec_push(&g->members, &v->pub);
		}
	}
	if (rc != ENGINE_OK)
		g->members.n = before;
	group_members_changed(g);
	return rc;
}

static enum engine_rc store_failed(char *why, size_t why_size)
{
	refused(why, why_size, "the database cannot be written");
	return ENGINE_FAILED;
}

static enum engine_rc unavailable(struct engine *e, char *why, size_t why_size)
{
	refused(why, why_size, "%s", engine_not_ready(e));
	return ENGINE_UNAVAILABLE;
}

static enum engine_rc check_name(struct engine *e, const char *name, const struct group *but,
				 char *why, size_t why_size)
{
	const struct engine_group *other = engine_group_by_name(e, name);

	if (!name_ok(name, why, why_size))
		return ENGINE_INVALID_PARAMETER;
	if (other && (!but || other != &but->pub)) {
		refused(why, why_size, "there is a group %s already", name);
		return ENGINE_EXISTS;
	}
	return ENGINE_OK;
}

enum engine_rc engine_group_create(struct engine *e, const char *name, const char *description,
				   const char *const *member_uuids, size_t nr_members,
				   const struct engine_group **out, char *why, size_t why_size)
{
	char auto_name[32], id[ENGINE_UUID_LEN];
	struct group *g;
	enum engine_rc rc;

	if (engine_not_ready(e))
		return unavailable(e, why, why_size);
	for (unsigned int n = 1; !name; n++) {
		snprintf(auto_name, sizeof(auto_name), "group-%u", n);
		if (!engine_group_by_name(e, auto_name))
			name = auto_name;
	}
	rc = check_name(e, name, NULL, why, why_size);
	if (rc != ENGINE_OK)
		return rc;
	uuid_make(id);
	g = group_new(e, id, name);
	set_str(&g->pub.description, description);
	g->pub.created_us = now_us();
	rc = append(e, g, member_uuids, nr_members, why, why_size);
	if (rc == ENGINE_OK) {
		db_begin(e);
		db_save_group(e, g);
		if (db_commit(e))
			rc = store_failed(why, why_size);
	}
	if (rc != ENGINE_OK) {
		group_free(e, g);
		return rc;
	}
	if (out)
		*out = &g->pub;
	notify(e, ENGINE_OBJ_GROUP, ENGINE_CREATED, &g->pub);
	return ENGINE_OK;
}

enum engine_rc engine_group_modify(struct engine *e, const char *id, const char *name,
				   const char *description, char *why, size_t why_size)
{
	struct group *g = group_find(e, id);
	CLEANUP_FREE char *old_name = NULL, *old_description = NULL;
	enum engine_rc rc;

	if (engine_not_ready(e))
		return unavailable(e, why, why_size);
	if (!g) {
		refused(why, why_size, "there is no group %s", id);
		return ENGINE_NOT_FOUND;
	}
	rc = name ? check_name(e, name, g, why, why_size) : ENGINE_OK;
	if (rc != ENGINE_OK)
		return rc;
	old_name = xstrdup(g->pub.name);
	old_description = xstrdup(g->pub.description);
	if (name)
		set_str(&g->pub.name, name);
	if (description)
		set_str(&g->pub.description, description);
	db_begin(e);
	db_save_group(e, g);
	if (db_commit(e)) {
		set_str(&g->pub.name, old_name);
		set_str(&g->pub.description, old_description);
		return store_failed(why, why_size);
	}
	notify(e, ENGINE_OBJ_GROUP, ENGINE_CHANGED, &g->pub);
	return ENGINE_OK;
}

enum engine_rc engine_group_add(struct engine *e, const char *id, const char *const *uuids,
				size_t nr, char *why, size_t why_size)
{
	struct group *g = group_find(e, id);
	size_t before;
	enum engine_rc rc;

	if (engine_not_ready(e))
		return unavailable(e, why, why_size);
	if (!g) {
		refused(why, why_size, "there is no group %s", id);
		return ENGINE_NOT_FOUND;
	}
	before = g->members.n;
	rc = append(e, g, uuids, nr, why, why_size);
	if (rc != ENGINE_OK)
		return rc;
	db_begin(e);
	db_save_group(e, g);
	if (db_commit(e)) {
		g->members.n = before;
		group_members_changed(g);
		return store_failed(why, why_size);
	}
	notify(e, ENGINE_OBJ_GROUP, ENGINE_CHANGED, &g->pub);
	return ENGINE_OK;
}

/* A relation that ties @v to @g by one of its group relations; NULL if there is none. */
static const struct relation *tie(struct engine *e, const struct group *g, const struct volume *v)
{
	struct relation *r;

	TAILQ_FOREACH(r, &e->relations, link)
	if ((r->source == v && r->set->pub.source_group == &g->pub) ||
	    (r->target == v && r->set->pub.target_group == &g->pub))
		return r;
	return NULL;
}

static enum engine_rc check_remove(struct engine *e, const struct group *g,
				   const char *const *uuids, size_t nr, char *why, size_t why_size)
{
	for (size_t i = 0; i < nr; i++) {
		struct volume *v = volume_find(e, uuids[i]);

		if (!v || !is_member(g, v)) {
			refused(why, why_size, "volume %s is not a member of group %s",
				v ? v->pub.name : uuids[i], g->pub.name);
			return v ? ENGINE_INVALID_PARAMETER : ENGINE_NOT_FOUND;
		}
		if (tie(e, g, v)) {
			refused(why, why_size,
				"volume %s takes part in a relation of group %s: detach it first",
				v->pub.name, g->pub.name);
			return ENGINE_IN_USE;
		}
	}
	return ENGINE_OK;
}

enum engine_rc engine_group_remove(struct engine *e, const char *id, const char *const *uuids,
				   size_t nr, char *why, size_t why_size)
{
	VEC(const struct engine_volume *) before = VEC_INIT;
	struct group *g = group_find(e, id);
	enum engine_rc rc;

	if (engine_not_ready(e))
		return unavailable(e, why, why_size);
	if (!g) {
		refused(why, why_size, "there is no group %s", id);
		return ENGINE_NOT_FOUND;
	}
	rc = check_remove(e, g, uuids, nr, why, why_size);
	if (rc != ENGINE_OK)
		return rc;
	for (size_t i = 0; i < g->members.n; i++)
		vec_push(&before, g->members.v[i]);
	for (size_t k = 0; k < nr; k++)
		for (size_t i = 0; i < g->members.n; i++)
			if (!strcmp(g->members.v[i]->uuid, uuids[k])) {
				vec_remove(&g->members, i);
				break;
			}
	db_begin(e);
	db_save_group(e, g);
	if (db_commit(e)) {
		memcpy(g->members.v, before.v, before.n * sizeof(*before.v));
		g->members.n = before.n;
		rc = store_failed(why, why_size);
	}
	vec_done(&before);
	group_members_changed(g);
	if (rc == ENGINE_OK)
		notify(e, ENGINE_OBJ_GROUP, ENGINE_CHANGED, &g->pub);
	return rc;
}

enum engine_rc engine_group_delete(struct engine *e, const char *id, bool remove_elements,
				   char *why, size_t why_size)
{
	struct group *g = group_find(e, id);

	if (engine_not_ready(e))
		return unavailable(e, why, why_size);
	if (!g) {
		refused(why, why_size, "there is no group %s", id);
		return ENGINE_NOT_FOUND;
	}
	if (g->pub.nr_sets_source || g->pub.nr_sets_target) {
		refused(why, why_size, "group %s is an end of a group relation: detach it first",
			g->pub.name);
		return ENGINE_IN_USE;
	}
	if (g->members.n && !remove_elements) {
		refused(why, why_size,
			"group %s has %zu members: remove them first, or ask for "
			"RemoveElements",
			g->pub.name, g->members.n);
		return ENGINE_IN_USE;
	}
	db_begin(e);
	db_delete_group(e, g);
	if (db_commit(e))
		return store_failed(why, why_size);
	notify(e, ENGINE_OBJ_GROUP, ENGINE_DELETED, &g->pub);
	group_free(e, g);
	return ENGINE_OK;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * lvm.c - lvm's reports read, its commands given. See lvm.h for who may call.
 *
 * Tags of a volume: rpl, rpl.id=<number>, and while it is a target rpl.src=<uuid of its source>.
 */
#include "lvm/lvm.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <linux/dm-replica.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "engine/config.h"
#include "engine/proto.h"
#include "lvm/run.h"

#define DEADLINE_MS    90000
#define ACTIVATE_BATCH 64
#define HINTS	       "/run/smisd/pools" /* in a directory of root */

/* Our own devices carry what their volumes carry, also the labels of physical volumes. */
static const char lvm_config[] =
	"devices { global_filter = [ \"r|^/dev/mapper/RPL-|\", \"r|^/dev/rpl/|\", \"a|.*|\" ] }"
	" backup { backup = 0 archive = 0 } log { prefix = \"\" }";

typedef VEC(const char *) args_t;

static const char *lvm_path(void)
{
	return access("/usr/sbin/lvm", X_OK) ? "/sbin/lvm" : "/usr/sbin/lvm";
}

/* The last line that lvm wrote to stderr: its reason. */
static void reason(char why[LVM_WHY], const char *what, int error, const struct strbuf *err)
{
	const char *s = strbuf_str(err), *line = s;
	size_t n;

	for (const char *p = s; *p; p++)
		if (*p == '\n' && p[1] && p[1] != '\n')
			line = p + 1;
	line += strspn(line, " \t");
	n = strcspn(line, "\n");
	snprintf(why, LVM_WHY, "%s: %.*s", what, n ? (int)n : 64,
		 n		       ? line
		 : error == -ETIMEDOUT ? "no answer in time"
				       : strerror(-error));
}

static int errno_of(int error, const struct strbuf *err)
{
	const char *s = strbuf_str(err);

	if (error != -EIO)
		return error;
	if (strstr(s, "insufficient free space") || strstr(s, "nsufficient suitable"))
		return -ENOSPC;
	if (strstr(s, "in use") || strstr(s, "is used by another device"))
		return -EBUSY;
	return -EIO;
}

static int run_lvm(const char *what, args_t *args, struct strbuf *out, char why[LVM_WHY])
{
	const char *envp[5] = { "LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
				"LVM_SUPPRESS_FD_WARNINGS=1" };
	CLEANUP(strbuf_done) struct strbuf err = STRBUF_INIT, unused = STRBUF_INIT;
	args_t argv = VEC_INIT;
	int ret;

	/* without udev lvm makes its nodes itself: this is not for callers to choose */
	if (access("/run/udev/control", F_OK))
		envp[3] = "DM_DISABLE_UDEV=1";
	vec_push(&argv, lvm_path());
	for (size_t i = 0; i < args->n; i++)
		vec_push(&argv, args->v[i]);
	vec_push(&argv, "--config");
	vec_push(&argv, lvm_config);
	vec_push(&argv, NULL);
	vec_done(args);
	ret = run_program(argv.v, envp, DEADLINE_MS, out ? out : &unused, &err);
	vec_done(&argv);
	if (ret) {
		ret = errno_of(ret, &err);
		reason(why, what, ret, &err);
	}
	return ret;
}

static void add_args(args_t *a, ...)
{
	const char *s;
	va_list ap;

	va_start(ap, a);
	while ((s = va_arg(ap, const char *)))
		vec_push(a, s);
	va_end(ap);
}

/* ---- reports */

static const char *str(struct json_object *o, const char *key)
{
	struct json_object *v;
	const char *s = NULL;

	if (json_object_object_get_ex(o, key, &v))
		s = json_object_get_string(v);
	return s ? s : "";
}

static uint64_t num(struct json_object *o, const char *key)
{
	return strtoull(str(o, key), NULL, 10);
}

static struct json_object *rows(struct json_object *root, const char *kind)
{
	struct json_object *report, *list = NULL;

	if (!json_object_object_get_ex(root, "report", &report) ||
	    !json_object_is_type(report, json_type_array) || !json_object_array_length(report) ||
	    !json_object_object_get_ex(json_object_array_get_idx(report, 0), kind, &list) ||
	    !json_object_is_type(list, json_type_array))
		return NULL;
	return list;
}

/* The value of the tag "<key>=..." in a comma separated list; false if there is none. */
static bool tag_value(const char *tags, const char *key, char *out, size_t size)
{
	size_t klen = strlen(key);

	while (*tags) {
		size_t n = strcspn(tags, ",");

		if (n > klen && !strncmp(tags, key, klen) && tags[klen] == '=') {
			snprintf(out, size, "%.*s", (int)(n - klen - 1), tags + klen + 1);
			return true;
		}
		tags += n + (tags[n] == ',');
	}
	return false;
}

static bool has_tag(const char *tags, const char *tag)
{
	size_t len = strlen(tag);

	while (*tags) {
		size_t n = strcspn(tags, ",");

		if (n == len && !strncmp(tags, tag, n))
			return true;
		tags += n + (tags[n] == ',');
	}
	return false;
}

static void parse_pool(struct lvm_view *v, const struct smisd_config *cfg, struct json_object *o)
{
	struct lvm_pool p = { 0 };

	for (size_t i = 0; i < v->nr_pools; i++)
		if (!strcmp(v->pools[i].vg, str(o, "vg_name")))
			return;
	for (size_t i = 0; i < cfg->nr_pools; i++) {
		if (strcmp(cfg->pools[i].vg, str(o, "vg_name")))
			continue;
		snprintf(p.vg, sizeof(p.vg), "%s", str(o, "vg_name"));
		snprintf(p.pub.name, sizeof(p.pub.name), "%s", cfg->pools[i].name);
		snprintf(p.pub.uuid, sizeof(p.pub.uuid), "%s", str(o, "vg_uuid"));
		p.pub.total_bytes = num(o, "vg_size");
		p.pub.free_bytes = num(o, "vg_free");
		p.pub.unit_bytes = num(o, "vg_extent_size");
		v->pools = xreallocarray(v->pools, v->nr_pools + 1, sizeof(*v->pools));
		v->pools[v->nr_pools++] = p;
	}
}

static void parse_store(struct lvm_pool *p, struct json_object *o)
{
	char uuid[64] = "";

	if (!has_tag(str(o, "lv_tags"), "rpl"))
		return;
	p->has_store = true;
	if (tag_value(str(o, "lv_tags"), "rpl.uuid", uuid, sizeof(uuid)) && proto_uuid_ok(uuid))
		memcpy(p->store_uuid, uuid, sizeof(p->store_uuid));
	p->store_active = !strcmp(str(o, "lv_active"), "active");
	p->store_bytes = num(o, "lv_size");
	p->store_major = (uint32_t)num(o, "lv_kernel_major");
	p->store_minor = (uint32_t)num(o, "lv_kernel_minor");
}

static void parse_volume(struct lvm_view *v, size_t pool, struct json_object *o)
{
	struct lvm_volume lv = { .pool = pool };
	const char *name = str(o, "lv_name"), *tags = str(o, "lv_tags");
	char id[16] = "", source[64] = "";

	if (strncmp(name, "rpl-", 4) || !proto_uuid_ok(name + 4) || !has_tag(tags, "rpl") ||
	    !tag_value(tags, "rpl.id", id, sizeof(id)))
		return;
	lv.pub.id = (uint32_t)strtoul(id, NULL, 10);
	if (!lv.pub.id || lv.pub.id > RPL_VOLUMES_MAX)
		return;
	memcpy(lv.pub.uuid, name + 4, sizeof(lv.pub.uuid));
	snprintf(lv.pub.pool, sizeof(lv.pub.pool), "%s", v->pools[pool].pub.uuid);
	if (tag_value(tags, "rpl.src", source, sizeof(source)) && proto_uuid_ok(source))
		memcpy(lv.pub.clone_of, source, sizeof(lv.pub.clone_of));
	lv.pub.size_bytes = num(o, "lv_size");
	lv.active = !strcmp(str(o, "lv_active"), "active");
	lv.major = (uint32_t)num(o, "lv_kernel_major");
	lv.minor = (uint32_t)num(o, "lv_kernel_minor");
	v->volumes = xreallocarray(v->volumes, v->nr_volumes + 1, sizeof(*v->volumes));
	v->volumes[v->nr_volumes++] = lv;
}

static void parse_lv(struct lvm_view *v, struct json_object *o)
{
	for (size_t i = 0; i < v->nr_pools; i++) {
		if (strcmp(v->pools[i].vg, str(o, "vg_name")))
			continue;
		if (!strcmp(str(o, "lv_name"), LVM_STORE_NAME))
			parse_store(&v->pools[i], o);
		else
			parse_volume(v, i, o);
	}
}

int lvm_parse(struct lvm_view *v, const struct smisd_config *cfg, const char *report_json,
	      char why[LVM_WHY])
{
	struct json_object *root = json_tokener_parse(report_json);
	struct json_object *vg = root ? rows(root, "vg") : NULL;
	struct json_object *lv = root ? rows(root, "lv") : NULL;
	int ret = vg || lv ? 0 : -EPROTO;

	for (size_t i = 0; vg && i < json_object_array_length(vg); i++)
		parse_pool(v, cfg, json_object_array_get_idx(vg, i));
	for (size_t i = 0; lv && i < json_object_array_length(lv); i++)
		parse_pool(v, cfg, json_object_array_get_idx(lv, i));
	for (size_t i = 0; lv && i < json_object_array_length(lv); i++)
		parse_lv(v, json_object_array_get_idx(lv, i));
	json_object_put(root);
	if (ret)
		snprintf(why, LVM_WHY, "lvm's report cannot be read");
	return ret;
}

#define VG_FIELDS "vg_name,vg_uuid,vg_size,vg_free,vg_extent_size"
#define LV_FIELDS "lv_name,lv_size,lv_tags,lv_active,lv_kernel_major,lv_kernel_minor"

static int load_report(struct lvm_view *v, const struct smisd_config *cfg, const char *verb,
		       const char *fields, char why[LVM_WHY])
{
	CLEANUP(strbuf_done) struct strbuf out = STRBUF_INIT;
	args_t a = VEC_INIT;
	int ret;

	add_args(&a, verb, "--reportformat", "json", "--units", "b", "--nosuffix", "-o", fields,
		 NULL);
	ret = run_lvm(verb, &a, &out, why);
	return ret ? ret : lvm_parse(v, cfg, strbuf_str(&out), why);
}

void lvm_keep_hints(const struct lvm_view *v)
{
	FILE *f = fopen(HINTS ".new", "we");

	for (size_t i = 0; f && i < v->nr_pools; i++)
		if (*v->pools[i].store_uuid)
			fprintf(f, "%s %s %s\n", v->pools[i].pub.uuid, v->pools[i].vg,
				v->pools[i].store_uuid);
	if (f && !fclose(f))
		rename(HINTS ".new", HINTS);
}

bool lvm_hint(const char *pool_uuid, char vg[128], char store_uuid[ENGINE_UUID_LEN])
{
	FILE *f = fopen(HINTS, "re");
	char pool[BACKEND_POOL_LEN];
	bool found = false;

	while (f && !found && fscanf(f, "%63s %127s %36s", pool, vg, store_uuid) == 3)
		found = !strcmp(pool, pool_uuid) && proto_uuid_ok(store_uuid);
	if (f)
		fclose(f);
	return found;
}

int lvm_view_load(struct lvm_view *v, const struct smisd_config *cfg, char why[LVM_WHY])
{
	int ret;

	memset(v, 0, sizeof(*v));
	ret = load_report(v, cfg, "lvs", VG_FIELDS "," LV_FIELDS, why);
	/* a group without volumes has no row there */
	if (!ret && v->nr_pools < cfg->nr_pools)
		ret = load_report(v, cfg, "vgs", VG_FIELDS, why);
	if (!ret)
		lvm_keep_hints(v);
	return ret;
}

void lvm_view_done(struct lvm_view *v)
{
	free(v->pools);
	free(v->volumes);
	memset(v, 0, sizeof(*v));
}

struct lvm_volume *lvm_find(struct lvm_view *v, const char *uuid)
{
	for (size_t i = 0; i < v->nr_volumes; i++)
		if (!strcmp(v->volumes[i].pub.uuid, uuid))
			return &v->volumes[i];
	return NULL;
}

struct lvm_volume *lvm_add(struct lvm_view *v, size_t pool, const char *uuid, uint32_t id,
			   uint64_t size_bytes, uint32_t major, uint32_t minor)
{
	struct lvm_volume *lv;

	v->volumes = xreallocarray(v->volumes, v->nr_volumes + 1, sizeof(*v->volumes));
	lv = &v->volumes[v->nr_volumes++];
	*lv = (struct lvm_volume) { .pool = pool, .active = true, .major = major, .minor = minor };
	lv->pub.id = id;
	lv->pub.size_bytes = size_bytes;
	snprintf(lv->pub.uuid, sizeof(lv->pub.uuid), "%s", uuid);
	snprintf(lv->pub.pool, sizeof(lv->pub.pool), "%s", v->pools[pool].pub.uuid);
	return lv;
}

/* ---- commands */

static char *lv_name(const struct lvm_view *v, const struct lvm_volume *lv)
{
	return xasprintf("%s/rpl-%s", v->pools[lv->pool].vg, lv->pub.uuid);
}

int lvm_create(const char *vg, const char *uuid, uint32_t id, uint64_t size_bytes,
	       const char *source, char why[LVM_WHY])
{
	CLEANUP_FREE char *size = xasprintf("%" PRIu64 "b", size_bytes);
	CLEANUP_FREE char *name = xasprintf("rpl-%s", uuid);
	CLEANUP_FREE char *tag = xasprintf("rpl.id=%u", id);
	CLEANUP_FREE char *src = xasprintf("rpl.src=%s", source ? source : "");
	args_t a = VEC_INIT;

	add_args(&a, "lvcreate", "--yes", "--wipesignatures", "y", "--zero", "y",
		 "--setautoactivation", "n", "--addtag", "rpl", "--addtag", tag, NULL);
	if (source && *source)
		add_args(&a, "--addtag", src, NULL);
	add_args(&a, "--size", size, "--name", name, vg, NULL);
	return run_lvm("making the logical volume", &a, NULL, why);
}

int lvm_create_store(const struct lvm_pool *p, uint64_t size_bytes, char why[LVM_WHY])
{
	CLEANUP_FREE char *size = xasprintf("%" PRIu64 "b", size_bytes);
	args_t a = VEC_INIT;

	add_args(&a, "lvcreate", "--yes", "--wipesignatures", "y", "--zero", "y",
		 "--setautoactivation", "n", "--addtag", "rpl", "--size", size, "--name",
		 LVM_STORE_NAME, p->vg, NULL);
	return run_lvm("making the store's logical volume", &a, NULL, why);
}

int lvm_tag_store(const struct lvm_pool *p, const char *store_uuid, char why[LVM_WHY])
{
	CLEANUP_FREE char *name = xasprintf("%s/%s", p->vg, LVM_STORE_NAME);
	CLEANUP_FREE char *tag = xasprintf("rpl.uuid=%s", store_uuid);
	args_t a = VEC_INIT;

	add_args(&a, "lvchange", "--addtag", tag, name, NULL);
	return run_lvm("marking the store's logical volume", &a, NULL, why);
}

int lvm_remove(const struct lvm_view *v, const struct lvm_volume *lv, char why[LVM_WHY])
{
	CLEANUP_FREE char *name = lv_name(v, lv);
	args_t a = VEC_INIT;

	add_args(&a, "lvremove", "--yes", name, NULL);
	return run_lvm("removing the logical volume", &a, NULL, why);
}

int lvm_extend(const struct lvm_view *v, const struct lvm_volume *lv, uint64_t size_bytes,
	       char why[LVM_WHY])
{
	CLEANUP_FREE char *size = xasprintf("%" PRIu64 "b", size_bytes);
	CLEANUP_FREE char *name = lv_name(v, lv);
	args_t a = VEC_INIT;

	add_args(&a, "lvextend", "--size", size, name, NULL);
	return run_lvm("growing the logical volume", &a, NULL, why);
}

int lvm_tag_source(const struct lvm_view *v, struct lvm_volume *lv, const char *source,
		   char why[LVM_WHY])
{
	CLEANUP_FREE char *name = lv_name(v, lv);
	CLEANUP_FREE char *old = xasprintf("rpl.src=%s", lv->pub.clone_of);
	CLEANUP_FREE char *new = xasprintf("rpl.src=%s", source ? source : "");
	args_t a = VEC_INIT;
	int ret;

	if (!strcmp(lv->pub.clone_of, source ? source : ""))
		return 0;
	vec_push(&a, "lvchange");
	if (*lv->pub.clone_of)
		add_args(&a, "--deltag", old, NULL);
	if (source)
		add_args(&a, "--addtag", new, NULL);
	vec_push(&a, name);
	ret = run_lvm("marking the logical volume", &a, NULL, why);
	if (!ret)
		snprintf(lv->pub.clone_of, sizeof(lv->pub.clone_of), "%s", source ? source : "");
	return ret;
}

static int activate_names(args_t *names, char why[LVM_WHY])
{
	args_t a = VEC_INIT;
	int ret = 0;

	add_args(&a, "lvchange", "--activate", "y", NULL);
	for (size_t i = 0; i < names->n; i++)
		vec_push(&a, names->v[i]);
	if (names->n)
		ret = run_lvm("activating logical volumes", &a, NULL, why);
	vec_done(&a);
	for (size_t i = 0; i < names->n; i++)
		free((char *)(uintptr_t)names->v[i]);
	vec_done(names);
	return ret;
}

int lvm_activate(const struct lvm_view *v, size_t pool, char why[LVM_WHY])
{
	const struct lvm_pool *p = &v->pools[pool];
	args_t names = VEC_INIT;
	int ret = 0;

	if (p->has_store && !p->store_active)
		vec_push(&names, xasprintf("%s/%s", p->vg, LVM_STORE_NAME));
	for (size_t i = 0; i < v->nr_volumes && !ret; i++) {
		if (v->volumes[i].pool == pool && !v->volumes[i].active)
			vec_push(&names, lv_name(v, &v->volumes[i]));
		if (names.n == ACTIVATE_BATCH)
			ret = activate_names(&names, why);
	}
	return ret ? ret : activate_names(&names, why);
}

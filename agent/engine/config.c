// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config.c - reads the configuration file: tables of keys say type, default and range.
 */
#include "engine/config.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum kind {
	KIND_STR,
	KIND_U16,
	KIND_U32,
	KIND_SIZE,
	KIND_BOOL
};

struct key {
	const char *section, *name; /* section NULL: of a named section */
	enum kind kind;
	size_t offset;
	const char *dflt;
	uint64_t min, max;
};

#define STR(sec, key, field, dflt)                                                   \
	{                                                                            \
		sec, key, KIND_STR, offsetof(struct smisd_config, field), dflt, 0, 0 \
	}
#define NUM(sec, key, kind, field, dflt, min, max)                                   \
	{                                                                            \
		sec, key, kind, offsetof(struct smisd_config, field), dflt, min, max \
	}

static const struct key keys[] = {
	STR("server", "listen", server.listen, "::"),
	NUM("server", "http-port", KIND_U16, server.http_port, "5988", 0, 65535),
	NUM("server", "https-port", KIND_U16, server.https_port, "5989", 0, 65535),
	NUM("server", "slp-port", KIND_U16, server.slp_port, "0", 0, 65535),
	STR("server", "tls-cert", server.tls_cert, "/etc/smisd/cert.pem"),
	STR("server", "tls-key", server.tls_key, "/etc/smisd/key.pem"),
	STR("server", "tls-client-ca", server.tls_client_ca, ""),
	STR("server", "tls-priority", server.tls_priority, ""),
	STR("server", "system-name", server.system_name, ""),
	NUM("limits", "max-connections", KIND_U32, limits.max_connections, "256", 1, 65536),
	NUM("limits", "max-connections-per-ip", KIND_U32, limits.max_connections_per_ip, "64", 1,
	    65536),
	NUM("limits", "max-body-kib", KIND_U32, limits.max_body_kib, "8192", 16, 65536),
	NUM("limits", "max-xml-depth", KIND_U32, limits.max_xml_depth, "64", 16, 250),
	NUM("limits", "request-timeout", KIND_U32, limits.request_timeout_s, "60", 1, 86400),
	NUM("limits", "send-timeout", KIND_U32, limits.send_timeout_s, "60", 1, 86400),
	NUM("limits", "answer-memory", KIND_SIZE, limits.answer_bytes, "256M", 1 << 20, 1ull << 40),
	NUM("limits", "operation-time-ms", KIND_U32, limits.operation_ms, "1000", 10, 30000),
	NUM("limits", "reply-deadline-ms", KIND_U32, limits.reply_deadline_ms, "10000", 1, 600000),
	NUM("limits", "job-keep", KIND_U32, limits.job_keep_s, "86400", 300, 31536000),
	NUM("limits", "max-enumerations", KIND_U32, limits.max_enumerations, "64", 0, 65536),
	NUM("limits", "enumeration-memory", KIND_SIZE, limits.enumeration_bytes, "64M", 1 << 16,
	    1ull << 40),
	NUM("limits", "enumeration-timeout", KIND_U32, limits.enumeration_timeout_s, "30", 1,
	    86400),
	NUM("limits", "max-enumeration-timeout", KIND_U32, limits.max_enumeration_timeout_s, "600",
	    1, 86400),
	NUM("limits", "endless-enumerations", KIND_BOOL, limits.endless_enumerations, "no", 0, 1),
	NUM("limits", "stop-timeout", KIND_U32, limits.stop_timeout_s, "10", 0, 600),
	STR("engine", "state-dir", engine.path, "/var/lib/smisd"),
	STR("engine", "backend", engine.backend, "real"),
	STR("engine", "priv-socket", engine.priv_socket, "/run/smisd/priv.sock"),
	STR("engine", "pam-service", engine.pam_service, "smisd"),
	STR("engine", "admin-group", engine.admin_group, "smis-admin"),
	STR("engine", "monitor-group", engine.monitor_group, "smis-monitor"),
	NUM("store", "size", KIND_SIZE, store.size_bytes, "64M", 1 << 20, 1ull << 50),
	NUM("store", "chunk-kib", KIND_U32, store.chunk_kib, "64", 4, 1024),
	NUM("store", "max-volumes", KIND_U32, store.max_volumes, "256", 1, 4096),
	NUM("sim", "pool-size", KIND_SIZE, sim.pool_bytes, "1T", 1 << 20, 1ull << 60),
	NUM("sim", "volume-size", KIND_SIZE, sim.volume_bytes, "1G", 1 << 20, 1ull << 50),
	NUM("sim", "volumes", KIND_U32, sim.volumes, "0", 0, 60000),
	NUM("sim", "rate", KIND_SIZE, sim.rate_bytes_s, "64M", 1, 1ull << 50),
	NUM("sim", "op-delay-ms", KIND_U32, sim.op_delay_ms, "0", 0, 60000),
	STR("sim", "user", sim.user, "admin"),
	STR("sim", "password", sim.password, "admin"),
};

/* With --simulate: reached from this host only, in memory, nobody asked for a password. */
static const char *const simulated[] = {
	"server.listen=127.0.0.1", "server.tls-cert=",
	"server.tls-key=",	   "server.system-name=RPL-simulated",
	"engine.backend=sim",	   "engine.state-dir=",
	"sim.pool-size=256T",	   "sim.user=",
};

/* ---- sections that have a name: [volume NAME] */

#define OF(type, key, kind, field, dflt, min, max)                            \
	{                                                                     \
		NULL, key, kind, offsetof(struct type, field), dflt, min, max \
	}

static const struct key client_keys[] = {
	OF(config_client, "subject", KIND_STR, subject, "", 0, 0),
	OF(config_client, "fingerprint", KIND_STR, fingerprint, "", 0, 0),
	OF(config_client, "role", KIND_STR, role, "monitor", 0, 0),
};

static const struct key volume_keys[] = {
	OF(config_volume, "pool", KIND_STR, pool, "", 0, 0),
	OF(config_volume, "size", KIND_SIZE, size_bytes, "0", 0, 1ull << 50),
	OF(config_volume, "count", KIND_U32, count, "1", 1, 60000),
};

static const struct key group_keys[] = {
	OF(config_group, "members", KIND_STR, members, "", 0, 0),
};

static const struct key replica_keys[] = {
	OF(config_replica, "group", KIND_STR, group, "", 0, 0),
	OF(config_replica, "volume", KIND_STR, volume, "", 0, 0),
	OF(config_replica, "mode", KIND_STR, mode, "attached", 0, 0),
};

static const struct key fault_keys[] = {
	OF(config_fault, "source", KIND_STR, source, "*", 0, 0),
	OF(config_fault, "target", KIND_STR, target, "*", 0, 0),
	OF(config_fault, "rate", KIND_SIZE, rate_bytes_s, "0", 0, 1ull << 50),
	OF(config_fault, "at-percent", KIND_U32, at_percent, "101", 0, CONFIG_NEVER),
	OF(config_fault, "reason", KIND_STR, reason, "", 0, 0),
	OF(config_fault, "operation", KIND_STR, operation, "", 0, 0),
	OF(config_fault, "volume", KIND_STR, volume, "*", 0, 0),
	OF(config_fault, "error", KIND_STR, error, "", 0, 0),
	OF(config_fault, "delay-ms", KIND_U32, delay_ms, "0", 0, 600000),
	OF(config_fault, "times", KIND_U32, times, "0", 0, UINT32_MAX),
};

/* The name is the first member of each of them. */
struct list {
	const char *prefix;
	const struct key *keys;
	size_t nr_keys, size, items, nr_items; /* offsets of the array and its length */
};

#define LIST(word, table, type, field)                                  \
	{                                                               \
		word " ", table, ARRAY_LEN(table), sizeof(struct type), \
			offsetof(struct smisd_config, field),           \
			offsetof(struct smisd_config, nr_##field)       \
	}

static const struct list lists[] = {
	LIST("client", client_keys, config_client, clients),
	LIST("volume", volume_keys, config_volume, volumes),
	LIST("group", group_keys, config_group, groups),
	LIST("replica", replica_keys, config_replica, replicas),
	LIST("fault", fault_keys, config_fault, faults),
};

struct parse {
	struct smisd_config *cfg;
	FILE *f;
	int line, bad_section; /* lines read; the line of a section that is refused */
	char *why;
	size_t why_size;
};

/* Digits and, for sizes, one of K M G T P (powers of 1024). */
static int parse_number(const char *s, bool is_size, uint64_t *out)
{
	static const char units[] = "KMGTP";
	char *end;
	const char *u;
	uint64_t v;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	errno = 0;
	v = strtoull(s, &end, 10);
	if (errno)
		return -ERANGE;
	if (is_size && *end && (u = strchr(units, *end & ~0x20)) && *u) {
		unsigned int shift = 10 * (unsigned int)(u - units + 1);

		if (v > UINT64_MAX >> shift)
			return -ERANGE;
		v <<= shift;
		end++;
	}
	*out = v;
	return *end ? -EINVAL : 0;
}

static int store(void *base, const struct key *k, const char *value)
{
	void *field = (char *)base + k->offset;
	uint64_t v;

	if (k->kind == KIND_STR) {
		free(*(char **)field);
		*(char **)field = xstrdup(value);
		return 0;
	}
	if (k->kind == KIND_BOOL) {
		if (strcmp(value, "yes") && strcmp(value, "no"))
			return -EINVAL;
		*(bool *)field = !strcmp(value, "yes");
		return 0;
	}
	if (parse_number(value, k->kind == KIND_SIZE, &v) || v < k->min || v > k->max)
		return -EINVAL;
	if (k->kind == KIND_U16)
		*(uint16_t *)field = (uint16_t)v;
	else if (k->kind == KIND_U32)
		*(uint32_t *)field = (uint32_t)v;
	else
		*(uint64_t *)field = v;
	return 0;
}

static void store_defaults(void *base, const struct key *table, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (store(base, &table[i], table[i].dflt))
			abort();
}

static void free_strings(void *base, const struct key *table, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (table[i].kind == KIND_STR)
			free(*(char **)((char *)base + table[i].offset));
}

static struct config_pool *pool_named(struct smisd_config *cfg, const char *name)
{
	struct config_pool *p;

	for (size_t i = 0; i < cfg->nr_pools; i++)
		if (!strcmp(cfg->pools[i].name, name))
			return &cfg->pools[i];
	if (!*name || cfg->nr_pools == CONFIG_MAX_POOLS)
		return NULL;
	p = &cfg->pools[cfg->nr_pools++];
	p->name = xstrdup(name);
	p->vg = xstrdup("");
	return p;
}

/* What LVM allows in the name of a volume group; it is handed to lvm as an argument. */
static bool vg_ok(const char *s)
{
	static const char ok[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+_.-";

	return *s && *s != '-' && *s != '.' && strlen(s) < 128 && strspn(s, ok) == strlen(s);
}

static const char *pool_key(struct smisd_config *cfg, const char *pool, const char *name,
			    const char *value)
{
	struct config_pool *p;
	uint64_t size = 0;

	if (strcmp(name, "vg") && strcmp(name, "size"))
		return "unknown key";
	if (!strcmp(name, "vg") && !vg_ok(value))
		return "not the name of a volume group";
	if (!strcmp(name, "size") && (parse_number(value, true, &size) || !size))
		return "bad value";
	p = pool_named(cfg, pool);
	if (!p)
		return "a pool without a name, or too many pools";
	if (size) {
		p->size_bytes = size;
	} else {
		free(p->vg);
		p->vg = xstrdup(value);
	}
	return NULL;
}

static void *item_named(struct smisd_config *cfg, const struct list *l, const char *name)
{
	char **items = (char **)((char *)cfg + l->items);
	size_t *nr = (size_t *)((char *)cfg + l->nr_items);
	char *item;

	for (size_t i = 0; i < *nr; i++) {
		item = *items + i * l->size;
		if (!strcmp(*(char **)item, name))
			return item;
	}
	*items = xreallocarray(*items, *nr + 1, l->size);
	item = *items + (*nr)++ * l->size;
	memset(item, 0, l->size);
	*(char **)item = xstrdup(name);
	store_defaults(item, l->keys, l->nr_keys);
	return item;
}

static const char *list_key(struct smisd_config *cfg, const struct list *l, const char *item,
			    const char *name, const char *value)
{
	if (!*item)
		return "a section without a name";
	for (size_t i = 0; i < l->nr_keys; i++)
		if (!strcmp(l->keys[i].name, name))
			return store(item_named(cfg, l, item), &l->keys[i], value) ? "bad value"
										   : NULL;
	return "unknown key";
}

static const char *set_key(struct smisd_config *cfg, const char *section, const char *name,
			   const char *value)
{
	if (!strncmp(section, "pool ", 5))
		return pool_key(cfg, section + 5, name, value);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (!strncmp(section, lists[i].prefix, strlen(lists[i].prefix)))
			return list_key(cfg, &lists[i], section + strlen(lists[i].prefix), name,
					value);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (!strcmp(keys[i].section, section) && !strcmp(keys[i].name, name))
			return store(cfg, &keys[i], value) ? "bad value" : NULL;
	return "unknown key";
}

static int on_key(void *arg, const char *section, const char *name, const char *value)
{
	struct parse *p = arg;
	const char *wrong = set_key(p->cfg, section, name, value);

	if (!wrong)
		return 1;
	if (!*p->why)
		snprintf(p->why, p->why_size, "[%s] %s = %s: %s", section, name, value, wrong);
	return 0;
}

/* A section counts also when it has no key. NULL or what is wrong with it. */
static const char *begin_section(struct smisd_config *cfg, const char *section)
{
	if (!strncmp(section, "pool ", 5))
		return pool_named(cfg, section + 5) ? NULL
						    : "a pool without a name, or too many pools";
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		const char *name = section + strlen(lists[i].prefix);

		if (strncmp(section, lists[i].prefix, strlen(lists[i].prefix)))
			continue;
		if (!*name)
			return "a section without a name";
		item_named(cfg, &lists[i], name);
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (!strcmp(keys[i].section, section))
			return NULL;
	return "unknown section";
}

/* The library tells keys only: sections are seen as the lines go by. */
static char *next_line(char *buf, int size, void *arg)
{
	struct parse *p = arg;
	char *line = fgets(buf, size, p->f), section[128];
	const char *wrong = NULL;

	if (!line)
		return NULL;
	p->line++;
	if (sscanf(line, " [%127[^]\n]]", section) == 1)
		wrong = begin_section(p->cfg, section);
	if (!wrong)
		return line;
	p->bad_section = p->line;
	snprintf(p->why, p->why_size, "[%s]: %s", section, wrong);
	return NULL;
}

/* "server.http-port=0" */
static int set_option(struct smisd_config *cfg, const char *text, char *why, size_t why_size)
{
	const char *eq = strchr(text, '='), *dot = memchr(text, '.', eq ? (size_t)(eq - text) : 0);
	const char *wrong = "not SECTION.KEY=VALUE";

	if (eq && dot) {
		char *section = xstrndup(text, (size_t)(dot - text));
		char *name = xstrndup(dot + 1, (size_t)(eq - dot - 1));

		wrong = set_key(cfg, section, name, eq + 1);
		free(section);
		free(name);
	}
	if (wrong)
		snprintf(why, why_size, "%s: %s", text, wrong);
	return wrong ? -EINVAL : 0;
}

/* ---- what one key cannot say */

static const char *check_sim(const struct smisd_config *cfg)
{
	for (size_t i = 0; i < cfg->nr_replicas; i++) {
		const struct config_replica *r = &cfg->replicas[i];

		if (!*r->group == !*r->volume)
			return "[replica NAME] needs either group or volume";
		if (strcmp(r->mode, "attached") && strcmp(r->mode, "independent") &&
		    strcmp(r->mode, "snapshot") && strcmp(r->mode, "read-only-snapshot"))
			return "[replica NAME] mode is \"attached\", \"independent\", "
			       "\"snapshot\" or \"read-only-snapshot\"";
	}
	for (size_t i = 0; i < cfg->nr_faults; i++) {
		const struct config_fault *f = &cfg->faults[i];

		if (!*f->operation && !f->rate_bytes_s && f->at_percent == CONFIG_NEVER)
			return "[fault NAME] needs one of at-percent, rate and operation";
	}
	return NULL;
}

static bool is_fingerprint(const char *s)
{
	size_t digits = 0;

	for (; *s; s++) {
		if (*s == ':')
			continue;
		if (!isxdigit((unsigned char)*s))
			return false;
		digits++;
	}
	return digits == 64;
}

static const char *check_clients(const struct smisd_config *cfg)
{
	for (size_t i = 0; i < cfg->nr_clients; i++) {
		const struct config_client *c = &cfg->clients[i];

		if (!*c->subject == !*c->fingerprint)
			return "[client NAME] needs either subject or fingerprint";
		if (*c->fingerprint && !is_fingerprint(c->fingerprint))
			return "[client NAME] fingerprint is not a SHA-256 in hexadecimal";
		if (strcmp(c->role, "admin") && strcmp(c->role, "monitor"))
			return "[client NAME] role is \"admin\" or \"monitor\"";
	}
	return NULL;
}

static const char *check_pools(const struct smisd_config *cfg, bool sim)
{
	if (!cfg->nr_pools)
		return "no pool: a section [pool NAME] with vg = is needed";
	for (size_t i = 0; i < cfg->nr_pools; i++) {
		if (!sim && !*cfg->pools[i].vg)
			return "[pool NAME] needs vg";
		if (!sim && cfg->pools[i].size_bytes)
			return "[pool NAME] size is for a simulated node only";
		for (size_t k = 0; k < i && *cfg->pools[i].vg; k++)
			if (!strcmp(cfg->pools[i].vg, cfg->pools[k].vg))
				return "two pools on one volume group";
	}
	return NULL;
}

static const char *check(const struct smisd_config *cfg)
{
	bool sim = !strcmp(cfg->engine.backend, "sim");

	if (check_clients(cfg))
		return check_clients(cfg);
	if (strcmp(cfg->engine.backend, "real") && !sim)
		return "[engine] backend is \"real\" or \"sim\"";
	if (cfg->simulate && !sim)
		return "[engine] backend must be \"sim\" with --simulate";
	if (!sim && (cfg->nr_volumes || cfg->nr_groups || cfg->nr_replicas || cfg->nr_faults))
		return "volumes, groups, replicas and faults are for a simulated node only";
	if (cfg->store.chunk_kib & (cfg->store.chunk_kib - 1))
		return "[store] chunk-kib is a power of two";
	if (cfg->limits.enumeration_timeout_s > cfg->limits.max_enumeration_timeout_s)
		return "[limits] enumeration-timeout is above max-enumeration-timeout";
	if (!sim && !*cfg->engine.path)
		return "[engine] state-dir is empty";
	return sim && check_sim(cfg) ? check_sim(cfg) : check_pools(cfg, sim);
}

/* ---- loading */

static int read_file(struct smisd_config *cfg, const char *path, char *why, size_t why_size)
{
	char detail[256] = "";
	struct parse p = {
		.cfg = cfg, .f = fopen(path, "re"), .why = detail, .why_size = sizeof(detail)
	};
	int line = 0, ret = p.f ? 0 : -errno;

	if (p.f) {
		line = ini_parse_stream(next_line, &p, on_key, &p);
		ret = ferror(p.f) || line < 0 ? -EIO : 0;
		fclose(p.f);
	}
	if (ret) {
		snprintf(why, why_size, "%s: %s", path, strerror(-ret));
		return ret;
	}
	if (!line)
		line = p.bad_section;
	if (line) {
		snprintf(why, why_size, "%s:%d: %s", path, line, *detail ? detail : "not ini");
		return -EINVAL;
	}
	return 0;
}

static int load(struct smisd_config *cfg, const struct config_source *from, char *why,
		size_t why_size)
{
	const char *wrong;
	int ret = 0;

	cfg->simulate = from->simulate;
	for (size_t i = 0; from->simulate && i < ARRAY_LEN(simulated); i++)
		if (set_option(cfg, simulated[i], why, why_size))
			abort();
	if (from->path)
		ret = read_file(cfg, from->path, why, why_size);
	for (size_t i = 0; !ret && i < from->nr_set; i++)
		ret = set_option(cfg, from->set[i], why, why_size);
	if (ret)
		return ret;
	if (from->simulate && !cfg->nr_pools)
		pool_named(cfg, "default");
	wrong = check(cfg);
	if (wrong)
		snprintf(why, why_size, "%s: %s", from->path ? from->path : "configuration", wrong);
	return wrong ? -EINVAL : 0;
}

int config_load_from(struct smisd_config *cfg, const struct config_source *from, char *why,
		     size_t why_size)
{
	int ret;

	memset(cfg, 0, sizeof(*cfg));
	store_defaults(cfg, keys, ARRAY_LEN(keys));
	ret = load(cfg, from, why, why_size);
	if (ret)
		config_free(cfg);
	return ret;
}

int config_load(struct smisd_config *cfg, const char *path, char *why, size_t why_size)
{
	const struct config_source from = { .path = path };

	return config_load_from(cfg, &from, why, why_size);
}

/* ---- reading it again */

static size_t kind_size(enum kind kind)
{
	switch (kind) {
	case KIND_U16:
		return sizeof(uint16_t);
	case KIND_U32:
		return sizeof(uint32_t);
	default:
		return sizeof(uint64_t);
	}
}

static bool same(const struct smisd_config *a, const struct smisd_config *b, const struct key *k)
{
	const char *x = (const char *)a + k->offset, *y = (const char *)b + k->offset;

	if (k->kind == KIND_STR)
		return !strcmp(*(char *const *)x, *(char *const *)y);
	return !memcmp(x, y, kind_size(k->kind));
}

static bool same_pools(const struct smisd_config *a, const struct smisd_config *b)
{
	if (a->nr_pools != b->nr_pools)
		return false;
	for (size_t i = 0; i < a->nr_pools; i++)
		if (strcmp(a->pools[i].name, b->pools[i].name) ||
		    strcmp(a->pools[i].vg, b->pools[i].vg) ||
		    a->pools[i].size_bytes != b->pools[i].size_bytes)
			return false;
	return true;
}

static void swap(char *x, char *y, size_t len)
{
	for (; len--; x++, y++) {
		char was = *x;

		*x = *y;
		*y = was;
	}
}

const char *config_take_live(struct smisd_config *cfg, struct smisd_config *now)
{
	const char *other = same_pools(cfg, now) ? NULL : "pool";
	static char text[64];

	swap((char *)&cfg->clients, (char *)&now->clients, sizeof(cfg->clients));
	swap((char *)&cfg->nr_clients, (char *)&now->nr_clients, sizeof(cfg->nr_clients));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct key *k = &keys[i];

		if (!strcmp(k->section, "limits") || !strncmp(k->name, "tls-", 4)) {
			swap((char *)cfg + k->offset, (char *)now + k->offset,
			     k->kind == KIND_STR ? sizeof(char *) : kind_size(k->kind));
		} else if (!other && !same(cfg, now, k)) {
			snprintf(text, sizeof(text), "%s.%s", k->section, k->name);
			other = text;
		}
	}
	return other;
}

static void free_list(struct smisd_config *cfg, const struct list *l)
{
	char *items = *(char **)((char *)cfg + l->items);
	size_t nr = *(size_t *)((char *)cfg + l->nr_items);

	for (size_t i = 0; i < nr; i++) {
		free(*(char **)(items + i * l->size));
		free_strings(items + i * l->size, l->keys, l->nr_keys);
	}
	free(items);
}

void config_free(struct smisd_config *cfg)
{
	free_strings(cfg, keys, ARRAY_LEN(keys));
	for (size_t i = 0; i < cfg->nr_pools; i++) {
		free(cfg->pools[i].name);
		free(cfg->pools[i].vg);
	}
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		free_list(cfg, &lists[i]);
	memset(cfg, 0, sizeof(*cfg));
}

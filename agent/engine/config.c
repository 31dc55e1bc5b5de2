// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config.c - reads the configuration file: one table of keys says type, default and range.
 */
#include "engine/config.h"

#include <errno.h>
#include <ini.h>
#include <stddef.h>
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
	const char *section, *name;
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
	STR("server", "tls-cert", server.tls_cert, "/etc/smisd/cert.pem"),
	STR("server", "tls-key", server.tls_key, "/etc/smisd/key.pem"),
	STR("server", "tls-priority", server.tls_priority, ""),
	STR("server", "system-name", server.system_name, ""),
	NUM("limits", "max-connections", KIND_U32, limits.max_connections, "256", 1, 65536),
	NUM("limits", "max-connections-per-ip", KIND_U32, limits.max_connections_per_ip, "64", 1,
	    65536),
	NUM("limits", "max-body-kib", KIND_U32, limits.max_body_kib, "8192", 16, 65536),
	NUM("limits", "request-timeout", KIND_U32, limits.request_timeout_s, "60", 1, 86400),
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
	STR("engine", "state-dir", engine.path, "/var/lib/smisd"),
	STR("engine", "backend", engine.backend, "real"),
	STR("engine", "priv-socket", engine.priv_socket, "/run/smisd/priv.sock"),
	STR("engine", "pam-service", engine.pam_service, "smisd"),
	STR("engine", "admin-group", engine.admin_group, "smis-admin"),
	STR("engine", "monitor-group", engine.monitor_group, "smis-monitor"),
	NUM("store", "size", KIND_SIZE, store.size_bytes, "64M", 1 << 20, 1ull << 50),
	NUM("store", "chunk-kib", KIND_U32, store.chunk_kib, "64", 4, 1024),
	NUM("store", "max-volumes", KIND_U32, store.max_volumes, "256", 1, 4095),
	NUM("fake", "pool-size", KIND_SIZE, fake.pool_bytes, "1T", 1 << 20, 1ull << 60),
	NUM("fake", "rate", KIND_SIZE, fake.rate_bytes_s, "64M", 1, 1ull << 50),
	NUM("fake", "op-delay-ms", KIND_U32, fake.op_delay_ms, "0", 0, 60000),
	STR("fake", "user", fake.user, "admin"),
	STR("fake", "password", fake.password, "admin"),
	STR("fake", "state", fake.state, ""),
};

struct parse {
	struct smisd_config *cfg;
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

static int store(struct smisd_config *cfg, const struct key *k, const char *value)
{
	void *field = (char *)cfg + k->offset;
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
	p->vg = NULL;
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

	if (strcmp(name, "vg"))
		return "unknown key";
	if (!vg_ok(value))
		return "not the name of a volume group";
	p = pool_named(cfg, pool);
	if (!p)
		return "a pool without a name, or too many pools";
	free(p->vg);
	p->vg = xstrdup(value);
	return NULL;
}

static const char *set_key(struct smisd_config *cfg, const char *section, const char *name,
			   const char *value)
{
	if (!strncmp(section, "pool ", 5))
		return pool_key(cfg, section + 5, name, value);
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

static const char *check(const struct smisd_config *cfg)
{
	if (strcmp(cfg->engine.backend, "real") && strcmp(cfg->engine.backend, "fake"))
		return "[engine] backend is \"real\" or \"fake\"";
	if (cfg->store.chunk_kib & (cfg->store.chunk_kib - 1))
		return "[store] chunk-kib is a power of two";
	if (cfg->limits.enumeration_timeout_s > cfg->limits.max_enumeration_timeout_s)
		return "[limits] enumeration-timeout is above max-enumeration-timeout";
	if (!cfg->nr_pools)
		return "no pool: a section [pool NAME] with vg = is needed";
	for (size_t i = 0; i < cfg->nr_pools; i++)
		for (size_t k = 0; k < i; k++)
			if (!strcmp(cfg->pools[i].vg, cfg->pools[k].vg))
				return "two pools on one volume group";
	return NULL;
}

int config_load(struct smisd_config *cfg, const char *path, char *why, size_t why_size)
{
	char detail[256] = "";
	struct parse p = { cfg, detail, sizeof(detail) };
	const char *wrong;
	int line;

	memset(cfg, 0, sizeof(*cfg));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (store(cfg, &keys[i], keys[i].dflt))
			abort();
	line = ini_parse(path, on_key, &p);
	if (line < 0) {
		int ret = errno ? -errno : -EIO;

		snprintf(why, why_size, "%s: %s", path, strerror(-ret));
		config_free(cfg);
		return ret;
	}
	if (line > 0) {
		snprintf(why, why_size, "%s:%d: %s", path, line, *detail ? detail : "not ini");
		config_free(cfg);
		return -EINVAL;
	}
	wrong = check(cfg);
	if (wrong) {
		snprintf(why, why_size, "%s: %s", path, wrong);
		config_free(cfg);
		return -EINVAL;
	}
	return 0;
}

void config_free(struct smisd_config *cfg)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (keys[i].kind == KIND_STR)
			free(*(char **)((char *)cfg + keys[i].offset));
	for (size_t i = 0; i < cfg->nr_pools; i++) {
		free(cfg->pools[i].name);
		free(cfg->pools[i].vg);
	}
	memset(cfg, 0, sizeof(*cfg));
}

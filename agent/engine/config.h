// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config.h - /etc/smisd/smisd.conf, parsed once at start by smisd and by smisd-priv.
 *
 * Plain data, read-only after config_load. The file is ini (inih); unknown sections, unknown keys
 * and bad values are errors that name file and line.
 */
#ifndef AGENT_ENGINE_CONFIG_H
#define AGENT_ENGINE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_PATH_DEFAULT "/etc/smisd/smisd.conf"
#define CONFIG_MAX_POOLS    16

struct config_pool {
	char *name; /* [pool NAME] */
	char *vg; /* vg = */
};

struct smisd_config {
	struct {
		char *listen; /* address, default "::" (all) */
		uint16_t http_port; /* http-port, 0 = off; default 5988 */
		uint16_t https_port; /* https-port, 0 = off; default 5989 */
		char *tls_cert; /* PEM; default /etc/smisd/cert.pem */
		char *tls_key; /* default /etc/smisd/key.pem */
		char *tls_priority; /* GnuTLS priority string, "" = library default */
		char *system_name; /* overrides the name made from the machine id; "" */
	} server;
	struct {
		uint32_t max_connections; /* 256 */
		uint32_t max_connections_per_ip; /* 64 */
		uint32_t max_body_kib; /* 8192 */
		uint32_t request_timeout_s; /* 60 */
		uint32_t reply_deadline_ms; /* 10000: then a replica call is answered by its job */
		uint32_t job_keep_s; /* 86400: default TimeBeforeRemoval; never under 300 */
		uint32_t max_enumerations; /* 64: open ones of the Open... operations */
		uint64_t enumeration_bytes; /* 64 MiB: of what they hold, all together */
		uint32_t enumeration_timeout_s; /* 30: when the client does not say */
		uint32_t max_enumeration_timeout_s; /* 600 */
		bool endless_enumerations; /* no: OperationTimeout 0 is refused */
	} limits;
	struct {
		char *path; /* state directory, default /var/lib/smisd; holds smisd.db */
		char *backend; /* "real" or "fake" */
		char *priv_socket; /* default /run/smisd/priv.sock */
		char *pam_service; /* default "smisd" */
		char *admin_group; /* default "smis-admin" */
		char *monitor_group; /* default "smis-monitor" */
	} engine;
	struct {
		uint64_t size_bytes; /* of the store's logical volume, default 64 MiB */
		uint32_t chunk_kib; /* 64 */
		uint32_t max_volumes; /* 256 */
	} store;
	struct { /* backend = fake only */
		uint64_t pool_bytes; /* size of each pool, default 1 TiB */
		uint64_t rate_bytes_s; /* copy speed of one relation, default 64 MiB/s */
		uint32_t op_delay_ms; /* each privileged operation takes this long */
		char *user, *password; /* "admin"/"admin": the one user, read and write */
		char *state; /* file that outlives the process; "" = in memory */
	} fake;
	struct config_pool pools[CONFIG_MAX_POOLS];
	size_t nr_pools;
};

/*
 * Fills @cfg with the defaults, then with @path. 0, or a negative errno and in @why the sentence
 * (with file and line); @cfg is then empty. Free with config_free.
 */
int config_load(struct smisd_config *cfg, const char *path, char *why, size_t why_size);
void config_free(struct smisd_config *cfg);

#endif

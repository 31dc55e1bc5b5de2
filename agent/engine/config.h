// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config.h - /etc/smisd/smisd.conf, as smisd and smisd-priv parse it at start, and the description
 * of a simulated node, which is the same file with more sections.
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
	char *vg; /* vg =; "" in a simulated node */
	uint64_t size_bytes; /* size =; simulated only; 0: [sim] pool-size */
};

/* Who comes with a certificate that [server] tls-client-ca has issued. */
struct config_client {
	char *name; /* [client NAME] */
	char *subject; /* subject =; exactly one of the two */
	char *fingerprint; /* fingerprint =; SHA-256, hexadecimal, colons do not count */
	char *role; /* role = admin or monitor */
};

/* The sections below describe a simulated node: what it has when it is new. */
struct config_volume {
	char *name; /* [volume NAME] */
	char *pool; /* pool =; "": the one with the most space */
	uint64_t size_bytes; /* size =; 0: [sim] volume-size */
	uint32_t count; /* count =; above 1: NAME1, NAME2... */
};

struct config_group {
	char *name; /* [group NAME] */
	char *members; /* members =; names or patterns of volumes, in order */
};

struct config_replica {
	char *name; /* [replica NAME]: RelationshipName */
	char *group; /* group =; a clone of the whole group */
	char *volume; /* volume =; or of one volume; exactly one of the two */
	char *mode; /* mode = attached (default), independent or snapshot */
};

/* What goes wrong, and how; patterns are those of the shell. */
struct config_fault {
	char *name; /* [fault NAME] */
	char *source, *target; /* of copies between such volumes; "*" */
	uint64_t rate_bytes_s; /* rate =; such copies go at this speed; 0: [sim] rate */
	uint32_t at_percent; /* at-percent =; and fail there; CONFIG_NEVER */
	char *reason; /* reason =; with this sentence; "": the kernel's words */
	char *operation; /* operation =; or: such an operation (backend_op_name) fails */
	char *volume; /* volume =; on such a volume; "*" */
	char *error; /* error =; with this errno, by name; "": EIO */
	uint32_t delay_ms; /* delay-ms =; it takes so long, and fails only with an error */
	uint32_t times; /* times =; so often; 0: always */
};

#define CONFIG_NEVER 101

struct smisd_config {
	struct {
		char *listen; /* address, default "::" (all) */
		uint16_t http_port; /* http-port, 0 = off; default 5988 */
		uint16_t https_port; /* https-port, 0 = off; default 5989 */
		uint16_t slp_port; /* slp-port, 0 = off (default); 427 is SLP's */
		char *tls_cert; /* PEM; default /etc/smisd/cert.pem */
		char *tls_key; /* default /etc/smisd/key.pem */
		char *tls_client_ca; /* PEM of who issues clients' certificates; "": none */
		char *tls_priority; /* GnuTLS priority string, "" = library default */
		char *system_name; /* overrides the name made from the machine id; "" */
	} server;
	struct {
		uint32_t max_connections; /* 256 */
		uint32_t max_connections_per_ip; /* 64 */
		uint32_t max_body_kib; /* 8192 */
		uint32_t max_xml_depth; /* 64: elements in elements of a request */
		uint32_t request_timeout_s; /* 60 */
		uint32_t send_timeout_s; /* 60: without progress of an answer */
		uint64_t answer_bytes; /* 256 MiB: of all answers that are held */
		uint32_t operation_ms; /* 1000: processor time until an answer begins */
		uint32_t reply_deadline_ms; /* 10000: then a replica call is answered by its job */
		uint32_t job_keep_s; /* 86400: default TimeBeforeRemoval; never under 300 */
		uint32_t max_enumerations; /* 64: open ones of the Open... operations */
		uint64_t enumeration_bytes; /* 64 MiB: of what they hold, all together */
		uint32_t enumeration_timeout_s; /* 30: when the client does not say */
		uint32_t max_enumeration_timeout_s; /* 600 */
		bool endless_enumerations; /* no: OperationTimeout 0 is refused */
		uint32_t stop_timeout_s; /* 10: running requests have so long when smisd stops */
	} limits;
	struct {
		char *path; /* state directory, default /var/lib/smisd; "": in memory */
		char *backend; /* "real" or "sim" */
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
	struct { /* backend = sim only */
		uint64_t pool_bytes; /* size of each pool, default 1 TiB */
		uint64_t volume_bytes; /* of volumes that do not say theirs, default 1 GiB */
		uint32_t volumes; /* so many volumes are there at first, vol00001 ... */
		uint64_t rate_bytes_s; /* copy speed of one relation, default 64 MiB/s */
		uint32_t op_delay_ms; /* each privileged operation takes this long */
		char *user, *password; /* the one user, read and write; user "": nobody is asked */
	} sim;
	bool simulate; /* started with --simulate */
	struct config_pool pools[CONFIG_MAX_POOLS];
	size_t nr_pools;
	struct config_client *clients;
	size_t nr_clients;
	struct config_volume *volumes;
	struct config_group *groups;
	struct config_replica *replicas;
	struct config_fault *faults;
	size_t nr_volumes, nr_groups, nr_replicas, nr_faults;
};

struct config_source {
	const char *path; /* NULL: no file */
	bool simulate; /* the defaults of a simulated node that nobody can reach from outside */
	const char *const *set; /* "SECTION.KEY=VALUE"; they win over the file */
	size_t nr_set;
};

/*
 * Fills @cfg with the defaults, then with @path. 0, or a negative errno and in @why the sentence
 * (with file and line); @cfg is then empty. Free with config_free.
 */
int config_load(struct smisd_config *cfg, const char *path, char *why, size_t why_size);
int config_load_from(struct smisd_config *cfg, const struct config_source *from, char *why,
		     size_t why_size);
void config_free(struct smisd_config *cfg);

/*
 * What may change while smisd runs ([limits], tls-..., [client]) is taken from @now, which keeps
 * the old values. Gives "SECTION.KEY" of the first other thing that differs, and is not taken;
 * NULL: none.
 */
const char *config_take_live(struct smisd_config *cfg, struct smisd_config *now);

#endif

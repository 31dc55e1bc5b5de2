// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - smisd's options. It is started as user smisd, without privileges, and always in the
 * foreground.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/vec.h"
#include "daemon/daemon.h"
#include "http/cert.h"

struct options {
	const char *config; /* --config */
	const char *simulate; /* --simulate: a number or a file */
	bool check_only;
	int log_level;
	VEC(const char *) set;
};

static void usage(FILE *out)
{
	fputs("Usage: smisd [OPTION]...\n"
	      "CIM-XML server of dm-replica.\n\n"
	      "  -c, --config=FILE         configuration (default " CONFIG_PATH_DEFAULT ")\n"
	      "      --simulate=N|FILE     no real storage: a simulated node of N volumes, or as\n"
	      "                            FILE describes it, on this host's ports 5988 and 5989\n"
	      "  -o, --option=SECTION.KEY=VALUE\n"
	      "                            as if it stood in the configuration\n"
	      "      --check-config        read the configuration, say what is wrong, and end\n"
	      "  -f, --foreground          accepted; smisd never goes to the background\n"
	      "  -v, --verbose             log refused requests and CIM errors too\n"
	      "      --version\n"
	      "  -h, --help\n",
	      out);
}

/* -1: go on; else the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
	enum {
		CHECK = 256,
		SIMULATE,
		VERSION
	};
	static const struct option table[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "simulate", required_argument, NULL, SIMULATE },
		{ "option", required_argument, NULL, 'o' },
		{ "check-config", no_argument, NULL, CHECK },
		{ "foreground", no_argument, NULL, 'f' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, VERSION },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};

	for (;;) {
		switch (getopt_long(argc, argv, "c:o:fvh", table, NULL)) {
		case -1:
			if (optind == argc)
				return -1;
			fprintf(stderr, "smisd: unexpected argument %s\n", argv[optind]);
			return EXIT_FAILURE;
		case 'c':
			o->config = optarg;
			break;
		case SIMULATE:
			o->simulate = optarg;
			break;
		case 'o':
			vec_push(&o->set, optarg);
			break;
		case CHECK:
			o->check_only = true;
			break;
		case 'f':
			break;
		case 'v':
			o->log_level = LOG_DEBUG;
			break;
		case VERSION:
			puts("smisd " SMISD_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		default:
			usage(stderr);
			return EXIT_FAILURE;
		}
	}
}

/* As far as the user who asks may read them. */
static int check_cert(const struct smisd_config *cfg, char *why, size_t why_size)
{
	char *cert = NULL, *key = NULL;
	int r = cert_load(cfg->server.tls_cert, cfg->server.tls_key, "", "", &cert, &key, why,
			  why_size);

	if (!r)
		r = cert_check(cert, key, why, why_size);
	free(cert);
	free_secret(key);
	return r;
}

static int check(const struct config_source *source)
{
	struct smisd_config cfg;
	char why[512] = "";
	int r = config_load_from(&cfg, source, why, sizeof(why));

	if (r) {
		fprintf(stderr, "smisd: %s\n", *why ? why : strerror(-r));
		return EXIT_FAILURE;
	}
	if (cfg.server.https_port && !access(cfg.server.tls_cert, F_OK) &&
	    check_cert(&cfg, why, sizeof(why))) {
		fprintf(stderr, "smisd: %s\n", why);
		config_free(&cfg);
		return EXIT_FAILURE;
	}
	printf("%s: no errors\n", source->path ? source->path : "configuration");
	config_free(&cfg);
	return EXIT_SUCCESS;
}

static bool is_number(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s);
}

int main(int argc, char **argv)
{
	struct options o = { .log_level = LOG_INFO };
	struct config_source source = { 0 };
	char *volumes = NULL;
	int r = parse_options(argc, argv, &o);

	if (r < 0 && o.simulate && o.config) {
		fprintf(stderr, "smisd: --simulate and --config exclude each other\n");
		r = EXIT_FAILURE;
	}
	if (r < 0) {
		source.simulate = o.simulate;
		if (o.simulate && is_number(o.simulate)) {
			volumes = xasprintf("sim.volumes=%s", o.simulate);
			vec_push(&o.set, volumes);
		} else {
			source.path = o.simulate ? o.simulate
				      : o.config ? o.config
						 : CONFIG_PATH_DEFAULT;
		}
		source.set = o.set.v;
		source.nr_set = o.set.n;
		log_init("smisd", o.log_level);
		r = o.check_only ? check(&source) : daemon_run(&source);
	}
	vec_done(&o.set);
	free(volumes);
	return r;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rpl-check - look at a dm-replica store that is not in use, or at an image of one, and say what
 * is wrong with it. Reads only. See doc/man/rpl-check.8.
 */
#include "check.h"

#include <getopt.h>
#include <json-c/json.h>
#include <stdlib.h>

#define EXIT_CANNOT_SAY 3

enum how {
	HOW_TEXT,
	HOW_DUMP,
	HOW_JSON,
	HOW_QUIET
};

static const char usage_text[] =
	"usage: rpl-check [--dump | --json | --quiet] [--start SECTORS] DEVICE\n"
	"\n"
	"Check the dm-replica store on DEVICE (the device below the store's own) or in an image.\n"
	"Nothing is written.\n"
	"\n"
	"  -d, --dump           all that the store holds, as text\n"
	"  -j, --json           the same as JSON\n"
	"  -q, --quiet          the exit status only\n"
	"  -s, --start SECTORS  where the store begins on DEVICE (0)\n"
	"  -h, --help           this\n"
	"  -V, --version\n"
	"\n"
	"Exit status: 0 clean, 1 findings that the module tolerates or mends, 2 damage,\n"
	"3 nothing can be said.\n";

static int cannot(const char *fmt, const char *what, const char *why)
{
	fprintf(stderr, "rpl-check: ");
	fprintf(stderr, fmt, what, why);
	fprintf(stderr, "\n");
	return EXIT_CANNOT_SAY;
}

/* A number of sectors whose bytes are whole blocks and fit a file offset. */
static int parse_sectors(const char *text, u64 *bytes)
{
	char *end;

	errno = 0;
	*bytes = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || *bytes % 8 ||
	    *bytes > (u64)S64_MAX >> SECTOR_SHIFT)
		return -EINVAL;
	*bytes <<= SECTOR_SHIFT;
	return 0;
}

static void report(struct check *ck, enum how how)
{
	struct json_object *tree;

	if (how == HOW_TEXT)
		report_text(ck);
	if (how == HOW_TEXT || how == HOW_QUIET)
		return;
	tree = check_tree(ck);
	if (how == HOW_JSON)
		puts(json_object_to_json_string_ext(tree, JSON_C_TO_STRING_PRETTY |
								  JSON_C_TO_STRING_NOSLASHESCAPE));
	else
		report_tree(tree);
	json_object_put(tree);
}

static int check_device(const char *path, u64 start_bytes, enum how how)
{
	struct check ck = { .open = false };
	int r = image_open(&ck.image, path, start_bytes);
	int status;

	if (r) {
		check_free(&ck);
		return cannot("%s: %s", path,
			      r == -EINVAL ? "neither a block device nor a file" : strerror(-r));
	}
	check_run(&ck);
	report(&ck, how);
	status = check_exit_status(&ck);
	check_free(&ck);
	if (fflush(stdout) || ferror(stdout))
		return cannot("%s: %s", "stdout", strerror(errno));
	return status;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dump", no_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'j' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "start", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	enum how how = HOW_TEXT;
	u64 start_bytes = 0;
	int c;

	while ((c = getopt_long(argc, argv, "djqs:hV", options, NULL)) != -1) {
		switch (c) {
		case 'd':
			how = HOW_DUMP;
			break;
		case 'j':
			how = HOW_JSON;
			break;
		case 'q':
			how = HOW_QUIET;
			break;
		case 's':
			if (parse_sectors(optarg, &start_bytes))
				return cannot("--start %s: %s", optarg,
					      "not a number of sectors, a multiple of 8");
			break;
		case 'h':
			fputs(usage_text, stdout);
			return 0;
		case 'V':
			puts("rpl-check " RPL_CHECK_VERSION);
			return 0;
		default:
			fputs("try rpl-check --help\n", stderr);
			return EXIT_CANNOT_SAY;
		}
	}
	if (argc - optind != 1) {
		fputs("rpl-check: name one device; try rpl-check --help\n", stderr);
		return EXIT_CANNOT_SAY;
	}
	return check_device(argv[optind], start_bytes, how);
}

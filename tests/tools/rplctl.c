// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rplctl.c - the kernel module's netlink interface from a shell, for test scripts and debugging.
 * One object a line, "kind key=value …" with a fixed order of keys, so that grep and awk serve.
 *
 *   rplctl stores | sources | relations | groups
 *   rplctl state                             all of them, without counters and times
 *   rplctl serve: commands of one word from standard input, a line each; what one prints is followed
 *   by a line "= STATUS". `fail WHO N` as with rpl-dm.
 *   rplctl events [-b BYTES] [COUNT [SECONDS]]   until COUNT lines or SECONDS have passed (0 = never);
 *                                            -b: with that small a receive buffer
 *   rplctl create-group [-n] [-m MIN] [-M MAX] GROUP ID:VOLUME[:UUID][:clone|:snapshot[:ro]]…
 *   rplctl suspend | resume | abort [-n] ID|GROUP
 *   rplctl detach [-n] [-f] ID|GROUP
 *   rplctl delete [-n] ID|GROUP               snapshots
 *   rplctl set-rate [-n] [-r TIMES] ID|GROUP MIN MAX    bytes a second; -r: so many times
 *   rplctl set-store [low-water=BYTES] [overflow=invalidate|queue] [queue-timeout=MS]
 *   rplctl command COOKIE
 * Common options: -s DEV, the store's number; -n, print the cookie and do not wait.
 *
 * Exit: 0; 1 refused or failed ("error=… reason=…" on standard error); 2 usage.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <uuid/uuid.h>
#include "../../agent/kernel/client.h"
#include "fail-nth.h"

#define WAIT_MS 120000

static struct {
	uint32_t dev;
	uint64_t min, max;
	bool no_wait, force, plain;
	unsigned long repeat;
	int buffer;
} opt;

static unsigned long lines;

static int die(const struct rpl_client *c, int r)
{
	fprintf(stderr, "error=%s reason=%s\n", strerrorname_np(-r), rpl_client_why(c));
	return 1;
}

static int usage(void)
{
	fprintf(stderr, "usage: rplctl stores|sources|relations|groups|events|create-group|suspend|"
			"resume|abort|detach|delete|set-rate|set-store|command …\n");
	return 2;
}

static const char *uuid_text(const uint8_t *uuid)
{
	static char text[4][UUID_STR_LEN];
	static unsigned int next;
	char *t = text[next++ % 4];

	uuid_unparse_lower(uuid, t);
	return t;
}

static void print_dev(const char *kind, uint32_t dev)
{
	printf("%s store=%u:%u", kind, rpl_dev_major(dev), rpl_dev_minor(dev));
}

static void print_end(bool event, uint32_t what)
{
	if (event)
		printf(" event=%s", rpl_event_name(what));
	putchar('\n');
	fflush(stdout);
	lines++;
}

static int print_store(void *arg, const struct rpl_msg_store *m)
{
	(void)arg;
	if (opt.plain) {
		printf("store %s volumes=%u relations=%u groups=%u %s\n",
		       rpl_store_mode_name(m->mode), m->nr_volumes, m->nr_relations, m->nr_groups,
		       m->reason);
		return 0;
	}
	print_dev("store", m->store);
	printf(" uuid=%s mode=%s generation=%" PRIu64 " flags=%#x chunk=%u volumes=%u relations=%u "
	       "groups=%u max=%u seq=%" PRIu64 " used=%" PRIu64 " data=%" PRIu64
	       " low_water=%" PRIu64 " overflow=%s queue_timeout=%u waiting=%u",
	       uuid_text(m->uuid), rpl_store_mode_name(m->mode), m->generation, m->flags,
	       m->chunk_bytes, m->nr_volumes, m->nr_relations, m->nr_groups, m->max_volumes, m->seq,
	       m->used_bytes, m->data_bytes, m->low_water, rpl_overflow_name(m->overflow),
	       m->queue_timeout, m->waiting_writes);
	if (m->reason[0])
		printf(" reason=\"%s\"", m->reason);
	print_end(RPL_HAS(m, RPL_A_STORE_EVENT), m->event);
	return 0;
}

static int print_source(void *arg, const struct rpl_msg_source *m)
{
	(void)arg;
	if (opt.plain) {
		printf("source %u bytes=%" PRIu64 " relations=%u armed=%u snapshots=%u\n", m->id,
		       m->bytes, m->nr_relations, m->armed, m->nr_snapshots);
		return 0;
	}
	print_dev("source", m->store);
	printf(" id=%u bytes=%" PRIu64 " relations=%u armed=%u first_writes=%" PRIu64
	       " preserved=%" PRIu64 " held_writes=%" PRIu64 " held_max_ns=%" PRIu64
	       " snapshots=%u stored=%" PRIu64,
	       m->id, m->bytes, m->nr_relations, m->armed, m->first_writes, m->preserved_bytes,
	       m->held_writes, m->held_max_ns, m->nr_snapshots, m->stored_bytes);
	print_end(false, 0);
	return 0;
}

static int print_relation(void *arg, const struct rpl_msg_relation *m)
{
	(void)arg;
	if (opt.plain) {
		printf("%s %u of %u %s total=%" PRIu64 " bad=%" PRIu64 " rate=%" PRIu64 "-%" PRIu64
		       " uuid=%s group=%s ro=%u written=%" PRIu64 " %s\n",
		       rpl_kind_name(m->kind), m->id, m->volume_id, rpl_state_name(m->state),
		       m->total_bytes, m->bad_bytes, m->min_rate, m->max_rate, uuid_text(m->uuid),
		       uuid_text(m->group_uuid), m->read_only, m->written_bytes, m->reason);
		return 0;
	}
	print_dev("relation", m->store);
	printf(" id=%u volume=%u state=%s copied=%" PRIu64 " total=%" PRIu64 " bad=%" PRIu64
	       " rate=%" PRIu64 " min=%" PRIu64 " max=%" PRIu64 " uuid=%s group=%s seq=%" PRIu64
	       " error=%u kind=%s ro=%u written=%" PRIu64,
	       m->id, m->volume_id, rpl_state_name(m->state), m->copied_bytes, m->total_bytes,
	       m->bad_bytes, m->rate, m->min_rate, m->max_rate, uuid_text(m->uuid),
	       uuid_text(m->group_uuid), m->seq, m->error, rpl_kind_name(m->kind), m->read_only,
	       m->written_bytes);
	if (RPL_HAS(m, RPL_A_RELATION_ETA))
		printf(" eta=%u", m->eta);
	if (m->reason[0])
		printf(" reason=\"%s\"", m->reason);
	print_end(RPL_HAS(m, RPL_A_RELATION_EVENT), m->event);
	return 0;
}

static int print_group(void *arg, const struct rpl_msg_group *m)
{
	(void)arg;
	if (opt.plain) {
		printf("group %s relations=%u\n", uuid_text(m->uuid), m->nr_relations);
		return 0;
	}
	print_dev("group", m->store);
	printf(" uuid=%s relations=%u copied=%" PRIu64 " total=%" PRIu64 " publish_ns=%" PRIu64
	       " drain_ns=%" PRIu64 " held_max_ns=%" PRIu64 " held_writes=%" PRIu64
	       " time_ns=%" PRIu64 " seq=%" PRIu64,
	       uuid_text(m->uuid), m->nr_relations, m->copied_bytes, m->total_bytes, m->publish_ns,
	       m->drain_ns, m->held_max_ns, m->held_writes, m->time_ns, m->seq);
	for (unsigned int i = 0; i < m->nr_states; i++)
		printf(" %s=%u", rpl_state_name(m->states[i].state), m->states[i].count);
	print_end(RPL_HAS(m, RPL_A_GROUP_EVENT), m->event);
	return 0;
}

static void print_command(const struct rpl_msg_command *m)
{
	print_dev("command", m->store);
	printf(" cookie=%" PRIu64 " kind=%s status=%s error=%s id=%u", m->cookie,
	       rpl_command_kind_name(m->kind), rpl_command_status_name(m->status),
	       m->error ? strerrorname_np((int)m->error) : "0", m->id);
	if (RPL_HAS(m, RPL_A_COMMAND_GROUP_UUID))
		printf(" group=%s", uuid_text(m->group_uuid));
	if (m->reason[0])
		printf(" reason=\"%s\"", m->reason);
	print_end(false, 0);
}

/* ---- events ---- */

static void on_store(void *arg, const struct rpl_msg_store *m)
{
	print_store(arg, m);
}

static void on_relation(void *arg, const struct rpl_msg_relation *m)
{
	print_relation(arg, m);
}

static void on_group(void *arg, const struct rpl_msg_group *m)
{
	print_group(arg, m);
}

static void on_done(void *arg, const struct rpl_msg_command *m, bool own)
{
	(void)arg;
	(void)own;
	print_command(m);
}

static void on_lost(void *arg)
{
	(void)arg;
	puts("lost");
	fflush(stdout);
	lines++;
}

static void on_family(void *arg, bool present)
{
	(void)arg;
	printf("family present=%d\n", present);
	fflush(stdout);
	lines++;
}

static const struct rpl_client_ops listen_ops = {
	.store = on_store,
	.relation = on_relation,
	.group = on_group,
	.command_done = on_done,
	.lost = on_lost,
	.family = on_family,
};

static const struct rpl_client_ops no_ops;

static int events(unsigned long count, unsigned long seconds)
{
	time_t end = time(NULL) + (time_t)seconds;
	struct rpl_client *c;
	int r = rpl_client_open(&c, &listen_ops, NULL);

	if (r)
		return 1;
	if (opt.buffer)
		setsockopt(rpl_client_event_fd(c), SOL_SOCKET, SO_RCVBUF, &opt.buffer,
			   sizeof(opt.buffer));
	puts("listening");
	fflush(stdout);
	lines = 0;
	while ((!count || lines < count) && (!seconds || time(NULL) < end) && !r) {
		struct pollfd p[2] = {
			{ .fd = rpl_client_event_fd(c), .events = POLLIN },
			{ .fd = rpl_client_request_fd(c), .events = POLLIN },
		};

		if (poll(p, 2, 200) > 0)
			r = rpl_client_dispatch(c);
	}
	rpl_client_close(c);
	return r ? 1 : 0;
}

/* ---- commands ---- */

static int finish(struct rpl_client *c, int r, uint64_t cookie)
{
	struct rpl_msg_command done;

	if (r)
		return die(c, r);
	if (opt.no_wait) {
		printf("%" PRIu64 "\n", cookie);
		return 0;
	}
	r = rpl_client_wait(c, cookie, WAIT_MS, &done);
	if (r)
		return die(c, r);
	if (done.error) {
		fprintf(stderr, "error=%s reason=%s\n", strerrorname_np((int)done.error),
			done.reason);
		return 1;
	}
	return 0;
}

/* [:UUID][:KIND[:ro]], from `text` on. The kind, or -1. */
static int parse_rest(const char *text, uuid_t uuid, bool *read_only)
{
	char one[UUID_STR_LEN] = "";

	*read_only = false;
	uuid_generate(uuid);
	if (strlen(text) >= UUID_STR_LEN && text[0] == ':') {
		memcpy(one, text + 1, UUID_STR_LEN - 1);
		if (!uuid_parse(one, uuid))
			text += UUID_STR_LEN;
	}
	if (!text[0])
		return RPL_KIND_CLONE;
	*read_only = !strcmp(text, ":snapshot:ro");
	if (*read_only)
		return RPL_KIND_SNAPSHOT;
	return text[0] == ':' ? rpl_kind_by_name(text + 1) : -1;
}

static int create_group(struct rpl_client *c, int argc, char **argv)
{
	struct rpl_req_member *members = calloc((size_t)argc + 1, sizeof(*members));
	uint64_t cookie;
	uuid_t group;
	int r;

	if (!members || argc < 2 || uuid_parse(argv[0], group)) {
		free(members);
		return usage();
	}
	for (int i = 1; i < argc; i++) {
		unsigned int id, volume;
		uuid_t uuid;
		int at = 0, kind;
		bool read_only;

		if (sscanf(argv[i], "%u:%u%n", &id, &volume, &at) != 2 ||
		    (kind = parse_rest(argv[i] + at, uuid, &read_only)) < 0) {
			free(members);
			return usage();
		}
		rpl_member_set(&members[i - 1], id, volume, uuid);
		if (kind != RPL_KIND_CLONE) {
			members[i - 1].kind = (uint32_t)kind;
			members[i - 1].has |= 1ULL << RPL_A_MEMBER_KIND;
		}
		if (read_only) {
			members[i - 1].read_only = true;
			members[i - 1].has |= 1ULL << RPL_A_MEMBER_READ_ONLY;
		}
	}
	r = rpl_client_group_create(c, opt.dev, group, members, (unsigned int)argc - 1, opt.min,
				    opt.max, &cookie);
	free(members);
	return finish(c, r, cookie);
}

static int modify(struct rpl_client *c, enum rpl_action action, int argc, char **argv)
{
	struct rpl_req_relation_modify req = { .action = action, .force = opt.force };
	uint64_t cookie;
	int r;

	if (argc != (action == RPL_ACTION_SET_RATE ? 3 : 1))
		return usage();
	RPL_SET(&req, RPL_A_COMMAND_ACTION);
	if (!uuid_parse(argv[0], req.group_uuid)) {
		RPL_SET(&req, RPL_A_COMMAND_GROUP_UUID);
	} else {
		req.id = (uint32_t)strtoul(argv[0], NULL, 10);
		RPL_SET(&req, RPL_A_COMMAND_ID);
	}
	if (argc == 3) {
		req.min_rate = strtoull(argv[1], NULL, 10);
		req.max_rate = strtoull(argv[2], NULL, 10);
		RPL_SET(&req, RPL_A_COMMAND_MIN_RATE);
		RPL_SET(&req, RPL_A_COMMAND_MAX_RATE);
	}
	if (opt.dev) {
		req.store = opt.dev;
		RPL_SET(&req, RPL_A_COMMAND_STORE);
	}
	do {
		r = rpl_client_relation_modify(c, &req, &cookie);
		r = finish(c, r, cookie);
	} while (!r && opt.repeat-- > 1);
	return r;
}

static int set_store(struct rpl_client *c, int argc, char **argv)
{
	struct rpl_req_store_modify req = { .store = opt.dev };
	struct rpl_msg_store now;
	int i, r;

	if (opt.dev)
		RPL_SET(&req, RPL_A_STORE_STORE);
	for (i = 0; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (!value)
			return usage();
		*value++ = 0;
		if (!strcmp(argv[i], "low-water")) {
			req.low_water = strtoull(value, NULL, 10);
			RPL_SET(&req, RPL_A_STORE_LOW_WATER);
		} else if (!strcmp(argv[i], "overflow")) {
			req.overflow = (uint32_t)rpl_overflow_by_name(value);
			RPL_SET(&req, RPL_A_STORE_OVERFLOW);
		} else if (!strcmp(argv[i], "queue-timeout")) {
			req.queue_timeout = (uint32_t)strtoul(value, NULL, 10);
			RPL_SET(&req, RPL_A_STORE_QUEUE_TIMEOUT);
		} else {
			return usage();
		}
	}
	r = rpl_client_store_modify(c, &req, &now);
	if (r)
		return die(c, r);
	return print_store(NULL, &now);
}

static int state(struct rpl_client *c)
{
	int r;

	opt.plain = true;
	r = rpl_client_dump_stores(c, print_store, NULL);

	if (!r)
		r = rpl_client_dump_sources(c, opt.dev, print_source, NULL);
	if (!r)
		r = rpl_client_dump_relations(c, opt.dev, print_relation, NULL);
	if (!r)
		r = rpl_client_dump_groups(c, opt.dev, print_group, NULL);
	opt.plain = false;
	return r;
}

static int run(struct rpl_client *c, const char *verb, int argc, char **argv)
{
	struct rpl_msg_command done;
	int action, r;

	if (!strcmp(verb, "create-group"))
		return create_group(c, argc, argv);
	if (!strcmp(verb, "set-store"))
		return set_store(c, argc, argv);
	action = rpl_action_by_name(verb);
	if (action >= 0)
		return modify(c, (enum rpl_action)action, argc, argv);
	if (!strcmp(verb, "stores"))
		r = rpl_client_dump_stores(c, print_store, NULL);
	else if (!strcmp(verb, "sources"))
		r = rpl_client_dump_sources(c, opt.dev, print_source, NULL);
	else if (!strcmp(verb, "relations"))
		r = rpl_client_dump_relations(c, opt.dev, print_relation, NULL);
	else if (!strcmp(verb, "groups"))
		r = rpl_client_dump_groups(c, opt.dev, print_group, NULL);
	else if (!strcmp(verb, "state"))
		r = state(c);
	else if (!strcmp(verb, "command") && argc == 1) {
		r = rpl_client_command_get(c, strtoull(argv[0], NULL, 10), &done);
		if (!r)
			print_command(&done);
	} else {
		return usage();
	}
	return r ? die(c, r) : 0;
}

static int serve(struct rpl_client *c)
{
	char *line = NULL, who[16];
	size_t size = 0;
	unsigned int n;

	dup2(STDOUT_FILENO, STDERR_FILENO);
	setvbuf(stderr, NULL, _IONBF, 0);
	while (getline(&line, &size, stdin) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "fail %15s %u", who, &n) == 2) {
			printf("= %d\n", fail_nth_arm(who, n));
		} else {
			int r;

			fail_nth_begin();
			r = run(c, line, 0, NULL);
			fail_nth_end();
			printf("= %d", r);
			fail_nth_tell();
			putchar('\n');
		}
		fflush(stdout);
	}
	free(line);
	return 0;
}

int main(int argc, char **argv)
{
	struct rpl_client *c;
	const char *verb;
	int o, r;

	if (argc < 2)
		return usage();
	verb = argv[1];
	argv++;
	argc--;
	while ((o = getopt(argc, argv, "+nfr:b:s:m:M:")) != -1) {
		switch (o) {
		case 'n':
			opt.no_wait = true;
			break;
		case 'f':
			opt.force = true;
			break;
		case 'r':
			opt.repeat = strtoul(optarg, NULL, 10);
			break;
		case 'b':
			opt.buffer = atoi(optarg);
			break;
		case 's':
			opt.dev = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case 'm':
			opt.min = strtoull(optarg, NULL, 0);
			break;
		case 'M':
			opt.max = strtoull(optarg, NULL, 0);
			break;
		default:
			return usage();
		}
	}
	argv += optind;
	argc -= optind;
	if (!strcmp(verb, "events"))
		return events(argc > 0 ? strtoul(argv[0], NULL, 10) : 0,
			      argc > 1 ? strtoul(argv[1], NULL, 10) : 0);
	if (rpl_client_open(&c, &no_ops, NULL)) {
		fprintf(stderr, "error=EIO reason=no netlink socket\n");
		return 1;
	}
	r = strcmp(verb, "serve") ? run(c, verb, argc, argv) : serve(c);
	rpl_client_close(c);
	return r;
}

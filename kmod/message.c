// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands as dm messages to the store device, for people at dmsetup:
 *
 *   create_group <group uuid> <id>:<source volume id>:<relation uuid>[:<kind>[:ro]][,…]…
 *   suspend|resume|abort <clone id|group uuid>
 *   detach <clone id|group uuid> [force]
 *   delete <snapshot id|group uuid>
 *   set_rate <clone id|group uuid> <least KiB/s> <greatest KiB/s>
 *   set_low_water <sectors>
 *   set_overflow <invalidate|queue> [<time-out in ms>]
 *
 * They are queued like those of netlink and waited for, killable: after a signal the command goes
 * on. The two last ones wait for nothing: a command that waits does not keep them from it.
 * An error's sentence is in the kernel log, as a message can only return an errno. Nothing here
 * answers more than one short line: libdm would send the message twice (F31).
 */
#include <linux/kstrtox.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uuid.h>
#include "control.h"

#define DM_MSG_PREFIX "replica-store"

/* A uuid in its usual text form. */
static int parse_uuid(const char *text, u8 *uuid)
{
	uuid_t u;

	if (uuid_parse(text, &u) || text[UUID_STRING_LEN])
		return -EINVAL;
	export_uuid(uuid, &u);
	return 0;
}

static int parse_id(const char *text, u32 *id, struct rpl_why *why)
{
	if (kstrtou32(text, 10, id) || !*id || *id > RPL_ID_MAX) {
		rpl_why(why, 0, "'%.32s' is not an id from 1 to %u", text, RPL_ID_MAX);
		return -EINVAL;
	}
	return 0;
}

/* <id>:<source volume id>:<relation uuid>[:<kind>[:ro]], cut up in place. */
static int parse_member(char *text, struct rpl_member_spec *m, struct rpl_why *why)
{
	char *clone = strsep(&text, ":");
	char *volume = strsep(&text, ":");
	char *uuid = strsep(&text, ":");
	char *word = strsep(&text, ":");
	int r, kind = word ? rpl_kind_by_name(word) : RPL_KIND_CLONE;

	if (!volume || !uuid || (text && strcmp(text, "ro"))) {
		rpl_why(why, 0, "'%.32s': a member is <id>:<volume id>:<uuid>[:<kind>[:ro]]",
			clone);
		return -EINVAL;
	}
	if (kind <= 0) {
		rpl_why(why, 0, "'%.32s' is not a kind: clone or snapshot", word);
		return -EINVAL;
	}
	m->kind = kind;
	m->read_only = text;
	r = parse_id(clone, &m->clone_id, why) ?: parse_id(volume, &m->volume_id, why);
	if (r)
		return r;
	if (parse_uuid(uuid, m->uuid)) {
		rpl_why(why, m->clone_id, "%s %u: '%.40s' is not a uuid", rpl_kind_name(kind),
			m->clone_id, uuid);
		return -EINVAL;
	}
	return 0;
}

static unsigned int count_members(unsigned int argc, char **argv)
{
	unsigned int nr = argc, i;
	const char *p;

	for (i = 0; i < argc; i++)
		for (p = argv[i]; *p; p++)
			nr += *p == ',';
	return nr;
}

/* create_group: argv behind the word. */
static struct rpl_group_spec *parse_group(unsigned int argc, char **argv, struct rpl_why *why)
{
	struct rpl_group_spec *spec;
	unsigned int nr, i;
	char *member;
	int r = -EINVAL;

	if (argc < 2) {
		rpl_why(why, 0,
			"create_group <group uuid> <id>:<volume id>:<uuid>[:<kind>[:ro]][,...]...");
		return ERR_PTR(r);
	}
	nr = count_members(argc - 1, argv + 1);
	if (nr > RPL_MEMBERS_MAX) {
		rpl_why(why, 0, "more than %u members", RPL_MEMBERS_MAX);
		return ERR_PTR(-E2BIG);
	}
	spec = kvzalloc(struct_size(spec, member, nr), GFP_KERNEL);
	if (!spec) {
		rpl_why(why, 0, "no memory");
		return ERR_PTR(-ENOMEM);
	}
	if (parse_uuid(argv[0], spec->uuid)) {
		rpl_why(why, 0, "'%.40s' is not the uuid of a group", argv[0]);
		goto err;
	}
	for (i = 1; i < argc; i++) {
		while ((member = strsep(&argv[i], ","))) {
			r = parse_member(member, &spec->member[spec->nr], why);
			if (r)
				goto err;
			spec->nr++;
		}
	}
	return spec;
err:
	kvfree(spec);
	return ERR_PTR(r);
}

static int parse_object(const char *text, struct rpl_modify_spec *m, struct rpl_why *why)
{
	if (!parse_uuid(text, m->group_uuid))
		return 0;
	if (!parse_id(text, &m->id, why))
		return 0;
	rpl_why(why, 0, "'%.40s' is neither the id of a relation nor the uuid of a group", text);
	return -EINVAL;
}

static int parse_kib(const char *text, u64 *bytes_s, struct rpl_why *why)
{
	u64 kib;

	if (kstrtou64(text, 10, &kib) || kib > U64_MAX >> 10) {
		rpl_why(why, 0, "'%.32s' is not a number of KiB a second", text);
		return -EINVAL;
	}
	*bytes_s = kib << 10;
	return 0;
}

static int parse_modify(unsigned int argc, char **argv, struct rpl_modify_spec *m,
			struct rpl_why *why)
{
	bool rate = m->action == RPL_ACTION_SET_RATE;
	unsigned int most = rate ? 3 : m->action == RPL_ACTION_DETACH ? 2 : 1;

	if (argc > most || argc < (rate ? 3 : 1)) {
		rpl_why(why, 0, "wrong number of arguments for this message");
		return -EINVAL;
	}
	if (argc == 2 && strcmp(argv[1], "force")) {
		rpl_why(why, 0, "'%.32s' is not 'force'", argv[1]);
		return -EINVAL;
	}
	m->force = argc == 2;
	m->has_min = rate;
	m->has_max = rate;
	if (rate &&
	    (parse_kib(argv[1], &m->min_bytes_s, why) || parse_kib(argv[2], &m->max_bytes_s, why)))
		return -EINVAL;
	return parse_object(argv[0], m, why);
}

static struct rpl_command *parse(struct rpl_store *s, unsigned int argc, char **argv,
				 struct rpl_why *why)
{
	static const struct {
		const char *word;
		enum rpl_action action;
	} words[] = {
		{ "suspend", RPL_ACTION_SUSPEND },   { "resume", RPL_ACTION_RESUME },
		{ "abort", RPL_ACTION_ABORT },	     { "detach", RPL_ACTION_DETACH },
		{ "set_rate", RPL_ACTION_SET_RATE }, { "delete", RPL_ACTION_DELETE },
	};
	struct rpl_modify_spec m = {};
	unsigned int i;

	if (!strcasecmp(argv[0], "create_group")) {
		struct rpl_group_spec *spec = parse_group(argc - 1, argv + 1, why);

		return IS_ERR(spec) ? ERR_CAST(spec) : rpl_command_new_create(s, spec);
	}
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcasecmp(argv[0], words[i].word))
			continue;
		m.action = words[i].action;
		if (parse_modify(argc - 1, argv + 1, &m, why))
			return ERR_PTR(-EINVAL);
		return rpl_command_new_modify(s, &m);
	}
	rpl_why(why, 0, "'%.32s' is not a message of replica-store", argv[0]);
	return ERR_PTR(-EINVAL);
}

static int parse_settings(unsigned int argc, char **argv, struct rpl_settings *set,
			  struct rpl_why *why)
{
	int overflow;

	if (!strcasecmp(argv[0], "set_low_water")) {
		set->has_low_water = true;
		if (argc == 2 && !kstrtou64(argv[1], 10, &set->low_water_sectors))
			return 0;
		rpl_why(why, 0, "set_low_water <sectors>");
		return -EINVAL;
	}
	overflow = argc > 1 ? rpl_overflow_by_name(argv[1]) : 0;
	set->overflow = overflow > 0 ? overflow : 0;
	if (!set->overflow || argc > 3 ||
	    (argc == 3 &&
	     (kstrtou32(argv[2], 10, &set->queue_timeout_ms) || !set->queue_timeout_ms))) {
		rpl_why(why, 0, "set_overflow invalidate|queue [<time-out in ms>]");
		return -EINVAL;
	}
	return 0;
}

static int set_message(struct rpl_store *s, unsigned int argc, char **argv, struct rpl_why *why)
{
	struct rpl_settings set = {};
	int r = parse_settings(argc, argv, &set, why) ?: rpl_settings_check(&set, why);

	if (!r)
		rpl_settings_set(s, &set);
	return r;
}

int rpl_message(struct rpl_store *s, unsigned int argc, char **argv, char *result,
		unsigned int maxlen)
{
	struct rpl_why why = {};
	struct rpl_command *cmd;
	int r;

	if (!argc)
		return -EINVAL;
	if (!strcasecmp(argv[0], "set_low_water") || !strcasecmp(argv[0], "set_overflow")) {
		r = set_message(s, argc, argv, &why);
		goto out;
	}
	cmd = parse(s, argc, argv, &why);
	if (IS_ERR(cmd)) {
		r = PTR_ERR(cmd);
		goto out;
	}
	r = rpl_command_check(cmd, &why);
	if (!r) {
		struct rpl_command_stat st;

		rpl_command_submit(cmd);
		if (wait_for_completion_killable(&cmd->done)) {
			r = -EINTR;
			rpl_why(&why, 0, "interrupted while waiting, the command goes on");
		} else {
			rpl_command_stat_get(cmd, &st);
			r = -st.error;
			if (r)
				goto put; /* the command has said why */
		}
	}
put:
	rpl_command_put(cmd);
	if (r && !why.text[0])
		return r;
out:
	if (r)
		DMERR("%s: message %s: %s", s->name, argv[0], why.text);
	return r;
}

char *rpl_ti_error(const struct rpl_why *why)
{
	static char ring[8][RPL_REASON_LEN];
	static atomic_t next;
	char *text = ring[(u32)atomic_inc_return(&next) % ARRAY_SIZE(ring)];

	strscpy(text, why->text, RPL_REASON_LEN);
	return text;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers of the operations in nl-gen.c. Policies have checked types, ranges and lengths; what is
 * checked here is what relates attributes to each other and to objects. Messages are nl-msg.c's.
 *
 * A handler never waits (F30): it takes rpl_stores_lock and ctl_mutex, which are never held across
 * I/O, and queues what takes longer. Dumps go on by (store, id) and say by cb->seq whether the
 * lists changed meanwhile.
 */
#include <linux/capability.h>
#include <linux/slab.h>
#include <net/genetlink.h>
#include "compat.h"
#include "control.h"
#include "nl-gen.h"
#include "nl-msg.h"

/* ---- refusing ---- */

/*
 * The core reads an extack's text after the handler has returned, and copies it. Sentences made at
 * run time therefore stand in a ring; only privileged requests get them, so that nobody else can
 * make the ring go round while a text is read.
 */
static const char *why_text(const struct rpl_why *why)
{
	static char ring[64][RPL_REASON_LEN];
	static atomic_t next;
	char *text = ring[(u32)atomic_inc_return(&next) % ARRAY_SIZE(ring)];

	strscpy(text, why->text, RPL_REASON_LEN);
	return text;
}

static int refuse(struct genl_info *info, const struct rpl_why *why, int error)
{
	if (info->extack)
		info->extack->_msg = why_text(why);
	return error;
}

static int missing(struct genl_info *info, int attr, const char *what)
{
	if (info->extack) {
		info->extack->_msg = what;
		info->extack->miss_type = attr;
	}
	return -EINVAL;
}

/* ---- which store ---- */

/* The only store, with a reference, or NULL and whether there are several. */
static struct rpl_store *only_store(bool *several)
{
	struct rpl_store *s = rpl_store_next(0), *second;

	*several = false;
	if (!s)
		return NULL;
	second = rpl_store_next(s->devt);
	if (!second)
		return s;
	*several = true;
	rpl_store_put(second);
	rpl_store_put(s);
	return NULL;
}

static struct rpl_store *named_store(struct genl_info *info, int attr)
{
	struct rpl_store *s;
	bool several;

	if (info->attrs[attr]) {
		s = rpl_store_find(nla_get_u32(info->attrs[attr]));
		if (!s)
			NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[attr],
					    "there is no store with this device number");
		return s ?: ERR_PTR(-ENODEV);
	}
	s = only_store(&several);
	if (s)
		return s;
	if (several)
		return ERR_PTR(missing(info, attr, "there are several stores: say which one"));
	GENL_SET_ERR_MSG(info, "there is no store: no replica-store device is active");
	return ERR_PTR(-ENODEV);
}

/* ---- get ---- */

static struct sk_buff *reply_new(struct genl_info *info, struct rpl_msg_head *h)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);

	*h = (struct rpl_msg_head) {
		.portid = info->snd_portid,
		.seq = info->snd_seq,
		.cmd = info->genlhdr->cmd,
	};
	return skb;
}

/* Send a reply that was filled with result r. */
static int reply_send(struct genl_info *info, struct sk_buff *skb, int r)
{
	if (!r)
		return genlmsg_reply(skb, info);
	nlmsg_free(skb);
	return r;
}

int rpl_nl_store_get_doit(struct sk_buff *req, struct genl_info *info)
{
	struct rpl_store *s = named_store(info, RPL_A_STORE_STORE);
	struct rpl_msg_head h;
	struct sk_buff *skb;
	int r = -ENOMEM;

	if (IS_ERR(s))
		return PTR_ERR(s);
	skb = reply_new(info, &h);
	if (skb)
		r = reply_send(info, skb, rpl_msg_put_store(skb, &h, s, 0, 0));
	rpl_store_put(s);
	return r;
}

int rpl_nl_source_get_doit(struct sk_buff *req, struct genl_info *info)
{
	struct rpl_volume *vol;
	struct rpl_store *s;
	struct rpl_msg_head h;
	struct sk_buff *skb;
	int r = -ENOMEM;

	if (!info->attrs[RPL_A_SOURCE_ID])
		return missing(info, RPL_A_SOURCE_ID, "say which source: its volume id is missing");
	s = named_store(info, RPL_A_SOURCE_STORE);
	if (IS_ERR(s))
		return PTR_ERR(s);
	mutex_lock(&s->ctl_mutex);
	vol = rpl_store_volume_by_id(s, nla_get_u32(info->attrs[RPL_A_SOURCE_ID]));
	if (vol)
		rpl_volume_get(vol);
	mutex_unlock(&s->ctl_mutex);
	if (!vol) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[RPL_A_SOURCE_ID],
				    "the store has no source volume with this id");
		r = -ENOENT;
		goto out;
	}
	skb = reply_new(info, &h);
	if (skb)
		r = reply_send(info, skb, rpl_msg_put_source(skb, &h, vol));
	rpl_volume_put(vol);
out:
	rpl_store_put(s);
	return r;
}

int rpl_nl_relation_get_doit(struct sk_buff *req, struct genl_info *info)
{
	struct rpl_clone *c;
	struct rpl_store *s;
	struct rpl_msg_head h;
	struct sk_buff *skb;
	int r = -ENOMEM;

	if (!info->attrs[RPL_A_RELATION_ID])
		return missing(info, RPL_A_RELATION_ID, "say which relation: its id is missing");
	s = named_store(info, RPL_A_RELATION_STORE);
	if (IS_ERR(s))
		return PTR_ERR(s);
	mutex_lock(&s->ctl_mutex);
	c = rpl_store_clone_by_id(s, nla_get_u32(info->attrs[RPL_A_RELATION_ID]));
	if (c)
		rpl_clone_get(c);
	mutex_unlock(&s->ctl_mutex);
	if (!c) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[RPL_A_RELATION_ID],
				    "the store has no relation with this id");
		r = -ENOENT;
		goto out;
	}
	skb = reply_new(info, &h);
	if (skb)
		r = reply_send(info, skb, rpl_msg_put_clone(skb, &h, c, 0, 0, 0));
	rpl_clone_put(c);
out:
	rpl_store_put(s);
	return r;
}

int rpl_nl_group_get_doit(struct sk_buff *req, struct genl_info *info)
{
	struct rpl_group *g;
	struct rpl_store *s;
	struct rpl_msg_head h;
	struct sk_buff *skb;
	int r = -ENOMEM;

	if (!info->attrs[RPL_A_GROUP_UUID])
		return missing(info, RPL_A_GROUP_UUID, "say which group: its uuid is missing");
	s = named_store(info, RPL_A_GROUP_STORE);
	if (IS_ERR(s))
		return PTR_ERR(s);
	mutex_lock(&s->ctl_mutex);
	g = rpl_store_group_by_uuid(s, nla_data(info->attrs[RPL_A_GROUP_UUID]));
	if (g)
		rpl_group_get(g);
	mutex_unlock(&s->ctl_mutex);
	if (!g) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[RPL_A_GROUP_UUID],
				    "the store has no group with this uuid");
		r = -ENOENT;
		goto out;
	}
	skb = reply_new(info, &h);
	if (skb)
		r = reply_send(info, skb, rpl_msg_put_group(skb, &h, g, 0, 0, false));
	rpl_group_put(g);
out:
	rpl_store_put(s);
	return r;
}

int rpl_nl_command_get_doit(struct sk_buff *req, struct genl_info *info)
{
	struct rpl_command *cmd;
	struct rpl_msg_head h;
	struct sk_buff *skb;
	int r = -ENOMEM;

	if (!info->attrs[RPL_A_COMMAND_COOKIE])
		return missing(info, RPL_A_COMMAND_COOKIE,
			       "say which command: its cookie is missing");
	cmd = rpl_command_find(nla_get_u64(info->attrs[RPL_A_COMMAND_COOKIE]));
	if (!cmd) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[RPL_A_COMMAND_COOKIE],
				    "no command with this cookie is remembered");
		return -ENOENT;
	}
	skb = reply_new(info, &h);
	if (skb)
		r = reply_send(info, skb, rpl_msg_put_command(skb, &h, cmd));
	rpl_command_put(cmd);
	return r;
}

/* ---- dump ---- */

/* Where a dump goes on, in cb->ctx. */
struct dump_pos {
	u32 devt; /* store that is being dumped, or was dumped last */
	u32 id; /* last object of it */
	u8 uuid[RPL_UUID_LEN]; /* last group of it */
	bool inside; /* devt has more objects */
	bool has_uuid;
};

/* The next store of a dump with a reference, NULL at the end, or an error. */
static struct rpl_store *dump_store(struct netlink_callback *cb, struct dump_pos *pos, int attr)
{
	struct nlattr *only = rpl_dump_attrs(cb)[attr];
	struct rpl_store *s;

	cb->seq = rpl_event_changes();
	if (only) {
		if (pos->devt && !pos->inside)
			return NULL;
		s = rpl_store_find(nla_get_u32(only));
		if (!s && !pos->inside)
			return ERR_PTR(-ENODEV);
		return s;
	}
	if (!pos->inside)
		return rpl_store_next(pos->devt);
	s = rpl_store_find(pos->devt);
	return s ?: rpl_store_next(pos->devt);
}

/*
 * Put objects of one store from pos on until the message is full (-EMSGSIZE) or they are all there
 * (0). ctl_mutex held.
 */
typedef int (*dump_fn)(struct sk_buff *skb, const struct rpl_msg_head *h, struct rpl_store *s,
		       struct dump_pos *pos);

/* id_attr: names one object, which belongs to a get; 0 = the objects have none. */
static int dump_all(struct sk_buff *skb, struct netlink_callback *cb, int store_attr, int id_attr,
		    u8 cmd, dump_fn fn)
{
	struct dump_pos *pos = (struct dump_pos *)cb->ctx;
	const struct rpl_msg_head h = {
		.portid = NETLINK_CB(cb->skb).portid,
		.seq = cb->nlh->nlmsg_seq,
		.flags = NLM_F_MULTI,
		.cmd = cmd,
		.cb = cb,
	};
	struct rpl_store *s;
	int r;

	BUILD_BUG_ON(sizeof(struct dump_pos) > sizeof_field(struct netlink_callback, ctx));
	if (id_attr && rpl_dump_attrs(cb)[id_attr]) {
		NL_SET_ERR_MSG_ATTR(cb->extack, rpl_dump_attrs(cb)[id_attr],
				    "all objects are asked for (dump) and a single one is named");
		return -EINVAL;
	}
	while ((s = dump_store(cb, pos, store_attr))) {
		if (IS_ERR(s))
			return PTR_ERR(s);
		if (s->devt != pos->devt)
			*pos = (struct dump_pos) { .devt = s->devt };
		pos->inside = true;
		mutex_lock(&s->ctl_mutex);
		r = fn(skb, &h, s, pos);
		mutex_unlock(&s->ctl_mutex);
		rpl_store_put(s);
		if (r)
			return skb->len ?: r;
		pos->inside = false;
	}
	return skb->len;
}

static int dump_one_store(struct sk_buff *skb, const struct rpl_msg_head *h, struct rpl_store *s,
			  struct dump_pos *pos)
{
	return rpl_msg_put_store(skb, h, s, 0, 0);
}

static int dump_sources(struct sk_buff *skb, const struct rpl_msg_head *h, struct rpl_store *s,
			struct dump_pos *pos)
{
	struct rpl_volume *vol;

	while ((vol = rpl_store_next_volume(s, pos->id))) {
		if (rpl_msg_put_source(skb, h, vol))
			return -EMSGSIZE;
		pos->id = vol->id;
	}
	return 0;
}

static int dump_clones(struct sk_buff *skb, const struct rpl_msg_head *h, struct rpl_store *s,
		       struct dump_pos *pos)
{
	struct rpl_clone *c;

	while ((c = rpl_store_next_clone(s, pos->id))) {
		if (rpl_msg_put_clone(skb, h, c, 0, 0, 0))
			return -EMSGSIZE;
		pos->id = c->id;
	}
	return 0;
}

static int dump_groups(struct sk_buff *skb, const struct rpl_msg_head *h, struct rpl_store *s,
		       struct dump_pos *pos)
{
	struct rpl_group *g = pos->has_uuid ? rpl_store_group_by_uuid(s, pos->uuid) : NULL;

	/* It went meanwhile: the sequence says so, and the reader asks again. */
	if (pos->has_uuid && !g)
		return 0;
	while ((g = rpl_store_next_group(s, g))) {
		if (rpl_msg_put_group(skb, h, g, 0, 0, true))
			return -EMSGSIZE;
		memcpy(pos->uuid, g->uuid, sizeof(pos->uuid));
		pos->has_uuid = true;
	}
	return 0;
}

int rpl_nl_store_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump_all(skb, cb, RPL_A_STORE_STORE, 0, RPL_CMD_STORE_GET, dump_one_store);
}

int rpl_nl_source_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump_all(skb, cb, RPL_A_SOURCE_STORE, RPL_A_SOURCE_ID, RPL_CMD_SOURCE_GET,
			dump_sources);
}

int rpl_nl_relation_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump_all(skb, cb, RPL_A_RELATION_STORE, RPL_A_RELATION_ID, RPL_CMD_RELATION_GET,
			dump_clones);
}

int rpl_nl_group_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump_all(skb, cb, RPL_A_GROUP_STORE, RPL_A_GROUP_UUID, RPL_CMD_GROUP_GET,
			dump_groups);
}

/* ---- commands ---- */

/* GENL_ADMIN_PERM has asked for CAP_NET_ADMIN only, which network daemons have too (F32). */
static int check_admin(struct sk_buff *req, struct genl_info *info)
{
	if (netlink_capable(req, CAP_SYS_ADMIN))
		return 0;
	GENL_SET_ERR_MSG(info, "commands need CAP_SYS_ADMIN in the initial user namespace");
	return -EPERM;
}

/*
 * Answer with the cookie, then queue: so the answer comes before the result, and what could not be
 * answered does not happen. Takes the caller's reference of cmd.
 */
static int accept(struct genl_info *info, struct rpl_command *cmd)
{
	struct rpl_why why = {};
	struct rpl_msg_head h;
	struct sk_buff *skb;
	void *hdr;
	int r;

	cmd->portid = info->snd_portid;
	r = rpl_command_check(cmd, &why);
	if (r) {
		r = refuse(info, &why, r);
		goto out;
	}
	r = -ENOMEM;
	skb = reply_new(info, &h);
	if (!skb)
		goto out;
	hdr = rpl_msg_begin(skb, &h);
	r = hdr ? 0 : -EMSGSIZE;
	if (!r)
		r = rpl_msg_end(skb, hdr,
				nla_put_u32(skb, RPL_A_COMMAND_STORE, cmd->devt)
					?: PUT_U64(skb, RPL_A_COMMAND_COOKIE, cmd->cookie,
						   RPL_A_COMMAND_PAD));
	r = reply_send(info, skb, r);
	if (!r)
		rpl_command_submit(cmd);
out:
	rpl_command_put(cmd);
	return r;
}

/* Settings take effect at once: there is nothing to wait for, and the answer says what holds. */
int rpl_nl_store_modify_doit(struct sk_buff *req, struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;
	struct rpl_settings set = {};
	struct rpl_why why = {};
	struct rpl_msg_head h;
	struct rpl_store *s;
	struct sk_buff *skb;
	int r = check_admin(req, info);

	if (r)
		return r;
	set.has_low_water = attrs[RPL_A_STORE_LOW_WATER];
	if (set.has_low_water)
		set.low_water_sectors = nla_get_u64(attrs[RPL_A_STORE_LOW_WATER]) >> SECTOR_SHIFT;
	if (attrs[RPL_A_STORE_OVERFLOW])
		set.overflow = nla_get_u32(attrs[RPL_A_STORE_OVERFLOW]);
	if (attrs[RPL_A_STORE_QUEUE_TIMEOUT])
		set.queue_timeout_ms = nla_get_u32(attrs[RPL_A_STORE_QUEUE_TIMEOUT]) ?: U32_MAX;
	r = rpl_settings_check(&set, &why);
	if (r)
		return refuse(info, &why, r);
	s = named_store(info, RPL_A_STORE_STORE);
	if (IS_ERR(s))
		return PTR_ERR(s);
	r = -ENOMEM;
	skb = reply_new(info, &h);
	if (skb) {
		rpl_settings_set(s, &set);
		rpl_event_store(s, RPL_EVENT_STATE);
		r = reply_send(info, skb, rpl_msg_put_store(skb, &h, s, 0, 0));
	}
	rpl_store_put(s);
	return r;
}

static bool is_member(const struct nlattr *attr)
{
	return nla_type(attr) == RPL_A_COMMAND_MEMBER;
}

static int parse_member(struct genl_info *info, const struct nlattr *attr,
			struct rpl_member_spec *m)
{
	struct nlattr *tb[RPL_A_MEMBER_MAX + 1];
	int r = nla_parse_nested(tb, RPL_A_MEMBER_MAX, attr, rpl_nl_member_policy, info->extack);

	if (r)
		return r;
	if (!tb[RPL_A_MEMBER_ID] || !tb[RPL_A_MEMBER_VOLUME_ID] || !tb[RPL_A_MEMBER_UUID]) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "a member needs its id, the source's volume id and a uuid");
		return -EINVAL;
	}
	m->kind = tb[RPL_A_MEMBER_KIND] ? nla_get_u32(tb[RPL_A_MEMBER_KIND]) : RPL_KIND_CLONE;
	m->read_only = tb[RPL_A_MEMBER_READ_ONLY];
	m->clone_id = nla_get_u32(tb[RPL_A_MEMBER_ID]);
	m->volume_id = nla_get_u32(tb[RPL_A_MEMBER_VOLUME_ID]);
	memcpy(m->uuid, nla_data(tb[RPL_A_MEMBER_UUID]), sizeof(m->uuid));
	return 0;
}

static u64 attr_u64(struct genl_info *info, int attr)
{
	return info->attrs[attr] ? nla_get_u64(info->attrs[attr]) : 0;
}

static struct rpl_group_spec *parse_group(struct genl_info *info)
{
	struct rpl_group_spec *spec;
	const struct nlattr *attr;
	unsigned int nr = 0;
	int left, r;

	nla_for_each_attr(attr, genlmsg_data(info->genlhdr), genlmsg_len(info->genlhdr), left)
		nr += is_member(attr);
	if (!nr)
		return ERR_PTR(missing(info, RPL_A_COMMAND_MEMBER, "the group has no member"));
	if (nr > RPL_MEMBERS_MAX) {
		GENL_SET_ERR_MSG(info, "the group has more than 1024 members");
		return ERR_PTR(-E2BIG);
	}
	spec = kvzalloc(struct_size(spec, member, nr), GFP_KERNEL);
	if (!spec)
		return ERR_PTR(-ENOMEM);
	memcpy(spec->uuid, nla_data(info->attrs[RPL_A_COMMAND_GROUP_UUID]), sizeof(spec->uuid));
	nla_for_each_attr(attr, genlmsg_data(info->genlhdr), genlmsg_len(info->genlhdr), left) {
		struct rpl_member_spec *m = &spec->member[spec->nr];

		if (!is_member(attr))
			continue;
		r = parse_member(info, attr, m);
		if (r) {
			kvfree(spec);
			return ERR_PTR(r);
		}
		m->min_bytes_s = attr_u64(info, RPL_A_COMMAND_MIN_RATE);
		m->max_bytes_s = attr_u64(info, RPL_A_COMMAND_MAX_RATE);
		spec->nr++;
	}
	return spec;
}

int rpl_nl_group_create_doit(struct sk_buff *req, struct genl_info *info)
{
	struct rpl_group_spec *spec;
	struct rpl_command *cmd;
	struct rpl_store *s;
	int r = check_admin(req, info);

	if (r)
		return r;
	if (!info->attrs[RPL_A_COMMAND_GROUP_UUID])
		return missing(info, RPL_A_COMMAND_GROUP_UUID, "the group's uuid is missing");
	spec = parse_group(info);
	if (IS_ERR(spec))
		return PTR_ERR(spec);
	s = named_store(info, RPL_A_COMMAND_STORE);
	if (IS_ERR(s)) {
		kvfree(spec);
		return PTR_ERR(s);
	}
	cmd = rpl_command_new_create(s, spec);
	rpl_store_put(s);
	return IS_ERR(cmd) ? PTR_ERR(cmd) : accept(info, cmd);
}

/* What relation-modify asks for; how its attributes belong together is command.c's to check. */
static int parse_modify(struct genl_info *info, struct rpl_modify_spec *m)
{
	struct nlattr **attrs = info->attrs;

	if (!attrs[RPL_A_COMMAND_ACTION])
		return missing(info, RPL_A_COMMAND_ACTION, "the action is missing");
	if (!attrs[RPL_A_COMMAND_ID] == !attrs[RPL_A_COMMAND_GROUP_UUID])
		return missing(info, RPL_A_COMMAND_ID,
			       "say either the id of a relation or the uuid of a group");
	m->action = nla_get_u32(attrs[RPL_A_COMMAND_ACTION]);
	m->force = nla_get_flag(attrs[RPL_A_COMMAND_FORCE]);
	m->has_min = attrs[RPL_A_COMMAND_MIN_RATE];
	m->has_max = attrs[RPL_A_COMMAND_MAX_RATE];
	m->min_bytes_s = attr_u64(info, RPL_A_COMMAND_MIN_RATE);
	m->max_bytes_s = attr_u64(info, RPL_A_COMMAND_MAX_RATE);
	if (attrs[RPL_A_COMMAND_ID])
		m->id = nla_get_u32(attrs[RPL_A_COMMAND_ID]);
	else
		memcpy(m->group_uuid, nla_data(attrs[RPL_A_COMMAND_GROUP_UUID]),
		       sizeof(m->group_uuid));
	return 0;
}

int rpl_nl_relation_modify_doit(struct sk_buff *req, struct genl_info *info)
{
	struct rpl_modify_spec m = {};
	struct rpl_command *cmd;
	struct rpl_store *s;
	int r;

	r = check_admin(req, info) ?: parse_modify(info, &m);
	if (r)
		return r;
	s = named_store(info, RPL_A_COMMAND_STORE);
	if (IS_ERR(s))
		return PTR_ERR(s);
	cmd = rpl_command_new_modify(s, &m);
	rpl_store_put(s);
	return IS_ERR(cmd) ? PTR_ERR(cmd) : accept(info, cmd);
}

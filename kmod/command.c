// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands: checked at once, carried out one after the other on the store's ctl_wq, and remembered.
 * Netlink (nl.c) and dm messages (message.c) make them; both get the same checks and sentences.
 *
 * Lock: commands_lock guards the list of the last commands and the status and result of each. A
 * command is held by its maker, by its place in the list, and by its work while that is pending.
 */
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include "control.h"
#include "control-int.h"
#include "format.h"
#include "state.h"

#define DM_MSG_PREFIX "replica-store"
#define REMEMBERED    256 /* commands that are done and can still be asked for */
#define QUEUED_MAX    256 /* commands that are not done yet, on the machine */

static DEFINE_SPINLOCK(commands_lock);
static LIST_HEAD(commands); /* oldest first */
static unsigned int nr_done, nr_queued;
static u64 next_cookie;
static DECLARE_WAIT_QUEUE_HEAD(idle_wait);

static void command_run(struct work_struct *work);

/* ---- life ---- */

static struct rpl_command *command_new(struct rpl_store *s, enum rpl_command_kind kind)
{
	struct rpl_command *cmd = kzalloc(sizeof(*cmd), GFP_KERNEL);

	if (!cmd)
		return NULL;
	kref_init(&cmd->kref);
	INIT_WORK(&cmd->work, command_run);
	INIT_LIST_HEAD(&cmd->list);
	init_completion(&cmd->done);
	cmd->kind = kind;
	cmd->status = RPL_COMMAND_STATUS_QUEUED;
	cmd->devt = s->devt;
	cmd->store = rpl_store_get(s);
	spin_lock(&commands_lock);
	cmd->cookie = next_cookie++;
	spin_unlock(&commands_lock);
	return cmd;
}

/* The parameters and the store are not needed any more. */
static void drop_input(struct rpl_command *cmd)
{
	struct rpl_store *s = cmd->store;

	kvfree(cmd->create);
	cmd->create = NULL;
	cmd->store = NULL;
	if (s)
		rpl_store_put(s);
}

static void command_free(struct kref *kref)
{
	struct rpl_command *cmd = container_of(kref, struct rpl_command, kref);

	drop_input(cmd);
	kfree(cmd);
}

void rpl_command_put(struct rpl_command *cmd)
{
	kref_put(&cmd->kref, command_free);
}

struct rpl_command *rpl_command_new_create(struct rpl_store *s, struct rpl_group_spec *spec)
{
	struct rpl_command *cmd = command_new(s, RPL_COMMAND_KIND_GROUP_CREATE);

	if (!cmd) {
		kvfree(spec);
		return ERR_PTR(-ENOMEM);
	}
	cmd->create = spec;
	memcpy(cmd->group_uuid, spec->uuid, sizeof(cmd->group_uuid));
	return cmd;
}

struct rpl_command *rpl_command_new_modify(struct rpl_store *s, const struct rpl_modify_spec *spec)
{
	struct rpl_command *cmd = command_new(s, RPL_COMMAND_KIND_RELATION_MODIFY);

	if (!cmd)
		return ERR_PTR(-ENOMEM);
	cmd->modify = *spec;
	memcpy(cmd->group_uuid, spec->group_uuid, sizeof(cmd->group_uuid));
	return cmd;
}

struct rpl_command *rpl_command_find(u64 cookie)
{
	struct rpl_command *cmd;

	spin_lock(&commands_lock);
	list_for_each_entry_reverse(cmd, &commands, list) {
		if (cmd->cookie == cookie) {
			kref_get(&cmd->kref);
			spin_unlock(&commands_lock);
			return cmd;
		}
	}
	spin_unlock(&commands_lock);
	return NULL;
}

void rpl_command_stat_get(struct rpl_command *cmd, struct rpl_command_stat *out)
{
	memset(out, 0, sizeof(*out));
	out->devt = cmd->devt;
	out->cookie = cmd->cookie;
	out->kind = cmd->kind;
	memcpy(out->group_uuid, cmd->group_uuid, sizeof(out->group_uuid));
	spin_lock(&commands_lock);
	out->status = cmd->status;
	out->error = cmd->error;
	out->why = cmd->why;
	spin_unlock(&commands_lock);
}

/* ---- create: checks ---- */

/* A uuid of zeroes is no uuid. The rest is rpl_group_check()'s. */
static int check_uuids(const struct rpl_group_spec *spec, struct rpl_why *why)
{
	u32 i;

	if (!memchr_inv(spec->uuid, 0, sizeof(spec->uuid))) {
		rpl_why(why, 0, "the group's uuid is all zero");
		return -EINVAL;
	}
	for (i = 0; i < spec->nr; i++) {
		const struct rpl_member_spec *m = &spec->member[i];

		if (!memchr_inv(m->uuid, 0, sizeof(m->uuid))) {
			rpl_why(why, m->clone_id, "%s %u: the relation's uuid is all zero",
				rpl_kind_name(m->kind), m->clone_id);
			return -EINVAL;
		}
	}
	return 0;
}

static int check_create(struct rpl_store *s, const struct rpl_group_spec *spec, bool promise,
			struct rpl_why *why)
{
	int r = check_uuids(spec, why) ?: rpl_group_check(s, spec, why);

	if (r)
		return r;
	mutex_lock(&s->ctl_mutex);
	r = rpl_persist_room(s, spec, promise, why);
	mutex_unlock(&s->ctl_mutex);
	return r;
}

/* ---- modify ---- */

/* Can the action be done to a relation of this kind in this state? */
static bool applies(const struct rpl_modify_spec *m, const struct rpl_clone *c)
{
	enum rpl_state state = READ_ONCE(c->state);

	if (c->kind == RPL_KIND_SNAPSHOT || m->action == RPL_ACTION_DELETE)
		return c->kind == RPL_KIND_SNAPSHOT && m->action == RPL_ACTION_DELETE &&
		       (state == RPL_STATE_SYNCHRONIZED || state == RPL_STATE_FAILED);
	switch (m->action) {
	case RPL_ACTION_SUSPEND:
		return state != RPL_STATE_SUSPENDED && rpl_state_may(state, RPL_STATE_SUSPENDED);
	case RPL_ACTION_RESUME:
		return state == RPL_STATE_SUSPENDED;
	case RPL_ACTION_ABORT:
		return rpl_state_may(state, RPL_STATE_ABORTED);
	case RPL_ACTION_DETACH:
		return rpl_state_may(state, RPL_STATE_DETACHED) &&
		       (m->force || !rpl_state_unfinished(state));
	case RPL_ACTION_SET_RATE:
		/* before the point in time: the rate that the copy starts with */
		return rpl_state_unfinished(state) || state == RPL_STATE_PREPARED ||
		       state == RPL_STATE_SYNCHRONIZED;
	default:
		return false;
	}
}

/* All relations of a group or none: half of it gone helps nobody. */
static bool all_or_none(const struct rpl_modify_spec *m)
{
	return m->action == RPL_ACTION_DETACH || m->action == RPL_ACTION_DELETE;
}

/* Is the relation already as the action would make it? Asking twice is no error. */
static bool already(const struct rpl_modify_spec *m, const struct rpl_clone *c)
{
	enum rpl_state state = READ_ONCE(c->state);

	if (c->kind == RPL_KIND_SNAPSHOT)
		return false;
	return (m->action == RPL_ACTION_SUSPEND && state == RPL_STATE_SUSPENDED) ||
	       (m->action == RPL_ACTION_RESUME &&
		(state == RPL_STATE_COPYING || state == RPL_STATE_RESYNCING)) ||
	       (m->action == RPL_ACTION_ABORT && state == RPL_STATE_ABORTED);
}

static int refuse_state(const struct rpl_modify_spec *m, struct rpl_clone *c, struct rpl_why *why)
{
	enum rpl_state state = READ_ONCE(c->state);

	if (m->action == RPL_ACTION_DETACH && c->kind == RPL_KIND_CLONE &&
	    rpl_state_unfinished(state)) {
		rpl_why(why, c->id, "clone %u is %s: abort it first, or detach it with force",
			c->id, rpl_state_name(state));
		return -EBUSY;
	}
	rpl_why(why, c->id, "%s %u is %s, it cannot be told to %s", rpl_kind_name(c->kind), c->id,
		rpl_state_name(state), rpl_action_name(m->action));
	return -EINVAL;
}

static int check_modify_spec(const struct rpl_modify_spec *m, struct rpl_why *why)
{
	bool rate = m->action == RPL_ACTION_SET_RATE;

	if (rate != (m->has_min || m->has_max)) {
		rpl_why(why, m->id,
			rate ? "set-rate needs a least or a greatest rate"
			     : "a rate belongs to set-rate only");
		return -EINVAL;
	}
	if (m->has_min && m->max_bytes_s && m->min_bytes_s > m->max_bytes_s) {
		rpl_why(why, m->id, "the least rate %llu is above the greatest, %llu",
			m->min_bytes_s, m->max_bytes_s);
		return -EINVAL;
	}
	if (m->force && m->action != RPL_ACTION_DETACH) {
		rpl_why(why, m->id, "force belongs to detach only");
		return -EINVAL;
	}
	return 0;
}

/*
 * The relations that are meant, with a reference each; *nr of them. A group: those that the action
 * applies to; for detach and delete all of them or an error. ctl_mutex
 * is taken. Ends with an error if there is nothing to do and nothing is as wanted.
 */
static int find_clones(struct rpl_store *s, const struct rpl_modify_spec *m, struct rpl_clone **out,
		       unsigned int *nr, struct rpl_why *why)
{
	struct rpl_clone *c, *refused = NULL;
	struct rpl_group *g = NULL;
	bool fine = false;
	int r = 0;

	*nr = 0;
	mutex_lock(&s->ctl_mutex);
	if (!m->id) {
		g = rpl_store_group_by_uuid(s, m->group_uuid);
		if (!g) {
			rpl_why(why, 0, "there is no group %pU in store %s", m->group_uuid,
				s->name);
			r = -ENOENT;
		}
	}
	list_for_each_entry(c, &s->clones, list) {
		if (r || (g ? c->group != g : c->id != m->id))
			continue;
		if (applies(m, c) && *nr < RPL_ID_MAX)
			out[(*nr)++] = rpl_clone_get(c);
		else if (already(m, c))
			fine = true;
		else
			refused = c;
	}
	if (!r && refused && (all_or_none(m) || (!*nr && !fine))) {
		r = refuse_state(m, refused, why);
	} else if (!r && !*nr && !fine) {
		rpl_why(why, m->id, "there is no relation %u in store %s", m->id, s->name);
		r = -ENOENT;
	}
	mutex_unlock(&s->ctl_mutex);
	while (r && *nr)
		rpl_clone_put(out[--*nr]);
	return r;
}

static int modify_one(struct rpl_store *s, const struct rpl_modify_spec *m, struct rpl_clone *c,
		      struct rpl_why *why)
{
	switch (m->action) {
	case RPL_ACTION_SUSPEND:
		return rpl_clone_suspend(s, c, why);
	case RPL_ACTION_RESUME:
		return rpl_clone_resume(s, c, why);
	case RPL_ACTION_ABORT:
		return rpl_clone_abort(s, c, why);
	case RPL_ACTION_DETACH:
		return rpl_clone_detach(s, c, m->force, why);
	case RPL_ACTION_SET_RATE:
		return rpl_clone_set_rate(s, c, m->has_min ? m->min_bytes_s : c->min_bytes_s,
					  m->has_max ? m->max_bytes_s : c->max_bytes_s, why);
	case RPL_ACTION_DELETE:
		return rpl_snap_delete(s, c, why);
	default:
		rpl_why(why, c->id, "action %u is not known", m->action);
		return -EOPNOTSUPP;
	}
}

/* Check only, or check and do: to every relation that is meant, or up to the first error. */
static int modify(struct rpl_store *s, const struct rpl_modify_spec *m, bool act,
		  struct rpl_why *why)
{
	struct rpl_clone **clones;
	unsigned int nr, i;
	int r = check_modify_spec(m, why);

	if (r)
		return r;
	clones = kvcalloc(RPL_ID_MAX, sizeof(*clones), GFP_KERNEL);
	if (!clones) {
		rpl_why(why, m->id, "no memory");
		return -ENOMEM;
	}
	r = find_clones(s, m, clones, &nr, why);
	for (i = 0; i < nr; i++) {
		if (act && !r) {
			r = modify_one(s, m, clones[i], why);
			/* It ended by itself, or another way, since it was looked at. */
			if (r && !applies(m, clones[i]) && !m->id && !all_or_none(m))
				r = 0;
		}
		rpl_clone_put(clones[i]);
	}
	kvfree(clones);
	return r;
}

/* ---- queue ---- */

int rpl_command_check(struct rpl_command *cmd, struct rpl_why *why)
{
	struct rpl_store *s = cmd->store;

	if (READ_ONCE(s->mode) != RPL_STORE_MODE_OPEN) {
		rpl_why(why, 0, "store %s is %s: no command is taken", s->name,
			rpl_store_mode_name(READ_ONCE(s->mode)));
		return -EIO;
	}
	if (READ_ONCE(nr_queued) >= QUEUED_MAX) {
		rpl_why(why, 0, "store %s: %u commands are waiting already, try again", s->name,
			QUEUED_MAX);
		return -EBUSY;
	}
	if (cmd->create)
		return check_create(s, cmd->create, false, why);
	return modify(s, &cmd->modify, false, why);
}

void rpl_command_submit(struct rpl_command *cmd)
{
	kref_get(&cmd->kref); /* the list */
	kref_get(&cmd->kref); /* the work */
	spin_lock(&commands_lock);
	list_add_tail(&cmd->list, &commands);
	nr_queued++;
	spin_unlock(&commands_lock);
	queue_work(cmd->store->ctl_wq, &cmd->work);
}

/* Forget the oldest command that is done. commands_lock held. */
static struct rpl_command *forget_one(void)
{
	struct rpl_command *cmd;

	list_for_each_entry(cmd, &commands, list) {
		if (cmd->status == RPL_COMMAND_STATUS_DONE) {
			list_del_init(&cmd->list);
			nr_done--;
			return cmd;
		}
	}
	return NULL;
}

static void set_running(struct rpl_command *cmd)
{
	spin_lock(&commands_lock);
	cmd->status = RPL_COMMAND_STATUS_RUNNING;
	spin_unlock(&commands_lock);
}

static void set_done(struct rpl_command *cmd, int error, const struct rpl_why *why)
{
	struct rpl_command *old = NULL;

	spin_lock(&commands_lock);
	cmd->status = RPL_COMMAND_STATUS_DONE;
	cmd->error = -error;
	if (error)
		cmd->why = *why;
	if (++nr_done > REMEMBERED)
		old = forget_one();
	spin_unlock(&commands_lock);
	if (old)
		rpl_command_put(old);
}

static void command_run(struct work_struct *work)
{
	struct rpl_command *cmd = container_of(work, struct rpl_command, work);
	struct rpl_store *s = cmd->store;
	struct rpl_why why = {};
	int r;

	set_running(cmd);
	r = cmd->create ? check_create(s, cmd->create, true, &why)
			: modify(s, &cmd->modify, true, &why);
	if (cmd->create && !r)
		r = rpl_group_create(s, cmd->create, &why);
	if (r && !why.text[0])
		rpl_why(&why, 0, "%s failed (%d)", rpl_command_kind_name(cmd->kind), r);
	if (r)
		DMWARN("%s: %s: %s", s->name, rpl_command_kind_name(cmd->kind), why.text);
	set_done(cmd, r, &why);
	rpl_nl_send_done(cmd);
	complete_all(&cmd->done);
	drop_input(cmd);
	rpl_command_put(cmd);
	spin_lock(&commands_lock);
	if (!--nr_queued)
		wake_up_all(&idle_wait);
	spin_unlock(&commands_lock);
}

/* ---- module ---- */

void rpl_command_init(void)
{
	/* So that a cookie of an earlier load of the module names nothing now. */
	next_cookie = (u64)get_random_u32() << 32 | 1;
}

void rpl_command_exit(void)
{
	struct rpl_command *cmd;

	wait_event(idle_wait, !READ_ONCE(nr_queued));
	/* The last one to wake us has left the lock when we get it. */
	spin_lock(&commands_lock);
	cmd = forget_one();
	spin_unlock(&commands_lock);
	while (cmd) {
		rpl_command_put(cmd);
		spin_lock(&commands_lock);
		cmd = forget_one();
		spin_unlock(&commands_lock);
	}
}

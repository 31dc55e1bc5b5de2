// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * backend.c - the backend of a simulated node: a queue before its storage, a clock that makes
 * copies go on, and the handles by which tests play fate (fate.h).
 *
 * Loop thread only; one instance.
 */
#include <errno.h>

#include "engine/model.h"
#include "sim/fate.h"
#include "sim/sim.h"
#include "sim/storage.h"

#define TICK_US		(100 * 1000ull)
#define COPIES_PER_TICK 100 /* with more of them each is told less often */

struct call {
	TAILQ_ENTRY(call) link;
	struct backend_request *req;
	backend_done_fn done;
	void *arg;
};

struct backend {
	sd_event *loop;
	const struct smisd_config *cfg;
	struct backend_events events;
	struct sim_storage storage;
	TAILQ_HEAD(, call) queue;
	sd_event_source *run, *tick;
};

static struct backend *the; /* for the handles */
static bool manual_clock, disconnected, hidden;
static struct {
	unsigned int in;
	int error;
	char reason[BACKEND_REASON_LEN];
} fates[BACKEND_NR_OPS];

static void on_changed(const struct backend_relation *r, void *arg)
{
	struct backend *b = arg;

	if (!disconnected)
		b->events.relation(r, b->events.arg);
}

/* ---- the queue */

static int carry_out(struct backend *b, const struct backend_request *req, struct sim_answer *a)
{
	if (fates[req->op].in && !--fates[req->op].in)
		return sim_refuse(a, fates[req->op].error, "%s", fates[req->op].reason);
	b->storage.hidden = hidden;
	return sim_carry_out(&b->storage, req, a);
}

static void complete(struct call *c, struct sim_answer *a)
{
	a->reply.reason = a->reason;
	a->reply.pools = a->pools.v;
	a->reply.nr_pools = a->pools.n;
	a->reply.volumes = a->volumes.v;
	a->reply.nr_volumes = a->volumes.n;
	a->reply.relations = a->relations.v;
	a->reply.nr_relations = a->relations.n;
	a->reply.groups = a->groups.v;
	a->reply.nr_groups = a->groups.n;
	a->reply.spaces = a->spaces.v;
	a->reply.nr_spaces = a->spaces.n;
	if (c->done)
		c->done(&a->reply, c->arg);
	sim_answer_done(a);
	backend_request_free(c->req);
	free(c);
}

static void arm(struct backend *b);

static void run_one(struct backend *b)
{
	struct call *c = TAILQ_FIRST(&b->queue);
	struct sim_answer a = { 0 };

	b->run = sd_event_source_disable_unref(b->run);
	TAILQ_REMOVE(&b->queue, c, link);
	fault_point("sim:before");
	a.reply.error = carry_out(b, c->req, &a);
	fault_point("sim:after");
	if (disconnected)
		a.reply.error = sim_refuse(&a, -ENOTCONN, "smisd-priv does not answer");
	complete(c, &a);
	arm(b);
}

static int run_now(sd_event_source *src, void *arg)
{
	(void)src;
	run_one(arg);
	return 0;
}

static int run_later(sd_event_source *src, uint64_t usec, void *arg)
{
	(void)src, (void)usec;
	run_one(arg);
	return 0;
}

static void arm(struct backend *b)
{
	uint32_t delay_ms;
	int ret;

	if (b->run || TAILQ_EMPTY(&b->queue))
		return;
	delay_ms = sim_faults_delay_ms(&b->storage, TAILQ_FIRST(&b->queue)->req);
	if (!delay_ms)
		delay_ms = b->cfg->sim.op_delay_ms;
	if (delay_ms)
		ret = sd_event_add_time_relative(b->loop, &b->run, CLOCK_MONOTONIC,
						 (uint64_t)delay_ms * 1000, 1, run_later, b);
	else
		ret = sd_event_add_defer(b->loop, &b->run, run_now, b);
	if (ret < 0)
		abort();
}

static void sim_call(struct backend *b, const struct backend_request *req, backend_done_fn done,
		     void *arg)
{
	struct call *c = new0(struct call);

	c->req = backend_request_dup(req);
	c->done = done;
	c->arg = arg;
	TAILQ_INSERT_TAIL(&b->queue, c, link);
	arm(b);
}

static int on_tick(sd_event_source *src, uint64_t usec, void *arg)
{
	struct backend *b = arg;
	uint64_t now = now_us(), clock_us = b->storage.table.f->clock_us;

	if (now > clock_us)
		sim_copy(&b->storage, now - clock_us);
	sd_event_source_set_time(src,
				 usec + TICK_US * (1 + b->storage.nr_copying / COPIES_PER_TICK));
	sd_event_source_set_enabled(src, SD_EVENT_ONESHOT);
	return 0;
}

static int sim_start(struct backend **out, sd_event *loop, const struct smisd_config *cfg,
		     const struct backend_events *events, char *why, size_t why_size)
{
	struct backend *b = new0(struct backend);
	uint64_t now;
	int ret;

	b->loop = loop;
	b->cfg = cfg;
	b->events = *events;
	b->storage.changed = on_changed;
	b->storage.arg = b;
	TAILQ_INIT(&b->queue);
	ret = sim_storage_open(&b->storage, cfg, why, why_size);
	if (ret) {
		free(b);
		return ret;
	}
	sd_event_now(loop, CLOCK_MONOTONIC, &now);
	if (!manual_clock)
		sd_event_add_time(loop, &b->tick, CLOCK_MONOTONIC, now + TICK_US, TICK_US / 10,
				  on_tick, b);
	the = *out = b;
	b->events.status(true, true, "", b->events.arg);
	return 0;
}

static void sim_stop(struct backend *b)
{
	struct call *c;

	sd_event_source_disable_unref(b->run);
	sd_event_source_disable_unref(b->tick);
	while ((c = TAILQ_FIRST(&b->queue))) {
		struct sim_answer a = { .reply.error = -ENOTCONN,
					.reason = "the service is stopping" };

		TAILQ_REMOVE(&b->queue, c, link);
		complete(c, &a);
	}
	sim_storage_close(&b->storage);
	if (the == b)
		the = NULL;
	free(b);
}

const struct backend_ops backend_sim = {
	.name = "sim",
	.max_volume_id = SIM_MAX - 1,
	.max_snapshot_id = 2 * SIM_MAX - 1,
	.start = sim_start,
	.call = sim_call,
	.stop = sim_stop,
};

void sim_fail_operations(void)
{
	if (the)
		the->storage.fail_operations = true;
}

/* ---- the handles of tests */

void sim_manual_clock(bool manual)
{
	manual_clock = manual;
}

void sim_advance(uint64_t us)
{
	sim_copy(&the->storage, us);
}

void sim_fail(enum backend_op op, unsigned int nth, int error, const char *reason)
{
	fates[op].in = nth;
	fates[op].error = error;
	snprintf(fates[op].reason, sizeof(fates[op].reason), "%s", reason);
}

void sim_disconnected(bool on)
{
	bool was = disconnected;

	disconnected = on;
	if (was && !on && the)
		the->events.resync(the->events.arg);
}

void sim_hide(bool on)
{
	hidden = on;
}

void sim_set_open(const char *uuid, bool open)
{
	sim_volume(&the->storage.table, uuid)->open = open;
}

void sim_lose_volume(const char *uuid)
{
	sim_volume_remove(&the->storage.table, sim_volume(&the->storage.table, uuid));
}

void sim_fail_relation(const char *target_uuid, const char *reason)
{
	sim_relation_fail(&the->storage, sim_relation_to(&the->storage.table, target_uuid), reason);
}

void sim_drop_relation(const char *target_uuid)
{
	sim_relation_drop(&the->storage, sim_relation_to(&the->storage.table, target_uuid));
}

void sim_make_snapshot(const char *source_uuid, const char *uuid, uint32_t id, bool read_only)
{
	struct backend_pair p = { .snapshot_id = id, .read_only = read_only };

	snprintf(p.source, sizeof(p.source), "%s", source_uuid);
	snprintf(p.relation, sizeof(p.relation), "%s", uuid);
	if (!sim_snapshot_add(&the->storage, uuid, &p, now_us()))
		abort();
}

const char *sim_dm_table(const char *uuid)
{
	const struct sim_volume *v = sim_volume(&the->storage.table, uuid);

	if (v && *v->snapshot_of)
		return sim_relation_to(&the->storage.table, uuid)->read_only ? "snap ro" : "snap";
	return !v ? "" : *v->clone_of ? "clone" : "source";
}

size_t sim_nr_relations(void)
{
	size_t n = 0;

	for (struct sim_relation *r = NULL; (r = sim_next_relation(&the->storage.table, r));)
		n++;
	return n;
}

size_t sim_nr_volumes(void)
{
	size_t n = 0;

	for (struct sim_volume *v = NULL; (v = sim_next_volume(&the->storage.table, v));)
		n++;
	return n;
}

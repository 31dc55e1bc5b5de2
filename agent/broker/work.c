// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * work.c - operations that are made in pieces and have their answer at the end only: Open..., and
 * all that a client wants in one piece; and queries until they have found something. They take
 * turns, a slice of time each, and in between the loop serves others.
 */
#include <systemd/sd-event.h>
#include <time.h>

#include "base/log.h"
#include "broker/internal.h"

#define SLICE_US 5000

/*
 * A timer, not a defer source: it is pending again only after the loop has looked at all others,
 * which then come first.
 */
static void again(struct broker *b)
{
	sd_event_source_set_time(b->work, 0);
	sd_event_source_set_enabled(b->work, SD_EVENT_ONESHOT);
}

static int on_work(sd_event_source *src, uint64_t usec, void *arg)
{
	struct broker *b = arg;
	uint64_t until = cim_clock_us() + SLICE_US;
	struct cim_call *c = b->work_first;

	(void)src, (void)usec;
	if (!c)
		return 0;
	broker_work_drop(c);
	if (broker_stream_next(c, c->looks ? 1 : SIZE_MAX, until)) {
		if (c->looks && c->n_sent) {
			c->streams = true;
			c->sink->streams(c->sink);
		} else {
			broker_work_add(c); /* behind the others */
		}
	}
	if (b->work_first)
		again(b);
	return 0;
}

void broker_work_add(struct cim_call *c)
{
	struct broker *b = c->broker;

	c->working = true;
	c->work_next = NULL;
	c->work_prev = b->work_last;
	if (b->work_last)
		b->work_last->work_next = c;
	else
		b->work_first = c;
	b->work_last = c;
	again(b);
}

void broker_work_drop(struct cim_call *c)
{
	struct broker *b = c->broker;

	if (!c->working)
		return;
	c->working = false;
	if (c->work_prev)
		c->work_prev->work_next = c->work_next;
	else
		b->work_first = c->work_next;
	if (c->work_next)
		c->work_next->work_prev = c->work_prev;
	else
		b->work_last = c->work_prev;
}

void broker_work_start(struct broker *b, struct sd_event *loop)
{
	broker_work_stop(b);
	if (!loop)
		return;
	if (sd_event_add_time(loop, &b->work, CLOCK_MONOTONIC, 0, 1, on_work, b) < 0) {
		log_err("no memory for work in pieces");
		b->work = NULL;
		return;
	}
	sd_event_source_set_enabled(b->work, SD_EVENT_OFF);
}

void broker_work_stop(struct broker *b)
{
	b->work = sd_event_source_disable_unref(b->work);
}

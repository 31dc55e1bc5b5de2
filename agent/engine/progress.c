// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * progress.c - sums of sets and of jobs with children, when only progress was made. Progress comes
 * for all pairs of a group at about the same time: their sums are made once for it, before the loop
 * waits again, not once for each pair. A change of state is summed at once, by who sees it.
 */
#include "engine/model.h"

void progress_now(struct engine *e)
{
	struct rset *s;
	struct job *j;

	TAILQ_FOREACH(s, &e->sets, link)
	if (s->stale)
		set_update(s);
	TAILQ_FOREACH(j, &e->jobs, link)
	if (j->stale)
		job_refresh(e, j);
}

static int on_stale(sd_event_source *src, void *arg)
{
	(void)src;
	progress_now(arg);
	return 0;
}

int progress_start(struct engine *e)
{
	int ret = sd_event_add_defer(e->loop, &e->stale, on_stale, e);

	return ret < 0 ? ret : sd_event_source_set_enabled(e->stale, SD_EVENT_OFF);
}

void progress_stop(struct engine *e)
{
	e->stale = sd_event_source_disable_unref(e->stale);
}

void progress_of_set(struct engine *e, struct rset *s)
{
	s->stale = true;
	sd_event_source_set_enabled(e->stale, SD_EVENT_ONESHOT);
}

void progress_of_job(struct engine *e, struct job *j)
{
	j->stale = true;
	sd_event_source_set_enabled(e->stale, SD_EVENT_ONESHOT);
}

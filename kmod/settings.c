// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a store behaves when space runs out: what its table line, a message or netlink says, and the
 * defaults. Takes effect at once, also for writes that wait already. ctl_mutex guards what was
 * said; who needs it reads the store's members without a lock.
 */
#define DM_MSG_PREFIX "replica-store"

#include "control.h"
#include "op.h"
#include "shortage.h"
#include "space.h"

#define QUEUE_TIMEOUT_MS 60000

int rpl_settings_check(const struct rpl_settings *set, struct rpl_why *why)
{
	if (set->overflow > RPL_OVERFLOW_MAX) {
		rpl_why(why, 0, "overflow is invalidate or queue");
		return -EINVAL;
	}
	if (set->queue_timeout_ms > RPL_QUEUE_TIMEOUT_MAX) {
		rpl_why(why, 0, "the time-out of the queue is 1 to %u ms", RPL_QUEUE_TIMEOUT_MAX);
		return -EINVAL;
	}
	return 0;
}

/* The mark is of what can be used; metadata that lies among the chunks is not. ctl_mutex held. */
static void apply_mark(struct rpl_store *s)
{
	const struct rpl_settings *set = &s->settings;
	struct rpl_space *sp = s->space;

	if (set->has_low_water)
		rpl_space_set_mark(sp, DIV_ROUND_UP_ULL(set->low_water_sectors, s->chunk_sectors));
	else
		rpl_space_set_mark(sp, div_u64(rpl_space_usable(sp), RPL_LOW_WATER_DEFAULT));
}

/* ctl_mutex held. */
static void apply(struct rpl_store *s)
{
	const struct rpl_settings *set = &s->settings;

	WRITE_ONCE(s->queue_timeout_ms, set->queue_timeout_ms ?: QUEUE_TIMEOUT_MS);
	WRITE_ONCE(s->overflow, set->overflow ?: RPL_OVERFLOW_INVALIDATE);
	if (!s->space)
		return;
	apply_mark(s);
	/* those that wait look again whether they may */
	smp_mb();
	rpl_starved_kick(s);
}

void rpl_settings_set(struct rpl_store *s, const struct rpl_settings *set)
{
	mutex_lock(&s->ctl_mutex);
	if (set->has_low_water) {
		s->settings.has_low_water = true;
		s->settings.low_water_sectors = set->low_water_sectors;
	}
	s->settings.overflow = set->overflow ?: s->settings.overflow;
	s->settings.queue_timeout_ms = set->queue_timeout_ms ?: s->settings.queue_timeout_ms;
	apply(s);
	mutex_unlock(&s->ctl_mutex);
}

void rpl_settings_grown(struct rpl_store *s)
{
	mutex_lock(&s->ctl_mutex);
	apply_mark(s);
	mutex_unlock(&s->ctl_mutex);
}

void rpl_settings_get(struct rpl_store *s, struct rpl_settings *set)
{
	mutex_lock(&s->ctl_mutex);
	*set = s->settings;
	mutex_unlock(&s->ctl_mutex);
}

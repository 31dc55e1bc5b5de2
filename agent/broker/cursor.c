// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cursor.c - open enumerations, see cursor.h. Each has its own arena, which goes as a whole; their
 * sizes are added up against the limit.
 */
#include "broker/cursor.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <systemd/sd-event.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/vec.h"

#define ID_BYTES    16
#define ACCURACY_US 100000

struct item {
	const struct cim_inst *inst; /* NULL: path */
	const struct cim_path *path;
	const bool *mask;
	const struct cim_ns *ns;
};

struct cursor {
	struct cursors *all;
	struct cursor *next, *prev;
	char id[2 * ID_BYTES + 1]; /* "": not open yet */
	enum cursor_kind kind;
	const struct cim_ns *ns;
	char *user;
	bool class_origin;
	uint32_t timeout_s;
	sd_event_source *timer;
	struct arena arena;
	size_t counted_bytes; /* as much of it is in all->bytes */
	VEC(struct item) items;
	size_t at, given;
	const struct cim_class *mask_cls; /* of the last mask that was copied */
	const bool *mask;
};

struct cursors {
	struct broker_limits limits;
	sd_event *loop;
	struct cursor *list;
	size_t n, bytes;
};

struct cursors *cursors_new(const struct broker_limits *l, struct sd_event *loop)
{
	struct cursors *all = new0(struct cursors);

	all->limits = *l;
	if (loop)
		all->loop = sd_event_ref(loop);
	return all;
}

void cursors_free(struct cursors *all)
{
	if (!all)
		return;
	while (all->list)
		cursor_close(all->list);
	sd_event_unref(all->loop);
	free(all);
}

void cursors_change_limits(struct cursors *all, const struct broker_limits *l)
{
	all->limits = *l;
}

const struct broker_limits *cursors_limits(const struct cursors *all)
{
	return &all->limits;
}

size_t cursors_bytes(const struct cursors *all)
{
	return all->bytes;
}

/* ---- one ---- */

static int on_timeout(sd_event_source *src, uint64_t usec, void *arg)
{
	struct cursor *cur = arg;

	(void)src, (void)usec;
	log_debug("enumeration of %s timed out, %zu of %zu objects were not pulled", cur->user,
		  cursor_left(cur), cursor_total(cur));
	cursor_close(cur);
	return 0;
}

static void count_bytes(struct cursor *cur)
{
	size_t now = cur->arena.total_bytes + cur->items.cap * sizeof(*cur->items.v);

	cur->all->bytes += now - cur->counted_bytes;
	cur->counted_bytes = now;
}

struct cursor *cursor_new(struct cursors *all, enum cursor_kind kind, const struct cim_ns *ns,
			  const char *user, bool class_origin, uint32_t timeout_s)
{
	struct cursor *cur;

	if (all->n >= all->limits.max_enumerations)
		return NULL;
	cur = new0(struct cursor);
	cur->all = all;
	cur->kind = kind;
	cur->ns = ns;
	cur->user = xstrdup(user ? user : "");
	cur->class_origin = class_origin;
	cur->timeout_s = timeout_s;
	cur->next = all->list;
	if (all->list)
		all->list->prev = cur;
	all->list = cur;
	all->n++;
	return cur;
}

void cursor_close(struct cursor *cur)
{
	struct cursors *all = cur->all;

	if (cur->prev)
		cur->prev->next = cur->next;
	else
		all->list = cur->next;
	if (cur->next)
		cur->next->prev = cur->prev;
	all->n--;
	all->bytes -= cur->counted_bytes;
	sd_event_source_disable_unref(cur->timer);
	vec_done(&cur->items);
	arena_done(&cur->arena);
	free(cur->user);
	free(cur);
}

static bool add(struct cursor *cur, struct item item)
{
	vec_push(&cur->items, item);
	count_bytes(cur);
	return cur->all->bytes <= cur->all->limits.max_bytes;
}

/* One copy for each class: instances of a class come together. */
static const bool *mask_dup(struct cursor *cur, const struct cim_inst *i, const bool *mask)
{
	bool *copy;

	if (!mask || (i->cls && i->cls == cur->mask_cls))
		return mask ? cur->mask : NULL;
	copy = arena_array(&cur->arena, i->n_props, sizeof(*copy));
	if (i->n_props)
		memcpy(copy, mask, i->n_props * sizeof(*copy));
	cur->mask_cls = i->cls;
	cur->mask = copy;
	return copy;
}

bool cursor_add_inst(struct cursor *cur, const struct cim_inst *i, const bool *mask,
		     const struct cim_ns *ns)
{
	return add(cur, (struct item) { .inst = cim_inst_dup(&cur->arena, i, mask),
					.mask = mask_dup(cur, i, mask),
					.ns = ns });
}

bool cursor_add_path(struct cursor *cur, const struct cim_path *p)
{
	return add(cur, (struct item) { .path = cim_path_dup(&cur->arena, p) });
}

static void new_id(char out[2 * ID_BYTES + 1])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[ID_BYTES];

	/* up to 256 bytes come whole, once the kernel has any */
	if (getrandom(raw, sizeof(raw), 0) != sizeof(raw))
		abort();
	for (size_t i = 0; i < ID_BYTES; i++) {
		out[2 * i] = digits[raw[i] >> 4];
		out[2 * i + 1] = digits[raw[i] & 15];
	}
	out[2 * ID_BYTES] = '\0';
}

void cursor_open(struct cursor *cur, size_t given)
{
	new_id(cur->id);
	cur->given = given;
	cursor_touch(cur);
}

void cursor_touch(struct cursor *cur)
{
	uint64_t usec = (uint64_t)cur->timeout_s * 1000000;
	int r;

	if (!cur->timeout_s || !cur->all->loop)
		return;
	if (cur->timer)
		r = sd_event_source_set_time_relative(cur->timer, usec);
	else
		r = sd_event_add_time_relative(cur->all->loop, &cur->timer, CLOCK_MONOTONIC, usec,
					       ACCURACY_US, on_timeout, cur);
	if (r >= 0)
		r = sd_event_source_set_enabled(cur->timer, SD_EVENT_ONESHOT);
	if (r < 0)
		log_err("cannot set the timeout of an enumeration: %s", strerror(-r));
}

/* ---- of clients ---- */

/* Takes the same time wherever the first difference is. */
static bool same_id(const char *a, const char *b)
{
	unsigned char differ = 0;

	if (strlen(b) != (size_t)2 * ID_BYTES)
		return false;
	for (size_t i = 0; i < (size_t)2 * ID_BYTES; i++)
		differ |= (unsigned char)(a[i] ^ b[i]);
	return !differ;
}

struct cursor *cursor_find(struct cursors *all, const char *id, const struct cim_ns *ns,
			   const char *user)
{
	for (struct cursor *cur = all->list; cur; cur = cur->next)
		if (*cur->id && same_id(cur->id, id))
			return cur->ns == ns && !strcmp(cur->user, user ? user : "") ? cur : NULL;
	return NULL;
}

enum cursor_kind cursor_kind(const struct cursor *cur)
{
	return cur->kind;
}

bool cursor_class_origin(const struct cursor *cur)
{
	return cur->class_origin;
}

const char *cursor_id(const struct cursor *cur)
{
	return cur->id;
}

size_t cursor_total(const struct cursor *cur)
{
	return cur->given + cur->items.n;
}

size_t cursor_left(const struct cursor *cur)
{
	return cur->items.n - cur->at;
}

void cursor_send(struct cursor *cur, struct cim_sink *sink)
{
	const struct item *i = &cur->items.v[cur->at++];

	if (i->inst)
		sink->inst(sink, i->inst, i->mask, i->ns);
	else
		sink->path(sink, i->path);
}

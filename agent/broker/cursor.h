// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cursor.h - open enumerations: what an Open... operation found and no Pull... has taken yet.
 *
 * A cursor holds copies, made while it was opened: nothing that happens later changes what is
 * pulled. Its name cannot be guessed, and only counts together with the user, the namespace and the
 * kind of objects that it was opened with. Between two operations a timer of the event loop runs;
 * when it ends, so does the cursor. Loop thread only; owned by the broker.
 */
#ifndef BROKER_CURSOR_H
#define BROKER_CURSOR_H

#include "broker/request.h"

/* What PullInstancesWithPath, PullInstancePaths and PullInstances give. */
enum cursor_kind {
	CURSOR_WITH_PATH,
	CURSOR_PATHS,
	CURSOR_INSTANCES
};

struct cursor;
struct cursors; /* all of a broker */

struct cursors *cursors_new(const struct broker_limits *l, struct sd_event *loop);
void cursors_free(struct cursors *all);
void cursors_change_limits(struct cursors *all, const struct broker_limits *l);
const struct broker_limits *cursors_limits(const struct cursors *all);
size_t cursors_bytes(const struct cursors *all);

/* A new one, not yet to be found by clients. NULL: there are too many. timeout_s 0: it never
 * ends by itself.
 */
struct cursor *cursor_new(struct cursors *all, enum cursor_kind kind, const struct cim_ns *ns,
			  const char *user, bool class_origin, uint32_t timeout_s);
/* Copies; false: the limit of memory is reached. */
bool cursor_add_inst(struct cursor *cur, const struct cim_inst *i, const bool *mask,
		     const struct cim_ns *ns);
bool cursor_add_path(struct cursor *cur, const struct cim_path *p);
/* From now on clients find it. The objects that they got already: for cursor_total(). */
void cursor_open(struct cursor *cur, size_t given);
void cursor_close(struct cursor *cur);

/* NULL: not there, or not for this user and namespace. */
struct cursor *cursor_find(struct cursors *all, const char *id, const struct cim_ns *ns,
			   const char *user);
enum cursor_kind cursor_kind(const struct cursor *cur);
bool cursor_class_origin(const struct cursor *cur);
const char *cursor_id(const struct cursor *cur);
/* All objects of the enumeration; those that are still to come. */
size_t cursor_total(const struct cursor *cur);
size_t cursor_left(const struct cursor *cur);
/* Sends the next object; there must be one. */
void cursor_send(struct cursor *cur, struct cim_sink *sink);
/* The client was here: its time begins again. */
void cursor_touch(struct cursor *cur);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/* backend.c - requests to a backend: names and copies. Pure. */
#include "engine/backend.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

const char *backend_op_name(enum backend_op op)
{
	static const char *const names[BACKEND_NR_OPS] = {
		[BACKEND_HELLO] = "hello",
		[BACKEND_AUTHENTICATE] = "authenticate",
		[BACKEND_ACTIVATE] = "activate",
		[BACKEND_INVENTORY] = "inventory",
		[BACKEND_VOLUME_CREATE] = "volume-create",
		[BACKEND_VOLUME_DELETE] = "volume-delete",
		[BACKEND_VOLUME_GROW] = "volume-grow",
		[BACKEND_VOLUME_LINK] = "volume-link",
		[BACKEND_CLONE_PREPARE] = "clone-prepare",
		[BACKEND_CLONE_RELEASE] = "clone-release",
		[BACKEND_GROUP_CREATE] = "group-create",
		[BACKEND_RELATION_MODIFY] = "relation-modify",
		[BACKEND_SNAPSHOT_DELETE] = "snapshot-delete",
		[BACKEND_STORE_DISTRUST] = "store-distrust",
		[BACKEND_RELATION_LIST] = "relation-list",
		[BACKEND_SPACE_LIST] = "space-list",
	};

	return (unsigned int)op < BACKEND_NR_OPS ? names[op] : NULL;
}

const char *backend_verb_name(enum backend_verb verb)
{
	static const char *const names[] = {
		[BACKEND_SUSPEND] = "suspend",
		[BACKEND_RESUME] = "resume",
		[BACKEND_ABORT] = "abort",
		[BACKEND_DETACH] = "detach",
	};

	return (unsigned int)verb < ARRAY_LEN(names) ? names[verb] : NULL;
}

struct backend_request *backend_request_dup(const struct backend_request *req)
{
	struct backend_request *copy = new0(struct backend_request);

	*copy = *req;
	copy->name = req->name ? xstrdup(req->name) : NULL;
	copy->user = req->user ? xstrdup(req->user) : NULL;
	copy->password = req->password ? xstrdup(req->password) : NULL;
	copy->pairs = NULL;
	if (req->nr_pairs) {
		struct backend_pair *pairs = xcalloc(req->nr_pairs, sizeof(*pairs));

		memcpy(pairs, req->pairs, req->nr_pairs * sizeof(*pairs));
		copy->pairs = pairs;
	}
	return copy;
}

static void *unconst(const void *p)
{
	return (void *)(uintptr_t)p;
}

void backend_request_free(struct backend_request *req)
{
	if (!req)
		return;
	free(unconst(req->name));
	free(unconst(req->user));
	free_secret(unconst(req->password));
	free(unconst(req->pairs));
	free(req);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stream.c - EnumerateInstances whose answer is too large to be made in one go.
 *
 * First only the paths are collected, which are a fraction of the answer. Then, as the client takes
 * it, instance by instance is got from its provider, so an answer costs no more memory than its
 * paths and what is on its way, and others are served in between. An instance that has gone
 * meanwhile is left out; one that came is not in it. A provider that cannot get one instance at a
 * time gives all of its in one piece.
 */
#include "base/vec.h"
#include "broker/internal.h"

/* Fewer are not worth it. */
#define STREAM_MIN_PATHS 100

struct piece {
	const struct cim_provider *prov;
	const struct cim_path *path; /* NULL: all that the provider has */
};

struct stream {
	VEC(struct piece) pieces;
	size_t at, paths;
	struct arena *kept; /* of the request, with the paths */
	struct arena piece; /* of what is made for one piece */
};

static void take_path(struct cim_call *sub, struct cim_inst *i, void *arg)
{
	struct stream *s = arg;
	const struct cim_path *p = cim_path_dup(s->kept, broker_path_of(i));

	vec_push(&s->pieces, ((struct piece) { .prov = sub->prov, .path = p }));
	s->paths++;
}

static bool concerned(const struct cim_call *c, const struct cim_provider *p,
		      const struct cim_class *base)
{
	unsigned int kinds = p->ns ? p->ns : CIM_NS_IMPL;

	return kinds & c->ns->kind &&
	       cim_class_is_a(repo_class_internal(c->broker->repo, p->class), base);
}

static int collect(struct cim_call *c, struct stream *s, const struct cim_class *base)
{
	const struct cim_provider *const *p = repo_providers(c->broker->repo);
	int r = 0;

	/* providers are asked for keys only */
	c->op = CIM_OP_ENUMERATE_INSTANCE_NAMES;
	for (; *p && !r; p++) {
		if (!concerned(c, *p, base))
			continue;
		if ((*p)->get)
			r = broker_enumerate(c, *p, c->ns, take_path, s);
		else
			vec_push(&s->pieces, ((struct piece) { .prov = *p }));
	}
	c->op = CIM_OP_ENUMERATE_INSTANCES;
	return r;
}

void broker_stream_free(struct cim_call *c)
{
	struct stream *s = c->stream;

	if (!s)
		return;
	c->req->arena = s->kept;
	vec_done(&s->pieces);
	arena_done(&s->piece);
	free(s);
	c->stream = NULL;
}

bool broker_stream_begin(struct cim_call *c, const struct cim_class *base)
{
	struct stream *s = new0(struct stream);
	int r;

	s->kept = c->req->arena;
	c->stream = s;
	/* whatever a provider makes on the way to the keys is not kept */
	c->req->arena = &s->piece;
	r = collect(c, s, base);
	c->req->arena = s->kept;
	arena_reset(&s->piece);
	if (!r && s->paths >= STREAM_MIN_PATHS)
		return true;
	/* the ordinary way has the same error, and its sentence in memory that stays */
	c->code = 0;
	c->why = NULL;
	broker_stream_free(c);
	return false;
}

static void take_send(struct cim_call *sub, struct cim_inst *i, void *arg)
{
	(void)arg;
	broker_send_inst(sub, i, sub->ns);
}

static int send(struct cim_call *c, const struct piece *p)
{
	const struct cim_class *cls;
	int r;

	if (!p->path)
		return broker_enumerate(c, p->prov, c->ns, take_send, NULL);
	cls = repo_class_internal(c->broker->repo, p->prov->class);
	r = broker_get(c, cls, p->path, c->ns, take_send, NULL);
	return r == -CIM_ERR_NOT_FOUND ? 0 : r;
}

bool broker_streams(const struct cim_call *c)
{
	return c && c->stream;
}

bool broker_stream_next(struct cim_call *c)
{
	struct stream *s = c->stream;
	int r = 0;

	if (s->at < s->pieces.n) {
		c->req->arena = &s->piece;
		c->mask_cls = NULL; /* was made in what is gone */
		r = send(c, &s->pieces.v[s->at++]);
		c->req->arena = s->kept;
		if (!r && !c->code) {
			arena_reset(&s->piece);
			return true;
		}
	}
	cim_call_done(c, r);
	return false;
}

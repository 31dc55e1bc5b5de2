// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stream.c - operations whose answer is too large to be made in one go.
 *
 * First only what is in it is collected: paths, or associations, a fraction of the answer. Then
 * instance by instance is got from its provider: as the client takes them (broker_streams()), so
 * an answer costs no more memory than its paths and what is on its way; or, when there is nothing
 * to take before all is known, in turns (work.c). Others are served in between. An instance that
 * has gone meanwhile is left out; one that came is not in it. A provider that cannot get one
 * instance at a time gives all of its at first; associations are of that kind.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/vec.h"
#include "broker/internal.h"

/* Paths of a class mostly differ in one key: the first is kept, and of others that key. */
struct piece {
	const struct cim_ns *ns;
	const struct cim_path *path; /* NULL: it is here */
	union {
		struct cim_inst *inst;
		const char *value; /* of the key that is not as in path; NULL: none */
	};
	size_t key;
};

struct stream {
	VEC(struct piece) pieces;
	size_t at;
	const struct cim_path *like; /* the last path that was kept as a whole */
	struct arena *kept; /* of the request, with the paths */
	struct arena piece; /* of what is made for one piece */
};

/* ---- collecting ---- */

void broker_collect_begin(struct cim_call *c)
{
	struct stream *s = new0(struct stream);

	s->kept = c->req->arena;
	c->stream = s;
	/* whatever a provider makes on the way to the paths is not kept */
	c->req->arena = &s->piece;
}

static void keep(struct cim_call *root, struct piece p)
{
	struct stream *s = root->stream;

	vec_push(&s->pieces, p);
	root->req->kept_bytes = s->pieces.cap * sizeof(*s->pieces.v);
}

static bool same_value(const struct cim_value *a, const struct cim_value *b)
{
	if (a->type != b->type || a->null != b->null || a->type == CIM_REFERENCE)
		return false;
	return a->type == CIM_STRING ? !strcmp(a->d.str, b->d.str) : a->d.u == b->d.u;
}

/* Is p as `like`, but for one string? Its index. */
static bool differs_in_one(const struct cim_path *like, const struct cim_path *p, size_t *at)
{
	size_t nr = 0;

	if (!like || strcmp(like->class, p->class) || like->n_keys != p->n_keys)
		return false;
	for (size_t i = 0; i < p->n_keys; i++) {
		if (strcmp(like->keys[i].name, p->keys[i].name))
			return false;
		if (same_value(&like->keys[i].val, &p->keys[i].val))
			continue;
		*at = i;
		nr++;
	}
	return nr == 1 && like->keys[*at].val.type == CIM_STRING &&
	       p->keys[*at].val.type == CIM_STRING;
}

static const struct cim_path *path_of(struct arena *a, const struct piece *p)
{
	struct cim_path *own;

	if (!p->value)
		return p->path;
	own = arena_alloc(a, sizeof(*own));
	*own = *p->path;
	own->arena = a;
	own->keys = arena_array(a, own->n_keys, sizeof(*own->keys));
	memcpy(own->keys, p->path->keys, own->n_keys * sizeof(*own->keys));
	own->keys[p->key].val.d.str = p->value;
	return own;
}

void broker_keep_object(struct cim_call *root, const struct cim_path *p, const struct cim_ns *ns)
{
	struct stream *s = root->stream;
	struct piece piece = { .ns = ns };

	if (differs_in_one(s->like, p, &piece.key))
		piece.value = arena_strdup(s->kept, p->keys[piece.key].val.d.str);
	else
		s->like = cim_path_dup(s->kept, p);
	piece.path = s->like;
	keep(root, piece);
}

void broker_keep_inst(struct cim_call *root, const struct cim_inst *i, const struct cim_ns *ns)
{
	struct stream *s = root->stream;
	struct cim_inst pathless = *i; /* it is made of its keys again */

	pathless.path = NULL;
	keep(root, (struct piece) { .ns = ns, .inst = cim_inst_dup(s->kept, &pathless, NULL) });
}

static void take_object(struct cim_call *sub, struct cim_inst *i, void *arg)
{
	(void)arg;
	broker_keep_object(sub->root, broker_path_of(i), sub->ns);
}

static void take_inst(struct cim_call *sub, struct cim_inst *i, void *arg)
{
	(void)arg;
	broker_keep_inst(sub->root, i, sub->ns);
}

/* In place of enumerating the instances of prov. */
int broker_collect(struct cim_call *c, const struct cim_provider *prov)
{
	enum cim_op op = c->op;
	bool all_props = c->all_props;
	int r;

	if (!prov->get)
		return broker_enumerate(c, prov, c->ns, take_inst, NULL);
	/* it is asked for keys only */
	c->op = CIM_OP_ENUMERATE_INSTANCE_NAMES;
	c->all_props = false;
	r = broker_enumerate(c, prov, c->ns, take_object, NULL);
	c->op = op;
	c->all_props = all_props;
	return r;
}

void broker_stream_free(struct cim_call *c)
{
	struct stream *s = c->stream;

	broker_work_drop(c);
	if (!s)
		return;
	c->req->arena = s->kept;
	vec_done(&s->pieces);
	arena_done(&s->piece);
	free(s);
	c->stream = NULL;
}

/* ---- sending ---- */

static void take_send(struct cim_call *sub, struct cim_inst *i, void *arg)
{
	(void)arg;
	broker_send_inst(sub, i, sub->ns);
}

static int send(struct cim_call *c, const struct piece *p)
{
	int r;

	if (!p->path) {
		/* it goes once: what is made of it on its way goes with this piece */
		p->inst->arena = c->req->arena;
		broker_send_inst(c, p->inst, p->ns);
		return 0;
	}
	r = broker_get(c, repo_class_internal(c->broker->repo, p->path->class),
		       path_of(c->req->arena, p), p->ns, take_send, NULL);
	if (r != -CIM_ERR_NOT_FOUND)
		return r;
	c->why = NULL;
	return 0;
}

/* One piece: 0, or what went wrong. */
static int next_piece(struct cim_call *c)
{
	struct stream *s = c->stream;
	int r;

	c->req->arena = &s->piece;
	c->mask_cls = NULL; /* was made in what is gone */
	r = send(c, &s->pieces.v[s->at++]);
	c->req->arena = s->kept;
	/* what went wrong may have its sentence there */
	if (!r && !c->code)
		arena_reset(&s->piece);
	return r ? r : -c->code;
}

int broker_collected(struct cim_call *c, int r)
{
	struct stream *s = c->stream;

	c->req->arena = s->kept;
	if (r || c->code) {
		/* the sentence is in memory that goes */
		c->why = arena_strdup(s->kept, c->why);
		return r;
	}
	arena_done(&s->piece);
	if (s->pieces.n > BROKER_MAX_WHOLE) {
		bool pieces = c->req->piecemeal && !c->at_end;

		/* a query may find nothing for long, or be refused before it has found anything */
		c->streams = pieces && !c->query;
		c->looks = pieces && c->query;
		if (!c->streams && c->broker->work)
			broker_work_add(c);
		if (c->streams || c->working)
			return CIM_PENDING;
	}
	while (!r && s->at < s->pieces.n)
		r = next_piece(c);
	return r;
}

bool broker_streams(const struct cim_call *c)
{
	return c && c->streams;
}

bool broker_stream_next(struct cim_call *c, size_t nr, uint64_t until_us)
{
	struct stream *s = c->stream;
	size_t enough = nr < SIZE_MAX - c->n_sent ? c->n_sent + nr : SIZE_MAX;
	int r = 0;

	broker_turn_begin(c);
	while (!r && s->at < s->pieces.n) {
		r = next_piece(c);
		if (!(s->at % 16) && !broker_may_go_on(c))
			r = -c->code;
		if (!r && (c->n_sent >= enough || cim_clock_us() > until_us))
			break;
	}
	broker_turn_end(c);
	if (!r && s->at < s->pieces.n)
		return true;
	cim_call_done(c, r);
	return false;
}

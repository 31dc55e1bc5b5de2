// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * assoc.c - the one walker behind Associators, AssociatorNames, References and ReferenceNames.
 *
 * For each association provider that passes the class filter, and each of its two ends that the
 * source can be at: take the association instances with the source there (from_end, else all and
 * compare); References sends those, Associators goes on to the other end. What is no path is kept
 * first, and sent by stream.c.
 */
#include <strings.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/strmap.h"
#include "broker/internal.h"

struct walk {
	struct cim_call *root;
	bool names; /* ...Names */
	bool references;
	const struct cim_class *source_cls;
	const struct cim_path *source; /* NULL: the source is the class */
	const struct cim_class *assoc_cls, *result_cls; /* filters, NULL: any */
	struct strmap sent; /* paths: an object is in the answer once */
	struct strbuf text; /* of the path that is looked up in it */
	/* of the provider being asked */
	const struct repo_assoc *assoc;
	int end;
};

static bool role_fits(const char *filter, const char *role)
{
	return !filter || !strcasecmp(filter, role);
}

static bool related(const struct cim_class *a, const struct cim_class *b)
{
	return cim_class_is_a(a, b) || cim_class_is_a(b, a);
}

/* Tells paths apart, nobody reads it: nothing is escaped, for values have no control characters. */
static void path_text(struct strbuf *b, const struct cim_path *p)
{
	strbuf_puts(b, p->class);
	for (size_t i = 0; i < p->n_keys; i++) {
		const struct cim_value *v = &p->keys[i].val;

		strbuf_putc(b, '\1');
		strbuf_puts(b, p->keys[i].name);
		strbuf_putc(b, '\2');
		if (v->type == CIM_REFERENCE)
			path_text(b, v->d.ref);
		else
			cim_datum_print(b, v->type, &v->d);
		strbuf_putc(b, '\3');
	}
}

/* Was this path sent already? */
static bool seen(struct walk *w, const struct cim_class *cls, const struct cim_path *p)
{
	struct cim_path canon = *p;

	broker_path_canon(cls, &canon);
	strbuf_reset(&w->text);
	path_text(&w->text, &canon);
	return strmap_set(&w->sent, strbuf_str(&w->text), w);
}

static void send_other_end(struct walk *w, const struct cim_path *other)
{
	struct cim_call *root = w->root;
	const struct cim_class *cls = repo_class_internal(root->broker->repo, other->class);
	const struct cim_ns *ns;

	if (!cls || (w->result_cls && !cim_class_is_a(cls, w->result_cls)) || seen(w, cls, other))
		return;
	ns = repo_home(cls, root->ns);
	if (w->names) {
		broker_path_out(root, other, ns);
		root->n_sent++;
		root->sink->path(root->sink, other);
	} else {
		broker_keep_object(root, other, ns);
	}
}

static void take_association(struct cim_call *c, struct cim_inst *i, void *arg)
{
	struct walk *w = arg;
	const struct cim_assoc *a = w->assoc->prov->assoc;
	const struct cim_path *here = cim_get_ref(i, a->role[w->end]);
	const struct cim_path *other = cim_get_ref(i, a->role[1 - w->end]);

	if (!here || !cim_path_equal(here, w->source))
		return;
	if (!w->references) {
		if (other)
			send_other_end(w, other);
		return;
	}
	i->path = broker_path_of(i);
	if (seen(w, i->cls, i->path))
		return;
	if (w->names)
		broker_send_path(c, i, c->ns);
	else
		broker_keep_inst(w->root, i, c->ns);
}

/* Could the source be at this end, and does the rest of the filters allow it? */
static bool end_fits(const struct walk *w, const struct repo_assoc *a, int end)
{
	const struct cim_request *req = w->root->req;
	const struct cim_class *here = a->end[end];
	const struct cim_class *there = a->end[1 - end];

	if (!role_fits(req->role, a->prov->assoc->role[end]) ||
	    !role_fits(req->result_role, a->prov->assoc->role[1 - end]))
		return false;
	if (here && !cim_class_is_a(w->source_cls, here))
		return false;
	return w->references || !w->result_cls || !there || related(there, w->result_cls);
}

static int ask(struct walk *w, const struct repo_assoc *a, int end)
{
	const struct cim_provider *p = a->prov;
	struct cim_call sub;
	int r;

	w->assoc = a;
	w->end = end;
	if (!p->assoc->from_end)
		return broker_enumerate(w->root, p, w->root->ns, take_association, w);
	broker_sub_begin(&sub, w->root, p, w->root->ns, take_association, w);
	r = p->assoc->from_end(&sub, end, w->source);
	if (r == -CIM_ERR_NOT_FOUND) {
		r = 0; /* the source is not there: no associations */
		w->root->why = NULL;
	}
	return broker_sub_end(&sub, r);
}

static int walk_instances(struct walk *w)
{
	size_t n;
	const struct repo_assoc *a = repo_assocs(w->root->broker->repo, &n);

	for (; n--; a++) {
		if (!(a->kinds & w->root->ns->kind) ||
		    (w->assoc_cls && !cim_class_is_a(a->cls, w->assoc_cls)))
			continue;
		for (int end = 0; end < 2; end++) {
			int r = end_fits(w, a, end) ? ask(w, a, end) : 0;

			if (r)
				return r;
		}
	}
	return 0;
}

/* ---- class level ---- */

static void send_class(struct walk *w, const struct cim_class *cls)
{
	struct cim_sink *s = w->root->sink;

	if (strmap_set(&w->sent, cls->decl->name, w))
		return;
	if (w->names)
		s->class_name(s, cls, w->root->ns);
	else
		s->class(s, cls, w->root->ns);
}

/* Association class a, source at reference `at`. */
static void walk_class_ref(struct walk *w, const struct cim_class *a, unsigned int at)
{
	const struct cim_request *req = w->root->req;
	const struct repo *repo = w->root->broker->repo;

	for (unsigned int i = 0; i < a->n_props; i++) {
		const struct cim_prop_decl *d = a->props[i].decl;
		const struct cim_class *other;

		if (i == at || d->type != CIM_REFERENCE || !role_fits(req->result_role, d->name))
			continue;
		other = repo_class_internal(repo, d->ref_class);
		if (other && (!w->result_cls || cim_class_is_a(other, w->result_cls)))
			send_class(w, other);
	}
}

static void walk_class(struct walk *w, const struct cim_class *a)
{
	const struct repo *repo = w->root->broker->repo;

	if (!(a->ns & w->root->ns->kind))
		return;
	for (const struct cim_class *k = a->children; k; k = k->sibling)
		walk_class(w, k);
	if (!a->decl->association || (w->assoc_cls && !cim_class_is_a(a, w->assoc_cls)))
		return;
	for (unsigned int i = 0; i < a->n_props; i++) {
		const struct cim_prop_decl *d = a->props[i].decl;
		const struct cim_class *ref;

		if (d->type != CIM_REFERENCE || !role_fits(w->root->req->role, d->name))
			continue;
		ref = repo_class_internal(repo, d->ref_class);
		if (!ref || !cim_class_is_a(w->source_cls, ref))
			continue;
		if (w->references)
			send_class(w, a);
		else
			walk_class_ref(w, a, i);
	}
}

static int walk_classes(struct walk *w)
{
	size_t n;
	const struct cim_class *const *roots = repo_roots(w->root->broker->repo, &n);

	for (size_t i = 0; i < n; i++)
		walk_class(w, roots[i]);
	return 0;
}

/* ---- the operation ---- */

static int filter_class(struct cim_call *c, const char *name, const struct cim_class **cls)
{
	if (!name)
		return 0;
	*cls = repo_class_anywhere(c->broker->repo, c->ns, name);
	if (!*cls)
		return cim_error(c, CIM_ERR_INVALID_CLASS, "class %s does not exist", name);
	return 0;
}

static int source_in(struct cim_call *c, struct walk *w)
{
	const struct cim_ns *ns;
	int r;

	if (!c->req->path) {
		if (!c->req->class)
			return cim_error(c, CIM_ERR_INVALID_PARAMETER, "ObjectName is missing");
		w->source_cls = broker_class_of_request(c);
		return w->source_cls ? 0 : -c->root->code;
	}
	r = broker_path_here(c, c->req->path);
	if (!r)
		r = broker_path_in(c, c->req->path, &w->source_cls, &ns);
	if (!r && !(w->source_cls->ns & c->ns->kind))
		r = cim_error(c, CIM_ERR_INVALID_CLASS, "class %s does not exist in %s",
			      repo_name(w->source_cls, c->ns), c->ns->name);
	w->source = c->req->path;
	/* DSP0200 wants to hear of it from the Open... operations, not from the older ones */
	if (!r && c->op != c->req->op)
		r = broker_get(c, w->source_cls, w->source, c->ns, NULL, NULL);
	if (r == -CIM_ERR_NOT_FOUND && !c->why)
		r = cim_error(c, CIM_ERR_NOT_FOUND, "there is no %s",
			      cim_path_print(c->req->arena, w->source));
	return r;
}

static void walk_done(struct walk *w)
{
	strmap_done(&w->sent);
	strbuf_done(&w->text);
}

int broker_op_associate(struct cim_call *c)
{
	enum cim_op op = c->op;
	CLEANUP(walk_done)
	struct walk w = {
		.root = c,
		.names = op == CIM_OP_ASSOCIATOR_NAMES || op == CIM_OP_REFERENCE_NAMES,
		.references = op == CIM_OP_REFERENCES || op == CIM_OP_REFERENCE_NAMES,
	};
	int r = source_in(c, &w);

	if (!r)
		r = filter_class(c, w.references ? c->req->result_class : c->req->assoc_class,
				 &w.assoc_cls);
	if (!r && !w.references)
		r = filter_class(c, c->req->result_class, &w.result_cls);
	if (r)
		return r;
	if (!w.source)
		return walk_classes(&w);
	if (w.names)
		return walk_instances(&w);
	broker_collect_begin(c);
	return broker_collected(c, walk_instances(&w));
}

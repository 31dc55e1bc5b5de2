// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * query.c - ExecQuery, and the queries and filters of the Open... operations: the language is
 * looked up, the text parsed and bound to its class; from then on only instances that match
 * are sent.
 */
#include <strings.h>

#include "broker/internal.h"

static const struct cim_class *find_class(void *arg, const char *name)
{
	struct cim_call *c = arg;

	return repo_class_anywhere(c->broker->repo, c->ns, name);
}

static int parse(struct cim_call *c, enum query_language lang, const char *text,
		 struct query **query)
{
	struct query_error error;

	*query = query_parse(c->req->arena, lang, text, &error);
	return *query ? 0 : cim_error(c, error.code, "%s", error.why);
}

static int bind(struct cim_call *c, struct query *q, const struct cim_class *from)
{
	const struct query_classes classes = { find_class, c };
	struct query_error error;

	if (query_bind(q, from, &classes, &error))
		return cim_error(c, error.code, "%s", error.why);
	return 0;
}

int broker_query(struct cim_call *c, struct query **query)
{
	const struct cim_request *req = c->req;
	const struct cim_class *from;
	enum query_language lang;
	const char **names;
	size_t n;
	int r;

	if (!req->filter_language || !req->filter)
		return cim_error(c, CIM_ERR_INVALID_PARAMETER,
				 "the query or its language is missing");
	if (!query_language(req->filter_language, &lang) || lang == QUERY_FQL)
		return cim_error(c, CIM_ERR_QUERY_LANGUAGE_NOT_SUPPORTED,
				 "query language %.100s is not supported", req->filter_language);
	r = parse(c, lang, req->filter, query);
	if (r)
		return r;
	from = repo_class(c->broker->repo, c->ns, query_from(*query));
	if (!from)
		return cim_error(c, CIM_ERR_INVALID_QUERY, "class %s does not exist in %s",
				 query_from(*query), c->ns->name);
	r = bind(c, *query, from);
	if (r)
		return r;
	/* what is left is an enumeration with a list of properties */
	c->req->class = query_from(*query);
	c->req->deep = true;
	c->req->has_props = query_selected(*query, &names, &n);
	c->req->props = names;
	c->req->n_props = n;
	c->all_props = true;
	return 0;
}

int broker_filter(struct cim_call *c, struct query **query)
{
	const struct cim_request *req = c->req;
	enum query_language lang;
	int r;

	if (!req->filter_language && !req->filter)
		return 0;
	if (!req->filter_language || !req->filter)
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "%s is missing",
				 req->filter ? "FilterQueryLanguage" : "FilterQuery");
	if (!query_language(req->filter_language, &lang) || lang != QUERY_FQL)
		return cim_error(c, CIM_ERR_QUERY_LANGUAGE_NOT_SUPPORTED,
				 "filter query language %.100s is not supported",
				 req->filter_language);
	r = parse(c, lang, req->filter, query);
	if (!r)
		r = bind(c, *query, NULL);
	c->all_props = true;
	return r;
}

/* ---- ExecQuery ---- */

int broker_op_exec_query(struct cim_call *c)
{
	struct query *query;
	int r = broker_query(c, &query);

	if (r)
		return r;
	c->query = query;
	c->op = CIM_OP_ENUMERATE_INSTANCES;
	return broker_op_enumerate_instances(c);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * broker-kit.h - a broker over the test schema, and a sink that writes what comes out as one line
 * per object.
 */
#ifndef TESTS_UNIT_BROKER_KIT_H
#define TESTS_UNIT_BROKER_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../cim/testprov.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "broker/request.h"

struct kit {
	struct cim_sink sink; /* first */
	struct repo *repo;
	struct broker *broker;
	struct arena arena;
	struct cim_request req;
	struct strbuf out;
	int code, nr_done;
	char context[64];
};

static struct kit kit;

/* ---- sink ---- */

static inline void out_class(struct cim_sink *s, const struct cim_class *cls,
			     const struct cim_ns *ns)
{
	(void)s;
	strbuf_printf(&kit.out, "class %s\n", repo_name(cls, ns));
}

static inline void print_value(const struct cim_value *v)
{
	for (size_t i = 0; i < (v->array ? v->n : 1); i++) {
		const struct cim_datum *d = v->array ? &v->v[i] : &v->d;

		if (i)
			strbuf_putc(&kit.out, ';');
		if (v->type == CIM_REFERENCE)
			strbuf_puts(&kit.out, cim_path_print(&kit.arena, d->ref));
		else if (v->type == CIM_INSTANCE)
			strbuf_puts(&kit.out, d->inst->class);
		else
			cim_datum_print(&kit.out, v->type, d);
	}
}

static inline void out_inst(struct cim_sink *s, const struct cim_inst *inst, const bool *mask,
			    const struct cim_ns *ns)
{
	(void)s, (void)ns;
	strbuf_printf(&kit.out, "inst %s", cim_path_print(&kit.arena, inst->path));
	for (size_t i = 0; kit.req.has_props && i < inst->n_props; i++) {
		if (!mask[i])
			continue;
		strbuf_printf(&kit.out, " %s=", inst->props[i].name);
		if (!inst->props[i].val.null)
			print_value(&inst->props[i].val);
	}
	strbuf_putc(&kit.out, '\n');
}

static inline void out_path(struct cim_sink *s, const struct cim_path *p)
{
	(void)s;
	strbuf_printf(&kit.out, "path %s\n", cim_path_print(&kit.arena, p));
}

static inline void out_qualtype(struct cim_sink *s, const struct cim_qualtype_decl *q)
{
	(void)s;
	strbuf_printf(&kit.out, "qualifier %s\n", q->name);
}

static inline void out_value(struct cim_sink *s, const struct cim_value *v)
{
	(void)s;
	strbuf_puts(&kit.out, "value ");
	print_value(v);
	strbuf_putc(&kit.out, '\n');
}

static inline void out_sequence(struct cim_sink *s, bool end, const char *context)
{
	(void)s;
	assert_int_equal(end, !context);
	if (context)
		snprintf(kit.context, sizeof(kit.context), "%s", context);
	strbuf_puts(&kit.out, end ? "end\n" : "more\n");
}

static inline void out_returned(struct cim_sink *s, enum cim_type type, uint32_t value)
{
	(void)s, (void)type;
	strbuf_printf(&kit.out, "return %u\n", value);
}

static inline void out_param(struct cim_sink *s, const char *name, const struct cim_value *v)
{
	(void)s;
	strbuf_printf(&kit.out, "out %s=", name);
	print_value(v);
	strbuf_putc(&kit.out, '\n');
}

static inline void out_restart(struct cim_sink *s)
{
	(void)s;
	strbuf_reset(&kit.out);
}

static inline void out_done(struct cim_sink *s, int code, const char *why)
{
	(void)s;
	kit.nr_done++;
	kit.code = code;
	if (code)
		strbuf_printf(&kit.out, "error %d %s\n", code, why);
}

/* ---- requests ---- */

static inline void begin(enum cim_op op, const char *ns)
{
	arena_done(&kit.arena);
	strbuf_reset(&kit.out);
	memset(&kit.req, 0, sizeof(kit.req));
	kit.req.arena = &kit.arena;
	kit.req.op = op;
	kit.req.name = "Operation";
	kit.req.ns = ns;
	kit.req.deep = true;
	kit.req.may_read = kit.req.may_write = true;
	kit.req.user = "tester";
	kit.nr_done = 0;
}

static inline void path_is(const char *text)
{
	kit.req.path = cim_path_parse(&kit.arena, text);
	assert_non_null(kit.req.path);
}

static inline void run(const char *want)
{
	assert_null(broker_submit(kit.broker, &kit.req, &kit.sink));
	assert_int_equal(kit.nr_done, 1);
	assert_string_equal(strbuf_str(&kit.out), want);
}

#define IMPL "root/dmreplica"
#define VOL1 "RPL_Volume.DeviceID=\"vol1\",SystemCreationClassName=\"RPL_System\",Number=1"
#define VOL2                                                        \
	"RPL_Volume.DeviceID=\"vol2 <&> \\\"quoted\\\" \xc3\xa4\"," \
	"SystemCreationClassName=\"RPL_System\",Number=2"
#define VOL3   "RPL_Volume.DeviceID=\"vol3\",SystemCreationClassName=\"RPL_System\",Number=3"
#define POOL_X "RPL_Pool.InstanceID=\"none\""
#define THIN   "RPL_ThinVolume.DeviceID=\"thin1\",SystemCreationClassName=\"RPL_System\",Number=1"

static inline int setup(void **state)
{
	char *why = NULL;

	(void)state;
	log_init("test", LOG_CRIT);
	kit.sink = (struct cim_sink) { .class = out_class,
				       .class_name = out_class,
				       .inst = out_inst,
				       .path = out_path,
				       .qualtype = out_qualtype,
				       .value = out_value,
				       .sequence = out_sequence,
				       .returned = out_returned,
				       .out = out_param,
				       .restart = out_restart,
				       .done = out_done };
	kit.repo = repo_new(&cim_schema, test_providers, &why);
	kit.broker = broker_new(kit.repo, NULL);
	return kit.repo ? 0 : -1;
}

static inline int teardown(void **state)
{
	(void)state;
	broker_free(kit.broker);
	repo_free(kit.repo);
	strbuf_done(&kit.out);
	arena_done(&kit.arena);
	return 0;
}

#endif

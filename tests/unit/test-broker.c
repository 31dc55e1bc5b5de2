// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-broker.c - operations over the test schema (data/test.mof) and its providers
 * (../cim/testprov.c). A sink writes what comes out as one line per object.
 */
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

static void out_class(struct cim_sink *s, const struct cim_class *cls, const struct cim_ns *ns)
{
	(void)s;
	strbuf_printf(&kit.out, "class %s\n", repo_name(cls, ns));
}

static void print_value(const struct cim_value *v)
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

static void out_inst(struct cim_sink *s, const struct cim_inst *inst, const bool *mask,
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

static void out_path(struct cim_sink *s, const struct cim_path *p)
{
	(void)s;
	strbuf_printf(&kit.out, "path %s\n", cim_path_print(&kit.arena, p));
}

static void out_qualtype(struct cim_sink *s, const struct cim_qualtype_decl *q)
{
	(void)s;
	strbuf_printf(&kit.out, "qualifier %s\n", q->name);
}

static void out_value(struct cim_sink *s, const struct cim_value *v)
{
	(void)s;
	strbuf_puts(&kit.out, "value ");
	print_value(v);
	strbuf_putc(&kit.out, '\n');
}

static void out_sequence(struct cim_sink *s, bool end, const char *context)
{
	(void)s;
	assert_int_equal(end, !context);
	if (context)
		snprintf(kit.context, sizeof(kit.context), "%s", context);
	strbuf_puts(&kit.out, end ? "end\n" : "more\n");
}

static void out_returned(struct cim_sink *s, enum cim_type type, uint32_t value)
{
	(void)s, (void)type;
	strbuf_printf(&kit.out, "return %u\n", value);
}

static void out_param(struct cim_sink *s, const char *name, const struct cim_value *v)
{
	(void)s;
	strbuf_printf(&kit.out, "out %s=", name);
	print_value(v);
	strbuf_putc(&kit.out, '\n');
}

static void out_done(struct cim_sink *s, int code, const char *why)
{
	(void)s;
	kit.nr_done++;
	kit.code = code;
	if (code)
		strbuf_printf(&kit.out, "error %d %s\n", code, why);
}

/* ---- requests ---- */

static void begin(enum cim_op op, const char *ns)
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

static void path_is(const char *text)
{
	kit.req.path = cim_path_parse(&kit.arena, text);
	assert_non_null(kit.req.path);
}

static void run(const char *want)
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

static const char *props[] = { "spaceconsumed", "antecedent", "Bogus" };

/* ---- classes ---- */

static void classes(void **state)
{
	(void)state;
	begin(CIM_OP_GET_CLASS, "Root/DMReplica/");
	kit.req.class = "rpl_POOL";
	run("class RPL_Pool\n");
	begin(CIM_OP_GET_CLASS, "root/tpd");
	kit.req.class = "TPD_Pool";
	run("class TPD_Pool\n");
	begin(CIM_OP_GET_CLASS, "root/tpd");
	kit.req.class = "RPL_Pool";
	run("error 5 class RPL_Pool does not exist in root/tpd\n");
	begin(CIM_OP_GET_CLASS, "interop");
	kit.req.class = "CIM_Pool";
	run("error 5 class CIM_Pool does not exist in interop\n");
	begin(CIM_OP_GET_CLASS, "root/x");
	kit.req.class = "CIM_Pool";
	run("error 3 namespace root/x does not exist\n");
	begin(CIM_OP_GET_CLASS, IMPL);
	run("error 4 ClassName is missing\n");
	begin(CIM_OP_ENUMERATE_CLASSES, IMPL);
	kit.req.class = "CIM_Volume";
	kit.req.deep = false;
	run("class RPL_Volume\nclass RPL_ThinVolume\n");
	begin(CIM_OP_ENUMERATE_CLASSES, "interop");
	run("class CIM_ManagedElement\nclass RPL_Profile\nclass RPL_Conforms\n");
	begin(CIM_OP_GET_QUALIFIER, IMPL);
	kit.req.qualifier = "key";
	run("qualifier Key\n");
	begin(CIM_OP_GET_QUALIFIER, IMPL);
	kit.req.qualifier = "nokey";
	run("error 6 there is no qualifier nokey\n");
}

static void inheritance(void **state)
{
	const struct cim_class *cls = repo_class_internal(kit.repo, "RPL_Volume");
	int at = cim_class_find_prop(cls, "operationalstatus");
	const struct cim_class_prop *p = &cls->props[at];
	bool has_values = false;

	(void)state;
	assert_true(at >= 0);
	assert_true(p->own);
	assert_string_equal(p->origin->decl->name, "CIM_LogicalThing");
	for (unsigned int i = 0; i < p->quals.n; i++)
		has_values |= !strcmp(p->quals.v[i]->name, "ValueMap");
	assert_true(has_values); /* inherited, Override is not */
	assert_int_equal(cim_class_find_prop(cls, "nope"), -1);
	assert_true(cim_class_is_a(cls, repo_class_internal(kit.repo, "CIM_ManagedElement")));
	assert_false(cim_class_is_a(repo_class_internal(kit.repo, "CIM_Volume"), cls));
}

/* ---- instances ---- */

static void enumerate(void **state)
{
	(void)state;
	begin(CIM_OP_ENUMERATE_INSTANCE_NAMES, IMPL);
	kit.req.class = "CIM_LogicalThing";
	run("path root/dmreplica:" VOL1 "\npath root/dmreplica:" VOL2 "\npath root/dmreplica:" VOL3
	    "\npath root/dmreplica:" THIN "\n");
	begin(CIM_OP_ENUMERATE_INSTANCE_NAMES, "root/tpd");
	kit.req.class = "TPD_ThinVolume";
	run("path root/tpd:"
	    "TPD_ThinVolume.DeviceID=\"thin1\",SystemCreationClassName=\"TPD_System\","
	    "Number=1\n");
	/* a class that exists but has no instances */
	begin(CIM_OP_ENUMERATE_INSTANCES, IMPL);
	kit.req.class = "CIM_Setting";
	run("");
	/* cross-namespace: the profile is in interop, the pool is not */
	begin(CIM_OP_ENUMERATE_INSTANCE_NAMES, "root/interop");
	kit.req.class = "RPL_Conforms";
	run("path root/interop:RPL_Conforms.Standard=\"root/interop:RPL_Profile.InstanceID="
	    "\\\"SNIA:Array\\\"\",Element=\"root/dmreplica:RPL_Pool.InstanceID=\\\"pool:A\\\"\"\n");
}

static void property_lists(void **state)
{
	static const char *two[] = { "NOTES", "Number", "nope" };

	(void)state;
	begin(CIM_OP_GET_INSTANCE, IMPL);
	path_is(THIN);
	kit.req.has_props = true;
	kit.req.props = two;
	kit.req.n_props = 3;
	run("inst root/dmreplica:" THIN " Notes= Number=1\n");
	kit.req.n_props = 0;
	begin(CIM_OP_GET_INSTANCE, IMPL);
	path_is(THIN);
	kit.req.has_props = true;
	run("inst root/dmreplica:" THIN "\n");
	/* DeepInheritance false: only properties of the named class */
	begin(CIM_OP_ENUMERATE_INSTANCES, IMPL);
	kit.req.class = "CIM_ManagedElement";
	kit.req.deep = false;
	kit.req.has_props = true;
	kit.req.props = two;
	kit.req.n_props = 3;
	assert_null(broker_submit(kit.broker, &kit.req, &kit.sink));
	assert_null(strstr(strbuf_str(&kit.out), "Number=1 "));
	assert_null(strstr(strbuf_str(&kit.out), "Notes"));
}

static void get_instance(void **state)
{
	(void)state;
	begin(CIM_OP_GET_INSTANCE, IMPL);
	path_is("rpl_volume.NUMBER=\"1\",systemcreationclassname=\"RPL_System\",deviceid=\"vol1\"");
	run("inst root/dmreplica:" VOL1 "\n");
	begin(CIM_OP_GET_INSTANCE, "root/tpd");
	path_is("TPD_Volume.DeviceID=\"vol1\",SystemCreationClassName=\"TPD_System\",Number=1");
	run("inst root/tpd:TPD_Volume.DeviceID=\"vol1\",SystemCreationClassName=\"TPD_System\","
	    "Number=1\n");
	/* the provider looks at one key only: the broker at all of them */
	begin(CIM_OP_GET_INSTANCE, IMPL);
	path_is("RPL_Volume.DeviceID=\"vol1\",SystemCreationClassName=\"RPL_System\",Number=9");
	assert_null(broker_submit(kit.broker, &kit.req, &kit.sink));
	assert_int_equal(kit.code, CIM_ERR_NOT_FOUND);
	begin(CIM_OP_GET_INSTANCE, IMPL);
	path_is("RPL_Volume.DeviceID=\"vol1\"");
	assert_null(broker_submit(kit.broker, &kit.req, &kit.sink));
	assert_int_equal(kit.code, CIM_ERR_NOT_FOUND);
	begin(CIM_OP_GET_INSTANCE, IMPL);
	path_is("RPL_Volume.Bogus=\"vol1\"");
	run("error 4 class RPL_Volume has no key Bogus\n");
	begin(CIM_OP_GET_INSTANCE, IMPL);
	path_is("RPL_Volume.Number=\"x\"");
	run("error 4 key Number: \"x\" is no uint32\n");
	begin(CIM_OP_GET_INSTANCE, IMPL);
	path_is("RPL_AllocatedFrom.Antecedent=\"RPL_Pool.InstanceID=\\\"pool:B\\\"\","
		"Dependent=\"RPL_Volume.DeviceID=\\\"vol3\\\",Number=3,"
		"SystemCreationClassName=\\\"RPL_System\\\"\"");
	kit.req.has_props = true;
	kit.req.props = props;
	kit.req.n_props = 1;
	assert_null(broker_submit(kit.broker, &kit.req, &kit.sink));
	assert_int_equal(kit.code, 0);
	assert_non_null(strstr(strbuf_str(&kit.out), "SpaceConsumed=1002"));
}

/* ---- associations ---- */

static void associators(void **state)
{
	(void)state;
	begin(CIM_OP_ASSOCIATOR_NAMES, IMPL);
	path_is("RPL_Pool.InstanceID=\"pool:A\"");
	run("path root/dmreplica:" VOL1 "\npath root/dmreplica:" VOL2
	    "\npath interop:RPL_Profile.InstanceID=\"SNIA:Array\"\n");
	kit.req.result_class = "CIM_Volume";
	begin(CIM_OP_ASSOCIATORS, IMPL);
	path_is("RPL_Pool.InstanceID=\"pool:A\"");
	kit.req.result_class = "CIM_Volume";
	kit.req.assoc_class = "CIM_Dependency";
	kit.req.role = "antecedent";
	kit.req.result_role = "DEPENDENT";
	run("inst root/dmreplica:" VOL1 "\ninst root/dmreplica:" VOL2 "\n");
	begin(CIM_OP_ASSOCIATORS, IMPL);
	path_is("RPL_Pool.InstanceID=\"pool:A\"");
	kit.req.role = "Dependent";
	run("");
	begin(CIM_OP_ASSOCIATORS, IMPL);
	path_is("RPL_Pool.InstanceID=\"pool:A\"");
	kit.req.result_class = "RPL_ThinVolume";
	run("");
	begin(CIM_OP_ASSOCIATORS, IMPL);
	path_is("RPL_Pool.InstanceID=\"none\"");
	run("");
	begin(CIM_OP_ASSOCIATORS, IMPL);
	path_is("RPL_Pool.InstanceID=\"pool:A\"");
	kit.req.assoc_class = "CIM_Nope";
	run("error 5 class CIM_Nope does not exist\n");
	/* from interop to the implementation: ResultClass need not exist in interop */
	begin(CIM_OP_ASSOCIATOR_NAMES, "interop");
	path_is("RPL_Profile.InstanceID=\"SNIA:Array\"");
	kit.req.result_class = "CIM_Pool";
	run("path root/dmreplica:RPL_Pool.InstanceID=\"pool:A\"\n");
}

static void references(void **state)
{
	(void)state;
	begin(CIM_OP_REFERENCES, "root/tpd");
	path_is("TPD_Pool.InstanceID=\"pool:B\"");
	kit.req.has_props = true;
	kit.req.props = props;
	kit.req.n_props = 3;
	kit.req.result_class = "CIM_AllocatedFrom";
	run("inst root/tpd:TPD_AllocatedFrom.Antecedent=\"root/tpd:TPD_Pool.InstanceID="
	    "\\\"pool:B\\\"\",Dependent=\"root/tpd:TPD_Volume.DeviceID=\\\"vol3\\\","
	    "SystemCreationClassName=\\\"TPD_System\\\",Number=3\" "
	    "Antecedent=root/tpd:TPD_Pool.InstanceID=\"pool:B\" SpaceConsumed=1002\n");
	begin(CIM_OP_REFERENCE_NAMES, IMPL);
	path_is("RPL_Pool.InstanceID=\"pool:B\"");
	kit.req.role = "Dependent";
	run("");
}

static void class_level(void **state)
{
	(void)state;
	begin(CIM_OP_REFERENCE_NAMES, IMPL);
	kit.req.class = "RPL_ThinVolume";
	kit.sink.class_name = out_class;
	run("class RPL_AllocatedFrom\nclass CIM_AllocatedFrom\nclass CIM_Dependency\n"
	    "class RPL_Conforms\n");
	begin(CIM_OP_ASSOCIATORS, IMPL);
	kit.req.class = "RPL_ThinVolume";
	kit.req.assoc_class = "CIM_AllocatedFrom";
	run("class CIM_Pool\n");
}

/* ---- methods ---- */

static struct cim_param_in in[8];

static void invoke(const char *name, const char *target, size_t nr_params)
{
	begin(CIM_OP_INVOKE, IMPL);
	kit.req.name = name;
	path_is(target);
	kit.req.params = in;
	kit.req.n_params = nr_params;
}

static struct cim_param_in text_param(const char *name, const char *text)
{
	return (struct cim_param_in) { .name = name,
				       .val = { .type = CIM_STRING, .d = { .str = text } } };
}

#define POOL "RPL_Pool.InstanceID=\"pool:A\""

static void method_results(void **state)
{
	struct cim_datum names[2] = { { .str = "a" }, { .str = "b" } };

	(void)state;
	in[0] = text_param("size", "77");
	in[1] = (struct cim_param_in) {
		.name = "Names", .val = { .type = CIM_STRING, .array = true, .n = 2, .v = names }
	};
	in[2] = text_param("Kind", "");
	in[2].val.null = true;
	invoke("grow", POOL, 3);
	run("return 4096\n"
	    "out Text=size 77 kind 0 names 2 sources -1 goal - source -\n"
	    "out Pool=root/dmreplica:RPL_Pool.InstanceID=\"pool:B\"\n"
	    "out Made=root/dmreplica:" VOL1 ";root/dmreplica:" VOL2 "\n");
}

static void method_errors(void **state)
{
	(void)state;
	invoke("Grow", POOL, 0);
	run("error 4 parameter Size is required\n");
	in[0] = text_param("Size", "x");
	invoke("Grow", POOL, 1);
	run("error 4 parameter Size: \"x\" is no uint64\n");
	in[0] = text_param("Size", "5");
	in[0].claimed = CIM_BOOLEAN;
	invoke("Grow", POOL, 1);
	run("error 4 parameter Size is of type uint64, not boolean\n");
	in[0] = in[1] = text_param("Size", "5");
	invoke("Grow", POOL, 2);
	run("error 4 parameter Size is there twice\n");
	in[1] = text_param("Nope", "5");
	invoke("Grow", POOL, 2);
	run("error 4 Grow has no parameter Nope\n");
	in[1] = text_param("Made", "5");
	invoke("Grow", POOL, 2);
	run("error 4 parameter Made is output only\n");
	in[1] = text_param("Kind", "65536");
	invoke("Grow", POOL, 2);
	run("error 4 parameter Kind: \"65536\" is out of range for uint16\n");
	in[1] = text_param("Names", "x");
	invoke("Grow", POOL, 2);
	run("error 4 parameter Names is of type string[], not string\n");
	in[1] = text_param("Source", "x");
	invoke("Grow", POOL, 2);
	run("error 4 parameter Source is of type reference, not string\n");
	in[1] = text_param("Kind", "99");
	invoke("Grow", POOL, 2);
	run("error 1 kind 99 of pool:A fails\n");
	invoke("Nope", POOL, 0);
	run("error 17 class RPL_Pool has no method Nope\n");
	invoke("NotProvided", POOL, 0);
	run("error 16 method NotProvided of RPL_Pool is not provided\n");
	invoke("Grow", "RPL_Pool.InstanceID=\"pool:X\"", 1);
	run("error 6 there is no RPL_Pool.InstanceID=\"pool:X\"\n");
	begin(CIM_OP_INVOKE, IMPL);
	kit.req.name = "Grow";
	kit.req.class = "RPL_Pool";
	run("error 4 Grow is a method of instances, not of the class\n");
	begin(CIM_OP_INVOKE, IMPL);
	kit.req.name = "Count";
	kit.req.class = "RPL_Pool";
	run("return 2\n");
}

static void method_references(void **state)
{
	(void)state;
	in[0] = text_param("Size", "5");
	in[1] = (struct cim_param_in) { .name = "Source", .val = { .type = CIM_REFERENCE } };
	invoke("Grow", POOL, 2);
	in[1].val.d.ref = cim_path_parse(&kit.arena, "root/tpd:TPD_Volume.DeviceID=\"vol1\"");
	assert_null(broker_submit(kit.broker, &kit.req, &kit.sink));
	assert_non_null(strstr(strbuf_str(&kit.out), "source vol1"));
	invoke("Grow", POOL, 2);
	in[1].val.d.ref = cim_path_parse(&kit.arena, POOL);
	run("error 4 parameter Source: class RPL_Pool is not a CIM_Volume\n");
	invoke("Grow", POOL, 2);
	in[1].val.d.ref = cim_path_parse(&kit.arena, "RPL_None.x=1");
	run("error 4 parameter Source: class RPL_None does not exist in root/dmreplica\n");
	invoke("Grow", POOL, 2);
	in[1].val.d.ref = cim_path_parse(&kit.arena, "root/none:RPL_Volume.DeviceID=\"vol1\"");
	run("error 4 parameter Source: namespace root/none does not exist\n");
}

static void pending(void **state)
{
	struct cim_call *c;

	(void)state;
	in[0] = text_param("Milliseconds", "1000");
	invoke("Wait", POOL, 1);
	c = broker_submit(kit.broker, &kit.req, &kit.sink);
	assert_non_null(c);
	assert_int_equal(kit.nr_done, 0);
	test_wait_finish(test_held);
	assert_int_equal(kit.nr_done, 1);
	assert_string_equal(strbuf_str(&kit.out), "return 7\n");
	/* done before the callback returned */
	in[0] = text_param("Milliseconds", "0");
	invoke("Wait", POOL, 1);
	run("return 7\n");
}

static void cancelled(void **state)
{
	struct cim_call *c;

	(void)state;
	in[0] = text_param("Milliseconds", "1000");
	invoke("Wait", POOL, 1);
	c = broker_submit(kit.broker, &kit.req, &kit.sink);
	assert_int_equal(test_cancelled, 0);
	broker_cancel(c);
	assert_int_equal(test_cancelled, 1);
	test_wait_finish(test_held); /* comes later, finds nobody */
	assert_int_equal(kit.nr_done, 0);
}

/* ---- roles, changes ---- */

static void roles(void **state)
{
	(void)state;
	begin(CIM_OP_ENUMERATE_INSTANCE_NAMES, IMPL);
	kit.req.class = "RPL_Pool";
	kit.req.may_read = kit.req.may_write = false;
	run("error 2 user tester has no role here\n");
	in[0] = text_param("Size", "5");
	invoke("Grow", POOL, 1);
	kit.req.may_write = false;
	run("error 2 Grow needs the write role\n");
	begin(CIM_OP_INVOKE, IMPL);
	kit.req.name = "Count";
	kit.req.class = "RPL_Pool";
	kit.req.may_write = false;
	run("return 2\n");
	begin(CIM_OP_DELETE_INSTANCE, IMPL);
	path_is(VOL3);
	kit.req.may_write = false;
	run("error 2 Operation needs the write role\n");
	begin(CIM_OP_MODIFY_INSTANCE, IMPL);
	path_is(VOL1);
	kit.req.may_write = false;
	run("error 2 Operation needs the write role\n");
}

static void modify(const char *prop, const char *value, bool listed, const char *want)
{
	static const char *list[1];

	begin(CIM_OP_MODIFY_INSTANCE, IMPL);
	path_is(VOL1);
	kit.req.inst = cim_inst_named(&kit.arena, "RPL_Volume", 1);
	cim_inst_add(kit.req.inst, prop)->val =
		(struct cim_value) { .type = CIM_STRING, .d = { .str = value } };
	list[0] = prop;
	kit.req.has_props = listed;
	kit.req.props = list;
	kit.req.n_props = listed;
	run(want);
}

static void changes(void **state)
{
	static const char *notes[] = { "Notes" };

	(void)state;
	modify("Notes", "new", true, "");
	modify("ElementName", "x", false, ""); /* not writable, not asked for by name */
	modify("ElementName", "x", true, "error 4 property ElementName cannot be written\n");
	modify("Nope", "x", false, "error 12 RPL_Volume has no property Nope\n");
	modify("Nope", "x", true, "error 12 RPL_Volume has no property Nope\n");
	begin(CIM_OP_GET_INSTANCE, IMPL);
	path_is(VOL1);
	kit.req.has_props = true;
	kit.req.props = notes;
	kit.req.n_props = 1;
	run("inst root/dmreplica:" VOL1 " Notes=new\n");
	begin(CIM_OP_DELETE_INSTANCE, IMPL);
	path_is(VOL1);
	run("error 1 volume vol1 is in use\n");
	begin(CIM_OP_DELETE_INSTANCE, IMPL);
	path_is(THIN);
	run("error 7 instances of RPL_ThinVolume cannot be deleted\n");
	begin(CIM_OP_DELETE_INSTANCE, IMPL);
	path_is(VOL3);
	run("");
	begin(CIM_OP_DELETE_INSTANCE, IMPL);
	path_is(VOL3);
	assert_null(broker_submit(kit.broker, &kit.req, &kit.sink));
	assert_int_equal(kit.code, CIM_ERR_NOT_FOUND);
}

static void create(const char *ns, const char *class, const char *prop, const char *value,
		   const char *want)
{
	begin(CIM_OP_CREATE_INSTANCE, ns);
	kit.req.inst = cim_inst_named(&kit.arena, class, 2);
	cim_inst_add(kit.req.inst, prop)->val =
		(struct cim_value) { .type = CIM_STRING, .d = { .str = value } };
	cim_inst_add(kit.req.inst, "SystemCreationClassName")->val =
		(struct cim_value) { .type = CIM_STRING, .d = { .str = "TPD_System" } };
	run(want);
}

static void creation(void **state)
{
	(void)state;
	create("root/tpd", "tpd_thinvolume", "DEVICEID", "new",
	       "path root/tpd:TPD_ThinVolume.DeviceID=\"new\",SystemCreationClassName="
	       "\"TPD_System\",Number=9\n");
	create(IMPL, "RPL_ThinVolume", "DeviceID", "thin1", "error 11 volume thin1 exists\n");
	create(IMPL, "RPL_ThinVolume", "Caption", "x", "error 4 DeviceID is missing\n");
	create(IMPL, "RPL_ThinVolume", "Bogus", "x",
	       "error 4 NewInstance: RPL_ThinVolume has no property Bogus\n");
	create(IMPL, "RPL_ThinVolume", "Number", "x",
	       "error 4 NewInstance: property Number: \"x\" is no uint32\n");
	create(IMPL, "RPL_ThinVolume", "DeviceID", "nothing",
	       "error 1 the provider of RPL_ThinVolume is faulty, see the log\n");
	create(IMPL, "RPL_None", "DeviceID", "new",
	       "error 5 class RPL_None does not exist in root/dmreplica\n");
	create(IMPL, "TPD_ThinVolume", "DeviceID", "new",
	       "error 5 class TPD_ThinVolume does not exist in root/dmreplica\n");
	/* another provider, an abstract class, a class without provider */
	create(IMPL, "RPL_Volume", "DeviceID", "new",
	       "error 7 instances of RPL_Volume cannot be created\n");
	create(IMPL, "CIM_ManagedElement", "Caption", "new",
	       "error 7 instances of CIM_ManagedElement cannot be created\n");
	create(IMPL, "CIM_Setting", "InstanceID", "new",
	       "error 7 instances of CIM_Setting cannot be created\n");
	begin(CIM_OP_CREATE_INSTANCE, IMPL);
	run("error 4 NewInstance is missing\n");
	begin(CIM_OP_CREATE_INSTANCE, IMPL);
	kit.req.may_write = false;
	run("error 2 Operation needs the write role\n");
}

static void property(enum cim_op op, const char *path, const char *name, const char *value,
		     const char *want)
{
	begin(op, IMPL);
	path_is(path);
	kit.req.property = name;
	kit.req.new_value =
		(struct cim_value) { .type = CIM_STRING, .null = !value, .d = { .str = value } };
	run(want);
}

static void properties(void **state)
{
	const enum cim_op get = CIM_OP_GET_PROPERTY, set = CIM_OP_SET_PROPERTY;

	(void)state;
	property(get, VOL1, "NUMBER", NULL, "value 1\n");
	property(get, VOL1, "OperationalStatus", NULL, "value 2;17\n");
	property(get, THIN, "Notes", NULL, "");
	property(get, VOL1, "Bogus", NULL, "error 12 RPL_Volume has no property Bogus\n");
	property(get, VOL1, NULL, NULL, "error 4 PropertyName is missing\n");
	property(get, POOL_X, "Caption", NULL, "error 6 there is no " POOL_X "\n");
	property(set, VOL1, "notes", "set", "");
	property(get, VOL1, "Notes", NULL, "value set\n");
	property(set, VOL1, "Number", "5",
		 "error 7 property Number of RPL_Volume cannot be written\n");
	property(set, VOL1, "ElementName", "5",
		 "error 7 property ElementName of RPL_Volume cannot be written\n");
	property(set, THIN, "Notes", "5",
		 "error 7 property Notes of RPL_ThinVolume cannot be written\n");
	property(set, VOL1, "Bogus", "5", "error 12 RPL_Volume has no property Bogus\n");
	begin(set, IMPL);
	path_is(VOL1);
	kit.req.property = "Notes";
	kit.req.new_value = (struct cim_value) { .type = CIM_STRING, .array = true };
	run("error 13 Notes is of type string, not string[]\n");
	begin(set, IMPL);
	path_is(VOL1);
	kit.req.property = "Notes";
	kit.req.may_write = false;
	run("error 2 Operation needs the write role\n");
	begin(get, "root/tpd");
	path_is("TPD_ThinVolume.DeviceID=\"thin1\",SystemCreationClassName=\"TPD_System\",Number=1");
	kit.req.property = "SystemCreationClassName";
	run("value TPD_System\n");
}

static void unsupported(void **state)
{
	(void)state;
	begin(CIM_OP_UNSUPPORTED, IMPL);
	kit.req.name = "CreateClass";
	run("error 7 operation CreateClass is not supported\n");
}

/* ---- in pieces ---- */

static void open_all(void **state)
{
	static const char *number[] = { "Number" };

	(void)state;
	begin(CIM_OP_OPEN_ENUMERATE_INSTANCES, "root/tpd");
	kit.req.class = "CIM_Volume";
	kit.req.has_props = true;
	kit.req.props = number;
	kit.req.n_props = 1;
	kit.req.max_objects = (struct cim_opt_u32) { true, 1 };
	run("inst root/tpd:TPD_Volume.DeviceID=\"vol1\",SystemCreationClassName=\"TPD_System\","
	    "Number=1 Number=1\nmore\n");
}

/* The context of open_all() is still open. */
static void pull(enum cim_op op, uint32_t max, const char *want)
{
	begin(op, "root/tpd");
	kit.req.context = kit.context;
	kit.req.has_props = true;
	kit.req.max_objects = (struct cim_opt_u32) { true, max };
	run(want);
}

static void pull_rest(void **state)
{
	(void)state;
	pull(CIM_OP_PULL_WITH_PATH, 0, "more\n");
	pull(CIM_OP_ENUMERATION_COUNT, 0, "value 3\n");
	pull(CIM_OP_PULL_WITH_PATH, 100,
	     "inst root/tpd:TPD_Volume.DeviceID=\"vol2 <&> \\\"quoted\\\" \xc3\xa4\","
	     "SystemCreationClassName=\"TPD_System\",Number=2 Number=2\n"
	     "inst root/tpd:TPD_ThinVolume.DeviceID=\"thin1\",SystemCreationClassName="
	     "\"TPD_System\",Number=1 Number=1\nend\n");
	begin(CIM_OP_PULL_WITH_PATH, "root/tpd");
	kit.req.context = kit.context;
	kit.req.max_objects = (struct cim_opt_u32) { true, 1 };
	assert_null(broker_submit(kit.broker, &kit.req, &kit.sink));
	assert_int_equal(kit.code, CIM_ERR_INVALID_ENUMERATION_CONTEXT);
}

/* An answer with an error in the middle leaves nothing behind. */
static void open_fails(void **state)
{
	const struct broker_limits none = { .max_enumerations = 0, .max_bytes = 1 << 20 };

	(void)state;
	broker_set_limits(kit.broker, &none, NULL);
	begin(CIM_OP_OPEN_ENUMERATE_PATHS, IMPL);
	kit.req.class = "RPL_Pool";
	kit.req.max_objects = (struct cim_opt_u32) { true, 1 };
	run("path root/dmreplica:RPL_Pool.InstanceID=\"pool:A\"\n"
	    "error 27 there are 0 open enumerations, no more are allowed\n");
	begin(CIM_OP_OPEN_ENUMERATE_PATHS, IMPL);
	kit.req.class = "RPL_Pool";
	kit.req.max_objects = (struct cim_opt_u32) { true, 2 };
	run("path root/dmreplica:RPL_Pool.InstanceID=\"pool:A\"\n"
	    "path root/dmreplica:RPL_Pool.InstanceID=\"pool:B\"\nend\n");
}

/* ---- schema and providers that do not fit ---- */

static int none(struct cim_call *c)
{
	(void)c;
	return 0;
}

static void unfit(const struct cim_provider *p, const char *want)
{
	const struct cim_provider *list[] = { p, NULL };
	char *why = NULL;

	assert_null(repo_new(&cim_schema, list, &why));
	assert_string_equal(why, want);
	free(why);
}

static void unfit_providers(void **state)
{
	static const struct cim_method methods[] = { { "Nope", none, 0 }, { NULL, NULL, 0 } };
	static const struct cim_assoc assoc = { .role = { "Antecedent", "Nope" } };

	(void)state;
	unfit(&(struct cim_provider) { .class = "RPL_Nope", .enumerate = none },
	      "provider for class RPL_Nope: the class is unknown");
	unfit(&(struct cim_provider) { .class = "CIM_Dependency", .enumerate = none },
	      "provider for class CIM_Dependency: the class is abstract");
	unfit(&(struct cim_provider) { .class = "RPL_Pool" },
	      "provider of RPL_Pool cannot enumerate");
	unfit(&(struct cim_provider) { .class = "RPL_Pool", .enumerate = none, .methods = methods },
	      "class RPL_Pool has no method Nope");
	unfit(&(struct cim_provider) { .class = "RPL_AllocatedFrom",
				       .enumerate = none,
				       .assoc = &assoc },
	      "association RPL_AllocatedFrom has no reference Nope");
	unfit(&(struct cim_provider) { .class = "RPL_AllocatedFrom", .enumerate = none },
	      "class RPL_AllocatedFrom is an association, its provider says otherwise");
}

static int setup(void **state)
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
				       .done = out_done };
	kit.repo = repo_new(&cim_schema, test_providers, &why);
	kit.broker = broker_new(kit.repo, NULL);
	return kit.repo ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	broker_free(kit.broker);
	repo_free(kit.repo);
	strbuf_done(&kit.out);
	arena_done(&kit.arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes),	     cmocka_unit_test(inheritance),
		cmocka_unit_test(enumerate),	     cmocka_unit_test(property_lists),
		cmocka_unit_test(get_instance),	     cmocka_unit_test(associators),
		cmocka_unit_test(references),	     cmocka_unit_test(class_level),
		cmocka_unit_test(method_results),    cmocka_unit_test(method_errors),
		cmocka_unit_test(method_references), cmocka_unit_test(pending),
		cmocka_unit_test(cancelled),	     cmocka_unit_test(roles),
		cmocka_unit_test(changes),	     cmocka_unit_test(creation),
		cmocka_unit_test(properties),	     cmocka_unit_test(unsupported),
		cmocka_unit_test(open_all),	     cmocka_unit_test(pull_rest),
		cmocka_unit_test(open_fails),	     cmocka_unit_test(unfit_providers),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

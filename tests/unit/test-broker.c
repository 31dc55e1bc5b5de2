// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test-broker.c - operations over the test schema (data/test.mof) and its providers
 * (../cim/testprov.c).
 */
#include "broker-kit.h"

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

static enum cim_type claimed;

/* prop NULL: Notes is listed, and nothing given; value NULL: as NULL */
static void modify(const char *prop, const char *value, bool listed, const char *want)
{
	static const char *list[1];

	begin(CIM_OP_MODIFY_INSTANCE, IMPL);
	path_is(VOL1);
	kit.req.inst = cim_inst_named(&kit.arena, "RPL_Volume", 1);
	if (prop)
		cim_inst_add(kit.req.inst, prop)->val =
			(struct cim_value) { .type = CIM_STRING,
					     .null = !value,
					     .claimed = (uint8_t)claimed,
					     .d = { .str = value } };
	list[0] = prop ? prop : "Notes";
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
	/* listed and not there, or NULL: it is set to NULL */
	modify(NULL, NULL, true, "");
	assert_int_equal(test_notes_nulled, 1);
	modify("Notes", NULL, true, "");
	modify("Notes", NULL, false, "");
	assert_int_equal(test_notes_nulled, 3);
	claimed = CIM_UINT32;
	modify("Notes", "new", true, "error 4 property Notes is of type string, not uint32\n");
	claimed = CIM_STRING;
	modify("Notes", "new", false, "");
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

static void unsupported(void **state)
{
	(void)state;
	begin(CIM_OP_UNSUPPORTED, IMPL);
	kit.req.name = "CreateClass";
	run("error 7 operation CreateClass is not supported\n");
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
		cmocka_unit_test(changes),	     cmocka_unit_test(unsupported),

		cmocka_unit_test(unfit_providers),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

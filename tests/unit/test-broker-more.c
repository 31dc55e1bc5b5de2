// SPDX-License-Identifier: GPL-2.0-or-later
/* test-broker-more.c - like test-broker.c: creating, single properties, answers in pieces. */
#include "broker-kit.h"

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
	run("error 13 property Notes is of type string, not string[]\n");
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
	pull(CIM_OP_ENUMERATION_COUNT, 0, "value 4\n");
	pull(CIM_OP_PULL_WITH_PATH, 100,
	     "inst root/tpd:TPD_Volume.DeviceID=\"vol2 <&> \\\"quoted\\\" \xc3\xa4\","
	     "SystemCreationClassName=\"TPD_System\",Number=2 Number=2\n"
	     "inst root/tpd:TPD_Volume.DeviceID=\"vol3\",SystemCreationClassName="
	     "\"TPD_System\",Number=3 Number=3\n"
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(creation),   cmocka_unit_test(properties),
		cmocka_unit_test(open_all),   cmocka_unit_test(pull_rest),
		cmocka_unit_test(open_fails),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

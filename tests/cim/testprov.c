// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * testprov.c - three volumes, a thin one, two pools, what is allocated from what, and a profile
 * in interop. Nothing can change but the notes of the volumes, and volume 3 can be deleted.
 */
#include "testprov.h"

#include <stdio.h>
#include <string.h>

struct vol {
	const char *id, *pool;
	unsigned int number;
	char notes[64];
	bool gone;
};

static struct vol vols[] = {
	{ "vol1", "pool:A", 1, "", false },
	{ "vol2 <&> \"quoted\" \xc3\xa4", "pool:A", 2, "", false },
	{ "vol3", "pool:B", 3, "", false },
};

void test_reset(void)
{
	for (size_t k = 0; k < 3; k++) {
		vols[k].gone = false;
		*vols[k].notes = '\0';
	}
}

sd_event *test_loop;
unsigned int test_many, test_broken;
struct cim_hold *test_held;
int test_cancelled;

static struct cim_path *vol_path(struct cim_call *c, const struct vol *v)
{
	struct cim_path *p = cim_path_new(cim_arena(c), "RPL_Volume");

	cim_path_u64(p, "Number", v->number);
	cim_path_str(p, "DeviceID", v->id);
	cim_path_str(p, "SystemCreationClassName", "RPL_System");
	return p;
}

static int fill_vol(struct cim_call *c, const struct vol *v, struct cim_inst *i)
{
	struct cim_inst *s = cim_inst_new(c, "RPL_Setting");

	cim_set_str(s, "InstanceID", "setting:<1>");
	cim_set_u16(s, "Mode", 3);
	cim_set_strs(s, "Words", (const char *const[]) { "a & b", NULL, "" }, 3);
	cim_set_str(i, "DeviceID", v->id);
	cim_set_str(i, "SystemCreationClassName", "RPL_System");
	cim_set_u32(i, "Number", v->number);
	cim_set_str(i, "ElementName", "name of a volume");
	cim_set_str(i, "Notes", *v->notes ? v->notes : NULL);
	cim_set_u16v(i, "OperationalStatus", 2, 17);
	cim_set_u64(i, "NumberOfBlocks", UINT64_MAX);
	cim_set_bool(i, "Primordial", false);
	cim_set_time(i, "InstallDate", UINT64_C(1700000000123456));
	cim_set_s64(i, "Offset", -5);
	cim_set_inst(i, "Setting", s);
	return cim_status(i);
}

/* Volume @nr of test_many, in @id and @v. */
static const struct vol *one_of_many(unsigned int nr, char id[16], struct vol *v)
{
	snprintf(id, 16, "many%05u", nr);
	*v = (struct vol) { .id = id, .pool = "pool:A", .number = nr };
	return v;
}

static int vol_enumerate(struct cim_call *c)
{
	struct vol v;
	char id[16];

	for (size_t k = 0; k < 3; k++)
		if (!vols[k].gone && fill_vol(c, &vols[k], cim_emit(c)))
			break;
	for (unsigned int nr = 1; nr <= test_many; nr++)
		fill_vol(c, one_of_many(nr, id, &v), cim_emit(c));
	return 0;
}

static int vol_get(struct cim_call *c)
{
	for (size_t k = 0; k < 3; k++)
		if (!vols[k].gone && !strcmp(vols[k].id, cim_key(c, "DeviceID")))
			return fill_vol(c, &vols[k], cim_emit(c));
	for (unsigned int nr = 1; nr <= test_many; nr++) {
		struct vol v;
		char id[16];

		one_of_many(nr, id, &v);
		if (strcmp(id, cim_key(c, "DeviceID")))
			continue;
		if (nr == test_broken)
			return cim_error(c, CIM_ERR_FAILED, "volume %s is broken\r\nby 100 %%", id);
		return fill_vol(c, &v, cim_emit(c));
	}
	return -CIM_ERR_NOT_FOUND;
}

unsigned int test_notes_nulled;

static int vol_modify(struct cim_call *c, const struct cim_inst *changes)
{
	const char *notes = cim_get_str(changes, "Notes");

	test_notes_nulled += cim_nulled(changes, "Notes");
	for (size_t k = 0; k < 3; k++)
		if (notes && !strcmp(vols[k].id, cim_key(c, "DeviceID")))
			snprintf(vols[k].notes, sizeof(vols[k].notes), "%s", notes);
	return 0;
}

static int vol_remove(struct cim_call *c)
{
	if (strcmp(cim_key(c, "DeviceID"), "vol3"))
		return cim_error(c, CIM_ERR_FAILED, "volume %s is in use", cim_key(c, "DeviceID"));
	vols[2].gone = true;
	return 0;
}

static int thin_enumerate(struct cim_call *c)
{
	struct cim_inst *i = cim_emit(c);

	cim_set_str(i, "DeviceID", "thin1");
	cim_set_str(i, "SystemCreationClassName", "RPL_System");
	cim_set_u32(i, "Number", 1);
	return cim_status(i);
}

/* Says what it would be; only thin1 is there. */
static int thin_create(struct cim_call *c, const struct cim_inst *inst)
{
	const char *id = cim_get_str(inst, "DeviceID");
	const char *class = cim_get_str(inst, "SystemCreationClassName");
	struct cim_path *p = cim_path_new(cim_arena(c), "RPL_ThinVolume");

	if (!id)
		return cim_error(c, CIM_ERR_INVALID_PARAMETER, "DeviceID is missing");
	if (!strcmp(id, "nothing"))
		return 0;
	if (!strcmp(id, "thin1"))
		return cim_error(c, CIM_ERR_ALREADY_EXISTS, "volume %s exists", id);
	cim_path_u64(p, "Number", 9);
	cim_path_str(p, "DeviceID", id);
	cim_path_str(p, "SystemCreationClassName", class ? class : "RPL_System");
	cim_created(c, p);
	return 0;
}

static int pool_enumerate(struct cim_call *c)
{
	cim_set_str(cim_emit(c), "InstanceID", "pool:A");
	cim_set_str(cim_emit(c), "InstanceID", "pool:B");
	return 0;
}

static int pool_grow(struct cim_call *c)
{
	const struct cim_value *names = cim_arg(c, "Names"), *sources = cim_arg(c, "Sources");
	const struct cim_inst *goal = cim_arg_inst(c, "Goal");
	const struct cim_path *source = cim_arg_ref(c, "Source");
	struct cim_path *made[2];
	char text[200];
	uint64_t size = 0;
	uint16_t kind = 0;

	cim_arg_u64(c, "Size", &size);
	cim_arg_u16(c, "Kind", &kind);
	if (kind == 99)
		return cim_error(c, CIM_ERR_FAILED, "kind 99 of %s fails",
				 cim_key(c, "InstanceID"));
	snprintf(text, sizeof(text), "size %llu kind %u names %d sources %d goal %s source %s",
		 (unsigned long long)size, kind, names ? (int)names->n : -1,
		 sources ? (int)sources->n : -1, goal ? cim_get_str(goal, "InstanceID") : "-",
		 source ? cim_path_key(source, "DeviceID") : "-");
	made[0] = vol_path(c, &vols[0]);
	made[1] = vol_path(c, &vols[1]);
	cim_out_str(c, "Text", text);
	cim_out_ref(c, "Pool",
		    cim_path_make(cim_arena(c), "RPL_Pool", "InstanceID", "pool:B", NULL));
	cim_out_refs(c, "Made", (const struct cim_path *const *)made, 2);
	cim_out_inst(c, "GoalOut", goal);
	return cim_return(c, 4096);
}

void test_wait_finish(struct cim_hold *h)
{
	struct cim_call *c = cim_resume(h);

	if (!c)
		return;
	cim_return(c, 7);
	cim_call_done(c, 0);
}

static int on_timer(sd_event_source *src, uint64_t usec, void *arg)
{
	(void)usec;
	sd_event_source_unref(src);
	test_wait_finish(arg);
	return 0;
}

static void on_cancel(void *arg)
{
	(void)arg;
	test_cancelled++;
}

static int pool_wait(struct cim_call *c)
{
	sd_event_source *src;
	uint32_t ms = 0;

	cim_arg_u32(c, "Milliseconds", &ms);
	test_held = cim_hold(c);
	cim_on_cancel(c, on_cancel, NULL);
	if (!ms) {
		struct cim_call *again = cim_resume(test_held);

		cim_return(again, 7);
		cim_call_done(again, 0);
	} else if (test_loop) {
		sd_event_add_time_relative(test_loop, &src, CLOCK_MONOTONIC, (uint64_t)ms * 1000,
					   1000, on_timer, test_held);
	}
	return CIM_PENDING;
}

static int pool_count(struct cim_call *c)
{
	return cim_return(c, 2);
}

static int alloc_enumerate(struct cim_call *c)
{
	for (size_t k = 0; k < 3; k++) {
		struct cim_inst *i;

		if (vols[k].gone)
			continue;
		i = cim_emit_assoc(
			c,
			cim_path_make(cim_arena(c), "RPL_Pool", "InstanceID", vols[k].pool, NULL),
			vol_path(c, &vols[k]));
		cim_set_u64(i, "SpaceConsumed", 1000 + k);
	}
	return 0;
}

static int profile_enumerate(struct cim_call *c)
{
	cim_set_str(cim_emit(c), "InstanceID", "SNIA:Array");
	return 0;
}

static int conforms_enumerate(struct cim_call *c)
{
	cim_emit_assoc(c,
		       cim_path_make(cim_arena(c), "RPL_Profile", "InstanceID", "SNIA:Array", NULL),
		       cim_path_make(cim_arena(c), "RPL_Pool", "InstanceID", "pool:A", NULL));
	return 0;
}

static const struct cim_method pool_methods[] = {
	{ "Grow", pool_grow, 0 },
	{ "Wait", pool_wait, CIM_METHOD_READ },
	{ "Count", pool_count, CIM_METHOD_READ },
	{ NULL, NULL, 0 },
};

static const struct cim_assoc alloc_assoc = { .role = { "Antecedent", "Dependent" } };
static const struct cim_assoc conforms_assoc = { .role = { "Standard", "Element" },
						 .end_class = { NULL, "CIM_Pool" } };

static const struct cim_provider volume = { .class = "RPL_Volume",
					    .enumerate = vol_enumerate,
					    .get = vol_get,
					    .modify = vol_modify,
					    .remove = vol_remove };
static const struct cim_provider thin = { .class = "RPL_ThinVolume",
					  .enumerate = thin_enumerate,
					  .create = thin_create };
static const struct cim_provider pool = { .class = "RPL_Pool",
					  .enumerate = pool_enumerate,
					  .methods = pool_methods };
static const struct cim_provider alloc = { .class = "RPL_AllocatedFrom",
					   .enumerate = alloc_enumerate,
					   .assoc = &alloc_assoc };
static const struct cim_provider profile = { .class = "RPL_Profile",
					     .ns = CIM_NS_INTEROP,
					     .enumerate = profile_enumerate };
static const struct cim_provider conforms = { .class = "RPL_Conforms",
					      .ns = CIM_NS_INTEROP | CIM_NS_IMPL,
					      .enumerate = conforms_enumerate,
					      .assoc = &conforms_assoc };

const struct cim_provider *const test_providers[] = { &volume,	&thin,	   &pool, &alloc,
						      &profile, &conforms, NULL };

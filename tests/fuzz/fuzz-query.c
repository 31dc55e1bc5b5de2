// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz-query.c - WQL, CQL and FQL: the first byte says which, the rest is the query. What is accepted
 * is bound to a class and asked about an instance; what is not says why.
 */
#include <strings.h>

#include "../unit/class-kit.h"
#include "base/alloc.h"
#include "fuzz.h"
#include "query/query.h"

static const struct cim_prop_decl props[] = {
	{ .name = "Name", .type = CIM_STRING },
	{ .name = "Size", .type = CIM_UINT64 },
	{ .name = "Offset", .type = CIM_SINT64 },
	{ .name = "Ratio", .type = CIM_REAL64 },
	{ .name = "Ready", .type = CIM_BOOLEAN },
	{ .name = "Since", .type = CIM_DATETIME },
	{ .name = "Status", .type = CIM_UINT16, .array = true },
	{ .name = "Pool", .type = CIM_REFERENCE, .ref_class = "T_Thing" },
	{ .name = "Nothing", .type = CIM_STRING },
};
static const struct cim_class_decl decl = { .name = "T_Thing",
					    .props = props,
					    .n_props = ARRAY_LEN(props) };
static struct class_kit thing;

static const struct cim_class *find(void *arg, const char *name)
{
	(void)arg;
	return strcasecmp(name, decl.name) ? NULL : &thing.cls;
}

static struct cim_inst *instance(struct arena *a)
{
	struct cim_inst *i = arena_alloc(a, sizeof(*i));
	static const uint16_t status[] = { 2, 17 };

	i->class = decl.name;
	i->cls = &thing.cls;
	i->n_props = decl.n_props;
	i->props = arena_array(a, i->n_props, sizeof(*i->props));
	memcpy(i->props, thing.cls.blank, i->n_props * sizeof(*i->props));
	i->arena = a;
	cim_set_str(i, "Name", "a b");
	cim_set_u64(i, "Size", UINT64_MAX);
	cim_set_s64(i, "Offset", -5);
	cim_set_bool(i, "Ready", true);
	cim_set_time(i, "Since", UINT64_C(1700000000123456));
	cim_set_u16s(i, "Status", status, 2);
	cim_set_ref(i, "Pool", cim_path_make(a, "T_Thing", "Name", "p", NULL));
	must(!cim_status(i), "the instance of the test is wrong");
	return i;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	class_kit(&thing, &decl, NULL);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct query_classes classes = { find, NULL };
	struct arena a = ARENA_INIT;
	struct query_error e = { 0 };
	uint64_t steps = 1 << 22;
	struct query *q;
	char *text;

	if (!len)
		return 0;
	text = fuzz_text(data + 1, len - 1);
	q = query_parse(&a, (enum query_language)(data[0] % 3), text, &e);
	memset(text, 'x', len - 1); /* it need not live on */
	free(text);
	if (!q || query_bind(q, &thing.cls, &classes, &e))
		must(e.code && *e.why, "a query is refused without a reason");
	else
		(void)query_matches(q, instance(&a), &steps);
	arena_done(&a);
	return 0;
}

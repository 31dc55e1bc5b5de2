// SPDX-License-Identifier: GPL-2.0-or-later
/* fuzz-datetime.c - times, and every other type of a VALUE: accepted means it comes back the same. */
#include "base/strbuf.h"
#include "cim/cim.h"
#include "fuzz.h"

static void datetime(const char *text)
{
	char printed[CIM_DATETIME_LEN + 1];
	struct cim_datetime dt, again;

	if (cim_datetime_parse(text, &dt))
		return;
	cim_datetime_print(&dt, printed);
	must(strlen(printed) == CIM_DATETIME_LEN, "a time has another length");
	must(!cim_datetime_parse(printed, &again), "a time that was written cannot be read");
	must(dt.interval == again.interval && dt.usec == again.usec,
	     "a time comes back as another");
}

static void value(enum cim_type type, const char *text)
{
	struct arena a = ARENA_INIT;
	struct strbuf first = STRBUF_INIT, second = STRBUF_INIT;
	struct cim_datum d = { 0 }, again = { 0 };

	if (!cim_datum_parse(&a, type, text, &d)) {
		cim_datum_print(&first, type, &d);
		must(!cim_datum_parse(&a, type, first.buf ? first.buf : "", &again),
		     "a value that was written cannot be read");
		cim_datum_print(&second, type, &again);
		must(first.len == second.len && !memcmp(first.buf ? first.buf : "",
							second.buf ? second.buf : "", first.len),
		     "a value comes back as another");
	}
	strbuf_done(&first);
	strbuf_done(&second);
	arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = fuzz_text(data, len);

	datetime(text);
	for (int type = CIM_BOOLEAN; type < CIM_REFERENCE; type++)
		value((enum cim_type)type, text);
	free(text);
	return 0;
}

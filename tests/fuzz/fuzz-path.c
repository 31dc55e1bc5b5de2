// SPDX-License-Identifier: GPL-2.0-or-later
/* fuzz-path.c - object paths as text: what is accepted is written and read back the same. */
#include "cim/cim.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena a = ARENA_INIT;
	char *text = fuzz_text(data, len);
	struct cim_path *p = cim_path_parse(&a, text), *again;

	if (p) {
		const char *printed = cim_path_print(&a, p);

		must(printed, "a path that was read cannot be written");
		again = cim_path_parse(&a, printed);
		must(again, "a path that was written cannot be read");
		must(cim_path_equal(p, again), "a path comes back as another one");
		must(!strcmp(printed, cim_path_print(&a, again)),
		     "a path changes when written twice");
		must(cim_path_equal(p, cim_path_dup(&a, p)), "the copy of a path is another one");
	}
	free(text);
	arena_done(&a);
	return 0;
}

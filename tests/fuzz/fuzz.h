// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz.h - what the targets share. A target is one program with LLVMFuzzerTestOneInput(); what must
 * hold of every input is said with must(), in the words of the finding.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define must(cond, what)                                                    \
	do {                                                                \
		if (!(cond)) {                                              \
			fprintf(stderr, "finding: %s (%s)\n", what, #cond); \
			abort();                                            \
		}                                                           \
	} while (0)

/* A copy that ends where the sanitizer sees it. */
static inline char *fuzz_text(const uint8_t *data, size_t len)
{
	char *s = malloc(len + 1);

	memcpy(s, data, len);
	s[len] = '\0';
	return s;
}

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/* run.h - a program started without a shell, its output collected, ended by a deadline. */
#ifndef AGENT_LVM_RUN_H
#define AGENT_LVM_RUN_H

#include "base/strbuf.h"

/*
 * Runs argv[0] (an absolute path) with the environment @envp. stdin is /dev/null. 0 when it
 * exited with 0; -EIO otherwise, -ETIMEDOUT after @deadline_ms (it is killed), else the errno of
 * starting it. Output beyond 64 MiB ends it with -EFBIG.
 */
int run_program(const char *const argv[], const char *const envp[], unsigned int deadline_ms,
		struct strbuf *out, struct strbuf *err);

#endif

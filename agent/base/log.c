// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * log.c - see log.h. The state is written once by log_init(), before threads start.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

static const char *log_ident = "smisd";
static int log_level = LOG_INFO;
static bool to_journal;

/* systemd names device and inode of the journal's socket: are they those of stderr? */
static bool stderr_is_journal(void)
{
	const char *env = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	if (!env || sscanf(env, "%llu:%llu", &dev, &ino) != 2 || fstat(STDERR_FILENO, &st))
		return false;
	return st.st_dev == dev && st.st_ino == ino;
}

void log_init(const char *ident, int level)
{
	log_ident = ident;
	log_level = level;
	to_journal = stderr_is_journal();
}

/* Control characters of peers must not forge log lines. */
static void make_printable(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

void log_at(int prio, const char *fmt, ...)
{
	char line[2048];
	va_list ap;

	if (prio > log_level)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	make_printable(line);
	if (to_journal)
		sd_journal_send("MESSAGE=%s", line, "PRIORITY=%i", prio, "SYSLOG_IDENTIFIER=%s",
				log_ident, NULL);
	else if (isatty(STDERR_FILENO))
		fprintf(stderr, "%s: %s\n", log_ident, line);
	else
		fprintf(stderr, "<%d>%s: %s\n", prio, log_ident, line);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * log.h - one line per event, to the journal when stderr is the journal, else to stderr.
 *
 * Any thread may log. Never log request bodies, passwords or Authorization headers. Log once, at
 * the place that decides; lower layers return an error.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <syslog.h>

/* level: highest syslog priority that is written, LOG_INFO by default. ident: program name. */
void log_init(const char *ident, int level);
void log_at(int prio, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_err(...)	log_at(LOG_ERR, __VA_ARGS__)
#define log_warn(...)	log_at(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_at(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)	log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	log_at(LOG_DEBUG, __VA_ARGS__)

#endif

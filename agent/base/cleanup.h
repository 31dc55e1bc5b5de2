// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cleanup.h - resources bound to a scope.
 *
 *	CLEANUP_FREE char *s = xstrdup(x);		freed when the scope is left
 *	CLEANUP(strbuf_done) struct strbuf b = STRBUF_INIT;
 *	return TAKE(s);					hands it out, nothing is freed
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* fn takes a pointer to the variable. */
#define CLEANUP(fn)   __attribute__((cleanup(fn)))
#define CLEANUP_FREE  CLEANUP(cleanup_free)
#define CLEANUP_CLOSE CLEANUP(cleanup_close)

#define TAKE(p)                            \
	({                                 \
		__typeof__(p) take_ = (p); \
		(p) = NULL;                \
		take_;                     \
	})

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * auth.h - Basic credentials: taking them from the header, and remembering right ones for a short
 * time as salted hashes, so that not every request asks PAM. Loop thread only.
 */
#ifndef HTTP_AUTH_H
#define HTTP_AUTH_H

#include <stdbool.h>
#include <stdint.h>

struct auth_cache;

/* keep_s 0: remembers nothing. */
struct auth_cache *auth_cache_new(uint32_t keep_s);
void auth_cache_free(struct auth_cache *a);
bool auth_cache_find(struct auth_cache *a, const char *user, const char *password, bool *may_read,
		     bool *may_write);
void auth_cache_add(struct auth_cache *a, const char *user, const char *password, bool may_read,
		    bool may_write);

/* "Basic <base64>" to user and password (free_secret() both); false when it is not that. */
bool auth_parse_basic(const char *header, char **user, char **password);

#endif

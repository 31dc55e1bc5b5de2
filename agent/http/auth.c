// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * auth.c - see auth.h. The salt is new in each process; the oldest entry makes room.
 */
#include "http/auth.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/alloc.h"

#define NR_ENTRIES 64
#define HASH_LEN   32

struct entry {
	unsigned char hash[HASH_LEN];
	uint64_t until_us; /* 0: free */
	bool may_read, may_write;
};

struct auth_cache {
	uint32_t keep_s;
	unsigned char salt[32];
	struct entry entries[NR_ENTRIES];
};

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

struct auth_cache *auth_cache_new(uint32_t keep_s)
{
	struct auth_cache *a = new0(struct auth_cache);

	a->keep_s = keep_s;
	if (gnutls_rnd(GNUTLS_RND_KEY, a->salt, sizeof(a->salt)) < 0)
		a->keep_s = 0;
	return a;
}

void auth_cache_free(struct auth_cache *a)
{
	if (!a)
		return;
	explicit_bzero(a, sizeof(*a));
	free(a);
}

static bool hash(const struct auth_cache *a, const char *user, const char *password,
		 unsigned char out[HASH_LEN])
{
	gnutls_hash_hd_t h;

	if (gnutls_hash_init(&h, GNUTLS_DIG_SHA256) < 0)
		return false;
	gnutls_hash(h, a->salt, sizeof(a->salt));
	gnutls_hash(h, user, strlen(user) + 1);
	gnutls_hash(h, password, strlen(password) + 1);
	gnutls_hash_deinit(h, out);
	return true;
}

bool auth_cache_find(struct auth_cache *a, const char *user, const char *password, bool *may_read,
		     bool *may_write)
{
	unsigned char want[HASH_LEN];
	uint64_t now = now_us();
	bool found = false;

	if (!a->keep_s || !hash(a, user, password, want))
		return false;
	for (int i = 0; i < NR_ENTRIES; i++) {
		struct entry *e = &a->entries[i];

		if (e->until_us <= now || gnutls_memcmp(e->hash, want, HASH_LEN))
			continue;
		*may_read = e->may_read;
		*may_write = e->may_write;
		found = true;
	}
	return found;
}

void auth_cache_add(struct auth_cache *a, const char *user, const char *password, bool may_read,
		    bool may_write)
{
	struct entry *e = &a->entries[0];

	if (!a->keep_s)
		return;
	for (int i = 1; i < NR_ENTRIES; i++)
		if (a->entries[i].until_us < e->until_us)
			e = &a->entries[i];
	if (!hash(a, user, password, e->hash))
		return;
	e->until_us = now_us() + (uint64_t)a->keep_s * 1000000;
	e->may_read = may_read;
	e->may_write = may_write;
}

bool auth_parse_basic(const char *header, char **user, char **password)
{
	gnutls_datum_t in, out;
	const char *colon;
	bool ok = false;

	if (strncasecmp(header, "Basic ", 6))
		return false;
	header += 6;
	header += strspn(header, " ");
	in.data = (unsigned char *)header;
	in.size = (unsigned int)strlen(header);
	if (!in.size || in.size > 4096 || gnutls_base64_decode2(&in, &out) < 0)
		return false;
	colon = memchr(out.data, ':', out.size);
	if (colon && !memchr(out.data, '\0', out.size)) {
		size_t at = (size_t)(colon - (const char *)out.data);

		ok = at > 0;
		if (ok) {
			*user = xstrndup((const char *)out.data, at);
			*password = xstrndup(colon + 1, out.size - at - 1);
		}
	}
	explicit_bzero(out.data, out.size);
	gnutls_free(out.data);
	return ok;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * peers.c - see peers.h. A small table: the entry whose last failure is longest ago makes room. A
 * failure is forgiven every FORGIVE_US; a right password forgives none, else somebody with one
 * account could guess the password of another as fast as he likes.
 */
#include "http/peers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define NR_PEERS    256
#define FORGIVE_US  UINT64_C(10000000)
#define MAX_WAIT_US UINT64_C(10000000)
#define MAX_DOUBLES 3

struct peer {
	uint64_t key; /* with failures 0: free */
	uint64_t failed_us; /* the last one, or the one forgiven last */
	uint64_t next_us; /* no guess before */
	uint64_t step_us; /* between guesses */
	uint32_t failures;
};

struct peers {
	struct peer all[NR_PEERS];
};

struct peers *peers_new(void)
{
	return new0(struct peers);
}

void peers_free(struct peers *p)
{
	free(p);
}

static bool is_mapped(const struct sockaddr_in6 *in6)
{
	return IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
}

uint64_t peer_key(const struct sockaddr *sa)
{
	const struct sockaddr_in6 *in6 = (const void *)sa;
	uint32_t v4 = 0;
	uint64_t key;

	if (sa && sa->sa_family == AF_INET6 && !is_mapped(in6)) {
		memcpy(&key, &in6->sin6_addr, sizeof(key));
		return key;
	}
	if (sa && sa->sa_family == AF_INET6)
		memcpy(&v4, in6->sin6_addr.s6_addr + 12, sizeof(v4));
	else if (sa && sa->sa_family == AF_INET)
		v4 = ((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr;
	return v4;
}

void peer_name(const struct sockaddr *sa, char name[PEER_NAME_LEN])
{
	const struct sockaddr_in6 *in6 = (const void *)sa;

	*name = '\0';
	if (!sa)
		return;
	if (sa->sa_family == AF_INET6 && is_mapped(in6))
		inet_ntop(AF_INET, in6->sin6_addr.s6_addr + 12, name, PEER_NAME_LEN);
	else if (sa->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &in6->sin6_addr, name, PEER_NAME_LEN);
	else if (sa->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, name,
			  PEER_NAME_LEN);
}

static void forgive(struct peer *e, uint64_t now_us)
{
	uint64_t n = now_us > e->failed_us ? (now_us - e->failed_us) / FORGIVE_US : 0;

	e->failed_us += n * FORGIVE_US;
	e->failures -= n < e->failures ? (uint32_t)n : e->failures;
}

static struct peer *find(struct peers *p, uint64_t key, uint64_t now_us)
{
	for (int i = 0; i < NR_PEERS; i++) {
		struct peer *e = &p->all[i];

		if (!e->failures || e->key != key)
			continue;
		forgive(e, now_us);
		return e->failures ? e : NULL;
	}
	return NULL;
}

bool peers_wait(struct peers *p, uint64_t key, uint64_t now_us, uint64_t *wait_us)
{
	struct peer *e = find(p, key, now_us);

	*wait_us = 0;
	if (!e)
		return true;
	if (e->next_us > now_us)
		*wait_us = e->next_us - now_us;
	if (*wait_us > MAX_WAIT_US)
		return false;
	e->next_us = now_us + *wait_us + e->step_us;
	return true;
}

void peers_failed(struct peers *p, uint64_t key, uint64_t now_us, uint64_t step_us)
{
	struct peer *e = find(p, key, now_us);
	uint32_t doubles;

	if (!e) {
		e = &p->all[0];
		for (int i = 1; i < NR_PEERS && e->failures; i++)
			if (!p->all[i].failures || p->all[i].failed_us < e->failed_us)
				e = &p->all[i];
		*e = (struct peer) { .key = key };
	}
	doubles = e->failures < MAX_DOUBLES ? e->failures : MAX_DOUBLES;
	e->failures++;
	e->failed_us = now_us;
	e->step_us = step_us << doubles;
	if (e->next_us < now_us + e->step_us)
		e->next_us = now_us + e->step_us;
}

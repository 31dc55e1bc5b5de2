// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * peers.h - which addresses gave wrong passwords lately, and how long the next guess from there
 * must wait. The wait is before the password is looked at: who hangs up early learns nothing, and
 * has no more guesses for it. Loop thread only.
 */
#ifndef HTTP_PEERS_H
#define HTTP_PEERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define PEER_NAME_LEN 46 /* of an address as text, with NUL */

struct peers;

struct peers *peers_new(void);
void peers_free(struct peers *p);

/* What counts as one peer: an IPv4 address, the first 64 bits of an IPv6 address. */
uint64_t peer_key(const struct sockaddr *sa);
/* The address as people write it; "" when there is none. */
void peer_name(const struct sockaddr *sa, char name[PEER_NAME_LEN]);

/*
 * A guess arrives: microseconds that it must wait, 0 when the peer has a clean record. The place in
 * time is then taken. False: the wait would be too long, refuse it.
 */
bool peers_wait(struct peers *p, uint64_t key, uint64_t now_us, uint64_t *wait_us);
/* A guess was wrong. step_us: what the first one costs; each further one twice as much, up to 8. */
void peers_failed(struct peers *p, uint64_t key, uint64_t now_us, uint64_t step_us);

#endif

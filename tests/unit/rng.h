/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rng.h - numbers for property tests: xorshift64, the same ones for the same rng_state, never 0. */
#ifndef RNG_H
#define RNG_H

#include <stdint.h>

static uint64_t rng_state = 0x9e3779b97f4a7c15ULL;

static inline uint64_t rnd(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

static inline uint64_t below(uint64_t n)
{
	return rnd() % n;
}

#endif /* RNG_H */

/* SPDX-License-Identifier: ISC */
/* Numbers that look random and are the same in every run. */
#ifndef BENCH_RANDOM_H
#define BENCH_RANDOM_H

#include <stdint.h>

static inline uint64_t random64(void)
{
	static uint64_t x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static inline uint32_t random32(void)
{
	return (uint32_t)(random64() >> 16);
}

#endif

/* SPDX-License-Identifier: ISC */
/* What time it is. */
#include "config.h"

#include "lib/clock.h"

#include <time.h>

static uint64_t read_us(clockid_t id)
{
	struct timespec ts;
	/* It can't fail: both clocks exist wherever Linux runs, and the pointer is ours. */
	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t clock_real_us(void)
{
	return read_us(CLOCK_REALTIME);
}

uint64_t clock_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

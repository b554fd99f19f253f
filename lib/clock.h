/* SPDX-License-Identifier: ISC */
/* What time it is. Libc only. */
#ifndef LIB_CLOCK_H
#define LIB_CLOCK_H

#include <stdint.h>

/* Wall clock, microseconds since the epoch. */
uint64_t clock_real_us(void);

/* A clock that never jumps, microseconds since some start; stands still in suspend. */
uint64_t clock_mono_us(void);

#endif

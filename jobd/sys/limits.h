/* SPDX-License-Identifier: ISC */
/* The daemon's own resource limits. Jobs get back what jobd found. */
#ifndef SYS_LIMITS_H
#define SYS_LIMITS_H

#include <stdint.h>

/*
 * Raises RLIMIT_NOFILE as far as it goes: to the hard limit, as root to 1048576 or what the
 * kernel allows. *soft and *hard are what was there before; RLIM_INFINITY is UINT64_MAX.
 * 0 or -errno; what could be raised stays raised.
 */
int limits_raise_nofile(uint64_t *soft, uint64_t *hard);

#endif

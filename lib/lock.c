/* SPDX-License-Identifier: ISC */
/* See lock.h. */
#include "config.h"

#include "lib/lock.h"

#include <errno.h>
#include <sys/file.h>
#include <time.h>

#include "lib/clock.h"

#define PATIENCE_US 2000000
#define STEP_NS	    10000000

int lock_take(int fd)
{
	const struct timespec step = { 0, STEP_NS };
	uint64_t until = clock_mono_us() + PATIENCE_US;
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK || clock_mono_us() >= until)
			return -errno;
		nanosleep(&step, NULL);
	}
	return 0;
}

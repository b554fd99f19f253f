/* SPDX-License-Identifier: ISC */
/*
 * When something is due for a job: one moment by the wall clock (not-before, deadline, the next
 * attempt) and one by the monotonic clock (a timeout, a start that is tried again). Which moments
 * those are is waiting.c's.
 */
#ifndef CORE_DUE_H
#define CORE_DUE_H

#include <stdbool.h>
#include <stdint.h>

#include "jobd/core/heap.h"

struct live;

enum due_clock { DUE_REAL, DUE_MONO, DUE_CLOCKS };

struct due {
	struct heap heaps[DUE_CLOCKS];
};

/* Something is due at that time (microseconds; 0: nothing is). False: no memory. */
bool due_set(struct due *d, enum due_clock clock, struct live *l, uint64_t at_us);
/* The first, and when it is due; NULL: none is. */
struct live *due_first(const struct due *d, enum due_clock clock, uint64_t *at_us);
/* Frees it. Its jobs are not touched. */
void due_fini(struct due *d);

#endif

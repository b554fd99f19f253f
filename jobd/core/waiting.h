/* SPDX-License-Identifier: ISC */
/*
 * How many jobs of each user wait (queued or held), kept as they come and go, so that
 * asking costs the same however many there are.
 */
#ifndef CORE_WAITING_H
#define CORE_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WAITING_BUCKETS 256u

struct waiting {
	struct waiting_user *buckets[WAITING_BUCKETS]; /* all zero: nobody has any */
};

void waiting_fini(struct waiting *w);
/* One more. False when there is no memory. */
bool waiting_add(struct waiting *w, uint32_t uid);
/* One less of those that were added. */
void waiting_drop(struct waiting *w, uint32_t uid);
size_t waiting_count(const struct waiting *w, uint32_t uid);

#endif

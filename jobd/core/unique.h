/* SPDX-License-Identifier: ISC */
/* The live jobs that have a unique key, by user and key: one each. */
#ifndef CORE_UNIQUE_H
#define CORE_UNIQUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct live;

/* All zero: there are none. */
struct unique {
	struct live **buckets;
	size_t n, nbuckets;
};

/* The job of this user with this key, or NULL. */
struct live *unique_find(const struct unique *u, uint32_t uid, const char *key);
/* It has its key, which nobody else has; nothing where it has none. False: no memory. */
bool unique_add(struct unique *u, struct live *l);
/* Its key is free again; nothing where it is not in the set. */
void unique_remove(struct unique *u, struct live *l);
/* Frees it. Its jobs are not touched. */
void unique_fini(struct unique *u);

#endif

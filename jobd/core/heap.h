/* SPDX-License-Identifier: ISC */
/*
 * A binary heap whose members know where they stand, so that one whose rank
 * has changed, or that leaves from the middle, costs as little as the first.
 */
#ifndef CORE_HEAP_H
#define CORE_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#define HEAP_NOWHERE SIZE_MAX

struct heap {
	void **v;
	size_t len, cap;
};

/* What a heap's members are. Constant for the heap's life. */
struct heap_kind {
	bool (*before)(const void *a, const void *b);
	size_t *(*at)(void *member); /* where the member keeps its place; HEAP_NOWHERE: in no heap */
};

/* Puts a member in, or to where it belongs now. False when there is no memory. */
bool heap_put(struct heap *h, const struct heap_kind *k, void *member);
/* Takes it out; nothing when it is in none. */
void heap_take(struct heap *h, const struct heap_kind *k, void *member);
/* The one that comes before all others, or NULL. */
void *heap_first(const struct heap *h);
/* Frees it. Its members are not touched. */
void heap_fini(struct heap *h);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * A walk down the numbers that several sets have in common: the intersection
 * that a filter is. Each set tells the greatest of its numbers that is not above
 * a given one; they are asked in turn until all name the same.
 */
#ifndef STORE_WALK_H
#define STORE_WALK_H

#include "jobd/store/internal.h"

/* A set of numbers. Its fields are walk.c's. */
struct walk_set {
	int (*seek)(struct walk_set *set, size_t *budget, uint64_t *n);
	struct walk_run *runs; /* a union of runs of keys, or a table */
	size_t nruns;
	const uint64_t *numbers; /* ascending, borrowed */
	struct span *spans;	 /* the highest first, owned */
	size_t count;
};

#define WALK_SETS 8

struct walk {
	struct store *s;
	struct walk_set sets[WALK_SETS];
	size_t nsets;
	size_t budget; /* how many more rows or entries may be looked at */
};

void walk_init(struct walk *w, struct store *s, size_t budget);
void walk_fini(struct walk *w); /* closes the cursors: before the turn ends */

/* Each adds a set: 0 or -errno. */
/* All numbers of a table that is keyed by them. */
int walk_add_table(struct walk *w, enum table t);
/* Those in an ascending array, which is borrowed. */
int walk_add_numbers(struct walk *w, const uint64_t *numbers, size_t n);
/* Those of a window of time. */
int walk_add_window(struct walk *w, enum day_kind kind, uint64_t since_us, uint64_t until_us);
/* Those under a prefix of a table whose keys end in ~number. Several joined by walk_add_run
 * to the set of the last walk_add_union are a union; an empty union is an empty set. */
int walk_add_union(struct walk *w, size_t max);
int walk_add_run(struct walk *w, enum table t, const uint8_t *prefix, size_t len);

/*
 * The greatest number <= *n that is in all sets (at least one), into *n. 0; -ENOENT when there
 * is none; -EAGAIN when the budget is used up, and then *n is how far down there was none;
 * -errno. With a budget left over, *n has come down or is an answer.
 */
int walk_next(struct walk *w, uint64_t *n);

#endif

/* SPDX-License-Identifier: ISC */
/* Job numbers as people write them: "7", "3-9", "1,4", "1,4-6". Pure. */
#ifndef JOBCTL_IDS_H
#define JOBCTL_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IDS_MAX 100000 /* what one command line may name */

struct id {
	uint64_t number;
	bool named; /* by itself, not as one of a range: that it is missing is a mistake */
};

/* In the order in which they were given; none twice. */
struct ids {
	struct id *v;
	size_t n, cap;
};

enum ids_result {
	IDS_OK,
	IDS_NOT_A_NUMBER, /* not a list of numbers and ranges */
	IDS_BACKWARDS,	  /* a range that ends before it begins */
	IDS_TOO_MANY,	  /* more than IDS_MAX */
	IDS_NO_MEMORY,
};

/* Adds what a word names. On failure ids holds a part of it. */
enum ids_result ids_add(struct ids *ids, const char *word);

/* To be called once after the last ids_add: drops what was given before. */
void ids_unique(struct ids *ids);

void ids_fini(struct ids *ids);

#endif

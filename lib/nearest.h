/* SPDX-License-Identifier: ISC */
/*
 * The name that was probably meant by one that is not known: among those that there are, the one
 * with the fewest slips of a finger between. Libc only.
 *
 *	struct nearest n = NEAREST(word);
 *	for (...)
 *		nearest_try(&n, names[i]);
 *	if (n.name) ... did you mean
 */
#ifndef LIB_NEAREST_H
#define LIB_NEAREST_H

#include <stdbool.h>

#define NEAREST_EDITS 2 /* with more of them it is a guess */
#define NEAREST(text) { .word = (text), .most = NEAREST_EDITS, .name = NULL }

struct nearest {
	const char *word; /* that is not known; borrowed */
	unsigned most;	  /* edits (insert, drop, replace, swap neighbours) that may lie between */
	const char *name; /* the nearest so far, borrowed; NULL: none is so near */
};

/* Looks at one of the names there are. True when it is nearer than those before it. Names of more
 * than 32 bytes are near to nothing. */
bool nearest_try(struct nearest *n, const char *name);

#endif

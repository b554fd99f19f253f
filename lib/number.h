/* SPDX-License-Identifier: ISC */
/* Arrays of numbers. Libc only. */
#ifndef LIB_NUMBER_H
#define LIB_NUMBER_H

/* For qsort(3) and bsearch(3) over uint64_t, ascending: -1, 0 or 1. */
int number_compare(const void *a, const void *b);

#endif

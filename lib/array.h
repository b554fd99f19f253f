/* SPDX-License-Identifier: ISC */
/* Arrays that grow. Libc only. */
#ifndef LIB_ARRAY_H
#define LIB_ARRAY_H

#include <stddef.h>

/*
 * Makes room for one more in an array of n elements of that size, which has room for *cap (NULL and
 * 0 in the beginning). Returns the array, which may have moved, and sets *cap. NULL: no memory, and
 * the array is as it was.
 */
void *array_room(void *v, size_t n, size_t *cap, size_t size);

#endif

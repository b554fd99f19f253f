/* SPDX-License-Identifier: ISC */
/* Arrays that grow: by doubling, so that many are added at a constant cost each. */
#include "config.h"

#include "lib/array.h"

#include <stdlib.h>

#define FIRST 16

void *array_room(void *v, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return v;
	size_t more = *cap ? *cap * 2 : FIRST;
	void *moved = reallocarray(v, more, size);
	if (moved)
		*cap = more;
	return moved;
}

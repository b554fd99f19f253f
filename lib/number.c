/* SPDX-License-Identifier: ISC */
/* See number.h. */
#include "config.h"

#include "lib/number.h"

#include <stdint.h>

int number_compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

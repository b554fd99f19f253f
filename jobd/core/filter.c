/* SPDX-License-Identifier: ISC */
/* See filter.h. */
#include "config.h"

#include "jobd/core/filter.h"

#include <stdlib.h>
#include <string.h>

bool filter_has_word(const char *const *list, const char *value)
{
	if (!list)
		return true;
	for (; value && *list; list++)
		if (strcmp(*list, value) == 0)
			return true;
	return false;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

bool filter_has_id(const uint64_t *ids, size_t n, uint64_t id)
{
	return bsearch(&id, ids, n, sizeof(*ids), compare) != NULL;
}

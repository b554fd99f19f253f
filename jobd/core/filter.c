/* SPDX-License-Identifier: ISC */
/* See filter.h. */
#include "config.h"

#include "jobd/core/filter.h"

#include <stdlib.h>
#include <string.h>

#include "lib/number.h"

bool filter_has_word(const char *const *list, const char *value)
{
	if (!list)
		return true;
	for (; value && *list; list++)
		if (strcmp(*list, value) == 0)
			return true;
	return false;
}

bool filter_has_id(const uint64_t *ids, size_t n, uint64_t id)
{
	return bsearch(&id, ids, n, sizeof(*ids), number_compare) != NULL;
}

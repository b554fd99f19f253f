/* SPDX-License-Identifier: ISC */
/* See bounds.h. */
#include "config.h"

#include "lib/bounds.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

bool bounds_meta_key(const char *text)
{
	size_t n = 0;

	for (; text[n]; n++)
		if (!isalnum((unsigned char)text[n]) && !strchr("_.-", text[n]))
			return false;
	return n > 0 && n <= LABEL_MAX;
}

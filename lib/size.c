/* SPDX-License-Identifier: ISC */
/* Sizes as people write them: a whole number and a unit. What overflows is refused, never wrapped. */
#include "config.h"

#include "lib/size.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* The largest first; the last divides everything. */
static const struct unit {
	const char *name, *also;
	uint64_t factor;
} units[] = {
	{ "T", "TiB", UINT64_C(1) << 40 },
	{ "G", "GiB", UINT64_C(1) << 30 },
	{ "M", "MiB", UINT64_C(1) << 20 },
	{ "K", "KiB", UINT64_C(1) << 10 },
	{ "B", "", 1 },
};
#define UNITS (sizeof(units) / sizeof(units[0]))

bool size_parse(const char *text, uint64_t *bytes)
{
	char *end;

	errno = 0;
	unsigned long long n = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || errno)
		return false;
	for (const struct unit *u = units; u < units + UNITS; u++) {
		if (strcasecmp(u->name, end) != 0 && strcasecmp(u->also, end) != 0)
			continue;
		if (n > INT64_MAX / u->factor)
			return false;
		*bytes = n * u->factor;
		return true;
	}
	return false;
}

void size_print_exact(uint64_t bytes, char out[SIZE_EXACT_MAX])
{
	const struct unit *u = units;

	while (bytes % u->factor != 0)
		u++;
	if (bytes == 0)
		snprintf(out, SIZE_EXACT_MAX, "0");
	else
		snprintf(out, SIZE_EXACT_MAX, "%" PRIu64 "%s", bytes / u->factor, u->name);
}

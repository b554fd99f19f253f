/* SPDX-License-Identifier: ISC */
/*
 * Durations as people write them. Whole numbers only: "1.5h" is
 * 1h30min. What overflows is refused, never wrapped.
 */
#include "config.h"

#include "lib/duration.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *name;
	uint64_t factor;
};

#define SECOND UINT64_C(1000000)

static const struct unit units[] = {
	{ "us", 1 },
	{ "ms", 1000 },
	{ "s", SECOND },
	{ "sec", SECOND },
	{ "m", 60 * SECOND },
	{ "min", 60 * SECOND },
	{ "h", 3600 * SECOND },
	{ "d", 86400 * SECOND },
	{ "w", 7 * 86400 * SECOND },
	{ NULL, 0 },
};

/* Those that are printed, the largest first; the last divides everything. */
static const struct unit exact_units[] = {
	{ "d", 86400 * SECOND },
	{ "h", 3600 * SECOND },
	{ "min", 60 * SECOND },
	{ "s", SECOND },
	{ "ms", 1000 },
	{ "us", 1 },
};

/* Takes digits from the front of *s. False when there are none, or too many. */
static bool take_number(const char **s, uint64_t *out)
{
	const char *p = *s;
	uint64_t v = 0;
	for (; *p >= '0' && *p <= '9'; p++) {
		unsigned digit = (unsigned)(*p - '0');
		if (v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (p == *s)
		return false;
	*s = p;
	*out = v;
	return true;
}

/* Takes letters from the front of *s, and returns the unit they name; NULL: none. */
static const struct unit *take_unit(const char **s)
{
	size_t len = 0;
	while (((*s)[len] | 0x20) >= 'a' && ((*s)[len] | 0x20) <= 'z')
		len++;
	for (const struct unit *u = units; u->name; u++) {
		if (strlen(u->name) == len && strncasecmp(u->name, *s, len) == 0) {
			*s += len;
			return u;
		}
	}
	return NULL;
}

/* Adds n units to *sum; false past what a signed 64-bit number holds. */
static bool add(uint64_t *sum, uint64_t n, uint64_t factor)
{
	if (n > (INT64_MAX - *sum) / factor)
		return false;
	*sum += n * factor;
	return true;
}

bool duration_parse_us(const char *text, uint64_t *us)
{
	const char *p = text;
	uint64_t n, sum = 0;
	for (bool first = true; first || *p; first = false) {
		while (*p == ' ')
			p++;
		if (!take_number(&p, &n))
			return false;
		if (first && *p == '\0') {
			if (!add(&sum, n, SECOND))
				return false;
			break;
		}
		const struct unit *u = take_unit(&p);
		if (!u || !add(&sum, n, u->factor))
			return false;
	}
	*us = sum;
	return true;
}

void duration_print(uint64_t us, char *out, size_t size)
{
	uint64_t s = us / SECOND;
	if (s < 60)
		snprintf(out, size, "%" PRIu64 "s", s);
	else if (s < 3600)
		snprintf(out, size, "%" PRIu64 "m%02us", s / 60, (unsigned)(s % 60));
	else if (s < 86400)
		snprintf(out, size, "%" PRIu64 "h%02um", s / 3600, (unsigned)(s / 60 % 60));
	else
		snprintf(out, size, "%" PRIu64 "d%02uh", s / 86400, (unsigned)(s / 3600 % 24));
}

void duration_print_exact(uint64_t us, char out[DURATION_EXACT_MAX])
{
	const struct unit *u = exact_units;

	while (us % u->factor != 0)
		u++;
	if (us == 0)
		snprintf(out, DURATION_EXACT_MAX, "0");
	else
		snprintf(out, DURATION_EXACT_MAX, "%" PRIu64 "%s", us / u->factor, u->name);
}

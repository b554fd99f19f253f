/* SPDX-License-Identifier: ISC */
/* Points in time, as people write and read them: local time, unless they say another. */
#ifndef JOBCTL_WHEN_H
#define JOBCTL_WHEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads "2026-11-21", "2026-11-21 14:30[:05]" (or T between; with a zone, see when_zoned), "14:30[:05]"
 * (today's), "now",
 * "today", "yesterday", "@1795300000" (seconds since the epoch), or a duration,
 * which is that long before now ("90min", "2d", "2d ago"). A day means its first moment.
 * now_us and *us are microseconds since the epoch. False when it is none of these.
 */
bool when_parse(const char *text, uint64_t now_us, uint64_t *us);

/* Reads "2026-11-21T14:30[:05]" (or a blank for T) with its zone, Z or as in +01:00: as date -Is prints it. */
bool when_zoned(const char *text, uint64_t *us);

/* What when_ahead makes of a text. */
enum when {
	WHEN_AHEAD,
	WHEN_PAST, /* a time, and one that is over */
	WHEN_NONE, /* no time */
};

/*
 * The same for a time to come, as it is written for at(1): a time of day ("14:30", "1430", "4pm",
 * "noon", "midnight", "teatime"), which is the next one; a day ("tomorrow", "monday", "2026-12-01",
 * "dec 24", "24 dec 2027"), which is its first moment; or both, in any order ("tomorrow 6:00",
 * "2026-12-01T14:30"); "now"; and to each "+ 2 hours 30 min" may be added, which alone ("+2h", "2h", "in 2
 * hours") is from now on. Days, weeks, months and years are the calendar's. Or "@1795300000", or
 * what when_zoned takes.
 * *us is set unless it is WHEN_NONE.
 */
enum when when_ahead(const char *text, uint64_t now_us, uint64_t *us);

/*
 * The same, where a time of day without a day is the next one after after_us, which is not before now: the
 * end of what begins then.
 */
enum when when_ahead_of(const char *text, uint64_t now_us, uint64_t after_us, uint64_t *us);

/* "2026-11-21 14:30:05". out gets at most size bytes with the NUL; 20 are enough. */
void when_print(uint64_t us, char *out, size_t size);

#endif

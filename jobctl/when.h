/* SPDX-License-Identifier: ISC */
/* Points in time, as people write and read them: always local time. */
#ifndef JOBCTL_WHEN_H
#define JOBCTL_WHEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads "2026-11-21", "2026-11-21 14:30[:05]" (or T between), "14:30[:05]" (today's), "now",
 * "today", "yesterday", "@1795300000" (seconds since the epoch), or a duration,
 * which is that long before now ("90min", "2d", "2d ago"). A day means its first moment.
 * now_us and *us are microseconds since the epoch. False when it is none of these.
 */
bool when_parse(const char *text, uint64_t now_us, uint64_t *us);

/* "2026-11-21 14:30:05". out gets at most size bytes with the NUL; 20 are enough. */
void when_print(uint64_t us, char *out, size_t size);

#endif

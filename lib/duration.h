/* SPDX-License-Identifier: ISC */
/* Durations as people write them. Libc only. */
#ifndef LIB_DURATION_H
#define LIB_DURATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "500ms", "4s", "10min", "1h30min", "2d", "1w", "90" (seconds). False when it is none, or too
 * long. */
bool duration_parse_us(const char *text, uint64_t *us);

/* Short, for tables: "4s", "1m05s", "2h07m", "3d04h". out gets at most size bytes with the NUL. */
void duration_print(uint64_t us, char *out, size_t size);

/* What duration_print_exact needs at most, with the NUL. */
#define DURATION_EXACT_MAX 24

/* In the largest unit that leaves no rest ("90s", "2h", "0"): it reads back as it was. */
void duration_print_exact(uint64_t us, char out[DURATION_EXACT_MAX]);

#endif

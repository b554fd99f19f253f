/* SPDX-License-Identifier: ISC */
/* Sizes as people write them. Libc only. */
#ifndef LIB_SIZE_H
#define LIB_SIZE_H

#include <stdbool.h>
#include <stdint.h>

/* "16M", "1G", "512K", "4096" (bytes). False, with *bytes as it was, when it is none, or more than
 * INT64_MAX. */
bool size_parse(const char *text, uint64_t *bytes);

/* What size_print_exact needs at most, with the NUL. */
#define SIZE_EXACT_MAX 24

/* In the largest unit that leaves no rest ("1536K", "0"): it reads back as it was. */
void size_print_exact(uint64_t bytes, char out[SIZE_EXACT_MAX]);

#endif

/* SPDX-License-Identifier: ISC */
/* What is UTF-8, and what is not. Libc only. */
#ifndef LIB_UTF8_H
#define LIB_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * How many of the len bytes at s are whole characters, from the beginning. U+0000 is one; what is
 * overlong, a surrogate, past U+10FFFF or cut off is none.
 */
size_t utf8_span(const char *s, size_t len);

/* Puts '?' in the place of every byte of s that is no UTF-8. */
void utf8_mend(char *s);

#endif

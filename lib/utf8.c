/* SPDX-License-Identifier: ISC */
/* See utf8.h; the ranges are those of table 3-7 of the Unicode standard. */
#include "config.h"

#include "lib/utf8.h"

#include <string.h>

/* The length (1 to 4) of the character at s, which has len bytes; 0 when there is none. */
static size_t character(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (len == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (len < n)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

size_t utf8_span(const char *s, size_t len)
{
	size_t at = 0, n;

	while (at < len && (n = character(s + at, len - at)) != 0)
		at += n;
	return at;
}

void utf8_mend(char *s)
{
	size_t len = strlen(s), at = 0;

	while ((at += utf8_span(s + at, len - at)) < len)
		s[at] = '?';
}

/* SPDX-License-Identifier: ISC */
/*
 * Text made harmless and fitted. UTF-8 is decoded here rather than with the
 * locale's functions: the protocol is UTF-8 whatever the locale is, and what
 * is dangerous to a terminal is so in every locale. Only wcwidth(3) is asked,
 * and its "not printable" counts as one column.
 */
#include "config.h"

#include "jobctl/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define REPLACEMENT_BYTE 0x80000000u /* or-ed to a byte that is no UTF-8 */

/* Takes one character from the front of *s, which is not at its end. */
static uint32_t take(const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	unsigned more = p[0] < 0x80 ? 0 : p[0] >= 0xf0 ? 3 : p[0] >= 0xe0 ? 2 : 1;
	uint32_t c = more ? p[0] & (0x3fu >> more) : p[0];

	(*s)++;
	if (p[0] >= 0x80 && (p[0] < 0xc2 || p[0] > 0xf4))
		return REPLACEMENT_BYTE | p[0];
	for (unsigned i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return REPLACEMENT_BYTE | p[0];
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return REPLACEMENT_BYTE | p[0];
	*s += more;
	return c;
}

/* Characters past ASCII that show nothing and change what is shown around them. */
static bool is_deceptive(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x80, 0x9f },	      /* C1 */
		{ 0x61c, 0x61c },     /* direction marks */
		{ 0x200b, 0x200b },   /* zero width space */
		{ 0x200e, 0x200f },   /* direction marks */
		{ 0x2028, 0x202e },   /* separators, embeddings, overrides */
		{ 0x2060, 0x206f },   /* invisible operators, isolates */
		{ 0xfeff, 0xfeff },   /* byte order mark */
		{ 0xfff9, 0xfffb },   /* interlinear annotation */
		{ 0xe0000, 0xe007f }, /* tags */
	};
	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

void text_escape(struct buf *out, const char *s, bool utf8)
{
	while (*s) {
		const char *start = s;
		uint32_t c = take(&s);
		if (c & REPLACEMENT_BYTE)
			buf_printf(out, "\\x%02x", (unsigned)(c & 0xff));
		else if (c == '\n')
			buf_puts(out, "\\n");
		else if (c == '\t')
			buf_puts(out, "\\t");
		else if (c == '\r')
			buf_puts(out, "\\r");
		else if (c < 0x20 || c == 0x7f)
			buf_printf(out, "\\x%02x", (unsigned)c);
		else if (c > 0x7f && (!utf8 || is_deceptive(c)))
			buf_printf(out, c > 0xffff ? "\\U%08x" : "\\u%04x", (unsigned)c);
		else
			buf_put(out, start, (size_t)(s - start));
	}
}

static int char_width(uint32_t c)
{
	if (c < 0x80 || (c & REPLACEMENT_BYTE))
		return 1;
	int w = wcwidth((wchar_t)c);
	return w < 0 ? 1 : w;
}

int text_width(const char *s)
{
	int w = 0;
	while (*s)
		w += char_width(take(&s));
	return w;
}

void text_fit(struct buf *out, const char *s, int width, bool utf8)
{
	if (text_width(s) <= width) {
		buf_puts(out, s);
		return;
	}
	if (width <= 0)
		return;
	int left = width - 1;
	const char *p = s;
	while (*p) {
		const char *next = p;
		int w = char_width(take(&next));
		if (w > left)
			break;
		left -= w;
		p = next;
	}
	buf_put(out, s, (size_t)(p - s));
	buf_puts(out, utf8 ? "…" : "~");
}

void text_quote_word(struct buf *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789%+,-./:=@_^";
	bool safe = *word != '\0';
	for (const char *p = word; *p && safe; p++)
		safe = strchr(plain, *p) || (unsigned char)*p >= 0x80;
	if (safe) {
		buf_puts(out, word);
		return;
	}
	buf_puts(out, "'");
	for (const char *p = word; *p; p++) {
		if (*p == '\'')
			buf_puts(out, "'\\''");
		else
			buf_put(out, p, 1);
	}
	buf_puts(out, "'");
}

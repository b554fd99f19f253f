/* SPDX-License-Identifier: ISC */
/* See base64.h. */
#include "config.h"

#include "lib/base64.h"

#include <errno.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *out, const void *data, size_t len)
{
	const uint8_t *p = data;
	char quad[4];

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t v = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0)
		    | (n > 2 ? p[i + 2] : 0);
		quad[0] = alphabet[v >> 18];
		quad[1] = alphabet[v >> 12 & 63];
		quad[2] = n > 1 ? alphabet[v >> 6 & 63] : '=';
		quad[3] = n > 2 ? alphabet[v & 63] : '=';
		buf_put(out, quad, sizeof quad);
	}
}

/* The six bits a character stands for, or -1. */
static int value(char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

int base64_decode(struct buf *out, const char *code, size_t len)
{
	size_t before = out->len, pad = 0;

	if (len % 4)
		return -EINVAL;
	while (pad < 2 && pad < len && code[len - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < len; i += 4) {
		uint32_t v = 0;
		size_t n = i + 4 == len ? 3 - pad : 3;
		for (size_t k = 0; k < 4; k++) {
			int bits = k > n ? 0 : value(code[i + k]);
			if (bits < 0) {
				out->len = before;
				return -EINVAL;
			}
			v = v << 6 | (uint32_t)bits;
		}
		uint8_t bytes[3] = { (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };
		buf_put(out, bytes, n);
	}
	return 0;
}

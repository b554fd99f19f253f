/* SPDX-License-Identifier: ISC */
/*
 * Tag-length-value records. What is read comes from a disk or a peer: every
 * length is checked against what is there before anything is touched.
 */
#include "config.h"

#include "lib/tlv.h"

#include <stdlib.h>
#include <string.h>

static void put_leb(struct buf *b, uint64_t v)
{
	uint8_t bytes[10];
	size_t n = 0;
	do {
		bytes[n] = v & 0x7f;
		v >>= 7;
		if (v)
			bytes[n] |= 0x80;
		n++;
	} while (v);
	buf_put(b, bytes, n);
}

/* Takes a number from the front. False when it does not end, or is over 64 bits. */
static bool take_leb(struct tlv_reader *r, uint64_t *out)
{
	uint64_t v = 0;
	for (size_t i = 0; i < r->len && i < 10; i++) {
		uint8_t byte = r->data[i];
		if (i == 9 && byte > 1)
			return false;
		v |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80)) {
			r->data += i + 1;
			r->len -= i + 1;
			*out = v;
			return true;
		}
	}
	return false;
}

void tlv_put_bytes(struct buf *b, uint32_t tag, const void *data, size_t len)
{
	put_leb(b, tag);
	put_leb(b, len);
	buf_put(b, data, len);
}

void tlv_put_u64(struct buf *b, uint32_t tag, uint64_t v)
{
	uint8_t bytes[8];
	size_t n = 0;
	for (; v; v >>= 8)
		bytes[n++] = (uint8_t)v;
	tlv_put_bytes(b, tag, bytes, n);
}

void tlv_put_i64(struct buf *b, uint32_t tag, int64_t v)
{
	uint64_t u = (uint64_t)v << 1;
	tlv_put_u64(b, tag, v < 0 ? ~u : u);
}

void tlv_put_str(struct buf *b, uint32_t tag, const char *s)
{
	if (s)
		tlv_put_bytes(b, tag, s, strlen(s));
}

void tlv_put_strv(struct buf *b, uint32_t tag, char *const *v)
{
	for (; v && *v; v++)
		tlv_put_str(b, tag, *v);
}

bool tlv_next(struct tlv_reader *r, struct tlv *out)
{
	if (r->bad || r->len == 0)
		return false;
	uint64_t tag, len;
	if (!take_leb(r, &tag) || tag > UINT32_MAX || !take_leb(r, &len) || len > r->len) {
		r->bad = true;
		return false;
	}
	*out = (struct tlv){ .tag = (uint32_t)tag, .data = r->data, .len = (size_t)len };
	r->data += len;
	r->len -= (size_t)len;
	return true;
}

uint64_t tlv_u64(const struct tlv *f)
{
	if (f->len > 8)
		return UINT64_MAX;
	uint64_t v = 0;
	for (size_t i = 0; i < f->len; i++)
		v |= (uint64_t)f->data[i] << (8 * i);
	return v;
}

int64_t tlv_i64(const struct tlv *f)
{
	uint64_t u = tlv_u64(f);
	/* Undone in unsigned arithmetic; the conversion keeps the bits. */
	return (int64_t)((u >> 1) ^ (~(u & 1) + 1));
}

char *tlv_str(const struct tlv *f)
{
	size_t len = f->len ? strnlen((const char *)f->data, f->len) : 0;
	char *s = malloc(len + 1);
	if (!s)
		return NULL;
	if (len)
		memcpy(s, f->data, len);
	s[len] = '\0';
	return s;
}

bool tlv_strv(const struct tlv *f, char ***v, size_t *n)
{
	char *s = tlv_str(f);
	if (!s)
		return false;
	char **grown = *v;
	/* Grown at the powers of two only, so that n strings cost O(n). */
	if (*n == 0 || ((*n + 1) & *n) == 0)
		grown = realloc(*v, (*n ? (*n + 1) * 2 : 2) * sizeof(*grown));
	if (!grown) {
		free(s);
		return false;
	}
	grown[(*n)++] = s;
	grown[*n] = NULL;
	*v = grown;
	return true;
}

/* SPDX-License-Identifier: ISC */
/*
 * Structures as records, by tables of their fields. Knows how a kind of member is written and read,
 * and nothing of what the structures are.
 *
 * Anything read may be damaged: nothing in it is believed before it was looked at.
 */
#include "config.h"

#include "jobd/store/shape.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/strv.h"
#include "lib/tlv.h"

static_assert(sizeof(int) == sizeof(int32_t), "int");

static void put_record(struct buf *b, const struct shape *sh, const void *base);

/*
 * A record within a record. Its length stands before it and is not known until
 * it is written: one byte is kept for it, and the rest moved where that is not enough.
 */
static void put_nested(struct buf *b, uint32_t tag, const struct shape *sh, const void *base,
    bool even_empty)
{
	size_t before = b->len;
	tlv_put_bytes(b, tag, NULL, 0);
	size_t start = b->len;
	put_record(b, sh, base);
	size_t len = b->len - start;
	if (b->failed)
		return;
	if (len == 0 && !even_empty) {
		b->len = before;
		return;
	}
	size_t extra = 0;
	for (size_t rest = len >> 7; rest; rest >>= 7)
		extra++;
	if (extra) {
		if (!buf_reserve(b, extra))
			return;
		memmove(b->data + start + extra, b->data + start, len);
		b->len += extra;
	}
	uint8_t *at = b->data + start - 1;
	for (; len > 0x7f; len >>= 7)
		*at++ = (uint8_t)(len & 0x7f) | 0x80;
	*at = (uint8_t)len;
}

static void put_many(struct buf *b, const struct field *f, const void *base)
{
	const char *elements;
	size_t n;

	memcpy(&elements, (const char *)base + f->offset, sizeof(elements));
	memcpy(&n, (const char *)base + f->count, sizeof(n));
	for (size_t i = 0; i < n; i++)
		put_nested(b, f->tag, f->shape, elements + i * f->shape->size, true);
}

static void put_unsigned(struct buf *b, uint32_t tag, uint64_t v)
{
	if (v)
		tlv_put_u64(b, tag, v);
}

static void put_signed(struct buf *b, const struct field *f, int64_t v)
{
	if (v != f->none)
		tlv_put_i64(b, f->tag, v);
}

static void put_field(struct buf *b, const struct field *f, const void *base)
{
	const void *at = (const char *)base + f->offset;

	switch (f->type) {
	case U8:
		put_unsigned(b, f->tag, *(const uint8_t *)at);
		break;
	case U32:
		put_unsigned(b, f->tag, *(const uint32_t *)at);
		break;
	case U64:
		put_unsigned(b, f->tag, *(const uint64_t *)at);
		break;
	case BOOL:
		put_unsigned(b, f->tag, *(const bool *)at);
		break;
	case I32:
		put_signed(b, f, *(const int32_t *)at);
		break;
	case I64:
		put_signed(b, f, *(const int64_t *)at);
		break;
	case STR:
		tlv_put_str(b, f->tag, *(char *const *)at);
		break;
	case STRV:
		tlv_put_strv(b, f->tag, *(char **const *)at);
		break;
	case ONE:
		put_nested(b, f->tag, f->shape, at, false);
		break;
	case MAYBE:
		if (*(void *const *)at)
			put_nested(b, f->tag, f->shape, *(void *const *)at, false);
		break;
	case MANY:
		put_many(b, f, base);
		break;
	}
}

static void put_record(struct buf *b, const struct shape *sh, const void *base)
{
	for (size_t i = 0; i < sh->nfields; i++)
		put_field(b, &sh->fields[i], base);
}

static int get_record(struct tlv_reader r, const struct shape *sh, void *base);

static int get_str(const struct tlv *t, char **at)
{
	char *s = tlv_str(t);

	if (!s)
		return -ENOMEM;
	free(*at); /* given twice: the last counts */
	*at = s;
	return 0;
}

/* Appends an element; the array grows at the powers of two. */
static int get_many(const struct tlv *t, const struct field *f, void *base)
{
	char *elements;
	size_t n, size = f->shape->size;

	memcpy(&elements, (char *)base + f->offset, sizeof(elements));
	memcpy(&n, (char *)base + f->count, sizeof(n));
	if ((n & (n - 1)) == 0) {
		char *grown = realloc(elements, (n ? 2 * n : 1) * size);
		if (!grown)
			return -ENOMEM;
		elements = grown;
		memcpy((char *)base + f->offset, &elements, sizeof(elements));
	}
	memset(elements + n * size, 0, size);
	n++;
	memcpy((char *)base + f->count, &n, sizeof(n));
	return get_record((struct tlv_reader){ t->data, t->len, false }, f->shape,
	    elements + (n - 1) * size);
}

static int get_maybe(const struct tlv *t, const struct field *f, void **at)
{
	if (!*at)
		*at = f->make();
	return *at ? get_record((struct tlv_reader){ t->data, t->len, false }, f->shape, *at) : -ENOMEM;
}

/* How many strings the STRV that is being read holds: a command may have 100,000 arguments. */
struct strings {
	const struct field *of;
	size_t n;
};

/* The strings of one field stand together, so that they are counted where another begins, and no
 * more. */
static int get_strv(const struct tlv *t, const struct field *f, char ***at, struct strings *count)
{
	if (count->of != f)
		*count = (struct strings){ f, strv_len(*at) };
	return tlv_strv(t, at, &count->n) ? 0 : -ENOMEM;
}

static int get_field(const struct tlv *t, const struct field *f, void *base,
    struct strings *strings)
{
	void *at = (char *)base + f->offset;
	uint64_t u = 0;
	int64_t i = 0;

	if (f->type <= BOOL && t->len > 8)
		return -EBADMSG;
	if (f->type == I32 || f->type == I64)
		i = tlv_i64(t);
	else if (f->type <= BOOL)
		u = tlv_u64(t);

	switch (f->type) {
	case U8:
		*(uint8_t *)at = (uint8_t)u;
		return u <= UINT8_MAX ? 0 : -EBADMSG;
	case U32:
		*(uint32_t *)at = (uint32_t)u;
		return u <= UINT32_MAX ? 0 : -EBADMSG;
	case U64:
		*(uint64_t *)at = u;
		return 0;
	case BOOL:
		*(bool *)at = u != 0;
		return 0;
	case I32:
		*(int32_t *)at = (int32_t)i;
		return i >= INT32_MIN && i <= INT32_MAX ? 0 : -EBADMSG;
	case I64:
		*(int64_t *)at = i;
		return 0;
	case STR:
		return get_str(t, at);
	case STRV:
		return get_strv(t, f, at, strings);
	case ONE:
		return get_record((struct tlv_reader){ t->data, t->len, false }, f->shape, at);
	case MAYBE:
		return get_maybe(t, f, at);
	case MANY:
		return get_many(t, f, base);
	}
	return -EBADMSG;
}

/* Fields come in the table's order, so the search begins after the last one found. */
static const struct field *find_field(const struct shape *sh, uint32_t tag, size_t *hint)
{
	for (size_t n = 0; n < sh->nfields; n++) {
		size_t i = (*hint + n) % sh->nfields;
		if (sh->fields[i].tag == tag) {
			*hint = i;
			return &sh->fields[i];
		}
	}
	return NULL;
}

static bool is_complete(const struct shape *sh, const void *base)
{
	for (size_t i = 0; i < sh->nfields; i++) {
		const struct field *f = &sh->fields[i];
		const void *p;

		if (!f->required)
			continue;
		memcpy(&p, (const char *)base + f->offset, sizeof(p));
		if (!p)
			return false;
	}
	return true;
}

static int get_record(struct tlv_reader r, const struct shape *sh, void *base)
{
	struct tlv t;
	struct strings strings = { NULL, 0 };
	size_t hint = 0;

	while (tlv_next(&r, &t)) {
		const struct field *f = find_field(sh, t.tag, &hint);
		int ret = 0;

		if (f) {
			ret = get_field(&t, f, base, &strings);
		} else if (sh->unknown != NOWHERE) {
			struct buf *kept = (void *)((char *)base + sh->unknown);
			tlv_put_bytes(kept, t.tag, t.data, t.len);
			ret = kept->failed ? -ENOMEM : 0;
		}
		if (ret)
			return ret;
	}
	return r.bad || !is_complete(sh, base) ? -EBADMSG : 0;
}

void shape_put(struct buf *b, const struct shape *sh, const void *base)
{
	put_record(b, sh, base);
}

int shape_get(const void *data, size_t len, const struct shape *sh, void *base)
{
	return get_record((struct tlv_reader){ data, len, false }, sh, base);
}

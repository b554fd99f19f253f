/* SPDX-License-Identifier: ISC */
/*
 * Tag-length-value records: what is on disk and what jobd and its keepers say
 * to each other. Libc only.
 *
 * A record is a sequence of fields; a field is a tag and a length, each an
 * unsigned LEB128 number, and that many bytes. An integer is its bytes, least
 * first, without trailing zero bytes (0 is no bytes at all); a signed one is
 * zigzag-coded first. A string is its bytes without a NUL. A list is the field
 * repeated. A nested record is a field whose bytes are a record.
 *
 *	tag 1, unsigned 300:  01 02 2c 01
 *	tag 2, string "ann":  02 03 61 6e 6e
 *
 * Readers skip tags they do not know; a tag never changes its meaning.
 */
#ifndef LIB_TLV_H
#define LIB_TLV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

/* Puts a field: an unsigned integer, a signed one, or bytes (data may be NULL when len is 0). */
void tlv_put_u64(struct buf *b, uint32_t tag, uint64_t v);
void tlv_put_i64(struct buf *b, uint32_t tag, int64_t v);
void tlv_put_bytes(struct buf *b, uint32_t tag, const void *data, size_t len);
/* Puts a string; nothing at all for NULL. */
void tlv_put_str(struct buf *b, uint32_t tag, const char *s);
/* Puts each string of a NULL-terminated array under the same tag; nothing for NULL. */
void tlv_put_strv(struct buf *b, uint32_t tag, char *const *v);

/* One field as it stands in the record it was read from: data is borrowed. */
struct tlv {
	uint32_t tag;
	const uint8_t *data;
	size_t len;
};

/* Where a reader stands. Start with { record, length, false }. */
struct tlv_reader {
	const uint8_t *data;
	size_t len;
	bool bad; /* the record is malformed; no more fields come */
};

/* Reads the next field into *out. False at the end, and where r->bad is set. */
bool tlv_next(struct tlv_reader *r, struct tlv *out);

/* The field as an unsigned integer; more than 8 bytes give UINT64_MAX. */
uint64_t tlv_u64(const struct tlv *f);
/* The same of a signed one, as tlv_put_i64 puts it. */
int64_t tlv_i64(const struct tlv *f);
/* The field as a new string, cut at a NUL; NULL when there is no memory. */
char *tlv_str(const struct tlv *f);
/*
 * Appends the field as a string to a NULL-terminated array; *n is its length
 * without the NULL. Start with NULL and 0, and let nothing else grow it meanwhile: room is
 * made by doubling, and counted by *n alone. Free it with strv_free. Returns
 * false, array unchanged, when there is no memory.
 */
bool tlv_strv(const struct tlv *f, char ***v, size_t *n);

#endif

/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "lib/tlv.h"

#include <string.h>

#include "lib/strv.h"
#include "unit.h"

static void assert_bytes(const struct buf *b, const char *golden, size_t len)
{
	ck_assert(!b->failed);
	ck_assert_uint_eq(b->len, len);
	ck_assert_mem_eq(b->data, golden, len);
}
#define GOLDEN(b, s) assert_bytes(b, s, sizeof(s) - 1)

START_TEST(fields_have_the_bytes_the_format_promises)
{
	struct buf b = BUF_INIT;
	tlv_put_u64(&b, 1, 300);
	tlv_put_str(&b, 2, "ann");
	GOLDEN(&b, "\x01\x02\x2c\x01\x02\x03"
		   "ann");
	buf_clear(&b);
	tlv_put_u64(&b, 3, 0);
	GOLDEN(&b, "\x03\x00");
	buf_clear(&b);
	tlv_put_u64(&b, 300, UINT64_MAX);
	GOLDEN(&b, "\xac\x02\x08\xff\xff\xff\xff\xff\xff\xff\xff");
	buf_clear(&b);
	tlv_put_i64(&b, 4, -1);
	tlv_put_i64(&b, 4, 1);
	tlv_put_i64(&b, 4, INT64_MIN);
	GOLDEN(&b, "\x04\x01\x01\x04\x01\x02\x04\x08\xff\xff\xff\xff\xff\xff\xff\xff");
	buf_clear(&b);
	tlv_put_strv(&b, 5, (char *[]){ (char[]){ "a" }, (char[]){ "" }, NULL });
	tlv_put_str(&b, 6, NULL);
	tlv_put_strv(&b, 6, NULL);
	GOLDEN(&b, "\x05\x01"
		   "a\x05\x00");
	buf_fini(&b);
}
END_TEST

START_TEST(integers_come_back_as_they_were)
{
	static const uint64_t u[] = { 0, 1, 127, 128, 255, 256, 1u << 31, UINT64_MAX - 1,
	    UINT64_MAX };
	static const int64_t s[] = { 0, 1, -1, 63, -64, 64, INT32_MIN, INT64_MAX, INT64_MIN };
	struct buf b = BUF_INIT;
	for (size_t i = 0; i < sizeof(u) / sizeof(u[0]); i++) {
		tlv_put_u64(&b, UINT32_MAX, u[i]);
		tlv_put_i64(&b, 0, s[i]);
	}
	struct tlv_reader r = { b.data, b.len, false };
	struct tlv f;
	for (size_t i = 0; i < sizeof(u) / sizeof(u[0]); i++) {
		ck_assert(tlv_next(&r, &f));
		ck_assert_uint_eq(f.tag, UINT32_MAX);
		ck_assert_uint_eq(tlv_u64(&f), u[i]);
		ck_assert(tlv_next(&r, &f));
		ck_assert_int_eq(tlv_i64(&f), s[i]);
	}
	ck_assert(!tlv_next(&r, &f));
	ck_assert(!r.bad);
	buf_fini(&b);
}
END_TEST

START_TEST(strings_and_lists_come_back_and_are_cut_at_a_nul)
{
	struct buf b = BUF_INIT;
	tlv_put_bytes(&b, 1, "cut\0here", 8);
	char **many = NULL;
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(strv_add(&many, i % 2 ? "odd" : ""), 0);
	tlv_put_strv(&b, 2, many);
	struct tlv_reader r = { b.data, b.len, false };
	struct tlv f;
	ck_assert(tlv_next(&r, &f));
	char *s = tlv_str(&f);
	ck_assert_str_eq(s, "cut");
	free(s);
	char **back = NULL;
	size_t n = 0;
	while (tlv_next(&r, &f))
		ck_assert(tlv_strv(&f, &back, &n));
	ck_assert_uint_eq(n, 100);
	ck_assert_uint_eq(strv_len(back), 100);
	for (int i = 0; i < 100; i++)
		ck_assert_str_eq(back[i], many[i]);
	strv_free(back);
	strv_free(many);
	buf_fini(&b);
}
END_TEST

static bool malformed(const char *bytes, size_t len)
{
	/* A copy of its own size, so that a sanitizer sees a read past the end. */
	uint8_t *copy = malloc(len);
	memcpy(copy, bytes, len);
	struct tlv_reader r = { copy, len, false };
	struct tlv f;
	while (tlv_next(&r, &f))
		;
	bool again = tlv_next(&r, &f);
	free(copy);
	return r.bad && !again;
}
#define MALFORMED(s) ck_assert_msg(malformed(s, sizeof(s) - 1), "taken as well formed: %s", #s)

START_TEST(a_malformed_record_is_noticed_and_nothing_past_it_is_read)
{
	MALFORMED("\x01");				       /* no length */
	MALFORMED("\x81");				       /* a tag that does not end */
	MALFORMED("\x01\x80");				       /* a length that does not end */
	MALFORMED("\x01\x02\x01");			       /* fewer bytes than promised */
	MALFORMED("\x01\x00\x02\x05xyz");		       /* the second field */
	MALFORMED("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"); /* a length of 2^64 - 1 */
	MALFORMED("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"); /* a length over 64 bits */
	MALFORMED("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"); /* eleven bytes of tag */
	MALFORMED("\x80\x80\x80\x80\x10\x00");			   /* a tag over 32 bits */
}
END_TEST

START_TEST(an_integer_of_nine_bytes_is_the_largest_there_is)
{
	struct tlv_reader r = { (const uint8_t *)"\x01\x09" "123456789", 11, false };
	struct tlv f;
	ck_assert(tlv_next(&r, &f));
	ck_assert_uint_eq(tlv_u64(&f), UINT64_MAX);
}
END_TEST

START_TEST(an_empty_record_is_a_record)
{
	struct tlv_reader r = { NULL, 0, false };
	struct tlv f;
	ck_assert(!tlv_next(&r, &f));
	ck_assert(!r.bad);
}
END_TEST

UNIT_MAIN("tlv", fields_have_the_bytes_the_format_promises, integers_come_back_as_they_were,
    strings_and_lists_come_back_and_are_cut_at_a_nul,
    a_malformed_record_is_noticed_and_nothing_past_it_is_read,
    an_integer_of_nine_bytes_is_the_largest_there_is, an_empty_record_is_a_record)

/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "lib/kmsg.h"

#include <string.h>
#include <sys/resource.h>

#include "unit.h"

START_TEST(a_message_has_the_bytes_the_format_promises)
{
	struct buf b = BUF_INIT;
	size_t mark = kmsg_begin(&b, KMSG_DESIRE);
	tlv_put_u64(&b, KTAG_SEQ, 7);
	tlv_put_u64(&b, KTAG_LEVEL, LEVEL_STOP);
	kmsg_end(&b, mark);
	mark = kmsg_begin(&b, KMSG_GATE);
	kmsg_end(&b, mark);
	static const char golden[] = "\x06\0\0\0\x05\0\x28\x01\x07\x29\x01\x02\0\0\0\0\x04\0";
	ck_assert_uint_eq(b.len, sizeof(golden) - 1);
	ck_assert_mem_eq(b.data, golden, b.len);
	buf_fini(&b);
}
END_TEST

START_TEST(a_message_that_comes_byte_by_byte_is_read_when_it_is_whole)
{
	struct buf out = BUF_INIT, in = BUF_INIT;
	size_t mark = kmsg_begin(&out, KMSG_SIGNAL);
	tlv_put_u64(&out, KTAG_SIGNAL, 10);
	kmsg_end(&out, mark);
	size_t first = out.len;
	kmsg_end(&out, kmsg_begin(&out, KMSG_ACK));
	struct kmsg m;
	for (size_t i = 0; i < first; i++) {
		ck_assert_int_eq(kmsg_parse(&in, &m), 0);
		buf_put(&in, out.data + i, 1);
	}
	ck_assert_int_eq(kmsg_parse(&in, &m), 1);
	ck_assert_int_eq(m.type, KMSG_SIGNAL);
	struct tlv f;
	ck_assert(tlv_next(&m.payload, &f));
	ck_assert_uint_eq(tlv_u64(&f), 10);
	buf_put(&in, out.data + first, out.len - first);
	buf_drop(&in, m.size);
	ck_assert_int_eq(kmsg_parse(&in, &m), 1);
	ck_assert_int_eq(m.type, KMSG_ACK);
	ck_assert_uint_eq(m.payload.len, 0);
	buf_drop(&in, m.size);
	ck_assert_uint_eq(in.len, 0);
	buf_fini(&in);
	buf_fini(&out);
}
END_TEST

START_TEST(a_peer_that_promises_too_much_is_broken_at_once)
{
	struct buf in = BUF_INIT;
	struct kmsg m;
	buf_put(&in, "\x01\0\0\x01\x01\0", 6); /* 16 MiB and one byte */
	ck_assert_int_eq(kmsg_parse(&in, &m), -1);
	buf_clear(&in);
	buf_put(&in, "\0\0\0\x01\x01\0", 6); /* 16 MiB */
	ck_assert_int_eq(kmsg_parse(&in, &m), 0);
	buf_fini(&in);
}
END_TEST

START_TEST(a_message_too_long_to_be_read_is_not_written)
{
	struct buf b = BUF_INIT;
	size_t mark = kmsg_begin(&b, KMSG_START);
	char *long_one = calloc(1, KMSG_MAX);
	tlv_put_bytes(&b, KTAG_ARG, long_one, KMSG_MAX);
	free(long_one);
	ck_assert(!b.failed);
	kmsg_end(&b, mark);
	ck_assert(b.failed);
	buf_fini(&b);
}
END_TEST

START_TEST(a_message_of_a_later_version_is_passed_on_with_its_number)
{
	struct buf in = BUF_INIT;
	struct kmsg m;
	buf_put(&in, "\0\0\0\0\x01\x02", 6);
	ck_assert_int_eq(kmsg_parse(&in, &m), 1);
	ck_assert_int_eq((int)m.type, 0x201);
	buf_fini(&in);
}
END_TEST

START_TEST(an_end_comes_back_whole)
{
	struct keeper_end e = {
		.id = 1ull << 40,
		.attempt = UINT32_MAX,
		.nonce = 0xfedcba9876543210,
		.kind = KEEPER_END_SPAWN,
		.status = 0x137f,
		.empty = true,
		.shutdown = true,
		.step = (char[]){ "chdir /data" },
		.error = 2,
		.cpu_us = 1,
		.max_rss_kb = 2,
		.in_blocks = 3,
		.out_blocks = 4,
		.ended_at_us = 5,
		.boot_id = (char[]){ "b-o-o-t" },
	};
	struct buf b = BUF_INIT;
	tlv_put_str(&b, 9999, "of a later version");
	keeper_end_put(&b, &e);
	struct keeper_end g;
	struct tlv_reader r = { b.data, b.len, false };
	ck_assert(keeper_end_get(&r, &g));
	ck_assert_uint_eq(g.id, e.id);
	ck_assert_uint_eq(g.attempt, e.attempt);
	ck_assert_uint_eq(g.nonce, e.nonce);
	ck_assert_int_eq(g.kind, e.kind);
	ck_assert_int_eq(g.status, e.status);
	ck_assert(g.empty && g.shutdown);
	ck_assert_str_eq(g.step, e.step);
	ck_assert_int_eq(g.error, e.error);
	ck_assert_uint_eq(g.cpu_us, 1);
	ck_assert_uint_eq(g.max_rss_kb, 2);
	ck_assert_uint_eq(g.in_blocks, 3);
	ck_assert_uint_eq(g.out_blocks, 4);
	ck_assert_uint_eq(g.ended_at_us, 5);
	ck_assert_str_eq(g.boot_id, e.boot_id);
	keeper_end_fini(&g);
	keeper_end_fini(&g);
	buf_fini(&b);
}
END_TEST

START_TEST(an_end_without_a_kind_or_with_an_impossible_field_is_none)
{
	static const struct {
		enum kmsg_tag tag;
		uint64_t value;
	} wrong[] = {
		{ KTAG_KIND, 0 },
		{ KTAG_KIND, 99 },
		{ KTAG_STATUS, 1ull << 31 },
		{ KTAG_ATTEMPT, 1ull << 32 },
		{ KTAG_ERRNO, UINT64_MAX },
	};
	struct keeper_end g;
	struct tlv_reader empty = { NULL, 0, false };
	ck_assert(!keeper_end_get(&empty, &g));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct buf b = BUF_INIT;
		tlv_put_u64(&b, KTAG_KIND, KEEPER_END_EXITED);
		tlv_put_str(&b, KTAG_STEP, "freed");
		tlv_put_u64(&b, (uint32_t)wrong[i].tag, wrong[i].value);
		struct tlv_reader r = { b.data, b.len, false };
		ck_assert_msg(!keeper_end_get(&r, &g), "row %zu was taken", i);
		buf_fini(&b);
	}
}
END_TEST

START_TEST(an_end_cut_anywhere_is_never_taken_for_another)
{
	struct keeper_end e = { .id = 7, .kind = KEEPER_END_EXITED, .status = 256,
		.boot_id = (char[]){ "boot" } };
	struct buf b = BUF_INIT;
	keeper_end_put(&b, &e);
	for (size_t len = 0; len < b.len; len++) {
		struct keeper_end g;
		struct tlv_reader r = { b.data, len, false };
		if (keeper_end_get(&r, &g)) {
			/* Cut at a field's edge: what was read is true, and the last field tells. */
			ck_assert_uint_eq(g.id, 7);
			ck_assert_ptr_null(g.boot_id);
			keeper_end_fini(&g);
		}
	}
	buf_fini(&b);
}
END_TEST

START_TEST(what_processes_used_is_added_up_and_of_memory_the_most_counts)
{
	const struct rusage one = { .ru_utime = { 1, 900000 }, .ru_stime = { 0, 200000 },
		.ru_maxrss = 500, .ru_inblock = 1, .ru_oublock = 2 };
	const struct rusage two = { .ru_stime = { 2, 5 }, .ru_maxrss = 400, .ru_oublock = 3 };
	struct keeper_end e = { 0 };
	keeper_end_count(&e, &one);
	keeper_end_count(&e, &two);
	ck_assert_uint_eq(e.cpu_us, 4100005);
	ck_assert_uint_eq(e.max_rss_kb, 500);
	ck_assert_uint_eq(e.in_blocks, 1);
	ck_assert_uint_eq(e.out_blocks, 5);
}
END_TEST

UNIT_MAIN("kmsg", a_message_has_the_bytes_the_format_promises,
    a_message_that_comes_byte_by_byte_is_read_when_it_is_whole,
    a_peer_that_promises_too_much_is_broken_at_once, a_message_too_long_to_be_read_is_not_written,
    a_message_of_a_later_version_is_passed_on_with_its_number, an_end_comes_back_whole,
    an_end_without_a_kind_or_with_an_impossible_field_is_none,
    an_end_cut_anywhere_is_never_taken_for_another,
    what_processes_used_is_added_up_and_of_memory_the_most_counts)

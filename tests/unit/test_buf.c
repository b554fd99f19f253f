/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "lib/buf.h"

#include <string.h>

#include "unit.h"

START_TEST(what_is_put_is_held_in_order)
{
	struct buf b = BUF_INIT;
	buf_puts(&b, "one ");
	buf_put(&b, NULL, 0);
	buf_printf(&b, "%d %s", 2, "three");
	ck_assert(!b.failed);
	ck_assert_uint_eq(b.len, strlen("one 2 three"));
	ck_assert_mem_eq(b.data, "one 2 three", b.len);
	buf_fini(&b);
	ck_assert_ptr_null(b.data);
}
END_TEST

START_TEST(a_long_buffer_keeps_every_byte)
{
	struct buf b = BUF_INIT;
	for (unsigned i = 0; i < 100000; i++)
		buf_put(&b, &(uint8_t){ i % 251 }, 1);
	ck_assert_uint_eq(b.len, 100000);
	for (unsigned i = 0; i < 100000; i++)
		ck_assert_uint_eq(b.data[i], i % 251);
	buf_fini(&b);
}
END_TEST

START_TEST(dropping_moves_the_rest_to_the_front)
{
	struct buf b = BUF_INIT;
	buf_puts(&b, "headtail");
	buf_drop(&b, 4);
	ck_assert_uint_eq(b.len, 4);
	ck_assert_mem_eq(b.data, "tail", 4);
	buf_drop(&b, 4);
	buf_drop(&b, 0);
	ck_assert_uint_eq(b.len, 0);
	buf_fini(&b);
}
END_TEST

START_TEST(a_length_that_can_not_be_is_no_memory_and_stays_so_until_cleared)
{
	struct buf b = BUF_INIT;
	buf_puts(&b, "kept");
	ck_assert_ptr_null(buf_reserve(&b, SIZE_MAX - 2));
	ck_assert(b.failed);
	buf_puts(&b, "lost");
	ck_assert_uint_eq(b.len, 4);
	ck_assert_ptr_null(buf_reserve(&b, 1));
	buf_clear(&b);
	ck_assert(!b.failed);
	buf_puts(&b, "new");
	ck_assert_mem_eq(b.data, "new", 3);
	buf_fini(&b);
}
END_TEST

START_TEST(as_a_string_it_ends_with_a_nul_that_does_not_count)
{
	struct buf b = BUF_INIT;
	ck_assert_str_eq(buf_text(&b), "");
	buf_puts(&b, "one");
	ck_assert_str_eq(buf_text(&b), "one");
	ck_assert_uint_eq(b.len, 3);
	buf_puts(&b, " two");
	ck_assert_str_eq(buf_text(&b), "one two");
	/* also where what is held fills its memory to the last byte */
	while (b.len < b.cap)
		buf_put(&b, "x", 1);
	ck_assert_uint_eq(strlen(buf_text(&b)), b.len);
	ck_assert(!b.failed);
	buf_fini(&b);
}
END_TEST

START_TEST(as_a_string_a_failed_buffer_is_empty)
{
	struct buf b = BUF_INIT;
	buf_puts(&b, "kept");
	ck_assert_ptr_null(buf_reserve(&b, SIZE_MAX - 2));
	ck_assert_str_eq(buf_text(&b), "");
	buf_clear(&b);
	ck_assert_str_eq(buf_text(&b), "");
	ck_assert(!b.failed);
	buf_fini(&b);
}
END_TEST

UNIT_MAIN("buf", what_is_put_is_held_in_order, a_long_buffer_keeps_every_byte,
    dropping_moves_the_rest_to_the_front, as_a_string_it_ends_with_a_nul_that_does_not_count,
    as_a_string_a_failed_buffer_is_empty,
    a_length_that_can_not_be_is_no_memory_and_stays_so_until_cleared)

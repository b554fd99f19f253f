/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "lib/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

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

/* What a pipe gives that holds so many bytes and has no writer. */
static int read_pipe(struct buf *b, size_t bytes, size_t max)
{
	static const char zeroes[60000];
	int p[2];

	ck_assert_int_eq(pipe(p), 0);
	ck_assert_int_eq(write(p[1], zeroes, bytes), (ssize_t)bytes);
	close(p[1]);
	int rc = buf_read(b, p[0], max);
	close(p[0]);
	return rc;
}

START_TEST(a_descriptor_is_read_to_its_end_after_what_is_held)
{
	struct buf b = BUF_INIT;
	buf_puts(&b, "head");
	ck_assert_int_eq(read_pipe(&b, 60000, 60004), 0);
	ck_assert_uint_eq(b.len, 60004);
	ck_assert_mem_eq(b.data, "head\0", 5);
	ck_assert_int_eq(read_pipe(&b, 0, 60004), 0);
	ck_assert_uint_eq(b.len, 60004);
	buf_fini(&b);
}
END_TEST

START_TEST(more_than_there_may_be_is_not_read_to_its_end)
{
	struct buf b = BUF_INIT;
	ck_assert_int_eq(read_pipe(&b, 60000, 100), -EFBIG);
	ck_assert_uint_gt(b.len, 100);
	ck_assert_uint_lt(b.len, 60000);
	ck_assert_int_eq(read_pipe(&b, 1, 100), -EFBIG);
	buf_fini(&b);
}
END_TEST

START_TEST(what_can_not_be_read_is_told)
{
	struct buf b = BUF_INIT;
	int p[2];

	ck_assert_int_eq(buf_read(&b, -1, 100), -EBADF);
	ck_assert_int_eq(pipe2(p, O_NONBLOCK), 0);
	ck_assert_int_eq(write(p[1], "now", 3), 3);
	ck_assert_int_eq(buf_read(&b, p[0], 100), -EAGAIN);
	ck_assert_str_eq(buf_text(&b), "now");
	close(p[0]);
	close(p[1]);
	buf_fini(&b);
}
END_TEST

static int writer;

/* The reader waits for it, and is interrupted by it. */
static void write_and_close(int sig)
{
	(void)sig;
	if (write(writer, "late", 4) == 4)
		close(writer);
}

START_TEST(a_signal_does_not_end_the_reading)
{
	struct buf b = BUF_INIT;
	struct sigaction action = { .sa_handler = write_and_close }; /* and no SA_RESTART */
	int p[2];

	ck_assert_int_eq(pipe(p), 0);
	writer = p[1];
	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &(struct itimerval){ .it_value.tv_usec = 50000 }, NULL), 0);
	ck_assert_int_eq(buf_read(&b, p[0], 100), 0);
	ck_assert_str_eq(buf_text(&b), "late");
	close(p[0]);
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
    as_a_string_a_failed_buffer_is_empty, a_descriptor_is_read_to_its_end_after_what_is_held,
    more_than_there_may_be_is_not_read_to_its_end, what_can_not_be_read_is_told,
    a_signal_does_not_end_the_reading,
    a_length_that_can_not_be_is_no_memory_and_stays_so_until_cleared)

/* SPDX-License-Identifier: ISC */
/* Descriptors that are passed: what is received, closed, and made to wait. */
#include "config.h"

#include "tests/unit/aside.h"

START_TEST(what_was_passed_is_closed_whatever_its_number)
{
	int s[2], flags;
	char text[8];
	begin();
	pair(SOCK_DGRAM, s);
	int one = pass(s[0], "one", 1), many = pass(s[0], "too long a text", 253);
	ck_assert_int_eq(aside_receive(a, 1, s[1], text, sizeof(text), &flags), 3);
	ck_assert_int_eq(memcmp(text, "one", 3), 0);
	ck_assert_int_eq(flags & (MSG_TRUNC | MSG_CTRUNC), 0);
	ck_assert_int_eq(aside_receive(a, 1, s[1], text, sizeof(text), &flags), 8);
	ck_assert_int_eq(flags & (MSG_TRUNC | MSG_CTRUNC), MSG_TRUNC);
	ck_assert_int_eq(aside_receive(a, 1, s[1], text, sizeof(text), &flags), -1);
	ck_assert_int_eq(errno, EAGAIN);
	EVENTUALLY(is_closed(one) && is_closed(many));
	EVENTUALLY(the->closes == 254);
	ck_assert(!the->signals_open);
	end();
}
END_TEST

START_TEST(a_close_that_hangs_keeps_neither_the_caller_nor_others_nor_files)
{
	begin();
	make_dir();
	make_file("1.1.0.gone");
	the->shut = true;
	int mine = pass_as(1, 1), again = pass_as(1, 1);
	EVENTUALLY(the->begun == 1);
	pass_as(2, 1);
	EVENTUALLY(the->begun == 2); /* the other's is at it as well; one's own wait for each other */
	ck_assert(aside_remove(a, dirfd_, "1.1.0.gone"));
	EVENTUALLY(!is_there("1.1.0.gone"));
	ck_assert_int_eq(the->closes, 0);
	ck_assert(!is_closed(mine));
	the->shut = false;
	EVENTUALLY(is_closed(mine) && is_closed(again));
	end();
}
END_TEST

START_TEST(who_has_too_many_waiting_is_not_received_from_and_others_are)
{
	begin();
	the->shut = true;
	ck_assert_int_ge(fill(1), 2);
	ck_assert_int_eq(lines, 1);
	ck_assert(!takes(1));
	ck_assert_int_eq(lines, 1); /* once a minute */
	ck_assert(takes(2));
	ck_assert(takes(0)); /* whatever it has: */
	for (int i = 0; i < 10; i++)
		pass_as(0, 100);
	ck_assert(takes(63) && takes(1024)); /* and it shares with nobody */
	ck_assert(aside_has_room(a));
	the->shut = false;
	EVENTUALLY(takes(1));
	end();
}
END_TEST

START_TEST(what_comes_with_an_urgent_byte_is_closed_aside_as_well)
{
	int s[2], reader[2];
	char text[8];
	begin();
	the->shut = true;
	for (int i = 0; i < 2; i++) {
		pair(SOCK_STREAM, s);
		pass_flags = MSG_OOB;
		reader[i] = pass(s[0], "a", 1);
		pass_flags = 0;
		aside_refuse(s[1]);
		ck_assert_int_eq(send(s[0], "b", 1, 0), 1);
		if (i == 0)
			ck_assert_int_eq(aside_receive(a, 1, s[1], text, sizeof(text), NULL), 1);
		aside_discard(a, 1, s[1]);
		close(s[0]);
	}
	EVENTUALLY(the->begun > 0);
	ck_assert(!is_closed(reader[0]) && !is_closed(reader[1]));
	the->shut = false;
	EVENTUALLY(is_closed(reader[0]) && is_closed(reader[1]));
	end();
}
END_TEST

START_TEST(what_has_no_descriptors_is_received_whatever_waits)
{
	int s[2], flags;
	char text[8];
	begin();
	the->shut = true;
	fill(1);
	for (int i = 0; i < 2; i++) {
		pair(i ? SOCK_STREAM : SOCK_DGRAM, s);
		ck_assert_int_eq(send(s[0], "ab", 2, 0), 2);
		ck_assert_int_eq(aside_receive(a, 1, s[1], text, sizeof(text), &flags), 2);
		ck_assert_int_eq(flags & MSG_TRUNC, 0);
		int reader = pass(s[0], "c", 1);
		ck_assert_int_eq(aside_receive(a, 1, s[1], text, sizeof(text), &flags), -1);
		ck_assert_int_eq(errno, ETOOMANYREFS);
		ck_assert(!is_closed(reader));
		aside_discard(a, 1, s[1]);
		ck_assert(!is_closed(reader));
		close(s[0]);
	}
	the->shut = false;
	end();
}
END_TEST

START_TEST(of_sockets_those_alone_are_closed_aside_that_have_descriptors)
{
	int s[2];
	char c;
	begin();
	the->shut = true;
	fill(1);
	for (int i = 0; i < 3000; i++) { /* more than may be on their way, or wait */
		pair(SOCK_STREAM, s);
		ck_assert_int_eq(send(s[0], "ab", 2, 0), 2);
		aside_discard(a, 1, s[1]);
		ck_assert_int_eq(recv(s[0], &c, 1, 0), 0);
		close(s[0]);
	}
	ck_assert(aside_has_room(a));
	pair(SOCK_STREAM, s);
	pass(s[0], "a", 1);
	aside_discard(a, 1, s[1]);
	ck_assert_int_eq(recv(s[0], &c, 1, 0), 0); /* sees the end all the same */
	the->shut = false;
	end();
}
END_TEST

START_TEST(so_many_sockets_wait_that_the_helper_has_numbers_for_them)
{
	struct rlimit few = { 256, 256 };
	int s[2], n = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	begin();
	the->shut = true;
	for (; aside_has_room(a); n++) {
		pair(SOCK_STREAM, s);
		close(pass(s[0], "a", 1));
		aside_discard(a, 1, s[1]);
		close(s[0]);
		ck_assert_int_lt(n, 256);
	}
	ck_assert_int_ge(n, 32);
	ck_assert_int_le(n, 64 + 1);
	the->shut = false;
	EVENTUALLY(aside_has_room(a));
	end();
}
END_TEST

static void discard(int type)
{
	int s[2];
	pair(type, s);
	int one = pass(s[0], "a", 1), two = pass(s[0], "b", 3);
	aside_discard(a, 1, s[1]);
	ck_assert_int_eq(send(s[0], "c", 1, MSG_NOSIGNAL | MSG_DONTWAIT), -1);
	EVENTUALLY(is_closed(one) && is_closed(two));
	close(s[0]);
}

START_TEST(with_a_socket_goes_what_was_not_received)
{
	begin();
	discard(SOCK_DGRAM);
	discard(SOCK_STREAM);
	EVENTUALLY(the->closes == 8);
	end();
}
END_TEST

START_TEST(a_socket_of_one_who_has_too_many_waiting_is_closed_aside)
{
	int s[2];
	begin();
	the->shut = true;
	fill(1);
	pair(SOCK_STREAM, s);
	int reader = pass(s[0], "a", 1);
	aside_discard(a, 1, s[1]);
	ck_assert(!is_closed(reader));
	the->shut = false;
	EVENTUALLY(is_closed(reader));
	close(s[0]);
	end();
}
END_TEST

UNIT_MAIN("aside",
    what_was_passed_is_closed_whatever_its_number,
    a_close_that_hangs_keeps_neither_the_caller_nor_others_nor_files,
    who_has_too_many_waiting_is_not_received_from_and_others_are,
    what_comes_with_an_urgent_byte_is_closed_aside_as_well,
    what_has_no_descriptors_is_received_whatever_waits,
    of_sockets_those_alone_are_closed_aside_that_have_descriptors,
    so_many_sockets_wait_that_the_helper_has_numbers_for_them,
    with_a_socket_goes_what_was_not_received,
    a_socket_of_one_who_has_too_many_waiting_is_closed_aside)

/* SPDX-License-Identifier: ISC */
/*
 * The room against keepers that a test plays itself: old ones, broken ones,
 * ones that vanish in the middle of a sentence.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/kmsg.h"
#include "lib/tree.h"
#include "proc/room.h"

#include "unit.h"

#define NONCE UINT64_C(0xfeed)

static struct room r;
static int listener = -1, fd = -1;
static struct buf in;

/* The last order the room gave, and what else it said. */
static uint64_t seq, level, grace_ms, signal_number;
static unsigned hellos, desires, acks;

/* Its own pid stands for the keeper's and the command's: there is no such start time. */
static void open_and_adopt(enum keeper_level wanted)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	room_init(&r);
	room_open(&r);
	int len = snprintf(a.sun_path, sizeof a.sun_path, "%s/keepers/" KEEPER_NAME_FMT, r.runtime_dir,
	    (uint64_t)1, (uint32_t)1, NONCE);
	ck_assert_int_lt(len, (int)sizeof a.sun_path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
	ck_assert_int_eq(listen(listener, 8), 0);
	r.told[1].attempt = (struct job_attempt){ .number = 1, .nonce = NONCE };
	room_adopt(&r, 1, wanted);
	proc_adopted_all(r.proc);
}

static void close_all(void)
{
	if (fd >= 0)
		close(fd);
	close(listener);
	buf_fini(&in);
	room_fini(&r);
}

static void understand(const struct kmsg *m)
{
	struct tlv_reader reader = m->payload;
	struct tlv f;
	hellos += m->type == KMSG_HELLO;
	desires += m->type == KMSG_DESIRE;
	acks += m->type == KMSG_ACK;
	while (tlv_next(&reader, &f)) {
		if (f.tag == KTAG_SEQ)
			seq = tlv_u64(&f);
		else if (f.tag == KTAG_LEVEL)
			level = tlv_u64(&f);
		else if (f.tag == KTAG_GRACE_MS)
			grace_ms = tlv_u64(&f);
		else if (f.tag == KTAG_SIGNAL)
			signal_number = tlv_u64(&f);
	}
}

/* Takes a connection if there is one, and all that was said. Always true. */
static bool hear(void)
{
	struct kmsg m;
	if (fd < 0)
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	void *room = buf_reserve(&in, 4096);
	ssize_t n = fd >= 0 ? recv(fd, room, 4096, MSG_DONTWAIT) : -1;
	if (n > 0)
		in.len += (size_t)n;
	while (kmsg_parse(&in, &m) > 0) {
		understand(&m);
		buf_drop(&in, m.size);
	}
	return true;
}

static void say(const struct buf *b)
{
	ck_assert_int_eq(send(fd, b->data, b->len, MSG_NOSIGNAL), (ssize_t)b->len);
}

static void say_hello(uint64_t nonce)
{
	struct buf b = BUF_INIT;
	size_t mark = kmsg_begin(&b, KMSG_HELLO);
	tlv_put_u64(&b, KTAG_NONCE, nonce);
	tlv_put_u64(&b, 9999, 1); /* a later version's */
	kmsg_end(&b, mark);
	say(&b);
	buf_fini(&b);
}

static void say_state(uint64_t number, enum keeper_level reached, pid_t culprit, pid_t recontinued)
{
	struct buf b = BUF_INIT;
	size_t mark = kmsg_begin(&b, KMSG_STATE);
	tlv_put_u64(&b, KTAG_SEQ, number);
	tlv_put_u64(&b, KTAG_LEVEL, reached);
	if (culprit)
		tlv_put_u64(&b, KTAG_CULPRIT, (uint64_t)culprit);
	if (recontinued)
		tlv_put_u64(&b, KTAG_RECONTINUED, (uint64_t)recontinued);
	kmsg_end(&b, mark);
	say(&b);
	buf_fini(&b);
}

static void say_end(bool empty)
{
	struct buf b = BUF_INIT;
	struct keeper_end e = { .id = 1, .attempt = 1, .nonce = NONCE, .kind = KEEPER_END_EXITED,
		.status = 21 << 8, .empty = empty };
	size_t mark = kmsg_begin(&b, KMSG_END);
	keeper_end_put(&b, &e);
	kmsg_end(&b, mark);
	say(&b);
	buf_fini(&b);
}

static void hang_up(void)
{
	close(fd);
	fd = -1;
	buf_clear(&in);
}

/* Answers the greeting as a keeper that has carried out an order of this number. */
static void greet(uint64_t number)
{
	unsigned before = desires;
	ROOM_WAIT(&r, hear() && hellos > 0);
	hellos = 0;
	say_hello(NONCE);
	say_state(number, LEVEL_RUN, 0, 0);
	ROOM_WAIT(&r, hear() && desires > before);
}

static void end_it(void)
{
	say_end(true);
	ROOM_WAIT(&r, r.told[1].ended);
	ck_assert_int_eq(WEXITSTATUS(r.told[1].end.status), 21);
	proc_acknowledge(r.proc, 1);
	ROOM_WAIT(&r, hear() && acks > 0);
	hang_up();
	ROOM_WAIT(&r, room_files(&r, "run/keepers") == 0);
	close_all();
}

START_TEST(orders_are_numbered_on_from_what_the_keeper_has_seen)
{
	open_and_adopt(LEVEL_RUN);
	greet(41);
	ck_assert_uint_eq(seq, 42);
	ck_assert_uint_eq(level, LEVEL_RUN);
	say_state(42, LEVEL_RUN, 0, 0);
	ROOM_WAIT(&r, r.told[1].running);
	end_it();
}
END_TEST

START_TEST(a_keeper_that_has_seen_more_than_it_said_is_told_again_with_a_higher_number)
{
	open_and_adopt(LEVEL_STOP);
	greet(1);
	say_state(77, LEVEL_RUN, 0, 0);
	ROOM_WAIT(&r, hear() && seq == 78);
	say_state(78, LEVEL_STOP, 0, 0);
	ROOM_WAIT(&r, r.told[1].stopped);
	end_it();
}
END_TEST

START_TEST(an_answer_to_an_older_order_says_nothing)
{
	open_and_adopt(LEVEL_STOP);
	greet(5);
	proc_order(r.proc, 1, LEVEL_RUN, 0);
	ROOM_WAIT(&r, hear() && seq == 7);
	say_state(6, LEVEL_STOP, 0, 0);
	say_state(7, LEVEL_RUN, 0, 0);
	ROOM_WAIT(&r, r.told[1].running);
	ck_assert_uint_eq(r.told[1].stopped, 0);
	end_it();
}
END_TEST

START_TEST(what_would_not_stop_and_what_was_continued_is_passed_on)
{
	open_and_adopt(LEVEL_RUN);
	greet(0);
	proc_order(r.proc, 1, LEVEL_STOP, 0);
	ROOM_WAIT(&r, hear() && level == LEVEL_STOP);
	say_state(seq, LEVEL_RUN, 4711, 0);
	ROOM_WAIT(&r, r.told[1].unstoppable);
	proc_order(r.proc, 1, LEVEL_STOP, 0);
	ROOM_WAIT(&r, hear() && seq == 3);
	say_state(3, LEVEL_STOP, 0, 0);
	ROOM_WAIT(&r, r.told[1].stopped);
	say_state(3, LEVEL_STOP, 0, 4711);
	ROOM_WAIT(&r, r.told[1].recontinued);
	ck_assert_uint_eq(r.told[1].stopped, 1);
	/* Its stop was told; that it holds no more has to be told as well. */
	say_state(3, LEVEL_RUN, 4711, 4711);
	ROOM_WAIT(&r, r.told[1].unstoppable == 2);
	ck_assert_uint_eq(r.told[1].recontinued, 1);
	end_it();
}
END_TEST

START_TEST(a_connection_that_breaks_is_made_again_and_the_order_repeated)
{
	open_and_adopt(LEVEL_RUN);
	greet(0);
	proc_order(r.proc, 1, LEVEL_END, 1234);
	ROOM_WAIT(&r, hear() && level == LEVEL_END);
	hang_up();
	grace_ms = 0;
	proc_signal(r.proc, 1, SIGUSR2, true);
	greet(2);
	ck_assert_uint_eq(seq, 3);
	ck_assert_uint_eq(level, LEVEL_END);
	ck_assert_uint_eq(grace_ms, 1234);
	ROOM_WAIT(&r, hear() && signal_number == SIGUSR2);
	end_it();
}
END_TEST

START_TEST(a_keeper_that_missed_the_acknowledgement_is_told_again)
{
	open_and_adopt(LEVEL_RUN);
	greet(0);
	say_end(true);
	ROOM_WAIT(&r, r.told[1].ended);
	hang_up();
	proc_acknowledge(r.proc, 1);
	ROOM_WAIT(&r, hear() && hellos > 0);
	ck_assert_uint_eq(acks, 0);
	say_hello(NONCE);
	say_state(1, LEVEL_RUN, 0, 0);
	say_end(true);
	ROOM_WAIT(&r, hear() && acks > 0);
	hang_up();
	ROOM_WAIT(&r, room_files(&r, "run/keepers") == 0);
	ck_assert_uint_eq(r.told[1].ended, 1);
	close_all();
}
END_TEST

START_TEST(a_status_that_was_told_counts_though_the_tree_was_not_empty_yet)
{
	open_and_adopt(LEVEL_RUN);
	greet(0);
	say_end(false);
	for (int i = 0; i < 3; i++)
		room_turn(&r);
	ck_assert_uint_eq(r.told[1].ended, 0);
	close(listener);
	hang_up();
	ROOM_WAIT(&r, r.told[1].ended);
	ck_assert_int_eq(WEXITSTATUS(r.told[1].end.status), 21);
	ck_assert(r.told[1].end.empty);
	proc_acknowledge(r.proc, 1);
	ROOM_WAIT(&r, room_files(&r, "run/keepers") == 0);
	close_all();
}
END_TEST

START_TEST(a_stranger_with_the_wrong_nonce_is_not_believed)
{
	open_and_adopt(LEVEL_RUN);
	ROOM_WAIT(&r, hear() && hellos > 0);
	say_hello(NONCE + 1);
	say_state(1, LEVEL_RUN, 0, 0);
	ROOM_WAIT(&r, recv(fd, &(char){ 0 }, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET);
	ck_assert_uint_eq(desires, 0);
	hang_up();
	hellos = 0;
	greet(1);
	end_it();
}
END_TEST

START_TEST(nonsense_ends_the_connection_and_nothing_else)
{
	const uint8_t huge[] = { 0xff, 0xff, 0xff, 0xff, KMSG_STATE, 0 };
	const uint8_t torn[] = { 2, 0, 0, 0, KMSG_STATE, 0, KTAG_SEQ, 9 };
	const struct buf nonsense[] = {
		{ .data = (uint8_t *)(uintptr_t)huge, .len = sizeof huge },
		{ .data = (uint8_t *)(uintptr_t)torn, .len = sizeof torn },
	};
	open_and_adopt(LEVEL_RUN);
	for (int i = 0; i < 2; i++) {
		greet(0);
		say(&nonsense[i]);
		ROOM_WAIT(&r, recv(fd, &(char){ 0 }, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET);
		hang_up();
	}
	greet(0);
	ck_assert_uint_eq(r.told[1].lost + r.told[1].ended, 0);
	end_it();
}
END_TEST

START_TEST(a_message_that_is_not_known_is_passed_over)
{
	struct buf b = BUF_INIT;
	open_and_adopt(LEVEL_RUN);
	greet(0);
	kmsg_end(&b, kmsg_begin(&b, (enum kmsg_type)999));
	say(&b);
	buf_fini(&b);
	say_state(seq, LEVEL_RUN, 0, 0);
	ROOM_WAIT(&r, r.told[1].running);
	end_it();
}
END_TEST

START_TEST(a_keeper_that_does_not_obey_is_silent_until_it_does)
{
	open_and_adopt(LEVEL_RUN);
	greet(0);
	say_state(seq, LEVEL_RUN, 0, 0);
	ROOM_WAIT(&r, r.told[1].running);
	proc_order(r.proc, 1, LEVEL_STOP, 0);
	ROOM_WAIT(&r, hear() && level == LEVEL_STOP);
	ROOM_WAIT(&r, r.told[1].silent);
	say_state(seq, LEVEL_STOP, 0, 0);
	ROOM_WAIT(&r, !r.told[1].silent && r.told[1].stopped);
	end_it();
}
END_TEST

UNIT_MAIN("peer", orders_are_numbered_on_from_what_the_keeper_has_seen,
    a_keeper_that_has_seen_more_than_it_said_is_told_again_with_a_higher_number,
    an_answer_to_an_older_order_says_nothing,
    what_would_not_stop_and_what_was_continued_is_passed_on,
    a_connection_that_breaks_is_made_again_and_the_order_repeated,
    a_keeper_that_missed_the_acknowledgement_is_told_again,
    a_status_that_was_told_counts_though_the_tree_was_not_empty_yet,
    a_stranger_with_the_wrong_nonce_is_not_believed,
    nonsense_ends_the_connection_and_nothing_else, a_message_that_is_not_known_is_passed_over,
    a_keeper_that_does_not_obey_is_silent_until_it_does)

/* SPDX-License-Identifier: ISC */
/*
 * What a client may have of the daemon, and no more: memory, places, descriptors. One that does not
 * read, that never ends its message or that comes too often costs the others nothing.
 */
#include "config.h"

#include "tests/server/room.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/buf.h"
#include "unit.h"

#define OUTPUT(n) "{'method':'org.jobd.Job.Output','parameters':{'id':1,'offset':" #n "}}"

static size_t rss_kb(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (size_t)u.ru_maxrss;
}

START_TEST(a_user_can_not_make_the_daemon_hold_without_end)
{
	struct room r;
	static char part[900 << 10];
	int fd[100], ended = 0, late;

	room_begin(&r);
	memset(part, ' ', sizeof(part));
	for (int i = 0; i < 100; i++) {
		size_t sent = 0, idle = 0;

		fd[i] = client_open(&r);
		while (sent < sizeof(part) && idle < 20) { /* a message that never ends */
			size_t n = client_write(fd[i], part + sent, sizeof(part) - sent);

			sent += n;
			idle = n == 0 ? idle + 1 : 0;
			room_turn(&r);
		}
	}
	ck_assert_uint_eq(r.log_lines, 1);
	for (int i = 0; i < 100; i++) {
		char c;

		ended += recv(fd[i], &c, 1, 0) >= 0;
	}
	ck_assert_int_ge(ended, 20); /* 64 MiB are 72 of them */
	ck_assert_int_le(ended, 40);
	late = client_open(&r);
	client_say(&r, late, ECHO("late"));
	client_hears(&r, late, ECHOED("late"));
	for (int i = 0; i < 100; i++)
		close(fd[i]);
	close(late);
	room_stop(&r);
}
END_TEST

START_TEST(a_client_that_does_not_read_is_not_read_from_and_loses_nothing)
{
	struct room r;
	size_t before;
	int fd, other;

	fd = client_open(room_begin(&r));
	for (int i = 0; i < 200; i++)
		client_say(&r, fd, OUTPUT(100000));
	room_settle(&r);
	before = rss_kb();
	ck_assert_uint_lt(r.calls, 20); /* 1 MiB, what the socket holds, and one more */
	room_settle(&r);
	other = client_open(&r);
	client_say(&r, other, ECHO("other"));
	client_hears(&r, other, ECHOED("other"));
	ck_assert_uint_lt(rss_kb() - before, 8192);
	for (int i = 0; i < 200; i++)
		ck_assert_uint_eq(strlen(client_hear(&r, fd)),
		    strlen("{\"parameters\":{\"data\":\"\",\"offset\":0}}") + 100000);
	close(fd);
	close(other);
	room_stop(&r);
}
END_TEST

START_TEST(a_client_that_does_not_read_and_leaves_is_let_go)
{
	struct room r;
	int fd;

	fd = client_open(room_begin(&r));
	for (int i = 0; i < 100; i++)
		client_say(&r, fd, OUTPUT(100000));
	room_settle(&r);
	close(fd);
	room_until(&r, server_connections(r.server) == 0);
	room_stop(&r);
}
END_TEST

START_TEST(a_stream_holds_back_and_goes_on_as_it_is_read)
{
	struct room r;
	int fd;

	fd = client_open(room_begin(&r));
	client_say(&r, fd,
	    "{'method':'org.jobd.Job.Output','parameters':{'id':1,'offset':200},'more':true}");
	client_say(&r, fd, ECHO("after"));
	room_settle(&r);
	ck_assert_uint_lt(r.drained, 3);
	for (int i = 0; i < 200; i++)
		ck_assert_ptr_nonnull(strstr(client_hear(&r, fd), "\"continues\":true"));
	client_hears(&r, fd, "{'parameters':{'data':'','offset':0}}");
	client_hears(&r, fd, ECHOED("after"));
	ck_assert_uint_gt(r.drained, 10);
	close(fd);
	room_stop(&r);
}
END_TEST

START_TEST(a_stream_whose_client_leaves_is_told)
{
	struct room r;
	int fd;

	fd = client_open(room_begin(&r));
	client_say(&r, fd,
	    "{'method':'org.jobd.Job.Output','parameters':{'id':1,'offset':200},'more':true}");
	room_settle(&r);
	close(fd);
	room_until(&r, r.closed == 1);
	room_until(&r, server_connections(r.server) == 0);
	room_stop(&r);
}
END_TEST

START_TEST(what_is_sent_behind_a_call_that_waits_is_bounded)
{
	struct room r;
	size_t sent = 0, idle = 0;
	static char
	    block[64 << 10]; /* NULs: each an empty message, and an offence when its turn comes */
	int fd;

	fd = client_open(room_begin(&r));
	client_say(&r, fd, "{'method':'org.jobd.Job.Wait','parameters':{'ids':[1]}}");
	while (idle < 100) {
		size_t n = client_write(fd, block, sizeof(block));

		sent += n;
		idle = n == 0 ? idle + 1 : 0;
		room_turn(&r);
	}
	ck_assert_uint_gt(sent, 1u << 20);
	ck_assert_uint_lt(sent, 4u << 20);
	/* It is not read from any more, and yet its end is seen. */
	close(fd);
	room_until(&r, r.closed == 1);
	room_until(&r, server_connections(r.server) == 0);
	room_stop(&r);
}
END_TEST

/* A sanitizer's malloc tells nothing of this: there it is only seen that all is well. */
START_TEST(what_varlink_does_not_define_is_not_held_with_a_call_that_waits)
{
	enum { CALLS = 4, EMPTY = 300000 };
	struct room r;
	int fd[CALLS];
	struct buf b = BUF_INIT;

	room_begin(&r);
	buf_puts(&b, "{'method':'org.jobd.Job.Wait','parameters':{'ids':[1]},'x':[{}");
	for (int i = 0; i < EMPTY; i++)
		buf_puts(&b, ",{}");
	buf_put(&b, "]}", 3);
	ck_assert(!b.failed);
	for (int i = 0; i < CALLS; i++) {
		fd[i] = client_open(&r);
		client_say(&r, fd[i], (const char *)b.data);
		room_until(&r, r.nwaiting == (size_t)i + 1);
	}
	buf_fini(&b);
	ck_assert_uint_lt(mallinfo2().uordblks + mallinfo2().hblkhd, 10u << 20); /* a call alone is 20 MB */
	for (int i = 0; i < CALLS; i++)
		close(fd[i]);
	room_until(&r, server_connections(r.server) == 0);
	room_stop(&r);
}
END_TEST

/* Whether the daemon has ended the connection without a word. */
static int closed_by_daemon(struct room *r, int fd)
{
	char c;
	ssize_t n;

	room_settle(r);
	n = recv(fd, &c, 1, MSG_PEEK);
	return n == 0 || (n < 0 && errno == ECONNRESET);
}

/* Whether the daemon has ended the connection, after a word about why. */
static int refused_by_daemon(struct room *r, int fd)
{
	char text[256] = "";
	ssize_t n;

	room_settle(r);
	n = recv(fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return 0;
	ck_assert_ptr_nonnull(strstr(text, "org.jobd.Job.LimitReached"));
	ck_assert_int_eq(recv(fd, text, sizeof(text), 0), 0);
	return 1;
}

START_TEST(no_user_has_more_than_half_of_the_places_and_is_told_so)
{
	struct room r;
	int fd[64], open = 0;

	room_prepare(&r);
	room_keep_log(&r);
	r.options.max_connections = 40;
	room_open(&r);
	for (int i = 0; i < 64; i++) {
		fd[i] = client_open(&r);
		room_settle(&r);
	}
	ck_assert_uint_eq(server_connections(r.server), 20);
	for (int i = 0; i < 64; i++)
		open += !refused_by_daemon(&r, fd[i]);
	ck_assert_int_eq(open, 20);
	ck_assert_uint_eq(r.log_lines, 1);
	ck_assert_ptr_nonnull(strstr(r.log_last, "too many connections of one user"));
	/* A place that becomes free can be had. */
	close(fd[0]);
	room_until(&r, server_connections(r.server) == 19);
	close(fd[63]);
	fd[63] = client_open(&r);
	client_say(&r, fd[63], ECHO("in"));
	client_hears(&r, fd[63], ECHOED("in"));
	for (int i = 1; i < 64; i++)
		close(fd[i]);
	room_stop(&r);
}
END_TEST

static void on_time(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	*(bool *)arg = true;
}

START_TEST(without_descriptors_the_loop_rests_and_then_goes_on)
{
	struct room r;
	struct rlimit old, tight;
	int inside, fd[30], turns = 0, away = 0;
	bool over = false;

	inside = client_open(room_begin(&r));
	client_say(&r, inside, ECHO("in"));
	client_hears(&r, inside, ECHOED("in"));
	for (int i = 0; i < 30; i++)
		fd[i] = client_open(&r);
	getrlimit(RLIMIT_NOFILE, &old);
	tight = old;
	tight.rlim_cur = (rlim_t)fd[29] + 1; /* every number below is taken */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &tight), 0);
	event_base_once(r.base, -1, EV_TIMEOUT, on_time, &over, &(struct timeval){.tv_sec = 1});
	while (!over) {
		event_base_loop(r.base, EVLOOP_ONCE);
		server_flush(r.server);
		turns++;
	}
	/* Ten times a second at most: one is turned away, with the reserve, and a rest follows. */
	ck_assert_int_lt(turns, 40);
	for (int i = 0; i < 30; i++)
		away += closed_by_daemon(&r, fd[i]);
	ck_assert_int_ge(away, 3);
	ck_assert_int_le(away, 12);
	client_say(&r, inside, ECHO("in"));
	client_hears(&r, inside, ECHOED("in"));
	ck_assert_uint_eq(r.log_lines, 1);
	setrlimit(RLIMIT_NOFILE, &old);
	/* Who was not turned away is served as soon as there are descriptors. */
	client_say(&r, fd[29], ECHO("out"));
	client_hears(&r, fd[29], ECHOED("out"));
	for (int i = 0; i < 30; i++)
		close(fd[i]);
	close(inside);
	room_stop(&r);
}
END_TEST

UNIT_MAIN("limits", a_user_can_not_make_the_daemon_hold_without_end,
    a_client_that_does_not_read_is_not_read_from_and_loses_nothing,
    a_client_that_does_not_read_and_leaves_is_let_go,
    a_stream_holds_back_and_goes_on_as_it_is_read, a_stream_whose_client_leaves_is_told,
    what_is_sent_behind_a_call_that_waits_is_bounded,
    what_varlink_does_not_define_is_not_held_with_a_call_that_waits,
    no_user_has_more_than_half_of_the_places_and_is_told_so,
    without_descriptors_the_loop_rests_and_then_goes_on)

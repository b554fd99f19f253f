/* SPDX-License-Identifier: ISC */
/* A client that is slow, silent, broken or hostile costs the others nothing. */
#include "config.h"

#include "tests/server/room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"
#include "unit.h"

#define ECHO(x)                                                                                 \
	"{'method':'org.varlink.service.GetInterfaceDescription','parameters':{'interface':'" x \
	"'}}"
#define ECHOED(x) "{'parameters':{'description':'" x "'}}"
#define DELETE	  "{'method':'org.jobd.Job.Delete','parameters':{'id':1},'oneway':true}"
#define OUTPUT(n) "{'method':'org.jobd.Job.Output','parameters':{'id':1,'offset':" #n "}}"
#define WRONG(x) \
	"{'error':'org.varlink.service.InvalidParameter','parameters':{'parameter':'" x "'}}"

/* What was logged, line by line. */
static unsigned log_lines;
static int log_worst = LOG_DEBUG;
static char log_last[LOG_LINE_MAX];

static void log_keep(void *ctx, int priority, const char *text, size_t len)
{
	(void)ctx;
	(void)len;
	log_lines++;
	if (priority < log_worst)
		log_worst = priority;
	snprintf(log_last, sizeof(log_last), "%s", text);
}

static struct room *room_begin(struct room *r)
{
	log_set_sink(log_keep, NULL);
	room_start(r);
	return r;
}

static size_t rss_kb(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (size_t)u.ru_maxrss;
}

/* ---- what is no call ---- */

static const struct {
	const char *bytes;
	size_t len;
	const char *answer;
} offences[] = {
#define BYTES(s, a)             \
	{                       \
		s, sizeof(s), a \
	}
    BYTES("", WRONG("message")),
    BYTES("hello", WRONG("message")),
    BYTES("[]", WRONG("message")),
    BYTES("{\"method\":\"a\",\"method\":\"b\"}", WRONG("message")),
    BYTES("{\"method\":\"\xff\"}", WRONG("message")),
    BYTES("{}", WRONG("method")),
    BYTES("{\"method\":1}", WRONG("method")),
    BYTES("{\"method\":\"org.jobd.Job.Get\\u0000\"}", WRONG("method")),
    BYTES("{\"method\":\"a\",\"parameters\":[]}", WRONG("parameters")),
    BYTES("{\"method\":\"a\",\"parameters\":1}", WRONG("parameters")),
    BYTES("{\"method\":\"a\",\"more\":1}", WRONG("more")),
    BYTES("{\"method\":\"a\",\"oneway\":\"yes\"}", WRONG("oneway")),
    BYTES("{\"method\":\"a\",\"oneway\":true,\"more\":true}", WRONG("oneway")),
    BYTES("{\"method\":\"a\",\"upgrade\":{}}", WRONG("upgrade")),
};

START_TEST(who_breaks_the_protocol_is_told_and_the_connection_ends)
{
	struct room r;
	int fd;

	fd = client_open(room_begin(&r));
	client_say(&r, fd, ECHO("before"));
	client_write(fd, offences[_i].bytes, offences[_i].len);
	client_say(&r, fd, ECHO("after"));
	client_hears(&r, fd, ECHOED("before"));
	client_hears(&r, fd, offences[_i].answer);
	client_hears(&r, fd, "");
	room_until(&r, server_connections(r.server) == 0);
	ck_assert_uint_eq(r.calls, 1);
	ck_assert_uint_eq(log_lines, 1);
	ck_assert_int_ge(log_worst, LOG_INFO);
	close(fd);
	room_stop(&r);
}
END_TEST

START_TEST(a_thousand_broken_clients_are_one_line_in_the_log)
{
	struct room r;

	room_begin(&r);
	for (int i = 0; i < 1000; i++) {
		int fd = client_open(&r);

		client_say(&r, fd, "nonsense");
		client_hears(&r, fd, WRONG("message"));
		close(fd);
	}
	ck_assert_uint_le(log_lines, 4); /* and a count every ten seconds */
	room_stop(&r);
}
END_TEST

START_TEST(a_message_of_the_greatest_length_is_taken_and_no_longer_one)
{
	struct room r;
	size_t room_for = VARLINK_MESSAGE_MAX - (sizeof(ECHO("")) - 1);
	char *text = malloc(VARLINK_MESSAGE_MAX + 4096);
	const char *heard;
	int fd;

	fd = client_open(room_begin(&r));
	for (int more = 0; more < 2; more++) {
		memset(text, 0, VARLINK_MESSAGE_MAX + 4096);
		strcpy(text, ECHO(""));
		text[sizeof(ECHO("")) - 4] = '\0';
		memset(text + strlen(text), 'a', room_for + (size_t)more);
		strcat(text, "'}}");
		ck_assert_uint_eq(strlen(text), VARLINK_MESSAGE_MAX + (size_t)more);
		client_say(&r, fd, text);
		heard = client_hear(&r, fd);
		if (more == 0)
			ck_assert_uint_eq(strlen(heard), room_for + sizeof(ECHOED("")) - 1);
		else
			ck_assert(text_same(heard, WRONG("message")));
	}
	client_hears(&r, fd, "");
	close(fd);
	free(text);
	room_stop(&r);
}
END_TEST

START_TEST(a_message_without_an_end_is_cut_at_the_limit)
{
	struct room r;
	static char block[64 << 10];
	size_t sent = 0, n, idle = 0;
	int fd;

	fd = client_open(room_begin(&r));
	memset(block, ' ', sizeof(block));
	while (sent < 16u << 20 && idle < 100) {
		n = client_write(fd, block, sizeof(block));
		sent += n;
		idle = n == 0 ? idle + 1 : 0;
		room_turn(&r);
	}
	ck_assert_uint_lt(sent, 4u << 20);
	client_hears(&r, fd, WRONG("message"));
	client_hears(&r, fd, "");
	close(fd);
	room_stop(&r);
}
END_TEST

/* ---- floods ---- */

/* A write of as many calls as the socket takes; the rest of one that was cut comes next time. */
static void flood(int fd)
{
	static char calls[64 << 10];
	static size_t len, at;

	if (len == 0) {
		while (len + sizeof(DELETE) <= sizeof(calls)) {
			memcpy(calls + len, DELETE, sizeof(DELETE));
			for (char *p = calls + len; *p != '\0'; p++)
				if (*p == '\'')
					*p = '"';
			len += sizeof(DELETE);
		}
	}
	for (;;) {
		size_t n = client_write(fd, calls + at, len - at);

		if (n == 0)
			return;
		at = (at + n) % len;
	}
}

START_TEST(a_flood_delays_nobody_else)
{
	struct room r;
	int a, b;

	a = client_open(room_begin(&r));
	b = client_open(&r);
	for (int i = 0; i < 20; i++) {
		unsigned before;

		flood(a);
		room_turn(&r);
		flood(a);
		client_say(&r, b, ECHO("b"));
		before = r.deleted;
		while (client_silent(b))
			room_turn(&r);
		/* What a may have in one turn, and what it had coming when b came. */
		ck_assert_uint_le(r.deleted - before, 200);
		client_hears(&r, b, ECHOED("b"));
	}
	ck_assert_uint_ge(r.deleted, 20 * 100);
	close(a);
	close(b);
	room_stop(&r);
}
END_TEST

/* Fifty clients with a hundred calls each, of 0.2 ms: a second's work, and no turn of a second. */
START_TEST(many_floods_share_the_turns_between_them)
{
	struct room r;
	char text[128];
	int fd[50];

	room_begin(&r)->burn_us = 200;
	for (int i = 0; i < 50; i++)
		fd[i] = client_open(&r);
	room_until(&r, server_connections(r.server) == 50);
	for (int i = 0; i < 50; i++) {
		snprintf(text, sizeof(text),
		    "{'method':'org.jobd.Job.Delete','parameters':{'id':%d},'oneway':true}", i);
		for (int n = 0; n < 100; n++)
			client_say(&r, fd[i], text);
	}
	ck_assert_uint_eq(r.deleted, 0);
	while (r.deleted < 5000) {
		unsigned before = r.deleted;

		room_turn(&r);
		ck_assert_uint_ge(r.deleted, before + 1);
		ck_assert_uint_le(r.deleted, before + 101); /* 20 ms, and the one that ended them */
	}
	for (int i = 0; i < 50; i++) {
		ck_assert_uint_eq(r.deleted_by[i], 100);
		close(fd[i]);
	}
	room_stop(&r);
}
END_TEST

START_TEST(who_comes_while_many_flood_has_a_turn_soon)
{
	struct room r;
	int fd[10], late, turns = 0;

	room_begin(&r)->burn_us = 200;
	for (int i = 0; i < 10; i++) {
		fd[i] = client_open(&r);
		room_turn(&r);
	}
	late = client_open(&r);
	room_turn(&r);
	for (int i = 0; i < 10; i++)
		for (int n = 0; n < 500; n++)
			client_say(&r, fd[i], DELETE);
	room_turn(&r);
	client_say(&r, late, ECHO("late"));
	while (client_silent(late)) {
		room_turn(&r);
		turns++;
	}
	ck_assert_int_le(turns, 12); /* each of the others once, and not all that they have */
	ck_assert_uint_lt(r.deleted, 2500);
	for (int i = 0; i < 10; i++)
		close(fd[i]);
	close(late);
	room_stop(&r);
}
END_TEST

/* What a turn left over comes before what arrives later, however much arrives. */
START_TEST(who_waits_is_not_overtaken_for_ever)
{
	struct room r;
	int fd[10], early, turns = 0;

	room_begin(&r)->burn_us = 200;
	early = client_open(&r);
	for (int i = 0; i < 10; i++)
		fd[i] = client_open(&r);
	room_until(&r, server_connections(r.server) == 11);
	for (int n = 0; n < 150; n++)
		client_say(&r, early,
		    "{'method':'org.jobd.Job.Delete','parameters':{'id':2},'oneway':true}");
	while (r.deleted_by[2] < 150) {
		for (int i = 0; i < 10; i++)
			for (int n = 0; n < 30; n++)
				client_say(&r, fd[i], DELETE);
		room_turn(&r);
		ck_assert_int_le(turns++, 30);
	}
	for (int i = 0; i < 10; i++)
		close(fd[i]);
	close(early);
	room_stop(&r);
}
END_TEST

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
	ck_assert_uint_eq(log_lines, 1);
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

START_TEST(descriptors_that_are_sent_along_do_not_get_in)
{
	struct room r;
	union {
		char buf[CMSG_SPACE(10 * sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec iov = {.iov_base = (char[]){"{\"method\":\"org.jobd.Daemon.Reload\"}"},
	    .iov_len = sizeof("{\"method\":\"org.jobd.Daemon.Reload\"}")};
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.buf,
	    .msg_controllen = sizeof(control.buf)};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	int fd, p[2], before, after;
	char c;

	fd = client_open(room_begin(&r));
	ck_assert_int_eq(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(10 * sizeof(int));
	for (int i = 0; i < 10; i++)
		memcpy(CMSG_DATA(h) + (size_t)i * sizeof(int), &p[1], sizeof(int));
	room_settle(&r);
	before = dup(0);
	close(before);
	ck_assert_int_gt(sendmsg(fd, &m, 0), 0);
	client_hears(&r, fd, "{'parameters':{}}");
	after = dup(0);
	close(after);
	ck_assert_int_eq(before, after);
	close(p[1]);
	ck_assert_int_eq(read(p[0], &c, 1), 0); /* nobody else holds its other end */
	close(p[0]);
	close(fd);
	room_stop(&r);
}
END_TEST

/* ---- many ---- */

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
	log_set_sink(log_keep, NULL);
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
	ck_assert_uint_eq(log_lines, 1);
	ck_assert_ptr_nonnull(strstr(log_last, "too many connections of one user"));
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
	ck_assert_uint_eq(log_lines, 1);
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

/* ---- anything ---- */

/* Pieces that messages are made of, so that some get past the parser. */
static const char *const pieces[] = {"{", "}", "[", "]", ":", ",", "\"", "\"method\"",
    "\"parameters\"", "\"org.jobd.Job.Get\"", "\"org.jobd.Job.Delete\"", "\"id\"", "1", "-1",
    "null", "true", "\"more\"", "\"oneway\"", "\\u0000", "\xc3\xa4", "\xff", "1e9",
    "{\"method\":\"org.jobd.Job.Get\",\"parameters\":{\"id\":1}}",
    "{\"method\":\"org.jobd.Job.Delete\",\"parameters\":{\"id\":1},\"oneway\":true}"};

static size_t garbage(unsigned *seed, char *to, size_t max)
{
	size_t len = 0, want = (size_t)rand_r(seed) % 400;

	while (len < want && len + 128 < max) {
		unsigned dice = (unsigned)rand_r(seed) % 10;
		const char *p = pieces[(unsigned)rand_r(seed) % (sizeof(pieces) / sizeof(*pieces))];

		if (dice == 0) {
			to[len++] = (char)rand_r(seed);
		} else if (dice == 1) {
			to[len++] = '\0';
		} else {
			memcpy(to + len, p, strlen(p));
			len += strlen(p);
		}
	}
	return len;
}

/* Replayable: JOBD_FUZZ_SEED. */
START_TEST(garbage_harms_nobody)
{
	const char *given = getenv("JOBD_FUZZ_SEED");
	unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
	char text[2048];
	struct room r;
	int good;

	fprintf(stderr, "# JOBD_FUZZ_SEED=%u\n", seed);
	good = client_open(room_begin(&r));
	for (int i = 0; i < 3000; i++) {
		int fd = client_open(&r);

		for (int writes = rand_r(&seed) % 4; writes >= 0; writes--) {
			client_write(fd, text, garbage(&seed, text, sizeof(text)));
			if (rand_r(&seed) % 2)
				room_turn(&r);
		}
		if (rand_r(&seed) % 4 == 0)
			shutdown(fd, SHUT_WR);
		room_turn(&r);
		close(fd);
		if (i % 100 == 0) {
			client_say(&r, good, ECHO("good"));
			client_hears(&r, good, ECHOED("good"));
		}
	}
	room_until(&r, server_connections(r.server) == 1);
	ck_assert_int_ge(log_worst, LOG_INFO);
	close(good);
	room_stop(&r);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {a_thousand_broken_clients_are_one_line_in_the_log,
	    a_message_of_the_greatest_length_is_taken_and_no_longer_one,
	    a_message_without_an_end_is_cut_at_the_limit, a_flood_delays_nobody_else,
	    many_floods_share_the_turns_between_them, who_comes_while_many_flood_has_a_turn_soon,
	    who_waits_is_not_overtaken_for_ever, a_user_can_not_make_the_daemon_hold_without_end,
	    a_client_that_does_not_read_is_not_read_from_and_loses_nothing,
	    a_client_that_does_not_read_and_leaves_is_let_go,
	    a_stream_holds_back_and_goes_on_as_it_is_read, a_stream_whose_client_leaves_is_told,
	    what_is_sent_behind_a_call_that_waits_is_bounded,
	    descriptors_that_are_sent_along_do_not_get_in, no_user_has_more_than_half_of_the_places_and_is_told_so,
	    without_descriptors_the_loop_rests_and_then_goes_on, garbage_harms_nobody};
	TCase *tcase = tcase_create("limits");
	Suite *suite = suite_create("limits");
	SRunner *runner;
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_loop_test(tcase, who_breaks_the_protocol_is_told_and_the_connection_ends, 0,
	    (int)(sizeof(offences) / sizeof(offences[0])));
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

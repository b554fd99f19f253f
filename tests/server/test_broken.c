/* SPDX-License-Identifier: ISC */
/*
 * Who sends what is no call: too long, not JSON, with descriptors along, or anything at all. They
 * are told and let go, and neither the others nor the log feel it.
 */
#include "config.h"

#include "tests/server/room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "jobd/server/room.h"
#include "lib/aside.h"
#include "unit.h"

#define WRONG(x) \
	"{'error':'org.varlink.service.InvalidParameter','parameters':{'parameter':'" x "'}}"

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
	ck_assert_uint_eq(r.log_lines, 1);
	ck_assert_int_ge(r.log_worst, LOG_INFO);
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
	ck_assert_uint_le(r.log_lines, 4); /* and a count every ten seconds */
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

/* As before Linux 6.16: every socket here takes descriptors again. */
static void let_descriptors_pass(void)
{
	int yes = 1;

	for (int fd = 3; fd < 64; fd++)
		(void)setsockopt(fd, SOL_SOCKET, 83 /* SO_PASSRIGHTS */, &yes, sizeof(yes));
}

static ssize_t send_with_descriptors(int fd, int passed)
{
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

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(10 * sizeof(int));
	for (int i = 0; i < 10; i++)
		memcpy(CMSG_DATA(h) + (size_t)i * sizeof(int), &passed, sizeof(int));
	return sendmsg(fd, &m, 0);
}

START_TEST(descriptors_that_are_sent_along_do_not_get_in)
{
	struct room r;
	int fd, p[2], before, after;
	ssize_t sent;
	char c;

	room_prepare(&r);
	ck_assert_int_eq(aside_open(NULL, &r.options.aside), 0);
	room_open(&r);
	fd = client_open(&r);
	ck_assert_int_eq(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	room_settle(&r);
	before = dup(0);
	close(before);
	sent = send_with_descriptors(fd, p[1]);
	if (sent < 0) {
		ck_assert_int_eq(errno, EPERM);
		let_descriptors_pass();
		sent = send_with_descriptors(fd, p[1]);
	}
	ck_assert_int_gt(sent, 0);
	client_hears(&r, fd, "{'parameters':{}}");
	after = dup(0);
	close(after);
	ck_assert_int_eq(before, after);
	close(p[1]);
	while (read(p[0], &c, 1) < 0) /* nobody else holds its other end, in a moment */
		ck_assert_int_eq(errno, EAGAIN);
	close(p[0]);
	close(fd);
	room_stop(&r);
	aside_free(r.options.aside);
}
END_TEST

static atomic_bool *gate_shut;

static void close_at_gate(int fd)
{
	while (*gate_shut)
		usleep(1000);
	close(fd);
}

/* Before Linux 6.16: who passes descriptors waits while too many are not closed; nobody else does. */
START_TEST(who_passes_what_is_not_closed_is_not_served_until_it_is)
{
	static const struct aside_deeds deeds = {close_at_gate, NULL};
	const struct rlimit few = {256, 256}; /* of 64 that may wait in all, 8 are one user's */
	struct connection *c;
	struct room r;
	int own, other, late, p[2], refused[20], n = 0;

	gate_shut = mmap(NULL, sizeof(*gate_shut), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(gate_shut != MAP_FAILED);
	*gate_shut = true;
	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	room_prepare(&r);
	ck_assert_int_eq(aside_open(&deeds, &r.options.aside), 0);
	room_open(&r);
	own = client_open(&r);
	room_settle(&r);
	let_descriptors_pass();
	c = TAILQ_FIRST(&r.server->all);
	c->peer.uid = r.uid = 12345; /* neither root nor who we are */
	ck_assert_int_gt(send_with_descriptors(own, p[1]), 0);
	client_hears(&r, own, "{'parameters':{}}");
	ck_assert_int_gt(send_with_descriptors(own, p[1]), 0);
	room_until(&r, c->muted);
	other = client_open(&r);
	room_settle(&r);
	TAILQ_LAST(&r.server->all, connections)->peer.uid = r.uid;
	client_say(&r, other, ECHO("swift"));
	client_hears(&r, other, ECHOED("swift"));
	ck_assert_uint_eq(server_connections(r.server), 2);
	/* Nobody is let in who may bring more, while too many wait in all. */
	r.server->takes_none = false;
	r.server->o.limits.user_connections = 1;
	for (; aside_has_room(r.options.aside); n++) {
		ck_assert_int_lt(n, 20);
		let_descriptors_pass();
		refused[n] = client_open(&r);
		let_descriptors_pass();
		ck_assert_int_gt(send_with_descriptors(refused[n], p[1]), 0);
		room_settle(&r);
	}
	r.server->o.limits.user_connections = 0;
	late = client_open(&r);
	room_settle(&r);
	ck_assert_uint_eq(server_connections(r.server), 2);
	*gate_shut = false;
	client_hears(&r, own, "{'parameters':{}}");
	room_until(&r, server_connections(r.server) == 3);
	TAILQ_LAST(&r.server->all, connections)->peer.uid = r.uid;
	client_say(&r, late, ECHO("late"));
	client_hears(&r, late, ECHOED("late"));
	while (n > 0)
		close(refused[--n]);
	close(late);
	close(own);
	close(other);
	close(p[0]);
	close(p[1]);
	room_stop(&r);
	aside_free(r.options.aside);
}
END_TEST

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
	ck_assert_int_ge(r.log_worst, LOG_INFO);
	close(good);
	room_stop(&r);
}
END_TEST

UNIT_MAIN_LOOPS("broken",
    UNIT_LOOPS(UNIT_ROWS(who_breaks_the_protocol_is_told_and_the_connection_ends, offences)),
    a_thousand_broken_clients_are_one_line_in_the_log,
    a_message_of_the_greatest_length_is_taken_and_no_longer_one,
    a_message_without_an_end_is_cut_at_the_limit, descriptors_that_are_sent_along_do_not_get_in,
    who_passes_what_is_not_closed_is_not_served_until_it_is, garbage_harms_nobody)

/* SPDX-License-Identifier: ISC */
/* The log socket, with the test as the syslog daemon. */
#include "config.h"

#include "jobd/sys/devlog.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/clock.h"
#define UNIT_TIMEOUT 20
#include "unit.h"

static char dir[64], path[80];
static char got[4096];

static void setup_path(void)
{
	snprintf(dir, sizeof(dir), "/tmp/jobd-devlog.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/log", dir);
	setenv("TZ", "UTC", 1);
}

static void clean_up(void)
{
	unlink(path);
	rmdir(dir);
}

static int listen_as(int type)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	unlink(path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	if (type == SOCK_STREAM)
		ck_assert_int_eq(listen(fd, 5), 0);
	return fd;
}

static const char *receive(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	ck_assert_int_eq(poll(&p, 1, 5000), 1);
	ssize_t n = recv(fd, got, sizeof(got) - 1, 0);
	ck_assert_int_ge(n, 0);
	got[n] = '\0';
	return got;
}

static struct devlog devlog(void)
{
	struct devlog d = DEVLOG_INIT;

	d.path = path;
	return d;
}

/* "<27>Feb  3 04:05:06 jobd[99]: text" */
static void expect(const char *message, const char *text)
{
	char expected[200];

	snprintf(expected, sizeof(expected), "<27>Feb  3 04:05:06 jobd[%ld]: %s", (long)getpid(), text);
	ck_assert_str_eq(message, expected);
}

#define AT 1770091506 /* 2026-02-03 04:05:06 UTC */

START_TEST(a_message_has_the_form_that_syslog_daemons_expect)
{
	setup_path();
	int fd = listen_as(SOCK_DGRAM);
	struct devlog d = devlog();
	ck_assert(devlog_write(&d, LOG_DAEMON | LOG_ERR, AT, "event=x k=%n"));
	expect(receive(fd), "event=x k=%n");
	devlog_close(&d);
	clean_up();
}
END_TEST

START_TEST(a_stream_is_spoken_too)
{
	setup_path();
	int fd = listen_as(SOCK_STREAM);
	struct devlog d = devlog();
	ck_assert(devlog_write(&d, LOG_DAEMON | LOG_ERR, AT, "event=x"));
	int c = accept(fd, NULL, NULL);
	size_t len = strlen(receive(c));
	expect(got, "event=x");
	ck_assert_int_eq(got[len], '\0');
	devlog_close(&d);
	clean_up();
}
END_TEST

START_TEST(where_nobody_listens_the_line_is_not_taken_and_a_new_daemon_is_found)
{
	setup_path();
	struct devlog d = devlog();
	ck_assert(!devlog_write(&d, LOG_DAEMON | LOG_ERR, AT, "event=no"));
	int fd = listen_as(SOCK_DGRAM);
	ck_assert(devlog_write(&d, LOG_DAEMON | LOG_ERR, AT, "event=one"));
	expect(receive(fd), "event=one");
	close(fd); /* it is killed, and its socket stays */
	ck_assert(!devlog_write(&d, LOG_DAEMON | LOG_ERR, AT, "event=no"));
	fd = listen_as(SOCK_DGRAM);
	ck_assert(devlog_write(&d, LOG_DAEMON | LOG_ERR, AT, "event=two"));
	expect(receive(fd), "event=two");
	/* Restarted between two lines: neither is lost. */
	close(fd);
	fd = listen_as(SOCK_DGRAM);
	ck_assert(devlog_write(&d, LOG_DAEMON | LOG_ERR, AT, "event=three"));
	expect(receive(fd), "event=three");
	devlog_close(&d);
	clean_up();
}
END_TEST

START_TEST(a_stuck_reader_is_waited_for_a_second_and_one_in_its_place_is_found)
{
	setup_path();
	int stuck = listen_as(SOCK_DGRAM);
	struct devlog d = devlog();
	bool taken = true;
	uint64_t began = 0;
	for (int i = 0; i < 1000000 && taken; i++) {
		began = clock_mono_us();
		taken = devlog_write(&d, LOG_DAEMON | LOG_ERR, AT, "event=x");
	}
	ck_assert(!taken);
	uint64_t took = clock_mono_us() - began;
	ck_assert_uint_ge(took, 900000);
	ck_assert_uint_lt(took, 5000000);
	int fd = listen_as(SOCK_DGRAM);
	ck_assert(devlog_write(&d, LOG_DAEMON | LOG_ERR, AT, "event=other"));
	expect(receive(fd), "event=other");
	close(stuck);
	devlog_close(&d);
	clean_up();
}
END_TEST

UNIT_MAIN("devlog", a_message_has_the_form_that_syslog_daemons_expect, a_stream_is_spoken_too,
    where_nobody_listens_the_line_is_not_taken_and_a_new_daemon_is_found,
    a_stuck_reader_is_waited_for_a_second_and_one_in_its_place_is_found)

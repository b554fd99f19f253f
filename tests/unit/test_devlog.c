/* SPDX-License-Identifier: ISC */
/* Whether a log socket would take a line, with the test as the syslog daemon. */
#include "config.h"

#include "jobd/sys/devlog.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/clock.h"
#include "unit.h"

static char dir[64], path[80];
static dev_t dev;
static ino_t ino;

static void setup_path(void)
{
	snprintf(dir, sizeof(dir), "/tmp/jobd-devlog.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/log", dir);
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

static bool is_ready(int wait_ms)
{
	return devlog_is_ready(path, wait_ms, &dev, &ino);
}

/* As full as syslog(3) would make it. */
static int fill(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	while (send(fd, "x", 1, 0) == 1)
		;
	return fd;
}

START_TEST(where_nobody_listens_it_is_not_ready_and_a_new_daemon_is_another)
{
	setup_path();
	ck_assert(!is_ready(0));
	int fd = listen_as(SOCK_DGRAM);
	ck_assert(is_ready(0));
	ino_t first = ino;
	close(fd); /* it is killed, and its socket stays */
	ck_assert(!is_ready(0));
	/* The old file is kept meanwhile: its number would be free again. */
	char kept[90];
	snprintf(kept, sizeof(kept), "%s.old", path);
	ck_assert_int_eq(rename(path, kept), 0);
	fd = listen_as(SOCK_DGRAM);
	ck_assert(is_ready(0));
	ck_assert_uint_ne(ino, first);
	close(fd);
	unlink(kept);
	clean_up();
}
END_TEST

START_TEST(a_stream_is_ready_and_nothing_is_sent_there)
{
	setup_path();
	int fd = listen_as(SOCK_STREAM);
	ck_assert(is_ready(0));
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ck_assert_int_eq(poll(&p, 1, 0), 0); /* nobody has connected */
	close(fd);
	clean_up();
}
END_TEST

START_TEST(a_stuck_reader_is_waited_for_and_is_ready_when_it_reads)
{
	setup_path();
	int fd = listen_as(SOCK_DGRAM), sender = fill();
	uint64_t began = clock_mono_us();
	ck_assert(!is_ready(200));
	uint64_t took = clock_mono_us() - began;
	ck_assert_uint_ge(took, 190000);
	ck_assert_uint_lt(took, 5000000 * unit_slowness());
	char byte;
	while (recv(fd, &byte, 1, MSG_DONTWAIT) == 1)
		;
	ck_assert(is_ready(200));
	close(sender);
	close(fd);
	clean_up();
}
END_TEST

UNIT_MAIN("devlog", where_nobody_listens_it_is_not_ready_and_a_new_daemon_is_another,
    a_stream_is_ready_and_nothing_is_sent_there,
    a_stuck_reader_is_waited_for_and_is_ready_when_it_reads)

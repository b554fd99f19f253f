/* SPDX-License-Identifier: ISC */
/* The listening socket: how it comes, is handed on, and goes. */
#include "config.h"

#include "tests/server/room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "unit.h"

#define ECHO(x)                                                                                 \
	"{'method':'org.varlink.service.GetInterfaceDescription','parameters':{'interface':'" x \
	"'}}"
#define ECHOED(x) "{'parameters':{'description':'" x "'}}"

static void served(struct room *r)
{
	int fd = client_open(r);

	client_say(r, fd, ECHO("x"));
	client_hears(r, fd, ECHOED("x"));
	close(fd);
}

/* A socket at the path that listens, or that nobody listens on any more. */
static int other_socket(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(a.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

static void refuses_to_open(struct room *r, int error)
{
	struct server *s = NULL;
	char *why = NULL;

	ck_assert_int_eq(server_open(&r->options, &s, &why), -error);
	ck_assert_ptr_nonnull(why);
	ck_assert_ptr_null(s);
	free(why);
}

START_TEST(the_socket_has_its_mode_whatever_the_umask)
{
	struct room r;
	struct stat st;
	mode_t masks[] = {0, 022, 077};

	for (int i = 0; i < 3; i++) {
		room_prepare(&r);
		umask(masks[i]);
		r.options.mode = i == 0 ? 0600 : 0666;
		room_open(&r);
		ck_assert_int_eq(lstat(r.path, &st), 0);
		ck_assert(S_ISSOCK(st.st_mode));
		ck_assert_int_eq(st.st_mode & 07777, i == 0 ? 0600 : 0666);
		ck_assert_int_eq(umask(masks[i]), masks[i]);
		room_stop(&r);
	}
}
END_TEST

START_TEST(a_socket_that_a_dead_daemon_left_is_replaced)
{
	struct room r;

	room_prepare(&r);
	close(other_socket(r.path));
	room_open(&r);
	served(&r);
	room_stop(&r);
}
END_TEST

START_TEST(a_socket_that_answers_is_left_alone)
{
	struct room r;
	int fd;

	room_prepare(&r);
	fd = other_socket(r.path);
	refuses_to_open(&r, EADDRINUSE);
	close(client_open(&r)); /* it is still there, and listens */
	close(fd);
	room_open(&r);
	room_stop(&r);
}
END_TEST

START_TEST(what_is_no_socket_is_never_removed)
{
	struct room r;
	struct stat st;

	room_prepare(&r);
	close(open(r.path, O_CREAT | O_WRONLY, 0600));
	refuses_to_open(&r, EEXIST);
	ck_assert_int_eq(lstat(r.path, &st), 0);
	ck_assert(S_ISREG(st.st_mode));
	unlink(r.path);
	ck_assert_int_eq(symlink("/nowhere", r.path), 0);
	refuses_to_open(&r, EEXIST);
	ck_assert_int_eq(lstat(r.path, &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	unlink(r.path);
	room_open(&r);
	room_stop(&r);
}
END_TEST

START_TEST(a_path_that_is_too_long_or_leads_nowhere_is_refused_with_a_reason)
{
	struct room r;
	char path[200];

	room_prepare(&r);
	memset(path, 'x', sizeof(path));
	memcpy(path, "/tmp/", 5);
	path[5 + 103] = '\0'; /* 108 bytes: one too many */
	r.options.path = path;
	refuses_to_open(&r, ENAMETOOLONG);
	r.options.path = "/tmp/jobd/is/not/here/sock";
	refuses_to_open(&r, ENOENT);
	r.options.path = r.path;
	room_open(&r);
	room_stop(&r);
}
END_TEST

START_TEST(a_new_self_serves_who_knocked_while_nobody_was_there)
{
	struct room r;
	struct stat before, after;
	int fd;

	room_start(&r);
	served(&r);
	ck_assert_int_eq(lstat(r.path, &before), 0);
	r.options.listen_fd = server_listen_fd(r.server);
	server_close(r.server, true);
	fd = client_open(&r);
	room_open(&r);
	ck_assert_int_eq(server_listen_fd(r.server), r.options.listen_fd);
	ck_assert_int_eq(fcntl(server_listen_fd(r.server), F_GETFD), FD_CLOEXEC);
	client_say(&r, fd, ECHO("x"));
	client_hears(&r, fd, ECHOED("x"));
	ck_assert_int_eq(lstat(r.path, &after), 0);
	ck_assert(before.st_ino == after.st_ino);
	close(fd);
	room_stop(&r);
}
END_TEST

START_TEST(a_descriptor_that_is_no_use_is_not_taken_over)
{
	struct room r;

	room_prepare(&r);
	r.options.listen_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	room_open(&r);
	served(&r);
	/* Somebody removed the path: nobody could come in by the old one. */
	r.options.listen_fd = server_listen_fd(r.server);
	server_close(r.server, true);
	ck_assert_int_eq(unlink(r.path), 0);
	room_open(&r);
	served(&r);
	room_stop(&r);
}
END_TEST

START_TEST(a_socket_that_another_put_in_its_place_is_not_removed)
{
	struct room r;
	int fd;

	room_start(&r);
	ck_assert_int_eq(unlink(r.path), 0);
	fd = other_socket(r.path);
	server_close(r.server, false);
	ck_assert_int_eq(access(r.path, F_OK), 0);
	close(fd);
	room_open(&r);
	room_stop(&r);
}
END_TEST

UNIT_MAIN("socket", the_socket_has_its_mode_whatever_the_umask,
    a_socket_that_a_dead_daemon_left_is_replaced, a_socket_that_answers_is_left_alone,
    what_is_no_socket_is_never_removed,
    a_path_that_is_too_long_or_leads_nowhere_is_refused_with_a_reason,
    a_new_self_serves_who_knocked_while_nobody_was_there,
    a_descriptor_that_is_no_use_is_not_taken_over,
    a_socket_that_another_put_in_its_place_is_not_removed)

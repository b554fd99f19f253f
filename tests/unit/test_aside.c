/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "lib/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"
#include "tests/unit/unit.h"

#define PATIENCE_MS 10000
#define HANGS	    "hangs" /* a file of this name is removed when the gate is open */

/* What the helper and the test both see. */
static struct shared {
	atomic_bool shut;	      /* closes wait */
	atomic_bool files_shut;	      /* removing HANGS waits */
	atomic_bool signals_open;
	atomic_int closes, begun;
} *the;

static struct aside *a;
static char dir[] = "/tmp/test_aside.XXXXXX";
static int dirfd_ = -1, lines;

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* Each test is a process of its own. */
#define EVENTUALLY(what)                                              \
	do {                                                          \
		for (int i_ = 0; i_ < PATIENCE_MS && !(what); i_++) \
			nap();                                        \
		ck_assert(what);                                      \
	} while (0)

static void slow_close(int fd)
{
	sigset_t blocked;
	pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	if (!sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGINT))
		the->signals_open = true;
	the->begun++;
	while (the->shut)
		nap();
	close(fd);
	the->closes++;
}

static void slow_remove(int at, const char *name)
{
	while (the->files_shut && strcmp(name, HANGS) == 0)
		nap();
	unlinkat(at, name, 0);
}

static void count_lines(void *ctx, int priority, const char *text, size_t len)
{
	(void)ctx;
	(void)len;
	ck_assert_int_eq(priority, LOG_WARNING);
	ck_assert_ptr_nonnull(strstr(text, "descriptors-unclosed"));
	lines++;
}

static void begin(void)
{
	static const struct aside_deeds slow = { slow_close, slow_remove };
	the = mmap(NULL, sizeof(*the), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(the != MAP_FAILED);
	log_set_sink(count_lines, NULL);
	ck_assert_int_eq(aside_open(&slow, &a), 0);
}

static void make_dir(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dirfd_, 0);
}

static void make_file(const char *name)
{
	int fd = openat(dirfd_, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static bool is_there(const char *name)
{
	struct stat st;
	return fstatat(dirfd_, name, &st, 0) == 0;
}

/* The helper has gone, with everything it had to do. */
static void end(void)
{
	aside_free(a);
	EVENTUALLY(waitpid(-1, NULL, WNOHANG) != 0);
	if (dirfd_ >= 0)
		ck_assert_int_eq(rmdir(dir), 0);
}

static void pair(int type, int s[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, s), 0);
}

/* Sends the writing end of a new pipe, n times over, through s; its reading end. */
static int pass(int s, const char *text, size_t n)
{
	int p[2];
	union {
		char bytes[CMSG_SPACE(253 * sizeof(int))];
		struct cmsghdr head;
	} control = { .bytes = { 0 } };
	struct iovec iov = { (void *)(uintptr_t)text, strlen(text) };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	ck_assert_int_eq(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	control.head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
		.cmsg_len = CMSG_LEN(n * sizeof(int)) };
	for (size_t i = 0; i < n; i++)
		memcpy(CMSG_DATA(&control.head) + i * sizeof(int), &p[1], sizeof(int));
	ck_assert_int_eq(sendmsg(s, &m, 0), (ssize_t)strlen(text));
	close(p[1]);
	return p[0];
}

static bool is_closed(int reader)
{
	char c;
	return read(reader, &c, 1) == 0;
}

/* Passes a descriptor as this owner, and has it received. */
static int pass_as(uid_t owner, size_t n)
{
	int s[2];
	char text[8];
	pair(SOCK_DGRAM, s);
	int reader = pass(s[0], "x", n);
	ck_assert_int_eq(aside_receive(a, owner, s[1], text, sizeof(text), NULL), 1);
	close(s[0]);
	close(s[1]);
	return reader;
}

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
	int n = 0;
	begin();
	the->shut = true;
	while (aside_takes(a, 1)) {
		pass_as(1, 100);
		ck_assert_int_lt(++n, 20);
	}
	ck_assert_int_ge(n, 2);
	ck_assert_int_eq(lines, 1);
	ck_assert(!aside_takes(a, 1));
	ck_assert_int_eq(lines, 1); /* once a minute */
	ck_assert(aside_takes(a, 2));
	the->shut = false;
	EVENTUALLY(aside_takes(a, 1));
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
	while (aside_takes(a, 1))
		pass_as(1, 250);
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

START_TEST(files_are_removed_in_the_end_whatever_hangs_and_the_helper_leaves)
{
	begin();
	make_dir();
	make_file(HANGS);
	make_file("later");
	the->shut = the->files_shut = true;
	pass_as(1, 1);
	ck_assert(aside_remove(a, dirfd_, HANGS));
	ck_assert(aside_remove(a, dirfd_, "later"));
	EVENTUALLY(the->begun == 1);
	ck_assert(is_there("later"));
	aside_free(a);
	a = NULL;
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), 0);
	the->files_shut = false;
	end();
}
END_TEST

static pid_t helper(void)
{
	pid_t pid = 0;
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	FILE *f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%d", &pid), 1);
	fclose(f);
	return pid;
}

static void kill_helper(pid_t pid)
{
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(with_a_helper_that_was_killed_goes_what_was_too_much)
{
	char name[16];
	begin();
	make_dir();
	the->shut = true;
	while (aside_takes(a, 1))
		pass_as(1, 250);
	kill_helper(helper());
	ck_assert(aside_takes(a, 1));
	kill(helper(), SIGSTOP); /* receives no more */
	int n = 0;
	for (bool taken = true; taken; n++) {
		snprintf(name, sizeof(name), "%d", n);
		make_file(name);
		taken = aside_remove(a, dirfd_, name);
		ck_assert_int_lt(n, 1000);
	}
	kill_helper(helper());
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%d", i);
		EVENTUALLY(aside_remove(a, dirfd_, name));
	}
	EVENTUALLY(!is_there(name));
	ck_assert(aside_takes(a, 2));
	end();
}
END_TEST

START_TEST(a_helper_that_was_killed_is_replaced)
{
	begin();
	make_dir();
	make_file("one");
	pid_t pid = helper();
	kill(pid, SIGTERM); /* is not heard */
	int reader = pass_as(1, 1);
	EVENTUALLY(is_closed(reader));
	kill_helper(pid);
	reader = pass_as(1, 1);
	EVENTUALLY(is_closed(reader));
	ck_assert(aside_remove(a, dirfd_, "one"));
	EVENTUALLY(!is_there("one"));
	ck_assert_int_eq(lines, 0);
	end();
}
END_TEST

START_TEST(the_helper_holds_nothing_of_its_parent)
{
	int p[2];
	ck_assert_int_eq(pipe2(p, O_NONBLOCK), 0);
	begin();
	close(p[1]);
	EVENTUALLY(is_closed(p[0]));
	end();
}
END_TEST

START_TEST(without_a_helper_all_is_done_at_once)
{
	int s[2];
	make_dir();
	make_file("one");
	ck_assert(aside_takes(a, 1));
	ck_assert(is_closed(pass_as(1, 7)));
	ck_assert(aside_remove(a, dirfd_, "one"));
	ck_assert(!is_there("one"));
	pair(SOCK_DGRAM, s);
	int reader = pass(s[0], "a", 1);
	aside_discard(a, 1, s[1]);
	ck_assert(is_closed(reader));
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

UNIT_MAIN("aside", what_was_passed_is_closed_whatever_its_number,
    a_close_that_hangs_keeps_neither_the_caller_nor_others_nor_files,
    who_has_too_many_waiting_is_not_received_from_and_others_are,
    with_a_socket_goes_what_was_not_received,
    a_socket_of_one_who_has_too_many_waiting_is_closed_aside,
    files_are_removed_in_the_end_whatever_hangs_and_the_helper_leaves,
    with_a_helper_that_was_killed_goes_what_was_too_much, a_helper_that_was_killed_is_replaced,
    the_helper_holds_nothing_of_its_parent,
    without_a_helper_all_is_done_at_once)

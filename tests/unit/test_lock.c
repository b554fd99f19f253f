/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "lib/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"

#include "unit.h"

static char path[] = "/tmp/jobd-lock.XXXXXX";

static int open_lock(void)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void make_file(void)
{
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

START_TEST(one_has_the_lock_and_the_next_is_told)
{
	make_file();
	int first = open_lock(), second = open_lock();
	ck_assert_int_eq(lock_take(first), 0);
	ck_assert_int_eq(lock_take(first), 0);
	ck_assert_int_eq(lock_take(second), -EWOULDBLOCK);
	close(first);
	ck_assert_int_eq(lock_take(second), 0);
	close(second);
	unlink(path);
	ck_assert_int_eq(lock_take(-1), -EBADF);
}
END_TEST

/* As between fork and exec: the lock is the child's, too. */
START_TEST(what_a_dead_process_left_to_its_child_is_waited_for)
{
	make_file();
	pid_t pid = fork();
	if (pid == 0) {
		if (lock_take(open_lock()) != 0)
			_exit(1);
		if (fork() == 0) {
			usleep(300000);
			_exit(0);
		}
		kill(getpid(), SIGKILL);
	}
	int status, fd = open_lock();
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	uint64_t before = clock_mono_us();
	ck_assert_int_eq(lock_take(fd), 0);
	ck_assert_uint_gt(clock_mono_us() - before, 1000);
	close(fd);
	unlink(path);
}
END_TEST

UNIT_MAIN("lock", one_has_the_lock_and_the_next_is_told,
    what_a_dead_process_left_to_its_child_is_waited_for)

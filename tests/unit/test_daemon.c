/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "jobd/sys/daemon.h"

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobd/sys/limits.h"
#include "jobd/sys/notify.h"
#include "lib/boot.h"
#include "lib/disk.h"
#include "unit.h"

/* Starts what calls daemon_begin and then act. Returns its exit status, with stderr in out. */
static int start(void (*act)(int ready_fd), char *out, size_t size)
{
	int p[2];
	ck_assert_int_eq(pipe(p), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(p[0]);
		dup2(p[1], STDERR_FILENO);
		close(p[1]);
		dup2(STDERR_FILENO, 9);
		act(daemon_begin());
		_exit(0);
	}
	close(p[1]);
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	/* The daemon gave its end back at the latest when it ended. */
	size_t len = 0;
	for (ssize_t n; len < size - 1 && (n = read(p[0], out + len, size - 1 - len)) > 0;)
		len += (size_t)n;
	out[len] = '\0';
	close(p[0]);
	return WEXITSTATUS(status);
}

static void become_ready(int fd)
{
	char cwd[16];
	struct stat err, null;
	bool apart = getsid(0) != getpid() && getpgrp() != getpid() && getcwd(cwd, sizeof(cwd)) &&
	    strcmp(cwd, "/") == 0 && fcntl(9, F_GETFD) < 0;
	dprintf(STDERR_FILENO, "%s", apart ? "apart;" : "not apart;");
	/* While it holds standard error the command has not returned, nor closed it. */
	daemon_ready(fd);
	if (fstat(STDERR_FILENO, &err) == 0 && stat("/dev/null", &null) == 0 &&
	    err.st_rdev == null.st_rdev)
		_exit(0);
	abort();
}

static void give_up(int fd)
{
	daemon_failed(fd, "the store is full of mice");
	_exit(0);
}

static void die(int fd)
{
	(void)fd;
	_exit(0);
}

START_TEST(the_command_returns_0_when_the_daemon_is_ready)
{
	char err[256];
	ck_assert_int_eq(start(become_ready, err, sizeof(err)), 0);
	ck_assert_str_eq(err, "apart;");
}
END_TEST

START_TEST(the_command_says_why_and_returns_1_when_the_start_failed)
{
	char err[256];
	ck_assert_int_eq(start(give_up, err, sizeof(err)), 1);
	ck_assert_str_eq(err, "jobd: the store is full of mice\n");
}
END_TEST

START_TEST(a_daemon_that_dies_without_a_word_is_noticed)
{
	char err[256];
	ck_assert_int_eq(start(die, err, sizeof(err)), 1);
	ck_assert_ptr_nonnull(strstr(err, "died before it was ready"));
}
END_TEST

/* A manager's socket, by a path or an abstract name. */
static int manager(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t len = strlen(name);
	memcpy(a.sun_path, name, len);
	if (name[0] == '@')
		a.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	notify_take();
	ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
	return fd;
}

static void heard(int fd, const char *expected)
{
	char got[512];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ck_assert_int_eq(poll(&p, 1, (int)(20000 * unit_slowness())), 1);
	ssize_t n = recv(fd, got, sizeof(got) - 1, 0);
	ck_assert_int_ge(n, 0);
	got[n] = '\0';
	ck_assert_str_eq(got, expected);
}

static void hears_everything(const char *name)
{
	int fd = manager(name);
	char ready[128];
	snprintf(ready, sizeof(ready), "READY=1\nMAINPID=%ld", (long)getpid());
	notify_ready();
	heard(fd, ready);
	notify_stopping(0);
	heard(fd, "STOPPING=1");
	notify_stopping(9000);
	heard(fd, "STOPPING=1\nEXTEND_TIMEOUT_USEC=14000000");
	notify_reloading();
	char got[128];
	ssize_t n = recv(fd, got, sizeof(got) - 1, 0);
	got[n > 0 ? n : 0] = '\0';
	unsigned long long us = 0;
	ck_assert_int_eq(sscanf(got, "RELOADING=1\nMONOTONIC_USEC=%llu", &us), 1);
	ck_assert(us > 0);
	notify_environment();
	ck_assert_str_eq(getenv("NOTIFY_SOCKET"), name);
	close(fd);
	notify_ready(); /* nobody there: no harm */
}

START_TEST(a_service_manager_hears_at_a_path_and_at_an_abstract_name)
{
	char name[64] = "/tmp/jobd-notify.XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(name));
	char dir[64];
	strcpy(dir, name);
	strcat(name, "/s");
	hears_everything(name);
	unlink(name);
	rmdir(dir);
	snprintf(name, sizeof(name), "@jobd-test-%ld", (long)getpid());
	hears_everything(name);
}
END_TEST

START_TEST(without_a_manager_nothing_is_said)
{
	unsetenv("NOTIFY_SOCKET");
	notify_take();
	notify_ready();
	notify_environment();
	ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
}
END_TEST

START_TEST(the_boot_and_the_disk_are_known)
{
	char a[BOOT_ID_SIZE], b[BOOT_ID_SIZE];
	ck_assert_int_eq(boot_id(a), 0);
	ck_assert_int_eq(boot_id(b), 0);
	ck_assert_uint_eq(strlen(a), 36);
	ck_assert_int_eq(a[8], '-');
	ck_assert_str_eq(a, b);
	ck_assert_uint_gt(disk_free_bytes("/tmp"), 0);
	ck_assert_uint_lt(disk_free_bytes("/tmp"), UINT64_MAX);
	ck_assert_uint_eq(disk_free_bytes("/nonexistent"), UINT64_MAX);
	ck_assert_uint_eq(disk_free_bytes("/proc"), 0);
	ck_assert_uint_eq(disk_free_bytes_at(-1), UINT64_MAX);
	int fd = open("/tmp", O_RDONLY);
	ck_assert_uint_gt(disk_free_bytes_at(fd), 0);
	close(fd);
}
END_TEST

START_TEST(the_descriptor_limit_is_raised_and_what_was_is_told)
{
	struct rlimit r = { 100, 200 };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &r), 0);
	uint64_t soft, hard;
	ck_assert_int_eq(limits_raise_nofile(&soft, &hard), 0);
	ck_assert_uint_eq(soft, 100);
	ck_assert_uint_eq(hard, 200);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &r), 0);
	ck_assert_uint_ge(r.rlim_cur, 200);
}
END_TEST

UNIT_MAIN("daemon", the_command_returns_0_when_the_daemon_is_ready,
    the_command_says_why_and_returns_1_when_the_start_failed,
    a_daemon_that_dies_without_a_word_is_noticed,
    a_service_manager_hears_at_a_path_and_at_an_abstract_name,
    without_a_manager_nothing_is_said, the_boot_and_the_disk_are_known,
    the_descriptor_limit_is_raised_and_what_was_is_told)

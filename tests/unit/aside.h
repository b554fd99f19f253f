/* SPDX-License-Identifier: ISC */
/* A helper whose closes, and removals, wait until a test lets them; and somebody who passes descriptors. */
#ifndef TESTS_UNIT_ASIDE_H
#define TESTS_UNIT_ASIDE_H

#include "lib/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"
#include "tests/unit/unit.h"

#define PATIENCE_MS (int)(10000 * unit_slowness())
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

static inline void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* Each test is a process of its own. */
#define EVENTUALLY(what)                                              \
	do {                                                          \
		bool met_ = false; /* what is not asked again once it was true */ \
		for (int i_ = 0; i_ < PATIENCE_MS && !(met_ = (what)); i_++) \
			nap();                                        \
		ck_assert_msg(met_, "%s", #what);                     \
	} while (0)

static inline void slow_close(int fd)
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

static inline void slow_remove(int at, const char *name)
{
	while (the->files_shut && strcmp(name, HANGS) == 0)
		nap();
	unlinkat(at, name, 0);
}

static inline void count_lines(void *ctx, int priority, const char *text, size_t len)
{
	(void)ctx;
	(void)len;
	ck_assert_int_eq(priority, LOG_WARNING);
	ck_assert_ptr_nonnull(strstr(text, "descriptors-unclosed"));
	lines++;
}

static inline void begin(void)
{
	static const struct aside_deeds slow = { slow_close, slow_remove };
	the = mmap(NULL, sizeof(*the), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(the != MAP_FAILED);
	log_set_sink(count_lines, NULL);
	ck_assert_int_eq(aside_open(&slow, &a), 0);
}

static inline void make_dir(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dirfd_, 0);
}

static inline void make_file(const char *name)
{
	int fd = openat(dirfd_, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static inline bool is_there(const char *name)
{
	struct stat st;
	return fstatat(dirfd_, name, &st, 0) == 0;
}

/* The helper has gone, with everything it had to do. */
static inline void end(void)
{
	aside_free(a);
	EVENTUALLY(waitpid(-1, NULL, WNOHANG) != 0);
	if (dirfd_ >= 0)
		ck_assert_int_eq(rmdir(dir), 0);
}

static inline void pair(int type, int s[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, s), 0);
}

static int pass_flags;

/* Sends the writing end of a new pipe, n times over, through s; its reading end. */
static inline int pass(int s, const char *text, size_t n)
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
	ck_assert_int_eq(sendmsg(s, &m, pass_flags), (ssize_t)strlen(text));
	close(p[1]);
	return p[0];
}

static inline bool is_closed(int reader)
{
	char c;
	return read(reader, &c, 1) == 0;
}

/* Passes a descriptor as this owner; the reading end, or -1 where it was not received. */
static inline int try_pass_as(uid_t owner, size_t n)
{
	int s[2];
	char text[8];
	pair(SOCK_DGRAM, s);
	int reader = pass(s[0], "x", n);
	ssize_t got = aside_receive(a, owner, s[1], text, sizeof(text), NULL);
	if (got < 0) {
		ck_assert_int_eq(errno, ETOOMANYREFS);
		close(reader);
		reader = -1;
	}
	close(s[0]);
	close(s[1]);
	return reader;
}

static inline int pass_as(uid_t owner, size_t n)
{
	int reader = try_pass_as(owner, n);
	ck_assert_int_ge(reader, 0);
	return reader;
}

static inline bool takes(uid_t owner)
{
	int reader = try_pass_as(owner, 1);
	if (reader >= 0)
		close(reader);
	return reader >= 0;
}

/* Until nothing more is received from this owner. How often that took. */
static inline int fill(uid_t owner)
{
	int n = 0;
	for (int reader; (reader = try_pass_as(owner, 100)) >= 0; n++) {
		close(reader);
		ck_assert_int_lt(n, 20);
	}
	return n;
}

#endif

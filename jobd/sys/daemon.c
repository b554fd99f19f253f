/* SPDX-License-Identifier: ISC */
/*
 * Becoming a daemon. The process that was started holds one end of a pipe, the
 * daemon the other: one byte 'R' means ready; text is why not; an end of
 * file without either means that the daemon died. So the command that starts
 * jobd returns neither too early nor never.
 */
#include "config.h"

#include "jobd/sys/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/write.h"

#define READY 'R'
#define WHY   'W'

/* Reads until the end; what does not fit is read and dropped. */
static size_t read_all(int fd, char *out, size_t size)
{
	size_t len = 0;
	for (;;) {
		char spare[256];
		bool full = len == size;
		ssize_t n = read(fd, full ? spare : out + len, full ? sizeof(spare) : size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return len;
		if (full)
			continue;
		len += (size_t)n;
		/* Ready is the last word: children of the daemon may hold the pipe's end a moment longer. */
		if (out[0] == READY)
			return len;
	}
}

/*
 * The first process: waits for the word, and leaves. It is a bystander of the
 * program it was, so it runs no exit handlers and flushes no buffers but what it says.
 */
static _Noreturn void wait_for_word(int fd)
{
	char text[4096];
	size_t len = read_all(fd, text, sizeof(text) - 1);
	if (len > 0 && text[0] == READY)
		_exit(0);
	text[len] = '\0';
	if (len > 1)
		dprintf(STDERR_FILENO, "jobd: %s\n", text + 1);
	else
		dprintf(STDERR_FILENO,
		    "jobd: the daemon died before it was ready; its last words are in syslog, "
		    "or try: jobd -f\n");
	_exit(1);
}

/* The second process: a session of its own, which the third has and does not lead. */
static int detach(void)
{
	if (setsid() < 0)
		return -errno;
	/* The session's leader may be hung up on when it goes; its child need not know. */
	signal(SIGHUP, SIG_IGN);
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0)
		_exit(0);
	signal(SIGHUP, SIG_DFL);
	return chdir("/") < 0 ? -errno : 0;
}

int daemon_begin(void)
{
	int p[2];
	/* What was inherited is none of a daemon's: a pipe held open keeps its reader waiting for ever. */
	close_range(STDERR_FILENO + 1, ~0u, 0);
	if (pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	fflush(NULL); /* else both would write what is buffered */
	pid_t pid = fork();
	if (pid < 0) {
		int rc = -errno;
		close(p[0]);
		close(p[1]);
		return rc;
	}
	if (pid > 0) {
		close(p[1]);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		wait_for_word(p[0]);
	}
	close(p[0]);
	int rc = detach();
	if (rc < 0) {
		/* Here is a child that must not return as if it were its parent. */
		daemon_failed(p[1], strerror(-rc));
		_exit(1);
	}
	return p[1];
}

void daemon_ready(int fd)
{
	if (fd < 0)
		return;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; null >= 0 && i <= STDERR_FILENO; i++)
		dup2(null, i);
	if (null > STDERR_FILENO)
		close(null);
	(void)write_all(fd, (char[]){ READY }, 1); /* where nobody waits any more, nothing is lost */
	close(fd);
}

void daemon_failed(int fd, const char *why)
{
	if (fd < 0) {
		dprintf(STDERR_FILENO, "jobd: %s\n", why);
		return;
	}
	(void)write_all(fd, (char[]){ WHY }, 1);
	(void)write_all(fd, why, strlen(why));
	close(fd);
}

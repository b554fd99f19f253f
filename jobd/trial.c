/* SPDX-License-Identifier: ISC */
/*
 * See trial.h. The child's status is not to be had, since the keepers' room reaps every child:
 * what counts is what it says, and the end of the pipe on which it says it. The verdict is enough; nobody
 * waits for what comes after it.
 */
#include "config.h"

#include "jobd/trial.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/strv.h"

#define LIMIT_S	 20
#define TEXT_MAX (64u << 10) /* what is kept of what it says */
#define WHY_MOST 20	     /* lines of it that are told */

struct trial {
	trial_done *done;
	void *ctx;
	char *program;
	int fd, pidfd;
	struct event *said, *limit;
	struct buf text;
};

static void tell(struct trial *t, const char *version, char *const *why)
{
	event_del(t->said);
	event_del(t->limit);
	t->done(t->ctx, version, why);
}

static void refuse(struct trial *t, const char *first)
{
	char **why = NULL, *line, *rest = NULL, head[256];
	char *text = (char *)t->text.data;

	snprintf(head, sizeof head, "%s -t: %s", t->program, first);
	int rc = strv_add(&why, head);
	for (line = text ? strtok_r(text, "\n", &rest) : NULL; rc == 0 && line && strv_len(why) < WHY_MOST;
	    line = strtok_r(NULL, "\n", &rest))
		rc = strv_add(&why, line);
	tell(t, NULL, why);
	strv_free(why);
}

/* The line by which it says that it is fit; version has room for 64 bytes. */
static bool has_verdict(const char *text, char *version, int *handover)
{
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		int end = 0;
		if (sscanf(line, "jobd %63s is fit to take over: hand-over %d%n", version, handover, &end) == 2
		    && line[end] == '\n')
			return true;
	}
	return false;
}

/* Whether there is nothing more to wait for. */
static bool judge(struct trial *t, bool ended)
{
	char version[64];
	int handover = 0;

	const char *text = buf_text(&t->text);
	if (t->text.failed) {
		buf_clear(&t->text);
		refuse(t, "no memory");
		return true;
	}
	if (has_verdict(text, version, &handover)) {
		if (handover >= HANDOVER_VERSION)
			tell(t, version, NULL);
		else
			refuse(t, "it is too old to take over from this one");
		return true;
	}
	if (ended)
		refuse(t, t->text.len ? "it does not say that it is fit to take over, but:" :
					"it ended without a word");
	return ended;
}

static void on_said(evutil_socket_t fd, short what, void *arg)
{
	struct trial *t = arg;
	char piece[4096];
	ssize_t n = read(fd, piece, sizeof piece);

	(void)what;
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0 && t->text.len < TEXT_MAX)
		buf_put(&t->text, piece, (size_t)n);
	judge(t, n <= 0);
}

/* It takes too long, or could not even be run: then why is all there is. */
static void on_limit(evutil_socket_t fd, short what, void *arg)
{
	struct trial *t = arg;

	(void)fd;
	(void)what;
	if (t->fd >= 0) {
		refuse(t, "it did not end in time");
		return;
	}
	buf_text(&t->text);
	char *why[] = { (char *)t->text.data, NULL };
	tell(t, NULL, t->text.failed ? NULL : why);
}

/* 0 or -errno. Both its outputs are the pipe. */
static int spawn(char *const argv[], int out, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t all, none;

	if (posix_spawnattr_init(&attr))
		return -ENOMEM;
	if (posix_spawn_file_actions_init(&actions)) {
		posix_spawnattr_destroy(&attr);
		return -ENOMEM;
	}
	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	int rc = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&actions, out, 1);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&actions, out, 2);
	if (rc == 0)
		rc = posix_spawn(pid, argv[0], &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return -rc;
}

static int run(struct trial *t, char *const argv[])
{
	int p[2];
	pid_t pid;

	if (pipe2(p, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	fcntl(p[1], F_SETFL, 0); /* the child's end is one that programs know how to use */
	int rc = spawn(argv, p[1], &pid);
	close(p[1]);
	if (rc < 0) {
		close(p[0]);
		return rc;
	}
	/* Nobody reaps it before the loop goes on: the number is its own still. */
	t->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	t->fd = p[0];
	return 0;
}

struct trial *trial_begin(struct event_base *base, char *const argv[], trial_done *done, void *ctx)
{
	struct timeval limit = { LIMIT_S, 0 };
	struct trial *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	*t = (struct trial){ .done = done, .ctx = ctx, .fd = -1, .pidfd = -1 };
	t->program = strdup(argv[0]);
	int rc = t->program ? run(t, argv) : -ENOMEM;
	if (rc < 0) {
		buf_printf(&t->text, "%s: %s", argv[0], strerror(-rc));
		limit = (struct timeval){ 0, 0 };
	}
	t->limit = event_new(base, -1, 0, on_limit, t);
	t->said = event_new(base, t->fd, EV_READ | EV_PERSIST, on_said, t);
	if (t->limit && t->said && event_add(t->limit, &limit) == 0
	    && (t->fd < 0 || event_add(t->said, NULL) == 0))
		return t;
	trial_free(t);
	return NULL;
}

void trial_free(struct trial *t)
{
	if (!t)
		return;
	if (t->pidfd >= 0) {
		syscall(SYS_pidfd_send_signal, t->pidfd, SIGKILL, NULL, 0);
		close(t->pidfd);
	}
	if (t->said)
		event_free(t->said);
	if (t->limit)
		event_free(t->limit);
	if (t->fd >= 0)
		close(t->fd);
	buf_fini(&t->text);
	free(t->program);
	free(t);
}

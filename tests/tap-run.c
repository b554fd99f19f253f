/* SPDX-License-Identifier: ISC */
/*
 * usage: tap-run COMMAND [ARGUMENT...]
 *
 * Runs a test for the TAP driver, and leaves nothing of it behind. The driver reads the output through
 * a pipe until the last writer is gone, so one process that outlives the test would hang the whole run:
 * here it holds a file instead, and none of the pipes that make has for its jobs. What a test has
 * started is below this process, its subreaper, whatever session it is in: a test that hangs is
 * ended with all of it after JOBD_TEST_TIMEOUT seconds (300), and what is still there JOBD_TEST_LEAVE
 * seconds (20) after a test's own end is named and ended. Both fail the test.
 *
 * It leaves by _exit: under coverage, exit would wait for whoever writes counters.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/procfs.h"
#include "lib/status.h"
#include "lib/tree.h"

#define SECOND	    UINT64_C(1000000)
#define TO_CLEAN_UP 5  /* seconds that a test that is ended has for its own cleaning up */
#define TO_KILL	    30 /* seconds until what can't be killed is left alone */
#define BROKEN	    99 /* the driver's word for: this is no test's fault */

static char said[4096]; /* what is told after the test's own output */

static void __attribute__((format(printf, 1, 2))) say(const char *fmt, ...)
{
	size_t len = strlen(said);
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(said + len, sizeof(said) - len, fmt, ap);
	va_end(ap);
}

static void __attribute__((noreturn)) give_up(const char *what)
{
	fprintf(stderr, "tap-run: %s: %s\n", what, strerror(errno));
	_exit(BROKEN);
}

/* A file without a name, for what the test says. */
static int open_output(void)
{
	char path[512];
	const char *dir = getenv("TMPDIR");
	snprintf(path, sizeof(path), "%s/jobd-tap.XXXXXX", dir ? dir : "/tmp");
	int fd = mkostemp(path, O_CLOEXEC | O_APPEND);
	if (fd < 0 || unlink(path) < 0)
		give_up(path);
	return fd;
}

/* Seconds, as the environment has them. */
static uint64_t seconds(const char *name, unsigned unless_given)
{
	const char *given = getenv(name);
	return given ? strtoul(given, NULL, 10) : unless_given;
}

static void print_output(int fd)
{
	char part[65536];
	ssize_t n;
	if (lseek(fd, 0, SEEK_SET) < 0)
		give_up("lseek");
	while ((n = read(fd, part, sizeof(part))) > 0)
		fwrite(part, 1, (size_t)n, stdout);
	fputs(said, stdout);
	fflush(stdout);
}

/* In a process group of its own, with nothing of ours but standard error and the file. */
static pid_t start(char **argv, int out, const sigset_t *mask)
{
	pid_t pid = fork();
	if (pid < 0)
		give_up("fork");
	if (pid > 0)
		return pid;
	int null = open("/dev/null", O_RDONLY);
	if (setpgid(0, 0) < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || close_range(3, ~0u, 0) < 0)
		give_up("the test's process");
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	give_up(argv[0]);
}

/* Reaps all that has ended. Whether the test has; its status then. */
static bool reap(pid_t test, int *status)
{
	bool ended = false;
	pid_t pid;
	int s;
	while ((pid = waitpid(-1, &s, WNOHANG)) > 0)
		if (pid == test) {
			*status = s;
			ended = true;
		}
	return ended;
}

/* Until the test has ended (true), or that time has come, or somebody ends us. */
static bool wait_for(pid_t test, int *status, const sigset_t *signals, uint64_t until, bool *told)
{
	for (;;) {
		if (reap(test, status))
			return true;
		uint64_t now = clock_mono_us();
		if (now >= until)
			return false;
		struct timespec left = { .tv_sec = (time_t)((until - now) / SECOND),
			.tv_nsec = (long)((until - now) % SECOND * 1000) };
		int sig = sigtimedwait(signals, NULL, &left);
		if (sig > 0 && sig != SIGCHLD) {
			*told = true;
			return false;
		}
	}
}

/* The command line of a process, as ps(1) shows it. */
static void tell(pid_t pid)
{
	char path[64], line[256] = "";
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, line, sizeof(line) - 1);
	if (fd >= 0)
		close(fd);
	for (ssize_t i = 0; i + 1 < n; i++)
		if (line[i] == '\0' || line[i] == '\n')
			line[i] = ' ';
	say("# %d %s\n", (int)pid, line);
}

/* What the test has told to end may still be at it. */
static void let_leave(struct tree *t)
{
	int status;
	uint64_t until = clock_mono_us() + seconds("JOBD_TEST_LEAVE", 20) * SECOND;
	while (tree_count(t) > 0 && clock_mono_us() < until) {
		usleep(2000);
		reap(0, &status);
	}
}

/* What is still there then is named, and killed. False when there was something. */
static bool end_the_rest(struct tree *t)
{
	struct pidlist left = PIDLIST_INIT;
	pid_t culprit;
	int status;
	if (tree_count(t) == 0)
		return true;
	procfs_own_children(&left);
	for (size_t i = 0; i < left.n; i++)
		tell(left.v[i]);
	free(left.v);
	uint64_t until = clock_mono_us() + TO_KILL * SECOND;
	while (tree_kill_step(t, &culprit) != TREE_DONE && clock_mono_us() < until) {
		usleep(2000);
		reap(0, &status);
	}
	return false;
}

int main(int argc, char **argv)
{
	uint64_t limit = seconds("JOBD_TEST_TIMEOUT", 300);
	bool told = false;
	int status = 0;
	sigset_t signals, before;
	struct tree *t = tree_new(getpid(), NULL);
	if (argc < 2 || !t || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) {
		fputs("usage: tap-run COMMAND [ARGUMENT...]\n", stderr);
		return BROKEN;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, &before);
	int out = open_output();
	pid_t test = start(argv + 1, out, &before);
	bool ended = wait_for(test, &status, &signals, clock_mono_us() + limit * SECOND, &told);
	if (!ended) {
		kill(-test, SIGTERM);
		wait_for(test, &status, &signals, clock_mono_us() + TO_CLEAN_UP * SECOND, &told);
	} else {
		let_leave(t);
	}
	bool clean = end_the_rest(t);
	if (told)
		say("Bail out! ended from outside\n");
	else if (!ended)
		say("Bail out! still running after %" PRIu64 " seconds\n", limit);
	else if (!clean)
		say("Bail out! what it started outlives it\n");
	print_output(out);
	_exit(told ? BROKEN : !ended ? 124 : status_shell_code(status));
}

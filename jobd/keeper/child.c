/* SPDX-License-Identifier: ISC */
/*
 * The command's process between fork and exec. It sets itself up in the order
 * that privilege and safety ask for, says so through the gate's socket, and
 * blocks there until its keeper's jobd has it on record. End of file instead of
 * a word means: leave, nothing was run.
 *
 * From the fork on it may not be looked into or traced by the job's user: it is
 * not dumpable, which it inherits from the keeper, which a change of user keeps
 * so, and which ends with exec.
 *
 * What fails is reported by name and errno, before the gate or after it (chdir,
 * exec), and the process leaves. The socket closes at exec: that is how success is told.
 */
#include "config.h"

#include "jobd/keeper/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHILD_GATE 3 /* where the child keeps its end */

/*
 * What was executed here is lost with exec. A complaint is not the job's output. Not between the gate
 * and exec, where a pause may come: each counter's file is locked while it is written, and a stopped
 * process keeps all others waiting.
 */
#ifdef JOBD_COVERAGE
void __gcov_dump(void);
void __gcov_reset(void);
static void save_coverage(void)
{
	int log = dup(STDERR_FILENO);
	dup2(STDIN_FILENO, STDERR_FILENO);
	__gcov_dump();
	__gcov_reset();
	dup2(log, STDERR_FILENO);
	close(log);
}
#else
static void save_coverage(void)
{
}
#endif

/* Never comes back. */
static void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *fmt, ...)
{
	struct child_report r = { .error = errno };
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(r.step, sizeof(r.step), fmt, ap);
	va_end(ap);
	save_coverage(); /* who is told may end us at once */
	send(CHILD_GATE, &r, sizeof(r), MSG_NOSIGNAL);
	_exit(127);
}

/*
 * Everything at its default and nothing blocked: what is ignored survives exec,
 * and so does what whoever started jobd had ignored. The system call, since the
 * library refuses to touch two of the real-time signals.
 */
static void reset_signals(void)
{
	static const unsigned long
	    none[16]; /* struct kernel_sigaction, SIG_DFL, on every machine */
	for (int sig = 1; sig < _NSIG; sig++)
		syscall(SYS_rt_sigaction, sig, none, NULL, _NSIG / 8);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, none, NULL, _NSIG / 8);
}

/* A keeper in a hurry comes before everything else, and jobd may before most: no command may. */
static void reset_scheduling(void)
{
	const struct sched_param usual = { .sched_priority = 0 };
	int now = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
	if ((now == SCHED_FIFO || now == SCHED_RR) && sched_setscheduler(0, SCHED_OTHER, &usual) < 0)
		fail("scheduling");
	if (getpriority(PRIO_PROCESS, 0) < 0 && setpriority(PRIO_PROCESS, 0, 0) < 0)
		fail("scheduling");
}

/* jobd had raised it for itself. A hard limit that has sunk since can't be helped. */
static void set_limits(const struct start *s)
{
	struct rlimit rl = s->nofile, now;
	if (!s->has_nofile || setrlimit(RLIMIT_NOFILE, &rl) == 0)
		return;
	if (errno != EPERM || getrlimit(RLIMIT_NOFILE, &now) < 0)
		fail("limit of open files");
	rl.rlim_max = now.rlim_max;
	if (rl.rlim_cur > rl.rlim_max)
		rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) < 0)
		fail("limit of open files");
}

/* The keeper's own is lowered; to raise it back needs the privilege that is about to go. */
static void reset_oom_score(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, "0", 1) < 0)
		fail("oom_score_adj");
	if (fd >= 0)
		close(fd);
}

/*
 * Whoever has a session keyring may use its keys, whatever the uid: the job gets an empty one, not
 * the one of whoever started jobd. It is made as root, since a user may have few.
 */
static void leave_keyring(void)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS &&
	    errno != EPERM)
		fail("session keyring");
}

/* Each result is checked and then read back: a half-dropped privilege is the worst of both. */
static void set_identity(const struct start *s, const struct identity *id)
{
	gid_t g[3];
	uid_t u[3];
	if (setgroups(id->ngroups, id->groups) < 0)
		fail("groups of %s", id->user);
	if (setresgid(id->gid, id->gid, id->gid) < 0)
		fail("setgid %u", (unsigned)id->gid);
	if (getresgid(&g[0], &g[1], &g[2]) < 0 || g[0] != id->gid || g[1] != id->gid ||
	    g[2] != id->gid) {
		errno = EPERM;
		fail("setgid %u", (unsigned)id->gid);
	}
	if (setresuid(s->uid, s->uid, s->uid) < 0)
		fail("setuid %u", (unsigned)s->uid);
	if (getresuid(&u[0], &u[1], &u[2]) < 0 || u[0] != s->uid || u[1] != s->uid ||
	    u[2] != s->uid || (s->uid != 0 && setuid(0) == 0)) {
		errno = EPERM;
		fail("setuid %u", (unsigned)s->uid);
	}
}

static void set_output(int log, int gate)
{
	/* 0 is /dev/null already. The log's number may be in the way of the gate's. */
	if (dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0 ||
	    (gate != CHILD_GATE && dup3(gate, CHILD_GATE, O_CLOEXEC) < 0))
		_exit(127); /* there is nowhere to say it: the keeper sees an end without a word */
	if (close_range(CHILD_GATE + 1, ~0u, 0) < 0)
		fail("close_range");
}

static void wait_at_gate(void)
{
	const struct child_report ready = { 0 };
	char word;
	save_coverage();
	if (send(CHILD_GATE, &ready, sizeof(ready), MSG_NOSIGNAL) < 0)
		_exit(0);
	ssize_t n;
	do {
		n = recv(CHILD_GATE, &word, 1, 0);
	} while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(0);
}

static void __attribute__((noreturn)) child_main(struct keeper *k, int log, int gate)
{
	const struct start *s = &k->start;
	const char *home = k->identity.home, *dir = s->cwd ? s->cwd : home ? home : "/";
	set_output(log, gate);
	if (setsid() < 0)
		fail("setsid");
	reset_signals();
	reset_scheduling();
	set_limits(s);
	if (k->shielded)
		reset_oom_score();
	if (s->set_identity) {
		leave_keyring();
		set_identity(s, &k->identity);
	}
	umask(s->mask);
	environ = s->env; /* the command is looked for along the job's PATH */
	wait_at_gate();
	/* Not before: the job that ends when this one begins may be the one that makes the directory.
	 * As the user, who may be unable to enter it. */
	if (chdir(dir) < 0)
		fail("chdir %s", dir);
	execvpe(s->argv[0], s->argv, s->env);
	fail("exec %s", s->argv[0]);
}

/*
 * A child that is born in its cgroup need not be moved there, for which the kernel stops every
 * fork and exit of the host for a moment. The system call, since the library has no function for it: what
 * fork(3) does besides is for processes with threads, and the keeper has none.
 */
static pid_t fork_into(int cgroup, bool *inside)
{
	struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD,
		.cgroup = (unsigned)cgroup };
	pid_t pid = cgroup < 0 ? -1 : (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	*inside = pid >= 0;
	return pid >= 0 ? pid : fork();
}

int child_fork(struct keeper *k, int log, int cgroup, bool *inside)
{
	int sv[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return -errno;
	pid_t pid = fork_into(cgroup, inside);
	if (pid < 0) {
		int error = errno;
		close(sv[0]);
		close(sv[1]);
		return -error;
	}
	if (pid == 0)
		child_main(k, log, sv[1]);
	close(sv[1]);
	k->pid = pid;
	k->gate = sv[0];
	return 0;
}

int child_report(struct keeper *k, struct child_report *r)
{
	if (k->gate < 0)
		return -1;
	ssize_t n = recv(k->gate, r, sizeof(*r), MSG_DONTWAIT);
	if (n == (ssize_t)sizeof(*r)) {
		r->step[sizeof(r->step) - 1] = '\0';
		return 1;
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

void child_close(struct keeper *k)
{
	if (k->gate >= 0)
		close(k->gate);
	k->gate = -1;
}

/* SPDX-License-Identifier: ISC */
/*
 * jobd-keeper: one per running job, a child of jobd. It starts the command,
 * stops, continues and ends it with all its descendants, waits for it, and
 * holds the exit status until that is on disk: jobd's, or its own exit file. It
 * outlives jobd; that is what it is for.
 *
 * Born with six descriptors (lib/kmsg.h) and told everything else in START.
 * Keeps jobd's user, is not dumpable, and waits in one poll: a child, a
 * signal, jobd, a timer. It never waits for jobd to read.
 *
 * What is fatal: a start by anybody but jobd. Everything else ends as a record
 * of how the job ended.
 */
#include "config.h"

#include "jobd/keeper/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/crash.h"
#include "lib/procfs.h"
#include "lib/sanitized.h"
#include "lib/status.h"

#define WAIT_MAX_MS (3600 * 1000) /* of one poll, which counts in an int */

/* ---- what ended ---- */

static bool is_unexecuted(pid_t pid)
{
	struct procfs_stat st;
	return procfs_look(pid, &st) == 0 && st.unexecuted;
}

/*
 * The child had the gate open and could not execute, or was killed before it
 * did: neither is the command's failure. Whoever wanted it to end is told how.
 */
static void note_unexecuted(struct keeper *k)
{
	struct child_report r;
	if (k->end.kind != KEEPER_END_EXITED)
		return;
	if (child_report(k, &r) > 0 && r.step[0]) {
		k->end.kind = KEEPER_END_SPAWN;
		free(k->end.step);
		k->end.step = strdup(r.step);
		k->end.error = r.error;
	} else if (WIFSIGNALED(k->end.status) && k->level != LEVEL_END && is_unexecuted(k->pid)) {
		k->end.kind = KEEPER_END_NEVER_RAN;
	}
}

/* Looks whether the command has ended, and notes how. True the first time it has. */
static bool command_died(struct keeper *k)
{
	struct rusage ru;
	if (k->dead || !k->pid || status_wait(k->pid, true, &k->end.status, &ru) <= 0)
		return false;
	k->dead = true;
	note_unexecuted(k);
	k->end.ended_at_us = clock_real_us();
	keeper_end_count(&k->end, &ru);
	crash_point("keeper-exited");
	return true;
}

static void reap(struct keeper *k, pid_t pid)
{
	struct rusage ru;
	if (status_wait(pid, false, NULL, &ru) > 0)
		keeper_end_count(&k->end, &ru);
}

/*
 * The first zombie there is may be the command's, which has to stay: then the
 * others are found by name.
 */
void keeper_reap_others(struct keeper *k)
{
	pid_t pid;
	while (!k->dead && (pid = status_wait(0, true, NULL, NULL)) > 0 && pid != k->pid)
		reap(k, pid);
	if (!k->dead)
		return;
	struct pidlist children = PIDLIST_INIT;
	int proc = procfs_open();
	if (proc >= 0 && procfs_children(proc, getpid(), getpid(), &children) == 0)
		for (size_t i = 0; i < children.n; i++)
			if (children.v[i] != k->pid)
				reap(k, children.v[i]);
	if (proc >= 0)
		close(proc);
	free(children.v);
}

/* ---- what happened ---- */

/*
 * The child says that it stands at the gate, or what failed. Later it is not
 * listened to before it has died: a failed exec is read then, and one that
 * succeeds need not wake anybody.
 */
static void on_gate(struct keeper *k)
{
	struct child_report r;
	int rc = child_report(k, &r);
	if (rc == 0)
		return;
	if (rc > 0 && !r.step[0]) {
		control(k, EVENT_SET_UP);
		return;
	}
	if (rc < 0) {
		child_close(k); /* without a word: its death tells how */
		return;
	}
	k->end.step = strdup(r.step);
	k->end.error = r.error;
	control(k, EVENT_UNFIT);
}

static void on_child(struct keeper *k)
{
	if (!command_died(k)) {
		keeper_reap_others(k);
		control(k, EVENT_CHILD);
		return;
	}
	if (k->phase == PHASE_SETUP)
		on_gate(k); /* its last words are there, if it had any */
	control(k, EVENT_DIED);
}

/* TERM comes first: when the host goes down, the command has it at the same moment. */
static void on_signals(struct keeper *k)
{
	struct signalfd_siginfo si[8];
	bool child = false, told = false;
	ssize_t n;
	while ((n = read(k->signals, si, sizeof(si))) > 0)
		for (size_t i = 0; i < (size_t)n / sizeof(si[0]); i++) {
			child |= si[i].ssi_signo == SIGCHLD;
			told |= si[i].ssi_signo == SIGTERM || si[i].ssi_signo == SIGINT;
		}
	if (told)
		control(k, EVENT_SHUTDOWN);
	if (child)
		on_child(k);
}

static void on_jobd(struct keeper *k)
{
	bool open = conn_read(&k->jobd);
	/* What it said before it went still counts: a gate that was opened is open. */
	if (talk_listen(k) && open)
		return;
	conn_close(&k->jobd);
	control(k, EVENT_ALONE);
}

/* ---- the loop ---- */

static int timeout_ms(const struct keeper *k)
{
	if (!k->due_us)
		return -1;
	uint64_t now = clock_mono_us();
	if (now >= k->due_us)
		return 0;
	uint64_t ms = (k->due_us - now + 999) / 1000;
	return ms < WAIT_MAX_MS ? (int)ms : WAIT_MAX_MS;
}

static void on_timer(struct keeper *k)
{
	if (!k->due_us || clock_mono_us() < k->due_us)
		return;
	k->due_us = 0;
	control(k, EVENT_TIMER);
}

/* Whoever connects before the gate is open waits: if it never opens there is nothing to adopt. */
static void turn(struct keeper *k)
{
	enum { SIGNALS, JOBD, GATE, LISTENER, PENDING };
	struct pollfd p[PENDING + PENDING_MAX] = {
		[SIGNALS] = { .fd = k->signals, .events = POLLIN },
		[JOBD] = { .fd = k->jobd.fd, .events = POLLIN },
		[GATE] = { .fd = k->phase == PHASE_SETUP ? k->gate : -1, .events = POLLIN },
		[LISTENER] = { .fd = k->phase >= PHASE_RUNNING ? k->listener : -1,
		    .events = POLLIN },
	};
	if (k->jobd.out.len)
		p[JOBD].events |= POLLOUT;
	for (int i = 0; i < PENDING_MAX; i++)
		p[PENDING + i] = (struct pollfd){ .fd = k->pending[i].fd, .events = POLLIN };
	if (poll(p, PENDING + PENDING_MAX, timeout_ms(k)) < 0)
		return;
	if (p[GATE].revents)
		on_gate(k);
	if (p[SIGNALS].revents)
		on_signals(k);
	if (p[JOBD].revents & ~POLLOUT)
		on_jobd(k);
	for (int i = 0; i < PENDING_MAX; i++)
		if (p[PENDING + i].revents) {
			conn_hear(k, &k->pending[i]);
			if (k->pending[i].fd < 0 && k->jobd.in.len)
				on_jobd(k);
		}
	if (p[LISTENER].revents)
		conn_accept(k);
	on_timer(k);
	conn_write(&k->jobd);
}

/* Blocks what is read from the descriptor, and lets nobody's hang-up end us. */
static int take_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/*
 * When memory runs out a job should go, not the one who knows of it. jobd may
 * have been shielded itself: either way the command must not be.
 */
static bool shield(void)
{
	if (geteuid() != 0)
		return false;
	int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	char now[8] = "";
	bool shielded = write(fd, "-900", 4) == 4;
	if (!shielded)
		shielded = pread(fd, now, sizeof(now) - 1, 0) > 0 && now[0] == '-';
	close(fd);
	return shielded;
}

/* A socket where jobd's is, by which everything else comes. */
static bool was_born_right(void)
{
	struct stat st;
	return fstat(KEEPER_FD_SOCKET, &st) == 0 && S_ISSOCK(st.st_mode) && crash_init();
}

void keeper_entitle(struct keeper *k, const char *title)
{
	size_t len = strlen(title);
	if (!k->title)
		return;
	memset(k->title, ' ', k->title_size);
	if (len <= k->title_size) /* half a number would be another job's */
		memcpy(k->title, title, len);
}

/* As it is before a job, and after one. What belongs to the process stays. */
static void reset(struct keeper *k)
{
	k->phase = PHASE_WAITING;
	k->gate = k->listener = -1;
	k->level = k->reached = LEVEL_RUN;
	k->failed_seq = NO_SEQ;
	k->seq = 0;
	k->pid = 0;
	k->pid_start = 0;
	k->dead = k->owed = false;
	k->culprit = k->recontinued = 0;
	k->due_us = k->deadline_us = k->recontinued_us = 0;
	k->tries = 0;
	k->start = (struct start){ 0 };
	k->end = (struct keeper_end){ 0 };
	k->tree = NULL;
	k->cgroup = NULL;
}

static bool prepare(struct keeper *k)
{
	k->shielded = shield();
	prctl(PR_SET_NAME, "jobd-keeper");
#if !SANITIZED_ADDRESS /* which looks for leaks by tracing the process */
	prctl(PR_SET_DUMPABLE, 0);
#endif
	umask(077);
	if (chdir("/") < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return false;
	conn_init(&k->jobd, KEEPER_FD_SOCKET);
	for (int i = 0; i < PENDING_MAX; i++)
		conn_init(&k->pending[i], -1);
	reset(k);
	k->log.fd = -1;
	k->policy = sched_getscheduler(0);
	if (k->policy < 0 || sched_getparam(0, &k->scheduling) < 0)
		return false;
	k->signals = take_signals();
	return k->signals >= 0;
}

/* From here on the status is known to nobody but the disk. */
static void let_go(struct keeper *k)
{
	if (k->pid)
		waitpid(k->pid, NULL, WNOHANG);
	start_clean(k);
	child_close(k);
	tree_free(k->tree);
	start_fini(&k->start);
	log_settle(k);
	keeper_end_fini(&k->end);
	for (int i = 0; i < PENDING_MAX; i++)
		conn_close(&k->pending[i]);
	free(k->cgroup);
}

bool keeper_renew(struct keeper *k)
{
	if (k->jobd.fd < 0)
		return false;
	let_go(k);
	reset(k);
	keeper_entitle(k, "idle");
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return errno == ECHILD;
}

int main(int argc, char **argv)
{
	struct keeper k = { 0 };
	if (!was_born_right()) {
		fputs("jobd-keeper is started by jobd, and by nobody else\n", stderr);
		return 2;
	}
	if (argc > 1) {
		k.title = argv[1];
		k.title_size = strlen(k.title);
	}
	if (!prepare(&k))
		return 1; /* jobd sees the connection end before a word was said */
	crash_point("keeper-born");
	while (k.phase != PHASE_DONE)
		turn(&k);
	let_go(&k);
	log_drop(&k.log);
	conn_close(&k.jobd);
	close(k.signals);
	return 0;
}

/* SPDX-License-Identifier: ISC */
/*
 * Jobs whose keeper died: the room does for them what a keeper does, with the
 * same code for the tree, by timers instead of a process of their own.
 *
 * If we started the keeper, its command is our child now and waitid tells how
 * it ends; the zombie stays until core has acknowledged. If the keeper was
 * adopted, the command is init's child, and the kernel tells what a pidfd may know;
 * where it does not, the job is lost, never guessed. Either way the rest of the
 * tree is ended before an end is reported: at once, or, where the command ended
 * in its grace, when that is over, since the others were told too.
 */
#include "config.h"

#include "jobd/proc/internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/status.h"
#include "lib/str.h"

#define STEP_MS	       5
#define STUCK_MS       1000
#define STOP_LIMIT_US  2000000
#define WATCH_MS       250 /* whether somebody continued a paused job */
#define GRACE_STEP_MS  50  /* whether the grace is needed still */
#define SOON_MS	       10
#define SOON_TRIES_MAX 500

enum orphan_state {
	ORPHAN_RUNNING,
	ORPHAN_STOPPING,
	ORPHAN_STOPPED,
	ORPHAN_ENDING,	/* told to; the grace runs, for what the command leaves behind too */
	ORPHAN_KILLING,
	ORPHAN_CLEARING, /* the command has ended: the rest of its tree has to */
};

struct orphan {
	struct tree *tree;
	struct survivors_search *search;
	enum orphan_state state;
	uint64_t deadline_us;
	bool child;	/* the command is our child */
	bool unknown;	/* how it ended can't be known */
	bool complained;
	unsigned soon_tries;
	struct event *pidfd_event;
	char *survivors; /* of a command that was gone before; NULL: it was not */
};

static void apply(struct keeper *k);

void orphan_free(struct keeper *k)
{
	struct orphan *o = k->orphan;
	if (!o)
		return;
	if (o->pidfd_event)
		event_free(o->pidfd_event);
	tree_free(o->tree);
	survivors_free(o->search);
	free(o->survivors);
	free(o);
	k->orphan = NULL;
}

static void add_member(void *ctx, pid_t pid)
{
	(void)tree_adopt(ctx, pid, 0);
}

/* What has lost its parents has come to us, or to init: the walk from the command misses it. */
static void collect(struct keeper *k)
{
	struct orphan *o = k->orphan;
	if (k->cgroup)
		return;
	if (!o->search)
		o->search = survivors_new(k, o->child);
	survivors_each(o->search, add_member, o->tree);
}

/* The kernel does not tell. But a keeper that only seemed dead may have written it meanwhile. */
static void ask_disk(struct keeper *k)
{
	if (adopt_take_exit_file(k))
		return;
	k->orphan->unknown = k->has_end = true;
}

static void set_end(struct keeper *k, enum keeper_end_kind kind, int status)
{
	k->end.kind = kind;
	k->end.status = status;
	k->end.ended_at_us = clock_real_us();
	k->has_end = true;
}

static void ask_child(struct keeper *k)
{
	int status = 0;
	struct rusage ru;
	pid_t pid = status_wait(k->pid, true, &status, &ru);
	if (pid == -ECHILD)
		ask_disk(k);
	if (pid <= 0)
		return;
	/* A child that waited at the gate when its keeper died leaves without having run. */
	bool ran = pidinfo_has_run(k->pid, k->pid_start) != 0;
	set_end(k, ran ? KEEPER_END_EXITED : KEEPER_END_NEVER_RAN, status);
	keeper_end_count(&k->end, &ru);
}

/*
 * A status counts of a command that is known to have run: who waited at the gate when the keeper died
 * has left with 0. Of a zombie that can be seen; of one that was reaped, from when it was seen alive.
 */
static void take_status(struct keeper *k, int status)
{
	int ran = pidinfo_has_run(k->pid, k->pid_start);
	if (ran == 0)
		set_end(k, KEEPER_END_NEVER_RAN, status);
	else if (ran > 0 || k->ran)
		set_end(k, KEEPER_END_EXITED, status);
	else
		ask_disk(k);
}

static void ask_kernel(struct keeper *k)
{
	struct orphan *o = k->orphan;
	int status = 0;
	switch (pidinfo_status(k->pidfd, k->pid, &status)) {
	case PIDINFO_ALIVE:
		k->ran |= pidinfo_has_run(k->pid, k->pid_start) > 0;
		break;
	case PIDINFO_ENDED:
		take_status(k, status);
		break;
	case PIDINFO_SOON:
		if (o->soon_tries++ >= SOON_TRIES_MAX)
			ask_disk(k);
		break;
	case PIDINFO_UNKNOWN:
		ask_disk(k);
		break;
	}
}

static void learn(struct keeper *k)
{
	if (k->has_end)
		return;
	if (k->orphan->child)
		ask_child(k);
	else
		ask_kernel(k);
}

static void report_unknown(struct keeper *k, const char *survivors)
{
	bool gone = k->cgroup != NULL; /* which was emptied */
	if (!survivors) {
		keeper_report_lost(k, "the keeper died, and how the command ended can't be known", gone);
		return;
	}
	char *text = str_printf("the keeper and the command are gone; %s, and were ended", survivors);
	keeper_report_lost(k, text ? text : "the keeper and the command are gone", gone);
	free(text);
}

static void be_over(struct keeper *k)
{
	bool unknown = k->orphan->unknown;
	char *survivors = k->orphan->survivors;
	k->orphan->survivors = NULL;
	keeper_after(k, 0, NULL);
	orphan_free(k);
	k->end.id = k->id;
	k->end.attempt = k->attempt;
	k->end.nonce = k->nonce;
	k->end.empty = true;
	if (unknown)
		report_unknown(k, survivors);
	else
		keeper_report_end(k);
	free(survivors);
}

static void after_kill(struct keeper *k, enum tree_progress progress)
{
	struct orphan *o = k->orphan;
	if (progress == TREE_STUCK && !o->complained) {
		o->complained = true;
		keeper_log(LOG_ERR, k, "unkillable", "a process of the job may not be signalled");
	}
	keeper_after(k, progress == TREE_STUCK ? STUCK_MS : STEP_MS, orphan_step);
}

static void step_clearing(struct keeper *k)
{
	struct orphan *o = k->orphan;
	pid_t culprit = 0;
	collect(k);
	enum tree_progress progress = tree_kill_step(o->tree, &culprit);
	if (progress == TREE_DONE) {
		/* Those that lost their parent just now were nobody's a moment ago. */
		collect(k);
		if (tree_count(o->tree) == 0) {
			be_over(k);
			return;
		}
	}
	after_kill(k, progress);
}

static void give_up_stopping(struct keeper *k, pid_t culprit)
{
	tree_continue(k->orphan->tree);
	k->orphan->state = ORPHAN_RUNNING;
	if (k->wanted & DO_DESIRE)
		return;
	k->reached = true; /* or it was, and somebody has continued what stops no more */
	k->p->ev.unstoppable(k->p->ctx, k->id, culprit);
}

static void step_stopping(struct keeper *k)
{
	struct orphan *o = k->orphan;
	pid_t culprit = 0;
	collect(k);
	enum tree_progress progress = tree_stop_step(o->tree, &culprit);
	if (progress == TREE_STUCK || (progress == TREE_AGAIN && clock_mono_us() > o->deadline_us)) {
		give_up_stopping(k, culprit);
		return;
	}
	if (progress == TREE_AGAIN) {
		keeper_after(k, STEP_MS, orphan_step);
		return;
	}
	o->state = ORPHAN_STOPPED;
	keeper_after(k, WATCH_MS, orphan_step);
	if (!keeper_is_awaited(k))
		return;
	k->reached = true;
	k->p->ev.stopped(k->p->ctx, k->id);
}

static void step_stopped(struct keeper *k)
{
	struct orphan *o = k->orphan;
	pid_t culprit = 0;
	keeper_after(k, WATCH_MS, orphan_step);
	if (tree_is_stopped(o->tree, &culprit))
		return;
	o->state = ORPHAN_STOPPING;
	o->deadline_us = clock_mono_us() + STOP_LIMIT_US;
	keeper_after(k, 0, orphan_step);
	k->p->ev.recontinued(k->p->ctx, k->id, culprit);
}

static void step_ending(struct keeper *k)
{
	struct orphan *o = k->orphan;
	uint64_t now = clock_mono_us();
	uint64_t left_ms = now < o->deadline_us ? (o->deadline_us - now) / 1000 + 1 : 0;
	if (k->has_end && left_ms > 0) {
		collect(k);
		if (tree_count(o->tree) == 0)
			left_ms = 0;
		else if (left_ms > GRACE_STEP_MS)
			left_ms = GRACE_STEP_MS;
	}
	if (left_ms == 0)
		o->state = k->has_end ? ORPHAN_CLEARING : ORPHAN_KILLING;
	keeper_after(k, left_ms, orphan_step);
}

static void step_killing(struct keeper *k)
{
	pid_t culprit = 0;
	collect(k);
	after_kill(k, tree_kill_step(k->orphan->tree, &culprit));
}

void orphan_step(struct keeper *k)
{
	struct orphan *o = k->orphan;
	learn(k);
	if (k->due & DO_DESIRE && (!k->has_end || o->state == ORPHAN_ENDING))
		apply(k);
	k->due &= ~(unsigned)DO_DESIRE;
	if (k->has_end && o->state != ORPHAN_ENDING)
		o->state = ORPHAN_CLEARING;
	switch (o->state) {
	case ORPHAN_RUNNING:
		break;
	case ORPHAN_STOPPING:
		step_stopping(k);
		return;
	case ORPHAN_STOPPED:
		step_stopped(k);
		break;
	case ORPHAN_ENDING:
		step_ending(k);
		break;
	case ORPHAN_KILLING:
		step_killing(k);
		break;
	case ORPHAN_CLEARING:
		step_clearing(k);
		return;
	}
	if (o->soon_tries)
		keeper_after(k, SOON_MS, orphan_step);
}

static void on_pidfd(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	orphan_step(arg);
}

static void watch_pidfd(struct keeper *k)
{
	struct orphan *o = k->orphan;
	o->pidfd_event = event_new(k->p->o.base, k->pidfd, EV_READ, on_pidfd, k);
	if (!o->pidfd_event || event_add(o->pidfd_event, NULL) < 0)
		keeper_log(LOG_ERR, k, "no-memory", NULL);
}

void orphan_begin(struct keeper *k, char *survivors)
{
	struct orphan *o = calloc(1, sizeof *o);
	struct tree *tree = o ? tree_new(0, k->cgroup) : NULL;
	if (!tree) {
		free(survivors);
		free(o);
		keeper_report_lost(k, "the keeper died, and there is no memory to look after the rest",
		    false);
		return;
	}
	k->phase = PHASE_ORPHAN;
	k->orphan = o;
	o->tree = tree;
	o->survivors = survivors;
	o->child = adopt_is_child(k->pid, k->pid_start);
	if (k->pid > 0)
		(void)tree_adopt(tree, k->pid, k->pid_start);
	collect(k);
	if (!o->child && k->pidfd >= 0 && !k->has_end)
		watch_pidfd(k);
	k->p->ev.orphaned(k->p->ctx, k->id);
	/* What was wanted of the keeper is wanted still. */
	k->due |= DO_DESIRE;
	orphan_step(k);
}

static void apply_run(struct keeper *k)
{
	k->orphan->state = ORPHAN_RUNNING;
	if (k->reached)
		return;
	tree_continue(k->orphan->tree);
	k->reached = true;
	k->p->ev.running(k->p->ctx, k->id);
}

static void apply_end(struct keeper *k)
{
	struct orphan *o = k->orphan;
	uint64_t deadline = clock_mono_us() + k->grace_ms * 1000;
	k->reached = true;
	if (o->state == ORPHAN_ENDING) {
		/* A later end may be sooner, never later; and all have been told. */
		if (deadline < o->deadline_us)
			o->deadline_us = deadline;
		return;
	}
	if (k->grace_ms == 0) {
		o->state = ORPHAN_KILLING;
		return;
	}
	o->state = ORPHAN_ENDING;
	o->deadline_us = deadline;
	collect(k);
	/* TERM first: to a stopped process it is delivered as it goes on. */
	tree_signal(o->tree, SIGTERM);
	tree_continue(o->tree);
}

static void apply(struct keeper *k)
{
	enum orphan_state now = k->orphan->state;
	if (k->level == LEVEL_END && now != ORPHAN_KILLING) {
		apply_end(k);
	} else if (now == ORPHAN_ENDING || now == ORPHAN_KILLING) {
		k->reached = true; /* an end is never taken back */
	} else if (k->level == LEVEL_RUN) {
		apply_run(k);
	} else if (k->level == LEVEL_STOP) {
		k->orphan->state = ORPHAN_STOPPING;
		k->orphan->deadline_us = clock_mono_us() + STOP_LIMIT_US;
	}
}

void orphan_signal(struct keeper *k, const struct order_signal *s)
{
	if (k->has_end || (s->number == SIGCONT && k->level == LEVEL_STOP))
		return; /* a paused job is not continued by the back door */
	if (s->all) {
		collect(k);
		tree_signal(k->orphan->tree, s->number);
		return;
	}
	int fd = pidinfo_open(k->pid, k->pid_start);
	if (fd < 0)
		return;
	(void)syscall(SYS_pidfd_send_signal, fd, s->number, NULL, 0);
	close(fd);
}

void orphan_command_ended(struct keeper *k)
{
	if (k->phase == PHASE_ORPHAN && !k->has_end)
		orphan_step(k);
}

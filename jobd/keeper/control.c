/* SPDX-License-Identifier: ISC */
/*
 * What becomes of a job: one table of states and events, with tiny actions.
 * jobd names a level (run, stop, end); the way there is the keeper's, step by
 * step on a timer. An end wins over everything and is never taken back.
 *
 *	WAITING ─START─▶ SETUP ─▶ GATED ─GATE─▶ RUNNING ⇄ STOPPING ─▶ STOPPED
 *	                   │        │              └──────────┴──────────┴─▶ ENDING
 *	                   └────────┴──▶ KILLING ◀──────────────────────────────┘
 *	                                    └─▶ REPORTING ─ACK, exit file─▶ DONE
 *	                                            └─ACK that says stay─▶ WAITING
 *
 * A command that ends by itself goes to KILLING if it leaves processes behind,
 * else straight to REPORTING. One that ends in its grace leaves the others
 * what is left of it: they too were told, and may be writing still.
 */
#include "config.h"

#include "jobd/keeper/keeper.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/clock.h"
#include "lib/crash.h"

#define MS 1000ull

#define STOP_LIMIT    (2000 * MS) /* then everything is continued, and somebody named */
#define STOPPED_CHECK (2000 * MS) /* between looks whether a paused job still is */
#define RETOLD	      (1000 * MS) /* a job that is continued all the time is told about this often */
#define EXITS_FIRST   (1000 * MS)  /* between tries to write the exit file … */
#define EXITS_LAST    (30000 * MS) /* … at most */
#define STEP_LAST     (100 * MS)   /* between steps of killing, at most */

/* Sets the next EVENT_TIMER: after first_us, then twice as long each time, at most most_us. */
static void back_off(struct keeper *k, uint64_t first_us, uint64_t most_us)
{
	uint64_t us = first_us << (k->tries < 16 ? k->tries : 16);
	k->tries++;
	k->due_us = clock_mono_us() + (us < most_us ? us : most_us);
}

/* Enters a phase that works in steps: the first one is taken at once. */
static void begin(struct keeper *k)
{
	k->tries = 0;
	k->due_us = 0;
}

/*
 * Against a crowd that forks as fast as it can one process among thousands
 * comes too late, wherever the kernel lets it come first.
 */
static void hurry(struct keeper *k, bool on)
{
	const struct sched_param first = { .sched_priority = 1 };
	if (on == k->hurried)
		return;
	k->hurried = on;
	if (on)
		/* An extra: only root may. */
		sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first);
	else
		sched_setscheduler(0, k->policy, &k->scheduling);
}

/* ---- the end ---- */

static enum phase leave_if_written(struct keeper *k)
{
	if (k->jobd.fd >= 0) {
		/* One came before the next try: it has been told, and will acknowledge. */
		begin(k);
		return PHASE_REPORTING;
	}
	if (exitfile_write(KEEPER_FD_EXITS, k->name, &k->end) == 0 || exitfile_is_futile())
		return PHASE_DONE;
	back_off(k, EXITS_FIRST, EXITS_LAST);
	return PHASE_REPORTING;
}

static enum phase report(struct keeper *k)
{
	begin(k);
	k->reached = LEVEL_END;
	k->end.empty = true;
	k->end.silent = k->log.fd < 0 || log_is_blank(&k->log);
	if (!k->end.ended_at_us)
		k->end.ended_at_us = clock_real_us();
	crash_point("keeper-emptied");
	if (k->jobd.fd < 0)
		return leave_if_written(k);
	talk_end(k);
	return PHASE_REPORTING;
}

static enum phase kill_step(struct keeper *k)
{
	hurry(k, true);
	pid_t culprit = 0;
	enum tree_progress p = k->tree ? tree_kill_step(k->tree, &culprit) : TREE_DONE;
	keeper_reap_others(k);
	if (p == TREE_DONE && k->dead)
		return report(k);
	/* One that may not be signalled, or sits in the kernel, is waited for without end. */
	back_off(k, 1 * MS, STEP_LAST);
	return PHASE_KILLING;
}

static enum phase kill_all(struct keeper *k)
{
	begin(k);
	k->reached = LEVEL_END;
	return kill_step(k);
}

/* The command ended and nobody wanted it: what it left behind is not waited for. */
static enum phase died(struct keeper *k)
{
	if (tree_has_only(k->tree, k->pid))
		return report(k);
	talk_end(k);
	return kill_all(k);
}

/* ---- before the gate ---- */

static enum phase stand_at_gate(struct keeper *k)
{
	talk_ready(k);
	return PHASE_GATED;
}

/* What failed is in k->end. There may be no child at all. */
static enum phase unfit(struct keeper *k)
{
	k->end.kind = KEEPER_END_SPAWN;
	child_close(k);
	if (!k->pid) {
		k->dead = true;
		return report(k);
	}
	kill(k->pid, SIGKILL);
	return kill_all(k);
}

static enum phase never_ran(struct keeper *k)
{
	k->end.kind = KEEPER_END_NEVER_RAN;
	child_close(k);
	return kill_all(k);
}

static enum phase shut_at_gate(struct keeper *k)
{
	k->end.shutdown = true;
	return never_ran(k);
}

/* Killed while it set itself up; ending by itself without saying why is a failure. */
static enum phase died_unready(struct keeper *k)
{
	if (WIFSIGNALED(k->end.status))
		return never_ran(k);
	start_failed(k, 0, "its process, which ended");
	return unfit(k);
}

static enum phase vanish(struct keeper *k)
{
	(void)k;
	return PHASE_DONE;
}

static enum phase stop(struct keeper *k);

static enum phase open_gate(struct keeper *k)
{
	if (log_entitle(k) < 0)
		return unfit(k);
	k->end.kind = KEEPER_END_EXITED;
	k->reached = LEVEL_RUN;
	if (write(k->gate, "", 1) < 0)
		child_close(k); /* it was killed where it stood */
	crash_point("keeper-gate-open");
	return k->level == LEVEL_STOP ? stop(k) : PHASE_RUNNING;
}

/* ---- run and stop ---- */

static enum phase say_state(struct keeper *k)
{
	talk_state(k, k->seq == k->failed_seq ? k->culprit : 0, 0);
	return k->phase;
}

static enum phase run(struct keeper *k)
{
	crash_point("keeper-continuing");
	tree_continue(k->tree);
	k->reached = LEVEL_RUN;
	k->recontinued = 0;
	talk_state(k, 0, 0);
	begin(k);
	return PHASE_RUNNING;
}

static enum phase undo_stop(struct keeper *k, pid_t culprit)
{
	tree_continue(k->tree);
	k->reached = LEVEL_RUN;
	k->failed_seq = k->seq;
	k->culprit = culprit;
	k->owed = false;
	talk_state(k, culprit, k->recontinued);
	k->recontinued = 0;
	begin(k);
	return PHASE_RUNNING;
}

static enum phase stopped(struct keeper *k)
{
	bool tell = k->owed;
	uint64_t now = clock_mono_us();
	k->reached = LEVEL_STOP;
	if (k->recontinued && now - k->recontinued_us > RETOLD) {
		k->recontinued_us = now;
		tell = true;
	}
	crash_point("keeper-stopped");
	if (tell)
		talk_state(k, 0, k->recontinued);
	k->recontinued = 0;
	k->owed = false;
	k->due_us = now + STOPPED_CHECK;
	return PHASE_STOPPED;
}

static enum phase stop_step(struct keeper *k)
{
	hurry(k, true);
	pid_t culprit = 0;
	switch (tree_stop_step(k->tree, &culprit)) {
	case TREE_DONE:
		return stopped(k);
	case TREE_STUCK:
		return undo_stop(k, culprit);
	case TREE_AGAIN:
	default:
		break;
	}
	if (clock_mono_us() >= k->deadline_us)
		return undo_stop(k, culprit);
	back_off(k, MS / 2, 5 * MS);
	return PHASE_STOPPING;
}

static enum phase stop(struct keeper *k)
{
	if (k->seq == k->failed_seq)
		return say_state(k);
	begin(k);
	k->owed = true;
	k->deadline_us = clock_mono_us() + STOP_LIMIT;
	crash_point("keeper-stopping");
	return stop_step(k);
}

/* Somebody may have continued a process of a paused job: the intent stands. */
static enum phase look_stopped(struct keeper *k)
{
	pid_t culprit = 0;
	if (tree_is_stopped(k->tree, &culprit)) {
		k->due_us = clock_mono_us() + STOPPED_CHECK;
		return PHASE_STOPPED;
	}
	k->recontinued = culprit;
	begin(k);
	k->deadline_us = clock_mono_us() + STOP_LIMIT;
	return stop_step(k);
}

/* ---- end ---- */

/* While the grace runs: is anybody left? Looked at more and more rarely. */
static enum phase end_step(struct keeper *k)
{
	uint64_t now = clock_mono_us();
	keeper_reap_others(k);
	if (now >= k->deadline_us)
		return kill_all(k);
	if (!k->dead) {
		k->due_us = k->deadline_us;
		return PHASE_ENDING;
	}
	if (tree_has_only(k->tree, k->pid) || tree_count(k->tree) == 0)
		return report(k);
	/* A shell that was told may fork once more before it heeds, and nobody tells that child. */
	tree_signal_late(k->tree, SIGTERM);
	back_off(k, 2 * MS, STEP_LAST);
	if (k->due_us > k->deadline_us)
		k->due_us = k->deadline_us;
	return PHASE_ENDING;
}

static enum phase end(struct keeper *k)
{
	k->reached = LEVEL_END;
	talk_state(k, 0, 0);
	begin(k);
	crash_point("keeper-ending");
	if (clock_mono_us() >= k->deadline_us)
		return kill_all(k);
	/* A stopped process has no signal delivered before it is continued. */
	tree_signal(k->tree, SIGTERM);
	tree_continue(k->tree);
	return end_step(k);
}

/* A sooner end may have been asked for. */
static enum phase end_again(struct keeper *k)
{
	talk_state(k, 0, 0);
	return end_step(k);
}

static enum phase died_in_grace(struct keeper *k)
{
	k->tries = 0;
	if (!tree_has_only(k->tree, k->pid))
		talk_end(k);
	return end_step(k);
}

static enum phase shut_down(struct keeper *k)
{
	k->end.shutdown = true;
	if (k->level != LEVEL_END) {
		k->level = LEVEL_END;
		k->deadline_us = clock_mono_us() + k->start.grace_ms * MS;
	}
	return k->phase == PHASE_ENDING ? PHASE_ENDING : end(k);
}

static enum phase noted_death(struct keeper *k)
{
	enum phase next = kill_step(k);
	if (next == PHASE_KILLING && k->end.kind == KEEPER_END_EXITED)
		talk_end(k);
	return next;
}

static enum phase acknowledged(struct keeper *k)
{
	(void)k;
	crash_point("keeper-acknowledged");
	return PHASE_DONE;
}

/* Nothing of one job may be met by the next; a keeper that was told to end takes none. */
static enum phase stay(struct keeper *k)
{
	crash_point("keeper-acknowledged");
	if (k->end.shutdown || !keeper_renew(k))
		return PHASE_DONE; /* which tells jobd that a START behind this was read by nobody */
	return PHASE_WAITING;
}

/* A repeat while the way is still being gone: the answer comes when it has been. */
static enum phase under_way(struct keeper *k)
{
	k->owed = true;
	return k->phase;
}

typedef enum phase (*action)(struct keeper *k);

/* What is not in it changes nothing. */
static const action table[PHASES][EVENTS] = {
    [PHASE_WAITING] =
	{
	    [EVENT_UNFIT] = unfit,
	    [EVENT_SHUTDOWN] = vanish,
	    [EVENT_ALONE] = vanish,
	},
    [PHASE_SETUP] =
	{
	    [EVENT_SET_UP] = stand_at_gate,
	    [EVENT_UNFIT] = unfit,
	    [EVENT_END] = never_ran,
	    [EVENT_SHUTDOWN] = shut_at_gate,
	    [EVENT_DIED] = died_unready,
	    [EVENT_ALONE] = never_ran,
	},
    [PHASE_GATED] =
	{
	    [EVENT_GATE] = open_gate,
	    [EVENT_END] = never_ran,
	    [EVENT_SHUTDOWN] = shut_at_gate,
	    [EVENT_DIED] = never_ran,
	    [EVENT_ALONE] = never_ran,
	},
    [PHASE_RUNNING] =
	{
	    [EVENT_RUN] = say_state,
	    [EVENT_STOP] = stop,
	    [EVENT_END] = end,
	    [EVENT_SHUTDOWN] = shut_down,
	    [EVENT_DIED] = died,
	},
    [PHASE_STOPPING] =
	{
	    [EVENT_RUN] = run,
	    [EVENT_STOP] = under_way,
	    [EVENT_END] = end,
	    [EVENT_SHUTDOWN] = shut_down,
	    [EVENT_DIED] = died,
	    [EVENT_TIMER] = stop_step,
	},
    [PHASE_STOPPED] =
	{
	    [EVENT_RUN] = run,
	    [EVENT_STOP] = say_state,
	    [EVENT_END] = end,
	    [EVENT_SHUTDOWN] = shut_down,
	    [EVENT_DIED] = died,
	    [EVENT_CHILD] = look_stopped,
	    [EVENT_TIMER] = look_stopped,
	},
    [PHASE_ENDING] =
	{
	    [EVENT_RUN] = say_state,
	    [EVENT_STOP] = say_state,
	    [EVENT_END] = end_again,
	    [EVENT_SHUTDOWN] = shut_down,
	    [EVENT_DIED] = died_in_grace,
	    [EVENT_CHILD] = end_step,
	    [EVENT_TIMER] = end_step,
	},
    [PHASE_KILLING] =
	{
	    [EVENT_RUN] = say_state,
	    [EVENT_STOP] = say_state,
	    [EVENT_END] = say_state,
	    [EVENT_DIED] = noted_death,
	    [EVENT_TIMER] = kill_step,
	},
    [PHASE_REPORTING] =
	{
	    [EVENT_ALONE] = leave_if_written,
	    [EVENT_TIMER] = leave_if_written,
	    [EVENT_ACK] = acknowledged,
	    [EVENT_STAY] = stay,
	},
};

void control(struct keeper *k, enum event ev)
{
	action act = table[k->phase][ev];
	if (!act)
		return;
	k->phase = act(k);
	if (k->phase != PHASE_STOPPING && k->phase != PHASE_KILLING)
		hurry(k, false);
}

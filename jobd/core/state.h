/* SPDX-License-Identifier: ISC */
/*
 * The job's life: one table of {from, event, to, action}. Pure; a test walks
 * every pair, and can print the whole machine for a person to read.
 */
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include <stddef.h>

#include "jobd/core/job.h"

/* What can happen to a job: first what people ask for, then what is observed. */
enum job_event {
	EVENT_HOLD = 1,
	EVENT_RELEASE,
	EVENT_PAUSE,
	EVENT_RESUME,
	EVENT_CANCEL,
	EVENT_SIGNAL,
	EVENT_RETRY,
	EVENT_DELETE,
	EVENT_PRIORITY,
	EVENT_EDIT,
	EVENT_RESUME_LATER, /* resume, where there is no slot for it yet */

	EVENT_START,	   /* its process stands at the gate */
	EVENT_NEVER_RAN,   /* the gate closed, nothing was run */
	EVENT_STOPPED,	   /* every process was seen stopped */
	EVENT_UNSTOPPABLE, /* one would not stop; the others were continued */
	EVENT_RECONTINUED, /* somebody continued one; it was stopped again */
	EVENT_COMPLETED,
	EVENT_FAILED,
	EVENT_CANCELLED, /* it ended under cancel_requested */
	EVENT_WARN,	 /* its time is nearly up */
	EVENT_TIMEOUT,	 /* its time is up */
	EVENT_AGAIN,	 /* the attempt failed, be it at its start, and another follows */
	EVENT_SET_ASIDE, /* the attempt failed, and a person is to say what follows */
};
#define JOB_EVENTS (EVENT_SET_ASIDE + 1)

/* What the engine does on the way. Each is one small function of it. */
enum state_action {
	ACTION_NONE, /* it is already so: nothing changes, and the answer is good */
	ACTION_ENTER_QUEUE,
	ACTION_LEAVE_QUEUE,
	ACTION_RANK, /* take the new priority */
	ACTION_BEGIN,
	ACTION_UNBEGIN,
	ACTION_ORDER_STOP,
	ACTION_STAY_PAUSED, /* whatever was asked of it meanwhile */
	ACTION_SETTLE_PAUSE,
	ACTION_DROP_PAUSE,  /* the pause did not work out */
	ACTION_ORDER_RUN,
	ACTION_AWAIT_SLOT,
	ACTION_ORDER_END,
	ACTION_ORDER_TIMEOUT,
	ACTION_WARN,
	ACTION_SEND_SIGNAL,
	ACTION_NOTE, /* nothing is left to do, and the journal learns of it */
	ACTION_FINISH,
	ACTION_PUT_AWAY, /* the attempt, and the job goes on */
	ACTION_REVIVE,
	ACTION_FORGET,
};
#define STATE_ACTIONS (ACTION_FORGET + 1)

struct state_row {
	enum job_state from;
	enum job_event event;
	enum job_state to; /* 0: the job is gone */
	enum state_action action;
};

/* The row for this pair; NULL when it is refused. */
const struct state_row *state_find(enum job_state from, enum job_event event);

/* The verb for an event, as the journal and the protocol have it: "pause", "stopped". */
const char *state_event_name(enum job_event event);

/*
 * What a person could do instead, where a pair is refused: a sentence without
 * a full stop, such as "hold keeps a queued job from starting". Never NULL.
 */
const char *state_hint(enum job_state from, enum job_event event);

/* The rows one by one, for one who shows or checks the whole table; NULL after the last. */
const struct state_row *state_row_at(size_t i);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * The state table. To change a job's life, change a row here; the engine has
 * no switch over states.
 */
#include "config.h"

#include "jobd/core/state.h"

static const struct state_row rows[] = {
	{ JOB_QUEUED, EVENT_HOLD, JOB_HELD, ACTION_LEAVE_QUEUE },
	{ JOB_QUEUED, EVENT_RELEASE, JOB_QUEUED, ACTION_NONE },
	{ JOB_QUEUED, EVENT_CANCEL, JOB_CANCELLED, ACTION_FINISH },
	{ JOB_QUEUED, EVENT_PRIORITY, JOB_QUEUED, ACTION_RANK },
	{ JOB_QUEUED, EVENT_EDIT, JOB_QUEUED, ACTION_NOTE },
	{ JOB_QUEUED, EVENT_START, JOB_RUNNING, ACTION_BEGIN },
	{ JOB_QUEUED, EVENT_NEVER_RAN, JOB_QUEUED, ACTION_ENTER_QUEUE },
	{ JOB_QUEUED, EVENT_FAILED, JOB_FAILED, ACTION_FINISH },
	{ JOB_QUEUED, EVENT_AGAIN, JOB_QUEUED, ACTION_PUT_AWAY },

	{ JOB_HELD, EVENT_HOLD, JOB_HELD, ACTION_NONE },
	{ JOB_HELD, EVENT_RELEASE, JOB_QUEUED, ACTION_ENTER_QUEUE },
	{ JOB_HELD, EVENT_CANCEL, JOB_CANCELLED, ACTION_FINISH },
	{ JOB_HELD, EVENT_PRIORITY, JOB_HELD, ACTION_RANK },
	{ JOB_HELD, EVENT_EDIT, JOB_HELD, ACTION_NOTE },
	{ JOB_HELD, EVENT_FAILED, JOB_FAILED, ACTION_FINISH },

	{ JOB_RUNNING, EVENT_PAUSE, JOB_RUNNING, ACTION_ORDER_STOP },
	{ JOB_RUNNING, EVENT_RESUME, JOB_RUNNING, ACTION_ORDER_RUN },
	{ JOB_RUNNING, EVENT_RESUME_LATER, JOB_RUNNING, ACTION_AWAIT_SLOT },
	{ JOB_RUNNING, EVENT_CANCEL, JOB_RUNNING, ACTION_ORDER_END },
	{ JOB_RUNNING, EVENT_SIGNAL, JOB_RUNNING, ACTION_SEND_SIGNAL },
	{ JOB_RUNNING, EVENT_PRIORITY, JOB_RUNNING, ACTION_RANK },
	{ JOB_RUNNING, EVENT_NEVER_RAN, JOB_QUEUED, ACTION_UNBEGIN },
	{ JOB_RUNNING, EVENT_STOPPED, JOB_PAUSED, ACTION_SETTLE_PAUSE },
	{ JOB_RUNNING, EVENT_UNSTOPPABLE, JOB_RUNNING, ACTION_DROP_PAUSE },
	{ JOB_RUNNING, EVENT_WARN, JOB_RUNNING, ACTION_WARN },
	{ JOB_RUNNING, EVENT_TIMEOUT, JOB_RUNNING, ACTION_ORDER_TIMEOUT },
	{ JOB_RUNNING, EVENT_AGAIN, JOB_QUEUED, ACTION_PUT_AWAY },
	{ JOB_RUNNING, EVENT_SET_ASIDE, JOB_HELD, ACTION_PUT_AWAY },
	{ JOB_RUNNING, EVENT_COMPLETED, JOB_COMPLETED, ACTION_FINISH },
	{ JOB_RUNNING, EVENT_FAILED, JOB_FAILED, ACTION_FINISH },
	{ JOB_RUNNING, EVENT_CANCELLED, JOB_CANCELLED, ACTION_FINISH },

	{ JOB_PAUSED, EVENT_PAUSE, JOB_PAUSED, ACTION_STAY_PAUSED },
	{ JOB_PAUSED, EVENT_RESUME, JOB_RUNNING, ACTION_ORDER_RUN },
	{ JOB_PAUSED, EVENT_RESUME_LATER, JOB_PAUSED, ACTION_AWAIT_SLOT },
	{ JOB_PAUSED, EVENT_CANCEL, JOB_RUNNING, ACTION_ORDER_END },
	{ JOB_PAUSED, EVENT_SIGNAL, JOB_PAUSED, ACTION_SEND_SIGNAL },
	{ JOB_PAUSED, EVENT_PRIORITY, JOB_PAUSED, ACTION_RANK },
	{ JOB_PAUSED, EVENT_NEVER_RAN, JOB_QUEUED, ACTION_UNBEGIN },
	{ JOB_PAUSED, EVENT_UNSTOPPABLE, JOB_RUNNING, ACTION_DROP_PAUSE },
	{ JOB_PAUSED, EVENT_RECONTINUED, JOB_PAUSED, ACTION_NOTE },
	{ JOB_PAUSED, EVENT_AGAIN, JOB_QUEUED, ACTION_PUT_AWAY },
	{ JOB_PAUSED, EVENT_SET_ASIDE, JOB_HELD, ACTION_PUT_AWAY },
	{ JOB_PAUSED, EVENT_COMPLETED, JOB_COMPLETED, ACTION_FINISH },
	{ JOB_PAUSED, EVENT_FAILED, JOB_FAILED, ACTION_FINISH },
	{ JOB_PAUSED, EVENT_CANCELLED, JOB_CANCELLED, ACTION_FINISH },

	{ JOB_COMPLETED, EVENT_DELETE, 0, ACTION_FORGET },

	{ JOB_FAILED, EVENT_RETRY, JOB_QUEUED, ACTION_REVIVE },
	{ JOB_FAILED, EVENT_DELETE, 0, ACTION_FORGET },

	{ JOB_CANCELLED, EVENT_CANCEL, JOB_CANCELLED, ACTION_NONE },
	{ JOB_CANCELLED, EVENT_RETRY, JOB_QUEUED, ACTION_REVIVE },
	{ JOB_CANCELLED, EVENT_DELETE, 0, ACTION_FORGET },
};

const struct state_row *state_find(enum job_state from, enum job_event event)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].from == from && rows[i].event == event)
			return &rows[i];
	return NULL;
}

static const char *const event_names[JOB_EVENTS] = {
	[EVENT_HOLD] = "hold",
	[EVENT_RELEASE] = "release",
	[EVENT_PAUSE] = "pause",
	[EVENT_RESUME] = "resume",
	[EVENT_CANCEL] = "cancel",
	[EVENT_SIGNAL] = "signal",
	[EVENT_RETRY] = "retry",
	[EVENT_DELETE] = "delete",
	[EVENT_PRIORITY] = "priority",
	[EVENT_EDIT] = "edit",
	[EVENT_RESUME_LATER] = "resume",
	[EVENT_START] = "start",
	[EVENT_NEVER_RAN] = "never-ran",
	[EVENT_STOPPED] = "stopped",
	[EVENT_UNSTOPPABLE] = "unstoppable",
	[EVENT_RECONTINUED] = "recontinued",
	[EVENT_COMPLETED] = "completed",
	[EVENT_FAILED] = "failed",
	[EVENT_CANCELLED] = "cancelled",
	[EVENT_WARN] = "warned",
	[EVENT_TIMEOUT] = "timeout",
	[EVENT_AGAIN] = "again",
	[EVENT_SET_ASIDE] = "set-aside",
};

const char *state_event_name(enum job_event event)
{
	return event > 0 && event < JOB_EVENTS ? event_names[event] : "unknown";
}

const char *state_hint(enum job_state from, enum job_event event)
{
	static const char *const by_state[JOB_STATES] = {
		[JOB_QUEUED] = "a queued job can be held, edited, cancelled or given another priority",
		[JOB_HELD] = "a held job can be released, edited, cancelled or given another priority",
		[JOB_RUNNING] = "a running job can be paused, cancelled or signalled",
		[JOB_PAUSED] = "a paused job can be resumed, cancelled or signalled",
		[JOB_COMPLETED] = "a completed job can be deleted",
		[JOB_FAILED] = "a failed job can be retried or deleted",
		[JOB_CANCELLED] = "a cancelled job can be retried or deleted",
	};

	if (from == JOB_QUEUED && event == EVENT_PAUSE)
		return "hold keeps a queued job from starting";
	if (from == JOB_HELD && event == EVENT_RESUME)
		return "release lets a held job start";
	if (event == EVENT_DELETE)
		return "cancel it first; a job that has ended can be deleted";
	return from > 0 && from < JOB_STATES ? by_state[from] : "nothing";
}

const struct state_row *state_row_at(size_t i)
{
	return i < sizeof rows / sizeof rows[0] ? &rows[i] : NULL;
}

/* SPDX-License-Identifier: ISC */
/*
 * org.jobd.Job: Hold, Release, Pause, Resume, Cancel, Signal, Delete, Retry,
 * SetPriority. Each handler says what is asked; ask() does the rest.
 */
#include "config.h"

#include <signal.h>
#include <stdlib.h>

#include "jobd/api/common.h"
#include "lib/priority.h"
#include "lib/status.h"
#include "lib/varlink_handlers.h"

static void reply_changed(const struct api *a, struct call *c, uint64_t id, bool changed)
{
	reply_job(a, c, id, json_pack("{s:b}", "changed", changed));
}

#define SILENT "its keeper does not answer; the pause is on record, and comes when it does"

/* Asks core, and answers; false when the answer comes later. */
static bool ask(struct api *a, struct call *c, const struct control *what)
{
	uint64_t id = param_u64(c, "id", 0);
	struct actor who = call_actor(c);
	struct control_result r = engine_control(a->o.engine, &who, id, what);

	switch (r.result) {
	case ENGINE_PENDING:
		return false;
	case ENGINE_OK:
	case ENGINE_ALREADY:
		if (what->event == EVENT_DELETE || what->event == EVENT_SIGNAL)
			call_reply(c, NULL);
		else
			reply_changed(a, c, id, r.result == ENGINE_OK);
		break;
	case ENGINE_NOT_FOUND:
		error_not_found(c, id);
		break;
	case ENGINE_WRONG_STATE:
		error_wrong_state(c, id, r.state, state_event_name(what->event), r.hint);
		break;
	case ENGINE_OVER_QUOTA:
		error_queued_jobs(a, c, state_event_name(what->event), access_owner(a, id));
		break;
	case ENGINE_OVER_BYTES:
		error_job_bytes(a, c, state_event_name(what->event), access_owner(a, id));
		break;
	case ENGINE_NO_QUEUE:
		error_queue_is_gone(a, c, id);
		break;
	case ENGINE_UNSTOPPABLE:
	case ENGINE_LOW_DISK:
	case ENGINE_OVER_LINKS:
	case ENGINE_OVER_BATCHES:
	case ENGINE_OVER_ENVIRONMENT:
	case ENGINE_OVER_COMMAND:
	case ENGINE_EXISTS:
	case ENGINE_NO_JOB:
	case ENGINE_CYCLE:
	case ENGINE_FAILED:
		if (what->event == EVENT_PAUSE)
			error_failed(c, id, SILENT);
		else
			error_of_core(c, id);
		break;
	}
	return true;
}

void api_job_hold(void *ctx, struct call *c)
{
	ask(ctx, c, &(struct control){ .event = EVENT_HOLD });
}

void api_job_release(void *ctx, struct call *c)
{
	ask(ctx, c, &(struct control){ .event = EVENT_RELEASE });
}

void api_job_resume(void *ctx, struct call *c)
{
	bool force = param_bool(c, "force");

	if (force && !access_is_admin(ctx, call_peer(c)))
		error_denied(ctx, c, "resume", param_u64(c, "id", 0));
	else
		ask(ctx, c, &(struct control){ .event = EVENT_RESUME, .force = force });
}

void api_job_cancel(void *ctx, struct call *c)
{
	ask(ctx, c, &(struct control){ .event = EVENT_CANCEL, .now = param_bool(c, "now") });
}

void api_job_delete(void *ctx, struct call *c)
{
	ask(ctx, c, &(struct control){ .event = EVENT_DELETE });
}

void api_job_retry(void *ctx, struct call *c)
{
	struct drafting x;

	drafting_init(&x, ctx, c, "retry");
	x.id = param_u64(c, "id", 0);
	if (draft_check_right(&x))
		ask(ctx, c, &(struct control){ .event = EVENT_RETRY,
				.attempt = (uint32_t)param_u64(c, "attempt", 0) });
}

void api_job_set_priority(void *ctx, struct call *c)
{
	uint64_t priority = param_u64(c, "priority", 0);

	if (priority < PRIORITY_MIN || priority > PRIORITY_MAX) {
		error_invalid(c, "priority", "it is " PRIORITY_RANGE);
		return;
	}
	ask(ctx, c, &(struct control){ .event = EVENT_PRIORITY, .priority = (int)priority });
}

void api_job_signal(void *ctx, struct call *c)
{
	uint64_t sig = param_u64(c, "signal", 0);

	if (sig < 1 || sig > (uint64_t)SIGRTMAX) {
		error_invalid(c, "signal", "it is 1 to %d", SIGRTMAX);
		return;
	}
	if (status_signal_stops((int)sig)) {
		error_invalid(c, "signal", "pause and resume do that, and say when it is done");
		return;
	}
	ask(ctx, c, &(struct control){ .event = EVENT_SIGNAL, .signal = (int)sig,
			.all = param_bool(c, "all") });
}

/* A Pause that waits for the fact. */
struct pausing {
	struct api *a;
	struct call *c;
	uint64_t id;
};

static void pause_done(void *arg, enum engine_result r, uint64_t id, pid_t culprit)
{
	struct pausing *w = arg;
	struct job_view v;

	call_on_close(w->c, NULL, NULL);
	if (r == ENGINE_OK)
		reply_changed(w->a, w->c, id, true);
	else if (r == ENGINE_UNSTOPPABLE)
		call_error(w->c, "org.jobd.Job.Unstoppable",
		    json_pack("{s:I, s:I}", "id", (json_int_t)id, "pid", (json_int_t)culprit));
	else if (r == ENGINE_FAILED)
		error_failed(w->c, id, SILENT);
	else if ((r = engine_get(w->a->o.engine, id, &v)) == ENGINE_OK) {
		error_wrong_state(w->c, id, v.job->state, "pause",
		    job_has_ended(v.job->state) ? state_hint(v.job->state, EVENT_PAUSE)
						: "it was resumed or cancelled meanwhile");
		job_view_fini(&v);
	} else
		error_of_get(w->c, id, r);
	free(w);
}

static void pause_gone(void *arg)
{
	struct pausing *w = arg;

	engine_control_forget(w->a->o.engine, w->id, w);
	free(w);
}

/* For call_on_handover: it was asked for, and is on record. */
static json_t *pause_asked(void *arg)
{
	(void)arg;
	return json_object();
}

/* A former self was asked, and the journal has it: what is left to do is to wait. */
static void pause_resume(struct pausing *w)
{
	enum engine_result r = engine_pause_wait(w->a->o.engine, w->id, pause_done, w);

	if (r != ENGINE_PENDING)
		pause_done(w, r, w->id, 0);
}

void api_job_pause(void *ctx, struct call *c)
{
	struct api *a = ctx;
	uint64_t id = param_u64(c, "id", 0);
	struct pausing *w = malloc(sizeof *w);

	if (!w) {
		error_failed(c, id, "no memory");
		return;
	}
	*w = (struct pausing){ a, c, id };
	call_on_handover(c, pause_asked, w);
	call_on_close(c, pause_gone, w);
	if (call_progress(c))
		pause_resume(w);
	else if (ask(a, c, &(struct control){ .event = EVENT_PAUSE,
			.release_slot = param_bool(c, "release_slot"), .done = pause_done, .arg = w }))
		free(w);
}

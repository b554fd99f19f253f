/* SPDX-License-Identifier: ISC */
/*
 * What people ask of a job. Live jobs take the step at once; ended ones are
 * read from the store first. Whoever asks was authorised before.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "jobd/core/internal.h"
#include "lib/status.h"

static struct control_result refuse(struct engine *e, const struct actor *who, const struct job *j,
    enum job_event event, const char *hint)
{
	engine_refused_job(e, who, state_event_name(event), j, "WrongState");
	return (struct control_result){ ENGINE_WRONG_STATE, j->state,
		hint ? hint : state_hint(j->state, event) };
}

/* Marks the table can't see. NULL: go on. */
static const char *objection(const struct engine *e, const struct job *j, const struct control *c)
{
	if (c->event == EVENT_PAUSE && j->cancel_requested && !job_has_ended(j->state))
		return "it is being cancelled";
	if (c->event == EVENT_PAUSE && j->timed_out && !job_has_ended(j->state))
		return "it is being ended: its time is up";
	if (c->event == EVENT_RETRY && j->unique && unique_find(&e->unique, j->uid, j->unique))
		return "another job of its unique key has not ended";
	if (c->event == EVENT_RETRY && c->attempt && c->attempt != job_last_attempt(j))
		return "it has gone on since that attempt";
	/* Who dies before they are would not know any more how it ended. */
	if (c->event == EVENT_DELETE && depend_is_telling(e, j->id))
		return "those that wait for it are about to be told of its end; delete it in a moment";
	return NULL;
}

static bool wait_for_pause(struct live *l, const struct control *c)
{
	struct pause_waiter *w = malloc(sizeof *w);

	if (!w)
		return false;
	*w = (struct pause_waiter){ l->pause_waiters, c->done, c->arg };
	l->pause_waiters = w;
	return true;
}

/* What the journal says besides the verb; NULL: nothing. */
static const char *describe(const struct job *j, const struct control *c, char *out, size_t size)
{
	if (c->event == EVENT_SIGNAL)
		snprintf(out, size, "SIG%s to %s", status_signal_name(c->signal),
		    c->all ? "every process" : "the command");
	else if (c->event == EVENT_PRIORITY)
		snprintf(out, size, "%d, was %d", c->priority, j->priority);
	else if (c->event == EVENT_CANCEL && c->now)
		snprintf(out, size, "at once");
	else if (c->event == EVENT_PAUSE && j->stop_paused)
		snprintf(out, size, "the next start does not resume it");
	else if (c->event == EVENT_PAUSE && j->queue_paused)
		snprintf(out, size, "its queue's resume does not resume it%s",
		    c->release_slot ? "; without a slot" : "");
	else if (c->event == EVENT_PAUSE && c->release_slot)
		snprintf(out, size, "without a slot");
	else if (c->event == EVENT_RESUME && c->force)
		snprintf(out, size, "whatever the limits");
	else
		return NULL;
	return out;
}

/* From now on a pause is this person's, and nobody else ends it. */
static void take_over_pause(struct engine *e, struct live *l)
{
	if (!l->job.stop_paused && !l->job.queue_paused)
		return;
	l->job.stop_paused = l->job.queue_paused = false;
	engine_touch(e, l);
}

/* While its queue is paused a job whose pause is under way is treated as if that had come true. */
enum job_event control_resume_event(struct engine *e, struct live *l, bool force)
{
	if (l->job.state != JOB_PAUSED) {
		bool later = l->job.pause_requested && l->queue->state == QUEUE_PAUSED && !force;
		return later ? EVENT_RESUME_LATER : EVENT_RESUME;
	}
	if (!force && !choose_may_go_on(e, l))
		return EVENT_RESUME_LATER;
	waiting_leave(e, l);
	starts_take_slot(e, l);
	return EVENT_RESUME;
}

static struct control_result control_live(
    struct engine *e, const struct actor *who, struct live *l, const struct control *c)
{
	char text[80];
	struct step s = { .event = c->event, .who = who, .control = c,
		.detail = describe(&l->job, c, text, sizeof text) };
	struct control_result r = { .result = ENGINE_OK, .state = l->job.state };
	const char *why_not = objection(e, &l->job, c);
	bool pauses = c->event == EVENT_PAUSE && l->job.state == JOB_RUNNING && !l->silent;

	if (why_not || !state_find(l->job.state, c->event))
		return refuse(e, who, &l->job, c->event, why_not);
	if (c->event == EVENT_PAUSE && c->release_slot && !l->job.slot_released
	    && engine_over_quota(e, who, l->job.uid)) {
		r.result = ENGINE_OVER_QUOTA;
		return r;
	}
	if (pauses && !wait_for_pause(l, c)) {
		r.result = ENGINE_FAILED;
		return r;
	}
	if (c->event == EVENT_PAUSE)
		take_over_pause(e, l);
	if (c->event == EVENT_RESUME)
		s.event = control_resume_event(e, l, c->force);
	engine_step(e, l, &s);
	if (pauses)
		r.result = ENGINE_PENDING;
	else if (s.already)
		r.result = ENGINE_ALREADY;
	else if (c->event == EVENT_PAUSE && l->job.state != JOB_PAUSED)
		r.result = ENGINE_FAILED; /* its keeper is silent: asked for, and nobody waits */
	return r;
}

/* An ended job comes back to life for the step. */
static enum engine_result bring_back(struct engine *e, struct job *j, struct step *s)
{
	struct queue *q = queue_find(&e->queues, j->queue);

	if (engine_over_quota(e, s->who, j->uid))
		return ENGINE_OVER_QUOTA;
	if (engine_over_bytes(e, s->who, j->uid, job_bytes(j)))
		return ENGINE_OVER_BYTES;
	if (!q || !q->declared)
		return ENGINE_NO_QUEUE;
	struct live *l = live_add(&e->live, j);
	if (!l)
		return ENGINE_FAILED;
	l->queue = q;
	if (!unique_add(&e->unique, l))
		e->out_of_memory = true;
	engine_step(e, l, s);
	return ENGINE_OK;
}

static struct control_result control_ended(
    struct engine *e, const struct actor *who, struct job *j, const struct control *c)
{
	const struct state_row *row = state_find(j->state, c->event);
	const char *why_not = objection(e, j, c);
	struct step s = { .event = c->event, .who = who, .control = c };
	struct control_result r = { .result = ENGINE_OK, .state = j->state };

	if (!row || why_not)
		return refuse(e, who, j, c->event, why_not);
	if (row->to && !job_has_ended(row->to)) {
		r.result = bring_back(e, j, &s);
		return r;
	}
	struct live passing = { .job = *j };
	engine_step(e, &passing, &s);
	if (s.already)
		r.result = ENGINE_ALREADY;
	return r;
}

struct control_result engine_control(
    struct engine *e, const struct actor *who, uint64_t id, const struct control *c)
{
	struct live *l = live_find(&e->live, id);

	if (l)
		return control_live(e, who, l, c);

	struct job j;
	int rc = query_ended(e, id, &j);
	if (rc)
		return (struct control_result){
			.result = rc == -ENOENT ? ENGINE_NOT_FOUND : ENGINE_FAILED
		};
	struct control_result r = control_ended(e, who, &j, c);
	job_fini(&j);
	return r;
}

enum engine_result engine_pause_wait(struct engine *e, uint64_t id,
    void (*done)(void *arg, enum engine_result r, uint64_t id, pid_t culprit), void *arg)
{
	struct live *l = live_find(&e->live, id);
	const struct control c = { .event = EVENT_PAUSE, .done = done, .arg = arg };

	if (l && l->job.state == JOB_PAUSED)
		return ENGINE_OK;
	if (!l || !l->job.pause_requested)
		return ENGINE_WRONG_STATE;
	return !l->silent && wait_for_pause(l, &c) ? ENGINE_PENDING : ENGINE_FAILED;
}

void engine_control_forget(struct engine *e, uint64_t id, const void *arg)
{
	struct live *l = live_find(&e->live, id);
	struct pause_waiter **at = l ? &l->pause_waiters : NULL;

	while (at && *at) {
		struct pause_waiter *w = *at;
		if (w->arg == arg) {
			*at = w->next;
			free(w);
		} else {
			at = &w->next;
		}
	}
}

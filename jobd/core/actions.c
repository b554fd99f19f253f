/* SPDX-License-Identifier: ISC */
/*
 * What happens on the way from one state to the next: a small function for
 * each action of the table. When one is called the job's new state is set; the
 * journal entry, the row and the watchers follow by themselves.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/core/internal.h"
#include "jobd/core/outcome.h"

/* A pause is over, or does not count any more: the time goes to the total, and that of the job
 * goes on. */
static void count_pause(struct engine *e, struct live *l)
{
	struct job *j = &l->job;
	uint64_t now = e->real_us();

	if (j->paused_at_us && now > j->paused_at_us)
		j->now.paused_total_us += now - j->paused_at_us;
	j->paused_at_us = 0;
	j->resume_requested = false;
	if (!l->job.now.runs_since_us)
		l->job.now.runs_since_us = e->mono_us();
}

/* Whoever waited for a pause: it is not coming. */
static void drop_pause_request(struct live *l)
{
	l->job.pause_requested = false;
	engine_pause_answer(l, ENGINE_WRONG_STATE, 0);
}

static void replace(struct engine *e, char **field, const char *value)
{
	free(*field);
	*field = value ? strdup(value) : NULL;
	if (value && !*field)
		e->out_of_memory = true;
}

/* The keeper has nothing more to do with the job. */
static void let_keeper_go(struct engine *e, struct live *l)
{
	if (l->phase == LIVE_IDLE)
		return;
	if (l->phase == LIVE_ACTIVE)
		choose_note_end(e);
	starts_leave(e, l);
	if (l->silent)
		e->silent--;
	l->silent = false;
	proc_acknowledge(e->proc, l->job.id);
}

/* A new attempt: the one before was put away by revive. */
static void begin_attempt(struct engine *e, struct live *l)
{
	struct job_attempt *a = &l->job.now;

	a->number = l->start_attempt;
	a->nonce = l->start_nonce;
	a->started_at_us = e->real_us();
	replace(e, &a->boot_id, e->boot_id);
}

static void enter_queue(struct engine *e, struct live *l, struct step *s)
{
	if (s->event == EVENT_NEVER_RAN) {
		let_keeper_go(e, l);
		choose_delay(e, l, 0); /* whatever kept it from running may do so again at once */
		return;
	}
	l->job.reason = REASON_NONE;
	l->job.eligible_at_us = e->real_us();
}

static void leave_queue(struct engine *e, struct live *l, struct step *s)
{
	(void)s;
	starts_abandon(e, l);
	l->start_again_us = 0;
}

static void take_priority(struct engine *e, struct live *l, struct step *s)
{
	if (l->job.priority == s->control->priority) {
		s->already = true;
		return;
	}
	l->job.priority = (uint8_t)s->control->priority;
	starts_put_back(e, l);
}

static void begin(struct engine *e, struct live *l, struct step *s)
{
	struct job *j = &l->job;

	begin_attempt(e, l);
	j->reason = REASON_NONE;
	j->retry_at_us = 0;
	j->warned = j->timed_out = false;
	l->job.now.ran_us = 0;
	l->job.now.runs_since_us = e->mono_us();
	waiting_allow(e, l);
	j->now.keeper_pid = s->ready->keeper_pid;
	j->now.keeper_start = s->ready->keeper_start;
	j->now.pid = s->ready->pid;
	j->now.pid_start = s->ready->pid_start;
	replace(e, &j->now.cgroup, s->ready->cgroup);
	l->phase = LIVE_ACTIVE;
	proc_release(e->proc, j->id);
	e->marks |= MARK_START;
}

/* Nothing was run: it is as if the attempt had not been. */
static void unbegin(struct engine *e, struct live *l, struct step *s)
{
	struct job *j = &l->job;

	(void)s;
	drop_pause_request(l);
	let_keeper_go(e, l);
	job_attempt_fini(&j->now);
	memset(&j->now, 0, sizeof j->now);
	j->paused_at_us = 0;
	j->resume_requested = false;
	choose_delay(e, l, 0);
}

static void order_stop(struct engine *e, struct live *l, struct step *s)
{
	l->job.pause_requested = true;
	l->job.resume_requested = false;
	if (s->control && s->control->release_slot)
		l->job.slot_released = true;
	proc_order(e->proc, l->job.id, LEVEL_STOP, 0);
	e->marks |= MARK_PAUSE_INTENT;
}

/* The pause that is there stays, whatever was asked of it meanwhile; its slot may be given up. */
static void stay_paused(struct engine *e, struct live *l, struct step *s)
{
	struct job *j = &l->job;
	bool release = s->control && s->control->release_slot && !j->slot_released;

	s->already = !release && !j->resume_requested;
	j->resume_requested = false;
	if (!release)
		return;
	j->slot_released = true;
	starts_release_slot(e, l);
}

static void settle_pause(struct engine *e, struct live *l, struct step *s)
{
	(void)s;
	l->job.pause_requested = false;
	l->job.paused_at_us = e->real_us();
	if (l->job.now.runs_since_us)
		l->job.now.ran_us += e->mono_us() - l->job.now.runs_since_us;
	l->job.now.runs_since_us = 0;
	if (l->job.slot_released)
		starts_release_slot(e, l);
	engine_pause_answer(l, ENGINE_OK, 0);
	e->marks |= MARK_PAUSED;
}

static void drop_pause(struct engine *e, struct live *l, struct step *s)
{
	count_pause(e, l);
	l->job.pause_requested = false;
	starts_take_slot(e, l);
	proc_order(e->proc, l->job.id, LEVEL_RUN, 0);
	engine_pause_answer(l, ENGINE_UNSTOPPABLE, s->culprit);
}

static void order_run(struct engine *e, struct live *l, struct step *s)
{
	struct job *j = &l->job;

	if (!j->paused_at_us && !j->pause_requested) {
		s->already = true;
		return;
	}
	count_pause(e, l);
	drop_pause_request(l);
	proc_order(e->proc, j->id, LEVEL_RUN, 0);
	e->marks |= MARK_RESUME;
}

/* One whose pause is under way has its slot until that has come true. */
static void await_slot(struct engine *e, struct live *l, struct step *s)
{
	if (l->job.state == JOB_PAUSED)
		starts_release_slot(e, l);
	l->job.slot_released = true;
	s->already = l->job.resume_requested;
	l->job.resume_requested = true;
}

static void order_end(struct engine *e, struct live *l, struct step *s)
{
	struct job *j = &l->job;

	if (j->cancel_requested && !s->control->now) {
		s->already = true;
		return;
	}
	count_pause(e, l);
	drop_pause_request(l);
	starts_take_slot(e, l); /* until it has ended it is one of those that run, whatever the limit */
	j->cancel_requested = true;
	proc_order(e->proc, j->id, LEVEL_END, s->control->now ? 0 : e->settings.kill_grace_ms);
	e->marks |= MARK_CANCEL;
}

static void order_timeout(struct engine *e, struct live *l, struct step *s)
{
	(void)s;
	drop_pause_request(l);
	l->job.timed_out = true;
	proc_order(e->proc, l->job.id, LEVEL_END, e->settings.kill_grace_ms);
	e->marks |= MARK_CANCEL;
}

static void warn(struct engine *e, struct live *l, struct step *s)
{
	l->job.warned = true;
	proc_signal(e->proc, l->job.id, s->signal, false);
}

static void send_signal(struct engine *e, struct live *l, struct step *s)
{
	proc_signal(e->proc, l->job.id, s->control->signal, s->control->all);
}

static void note(struct engine *e, struct live *l, struct step *s)
{
	(void)e;
	(void)l;
	(void)s;
}

static void take_end(struct job_attempt *a, const struct keeper_end *end)
{
	a->has_status = true;
	a->silent = end->silent;
	a->status = attempt_status(end);
	a->usage = (struct job_usage){ end->cpu_us, end->max_rss_kb, end->in_blocks, end->out_blocks };
	if (end->ended_at_us)
		a->ended_at_us = end->ended_at_us;
}

/* The attempt is over, and its keeper has nothing more to do. */
static void end_attempt(struct engine *e, struct live *l, const struct step *s)
{
	struct job *j = &l->job;
	struct job_attempt *a = &j->now;

	if (s->end && l->phase == LIVE_STARTING)
		begin_attempt(e, l);
	count_pause(e, l);
	l->job.now.runs_since_us = 0;
	drop_pause_request(l);
	j->reason = s->reason;
	a->reason = s->reason;
	a->ended_at_us = e->real_us();
	if (s->reason)
		replace(e, &a->error, s->detail);
	if (l->phase == LIVE_STARTING && !s->end) {
		starts_abandon(e, l);
	} else if (l->phase != LIVE_IDLE) {
		if (s->end && s->end->kind != KEEPER_END_NEVER_RAN)
			take_end(a, s->end);
		queue_note_end(l->queue, e->mono_us());
		let_keeper_go(e, l);
		e->marks |= MARK_END;
	}
}

static void finish(struct engine *e, struct live *l, struct step *s)
{
	end_attempt(e, l, s);
	l->job.now.state = l->job.state;
	l->job.retry_at_us = 0;
	l->job.attempts = engine_attempts(l); /* what was allowed is part of the record */
}

/* Those after the first go, with their logs, until there is room for the last ones. */
static void thin_history(struct engine *e, struct job *j)
{
	if (j->nhistory <= JOB_HISTORY_MAX)
		return;
	size_t n = j->nhistory - JOB_HISTORY_MAX;
	for (struct job_attempt *a = &j->history[1]; a <= &j->history[n]; a++) {
		logs_doom(e, j->id, a);
		job_attempt_fini(a);
	}
	j->nhistory = JOB_HISTORY_MAX;
	memmove(&j->history[1], &j->history[1 + n], (j->nhistory - 1) * sizeof *j->history);
}

/* The last attempt goes to the history, and the job is as one that never ran. */
static void put_attempt_away(struct engine *e, struct job *j)
{
	if (j->now.number) {
		struct job_attempt *h = realloc(j->history, (j->nhistory + 1) * sizeof *h);
		if (!h) {
			e->out_of_memory = true;
			return;
		}
		j->history = h;
		h[j->nhistory++] = j->now;
		thin_history(e, j);
	} else {
		job_attempt_fini(&j->now);
	}
	memset(&j->now, 0, sizeof j->now);
	job_progress_free(j->progress);
	j->progress = NULL;
}

/* It failed, and the job goes on: with another attempt, or when a person lets it. */
static void put_away(struct engine *e, struct live *l, struct step *s)
{
	struct job *j = &l->job;

	end_attempt(e, l, s);
	j->now.state = JOB_FAILED;
	put_attempt_away(e, j);
	j->timed_out = j->warned = false;
	if (j->state == JOB_QUEUED)
		j->reason = REASON_NONE;
	j->retry_at_us = s->retry_at_us;
	j->eligible_at_us = e->real_us();
	l->failed_starts = 0;
	e->marks |= MARK_AGAIN;
}

static void revive(struct engine *e, struct live *l, struct step *s)
{
	struct job *j = &l->job;

	(void)s;
	put_attempt_away(e, j);
	j->cancel_requested = j->pause_requested = j->timed_out = j->warned = false;
	j->reason = REASON_NONE;
	j->eligible_at_us = e->real_us();
	j->retry_at_us = 0;
	if (j->deadline_us <= e->real_us()) /* it would fail again at once */
		j->deadline_us = 0;
	j->attempts = job_last_attempt(j) + 1; /* one more, whatever the rules give */
	depend_revive(e, l);
}

static void forget(struct engine *e, struct live *l, struct step *s)
{
	const struct job *j = &l->job;

	(void)s;
	for (size_t i = 0; i < j->nhistory; i++)
		logs_doom(e, j->id, &j->history[i]);
	logs_doom(e, j->id, &j->now);
	/* A start that was taken back at the gate used the next number. */
	logs_doom_number(e, j->id, job_last_attempt(j) + 1);
	submit_flush(e); /* who shares its environment since this turn keeps it */
	store_job_delete(e->store, j);
}

action_fn *const engine_actions[STATE_ACTIONS] = {
	[ACTION_ENTER_QUEUE] = enter_queue,
	[ACTION_LEAVE_QUEUE] = leave_queue,
	[ACTION_RANK] = take_priority,
	[ACTION_BEGIN] = begin,
	[ACTION_UNBEGIN] = unbegin,
	[ACTION_ORDER_STOP] = order_stop,
	[ACTION_STAY_PAUSED] = stay_paused,
	[ACTION_SETTLE_PAUSE] = settle_pause,
	[ACTION_DROP_PAUSE] = drop_pause,
	[ACTION_ORDER_RUN] = order_run,
	[ACTION_AWAIT_SLOT] = await_slot,
	[ACTION_ORDER_END] = order_end,
	[ACTION_ORDER_TIMEOUT] = order_timeout,
	[ACTION_WARN] = warn,
	[ACTION_SEND_SIGNAL] = send_signal,
	[ACTION_NOTE] = note,
	[ACTION_FINISH] = finish,
	[ACTION_PUT_AWAY] = put_away,
	[ACTION_REVIVE] = revive,
	[ACTION_FORGET] = forget,
};

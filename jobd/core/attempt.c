/* SPDX-License-Identifier: ISC */
/*
 * What keepers tell: the facts of an attempt, made into steps of the table.
 *
 * A fact about a job that is not (or no longer) in the state for it is passed
 * over: a keeper may speak while the job was being cancelled or held.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "jobd/core/internal.h"
#include "jobd/core/outcome.h"
#include "lib/status.h"

static void on_ready(void *ctx, uint64_t id, const struct proc_ready *r)
{
	struct engine *e = ctx;
	struct live *l = live_find(&e->live, id);

	if (l && l->phase == LIVE_STARTING)
		starts_ready(e, l, r);
	e->backoff_step = 0;
}

static void on_stopped(void *ctx, uint64_t id)
{
	struct engine *e = ctx;
	struct live *l = live_find(&e->live, id);
	struct step s = { .event = EVENT_STOPPED };

	if (l && l->job.pause_requested)
		engine_step(e, l, &s);
}

static void on_running(void *ctx, uint64_t id)
{
	(void)ctx;
	(void)id;
}

static void on_unstoppable(void *ctx, uint64_t id, pid_t pid)
{
	struct engine *e = ctx;
	struct live *l = live_find(&e->live, id);
	char detail[64];
	struct step s = { .event = EVENT_UNSTOPPABLE, .detail = detail, .culprit = pid };

	if (!l || (!l->job.pause_requested && l->job.state != JOB_PAUSED))
		return;
	snprintf(detail, sizeof detail, "process %ld did not stop", (long)pid);
	engine_step(e, l, &s);
}

static void on_recontinued(void *ctx, uint64_t id, pid_t pid)
{
	struct engine *e = ctx;
	struct live *l = live_find(&e->live, id);
	char detail[80];
	struct step s = { .event = EVENT_RECONTINUED, .detail = detail };

	snprintf(detail, sizeof detail, "process %ld was continued by somebody, and stopped again",
	    (long)pid);
	if (l)
		engine_step(e, l, &s);
}

/* "chdir /data: No such file or directory", or NULL where there is nothing to add. */
static const char *explain(const struct keeper_end *end, char *out, size_t size)
{
	if (end->kind == KEEPER_END_SPAWN) {
		snprintf(out, size, "%s%s%s", end->step ? end->step : "start", end->error ? ": " : "",
		    end->error ? strerror(end->error) : "");
		return out;
	}
	return NULL;
}

/* An even spread of numbers, the same for the same attempt. */
static uint64_t scatter(uint64_t id, uint32_t attempt)
{
	uint64_t x = (id << 20 ^ attempt) + UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static int shell_code(enum job_reason reason, const struct keeper_end *end)
{
	if (reason == REASON_TIMEOUT)
		return 124;
	return end ? status_shell_code(attempt_status(end)) : 0;
}

/* The attempt failed; what follows is the rules'. gone: nothing of it can still be running. */
static void fail(struct engine *e, struct live *l, struct step *s, bool gone)
{
	const struct rules r = engine_rules(l);
	const struct attempt_failure f = {
		.number = l->phase == LIVE_STARTING ? l->start_attempt : l->job.now.number,
		.allowed = engine_attempts(l),
		.reason = s->reason,
		.code = shell_code(s->reason, s->end),
		.gone = gone,
	};

	s->event = attempt_next(&r, &f);
	if (s->event == EVENT_AGAIN)
		s->retry_at_us =
		    e->real_us() + attempt_backoff_us(&r, &f, scatter(l->job.id, f.number));
	engine_step(e, l, s);
}

static void on_ended(void *ctx, uint64_t id, const struct keeper_end *end)
{
	struct engine *e = ctx;
	struct live *l = live_find(&e->live, id);
	char text[512];

	if (!l || l->phase == LIVE_IDLE) {
		proc_acknowledge(e->proc, id);
		return;
	}
	struct attempt_outcome o =
	    attempt_outcome(l->job.cancel_requested, l->job.timed_out, end);
	struct step s = { .event = o.event, .reason = o.reason, .end = end,
		.detail = explain(end, text, sizeof text) };
	if (end->boot_id)
		e->marks |= MARK_EXIT_FILE;
	if (s.event == EVENT_FAILED)
		fail(e, l, &s, true);
	else
		engine_step(e, l, &s);
}

static bool no_room(int error)
{
	return error == -EAGAIN || error == -ENOMEM || error == -EMFILE || error == -ENFILE;
}

static void on_unstarted(void *ctx, uint64_t id, int error, const char *text)
{
	struct engine *e = ctx;
	struct live *l = live_find(&e->live, id);
	const struct keeper_end nothing = { .id = id, .kind = KEEPER_END_NEVER_RAN, .empty = true };

	(void)text; /* proc has logged it */
	/* It may have stood at the gate, and be on record as running, when its keeper died. */
	if (l && l->phase == LIVE_ACTIVE)
		on_ended(ctx, id, &nothing);
	if (!l || l->phase != LIVE_STARTING)
		return;
	bool ahead = !l->slot;
	starts_leave(e, l);
	if (no_room(error)) {
		/* One that nobody waited for yet is no reason to start none. */
		if (ahead)
			choose_prepare_no_more(e);
		else
			choose_back_off(e);
		waiting_place(e, l);
	} else if (error == -ESTALE) {
		waiting_place(e, l);
	} else {
		choose_delay(e, l, error);
	}
}

static void on_lost(void *ctx, uint64_t id, const char *text, bool gone)
{
	struct engine *e = ctx;
	struct live *l = live_find(&e->live, id);
	struct step s = { .event = EVENT_FAILED, .reason = REASON_LOST, .detail = text };

	if (!l || l->phase == LIVE_IDLE)
		proc_acknowledge(e->proc, id);
	else if (l->job.cancel_requested || l->job.timed_out)
		engine_step(e, l, &s);
	else
		fail(e, l, &s, gone);
}

static void on_orphaned(void *ctx, uint64_t id)
{
	struct engine *e = ctx;
	struct live *l = live_find(&e->live, id);

	struct step s = { .detail = "its keeper died; jobd looks after it" };

	if (!l)
		return;
	struct journal_entry entry = engine_entry(e, &l->job, &s, l->job.state);
	entry.verb = "orphaned";
	entry.to = entry.from;
	engine_journal(e, &l->job, &entry);
}

static void on_silent(void *ctx, uint64_t id, bool is)
{
	struct engine *e = ctx;
	struct live *l = live_find(&e->live, id);

	if (!l || l->silent == is)
		return;
	l->silent = is;
	if (!is) {
		e->silent--;
		return;
	}
	e->silent++;
	/* Nobody waits for it: the intent is on disk, and comes true when it answers. */
	engine_pause_answer(l, ENGINE_FAILED, 0);
}

static void on_notified(void *ctx, uint64_t id, const char *text, size_t len)
{
	struct engine *e = ctx;
	struct live *l = live_find(&e->live, id);

	if (!l)
		return;
	if (!l->job.progress)
		l->job.progress = job_progress_new();
	if (!l->job.progress || !progress_parse(l->job.progress, text, len))
		return;
	l->progress_dirty = true;
	engine_changed(e, l, CHANGE_PROGRESS);
}

const struct proc_events *engine_proc_events(void)
{
	static const struct proc_events events = {
		.ready = on_ready,
		.unstarted = on_unstarted,
		.stopped = on_stopped,
		.running = on_running,
		.unstoppable = on_unstoppable,
		.recontinued = on_recontinued,
		.ended = on_ended,
		.lost = on_lost,
		.orphaned = on_orphaned,
		.silent = on_silent,
		.notified = on_notified,
	};

	return &events;
}

/* SPDX-License-Identifier: ISC */
/*
 * Where a job stands that waits, and what is due for it.
 *
 * A queued job stands in the order of its queue when nothing keeps it from starting but limits
 * and those before it. Else it stands nowhere, and comes back by what it waits for: the end of
 * another job (depend.c), or a moment (due.h). A paused job without a slot that is to go on is no
 * start: it stands apart.
 *
 * Moments that people name are of the wall clock, and hold over restarts. What is measured is of
 * the monotonic one, so that a clock that is set ends nobody's job.
 */
#include "config.h"

#include <stdio.h>

#include "jobd/core/internal.h"
#include "lib/status.h"

#define DUE_PER_TURN  250 /* jobs, as job_work has them */
#define WARN_AFTER_US 1000000u

/*
 * A constant for a job that waits: with ageing, each step of priority is worth
 * so long a wait, so that none waits for ever; without, priority comes first.
 */
static uint64_t rank_of(const struct engine *e, const struct job *j)
{
	if (e->settings.ageing_us == 0)
		return (uint64_t)j->priority << 56 | j->eligible_at_us;
	return j->eligible_at_us + j->priority * e->settings.ageing_us;
}

void waiting_rank(const struct engine *e, struct live *l)
{
	l->rank = rank_of(e, &l->job);
}

static void leave_resuming(struct engine *e, struct live *l)
{
	if (!order_has(l)) /* else its place is one in its line */
		heap_take(&e->resuming, &order_jobs, l);
}

/* A paused job that is to go on stands among those that do as soon as there is a slot. */
static void place_paused(struct engine *e, struct live *l)
{
	if (l->job.state != JOB_PAUSED || !l->job.resume_requested) {
		leave_resuming(e, l);
		return;
	}
	waiting_rank(e, l);
	if (!heap_put(&e->resuming, &order_jobs, l))
		e->out_of_memory = true;
}

static bool wants_to_start(const struct live *l)
{
	return l->job.state == JOB_QUEUED && l->phase == LIVE_IDLE;
}

uint64_t waiting_until(const struct live *l)
{
	const struct job *j = &l->job;

	return j->retry_at_us > j->not_before_us ? j->retry_at_us : j->not_before_us;
}

/* Real time; 0: nothing is due. A deadline is for the first start. */
static uint64_t real_due(const struct live *l, bool kept_back)
{
	const struct job *j = &l->job;
	uint64_t due = kept_back ? waiting_until(l) : 0;
	bool never_ran = job_last_attempt(j) == 0 && (j->state == JOB_QUEUED || j->state == JOB_HELD);

	if (never_ran && j->deadline_us && (!due || j->deadline_us < due))
		due = j->deadline_us;
	return due;
}

/* Whether it is to be warned yet. Not before it has run for a moment: it may not have called
 * exec, and would die of the signal. */
static bool warns(const struct live *l, const struct rules *r)
{
	return r->warn_signal && !l->job.warned && l->job.now.timeout_us > WARN_AFTER_US;
}

void waiting_allow(struct engine *e, struct live *l)
{
	const struct rules r = engine_rules(l);
	uint64_t most = r.timeout_us ? r.timeout_us : JOB_NO_TIMEOUT;

	if (most <= l->job.now.timeout_us)
		return;
	l->job.now.timeout_us = most;
	engine_touch(e, l);
}

/* When the time of a running attempt is up, or it is to be warned of that; 0: never. */
static uint64_t mono_due(const struct live *l)
{
	const struct job *j = &l->job;

	if (j->state != JOB_RUNNING || j->cancel_requested || j->timed_out || !j->now.runs_since_us)
		return 0;
	const struct rules r = engine_rules(l);
	uint64_t limit = j->now.timeout_us;
	if (limit == JOB_NO_TIMEOUT)
		return 0;
	if (warns(l, &r))
		limit = limit > r.warn_us + WARN_AFTER_US ? limit - r.warn_us : WARN_AFTER_US;
	return j->now.runs_since_us + (limit > j->now.ran_us ? limit - j->now.ran_us : 0);
}

static void set_due(struct engine *e, struct live *l, enum due_clock clock, uint64_t at_us)
{
	if (!due_set(&e->due, clock, l, at_us))
		e->out_of_memory = true;
}

void waiting_place(struct engine *e, struct live *l)
{
	uint64_t until = waiting_until(l);
	bool later = l->job.state == JOB_QUEUED && until > e->real_us();
	bool again = l->start_again_us > e->mono_us();

	/* First, since a job has one heap_at for both heaps: whether it stands among those that resume
	 * can be told only as long as it is not in a line. */
	place_paused(e, l);
	if (!wants_to_start(l) || l->unmet || later || again) {
		order_take(&e->order, l);
		if (l->phase == LIVE_STARTING) /* it may have to wait for a slot, by its rank as it is now */
			waiting_rank(e, l);
	} else {
		l->start_again_us = 0;
		if (l->job.eligible_at_us < until)
			l->job.eligible_at_us = until;
		if (!order_put(&e->order, l, rank_of(e, &l->job)))
			e->out_of_memory = true;
	}
	set_due(e, l, DUE_REAL, real_due(l, wants_to_start(l) && later));
	set_due(e, l, DUE_MONO, wants_to_start(l) && again ? l->start_again_us : mono_due(l));
}

void waiting_leave(struct engine *e, struct live *l)
{
	order_take(&e->order, l);
	leave_resuming(e, l);
	set_due(e, l, DUE_REAL, 0);
	set_due(e, l, DUE_MONO, 0);
}

static uint64_t moved(uint64_t at_us, int64_t by_us)
{
	if (by_us < 0 && at_us < (uint64_t)-by_us)
		return 0;
	return at_us + (uint64_t)by_us;
}

struct clock_step {
	struct engine *e;
	int64_t by_us;
};

static void move_waits(void *ctx, struct live *l)
{
	const struct clock_step *c = ctx;
	struct job *j = &l->job;

	if (j->state == JOB_RUNNING)
		return;
	j->eligible_at_us = moved(j->eligible_at_us, c->by_us);
	if (j->retry_at_us) {
		j->retry_at_us = moved(j->retry_at_us, c->by_us);
		engine_touch(c->e, l);
	}
	waiting_place(c->e, l);
}

void waiting_clock_was_set(struct engine *e, int64_t by_us)
{
	struct clock_step c = { e, by_us };

	live_each(&e->live, move_waits, &c);
}

void waiting_believe(const struct engine *e, struct job *j, uint64_t backoff_most_us)
{
	uint64_t now = e->real_us();

	if (j->eligible_at_us > now && j->eligible_at_us > j->not_before_us)
		j->eligible_at_us = now;
	if (j->retry_at_us > now + backoff_most_us)
		j->retry_at_us = now + backoff_most_us;
}

/* How long the attempt has run, of a job that is running now. */
static uint64_t ran_us(const struct engine *e, const struct live *l)
{
	return l->job.now.ran_us + (e->mono_us() - l->job.now.runs_since_us);
}

static void warn(struct engine *e, struct live *l)
{
	const struct rules r = engine_rules(l);
	char text[80];
	struct step s = { .event = EVENT_WARN, .detail = text, .signal = r.warn_signal };

	snprintf(text, sizeof text, "SIG%s: its time is up in %llu s", status_signal_name(r.warn_signal),
	    (unsigned long long)(l->job.now.timeout_us - ran_us(e, l) + 999999) / 1000000);
	engine_step(e, l, &s);
}

static void time_out(struct engine *e, struct live *l)
{
	char text[80];
	struct step s = { .event = EVENT_TIMEOUT, .detail = text };

	snprintf(text, sizeof text, "it ran for %llu s", (unsigned long long)ran_us(e, l) / 1000000);
	engine_step(e, l, &s);
}

static void miss_deadline(struct engine *e, struct live *l)
{
	struct step s = { .event = EVENT_FAILED, .reason = REASON_DEADLINE,
		.detail = "it had not started by its deadline" };

	engine_step(e, l, &s);
}

static void real_is_due(struct engine *e, struct live *l)
{
	const struct job *j = &l->job;

	if (real_due(l, false) && j->deadline_us <= e->real_us())
		miss_deadline(e, l);
	else
		waiting_place(e, l);
}

static void mono_is_due(struct engine *e, struct live *l)
{
	if (l->job.state != JOB_RUNNING) {
		waiting_place(e, l);
		return;
	}
	const struct rules r = engine_rules(l);
	if (warns(l, &r) && ran_us(e, l) < l->job.now.timeout_us)
		warn(e, l);
	else
		time_out(e, l);
}

void waiting_run(struct engine *e)
{
	uint64_t at, real = e->real_us(), mono = e->mono_us();
	struct live *l;

	for (size_t n = 0; n < DUE_PER_TURN; n += job_work(&l->job, l->bytes)) {
		if ((l = due_first(&e->due, DUE_REAL, &at)) && at <= real)
			real_is_due(e, l);
		else if ((l = due_first(&e->due, DUE_MONO, &at)) && at <= mono)
			mono_is_due(e, l);
		else
			return;
	}
}

uint64_t waiting_next_us(const struct engine *e)
{
	uint64_t at, next = UINT64_MAX, real = e->real_us(), mono = e->mono_us();

	if (due_first(&e->due, DUE_REAL, &at))
		next = at > real ? at - real : 0;
	if (due_first(&e->due, DUE_MONO, &at) && (at <= mono || at - mono < next))
		next = at > mono ? at - mono : 0;
	return next;
}

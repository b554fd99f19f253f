/* SPDX-License-Identifier: ISC */
/*
 * What the journal says, against what may be: each entry is a row of the table, begins where the
 * job was, and has a cause that the model knows of.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "jobd/core/state.h"
#include "sim_model.h"

__attribute__((format(printf, 2, 3))) static _Noreturn void wrong(
    const struct mjob *m, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	sim_fail("job %llu (%s): %s", (unsigned long long)m->id, job_state_name(m->state), text);
}

static bool had_no_room(const struct keeper_end *end)
{
	return end->kind == KEEPER_END_SPAWN && strncmp(end->step, "exec", 4) != 0 &&
	       end->error == EAGAIN;
}

static void expect(struct mjob *m, const char *verb, enum job_reason reason)
{
	m->expect = verb;
	m->expect_reason = reason;
}

/* What follows a failed attempt, by the rules as they are. */
static void expect_next(struct mjob *m, enum job_reason reason, int code, bool gone)
{
	unsigned number = m->attempt ? m->attempt : m->last + 1;
	uint64_t allowed = model_rule(m, SIM_ATTEMPTS), not = model_rule(m, SIM_RETRY_NOT);
	bool left = number < (allowed > m->allowed ? allowed : m->allowed);

	if (reason != REASON_LOST && reason != REASON_SHUTDOWN) {
		bool again = left && code != 0 && (uint64_t)code != not ;
		expect(m, again ? "again" : "failed", reason);
		return;
	}
	switch (model_rule(m, SIM_RECOVERY)) {
	case RECOVERY_HOLD:
		expect(m, "set-aside", reason);
		break;
	case RECOVERY_FAIL:
		expect(m, "failed", reason);
		break;
	default:
		expect(m, !left ? "failed" : gone ? "again" : "set-aside", reason);
	}
	m->survivors = !gone && strcmp(m->expect, "set-aside") == 0;
}

static void told_of_end(struct mjob *m, const struct keeper_end *end)
{
	int code =
	    WIFSIGNALED(end->status) ? 128 + WTERMSIG(end->status) : WEXITSTATUS(end->status);

	if (end->kind == KEEPER_END_NEVER_RAN || had_no_room(end))
		expect(m, m->cancel ? "cancelled" : "never-ran", REASON_NONE);
	else if (m->cancel)
		expect(m, "cancelled", REASON_NONE);
	else if (end->kind == KEEPER_END_SPAWN)
		expect_next(m, REASON_SPAWN, 127, true);
	else if (m->timed_out)
		expect_next(m, REASON_TIMEOUT, 124, true);
	else if (code == 0)
		expect(m, "completed", REASON_NONE);
	else if (end->shutdown)
		expect_next(m, REASON_SHUTDOWN, code, true);
	else
		expect_next(m, WIFSIGNALED(end->status) ? REASON_SIGNAL : REASON_EXIT, code, true);
}

void model_fact(const struct op *op)
{
	struct mjob *m = model_job(op->id);

	if (!model_is_live(m))
		sim_fail("a keeper of job %llu speaks, and there is no such job",
		    (unsigned long long)op->id);
	if (op->fact == FACT_ENDED)
		told_of_end(m, &op->end);
	else if (op->fact == FACT_LOST && (m->cancel || m->timed_out))
		expect(m, "failed", REASON_LOST);
	else if (op->fact == FACT_LOST)
		expect_next(m, REASON_LOST, 0, op->gone);
	else if (m->attempt)
		expect(m, m->cancel ? "cancelled" : "never-ran", REASON_NONE);
	else if (op->error != -EAGAIN && op->error != -ESTALE)
		model_put_off(m);
}

static void expected(struct mjob *m, const struct journal_entry *e)
{
	if (!m->expect || strcmp(m->expect, e->verb) != 0)
		wrong(m, "it is \"%s\", where %s was due", e->verb,
		    m->expect ? m->expect : "nothing");
	if (e->reason != m->expect_reason)
		wrong(
		    m, "%s with reason %d, where %d was due", e->verb, e->reason, m->expect_reason);
	m->expect = NULL;
}

static void no_pause(struct mjob *m)
{
	m->pausing = m->released = m->resume_later = false;
}

static void runs_again(struct mjob *m)
{
	no_pause(m);
	if (!m->since)
		m->since = world()->mono;
}

static void take_hold(struct mjob *m, const struct journal_entry *e)
{
	(void)e;
	m->again = 0;
}

static void take_release(struct mjob *m, const struct journal_entry *e)
{
	(void)e;
	m->survivors = m->ripe = false; /* a person says that it may */
}

static void take_pause(struct mjob *m, const struct journal_entry *e)
{
	const struct op *op = e->has_actor ? model_current() : NULL;
	bool release = op && op->kind == OP_CONTROL && op->id == m->id && op->control.release_slot;

	if (m->cancel || m->timed_out)
		wrong(m, "it is paused while it is being ended");
	if (m->state == JOB_RUNNING)
		m->pausing = true;
	m->resume_later = false;
	m->released |= release;
}

static bool is_forced(void)
{
	const struct op *op = model_current();

	return op && op->kind == OP_CONTROL && op->control.force;
}

/* Whether a resume is for later: a pause that is under way comes true where the queue is paused too. */
static bool resumes_later(const struct mjob *m, const struct journal_entry *e)
{
	bool shut = m->pausing && model()->queues[m->queue].state == QUEUE_PAUSED;

	return e->to == JOB_PAUSED || (shut && !is_forced());
}

static void take_resume(struct mjob *m, const struct journal_entry *e)
{
	if (resumes_later(m, e)) {
		m->resume_later = m->released = true;
		return;
	}
	if (e->from == JOB_RUNNING)
		; /* its pause was not a fact yet */
	else if (e->has_actor)
		m->took = is_forced() ? TOOK_FORCED : TOOK_ASKED;
	else
		m->took =
		    strcmp(e->detail, "there is a slot for it") == 0 ? TOOK_WENT_ON : TOOK_ASKED;
	runs_again(m);
}

static void take_cancel(struct mjob *m, const struct journal_entry *e)
{
	if (e->to == JOB_CANCELLED) {
		if (!e->has_actor)
			wrong(m, "it is cancelled by nobody");
		return;
	}
	if (m->state == JOB_PAUSED)
		m->took = TOOK_FORCED; /* it holds one until it has ended */
	runs_again(m);
	m->cancel = true;
}

static void take_priority(struct mjob *m, const struct journal_entry *e)
{
	(void)e;
	m->priority = (unsigned)model_current()->control.priority;
}

static void take_start(struct mjob *m, const struct journal_entry *e)
{
	if (model()->queues[m->queue].state != QUEUE_OPEN)
		wrong(m, "it starts, and its queue is %s",
		    queue_state_name(model()->queues[m->queue].state));
	if (model()->stopping)
		wrong(m, "it starts, and jobd is stopping");
	if (!model_is_met(m))
		wrong(m, "it starts, and what it waits for is not there");
	if (m->survivors)
		wrong(m, "it starts again, and something of it may be running");
	if (e->attempt != m->last + 1)
		wrong(m, "attempt %u follows attempt %u", e->attempt, m->last);
	if (!m->last && m->deadline && m->deadline < world()->real)
		wrong(m, "it starts after its deadline");
	m->attempt = m->last = e->attempt;
	m->dead = false;
	m->ran = m->limit = 0;
	m->since = world()->mono;
	model_allow(m);
	m->dead = m->warned = m->timed_out = false;
	m->retry_at = m->retry_low = m->retry_high = 0;
	world()->starts++;
}

static void forget_attempt(struct mjob *m)
{
	no_pause(m);
	m->attempt = 0;
	m->ran = m->since = 0;
	m->timed_out = m->warned = false;
}

static void take_never_ran(struct mjob *m, const struct journal_entry *e)
{
	expected(m, e);
	if (m->attempt)
		m->last--;
	forget_attempt(m);
	model_put_off(m);
}

static void take_stopped(struct mjob *m, const struct journal_entry *e)
{
	(void)e;
	if (!m->pausing)
		wrong(m, "it is paused, and nobody asked for that");
	m->ran = model_ran(m);
	m->since = 0;
	m->pausing = false;
}

static void take_unstoppable(struct mjob *m, const struct journal_entry *e)
{
	(void)e;
	runs_again(m);
	m->took = TOOK_FORCED;
}

/* Before its time. */
static void not_early(struct mjob *m, uint64_t limit, const char *what)
{
	if (model_ran(m) < limit)
		wrong(m, "%s after %llu us of %llu", what, (unsigned long long)model_ran(m),
		    (unsigned long long)limit);
}

static void take_warned(struct mjob *m, const struct journal_entry *e)
{
	uint64_t before = model_rule(m, SIM_WARN);

	(void)e;
	if (m->limit == UINT64_MAX || !before || m->warned || m->cancel || m->timed_out)
		wrong(m, "it is warned for nothing");
	not_early(m, model_warning(m), "it is warned");
	m->warned = true;
}

static void take_timeout(struct mjob *m, const struct journal_entry *e)
{
	(void)e;
	if (m->limit == UINT64_MAX || m->cancel || m->timed_out)
		wrong(m, "its time is up, and it had none");
	not_early(m, m->limit, "its time is up");
	no_pause(m);
	m->timed_out = true;
}

/* How long its next attempt waits: doubled each time up to the most, and more or less by the
 * jitter. */
static void await_retry(struct mjob *m, enum job_reason reason)
{
	uint64_t wait = model_rule(m, SIM_BACKOFF), most = model_rule(m, SIM_BACKOFF_MAX);

	if (most < wait)
		most = wait;
	for (unsigned n = 1; n < m->last && wait < most; n++)
		wait = wait * 2 < most ? wait * 2 : most;
	if (reason == REASON_LOST || reason == REASON_SHUTDOWN)
		wait = 0;
	uint64_t sway = wait / 100 * model_rule(m, SIM_JITTER);
	m->retry_low = world()->real + wait - sway;
	m->retry_high = world()->real + wait + sway;
}

static void take_again(struct mjob *m, const struct journal_entry *e)
{
	expected(m, e);
	if (m->survivors)
		wrong(m, "another attempt follows, and something of the last may be running");
	m->last += !m->attempt;
	await_retry(m, e->reason);
	forget_attempt(m);
	m->fails = 0;
	m->ripe = false;
}

static void take_set_aside(struct mjob *m, const struct journal_entry *e)
{
	expected(m, e);
	forget_attempt(m);
	m->fails = 0;
	m->retry_at = m->retry_low = m->retry_high = 0;
}

static void take_failed(struct mjob *m, const struct journal_entry *e)
{
	if (m->expect) {
		expected(m, e);
		if (!m->attempt && e->reason == REASON_SPAWN)
			m->last++;
	} else if (e->reason == REASON_DEADLINE) {
		if (m->last || !m->deadline || m->deadline > world()->real)
			wrong(m, "its deadline is missed, and it is not over");
	} else if (e->reason == REASON_DEPENDENCY) {
		if (!model_may_be_doomed(m))
			wrong(m, "it failed by what it waits for, which may come true");
	} else {
		wrong(m, "it failed (%d), and nobody knows why", e->reason);
	}
}

static void take_nothing(struct mjob *m, const struct journal_entry *e)
{
	(void)m;
	(void)e;
}

static void take_retry(struct mjob *m, const struct journal_entry *e)
{
	(void)e;
	model_revive(m);
}

static const struct {
	const char *verb;
	void (*take)(struct mjob *m, const struct journal_entry *e);
} verbs[] = {
    {"hold", take_hold},
    {"release", take_release},
    {"pause", take_pause},
    {"resume", take_resume},
    {"cancel", take_cancel},
    {"signal", take_nothing},
    {"retry", take_retry},
    {"delete", take_nothing},
    {"priority", take_priority},
    {"edit", take_nothing},
    {"start", take_start},
    {"never-ran", take_never_ran},
    {"stopped", take_stopped},
    {"unstoppable", take_unstoppable},
    {"recontinued", take_nothing},
    {"completed", expected},
    {"failed", take_failed},
    {"cancelled", expected},
    {"warned", take_warned},
    {"timeout", take_timeout},
    {"again", take_again},
    {"set-aside", take_set_aside},
};

/* The entry has to be a row of the table. */
static void find_row(const struct mjob *m, const struct journal_entry *e)
{
	for (int ev = 1; ev < JOB_EVENTS; ev++) {
		const struct state_row *row = state_find(e->from, (enum job_event)ev);
		if (ev == EVENT_RESUME && resumes_later(m, e))
			continue;
		if (row && row->to == e->to &&
		    strcmp(state_event_name((enum job_event)ev), e->verb) == 0) {
			world()->rows[e->from][ev] = 1;
			return;
		}
	}
	wrong(m, "\"%s\" takes it from %s to %s, which is not in the table", e->verb,
	    job_state_name(e->from), e->to ? job_state_name(e->to) : "nowhere");
}

static void take_submit(struct mjob *m, const struct journal_entry *e)
{
	m->state = e->to;
	m->staged = strcmp(e->result, "staged") == 0;
	if (e->from || (e->to != JOB_QUEUED && e->to != JOB_HELD))
		wrong(m, "it was submitted as what no new job is");
}

static void daemons(const struct journal_entry *e)
{
	if (strcmp(e->verb, "daemon-stop") == 0)
		model()->stopping = true;
	else if (strcmp(e->verb, "drop") == 0 && !e->has_actor)
		model_remove_batch(strtoull(e->detail + strlen("batch "), NULL, 10));
}

static void move(struct mjob *m, const struct journal_entry *e)
{
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(verbs[i].verb, e->verb) == 0)
			verbs[i].take(m, e);
	if (!e->to)
		model_gone(m);
	else if (job_has_ended(e->to))
		model_end(m, e->to, e->reason);
	else
		m->state = e->to;
}

void model_entry(const struct journal_entry *e)
{
	struct mjob *m = e->job ? model_job(e->job) : NULL;
	bool already = strcmp(e->result, "already") == 0, staged = strcmp(e->result, "staged") == 0;

	if (!e->job)
		daemons(e);
	if (!e->job || (!already && !staged && strcmp(e->result, "ok") != 0))
		return;
	if (!m)
		sim_fail(
		    "\"%s\" of job %llu, which is not there", e->verb, (unsigned long long)e->job);
	m->turn = world()->turns;
	if (e->at_us != world()->real)
		wrong(m, "\"%s\" has the wrong time", e->verb);
	if (strcmp(e->verb, "submit") == 0) {
		take_submit(m, e);
		return;
	}
	if (m->staged)
		wrong(m, "\"%s\", and its batch is not sealed", e->verb);
	if (e->from != m->state)
		wrong(m, "\"%s\" begins at %s", e->verb, job_state_name(e->from));
	if (strcmp(e->verb, "left") == 0 || strcmp(e->verb, "orphaned") == 0)
		return;
	find_row(m, e);
	if (already && e->from != e->to)
		wrong(m, "\"%s\" is already so, and changes it", e->verb);
	if (!already)
		move(m, e);
}

/* SPDX-License-Identifier: ISC */
/* After each turn: what the engine shows is what the model has, and whatever was due has been done.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "jobd/store/record.h"
#include "jobd/store/store.h"
#include "sim_model.h"
#include "sim_peek.h"
#include "sim_proc.h"

#define DOOMED_TURNS 3
#define VIEW_TURNS   8 /* a job that nothing has happened to is looked at once in so many turns */
#define ROW_TURNS    64

static uint64_t until(const struct mjob *m)
{
	return m->retry_at > m->not_before ? m->retry_at : m->not_before;
}

static void same(const struct mjob *m, const char *what, uint64_t is, uint64_t should)
{
	if (is != should)
		sim_fail("job %llu (%s): its %s is %llu, and should be %llu",
		    (unsigned long long)m->id, job_state_name(m->state), what,
		    (unsigned long long)is, (unsigned long long)should);
}

/* When its next attempt is due, and since when its place in the order counts: since it could first
 * have started, and that is never put back. */
static void check_times(struct mjob *m, const struct peek *p)
{
	if (p->retry_at < m->retry_low || p->retry_at > m->retry_high)
		sim_fail("job %llu: its next attempt is due at %llu, not between %llu and %llu",
		    (unsigned long long)m->id, (unsigned long long)p->retry_at,
		    (unsigned long long)m->retry_low, (unsigned long long)m->retry_high);
	m->retry_at = p->retry_at;
	if (m->eligible && p->eligible != m->eligible && p->eligible != world()->real &&
	    p->eligible != until(m))
		sim_fail("job %llu counts from %llu, did from %llu, and nothing has happened to it",
		    (unsigned long long)m->id, (unsigned long long)p->eligible,
		    (unsigned long long)m->eligible);
	m->eligible = p->eligible;
}

static void check_view(struct mjob *m)
{
	struct job_view v;
	enum engine_result r = engine_get(world()->engine, m->id, &v);

	if (m->staged && r != ENGINE_NOT_FOUND)
		sim_fail(
		    "job %llu is shown, and its batch is not sealed", (unsigned long long)m->id);
	if (m->staged)
		return;
	if (r != ENGINE_OK)
		sim_fail("job %llu is not there", (unsigned long long)m->id);
	same(m, "state", v.job->state, m->state);
	same(m, "priority", v.job->priority, m->priority);
	same(m, "attempt", v.job->now.number, m->attempt);
	same(m, "last attempt", job_last_attempt(v.job), m->last);
	uint64_t attempts = model_rule(m, SIM_ATTEMPTS);
	same(m, "number of attempts", v.attempts, attempts > m->allowed ? attempts : m->allowed);
	same(m, "pause", v.job->pause_requested, m->pausing);
	same(m, "cancel", v.job->cancel_requested, m->cancel);
	same(m, "wait for a slot", v.job->resume_requested, m->resume_later);
	same(m, "slot given up", v.job->slot_released, m->released);
	if (strcmp(v.job->queue, sim_queues[m->queue]) != 0)
		sim_fail("job %llu is in queue %s", (unsigned long long)m->id, v.job->queue);
	if (m->state == JOB_QUEUED && !m->starting && !model()->backlog &&
	    (v.reason == REASON_DEPENDENCY) == model_is_met(m))
		sim_fail("job %llu waits for reason %s", (unsigned long long)m->id,
		    v.reason ? job_reason_name(v.reason) : "none");
}

/* It waits, or may: nothing that was due has been passed over. */
static void check_waiting(struct mjob *m)
{
	const struct world *w = world();

	if (w->real >= until(m))
		m->ripe = true;
	if (!model()->backlog && !m->last && m->deadline && m->deadline <= w->real)
		sim_fail("job %llu waits past its deadline", (unsigned long long)m->id);
	if (!model()->backlog && model_is_doomed(m) && ++m->doomed_turns > DOOMED_TURNS)
		sim_fail("job %llu waits for what can't come true", (unsigned long long)m->id);
	if (m->state == JOB_HELD && (m->slot || m->starting))
		sim_fail("job %llu is held, and is being started", (unsigned long long)m->id);
	if (m->slot && !m->starting)
		sim_fail("job %llu waits, and holds a slot", (unsigned long long)m->id);
}

static void check_running(const struct mjob *m)
{
	uint64_t limit = m->limit, before = model_rule(m, SIM_WARN);
	bool counts = m->state == JOB_RUNNING && limit != UINT64_MAX && !m->dead && !m->cancel && !m->timed_out &&
		      !model()->backlog;

	if (counts && model_ran(m) >= limit)
		sim_fail("job %llu has run for %llu us of %llu", (unsigned long long)m->id,
		    (unsigned long long)model_ran(m), (unsigned long long)limit);
	if (counts && before && !m->warned && model_ran(m) >= model_warning(m))
		sim_fail("job %llu was not warned", (unsigned long long)m->id);
	if (m->state == JOB_RUNNING ? !m->slot : m->slot == m->released)
		sim_fail("job %llu (%s) %s a slot", (unsigned long long)m->id,
		    job_state_name(m->state), m->slot ? "holds" : "has not");
	if (!sim_proc_has(world()->proc, m->id))
		sim_fail("job %llu runs without a keeper", (unsigned long long)m->id);
}

static void check_queue(unsigned n)
{
	const struct mqueue *q = &model()->queues[n];
	struct queue_view v;
	unsigned jobs = 0;

	for (int s = JOB_QUEUED; s <= JOB_PAUSED; s++)
		jobs += q->counts[s];
	engine_queues_look(world()->engine);
	enum engine_result r = engine_queue_get(world()->engine, sim_queues[n], &v);
	if ((r == ENGINE_OK) != (q->declared || jobs))
		sim_fail("queue %s is %sshown", sim_queues[n], r == ENGINE_OK ? "" : "not ");
	if (r != ENGINE_OK)
		return;
	if (v.queued != q->counts[JOB_QUEUED] || v.held != q->counts[JOB_HELD] ||
	    v.paused != q->counts[JOB_PAUSED] || v.running != q->slots)
		sim_fail("queue %s counts %zu queued, %zu held, %zu running, %zu paused, not %u, "
			 "%u, %u, %u",
		    sim_queues[n], v.queued, v.held, v.running, v.paused, q->counts[JOB_QUEUED],
		    q->counts[JOB_HELD], q->slots, q->counts[JOB_PAUSED]);
	if (v.state != q->state || v.declared != q->declared ||
	    v.rules->max_running != model_queue_rule(n, SIM_MAX) ||
	    v.rules->timeout_us != model_queue_rule(n, SIM_TIMEOUT))
		sim_fail("queue %s has other values", sim_queues[n]);
}

static void check_health(void)
{
	struct engine_health h;

	engine_health(world()->engine, &h);
	for (int s = JOB_QUEUED; s < JOB_STATES; s++) {
		uint64_t n = model()->ended[s];
		for (unsigned q = 0; q < QUEUES; q++)
			n += model()->queues[q].counts[s];
		if (h.counts[s] != n)
			sim_fail("%llu jobs are said to be %s, and %llu are",
			    (unsigned long long)h.counts[s], job_state_name((enum job_state)s),
			    (unsigned long long)n);
	}
	for (unsigned u = 0, n; u < USERS; u++) {
		n = 0;
		for (size_t i = 0; i < model()->nlive; i++) {
			const struct mjob *m = model_job(model()->live[i]);
			n += !m->staged && m->user == u &&
			     (m->state == JOB_QUEUED || m->state == JOB_HELD || m->released);
		}
		if (engine_waiting(world()->engine, 1000 + u) != n)
			sim_fail("user %u has %zu jobs that wait, and not %u", u,
			    engine_waiting(world()->engine, 1000 + u), n);
	}
}

static void look(struct mjob *m)
{
	const struct peek p = peek_job(world()->engine, m->id);

	m->slot = p.slot;
	m->starting = p.starting;
	m->ready = p.ready;
	m->late = p.late;
	m->waits = p.waits;
	if (p.starting != sim_proc_prepares(world()->proc, m->id))
		sim_fail("job %llu: its start is %s", (unsigned long long)m->id,
		    p.starting ? "known to jobd alone" : "not known to jobd");
	if (!m->staged)
		check_times(m, &p);
}

static void count(const struct mjob *m)
{
	struct model *all = model();

	if (m->staged)
		return;
	all->queues[m->queue].counts[m->state]++;
	all->queues[m->queue].slots += m->slot;
	all->user_slots[m->user] += m->slot;
	all->slots += m->slot;
	if (m->state == JOB_PAUSED)
		return;
	all->queues[m->queue].runs += m->slot;
	all->user_runs[m->user] += m->slot;
	all->runs += m->slot;
}

static void count_none(void)
{
	struct model *all = model();

	all->slots = all->runs = 0;
	memset(all->user_runs, 0, sizeof all->user_runs);
	memset(all->user_slots, 0, sizeof all->user_slots);
	for (unsigned q = 0; q < QUEUES; q++) {
		all->queues[q].slots = all->queues[q].runs = 0;
		memset(all->queues[q].counts, 0, sizeof all->queues[q].counts);
	}
}

void check_look(void)
{
	count_none();
	for (size_t i = 0; i < model()->nlive; i++) {
		struct mjob *m = model_job(model()->live[i]);
		look(m);
		count(m);
	}
}

/* A slot that it has now, and had not. */
static void note_taken(struct mjob *m, bool had)
{
	struct model *all = model();

	m->new_slot = m->slot && !had;
	all->by_force |= m->took == TOOK_FORCED;
	if (!m->new_slot || m->took != TOOK_FORCED)
		return;
	all->forced++;
	all->forced_of_queue[m->queue]++;
	all->forced_of_user[m->user]++;
}

void check_turn(void)
{
	count_none();
	model()->backlog = peek_backlog(world()->engine);
	model()->by_force = false;
	for (size_t i = 0; i < model()->nlive; i++) {
		struct mjob *m = model_job(model()->live[i]);
		bool had = m->slot;
		look(m);
		if (m->turn == world()->turns || (m->id + world()->turns) % VIEW_TURNS == 0)
			check_view(m);
		count(m);
		if (m->staged)
			continue;
		if (m->state == JOB_QUEUED || m->state == JOB_HELD)
			check_waiting(m);
		else
			check_running(m);
		note_taken(m, had);
	}
	check_order();
	check_health();
	for (unsigned q = 0; q < QUEUES && world()->turns % 4 == 0; q++)
		check_queue(q);
	if (world()->turns % ROW_TURNS == 0)
		check_rows();
}

/* The fields that may differ: a place in the order that is worked out again from the others. */
static void encode(struct buf *b, struct job *j, bool moved)
{
	uint64_t eligible = j->eligible_at_us, retry = j->retry_at_us;

	if (moved || eligible <= j->not_before_us || eligible <= retry)
		j->eligible_at_us = 0;
	if (moved)
		j->retry_at_us = 0;
	buf_clear(b);
	record_job_encode(b, j);
	j->eligible_at_us = eligible;
	j->retry_at_us = retry;
}

static bool count_row(void *ctx, struct job *j)
{
	size_t *n = ctx;

	++*n;
	job_fini(j);
	return true;
}

void check_rows(void)
{
	size_t n = 0;

	struct buf is = {0}, stored = {0};
	struct job_view v;
	struct job row;

	for (size_t i = 0; i < model()->nlive; i++) {
		uint64_t id = model()->live[i];
		if (model_job(id)->staged || engine_get(world()->engine, id, &v) != ENGINE_OK)
			continue;
		if (store_job_get(world()->store, id, &row))
			sim_fail("job %llu has no row", (unsigned long long)id);
		encode(&is, (struct job *)(uintptr_t)v.job, model_job(id)->moved);
		encode(&stored, &row, model_job(id)->moved);
		if (is.len != stored.len || memcmp(is.data, stored.data, is.len) != 0)
			sim_fail(
			    "job %llu is not on disk as it is in memory", (unsigned long long)id);
		job_fini(&row);
		job_view_fini(&v);
	}
	buf_fini(&is);
	buf_fini(&stored);
	if (store_load(world()->store, count_row, &n) ||
	    (n != model()->nlive && !peek_backlog(world()->engine)))
		sim_fail("%zu jobs are on disk that have not ended, and %zu have not", n,
		    model()->nlive);
}

/* SPDX-License-Identifier: ISC */
/*
 * After each turn: nobody got a slot past a limit, nobody was passed over, and no slot is left
 * idle.
 *
 * Slots are only taken as a turn goes on. So whoever had room at its end had room all the time, and
 * whoever was let in while such a one came first was let in wrongly.
 */
#include "config.h"

#include "sim_model.h"
#include "sim_peek.h"
#include "sim_proc.h"

#define STARTS_PER_TURN 8

static bool queue_has_room(const struct mjob *m)
{
	const struct mqueue *q = &model()->queues[m->queue];
	uint64_t most = model_queue_rule(m->queue, SIM_MAX);
	bool open =
	    q->state == QUEUE_OPEN || (q->state == QUEUE_DRAINING && m->state == JOB_PAUSED);

	return open && (!most || q->slots < most);
}

static bool user_has_room(unsigned user)
{
	uint64_t most = model()->settings.user_max_running;

	return !most || model()->user_slots[user] < most;
}

static unsigned starts_of(unsigned user)
{
	unsigned n = 0;

	for (size_t i = 0; i < model()->nlive; i++) {
		const struct mjob *m = model_job(model()->live[i]);
		n += m->starting && m->user == user;
	}
	return n;
}

/* A start of this user's hangs, and one is under way, or was until it got its slot in this turn: no
 * other is begun. */
static bool user_is_barred(unsigned user)
{
	bool got = false;

	if (!peek_suspect(world()->engine, 1000 + user))
		return false;
	for (size_t i = 0; i < model()->nlive; i++) {
		const struct mjob *m = model_job(model()->live[i]);
		got |= m->new_slot && m->user == user;
	}
	return got || starts_of(user);
}

/* It would take a slot now, if there were one. */
static bool is_candidate(const struct mjob *m)
{
	const struct world *w = world();

	if (m->staged || m->slot)
		return false;
	if (m->state == JOB_PAUSED)
		return m->resume_later;
	if (m->state != JOB_QUEUED || !model_is_met(m))
		return false;
	if (m->starting)
		return m->ready || !m->late;
	if (model()->backlog && !m->waits)
		return false; /* its turn to be looked at comes */
	return w->real >= m->not_before && w->real >= m->retry_at && w->mono >= m->again;
}

/* Its queue and its user let it. */
static bool is_let(const struct mjob *m)
{
	return queue_has_room(m) && user_has_room(m->user) &&
	       (m->starting || m->state == JOB_PAUSED || !user_is_barred(m->user));
}

static bool before(const struct mjob *a, const struct mjob *b)
{
	uint64_t x = model_rank(a), y = model_rank(b);

	return x != y ? x < y : a->id < b->id;
}

/* Whether the machine and the disk let jobs start; paused ones go on anyhow. */
static bool starts_are_let(void)
{
	struct engine_health h;

	engine_health(world()->engine, &h);
	return !h.backing_off && h.free_bytes >= h.low_disk_bytes;
}

/* The first of those that could have had a slot, and have none. */
static const struct mjob *passed_over(bool begun)
{
	const struct mjob *first = NULL;
	bool starts = starts_are_let();

	for (size_t i = 0; i < model()->nlive; i++) {
		const struct mjob *m = model_job(model()->live[i]);
		bool may = is_candidate(m) && is_let(m) && (starts || m->state == JOB_PAUSED);
		/* One that is prepared without a slot keeps none from those who go on when there is
		 * one. */
		bool counts = !begun || (!m->starting && m->state != JOB_PAUSED);
		if (may && counts && (!first || before(m, first)))
			first = m;
	}
	return first;
}

static void check_limits(const struct mjob *m)
{
	const struct model *all = model();
	const struct mqueue *q = &all->queues[m->queue];

	if (all->slots > all->most + all->forced)
		sim_fail("job %llu takes slot %u of %llu", (unsigned long long)m->id, all->slots,
		    (unsigned long long)all->most);
	if (q->most != UINT64_MAX && q->slots > q->most + all->forced_of_queue[m->queue])
		sim_fail("job %llu takes slot %u of %llu of queue %s", (unsigned long long)m->id,
		    q->slots, (unsigned long long)q->most, sim_queues[m->queue]);
	if (all->user_most != UINT64_MAX &&
	    all->user_slots[m->user] > all->user_most + all->forced_of_user[m->user])
		sim_fail("job %llu takes slot %u of %llu of user %u", (unsigned long long)m->id,
		    all->user_slots[m->user], (unsigned long long)all->user_most, m->user);
	/* A drain lets those end that had begun. */
	if (m->took == TOOK_TURN ? !q->was_open : !q->was_let_on)
		sim_fail("job %llu takes a slot of queue %s, which is %s",
		    (unsigned long long)m->id, sim_queues[m->queue], queue_state_name(q->state));
}

/* Who is resumed runs within the limits, though paused ones may hold more slots than there are. */
static void check_resumed(const struct mjob *m)
{
	const struct model *all = model();
	const struct mqueue *q = &all->queues[m->queue];

	if (m->took != TOOK_ASKED || m->state != JOB_RUNNING || all->by_force)
		return;
	if (all->runs > all->most || q->runs > q->most || all->user_runs[m->user] > all->user_most)
		sim_fail("job %llu is resumed, and runs with %u of %llu, %u of %llu of its queue, "
			 "%u of %llu of "
			 "its user",
		    (unsigned long long)m->id, all->runs, (unsigned long long)all->most, q->runs,
		    (unsigned long long)q->most, all->user_runs[m->user],
		    (unsigned long long)all->user_most);
}

static void check_begun(const struct mjob *m)
{
	if (m->staged || m->state != JOB_QUEUED)
		sim_fail("job %llu is started, and is %s", (unsigned long long)m->id,
		    job_state_name(m->state));
	if (!model_is_met(m) || !m->ripe || world()->mono < m->again || m->survivors)
		sim_fail("job %llu is started too soon", (unsigned long long)m->id);
	if (!m->last && m->deadline && m->deadline <= world()->real)
		sim_fail("job %llu is started after its deadline", (unsigned long long)m->id);
	if (peek_suspect(world()->engine, 1000 + m->user) && starts_of(m->user) > 1)
		sim_fail("job %llu is started, and another start of user %u hangs",
		    (unsigned long long)m->id, m->user);
	if (model()->stopping || world()->free_bytes < world()->settings.low_disk_bytes)
		sim_fail("job %llu is started, and nothing may be", (unsigned long long)m->id);
}

static void wrongly_let(const struct mjob *m, const struct mjob *first, const char *what)
{
	if (first && before(first, m))
		sim_fail("job %llu (rank %llu) %s before job %llu (%s, rank %llu)",
		    (unsigned long long)m->id, (unsigned long long)model_rank(m), what,
		    (unsigned long long)first->id, job_state_name(first->state),
		    (unsigned long long)model_rank(first));
}

static void check_idle(const struct mjob *first)
{
	if (!first || model()->slots >= model()->settings.max_running || model()->stopping)
		return;
	if (sim_proc_starts(world()->proc) < STARTS_PER_TURN)
		sim_fail("job %llu (%s) could start, and does not", (unsigned long long)first->id,
		    job_state_name(first->state));
	if (!engine_wants_turn(world()->engine))
		sim_fail("job %llu could start in the next turn, and none is wanted",
		    (unsigned long long)first->id);
}

void check_order(void)
{
	const struct mjob *first = passed_over(false), *unbegun = passed_over(true);
	const uint64_t *begun;

	for (size_t i = 0; i < model()->nlive; i++) {
		const struct mjob *m = model_job(model()->live[i]);
		check_resumed(m);
		if (!m->new_slot || m->staged || m->took == TOOK_FORCED)
			continue;
		check_limits(m);
		if (m->took != TOOK_ASKED)
			wrongly_let(m, first, "gets a slot");
	}
	size_t n = sim_proc_begun(world()->proc, &begun);
	for (size_t i = 0; i < n; i++) {
		const struct mjob *m = model_job(begun[i]);
		if (!m)
			sim_fail(
			    "job %llu is started, and is not there", (unsigned long long)begun[i]);
		check_begun(m);
		wrongly_let(m, unbegun, "is begun");
	}
	check_idle(first);
}

/* SPDX-License-Identifier: ISC */
/* The order in which jobs start: a line a user and queue, and what closes one, against looking at all of them. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "jobd/core/live.h"
#include "jobd/core/order.h"
#include "jobd/core/queue.h"
#include "unit.h"

#define JOBS   600
#define USERS  300 /* more than there are buckets */
#define QUEUES 7
#define STEPS  100000

/* The same, written down plainly. */
struct model {
	struct order o;
	struct live jobs[JOBS];
	struct queue queues[QUEUES];
	unsigned user_running[USERS], starting[USERS], waiting[USERS], queue_running[QUEUES];
	unsigned user_most, queue_most[QUEUES];
	bool suspect[USERS], shut[QUEUES];
	unsigned seed;
};

static unsigned below(struct model *m, unsigned n)
{
	return (unsigned)rand_r(&m->seed) % n;
}

static size_t queue_at(const struct model *m, const struct live *l)
{
	return (size_t)(l->queue - m->queues);
}

static void make_model(struct model *m)
{
	const char *given = getenv("SEED");

	m->seed = given ? (unsigned)strtoul(given, NULL, 10) : 11;
	for (size_t i = 0; i < QUEUES; i++)
		order_queue_init(&m->queues[i].order);
	for (size_t i = 0; i < JOBS; i++)
		m->jobs[i] = (struct live){ .heap_at = HEAP_NOWHERE, .queue = &m->queues[below(m, QUEUES)],
			.job = { .id = i + 1, .uid = (uint32_t)(i * 7 % USERS) } };
}

static bool is_closed(const struct model *m, const struct live *l)
{
	uint32_t u = l->job.uid;
	size_t q = queue_at(m, l);

	return m->shut[q] || (m->queue_most[q] && m->queue_running[q] >= m->queue_most[q])
	    || (m->user_most && m->user_running[u] >= m->user_most)
	    || (m->suspect[u] && m->starting[u] > 0);
}

static const struct live *first_of_all(const struct model *m)
{
	const struct live *first = NULL;

	for (size_t i = 0; i < JOBS; i++)
		if (order_has(&m->jobs[i]) && !is_closed(m, &m->jobs[i])
		    && (!first || order_before(&m->jobs[i], first)))
			first = &m->jobs[i];
	return first;
}

static void take(struct model *m, struct live *l)
{
	if (!order_has(l))
		return;
	order_take(&m->o, l);
	ck_assert(!order_has(l));
	order_count_drop(&m->o, l->job.uid, ORDER_WAITING, 1);
	m->waiting[l->job.uid]--;
}

static void put_or_move(struct model *m, struct live *l)
{
	if (!order_has(l)) {
		ck_assert(order_count_add(&m->o, l->job.uid, ORDER_WAITING, 1));
		m->waiting[l->job.uid]++;
	}
	ck_assert(order_put(&m->o, l, below(m, 50)));
}

/* It goes to another queue, which it may when it stands nowhere and holds no slot. */
static void change_queue(struct model *m, struct live *l)
{
	take(m, l);
	if (!l->slot)
		l->queue = &m->queues[below(m, QUEUES)];
}

/* Whoever holds a slot stands nowhere; the limits are not asked: they may have been lowered since. */
static void take_or_give_slot(struct model *m, struct live *l)
{
	uint32_t u = l->job.uid;
	size_t q = queue_at(m, l);

	if (l->slot) {
		order_slot_given(&m->o, l);
		m->user_running[u]--;
		m->queue_running[q]--;
	} else {
		ck_assert(order_slot_taken(&m->o, l));
		m->user_running[u]++;
		m->queue_running[q]++;
		take(m, l);
	}
	l->slot = !l->slot;
}

static void begin_or_end_start(struct model *m, struct live *l)
{
	uint32_t u = l->job.uid;

	if (m->starting[u] && below(m, 2)) {
		order_start_over(&m->o, u);
		m->starting[u]--;
	} else if (m->starting[u] < 3) {
		ck_assert(order_start_begun(&m->o, u));
		m->starting[u]++;
	}
}

static void set_queue(struct model *m)
{
	size_t q = below(m, QUEUES);

	m->queue_most[q] = below(m, 3) ? 0 : below(m, 12);
	m->shut[q] = below(m, 4) == 0;
	ck_assert(order_queue_set(&m->o, &m->queues[q].order, m->queue_most[q], m->shut[q]));
}

static void step(struct model *m)
{
	struct live *l = &m->jobs[below(m, JOBS)];
	uint32_t u = l->job.uid;
	unsigned what = below(m, 100);

	if (what < 40)
		put_or_move(m, l);
	else if (what < 50)
		take(m, l);
	else if (what < 55)
		change_queue(m, l);
	else if (what < 75)
		take_or_give_slot(m, l);
	else if (what < 88)
		begin_or_end_start(m, l);
	else if (what < 94)
		order_set_suspect(&m->o, u, !m->suspect[u]);
	else if (what < 98)
		set_queue(m);
	else
		ck_assert(order_user_most(&m->o, m->user_most = below(m, 4)));
	/* Whoever has nothing any more is as if they had never come: suspicion is forgotten with it. */
	bool known = m->waiting[u] || m->starting[u] || m->user_running[u];
	bool toggled = what >= 88 && what < 94;
	m->suspect[u] = known && m->suspect[u] != toggled;
}

START_TEST(the_first_is_the_smallest_rank_of_those_that_nothing_keeps_back)
{
	static struct model m;

	make_model(&m);
	for (int i = 0; i < STEPS; i++) {
		step(&m);
		const struct live *l = &m.jobs[below(&m, JOBS)];
		ck_assert_ptr_eq(order_first(&m.o), first_of_all(&m));
		ck_assert_int_eq(order_is_suspect(&m.o, l->job.uid), m.suspect[l->job.uid]);
		ck_assert_uint_eq(order_running(&m.o, l->job.uid), m.user_running[l->job.uid]);
		ck_assert_uint_eq(order_count(&m.o, l->job.uid, ORDER_WAITING), m.waiting[l->job.uid]);
		size_t q = queue_at(&m, l);
		bool room = (!m.queue_most[q] || m.queue_running[q] + 1 < m.queue_most[q])
		    && (!m.user_most || m.user_running[l->job.uid] + 1 < m.user_most);
		ck_assert_int_eq(order_has_room(&m.o, l, 1), room);
		bool over = m.shut[q] || (m.queue_most[q] && m.queue_running[q] > m.queue_most[q])
		    || (m.user_most && m.user_running[l->job.uid] > m.user_most);
		ck_assert_int_eq(order_is_over(&m.o, l), over);
	}
	order_fini(&m.o);
	for (size_t i = 0; i < QUEUES; i++)
		order_queue_fini(&m.queues[i].order);
}
END_TEST

START_TEST(equals_start_by_submission_and_a_queue_without_slots_costs_the_others_nothing)
{
	struct order o = { 0 };
	struct queue queues[2] = { 0 };
	struct live jobs[4] = { 0 };

	for (size_t i = 0; i < 2; i++)
		order_queue_init(&queues[i].order);
	for (size_t i = 0; i < 4; i++) {
		jobs[i] = (struct live){ .heap_at = HEAP_NOWHERE, .queue = &queues[i % 2],
			.job = { .id = i + 1, .uid = (uint32_t)i / 2 } };
		ck_assert(order_count_add(&o, jobs[i].job.uid, ORDER_WAITING, 1) && order_put(&o, &jobs[i], 9));
	}
	ck_assert_ptr_eq(order_first(&o), &jobs[0]);
	order_queue_set(&o, &queues[0].order, 1, false);
	order_take(&o, &jobs[0]);
	ck_assert_ptr_eq(order_first(&o), &jobs[1]);
	ck_assert(order_slot_taken(&o, &jobs[0]));
	order_take(&o, &jobs[1]);
	ck_assert_ptr_eq(order_first(&o), &jobs[3]); /* the third is of the full queue */
	order_queue_set(&o, &queues[0].order, 2, false);
	ck_assert_ptr_eq(order_first(&o), &jobs[2]);
	order_queue_set(&o, &queues[0].order, 2, true);
	ck_assert_ptr_eq(order_first(&o), &jobs[3]);
	order_user_most(&o, 1);
	ck_assert_ptr_eq(order_first(&o), &jobs[3]);
	order_slot_given(&o, &jobs[0]);
	order_fini(&o);
	for (size_t i = 0; i < 2; i++)
		order_queue_fini(&queues[i].order);
}
END_TEST

START_TEST(the_jobs_of_each_user_that_wait_are_counted_whoever_shares_a_bucket)
{
	struct order o = { 0 };
	size_t is[1000] = { 0 };
	unsigned seed = 7;

	for (int i = 0; i < 20000; i++) {
		uint32_t uid = (uint32_t)rand_r(&seed) % 1000;
		if (is[uid] && rand_r(&seed) % 2) {
			order_count_drop(&o, uid, ORDER_WAITING, 1);
			is[uid]--;
		} else {
			ck_assert(order_count_add(&o, uid, ORDER_WAITING, 1));
			is[uid]++;
		}
		ck_assert_uint_eq(order_count(&o, uid, ORDER_WAITING), is[uid]);
	}
	for (uint32_t uid = 0; uid < 1000; uid++)
		ck_assert_uint_eq(order_count(&o, uid, ORDER_WAITING), is[uid]);
	ck_assert_uint_eq(order_count(&o, UINT32_MAX, ORDER_WAITING), 0);
	order_count_drop(&o, UINT32_MAX, ORDER_WAITING, 1);
	order_fini(&o);
	ck_assert_uint_eq(order_count(&o, 7, ORDER_WAITING), 0);
}
END_TEST

UNIT_MAIN("order", the_first_is_the_smallest_rank_of_those_that_nothing_keeps_back,
    equals_start_by_submission_and_a_queue_without_slots_costs_the_others_nothing,
    the_jobs_of_each_user_that_wait_are_counted_whoever_shares_a_bucket)

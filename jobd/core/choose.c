/* SPDX-License-Identifier: ISC */
/*
 * What runs next, and what a waiting job waits for. Paused jobs that gave their slots up, and are
 * to go on, queue for slots with those that start.
 *
 * While jobs end one after the other, the next few are prepared ahead, up to the gate: then the
 * end of one and the start of another are in one commit, and the slot is empty for no longer than
 * that takes. Such a job is queued like any other; whoever ranks before it when a slot comes free
 * goes first, and when none has come free for a second it is taken back (starts.c).
 *
 * Where the machine has no room (no process, no memory) nothing is started for a while, longer
 * each time. Where one job's start does not work out, that job is put off, and the others are not
 * held up by it.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "jobd/core/internal.h"
#include "lib/strv.h"

#define BACKOFF_FIRST_US 250000u
#define BACKOFF_STEPS	 8 /* doublings: the longest is 64 s */
#define AHEAD_MAX	 4
#define SLOTS_PER_TURN	 64
#define FLOW_US		 1000000u /* jobs that end less than that apart follow each other */
#define AHEAD_PAUSE_US	 10000000u

static bool may_prepare(const struct engine *e)
{
	return !e->stopping.how && e->disk_free >= e->settings.low_disk_bytes
	    && e->mono_us() >= e->backoff_until_us;
}

/* Whether one that waits may, apart from limits of queues and users. */
static bool may_start(const struct engine *e)
{
	return e->active < e->settings.max_running && may_prepare(e);
}

/* The one that the next free slot is for, or NULL. */
static struct live *next_job(const struct engine *e)
{
	struct live *first = order_first(&e->order);

	for (struct live *l = e->starting; l; l = l->next_starting)
		if (starts_awaits_slot(l) && !l->queue->order.shut && order_has_room(&e->order, l, 0)
		    && (!first || order_before(l, first)))
			first = l;
	return first;
}

void choose_back_off(struct engine *e)
{
	e->backoff_until_us = e->mono_us() + (BACKOFF_FIRST_US << e->backoff_step);
	if (e->backoff_step < BACKOFF_STEPS)
		e->backoff_step++;
}

void choose_delay(struct engine *e, struct live *l, int error)
{
	unsigned step = l->failed_starts < BACKOFF_STEPS ? l->failed_starts : BACKOFF_STEPS;

	l->failed_starts++;
	l->start_error = error;
	l->start_again_us = e->mono_us() + (BACKOFF_FIRST_US << step);
	waiting_place(e, l);
}

/* A record that can't be read is this job's end, and nobody else's trouble. */
static void fail_unreadable(struct engine *e, struct live *l, int rc)
{
	char text[100];
	struct step s = { .event = EVENT_FAILED, .reason = REASON_SPAWN, .detail = text };

	snprintf(text, sizeof text, "its environment can't be read: %s", strerror(-rc));
	engine_step(e, l, &s);
}

static void start(struct engine *e, struct live *l)
{
	char **env = NULL;
	int rc = store_environment_get(e->store, store_environment_of(&l->job), &env);

	if (rc && rc != -ENOENT) {
		fail_unreadable(e, l, rc);
		return;
	}
	l->start_attempt = job_last_attempt(&l->job) + 1;
	rc = proc_start(e->proc, &l->job, l->start_attempt, env, e->settings.kill_grace_ms,
	    &l->start_nonce);
	strv_free(env);
	if (rc) {
		choose_back_off(e);
		waiting_place(e, l);
		return;
	}
	starts_begin(e, l);
}

void choose_note_end(struct engine *e)
{
	uint64_t now = e->mono_us();

	if (now - e->last_end_us < FLOW_US)
		e->flow_until_us = now + FLOW_US;
	e->last_end_us = now;
}

void choose_prepare_no_more(struct engine *e)
{
	e->ahead_from_us = e->mono_us() + AHEAD_PAUSE_US;
}

static bool may_prepare_ahead(const struct engine *e)
{
	unsigned most = e->settings.max_running < AHEAD_MAX ? e->settings.max_running : AHEAD_MAX;
	uint64_t now = e->mono_us();

	return e->nahead < most && e->started < STARTS_PER_TURN && now < e->flow_until_us
	    && now >= e->ahead_from_us && may_prepare(e);
}

/* How many are prepared for this job's queue, or its user: their slots are not for it. */
static unsigned ahead_of(const struct engine *e, const struct live *l)
{
	unsigned n = 0;

	for (const struct live *x = e->starting; x; x = x->next_starting)
		n += !x->slot && (x->queue == l->queue || x->job.uid == l->job.uid);
	return n;
}

static void prepare_ahead(struct engine *e)
{
	struct live *l;

	while (may_prepare_ahead(e) && (l = order_first(&e->order))) {
		if (!order_has_room(&e->order, l, ahead_of(e, l)))
			return;
		order_take(&e->order, l);
		start(e, l);
	}
}

/* A paused job that waited for a slot has one. */
static void go_on(struct engine *e, struct live *l)
{
	struct step s = { .event = EVENT_RESUME, .detail = "there is a slot for it" };

	waiting_leave(e, l);
	starts_take_slot(e, l);
	engine_step(e, l, &s);
}

/* It is no start: a full disk is not in the way, and a queue that is drained lets it end. */
static bool has_slot_for(const struct engine *e, const struct live *l)
{
	return e->active < e->settings.max_running && l->queue->state != QUEUE_PAUSED
	    && order_has_room(&e->order, l, 0);
}

/* One that has a slot keeps it if no more run then than may; else it gives it up, and queues for
 * one. */
bool choose_may_go_on(struct engine *e, struct live *l)
{
	if (l->slot && l->queue->state != QUEUE_PAUSED && order_may_run(&e->order, l)
	    && e->active - e->active_paused < e->settings.max_running)
		return true;
	starts_release_slot(e, l);
	return has_slot_for(e, l);
}

/* The first of those that wait to go on for which there is a slot, or NULL. They are few: looked
 * at one by one. */
static struct live *next_to_go_on(const struct engine *e)
{
	struct live *first = NULL;

	for (size_t i = 0; i < e->resuming.len && !e->stopping.how; i++) {
		struct live *l = e->resuming.v[i];
		if (has_slot_for(e, l) && (!first || order_before(l, first)))
			first = l;
	}
	return first;
}

/* Gives a job that waits a slot that is free: it is started, or if it stands at the gate already,
 * that opens. False, and nothing done, when this turn has begun as many starts as it may. */
static bool start_or_open(struct engine *e, struct live *l)
{
	if (!starts_awaits_slot(l)) {
		if (e->started == STARTS_PER_TURN)
			return false;
		order_take(&e->order, l);
		start(e, l);
	}
	if (starts_awaits_slot(l)) /* unless it could not be begun, or its user is suspect */
		starts_give_slot(e, l);
	return true;
}

void choose_run(struct engine *e)
{
	bool more = true;

	for (unsigned n = 0; more && n < SLOTS_PER_TURN; n++) {
		struct live *l = may_start(e) ? next_job(e) : NULL, *paused = next_to_go_on(e);
		if (paused && (!l || order_before(paused, l)))
			go_on(e, paused);
		else
			more = l && start_or_open(e, l);
	}
	if (e->started < STARTS_PER_TURN)
		prepare_ahead(e);
}

bool engine_wants_turn(const struct engine *e)
{
	return waiting_next_us(e) == 0 || depend_wants_turn(e) || batch_wants_turn(e)
	    || next_to_go_on(e) || (may_start(e) && next_job(e));
}

uint64_t engine_next_turn_us(const struct engine *e)
{
	return engine_wants_turn(e) ? 0 : waiting_next_us(e);
}

/* Of one that waits for a slot: whose limit keeps it there. */
static enum job_reason limit_reason(const struct engine *e, const struct live *l)
{
	const struct order_queue *q = &l->queue->order;

	if (l->queue->state == QUEUE_PAUSED)
		return REASON_QUEUE_PAUSED;
	if (l->queue->state == QUEUE_DRAINING && l->job.state == JOB_QUEUED)
		return REASON_DRAINING;
	if (q->most && q->running >= q->most)
		return REASON_QUEUE_FULL;
	if (order_user_is_full(&e->order, l->job.uid))
		return REASON_USER_LIMIT;
	if (e->active < e->settings.max_running)
		return REASON_NONE; /* it starts in a moment */
	return l->job.state == JOB_PAUSED || next_job(e) == l ? REASON_QUEUE_FULL : REASON_PRIORITY;
}

enum job_reason choose_reason(const struct engine *e, const struct live *l)
{
	const struct job *j = &l->job;

	if (l->phase == LIVE_STARTING && l->slot) /* it starts, or tries to once more */
		return l->failed_starts ? REASON_BACKOFF : REASON_NONE;
	if (j->state == JOB_PAUSED)
		return e->stopping.how ? REASON_DRAINING : limit_reason(e, l);
	if (l->unmet)
		return REASON_DEPENDENCY;
	if (j->state == JOB_QUEUED && waiting_until(l) > e->real_us())
		return j->retry_at_us >= j->not_before_us ? REASON_BACKOFF : REASON_NOT_BEFORE;
	if (e->stopping.how)
		return REASON_DRAINING;
	if (e->disk_free < e->settings.low_disk_bytes)
		return REASON_LOW_DISK;
	if (l->start_again_us > e->mono_us() || order_is_suspect(&e->order, j->uid)
	    || e->mono_us() < e->backoff_until_us)
		return REASON_BACKOFF;
	return limit_reason(e, l);
}

/* SPDX-License-Identifier: ISC */
/*
 * What runs next, and what a waiting job waits for.
 *
 * While jobs end one after the other, the next few are prepared ahead, up to the
 * gate: then the end of one and the start of another are in one commit, and the
 * slot is empty for no longer than that takes. Such a job is queued like any other;
 * whoever ranks before it when a slot comes free goes first, and when none has come
 * free for a second it is taken back (starts.c).
 *
 * Where the machine has no room (no process, no memory) nothing is started for a
 * while, longer each time. Where one job's start does not work out, that job is
 * put off, and the others are not held up by it.
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
#define FLOW_US		 1000000u /* jobs that end less than that apart follow each other */
#define AHEAD_PAUSE_US	 10000000u

static bool may_prepare(const struct engine *e)
{
	return !e->stopping.how && e->disk_free >= e->settings.low_disk_bytes
	    && e->mono_us() >= e->backoff_until_us;
}

static bool may_start(const struct engine *e)
{
	return e->active < e->settings.max_running && may_prepare(e);
}

/* The one that the next free slot is for, or NULL. */
static struct live *next_job(const struct engine *e)
{
	struct live *first = order_first(&e->order);

	for (struct live *l = e->starting; l; l = l->next_starting)
		if (starts_awaits_slot(l) && (!first || order_before(l, first)))
			first = l;
	return first;
}

void schedule_back_off(struct engine *e)
{
	e->backoff_until_us = e->mono_us() + (BACKOFF_FIRST_US << e->backoff_step);
	if (e->backoff_step < BACKOFF_STEPS)
		e->backoff_step++;
}

void schedule_delay(struct engine *e, struct live *l)
{
	unsigned step = l->failed_starts < BACKOFF_STEPS ? l->failed_starts : BACKOFF_STEPS;

	l->failed_starts++;
	l->not_before_us = e->mono_us() + (BACKOFF_FIRST_US << step);
	if (!e->delayed || l->not_before_us < e->delayed_until_us)
		e->delayed_until_us = l->not_before_us;
	l->next_delayed = e->delayed;
	e->delayed = l;
}

void schedule_undelay(struct engine *e, struct live *l)
{
	struct live **at = &e->delayed;

	if (!l->not_before_us)
		return;
	while (*at != l)
		at = &(*at)->next_delayed;
	*at = l->next_delayed;
	l->next_delayed = NULL;
	l->not_before_us = 0;
}

/* Those whose time has come stand in the queue again, where their rank says. */
static void requeue_delayed(struct engine *e)
{
	uint64_t now = e->mono_us(), first = UINT64_MAX;
	struct live *next;

	if (!e->delayed || now < e->delayed_until_us)
		return;
	for (struct live *l = e->delayed; l; l = next) {
		next = l->next_delayed;
		if (l->not_before_us <= now) {
			schedule_undelay(e, l);
			engine_enqueue(e, l);
		} else if (l->not_before_us < first) {
			first = l->not_before_us;
		}
	}
	e->delayed_until_us = first;
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
	int rc = store_environment_get(e->store, l->job.id, &env);

	if (rc && rc != -ENOENT) {
		fail_unreadable(e, l, rc);
		return;
	}
	l->start_attempt = job_last_attempt(&l->job) + 1;
	rc = proc_start(e->proc, &l->job, l->start_attempt, env, e->settings.kill_grace_ms,
	    &l->start_nonce);
	strv_free(env);
	if (rc) {
		schedule_back_off(e);
		engine_enqueue(e, l);
		return;
	}
	starts_begin(e, l);
}

void schedule_note_end(struct engine *e)
{
	uint64_t now = e->mono_us();

	if (now - e->last_end_us < FLOW_US)
		e->flow_until_us = now + FLOW_US;
	e->last_end_us = now;
}

void schedule_prepare_no_more(struct engine *e)
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

static void prepare_ahead(struct engine *e)
{
	struct live *l;

	while (may_prepare_ahead(e) && (l = order_first(&e->order))) {
		order_take(&e->order, l);
		start(e, l);
	}
}

void schedule_run(struct engine *e)
{
	struct live *l;

	requeue_delayed(e);
	while (may_start(e) && (l = next_job(e))) {
		if (!starts_awaits_slot(l)) {
			if (e->started == STARTS_PER_TURN)
				return;
			order_take(&e->order, l);
			start(e, l);
		}
		if (starts_awaits_slot(l)) /* unless it could not be begun, or its user is suspect */
			starts_give_slot(e, l);
	}
	prepare_ahead(e);
}

bool engine_wants_turn(const struct engine *e)
{
	bool due = e->delayed && e->mono_us() >= e->delayed_until_us;

	return (due || next_job(e)) && may_start(e);
}

enum job_reason schedule_reason(const struct engine *e, const struct live *l)
{
	bool suspect = order_is_suspect(&e->order, l->job.uid);

	if (l->phase != LIVE_IDLE && l->slot) /* it starts, or tries to once more */
		return l->failed_starts ? REASON_BACKOFF : REASON_NONE;
	if (e->stopping.how)
		return REASON_DRAINING;
	if (e->disk_free < e->settings.low_disk_bytes)
		return REASON_LOW_DISK;
	if (l->not_before_us || suspect || e->mono_us() < e->backoff_until_us)
		return REASON_BACKOFF;
	if (e->active < e->settings.max_running)
		return REASON_NONE; /* it starts in a moment */
	return next_job(e) == l ? REASON_QUEUE_FULL : REASON_PRIORITY;
}

/* SPDX-License-Identifier: ISC */
/*
 * What runs next, and what a waiting job waits for.
 *
 * A slot is taken when a start is begun and given back when its job has ended.
 * Where a start is impossible (no process, no memory) nothing is started for a
 * while, longer each time; the job keeps its place.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "jobd/core/internal.h"
#include "lib/log.h"
#include "lib/strv.h"

#define BACKOFF_FIRST_US 250000u
#define BACKOFF_STEPS    8 /* doublings: the longest is 64 s */

static bool may_start(const struct engine *e)
{
	return e->active < e->settings.max_running && e->disk_free >= e->settings.low_disk_bytes
	    && e->mono_us() >= e->backoff_until_us;
}

void schedule_back_off(struct engine *e)
{
	e->backoff_until_us = e->mono_us() + (BACKOFF_FIRST_US << e->backoff_step);
	if (e->backoff_step < BACKOFF_STEPS)
		e->backoff_step++;
}

static void start(struct engine *e, struct live *l)
{
	char **env = NULL;
	int rc = store_environment_get(e->store, l->job.id, &env);

	if (rc && rc != -ENOENT) {
		log_text(LOG_ERR, "job=%llu error=\"its environment can't be read: %s\"",
		    (unsigned long long)l->job.id, strerror(-rc));
		schedule_back_off(e);
		engine_enqueue(e, l);
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
	l->phase = LIVE_STARTING;
	e->active++;
	e->started++;
}

void schedule_run(struct engine *e)
{
	struct live *l;

	while (e->started < STARTS_PER_TURN && (l = live_first(&e->live)) && may_start(e)) {
		live_unrank(&e->live, l);
		start(e, l);
	}
}

bool engine_wants_turn(const struct engine *e)
{
	return live_first(&e->live) && may_start(e);
}

void schedule_abandon(struct engine *e, struct live *l)
{
	if (l->phase != LIVE_STARTING)
		return;
	proc_abandon(e->proc, l->job.id);
	l->phase = LIVE_IDLE;
	e->active--;
}

enum job_reason schedule_reason(const struct engine *e, const struct live *l)
{
	if (l->phase != LIVE_IDLE)
		return REASON_NONE;
	if (e->disk_free < e->settings.low_disk_bytes)
		return REASON_LOW_DISK;
	if (e->mono_us() < e->backoff_until_us)
		return REASON_BACKOFF;
	if (e->active < e->settings.max_running)
		return REASON_NONE; /* it starts in a moment */
	return live_first(&e->live) == l ? REASON_QUEUE_FULL : REASON_PRIORITY;
}

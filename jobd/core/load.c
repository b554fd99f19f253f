/* SPDX-License-Identifier: ISC */
/*
 * The start: what the store has comes to life. Everything that is in memory alone is worked out
 * anew from the rows, so that a jobd that died at any moment is as one that never did.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "jobd/core/internal.h"
#include "jobd/core/outcome.h"

/* Takes in one job of the store, at start. */
static bool load_one(void *ctx, struct job *j)
{
	struct engine *e = ctx;

	if (batch_take_loaded(e, j))
		return true;
	struct queue *q = queues_of(e, j);
	struct live *l = q ? live_add(&e->live, j) : NULL;
	if (!l) {
		job_fini(j);
		e->out_of_memory = true;
		return false;
	}
	l->queue = q;
	if (!unique_add(&e->unique, l))
		e->out_of_memory = true;
	engine_count(e, l, 0, l->job.state);
	if (l->job.state == JOB_RUNNING || l->job.state == JOB_PAUSED)
		starts_adopt(e, l);
	return true;
}

/*
 * A row of before there were timeouts does not say how long it has run. Of another boot nothing
 * runs, and nothing is due: proc tells what became of it, and that is not its timeout, however
 * long the host was down, or is up.
 */
static void take_up_time(struct engine *e, struct live *l)
{
	struct job_attempt *a = &l->job.now;
	uint64_t began = a->started_at_us + a->paused_total_us, now = e->real_us();

	if (!a->boot_id || strcmp(a->boot_id, e->boot_id) != 0) {
		a->runs_since_us = 0;
		engine_touch(e, l);
	} else if (l->job.state == JOB_RUNNING && !a->ran_us && !a->runs_since_us) {
		a->ran_us = now > began ? now - began : 0;
		a->runs_since_us = e->mono_us();
		engine_touch(e, l);
	}
}

/* When all are there: what each waits for. */
static void load_more(void *ctx, struct live *l)
{
	struct engine *e = ctx;
	enum job_state s = l->job.state;

	if (s == JOB_QUEUED || s == JOB_HELD) {
		const struct rules r = engine_rules(l);
		waiting_believe(e, &l->job, attempt_backoff_most_us(&r));
		depend_load(e, l);
	}
	if (s == JOB_RUNNING || s == JOB_PAUSED) {
		take_up_time(e, l);
		waiting_allow(e, l);
	}
	waiting_place(e, l);
}

static int adopt(struct engine *e, struct live *l)
{
	enum keeper_level level = LEVEL_RUN;

	if (l->job.cancel_requested || l->job.timed_out)
		level = LEVEL_END;
	else if (l->job.state == JOB_PAUSED || l->job.pause_requested)
		level = LEVEL_STOP;
	return proc_adopt(e->proc, &l->job, level, e->settings.kill_grace_ms);
}

int engine_load(struct engine *e, struct proc *p)
{
	e->proc = p;
	int rc = queues_load(e);
	if (rc == 0)
		rc = templates_load(e);
	if (rc == 0)
		rc = batch_load(e);
	if (rc == 0)
		rc = logs_load(e);
	if (rc == 0)
		rc = store_load(e->store, load_one, e);
	if (rc)
		return rc;
	live_each(&e->live, load_more, e);
	queues_loaded(e);
	batch_loaded(e);
	if (e->out_of_memory)
		return -ENOMEM;
	for (struct live *l = live_below(&e->live, UINT64_MAX); l && rc == 0;
	    l = live_below(&e->live, l->job.id))
		if (l->phase == LIVE_ACTIVE)
			rc = adopt(e, l);
	if (rc)
		return rc;
	proc_adopted_all(p);
	return 0;
}

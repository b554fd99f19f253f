/* SPDX-License-Identifier: ISC */
/*
 * Stopping: what becomes of the running jobs before jobd leaves.
 *
 * What is asked of a job here is what a person could ask: a step of the table,
 * with jobd by itself as who asks. So the intent is on disk before anything is
 * ordered, and whoever kills jobd in the middle of it loses nothing: the next one takes
 * up each job as its row says, and resumes those that have the mark stop_paused.
 * The mark is put with the intent, and goes when the pause does, or when a person pauses
 * the job as well.
 *
 * The wait is bounded. What has not come true by then is left to the keepers, and said.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "jobd/core/internal.h"

/* A keeper gives up after two seconds what can't be stopped; what is silent is not waited for
 * longer. */
#define PATIENCE_MS 5000u

/* Whether the stop has to do something about this job, or did. */
static bool is_meant(const struct live *l, enum on_stop how)
{
	if (l->phase != LIVE_ACTIVE)
		return false;
	return how == ON_STOP_CANCEL
	    || (how == ON_STOP_PAUSE && l->job.state == JOB_RUNNING && !l->job.cancel_requested
		&& !l->job.timed_out);
}

/* Whether it has still to come true. Not of a job that somebody has resumed meanwhile, nor of one
 * that could not be stopped. */
static bool is_awaited(const struct live *l, enum on_stop how)
{
	return is_meant(l, how) && (how == ON_STOP_CANCEL ? l->job.cancel_requested
							   : l->job.pause_requested);
}

static unsigned count(const struct engine *e, enum on_stop how,
    bool (*which)(const struct live *l, enum on_stop how))
{
	unsigned n = 0;

	for (struct live *l = live_below(&e->live, UINT64_MAX); l;
	    l = live_below(&e->live, l->job.id))
		n += which(l, how);
	return n;
}

/* A start that is being prepared is taken back: the job waits, as those do that come now. */
static void take_back_start(struct engine *e, struct live *l)
{
	if (l->phase != LIVE_STARTING)
		return;
	starts_abandon(e, l);
	waiting_place(e, l);
}

static void ask(struct engine *e, struct live *l, enum on_stop how)
{
	static const struct control cancel = { .event = EVENT_CANCEL };
	struct step s = { .detail = "jobd is stopping" };

	if (!is_meant(l, how) || is_awaited(l, how))
		return;
	if (how == ON_STOP_CANCEL) {
		s.event = EVENT_CANCEL;
		s.control = &cancel;
		engine_step(e, l, &s);
	} else {
		s.event = EVENT_PAUSE;
		engine_step(e, l, &s);
		l->job.stop_paused = true;
	}
}

/* It does not wait for this one any longer. */
static void leave(struct engine *e, const struct live *l)
{
	struct step s = { .detail = l->job.cancel_requested
			? "jobd stops, and it has not ended yet; its keeper sees to it"
			: "jobd stops, and it has not been seen stopped; its keeper sees to it" };
	struct journal_entry entry = engine_entry(e, &l->job, &s, l->job.state);

	entry.verb = "left";
	entry.to = entry.from;
	engine_journal(e, &l->job, &entry);
}

static void end(struct engine *e)
{
	for (struct live *l = live_below(&e->live, UINT64_MAX); l;
	    l = live_below(&e->live, l->job.id))
		if (is_awaited(l, e->stopping.how))
			leave(e, l);
	e->stopping.over = true;
}

/* "SIGTERM; 3 jobs are paused first", or as much of it as there is to say. */
static void journal_stop(
    struct engine *e, const struct actor *who, enum on_stop how, const char *why)
{
	unsigned jobs = count(e, how, is_meant);
	char text[120] = "";

	if (jobs)
		snprintf(text, sizeof text, "%s%s%u job%s %s first", why ? why : "", why ? "; " : "", jobs,
		    jobs == 1 ? " is" : "s are", how == ON_STOP_CANCEL ? "cancelled" : "paused");
	engine_note(e, who, "daemon-stop", "ok", jobs ? text : why);
}

void engine_stop(struct engine *e, const struct actor *who, enum on_stop how, const char *why)
{
	enum on_stop was = e->stopping.how;

	if (!how)
		how = was ? was : e->settings.on_stop;
	if (!how)
		how = ON_STOP_KEEP; /* nobody has said anything */
	journal_stop(e, who, how, why);
	if (how == was)
		return;
	if (how == ON_STOP_KEEP) {
		end(e); /* in the words of what it did until now */
		e->stopping.how = how;
		return;
	}
	e->stopping.how = how;
	for (struct live *l = live_below(&e->live, UINT64_MAX); l;
	    l = live_below(&e->live, l->job.id)) {
		take_back_start(e, l);
		ask(e, l, how);
	}
	uint64_t ms = PATIENCE_MS + (how == ON_STOP_CANCEL ? e->settings.kill_grace_ms : 0);
	e->stopping.until_us = e->mono_us() + ms * 1000;
}

bool engine_stopping(const struct engine *e, struct engine_stopping *out)
{
	enum on_stop how = e->stopping.how;

	if (!out)
		return how != 0;
	*out = (struct engine_stopping){ .how = how };
	if (!how || e->stopping.over)
		return how != 0;
	uint64_t now = e->mono_us();
	out->jobs = count(e, how, is_awaited);
	if (out->jobs && e->stopping.until_us > now)
		out->within_ms = (e->stopping.until_us - now) / 1000;
	return true;
}

void stopping_run(struct engine *e)
{
	if (!e->stopping.how || e->stopping.over)
		return;
	if (e->mono_us() >= e->stopping.until_us || count(e, e->stopping.how, is_awaited) == 0)
		end(e);
}

bool engine_may_leave(const struct engine *e)
{
	return e->stopping.over;
}

/* Of another boot nothing is left to resume; proc tells what became of it. */
static bool was_stopped(const struct engine *e, const struct live *l, const void *ctx)
{
	const char *boot = l->job.now.boot_id;

	(void)ctx;
	return l->job.stop_paused && boot && strcmp(boot, e->boot_id) == 0;
}

/* The limits may be others than they were, and a queue may have been paused since. */
void engine_resume_stopped(struct engine *e)
{
	struct resumption r = { .which = was_stopped };

	resume_collect(e, &r);
	resume_all(e, &r, &(struct step){ .detail = "it was paused for the stop of jobd" });
}

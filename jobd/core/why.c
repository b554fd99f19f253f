/* SPDX-License-Identifier: ISC */
/* Why a job does not run, in words that a person can act on. Looks, and touches nothing. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "jobd/core/internal.h"

__attribute__((format(printf, 2, 3))) static void say(struct why *w, const char *fmt, ...)
{
	size_t n = strlen(w->message);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->message + n, sizeof w->message - n, fmt, ap);
	va_end(ap);
}

/* Whose jobs compete for the slot that one waits for. */
enum rivals { RIVALS_ALL, RIVALS_QUEUE, RIVALS_USER };

struct ranks {
	const struct live *job;
	enum rivals rivals;
	size_t before;
};

static bool is_rival(const struct ranks *r, const struct live *l)
{
	return r->rivals == RIVALS_QUEUE ? l->queue == r->job->queue :
	       r->rivals == RIVALS_USER	 ? l->job.uid == r->job->job.uid :
					   true;
}

/* In its line, at its gate before there is room for it, or paused and to go on. */
static bool waits_for_a_slot(const struct live *l)
{
	return order_has(l) || starts_awaits_slot(l) || l->job.resume_requested;
}

/* Nothing of its queue begins, or, if it is paused, nothing goes on. */
static bool is_shut(const struct live *l)
{
	return l->queue->state == QUEUE_PAUSED ||
	    (l->queue->state == QUEUE_DRAINING && l->job.state == JOB_QUEUED);
}

static void count_before(void *ctx, struct live *l)
{
	struct ranks *r = ctx;
	bool waits = waits_for_a_slot(l);

	if (waits && !is_shut(l) && is_rival(r, l) && order_before(l, r->job))
		r->before++;
}

/* How many come first, of those that wait to begin and to go on. */
static size_t before(const struct engine *e, const struct live *l, enum rivals rivals)
{
	struct ranks r = { l, rivals, 0 };

	live_each(&e->live, count_before, &r);
	return r.before;
}

/* "; 2 before it" */
static void say_before(const struct engine *e, const struct live *l, struct why *w,
    enum rivals rivals)
{
	if (!waits_for_a_slot(l))
		return;
	w->has_before = true;
	w->before = before(e, l, rivals);
	if (w->before)
		say(w, "; %zu before it", w->before);
	else
		say(w, "; it is the next");
}

static void why_dependency(const struct engine *e, const struct live *l, struct why *w)
{
	(void)e;
	w->nids = depend_awaited(l, w->ids, WHY_IDS);
	say(w, "it waits for the end of %u other job%s", l->unmet, l->unmet == 1 ? "" : "s");
	for (size_t i = 0; i < w->nids && i < 8; i++)
		say(w, "%s%llu", i ? ", " : ": ", (unsigned long long)w->ids[i]);
	if (l->unmet > 8)
		say(w, ", ...");
}

/* What it waits for besides: else one would think that it starts when that is over. */
static void why_besides(const struct engine *e, const struct live *l, struct why *w)
{
	if (waiting_until(l) > e->real_us()) {
		w->until_us = waiting_until(l);
		say(w, "; it is not to start before its time, either");
	}
	if (l->queue->state != QUEUE_OPEN)
		say(w, "; queue %s is %s, too", l->queue->name, queue_state_name(l->queue->state));
}

static void why_backoff(const struct engine *e, const struct live *l, struct why *w)
{
	uint64_t mono = e->mono_us(), until = 0;

	if (waiting_until(l) > e->real_us()) {
		w->until_us = l->job.retry_at_us;
		say(w, "attempt %u failed; another follows (of %u)", job_last_attempt(&l->job),
		    engine_attempts(l));
		return;
	}
	if (order_is_suspect(&e->order, l->job.uid)) {
		say(w, "a start of this user's hangs (a name service, or a file system); "
		       "one at a time is tried");
		return;
	}
	if (e->backoff_until_us > mono)
		until = e->backoff_until_us;
	else if (l->start_again_us > mono)
		until = l->start_again_us;
	if (until)
		w->until_us = e->real_us() + (until - mono);
	if (until == e->backoff_until_us && until)
		say(w, "the machine has no room for another process");
	else if (l->start_error)
		say(w, "it could not be started (%s)", strerror(-l->start_error));
	else
		say(w, "it could not be started");
	say(w, "; it is tried again soon");
}

static void why_queue_stopped(const struct engine *e, const struct live *l, struct why *w)
{
	const struct queue *q = l->queue;

	if (e->stopping.how) {
		say(w, "jobd is stopping");
		return;
	}
	say(w, "queue %s is %s", q->name, queue_state_name(q->state));
	if (q->by)
		say(w, " (by %s)", q->by);
	say(w, "; it goes on after: jobctl queue resume %s", q->name);
}

static void why_full(const struct engine *e, const struct live *l, struct why *w)
{
	const struct order_queue *q = &l->queue->order;
	bool own = q->most && q->running >= q->most;

	if (own)
		say(w, "queue %s runs %u of %u", l->queue->name, q->running, q->most);
	else
		say(w, "jobd runs %u of %u jobs", e->active, e->settings.max_running);
	w->limit = own ? "queue" : "daemon";
	unsigned paused = own ? q->paused : e->active_paused;
	if (paused)
		say(w, ", %u of them paused", paused);
	say_before(e, l, w, own ? RIVALS_QUEUE : RIVALS_ALL);
}

static void why_not_before(const struct engine *e, const struct live *l, struct why *w)
{
	(void)e;
	w->until_us = l->job.not_before_us;
	say(w, "it is not to start yet");
}

static void why_low_disk(const struct engine *e, const struct live *l, struct why *w)
{
	(void)l;
	say(w, "%llu MB are free on the disk of %s, and nothing starts with less than %llu MB",
	    (unsigned long long)(e->disk_free >> 20), e->state_dir,
	    (unsigned long long)(e->settings.low_disk_bytes >> 20));
}

static void why_user_limit(const struct engine *e, const struct live *l, struct why *w)
{
	say(w, "user %s runs %u of %u (user_max_running)", l->job.user,
	    order_running(&e->order, l->job.uid), e->settings.user_max_running);
	w->limit = "user";
	say_before(e, l, w, RIVALS_USER);
}

static void why_waiting(const struct engine *e, const struct live *l, struct why *w)
{
	static const struct {
		enum job_reason reason;
		void (*tell)(const struct engine *e, const struct live *l, struct why *w);
	} tellers[] = {
		{ REASON_DEPENDENCY, why_dependency },
		{ REASON_NOT_BEFORE, why_not_before },
		{ REASON_BACKOFF, why_backoff },
		{ REASON_DRAINING, why_queue_stopped },
		{ REASON_QUEUE_PAUSED, why_queue_stopped },
		{ REASON_LOW_DISK, why_low_disk },
		{ REASON_USER_LIMIT, why_user_limit },
		{ REASON_QUEUE_FULL, why_full },
		{ REASON_PRIORITY, why_full },
	};

	for (size_t i = 0; i < sizeof tellers / sizeof tellers[0]; i++)
		if (tellers[i].reason == w->reason)
			tellers[i].tell(e, l, w);
	if (w->reason == REASON_DEPENDENCY)
		why_besides(e, l, w);
	if (!w->reason)
		say(w, "nothing; it starts in a moment");
}

static void why_live(const struct engine *e, const struct live *l, struct why *w)
{
	const struct job *j = &l->job;

	w->queue = l->queue->name;
	if (j->state == JOB_HELD) {
		w->reason = j->reason;
		say(w, "it is held%s%s; it may start after: jobctl release %llu",
		    j->reason ? ", after its last attempt was " : "",
		    j->reason ? job_reason_name(j->reason) : "", (unsigned long long)j->id);
		if (j->reason && j->nhistory && j->history[j->nhistory - 1].error)
			say(w, " (%s)", j->history[j->nhistory - 1].error);
		if (l->unmet) {
			say(w, "; then ");
			why_dependency(e, l, w);
		}
		why_besides(e, l, w);
	} else if (j->state == JOB_QUEUED || j->resume_requested) {
		w->reason = choose_reason(e, l);
		if (j->state == JOB_PAUSED)
			say(w, "it is paused and waits for a slot: ");
		why_waiting(e, l, w);
	} else if (j->state == JOB_PAUSED && j->queue_paused && l->queue->state == QUEUE_PAUSED) {
		w->reason = REASON_QUEUE_PAUSED;
		say(w, "its queue is%s%s; it goes on after: jobctl queue resume %s", l->queue->by ? ", by " : "",
		    l->queue->by ? l->queue->by : "", l->queue->name);
	} else if (j->state == JOB_PAUSED) {
		say(w, "it is paused; it goes on after: jobctl resume %llu", (unsigned long long)j->id);
	} else {
		say(w, "it runs%s", j->pause_requested ? ", and is being paused" :
				   j->cancel_requested ? ", and is being cancelled" :
				   j->timed_out	   ? ", and is being ended: its time is up" :
						     "");
	}
}

static void why_ended(const struct job *j, struct why *w)
{
	w->reason = j->reason;
	say(w, j->state == JOB_CANCELLED ? "it was cancelled" :
		j->state == JOB_FAILED	 ? "it failed" :
					   "it completed");
	if (j->reason)
		say(w, " (%s)", job_reason_name(j->reason));
	if (j->now.error)
		say(w, ": %s", j->now.error);
	if (j->state != JOB_COMPLETED)
		say(w, "; it runs again after: jobctl retry %llu", (unsigned long long)j->id);
}

enum engine_result engine_why(struct engine *e, uint64_t id, struct why *w)
{
	struct live *l = live_find(&e->live, id);
	struct job j;

	*w = (struct why){ .queue = "" };
	if (l) {
		w->state = l->job.state;
		why_live(e, l, w);
		return ENGINE_OK;
	}
	int rc = query_ended(e, id, &j);
	if (rc)
		return rc == -ENOENT ? ENGINE_NOT_FOUND : ENGINE_FAILED;
	w->state = j.state;
	const struct queue *q = queue_find(&e->queues, j.queue);
	w->queue = q ? q->name : "";
	why_ended(&j, w);
	job_fini(&j);
	return ENGINE_OK;
}

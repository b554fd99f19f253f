/* SPDX-License-Identifier: ISC */
/*
 * org.jobd.Job.Wait: a stream of what becomes of some jobs.
 *
 * What changed is marked, and sent as the client takes it: always the present,
 * never a queue of pasts, so that one who does not read costs no memory. A
 * change of state goes in its turn, progress at most every 100 ms. A quiet
 * stream says every 25 s that it is there, since common clients give up after
 * 45 s of silence.
 *
 * Over an exec of jobd goes what the client has not been told; so it is told nothing twice, and
 * a job that was deleted meanwhile does not end the wait.
 */
#include "config.h"

#include <event2/event.h>
#include <stdlib.h>

#include "jobd/api/common.h"
#include "lib/varlink_handlers.h"

#define QUIET_S	    25
#define PROGRESS_US 100000
#define IDS_MAX     1000
#define PIECE_BYTES (256u << 10) /* of one reply of a stream */
#define REPLY_BYTES (8u << 20)	 /* of the one reply where there is no stream */

struct wait;

struct waited {
	struct job_watch watch; /* first: the callback gets back from it */
	struct wait *w;
	uint64_t id;
	bool untold; /* something of it is to be sent */
};

struct wait {
	struct api *a;
	struct call *c;
	struct event *timer;
	bool progress, more;
	bool pacing; /* the timer paces progress */
	size_t n, live;
	struct waited jobs[];
};

static void wait_free(void *arg)
{
	struct wait *w = arg;

	for (size_t i = 0; i < w->n; i++)
		engine_unwatch(&w->jobs[i].watch);
	if (w->timer)
		event_free(w->timer);
	free(w);
}

static void arm(struct wait *w, bool pacing)
{
	struct timeval quiet = { QUIET_S, 0 }, pace = { 0, PROGRESS_US };

	w->pacing = pacing;
	event_add(w->timer, pacing ? &pace : &quiet);
}

/* Takes what is untold, up to so many bytes; *rest says whether something is left. */
static json_t *take_untold(struct wait *w, size_t bytes, bool *rest)
{
	json_t *jobs = json_array();
	size_t taken = 0;

	*rest = false;
	for (size_t i = 0; i < w->n && !*rest; i++) {
		struct job_view v;
		if (!w->jobs[i].untold)
			continue;
		if (taken >= bytes) {
			*rest = true;
			break;
		}
		w->jobs[i].untold = false;
		if (engine_get(w->a->o.engine, w->jobs[i].id, &v) != ENGINE_OK)
			continue; /* deleted meanwhile */
		taken += job_json_bytes(v.job);
		json_array_append_new(jobs, job_json(w->a, call_peer(w->c), &v, false));
		job_view_fini(&v);
	}
	return jobs;
}

static json_t *reply_of(json_t *jobs)
{
	json_t *reply = json_object();

	json_put(reply, "jobs", jobs);
	return reply;
}

static void finish(struct wait *w, json_t *jobs)
{
	struct call *c = w->c;

	call_on_close(c, NULL, NULL);
	call_on_drain(c, NULL, NULL);
	wait_free(w);
	call_reply(c, reply_of(jobs));
}

/* The one reply, where no stream was asked for. */
static void answer(struct wait *w)
{
	struct api *a = w->a;
	struct call *c = w->c;
	bool rest;
	json_t *jobs = take_untold(w, REPLY_BYTES, &rest);

	if (!rest) {
		finish(w, jobs);
		return;
	}
	json_decref(jobs);
	call_on_close(c, NULL, NULL);
	wait_free(w);
	error_limit(a, c, &(struct limit_met){ .limit = API_LIMIT_REPLY, .verb = "wait",
		.message = "all these jobs are too much for one reply: call it with more",
		.value = REPLY_BYTES });
}

/* Sends what is untold, as far as the client takes it; ends when all is told and has ended. */
static void pump(void *arg)
{
	struct wait *w = arg;
	bool rest = true;

	while (rest) {
		if (call_backlog(w->c) > CALL_BACKLOG)
			return; /* drained goes on */
		json_t *jobs = take_untold(w, PIECE_BYTES, &rest);
		if (!rest && w->live == 0) {
			finish(w, jobs);
			return;
		}
		call_continue(w->c, reply_of(jobs));
	}
	arm(w, false);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pump(arg);
}

static void on_change(struct job_watch *watch, const struct job_view *v, enum job_change change)
{
	struct waited *one = (struct waited *)watch;
	struct wait *w = one->w;

	(void)v;
	if (change == CHANGE_PROGRESS) {
		if (!w->progress || !w->more)
			return;
		one->untold = true;
		if (!w->pacing)
			arm(w, true);
		return;
	}
	one->untold = true;
	if (change == CHANGE_ENDED)
		w->live--;
	if (w->more)
		pump(w);
	else if (w->live == 0)
		answer(w);
}

/* For call_on_handover. */
static json_t *untold(void *arg)
{
	struct wait *w = arg;
	json_t *ids = json_array(), *progress = json_object();

	for (size_t i = 0; i < w->n; i++)
		if (w->jobs[i].untold)
			json_array_append_new(ids, json_integer((json_int_t)w->jobs[i].id));
	json_put(progress, "untold", ids);
	return progress;
}

/* Whether this one of the jobs, which come in the order of their ids, is to be told. */
static bool is_untold(const struct call *c, uint64_t id, size_t *at)
{
	const json_t *ids = json_object_get(call_progress(c), "untold");

	if (!call_progress(c))
		return true;
	while (*at < json_array_size(ids)
	    && (uint64_t)json_integer_value(json_array_get(ids, *at)) < id)
		++*at;
	return (uint64_t)json_integer_value(json_array_get(ids, *at)) == id;
}

/* Watches one more job; false when there is none, and the call was answered. */
static bool add(struct wait *w, uint64_t id, size_t *at)
{
	struct waited *one = &w->jobs[w->n];
	struct job_view v;
	enum engine_result r = engine_get(w->a->o.engine, id, &v);

	if (r != ENGINE_OK) {
		if (call_progress(w->c))
			return true; /* it was there when the call began */
		error_of_get(w->c, id, r);
		return false;
	}
	job_view_fini(&v);
	*one = (struct waited){ .watch = { .changed = on_change }, .w = w, .id = id };
	one->untold = is_untold(w->c, id, at);
	w->live += engine_watch(w->a->o.engine, id, &one->watch);
	w->n++;
	return true;
}

/* Makes the wait; NULL when the call was answered (an id is unknown, no memory). */
static struct wait *wait_new(struct api *a, struct call *c, const uint64_t *ids, size_t n)
{
	struct wait *w = calloc(1, sizeof *w + n * sizeof w->jobs[0]);

	if (!w) {
		error_failed(c, 0, "no memory");
		return NULL;
	}
	*w = (struct wait){ .a = a, .c = c, .progress = param_bool(c, "progress"),
		.more = call_wants_more(c) };
	w->timer = event_new(a->o.base, -1, 0, on_timer, w);
	if (!w->timer) {
		error_failed(c, 0, "no memory");
		wait_free(w);
		return NULL;
	}
	size_t at = 0;
	for (size_t i = 0; i < n; i++) {
		if (i && ids[i] == ids[i - 1])
			continue;
		if (!add(w, ids[i], &at)) {
			wait_free(w);
			return NULL;
		}
	}
	return w;
}

void api_job_wait(void *ctx, struct call *c)
{
	bool no_memory = false;
	size_t n;
	uint64_t *ids = param_ids(c, &n, &no_memory);

	if (no_memory) {
		error_failed(c, 0, "no memory");
		return;
	}
	if (n > IDS_MAX) {
		error_limit(ctx, c, &(struct limit_met){ .limit = API_LIMIT_IDS, .verb = "wait",
			.message = "at most 1000 jobs a call", .value = IDS_MAX, .count = n });
		free(ids);
		return;
	}
	struct wait *w = wait_new(ctx, c, ids, n);
	free(ids);
	if (!w)
		return;
	call_on_close(c, wait_free, w);
	call_on_drain(c, pump, w);
	call_on_handover(c, untold, w);
	if (w->more)
		pump(w);
	else if (w->live == 0)
		answer(w);
}

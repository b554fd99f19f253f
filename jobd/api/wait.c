/* SPDX-License-Identifier: ISC */
/*
 * org.jobd.Job.Wait: a stream of what becomes of some jobs.
 *
 * A change of state is sent in its turn; progress at most every 100 ms, and not
 * at all to a client that does not read. A quiet stream says every 25 s that it
 * is there, since common clients give up after 45 s of silence.
 */
#include "config.h"

#include <event2/event.h>
#include <stdlib.h>

#include "jobd/api/common.h"
#include "lib/varlink_handlers.h"

#define QUIET_S	    25
#define PROGRESS_US 100000

struct wait;

struct waited {
	struct job_watch watch; /* first: the callback gets back from it */
	struct wait *w;
	uint64_t id;
	bool live;
	bool told; /* of progress, not yet sent */
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

static json_t *reply_of(json_t *jobs)
{
	json_t *reply = json_object();

	json_put(reply, "jobs", jobs);
	return reply;
}

static void append(struct wait *w, json_t *jobs, uint64_t id)
{
	struct job_view v;

	if (engine_get(w->a->o.engine, id, &v) != ENGINE_OK)
		return; /* deleted meanwhile */
	json_array_append_new(jobs, job_json(w->a, call_peer(w->c), &v, false));
	job_view_fini(&v);
}

static json_t *everything(struct wait *w)
{
	json_t *jobs = json_array();

	for (size_t i = 0; i < w->n; i++)
		append(w, jobs, w->jobs[i].id);
	return jobs;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct wait *w = arg;
	json_t *jobs = json_array();

	(void)fd;
	(void)what;
	for (size_t i = 0; i < w->n; i++) {
		if (!w->jobs[i].told)
			continue;
		w->jobs[i].told = false;
		append(w, jobs, w->jobs[i].id);
	}
	if (call_backlog(w->c) > CALL_BACKLOG)
		json_decref(jobs);
	else
		call_continue(w->c, reply_of(jobs));
	arm(w, false);
}

static void finish(struct wait *w, json_t *jobs)
{
	struct call *c = w->c;

	call_on_close(c, NULL, NULL);
	wait_free(w);
	call_reply(c, reply_of(jobs));
}

static void on_change(struct job_watch *watch, const struct job_view *v, enum job_change change)
{
	struct waited *one = (struct waited *)watch;
	struct wait *w = one->w;

	if (change == CHANGE_PROGRESS) {
		if (!w->progress || !w->more)
			return;
		one->told = true;
		if (!w->pacing)
			arm(w, true);
		return;
	}
	one->told = false;
	if (change == CHANGE_ENDED) {
		one->live = false;
		w->live--;
	}
	if (!w->more && w->live)
		return;
	json_t *jobs = w->more ? json_array() : everything(w);
	if (w->more)
		json_array_append_new(jobs, job_json(w->a, call_peer(w->c), v, false));
	if (w->live)
		call_continue(w->c, reply_of(jobs));
	else
		finish(w, jobs);
}

/* Makes the wait; NULL when the call was answered (an id is unknown, no memory). */
static struct wait *wait_new(struct api *a, struct call *c)
{
	const json_t *ids = json_object_get(call_params(c), "ids");
	size_t n = json_array_size(ids);
	struct wait *w = calloc(1, sizeof *w + n * sizeof w->jobs[0]);

	if (!w) {
		error_failed(c, 0, "no memory");
		return NULL;
	}
	*w = (struct wait){ .a = a, .c = c, .progress = param_bool(c, "progress"),
		.more = call_wants_more(c) };
	w->timer = event_new(a->o.base, -1, 0, on_timer, w);
	for (size_t i = 0; i < n; i++) {
		struct waited *one = &w->jobs[w->n++];
		struct job_view v;
		one->watch.changed = on_change;
		one->w = w;
		one->id = (uint64_t)json_integer_value(json_array_get(ids, i));
		if (engine_get(a->o.engine, one->id, &v) != ENGINE_OK) {
			error_not_found(c, one->id);
			wait_free(w);
			return NULL;
		}
		job_view_fini(&v);
		one->live = engine_watch(a->o.engine, one->id, &one->watch);
		w->live += one->live;
	}
	return w;
}

void api_job_wait(void *ctx, struct call *c)
{
	struct wait *w = wait_new(ctx, c);

	if (!w)
		return;
	if (w->live == 0) {
		finish(w, everything(w));
		return;
	}
	call_on_close(c, wait_free, w);
	if (w->more) {
		call_continue(c, reply_of(everything(w)));
		arm(w, false);
	}
}

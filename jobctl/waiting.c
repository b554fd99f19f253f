/* SPDX-License-Identifier: ISC */
/*
 * Waiting. Wait's first reply holds all the jobs, so a connection that is made anew needs no
 * care. A job that was deleted between two connections is not known any
 * more: what was last seen of it stands.
 *
 * Wait takes WAIT_MAX jobs at a time. More are looked at once, part by part, so that a number
 * that is wrong is told at once and not after the hours that the first part may take; then
 * they are waited for, part after part.
 */
#include "config.h"

#include "jobctl/waiting.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "jobctl/fault.h"
#include "jobctl/job.h"

#define WAIT_MAX 1000 /* the protocol's */

/* The numbers that are asked for at the moment. */
static json_t *part(const struct waiting *w)
{
	json_t *ids = json_array();
	size_t n = json_array_size(w->ids);
	for (size_t i = w->looking ? w->looked : 0; i < n && json_array_size(ids) < WAIT_MAX; i++)
		json_array_append(ids, json_array_get(w->ids, i));
	return ids;
}

static json_t *params(void *ctx)
{
	struct waiting *w = ctx;
	json_t *p = json_pack("{s:o}", "ids", part(w));
	if (p && w->progress)
		json_object_set_new(p, "progress", json_true());
	return p;
}

void waiting_init(struct waiting *w, struct client *c, json_t *ids, bool progress, bool known)
{
	*w = (struct waiting){ .ids = ids, .jobs = json_object(), .progress = progress };
	w->looking = json_array_size(ids) > WAIT_MAX;
	stream_init(&w->stream, c, &(struct stream_call){ "org.jobd.Job.Wait", params, w }, known);
}

void waiting_fini(struct waiting *w)
{
	stream_fini(&w->stream);
	json_decref(w->ids);
	json_decref(w->jobs);
	w->ids = w->jobs = NULL;
}

static const char *key_of(int64_t id, char key[24])
{
	snprintf(key, 24, "%" PRId64, id);
	return key;
}

json_t *waiting_job(const struct waiting *w, int64_t id)
{
	char key[24];
	return json_object_get(w->jobs, key_of(id, key));
}

static void take(struct waiting *w, const json_t *reply)
{
	size_t i;
	json_t *job, *jobs = json_object_get(reply, "jobs");
	char key[24];

	json_array_foreach(jobs, i, job) {
		json_object_set(w->jobs, key_of(job_int(job, "id", 0), key), job);
	}
}

/* Of a job that is gone, what was seen before its end tells nothing. */
static void forget_unended(struct waiting *w)
{
	const char *key;
	json_t *job;
	void *next;

	json_object_foreach_safe(w->jobs, next, key, job) {
		if (!job_ended(job))
			json_object_del(w->jobs, key);
	}
}

/* Whether the error only says that a job which had been seen is gone; it is then not asked
 * for again. */
static bool gone_meanwhile(struct waiting *w, const struct answer *a)
{
	int64_t id = job_int(a->params, "id", 0);
	size_t i;
	json_t *number;

	if (strcmp(a->error, "org.jobd.Job.NotFound") != 0 || !waiting_job(w, id))
		return false;
	json_array_foreach(w->ids, i, number) {
		if (json_integer_value(number) == id) {
			json_array_remove(w->ids, i);
			w->stream.tried_at_us = 0;
			return true;
		}
	}
	return false;
}

/* Drops the first n numbers. */
static void drop(struct waiting *w, size_t n)
{
	for (size_t i = 0; i < n && json_array_size(w->ids) > 0; i++)
		json_array_remove(w->ids, 0);
}

/* Of many, only those have to be waited for that had not ended when they were looked at. */
static void drop_ended(struct waiting *w)
{
	for (size_t i = json_array_size(w->ids); i-- > 0;)
		if (job_ended(waiting_job(w, json_integer_value(json_array_get(w->ids, i)))))
			json_array_remove(w->ids, i);
}

static enum waiting_result conclude(struct waiting *w)
{
	if (json_array_size(w->ids) > 0)
		return WAITING_NEWS;
	forget_unended(w);
	return WAITING_ENDED;
}

/* A part was seen, or has ended: on to the next. */
static enum waiting_result next_part(struct waiting *w)
{
	stream_fini(&w->stream);
	w->stream.tried_at_us = 0; /* nothing broke: no need to be patient */
	if (!w->looking) {
		drop(w, WAIT_MAX);
		return conclude(w);
	}
	w->looked += WAIT_MAX;
	if (w->looked >= json_array_size(w->ids)) {
		w->looking = false;
		drop_ended(w);
	}
	return conclude(w);
}

static enum waiting_result error(struct waiting *w, const struct answer *a)
{
	stream_fini(&w->stream);
	if (!gone_meanwhile(w, a)) {
		char what[64];
		snprintf(what, sizeof what, "wait for job %" PRId64, job_int(a->params, "id", 0));
		fault_say(what, a);
		return WAITING_FAILED;
	}
	return conclude(w);
}

enum waiting_result waiting_next(struct waiting *w, int timeout_ms)
{
	struct answer a;
	enum waiting_result r = WAITING_NOTHING;

	if (w->ended)
		return WAITING_ENDED;
	switch (stream_next(&w->stream, timeout_ms, &a)) {
	case STREAM_REPLY:
		take(w, a.params);
		if (w->looking)
			r = next_part(w);
		else if (json_array_size(json_object_get(a.params, "jobs")) > 0)
			r = WAITING_NEWS;
		break;
	case STREAM_LAST:
		take(w, a.params);
		r = next_part(w);
		break;
	case STREAM_ERROR:
		r = error(w, &a);
		break;
	case STREAM_LOST:
		r = WAITING_FAILED;
		break;
	case STREAM_NOTHING:
		break;
	}
	w->ended = r == WAITING_ENDED;
	answer_fini(&a);
	return r;
}

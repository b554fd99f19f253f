/* SPDX-License-Identifier: ISC */
/* The jobs of queues that have started and not ended. Knows List, and nothing of how it is shown. */
#include "config.h"

#include "jobctl/queue-jobs.h"

#include <string.h>

#include "jobctl/job.h"
#include "jobctl/select.h"

/* Adds one to an object's number. */
static void count(json_t *object, const char *key)
{
	json_object_set_new(object, key, json_integer((json_int_t)job_int(object, key, 0) + 1));
}

static int64_t count_paused(void *ctx, json_t *jobs, const char *cursor)
{
	json_t *by_queue = ctx, *job;
	size_t i;

	(void)cursor;
	json_array_foreach(jobs, i, job) {
		const char *queue = job_text_or(job, "queue", "?");
		json_t *counts = json_object_get(by_queue, queue);
		if (!counts) {
			counts = json_object();
			json_object_set_new(by_queue, queue, counts);
		}
		if (job_flag(job, "resume_requested"))
			count(counts, "resuming");
		else if (job_flag(job, "slot_released"))
			count(counts, "released");
		/* Either may be without one. */
		if (job_flag(job, "slot_released"))
			count(counts, "slotless");
	}
	return INT64_MAX;
}

enum code queue_jobs_look(struct ctl *c, const json_t *queues, json_t **paused)
{
	json_t *names = json_array(), *q;
	size_t i;
	enum code code = CODE_DONE;

	*paused = json_object();
	json_array_foreach(queues, i, q) {
		if (job_int(q, "paused", 0) > 0)
			json_array_append(names, json_object_get(q, "name"));
	}
	if (json_array_size(names))
		code = select_pages(c,
		    &(struct select_walk){
			.filter = json_pack("{s:O, s:[s]}", "queues", names, "states", "paused"),
			.wanted = INT64_MAX, .page = count_paused, .ctx = *paused });
	json_decref(names);
	return code;
}

struct queue_jobs queue_jobs_of(const json_t *queue, const json_t *paused)
{
	const json_t *counts = json_object_get(paused, job_text_or(queue, "name", "?"));
	struct queue_jobs j = {
		.paused = job_int(queue, "paused", 0),
		.released = job_int(counts, "released", 0),
		.resuming = job_int(counts, "resuming", 0),
	};
	int64_t with_slot = j.paused - job_int(counts, "slotless", 0);

	j.running = job_int(queue, "running", 0) - (with_slot > 0 ? with_slot : 0);
	if (j.running < 0)
		j.running = 0; /* the two answers are not of the same moment */
	return j;
}

static int64_t sort_out(void *ctx, json_t *jobs, const char *cursor)
{
	json_t **lists = ctx, *job;
	size_t i;

	(void)cursor;
	json_array_foreach(jobs, i, job) {
		bool paused = strcmp(job_text_or(job, "state", ""), "paused") == 0;
		json_array_append(lists[paused], json_object_get(job, "id"));
	}
	return INT64_MAX;
}

enum code queue_jobs_left(struct ctl *c, const char *queue, json_t **running, json_t **paused)
{
	json_t *lists[] = { json_array(), json_array() };
	struct select_walk walk = { .wanted = INT64_MAX, .page = sort_out, .ctx = lists };
	walk.filter =
	    json_pack("{s:[s], s:[s, s]}", "queues", queue, "states", "running", "paused");
	enum code code = select_pages(c, &walk);

	*running = lists[0];
	*paused = lists[1];
	return code;
}

void queue_jobs_numbers(const json_t *ids, size_t most, struct buf *out)
{
	size_t i;
	json_t *id;

	json_array_foreach(ids, i, id) {
		if (i == most) {
			buf_puts(out, " ...");
			break;
		}
		buf_printf(out, "%s%" JSON_INTEGER_FORMAT, i ? " " : "", json_integer_value(id));
	}
}

/* SPDX-License-Identifier: ISC */
/* When a draft may start: its times, and the jobs it waits for. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "jobd/api/common.h"
#include "lib/bounds.h"
#include "lib/clock.h"
#include "lib/number.h"

static bool read_time(struct drafting *x, const char *name, uint64_t *us)
{
	const json_t *v = json_object_get(x->o, name);

	if (!json_is_integer(v))
		return true;
	if (json_integer_value(v) < 1) {
		draft_wrong(x, name, "it is microseconds since the epoch");
		return false;
	}
	*us = (uint64_t)json_integer_value(v);
	return true;
}

bool draft_check_times(struct drafting *x, uint64_t not_before_us, uint64_t deadline_us)
{
	if (!deadline_us || !not_before_us || deadline_us > not_before_us)
		return true;
	draft_wrong(x, "deadline_us", "it is not after not_before_us: the job could never start");
	return false;
}

bool draft_read_times(struct drafting *x, struct job *job)
{
	if (!read_time(x, "not_before_us", &job->not_before_us)
	    || !read_time(x, "deadline_us", &job->deadline_us))
		return false;
	if (job->deadline_us && job->deadline_us <= clock_real_us()) {
		draft_wrong(x, "deadline_us", "it has passed");
		return false;
	}
	return draft_check_times(x, job->not_before_us, job->deadline_us);
}

/* Another job of the call, in its place: counted from 1. 0: answered. */
static size_t read_item(struct drafting *x, const char *parameter, json_int_t item)
{
	if (!x->many)
		draft_wrong(x, parameter, "an item is for several jobs in one call; here it is an id");
	else if (item < 0 || (uint64_t)item >= x->item)
		draft_wrong(x, parameter, "item %" JSON_INTEGER_FORMAT " does not stand before it", item);
	else
		return (size_t)item + 1;
	return 0;
}

static bool read_one(struct drafting *x, struct draft *d, size_t at, const json_t *o)
{
	const json_t *id = json_object_get(o, "id"), *item = json_object_get(o, "item");
	const char *on = json_string_value(json_object_get(o, "on"));
	struct job_after *after = &d->after[at];
	char parameter[32];

	snprintf(parameter, sizeof parameter, "after[%zu]", at);
	after->on = on ? after_on_parse(on) : AFTER_OK;
	if (!after->on) {
		draft_wrong(x, parameter, "\"%.40s\" is none of ok, failed, any", on);
		return false;
	}
	if (json_is_integer(id) == json_is_integer(item)) {
		draft_wrong(x, parameter, "it has an id or an item, and not both");
		return false;
	}
	if (json_is_integer(item))
		return (d->items[at] = read_item(x, parameter, json_integer_value(item))) != 0;
	if (json_integer_value(id) < 1) {
		draft_wrong(x, parameter, "%" JSON_INTEGER_FORMAT " is no job's id", json_integer_value(id));
		return false;
	}
	after->id = (uint64_t)json_integer_value(id);
	return true;
}

/* An id or an item in one number, so that they can be told apart. */
static uint64_t key_of(const struct draft *d, size_t at)
{
	return d->items[at] ? UINT64_C(1) << 63 | (d->items[at] - 1) : d->after[at].id;
}

/* Whether each is named once. */
static bool check_twice(struct drafting *x, const struct draft *d)
{
	uint64_t *keys = d->nafter > 1 ? calloc(d->nafter, sizeof *keys) : NULL;
	bool twice = false;

	if (!keys) {
		x->no_memory |= d->nafter > 1;
		return true;
	}
	for (size_t i = 0; i < d->nafter; i++)
		keys[i] = key_of(d, i);
	qsort(keys, d->nafter, sizeof *keys, number_compare);
	for (size_t i = 1; i < d->nafter && !twice; i++) {
		twice = keys[i] == keys[i - 1];
		if (twice)
			draft_wrong(x, "after", "%s %" PRIu64 " is there twice",
			    keys[i] >> 63 ? "item" : "job", keys[i] & INT64_MAX);
	}
	free(keys);
	return !twice;
}

bool draft_read_after(struct drafting *x, struct draft *d)
{
	const json_t *array = json_object_get(x->o, "after");
	size_t n = json_array_size(array);

	if (n == 0)
		return true;
	if (n > AFTER_MAX) {
		draft_wrong(x, "after", "a job waits for at most %d others", AFTER_MAX);
		return false;
	}
	d->after = calloc(n, sizeof *d->after);
	d->items = calloc(n, sizeof *d->items);
	if (!d->after || !d->items) {
		x->no_memory = true;
		return true;
	}
	d->nafter = n;
	x->links += n;
	if (x->links > AFTER_MAX) {
		draft_wrong(x, "after", "the jobs of a call wait for at most %d others in all", AFTER_MAX);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		if (!read_one(x, d, i, json_array_get(array, i)))
			return false;
	return check_twice(x, d);
}

/* SPDX-License-Identifier: ISC */
/* JSON as people write it. Knows a job's fields, and no method. */
#include "config.h"

#include "jobctl/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobctl/job.h"
#include "jobctl/when.h"
#include "lib/priority.h"

#define UMASK_MAX 0777

const char *words_kind(const struct varlink_field *f)
{
	if (f->kind == VARLINK_INT && strcmp(f->name, "priority") == 0)
		return "a whole number, " PRIORITY_RANGE ", or high, normal or low";
	if (f->array)
		return f->kind == VARLINK_STRING ? "an array of strings" : "an array";
	if (f->map)
		return f->kind == VARLINK_STRING ? "an object of strings" : "an object";
	return f->kind == VARLINK_BOOL	   ? "true or false"
	       : f->kind == VARLINK_INT	   ? "a whole number"
	       : f->kind == VARLINK_STRING ? "a string"
					   : "an object";
}

int words_umask(const char *text)
{
	char *end;
	unsigned long v = strtoul(text, &end, 8);

	if (text[0] < '0' || text[0] > '7' || *end || v > UMASK_MAX)
		return -1;
	return (int)v;
}

/* Where a job's times are translated. */
struct translation {
	json_t *job;
	uint64_t now_us;
	char *why; /* gets the mistake, size bytes at most */
	size_t size;
};

/* A time to come, from the text of key to the number of field; from is what a time of day is to be after. */
static bool translate_time(
    const struct translation *t, const char *key, const char *field, uint64_t from)
{
	json_t *value = json_object_get(t->job, key);
	const char *text = json_string_value(value);
	uint64_t us = 0;

	if (!value || json_is_null(value)) {
		json_object_del(t->job, key);
		return true;
	}
	if (json_object_get(t->job, field)) {
		snprintf(t->why, t->size, "\"%s\" and \"%s\": one of them", key, field);
		return false;
	}
	enum when when = text ? when_ahead_of(text, t->now_us, from, &us) : WHEN_NONE;
	if (when == WHEN_NONE && text)
		snprintf(t->why, t->size, "%s: \"%.60s\" is no time to come, such as \"tomorrow 6:00\"", key,
		    text);
	else if (when == WHEN_NONE)
		snprintf(t->why, t->size, "%s: must be a time to come, such as \"tomorrow 6:00\"", key);
	else if (when == WHEN_PAST)
		snprintf(t->why, t->size, "%s: \"%.60s\" is in the past", key, text);
	if (when != WHEN_AHEAD)
		return false;
	json_object_set_new(t->job, field, json_integer((json_int_t)us));
	json_object_del(t->job, key);
	return true;
}

bool words_translate(
    json_t *job, uint64_t now_us, const char **wrong, char *why, size_t size)
{
	const char *umask = job_text(job, "umask"), *priority = job_text(job, "priority");

	*wrong = "umask";
	if (umask && words_umask(umask) < 0) {
		snprintf(why, size, "umask: \"%.20s\" is no umask, such as \"022\"", umask);
		return false;
	}
	if (umask)
		json_object_set_new(job, "umask", json_integer(words_umask(umask)));
	*wrong = "priority";
	if (priority && !priority_parse(priority)) {
		snprintf(why, size, "priority: " PRIORITY_WRONG, priority);
		return false;
	}
	if (priority)
		json_object_set_new(job, "priority", json_integer(priority_parse(priority)));
	struct translation t = { job, now_us, why, size };
	*wrong = "at";
	if (!translate_time(&t, "at", "not_before_us", now_us))
		return false;
	uint64_t from = (uint64_t)job_int(job, "not_before_us", 0);
	*wrong = "deadline";
	return translate_time(&t, "deadline", "deadline_us", from > now_us ? from : now_us);
}

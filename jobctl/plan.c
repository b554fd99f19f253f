/* SPDX-License-Identifier: ISC */
/*
 * Reading a plan. What can be told of a line by itself, plan-check.c tells. after may name other
 * lines; which of them are meant is settled when all have been read. A mistake never ends the
 * reading: they are all told at once.
 */
#include "config.h"

#include "jobctl/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "jobctl/job.h"
#include "lib/array.h"
#include "lib/bounds.h"
#include "lib/clock.h"
#include "lib/nearest.h"
#include "lib/str.h"

#define COMPARE_MAX 500	 /* of what a job waits for: in more, jobd finds what is there twice */
#define SUGGEST_MAX 1000 /* lines; of more, looking for the nearest name would take long */

void plan_mistake(struct plan *p, unsigned long line, const char *fmt, ...)
{
	va_list ap;
	struct plan_mistake m = { .line = line, .number = p->nmistakes };

	struct plan_mistake *v =
	    array_room(p->mistakes, p->nmistakes, &p->mistakes_cap, sizeof *v);
	if (!v) {
		p->failed = true;
		return;
	}
	p->mistakes = v;
	va_start(ap, fmt);
	m.text = str_vprintf(fmt, ap);
	va_end(ap);
	if (m.text)
		p->mistakes[p->nmistakes++] = m;
	else
		p->failed = true;
}

static struct plan_job *add_job(struct plan *p)
{
	struct plan_job *v = array_room(p->jobs, p->n, &p->cap, sizeof *v);
	if (!v) {
		p->failed = true;
		return NULL;
	}
	p->jobs = v;
	p->jobs[p->n] = (struct plan_job){ 0 };
	return &p->jobs[p->n++];
}

static void take_line(struct plan *p, unsigned long number, const char *text, size_t len)
{
	static const char mark[] = "\xef\xbb\xbf"; /* that some editors begin a file with */
	json_error_t error;

	if (number == 1 && len >= sizeof mark - 1 && memcmp(text, mark, sizeof mark - 1) == 0)
		text += sizeof mark - 1, len -= sizeof mark - 1;
	while (len && strchr(" \t\r\n", *text) && *text)
		text++, len--;
	if (len == 0 || *text == '#')
		return;
	if (len > VARLINK_MESSAGE_MAX / 2) {
		plan_mistake(p, number, "is longer than %u kB, which can't be sent",
		    VARLINK_MESSAGE_MAX / 2048);
		return;
	}
	json_t *job = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(job)) {
		if (job)
			plan_mistake(
			    p, number, "is no JSON object, such as {\"command\": [\"make\"]}");
		else
			plan_mistake(
			    p, number, "is no JSON, at column %d: %s", error.column, error.text);
		json_decref(job);
		return;
	}
	plan_check_line(p, number, job);
	struct plan_job *j = add_job(p);
	if (!j) {
		json_decref(job);
		return;
	}
	j->line = number;
	j->job = job;
}

/* Names, with their places: an integer, or an array of two where a name is there twice. */
static json_t *names(struct plan *p)
{
	json_t *names = json_object();

	for (size_t i = 0; i < p->n; i++) {
		const char *name = job_text(p->jobs[i].job, "name");
		json_t *had = name ? json_object_get(names, name) : NULL;
		if (name && !had)
			json_object_set_new(names, name, json_integer((json_int_t)i));
		else if (json_is_integer(had))
			json_object_set_new(names, name,
			    json_pack("[I, I]", json_integer_value(had), (json_int_t)i));
	}
	return names;
}

static void say_unknown_name(struct plan *p, unsigned long line, const char *name)
{
	struct nearest near = NEAREST(name);

	for (size_t i = 0; i < p->n && p->n <= SUGGEST_MAX; i++) {
		const char *have = job_text(p->jobs[i].job, "name");
		if (have)
			nearest_try(&near, have);
	}
	if (near.name)
		plan_mistake(p, line, "after: no line has the name \"%s\": did you mean \"%s\"?",
		    name, near.name);
	else
		plan_mistake(p, line, "after: no line has the name \"%s\"", name);
}

static const char *condition(const char *on)
{
	static const char *const words[] = { "ok", "failed", "any" };
	for (size_t i = 0; on && i < sizeof words / sizeof words[0]; i++)
		if (strcmp(words[i], on) == 0)
			return words[i];
	return on ? NULL : "ok";
}

/* Finds the line with that name. False where that is a mistake. */
static bool find_name(
    struct plan *p, unsigned long line, json_t *names, const char *name, struct plan_after *out)
{
	const json_t *at = json_object_get(names, name);

	if (!at) {
		say_unknown_name(p, line, name);
		return false;
	}
	if (json_is_array(at)) {
		plan_mistake(p, line,
		    "after: \"%s\" is the name of lines %lu and %lu: which is meant?", name,
		    p->jobs[json_integer_value(json_array_get(at, 0))].line,
		    p->jobs[json_integer_value(json_array_get(at, 1))].line);
		return false;
	}
	out->in_plan = true;
	out->job = (size_t)json_integer_value(at);
	return true;
}

/* One element of after: "name", 12, {"name": …, "on": …} or {"id": …, "on": …}. */
static bool take_after(
    struct plan *p, unsigned long line, json_t *names, json_t *value, struct plan_after *out)
{
	json_t *name = value, *id = value, *on = NULL;

	*out = (struct plan_after){ .on = "ok" };
	if (json_is_object(value)) {
		name = json_object_get(value, "name");
		id = json_object_get(value, "id");
		on = json_object_get(value, "on");
		size_t known = (name != NULL) + (id != NULL) + (on != NULL);
		if ((name != NULL) == (id != NULL) || known != json_object_size(value)) {
			plan_mistake(
			    p, line, "after: an object has \"name\" or \"id\", and perhaps \"on\"");
			return false;
		}
		if (on && (!json_is_string(on) || !condition(json_string_value(on)))) {
			plan_mistake(p, line, "after: \"on\" is \"ok\", \"failed\" or \"any\"");
			return false;
		}
		out->on = condition(on ? json_string_value(on) : NULL);
	}
	if (json_is_string(name))
		return find_name(p, line, names, json_string_value(name), out);
	if (json_is_integer(id) && json_integer_value(id) > 0) {
		out->id = json_integer_value(id);
		return true;
	}
	plan_mistake(p, line,
	    "after: holds names of lines, numbers of jobs, and objects like "
	    "{\"name\": \"a\", \"on\": \"any\"}");
	return false;
}

/* What can be told of all that a job waits for. */
static void check_afters(struct plan *p, const struct plan_job *j)
{
	if (j->nafter > AFTER_MAX)
		plan_mistake(p, j->line, "after: a job waits for at most %d others", AFTER_MAX);
	for (size_t i = 1; i < j->nafter && j->nafter <= COMPARE_MAX; i++) {
		const struct plan_after *a = &j->after[i], *b = j->after;
		while (b < a && (b->in_plan != a->in_plan || b->job != a->job || b->id != a->id))
			b++;
		if (b == a)
			continue;
		if (a->in_plan)
			plan_mistake(p, j->line, "after: \"%s\" is there twice",
			    job_text_or(p->jobs[a->job].job, "name", "?"));
		else
			plan_mistake(p, j->line, "after: job %" PRId64 " is there twice", a->id);
	}
}

static void resolve(struct plan *p)
{
	json_t *by_name = names(p), *value;

	for (size_t i = 0; i < p->n && !p->failed; i++) {
		struct plan_job *j = &p->jobs[i];
		json_t *after = json_object_get(j->job, "after");
		size_t k, n = json_array_size(after);
		if (after && !json_is_array(after) && !json_is_null(after))
			plan_mistake(p, j->line, "after: must be an array");
		j->after = n ? calloc(n, sizeof *j->after) : NULL;
		if (n && !j->after)
			p->failed = true;
		for (k = 0; k < n && j->after; k++) {
			value = json_array_get(after, k);
			if (take_after(p, j->line, by_name, value, &j->after[j->nafter]))
				j->nafter++;
		}
		check_afters(p, j);
		json_object_del(j->job, "after");
	}
	json_decref(by_name);
}

static int by_line(const void *a, const void *b)
{
	const struct plan_mistake *x = a, *y = b;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

void plan_sort_mistakes(struct plan *p)
{
	if (p->nmistakes)
		qsort(p->mistakes, p->nmistakes, sizeof *p->mistakes, by_line);
}

int plan_read(FILE *file, struct plan *p)
{
	char *text = NULL;
	size_t size = 0;
	ssize_t len;
	int rc = 0;

	*p = (struct plan){ .now_us = clock_real_us() };
	errno = 0;
	for (unsigned long number = 1; (len = getline(&text, &size, file)) >= 0; number++)
		take_line(p, number, text, (size_t)len);
	if (ferror(file))
		rc = errno ? -errno : -EIO;
	free(text);
	resolve(p);
	plan_check_unique(p);
	plan_settle_order(p);
	plan_sort_mistakes(p);
	return rc ? rc : p->failed ? -ENOMEM : 0;
}

void plan_fini(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		json_decref(p->jobs[i].job);
		free(p->jobs[i].after);
	}
	for (size_t i = 0; i < p->nmistakes; i++)
		free(p->mistakes[i].text);
	free(p->jobs);
	free(p->mistakes);
	free(p->order);
	*p = (struct plan){ 0 };
}

/* SPDX-License-Identifier: ISC */
/*
 * Reading a plan. A line is checked against the fields of the protocol's NewJob, so that a field
 * that is new there is known here. after may name other lines; which of them are meant is settled
 * when all have been read. A mistake never ends the reading: they are all told at once.
 */
#include "config.h"

#include "jobctl/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "jobctl/job.h"
#include "jobctl/words.h"
#include "lib/array.h"
#include "lib/clock.h"
#include "lib/nearest.h"
#include "lib/priority.h"
#include "lib/rules.h"

#define FIELD_EDITS 3	 /* between a field and what was meant: the names are long */
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
	if (vasprintf(&m.text, fmt, ap) < 0) {
		m.text = NULL;
		p->failed = true;
	}
	va_end(ap);
	if (m.text)
		p->mistakes[p->nmistakes++] = m;
}

/* The fields of NewJob, as SubmitMany has them. */
static const struct varlink_field *new_job_fields(void)
{
	static const struct varlink_field none[1];
	int i = varlink_method_find("org.jobd.Job.SubmitMany");
	for (const struct varlink_field *f = varlink_methods[i].in; f->name; f++)
		if (strcmp(f->name, "jobs") == 0)
			return f->fields;
	return none;
}

static const struct varlink_field *find_field(const char *name)
{
	for (const struct varlink_field *f = new_job_fields(); f->name; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

/* What the options and other programs call it. */
static const char *other_word(const char *name)
{
	static const struct {
		const char *word, *field;
	} others[] = {
		{ "on", "after" }, { "depends", "after" }, { "dependency", "after" }, { "needs", "after" },
		{ "delay", "at" }, { "begin", "at" }, { "not_before", "at" }, { "env", "environment" },
		{ "chdir", "cwd" }, { "dir", "cwd" }, { "cmd", "command" }, { "notes", "meta" },
		{ "params", "parameters" }, { "partition", "queue" }, { "key", "unique" },
	};
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (strcmp(others[i].word, name) == 0)
			return others[i].field;
	return NULL;
}

static void say_unknown_field(struct plan *p, unsigned long line, const char *name)
{
	struct nearest near = { .word = name, .most = FIELD_EDITS };

	for (const struct varlink_field *f = new_job_fields(); f->name; f++)
		nearest_try(&near, f->name);
	const char *best = other_word(name) ? other_word(name) : near.name;
	if (best)
		plan_mistake(p, line, "there is no field \"%s\": did you mean \"%s\"?", name, best);
	else
		plan_mistake(p, line, "there is no field \"%s\"%s", name,
		    rule_find(name) >= 0 ? ": it goes into \"rules\"" : "");
}

static void check_rules(struct plan *p, unsigned long line, json_t *rules)
{
	struct rules checked;
	const char *name;
	json_t *value;

	rules_init(&checked);
	json_object_foreach(rules, name, value) {
		int which = rule_find(name);
		if (which < 0 || !rule_is_of_jobs((enum rule)which))
			plan_mistake(p, line, "rules: there is no rule \"%s\" of a job's", name);
		else if (rule_set(&checked, (enum rule)which, json_string_value(value)) == -EINVAL)
			plan_mistake(p, line, "rules: %s: \"%s\" is not %s", name,
			    json_string_value(value), rule_takes((enum rule)which));
	}
	rules_fini(&checked);
}

static void check_fields(struct plan *p, unsigned long line, json_t *job)
{
	const char *name;
	char why[200];
	json_t *value;
	size_t before = p->nmistakes;

	if (!words_translate(job, p->now_us, why, sizeof why)) {
		plan_mistake(p, line, "%s", why);
		return;
	}
	json_object_foreach(job, name, value) {
		const struct varlink_field *f = find_field(name);
		if (!f) {
			say_unknown_field(p, line, name);
			continue;
		}
		if (strcmp(name, "after") == 0)
			continue;
		json_t *one = json_pack("{s:O}", name, value);
		if (varlink_check(new_job_fields(), one))
			plan_mistake(p, line, "%s: must be %s", name, words_kind(f));
		json_decref(one);
	}
	if (p->nmistakes > before)
		return;
	int64_t priority = job_int(job, "priority", PRIORITY_DEFAULT);
	if (priority < PRIORITY_MIN || priority > PRIORITY_MAX)
		plan_mistake(p, line, "priority: " PRIORITY_RANGE ", not %" PRId64, priority);
	check_rules(p, line, json_object_get(job, "rules"));
	const json_t *command = json_object_get(job, "command");
	if (!job_text(job, "template") &&
	    (!json_is_array(command) || json_array_size(command) == 0))
		plan_mistake(p, line, "it has no \"command\" (and no \"template\")");
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
	check_fields(p, number, job);
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
	plan_settle_order(p);
	if (p->nmistakes)
		qsort(p->mistakes, p->nmistakes, sizeof *p->mistakes, by_line);
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

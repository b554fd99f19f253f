/* SPDX-License-Identifier: ISC */
/*
 * What can be told of a line of a plan without asking jobd. It is checked against the fields of the
 * protocol's NewJob, so that a field that is new there is known here, and then as jobd would check it:
 * jobd ends at the first mistake, and here all are told. A field with a mistake is taken out, so that
 * it is told once.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "jobctl/job.h"
#include "jobctl/plan.h"
#include "jobctl/words.h"
#include "lib/bounds.h"
#include "lib/nearest.h"
#include "lib/priority.h"
#include "lib/rules.h"

#define FIELD_EDITS 3 /* between a field and what was meant: the names are long */

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
		{ "chdir", "cwd" }, { "dir", "cwd" }, { "cmd", "command" }, { "shell", "command" },
		{ "notes", "meta" },
		{ "params", "parameters" }, { "partition", "queue" }, { "key", "unique" },
	};
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (strcmp(others[i].word, name) == 0)
			return others[i].field;
	return NULL;
}

static void say_unknown_field(struct plan *p, unsigned long line, const char *name)
{
	struct nearest near = { .word = name, .most = nearest_most(name, FIELD_EDITS) };

	for (const struct varlink_field *f = new_job_fields(); f->name; f++)
		nearest_try(&near, f->name);
	const char *best = other_word(name) ? other_word(name) : near.name;
	if (best)
		plan_mistake(p, line, "there is no field \"%s\": did you mean \"%s\"?", name, best);
	else
		plan_mistake(p, line, "there is no field \"%s\"%s", name,
		    rule_find(name) >= 0 ? ": it goes into \"rules\"" : "");
}

/* A rule that is a whole number may be written as one. */
static void check_rules(struct plan *p, unsigned long line, json_t *rules)
{
	struct rules checked;
	const char *name;
	json_t *value;
	void *next;

	rules_init(&checked);
	json_object_foreach_safe(rules, next, name, value) {
		char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		int which = rule_find(name);
		if (json_is_integer(value) && text)
			json_object_set_new(rules, name, value = json_string(text));
		if (which < 0 || !rule_is_of_jobs((enum rule)which))
			plan_mistake(p, line, "rules: there is no rule \"%s\" of a job's", name);
		else if (!json_is_string(value))
			plan_mistake(p, line, "rules: %s: must be a string, such as \"%s\", not %s", name,
			    which == RULE_ATTEMPTS ? "3" : "2h", text ? text : "that");
		else if (rule_set(&checked, (enum rule)which, json_string_value(value)) == -EINVAL)
			plan_mistake(p, line, "rules: %s: \"%s\" is not %s", name,
			    json_string_value(value), rule_takes((enum rule)which));
		free(text);
	}
	rules_fini(&checked);
}

static void check_labels(struct plan *p, unsigned long line, const json_t *job)
{
	static const char *const labels[] = { "name", "project", "unique" };

	for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
		const char *text = job_text(job, labels[i]);
		size_t n = text ? strlen(text) : 1;
		if (n < 1 || n > LABEL_MAX)
			plan_mistake(p, line, "%s: has 1 to %d bytes, not %zu", labels[i], LABEL_MAX, n);
	}
}

static void check_meta(struct plan *p, unsigned long line, json_t *meta)
{
	const char *key;
	json_t *value;

	if (json_object_size(meta) > META_MAX)
		plan_mistake(p, line, "meta: a job has at most %d of them", META_MAX);
	json_object_foreach(meta, key, value) {
		if (!bounds_meta_key(key))
			plan_mistake(p, line, "meta: \"%.60s\": a key has letters, digits, _ . and -", key);
	}
}

static void check_environment(struct plan *p, unsigned long line, const json_t *environment)
{
	size_t i;
	json_t *one;

	json_array_foreach(environment, i, one) {
		const char *text = json_string_value(one);
		if (!strchr(text, '=') || *text == '=')
			plan_mistake(p, line, "environment: \"%.60s\" is not NAME=value", text);
	}
}

static void check_times(struct plan *p, unsigned long line, const json_t *job)
{
	static const char *const times[] = { "not_before_us", "deadline_us" };
	int64_t start = job_int(job, times[0], 0), end = job_int(job, times[1], INT64_MAX);

	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
		if (job_int(job, times[i], 1) < 1)
			plan_mistake(p, line, "%s: is microseconds since the epoch", times[i]);
	if (end >= 1 && end <= (int64_t)p->now_us)
		plan_mistake(p, line, "deadline_us: has passed");
	else if (end >= 1 && end <= start)
		plan_mistake(p, line, "deadline: is not after its start: it never could");
}

static void check_numbers(struct plan *p, unsigned long line, const json_t *job)
{
	int64_t priority = job_int(job, "priority", PRIORITY_DEFAULT), umask = job_int(job, "umask", 0);

	if (priority < PRIORITY_MIN || priority > PRIORITY_MAX)
		plan_mistake(p, line, "priority: " PRIORITY_RANGE ", not %" PRId64, priority);
	if (umask < 0 || umask > 0777)
		plan_mistake(p, line, "umask: %" PRId64 " is not 0 to 511; or write it as \"022\"", umask);
}

/* What it is that is run, and where. */
static void check_command(struct plan *p, unsigned long line, const json_t *job)
{
	const json_t *command = json_object_get(job, "command");
	const char *program = json_string_value(json_array_get(command, 0));
	const char *cwd = job_text(job, "cwd");

	if (program && !*program)
		plan_mistake(p, line, "command: the name of the program is empty");
	if (cwd && (*cwd != '/' || strlen(cwd) >= PATH_MAX))
		plan_mistake(p, line, "cwd: \"%.60s\" is not an absolute path", cwd);
	if (!job_text(job, "template") && json_object_size(json_object_get(job, "parameters")))
		plan_mistake(p, line, "parameters: are a template's, and no \"template\" is named");
}

/* Puts aside what is none of the protocol's fields, or of another type. */
static void check_types(struct plan *p, unsigned long line, json_t *job)
{
	const char *name;
	json_t *value;
	void *next;

	json_object_foreach_safe(job, next, name, value) {
		const struct varlink_field *f = find_field(name);
		bool by_itself = strcmp(name, "after") == 0 || strcmp(name, "rules") == 0;
		if (f && by_itself && (!f->map || json_is_object(value) || json_is_null(value)))
			continue;
		json_t *one = json_pack("{s:O}", name, value);
		bool wrong = f && varlink_check(new_job_fields(), one);
		json_decref(one);
		if (!f)
			say_unknown_field(p, line, name);
		else if (wrong)
			plan_mistake(p, line, "%s: must be %s", name, words_kind(f));
		if (!f || wrong)
			json_object_del(job, name);
	}
}

void plan_check_line(struct plan *p, unsigned long line, json_t *job)
{
	const char *wrong;
	char why[200];
	/* Of one that is there and wrong, that is told. */
	bool command = json_object_get(job, "command") || json_object_get(job, "template");

	while (!words_translate(job, p->now_us, &wrong, why, sizeof why)) {
		plan_mistake(p, line, "%s", why);
		json_object_del(job, wrong);
	}
	size_t before = p->nmistakes;
	check_types(p, line, job);
	check_numbers(p, line, job);
	check_labels(p, line, job);
	check_command(p, line, job);
	check_meta(p, line, json_object_get(job, "meta"));
	check_environment(p, line, json_object_get(job, "environment"));
	check_times(p, line, job);
	check_rules(p, line, json_object_get(job, "rules"));
	const json_t *words = json_object_get(job, "command");
	bool empty = json_is_array(words) && !json_array_size(words);
	if ((!command && p->nmistakes == before) || (empty && !job_text(job, "template")))
		plan_mistake(p, line, "it has no \"command\" (and no \"template\")");
}

/* A key that two lines have. */
void plan_check_unique(struct plan *p)
{
	json_t *keys = json_object();

	for (size_t i = 0; i < p->n; i++) {
		const char *key = job_text(p->jobs[i].job, "unique");
		const json_t *had = key ? json_object_get(keys, key) : NULL;
		if (had)
			plan_mistake(p, p->jobs[i].line,
			    "unique: line %" JSON_INTEGER_FORMAT " has the key \"%s\", too",
			    json_integer_value(had), key);
		else if (key)
			json_object_set_new(keys, key, json_integer((json_int_t)p->jobs[i].line));
	}
	json_decref(keys);
}

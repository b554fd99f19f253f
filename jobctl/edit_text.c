/* SPDX-License-Identifier: ISC */
/*
 * Editing a job as a text. The text is JSON, with the protocol's names, but for the times: they are
 * "at" and "deadline", as --at and --deadline take them. A field that was left alone is not sent,
 * so that a time that is printed without its microseconds stays what it was.
 */
#include "config.h"

#include "jobctl/edit_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobctl/job.h"
#include "jobctl/when.h"
#include "jobctl/words.h"
#include "lib/nearest.h"
#include "lib/rules.h"
#include "lib/varlink.h"

/* The fields: how they are called here and on the command line, and in the protocol. */
static const struct {
	const char *word, *also, *field;
	bool shown, time;
} fields[] = {
	{ "command", "", "command", true, false },
	{ "name", "", "name", true, false },
	{ "queue", "", "queue", true, false },
	{ "project", "", "project", true, false },
	{ "cwd", "chdir", "cwd", true, false },
	{ "umask", "", "umask", true, false },
	{ "environment", "env", "environment", false, false },
	{ "meta", "notes", "meta", true, false },
	{ "rules", "", "rules", true, false },
	{ "at", "delay", "not_before_us", true, true },
	{ "deadline", "", "deadline_us", true, true },
	{ "after", "", "after", true, false },
	{ "drop_unmet", "", "drop_unmet", true, false },
};
#define FIELDS (sizeof fields / sizeof fields[0])

static int find_field(const char *word)
{
	for (size_t i = 0; i < FIELDS; i++)
		if (strcmp(fields[i].word, word) == 0 || strcmp(fields[i].also, word) == 0 ||
		    strcmp(fields[i].field, word) == 0)
			return (int)i;
	return -1;
}

const char *edit_text_field(const char *word, const char **near)
{
	char name[32];
	struct nearest n = NEAREST(name);
	int i, rule;

	*near = NULL;
	snprintf(name, sizeof name, "%s", word);
	for (char *p = name; *p; p++)
		if (*p == '-')
			*p = '_';
	if ((i = find_field(name)) >= 0)
		return fields[i].field;
	if ((rule = rule_find(name)) >= 0 && rule_is_of_jobs((enum rule)rule))
		return rule_name((enum rule)rule);
	for (size_t k = 0; k < FIELDS; k++)
		nearest_try(&n, fields[k].word);
	for (int k = 0; k < RULES; k++)
		if (rule_is_of_jobs((enum rule)k))
			nearest_try(&n, rule_name((enum rule)k));
	*near = n.name;
	return NULL;
}

/* Of the rules those that the job says itself. */
static json_t *own_rules(const json_t *job)
{
	json_t *own = json_object(), *rule;
	size_t i;
	json_array_foreach(json_object_get(job, "rules"), i, rule) {
		if (strcmp(job_text_or(rule, "origin", ""), "job") == 0)
			json_object_set(
			    own, job_text_or(rule, "name", "?"), json_object_get(rule, "value"));
	}
	return own;
}

/* What it waits for, without how that ended. */
static json_t *afters(const json_t *job)
{
	json_t *array = json_array(), *a;
	size_t i;
	json_array_foreach(json_object_get(job, "after"), i, a) {
		json_array_append_new(
		    array, json_pack("{s:I, s:s}", "id", (json_int_t)job_int(a, "id", 0), "on",
			       job_text_or(a, "on", "ok")));
	}
	return array;
}

void edit_text_head(struct buf *out)
{
	size_t n = 0;

	buf_puts(out, "# What is changed here is sent when the editor is left; lines with # are passed over.\n"
		      "# What is taken out is cleared. Fields:");
	for (size_t i = 0; i < FIELDS; i++)
		buf_printf(out, " %s", fields[i].word);
	buf_puts(out, "\n# Times are as --at takes them (\"tomorrow 6:00\"), environment is a whole one.\n"
		      "# In rules (texts; those of its queue hold for the others):");
	for (int i = 0; i < RULES; i++)
		if (rule_is_of_jobs((enum rule)i))
			buf_printf(out, "%s %s", n++ == 6 ? "\n#" : "", rule_name((enum rule)i));
	buf_puts(out, "\n");
}

json_t *edit_text_read(FILE *file, json_error_t *error)
{
	struct buf text = BUF_INIT;
	char *line = NULL;
	size_t size = 0;
	json_t *object = NULL;

	for (ssize_t n; (n = getline(&line, &size, file)) >= 0;) {
		bool comment = line[strspn(line, " \t")] == '#';
		buf_put(&text, comment ? "\n" : line, comment ? 1 : (size_t)n);
	}
	free(line);
	if (!text.failed && !ferror(file))
		object = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, error);
	else
		snprintf(error->text, sizeof error->text, "it can't be read");
	buf_fini(&text);
	return object;
}

json_t *edit_text_of(const json_t *job)
{
	json_t *text = json_object();
	char when[32], mask[16];

	for (size_t i = 0; i < FIELDS; i++) {
		const char *word = fields[i].word;
		json_t *value = json_object_get(job, fields[i].field);
		if (!fields[i].shown)
			continue;
		if (strcmp(word, "rules") == 0) {
			json_object_set_new(text, word, own_rules(job));
		} else if (strcmp(word, "after") == 0) {
			json_object_set_new(text, word, afters(job));
		} else if (strcmp(word, "umask") == 0 && json_is_integer(value)) {
			snprintf(mask, sizeof mask, "%03o", (unsigned)json_integer_value(value));
			json_object_set_new(text, word, json_string(mask));
		} else if (fields[i].time && json_is_integer(value)) {
			when_print((uint64_t)json_integer_value(value), when, sizeof when);
			json_object_set_new(text, word, json_string(when));
		} else if (value && !fields[i].time) {
			json_object_set(text, word, value);
		}
	}
	return text;
}

__attribute__((format(printf, 2, 3))) static bool wrong(char **why, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	if (vasprintf(why, fmt, ap) < 0)
		*why = NULL;
	va_end(ap);
	return false;
}

static const struct varlink_field *edit_fields(void)
{
	return varlink_methods[varlink_method_find("org.jobd.Job.Edit")].in;
}

static bool put_time(json_t *changes, size_t i, const json_t *value, uint64_t now, char **why)
{
	uint64_t us;
	enum when when =
	    json_is_string(value) ? when_ahead(json_string_value(value), now, &us) : WHEN_NONE;

	if (when == WHEN_NONE)
		return wrong(
		    why, "%s: is no time to come, such as \"tomorrow 6:00\"", fields[i].word);
	if (when == WHEN_PAST)
		return wrong(
		    why, "%s: \"%s\" is in the past", fields[i].word, json_string_value(value));
	json_object_set_new(changes, fields[i].field, json_integer((json_int_t)us));
	return true;
}

/* The rules are single ones: what is no more there is cleared by its name. */
static bool put_rules(json_t *changes, json_t *clear, json_t *before, json_t *after, char **why)
{
	struct rules checked;
	const char *name;
	json_t *value, *changed = json_object();
	bool ok = json_is_object(after) || wrong(why, "rules: must be an object of strings");

	rules_init(&checked);
	json_object_foreach(ok ? after : NULL, name, value) {
		int which = rule_find(name);
		const char *text = json_string_value(value);
		if (which < 0 || !rule_is_of_jobs((enum rule)which))
			ok = wrong(why, "rules: there is no rule \"%s\" of a job's", name);
		else if (!text || rule_set(&checked, (enum rule)which, text) == -EINVAL)
			ok = wrong(why, "rules: %s: is not %s, as a string", name,
			    rule_takes((enum rule)which));
		else if (!json_equal(json_object_get(before, name), value))
			json_object_set(changed, name, value);
		if (!ok)
			break;
	}
	rules_fini(&checked);
	json_object_foreach(ok ? before : NULL, name, value) {
		if (!json_object_get(after, name))
			json_array_append_new(clear, json_string(name));
	}
	if (json_object_size(changed))
		json_object_set(changes, "rules", changed);
	json_decref(changed);
	return ok;
}

static bool check_type(const char *field, json_t *value, char **why)
{
	json_t *one = json_pack("{s:i, s:O}", "id", 1, field, value);
	bool ok = !varlink_check(edit_fields(), one);
	json_decref(one);
	const struct varlink_field *f = edit_fields();
	while (f->name && strcmp(f->name, field) != 0)
		f++;
	return ok || wrong(why, "%s: must be %s", field, f->name ? words_kind(f) : "of another kind");
}

static bool put_field(
    json_t *changes, json_t *clear, size_t i, json_t *was, json_t *is, uint64_t now, char **why)
{
	static const char rules[] = "rules";

	if (json_is_null(is))
		is = NULL;
	if ((!was && !is) || (was && is && json_equal(was, is)))
		return true;
	if (strcmp(fields[i].word, rules) == 0) {
		json_t *none = json_object();
		bool ok = put_rules(changes, clear, was ? was : none, is ? is : none, why);
		json_decref(none);
		return ok;
	}
	if (!is)
		return json_array_append_new(clear, json_string(fields[i].field)) == 0;
	if (fields[i].time)
		return put_time(changes, i, is, now, why);
	if (strcmp(fields[i].word, "umask") == 0 && json_is_string(is)) {
		int mask = words_umask(json_string_value(is));
		if (mask < 0)
			return wrong(why, "umask: must be octal, such as \"022\"");
		json_object_set_new(changes, fields[i].field, json_integer(mask));
		return true;
	}
	json_object_set(changes, fields[i].field, is);
	return check_type(fields[i].field, is, why);
}

/* Fields that nobody knows are a slip of the hand. */
static bool check_names(json_t *after, char **why)
{
	const char *name, *near;
	json_t *value;

	json_object_foreach(after, name, value) {
		int i = find_field(name);
		if (i >= 0 && strcmp(fields[i].word, name) == 0)
			continue;
		if (!edit_text_field(name, &near) && near)
			return wrong(
			    why, "there is no field \"%s\": did you mean \"%s\"?", name, near);
		return wrong(why, "there is no field \"%s\" here%s", name,
		    rule_find(name) >= 0 ? ": it goes into \"rules\"" : "");
	}
	return true;
}

json_t *edit_text_changes(const json_t *before, const json_t *after, uint64_t now_us, char **why)
{
	json_t *changes = json_object(), *clear = json_array();
	bool ok = check_names((json_t *)(uintptr_t)after, why);

	for (size_t i = 0; i < FIELDS && ok; i++) {
		const char *word = fields[i].word;
		ok = put_field(changes, clear, i, json_object_get(before, word),
		    json_object_get(after, word), now_us, why);
	}
	if (json_array_size(clear))
		json_object_set(changes, "clear", clear);
	json_decref(clear);
	if (ok)
		return changes;
	json_decref(changes);
	return NULL;
}

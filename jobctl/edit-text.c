/* SPDX-License-Identifier: ISC */
/*
 * Editing a job as a text. The text is JSON, with the protocol's names, but for the times: they are
 * "at" and "deadline", as --at and --deadline take them. A field that was left alone is not sent,
 * so that a time that is printed without its microseconds stays what it was.
 */
#include "config.h"

#include "jobctl/edit-text.h"

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
#include "lib/str.h"
#include "lib/varlink.h"

/* How a field is written as text, where that is not the protocol's JSON. */
enum field_kind {
	FIELD_PLAIN,
	FIELD_HIDDEN, /* plain, and only there to be set: it is long */
	FIELD_UMASK,  /* octal digits */
	FIELD_RULES,  /* an object of those that the job says itself */
	FIELD_TIME,   /* as people write it */
	FIELD_AFTER,  /* without how those ended that it waits for */
};

/* The fields: how they are called here and on the command line, and in the protocol. */
static const struct field {
	const char *word, *also, *name;
	enum field_kind kind;
} fields[] = {
	{ "command", "", "command", FIELD_PLAIN },
	{ "name", "", "name", FIELD_PLAIN },
	{ "queue", "", "queue", FIELD_PLAIN },
	{ "project", "", "project", FIELD_PLAIN },
	{ "cwd", "chdir", "cwd", FIELD_PLAIN },
	{ "umask", "", "umask", FIELD_UMASK },
	{ "environment", "env", "environment", FIELD_HIDDEN },
	{ "meta", "notes", "meta", FIELD_PLAIN },
	{ "rules", "", "rules", FIELD_RULES },
	{ "at", "delay", "not_before_us", FIELD_TIME },
	{ "deadline", "", "deadline_us", FIELD_TIME },
	{ "after", "", "after", FIELD_AFTER },
	{ "drop_unmet", "", "drop_unmet", FIELD_PLAIN },
};
#define FIELDS (sizeof fields / sizeof fields[0])

static const struct field *find_field(const char *word)
{
	for (size_t i = 0; i < FIELDS; i++)
		if (strcmp(fields[i].word, word) == 0 || strcmp(fields[i].also, word) == 0 ||
		    strcmp(fields[i].name, word) == 0)
			return &fields[i];
	return NULL;
}

const char *edit_text_field(const char *word, const char **near)
{
	char name[32];
	struct nearest n = NEAREST(name);
	const struct field *f;
	int rule;

	*near = NULL;
	snprintf(name, sizeof name, "%s", word);
	for (char *p = name; *p; p++)
		if (*p == '-')
			*p = '_';
	if ((f = find_field(name)) != NULL)
		return f->name;
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

/* The field as text; NULL: it is not shown. */
static json_t *text_of(const struct field *f, const json_t *job)
{
	json_t *value = json_object_get(job, f->name);
	char text[32];

	switch (f->kind) {
	case FIELD_PLAIN:
		return json_incref(value);
	case FIELD_HIDDEN:
		return NULL;
	case FIELD_UMASK:
		if (!json_is_integer(value))
			return json_incref(value);
		snprintf(text, sizeof text, "%03o", (unsigned)json_integer_value(value));
		return json_string(text);
	case FIELD_RULES:
		return own_rules(job);
	case FIELD_TIME:
		if (!json_is_integer(value))
			return NULL;
		when_print((uint64_t)json_integer_value(value), text, sizeof text);
		return json_string(text);
	case FIELD_AFTER:
		return afters(job);
	}
	return NULL;
}

json_t *edit_text_of(const json_t *job)
{
	json_t *text = json_object();

	for (size_t i = 0; i < FIELDS; i++) {
		json_t *value = text_of(&fields[i], job);
		if (value)
			json_object_set_new(text, fields[i].word, value);
	}
	return text;
}

/* The changes, while they are found. */
struct edit {
	json_t *changes, *clear; /* as Edit takes them */
	uint64_t now_us;
	char **why; /* the first mistake */
};

__attribute__((format(printf, 2, 3))) static bool wrong(struct edit *e, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	*e->why = str_vprintf(fmt, ap);
	va_end(ap);
	return false;
}

static bool put_time(struct edit *e, const struct field *f, const json_t *value)
{
	const char *text = json_string_value(value);
	uint64_t us;
	enum when when = text ? when_ahead(text, e->now_us, &us) : WHEN_NONE;

	if (when == WHEN_NONE)
		return wrong(e, "%s: is no time to come, such as \"tomorrow 6:00\"", f->word);
	if (when == WHEN_PAST)
		return wrong(e, "%s: \"%s\" is in the past", f->word, text);
	json_object_set_new(e->changes, f->name, json_integer((json_int_t)us));
	return true;
}

static bool check_rule(struct edit *e, struct rules *checked, const char *name, const char *text)
{
	int which = rule_find(name);

	if (which < 0 || !rule_is_of_jobs((enum rule)which))
		return wrong(e, "rules: there is no rule \"%s\" of a job's", name);
	if (!text || rule_set(checked, (enum rule)which, text) == -EINVAL)
		return wrong(
		    e, "rules: %s: is not %s, as a string", name, rule_takes((enum rule)which));
	return true;
}

/* The rules are single ones: what is no more there is cleared by its name. */
static bool put_rules(struct edit *e, json_t *before, json_t *after)
{
	struct rules checked;
	const char *name;
	json_t *value, *changed = json_object();
	bool ok = !after || json_is_object(after) || wrong(e, "rules: must be an object of strings");

	rules_init(&checked);
	json_object_foreach(ok ? after : NULL, name, value) {
		ok = check_rule(e, &checked, name, json_string_value(value));
		if (!ok)
			break;
		if (!json_equal(json_object_get(before, name), value))
			json_object_set(changed, name, value);
	}
	rules_fini(&checked);
	json_object_foreach(ok ? before : NULL, name, value) {
		if (!json_object_get(after, name))
			json_array_append_new(e->clear, json_string(name));
	}
	if (json_object_size(changed))
		json_object_set(e->changes, "rules", changed);
	json_decref(changed);
	return ok;
}

static bool put_umask(struct edit *e, const struct field *f, const char *text)
{
	int mask = words_umask(text);

	if (mask < 0)
		return wrong(e, "umask: must be octal, such as \"022\"");
	json_object_set_new(e->changes, f->name, json_integer(mask));
	return true;
}

/* As it stands there, if Edit takes it. */
static bool put_plain(struct edit *e, const char *name, json_t *value)
{
	const struct varlink_field *f =
	    varlink_methods[varlink_method_find("org.jobd.Job.Edit")].in;
	json_t *one = json_pack("{s:i, s:O}", "id", 1, name, value);
	bool ok = !varlink_check(f, one);

	json_decref(one);
	json_object_set(e->changes, name, value);
	while (f->name && strcmp(f->name, name) != 0)
		f++;
	return ok ||
	    wrong(e, "%s: must be %s", name, f->name ? words_kind(f) : "of another kind");
}

static bool put_field(struct edit *e, const struct field *f, json_t *was, json_t *is)
{
	if (json_is_null(is))
		is = NULL;
	if ((!was && !is) || (was && is && json_equal(was, is)))
		return true;
	if (f->kind == FIELD_RULES)
		return put_rules(e, was, is);
	if (!is)
		return json_array_append_new(e->clear, json_string(f->name)) == 0;
	if (f->kind == FIELD_TIME)
		return put_time(e, f, is);
	if (f->kind == FIELD_UMASK && json_is_string(is))
		return put_umask(e, f, json_string_value(is));
	return put_plain(e, f->name, is);
}

/* Fields that nobody knows are a slip of the hand. */
static bool check_names(struct edit *e, json_t *after)
{
	const char *name, *near;
	json_t *value;

	json_object_foreach(after, name, value) {
		const struct field *f = find_field(name);
		if (f && strcmp(f->word, name) == 0)
			continue;
		if (!edit_text_field(name, &near) && near)
			return wrong(
			    e, "there is no field \"%s\": did you mean \"%s\"?", name, near);
		return wrong(e, "there is no field \"%s\" here%s", name,
		    rule_find(name) >= 0 ? ": it goes into \"rules\"" : "");
	}
	return true;
}

json_t *edit_text_changes(const json_t *before, const json_t *after, uint64_t now_us, char **why)
{
	struct edit e = { json_object(), json_array(), now_us, why };
	bool ok = check_names(&e, (json_t *)(uintptr_t)after);

	for (size_t i = 0; i < FIELDS && ok; i++) {
		const char *word = fields[i].word;
		ok = put_field(
		    &e, &fields[i], json_object_get(before, word), json_object_get(after, word));
	}
	if (json_array_size(e.clear))
		json_object_set(e.changes, "clear", e.clear);
	json_decref(e.clear);
	if (ok)
		return e.changes;
	json_decref(e.changes);
	return NULL;
}

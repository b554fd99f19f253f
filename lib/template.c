/* SPDX-License-Identifier: ISC */
/*
 * A template as data: its fields, by their names. It owns the list of them; where a
 * placeholder may stand is template-check.c's, what comes in its place template-expand.c's.
 *
 * A new field is a member of struct template and a row of the table. Rules are no rows: their
 * names, and what they take, are those of lib/rules.h.
 */
#include "config.h"

#include "lib/template.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/placeholder.h"
#include "lib/priority.h"
#include "lib/rules.h"
#include "lib/strv.h"

#define NAME_MAX_LEN 64

enum kind {
	KIND_TEXT,	 /* char *, and not empty */
	KIND_PATH,	 /* char * */
	KIND_ARGUMENTS,	 /* char **, each any text */
	KIND_PARAMETERS, /* char ** */
	KIND_VARIABLES,	 /* char ** */
	KIND_PRIORITY,	 /* int */
	KIND_UMASK,	 /* int */
};

struct row {
	const char *name;
	enum kind kind;
	size_t offset; /* in struct template */
	const char *takes;
};

static const struct row table[] = {
	{ "description", KIND_TEXT, offsetof(struct template, description), "a line of text" },
	{ "command", KIND_ARGUMENTS, offsetof(struct template, command),
	    "a program and its arguments" },
	{ "parameters", KIND_PARAMETERS, offsetof(struct template, parameters),
	    "NAME or NAME=default, where NAME has letters, digits, _ . and -, at most 64" },
	{ "job_name", KIND_TEXT, offsetof(struct template, job_name), "a name" },
	{ "queue", KIND_TEXT, offsetof(struct template, queue), "the name of a queue" },
	{ "project", KIND_TEXT, offsetof(struct template, project), "a name" },
	{ "cwd", KIND_PATH, offsetof(struct template, cwd), "an absolute path" },
	{ "priority", KIND_PRIORITY, offsetof(struct template, priority), NULL },
	{ "umask", KIND_UMASK, offsetof(struct template, umask), "an umask in octal, such as 022" },
	{ "environment", KIND_VARIABLES, offsetof(struct template, environment), "NAME=value" },
};
#define ROWS (sizeof(table) / sizeof(table[0]))

static const struct row *find_row(const char *field)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(table[i].name, field) == 0)
			return &table[i];
	return NULL;
}

static bool is_list(const struct row *row)
{
	return row->kind == KIND_ARGUMENTS || row->kind == KIND_PARAMETERS ||
	       row->kind == KIND_VARIABLES;
}

static void *member(struct template *t, const struct row *row)
{
	return (char *)t + row->offset;
}

void template_init(struct template *t)
{
	*t = (struct template){ .umask = -1, .by_uid = -1 };
}

void template_fini(struct template *t)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (is_list(&table[i]))
			strv_free(*(char ***)member(t, &table[i]));
		else if (table[i].kind == KIND_TEXT || table[i].kind == KIND_PATH)
			free(*(char **)member(t, &table[i]));
	}
	free(t->name);
	free(t->by);
	strv_free(t->rules);
	template_init(t);
}

/* NULL is copied to NULL. */
static bool copy_text(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return !from || *to;
}

static bool copy_list(char ***to, char *const *from)
{
	*to = strv_copy(from);
	return !from || *to;
}

int template_copy(struct template *to, const struct template *from)
{
	template_init(to);
	to->by_uid = from->by_uid;
	if (!copy_text(&to->name, from->name) || !copy_text(&to->by, from->by)
	    || !copy_list(&to->rules, from->rules))
		goto fail;
	for (size_t i = 0; i < ROWS; i++) {
		const struct row *row = &table[i];
		const void *at = (const char *)from + row->offset;
		if (row->kind == KIND_PRIORITY || row->kind == KIND_UMASK)
			memcpy(member(to, row), at, sizeof(int));
		else if (is_list(row) && !copy_list(member(to, row), *(char *const *const *)at))
			goto fail;
		else if (!is_list(row) && !copy_text(member(to, row), *(char *const *)at))
			goto fail;
	}
	return 0;
fail:
	template_fini(to);
	return -ENOMEM;
}

bool template_good_name(const char *name)
{
	size_t n = 0;

	if (*name == '-' || *name == '.')
		return false;
	for (; name[n]; n++) {
		unsigned char c = (unsigned char)name[n];
		if (n == NAME_MAX_LEN || c > 0x7e || (!isalnum(c) && !strchr("_.-", c)))
			return false;
	}
	return n > 0;
}

/* Whether a list's new element is one. */
static bool good_element(enum kind kind, const char *value)
{
	if (kind == KIND_PARAMETERS)
		return placeholder_good_name(value, strcspn(value, "="));
	if (kind == KIND_VARIABLES)
		return *value != '=' && strchr(value, '=');
	return true;
}

static int set_text(char **to, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*to);
	*to = copy;
	return 0;
}

static int set_priority(int *to, const char *value)
{
	int priority = priority_parse(value);

	if (priority == 0)
		return -EINVAL;
	*to = priority;
	return 0;
}

static int set_umask(int *to, const char *value)
{
	size_t len = strspn(value, "01234567");

	if (len == 0 || len > 6 || value[len])
		return -EINVAL;
	long v = strtol(value, NULL, 8);
	if (v > 0777)
		return -EINVAL;
	*to = (int)v;
	return 0;
}

static int set_row(struct template *t, const struct row *row, const char *value)
{
	void *to = member(t, row);

	switch (row->kind) {
	case KIND_TEXT:
		return *value ? set_text(to, value) : -EINVAL;
	case KIND_PATH:
		return *value == '/' || *value == '{' ? set_text(to, value) : -EINVAL;
	case KIND_ARGUMENTS:
	case KIND_PARAMETERS:
	case KIND_VARIABLES:
		return good_element(row->kind, value) ? strv_add(to, value) : -EINVAL;
	case KIND_PRIORITY:
		return set_priority(to, value);
	case KIND_UMASK:
		return set_umask(to, value);
	}
	return -EINVAL;
}

/* The rule of jobs that the field is, or -1. */
static int find_rule(const char *field)
{
	int which = rule_find(field);

	return which >= 0 && rule_is_of_jobs((enum rule)which) ? which : -1;
}

int template_set(struct template *t, const char *field, const char *value, const char **takes)
{
	const struct row *row = find_row(field);
	int which = row ? -1 : find_rule(field);

	if (!row && which < 0)
		return -ENOENT;
	int rc = row ? set_row(t, row, value) : rules_put(&t->rules, (enum rule)which, value);
	if (rc == -EINVAL && row && row->kind != KIND_PRIORITY)
		*takes = row->takes;
	else if (rc == -EINVAL)
		*takes = rule_takes(row ? RULE_PRIORITY : (enum rule)which);
	return rc;
}

const char *template_field(size_t at)
{
	if (at < ROWS)
		return table[at].name;
	at -= ROWS;
	for (int i = 0; i < RULES; i++)
		if (rule_is_of_jobs((enum rule)i) && !find_row(rule_name((enum rule)i)) &&
		    at-- == 0)
			return rule_name((enum rule)i);
	return NULL;
}

bool template_field_is_list(const char *field)
{
	const struct row *row = find_row(field);
	int which = row ? -1 : find_rule(field);

	return row ? is_list(row) : which >= 0 && rule_is_list((enum rule)which);
}

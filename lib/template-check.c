/* SPDX-License-Identifier: ISC */
/*
 * What a template may not hold. It owns the words in which that is said, and where placeholders may
 * stand; which arguments are code is scripts.c's to know.
 */
#include "config.h"

#include "lib/template.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/placeholder.h"
#include "lib/priority.h"
#include "lib/scripts.h"
#include "lib/str.h"
#include "lib/strv.h"
#include "lib/utf8.h"

struct checking {
	const struct template *t;
	bool *used;		 /* of each parameter: whether it stands somewhere */
	struct scripts *scripts; /* in its command */
	char **why;
};

static int refuse_script(char **why, const struct script *s, const char *hole)
{
	const char *p = s->program;

	switch (s->kind) {
	case SCRIPT_SHELL:
		return placeholder_refuse(
		    why, str_printf("the shell would read %s as part of its script: write "
				    "%s -c '\xe2\x80\xa6 \"$1\"' %s %s",
			     hole, p, p, hole));
	case SCRIPT_FILE:
		return placeholder_refuse(
		    why, str_printf(
			     "%s would take %s as an option, or as the script that it runs: put it "
			     "behind the script, as an argument",
			     p, hole));
	case SCRIPT_CODE:
		return placeholder_refuse(why,
		    str_printf("%s would run what is in %s: put it behind the code, as an argument",
			p, hole));
	case SCRIPT_JOINED:
		return placeholder_refuse(why,
		    str_printf(
			"%s would make %s part of a line of commands: run a script instead, with "
			"%s as its argument",
			p, hole, hole));
	case SCRIPT_REMOTE:
		return placeholder_refuse(why,
		    str_printf("%s may let a shell on another host read %s: give %s the option -s, "
			       "or begin a local path with ./",
			p, hole, p));
	case SCRIPT_COMMAND:
		return placeholder_refuse(why,
		    str_printf("%s would take %s for a command where it begins with ! or +: write its "
			       "directory before it, as in ./%s",
			p, hole, hole));
	case SCRIPT_PROGRAM:
		break;
	}
	return placeholder_refuse(
	    why, str_printf("%s stands in the name of a program: what is run has to be written out",
		     hole));
}

/* Whether the hole that begins at from is in an option's name. */
static bool is_option_name(const char *arg, size_t from)
{
	if (arg[0] != '-')
		return false;
	return arg[1] == '-' ? strcspn(arg, "=") > from : from == 1;
}

/* A hole in an argument; it begins at from. */
static int check_hole(const struct checking *c, size_t at, size_t from, const char *hole)
{
	char *const *command = c->t->command;
	struct script s;

	if (scripts_reads(c->scripts, at, from, &s))
		return refuse_script(c->why, &s, hole);
	if (placeholder_after_dashes(command, at))
		return 0;
	if (is_option_name(command[at], from))
		return placeholder_refuse(c->why,
		    str_printf(
			"%s stands in the name of an option, which has to be written out", hole));
	int which = placeholder_parameter(c->t->parameters, hole + 1, strlen(hole) - 2);
	const char *value = placeholder_default(c->t->parameters[which]);
	if (from == 0 && value && *value == '-')
		return placeholder_refuse(c->why,
		    str_printf(
			"the default of %s begins with -, and the program could read it as an "
			"option: put -- right before %s, or write the option out",
			hole, hole));
	return 0;
}

static int refuse_brace(const struct checking *c, const char *what, const char *at)
{
	return placeholder_refuse(c->why,
	    str_printf(
		"%s has a brace that belongs to no parameter, at %.20s: {{ stands for {, and "
		"}} for }",
		what, at));
}

/* Goes over the holes of a text that what names; argument: its place in the command, or -1. */
static int check_text(struct checking *c, const char *what, const char *text, int argument)
{
	const char *at = text, *begin = text, *s;
	size_t len;

	if (!text)
		return 0;
	if (utf8_span(text, strlen(text)) != strlen(text))
		return placeholder_refuse(c->why, str_printf("%s is not UTF-8", what));
	for (enum placeholder_piece p; (p = placeholder_next(&at, &s, &len)) != PLACEHOLDER_END;
	     begin = at) {
		if (p == PLACEHOLDER_BAD)
			return refuse_brace(c, what, begin);
		if (p != PLACEHOLDER_HOLE)
			continue;
		int which = placeholder_parameter(c->t->parameters, s, len);
		if (which < 0)
			return placeholder_refuse(c->why,
			    str_printf(
				"{%.*s} in %s is no parameter of the template: declare it, or "
				"write {{%.*s}} for the braces themselves",
				(int)len, s, what, (int)len, s));
		c->used[which] = true;
		char *hole = argument >= 0 ? str_printf("{%.*s}", (int)len, s) : NULL;
		if (argument >= 0 && !hole)
			return -ENOMEM;
		int rc = hole ? check_hole(c, (size_t)argument, (size_t)(begin - text), hole) : 0;
		free(hole);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int check_parameters(const struct checking *c)
{
	for (size_t i = 0; c->t->parameters && c->t->parameters[i]; i++) {
		const char *p = c->t->parameters[i];
		size_t len = strcspn(p, "=");
		if (!placeholder_good_name(p, len))
			return placeholder_refuse(c->why,
			    str_printf(
				"\"%.*s\" can't be the name of a parameter: letters, digits, _ . "
				"and - can, at most 64, not beginning with - or a dot",
				(int)(len < 80 ? len : 80), p));
		if (utf8_span(p, strlen(p)) != strlen(p))
			return placeholder_refuse(
			    c->why, str_printf("the default of {%.*s} is not UTF-8", (int)len, p));
		if (placeholder_parameter(c->t->parameters, p, len) != (int)i)
			return placeholder_refuse(c->why,
			    str_printf("the parameter %.*s is declared twice", (int)len, p));
	}
	return 0;
}

static int check_variable(struct checking *c, const char *variable)
{
	size_t len = strcspn(variable, "=");

	if (len == 0 || !variable[len])
		return placeholder_refuse(
		    c->why, str_printf("\"%.60s\" in environment is no NAME=value", variable));
	if (strcspn(variable, "{}") < len)
		return placeholder_refuse(c->why,
		    str_printf("the name of a variable is written out, and \"%.*s\" has a brace",
			(int)(len < 60 ? len : 60), variable));
	int rc = check_text(c, "environment", variable, -1);
	const char *at = variable, *s;
	size_t n;
	enum placeholder_piece p =
	    rc < 0 || !scripts_loads(variable, len) ? PLACEHOLDER_END : PLACEHOLDER_TEXT;
	while (p != PLACEHOLDER_END) {
		p = placeholder_next(&at, &s, &n);
		if (p == PLACEHOLDER_HOLE)
			return placeholder_refuse(c->why,
			    str_printf(
				"programs run or load what the variable %.*s says: {%.*s} may "
				"not stand in it",
				(int)len, variable, (int)n, s));
	}
	return rc;
}

static int check_places(struct checking *c)
{
	const struct template *t = c->t;
	int rc = 0;

	for (int i = 0; t->command[i] && rc == 0; i++)
		rc = check_text(c, "the command", t->command[i], i);
	if (rc == 0)
		rc = check_text(c, "cwd", t->cwd, -1);
	if (rc == 0)
		rc = check_text(c, "job_name", t->job_name, -1);
	if (rc == 0)
		rc = check_text(c, "project", t->project, -1);
	for (size_t i = 0; t->environment && t->environment[i] && rc == 0; i++)
		rc = check_variable(c, t->environment[i]);
	for (size_t i = 0; t->parameters && t->parameters[i] && rc == 0; i++)
		if (!c->used[i])
			rc = placeholder_refuse(
			    c->why, str_printf("the parameter %.*s is used nowhere",
					(int)strcspn(t->parameters[i], "="), t->parameters[i]));
	return rc;
}

static int check_plain(const struct template *t, char **why)
{
	const char *plain[] = { t->description, t->queue };

	if (!t->name || !template_good_name(t->name))
		return placeholder_refuse(why,
		    str_printf(
			"\"%.80s\" can't be the name of a template: letters, digits, _ . and - "
			"can, at most 64, not beginning with - or a dot",
			t->name ? t->name : ""));
	if (!t->command || !t->command[0] || !*t->command[0])
		return placeholder_refuse(why, str_printf("there is no command"));
	if (t->priority < 0 || t->priority > PRIORITY_MAX)
		return placeholder_refuse(why, str_printf("priority is " PRIORITY_RANGE));
	if (t->umask < -1 || t->umask > 0777)
		return placeholder_refuse(why, str_printf("umask is 0 to 0777"));
	if (t->cwd && *t->cwd != '/' && *t->cwd != '{')
		return placeholder_refuse(why, str_printf("cwd is no absolute path"));
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (plain[i] && utf8_span(plain[i], strlen(plain[i])) != strlen(plain[i]))
			return placeholder_refuse(
			    why, str_printf("%s is not UTF-8", i == 0 ? "description" : "queue"));
	return 0;
}

static int check(struct checking *c)
{
	int rc = check_plain(c->t, c->why);

	if (rc == 0)
		rc = check_parameters(c);
	return rc == 0 ? check_places(c) : rc;
}

int template_check(const struct template *t, char **why)
{
	struct checking c = { t, calloc(strv_len(t->parameters) + 1, sizeof(*c.used)),
		scripts_new(t->command), why };
	int rc = c.used && c.scripts ? check(&c) : -ENOMEM;

	scripts_free(c.scripts);
	free(c.used);
	return rc;
}

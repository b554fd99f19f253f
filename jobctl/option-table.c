/* SPDX-License-Identifier: ISC */
/*
 * The table of options: a row each, and what is looked up in it. An option that has another
 * meaning for another verb has a row a meaning; all rows of a name agree on whether it takes a value,
 * and on the field.
 */
#include "config.h"

#include "jobctl/option-table.h"

#include <ctype.h>
#include <string.h>

#include "jobctl/options.h"
#include "jobctl/screen.h"
#include "jobctl/text.h"
#include "lib/nearest.h"
#include "lib/priority.h"

#define AT(f)	  offsetof(struct options, f)
#define G_GLOBAL  OPTIONS_GLOBAL
#define G_SELECT  OPTIONS_SELECT
#define G_SUBMIT  OPTIONS_SUBMIT
#define G_AUDIT	  OPTIONS_AUDIT
#define G_REPORT  OPTIONS_REPORT
#define G_LIST	  OPTIONS_LIST
#define G_PARS	  OPTIONS_PARSABLE
#define G_CANCEL  OPTIONS_CANCEL
#define G_EDIT	  OPTIONS_EDIT
#define G_TMPL	  OPTIONS_TEMPLATE
#define G_WHEN	  (OPTIONS_SUBMIT | OPTIONS_EDIT) /* what a job has and no template */
#define G_WHAT	  (OPTIONS_SUBMIT | OPTIONS_EDIT | OPTIONS_TEMPLATE)

static const struct option_row rows[] = {
	/* submit, run; edit; template set */
	{ "name", 0, "NAME", G_WHAT, TEXT, AT(name), "what to call the job" },
	{ "queue", 0, "QUEUE", G_WHAT, LIST, AT(queues), "the queue it goes to" },
	{ "project", 0, "TAG", G_WHAT, LIST, AT(projects), "the project it belongs to" },
	{ "priority", 'p', "N", G_SUBMIT | G_TMPL, TEXT, AT(priority),
	    PRIORITY_RANGE ", or high, normal, low" },
	{ "meta", 0, "KEY=VALUE", G_WHEN, LIST, AT(meta), "a note of your own (repeatable)" },
	{ "chdir", 'C', "DIR", G_SUBMIT, TEXT, AT(chdir), "where it runs (else: here)" },
	{ "chdir", 'C', "DIR", G_EDIT | G_TMPL, TEXT, AT(chdir), "where it runs" },
	{ "env", 0, "NAME[=VALUE]", G_WHAT, LIST, AT(env), "add to its environment (repeatable)" },
	{ "clean-env", 0, NULL, G_SUBMIT, FLAG, AT(clean_env),
	    "without your environment: HOME, USER, LOGNAME, SHELL, PATH" },
	{ "clean-env", 0, NULL, G_EDIT, FLAG, AT(clean_env),
	    "in place of its environment: HOME, USER, LOGNAME, SHELL, PATH" },
	{ "umask", 0, "OCTAL", G_SUBMIT, TEXT, AT(umask), "its umask (else: yours)" },
	{ "umask", 0, "OCTAL", G_EDIT | G_TMPL, TEXT, AT(umask), "its umask" },
	{ "user", 'u', "USER", G_SUBMIT, LIST, AT(users), "run as this user (root only); then as with --clean-env" },
	{ "shell", 0, "'A | B'", G_WHAT, TEXT, AT(shell), "run this line with /bin/sh" },
	{ "hold", 0, NULL, G_PARS, FLAG, AT(hold), "do not start it until it is released" },
	{ "at", 0, "TIME", G_WHEN, TEXT, AT(at), "not before then: 14:30, 'tomorrow 6:00', 'now + 2h'" },
	{ "delay", 0, "DURATION", G_WHEN, TEXT, AT(delay), "not before so much later: 2h, 90min" },
	{ "deadline", 0, "TIME", G_WHEN, TEXT, AT(deadline), "if it has not started by then, it fails" },
	{ "after", 0, "ID,...", G_WHEN, LIST, AT(after_ok), "when these have completed (repeatable)" },
	{ "after-ok", 0, "ID,...", G_WHEN, LIST, AT(after_ok), "the same" },
	{ "after-failed", 0, "ID,...", G_WHEN, LIST, AT(after_failed),
	    "when these have failed or were cancelled" },
	{ "after-any", 0, "ID,...", G_WHEN, LIST, AT(after_any), "when these have ended, however" },
	{ "drop-unmet", 0, NULL, G_WHEN, FLAG, AT(drop_unmet),
	    "go on without those that end otherwise (else: it fails)" },
	{ "timeout", 0, "DURATION", G_WHAT, RULE, AT(rules), "end an attempt that takes longer; 0: never" },
	{ "warn", 0, "SIGNAL@TIME", G_WHAT, RULE, AT(rules),
	    "a signal so long before the timeout: USR1@5min; none" },
	{ "attempts", 0, "N", G_WHAT, RULE, AT(rules), "try it so often in all" },
	{ "backoff", 0, "DURATION", G_WHAT, RULE, AT(rules), "wait before another attempt, each time twice as long" },
	{ "backoff-max", 0, "DURATION", G_WHAT, RULE, AT(rules), "but not longer than this; 0: always the same" },
	{ "backoff-jitter", 0, "PERCENT", G_WHAT, RULE, AT(rules), "so much more or less, at random" },
	{ "retry-on", 0, "CODE,...", G_WHAT, RULE, AT(rules), "another attempt after these exit codes: 1,75-78; any" },
	{ "retry-not", 0, "CODE,...", G_WHAT, RULE, AT(rules), "none after these; none" },
	{ "recovery", 0, "WHAT", G_WHAT, RULE, AT(rules),
	    "retry, fail or hold, when it was lost or the host was shut down" },
	{ "unique", 0, "KEY", G_SUBMIT, TEXT, AT(unique), "only if no job of yours with this key is live" },
	{ "if-exists", 0, "WHAT", G_SUBMIT, TEXT, AT(if_exists),
	    "and if there is one: refuse (unless said), or return it" },
	{ "template", 0, "NAME", G_SUBMIT, TEXT, AT(template),
	    "what is not said here is said by this template; words are its NAME=VALUE" },
	{ "plan", 0, "FILE", G_PARS, TEXT, AT(plan), "all the jobs in this file, or none; -: standard input" },
	{ "parsable", 0, NULL, G_PARS, FLAG, AT(parsable), "print the number alone" },
	{ "wait", 'w', NULL, G_PARS, FLAG, AT(wait), "wait for its end, exit with its code" },
	{ "clear", 0, "FIELD,...", G_EDIT, LIST, AT(clear), "let go of it: at, deadline, after, timeout, name, ..." },
	{ "param", 0, "NAME[=VALUE]", G_TMPL, LIST, AT(params),
	    "a parameter, {NAME} above; with the value it has unless given (repeatable)" },
	{ "description", 0, "TEXT", G_TMPL, TEXT, AT(description), "what it is for" },
	/* which jobs */
	{ "state", 's', "STATE,...", G_SELECT, LIST, AT(states),
	    "in one of these states; also live, ended" },
	{ "reason", 0, "WORD,...", G_SELECT, LIST, AT(reasons),
	    "so for one of these reasons: timeout, lost, queue-full, ..." },
	{ "batch", 0, "N", G_SELECT, TEXT, AT(batch), "submitted with this plan" },
	{ "queue", 0, "QUEUE,...", G_SELECT, LIST, AT(queues), "in one of these queues" },
	{ "project", 0, "TAG,...", G_SELECT, LIST, AT(projects), "of one of these projects" },
	{ "user", 'u', "USER,...", G_SELECT, LIST, AT(users), "of one of these users" },
	{ "name", 0, "GLOB", G_SELECT, TEXT, AT(name), "whose name matches, such as 'nightly-*'" },
	{ "meta", 0, "KEY=VALUE", G_SELECT, LIST, AT(meta), "with this note (repeatable)" },
	{ "since", 0, "TIME", G_SELECT, TEXT, AT(since), "submitted then or later" },
	{ "until", 0, "TIME", G_SELECT, TEXT, AT(until), "submitted before then" },
	{ "search", 0, "TEXT", G_SELECT, TEXT, AT(search),
	    "with this in name, command, project, error or notes" },
	/* lists */
	{ "limit", 'n', "N", G_LIST, TEXT, AT(limit), "at most so many; 0: all" },
	{ "cursor", 0, "CURSOR", G_LIST, TEXT, AT(cursor), "go on where a list ended ('' to begin)" },
	{ "sort", 0, "[-]COLUMN", G_LIST, TEXT, AT(sort), "by this column; with -, backwards" },
	{ "output", 'o', "wide", G_LIST, TEXT, AT(output), "more columns" },
	{ "json", 0, NULL, OPTIONS_JSON, FLAG, AT(json), "JSON objects, one a line" },
	{ "follow", 'f', NULL, OPTIONS_STATUS, FLAG, AT(follow), "watch it until it ends" },
	{ "any", 0, NULL, OPTIONS_WAIT, FLAG, AT(any), "until the first of them ends" },
	/* a RULE, as all of this name are */
	{ "timeout", 0, "DURATION", OPTIONS_WAIT, RULE, AT(rules),
	    "leave with 124 after so long; the jobs go on" },
	/* changing jobs */
	{ "now", 0, NULL, G_CANCEL, FLAG, AT(now), "SIGKILL at once, no SIGTERM before" },
	{ "wait", 'w', NULL, G_CANCEL, FLAG, AT(wait), "return when it has ended" },
	{ "all", 0, NULL, OPTIONS_SIGNAL, FLAG, AT(all),
	    "to every process of the job, not its command alone" },
	{ "release-slot", 0, NULL, OPTIONS_PAUSE, FLAG, AT(release_slot),
	    "give its slot to another job; it queues for one to go on" },
	{ "force", 0, NULL, OPTIONS_RESUME, FLAG, AT(force), "even past the limits (administrators only)" },
	{ "wait", 'w', NULL, OPTIONS_DRAIN, FLAG, AT(wait), "return when nothing of it runs, or is paused" },
	{ "yes", 'y', NULL, OPTIONS_BULK, FLAG, AT(yes), "do not ask, however many there are" },
	/* shutdown */
	{ "on-stop", 0, "WHAT", OPTIONS_SHUTDOWN, TEXT, AT(on_stop),
	    "running jobs: keep, pause or cancel (else: as it is configured)" },
	{ "force", 0, NULL, OPTIONS_SHUTDOWN, FLAG, AT(force),
	    "kill it when it does not answer or leave; the jobs go on" },
	/* log */
	{ "follow", 'f', NULL, OPTIONS_LOG, FLAG, AT(follow), "go on until the attempt ends" },
	{ "lines", 'n', "N", OPTIONS_LOG, TEXT, AT(lines), "only the last N lines" },
	{ "attempt", 0, "N", OPTIONS_LOG, TEXT, AT(attempt), "of this attempt (else: the last)" },
	/* audit */
	{ "user", 'u', "USER,...", G_AUDIT, LIST, AT(users), "what one of these users did" },
	{ "verb", 0, "VERB,...", G_AUDIT, LIST, AT(verbs), "only these verbs" },
	{ "since", 0, "TIME", G_AUDIT, TEXT, AT(since), "what happened then or later" },
	{ "until", 0, "TIME", G_AUDIT, TEXT, AT(until), "what happened before then" },
	{ "control", 0, NULL, G_AUDIT, FLAG, AT(control), "only what people did" },
	{ "lines", 'n', "N", G_AUDIT, TEXT, AT(lines), "the last N entries (50); 0: all" },
	/* report */
	{ "percent", 0, "N", G_REPORT, TEXT, AT(percent), "how far it is: 0 to 100" },
	{ "progress", 0, "DONE/TOTAL", G_REPORT, TEXT, AT(progress), "the same, counted" },
	{ "step", 0, "N/M", G_REPORT, TEXT, AT(step), "which step it is at, of how many" },
	{ "step-name", 0, "NAME", G_REPORT, TEXT, AT(step_name), "what the step is called; also: --step '2/5 sort'" },
	{ "item", 0, "TEXT", G_REPORT, TEXT, AT(item), "what it works on at the moment" },
	{ "count", 0, "NAME=N,...", G_REPORT, LIST, AT(counts), "counters of yours (repeatable)" },
	{ "text", 0, "TEXT", G_REPORT, TEXT, AT(text), "what it does, for people; as the word TEXT" },
	/* everywhere */
	{ "socket", 0, "PATH", G_GLOBAL, TEXT, AT(socket), "where jobd listens" },
	{ "quiet", 'q', NULL, G_GLOBAL, FLAG, AT(quiet), "say only what went wrong" },
	{ "help", 'h', NULL, G_GLOBAL, FLAG, AT(help), "this" },
	{ "version", 0, NULL, G_GLOBAL, FLAG, AT(version), "which version this is" },
};
#define ROWS (sizeof rows / sizeof rows[0])

const struct option_row *option_find(const char *name, size_t len, unsigned groups)
{
	for (size_t i = 0; i < ROWS; i++)
		if ((rows[i].groups & groups) && strlen(rows[i].name) == len &&
		    strncmp(rows[i].name, name, len) == 0)
			return &rows[i];
	return NULL;
}

const struct option_row *option_find_letter(char letter, unsigned groups)
{
	for (size_t i = 0; i < ROWS; i++)
		if ((rows[i].groups & groups) && rows[i].letter == letter)
			return &rows[i];
	return NULL;
}

/* What other programs of the kind call it. */
static const char *other_word(const char *name)
{
	static const struct {
		const char *word, *option;
	} others[] = {
		{ "dependency", "after" }, { "depends", "after" }, { "begin", "at" }, { "time", "timeout" },
		{ "partition", "queue" }, { "group", "queue" }, { "label", "name" }, { "job-name", "name" },
		{ "retries", "attempts" }, { "retry", "attempts" }, { "working-directory", "chdir" },
		{ "workdir", "chdir" }, { "cwd", "chdir" }, { "nice", "priority" }, { "comment", "meta" },
		{ "stashed", "hold" }, { "print-task-id", "parsable" }, { "setenv", "env" },
		{ "environment", "env" }, { "singleton", "unique" }, { "parameter", "param" },
		{ "parameters", "param" }, { "reasons", "reason" },
		{ "tail", "lines" }, { "tags", "project" }, { "tag", "project" }, { "watch", "follow" },
		{ "format", "output" }, { "full", "output" }, { "wide", "output" }, { "long", "output" },
		{ "head", "limit" }, { "count", "limit" }, { "last", "limit" },
		{ "in", "delay" }, { "start", "at" }, { "starttime", "at" }, { "not-before", "at" },
		{ "not-before-us", "at" }, { "deadline-us", "deadline" }, { "timelimit", "timeout" },
		{ "jobname", "name" }, { "notes", "meta" }, { "unset", "clear" }, { "set-environment", "env" }, { "set-meta", "meta" }, { "max-attempts", "attempts" },
	};
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (strcmp(others[i].word, name) == 0)
			return others[i].option;
	return NULL;
}

const char *options_meant(const char *word, unsigned groups)
{
	char name[32];
	size_t len = strlen(word);

	if (len >= sizeof name)
		return NULL;
	for (size_t i = 0; i <= len; i++)
		name[i] = word[i] == '_' ? '-' : (char)tolower((unsigned char)word[i]);
	const char *other = other_word(name);
	const struct option_row *row = option_find(name, len, groups);
	if (!row && other)
		row = option_find(other, strlen(other), groups);
	return row ? row->name : NULL;
}

bool option_unknown(const char *word, size_t len, unsigned groups)
{
	const char *best = NULL;
	char name[32];

	if (len < sizeof name) {
		memcpy(name, word, len);
		name[len] = '\0';
		struct nearest near = { .word = name, .most = nearest_most(name, NEAREST_EDITS) };
		for (size_t i = 0; i < ROWS; i++)
			if (rows[i].groups & groups)
				nearest_try(&near, rows[i].name);
		const char *other = other_word(name);
		bool taken = other && option_find(other, strlen(other), groups);
		/* What others call something that this verb has not is no slip of the finger. */
		best = taken ? other : other ? NULL : near.name;
	}
	if (best)
		complain("there is no option --%.*s: did you mean --%s?", (int)len, word, best);
	else
		complain("there is no option --%.*s (see jobctl --help)", (int)len, word);
	return false;
}

const char *options_of_rule(const char *rule)
{
	for (size_t i = 0; i < ROWS; i++) {
		const char *a = rows[i].name, *b = rule;
		while (*a && (*a == *b || (*a == '-' && *b == '_')))
			a++, b++;
		if (rows[i].kind == RULE && *a == *b)
			return rows[i].name;
	}
	return NULL;
}

#define HELP_COLUMN 31

void options_help(FILE *out, unsigned groups)
{
	for (size_t i = 0; i < ROWS; i++) {
		const struct option_row *r = &rows[i];
		struct buf left = BUF_INIT;
		if (!(r->groups & groups))
			continue;
		if (r->letter)
			buf_printf(&left, "  -%c, --%s", r->letter, r->name);
		else
			buf_printf(&left, "      --%s", r->name);
		if (r->value)
			buf_printf(&left, " %s", r->value);
		const char *text = buf_text(&left);
		if (!left.failed) {
			int width = text_width(text);
			int pad = width < HELP_COLUMN ? HELP_COLUMN - width : 1;
			fprintf(out, "%s%*s%s\n", text, pad, "", r->help);
		}
		buf_fini(&left);
	}
}

/* SPDX-License-Identifier: ISC */
/*
 * The table of options, and the taking apart of a command line.
 *
 * Options may stand before the verb as well as after it, so whether one is allowed is
 * asked at the end. An option that has another meaning for another verb has a
 * row a meaning; all rows of a name agree on whether it takes a value, and on the field.
 * getopt_long(3) is not used: it knows neither verbs nor rows, and its
 * messages could not name what was meant.
 */
#include "config.h"

#include "jobctl/options.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "jobctl/screen.h"
#include "jobctl/text.h"
#include "lib/status.h"
#include "lib/strv.h"

enum kind { FLAG, TEXT, LIST };

struct row {
	const char *name;
	char letter;
	const char *value; /* what it is called in the help; NULL: a flag */
	unsigned groups;
	enum kind kind;
	size_t field;
	const char *help;
};

#define AT(f)	  offsetof(struct options, f)
#define G_GLOBAL  OPTIONS_GLOBAL
#define G_SELECT  OPTIONS_SELECT
#define G_SUBMIT  OPTIONS_SUBMIT
#define G_AUDIT	  OPTIONS_AUDIT
#define G_REPORT  OPTIONS_REPORT
#define G_LIST	  OPTIONS_LIST
#define G_PARS	  OPTIONS_PARSABLE
#define G_CANCEL  OPTIONS_CANCEL

static const struct row rows[] = {
	/* submit, run */
	{ "name", 0, "NAME", G_SUBMIT, TEXT, AT(name), "what to call the job" },
	{ "queue", 0, "QUEUE", G_SUBMIT, LIST, AT(queues), "the queue it goes to" },
	{ "project", 0, "TAG", G_SUBMIT, LIST, AT(projects), "the project it belongs to" },
	{ "priority", 'p', "N", G_SUBMIT, TEXT, AT(priority),
	    "1 (first) to 10 (last), or high, normal, low" },
	{ "meta", 0, "KEY=VALUE", G_SUBMIT, LIST, AT(meta), "a note of your own (repeatable)" },
	{ "chdir", 'C', "DIR", G_SUBMIT, TEXT, AT(chdir), "where it runs (else: here)" },
	{ "env", 0, "NAME[=VALUE]", G_SUBMIT, LIST, AT(env),
	    "add to its environment (repeatable)" },
	{ "clean-env", 0, NULL, G_SUBMIT, FLAG, AT(clean_env),
	    "without your environment: HOME, USER, LOGNAME, SHELL, PATH" },
	{ "umask", 0, "OCTAL", G_SUBMIT, TEXT, AT(umask), "its umask (else: yours)" },
	{ "user", 'u', "USER", G_SUBMIT, LIST, AT(users), "run as this user (root only); then as with --clean-env" },
	{ "shell", 0, "'A | B'", G_SUBMIT, TEXT, AT(shell), "run this line with /bin/sh" },
	{ "hold", 0, NULL, G_PARS, FLAG, AT(hold), "do not start it until it is released" },
	{ "parsable", 0, NULL, G_PARS, FLAG, AT(parsable), "print the number alone" },
	{ "wait", 'w', NULL, G_PARS, FLAG, AT(wait), "wait for its end, exit with its code" },
	/* which jobs */
	{ "state", 's', "STATE,...", G_SELECT, LIST, AT(states),
	    "in one of these states; also live, ended" },
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
	{ "cursor", 0, "CURSOR", G_LIST, TEXT, AT(cursor), "go on where a list ended" },
	{ "sort", 0, "[-]COLUMN", G_LIST, TEXT, AT(sort), "by this column; with -, backwards" },
	{ "output", 'o', "wide", G_LIST, TEXT, AT(output), "more columns" },
	{ "json", 0, NULL, OPTIONS_JSON, FLAG, AT(json), "JSON objects, one a line" },
	{ "follow", 'f', NULL, OPTIONS_STATUS, FLAG, AT(follow), "watch it until it ends" },
	/* changing jobs */
	{ "now", 0, NULL, G_CANCEL, FLAG, AT(now), "SIGKILL at once, no SIGTERM before" },
	{ "wait", 'w', NULL, G_CANCEL, FLAG, AT(wait), "return when it has ended" },
	{ "all", 0, NULL, OPTIONS_SIGNAL, FLAG, AT(all),
	    "to every process of the job, not its command alone" },
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

/* An option as it was met: by name or by letter, with its value. */
struct given {
	const struct row *row; /* one of that name; which is meant is settled at the end */
	const char *value;
};

struct parse {
	int argc, i;
	char **argv;
	struct given *given;
	size_t ngiven;
	struct words *words;
};

static const struct row *find_name(const char *name, size_t len, unsigned groups)
{
	for (size_t i = 0; i < ROWS; i++)
		if ((rows[i].groups & groups) && strlen(rows[i].name) == len &&
		    strncmp(rows[i].name, name, len) == 0)
			return &rows[i];
	return NULL;
}

static const struct row *find_letter(char letter, unsigned groups)
{
	for (size_t i = 0; i < ROWS; i++)
		if ((rows[i].groups & groups) && rows[i].letter == letter)
			return &rows[i];
	return NULL;
}

static bool unknown(const char *word, size_t len)
{
	const struct row *best = NULL;
	unsigned nearest = 3;
	char name[32];

	if (len < sizeof name) {
		memcpy(name, word, len);
		name[len] = '\0';
		for (size_t i = 0; i < ROWS; i++) {
			unsigned d = text_distance(name, rows[i].name);
			if (d < nearest) {
				nearest = d;
				best = &rows[i];
			}
		}
	}
	if (best)
		complain("there is no option --%.*s: did you mean --%s?", (int)len, word, best->name);
	else
		complain("there is no option --%.*s (see jobctl --help)", (int)len, word);
	return false;
}

static void take(struct parse *p, const struct row *row, const char *value)
{
	p->given[p->ngiven++] = (struct given){ row, value };
}

/* The value of the option at hand: what is left of its word, or the next one. */
static bool take_value(struct parse *p, const struct row *row, const char *rest)
{
	if (!rest && p->i + 1 < p->argc)
		rest = p->argv[++p->i];
	if (!rest) {
		complain("--%s needs a value: --%s %s", row->name, row->name, row->value);
		return false;
	}
	take(p, row, rest);
	return true;
}

/* groups are the verb's, or all while it is not known. */
static bool parse_long(struct parse *p, const char *word, unsigned groups)
{
	size_t len = strcspn(word, "=");
	const char *value = word[len] ? word + len + 1 : NULL;
	const struct row *row = find_name(word, len, groups);

	if (!row)
		row = find_name(word, len, ~0u);
	if (!row)
		return unknown(word, len);
	if (row->kind != FLAG)
		return take_value(p, row, value);
	if (value) {
		complain("--%s takes no value", row->name);
		return false;
	}
	take(p, row, NULL);
	return true;
}

/* kill(1)'s "-9" and "-TERM". */
static bool is_signal(const struct parse *p, const char *word)
{
	const char *verb = p->words->n ? p->words->v[0] : "";
	int sig = strcmp(verb, "kill") == 0 || strcmp(verb, "cancel") == 0
		      ? status_signal_parse(word) : 0;

	if (!sig)
		return false;
	if (sig == SIGSTOP || sig == SIGTSTP || sig == SIGCONT)
		complain("%s takes no -%s: 'jobctl pause ID' stops a job, 'jobctl resume ID' continues it",
		    verb, word);
	else
		complain("%s takes no -%s: 'jobctl cancel ID' ends a job with SIGTERM and then SIGKILL, "
			 "with --now by SIGKILL at once; 'jobctl signal ID %s' sends that signal alone",
		    verb, word, status_signal_name(sig));
	return true;
}

static bool parse_letters(struct parse *p, const char *word, unsigned groups)
{
	if (is_signal(p, word))
		return false;
	for (; *word; word++) {
		const struct row *row = find_letter(*word, groups);
		if (!row)
			row = find_letter(*word, ~0u);
		if (!row) {
			complain("there is no option -%c (see jobctl --help)", *word);
			return false;
		}
		if (row->kind != FLAG)
			return take_value(p, row, word[1] ? word + 1 : NULL);
		take(p, row, NULL);
	}
	return true;
}

static bool parse_words(struct parse *p,
    bool (*find)(const char *word, struct options_verb *v), struct options_verb *verb)
{
	bool plain = false, have_verb = false;

	for (p->i = 1; p->i < p->argc; p->i++) {
		char *word = p->argv[p->i];
		unsigned groups = have_verb ? verb->groups | OPTIONS_GLOBAL : ~0u;
		if (!plain && strcmp(word, "--") == 0) {
			plain = true;
			continue;
		}
		if (!plain && word[0] == '-' && word[1]) {
			if (word[1] == '-' ? !parse_long(p, word + 2, groups)
					   : !parse_letters(p, word + 1, groups))
				return false;
			continue;
		}
		p->words->v[p->words->n++] = word;
		if (!have_verb) {
			have_verb = true;
			if (!find(word, verb))
				verb->groups = ~0u; /* the caller will say so */
		} else if (verb->command) {
			plain = true;
		}
	}
	return true;
}

/* Puts what was met where it belongs; only now is it known whether the verb takes it. */
static bool apply(const struct parse *p, unsigned groups, struct options *o)
{
	for (size_t i = 0; i < p->ngiven; i++) {
		const struct row *row = p->given[i].row;
		const struct row *meant = find_name(row->name, strlen(row->name), groups);
		if (!meant && row->letter)
			meant = find_letter(row->letter, groups);
		if (!meant || meant->kind != row->kind) {
			complain("--%s does not go with %s", row->name,
			    p->words->n ? p->words->v[0] : "list");
			return false;
		}
		char *field = (char *)o + meant->field;
		if (meant->kind == FLAG) {
			*(bool *)(void *)field = true;
		} else if (meant->kind == TEXT) {
			*(const char **)(void *)field = p->given[i].value;
		} else if (strv_add((char ***)(void *)field, p->given[i].value) != 0) {
			complain("no memory");
			return false;
		}
	}
	return true;
}

bool options_parse(int argc, char **argv, bool (*find)(const char *word, struct options_verb *v),
    unsigned default_groups, struct options *o, struct words *words)
{
	struct options_verb verb = { .groups = default_groups };
	struct parse p = { .argc = argc, .argv = argv, .words = words };
	size_t letters = 0;
	bool ok = false;

	*o = (struct options){ 0 };
	*words = (struct words){ 0 };
	for (int i = 1; i < argc; i++)
		letters += strlen(argv[i]) + 1; /* more than there can be options */
	p.given = calloc(letters + 1, sizeof *p.given);
	words->v = calloc((size_t)argc + 1, sizeof *words->v);
	if (p.given && words->v) {
		ok = parse_words(&p, find, &verb);
		ok = apply(&p, verb.groups | OPTIONS_GLOBAL, o) && ok;
	} else {
		complain("no memory");
	}
	free(p.given);
	return ok;
}

void options_fini(struct options *o)
{
	strv_free(o->states);
	strv_free(o->queues);
	strv_free(o->projects);
	strv_free(o->users);
	strv_free(o->meta);
	strv_free(o->verbs);
	strv_free(o->env);
	strv_free(o->counts);
	*o = (struct options){ 0 };
}

#define HELP_COLUMN 28

void options_help(FILE *out, unsigned groups)
{
	for (size_t i = 0; i < ROWS; i++) {
		const struct row *r = &rows[i];
		struct buf left = BUF_INIT;
		if (!(r->groups & groups))
			continue;
		if (r->letter)
			buf_printf(&left, "  -%c, --%s", r->letter, r->name);
		else
			buf_printf(&left, "      --%s", r->name);
		if (r->value)
			buf_printf(&left, " %s", r->value);
		buf_put(&left, "", 1);
		if (!left.failed) {
			int width = text_width((const char *)left.data);
			int pad = width < HELP_COLUMN ? HELP_COLUMN - width : 1;
			fprintf(out, "%s%*s%s\n", (const char *)left.data, pad, "", r->help);
		}
		buf_fini(&left);
	}
}

/* SPDX-License-Identifier: ISC */
/*
 * The taking apart of a command line.
 *
 * Options may stand before the verb as well as after it, so whether one is allowed is
 * asked at the end.
 * getopt_long(3) is not used: it knows neither verbs nor rows, and its
 * messages could not name what was meant.
 */
#include "config.h"

#include "jobctl/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobctl/hints.h"
#include "jobctl/option-table.h"
#include "jobctl/screen.h"
#include "lib/status.h"
#include "lib/str.h"
#include "lib/strv.h"

/* An option as it was met: by name or by letter, with its value. */
struct given {
	const struct option_row *row; /* one of that name; which is meant is settled at the end */
	const char *value;
	bool letter; /* it was */
};

struct parse {
	int argc, i;
	char **argv;
	struct given *given;
	size_t ngiven;
	struct words *words;
};

static void take(struct parse *p, const struct option_row *row, const char *value, bool letter)
{
	p->given[p->ngiven++] = (struct given){ row, value, letter };
}

/* An option as it was typed. */
static const char *typed(const struct option_row *row, bool letter, char out[40])
{
	if (letter)
		snprintf(out, 40, "-%c", row->letter);
	else
		snprintf(out, 40, "--%s", row->name);
	return out;
}

/* The value of the option at hand: what is left of its word, or the next one. */
static bool take_value(
    struct parse *p, const struct option_row *row, const char *rest, bool letter)
{
	char name[40];

	if (!rest && p->i + 1 < p->argc)
		rest = p->argv[++p->i];
	if (!rest) {
		typed(row, letter, name);
		complain("%s needs a value: %s %s", name, name, row->value);
		return false;
	}
	take(p, row, rest, letter);
	return true;
}

/* groups are the verb's, or all while it is not known. */
static bool parse_long(struct parse *p, const char *word, unsigned groups)
{
	size_t len = strcspn(word, "=");
	const char *value = word[len] ? word + len + 1 : NULL;
	const struct option_row *row = option_find(word, len, groups);

	if (!row)
		row = option_find(word, len, ~0u);
	if (!row)
		return option_unknown(word, len, groups);
	if (row->kind != FLAG)
		return take_value(p, row, value, false);
	if (value) {
		complain("--%s takes no value", row->name);
		return false;
	}
	take(p, row, NULL, false);
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
	if (status_signal_stops(sig))
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
		const struct option_row *row = option_find_letter(*word, groups);
		if (!row)
			row = option_find_letter(*word, ~0u);
		if (!row) {
			complain("there is no option -%c (see jobctl --help)", *word);
			return false;
		}
		if (row->kind != FLAG)
			return take_value(p, row, word[1] ? word + 1 : NULL, true);
		take(p, row, NULL, true);
	}
	return true;
}

static bool was_given(const struct parse *p, const char *name)
{
	for (size_t i = 0; i < p->ngiven; i++)
		if (strcmp(p->given[i].row->name, name) == 0)
			return true;
	return false;
}

/* Takes a word that is no option. Returns whether all that follows is to be left alone. */
static bool take_word(struct parse *p, options_find_fn *find, struct options_verb *verb, char *word)
{
	struct words *w = p->words;
	struct options_verb two;

	w->v[w->n++] = word;
	if (w->n == 1) {
		w->verb = 1;
		if (!find(word, NULL, verb))
			*verb = (struct options_verb){ .groups = ~0u }; /* the caller will say so */
		return false;
	}
	if (verb->family) {
		verb->family = false;
		if (find(w->v[0], word, &two)) {
			*verb = two;
			w->verb = 2;
		}
		return false;
	}
	/* A template's parameters are no command: options may stand among them. */
	return verb->command > 0 && w->n - w->verb >= verb->command && !was_given(p, "template");
}

static bool parse_words(struct parse *p, options_find_fn *find, struct options_verb *verb)
{
	bool plain = false;
	int quiet_at = -1; /* where the letter stood last, by itself */

	for (p->i = 1; p->i < p->argc; p->i++) {
		char *word = p->argv[p->i];
		unsigned groups = p->words->n ? verb->groups | OPTIONS_GLOBAL : ~0u;
		if (!plain && strcmp(word, "--") == 0) {
			plain = p->words->separated = true;
			p->words->before = p->words->n;
			continue;
		}
		if (!plain && word[0] == '-' && word[1]) {
			if (word[1] == '-' ? !parse_long(p, word + 2, groups)
					   : !parse_letters(p, word + 1, groups))
				return false;
			if (strcmp(word, "-q") == 0)
				quiet_at = p->i;
			continue;
		}
		bool before = plain;
		plain = take_word(p, find, verb, word) || plain;
		p->words->quieted = p->words->quieted || (!before && plain && quiet_at == p->i - 1);
	}
	return true;
}

/* A rule is kept by its own name, which has other dashes; the last value counts. */
static int add_rule(char ***rules, const char *option, const char *value)
{
	char *entry = str_printf("%s=%s", option, value);
	size_t len = strlen(option) + 1;

	if (!entry)
		return -ENOMEM;
	for (char *p = entry; *p != '='; p++)
		if (*p == '-')
			*p = '_';
	for (char **r = *rules; r && *r; r++) {
		if (strncmp(*r, entry, len) == 0) {
			free(*r);
			*r = entry;
			return 0;
		}
	}
	int rc = strv_add(rules, entry);
	free(entry);
	return rc;
}

static bool put(const struct option_row *row, const char *value, struct options *o)
{
	char *field = (char *)o + row->field;
	int rc = 0;

	if (row->kind == FLAG)
		*(bool *)(void *)field = true;
	else if (row->kind == TEXT)
		*(const char **)(void *)field = value;
	else if (row->kind == LIST)
		rc = strv_add((char ***)(void *)field, value);
	else
		rc = add_rule((char ***)(void *)field, row->name, value);
	if (rc != 0)
		complain("no memory");
	return rc == 0;
}

static bool misplaced(
    const struct given *g, const struct words *w, const struct options_verb *verb)
{
	char name[40];
	/* What a letter stands for with other verbs was not meant here. */
	const char *hint = g->letter ? NULL : hints_option(verb->name ? verb->name : "list", g->row->name);
	complain("%s does not go with %s%s%s%s%s%s", typed(g->row, g->letter, name), w->n ? w->v[0] : "list",
	    w->verb > 1 ? " " : "", w->verb > 1 ? w->v[1] : "", hint ? " (" : "", hint ? hint : "",
	    hint ? ")" : "");
	return false;
}

/* Puts what was met where it belongs; only now is it known whether the verb takes it. */
static bool apply(const struct parse *p, const struct options_verb *verb, struct options *o)
{
	unsigned groups = verb->groups | OPTIONS_GLOBAL;

	for (size_t i = 0; i < p->ngiven; i++) {
		const struct option_row *row = p->given[i].row;
		const struct option_row *meant = option_find(row->name, strlen(row->name), groups);
		if (!meant && row->letter)
			meant = option_find_letter(row->letter, groups);
		if (!meant || meant->kind != row->kind)
			return misplaced(&p->given[i], p->words, verb);
		if (!put(meant, p->given[i].value, o))
			return false;
	}
	return true;
}

bool options_parse(int argc, char **argv, options_find_fn *find, unsigned default_groups,
    struct options *o, struct words *words)
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
		ok = apply(&p, &verb, o) && ok;
	} else {
		complain("no memory");
	}
	free(p.given);
	return ok;
}

void options_fini(struct options *o)
{
	strv_free(o->states);
	strv_free(o->reasons);
	strv_free(o->queues);
	strv_free(o->projects);
	strv_free(o->users);
	strv_free(o->meta);
	strv_free(o->verbs);
	strv_free(o->env);
	strv_free(o->counts);
	strv_free(o->rules);
	strv_free(o->after_ok);
	strv_free(o->after_failed);
	strv_free(o->after_any);
	strv_free(o->clear);
	strv_free(o->params);
	*o = (struct options){ 0 };
}

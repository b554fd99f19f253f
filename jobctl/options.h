/* SPDX-License-Identifier: ISC */
/*
 * The command line: one table of options, and the values they were given.
 * Knows the verbs' names only through the function that it is handed.
 */
#ifndef JOBCTL_OPTIONS_H
#define JOBCTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Which verbs take an option: a verb names its groups. */
enum option_group {
	OPTIONS_GLOBAL = 1 << 0, /* every verb */
	OPTIONS_SELECT = 1 << 1, /* which jobs */
	OPTIONS_BULK = 1 << 2,	 /* verbs that change jobs */
	OPTIONS_LIST = 1 << 3,
	OPTIONS_SUBMIT = 1 << 4,
	OPTIONS_PARSABLE = 1 << 5, /* submit, not run */
	OPTIONS_LOG = 1 << 6,
	OPTIONS_CANCEL = 1 << 7,
	OPTIONS_SIGNAL = 1 << 8,
	OPTIONS_REPORT = 1 << 9,
	OPTIONS_AUDIT = 1 << 10,
	OPTIONS_JSON = 1 << 11,
	OPTIONS_STATUS = 1 << 12,
	OPTIONS_SHUTDOWN = 1 << 13,
	OPTIONS_EDIT = 1 << 14,
	OPTIONS_TEMPLATE = 1 << 15, /* template set */
	OPTIONS_PAUSE = 1 << 16,
	OPTIONS_RESUME = 1 << 17,
	OPTIONS_DRAIN = 1 << 18,
	OPTIONS_WAIT = 1 << 19,
};

/* Strings are borrowed from argv, lists are NULL-terminated or NULL. */
struct options {
	/* everywhere */
	const char *socket;
	bool help, version, quiet;
	/* which jobs; for submit, what the new job has */
	const char *name, *since, *until, *search, *batch;
	char **reasons;
	char **states, **queues, **projects, **users, **meta;
	/* lists */
	const char *limit, *cursor, *sort, *output, *lines;
	bool json, control;
	char **verbs;
	/* submit, run */
	const char *priority, *chdir, *umask, *shell;
	char **env;
	bool clean_env, hold, parsable, wait;
	char **rules; /* "retry_on=1,75": the names are those of lib/rules.h */
	char **after_ok, **after_failed, **after_any;
	bool drop_unmet;
	const char *at, *delay, *deadline;
	const char *unique, *if_exists, *template, *plan;
	/* edit, template set */
	char **clear, **params;
	const char *description;
	/* control */
	bool yes, now, all, release_slot;
	/* shutdown */
	const char *on_stop;
	bool force;
	/* log, status */
	bool follow;
	const char *attempt;
	/* wait */
	bool any;
	/* report */
	const char *percent, *progress, *step, *step_name, *item, *text;
	char **counts;
};

/* What stands on a command line besides options. words is borrowed from argv. */
struct words {
	char **v;
	int n;
	int verb; /* how many of them, at the beginning, name the verb: 0 to 2 */
	bool separated; /* "--" stood before a command, or among them */
	int before;	/* how many of them before that "--" */
	bool quieted;	/* the letter -q stood directly before the word that begins a command */
};

/* What a verb takes: asked by options_parse when it meets the verb. */
struct options_verb {
	const char *name;
	unsigned groups;
	int command; /* from which of its words on a command begins, not to be looked at; 0: none */
	bool family; /* the next word may tell which verb of several it is: "queue", then "pause" */
};

/*
 * Tells about the verb that these words name; second is NULL until it was met. False: there is none such,
 * and the word is kept.
 */
typedef bool options_find_fn(const char *first, const char *second, struct options_verb *v);

/*
 * Takes argv apart. *words begins with the verb as it was typed, if there was one. No verb at all
 * means the one with these default_groups. Returns false after saying on standard error what is wrong;
 * what was understood until then is in *o. words->v is to be freed.
 */
bool options_parse(int argc, char **argv, options_find_fn *find, unsigned default_groups,
    struct options *o, struct words *words);

/*
 * The name of the option that people mean by this word ("Partition", "cwd", "time"), if one of these groups
 * is it; else NULL.
 */
const char *options_meant(const char *word, unsigned groups);

/* The name of the option that says this rule ("retry-on" for "retry_on"), or NULL: there is none. */
const char *options_of_rule(const char *rule);

void options_fini(struct options *o);

/* Prints the options of these groups, for --help. */
void options_help(FILE *out, unsigned groups);

#endif

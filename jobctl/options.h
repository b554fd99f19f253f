/* SPDX-License-Identifier: ISC */
/*
 * The command line: one table of options, and the values they were given.
 * Knows the verbs' names only through verb_find, which it is handed.
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
};

/* Strings are borrowed from argv, lists are NULL-terminated or NULL. */
struct options {
	/* everywhere */
	const char *socket;
	bool help, version, quiet;
	/* which jobs; for submit, what the new job has */
	const char *name, *since, *until, *search;
	char **states, **queues, **projects, **users, **meta;
	/* lists */
	const char *limit, *cursor, *sort, *output, *lines;
	bool json, control;
	char **verbs;
	/* submit, run */
	const char *priority, *chdir, *umask, *shell;
	char **env;
	bool clean_env, hold, parsable, wait;
	/* control */
	bool yes, now, all;
	/* shutdown */
	const char *on_stop;
	bool force;
	/* log, status */
	bool follow;
	const char *attempt;
	/* report */
	const char *percent, *progress, *step, *step_name, *item, *text;
	char **counts;
};

/* What stands on a command line besides options. words is borrowed from argv. */
struct words {
	char **v;
	int n;
};

/* What a verb takes: asked by options_parse when it meets the verb. */
struct options_verb {
	unsigned groups;
	bool command; /* what follows the verb's options is a command, not to be looked at */
};

/*
 * Takes argv apart. find tells about a verb (false: there is none such, and the word is kept);
 * *words begins with the verb as it was typed, if there was one. No verb at all means the one
 * with these default_groups. Returns false after saying on standard error what is wrong;
 * what was understood until then is in *o. words->v is to be freed.
 */
bool options_parse(int argc, char **argv, bool (*find)(const char *word, struct options_verb *v),
    unsigned default_groups, struct options *o, struct words *words);

void options_fini(struct options *o);

/* Prints the options of these groups, for --help. */
void options_help(FILE *out, unsigned groups);

#endif

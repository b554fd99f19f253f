/* SPDX-License-Identifier: ISC */
/*
 * jobctl - the command line of jobd. No privilege and no state of its own: what it knows
 * it asks the daemon over the socket. Takes the command line apart, finds the verb, runs it.
 */
#include "config.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobctl/options.h"
#include "jobctl/verbs.h"

static bool describe(const char *word, struct options_verb *out)
{
	const struct verb *v = verbs_find(word);
	if (!v)
		return false;
	out->groups = v->options;
	out->command = v->flags & VERB_COMMAND;
	return true;
}

/* What other programs of the kind call it. */
static const char *other_word(const char *word)
{
	static const struct {
		const char *word, *verb;
	} others[] = {
		{ "top", "list" }, { "ps", "list" }, { "jobs", "list" }, { "queue", "list" },
		{ "tail", "log -f" }, { "follow", "log -f" }, { "watch", "status -f" },
		{ "output", "log" }, { "history", "audit" }, { "journal", "audit" },
		{ "stop", "pause' or 'jobctl cancel" }, { "start", "release' or 'jobctl submit" },
		{ "continue", "resume" }, { "restart", "retry" }, { "rerun", "retry" },
		{ "renice", "priority" }, { "nice", "priority" }, { "enqueue", "submit" },
	};
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (strcmp(others[i].word, word) == 0)
			return others[i].verb;
	return NULL;
}

static int unknown_verb(const char *word)
{
	const char *near = verbs_nearest(word), *other = other_word(word);
	if (other)
		complain("there is no verb '%s': try 'jobctl %s'", word, other);
	else if (near)
		complain("there is no verb '%s': did you mean '%s'?", word, near);
	else
		complain("there is no verb '%s' (see jobctl --help)", word);
	return CODE_USAGE;
}

static int surplus(const char *word)
{
	complain("help: '%s' is one word too many: one verb at a time", word);
	return CODE_USAGE;
}

/* "jobctl help pause", "jobctl pause --help", "jobctl --help". */
static int help(const struct verb *v, const char *about)
{
	if (about && !(v = verbs_find(about)))
		return unknown_verb(about);
	if (v && v->run)
		verbs_help_one(stdout, v);
	else
		verbs_help(stdout);
	return CODE_DONE;
}

static int run(const struct verb *v, const struct options *o, const struct words *w)
{
	struct ctl c = {
		.o = o,
		.verb = v,
		.words = w->n ? w->v + 1 : w->v,
		.nwords = w->n ? w->n - 1 : 0,
	};
	screen_init(&c.out, stdout);
	screen_init(&c.err, stderr);
	if (!(v->flags & VERB_NO_DAEMON) && !client_init(&c.client, o->socket)) {
		complain("there is no socket to try: set $HOME, $JOBD_SOCKET, or use --socket");
		return verb_failure(v, o, CODE_UNREACHABLE);
	}
	int code = v->run(&c);
	client_fini(&c.client);
	return code;
}

static int dispatch(int argc, char **argv, struct options *o, struct words *w)
{
	const struct verb *list = verbs_find("list");
	bool parsed = options_parse(argc, argv, describe, list->options, o, w);
	const struct verb *v = w->n ? verbs_find(w->v[0]) : list;

	if (parsed && o->version) {
		printf("jobctl %s\n", PACKAGE_VERSION);
		return CODE_DONE;
	}
	if (w->n && !v)
		return unknown_verb(w->v[0]);
	if (!parsed)
		return verb_failure(v, o, CODE_USAGE);
	if (o->help)
		return help(w->n ? v : NULL, NULL);
	if (!v->run && w->n > 2)
		return surplus(w->v[2]);
	if (!v->run)
		return help(NULL, w->n > 1 ? w->v[1] : NULL);
	return run(v, o, w);
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	struct words w = { 0 };

	setlocale(LC_CTYPE, "");
	int code = dispatch(argc, argv, &o, &w);
	options_fini(&o);
	free(w.v);
	/* What could not be written must not look as if it had been. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain("cannot write to standard output");
		if (code == CODE_DONE)
			code = CODE_SOME;
	}
	return code;
}

/* SPDX-License-Identifier: ISC */
/*
 * jobctl - the command line of jobd. No privilege and no state of its own: what it knows
 * it asks the daemon over the socket. Takes the command line apart, finds the verb, runs it.
 */
#include "config.h"

#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobctl/hints.h"
#include "jobctl/options.h"
#include "jobctl/verbs.h"
#include "lib/stdfds.h"

static bool describe(const char *first, const char *second, struct options_verb *out)
{
	const struct verb *v = verbs_find(first, second);
	if (!v)
		return false;
	*out = (struct options_verb){
		.name = v->name,
		.groups = v->options,
		.command = v->flags & VERB_COMMAND ? 1 : v->flags & VERB_NAMED_COMMAND ? 2 : 0,
		.family = !second && verbs_family(first),
	};
	return true;
}

static int unknown_verb(const char *word)
{
	const char *near = verbs_nearest(word), *other = hints_verb(NULL, word);
	if (*word && strspn(word, "0123456789,-") == strlen(word))
		complain("there is no verb '%s': did you mean 'jobctl status %s'?", word, word);
	else if (other)
		complain("there is no verb '%s': %s", word, other);
	else if (near)
		complain("there is no verb '%s': did you mean '%.*s'?", word, (int)strcspn(near, " "), near);
	else
		complain("there is no verb '%s' (see jobctl --help)", word);
	return CODE_USAGE;
}

/* "jobctl queue import" */
static int unknown_of_family(const char *family, const char *word)
{
	const char *near = verbs_nearest_of(family, word), *other = hints_verb(family, word);
	if (other)
		complain("there is no verb '%s %s': %s", family, word, other);
	else if (near)
		complain("there is no verb '%s %s': did you mean '%s'?", family, word, near);
	else
		complain("there is no verb '%s %s' (see jobctl %s --help); if that is its name: jobctl %s show %s",
		    family, word, family, family, word);
	return CODE_USAGE;
}

static int surplus(const char *word)
{
	complain("help: '%s' is one word too many: one verb at a time", word);
	return CODE_USAGE;
}

/* "jobctl help pause", "jobctl help queue", "jobctl queue set --help", "jobctl --help". */
static int help(char *const *words, int n)
{
	const struct verb *v = n ? verbs_find(words[0], n > 1 ? words[1] : NULL) : NULL;
	bool family = n && verbs_family(words[0]);

	if (n && !v)
		return family ? unknown_of_family(words[0], words[1]) : unknown_verb(words[0]);
	if (n > 1 + family)
		return surplus(words[1 + family]);
	if (family && n == 1)
		verbs_help_family(stdout, words[0]);
	else if (v && v->run)
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
		.words = w->v + w->verb,
		.nwords = w->n - w->verb,
		.separated = w->separated,
		.before = w->before - w->verb,
		.quieted = w->quieted,
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
	const struct verb *list = verbs_find("list", NULL);
	bool parsed = options_parse(argc, argv, describe, list->options, o, w);
	const struct verb *v = w->n ? verbs_find(w->v[0], w->verb > 1 ? w->v[1] : NULL) : list;

	if (parsed && o->version) {
		printf("jobctl %s\n", PACKAGE_VERSION);
		return CODE_DONE;
	}
	if (w->n && !v)
		return unknown_verb(w->v[0]);
	if (w->n > 1 && w->verb == 1 && verbs_family(w->v[0]))
		return unknown_of_family(w->v[0], w->v[1]);
	if (parsed && o->socket && !*o->socket)
		complain("--socket: it is a path, and can't be empty");
	if (!parsed || (o->socket && !*o->socket))
		return verb_failure(v, o, CODE_USAGE);
	if (o->help)
		return help(w->v, w->verb);
	if (!v->run)
		return help(w->v + 1, w->n - 1);
	return run(v, o, w);
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	struct words w = { 0 };

	stdfds_open(O_RDONLY);
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

/* SPDX-License-Identifier: ISC */
/* What a job takes along of where it is submitted: directory, environment, umask. */
#ifndef JOBCTL_SURROUNDINGS_H
#define JOBCTL_SURROUNDINGS_H

#include <jansson.h>

#include "jobctl/verb.h"

enum surroundings {
	SURROUNDINGS_ALL,   /* what there is here, and what the options say */
	SURROUNDINGS_CLEAN, /* what the options say; and an environment as with --clean-env */
	SURROUNDINGS_SAID,  /* only where an option says something: what --env names is set in the
			       environment that there is; with --clean-env it is another, whole */
	SURROUNDINGS_BARE,  /* the same; of the environment what --env names, and nothing besides */
};

/*
 * Puts cwd, umask and environment (or set_environment) into p, as far as extent wants them. user is
 * whose job it is, NULL: the caller's own; nothing of the caller's environment goes to another's job
 * but what --env names. CODE_DONE, or what is wrong, said. What of the environment is no UTF-8 is left
 * out and named.
 */
enum code surroundings_put(
    const struct ctl *c, enum surroundings extent, const char *user, json_t *p);

/*
 * What of the environment env a job gets: the caller's, or with clean none of it but what add
 * names; then what add says, NAME or NAME=VALUE. What belongs to jobd (JOBD_*, NOTIFY_SOCKET)
 * is left out.
 * What is no UTF-8 can't be sent: it is left out, and counted in *dropped. NULL: no memory.
 */
struct surroundings_environment {
	char *const *env;
	char *const *add; /* or NULL */
	bool clean;
};
char **surroundings_environment(const struct surroundings_environment *e, size_t *dropped);

#endif

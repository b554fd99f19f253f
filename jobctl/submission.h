/* SPDX-License-Identifier: ISC */
/* A new job, made from the command line and from what surrounds it. */
#ifndef JOBCTL_SUBMISSION_H
#define JOBCTL_SUBMISSION_H

#include <jansson.h>

#include "jobctl/verb.h"

/*
 * Submits what the command line says; sent again when the connection breaks, it makes
 * no second job. *job is the caller's. CODE_DONE, or what went wrong, said.
 */
enum code submission_send(struct ctl *c, json_t **job);

/*
 * What of the environment env a job gets: the caller's, or with clean none of it but what add
 * names; then what add says, NAME or NAME=VALUE. What belongs to jobd (JOBD_*, NOTIFY_SOCKET)
 * is left out.
 * What is no UTF-8 can't be sent: it is left out, and counted in *dropped. NULL: no memory.
 */
struct submission_environment {
	char *const *env;
	char *const *add; /* or NULL */
	bool clean;
};
char **submission_environment(const struct submission_environment *e, size_t *dropped);

#endif

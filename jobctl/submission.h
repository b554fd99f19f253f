/* SPDX-License-Identifier: ISC */
/* A new job, made from the command line and from what surrounds it. */
#ifndef JOBCTL_SUBMISSION_H
#define JOBCTL_SUBMISSION_H

#include <jansson.h>

#include "jobctl/verb.h"

/*
 * Submits what the command line says; sent again when the connection breaks, it makes
 * no second job. *job is the caller's. *existed: it was there before, and has the same --unique
 * key. CODE_DONE, or what went wrong, said.
 */
enum code submission_send(struct ctl *c, json_t **job, bool *existed);

#endif

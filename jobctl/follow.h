/* SPDX-License-Identifier: ISC */
/* Staying with jobs until they end: their progress, their output, their codes. */
#ifndef JOBCTL_FOLLOW_H
#define JOBCTL_FOLLOW_H

#include <jansson.h>

#include "jobctl/verb.h"

/*
 * Waits for these jobs (an array of numbers, stolen); at a terminal with a live line on
 * standard error. Returns the exit code: of the jobs, the first that is not 0; 125
 * when that can't be had, said. known: as for stream_init.
 */
int follow_wait(struct ctl *c, json_t *ids, bool known);

/* The same until the first has ended, where any says so, and at most until_us (monotonic; 0: no limit):
 * 124 then, said. */
int follow_wait_until(struct ctl *c, json_t *ids, bool any, uint64_t until_us);

/*
 * Copies a job's output until it has ended: of every attempt after the first so many. Ctrl-C cancels
 * the job. Returns the job's exit code, or 125 (said), or 130 after a second Ctrl-C.
 */
int follow_run(struct ctl *c, int64_t id, int64_t before);

/* Says in a line how a job ended, to standard error: "job 5 failed (exit 4) after 2s". */
void follow_tell_end(const struct ctl *c, const json_t *job);

#endif

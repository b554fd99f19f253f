/* SPDX-License-Identifier: ISC */
/*
 * What of a queue runs and is paused, told apart. A queue's own counts have who holds a slot, paused or
 * not, and who is paused, with or without one; the jobs themselves say the rest.
 */
#ifndef JOBCTL_QUEUE_JOBS_H
#define JOBCTL_QUEUE_JOBS_H

#include <jansson.h>
#include <stdint.h>

#include "jobctl/verb.h"

struct queue_jobs {
	int64_t running;
	int64_t paused;	  /* in all; of them */
	int64_t released; /* gave up their slot, and are not to go on */
	int64_t resuming; /* go on when there is a slot */
};

/*
 * Looks at the paused jobs of these queues (an array, as List has them), if there are any: *paused is the
 * caller's, for queue_jobs_of. A slot that another user's job gave up is seen by administrators
 * alone. CODE_DONE, or what went wrong, said.
 */
enum code queue_jobs_look(struct ctl *c, const json_t *queues, json_t **paused);

/* Of one of them. */
struct queue_jobs queue_jobs_of(const json_t *queue, const json_t *paused);

/* What of a queue has not ended, running and paused, as arrays of numbers; both are the caller's. */
enum code queue_jobs_left(struct ctl *c, const char *queue, json_t **running, json_t **paused);

/* "3 4 5", at most so many, "..." for the others. */
void queue_jobs_numbers(const json_t *ids, size_t most, struct buf *out);

#endif

/* SPDX-License-Identifier: ISC */
/* Watching jobs until they have ended, over restarts of the daemon. */
#ifndef JOBCTL_WAITING_H
#define JOBCTL_WAITING_H

#include <jansson.h>

#include "jobctl/stream.h"

struct waiting {
	json_t *ids;  /* array: those that are still waited for */
	json_t *jobs; /* object: number in digits -> the job as it was last seen */
	bool progress;
	bool looking;  /* too many for one call: they are only looked at so far, */
	size_t looked; /* and so many have been */
	struct stream stream;
	bool ended;
};

enum waiting_result {
	WAITING_NOTHING, /* not yet */
	WAITING_NEWS,	 /* some job is not as it was */
	WAITING_ENDED,	 /* all have ended */
	WAITING_FAILED,	 /* and that was said */
};

/*
 * ids is stolen, and changed: an array of numbers. progress: news of progress, too. known: as for
 * stream_init. Connects to nothing yet.
 */
void waiting_init(struct waiting *w, struct client *c, json_t *ids, bool progress, bool known);
enum waiting_result waiting_next(struct waiting *w, int timeout_ms);
/* The job as last seen, borrowed; NULL when it never was, or was deleted before its end was. */
json_t *waiting_job(const struct waiting *w, int64_t id);
void waiting_fini(struct waiting *w);

#endif

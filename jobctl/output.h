/* SPDX-License-Identifier: ISC */
/* What a job writes, copied to standard output as it comes. */
#ifndef JOBCTL_OUTPUT_H
#define JOBCTL_OUTPUT_H

#include <stdint.h>

#include "jobctl/stream.h"

struct output {
	int64_t id, attempt; /* attempt 0: the last */
	int64_t offset;	     /* where to go on; -1: nothing was had yet */
	int64_t tail;	     /* so many lines before the end; -1: from the beginning */
	bool follow;
	bool unstarted;	     /* the attempt did not run yet: it can't be asked for by number */
	struct stream stream;
};

enum output_result {
	OUTPUT_NOTHING, /* not yet */
	OUTPUT_DATA,	/* something was copied, or the daemon said that it is there */
	OUTPUT_ENDED,
	OUTPUT_REFUSED, /* answer holds the error: not said */
	OUTPUT_LOST,	/* the daemon stayed away: said */
	OUTPUT_CLOSED,	/* standard output takes no more: not said, errno tells */
};

/* tail: -1 for everything. known: as for stream_init. */
void output_init(struct output *o, struct client *c, int64_t id, int64_t attempt, bool known);
/* Copies the next piece to standard output, unbuffered. answer is filled when REFUSED. */
enum output_result output_next(struct output *o, int timeout_ms, struct answer *answer);
void output_fini(struct output *o);

#endif

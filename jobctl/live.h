/* SPDX-License-Identifier: ISC */
/* A line at the bottom of a terminal that tells how far jobs are. */
#ifndef JOBCTL_LIVE_H
#define JOBCTL_LIVE_H

#include <jansson.h>
#include <stdint.h>

#include "jobctl/screen.h"
#include "lib/buf.h"

/* Appends how far the job is, in at most width columns, without colours. */
void live_line(const struct screen *s, const json_t *job, uint64_t now_us, int width,
    struct buf *out);

/* Appends how it ended: "job 7 completed after 1m05s", "job 8 failed: exit 3 …". */
void live_end(const struct screen *s, const json_t *job, struct buf *out);

#endif

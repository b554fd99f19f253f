/* SPDX-License-Identifier: ISC */
/* What a job says of itself, as the text of one datagram. */
#ifndef JOBCTL_REPORT_H
#define JOBCTL_REPORT_H

#include "jobctl/options.h"
#include "lib/buf.h"

/*
 * Appends the lines for what the options, and text (may be NULL), say. NULL when it is well,
 * else what is wrong: borrowed, for a person. With nothing to say out stays empty.
 */
const char *report_text(const struct options *o, const char *text, struct buf *out);

#endif

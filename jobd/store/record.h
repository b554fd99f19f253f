/* SPDX-License-Identifier: ISC */
/*
 * Rows as bytes: a job, a journal entry. See record.c for what they look like.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include <stddef.h>

#include "jobd/core/job.h"
#include "jobd/core/journal.h"
#include "lib/buf.h"

/* Appends the row; b->failed tells when memory ran out. */
void record_job_encode(struct buf *b, const struct job *j);
void record_entry_encode(struct buf *b, const struct journal_entry *e);

/*
 * Reads a row into *j (or *e), which the call makes empty first. Returns 0;
 * -EBADMSG when this is not such a row; -ENOMEM. On an error nothing is left to free.
 */
int record_job_decode(const void *data, size_t len, struct job *j);
int record_entry_decode(const void *data, size_t len, struct journal_entry *e);

#endif

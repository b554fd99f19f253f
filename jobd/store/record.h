/* SPDX-License-Identifier: ISC */
/*
 * Rows as bytes: a job, a journal entry, a queue, a template. See record.c for what they look like.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include <stddef.h>

#include "jobd/core/job.h"
#include "jobd/core/journal.h"
#include "lib/buf.h"

struct store_queue;
struct template;

/* struct store_queue as it is read: everything is the row's. */
struct queue_row {
	char *name;
	char **rules, **declared;
	unsigned state;
	char *by;
	uint64_t since_us;
};
void queue_row_fini(struct queue_row *q);

/* Appends the row; b->failed tells when memory ran out. */
void record_job_encode(struct buf *b, const struct job *j);
void record_entry_encode(struct buf *b, const struct journal_entry *e);
void record_queue_encode(struct buf *b, const struct store_queue *q);
void record_template_encode(struct buf *b, const struct template *t);

/*
 * Reads a row into *j (or *e, *q, *t), which the call makes empty first. Returns 0;
 * -EBADMSG when this is not such a row; -ENOMEM. On an error nothing is left to free.
 */
int record_job_decode(const void *data, size_t len, struct job *j);
int record_entry_decode(const void *data, size_t len, struct journal_entry *e);
int record_queue_decode(const void *data, size_t len, struct queue_row *q);
int record_template_decode(const void *data, size_t len, struct template *t);

/* The state that a job's row begins with: its first RECORD_JOB_HEAD bytes, or all where there are
 * fewer. 0 where they are not the beginning of such a row. */
#define RECORD_JOB_HEAD 16
enum job_state record_job_state(const void *head, size_t len, uint64_t id);

#endif

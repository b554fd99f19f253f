/* SPDX-License-Identifier: ISC */
/*
 * Rows as bytes: the tables of their fields, which shape.c writes and reads by. A row is a record
 * of lib/tlv.h:
 *
 *	job 300, queued, priority 5, uid 1000, "ann", queue "default", command "true":
 *
 *	01 02 2c 01                       id 300
 *	02 01 01                          state 1 (queued)
 *	04 01 05                          priority
 *	05 02 e8 03                       uid
 *	06 03 61 6e 6e                    user
 *	09 07 64 65 66 61 75 6c 74        queue
 *	0b 04 74 72 75 65                 command, one field an argument
 *
 * A field that holds nothing (0, NULL, no elements; -1 in progress and for a
 * template's umask and maker) is left out. A tag keeps its meaning for ever; new ones are added at the end of a
 * table. What a job's row holds under tags that are not known here is kept and
 * written back, so that a daemon of yesterday does not strip what one of
 * tomorrow wrote.
 *
 * Anything read may be damaged: a value out of range, a string that must be
 * there and is not, or bytes that are no record give -EBADMSG.
 */
#include "config.h"

#include "jobd/store/record.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "jobd/store/shape.h"
#include "jobd/store/store.h"
#include "lib/strv.h"
#include "lib/template.h"
#include "lib/tlv.h"

/* Enumerations are read and written as 32 bits, a pid_t as an int. */
static_assert(sizeof(enum job_state) == sizeof(uint32_t), "job_state");
static_assert(sizeof(enum job_reason) == sizeof(uint32_t), "job_reason");
static_assert(sizeof(pid_t) == sizeof(int32_t), "pid_t");
static_assert(sizeof(unsigned) == sizeof(uint32_t), "unsigned");

#define AT(member) .offset = offsetof(struct job_meta, member)
static const struct field meta_fields[] = {
	{ 1, STR, AT(key), .required = true },
	{ 2, STR, AT(value), .required = true },
};
SHAPE(meta_shape, meta_fields, struct job_meta);
#undef AT

#define AT(member) .offset = offsetof(struct job_count, member)
static const struct field count_fields[] = {
	{ 1, STR, AT(name), .required = true },
	{ 2, U64, AT(value) },
};
SHAPE(count_shape, count_fields, struct job_count);
#undef AT

#define AT(member) .offset = offsetof(struct job_progress, member)
static const struct field progress_fields[] = {
	{ 1, I32, AT(percent), .none = -1 },
	{ 2, I64, AT(done), .none = -1 },
	{ 3, I64, AT(total), .none = -1 },
	{ 4, I64, AT(step), .none = -1 },
	{ 5, I64, AT(steps), .none = -1 },
	{ 6, STR, AT(step_name) },
	{ 7, STR, AT(item) },
	{ 8, STR, AT(text) },
	{ 9, MANY, AT(counts), .count = offsetof(struct job_progress, ncounts),
	  .shape = &count_shape },
};
SHAPE(progress_shape, progress_fields, struct job_progress);
#undef AT

#define AT(member) .offset = offsetof(struct job_attempt, member)
static const struct field attempt_fields[] = {
	{ 1, U32, AT(number) },
	{ 2, U32, AT(state) },
	{ 3, U32, AT(reason) },
	{ 4, U64, AT(nonce) },
	{ 5, I32, AT(keeper_pid) },
	{ 6, I32, AT(pid) },
	{ 7, U64, AT(keeper_start) },
	{ 8, U64, AT(pid_start) },
	{ 9, STR, AT(boot_id) },
	{ 10, STR, AT(cgroup) },
	{ 11, U64, AT(started_at_us) },
	{ 12, U64, AT(ended_at_us) },
	{ 13, U64, AT(paused_total_us) },
	{ 14, I32, AT(status) },
	{ 15, BOOL, AT(has_status) },
	{ 16, STR, AT(error) },
	{ 17, U64, AT(usage.cpu_us) },
	{ 18, U64, AT(usage.max_rss_kb) },
	{ 19, U64, AT(usage.in_blocks) },
	{ 20, U64, AT(usage.out_blocks) },
	{ 21, BOOL, AT(silent) },
	{ 22, U64, AT(ran_us) },
	{ 23, U64, AT(runs_since_us) },
	{ 24, U64, AT(timeout_us) },
};
SHAPE(attempt_shape, attempt_fields, struct job_attempt);
#undef AT

static void *make_progress(void)
{
	return job_progress_new();
}

#define AT(member) .offset = offsetof(struct job, member)
static const struct field job_fields[] = {
	{ 1, U64, AT(id) },
	{ 2, U32, AT(state) },
	{ 3, U32, AT(reason) },
	{ 4, U8, AT(priority) },
	{ 5, U32, AT(uid) },
	{ 6, STR, AT(user), .required = true },
	{ 7, U32, AT(submitter_uid) },
	{ 8, STR, AT(name) },
	{ 9, STR, AT(queue), .required = true },
	{ 10, STR, AT(project) },
	{ 11, STRV, AT(command), .required = true },
	{ 12, STR, AT(cwd) },
	{ 13, I32, AT(umask) },
	{ 14, MANY, AT(meta), .count = offsetof(struct job, nmeta), .shape = &meta_shape },
	{ 15, BOOL, AT(cancel_requested) },
	{ 16, BOOL, AT(pause_requested) },
	{ 17, U32, AT(attempts) },
	{ 18, U64, AT(submitted_at_us) },
	{ 19, U64, AT(eligible_at_us) },
	{ 20, U64, AT(paused_at_us) },
	{ 21, ONE, AT(now), .shape = &attempt_shape },
	{ 22, MANY, AT(history), .count = offsetof(struct job, nhistory), .shape = &attempt_shape },
	{ 23, MAYBE, AT(progress), .shape = &progress_shape, .make = make_progress },
	{ 24, BOOL, AT(stop_paused) },
	{ 25, STRV, AT(rules) },
	{ 26, STR, AT(unique) },
	{ 27, STR, AT(template) },
	{ 28, U64, AT(batch) },
	{ 29, U64, AT(environment) },
	{ 30, U64, AT(not_before_us) },
	{ 31, U64, AT(deadline_us) },
	{ 32, U64, AT(retry_at_us) },
	{ 33, BOOL, AT(queue_paused) },
	{ 34, BOOL, AT(slot_released) },
	{ 35, BOOL, AT(resume_requested) },
	{ 36, BOOL, AT(timed_out) },
	{ 37, BOOL, AT(warned) },
	{ 38, BOOL, AT(has_after) },
	{ 39, BOOL, AT(drop_unmet) },
};
static const struct shape job_shape = { job_fields, sizeof(job_fields) / sizeof(job_fields[0]),
	sizeof(struct job), offsetof(struct job, unknown) };
#undef AT

#define AT(member) .offset = offsetof(struct journal_entry, member)
static const struct field entry_fields[] = {
	{ 1, U64, AT(number) },
	{ 2, U64, AT(at_us) },
	{ 3, U64, AT(job) },
	{ 4, U32, AT(attempt) },
	{ 5, STR, AT(verb) },
	{ 6, U32, AT(from) },
	{ 7, U32, AT(to) },
	{ 8, U32, AT(reason) },
	{ 9, STR, AT(result) },
	{ 10, BOOL, AT(has_actor) },
	{ 11, U32, AT(uid) },
	{ 12, STR, AT(user) },
	{ 13, I32, AT(pid) },
	{ 14, STR, AT(process) },
	{ 15, BOOL, AT(has_status) },
	{ 16, I32, AT(status) },
	{ 17, STR, AT(detail) },
	{ 18, U32, AT(owner) },
};
SHAPE(entry_shape, entry_fields, struct journal_entry);
#undef AT

#define AT(member) .offset = offsetof(struct queue_row, member)
static const struct field queue_fields[] = {
	{ 1, STR, AT(name), .required = true },
	{ 2, STRV, AT(rules) },
	{ 3, U32, AT(state) },
	{ 4, STR, AT(by) },
	{ 5, U64, AT(since_us) },
	{ 6, STRV, AT(declared) },
};
SHAPE(queue_shape, queue_fields, struct queue_row);
#undef AT

#define AT(member) .offset = offsetof(struct template, member)
static const struct field template_fields[] = {
	{ 1, STR, AT(name), .required = true },
	{ 2, STR, AT(description) },
	{ 3, STRV, AT(command), .required = true },
	{ 4, STRV, AT(parameters) },
	{ 5, STR, AT(job_name) },
	{ 6, STR, AT(queue) },
	{ 7, STR, AT(project) },
	{ 8, STR, AT(cwd) },
	{ 9, I32, AT(priority) },
	{ 10, I32, AT(umask), .none = -1 },
	{ 11, STRV, AT(environment) },
	{ 12, STRV, AT(rules) },
	{ 13, STR, AT(by) },
	{ 14, I64, AT(by_uid), .none = -1 },
};
SHAPE(template_shape, template_fields, struct template);
#undef AT

void record_job_encode(struct buf *b, const struct job *j)
{
	shape_put(b, &job_shape, j);
	buf_put(b, j->unknown.data, j->unknown.len);
}

void record_entry_encode(struct buf *b, const struct journal_entry *e)
{
	shape_put(b, &entry_shape, e);
}

int record_job_decode(const void *data, size_t len, struct job *j)
{
	job_init(j);
	int ret = shape_get(data, len, &job_shape, j);
	if (ret == 0 && !job_state_name(j->state))
		ret = -EBADMSG;
	if (ret)
		job_fini(j);
	return ret;
}

enum job_state record_job_state(const void *head, size_t len, uint64_t id)
{
	struct tlv_reader r = { head, len, false };
	struct tlv t;

	if (!tlv_next(&r, &t) || t.tag != 1 || tlv_u64(&t) != id)
		return 0;
	if (!tlv_next(&r, &t) || t.tag != 2)
		return 0;
	uint64_t state = tlv_u64(&t);
	return state < JOB_STATES ? (enum job_state)state : 0;
}

int record_entry_decode(const void *data, size_t len, struct journal_entry *e)
{
	*e = (struct journal_entry){ 0 };
	int ret = shape_get(data, len, &entry_shape, e);
	if (ret)
		journal_entry_fini(e);
	return ret;
}

void record_queue_encode(struct buf *b, const struct store_queue *q)
{
	struct queue_row row = { .state = q->state, .since_us = q->since_us };

	/* Borrowed, and only read. */
	memcpy(&row.name, &q->name, sizeof(row.name));
	memcpy(&row.rules, &q->rules, sizeof(row.rules));
	memcpy(&row.declared, &q->declared, sizeof(row.declared));
	memcpy(&row.by, &q->by, sizeof(row.by));
	shape_put(b, &queue_shape, &row);
}

int record_queue_decode(const void *data, size_t len, struct queue_row *q)
{
	*q = (struct queue_row){ 0 };
	int ret = shape_get(data, len, &queue_shape, q);
	if (ret)
		queue_row_fini(q);
	return ret;
}

void queue_row_fini(struct queue_row *q)
{
	free(q->name);
	strv_free(q->rules);
	strv_free(q->declared);
	free(q->by);
	*q = (struct queue_row){ 0 };
}

void record_template_encode(struct buf *b, const struct template *t)
{
	shape_put(b, &template_shape, t);
}

int record_template_decode(const void *data, size_t len, struct template *t)
{
	template_init(t);
	int ret = shape_get(data, len, &template_shape, t);
	if (ret)
		template_fini(t);
	return ret;
}

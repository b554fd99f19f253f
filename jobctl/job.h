/* SPDX-License-Identifier: ISC */
/*
 * Reading a job (or any object) as the protocol gives it, and what a person
 * is told about it. Everything may be missing: of another's job little is
 * shown, and an older daemon knows fewer fields.
 */
#ifndef JOBCTL_JOB_H
#define JOBCTL_JOB_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "jobctl/screen.h"

/* A field, or the fallback (NULL) where it is missing or of another type. Borrowed. */
const char *job_text(const json_t *object, const char *key);
const char *job_text_or(const json_t *object, const char *key, const char *fallback);
int64_t job_int(const json_t *object, const char *key, int64_t fallback);
bool job_flag(const json_t *object, const char *key);

/* What jobctl knows of a state. */
struct job_state_info {
	const char *name;
	bool ended;
	enum colour colour;
	const char *next; /* the verbs that can follow; log comes first, where it does */
};
/* NULL for a name that is none. */
const struct job_state_info *job_state_info(const char *name);
/* The states by number, for loops; NULL after the last. */
const struct job_state_info *job_state_at(size_t i);

bool job_ended(const json_t *job);
/* Whether all of it is shown: it is the caller's, or the caller is an administrator. */
bool job_shown(const json_t *job);
enum colour job_colour(const json_t *job);

/* The verbs that can follow: of one that never started there is no log. NULL: none. */
const char *job_next(const json_t *job);

/* Its name, else its command line; text from outside. */
void job_title(const json_t *job, struct buf *out);
/* Its command line, quoted. Nothing where it is not shown. */
void job_command(const json_t *job, struct buf *out);

/* "exit 3", "signal KILL", "timeout", "cancelling": why it is as it is. May append nothing. */
void job_reason(const json_t *job, struct buf *out);

/* For how long it has run, pauses left out; -1: it has not. */
int64_t job_elapsed_us(const json_t *job, uint64_t now_us);

/* How far it says it is: 0 to 100, or -1. */
int job_percent(const json_t *job);

/* How long it will probably run on, or -1: not a guess before there is something to go by. */
int64_t job_left_us(const json_t *job, uint64_t now_us);

/* "added 3, updated 1". May append nothing. */
void job_counts(const json_t *job, struct buf *out);

/*
 * What run and wait exit with for an ended job: its code, 128 + signal, or a code of
 * jobctl's where the command did not decide it; then why gets the reason. Of another's job the
 * code is not shown: CODE_OWN where it is not plain all the same.
 */
int job_exit_code(const json_t *job, struct buf *why);

#endif

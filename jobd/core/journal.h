/* SPDX-License-Identifier: ISC */
/* A journal entry as plain data: shared by core, store and api. */
#ifndef CORE_JOURNAL_H
#define CORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "jobd/core/job.h"

/*
 * One change of state or one control action, refused ones too. Strings are NULL where they do
 * not apply. They are borrowed, but for those of an entry that was read from the store.
 */
struct journal_entry {
	uint64_t number; /* given by the store */
	uint64_t at_us;
	uint64_t job; /* 0: none */
	uint32_t attempt;
	const char *verb;	 /* what was asked, or what happened */
	enum job_state from, to; /* 0: does not apply */
	enum job_reason reason;
	const char *result; /* "ok", or the error's name */
	bool has_actor; /* a person did it; false: jobd by itself */
	uint32_t uid;
	const char *user;
	pid_t pid;
	const char *process; /* the caller's program, as the kernel names it */
	bool has_status;
	int status; /* wait status */
	const char *detail;
	uint32_t owner; /* uid of the job's owner: who may read the entry */
};

/* Frees the strings of an entry that owns them, and empties it. */
void journal_entry_fini(struct journal_entry *e);

/* As job_filter. Everything is borrowed; all zero matches every entry. */
struct journal_filter {
	const uint64_t *jobs; /* as job_filter.ids */
	size_t njobs;
	const char *const *users, *const *verbs; /* NULL-terminated, or NULL */
	uint64_t since_us, until_us;
	bool control;  /* only what people did */
	bool limit_uid; /* only entries whose owner or actor is uid */
	uint32_t uid;
};

/* Whether the filter means this entry. */
bool journal_filter_match(const struct journal_filter *f, const struct journal_entry *e);

#endif

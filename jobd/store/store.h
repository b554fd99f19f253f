/* SPDX-License-Identifier: ISC */
/*
 * The store: everything jobd must not forget, in one transactional Berkeley DB
 * environment. The only header core and main see; <db.h> stays inside the room.
 *
 * One transaction a turn. The first put of a turn opens it, puts fail
 * silently once one has failed (the error is sticky), and store_commit ends it.
 * Reads see the turn's own puts, and join the turn: one that only read is ended by store_commit
 * too, which then writes nothing. A turn holds a lock for each page that it changed, of 50,000:
 * ten thousand submissions fit. When store_commit fails nothing of the turn
 * may be answered and the process must leave: the outcome is unknown.
 *
 * Live jobs (not ended) and ended ones are in different tables; a job moves
 * from one to the other with the put that ends it.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jobd/core/job.h"
#include "jobd/core/journal.h"

struct store;

struct store_options {
	const char *dir; /* the state directory; it exists, mode 0700, ours */
	/* Take a store that is older than the high-water mark: a restored backup. */
	bool accept_older;
	/* Of the file kept to be given up when the disk is full; 0: none. */
	uint64_t ballast_bytes;
	/* Free space that the ballast must leave alone: below it no new work is taken. */
	uint64_t low_disk_bytes;
	/* A former self's store_lock_fd, which came over an exec; 0: none. Taken over, if it fits. */
	int lock_fd;
};

/*
 * Whether this jobd could read a store below dir, as far as can be told from outside: 0, also where there is none
 * or it can't be looked at; -EPROTO and *why (the caller's) where a newer jobd has been. Changes nothing.
 */
int store_check(const char *dir, char **why);

/*
 * Opens or makes the store below dir, with recovery. Takes the lock of the
 * state directory (flock on dir/lock, held until close). Returns 0, or -errno
 * with a message for a person in *why (the caller's to free): -EWOULDBLOCK
 * another jobd has it, -EPROTO a newer schema (untouched), -EBADMSG damage, -ESTALE older than the
 * high-water mark, -EPERM DB_CONFIG exists or the directory is not ours or not 0700.
 */
int store_open(const struct store_options *o, struct store **out, char **why);

/* Checkpoints and closes. An open turn is dropped. store_close(NULL) is safe. */
void store_close(struct store *s);

/*
 * The descriptor that holds the lock. Over an exec it goes on holding it, so that nobody else can come
 * between. Borrowed.
 */
int store_lock_fd(const struct store *s);

/* The random name of this store, made with it: 16 hexadecimal digits. Borrowed. */
const char *store_instance(const struct store *s);

/* With accept_older: how many journal entries the high-water mark knew of and the store has not. */
uint64_t store_missing(const struct store *s);

/* Reads every live job, in the order of ids. fn takes over what *j holds (it is a
 * job_init'ed copy), and returns false to stop. A row that can't be read is set
 * aside in the table "aside", logged, and passed over. Returns 0 or -errno. */
typedef bool store_job_fn(void *ctx, struct job *j);
int store_load(struct store *s, store_job_fn *fn, void *ctx);

/* The next job id; never given twice, also not after a crash or a delete. */
uint64_t store_next_id(struct store *s);

/* Writes the job's row, in the table its state says, and its index entries. */
void store_job_put(struct store *s, const struct job *j);

/* Reads an ended (or live) job's row. 0, -ENOENT, or -errno. *j is job_init'ed by the call. */
int store_job_get(struct store *s, uint64_t id, struct job *j);

/* Removes an ended job's row, environment and index entries. */
void store_job_delete(struct store *s, const struct job *j);

/* The job's environment, NAME=value, NULL-terminated. */
void store_environment_put(struct store *s, uint64_t id, char *const *env);
/* *env is the caller's (strv_free); NULL-terminated, never NULL on 0. 0, -ENOENT, -errno. */
int store_environment_get(struct store *s, uint64_t id, char ***env);

/* Which job a user's token made: its id, or 0. put records it; kept 7 days. */
uint64_t store_token_get(struct store *s, uint32_t uid, const char *token);
void store_token_put(struct store *s, uint32_t uid, const char *token, uint64_t id,
    uint64_t now_us);

/* Appends an entry (its number is ignored) and returns the number it got. */
uint64_t store_journal_put(struct store *s, const struct journal_entry *e);
/* The number of the last entry. */
uint64_t store_journal_last(const struct store *s);

/*
 * One page of ended jobs, the highest id first, beginning below *before
 * (UINT64_MAX: from the newest). fn gets a borrowed job and returns false to
 * stop after it. At most budget rows or index entries are looked at. On return
 * *before is where to go on; returns 1 when there may be more, 0 at the end,
 * -errno. May be called inside a turn.
 */
typedef bool store_page_fn(void *ctx, const struct job *j);
int store_ended_page(struct store *s, const struct job_filter *f, uint64_t *before, size_t budget,
    store_page_fn *fn, void *ctx);

/* One page of the journal, in the same manner. */
typedef bool store_entry_fn(void *ctx, const struct journal_entry *e);
int store_journal_page(struct store *s, const struct journal_filter *f, uint64_t *before,
    size_t budget, store_entry_fn *fn, void *ctx);

/* How many ended jobs there are, by state (kept in the store's counters). */
void store_ended_counts(struct store *s, uint64_t counts[JOB_STATES]);

/*
 * Commits the turn and syncs it; 0 when there is nothing to commit. On -errno
 * the outcome is unknown: answer nothing, leave, recover. -ENOSPC (a quota, too) and -EIO tell
 * which; everything else is Berkeley DB's own panic.
 */
int store_commit(struct store *s);
/* Whether this turn has put something. */
bool store_is_dirty(const struct store *s);

/* Housekeeping, between turns: checkpoints when due, tokens past their days, and the ballast
 * again when there is room for it (looked at once a minute). */
void store_tick(struct store *s, uint64_t now_us);

/* Gives up the ballast, for recovery on a full disk; makes it again when there is room. */
void store_ballast(struct store *s, bool keep);

#endif

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
struct template;

struct store_options {
	const char *dir; /* the state directory; it exists, mode 0700, ours */
	/* Take a store that is older than the high-water mark: a restored backup. */
	bool accept_older;
	/* Of the file kept to be given up when the disk is full; 0: none. */
	uint64_t ballast_bytes;
	/* Free space that the ballast must leave alone: below it no new work is taken. */
	uint64_t low_disk_bytes;
	/* A former self's store_lock_fd, which came over an exec; 0: none. Taken over, if it
	 * fits. */
	int lock_fd;
};

/*
 * Whether this jobd could read a store below dir, as far as can be told from outside: 0, also
 * where there is none or it can't be looked at; and *why (the caller's) with -EPROTO where a newer
 * jobd has been, with -EPERM as store_open has it. Changes nothing.
 */
int store_check(const char *dir, char **why);

/*
 * Opens or makes the store below dir, with recovery; an older jobd's is taken over, and no
 * older one opens it afterwards. Takes the lock of the
 * state directory (flock on dir/lock, held until close). Returns 0, or -errno
 * with a message for a person in *why (the caller's to free): -EWOULDBLOCK
 * another jobd has it, -EPROTO a newer schema (untouched), -EBADMSG damage, -ESTALE older than the
 * high-water mark, -EPERM DB_CONFIG exists or the directory is not ours or not 0700.
 */
int store_open(const struct store_options *o, struct store **out, char **why);

/* Checkpoints and closes. An open turn is dropped. store_close(NULL) is safe. */
void store_close(struct store *s);

/*
 * The descriptor that holds the lock. Over an exec it goes on holding it, so that nobody else can
 * come between. Borrowed.
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

/*
 * How a job has ended: its state, or 0 where there is no such job, or it has not, or that can't be
 * read (an error sticks). Inside a turn. Reads the beginning of the row and no more: it costs the
 * same however large the job is, and does not see damage further on.
 */
enum job_state store_job_outcome(struct store *s, uint64_t id);

/* Removes an ended job's row and index entries, its share of its environment, and that it waited
 * for others; not that others wait, or waited, for it. */
void store_job_delete(struct store *s, const struct job *j);

/* Removes a live job's row, its share of its environment, and that it waits for others, as if it
 * had never been. */
void store_job_drop(struct store *s, const struct job *j);

/*
 * An environment, NAME=value, NULL-terminated, under a number: that of the (first) job that has
 * it. It is kept until it was dropped as often as it was put and shared; of one that is not there,
 * sharing and dropping do nothing. A put under a number that is in use replaces what all have who
 * share it: a job that is to have one of its own then takes a number from store_next_id.
 */
void store_environment_put(struct store *s, uint64_t number, char *const *env);
void store_environment_share(struct store *s, uint64_t number, uint64_t more);
void store_environment_drop(struct store *s, uint64_t number);
/* *env is the caller's (strv_free); NULL-terminated, never NULL on 0. 0, -ENOENT, -errno. */
int store_environment_get(struct store *s, uint64_t number, char ***env);
/* The number that a job's is kept under. */
uint64_t store_environment_of(const struct job *j);

/* That job waits for a->id: put, changed (its outcome), or deleted. Both directions. */
void store_after_put(struct store *s, uint64_t job, const struct job_after *a);
void store_after_delete(struct store *s, uint64_t job, uint64_t other);
/* What job waits for, or has waited for, in the order of ids, from the id from on. fn returns false
 * to stop; it may put and delete. 0 or -errno. */
typedef bool store_after_fn(void *ctx, const struct job_after *a);
int store_after_each(struct store *s, uint64_t job, uint64_t from, store_after_fn *fn, void *ctx);
/* Who waits for job, or did: the same, with id the one that waits. */
int store_before_each(struct store *s, uint64_t job, uint64_t from, store_after_fn *fn, void *ctx);

/* What was set of a queue at run time, and what was declared of it. Strings are borrowed for the
 * call. */
struct store_queue {
	const char *name;
	char *const *rules; /* NAME=value, or NULL */
	unsigned state;	    /* core's enum queue_state */
	const char *by;	    /* whose doing that is, or NULL */
	uint64_t since_us;
	char *const *declared; /* as rules: what the configuration had last */
};
void store_queue_put(struct store *s, const struct store_queue *q);
void store_queue_delete(struct store *s, const char *name);
typedef bool store_queue_fn(void *ctx, const struct store_queue *q);
/* In the order of names, and so the templates. fn gets what is borrowed, and returns false to stop.
 * A row that can't be read is set aside, as by store_load. 0 or -errno. */
int store_queues_load(struct store *s, store_queue_fn *fn, void *ctx);

/* Templates made at run time. */
void store_template_put(struct store *s, const struct template *t);
void store_template_delete(struct store *s, const char *name);
typedef bool store_template_fn(void *ctx, const struct template *t);
int store_templates_load(struct store *s, store_template_fn *fn, void *ctx);

/* Notes that a batch, by its number, is not sealed: which jobs are of it stands in their rows. */
void store_batch_open(struct store *s, uint64_t batch);
/* Takes that back: it is sealed, or its jobs were dropped. One that was not noted is no error. */
void store_batch_seal(struct store *s, uint64_t batch);
/* Those that were noted, in the order of their numbers; fn returns false to stop. A row that can't be
 * read is passed over. 0 or -errno. */
typedef bool store_batch_fn(void *ctx, uint64_t batch);
int store_batches_load(struct store *s, store_batch_fn *fn, void *ctx);

/* Logs that are to be removed, told by job and attempt: dooming one that is doomed, and forgetting
 * one that is not, do nothing. */
void store_log_doom(struct store *s, uint64_t id, uint32_t attempt);
void store_log_forget(struct store *s, uint64_t id, uint32_t attempt);
typedef bool store_log_fn(void *ctx, uint64_t id, uint32_t attempt);
int store_logs_load(struct store *s, store_log_fn *fn, void *ctx);

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
 * stop after it. At most budget rows or index entries are looked at; a large row
 * counts for several (job_work). On return *before is where to go on; returns 1 when
 * there may be more, 0 at the end, -errno. May be called inside a turn.
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

#endif

/* SPDX-License-Identifier: ISC */
/*
 * What the files of this room share. Every function here wants the store's
 * thread; those that put open the turn's transaction, and do nothing once an
 * error sticks to it.
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <db.h>

#include "jobd/store/store.h"
#include "lib/buf.h"

/* Of the rows and keys; raised when an older jobd would misread them: 2, since one of 1 would start
 * jobs that wait for others. */
#define STORE_SCHEMA 2
#define STORE_FILE   "jobd.db" /* in the home: all tables, see env.c */

/* What a person can do about a store that is not whole. */
#define STORE_PUT_BACK                                                                             \
	"put back the newest copy there is, and start once with --accept-older-store "             \
	"(see RECOVERY in jobd(8))"

/* Numbers in keys are big-endian, so that the order of keys is theirs. */
enum table {
	TABLE_META,	    /* name → see meta.c */
	TABLE_LIVE,	    /* id → job */
	TABLE_ENDED,	    /* id → job */
	TABLE_INDEX,	    /* kind, value, 0, ~id → nothing; of the ended jobs */
	TABLE_JOURNAL,	    /* number → entry */
	TABLE_JOURNAL_JOB,  /* job, ~number → nothing */
	TABLE_ENVIRONMENTS, /* number → strings */
	TABLE_ENVIRONMENT_USES, /* number → how many jobs have it, where that is not one */
	TABLE_TOKENS,	    /* uid, token → id, time */
	TABLE_TOKEN_AGES,   /* time, uid, token → nothing */
	TABLE_DAYS,	    /* kind, day → first and last number of that day */
	TABLE_ASIDE,	    /* table, key → a row that could not be read */
	TABLE_QUEUES,	    /* name → what was set of it */
	TABLE_TEMPLATES,    /* name → template */
	TABLE_AFTER,	    /* job, other → on, outcome */
	TABLE_BEFORE,	    /* other, job → nothing */
	TABLE_BATCHES,	    /* batch → nothing; not sealed */
	TABLE_LOGS,	    /* job, attempt → nothing; its log is to be removed */
	TABLES,
};

/* What numbers a day (UTC) saw: jobs by submission, journal entries. */
enum day_kind { DAY_JOBS = 1, DAY_ENTRIES = 2, DAY_KINDS };

struct day {
	uint32_t day; /* days since the epoch */
	uint64_t first, last;
	bool known, dirty;
};

/* The high-water mark outside the store. */
struct mark {
	uint64_t journal; /* number of the last entry */
	uint64_t next_id;
};

struct store {
	char *dir;  /* the state directory, absolute */
	char *home; /* Berkeley DB's, below it */
	int dir_fd, lock_fd, mark_fd;
	uint64_t ballast_bytes, low_disk_bytes; /* see struct store_options */
	uint64_t ballast_at_us; /* monotonic; not to be looked at before */
	bool ballast_warned;	/* that there is none was logged */

	DB_ENV *env;
	DB *db[TABLES];
	DB_TXN *txn;	     /* the turn's, or NULL */
	int err;	     /* sticks; nothing more is written */
	bool dirty;	     /* the turn has put something */
	bool no_room;	     /* Berkeley DB said so, and nothing was written out since */
	char said[256];	     /* what Berkeley DB said first of an error */
	uint64_t said_us;    /* monotonic; the second in which it */
	unsigned said_count; /* said so many lines */
	struct buf row, key; /* reused for every row that is written */

	bool old_schema; /* an older jobd's, and not marked as ours yet */
	char instance[17];
	uint64_t next_id;
	uint64_t counts[JOB_STATES]; /* ended jobs */
	bool meta_dirty;
	uint64_t newest_job; /* no higher id was ever put */
	uint64_t journal_last;
	uint64_t missing; /* see store_missing */
	struct day days[DAY_KINDS];

	unsigned mark_slot; /* the one to write next */
	bool mark_dirty;    /* written and not synced */
	bool mark_warned;   /* a failure was logged */
	uint64_t dirty_since_us; /* monotonic; first commit that is not written out; 0: none */
	uint64_t not_before_us;	 /* monotonic; a checkpoint failed: not again before */
};

/* Numbers as they stand in keys. */
static inline void put_be64(uint8_t *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put_be32(uint8_t *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof(v));
}

static inline uint64_t get_be64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

static inline uint32_t get_be32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

/* files.c: what lies beside Berkeley DB's home. All return 0 or -errno, with *why set. */
int files_open(struct store *s, const char *dir, char **why);
/* inherited: see store_options.lock_fd. */
int files_lock(struct store *s, int inherited, char **why);
struct files_found {
	bool schema, home; /* the file, the directory */
	bool fresh;	   /* there is no store */
	bool old_schema;   /* an older jobd's */
};
/* Refuses a newer schema, and a home that is not safe to open. Changes nothing. */
int files_check(struct store *s, struct files_found *found, char **why);
/* Makes what was not found. */
int files_make(struct store *s, const struct files_found *found, char **why);
/* Writes the number of this jobd's schema, whole or not at all. */
int files_write_schema(struct store *s, char **why);
/* Gives up the ballast; or makes it, where there is twice the room for it above low water. */
void files_ballast(struct store *s, bool keep);
void files_close(struct store *s);

/* mark.c: the high-water mark. Reads it; all zero when there is none, or when it is damaged and
 * that is accepted. */
int mark_open(struct store *s, struct mark *m, bool accept_damage, char **why);
/* Writes what the store holds now; a failure is logged, and no more than that. */
void mark_write(struct store *s);
/* As mark_write, over all that is there: for a mark that has to go down. Synced. */
int mark_reset(struct store *s);
void mark_sync(struct store *s);

/* env.c: Berkeley DB's environment and the handles of the tables. */
int env_open(struct store *s, char **why);
void env_close(struct store *s);
/* Writes out what is dirty, if at least kbytes of log came since the last time. 0 or -errno. */
int env_checkpoint(struct store *s, uint32_t kbytes);
/* What a Berkeley DB return value is as -errno; -ENOSPC for all that a full disk can lead to. */
int env_error(const struct store *s, int ret);

/* store.c: a checkpoint, if much was logged since the last: a burst does not leave all its pages to a tick. */
void store_bound_log(struct store *s);

/* turn.c: the turn's transaction, and the tables through it. */
/* Makes ret (Berkeley DB's, or an errno) stick, and logs it. */
void turn_fail(struct store *s, int ret, const char *what);
void table_put(struct store *s, enum table t, const void *key, size_t klen, const void *data,
    size_t len);
/* Puts a row unless there is one under the key; then false. */
bool table_add(struct store *s, enum table t, const void *key, size_t klen, const void *data,
    size_t len);
/* Whether it was there. */
bool table_delete(struct store *s, enum table t, const void *key, size_t klen);
/* out is borrowed until the table is used again. 0, -ENOENT, -errno. */
int table_get(struct store *s, enum table t, const void *key, size_t klen, DBT *out);
/* The same of the row's first bytes alone: a large one is not gathered from its pages. */
int table_get_head(struct store *s, enum table t, const void *key, size_t klen, size_t most,
    DBT *out);
bool table_has(struct store *s, enum table t, const void *key, size_t klen);
int table_cursor(struct store *s, enum table t, DBC **out);
/* Moves a cursor. 0, -ENOENT, -errno (which sticks). */
int table_move(struct store *s, DBC *c, DBT *key, DBT *data, uint32_t how);
/*
 * Hands rows over in the order of their keys: from the one given, or the first there is, as long
 * as their first common bytes are its. fn returns 0 to go on, 1 to stop, -errno; it may put and
 * delete, also the row that it was given. What it gets is borrowed. 0 or -errno.
 */
typedef int table_fn(struct store *s, const DBT *k, const DBT *d, void *ctx);
int table_walk(struct store *s, enum table t, const uint8_t *from, size_t len, size_t common,
    table_fn *fn, void *ctx);
/* Whether a key is this name. */
bool key_is(const DBT *k, const char *name);
/* The last key of a table whose keys are numbers. 0, -ENOENT, -errno. */
int table_last(struct store *s, enum table t, uint64_t *n);
/* Moves a row that can't be read to where it is kept for a person to look at. */
void table_set_aside(struct store *s, enum table t, uint64_t id, const void *data, size_t len);
/* The same of a row under a name; what: the word for what that is a name of. */
void table_set_name_aside(struct store *s, enum table t, const char *what, const DBT *k,
    const DBT *d);

/* meta.c: next id and counters; schema and instance. */
int meta_load(struct store *s, char **why);
/* Puts the number of this jobd's schema. */
void meta_write_schema(struct store *s);
void meta_flush(struct store *s);

/* days.c */
void day_note(struct store *s, enum day_kind kind, uint64_t at_us, uint64_t number);
void days_flush(struct store *s);
/* A run of numbers, both ends included. */
struct span {
	uint64_t first, last;
};
/* The numbers that may lie in since <= t < until (0: no bound), the highest first; the caller's. */
int days_spans(struct store *s, enum day_kind kind, uint64_t since_us, uint64_t until_us,
    struct span **out, size_t *n);

/* index.c: the secondary keys of ended jobs. */
enum index_kind {
	INDEX_STATE = 's',
	INDEX_QUEUE = 'q',
	INDEX_PROJECT = 'p',
	INDEX_USER = 'u',
	INDEX_ENDED_AT = 'e',
};
#define INDEX_VALUE_MAX 128 /* longer ones are cut: rows are looked at anyway */
#define INDEX_KEY_MAX	(1 + INDEX_VALUE_MAX + 1 + 8)
/* All of a key but the number. Returns its length. */
size_t index_prefix(uint8_t *key, enum index_kind kind, const char *value);
size_t index_state_prefix(uint8_t *key, enum job_state state);
void index_put(struct store *s, const struct job *j);
void index_delete(struct store *s, const struct job *j);
/* For an ended job whose row can't be read: its state as the index has it, or 0. */
enum job_state index_forget_state(struct store *s, uint64_t id);

/* jobs.c: reads an ended job, or sets its row aside. 0, -ENOENT (then too), -errno. */
int job_read_ended(struct store *s, uint64_t id, struct job *j);

/* after.c: all that a job waits for, or has waited for. */
void after_forget(struct store *s, uint64_t job);

/* tokens.c: drops some that are too old. */
void tokens_expire(struct store *s, uint64_t now_us);

#endif

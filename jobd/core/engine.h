/* SPDX-License-Identifier: ISC */
/*
 * The engine: decides what runs, and is asked and told everything. It names no
 * connection, no JSON value, no database handle and no event loop.
 *
 * Everything it decides in one turn of the loop is one transaction:
 * engine_turn starts what may start, puts what changed and commits. Only after
 * that may proc and server send what they have staged.
 *
 * From the end of one engine_turn to the end of the next is one turn. What changes something is
 * called inside a turn, after engine_load, and is true when that turn is committed; what only
 * looks sees what the turn has changed so far. Where it is otherwise, it is said. Strings and
 * structures that are handed in are borrowed for the call.
 */
#ifndef CORE_ENGINE_H
#define CORE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "jobd/core/job.h"
#include "jobd/core/journal.h"
#include "jobd/core/state.h"
#include "lib/on-stop.h"

struct engine;
struct job_view;
struct proc;
struct proc_events;
struct store;

/* What the configuration says of it. Copied. */
struct engine_settings {
	unsigned max_running;	 /* jobs running (or paused) at once */
	unsigned user_max_running; /* of one user; 0: no limit */
	uint64_t kill_grace_ms;	 /* between SIGTERM and SIGKILL */
	uint64_t ageing_us;	 /* a step of priority is worth this long a wait; 0: priority alone */
	uint64_t low_disk_bytes; /* no new work with less than this free */
	enum on_stop on_stop;	 /* 0: as if it were keep */
	unsigned user_queued_jobs; /* of one user, as engine_waiting has it; 0: no limit */
	uint64_t user_job_bytes;   /* of one user's jobs that have not ended; 0: no limit */
	uint64_t environment_bytes; /* of one job, as far as edits add to it; 0: any size */
	uint64_t command_bytes;	   /* of the texts of one job, likewise (job_bytes) */
	uint32_t exempt_uid;	   /* whom, besides root, that does not bind */
};

struct engine_options {
	struct store *store;
	struct engine_settings settings;
	const char *state_dir; /* whose free space is watched; borrowed for the engine's life */
	const char *boot_id;   /* borrowed likewise */
	uint64_t (*real_us)(void);
	uint64_t (*mono_us)(void);
	uint64_t (*free_bytes)(const char *dir);
};

/* Who asks, as the kernel says. Borrowed for the call. */
struct actor {
	uint32_t uid;
	const char *user;
	pid_t pid;
	const char *process;
};

/* What came of what was asked. Each function names those that it has. */
enum engine_result {
	ENGINE_OK,	    /* done */
	ENGINE_ALREADY,	    /* it was so before */
	ENGINE_PENDING,	    /* done is called later, once */
	ENGINE_NOT_FOUND,
	ENGINE_WRONG_STATE, /* see state and hint of the result */
	ENGINE_UNSTOPPABLE, /* see culprit */
	ENGINE_OVER_BATCHES, /* the user has ENGINE_USER_BATCHES that are not sealed */
	ENGINE_OVER_ENVIRONMENT, /* it would be larger than settings.environment_bytes */
	ENGINE_OVER_COMMAND, /* its texts would have more than settings.command_bytes */
	ENGINE_OVER_QUOTA,  /* see engine_waiting and user_queued_jobs */
	ENGINE_OVER_BYTES,  /* see engine_job_bytes and user_job_bytes */
	ENGINE_OVER_LINKS,  /* what the user's jobs wait for would be too much: see engine_links_most */
	ENGINE_LOW_DISK,    /* see free_bytes and low_disk_bytes of engine_health */
	ENGINE_EXISTS,	    /* the user has a live job of this unique key: its id is told */
	ENGINE_NO_QUEUE,    /* there is no such queue, or it is not declared any more */
	ENGINE_NO_JOB,	    /* one that is to be waited for is not there: its id is told */
	ENGINE_CYCLE,	    /* it would wait for itself, by way of the job whose id is told */
	ENGINE_FAILED,	    /* the store can't be read, no memory, or a keeper is silent */
};

/* engine.c */

/* Makes an engine, without jobs, before the first turn. The store stays the caller's. NULL: no
 * memory. */
struct engine *engine_new(const struct engine_options *o);
/* Frees it, after the last turn; commits nothing, and calls nobody who waits. NULL is fine. */
void engine_free(struct engine *e);

/* New settings, in force at once: limits that have become smaller take starts back that are being
 * prepared, and end nothing that runs. */
void engine_configure(struct engine *e, const struct engine_settings *s);

/*
 * Ends a turn: starts what may start, commits. On 0 what was staged may be
 * sent. On -errno nothing may, and the process must leave (see store_commit).
 */
int engine_turn(struct engine *e);

/* About once a second: progress to disk, free space, back-offs, a clock that was set. */
void engine_tick(struct engine *e);

/* What happens to a watched job. */
enum job_change {
	CHANGE_STATE,
	CHANGE_PROGRESS,
	CHANGE_ENDED,	/* the watch is taken off before the call */
};

/* Embedded by whoever watches; changed may take any watch off, its own too, and that one is told
 * nothing more. */
struct job_watch {
	void (*changed)(struct job_watch *w, const struct job_view *v, enum job_change c);
	struct job_watch *next, **link; /* the engine's */
};

/* Watches a live job: w is borrowed until it is taken off. False, and nothing done, when there is
 * no live job of this id. */
bool engine_watch(struct engine *e, uint64_t id, struct job_watch *w);
/* Takes a watch off; nothing where it is not on, or never was (link is NULL). */
void engine_unwatch(struct job_watch *w);

/* How many jobs of a user wait: queued, held, or paused (or to be) without a slot. */
size_t engine_waiting(const struct engine *e, uint32_t uid);
/* How many bytes (job_bytes) the jobs of a user have that have not ended, in batches
 * too. */
size_t engine_job_bytes(const struct engine *e, uint32_t uid);
/* How many others the jobs of a user may wait for in all, each counted for each of them; 0: any
 * number. */
size_t engine_links_most(const struct engine *e);

/* load.c */

/*
 * Reads the live jobs from the store and has proc take up those that ran. Call once,
 * before the first turn. p is borrowed for the engine's life. 0, or -errno.
 */
int engine_load(struct engine *e, struct proc *p);

/* attempt.c */

/* The callbacks to give to proc_open, with the engine as their context. Constant. */
const struct proc_events *engine_proc_events(void);

/* choose.c */

/* Whether the next turn has something to do without any new event (more to start). */
bool engine_wants_turn(const struct engine *e);
/* When the engine has to have a turn though nothing happens: microseconds from now; UINT64_MAX:
 * never. */
uint64_t engine_next_turn_us(const struct engine *e);

/* submit.c */

/* A new job. Borrowed, but for the draft. */
struct submission {
	/* Everything a person chooses; taken over (left as job_init makes it). id, state and
	 * times are set here. Without a queue it is the default one, without a priority that
	 * queue's. */
	struct job *draft;
	char *const *env; /* NAME=value, or NULL */
	uint64_t env_of;  /* instead: a job of the same turn whose environment it shares; 0: none */
	struct job_after *after; /* outcomes are set, as far as they are known */
	size_t nafter;
	/* Or NULL. One that this user has used before makes nothing, and tells the job it made then. */
	const char *token;
	bool hold;
	bool return_existing; /* with draft->unique: EXISTS is no failure, and not journalled as one */
};

/*
 * Submits a job. *id is its id, or the one that the result tells of. OK, ALREADY (the token's),
 * EXISTS, NO_QUEUE, NO_JOB, OVER_LINKS, OVER_QUOTA, OVER_BYTES, LOW_DISK or FAILED. Whether who may
 * submit to that queue was asked before.
 */
enum engine_result engine_submit(
    struct engine *e, const struct actor *who, struct submission *s, uint64_t *id);

/* batch.c */

/*
 * A batch: jobs that are submitted together or not at all, in as many turns as it takes. Its
 * number is that of its first job. Until it is sealed its jobs are not there for anybody. Only
 * its maker may add, seal and drop: for others it is NOT_FOUND. One that is not sealed is dropped
 * by a start, and after a minute without an addition.
 */

/* As engine_submit, into a batch; *batch 0 begins one, and is its number then. The submission's
 * token is the one that the batch is to be sealed with. On failure the batch is as it was. Besides:
 * NOT_FOUND, OVER_BATCHES. */
enum engine_result engine_batch_add(struct engine *e, const struct actor *who, uint64_t *batch,
    struct submission *s, uint64_t *id);
/* Batches of one user that may be open at once; root's are any number. */
#define ENGINE_USER_BATCHES 16
/* Drops a batch of this user's that was begun with this token and not sealed, if there is one: it
 * is begun anew. */
void engine_batch_forget(struct engine *e, const struct actor *who, const char *token);
/* What was made with this token: the batch that was sealed, or the job; 0: nothing. */
uint64_t engine_batch_sealed(struct engine *e, const struct actor *who, const char *token);
/* From now on they are jobs like all others; token may be NULL. OK, NOT_FOUND or FAILED. */
enum engine_result engine_batch_seal(
    struct engine *e, const struct actor *who, uint64_t batch, const char *token);
/* As if it had not been; its rows go a slice a turn. OK or NOT_FOUND. */
enum engine_result engine_batch_drop(struct engine *e, const struct actor *who, uint64_t batch);

/* control.c */

/* What is asked of a job. */
struct control {
	enum job_event event; /* EVENT_HOLD to EVENT_PRIORITY */
	int priority;	      /* EVENT_PRIORITY: 1 to 10 */
	int signal;	      /* EVENT_SIGNAL */
	bool all;	      /* EVENT_SIGNAL: to every process */
	bool now;	      /* EVENT_CANCEL: without grace */
	bool release_slot;    /* EVENT_PAUSE: it holds none while it is paused */
	bool force;	      /* EVENT_RESUME: whatever the limits say */
	uint32_t attempt;     /* EVENT_RETRY: only of this attempt; 0: of any */
	/* EVENT_PAUSE: called once if the result is PENDING. */
	void (*done)(void *arg, enum engine_result r, uint64_t id, pid_t culprit);
	void *arg;
};

struct control_result {
	enum engine_result result;
	enum job_state state; /* it was in when asked */
	const char *hint;     /* WRONG_STATE: what could be done instead */
};

/* Does what is asked, or refuses; either way the journal knows. OVER_QUOTA, OVER_BYTES: of a retry;
 * the first of a pause that gives its slot up, too. NO_QUEUE: the queue of an ended job
 * is not there for new ones any more. */
struct control_result engine_control(
    struct engine *e, const struct actor *who, uint64_t id, const struct control *c);

/*
 * Waits for a pause that was asked for before, by a former self: PENDING, and done is called
 * once; OK when the job is paused; WRONG_STATE when it is not to be any more; FAILED.
 */
enum engine_result engine_pause_wait(struct engine *e, uint64_t id,
    void (*done)(void *arg, enum engine_result r, uint64_t id, pid_t culprit), void *arg);

/* Whoever waited for this job's pause with this arg does not any more: done is not called. */
void engine_control_forget(struct engine *e, uint64_t id, const void *arg);

/* edit.c */

/* What an edit can change: struct edit's fields is their bits. */
enum edit_field {
	EDIT_COMMAND = 1 << 0,
	EDIT_NAME = 1 << 1,
	EDIT_QUEUE = 1 << 2,
	EDIT_PROJECT = 1 << 3,
	EDIT_META = 1 << 4,
	EDIT_CWD = 1 << 5,
	EDIT_ENVIRONMENT = 1 << 6,
	EDIT_UMASK = 1 << 7,
	EDIT_RULES = 1 << 8, /* those in draft->rules are set, those in clear_rules dropped */
	EDIT_NOT_BEFORE = 1 << 9,
	EDIT_DEADLINE = 1 << 10,
	EDIT_AFTER = 1 << 11, /* all of them */
	EDIT_DROP_UNMET = 1 << 12,
	EDIT_SET_ENVIRONMENT = 1 << 13, /* env are variables to be set in the one it has */
};

/* What an edit changes. Borrowed, but for the draft. */
struct edit {
	unsigned fields; /* of enum edit_field */
	struct job *draft; /* the new values; taken over. NULL (0) where a field is cleared */
	char *const *env;
	struct job_after *after; /* as a submission's */
	size_t nafter;
	unsigned clear_rules; /* bits 1 << enum rule */
};

/* Edits a queued or held job, and journals it. OK, ALREADY (it was so), NOT_FOUND, WRONG_STATE (see
 * state and hint of *r), NO_QUEUE, NO_JOB and CYCLE (*other is that job), OVER_LINKS,
 * OVER_ENVIRONMENT, OVER_COMMAND, OVER_BYTES, FAILED. But for OK nothing is changed. */
enum engine_result engine_edit(struct engine *e, const struct actor *who, uint64_t id,
    struct edit *x, struct control_result *r, uint64_t *other);

/* stopping.c */

/*
 * Begins to stop: journals it, orders what is to be done with the running jobs first, and starts
 * no more. how 0 means what the settings say, or, where it is stopping already, that it goes on as
 * it does; ON_STOP_KEEP then means to leave at once. who may be NULL; why may be NULL.
 */
void engine_stop(
    struct engine *e, const struct actor *who, enum on_stop how, const char *why);

struct engine_stopping {
	enum on_stop how;
	unsigned jobs;	    /* that it waits for */
	uint64_t within_ms; /* it waits no longer than that */
};

/* Whether it is stopping, and how; out may be NULL, and is all 0 where it is not. */
bool engine_stopping(const struct engine *e, struct engine_stopping *out);

/* Whether nothing keeps it any more: true only after the turn that has it on disk. */
bool engine_may_leave(const struct engine *e);

/* Resumes what the last stop had paused. Once, after engine_load, inside the first turn. */
void engine_resume_stopped(struct engine *e);

/* query.c */

/* A job as it is now: of a live one the engine's own, of an ended one a copy. */
struct job_view {
	const struct job *job;
	enum job_reason reason; /* of a waiting job: worked out now */
	bool silent;		/* its keeper does not answer */
	uint32_t attempts;	/* it may have; 0: of an ended one that is not known any more */
	uint64_t timeout_us;	/* how long its present, last or next attempt may run; 0: for ever */
	struct job loaded;	/* what fini frees */
};

/* Looks one job up. OK, NOT_FOUND or FAILED. On OK, and only then, job_view_fini is due; the view
 * holds until the engine's next call. */
enum engine_result engine_get(struct engine *e, uint64_t id, struct job_view *v);
/* Frees what engine_get read, and empties the view. */
void job_view_fini(struct job_view *v);

/*
 * One page of jobs that match, the highest id first, below *before (UINT64_MAX at first). At most
 * budget live jobs, and as many rows of the store, are looked at; one that is large counts for
 * several (job_work). fn returns false to stop after
 * this one. 1: there may be more, below *before; 0: that was all; -errno.
 */
typedef bool engine_list_fn(void *ctx, const struct job_view *v);
int engine_list(struct engine *e, const struct job_filter *f, uint64_t *before, size_t budget,
    engine_list_fn *fn, void *ctx);

/* A page of the journal; as store_journal_page. */
typedef bool engine_entry_fn(void *ctx, const struct journal_entry *e);
int engine_audit(struct engine *e, const struct journal_filter *f, uint64_t *before, size_t budget,
    engine_entry_fn *fn, void *ctx);

/* What a job waits for, and who waits for it: see store_after_each and store_before_each. At most
 * 1000. 0 or -errno. */
typedef bool engine_after_fn(void *ctx, const struct job_after *a);
int engine_after_each(struct engine *e, const struct job *j, engine_after_fn *fn, void *ctx);
int engine_before_each(struct engine *e, const struct job *j, engine_after_fn *fn, void *ctx);

/*
 * The log of an attempt (0: the last) for reading: a descriptor, -ENODATA where it wrote nothing or
 * has just begun, -ENOENT where there is no such attempt or its log is gone, or -errno.
 */
int engine_log_open(struct engine *e, const struct job *j, uint32_t attempt);

struct engine_health {
	uint64_t counts[JOB_STATES]; /* jobs in each state */
	uint64_t journal;	     /* the last number */
	uint64_t free_bytes, low_disk_bytes;
	unsigned max_running, user_max_running;
	unsigned silent_keepers;
	bool backing_off;	     /* starts are impossible for the moment */
	const char *tree;	     /* how processes are found */
	const char *instance;
};
/* How jobd is; strings are borrowed until the engine's next call. */
void engine_health(struct engine *e, struct engine_health *h);

/* why.c */

/* Why a job does not run. */
#define WHY_IDS 20
struct why {
	enum job_state state;
	enum job_reason reason;
	char message[400]; /* for a person */
	const char *queue; /* borrowed until the engine's next call */
	const char *limit; /* that is in the way: "queue", "daemon", "user"; NULL: none */
	bool has_before;
	size_t before; /* jobs that come first: of its queue where that is full, of its user where that
			* one runs as many as may, else of all */
	uint64_t until_us; /* real time; 0: not known */
	uint64_t ids[WHY_IDS]; /* of jobs it waits for, as many as fit */
	size_t nids;
};
/* Looks for what keeps a job from running. OK, NOT_FOUND or FAILED. */
enum engine_result engine_why(struct engine *e, uint64_t id, struct why *w);

/* note.c */

/* A call that was refused before it reached the engine, for the journal: at most one
 * entry a minute for a user and verb. id may be 0. */
void engine_refused(
    struct engine *e, const struct actor *who, const char *verb, uint64_t id, const char *error);

/* The same where a limit was met: each limit has its own entry a minute. */
void engine_limited(
    struct engine *e, const struct actor *who, const char *verb, const char *limit);

/*
 * A thing that was done to the daemon itself (reload, stop, start), for the journal. who may be
 * NULL; result is "ok" or the error's name; detail may be NULL.
 */
void engine_note(struct engine *e, const struct actor *who, const char *verb, const char *result,
    const char *detail);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * The job as plain data: what store, proc and api share with core. No
 * behaviour beyond allocation, names and matching.
 */
#ifndef CORE_JOB_H
#define CORE_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/buf.h"

enum job_state {
	JOB_QUEUED = 1,
	JOB_HELD = 2,
	JOB_RUNNING = 3,
	JOB_PAUSED = 4,
	JOB_COMPLETED = 5,
	JOB_FAILED = 6,
	JOB_CANCELLED = 7,
};
#define JOB_STATES 8 /* one more than the last: for arrays indexed by state */
/* Those of jobs that have ended: bits 1 << enum job_state. */
#define JOB_ENDED_STATES (1u << JOB_COMPLETED | 1u << JOB_FAILED | 1u << JOB_CANCELLED)

/* Why a queued job waits, or why one failed. Numbers are on disk: never reuse one. */
enum job_reason {
	REASON_NONE = 0,
	REASON_PRIORITY = 1, /* others come first, and the daemon runs as many as it may */
	REASON_QUEUE_FULL = 2,
	REASON_QUEUE_PAUSED = 3,
	REASON_DRAINING = 4,
	REASON_NOT_BEFORE = 5,
	REASON_BACKOFF = 6, /* a start was impossible (EAGAIN, …), or an attempt failed: another follows */
	REASON_DEPENDENCY = 7,
	REASON_USER_LIMIT = 8,
	REASON_LOW_DISK = 9,
	REASON_EXIT = 20, /* ended with a code other than 0 */
	REASON_SIGNAL = 21,
	REASON_TIMEOUT = 22,
	REASON_DEADLINE = 23,
	REASON_SPAWN = 24, /* could not be started; error says why */
	REASON_WATCHDOG = 25,
	REASON_OOM = 26,
	REASON_SHUTDOWN = 27, /* the host, or somebody, ended its keeper */
	REASON_LOST = 28,     /* how it ended can't be known */
};
#define JOB_REASONS 29 /* one more than the last */

/* A counter the job reports: "added" 3. */
struct job_count {
	char *name;
	uint64_t value;
};

/* Numbers are -1 where not reported, strings NULL. */
struct job_progress {
	int percent;
	int64_t done, total;
	int64_t step, steps;
	char *step_name, *item, *text;
	struct job_count *counts;
	size_t ncounts;
};

/* All 0 where not known. */
struct job_usage {
	uint64_t cpu_us, max_rss_kb, in_blocks, out_blocks;
};

/*
 * One run of the command. The present attempt is in the job; those before it,
 * in its history. Times are microseconds since the epoch, 0 where not reached.
 */
struct job_attempt {
	uint32_t number;      /* 1, 2, …; 0: none was started yet */
	enum job_state state; /* of a past attempt: how it ended */
	enum job_reason reason;
	uint64_t nonce;	       /* random; known to jobd and the keeper */
	pid_t keeper_pid, pid; /* 0 where none */
	uint64_t keeper_start, pid_start; /* start times, ticks since boot */
	char *boot_id;
	char *cgroup; /* NULL: the tree is walked */
	uint64_t started_at_us, ended_at_us;
	uint64_t paused_total_us;
	uint64_t ran_us; /* up to the moment below; pauses don't count, nor what is done to the clock */
	uint64_t runs_since_us; /* monotonic, of its boot; 0: it does not run */
	int status;	   /* wait status */
	bool has_status;   /* status is known */
	char *error;	   /* text for a person, or NULL */
	struct job_usage usage;
	bool silent; /* it wrote nothing: there is no log */
	/* How long it may run: the longest that the rules have allowed since it began. A rule that is made
	 * stricter ends nothing that runs. JOB_NO_TIMEOUT: for ever; 0: an older jobd began it. */
	uint64_t timeout_us;
};

#define JOB_NO_TIMEOUT UINT64_MAX

struct job_meta {
	char *key, *value;
};

/* How a job must have ended for one that waits for it. Numbers are on disk. */
enum after_on {
	AFTER_OK = 1, /* completed */
	AFTER_FAILED = 2, /* failed, or cancelled */
	AFTER_ANY = 3,
};

/* That a job waits for another. */
struct job_after {
	uint64_t id; /* of the other */
	enum after_on on;
	enum job_state outcome; /* how it ended; 0: it has not, as far as is known */
};

/* Past attempts that are kept of a job, the first and the last ones: each is up to some 700 bytes of
 * its row, which every change of its state writes anew. Twice what the rules allow; a person may
 * retry it for ever. */
#define JOB_HISTORY_MAX 200

struct job {
	uint64_t id;
	enum job_state state;
	enum job_reason reason;
	uint8_t priority; /* 1 (first) to 10 */
	uint32_t uid;	  /* it runs as */
	char *user;	  /* that user's name at submission */
	uint32_t submitter_uid; /* kept for the record: nothing reads it */
	char *name;    /* NULL: none given */
	char *queue;   /* never NULL */
	char *project; /* or NULL */
	char **command; /* NULL-terminated, at least one */
	char *cwd;	/* NULL: home */
	int umask;
	struct job_meta *meta;
	size_t nmeta;

	bool cancel_requested, pause_requested;
	bool stop_paused; /* jobd paused it in order to stop: the next start resumes it */
	bool queue_paused; /* its queue's pause paused it: that one's resume resumes it */
	bool slot_released; /* paused, or being paused, and to hold no slot then */
	bool resume_requested; /* paused, or to be, without a slot: it goes on when it gets one */
	bool timed_out;	   /* it is being ended, since it ran for too long */
	bool warned;	   /* that it soon will be */
	bool has_after;	   /* it has waited, or waits, for others: see store_after_each */
	bool drop_unmet;   /* what of that can't come true is not waited for; else it fails */
	uint32_t attempts; /* of one that ended: it was allowed; else: a retry allows at least so many */
	char **rules;	   /* NAME=value of lib/rules.h; NULL: its queue's hold */
	char *unique;	   /* or NULL: of this key its user has one live job */
	char *template;	   /* it was made of, or NULL */
	uint64_t batch;	   /* it was submitted in; 0: alone */
	uint64_t environment; /* number its environment is kept under; 0: its id */
	uint64_t not_before_us, deadline_us; /* 0: none */
	uint64_t retry_at_us; /* queued: the next attempt not before; 0: none */
	uint64_t submitted_at_us;
	uint64_t eligible_at_us; /* when it could first have started: its rank counts from here */
	uint64_t paused_at_us;	 /* while paused */

	struct job_attempt now;	     /* the present or last attempt */
	struct job_attempt *history; /* those before it, oldest first; see JOB_HISTORY_MAX */
	size_t nhistory;

	struct job_progress *progress; /* NULL: it has told of none */
	struct buf unknown; /* fields of a newer version, kept as they were read */
};

/* Sets every field to "nothing". */
void job_init(struct job *j);
/* Frees what the job holds, and makes it as job_init does. */
void job_fini(struct job *j);
/* Sets every field to "not reported". */
void job_progress_init(struct job_progress *p);
/* One that holds nothing; NULL: no memory. */
struct job_progress *job_progress_new(void);
/* Frees one of job_progress_new. NULL is fine. */
void job_progress_free(struct job_progress *p);
/* Frees what they hold, and not themselves. */
void job_progress_fini(struct job_progress *p);
void job_attempt_fini(struct job_attempt *a);

/* Whether a job in this state has ended, and runs no more unless it is retried. */
bool job_has_ended(enum job_state s);

/* How many bytes of memory the texts take that were given for it: its command, its meta and all
 * others. Its attempts and what it tells of itself are not among them: those are bounded, by
 * JOB_HISTORY_MAX and what is taken of progress. */
size_t job_bytes(const struct job *j);
/* How much of a turn one takes that is looked at, or put: 1 is a small one. bytes: job_bytes. */
size_t job_work(const struct job *j, size_t bytes);

/* The number of the present or last attempt; 0 before the first. */
uint32_t job_last_attempt(const struct job *j);
/* The attempt with this number, borrowed; NULL where there is none. */
const struct job_attempt *job_attempt_find(const struct job *j, uint32_t number);

/* The word for it: "ok", "failed", "any"; and back, 0 where it is none. */
const char *after_on_name(enum after_on on);
enum after_on after_on_parse(const char *name);
/* Whether a job that ended so is what was waited for. */
bool after_is_met(enum after_on on, enum job_state ended);

/* The word for it, as the protocol and the log have it. REASON_NONE gives NULL. */
const char *job_state_name(enum job_state s);
const char *job_reason_name(enum job_reason r);
/* The state with this name, or 0; the reason, or REASON_NONE. */
enum job_state job_state_parse(const char *name);
enum job_reason job_reason_parse(const char *name);

/*
 * Which jobs are meant: all that is given must match; of several values, one.
 * Everything is borrowed. Empty (all zero) matches every job.
 */
struct job_filter {
	const uint64_t *ids; /* ascending; NULL: any; none at all match an empty array */
	size_t nids;
	unsigned states; /* bits 1 << enum job_state; 0: any */
	const char *const *queues, *const *projects, *const *users; /* NULL-terminated, or NULL */
	const char *name_glob;
	const struct job_meta *meta;
	size_t nmeta;
	uint64_t since_us, until_us; /* submission; 0: no bound; since <= t < until */
	uint64_t batch;		     /* 0: any */
	uint32_t reasons;	     /* bits 1 << enum job_reason; 0: any */
	const char *search;	     /* in name, command, project, error, meta; ignoring case */
	/* Only jobs of uid: nothing of others', not even how many there are, may be told. own_names
	 * (as the lists) are the names that such jobs can have as their user. */
	bool limit_uid;
	uint32_t uid;
	const char *const *own_names;
};

/* Whether the filter means this job. The reason is looked at only if the job has ended: why one
 * waits that has not ended is not in its row. Who knows that asks job_filter_has_reason besides. */
bool job_filter_match(const struct job_filter *f, const struct job *j);
/* Whether this reason is one of those that the filter gives. */
bool job_filter_has_reason(const struct job_filter *f, enum job_reason r);

#endif

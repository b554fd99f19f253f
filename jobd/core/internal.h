/* SPDX-License-Identifier: ISC */
/* What the engine's files share. Nobody else includes it. */
#ifndef CORE_INTERNAL_H
#define CORE_INTERNAL_H

#include "jobd/core/due.h"
#include "jobd/core/engine.h"
#include "jobd/core/live.h"
#include "jobd/core/order.h"
#include "jobd/core/outbox.h"
#include "jobd/core/queue.h"
#include "jobd/core/queues.h"
#include "jobd/core/refusals.h"
#include "jobd/core/unique.h"
#include "jobd/proc/proc.h"
#include "jobd/store/store.h"

/* Crash points that are due after this turn's commit: bits of engine.marks. */
enum turn_mark {
	MARK_START = 1 << 0,
	MARK_PAUSE_INTENT = 1 << 1,
	MARK_PAUSED = 1 << 2,
	MARK_RESUME = 1 << 3,
	MARK_CANCEL = 1 << 4,
	MARK_END = 1 << 5,
	MARK_EXIT_FILE = 1 << 6,
	MARK_AGAIN = 1 << 7,
	MARK_SLICE = 1 << 8,   /* jobs of a batch that is not sealed */
	MARK_SEAL = 1 << 9,
	MARK_DROP = 1 << 10,
	MARK_TELLING = 1 << 11, /* some who wait have been told of an end, and others not */
	MARK_QUEUE = 1 << 12,
	MARK_DOOM = 1 << 13, /* logs are to be removed */
};

/* Starts a turn may begin: a start costs half a millisecond, and others wait. */
#define STARTS_PER_TURN 8

/* A log to remove after the commit that forgot it. */
struct doomed_log {
	uint64_t id;
	uint32_t attempt;
};

struct batch;
struct outcome;
struct templates;

struct engine {
	struct store *store;
	struct proc *proc;
	struct engine_settings settings;
	const char *state_dir, *boot_id;
	uint64_t (*real_us)(void);
	uint64_t (*mono_us)(void);
	uint64_t (*free_bytes)(const char *dir);

	struct live_set live;
	size_t counts[JOB_STATES]; /* live ones */
	struct order order;
	struct queue_set queues;
	uint64_t oldest_until_us; /* mono: queues.c need not look before */
	struct due due;
	struct heap resuming; /* paused jobs without a slot that are to go on, by rank */
	struct unique unique;
	struct outcome *outcomes, **outcomes_end; /* depend's */
	unsigned search;   /* depend's: the number of the last one */
	struct batch *batches;
	struct templates *templates;
	uint64_t shared, sharers; /* an environment, and by how many more it is to be shared with this turn */
	unsigned active;	   /* starting, running or paused: they hold a slot */
	unsigned active_paused;	   /* of them, those that are paused */
	struct live *starting;	   /* LIVE_STARTING, with a slot or without */
	unsigned nahead;	   /* of them, without one and not late */
	uint64_t last_end_us;	   /* mono; of an attempt */
	uint64_t flow_until_us;	   /* mono; a slot that comes free till then is worth waiting for */
	uint64_t ahead_from_us;	   /* mono; nothing is prepared ahead before */
	unsigned silent;
	uint64_t disk_free;
	int64_t clock_offset_us; /* of the wall clock from the monotonic one, when last looked; 0: not yet */
	uint64_t backoff_until_us; /* mono; no starts before */
	unsigned backoff_step;

	unsigned marks; /* enum turn_mark */
	unsigned started; /* in this turn */
	struct live *dirty;
	struct live **over; /* ended in this turn */
	size_t nover, over_cap;
	struct doomed_log *doomed; /* logs.c's */
	size_t nremoved;	   /* the first of them are gone, and their rows are not */
	size_t ndoomed, doomed_cap;
	bool out_of_memory; /* something could not be done: the turn fails */
	struct outbox outbox;
	struct refusals refusals;
	struct {
		enum on_stop how;  /* 0: it is not stopping */
		uint64_t until_us; /* mono; then it leaves whatever has not come true */
		bool over;
	} stopping;
};

/* Waits for a pause to be a fact. */
struct pause_waiter {
	struct pause_waiter *next;
	void (*done)(void *arg, enum engine_result r, uint64_t id, pid_t culprit);
	void *arg;
};

/* One step of a job's life: what the action and the journal need to know. */
struct step {
	enum job_event event;
	const struct actor *who;	/* NULL: jobd by itself */
	const struct control *control;	/* or NULL */
	const struct keeper_end *end;	/* EVENT_COMPLETED, _FAILED, _CANCELLED; NULL where none */
	const struct proc_ready *ready; /* EVENT_START */
	enum job_reason reason;		/* EVENT_FAILED */
	const char *detail;		/* for the journal, and a failed job's error */
	pid_t culprit;
	int signal;			/* EVENT_WARN */
	uint64_t retry_at_us;		/* EVENT_AGAIN: real time */
	/* What came of it, by the action. */
	bool already;
};

/* engine.c */

/* Takes the step the table has for it. False, and nothing done, where it has none. */
bool engine_step(struct engine *e, struct live *l, struct step *s);
/* The row is to be put in this turn. */
void engine_touch(struct engine *e, struct live *l);
/* It is to be freed after this turn's commit. */
void engine_free_later(struct engine *e, struct live *l);
/* The rules in force for a job; the lists are left out, and nothing is to be freed. */
struct rules engine_rules(const struct live *l);
/* How many attempts it may have. */
uint32_t engine_attempts(const struct live *l);
/* What the journal says of a step from this state, as far as the step knows. */
struct journal_entry engine_entry(
    struct engine *e, const struct job *j, const struct step *s, enum job_state from);
/* Appends to the journal, and to the lines that leave after the commit. */
void engine_journal(struct engine *e, const struct job *j, const struct journal_entry *entry);
/* engine_refused, where the job is at hand. */
void engine_refused_job(struct engine *e, const struct actor *who, const char *verb,
    const struct job *j, const char *error);
/* Tells the watchers. */
void engine_changed(struct engine *e, struct live *l, enum job_change c);
/* How long a job may run, by these rules or as its attempt has it. 0: for ever. */
uint64_t engine_timeout_us(const struct job *j, const struct rules *r);
/* The view of a live job. */
struct job_view engine_live_view(struct engine *e, struct live *l);
/* Answers everyone who waits for this job's pause. */
void engine_pause_answer(struct live *l, enum engine_result r, pid_t culprit);

/* A live job comes from a state (0: it is new, or had ended) to another. */
void engine_count(struct engine *e, struct live *l, enum job_state from, enum job_state to);
/* Whether the limits of one user bind this one. */
bool engine_binds(const struct engine *e, const struct actor *who);
/* Whether this actor may not add to the jobs of this user that wait. */
bool engine_over_quota(const struct engine *e, const struct actor *who, uint32_t uid);
/* Nor so many bytes to those that have not ended. */
bool engine_over_bytes(const struct engine *e, const struct actor *who, uint32_t uid, size_t more);
/* Nor so many to what they wait for: a hundred times as many as there may be of them. */
bool engine_over_links(const struct engine *e, const struct actor *who, uint32_t uid, size_t more);

/* actions.c: one function for each enum state_action but ACTION_NONE. */
typedef void action_fn(struct engine *e, struct live *l, struct step *s);
extern action_fn *const engine_actions[STATE_ACTIONS];

/* choose.c */

/* Starts what may start, at most STARTS_PER_TURN, and prepares what comes next. */
void choose_run(struct engine *e);
/* An attempt has ended, so that another is due. */
void choose_note_end(struct engine *e);
/* The machine had no room to prepare one ahead: for some seconds none is. */
void choose_prepare_no_more(struct engine *e);
/* The reason a queued job waits. */
enum job_reason choose_reason(const struct engine *e, const struct live *l);
/* A paused job may go on: it has a slot, or gets one. False: there is none for it now. */
bool choose_may_go_on(struct engine *e, struct live *l);
/* No starts for a while: the machine has no room for another process. */
void choose_back_off(struct engine *e);
/* This job's start did not work out, with this -errno or 0: it is tried again later, and longer later each
 * time. */
void choose_delay(struct engine *e, struct live *l, int error);

/* starts.c */

/* Its keeper prepares it, without a slot. */
void starts_begin(struct engine *e, struct live *l);
/* Whether it is being prepared, and would take a slot now. */
bool starts_awaits_slot(const struct live *l);
/* Gives it one that is free. */
void starts_give_slot(struct engine *e, struct live *l);
/* The job's command stands at the gate, which opens if it has a slot. */
void starts_ready(struct engine *e, struct live *l, const struct proc_ready *r);
/* It ran when the last jobd ended: it has a slot, unless it gave that up. */
void starts_adopt(struct engine *e, struct live *l);
/* A paused job gives its slot up, and takes one to go on. */
void starts_release_slot(struct engine *e, struct live *l);
void starts_take_slot(struct engine *e, struct live *l);
/* One that may have a slot comes to be paused, or is paused no more. */
void starts_note_paused(struct engine *e, struct live *l, bool is);
/* It is not being prepared any more, or it has ended: its slot is another's. */
void starts_leave(struct engine *e, struct live *l);
/* Takes back a start that is being prepared. */
void starts_abandon(struct engine *e, struct live *l);
/* Takes back one that has no slot: into the queue with it. */
void starts_put_back(struct engine *e, struct live *l);
/* Limits have changed: takes back what has no slot, and what has one that it would not get now. */
void starts_limits_changed(struct engine *e);
/* About once a second: starts that are late, and such as were prepared for nothing. */
void starts_tick(struct engine *e);

/* logs.c */

/* The attempt's log, if it has one, is to be removed once this turn is committed. */
void logs_doom(struct engine *e, uint64_t id, const struct job_attempt *a);
/* The same of one by its number, which may have none. */
void logs_doom_number(struct engine *e, uint64_t id, uint32_t attempt);
/* Takes those that are gone off the record, where the turn has something to put anyway. Before that
 * is put. */
void logs_forget(struct engine *e);
/* Removes them. After the commit. */
void logs_remove(struct engine *e);
/* At the start: those that a jobd before doomed and did not come to. 0 or -errno. */
int logs_load(struct engine *e);

/* query.c */

/* An ended job, read from the store: 0, and *j is the caller's; -ENOENT, or -errno. One that is
 * there, has not ended and is not live is of a batch that is not sealed: it is there for nobody. */
int query_ended(struct engine *e, uint64_t id, struct job *j);

/* control.c */

/* What a resume is, now: EVENT_RESUME, and it has a slot, or EVENT_RESUME_LATER. */
enum job_event control_resume_event(struct engine *e, struct live *l, bool force);

/* resume.c */

/* Paused jobs that are resumed together; which tells one of them. */
struct resumption {
	bool (*which)(const struct engine *e, const struct live *l, const void *ctx);
	const void *ctx;
	struct live **v;
	size_t n, cap;
};
/* Looks them up, by rank. */
void resume_collect(struct engine *e, struct resumption *r);
/* Resumes them; how has everything but the event. */
void resume_all(struct engine *e, struct resumption *r, const struct step *how);

/* waiting.c */

/* Puts a live job where it belongs now: into the order, or out of it, and to what is due for it.
 * After every change of what that depends on. */
void waiting_place(struct engine *e, struct live *l);
/* An attempt that has begun may run as long as the rules allow now, if it might not before. */
void waiting_allow(struct engine *e, struct live *l);
/* Sets its rank, of one that stands in no line and no heap. */
void waiting_rank(const struct engine *e, struct live *l);
/* It waits for nothing any more, and nothing is due. */
void waiting_leave(struct engine *e, struct live *l);
/* When it may start: its not_before, or the time of its next attempt, whichever is later. Real
 * time; 0: at any time. */
uint64_t waiting_until(const struct live *l);
/* The wall clock was set by so much: how long jobs have waited, and how long until another
 * attempt, is measured. */
void waiting_clock_was_set(struct engine *e, int64_t by_us);
/* The same for a job that comes from the store, as far as that can be told: nobody waits since a
 * time to come. */
void waiting_believe(const struct engine *e, struct job *j, uint64_t backoff_most_us);
/* Does what is due. */
void waiting_run(struct engine *e);
/* Microseconds until something is. */
uint64_t waiting_next_us(const struct engine *e);

/* depend.c */

/* Whether there is such a job as a names: live, in this batch (0: none), or ended; then its outcome
 * is set, else cleared. */
bool depend_look(struct engine *e, uint64_t batch, struct job_after *a);
/* The job waits for these from now on, and for nothing else; an outcome is what depend_look said of
 * it in this turn, or 0. In memory alone. */
void depend_await(struct engine *e, struct live *l, const struct job_after *v, size_t n);
/* It was read from the store: for what its rows say. */
void depend_load(struct engine *e, struct live *l);
/* It had ended, and is retried: for what is live again. */
void depend_revive(struct engine *e, struct live *l);
/* Its batch is sealed. */
void depend_sealed(struct engine *e, struct live *l);
/* It has ended: those that wait for it are told, a slice a turn. */
void depend_ended(struct engine *e, struct live *l);
void depend_run(struct engine *e);
/* Whether somebody who waits for this one, which has ended, is still to be told. */
bool depend_is_telling(const struct engine *e, uint64_t id);
bool depend_wants_turn(const struct engine *e);
/* Looks up who waits for a job, itself and by way of others: 0 or -ENOMEM. Then, until the next
 * search, whether a job is it or one of those. */
int depend_find_waiting(struct engine *e, struct live *l);
bool depend_was_found(const struct engine *e, const struct live *l);
/* Some of the ids it waits for; how many. */
size_t depend_awaited(const struct live *l, uint64_t *ids, size_t most);
void depend_fini(struct engine *e);

/* queues.c */

/* The queue of a job that comes to life: made where it is not there. NULL: no memory. */
struct queue *queues_of(struct engine *e, const struct job *j);
/* What was set at run time, from the store. 0 or -errno. */
int queues_load(struct engine *e);
/* When all jobs are there. */
void queues_loaded(struct engine *e);
/* One of its jobs is gone, and it may be with it. */
void queues_review(struct engine *e, struct queue *q);

/* templates.c */

/* What was made at run time, from the store. 0 or -errno. */
int templates_load(struct engine *e);
/* NULL is fine. */
void templates_free(struct templates *t);

/* submit.c */

/* Makes a live job of a submission: everything but its being there. OK and *out, or what is
 * wrong, as engine_submit has it. */
enum engine_result submit_make(struct engine *e, const struct actor *who, struct submission *s,
    uint64_t batch, struct live **out, uint64_t *id);
/* As the journal has it; result NULL: "ok". */
void submit_journal(
    struct engine *e, const struct actor *who, const struct job *j, const char *result);
/* The environments that this turn's submissions share are counted. */
void submit_flush(struct engine *e);

/* batch.c */

/* At the start: those that were not sealed. 0 or -errno. */
int batch_load(struct engine *e);
/* When all jobs are there: those are dropped. */
void batch_loaded(struct engine *e);
/* Takes a job that the store has to the batch it was for. False: it is none of such a batch. */
bool batch_take_loaded(struct engine *e, struct job *j);
/* A job of a batch that is not sealed, or NULL. */
struct live *batch_job(const struct engine *e, uint64_t batch, uint64_t id);
/* Whether it is one of any. */
bool batch_has(const struct engine *e, uint64_t id);
/* How many jobs are in such that this user makes. */
size_t batch_count(const struct engine *e, uint32_t uid);
/* How many bytes (job_bytes) those have, and those that are being dropped. */
size_t batch_bytes(const struct engine *e, uint32_t uid);
/* Drops on, a slice a turn. */
void batch_run(struct engine *e);
bool batch_wants_turn(const struct engine *e);
/* About once a second: those that nobody adds to any more. */
void batch_tick(struct engine *e);
void batch_fini(struct engine *e);

/* stopping.c */

/* Ends the stop where there is nothing more to wait for. At the beginning of a turn's end. */
void stopping_run(struct engine *e);

/* progress.c */

/* Takes what a job said of itself: lines of KEY=value. False when nothing changed. */
bool progress_parse(struct job_progress *p, const char *text, size_t len);

#endif

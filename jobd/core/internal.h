/* SPDX-License-Identifier: ISC */
/* What the engine's files share. Nobody else includes it. */
#ifndef CORE_INTERNAL_H
#define CORE_INTERNAL_H

#include "jobd/core/engine.h"
#include "jobd/core/live.h"
#include "jobd/core/order.h"
#include "jobd/core/outbox.h"
#include "jobd/core/refusals.h"
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
};

/* Starts a turn may begin: a start costs half a millisecond, and others wait. */
#define STARTS_PER_TURN 8

/* Logs to remove after the commit that forgot their job. */
struct doomed_log {
	uint64_t id;
	uint32_t attempt;
};

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
	unsigned active;	   /* starting, running or paused: they hold a slot */
	struct live *starting;	   /* LIVE_STARTING, with a slot or without */
	unsigned nahead;	   /* of them, without one and not late */
	uint64_t last_end_us;	   /* mono; of an attempt */
	uint64_t flow_until_us;	   /* mono; a slot that comes free till then is worth waiting for */
	uint64_t ahead_from_us;	   /* mono; nothing is prepared ahead before */
	unsigned silent;
	uint64_t disk_free;
	uint64_t backoff_until_us; /* mono; no starts before */
	struct live *delayed;	   /* queued, and not to be tried again at once */
	uint64_t delayed_until_us; /* mono: the first of them */
	unsigned backoff_step;

	unsigned marks; /* enum turn_mark */
	unsigned started; /* in this turn */
	struct live *dirty;
	struct live **over; /* ended in this turn */
	size_t nover, over_cap;
	struct doomed_log *doomed;
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
	/* What came of it, by the action. */
	bool already;
};

/* engine.c */

/* Takes the step the table has for it. False, and nothing done, where it has none. */
bool engine_step(struct engine *e, struct live *l, struct step *s);
/* The row is to be put in this turn. */
void engine_touch(struct engine *e, struct live *l);
/* Puts the job where its rank says. */
void engine_enqueue(struct engine *e, struct live *l);
/* Appends to the journal, and to the lines that leave after the commit. */
void engine_journal(struct engine *e, const struct job *j, const struct journal_entry *entry);
/* engine_refused, where the job is at hand. */
void engine_refused_job(struct engine *e, const struct actor *who, const char *verb,
    const struct job *j, const char *error);
/* Tells the watchers. */
void engine_changed(struct engine *e, struct live *l, enum job_change c);
/* The view of a live job. */
struct job_view engine_live_view(struct engine *e, struct live *l);
/* Answers everyone who waits for this job's pause. */
void engine_pause_answer(struct live *l, enum engine_result r, pid_t culprit);

/* A live job comes from a state (0: it is new, or had ended) to another. */
void engine_count(struct engine *e, const struct job *j, enum job_state from, enum job_state to);
/* Whether this actor may not add to the jobs of this user that wait. */
bool engine_over_quota(const struct engine *e, const struct actor *who, uint32_t uid);

/* actions.c: one function for each enum state_action but ACTION_NONE. */
typedef void action_fn(struct engine *e, struct live *l, struct step *s);
extern action_fn *const engine_actions[STATE_ACTIONS];

/* schedule.c */

/* Starts what may start, at most STARTS_PER_TURN, and prepares what comes next. */
void schedule_run(struct engine *e);
/* An attempt has ended, so that another is due. */
void schedule_note_end(struct engine *e);
/* The machine had no room to prepare one ahead: for some seconds none is. */
void schedule_prepare_no_more(struct engine *e);
/* The reason a queued job waits. */
enum job_reason schedule_reason(const struct engine *e, const struct live *l);
/* No starts for a while: the machine has no room for another process. */
void schedule_back_off(struct engine *e);
/* This job's start did not work out: it is tried again later, and longer later each time. */
void schedule_delay(struct engine *e, struct live *l);
/* It does not wait for that any more. */
void schedule_undelay(struct engine *e, struct live *l);

/* starts.c */

/* Its keeper prepares it, without a slot. */
void starts_begin(struct engine *e, struct live *l);
/* Whether it is being prepared, and would take a slot now. */
bool starts_awaits_slot(const struct live *l);
/* Gives it one that is free. */
void starts_give_slot(struct engine *e, struct live *l);
/* The job's command stands at the gate, which opens if it has a slot. */
void starts_ready(struct engine *e, struct live *l, const struct proc_ready *r);
/* It ran when the last jobd ended: it has a slot. */
void starts_adopt(struct engine *e, struct live *l);
/* It is not being prepared any more, or it has ended: its slot is another's. */
void starts_leave(struct engine *e, struct live *l);
/* Takes back a start that is being prepared. */
void starts_abandon(struct engine *e, struct live *l);
/* Takes back one that has no slot: into the queue with it. */
void starts_put_back(struct engine *e, struct live *l);
/* The same for all of them. */
void starts_put_back_all(struct engine *e);
/* About once a second: starts that are late, and such as were prepared for nothing. */
void starts_tick(struct engine *e);

/* stopping.c */

/* Ends the stop where there is nothing more to wait for. At the beginning of a turn's end. */
void stopping_run(struct engine *e);

/* progress.c */

/* Takes what a job said of itself: lines of KEY=value. False when nothing changed. */
bool progress_parse(struct job_progress *p, const char *text, size_t len);

#endif

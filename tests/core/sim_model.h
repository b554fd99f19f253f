/* SPDX-License-Identifier: ISC */
/*
 * What jobd may do, in a few plain structures: each job as its journal says, the queues and limits
 * as they were set. The model moves when a turn is committed, by what was asked for in it and by
 * the journal; what a crash loses it never saw.
 */
#ifndef TESTS_SIM_MODEL_H
#define TESTS_SIM_MODEL_H

#include "sim.h"

#include "lib/kmsg.h"
#include "lib/rules.h"

#define USERS	   4
#define QUEUES	   5
#define AFTER_MOST 3

/* The rules that the simulation plays with, each with a few values. */
enum sim_rule {
	SIM_MAX,
	SIM_PRIORITY,
	SIM_TIMEOUT,
	SIM_WARN,
	SIM_ATTEMPTS,
	SIM_BACKOFF,
	SIM_BACKOFF_MAX,
	SIM_JITTER,
	SIM_RETRY_NOT,
	SIM_RECOVERY,
	SIM_RULES,
};
#define SIM_VALUES 5
struct sim_values {
	enum rule rule;
	unsigned n;
	uint64_t none; /* the default */
	const char *text[SIM_VALUES];
	uint64_t value[SIM_VALUES];
};
extern const struct sim_values sim_values[SIM_RULES];
extern const char *const sim_queues[QUEUES];

/* Who gave a job the slot that it did not have before this turn. */
enum took { TOOK_TURN, TOOK_WENT_ON, TOOK_ASKED, TOOK_FORCED };

struct pair {
	uint64_t id;
	enum after_on on;
	bool known; /* how it ended: met or not */
	bool met;
	bool passed; /* it was not, and somebody retried the job all the same, or it was dropped */
	bool unsure; /* or not yet, when the job was made to wait for all again */
};

struct mjob {
	uint64_t id;
	size_t live_at;		/* in model.live */
	uint64_t turn;		/* the last in which something happened to it */
	enum job_state state;	/* 0: it is gone */
	enum job_reason reason; /* of one that has ended */
	unsigned user, queue, priority;
	bool staged, drop_unmet;
	uint64_t batch;
	unsigned key; /* 0: none */
	uint64_t not_before, deadline;
	struct pair after[AFTER_MOST];
	unsigned nafter, doomed_turns;
	int8_t rules[SIM_RULES]; /* -1: the queue's */
	unsigned attempt, last, allowed;
	bool cancel, timed_out, warned, pausing, released, resume_later, stop_paused, queue_paused;
	bool dead;	     /* the host has restarted since it began */
	bool survivors;	     /* something of the last attempt may be running */
	uint64_t ran, since; /* mono; since 0: it does not run */
	uint64_t limit;	     /* the longest that its attempt has been allowed; UINT64_MAX: for ever */
	bool moved;	     /* its place in the order, with the clock: what is on disk is older */
	uint64_t retry_low, retry_high; /* its next attempt is due between; 0: at any time */
	unsigned fails;			/* starts that did not work out */
	uint64_t again;			/* mono: no start before */
	uint64_t retry_at, eligible;
	bool ripe; /* it was time for it, by the wall clock, at some turn */
	bool slot, ready, late, starting, waits; /* as the last look showed */
	enum took took;
	bool new_slot;	    /* in this turn */
	const char *expect; /* the verb that is to come of what a keeper told; NULL: none */
	enum job_reason expect_reason;
};

struct mqueue {
	bool declared;
	int8_t config[SIM_RULES], runtime[SIM_RULES]; /* -1: not given */
	enum queue_state state;
	bool was_open, was_let_on; /* open, and not paused, at some moment of this turn */
	uint64_t most;		   /* the highest limit of this turn; UINT64_MAX: none */
	unsigned slots, runs;	   /* runs: slots of jobs that are not paused */
	unsigned counts[JOB_STATES];
};

enum op_kind {
	OP_SUBMIT,
	OP_EDIT,
	OP_CONTROL,
	OP_SEAL,
	OP_DROP,
	OP_QUEUE_RULES,
	OP_QUEUE_TURN,
	OP_DECLARE,
	OP_CONFIGURE,
	OP_FACT
};

enum fact { FACT_ENDED, FACT_LOST, FACT_UNSTARTED };

/* What was asked for, or told by a keeper, in a turn. */
struct op {
	enum op_kind kind;
	uint64_t at; /* number of the journal's last entry before */
	uint64_t id;
	struct mjob job;	/* OP_SUBMIT, OP_EDIT */
	unsigned fields, clear; /* OP_EDIT */
	struct control control;
	unsigned queue;
	int8_t rules[QUEUES]
		    [SIM_RULES]; /* OP_DECLARE; [0]: OP_QUEUE_RULES, -2 where nothing changes */
	bool declared[QUEUES];
	enum queue_state turn;
	struct engine_settings settings;
	enum fact fact;
	struct keeper_end end;
	bool gone;
	int error;
};

/* An entry of the journal, with its texts. */
struct seen {
	struct journal_entry e;
	char verb[32], result[32], detail[128];
};

struct model {
	struct mjob **jobs; /* by id */
	size_t cap;
	uint64_t *live;
	size_t nlive, live_cap;
	struct mqueue queues[QUEUES];
	struct engine_settings settings;
	uint64_t most, user_most; /* the highest of this turn */
	bool stopping, backlog;	  /* backlog: what was due in the last turn was not all done */
	bool by_force;		  /* somebody got more than the limits let them, in this turn */
	unsigned runs, user_runs[USERS];
	unsigned slots, user_slots[USERS], forced, forced_of_queue[QUEUES], forced_of_user[USERS];
	uint64_t ended[JOB_STATES];
	uint64_t journal; /* the last entry that was taken in */
	struct op *ops;
	size_t nops, ops_cap;
	struct seen *entries; /* of this turn, the last first */
	size_t nentries, entries_cap;
};

struct model *model(void);
void model_init(void);
void model_fini(void);
/* A record for what is about to be asked; model_cancel_op takes it back where it was refused. */
struct op *model_op(enum op_kind kind);
void model_cancel_op(struct op *op);
/* The job, or NULL where there was never one, or it is gone. */
struct mjob *model_job(uint64_t id);
bool model_is_live(const struct mjob *m);
/* The value in force for a job; for a queue. */
uint64_t model_rule(const struct mjob *m, enum sim_rule r);
/* Its attempt may run as long as the rules have it now, if it might not before. */
void model_allow(struct mjob *m);
uint64_t model_queue_rule(unsigned queue, enum sim_rule r);
uint64_t model_rank(const struct mjob *m);
/* Whether what it waits for is there; can't come any more. */
bool model_is_met(const struct mjob *m);
bool model_is_doomed(const struct mjob *m);
/* The same, or nobody knows. */
bool model_may_be_doomed(const struct mjob *m);
/* How long it has run when it is to be warned. */
uint64_t model_warning(const struct mjob *m);
/* How long its attempt has run by now, in microseconds. */
uint64_t model_ran(const struct mjob *m);

/* The queues are these from now on. */
void model_declare(const struct op *op);
/* The turn was committed: what was asked, and the journal, are taken in. */
void model_commit(void);
/* It was not, and never will be. */
void model_forget_turn(void);
/* Another jobd takes over; or the host restarts before that, and nothing runs any more. */
void model_rebooted(void);
void model_restarted(void);
/* The wall clock was: what counts by it, and was no person's to say, moves along. */
void model_clock_was_set(int64_t by_us);

/* What was asked last before an entry of the journal; NULL: nothing in this turn. */
const struct op *model_current(void);

/* sim_entry.c: one entry of the journal. */
void model_entry(const struct journal_entry *e);
void model_fact(const struct op *op);
/* For sim_entry.c */
void model_end(struct mjob *m, enum job_state to, enum job_reason reason);
void model_revive(struct mjob *m);
void model_put_off(struct mjob *m);
void model_remove_batch(uint64_t batch);
void model_gone(struct mjob *m);

/* sim_check.c, sim_order.c: after a turn that was committed. */
void check_turn(void);
void check_order(void);
/* Takes the slots as they are. */
void check_look(void);
/* The store's rows say what the engine has in memory. */
void check_rows(void);

#endif

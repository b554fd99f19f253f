/* SPDX-License-Identifier: ISC */
/*
 * The engine's world: a real store in a directory of its own, a clock that the test moves, and
 * keepers that the test plays. What the engine orders is written down; what keepers tell is
 * called by hand.
 *
 * The played keepers are strict: one that is started twice, let go before it is ready, or taken
 * back when it is not there fails the test.
 */
#ifndef TESTS_CORE_WORLD_H
#define TESTS_CORE_WORLD_H

#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "jobd/core/engine.h"
#include "jobd/core/queues.h"
#include "jobd/proc/proc.h"
#include "jobd/store/store.h"

#define SECOND UINT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

/* What a test changes of it. Reset before each test. */
extern struct world {
	struct engine_settings settings; /* of the next engine; two slots, unless a test says otherwise */
	const struct queue_declaration *queues; /* that the configuration declares */
	size_t nqueues;
	const char *boot_id;
	uint64_t mono_us;	/* the clock */
	uint64_t real_ahead_us; /* the wall clock is ahead of it by */
	uint64_t free_bytes;
	int start_error; /* of every start; 0: they work */
} world;
extern struct engine *engine;
extern struct store *store;
extern const struct actor ann, bob, root;

/* Runs the tests, TAP on standard output, and removes what they left. For main to return. */
int world_run(const char *name, const TTest *const *tests, size_t n);
#define WORLD_MAIN(name, ...)                                                                      \
	int main(void)                                                                             \
	{                                                                                          \
		const TTest *const tests[] = { __VA_ARGS__ };                                      \
		return world_run(name, tests, sizeof(tests) / sizeof(tests[0]));                   \
	}

/* What was asked of the keepers since the last call: "start 1.1 A=1;release 1;". */
const char *heard(void);
/* Whether this job's command was let go and has not been acknowledged. */
bool runs(uint64_t id);
/* How many do. */
unsigned how_many_run(void);

void turn(void);
/* As many as the engine wants, at least one. */
void turns(void);
/* Time goes by, with its ticks, and a turn at every moment that the engine asks for. */
void pass(uint64_t us);
uint64_t real_now(void);

/* The same jobd dies and the next comes up, over what was committed: closed without a word. */
void close_world(void);
void open_world(void);
/* Both, with the first turn; and what was heard until then is forgotten. */
void reopen_world(void);

/* A submission. All zero: ann's, of "true", to the default queue. */
struct spec {
	const char *queue, *unique, *token, *name;
	const char *rules[8]; /* NAME=value */
	uint32_t uid;	      /* 0: ann's */
	uint8_t priority;
	size_t bytes;	      /* of an argument */
	bool hold, bare /* no environment */, return_existing, drop_unmet;
	uint64_t not_before_us, deadline_us;
	struct job_after after[4];
	size_t nafter;
};
enum engine_result try_submit(const struct spec *s, uint64_t *id);
uint64_t submit_spec(struct spec s);
uint64_t submit(void);
uint64_t submit_with(const char *token, bool hold, uint8_t priority);
/* One that waits for another. */
uint64_t submit_after(uint64_t other, enum after_on on);
/* Into a batch of ann's. */
uint64_t stage(uint64_t *batch, struct spec s);
/* The draft that a submission would have, the caller's; and the submission. */
void draft_of(const struct spec *s, struct job *draft);

/* A keeper is ready; its command has ended with this wait status, or exit code. */
void ready(uint64_t id);
/* Or there is none any more, and nothing was run. */
void unstarted(uint64_t id, int error);
/* The same where one prepares the job, and nothing where none does. */
void ready_if_begun(uint64_t id);
void unstarted_if_begun(uint64_t id, int error);
void ended(uint64_t id, int status);
void exits(uint64_t id, int code);
void stopped(uint64_t id);
/* Its end can't be known. */
void lost(uint64_t id, bool gone);
/* It was ended by the shutdown of the host. */
void shut_down(uint64_t id);
/* A job that runs, with the talk about its start forgotten. */
uint64_t running(void);
uint64_t running_spec(struct spec s);
/* A queued one is started, now. */
void run(uint64_t id);

enum job_state state_of(uint64_t id);
enum job_reason reason_of(uint64_t id);
/* Of its present attempt, or of one before; 0 and nothing where there is none. */
uint32_t attempts_of(uint64_t id);
struct job_attempt attempt_of(uint64_t id, uint32_t number);
const char *why(uint64_t id);

struct control_result ask(uint64_t id, struct control c);
enum engine_result ask_event(uint64_t id, enum job_event event);
/* Paused, seen so, and the turn is over. */
void pause_job(uint64_t id, bool release_slot);

/* Of a pause that is waited for. */
struct answer {
	int calls;
	enum engine_result r;
};
void note_answer(void *arg, enum engine_result r, uint64_t id, pid_t culprit);

/* Of a queue; a value as "max_running=2". */
enum engine_result queue_set(const char *name, const char *value);
struct queue_view queue_of(const char *name);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * The simulation: the real engine, over a clock that the test moves, keepers that it plays
 * (sim_proc.c), and a store (sim_store.h). Random steps drive it (sim_steps.c); a model
 * (sim_model.c) is told of them and follows the journal (sim_entry.c), and after each turn the
 * two are compared (sim_check.c, sim_order.c).
 *
 * Whatever goes wrong ends the process by sim_fail.
 */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jobd/core/engine.h"
#include "jobd/core/queues.h"

#define SECOND UINT64_C(1000000)

struct world {
	struct engine *engine;
	struct store *store;
	struct proc *proc;
	struct engine_settings settings;
	uint64_t real, mono, free_bytes, next_tick;
	char boot[16];
	uint64_t seed, steps, steps_most, turns, restarts, starts, jobs;
	unsigned char rows[JOB_STATES][JOB_EVENTS]; /* of the table, that were seen */
	unsigned lost; /* percent of the attempts whose end gets lost, and such like; 0: calm */
};

/* The one there is. */
struct world *world(void);

/* sim_main.c */
_Noreturn void sim_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Counts a step, and keeps its text for sim_fail. */
void sim_step(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Adds to the text of the last step. */
void sim_add(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* From 0 to below - 1. */
uint64_t sim_random(uint64_t below);
bool sim_chance(unsigned percent);

/* sim_world.c: what happens besides what people ask. */
void world_begin(void);
void world_end(void);
/* The engine's turn, and all checks after it. */
void world_turn(void);
/* Time passes, with whatever is due in it. */
void world_advance(uint64_t us);
/* The wall clock is set. */
void world_set_clock(void);
/* jobd dies: before the commit, in it, between it and what follows it, after. */
void world_crash(void);
/* jobd is told to stop, and another is started. */
void world_stop(void);
/* Nothing more is asked for, and nothing goes wrong: everything comes to its end. */
void world_settle(void);

/* sim_steps.c: one of everything; what people ask alone. */
void steps_random(void);
void steps_ask(void);
/* Everything that keeps jobs from running is taken away. */
void steps_open_all(void);
/* There is a new engine, which has been told nothing yet: its queues are declared. */
void steps_restarted(void);
/* After a turn: who waits for an answer waits for what may still come. */
void steps_check(void);

#endif

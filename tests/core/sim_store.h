/* SPDX-License-Identifier: ISC */
/*
 * The store under the simulation: one that is played in memory (sim_fake.c), since a million synced
 * commits take too long, or the real one (sim_real.c), so that the other can't lie.
 */
#ifndef TESTS_SIM_STORE_H
#define TESTS_SIM_STORE_H

#include <stdbool.h>
#include <stdint.h>

struct store;

extern const char *const sim_store_kind;
extern const bool sim_store_is_quick;  /* enough steps are taken for everything to happen */
extern const uint64_t sim_store_steps; /* of a whole test, that take some seconds */
extern const unsigned sim_store_lives; /* that they are shared by; even */

/* An empty one. */
struct store *sim_store_new(void);
/* What was not committed is gone, and the rest is as a new process finds it. */
struct store *sim_store_again(struct store *s);
void sim_store_end(struct store *s);

/* How the next commit fails: what it held is lost all the same, or is there all the same. */
enum commit_fault { COMMIT_WELL, COMMIT_LOST, COMMIT_KEPT };
/* False where that can't be played. */
bool sim_store_fail(struct store *s, enum commit_fault how);

#endif

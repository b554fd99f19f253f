/* SPDX-License-Identifier: ISC */
/*
 * Keepers, as the simulation plays them: they take their time, fail, stop or don't, and outlive
 * jobd. What jobd may not do to them (two at once for a job, an end that is taken back) is noticed
 * here.
 */
#ifndef TESTS_SIM_PROC_H
#define TESTS_SIM_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jobd/proc/proc.h"

struct proc *sim_proc_new(void);
void sim_proc_free(struct proc *p);
/* When the next of them does something; UINT64_MAX: none will. */
uint64_t sim_proc_next(const struct proc *p);
/* Has everything happen that is due. */
void sim_proc_run(struct proc *p);
/* jobd is gone: what was staged was not said, and whoever stood at the gate has left. */
void sim_proc_crashed(struct proc *p);
/* The host restarts: all are gone. */
void sim_proc_reboot(struct proc *p);
/* One of them, by chance, stops answering or answers again; a paused one is continued by somebody;
 * one is orphaned. */
void sim_proc_disturb(struct proc *p);

/* Those whose start was begun in this turn, and not taken back since. */
size_t sim_proc_begun(const struct proc *p, const uint64_t **ids);
/* How many starts this turn has begun. */
unsigned sim_proc_starts(const struct proc *p);
void sim_proc_turn_over(struct proc *p);
/* Whether the job has a keeper; one that prepares it. */
bool sim_proc_has(const struct proc *p, uint64_t id);
bool sim_proc_prepares(const struct proc *p, uint64_t id);

#endif

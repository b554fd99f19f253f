/* SPDX-License-Identifier: ISC */
/*
 * What can be seen of a rig's keeper and its job without talking to them: files and processes.
 *
 * Whatever is waited for must come within PATIENCE_MS; a test fails then.
 */
#ifndef TESTS_KEEPER_LOOK_H
#define TESTS_KEEPER_LOOK_H

#include <stdbool.h>
#include <sys/types.h>

#include "tests/keeper/rig.h"

/* The exit file's record. False when there is none. */
bool rig_exit_file(struct rig *r, struct keeper_end *e);
bool rig_has(const struct rig *r, const char *path);

/* The job's output; the caller frees it. */
char *rig_log(struct rig *r);
/* Waits until a file in work/ is there, and holds something. */
void rig_wait_file(struct rig *r, const char *name);
/* The process's number that a job writes into such a file; waits for it. */
pid_t rig_pid(struct rig *r, const char *name);
/* Lets a job go on that waits for the file. */
void rig_make_file(struct rig *r, const char *name);
#define WAIT_FOR_GO "while [ ! -e go ]; do sleep 0.01; done; "
/* How long a file in work/ is. */
off_t rig_size(struct rig *r, const char *name);
/* The state letter of a process; 0 when there is none. */
char state_of(pid_t pid);
/* Waits until a process is in one of these states. */
void wait_state(pid_t pid, const char *states);

#endif

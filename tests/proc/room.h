/* SPDX-License-Identifier: ISC */
/*
 * The room jobd/proc as a test drives it: a real event loop, the real
 * jobd-keeper, directories of its own, and a core that only writes down what it
 * was told. One room a process.
 */
#ifndef TESTS_PROC_ROOM_H
#define TESTS_PROC_ROOM_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "jobd/proc/proc.h"
#include "lib/clock.h"
#include "tests/unit/unit.h"

#define ROOM_JOBS 256 /* ids are below that */

/* What core was told of a job. */
struct told {
	unsigned ready, unstarted, stopped, running, unstoppable, recontinued, ended, lost, orphaned;
	bool gone; /* with lost */
	bool silent;
	int error;
	char text[256];
	struct job_attempt attempt; /* its strings are in here, or constants */
	char cgroup[256];
	struct keeper_end end;
	char notified[4096]; /* datagrams, each with a newline after it */
};

struct room {
	char dir[64], state_dir[80], runtime_dir[80];
	const char *instance; /* no other room's: processes are told apart by it */
	const char *keeper, *boot_id, *cgroup;
	struct event_base *base;
	struct proc *proc;
	struct told told[ROOM_JOBS];
	void (*on_ready)(struct room *r, uint64_t id); /* what else core does there, or NULL */
	void (*on_notified)(struct room *r, uint64_t id);
};

/*
 * Memory for a room, which is not initialised. It is shared with processes that are forked: one that
 * plays a jobd and is killed leaves in it what it was told.
 */
struct room *room_new(void);
/* Makes the directories; the room is opened by room_open. */
void room_init(struct room *r);
void room_open(struct room *r);
/* Both, as the first jobd there: nothing has to be adopted. */
void room_begin(struct room *r);
/* As a jobd that ends: keepers and jobs go on. */
void room_close(struct room *r);
/* Ends everything that is left, and removes the directories. */
void room_fini(struct room *r);

/* One turn of the loop, of 20 ms at most, and the flush after it. */
void room_turn(struct room *r);

/* Turns until the condition holds; fails the test after 20 s. */
#define ROOM_WAIT(r, condition)                                                                    \
	do {                                                                                       \
		uint64_t until_ = clock_mono_us() + 20000000 * unit_slowness();                    \
		while (!(condition)) {                                                             \
			ck_assert_msg(clock_mono_us() < until_, "in vain: %s", #condition);        \
			room_turn(r);                                                              \
		}                                                                                  \
	} while (0)

/* Starts a shell script as attempt 1 of a job. */
void room_start(struct room *r, uint64_t id, const char *script);
/* …and lets it run. */
void room_run(struct room *r, uint64_t id, const char *script);
/* Takes it up as core would, from what it was told. */
void room_adopt(struct room *r, uint64_t id, enum keeper_level level);
/* …as the next jobd, which has this job alone: opens the room, and adopts no others. */
void room_take_up(struct room *r, uint64_t id, enum keeper_level level);
/* Acknowledges and waits until nothing of the job is left: no process, no file. */
void room_leave(struct room *r, uint64_t id);

/*
 * Starts a job in another process, which dies at once: its keeper is nobody's child of ours. The room
 * has to be a new one (room_new), and is not open afterwards.
 */
void room_run_and_be_killed(struct room *r, uint64_t id, const char *script);
void room_kill_keeper(const struct room *r, uint64_t id);
/* …and waits until jobd looks after the job itself. */
void room_orphan(struct room *r, uint64_t id);
/* Waits until a job's exit file has its own name, and so is whole. */
void room_wait_exit_file(const struct room *r, uint64_t id);
/* Leaves the job, which is the last one, and ends the room. */
void room_finish(struct room *r, uint64_t id);

/* A script that runs until the file "go" is there; its pid is in "pid" before that. */
#define UNTIL_GO(last) "echo $$ >$D/pid; until test -e $D/go; do sleep 0.01; done; " last

/* Ways to keep a tree: by walking, and by cgroup where one can be made. */
extern const char *const room_kinds[2];

/* How many files are in a directory below the room's. */
unsigned room_files(const struct room *r, const char *name);
/* The path of a file below the room's directory. Borrowed until the call after the next. */
const char *room_path(const struct room *r, const char *name);
bool room_has(const struct room *r, const char *name);
void room_touch(const struct room *r, const char *name);

/* The log of a job's first attempt, 8 kB of it at most. Borrowed until the next call. */
const char *room_log_text(const struct room *r, uint64_t id);

/* The state letter of a process; 0 when there is none. */
char process_state(pid_t pid);
/* Stopped, or as good as: the parent of a vfork stays in D until its child, which is stopped, executes. */
bool process_is_still(pid_t pid);
/* How many descriptors this process has open. */
unsigned open_descriptors(void);
/* How many children, zombies too. */
unsigned children(void);
/* The pid that a script wrote into a file. */
pid_t room_pid(const struct room *r, const char *name);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Plays jobd's end of a keeper's life: directories of its own, a keeper that
 * is spawned as jobd spawns it, and the conversation, a message at a time.
 *
 * Whatever is waited for must come within PATIENCE_MS; a test fails then, with
 * the name of what did not come. rig_fini ends everything that is left.
 */
#ifndef TESTS_KEEPER_RIG_H
#define TESTS_KEEPER_RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/buf.h"
#include "lib/kmsg.h"
#include "tests/unit/unit.h"

#define PATIENCE_MS (int)(15000 * unit_slowness())
#define RIG_ID	    7
#define RIG_ATTEMPT 2 /* the first one of a keeper */
#define RIG_TITLE   "first                   " /* room for what ps(1) shows */

struct rig {
	char dir[64]; /* holds keepers/ logs/ exits/ work/ */
	char name[KEEPER_NAME_MAX];
	uint32_t attempt;
	uint64_t nonce;
	pid_t keeper;
	int fd; /* to the keeper; -1: none */
	struct buf in;
	uint64_t seq; /* of the last order */
};

/* What START says beyond what every test's does. Zero is a plain job as ourselves. */
struct job_spec {
	char **argv;
	char **env;	    /* NULL: HOME, PATH and the like as a shell has them */
	const char *cwd;    /* NULL: the rig's work/ */
	bool no_cwd;	    /* says no directory at all */
	bool set_identity;  /* to uid */
	uint32_t uid;
	const char *cgroup; /* base */
	const char *log;    /* NULL: "log" */
	const char *invocation;
	uint64_t grace_ms; /* 0: 10 s */
};

/* A message from the keeper, taken apart. Strings live until the next one is taken. */
struct said {
	enum kmsg_type type;
	pid_t keeper_pid, pid;
	uint64_t keeper_start, pid_start, nonce, seq, level;
	pid_t culprit, recontinued;
	bool has_cgroup;
	struct keeper_end end;
};

void nap(long ms);

void rig_init(struct rig *r);
void rig_fini(struct rig *r);

/* An argv of three words at most, to which more may be added; the caller's to strv_free. */
char **words(const char *a, const char *b, const char *c);

/* Spawns a keeper with what is in the rig's directories. */
void rig_spawn(struct rig *r);
void rig_start(struct rig *r, const struct job_spec *j);
/* Spawn, START, and for a shell script: waits for READY and opens the gate. The command's pid. */
pid_t rig_run(struct rig *r, const char *script);

void rig_say(struct rig *r, enum kmsg_type type);
void rig_desire(struct rig *r, enum keeper_level level, uint64_t grace_ms);
void rig_signal(struct rig *r, int sig, bool all);

/* The next message, which has to be of this type. */
void rig_hear(struct rig *r, enum kmsg_type type, struct said *s);
/* Whether the keeper says anything within so many milliseconds. */
bool rig_is_spoken_to(struct rig *r, int ms);
/* Takes messages up to an END that says EMPTY. */
void rig_hear_end(struct rig *r, struct said *s);

/* Acknowledges, and asks for another job, which will be the next attempt. */
void rig_ack_stay(struct rig *r);
/* The same, and nothing is waited for. */
void rig_say_stay(struct rig *r);
/* Acknowledges, and sees the keeper leave as it should. */
void rig_ack(struct rig *r);
void rig_wait_gone(struct rig *r);

/* Has a HELLO of another jobd and its first order arrive together. */
void rig_adopt_to_end(struct rig *r, struct said *hello);
/* Connects as another jobd would, with this nonce. False when refused or not answered. */
bool rig_adopt(struct rig *r, uint64_t nonce, struct said *hello, struct said *state);
void rig_hang_up(struct rig *r);

#endif

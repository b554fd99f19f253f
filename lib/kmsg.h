/* SPDX-License-Identifier: ISC */
/*
 * What jobd and a jobd-keeper say to each other, over a stream socket. Libc only.
 *
 * A message is a length (4 bytes, least first, of the payload), a type (2
 * bytes, least first), and the payload, a tag-length-value record. Types and
 * tags are only ever added: a jobd may meet the keeper of an older or a newer
 * one. HELLO, DESIRE and END never change their meaning.
 *
 *	jobd                         keeper
 *	START  ────────────────────▶        first message on the socketpair: the job
 *	       ◀──────────────────── READY  prepared, listening, child forked and blocked
 *	       ◀──────────────────── END    …or it could not be prepared (KIND spawn)
 *	GATE   ────────────────────▶        the attempt is on disk: run it
 *	DESIRE ────────────────────▶        the state jobd wants, numbered; repeats do nothing
 *	       ◀──────────────────── STATE  the state reached for that number, or what stands in the way
 *	SIGNAL ────────────────────▶        one signal, once
 *	       ◀──────────────────── END    status known (EMPTY 0), then tree empty (EMPTY 1)
 *	ACK    ────────────────────▶        the end is on disk: reap, and leave
 *	                                    …or, where it says STAY, wait for another START
 *
 * Adoption: a new jobd connects to the keeper's listening socket and sends
 * HELLO with the nonce; the keeper checks it, answers HELLO with the nonce and
 * what it knows, then STATE, and END again if the job has ended; the new
 * connection replaces the old. A keeper whose gate is still closed and whose
 * connection ends does not wait for adoption: nothing was run, and it says so
 * in its exit file (KIND never-ran).
 */
#ifndef LIB_KMSG_H
#define LIB_KMSG_H

#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/tlv.h"

#define KMSG_VERSION 1
#define KMSG_MAX     (16u << 20) /* the longest payload: a command line and an environment */

/* Descriptors a keeper is born with, besides 0 to 2 on /dev/null. */
#define KEEPER_FD_SOCKET 3 /* the socketpair to jobd */
#define KEEPER_FD_LISTEN 4 /* directory where it binds its listening socket */
#define KEEPER_FD_LOGS   5 /* directory below which it creates the log */
#define KEEPER_FD_EXITS  6 /* directory where it leaves an exit file */

/* Name of an attempt's listening socket and exit file: id.attempt.nonce (hexadecimal). */
#define KEEPER_NAME_FMT "%" PRIu64 ".%" PRIu32 ".%016" PRIx64
#define KEEPER_NAME_MAX 64

/*
 * Name of a log in KEEPER_FD_LOGS while the gate is closed. Only a keeper that
 * was let go gives it the name that START says, so that an earlier start of the
 * same attempt which wakes up late can't take it away.
 */
#define KEEPER_NEW_LOG_FMT KEEPER_NAME_FMT ".new"

enum kmsg_type {
	KMSG_HELLO = 1,
	KMSG_START = 2,
	KMSG_READY = 3,
	KMSG_GATE = 4,
	KMSG_DESIRE = 5,
	KMSG_STATE = 6,
	KMSG_SIGNAL = 7,
	KMSG_END = 8,
	KMSG_ACK = 9,
};

/* One number space for all messages. */
enum kmsg_tag {
	KTAG_VERSION = 1,	/* u64 */
	KTAG_ID = 2,		/* u64: job */
	KTAG_ATTEMPT = 3,	/* u64 */
	KTAG_NONCE = 4,		/* u64 */
	KTAG_KEEPER_PID = 5,	/* u64 */
	KTAG_KEEPER_START = 6,	/* u64: start time in ticks since boot, /proc/PID/stat field 22 */
	KTAG_PID = 7,		/* u64: the command's process */
	KTAG_PID_START = 8,	/* u64 */
	KTAG_CGROUP = 9,	/* string: READY, HELLO: the attempt's cgroup directory; absent: walking */

	KTAG_ARG = 20,		/* START: string, repeated: the command */
	KTAG_ENV = 21,		/* START: string, repeated: NAME=value, complete but for the passwd's */
	KTAG_CWD = 22,		/* START: string; absent: the home directory */
	KTAG_UID = 23,		/* START: u64: run as this user */
	KTAG_SET_IDENTITY = 24,	/* START: u64 1: jobd is root: set groups, gid, uid; 0: stay as is */
	KTAG_UMASK = 25,	/* START: u64 */
	KTAG_LOG = 26,		/* START: string: the log's name below KEEPER_FD_LOGS, from GATE on */
	KTAG_CGROUP_BASE = 27,	/* START: string: writable cgroup v2 directory; absent: walk */
	KTAG_NOFILE_SOFT = 28,	/* START: u64: RLIMIT_NOFILE as jobd found it */
	KTAG_NOFILE_HARD = 29,	/* START: u64 */
	KTAG_GRACE_MS = 30,	/* START, DESIRE: u64: between TERM and KILL */
	KTAG_INVOCATION = 31,	/* START: string: the value of JOBD_INVOCATION in the job's environment */

	KTAG_SEQ = 40,		/* DESIRE, STATE: u64: which order; only ever grows */
	KTAG_LEVEL = 41,	/* DESIRE, STATE: u64: enum keeper_level */
	KTAG_CULPRIT = 42,	/* STATE: u64: pid that did not stop; the level is then LEVEL_RUN */
	KTAG_RECONTINUED = 43,	/* STATE: u64: pid that someone continued, and was stopped again */

	KTAG_SIGNAL = 50,	/* SIGNAL: u64 */
	KTAG_ALL = 51,		/* SIGNAL: u64 1: every process of the job; 0: the command's */

	KTAG_KIND = 60,		/* END: u64: enum keeper_end_kind */
	KTAG_STATUS = 61,	/* END: u64: wait status as wait(2) gives it */
	KTAG_EMPTY = 62,	/* END: u64 1: nothing of the job runs any more */
	KTAG_STEP = 63,		/* END spawn: string: what failed, such as "chdir /data" */
	KTAG_ERRNO = 64,	/* END spawn: u64 */
	KTAG_SHUTDOWN = 65,	/* END: u64 1: the keeper was told to end by somebody else than jobd */
	KTAG_CPU_US = 66,	/* END: u64 */
	KTAG_MAX_RSS_KB = 67,	/* END: u64 */
	KTAG_IN_BLOCKS = 68,	/* END: u64 */
	KTAG_OUT_BLOCKS = 69,	/* END: u64 */
	KTAG_ENDED_AT_US = 70,	/* END: u64: microseconds since the epoch */
	KTAG_BOOT_ID = 71,	/* END in an exit file: string */
	KTAG_SILENT = 72,	/* END: u64 1: nothing was written to the log, and there is none */

	KTAG_STAY = 80,		/* ACK: u64 1: do not leave, another job may follow on this connection.
				 * A keeper that does not know this leaves, and so does one that can't. */
};

enum keeper_level {
	LEVEL_RUN = 1,	/* run, or go on */
	LEVEL_STOP = 2, /* every process stopped, and seen so */
	LEVEL_END = 3,	/* TERM and CONT, after the grace KILL */
};

enum keeper_end_kind {
	KEEPER_END_EXITED = 1,	  /* the command ended: STATUS */
	KEEPER_END_SPAWN = 2,	  /* a step of its set-up failed, exec included: STEP, ERRNO */
	KEEPER_END_NEVER_RAN = 3, /* the gate closed: nothing was run */
};

/* A message that was read: its payload is borrowed from the buffer it was read from. */
struct kmsg {
	enum kmsg_type type;
	struct tlv_reader payload;
	size_t size; /* of the whole message: drop that much from the buffer */
};

/*
 * Appends a message to out. kmsg_begin returns a mark to hand to kmsg_end;
 * between them the payload's fields are put with tlv_put_*.
 */
size_t kmsg_begin(struct buf *out, enum kmsg_type type);
void kmsg_end(struct buf *out, size_t mark);

/*
 * Looks for a whole message at the start of in. Returns 1 and fills *m, 0 when
 * more bytes are needed, -1 when the peer is broken (a length over KMSG_MAX).
 */
int kmsg_parse(const struct buf *in, struct kmsg *m);

/* What an END message or an exit file says. step and boot_id are the owner's. */
struct keeper_end {
	uint64_t id;
	uint32_t attempt;
	uint64_t nonce;
	enum keeper_end_kind kind;
	int status; /* wait status */
	bool empty;
	bool shutdown;
	bool silent;
	char *step;
	int error; /* errno */
	uint64_t cpu_us, max_rss_kb, in_blocks, out_blocks;
	uint64_t ended_at_us;
	char *boot_id;
};

/* Puts the fields of an END into b (inside kmsg_begin and kmsg_end, or as an exit file's record). */
void keeper_end_put(struct buf *b, const struct keeper_end *e);
/* Reads them. Returns false when the record is malformed or there is no memory; *e
 * is empty then. */
bool keeper_end_get(struct tlv_reader *r, struct keeper_end *e);
/* Frees the strings, and makes it empty. */
void keeper_end_fini(struct keeper_end *e);

struct rusage;
/* Adds what a process used (getrusage(2)); of memory the most counts. */
void keeper_end_count(struct keeper_end *e, const struct rusage *ru);

#endif

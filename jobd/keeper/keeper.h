/* SPDX-License-Identifier: ISC */
/*
 * Inside of the program jobd-keeper: its one state, and what its files offer
 * each other.
 *
 *	keeper.c	main, the loop, signals, the end of processes
 *	start.c		what START says; everything that is made before the fork
 *	log.c		the job's log: a file that the command writes itself
 *	who.c		the user: name, home, groups
 *	child.c		the command's process, from the fork to the exec
 *	conn.c		connections to jobds: bytes and messages, adoption
 *	talk.c		what is said to jobd, and what is understood
 *	control.c	the table of states and events: levels, grace, the end
 *	exitfile.c	how it ended, on disk, when no jobd is there to be told
 */
#ifndef KEEPER_KEEPER_H
#define KEEPER_KEEPER_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "lib/buf.h"
#include "lib/kmsg.h"
#include "lib/tree.h"

#define NO_SEQ	    UINT64_MAX
#define PENDING_MAX 4 /* connections that have not said who they are */

enum phase {
	PHASE_WAITING,	 /* for START */
	PHASE_SETUP,	 /* the child sets itself up */
	PHASE_GATED,	 /* the child stands at the gate */
	PHASE_RUNNING,
	PHASE_STOPPING,	 /* SIGSTOP is sent, not all are seen stopped */
	PHASE_STOPPED,
	PHASE_ENDING,	 /* TERM is sent, the grace runs */
	PHASE_KILLING,	 /* KILL, until none is left */
	PHASE_REPORTING, /* all is over, and somebody has to know before the keeper may leave */
	PHASE_DONE,
};
#define PHASES (PHASE_DONE + 1)

enum event {
	EVENT_SET_UP,	 /* the child stands at the gate */
	EVENT_UNFIT,	 /* it could not be set up */
	EVENT_GATE,	 /* jobd opens the gate */
	EVENT_RUN,	 /* jobd wants it to run */
	EVENT_STOP,	 /* jobd wants it stopped */
	EVENT_END,	 /* jobd wants it ended; the grace is in k->deadline_us */
	EVENT_SHUTDOWN,	 /* somebody else told the keeper to end */
	EVENT_DIED,	 /* the command's process ended */
	EVENT_CHILD,	 /* something happened to another child, or to the command */
	EVENT_TIMER,	 /* k->due_us has come */
	EVENT_ALONE,	 /* the connection to jobd ended */
	EVENT_ACK,	 /* the end is on jobd's disk */
	EVENT_STAY,	 /* the same, and there may be more to do */
};
#define EVENTS (EVENT_STAY + 1)

/* What START says. Strings are the keeper's, and freed once the child has them. */
struct start {
	uint64_t id, nonce;
	uint32_t attempt, uid;
	char **argv, **env;
	char *cwd, *log, *cgroup_base, *invocation;
	bool set_identity;
	mode_t mask; /* umask */
	struct rlimit nofile;
	bool has_nofile;
	uint64_t grace_ms;
};

/* Who the job runs as, beyond the uid. user is NULL where that was not looked up, or is unknown. */
struct identity {
	char *user, *home, *shell;
	gid_t gid;
	gid_t *groups;
	size_t ngroups;
};

struct conn {
	int fd; /* -1: none */
	struct buf in, out;
};

/* The file that the command writes to. */
struct job_log {
	int fd;	       /* -1: none */
	char *name;    /* that it has, below KEEPER_FD_LOGS */
	char *due;     /* that it is to have when the gate opens */
	bool kept;     /* it was the last job's, which was silent */
};

struct keeper {
	enum phase phase;
	struct start start;
	struct identity identity;
	char name[KEEPER_NAME_MAX]; /* of the socket, the exit file, the cgroup */
	char *cgroup;		    /* directory, or NULL */
	struct job_log log;
	uint64_t self_start;
	char *title;	   /* argv[1], which jobd gives for ps(1) with room for any job; or NULL */
	size_t title_size; /* its length */
	int policy;	   /* scheduling, as it was at birth */
	struct sched_param scheduling;
	bool shielded; /* from the kernel's search for memory: the child must not be */

	int signals;	 /* signalfd */
	int listener;	 /* -1: none yet */
	struct conn jobd;
	struct conn pending[PENDING_MAX];

	/* The command. */
	pid_t pid;	 /* 0: was never forked */
	uint64_t pid_start;
	int gate;	 /* our end of the socket to the child; -1 once it has executed */
	bool dead;	 /* it has ended: a zombie, ours to reap */
	struct tree *tree;
	struct keeper_end end;

	/* What jobd wants, and how far it has come. */
	uint64_t seq;
	enum keeper_level level;   /* that was asked for */
	enum keeper_level reached; /* that is reached */
	bool owed;		   /* jobd waits for STATE: the answer to an order to stop */
	uint64_t failed_seq;	   /* the order to stop that was undone; NO_SEQ: none */
	pid_t culprit;		   /* because of this process */
	pid_t recontinued;	   /* was continued by somebody, and is being stopped again */
	uint64_t recontinued_us;   /* when that was last told */

	/* Timers, on the clock that never jumps; 0: none. */
	uint64_t due_us;      /* the next EVENT_TIMER */
	uint64_t deadline_us; /* of stopping, of the grace */
	unsigned tries;	      /* steps in this phase: they back off */
	bool hurried;	      /* the kernel was asked to let the keeper come first */
};

/* ---- start.c ---- */

/* Reads a START message. False when it makes no sense, or there is no memory. */
bool start_read(struct keeper *k, struct tlv_reader *r);
/* Frees its strings and lists, which are empty then. */
void start_fini(struct start *s);

/*
 * Looks up the user, makes the log, forks the child, makes cgroup and
 * listening socket. 0, or -1 with the culprit in k->end (step, error).
 */
int start_prepare(struct keeper *k);

/* Names the step that failed, for END. -1, to be returned. */
int start_failed(struct keeper *k, int error, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Removes what start_prepare made and nobody needs any more: socket, cgroup. */
void start_clean(struct keeper *k);

/* ---- log.c ---- */

/* Has a log that is empty and the job's user's: the last job's, or a new one. 0, or -1 as above. */
int log_prepare(struct keeper *k);

/* Gives the log its name: this start is the one that runs. 0, or -1 as above. */
int log_entitle(struct keeper *k);

/* Whether nobody has written to it, nor made anything else of it. False where there is none. */
bool log_is_blank(const struct job_log *l);

/* The job is over: its log is let go of, or kept for the next job where the command was silent. */
void log_settle(struct keeper *k);

/* Lets go of it; an empty one is removed. */
void log_drop(struct job_log *l);

/* ---- who.c ---- */

/*
 * Looks up START's user into k->identity, where anything of that is needed. A
 * name service may take its time. 0, or -1 with the culprit in k->end.
 */
int who_find(struct keeper *k);
void who_fini(struct identity *id);

/* ---- child.c ---- */

/* What the child says through the gate's socket: that it stands there (no step), or what failed. */
struct child_report {
	int error;
	char step[500];
};

/*
 * Forks the child, which sets itself up, reports, and waits for the gate. log
 * is where its output goes, cgroup (-1: none) a directory's descriptor; *inside says whether the
 * child was born in there, which not every kernel can do. 0 or -errno; the child does not return.
 */
int child_fork(struct keeper *k, int log, int cgroup, bool *inside);

/* Reads a report that is there: 1, 0 when there is none yet, -1 when the child's end is closed. */
int child_report(struct keeper *k, struct child_report *r);

/* Closes our end: a child that stands at the gate leaves. */
void child_close(struct keeper *k);

/* ---- conn.c ---- */

/* A connection on fd, which is its own from then on; -1: none. */
void conn_init(struct conn *c, int fd);
/* Closes it, and drops what was not read or sent. Where there is none nothing happens. */
void conn_close(struct conn *c);

/* Reads what there is into c->in. False when the peer has gone or there is no memory. */
bool conn_read(struct conn *c);

/* Writes what it can of c->out. What can't be written any more is dropped: reading says the rest. */
void conn_write(struct conn *c);

/* Binds and listens under name in the directory dir. A descriptor, or -errno. */
int conn_listen(int dir, const char *name);

/* Takes a connection whose peer may talk to us into a free (or the oldest) place. */
void conn_accept(struct keeper *k);

/* Reads a pending connection; the right HELLO makes it the one to jobd. */
void conn_hear(struct keeper *k, struct conn *c);

/* ---- talk.c ---- */

/* Each says something to jobd, at once as far as that can be; without a connection nothing. */

/* To one that has just connected: whose keeper this is, and where things stand. */
void talk_hello(struct keeper *k);
/* The command's process stands at the gate. */
void talk_ready(struct keeper *k);
/* The level that is reached, for the last order; culprit is the process that hindered it, or 0. */
void talk_state(struct keeper *k, pid_t culprit, pid_t recontinued);
/* How it ended, as far as it is known. */
void talk_end(struct keeper *k);

/* Understands all whole messages that jobd has sent. False when it talks nonsense. */
bool talk_listen(struct keeper *k);

/* ---- control.c ---- */

/* Something happened: does what the table says. */
void control(struct keeper *k, enum event ev);

/* ---- exitfile.c ---- */

/* Writes the record under name in dir, durably. 0 or -errno. Sets e->boot_id. */
int exitfile_write(int dir, const char *name, struct keeper_end *e);

/*
 * Whether nobody can ever be told: the directories of exit files and of
 * listening sockets were both removed, and with them every way to this keeper.
 */
bool exitfile_is_futile(void);

/* ---- keeper.c ---- */

/* Has ps(1) show whose keeper this is. */
void keeper_entitle(struct keeper *k, const char *title);

/*
 * Lets go of the job that was acknowledged, and stands as if just born. False
 * when something of it is still there: then the keeper has to leave.
 */
bool keeper_renew(struct keeper *k);

/* Reaps what became a zombie, the command excepted, and counts what it used. */
void keeper_reap_others(struct keeper *k);

#endif

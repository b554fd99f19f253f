/* SPDX-License-Identifier: ISC */
/*
 * What the files of the room share: the room, a keeper's record, and who may
 * call what. Nothing outside jobd/proc includes this.
 *
 * A record is freed in three places only: proc_flush, the handling of a
 * child's end and the handling of what a connection brings. A callback to core never frees the
 * record it was made for, so that code may go on with it afterwards.
 */
#ifndef PROC_INTERNAL_H
#define PROC_INTERNAL_H

#include <event2/event.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "jobd/proc/proc.h"
#include "lib/buf.h"
#include "lib/kmsg.h"
#include "lib/tree.h"

#define SILENT_AFTER_MS 5000  /* no answer for so long is silence */
#define START_LIMIT_MS	10000 /* not ready after so long: the start is given up */

enum phase {
	PHASE_STARTING = 1, /* spawned, or about to be found impossible */
	PHASE_READY,	    /* stands at the gate */
	PHASE_RUNNING,	    /* released or adopted: its keeper answers for it */
	PHASE_ORPHAN,	    /* its keeper died: the room answers for it */
	PHASE_OVER,	    /* core was told of the end; the acknowledgement is due */
	PHASE_LEAVING,	    /* core has forgotten it; its keeper may still be there */
};

enum link {
	LINK_NONE,     /* not connected */
	LINK_GREETING, /* HELLO was sent */
	LINK_GREETED,  /* HELLO came back; STATE or END follows */
	LINK_UP,
};

/* What is to be done at the flush (wanted), and what the flush has let go (due). */
enum {
	DO_GATE = 1 << 0,
	DO_DESIRE = 1 << 1,
	DO_ACK = 1 << 2,
	DO_ABANDON = 1 << 3,
};

/* Which of the tables a record stands in. */
enum roster_kind {
	ROSTER_ID,     /* by job */
	ROSTER_KEEPER, /* by the keeper's pid: our children alone */
	ROSTER_PID,    /* by the command's pid */
	ROSTER_KINDS,
};

struct keeper;

struct roster {
	struct keeper **slots;
	size_t nslots, used;
};

struct order_signal {
	int number;
	bool all;
};

struct orphan; /* orphan.c's */

struct keeper {
	struct proc *p;
	struct keeper *chain[ROSTER_KINDS]; /* within a slot */
	struct keeper *prev, *next;	   /* of all */
	struct keeper *next_wanted;	   /* of those with something to flush */
	bool in_wanted;

	uint64_t id, nonce;
	uint32_t attempt, uid;
	enum phase phase;
	bool child; /* the keeper is our child, not reaped yet */
	bool dead;  /* there is no such process any more */
	bool silent;
	bool stays; /* it was told to wait for another job */
	bool woken; /* it had waited for this one */
	bool exit_file_possible; /* it was without a connection for a while */
	bool inherited;		 /* the keeper died first: command and cgroup are ours to clear */
	pid_t keeper_pid, pid;
	uint64_t keeper_start, pid_start;
	char *cgroup, *boot_id;

	int fd;
	enum link link;
	struct event *readable, *writable;
	struct buf in, out;
	unsigned tries; /* to connect, since the last answer */
	uint64_t unanswered_since_us;

	unsigned wanted, due;
	enum keeper_level asked_level; /* by core; in force from the flush on */
	uint64_t asked_grace_ms;
	enum keeper_level level; /* in force */
	uint64_t grace_ms;
	uint64_t seq; /* of the order in force, as last sent */
	bool reached; /* core was told of its outcome */
	struct order_signal *signals;
	size_t nsignals, nsignals_due;

	struct keeper_end end;
	bool has_end; /* the command's end is known; its tree may live */

	struct event *timer; /* one purpose at a time: see keeper_after */
	void (*on_timer)(struct keeper *k);
	int start_error;

	int notify_fd;
	struct event *notify_event;
	bool notify_muted; /* not read for a while */
	int pidfd; /* of the command, where it is not our child */
	bool ran;  /* then: it was seen to have called exec */
	struct orphan *orphan;
};

struct inherited; /* handover.c's */
struct resting; /* rest.c's */

struct proc {
	struct proc_options o; /* strings are the room's own */
	struct proc_events ev;
	void *ctx;
	int binary_fd, null_fd;
	int keepers_fd, notify_fd, exits_fd, log_fd;
	char *cgroup_base; /* NULL: trees are walked */
	bool cgroup_made;  /* by us, so it is ours to remove */
	bool adopted;	   /* proc_adopted_all was called: unknown children may be reaped */
	uint64_t log_bucket; /* made last; UINT64_MAX: none */
	struct event *sigchld, *more, *sweep, *rest, *unmute;
	struct resting *resting; /* the last that came first */
	unsigned nresting;
	struct roster rosters[ROSTER_KINDS];
	struct keeper *all, *first_wanted;
	struct inherited *inherited; /* until all are adopted */
	size_t ninherited;
};

/* keeper.c: the record */
/*
 * A record of an attempt whose keeper is not known yet, named by its job. NULL without memory. It
 * is the room's, and freed as is said above.
 */
struct keeper *keeper_new(struct proc *p, uint64_t id, uint32_t attempt, uint64_t nonce);
/* Closes what it holds open and takes it out of all tables; no file is removed. NULL is safe. */
void keeper_free(struct keeper *k);
/* Takes the job's name from it: core may start the next attempt. */
void keeper_detach(struct keeper *k);
/* Gives a start up: the flush closes its gate, and it leaves by itself. */
void keeper_abandon(struct keeper *k);
/* Has the flush see to k: what of DO_*, or 0 for signals alone. */
void keeper_want(struct keeper *k, unsigned what);
/* Whether core still waits for the outcome of the order in force, and has given no later one. */
bool keeper_is_awaited(const struct keeper *k);
/*
 * Calls fn from the loop after so long (0: in the next round), instead of what was to come. NULL:
 * nothing comes any more.
 */
void keeper_after(struct keeper *k, uint64_t ms, void (*fn)(struct keeper *k));
/* The name of the attempt's socket, exit file and cgroup. */
void keeper_name(const struct keeper *k, char name[KEEPER_NAME_MAX]);
/* The value of JOBD_INVOCATION, cut to size: which jobd's, which job's, which attempt. */
void keeper_invocation(const struct keeper *k, char *text, size_t size);
/* The command's process from now on; 0: none that is known. */
void keeper_set_pid(struct keeper *k, pid_t pid, uint64_t start);
/* Who stands at its gate. */
struct proc_ready keeper_ready(const struct keeper *k);
/* The reports to core. Each makes the phase what it must be. */
/* How it ended is in k->end. */
void keeper_report_end(struct keeper *k);
/* text says why, and is borrowed; gone: nothing of the attempt can be running any more. */
void keeper_report_lost(struct keeper *k, const char *text, bool gone);
/* error is -errno: nothing was run. The keeper counts as dead. */
void keeper_report_unstarted(struct keeper *k, int error, const char *text);
/* Whether the keeper is silent. Nothing is reported twice. */
void keeper_report_silent(struct keeper *k, bool is);
/* On a timer: a name service or a file system hangs, and the job's slot is not to hang with it. */
void keeper_report_unready(struct keeper *k);
/*
 * The keeper's process is gone: what has to follow. wait_status: how it ended, < 0 where that is
 * not known. May free k.
 */
void keeper_gone(struct keeper *k, int wait_status);
/* Removes what an attempt leaves in the file system, and frees k. */
void keeper_forget(struct keeper *k);
/* A line in the log about k; detail may be NULL. */
void keeper_log(int priority, const struct keeper *k, const char *event, const char *detail);

/* roster.c: finds records. They stay their owner's. */
/* 0 or -ENOMEM; then, too, roster_fini is safe. */
int roster_init(struct proc *p);
void roster_fini(struct proc *p);
/* Puts k in under the key that it has now, which must not change while it is in. Can't fail. */
void roster_put(struct keeper *k, enum roster_kind kind);
/* Takes it out; where it is not in, nothing happens. */
void roster_remove(struct keeper *k, enum roster_kind kind);
/*
 * The record of that key, or NULL. Of several, which only ROSTER_PID may have, any; k->chain leads
 * to the others, among those of other keys.
 */
struct keeper *roster_find(const struct proc *p, enum roster_kind kind, uint64_t key);

/* spawn.c */
/*
 * Gives the job a keeper, one that rests or a new one, and tells it to start; env is the job's
 * environment without what is ours, or NULL. It is PHASE_STARTING, and reported unready after
 * START_LIMIT_MS. 0 or -errno: no keeper knows of the job then.
 */
int spawn_keeper(struct keeper *k, const struct job *j, char *const *env, uint64_t grace_ms);

/* rest.c: keepers at rest, between two jobs */
/* Whether a keeper that is acknowledged now may stay for another job. */
bool rest_is_wanted(const struct keeper *k);
/* Its keeper was told to stay: lays it to rest, and frees k. Or sends it away, and k waits for
 * that. */
void rest_begin(struct keeper *k);
/*
 * Sends what one at rest can take of a START. Its connection, with what is left
 * to be sent in start; or -1 where none rests. Its death is then the caller's to hear of.
 */
int rest_wake(struct proc *p, struct buf *start, pid_t *pid);
/* A child nobody else knows was reaped. */
void rest_reaped(struct proc *p, pid_t pid);
/* Sends away those that have rested long enough; all of them. */
void rest_end(struct proc *p);
void rest_close(struct proc *p);

/* conn.c: the connection to a keeper */
/* fd is the record's from then on; on -ENOMEM it stays the caller's. 0 otherwise. */
int conn_open(struct keeper *k, int fd, enum link link);
/* Closes it, and drops what was not read or sent. Where there is none nothing happens. */
void conn_close(struct keeper *k);
/* Asks a keeper that was connected to who it is. */
void conn_send_hello(struct keeper *k);
/* Writes what waits; the rest goes when the socket takes it. */
void conn_write(struct keeper *k);
/* Writes what is due, if there is a connection to write it to. */
void conn_push(struct keeper *k);
/* Reads and handles all that is there. True at the end of the stream. */
bool conn_read(struct keeper *k);

/* adopt.c */
/* On a timer: takes up the job that a former jobd started, as the head of adopt.c says. */
void adopt_begin(struct keeper *k);
/* Connects again to a keeper that closed its connection. */
void adopt_reconnect(struct keeper *k);
/* A released job's keeper is no more: exit file, else its command, else lost. how is for the log. */
void adopt_without_keeper(struct keeper *k, const char *how);
/* The keeper has said who it is: it is not silent. */
void adopt_greeted(struct keeper *k);
/* What the keeper left in writing. True, and k->end, when it is this attempt's. */
bool adopt_take_exit_file(struct keeper *k);
/* Whether that process is our child, alive or a zombie. */
bool adopt_is_child(pid_t pid, uint64_t start);

/* orphan.c */
/* survivors, which is taken over, names what is left of a tree whose command is gone; else NULL. */
void orphan_begin(struct keeper *k, char *survivors);
/* Learns, does what is due, and goes on with what is under way. May report the end. */
void orphan_step(struct keeper *k);
/* Signals the command or all; not what has ended, nor what is paused with SIGCONT. */
void orphan_signal(struct keeper *k, const struct order_signal *s);
/* Forgets how far it was. Where there is no orphan nothing happens. */
void orphan_free(struct keeper *k);
/* A child of ours that is a job's command has ended, and is held until the acknowledgement. */
void orphan_command_ended(struct keeper *k);

/* survivors.c: whose a process is */
struct survivors_search;
/*
 * A search that is repeated: it remembers who was found to be somebody else's. NULL without
 * memory, or where there is no /proc; it may be freed at any time.
 */
struct survivors_search *survivors_new(const struct keeper *k, bool children_only);
void survivors_free(struct survivors_search *s);
/*
 * Calls fn for each process of the attempt that can be told by its environment:
 * among our children, or among all processes. NULL finds none.
 */
void survivors_each(struct survivors_search *s, void (*fn)(void *ctx, pid_t pid), void *ctx);
/* "pids 12 13 survived" or NULL; the caller's. */
char *survivors_text(const struct keeper *k);

/* pidinfo.c: what the kernel says of a process that is not our child */
/* A pidfd of the process of that number and start time, the caller's; -1 where there is none. */
int pidinfo_open(pid_t pid, uint64_t start);
/* It lives; it has ended, and how is known; that may be known soon; it never will be. */
enum pidinfo { PIDINFO_ALIVE, PIDINFO_ENDED, PIDINFO_SOON, PIDINFO_UNKNOWN };
/* pidfd < 0: unknown. wait_status is set where PIDINFO_ENDED is returned, and only there. */
enum pidinfo pidinfo_status(int pidfd, pid_t pid, int *wait_status);
/*
 * Whether the process of that number and start time, which lives or is a zombie, has got as far as
 * exec: 1, 0, and -1 where there is none.
 */
int pidinfo_has_run(pid_t pid, uint64_t start);

/* reap.c */
/*
 * Handles all children that have ended, but a bounded number a turn; nothing before
 * proc_adopted_all. May report ends, and free records.
 */
void reap_children(struct proc *p);
/* In the next round of the loop. */
void reap_later(struct proc *p);

/* notify.c: the attempt's notify socket */
/* Makes it, or takes the one that a former self left. 0, or -errno and there is none. */
int notify_open(struct keeper *k);
/* Reports what is waiting there, up to a turn's share. */
void notify_drain(struct keeper *k);
/* Closes it; its file stays. */
void notify_close(struct keeper *k);
/* Reads again from those that were not read for a while. */
void notify_unmute(struct proc *p);
/* The file is removed too. */
void notify_remove(struct keeper *k);

/* handover.c: the notify sockets that a former self left; h may be NULL */
/* 0 or -ENOMEM. */
int inherited_open(struct proc *p, struct handover *h);
/* The socket of an attempt, the caller's from now on; -1 where there is none. */
int inherited_take(struct proc *p, uint64_t id, uint32_t attempt);
/* Closes those that nobody took. */
void inherited_close(struct proc *p);

/* cgroup.c */
/* Sets p->cgroup_base where cgroups are wanted and can be used; if they can't, the log says so. */
void cgroup_choose(struct proc *p);
/* Removes what was made, where no job is in it. */
void cgroup_release(struct proc *p);

/* dirs.c: directories, logs, and the sweep of what nobody owns */
/* Opens, and makes, the directories, /dev/null and the keeper's program. 0, or -errno and *why. */
int dirs_open(struct proc *p, char **why);
void dirs_close(struct proc *p);
/* An attempt's log, relative to log_fd, cut to size. */
void dirs_log_name(uint64_t id, uint32_t attempt, char *name, size_t size);
/* Makes the directory that the job's logs are in. 0 or -errno. */
int dirs_log_prepare(struct proc *p, uint64_t id);
/* Removes what would have become the log had the gate been opened. */
void dirs_log_forget(const struct keeper *k);
/* Removes the files of attempts that are not present: sockets, exit files, logs without a name. */
void dirs_sweep(struct proc *p);
/* Removes the cgroups of attempts that are not present, where they are empty. */
void dirs_sweep_cgroups(struct proc *p);

/* Sweeps once more, when what is about to leave has left. */
void proc_sweep_later(const struct proc *p);
/* Sweeps in a second what could not be removed now. */
void proc_sweep_soon(const struct proc *p);

#endif

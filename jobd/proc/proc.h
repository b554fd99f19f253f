/* SPDX-License-Identifier: ISC */
/*
 * Keepers, as core sees them: started, let go, ordered about, adopted, let
 * leave. What is said to a keeper waits until proc_flush, which comes after the
 * commit; what keepers say arrives through the callbacks, in the loop.
 *
 * A job has at most one keeper, named by the job's id. Where a keeper died and
 * left its command behind, the room controls the orphans itself, under the same
 * name: core sees no difference but the orphaned callback.
 */
#ifndef PROC_PROC_H
#define PROC_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "jobd/core/job.h"
#include "lib/kmsg.h"

struct aside;
struct event_base;
struct handover;
struct proc;

/* What is known of an attempt that stands ready. Borrowed for the callback. */
struct proc_ready {
	pid_t keeper_pid, pid;
	uint64_t keeper_start, pid_start;
	const char *cgroup; /* or NULL */
};

/* What the room tells core. Every callback comes from the loop, never from inside a proc_ call. */
struct proc_events {
	/* The command's process stands at the gate. Record it, commit, proc_release. */
	void (*ready)(void *ctx, uint64_t id, const struct proc_ready *r);
	/*
	 * No keeper could be had (error is -EAGAIN, -ENOMEM, …), or it was not ready in time
	 * (-ETIMEDOUT), or it died first (-ECHILD), or it was one that was about to leave (-ESTALE:
	 * another may be had at once): nothing was run, and nothing will be. The keeper is
	 * forgotten. text says the same for a person; it has been logged.
	 */
	void (*unstarted)(void *ctx, uint64_t id, int error, const char *text);
	/* Every process of the job has been seen stopped. */
	void (*stopped)(void *ctx, uint64_t id);
	/* The job runs (again). */
	void (*running)(void *ctx, uint64_t id);
	/* This process did not stop; all others were continued. */
	void (*unstoppable)(void *ctx, uint64_t id, pid_t pid);
	/* Somebody continued a process of a paused job; it was stopped again. */
	void (*recontinued)(void *ctx, uint64_t id, pid_t pid);
	/*
	 * The attempt is over and nothing of it runs any more. Record it, commit,
	 * proc_acknowledge. Comes before ready where the set-up failed.
	 */
	void (*ended)(void *ctx, uint64_t id, const struct keeper_end *e);
	/*
	 * How the attempt ended can't be known. text names who was left, and ended. gone: it is
	 * certain that nothing of it runs any more (the host restarted, or its cgroup is empty);
	 * where its processes had to be looked for, one may have been missed. Then as for ended.
	 */
	void (*lost)(void *ctx, uint64_t id, const char *text, bool gone);
	/* The keeper died, its command goes on, and the room looks after it. */
	void (*orphaned)(void *ctx, uint64_t id);
	/* The keeper does not answer (true), or answers again. */
	void (*silent)(void *ctx, uint64_t id, bool is);
	/* A datagram of the job's notify socket: len bytes, not NUL-terminated. */
	void (*notified)(void *ctx, uint64_t id, const char *text, size_t len);
};

struct proc_options {
	struct event_base *base;
	const char *state_dir, *runtime_dir; /* exist */
	const char *keeper_path;	     /* opened at once, executed ever after */
	const char *instance;		     /* for JOBD_INVOCATION */
	const char *socket_path;	     /* for JOBD_SOCKET */
	const char *boot_id;
	const char *cgroup; /* "auto", "no", or a writable cgroup v2 directory */
	bool set_identity;  /* we are root: keepers change to the job's user */
	uint64_t nofile_soft, nofile_hard; /* what jobd was born with, for the jobs */
	struct aside *aside; /* borrowed; NULL: what may sleep is done at once */
	struct handover *handover; /* what a former self left by proc_handover, or NULL; for proc_open */
};

/*
 * Prepares directories, the keeper's binary and the subreaper flag. 0, or
 * -errno and *why (the caller's; NULL where there is nothing to add).
 *
 * Takes SIGCHLD, which must not be blocked, and every child of the process: who
 * else starts one may find it reaped (ECHILD).
 */
int proc_open(const struct proc_options *o, const struct proc_events *ev, void *ctx,
    struct proc **out, char **why);

/* Closes what is jobd's; keepers and jobs go on. */
void proc_close(struct proc *p);

/*
 * Starts a keeper, at once, for the next attempt of j, whose number is attempt. env is the
 * submitter's environment; JOBD_* and NOTIFY_SOCKET are added. grace_ms is
 * between TERM and KILL. ready, ended or unstarted follows. The nonce is made
 * here and returned in *nonce. Returns 0, -EEXIST where the job has a keeper, -ENOMEM,
 * -EIO; every other failure is told by unstarted.
 */
int proc_start(struct proc *p, const struct job *j, uint32_t attempt, char *const *env,
    uint64_t grace_ms, uint64_t *nonce);

/* Whether the command stands at the gate: then what is known of it, borrowed until the next call. */
bool proc_is_ready(const struct proc *p, uint64_t id, struct proc_ready *r);

/* Opens the gate, after the flush. */
void proc_release(struct proc *p, uint64_t id);

/* Closes the gate of a keeper that is not released: nothing will run, nothing is reported. */
void proc_abandon(struct proc *p, uint64_t id);

/* Orders the desired state, after the flush. grace_ms is for LEVEL_END: 0 is SIGKILL at once. */
void proc_order(struct proc *p, uint64_t id, enum keeper_level level, uint64_t grace_ms);

/* Sends a signal, after the flush, to the command's process or to all of the job. */
void proc_signal(struct proc *p, uint64_t id, int sig, bool all);

/* The end is on disk: the keeper may leave, after the flush, and is forgotten. Exit file,
 * sockets, cgroup and orphans' bookkeeping go with it. */
void proc_acknowledge(struct proc *p, uint64_t id);

/*
 * Takes up a job that was running or paused when the last jobd ended: connects
 * to its keeper, else reads its exit file, else looks for its processes. level is what is
 * wanted of it; running, stopped, ended, lost, orphaned or silent follows. Returns 0, or
 * -ENOMEM: then nobody answers for the job, and jobd must not go on as if somebody did.
 */
int proc_adopt(struct proc *p, const struct job *j, enum keeper_level level, uint64_t grace_ms);

/*
 * After all adoptions, always, and before the first turn: exit files and
 * sockets that belong to no job are removed (and once more a few seconds later).
 * Until then no child is reaped, since it may be the command of a job to be adopted.
 */
void proc_adopted_all(struct proc *p);

/*
 * Puts into a record what a next self is to have: the jobs' notify sockets. To be called right
 * after proc_flush; changes nothing.
 */
void proc_handover(const struct proc *p, struct handover *h);
/*
 * Whether everything that can't be said again to a keeper (signals) has been said. A keeper
 * that is silent may keep it from being so for ever.
 */
bool proc_is_settled(const struct proc *p);

/* Sends what waited for the commit. */
void proc_flush(struct proc *p);

/* "cgroup" or "walk": how new jobs' processes are found. */
const char *proc_tree_kind(const struct proc *p);

/* The log of an attempt, for reading: a descriptor, or -errno. */
int proc_log_open(const struct proc *p, uint64_t id, uint32_t attempt);
/*
 * Removes the log of an attempt, if there is one. Not of one that was silent: its name may be
 * that of a file which is about to be another job's.
 */
void proc_log_remove(const struct proc *p, uint64_t id, uint32_t attempt);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * A job's processes, all of them: found, stopped, continued, signalled, ended.
 * Libc only; used by the keeper for its descendants, and by jobd for what a
 * dead keeper left behind.
 *
 * Members are the descendants of the root and of those that were named, found by
 * walking /proc/PID/task/TID/children to a fixpoint, since the kernel may leave
 * out entries while siblings exit; and, where a cgroup is given, whoever is in
 * it. (A job that runs as root can leave its cgroup, but not its ancestors.) A
 * process is opened (pidfd), then shown to belong, then signalled through the
 * descriptor: a number alone is never signalled.
 *
 * Nothing here waits. What takes time is a step that the caller repeats.
 */
#ifndef LIB_TREE_H
#define LIB_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tree;

enum tree_progress {
	TREE_DONE,  /* reached */
	TREE_AGAIN, /* not yet: call again in a moment (a few milliseconds) */
	TREE_STUCK, /* a process may not be signalled: its pid is in *culprit */
};

/*
 * The tree of everything below the process root (which is not itself a
 * member, and has one thread; the keeper passes its own pid); 0 for none.
 * cgroup is a cgroup v2 directory or NULL; it is opened here, and one that
 * can't be opened is done without. Returns NULL when there is no memory (or no /proc).
 */
struct tree *tree_new(pid_t root, const char *cgroup);

/*
 * Adds a process that is a member itself, with everything below it: what jobd
 * inherited. start is its start time (tree_start_time), 0 for "as it is now".
 * Returns 0, -ESRCH when it is gone or another, or -errno.
 */
int tree_adopt(struct tree *t, pid_t pid, uint64_t start);

/* Closes and frees; signals nothing. NULL is fine. */
void tree_free(struct tree *t);

/* How many members are there that are not zombies. At the cost of a walk. */
size_t tree_count(struct tree *t);

/*
 * Whether the root has no child but this one, which the caller knows to be a
 * zombie, and which so has no children itself. One read: for the job that
 * leaves nothing behind, which is nearly every one.
 */
bool tree_has_only(struct tree *t, pid_t zombie);

/*
 * One step towards every member stopped: sends SIGSTOP to every one not seen
 * stopped, and once to one that a tracer has stopped, which then stays so where
 * the tracer lets it go on; and looks. Stopped means every thread is T, t, Z or X, or D with
 * SIGSTOP pending. DONE only when a further walk found nothing new. On AGAIN
 * *culprit is a process still running (or 0). The caller bounds the time.
 */
enum tree_progress tree_stop_step(struct tree *t, pid_t *culprit);

/*
 * Whether every member that is known is (still) stopped; *culprit is one that is
 * not. Looks for others only while none is known: the stopped have no children.
 */
bool tree_is_stopped(struct tree *t, pid_t *culprit);

/* SIGCONT to every member. */
void tree_continue(struct tree *t);

/*
 * Sends sig to every member there is (to a fixpoint of one walk after another,
 * but not to those who were started since it was sent first). Returns how many had it.
 */
size_t tree_signal(struct tree *t, int sig);

/*
 * Sends sig, once, to those that were started since the last tree_signal and
 * whose parent has ended since, so that they are the root's children now:
 * nobody who had the signal is left to look after them. Returns how many had it.
 */
size_t tree_signal_late(struct tree *t, int sig);

/*
 * One step towards no member left (zombies aside): SIGKILL to all, through
 * cgroup.kill where there is one. The caller reaps what are its children.
 */
enum tree_progress tree_kill_step(struct tree *t, pid_t *culprit);

/* Start time of a process, ticks since boot; 0 when there is none. */
uint64_t tree_start_time(pid_t pid);

#endif

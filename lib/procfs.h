/* SPDX-License-Identifier: ISC */
/*
 * What /proc says of a process, as far as a tree of them needs it. Libc only.
 *
 * Everything is read relative to a descriptor of /proc, in as few calls as it
 * takes: a pause of eight processes reads some fifty of these files. Whatever
 * is read may be of another process by the time it is used; who acts on it
 * holds a pidfd and looks again.
 *
 * Children are listed by the kernel (CONFIG_PROC_CHILDREN, which every
 * distribution sets).
 */
#ifndef LIB_PROCFS_H
#define LIB_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct procfs_stat {
	pid_t ppid;
	char state;	  /* R, S, D, T, t, Z, X, … : of the one thread, or of the first */
	unsigned threads; /* that are not reaped */
	uint64_t start;	  /* ticks since boot */
	bool unexecuted;  /* it was forked, and is no other program yet; true of a zombie too */
};

/* A growing list of numbers. Start with PIDLIST_INIT; free v. */
struct pidlist {
	pid_t *v;
	size_t n, cap;
};

#define PIDLIST_INIT { NULL, 0, 0 }

/* A descriptor of /proc, close-on-exec, or -errno. */
int procfs_open(void);

/*
 * Reads /proc/PID/stat, or /proc/PID/task/TID/stat where tid is not 0. 0, or
 * -errno: -ENOENT or -ESRCH where there is none (any more).
 */
int procfs_stat(int proc, pid_t pid, pid_t tid, struct procfs_stat *out);

/* The same of one process, for who reads no more and so needs no descriptor of /proc. */
int procfs_look(pid_t pid, struct procfs_stat *out);

/* The wait status of a zombie, which root alone is told; others read 0. 0 or -errno as above. */
int procfs_exit_status(pid_t pid, int *wait_status);

/* Takes apart the text of a stat file. False when it is not one. */
bool procfs_stat_parse(const char *text, struct procfs_stat *out);

/* Appends the children that the thread tid of pid has. 0 or -errno. */
int procfs_children(int proc, pid_t pid, pid_t tid, struct pidlist *l);

/* Appends our own children, those of all threads, as far as there is memory for them. */
void procfs_own_children(struct pidlist *l);

/* Appends all processes that are to be seen. 0 or -errno. */
int procfs_processes(int proc, struct pidlist *l);

/* Appends the threads of pid, the first one included. 0 or -errno. */
int procfs_threads(int proc, pid_t pid, struct pidlist *l);

/* Whether SIGSTOP waits for the thread tid of pid, or for all of them. */
bool procfs_stop_pending(int proc, pid_t pid, pid_t tid);

/*
 * Appends the numbers in a file that holds one a line or separated by blanks
 * (children, cgroup.procs). 0 or -errno.
 */
int procfs_numbers(int dir, const char *path, struct pidlist *l);

#endif

/* SPDX-License-Identifier: ISC */
/* Wait statuses: how they are had, and the one decoder of them. Libc only. */
#ifndef LIB_STATUS_H
#define LIB_STATUS_H

#include <stdbool.h>
#include <sys/types.h>

struct rusage;

/* A wait status, as wait(2) gives it, taken apart. */
struct status {
	int code;   /* exit code, or -1 */
	int signal; /* signal that ended it, or 0 */
};

/* Takes it apart. Of a process that only stopped or went on: no code and no signal. Pure. */
struct status status_decode(int wait_status);

/*
 * Looks for a child that has ended, pid or (0) any: waitid(2), which never waits here. leave: it
 * stays a zombie; else it is reaped. Its pid; 0 where none has ended yet; -errno, -ECHILD where
 * there is no such child. wait_status and usage (what it used, with its children that were waited
 * for) may be NULL, and are set only where a pid is returned.
 */
pid_t status_wait(pid_t pid, bool leave, int *wait_status, struct rusage *usage);

/* Makes a wait status from what waitid(2) tells (si_code, si_status). */
int status_from_siginfo(int code, int value);

/* "TERM" for SIGTERM; digits for what has no name. Borrowed, until the next call. */
const char *status_signal_name(int sig);

/* The number for "TERM", "SIGTERM" or "15"; 0 when there is none. */
int status_signal_parse(const char *name);

/* Whether a signal stops or continues a process: SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT. */
bool status_signal_stops(int sig);

/* What a shell would report: the code, or 128 + signal. */
int status_shell_code(int wait_status);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * Becoming a daemon, and telling who waits for it: the shell that started it,
 * and a service manager that listens at $NOTIFY_SOCKET.
 */
#ifndef SYS_DAEMON_H
#define SYS_DAEMON_H

#include <stdint.h>

/*
 * Goes to the background: no descriptor past 2, a session of its own, no
 * controlling terminal, / as its directory. Returns in the daemon alone, with a
 * descriptor to hand to one of the next two. The process that was started waits
 * for that, and exits: 0 when ready; 1 when failed, or when the daemon died
 * without a word, with the reason on stderr, which stays open until then.
 * Returns -errno in the first process when it could not fork. To be called before there is
 * a thread or an open descriptor, and with absolute paths only.
 */
int daemon_begin(void);

/* The daemon is up: releases the first process, puts 0 to 2 on /dev/null. fd < 0: does nothing. */
void daemon_ready(int fd);

/* It could not start: the first process says why and exits 1. fd < 0: why goes to stderr. */
void daemon_failed(int fd, const char *why);

/*
 * Takes $NOTIFY_SOCKET out of the environment and remembers it: it is jobd's,
 * and must not leak into keepers or over an exec into anything but jobd. Call once, at
 * start. For jobd to execute itself notify_environment puts it back, and notify_variable gives it:
 * "NOTIFY_SOCKET=…", the caller's; NULL where there is none.
 */
void notify_take(void);
void notify_environment(void);
char *notify_variable(void);

/*
 * READY=1, RELOADING=1 (READY=1 follows it), STOPPING=1; nothing where nobody
 * listens. status may be NULL. within_ms: how long the stop may take (0: it is nothing to
 * speak of); the manager is asked to have that much patience.
 */
void notify_ready(const char *status);
void notify_reloading(void);
void notify_stopping(const char *status, uint64_t within_ms);

#endif

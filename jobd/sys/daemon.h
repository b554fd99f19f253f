/* SPDX-License-Identifier: ISC */
/* Becoming a daemon, and telling the shell that started it what came of that. */
#ifndef SYS_DAEMON_H
#define SYS_DAEMON_H

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

#endif

/* SPDX-License-Identifier: ISC */
/*
 * The system's log socket, spoken to directly. It does what syslog(3) does, and tells
 * besides whether a line was taken: syslog(3) returns nothing, so what it loses while
 * there is no syslog daemon (one that is restarted, for instance) nobody can count or repeat.
 * For one thread; knows nothing of the log's lines.
 */
#ifndef SYS_DEVLOG_H
#define SYS_DEVLOG_H

#include <stdbool.h>
#include <time.h>

struct devlog {
	const char *path;  /* NULL: /dev/log. Borrowed */
	const char *ident; /* Borrowed */
	int fd;		   /* -1: not connected */
	bool stream;
};

#define DEVLOG_INIT { NULL, "jobd", -1, false }

/*
 * Sends a line, connecting where need be. priority: facility and severity, as for syslog(3).
 * Waits at most about a second for a reader that is stuck. False: nobody has taken it.
 */
bool devlog_write(struct devlog *d, int priority, time_t at, const char *text);

void devlog_close(struct devlog *d);

#endif

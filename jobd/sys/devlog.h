/* SPDX-License-Identifier: ISC */
/*
 * The system's log: syslog(3), asked beforehand whether anybody would take a line.
 *
 * syslog(3) returns nothing, and waits for a reader that is stuck: what it loses while
 * there is no syslog daemon (one that is restarted, for instance) nobody could count or
 * repeat. So each line is preceded by a look at the log socket, with a socket of our own.
 * For one thread; knows nothing of the log's lines.
 */
#ifndef SYS_DEVLOG_H
#define SYS_DEVLOG_H

#include <stdbool.h>
#include <sys/types.h>

struct devlog {
	const char *ident; /* for syslog(3). Borrowed for as long as lines are written */
	dev_t dev;	   /* the socket that syslog(3) is connected to; 0 and 0: none */
	ino_t ino;
};

#define DEVLOG_INIT { .ident = "jobd" }

/*
 * Writes a line by syslog(3). priority: facility and severity. False, and nothing was written,
 * where nobody listens, or a reader that is stuck has taken none for a second.
 */
bool devlog_write(struct devlog *d, int priority, const char *text);

void devlog_close(struct devlog *d);

/*
 * Whether somebody listens at a log socket, and would take a line within so long: the device and
 * inode of the socket, which is another when another daemon has come in the place of the last.
 */
bool devlog_is_ready(const char *path, int wait_ms, dev_t *dev, ino_t *ino);

#endif

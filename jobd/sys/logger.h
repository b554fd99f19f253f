/* SPDX-License-Identifier: ISC */
/*
 * Where log lines go: standard error in the foreground, else the system's log through
 * a thread of its own, which waits when its reader is stuck or not there. The loop
 * never waits: what finds the queue full is dropped and counted, and the count is
 * logged once lines flow again.
 */
#ifndef SYS_LOGGER_H
#define SYS_LOGGER_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define LOGGER_LAST_MS 2000 /* what logger_close is given where the process ends */

/* Lines that were dropped, by former selves too. */
struct logger_lost {
	uint64_t dropped; /* all */
	uint64_t unsaid;  /* of them, those whose loss is not logged yet */
	uint64_t last_us; /* when the last one was, by clock_mono_us; 0: not known */
};

struct logger_options {
	bool foreground;
	int facility;	   /* LOG_DAEMON or another */
	struct logger_lost lost; /* by a former self */
	const char *ident; /* NULL: "jobd". Borrowed for as long as the logger is open */
	/* What writes a line; false: not taken, to be tried again. NULL:
	 * the system's log. For tests. */
	bool (*write)(void *ctx, int priority, const char *text);
	void *ctx;
};

/*
 * Opens the one logger of the process and makes it lib/log's sink. To be called
 * after going to the background (threads do not survive a fork). 0 or -errno.
 */
int logger_open(const struct logger_options *o);

/* Opens it again as it was, after logger_close, when the end has not come after all. 0 or -errno. */
int logger_reopen(void);

/* A reload may change the facility. */
void logger_set_facility(int facility);

/* What was lost until now. */
struct logger_lost logger_lost(void);

/* Waits at most wait_ms for what is queued, and tells what would be lost were the process to end now. */
struct logger_lost logger_drain(unsigned wait_ms);

/*
 * Waits at most wait_ms for what is queued, and not at all where nobody takes it; goes back to
 * standard error.
 */
void logger_close(unsigned wait_ms);

#endif

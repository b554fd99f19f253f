/* SPDX-License-Identifier: ISC */
/*
 * Putting another program in charge, while jobs run and clients wait: the one that lies now where
 * jobd was started from. It is tried first (trial.h); then, at the end of a turn, when all is committed and
 * sent, what must not be lost goes into a record (lib/handover.h), and the program is executed in
 * this one's place. Whatever fails before that is told, and changes nothing.
 *
 * What does not go along is found again as after a crash.
 */
#ifndef JOBD_REEXEC_H
#define JOBD_REEXEC_H

#include <stdbool.h>
#include <stdint.h>

#include "jobd/sys/logger.h"
#include "lib/handover.h"

struct actor;
struct jobd;
struct reexec;
struct restart;

/* What the daemon's own section of the record says, for the next self. */
struct reexec_past {
	struct handover *record; /* NULL: this is no such next self */
	char version[64];	 /* of the former one */
	uint64_t started_at_us;
	struct logger_lost lost;      /* lines of the log */
	int state_lock, runtime_lock; /* descriptors, to be claimed; 0: none */
};

/*
 * Takes what a former self left, if anything, and with it r. A record that is damaged is logged, and
 * jobd starts as after a crash; r->is is set then, too.
 */
void reexec_take(struct reexec_past *past, struct restart *r);
/* All rooms have taken theirs, or none will any more. */
void reexec_taken(struct reexec_past *past);

/*
 * The path that the next self is at, absolute; NULL when there is no memory. again: a former self has
 * executed this one, and gave the path as argv0.
 */
char *reexec_program(const char *argv0, bool again);

/* For api_options, with the daemon as the context. */
bool reexec_begin(void *ctx, const struct actor *who);
/* After each turn's flush: executes the next self, when it is time. */
void reexec_turn(struct jobd *d);
/* reexec_free(NULL) is safe. */
void reexec_free(struct reexec *r);

#endif

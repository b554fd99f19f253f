/* SPDX-License-Identifier: ISC */
/*
 * Crash points: named places where a test kills the process, to show that
 * nothing is lost there. Libc only.
 *
 * JOBD_CRASH_AT=name (or name:3, the third time it is reached) in the
 * environment arms one of them. jobd hands the variable on to its keepers, and
 * to nobody else; keepers' points begin with "keeper-". CRASH_POINTS in
 * crash.c lists them all; a name that is not listed is refused at start.
 */
#ifndef LIB_CRASH_H
#define LIB_CRASH_H

#include <stdbool.h>

/* Reads JOBD_CRASH_AT. False when it names no known point. Call once, at start. */
bool crash_init(void);

/* Kills the process with SIGKILL if this point is armed and its turn has come. */
void crash_point(const char *name);

/* The NULL-terminated list of all names. */
const char *const *crash_names(void);

#endif

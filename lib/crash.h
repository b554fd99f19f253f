/* SPDX-License-Identifier: ISC */
/*
 * Crash points: named places where a test kills the process, to show that
 * nothing is lost there. Libc only.
 *
 * JOBD_CRASH_AT=NAME[:N][@FILE] in the environment arms one of them. The Nth time (the first, where
 * N is not given) that the process comes to the point, it makes the empty file FILE, if one is
 * given, which tells the test that the point was reached; then it kills itself. A process that
 * executes itself counts from 0 again. jobd hands the variable on to its keepers where the point is
 * theirs ("keeper-…"), and to nobody else.
 * crash.c lists all points; a name that is not listed is refused at start.
 */
#ifndef LIB_CRASH_H
#define LIB_CRASH_H

#include <stdbool.h>

/* Reads JOBD_CRASH_AT. False when it names no known point. Call once, at start. */
bool crash_init(void);

/* Kills the process with SIGKILL if this point is armed and its turn has come. */
void crash_point(const char *name);

/* The NULL-terminated list of all names. For tests: nobody else asks. */
const char *const *crash_names(void);

#endif

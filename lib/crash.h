/* SPDX-License-Identifier: ISC */
/*
 * Crash points: named places where a test kills the process, to show that
 * nothing is lost there. Libc only.
 *
 * JOBD_CRASH_AT=name[:N][@FILE] in the environment arms one of them: the Nth
 * time it is reached it kills (the first, unless said), once it has made FILE,
 * empty, which tells the test that the point was reached. One that executes itself counts anew. jobd hands the variable
 * on to its keepers where the point is theirs ("keeper-…"), and to nobody else.
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

/* SPDX-License-Identifier: ISC */
/*
 * Trying a program that is to take jobd's place: it is run with -t, as a child, and the loop goes
 * on meanwhile. It is fit when it says so (TRIAL_VERDICT), as the last thing it does; what it said otherwise is
 * why it is not.
 */
#ifndef JOBD_TRIAL_H
#define JOBD_TRIAL_H

#include "lib/handover.h"

/*
 * The line by which jobd -t says that all is well and what it can take over: a number of lib/handover.h. It
 * never changes its meaning: a jobd reads what another version of it has printed.
 */
#define TRIAL_VERDICT "jobd %s is fit to take over: hand-over %d\n"

struct event_base;
struct trial;

/* It is over: version is that of the program that is fit, or NULL, and why has the reasons. Borrowed. */
typedef void trial_done(void *ctx, const char *version, char *const *why);

/*
 * Runs argv, whose first word is the program's path. done is called once, from the loop, within
 * 20 s, and the trial is to be freed after it or before. NULL where there is no memory.
 */
struct trial *trial_begin(struct event_base *base, char *const argv[], trial_done *done, void *ctx);
/* Ends the program, where it still runs. trial_free(NULL) is safe. */
void trial_free(struct trial *t);

#endif

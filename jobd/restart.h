/* SPDX-License-Identifier: ISC */
/*
 * Starting over: what jobd does when a commit has failed. Nobody knows then what is on
 * disk, so nothing is answered, and jobd executes itself: the next self
 * recovers as after any death. The listening socket goes along, so that clients
 * wait instead of failing.
 */
#ifndef JOBD_RESTART_H
#define JOBD_RESTART_H

#include <stdbool.h>
#include <stdint.h>

/* What survives an exec of oneself: in the environment, as JOBD_RESTART. */
struct restart {
	bool is;	    /* this process is such a next self */
	int listen_fd;	    /* -1: none */
	unsigned step;	    /* how often it started over within a minute, for the back-off */
	uint64_t at_mono_us; /* when it last did */
	uint64_t nofile_soft, nofile_hard; /* what the first self was born with */
};

/* Takes JOBD_RESTART out of the environment. */
struct restart restart_take(void);

/*
 * Holds back SIGHUP, SIGTERM and SIGINT, over an exec too, or delivers them again: a program that
 * has no handlers for them yet would die of them.
 */
void restart_hold_signals(bool hold);

/*
 * How many seconds to wait before starting over for rc (-errno), where that was done step times
 * already: none the first time, then 1 to 60. After -ENOSPC the first time waits 1, too. Pure.
 */
unsigned restart_wait_s(unsigned step, int rc);

/*
 * Starts over after the error rc (-errno) of a commit or of the store's opening. First waits
 * as restart_wait_s says. Returns only where
 * it must not (-EIO: recovery would trust pages that were never written) or can't, and
 * has logged why; the caller leaves. argv's paths are absolute: a daemon is not where it was started.
 */
void restart_now(struct restart *r, int rc, char **argv);

#endif

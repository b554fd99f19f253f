/* SPDX-License-Identifier: ISC */
/* The command line, and what a jobd that executes itself hands on to its next self. */
#ifndef JOBD_OPTIONS_H
#define JOBD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "jobd/sys/paths.h"

struct options {
	bool foreground, test, accept_older;
	struct paths_options paths;
};

/*
 * Reads the command line. Returns -1 to go on, or the exit status: 0 after
 * --help and --version, 2 after a mistake (said on stderr).
 */
int options_parse(int argc, char **argv, struct options *o);

/* What survives an exec of oneself: in the environment, as JOBD_RESTART. */
struct restart {
	bool is;		     /* this process is such a next self */
	int listen_fd;		     /* -1: none */
	unsigned step;		     /* how often it started over in a row, for the back-off */
	uint64_t nofile_soft, nofile_hard; /* what the first self was born with */
};

/* Takes JOBD_RESTART out of the environment. */
struct restart restart_take(void);
/* Puts it there, for the exec. 0 or -errno. */
int restart_give(const struct restart *r);

#endif

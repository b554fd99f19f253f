/* SPDX-License-Identifier: ISC */
/* The command line. */
#ifndef JOBD_OPTIONS_H
#define JOBD_OPTIONS_H

#include <stdbool.h>

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

#endif

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

/*
 * A command line for a jobd that is to be as this one: the program, "-t" if it is only to be tested, and
 * what was given, with absolute paths. To be freed with strv_free; NULL when there is no memory.
 */
char **options_again(const struct options *o, const struct paths *p, const char *program, bool test);

#endif

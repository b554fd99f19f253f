/* SPDX-License-Identifier: ISC */
/* What jobctl, jobd and the keeper have to agree on about a job's environment. Libc only. */
#ifndef LIB_ENVIRONMENT_H
#define LIB_ENVIRONMENT_H

#include <stdbool.h>

/* The variable that a job gets which has no PATH: an ordinary user's, and root's. */
#define ENVIRONMENT_PATH      "PATH=/usr/local/bin:/usr/bin:/bin"
#define ENVIRONMENT_PATH_ROOT "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/*
 * Whether a variable (NAME=value) is one that jobd sets itself, and nobody else for it: JOBD_ and
 * whatever follows, and NOTIFY_SOCKET. Pure.
 */
bool environment_is_own(const char *entry);

#endif

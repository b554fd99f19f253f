/* SPDX-License-Identifier: ISC */
/* Killing a daemon that does not answer. */
#ifndef JOBCTL_FORCE_H
#define JOBCTL_FORCE_H

#include <sys/types.h>

/*
 * Kills the process that listens at the socket, and waits for its end. 0 and *pid; -ENOENT or
 * -ECONNREFUSED where nobody listens there; -ESRCH where the process can't be seen from
 * here; -EPERM, -ETIMEDOUT, another -errno.
 */
int force_kill(const char *path, pid_t *pid);

#endif

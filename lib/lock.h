/* SPDX-License-Identifier: ISC */
/* A lock on an open file, that lasts as long as the process. Libc only. */
#ifndef LIB_LOCK_H
#define LIB_LOCK_H

/*
 * Takes the lock (flock) on fd's file, alone. 0; -EWOULDBLOCK when another has
 * it; -errno. Call at start: somebody else's lock is waited for, for a second or two.
 *
 * A process that was killed while it started another one leaves the lock to
 * that one, until it has executed its program: who comes right after would be told
 * that the dead one lives.
 */
int lock_take(int fd);

#endif

/* SPDX-License-Identifier: ISC */
/* Writing to a descriptor. Libc only. */
#ifndef LIB_WRITE_H
#define LIB_WRITE_H

#include <stddef.h>

/*
 * Writes all of it, in as many calls as that takes, to a descriptor that blocks. 0, or -errno: a
 * part may have been written then. It does not sync.
 */
int write_all(int fd, const void *data, size_t len);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * How much room a file system has: the bytes that an unprivileged writer may still put there.
 * What is kept back for root is not counted, so that refusing begins before it is touched. A quota
 * is not known here; who writes learns of it.
 */
#ifndef LIB_DISK_H
#define LIB_DISK_H

#include <stdint.h>

/* How many bytes are free for users in the file system that holds path, or an open file. UINT64_MAX
 * where it can't be told: then nothing is refused for it. */
uint64_t disk_free_bytes(const char *path);
uint64_t disk_free_bytes_at(int fd);

#endif

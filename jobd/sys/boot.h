/* SPDX-License-Identifier: ISC */
/* What the host says about itself: which boot this is, how much room a disk has. */
#ifndef SYS_BOOT_H
#define SYS_BOOT_H

#include <stdint.h>

#define BOOT_ID_SIZE 37 /* 36 characters and the NUL */

/* The id of this boot of the kernel. 0 or -errno; out is then "". */
int boot_id(char out[BOOT_ID_SIZE]);

/*
 * Bytes an unprivileged writer may still put on the file system of path
 * (what is kept back for root is not counted, so that refusing begins before it is touched).
 * UINT64_MAX where it can't be told: then nothing is refused for it.
 */
uint64_t disk_free_bytes(const char *path);

#endif

/* SPDX-License-Identifier: ISC */
/* What the host says about itself: which boot this is. */
#ifndef SYS_BOOT_H
#define SYS_BOOT_H

#define BOOT_ID_SIZE 37 /* 36 characters and the NUL */

/* The id of this boot of the kernel. 0 or -errno; out is then "". */
int boot_id(char out[BOOT_ID_SIZE]);

#endif

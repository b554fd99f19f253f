/* SPDX-License-Identifier: ISC */
/* Which boot of the host this is: what ran in another one runs no more. */
#ifndef LIB_BOOT_H
#define LIB_BOOT_H

#define BOOT_ID_SIZE 37 /* 36 characters and the NUL */

/* The id of this boot of the kernel. 0 or -errno; out is then "". */
int boot_id(char out[BOOT_ID_SIZE]);

#endif

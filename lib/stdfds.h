/* SPDX-License-Identifier: ISC */
/* That 0, 1 and 2 are taken: what is opened later would be written to as the terminal. Libc only. */
#ifndef LIB_STDFDS_H
#define LIB_STDFDS_H

/*
 * Opens /dev/null in the place of each of the three standard descriptors that was closed by who started
 * us. flags: O_RDWR, or O_RDONLY where what is written there is to fail, and be told. Where /dev/null
 * can't be opened they stay closed.
 */
void stdfds_open(int flags);

#endif

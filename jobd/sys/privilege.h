/* SPDX-License-Identifier: ISC */
/* What jobd has of privilege that its jobs must not have, and would inherit. */
#ifndef SYS_PRIVILEGE_H
#define SYS_PRIVILEGE_H

/*
 * Takes the ambient and inheritable capabilities from this thread, and the securebits by which
 * capabilities would outlast a change of user. What root's process can do itself it still can.
 * Call it once, at the start, in the thread that starts keepers. What can't be done is logged.
 */
void privilege_shed(void);

#endif

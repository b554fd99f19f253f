/* SPDX-License-Identifier: ISC */
/*
 * Words to a service manager, as sd_notify(3) has them: datagrams to the socket
 * that $NOTIFY_SOCKET names. Nothing waits for it, and nothing depends on it:
 * where nobody listens, nothing is said.
 */
#ifndef SYS_NOTIFY_H
#define SYS_NOTIFY_H

#include <stdint.h>

/*
 * Takes $NOTIFY_SOCKET out of the environment and remembers it: it is jobd's,
 * and must not leak into keepers or over an exec into anything but jobd. Call once, at
 * start. For jobd to execute itself notify_environment puts it back, and notify_variable gives it:
 * "NOTIFY_SOCKET=…", the caller's; NULL where there is none.
 */
void notify_take(void);
void notify_environment(void);
char *notify_variable(void);

/*
 * READY=1, RELOADING=1 (READY=1 follows it), STOPPING=1. within_ms: how long the stop may take (0:
 * it is nothing to speak of); the manager is asked to have that much patience.
 */
void notify_ready(void);
void notify_reloading(void);
void notify_stopping(uint64_t within_ms);

#endif

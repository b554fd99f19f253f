/* SPDX-License-Identifier: ISC */
/*
 * Where a daemon keeps its files, and how a client finds its socket: the rule
 * that jobd and jobctl share. Libc only.
 *
 * root:    /var/lib/jobd and /run/jobd.
 * a user:  ${XDG_STATE_HOME:-~/.local/state}/jobd, and the first of
 *          $XDG_RUNTIME_DIR/jobd, /run/user/UID/jobd, STATE/run whose
 *          parent is a directory of this user's. Never below /tmp: there another
 *          could be first.
 *
 * Every function returns a new string, or NULL when there is no memory or, for
 * a user without $HOME, no place.
 */
#ifndef LIB_SOCKETPATH_H
#define LIB_SOCKETPATH_H

#include <sys/types.h>

#define SOCKETPATH_NAME	  "jobd.sock"
#define SOCKETPATH_SYSTEM "/run/jobd/" SOCKETPATH_NAME

/* Where a daemon of this user's keeps its files. */
char *socketpath_state_dir(uid_t uid);
/* And where it has its socket. */
char *socketpath_runtime_dir(uid_t uid);

/*
 * The socket a client speaks to: option (the command line's) if not NULL, else
 * $JOBD_SOCKET if not empty, else the user's own daemon's if there is one, else
 * the system's.
 */
char *socketpath_find(const char *option);

#endif

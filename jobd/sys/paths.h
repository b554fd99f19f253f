/* SPDX-License-Identifier: ISC */
/*
 * Where this daemon's configuration, state and socket are, and that nobody else
 * can put others in their place.
 */
#ifndef SYS_PATHS_H
#define SYS_PATHS_H

#include <stdbool.h>
#include <sys/types.h>

struct paths {
	char *config;
	char *state_dir;
	char *runtime_dir;
	char *socket;
	bool config_given; /* by the command line: it has to exist */
	bool made_state_dir, made_runtime_dir; /* by paths_prepare */
};

/* What the command line says; NULL: nothing. */
struct paths_options {
	const char *config;
	const char *state_dir;
	const char *runtime_dir;
	const char *socket;
};

/*
 * Fills *p, absolute paths all. As root: /etc/jobd.conf, /var/lib/jobd,
 * /run/jobd; as a user the XDG directories. The socket is jobd.sock in the runtime directory. 0 or -errno
 * and *why (the caller's). Nothing is touched yet.
 */
int paths_init(struct paths *p, const struct paths_options *o, char **why);

/*
 * Makes the directories where they are missing (state 0700, runtime 0755) and
 * checks them: directories, no symbolic links, this user's, writable by
 * nobody else. 0 or -errno and *why, which names the directory and what to do.
 */
int paths_prepare(struct paths *p, char **why);

/* The same, but makes none: of one that is not there, whether it could be made. */
int paths_check(const struct paths *p, char **why);

/*
 * Takes the runtime directory for this process, as long as it lives: two daemons with different
 * state there would take each other's sockets. To be called by the process that stays, after
 * paths_prepare. Returns the descriptor that holds it (the caller's to close, at the end);
 * -EWOULDBLOCK when another jobd has it, or another -errno; and *why then.
 */
int paths_lock(const struct paths *p, char **why);

/*
 * The same with a descriptor that came over an exec, from a former self of this process: taken over if it is
 * the lock, else closed.
 */
int paths_lock_again(const struct paths *p, int fd, char **why);

/*
 * For a start that was refused: removes the directories that paths_prepare made, as far as nothing
 * was put there since. What was there before is left alone.
 */
void paths_withdraw(const struct paths *p);

void paths_fini(struct paths *p);

#endif

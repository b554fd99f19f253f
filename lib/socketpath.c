/* SPDX-License-Identifier: ISC */
/*
 * Where a daemon keeps its files, and how a client finds its socket.
 *
 * Nothing is made here and nothing is trusted: a directory that belongs to
 * another (the environment of `su` without a dash brings the former user's
 * XDG_RUNTIME_DIR along) is passed over.
 */
#include "config.h"

#include "lib/socketpath.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/str.h"

/* An absolute path from the environment; the XDG rule is that relative ones are ignored. */
static const char *env_path(const char *name)
{
	const char *v = getenv(name);
	return v && v[0] == '/' ? v : NULL;
}

static bool own_dir(const char *path, uid_t uid)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == uid;
}

static bool own_socket(const char *path, uid_t uid)
{
	struct stat st;
	return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_uid == uid;
}

char *socketpath_state_dir(uid_t uid)
{
	if (uid == 0)
		return strdup("/var/lib/jobd");
	const char *base = env_path("XDG_STATE_HOME");
	if (base)
		return str_printf("%s/jobd", base);
	const char *home = env_path("HOME");
	return home ? str_printf("%s/.local/state/jobd", home) : NULL;
}

/* The n-th place of a user's runtime directory; NULL: not this one. */
static char *runtime_candidate(uid_t uid, int n)
{
	if (n == 0) {
		const char *base = env_path("XDG_RUNTIME_DIR");
		return base && own_dir(base, uid) ? str_printf("%s/jobd", base) : NULL;
	}
	if (n == 1) {
		char base[64];
		snprintf(base, sizeof(base), "/run/user/%ju", (uintmax_t)uid);
		return own_dir(base, uid) ? str_printf("%s/jobd", base) : NULL;
	}
	char *state = socketpath_state_dir(uid);
	char *dir = state ? str_printf("%s/run", state) : NULL;
	free(state);
	return dir;
}

#define CANDIDATES 3

char *socketpath_runtime_dir(uid_t uid)
{
	if (uid == 0)
		return strdup("/run/jobd");
	char *dir = NULL;
	for (int n = 0; n < CANDIDATES && !dir; n++)
		dir = runtime_candidate(uid, n);
	return dir;
}

char *socketpath_find(const char *option)
{
	if (option)
		return strdup(option);
	const char *env = getenv("JOBD_SOCKET");
	if (env && *env)
		return strdup(env);
	uid_t uid = geteuid();
	/* All places are tried: the daemon may have been started where another one was the first. */
	for (int n = 0; uid != 0 && n < CANDIDATES; n++) {
		char *dir = runtime_candidate(uid, n);
		char *path = dir ? str_printf("%s/%s", dir, SOCKETPATH_NAME) : NULL;
		free(dir);
		if (path && own_socket(path, uid))
			return path;
		free(path);
	}
	return strdup(SOCKETPATH_SYSTEM);
}

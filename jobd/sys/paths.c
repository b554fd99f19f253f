/* SPDX-License-Identifier: ISC */
/*
 * Where things are. What is refused: a directory that is a symbolic link, is
 * another's or can be written to by another, or stands in one where anybody may
 * rename it; a socket path that sun_path cannot hold; a runtime directory that another
 * jobd has. Directories are made, never changed: an administrator's own mode is left as it is.
 */
#include "config.h"

#include "jobd/sys/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/lock.h"
#include "lib/socketpath.h"
#include "lib/str.h"

/* Not "lock": a state directory that is the runtime directory too has one of that name. */
#define LOCK "jobd.lock"

/* An absolute copy without slashes at its end: lstat would follow a link before one. */
static char *absolute(const char *path)
{
	char *out = NULL;
	if (path[0] == '/') {
		out = strdup(path);
	} else {
		char *cwd = getcwd(NULL, 0);
		out = cwd ? str_printf("%s/%s", cwd, path) : NULL;
		free(cwd);
	}
	for (size_t n = out ? strlen(out) : 0; n > 1 && out[n - 1] == '/'; n--)
		out[n - 1] = '\0';
	return out;
}

static char *default_config(uid_t uid)
{
	if (uid == 0)
		return strdup("/etc/jobd.conf");
	const char *base = getenv("XDG_CONFIG_HOME");
	if (base && base[0] == '/')
		return str_printf("%s/jobd/jobd.conf", base);
	const char *home = getenv("HOME");
	return home && home[0] == '/' ? str_printf("%s/.config/jobd/jobd.conf", home) : NULL;
}

static char *default_runtime_dir(uid_t uid, const struct paths_options *o, const char *state_dir)
{
	char *dir = socketpath_runtime_dir(uid);
	char *usual = socketpath_state_dir(uid);
	/* Where it would go below the state directory, it goes below the one that was asked for. */
	size_t n = usual ? strlen(usual) : 0;
	if (o->state_dir && (!dir || (n && strncmp(dir, usual, n) == 0 && dir[n] == '/'))) {
		free(dir);
		dir = str_printf("%s/run", state_dir);
	}
	free(usual);
	return dir;
}

static int fail(struct paths *p, int rc, char **why, char *text)
{
	*why = text;
	paths_fini(p);
	return rc;
}

int paths_init(struct paths *p, const struct paths_options *o, char **why)
{
	uid_t uid = geteuid();
	*p = (struct paths){ .config_given = o->config != NULL };
	*why = NULL;

	p->state_dir = o->state_dir ? absolute(o->state_dir) : socketpath_state_dir(uid);
	if (!p->state_dir)
		return fail(p, -ENOENT, why,
		    strdup("no place for the state: set $HOME, or give --state-dir"));
	p->runtime_dir = o->runtime_dir ? absolute(o->runtime_dir)
					: default_runtime_dir(uid, o, p->state_dir);
	if (!p->runtime_dir)
		return fail(p, -ENOENT, why,
		    strdup("no place for the socket: set $XDG_RUNTIME_DIR, or give --runtime-dir"));
	/* Without a home there is no file to look for, and the defaults serve. */
	p->config = o->config ? absolute(o->config) : default_config(uid);
	p->socket = o->socket ? absolute(o->socket)
			      : str_printf("%s/%s", p->runtime_dir, SOCKETPATH_NAME);
	if (!p->socket || (o->config && !p->config))
		return fail(p, -ENOMEM, why, NULL);

	size_t most = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	if (strlen(p->socket) > most)
		return fail(p, -ENAMETOOLONG, why,
		    str_printf("%s: a socket's path may have %zu bytes, this one has %zu; "
			    "give a shorter --runtime-dir or --socket",
			p->socket, most, strlen(p->socket)));
	return 0;
}

/* Makes the directories above the last. What can't be made shows when the last is. */
static void make_parents(const char *path, mode_t mode)
{
	char *copy = strdup(path);
	if (!copy)
		return;
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(copy, mode);
		*slash = '/';
	}
	free(copy);
}

/* Whether anybody may rename what stands in the directory that holds path. */
static bool parent_is_open(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *parent = slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
	struct stat st;
	bool open = parent && stat(parent, &st) == 0 && (st.st_mode & S_IWOTH) &&
	    !(st.st_mode & S_ISVTX);
	free(parent);
	return open;
}

static char *renamable(const char *path, const char *option)
{
	return str_printf("%s: anybody may rename it, since the directory it is in is writable by all and not "
			  "sticky; give another %s", path, option);
}

/* What is wrong with it, with what to do; NULL: nothing. */
static char *complaint(const char *path, const char *option, int *rc)
{
	struct stat st;
	if (lstat(path, &st) < 0) {
		*rc = -errno;
		return str_printf("%s: %s; make it, or give another %s", path, strerror(errno), option);
	}
	*rc = -EPERM;
	if (S_ISLNK(st.st_mode))
		return str_printf("%s: is a symbolic link; give the directory itself with %s", path,
		    option);
	if (!S_ISDIR(st.st_mode)) {
		*rc = -ENOTDIR;
		return str_printf("%s: is not a directory; move it away, or give another %s", path,
		    option);
	}
	if (st.st_uid != geteuid())
		return str_printf("%s: belongs to uid %ju, but jobd runs as uid %ju; "
			       "give it to that user (chown), or give another %s",
		    path, (uintmax_t)st.st_uid, (uintmax_t)geteuid(), option);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return str_printf("%s: others may write there (mode %04o); run: chmod go-w %s", path,
		    (unsigned)st.st_mode & 07777, path);
	if (parent_is_open(path))
		return renamable(path, option);
	*rc = 0;
	return NULL;
}

static int cannot_be_made(const char *path, const char *option, int rc, char **why)
{
	*why = str_printf("%s: cannot be made: %s; make it, or give another %s", path, strerror(-rc), option);
	return rc;
}

static int prepare(const char *path, mode_t mode, const char *option, bool *made, char **why)
{
	make_parents(path, geteuid() == 0 ? 0755 : 0700);
	*made = mkdir(path, mode) == 0;
	if (*made) {
		chmod(path, mode); /* whatever the umask took away; it is new and ours */
	} else if (errno != EEXIST) {
		return cannot_be_made(path, option, -errno, why);
	}
	int rc = 0;
	*why = complaint(path, option, &rc);
	return rc;
}

int paths_prepare(struct paths *p, char **why)
{
	int rc = prepare(p->state_dir, 0700, "--state-dir", &p->made_state_dir, why);
	if (rc == 0)
		rc = prepare(p->runtime_dir, 0755, "--runtime-dir", &p->made_runtime_dir, why);
	if (rc < 0)
		paths_withdraw(p);
	return rc;
}

/* It is good, or could be made. */
static int check(const char *path, const char *option, char **why)
{
	struct stat st;
	int rc = 0;
	if (lstat(path, &st) == 0 || errno != ENOENT) {
		*why = complaint(path, option, &rc);
		return rc;
	}
	if (parent_is_open(path)) {
		*why = renamable(path, option);
		return -EPERM;
	}
	char *above = strdup(path);
	while (above && lstat(above, &st) < 0 && errno == ENOENT) {
		char *slash = strrchr(above, '/');
		slash[slash == above] = '\0';
	}
	if (above && (stat(above, &st) < 0 || access(above, W_OK | X_OK) < 0))
		rc = cannot_be_made(path, option, -errno, why);
	else if (above && !S_ISDIR(st.st_mode))
		rc = cannot_be_made(path, option, -ENOTDIR, why);
	free(above);
	return rc;
}

int paths_check(const struct paths *p, char **why)
{
	*why = NULL;
	int rc = check(p->state_dir, "--state-dir", why);
	return rc ? rc : check(p->runtime_dir, "--runtime-dir", why);
}

int paths_lock(const struct paths *p, char **why)
{
	*why = NULL;
	char *path = str_printf("%s/" LOCK, p->runtime_dir);
	if (!path)
		return -ENOMEM;
	/* Nobody else may open it: to open it is to be able to lock it. */
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc = fd < 0 ? -errno : lock_take(fd);
	if (rc == 0) {
		free(path);
		return fd;
	}
	*why = rc == -EWOULDBLOCK ?
	    str_printf("%s: another jobd, with another state directory, uses this runtime directory; "
		    "give another --runtime-dir", p->runtime_dir) :
	    str_printf("%s: %s", path, strerror(-rc));
	if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

int paths_lock_again(const struct paths *p, int fd, char **why)
{
	struct stat a, b;
	char *path = str_printf("%s/" LOCK, p->runtime_dir);
	bool fits = path && fstat(fd, &a) == 0 && lstat(path, &b) == 0 && a.st_dev == b.st_dev &&
	    a.st_ino == b.st_ino && lock_take(fd) == 0;
	free(path);
	if (fits)
		return fd;
	if (fd >= 0)
		close(fd);
	return paths_lock(p, why);
}

void paths_withdraw(const struct paths *p)
{
	if (p->made_runtime_dir)
		rmdir(p->runtime_dir);
	if (p->made_state_dir)
		rmdir(p->state_dir);
}

void paths_fini(struct paths *p)
{
	free(p->config);
	free(p->state_dir);
	free(p->runtime_dir);
	free(p->socket);
	*p = (struct paths){ 0 };
}

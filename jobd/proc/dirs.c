/* SPDX-License-Identifier: ISC */
/*
 * The room's directories, and what lies in them:
 *
 *	RUNTIME/keepers/ID.ATTEMPT.NONCE	a keeper's listening socket (0700)
 *	RUNTIME/notify/ID.ATTEMPT		a job's notify socket (0711)
 *	STATE/exits/ID.ATTEMPT.NONCE		how an attempt ended while no jobd was there (0700)
 *	STATE/log/ID÷1000/ID.ATTEMPT.log	an attempt's output (0700)
 *	STATE/log/ID.ATTEMPT.NONCE.new		the same before its keeper saw the gate open
 *	STATE/log/ID.ATTEMPT.0.gone		the same when its job is deleted, until it is removed
 *	CGROUP/ID.ATTEMPT.NONCE			an attempt's processes, where there are cgroups
 *
 * Removing a log may take minutes, so it is done aside (lib/aside.h), under a name that the next
 * sweep finds where that came to nothing.
 *
 * All are opened at start, must be ours, and are named by descriptor ever
 * after: nobody can put another in their place.
 */
#include "config.h"

#include "jobd/proc/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/aside.h"
#include "lib/log.h"
#include "lib/str.h"

/* Above the numbers that keepers are born with: posix_spawn's actions must not collide. */
#define FD_FLOOR 16

static int lift(int fd)
{
	if (fd < 0 || fd >= FD_FLOOR)
		return fd;
	int high = fcntl(fd, F_DUPFD_CLOEXEC, FD_FLOOR);
	int error = errno;
	close(fd);
	errno = error;
	return high;
}

static int open_dir(const char *parent, const char *name, mode_t mode, int *out, char **why)
{
	char *path = str_printf("%s/%s", parent, name);
	struct stat st;
	int fd = -1, rc = -ENOMEM;
	if (!path)
		return rc;
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		goto fail;
	fd = lift(open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
	if (fd < 0 || fstat(fd, &st) < 0)
		goto fail;
	errno = EPERM;
	if (st.st_uid != geteuid())
		goto fail;
	/* The process's umask may have taken bits away; an old directory may have more. */
	if ((st.st_mode & 07777) != mode && fchmod(fd, mode) < 0)
		goto fail;
	free(path);
	*out = fd;
	return 0;
fail:
	rc = -errno;
	str_why(why, rc, "%s: %s", path, rc == -EPERM ? "the directory is not ours" : strerror(-rc));
	if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

int dirs_open(struct proc *p, char **why)
{
	const struct proc_options *o = &p->o;
	int rc;
	p->null_fd = lift(open("/dev/null", O_RDWR | O_CLOEXEC));
	/* Held open: an upgrade that replaces the file does not mix versions in one jobd. */
	p->binary_fd = lift(open(o->keeper_path, O_PATH | O_CLOEXEC));
	if (p->null_fd < 0 || p->binary_fd < 0)
		return str_why(why, -errno, "%s: %s", p->null_fd < 0 ? "/dev/null" : o->keeper_path,
		    strerror(errno));
	if ((rc = open_dir(o->runtime_dir, "keepers", 0700, &p->keepers_fd, why)) < 0 ||
	    (rc = open_dir(o->runtime_dir, "notify", 0711, &p->notify_fd, why)) < 0 ||
	    (rc = open_dir(o->state_dir, "exits", 0700, &p->exits_fd, why)) < 0 ||
	    (rc = open_dir(o->state_dir, "log", 0700, &p->log_fd, why)) < 0)
		return rc;
	return 0;
}

void dirs_close(struct proc *p)
{
	int *fds[] = { &p->null_fd, &p->binary_fd, &p->keepers_fd, &p->notify_fd, &p->exits_fd,
		&p->log_fd };
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

void dirs_log_name(uint64_t id, uint32_t attempt, char *name, size_t size)
{
	snprintf(name, size, "%" PRIu64 "/%" PRIu64 ".%" PRIu32 ".log", id / 1000, id, attempt);
}

/* The log's directory alone: a start that comes to nothing gives no log its name. */
int dirs_log_prepare(struct proc *p, uint64_t id)
{
	char name[24];
	if (p->log_bucket == id / 1000)
		return 0;
	snprintf(name, sizeof name, "%" PRIu64, id / 1000);
	if (mkdirat(p->log_fd, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	p->log_bucket = id / 1000;
	return 0;
}

void dirs_log_forget(const struct keeper *k)
{
	char name[KEEPER_NAME_MAX];
	snprintf(name, sizeof name, KEEPER_NEW_LOG_FMT, k->id, k->attempt, k->nonce);
	unlinkat(k->p->log_fd, name, 0);
}

int proc_log_open(const struct proc *p, uint64_t id, uint32_t attempt)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	const struct keeper *k = roster_find(p, ROSTER_ID, id);
	char name[64], early[KEEPER_NAME_MAX];
	dirs_log_name(id, attempt, name, sizeof name);
	int fd = openat(p->log_fd, name, flags);
	if (fd < 0 && errno == ENOENT && k && k->attempt == attempt) {
		/* It is there already, and may be given its name while we look. */
		snprintf(early, sizeof early, KEEPER_NEW_LOG_FMT, id, attempt, k->nonce);
		fd = openat(p->log_fd, early, flags);
		if (fd < 0 && errno == ENOENT)
			fd = openat(p->log_fd, name, flags);
	}
	return fd < 0 ? -errno : fd;
}

void proc_log_remove(const struct proc *p, uint64_t id, uint32_t attempt)
{
	char name[64], gone[KEEPER_NAME_MAX];
	dirs_log_name(id, attempt, name, sizeof name);
	snprintf(gone, sizeof gone, "%" PRIu64 ".%" PRIu32 ".0.gone", id, attempt);
	/* The bucket stays. */
	if (renameat(p->log_fd, name, p->log_fd, gone) < 0) {
		if (errno != ENOENT)
			unlinkat(p->log_fd, name, 0);
	} else if (!aside_remove(p->o.aside, p->log_fd, gone)) {
		proc_sweep_soon(p);
	}
}

/* How much of ID.ATTEMPT.NONCE a name has. */
static int take_name(const char *name, uint64_t *id, uint32_t *attempt, uint64_t *nonce)
{
	return sscanf(name, "%" SCNu64 ".%" SCNu32 ".%16" SCNx64, id, attempt, nonce);
}

static bool is_attempt(const struct keeper *k, uint64_t id, uint32_t attempt, const uint64_t *nonce)
{
	return k && k->id == id && k->attempt == attempt && (!nonce || k->nonce == *nonce);
}

/* Whether a file's name is a present attempt's: anything may follow, such as ".new". */
static bool is_owned(const struct proc *p, const char *name, bool with_nonce)
{
	uint64_t id, nonce = 0;
	uint32_t attempt;
	if (take_name(name, &id, &attempt, &nonce) < (with_nonce ? 3 : 2))
		return false;
	const uint64_t *told = with_nonce ? &nonce : NULL;
	if (is_attempt(roster_find(p, ROSTER_ID, id), id, attempt, told))
		return true;
	/* What core has let go in this turn is not committed: the exit file is all there is. */
	for (const struct keeper *k = p->first_wanted; k; k = k->next_wanted)
		if (is_attempt(k, id, attempt, told))
			return true;
	return false;
}

/* Whether nobody listens any more: a keeper whose start was never recorded may be about to leave. */
static bool is_deserted(const struct proc *p, const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	if (snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/%s", p->keepers_fd, name) >=
	    (int)sizeof a.sun_path)
		return true;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	bool deserted = connect(fd, (struct sockaddr *)&a, sizeof a) < 0 && errno != EAGAIN;
	close(fd);
	return deserted;
}

/* Where logs are, an administrator may have put other things. */
static bool is_for_sweep(const struct proc *p, int fd, const char *name)
{
	uint64_t id, nonce;
	uint32_t attempt;
	if (name[0] == '.' || is_owned(p, name, fd != p->notify_fd))
		return false;
	if (fd == p->log_fd)
		return take_name(name, &id, &attempt, &nonce) == 3;
	return fd != p->keepers_fd || is_deserted(p, name);
}

static bool sweep_one(struct proc *p, int fd, const char *name)
{
	if (fd != p->log_fd || strlen(name) >= KEEPER_NAME_MAX) /* short, or nothing of ours */
		return unlinkat(fd, name, 0) == 0;
	if (aside_remove(p->o.aside, fd, name))
		return true;
	proc_sweep_soon(p);
	return false;
}

static void sweep_dir(struct proc *p, int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
	if (!d) {
		if (copy >= 0)
			close(copy);
		return;
	}
	for (struct dirent *e; (e = readdir(d));) {
		if (is_for_sweep(p, fd, e->d_name) && sweep_one(p, fd, e->d_name))
			log_event(LOG_DEBUG, "swept", "file", "%s", e->d_name);
	}
	closedir(d);
}

/* The kernel removes none that has a process in it. */
void dirs_sweep_cgroups(struct proc *p)
{
	uint64_t id, nonce;
	uint32_t attempt;
	DIR *d = p->cgroup_base ? opendir(p->cgroup_base) : NULL;
	if (!d)
		return;
	for (struct dirent *e; (e = readdir(d));) {
		if (take_name(e->d_name, &id, &attempt, &nonce) < 3 || is_owned(p, e->d_name, true))
			continue;
		if (unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR) == 0)
			log_event(LOG_DEBUG, "swept", "cgroup", "%s", e->d_name);
	}
	closedir(d);
}

void dirs_sweep(struct proc *p)
{
	dirs_sweep_cgroups(p);
	sweep_dir(p, p->keepers_fd);
	sweep_dir(p, p->notify_fd);
	sweep_dir(p, p->exits_fd);
	sweep_dir(p, p->log_fd);
}

/* SPDX-License-Identifier: ISC */
/*
 * What lies beside Berkeley DB's home in the state directory: the lock, the
 * schema's number, the ballast; and whether the place is safe at all.
 *
 * The schema's number is kept outside too, so that a store of a newer jobd is
 * refused before recovery, which writes, has touched it.
 *
 * Refused with -EPERM: a directory that is not ours or that others may enter,
 * and a DB_CONFIG, which would silently override how the environment is opened.
 */
#include "config.h"

#include "jobd/store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/disk.h"
#include "lib/lock.h"
#include "lib/log.h"
#include "lib/str.h"

#define HOME	"store"
#define LOCK	"lock"
#define SCHEMA	"schema"
#define BALLAST "ballast"

static int check_private(int fd, const char *path, char **why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return str_why(why, -errno, "%s: %s", path, strerror(errno));
	if (st.st_uid != geteuid())
		return str_why(why, -EPERM,
		    "%s belongs to uid %u, but jobd runs as uid %u; give it to that user (chown)", path, (unsigned)st.st_uid, (unsigned)geteuid());
	if ((st.st_mode & 0777) != 0700)
		return str_why(why, -EPERM, "%s has mode %04o; it must be 0700: chmod 700 %s", path,
		    (unsigned)st.st_mode & 07777, path);
	return 0;
}

int files_open(struct store *s, const char *dir, char **why)
{
	s->dir = realpath(dir, NULL);
	if (!s->dir)
		return str_why(why, -errno, "%s: %s", dir, strerror(errno));
	s->home = str_printf("%s/" HOME, s->dir);
	if (!s->home)
		return str_why(why, -ENOMEM, "no memory");
	s->dir_fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir_fd < 0)
		return str_why(why, -errno, "%s: %s", s->dir, strerror(errno));
	return check_private(s->dir_fd, s->dir, why);
}

/* Who has the lock, as far as the file tells. For the message only: a pid proves nothing. */
static int lock_taken(struct store *s, char **why)
{
	char text[32] = "";
	ssize_t n = pread(s->lock_fd, text, sizeof(text) - 1, 0);
	long pid = n > 0 ? strtol(text, NULL, 10) : 0;

	if (pid > 0)
		return str_why(why, -EWOULDBLOCK, "another jobd (process %ld) is using %s; stop it, "
		    "or give another --state-dir", pid, s->dir);
	return str_why(why, -EWOULDBLOCK, "another jobd is using %s; stop it, or give another "
	    "--state-dir", s->dir);
}

/* Whether a descriptor that was inherited is the lock's file: then it holds the lock, or can take
 * it. */
static bool is_lock(const struct store *s, int fd)
{
	struct stat a, b;

	return fd > 0 && fstat(fd, &a) == 0 &&
	       fstatat(s->dir_fd, LOCK, &b, AT_SYMLINK_NOFOLLOW) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

int files_lock(struct store *s, int inherited, char **why)
{
	char text[32];

	if (is_lock(s, inherited))
		s->lock_fd = inherited;
	else if (inherited > 0)
		close(inherited);
	if (s->lock_fd < 0)
		s->lock_fd = openat(s->dir_fd, LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock_fd < 0)
		return str_why(why, -errno, "%s/" LOCK ": %s", s->dir, strerror(errno));
	int rc = lock_take(s->lock_fd);
	if (rc == -EWOULDBLOCK)
		return lock_taken(s, why);
	if (rc < 0)
		return str_why(why, rc, "%s/" LOCK ": %s", s->dir, strerror(-rc));
	/* On a full disk the pid can't be written; the lock is held all the same. */
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(s->lock_fd, 0) < 0 || pwrite(s->lock_fd, text, (size_t)n, 0) < 0)
		log_event(LOG_WARNING, "store-error", "error", "%s/" LOCK ": %s", s->dir, strerror(errno));
	return 0;
}

/* The file is made beside and renamed. */
int files_write_schema(struct store *s, char **why)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%d\n", STORE_SCHEMA);
	int fd = openat(s->dir_fd, SCHEMA ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return str_why(why, -errno, "%s/" SCHEMA ".new: %s", s->dir, strerror(errno));
	int err = 0;
	if (write(fd, text, (size_t)n) != n || fsync(fd) < 0)
		err = errno;
	close(fd);
	if (!err && (renameat(s->dir_fd, SCHEMA ".new", s->dir_fd, SCHEMA) < 0 ||
			fsync(s->dir_fd) < 0))
		err = errno;
	if (err)
		return str_why(why, -err, "%s/" SCHEMA ": %s", s->dir, strerror(err));
	return 0;
}

static int check_schema(struct store *s, struct files_found *found, char **why)
{
	char text[32] = "", *end;
	int fd = openat(s->dir_fd, SCHEMA, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	found->schema = fd >= 0;
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return str_why(why, -errno, "%s/" SCHEMA ": %s", s->dir, strerror(errno));
	ssize_t n = read(fd, text, sizeof(text) - 1);
	int err = errno;
	close(fd);
	if (n < 0)
		return str_why(why, -err, "%s/" SCHEMA ": %s", s->dir, strerror(err));
	unsigned long schema = strtoul(text, &end, 10);
	if (text[0] < '1' || text[0] > '9' || strcmp(end, "\n") != 0)
		return str_why(why, -EBADMSG,
		    "%s/" SCHEMA " is damaged: it holds the number of the store's schema, and nothing "
		    "else; if no newer jobd has been here, write %d there", s->dir, STORE_SCHEMA);
	if (schema > STORE_SCHEMA)
		return str_why(why, -EPROTO,
		    "%s was written by a newer jobd (schema %lu; this one knows up to %d)", s->dir,
		    schema, STORE_SCHEMA);
	found->old_schema = schema < STORE_SCHEMA;
	return 0;
}

static int check_home(struct store *s, int fd, bool *fresh, char **why)
{
	struct stat st;
	int ret = check_private(fd, s->home, why);

	if (ret)
		return ret;
	if (fstatat(fd, "DB_CONFIG", &st, AT_SYMLINK_NOFOLLOW) == 0)
		return str_why(why, -EPERM,
		    "%s/DB_CONFIG exists; it would override how the store is opened: remove it",
		    s->home);
	*fresh = fstatat(fd, STORE_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
	return 0;
}

int files_check(struct store *s, struct files_found *found, char **why)
{
	*found = (struct files_found){ .fresh = true };
	int ret = check_schema(s, found, why);
	if (ret)
		return ret;
	int fd = openat(s->dir_fd, HOME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return str_why(why, -errno, "%s: %s", s->home, strerror(errno));
	found->home = true;
	ret = check_home(s, fd, &found->fresh, why);
	close(fd);
	return ret;
}

int files_make(struct store *s, const struct files_found *found, char **why)
{
	int ret = found->schema ? 0 : files_write_schema(s, why);

	if (ret == 0 && !found->home && mkdirat(s->dir_fd, HOME, 0700) < 0)
		ret = str_why(why, -errno, "%s: %s", s->home, strerror(errno));
	return ret;
}

/* Blocks that are really there: a file of holes would give nothing back. */
static int make_ballast(struct store *s)
{
	int fd = openat(s->dir_fd, BALLAST, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	int err = posix_fallocate(fd, 0, (off_t)s->ballast_bytes);
	close(fd);
	if (err)
		unlinkat(s->dir_fd, BALLAST, 0);
	return -err;
}

void files_ballast(struct store *s, bool keep)
{
	struct stat st;
	bool there = fstatat(s->dir_fd, BALLAST, &st, AT_SYMLINK_NOFOLLOW) == 0;

	if (!keep) {
		if (there && unlinkat(s->dir_fd, BALLAST, 0) == 0)
			log_event(LOG_NOTICE, "ballast", "detail", "%" PRIu64 " bytes were given up",
			    (uint64_t)st.st_size);
		return;
	}
	if (s->ballast_bytes == 0 || (there && (uint64_t)st.st_size >= s->ballast_bytes))
		return;
	/* It must not itself be what fills the disk. */
	uint64_t space = disk_free_bytes_at(s->dir_fd);
	if (space < s->low_disk_bytes || (space - s->low_disk_bytes) / 2 < s->ballast_bytes)
		return;
	int ret = make_ballast(s);
	if (ret && !s->ballast_warned)
		log_event(LOG_WARNING, "ballast", "error", "there is none: %s", strerror(-ret));
	s->ballast_warned = ret != 0;
}

void files_close(struct store *s)
{
	if (s->mark_fd >= 0)
		close(s->mark_fd);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	if (s->dir_fd >= 0)
		close(s->dir_fd);
	free(s->dir);
	free(s->home);
}

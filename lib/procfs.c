/* SPDX-License-Identifier: ISC */
/*
 * Reading /proc. A file there is made when it is read: a small one comes whole
 * in the first read, a list of children may need more.
 */
#include "config.h"

#include "lib/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/array.h"

#define PATH_LEN      64
#define STAT_SIZE     1024
#define PF_FORKNOEXEC 0x40 /* linux/sched.h */

/* Fields of a stat file, proc(5). */
enum {
	STAT_STATE = 3,
	STAT_PPID,
	STAT_FLAGS = 9,
	STAT_THREADS = 20,
	STAT_START = 22,
	STAT_EXIT_CODE = 52,
};

/* 0 or -ENOMEM. */
static int pidlist_add(struct pidlist *l, pid_t pid)
{
	pid_t *v = array_room(l->v, l->n, &l->cap, sizeof(*v));
	if (!v)
		return -ENOMEM;
	l->v = v;
	l->v[l->n++] = pid;
	return 0;
}

int procfs_open(void)
{
	int fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Reads what fits of a file, as a string. Its length, or -errno. */
static ssize_t read_small(int dir, const char *path, char *text, size_t size)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, text, size - 1);
	int err = errno;
	close(fd);
	if (n < 0)
		return -err;
	text[n] = '\0';
	return n;
}

bool procfs_stat_parse(const char *text, struct procfs_stat *out)
{
	/* A name may hold blanks and parentheses; nothing after it does. */
	const char *p = strrchr(text, ')');
	if (!p || p[1] != ' ' || !p[2])
		return false;
	out->state = p[2];
	p += 3;
	for (int field = STAT_PPID; field <= STAT_START; field++) {
		char *end;
		long long v = strtoll(p, &end, 10);
		if (end == p)
			return false;
		p = end;
		if (field == STAT_PPID)
			out->ppid = (pid_t)v;
		else if (field == STAT_FLAGS)
			out->unexecuted = v & PF_FORKNOEXEC;
		else if (field == STAT_THREADS)
			out->threads = (unsigned)v;
		else if (field == STAT_START)
			out->start = (uint64_t)v;
	}
	return true;
}

int procfs_stat(int proc, pid_t pid, pid_t tid, struct procfs_stat *out)
{
	char path[PATH_LEN], text[STAT_SIZE];
	if (tid)
		snprintf(path, sizeof(path), "%d/task/%d/stat", (int)pid, (int)tid);
	else
		snprintf(path, sizeof(path), "%d/stat", (int)pid);
	ssize_t n = read_small(proc, path, text, sizeof(text));
	if (n < 0)
		return (int)n;
	return procfs_stat_parse(text, out) ? 0 : -ESRCH;
}

static int read_stat(pid_t pid, char text[STAT_SIZE])
{
	char path[PATH_LEN];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	ssize_t n = read_small(AT_FDCWD, path, text, STAT_SIZE);
	return n < 0 ? (int)n : 0;
}

int procfs_look(pid_t pid, struct procfs_stat *out)
{
	char text[STAT_SIZE];
	int rc = read_stat(pid, text);
	if (rc < 0)
		return rc;
	return procfs_stat_parse(text, out) ? 0 : -ESRCH;
}

int procfs_exit_status(pid_t pid, int *wait_status)
{
	char text[STAT_SIZE];
	int rc = read_stat(pid, text);
	if (rc < 0)
		return rc;
	const char *p = strrchr(text, ')');
	for (int field = STAT_STATE; p && field <= STAT_EXIT_CODE; field++)
		p = strchr(p + 1, ' ');
	if (!p)
		return -ESRCH;
	*wait_status = (int)strtol(p + 1, NULL, 10);
	return 0;
}

int procfs_numbers(int dir, const char *path, struct pidlist *l)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	char text[4096];
	long pid = 0;
	bool digits = false;
	int rc = 0;
	for (;;) {
		ssize_t n = read(fd, text, sizeof(text));
		if (n <= 0) {
			rc = n < 0 ? -errno : 0;
			break;
		}
		for (ssize_t i = 0; i < n && rc == 0; i++) {
			if (text[i] >= '0' && text[i] <= '9') {
				pid = pid * 10 + (text[i] - '0');
				digits = true;
			} else if (digits) {
				rc = pidlist_add(l, (pid_t)pid);
				pid = 0;
				digits = false;
			}
		}
	}
	if (digits && rc == 0)
		rc = pidlist_add(l, (pid_t)pid);
	close(fd);
	return rc;
}

int procfs_children(int proc, pid_t pid, pid_t tid, struct pidlist *l)
{
	char path[PATH_LEN];
	snprintf(path, sizeof(path), "%d/task/%d/children", (int)pid, (int)tid);
	return procfs_numbers(proc, path, l);
}

/* Appends the directories in one of /proc whose names are numbers. */
static int numbered(int dir, const char *path, struct pidlist *l)
{
	int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	DIR *d = fdopendir(fd);
	if (!d) {
		int err = errno;
		close(fd);
		return -err;
	}
	int rc = 0;
	struct dirent *e;
	while (rc == 0 && (e = readdir(d))) {
		long number = strtol(e->d_name, NULL, 10);
		if (number > 0)
			rc = pidlist_add(l, (pid_t)number);
	}
	closedir(d);
	return rc;
}

int procfs_threads(int proc, pid_t pid, struct pidlist *l)
{
	char path[PATH_LEN];
	snprintf(path, sizeof(path), "%d/task", (int)pid);
	return numbered(proc, path, l);
}

int procfs_processes(int proc, struct pidlist *l)
{
	return numbered(proc, ".", l);
}

/* Each thread has its own list; what is inherited goes to any of them. */
void procfs_own_children(struct pidlist *l)
{
	struct pidlist threads = PIDLIST_INIT;
	int proc = procfs_open();
	if (proc < 0)
		return;
	(void)procfs_threads(proc, getpid(), &threads);
	for (size_t i = 0; i < threads.n; i++)
		(void)procfs_children(proc, getpid(), threads.v[i], l);
	free(threads.v);
	close(proc);
}

/* The bit of SIGSTOP in the mask that the line "name:\t0123456789abcdef" holds. */
static bool mask_has_stop(const char *text, const char *name)
{
	const char *p = strstr(text, name);
	if (!p)
		return false;
	return strtoull(p + strlen(name), NULL, 16) >> (SIGSTOP - 1) & 1;
}

bool procfs_stop_pending(int proc, pid_t pid, pid_t tid)
{
	char path[PATH_LEN], text[16384]; /* its list of groups may be long */
	snprintf(path, sizeof(path), "%d/task/%d/status", (int)pid, (int)tid);
	if (read_small(proc, path, text, sizeof(text)) < 0)
		return false;
	return mask_has_stop(text, "\nSigPnd:") || mask_has_stop(text, "\nShdPnd:");
}

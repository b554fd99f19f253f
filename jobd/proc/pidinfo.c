/* SPDX-License-Identifier: ISC */
/*
 * What the kernel tells of processes, through /proc and pidfds. A number is
 * believed only together with a start time, looked at after the pidfd was opened.
 */
#include "config.h"

#include "jobd/proc/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/pidfd.h of 6.15, which no released libc has yet. */
struct pidfd_info_exit {
	uint64_t mask; /* in: what is asked; out: what is told */
	uint64_t cgroupid;
	uint32_t ids[11];
	int32_t exit_code;
};
#define INFO_EXIT     (UINT64_C(1) << 3)
#define GET_INFO_EXIT _IOWR(0xFF, 11, struct pidfd_info_exit)

_Static_assert(sizeof(struct pidfd_info_exit) == 64, "the ioctl's number holds the size");

#define PF_FORKNOEXEC 0x40ul /* linux/sched.h: forked, and has not called exec */

#define STAT_FLAGS     9 /* proc(5) */
#define STAT_EXIT_CODE 52

int pidinfo_open(pid_t pid, uint64_t start)
{
	if (pid <= 0)
		return -1;
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd >= 0 && tree_start_time(pid) == start)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Field number n (from 3 on) of /proc/PID/stat. */
static bool stat_field(pid_t pid, int n, unsigned long *value)
{
	char path[32], text[1024];
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t len = read(fd, text, sizeof text - 1);
	close(fd);
	if (len <= 0)
		return false;
	text[len] = '\0';
	/* The name may hold anything, parentheses too. */
	char *at = strrchr(text, ')');
	for (int i = 2; at && i < n; i++)
		at = strchr(at + 1, ' ');
	if (!at)
		return false;
	*value = strtoul(at + 1, NULL, 10);
	return true;
}

bool pidinfo_never_ran(pid_t pid)
{
	unsigned long flags;
	return stat_field(pid, STAT_FLAGS, &flags) && flags & PF_FORKNOEXEC;
}

static bool is_reaped(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	if (poll(&p, 1, 0) > 0 && p.revents & POLLHUP)
		return true;
	/* Before Linux 6.9 there is no POLLHUP. */
	return syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) < 0 && errno == ESRCH;
}

/* A zombie whose parent takes its time. Root alone is told the code; others read 0. */
static enum pidinfo ask_proc(int pidfd, pid_t pid, int *wait_status)
{
	unsigned long code;
	if (geteuid() != 0 || !stat_field(pid, STAT_EXIT_CODE, &code) || is_reaped(pidfd))
		return PIDINFO_SOON;
	*wait_status = (int)code;
	return PIDINFO_ENDED;
}

enum pidinfo pidinfo_status(int pidfd, pid_t pid, int *wait_status)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	if (pidfd < 0)
		return PIDINFO_UNKNOWN;
	if (poll(&p, 1, 0) <= 0)
		return PIDINFO_ALIVE;
	if (!is_reaped(pidfd))
		return ask_proc(pidfd, pid, wait_status);
	struct pidfd_info_exit info = { .mask = INFO_EXIT };
	if (ioctl(pidfd, GET_INFO_EXIT, &info) < 0)
		return errno == ESRCH ? PIDINFO_SOON : PIDINFO_UNKNOWN;
	if (!(info.mask & INFO_EXIT))
		return PIDINFO_UNKNOWN;
	*wait_status = info.exit_code;
	return PIDINFO_ENDED;
}

static bool add_pids(FILE *f, pid_t **v, size_t *n)
{
	int pid;
	while (fscanf(f, "%d", &pid) == 1) {
		pid_t *more = realloc(*v, (*n + 2) * sizeof **v);
		if (!more)
			return false;
		more[(*n)++] = pid;
		more[*n] = 0;
		*v = more;
	}
	return true;
}

pid_t *pidinfo_children(void)
{
	pid_t *v = NULL;
	size_t n = 0;
	DIR *d = opendir("/proc/self/task");
	/* Each thread has its own list; what is inherited goes to any of them. */
	for (struct dirent *e; d && (e = readdir(d));) {
		char path[300];
		snprintf(path, sizeof path, "/proc/self/task/%s/children", e->d_name);
		FILE *f = e->d_name[0] == '.' ? NULL : fopen(path, "re");
		if (f) {
			add_pids(f, &v, &n);
			fclose(f);
		}
	}
	if (d)
		closedir(d);
	return v;
}

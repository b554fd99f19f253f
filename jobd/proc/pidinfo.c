/* SPDX-License-Identifier: ISC */
/*
 * What the kernel tells of processes, through /proc and pidfds. A number is
 * believed only together with a start time, looked at after the pidfd was opened.
 */
#include "config.h"

#include "jobd/proc/internal.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/procfs.h"

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

int pidinfo_has_run(pid_t pid, uint64_t start)
{
	struct procfs_stat st;
	if (pid <= 0 || procfs_look(pid, &st) < 0 || st.start != start)
		return -1;
	return st.unexecuted ? 0 : 1;
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
	int status;
	if (geteuid() != 0 || procfs_exit_status(pid, &status) < 0 || is_reaped(pidfd))
		return PIDINFO_SOON;
	*wait_status = status;
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

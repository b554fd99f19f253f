/* SPDX-License-Identifier: ISC */
/*
 * Killing a daemon that does not answer. Which process that is the kernel says, of the
 * socket's other end; a number in a file may be anybody's by now. The number is made
 * a pidfd, and the kernel asked once more: if the same process listens still, the
 * descriptor is that process's and no later one's.
 */
#include "config.h"

#include "jobctl/force.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/varlink.h"

#define DEATH_MS 10000

static int find_listener(const char *path, pid_t *pid)
{
	struct varlink_client *conn;
	struct ucred peer;
	socklen_t len = sizeof peer;
	int rc = varlink_client_open(path, &conn);

	if (rc < 0)
		return rc;
	rc = getsockopt(varlink_client_fd(conn), SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ? -errno : 0;
	varlink_client_close(conn);
	*pid = peer.pid;
	/* 0: it is outside our pid namespace. */
	return rc == 0 && peer.pid <= 0 ? -ESRCH : rc;
}

static int kill_and_wait(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0)
		return -errno;
	int n = poll(&p, 1, DEATH_MS);
	return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : -errno;
}

int force_kill(const char *path, pid_t *pid)
{
	pid_t again;
	int rc = find_listener(path, pid);

	if (rc < 0)
		return rc;
	int fd = (int)syscall(SYS_pidfd_open, *pid, 0);
	if (fd < 0)
		return -errno;
	rc = find_listener(path, &again);
	if (rc == 0 && again != *pid)
		rc = -ESRCH;
	if (rc == 0)
		rc = kill_and_wait(fd);
	close(fd);
	return rc;
}

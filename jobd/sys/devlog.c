/* SPDX-License-Identifier: ISC */
/*
 * See devlog.h. What can go wrong: nobody listens (ENOENT, ECONNREFUSED), or the reader is
 * stuck and its queue is full (the kernel tells by POLLOUT of a connected datagram socket).
 * A daemon that was restarted, or that took another's place, has another socket: syslog(3)
 * is made to connect anew then, since it would go on writing to the old one.
 *
 * Between the look and the writing the reader may die: then a line is lost uncounted, or
 * syslog(3) waits until it is gone.
 */
#include "config.h"

#include "jobd/sys/devlog.h"

#include <errno.h>
#include <paths.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#define STUCK_MS 1000

static bool would_take(int fd, int wait_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, wait_ms) == 1 && !(p.revents & (POLLERR | POLLHUP));
}

bool devlog_is_ready(const char *path, int wait_ms, dev_t *dev, ino_t *ino)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct stat st;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (stat(path, &st) < 0)
		return false;
	*dev = st.st_dev;
	*ino = st.st_ino;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	bool ready = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 ? would_take(fd, wait_ms)
									 : errno == EPROTOTYPE;
	/* Some daemons listen for a stream, which to connect to would be a message: they are there. */
	close(fd);
	return ready;
}

bool devlog_write(struct devlog *d, int priority, const char *text)
{
	dev_t dev;
	ino_t ino;

	if (!devlog_is_ready(_PATH_LOG, STUCK_MS, &dev, &ino)) {
		devlog_close(d);
		return false;
	}
	if (dev != d->dev || ino != d->ino) {
		devlog_close(d);
		openlog(d->ident, LOG_PID, LOG_DAEMON);
		d->dev = dev;
		d->ino = ino;
	}
	syslog(priority, "%s", text);
	return true;
}

void devlog_close(struct devlog *d)
{
	closelog();
	d->dev = 0;
	d->ino = 0;
}

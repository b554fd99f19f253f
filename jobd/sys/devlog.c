/* SPDX-License-Identifier: ISC */
/*
 * See devlog.h. The form is RFC 3164's as the C library writes it, which is what syslog
 * daemons expect of the local socket: <priority>Mon dd hh:mm:ss jobd[pid]: text.
 *
 * What can go wrong: nobody listens (ENOENT, ECONNREFUSED), the reader is stuck (the send
 * times out), or it was restarted, whose socket is another: then it is connected anew, once.
 */
#include "config.h"

#include "jobd/sys/devlog.h"

#include <errno.h>
#include <paths.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#define MESSAGE_MAX 2048 /* a line of 1 kB, and what stands before it */

static bool connect_as(struct devlog *d, int type)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct timeval second = { 1, 0 };

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", d->path ? d->path : _PATH_LOG);
	d->fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (d->fd < 0)
		return false;
	d->stream = type == SOCK_STREAM;
	/* A stream's connect is bounded by it too. */
	if (setsockopt(d->fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second)) == 0 &&
	    connect(d->fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return true;
	int was = errno;
	devlog_close(d);
	errno = was;
	return false;
}

/* Some daemons listen for a stream. */
static bool connect_any(struct devlog *d)
{
	return connect_as(d, SOCK_DGRAM) || (errno == EPROTOTYPE && connect_as(d, SOCK_STREAM));
}

/* The month's name is English, whatever the locale. */
static size_t format(
    const struct devlog *d, char *out, size_t size, int priority, time_t at, const char *text)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm = { 0 };

	localtime_r(&at, &tm);
	int n = snprintf(out, size, "<%d>%.3s %2d %02d:%02d:%02d %s[%ld]: %s", priority,
	    months + tm.tm_mon % 12 * 3, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, d->ident,
	    (long)getpid(), text);
	return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

bool devlog_write(struct devlog *d, int priority, time_t at, const char *text)
{
	char message[MESSAGE_MAX];
	size_t len = format(d, message, sizeof(message), priority, at, text);
	bool fresh = d->fd < 0;

	for (;;) {
		if (d->fd < 0 && !connect_any(d))
			return false;
		/* In a stream a NUL ends a message. */
		ssize_t n = send(d->fd, message, len + d->stream, MSG_NOSIGNAL);
		if (n >= 0 && (size_t)n == len + d->stream)
			return true;
		bool late = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
		devlog_close(d);
		if (fresh || late)
			return false;
		fresh = true;
	}
}

void devlog_close(struct devlog *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

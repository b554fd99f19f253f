/* SPDX-License-Identifier: ISC */
/*
 * The listening socket: made or taken over, and who is let in.
 *
 * The umask gives the socket its mode in the instant it appears. What lies at
 * its path is removed only if it is a socket and nobody answers there; anything
 * else is fatal. Out of descriptors: one client is turned away by means of a
 * reserved descriptor, so that somebody learns of it, and the listener is mute
 * for 100 ms, since it would otherwise wake the loop without an end.
 *
 * No user has more than half of the places (or than the limit for one: quota.c); root may
 * exceed their number by a few, so that an administrator is not locked out by the others.
 */
#include "config.h"

#include "jobd/server/room.h"

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

#define ACCEPTS_PER_TURN 64

static const struct timeval mute_time = {.tv_usec = 100 * 1000};

/* ---- the path ---- */

/* Removes what a former daemon left at the path. */
static int stale_remove(const struct sockaddr_un *a, char **why)
{
	struct stat st;
	int fd, r;

	if (lstat(a->sun_path, &st) < 0)
		return errno == ENOENT ? 0
				       : str_why(why, -errno, "%s: %s", a->sun_path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return str_why(why, -EEXIST, "%s: is there, and is no socket", a->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return str_why(why, -errno, "socket: %s", strerror(errno));
	r = connect(fd, (const struct sockaddr *)a, sizeof(*a));
	close(fd);
	if (r == 0 || errno == EAGAIN) /* EAGAIN: it answers, if slowly */
		return str_why(why, -EADDRINUSE, "%s: another process listens there", a->sun_path);
	if (unlink(a->sun_path) < 0 && errno != ENOENT)
		return str_why(why, -errno, "%s: can not be removed: %s", a->sun_path,
		    strerror(errno));
	return 0;
}

static int socket_make(struct server *s, char **why)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	mode_t old;
	int fd, r;

	if (strlen(s->path) >= sizeof(a.sun_path))
		return str_why(why, -ENAMETOOLONG, "%s: a socket's path has at most %zu bytes",
		    s->path,
		    sizeof(a.sun_path) - 1);
	strcpy(a.sun_path, s->path);
	r = stale_remove(&a, why);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return str_why(why, -errno, "socket: %s", strerror(errno));
	old = umask(0777 & ~s->o.mode);
	r = bind(fd, (const struct sockaddr *)&a, sizeof(a));
	umask(old);
	if (r == 0)
		r = listen(fd, SOMAXCONN);
	if (r < 0) {
		r = str_why(why, -errno, "%s: %s", s->path, strerror(errno));
		close(fd);
		return r;
	}
	s->listen_fd = fd;
	return 0;
}

/* Whether the descriptor listens on our path still. */
static bool socket_fits(int fd, const char *path)
{
	struct sockaddr_un a = {0};
	socklen_t len = sizeof(a), ilen = sizeof(int);
	struct stat st;
	int listens = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &ilen) < 0 || !listens)
		return false;
	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0 || a.sun_family != AF_UNIX)
		return false;
	return strncmp(a.sun_path, path, sizeof(a.sun_path)) == 0 && lstat(path, &st) == 0 &&
	       S_ISSOCK(st.st_mode);
}

/* Takes over what a former self left us. False where it is of no use, and then it is closed. */
static bool socket_adopt(struct server *s)
{
	int fd = s->o.listen_fd;

	if (fd < 0)
		return false;
	if (!socket_fits(fd, s->path) || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0) {
		close(fd);
		return false;
	}
	/* The configuration may have changed meanwhile. */
	if (chmod(s->path, s->o.mode) < 0)
		log_event(LOG_WARNING, "socket-mode", "error", "%s: %s", s->path, strerror(errno));
	s->listen_fd = fd;
	return true;
}

/* ---- letting in ---- */

static void turn_away(struct server *s, int fd, const struct ucred *u, const struct quota_refusal *r)
{
	const char *limit = server_limit_name(r->limit);
	char text[400];

	s->limits_met[r->limit]++;
	tally_add(&s->refusals, u->uid, u->pid,
	    r->of_one_user ? "too many connections of one user" : "too many connections");
	if (s->o.turned_away != NULL)
		s->o.turned_away(s->o.ctx, u->uid, u->pid, limit);
	snprintf(text, sizeof(text),
	    "{\"error\":\"org.jobd.Job.LimitReached\",\"parameters\":{\"limit\":\"%s\",\"value\":%zu,"
	    "\"count\":%zu,\"message\":\"%s has %zu connections, and %s allows%s %zu\"}}",
	    limit, r->value, r->count, r->of_one_user ? "this user" : "jobd", r->count, limit,
	    r->of_one_user ? " one user" : "", r->value);
	connection_refuse(s, fd, u->uid, text);
}

static void admit(struct server *s, int fd)
{
	struct ucred u = {.pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1};
	struct quota_refusal r;
	socklen_t len = sizeof(u);

	/* Who can not be told is refused there. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &len) < 0 || quota_admits(s, &u, &r))
		connection_new(s, fd);
	else
		turn_away(s, fd, &u, &r);
}

static void reserve_take(struct server *s)
{
	if (s->reserve_fd < 0)
		s->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_unmute(evutil_socket_t fd, short events, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)events;
	reserve_take(s);
	event_add(&s->accept_ev, NULL);
}

/* Nothing is accepted for a moment. */
static void pause_accepting(struct server *s, const char *why)
{
	tally_add(&s->refusals, (uid_t)-1, 0, why);
	event_del(&s->accept_ev);
	evtimer_add(&s->unmute_ev, &mute_time);
}

/* Nothing can be accepted at present, for an error that is not the client's. */
static void mute(struct server *s, int error)
{
	int fd = -1;

	if (error == EMFILE || error == ENFILE) {
		if (s->reserve_fd >= 0)
			close(s->reserve_fd);
		s->reserve_fd = -1;
		fd = accept4(s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			aside_discard(s->o.aside, (uid_t)-1, fd);
		reserve_take(s);
	}
	pause_accepting(s, strerror(error));
}

static void on_accept(evutil_socket_t listen_fd, short events, void *arg)
{
	struct server *s = arg;

	(void)events;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		if (!s->takes_none && !aside_has_room(s->o.aside)) {
			pause_accepting(s, "too many descriptors wait to be closed");
			return;
		}
		int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			admit(s, fd);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			mute(s, errno);
		return;
	}
}

/* ---- life ---- */

/* The uid that stands for those that have none in our user namespace. */
static uid_t overflow_uid(void)
{
	unsigned long uid = 65534;
	char text[16];
	ssize_t n;
	int fd = open("/proc/sys/kernel/overflowuid", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return (uid_t)uid;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n > 0) {
		text[n] = '\0';
		uid = strtoul(text, NULL, 10);
	}
	return (uid_t)uid;
}

int socket_open(struct server *s, char **why)
{
	struct stat st;

	if (!socket_adopt(s)) {
		int r = socket_make(s, why);

		if (r < 0)
			return r;
	}
	if (lstat(s->path, &st) == 0) {
		s->dev = st.st_dev;
		s->ino = st.st_ino;
	}
	s->takes_none = aside_refuse(s->listen_fd);
	s->nobody = overflow_uid();
	reserve_take(s);
	event_assign(&s->accept_ev, s->o.base, s->listen_fd, EV_READ | EV_PERSIST, on_accept, s);
	evtimer_assign(&s->unmute_ev, s->o.base, on_unmute, s);
	event_add(&s->accept_ev, NULL);
	return 0;
}

void socket_close(struct server *s, bool keep)
{
	struct stat st;

	event_del(&s->accept_ev);
	event_del(&s->unmute_ev);
	if (s->reserve_fd >= 0)
		close(s->reserve_fd);
	if (keep)
		return;
	/* Only ours: another daemon may have taken the place. */
	if (lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
		unlink(s->path);
	close(s->listen_fd);
}

/* SPDX-License-Identifier: ISC */
/*
 * A job's notify socket: what the job says of itself, with sd_notify(3)'s
 * protocol. One a job, so that the socket is the identity: the credentials of a
 * datagram may name a process that is gone.
 *
 * Taken are at most so many datagrams a turn and job, so that one that floods
 * does not starve the others; descriptors that come along are closed by the helper
 * (lib/aside.h), which is what BARRIER=1 waits for. While too many of a user's wait for that,
 * a job of this user that sends more is not read. What is too long is passed over.
 *
 * Where jobd executes itself the sockets go along (handover.c).
 */
#include "config.h"

#include "jobd/proc/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/aside.h"

#define DATAGRAM_MAX 8192
#define TURN_MAX     64
#define MUTE_S	     1

static void file_name(const struct keeper *k, char name[KEEPER_NAME_MAX])
{
	snprintf(name, KEEPER_NAME_MAX, "%" PRIu64 ".%" PRIu32, k->id, k->attempt);
}

/* Too many descriptors of this user wait to be closed: those that come next have to wait. */
static void mute(struct keeper *k)
{
	const struct timeval pause = { MUTE_S, 0 };
	k->notify_muted = true;
	event_del(k->notify_event);
	if (!evtimer_pending(k->p->unmute, NULL))
		evtimer_add(k->p->unmute, &pause);
}

void notify_unmute(struct proc *p)
{
	for (struct keeper *k = p->all; k; k = k->next) {
		if (k->notify_muted && k->notify_event)
			event_add(k->notify_event, NULL);
		k->notify_muted = false;
	}
}

/* Takes one datagram. False when there is none, or it has to wait. */
static bool take_one(struct keeper *k)
{
	char text[DATAGRAM_MAX];
	int flags = 0;
	ssize_t n = aside_receive(k->p->o.aside, k->uid, k->notify_fd, text, sizeof text, &flags);
	if (n < 0 && errno == ETOOMANYREFS)
		mute(k);
	if (n < 0)
		return errno == EINTR;
	if (!(flags & MSG_TRUNC) && n > 0)
		k->p->ev.notified(k->p->ctx, k->id, text, (size_t)n);
	return true;
}

void notify_drain(struct keeper *k)
{
	/* The socket may go while core handles what it said. */
	for (int i = 0; i < TURN_MAX && k->notify_fd >= 0; i++)
		if (!take_one(k))
			break;
}

static void on_datagram(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	notify_drain(arg);
}

static int bind_socket(struct keeper *k, int fd)
{
	char name[KEEPER_NAME_MAX];
	file_name(k, name);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	/* Through the descriptor: socket paths end at 108 bytes, directories do not. */
	snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/%s", k->p->notify_fd, name);
	/* The file takes its mode from the descriptor's: it never stands open to others. */
	if (fchmod(fd, 0600) < 0)
		return -errno;
	int rc = bind(fd, (struct sockaddr *)&a, sizeof a);
	if (rc < 0 && errno == EADDRINUSE && unlinkat(k->p->notify_fd, name, 0) == 0)
		rc = bind(fd, (struct sockaddr *)&a, sizeof a); /* an earlier jobd's */
	if (rc < 0)
		return -errno;
	if (k->p->o.set_identity && k->uid != geteuid() &&
	    fchownat(k->p->notify_fd, name, k->uid, (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

/* One that a former self left, as long as its file is there: jobs may be connected to it. */
static int take_inherited(const struct keeper *k)
{
	char name[KEEPER_NAME_MAX];
	struct stat st;
	int fd = inherited_take(k->p, k->id, k->attempt);
	file_name(k, name);
	if (fd < 0 || (fstatat(k->p->notify_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(st.st_mode)))
		return fd;
	aside_discard(k->p->o.aside, k->uid, fd);
	return -1;
}

int notify_open(struct keeper *k)
{
	int fd = take_inherited(k), rc = 0;
	if (fd < 0) {
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd < 0)
			return -errno;
		rc = bind_socket(k, fd);
	}
	if (rc == 0) {
		k->notify_event = event_new(k->p->o.base, fd, EV_READ | EV_PERSIST, on_datagram, k);
		if (!k->notify_event || event_add(k->notify_event, NULL) < 0)
			rc = -ENOMEM;
	}
	k->notify_fd = fd;
	if (rc < 0)
		notify_remove(k);
	return rc;
}

void notify_close(struct keeper *k)
{
	if (k->notify_event)
		event_free(k->notify_event);
	k->notify_event = NULL;
	if (k->notify_fd >= 0)
		aside_discard(k->p->o.aside, k->uid, k->notify_fd);
	k->notify_fd = -1;
}

void notify_remove(struct keeper *k)
{
	if (k->notify_fd < 0)
		return;
	char name[KEEPER_NAME_MAX];
	file_name(k, name);
	unlinkat(k->p->notify_fd, name, 0);
	notify_close(k);
}

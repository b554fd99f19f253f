/* SPDX-License-Identifier: ISC */
/*
 * Who is at the other end: what the kernel says of it, and nothing else.
 *
 * SO_PEERCRED is the identity at the time of connect(2), whoever holds the
 * descriptor now. A uid that has no number in our user namespace arrives as the
 * overflow uid, and any such uid arrives as the same one: it is nobody's and is
 * refused, as is one that can't be had.
 */
#include "config.h"

#include "jobd/server/room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

#define OVERFLOW_UID 65534 /* the kernel's default, and "nobody" */
#define GROUPS_MAX   65536 /* NGROUPS_MAX of Linux */

static int groups_read(struct connection *c)
{
	socklen_t len = 32 * sizeof(gid_t);

	for (;;) {
		gid_t *g = realloc(c->groups, len);

		if (g == NULL)
			return -ENOMEM;
		c->groups = g;
		if (getsockopt(c->fd, SOL_SOCKET, SO_PEERGROUPS, g, &len) == 0)
			break;
		if (errno == ENOPROTOOPT) /* a kernel before 4.13: the gid alone counts */
			len = 0;
		else if (errno != ERANGE || len > GROUPS_MAX * sizeof(gid_t))
			return -errno;
		if (len == 0)
			break;
	}
	c->peer.groups = c->groups;
	c->peer.ngroups = len / sizeof(gid_t);
	return 0;
}

/* The name of the process, for the record: it can call itself anything. */
static void process_read(struct connection *c)
{
	char path[64];
	ssize_t n;
	int fd;

	c->peer.process = c->process;
	if (c->peer.pid <= 0)
		return; /* from another pid namespace */
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)c->peer.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, c->process, sizeof(c->process) - 1);
	close(fd);
	if (n < 0)
		n = 0;
	if (n > 0 && c->process[n - 1] == '\n')
		n--;
	c->process[n] = '\0';
	/* The kernel cuts names anywhere, and JSON takes only whole characters. */
	for (char *p = c->process; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
}

int peer_read(struct connection *c)
{
	struct ucred u;
	socklen_t len = sizeof(u);

	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &u, &len) < 0)
		return -errno;
	if (len != sizeof(u))
		return -EPROTO;
	c->peer.uid = u.uid;
	c->peer.gid = u.gid;
	c->peer.pid = u.pid;
	if (u.uid == (uid_t)-1 || u.uid == OVERFLOW_UID || u.uid == c->server->nobody)
		return -EPERM;
	process_read(c);
	return groups_read(c);
}

/* SPDX-License-Identifier: ISC */
/*
 * Connections: the one to the jobd that started this keeper, and those of
 * later ones that want to adopt it. Nothing here blocks, and nobody is talked
 * to who is not root or the user the keeper runs as, and who does not know the
 * attempt's nonce.
 */
#include "config.h"

#include "jobd/keeper/keeper.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CHUNK	   16384
#define BACKLOG	   8
#define HELLO_MAX  1024	     /* what a stranger may say before it is known */
#define UNREAD_MAX (1 << 20) /* a jobd that reads so little of what it is told is none */

void conn_init(struct conn *c, int fd)
{
	*c = (struct conn){ .fd = fd, .in = BUF_INIT, .out = BUF_INIT };
}

void conn_close(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	buf_fini(&c->in);
	buf_fini(&c->out);
}

bool conn_read(struct conn *c)
{
	for (;;) {
		void *room = buf_reserve(&c->in, CHUNK);
		if (!room)
			return false;
		ssize_t n = recv(c->fd, room, CHUNK, MSG_DONTWAIT);
		if (n > 0) {
			c->in.len += (size_t)n;
			if (n < CHUNK)
				return true; /* poll says so if there is more */
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
	}
}

void conn_write(struct conn *c)
{
	if (c->fd < 0 || !c->out.len)
		return;
	ssize_t n = send(c->fd, c->out.data, c->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		buf_drop(&c->out, (size_t)n);
	else if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
		buf_clear(&c->out);
	if (c->out.failed || c->out.len > UNREAD_MAX) {
		/* Half a message can't be taken back: the connection ends, and is read as ended. */
		buf_clear(&c->out);
		shutdown(c->fd, SHUT_RDWR);
	}
}

int conn_listen(int dir, const char *name)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d/%s", dir, name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	int rc = bind(fd, (const struct sockaddr *)&sa, sizeof(sa));
	if (rc < 0 && errno == EADDRINUSE) {
		/* The name holds a nonce: it can only be what a start of ours left. */
		unlinkat(dir, name, 0);
		rc = bind(fd, (const struct sockaddr *)&sa, sizeof(sa));
	}
	if (rc < 0 || listen(fd, BACKLOG) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

/* Root, or whoever the keeper runs as; anything that can't be told is nobody. */
static bool may_talk(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 || len != sizeof(cred))
		return false;
	return cred.uid == 0 || cred.uid == geteuid();
}

void conn_accept(struct keeper *k)
{
	int fd = accept4(k->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (!may_talk(fd)) {
		close(fd);
		return;
	}
	/* Silent ones give way to later ones: they may not keep jobd out. */
	conn_close(&k->pending[PENDING_MAX - 1]);
	memmove(&k->pending[1], &k->pending[0], (PENDING_MAX - 1) * sizeof(k->pending[0]));
	conn_init(&k->pending[0], fd);
}

static bool is_our_hello(const struct keeper *k, const struct kmsg *m)
{
	if (m->type != KMSG_HELLO)
		return false;
	struct tlv_reader r = m->payload;
	struct tlv f;
	bool known = false;
	while (tlv_next(&r, &f))
		if (f.tag == KTAG_NONCE)
			known = tlv_u64(&f) == k->start.nonce;
	return known && !r.bad;
}

void conn_hear(struct keeper *k, struct conn *c)
{
	struct kmsg m;
	bool open = conn_read(c);
	int rc = kmsg_parse(&c->in, &m);
	if (rc > 0 && is_our_hello(k, &m)) {
		buf_drop(&c->in, m.size);
		conn_close(&k->jobd);
		k->jobd = *c;
		conn_init(c, -1);
		talk_hello(k);
		return;
	}
	if (rc != 0 || !open || c->in.len > HELLO_MAX)
		conn_close(c);
}

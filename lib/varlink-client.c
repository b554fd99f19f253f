/* SPDX-License-Identifier: ISC */
/*
 * A client's end of a Varlink connection, for programs that have nothing else
 * to do while they wait.
 *
 * Calls are gathered and leave when an answer is wanted or when much has
 * gathered. The descriptor is non-blocking and waiting is done by poll in both
 * directions: a daemon stops reading from a client that does not read, so a
 * client that only wrote would wait for ever. What comes in meanwhile is kept.
 *
 * A daemon that talks nonsense ends the connection: there is no telling where
 * its next message begins.
 */
#include "config.h"

#include "lib/varlink.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/clock.h"

#define SEND_AT	   (64u << 10) /* so much is sent without being asked for */
#define HELD_MAX   (1u << 20)  /* so much is held while the daemon does not read */
#define READ_CHUNK (64u << 10)
#define CONNECT_S  10

struct varlink_client {
	int fd;
	int error;	/* what ended the connection, or 0 */
	int send_error; /* why nothing can be sent any more; there may still be much to read */
	struct buf in, out;
	size_t in_at, out_at; /* what comes before is done with */
	size_t scanned;
	json_t *reply; /* the last one: it holds the error's name */
};

static int connect_to(const char *path)
{
	const struct timeval patience = {CONNECT_S, 0}, none = {0};
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd, r;

	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* A full backlog makes it wait, but not for ever: unix(7) bounds connect by what bounds sending.
	 * No local connect goes on after EINTR. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	do {
		r = connect(fd, (struct sockaddr *)&a, sizeof(a));
	} while (r < 0 && errno == EINTR);
	if (r < 0) {
		r = errno == EAGAIN ? -ETIMEDOUT : -errno;
		close(fd);
		return r;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none));
	return fd;
}

int varlink_client_open(const char *path, struct varlink_client **out)
{
	struct varlink_client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	c->fd = connect_to(path);
	if (c->fd < 0) {
		int r = c->fd;

		free(c);
		return r;
	}
	*out = c;
	return 0;
}

void varlink_client_close(struct varlink_client *c)
{
	if (c == NULL)
		return;
	close(c->fd);
	buf_fini(&c->in);
	buf_fini(&c->out);
	json_decref(c->reply);
	free(c);
}

int varlink_client_fd(const struct varlink_client *c)
{
	return c->fd;
}

static size_t unsent(const struct varlink_client *c)
{
	return c->out.len - c->out_at;
}

/* Writes what goes without waiting. What can never be sent is dropped. */
static void push(struct varlink_client *c)
{
	while (unsent(c) > 0) {
		ssize_t n =
		    send(c->fd, c->out.data + c->out_at, unsent(c), MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			if (c->out_at > HELD_MAX) {
				buf_drop(&c->out, c->out_at);
				c->out_at = 0;
			}
			return;
		}
		if (n < 0) {
			c->send_error = -errno;
			break;
		}
		c->out_at += (size_t)n;
	}
	buf_clear(&c->out);
	c->out_at = 0;
}

/* Reads what is there. 0 or -errno, -ECONNRESET at the end. */
static int pull(struct varlink_client *c)
{
	ssize_t n;
	void *to;

	if (c->in_at > 0 && (c->in_at == c->in.len || c->in_at > READ_CHUNK)) {
		buf_drop(&c->in, c->in_at);
		c->in_at = 0;
	}
	to = buf_reserve(&c->in, READ_CHUNK);
	if (to == NULL)
		return -ENOMEM;
	n = recv(c->fd, to, READ_CHUNK, MSG_DONTWAIT);
	if (n > 0)
		c->in.len += (size_t)n;
	else if (n == 0)
		return -ECONNRESET;
	else if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)
		return -errno;
	return 0;
}

/* Waits until something can be written or read, and does both. */
static int pump(struct varlink_client *c, int timeout_ms)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	int n;

	if (unsent(c) > 0)
		p.events |= POLLOUT;
	n = poll(&p, 1, timeout_ms);
	if (n == 0)
		return -EAGAIN;
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if ((p.revents & POLLOUT) != 0)
		push(c);
	if ((p.revents & (POLLIN | POLLHUP | POLLERR)) != 0)
		return pull(c);
	return 0;
}

static json_t *call_message(const char *method, json_t *params, bool more)
{
	json_t *m = json_object();

	if (json_object_set_new(m, "method", json_string(method)) < 0 ||
	    (params != NULL && json_object_set(m, "parameters", params) < 0) ||
	    (more && json_object_set_new(m, "more", json_true()) < 0)) {
		json_decref(m);
		m = NULL;
	}
	json_decref(params);
	return m;
}

int varlink_client_send(struct varlink_client *c, const char *method, json_t *params, bool more)
{
	json_t *m = call_message(method, params, more);
	int r;

	if (m == NULL)
		return -ENOMEM;
	r = varlink_put(&c->out, m);
	json_decref(m);
	if (r < 0) {
		c->out.failed = false;
		return r;
	}
	if (unsent(c) > SEND_AT)
		push(c);
	while (unsent(c) > HELD_MAX && c->error == 0)
		c->error = pump(c, -1);
	return c->error != 0 ? c->error : c->send_error;
}

/* Takes a message that has come. 1 with c->reply set, 0 when there is none, -EPROTO, -EMSGSIZE. */
static int reply_take(struct varlink_client *c)
{
	char why[VARLINK_WHY_MAX];
	json_t *m = NULL;
	size_t taken = 0;
	int r;

	if (c->in_at == c->in.len)
		return 0;
	struct buf rest = {c->in.data + c->in_at, c->in.len - c->in_at, 0, false};
	r = varlink_take(&rest, VARLINK_REPLY_MAX, &c->scanned, &taken, &m, why);
	if (r <= 0)
		return r;
	c->in_at += taken;
	json_decref(c->reply);
	c->reply = m;
	return 1;
}

/* Takes the last reply apart. */
static int reply_read(
    struct varlink_client *c, json_t **params, const char **error, bool *continues)
{
	json_t *p = json_object_get(c->reply, "parameters");
	json_t *e = json_object_get(c->reply, "error");
	json_t *more = json_object_get(c->reply, "continues");

	if (p != NULL && !json_is_null(p) && !json_is_object(p))
		return -EPROTO;
	if (e != NULL && !json_is_null(e) && !json_is_string(e))
		return -EPROTO;
	if (more != NULL && !json_is_null(more) && !json_is_boolean(more))
		return -EPROTO;
	*params = json_is_object(p) ? json_incref(p) : json_object();
	if (*params == NULL)
		return -ENOMEM;
	*error = json_string_value(e);
	*continues = json_is_true(more);
	return 0;
}

int varlink_client_receive(
    struct varlink_client *c, int timeout_ms, json_t **params, const char **error, bool *continues)
{
	uint64_t end_us = 0;
	int left_ms = timeout_ms;
	int r;

	if (timeout_ms > 0)
		end_us = clock_mono_us() + (uint64_t)timeout_ms * 1000;
	push(c);
	while ((r = reply_take(c)) == 0) {
		if (c->error != 0)
			return c->error;
		r = pump(c, left_ms);
		if (r == -EAGAIN)
			return r;
		if (r < 0)
			c->error = r; /* told when what came before it is used up */
		if (timeout_ms > 0) {
			uint64_t now_us = clock_mono_us();

			left_ms = now_us >= end_us ? 0 : (int)((end_us - now_us + 999) / 1000);
		}
	}
	if (r > 0)
		r = reply_read(c, params, error, continues);
	if (r < 0 && r != -ENOMEM)
		c->error = r;
	return r;
}

/* SPDX-License-Identifier: ISC */
/*
 * One client's connection: bytes in, calls begun, answers out.
 *
 * What bounds it: calls and bytes begun a turn, bytes that wait to be begun,
 * bytes that wait to be read by the client (nothing more is begun then). A client
 * that half-closes gets its answers first. One that has gone altogether still gets
 * what it had sent carried out, up to a call that has to wait: that one is told, and
 * what stood behind it is dropped, since it was to come after.
 *
 * Bytes leave only after server_flush released them. Descriptors that a client sends along are
 * refused by the kernel, or, where it can't (before Linux 6.16), received and closed by the helper
 * (lib/aside.h): a close in the kernel's recv could sleep as any other. While too many of a user's
 * wait for that, a client of this user that sends more is not read.
 */
#include "config.h"

#include "jobd/server/room.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/aside.h"
#include "lib/log.h"

#define KEEP_BUFFER (16u << 10) /* an idle connection holds no more than this */

size_t connection_backlog(const struct connection *c)
{
	return c->out.len - c->out_at;
}

static size_t pending(const struct connection *c)
{
	return c->in.len - c->in_at;
}

bool connection_gone(const struct connection *c)
{
	struct pollfd p = {.fd = c->fd};

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

void connection_hangup(struct connection *c)
{
	c->hup = true;
	buf_clear(&c->out);
	c->out_at = c->released = 0;
	event_del(&c->write_ev);
	server_due(c);
}

/* ---- out ---- */

void connection_put(struct connection *c, const json_t *message)
{
	if (varlink_put(&c->out, message) < 0) {
		log_event(LOG_ERR, "answer-failed", "method", "%s",
		    c->call == NULL || c->call->method == NULL ? "ours" : c->call->method->name);
		connection_hangup(c);
		return;
	}
	if (connection_backlog(c) > CALL_BACKLOG)
		c->over = true;
	server_dirty(c);
}

/* Forgets what was sent. */
static void out_trim(struct connection *c)
{
	if (c->out_at == c->out.len) {
		if (c->out.cap > KEEP_BUFFER)
			buf_fini(&c->out);
		buf_clear(&c->out);
		c->out_at = c->released = 0;
	} else if (c->out_at > READ_CHUNK && c->out_at > c->out.len / 2) {
		buf_drop(&c->out, c->out_at);
		c->released -= c->out_at;
		c->out_at = 0;
	}
}

static void out_send(struct connection *c)
{
	while (c->out_at < c->released) {
		ssize_t n = send(c->fd, c->out.data + c->out_at, c->released - c->out_at,
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			event_add(&c->write_ev, NULL);
			break;
		}
		if (n < 0) {
			connection_hangup(c);
			return;
		}
		c->out_at += (size_t)n;
	}
	if (c->out_at == c->released)
		event_del(&c->write_ev);
	out_trim(c);
}

/* ---- in ---- */

void connection_offence(struct connection *c, const char *part, const char *why)
{
	json_t *m = json_pack("{s:s,s:{s:s}}", "error", "org.varlink.service.InvalidParameter",
	    "parameters", "parameter", part);

	tally_add(&c->server->offences, c->peer.uid, c->peer.pid, why);
	c->ending = true;
	buf_clear(&c->in);
	c->in_at = c->scanned = 0;
	if (!c->hup)
		connection_put(c, m);
	json_decref(m);
}

static bool turn_spent(struct connection *c)
{
	if (c->turn != c->server->turn) {
		c->turn = c->server->turn;
		c->turn_calls = 0;
		c->turn_bytes = 0;
	}
	return c->turn_calls >= CALLS_PER_TURN || c->turn_bytes >= BYTES_PER_TURN;
}

/* Whether a call may be begun, now or in the next turn. */
static bool may_begin(const struct connection *c)
{
	size_t backlog = connection_backlog(c);

	if (!c->named || c->call != NULL || c->ending || c->throttled || backlog > BACKLOG_MAX)
		return false;
	return backlog <= READ_CHUNK || !server_hogged(c->server, c->peer.uid);
}

/* Begins the calls that are there, as far as they may be begun. */
static void calls_begin(struct connection *c)
{
	char why[VARLINK_WHY_MAX];
	json_t *message;
	size_t taken;
	int r = 1;

	c->stalled = false;
	while (r > 0 && pending(c) > 0) {
		struct buf rest = {c->in.data + c->in_at, pending(c), 0, false};

		if (!may_begin(c) || turn_spent(c) || server_turn_over(c->server) ||
		    !quota_may_call(c)) {
			c->stalled = true;
			break;
		}
		r = varlink_take(&rest, VARLINK_MESSAGE_MAX, &c->scanned, &taken, &message, why);
		if (r < 0) {
			connection_offence(c, "message", why);
		} else if (r > 0) {
			c->in_at += taken;
			quota_call(c);
			c->turn_calls++;
			c->turn_bytes += taken;
			dispatch(c, message, NULL);
		}
	}
	if (c->in_at > 0) {
		buf_drop(&c->in, c->in_at);
		c->in_at = 0;
	}
	if (c->in.len == 0 && c->in.cap > KEEP_BUFFER)
		buf_fini(&c->in);
	if (c->stalled && may_begin(c))
		server_due(c);
}

/* Reads what is there, a bounded amount. */
static void in_read(struct connection *c)
{
	char *to = c->server->scratch;
	size_t got = 0;
	struct aside *aside = c->server->o.aside;
	ssize_t n;

	do {
		n = aside_receive(aside, c->peer.uid, c->fd, to, READ_CHUNK, NULL);
		if (n > 0) {
			buf_put(&c->in, to, (size_t)n);
			got += (size_t)n;
		}
	} while ((n == READ_CHUNK && got < BYTES_PER_TURN) || (n < 0 && errno == EINTR));
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (n < 0 && errno == ETOOMANYREFS) {
		c->muted = true;
		server_watch(c->server); /* which ends it */
		return;
	}
	if (n <= 0) {
		c->eof = true;
		if (n < 0 || connection_gone(c))
			connection_hangup(c);
	}
	if (c->in.failed)
		connection_offence(c, "message", "no memory for it");
}

/* ---- what is to be done ---- */

static void name_find(struct connection *c)
{
	const struct server_options *o = &c->server->o;
	const char *name = NULL;
	char digits[16];

	if (!o->user_name(o->ctx, c->peer.uid, &name))
		return;
	if (name == NULL || name[0] == '\0') {
		snprintf(digits, sizeof(digits), "%lu", (unsigned long)c->peer.uid);
		name = digits;
	}
	c->user = strdup(name);
	if (c->user == NULL) {
		connection_hangup(c);
		return;
	}
	c->peer.user = c->user;
	c->named = true;
}

/* The client has gone: the call that waits is told, and what was to come after it is not begun. */
static void drop_waiting(struct connection *c)
{
	if (!c->hup || c->call == NULL)
		return;
	call_drop(c->call);
	c->eof = true;
	c->stalled = false;
	buf_clear(&c->in);
	c->in_at = c->scanned = 0;
}

static bool finished(const struct connection *c)
{
	if (c->call != NULL || connection_backlog(c) > 0)
		return false;
	return c->ending || (c->eof && !c->stalled) || (c->hup && !c->named);
}

bool connection_blind(const struct connection *c)
{
	return !c->reading && !c->hup && !event_pending(&c->write_ev, EV_WRITE, NULL);
}

/*
 * How much may wait to be begun. A user who holds too much is not read from where calls wait; where
 * the message is not whole yet, that would be for ever, and the connection ends.
 */
static size_t pending_max(struct connection *c)
{
	if (pending(c) <= READ_CHUNK || !server_hogged(c->server, c->peer.uid))
		return PENDING_MAX;
	if (!c->stalled && !c->ending)
		connection_offence(c, "message", "too much is held for this user");
	return READ_CHUNK;
}

/* Frees the connection when it is over, else sees that it hears of what it waits for. */
static void settle(struct connection *c)
{
	size_t max = pending_max(c);
	bool read;

	if (finished(c)) {
		connection_free(c);
		return;
	}
	read = !c->eof && !c->ending && !c->muted && pending(c) <= max &&
	    connection_backlog(c) <= BACKLOG_MAX;
	if (read != c->reading) {
		if (read)
			event_add(&c->read_ev, NULL);
		else
			event_del(&c->read_ev);
		c->reading = read;
	}
	if (connection_blind(c))
		server_watch(c->server);
}

void connection_work(struct connection *c)
{
	bool retry = c->retry;

	c->retry = false;
	drop_waiting(c);
	if (!c->named)
		name_find(c);
	if (retry && c->call != NULL && c->call->again)
		dispatch_again(c->call);
	if (c->over && connection_backlog(c) <= CALL_BACKLOG) {
		c->over = false;
		if (c->call != NULL && c->call->on_drain != NULL)
			c->call->on_drain(c->call->drain_arg);
	}
	calls_begin(c);
	drop_waiting(c);
	settle(c);
}

void connection_flush(struct connection *c)
{
	c->released = c->out.len;
	out_send(c);
	if (c->hup)
		return; /* it is due */
	if ((c->over && connection_backlog(c) <= CALL_BACKLOG) || (c->stalled && may_begin(c)))
		server_due(c);
	settle(c);
}

static void on_read(evutil_socket_t fd, short events, void *arg)
{
	struct connection *c = arg;

	(void)fd;
	(void)events;
	in_read(c);
	if (c->server->due_count == 0) {
		connection_work(c);
	} else { /* behind those who came before */
		c->stalled = true;
		server_due(c);
	}
}

static void on_write(evutil_socket_t fd, short events, void *arg)
{
	struct connection *c = arg;

	(void)fd;
	(void)events;
	out_send(c);
	connection_work(c);
}

/* ---- life ---- */

void connection_refuse(struct server *s, int fd, uid_t uid, const char *error)
{
	(void)!send(fd, error, strlen(error) + 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	aside_discard(s->o.aside, uid, fd);
}

int connection_new(struct server *s, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL) {
		aside_discard(s->o.aside, (uid_t)-1, fd);
		return -ENOMEM;
	}
	c->server = s;
	c->fd = fd;
	aside_refuse(fd); /* a former self's may be without */
	c->turn = s->turn;
	r = peer_read(c);
	if (r == 0 && quota_join(c) < 0)
		r = -ENOMEM;
	if (r < 0) {
		tally_add(&s->refusals, c->peer.uid, c->peer.pid, "who it is can not be told");
		connection_refuse(s, fd, c->peer.uid,
		    "{\"error\":\"org.varlink.service.PermissionDenied\",\"parameters\":{}}");
		free(c->groups);
		free(c);
		return r;
	}
	event_assign(&c->read_ev, s->o.base, fd, EV_READ | EV_PERSIST, on_read, c);
	event_assign(&c->write_ev, s->o.base, fd, EV_WRITE | EV_PERSIST, on_write, c);
	TAILQ_INSERT_TAIL(&s->all, c, link);
	s->count++;
	name_find(c);
	settle(c);
	return 0;
}

void connection_free(struct connection *c)
{
	struct server *s = c->server;

	if (c->due) {
		TAILQ_REMOVE(&s->due, c, due_link);
		s->due_count--;
	}
	if (c->dirty)
		TAILQ_REMOVE(&s->dirty, c, dirty_link);
	TAILQ_REMOVE(&s->all, c, link);
	s->count--;
	quota_leave(c);
	event_del(&c->read_ev);
	event_del(&c->write_ev);
	aside_discard(s->o.aside, c->peer.uid, c->fd);
	buf_fini(&c->in);
	buf_fini(&c->out);
	free(c->groups);
	free(c->user);
	json_decref(c->message);
	json_decref(c->progress);
	free(c);
}

/* SPDX-License-Identifier: ISC */
/*
 * The server as a whole: its connections, what is due, what is to be flushed.
 *
 * Answers gather in their connections during a turn and leave in server_flush,
 * which also ends the turn: what a connection may begin is counted anew. What a
 * turn leaves over is due in the next; a zero timer keeps the loop from
 * sleeping on it, where an event made active at once would keep the turn from
 * ending. Who is due is served in order, and who comes meanwhile stands behind
 * them: however many flood, each has its share, and the turn its end.
 */
#include "config.h"

#include "jobd/server/room.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"

#define CONNECTIONS_MAX 1000

static const struct timeval at_once = {0};
static const struct timeval watch_time = {.tv_sec = 1};

void server_due(struct connection *c)
{
	struct server *s = c->server;

	if (!c->due) {
		c->due = true;
		TAILQ_INSERT_TAIL(&s->due, c, due_link);
		s->due_count++;
	}
	if (!evtimer_pending(&s->due_ev, NULL))
		evtimer_add(&s->due_ev, &at_once);
}

void server_dirty(struct connection *c)
{
	if (c->dirty)
		return;
	c->dirty = true;
	TAILQ_INSERT_TAIL(&c->server->dirty, c, dirty_link);
}

void server_watch(struct server *s)
{
	if (!evtimer_pending(&s->watch_ev, NULL))
		evtimer_add(&s->watch_ev, &watch_time);
}

bool server_turn_over(struct server *s)
{
	uint64_t now_us = clock_mono_us();

	if (s->begun_turn != s->turn) {
		s->begun_turn = s->turn;
		s->begun_us = now_us;
	}
	return now_us - s->begun_us > TURN_US;
}

bool server_hogged(const struct server *s, uid_t uid)
{
	const struct connection *c;
	size_t held = 0;

	TAILQ_FOREACH(c, &s->all, link) {
		if (c->peer.uid == uid)
			held += c->in.len - c->in_at + connection_backlog(c);
	}
	return held > HELD_MAX;
}

/* What was due when the turn began; what becomes due meanwhile is the next turn's. */
static void on_due(evutil_socket_t fd, short events, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)events;
	for (size_t n = s->due_count; n > 0 && !server_turn_over(s); n--) {
		struct connection *c = TAILQ_FIRST(&s->due);

		TAILQ_REMOVE(&s->due, c, due_link);
		s->due_count--;
		c->due = false;
		connection_work(c);
	}
	if (s->due_count > 0)
		evtimer_add(&s->due_ev, &at_once);
}

/*
 * A client that is not read from at present, and not written to, can leave unnoticed. One that is
 * muted is read again.
 */
static void on_watch(evutil_socket_t fd, short events, void *arg)
{
	struct server *s = arg;
	struct connection *c;

	(void)fd;
	(void)events;
	TAILQ_FOREACH(c, &s->all, link) {
		if (c->muted) {
			c->muted = false;
			server_due(c);
		}
		if (!connection_blind(c))
			continue;
		if (connection_gone(c))
			connection_hangup(c);
		else
			server_watch(s);
	}
}

int server_open(const struct server_options *o, struct server **out, char **why)
{
	struct server *s = calloc(1, sizeof(*s));
	int r;

	*why = NULL;
	if (s == NULL)
		return -ENOMEM;
	s->o = *o;
	if (s->o.max_connections == 0)
		s->o.max_connections = CONNECTIONS_MAX;
	s->listen_fd = s->reserve_fd = -1;
	if (o->handover != NULL)
		s->o.listen_fd = server_take_listener(o->handover);
	s->turn = 1; /* none has begun a call */
	TAILQ_INIT(&s->all);
	TAILQ_INIT(&s->due);
	TAILQ_INIT(&s->dirty);
	evtimer_assign(&s->due_ev, o->base, on_due, s);
	evtimer_assign(&s->watch_ev, o->base, on_watch, s);
	tally_init(&s->refusals, o->base, LOG_WARNING, "connection-refused");
	tally_init(&s->delays, o->base, LOG_NOTICE, "calls-delayed");
	tally_init(&s->offences, o->base, LOG_INFO, "bad-message");
	s->path = strdup(o->path);
	r = s->path == NULL ? -ENOMEM : socket_open(s, why);
	if (r < 0) {
		free(s->path);
		free(s);
		return r;
	}
	server_take_connections(s, o->handover);
	s->o.handover = NULL;
	*out = s;
	return 0;
}

void server_close(struct server *s, bool keep)
{
	struct connection *c;

	if (s == NULL)
		return;
	socket_close(s, keep);
	while ((c = TAILQ_FIRST(&s->all)) != NULL) {
		if (c->call != NULL)
			call_drop(c->call);
		connection_free(c);
	}
	quota_fini(s);
	event_del(&s->due_ev);
	event_del(&s->watch_ev);
	tally_fini(&s->refusals);
	tally_fini(&s->offences);
	tally_fini(&s->delays);
	free(s->path);
	free(s);
}

int server_listen_fd(const struct server *s)
{
	return s->listen_fd;
}

void server_resume_names(struct server *s)
{
	struct connection *c;

	TAILQ_FOREACH(c, &s->all, link) {
		bool waits = c->call != NULL && c->call->again;

		if (c->named && !waits)
			continue;
		c->retry = waits;
		server_due(c);
	}
}

void server_flush(struct server *s)
{
	struct connection *c;

	s->turn++;
	while ((c = TAILQ_FIRST(&s->dirty)) != NULL) {
		TAILQ_REMOVE(&s->dirty, c, dirty_link);
		c->dirty = false;
		connection_flush(c);
	}
}

size_t server_connections(const struct server *s)
{
	return s->count;
}

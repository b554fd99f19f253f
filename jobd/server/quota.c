/* SPDX-License-Identifier: ISC */
/*
 * What one user may: so many connections at once, so many calls a second. Each user who has
 * a connection has a record, found by the uid in a small hash, so that a call costs
 * the same however many clients there are.
 *
 * A connection too many is refused. A call too many is not: it waits, and its connection
 * with it, until the user's share has room. So a loop in somebody's script is
 * slowed down, and no call of a bulk that a person asked for is lost; what waits is bounded by
 * what a connection, and a user, may hold.
 *
 * The share is a bucket that holds one second's calls, kept as one time: when it would be
 * full. A call moves that on; where it would lie more than a second ahead, the call waits.
 * A record outlives its connections until then, so that connecting anew gains nothing.
 */
#include "config.h"

#include "jobd/server/room.h"

#include <stdlib.h>

#include "lib/clock.h"

#define SECOND_US  1000000u
#define BATCH_US   10000u /* those who wait are let go at most so often */

struct user {
	LIST_ENTRY(user) link;
	struct server *server;
	uid_t uid;
	size_t connections;
	uint64_t full_us; /* when the bucket will be full */
	struct connections waiting;
	struct event timer; /* lets go who waits, or ends the record */
};

static struct users *bucket(struct server *s, uid_t uid)
{
	return &s->users[uid % USER_BUCKETS];
}

static struct user *find(struct server *s, uid_t uid)
{
	struct user *u;

	LIST_FOREACH(u, bucket(s, uid), link) {
		if (u->uid == uid)
			return u;
	}
	return NULL;
}

static void user_free(struct user *u)
{
	event_del(&u->timer);
	LIST_REMOVE(u, link);
	free(u);
}

static bool exempt(const struct server *s, uid_t uid)
{
	return s->o.exempt != NULL && s->o.exempt(s->o.ctx, uid);
}

/* How many calls may be begun now. */
static uint64_t calls_left(const struct user *u, uint64_t now_us)
{
	unsigned rate = u->server->o.limits.user_calls_per_second;
	uint64_t debt_us = u->full_us > now_us ? u->full_us - now_us : 0;

	if (rate == 0)
		return UINT64_MAX;
	return debt_us >= SECOND_US ? 0 : (SECOND_US - debt_us) * rate / SECOND_US;
}

static void timer_set(struct user *u, uint64_t after_us)
{
	struct timeval t = {(time_t)(after_us / SECOND_US), (suseconds_t)(after_us % SECOND_US)};

	evtimer_add(&u->timer, &t);
}

/* Until there is room for a call. */
static void wait_for_room(struct user *u, uint64_t now_us)
{
	unsigned rate = u->server->o.limits.user_calls_per_second;
	uint64_t room_us = now_us + SECOND_US - (rate > 0 ? SECOND_US / rate : SECOND_US);
	uint64_t after_us = u->full_us > room_us ? u->full_us - room_us : 0;

	timer_set(u, after_us > BATCH_US ? after_us : BATCH_US);
}

/* Those that came first are let go first; what they leave of the room is for the others. */
static void let_go(struct user *u, uint64_t now_us)
{
	struct connection *c;

	for (uint64_t n = calls_left(u, now_us); n > 0 && (c = TAILQ_FIRST(&u->waiting)); n--) {
		TAILQ_REMOVE(&u->waiting, c, wait_link);
		c->throttled = false;
		c->let_go = true;
		server_due(c);
	}
	if (!TAILQ_EMPTY(&u->waiting))
		wait_for_room(u, now_us);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct user *u = arg;
	uint64_t now_us = clock_mono_us();

	(void)fd;
	(void)events;
	let_go(u, now_us);
	if (u->connections > 0)
		return;
	if (u->full_us <= now_us)
		user_free(u);
	else
		timer_set(u, u->full_us - now_us);
}

static size_t at_most(const struct server *s, const struct ucred *u, enum server_limit *limit)
{
	size_t half = ((size_t)s->o.max_connections + 1) / 2, own = s->o.limits.user_connections;
	bool free_of_it = own == 0 || exempt(s, u->uid);

	*limit = free_of_it || half < own ? SERVER_LIMIT_CONNECTIONS : SERVER_LIMIT_USER_CONNECTIONS;
	return *limit == SERVER_LIMIT_CONNECTIONS ? half : own;
}

bool quota_admits(struct server *s, const struct ucred *u, struct quota_refusal *r)
{
	const struct user *user = find(s, u->uid);

	r->limit = SERVER_LIMIT_CONNECTIONS;
	r->count = s->count;
	r->value = s->o.max_connections;
	r->of_one_user = false;
	if (r->count >= r->value + (u->uid == 0 ? ROOT_EXTRA : 0))
		return false;
	r->count = user == NULL ? 0 : user->connections;
	r->value = at_most(s, u, &r->limit);
	r->of_one_user = true;
	return r->count < r->value;
}

int quota_join(struct connection *c)
{
	struct server *s = c->server;
	struct user *u = find(s, c->peer.uid);

	if (u == NULL) {
		u = calloc(1, sizeof(*u));
		if (u == NULL)
			return -1;
		u->server = s;
		u->uid = c->peer.uid;
		TAILQ_INIT(&u->waiting);
		evtimer_assign(&u->timer, s->o.base, on_timer, u);
		LIST_INSERT_HEAD(bucket(s, u->uid), u, link);
	}
	u->connections++;
	c->owner = u;
	return 0;
}

void quota_leave(struct connection *c)
{
	struct user *u = c->owner;
	uint64_t now_us = clock_mono_us();

	if (c->throttled)
		TAILQ_REMOVE(&u->waiting, c, wait_link);
	if (--u->connections > 0)
		return;
	if (u->full_us > now_us)
		timer_set(u, u->full_us - now_us);
	else
		user_free(u);
}

bool quota_may_call(struct connection *c)
{
	struct server *s = c->server;
	struct user *u = c->owner;
	uint64_t now_us;

	if (s->o.limits.user_calls_per_second == 0 || exempt(s, u->uid))
		return true;
	now_us = clock_mono_us();
	/* Behind those of the same user that wait already. */
	if ((c->let_go || TAILQ_EMPTY(&u->waiting)) && calls_left(u, now_us) > 0)
		return true;
	if (c->throttled)
		return false;
	c->throttled = true;
	TAILQ_INSERT_TAIL(&u->waiting, c, wait_link);
	s->limits_met[SERVER_LIMIT_USER_CALLS]++;
	tally_add(&s->delays, u->uid, c->peer.pid, "more than user_calls_per_second");
	if (!evtimer_pending(&u->timer, NULL))
		wait_for_room(u, now_us);
	return false;
}

void quota_call(struct connection *c)
{
	unsigned rate = c->server->o.limits.user_calls_per_second;
	struct user *u = c->owner;
	uint64_t now_us;

	c->let_go = false; /* for this one */
	if (rate == 0)
		return;
	now_us = clock_mono_us();
	u->full_us = (u->full_us > now_us ? u->full_us : now_us) + SECOND_US / rate;
	if (u->full_us > now_us + SECOND_US)
		u->full_us = now_us + SECOND_US; /* of one who is bound by no limit */
}

/* Whoever waits under the old limits is looked at again. */
void server_set_limits(struct server *s, const struct server_limits *limits)
{
	struct timeval at_once = {0};
	struct user *u;

	s->o.limits = *limits;
	for (size_t i = 0; i < USER_BUCKETS; i++) {
		LIST_FOREACH(u, &s->users[i], link) {
			evtimer_add(&u->timer, &at_once);
		}
	}
}

void quota_fini(struct server *s)
{
	for (size_t i = 0; i < USER_BUCKETS; i++)
		while (!LIST_EMPTY(&s->users[i]))
			user_free(LIST_FIRST(&s->users[i]));
}

uint64_t server_limit_met(const struct server *s, enum server_limit limit)
{
	return s->limits_met[limit];
}

const char *server_limit_name(enum server_limit limit)
{
	static const char *const names[] = {
		[SERVER_LIMIT_CONNECTIONS] = "max_connections",
		[SERVER_LIMIT_USER_CONNECTIONS] = "user_connections",
		[SERVER_LIMIT_USER_CALLS] = "user_calls_per_second",
	};

	return names[limit];
}

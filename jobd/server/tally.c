/* SPDX-License-Identifier: ISC */
/*
 * Log lines that a hostile client could make come by the thousand: the first is
 * written, those of the next ten seconds are counted, and the count is written.
 */
#include "config.h"

#include "jobd/server/room.h"

#include "lib/log.h"

static const struct timeval pause_time = {.tv_sec = 10};

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct tally *t = arg;
	struct log_line l;

	(void)fd;
	(void)events;
	if (t->more == 0)
		return;
	log_begin(&l, t->what);
	log_u64(&l, "count", t->more);
	log_emit(t->priority, &l);
	t->more = 0;
	evtimer_add(&t->timer, &pause_time);
}

void tally_init(struct tally *t, struct event_base *base, int priority, const char *what)
{
	t->what = what;
	t->priority = priority;
	t->more = 0;
	evtimer_assign(&t->timer, base, on_timer, t);
}

void tally_fini(struct tally *t)
{
	event_del(&t->timer);
}

void tally_add(struct tally *t, uid_t uid, pid_t pid, const char *why)
{
	struct log_line l;

	if (evtimer_pending(&t->timer, NULL)) {
		t->more++;
		return;
	}
	log_begin(&l, t->what);
	if (uid != (uid_t)-1)
		log_u64(&l, "uid", uid);
	if (pid > 0)
		log_i64(&l, "pid", pid);
	log_str(&l, "detail", why);
	log_emit(t->priority, &l);
	evtimer_add(&t->timer, &pause_time);
}

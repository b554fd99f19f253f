/* SPDX-License-Identifier: ISC */
/* Calls that go on: without memory for their timer, and of jobs that can't be read. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "api/rig.h"
#include "unit.h"

/* ---- timers: none ever fires ---- */

static bool no_memory;

struct event *event_new(
    struct event_base *base, evutil_socket_t fd, short what, event_callback_fn fn, void *arg)
{
	(void)base;
	(void)fd;
	(void)what;
	(void)fn;
	(void)arg;
	return no_memory ? NULL : malloc(1);
}

int event_add(struct event *ev, const struct timeval *timeout)
{
	(void)timeout;
	ck_assert_ptr_nonnull(ev);
	return 0;
}

int event_del(struct event *ev)
{
	return event_add(ev, NULL);
}

void event_free(struct event *ev)
{
	event_add(ev, NULL);
	free(ev);
}

/* ---- the connection ---- */

bool call_wants_more(const struct call *c)
{
	(void)c;
	return true;
}

void call_continue(struct call *c, json_t *params)
{
	(void)c;
	json_decref(params);
}

size_t call_backlog(const struct call *c)
{
	(void)c;
	return 0;
}

const json_t *call_progress(const struct call *c)
{
	(void)c;
	return NULL;
}

void call_on_close(struct call *c, void (*fn)(void *arg), void *arg)
{
	(void)c;
	(void)fn;
	(void)arg;
}

void call_on_drain(struct call *c, void (*fn)(void *arg), void *arg)
{
	call_on_close(c, fn, arg);
}

void call_on_handover(struct call *c, json_t *(*fn)(void *arg), void *arg)
{
	(void)c;
	(void)fn;
	(void)arg;
}

/* ---- the engine ---- */

bool engine_watch(struct engine *e, uint64_t id, struct job_watch *w)
{
	(void)e;
	(void)id;
	(void)w;
	return true;
}

void engine_unwatch(struct job_watch *w)
{
	(void)w;
}

int engine_log_open(struct engine *e, const struct job *j, uint32_t attempt)
{
	(void)e;
	(void)j;
	(void)attempt;
	return -ENODATA;
}

START_TEST(without_memory_for_its_timer_a_call_fails)
{
	rig_init();
	no_memory = true;
	fails("Job.Failed", "", api_job_wait, "{'ids':[7]}");
	ck_assert_str_eq(said("message"), "no memory");
	fails("Job.Failed", "", api_job_output, "{'id':7,'follow':true}");
	ck_assert_str_eq(said("message"), "no memory");
	rig_fini();
}
END_TEST

START_TEST(a_job_that_can_not_be_read_is_not_taken_for_one_that_is_gone)
{
	static const struct {
		server_handler *handler;
		const char *params;
	} calls[] = { { api_job_wait, "{'ids':[7]}" }, { api_job_output, "{'id':7}" } };

	rig_init();
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
		tells_gone_from_unread(calls[i].handler, calls[i].params);
	rig_fini();
}
END_TEST

UNIT_MAIN("stream", without_memory_for_its_timer_a_call_fails,
    a_job_that_can_not_be_read_is_not_taken_for_one_that_is_gone)

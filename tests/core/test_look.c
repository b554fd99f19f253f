/* SPDX-License-Identifier: ISC */
/* Looking, and being told: watchers, lists, the journal, health. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "core/world.h"

struct seen {
	struct job_watch watch;
	char text[64];
};

static void see(struct job_watch *w, const struct job_view *v, enum job_change c)
{
	static const char *const names[] = { "state", "progress", "ended" };
	struct seen *s = (struct seen *)w;
	size_t n = strlen(s->text);

	(void)v;
	snprintf(s->text + n, sizeof s->text - n, "%s ", names[c]);
}

START_TEST(a_watcher_sees_every_change_and_the_end)
{
	struct seen seen = { .watch = { .changed = see } }, other = seen;
	uint64_t id = submit();

	ck_assert(engine_watch(engine, id, &seen.watch));
	ck_assert(engine_watch(engine, id, &other.watch));
	turn();
	ready(id);
	engine_proc_events()->notified(engine, id, "STATUS=x", 8);
	engine_unwatch(&other.watch);
	ended(id, 0);
	ck_assert_str_eq(seen.text, "state progress ended ");
	ck_assert_str_eq(other.text, "state progress ");
	turn();
	ck_assert(!engine_watch(engine, id, &seen.watch));
}
END_TEST

/* Three that watch one job; whoever is told first takes all of them off. */
static struct seen three[3];

static void see_alone(struct job_watch *w, const struct job_view *v, enum job_change c)
{
	see(w, v, c);
	for (size_t i = 0; i < 3; i++)
		engine_unwatch(&three[i].watch);
}

START_TEST(a_watch_that_another_takes_off_is_not_told)
{
	uint64_t id = running();

	for (size_t end = 0; end < 2; end++) {
		size_t told = 0;
		for (size_t i = 0; i < 3; i++) {
			three[i] = (struct seen){ .watch = { .changed = see_alone } };
			ck_assert(engine_watch(engine, id, &three[i].watch));
		}
		if (end)
			ended(id, 0);
		else
			engine_proc_events()->notified(engine, id, "STATUS=x", 8);
		for (size_t i = 0; i < 3; i++)
			told += three[i].text[0] != '\0';
		ck_assert_uint_eq(told, 1);
	}
}
END_TEST

static bool collect(void *ctx, const struct job_view *v)
{
	char *text = ctx;

	sprintf(text + strlen(text), "%" PRIu64 " ", v->job->id);
	return strlen(text) < 6;
}

START_TEST(a_list_weaves_live_and_ended_jobs_by_id)
{
	uint64_t a = running(), b = submit_with(NULL, true, 0), c = running();
	struct job_filter all = { 0 }, held = { .states = 1u << JOB_HELD };
	uint64_t before = UINT64_MAX;
	char text[64] = "";

	ended(a, 0);
	submit_with(NULL, true, 0);
	turn();
	ck_assert_int_eq(engine_list(engine, &all, &before, 100, collect, text), 1);
	ck_assert_str_eq(text, "4 3 2 ");
	text[0] = 0;
	ck_assert_int_eq(engine_list(engine, &all, &before, 100, collect, text), 0);
	ck_assert_str_eq(text, "1 ");
	before = UINT64_MAX;
	text[0] = 0;
	ck_assert_int_eq(engine_list(engine, &held, &before, 100, collect, text), 0);
	ck_assert_str_eq(text, "4 2 ");

	/* A page that may look at little comes to an end, and goes on where it was. */
	before = UINT64_MAX;
	text[0] = 0;
	ck_assert_int_eq(engine_list(engine, &held, &before, 1, collect, text), 1);
	ck_assert_int_eq(engine_list(engine, &held, &before, 1, collect, text), 1);
	ck_assert_int_eq(engine_list(engine, &held, &before, 2, collect, text), 0);
	ck_assert_str_eq(text, "4 2 ");
	/* Of no ids there are no jobs. */
	struct job_filter none = { .ids = &(uint64_t){ 0 } };
	before = UINT64_MAX;
	text[0] = 0;
	ck_assert_int_eq(engine_list(engine, &none, &before, 100, collect, text), 0);
	ck_assert_str_eq(text, "");
	(void)b;
	(void)c;
}
END_TEST

/* The ids that a filter gives, in pages that look at no more than so many jobs. */
static int pages; /* that it took */

static const char *list_all(struct job_filter f, size_t budget)
{
	static char all[64];
	uint64_t before = UINT64_MAX;
	char text[64];
	int rc = 1;

	all[0] = 0;
	for (pages = 0; rc == 1; pages++) {
		ck_assert_int_lt(pages, 20);
		text[0] = 0;
		rc = engine_list(engine, &f, &before, budget, collect, text);
		strcat(all, text);
	}
	ck_assert_int_eq(rc, 0);
	return all;
}

START_TEST(a_list_by_reason_knows_what_waits_for_what_and_what_has_ended_of_what)
{
	uint64_t a = running(), b = submit_with(NULL, true, 0), c = running();

	ended(a, 1 << 8);
	ended(c, 9);
	submit_after(b, AFTER_OK); /* 4 */
	submit_after(a, AFTER_OK); /* 5: can't be met */
	submit_spec((struct spec){ .not_before_us = UINT64_MAX / 2 });
	turns();
	ck_assert_int_eq(state_of(5), JOB_FAILED);
	for (size_t budget = 1; budget < 100; budget += 49) {
		ck_assert_str_eq(list_all((struct job_filter){ .reasons = 1u << REASON_DEPENDENCY }, budget), "5 4 ");
		ck_assert_str_eq(list_all((struct job_filter){ .reasons = 1u << REASON_DEPENDENCY,
				     .states = 1u << JOB_QUEUED }, budget), "4 ");
		ck_assert_str_eq(list_all((struct job_filter){ .reasons = 1u << REASON_NOT_BEFORE }, budget), "6 ");
		ck_assert_str_eq(list_all((struct job_filter){ .reasons = 1u << REASON_EXIT | 1u << REASON_SIGNAL },
				     budget), "3 1 ");
		ck_assert_str_eq(list_all((struct job_filter){ .reasons = 1u << REASON_LOST }, budget), "");
	}
}
END_TEST

START_TEST(a_list_by_batch_has_its_jobs_and_looks_no_further_down)
{
	uint64_t batch = 0;

	for (int i = 0; i < 6; i++)
		ask_event(submit_with(NULL, true, 0), EVENT_CANCEL);
	turns();
	stage(&batch, (struct spec){ .hold = true });
	stage(&batch, (struct spec){ 0 });
	ck_assert_int_eq(engine_batch_seal(engine, &ann, batch, NULL), ENGINE_OK);
	ask_event(8, EVENT_CANCEL);
	submit_with(NULL, true, 0);
	turns();
	ck_assert_uint_eq(batch, 7);
	ck_assert_str_eq(list_all((struct job_filter){ .batch = 7 }, 100), "8 7 ");
	ck_assert_str_eq(list_all((struct job_filter){ .batch = 8 }, 100), "");
	ck_assert_str_eq(list_all((struct job_filter){ .batch = 7 }, 1), "8 7 ");
	ck_assert_int_le(pages, 4);
}
END_TEST

static bool collect_entry(void *ctx, const struct journal_entry *e)
{
	char *text = ctx;

	sprintf(text + strlen(text), "%s:%s:%s ", e->verb, e->result, e->has_actor ? e->user : "-");
	return true;
}

START_TEST(the_journal_has_every_step_and_who_took_it)
{
	struct journal_filter f = { 0 };
	uint64_t before = UINT64_MAX, id = running();
	char text[512] = "";

	ask_event(id, EVENT_HOLD);
	ask_event(id, EVENT_HOLD); /* coalesced */
	ask_event(id, EVENT_PRIORITY);
	ended(id, 1 << 8);
	engine_note(engine, NULL, "stop", "ok", "SIGTERM");
	turn();
	ck_assert_int_eq(engine_audit(engine, &f, &before, 100, collect_entry, text), 0);
	ck_assert_str_eq(text, "stop:ok:- failed:ok:- priority:ok:ann hold:WrongState:ann start:ok:- "
			       "submit:ok:ann ");
}
END_TEST

START_TEST(signals_health_logs_and_a_silent_keeper)
{
	struct engine_health h;
	struct job_view v;
	uint64_t id = running();

	ck_assert_int_eq(ask(id, (struct control){ .event = EVENT_SIGNAL, .signal = 10, .all = true }).result,
	    ENGINE_OK);
	ck_assert_str_eq(heard(), "signal 1 10 1;");
	engine_proc_events()->silent(engine, id, true);
	engine_proc_events()->orphaned(engine, id);
	engine_health(engine, &h);
	ck_assert_uint_eq(h.silent_keepers, 1);
	ck_assert_uint_eq(h.counts[JOB_RUNNING], 1);
	engine_get(engine, id, &v);
	ck_assert(v.silent);
	ck_assert_int_eq(engine_log_open(engine, v.job, 2), -ENOENT);
	int fd = engine_log_open(engine, v.job, 0);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ended(id, 0);
	turn();
	engine_health(engine, &h);
	ck_assert_uint_eq(h.silent_keepers, 0);
	ck_assert_uint_eq(h.counts[JOB_COMPLETED], 1);
}
END_TEST

WORLD_MAIN("look", a_watcher_sees_every_change_and_the_end, a_watch_that_another_takes_off_is_not_told,
    a_list_weaves_live_and_ended_jobs_by_id,
    a_list_by_reason_knows_what_waits_for_what_and_what_has_ended_of_what,
    a_list_by_batch_has_its_jobs_and_looks_no_further_down,
    the_journal_has_every_step_and_who_took_it,
    signals_health_logs_and_a_silent_keeper)

/* SPDX-License-Identifier: ISC */
/* Time: when jobs may start, until when they must have, how long they may run. */
#include "config.h"

#include <stdio.h>

#include "core/world.h"

START_TEST(a_job_does_not_start_before_its_time_and_the_engine_asks_for_that_turn)
{
	uint64_t at = real_now() + HOUR;
	uint64_t a = submit_spec((struct spec){ .not_before_us = at });

	turns();
	ck_assert_str_eq(heard(), "");
	ck_assert_int_eq(reason_of(a), REASON_NOT_BEFORE);
	ck_assert_uint_eq(engine_next_turn_us(engine), HOUR);
	pass(HOUR - 1);
	ck_assert_str_eq(heard(), "");
	reopen_world();
	ck_assert_uint_eq(engine_next_turn_us(engine), 1);
	pass(1);
	ck_assert_str_eq(heard(), "start 1.1 A=1;");
}
END_TEST

START_TEST(its_rank_counts_from_when_it_could_first_have_started)
{
	world.settings.max_running = 1;
	engine_configure(engine, &world.settings);
	uint64_t first = running(), late = submit_spec((struct spec){ .not_before_us = real_now() + HOUR });

	pass(MINUTE);
	uint64_t b = submit();
	pass(2 * HOUR);
	exits(first, 0);
	ck_assert_str_eq(heard(), "acknowledge 1;start 3.1 A=1;");
	(void)late;
	(void)b;
}
END_TEST

START_TEST(a_job_that_has_not_started_by_its_deadline_fails_queued_or_held)
{
	world.settings.max_running = 1;
	engine_configure(engine, &world.settings);
	uint64_t until = real_now() + HOUR;
	uint64_t runs_then = running_spec((struct spec){ .deadline_us = until });
	uint64_t queued = submit_spec((struct spec){ .deadline_us = until });
	uint64_t held = submit_spec((struct spec){ .deadline_us = until, .hold = true });
	uint64_t waits = submit_spec((struct spec){ .deadline_us = until, .nafter = 1,
	    .after = { { runs_then, AFTER_OK, 0 } } });

	pass(HOUR - 1);
	ck_assert_int_eq(state_of(queued), JOB_QUEUED);
	reopen_world();
	pass(1);
	ck_assert_int_eq(state_of(queued), JOB_FAILED);
	ck_assert_int_eq(reason_of(queued), REASON_DEADLINE);
	ck_assert_int_eq(state_of(held), JOB_FAILED);
	ck_assert_int_eq(reason_of(waits), REASON_DEADLINE);
	ck_assert_int_eq(state_of(runs_then), JOB_RUNNING);
}
END_TEST

START_TEST(a_start_that_is_prepared_at_the_deadline_is_taken_back)
{
	uint64_t a = submit_spec((struct spec){ .deadline_us = real_now() + SECOND / 2 });

	turns();
	heard();
	pass(SECOND / 2);
	ck_assert_str_eq(heard(), "abandon 1;");
	ready(a);
	turns();
	ck_assert_int_eq(reason_of(a), REASON_DEADLINE);
	ck_assert_uint_eq(how_many_run(), 0);
}
END_TEST

START_TEST(a_job_that_was_late_runs_when_somebody_retries_it)
{
	uint64_t a = submit_spec((struct spec){ .deadline_us = real_now() + MINUTE, .hold = true });

	pass(MINUTE);
	ck_assert_int_eq(state_of(a), JOB_FAILED);
	ck_assert_int_eq(ask_event(a, EVENT_RETRY), ENGINE_OK);
	turns();
	ck_assert_str_eq(heard(), "start 1.1 A=1;");
}
END_TEST

START_TEST(a_deadline_is_for_the_first_start_alone)
{
	uint64_t a = running_spec((struct spec){ .deadline_us = real_now() + MINUTE,
	    .rules = { "attempts=2", "backoff=1h", "backoff_jitter=0" } });

	exits(a, 1);
	pass(2 * MINUTE);
	ck_assert_int_eq(state_of(a), JOB_QUEUED);
	pass(HOUR);
	ck_assert_str_eq(heard(), "acknowledge 1;start 1.2 A=1;");
}
END_TEST

START_TEST(paused_time_does_not_count_for_the_timeout)
{
	uint64_t a = running_spec((struct spec){ .rules = { "timeout=10min" } });

	pass(9 * MINUTE);
	pause_job(a, false);
	pass(3 * HOUR);
	ck_assert_int_eq(ask_event(a, EVENT_RESUME), ENGINE_OK);
	turns();
	heard();
	pass(MINUTE - 1);
	ck_assert_str_eq(heard(), "");
	pass(1);
	ck_assert_str_eq(heard(), "end 1 4000;");
	ended(a, SIGTERM);
	turns();
	ck_assert_int_eq(state_of(a), JOB_FAILED);
	ck_assert_int_eq(reason_of(a), REASON_TIMEOUT);
}
END_TEST

START_TEST(neither_paused_time_nor_a_restart_gives_or_takes_time)
{
	uint64_t a = running_spec((struct spec){ .rules = { "timeout=10min" } });

	pass(2 * MINUTE);
	pause_job(a, false);
	pass(HOUR);
	reopen_world();
	pass(HOUR);
	ask_event(a, EVENT_RESUME);
	pass(MINUTE);
	reopen_world();
	heard();
	pass(7 * MINUTE - 1);
	ck_assert_str_eq(heard(), "");
	pass(1);
	ck_assert_str_eq(heard(), "end 1 4000;");
}
END_TEST

START_TEST(the_warning_comes_once_also_over_a_restart)
{
	uint64_t a = running_spec((struct spec){ .rules = { "timeout=10min", "warn=USR1@2min" } });

	pass(8 * MINUTE - 1);
	ck_assert_str_eq(heard(), "");
	pass(1);
	ck_assert_str_eq(heard(), "signal 1 10 0;");
	reopen_world();
	pass(2 * MINUTE - 1);
	ck_assert_str_eq(heard(), "");
	pass(1);
	ck_assert_str_eq(heard(), "end 1 4000;");
	ended(a, 0); /* in good time, but not for us */
	turns();
	ck_assert_int_eq(reason_of(a), REASON_TIMEOUT);
}
END_TEST

static bool keep_detail(void *ctx, const struct journal_entry *e)
{
	if (strcmp(e->verb, "warned") == 0)
		snprintf(ctx, 80, "%s", e->detail);
	return true;
}

/* It would die of it before it has called exec. */
START_TEST(a_warning_comes_no_sooner_than_a_second_and_says_what_is_left)
{
	struct journal_filter all = { 0 };
	uint64_t before = UINT64_MAX;
	char text[80] = "";

	running_spec((struct spec){ .rules = { "timeout=5s", "warn=USR1@10s" } });
	pass(1000000 - 1);
	ck_assert_str_eq(heard(), "");
	pass(1);
	ck_assert_str_eq(heard(), "signal 1 10 0;");
	ck_assert_int_eq(engine_audit(engine, &all, &before, 100, keep_detail, text), 0);
	ck_assert_str_eq(text, "SIGUSR1: its time is up in 4 s");
}
END_TEST

START_TEST(another_attempt_is_warned_anew)
{
	uint64_t a = running_spec((struct spec){ .rules = { "timeout=10min", "warn=USR1@2min",
	    "attempts=2", "backoff=0" } });

	pass(10 * MINUTE);
	ck_assert_str_eq(heard(), "signal 1 10 0;end 1 4000;");
	ended(a, SIGTERM);
	run(a);
	pass(10 * MINUTE);
	ck_assert_str_eq(heard(), "signal 1 10 0;end 1 4000;");
}
END_TEST

START_TEST(a_queue_s_longer_timeout_holds_for_what_runs_and_a_shorter_one_ends_nothing)
{
	running();
	queue_set("default", "timeout=90min");
	uint64_t b = running();

	pass(HOUR);
	queue_set("default", "timeout=1s");
	turns();
	ck_assert_str_eq(heard(), "");
	close_world();
	open_world();
	heard();
	queue_set("default", "timeout=2h");
	queue_set("default", "timeout=1min");
	pass(HOUR - 1);
	ck_assert_str_eq(heard(), "");
	pass(1);
	ck_assert_str_eq(heard(), "end 2 4000;");
	ended(b, SIGTERM);
	heard();
	pass(48 * HOUR); /* the first began without one */
	ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(whose_time_is_up_can_not_be_paused_and_is_ended_by_the_next_jobd_too)
{
	uint64_t a = running_spec((struct spec){ .rules = { "timeout=10min" } });

	pass(10 * MINUTE);
	ck_assert_str_eq(heard(), "end 1 4000;");
	struct control_result r = ask(a, (struct control){ .event = EVENT_PAUSE, .done = note_answer,
	    .arg = &(struct answer){ 0, 0 } });
	ck_assert_int_eq(r.result, ENGINE_WRONG_STATE);
	ck_assert_str_eq(r.hint, "it is being ended: its time is up");
	engine_queue_change(engine, &ann, "default", QUEUE_PAUSED);
	ck_assert_str_eq(heard(), "");
	turns();
	close_world();
	open_world();
	ck_assert_str_eq(heard(), "adopt 1 3;adopted;");
	engine_stop(engine, NULL, ON_STOP_PAUSE, NULL);
	ck_assert_str_eq(heard(), "");
	turns();
	ck_assert(engine_may_leave(engine));
}
END_TEST

START_TEST(a_pause_that_is_on_its_way_when_the_time_is_up_does_not_come)
{
	uint64_t a = running_spec((struct spec){ .rules = { "timeout=10min" } });
	struct answer answer = { 0, 0 };

	pass(10 * MINUTE - 1);
	ask(a, (struct control){ .event = EVENT_PAUSE, .done = note_answer, .arg = &answer });
	pass(1);
	ck_assert_int_eq(answer.calls, 1);
	ck_assert_int_eq(answer.r, ENGINE_WRONG_STATE);
	ck_assert_str_eq(heard(), "stop 1 0;end 1 4000;");
	stopped(a); /* it spoke before it heard */
	turns();
	ck_assert_int_eq(state_of(a), JOB_RUNNING);
}
END_TEST

START_TEST(a_clock_that_is_set_ends_nobody_and_loses_nobody)
{
	uint64_t a = running_spec((struct spec){ .rules = { "timeout=10min", "warn=USR1@1min" } });

	pass(MINUTE);
	world.real_ahead_us += 24 * HOUR;
	turns();
	ck_assert_str_eq(heard(), "");
	pause_job(a, false);
	heard();
	world.real_ahead_us -= 48 * HOUR;
	ask_event(a, EVENT_RESUME);
	turns();
	ck_assert_str_eq(heard(), "run 1 0;");
	pass(8 * MINUTE - 1);
	ck_assert_str_eq(heard(), "");
	pass(MINUTE + 1);
	ck_assert_str_eq(heard(), "signal 1 10 0;end 1 4000;");
}
END_TEST

START_TEST(a_clock_that_is_set_ends_nobody_at_the_next_start_either)
{
	uint64_t a = running_spec((struct spec){ .rules = { "timeout=10min" } });
	uint64_t b = running_spec((struct spec){ .rules = { "timeout=10min" } });

	pass(MINUTE);
	pause_job(b, false);
	world.real_ahead_us += 24 * HOUR;
	reopen_world();
	ask_event(b, EVENT_RESUME);
	turns();
	heard();
	pass(9 * MINUTE - 1);
	ck_assert_str_eq(heard(), "");
	world.real_ahead_us -= 48 * HOUR;
	reopen_world();
	pass(1);
	ck_assert_str_eq(heard(), "end 1 4000;end 2 4000;");
	(void)a;
}
END_TEST

START_TEST(a_time_that_is_named_is_the_wall_clock_s)
{
	uint64_t a = submit_spec((struct spec){ .not_before_us = real_now() + 24 * HOUR });

	turns();
	world.real_ahead_us += 24 * HOUR;
	ck_assert(engine_wants_turn(engine));
	turns();
	ck_assert_str_eq(heard(), "start 1.1 A=1;");
	(void)a;
}
END_TEST

WORLD_MAIN("time", a_job_does_not_start_before_its_time_and_the_engine_asks_for_that_turn,
    its_rank_counts_from_when_it_could_first_have_started,
    a_job_that_has_not_started_by_its_deadline_fails_queued_or_held,
    a_start_that_is_prepared_at_the_deadline_is_taken_back,
    a_job_that_was_late_runs_when_somebody_retries_it, a_deadline_is_for_the_first_start_alone,
    paused_time_does_not_count_for_the_timeout,
    neither_paused_time_nor_a_restart_gives_or_takes_time,
    the_warning_comes_once_also_over_a_restart,
    a_warning_comes_no_sooner_than_a_second_and_says_what_is_left, another_attempt_is_warned_anew,
    a_queue_s_longer_timeout_holds_for_what_runs_and_a_shorter_one_ends_nothing,
    whose_time_is_up_can_not_be_paused_and_is_ended_by_the_next_jobd_too,
    a_pause_that_is_on_its_way_when_the_time_is_up_does_not_come,
    a_clock_that_is_set_ends_nobody_and_loses_nobody,
    a_clock_that_is_set_ends_nobody_at_the_next_start_either, a_time_that_is_named_is_the_wall_clock_s)

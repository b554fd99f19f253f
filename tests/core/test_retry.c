/* SPDX-License-Identifier: ISC */
/* What follows a failed attempt: another, the end, or a person's decision. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "core/world.h"

#define AT_ONCE "backoff=0"

START_TEST(a_job_is_tried_as_often_as_it_may_and_each_attempt_is_kept)
{
	uint64_t a = running_spec((struct spec){ .rules = { "attempts=3", "backoff=10s", "backoff_jitter=0" } });

	exits(a, 3);
	ck_assert_int_eq(state_of(a), JOB_QUEUED);
	ck_assert_int_eq(reason_of(a), REASON_BACKOFF);
	ck_assert_str_eq(why(a), "attempt 1 failed; another follows (of 3)");
	heard();
	pass(10 * SECOND - 1);
	ck_assert_str_eq(heard(), "");
	pass(1);
	ck_assert_str_eq(heard(), "start 1.2 A=1;");
	run(a);
	ended(a, SIGSEGV);
	turns();
	pass(20 * SECOND - 1);
	heard();
	reopen_world(); /* the backoff goes on where it was */
	ck_assert_str_eq(heard(), "");
	pass(1);
	ck_assert_str_eq(heard(), "start 1.3 A=1;");
	run(a);
	exits(a, 5);
	ck_assert_int_eq(state_of(a), JOB_FAILED);
	ck_assert_int_eq(attempt_of(a, 1).status, 3 << 8);
	ck_assert_int_eq(attempt_of(a, 1).reason, REASON_EXIT);
	ck_assert_int_eq(attempt_of(a, 2).status, SIGSEGV);
	ck_assert_int_eq(attempt_of(a, 2).reason, REASON_SIGNAL);
	ck_assert_int_eq(attempt_of(a, 2).state, JOB_FAILED);
	ck_assert_uint_eq(attempt_of(a, 2).usage.cpu_us, 5);
	ck_assert_uint_gt(attempt_of(a, 3).started_at_us, attempt_of(a, 2).ended_at_us);
	ck_assert_int_eq(attempt_of(a, 3).status, 5 << 8);
}
END_TEST

START_TEST(which_codes_are_tried_again_is_the_rules_)
{
	uint64_t a = running_spec((struct spec){ .rules = { "attempts=9", AT_ONCE, "retry_on=1,75-78" } });

	exits(a, 76);
	run(a);
	exits(a, 1);
	run(a);
	exits(a, 2);
	ck_assert_int_eq(state_of(a), JOB_FAILED);
	uint64_t b = running_spec((struct spec){ .rules = { "attempts=9", AT_ONCE, "retry_not=2,143" } });
	exits(b, 3);
	run(b);
	ended(b, SIGTERM); /* 128 and the signal */
	turns();
	ck_assert_int_eq(state_of(b), JOB_FAILED);
	ck_assert_int_eq(reason_of(b), REASON_SIGNAL);
	uint64_t c = running_spec((struct spec){ .rules = { "attempts=2", AT_ONCE } });
	exits(c, 0);
	ck_assert_int_eq(state_of(c), JOB_COMPLETED);
}
END_TEST

START_TEST(a_timeout_is_tried_again_and_its_time_begins_anew)
{
	uint64_t a = running_spec((struct spec){ .rules = { "attempts=2", AT_ONCE, "timeout=1min" } });

	pass(MINUTE);
	ended(a, SIGTERM);
	turns();
	ck_assert_int_eq(attempt_of(a, 1).reason, REASON_TIMEOUT);
	run(a);
	pass(MINUTE - 1);
	ck_assert_str_eq(heard(), "");
	pass(1);
	ck_assert_str_eq(heard(), "end 1 4000;");
	ended(a, SIGKILL);
	turns();
	ck_assert_int_eq(reason_of(a), REASON_TIMEOUT);
	uint64_t b = running_spec((struct spec){ .rules = { "attempts=2", AT_ONCE, "timeout=1min",
	    "retry_not=124" } });
	pass(MINUTE);
	ended(b, SIGTERM);
	turns();
	ck_assert_int_eq(state_of(b), JOB_FAILED);
}
END_TEST

START_TEST(a_cancel_ends_the_attempts_whenever_it_comes)
{
	uint64_t a = running_spec((struct spec){ .rules = { "attempts=3", "backoff=1min" } });
	uint64_t b = running_spec((struct spec){ .rules = { "attempts=3", AT_ONCE } });

	ask_event(b, EVENT_CANCEL);
	exits(b, 1);
	ck_assert_int_eq(state_of(b), JOB_CANCELLED);
	exits(a, 1);
	ck_assert_int_eq(ask_event(a, EVENT_CANCEL), ENGINE_OK);
	heard();
	pass(HOUR);
	ck_assert_int_eq(state_of(a), JOB_CANCELLED);
	ck_assert_str_eq(heard(), "");
	ck_assert_int_eq(attempt_of(a, 1).status, 1 << 8);
	ck_assert_uint_eq(attempts_of(a), 1);
}
END_TEST

START_TEST(a_failed_job_that_was_paused_or_held_meanwhile_keeps_its_attempts)
{
	uint64_t a = running_spec((struct spec){ .rules = { "attempts=2", "backoff=1min" } });

	pause_job(a, true);
	ended(a, SIGKILL);
	turns();
	ck_assert_int_eq(state_of(a), JOB_QUEUED);
	ck_assert_int_eq(ask_event(a, EVENT_HOLD), ENGINE_OK);
	heard();
	pass(HOUR);
	ck_assert_str_eq(heard(), "");
	ask_event(a, EVENT_RELEASE);
	turns();
	ck_assert_str_eq(heard(), "start 1.2 A=1;");
}
END_TEST

START_TEST(an_attempt_whose_gate_closed_is_none)
{
	uint64_t a = running_spec((struct spec){ .rules = { "attempts=2", AT_ONCE } });

	exits(a, 1);
	run(a);
	unstarted(a, -ECHILD);
	turns();
	ck_assert_int_eq(state_of(a), JOB_QUEUED);
	ck_assert_uint_eq(attempts_of(a), 1);
	pass(SECOND);
	ck_assert_str_eq(heard(), "acknowledge 1;start 1.2 A=1;");
}
END_TEST

START_TEST(a_person_s_retry_adds_an_attempt_where_none_is_left)
{
	uint64_t a = running_spec((struct spec){ .rules = { "attempts=2", AT_ONCE } });

	exits(a, 1);
	run(a);
	exits(a, 1);
	ck_assert_int_eq(state_of(a), JOB_FAILED);
	ck_assert_int_eq(ask_event(a, EVENT_RETRY), ENGINE_OK);
	turns();
	reopen_world();
	run(a);
	exits(a, 1);
	ck_assert_int_eq(state_of(a), JOB_FAILED);
	ck_assert_uint_eq(attempts_of(a), 3);
}
END_TEST

/* What becomes of a job whose end is lost or the host's doing, by policy, and whether it has
 * attempts left. */
static const struct {
	const char *recovery, *attempts;
	bool gone;
	enum job_state lost, shutdown;
} policies[] = {
	{ "recovery=retry", "attempts=2", true, JOB_QUEUED, JOB_QUEUED },
	{ "recovery=retry", "attempts=2", false, JOB_HELD, JOB_QUEUED },
	{ "recovery=retry", "attempts=1", true, JOB_FAILED, JOB_FAILED },
	{ "recovery=retry", "attempts=1", false, JOB_FAILED, JOB_FAILED },
	{ "recovery=fail", "attempts=2", true, JOB_FAILED, JOB_FAILED },
	{ "recovery=fail", "attempts=2", false, JOB_FAILED, JOB_FAILED },
	{ "recovery=hold", "attempts=2", true, JOB_HELD, JOB_HELD },
	{ "recovery=hold", "attempts=2", false, JOB_HELD, JOB_HELD },
	{ "recovery=hold", "attempts=1", true, JOB_HELD, JOB_HELD },
};

START_TEST(what_was_lost_or_shut_down_is_recovered_as_its_queue_says)
{
	world.settings.max_running = 1000;
	engine_configure(engine, &world.settings);
	for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
		/* Codes to retry are for the command's own failures. */
		struct spec s = { .rules = { policies[i].recovery, policies[i].attempts, "retry_on=none",
		    "backoff=1h" } };
		uint64_t a = running_spec(s), b = running_spec(s);
		reopen_world();
		lost(a, policies[i].gone);
		ck_assert_msg(state_of(a) == policies[i].lost, "lost, %zu: %s", i, job_state_name(state_of(a)));
		ck_assert_int_eq(attempt_of(a, 1).reason, REASON_LOST);
		shut_down(b);
		ck_assert_msg(state_of(b) == policies[i].shutdown, "shutdown, %zu: %s", i,
		    job_state_name(state_of(b)));
		ck_assert_int_eq(attempt_of(b, 1).reason, REASON_SHUTDOWN);
		/* And at once: it is not the command that is to be given time. */
		if (policies[i].lost == JOB_QUEUED)
			run(a);
	}
}
END_TEST

START_TEST(the_time_that_the_host_was_down_is_nobody_s_timeout)
{
	uint64_t a = running_spec((struct spec){ .rules = { "attempts=2", "timeout=1h" } });

	pass(MINUTE);
	close_world();
	world.boot_id = "another boot";
	world.real_ahead_us += 48 * HOUR;
	world.mono_us += 2 * HOUR; /* it was up for less when the job began */
	open_world();
	heard();
	turns();
	pass(SECOND);
	ck_assert_str_eq(heard(), "");
	lost(a, true);
	ck_assert_int_eq(state_of(a), JOB_QUEUED);
	ck_assert_int_eq(attempt_of(a, 1).reason, REASON_LOST);
}
END_TEST

START_TEST(a_command_that_could_not_be_started_is_tried_again_like_one_that_failed)
{
	uint64_t a = submit_spec((struct spec){ .rules = { "attempts=2", AT_ONCE } });
	struct keeper_end e = { .id = a, .kind = KEEPER_END_SPAWN, .empty = true,
		.step = (char[]){ "chdir /mnt" }, .error = ENOENT };

	turns();
	engine_proc_events()->ended(engine, a, &e); /* before it was ready */
	turns();
	ck_assert_str_eq(heard(), "start 1.1 A=1;acknowledge 1;start 1.2 A=1;");
	ck_assert_int_eq(attempt_of(a, 1).reason, REASON_SPAWN);
	engine_proc_events()->ended(engine, a, &e);
	turns();
	ck_assert_int_eq(state_of(a), JOB_FAILED);
	ck_assert_int_eq(reason_of(a), REASON_SPAWN);
	ck_assert_uint_eq(attempts_of(a), 2);
}
END_TEST

START_TEST(a_job_that_was_set_aside_says_why_and_runs_when_it_is_released)
{
	uint64_t a = running_spec((struct spec){ .rules = { "attempts=2" } });

	lost(a, false);
	ck_assert_int_eq(state_of(a), JOB_HELD);
	ck_assert_int_eq(reason_of(a), REASON_LOST);
	ck_assert_str_eq(why(a), "it is held, after its last attempt was lost; it may start after: "
				 "jobctl release 1 (its keeper is gone)");
	reopen_world();
	ck_assert_int_eq(reason_of(a), REASON_LOST);
	ck_assert_int_eq(ask_event(a, EVENT_RELEASE), ENGINE_OK);
	ck_assert_int_eq(reason_of(a), REASON_NONE);
	turns();
	ck_assert_str_eq(heard(), "start 1.2 A=1;");
}
END_TEST

START_TEST(a_job_that_was_being_cancelled_or_timed_out_when_it_was_lost_is_not_tried_again)
{
	uint64_t a = running_spec((struct spec){ .rules = { "attempts=2", "recovery=retry" } });
	uint64_t b = running_spec((struct spec){ .rules = { "attempts=2", "timeout=1min" } });

	ask_event(a, EVENT_CANCEL);
	pass(MINUTE);
	lost(a, true);
	lost(b, true);
	ck_assert_int_eq(state_of(a), JOB_FAILED);
	ck_assert_int_eq(reason_of(a), REASON_LOST);
	ck_assert_int_eq(state_of(b), JOB_FAILED);
}
END_TEST

/* Retried by hand after each of so many attempts, of which the last one runs. */
static void retry(uint64_t id, uint32_t attempts)
{
	for (uint32_t n = 1; n < attempts; n++) {
		exits(id, 1);
		heard();
		ck_assert_int_eq(ask_event(id, EVENT_RETRY), ENGINE_OK);
		turn();
		ready(id);
		turn();
	}
}

START_TEST(the_first_attempt_and_the_last_ones_are_kept_with_their_logs)
{
	uint64_t a = running();
	struct job_view v;

	retry(a, JOB_HISTORY_MAX + 1);
	ck_assert_uint_eq(attempt_of(a, 2).number, 2);
	retry(a, 2);
	ck_assert_str_eq(heard(), "start 1.202 A=1;unlink 1.2;release 1;");
	retry(a, 2);
	ck_assert_str_eq(heard(), "start 1.203 A=1;unlink 1.3;release 1;");
	reopen_world();
	ck_assert_int_eq(engine_get(engine, a, &v), ENGINE_OK);
	ck_assert_uint_eq(v.job->nhistory, JOB_HISTORY_MAX);
	for (uint32_t i = 0; i < JOB_HISTORY_MAX; i++)
		ck_assert_uint_eq(v.job->history[i].number, i ? i + 3 : 1);
	job_view_fini(&v);
	ck_assert_uint_eq(attempts_of(a), JOB_HISTORY_MAX + 3);
	ck_assert_int_eq(attempt_of(a, 1).status, 1 << 8);
	ck_assert_uint_eq(attempt_of(a, 3).number, 0);
}
END_TEST

/* An older jobd kept all. */
START_TEST(what_a_long_history_has_too_much_goes_at_the_next_retry)
{
	struct job_view v;
	struct job j;
	uint64_t a = running();

	exits(a, 1);
	ck_assert_int_eq(store_job_get(store, a, &j), 0);
	j.nhistory = JOB_HISTORY_MAX + 50;
	j.history = calloc(j.nhistory, sizeof *j.history);
	j.now.number = (uint32_t)j.nhistory + 1;
	for (uint32_t i = 0; i < j.nhistory; i++)
		j.history[i] = (struct job_attempt){ .number = i + 1, .silent = i >= 3 };
	store_job_put(store, &j);
	job_fini(&j);
	turn();
	heard();
	ck_assert_int_eq(ask_event(a, EVENT_RETRY), ENGINE_OK);
	turn();
	ck_assert_str_eq(heard(), "start 1.252 A=1;unlink 1.2;unlink 1.3;");
	ck_assert_int_eq(engine_get(engine, a, &v), ENGINE_OK);
	ck_assert_uint_eq(v.job->nhistory, JOB_HISTORY_MAX);
	ck_assert_uint_eq(v.job->history[0].number, 1);
	ck_assert_uint_eq(v.job->history[1].number, 53);
	ck_assert_uint_eq(v.job->history[JOB_HISTORY_MAX - 1].number, 251);
	job_view_fini(&v);
}
END_TEST

WORLD_MAIN("retry", a_job_is_tried_as_often_as_it_may_and_each_attempt_is_kept,
    which_codes_are_tried_again_is_the_rules_, a_timeout_is_tried_again_and_its_time_begins_anew,
    a_cancel_ends_the_attempts_whenever_it_comes,
    a_failed_job_that_was_paused_or_held_meanwhile_keeps_its_attempts,
    the_first_attempt_and_the_last_ones_are_kept_with_their_logs,
    what_a_long_history_has_too_much_goes_at_the_next_retry,
    an_attempt_whose_gate_closed_is_none, a_person_s_retry_adds_an_attempt_where_none_is_left,
    what_was_lost_or_shut_down_is_recovered_as_its_queue_says,
    the_time_that_the_host_was_down_is_nobody_s_timeout,
    a_command_that_could_not_be_started_is_tried_again_like_one_that_failed,
    a_job_that_was_set_aside_says_why_and_runs_when_it_is_released,
    a_job_that_was_being_cancelled_or_timed_out_when_it_was_lost_is_not_tried_again)

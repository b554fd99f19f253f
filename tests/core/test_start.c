/* SPDX-License-Identifier: ISC */
/* From the queue to the gate: slots, starts that are prepared ahead, and such as do not work out. */
#include "config.h"

#include <errno.h>

#include "core/world.h"

START_TEST(a_job_is_started_recorded_released_and_acknowledged_in_that_order)
{
	uint64_t id = submit();

	turn();
	ck_assert_str_eq(heard(), "start 1.1 A=1;");
	ck_assert_int_eq(state_of(id), JOB_QUEUED);
	ready(id);
	ck_assert_str_eq(heard(), "release 1;");
	ck_assert_int_eq(state_of(id), JOB_RUNNING);
	turn();
	ended(id, 0);
	turn();
	ck_assert_str_eq(heard(), "acknowledge 1;");
	ck_assert_int_eq(state_of(id), JOB_COMPLETED);
}
END_TEST

START_TEST(no_more_run_than_may_and_the_first_in_order_says_so)
{
	uint64_t a = submit(), b = submit(), c = submit(), d = submit_with(NULL, false, 1);

	turn();
	ck_assert_str_eq(heard(), "start 4.1 A=1;start 1.1 A=1;");
	ck_assert_int_eq(reason_of(b), REASON_QUEUE_FULL);
	ck_assert_int_eq(reason_of(c), REASON_PRIORITY);
	ready(a);
	ready(d);
	turn();
	ended(a, 0);
	turn();
	ck_assert_str_eq(heard(), "release 1;release 4;acknowledge 1;start 2.1 A=1;");
	ck_assert_int_eq(reason_of(b), REASON_NONE);
	ck_assert_int_eq(reason_of(c), REASON_QUEUE_FULL);
}
END_TEST

/*
 * Two slots, and one job ended a moment ago. Of five more one has ended: two run, two are
 * prepared for the next slot.
 */
static void prepare_two_ahead(uint64_t id[5])
{
	ended(running(), 0);
	turn();
	heard();
	for (int i = 0; i < 5; i++)
		id[i] = submit();
	turn();
	ready(id[0]);
	ready(id[1]);
	turn();
	ended(id[0], 0);
	turn();
	ready(id[2]);
	turn();
	ck_assert_str_eq(heard(), "start 2.1 A=1;start 3.1 A=1;release 2;release 3;acknowledge 2;"
				  "start 4.1 A=1;start 5.1 A=1;start 6.1 A=1;release 4;");
	ck_assert_int_eq(state_of(id[3]), JOB_QUEUED);
}

START_TEST(what_is_prepared_ahead_runs_in_the_turn_that_a_slot_comes_free)
{
	uint64_t id[5];

	prepare_two_ahead(id);
	ready(id[3]);
	turn();
	ck_assert_str_eq(heard(), "");
	ck_assert_int_eq(reason_of(id[3]), REASON_QUEUE_FULL);
	ck_assert_int_eq(reason_of(id[4]), REASON_PRIORITY);
	ended(id[1], 0);
	turn();
	ck_assert_str_eq(heard(), "acknowledge 3;release 5;");
	ck_assert_int_eq(state_of(id[3]), JOB_RUNNING);
	/* The last one has its slot before it is ready. */
	ended(id[2], 0);
	turn();
	ck_assert_int_eq(state_of(id[4]), JOB_QUEUED);
	ready(id[4]);
	turn();
	ck_assert_str_eq(heard(), "acknowledge 4;release 6;");
	ck_assert_int_eq(state_of(id[4]), JOB_RUNNING);
}
END_TEST

START_TEST(whoever_ranks_before_what_is_prepared_goes_first)
{
	uint64_t id[5], first;

	prepare_two_ahead(id);
	ready(id[3]);
	ready(id[4]);
	first = submit_with(NULL, false, 1);
	turn();
	ended(id[1], 0);
	turn();
	ck_assert_str_eq(heard(), "acknowledge 3;start 7.1 A=1;");
	ready(first);
	turn();
	ck_assert_str_eq(heard(), "release 7;");
	/* One that falls behind is taken back, and goes behind. */
	ask(id[3], (struct control){ .event = EVENT_PRIORITY, .priority = 9 });
	ck_assert_str_eq(heard(), "abandon 5;");
	ended(first, 0);
	turn();
	ck_assert_str_eq(heard(), "acknowledge 7;release 6;start 5.1 A=1;");
}
END_TEST

START_TEST(what_is_prepared_ahead_is_taken_back_when_no_slot_comes_free)
{
	uint64_t id[5];

	prepare_two_ahead(id);
	ready(id[3]);
	ready(id[4]);
	world.mono_us += 999000;
	engine_tick(engine);
	ck_assert_str_eq(heard(), "");
	world.mono_us += 1000;
	engine_tick(engine);
	turn();
	ck_assert_str_eq(heard(), "abandon 6;abandon 5;");
	ck_assert_int_eq(reason_of(id[3]), REASON_QUEUE_FULL);
	ck_assert_int_eq(reason_of(id[4]), REASON_PRIORITY);
	ask_event(id[3], EVENT_CANCEL);
	ended(id[1], 0);
	turn();
	ck_assert_str_eq(heard(), "acknowledge 3;start 6.1 A=1;");
}
END_TEST

START_TEST(what_could_not_be_prepared_ahead_keeps_nobody_from_a_free_slot)
{
	uint64_t id[5];

	prepare_two_ahead(id);
	ready(id[3]);
	unstarted(id[4], -EAGAIN);
	turn();
	ck_assert_str_eq(heard(), "");
	ck_assert_int_eq(reason_of(id[4]), REASON_PRIORITY);
	ended(id[1], 0);
	ended(id[2], 0);
	turn();
	ck_assert_str_eq(heard(), "acknowledge 3;acknowledge 4;release 5;start 6.1 A=1;");
}
END_TEST

START_TEST(what_is_prepared_ahead_can_be_cancelled_held_and_lost)
{
	uint64_t id[5];

	prepare_two_ahead(id);
	ready(id[3]);
	ask_event(id[3], EVENT_CANCEL);
	ck_assert_str_eq(heard(), "abandon 5;");
	ck_assert_int_eq(state_of(id[3]), JOB_CANCELLED);
	unstarted(id[4], -ECHILD);
	ended(id[1], 0);
	turn();
	ck_assert_str_eq(heard(), "acknowledge 3;"); /* it is put off */
	ck_assert_int_eq(reason_of(id[4]), REASON_BACKOFF);
	world.mono_us += 300000;
	turn();
	ck_assert_str_eq(heard(), "start 6.1 A=1;");
	ask_event(id[4], EVENT_HOLD);
	ck_assert_str_eq(heard(), "abandon 6;");
	turn();
	ck_assert_int_eq(state_of(id[4]), JOB_HELD);
}
END_TEST

/* As submit, of another user. */
static uint64_t submit_as(uint32_t uid)
{
	return submit_spec((struct spec){ .uid = uid, .bare = true });
}

START_TEST(a_start_that_hangs_gives_its_slot_back_and_its_user_tries_with_one_at_a_time)
{
	uint64_t a = submit(), b = submit(), c = submit(), other = submit_as(2000);

	turn();
	ck_assert_str_eq(heard(), "start 1.1 A=1;start 2.1 A=1;");
	world.mono_us += 999999;
	engine_tick(engine);
	turn();
	ck_assert_str_eq(heard(), "");
	world.mono_us += 1;
	engine_tick(engine);
	turn();
	/* Both slots are the others' now; ann's third job does not even try. */
	ck_assert_str_eq(heard(), "start 4.1;");
	ready(other);
	turn();
	ck_assert_int_eq(state_of(other), JOB_RUNNING);
	ck_assert_int_eq(reason_of(a), REASON_BACKOFF);
	ck_assert_int_eq(reason_of(c), REASON_BACKOFF);
	/* proc gives them up: of the three one is tried, and it takes no slot. */
	unstarted(a, -ETIMEDOUT);
	unstarted(b, -ETIMEDOUT);
	heard();
	turn();
	ck_assert_str_eq(heard(), "start 3.1 A=1;");
	world.mono_us += 1000000;
	uint64_t second = submit_as(2000), third = submit_as(2000);
	turn();
	ck_assert_str_eq(heard(), "start 5.1;");
	ready(second);
	turn();
	ck_assert_int_eq(state_of(second), JOB_RUNNING);
	ck_assert_int_eq(reason_of(third), REASON_QUEUE_FULL);
	/* Ready at last: it waits for a slot like anybody, and the others are tried again. */
	ready(c);
	turn();
	ck_assert_int_eq(state_of(c), JOB_QUEUED);
	world.mono_us += 5000000;
	engine_tick(engine);
	heard();
	ended(other, 0);
	turn();
	ck_assert_str_eq(heard(), "acknowledge 4;start 1.1 A=1;");
	ready(a);
	turn();
	ended(second, 0);
	turn();
	ready(b);
	turn();
	ck_assert_str_eq(heard(), "release 1;acknowledge 5;start 2.1 A=1;start 6.1;release 2;");
	ended(a, 0);
	turn();
	ck_assert_str_eq(heard(), "acknowledge 1;release 3;");
	ck_assert_int_eq(state_of(c), JOB_RUNNING);
}
END_TEST

START_TEST(a_start_that_is_prepared_can_be_held_or_cancelled)
{
	uint64_t a = submit(), b = submit();

	turn();
	heard();
	ck_assert_int_eq(ask_event(a, EVENT_HOLD), ENGINE_OK);
	ck_assert_int_eq(ask_event(b, EVENT_CANCEL), ENGINE_OK);
	ck_assert_str_eq(heard(), "abandon 1;abandon 2;");
	ready(a); /* it spoke before it heard */
	turn();
	ck_assert_int_eq(state_of(a), JOB_HELD);
	ck_assert_int_eq(state_of(b), JOB_CANCELLED);
	ck_assert_int_eq(ask_event(a, EVENT_RELEASE), ENGINE_OK);
	turn();
	ck_assert_str_eq(heard(), "start 1.1 A=1;");
}
END_TEST

START_TEST(a_gate_that_closed_uses_up_no_attempt)
{
	uint64_t id = running();
	struct keeper_end e = { .id = id, .kind = KEEPER_END_NEVER_RAN, .empty = true };

	engine_proc_events()->ended(engine, id, &e);
	turn();
	ck_assert_str_eq(heard(), "acknowledge 1;");
	ck_assert_int_eq(state_of(id), JOB_QUEUED);
	ck_assert_int_eq(reason_of(id), REASON_BACKOFF);
	world.mono_us += 300000;
	turn();
	ck_assert_str_eq(heard(), "start 1.1 A=1;");
}
END_TEST

START_TEST(a_keeper_that_died_when_its_start_was_on_record_is_replaced)
{
	uint64_t id = running(), cancelled = running();

	ck_assert_int_eq(ask_event(cancelled, EVENT_CANCEL), ENGINE_OK);
	turn();
	heard();
	unstarted(id, -ECHILD);
	unstarted(cancelled, -ECHILD);
	turn();
	ck_assert_int_eq(state_of(id), JOB_QUEUED);
	ck_assert_int_eq(state_of(cancelled), JOB_CANCELLED);
	ck_assert_str_eq(heard(), "acknowledge 1;acknowledge 2;");
	world.mono_us += 300000;
	turn();
	ck_assert_str_eq(heard(), "start 1.1 A=1;");
}
END_TEST

START_TEST(a_command_that_can_not_be_started_fails_with_the_reason)
{
	uint64_t id = submit();
	struct keeper_end e = { .id = id, .kind = KEEPER_END_SPAWN, .empty = true,
		.step = (char[]){ "exec nope" }, .error = ENOENT };
	struct job_view v;

	turn();
	engine_proc_events()->ended(engine, id, &e);
	turn();
	engine_get(engine, id, &v);
	ck_assert_int_eq(v.job->state, JOB_FAILED);
	ck_assert_int_eq(v.reason, REASON_SPAWN);
	ck_assert_str_eq(v.job->now.error, "exec nope: No such file or directory");
	ck_assert_int_eq(v.job->now.status, 127 << 8);
	ck_assert_uint_eq(v.job->now.number, 1);
	job_view_fini(&v);
}
END_TEST

START_TEST(a_full_disk_takes_no_new_work_and_starts_none)
{
	struct job draft;
	uint64_t id = submit(), other;

	world.free_bytes = 10;
	engine_tick(engine);
	turn();
	ck_assert_str_eq(heard(), "");
	ck_assert_int_eq(reason_of(id), REASON_LOW_DISK);
	job_init(&draft);
	struct submission s = { .draft = &draft };
	ck_assert_int_eq(engine_submit(engine, &ann, &s, &other), ENGINE_LOW_DISK);
	world.free_bytes = 1u << 30;
	engine_tick(engine);
	turn();
	ck_assert_str_eq(heard(), "start 1.1 A=1;");
}
END_TEST

START_TEST(a_start_that_is_impossible_is_tried_again_later)
{
	uint64_t id = submit();

	world.start_error = -EAGAIN;
	turn();
	ck_assert_int_eq(reason_of(id), REASON_BACKOFF);
	ck_assert(!engine_wants_turn(engine));
	world.start_error = 0;
	turn();
	ck_assert_str_eq(heard(), "");
	world.mono_us += 300000;
	ck_assert(engine_wants_turn(engine));
	turn();
	ck_assert_str_eq(heard(), "start 1.1 A=1;");
	unstarted(id, -ECHILD);
	ck_assert_int_eq(reason_of(id), REASON_BACKOFF);
	world.mono_us += 64000000;
	turn();
	ck_assert_str_eq(heard(), "start 1.1 A=1;");
}
END_TEST

START_TEST(one_job_that_does_not_start_does_not_hold_up_the_others)
{
	uint64_t sick = submit_with(NULL, false, 1), other;

	turn();
	heard();
	unstarted(sick, -ETIMEDOUT);
	ck_assert_int_eq(reason_of(sick), REASON_BACKOFF);
	other = submit();
	turn();
	ck_assert_str_eq(heard(), "start 2.1 A=1;");
	ck_assert_int_eq(ask_event(sick, EVENT_HOLD), ENGINE_OK);
	ck_assert_int_eq(ask_event(sick, EVENT_RELEASE), ENGINE_OK);
	turn();
	ck_assert_str_eq(heard(), "start 1.1 A=1;"); /* who asks for it anew gets it at once */
	unstarted(sick, -ETIMEDOUT);
	world.mono_us += 300000;
	turn();
	ck_assert_str_eq(heard(), ""); /* longer each time */
	world.mono_us += 300000;
	turn();
	ck_assert_str_eq(heard(), "start 1.1 A=1;");
	unstarted(sick, -ETIMEDOUT);
	ck_assert_int_eq(ask_event(sick, EVENT_CANCEL), ENGINE_OK);
	turn();
	world.mono_us += 600000000;
	turn();
	ck_assert_int_eq(state_of(sick), JOB_CANCELLED);
	(void)other;
}
END_TEST

START_TEST(new_settings_hold_from_the_next_turn)
{
	struct engine_settings s = { .max_running = 1, .kill_grace_ms = 1, .ageing_us = 0,
		.low_disk_bytes = 0 };
	uint64_t a = submit_with(NULL, false, 9);

	world.mono_us += 3600u * 1000000u * 10u;
	uint64_t b = submit_with(NULL, false, 2);
	engine_configure(engine, &s);
	turn();
	/* With ageing the old one would come first; without, priority alone counts. */
	ck_assert_str_eq(heard(), "start 2.1 A=1;");
	(void)a;
	(void)b;
}
END_TEST

WORLD_MAIN("start", a_job_is_started_recorded_released_and_acknowledged_in_that_order,
    no_more_run_than_may_and_the_first_in_order_says_so,
    what_is_prepared_ahead_runs_in_the_turn_that_a_slot_comes_free,
    whoever_ranks_before_what_is_prepared_goes_first,
    what_is_prepared_ahead_is_taken_back_when_no_slot_comes_free,
    what_could_not_be_prepared_ahead_keeps_nobody_from_a_free_slot,
    what_is_prepared_ahead_can_be_cancelled_held_and_lost,
    a_start_that_hangs_gives_its_slot_back_and_its_user_tries_with_one_at_a_time,
    a_start_that_is_prepared_can_be_held_or_cancelled,
    a_gate_that_closed_uses_up_no_attempt,
    a_keeper_that_died_when_its_start_was_on_record_is_replaced,
    a_command_that_can_not_be_started_fails_with_the_reason,
    a_full_disk_takes_no_new_work_and_starts_none,
    a_start_that_is_impossible_is_tried_again_later,
    one_job_that_does_not_start_does_not_hold_up_the_others,
    new_settings_hold_from_the_next_turn)

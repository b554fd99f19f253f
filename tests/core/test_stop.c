/* SPDX-License-Identifier: ISC */
/* What becomes of the running jobs when jobd stops. */
#include "config.h"

#include "core/world.h"

START_TEST(a_stop_that_keeps_leaves_with_the_turn_and_orders_nothing)
{
	running();
	ck_assert(!engine_stopping(engine, NULL) && !engine_may_leave(engine));
	engine_stop(engine, NULL, ON_STOP_KEEP, "SIGTERM");
	turn();
	ck_assert(engine_may_leave(engine));
	ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(a_stop_that_pauses_waits_until_all_are_seen_stopped)
{
	struct engine_stopping st;
	struct answer answer = { 0, 0 };
	struct control pause = { .event = EVENT_PAUSE, .done = note_answer, .arg = &answer };
	uint64_t a = running(), b = running(), c = submit();

	ask(a, pause); /* somebody's own: it stays paused */
	heard();
	engine_stop(engine, &ann, ON_STOP_PAUSE, NULL);
	ck_assert_str_eq(heard(), "stop 2 0;");
	ck_assert(engine_stopping(engine, &st));
	ck_assert_uint_eq(st.jobs, 2);
	ck_assert_uint_eq(st.within_ms, 5000);
	turn();
	ck_assert(!engine_may_leave(engine));
	engine_proc_events()->stopped(engine, b);
	turn();
	ck_assert(!engine_may_leave(engine));
	engine_proc_events()->stopped(engine, a);
	turn();
	ck_assert(engine_may_leave(engine));
	ck_assert_str_eq(heard(), "");
	ck_assert_int_eq(reason_of(c), REASON_DRAINING);

	reopen_world();
	ck_assert_int_eq(state_of(a), JOB_PAUSED);
	ck_assert_int_eq(state_of(b), JOB_RUNNING);
	ck_assert_str_eq(heard(), "run 2 0;");
	reopen_world(); /* once */
	ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(a_stop_leaves_when_its_time_is_up_and_the_next_start_makes_good)
{
	uint64_t a = running(), b = running();

	engine_stop(engine, NULL, ON_STOP_PAUSE, NULL);
	engine_proc_events()->unstoppable(engine, a, 4242); /* runs on, and is not waited for */
	turn();
	world.mono_us += 4999000;
	turn();
	ck_assert(!engine_may_leave(engine));
	world.mono_us += 1000;
	turn();
	ck_assert(engine_may_leave(engine));
	ck_assert_int_eq(state_of(b), JOB_RUNNING);
	heard();
	reopen_world();
	ck_assert_int_eq(state_of(a), JOB_RUNNING);
	ck_assert_str_eq(heard(), "run 2 0;"); /* the pause it still had coming */
}
END_TEST

START_TEST(a_stop_that_cancels_waits_for_the_ends)
{
	struct engine_stopping st;
	struct answer answer = { 0, 0 };
	struct control pause = { .event = EVENT_PAUSE, .done = note_answer, .arg = &answer };
	uint64_t a = running(), b = running();

	ask_event(a, EVENT_CANCEL);
	ask(b, pause);
	engine_proc_events()->stopped(engine, b);
	heard();
	engine_stop(engine, NULL, ON_STOP_CANCEL, NULL);
	ck_assert_str_eq(heard(), "end 2 4000;");
	engine_stopping(engine, &st);
	ck_assert_uint_eq(st.jobs, 2);
	ck_assert_uint_eq(st.within_ms, 9000);
	ended(a, 0);
	turn();
	ck_assert(!engine_may_leave(engine));
	ended(b, SIGTERM);
	turn();
	ck_assert(engine_may_leave(engine));
	ck_assert_int_eq(state_of(b), JOB_CANCELLED);
}
END_TEST

START_TEST(a_stop_takes_back_the_starts_that_are_prepared)
{
	uint64_t a = submit();

	turn();
	heard();
	engine_stop(engine, NULL, ON_STOP_PAUSE, NULL);
	ck_assert_str_eq(heard(), "abandon 1;");
	ready(a); /* it spoke before it heard */
	turn();
	ck_assert(engine_may_leave(engine));
	ck_assert_int_eq(state_of(a), JOB_QUEUED);
	ck_assert(!engine_wants_turn(engine));
	ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(a_hand_on_a_job_takes_the_mark_of_the_stop_off)
{
	uint64_t a = running(), b = running();
	struct engine_stopping st;

	engine_stop(engine, NULL, ON_STOP_PAUSE, NULL);
	engine_proc_events()->stopped(engine, a);
	ck_assert_int_eq(ask_event(a, EVENT_PAUSE), ENGINE_ALREADY);
	ask_event(b, EVENT_RESUME); /* somebody wants it to run: nobody waits for it */
	engine_stop(engine, NULL, 0, NULL); /* joins */
	engine_stopping(engine, &st);
	ck_assert_int_eq(st.how, ON_STOP_PAUSE);
	ck_assert_uint_eq(st.jobs, 0);
	turn();
	ck_assert(engine_may_leave(engine));
	heard();
	reopen_world();
	ck_assert_int_eq(state_of(a), JOB_PAUSED);
	ck_assert_int_eq(state_of(b), JOB_RUNNING);
	ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(a_stop_that_is_told_to_keep_waits_no_more)
{
	struct engine_stopping st;

	running();
	engine_stop(engine, NULL, ON_STOP_CANCEL, NULL);
	turn();
	ck_assert(!engine_may_leave(engine));
	engine_stop(engine, NULL, ON_STOP_KEEP, "SIGTERM");
	engine_stopping(engine, &st);
	ck_assert_uint_eq(st.jobs, 0);
	turn();
	ck_assert(engine_may_leave(engine));
}
END_TEST

START_TEST(what_a_stop_paused_goes_on_only_within_the_limits_of_the_next_start)
{
	uint64_t a = running(), b = running();

	engine_stop(engine, NULL, ON_STOP_PAUSE, NULL);
	stopped(a);
	stopped(b);
	turn();
	close_world();
	world.settings.max_running = 1;
	open_world();
	heard();
	engine_resume_stopped(engine);
	turn();
	ck_assert_str_eq(heard(), "run 1 0;");
	ck_assert_int_eq(state_of(b), JOB_PAUSED);
	ck_assert_int_eq(reason_of(b), REASON_QUEUE_FULL);
	exits(a, 0);
	ck_assert_str_eq(heard(), "acknowledge 1;run 2 0;");
	ck_assert_int_eq(state_of(b), JOB_RUNNING);
}
END_TEST

START_TEST(what_a_stop_paused_stays_so_while_its_queue_is_paused)
{
	uint64_t a = running();

	engine_stop(engine, NULL, ON_STOP_PAUSE, NULL);
	stopped(a);
	turn();
	engine_queue_change(engine, &ann, "default", QUEUE_PAUSED);
	turn();
	reopen_world();
	ck_assert_str_eq(heard(), "");
	ck_assert_int_eq(state_of(a), JOB_PAUSED);
	engine_queue_change(engine, &ann, "default", QUEUE_OPEN);
	turn();
	ck_assert_str_eq(heard(), "run 1 0;");
}
END_TEST

START_TEST(a_resume_while_jobd_stops_holds_and_it_has_a_slot_ever_after)
{
	uint64_t a = running(), b = running(), c = submit();
	struct engine_health h;

	engine_stop(engine, NULL, ON_STOP_PAUSE, NULL);
	stopped(a);
	ck_assert_int_eq(ask_event(a, EVENT_RESUME), ENGINE_OK);
	stopped(b);
	turn();
	ck_assert_int_eq(state_of(a), JOB_RUNNING);
	reopen_world();
	turns();
	ck_assert_str_eq(heard(), "run 2 0;");
	ck_assert_uint_eq(queue_of("default").running, 2);
	engine_health(engine, &h);
	ck_assert_uint_eq(h.counts[JOB_RUNNING], 2);
	ck_assert_int_eq(reason_of(c), REASON_QUEUE_FULL);
}
END_TEST

WORLD_MAIN("stop", a_stop_that_keeps_leaves_with_the_turn_and_orders_nothing,
    a_stop_that_pauses_waits_until_all_are_seen_stopped,
    a_stop_leaves_when_its_time_is_up_and_the_next_start_makes_good,
    a_stop_that_cancels_waits_for_the_ends,
    a_stop_takes_back_the_starts_that_are_prepared,
    a_hand_on_a_job_takes_the_mark_of_the_stop_off,
    a_stop_that_is_told_to_keep_waits_no_more,
    what_a_stop_paused_goes_on_only_within_the_limits_of_the_next_start,
    what_a_stop_paused_stays_so_while_its_queue_is_paused,
    a_resume_while_jobd_stops_holds_and_it_has_a_slot_ever_after)

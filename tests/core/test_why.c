/* SPDX-License-Identifier: ISC */
/* Why a job does not run, in words. */
#include "config.h"

#include <errno.h>

#include "core/world.h"

static char four[] = "max_running=4";
static char *const import_rules[] = { four, NULL };
static const struct queue_declaration declared[] = { { "import", import_rules } };
static const struct spec import = { .queue = "import" };

static void with_import(unsigned slots)
{
	world.settings.max_running = slots;
	engine_configure(engine, &world.settings);
	engine_declare_queues(engine, declared, 1);
}

START_TEST(a_full_queue_says_how_many_it_runs_and_how_many_come_first)
{
	uint64_t id[7];
	struct why w;

	with_import(10);
	for (int i = 0; i < 4; i++)
		running_spec(import);
	for (int i = 0; i < 3; i++)
		id[i] = submit_spec(import);
	turns();
	ck_assert_str_eq(why(id[0]), "queue import runs 4 of 4; it is the next");
	ck_assert_str_eq(why(id[2]), "queue import runs 4 of 4; 2 before it");
	ck_assert_int_eq(engine_why(engine, id[2], &w), ENGINE_OK);
	ck_assert_int_eq(w.reason, REASON_QUEUE_FULL);
	ck_assert_str_eq(w.queue, "import");
	ck_assert(w.has_before);
	ck_assert_uint_eq(w.before, 2);
	/* One with a better priority goes before it. */
	submit_spec((struct spec){ .queue = "import", .priority = 1 });
	turns();
	ck_assert_str_eq(why(id[2]), "queue import runs 4 of 4; 3 before it");
}
END_TEST

START_TEST(where_the_daemon_runs_as_many_as_it_may_those_of_all_queues_come_first)
{
	with_import(2);
	running();
	running();
	submit_spec(import);
	uint64_t b = submit();

	turns();
	ck_assert_int_eq(reason_of(b), REASON_PRIORITY);
	ck_assert_str_eq(why(b), "jobd runs 2 of 2 jobs; 1 before it");
}
END_TEST

START_TEST(those_of_a_queue_that_is_stopped_do_not_come_first)
{
	with_import(1);
	running();
	submit_spec((struct spec){ .queue = "import", .priority = 1 });
	uint64_t b = submit();

	turns();
	ck_assert_str_eq(why(b), "jobd runs 1 of 1 jobs; 1 before it");
	engine_queue_change(engine, &bob, "import", QUEUE_PAUSED);
	ck_assert_str_eq(why(b), "jobd runs 1 of 1 jobs; it is the next");
}
END_TEST

START_TEST(who_waits_to_go_on_and_who_waits_to_begin_wait_for_the_same_slot)
{
	with_import(1);
	uint64_t a = running();

	pause_job(a, true);
	turns();
	uint64_t b = submit();
	turns();
	ready(b);
	turns();
	uint64_t c = submit();
	ask_event(a, EVENT_RESUME);
	turns();
	ck_assert_str_eq(why(a), "it is paused and waits for a slot: jobd runs 1 of 1 jobs; it is the next");
	ck_assert_str_eq(why(c), "jobd runs 1 of 1 jobs; 1 before it");
}
END_TEST

START_TEST(what_else_keeps_a_job_from_starting_is_said_too)
{
	struct why w;
	uint64_t at = real_now() + HOUR, first = submit_with(NULL, true, 0);

	with_import(10);
	engine_queue_change(engine, &bob, "import", QUEUE_PAUSED);
	uint64_t a = submit_spec((struct spec){ .queue = "import", .not_before_us = at, .hold = true,
	    .after = { { first, AFTER_OK, 0 } }, .nafter = 1 });
	turns();
	ck_assert_int_eq(engine_why(engine, a, &w), ENGINE_OK);
	ck_assert_str_eq(w.message, "it is held; it may start after: jobctl release 2; then it waits for the end "
				    "of 1 other job: 1; it is not to start before its time, either; "
				    "queue import is paused, too");
	ck_assert_uint_eq(w.until_us, at);
	ask_event(a, EVENT_RELEASE);
	ck_assert_str_eq(why(a), "it waits for the end of 1 other job: 1; it is not to start before its time, "
				 "either; queue import is paused, too");
}
END_TEST

START_TEST(where_a_user_runs_as_many_as_he_may_only_his_own_come_first)
{
	struct why w;

	world.settings.user_max_running = 1;
	with_import(10);
	submit();
	submit_spec((struct spec){ .uid = 2000 });
	submit_spec((struct spec){ .uid = 2000, .priority = 1 });
	uint64_t a = submit_spec(import), b = submit();

	turns();
	ck_assert_str_eq(why(a), "user ann runs 1 of 1 (user_max_running); it is the next");
	ck_assert_str_eq(why(b), "user ann runs 1 of 1 (user_max_running); 1 before it");
	ck_assert_int_eq(engine_why(engine, b, &w), ENGINE_OK);
	ck_assert_int_eq(w.reason, REASON_USER_LIMIT);
	ck_assert_uint_eq(w.before, 1);
}
END_TEST

START_TEST(a_stopped_queue_says_who_stopped_it_and_what_starts_it)
{
	with_import(10);
	uint64_t a = submit_spec(import);

	engine_queue_change(engine, &bob, "import", QUEUE_PAUSED);
	turns();
	ck_assert_str_eq(
	    why(a), "queue import is paused (by bob); it goes on after: jobctl queue resume import");
	engine_queue_change(engine, &bob, "import", QUEUE_DRAINING);
	ck_assert_str_eq(
	    why(a), "queue import is draining (by bob); it goes on after: jobctl queue resume import");
}
END_TEST

START_TEST(a_job_that_is_not_to_start_yet_says_until_when)
{
	struct why w;
	uint64_t at = real_now() + HOUR;
	uint64_t later = submit_spec((struct spec){ .not_before_us = at });

	turns();
	ck_assert_int_eq(engine_why(engine, later, &w), ENGINE_OK);
	ck_assert_str_eq(w.message, "it is not to start yet");
	ck_assert_uint_eq(w.until_us, at);
}
END_TEST

START_TEST(a_held_job_says_what_lets_it_start)
{
	uint64_t held = submit_with(NULL, true, 0);

	turns();
	ck_assert_str_eq(why(held), "it is held; it may start after: jobctl release 1");
}
END_TEST

START_TEST(a_job_that_waits_for_others_names_them)
{
	struct why w;
	uint64_t held = submit_with(NULL, true, 0), waits = submit_after(held, AFTER_OK);

	turns();
	ck_assert_str_eq(why(waits), "it waits for the end of 1 other job: 1");
	ck_assert_int_eq(engine_why(engine, waits, &w), ENGINE_OK);
	ck_assert_uint_eq(w.nids, 1);
	ck_assert_uint_eq(w.ids[0], held);
}
END_TEST

START_TEST(a_job_that_runs_says_so)
{
	ck_assert_str_eq(why(running()), "it runs");
}
END_TEST

START_TEST(a_paused_job_says_what_lets_it_go_on)
{
	uint64_t a = running();

	pause_job(a, false);
	ck_assert_str_eq(why(a), "it is paused; it goes on after: jobctl resume 1");
}
END_TEST

START_TEST(a_job_that_is_being_cancelled_says_so)
{
	uint64_t a = running();

	ask_event(a, EVENT_CANCEL);
	ck_assert_str_eq(why(a), "it runs, and is being cancelled");
}
END_TEST

START_TEST(a_cancelled_job_says_what_runs_it_again)
{
	uint64_t a = running();

	ask_event(a, EVENT_CANCEL);
	exits(a, 0);
	ck_assert_str_eq(why(a), "it was cancelled; it runs again after: jobctl retry 1");
}
END_TEST

START_TEST(of_a_job_that_is_not_there_nothing_is_said)
{
	struct why w;

	ck_assert_int_eq(engine_why(engine, 99, &w), ENGINE_NOT_FOUND);
}
END_TEST

START_TEST(a_job_for_which_the_machine_has_no_process_says_so)
{
	world.start_error = -EAGAIN;
	uint64_t a = submit();

	turn();
	ck_assert_str_eq(why(a), "the machine has no room for another process; it is tried again soon");
}
END_TEST

START_TEST(a_job_that_waits_says_that_jobd_is_stopping)
{
	uint64_t a = submit();

	world.free_bytes = 10;
	engine_tick(engine);
	ck_assert_int_eq(reason_of(a), REASON_LOW_DISK);
	engine_stop(engine, NULL, ON_STOP_PAUSE, NULL);
	ck_assert_str_eq(why(a), "jobd is stopping");
}
END_TEST

START_TEST(a_job_whose_keeper_can_not_be_executed_says_that)
{
	uint64_t a = submit();

	turns();
	unstarted(a, -ENOEXEC);
	ck_assert_str_eq(why(a), "it could not be started (Exec format error); it is tried again soon");
}
END_TEST

WORLD_MAIN("why", a_full_queue_says_how_many_it_runs_and_how_many_come_first,
    where_the_daemon_runs_as_many_as_it_may_those_of_all_queues_come_first,
    those_of_a_queue_that_is_stopped_do_not_come_first,
    who_waits_to_go_on_and_who_waits_to_begin_wait_for_the_same_slot,
    what_else_keeps_a_job_from_starting_is_said_too,
    where_a_user_runs_as_many_as_he_may_only_his_own_come_first,
    a_stopped_queue_says_who_stopped_it_and_what_starts_it,
    a_job_that_is_not_to_start_yet_says_until_when,
    a_held_job_says_what_lets_it_start,
    a_job_that_waits_for_others_names_them,
    a_job_that_runs_says_so,
    a_paused_job_says_what_lets_it_go_on,
    a_job_that_is_being_cancelled_says_so,
    a_cancelled_job_says_what_runs_it_again,
    of_a_job_that_is_not_there_nothing_is_said,
    a_job_for_which_the_machine_has_no_process_says_so,
    a_job_whose_keeper_can_not_be_executed_says_that,
    a_job_that_waits_says_that_jobd_is_stopping)

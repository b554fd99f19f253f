/* SPDX-License-Identifier: ISC */
/* Jobs that wait for the end of others. */
#include "config.h"

#include <stdio.h>

#include "core/world.h"

#define MANY 10000

/* They run, and then end with these codes. */
static void run_and_exit(uint64_t id, int code)
{
	run(id);
	exits(id, code);
}

static uint64_t held(void)
{
	return submit_with(NULL, true, 0);
}

static uint64_t ended_job(int code)
{
	uint64_t id = running();

	exits(id, code);
	return id;
}

START_TEST(each_condition_is_met_by_the_ends_it_names)
{
	static const struct {
		enum after_on on;
		bool ok, failed, cancelled;
	} is[] = {
		{ AFTER_OK, true, false, false },
		{ AFTER_FAILED, false, true, true },
		{ AFTER_ANY, true, true, true },
	};

	for (size_t i = 0; i < sizeof is / sizeof is[0]; i++) {
		uint64_t other[3] = { running(), 0, held() };
		uint64_t ok = submit_after(other[0], is[i].on);
		other[1] = running();
		uint64_t failed = submit_after(other[1], is[i].on), cancelled = submit_after(other[2], is[i].on);
		turns();
		ck_assert_int_eq(reason_of(ok), REASON_DEPENDENCY);
		exits(other[0], 0);
		exits(other[1], 1);
		ask_event(other[2], EVENT_CANCEL);
		turns();
		ck_assert_int_eq(state_of(ok), is[i].ok ? JOB_QUEUED : JOB_FAILED);
		ck_assert_int_eq(state_of(failed), is[i].failed ? JOB_QUEUED : JOB_FAILED);
		ck_assert_int_eq(state_of(cancelled), is[i].cancelled ? JOB_QUEUED : JOB_FAILED);
		if (!is[i].ok)
			ck_assert_int_eq(reason_of(ok), REASON_DEPENDENCY);
		ask_event(ok, EVENT_CANCEL);
		ask_event(failed, EVENT_CANCEL);
		ask_event(cancelled, EVENT_CANCEL);
		turns();
	}
}
END_TEST

START_TEST(one_that_has_ended_already_counts_as_it_ended)
{
	uint64_t ok = ended_job(0), failed = ended_job(1);

	uint64_t a = submit_after(ok, AFTER_OK), b = submit_after(failed, AFTER_OK);
	uint64_t c = submit_after(failed, AFTER_ANY);
	turns();
	ck_assert_str_eq(heard(), "acknowledge 2;start 3.1 A=1;start 5.1 A=1;");
	ck_assert_int_eq(state_of(a), JOB_QUEUED);
	ck_assert_int_eq(state_of(b), JOB_FAILED);
	ck_assert_int_eq(reason_of(b), REASON_DEPENDENCY);
	ck_assert_str_eq(why(b), "it failed (dependency): it waited for job 2, which is failed; "
				 "it runs again after: jobctl retry 4");
	uint64_t id;
	struct spec s = { .after = { { 99, AFTER_OK, 0 } }, .nafter = 1 };
	ck_assert_int_eq(try_submit(&s, &id), ENGINE_NO_JOB);
	ck_assert_uint_eq(id, 99);
	(void)c;
}
END_TEST

START_TEST(all_of_several_are_waited_for_and_one_that_fails_is_enough)
{
	uint64_t a = running(), b = running();
	struct spec s = { .after = { { a, AFTER_OK, 0 }, { b, AFTER_OK, 0 } }, .nafter = 2 };
	uint64_t both = submit_spec(s), too = submit_spec(s);

	exits(a, 0);
	ck_assert_int_eq(reason_of(both), REASON_DEPENDENCY);
	ck_assert_str_eq(why(both), "it waits for the end of 1 other job: 2");
	reopen_world(); /* what has come true stays so */
	ck_assert_str_eq(why(both), "it waits for the end of 1 other job: 2");
	ask_event(too, EVENT_HOLD);
	exits(b, 1);
	ck_assert_int_eq(state_of(both), JOB_FAILED);
	ck_assert_int_eq(state_of(too), JOB_FAILED); /* a held one as well */
}
END_TEST

START_TEST(a_diamond_runs_in_its_order)
{
	uint64_t top = submit(), left = submit_after(top, AFTER_OK), right = submit_after(top, AFTER_OK);
	uint64_t end = submit_spec((struct spec){ .after = { { left, AFTER_OK, 0 }, { right, AFTER_OK, 0 } },
	    .nafter = 2 });

	run_and_exit(top, 0);
	ck_assert_str_eq(heard(), "acknowledge 1;start 2.1 A=1;start 3.1 A=1;");
	ready(left);
	ready(right);
	turns();
	exits(right, 0);
	ck_assert_int_eq(reason_of(end), REASON_DEPENDENCY);
	exits(left, 0);
	ck_assert_str_eq(heard(), "release 2;release 3;acknowledge 3;acknowledge 2;start 4.1 A=1;");
}
END_TEST

START_TEST(a_job_that_drops_what_can_t_come_true_waits_for_the_rest_alone)
{
	uint64_t a = running(), b = running();
	uint64_t c = submit_spec((struct spec){ .after = { { a, AFTER_FAILED, 0 }, { b, AFTER_OK, 0 } },
	    .nafter = 2, .drop_unmet = true });

	heard();
	exits(a, 0);
	ck_assert_str_eq(heard(), "acknowledge 1;");
	ck_assert_int_eq(reason_of(c), REASON_DEPENDENCY);
	close_world();
	open_world();
	heard();
	exits(b, 0);
	ck_assert_str_eq(heard(), "acknowledge 2;start 3.1 A=1;");
	/* Also one that was over before. */
	submit_spec((struct spec){ .after = { { a, AFTER_FAILED, 0 } }, .nafter = 1, .drop_unmet = true });
	turns();
	ck_assert_str_eq(heard(), "start 4.1 A=1;");
}
END_TEST

START_TEST(a_held_dependent_stays_held_when_its_time_has_come)
{
	uint64_t a = running(), b = submit_after(a, AFTER_OK);

	ask_event(b, EVENT_HOLD);
	exits(a, 0);
	ck_assert_int_eq(state_of(b), JOB_HELD);
	ask_event(b, EVENT_RELEASE);
	turns();
	ck_assert_str_eq(heard(), "acknowledge 1;start 2.1 A=1;");
	/* And one that is cancelled is not told any more. */
	uint64_t c = held(), d = submit_after(c, AFTER_OK);
	ask_event(d, EVENT_CANCEL);
	ask_event(c, EVENT_CANCEL);
	turns();
	ck_assert_int_eq(state_of(d), JOB_CANCELLED);
	ck_assert_int_eq(reason_of(d), REASON_NONE);
}
END_TEST

START_TEST(its_rank_counts_from_when_the_last_was_met)
{
	world.settings.max_running = 1;
	engine_configure(engine, &world.settings);
	uint64_t a = running(), b = submit_after(a, AFTER_OK);

	pass(MINUTE);
	uint64_t c = submit();
	pass(MINUTE);
	exits(a, 0);
	ck_assert_str_eq(heard(), "acknowledge 1;start 3.1 A=1;");
	(void)b;
	(void)c;
}
END_TEST

static uint64_t chain(size_t n)
{
	uint64_t last = held();

	for (size_t i = 1; i < n; i++)
		last = submit_after(last, AFTER_OK);
	turns();
	return last;
}

START_TEST(a_chain_of_thousands_fails_in_slices)
{
	uint64_t last = chain(MANY);
	unsigned n = 1;

	ask_event(1, EVENT_CANCEL);
	turn();
	ck_assert_int_eq(state_of(2), JOB_FAILED);
	ck_assert_int_eq(state_of(last), JOB_QUEUED);
	for (; engine_wants_turn(engine); n++)
		turn();
	ck_assert_uint_ge(n, MANY / 500);
	ck_assert_int_eq(state_of(last), JOB_FAILED);
	ck_assert_uint_eq(engine_waiting(engine, ann.uid), 0);
}
END_TEST

START_TEST(who_dies_in_the_middle_of_a_slice_goes_on_where_he_was)
{
	uint64_t last = chain(2000);

	ask_event(1, EVENT_CANCEL);
	turn();
	turn();
	ck_assert_int_eq(state_of(last), JOB_QUEUED);
	close_world();
	open_world();
	turns();
	ck_assert_int_eq(state_of(last), JOB_FAILED);
	ck_assert_int_eq(reason_of(last), REASON_DEPENDENCY);
	ck_assert_uint_eq(engine_waiting(engine, ann.uid), 0);
}
END_TEST

START_TEST(thousands_that_wait_for_one_are_told_in_slices_and_none_twice)
{
	uint64_t a = running();

	for (int i = 0; i < 2000; i++)
		submit_spec((struct spec){ .hold = true, .after = { { a, AFTER_OK, 0 } }, .nafter = 1 });
	turns();
	ended(a, 1 << 8);
	turn();
	ck_assert_int_eq(state_of(2), JOB_HELD);
	turn();
	close_world();
	open_world();
	turns();
	for (uint64_t id = 2; id < 2002; id++)
		ck_assert_int_eq(state_of(id), JOB_FAILED);
}
END_TEST

START_TEST(what_was_met_is_not_forgotten_with_the_one_that_was_waited_for)
{
	uint64_t a = running();

	for (int i = 0; i < 2000; i++)
		submit_spec((struct spec){ .hold = true, .after = { { a, AFTER_OK, 0 } }, .nafter = 1 });
	turns();
	ended(a, 0);
	turn();
	/* Not all were told: who would tell them, when jobd dies now, how it ended? */
	ck_assert_int_eq(ask_event(a, EVENT_DELETE), ENGINE_WRONG_STATE);
	turn();
	close_world();
	open_world();
	turns();
	ck_assert_int_eq(ask_event(a, EVENT_DELETE), ENGINE_OK);
	turns();
	reopen_world();
	for (uint64_t id = 2; id < 2002; id++)
		ck_assert_int_eq(state_of(id), JOB_HELD);
}
END_TEST

START_TEST(a_retried_job_waits_again_for_what_is_tried_again_and_not_for_what_has_failed)
{
	uint64_t a = running(), b = submit_after(a, AFTER_OK), c = submit_after(b, AFTER_OK);

	exits(a, 1);
	ck_assert_int_eq(state_of(c), JOB_FAILED);
	/* All of the chain: it runs in its order. */
	ask_event(a, EVENT_RETRY);
	ask_event(b, EVENT_RETRY);
	ask_event(c, EVENT_RETRY);
	turns();
	ck_assert_int_eq(reason_of(b), REASON_DEPENDENCY);
	reopen_world();
	ck_assert_int_eq(reason_of(b), REASON_DEPENDENCY);
	ck_assert_int_eq(reason_of(c), REASON_DEPENDENCY);
	run_and_exit(a, 1);
	ck_assert_int_eq(state_of(c), JOB_FAILED);
	/* One alone: it does not wait for what is not tried again. */
	ask_event(b, EVENT_RETRY);
	turns();
	ck_assert_str_eq(heard(), "acknowledge 1;start 2.1 A=1;");
	reopen_world();
	ck_assert_int_eq(state_of(b), JOB_QUEUED);
}
END_TEST

START_TEST(a_retried_job_does_not_fail_at_the_next_start_for_what_it_does_not_wait_for)
{
	uint64_t a = running(), b = submit_after(a, AFTER_OK);

	ask_event(b, EVENT_CANCEL);
	exits(a, 1);
	uint64_t gone = held(), c = submit_after(gone, AFTER_OK);
	ask_event(c, EVENT_CANCEL);
	ask_event(gone, EVENT_CANCEL);
	turns();
	ask_event(gone, EVENT_DELETE);
	ask_event(b, EVENT_RETRY);
	ask_event(c, EVENT_RETRY);
	turns();
	ck_assert_int_eq(state_of(b), JOB_QUEUED);
	close_world();
	open_world();
	turns();
	ck_assert_int_eq(state_of(b), JOB_QUEUED);
	ck_assert_int_eq(state_of(c), JOB_QUEUED);
}
END_TEST

START_TEST(an_end_that_was_told_holds_when_the_job_is_deleted)
{
	uint64_t a = ended_job(0), b, c;

	b = submit_spec((struct spec){ .hold = true, .after = { { a, AFTER_OK, 0 } }, .nafter = 1 });
	c = submit_spec((struct spec){ .hold = true, .after = { { a, AFTER_ANY, 0 } }, .nafter = 1 });
	turns();
	ck_assert_int_eq(ask_event(a, EVENT_DELETE), ENGINE_OK);
	turns();
	reopen_world();
	ck_assert_int_eq(state_of(b), JOB_HELD);
	ck_assert_int_eq(state_of(c), JOB_HELD);
}
END_TEST

static bool collect(void *ctx, const struct job_after *a)
{
	char *text = ctx;
	size_t n = strlen(text);

	snprintf(text + n, 100 - n, "%" PRIu64 ":%s:%s ", a->id, after_on_name(a->on),
	    a->outcome ? job_state_name(a->outcome) : "-");
	return true;
}

START_TEST(both_directions_can_be_looked_at_before_and_after_the_end)
{
	uint64_t a = running(), b = submit_after(a, AFTER_OK);
	char after[100] = "", before[100] = "";
	struct job_view v;

	turns();
	engine_get(engine, b, &v);
	ck_assert_int_eq(engine_after_each(engine, v.job, collect, after), 0);
	ck_assert_str_eq(after, "1:ok:- ");
	engine_get(engine, a, &v);
	ck_assert_int_eq(engine_before_each(engine, v.job, collect, before), 0);
	ck_assert_str_eq(before, "2:ok:- ");
	exits(a, 0);
	*after = *before = 0;
	engine_get(engine, b, &v);
	engine_after_each(engine, v.job, collect, after);
	ck_assert_str_eq(after, "1:ok:completed ");
	engine_get(engine, a, &v);
	engine_before_each(engine, v.job, collect, before);
	ck_assert_str_eq(before, "2:ok:completed ");
	job_view_fini(&v);
}
END_TEST

WORLD_MAIN("depend", each_condition_is_met_by_the_ends_it_names,
    one_that_has_ended_already_counts_as_it_ended,
    all_of_several_are_waited_for_and_one_that_fails_is_enough, a_diamond_runs_in_its_order,
    a_job_that_drops_what_can_t_come_true_waits_for_the_rest_alone,
    a_held_dependent_stays_held_when_its_time_has_come, its_rank_counts_from_when_the_last_was_met,
    a_chain_of_thousands_fails_in_slices, who_dies_in_the_middle_of_a_slice_goes_on_where_he_was,
    thousands_that_wait_for_one_are_told_in_slices_and_none_twice,
    what_was_met_is_not_forgotten_with_the_one_that_was_waited_for,
    a_retried_job_waits_again_for_what_is_tried_again_and_not_for_what_has_failed,
    a_retried_job_does_not_fail_at_the_next_start_for_what_it_does_not_wait_for,
    an_end_that_was_told_holds_when_the_job_is_deleted,
    both_directions_can_be_looked_at_before_and_after_the_end)

/* SPDX-License-Identifier: ISC */
/* What people ask of jobs, and what becomes of it when jobd dies. */
#include "config.h"

#include "core/world.h"

START_TEST(a_pause_is_answered_when_it_is_a_fact)
{
	uint64_t id = running();
	struct answer answer = { 0, 0 };
	struct control pause = { .event = EVENT_PAUSE, .done = note_answer, .arg = &answer };

	ck_assert_int_eq(ask(id, pause).result, ENGINE_PENDING);
	ck_assert_int_eq(ask(id, pause).result, ENGINE_PENDING);
	turn();
	ck_assert_str_eq(heard(), "stop 1 0;stop 1 0;");
	ck_assert_int_eq(answer.calls, 0);
	stopped(id);
	ck_assert_int_eq(answer.calls, 2);
	ck_assert_int_eq(answer.r, ENGINE_OK);
	ck_assert_int_eq(state_of(id), JOB_PAUSED);
	ck_assert_int_eq(ask_event(id, EVENT_PAUSE), ENGINE_ALREADY);

	world.mono_us += 5000000;
	ck_assert_int_eq(ask_event(id, EVENT_RESUME), ENGINE_OK);
	ck_assert_str_eq(heard(), "run 1 0;");
	struct job_view v;
	engine_get(engine, id, &v);
	ck_assert_uint_eq(v.job->now.paused_total_us, 5000000);
	ck_assert_int_eq(ask_event(id, EVENT_RESUME), ENGINE_ALREADY);
}
END_TEST

START_TEST(a_pause_that_can_not_be_is_taken_back_and_says_so)
{
	struct answer answer = { 0, 0 };
	struct control pause = { .event = EVENT_PAUSE, .done = note_answer, .arg = &answer };
	uint64_t id = running();

	ask(id, pause);
	engine_proc_events()->unstoppable(engine, id, 4242);
	ck_assert_int_eq(answer.r, ENGINE_UNSTOPPABLE);
	ck_assert_int_eq(state_of(id), JOB_RUNNING);
	ask(id, pause);
	ask_event(id, EVENT_RESUME);
	ck_assert_int_eq(answer.r, ENGINE_WRONG_STATE);
	ask(id, pause);
	ended(id, 0);
	ck_assert_int_eq(answer.calls, 3);
	ck_assert_int_eq(answer.r, ENGINE_WRONG_STATE);
	turn();

	uint64_t other = running();
	ask(other, pause);
	engine_control_forget(engine, other, &answer);
	stopped(other);
	ck_assert_int_eq(answer.calls, 3);
}
END_TEST

START_TEST(a_cancel_ends_what_runs_and_counts_as_cancelled_whatever_the_code)
{
	uint64_t id = running();

	ck_assert_int_eq(ask_event(id, EVENT_CANCEL), ENGINE_OK);
	ck_assert_int_eq(ask_event(id, EVENT_CANCEL), ENGINE_ALREADY);
	ck_assert_int_eq(ask(id, (struct control){ .event = EVENT_CANCEL, .now = true }).result, ENGINE_OK);
	ck_assert_str_eq(heard(), "end 1 4000;end 1 0;");
	ck_assert_int_eq(ask_event(id, EVENT_PAUSE), ENGINE_WRONG_STATE);
	ended(id, 0);
	turn();
	ck_assert_int_eq(state_of(id), JOB_CANCELLED);
	ck_assert_int_eq(ask_event(id, EVENT_CANCEL), ENGINE_ALREADY);
}
END_TEST

START_TEST(a_retry_keeps_the_old_attempt_and_clears_the_rest)
{
	uint64_t id = running();
	struct job_view v;

	engine_proc_events()->notified(engine, id, "X_JOBD_PROGRESS=1/2", 19);
	ended(id, 3 << 8);
	turn();
	heard();
	ck_assert_int_eq(ask(id, (struct control){ .event = EVENT_RETRY, .attempt = 9 }).result,
	    ENGINE_WRONG_STATE);
	ck_assert_int_eq(ask(id, (struct control){ .event = EVENT_RETRY, .attempt = 1 }).result, ENGINE_OK);
	turn();
	ck_assert_str_eq(heard(), "start 1.2 A=1;");
	engine_get(engine, id, &v);
	ck_assert_int_eq(v.job->state, JOB_QUEUED);
	ck_assert_uint_eq(v.job->nhistory, 1);
	ck_assert_int_eq(v.job->history[0].status, 3 << 8);
	ck_assert_int_eq(v.job->history[0].state, JOB_FAILED);
	ck_assert_ptr_null(v.job->progress);
	ck_assert_uint_eq(v.job->now.started_at_us, 0);
	ready(id);
	ended(id, 0);
	turn();
	ck_assert_int_eq(ask_event(id, EVENT_RETRY), ENGINE_WRONG_STATE);
	ck_assert_int_eq(ask_event(id, EVENT_DELETE), ENGINE_OK);
	heard();
	turn();
	ck_assert_str_eq(heard(), "unlink 1.1;unlink 1.2;unlink 1.3;");
	ck_assert_int_eq(ask_event(id, EVENT_DELETE), ENGINE_NOT_FOUND);
}
END_TEST

START_TEST(the_logs_of_a_deleted_job_are_removed_whoever_dies)
{
	uint64_t id = running();

	exits(id, 1);
	ck_assert_int_eq(ask_event(id, EVENT_DELETE), ENGINE_OK);
	heard();
	ck_assert_int_eq(store_commit(store), 0); /* and no more */
	close_world();
	open_world();
	turn();
	ck_assert_str_eq(heard(), "adopted;unlink 1.1;unlink 1.2;");
	submit_with(NULL, true, 0);
	turn();
	close_world();
	open_world();
	turn();
	ck_assert_str_eq(heard(), "adopted;");
}
END_TEST

START_TEST(a_token_makes_one_job_however_often_it_is_sent)
{
	uint64_t id = submit_with("t1", true, 0);

	ck_assert_uint_eq(submit_with("t1", true, 0), id);
	turn();
	ck_assert_uint_eq(submit_with("t1", true, 0), id);
	ck_assert_uint_ne(submit_with("t2", true, 0), id);
}
END_TEST

START_TEST(what_was_committed_is_taken_up_again_and_what_was_not_is_not)
{
	uint64_t a = running(), b = running(), c = submit();

	ask(b, (struct control){ .event = EVENT_PAUSE, .done = note_answer, .arg = &(struct answer){ 0 } });
	stopped(b);
	turn();
	ask_event(a, EVENT_CANCEL);
	turn();
	submit();
	close_world(); /* the last submission was never committed */
	heard();
	open_world();
	ck_assert_str_eq(heard(), "adopt 2 2;adopt 1 3;adopted;");
	ck_assert_int_eq(state_of(b), JOB_PAUSED);
	ck_assert_int_eq(state_of(c), JOB_QUEUED);
	ck_assert_int_eq(state_of(4), 0);
	turn();
	ck_assert_str_eq(heard(), ""); /* both slots are taken */
	engine_proc_events()->lost(engine, b, "its keeper is gone", true);
	turn();
	ck_assert_int_eq(state_of(b), JOB_FAILED);
	ck_assert_int_eq(reason_of(b), REASON_LOST);
	ck_assert_str_eq(heard(), "acknowledge 2;start 3.1 A=1;");
}
END_TEST

START_TEST(nobody_waits_for_a_keeper_that_is_silent)
{
	struct answer answer = { 0, 0 };
	struct control pause = { .event = EVENT_PAUSE, .done = note_answer, .arg = &answer };
	uint64_t id = running();

	ck_assert_int_eq(ask(id, pause).result, ENGINE_PENDING);
	engine_proc_events()->silent(engine, id, true);
	ck_assert_int_eq(answer.calls, 1);
	ck_assert_int_eq(answer.r, ENGINE_FAILED);
	ck_assert_int_eq(ask(id, pause).result, ENGINE_FAILED);
	engine_proc_events()->silent(engine, id, false);
	stopped(id);
	ck_assert_int_eq(answer.calls, 1);
	ck_assert_int_eq(state_of(id), JOB_PAUSED);
}
END_TEST

WORLD_MAIN("control", a_pause_is_answered_when_it_is_a_fact,
    a_pause_that_can_not_be_is_taken_back_and_says_so,
    a_cancel_ends_what_runs_and_counts_as_cancelled_whatever_the_code,
    a_retry_keeps_the_old_attempt_and_clears_the_rest,
    the_logs_of_a_deleted_job_are_removed_whoever_dies,
    a_token_makes_one_job_however_often_it_is_sent,
    what_was_committed_is_taken_up_again_and_what_was_not_is_not,
    nobody_waits_for_a_keeper_that_is_silent)

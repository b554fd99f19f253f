/* SPDX-License-Identifier: ISC */
/* Queues: their limits, what is set of them at run time, and how they are paused, drained and
 * resumed. */
#include "config.h"

#include <errno.h>

#include "core/world.h"

/* The configuration: import with two places and a timeout, nightly with nothing said. */
static char two_at_once[] = "max_running=2", in_an_hour[] = "timeout=1h";
static char *const import_rules[] = { two_at_once, in_an_hour, NULL };
static const struct queue_declaration declared[] = { { "import", import_rules }, { "nightly", NULL } };

static void declare(size_t n)
{
	world.queues = declared;
	world.nqueues = n;
	ck_assert_int_eq(engine_declare_queues(engine, declared, n), 0);
}

/* A world with these two, and ten slots in all. */
static void with_queues(void)
{
	world.settings.max_running = 10;
	engine_configure(engine, &world.settings);
	declare(2);
}

static const struct spec import = { .queue = "import" };

static void start_all(const uint64_t *id, size_t n)
{
	turns();
	for (size_t i = 0; i < n; i++)
		ready(id[i]);
	turns();
	heard();
}

static enum engine_result turn_queue(enum queue_state to)
{
	return engine_queue_change(engine, &ann, "import", to);
}

START_TEST(a_queue_never_runs_more_than_it_may_and_the_others_are_not_held_up)
{
	with_queues();
	uint64_t a = submit_spec(import), b = submit_spec(import), c = submit_spec(import), d = submit();

	turns();
	ck_assert_str_eq(heard(), "start 1.1 A=1;start 2.1 A=1;start 4.1 A=1;");
	ck_assert_int_eq(reason_of(c), REASON_QUEUE_FULL);
	ready(a);
	ready(b);
	ready(d);
	turns();
	ck_assert_uint_eq(how_many_run(), 3);
	ck_assert_uint_eq(queue_of("import").running, 2);
	ck_assert_uint_eq(queue_of("import").queued, 1);
	ended(a, 0);
	turns();
	ready(c);
	turns();
	ck_assert_int_eq(state_of(c), JOB_RUNNING);
	ck_assert_uint_eq(queue_of("import").ended_last_hour, 1);
}
END_TEST

START_TEST(a_lowered_limit_kills_nothing_and_starts_nothing_until_there_is_room)
{
	with_queues();
	uint64_t a = running_spec(import), b = running_spec(import), c = submit_spec(import);

	ck_assert_int_eq(queue_set("import", "max_running=1"), ENGINE_OK);
	turns();
	ck_assert_str_eq(heard(), "");
	ck_assert_uint_eq(how_many_run(), 2);
	exits(a, 0);
	ck_assert_str_eq(heard(), "acknowledge 1;");
	exits(b, 0);
	ck_assert_str_eq(heard(), "acknowledge 2;start 3.1 A=1;");
	(void)c;
}
END_TEST

START_TEST(a_start_that_is_prepared_when_a_limit_is_lowered_is_taken_back)
{
	with_queues();
	uint64_t a = running_spec(import), b = submit_spec(import);

	turns();
	ck_assert_str_eq(heard(), "start 2.1 A=1;");
	ck_assert_int_eq(queue_set("import", "max_running=1"), ENGINE_OK);
	ck_assert_str_eq(heard(), "abandon 2;");
	ready(b);
	turns();
	ck_assert_uint_eq(how_many_run(), 1);
	ck_assert_int_eq(reason_of(b), REASON_QUEUE_FULL);
	exits(a, 0);
	ck_assert_str_eq(heard(), "acknowledge 1;start 2.1 A=1;");

	/* So with the limits of the daemon and of users. */
	uint64_t c = submit();
	turns();
	heard();
	world.settings.max_running = 1;
	engine_configure(engine, &world.settings);
	ck_assert_str_eq(heard(), "abandon 3;");
	world.settings.max_running = 2;
	engine_configure(engine, &world.settings);
	turns();
	heard();
	world.settings.user_max_running = 1;
	engine_configure(engine, &world.settings);
	ck_assert_str_eq(heard(), "abandon 3;");
	turns();
	ck_assert_int_eq(reason_of(c), REASON_USER_LIMIT);
}
END_TEST

START_TEST(each_value_says_where_it_is_from_and_reset_drops_what_was_set)
{
	with_queues();
	struct queue_view v = queue_of("import");

	ck_assert_int_eq(v.origins[RULE_MAX_RUNNING], ORIGIN_CONFIG);
	ck_assert_int_eq(v.origins[RULE_ATTEMPTS], ORIGIN_DEFAULT);
	ck_assert_int_eq(queue_set("import", "max_running=5"), ENGINE_OK);
	ck_assert_int_eq(queue_set("import", "max_running=5"), ENGINE_ALREADY);
	ck_assert_int_eq(queue_set("import", "attempts=3"), ENGINE_OK);
	ck_assert_int_eq(queue_set("nowhere", "attempts=3"), ENGINE_NOT_FOUND);
	turns();
	reopen_world();
	v = queue_of("import");
	ck_assert_uint_eq(v.rules->max_running, 5);
	ck_assert_uint_eq(v.rules->attempts, 3);
	ck_assert_uint_eq(v.rules->timeout_us, HOUR);
	ck_assert_int_eq(v.origins[RULE_MAX_RUNNING], ORIGIN_RUNTIME);
	ck_assert_int_eq(v.origins[RULE_TIMEOUT], ORIGIN_CONFIG);
	ck_assert_int_eq(engine_queue_reset(engine, &ann, "import", 1u << RULE_MAX_RUNNING), ENGINE_OK);
	ck_assert_int_eq(engine_queue_reset(engine, &ann, "import", 1u << RULE_MAX_RUNNING),
	    ENGINE_ALREADY);
	turns();
	reopen_world();
	v = queue_of("import");
	ck_assert_uint_eq(v.rules->max_running, 2);
	ck_assert_uint_eq(v.rules->attempts, 3);
	ck_assert_int_eq(v.origins[RULE_MAX_RUNNING], ORIGIN_CONFIG);
}
END_TEST

static void collect_name(void *ctx, const struct queue_view *v)
{
	strcat(strcat(ctx, v->name), " ");
}

START_TEST(a_queue_that_is_not_declared_any_more_stays_until_it_has_no_jobs)
{
	uint64_t other;
	char names[64] = "";

	with_queues();
	uint64_t a = running_spec(import), b = submit_spec((struct spec){ .queue = "import", .hold = true });
	turns();
	declare(0);
	ck_assert_int_eq(try_submit(&import, &other), ENGINE_NO_QUEUE);
	ck_assert(!queue_of("import").declared);
	reopen_world();
	ck_assert_uint_eq(queue_of("import").running, 1);
	ck_assert_uint_eq(queue_of("import").held, 1);
	exits(a, 1);
	ck_assert_int_eq(ask_event(b, EVENT_CANCEL), ENGINE_OK);
	turns();
	engine_queue_each(engine, collect_name, names);
	ck_assert_str_eq(names, "default ");
	struct queue_view v;
	ck_assert_int_eq(engine_queue_get(engine, "import", &v), ENGINE_NOT_FOUND);
	/* Nor does a retry bring it back. */
	ck_assert_int_eq(ask_event(a, EVENT_RETRY), ENGINE_NO_QUEUE);
}
END_TEST

START_TEST(a_queue_that_is_not_declared_any_more_keeps_its_limits_for_the_jobs_it_has)
{
	with_queues();
	unsigned most = queue_of("import").rules->max_running;
	ck_assert_uint_gt(most, 0);
	for (unsigned i = 0; i < most + 2; i++)
		submit_spec(import);
	turns();
	size_t waiting = queue_of("import").queued;
	ck_assert_uint_gt(waiting, 0);
	declare(0);
	turns();
	ck_assert_uint_eq(queue_of("import").rules->max_running, most);
	ck_assert_uint_eq(queue_of("import").queued, waiting);
	reopen_world();
	turns();
	ck_assert_uint_eq(queue_of("import").rules->max_running, most);
	ck_assert_int_eq(queue_of("import").origins[RULE_MAX_RUNNING], ORIGIN_CONFIG);
}
END_TEST

START_TEST(the_pause_of_a_queue_pauses_what_runs_and_its_resume_resumes_only_that)
{
	with_queues();
	uint64_t a = running_spec(import), b = running_spec(import), c = submit_spec(import);

	pause_job(b, false);
	heard();
	ck_assert_int_eq(turn_queue(QUEUE_PAUSED), ENGINE_OK);
	ck_assert_int_eq(turn_queue(QUEUE_PAUSED), ENGINE_ALREADY);
	turns();
	ck_assert_str_eq(heard(), "stop 1 0;");
	stopped(a);
	turns();
	ck_assert_int_eq(state_of(a), JOB_PAUSED);
	ck_assert_int_eq(reason_of(c), REASON_QUEUE_PAUSED);
	ck_assert_str_eq(queue_of("import").by, "ann");

	reopen_world();
	ck_assert_int_eq(queue_of("import").state, QUEUE_PAUSED);
	ck_assert_int_eq(state_of(a), JOB_PAUSED);
	ck_assert_int_eq(turn_queue(QUEUE_OPEN), ENGINE_OK);
	turns();
	ck_assert_str_eq(heard(), "run 1 0;");
	ck_assert_int_eq(state_of(a), JOB_RUNNING);
	ck_assert_int_eq(state_of(b), JOB_PAUSED);
	ck_assert_uint_eq(queue_of("import").running, 2); /* a paused one keeps its place */
}
END_TEST

START_TEST(a_pause_that_somebody_made_his_own_is_not_ended_by_the_queue)
{
	with_queues();
	uint64_t a = running_spec(import);

	turn_queue(QUEUE_PAUSED);
	stopped(a);
	turns();
	ck_assert_int_eq(ask_event(a, EVENT_PAUSE), ENGINE_ALREADY);
	turn_queue(QUEUE_OPEN);
	turns();
	ck_assert_int_eq(state_of(a), JOB_PAUSED);
}
END_TEST

START_TEST(no_resume_undoes_the_pause_of_a_queue_that_is_under_way)
{
	with_queues();
	uint64_t a = running_spec(import), b = running_spec(import);

	turn_queue(QUEUE_PAUSED);
	turns();
	heard();
	ck_assert_int_eq(ask_event(a, EVENT_RESUME), ENGINE_OK);
	ck_assert_int_eq(ask_event(a, EVENT_RESUME), ENGINE_ALREADY);
	ck_assert_int_eq(ask(b, (struct control){ .event = EVENT_RESUME, .force = true }).result, ENGINE_OK);
	turns();
	ck_assert_str_eq(heard(), "run 2 0;");
	reopen_world();
	stopped(a);
	turns();
	ck_assert_int_eq(state_of(a), JOB_PAUSED);
	ck_assert_int_eq(reason_of(a), REASON_QUEUE_PAUSED);
	ck_assert_int_eq(state_of(b), JOB_RUNNING);
	turn_queue(QUEUE_OPEN);
	turns();
	ck_assert_int_eq(state_of(a), JOB_RUNNING);

	/* Nor where it is the pause of a person that has not come true yet; it can be asked for anew. */
	ask(a, (struct control){ .event = EVENT_PAUSE, .done = note_answer, .arg = &(struct answer){ 0 } });
	turn_queue(QUEUE_PAUSED);
	ask_event(a, EVENT_RESUME);
	ask(a, (struct control){ .event = EVENT_PAUSE, .done = note_answer, .arg = &(struct answer){ 0 } });
	stopped(a);
	turn_queue(QUEUE_OPEN);
	turns();
	ck_assert_int_eq(state_of(a), JOB_PAUSED);
}
END_TEST

START_TEST(a_start_that_is_prepared_when_its_queue_is_paused_or_drained_is_taken_back)
{
	with_queues();
	uint64_t a = submit_spec(import), b = submit_spec((struct spec){ .queue = "nightly" });

	turns();
	heard();
	ck_assert_int_eq(turn_queue(QUEUE_PAUSED), ENGINE_OK);
	ck_assert_str_eq(heard(), "abandon 1;");
	ready(a); /* it spoke before it heard */
	ready(b);
	turns();
	ck_assert_str_eq(heard(), "release 2;");
	ck_assert_int_eq(state_of(a), JOB_QUEUED);
	turn_queue(QUEUE_OPEN);
	turns();
	ck_assert_str_eq(heard(), "start 1.1 A=1;");
	turn_queue(QUEUE_DRAINING);
	ck_assert_str_eq(heard(), "abandon 1;");
	ck_assert_int_eq(reason_of(a), REASON_DRAINING);
}
END_TEST

START_TEST(a_drained_queue_starts_none_and_lets_end_what_runs_or_is_paused)
{
	with_queues();
	uint64_t a = running_spec(import), b = running_spec(import), c = submit_spec(import);

	turn_queue(QUEUE_PAUSED);
	stopped(a);
	ask(b, (struct control){ .event = EVENT_PAUSE, .done = note_answer, .arg = &(struct answer){ 0 } });
	stopped(b);
	turns();
	heard();
	turn_queue(QUEUE_DRAINING);
	turns();
	ck_assert_str_eq(heard(), "run 1 0;");
	/* A paused one is to end as well: whoever resumes it need not wait for the queue. */
	ck_assert_int_eq(ask_event(b, EVENT_RESUME), ENGINE_OK);
	ck_assert_str_eq(heard(), "run 2 0;");
	exits(a, 0);
	exits(b, 0);
	ck_assert_int_eq(reason_of(c), REASON_DRAINING);
	ck_assert_str_eq(heard(), "acknowledge 1;acknowledge 2;");
	ck_assert_int_eq(turn_queue(QUEUE_OPEN), ENGINE_OK);
	turns();
	ck_assert_str_eq(heard(), "start 3.1 A=1;");
}
END_TEST

START_TEST(a_job_that_gave_its_slot_up_waits_for_one_to_go_on_unless_it_is_forced)
{
	with_queues();
	uint64_t a = running_spec(import), b = running_spec(import), c = submit_spec(import);

	pause_job(a, true);
	turns();
	ready(c);
	turns();
	ck_assert_int_eq(state_of(c), JOB_RUNNING);
	heard();
	ck_assert_int_eq(ask_event(a, EVENT_RESUME), ENGINE_OK);
	ck_assert_int_eq(ask_event(a, EVENT_RESUME), ENGINE_ALREADY);
	turns();
	ck_assert_int_eq(state_of(a), JOB_PAUSED);
	ck_assert_int_eq(reason_of(a), REASON_QUEUE_FULL);
	ck_assert_ptr_nonnull(strstr(why(a), "queue import runs 2 of 2; it is the next"));
	reopen_world();
	ck_assert_uint_eq(queue_of("import").running, 2);
	ck_assert_int_eq(reason_of(a), REASON_QUEUE_FULL);
	submit_spec(import);
	exits(b, 0);
	ck_assert_str_eq(heard(), "acknowledge 2;run 1 0;"); /* and not the new one */
	ck_assert_int_eq(state_of(a), JOB_RUNNING);
	pause_job(c, true);
	turns();
	heard();
	ck_assert_int_eq(ask(c, (struct control){ .event = EVENT_RESUME, .force = true }).result,
	    ENGINE_OK);
	ck_assert_str_eq(heard(), "run 3 0;");
	ck_assert_uint_eq(queue_of("import").running, 3);
}
END_TEST

START_TEST(a_resume_needs_a_slot_and_nothing_that_a_start_needs)
{
	with_queues();
	uint64_t a = running_spec(import);

	pause_job(a, false);
	heard();
	world.free_bytes = 10;
	engine_tick(engine);
	ck_assert_int_eq(ask_event(a, EVENT_RESUME), ENGINE_OK);
	ck_assert_str_eq(heard(), "run 1 0;");
	pause_job(a, false);
	world.start_error = -ENOMEM;
	world.free_bytes = 1u << 30;
	engine_tick(engine);
	submit();
	turns(); /* no start is possible for a while */
	heard();
	ck_assert_int_eq(ask_event(a, EVENT_RESUME), ENGINE_OK);
	ck_assert_str_eq(heard(), "run 1 0;");
	ck_assert_int_eq(state_of(a), JOB_RUNNING);
}
END_TEST

START_TEST(a_resume_over_a_lowered_limit_waits_and_a_pause_takes_it_back)
{
	with_queues();
	uint64_t a = running_spec(import), b = running_spec(import);

	pause_job(a, false);
	pause_job(b, false);
	queue_set("import", "max_running=1");
	turns();
	ck_assert_uint_eq(queue_of("import").running, 2);
	heard();
	/* One may run, and none does: who asks first goes on, and the other gives its slot up and
	 * waits. */
	ck_assert_int_eq(ask_event(a, EVENT_RESUME), ENGINE_OK);
	ck_assert_int_eq(state_of(a), JOB_RUNNING);
	ck_assert_int_eq(ask_event(b, EVENT_RESUME), ENGINE_OK);
	turns();
	ck_assert_str_eq(heard(), "run 1 0;");
	ck_assert_int_eq(state_of(b), JOB_PAUSED);
	ck_assert_uint_eq(queue_of("import").running, 1);
	ck_assert_int_eq(ask_event(b, EVENT_PAUSE), ENGINE_OK);
	exits(a, 0);
	ck_assert_int_eq(state_of(b), JOB_PAUSED);
	ck_assert_str_eq(heard(), "acknowledge 1;");
}
END_TEST

START_TEST(the_resume_of_a_queue_runs_no_more_than_it_may_now)
{
	with_queues();
	uint64_t id[2] = { submit_spec(import), submit_spec(import) };

	start_all(id, 2);
	turn_queue(QUEUE_PAUSED);
	stopped(id[0]);
	stopped(id[1]);
	queue_set("import", "max_running=1");
	turns();
	heard();
	turn_queue(QUEUE_OPEN);
	turns();
	ck_assert_str_eq(heard(), "run 1 0;");
	exits(id[0], 0);
	ck_assert_str_eq(heard(), "acknowledge 1;run 2 0;");
}
END_TEST

START_TEST(the_longest_wait_is_of_those_that_could_have_started)
{
	with_queues();
	running_spec(import);
	running_spec(import);
	uint64_t since = real_now();

	submit_spec((struct spec){ .queue = "import", .not_before_us = since + HOUR });
	pass(MINUTE);
	ck_assert_uint_eq(queue_of("import").oldest_us, 0);
	submit_spec(import);
	ck_assert_uint_eq(queue_of("import").oldest_us, since + MINUTE);
	pass(HOUR);
	ck_assert_uint_eq(queue_of("import").oldest_us, since + MINUTE);
}
END_TEST

START_TEST(no_user_runs_more_than_he_may_and_who_comes_later_is_not_held_up)
{
	with_queues();
	world.settings.user_max_running = 1;
	engine_configure(engine, &world.settings);
	uint64_t a = submit(), b = submit(), c = submit_spec((struct spec){ .uid = 2000 });

	turns();
	ck_assert_str_eq(heard(), "start 1.1 A=1;start 3.1 A=1;");
	ck_assert_int_eq(reason_of(b), REASON_USER_LIMIT);
	ck_assert_str_eq(why(b), "user ann runs 1 of 1 (user_max_running); it is the next");
	ready(a);
	turns();
	pause_job(a, false);
	turns();
	ck_assert_int_eq(reason_of(b), REASON_USER_LIMIT);
	ask_event(a, EVENT_CANCEL);
	exits(a, 0);
	ck_assert_str_eq(heard(), "release 1;stop 1 0;end 1 4000;acknowledge 1;start 2.1 A=1;");
	(void)c;
}
END_TEST

WORLD_MAIN("queues", a_queue_never_runs_more_than_it_may_and_the_others_are_not_held_up,
    a_lowered_limit_kills_nothing_and_starts_nothing_until_there_is_room,
    a_start_that_is_prepared_when_a_limit_is_lowered_is_taken_back,
    each_value_says_where_it_is_from_and_reset_drops_what_was_set,
    a_queue_that_is_not_declared_any_more_stays_until_it_has_no_jobs,
    a_queue_that_is_not_declared_any_more_keeps_its_limits_for_the_jobs_it_has,
    the_pause_of_a_queue_pauses_what_runs_and_its_resume_resumes_only_that,
    a_pause_that_somebody_made_his_own_is_not_ended_by_the_queue,
    no_resume_undoes_the_pause_of_a_queue_that_is_under_way,
    a_start_that_is_prepared_when_its_queue_is_paused_or_drained_is_taken_back,
    a_drained_queue_starts_none_and_lets_end_what_runs_or_is_paused,
    a_job_that_gave_its_slot_up_waits_for_one_to_go_on_unless_it_is_forced,
    a_resume_needs_a_slot_and_nothing_that_a_start_needs,
    a_resume_over_a_lowered_limit_waits_and_a_pause_takes_it_back,
    the_resume_of_a_queue_runs_no_more_than_it_may_now,
    the_longest_wait_is_of_those_that_could_have_started,
    no_user_runs_more_than_he_may_and_who_comes_later_is_not_held_up)

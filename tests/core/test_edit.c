/* SPDX-License-Identifier: ISC */
/* Edits of jobs that wait. */
#include "config.h"

#include <stdlib.h>

#include "core/world.h"
#include "lib/strv.h"

static const struct queue_declaration two[] = { { "import", NULL }, { "nightly", NULL } };

static uint64_t other;
static struct control_result refusal;

/* The fields' new values are those of a spec; those that a spec has not are set by change. */
static enum engine_result edit_with(uint64_t id, unsigned fields, struct spec s, void (*change)(struct job *draft))
{
	static char variable[] = "B=2";
	static char *env[] = { variable, NULL };
	struct job draft;
	struct edit x = { .fields = fields, .draft = &draft, .env = env, .after = s.after, .nafter = s.nafter };

	draft_of(&s, &draft);
	if (change)
		change(&draft);
	return engine_edit(engine, &ann, id, &x, &refusal, &other);
}

static enum engine_result edit(uint64_t id, unsigned fields, struct spec s)
{
	return edit_with(id, fields, s, NULL);
}

static void change_plain(struct job *draft)
{
	free(draft->command[0]);
	draft->command[0] = strdup("false");
	draft->project = strdup("p");
	draft->cwd = strdup("/tmp");
	draft->umask = 077;
	draft->nmeta = 1;
	draft->meta = calloc(1, sizeof *draft->meta);
	draft->meta[0] = (struct job_meta){ strdup("k"), strdup("v") };
}

#define PLAIN (EDIT_COMMAND | EDIT_NAME | EDIT_PROJECT | EDIT_META | EDIT_CWD | EDIT_UMASK)

START_TEST(each_plain_field_is_changed_and_stays_so)
{
	struct spec s = { .name = "n", .not_before_us = real_now() + HOUR, .deadline_us = real_now() + 2 * HOUR,
		.drop_unmet = true };
	unsigned fields = PLAIN | EDIT_NOT_BEFORE | EDIT_DEADLINE | EDIT_DROP_UNMET;
	uint64_t a = submit_with(NULL, true, 3);
	struct job_view v;

	ck_assert_int_eq(edit_with(a, fields, s, change_plain), ENGINE_OK);
	ck_assert_int_eq(edit_with(a, fields, s, change_plain), ENGINE_ALREADY);
	turns();
	reopen_world();
	ck_assert_int_eq(edit_with(a, fields, s, change_plain), ENGINE_ALREADY);
	engine_get(engine, a, &v);
	ck_assert_str_eq(v.job->command[0], "false");
	ck_assert_str_eq(v.job->name, "n");
	ck_assert_str_eq(v.job->project, "p");
	ck_assert_str_eq(v.job->cwd, "/tmp");
	ck_assert_int_eq(v.job->umask, 077);
	ck_assert_str_eq(v.job->meta[0].value, "v");
	ck_assert(v.job->drop_unmet);
	ck_assert_uint_eq(v.job->priority, 3);
	ck_assert_str_eq(v.job->queue, "default");
	/* Those that are cleared are gone, the others are not touched. */
	ck_assert_int_eq(edit(a, EDIT_NAME | EDIT_NOT_BEFORE, (struct spec){ 0 }), ENGINE_OK);
	engine_get(engine, a, &v);
	ck_assert_ptr_null(v.job->name);
	ck_assert_uint_eq(v.job->not_before_us, 0);
	ck_assert_str_eq(v.job->cwd, "/tmp");
}
END_TEST

START_TEST(what_has_begun_or_ended_can_not_be_edited)
{
	uint64_t a = running();

	ck_assert_int_eq(edit(a, EDIT_NAME, (struct spec){ .name = "n" }), ENGINE_WRONG_STATE);
	ck_assert_int_eq(refusal.state, JOB_RUNNING);
	ck_assert_str_eq(refusal.hint, "a running job can be paused, cancelled or signalled");
	exits(a, 0);
	ck_assert_int_eq(edit(a, EDIT_NAME, (struct spec){ .name = "n" }), ENGINE_WRONG_STATE);
	ck_assert_int_eq(refusal.state, JOB_COMPLETED);
	ck_assert_int_eq(edit(99, EDIT_NAME, (struct spec){ .name = "n" }), ENGINE_NOT_FOUND);
}
END_TEST

START_TEST(a_start_that_is_prepared_is_taken_back_and_runs_what_was_edited)
{
	running();
	uint64_t b = submit();
	turns();
	heard();
	ck_assert_int_eq(edit(b, EDIT_ENVIRONMENT, (struct spec){ 0 }), ENGINE_OK);
	ck_assert_str_eq(heard(), "abandon 2;");
	ready(b); /* it spoke before it heard */
	turns();
	ck_assert_str_eq(heard(), "start 2.1 B=2;");
	close_world();
	open_world();
	heard();
	turns();
	ck_assert_str_eq(heard(), "start 2.1 B=2;");
}
END_TEST

START_TEST(an_environment_that_is_shared_is_left_to_the_others)
{
	struct spec s = { .hold = true };
	uint64_t a = submit_with(NULL, true, 0), b;
	struct job draft;

	draft_of(&s, &draft);
	struct submission u = { .draft = &draft, .env_of = a, .hold = true };
	ck_assert_int_eq(engine_submit(engine, &ann, &u, &b), ENGINE_OK);
	/* In the same turn: nothing of the sharing is on record yet. */
	ck_assert_int_eq(edit(a, EDIT_ENVIRONMENT, (struct spec){ 0 }), ENGINE_OK);
	turns();
	ask_event(a, EVENT_RELEASE);
	ask_event(b, EVENT_RELEASE);
	turns();
	ck_assert_str_eq(heard(), "start 1.1 B=2;start 2.1 A=1;");
}
END_TEST

START_TEST(an_environment_that_is_shared_stays_when_its_first_job_is_deleted)
{
	struct spec s = { .hold = true };
	uint64_t a = submit_with(NULL, true, 0), b;
	struct job draft;

	draft_of(&s, &draft);
	struct submission u = { .draft = &draft, .env_of = a, .hold = true };
	ck_assert_int_eq(engine_submit(engine, &ann, &u, &b), ENGINE_OK);
	ask_event(a, EVENT_CANCEL);
	ck_assert_int_eq(ask_event(a, EVENT_DELETE), ENGINE_OK);
	turns();
	ask_event(b, EVENT_RELEASE);
	turns();
	ck_assert_ptr_nonnull(strstr(heard(), "start 2.1 A=1;"));
}
END_TEST

START_TEST(another_queue_s_limit_holds_at_once_and_what_the_job_says_goes_with_it)
{
	world.settings.max_running = 10;
	engine_configure(engine, &world.settings);
	engine_declare_queues(engine, two, 2);
	queue_set("import", "max_running=1");
	uint64_t a = running_spec((struct spec){ .queue = "import" });
	uint64_t b = submit_spec((struct spec){ .queue = "nightly", .priority = 3, .rules = { "timeout=1h" } });

	turns();
	heard();
	ck_assert_int_eq(edit(b, EDIT_QUEUE, (struct spec){ .queue = "nowhere" }), ENGINE_NO_QUEUE);
	ck_assert_str_eq(heard(), "");
	ck_assert_int_eq(edit(b, EDIT_QUEUE, (struct spec){ .queue = "import" }), ENGINE_OK);
	turns();
	ck_assert_str_eq(heard(), "abandon 2;");
	ck_assert_int_eq(reason_of(b), REASON_QUEUE_FULL);
	ck_assert_uint_eq(queue_of("import").queued, 1);
	ck_assert_uint_eq(queue_of("nightly").queued, 0);
	ck_assert_uint_eq(queue_of("nightly").running, 0);
	reopen_world();
	engine_declare_queues(engine, two, 2);
	exits(a, 0);
	ck_assert_str_eq(heard(), "acknowledge 1;start 2.1 A=1;");
	struct job_view v;
	engine_get(engine, b, &v);
	ck_assert_uint_eq(v.job->priority, 3);
	ck_assert_str_eq(v.job->rules[0], "timeout=1h");
}
END_TEST

START_TEST(a_rule_of_the_job_s_is_set_and_dropped)
{
	uint64_t a = submit_spec((struct spec){ .hold = true, .rules = { "timeout=1h", "attempts=2" } });
	struct job draft;
	struct spec s = { .rules = { "attempts=3" } };
	struct edit x = { .fields = EDIT_RULES, .draft = &draft, .clear_rules = 1u << RULE_TIMEOUT };
	enum rule_origin origin;
	struct job_view v;

	draft_of(&s, &draft);
	ck_assert_int_eq(engine_edit(engine, &ann, a, &x, &refusal, &other), ENGINE_OK);
	draft_of(&s, &draft);
	ck_assert_int_eq(engine_edit(engine, &ann, a, &x, &refusal, &other), ENGINE_ALREADY);
	engine_get(engine, a, &v);
	char *attempts = engine_rule(engine, v.job, RULE_ATTEMPTS, &origin);
	ck_assert_str_eq(attempts, "3");
	ck_assert_int_eq(origin, ORIGIN_JOB);
	char *timeout = engine_rule(engine, v.job, RULE_TIMEOUT, &origin);
	ck_assert_str_eq(timeout, "0");
	ck_assert_int_eq(origin, ORIGIN_DEFAULT);
	free(attempts);
	free(timeout);
}
END_TEST

START_TEST(a_cycle_is_refused_however_long_and_nothing_is_changed)
{
	uint64_t first = submit_with(NULL, true, 0), last = first;

	for (int i = 0; i < 5000; i++)
		last = submit_after(last, AFTER_OK);
	struct spec s = { .after = { { last, AFTER_ANY, 0 } }, .nafter = 1, .name = "n" };
	ck_assert_int_eq(edit(first, EDIT_AFTER | EDIT_NAME, s), ENGINE_CYCLE);
	ck_assert_uint_eq(other, last);
	s.after[0].id = first;
	ck_assert_int_eq(edit(first, EDIT_AFTER, s), ENGINE_CYCLE);
	s.after[0].id = 9999;
	ck_assert_int_eq(edit(first, EDIT_AFTER, s), ENGINE_NO_JOB);
	struct job_view v;
	engine_get(engine, first, &v);
	ck_assert_ptr_null(v.job->name);
	ck_assert(!v.job->has_after);
}
END_TEST

START_TEST(what_it_waits_for_is_replaced_as_a_whole)
{
	uint64_t a = submit_with(NULL, true, 0), b = submit_with(NULL, true, 0);
	uint64_t c = submit_after(a, AFTER_OK);

	turns();
	ck_assert_int_eq(edit(c, EDIT_AFTER, (struct spec){ .after = { { b, AFTER_ANY, 0 } }, .nafter = 1 }),
	    ENGINE_OK);
	turns();
	reopen_world();
	ask_event(a, EVENT_CANCEL);
	turns();
	ck_assert_str_eq(why(c), "it waits for the end of 1 other job: 2");
	pass(MINUTE);
	uint64_t since = real_now();
	ck_assert_int_eq(edit(c, EDIT_AFTER, (struct spec){ 0 }), ENGINE_OK);
	ck_assert_int_eq(edit(c, EDIT_AFTER, (struct spec){ 0 }), ENGINE_ALREADY);
	struct job_view v;
	engine_get(engine, c, &v);
	ck_assert_uint_eq(v.job->eligible_at_us, since); /* not before had it anything to wait for but this */
	turns();
	ck_assert_str_eq(heard(), "start 3.1 A=1;");
	/* A prepared one that is to wait again is taken back. */
	ck_assert_int_eq(edit(c, EDIT_AFTER, (struct spec){ .after = { { b, AFTER_OK, 0 } }, .nafter = 1 }),
	    ENGINE_OK);
	ck_assert_str_eq(heard(), "abandon 3;");
	ask_event(b, EVENT_CANCEL);
	turns();
	ck_assert_int_eq(reason_of(c), REASON_DEPENDENCY);
	ck_assert_int_eq(state_of(c), JOB_FAILED);
}
END_TEST

START_TEST(a_time_that_is_edited_holds_from_now)
{
	uint64_t a = submit_spec((struct spec){ .not_before_us = real_now() + HOUR });

	turns();
	ck_assert_int_eq(edit(a, EDIT_NOT_BEFORE, (struct spec){ .not_before_us = real_now() + MINUTE }),
	    ENGINE_OK);
	pass(MINUTE);
	ck_assert_str_eq(heard(), "start 1.1 A=1;");
	ck_assert_int_eq(edit(a, EDIT_NOT_BEFORE, (struct spec){ .not_before_us = real_now() + HOUR }),
	    ENGINE_OK);
	ck_assert_str_eq(heard(), "abandon 1;");
	ck_assert_int_eq(edit(a, EDIT_DEADLINE, (struct spec){ .deadline_us = real_now() + MINUTE }), ENGINE_OK);
	pass(MINUTE);
	ck_assert_int_eq(reason_of(a), REASON_DEADLINE);
}
END_TEST

START_TEST(a_time_that_is_edited_stands_instead_of_the_wait_for_another_attempt)
{
	uint64_t a = running_spec((struct spec){ .rules = { "attempts=9", "backoff=1h", "backoff_jitter=0" } });

	exits(a, 3);
	heard();
	ck_assert_int_eq(edit(a, EDIT_NOT_BEFORE, (struct spec){ .not_before_us = real_now() + MINUTE }),
	    ENGINE_OK);
	pass(MINUTE - 1);
	ck_assert_str_eq(heard(), "");
	pass(1);
	ck_assert_str_eq(heard(), "start 1.2 A=1;");
}
END_TEST

START_TEST(attempts_that_are_over_can_not_be_taken_back)
{
	uint64_t a = running_spec((struct spec){ .rules = { "attempts=5" } });

	exits(a, 1);
	ck_assert_int_eq(edit(a, EDIT_RULES, (struct spec){ .rules = { "attempts=1" } }), ENGINE_WRONG_STATE);
	ck_assert_str_eq(why(a), "attempt 1 failed; another follows (of 5)");
	ck_assert_int_eq(edit(a, EDIT_RULES, (struct spec){ .rules = { "attempts=2" } }), ENGINE_OK);
	ck_assert_str_eq(why(a), "attempt 1 failed; another follows (of 2)");
	struct edit x = { .fields = EDIT_RULES, .clear_rules = 1u << RULE_ATTEMPTS };
	struct control_result r;
	struct job draft;
	uint64_t with;
	draft_of(&(struct spec){ 0 }, &draft);
	x.draft = &draft;
	ck_assert_int_eq(engine_edit(engine, &ann, a, &x, &r, &with), ENGINE_WRONG_STATE); /* its queue's is 1 */
	ask_event(a, EVENT_HOLD);
	ck_assert_int_eq(edit(a, EDIT_RULES, (struct spec){ .rules = { "attempts=1" } }), ENGINE_WRONG_STATE);
	/* To another queue, whose rule would be its own. */
	engine_declare_queues(engine, &(const struct queue_declaration){ "strict", NULL }, 1);
	uint64_t b = running();
	queue_set("default", "attempts=3");
	exits(b, 1);
	ck_assert_int_eq(edit(b, EDIT_QUEUE, (struct spec){ .queue = "strict" }), ENGINE_WRONG_STATE);
	ck_assert_int_eq(edit(b, EDIT_QUEUE | EDIT_RULES, (struct spec){ .queue = "strict", .rules = { "attempts=2" } }),
	    ENGINE_OK);
}
END_TEST

START_TEST(to_let_go_of_a_time_where_none_was_set_begins_no_attempt)
{
	uint64_t a = running_spec((struct spec){ .rules = { "attempts=9", "backoff=1h", "backoff_jitter=0" } });

	exits(a, 3);
	heard();
	ck_assert_int_eq(edit(a, EDIT_NOT_BEFORE, (struct spec){ .not_before_us = 0 }), ENGINE_ALREADY);
	turns();
	ck_assert_str_eq(heard(), "");
	pass(HOUR);
	ck_assert_str_eq(heard(), "start 1.2 A=1;");
}
END_TEST

static size_t variables(uint64_t id)
{
	struct job_view v;
	char **env = NULL;

	engine_get(engine, id, &v);
	ck_assert_int_eq(store_environment_get(store, store_environment_of(v.job), &env), 0);
	job_view_fini(&v);
	size_t n = strv_len(env);
	strv_free(env);
	return n;
}

START_TEST(variables_are_set_in_the_environment_that_is_there_as_far_as_it_may_grow)
{
	uint64_t a = submit_with(NULL, true, 3);

	turns();
	ck_assert_uint_eq(variables(a), 1);
	ck_assert_int_eq(edit(a, EDIT_SET_ENVIRONMENT, (struct spec){ 0 }), ENGINE_OK);
	turns();
	ck_assert_uint_eq(variables(a), 2);
	ck_assert_int_eq(edit(a, EDIT_SET_ENVIRONMENT, (struct spec){ 0 }), ENGINE_OK);
	turns();
	reopen_world();
	ck_assert_uint_eq(variables(a), 2);
	world.settings.environment_bytes = 7; /* A=1 and B=2, with what ends each, are eight */
	engine_configure(engine, &world.settings);
	ck_assert_int_eq(edit(a, EDIT_SET_ENVIRONMENT, (struct spec){ 0 }), ENGINE_OVER_ENVIRONMENT);
}
END_TEST

WORLD_MAIN("edit", variables_are_set_in_the_environment_that_is_there_as_far_as_it_may_grow,
    each_plain_field_is_changed_and_stays_so, what_has_begun_or_ended_can_not_be_edited,
    a_start_that_is_prepared_is_taken_back_and_runs_what_was_edited,
    an_environment_that_is_shared_is_left_to_the_others,
    an_environment_that_is_shared_stays_when_its_first_job_is_deleted,
    another_queue_s_limit_holds_at_once_and_what_the_job_says_goes_with_it,
    a_rule_of_the_job_s_is_set_and_dropped, a_cycle_is_refused_however_long_and_nothing_is_changed,
    what_it_waits_for_is_replaced_as_a_whole, a_time_that_is_edited_holds_from_now,
    a_time_that_is_edited_stands_instead_of_the_wait_for_another_attempt,
    attempts_that_are_over_can_not_be_taken_back,
    to_let_go_of_a_time_where_none_was_set_begins_no_attempt)

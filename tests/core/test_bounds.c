/* SPDX-License-Identifier: ISC */
/* Large jobs: no turn is long for them, and there are limits. */
#include "config.h"

#include <stdlib.h>
#include <time.h>

#include "core/world.h"
#include "lib/strv.h"

#define LARGE 100000
#define MANY  40
/* Of these a turn, or a page, takes a few. */
#define FEW (MANY / 2)

static unsigned how_many(enum job_state s, uint64_t first)
{
	unsigned n = 0;

	for (uint64_t id = first; id < first + MANY; id++)
		n += state_of(id) == s;
	return n;
}

static void submit_large(struct spec s)
{
	s.hold = true;
	s.bytes = LARGE;
	for (int i = 0; i < MANY; i++)
		submit_spec(s);
}

/* After one turn some of them are in this state, and after all turns all. */
static void come_in_slices(enum job_state s, uint64_t first)
{
	turn();
	ck_assert_uint_gt(how_many(s, first), 0);
	ck_assert_uint_lt(how_many(s, first), FEW);
	ck_assert(engine_wants_turn(engine));
	turns();
	ck_assert_uint_eq(how_many(s, first), MANY);
}

START_TEST(large_jobs_fail_of_their_deadline_in_slices)
{
	submit_large((struct spec){ .deadline_us = real_now() + SECOND });
	turns();
	world.mono_us += 2 * SECOND;
	come_in_slices(JOB_FAILED, 1);
}
END_TEST

START_TEST(large_jobs_are_told_of_an_end_in_slices)
{
	uint64_t a = running();

	submit_large((struct spec){ .after = { { a, AFTER_OK, 0 } }, .nafter = 1 });
	turns();
	ended(a, 1 << 8);
	come_in_slices(JOB_FAILED, a + 1);
}
END_TEST

START_TEST(large_jobs_of_a_batch_are_dropped_in_slices)
{
	uint64_t batch = 0;
	unsigned n = 1;

	for (int i = 0; i < MANY; i++)
		stage(&batch, (struct spec){ .bytes = LARGE });
	turns();
	ck_assert_int_eq(engine_batch_drop(engine, &ann, batch), ENGINE_OK);
	for (turn(); engine_wants_turn(engine); n++)
		turn();
	ck_assert_uint_gt(n, MANY / FEW);
}
END_TEST

static bool count(void *ctx, const struct job_view *v)
{
	unsigned *n = ctx;

	(void)v;
	++*n;
	return true;
}

/* All that there are are listed, a few a page. */
static void list_in_pages(void)
{
	const struct job_filter all = { 0 };
	uint64_t before = UINT64_MAX;
	unsigned n = 0;

	ck_assert_int_eq(engine_list(engine, &all, &before, 250, count, &n), 1);
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_lt(n, FEW);
	while (engine_list(engine, &all, &before, 250, count, &n))
		;
	ck_assert_uint_eq(n, MANY);
}

START_TEST(a_page_of_large_jobs_is_short)
{
	submit_large((struct spec){ 0 });
	turns();
	list_in_pages();
	for (uint64_t id = 1; id <= MANY; id++)
		ask_event(id, EVENT_CANCEL);
	turns();
	list_in_pages();
}
END_TEST

/* With an argument of so many bytes. */
static enum engine_result edit_command(const struct actor *who, uint64_t id, size_t bytes)
{
	struct control_result r;
	struct job draft;
	struct edit x = { .fields = EDIT_COMMAND, .draft = &draft };
	uint64_t other = 0;

	draft_of(&(struct spec){ .bytes = bytes }, &draft);
	return engine_edit(engine, who, id, &x, &r, &other);
}

START_TEST(an_edit_makes_no_job_larger_than_it_may_be)
{
	uint64_t id = submit_spec((struct spec){ .hold = true });

	world.settings.command_bytes = 1000;
	engine_configure(engine, &world.settings);
	ck_assert_int_eq(edit_command(&ann, id, 900), ENGINE_OVER_COMMAND);
	ck_assert_int_eq(edit_command(&ann, id, 700), ENGINE_OK);
	ck_assert_int_eq(edit_command(&root, id, 5000), ENGINE_OK);
	/* What is there already is left, and made smaller. */
	ck_assert_int_eq(edit_command(&ann, id, 5001), ENGINE_OVER_COMMAND);
	ck_assert_int_eq(edit_command(&ann, id, 4000), ENGINE_OK);
	ck_assert_int_eq(edit_command(&ann, id, 4500), ENGINE_OVER_COMMAND);
}
END_TEST

START_TEST(the_bytes_of_all_live_jobs_of_a_user_are_counted)
{
	struct spec large = { .hold = true, .bytes = 3000 };
	uint64_t id, first, batch = 0;

	world.settings.user_job_bytes = 10000;
	engine_configure(engine, &world.settings);
	first = running_spec((struct spec){ .bytes = 3000 });
	id = submit_spec(large);
	stage(&batch, large);
	ck_assert_int_eq(try_submit(&large, &(uint64_t){ 0 }), ENGINE_OVER_BYTES);
	ck_assert_int_eq(edit_command(&ann, id, 4000), ENGINE_OVER_BYTES);
	ck_assert_int_eq(edit_command(&ann, id, 3100), ENGINE_OK);
	ck_assert_int_eq(edit_command(&ann, id, 3000), ENGINE_OK);
	size_t n = engine_job_bytes(engine, ann.uid);
	ck_assert_uint_gt(n, 9000);
	ck_assert_uint_eq(engine_job_bytes(engine, bob.uid), 0);
	ck_assert_int_eq(engine_batch_seal(engine, &ann, batch, NULL), ENGINE_OK);
	ck_assert_uint_eq(engine_job_bytes(engine, ann.uid), n);
	turns();
	reopen_world();
	ck_assert_uint_eq(engine_job_bytes(engine, ann.uid), n);
	/* One that ends makes room; a retry takes it. */
	ck_assert_int_eq(ask_event(id, EVENT_CANCEL), ENGINE_OK);
	id = submit_spec(large);
	ck_assert_int_eq(ask_event(2, EVENT_RETRY), ENGINE_OVER_BYTES);
	ended(first, 0);
	turns();
	ck_assert_int_eq(ask_event(2, EVENT_RETRY), ENGINE_OK);
	for (id = 2; id < 5; id++)
		ask_event(id, EVENT_CANCEL);
	turns();
	ck_assert_uint_eq(engine_job_bytes(engine, ann.uid), 0);
}
END_TEST

START_TEST(a_batch_that_is_dropped_counts_until_it_is_gone)
{
	struct spec large = { .hold = true, .bytes = LARGE };
	uint64_t batch = 0, id;

	world.settings.user_job_bytes = (MANY + 1) * LARGE;
	engine_configure(engine, &world.settings);
	for (int i = 0; i < MANY; i++)
		stage(&batch, large);
	turns();
	ck_assert_int_eq(engine_batch_drop(engine, &ann, batch), ENGINE_OK);
	turn();
	ck_assert_uint_gt(engine_job_bytes(engine, ann.uid), 0);
	turns();
	ck_assert_uint_eq(engine_job_bytes(engine, ann.uid), 0);
	ck_assert_int_eq(try_submit(&large, &id), ENGINE_OK);
}
END_TEST

#define ENDED 200

/* Held, and cancelled, each with so many arguments. */
static void end_some(struct job_after after[ENDED], int arguments)
{
	for (int i = 0; i < ENDED; i++) {
		struct job draft;
		struct submission u = { .draft = &draft, .hold = true };
		draft_of(&(struct spec){ 0 }, &draft);
		strv_free(draft.command);
		draft.command = calloc((size_t)arguments + 1, sizeof(char *));
		for (int k = 0; k < arguments; k++)
			draft.command[k] = strdup("x");
		after[i].on = AFTER_ANY;
		ck_assert_int_eq(engine_submit(engine, &ann, &u, &after[i].id), ENGINE_OK);
		ask_event(after[i].id, EVENT_CANCEL);
	}
	turns();
}

/* The processor's time for a submission that waits for them, and an edit. */
static uint64_t wait_for_ended(struct job_after after[ENDED])
{
	struct timespec began, over;
	struct job draft, nothing;
	struct submission u = { .draft = &draft, .hold = true, .after = after, .nafter = ENDED };
	struct edit x = { .fields = EDIT_AFTER, .draft = &nothing, .after = after, .nafter = ENDED };
	struct control_result r;
	uint64_t id, other;

	draft_of(&(struct spec){ 0 }, &draft);
	job_init(&nothing);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
	ck_assert_int_eq(engine_submit(engine, &ann, &u, &id), ENGINE_OK);
	ck_assert_int_eq(engine_edit(engine, &ann, id, &x, &r, &other), ENGINE_OK);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &over);
	turns();
	return (uint64_t)(over.tv_sec - began.tv_sec) * SECOND + (uint64_t)(over.tv_nsec / 1000)
	    - (uint64_t)(began.tv_nsec / 1000);
}

START_TEST(what_has_ended_is_waited_for_at_the_same_cost_however_large_it_was)
{
	static struct job_after small[ENDED], large[ENDED];

	end_some(small, 1);
	end_some(large, 5000);
	wait_for_ended(small);
	uint64_t few_us = wait_for_ended(small), many_us = wait_for_ended(large);
	ck_assert_uint_lt(many_us, 10 * few_us + SECOND / 100);
}
END_TEST

static enum engine_result pause_without_slot(const struct actor *who, uint64_t id)
{
	static struct answer answer; /* comes when the job has stopped */
	const struct control c = { .event = EVENT_PAUSE, .release_slot = true, .done = note_answer,
		.arg = &answer };

	return engine_control(engine, who, id, &c).result;
}

START_TEST(who_is_paused_without_a_slot_counts_as_one_that_waits)
{
	uint64_t a, b, held;

	world.settings.user_queued_jobs = 2;
	engine_configure(engine, &world.settings);
	a = running();
	b = running();
	held = submit_with(NULL, true, 0);
	ck_assert_int_eq(pause_without_slot(&ann, a), ENGINE_PENDING); /* it counts from now on */
	ck_assert_uint_eq(engine_waiting(engine, ann.uid), 2);
	ck_assert_int_eq(pause_without_slot(&ann, b), ENGINE_OVER_QUOTA);
	ck_assert_int_eq(try_submit(&(struct spec){ 0 }, &(uint64_t){ 0 }), ENGINE_OVER_QUOTA);
	stopped(a);
	turn();
	ck_assert_int_eq(pause_without_slot(&ann, a), ENGINE_ALREADY);
	pause_job(b, false);
	ck_assert_int_eq(pause_without_slot(&ann, b), ENGINE_OVER_QUOTA);
	ck_assert_uint_eq(engine_waiting(engine, ann.uid), 2);
	reopen_world();
	ck_assert_uint_eq(engine_waiting(engine, ann.uid), 2);
	ck_assert_int_eq(pause_without_slot(&root, b), ENGINE_OK);
	ck_assert_uint_eq(engine_waiting(engine, ann.uid), 3);
	/* What goes on, or ends, counts no more. */
	ask(a, (struct control){ .event = EVENT_RESUME, .force = true });
	ck_assert_uint_eq(engine_waiting(engine, ann.uid), 2);
	ask_event(b, EVENT_CANCEL);
	ck_assert_uint_eq(engine_waiting(engine, ann.uid), 1);
	ask_event(held, EVENT_CANCEL);
	turns();
	ck_assert_uint_eq(engine_waiting(engine, ann.uid), 0);
}
END_TEST

WORLD_MAIN("bounds", large_jobs_fail_of_their_deadline_in_slices, large_jobs_are_told_of_an_end_in_slices,
    large_jobs_of_a_batch_are_dropped_in_slices, a_page_of_large_jobs_is_short,
    an_edit_makes_no_job_larger_than_it_may_be, the_bytes_of_all_live_jobs_of_a_user_are_counted,
    a_batch_that_is_dropped_counts_until_it_is_gone,
    what_has_ended_is_waited_for_at_the_same_cost_however_large_it_was,
    who_is_paused_without_a_slot_counts_as_one_that_waits)

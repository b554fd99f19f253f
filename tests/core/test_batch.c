/* SPDX-License-Identifier: ISC */
/* Batches, which are there as a whole or not at all; and keys that one live job has. */
#include "config.h"

#include <stdio.h>

#include "core/world.h"

static bool collect(void *ctx, const struct job_view *v)
{
	char *text = ctx;

	sprintf(text + strlen(text), "%" PRIu64 " ", v->job->id);
	return true;
}

static const char *listed(void)
{
	static char text[1000];
	struct job_filter all = { 0 };
	uint64_t before = UINT64_MAX;

	text[0] = 0;
	ck_assert_int_eq(engine_list(engine, &all, &before, 1000, collect, text), 0);
	return text;
}

static enum engine_result seal(uint64_t batch, const char *token)
{
	return engine_batch_seal(engine, &ann, batch, token);
}

static enum engine_result try_stage(const struct actor *who, uint64_t *batch, struct spec s, uint64_t *id)
{
	struct job draft;

	draft_of(&s, &draft);
	struct submission u = { .draft = &draft, .after = s.after, .nafter = s.nafter };
	return engine_batch_add(engine, who, batch, &u, id);
}

static enum engine_result edit_name(uint64_t id)
{
	struct spec s = { .name = "other" };
	struct job draft;
	struct control_result r;
	uint64_t other;

	draft_of(&s, &draft);
	struct edit x = { .fields = EDIT_NAME, .draft = &draft };
	return engine_edit(engine, &ann, id, &x, &r, &other);
}

static bool note_pair(void *ctx, const struct job_after *a)
{
	*(uint64_t *)ctx = a->id;
	return true;
}

/* The last one that waits for this job, as who looks at it is told. */
static uint64_t who_waits_for(uint64_t id)
{
	struct job_view v;
	uint64_t last = 0;

	ck_assert_int_eq(engine_get(engine, id, &v), ENGINE_OK);
	ck_assert_int_eq(engine_before_each(engine, v.job, note_pair, &last), 0);
	return last;
}

START_TEST(nothing_of_a_batch_is_there_before_it_is_sealed)
{
	uint64_t batch = 0, a = stage(&batch, (struct spec){ 0 }), b = stage(&batch, (struct spec){ 0 });
	struct why w;
	struct engine_health h;

	ck_assert_uint_eq(batch, a);
	turns();
	ck_assert_str_eq(listed(), "");
	ck_assert_int_eq(state_of(a), 0);
	ck_assert_int_eq(engine_why(engine, a, &w), ENGINE_NOT_FOUND);
	ck_assert_int_eq(ask_event(b, EVENT_CANCEL), ENGINE_NOT_FOUND);
	ck_assert_int_eq(ask_event(b, EVENT_HOLD), ENGINE_NOT_FOUND);
	ck_assert_int_eq(ask_event(b, EVENT_DELETE), ENGINE_NOT_FOUND);
	ck_assert_int_eq(edit_name(b), ENGINE_NOT_FOUND);
	ck_assert_uint_eq(queue_of("default").queued, 0);
	engine_health(engine, &h);
	ck_assert_uint_eq(h.counts[JOB_QUEUED], 0);
	ck_assert_str_eq(heard(), "");
	ck_assert_int_eq(seal(batch, NULL), ENGINE_OK);
	ck_assert_str_eq(listed(), "2 1 ");
	ck_assert_uint_eq(queue_of("default").queued, 2);
	turns();
	ck_assert_str_eq(heard(), "start 1.1 A=1;start 2.1 A=1;");
	reopen_world();
	ck_assert_str_eq(listed(), "2 1 ");
}
END_TEST

START_TEST(nobody_but_its_maker_has_a_hand_in_a_batch)
{
	uint64_t batch = 0, id;

	stage(&batch, (struct spec){ 0 });
	ck_assert_int_eq(engine_batch_seal(engine, &bob, batch, NULL), ENGINE_NOT_FOUND);
	ck_assert_int_eq(engine_batch_drop(engine, &bob, batch), ENGINE_NOT_FOUND);
	ck_assert_int_eq(try_stage(&bob, &batch, (struct spec){ .uid = 2000 }, &id), ENGINE_NOT_FOUND);
	ck_assert_int_eq(seal(batch, NULL), ENGINE_OK);
	ck_assert_int_eq(seal(batch, NULL), ENGINE_NOT_FOUND);
}
END_TEST

START_TEST(a_start_drops_what_was_never_sealed_in_slices_and_a_death_in_between_loses_nothing)
{
	uint64_t batch = 0, kept = submit_with(NULL, true, 0);

	for (int i = 0; i < 1000; i++)
		stage(&batch, (struct spec){ .hold = true });
	turns();
	close_world();
	open_world();
	ck_assert_int_eq(seal(batch, NULL), ENGINE_NOT_FOUND);
	turn();
	ck_assert(engine_wants_turn(engine));
	close_world();
	open_world();
	turns();
	ck_assert_str_eq(listed(), "1 ");
	ck_assert_uint_eq(engine_waiting(engine, ann.uid), 1);
	reopen_world();
	ck_assert(!engine_wants_turn(engine));
	ck_assert_int_eq(state_of(batch), 0);
	ck_assert_uint_eq(submit_with(NULL, true, 0), 1002); /* numbers are not given again */
	(void)kept;
}
END_TEST

START_TEST(a_batch_that_nobody_adds_to_for_a_minute_is_dropped)
{
	uint64_t batch = 0, id;

	stage(&batch, (struct spec){ .unique = "k" });
	pass(MINUTE - SECOND);
	stage(&batch, (struct spec){ 0 });
	pass(MINUTE - SECOND);
	ck_assert_int_eq(try_stage(&ann, &batch, (struct spec){ 0 }, &id), ENGINE_OK);
	pass(MINUTE);
	ck_assert_int_eq(seal(batch, NULL), ENGINE_NOT_FOUND);
	submit_spec((struct spec){ .unique = "k" });
	ck_assert_str_eq(listed(), "4 ");
}
END_TEST

START_TEST(what_is_dropped_leaves_nothing_and_its_keys_are_free)
{
	uint64_t batch = 0, id;

	stage(&batch, (struct spec){ .unique = "k" });
	struct spec same = { .unique = "k" };
	ck_assert_int_eq(try_submit(&same, &id), ENGINE_EXISTS);
	ck_assert_int_eq(engine_batch_drop(engine, &ann, batch), ENGINE_OK);
	ck_assert_int_eq(engine_batch_drop(engine, &ann, batch), ENGINE_NOT_FOUND);
	turns();
	ck_assert_int_eq(try_submit(&same, &id), ENGINE_OK);
}
END_TEST

START_TEST(jobs_of_a_batch_wait_for_those_of_it_and_for_others)
{
	uint64_t outside = running(), batch = 0, a = stage(&batch, (struct spec){ 0 });
	uint64_t b = stage(&batch, (struct spec){ .after = { { a, AFTER_OK, 0 } }, .nafter = 1 });
	uint64_t c = stage(&batch, (struct spec){ .after = { { outside, AFTER_OK, 0 } }, .nafter = 1 });
	uint64_t id;
	struct spec other = { .after = { { a, AFTER_OK, 0 } }, .nafter = 1 };

	/* From outside they are not there yet, nor from another batch. */
	ck_assert_int_eq(try_submit(&other, &id), ENGINE_NO_JOB);
	uint64_t second = 0;
	ck_assert_int_eq(try_stage(&ann, &second, other, &id), ENGINE_NO_JOB);
	ck_assert_uint_eq(second, 0);
	turns();
	ck_assert_uint_eq(who_waits_for(outside), 0);
	seal(batch, NULL);
	ck_assert_uint_eq(who_waits_for(outside), c);
	turns();
	ck_assert_int_eq(reason_of(b), REASON_DEPENDENCY);
	ck_assert_int_eq(reason_of(c), REASON_DEPENDENCY);
	exits(outside, 0);
	ready(a);
	turns();
	ck_assert_int_eq(state_of(a), JOB_RUNNING);
	exits(a, 1);
	ck_assert_int_eq(state_of(b), JOB_FAILED);
}
END_TEST

START_TEST(what_ends_while_a_batch_is_open_counts_when_it_is_sealed)
{
	uint64_t ok = running(), failed = running(), batch = 0;
	uint64_t a = stage(&batch, (struct spec){ .hold = true, .after = { { ok, AFTER_OK, 0 } }, .nafter = 1 });
	uint64_t b = stage(&batch, (struct spec){ .hold = true, .after = { { failed, AFTER_OK, 0 } },
					   .nafter = 1 });
	uint64_t c = stage(&batch, (struct spec){ .hold = true,
					   .after = { { ok, AFTER_OK, 0 }, { failed, AFTER_OK, 0 } }, .nafter = 2 });
	uint64_t d = stage(&batch, (struct spec){ .hold = true, .after = { { b, AFTER_ANY, 0 } }, .nafter = 1 });

	exits(failed, 1);
	exits(ok, 0);
	ck_assert_int_eq(state_of(b), 0);
	seal(batch, NULL);
	turns();
	ck_assert_int_eq(state_of(a), JOB_HELD);
	ck_assert_int_eq(reason_of(b), REASON_DEPENDENCY);
	ck_assert_int_eq(state_of(b), JOB_FAILED);
	ck_assert_int_eq(state_of(c), JOB_FAILED);
	ck_assert_int_eq(state_of(d), JOB_HELD);
	ask_event(d, EVENT_RELEASE);
	ask_event(a, EVENT_RELEASE);
	ck_assert_int_ne(reason_of(a), REASON_DEPENDENCY);
	ck_assert_int_ne(reason_of(d), REASON_DEPENDENCY);
}
END_TEST

START_TEST(what_failed_and_is_tried_again_while_the_batch_is_open_is_waited_for)
{
	uint64_t other = running(), batch = 0;
	uint64_t a = stage(&batch, (struct spec){ .after = { { other, AFTER_OK, 0 } }, .nafter = 1 });

	exits(other, 1);
	ask_event(other, EVENT_RETRY);
	turns();
	seal(batch, NULL);
	turns();
	ck_assert_int_eq(reason_of(a), REASON_DEPENDENCY);
	ready(other);
	turns();
	reopen_world();
	exits(other, 0);
	ck_assert_str_eq(heard(), "acknowledge 1;start 2.1 A=1;");
}
END_TEST

START_TEST(what_failed_while_the_batch_was_open_is_known_to_the_next_jobd_too)
{
	uint64_t other = running(), batch = 0;
	uint64_t a = stage(&batch, (struct spec){ .after = { { other, AFTER_OK, 0 } }, .nafter = 1 });

	exits(other, 1);
	/* It dies when the seal is on disk, and nothing of what follows. */
	seal(batch, NULL);
	ck_assert_int_eq(store_commit(store), 0);
	close_world();
	open_world();
	turns();
	ck_assert_int_eq(state_of(a), JOB_FAILED);
	ck_assert_uint_eq(how_many_run(), 0);
}
END_TEST

START_TEST(one_that_is_gone_when_the_batch_is_sealed_can_not_be_met)
{
	uint64_t other = running(), batch = 0;
	uint64_t a = stage(&batch, (struct spec){ .after = { { other, AFTER_FAILED, 0 } }, .nafter = 1 });
	uint64_t b = stage(&batch, (struct spec){ .after = { { other, AFTER_OK, 0 } }, .nafter = 1 });

	exits(other, 0);
	ask_event(other, EVENT_DELETE);
	turns();
	seal(batch, NULL);
	turns();
	ck_assert_int_eq(state_of(a), JOB_FAILED);
	ck_assert_int_eq(state_of(b), JOB_QUEUED); /* how it ended is known */
}
END_TEST

START_TEST(the_token_of_a_seal_tells_the_batch_it_sealed)
{
	uint64_t batch = 0;

	stage(&batch, (struct spec){ .hold = true });
	ck_assert_uint_eq(engine_batch_sealed(engine, &ann, "t"), 0);
	seal(batch, "t");
	turns();
	reopen_world();
	ck_assert_uint_eq(engine_batch_sealed(engine, &ann, "t"), batch);
	ck_assert_uint_eq(engine_batch_sealed(engine, &bob, "t"), 0);
}
END_TEST

START_TEST(a_submission_that_is_refused_leaves_the_batch_as_it_was)
{
	uint64_t batch = 0, id;

	stage(&batch, (struct spec){ .unique = "k" });
	ck_assert_int_eq(try_stage(&ann, &batch, (struct spec){ .queue = "nowhere" }, &id), ENGINE_NO_QUEUE);
	ck_assert_int_eq(try_stage(&ann, &batch, (struct spec){ .unique = "k" }, &id), ENGINE_EXISTS);
	ck_assert_uint_eq(id, 1);
	seal(batch, NULL);
	turns();
	ck_assert_str_eq(listed(), "1 ");
}
END_TEST

START_TEST(the_quota_of_a_user_counts_what_he_has_in_batches)
{
	uint64_t batch = 0, id;

	world.settings.user_queued_jobs = 3;
	engine_configure(engine, &world.settings);
	submit_with(NULL, true, 0);
	stage(&batch, (struct spec){ .hold = true });
	stage(&batch, (struct spec){ .hold = true });
	ck_assert_int_eq(try_stage(&ann, &batch, (struct spec){ 0 }, &id), ENGINE_OVER_QUOTA);
	struct spec one = { 0 };
	ck_assert_int_eq(try_submit(&one, &id), ENGINE_OVER_QUOTA);
	engine_batch_drop(engine, &ann, batch);
	ck_assert_int_eq(try_submit(&one, &id), ENGINE_OK);
}
END_TEST

START_TEST(one_live_job_has_a_key_and_others_are_told_which)
{
	uint64_t a = running_spec((struct spec){ .unique = "k" }), id;
	struct spec same = { .unique = "k" }, theirs = { .unique = "k", .uid = 2000, .hold = true };

	ck_assert_int_eq(try_submit(&same, &id), ENGINE_EXISTS);
	ck_assert_uint_eq(id, a);
	same.return_existing = true;
	ck_assert_int_eq(try_submit(&same, &id), ENGINE_EXISTS);
	ck_assert_uint_eq(id, a);
	ck_assert_int_eq(try_submit(&theirs, &id), ENGINE_OK); /* another user's is another */
	turns();
	reopen_world();
	ck_assert_int_eq(try_submit(&same, &id), ENGINE_EXISTS);
	exits(a, 1);
	ck_assert_int_eq(try_submit(&same, &id), ENGINE_OK);
	ck_assert_int_eq(ask_event(a, EVENT_RETRY), ENGINE_WRONG_STATE);
	ask_event(id, EVENT_CANCEL);
	turns();
	ck_assert_int_eq(ask_event(a, EVENT_RETRY), ENGINE_OK);
	ck_assert_int_eq(try_submit(&same, &id), ENGINE_EXISTS);
	ck_assert_uint_eq(id, a);
}
END_TEST

START_TEST(a_job_keeps_its_key_between_two_attempts)
{
	uint64_t a = running_spec((struct spec){ .unique = "k", .rules = { "attempts=2", "backoff=1h" } }), id;
	struct spec same = { .unique = "k" };

	exits(a, 1);
	ck_assert_int_eq(try_submit(&same, &id), ENGINE_EXISTS);
	ask_event(a, EVENT_CANCEL);
	turns();
	ck_assert_int_eq(try_submit(&same, &id), ENGINE_OK);
}
END_TEST

static enum engine_result stage_with(const char *token, uint64_t *batch, const char *key)
{
	struct spec s = { .unique = key };
	struct job draft;
	uint64_t id;

	draft_of(&s, &draft);
	struct submission u = { .draft = &draft, .token = token };
	return engine_batch_add(engine, &ann, batch, &u, &id);
}

START_TEST(a_batch_that_is_begun_anew_with_its_token_has_its_keys_at_once)
{
	uint64_t first = 0, again = 0, other = 0;

	ck_assert_int_eq(stage_with("t", &first, "k"), ENGINE_OK);
	ck_assert_int_eq(stage_with("u", &other, "l"), ENGINE_OK);
	turns();
	ck_assert_int_eq(stage_with("t", &again, "k"), ENGINE_EXISTS);
	engine_batch_forget(engine, &ann, "t");
	ck_assert_int_eq(stage_with("t", &again, "k"), ENGINE_OK);
	ck_assert_int_eq(seal(first, "t"), ENGINE_NOT_FOUND);
	ck_assert_int_eq(seal(again, "t"), ENGINE_OK);
	ck_assert_int_eq(seal(other, "u"), ENGINE_OK);
	turns();
	reopen_world();
	ck_assert_str_eq(listed(), "3 2 ");
}
END_TEST

START_TEST(a_user_has_so_many_batches_open_and_no_more)
{
	uint64_t batch[ENGINE_USER_BATCHES], one_more = 0;

	for (int i = 0; i < ENGINE_USER_BATCHES; i++) {
		batch[i] = 0;
		ck_assert_int_eq(stage_with(NULL, &batch[i], NULL), ENGINE_OK);
	}
	ck_assert_int_eq(stage_with(NULL, &one_more, NULL), ENGINE_OVER_BATCHES);
	ck_assert_int_eq(engine_batch_drop(engine, &ann, batch[0]), ENGINE_OK);
	ck_assert_int_eq(stage_with(NULL, &one_more, NULL), ENGINE_OK);
}
END_TEST

WORLD_MAIN("batch", a_batch_that_is_begun_anew_with_its_token_has_its_keys_at_once,
    a_user_has_so_many_batches_open_and_no_more, nothing_of_a_batch_is_there_before_it_is_sealed,
    nobody_but_its_maker_has_a_hand_in_a_batch,
    a_start_drops_what_was_never_sealed_in_slices_and_a_death_in_between_loses_nothing,
    a_batch_that_nobody_adds_to_for_a_minute_is_dropped,
    what_is_dropped_leaves_nothing_and_its_keys_are_free,
    jobs_of_a_batch_wait_for_those_of_it_and_for_others,
    what_ends_while_a_batch_is_open_counts_when_it_is_sealed,
    what_failed_and_is_tried_again_while_the_batch_is_open_is_waited_for,
    what_failed_while_the_batch_was_open_is_known_to_the_next_jobd_too,
    one_that_is_gone_when_the_batch_is_sealed_can_not_be_met,
    the_token_of_a_seal_tells_the_batch_it_sealed,
    a_submission_that_is_refused_leaves_the_batch_as_it_was,
    the_quota_of_a_user_counts_what_he_has_in_batches,
    one_live_job_has_a_key_and_others_are_told_which, a_job_keeps_its_key_between_two_attempts)

/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "jobd/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

#define MANY 10000

/* The pairs that a walk came to. */
struct pairs {
	struct job_after v[MANY + 1];
	size_t n, stop_after;
};

static bool remember_pair(void *ctx, const struct job_after *a)
{
	struct pairs *p = ctx;

	ck_assert_uint_le(p->n, MANY);
	p->v[p->n++] = *a;
	return p->n != p->stop_after;
}

/* Borrowed until the next call. */
static const struct pairs *after(struct store *s, uint64_t job, uint64_t from)
{
	static struct pairs p;

	p.n = p.stop_after = 0;
	ck_assert_int_eq(store_after_each(s, job, from, remember_pair, &p), 0);
	return &p;
}

static const struct pairs *before(struct store *s, uint64_t job, uint64_t from)
{
	static struct pairs p;

	p.n = p.stop_after = 0;
	ck_assert_int_eq(store_before_each(s, job, from, remember_pair, &p), 0);
	return &p;
}

static void wait_for(struct store *s, uint64_t job, uint64_t other, enum after_on on)
{
	store_after_put(s, job, &(struct job_after){ .id = other, .on = on });
}

START_TEST(what_a_job_waits_for_is_told_from_both_ends)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);
	const struct pairs *p;

	wait_for(s, 300, 12, AFTER_OK);
	wait_for(s, 300, 256, AFTER_ANY);
	wait_for(s, 300, 9, AFTER_FAILED);
	wait_for(s, 301, 12, AFTER_ANY);
	wait_for(s, 12, 9, AFTER_OK);
	s = fixture_reopen(s, dir);
	p = after(s, 300, 0);
	ck_assert_uint_eq(p->n, 3);
	ck_assert_uint_eq(p->v[0].id, 9);
	ck_assert_int_eq(p->v[0].on, AFTER_FAILED);
	ck_assert_uint_eq(p->v[1].id, 12);
	ck_assert_int_eq(p->v[1].on, AFTER_OK);
	ck_assert_int_eq(p->v[1].outcome, 0);
	ck_assert_uint_eq(p->v[2].id, 256);
	p = before(s, 12, 0);
	ck_assert_uint_eq(p->n, 2);
	ck_assert_uint_eq(p->v[0].id, 300);
	ck_assert_int_eq(p->v[0].on, AFTER_OK);
	ck_assert_uint_eq(p->v[1].id, 301);
	ck_assert_int_eq(p->v[1].on, AFTER_ANY);
	ck_assert_uint_eq(after(s, 9, 0)->n, 0);
	ck_assert_uint_eq(before(s, 300, 0)->n, 0);
	store_close(s);
}
END_TEST

START_TEST(an_outcome_is_told_from_both_ends_and_a_pair_can_go)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);

	wait_for(s, 3, 1, AFTER_OK);
	wait_for(s, 3, 2, AFTER_OK);
	store_after_put(s, 3, &(struct job_after){ 1, AFTER_OK, JOB_FAILED });
	s = fixture_reopen(s, dir);
	ck_assert_int_eq(after(s, 3, 0)->v[0].outcome, JOB_FAILED);
	ck_assert_int_eq(after(s, 3, 0)->v[1].outcome, 0);
	ck_assert_uint_eq(before(s, 1, 0)->n, 1);
	ck_assert_int_eq(before(s, 1, 0)->v[0].outcome, JOB_FAILED);
	wait_for(s, 3, 1, AFTER_ANY); /* edited */
	ck_assert_int_eq(before(s, 1, 0)->v[0].on, AFTER_ANY);
	ck_assert_int_eq(before(s, 1, 0)->v[0].outcome, 0);
	store_after_delete(s, 3, 1);
	store_after_delete(s, 3, 77); /* which it does not wait for */
	s = fixture_reopen(s, dir);
	ck_assert_uint_eq(after(s, 3, 0)->n, 1);
	ck_assert_uint_eq(before(s, 1, 0)->n, 0);
	ck_assert_uint_eq(before(s, 2, 0)->n, 1);
	store_close(s);
}
END_TEST

START_TEST(a_walk_begins_where_it_is_told_and_stops_where_it_likes)
{
	struct store *s = fixture_open(fixture_dir());
	static struct pairs p;

	for (uint64_t other = 10; other <= 50; other += 10) {
		wait_for(s, 60, other, AFTER_OK);
		wait_for(s, 60 + other, 60, AFTER_OK);
	}
	ck_assert_uint_eq(after(s, 60, 20)->n, 4);
	ck_assert_uint_eq(after(s, 60, 21)->n, 3);
	ck_assert_uint_eq(after(s, 60, 21)->v[0].id, 30);
	ck_assert_uint_eq(after(s, 60, UINT64_MAX)->n, 0);
	ck_assert_uint_eq(before(s, 60, 100)->n, 2);
	ck_assert_uint_eq(before(s, 60, 100)->v[0].id, 100);
	p.stop_after = 2;
	ck_assert_int_eq(store_after_each(s, 60, 0, remember_pair, &p), 0);
	ck_assert_uint_eq(p.n, 2);
	p.n = 0;
	ck_assert_int_eq(store_before_each(s, 60, 0, remember_pair, &p), 0);
	ck_assert_uint_eq(p.n, 2);
	ck_assert_int_eq(store_commit(s), 0);
	store_close(s);
}
END_TEST

struct changing {
	struct store *s;
	size_t n;
};

/* Of one job's waiters: drops every second, and notes how it ended for the others. */
static bool change_under_way(void *ctx, const struct job_after *a)
{
	struct changing *c = ctx;

	if (c->n++ % 2)
		store_after_delete(c->s, a->id, 1);
	else
		store_after_put(c->s, a->id, &(struct job_after){ 1, a->on, JOB_COMPLETED });
	return true;
}

START_TEST(pairs_may_change_while_they_are_walked)
{
	struct store *s = fixture_open(fixture_dir());
	struct changing c = { s, 0 };
	const struct pairs *p;

	for (uint64_t job = 2; job < 2002; job++)
		wait_for(s, job, 1, AFTER_OK);
	ck_assert_int_eq(store_before_each(s, 1, 0, change_under_way, &c), 0);
	ck_assert_uint_eq(c.n, 2000);
	p = before(s, 1, 0);
	ck_assert_uint_eq(p->n, 1000);
	for (size_t i = 0; i < p->n; i++) {
		ck_assert_uint_eq(p->v[i].id, 2 + 2 * i);
		ck_assert_int_eq(p->v[i].outcome, JOB_COMPLETED);
	}
	fixture_commit(s);
	store_close(s);
}
END_TEST

START_TEST(a_pair_that_can_not_be_read_does_not_start_its_job_too_soon)
{
	struct store *s = fixture_open(fixture_dir());
	const char *const damaged[] = { "", "\x03", "\x09\x05", "\x03\x03" }; /* the last: running */
	uint8_t key[16];

	for (uint64_t i = 0; i < 4; i++) {
		wait_for(s, 7, i + 1, AFTER_ANY);
		put_be64(key, 7);
		put_be64(key + 8, i + 1);
		table_put(s, TABLE_AFTER, key, sizeof(key), damaged[i], strlen(damaged[i]));
	}
	const struct pairs *p = after(s, 7, 0);
	ck_assert_uint_eq(p->n, 4);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(p->v[i].id, i + 1);
		ck_assert_int_eq(p->v[i].on, AFTER_OK);
		ck_assert_int_eq(p->v[i].outcome, 0);
	}
	store_close(s);
}
END_TEST

/* Only the row's beginning is read: what of it is damaged further on does not matter. */
START_TEST(how_a_job_ended_is_told_by_the_beginning_of_its_row)
{
	struct store *s = fixture_open(fixture_dir());
	static const enum job_state states[] = { JOB_QUEUED, JOB_COMPLETED, JOB_FAILED, JOB_CANCELLED };
	static uint8_t row[20000];
	const uint8_t head[] = { 1, 2, 44, 1, 2, 1, JOB_FAILED, 11, 0xff, 0x7f };
	uint8_t key[8];

	for (unsigned i = 0; i < 4; i++) {
		fixture_put(s, i + 1, states[i]);
		ck_assert_int_eq(store_job_outcome(s, i + 1), i ? states[i] : 0);
	}
	ck_assert_int_eq(store_job_outcome(s, 77), 0);
	put_be64(key, 300);
	memcpy(row, head, sizeof(head));
	table_put(s, TABLE_ENDED, key, sizeof(key), row, sizeof(row));
	ck_assert_int_eq(store_job_outcome(s, 300), JOB_FAILED);
	fixture_commit(s);
	store_close(s);
}
END_TEST

START_TEST(one_whose_row_begins_with_nothing_known_is_set_aside)
{
	struct store *s = fixture_open(fixture_dir());
	/* Another job's, one that waits, one of no state, half a field, nothing. */
	static const char *const heads[] = { "\1\1\2\2\1\6", "\1\1\1\2\1\1", "\1\1\1\2\1\11",
		"\1\1\1\2\2", "" };
	uint8_t key[8];

	put_be64(key, 1);
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		table_put(s, TABLE_ENDED, key, sizeof(key), heads[i], strlen(heads[i]));
		ck_assert_int_eq(store_job_outcome(s, 1), 0);
		ck_assert_uint_eq(fixture_rows(s, TABLE_ENDED), 0);
		ck_assert_uint_eq(fixture_rows(s, TABLE_ASIDE), 1);
	}
	fixture_commit(s);
	store_close(s);
}
END_TEST

START_TEST(a_deleted_job_takes_what_it_waited_for_and_leaves_who_waited_for_it)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);
	struct job j;

	wait_for(s, 2, 1, AFTER_OK);
	wait_for(s, 4, 1, AFTER_OK);
	wait_for(s, 3, 2, AFTER_ANY);
	fixture_job(&j, 2, JOB_FAILED);
	store_job_put(s, &j);
	fixture_commit(s);
	store_job_delete(s, &j);
	job_fini(&j);
	s = fixture_reopen(s, dir);
	ck_assert_uint_eq(after(s, 2, 0)->n, 0);
	ck_assert_uint_eq(before(s, 1, 0)->n, 1);
	ck_assert_uint_eq(before(s, 1, 0)->v[0].id, 4);
	ck_assert_uint_eq(after(s, 3, 0)->n, 1);
	ck_assert_uint_eq(before(s, 2, 0)->n, 1);
	store_close(s);
}
END_TEST

START_TEST(a_job_that_is_dropped_was_never_there)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);
	char *env[] = { (char[]){ "A=1" }, NULL };
	struct job j, read;

	fixture_job(&j, store_next_id(s), JOB_QUEUED);
	store_job_put(s, &j);
	store_environment_put(s, j.id, env);
	wait_for(s, j.id, 77, AFTER_OK);
	fixture_commit(s);
	store_job_drop(s, &j);
	s = fixture_reopen(s, dir);
	ck_assert_int_eq(store_job_get(s, j.id, &read), -ENOENT);
	ck_assert_uint_eq(fixture_rows(s, TABLE_LIVE), 0);
	ck_assert_uint_eq(fixture_rows(s, TABLE_ENVIRONMENTS), 0);
	ck_assert_uint_eq(fixture_rows(s, TABLE_AFTER), 0);
	ck_assert_uint_eq(fixture_rows(s, TABLE_BEFORE), 0);
	ck_assert_uint_gt(store_next_id(s), j.id);
	job_fini(&j);
	store_close(s);
}
END_TEST

START_TEST(ten_thousand_may_wait_for_one_and_one_for_ten_thousand)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);
	struct job j;

	/* The one waits for jobs that have so many waiters already that each is on a page of its own. */
	for (uint64_t other = 1; other <= MANY; other++)
		for (uint64_t job = 0; job < 20; job++)
			wait_for(s, 2 * MANY + job, other, AFTER_OK);
	fixture_commit(s);
	fixture_job(&j, 3 * MANY, JOB_CANCELLED);
	store_job_put(s, &j);
	for (uint64_t other = 1; other <= MANY; other++)
		wait_for(s, j.id, other, AFTER_OK);
	for (uint64_t job = 1; job <= MANY; job++)
		wait_for(s, 3 * MANY + job, j.id, AFTER_ANY);
	s = fixture_reopen(s, dir);
	ck_assert_uint_eq(after(s, j.id, 0)->n, MANY);
	ck_assert_uint_eq(before(s, j.id, 0)->n, MANY);
	ck_assert_uint_eq(before(s, 1, 0)->n, 21);
	store_job_delete(s, &j);
	s = fixture_reopen(s, dir);
	ck_assert_uint_eq(after(s, j.id, 0)->n, 0);
	ck_assert_uint_eq(before(s, 1, 0)->n, 20);
	ck_assert_uint_eq(before(s, j.id, 0)->n, MANY);
	ck_assert_uint_eq(fixture_rows(s, TABLE_AFTER), 21 * MANY);
	ck_assert_uint_eq(fixture_rows(s, TABLE_BEFORE), 21 * MANY);
	job_fini(&j);
	store_close(s);
}
END_TEST

START_TEST(a_turn_of_five_hundred_submissions_that_wait_for_twenty_each_fits)
{
	struct store *s = fixture_open(fixture_dir());
	char *env[] = { calloc(1, 3000), NULL }, token[20];

	memset(env[0], 'x', 2999);
	fixture_seed();
	/* Others, all over as many pages. */
	for (uint64_t i = 0; i < 200000; i++)
		wait_for(s, 1000000 + fixture_random(100000), 1 + fixture_random(100000), AFTER_OK);
	fixture_commit(s);
	for (uint64_t id = 2000000; id < 2000500; id++) {
		fixture_put(s, id, JOB_QUEUED);
		fixture_entry(s, id, "submit");
		store_environment_put(s, id, env);
		snprintf(token, sizeof(token), "%u", fixture_random(1u << 30));
		store_token_put(s, 1000, token, id, 1700000000000000);
		for (int k = 0; k < 20; k++)
			wait_for(s, id, 1 + fixture_random(100000), AFTER_OK);
	}
	fixture_commit(s);
	free(env[0]);
	store_close(s);
}
END_TEST

STORE_MAIN("after", what_a_job_waits_for_is_told_from_both_ends,
    an_outcome_is_told_from_both_ends_and_a_pair_can_go,
    a_walk_begins_where_it_is_told_and_stops_where_it_likes, pairs_may_change_while_they_are_walked,
    a_pair_that_can_not_be_read_does_not_start_its_job_too_soon,
    how_a_job_ended_is_told_by_the_beginning_of_its_row,
    one_whose_row_begins_with_nothing_known_is_set_aside,
    a_deleted_job_takes_what_it_waited_for_and_leaves_who_waited_for_it,
    a_job_that_is_dropped_was_never_there, ten_thousand_may_wait_for_one_and_one_for_ten_thousand,
    a_turn_of_five_hundred_submissions_that_wait_for_twenty_each_fits)

/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "jobd/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "jobd/store/internal.h"
#include "jobd/store/record.h"
#include "lib/strv.h"
#include "lib/tlv.h"

#define DAY_US (86400ull * 1000000)

static bool count_job(void *ctx, const struct job *j)
{
	(void)j;
	++*(size_t *)ctx;
	return true;
}

static size_t count_ended(struct store *s, const struct job_filter *f)
{
	size_t n = 0;
	uint64_t before = UINT64_MAX;

	ck_assert_int_eq(store_ended_page(s, f, &before, 100000, count_job, &n), 0);
	return n;
}

static bool count_entry(void *ctx, const struct journal_entry *e)
{
	(void)e;
	++*(size_t *)ctx;
	return true;
}

struct loaded {
	uint64_t ids[100];
	size_t n, stop_after;
};

static bool remember(void *ctx, struct job *j)
{
	struct loaded *l = ctx;

	l->ids[l->n++] = j->id;
	job_fini(j);
	return l->n != l->stop_after;
}

static bool is_there(struct store *s, uint64_t id)
{
	struct job j;
	int ret = store_job_get(s, id, &j);

	ck_assert(ret == 0 || ret == -ENOENT);
	job_fini(&j);
	return ret == 0;
}

START_TEST(what_was_committed_is_there_after_reopening)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);
	struct loaded l = { .n = 0 };
	struct job j;
	char instance[20];

	strcpy(instance, store_instance(s));
	ck_assert_uint_eq(strspn(instance, "0123456789abcdef"), 16);
	ck_assert_uint_eq(strlen(instance), 16);
	for (int i = 0; i < 3; i++) {
		uint64_t id = store_next_id(s);
		fixture_put(s, id, i == 1 ? JOB_FAILED : JOB_QUEUED);
		fixture_entry(s, id, "submit");
	}
	ck_assert(store_is_dirty(s));
	fixture_commit(s);
	ck_assert(!store_is_dirty(s));
	store_close(s);

	s = fixture_open(dir);
	ck_assert_str_eq(store_instance(s), instance);
	ck_assert_int_eq(store_load(s, remember, &l), 0);
	ck_assert_uint_eq(l.n, 2);
	ck_assert_uint_eq(l.ids[0], 1);
	ck_assert_uint_eq(l.ids[1], 3);
	ck_assert_int_eq(store_job_get(s, 2, &j), 0);
	ck_assert_int_eq(j.state, JOB_FAILED);
	ck_assert_str_eq(j.command[1], "--all");
	job_fini(&j);
	ck_assert_uint_eq(store_journal_last(s), 3);
	ck_assert_uint_eq(store_next_id(s), 4);
	ck_assert_int_eq(store_job_get(s, 9, &j), -ENOENT);
	store_close(s);
}
END_TEST

START_TEST(a_turn_that_was_not_committed_never_was)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);

	fixture_put(s, 1, JOB_QUEUED);
	fixture_commit(s);
	fixture_put(s, 2, JOB_QUEUED);
	fixture_put(s, 3, JOB_FAILED);
	fixture_entry(s, 2, "submit");
	store_close(s);
	s = fixture_open(dir);
	ck_assert(is_there(s, 1));
	ck_assert(!is_there(s, 2));
	ck_assert(!is_there(s, 3));
	ck_assert_uint_eq(store_journal_last(s), 0);
	ck_assert_uint_eq(count_ended(s, &(struct job_filter){ 0 }), 0);
	store_close(s);
}
END_TEST

START_TEST(reads_see_the_turns_own_puts)
{
	struct store *s = fixture_open(fixture_dir());
	size_t entries = 0;
	uint64_t before = UINT64_MAX;

	/* Enough for pages to be split under way, with reads in between. */
	for (uint64_t id = 1; id <= 500; id++) {
		fixture_put(s, id, id % 2 ? JOB_QUEUED : JOB_COMPLETED);
		fixture_entry(s, id, "submit");
		store_token_put(s, 1000, "t", id, DAY_US);
		ck_assert(is_there(s, id));
		ck_assert_uint_eq(store_token_get(s, 1000, "t"), id);
		if (id % 50 == 0)
			ck_assert_uint_eq(count_ended(s, &(struct job_filter){ 0 }), id / 2);
	}
	ck_assert_int_eq(store_journal_page(s, &(struct journal_filter){ 0 }, &before, 10000,
			     count_entry, &entries), 0);
	ck_assert_uint_eq(entries, 500);
	fixture_commit(s);
	store_close(s);
}
END_TEST

START_TEST(a_turn_of_ten_thousand_submissions_fits)
{
	struct store *s = fixture_open(fixture_dir());
	char token[40];

	fixture_seed();
	for (uint64_t id = 1; id <= 10000; id++) {
		snprintf(token, sizeof(token), "%u-%u", fixture_random(1u << 30),
		    fixture_random(1u << 30));
		fixture_put(s, id, JOB_QUEUED);
		fixture_entry(s, id, "submit");
		store_token_put(s, 1000, token, id, DAY_US);
	}
	fixture_commit(s);
	/* And their end, which touches the index too. */
	for (uint64_t id = 1; id <= 10000; id++)
		fixture_put(s, id, JOB_COMPLETED);
	fixture_commit(s);
	ck_assert_uint_eq(count_ended(s, &(struct job_filter){ .states = 1u << JOB_COMPLETED }),
	    10000);
	store_close(s);
}
END_TEST

START_TEST(a_job_is_where_its_state_says_and_nowhere_else)
{
	const struct job_filter failed = { .states = 1u << JOB_FAILED };
	const struct job_filter done = { .states = 1u << JOB_COMPLETED };
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);
	uint64_t counts[JOB_STATES];
	struct loaded l = { .n = 0 };

	fixture_put(s, 1, JOB_QUEUED);
	fixture_put(s, 1, JOB_RUNNING);
	ck_assert_uint_eq(count_ended(s, &failed), 0);
	fixture_put(s, 1, JOB_FAILED);
	ck_assert_uint_eq(count_ended(s, &failed), 1);
	fixture_put(s, 1, JOB_FAILED); /* written again: counted once */
	fixture_commit(s);
	store_ended_counts(s, counts);
	ck_assert_uint_eq(counts[JOB_FAILED], 1);
	store_close(s);

	s = fixture_open(dir); /* a retry of a job that an earlier jobd ended */
	fixture_put(s, 1, JOB_QUEUED);
	ck_assert_uint_eq(count_ended(s, &failed), 0);
	store_ended_counts(s, counts);
	ck_assert_uint_eq(counts[JOB_FAILED], 0);
	fixture_put(s, 1, JOB_COMPLETED);
	fixture_commit(s);
	store_close(s);

	s = fixture_open(dir);
	ck_assert_int_eq(store_load(s, remember, &l), 0);
	ck_assert_uint_eq(l.n, 0);
	ck_assert_uint_eq(count_ended(s, &failed), 0);
	ck_assert_uint_eq(count_ended(s, &done), 1);
	store_ended_counts(s, counts);
	ck_assert_uint_eq(counts[JOB_COMPLETED], 1);
	store_close(s);
}
END_TEST

START_TEST(a_changed_job_is_found_by_what_it_is_now)
{
	struct store *s = fixture_open(fixture_dir());
	const char *const red[] = { "red", NULL }, *const blue[] = { "blue", NULL };
	char red_[] = "red", blue_[] = "blue";
	struct job j;

	fixture_job(&j, 5, JOB_FAILED);
	j.project = red_;
	store_job_put(s, &j);
	ck_assert_uint_eq(count_ended(s, &(struct job_filter){ .projects = red }), 1);
	j.project = blue_;
	store_job_put(s, &j);
	ck_assert_uint_eq(count_ended(s, &(struct job_filter){ .projects = red }), 0);
	ck_assert_uint_eq(count_ended(s, &(struct job_filter){ .projects = blue }), 1);
	j.project = NULL;
	job_fini(&j);
	fixture_commit(s);
	store_close(s);
}
END_TEST

START_TEST(a_deleted_job_leaves_its_entries_and_nothing_else)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);
	char *env[] = { (char[]){ "A=1" }, NULL }, **read;
	uint64_t counts[JOB_STATES], before = UINT64_MAX, id = store_next_id(s);
	size_t entries = 0;
	struct job j;

	fixture_job(&j, id, JOB_FAILED);
	store_job_put(s, &j);
	store_environment_put(s, id, env);
	fixture_entry(s, id, "delete");
	fixture_commit(s);
	ck_assert_uint_eq(fixture_rows(s, TABLE_INDEX), 4); /* state, queue, user, time */
	store_job_delete(s, &j);
	ck_assert_uint_eq(fixture_rows(s, TABLE_INDEX), 0);
	job_fini(&j);
	fixture_commit(s);
	store_close(s);

	s = fixture_open(dir);
	ck_assert(!is_there(s, id));
	ck_assert_int_eq(store_environment_get(s, id, &read), -ENOENT);
	store_ended_counts(s, counts);
	ck_assert_uint_eq(counts[JOB_FAILED], 0);
	ck_assert_uint_eq(count_ended(s, &(struct job_filter){ .states = 1u << JOB_FAILED }), 0);
	ck_assert_int_eq(store_journal_page(s, &(struct journal_filter){ .jobs = &id, .njobs = 1 },
			     &before, 100, count_entry, &entries), 0);
	ck_assert_uint_eq(entries, 1);
	ck_assert_uint_eq(store_next_id(s), id + 1);
	store_close(s);
}
END_TEST

START_TEST(the_environment_is_given_back_as_it_was)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);
	char *big = malloc(200001);
	char *env[] = { (char[]){ "HOME=/" }, (char[]){ "EMPTY=" }, big, NULL }, *none[] = { NULL };
	char **read;

	memset(big, 'x', 200000);
	big[200000] = '\0';
	store_environment_put(s, 1, env);
	store_environment_put(s, 2, none);
	fixture_commit(s);
	store_close(s);
	s = fixture_open(dir);
	ck_assert_int_eq(store_environment_get(s, 1, &read), 0);
	ck_assert_uint_eq(strv_len(read), 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_str_eq(read[i], env[i]);
	strv_free(read);
	ck_assert_int_eq(store_environment_get(s, 2, &read), 0);
	ck_assert_uint_eq(strv_len(read), 0);
	strv_free(read);
	ck_assert_int_eq(store_environment_get(s, 3, &read), -ENOENT);
	free(big);
	store_close(s);
}
END_TEST

START_TEST(a_token_is_a_users_and_lasts_seven_days)
{
	const uint64_t start = 20000 * DAY_US;
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);

	store_token_put(s, 1, "abc", 7, start);
	store_token_put(s, 2, "abc", 8, start);
	store_token_put(s, 1, "abcd", 9, start + DAY_US);
	store_token_put(s, 1, "again", 10, start);
	store_token_put(s, 1, "again", 11, start + 2 * DAY_US);
	fixture_commit(s);
	store_close(s);
	s = fixture_open(dir);
	ck_assert_uint_eq(store_token_get(s, 1, "abc"), 7);
	ck_assert_uint_eq(store_token_get(s, 2, "abc"), 8);
	ck_assert_uint_eq(store_token_get(s, 3, "abc"), 0);
	fixture_commit(s);
	store_tick(s, start + 7 * DAY_US - 1);
	ck_assert_uint_eq(store_token_get(s, 1, "abc"), 7);
	fixture_commit(s);
	store_tick(s, start + 7 * DAY_US);
	ck_assert_uint_eq(store_token_get(s, 1, "abc"), 0);
	ck_assert_uint_eq(store_token_get(s, 2, "abc"), 0);
	ck_assert_uint_eq(store_token_get(s, 1, "abcd"), 9);
	ck_assert_uint_eq(store_token_get(s, 1, "again"), 11);
	fixture_commit(s);
	store_tick(s, start + 20 * DAY_US);
	ck_assert_uint_eq(store_token_get(s, 1, "abcd"), 0);
	ck_assert_uint_eq(store_token_get(s, 1, "again"), 0);
	ck_assert_uint_eq(fixture_rows(s, TABLE_TOKENS), 0);
	ck_assert_uint_eq(fixture_rows(s, TABLE_TOKEN_AGES), 0);
	store_close(s);
}
END_TEST

static void spoil(struct store *s, enum table t, uint64_t id)
{
	uint8_t key[8];

	put_be64(key, id);
	table_put(s, t, key, sizeof(key), "\x01\x7fnot a row", 11);
}

START_TEST(a_live_row_that_can_not_be_read_is_set_aside_and_the_others_load)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);
	struct loaded l = { .n = 0 }, again = { .n = 0 };
	uint8_t key[9] = { TABLE_LIVE };
	DBT d;

	for (uint64_t id = 1; id <= 4; id++)
		fixture_put(s, id, JOB_QUEUED);
	spoil(s, TABLE_LIVE, 2);
	spoil(s, TABLE_LIVE, 4);
	fixture_commit(s);
	store_close(s);
	for (int i = 0; i < 2; i++) {
		l.n = 0;
		s = fixture_open(dir);
		ck_assert_int_eq(store_load(s, remember, &l), 0);
		ck_assert_uint_eq(l.n, 2);
		ck_assert_uint_eq(l.ids[1], 3);
		put_be64(key + 1, 4);
		ck_assert_int_eq(table_get(s, TABLE_ASIDE, key, sizeof(key), &d), 0);
		ck_assert_uint_eq(d.size, 11);
		store_close(s);
	}
	s = fixture_open(dir);
	again.stop_after = 1;
	ck_assert_int_eq(store_load(s, remember, &again), 0);
	ck_assert_uint_eq(again.n, 1);
	store_close(s);
}
END_TEST

START_TEST(an_ended_row_that_can_not_be_read_is_set_aside_and_the_page_goes_on)
{
	struct store *s = fixture_open(fixture_dir());
	uint64_t counts[JOB_STATES];
	struct job j;

	for (uint64_t id = 1; id <= 5; id++)
		fixture_put(s, id, JOB_FAILED);
	spoil(s, TABLE_ENDED, 3);
	fixture_commit(s);
	ck_assert_uint_eq(count_ended(s, &(struct job_filter){ .states = 1u << JOB_FAILED }), 4);
	ck_assert(store_is_dirty(s));
	fixture_commit(s);
	store_ended_counts(s, counts);
	ck_assert_uint_eq(counts[JOB_FAILED], 4);
	ck_assert_uint_eq(count_ended(s, &(struct job_filter){ 0 }), 4);
	ck_assert_int_eq(store_job_get(s, 3, &j), -ENOENT);
	store_close(s);
}
END_TEST

START_TEST(fields_of_a_newer_version_survive_a_change_by_this_one)
{
	struct store *s = fixture_open(fixture_dir());
	struct job j;
	struct tlv t = { 0 };
	bool found = false;

	fixture_job(&j, 1, JOB_QUEUED);
	tlv_put_str(&j.unknown, 900, "from tomorrow");
	store_job_put(s, &j);
	job_fini(&j);
	fixture_commit(s);
	ck_assert_int_eq(store_job_get(s, 1, &j), 0);
	j.state = JOB_FAILED;
	store_job_put(s, &j);
	job_fini(&j);
	fixture_commit(s);
	ck_assert_int_eq(store_job_get(s, 1, &j), 0);
	struct tlv_reader r = { j.unknown.data, j.unknown.len, false };
	while (tlv_next(&r, &t))
		found = t.tag == 900 && t.len == strlen("from tomorrow");
	ck_assert(found);
	job_fini(&j);
	store_close(s);
}
END_TEST

START_TEST(reading_and_ticking_write_nothing)
{
	struct store *s = fixture_open(fixture_dir());
	struct job j;

	fixture_put(s, 1, JOB_FAILED);
	fixture_commit(s);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(store_job_get(s, 1, &j), 0);
		job_fini(&j);
		count_ended(s, &(struct job_filter){ 0 });
		ck_assert(!store_is_dirty(s));
		fixture_commit(s);
		store_tick(s, DAY_US);
	}
	store_close(s);
}
END_TEST

START_TEST(logs_do_not_pile_up)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);
	char *env[] = { malloc(10000), NULL };

	memset(env[0], 'x', 9999);
	env[0][9999] = '\0';
	for (uint64_t id = 1; id <= 2000; id++) {
		store_environment_put(s, id, env);
		if (id % 10 == 0) {
			fixture_commit(s);
			store_tick(s, DAY_US);
		}
	}
	fixture_shell("test $(ls %s/store/log.* | wc -l) -le 4", dir);
	free(env[0]);
	store_close(s);
}
END_TEST

START_TEST(the_ballast_is_real_and_comes_and_goes)
{
	const char *dir = fixture_dir();
	struct store *s = fixture_open(dir);
	struct stat st;

	ck_assert_int_eq(stat(fixture_path(dir, "ballast"), &st), 0);
	ck_assert_int_ge(st.st_blocks * 512, 1 << 20);
	files_ballast(s, false);
	ck_assert_int_eq(stat(fixture_path(dir, "ballast"), &st), -1);
	files_ballast(s, true);
	ck_assert_int_eq(stat(fixture_path(dir, "ballast"), &st), 0);
	store_close(s);
}
END_TEST

START_TEST(the_ballast_is_made_again_when_there_is_room_looked_at_once_a_minute)
{
	const char *dir = fixture_dir();
	struct store_options o = { .dir = dir, .ballast_bytes = 1 << 20 };
	struct store *s;
	struct stat st;
	char *why;

	o.low_disk_bytes = UINT64_MAX; /* no disk has so much room */
	ck_assert_int_eq(store_open(&o, &s, &why), 0);
	store_tick(s, 0);
	store_close(s);
	ck_assert_int_eq(stat(fixture_path(dir, "ballast"), &st), -1);
	o.low_disk_bytes = 1;
	ck_assert_int_eq(store_open(&o, &s, &why), 0);
	files_ballast(s, false);
	store_tick(s, 0);
	ck_assert_int_eq(stat(fixture_path(dir, "ballast"), &st), 0);
	ck_assert_int_ge(st.st_blocks * 512, 1 << 20);
	files_ballast(s, false);
	store_tick(s, 0);
	ck_assert_int_eq(stat(fixture_path(dir, "ballast"), &st), -1);
	store_close(s);
}
END_TEST

STORE_MAIN("store", what_was_committed_is_there_after_reopening,
    a_turn_that_was_not_committed_never_was, reads_see_the_turns_own_puts,
    a_turn_of_ten_thousand_submissions_fits, a_job_is_where_its_state_says_and_nowhere_else,
    a_changed_job_is_found_by_what_it_is_now, a_deleted_job_leaves_its_entries_and_nothing_else,
    the_environment_is_given_back_as_it_was, a_token_is_a_users_and_lasts_seven_days,
    a_live_row_that_can_not_be_read_is_set_aside_and_the_others_load,
    an_ended_row_that_can_not_be_read_is_set_aside_and_the_page_goes_on,
    fields_of_a_newer_version_survive_a_change_by_this_one, reading_and_ticking_write_nothing,
    logs_do_not_pile_up, the_ballast_is_real_and_comes_and_goes,
    the_ballast_is_made_again_when_there_is_room_looked_at_once_a_minute)

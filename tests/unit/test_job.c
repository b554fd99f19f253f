/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "jobd/core/job.h"

#include <string.h>

#include "jobd/core/journal.h"
#include "unit.h"

static char ann[] = "ann", nightly[] = "nightly", alpha[] = "alpha", name[] = "ingest-42",
	    rsync[] = "rsync", path[] = "/srv/Photos", site[] = "site", berlin[] = "Berlin",
	    error[] = "no such Host";
static char *command[] = { rsync, path, NULL };
static struct job_meta meta[] = { { site, berlin } };

/* A job that owns nothing. */
static struct job sample(void)
{
	struct job j;

	job_init(&j);
	j.id = 7;
	j.state = JOB_FAILED;
	j.user = ann;
	j.queue = nightly;
	j.project = alpha;
	j.name = name;
	j.command = command;
	j.meta = meta;
	j.nmeta = 1;
	j.submitted_at_us = 1000;
	j.now.error = error;
	return j;
}

static bool match(struct job_filter f)
{
	struct job j = sample();

	return job_filter_match(&f, &j);
}

START_TEST(every_state_and_reason_has_a_name_of_its_own)
{
	for (unsigned i = 1; i < JOB_STATES; i++) {
		ck_assert_ptr_nonnull(job_state_name(i));
		ck_assert_uint_eq(job_state_parse(job_state_name(i)), i);
		ck_assert_int_eq(job_has_ended(i), i >= JOB_COMPLETED);
	}
	ck_assert_ptr_null(job_state_name(0));
	ck_assert_ptr_null(job_state_name(JOB_STATES));
	ck_assert_uint_eq(job_state_parse("Running"), 0);
	ck_assert_uint_eq(job_state_parse(""), 0);
	ck_assert_ptr_null(job_reason_name(REASON_NONE));
	ck_assert_str_eq(job_reason_name(REASON_QUEUE_FULL), "queue-full");
	ck_assert_str_eq(job_reason_name(REASON_LOST), "lost");
	for (unsigned i = REASON_PRIORITY; i <= REASON_LOST; i++) {
		const char *one = job_reason_name(i);
		for (unsigned k = i + 1; one && k <= REASON_LOST; k++)
			ck_assert(!job_reason_name(k) || strcmp(one, job_reason_name(k)) != 0);
		ck_assert((one != NULL) == (i <= REASON_LOW_DISK || i >= REASON_EXIT));
	}
}
END_TEST

START_TEST(an_empty_filter_matches_everything)
{
	struct job empty;

	job_init(&empty);
	ck_assert(match((struct job_filter){ 0 }));
	ck_assert(job_filter_match(&(struct job_filter){ 0 }, &empty));
}
END_TEST

START_TEST(a_filter_matches_by_id_and_state)
{
	const uint64_t with[] = { 1, 7, 9 }, without[] = { 1, 8 };

	ck_assert(match((struct job_filter){ .ids = with, .nids = 3 }));
	ck_assert(!match((struct job_filter){ .ids = without, .nids = 2 }));
	ck_assert(match((struct job_filter){ .states = 1u << JOB_FAILED | 1u << JOB_QUEUED }));
	ck_assert(!match((struct job_filter){ .states = 1u << JOB_QUEUED }));
}
END_TEST

START_TEST(a_filter_matches_by_batch)
{
	struct job j = sample();

	ck_assert(!match((struct job_filter){ .batch = 5 }));
	j.batch = 5;
	ck_assert(job_filter_match(&(struct job_filter){ .batch = 5 }, &j));
	ck_assert(!job_filter_match(&(struct job_filter){ .batch = 6 }, &j));
}
END_TEST

START_TEST(a_filter_matches_by_the_reason_of_an_end_and_leaves_other_reasons_to_who_knows_them)
{
	const struct job_filter lost = { .reasons = 1u << REASON_LOST | 1u << REASON_QUEUE_FULL };
	struct job j = sample();

	j.state = JOB_FAILED;
	j.reason = REASON_LOST;
	ck_assert(job_filter_match(&lost, &j));
	j.reason = REASON_EXIT;
	ck_assert(!job_filter_match(&lost, &j));
	j.reason = REASON_NONE;
	ck_assert(!job_filter_match(&lost, &j));
	j.state = JOB_QUEUED;
	ck_assert(job_filter_match(&lost, &j));
	ck_assert(job_filter_has_reason(&lost, REASON_QUEUE_FULL));
	ck_assert(!job_filter_has_reason(&lost, REASON_NONE));
	ck_assert(job_filter_has_reason(&(struct job_filter){ 0 }, REASON_NONE));
}
END_TEST

START_TEST(every_reason_is_found_by_its_name)
{
	for (int r = 0; r < JOB_REASONS; r++)
		if (job_reason_name((enum job_reason)r))
			ck_assert_int_eq(job_reason_parse(job_reason_name((enum job_reason)r)), r);
	ck_assert_int_eq(job_reason_parse("bored"), REASON_NONE);
	ck_assert_ptr_null(job_reason_name(JOB_REASONS));
	ck_assert_ptr_nonnull(job_reason_name(JOB_REASONS - 1));
}
END_TEST

START_TEST(of_several_values_one_must_match_and_all_kinds_must)
{
	const char *const users[] = { "bob", "ann", NULL }, *const others[] = { "bob", NULL };
	const char *const none[] = { NULL }, *const queues[] = { "nightly", NULL };
	struct job j = sample();

	ck_assert(match((struct job_filter){ .users = users, .queues = queues }));
	ck_assert(!match((struct job_filter){ .users = others, .queues = queues }));
	ck_assert(!match((struct job_filter){ .users = none }));
	ck_assert(!match((struct job_filter){ .projects = users }));
	j.project = NULL;
	ck_assert(!job_filter_match(&(struct job_filter){ .projects = users }, &j));
}
END_TEST

START_TEST(a_filter_matches_names_by_glob_and_meta_by_pair)
{
	const struct job_meta right = { site, berlin }, wrong = { site, ann }, key = { ann, berlin };
	const struct job_meta both[] = { right, wrong };
	struct job j = sample();

	ck_assert(match((struct job_filter){ .name_glob = "ingest-*" }));
	ck_assert(match((struct job_filter){ .name_glob = "ingest-[0-9]?" }));
	ck_assert(!match((struct job_filter){ .name_glob = "ingest" }));
	ck_assert(match((struct job_filter){ .meta = &right, .nmeta = 1 }));
	ck_assert(!match((struct job_filter){ .meta = &wrong, .nmeta = 1 }));
	ck_assert(!match((struct job_filter){ .meta = &key, .nmeta = 1 }));
	ck_assert(!match((struct job_filter){ .meta = both, .nmeta = 2 }));
	j.name = NULL;
	ck_assert(!job_filter_match(&(struct job_filter){ .name_glob = "*" }, &j));
}
END_TEST

START_TEST(a_window_of_time_holds_its_beginning_and_not_its_end)
{
	ck_assert(match((struct job_filter){ .since_us = 1000, .until_us = 1001 }));
	ck_assert(!match((struct job_filter){ .since_us = 1001 }));
	ck_assert(!match((struct job_filter){ .until_us = 1000 }));
}
END_TEST

START_TEST(search_looks_at_all_text_and_ignores_case)
{
	const char *const found[] = { "INGEST", "photos", "RSYNC", "Alpha", "such host", "berl", "" };
	const char *const not[] = { "ann", "nightly", "site", "rsync /srv" };

	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++)
		ck_assert_msg(match((struct job_filter){ .search = found[i] }), "%s", found[i]);
	for (size_t i = 0; i < sizeof(not) / sizeof(not[0]); i++)
		ck_assert_msg(!match((struct job_filter){ .search = not[i] }), "%s", not[i]);
}
END_TEST

static bool entry_match(struct journal_filter f)
{
	static char verb[] = "pause";
	const struct journal_entry e = { .number = 3, .at_us = 50, .job = 7, .verb = verb,
		.has_actor = true, .uid = 10, .user = ann, .owner = 20 };

	return journal_filter_match(&f, &e);
}

START_TEST(entries_of_the_journal_match_as_jobs_do)
{
	const uint64_t jobs[] = { 7 }, others[] = { 8 };
	const char *const users[] = { "ann", NULL }, *const verbs[] = { "resume", NULL };

	ck_assert(entry_match((struct journal_filter){ 0 }));
	ck_assert(entry_match((struct journal_filter){ .jobs = jobs, .njobs = 1, .users = users }));
	ck_assert(!entry_match((struct journal_filter){ .jobs = others, .njobs = 1 }));
	ck_assert(!entry_match((struct journal_filter){ .verbs = verbs }));
	ck_assert(!entry_match((struct journal_filter){ .users = verbs }));
	ck_assert(entry_match((struct journal_filter){ .since_us = 50, .until_us = 51 }));
	ck_assert(!entry_match((struct journal_filter){ .since_us = 51 }));
	ck_assert(!entry_match((struct journal_filter){ .until_us = 50 }));
}
END_TEST

START_TEST(an_entry_is_its_owners_and_its_actors)
{
	struct journal_entry by_itself = { .uid = 10, .owner = 20 };
	struct journal_filter f = { .limit_uid = true, .uid = 10 };

	ck_assert(entry_match(f));
	ck_assert(entry_match((struct journal_filter){ .limit_uid = true, .uid = 20 }));
	ck_assert(!entry_match((struct journal_filter){ .limit_uid = true, .uid = 30 }));
	/* What jobd did by itself has no actor, whatever stands in uid. */
	ck_assert(!journal_filter_match(&f, &by_itself));
	ck_assert(entry_match((struct journal_filter){ .control = true }));
	ck_assert(!journal_filter_match(&(struct journal_filter){ .control = true }, &by_itself));
}
END_TEST

START_TEST(what_was_waited_for_is_met_by_these_ends_and_no_others)
{
	for (unsigned i = 0; i < JOB_STATES; i++) {
		ck_assert_int_eq(after_is_met(AFTER_OK, i), i == JOB_COMPLETED);
		ck_assert_int_eq(after_is_met(AFTER_FAILED, i), i == JOB_FAILED || i == JOB_CANCELLED);
		ck_assert_int_eq(after_is_met(AFTER_ANY, i), job_has_ended(i));
		ck_assert(!after_is_met(0, i));
	}
	for (unsigned on = AFTER_OK; on <= AFTER_ANY; on++)
		ck_assert_uint_eq(after_on_parse(after_on_name(on)), on);
	ck_assert_str_eq(after_on_name(AFTER_FAILED), "failed");
	ck_assert_ptr_null(after_on_name(0));
	ck_assert_ptr_null(after_on_name(AFTER_ANY + 1));
	ck_assert_uint_eq(after_on_parse("OK"), 0);
	ck_assert_uint_eq(after_on_parse(""), 0);
}
END_TEST

START_TEST(what_is_not_reported_is_minus_one)
{
	struct job j;

	memset(&j, 0xff, sizeof(j));
	job_init(&j);
	ck_assert_ptr_null(j.progress);
	j.progress = job_progress_new();
	ck_assert_ptr_nonnull(j.progress);
	ck_assert_int_eq(j.progress->percent, -1);
	ck_assert_int_eq(j.progress->steps, -1);
	ck_assert_ptr_null(j.progress->text);
	ck_assert_ptr_null(j.unknown.data);
	job_fini(&j);
	job_fini(&j);
	ck_assert_ptr_null(j.progress);
}
END_TEST

START_TEST(every_text_is_counted_and_an_empty_one_costs_something)
{
	static char empty[] = "", rule[] = "timeout=2h";
	static char *words[] = { rsync, empty, NULL }, *rules[] = { rule, NULL };
	struct job j = sample();
	size_t n = job_bytes(&j);

	ck_assert_uint_gt(n, strlen("ann" "nightly" "alpha" "ingest-42" "rsync" "/srv/Photos" "site" "Berlin"));
	j.cwd = path;
	ck_assert_uint_gt(job_bytes(&j), n + strlen(path));
	n = job_bytes(&j);
	j.rules = rules;
	ck_assert_uint_gt(job_bytes(&j), n + strlen(rule));
	n = job_bytes(&j);
	j.nmeta = 0;
	ck_assert_uint_lt(job_bytes(&j), n - strlen("site" "Berlin"));
	j.command = words + 1;
	n = job_bytes(&j);
	j.command = words + 2;
	ck_assert_uint_lt(job_bytes(&j), n - 8);
}
END_TEST

START_TEST(texts_and_attempts_are_work)
{
	struct job j = sample();

	ck_assert_uint_eq(job_work(&j, job_bytes(&j)), 1);
	ck_assert_uint_gt(job_work(&j, 100000), 20);
	j.nhistory = JOB_HISTORY_MAX;
	ck_assert_uint_gt(job_work(&j, job_bytes(&j)), 20);
}
END_TEST

UNIT_MAIN("job", texts_and_attempts_are_work, every_text_is_counted_and_an_empty_one_costs_something,
    every_state_and_reason_has_a_name_of_its_own, an_empty_filter_matches_everything,
    a_filter_matches_by_id_and_state, a_filter_matches_by_batch,
    a_filter_matches_by_the_reason_of_an_end_and_leaves_other_reasons_to_who_knows_them,
    every_reason_is_found_by_its_name, of_several_values_one_must_match_and_all_kinds_must,
    a_filter_matches_names_by_glob_and_meta_by_pair,
    a_window_of_time_holds_its_beginning_and_not_its_end, search_looks_at_all_text_and_ignores_case,
    entries_of_the_journal_match_as_jobs_do, an_entry_is_its_owners_and_its_actors,
    what_was_waited_for_is_met_by_these_ends_and_no_others, what_is_not_reported_is_minus_one)
